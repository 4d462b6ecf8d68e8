//! A naive fabric: what must come of an operation, written from the rule catalogue and not from the engine.
//!
//! It has no pools and no indices: whatever it needs to know it finds by looking at everything. It says which rules an
//! operation breaks (not always all of them), and, if none, what everybody holds after it.

mod nic;
mod vm;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net};

use super::random::Op;
use crate::fabric::network_interface::{AllocationMethod, IpVersion, NetworkInterface};
use crate::fabric::public_ip_address::{PublicIPAddress, Sku};
use crate::fabric::subnet::Subnet;
use crate::fabric::testing::named;
use crate::fabric::virtual_machine::{PowerState, VirtualMachine};
use crate::fabric::virtual_network::VirtualNetwork;
use crate::fabric::{Ask, Engine, Kind, Name};

/// The ids of the rules that an operation breaks.
pub type Broken = BTreeSet<&'static str>;

#[derive(Clone, Debug)]
pub struct Nic {
    pub ask: NetworkInterface,
    pub primary: Arc<str>,
    pub addresses: BTreeMap<Arc<str>, IpAddr>,
    /// The number of the assignment, in place of a MAC address.
    pub mac: Option<u64>,
}

#[derive(Clone, Debug)]
pub struct Vm {
    pub ask: VirtualMachine,
    pub attached: Vec<Name>,
    pub primary: Name,
    pub power: PowerState,
    pub starts_at: i64,
    pub restarted_at: Option<String>,
}

#[derive(Clone, Debug)]
pub struct World {
    pub public_pool: Ipv4Net,
    pub start_takes: i64,
    now: i64,
    networks: BTreeMap<Name, VirtualNetwork>,
    subnets: BTreeMap<Name, Subnet>,
    publics: BTreeMap<Name, (PublicIPAddress, Option<IpAddr>)>,
    nics: BTreeMap<Name, Nic>,
    vms: BTreeMap<Name, Vm>,
    macs: u64,
}

impl World {
    pub fn new(public_pool: Ipv4Net, start_takes: i64) -> Self {
        Self {
            public_pool,
            start_takes,
            now: 0,
            networks: BTreeMap::new(),
            subnets: BTreeMap::new(),
            publics: BTreeMap::new(),
            nics: BTreeMap::new(),
            vms: BTreeMap::new(),
            macs: 0,
        }
    }

    /// What the operation breaks; if nothing, it is done.
    pub fn does(&mut self, op: &Op) -> Broken {
        match op {
            Op::Put(name, Ask::VirtualNetwork(ask)) => self.put_network(&named(name), ask),
            Op::Put(name, Ask::Subnet(ask)) => self.put_subnet(&named(name), ask),
            Op::Put(name, Ask::PublicIPAddress(ask)) => self.put_public(&named(name), ask),
            Op::Put(name, Ask::NetworkInterface(ask)) => self.put_nic(&named(name), ask),
            Op::Put(name, Ask::VirtualMachine(ask)) => self.put_vm(&named(name), ask),
            Op::Put(
                _,
                Ask::PublicIPPrefix(_)
                | Ask::AvailabilitySet(_)
                | Ask::VirtualMachineScaleSet(_)
                | Ask::VirtualMachineScaleSetVM(_),
            ) => unreachable!("the model's users make none"),
            Op::Delete(kind, name) => self.delete(*kind, &named(name)),
            Op::Advance(seconds) => {
                self.now += seconds;
                self.finish_starts();
                Broken::new()
            }
        }
    }

    fn put_network(&mut self, name: &Name, ask: &VirtualNetwork) -> Broken {
        let mut broken = Broken::new();
        let inside = |prefix: IpNet| ask.address_prefixes.iter().any(|space| space.contains(&prefix));
        let mut subnets = self.subnets.values().filter(|subnet| subnet.virtual_network == *name);
        if subnets.any(|subnet| !subnet.prefixes().all(inside)) {
            broken.insert("S-15");
        }
        if broken.is_empty() {
            self.networks.insert(name.clone(), ask.clone());
        }
        broken
    }

