//! The domain name labels that the models of a scale set have, and which of its models are still kept.

use std::collections::BTreeSet;

use super::{VirtualMachineScaleSet, labels};
use crate::fabric::engine::Engine;
use crate::fabric::id::{Kind, Name, ObjectId, Placement};
use crate::fabric::resource::Programmed;
use crate::fabric::violation::WaitKey;

/// Forgets the models that no instance has, and their labels.
pub fn forget_what_is_unused(engine: &mut Engine, name: &Name) {
    let Some(set) = engine.get::<VirtualMachineScaleSet>(name) else { return };
    let latest = set.held.revision;
    let used = set.held.instances.values().flat_map(|instance| [instance.revision, instance.target]);
    let used: BTreeSet<u64> = used.chain([latest]).collect();
    if !set.held.models.keys().all(|revision| used.contains(revision)) {
        engine.change_held::<VirtualMachineScaleSet>(name, |set| {
            set.held.models.retain(|revision, _| used.contains(revision));
        });
    }
    index_labels(engine, name);
}

/// Re-indexes the labels of the remembered models and of instances' own networks.
pub fn index_labels(engine: &mut Engine, name: &Name) {
    let Some(set) = engine.get_mut::<VirtualMachineScaleSet>(name) else { return };
    let held = &mut set.held;
    let own = held.instances.values().filter_map(|instance| instance.network.as_deref());
    let models = held.models.values().map(|model| &*model.network);
    let wanted: BTreeSet<String> = models.chain(own).flat_map(labels).cloned().collect();
    let before = std::mem::replace(&mut held.labels, wanted.clone());
    let placement = set.placement.clone();
    move_labels(engine, name, &placement, &before, &wanted);
}

/// Gives back the labels of a deleted set.
pub(super) fn release(engine: &mut Engine, name: &Name, gone: &Programmed<VirtualMachineScaleSet>) {
    move_labels(engine, name, &gone.placement, &gone.held.labels, &BTreeSet::new());
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
            engine.wake(WaitKey::Label(location.to_string(), label.clone()));
        }
    }
    for label in wanted {
        engine.labels.entry((location.clone(), label.clone())).or_insert_with(|| own.clone());
    }
}
