//! The naive fabric: network interfaces.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::configurations::{broken_by_list, keeps, primary_of};
use super::network::usable;
use super::{Broken, Nic, Public, World};
use crate::fabric::Name;
use crate::fabric::network_interface::{Assignment, IpConfiguration, NetworkInterface};
use crate::fabric::sizes::AcceleratedNetworking::Unsupported;
use crate::fabric::terms::{IpVersion, Switch};
use crate::fabric::virtual_machine::{Disruption, PowerState};

impl World {
    pub(super) fn put_nic(&mut self, name: &Name, ask: &NetworkInterface) -> Broken {
        let mut ask = ask.clone();
        let before = self.nics.get(name).cloned();
        let stays = before.as_ref().is_some_and(|before| before.ask.subnet == ask.subnet);
        let held = |configuration: &IpConfiguration| {
            before.as_ref().filter(|_| stays).and_then(|before| before.addresses.get(&configuration.name)).copied()
        };
        for configuration in &mut ask.configurations {
            if configuration.assignment == Assignment::KeepCurrent {
                configuration.assignment = held(configuration).map_or(Assignment::KeepCurrent, Assignment::Static);
            }
        }
        let (primary, mut broken) = primary_of(&ask, before.as_ref());
        let Some(primary) = primary else { return broken };
        broken.extend(broken_by_list(&ask, &primary));
        broken.extend(self.broken_by_place(name, &ask, before.as_ref()));
        broken.extend(self.broken_by_vm(name, &ask, before.as_ref()));
        if broken.is_empty() {
            broken.extend(self.broken_by_addresses(name, &ask, &held));
            broken.extend(self.broken_by_publics(name, &ask, before.as_ref()));
        }
        if broken.is_empty() {
            let addresses = self.addresses_of(&ask, &held);
            let off = before.as_ref().is_some_and(|before| self.needs_deallocated(name, &ask, before));
            let vm = self.vm_of(name).filter(|_| off).map(|(vm, _)| vm.clone());
            let power = vm.as_ref().map(|vm| self.deallocate(vm));
            self.commit_nic(name, Nic { ask, primary, addresses, mac: None }, before);
            if let (Some(vm), Some(power)) = (vm, power) {
                self.power_on_as_before(&vm, power);
            }
        }
        broken
    }

    fn commit_nic(&mut self, name: &Name, mut nic: Nic, before: Option<Nic>) {
        let is_primary = self.vm_of(name).is_some_and(|(_, vm)| vm.primary == *name);
        if let Some(before) = before {
            let moved = before.addresses.get(&before.primary) != nic.addresses.get(&nic.primary);
            nic.mac = before.mac.filter(|_| !(is_primary && moved)); // D-06
        }
        let order: Vec<Name> = nic.ask.public_ip_addresses().cloned().collect();
        self.nics.insert(name.clone(), nic);
        self.settle(order);
    }

    fn broken_by_place(&self, name: &Name, ask: &NetworkInterface, before: Option<&Nic>) -> Broken {
        let mut broken = Broken::new();
        let Some(subnet) = self.subnets.get(&ask.subnet) else { return Broken::from(["NIC-03"]) };
        let Some(before) = before.filter(|before| before.ask.subnet != ask.subnet) else { return broken };
        if self.subnets[&before.ask.subnet].virtual_network != subnet.virtual_network {
            broken.insert("NIC-05");
        }
        if ask.configurations.iter().any(|c| c.assignment != Assignment::Dynamic) {
            broken.insert("NIC-06");
        }
        if self.vm_of(name).is_some_and(|(_, vm)| vm.primary != *name) {
            broken.insert("NIC-08");
        }
        broken
    }

    fn broken_by_vm(&self, name: &Name, ask: &NetworkInterface, before: Option<&Nic>) -> Broken {
        let mut broken = Broken::new();
        let (Some((_, vm)), Some(before)) = (self.vm_of(name), before) else { return broken };
        if ask.accelerated_networking == Switch::On && vm.ask.size.accelerated_networking == Unsupported {
            broken.insert("NIC-20");
        }
        let ipv6 = |ask: &NetworkInterface| -> BTreeSet<Arc<str>> {
            ask.configurations.iter().filter(|c| c.version == IpVersion::IPv6).map(|c| c.name.clone()).collect()
        };
        if !ipv6(ask).is_subset(&ipv6(&before.ask)) {
            broken.insert("IP6-05");
        }
        if vm.power != PowerState::Deallocated && vm.ask.disruption == Disruption::Refuse {
            broken.extend(switches_acceleration_on(ask, before).then_some("SIZE-05"));
            broken.extend(self.moves_a_secondary_address(name, ask, before).then_some("IPC-12"));
        }
        broken
    }

    /// True if it is an edit that is done while the VM is deallocated (S-38).
    fn needs_deallocated(&self, name: &Name, ask: &NetworkInterface, before: &Nic) -> bool {
        switches_acceleration_on(ask, before) || self.moves_a_secondary_address(name, ask, before)
    }

    /// IPC-12 speaks of a secondary configuration of a secondary NIC.
    fn moves_a_secondary_address(&self, name: &Name, ask: &NetworkInterface, before: &Nic) -> bool {
        let changes = |c: &&IpConfiguration| match c.assignment {
            Assignment::Static(wanted) => before.addresses.get(&c.name).is_some_and(|held| *held != wanted),
            Assignment::Dynamic | Assignment::KeepCurrent => false,
        };
        let secondary = ask.configurations.iter().filter(|c| c.name != before.primary);
        let is_secondary = self.vm_of(name).is_some_and(|(_, vm)| vm.primary != *name);
        is_secondary && before.ask.subnet == ask.subnet && secondary.filter(changes).count() > 0
    }

