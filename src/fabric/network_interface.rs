//! Network interfaces: what they are asked to be, and what they hold.
//!
//! The rules are in `rules`, what they find in `findings`; what a put does is in `effects`, the life of private addresses
//! in `addresses`, and what is reported in `view`.

mod addresses;
mod effects;
mod findings;
mod rules;
#[cfg(test)]
mod tests;
mod view;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::engine::Engine;
use super::holder::Holder;
use super::id::{Kind, Name, ObjectId, Placement};
use super::ipam::PoolId;
use super::mac::Mac;
use super::private_addresses::{self, Wanted, allocate};
use super::public_ip_address::{dissociate, restore_association};
use super::quota::Quota;
use super::reference::Reference;
use super::resource::{Advice, DeletionRule, Programmed, Resource, Rule};
use super::terms::{DeleteOption, IpVersion, Primary, Switch};
use super::violation::WaitKey;
use super::virtual_machine::{self, PowerState, VirtualMachine};
pub(super) use addresses::{reassign, serve_ipv6, waiting_for_ipv6};
use effects::apply_now;
pub(super) use effects::{vm_power_changed, vm_started};
pub(super) use rules::edit_needs_deallocated;
pub use view::{ConfigurationView, NetworkInterfaceView, NicDnsView, PublicAddressShown};

/// What is asked of a network interface. Its configurations name their public addresses, each an object; those of the model of
/// a scale set (`P`) say what the public address of every instance is made from.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkInterface<P = Name> {
    /// The one subnet that all its configurations are in (NIC-09).
    pub subnet: Name,
    /// Whether its VM may pass on traffic that is not its own (NIC-18).
    pub ip_forwarding: Switch,
    /// Whether traffic bypasses the host's virtual switch (NIC-20).
    pub accelerated_networking: Switch,
    /// DNS servers of this NIC alone; none means those of the virtual network (NIC-21).
    pub dns_servers: Vec<IpAddr>,
    /// Its name among the NICs of the virtual network (NIC-22).
    pub internal_dns_name_label: Option<String>,
    /// Its IP configurations, as listed.
    pub configurations: Vec<IpConfiguration<P>>,
}

/// What is asked of one IP configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct IpConfiguration<P = Name> {
    /// Its name, unique in the NIC (IPC-10).
    pub name: Arc<str>,
    /// Whether this is the primary one.
    pub primary: Primary,
    /// The version of its private address.
    pub version: IpVersion,
    /// How its private address is chosen.
    pub assignment: Assignment,
    /// The public IP address that is associated with this IP configuration.
    pub public_ip_address: Option<P>,
    /// What becomes of that when the virtual machine is deleted, and this NIC with it.
    pub public_delete_option: DeleteOption,
}

/// How the private address of a configuration is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assignment {
    /// The lowest free one, kept while the configuration stays in its subnet.
    Dynamic,
    /// This one.
    Static(IpAddr),
    /// The one it has; becomes that when the request is resolved (IPC-09).
    KeepCurrent,
}

impl<P> NetworkInterface<P> {
    /// The same with other public addresses: those that `public` gives its configurations.
    pub fn with_publics<Q>(&self, public: impl Fn(&IpConfiguration<P>) -> Option<Q>) -> NetworkInterface<Q> {
        let configurations = self.configurations.iter().map(|configuration| IpConfiguration {
            name: configuration.name.clone(),
            primary: configuration.primary,
            version: configuration.version,
            assignment: configuration.assignment,
            public_ip_address: public(configuration),
            public_delete_option: configuration.public_delete_option,
        });
        NetworkInterface {
            subnet: self.subnet.clone(),
            ip_forwarding: self.ip_forwarding,
            accelerated_networking: self.accelerated_networking,
            dns_servers: self.dns_servers.clone(),
            internal_dns_name_label: self.internal_dns_name_label.clone(),
            configurations: configurations.collect(),
        }
    }
}

/// What the fabric holds of a network interface.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeldNetworkInterface {
    /// The private address of each configuration.
    pub addresses: BTreeMap<Arc<str>, IpAddr>,
    /// Its MAC address, from the first start of its VM on (NIC-14).
    pub mac: Option<Mac>,
    /// The one VM that it is attached to (VM-07).
    pub attached: Option<Attached>,
}

