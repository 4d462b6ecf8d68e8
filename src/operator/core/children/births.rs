//! The creation and change of the objects of scale sets: what is referred to first, and again after a pause if one fails.

use jiff::Timestamp;

use super::{is_behind, set_of};
use crate::api::children::{self, Child};
use crate::fabric::{Kind, Name, ObjectId, Uid};
use crate::operator::core::writes::{FAILURES_BEFORE_REPORT, pause_after};
use crate::operator::core::{Core, Notice, Outcome, What, Write};
use crate::operator::index::{Entry, Verdict};
use crate::operator::queue::Urgency;

/// The creation or change of an object of a scale set that failed.
#[derive(Clone, Debug)]
pub(in crate::operator::core) struct Trouble {
    pub(super) of: (Name, u64),
    pub(super) revision: u64,
    failures: u32,
    not_before: Timestamp,
    pub(super) is_reported: bool,
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
        lacks && !waits && !self.unborn.contains_key(&child.id)
    }

    /// The next child that can be written: what it refers to is there, and as it is to be.
    pub(in crate::operator::core) fn next_birth(&mut self) -> Option<Write> {
        while let Some(id) = self.births.pop() {
            if self.unborn.contains_key(&id) {
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
            let (what, resource_version, generation) = match self.index.get(&id) {
                Some(entry) if entry.flight.is_some() => {
                    self.wanted.insert(id, (set, child)); // the end of that write brings it here again
                    continue;
                }
                Some(entry) if is_behind(entry, &child) => {
                    let manifest = children::applied_to(manifest, &entry.uid, entry.resource_version);
                    (What::Apply(manifest), entry.resource_version, entry.generation)
                }
                Some(_) => continue,
                None => (What::Create(manifest), 0, 1),
            };
            self.unborn.insert(id.clone(), resource_version);
            self.wanted.insert(id.clone(), (set, child));
            return Some(Write { id, uid, resource_version, generation, changes_counts_only: false, what });
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

    /// The machine of a Flexible instance that is about to be created, and to change the first status of this object: that is
    /// written once, after. Nobody has seen the addresses before, and the machine's own status waits for it.
    pub(in crate::operator::core) fn is_about_to_be_attached(&self, id: &ObjectId) -> Option<ObjectId> {
        let entry = self.index.get(id)?;
        let is_judged = matches!(entry.verdict, Verdict::Judged { .. }) && !entry.deleting;
        let is_first = is_judged && entry.published.programmed_generation.is_none();
        if !is_first || !matches!(id.kind, Kind::NetworkInterface | Kind::PublicIPAddress) {
            return None;
        }
        let owner = entry.owner.as_ref()?;
        let (set, instance) = (set_of(owner), children::instance_of(&owner.set, &id.name)?);
        let parent = self.index.get(&set).filter(|set| set.uid == owner.uid)?;
        if !self.may_have_children(&set, parent) || !self.is_told(&set, parent, instance) {
            return None;
        }
        let wanted = children::of_instance(&self.engine, &set.name, instance);
        let machine = wanted.iter().find(|child| child.id.kind == Kind::VirtualMachine)?;
        let is_coming = !self.index.contains_key(&machine.id)
            && wanted.iter().any(|child| child.id == *id)
            && wanted.iter().all(|child| self.is_made_or_coming(child, &owner.uid));
        is_coming.then(|| machine.id.clone())
    }

    /// True unless something keeps a child from being made.
    fn is_made_or_coming(&self, child: &Child, owner: &Uid) -> bool {
        let accepts = |entry: &Entry| match &entry.verdict {
            Verdict::Unjudged => true,
            Verdict::Judged { violations, .. } => violations.is_empty(),
            Verdict::Released => false,
        };
        !self.troubles.contains_key(&child.id)
            && !self.in_the_way.contains_key(&child.id)
            && self.index.get(&child.id).is_none_or(|entry| {
                entry.is_owned_by(owner) && !entry.deleting && entry.taken_over.is_none() && accepts(entry)
            })
    }

    /// The creation or change of a child has ended; the object itself came before the answer.
    pub(in crate::operator::core) fn birth_ended(&mut self, id: &ObjectId, outcome: &Outcome) {
        let version = self.unborn.remove(id);
        let Some((set, child)) = self.wanted.remove(id) else { return };
        let of = (set.name.clone(), child.instance);
        match (outcome, self.index.get_mut(id)) {
            (Outcome::TakenOver, Some(entry)) => entry.taken_over = Some(child.revision),
            // What changed it is on its way as an event, or has come meanwhile.
            (Outcome::Conflict, Some(entry)) => entry.outdated_for = version,
            (Outcome::NameTaken, None) => {
                self.in_the_way.insert(id.clone(), of.clone());
            }
            (Outcome::Failed | Outcome::Refused(_) | Outcome::Gone, _) => self.has_failed(id, &set, &child, outcome),
            (Outcome::Done(_) | Outcome::Conflict | Outcome::TakenOver | Outcome::NameTaken, _) => {}
        }
        if !matches!(outcome, Outcome::Failed | Outcome::Refused(_) | Outcome::Gone) {
            self.troubles.remove(id);
        }
        self.due.insert(of);
        self.reports.push(id.clone(), Urgency::Put); // its own writes waited for this one
    }

    fn has_failed(&mut self, id: &ObjectId, set: &ObjectId, child: &Child, outcome: &Outcome) {
        let now = self.engine.now();
        let before = self.troubles.get(id).filter(|trouble| trouble.revision == child.revision);
        let failures = before.map_or(0, |trouble| trouble.failures);
        let not_before = now.checked_add(pause_after(failures)).unwrap_or(now);
        let failures = failures + 1;
        let mut is_reported = before.is_some_and(|trouble| trouble.is_reported);
        if let Outcome::Refused(why) = outcome
            && failures >= FAILURES_BEFORE_REPORT
            && !std::mem::replace(&mut is_reported, true)
            && let Some(uid) = self.index.get(set).map(|entry| entry.uid.clone())
        {
            self.notices.push(Notice {
                id: set.clone(),
                uid,
                warning: true,
                reason: "WriteRefused".to_owned(),
                note: format!(
                    "The API server refused to create or update {id}: {why} It is retried automatically; correct the model, or what refuses it."
                ),
            });
        }
        let of = (set.name.clone(), child.instance);
        let trouble = Trouble { of, revision: child.revision, failures, not_before, is_reported };
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
