//! A core with an API server of a few lines around it: every write succeeds, and comes back as an event.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use kube::core::DynamicObject;
use serde_json::{Value, json};
use vnet_operator::api::object::{Recall, observe};
use vnet_operator::fabric::{Kind, Name, ObjectId, Settings};
use vnet_operator::operator::{Core, Input, Namespace, Outcome, Source, What, Write};

use crate::support::{NETWORK, SUBNET, nic_name, object};

pub const NAMESPACE: &str = "bench";
/// As many writes as the operator has on their way at once.
const BATCH: usize = 32;
/// An API server on two cores takes about as many NICs a second; the clock goes on accordingly.
const NICS_A_SECOND: usize = 100;

pub struct Life {
    pub core: Core,
    /// The time that was spent in the operator's own code.
    pub spent: Duration,
    /// What stands on the API server, as JSON, if it is kept.
    pub stored: Option<BTreeMap<ObjectId, String>>,
    now: Timestamp,
    version: u64,
}

impl Life {
    /// With a virtual network and a subnet that are Ready.
    pub fn new() -> Self {
        Self::begin(None)
    }

    /// One that keeps what stands on the API server.
    pub fn remembered() -> Self {
        Self::begin(Some(BTreeMap::new()))
    }

    fn begin(stored: Option<BTreeMap<ObjectId, String>>) -> Self {
        let now = Timestamp::from_second(1_800_000_000).expect("it is a time");
        let core = Core::new(Settings::default());
        let mut life = Self { core, spent: Duration::ZERO, stored, now, version: 0 };
        list(&mut life.core, &BTreeMap::new());
        life.create([id(Kind::VirtualNetwork, NETWORK)]);
        life.create([id(Kind::Subnet, SUBNET)]);
        life
    }

    /// Creates NICs and has them become Ready.
    pub fn create_nics(&mut self, numbers: std::ops::Range<usize>) {
        let numbers: Vec<usize> = numbers.collect();
        for batch in numbers.chunks(BATCH) {
            self.create(batch.iter().map(|number| id(Kind::NetworkInterface, &nic_name(*number))));
            if batch.iter().any(|number| number % NICS_A_SECOND == 0) {
                self.now += SignedDuration::from_secs(1);
            }
        }
        self.now += SignedDuration::from_secs(2);
        self.write_all();
    }

    fn create(&mut self, ids: impl IntoIterator<Item = ObjectId>) {
        for id in ids {
            let object = self.store(&id, json!({"observedGeneration": -1}));
            self.spend(|life| life.core.feed(seen(id.kind, &object, Recall::Nothing)));
        }
        self.write_all();
    }

    fn write_all(&mut self) {
        loop {
            let writes = self.spend(|life| {
                life.core.settle(life.now);
                std::iter::from_fn(|| life.core.next_write(life.now, life.now)).take(BATCH).collect::<Vec<_>>()
            });
            if writes.is_empty() {
                return;
            }
            for Write { id, uid, what, .. } in writes {
                let What::Status(status) = what else { panic!("{id} has its finalizer") };
                let object = self.store(&id, status);
                let version = self.version;
                self.spend(|life| {
                    life.core.feed(Input::Written(id.clone(), uid, Outcome::Done(version)));
                    life.core.feed(seen(id.kind, &object, Recall::Nothing)); // the echo
                });
            }
        }
    }

    fn store(&mut self, id: &ObjectId, status: Value) -> DynamicObject {
        self.version += 1;
        let object = object(id, self.version, status);
        if let Some(stored) = &mut self.stored {
            stored.insert(id.clone(), serde_json::to_string(&object).expect("an object is JSON"));
        }
        object
    }

    fn spend<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let begin = Instant::now();
        let result = work(self);
        self.spent += begin.elapsed();
        result
    }
}

/// Tells a core everything there is, as its watches do at the start.
pub fn list(core: &mut Core, objects: &BTreeMap<ObjectId, String>) {
    core.feed(Input::ListStarted(Source::Namespaces));
    core.feed(Input::Namespace(NAMESPACE.into(), Namespace::default()));
    core.feed(Input::ListDone(Source::Namespaces));
    for kind in Kind::ALL {
        core.feed(Input::ListStarted(Source::Objects(*kind)));
    }
    for (id, text) in objects {
        let object = serde_json::from_str(text).expect("it was written as JSON");
        core.feed(seen(id.kind, &object, Recall::Record));
    }
    for kind in Kind::ALL {
        core.feed(Input::ListDone(Source::Objects(*kind)));
    }
    core.feed(Input::ListStarted(Source::Revisions));
    core.feed(Input::ListDone(Source::Revisions));
    core.settle(Timestamp::UNIX_EPOCH);
    assert!(core.is_started(), "every watch has listed");
}

fn seen(kind: Kind, object: &DynamicObject, recall: Recall) -> Input {
    Input::Applied(Box::new(observe(kind, object, recall).expect("the object is whole")))
}

pub fn id(kind: Kind, name: &str) -> ObjectId {
    ObjectId::new(kind, Name::new(NAMESPACE, name))
}
