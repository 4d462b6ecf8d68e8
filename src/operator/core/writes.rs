//! Writes: what is written of an object, when, and what becomes of it.

use jiff::{SignedDuration, Timestamp};

use super::{Core, Notice, Outcome, What, Write};
use crate::api::FINALIZER;
use crate::api::status::{self, Fingerprint, Published, ViolationReport};
use crate::api::{conditions, object};
use crate::fabric::{Kind, ObjectId, Placement, Uid, Violation};
use crate::operator::index::{Entry, Flight, Verdict};
use crate::operator::queue::Urgency;

/// The pause after a first failed write of an object; it doubles with each further one.
const FIRST_RETRY: SignedDuration = SignedDuration::from_millis(500);
/// A first failure may be over in a moment: a watch lags, a quota is contended, the garbage collector has not come by.
pub(in crate::operator) const FAILURES_BEFORE_REPORT: u32 = 2;
/// A ControllerRevision that is not the scale set's has the name of one.
const NAME_TAKEN: &str = "A ControllerRevision that is not the scale set's has the name that the one of its model is to have: <name of the set>-<revision>, in its namespace. Delete it; the set then goes on automatically.";
/// The longest pause between two tries of a write.
const LAST_RETRY: SignedDuration = SignedDuration::from_secs(30);

/// The pause before a write is tried again that has failed so often before.
pub(in crate::operator) fn pause_after(failures: u32) -> SignedDuration {
    FIRST_RETRY.saturating_mul(1_i32 << failures.min(6)).min(LAST_RETRY)
}

impl Core {
    pub(super) fn consider(&mut self, id: &ObjectId, now: Timestamp, wall_clock: Timestamp) -> Option<Write> {
        self.looks += self.weight(id);
        let first = self.builds_on_unwritten(id).or_else(|| self.is_kept_for_its_set(id));
        if let Some(first) = first.or_else(|| self.is_about_to_be_attached(id)) {
            self.held_back.entry(first).or_default().insert(id.clone());
            return None;
        }
        let entry = self.index.get_mut(id)?;
        if entry.flight.is_some() || self.children.is_in_flight(id) {
            return None; // its end brings the object here again
        }
        let refusal = entry.refusal.take();
        if let Some(due) = entry.not_before.filter(|due| *due > now && refusal.is_none()) {
            self.timers.insert((due, id.clone()));
            return None;
        }
        if let Some(write) = self.consider_family(id, now) {
            return Some(write);
        }
        let entry = self.index.get(id)?;
        let (what, flight) = match &entry.verdict {
            Verdict::Released if entry.has_finalizer => finalizers(entry, false),
            Verdict::Released => return None,
            Verdict::Unjudged | Verdict::Judged { .. } if !entry.has_finalizer && !entry.deleting => {
                finalizers(entry, true)
            }
            Verdict::Unjudged => return None,
            Verdict::Judged { generation, violations } => {
                let found = (*generation, violations.as_slice());
                match self.status_write(id, entry, found, refusal.as_deref(), (now, wall_clock)) {
                    Ok(write) => write,
                    Err(None) => {
                        self.index.get_mut(id)?.arrived = None; // what stands there reports it
                        return None;
                    }
                    Err(due @ Some(_)) => {
                        self.timers.extend(due.map(|due| (due, id.clone())));
                        return None;
                    }
                }
            }
        };
        let entry = self.index.get_mut(id)?;
        entry.flight = Some(flight);
        entry.last_write = Some(now);
        let changes_counts_only = entry.flight.as_ref().is_some_and(|flight| flight.has_cold_of(&entry.published));
        let (uid, resource_version, generation) = (entry.uid.clone(), entry.resource_version, entry.generation);
        Some(Write { id: id.clone(), uid, resource_version, generation, changes_counts_only, what })
    }

