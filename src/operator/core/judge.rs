//! Judgement: what the fabric is asked for an object, and who is woken by its answer.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::Core;
use crate::api::Owner;
use crate::fabric::resource::DELETION_PATH;
use crate::fabric::{Code, Cure, Kind, ObjectId, Placement, Refusal, Request, Violation, WaitKey};
use crate::operator::index::Verdict;
use crate::operator::queue::Urgency;
use crate::operator::waits::{Wake, add_all, keys_of};

/// Claims are followed this far to find a circle; each judgement of a claimant does so, and people make short ones.
const CLAIMS_FOLLOWED: usize = 256;
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
        let refusal = self.ask(id);
        let (mut keys, claims_of) =
            refusal.as_ref().map(|refusal| (keys_of(refusal), claims(refusal))).unwrap_or_default();
        let lacks = refusal.as_ref().and_then(|_| self.keep_up(id));
        add_all(&mut keys, lacks.iter().flat_map(Refusal::keys));
        add_all(&mut keys, self.engine.awaited_by(id.kind, &id.name));
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
        self.queue_owner(id);
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
        let owner = entry.owner.clone();
        if another_life
            && let Err(refusal) = self.engine.delete(id.kind, &id.name)
            && !self.is_made_again(id, owner.as_ref())
        {
            return Refusal::from_violations(vec![still_there(id, &refusal)]);
        }
        self.engine.put(&id.name, request).err()
    }

    /// An object of an instance was taken away by force while the instance uses what it stood for: the one that its set makes
    /// in its place stands for the same.
    fn is_made_again(&self, id: &ObjectId, owner: Option<&Owner>) -> bool {
        owner.is_some_and(|owner| {
            self.engine.holder(Kind::VirtualMachineScaleSet, &owner.set) == Some(&owner.uid)
                && self.is_wanted(&owner.set, id)
        })
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
        for key in self.engine.take_freed() {
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
            let queue = if id.kind == Kind::VirtualMachineScaleSet { &mut self.late } else { &mut self.reports };
            queue.push(id, Urgency::Put);
        }
        self.due.append(&mut self.engine.take_stirred());
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

    /// Objects that wait for each other's claims for ever are told so, each of them (S-10).
    fn break_deadlock(&mut self, id: &ObjectId) {
        let circle = self.circle(id);
        // What is known of one whose judgement is deferred may have changed: that is made good first.
        let deferred = circle.iter().flatten().filter(|other| self.deferred.contains_key(*other));
        let deferred: Vec<ObjectId> = deferred.cloned().collect();
        if !deferred.is_empty() {
            deferred.into_iter().chain([id.clone()]).for_each(|other| self.wake(other));
            return;
        }
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
        let first = circle.first().unwrap_or(id); // whoever is asked names the same one
        for violation in violations.iter_mut().filter(|violation| is_claim(violation)) {
            violation.cure = Cure::Edit;
            violation.remedy = format!(
                "{id} and {} wait for what the other holds, and none can go on. Let {first} go first: release in one edit what the other waits for, and take in the next what it waits for itself.",
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
        blocked_by_count: first.blocked_by_count,
        cure: Cure::Wait(refusal.keys()),
        evidence: BTreeSet::new(),
    }
}

fn is_claim(violation: &Violation) -> bool {
    match &violation.cure {
        Cure::Edit => false,
        Cure::Wait(keys) => keys.iter().any(|key| match key {
            WaitKey::Claim(_) | WaitKey::Address(..) | WaitKey::Label(..) => true,
            WaitKey::Object(_) | WaitKey::Members(_) | WaitKey::Capacity(_) | WaitKey::Quota(_) | WaitKey::Power(_) => {
                false
            }
        }),
    }
}

/// The holders of what a refused put claims.
fn claims(refusal: &Refusal) -> BTreeSet<ObjectId> {
    let claims = refusal.violations().iter().filter(|violation| violation.path != DELETION_PATH && is_claim(violation));
    claims.flat_map(|violation| violation.blocked_by.iter().cloned()).collect()
}
