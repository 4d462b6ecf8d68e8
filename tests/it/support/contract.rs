//! The status contract, checked on every status that any test sees.

use kube::core::DynamicObject;
use serde_json::Value;

/// What kstatus, and with it Flux and others, makes of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// As asked.
    Current,
    /// On its way.
    InProgress,
    /// Needs an edit.
    Failed,
    /// Being deleted.
    Terminating,
}

/// The rules of kstatus for kinds that it does not know.
pub fn kstatus(object: &DynamicObject) -> Health {
    if object.metadata.deletion_timestamp.is_some() {
        return Health::Terminating;
    }
    let status = &object.data["status"];
    let observed = status["observedGeneration"].as_i64();
    if observed.is_some() && observed != object.metadata.generation {
        return Health::InProgress;
    }
    let is = |kind: &str, truth: &str| condition(status, kind).is_some_and(|condition| condition["status"] == truth);
    if is("Reconciling", "True") {
        Health::InProgress
    } else if is("Stalled", "True") {
        Health::Failed
    } else if is("Ready", "False") || is("Ready", "Unknown") {
        Health::InProgress
    } else {
        Health::Current
    }
}

/// The condition of this type.
pub fn condition<'a>(status: &'a Value, kind: &str) -> Option<&'a Value> {
    status["conditions"].as_array()?.iter().find(|condition| condition["type"] == kind)
}

/// What of the contract a status breaks; nothing if the operator has not written it yet.
pub fn broken(object: &DynamicObject) -> Option<String> {
    let status = &object.data["status"];
    let observed = status["observedGeneration"].as_i64();
    if observed == Some(-1) {
        let health = kstatus(object);
        return (health == Health::Current).then(|| "kstatus takes it for current before it was seen".to_owned());
    }
    let always = ["ResolvedRefs", "Accepted", "Programmed", "Ready"];
    if let Some(missing) = always.into_iter().find(|kind| condition(status, kind).is_none()) {
        return Some(format!("condition {missing} is missing"));
    }
    for condition in status["conditions"].as_array().into_iter().flatten() {
        if condition["observedGeneration"].as_i64() != observed {
            return Some(format!("condition {} has another observedGeneration than the status", condition["type"]));
        }
        if condition["reason"].as_str().is_none_or(str::is_empty) {
            return Some(format!("condition {} has no reason", condition["type"]));
        }
    }
    readiness(status).or_else(|| sums_up(object, status))
}

/// Ready goes with Reconciling and Stalled, and with the violations.
fn readiness(status: &Value) -> Option<String> {
    let truth = |kind: &str| condition(status, kind).and_then(|condition| condition["status"].as_str());
    let violations: Vec<&Value> = status["violations"].as_array().into_iter().flatten().collect();
    let expected = match (truth("Reconciling"), truth("Stalled")) {
        (None, None) => "True",
        (Some("True"), None) => "Unknown",
        (None, Some("True")) => "False",
        other => return Some(format!("Reconciling and Stalled are {other:?}")),
    };
    if truth("Ready") != Some(expected) {
        return Some(format!("Ready is {:?} and should be {expected}", truth("Ready")));
    }
    let only_an_edit_helps = violations.iter().any(|violation| violation["retry"] == "OnEdit");
    if only_an_edit_helps != (expected == "False") {
        return Some(format!("Ready is {expected}, and retry OnEdit of a violation is {only_an_edit_helps}"));
    }
    let ready = condition(status, "Ready").map(|condition| &condition["reason"]);
    match violations.first() {
        Some(_) if expected == "True" => Some("Ready is True in spite of violations".to_owned()),
        Some(first) if ready != Some(&first["code"]) => {
            Some(format!("Ready's reason is {ready:?}, the first violation is {}", first["code"]))
        }
        Some(_) | None => None,
    }
}

/// Ready is all of the others, and what kstatus reads.
fn sums_up(object: &DynamicObject, status: &Value) -> Option<String> {
    let is_true = |kind: &str| condition(status, kind).is_some_and(|condition| condition["status"] == "True");
    let all = ["ResolvedRefs", "Accepted", "Programmed"].into_iter().all(is_true);
    if is_true("Ready") && !all {
        return Some("Ready is True, and one that it is made of is not".to_owned());
    }
    let carried = status["programmedGeneration"] == status["observedGeneration"] && !status["programmed"].is_null();
    if is_true("Ready") && !carried {
        return Some("Ready is True, and the fabric does not carry this generation".to_owned());
    }
    let seen = status["observedGeneration"].as_i64() == object.metadata.generation;
    let health = kstatus(object);
    let expected = if object.metadata.deletion_timestamp.is_some() {
        Health::Terminating
    } else if !seen || condition(status, "Reconciling").is_some() {
        Health::InProgress
    } else if condition(status, "Stalled").is_some() {
        Health::Failed
    } else {
        Health::Current
    };
    (health != expected).then(|| format!("kstatus reads {health:?}, and it is {expected:?}"))
}