/// An attachment of a NIC to a VM.
#[derive(Clone, Debug, PartialEq)]
pub struct Attached {
    /// The virtual machine.
    pub vm: Name,
    /// Which attachment of the VM it was, counted up (VM-16).
    pub seq: u64,
    /// Whether it is the VM's primary NIC.
    pub primary: bool,
}

impl Resource for NetworkInterface {
    type Held = HeldNetworkInterface;
    type View = NetworkInterfaceView;

    const ARM_TYPE: &'static str = "Microsoft.Network/networkInterfaces";
    const RULES: &'static [Rule<Self>] = rules::RULES;
    const DELETION_RULES: &'static [DeletionRule] = rules::DELETION_RULES;

    fn requests_specific_address(&self) -> bool {
        self.configurations.iter().any(|configuration| matches!(configuration.assignment, Assignment::Static(_)))
    }

    fn requested_addresses(&self) -> Vec<(PoolId, IpAddr)> {
        let requested = self.configurations.iter().filter_map(|configuration| match configuration.assignment {
            Assignment::Static(address) => Some((PoolId::of_subnet(&self.subnet, IpVersion::of(&address)), address)),
            Assignment::Dynamic | Assignment::KeepCurrent => None,
        });
        requested.collect()
    }

    fn references(&self) -> Vec<Reference> {
        let public = self.configurations.iter().enumerate().filter_map(|(n, configuration)| {
            let public = configuration.public_ip_address.as_ref()?;
            Some(Reference::new(Kind::PublicIPAddress, public, rules::path(n, "publicIPAddress"), "PIP-12"))
        });
        let subnet = Reference::new(Kind::Subnet, &self.subnet, "spec.subnet", "NIC-03");
        std::iter::once(subnet).chain(public).collect()
    }

    fn counts(&self, placement: &Placement) -> Vec<Quota> {
        vec![Quota::NetworkInterfaces(placement.clone())]
    }

    fn resolve(&mut self, _: &Engine, programmed: Option<&Programmed<Self>>) {
        self.resolve_primary(programmed);
        let moved = programmed.is_some_and(|programmed| programmed.ask.subnet != self.subnet);
        for configuration in self.configurations.iter_mut().filter(|c| c.assignment == Assignment::KeepCurrent) {
            let held = programmed.and_then(|programmed| programmed.held.addresses.get(&configuration.name));
            if let Some(address) = held.filter(|_| !moved) {
                configuration.assignment = Assignment::Static(*address);
            }
        }
    }

    fn apply(engine: &mut Engine, name: &Name, before: Option<&Self>) {
        let Some(programmed) = engine.get::<Self>(name) else { return };
        let (ask, held) = (programmed.ask.clone(), programmed.held.clone());
        let vm = held.attached.as_ref().map(|attached| attached.vm.clone());
        match (vm, before) {
            (Some(vm), Some(old)) if !rules::edits_that_need_deallocated(old, &held, &ask).is_empty() => {
                virtual_machine::deallocated_meanwhile(engine, &vm, |engine| {
                    apply_now(engine, name, before, ask, held)
                });
            }
            _ => apply_now(engine, name, before, ask, held),
        }
    }

    fn release(engine: &mut Engine, name: &Name, gone: &Programmed<Self>) {
        let this = ObjectId::new(Kind::NetworkInterface, name.clone());
        for address in gone.held.addresses.values() {
            private_addresses::release(engine, &gone.ask.subnet, *address);
        }
        for public in gone.ask.public_ip_addresses() {
            dissociate(engine, public, &this);
        }
        if let Some(mac) = gone.held.mac {
            engine.macs.release(mac);
        }
        engine.wake(WaitKey::claim(Kind::NetworkInterface, name));
    }