    /// The write of a status, or when it is due; if never, it says nothing new.
    fn status_write(
        &self,
        id: &ObjectId,
        entry: &Entry,
        (generation, violations): (i64, &[Violation]),
        refusal: Option<&str>,
        (now, wall_clock): (Timestamp, Timestamp),
    ) -> Result<(What, Flight), Option<Timestamp>> {
        let by_namespace = self.placement_of(&id.name.namespace);
        let terminating = self.namespaces.get(&id.name.namespace).is_none_or(|namespace| namespace.terminating);
        let named = entry.asked.as_ref().ok().and_then(|asked| asked.location.clone());
        let expected = by_namespace.map(|default| Placement { location: named.unwrap_or(default.location), ..default });
        let now_shown = to_the_second(wall_clock);
        let found = status::Findings {
            uid: &entry.uid,
            expected: expected.as_ref(),
            generation,
            violations,
            since: &entry.published.since,
            now: now_shown,
        };
        let status = object::report(id.kind, &self.engine, &id.name, found);
        let published = Published::of(id.kind, &status);
        if published.all == entry.published.all {
            return Err(None);
        }
        if let Some(why) = refusal {
            let conditions = status::of_a_refused_status(&status, why, &entry.published.since, now_shown);
            return Ok((What::Conditions(conditions), Flight { is_partial: true, ..Flight::of(entry) }));
        }
        let pause = SignedDuration::from_secs(id.kind.hot_status_seconds());
        let urgent = published.cold != entry.published.cold && !entry.deleting;
        let due = entry.last_write.and_then(|last| last.checked_add(pause).ok());
        if let Some(due) = due.filter(|due| !urgent && *due > now) {
            return Err(Some(due));
        }
        let notices = if terminating { Vec::new() } else { notices(id, entry, violations, &published) };
        Ok((What::Status(status), Flight { published: Some(published), notices, ..Flight::of(entry) }))
    }

    /// An object that the programmed state of `id` refers to, and whose own status does not show its state yet. Statuses
    /// are the fabric's memory: what is built on must be remembered before what is built on it.
    fn builds_on_unwritten(&self, id: &ObjectId) -> Option<ObjectId> {
        let (_, _, references) = self.engine.carried(id.kind, &id.name)?;
        references.into_iter().map(|reference| reference.to).find(|reference| {
            let Some((uid, generation, _)) = self.engine.carried(reference.kind, &reference.name) else { return false };
            let entry = self.index.get(reference).filter(|entry| entry.uid == *uid);
            entry.is_some_and(|entry| entry.published.programmed_generation != Some(generation))
        })
    }

    /// What was held back until the status of `id` was written is considered again.
    pub(super) fn requeue_held_back(&mut self, id: &ObjectId) {
        for held_back in self.held_back.remove(id).unwrap_or_default() {
            self.reports.push(held_back, Urgency::Put);
        }
        if id.kind == Kind::VirtualMachineScaleSet {
            self.children.on_report(&id.name);
        }
    }

    pub(super) fn written(&mut self, id: &ObjectId, uid: &Uid, outcome: Outcome) {
        // A child is written in the name of its set.
        if self.children.is_in_flight(id) && self.index.get(id).is_none_or(|entry| entry.uid != *uid) {
            return self.child_written(id, &outcome);
        }
        let Some(entry) = self.index.get_mut(id).filter(|entry| entry.uid == *uid) else { return };
        let Some(flight) = entry.flight.take() else { return };
        self.children.requeue(id);
        let flight_version = flight.resource_version;
        match &outcome {
            Outcome::Done(resource_version) => self.has_written(id, flight, *resource_version),
            Outcome::Conflict | Outcome::Gone => {}
            Outcome::NameTaken | Outcome::TakenOver | Outcome::Refused(_) | Outcome::Failed => {
                self.has_not_written(id, &flight, &outcome);
            }
        }
        // A conflict is not tried again on the version that lost: the event that caused it brings the object here.
        let current = self.index.get_mut(id).filter(|entry| entry.resource_version == flight_version);
        let lost = current.filter(|_| matches!(outcome, Outcome::Conflict | Outcome::Gone));
        match lost {
            Some(entry) => entry.outdated_for = Some(flight_version),
            None => self.reports.push(id.clone(), Urgency::Put),
        }
        self.requeue_held_back(id);
    }

    fn has_written(&mut self, id: &ObjectId, flight: Flight, resource_version: u64) {
        // A write of a ControllerRevision, which has version 0 here, says nothing of the scale set itself.
        if id.kind != Kind::VirtualMachineScaleSet || resource_version > 0 {
            self.is_newer_than_the_list(id);
        }
        let Some(entry) = self.index.get_mut(id) else { return };
        if !flight.is_partial {
            entry.has_no_failures();
        }
        if flight.published.as_ref().is_some_and(|published| published.generation == Some(entry.generation)) {
            entry.arrived.take().into_iter().for_each(|arrived| self.latency.reported(arrived));
        }
        // Otherwise an event or a list has shown what was written, or what came after it.
        if flight.resource_version == entry.resource_version {
            // The write that takes the last finalizer off is answered with the version that it was decided on.
            entry.resource_version = entry.resource_version.max(resource_version);
            if let Some(published) = flight.published {
                self.totals.remove(id.kind, entry);
                entry.published = published;
                self.totals.add(id.kind, entry);
            }
            entry.has_finalizer = flight.finalizer;
            if matches!(entry.verdict, Verdict::Unjudged) {
                self.work.push(id.clone(), Urgency::Put); // it has its finalizer now, and can be judged
            }
        }
        self.notices.extend(flight.notices);
    }

