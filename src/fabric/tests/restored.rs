//! A fabric that is made again from the statuses of another's objects.

use std::collections::BTreeMap;

use crate::api::form::{self, Whose};
use crate::api::{About, Api, Owner};
use crate::fabric::kind::Tables;
use crate::fabric::kind::every::*;
use crate::fabric::order::in_order_of_references;
use crate::fabric::virtual_machine_scale_set::{OrchestrationMode, labels};
use crate::fabric::virtual_machine_scale_set_vm::{DesiredRevision, Maker};
use crate::fabric::{AnyRecord, Engine, Kind, Name, ObjectId, Programmed, Record, Uid, for_each_kind};

/// What the status of an object shows, after it was written and read as JSON.
fn record<K: Api>(engine: &Engine, name: &Name, programmed: &Programmed<K>) -> Record<K> {
    let view = serde_json::to_value(K::observe(engine, name, programmed)).unwrap();
    let restarted_at = view.get("lastHandledRestartAt").map(|at| at.as_str().unwrap().to_owned());
    let (owner, revisions) = family(engine, K::KIND, name);
    let about = About { restarted_at, owner, revisions, ..About::named(name.clone()) };
    let spec = serde_json::to_value(programmed.ask.describe(name, &programmed.placement.location)).unwrap();
    // A status whose spec is not of the form of the CRD counts as none when it is read.
    assert_eq!(form::check(K::KIND, &spec, Whose::TheServers), [], "{spec:#}");
    Record {
        uid: programmed.uid.clone(),
        generation: programmed.generation,
        placement: programmed.placement.clone(),
        common: programmed.common.clone(),
        ask: K::translate(&about, &serde_json::from_value(spec).unwrap()).unwrap(),
        view: serde_json::from_value(view).unwrap(),
    }
}

/// The scale set that owns an object, and the revisions that its annotations tell.
fn family(engine: &Engine, kind: Kind, name: &Name) -> (Option<Owner>, (Option<u64>, Option<DesiredRevision>)) {
    let owner = |set: &Name, uid: &Uid| Some(Owner { set: set.clone(), uid: uid.clone() });
    let vm = engine.get::<VirtualMachine>(name).and_then(|vm| vm.ask.member.as_ref());
    match (kind, vm, engine.get::<VirtualMachineScaleSetVM>(name)) {
        (Kind::VirtualMachine, Some(member), _) => {
            (owner(&member.set, &member.owner), (Some(member.revision), member.desired_revision.clone()))
        }
        (Kind::VirtualMachineScaleSetVM, _, Some(vm)) if vm.ask.maker == Maker::ScaleSet => {
            (owner(&vm.ask.set, &Uid::from("set")), (None, None))
        }
        _ => (None, (None, None)),
    }
}

macro_rules! define_records {
    ($($kind:ident $module:ident,)*) => {
        /// What every status shows, what is referred to first.
        pub fn records(engine: &Engine) -> Vec<(Kind, Name, AnyRecord)> {
            let mut all = Vec::new();
            // What instances of Uniform sets are made of has no status: those of the instances tell of it.
            let objects = |uid: &Uid, name: &Name| *uid != Uid::of_part(name);
            $(for (name, programmed) in engine.all::<$kind>().filter(|(name, own)| objects(&own.uid, name)) {
                all.push((Kind::$kind, name.clone(), record(engine, name, programmed).into()));
            })*
            all
        }
    };
}
for_each_kind!(define_records);

/// A new fabric, restored from these records, and what of them was dropped.
pub fn restored(like: &Engine, records: Vec<(Kind, Name, AnyRecord)>) -> (Engine, Vec<String>) {
    let mut engine = Engine::new(like.settings().clone());
    engine.advance(like.now);
    engine.requested = like.requested.clone(); // the objects have been observed
    let mut dropped = Vec::new();
    for (id, record) in in_order(records) {
        dropped.extend(engine.restore(&id.name, record));
        if id.kind == Kind::VirtualMachineScaleSet {
            restore_models(&mut engine, like, &id.name);
        }
    }
    engine.reconcile_reservations(); // as the next put does
    engine.assert_consistent();
    // The operator puts everything again, what is refused included.
    engine.pending.clone_from(&like.pending);
    (engine, dropped)
}

/// What is referred to first, as the operator restores; of two records of one object, the second last.
fn in_order(records: Vec<(Kind, Name, AnyRecord)>) -> Vec<(ObjectId, AnyRecord)> {
    let mut seen = BTreeMap::new();
    let records = records.into_iter().map(|(kind, name, record)| {
        let id = ObjectId::new(kind, name);
        let copies: &mut usize = seen.entry(id.clone()).or_default();
        *copies += 1;
        ((*copies, id), record)
    });
    let mut records: Vec<_> = records.collect();
    let after =
        |id: &ObjectId, record: &AnyRecord| record.restored_after(&id.name).into_iter().map(|id| (1, id)).collect();
    let order =
        in_order_of_references(records.iter().map(|(key, record)| (key.clone(), after(&key.1, record))).collect());
    let place: BTreeMap<_, _> = order.into_iter().zip(0..).collect();
    records.sort_by_key(|(key, _)| place[key]);
    records.into_iter().map(|((_, id), record)| (id, record)).collect()
}

/// The models that the ControllerRevisions of a set keep.
fn restore_models(engine: &mut Engine, like: &Engine, set: &Name) {
    let held = like.get::<VirtualMachineScaleSet>(set).map(|set| set.held.models.clone());
    for (revision, model) in held.unwrap_or_default() {
        engine.restore_model(set, revision, (*model).clone());
    }
}

/// What a fabric carries, with attachments counted from one, and without the deadlines, which begin again.
pub fn essence(engine: &Engine) -> Tables {
    let mut tables = engine.tables().clone();
    for nic in tables.network_interface.values_mut() {
        if let Some(attached) = &mut nic.held.attached {
            // All that counts of the order in an instance of a Uniform set is which one is primary.
            let of_an_instance = engine.holder(Kind::VirtualMachine, &attached.vm) == Some(&Uid::of_part(&attached.vm));
            let place = |seq: u64, primary: bool| (of_an_instance && !primary, seq);
            let own = place(attached.seq, attached.primary);
            let others = engine.nics_of[&attached.vm].iter().map(|(seq, nic)| {
                let nic = engine.get::<NetworkInterface>(nic).and_then(|nic| nic.held.attached.as_ref());
                place(*seq, nic.is_some_and(|attached| attached.primary))
            });
            attached.seq = 1 + others.filter(|other| *other < own).count() as u64;
        }
    }
    for vm in tables.virtual_machine.values_mut() {
        vm.held.starts_at = None;
    }
    for set in tables.virtual_machine_scale_set.values_mut() {
        (set.held.paused_until, set.held.blocked) = Default::default();
        if set.ask.mode == OrchestrationMode::Flexible {
            forget_targets(set);
        }
    }
    tables
}

/// Which instances of a Flexible set were on their way to which model is decided again.
fn forget_targets(set: &mut Programmed<VirtualMachineScaleSet>) {
    let held = &mut set.held;
    for instance in held.instances.values_mut() {
        instance.target = if instance.revision == 0 { held.revision } else { instance.revision };
    }
    let used: Vec<u64> = held.instances.values().map(|instance| instance.target).collect();
    held.models.retain(|revision, _| *revision == held.revision || used.contains(revision));
    held.labels = held.models.values().flat_map(|model| labels(&model.network)).cloned().collect();
}
