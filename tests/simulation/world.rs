//! The model of the API server, the watches and the network between it and the operator.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::ControllerRevision;
use kube::core::DynamicObject;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use vnet_operator::api::FINALIZER;
use vnet_operator::api::children::{self, Revision};
use vnet_operator::api::object::{self, Recall};
use vnet_operator::fabric::{Kind, Name, ObjectId, Settings, Uid};
use vnet_operator::operator::{Core, Input, Namespace, Outcome, Source, What, Write};

pub const NAMESPACES: [&str; 2] = ["a", "b"];
/// The finalizer of another controller.
const FOREIGN_FINALIZER: &str = "example.com/foreign";
/// The finalizer of a deletion that leaves what is owned.
const ORPHANS: &str = "orphan";
const STEPS_TO_CALM: usize = 20_000;

#[derive(Clone, Debug)]
enum Event {
    Applied(Value),
    Deleted(ObjectId, Uid),
}

#[derive(Clone)]
pub struct World {
    pub core: Core,
    pub now: Timestamp,
    pub objects: BTreeMap<ObjectId, Value>,
    /// Lives whose status a user has edited; their addresses may move at a restart.
    pub tampered: BTreeSet<String>,
    /// Objects that may have gone without the operator's consent; what is in them may move at a restart.
    pub forced: BTreeSet<ObjectId>,
    pub writes: usize,
    /// Objects of which another field manager has a field that a scale set writes.
    pub taken_over: BTreeSet<ObjectId>,
    /// Objects that the API server does not take.
    pub not_taken: BTreeSet<ObjectId>,
    /// The objects that instances have had, by the lives of their sets.
    instances: BTreeSet<(String, ObjectId)>,
    settings: Settings,
    namespaces: BTreeMap<&'static str, Namespace>,
    version: u64,
    lives: u64,
    events: BTreeMap<Kind, Vec<Event>>,
    in_flight: Vec<Write>,
    answers: Vec<Vec<Input>>,
    /// The models of scale sets that are kept, by the names of their ControllerRevisions.
    pub revisions: BTreeMap<Name, Value>,
    loud: bool,
}

impl World {
    pub fn new(loud: bool, slow_starts: bool) -> Self {
        let settings = Settings {
            public_ip_pool: "198.18.0.0/29".parse().unwrap(),
            vm_start: std::time::Duration::from_secs(if slow_starts { 5 } else { 0 }),
            ..Settings::default()
        };
        let mut world = Self {
            core: Core::new(settings.clone()),
            now: Timestamp::from_second(1_800_000_000).unwrap(),
            objects: BTreeMap::new(),
            tampered: BTreeSet::new(),
            forced: BTreeSet::new(),
            writes: 0,
            taken_over: BTreeSet::new(),
            not_taken: BTreeSet::new(),
            instances: BTreeSet::new(),
            settings,
            namespaces: NAMESPACES.into_iter().map(|name| (name, Namespace::default())).collect(),
            version: 0,
            lives: 0,
            events: BTreeMap::new(),
            in_flight: Vec::new(),
            answers: Vec::new(),
            revisions: BTreeMap::new(),
            loud,
        };
        world.list_everything();
        world
    }

    pub fn tell(&self, what: impl FnOnce() -> String) {
        if self.loud {
            println!("{} {}", self.now, what());
        }
    }

    // What users do.

    pub fn create(&mut self, id: &ObjectId, spec: Value, with_finalizer: bool) {
        self.lives += 1;
        let mut finalizers = if with_finalizer { vec![FINALIZER] } else { vec![] };
        if self.lives.is_multiple_of(5) {
            finalizers.push(FOREIGN_FINALIZER);
        }
        let object = json!({
            "apiVersion": "vnet.dev/v1alpha1",
            "kind": id.kind.as_str(),
            "metadata": {
                "name": &*id.name.name, "namespace": &*id.name.namespace, "uid": format!("life-{}", self.lives),
                "generation": 1, "creationTimestamp": self.now.to_string(), "finalizers": finalizers,
            },
            "spec": spec,
            "status": {"observedGeneration": -1},
        });
        self.tell(|| format!("user creates {id} {}", object["spec"]));
        self.store(id, object);
    }