    fn put_subnet(&mut self, name: &Name, ask: &Subnet) -> Broken {
        let mut broken = Broken::new();
        match self.networks.get(&ask.virtual_network) {
            None => {
                broken.insert("NIC-03");
            }
            Some(network) => {
                let inside = |prefix: IpNet| network.address_prefixes.iter().any(|space| space.contains(&prefix));
                if !ask.prefixes().all(inside) {
                    broken.insert("VNET-03");
                }
            }
        }
        if self.subnets.get(name).is_some_and(|before| before.virtual_network != ask.virtual_network) {
            broken.insert("S-14");
        }
        for (other, subnet) in self.subnets.iter().filter(|(other, _)| *other != name) {
            let meet = |a: IpNet, b: IpNet| a.contains(&b.network()) || b.contains(&a.network());
            let overlaps = ask.prefixes().any(|a| subnet.prefixes().any(|b| meet(a, b)));
            if overlaps && subnet.virtual_network == ask.virtual_network && other != name {
                broken.insert("VNET-04");
            }
        }
        let usable = |address: &IpAddr| usable(ask, *address);
        if !self.held_in(name).iter().all(usable) {
            broken.insert("VNET-09");
        }
        if !broken.is_empty() {
            return broken;
        }
        self.subnets.insert(name.clone(), ask.clone());
        let in_it: Vec<Name> =
            self.nics.iter().filter(|(_, nic)| nic.ask.subnet == *name).map(|(nic, _)| nic.clone()).collect();
        for nic in in_it {
            let ipv6 = self.nics[&nic].ask.configurations.iter().filter(|c| c.version == IpVersion::IPv6);
            let unserved: Vec<_> =
                ipv6.map(|c| c.name.clone()).filter(|c| !self.nics[&nic].addresses.contains_key(c)).collect();
            for configuration in unserved {
                if let Some(address) = self.lowest_free(name, IpVersion::IPv6, &[]) {
                    self.nics.get_mut(&nic).unwrap().addresses.insert(configuration, address);
                }
            }
        }
        broken
    }

    fn put_public(&mut self, name: &Name, ask: &PublicIPAddress) -> Broken {
        let mut broken = Broken::new();
        let before = self.publics.get(name).cloned();
        let is_static = ask.method == AllocationMethod::Static;
        if ask.sku == Sku::Standard && !is_static {
            broken.insert("PIP-02");
        }
        if ask.sku == Sku::Basic && ask.version == IpVersion::IPv6 && is_static {
            broken.insert("PIP-03");
        }
        if let Some((before, _)) = &before {
            if before.sku != ask.sku {
                broken.insert("PIP-01");
            }
            if before.version != ask.version {
                broken.insert("S-14");
            }
            if before.method == AllocationMethod::Static && !is_static && self.holder_of(name).is_some() {
                broken.insert("PIP-06");
            }
        }
        let same_label = |(other, (public, _)): (&Name, &(PublicIPAddress, _))| {
            other != name && public.domain_name_label.is_some() && public.domain_name_label == ask.domain_name_label
        };
        if self.publics.iter().any(same_label) {
            broken.insert("PIP-15");
        }
        let address = before.and_then(|(_, address)| address);
        if is_static && ask.version == IpVersion::IPv4 && address.is_none() && self.free_publics().is_empty() {
            broken.insert("PIP-04");
        }
        if broken.is_empty() {
            self.publics.insert(name.clone(), (ask.clone(), address));
            self.settle([name.clone()]);
        }
        broken
    }

    fn delete(&mut self, kind: Kind, name: &Name) -> Broken {
        let blocked = match kind {
            Kind::VirtualNetwork => {
                self.subnets.values().any(|subnet| subnet.virtual_network == *name).then_some("VNET-06")
            }
            Kind::Subnet => self.nics.values().any(|nic| nic.ask.subnet == *name).then_some("VNET-05"),
            Kind::PublicIPAddress => self.holder_of(name).map(|_| "PIP-11"),
            Kind::NetworkInterface => self.vm_of(name).map(|_| "NIC-24"),
            Kind::VirtualMachine
            | Kind::PublicIPPrefix
            | Kind::AvailabilitySet
            | Kind::VirtualMachineScaleSet
            | Kind::VirtualMachineScaleSetVM => None,
        };
        if let Some(rule) = blocked {
            return Broken::from([rule]);
        }
        match kind {
            Kind::VirtualNetwork => drop(self.networks.remove(name)),
            Kind::Subnet => drop(self.subnets.remove(name)),
            Kind::PublicIPAddress => drop(self.publics.remove(name)),
            Kind::NetworkInterface => drop(self.nics.remove(name)),
            Kind::VirtualMachine => drop(self.vms.remove(name)),
            Kind::PublicIPPrefix
            | Kind::AvailabilitySet
            | Kind::VirtualMachineScaleSet
            | Kind::VirtualMachineScaleSetVM => {}
        }
        self.settle([]);
        Broken::new()
    }

    // What everybody holds.

    fn held_in(&self, subnet: &Name) -> Vec<IpAddr> {
        let nics = self.nics.values().filter(|nic| nic.ask.subnet == *subnet);
        nics.flat_map(|nic| nic.addresses.values().copied()).collect()
    }

    /// The lowest address of a subnet that is not the platform's, nobody's, and not in `except`.
    fn lowest_free(&self, subnet: &Name, version: IpVersion, except: &[IpAddr]) -> Option<IpAddr> {
        let ask = &self.subnets[subnet];
        let held = self.held_in(subnet);
        let candidates: Box<dyn Iterator<Item = IpAddr>> = match (version, ask.ipv6) {
            (IpVersion::IPv4, _) => Box::new(ask.ipv4.hosts().map(IpAddr::V4)),
            (IpVersion::IPv6, Some(ipv6)) => Box::new(ipv6.hosts().map(IpAddr::V6)),
            (IpVersion::IPv6, None) => Box::new(std::iter::empty()),
        };
        let mut candidates = candidates;
        candidates.find(|address| usable(ask, *address) && !held.contains(address) && !except.contains(address))
    }

