//! The model of a scale set: what every instance is made from.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::fabric::id::Name;
use crate::fabric::network_interface::{IpConfiguration, NetworkInterface};
use crate::fabric::public_ip_address::{PublicIPAddress, Sku};
use crate::fabric::reference::Reference;
use crate::fabric::resource::Resource;
use crate::fabric::sizes::VmSize;
use crate::fabric::terms::{DeleteOption, IpVersion, Primary};
use crate::fabric::virtual_machine::OsType;
use crate::fabric::zones::Zones;

/// What instances are made from: `spec.sku` and `spec.virtualMachineProfile`.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// The size of every instance. A change is a change of the model.
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
    /// The name of the network interface within the instance.
    pub name: Arc<str>,
    /// Whether this is the primary one.
    pub primary: Primary,
    /// What becomes of it when the virtual machine of an instance of a Flexible set is deleted.
    pub delete_option: DeleteOption,
    /// What is asked of it; its private addresses are Dynamic, and it has no internal DNS name label (VMSS-22, VMSS-30).
    pub interface: NetworkInterface<PublicModel>,
}

/// One IP configuration of every instance, with the public address that each gets for it (VMSS-08).
pub type ConfigurationModel = IpConfiguration<PublicModel>;

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

impl PublicModel {
    /// What is asked of a public address that is made from this, with a label of its own.
    pub(super) fn ask(&self, domain_name_label: Option<String>) -> PublicIPAddress {
        PublicIPAddress {
            sku: self.sku,
            method: self.sku.default_method(),
            version: IpVersion::IPv4,
            idle_timeout_minutes: self.idle_timeout_minutes,
            domain_name_label,
            public_ip_prefix: self.prefix.clone(),
            requested_address: None,
            zones: Zones::new(),
        }
    }
}

/// Marks the only network interface or configuration primary, whatever it says of itself (IPC-02, VM-09).
pub fn mark_primary(network: &mut [NicModel]) {
    if let [only] = network {
        only.primary = Primary::Yes;
    }
    let marked = network.iter().any(|nic| nic.primary == Primary::Yes);
    for nic in network.iter_mut() {
        if marked && nic.primary == Primary::Unspecified {
            nic.primary = Primary::No;
        }
        if let [only] = nic.interface.configurations.as_mut_slice() {
            only.primary = Primary::Yes;
        }
        let marked = nic.interface.configurations.iter().any(|configuration| configuration.primary == Primary::Yes);
        for configuration in
            nic.interface.configurations.iter_mut().filter(|c| marked && c.primary == Primary::Unspecified)
        {
            configuration.primary = Primary::No;
        }
    }
}

/// True if no two network interfaces have one name, and no two configurations of one, letter case ignored (VMSS-07, IPC-10,
/// ARM-06). What was accepted is so; a status may have any.
pub fn names_are_unique(network: &[NicModel]) -> bool {
    let nics: BTreeSet<String> = network.iter().map(|nic| nic.name.to_ascii_lowercase()).collect();
    let configurations_differ = |nic: &NicModel| {
        let names = nic.interface.configurations.iter().map(|configuration| configuration.name.to_ascii_lowercase());
        names.collect::<BTreeSet<_>>().len() == nic.interface.configurations.len()
    };
    nics.len() == network.len() && network.iter().all(configurations_differ)
}

/// The domain name labels of a network.
pub fn labels(network: &[NicModel]) -> impl Iterator<Item = &String> {
    publics(network).filter_map(|(_, _, public)| public.domain_name_label.as_ref())
}

/// What a network refers to, which stands in the spec below `path`: what its parts do, at their places in it.
pub fn references(network: &[NicModel], path: &str) -> Vec<Reference> {
    let at = |reference: Reference, place: &dyn Fn(&str) -> String| {
        let field = reference.path.strip_prefix("spec.").unwrap_or(&reference.path);
        Reference { path: place(field).into(), ..reference }
    };
    let mut all = Vec::new();
    for (n, nic) in network.iter().enumerate() {
        let own = nic.interface.with_publics(|_| None::<Name>).references().into_iter();
        all.extend(own.map(|reference| at(reference, &|field| nic_path(path, n, field))));
    }
    for (n, m, public) in publics(network) {
        let own = public.ask(None).references().into_iter();
        all.extend(own.map(|reference| at(reference, &|field| public_path(path, n, m, field))));
    }
    all
}

/// The list of network interfaces of a network that stands in the spec below `path`.
pub fn list_path(path: &str) -> String {
    format!("{path}.networkInterfaceConfigurations")
}

/// A field of a network interface.
pub fn nic_path(path: &str, n: usize, field: &str) -> String {
    format!("{}[{n}].{field}", list_path(path))
}

/// A field of a public address.
pub fn public_path(path: &str, n: usize, m: usize, field: &str) -> String {
    nic_path(path, n, &format!("ipConfigurations[{m}].publicIPAddressConfiguration.{field}"))
}

/// The public addresses of a network, with the places of their network interface and configuration.
pub fn publics(network: &[NicModel]) -> impl Iterator<Item = (usize, usize, &PublicModel)> {
    network.iter().enumerate().flat_map(|(n, nic)| {
        let configurations = nic.interface.configurations.iter().enumerate();
        configurations.filter_map(move |(m, configuration)| Some((n, m, configuration.public_ip_address.as_ref()?)))
    })
}
