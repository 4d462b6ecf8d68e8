//! The rules of what a put makes and upgrades: there is room for it, and it fits what instances have already.

use std::collections::BTreeMap;

use super::network::{Network, network_of, nics_are_few, object_of, size_supports_acceleration};
use super::{PROFILE, Set};
use crate::fabric::engine::Engine;
use crate::fabric::id::{Kind, ObjectId};
use crate::fabric::ipam::PoolId;
use crate::fabric::network_interface::{IpVersion, NetworkInterface, pool_of};
use crate::fabric::public_ip_address::pool_holds;
use crate::fabric::quota::{self, Quota};
use crate::fabric::resource::Resource;
use crate::fabric::violation::{Code, Findings, Violation, WaitKey};
use crate::fabric::virtual_machine_scale_set::instances::needed;
use crate::fabric::virtual_machine_scale_set::{
    Instance, InstanceName, NicModel, OrchestrationMode, UpgradeMode, VERSIONS,
};

/// The instances that this put upgrades, now or batch by batch.
fn upgraded<'a>(case: &Set<'a>) -> impl Iterator<Item = (u64, &'a Instance)> + use<'a> {
    let is_news = case.before().is_some_and(|before| before.model != case.ask.model);
    let (latest, kept) = (case.programmed.map_or(0, |set| set.held.revision), usize::try_from(case.ask.replicas));
    let instances = case.programmed.filter(|_| case.ask.upgrade != UpgradeMode::Manual);
    let kept = instances.into_iter().flat_map(|set| &set.held.instances).take(kept.unwrap_or(usize::MAX));
    let was_made = |instance: &Instance| instance.target > 0;
    kept.filter(move |(_, instance)| was_made(instance) && (is_news || instance.target < latest))
        .map(|(id, instance)| (*id, instance))
}

pub(super) fn own_networks_fit(case: &Set<'_>, findings: &mut Findings) {
    for (id, own) in upgraded(case).filter_map(|(id, instance)| Some((id, instance.network.as_deref()?))) {
        let Some(set) = case.programmed else { return };
        let this = InstanceName { set: case.name, id };
        let network = Network::of_an_instance(case.engine, set, this, (case.ask.model.size, own), PROFILE);
        let mut broken = Findings::default();
        nics_are_few(&network, &mut broken);
        size_supports_acceleration(&network, &mut broken);
        for Violation { code, message, .. } in broken.into_violations() {
            let object = object_of(case.name, id);
            findings
                .refuse(
                    code,
                    "spec.sku.name",
                    format!("{object} has a network of its own: {message}"),
                    format!("Choose a size that takes it, or change the own network of {object} first."),
                )
                .until_gone(object);
        }
    }
}

pub(super) fn no_upgrade_adds_ipv6(case: &Set<'_>, findings: &mut Findings) {
    if case.ask.mode == OrchestrationMode::Flexible {
        return; // there each network interface is judged as the object that it is
    }
    let mut upgraded = upgraded(case).filter(|(_, instance)| instance.network.is_none());
    let network = &case.ask.model.network;
    let found = upgraded.find_map(|(id, _)| {
        let this = InstanceName { set: case.name, id };
        Some((id, added_ipv6(case.engine, this, network)?))
    });
    if let Some((id, (n, m))) = found {
        findings.refuse(
            Code::OperationNotAllowed,
            format!("{PROFILE}.networkInterfaceConfigurations[{n}].ipConfigurations[{m}].privateIPAddressVersion"),
            format!("The upgrade of {} would add IPv6 to its network interface, which is attached.", object_of(case.name, id)),
            "Leave the IPv6 configuration out; or set upgradePolicy.mode to Manual, and delete the instances one by one: new ones have it.",
        );
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
        let m = nic.configurations.iter().position(|configuration| is_ipv6(configuration.version))?;
        let held = engine.get::<NetworkInterface>(&this.nic(&nic.name));
        let has = held.is_some_and(|held| held.ask.configurations.iter().any(|held| is_ipv6(held.version)));
        (!has).then_some((n, m))
    })
}