    fn free_publics(&self) -> Vec<IpAddr> {
        let held: Vec<_> = self.publics.values().filter_map(|(_, address)| *address).collect();
        let first = u32::from(self.public_pool.network());
        let count = 1u32 << (32 - self.public_pool.prefix_len());
        let all = (0..count.min(16)).map(|n| IpAddr::from(std::net::Ipv4Addr::from(first + n)));
        all.filter(|address| !held.contains(address)).collect()
    }

    /// The NIC whose configuration refers to this public address.
    fn holder_of(&self, public: &Name) -> Option<&Name> {
        self.nics.iter().find(|(_, nic)| nic.ask.public_ip_addresses().any(|held| held == public)).map(|(nic, _)| nic)
    }

    fn vm_of(&self, nic: &Name) -> Option<(&Name, &Vm)> {
        self.vms.iter().find(|(_, vm)| vm.attached.contains(nic))
    }

    /// Public addresses that may no longer have an address lose it, then those in `order` that must have one get it.
    fn settle(&mut self, order: impl IntoIterator<Item = Name>) {
        let should = |world: &Self, name: &Name| {
            let (ask, address) = &world.publics[name];
            let vm = world.holder_of(name).and_then(|nic| world.vm_of(nic)).map(|(_, vm)| vm.power);
            ask.version == IpVersion::IPv4
                && match (ask.method, vm) {
                    (AllocationMethod::Static, _) | (_, Some(PowerState::Running | PowerState::Starting)) => true,
                    (_, Some(PowerState::Stopped)) => address.is_some(),
                    (_, Some(PowerState::Deallocated) | None) => false,
                }
        };
        for name in self.publics.keys().cloned().collect::<Vec<_>>() {
            if !should(self, &name) {
                self.publics.get_mut(&name).unwrap().1 = None;
            }
        }
        for name in order {
            if should(self, &name) && self.publics[&name].1.is_none() {
                self.publics.get_mut(&name).unwrap().1 = self.free_publics().first().copied();
            }
        }
    }

    /// Panics unless the engine holds just this.
    pub fn assert_agrees(&self, engine: &Engine, macs: &mut BTreeMap<u64, String>) {
        let names = |kind| engine.names(kind);
        assert_eq!(names(Kind::VirtualNetwork), self.networks.keys().cloned().collect::<Vec<_>>());
        assert_eq!(names(Kind::Subnet), self.subnets.keys().cloned().collect::<Vec<_>>());
        let publics = engine.all::<PublicIPAddress>().map(|(name, public)| (name, public.held.address));
        let expected = self.publics.iter().map(|(name, (_, address))| (name, *address));
        assert_eq!(publics.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "public addresses");
        let nics = engine.all::<NetworkInterface>().map(|(name, nic)| (name, &nic.ask.subnet, &nic.held.addresses));
        let expected = self.nics.iter().map(|(name, nic)| (name, &nic.ask.subnet, &nic.addresses));
        assert_eq!(nics.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "private addresses");
        let vms = engine.all::<VirtualMachine>().map(|(name, vm)| {
            let primary = vm.ask.primary().cloned().unwrap();
            (name, vm.held.power, vm.held.last_handled_restart_at.clone(), engine.attached_to(name), primary)
        });
        let expected = self
            .vms
            .iter()
            .map(|(name, vm)| (name, vm.power, vm.restarted_at.clone(), vm.attached.clone(), vm.primary.clone()));
        assert_eq!(vms.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "virtual machines");
        for (name, nic) in &self.nics {
            let programmed = engine.get::<NetworkInterface>(name).unwrap();
            assert_eq!(programmed.ask.primary().unwrap().name, nic.primary, "the primary configuration of {name}");
            let attached = programmed.held.attached.as_ref().map(|attached| (&attached.vm, attached.primary));
            assert_eq!(attached, self.vm_of(name).map(|(vm, it)| (vm, it.primary == *name)), "attachment of {name}");
            let mac = programmed.held.mac.map(|mac| mac.to_string());
            assert_eq!(mac.is_some(), nic.mac.is_some(), "{name} has a MAC address");
            if let (Some(mac), Some(number)) = (mac, nic.mac) {
                assert_eq!(*macs.entry(number).or_insert(mac.clone()), mac, "{name} keeps its MAC address");
            }
        }
    }
}

/// True if an address of a subnet is inside it and not one of the five that the platform keeps (ADDR-01).
fn usable(subnet: &Subnet, address: IpAddr) -> bool {
    subnet.prefixes().any(|prefix| {
        let kept_at_start = match prefix.network() {
            IpAddr::V4(first) => {
                (0..4).map(|n| IpAddr::from(std::net::Ipv4Addr::from(u32::from(first) + n))).collect::<Vec<_>>()
            }
            IpAddr::V6(first) => {
                (0..4).map(|n| IpAddr::from(std::net::Ipv6Addr::from(u128::from(first) + n))).collect()
            }
        };
        prefix.contains(&address) && !kept_at_start.contains(&address) && prefix.broadcast() != address
    })
}
