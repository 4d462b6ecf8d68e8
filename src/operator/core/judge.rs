//! Judgement: what the fabric is asked for an object, and who is woken by its answer.

#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};

use super::Core;
use super::deletion::DeletionTurn;
use crate::fabric::violation::{Finding, Place};
use crate::fabric::{Code, Cure, Findings, Kind, ObjectId, Placement, Refusal, Request, Violation, WaitKey};
use crate::operator::index::Verdict;
use crate::operator::queue::Urgency;
use crate::operator::waits::{Wake, add_all, keys_of};

/// So many of those that wait for one thing are judged again in a second when another has got it.
const REFRESHED_A_SECOND: usize = 32;
/// The subscription of a Namespace without the label.
const DEFAULT_SUBSCRIPTION: &str = "default";

impl Core {
    pub(super) fn judge(&mut self, id: &ObjectId) {
        self.judgements += 1;
        if let Some(due) = self.deferred.remove(id) {
            self.deferrals.remove(&(due, id.clone()));
        }
        let refusal = match self.deletion_turn(id) {
            DeletionTurn::Now => {
                let refusal = self.ask(id);
                self.deadlocks.set(id, refusal.as_ref());
                refusal
            }
            DeletionTurn::Later => return self.pass_on(id),
            DeletionTurn::Blocked(refusal) => Some(refusal),
        };
        let mut keys = refusal.as_ref().map(keys_of).unwrap_or_default();
        let lacks = refusal.as_ref().and_then(|_| self.keep_up(id));
        add_all(&mut keys, lacks.iter().flat_map(Refusal::keys));
        add_all(&mut keys, self.engine.retry_keys_of(id.kind, &id.name));
        self.waits.set(id, keys);
        let violations = refusal.map(|refusal| refusal.violations().to_vec()).unwrap_or_default();
        if let Some(entry) = self.index.get_mut(id) {
            let can_be_judged =
                entry.deleting || entry.has_finalizer && self.namespaces.contains_key(&id.name.namespace);
            self.totals.remove(id.kind, entry);
            entry.verdict = match (can_be_judged, entry.deleting && violations.is_empty()) {
                (true, true) => Verdict::Released,
                (true, false) => Verdict::Judged { generation: entry.generation, violations },
                (false, _) => Verdict::Unjudged,
            };
            self.totals.add(id.kind, entry);
            self.reports.push(id.clone(), Urgency::Put);
        }
        self.report_deadlock(id);
        self.after_engine();
        self.pass_on(id);
        self.queue_owner(id);
    }

