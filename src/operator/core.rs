//! The core: a pure state machine from what the API server shows to what is written back.
//!
//! [`Core::feed`] takes inputs in, [`Core::settle`] judges every object whose turn it is, and [`Core::next_write`] gives
//! the writes that follow, each decided only when there is a hand free to do it. Nothing is judged before every watch
//! has listed and the fabric is restored from what the statuses tell.

mod children;
mod judge;
mod messages;
mod start;
mod writes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::index::{Entry, Verdict};
use super::queue::{Queue, Urgency};
use super::waits::Waits;
use crate::api::children::{Child, Revision};
use crate::api::object::Observed;
use crate::fabric::{AnyRecord, Engine, Kind, Name, ObjectId, Settings, Violation, WaitKey};

pub use messages::{Input, Namespace, Notice, Outcome, Source, What, Write};

/// The state machine.
#[derive(Clone, Debug)]
pub struct Core {
    engine: Engine,
    index: BTreeMap<ObjectId, Entry>,
    namespaces: BTreeMap<Arc<str>, Namespace>,
    listing: BTreeMap<Source, BTreeSet<ObjectId>>,
    listed: BTreeSet<Source>,
    records: BTreeMap<ObjectId, AnyRecord>,
    started: bool,
    work: Queue,
    waits: Waits,
    woken: BTreeMap<ObjectId, BTreeMap<WaitKey, u64>>,
    reports: Queue,
    held_back: BTreeMap<ObjectId, BTreeSet<ObjectId>>,
    children: BTreeMap<ObjectId, BTreeSet<ObjectId>>,
    late: Queue,
    due: BTreeSet<(Name, u64)>,
    untold: BTreeMap<ObjectId, BTreeSet<u64>>,
    births: Queue,
    wanted: BTreeMap<ObjectId, (ObjectId, Child)>,
    unborn: BTreeSet<ObjectId>,
    in_the_way: BTreeMap<ObjectId, (Name, u64)>,
    troubles: BTreeMap<ObjectId, children::Trouble>,
    retries: BTreeSet<(Timestamp, ObjectId)>,
    revisions: BTreeMap<(Name, u64), Revision>,
    revisions_seen: Option<BTreeSet<(Name, u64)>>,
    timers: BTreeSet<(Timestamp, ObjectId)>,
    judgements: u64,
    looks: u64,
    notices: Vec<Notice>,
    dropped: Vec<(ObjectId, String)>,
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
            work: Queue::default(),
            waits: Waits::default(),
            woken: BTreeMap::new(),
            reports: Queue::default(),
            held_back: BTreeMap::new(),
            children: BTreeMap::new(),
            late: Queue::default(),
            due: BTreeSet::new(),
            untold: BTreeMap::new(),
            births: Queue::default(),
            wanted: BTreeMap::new(),
            unborn: BTreeSet::new(),
            in_the_way: BTreeMap::new(),
            troubles: BTreeMap::new(),
            retries: BTreeSet::new(),
            revisions: BTreeMap::new(),
            revisions_seen: None,
            timers: BTreeSet::new(),
            judgements: 0,
            looks: 0,
            notices: Vec::new(),
            dropped: Vec::new(),
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
            Input::ListStarted(Source::Revisions) => self.revisions_seen = Some(BTreeSet::new()),
            Input::ListStarted(source) => {
                self.listing.insert(source, BTreeSet::new());
            }
            Input::ListDone(source) => self.list_done(source),
            Input::Applied(observed) => self.applied(*observed),
            Input::Deleted(id, uid) => match self.index.get(&id) {
                Some(entry) if entry.uid == uid => self.gone(&id),
                Some(_) => {}
                None => self.makes_way(&id),
            },
            Input::Namespace(name, namespace) => self.namespace(name, namespace),
            Input::NamespaceDeleted(name) => {
                self.namespaces.remove(&name);
            }
            Input::Revision(revision) => self.revision(revision),
            Input::RevisionDeleted(set, number, uid) => self.revision_gone(set, number, &uid),
            Input::Written(id, uid, outcome) => self.written(&id, &uid, outcome),
        }
    }

    /// Judges every object whose turn it is, until nothing is left to judge.
    pub fn settle(&mut self, now: Timestamp) {
        self.engine.advance(now);
        self.try_again(now);
        let sources =
            Kind::ALL.iter().map(|kind| Source::Objects(*kind)).chain([Source::Namespaces, Source::Revisions]);
        let starts = !self.started && sources.into_iter().all(|source| self.listed.contains(&source));
        if starts {
            self.start();
        }
        if !self.started {
            return;
        }
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
            let Some((set, instance)) = self.due.pop_first() else { return };
            self.raise(set, instance);
            self.after_engine();
        }
    }

    /// The next write, if there is one to do now. Call it after [`Core::settle`].
    pub fn next_write(&mut self, now: Timestamp) -> Option<Write> {
        while let Some((due, id)) = self.timers.first().cloned().filter(|(due, _)| *due <= now) {
            self.timers.remove(&(due, id.clone()));
            self.reports.push(id, Urgency::Put);
        }
        while let Some(id) = self.reports.pop() {
            if let Some(write) = self.consider(&id, now) {
                return Some(write);
            }
        }
        if let Some(write) = self.next_birth() {
            return Some(write);
        }
        while let Some(id) = self.late.pop() {
            if let Some(write) = self.consider(&id, now) {
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
        let retry = self.retries.first().map(|(due, _)| *due);
        [timer, retry, self.engine.next_deadline()].into_iter().flatten().min()
    }

    // Inputs.

    fn applied(&mut self, mut observed: Observed) {
        let id = observed.id.clone();
        if let Some(seen) = self.listing.get_mut(&Source::Objects(id.kind)) {
            seen.insert(id.clone());
        }
        // Without the finalizer, an object that is being deleted has been released: what its status tells is another's.
        let released = observed.deleting && !observed.has_finalizer;
        if let Some(record) = observed.record.take().filter(|_| !self.started && !released) {
            self.records.insert(id.clone(), record);
        }
        let urgency = if observed.deleting { Urgency::Deletion } else { Urgency::Put };
        let leaves = observed.deleting;
        match self.index.get_mut(&id) {
            // Older than what is known, or the echo of the operator's own write.
            Some(entry) if observed.resource_version <= entry.resource_version => return,
            Some(entry) if observed.uid == entry.uid => {
                let before = entry.owner.clone();
                entry.update(observed);
                let after = entry.owner.clone();
                self.belongs(&id, before.as_ref(), after.as_ref());
            }
            Some(_) | None => {
                let before = self.index.get(&id).and_then(|entry| entry.owner.clone());
                let after = observed.owner.clone();
                self.index.insert(id.clone(), Entry::new(observed));
                self.belongs(&id, before.as_ref(), after.as_ref());
            }
        }
        self.let_on(&id);
        if leaves && id.kind == Kind::VirtualMachineScaleSet {
            self.report_children(&id);
        }
        self.work.push(id, urgency);
    }

    fn gone(&mut self, id: &ObjectId) {
        let entry = self.index.remove(id);
        if entry.as_ref().is_some_and(|entry| entry.leaves_children) {
            self.leave_children(id);
        }
        let owner = entry.and_then(|entry| entry.owner);
        self.belongs(id, owner.as_ref(), None);
        self.makes_way(id);
        if id.kind == Kind::VirtualMachineScaleSet {
            self.report_children(id);
        }
        self.records.remove(id);
        self.let_on(id);
        self.work.push(id.clone(), Urgency::Deletion);
    }

    fn list_done(&mut self, source: Source) {
        if source == Source::Revisions {
            self.revisions_listed();
            self.listed.insert(source);
        }
        let Some(seen) = self.listing.remove(&source) else { return };
        self.listed.insert(source);
        let Source::Objects(kind) = source else { return };
        // What is in the index and was not listed has gone without an event.
        let known = self.index.keys().filter(|id| id.kind == kind && !seen.contains(id));
        let gone: Vec<ObjectId> = known.cloned().collect();
        for id in gone {
            self.gone(&id);
        }
        let in_the_way = self.in_the_way.keys().filter(|id| id.kind == kind && !seen.contains(id));
        let out_of_the_way: Vec<ObjectId> = in_the_way.cloned().collect();
        for id in out_of_the_way {
            self.makes_way(&id);
        }
    }

    fn namespace(&mut self, name: Arc<str>, namespace: Namespace) {
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
