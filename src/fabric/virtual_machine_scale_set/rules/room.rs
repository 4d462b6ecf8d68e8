//! The rules of what a put makes and upgrades: there is room for it, and it fits what instances have already.

use std::collections::{BTreeMap, BTreeSet};

use super::network::{Network, size_takes};
use super::{PROFILE, SetCase};
use crate::fabric::engine::Engine;
use crate::fabric::id::{Kind, Name, ObjectId};
use crate::fabric::ipam::PoolId;
use crate::fabric::limits;
use crate::fabric::network_interface::NetworkInterface;
use crate::fabric::public_ip_address::public_pool_has_room;
use crate::fabric::quota;
use crate::fabric::terms::IpVersion;
use crate::fabric::violation::{Code, Findings, Violation, WaitKey};
use crate::fabric::virtual_machine::DesiredPowerState;
use crate::fabric::virtual_machine_scale_set::findings::RoomFinding;
use crate::fabric::virtual_machine_scale_set::{
    Demand, Instance, InstanceName, NicModel, OrchestrationMode, UpgradeMode, Wanted, nic_path, publics,
};

/// The codes of VMSS-29, of a set and of one instance: a pool or a quota has less than is needed.
pub(in crate::fabric) const NO_ROOM: &[Code] = &[
    Code::SubnetIsFull,
    Code::AllocationFailed,
    Code::PublicIPPrefixExhausted,
    Code::QuotaExceeded,
    Code::IPv4BasicSkuPublicIpCountLimitReached,
    Code::StandardSkuPublicIPCountLimitReached,
];

