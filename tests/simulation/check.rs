//! What must be true of the world, at any moment and when it is calm.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use vnet_operator::api::FINALIZER;
use vnet_operator::api::conditions::Truth;
use vnet_operator::fabric::ipam::PoolId;
use vnet_operator::fabric::virtual_machine_scale_set::BLOCKED_REASONS;
use vnet_operator::fabric::{
    Kind, NetworkInterface, ObjectId, PublicIPAddress, PublicIPPrefix, Subnet, VirtualMachineScaleSet,
};

use super::world::{World, read_revision};

/// How much has been checked: a check that passes over everything would find nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count {
    /// Addresses that were shown before, and that a status or the fabric had still, after each step.
    pub addresses: u64,
    /// Objects that were Ready in a calm world.
    pub ready: u64,
    /// Objects that said why they were not.
    pub refused: u64,
    /// Scale sets whose models were compared.
    pub sets: u64,
    /// Lives whose end was compared with what a fresh operator makes of it.
    pub restarts: u64,
}

impl std::iter::Sum for Count {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), |all, one| Self {
            addresses: all.addresses + one.addresses,
            ready: all.ready + one.ready,
            refused: all.refused + one.refused,
            sets: all.sets + one.sets,
            restarts: all.restarts + one.restarts,
        })
    }
}

thread_local! {
    static COUNT: Cell<Count> = Cell::default();
}

/// What this thread has checked so far.
pub fn count() -> Count {
    COUNT.get()
}

pub fn counted(add: impl FnOnce(&mut Count)) {
    let mut count = COUNT.get();
    add(&mut count);
    COUNT.set(count);
}

/// Whatever has happened, the fabric holds the addresses that were shown.
pub fn no_address_moves(world: &World) {
    if world.core.is_started() {
        let compared = world.addresses.held(world.core.engine());
        counted(|count| count.addresses += compared);
    }
}

/// Released by the operator, and kept by another controller.
fn is_released(object: &Value) -> bool {
    let finalizers = object["metadata"]["finalizers"].as_array();
    let ours = finalizers.is_some_and(|finalizers| finalizers.iter().any(|finalizer| finalizer == FINALIZER));
    !object["metadata"]["deletionTimestamp"].is_null() && !ours
}

pub fn everything_is_ready_or_says_why(world: &World) {
    for (id, object) in world.objects.iter().filter(|(_, object)| !is_released(object)) {
        let (status, generation) = (&object["status"], &object["metadata"]["generation"]);
        let condition = |kind: &str| {
            let mut all = status["conditions"].as_array().into_iter().flatten();
            all.find(|condition| condition["type"] == kind)
                .map(|condition| condition["status"].as_str().unwrap().to_owned())
        };
        assert_eq!(status["observedGeneration"], *generation, "{id} was not judged as it stands: {status:#}");
        let why = status["violations"].as_array().map_or(0, Vec::len);
        let ready = condition("Ready");
        let summary = (ready.as_deref(), condition("Reconciling").is_some(), condition("Stalled").is_some());
        match summary {
            (Some("True"), false, false) => {
                assert_eq!(why, 0, "{id} is Ready with violations");
                assert_eq!(status["programmedGeneration"], *generation, "{id} is Ready, and not as asked");
                counted(|count| count.ready += 1);
            }
            (Some("Unknown"), true, false) if blocked(status) => {}
            (Some("Unknown"), true, false) | (Some("False"), false, true) => {
                assert!(why > 0, "{id} does not say why: {status:#}");
                counted(|count| count.refused += 1);
            }
            other => panic!("{id} has contradictory conditions: {other:?}"),
        }
        let deleting = !object["metadata"]["deletionTimestamp"].is_null();
        let blocked_deletion = status["violations"][0]["path"] == "metadata.deletionTimestamp";
        assert!(!deleting || blocked_deletion, "{id} is being deleted, and nothing says why it stays: {status:#}");
    }
}

/// A scale set that waits for its instances says why, too, and a network that keeps a prefix for a subnet.
fn blocked(status: &Value) -> bool {
    let mut all = status["conditions"].as_array().into_iter().flatten();
    let says_why = |reason: &Value| BLOCKED_REASONS.iter().chain(&["PrefixStillUsed"]).any(|one| *reason == **one);
    all.any(|condition| condition["type"] == "Ready" && says_why(&condition["reason"]))
}

/// A ControllerRevision for each model that is used, of this life of the set, and with that model.
pub fn the_models_that_are_used_are_kept(world: &World) {
    for (name, set) in world.core.engine().all::<VirtualMachineScaleSet>() {
        let id = ObjectId::new(Kind::VirtualMachineScaleSet, name.clone());
        let object = world.objects.get(&id).filter(|object| object["metadata"]["uid"] == *set.uid.0);
        if object.is_none_or(|object| !object["metadata"]["deletionTimestamp"].is_null()) {
            continue;
        }
        let all = world.revisions.values().map(read_revision).filter(|kept| kept.set == *name);
        let kept: Vec<_> = all.map(|kept| (kept.owner, kept.number, kept.model)).collect();
        let models = set.held.models.iter();
        let used: Vec<_> =
            models.map(|(number, model)| (Some(set.uid.clone()), *number, Some((**model).clone()))).collect();
        assert_eq!(kept, used, "the models of {name}");
        counted(|count| count.sets += 1);
    }
}