    fn broken_by_addresses(
        &self,
        name: &Name,
        ask: &NetworkInterface,
        held: &dyn Fn(&IpConfiguration) -> Option<IpAddr>,
    ) -> Broken {
        let mut broken = Broken::new();
        let subnet = &self.subnets[&ask.subnet];
        let others = self.nics.iter().filter(|(other, nic)| *other != name && nic.ask.subnet == ask.subnet);
        let others: BTreeSet<IpAddr> = others.flat_map(|(_, nic)| nic.addresses.values().copied()).collect();
        let mut mine = BTreeSet::new();
        for configuration in &ask.configurations {
            match configuration.assignment {
                Assignment::KeepCurrent => {
                    broken.insert("S-17");
                }
                Assignment::Static(address) => {
                    if !IpNet::V4(subnet.ipv4).contains(&address) {
                        broken.insert("ADDR-09");
                    } else if !usable(subnet, address) {
                        broken.insert("ADDR-01");
                    }
                    if others.contains(&address) || !mine.insert(address) {
                        broken.insert("ADDR-08");
                    }
                }
                Assignment::Dynamic => {}
            }
        }
        for kept in
            ask.configurations.iter().filter(|c| c.assignment == Assignment::Dynamic).filter_map(|c| keeps(c, held))
        {
            if !mine.insert(kept) {
                broken.insert("ADDR-08");
            }
        }
        if broken.is_empty() {
            let all = self.held_in(&ask.subnet);
            let free =
                subnet.ipv4.hosts().filter(|host| usable(subnet, (*host).into()) && !all.contains(&(*host).into()));
            let needs = |c: &&IpConfiguration| match c.assignment {
                Assignment::Static(address) => !all.contains(&address),
                Assignment::Dynamic => c.version == IpVersion::IPv4 && keeps(c, held).is_none(),
                Assignment::KeepCurrent => false,
            };
            if ask.configurations.iter().filter(needs).count() > free.count() {
                broken.insert("ADDR-11");
            }
        }
        broken
    }

    fn broken_by_publics(&self, name: &Name, ask: &NetworkInterface, before: Option<&Nic>) -> Broken {
        let mut broken = Broken::new();
        let mut seen = BTreeSet::new();
        for public in ask.public_ip_addresses() {
            let Some(Public { ask: asked, .. }) = self.publics.get(public) else {
                broken.insert("PIP-12");
                continue;
            };
            if asked.version == IpVersion::IPv6 {
                broken.insert("PIP-18");
            }
            if !seen.insert(public) || self.holder_of(public).is_some_and(|holder| holder != name) {
                broken.insert("PIP-09");
            }
        }
        let Some((_, vm)) = self.vm_of(name).filter(|_| broken.is_empty()) else { return broken };
        let others: Vec<Name> = vm.attached.iter().filter(|nic| *nic != name).cloned().collect();
        let off = before.is_some_and(|before| self.needs_deallocated(name, ask, before));
        let starts = match vm.power {
            PowerState::Running | PowerState::Starting => true,
            PowerState::Stopped => off, // it is started and stopped again
            PowerState::Deallocated => false,
        };
        if starts && self.too_few_publics(self.publics_of(&others).chain(ask.public_ip_addresses())) {
            broken.insert("PIP-05");
        }
        let others = others.iter().chain(self.nics_beside(name));
        let publics = others.flat_map(|nic| self.nics[nic].ask.public_ip_addresses()).chain(ask.public_ip_addresses());
        if self.mixes_skus(publics) {
            broken.insert("PIP-19");
        }
        broken
    }

    /// The NICs of the other VMs of the availability set that the NIC's VM is in.
    fn nics_beside(&self, name: &Name) -> impl Iterator<Item = &Name> {
        let vm = self.vm_of(name);
        let set = vm.and_then(|(_, vm)| vm.ask.availability_set.as_ref());
        let others = set.into_iter().flat_map(|set| self.members_of_set(set));
        others.filter(move |other| vm.is_some_and(|(vm, _)| vm != *other)).flat_map(|vm| &self.vms[vm].attached)
    }

    fn addresses_of(
        &self,
        ask: &NetworkInterface,
        held: &dyn Fn(&IpConfiguration) -> Option<IpAddr>,
    ) -> BTreeMap<Arc<str>, IpAddr> {
        let mut addresses = BTreeMap::new();
        for configuration in &ask.configurations {
            let known = match configuration.assignment {
                Assignment::Static(address) => Some(address),
                Assignment::Dynamic | Assignment::KeepCurrent => keeps(configuration, held),
            };
            addresses.extend(known.map(|address| (configuration.name.clone(), address)));
        }
        for configuration in &ask.configurations {
            if !addresses.contains_key(&configuration.name) {
                let taken: Vec<_> = addresses.values().copied().collect();
                let lowest = self.lowest_free(&ask.subnet, configuration.version, &taken);
                addresses.extend(lowest.map(|address| (configuration.name.clone(), address)));
            }
        }
        addresses
    }
}

fn switches_acceleration_on(ask: &NetworkInterface, before: &Nic) -> bool {
    ask.accelerated_networking == Switch::On && before.ask.accelerated_networking == Switch::Off
}