/// The instances that are there and stay: those with the lowest ids (S-27).
fn kept<'a>(case: &SetCase<'a>) -> impl Iterator<Item = (u64, &'a Instance)> + use<'a> {
    let kept = usize::try_from(case.ask.replicas).unwrap_or(usize::MAX);
    case.programmed.into_iter().flat_map(|set| &set.held.instances).take(kept).map(|(id, instance)| (*id, instance))
}

/// The instances that this put upgrades, now or batch by batch.
fn upgraded<'a>(case: &SetCase<'a>) -> impl Iterator<Item = (u64, &'a Instance)> + use<'a> {
    let is_news = case.before().is_some_and(|before| before.model != case.ask.model);
    let latest = case.programmed.map_or(0, |set| set.held.revision);
    let is_due = case.ask.upgrade != UpgradeMode::Manual;
    let was_made = move |instance: &Instance| instance.target > 0 && !(is_news && instance.revision == 0);
    kept(case).filter(move |(_, instance)| is_due && was_made(instance) && (is_news || instance.target < latest))
}

pub(super) fn own_networks_fit(case: &SetCase<'_>, findings: &mut Findings) {
    let Some(set) = case.programmed else { return };
    // What is found first of a code, and every instance of which it is found.
    let mut found: BTreeMap<Code, (String, Vec<ObjectId>)> = BTreeMap::new();
    for (id, own) in upgraded(case).filter_map(|(id, instance)| Some((id, instance.network.as_deref()?))) {
        let this = InstanceName { set: case.name, id };
        let network = Network::of_an_instance(case.engine, set, this, (case.ask.model.size, own), PROFILE);
        let mut broken = Findings::default();
        size_takes(&network, &mut broken);
        for Violation { code, message, .. } in broken.into_violations() {
            let (_, instances) = found.entry(code).or_insert_with(|| (message, Vec::new()));
            instances.push(this.object_in(OrchestrationMode::Uniform));
        }
    }
    for (code, (message, instances)) in found {
        findings.add("spec.sku.name", RoomFinding::OwnNetworks { code, message, instances });
    }
}

pub(super) fn no_upgrade_adds_ipv6(case: &SetCase<'_>, findings: &mut Findings) {
    if case.ask.mode == OrchestrationMode::Flexible {
        return; // there each network interface is judged as the object that it is
    }
    let mut upgraded = upgraded(case).filter(|(_, instance)| instance.network.is_none());
    let network = &case.ask.model.network;
    let found = upgraded.find_map(|(id, _)| {
        let this = InstanceName { set: case.name, id };
        Some((this.object_in(case.ask.mode), added_ipv6(case.engine, this, network)?))
    });
    if let Some((instance, (n, m))) = found {
        let path = nic_path(PROFILE, n, &format!("ipConfigurations[{m}].privateIPAddressVersion"));
        findings.add(path, RoomFinding::UpgradeAddsIpv6 { instance });
    }
}

/// Where a network has an IPv6 configuration that the instance, whose machine exists, does not have yet (IP6-05, IP6-06).
pub(in crate::fabric) fn added_ipv6(
    engine: &Engine,
    this: InstanceName<'_>,
    network: &[NicModel],
) -> Option<(usize, usize)> {
    let is_ipv6 = |version: IpVersion| version == IpVersion::IPv6;
    network.iter().enumerate().find_map(|(n, nic)| {
        let m = nic.interface.configurations.iter().position(|configuration| is_ipv6(configuration.version))?;
        let held = engine.get::<NetworkInterface>(&this.nic(&nic.name));
        let has = held.is_some_and(|held| held.ask.configurations.iter().any(|held| is_ipv6(held.version)));
        (!has).then_some((n, m))
    })
}

/// There is room for all that the put needs. Instances that would take up its model because they have no machine yet need less
/// once they have one.
pub(super) fn pools_have_room(case: &SetCase<'_>, findings: &mut Findings) {
    let mut found = Findings::default();
    all_fits(case, found.under("VMSS-29"));
    let machine = |id: u64| InstanceName { set: case.name, id }.object_in(case.ask.mode);
    for violation in found.into_violations() {
        let bare = kept(case).filter(|(_, instance)| is_made_anew(case, instance));
        let evidence = bare.map(|(id, _)| WaitKey::Object(machine(id)));
        findings.adopt(evidence.fold(violation, Violation::cites));
    }
}

/// All that the put needs beyond what its instances hold and what is reserved for others; what it gives up is free only
/// afterwards (S-37). A put that needs no more is not refused for what could not be reserved for its instances.
fn all_fits(case: &SetCase<'_>, findings: &mut Findings) {
    let (engine, network) = (case.engine, &*case.ask.model.network);
    let there = case.programmed.map_or(0, |set| u64::try_from(set.held.instances.len()).unwrap_or(u64::MAX));
    // More are refused whatever room there is (VMSS-01), and none of them is looked at.
    let more = u64::from(case.ask.replicas.min(limits::INSTANCES_PER_SCALE_SET)).saturating_sub(there);
    let mut made = Demand::default();
    for (id, _) in kept(case).filter(|(_, instance)| is_made_anew(case, instance)) {
        made.add(engine, &wanted(case, id, None));
    }
    let next = case.programmed.map_or(0, |set| set.held.next_instance_id);
    for id in (next..).take(usize::try_from(more).unwrap_or(usize::MAX)) {
        made.add(engine, &wanted(case, id, None));
    }
    let mut of_upgrades = Demand::default();
    for (id, instance) in upgraded(case).filter(|(_, instance)| instance.network.is_none()) {
        of_upgrades.add(engine, &wanted(case, id, instance.power));
    }
    let promised = promised(case);
    let more_of =
        |pool: &PoolId| made.pools.get(pool).copied().unwrap_or(0) + promised.pools.get(pool).copied().unwrap_or(0);
    let (own_pools, own_quotas) = engine.ledger.of_set(case.name);
    let only_made = made.pools.keys().filter(|pool| !of_upgrades.pools.contains_key(pool));
    for pool in of_upgrades.pools.keys().chain(only_made) {
        let upgrades = of_upgrades.pools.get(pool).copied();
        let path = if more > 0 { "spec.replicas".to_owned() } else { field_that_takes(network, pool) };
        let by = if more > 0 && upgrades.is_none() { NeededBy::ScaleOut } else { NeededBy::Upgrade };
        let needed = Needed { count: upgrades.unwrap_or(0) + more_of(pool), path: &path, by };
        let own = own_pools.get(pool).copied().unwrap_or(0);
        pool_has_room(engine, pool, needed, own, findings);
    }
    made.add_all(of_upgrades);
    let path = if more > 0 { "spec.replicas" } else { PROFILE };
    for (quota, count) in made.quotas {
        let count = count + promised.quotas.get(&quota).copied().unwrap_or(0);
        let own = own_quotas.get(&quota).copied().unwrap_or(0);
        quota::needs(engine, quota, count, own, path, findings);
    }
}

/// An instance as the model of this put says.
fn wanted<'a>(case: &SetCase<'a>, id: u64, power: Option<DesiredPowerState>) -> Wanted<'a> {
    let this = InstanceName { set: case.name, id };
    Wanted { this, mode: case.ask.mode, placement: case.placement, network: &case.ask.model.network, power }
}

