//! What becomes of the operator's writes, on an API server that may fail, and whose answers may be lost.

use std::collections::BTreeSet;

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use vnet_operator::api::object::Recall;
use vnet_operator::fabric::{Kind, Name, ObjectId, Uid};
use vnet_operator::operator::{Input, Outcome, What, Write};

use super::{World, observed, read_revision};
use crate::check::counted;

impl World {
    pub fn begin_writes(&mut self, rng: &mut ChaCha8Rng) {
        for _ in 0..rng.random_range(1..4) {
            self.begin_write();
        }
    }

    pub(super) fn begin_write(&mut self) -> bool {
        self.core.settle(self.now);
        let Some(write) = self.next_write() else { return false };
        self.in_flight.push(write);
        true
    }

    pub fn end_a_write(&mut self, rng: &mut ChaCha8Rng) {
        if self.in_flight.is_empty() {
            return;
        }
        let write = self.in_flight.remove(rng.random_range(0..self.in_flight.len()));
        let (id, uid) = (write.id.clone(), write.uid.clone());
        let answer = match rng.random_range(0..10) {
            0 => {
                self.tell(|| format!("write of {id} is not carried out"));
                vec![Input::Written(id, uid, Outcome::Failed)]
            }
            1 => {
                let quota = "Operation cannot be fulfilled on resourcequotas \"objects\"".to_owned();
                self.tell(|| format!("write of {id} is refused"));
                vec![Input::Written(id, uid, Outcome::Refused(quota))]
            }
            2 => {
                let mut told = self.carry_out(write);
                self.tell(|| format!("the answer to the write of {id} is lost"));
                told.retain(|input| matches!(input, Input::Revision(_) | Input::RevisionDeleted(..))); // a watch shows it, too
                told.push(Input::Written(id, uid, Outcome::Failed));
                told
            }
            _ => self.carry_out(write),
        };
        self.answers.push(answer);
    }

    pub fn deliver_an_answer(&mut self, rng: &mut ChaCha8Rng) {
        if !self.answers.is_empty() {
            for input in self.answers.remove(rng.random_range(0..self.answers.len())) {
                self.core.feed(input);
            }
            self.core.settle(self.now);
        }
    }

    /// Does a write, and answers it as the real server and the operator's shell do.
    pub(super) fn carry_out(&mut self, write: Write) -> Vec<Input> {
        let (id, uid) = (write.id.clone(), write.uid.clone());
        let (shown, outcome) = match write.what {
            What::Status(_) | What::Finalizers(_) => (None, self.carry_out_on(write)),
            What::Conditions(_) => match self.carry_out_on(write) {
                Outcome::Done(_) => self.shown(&id, &uid),
                not_done => (None, not_done),
            },
            What::Create(manifest) => self.carry_out_create(&id, manifest),
            What::Apply(manifest) => self.carry_out_apply(&id, manifest),
            What::Delete => {
                let version = write.resource_version.to_string();
                let is_it = |object: &&Value| {
                    object["metadata"]["uid"] == *uid.0 && object["metadata"]["resourceVersion"] == version
                };
                let there = self.objects.get(&id).filter(is_it);
                if there.is_none() {
                    (None, Outcome::Conflict)
                } else {
                    self.tell(|| format!("operator deletes {id}"));
                    self.writes += 1;
                    self.delete(&id);
                    self.shown(&id, &uid)
                }
            }
            What::KeepRevision(mut manifest) => {
                let name = Name::new(id.name.namespace.clone(), manifest["metadata"]["name"].as_str().unwrap());
                if self.revisions.contains_key(&name) {
                    (None, Outcome::NameTaken)
                } else {
                    self.lives += 1;
                    manifest["metadata"]["uid"] = json!(format!("life-{}", self.lives));
                    self.tell(|| format!("operator keeps {name}"));
                    self.writes += 1;
                    let told = Input::Revision(read_revision(&manifest));
                    self.revisions.insert(name, manifest);
                    (Some(told), Outcome::Done(0))
                }
            }
            What::DropRevision(number, of) => {
                self.tell(|| format!("operator drops revision {number} of {id}"));
                self.writes += 1;
                self.revisions.retain(|_, revision| revision["metadata"]["uid"] != *of.0);
                (Some(Input::RevisionDeleted(id.name.clone(), number, of)), Outcome::Done(0))
            }
        };
        shown.into_iter().chain([Input::Written(id, uid, outcome)]).collect()
    }

    /// An object is created; one that is there is left alone.
    fn carry_out_create(&mut self, id: &ObjectId, mut object: Value) -> (Option<Input>, Outcome) {
        if let Some(refused) = self.refuses(id) {
            return (None, refused);
        }
        if self.objects.contains_key(id) {
            return (None, Outcome::NameTaken);
        }
        self.writes += 1;
        self.lives += 1;
        self.is_a_new_instance(id, &object);
        self.applied.insert(id.clone(), object.clone());
        let metadata = &mut object["metadata"];
        metadata["uid"] = json!(format!("life-{}", self.lives));
        metadata["generation"] = json!(1);
        metadata["creationTimestamp"] = json!(self.now.to_string());
        object["status"] = json!({"observedGeneration": -1});
        self.tell(|| format!("operator creates {id}"));
        self.store(id, object);
        self.shown(id, &self.uid_of(id))
    }

