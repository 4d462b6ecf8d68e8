//! Network interfaces: what they are asked to be, what they hold, and the effects of a put.
//!
//! The rules are in `rules`; allocation order and the life of addresses and MACs (ADDR-02 to ADDR-07, NIC-14, NIC-15)
//! are here.

mod rules;
#[cfg(test)]
mod tests;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::engine::{Engine, leave};
use super::id::{Kind, Name, ObjectId, Placement};
use super::ipam::PoolId;
use super::mac::Mac;
use super::public_ip_address;
use super::quota::Quota;
use super::resource::{Advice, DeletionRule, Programmed, Resource, Rule};
use super::subnet::Subnet;
use super::violation::WaitKey;
use super::virtual_machine::{self, PowerState, VirtualMachine};
pub use view::{ConfigurationView, NetworkInterfaceView, NicDnsView, PublicAddressShown};

/// How an address is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)] // docs of variants would take the place of the field's in the CRD
pub enum AllocationMethod {
    #[default]
    Dynamic, // by the platform, and for a time
    Static, // by the user, or for good
}

/// The version of the Internet protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)]
pub enum IpVersion {
    #[default]
    IPv4,
    IPv6,
}

impl fmt::Display for IpVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A switch that is off unless it is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Switch {
    #[default]
    Off,
    On,
}

impl From<bool> for Switch {
    fn from(on: bool) -> Self {
        if on { Switch::On } else { Switch::Off }
    }
}

/// What is asked of a network interface.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkInterface {
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
    pub configurations: Vec<IpConfiguration>,
}

/// What is asked of one IP configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct IpConfiguration {
    /// Its name, unique in the NIC (IPC-10).
    pub name: Arc<str>,
    /// Whether it is the primary one.
    pub primary: Primary,
    /// The version of its private address.
    pub version: IpVersion,
    /// How its private address is chosen.
    pub assignment: Assignment,
    /// The public address that it holds.
    pub public_ip_address: Option<Name>,
}

/// Whether something is marked as primary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Primary {
    #[default]
    Unsaid,
    Yes,
    No,
}

impl From<Option<bool>> for Primary {
    fn from(marked: Option<bool>) -> Self {
        match marked {
            None => Primary::Unsaid,
            Some(true) => Primary::Yes,
            Some(false) => Primary::No,
        }
    }
}