    fn restore_held(engine: &mut Engine, name: &Name, view: &NetworkInterfaceView) -> Vec<String> {
        let Some(ask) = engine.get::<Self>(name).map(|programmed| programmed.ask.clone()) else { return Vec::new() };
        let mut dropped = Vec::new();
        for (configuration, address) in view.addresses() {
            let asked = ask.configurations.iter().find(|asked| asked.name == configuration);
            let fits = asked.is_some_and(|asked| match asked.assignment {
                _ if asked.version != IpVersion::of(&address) => false,
                Assignment::Static(wanted) => wanted == address,
                Assignment::Dynamic | Assignment::KeepCurrent => true,
            });
            let has_one = engine.get::<Self>(name).is_some_and(|nic| nic.held.addresses.contains_key(&configuration));
            let holder = Holder::configuration(name, &configuration);
            let is_its_own =
                fits && !has_one && allocate(engine, &ask.subnet, Wanted::This(address), &holder).is_some();
            match engine.get_mut::<Self>(name) {
                Some(programmed) if is_its_own => {
                    programmed.held.addresses.insert(configuration, address);
                }
                _ => dropped.push(format!("address {address} of configuration {configuration} cannot be its own")),
            }
        }
        for configuration in &ask.configurations {
            let Some(public) = &configuration.public_ip_address else { continue };
            if !restore_association(engine, public, Holder::configuration(name, &configuration.name)) {
                dropped.push(format!("PublicIPAddress {public} is held by another"));
            }
        }
        match view.mac_address {
            Some(mac) if engine.macs.reserve(mac) => {
                if let Some(programmed) = engine.get_mut::<Self>(name) {
                    programmed.held.mac = Some(mac);
                }
            }
            Some(mac) => dropped.push(format!("MAC address {mac} is another's")),
            None => {}
        }
        dropped
    }

    fn is_unclaimed(_: &Engine, _: &Name, programmed: &Programmed<Self>) -> Option<bool> {
        Some(programmed.held.attached.is_none())
    }

    fn observe(engine: &Engine, name: &Name, programmed: &Programmed<Self>) -> NetworkInterfaceView {
        view::observe(engine, name, programmed)
    }

    fn advice(engine: &Engine, _: &Name, programmed: &Programmed<Self>) -> Vec<Advice> {
        let vm =
            programmed.held.attached.as_ref().filter(|_| programmed.held.mac.is_none()).map(|attached| &attached.vm);
        let running =
            vm.filter(|vm| engine.get::<VirtualMachine>(vm).is_some_and(|vm| vm.held.power == PowerState::Running));
        let advice = running.map(|vm| Advice {
            condition: "RestartRequired",
            reason: "PrimaryAddressChanged",
            message: format!(
                "The primary address has changed, and the MAC address with it. VirtualMachine {vm} needs a restart to have a new one: set its annotation vnet.dev/restartedAt to the time."
            ),
        });
        advice.into_iter().collect()
    }
}

impl NetworkInterface {
    /// The primary configuration, once the request is resolved.
    pub fn primary(&self) -> Option<&IpConfiguration> {
        self.configurations.iter().find(|configuration| configuration.primary == Primary::Yes)
    }

    /// The public addresses that its configurations hold.
    pub fn public_ip_addresses(&self) -> impl Iterator<Item = &Name> {
        self.configurations.iter().filter_map(|configuration| configuration.public_ip_address.as_ref())
    }

    /// The only configuration is primary, also if it says `primary: false` (IPC-02), unless it would take the place of
    /// another without a mark (S-02); of several, the programmed primary stays (S-04).
    fn resolve_primary(&mut self, programmed: Option<&Programmed<Self>>) {
        let marked = self.configurations.iter().any(|configuration| configuration.primary == Primary::Yes);
        let alone = self.configurations.len() == 1;
        let before = programmed.and_then(|programmed| programmed.ask.primary()).map(|primary| primary.name.clone());
        for configuration in self.configurations.iter_mut().filter(|_| !marked) {
            let stays = before.as_ref() == Some(&configuration.name);
            let is_open = configuration.primary == Primary::Unspecified;
            if alone && before.is_none() || stays && (alone || is_open) {
                configuration.primary = Primary::Yes;
            }
        }
        if self.primary().is_some() {
            for configuration in self.configurations.iter_mut().filter(|c| c.primary == Primary::Unspecified) {
                configuration.primary = Primary::No;
            }
        }
    }
}

fn primary_address(ask: &NetworkInterface, held: &BTreeMap<Arc<str>, IpAddr>) -> Option<IpAddr> {
    held.get(&ask.primary()?.name).copied()
}
