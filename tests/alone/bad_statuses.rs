//! Statuses that users write while the operator is down.

use std::collections::BTreeSet;

use kube::core::DynamicObject;
use serde_json::{Value, json};

use crate::support::canary::Canary;
use crate::support::cluster::{alone, poll};
use crate::support::contract::{self, Health, kstatus};
use crate::support::lies::{lies, merge};
use crate::support::manifests::{machine, nic};
use crate::support::space::{Space, address, yaml};

/// Nests as deep as nobody needs.
fn deep() -> Value {
    (0..1000).fold(json!(1), |below, _| json!({"a": below}))
}

#[test]
fn a_status_that_lies_to_an_operator_that_starts_costs_no_more_than_what_it_told() {
    let cluster = alone();
    let space = Space::on(&cluster).and_a_subnet();
    let canary = Canary::of(&space);
    let liars: Vec<(String, Value)> =
        lies().into_iter().enumerate().map(|(n, lie)| (format!("liar-{n}"), lie)).collect();
    for (name, _) in &liars {
        space.apply(&nic(name, "web"));
        space.ready(&format!("nic/{name}"));
    }
    cluster.kill_operator();
    for (name, lie) in &liars {
        merge(&space, &format!("nic/{name}"), lie).unwrap();
    }
    cluster.start_operator().unwrap();
    let is_right = |nic: &DynamicObject| contract::broken(nic).is_none() && kstatus(nic) == Health::Current;
    let ids: Vec<String> = liars.iter().map(|(name, _)| format!("nic/{name}")).collect();
    let mut seen = Vec::new();
    // One that shows an address which it lost looks right until its status is written.
    let right = poll("every status is right, and no address is held twice", || {
        seen = ids.iter().map(|id| space.get(id)).collect();
        let addresses: BTreeSet<&str> = seen.iter().filter(|nic| is_right(nic)).map(address).collect();
        (addresses.len() == liars.len()).then_some(())
    });
    right.unwrap_or_else(|error| panic!("{error}\n{}", seen.iter().map(yaml).collect::<String>()));
    canary.is_unharmed();
}

/// A reader that gives up on what nests too deep would never list the objects beside it.
#[test]
fn a_status_that_nests_deep_stops_neither_the_operator_nor_its_next_start() {
    let cluster = alone();
    let space = Space::on(&cluster).and_a_subnet();
    let canary = Canary::of(&space);
    space.apply(&(nic("a", "web") + &machine("m", &["a"], "")));
    space.ready("vm/m");
    let programmed = |id: &str| space.kubectl_ok(&["get", id, "-o", "jsonpath={.status.programmed}"], "");
    let before = ["nic/a", "vm/m", "subnet/web"].map(|id| (id, programmed(id)));
    for stopped in [false, true] {
        if stopped {
            cluster.kill_operator();
        }
        for (id, _) in &before {
            merge(&space, id, &json!({"programmed": deep()})).unwrap();
        }
        if stopped {
            cluster.start_operator().unwrap();
        }
        for (id, before) in &before {
            let healed = poll("the status is as it was", || (programmed(id) == *before).then_some(()));
            healed.unwrap_or_else(|error| panic!("{id}: {error}"));
        }
        canary.is_unharmed();
    }
}