    pub fn edit(&mut self, id: &ObjectId, change: impl FnOnce(&mut Value)) {
        let Some(mut object) = self.objects.get(id).cloned() else { return };
        change(&mut object);
        if object["spec"] != self.objects[id]["spec"] {
            object["metadata"]["generation"] = json!(object["metadata"]["generation"].as_i64().unwrap() + 1);
        }
        self.tell(|| format!("user edits {id} {}", object["spec"]));
        self.store(id, object);
    }

    /// Another controller has done its part of a deletion.
    pub fn let_go(&mut self, id: &ObjectId) {
        self.edit(id, |object| {
            if let Some(finalizers) = object["metadata"]["finalizers"].as_array_mut() {
                finalizers.retain(|finalizer| finalizer != FOREIGN_FINALIZER);
            }
        });
    }

    pub fn strip(&mut self, id: &ObjectId) {
        self.tell(|| format!("user strips the finalizer of {id}"));
        self.forced.insert(id.clone());
        self.edit(id, |object| object["metadata"]["finalizers"] = json!([]));
    }

    pub fn delete(&mut self, id: &ObjectId) {
        let Some(mut object) = self.objects.get(id).cloned() else { return };
        if object["metadata"]["deletionTimestamp"].is_null() {
            self.tell(|| format!("user deletes {id}"));
            object["metadata"]["deletionTimestamp"] = json!(self.now.to_string());
            object["metadata"]["generation"] = json!(object["metadata"]["generation"].as_i64().unwrap() + 1);
            self.store(id, object);
        }
    }

    /// Gives a Namespace another location label, or takes it away.
    pub fn relabel(&mut self, rng: &mut ChaCha8Rng) {
        let location = rng.random_bool(0.5).then(|| "norwayeast".into());
        let namespace = Namespace { location, ..Namespace::default() };
        self.tell(|| format!("user labels namespace b: {namespace:?}"));
        self.namespaces.insert(NAMESPACES[1], namespace.clone());
        self.core.feed(Input::Namespace(NAMESPACES[1].into(), namespace));
        self.core.settle(self.now);
    }

    /// Stores a version; an object that is being deleted and has no finalizer is gone.
    fn store(&mut self, id: &ObjectId, mut object: Value) {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let finalizers = object["metadata"]["finalizers"].as_array().map_or(0, Vec::len);
        let gone = finalizers == 0 && !object["metadata"]["deletionTimestamp"].is_null();
        let event = if gone {
            self.objects.remove(id);
            self.tell(|| format!("server removes {id}"));
            Event::Deleted(id.clone(), Uid::from(object["metadata"]["uid"].as_str().unwrap()))
        } else {
            self.objects.insert(id.clone(), object.clone());
            Event::Applied(object)
        };
        self.events.entry(id.kind).or_default().push(event);
    }

    // What the watches do. Those of different kinds run apart; each one is in order.

    pub fn deliver_one(&mut self, rng: &mut ChaCha8Rng) {
        let kind = Kind::ALL[rng.random_range(0..Kind::ALL.len())];
        self.deliver(kind);
        self.core.settle(self.now);
    }

    /// All events arrive before anything is judged.
    pub fn deliver_all(&mut self) {
        while Kind::ALL.iter().filter(|kind| self.deliver(**kind)).count() > 0 {}
        self.core.settle(self.now);
    }

    fn deliver(&mut self, kind: Kind) -> bool {
        let Some(events) = self.events.get_mut(&kind).filter(|events| !events.is_empty()) else { return false };
        let input = match events.remove(0) {
            Event::Applied(object) => applied(kind, &object, Recall::Nothing),
            Event::Deleted(id, uid) => Input::Deleted(id, uid),
        };
        self.core.feed(input);
        true
    }

    pub fn relist(&mut self, rng: &mut ChaCha8Rng) {
        let kind = Kind::ALL[rng.random_range(0..Kind::ALL.len())];
        self.tell(|| format!("watch of {kind} relists"));
        self.list(kind);
        self.core.settle(self.now);
    }