/// All that the put needs beyond what its instances hold; what it gives up is free only afterwards (S-37).
pub(super) fn pools_have_room(case: &Set<'_>, findings: &mut Findings) {
    let engine = case.engine;
    let network = &case.ask.model.network;
    let wanted = u64::from(case.ask.replicas);
    let mut need = BTreeMap::new();
    let mut quotas: BTreeMap<Quota, u64> = BTreeMap::new();
    let instances = case.programmed.map(|set| &set.held.instances);
    let there = instances.map_or(0, |instances| u64::try_from(instances.len()).unwrap_or(u64::MAX));
    let next = case.programmed.map_or(0, |set| set.held.next_instance_id);
    let new = InstanceName { set: case.name, id: next };
    let more = wanted.saturating_sub(there);
    // Those whose ids were told, and which were not made before a restart.
    let bare = instances.into_iter().flatten().filter(|(_, instance)| instance.target == 0);
    for (id, _) in bare {
        needed(engine, InstanceName { set: case.name, id: *id }, case.ask.mode, network, 1, &mut need);
    }
    if more > 0 {
        needed(engine, new, case.ask.mode, network, more, &mut need);
        let nics = network.iter().flat_map(|nic| new.nic_ask(nic).counts(case.placement));
        let public = new.public_asks(network).into_iter().flat_map(|(_, ask)| ask.counts(case.placement));
        let private = network.iter().filter_map(|nic| network_of(engine, &nic.subnet).map(|home| (nic, home)));
        let private = private.flat_map(|(nic, home)| {
            let served = nic.configurations.iter().filter(|c| engine.pool(&pool_of(&nic.subnet, c.version)).is_some());
            served.map(move |_| Quota::PrivateAddresses(home.clone()))
        });
        for quota in nics.chain(public).chain(private) {
            *quotas.entry(quota).or_default() += more;
        }
    }
    let mut of_upgrades = BTreeMap::new();
    for (id, _) in upgraded(case).filter(|(_, instance)| instance.network.is_none()) {
        needed(engine, InstanceName { set: case.name, id }, case.ask.mode, network, 1, &mut of_upgrades);
    }
    for (pool, count) in of_upgrades {
        let nic = network.iter().position(|nic| VERSIONS.iter().any(|version| pool_of(&nic.subnet, *version) == pool));
        let path = match nic {
            Some(n) if more == 0 => format!("{PROFILE}.networkInterfaceConfigurations[{n}].subnet"),
            Some(_) | None => "spec.replicas".to_owned(),
        };
        let needed = Needed { count: count + need.remove(&pool).unwrap_or(0), path: &path, remedy: UPGRADE_REMEDY };
        is_held_by(engine, &pool, needed, findings);
    }
    for (pool, count) in need {
        is_held_by(engine, &pool, Needed { count, path: "spec.replicas", remedy: SCALE_OUT_REMEDY }, findings);
    }
    for (quota, count) in quotas {
        quota::needs(engine, quota, count, "spec.replicas", findings);
    }
}

const SCALE_OUT_REMEDY: &str =
    "Ask for fewer instances, delete what is not used in the subnet, or use a larger subnet.";
const UPGRADE_REMEDY: &str = "Choose a subnet that has room, or delete what is not used in this one.";

/// Addresses that are needed.
pub(in crate::fabric) struct Needed<'a> {
    pub count: u64,
    /// The field that asks for them.
    pub path: &'a str,
    /// What to do where they are of a subnet that lacks them.
    pub remedy: &'static str,
}

/// Finds that a pool has fewer addresses free than are needed, and by how many it falls short.
pub(in crate::fabric) fn is_held_by(engine: &Engine, id: &PoolId, needed: Needed<'_>, findings: &mut Findings) {
    let Needed { count, path, remedy } = needed;
    let (PoolId::SubnetIPv4(subnet) | PoolId::SubnetIPv6(subnet)) = id else {
        return pool_holds(engine, id, count, path, findings);
    };
    let Some(pool) = engine.pool(id).filter(|pool| pool.available() < count) else { return };
    let free = pool.available();
    findings
        .refuse(
            Code::SubnetIsFull,
            path,
            format!(
                "{count} more addresses of subnet {subnet} ({}) are needed, and {free} are free: {} too few.",
                pool.prefix(),
                count - free
            ),
            remedy,
        )
        .until(WaitKey::Capacity(id.clone()))
        .as_of(WaitKey::Members(ObjectId::new(Kind::Subnet, subnet.clone())));
}
