//! The private addresses of subnets: who holds them, how they are allocated and released (ADDR-02, ADDR-03, ADDR-08, S-90).
//!
//! What holds an address, and when it lets go, is its kind's own.

use std::net::IpAddr;

use super::engine::Engine;
use super::holder::Holder;
use super::id::{Kind, Name, ObjectId};
use super::ipam::PoolId;
use super::ledger::Owner;
use super::quota::Quota;
use super::subnet::Subnet;
use super::terms::IpVersion;
use super::violation::{Code, Finding, Findings, Place, Violation, WaitKey};

/// Which address of a subnet is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted {
    /// This one.
    This(IpAddr),
    /// The lowest free one.
    Any(IpVersion),
}

/// An address for a holder that has none, if there is one: of any, that which is reserved for it goes before the lowest free one.
pub(super) fn allocate(engine: &mut Engine, subnet: &Name, wanted: Wanted, holder: &Holder) -> Option<IpAddr> {
    let address = match wanted {
        Wanted::This(address) => address,
        Wanted::Any(version) => choose(engine, subnet, version, &holder.object(), vec![holder.clone()], &[]).pop()?.1,
    };
    let pool = PoolId::of_subnet(subnet, IpVersion::of(&address));
    let is_free = engine.take_reserved(&holder.object(), &pool, address)
        || engine.pools.get_mut(&pool).is_some_and(|pool| pool.reserve(address));
    if !is_free {
        return None;
    }
    engine.addresses.insert((subnet.clone(), address), holder.clone());
    if let Some(quota) = quota_of(engine, subnet) {
        engine.usage.add(quota, 1);
    }
    engine.touch_members(Kind::Subnet, subnet);
    Some(address)
}

/// Addresses for parts of one object, none of which is `taken`: those that are reserved for them (S-90), then the lowest free
/// ones, then what is reserved for other parts. They are not allocated yet.
pub(super) fn choose(
    engine: &Engine,
    subnet: &Name,
    version: IpVersion,
    object: &ObjectId,
    holders: Vec<Holder>,
    taken: &[IpAddr],
) -> Vec<(Holder, IpAddr)> {
    let id = PoolId::of_subnet(subnet, version);
    let (mut found, mut rest) = (Vec::new(), Vec::new());
    for holder in holders {
        let reserved = engine.ledger.address_of(object, holder.part(), &id);
        match reserved.filter(|address| !taken.contains(address)) {
            Some(address) => found.push((holder, address)),
            None => rest.push(holder),
        }
    }
    let lowest = engine.pool(&id).map(|pool| pool.lowest_free(rest.len(), taken)).unwrap_or_default();
    let is_left = |address: &IpAddr| !taken.contains(address) && !found.iter().any(|(_, found)| found == address);
    let left: Vec<IpAddr> = engine.ledger.addresses_of(object, &id).filter(is_left).collect();
    found.extend(rest.into_iter().zip(lowest.into_iter().chain(left)));
    found
}

/// An address stays its object's, and is held by this part of it from now on.
pub(super) fn hand_over(engine: &mut Engine, subnet: &Name, address: IpAddr, holder: Holder) {
    let before = engine.addresses.insert((subnet.clone(), address), holder.clone());
    if before.is_some_and(|before| before != holder) {
        engine.wake(WaitKey::Address(subnet.clone(), address)); // a refusal says who has it
    }
}

/// Gives an address back.
pub(super) fn release(engine: &mut Engine, subnet: &Name, address: IpAddr) {
    let pool = PoolId::of_subnet(subnet, IpVersion::of(&address));
    if engine.pools.get_mut(&pool).is_some_and(|pool| pool.release(address)) {
        engine.wake(WaitKey::Capacity(pool));
        if let Some(quota) = quota_of(engine, subnet) {
            engine.usage.give_back(quota.clone(), 1);
            engine.wake(WaitKey::Quota(quota));
        }
    }
    engine.addresses.remove(&(subnet.clone(), address));
    engine.wake(WaitKey::Address(subnet.clone(), address));
    engine.touch_members(Kind::Subnet, subnet);
}

/// The quota that addresses of a subnet count towards.
fn quota_of(engine: &Engine, subnet: &Name) -> Option<Quota> {
    engine.network_of(subnet).cloned().map(Quota::PrivateAddresses)
}

