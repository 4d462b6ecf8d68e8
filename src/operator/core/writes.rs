//! Writes: what is written of an object, when, and what becomes of it.

use jiff::{SignedDuration, Timestamp};

use super::{Core, Notice, Outcome, What, Write};
use crate::api::FINALIZER;
use crate::api::status::{self, Published, fingerprint};
use crate::api::{conditions, object};
use crate::fabric::{ObjectId, Placement, Uid, Violation};
use crate::operator::index::{Entry, Flight, Verdict};
use crate::operator::queue::Urgency;

/// The pause after a first failed write of an object; it doubles with each further one.
const FIRST_RETRY: SignedDuration = SignedDuration::from_millis(500);
/// A name that is taken may be free in a moment: a watch lags, or the garbage collector has not come by.
const TRIES_BEFORE_TELLING: u32 = 2;
/// The longest pause between two tries of a write.
const LAST_RETRY: SignedDuration = SignedDuration::from_secs(30);

/// The pause before a write is tried again that has failed so often before.
pub(super) fn pause_after(failures: u32) -> SignedDuration {
    FIRST_RETRY.saturating_mul(1_i32 << failures.min(6)).min(LAST_RETRY)
}

impl Core {
    pub(super) fn consider(&mut self, id: &ObjectId, now: Timestamp, wall_clock: Timestamp) -> Option<Write> {
        self.looks += self.weight(id);
        if let Some(first) = self.builds_on_unwritten(id).or_else(|| self.outlives_its_instance(id)) {
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
        if let Some(write) = self.consider_family(id, now) {
            return Some(write);
        }
        let entry = self.index.get(id)?;
        let (what, flight) = match entry.verdict.clone() {
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
                    generation,
                    violations: &violations,
                    since: &entry.published.since,
                    now: to_the_second(wall_clock),
                };
                let status = object::report(id.kind, &self.engine, &id.name, found);
                let published = Published::of(id.kind, &status);
                let tells_all = published.cold == entry.published.cold;
                if published.all == entry.published.all {
                    return None;
                }
                let pause = SignedDuration::from_secs(id.kind.hot_status_seconds());
                let urgent = !tells_all && !entry.deleting;
                if let Some(due) = entry.last_write.and_then(|last| last.checked_add(pause).ok())
                    && !urgent
                    && due > now
                {
                    self.timers.insert((due, id.clone()));
                    return None;
                }
                let notices = if terminating { Vec::new() } else { notices(id, entry, &violations, &published) };
                (What::Status(status), Flight { published: Some(published), notices, ..Flight::of(entry) })
            }
        };
        let entry = self.index.get_mut(id)?;
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
    pub(super) fn requeue_held_back(&mut self, id: &ObjectId) {
        for held_back in self.held_back.remove(id).unwrap_or_default() {
            self.reports.push(held_back, Urgency::Put);
        }
        let untold = self.untold.remove(id).unwrap_or_default();
        self.due.extend(untold.into_iter().map(|instance| (id.name.clone(), instance)));
    }

