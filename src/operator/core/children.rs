//! The objects that scale sets make, and the models that they keep: what there is to be is the fabric's; this makes it
//! so. A child is created only when the status of its set tells of it, so that a crash in between is made good.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{Core, Outcome, What, Write};
use crate::api::Owner;
use crate::api::children::{self, Child, Revision, revision_name};
use crate::fabric::virtual_machine_scale_set::VirtualMachineScaleSet;
use crate::fabric::{Kind, ObjectId};
use crate::operator::index::{Entry, Flight};
use crate::operator::queue::Urgency;

/// The pause after an object could not be created.
const RETRY: SignedDuration = SignedDuration::from_millis(500);
/// The finalizer of a deletion that leaves what is owned.
const ORPHANS: &str = "orphan";

impl Core {
    // Who belongs to whom.

    pub(super) fn belongs(&mut self, id: &ObjectId, before: Option<&Owner>, after: Option<&Owner>) {
        if let Some(owner) = before.filter(|before| Some(*before) != after) {
            let set = set_of(owner);
            if let Some(children) = self.children.get_mut(&set) {
                children.remove(id);
                if children.is_empty() {
                    self.children.remove(&set);
                }
            }
            self.reports.push(set, Urgency::Put);
        }
        if let Some(owner) = after {
            self.children.entry(set_of(owner)).or_default().insert(id.clone());
        }
    }

    /// The set of a child may have something to do, and the children of a set that is deleted or gone.
    pub(super) fn tell_family(&mut self, id: &ObjectId) {
        let entry = self.index.get(id);
        if let Some(owner) = entry.and_then(|entry| entry.owner.as_ref()) {
            self.reports.push(set_of(owner), Urgency::Put);
        }
        if id.kind == Kind::VirtualMachineScaleSet && entry.is_none_or(|entry| entry.deleting) {
            self.report_children(id);
        }
    }

    fn report_children(&mut self, set: &ObjectId) {
        for child in self.children.get(set).cloned().unwrap_or_default() {
            self.reports.push(child, Urgency::Put);
        }
    }

    // What a set is to have and has not.

    /// Queues the creation of what is missing, and the deletion of what is too much. The status of the set tells its ids.
    pub(super) fn raise_children(&mut self, set: &ObjectId) {
        let Some(entry) = self.index.get(set).filter(|entry| self.may_have_children(set, entry)) else { return };
        let uid = entry.uid.clone();
        let there = self.children.get(set).map_or(0, BTreeSet::len);
        let wanted = children::children(&self.engine, &set.name);
        let mut met = 0;
        for child in wanted {
            let Some(entry) = self.index.get(&child.id) else {
                if !self.unborn.contains(&child.id) && !self.in_the_way.contains_key(&child.id) {
                    self.births.push(child.id.clone(), Urgency::Put);
                    self.wanted.insert(child.id.clone(), (set.clone(), child));
                }
                continue;
            };
            if entry.owner.as_ref().is_none_or(|owner| owner.uid != uid) {
                self.in_the_way.insert(child.id, set.clone());
                continue;
            }
            met += 1;
            if is_behind(entry, &child) {
                self.births.push(child.id.clone(), Urgency::Put);
                self.wanted.insert(child.id.clone(), (set.clone(), child));
            }
        }
        if met < there {
            self.report_children(set);
        }
    }

    /// Nothing is made for a set that is being deleted, or in a namespace that is.
    fn may_have_children(&self, set: &ObjectId, entry: &Entry) -> bool {
        let stays = self.namespaces.get(&set.name.namespace).is_some_and(|namespace| !namespace.terminating);
        stays && !entry.deleting && self.engine.holder(set.kind, &set.name) == Some(&entry.uid)
    }

    /// The next child that can be written: what it refers to is there, and as it is to be.
    pub(super) fn next_birth(&mut self) -> Option<Write> {
        while let Some(id) = self.births.pop() {
            let Some((set, child)) = self.wanted.remove(&id) else { continue };
            let Some(parent) = self.index.get(&set).filter(|parent| self.may_have_children(&set, parent)) else {
                continue;
            };
            let uid = parent.uid.clone();
            let lacks = child.after.iter().any(|before| !self.is_in_place(before, child.revision));
            if self.unborn.contains(&id) || lacks {
                continue; // the end of that brings the set here again
            }
            let Some(manifest) = children::manifest(&self.engine, &set.name, &uid, &child) else { continue };
            let (resource_version, generation) = match self.index.get_mut(&id) {
                Some(entry) if entry.flight.is_none() && is_behind(entry, &child) => {
                    (entry.resource_version, entry.generation)
                }
                Some(_) => continue,
                None => (0, 1),
            };
            let what =
                if id.kind == Kind::VirtualMachineScaleSetVM { What::Create(manifest) } else { What::Apply(manifest) };
            self.unborn.insert(id.clone());
            self.wanted.insert(id.clone(), (set, child));
            return Some(Write { id, uid, resource_version, generation, what });
        }
        None
    }

    fn is_in_place(&self, id: &ObjectId, revision: u64) -> bool {
        self.engine.holder(id.kind, &id.name).is_some()
            && self.index.get(id).is_some_and(|entry| entry.written_from.is_none_or(|from| from >= revision))
    }

