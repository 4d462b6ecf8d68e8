//! The life of private addresses: the order in which they are allocated, kept and given back (ADDR-02 to ADDR-07).
//!
//! Which addresses may be asked for is in the rules.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::effects::{forget_mac, touch_vm};
use super::{Assignment, IpConfiguration, NetworkInterface, primary_address};
use crate::fabric::engine::Engine;
use crate::fabric::id::{Kind, Name, ObjectId};
use crate::fabric::ipam::PoolId;
use crate::fabric::quota::Quota;
use crate::fabric::resource::Programmed;
use crate::fabric::terms::IpVersion;
use crate::fabric::violation::WaitKey;

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
            Assignment::StaticAsIs => false,
        }
    })
}

/// Gives every configuration its address: those asked for first, then the lowest free ones; what is no longer used is
/// given back last, so that a replacement gets the next address and not the one just left (ADDR-04).
pub(super) fn move_addresses(
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
    for version in IpVersion::ALL {
        let lacks = |asked: &&IpConfiguration| asked.version == version && !next.contains_key(&asked.name);
        let lacking: Vec<_> = ask.configurations.iter().filter(lacks).map(|asked| asked.name.clone()).collect();
        let found = addresses_for(engine, name, &PoolId::of_subnet(&ask.subnet, version), lacking, &taken);
        taken.extend(found.iter().map(|(_, address)| *address));
        next.extend(found);
    }
    let mine: BTreeSet<IpAddr> = if stays { held.values().copied().collect() } else { BTreeSet::new() };
    for (configuration, address) in &next {
        if mine.contains(address) {
            let holder = (name.clone(), configuration.clone());
            let before = engine.addresses.insert((ask.subnet.clone(), *address), holder.clone());
            if before.is_some_and(|before| before != holder) {
                engine.free(WaitKey::Address(ask.subnet.clone(), *address)); // another configuration has it
            }
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

/// An address for each of these configurations: that which is reserved for it (S-90), or the lowest free one.
fn addresses_for(
    engine: &Engine,
    nic: &Name,
    id: &PoolId,
    configurations: Vec<Arc<str>>,
    taken: &[IpAddr],
) -> Vec<(Arc<str>, IpAddr)> {
    let this = ObjectId::new(Kind::NetworkInterface, nic.clone());
    let (mut found, mut rest) = (Vec::new(), Vec::new());
    for configuration in configurations {
        let reserved = engine.ledger.address_of(&this, &configuration, id).filter(|address| !taken.contains(address));
        match reserved {
            Some(address) => found.push((configuration, address)),
            None => rest.push(configuration),
        }
    }
    let lowest = engine.pool(id).map(|pool| pool.lowest_free(rest.len(), taken)).unwrap_or_default();
    let is_left = |address: &IpAddr| !taken.contains(address) && !found.iter().any(|(_, found)| found == address);
    let left: Vec<IpAddr> = engine.ledger.addresses_of(&this, id).filter(is_left).collect();
    found.extend(rest.into_iter().zip(lowest.into_iter().chain(left)));
    found
}

/// The subnet has an IPv6 range now: configurations that had no address for lack of one get theirs (S-20).
pub(in crate::fabric) fn serve_ipv6(engine: &mut Engine, name: &Name) {
    let Some(programmed) = engine.get::<NetworkInterface>(name) else { return };
    let (ask, held) = (programmed.ask.clone(), &programmed.held.addresses);
    let ipv6 = ask.configurations.iter().filter(|configuration| configuration.version == IpVersion::IPv6);
    let unserved: Vec<_> = ipv6.map(|ipv6| ipv6.name.clone()).filter(|name| !held.contains_key(name)).collect();
    let pool = PoolId::of_subnet(&ask.subnet, IpVersion::IPv6);
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

/// How many IPv6 configurations have no address, for their subnet has no IPv6 range (S-20).
pub(in crate::fabric) fn waiting_for_ipv6(nic: &Programmed<NetworkInterface>) -> usize {
    let ipv6 = nic.ask.configurations.iter().filter(|configuration| configuration.version == IpVersion::IPv6);
    ipv6.filter(|configuration| !nic.held.addresses.contains_key(&configuration.name)).count()
}

/// Dynamic addresses are assigned anew, while the old ones are still held (ADDR-05, D-04).
pub(in crate::fabric) fn reassign(engine: &mut Engine, name: &Name) {
    let Some(programmed) = engine.get::<NetworkInterface>(name) else { return };
    let (ask, old) = (programmed.ask.clone(), programmed.held.addresses.clone());
    let is_primary = programmed.held.attached.as_ref().is_some_and(|attached| attached.primary);
    let mut new = old.clone();
    for configuration in ask.configurations.iter().filter(|c| c.assignment == Assignment::Dynamic) {
        let pool = PoolId::of_subnet(&ask.subnet, configuration.version);
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

pub(super) fn hold_address(
    engine: &mut Engine,
    subnet: &Name,
    address: IpAddr,
    nic: &Name,
    configuration: &Arc<str>,
) -> bool {
    let pool = PoolId::of_subnet(subnet, IpVersion::of(&address));
    let this = ObjectId::new(Kind::NetworkInterface, nic.clone());
    let free = engine.take_reserved(&this, &pool, address)
        || engine.pools.get_mut(&pool).is_some_and(|pool| pool.reserve(address));
    if free {
        engine.addresses.insert((subnet.clone(), address), (nic.clone(), configuration.clone()));
        if let Some(quota) = private_addresses_of(engine, subnet) {
            engine.usage.add(quota, 1);
        }
        engine.touch_members(Kind::Subnet, subnet);
    }
    free
}

pub(super) fn release_address(engine: &mut Engine, subnet: &Name, address: IpAddr) {
    let pool = PoolId::of_subnet(subnet, IpVersion::of(&address));
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

/// The quota that addresses of a subnet count towards.
fn private_addresses_of(engine: &Engine, subnet: &Name) -> Option<Quota> {
    engine.network_of(subnet).cloned().map(Quota::PrivateAddresses)
}