/// How the private address of a configuration is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assignment {
    /// The lowest free one, kept while the configuration stays in its subnet.
    Dynamic,
    /// This one.
    Static(IpAddr),
    /// The one it has; becomes that when the request is resolved (IPC-09).
    StaticAsIs,
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

    const RULES: &'static [Rule<Self>] = rules::RULES;
    const DELETION_RULES: &'static [DeletionRule] = rules::DELETION_RULES;

    fn resource_path(&self, name: &Name) -> String {
        format!("Microsoft.Network/networkInterfaces/{}", name.name)
    }

    fn references(&self) -> Vec<ObjectId> {
        let subnet = ObjectId::new(Kind::Subnet, self.subnet.clone());
        let public = self.public_ip_addresses().map(|public| ObjectId::new(Kind::PublicIPAddress, public.clone()));
        std::iter::once(subnet).chain(public).collect()
    }

    fn counts(&self, placement: &Placement) -> Vec<Quota> {
        vec![Quota::NetworkInterfaces(placement.clone())]
    }

    fn chooses(&self) -> bool {
        self.configurations.iter().any(|configuration| matches!(configuration.assignment, Assignment::Static(_)))
    }

    fn resolve(&mut self, _: &Engine, programmed: Option<&Programmed<Self>>) {
        self.resolve_primary(programmed);
        let moved = programmed.is_some_and(|programmed| programmed.ask.subnet != self.subnet);
        for configuration in self.configurations.iter_mut().filter(|c| c.assignment == Assignment::StaticAsIs) {
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
        leave_subnet(engine, name, &gone.ask.subnet);
        for address in gone.held.addresses.values() {
            release_address(engine, &gone.ask.subnet, *address);
        }
        for public in gone.ask.public_ip_addresses() {
            dissociate(engine, name, public);
        }
        if let Some(mac) = gone.held.mac {
            engine.macs.release(mac);
        }
        engine.free(WaitKey::Claim(ObjectId::new(Kind::NetworkInterface, name.clone())));
    }

    fn recall(engine: &mut Engine, name: &Name, view: &NetworkInterfaceView) -> Vec<String> {
        let Some(ask) = engine.get::<Self>(name).map(|programmed| programmed.ask.clone()) else { return Vec::new() };
        let mut dropped = Vec::new();
        engine.nics_in.entry(ask.subnet.clone()).or_default().insert(name.clone());
        for (configuration, address) in view.addresses() {
            let asked = ask.configurations.iter().find(|asked| asked.name == configuration);
            let fits = asked.is_some_and(|asked| match asked.assignment {
                _ if asked.version != IpVersion::of(&address) => false,
                Assignment::Static(wanted) => wanted == address,
                Assignment::Dynamic | Assignment::StaticAsIs => true,
            });
            let has_one = engine.get::<Self>(name).is_some_and(|nic| nic.held.addresses.contains_key(&configuration));
            let free = fits && !has_one && hold_address(engine, &ask.subnet, address, name, &configuration);
            match engine.get_mut::<Self>(name) {
                Some(programmed) if free => {
                    programmed.held.addresses.insert(configuration, address);
                }
                _ => dropped.push(format!("address {address} of configuration {configuration} cannot be its own")),
            }
        }
        for configuration in &ask.configurations {
            if let Some(public) = &configuration.public_ip_address {
                let holder = (name.clone(), configuration.name.clone());
                if engine.associations.contains_key(public) {
                    dropped.push(format!("PublicIPAddress {public} is held by another"));
                    continue;
                }
                engine.associations.insert(public.clone(), holder);
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
                "The primary address has changed, and the MAC address with it. Restart VirtualMachine {vm} to have a new one assigned."
            ),
        });
        advice.into_iter().collect()
    }
}

fn apply_now(
    engine: &mut Engine,
    name: &Name,
    before: Option<&NetworkInterface>,
    ask: NetworkInterface,
    held: HeldNetworkInterface,
) {
    if let Some(before) = before.filter(|before| before.subnet != ask.subnet) {
        leave_subnet(engine, name, &before.subnet);
    }
    if engine.nics_in.entry(ask.subnet.clone()).or_default().insert(name.clone()) {
        engine.touch_members(Kind::Subnet, &ask.subnet);
    }
    let old_subnet = before.map_or_else(|| ask.subnet.clone(), |before| before.subnet.clone());
    let addresses = move_addresses(engine, name, &ask, &old_subnet, &held.addresses);
    let primary_moved = primary_address(before.unwrap_or(&ask), &held.addresses) != primary_address(&ask, &addresses);
    let changed = before != Some(&ask) || addresses != held.addresses;
    if let Some(programmed) = engine.get_mut::<NetworkInterface>(name) {
        programmed.held.addresses = addresses;
    }
    move_associations(engine, name, before, &ask);
    if held.attached.as_ref().is_some_and(|attached| attached.primary) && primary_moved {
        forget_mac(engine, name); // NIC-15, D-06
    }
    if changed {
        touch_vm(engine, name);
    }
}

/// The VM that a NIC is attached to tells its addresses, too.
fn touch_vm(engine: &mut Engine, nic: &Name) {
    let attached = engine.get::<NetworkInterface>(nic).and_then(|nic| nic.held.attached.as_ref());
    if let Some(vm) = attached.map(|attached| attached.vm.clone()) {
        engine.touch(Kind::VirtualMachine, &vm);
    }
}