pub fn the_fabric_holds_what_the_objects_ask(world: &World) {
    let engine = world.core.engine();
    for kind in Kind::ALL {
        for name in engine.names(*kind) {
            let id = ObjectId::new(*kind, name.clone());
            if id.instance().is_some() {
                continue; // it is a part of an instance, and has no object of its own
            }
            let holder = engine.holder(*kind, &name).unwrap();
            match world.objects.get(&id) {
                Some(object) => {
                    let same = object["metadata"]["uid"] == *holder.0;
                    let waits = object["status"]["violations"].is_array() || is_released(object);
                    assert!(same || waits, "{id} is held by an earlier life, and nothing says so");
                    assert!(
                        !same || !object["status"]["programmed"].is_null(),
                        "{id} is held, and its status does not say so"
                    );
                }
                None => {
                    assert!(engine.clone().delete(*kind, &name).is_err(), "{id} is held for an object that is gone")
                }
            }
        }
    }
    let mut held: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (name, nic) in engine.all::<NetworkInterface>() {
        for address in nic.held.addresses.values().filter(|address| address.is_ipv4()) {
            assert!(
                held.entry(nic.ask.subnet.clone()).or_default().insert(*address),
                "{name} holds {address}, and is not alone"
            );
        }
    }
    for (name, _) in engine.all::<Subnet>() {
        let pool = engine.pool(&PoolId::SubnetIPv4(name.clone())).unwrap();
        let count = held.get(name).map_or(0, BTreeSet::len);
        assert_eq!(pool.allocated(), count as u64, "subnet {name} has leaked an address");
    }
    let public: Vec<_> = engine.all::<PublicIPAddress>().filter_map(|(_, public)| public.held.address).collect();
    assert_eq!(public.iter().collect::<BTreeSet<_>>().len(), public.len(), "a public address is held twice");
    let blocks = engine.all::<PublicIPPrefix>().filter_map(|(name, prefix)| Some((name, prefix.held.prefix?)));
    let in_blocks: u64 = blocks.map(|(_, block)| 1 << (32 - block.prefix_len())).sum();
    let alone = engine.all::<PublicIPAddress>().filter(|(_, public)| public.ask.public_ip_prefix.is_none());
    let alone = alone.filter(|(_, public)| public.held.address.is_some()).count() as u64;
    let pool = engine.pool(&PoolId::Public).unwrap();
    assert_eq!(pool.allocated(), alone + in_blocks, "a public address has leaked");
    let macs = engine.all::<NetworkInterface>().filter(|(_, nic)| nic.held.mac.is_some()).count();
    assert_eq!(engine.macs_in_use(), macs, "a MAC address has leaked");
}

/// What the core has counted on the way is what a walk through all objects counts, and what their statuses show.
pub fn the_totals_are_those_of_a_walk(world: &World) {
    let totals = world.core.totals();
    assert_eq!(totals.clone().without_zeros(), world.core.recount().without_zeros());
    let all = Kind::ALL.iter().map(|kind| totals.objects(*kind, Truth::True));
    let is_ready = |condition: &Value| condition["type"] == "Ready" && condition["status"] == "True";
    let shows_ready =
        |object: &&Value| object["status"]["conditions"].as_array().is_some_and(|all| all.iter().any(is_ready));
    assert_eq!(all.sum::<u64>(), world.objects.values().filter(shows_ready).count() as u64, "objects that are Ready");
}

/// Whether the fabric carries nothing but what the objects show. Its record of an object that is gone does not outlive the
/// operator, and what that blocked goes on.
pub fn nothing_outlives_its_object(world: &World) -> bool {
    let engine = world.core.engine();
    let outlived = |id: ObjectId| {
        let uid = world.objects.get(&id).map(|object| object["metadata"]["uid"].clone());
        uid != engine.holder(id.kind, &id.name).map(|holder| Value::from(&*holder.0))
    };
    let mut carried =
        Kind::ALL.iter().flat_map(|kind| engine.names(*kind).into_iter().map(|name| ObjectId::new(*kind, name)));
    !carried.any(|id| id.instance().is_none() && outlived(id))
}

/// Nobody missed a wake-up, and nothing was lost: a fresh operator comes to the same conclusions. The status of a
/// refused object may list a violation that has come since it was refused; after that, a restart writes nothing at all.
pub fn a_restart_changes_nothing(world: &mut World) {
    assert!(nothing_outlives_its_object(world), "the fabric carries what a restart would lose");
    let before = world.objects.clone();
    world.restart();
    world.calm_down();
    for (id, object) in &world.objects {
        let mut expected = before[id].clone();
        if expected["status"]["violations"].is_array() {
            for volatile in ["violations", "conditions"] {
                expected["status"][volatile] = object["status"][volatile].clone();
            }
            assert!(object["status"]["violations"].is_array(), "{id} was refused, and a restart has cured it");
            expected["metadata"]["resourceVersion"] = object["metadata"]["resourceVersion"].clone();
        }
        assert_eq!(expected, *object, "a restart has changed {id}");
    }
    let writes = world.writes;
    world.restart();
    world.calm_down();
    assert_eq!(world.writes, writes, "a second restart in a calm world has written");
    counted(|count| count.restarts += 1);
}

pub fn nothing_is_left(world: &World) {
    assert_eq!(world.objects.keys().collect::<Vec<_>>(), Vec::<&ObjectId>::new(), "not everything can be deleted");
    let engine = world.core.engine();
    for kind in Kind::ALL {
        assert_eq!(engine.names(*kind), [], "the fabric still holds a {kind}");
    }
    assert_eq!(engine.pool(&PoolId::Public).unwrap().allocated(), 0);
    assert_eq!(engine.macs_in_use(), 0);
}
