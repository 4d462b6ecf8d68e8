//! The core: a pure state machine from what the API server shows to what is written back.
//!
//! [`Core::feed`] takes inputs in, [`Core::settle`] judges every object whose turn it is, and [`Core::next_write`] gives
//! the writes that follow, each decided only when there is a hand free to do it. Nothing is judged before every watch
//! has listed and the fabric is restored from what the statuses tell.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::index::{Entry, Flight, Verdict};
use super::queue::{Queue, Urgency};
use super::waits::Waits;
use crate::api::FINALIZER;
use crate::api::object::{self, Observed};
use crate::api::status::{self, Published, fingerprint};
use crate::fabric::resource::DELETION_PATH;
use crate::fabric::{
    AnyRecord, Code, Cure, Engine, Kind, Name, ObjectId, Placement, Refusal, Request, Settings, Uid, Violation, WaitKey,
};

/// A status that changes only because others come and go is written at most this often.
const HOT_STATUS_INTERVAL: SignedDuration = SignedDuration::from_secs(1);
/// The pause after a first failed write of an object; it doubles with each further one.
const FIRST_RETRY: SignedDuration = SignedDuration::from_millis(500);
/// Claims are followed this far to find a circle; each judgement of a claimant does so, and people make short ones.
const CLAIMS_FOLLOWED: usize = 256;
/// The longest pause between two tries of a write.
const LAST_RETRY: SignedDuration = SignedDuration::from_secs(30);

/// A watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Of all Namespaces.
    Namespaces,
    /// Of all objects of a kind.
    Objects(Kind),
}

/// What the core is told.
#[derive(Clone, Debug)]
pub enum Input {
    /// A watch begins to list anew.
    ListStarted(Source),
    /// A watch has listed everything.
    ListDone(Source),
    /// An object, as a list or a watch shows it.
    Applied(Box<Observed>),
    /// An object has gone.
    Deleted(ObjectId, Uid),
    /// A Namespace, as a list or a watch shows it.
    Namespace(Arc<str>, Namespace),
    /// A Namespace has gone.
    NamespaceDeleted(Arc<str>),
    /// How a write ended.
    Written(ObjectId, Uid, Outcome),
}

/// What matters of a Namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Namespace {
    /// The location label.
    pub location: Option<Arc<str>>,
    /// The subscription label.
    pub subscription: Option<Arc<str>>,
    /// Whether it is being deleted.
    pub terminating: bool,
}

/// How a write ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done; the object has this resourceVersion now.
    Done(u64),
    /// The object had changed before; what changed it is on its way as an event.
    Conflict,
    /// The object is gone.
    Gone,
    /// Not done, or nobody knows.
    Failed,
}

/// A write of one object, valid only for the version that it was decided on.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// The object.
    pub id: ObjectId,
    /// Which life of it.
    pub uid: Uid,
    /// The resourceVersion that it was decided on.
    pub resource_version: u64,
    /// The generation that it speaks of.
    pub generation: i64,
    /// What is written.
    pub what: What,
}

/// What is written.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The whole status.
    Status(Value),
    /// The whole list of finalizers.
    Finalizers(Vec<String>),
}

