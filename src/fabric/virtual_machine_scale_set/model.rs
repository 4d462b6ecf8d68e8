//! The model of a scale set: what every instance is made from; and the parts that an instance is made of.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use super::OrchestrationMode;
use crate::fabric::id::{Kind, Name, ObjectId};
use crate::fabric::network_interface::{Assignment, IpConfiguration, IpVersion, NetworkInterface, Primary, Switch};
use crate::fabric::public_ip_address::{PublicIPAddress, Sku};
use crate::fabric::sizes::VmSize;
use crate::fabric::virtual_machine::{Disruption, NicReference, OsType, PowerWish, VirtualMachine};

/// What instances are made from: `spec.sku` and `spec.virtualMachineProfile`.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// The size of every instance.
    pub size: &'static VmSize,
    /// What the guests' names begin with.
    pub computer_name_prefix: String,
    /// The guests' operating system.
    pub os_type: OsType,
    /// The network interfaces of every instance.
    pub network: Arc<[NicModel]>,
}

/// One network interface of every instance.
#[derive(Clone, Debug, PartialEq)]
pub struct NicModel {
    /// Its name in the instance.
    pub name: Arc<str>,
    /// Whether it is the primary one.
    pub primary: Primary,
    /// Its subnet.
    pub subnet: Name,
    /// Whether the instance may pass on traffic that is not its own.
    pub ip_forwarding: Switch,
    /// Whether traffic bypasses the host's virtual switch (VMSS-23).
    pub accelerated_networking: Switch,
    /// DNS servers of its own; none means those of the virtual network (VMSS-22).
    pub dns_servers: Vec<IpAddr>,
    /// Its IP configurations (VMSS-30).
    pub configurations: Vec<ConfigurationModel>,
}

/// One IP configuration of every instance; its private address is Dynamic.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigurationModel {
    /// Its name in the network interface.
    pub name: Arc<str>,
    /// Whether it is the primary one.
    pub primary: Primary,
    /// The version of its private address.
    pub version: IpVersion,
    /// The public address that every instance gets for it (VMSS-08).
    pub public: Option<PublicModel>,
}

/// The public address of every instance.
#[derive(Clone, Debug, PartialEq)]
pub struct PublicModel {
    /// What it is called in the instance.
    pub name: String,
    /// Its SKU: without a load balancer, what is asked for (VMSS-24).
    pub sku: Sku,
    /// How long an idle flow is kept, in minutes.
    pub idle_timeout_minutes: i32,
    /// The set's domain name label; an instance's name is `vm<id>.<label>` (VMSS-09).
    pub domain_name_label: Option<String>,
    /// The public prefix that the addresses are taken from (VMSS-25).
    pub prefix: Option<Name>,
}

impl Model {
    /// The guest's name of an instance: prefix and six base-36 digits of its id (VMSS-01).
    pub fn computer_name(&self, id: u64) -> String {
        let digit = |place: u32| {
            let value = u32::try_from(id / 36_u64.pow(place) % 36).unwrap_or(0);
            char::from_digit(value, 36).unwrap_or('0').to_ascii_uppercase()
        };
        self.computer_name_prefix.chars().chain((0..6).rev().map(digit)).collect()
    }
}

/// Marks the only one, or the first at creation, primary: a single network interface or configuration need not say so.
pub fn mark_primary(network: &mut [NicModel]) {
    if let [only] = network
        && only.primary == Primary::Unsaid
    {
        only.primary = Primary::Yes;
    }
    let marked = network.iter().any(|nic| nic.primary == Primary::Yes);
    for nic in network.iter_mut() {
        if marked && nic.primary == Primary::Unsaid {
            nic.primary = Primary::No;
        }
        if let [only] = nic.configurations.as_mut_slice()
            && only.primary == Primary::Unsaid
        {
            only.primary = Primary::Yes;
        }
        let marked = nic.configurations.iter().any(|configuration| configuration.primary == Primary::Yes);
        for configuration in nic.configurations.iter_mut().filter(|c| marked && c.primary == Primary::Unsaid) {
            configuration.primary = Primary::No;
        }
    }
}

/// An instance of a Uniform set: names of its parts, and what the fabric is asked for them.
#[derive(Clone, Copy, Debug)]
pub struct InstanceName<'a> {
    /// The scale set.
    pub set: &'a Name,
    /// The instance's id.
    pub id: u64,
}