    /// This version of this life of an object is brought in line with the manifest.
    fn carry_out_apply(&mut self, id: &ObjectId, manifest: Value) -> (Option<Input>, Outcome) {
        if let Some(refused) = self.refuses(id) {
            return (None, refused);
        }
        let Some(there) = self.objects.get(id) else { return (None, Outcome::Conflict) };
        let is_it = |field: &str| {
            assert!(manifest["metadata"][field].is_string(), "an apply without {field} could create or adopt {id}");
            manifest["metadata"][field] == there["metadata"][field]
        };
        if !is_it("uid") || !is_it("resourceVersion") {
            return (None, Outcome::Conflict);
        }
        if self.taken_over.contains(id) {
            return (None, Outcome::TakenOver);
        }
        self.writes += 1;
        let mut next = there.clone();
        let before = self.applied.insert(id.clone(), manifest.clone()).unwrap_or_default();
        for part in ["/spec", "/metadata/annotations"] {
            let wanted = manifest.pointer(part).cloned().unwrap_or_default();
            let before = before.pointer(part).unwrap_or(&Value::Null);
            if let Some(live) = next.pointer_mut(part) {
                *live = applied_over(live, wanted, before);
            }
        }
        if next["spec"] != there["spec"] {
            next["metadata"]["generation"] = json!(next["metadata"]["generation"].as_i64().unwrap() + 1);
        }
        self.tell(|| format!("operator applies {id}"));
        self.store(id, next);
        self.shown(id, &self.uid_of(id))
    }

    fn refuses(&self, id: &ObjectId) -> Option<Outcome> {
        self.not_taken.contains(id).then(|| Outcome::Refused("it is not valid".to_owned()))
    }

    fn uid_of(&self, id: &ObjectId) -> Uid {
        Uid::from(self.objects[id]["metadata"]["uid"].as_str().unwrap())
    }

    /// No id of an instance is used twice, unless a user takes objects away by force.
    pub(super) fn is_a_new_instance(&mut self, id: &ObjectId, object: &Value) {
        let stands_for_it = matches!(id.kind, Kind::VirtualMachineScaleSetVM | Kind::VirtualMachine);
        let life = object["metadata"]["ownerReferences"][0]["uid"].as_str().unwrap().to_owned();
        let is_new = self.instances.insert((life, id.clone()));
        let forced = self.forced.contains(id) || self.statuses_were_edited;
        assert!(is_new || !stands_for_it || forced, "{id} is made twice");
    }

    /// What the server answers to a write of an object as a whole.
    pub(super) fn shown(&self, id: &ObjectId, uid: &Uid) -> (Option<Input>, Outcome) {
        match self.objects.get(id) {
            Some(object) => {
                let version = object["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap();
                (Some(Input::Applied(observed(id.kind, object, Recall::Nothing))), Outcome::Done(version))
            }
            None => (Some(Input::Deleted(id.clone(), uid.clone())), Outcome::Done(0)),
        }
    }

    pub(super) fn carry_out_on(&mut self, write: Write) -> Outcome {
        let Some(object) = self.objects.get(&write.id) else { return Outcome::Gone };
        if object["metadata"]["resourceVersion"] != json!(write.resource_version.to_string()) {
            return Outcome::Conflict;
        }
        let mut next = object.clone();
        match write.what {
            What::Status(_) if self.too_large.contains(&write.id) => {
                return Outcome::Refused("etcdserver: request is too large".to_owned());
            }
            What::Conditions(patch) => {
                next["status"]["observedGeneration"] = patch["observedGeneration"].clone();
                next["status"]["conditions"] = patch["conditions"].clone();
                assert!(patch["violations"].is_null() && patch.as_object().unwrap().len() == 3, "it patches more");
                next["status"].as_object_mut().unwrap().remove("violations");
            }
            What::Status(status) => {
                let compared = self.addresses.written(&write.id, object, &status);
                counted(|count| count.addresses += compared);
                next["status"] = status;
            }
            What::Finalizers(finalizers) => next["metadata"]["finalizers"] = json!(finalizers),
            What::Create(_) | What::Apply(_) | What::Delete | What::KeepRevision(_) | What::DropRevision(..) => {
                unreachable!("it is no write of what is there")
            }
        }
        assert!(next != *object, "{} is written, and nothing changes", write.id);
        self.writes += 1;
        self.tell(|| format!("operator writes {} {}", write.id, difference(&self.objects[&write.id], &next)));
        self.store(&write.id, next);
        // The real server answers the write that removes an object with the version that it had.
        let removed = !self.objects.contains_key(&write.id);
        Outcome::Done(if removed { write.resource_version } else { self.version })
    }
}

/// What an object is after a server-side apply: what the manifest no longer says goes, and what others have said stays.
fn applied_over(live: &Value, wanted: Value, before: &Value) -> Value {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => {
            let mut next = live.clone();
            next.retain(|field, _| before.get(field).is_none());
            for (field, wanted) in wanted {
                let merged = match live.get(&field) {
                    Some(live) => applied_over(live, wanted, &before[&field]),
                    None => wanted,
                };
                next.insert(field, merged);
            }
            Value::Object(next)
        }
        (_, wanted) => wanted,
    }
}

/// What a write changes, for the one who replays a seed.
fn difference(before: &Value, after: &Value) -> String {
    let fields = |object: &Value| object["status"].as_object().cloned().unwrap_or_default();
    let (before_fields, after_fields) = (fields(before), fields(after));
    let names: BTreeSet<&String> = before_fields.keys().chain(after_fields.keys()).collect();
    let changed = names.into_iter().filter(|name| before_fields.get(*name) != after_fields.get(*name));
    let changed: Vec<String> =
        changed.map(|name| format!("\n    {name}: {} -> {}", before["status"][name], after["status"][name])).collect();
    format!("finalizers {}{}", after["metadata"]["finalizers"], changed.concat())
}