    /// A write that failed is retried after a pause. From the second failure on an Event says why, once, and the conditions
    /// do, if they can be written without the rest of the status.
    fn has_not_written(&mut self, id: &ObjectId, flight: &Flight, outcome: &Outcome) {
        let Some(entry) = self.index.get_mut(id) else { return };
        let pause = pause_after(entry.failures);
        entry.failures += 1;
        entry.not_before = entry.last_write.and_then(|last| last.checked_add(pause).ok());
        if entry.failures < FAILURES_BEFORE_REPORT {
            return;
        }
        let (reason, note) = match outcome {
            Outcome::Refused(why) => (
                "WriteRefused",
                format!(
                    "The API server refused a write of the object: {why} The write is retried automatically; until it succeeds, the status may be outdated and a deletion does not complete."
                ),
            ),
            Outcome::NameTaken => ("NameTaken", NAME_TAKEN.to_owned()),
            Outcome::Done(_) | Outcome::Conflict | Outcome::TakenOver | Outcome::Gone | Outcome::Failed => return,
        };
        if let Outcome::Refused(why) = outcome
            && flight.published.is_some()
            && !std::mem::replace(&mut entry.has_tried_conditions, true)
        {
            entry.refusal = Some(why.clone());
        }
        if !std::mem::replace(&mut entry.failure_is_reported, true) {
            let (uid, reason) = (entry.uid.clone(), reason.to_owned());
            self.notices.push(Notice { id: id.clone(), uid, warning: true, reason, note });
        }
        if let Outcome::Refused(why) = outcome
            && flight.is_deletion
            && entry.refused_deletion.is_none()
        {
            entry.refused_deletion = Some(why.clone());
            self.wake_its_machine(id);
        }
    }
}

/// Conditions have seconds; the clock that they are stamped by has no more.
fn to_the_second(wall_clock: Timestamp) -> Timestamp {
    Timestamp::from_second(wall_clock.as_second()).unwrap_or(wall_clock)
}

fn finalizers(entry: &Entry, with_ours: bool) -> (What, Flight) {
    let ours = with_ours.then(|| FINALIZER.to_owned());
    let list = entry.other_finalizers.iter().cloned().chain(ours).collect();
    (What::Finalizers(list), Flight { finalizer: with_ours, ..Flight::of(entry) })
}

/// A Warning for each violation that was not shown before, and for what newly is in the way of a scale set; and one Normal
/// when an object that was not Ready becomes it. The same violation with another message is none, unless the object has been
/// edited: others have come or gone.
fn notices(id: &ObjectId, entry: &Entry, violations: &[Violation], published: &Published) -> Vec<Notice> {
    let notice = |warning: bool, reason: String, note: String| Notice {
        id: id.clone(),
        uid: entry.uid.clone(),
        warning,
        reason,
        note,
    };
    let is_edited = entry.published.generation != published.generation;
    let is_new = |violation: &&Violation| {
        let now = Fingerprint::of(&ViolationReport::from(*violation));
        let mut shown = entry.published.violations.iter().filter(|shown| shown.identity == now.identity);
        shown.all(|shown| is_edited && shown.message != now.message)
    };
    let warnings = violations
        .iter()
        .filter(is_new)
        .map(|violation| notice(true, violation.code.to_string(), conditions::text(violation, 0)));
    let is_new = |why: &(String, String)| match &entry.published.blocked {
        Some((reason, message)) => *reason != why.0 || is_edited && *message != why.1,
        None => true,
    };
    let blocked = published.blocked.clone().filter(is_new).map(|(reason, message)| notice(true, reason, message));
    let recovered = entry.published.since.tells_not_ready() && !published.since.tells_not_ready();
    let ready =
        recovered.then(|| notice(false, "Ready".to_owned(), "The object is programmed as specified.".to_owned()));
    warnings.chain(blocked).chain(ready).collect()
}
