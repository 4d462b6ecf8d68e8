//! The core: a pure state machine from what the API server shows to what is written back.
//!
//! [`Core::feed`] takes inputs in, [`Core::settle`] judges every object whose turn it is, and [`Core::next_write`] gives
//! the writes that follow, each decided only when there is a hand free to do it. Nothing is judged before every watch
//! has listed and the fabric is restored from the statuses.

mod children;
mod deadlock;
mod deletion;
mod figures;
mod judge;
mod lists;
mod messages;
pub mod pool;
mod start;
mod writes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::children::Children;
use super::index::{Entry, Verdict};
use super::latency::Latency;
use super::queue::{Queue, Urgency};
use super::totals::Totals;
use super::waits::Waits;
use crate::api::children::Revision;
use crate::api::object::Observed;
use crate::fabric::{AnyRecord, Engine, Kind, Name, ObjectId, Settings, Uid, Violation, WaitKey};

use self::lists::{Listing, Seen};
pub(super) use self::writes::{FAILURES_BEFORE_REPORT, pause_after};
pub use figures::Figures;
pub use messages::{Input, Namespace, Notice, Outcome, Source, What, Write};

/// The state machine.
#[derive(Clone, Debug)]
pub struct Core {
    engine: Engine,

    // What the API server has shown.
    /// Every object, with what was last judged and written of it.
    index: BTreeMap<ObjectId, Entry>,
    namespaces: BTreeMap<Arc<str>, Namespace>,
    /// The models of scale sets that ControllerRevisions keep.
    revisions: BTreeMap<(Name, u64), Revision>,
    /// The watches that are listing, with what they have shown so far.
    listing: BTreeMap<Source, Listing>,
    /// The watches that have listed everything once.
    listed: BTreeSet<Source>,

    // The start.
    /// The records in the statuses, until the fabric is restored from them.
    records: BTreeMap<ObjectId, AnyRecord>,
    started: bool,
    keeps_public_addresses: bool,
    refusal: Option<pool::OutsidePool>,

    // Judgement.
    /// The objects that are to be judged.
    work: Queue,
    /// What each refused object waits for.
    waits: Waits,
    /// Which of them wait for each other.
    deadlocks: deadlock::Deadlocks,
    /// The objects that freed capacity has woken, with their places in the line.
    woken: BTreeMap<ObjectId, BTreeMap<WaitKey, u64>>,
    /// The objects that are to be judged after a pause, and when.
    deferred: BTreeMap<ObjectId, Timestamp>,
    /// The same in the order of time.
    deferrals: BTreeSet<(Timestamp, ObjectId)>,
    judgements: u64,

    // Writes.
    /// The objects of which something may have to be written.
    reports: Queue,
    /// The scale sets of which that is so, once nothing else is to be written.
    set_reports: Queue,
    /// The objects whose write waits for that of another, by the other.
    held_back: BTreeMap<ObjectId, BTreeSet<ObjectId>>,
    /// When an object is to be looked at again whose status is written with pauses.
    timers: BTreeSet<(Timestamp, ObjectId)>,
    looks: u64,
    notices: Vec<Notice>,
    dropped: Vec<(ObjectId, String)>,

    // Figures.
    totals: Totals,
    /// The objects whose specs have come since the last turn.
    arrivals: Vec<ObjectId>,
    latency: Latency,
    not_restored: usize,

    /// The objects of scale sets that are created or changed, and those that are to be.
    children: Children,
}

