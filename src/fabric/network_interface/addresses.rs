//! The life of private addresses: the order in which they are allocated, kept and released (ADDR-02 to ADDR-07).
//!
//! Which addresses may be asked for is in the rules.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::effects::{forget_mac, touch_vm};
use super::{Assignment, IpConfiguration, NetworkInterface, primary_address};
use crate::fabric::engine::Engine;
use crate::fabric::holder::Holder;
use crate::fabric::id::{Kind, Name, ObjectId};
use crate::fabric::private_addresses::{self, Wanted, allocate};
use crate::fabric::resource::Programmed;
use crate::fabric::terms::IpVersion;

/// The configurations that need an address that the NIC does not hold yet.
pub(super) fn in_need<'a>(
    ask: &'a NetworkInterface,
    before: Option<&Programmed<NetworkInterface>>,
) -> impl Iterator<Item = (usize, &'a IpConfiguration)> {
    let kept = before.filter(|before| before.ask.subnet == ask.subnet).map(|before| before.held.addresses.clone());
    ask.configurations.iter().enumerate().filter(move |(_, configuration)| {
        let held = kept.as_ref().and_then(|held| held.get(&configuration.name));
        match configuration.assignment {
            Assignment::Dynamic => held.is_none_or(|held| IpVersion::of(held) != configuration.version),
            Assignment::Static(address) => !kept.iter().any(|held| held.values().any(|one| *one == address)),
            Assignment::KeepCurrent => false,
        }
    })
}

/// Gives every configuration its address: those asked for first, then the lowest free ones; what is no longer used is
/// released last, so that a replacement gets the next address and not the one just left (ADDR-04).
pub(super) fn move_addresses(
    engine: &mut Engine,
    name: &Name,
    ask: &NetworkInterface,
    old_subnet: &Name,
    held: &BTreeMap<Arc<str>, IpAddr>,
) -> BTreeMap<Arc<str>, IpAddr> {
    let this = ObjectId::new(Kind::NetworkInterface, name.clone());
    let stays = *old_subnet == ask.subnet;
    let mut next: BTreeMap<Arc<str>, IpAddr> = BTreeMap::new();
    for configuration in &ask.configurations {
        match configuration.assignment {
            Assignment::Static(address) => {
                next.insert(configuration.name.clone(), address);
            }
            Assignment::Dynamic | Assignment::KeepCurrent => {
                let kept =
                    held.get(&configuration.name).filter(|kept| stays && IpVersion::of(kept) == configuration.version);
                if let Some(kept) = kept {
                    next.insert(configuration.name.clone(), *kept);
                }
            }
        }
    }
    let mut taken: Vec<IpAddr> = next.values().copied().collect();
    for version in IpVersion::ALL {
        let lacks = |asked: &&IpConfiguration| asked.version == version && !next.contains_key(&asked.name);
        let lacking = ask.configurations.iter().filter(lacks).map(|asked| Holder::configuration(name, &asked.name));
        let found = private_addresses::choose(engine, &ask.subnet, version, &this, lacking.collect(), &taken);
        taken.extend(found.iter().map(|(_, address)| *address));
        next.extend(found.into_iter().map(|(holder, address)| (holder.part().clone(), address)));
    }
    let mine: BTreeSet<IpAddr> = if stays { held.values().copied().collect() } else { BTreeSet::new() };
    for (configuration, address) in &next {
        let holder = Holder::configuration(name, configuration);
        if mine.contains(address) {
            private_addresses::hand_over(engine, &ask.subnet, *address, holder);
        } else {
            let is_free = allocate(engine, &ask.subnet, Wanted::This(*address), &holder).is_some();
            assert!(is_free, "ADDR-08 and ADDR-11 have found {address} free in subnet {}", ask.subnet);
        }
    }
    for address in held.values().filter(|address| !stays || !taken.contains(address)) {
        private_addresses::release(engine, old_subnet, *address);
    }
    next
}

/// The subnet has an IPv6 range now: configurations that had no address for lack of one get theirs (S-20).
pub(in crate::fabric) fn serve_ipv6(engine: &mut Engine, name: &Name) {
    let Some(programmed) = engine.get::<NetworkInterface>(name) else { return };
    let (ask, held) = (programmed.ask.clone(), &programmed.held.addresses);
    let ipv6 = ask.configurations.iter().filter(|configuration| configuration.version == IpVersion::IPv6);
    let unserved: Vec<_> = ipv6.map(|ipv6| ipv6.name.clone()).filter(|name| !held.contains_key(name)).collect();
    for configuration in unserved {
        let holder = Holder::configuration(name, &configuration);
        let address = allocate(engine, &ask.subnet, Wanted::Any(IpVersion::IPv6), &holder);
        let Some(address) = address else { return };
        if let Some(programmed) = engine.get_mut::<NetworkInterface>(name) {
            programmed.held.addresses.insert(configuration, address);
            engine.touch(Kind::NetworkInterface, name);
            touch_vm(engine, name);
        }
    }
}

/// How many IPv6 configurations have no address, for their subnet has no IPv6 range (S-20).
pub(in crate::fabric) fn waiting_for_ipv6(nic: &Programmed<NetworkInterface>) -> usize {
    let ipv6 = nic.ask.configurations.iter().filter(|configuration| configuration.version == IpVersion::IPv6);
    ipv6.filter(|configuration| !nic.held.addresses.contains_key(&configuration.name)).count()
}

/// Dynamic addresses are reassigned, while the old ones are still held (ADDR-05, D-04).
pub(in crate::fabric) fn reassign(engine: &mut Engine, name: &Name) {
    let Some(programmed) = engine.get::<NetworkInterface>(name) else { return };
    let (ask, old) = (programmed.ask.clone(), programmed.held.addresses.clone());
    let is_primary = programmed.held.attached.as_ref().is_some_and(|attached| attached.primary);
    let mut new = old.clone();
    for configuration in ask.configurations.iter().filter(|c| c.assignment == Assignment::Dynamic) {
        let holder = Holder::configuration(name, &configuration.name);
        let address = allocate(engine, &ask.subnet, Wanted::Any(configuration.version), &holder);
        let Some(address) = address else { continue }; // a full subnet: the old one stays
        new.insert(configuration.name.clone(), address);
    }
    for (_, address) in old.iter().filter(|(configuration, address)| new.get(*configuration) != Some(*address)) {
        private_addresses::release(engine, &ask.subnet, *address);
    }
    if is_primary && primary_address(&ask, &old) != primary_address(&ask, &new) {
        forget_mac(engine, name);
    }
    if let Some(programmed) = engine.get_mut::<NetworkInterface>(name) {
        programmed.held.addresses = new;
    }
    engine.touch(Kind::NetworkInterface, name);
}