/// An Event for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The object.
    pub id: ObjectId,
    /// Which life of it.
    pub uid: Uid,
    /// Whether something is wrong.
    pub warning: bool,
    /// The reason, as the conditions show it.
    pub reason: String,
    /// The text.
    pub note: String,
}

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
    timers: BTreeSet<(Timestamp, ObjectId)>,
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
            timers: BTreeSet::new(),
            notices: Vec::new(),
            dropped: Vec::new(),
        }
    }

    /// The fabric.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// True once every watch has listed and the fabric is restored.
    pub fn is_started(&self) -> bool {
        self.started
    }

    /// The number of objects known, and of those that wait for something.
    pub fn counts(&self) -> (usize, usize) {
        (self.index.len(), self.waits.len())
    }

    /// Takes one input in.
    pub fn feed(&mut self, input: Input) {
        match input {
            Input::ListStarted(source) => {
                self.listing.insert(source, BTreeSet::new());
            }
            Input::ListDone(source) => self.list_done(source),
            Input::Applied(observed) => self.applied(*observed),
            Input::Deleted(id, uid) => {
                if self.index.get(&id).is_some_and(|entry| entry.uid == uid) {
                    self.gone(&id);
                }
            }
            Input::Namespace(name, namespace) => self.namespace(name, namespace),
            Input::NamespaceDeleted(name) => {
                self.namespaces.remove(&name);
            }
            Input::Written(id, uid, outcome) => self.written(&id, &uid, outcome),
        }
    }

    /// Judges every object whose turn it is, until nothing is left to judge.
    pub fn settle(&mut self, now: Timestamp) {
        self.engine.advance(now);
        let sources = Kind::ALL.iter().map(|kind| Source::Objects(*kind)).chain([Source::Namespaces]);
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
        while let Some(id) = self.work.pop() {
            self.judge(&id);
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
        [timer, self.engine.next_deadline()].into_iter().flatten().min()
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
        match self.index.get_mut(&id) {
            // Older than what is known, or the echo of the operator's own write.
            Some(entry) if observed.resource_version <= entry.resource_version => return,
            Some(entry) if observed.uid == entry.uid => entry.update(observed),
            Some(_) | None => {
                self.index.insert(id.clone(), Entry::new(observed));
            }
        }
        self.let_on(&id);
        self.work.push(id, urgency);
    }

    fn gone(&mut self, id: &ObjectId) {
        self.index.remove(id);
        self.records.remove(id);
        self.let_on(id);
        self.work.push(id.clone(), Urgency::Deletion);
    }

    fn list_done(&mut self, source: Source) {
        let Some(seen) = self.listing.remove(&source) else { return };
        self.listed.insert(source);
        let Source::Objects(kind) = source else { return };
        // What is in the index and was not listed has gone without an event.
        let known = self.index.keys().filter(|id| id.kind == kind && !seen.contains(id));
        let gone: Vec<ObjectId> = known.cloned().collect();
        for id in gone {
            self.gone(&id);
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

    // Start.

    /// Restores the fabric kind by kind, what is referred to first. An object whose status was lost, and which takes nothing
    /// that others may hold, is put as soon as its kind is restored, so that what refers to it finds it; then everything is
    /// judged, deletions first.
    fn start(&mut self) {
        self.started = true;
        let mut records = std::mem::take(&mut self.records);
        self.engine.begin_restore();
        for kind in Kind::ALL {
            let mut new = Vec::new();
            for id in self.by_age(*kind) {
                match records.remove(&id) {
                    Some(record) => {
                        let dropped = self.engine.restore(&id.name, record);
                        self.dropped.extend(dropped.into_iter().map(|what| (id.clone(), what)));
                    }
                    None => new.push(id),
                }
            }
            // What was restored is no news; only what a put changes from here on is.
            let _ = (self.engine.take_freed(), self.engine.take_touched());
            for id in new {
                if !kind.allocates() && self.index.get(&id).is_some_and(|entry| !entry.deleting) {
                    self.judge(&id);
                }
            }
        }
        let everything = Kind::ALL.iter().flat_map(|kind| self.by_age(*kind)).collect::<Vec<_>>();
        for id in everything {
            let deleting = self.index.get(&id).is_some_and(|entry| entry.deleting);
            self.work.push(id, if deleting { Urgency::Deletion } else { Urgency::Put });
        }
    }

    /// Those that ask for particular addresses first (S-10), then the older ones.
    fn by_age(&self, kind: Kind) -> Vec<ObjectId> {
        let mut entries: Vec<_> = self.index.iter().filter(|(id, _)| id.kind == kind).collect();
        let chooses = |entry: &Entry| entry.asked.as_ref().is_ok_and(|asked| asked.ask.chooses());
        entries.sort_by_key(|(_, entry)| (!chooses(entry), entry.created));
        entries.into_iter().map(|(id, _)| id.clone()).collect()
    }

    // Judgement.

    fn judge(&mut self, id: &ObjectId) {
        let refusal = self.ask(id);
        let (keys, claims_of) = refusal.as_ref().map(|refusal| (refusal.keys(), claims(refusal))).unwrap_or_default();
        self.waits.set(id, keys);
        let violations = refusal.map(|refusal| refusal.violations().to_vec()).unwrap_or_default();
        if let Some(entry) = self.index.get_mut(id) {
            entry.claims_of = if entry.deleting { BTreeSet::new() } else { claims_of };
            let can_be_judged =
                entry.deleting || entry.has_finalizer && self.namespaces.contains_key(&id.name.namespace);
            entry.verdict = match (can_be_judged, entry.deleting && violations.is_empty()) {
                (true, true) => Verdict::Released,
                (true, false) => Verdict::Judged { generation: entry.generation, violations },
                (false, _) => Verdict::Unjudged,
            };
            self.break_deadlock(id);
            self.reports.push(id.clone(), Urgency::Put);
        }
        self.after_engine();
        self.pass_on(id);
    }

    /// Asks the fabric for what the object wants, or to let go of it. `None` if it did, or if it is too early to ask.
    fn ask(&mut self, id: &ObjectId) -> Option<Refusal> {
        let Some(entry) = self.index.get(id) else {
            return self.engine.delete(id.kind, &id.name).err();
        };
        let another_life = self.engine.holder(id.kind, &id.name).is_some_and(|holder| *holder != entry.uid);
        if entry.deleting {
            // One that the fabric never carried may go at once; the record of an earlier life goes when it can.
            return self.engine.delete(id.kind, &id.name).err().filter(|_| !another_life);
        }
        let default = self.placement_of(&id.name.namespace).filter(|_| entry.has_finalizer)?;
        let request = match &entry.asked {
            Ok(asked) => Request {
                uid: entry.uid.clone(),
                generation: entry.generation,
                location: asked.location.clone(),
                default,
                ask: asked.ask.clone(),
            },
            Err(violations) => {
                let refusal = Refusal::from_violations(violations.clone())?;
                self.engine.note_refused(id, refusal.leading().code);
                return Some(refusal);
            }
        };
        if another_life && let Err(refusal) = self.engine.delete(id.kind, &id.name) {
            return Refusal::from_violations(vec![still_there(id, &refusal)]);
        }
        self.engine.put(&id.name, request).err()
    }

    /// Where objects of a namespace are that do not say so themselves.
    fn placement_of(&self, namespace: &str) -> Option<Placement> {
        let namespace = self.namespaces.get(namespace)?;
        Some(Placement {
            location: namespace.location.clone().unwrap_or_else(|| self.engine.settings().default_location.clone()),
            subscription: namespace.subscription.clone().unwrap_or_else(|| DEFAULT_SUBSCRIPTION.into()),
        })
    }

    /// Wakes who waits for what was freed, and has reported what was touched.
    fn after_engine(&mut self) {
        for key in self.engine.take_freed() {
            if matches!(key, WaitKey::Capacity(_)) {
                self.wake_next(&key, 0);
                continue;
            }
            for id in self.waits.all(&key) {
                self.wake(id);
            }
        }
        for id in self.engine.take_touched() {
            self.reports.push(id, Urgency::Put);
        }
    }

    fn wake(&mut self, id: ObjectId) {
        let deleting = self.index.get(&id).is_none_or(|entry| entry.deleting);
        self.work.push(id, if deleting { Urgency::Deletion } else { Urgency::Put });
    }

    /// Capacity wakes one, in order.
    fn wake_next(&mut self, key: &WaitKey, after: u64) {
        if let Some((place, id)) = self.waits.next(key, after) {
            self.woken.entry(id.clone()).or_default().insert(key.clone(), place);
            self.wake(id);
        }
    }

    /// One that was woken by capacity has been judged: if any is left, the next one is woken.
    fn pass_on(&mut self, id: &ObjectId) {
        for (key, place) in self.woken.remove(id).unwrap_or_default() {
            let WaitKey::Capacity(pool) = &key else { continue };
            if self.engine.pool(pool).is_some_and(|pool| pool.available() > 0) {
                self.wake_next(&key, place);
            }
        }
    }

    /// Objects that wait for each other's claims for ever are told so, each of them (S-10).
    fn break_deadlock(&mut self, id: &ObjectId) {
        let circle = self.circle(id);
        let Some(entry) = self.index.get_mut(id) else { return };
        let before = std::mem::replace(&mut entry.circle, circle.clone().unwrap_or_default());
        let Some(circle) = circle else {
            // The circle is open: those who were told that they wait for ever may go on, or wait for something else.
            for other in before.into_iter().filter(|other| other != id) {
                self.work.push(other, Urgency::Put);
            }
            return;
        };
        let Verdict::Judged { violations, .. } = &mut entry.verdict else { return };
        let others: Vec<String> = circle.iter().filter(|other| *other != id).map(ToString::to_string).collect();
        for violation in violations.iter_mut().filter(|violation| is_claim(violation)) {
            violation.cure = Cure::Edit;
            violation.remedy = format!(
                "{id} and {} wait for what the other holds, and none can go on. Let one go first: release its claim in one edit, and take the other's in the next.",
                others.join(", ")
            );
        }
        for other in circle.into_iter().filter(|other| other != id) {
            let told = self.index.get(&other).is_some_and(|entry| match &entry.verdict {
                Verdict::Judged { violations, .. } => !violations.iter().any(is_claim),
                Verdict::Unjudged | Verdict::Released => true,
            });
            if !told {
                self.work.push(other, Urgency::Put);
            }
        }
    }

    /// The objects of a circle of claims that leads back to `id`, if one is found among the first that are reached.
    fn circle(&self, id: &ObjectId) -> Option<BTreeSet<ObjectId>> {
        let claims_of = |id: &ObjectId| self.index.get(id).into_iter().flat_map(|entry| &entry.claims_of);
        let mut reached_from: BTreeMap<&ObjectId, &ObjectId> = BTreeMap::new();
        let mut next: Vec<&ObjectId> = self.index.get_key_value(id).map(|(id, _)| id).into_iter().collect();
        while let Some(at) = next.pop() {
            for holder in claims_of(at) {
                if holder == id {
                    let back = std::iter::successors(Some(at), |at| reached_from.get(at).copied());
                    return Some(back.cloned().collect());
                }
                if reached_from.len() < CLAIMS_FOLLOWED && !reached_from.contains_key(holder) {
                    reached_from.insert(holder, at);
                    next.push(holder);
                }
            }
        }
        None
    }

    // Writes.

    fn consider(&mut self, id: &ObjectId, now: Timestamp) -> Option<Write> {
        if let Some(first) = self.builds_on_unwritten(id) {
            self.held_back.entry(first).or_default().insert(id.clone());
            return None;
        }
        let by_namespace = self.placement_of(&id.name.namespace);
        let terminating = self.namespaces.get(&id.name.namespace).is_none_or(|namespace| namespace.terminating);
        let entry = self.index.get_mut(id)?;
        if entry.flight.is_some() {
            return None; // its end brings the object here again
        }
        if let Some(due) = entry.not_before.filter(|due| *due > now) {
            self.timers.insert((due, id.clone()));
            return None;
        }
        let (what, flight) = match &entry.verdict {
            Verdict::Released if entry.has_finalizer => finalizers(entry, false),
            Verdict::Released => return None,
            Verdict::Unjudged | Verdict::Judged { .. } if !entry.has_finalizer && !entry.deleting => {
                finalizers(entry, true)
            }
            Verdict::Unjudged => return None,
            Verdict::Judged { generation, violations } => {
                let named = entry.asked.as_ref().ok().and_then(|asked| asked.location.clone());
                let expected =
                    by_namespace.map(|default| Placement { location: named.unwrap_or(default.location), ..default });
                let found = status::Findings {
                    uid: &entry.uid,
                    expected: expected.as_ref(),
                    generation: *generation,
                    violations,
                    since: &entry.published.since,
                    now: to_the_second(now),
                };
                let status = object::report(id.kind, &self.engine, &id.name, found).ok()?;
                let published = Published::of(&status);
                if published.all == entry.published.all {
                    return None;
                }
                let urgent = published.cold != entry.published.cold && !entry.deleting;
                if let Some(due) = entry.last_write.and_then(|last| last.checked_add(HOT_STATUS_INTERVAL).ok())
                    && !urgent
                    && due > now
                {
                    self.timers.insert((due, id.clone()));
                    return None;
                }
                let notices = if terminating { Vec::new() } else { notices(id, entry, violations, &published) };
                (
                    What::Status(status),
                    Flight {
                        resource_version: entry.resource_version,
                        published: Some(published),
                        finalizer: entry.has_finalizer,
                        notices,
                    },
                )
            }
        };
        entry.flight = Some(flight);
        entry.last_write = Some(now);
        let (uid, resource_version) = (entry.uid.clone(), entry.resource_version);
        Some(Write { id: id.clone(), uid, resource_version, generation: entry.generation, what })
    }

    /// An object that the programmed state of `id` refers to, and whose own status does not tell its state yet. Statuses
    /// are the fabric's memory: what is built on must be remembered before what is built on it.
    fn builds_on_unwritten(&self, id: &ObjectId) -> Option<ObjectId> {
        let (_, _, references) = self.engine.carried(id.kind, &id.name)?;
        references.into_iter().find(|reference| {
            let Some((uid, generation, _)) = self.engine.carried(reference.kind, &reference.name) else { return false };
            let entry = self.index.get(reference).filter(|entry| entry.uid == *uid);
            entry.is_some_and(|entry| entry.published.programmed_generation != Some(generation))
        })
    }

    /// What was held back until the status of `id` was written is considered again.
    fn let_on(&mut self, id: &ObjectId) {
        for held_back in self.held_back.remove(id).unwrap_or_default() {
            self.reports.push(held_back, Urgency::Put);
        }
    }

    fn written(&mut self, id: &ObjectId, uid: &Uid, outcome: Outcome) {
        let Some(entry) = self.index.get_mut(id).filter(|entry| entry.uid == *uid) else { return };
        let Some(flight) = entry.flight.take() else { return };
        let flight_version = flight.resource_version;
        match outcome {
            Outcome::Done(resource_version) => {
                entry.failures = 0;
                entry.not_before = None;
                // The write that takes the last finalizer off is answered with the version that it was decided on.
                if resource_version > entry.resource_version || flight_version == entry.resource_version {
                    entry.resource_version = entry.resource_version.max(resource_version);
                    entry.published = flight.published.unwrap_or_else(|| entry.published.clone());
                    entry.has_finalizer = flight.finalizer;
                    if matches!(entry.verdict, Verdict::Unjudged) {
                        self.work.push(id.clone(), Urgency::Put); // it has its finalizer now, and can be judged
                    }
                }
                self.notices.extend(flight.notices);
            }
            Outcome::Conflict | Outcome::Gone => {}
            Outcome::Failed => {
                let factor = 1_i32 << entry.failures.min(6);
                entry.failures += 1;
                let pause = FIRST_RETRY.saturating_mul(factor).min(LAST_RETRY);
                entry.not_before = entry.last_write.and_then(|last| last.checked_add(pause).ok());
            }
        }
        // A conflict is not tried again on the version that lost: the event that caused it brings the object here.
        let lost = matches!(outcome, Outcome::Conflict | Outcome::Gone) && flight_version == entry.resource_version;
        if !lost {
            self.reports.push(id.clone(), Urgency::Put);
        }
        self.let_on(id);
    }
}

/// Conditions tell seconds; the clock that they are stamped by has no more.
fn to_the_second(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// The subscription of a Namespace without the label.
const DEFAULT_SUBSCRIPTION: &str = "default";

fn finalizers(entry: &Entry, with_ours: bool) -> (What, Flight) {
    let ours = with_ours.then(|| FINALIZER.to_owned());
    let list = entry.other_finalizers.iter().cloned().chain(ours).collect();
    let resource_version = entry.resource_version;
    (What::Finalizers(list), Flight { resource_version, published: None, finalizer: with_ours, notices: Vec::new() })
}

/// A Warning for each violation that was not shown before, and one Normal when an object that was not Ready becomes it.
fn notices(id: &ObjectId, entry: &Entry, violations: &[Violation], published: &Published) -> Vec<Notice> {
    let notice = |warning: bool, reason: String, note: String| Notice {
        id: id.clone(),
        uid: entry.uid.clone(),
        warning,
        reason,
        note,
    };
    let is_new =
        |v: &&Violation| !entry.published.violations.contains(&fingerprint(v.rule, &v.code.to_string(), &v.path));
    let warnings = violations.iter().filter(is_new).map(|violation| {
        notice(
            true,
            violation.code.to_string(),
            format!("{}: {} {}", violation.path, violation.message, violation.remedy),
        )
    });
    let recovered = entry.published.since.tells_not_ready() && !published.since.tells_not_ready();
    let ready =
        recovered.then(|| notice(false, "Ready".to_owned(), "The fabric carries the object as asked.".to_owned()));
    warnings.chain(ready).collect()
}

fn still_there(id: &ObjectId, refusal: &Refusal) -> Violation {
    let first = refusal.leading();
    Violation {
        rule: "ARM-07",
        code: Code::AnotherOperationInProgress,
        path: "metadata.name".to_owned(),
        message: format!(
            "An earlier {id} was removed from the API server, and is still in the fabric: {}",
            first.message
        ),
        remedy: first.remedy.clone(),
        blocked_by: first.blocked_by.clone(),
        cure: Cure::Wait(refusal.keys()),
        evidence: BTreeSet::new(),
    }
}

fn is_claim(violation: &Violation) -> bool {
    match &violation.cure {
        Cure::Edit => false,
        Cure::Wait(keys) => keys.iter().any(|key| match key {
            WaitKey::Claim(_) | WaitKey::Address(..) | WaitKey::Label(..) => true,
            WaitKey::Object(_) | WaitKey::Members(_) | WaitKey::Capacity(_) | WaitKey::Power(_) => false,
        }),
    }
}

/// The holders of what a refused put claims, if nothing but claims is in its way.
fn claims(refusal: &Refusal) -> BTreeSet<ObjectId> {
    let claims = refusal.violations().iter().filter(|violation| violation.path != DELETION_PATH && is_claim(violation));
    claims.flat_map(|violation| violation.blocked_by.iter().cloned()).collect()
}
