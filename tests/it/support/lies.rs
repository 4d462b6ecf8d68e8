//! Statuses that are not written by the operator.

use serde_json::{Value, json};

use crate::support::space::Space;

/// Writes a status by hand; `Err` is what the API server says.
pub fn write(space: &Space<'_>, id: &str, how: &str, change: &Value) -> Result<(), String> {
    let arguments = ["patch", id, "--subresource=status", how, "--patch-file=/dev/stdin"];
    let told = space.kubectl(&arguments, &change.to_string());
    if told.ok { Ok(()) } else { Err(told.err) }
}

/// Merges into a status by hand.
pub fn merge(space: &Space<'_>, id: &str, status: &Value) -> Result<(), String> {
    write(space, id, "--type=merge", &json!({"status": status}))
}

/// What a lie may be, and the API server lets through: of a NIC, by the field.
pub fn lies() -> Vec<Value> {
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
