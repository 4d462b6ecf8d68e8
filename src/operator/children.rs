//! The states of the objects that scale sets make: which of them are pending, in flight, failed, or have their name
//! taken, and which instances are to be compared with what the fabric wants. Pure: the core says what has happened, and
//! asks what comes next.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::core::{FAILURES_BEFORE_REPORT, pause_after};
use super::queue::{Queue, Urgency};
use crate::api::children::Child;
use crate::fabric::virtual_machine_scale_set::InstanceName;
use crate::fabric::{Kind, Name, ObjectId};

/// The kinds of objects that instances have.
pub(super) const KINDS: [Kind; 4] =
    [Kind::VirtualMachineScaleSetVM, Kind::VirtualMachine, Kind::NetworkInterface, Kind::PublicIPAddress];

/// A scale set and the id of one of its instances.
pub type Instance = (Name, u64);

/// The objects of all scale sets.
#[derive(Clone, Debug, Default)]
pub struct Children {
    /// The objects that each scale set owns.
    owned: BTreeMap<Name, BTreeSet<ObjectId>>,
    /// The instances that are to be compared with what the fabric wants.
    dirty: BTreeSet<Instance>,
    /// The instances that are compared once the status of their set reports them.
    unreported: BTreeMap<Name, BTreeSet<u64>>,
    /// The objects that are not as they are to be, and why they are not yet.
    states: BTreeMap<ObjectId, State>,
    /// The order in which pending ones are written.
    queue: Queue,
    /// When failed ones are tried again.
    retries: BTreeSet<(Timestamp, ObjectId)>,
}

/// Why an object is not as it is to be yet.
#[derive(Clone, Debug, PartialEq)]
enum State {
    /// Its creation or change is pending.
    Pending(Task),
    /// Its creation or change has been asked for, and not been answered.
    InFlight(Task),
    /// Its creation or change has failed.
    Failed(Instance, Failure),
    /// An object that is not the set's has its name.
    NameTaken(Instance),
}

/// A creation or change.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    pub set: Name,
    pub child: Child,
    /// The version of the object that the write was decided on; 0 while it is pending, or if there is no object.
    pub version: u64,
    /// Whether an object of its name has gone since the write was asked for.
    pub name_was_freed: bool,
    /// The failure of the last attempt.
    failure: Option<Failure>,
}

impl State {
    fn instance(&self) -> Instance {
        match self {
            Self::Pending(task) | Self::InFlight(task) => task.instance(),
            Self::Failed(instance, _) | Self::NameTaken(instance) => instance.clone(),
        }
    }

    fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Pending(task) | Self::InFlight(task) => task.failure.as_ref(),
            Self::Failed(_, failure) => Some(failure),
            Self::NameTaken(_) => None,
        }
    }
}

impl Task {
    pub fn instance(&self) -> Instance {
        (self.set.clone(), self.child.instance)
    }
}

/// How often the creation or change of an object to one revision has failed in a row.
#[derive(Clone, Debug, PartialEq)]
struct Failure {
    revision: u64,
    count: u32,
    not_before: Timestamp,
    is_reported: bool,
}

impl Children {
    // Who owns what.

    pub fn add(&mut self, set: &Name, child: ObjectId) {
        self.owned.entry(set.clone()).or_default().insert(child);
    }

    pub fn remove(&mut self, set: &Name, child: &ObjectId) {
        if let Some(owned) = self.owned.get_mut(set) {
            owned.remove(child);
            if owned.is_empty() {
                self.owned.remove(set);
            }
        }
    }

    pub fn of(&self, set: &Name) -> impl Iterator<Item = &ObjectId> {
        self.owned.get(set).into_iter().flatten()
    }

    /// Takes from a set what may be without it.
    pub fn orphan(&mut self, set: &Name) -> BTreeSet<ObjectId> {
        let owned = self.owned.get_mut(set);
        owned
            .map(|all| all.extract_if(.., |child| child.kind != Kind::VirtualMachineScaleSetVM).collect())
            .unwrap_or_default()
    }

    /// What a set owns that is of an instance by its name (S-29).
    pub fn named_after(&self, set: &Name, instance: u64) -> Vec<ObjectId> {
        let Some(all) = self.owned.get(set) else { return Vec::new() };
        of_instance((set, instance), |first| all.range(first..))
    }