/// The field of the model that takes addresses of a pool.
fn field_that_takes(network: &[NicModel], pool: &PoolId) -> String {
    let list = format!("{PROFILE}.networkInterfaceConfigurations");
    let public = |prefix: Option<&Name>| {
        let (n, m, _) = publics(network).find(|(_, _, public)| public.prefix.as_ref() == prefix)?;
        Some(format!("{list}[{n}].ipConfigurations[{m}].publicIPAddressConfiguration"))
    };
    let field = match pool {
        PoolId::SubnetIPv4(subnet) | PoolId::SubnetIPv6(subnet) => {
            network.iter().position(|nic| nic.interface.subnet == *subnet).map(|n| format!("{list}[{n}].subnet"))
        }
        PoolId::Public => public(None),
        PoolId::Prefix(prefix) => public(Some(prefix)),
    };
    field.unwrap_or(list)
}

/// Its id was reported, and it was not made before a restart; or it has no machine yet, and is to have the new model (S-28).
fn is_made_anew(case: &SetCase<'_>, instance: &Instance) -> bool {
    let is_new_model = case.before().is_some_and(|before| before.model != case.ask.model);
    instance.target == 0 || is_new_model && instance.revision == 0
}

/// What the set's own instances will need that keep the models that they were promised.
fn promised(case: &SetCase<'_>) -> Demand {
    let mut need = Demand::default();
    let Some(set) = case.programmed else { return need };
    let upgraded: BTreeSet<u64> = upgraded(case).map(|(id, _)| id).collect();
    let is_kept = |(_, instance): &(u64, &Instance)| !is_made_anew(case, instance);
    for (id, instance) in kept(case).filter(is_kept).filter(|(id, instance)| set.is_pending(*id, instance)) {
        let is_upgraded = upgraded.contains(&id);
        if is_upgraded && case.ask.upgrade == UpgradeMode::Automatic {
            continue; // to the new model at once
        }
        let mut pending = Demand::default();
        pending.add_pending(case.engine, case.name, set, id);
        if is_upgraded {
            // A Rolling upgrade leaves it on its way until its batch comes; what serves both models is needed once.
            let mut next = Demand::default();
            next.add(case.engine, &wanted(case, id, instance.power));
            pending.take_off(&next);
        }
        need.add_all(pending);
    }
    need
}

/// Addresses that are needed.
pub(in crate::fabric) struct Needed<'a> {
    pub count: u64,
    /// The field that asks for them.
    pub path: &'a str,
    /// What needs them.
    pub by: NeededBy,
}

/// What needs addresses.
#[derive(Clone, Copy, Debug)]
pub(in crate::fabric) enum NeededBy {
    /// Instances that a scale set makes.
    ScaleOut,
    /// Instances that a scale set upgrades.
    Upgrade,
    /// An instance that is changed alone.
    Instance,
}

/// Finds that a pool has fewer addresses free than are needed; `own` are reserved for the requester.
pub(in crate::fabric) fn pool_has_room(
    engine: &Engine,
    id: &PoolId,
    needed: Needed<'_>,
    own: u64,
    findings: &mut Findings,
) {
    let Needed { count, path, by } = needed;
    let (PoolId::SubnetIPv4(subnet) | PoolId::SubnetIPv6(subnet)) = id else {
        return public_pool_has_room(engine, id, count, own, path, findings);
    };
    if let Some(pool) = engine.pool(id).filter(|pool| pool.available().saturating_add(own) < count) {
        let (subnet, range) = (ObjectId::new(Kind::Subnet, subnet.clone()), pool.prefix());
        findings.add(path, RoomFinding::SubnetIsFull { count, by, pool: id.clone(), subnet, range });
    }
}