    /// Asks the fabric for what the object wants, or to release it. `None` if it did, or if it is too early to ask.
    fn ask(&mut self, id: &ObjectId) -> Option<Refusal> {
        let Some(entry) = self.index.get(id) else {
            return self.engine.delete(id.kind, &id.name).err();
        };
        let another_life = self.engine.holder(id.kind, &id.name).is_some_and(|holder| *holder != entry.uid);
        if entry.deleting {
            self.drop_unmade(id);
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
                common: asked.common.clone(),
                ask: asked.ask.clone(),
            },
            Err(violations) => {
                let refusal = Refusal::from_violations(violations.clone())?;
                self.engine.note_unreadable(id, refusal.leading().code);
                return Some(refusal);
            }
        };
        let kept = another_life.then(|| self.engine.delete(id.kind, &id.name).err()).flatten();
        let mut findings = Findings::default();
        findings.under("ARM-07");
        if let Some(kept) = kept.as_ref().filter(|_| !id.kind.takes_over()) {
            findings.add("metadata.name", Earlier::StillThere { id, kept });
            return findings.verdict().err();
        }
        let refusal = self.engine.put(&id.name, request).err()?;
        let Some(kept) = &kept else { return Some(refusal) };
        for edit in refusal.violations() {
            findings.add(edit.path.clone(), Earlier::CannotBeTakenOver { id, kept, edit });
        }
        findings.verdict().err()
    }

    /// What is carried of a scale set whose spec is refused is kept up. What it lacks for that.
    fn keep_up(&mut self, id: &ObjectId) -> Option<Refusal> {
        let entry = self.index.get(id).filter(|entry| id.kind == Kind::VirtualMachineScaleSet && !entry.deleting)?;
        let is_carried = self.engine.holder(id.kind, &id.name) == Some(&entry.uid);
        is_carried.then(|| self.engine.keep_up(&id.name)).flatten()
    }

    /// Where objects of a namespace are that do not say so themselves.
    pub(super) fn placement_of(&self, namespace: &str) -> Option<Placement> {
        let namespace = self.namespaces.get(namespace)?;
        Some(Placement {
            location: namespace.location.clone().unwrap_or_else(|| self.engine.settings().default_location.clone()),
            subscription: namespace.subscription.clone().unwrap_or_else(|| DEFAULT_SUBSCRIPTION.into()),
        })
    }

    /// Wakes who waits for what was freed, and has reported what was touched.
    pub(super) fn after_engine(&mut self) {
        for key in self.engine.take_woken() {
            for id in self.waits.all(&key, Wake::Now, 0) {
                self.wake(id);
            }
            for id in self.waits.all(&key, Wake::Later, 0) {
                self.defer(id, 0);
            }
            match self.engine.is_left(&key) {
                Some(_) => self.wake_next(&key, 0),
                None => self.wake_rest(&key, 0),
            }
        }
        for id in self.engine.take_touched() {
            let queue = if id.kind == Kind::VirtualMachineScaleSet { &mut self.set_reports } else { &mut self.reports };
            queue.push(id, Urgency::Put);
        }
        self.children.mark_dirty(self.engine.take_dirty());
    }

    /// Has an object judged, now that something has changed for it.
    pub(super) fn wake(&mut self, id: ObjectId) {
        let deleting = self.index.get(&id).is_none_or(|entry| entry.deleting);
        self.work.push(id, if deleting { Urgency::Deletion } else { Urgency::Put });
    }

    /// Has an object judged after its pause, and later if many are before it: what it waits for is another's, and its status is
    /// to show whose.
    fn defer(&mut self, id: ObjectId, before_it: usize) {
        let spread = i64::try_from(before_it / REFRESHED_A_SECOND).unwrap_or(i64::MAX);
        let pause = SignedDuration::from_secs(id.kind.hot_status_seconds().saturating_add(spread));
        let now = self.engine.now();
        if !self.deferred.contains_key(&id) {
            let due = now.checked_add(pause).unwrap_or(now);
            self.deferred.insert(id.clone(), due);
            self.deferrals.insert((due, id));
        }
    }

    /// Has those judged whose pause is over.
    pub(super) fn wake_deferred(&mut self, now: Timestamp) {
        while let Some((due, id)) = self.deferrals.first().cloned().filter(|(due, _)| *due <= now) {
            self.deferrals.remove(&(due, id.clone()));
            self.deferred.remove(&id);
            self.wake(id);
        }
    }

    fn wake_rest(&mut self, key: &WaitKey, after: u64) {
        for id in self.waits.all(key, Wake::InTurn, after) {
            self.wake(id);
        }
    }

    /// What has become free wakes one at a time that waits for it, in the order of their coming.
    fn wake_next(&mut self, key: &WaitKey, after: u64) {
        if let Some((place, id)) = self.waits.next(key, after) {
            self.woken.entry(id.clone()).or_default().insert(key.clone(), place);
            self.wake(id);
        }
    }

    /// One whose turn it was has been judged: if something is left, the next one is woken. If it has taken the one thing that
    /// there is, the others are to show that it has it.
    fn pass_on(&mut self, id: &ObjectId) {
        for (key, place) in self.woken.remove(id).unwrap_or_default() {
            match (self.engine.is_left(&key), &key) {
                (Some(true), _) => self.wake_next(&key, place),
                (Some(false), WaitKey::Capacity(_) | WaitKey::Quota(_)) => {}
                (Some(false), _) => {
                    for (n, other) in self.waits.all(&key, Wake::InTurn, 0).into_iter().enumerate() {
                        self.defer(other, n);
                    }
                }
                (None, _) => self.wake_rest(&key, place),
            }
        }
    }
}

/// What keeps an object from taking the place of an earlier one of its name that the fabric still carries, `kept` saying why.
enum Earlier<'a> {
    /// The earlier one has not left the fabric.
    StillThere { id: &'a ObjectId, kept: &'a Refusal },
    /// The earlier one could not be edited to be this one (S-89).
    CannotBeTakenOver { id: &'a ObjectId, kept: &'a Refusal, edit: &'a Violation },
}

impl Finding for Earlier<'_> {
    fn violation(self, at: Place) -> Violation {
        match self {
            Self::StillThere { id, kept } => {
                let first = kept.leading();
                let violation = at.refuse(
                    Code::AnotherOperationInProgress,
                    format!(
                        "An earlier {id} was removed from the API server, and is still in the fabric: {}",
                        first.message
                    ),
                    "This object is created automatically when the earlier one has gone.",
                );
                let (blocked_by, blocked_by_count) = (first.blocked_by.clone(), first.blocked_by_count);
                Violation { blocked_by, blocked_by_count, cure: Cure::Wait(kept.keys()), ..violation }
            }
            Self::CannotBeTakenOver { id, kept, edit } => {
                let mut blocked_by: Vec<ObjectId> = kept.leading().blocked_by.clone();
                let users = blocked_by.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                let others = edit.blocked_by.iter().filter(|object| !kept.leading().blocked_by.contains(object));
                blocked_by.extend(others.cloned());
                let blocked_by_count = kept.leading().blocked_by_count.max(blocked_by.len());
                let mut keys = kept.keys();
                if let Cure::Wait(own) = &edit.cure {
                    keys.extend(own.iter().cloned());
                }
                let violation = at.refuse(
                    Code::AnotherOperationInProgress,
                    format!(
                        "An earlier {id} was removed from the API server while {users} uses it, and is still in the fabric. This object would take its place with all that it holds, but differs in this field: {}",
                        edit.message
                    ),
                    format!("{} Or release the earlier one: delete {users}, or change what it uses.", edit.remedy),
                );
                let (cure, evidence) = (Cure::Wait(keys), edit.evidence.clone());
                Violation { blocked_by, blocked_by_count, cure, evidence, ..violation }
            }
        }
    }
}
