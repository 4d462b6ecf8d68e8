//! The naive fabric: network interfaces.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::{Broken, Nic, World, usable};
use crate::fabric::Name;
use crate::fabric::limits::AcceleratedNetworking::Unsupported;
use crate::fabric::network_interface::{Assignment, IpConfiguration, IpVersion, NetworkInterface, Primary, Switch};
use crate::fabric::virtual_machine::PowerState;

impl World {
    pub(super) fn put_nic(&mut self, name: &Name, ask: &NetworkInterface) -> Broken {
        let mut ask = ask.clone();
        let before = self.nics.get(name).cloned();
        let stays = before.as_ref().is_some_and(|before| before.ask.subnet == ask.subnet);
        let held = |configuration: &IpConfiguration| {
            before.as_ref().filter(|_| stays).and_then(|before| before.addresses.get(&configuration.name)).copied()
        };
        for configuration in &mut ask.configurations {
            if configuration.assignment == Assignment::StaticAsIs {
                configuration.assignment = held(configuration).map_or(Assignment::StaticAsIs, Assignment::Static);
            }
        }
        let (primary, mut broken) = primary_of(&ask, before.as_ref());
        let Some(primary) = primary else { return broken };
        broken.extend(self.broken_by_list(name, &ask, &primary));
        broken.extend(self.broken_by_place(name, &ask, before.as_ref()));
        broken.extend(self.broken_by_vm(name, &ask, &primary, before.as_ref()));
        if broken.is_empty() {
            broken.extend(self.broken_by_addresses(name, &ask, &held));
            broken.extend(self.broken_by_publics(name, &ask));
        }
        if broken.is_empty() {
            let addresses = self.addresses_of(&ask, &held);
            self.commit_nic(name, Nic { ask, primary, addresses, mac: None }, before);
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

    fn broken_by_list(&self, _: &Name, ask: &NetworkInterface, primary: &Arc<str>) -> Broken {
        let mut broken = Broken::new();
        let ipv6: Vec<_> = ask.configurations.iter().filter(|c| c.version == IpVersion::IPv6).collect();
        if ipv6.iter().any(|c| c.name == *primary) {
            broken.insert("IP6-01");
        } else if !ipv6.is_empty() && ask.configurations.len() > 2 {
            broken.insert("IP6-02");
        }
        if ipv6.iter().any(|c| c.assignment != Assignment::Dynamic) {
            broken.insert("IP6-03");
        }
        if ipv6.iter().any(|c| c.public_ip_address.is_some()) {
            broken.insert("IP6-04");
        }
        broken
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

    fn broken_by_vm(&self, name: &Name, ask: &NetworkInterface, _: &Arc<str>, before: Option<&Nic>) -> Broken {
        let mut broken = Broken::new();
        let (Some((_, vm)), Some(before)) = (self.vm_of(name), before) else { return broken };
        let off = vm.power == PowerState::Deallocated;
        if ask.accelerated_networking == Switch::On {
            if vm.ask.size.accelerated_networking == Unsupported {
                broken.insert("NIC-20");
            }
            if before.ask.accelerated_networking == Switch::Off && !off {
                broken.insert("SIZE-05");
            }
        }
        let has_ipv6 = |ask: &NetworkInterface| ask.configurations.iter().any(|c| c.version == IpVersion::IPv6);
        if has_ipv6(ask) && !has_ipv6(&before.ask) {
            broken.insert("IP6-05");
        }
        let changes = |c: &&IpConfiguration| match c.assignment {
            Assignment::Static(wanted) => before.addresses.get(&c.name).is_some_and(|held| *held != wanted),
            Assignment::Dynamic | Assignment::StaticAsIs => false,
        };
        let secondary = ask.configurations.iter().filter(|c| c.name != before.primary);
        if before.ask.subnet == ask.subnet && !off && vm.primary != *name && secondary.filter(changes).count() > 0 {
            broken.insert("IPC-12");
        }
        broken
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
                Assignment::StaticAsIs => {
                    broken.insert("S-17");
                }
                Assignment::Static(address) => {
                    if !address.is_ipv4() || !subnet.ipv4.contains(&as_ipv4(address)) {
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
                Assignment::StaticAsIs => false,
            };
            if ask.configurations.iter().filter(needs).count() > free.count() {
                broken.insert("ADDR-11");
            }
        }
        broken
    }

    fn broken_by_publics(&self, name: &Name, ask: &NetworkInterface) -> Broken {
        let mut broken = Broken::new();
        let mut seen = BTreeSet::new();
        let mut lacking = 0;
        for public in ask.public_ip_addresses() {
            let Some((asked, address)) = self.publics.get(public) else {
                broken.insert("PIP-12");
                continue;
            };
            if asked.version == IpVersion::IPv6 {
                broken.insert("PIP-18");
            } else if address.is_none() {
                lacking += 1;
            }
            if !seen.insert(public) || self.holder_of(public).is_some_and(|holder| holder != name) {
                broken.insert("PIP-09");
            }
        }
        let Some((_, vm)) = self.vm_of(name).filter(|_| broken.is_empty()) else { return broken };
        if matches!(vm.power, PowerState::Running | PowerState::Starting) && lacking > self.free_publics().len() {
            broken.insert("PIP-05");
        }
        let others =
            vm.attached.iter().filter(|nic| *nic != name).flat_map(|nic| self.nics[nic].ask.public_ip_addresses());
        let skus = others.chain(ask.public_ip_addresses()).map(|public| self.publics[public].0.sku);
        if skus.map(|sku| sku.to_string()).collect::<BTreeSet<_>>().len() > 1 {
            broken.insert("PIP-19");
        }
        broken
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
                Assignment::Dynamic | Assignment::StaticAsIs => keeps(configuration, held),
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

/// The address that a Dynamic configuration keeps, while it stays of one IP version (ADDR-06).
fn keeps(configuration: &IpConfiguration, held: &dyn Fn(&IpConfiguration) -> Option<IpAddr>) -> Option<IpAddr> {
    held(configuration).filter(|address| address.is_ipv4() == (configuration.version == IpVersion::IPv4))
}

fn as_ipv4(address: IpAddr) -> std::net::Ipv4Addr {
    match address {
        IpAddr::V4(address) => address,
        IpAddr::V6(_) => std::net::Ipv4Addr::UNSPECIFIED,
    }
}

/// The primary configuration (IPC-02, IPC-05, S-02, S-04).
fn primary_of(ask: &NetworkInterface, before: Option<&Nic>) -> (Option<Arc<str>>, Broken) {
    let marked: Vec<_> = ask.configurations.iter().filter(|c| c.primary == Primary::Yes).collect();
    let before = before.map(|before| &before.primary);
    let listed = before.and_then(|before| ask.configurations.iter().find(|c| c.name == *before));
    match (marked.as_slice(), listed, ask.configurations.as_slice()) {
        ([one], ..) => (Some(one.name.clone()), Broken::new()),
        ([_, ..], ..) => (None, Broken::from(["IPC-02"])),
        ([], Some(stays), _) if stays.primary == Primary::Unsaid => (Some(stays.name.clone()), Broken::new()),
        ([], None, [only]) if before.is_none() && only.primary == Primary::Unsaid => {
            (Some(only.name.clone()), Broken::new())
        }
        ([], None, _) if before.is_some() => (None, Broken::from(["IPC-05"])),
        ([], ..) => (None, Broken::from(["IPC-02"])),
    }
}
