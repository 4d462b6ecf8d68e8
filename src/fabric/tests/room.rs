//! What a put takes of every pool, found by doing it where there is room for whatever it takes.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::{IpNet, Ipv4Net};

use super::properties::Driver;
use super::random::Op;
use crate::fabric::ipam::{Pool, PoolId, Reservation, all_of};
use crate::fabric::quota::Quotas;
use crate::fabric::terms::IpVersion;
use crate::fabric::testing::named;
use crate::fabric::virtual_machine_scale_set::{OrchestrationMode, UpgradeMode};
use crate::fabric::{Ask, Engine, Name, NetworkInterface, PublicIPAddress, Refusal, VirtualMachineScaleSet};

/// The set that a put is of, if that is a Uniform one: what it needs is taken by the put itself.
pub fn uniform_set(engine: &Engine, op: &Op) -> Option<Name> {
    let Op::Put(name, ask) = op else { return None };
    let (set, asked) = match ask {
        Ask::VirtualMachineScaleSet(asked) => (named(name), Some(asked.mode)),
        Ask::VirtualMachineScaleSetVM(asked) => (asked.set.clone(), None),
        _ => return None,
    };
    let mode = asked.or_else(|| Some(engine.get::<VirtualMachineScaleSet>(&set)?.ask.mode))?;
    (mode == OrchestrationMode::Uniform).then_some(set)
}

/// Panics unless a put of a Uniform set or its instance was judged by what it takes: what it gives up is free only
/// afterwards (S-37), and what is reserved for other sets is not its.
pub fn assert_is_judged_by_what_it_takes(before: &Driver, set: &Name, op: &Op, answer: &Result<(), Refusal>) {
    let lacks_room_alone = |refusal: &Refusal| refusal.violations().iter().all(|found| found.rule == "VMSS-29");
    if answer.as_ref().err().is_some_and(|refusal| !lacks_room_alone(refusal)) {
        return;
    }
    let mut roomy = before.clone();
    roomy.engine.settings.quotas = Quotas::Off;
    roomy.engine.pools.iter_mut().for_each(|(id, pool)| make_room(id, pool));
    let there = held(&roomy.engine);
    roomy.does(op).unwrap_or_else(|refusal| panic!("there is room for {op:?}: {refusal:#?}"));
    let mut taken: BTreeMap<PoolId, u64> = BTreeMap::new();
    held(&roomy.engine).difference(&there).for_each(|(pool, _)| *taken.entry(pool.clone()).or_default() += 1);

    let is_short = |(pool, count): &(&PoolId, &u64)| **count > before.engine.pool(pool).unwrap().available();
    let short: BTreeMap<&PoolId, &u64> = taken.iter().filter(is_short).collect();
    if roomy.engine.get::<VirtualMachineScaleSet>(set).unwrap().ask.upgrade == UpgradeMode::Rolling {
        return; // it takes the rest batch by batch, and a batch that is blocked goes on where there is room
    }
    match answer {
        Ok(()) => assert!(short.is_empty(), "{op:?} takes {taken:?}, and lacks room for {short:?}"),
        Err(refusal) => assert_tells(refusal, &before.engine, &short),
    }
}

/// Panics unless a refusal shows of each of these pools, and of no other, how many addresses are needed.
fn assert_tells(refusal: &Refusal, engine: &Engine, short: &BTreeMap<&PoolId, &u64>) {
    let messages = refusal.violations().iter().map(|violation| &violation.message);
    let of_pools: Vec<_> = messages.filter(|message| message.contains(" required, and ")).collect();
    for (id, count) in short {
        let prefix = engine.pool(id).unwrap().prefix().to_string();
        let tells = |told: &&String| told.starts_with(&format!("{count} more address")) && told.contains(&prefix);
        assert!(of_pools.iter().any(tells), "{count} of {id:?} are required: {refusal:#?}");
    }
    assert_eq!(of_pools.len(), short.len(), "{short:?} are required: {refusal:#?}");
}

/// What each pool has given, and to whom; a public address of another SKU is another.
fn held(engine: &Engine) -> BTreeSet<(PoolId, String)> {
    let private = engine.all::<NetworkInterface>().flat_map(|(nic, programmed)| {
        let held = programmed.held.addresses.iter();
        held.map(move |(configuration, address)| {
            (PoolId::of_subnet(&programmed.ask.subnet, IpVersion::of(address)), format!("{nic} {configuration}"))
        })
    });
    let public = engine.all::<PublicIPAddress>().filter(|(_, public)| public.held.address.is_some());
    private.chain(public.map(|(name, public)| (public.ask.pool(), format!("{name} {}", public.ask.sku)))).collect()
}

/// Makes the pool one of a range that has room.
fn make_room(id: &PoolId, pool: &mut Pool) {
    let IpNet::V4(prefix) = pool.prefix() else { return };
    let reservation = match id {
        PoolId::SubnetIPv4(_) | PoolId::SubnetIPv6(_) => Reservation::Subnet,
        PoolId::Public | PoolId::Prefix(_) => Reservation::None,
    };
    let mut larger = Pool::new(Ipv4Net::new(prefix.addr(), 20).unwrap().trunc().into(), reservation);
    all_of(prefix).filter(|address| pool.holds(*address)).for_each(|address| assert!(larger.reserve(address)));
    *pool = larger;
}
