//! The creation and change of the objects of scale sets: what is referred to first, and again after a pause if one fails.

use super::{is_behind, set_named, set_of};
use crate::api::children::{self, Child};
use crate::fabric::{Kind, ObjectId, Uid};
use crate::operator::core::{Core, Notice, Outcome, What, Write};
use crate::operator::index::{Entry, Verdict};
use crate::operator::queue::Urgency;

impl Core {
    /// The next child that can be written: what it refers to is there, and as it is to be.
    pub(in crate::operator::core) fn next_child_write(&mut self) -> Option<Write> {
        while let Some((set, child)) = self.children.pop() {
            let (id, set_id) = (child.id.clone(), set_named(&set));
            let Some(parent) = self.index.get(&set_id).filter(|parent| self.may_have_children(&set_id, parent)) else {
                continue;
            };
            let uid = parent.uid.clone();
            if child.after.iter().any(|before| !self.is_in_place(before, child.revision)) {
                continue; // the judgement of that brings its instance here again
            }
            let Some(manifest) = children::manifest(&self.engine, &set, &uid, &child) else { continue };
            let (what, resource_version, generation) = match self.index.get(&id) {
                Some(entry) if entry.flight.is_some() => {
                    self.children.postpone(set, child); // the end of that write brings it here again
                    continue;
                }
                Some(entry) if is_behind(entry, &child) => {
                    let manifest = children::applied_to(manifest, &entry.uid, entry.resource_version);
                    (What::Apply(manifest), entry.resource_version, entry.generation)
                }
                Some(_) => continue,
                None => (What::Create(manifest), 0, 1),
            };
            self.children.begin(set, child, resource_version);
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
        if !self.may_have_children(&set, parent) || !self.is_reported(&set, parent, instance) {
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
        !self.children.is_blocked(&child.id)
            && self.index.get(&child.id).is_none_or(|entry| {
                entry.is_owned_by(owner) && !entry.deleting && entry.taken_over.is_none() && accepts(entry)
            })
    }

    /// The creation or change of a child has ended; the object itself came before the answer.
    pub(in crate::operator::core) fn child_written(&mut self, id: &ObjectId, outcome: &Outcome) {
        let Some(task) = self.children.end(id) else { return };
        let instance = task.instance();
        self.children.mark_dirty([instance.clone()]);
        match (outcome, self.index.get_mut(id)) {
            (Outcome::TakenOver, Some(entry)) => entry.taken_over = Some(task.child.revision),
            // What changed it is on its way as an event, or has come meanwhile.
            (Outcome::Conflict, Some(entry)) => entry.outdated_for = Some(task.version),
            (Outcome::NameTaken, None) if !task.name_was_freed => self.children.name_taken(id.clone(), instance),
            (Outcome::Refused(why), _) => {
                if self.children.fail(task, true, self.engine.now()) {
                    self.report_refusal(&set_named(&instance.0), id, why);
                }
            }
            // If the name was taken, its holder has gone before the answer came.
            (Outcome::NameTaken, None) | (Outcome::Failed | Outcome::Gone, _) => {
                self.children.fail(task, false, self.engine.now());
            }
            (Outcome::Done(_) | Outcome::Conflict | Outcome::TakenOver | Outcome::NameTaken, _) => {}
        }
        self.reports.push(id.clone(), Urgency::Put); // its own writes waited for this one
    }

    fn report_refusal(&mut self, set: &ObjectId, id: &ObjectId, why: &str) {
        let Some(uid) = self.index.get(set).map(|entry| entry.uid.clone()) else { return };
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
}