    /// The creation or change of a child has ended; the object itself came before the answer.
    pub(super) fn born(&mut self, id: &ObjectId, outcome: &Outcome) {
        self.unborn.remove(id);
        let Some((set, child)) = self.wanted.remove(id) else { return };
        match (outcome, self.index.get_mut(id)) {
            (Outcome::Conflict, Some(entry)) => entry.taken_over = Some(child.revision),
            (Outcome::Conflict, None) => {
                self.in_the_way.insert(id.clone(), set.clone());
            }
            (Outcome::Failed | Outcome::Invalid(_) | Outcome::Gone, _) => {
                let now = self.engine.now();
                if let Ok(due) = now.checked_add(RETRY) {
                    self.timers.insert((due, set));
                }
                return;
            }
            (Outcome::Done(_), _) => {}
        }
        self.reports.push(set, Urgency::Put);
    }

    /// An object whose name a child is to have has gone.
    pub(super) fn makes_way(&mut self, id: &ObjectId) {
        if let Some(set) = self.in_the_way.remove(id) {
            self.reports.push(set, Urgency::Put);
        }
    }

    // What belongs to a set and is not to be; what a set keeps.

    /// The deletion of a child that its set is not to have, or a model that is to be kept or no longer.
    pub(super) fn consider_family(&mut self, id: &ObjectId, now: Timestamp) -> Option<Write> {
        let what = if id.kind == Kind::VirtualMachineScaleSet {
            self.consider_revisions(id)
        } else {
            self.is_too_much(id).then_some((What::Delete, None))
        };
        let (what, keeps) = what?;
        let entry = self.index.get_mut(id)?;
        entry.flight = Some(Flight { keeps, ..Flight::of(entry) });
        entry.last_write = Some(now);
        let (uid, resource_version, generation) = (entry.uid.clone(), entry.resource_version, entry.generation);
        Some(Write { id: id.clone(), uid, resource_version, generation, what })
    }

    fn is_too_much(&self, id: &ObjectId) -> bool {
        let Some(entry) = self.index.get(id).filter(|entry| !entry.deleting) else { return false };
        let Some(owner) = &entry.owner else { return false };
        let set = set_of(owner);
        match self.index.get(&set).filter(|set| set.uid == owner.uid) {
            None => true,
            Some(set) if set.deleting => {
                let leaves = set.other_finalizers.iter().any(|finalizer| finalizer == ORPHANS);
                id.kind == Kind::VirtualMachineScaleSetVM || !leaves
            }
            Some(_) => {
                self.engine.holder(set.kind, &set.name) == Some(&owner.uid)
                    && !children::is_wanted(&self.engine, &set.name, id)
            }
        }
    }

    /// A model is kept before a status tells its revision, and until no instance has it.
    fn consider_revisions(&mut self, id: &ObjectId) -> Option<(What, Option<u64>)> {
        let entry = self.index.get(id)?;
        let set = self.engine.get::<VirtualMachineScaleSet>(&id.name).filter(|set| set.uid == entry.uid)?;
        let kept = |revision: u64| self.revisions.get(&(id.name.clone(), revision)) == Some(&entry.uid);
        if self.may_have_children(id, entry)
            && let Some((revision, model)) = set.held.models.iter().find(|(revision, _)| !kept(**revision))
        {
            let manifest = children::revision_manifest(&id.name, &entry.uid, *revision, model);
            return Some((What::KeepRevision(manifest), Some(*revision)));
        }
        let all = self.revisions.range((id.name.clone(), 0)..=(id.name.clone(), u64::MAX));
        let unused =
            all.map(|((_, revision), _)| *revision).find(|revision| !set.held.models.contains_key(revision))?;
        if entry.published.programmed_generation != Some(set.generation) {
            return None; // the status still tells of it
        }
        self.revisions.remove(&(id.name.clone(), unused));
        Some((What::DropRevision(revision_name(&id.name, unused).name.to_string()), None))
    }

    pub(super) fn revision(&mut self, revision: Revision) {
        let key = (revision.owner.set.clone(), revision.number);
        self.revisions.insert(key, revision.owner.uid.clone());
        self.reports.push(set_of(&revision.owner), Urgency::Put);
        if !self.started {
            self.models.push(revision);
        }
    }

    pub(super) fn revision_gone(&mut self, revision: &Revision) {
        let key = (revision.owner.set.clone(), revision.number);
        if self.revisions.get(&key) == Some(&revision.owner.uid) {
            self.revisions.remove(&key);
            self.reports.push(set_of(&revision.owner), Urgency::Put);
        }
    }

    pub(super) fn restore_models(&mut self) {
        for Revision { owner, number, model } in std::mem::take(&mut self.models) {
            if self.engine.holder(Kind::VirtualMachineScaleSet, &owner.set) == Some(&owner.uid)
                && let Some(model) = model
            {
                self.engine.restore_model(&owner.set, number, model);
            }
        }
    }

    /// After a new list, what is kept is known anew; each set looks whether it lacks anything.
    pub(super) fn revisions_listed(&mut self) {
        let sets = self.children.keys().cloned().collect::<Vec<_>>();
        for set in sets {
            self.reports.push(set, Urgency::Put);
        }
    }
}

/// It was written from an older model than it is to be, and nobody has taken over a field of it.
fn is_behind(entry: &Entry, child: &Child) -> bool {
    child.id.kind != Kind::VirtualMachineScaleSetVM
        && !entry.deleting
        && entry.written_from.is_none_or(|from| from < child.revision)
        && entry.taken_over != Some(child.revision)
}

fn set_of(owner: &Owner) -> ObjectId {
    ObjectId::new(Kind::VirtualMachineScaleSet, owner.set.clone())
}
