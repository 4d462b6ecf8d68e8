//! The model of the API server, the watches and the network between it and the operator.

mod accidents;
mod answers;
pub mod sides;
mod watches;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::ControllerRevision;
use kube::core::DynamicObject;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use vnet_operator::api::FINALIZER;
use vnet_operator::api::children::{self, Revision};
use vnet_operator::api::object::{self, Observed, Recall};
use vnet_operator::fabric::{Kind, Name, ObjectId, Settings, Uid};
use vnet_operator::operator::{Core, Input, Namespace, Outcome, Write};

use self::accidents::Backup;
use crate::addresses::Addresses;

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
    /// By how much the wall clock of the operator differs from the time that has passed.
    pub wall_clock_is_off: SignedDuration,
    pub objects: BTreeMap<ObjectId, Value>,
    /// The private addresses that were shown.
    pub addresses: Addresses,
    /// Whether a user has edited a status, or etcd was restored.
    pub statuses_were_edited: bool,
    /// Objects that may have gone without the operator's consent; what is in them may move at a restart.
    pub forced: BTreeSet<ObjectId>,
    pub writes: usize,
    /// Objects of which another field manager has a field that a scale set writes.
    pub taken_over: BTreeSet<ObjectId>,
    /// Objects that the API server does not take.
    pub not_taken: BTreeSet<ObjectId>,
    /// Objects whose whole status is too large for etcd.
    pub too_large: BTreeSet<ObjectId>,
    /// The objects that instances have had, by the lives of their sets.
    instances: BTreeSet<(String, ObjectId)>,
    /// What was last applied to the objects that sets have made.
    applied: BTreeMap<ObjectId, Value>,
    settings: Settings,
    namespaces: BTreeMap<&'static str, Namespace>,
    version: u64,
    lives: u64,
    events: BTreeMap<Kind, Vec<Event>>,
    /// What the lists that have begun have still to show, the next one last.
    lists: BTreeMap<Kind, Vec<Value>>,
    /// What the watch of the Namespaces has still to show.
    namespace_events: Vec<Input>,
    /// Writes of an operator that has died, which are still on their way.
    late_writes: Vec<Write>,
    backup: Option<Backup>,
    in_flight: Vec<Write>,
    answers: Vec<Vec<Input>>,
    /// The models of scale sets that are kept, by the names of their ControllerRevisions.
    pub revisions: BTreeMap<Name, Value>,
    /// What has happened, if several operators look on.
    journal: Option<Vec<(Kind, Event)>>,
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
            wall_clock_is_off: SignedDuration::ZERO,
            objects: BTreeMap::new(),
            addresses: Addresses::default(),
            statuses_were_edited: false,
            forced: BTreeSet::new(),
            writes: 0,
            taken_over: BTreeSet::new(),
            not_taken: BTreeSet::new(),
            too_large: BTreeSet::new(),
            instances: BTreeSet::new(),
            applied: BTreeMap::new(),
            settings,
            namespaces: NAMESPACES.into_iter().map(|name| (name, Namespace::default())).collect(),
            version: 0,
            lives: 0,
            events: BTreeMap::new(),
            lists: BTreeMap::new(),
            namespace_events: Vec::new(),
            late_writes: Vec::new(),
            backup: None,
            in_flight: Vec::new(),
            answers: Vec::new(),
            revisions: BTreeMap::new(),
            journal: None,
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
            self.addresses.edited(&object);
        }
        self.tell(|| format!("user edits {id} {}", object["spec"]));
        self.store(id, object);
    }

    /// Another controller has done its part of a deletion.
    pub fn detach(&mut self, id: &ObjectId) {
        self.edit(id, |object| {
            if let Some(finalizers) = object["metadata"]["finalizers"].as_array_mut() {
                finalizers.retain(|finalizer| finalizer != FOREIGN_FINALIZER);
            }
        });
    }

    /// Somebody creates an object while the watch of its kind is down.
    pub fn appears_unseen(&mut self, id: &ObjectId) {
        self.create_unseen(id, json!({"scaleSet": {"name": "other"}, "instanceId": "1"}));
    }

    pub fn create_unseen(&mut self, id: &ObjectId, spec: Value) {
        self.create(id, spec, true);
        self.events.remove(&id.kind);
    }

    pub fn strip(&mut self, id: &ObjectId) {
        self.tell(|| format!("user strips the finalizer of {id}"));
        self.forced.insert(id.clone());
        self.addresses.may_go(id);
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
        self.namespace_events.push(Input::Namespace(NAMESPACES[1].into(), namespace));
    }

    /// Lists the Namespaces again, after one has come or gone with no event.
    pub fn relist_namespaces(&mut self, change: impl FnOnce(&mut BTreeMap<&'static str, Namespace>)) {
        change(&mut self.namespaces);
        self.list_what_has_no_status();
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
        match &mut self.journal {
            Some(journal) => journal.push((id.kind, event)),
            None => self.events.entry(id.kind).or_default().push(event),
        }
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

    // Time and accidents.

    pub fn advance(&mut self, rng: &mut ChaCha8Rng) {
        self.now += SignedDuration::from_millis(rng.random_range(1..4000));
        self.core.settle(self.now);
    }

    /// What users do from here on, no operator sees before the next restart.
    pub fn restart(&mut self) {
        self.forget();
        self.list_everything();
    }

    /// The operator restarts, and while it lists something happens: of these kinds it knows that only as events.
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
        self.lists.clear();
        self.core = Core::new(self.settings.clone());
    }

    pub(in crate::world) fn next_write(&mut self) -> Option<Write> {
        self.core.next_write(self.now, self.now + self.wall_clock_is_off)
    }

    /// The operator goes on until it writes this; it dies before it knows how that ended.
    pub fn dies_at(&mut self, is_it: impl Fn(&Write) -> bool) {
        self.writes(is_it);
        self.restart();
    }

    /// The operator goes on until it has written this.
    pub fn goes_on_until(&mut self, is_it: impl Fn(&Write) -> bool) {
        let answer = self.writes(is_it);
        answer.into_iter().for_each(|input| self.core.feed(input));
    }

    /// All until the operator writes this, and the answer to that.
    fn writes(&mut self, is_it: impl Fn(&Write) -> bool) -> Vec<Input> {
        for _ in 0..STEPS_TO_CALM {
            while Kind::ALL.iter().filter(|kind| self.deliver(**kind)).count() > 0 {}
            self.core.settle(self.now);
            let Some(write) = self.next_write() else { panic!("it never writes that") };
            let ends = is_it(&write);
            let answer = self.carry_out(write);
            if ends {
                return answer;
            }
            answer.into_iter().for_each(|input| self.core.feed(input));
        }
        panic!("it never writes that")
    }

    /// The operator goes on until it writes this, which fails.
    pub fn fails_at(&mut self, is_it: impl Fn(&Write) -> bool) {
        for _ in 0..STEPS_TO_CALM {
            while Kind::ALL.iter().filter(|kind| self.deliver(**kind)).count() > 0 {}
            self.core.settle(self.now);
            let Some(write) = self.next_write() else { panic!("it never writes that") };
            if is_it(&write) {
                return self.core.feed(Input::Written(write.id, write.uid, Outcome::Failed));
            }
            self.carry_out(write).into_iter().for_each(|input| self.core.feed(input));
        }
    }

    /// The operator goes on until it writes this, which the API server refuses.
    pub fn is_refused_at(&mut self, is_it: impl Fn(&Write) -> bool) {
        for _ in 0..STEPS_TO_CALM {
            while Kind::ALL.iter().filter(|kind| self.deliver(**kind)).count() > 0 {}
            self.core.settle(self.now);
            let Some(write) = self.next_write() else { panic!("it never writes that") };
            if is_it(&write) {
                let refused = Outcome::Refused("a quota is contended".to_owned());
                return self.core.feed(Input::Written(write.id, write.uid, refused));
            }
            let answer = self.carry_out(write);
            answer.into_iter().for_each(|input| self.core.feed(input));
        }
    }

    /// The operator writes what it can before a watch shows it anything.
    pub fn writes_without_events(&mut self) {
        for _ in 0..STEPS_TO_CALM {
            self.core.settle(self.now);
            let Some(write) = self.next_write() else { return };
            self.carry_out(write).into_iter().for_each(|input| self.core.feed(input));
        }
    }

    /// All happens that is due by now; the clock is stopped. Returns the objects that the operator has written.
    pub fn settles_at_once(&mut self) -> Vec<ObjectId> {
        let mut written = Vec::new();
        for _ in 0..STEPS_TO_CALM {
            let delivered = Kind::ALL.iter().filter(|kind| self.deliver(**kind)).count() > 0;
            self.core.settle(self.now);
            match self.next_write() {
                Some(write) => {
                    written.push(write.id.clone());
                    self.carry_out(write).into_iter().for_each(|input| self.core.feed(input));
                }
                None if delivered => {}
                None => return written,
            }
        }
        panic!("the world never settles");
    }

    /// One step of the operator, or of the clock to its next deadline. How often it has written this object meanwhile.
    pub fn goes_on_for_one_step(&mut self, id: &ObjectId) -> usize {
        while Kind::ALL.iter().filter(|kind| self.deliver(**kind)).count() > 0 {}
        self.core.settle(self.now);
        let Some(write) = self.next_write() else {
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
        self.too_large.clear();
        std::mem::take(&mut self.late_writes).into_iter().for_each(|write| self.arrives_late(write));
        self.deliver_namespaces();
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

fn observed(kind: Kind, object: &Value, recall: Recall) -> Box<Observed> {
    let object: DynamicObject = serde_json::from_value(object.clone()).expect("the model stores whole objects");
    Box::new(object::observe(kind, &object, recall).expect("the model stores whole objects"))
}

pub fn read_revision(manifest: &Value) -> Revision {
    let revision: ControllerRevision = serde_json::from_value(manifest.clone()).expect("the manifest is whole");
    children::read_revision(&revision).expect("it keeps a model")
}

pub fn id(kind: Kind, namespace: &str, name: &str) -> ObjectId {
    ObjectId::new(kind, Name::new(namespace, name))
}
