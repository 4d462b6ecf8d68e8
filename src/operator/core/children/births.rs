//! The creation and change of the objects of scale sets: what is referred to first, and again after a pause if one fails.

use jiff::Timestamp;

use super::is_behind;
use crate::api::children::{self, Child};
use crate::fabric::{Kind, Name, ObjectId};
use crate::operator::core::writes::pause_after;
use crate::operator::core::{Core, Notice, Outcome, What, Write};
use crate::operator::index::Verdict;

/// The creation or change of an object of a scale set that failed.
#[derive(Clone, Debug)]
pub(in crate::operator::core) struct Trouble {
    pub(super) of: (Name, u64),
    pub(super) revision: u64,
    failures: u32,
    not_before: Timestamp,
    pub(super) invalid: bool,
}

impl Core {
    pub(super) fn is_to_be_written(&self, child: &Child) -> bool {
        let waits = self
            .troubles
            .get(&child.id)
            .is_some_and(|trouble| trouble.revision == child.revision && trouble.not_before > self.engine.now());
        let lacks = match self.index.get(&child.id) {
            Some(entry) => !self.in_the_way.contains_key(&child.id) && is_behind(entry, child),
            None => !self.in_the_way.contains_key(&child.id),
        };
        lacks && !waits && !self.unborn.contains(&child.id)
    }

    /// The next child that can be written: what it refers to is there, and as it is to be.
    pub(in crate::operator::core) fn next_birth(&mut self) -> Option<Write> {
        while let Some(id) = self.births.pop() {
            if self.unborn.contains(&id) {
                continue; // the end of that brings its instance here again
            }
            let Some((set, child)) = self.wanted.remove(&id) else { continue };
            let Some(parent) = self.index.get(&set).filter(|parent| self.may_have_children(&set, parent)) else {
                continue;
            };
            let uid = parent.uid.clone();
            if child.after.iter().any(|before| !self.is_in_place(before, child.revision)) {
                continue; // the judgement of that brings its instance here again
            }
            let Some(manifest) = children::manifest(&self.engine, &set.name, &uid, &child) else { continue };
            let (resource_version, generation) = match self.index.get(&id) {
                Some(entry) if entry.flight.is_some() => {
                    self.wanted.insert(id, (set, child)); // the end of that write brings it here again
                    continue;
                }
                Some(entry) if is_behind(entry, &child) => (entry.resource_version, entry.generation),
                Some(_) => continue,
                None => (0, 1),
            };
            let what =
                if id.kind == Kind::VirtualMachineScaleSetVM { What::Create(manifest) } else { What::Apply(manifest) };
            self.unborn.insert(id.clone());
            self.wanted.insert(id.clone(), (set, child));
            return Some(Write { id, uid, resource_version, generation, what });
        }
        None
    }

    /// True if what is built on this object may follow: the fabric carries it as it was last written, and refuses nothing.
    fn is_in_place(&self, id: &ObjectId, revision: u64) -> bool {
        let Some(entry) = self.index.get(id) else { return false };
        let is_accepted = matches!(&entry.verdict, Verdict::Judged { generation, violations }
            if *generation == entry.generation && violations.is_empty());
        is_accepted
            && self.engine.holder(id.kind, &id.name) == Some(&entry.uid)
            && entry.written_from.is_some_and(|from| from >= revision)
    }

    /// The creation or change of a child has ended; the object itself came before the answer.
    pub(in crate::operator::core) fn birth_ended(&mut self, id: &ObjectId, outcome: &Outcome) {
        self.unborn.remove(id);
        let Some((set, child)) = self.wanted.remove(id) else { return };
        let of = (set.name.clone(), child.instance);
        match (outcome, self.index.get_mut(id)) {
            (Outcome::Conflict, Some(entry)) => entry.taken_over = Some(child.revision),
            (Outcome::Conflict, None) => {
                self.in_the_way.insert(id.clone(), of.clone());
            }
            (Outcome::Failed | Outcome::Invalid(_) | Outcome::Gone, _) => self.has_failed(id, &set, &child, outcome),
            (Outcome::Done(_), _) => {}
        }
        if matches!(outcome, Outcome::Done(_) | Outcome::Conflict) {
            self.troubles.remove(id);
        }
        self.due.insert(of);
    }

    fn has_failed(&mut self, id: &ObjectId, set: &ObjectId, child: &Child, outcome: &Outcome) {
        let now = self.engine.now();
        let before = self.troubles.get(id).filter(|trouble| trouble.revision == child.revision);
        let failures = before.map_or(0, |trouble| trouble.failures);
        let not_before = now.checked_add(pause_after(failures)).unwrap_or(now);
        let told = before.is_some_and(|trouble| trouble.invalid);
        let mut invalid = told;
        if let Outcome::Invalid(why) = outcome {
            invalid = true;
            if let Some(uid) = self.index.get(set).map(|entry| entry.uid.clone()).filter(|_| !told) {
                self.notices.push(Notice {
                    id: set.clone(),
                    uid,
                    warning: true,
                    reason: "WriteRefused".to_owned(),
                    note: format!("Correct the model, or what forbids it: the API server does not take {id}. {why}"),
                });
            }
        }
        let of = (set.name.clone(), child.instance);
        let trouble = Trouble { of, revision: child.revision, failures: failures + 1, not_before, invalid };
        self.troubles.insert(id.clone(), trouble);
        self.retries.insert((not_before, id.clone()));
    }

    /// What failed is tried again when its pause is over.
    pub(in crate::operator::core) fn try_again(&mut self, now: Timestamp) {
        while let Some((due, id)) = self.retries.pop_first() {
            if due > now {
                self.retries.insert((due, id));
                return;
            }
            self.due.extend(self.troubles.get(&id).map(|trouble| trouble.of.clone()));
        }
    }
}