/// Who has an address of a subnet.
#[derive(Clone, Copy)]
pub(super) enum TakenBy<'a> {
    /// Something that holds it.
    Holder(&'a Holder),
    /// An instance of a scale set, for which it is reserved.
    Reserved(&'a Owner),
}

/// The addresses of a subnet that are held, and then those that are reserved for instances of scale sets.
pub(super) fn taken<'a>(
    engine: &'a Engine,
    subnet: &Name,
    version: IpVersion,
) -> impl Iterator<Item = (IpAddr, TakenBy<'a>)> + use<'a> {
    let lowest: IpAddr = match version {
        IpVersion::IPv4 => std::net::Ipv4Addr::UNSPECIFIED.into(),
        IpVersion::IPv6 => std::net::Ipv6Addr::UNSPECIFIED.into(),
    };
    let of = subnet.clone();
    let held = engine.addresses.range((subnet.clone(), lowest)..);
    let held = held.take_while(move |((subnet, address), _)| *subnet == of && IpVersion::of(address) == version);
    let held = held.map(|((_, address), holder)| (*address, TakenBy::Holder(holder)));
    let reserved = engine.ledger.addresses_in(&PoolId::of_subnet(subnet, version));
    held.chain(reserved.map(|(address, owner)| (address, TakenBy::Reserved(owner))))
}

/// Finds that the address which `wanted_by` asks for is another's, or is reserved for another (ADDR-08, S-90).
pub(super) fn is_free(
    engine: &Engine,
    subnet: &Name,
    address: IpAddr,
    wanted_by: Holder,
    path: String,
    findings: &mut Findings,
) {
    let object = wanted_by.object();
    let pool = PoolId::of_subnet(subnet, IpVersion::of(&address));
    let held = engine.addresses.get(&(subnet.clone(), address)).filter(|holder| holder.object() != object);
    let reserved = engine.ledger.holder(&pool, address).filter(|(other, _)| **other != object);
    let (range, of) = (|| range_of(engine, subnet), subnet.clone());
    let found = match (held.cloned(), reserved) {
        (Some(holder), _) => PrivateAddressFinding::Held { address, holder, subnet: of, range: range(), wanted_by },
        (None, Some((_, owner))) => {
            let owner = owner.clone();
            PrivateAddressFinding::Reserved { address, owner, subnet: of, range: range(), wanted_by }
        }
        (None, None) => return,
    };
    findings.add(path, found);
}

/// What keeps an address of a subnet from the object that wants it.
enum PrivateAddressFinding {
    /// Something else holds it.
    Held { address: IpAddr, holder: Holder, subnet: Name, range: String, wanted_by: Holder },
    /// It is reserved for an instance of a scale set.
    Reserved { address: IpAddr, owner: Owner, subnet: Name, range: String, wanted_by: Holder },
}

impl Finding for PrivateAddressFinding {
    fn violation(self, at: Place) -> Violation {
        let code = Code::PrivateIPAddressInUse;
        match self {
            Self::Held { address, holder, subnet, range, wanted_by } => {
                let id = holder.object();
                let fact = format!("{address} is held by {holder}.");
                let remedy = choose_of(&range, &wanted_by, &format!("release the address on {id}"));
                let of = WaitKey::object(Kind::Subnet, &subnet);
                at.refuse(code, fact, remedy).until_free(WaitKey::Address(subnet, address)).blocked_by(id).cites(of)
            }
            Self::Reserved { address, owner, subnet, range, wanted_by } => {
                let set = owner.object();
                let fact = format!("{address} is reserved for {owner}.");
                let remedy = choose_of(&range, &wanted_by, &format!("reduce the instances of {set}"));
                at.refuse(code, fact, remedy).until_free(WaitKey::Address(subnet, address)).blocked_by(set)
            }
        }
    }
}

/// What the object that wants a taken address may do, or what else cures it.
fn choose_of(range: &str, wanted_by: &Holder, cure: &str) -> String {
    let instead = match wanted_by {
        Holder::IpConfiguration { .. } => "set privateIPAllocationMethod to Dynamic, ",
    };
    format!("Choose a free address of {range}, {instead}or {cure}.")
}

/// The IPv4 range of a subnet, for remedies.
pub(super) fn range_of(engine: &Engine, subnet: &Name) -> String {
    engine.get::<Subnet>(subnet).map(|subnet| subnet.ask.ipv4.to_string()).unwrap_or_default()
}
