//! The objects that scale sets make, and the models that they keep: what there is to be is the fabric's; this makes it
//! so. A child is created only when the status of its set tells of it, so that a crash in between is made good.

mod births;
mod ids;
mod models;

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Core, What, Write};
use crate::api::Owner;
use crate::api::children::{self, Child};
use crate::fabric::virtual_machine_scale_set::{InstanceName, Obstacle, VirtualMachineScaleSet, ranges_have};
use crate::fabric::{Kind, Name, NetworkInterface, ObjectId, Uid, VirtualMachine};
use crate::operator::index::{Entry, Flight, Verdict};
use crate::operator::queue::Urgency;
pub(super) use births::Trouble;

/// The kinds of objects that instances have.
const KINDS: [Kind; 4] =
    [Kind::VirtualMachineScaleSetVM, Kind::VirtualMachine, Kind::NetworkInterface, Kind::PublicIPAddress];

impl Core {
    // Who belongs to whom.

    pub(super) fn change_owner(&mut self, id: &ObjectId, before: Option<&Owner>, after: Option<&Owner>) {
        if let Some(owner) = before.filter(|before| Some(*before) != after) {
            let set = set_of(owner);
            if let Some(children) = self.children.get_mut(&set) {
                children.remove(id);
                if children.is_empty() {
                    self.children.remove(&set);
                }
            }
            self.tell_set(owner, id);
        }
        if let Some(owner) = after {
            self.children.entry(set_of(owner)).or_default().insert(id.clone());
        }
    }

    /// Queues the scale set that owns an object: its instance is compared with what is wanted, its status written last.
    pub(super) fn queue_owner(&mut self, id: &ObjectId) {
        if let Some(owner) = self.index.get(id).and_then(|entry| entry.owner.clone()) {
            self.tell_set(&owner, id);
        }
        self.due.extend(self.in_the_way.get(id).cloned());
    }

    /// The instance is compared at once; the status of the set waits, so that many changes cost one write.
    fn tell_set(&mut self, owner: &Owner, child: &ObjectId) {
        self.due.extend(children::instance_of(&owner.set, &child.name).map(|instance| (owner.set.clone(), instance)));
        self.late.push(set_of(owner), Urgency::Put);
    }

    /// A set has gone, and the API server's garbage collector has taken its name off what it leaves; the watches of that may
    /// tell so later.
    pub(super) fn leave_children(&mut self, set: &ObjectId) {
        let Some(children) = self.children.get_mut(set) else { return };
        let left: BTreeSet<ObjectId> =
            children.extract_if(.., |child| child.kind != Kind::VirtualMachineScaleSetVM).collect();
        for child in left {
            if let Some(entry) = self.index.get_mut(&child) {
                entry.owner = None;
            }
        }
    }

    pub(super) fn report_children(&mut self, set: &ObjectId) {
        for child in self.children.get(set).cloned().unwrap_or_default() {
            self.reports.push(child, Urgency::Put);
        }
    }

    /// How many objects the report of this one looks at.
    pub(super) fn weight(&self, id: &ObjectId) -> u64 {
        let set = self.engine.get::<VirtualMachineScaleSet>(&id.name);
        let set = set.filter(|_| id.kind == Kind::VirtualMachineScaleSet);
        1 + set.map_or(0, |set| u64::try_from(set.held.instances.len()).unwrap_or(u64::MAX))
    }

    // What an instance is to have and has not.

