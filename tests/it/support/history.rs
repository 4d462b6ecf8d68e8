//! Every state of every object of a namespace, as a watch shows them: what a user may have seen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt;
use kube::core::DynamicObject;
use kube::runtime::watcher::{self, Event, watcher};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use vnet_operator::fabric::Kind;

use crate::support::cluster::{in_time, spawn};
use crate::support::contract;
use crate::support::space::{Space, at, yaml};

/// A record of states that goes on until it is dropped.
pub struct History {
    states: Arc<Mutex<Vec<DynamicObject>>>,
    count: watch::Receiver<usize>,
    watches: Vec<JoinHandle<()>>,
}

impl History {
    /// Begins to record.
    pub fn of(space: &Space<'_>) -> Self {
        let states = Arc::new(Mutex::new(Vec::new()));
        let (counter, count) = watch::channel(0);
        let counter = Arc::new(counter);
        let record = |kind: &Kind| {
            let (states, counter) = (Arc::clone(&states), Arc::clone(&counter));
            let mut events = watcher(space.objects(*kind), watcher::Config::default()).boxed();
            spawn(async move {
                while let Some(event) = events.next().await {
                    if let Ok(Event::Apply(object) | Event::InitApply(object)) = event {
                        states.lock().unwrap_or_else(PoisonError::into_inner).push(object);
                        counter.send_modify(|count| *count += 1);
                    }
                }
            })
        };
        let watches = Kind::ALL.iter().map(record).collect();
        Self { states, count, watches }
    }

    /// How many states there have been.
    pub fn len(&self) -> usize {
        *self.count.borrow()
    }

    /// Waits until there have been this many.
    pub fn reaches(&self, count: usize) {
        let reached = in_time(self.reached(count));
        assert!(reached.is_some(), "{} states were seen, and {count} expected", self.len());
    }

    /// The moment from which on there have been this many.
    pub async fn reached(&self, count: usize) {
        self.count.clone().wait_for(|now| *now >= count).await.expect("the watches count");
    }

    /// All of them; those of one object in order.
    pub fn states(&self) -> Vec<DynamicObject> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Every state keeps to the status contract.
    pub fn keeps_to_the_contract(&self) {
        for state in self.states() {
            if let Some(broken) = contract::broken(&state) {
                panic!("the status contract is broken: {broken}\n{}", yaml(&state));
            }
        }
    }

    /// The ids of all objects of a kind that were ever there, each once, in order.
    pub fn names(&self, kind: Kind) -> Vec<String> {
        let states = self.states();
        let seen = states.iter().filter(|state| state.types.as_ref().is_some_and(|types| types.kind == kind.as_str()));
        let names: BTreeSet<String> = seen.filter_map(|state| state.metadata.name.clone()).collect();
        names.into_iter().collect()
    }

    /// No object was made again under a name that one had before.
    pub fn uses_no_name_twice(&self) {
        let mut uids = BTreeMap::new();
        for state in self.states() {
            let uid = state.metadata.uid.clone();
            let before = uids.insert(name(&state), uid.clone());
            assert!(before.is_none_or(|before| before == uid), "{} is another object than before", name(&state));
        }
    }

    /// What was shown once was never shown otherwise: addresses, MACs, and who was attached before whom.
    pub fn moves_nothing(&self) {
        let mut shown: BTreeMap<String, (Value, String)> = BTreeMap::new();
        let mut attached: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for state in self.states() {
            for (what, value) in facts(&state) {
                let (first, by) = shown.entry(what.clone()).or_insert_with(|| (value.clone(), name(&state)));
                assert_eq!(*first, value, "{what}, first shown by {by}, has moved:\n{}", yaml(&state));
            }
            let nics = at(&state, "/networkInterfaces").as_array().into_iter().flatten();
            let now: Vec<String> = nics.filter_map(|nic| nic["name"].as_str().map(str::to_owned)).collect();
            let before = attached.insert(name(&state), now.clone()).unwrap_or_default();
            let stayed: Vec<&String> = before.iter().filter(|nic| now.contains(nic)).collect();
            let order: Vec<&String> = now.iter().filter(|nic| before.contains(nic)).collect();
            assert_eq!(stayed, order, "the order of attachment has changed:\n{}", yaml(&state));
        }
    }
}

impl Drop for History {
    fn drop(&mut self) {
        self.watches.iter().for_each(JoinHandle::abort);
    }
}

fn name(object: &DynamicObject) -> String {
    let kind = object.types.as_ref().map_or("", |types| &types.kind);
    format!("{kind} {}", object.metadata.name.as_deref().unwrap_or_default())
}

/// What belongs to an object from when it is first shown, be it in another's status. No name is used twice in a history.
fn facts(object: &DynamicObject) -> Vec<(String, Value)> {
    let list = |field: &str| at(object, field).as_array().into_iter().flatten();
    let mut facts = vec![
        (format!("the MAC address of {}", name(object)), at(object, "/macAddress")),
        (format!("the address of {}", name(object)), at(object, "/ipAddress")),
    ];
    for (n, configuration) in list("/ipConfigurations").enumerate() {
        let whose = if n == 0 { "primary" } else { configuration["name"].as_str().unwrap_or_default() };
        facts.push((format!("the {whose} address of {}", name(object)), &configuration["privateIPAddress"]));
        let public = &configuration["publicIPAddress"];
        let whose = public["name"].as_str().unwrap_or_default();
        facts.push((format!("the address of PublicIPAddress {whose}"), &public["ipAddress"]));
    }
    for nic in list("/networkInterfaces") {
        let whose = match (nic["name"].as_str().unwrap_or_default(), nic["ipConfigurations"].as_array()) {
            (nic, None) => format!("NetworkInterface {nic}"),
            (nic, Some(_)) => format!("{nic} of {}", name(object)),
        };
        facts.push((format!("the primary address of {whose}"), &nic["privateIPAddress"]));
        facts.push((format!("the MAC address of {whose}"), &nic["macAddress"]));
        for configuration in nic["ipConfigurations"].as_array().into_iter().flatten() {
            let whose = format!("{} of {whose}", configuration["name"]);
            facts.push((format!("the address of {whose}"), &configuration["privateIPAddress"]));
            facts.push((format!("the public address of {whose}"), &configuration["publicIPAddress"]["ipAddress"]));
        }
    }
    facts.retain(|(_, value)| !value.is_null());
    facts.into_iter().map(|(what, value)| (what, value.clone())).collect()
}
