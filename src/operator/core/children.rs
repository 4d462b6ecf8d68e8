//! The objects that scale sets make, and the models that they keep: what there is to be is the fabric's; this makes it
//! so. A child is created only when the status of its set lists it, so that a crash in between is made good.

mod creates;
mod ids;
mod models;

use jiff::Timestamp;

use super::{Core, What, Write};
use crate::api::Owner;
use crate::api::children::{self, Child};
use crate::fabric::virtual_machine_scale_set::{Obstacle, VirtualMachineScaleSet, ranges_have};
use crate::fabric::{Kind, Name, ObjectId, Uid, VirtualMachine};
use crate::operator::index::{Entry, Flight, Verdict};
use crate::operator::queue::Urgency;

impl Core {
    // Who belongs to whom.

    pub(super) fn change_owner(&mut self, id: &ObjectId, before: Option<&Owner>, after: Option<&Owner>) {
        if let Some(owner) = before.filter(|before| Some(*before) != after) {
            self.children.remove(&owner.set, id);
            self.mark_set_dirty(owner, id);
        }
        if let Some(owner) = after {
            self.children.add(&owner.set, id.clone());
        }
    }

    /// Queues the scale set that owns an object: its instance is compared with what is wanted, its status written last.
    pub(super) fn queue_owner(&mut self, id: &ObjectId) {
        if let Some(owner) = self.index.get(id).and_then(|entry| entry.owner.clone()) {
            self.mark_set_dirty(&owner, id);
        }
        self.children.name_changed(id);
    }

    /// The instance is compared at once; the status of the set waits, so that many changes cost one write.
    fn mark_set_dirty(&mut self, owner: &Owner, child: &ObjectId) {
        let instance = children::instance_of(&owner.set, &child.name);
        self.children.mark_dirty(instance.map(|instance| (owner.set.clone(), instance)));
        self.set_reports.push(set_of(owner), Urgency::Put);
    }

    /// A set has gone, and the API server's garbage collector has taken its name off what it leaves; the watches of that may
    /// report so later.
    pub(super) fn leave_children(&mut self, set: &ObjectId) {
        for child in self.children.orphan(&set.name) {
            if let Some(entry) = self.index.get_mut(&child) {
                entry.owner = None;
            }
        }
    }

    pub(super) fn report_children(&mut self, set: &ObjectId) {
        for child in self.children.of(&set.name) {
            self.reports.push(child.clone(), Urgency::Put);
        }
    }

    /// How many objects the report of this one looks at.
    pub(super) fn weight(&self, id: &ObjectId) -> u64 {
        let set = self.engine.get::<VirtualMachineScaleSet>(&id.name);
        let set = set.filter(|_| id.kind == Kind::VirtualMachineScaleSet);
        1 + set.map_or(0, |set| u64::try_from(set.held.instances.len()).unwrap_or(u64::MAX))
    }

    // What an instance is to have and has not.

    /// Queues the creation of what an instance lacks, and the deletion of what it has too much; and reports to the fabric what
    /// keeps an instance from being complete. What the status of the set does not report yet waits for that.
    pub(super) fn reconcile_instance(&mut self, name: Name, instance: u64) {
        let set = ObjectId::new(Kind::VirtualMachineScaleSet, name);
        let wanted = children::of_instance(&self.engine, &set.name, instance);
        self.looks += u64::try_from(wanted.len()).unwrap_or(u64::MAX);
        for child in self.children.named_after(&set.name, instance) {
            if !wanted.iter().any(|wanted| wanted.id == child) {
                self.reports.push(child, Urgency::Put);
            }
        }
        if wanted.is_empty() {
            return self.children.forget(&set.name, instance);
        }
        let Some(entry) = self.index.get(&set).filter(|entry| self.may_have_children(&set, entry)) else { return };
        let uid = entry.uid.clone();
        if !self.is_reported(&set, entry, instance) {
            return self.children.await_report(&set.name, instance);
        }
        let (mut is_complete, mut obstacle) = (true, None);
        for child in wanted {
            if child.id.kind == Kind::VirtualMachine {
                self.requeue_held_back(&child.id); // it may not be about to be made any more
            }
            is_complete &= self.is_there(&child, &uid);
            let found = self.obstacle_of(&child, &uid);
            if matches!(found, Some(Obstacle::NameTaken(_))) {
                self.children.name_taken(child.id.clone(), (set.name.clone(), instance));
            } else if self.index.contains_key(&child.id) {
                self.children.name_is_own(&child.id);
            }
            obstacle = obstacle.or(found);
            let is_as_wanted = self.index.get(&child.id).is_some_and(|entry| !is_behind(entry, &child));
            if !is_as_wanted && self.children.may_be_written(&child, self.engine.now()) {
                self.children.push(set.name.clone(), child);
            }
        }
        let keeps_older = obstacle.is_none() && !is_complete && self.is_taken_over(&set.name, instance);
        if !keeps_older {
            self.engine.note_obstacle(&set.name, instance, obstacle.filter(|_| !is_complete));
        }
    }

    /// What was taken over before counts as taken over until a write has shown that it is not any more.
    fn is_taken_over(&self, set: &Name, instance: u64) -> bool {
        let set = self.engine.get::<VirtualMachineScaleSet>(set);
        set.is_some_and(|set| set.held.obstacles.get(&instance) == Some(&Obstacle::TakenOver))
    }

