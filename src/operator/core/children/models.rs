//! The models that scale sets keep, as ControllerRevisions (S-28): each before a status shows its revision, and until no
//! instance has it.

use std::collections::BTreeSet;

use super::set_named;
use crate::api::children::{self, Revision};
use crate::fabric::virtual_machine_scale_set::{Model, VirtualMachineScaleSet};
use crate::fabric::{Kind, Name, ObjectId, Uid};
use crate::operator::core::lists::Seen;
use crate::operator::core::{Core, Source, What};
use crate::operator::queue::Urgency;

impl Core {
    /// What is to be kept of a set that is not, or is kept and not to be. A ControllerRevision of an earlier life of the set,
    /// or of a model that no status ever showed, makes way first.
    pub(super) fn consider_revisions(&self, id: &ObjectId) -> Option<What> {
        let entry = self.index.get(id)?;
        let drop = |revision: &Revision| What::DropRevision(revision.number, revision.uid.clone());
        let mut all = self.revisions.range((id.name.clone(), 0)..=(id.name.clone(), u64::MAX)).map(|(_, kept)| kept);
        let is_left_over = |kept: &&Revision| kept.owner.as_ref() != Some(&entry.uid) || entry.leaves_children;
        if let Some(left_over) = all.clone().find(is_left_over) {
            return Some(drop(left_over));
        }
        let set = self.engine.get::<VirtualMachineScaleSet>(&id.name).filter(|set| set.uid == entry.uid)?;
        let models = &set.held.models;
        if self.may_have_children(id, entry)
            && let Some((number, model)) = models.iter().find(|(number, model)| !self.keeps(&id.name, **number, model))
        {
            let another = self.revisions.get(&(id.name.clone(), *number)).map(drop);
            let keep = || What::KeepRevision(children::revision_manifest(&id.name, &entry.uid, *number, model));
            return Some(another.unwrap_or_else(keep));
        }
        let unused = all.find(|kept| !models.contains_key(&kept.number))?;
        let status_tells_of_it = entry.published.programmed_generation != Some(set.generation);
        (!status_tells_of_it).then(|| drop(unused))
    }

    fn keeps(&self, set: &Name, number: u64, model: &Model) -> bool {
        self.revisions.get(&(set.clone(), number)).is_some_and(|kept| kept.model.as_ref() == Some(model))
    }

    /// A ControllerRevision, as a list, a watch or the answer to its creation shows it.
    pub(in crate::operator::core) fn revision(&mut self, revision: Revision) {
        let key = (revision.set.clone(), revision.number);
        self.has_listed(Source::Revisions, || Seen::Revision(key.0.clone(), key.1));
        self.reports.push(set_named(&revision.set), Urgency::Put);
        self.revisions.insert(key, revision);
    }

    pub(in crate::operator::core) fn revision_gone(&mut self, set: Name, number: u64, uid: &Uid) {
        let set_id = set_named(&set);
        let key = (set, number);
        if self.revisions.get(&key).is_some_and(|kept| kept.uid == *uid) {
            self.revisions.remove(&key);
            self.reports.push(set_id, Urgency::Put);
        }
    }

    /// What is kept and was not listed has gone without an event.
    pub(in crate::operator::core) fn revisions_listed(&mut self, seen: &BTreeSet<Seen>) {
        let is_gone = |set: &Name, number: u64| !seen.contains(&Seen::Revision(set.clone(), number));
        let gone = self.revisions.extract_if(.., |(set, number), _| is_gone(set, *number));
        let sets: Vec<ObjectId> = gone.map(|((set, _), _)| set_named(&set)).collect();
        for set in sets {
            self.reports.push(set, Urgency::Put);
        }
    }

    /// Which models the instances of a set are on their way to, their objects show: a part that only the newer model has is
    /// to stay.
    pub(in crate::operator::core) fn restore_targets(&mut self, set: &Name) {
        let Some(carried) = self.engine.get::<VirtualMachineScaleSet>(set) else { return };
        let (uid, ids) = (carried.uid.clone(), carried.held.instances.keys().copied().collect::<Vec<u64>>());
        for id in ids {
            let objects = self.children.named_after(set, id);
            let own = objects.iter().filter_map(|id| self.index.get(id)).filter(|entry| entry.is_owned_by(&uid));
            let written = own.filter_map(|entry| entry.written_from).max();
            self.engine.restore_target(set, id, written);
        }
    }

    pub(in crate::operator::core) fn restore_models(&mut self, set: &Name) {
        for (_, kept) in self.revisions.range((set.clone(), 0)..=(set.clone(), u64::MAX)) {
            if let Some(model) = &kept.model
                && self.engine.holder(Kind::VirtualMachineScaleSet, set) == kept.owner.as_ref()
            {
                self.engine.restore_model(set, kept.number, model.clone());
            }
        }
    }
}