    // Instances.

    /// Has an instance compared with what the fabric wants.
    pub fn mark_dirty(&mut self, instances: impl IntoIterator<Item = Instance>) {
        self.dirty.extend(instances);
    }

    pub fn next_dirty(&mut self) -> Option<Instance> {
        self.dirty.pop_first()
    }

    /// Has an instance compared when the status of its set has been written.
    pub fn await_report(&mut self, set: &Name, instance: u64) {
        self.unreported.entry(set.clone()).or_default().insert(instance);
    }

    pub fn on_report(&mut self, set: &Name) {
        let instances = self.unreported.remove(set).unwrap_or_default();
        self.dirty.extend(instances.into_iter().map(|instance| (set.clone(), instance)));
    }

    /// An instance is to have no objects any longer. What is in flight is answered nevertheless.
    pub fn forget(&mut self, set: &Name, instance: u64) {
        let of = (set.clone(), instance);
        for id in of_instance((set, instance), |first| self.states.range(first..).map(|(id, _)| id)) {
            match self.states.get_mut(&id).filter(|state| state.instance() == of) {
                Some(State::InFlight(task)) => task.failure = None,
                Some(State::Pending(_) | State::Failed(..) | State::NameTaken(_)) => drop(self.states.remove(&id)),
                None => {} // of another set
            }
        }
    }

    // From pending to done.

    /// True if a child may be written now: nothing is in flight, its name is free, and it is not in the pause after a
    /// failure.
    pub fn may_be_written(&self, child: &Child, now: Timestamp) -> bool {
        let pauses = |failure: &Failure| failure.revision == child.revision && failure.not_before > now;
        match self.states.get(&child.id) {
            Some(State::InFlight(_) | State::NameTaken(_)) => false,
            Some(state @ (State::Pending(_) | State::Failed(..))) => !state.failure().is_some_and(pauses),
            None => true,
        }
    }

    /// Queues the creation or change of a child that may be written.
    pub fn push(&mut self, set: Name, child: Child) {
        self.queue.push(child.id.clone(), Urgency::Put);
        self.postpone(set, child);
    }

    /// The next child that is to be written. It is pending no longer.
    pub fn pop(&mut self) -> Option<(Name, Child)> {
        while let Some(id) = self.queue.pop() {
            match self.states.remove(&id) {
                Some(State::Pending(task)) => {
                    let instance = task.instance();
                    if let Some(failure) = task.failure {
                        self.states.insert(id, State::Failed(instance, failure));
                    }
                    return Some((task.set, task.child));
                }
                Some(other) => drop(self.states.insert(id, other)),
                None => {}
            }
        }
        None
    }

    /// A child that was taken from the queue is pending again, and comes into the queue by [`Children::requeue`].
    pub fn postpone(&mut self, set: Name, child: Child) {
        let failure = self.failure(&child.id).cloned();
        self.states
            .insert(child.id.clone(), State::Pending(Task { set, child, version: 0, name_was_freed: false, failure }));
    }

    /// Queues a child if it is pending.
    pub fn requeue(&mut self, id: &ObjectId) {
        if matches!(self.states.get(id), Some(State::Pending(_))) {
            self.queue.push(id.clone(), Urgency::Put);
        }
    }

    /// The write of a child that was taken from the queue has begun, on this version of the object.
    pub fn begin(&mut self, set: Name, child: Child, version: u64) {
        let failure = self.failure(&child.id).cloned();
        self.states
            .insert(child.id.clone(), State::InFlight(Task { set, child, version, name_was_freed: false, failure }));
    }

