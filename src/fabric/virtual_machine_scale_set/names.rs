//! What the models of a scale set name: its domain name labels, and the subnets and public prefixes that stay for them.

use std::collections::BTreeSet;

use super::{VirtualMachineScaleSet, labels, named_by};
use crate::fabric::engine::Engine;
use crate::fabric::id::{Kind, Name, ObjectId, Placement};
use crate::fabric::resource::{DELETION_PATH, Programmed};
use crate::fabric::violation::{Code, Findings, WaitKey};

/// Forgets the models that no instance has, and what they name.
pub fn forget_what_is_unused(engine: &mut Engine, name: &Name) {
    let Some(set) = engine.get_mut::<VirtualMachineScaleSet>(name) else { return };
    let held = &mut set.held;
    let used: BTreeSet<u64> =
        held.instances.values().flat_map(|instance| [instance.revision, instance.target]).collect();
    held.models.retain(|revision, _| *revision == held.revision || used.contains(revision));
    index_names(engine, name);
}

/// Re-indexes the subnets, prefixes and labels of the remembered models.
pub fn index_names(engine: &mut Engine, name: &Name) {
    let Some(set) = engine.get_mut::<VirtualMachineScaleSet>(name) else { return };
    let held = &mut set.held;
    let own = held.instances.values().filter_map(|instance| instance.network.as_deref());
    let models = held.models.values().map(|model| &*model.network);
    let wanted: BTreeSet<String> = models.clone().chain(own).flat_map(labels).cloned().collect();
    let named: BTreeSet<ObjectId> = models.flat_map(named_by).collect();
    let labels = std::mem::replace(&mut held.labels, wanted.clone());
    let names = std::mem::replace(&mut held.names, named.clone());
    let placement = set.placement.clone();
    move_labels(engine, name, &placement, &labels, &wanted);
    move_names(engine, name, &names, &named);
}

/// Removes the names of a deleted set from the indexes.
pub(super) fn release(engine: &mut Engine, name: &Name, gone: &Programmed<VirtualMachineScaleSet>) {
    move_labels(engine, name, &gone.placement, &gone.held.labels, &BTreeSet::new());
    move_names(engine, name, &gone.held.names, &BTreeSet::new());
}

fn move_labels(
    engine: &mut Engine,
    name: &Name,
    placement: &Placement,
    before: &BTreeSet<String>,
    wanted: &BTreeSet<String>,
) {
    let own = ObjectId::new(Kind::VirtualMachineScaleSet, name.clone());
    let location = &placement.location;
    for label in before.difference(wanted) {
        let key = (location.clone(), label.clone());
        if engine.labels.get(&key) == Some(&own) {
            engine.labels.remove(&key);
            engine.free(WaitKey::Label(location.to_string(), label.clone()));
        }
    }
    for label in wanted {
        engine.labels.entry((location.clone(), label.clone())).or_insert_with(|| own.clone());
    }
}

fn move_names(engine: &mut Engine, set: &Name, before: &BTreeSet<ObjectId>, named: &BTreeSet<ObjectId>) {
    for left in before.difference(named) {
        if let Some(sets) = engine.named_by.get_mut(left) {
            sets.remove(set);
            if sets.is_empty() {
                engine.named_by.remove(left);
            }
        }
        engine.free(WaitKey::Members(left.clone()));
    }
    for new in named.difference(before) {
        engine.named_by.entry(new.clone()).or_default().insert(set.clone());
    }
}

/// A subnet or public prefix stays while the model of a scale set names it, the latest or one that instances still have:
/// they may take it up, or return to it.
pub fn is_named_by_no_model(engine: &Engine, named: &ObjectId, code: Code, findings: &mut Findings) {
    let Some(first) = engine.named_by.get(named).and_then(BTreeSet::first) else { return };
    let set = ObjectId::new(Kind::VirtualMachineScaleSet, first.clone());
    let is_latest = engine
        .get::<VirtualMachineScaleSet>(first)
        .is_some_and(|set| named_by(&set.ask.model.network).any(|other| other == *named));
    let (fact, remedy) = if is_latest {
        (
            format!("The model of {set} names it."),
            format!("Delete {set}, or change its model; this is then deleted automatically."),
        )
    } else {
        (
            format!("An older model of {set}, which instances have, names it."),
            format!("Upgrade the instances of {set}, or delete it; this is then deleted automatically."),
        )
    };
    findings
        .refuse(code, DELETION_PATH, fact, remedy)
        .until(WaitKey::Members(named.clone()))
        .as_of(WaitKey::Object(set.clone()))
        .blocked_by(set);
}

/// The remedy where an instance is kept in a subnet, or a prefix, by a network of its own.
pub fn leave_own_network(instance: &ObjectId) -> String {
    format!("Change spec.networkProfileConfiguration of {instance}, or delete the instance")
}
