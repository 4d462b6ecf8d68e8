//! What goes wrong: an operator that dies and whose writes arrive later, and an etcd that is restored from a backup.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use vnet_operator::fabric::{Kind, Name, ObjectId};
use vnet_operator::operator::{Input, Outcome, What, Write};

use super::World;

/// What etcd held once.
#[derive(Clone)]
pub(super) struct Backup {
    objects: BTreeMap<ObjectId, Value>,
    applied: BTreeMap<ObjectId, Value>,
    revisions: BTreeMap<Name, Value>,
    version: u64,
}

impl World {
    /// The operator dies and comes back. What was on its way arrives now, later, or never.
    pub fn crash(&mut self, rng: &mut ChaCha8Rng) {
        self.tell(|| "operator crashes".to_owned());
        for write in std::mem::take(&mut self.in_flight) {
            match rng.random_range(0..8) {
                0..=3 => drop(self.carry_out(write)),
                4 => self.late_writes.push(write),
                _ => {}
            }
        }
        if rng.random_bool(0.5) {
            return self.restart();
        }
        self.forget();
        Kind::ALL.iter().for_each(|kind| self.begins_to_list(*kind));
        self.list_what_has_no_status();
    }

    /// A write of an operator that has died arrives, if there is one.
    pub fn one_arrives_late(&mut self, rng: &mut ChaCha8Rng) {
        if !self.late_writes.is_empty() {
            let write = self.late_writes.remove(rng.random_range(0..self.late_writes.len()));
            self.arrives_late(write);
        }
    }

    pub(super) fn arrives_late(&mut self, write: Write) {
        let id = write.id.clone();
        self.tell(|| format!("a write of {id} arrives late"));
        match write.what {
            // What the successor has decided before it saw this, it cannot take back.
            What::Status(ref status) if self.core.is_started() => {
                if let Some(object) = self.objects.get(&id) {
                    self.addresses.is_foreign(&id, &json!({"metadata": object["metadata"], "status": status}));
                }
            }
            What::Create(_) => drop(self.forced.insert(id)), // it may be made, and gone, already
            _ => {}
        }
        let answer = self.carry_out(write);
        // The watch of the ControllerRevisions does not lag.
        let models =
            answer.into_iter().filter(|input| matches!(input, Input::Revision(_) | Input::RevisionDeleted(..)));
        models.for_each(|input| self.core.feed(input));
    }

    pub fn back_up(&mut self) {
        self.tell(|| "etcd is backed up".to_owned());
        self.backup = Some(Backup {
            objects: self.objects.clone(),
            applied: self.applied.clone(),
            revisions: self.revisions.clone(),
            version: self.version,
        });
    }

    /// What happened since the backup has never happened, and versions count from there; every watch lists again. No write that
    /// was on its way survives, and no answer.
    pub fn restore(&mut self) {
        let Some(Backup { objects, applied, revisions, version }) = self.backup.take() else { return };
        self.tell(|| "etcd is restored".to_owned());
        objects.iter().chain(&self.objects).for_each(|(id, object)| self.addresses.is_foreign(id, object));
        self.statuses_were_edited = true;
        self.forced.extend(objects.keys().chain(self.objects.keys()).cloned());
        (self.objects, self.applied, self.revisions, self.version) = (objects, applied, revisions, version);
        self.events.clear();
        self.late_writes.clear();
        let unanswered = std::mem::take(&mut self.answers).into_iter().flatten().filter_map(|input| match input {
            Input::Written(id, uid, _) => Some((id, uid)),
            _ => None,
        });
        let in_flight = std::mem::take(&mut self.in_flight).into_iter().map(|write| (write.id, write.uid));
        for (id, uid) in unanswered.chain(in_flight).collect::<Vec<_>>() {
            self.core.feed(Input::Written(id, uid, Outcome::Failed));
        }
        Kind::ALL.iter().for_each(|kind| self.begins_to_list(*kind));
        self.list_revisions();
        self.core.settle(self.now);
    }

    /// Somebody sets the wall clock of the operator.
    pub fn sets_the_clock(&mut self, rng: &mut ChaCha8Rng) {
        self.wall_clock_is_off = SignedDuration::from_secs(rng.random_range(-7200..7200));
    }

    /// The API server refuses the whole status of an object, or does so no longer.
    pub fn status_grows_too_large(&mut self, rng: &mut ChaCha8Rng) {
        let ids: Vec<&ObjectId> = self.objects.keys().collect();
        if ids.is_empty() {
            return;
        }
        let id = ids[rng.random_range(0..ids.len())].clone();
        self.tell(|| format!("the status of {id} becomes too large, or no longer is"));
        if !self.too_large.remove(&id) {
            self.too_large.insert(id);
        }
    }
}