impl IpVersion {
    /// The version of an address.
    pub fn of(address: &IpAddr) -> Self {
        if address.is_ipv4() { IpVersion::IPv4 } else { IpVersion::IPv6 }
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

    /// The only configuration is primary (IPC-02), unless it would take the place of another without a mark (S-02); of
    /// several, the programmed primary stays (S-04).
    fn resolve_primary(&mut self, programmed: Option<&Programmed<Self>>) {
        let marked = self.configurations.iter().any(|configuration| configuration.primary == Primary::Yes);
        let alone = self.configurations.len() == 1;
        let before = programmed.and_then(|programmed| programmed.ask.primary()).map(|primary| primary.name.clone());
        for configuration in self.configurations.iter_mut().filter(|c| c.primary == Primary::Unsaid) {
            let stays = alone && before.is_none() || before.as_ref() == Some(&configuration.name);
            if stays && !marked {
                configuration.primary = Primary::Yes;
            }
        }
        if self.primary().is_some() {
            for configuration in self.configurations.iter_mut().filter(|c| c.primary == Primary::Unsaid) {
                configuration.primary = Primary::No;
            }
        }
    }
}

fn primary_address(ask: &NetworkInterface, held: &BTreeMap<Arc<str>, IpAddr>) -> Option<IpAddr> {
    held.get(&ask.primary()?.name).copied()
}

/// The pool of a subnet that addresses of this version come from.
pub(super) fn pool_of(subnet: &Name, version: IpVersion) -> PoolId {
    match version {
        IpVersion::IPv4 => PoolId::SubnetIPv4(subnet.clone()),
        IpVersion::IPv6 => PoolId::SubnetIPv6(subnet.clone()),
    }
}

/// The configurations that need an address that the NIC does not hold yet.
fn in_need<'a>(
    ask: &'a NetworkInterface,
    before: Option<&Programmed<NetworkInterface>>,
) -> impl Iterator<Item = (usize, &'a IpConfiguration)> {
    let kept = before.filter(|before| before.ask.subnet == ask.subnet).map(|before| before.held.addresses.clone());
    ask.configurations.iter().enumerate().filter(move |(_, configuration)| {
        let held = kept.as_ref().and_then(|held| held.get(&configuration.name));
        match configuration.assignment {
            Assignment::Dynamic => held.is_none_or(|held| IpVersion::of(held) != configuration.version),
            Assignment::Static(address) => !kept.iter().any(|held| held.values().any(|one| *one == address)),
            Assignment::StaticAsIs => false,
        }
    })
}

/// Gives every configuration its address: those asked for first, then the lowest free ones; what is no longer used is
/// given back last, so that a replacement gets the next address and not the one just left (ADDR-04).
fn move_addresses(
    engine: &mut Engine,
    name: &Name,
    ask: &NetworkInterface,
    old_subnet: &Name,
    held: &BTreeMap<Arc<str>, IpAddr>,
) -> BTreeMap<Arc<str>, IpAddr> {
    let stays = *old_subnet == ask.subnet;
    let mut next: BTreeMap<Arc<str>, IpAddr> = BTreeMap::new();
    for configuration in &ask.configurations {
        match configuration.assignment {
            Assignment::Static(address) => {
                next.insert(configuration.name.clone(), address);
            }
            Assignment::Dynamic | Assignment::StaticAsIs => {
                let kept =
                    held.get(&configuration.name).filter(|kept| stays && IpVersion::of(kept) == configuration.version);
                if let Some(kept) = kept {
                    next.insert(configuration.name.clone(), *kept);
                }
            }
        }
    }
    let mut taken: Vec<IpAddr> = next.values().copied().collect();
    for version in [IpVersion::IPv4, IpVersion::IPv6] {
        let lacks = |asked: &&IpConfiguration| asked.version == version && !next.contains_key(&asked.name);
        let lacking: Vec<_> = ask.configurations.iter().filter(lacks).map(|asked| asked.name.clone()).collect();
        let pool = engine.pool(&pool_of(&ask.subnet, version));
        let lowest = pool.map(|pool| pool.lowest_free(lacking.len(), &taken)).unwrap_or_default();
        taken.extend(&lowest);
        next.extend(lacking.into_iter().zip(lowest));
    }
    let mine: BTreeSet<IpAddr> = if stays { held.values().copied().collect() } else { BTreeSet::new() };
    for (configuration, address) in &next {
        if mine.contains(address) {
            let holder = (name.clone(), configuration.clone());
            engine.addresses.insert((ask.subnet.clone(), *address), holder);
        } else {
            let free = hold_address(engine, &ask.subnet, *address, name, configuration);
            assert!(free, "ADDR-08 and ADDR-11 have found {address} free in subnet {}", ask.subnet);
        }
    }
    for address in held.values().filter(|address| !stays || !taken.contains(address)) {
        release_address(engine, old_subnet, *address);
    }
    next
}