    fn list(&mut self, kind: Kind) {
        self.events.remove(&kind);
        self.core.feed(Input::ListStarted(Source::Objects(kind)));
        for (_, object) in self.objects.iter().filter(|(id, _)| id.kind == kind) {
            self.core.feed(applied(kind, object, Recall::Record));
        }
        self.core.feed(Input::ListDone(Source::Objects(kind)));
    }

    fn list_everything(&mut self) {
        Kind::ALL.iter().for_each(|kind| self.list(*kind));
        self.list_what_has_no_status();
        self.core.settle(self.now);
    }

    fn list_what_has_no_status(&mut self) {
        self.core.feed(Input::ListStarted(Source::Namespaces));
        for (name, namespace) in &self.namespaces {
            self.core.feed(Input::Namespace((*name).into(), namespace.clone()));
        }
        self.core.feed(Input::ListDone(Source::Namespaces));
        self.list_revisions();
    }

    pub fn list_revisions(&mut self) {
        self.core.feed(Input::ListStarted(Source::Revisions));
        for revision in self.revisions.values() {
            self.core.feed(Input::Revision(read_revision(revision)));
        }
        self.core.feed(Input::ListDone(Source::Revisions));
    }

    // What becomes of writes.

    pub fn begin_writes(&mut self, rng: &mut ChaCha8Rng) {
        for _ in 0..rng.random_range(1..4) {
            self.begin_write();
        }
    }