    /// Nothing is made for a set that is being deleted, or in a namespace that is.
    fn may_have_children(&self, set: &ObjectId, entry: &Entry) -> bool {
        let stays = self.namespaces.get(&set.name.namespace).is_some_and(|namespace| !namespace.terminating);
        stays && !entry.deleting && self.engine.holder(set.kind, &set.name) == Some(&entry.uid)
    }

    /// True if the status of the set reports the instance, and the model that there is.
    fn is_reported(&self, set: &ObjectId, entry: &Entry, instance: u64) -> bool {
        let generation = self.engine.get::<VirtualMachineScaleSet>(&set.name).map(|set| set.generation);
        entry.published.programmed_generation == generation && ranges_have(&entry.published.instance_ids, instance)
    }

    /// True if the fabric carries the child of the set, written from the revision that it is to have.
    fn is_there(&self, child: &Child, owner: &Uid) -> bool {
        let Some(entry) = self.index.get(&child.id).filter(|entry| entry.is_owned_by(owner)) else { return false };
        let is_current = if child.id.kind == Kind::VirtualMachineScaleSetVM {
            true
        } else if child.id.kind == Kind::VirtualMachine {
            // The last one of an instance that is written: what it was written from need not be what it took up.
            let carried = self.engine.get::<VirtualMachine>(&child.id.name);
            carried.and_then(|vm| vm.ask.member.as_ref()).is_some_and(|member| member.revision >= child.revision)
        } else {
            entry.written_from.is_some_and(|from| from >= child.revision)
        };
        is_current && self.engine.holder(child.id.kind, &child.id.name) == Some(&entry.uid)
    }

    /// What keeps a child from being as it is to be.
    fn obstacle_of(&self, child: &Child, owner: &Uid) -> Option<Obstacle> {
        let not_taken = self.children.is_refused(child).then(|| Obstacle::NotTaken(child.id.clone()));
        let Some(entry) = self.index.get(&child.id) else { return not_taken };
        if !entry.is_owned_by(owner) {
            return Some(Obstacle::NameTaken(child.id.clone()));
        }
        if entry.taken_over == Some(child.revision) {
            return Some(Obstacle::TakenOver);
        }
        let Verdict::Judged { violations, .. } = &entry.verdict else { return not_taken };
        let refused = violations.first().map(|first| Obstacle::Refused(child.id.clone(), first.code));
        refused.or(not_taken)
    }

    // What belongs to a set and is not to be.

    /// The deletion of a child that its set is not to have, or a model that is to be kept or no longer.
    pub(super) fn consider_family(&mut self, id: &ObjectId, now: Timestamp) -> Option<Write> {
        let what = if id.kind == Kind::VirtualMachineScaleSet {
            self.consider_revisions(id)
        } else {
            self.is_surplus(id).then_some(What::Delete)
        };
        let what = what?;
        let entry = self.index.get_mut(id)?;
        entry.flight = Some(Flight { is_deletion: matches!(what, What::Delete), ..Flight::of(entry) });
        entry.last_write = Some(now);
        let (uid, resource_version, generation) = (entry.uid.clone(), entry.resource_version, entry.generation);
        Some(Write { id: id.clone(), uid, resource_version, generation, changes_counts_only: false, what })
    }

    fn is_surplus(&self, id: &ObjectId) -> bool {
        if self.is_deleted_with_its_machine(id) {
            return true;
        }
        let Some(entry) = self.index.get(id).filter(|entry| !entry.deleting) else { return false };
        let Some(owner) = &entry.owner else {
            // The object of an instance is nothing without its set; the set makes another, or goes.
            return id.kind == Kind::VirtualMachineScaleSetVM
                && self.engine.holder(id.kind, &id.name) == Some(&entry.uid);
        };
        let set = set_of(owner);
        match self.index.get(&set).filter(|set| set.uid == owner.uid) {
            None => true,
            Some(set) if set.deleting => id.kind == Kind::VirtualMachineScaleSetVM || !set.leaves_children,
            Some(_) => {
                self.engine.holder(set.kind, &set.name) == Some(&owner.uid)
                    && !self.is_wanted(&set.name, id)
                    && !self.is_used(id)
            }
        }
    }

    /// An upgrade that leaves a part out takes it away only when the machine has released it: the machine may refuse the
    /// upgrade, or the model may change again before.
    fn is_used(&self, id: &ObjectId) -> bool {
        self.engine.is_unclaimed(id) == Some(false)
    }

    pub(super) fn is_wanted(&self, set: &Name, child: &ObjectId) -> bool {
        let instance = children::instance_of(set, &child.name);
        let wanted = instance.map(|instance| children::of_instance(&self.engine, set, instance)).unwrap_or_default();
        wanted.iter().any(|wanted| wanted.id == *child)
    }
}

/// It was written from an older model than it is to be, and no other field manager has taken over a field of it.
fn is_behind(entry: &Entry, child: &Child) -> bool {
    child.id.kind != Kind::VirtualMachineScaleSetVM
        && !entry.deleting
        && entry.written_from.is_none_or(|from| from < child.revision)
        && entry.taken_over != Some(child.revision)
        && entry.outdated_for != Some(entry.resource_version)
}

fn set_of(owner: &Owner) -> ObjectId {
    set_named(&owner.set)
}

fn set_named(name: &Name) -> ObjectId {
    ObjectId::new(Kind::VirtualMachineScaleSet, name.clone())
}