/// The subnet has an IPv6 range now: configurations that had no address for lack of one get theirs (S-20).
pub(super) fn serve_ipv6(engine: &mut Engine, name: &Name) {
    let Some(programmed) = engine.get::<NetworkInterface>(name) else { return };
    let (ask, held) = (programmed.ask.clone(), &programmed.held.addresses);
    let ipv6 = ask.configurations.iter().filter(|configuration| configuration.version == IpVersion::IPv6);
    let unserved: Vec<_> = ipv6.map(|ipv6| ipv6.name.clone()).filter(|name| !held.contains_key(name)).collect();
    let pool = pool_of(&ask.subnet, IpVersion::IPv6);
    for configuration in unserved {
        let lowest = engine.pool(&pool).and_then(|pool| pool.lowest_free(1, &[]).first().copied());
        let Some(address) = lowest else { return };
        if hold_address(engine, &ask.subnet, address, name, &configuration)
            && let Some(programmed) = engine.get_mut::<NetworkInterface>(name)
        {
            programmed.held.addresses.insert(configuration, address);
            engine.touch(Kind::NetworkInterface, name);
            touch_vm(engine, name);
        }
    }
}

fn hold_address(engine: &mut Engine, subnet: &Name, address: IpAddr, nic: &Name, configuration: &Arc<str>) -> bool {
    let pool = pool_of(subnet, IpVersion::of(&address));
    let free = engine.pools.get_mut(&pool).is_some_and(|pool| pool.reserve(address));
    if free {
        engine.addresses.insert((subnet.clone(), address), (nic.clone(), configuration.clone()));
        if let Some(quota) = private_addresses_of(engine, subnet) {
            engine.usage.add(quota, 1);
        }
        engine.touch_members(Kind::Subnet, subnet);
    }
    free
}

/// The quota that addresses of a subnet count towards; its virtual network is fixed (S-14).
fn private_addresses_of(engine: &Engine, subnet: &Name) -> Option<Quota> {
    engine.get::<Subnet>(subnet).map(|subnet| Quota::PrivateAddresses(subnet.ask.virtual_network.clone()))
}

fn release_address(engine: &mut Engine, subnet: &Name, address: IpAddr) {
    let pool = pool_of(subnet, IpVersion::of(&address));
    if engine.pools.get_mut(&pool).is_some_and(|pool| pool.release(address)) {
        engine.free(WaitKey::Capacity(pool));
        if let Some(quota) = private_addresses_of(engine, subnet) {
            engine.usage.give_back(quota.clone(), 1);
            engine.free(WaitKey::Quota(quota));
        }
    }
    engine.addresses.remove(&(subnet.clone(), address));
    engine.free(WaitKey::Address(subnet.clone(), address));
    engine.touch_members(Kind::Subnet, subnet);
}

fn leave_subnet(engine: &mut Engine, name: &Name, subnet: &Name) {
    leave(&mut engine.nics_in, subnet, name);
    engine.touch_members(Kind::Subnet, subnet);
}