    pub(super) fn written(&mut self, id: &ObjectId, uid: &Uid, outcome: Outcome) {
        // A child is written in the name of its set.
        if self.unborn.contains(id) && self.index.get(id).is_none_or(|entry| entry.uid != *uid) {
            return self.birth_ended(id, &outcome);
        }
        let Some(entry) = self.index.get_mut(id).filter(|entry| entry.uid == *uid) else { return };
        let Some(flight) = entry.flight.take() else { return };
        if self.wanted.contains_key(id) {
            self.births.push(id.clone(), Urgency::Put);
        }
        let flight_version = flight.resource_version;
        if let Outcome::Invalid(why) = &outcome
            && entry.failures == 0
        {
            self.notices.push(Notice {
                id: id.clone(),
                uid: uid.clone(),
                warning: true,
                reason: "WriteRefused".to_owned(),
                note: format!(
                    "The API server takes no write of the object, its release included: {why} Cure that, in the object or in what forbids it; it is retried automatically."
                ),
            });
        }
        let is_in_the_way = flight.keeps_a_model && outcome == Outcome::Conflict;
        if is_in_the_way && entry.failures == TRIES_BEFORE_TELLING {
            self.notices.push(Notice {
                id: id.clone(),
                uid: uid.clone(),
                warning: true,
                reason: "NameTaken".to_owned(),
                note: "A ControllerRevision that is not the scale set's has the name that the one of its model is to have: <name of the set>-<revision>, in its namespace. Delete it; the set then goes on automatically.".to_owned(),
            });
        }
        // No event follows on it: it is tried again as what has failed.
        let outcome = if is_in_the_way { Outcome::Failed } else { outcome };
        match outcome {
            Outcome::Done(resource_version) => {
                entry.failures = 0;
                entry.not_before = None;
                // The write that takes the last finalizer off is answered with the version that it was decided on.
                if resource_version > entry.resource_version || flight_version == entry.resource_version {
                    entry.resource_version = entry.resource_version.max(resource_version);
                    if let Some(published) = flight.published {
                        entry.published = published;
                    }
                    entry.has_finalizer = flight.finalizer;
                    if matches!(entry.verdict, Verdict::Unjudged) {
                        self.work.push(id.clone(), Urgency::Put); // it has its finalizer now, and can be judged
                    }
                }
                self.notices.extend(flight.notices);
            }
            Outcome::Conflict | Outcome::Gone => {}
            Outcome::Invalid(_) | Outcome::Failed => {
                let pause = pause_after(entry.failures);
                entry.failures += 1;
                entry.not_before = entry.last_write.and_then(|last| last.checked_add(pause).ok());
            }
        }
        // A conflict is not tried again on the version that lost: the event that caused it brings the object here.
        let lost = matches!(outcome, Outcome::Conflict | Outcome::Gone) && flight_version == entry.resource_version;
        if !lost {
            self.reports.push(id.clone(), Urgency::Put);
        }
        self.requeue_held_back(id);
    }
}

/// Conditions tell seconds; the clock that they are stamped by has no more.
fn to_the_second(wall_clock: Timestamp) -> Timestamp {
    Timestamp::from_second(wall_clock.as_second()).unwrap_or(wall_clock)
}

fn finalizers(entry: &Entry, with_ours: bool) -> (What, Flight) {
    let ours = with_ours.then(|| FINALIZER.to_owned());
    let list = entry.other_finalizers.iter().cloned().chain(ours).collect();
    (What::Finalizers(list), Flight { finalizer: with_ours, ..Flight::of(entry) })
}

/// A Warning for each violation that was not shown before, and for what newly is in the way of a scale set; and one Normal
/// when an object that was not Ready becomes it.
fn notices(id: &ObjectId, entry: &Entry, violations: &[Violation], published: &Published) -> Vec<Notice> {
    let notice = |warning: bool, reason: String, note: String| Notice {
        id: id.clone(),
        uid: entry.uid.clone(),
        warning,
        reason,
        note,
    };
    let is_new = |v: &&Violation| {
        let fingerprint = fingerprint(v.rule, &v.code.to_string(), &v.path, &v.message);
        !entry.published.violations.contains(&fingerprint)
    };
    let warnings = violations
        .iter()
        .filter(is_new)
        .map(|violation| notice(true, violation.code.to_string(), conditions::text(violation, 0)));
    let is_new = |why: &(String, String)| entry.published.standstill.as_ref() != Some(why);
    let standstill = published.standstill.clone().filter(is_new).map(|(reason, message)| notice(true, reason, message));
    let recovered = entry.published.since.tells_not_ready() && !published.since.tells_not_ready();
    let ready =
        recovered.then(|| notice(false, "Ready".to_owned(), "The fabric carries the object as asked.".to_owned()));
    warnings.chain(standstill).chain(ready).collect()
}
