//! Statuses that users write: the API server refuses what is none, and the operator puts right what is a lie.

use kube::core::DynamicObject;
use serde_json::{Value, json};

use crate::support::canary::Canary;
use crate::support::cluster::poll;
use crate::support::lies::{lies, merge, write};
use crate::support::manifests::nic;
use crate::support::space::{Space, yaml};

/// A status without its times.
fn tells(object: &DynamicObject) -> Value {
    let mut status = object.data["status"].clone();
    for condition in status["conditions"].as_array_mut().into_iter().flatten() {
        condition["lastTransitionTime"] = Value::Null;
    }
    status
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