/// Public addresses that are no longer referred to are dissociated, not deleted (PIP-10); new ones are associated.
fn move_associations(engine: &mut Engine, name: &Name, before: Option<&NetworkInterface>, ask: &NetworkInterface) {
    let wanted: BTreeSet<&Name> = ask.public_ip_addresses().collect();
    let dropped: Vec<&Name> = before
        .into_iter()
        .flat_map(NetworkInterface::public_ip_addresses)
        .filter(|old| !wanted.contains(old))
        .collect();
    for public in dropped {
        dissociate(engine, name, public);
    }
    for configuration in &ask.configurations {
        let Some(public) = &configuration.public_ip_address else { continue };
        let holder = (name.clone(), configuration.name.clone());
        if engine.associations.get(public) != Some(&holder) {
            engine.associations.insert(public.clone(), holder);
            engine.touch(Kind::PublicIPAddress, public);
        }
        public_ip_address::settle(engine, public);
    }
}

/// What was restored may refer to a public address that another holds.
fn dissociate(engine: &mut Engine, name: &Name, public: &Name) {
    if engine.associations.get(public).is_none_or(|(holder, _)| holder != name) {
        return;
    }
    engine.associations.remove(public);
    public_ip_address::settle(engine, public);
    engine.touch(Kind::PublicIPAddress, public);
    engine.free(WaitKey::Claim(ObjectId::new(Kind::PublicIPAddress, public.clone())));
}

/// Dynamic addresses are assigned anew, while the old ones are still held (ADDR-05, D-04).
pub(super) fn reassign(engine: &mut Engine, name: &Name) {
    let Some(programmed) = engine.get::<NetworkInterface>(name) else { return };
    let (ask, old) = (programmed.ask.clone(), programmed.held.addresses.clone());
    let is_primary = programmed.held.attached.as_ref().is_some_and(|attached| attached.primary);
    let mut new = old.clone();
    for configuration in ask.configurations.iter().filter(|c| c.assignment == Assignment::Dynamic) {
        let pool = pool_of(&ask.subnet, configuration.version);
        let lowest = engine.pool(&pool).and_then(|pool| pool.lowest_free(1, &[]).first().copied());
        let Some(address) = lowest else { continue }; // a full subnet: the old one stays
        hold_address(engine, &ask.subnet, address, name, &configuration.name);
        new.insert(configuration.name.clone(), address);
    }
    for (_, address) in old.iter().filter(|(configuration, address)| new.get(*configuration) != Some(*address)) {
        release_address(engine, &ask.subnet, *address);
    }
    if is_primary && primary_address(&ask, &old) != primary_address(&ask, &new) {
        forget_mac(engine, name);
    }
    if let Some(programmed) = engine.get_mut::<NetworkInterface>(name) {
        programmed.held.addresses = new;
    }
    engine.touch(Kind::NetworkInterface, name);
}

fn forget_mac(engine: &mut Engine, name: &Name) {
    let mac = engine.get_mut::<NetworkInterface>(name).and_then(|programmed| programmed.held.mac.take());
    if let Some(mac) = mac {
        engine.macs.release(mac);
    }
}

/// The VM has started: the NIC has a MAC address from now on (NIC-14), and its Dynamic public addresses appear (PIP-05).
pub(super) fn vm_started(engine: &mut Engine, name: &Name) {
    let Some(programmed) = engine.get::<NetworkInterface>(name) else { return };
    if programmed.held.mac.is_none() {
        let address = primary_address(&programmed.ask, &programmed.held.addresses);
        let mac = engine.macs.assign(&programmed.uid.clone(), address);
        if let Some(programmed) = engine.get_mut::<NetworkInterface>(name) {
            programmed.held.mac = Some(mac);
        }
    }
    vm_power_changed(engine, name);
}

/// The VM has been stopped, deallocated, or has let go of the NIC.
pub(super) fn vm_power_changed(engine: &mut Engine, name: &Name) {
    let public: Vec<Name> = engine
        .get::<NetworkInterface>(name)
        .map(|programmed| programmed.ask.public_ip_addresses().cloned().collect())
        .unwrap_or_default();
    for public in &public {
        public_ip_address::settle(engine, public);
    }
    engine.touch(Kind::NetworkInterface, name);
}
