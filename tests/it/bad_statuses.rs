//! Statuses that somebody else writes: the API server refuses what is none, and the operator puts right what is a lie,
//! whether it runs or not.

use std::collections::BTreeSet;

use kube::core::DynamicObject;
use serde_json::{Value, json};

use crate::support::canary::Canary;
use crate::support::cluster::{alone, poll};
use crate::support::contract::{self, Health, kstatus};
use crate::support::manifests::{machine, nic};
use crate::support::space::{Space, address, yaml};

/// Writes a status by hand; `Err` is what the API server says.
fn write(space: &Space<'_>, id: &str, how: &str, change: &Value) -> Result<(), String> {
    let arguments = ["patch", id, "--subresource=status", how, "--patch-file=/dev/stdin"];
    let told = space.kubectl(&arguments, &change.to_string());
    if told.ok { Ok(()) } else { Err(told.err) }
}

fn merge(space: &Space<'_>, id: &str, status: &Value) -> Result<(), String> {
    write(space, id, "--type=merge", &json!({"status": status}))
}

/// Nests as deep as nobody needs.
fn deep() -> Value {
    (0..1000).fold(json!(1), |below, _| json!({"a": below}))
}

/// A status without its times.
fn tells(object: &DynamicObject) -> Value {
    let mut status = object.data["status"].clone();
    for condition in status["conditions"].as_array_mut().into_iter().flatten() {
        condition["lastTransitionTime"] = Value::Null;
    }
    status
}

/// What a lie may be, and the API server lets through: of a NIC, by the field.
fn lies() -> Vec<Value> {
    let condition = |kind: &str, status: &str| json!({"type": kind, "status": status, "reason": "Lie", "message": "", "lastTransitionTime": "1970-01-01T00:00:00Z"});
    let violation = json!({
        "rule": "NIC-99", "code": "Lie", "path": "spec", "message": "🦀", "remedy": "\u{202e}", "retry": "Never",
    });
    vec![
        json!({"observedGeneration": i64::MAX, "programmedGeneration": -1}),
        json!({"programmed": null, "programmedGeneration": null, "location": null}),
        json!({"programmed": {"subnet": 7, "ipConfigurations": "none"}}),
        json!({"programmed": {"text": "🦀".repeat(100_000)}}),
        json!({"conditions": [condition("Ready", "False"), condition("Lie", "True")]}),
        json!({"conditions": null}),
        json!({"violations": [violation]}),
        json!({"location": "West Europe", "resourceId": "/"}),
        json!({"ipConfigurations": []}),
        json!({"ipConfigurations": [{"name": "", "primary": false, "privateIPAddress": "10.0.1.4"}]}),
        json!({"ipConfigurations": [{"name": "ipconfig1", "primary": true, "privateIPAddress": "none"}]}),
        json!({"macAddress": "none", "virtualMachine": {"name": "none", "namespace": "\u{0}"}, "primary": true}),
    ]
}

#[test]
fn what_is_no_status_is_refused_by_its_field() {
    let space = Space::with_a_subnet();
    let canary = Canary::of(&space);
    space.apply(&nic("a", "web"));
    space.ready("nic/a");
    let twice = json!([
        {"type": "Ready", "status": "True", "reason": "A", "message": "", "lastTransitionTime": "1970-01-01T00:00:00Z"},
        {"type": "Ready", "status": "True", "reason": "A", "message": "", "lastTransitionTime": "1970-01-01T00:00:00Z"},
    ]);
    let rows = [
        (json!("Ready"), "status: Invalid value"),
        (json!({"observedGeneration": "one"}), "status.observedGeneration: Invalid value"),
        (json!({"conditions": "none"}), "status.conditions: Invalid value"),
        (json!({"conditions": [{}]}), "status.conditions[0].type: Required value"),
        (json!({"conditions": twice}), "status.conditions[1]: Duplicate value"),
        (json!({"conditions": vec![json!({"type": "A"}); 17]}), "status.conditions: Too many"),
        (json!({"violations": [{"rule": 7}]}), "status.violations[0].rule: Invalid value"),
        (json!({"programmed": "all"}), "status.programmed: Invalid value"),
        (json!({"macAddress": "0".repeat(1000)}), "status.macAddress: Too long"),
        (json!({"ipConfigurations": [null]}), "status.ipConfigurations[0]: Invalid value"),
    ];
    for (status, says) in rows {
        let said = merge(&space, "nic/a", &status).expect_err("it is no status");
        assert!(said.contains(says), "{status}: {says:?} is not said: {said}");
        let whole = json!([{"op": "replace", "path": "/status", "value": status}]);
        let said = write(&space, "nic/a", "--type=json", &whole).expect_err("it is no status");
        assert!(said.contains(says), "{whole}: {says:?} is not said: {said}");
    }
    canary.is_unharmed();
}

#[test]
fn a_status_that_lies_is_put_right() {
    let space = Space::with_a_subnet();
    let canary = Canary::of(&space);
    space.apply(&nic("a", "web"));
    let before = space.ready("nic/a");
    for lie in lies() {
        merge(&space, "nic/a", &lie).unwrap();
        let right = poll("the status is as it was", || (tells(&space.get("nic/a")) == tells(&before)).then_some(()));
        assert!(right.is_ok(), "after {lie}:\n{}", yaml(&space.get("nic/a")));
    }
    canary.is_unharmed();
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
