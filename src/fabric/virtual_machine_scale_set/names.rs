//! What the models of a scale set name: its domain name labels, and the subnets and public prefixes that stay for them.

use std::collections::BTreeSet;

use super::{VirtualMachineScaleSet, labels, named_by};
use crate::fabric::engine::Engine;
use crate::fabric::id::{Kind, Name, ObjectId, Placement};
use crate::fabric::resource::{DELETION_PATH, Programmed};
use crate::fabric::violation::{Code, Findings, WaitKey, and_others};

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
        engine.free(WaitKey::Members(new.clone())); // a refusal to delete it names the first
    }
}

/// What takes addresses of a subnet or a public prefix, and how the refusal to delete that tells it.
pub struct Members<'a> {
    /// Their names.
    pub names: Option<&'a BTreeSet<Name>>,
    /// Their kind.
    pub kind: Kind,
    /// What one is of an instance whose part it is.
    pub part: &'static str,
    /// What each of them does.
    pub fact: &'static str,
    /// What to do with those that are objects of their own.
    pub remedy: &'static str,
    /// The code of the refusal.
    pub code: Code,
}

/// A subnet or public prefix stays while something takes addresses of it, or the model of a scale set names it.
pub fn is_not_used(engine: &Engine, used: &ObjectId, members: &Members<'_>, findings: &mut Findings) {
    is_named_by_no_model(engine, used, members.code, findings);
    let Some((names, first)) = members.names.and_then(|names| Some((names, names.first()?))) else { return };
    let id = ObjectId::new(members.kind, first.clone());
    let (what, remedy) = match id.instance() {
        None => (id.to_string(), members.remedy.to_owned()),
        Some(_) if engine.named_by.contains_key(used) => return, // its scale set is told
        Some(instance) => (
            format!("{} of {instance}", members.part),
            format!("Change spec.networkProfileConfiguration of {instance}, or delete the instance"),
        ),
    };
    findings
        .refuse(
            members.code,
            DELETION_PATH,
            format!("{what} {}{}.", members.fact, and_others(names.len())),
            format!("{remedy}; it is then deleted automatically."),
        )
        .until_members_gone(used.clone(), members.kind, names);
}

/// It stays for the latest model of a set, and for one that instances still have: they may take it up, or return to it.
fn is_named_by_no_model(engine: &Engine, named: &ObjectId, code: Code, findings: &mut Findings) {
    let Some((sets, first)) = engine.named_by.get(named).and_then(|sets| Some((sets, sets.first()?))) else { return };
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
    let violation = findings.refuse(code, DELETION_PATH, fact, remedy);
    violation.until(WaitKey::Members(named.clone())).as_of(WaitKey::Object(set));
    for set in sets {
        violation.blocked_by(ObjectId::new(Kind::VirtualMachineScaleSet, set.clone()));
    }
}