    /// Queues the creation of what an instance lacks, and the deletion of what it has too much; and tells the fabric what is
    /// in the way. What the status of the set does not tell yet waits for that.
    pub(super) fn reconcile_instance(&mut self, name: Name, instance: u64) {
        let set = ObjectId::new(Kind::VirtualMachineScaleSet, name);
        let wanted = children::of_instance(&self.engine, &set.name, instance);
        self.looks += u64::try_from(wanted.len()).unwrap_or(u64::MAX);
        for child in self.named_after(&set, instance) {
            if !wanted.iter().any(|wanted| wanted.id == child) {
                self.reports.push(child, Urgency::Put);
            }
        }
        if wanted.is_empty() {
            self.troubles.retain(|_, trouble| trouble.of != (set.name.clone(), instance));
            return;
        }
        let Some(entry) = self.index.get(&set).filter(|entry| self.may_have_children(&set, entry)) else { return };
        let uid = entry.uid.clone();
        if !self.is_told(&set, entry, instance) {
            self.untold.entry(set).or_default().insert(instance);
            return;
        }
        let (mut is_complete, mut obstacle) = (true, None);
        for child in wanted {
            if child.id.kind == Kind::VirtualMachine {
                self.requeue_held_back(&child.id); // it may not be about to be made any more
            }
            is_complete &= self.is_there(&child, &uid);
            let found = self.obstacle_of(&child, &uid);
            if matches!(found, Some(Obstacle::NameTaken(_))) {
                self.in_the_way.insert(child.id.clone(), (set.name.clone(), instance));
            } else if self.index.contains_key(&child.id) {
                self.in_the_way.remove(&child.id);
            }
            obstacle = obstacle.or(found);
            if self.is_to_be_written(&child) {
                self.births.push(child.id.clone(), Urgency::Put);
                self.wanted.insert(child.id.clone(), (set.clone(), child));
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

    /// The children of a set that are of an instance by their names (S-29).
    fn named_after(&self, set: &ObjectId, instance: u64) -> Vec<ObjectId> {
        let Some(all) = self.children.get(set) else { return Vec::new() };
        let object = InstanceName { set: &set.name, id: instance }.object();
        let parts = Name::new(object.namespace.clone(), format!("{}-", object.name));
        let is_part = |id: &&ObjectId, kind: Kind| {
            id.kind == kind && id.name.namespace == parts.namespace && id.name.name.starts_with(&*parts.name)
        };
        let of_kind = |kind: Kind| {
            let rest = all.range(ObjectId::new(kind, parts.clone())..).take_while(move |id| is_part(id, kind));
            all.get(&ObjectId::new(kind, object.clone())).into_iter().chain(rest)
        };
        KINDS.into_iter().flat_map(of_kind).cloned().collect()
    }

    /// Nothing is made for a set that is being deleted, or in a namespace that is.
    fn may_have_children(&self, set: &ObjectId, entry: &Entry) -> bool {
        let stays = self.namespaces.get(&set.name.namespace).is_some_and(|namespace| !namespace.terminating);
        stays && !entry.deleting && self.engine.holder(set.kind, &set.name) == Some(&entry.uid)
    }

    /// True if the status of the set tells the instance, and the model that there is.
    fn is_told(&self, set: &ObjectId, entry: &Entry, instance: u64) -> bool {
        let generation = self.engine.get::<VirtualMachineScaleSet>(&set.name).map(|set| set.generation);
        entry.published.programmed_generation == generation && ranges_have(&entry.published.instance_ids, instance)
    }

    /// True if the fabric carries the child of the set, written from the revision that it is to have.
    fn is_there(&self, child: &Child, owner: &Uid) -> bool {
        let Some(entry) = self.index.get(&child.id).filter(|entry| entry.is_owned_by(owner)) else { return false };
        let is_current = match child.id.kind {
            Kind::VirtualMachineScaleSetVM => true,
            // The last one of an instance that is written: what it was written from need not be what it took up.
            Kind::VirtualMachine => {
                let carried = self.engine.get::<VirtualMachine>(&child.id.name);
                carried.and_then(|vm| vm.ask.member.as_ref()).is_some_and(|member| member.revision >= child.revision)
            }
            _ => entry.written_from.is_some_and(|from| from >= child.revision),
        };
        is_current && self.engine.holder(child.id.kind, &child.id.name) == Some(&entry.uid)
    }

    /// What keeps a child from being as it is to be.
    fn obstacle_of(&self, child: &Child, owner: &Uid) -> Option<Obstacle> {
        let invalid =
            self.troubles.get(&child.id).filter(|trouble| trouble.is_reported && trouble.revision == child.revision);
        let not_taken = invalid.map(|_| Obstacle::NotTaken(child.id.clone()));
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

    /// An object whose name a child is to have has gone.
    pub(super) fn makes_way(&mut self, id: &ObjectId) {
        self.due.extend(self.in_the_way.remove(id));
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
        entry.flight = Some(Flight::of(entry));
        entry.last_write = Some(now);
        let (uid, resource_version, generation) = (entry.uid.clone(), entry.resource_version, entry.generation);
        Some(Write { id: id.clone(), uid, resource_version, generation, changes_counts_only: false, what })
    }

    fn is_surplus(&self, id: &ObjectId) -> bool {
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

    /// An upgrade that leaves a part out takes it away only when the machine has let go of it: the machine may refuse the
    /// upgrade, or the model may change again before.
    fn is_used(&self, id: &ObjectId) -> bool {
        match id.kind {
            Kind::NetworkInterface => {
                self.engine.get::<NetworkInterface>(&id.name).is_some_and(|nic| nic.held.attached.is_some())
            }
            Kind::PublicIPAddress => self.engine.is_associated(&id.name),
            _ => false,
        }
    }

    pub(super) fn is_wanted(&self, set: &Name, child: &ObjectId) -> bool {
        let instance = children::instance_of(set, &child.name);
        let wanted = instance.map(|instance| children::of_instance(&self.engine, set, instance)).unwrap_or_default();
        wanted.iter().any(|wanted| wanted.id == *child)
    }
}

/// It was written from an older model than it is to be, and nobody has taken over a field of it.
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
