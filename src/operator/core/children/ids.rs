//! Ids of instances, none of which has two lives (S-27, S-40).

use super::set_of;
use crate::api::children;
use crate::fabric::virtual_machine_scale_set::{InstanceName, VirtualMachineScaleSet, ranges_have};
use crate::fabric::{AnyRecord, ObjectId};
use crate::operator::core::Core;

impl Core {
    /// A set whose status lists an instance that it has no longer. Its object goes only when the set's status shows that
    /// the id is gone: a restarted operator would otherwise assign the id twice (S-27).
    pub(in crate::operator::core) fn is_kept_for_its_set(&self, id: &ObjectId) -> Option<ObjectId> {
        let owner = self.index.get(id)?.owner.as_ref()?;
        let (set, instance) = (set_of(owner), children::instance_of(&owner.set, &id.name)?);
        let entry = self.index.get(&set).filter(|entry| entry.uid == owner.uid && !entry.deleting)?;
        let carried =
            self.engine.get::<VirtualMachineScaleSet>(&owner.set).filter(|carried| carried.uid == owner.uid)?;
        let is_gone = !carried.held.instances.contains_key(&instance);
        (is_gone && ranges_have(&entry.published.instance_ids, instance)).then_some(set)
    }

    /// An instance whose object is deleted before the fabric has carried it goes with it, and its id (S-27).
    pub(in crate::operator::core) fn drop_unmade(&mut self, id: &ObjectId) {
        let Some(owner) = self.index.get(id).and_then(|entry| entry.owner.as_ref()) else { return };
        let set = self.engine.get::<VirtualMachineScaleSet>(&owner.set).filter(|set| set.uid == owner.uid);
        let Some((set, instance)) = set.zip(children::instance_of(&owner.set, &id.name)) else { return };
        let is_its_object = InstanceName { set: &owner.set, id: instance }.object_in(set.ask.mode) == *id;
        if is_its_object && self.engine.holder(id.kind, &id.name).is_none() {
            self.engine.drop_instance(&owner.set, instance);
        }
    }

    /// An id whose object has gone while no operator ran is never used again (S-40).
    pub(in crate::operator::core) fn drop_vanished(&mut self, id: &ObjectId, record: &mut AnyRecord) {
        let AnyRecord::VirtualMachineScaleSet(record) = record else { return };
        let (mode, uid) = (record.ask.mode, &record.uid);
        let gone = record.view.give_up(|instance| {
            let entry = self.index.get(&InstanceName { set: &id.name, id: instance }.object_in(mode));
            let own = entry.filter(|entry| entry.owner.as_ref().is_some_and(|owner| owner.uid == *uid));
            own.is_some_and(|entry| !entry.deleting || entry.has_finalizer)
        });
        let told = gone.into_iter().map(|gone| (id.clone(), format!("instance {gone} has gone, and its id with it")));
        self.dropped.extend(told);
    }
}