impl InstanceName<'_> {
    /// The object that shows the instance.
    pub fn object(self) -> Name {
        Name::new(self.set.namespace.clone(), format!("{}-{}", self.set.name, self.id))
    }

    /// The object that shows the instance, or in a Flexible set is it.
    pub fn object_in(self, mode: OrchestrationMode) -> ObjectId {
        let kind = match mode {
            OrchestrationMode::Uniform => Kind::VirtualMachineScaleSetVM,
            OrchestrationMode::Flexible => Kind::VirtualMachine,
        };
        ObjectId::new(kind, self.object())
    }

    /// Its virtual machine, by the real service's name of an instance (VMSS-01).
    pub fn vm(self) -> Name {
        Name::new(self.set.namespace.clone(), format!("{}_{}", self.set.name, self.id))
    }

    /// One of its network interfaces.
    pub fn nic(self, nic: &str) -> Name {
        Name::new(self.set.namespace.clone(), format!("{}_{}/{nic}", self.set.name, self.id))
    }

    /// The public address of one of its configurations.
    pub fn public(self, nic: &str, configuration: &str) -> Name {
        Name::new(self.set.namespace.clone(), format!("{}_{}/{nic}/{configuration}", self.set.name, self.id))
    }

    /// Its network interface in a Flexible set, where it is an object of its own (S-29).
    pub fn nic_object(self, nic: &str) -> Name {
        Name::new(self.set.namespace.clone(), format!("{}-{}-{nic}", self.set.name, self.id))
    }

    /// The public address of one of its configurations in a Flexible set (S-33).
    pub fn public_object(self, nic: &str, configuration: &str) -> Name {
        Name::new(self.set.namespace.clone(), format!("{}-{}-{nic}-{configuration}", self.set.name, self.id))
    }

    /// The network interface as the fabric carries it.
    pub(super) fn nic_in(self, mode: OrchestrationMode, nic: &str) -> Name {
        match mode {
            OrchestrationMode::Uniform => self.nic(nic),
            OrchestrationMode::Flexible => self.nic_object(nic),
        }
    }

    /// The public address as the fabric carries it.
    pub(super) fn public_in(self, mode: OrchestrationMode, nic: &str, configuration: &str) -> Name {
        match mode {
            OrchestrationMode::Uniform => self.public(nic, configuration),
            OrchestrationMode::Flexible => self.public_object(nic, configuration),
        }
    }

    /// What is asked of its virtual machine.
    pub fn vm_ask(self, model: &Model, network: &[NicModel], power: Option<PowerWish>) -> VirtualMachine {
        let nics = network.iter().map(|nic| NicReference { name: self.nic(&nic.name), primary: nic.primary });
        VirtualMachine {
            size: model.size,
            computer_name: model.computer_name(self.id),
            os_type: model.os_type,
            network_interfaces: nics.collect(),
            availability_set: None,
            disruption: Disruption::Deallocate, // an upgrade does what it needs
            guest: Vec::new(),
            power,
            restarted_at: None,
            member: None,
        }
    }

    /// What is asked of one of its network interfaces.
    pub fn nic_ask(self, nic: &NicModel) -> NetworkInterface {
        let configurations = nic.configurations.iter().map(|asked| IpConfiguration {
            name: asked.name.clone(),
            primary: asked.primary,
            version: asked.version,
            assignment: Assignment::Dynamic,
            public_ip_address: asked.public.as_ref().map(|_| self.public(&nic.name, &asked.name)),
        });
        NetworkInterface {
            subnet: nic.subnet.clone(),
            ip_forwarding: nic.ip_forwarding,
            accelerated_networking: nic.accelerated_networking,
            dns_servers: nic.dns_servers.clone(),
            internal_dns_name_label: None,
            configurations: configurations.collect(),
        }
    }

    /// What is asked of the public addresses of its configurations, and what they are called.
    pub fn public_asks(self, network: &[NicModel]) -> Vec<(Name, PublicIPAddress)> {
        self.public_asks_in(OrchestrationMode::Uniform, network)
    }

    /// The same, under the names of the set's mode.
    pub(super) fn public_asks_in(self, mode: OrchestrationMode, network: &[NicModel]) -> Vec<(Name, PublicIPAddress)> {
        let configurations = network.iter().flat_map(|nic| nic.configurations.iter().map(move |c| (nic, c)));
        let public = configurations.filter_map(|(nic, c)| Some((nic, c, c.public.as_ref()?)));
        public.map(|(nic, c, public)| (self.public_in(mode, &nic.name, &c.name), self.public_ask(public))).collect()
    }

    fn public_ask(self, public: &PublicModel) -> PublicIPAddress {
        let label = public.domain_name_label.as_ref();
        PublicIPAddress {
            sku: public.sku,
            method: public.sku.default_method(),
            version: IpVersion::IPv4,
            idle_timeout_minutes: public.idle_timeout_minutes,
            domain_name_label: label.map(|label| format!("vm{}.{label}", self.id)),
            public_ip_prefix: public.prefix.clone(),
        }
    }
}

/// True if no two network interfaces have one name, and no two configurations of one (VMSS-07, IPC-10). What was accepted is
/// so; a status may tell anything.
pub fn names_are_unique(network: &[NicModel]) -> bool {
    let nics: BTreeSet<&str> = network.iter().map(|nic| &*nic.name).collect();
    let configurations_differ = |nic: &NicModel| {
        let names: BTreeSet<&str> = nic.configurations.iter().map(|configuration| &*configuration.name).collect();
        names.len() == nic.configurations.len()
    };
    nics.len() == network.len() && network.iter().all(configurations_differ)
}

/// The domain name labels of a network.
pub fn labels(network: &[NicModel]) -> impl Iterator<Item = &String> {
    publics(network).filter_map(|(_, _, public)| public.domain_name_label.as_ref())
}

/// The subnets and public prefixes that a network names.
pub fn named_by(network: &[NicModel]) -> impl Iterator<Item = ObjectId> {
    let subnets = network.iter().map(|nic| ObjectId::new(Kind::Subnet, nic.subnet.clone()));
    let prefixes = publics(network).filter_map(|(_, _, public)| public.prefix.clone());
    subnets.chain(prefixes.map(|prefix| ObjectId::new(Kind::PublicIPPrefix, prefix)))
}

/// The public addresses of a network, with the places of their network interface and configuration.
pub fn publics(network: &[NicModel]) -> impl Iterator<Item = (usize, usize, &PublicModel)> {
    network.iter().enumerate().flat_map(|(n, nic)| {
        let configurations = nic.configurations.iter().enumerate();
        configurations.filter_map(move |(m, configuration)| Some((n, m, configuration.public.as_ref()?)))
    })
}