impl Core {
    /// A core that knows nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            engine: Engine::new(settings),
            index: BTreeMap::new(),
            namespaces: BTreeMap::new(),
            listing: BTreeMap::new(),
            listed: BTreeSet::new(),
            records: BTreeMap::new(),
            started: false,
            keeps_public_addresses: false,
            refusal: None,
            work: Queue::default(),
            waits: Waits::default(),
            deadlocks: deadlock::Deadlocks::default(),
            woken: BTreeMap::new(),
            deferred: BTreeMap::new(),
            deferrals: BTreeSet::new(),
            reports: Queue::default(),
            held_back: BTreeMap::new(),
            set_reports: Queue::default(),
            children: Children::default(),
            revisions: BTreeMap::new(),
            timers: BTreeSet::new(),
            judgements: 0,
            looks: 0,
            notices: Vec::new(),
            dropped: Vec::new(),
            totals: Totals::default(),
            arrivals: Vec::new(),
            latency: Latency::default(),
            not_restored: 0,
        }
    }

    /// The fabric.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What the spec of an object broke when it was last put.
    pub fn violations(&self, id: &ObjectId) -> &[Violation] {
        match self.index.get(id).map(|entry| &entry.verdict) {
            Some(Verdict::Judged { violations, .. }) => violations,
            Some(Verdict::Unjudged | Verdict::Released) | None => &[],
        }
    }

    /// True once every watch has listed and the fabric is restored.
    pub fn is_started(&self) -> bool {
        self.started
    }

    /// The number of objects known, and of those that wait for something.
    pub fn counts(&self) -> (usize, usize) {
        (self.index.len(), self.waits.len())
    }

    /// How often an object has been judged so far; what waits is not judged.
    pub fn judgements(&self) -> u64 {
        self.judgements
    }

    /// How many objects have been looked at so far to find what is to be written. The status of a scale set looks at all
    /// its instances.
    pub fn looks(&self) -> u64 {
        self.looks
    }

    /// Takes one input in.
    pub fn feed(&mut self, input: Input) {
        match input {
            Input::ListStarted(source) => {
                self.listing.insert(source, Listing::default());
            }
            Input::ListDone(source) => self.list_done(source),
            Input::Listed(observed) => self.listed(*observed),
            Input::Applied(observed) => self.applied(*observed),
            Input::Deleted(id, uid) => self.deleted(&id, uid),
            Input::Namespace(name, namespace) => self.namespace(name, namespace),
            Input::NamespaceDeleted(name) => {
                self.namespaces.remove(&name);
            }
            Input::Revision(revision) => self.revision(revision),
            Input::RevisionDeleted(set, number, uid) => self.revision_gone(set, number, &uid),
            Input::Written(id, uid, outcome) => self.written(&id, &uid, outcome),
        }
    }

    /// Judges every object whose turn it is, until nothing is left to judge. `now` must come from a clock that never goes back:
    /// pauses and deadlines are measured by it.
    pub fn settle(&mut self, now: Timestamp) {
        self.engine.advance(now);
        self.stamp(now);
        self.children.retry(now);
        let sources =
            Kind::ALL.iter().map(|kind| Source::Objects(*kind)).chain([Source::Namespaces, Source::Revisions]);
        let starts = !self.started && sources.into_iter().all(|source| self.listed.contains(&source));
        let starts = starts && !self.refuses_start();
        if starts {
            self.start();
        }
        if !self.started {
            return;
        }
        self.wake_deferred(now);
        self.judge_all();
        if starts {
            self.engine.end_restore();
            self.judge_all();
        }
    }

    fn judge_all(&mut self) {
        self.after_engine();
        loop {
            while let Some(id) = self.work.pop() {
                self.judge(&id);
            }
            let Some((set, instance)) = self.children.next_dirty() else { return };
            self.reconcile_instance(set, instance);
            self.after_engine();
        }
    }

    /// The next write, if there is one to do now. Call it after [`Core::settle`], with the same `now`. Conditions are stamped with
    /// `wall_clock`, and nothing else depends on it.
    pub fn next_write(&mut self, now: Timestamp, wall_clock: Timestamp) -> Option<Write> {
        if !self.started {
            return None; // what it would be decided by is not known yet
        }
        while let Some((due, id)) = self.timers.first().cloned().filter(|(due, _)| *due <= now) {
            self.timers.remove(&(due, id.clone()));
            self.reports.push(id, Urgency::Put);
        }
        while let Some(id) = self.reports.pop() {
            if let Some(write) = self.consider(&id, now, wall_clock) {
                return Some(write);
            }
        }
        if let Some(write) = self.next_child_write() {
            return Some(write);
        }
        while let Some(id) = self.set_reports.pop() {
            if let Some(write) = self.consider(&id, now, wall_clock) {
                return Some(write);
            }
        }
        None
    }

    /// The Events that follow from writes that have been done.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// What the restored fabric could not take back, and of whom.
    pub fn take_dropped(&mut self) -> Vec<(ObjectId, String)> {
        std::mem::take(&mut self.dropped)
    }

    /// When something is to be done even if nothing is fed in.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let timer = self.timers.first().map(|(due, _)| *due);
        let retry = self.children.next_retry();
        let deferral = self.deferrals.first().map(|(due, _)| *due);
        [timer, retry, deferral, self.engine.next_deadline()].into_iter().flatten().min()
    }

    // Inputs.

    fn applied(&mut self, observed: Observed) {
        self.is_newer_than_the_list(&observed.id);
        self.has_listed(Source::Objects(observed.id.kind), || Seen::Object(observed.id.clone()));
        // Older than what is known, or the echo of the operator's own write.
        let known = self.index.get(&observed.id);
        if known.is_none_or(|entry| observed.resource_version > entry.resource_version) {
            self.take(observed);
        }
    }

    fn deleted(&mut self, id: &ObjectId, uid: Uid) {
        match self.index.get(id) {
            Some(entry) if entry.uid == uid => self.gone(id),
            Some(_) => {}
            None => self.children.name_freed(id),
        }
        self.has_gone_since_the_list_began(id.kind, uid);
    }

    /// Replaces what is known of an object.
    fn take(&mut self, mut observed: Observed) {
        let id = observed.id.clone();
        // Without the finalizer, an object that is being deleted has been released: its status is another object's record.
        let released = observed.deleting && !observed.has_finalizer;
        match observed.record.take().filter(|_| !released) {
            Some(record) if !self.started => drop(self.records.insert(id.clone(), record)),
            Some(_) => {}
            None => drop(self.records.remove(&id)),
        }
        let urgency = if observed.deleting { Urgency::Deletion } else { Urgency::Put };
        let leaves = observed.deleting;
        self.note_arrival(&observed);
        match self.index.get_mut(&id) {
            Some(entry) if observed.uid == entry.uid => {
                self.totals.remove(id.kind, entry);
                let before = entry.owner.clone();
                entry.update(observed);
                let after = entry.owner.clone();
                self.totals.add(id.kind, entry);
                self.change_owner(&id, before.as_ref(), after.as_ref());
            }
            Some(_) | None => {
                let entry = Entry::new(observed);
                let after = entry.owner.clone();
                self.totals.add(id.kind, &entry);
                let before = self.index.insert(id.clone(), entry);
                before.iter().for_each(|before| self.totals.remove(id.kind, before));
                self.change_owner(&id, before.and_then(|entry| entry.owner).as_ref(), after.as_ref());
            }
        }
        self.note_requested(&id);
        self.requeue_held_back(&id);
        if leaves && id.kind == Kind::VirtualMachineScaleSet {
            self.report_children(&id);
        }
        self.wake_its_machine(&id);
        self.work.push(id, urgency);
    }

    /// The addresses that an object asks for are known to the fabric before it is judged, and until it is deleted (S-88).
    fn note_requested(&mut self, id: &ObjectId) {
        let entry = self.index.get(id).filter(|entry| !entry.deleting);
        self.engine.note_requested(id, entry.and_then(|entry| entry.asked.as_ref().ok()).map(|asked| &asked.ask));
    }

    fn gone(&mut self, id: &ObjectId) {
        let entry = self.index.remove(id);
        entry.iter().for_each(|entry| self.totals.remove(id.kind, entry));
        self.note_requested(id);
        if entry.as_ref().is_some_and(|entry| entry.leaves_children) {
            self.leave_children(id);
        }
        let owner = entry.and_then(|entry| entry.owner);
        self.change_owner(id, owner.as_ref(), None);
        self.children.name_freed(id);
        if id.kind == Kind::VirtualMachineScaleSet {
            self.report_children(id);
        }
        self.records.remove(id);
        self.requeue_held_back(id);
        self.wake_its_machine(id);
        self.work.push(id.clone(), Urgency::Deletion);
    }

    fn namespace(&mut self, name: Arc<str>, namespace: Namespace) {
        self.has_listed(Source::Namespaces, || Seen::Namespace(name.clone()));
        let before = self.namespaces.insert(name.clone(), namespace.clone());
        let labels = |namespace: &Namespace| (namespace.location.clone(), namespace.subscription.clone());
        if before.is_some_and(|before| labels(&before) == labels(&namespace)) {
            return;
        }
        for kind in Kind::ALL {
            let first = ObjectId::new(*kind, Name::new(name.clone(), ""));
            let inside = self.index.range(first..).take_while(|(id, _)| id.kind == *kind && id.name.namespace == name);
            for (id, _) in inside {
                self.work.push(id.clone(), Urgency::Put);
            }
        }
    }
}
