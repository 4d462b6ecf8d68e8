//! The naive fabric: public addresses and the blocks that they are taken from.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;

use super::{Broken, Prefix, Public, World};
use crate::fabric::Name;
use crate::fabric::public_ip_address::{PublicIPAddress, Sku};
use crate::fabric::public_ip_prefix::PublicIPPrefix;
use crate::fabric::terms::{AllocationMethod, IpVersion};
use crate::fabric::virtual_machine::PowerState;

impl World {
    pub(super) fn put_prefix(&mut self, name: &Name, ask: &PublicIPPrefix) -> Broken {
        let mut broken = Broken::new();
        let before = self.prefixes.get(name);
        if !(28..=31).contains(&ask.length) {
            broken.insert("S-19");
        }
        if before.is_some_and(|before| before.length != ask.length) {
            broken.insert("S-14");
        }
        if before.is_some() || !broken.is_empty() {
            return broken;
        }
        match self.lowest_free_block(ask.length) {
            Some(block) => drop(self.prefixes.insert(name.clone(), Prefix { length: ask.length, block })),
            None => drop(broken.insert("PIP-16")),
        }
        broken
    }

    pub(super) fn put_public(&mut self, name: &Name, ask: &PublicIPAddress) -> Broken {
        let mut broken = Broken::new();
        let before = self.publics.get(name).cloned();
        let is_static = ask.method == AllocationMethod::Static;
        if ask.sku == Sku::Standard && !is_static {
            broken.insert("PIP-02");
        }
        if ask.sku == Sku::Basic && ask.version == IpVersion::IPv6 && is_static {
            broken.insert("PIP-03");
        }
        if let Some(Public { ask: before, .. }) = &before {
            if before.sku != ask.sku {
                broken.insert("PIP-01");
            }
            if before.version != ask.version {
                broken.insert("S-14");
            }
            if before.method == AllocationMethod::Static && !is_static && self.holder_of(name).is_some() {
                broken.insert("PIP-06");
            }
            if before.public_ip_prefix != ask.public_ip_prefix {
                broken.insert("PIP-16");
            }
        }
        if ask.public_ip_prefix.as_ref().is_some_and(|prefix| !self.prefixes.contains_key(prefix)) {
            broken.insert("PIP-16");
        }
        if ask.public_ip_prefix.is_some() && ask.sku == Sku::Basic {
            broken.insert("S-19");
        }
        let same_label = |(other, public): (&Name, &Public)| {
            let label = &public.ask.domain_name_label;
            other != name && label.is_some() && *label == ask.domain_name_label
        };
        if self.publics.iter().any(same_label) {
            broken.insert("PIP-15");
        }
        let address = before.and_then(|before| before.address);
        if ask.requested_address.is_some_and(|requested| !self.may_be(ask, address, requested)) {
            broken.insert("PIP-26");
        }
        let needs_one = is_static && ask.version == IpVersion::IPv4 && address.is_none();
        let needs_one = needs_one && ask.requested_address.is_none();
        if broken.is_empty() && needs_one && self.free_publics(ask.public_ip_prefix.as_ref()).next().is_none() {
            broken.insert("PIP-04");
        }
        if broken.is_empty() {
            self.publics.insert(name.clone(), Public { ask: ask.clone(), address });
            self.settle([name.clone()]);
        }
        broken
    }

    /// PIP-26; a prefix that there is not is another rule's.
    fn may_be(&self, ask: &PublicIPAddress, held: Option<IpAddr>, requested: IpAddr) -> bool {
        let Some(prefix) = &ask.public_ip_prefix else { return false };
        let is_free = |prefix: &Prefix| {
            let is_inside = all_of(prefix.block).any(|address| IpAddr::V4(address) == requested);
            is_inside && self.publics.values().all(|public| public.address != Some(requested))
        };
        ask.version == IpVersion::IPv4
            && match held {
                Some(held) => held == requested,
                None => self.prefixes.get(prefix).is_none_or(is_free),
            }
    }

    pub(super) fn members_of_prefix(&self, prefix: &Name) -> impl Iterator<Item = &Name> {
        self.publics
            .iter()
            .filter(|(_, public)| public.ask.public_ip_prefix.as_ref() == Some(prefix))
            .map(|(name, _)| name)
    }

    /// The NIC whose configuration refers to this public address.
    pub(super) fn holder_of(&self, public: &Name) -> Option<&Name> {
        self.nics.iter().find(|(_, nic)| nic.ask.public_ip_addresses().any(|held| held == public)).map(|(nic, _)| nic)
    }

    /// The addresses of a prefix, or those of the platform's that are in none, which nobody holds; lowest first.
    pub(super) fn free_publics(&self, prefix: Option<&Name>) -> impl Iterator<Item = IpAddr> {
        let range = prefix.map_or(self.public_pool, |prefix| self.prefixes[prefix].block);
        all_of(range)
            .filter(move |address| {
                let reserved = prefix.is_none() && self.prefixes.values().any(|prefix| prefix.block.contains(address));
                !reserved && self.publics.values().all(|public| public.address != Some((*address).into()))
            })
            .map(IpAddr::V4)
    }

    /// The lowest block of the platform's addresses of which nobody holds any (PIP-16).
    fn lowest_free_block(&self, length: u8) -> Option<Ipv4Net> {
        let free: Vec<IpAddr> = self.free_publics(None).collect();
        let mut blocks = self.public_pool.subnets(length).ok()?;
        blocks.find(|block| all_of(*block).all(|address| free.contains(&address.into())))
    }

    /// Public addresses that may no longer have an address lose it, then those in `order` that must have one get it.
    pub(super) fn settle(&mut self, order: impl IntoIterator<Item = Name>) {
        for name in self.publics.keys().cloned().collect::<Vec<_>>() {
            if !self.may_have_an_address(&name) {
                self.publics.get_mut(&name).unwrap().address = None;
            }
        }
        for name in order {
            if self.may_have_an_address(&name) && self.publics[&name].address.is_none() {
                let (prefix, requested) = {
                    let ask = &self.publics[&name].ask;
                    (ask.public_ip_prefix.as_ref(), ask.requested_address)
                };
                let is_requested = |address: &IpAddr| {
                    self.requested_publics.values().any(|(of, one)| prefix == Some(of) && one == address)
                };
                let lowest = self.free_publics(prefix).find(|address| !is_requested(address));
                let lowest = lowest.or_else(|| self.free_publics(prefix).next()); // (S-88)
                self.publics.get_mut(&name).unwrap().address = requested.or(lowest);
            }
        }
    }

    /// PIP-04 to PIP-07; a stopped VM keeps what it has.
    fn may_have_an_address(&self, name: &Name) -> bool {
        let Public { ask, address } = &self.publics[name];
        let vm = self.holder_of(name).and_then(|nic| self.vm_of(nic)).map(|(_, vm)| vm.power);
        ask.version == IpVersion::IPv4
            && match (ask.method, vm) {
                (AllocationMethod::Static, _) | (_, Some(PowerState::Running | PowerState::Starting)) => true,
                (_, Some(PowerState::Stopped)) => address.is_some(),
                (_, Some(PowerState::Deallocated) | None) => false,
            }
    }
}

fn all_of(range: Ipv4Net) -> impl Iterator<Item = Ipv4Addr> {
    (u32::from(range.network())..=u32::from(range.broadcast())).map(Ipv4Addr::from)
}