    /// The number of children that are queued.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    pub fn is_in_flight(&self, id: &ObjectId) -> bool {
        matches!(self.states.get(id), Some(State::InFlight(_)))
    }

    /// The write of a child has been answered.
    pub fn end(&mut self, id: &ObjectId) -> Option<Task> {
        match self.states.remove(id)? {
            State::InFlight(task) => Some(task),
            other @ (State::Pending(_) | State::Failed(..) | State::NameTaken(_)) => {
                self.states.insert(id.clone(), other);
                None
            }
        }
    }

    // Failures.

    /// The write of a child has failed; it is tried again after a pause. True if that is to be reported now: it was
    /// refused, more than once, and that is news.
    pub fn fail(&mut self, task: Task, is_refused: bool, now: Timestamp) -> bool {
        let instance = task.instance();
        let (id, revision) = (task.child.id, task.child.revision);
        let before = task.failure.filter(|failure| failure.revision == revision);
        let (count, was_reported) = before.map_or((0, false), |failure| (failure.count, failure.is_reported));
        let not_before = now.checked_add(pause_after(count)).unwrap_or(now);
        let is_reported = was_reported || is_refused && count + 1 >= FAILURES_BEFORE_REPORT;
        let failure = Failure { revision, count: count + 1, not_before, is_reported };
        self.states.insert(id.clone(), State::Failed(instance, failure));
        self.retries.insert((not_before, id));
        is_reported && !was_reported
    }

    /// Has what failed tried again when its pause is over.
    pub fn retry(&mut self, now: Timestamp) {
        while let Some((due, id)) = self.retries.pop_first() {
            if due > now {
                self.retries.insert((due, id));
                return;
            }
            self.dirty.extend(self.states.get(&id).filter(|state| state.failure().is_some()).map(State::instance));
        }
    }

    pub fn next_retry(&self) -> Option<Timestamp> {
        self.retries.first().map(|(due, _)| *due)
    }

    /// True if the API server refuses the child as it is to be, and an Event says so.
    pub fn is_refused(&self, child: &Child) -> bool {
        self.failure(&child.id).is_some_and(|failure| failure.is_reported && failure.revision == child.revision)
    }

    /// True if the last attempt to write it has failed, or its name is taken.
    pub fn is_blocked(&self, id: &ObjectId) -> bool {
        self.failure(id).is_some() || matches!(self.states.get(id), Some(State::NameTaken(_)))
    }

    fn failure(&self, id: &ObjectId) -> Option<&Failure> {
        self.states.get(id).and_then(State::failure)
    }

    // Names.

    /// An object that is not the set's has the name of a child.
    pub fn name_taken(&mut self, id: ObjectId, instance: Instance) {
        if !self.is_in_flight(&id) {
            self.states.insert(id, State::NameTaken(instance));
        }
    }

    /// The object of this name is the child.
    pub fn name_is_own(&mut self, id: &ObjectId) {
        if matches!(self.states.get(id), Some(State::NameTaken(_))) {
            self.states.remove(id);
        }
    }

    /// An object has appeared or changed under the name of a child that is not as it is to be: it may not be the set's.
    pub fn name_changed(&mut self, id: &ObjectId) {
        self.dirty.extend(self.states.get(id).map(State::instance));
    }

    /// An object that had the name of a child has gone.
    pub fn name_freed(&mut self, id: &ObjectId) {
        match self.states.get_mut(id) {
            Some(State::NameTaken(instance)) => {
                self.dirty.insert(instance.clone());
                self.states.remove(id);
            }
            Some(State::InFlight(task)) => task.name_was_freed = true,
            Some(State::Pending(_) | State::Failed(..)) | None => {}
        }
    }

    /// The names of this kind that others have.
    pub fn names_taken(&self, kind: Kind) -> Vec<ObjectId> {
        let taken = self.states.iter().filter(|(id, state)| id.kind == kind && matches!(state, State::NameTaken(_)));
        taken.map(|(id, _)| id.clone()).collect()
    }
}

/// The objects that are of an instance by their names, of an ordered collection that `from` iterates over.
fn of_instance<'a, I>((set, id): (&Name, u64), from: impl Fn(ObjectId) -> I) -> Vec<ObjectId>
where
    I: Iterator<Item = &'a ObjectId>,
{
    let object = InstanceName { set, id }.object();
    let parts = format!("{}-", object.name);
    // No character of a name is less than the hyphen: the parts follow at once.
    let is_named_after =
        |name: &Name| name.namespace == object.namespace && (name.name == object.name || name.name.starts_with(&parts));
    let of_kind = |kind: Kind| {
        let all = from(ObjectId::new(kind, object.clone()));
        all.take_while(move |other| other.kind == kind && is_named_after(&other.name))
    };
    KINDS.into_iter().flat_map(of_kind).cloned().collect()
}