    fn begin_write(&mut self) -> bool {
        self.core.settle(self.now);
        let Some(write) = self.core.next_write(self.now) else { return false };
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
                let mut told = self.carry_out(write);
                self.tell(|| format!("the answer to the write of {id} is lost"));
                told.retain(|input| matches!(input, Input::Revision(_) | Input::RevisionDeleted(..))); // a watch tells it, too
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
    fn carry_out(&mut self, write: Write) -> Vec<Input> {
        let (id, uid) = (write.id.clone(), write.uid.clone());
        let (shown, outcome) = match write.what {
            What::Status(_) | What::Finalizers(_) => (None, self.carry_out_on(write)),
            What::Create(manifest) | What::Apply(manifest) => self.carry_out_birth(&id, manifest),
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
                    (None, Outcome::Conflict)
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

    /// An object is created, or, where it is there, brought in line with the manifest.
    fn carry_out_birth(&mut self, id: &ObjectId, manifest: Value) -> (Option<Input>, Outcome) {
        let mut object = manifest;
        if self.not_taken.contains(id) {
            return (None, Outcome::Invalid("it is not valid".to_owned()));
        }
        if self.objects.contains_key(id) && self.taken_over.contains(id) {
            return (None, Outcome::Conflict);
        }
        self.writes += 1;
        match self.objects.get(id) {
            Some(_) if id.kind == Kind::VirtualMachineScaleSetVM => return (None, Outcome::Conflict),
            Some(there) => {
                let mut next = there.clone();
                if next["spec"] != object["spec"] {
                    next["metadata"]["generation"] = json!(next["metadata"]["generation"].as_i64().unwrap() + 1);
                }
                next["spec"] = object["spec"].take();
                next["metadata"]["annotations"] = object["metadata"]["annotations"].take();
                self.tell(|| format!("operator applies {id}"));
                self.store(id, next);
            }
            None => {
                self.lives += 1;
                self.is_a_new_instance(id, &object);
                let metadata = &mut object["metadata"];
                metadata["uid"] = json!(format!("life-{}", self.lives));
                metadata["generation"] = json!(1);
                metadata["creationTimestamp"] = json!(self.now.to_string());
                object["status"] = json!({"observedGeneration": -1});
                self.tell(|| format!("operator creates {id}"));
                self.store(id, object);
            }
        }
        let uid = Uid::from(self.objects[id]["metadata"]["uid"].as_str().unwrap());
        self.shown(id, &uid)
    }

    /// No id of an instance is used twice, unless somebody takes objects away by force.
    fn is_a_new_instance(&mut self, id: &ObjectId, object: &Value) {
        let stands_for_it = matches!(id.kind, Kind::VirtualMachineScaleSetVM | Kind::VirtualMachine);
        let life = object["metadata"]["ownerReferences"][0]["uid"].as_str().unwrap().to_owned();
        let is_new = self.instances.insert((life, id.clone()));
        let forced = self.forced.contains(id) || !self.tampered.is_empty();
        assert!(is_new || !stands_for_it || forced, "{id} is made twice");
    }

    /// What the server answers to a write of an object as a whole.
    fn shown(&self, id: &ObjectId, uid: &Uid) -> (Option<Input>, Outcome) {
        match self.objects.get(id) {
            Some(object) => {
                let version = object["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap();
                (Some(applied(id.kind, object, Recall::Nothing)), Outcome::Done(version))
            }
            None => (Some(Input::Deleted(id.clone(), uid.clone())), Outcome::Done(0)),
        }
    }

    fn carry_out_on(&mut self, write: Write) -> Outcome {
        let Some(object) = self.objects.get(&write.id) else { return Outcome::Gone };
        if object["metadata"]["resourceVersion"] != json!(write.resource_version.to_string()) {
            return Outcome::Conflict;
        }
        let mut next = object.clone();
        match write.what {
            What::Status(status) => {
                super::check::no_address_moves(self, &write.id, object, &status);
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

    // Time and accidents.

    pub fn advance(&mut self, rng: &mut ChaCha8Rng) {
        self.now += SignedDuration::from_millis(rng.random_range(1..4000));
        self.core.settle(self.now);
    }

    /// The operator dies and comes back. What was on its way may still arrive, now or never.
    pub fn crash(&mut self, rng: &mut ChaCha8Rng) {
        self.tell(|| "operator crashes".to_owned());
        for write in std::mem::take(&mut self.in_flight) {
            if rng.random_bool(0.5) {
                self.carry_out(write);
            }
        }
        self.restart();
    }

    /// What users do from here on, no operator sees before the next restart.
    pub fn restart(&mut self) {
        self.forget();
        self.list_everything();
    }

    /// The operator starts anew, and while it lists something happens: of these kinds it knows that only as events.
    pub fn restart_amid(&mut self, listed_before: &[Kind], what_happens: impl FnOnce(&mut Self)) {
        self.forget();
        listed_before.iter().for_each(|kind| self.list(*kind));
        what_happens(self);
        let late = std::mem::take(&mut self.events);
        Kind::ALL.iter().filter(|kind| !listed_before.contains(kind)).for_each(|kind| self.list(*kind));
        self.list_what_has_no_status();
        self.core.settle(self.now);
        self.events = late.into_iter().filter(|(kind, _)| listed_before.contains(kind)).collect();
    }

    fn forget(&mut self) {
        self.in_flight.clear();
        self.answers.clear();
        self.events.clear();
        self.core = Core::new(self.settings.clone());
    }

    /// A user deletes a model that is kept; not before the operator has heard that it was.
    pub fn delete_a_kept_model(&mut self) {
        if self.in_flight.is_empty() && self.answers.is_empty() {
            self.revisions.pop_first();
            self.list_revisions();
        }
    }

    /// A user deletes a set in the way that leaves what it owns.
    pub fn delete_as_an_orphan(&mut self, set: &ObjectId) {
        self.edit(set, |object| object["metadata"]["finalizers"].as_array_mut().unwrap().push(json!(ORPHANS)));
        self.delete(set);
    }

    /// The garbage collector does what that asks for.
    pub fn orphan_children_of(&mut self, set: &ObjectId) {
        let finalizers = self.objects.get(set).and_then(|object| object["metadata"]["finalizers"].as_array());
        if finalizers.is_none_or(|finalizers| finalizers.iter().all(|finalizer| finalizer != ORPHANS)) {
            return;
        }
        let of_the_set = |object: &Value| object["metadata"]["ownerReferences"][0]["name"] == *set.name.name;
        let children = self.objects.iter().filter(|(_, object)| of_the_set(object)).map(|(id, _)| id.clone());
        for child in children.collect::<Vec<_>>() {
            self.edit(&child, |object| object["metadata"]["ownerReferences"] = json!([]));
        }
        for revision in self.revisions.values_mut().filter(|revision| of_the_set(revision)) {
            revision["metadata"]["ownerReferences"] = json!([]);
        }
        self.edit(set, |object| {
            let finalizers = object["metadata"]["finalizers"].as_array_mut().unwrap();
            finalizers.retain(|finalizer| finalizer != ORPHANS);
        });
    }

    /// The operator goes on until it writes this; it dies before it knows how that ended.
    pub fn dies_at(&mut self, is_it: impl Fn(&Write) -> bool) {
        for _ in 0..STEPS_TO_CALM {
            while Kind::ALL.iter().filter(|kind| self.deliver(**kind)).count() > 0 {}
            self.core.settle(self.now);
            let Some(write) = self.core.next_write(self.now) else { panic!("it never writes that") };
            let ends = is_it(&write);
            let answer = self.carry_out(write);
            if ends {
                return self.restart();
            }
            answer.into_iter().for_each(|input| self.core.feed(input));
        }
    }

    /// The operator goes on until it writes this, which fails.
    pub fn fails_at(&mut self, is_it: impl Fn(&Write) -> bool) {
        for _ in 0..STEPS_TO_CALM {
            while Kind::ALL.iter().filter(|kind| self.deliver(**kind)).count() > 0 {}
            self.core.settle(self.now);
            let Some(write) = self.core.next_write(self.now) else { panic!("it never writes that") };
            if is_it(&write) {
                return self.core.feed(Input::Written(write.id, write.uid, Outcome::Failed));
            }
            self.carry_out(write).into_iter().for_each(|input| self.core.feed(input));
        }
    }

    /// The operator writes what it can before a watch tells it anything.
    pub fn writes_without_events(&mut self) {
        for _ in 0..STEPS_TO_CALM {
            self.core.settle(self.now);
            let Some(write) = self.core.next_write(self.now) else { return };
            self.carry_out(write).into_iter().for_each(|input| self.core.feed(input));
        }
    }

    /// One step of the operator, or of the clock to its next deadline. How often it has written this object meanwhile.
    pub fn goes_on_for_one_step(&mut self, id: &ObjectId) -> usize {
        while Kind::ALL.iter().filter(|kind| self.deliver(**kind)).count() > 0 {}
        self.core.settle(self.now);
        let Some(write) = self.core.next_write(self.now) else {
            self.now =
                self.core.next_deadline().map_or(self.now, |due| self.now.max(due)) + SignedDuration::from_millis(1);
            return 0;
        };
        let is_it = write.id == *id;
        let answer = self.carry_out(write);
        answer.into_iter().for_each(|input| self.core.feed(input));
        usize::from(is_it)
    }

    /// No more users and no more accidents: everything that is on its way arrives, until nothing is left to do.
    pub fn calm_down(&mut self) {
        for _ in 0..STEPS_TO_CALM {
            let delivered = Kind::ALL.iter().filter(|kind| self.deliver(**kind)).count() > 0;
            let begun = self.begin_write();
            let ended = !self.in_flight.is_empty();
            for write in std::mem::take(&mut self.in_flight) {
                let answer = self.carry_out(write);
                self.answers.push(answer);
            }
            let answered = !self.answers.is_empty();
            for input in std::mem::take(&mut self.answers).into_iter().flatten() {
                self.core.feed(input);
            }
            self.core.settle(self.now);
            if delivered || begun || ended || answered {
                continue;
            }
            match self.core.next_deadline() {
                Some(deadline) => self.now = self.now.max(deadline),
                None => return,
            }
        }
        panic!("the world never calms down");
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

fn applied(kind: Kind, object: &Value, recall: Recall) -> Input {
    let object: DynamicObject = serde_json::from_value(object.clone()).expect("the model stores whole objects");
    Input::Applied(Box::new(object::observe(kind, &object, recall).expect("the model stores whole objects")))
}

pub fn read_revision(manifest: &Value) -> Revision {
    let revision: ControllerRevision = serde_json::from_value(manifest.clone()).expect("the manifest is whole");
    children::read_revision(&revision).expect("it keeps a model")
}

pub fn id(kind: Kind, namespace: &str, name: &str) -> ObjectId {
    ObjectId::new(kind, Name::new(namespace, name))
}
