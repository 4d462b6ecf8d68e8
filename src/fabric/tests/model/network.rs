//! The naive fabric: virtual networks and subnets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::{Broken, World};
use crate::fabric::Name;
use crate::fabric::subnet::Subnet;
use crate::fabric::terms::IpVersion;
use crate::fabric::virtual_network::VirtualNetwork;

impl World {
    pub(super) fn put_network(&mut self, name: &Name, ask: &VirtualNetwork) -> Broken {
        let mut broken = Broken::new();
        let inside = |prefix: IpNet| ask.address_prefixes.iter().any(|space| space.contains(&prefix));
        let leaves = |subnet: &Name| {
            self.held_in(subnet).is_empty()
                && match self.pending.get(subnet) {
                    Some(Some(asked)) => asked.virtual_network == *name && asked.prefixes().all(inside),
                    Some(None) => true,
                    None => false,
                }
        };
        let mut subnets = self.subnets.iter().filter(|(_, subnet)| subnet.virtual_network == *name);
        let before = self.networks.get(name).map(|before| before.address_prefixes.clone()).unwrap_or_default();
        let was_inside = |prefix: IpNet| before.iter().any(|space| space.contains(&prefix));
        if subnets.any(|(subnet, ask)| ask.prefixes().any(|one| was_inside(one) && !inside(one)) && !leaves(subnet)) {
            broken.insert("S-15");
        }
        if broken.is_empty() {
            let before = self.networks.insert(name.clone(), ask.clone());
            let retained = self.retained.entry(name.clone()).or_default();
            retained.extend(before.into_iter().flat_map(|before| before.address_prefixes));
            self.release_prefixes();
        }
        broken
    }

    /// What a network has besides its address space is what subnets lie in that are to leave it (S-87).
    pub(super) fn release_prefixes(&mut self) {
        for (network, retained) in &mut self.retained {
            let asked = &self.networks[network].address_prefixes;
            let subnets = self.subnets.values().filter(|subnet| subnet.virtual_network == *network);
            let outside =
                subnets.flat_map(Subnet::prefixes).filter(|range| !asked.iter().any(|one| one.contains(range)));
            let outside: Vec<_> = outside.collect();
            retained.retain(|prefix| outside.iter().any(|range| prefix.contains(range)));
            let all = retained.clone();
            retained.retain(|prefix| !all.iter().any(|other| other != prefix && other.contains(prefix)));
        }
    }

    pub(super) fn put_subnet(&mut self, name: &Name, ask: &Subnet) -> Broken {
        let mut broken = Broken::new();
        match self.networks.get(&ask.virtual_network) {
            None => {
                broken.insert("NIC-03");
            }
            Some(network) => {
                let inside = |prefix: IpNet| network.address_prefixes.iter().any(|space| space.contains(&prefix));
                let retained = &self.retained[&ask.virtual_network];
                let stays = |prefix: IpNet| {
                    let has = self.subnets.get(name).is_some_and(|before| before.prefixes().any(|own| own == prefix));
                    has && retained.iter().any(|space| space.contains(&prefix))
                };
                if !ask.prefixes().all(|prefix| inside(prefix) || stays(prefix)) {
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
        if let Some(before) = self.subnets.get(name) {
            let is_edited = |address: &IpAddr| match address {
                IpAddr::V4(_) => before.ipv4 != ask.ipv4,
                IpAddr::V6(_) => before.ipv6 != ask.ipv6,
            };
            if self.held_in(name).iter().any(is_edited) {
                broken.insert("VNET-09");
            }
        }
        if broken.is_empty() {
            self.pending.remove(name);
            self.subnets.insert(name.clone(), ask.clone());
            self.release_prefixes();
            self.serve_ipv6(name);
        } else if self.subnets.contains_key(name) {
            self.pending.insert(name.clone(), Some(ask.clone()));
        }
        broken
    }

    /// Configurations without an address for lack of an IPv6 range have one when there is a range (S-20).
    fn serve_ipv6(&mut self, subnet: &Name) {
        let in_it = self.nics.iter().filter(|(_, nic)| nic.ask.subnet == *subnet);
        for nic in in_it.map(|(nic, _)| nic.clone()).collect::<Vec<_>>() {
            let ipv6 = self.nics[&nic].ask.configurations.iter().filter(|c| c.version == IpVersion::IPv6);
            let unserved: Vec<_> =
                ipv6.map(|c| c.name.clone()).filter(|c| !self.nics[&nic].addresses.contains_key(c)).collect();
            for configuration in unserved {
                if let Some(address) = self.lowest_free(subnet, IpVersion::IPv6, &[]) {
                    self.nics.get_mut(&nic).unwrap().addresses.insert(configuration, address);
                }
            }
        }
    }

    pub(super) fn held_in(&self, subnet: &Name) -> Vec<IpAddr> {
        let nics = self.nics.values().filter(|nic| nic.ask.subnet == *subnet);
        nics.flat_map(|nic| nic.addresses.values().copied()).collect()
    }

    /// The lowest address of a subnet that is not the platform's, nobody's, and not in `except`; one that a user asks for
    /// only if there is no other (S-88).
    pub(super) fn lowest_free(&self, subnet: &Name, version: IpVersion, except: &[IpAddr]) -> Option<IpAddr> {
        let ask = &self.subnets[subnet];
        let held = self.held_in(subnet);
        let candidates: Box<dyn Iterator<Item = IpAddr>> = match (version, ask.ipv6) {
            (IpVersion::IPv4, _) => Box::new(ask.ipv4.hosts().map(IpAddr::V4)),
            (IpVersion::IPv6, Some(ipv6)) => Box::new(ipv6.hosts().map(IpAddr::V6)),
            (IpVersion::IPv6, None) => Box::new(std::iter::empty()),
        };
        let is_free = |address: &IpAddr| usable(ask, *address) && !held.contains(address) && !except.contains(address);
        let is_requested = |address: &IpAddr| {
            self.requested.values().flatten().any(|(of, requested)| of == subnet && requested == address)
        };
        let mut free = candidates.filter(is_free);
        let mut passed_over = None;
        free.find(|address| {
            let passes_over = is_requested(address);
            passed_over = passed_over.or(passes_over.then_some(*address));
            !passes_over
        })
        .or(passed_over)
    }
}

/// True if an address of a subnet is inside it and not one of the five that the platform keeps (ADDR-01).
pub(super) fn usable(subnet: &Subnet, address: IpAddr) -> bool {
    subnet.prefixes().any(|prefix| {
        let kept_at_start: Vec<IpAddr> = match prefix.network() {
            IpAddr::V4(first) => (0..4).map(|n| Ipv4Addr::from(u32::from(first) + n).into()).collect(),
            IpAddr::V6(first) => (0..4).map(|n| Ipv6Addr::from(u128::from(first) + n).into()).collect(),
        };
        prefix.contains(&address) && !kept_at_start.contains(&address) && prefix.broadcast() != address
    })
}
