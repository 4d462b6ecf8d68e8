//! The status of every kind: what is the same for all, with what the fabric reports beside it.

use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Api;
use super::conditions::{self, Since};
use crate::fabric::virtual_machine_scale_set::BLOCKED_REASONS;
use crate::fabric::{
    Advice, Cure, Engine, Kind, Name, ObjectId, Placement, Programmed, Uid, VIOLATIONS_PER_REFUSAL, Violation,
};

/// The generation that a status speaks of before the operator has seen the object.
pub const UNOBSERVED: i64 = -1;

/// The status of an object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Status<V> {
    /// The generation of the spec that this status was computed from; -1 before the operator has observed the object.
    pub observed_generation: i64,
    /// The generation of the last accepted spec; absent if none was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub programmed_generation: Option<i64>,
    /// The Azure resource id of the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_id: Option<String>,
    /// The Azure region of the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The last accepted spec, with its defaults filled in. A refused edit does not change it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("type" = "object", "x-kubernetes-preserve-unknown-fields" = true))]
    pub programmed: Option<Value>,
    /// The conditions of the object: ResolvedRefs, Accepted, Programmed and Ready, which summarizes them; Reconciling
    /// or Stalled are present while Ready is not True.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The constraints that the spec, or the deletion of the object, violates: at most 32. The conditions show the
    /// first one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = VIOLATIONS_PER_REFUSAL), extend("x-kubernetes-list-type" = "atomic"))]
    pub violations: Vec<ViolationReport>,
    /// What the fabric reports.
    #[serde(flatten)]
    pub view: V,
}

/// A violated constraint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ViolationReport {
    /// The id of the violated rule. `vnet rules ID` describes it.
    pub rule: String,
    /// The Azure error code.
    pub code: String,
    /// The path of the field that violates the constraint, such as spec.subnet.
    pub path: String,
    /// What is violated, with the evidence.
    pub message: String,
    /// How to resolve the violation.
    pub remedy: String,
    /// The objects that block the request: the first 8.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), extend("x-kubernetes-list-type" = "atomic"))]
    pub blocked_by: Vec<NamedObject>,
    /// The number of objects that block the request, if blockedBy does not list all of them. Every part of an instance
    /// of a scale set is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked_by_count: Option<i32>,
    /// OnChange: the request is retried automatically when the objects that block it change. OnEdit: only an edit of
    /// this object resolves the violation.
    pub retry: String,
}

/// An object, as statuses and plans name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[schemars(description = "An object in the way of another.")]
pub struct NamedObject {
    /// The kind of the object.
    pub kind: String,
    /// The namespace of the object.
    pub namespace: String,
    /// The name of the object.
    pub name: String,
}

/// What the operator knows of an object when it reports.
#[derive(Clone, Copy, Debug)]
pub struct Findings<'a> {
    /// Which life of the object.
    pub uid: &'a Uid,
    /// The generation of the spec that was judged.
    pub generation: i64,
    /// What the spec, or the deletion, broke.
    pub violations: &'a [Violation],
    /// Where the object would be if it were put now.
    pub expected: Option<&'a Placement>,
    /// Since when the conditions are as they are.
    pub since: &'a Since,
    /// Now, to the second.
    pub now: Timestamp,
}

/// The status of one object, as JSON.
pub fn report<K: Api>(engine: &Engine, name: &Name, found: Findings<'_>) -> Value {
    // An earlier life of the name is another's.
    let programmed = engine.get::<K>(name).filter(|programmed| programmed.uid == *found.uid);
    // An object that asks for another location is refused for that; the condition about the Namespace is left out.
    let moves = found.violations.iter().any(|violation| violation.rule == "S-12");
    let expected = found.expected.filter(|_| !moves);
    let status = Status {
        observed_generation: found.generation,
        programmed_generation: programmed.map(|programmed| programmed.generation),
        resource_id: programmed.map(|programmed| programmed.resource_id(engine, name)),
        location: programmed.map(|programmed| programmed.placement.location.to_string()),
        programmed: programmed.map(|programmed| described(name, programmed)),
        conditions: conditions::of(
            &conditions::State {
                generation: found.generation,
                programmed: programmed.map(|programmed| programmed.generation),
                violations: found.violations,
                progress: programmed.and_then(|programmed| K::progress(engine, name, programmed)),
                advice: programmed.map(|programmed| advice(engine, name, programmed, expected)).unwrap_or_default(),
            },
            found.since,
            found.now,
        ),
        violations: found.violations.iter().take(VIOLATIONS_PER_REFUSAL).map(ViolationReport::from).collect(),
        view: programmed.map(|programmed| K::observe(engine, name, programmed)).unwrap_or_default(),
    };
    super::json(&status)
}

/// The part of a status that is tried alone when the API server does not take the whole: the conditions, which say so in its
/// words, and no list.
pub fn of_a_refused_status(status: &Value, why: &str, since: &Since, now: Timestamp) -> Value {
    let read = |field: &str| status.get(field).cloned().unwrap_or_default();
    let generation = read("observedGeneration");
    let conditions: Vec<Condition> = serde_json::from_value(read("conditions")).unwrap_or_default();
    let conditions = conditions::of_a_refused_status(conditions, generation.as_i64(), why, since, now);
    serde_json::json!({"observedGeneration": generation, "conditions": super::json(&conditions), "violations": null})
}

/// The spec that is carried. Of tags it has those with names that a new object may not have: they are judged no more (S-93).
fn described<K: Api>(name: &Name, programmed: &Programmed<K>) -> Value {
    let mut spec = super::json(&programmed.ask.describe(name, &programmed.placement.location));
    let tags: serde_json::Map<String, Value> =
        programmed.common.refused_tags().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    if let Some(fields) = spec.as_object_mut() {
        let azure_name = programmed.common.azure_name.as_deref().map(|name| ("azureName".to_owned(), name.into()));
        fields.extend(azure_name);
        fields.extend((!tags.is_empty()).then(|| ("tags".to_owned(), tags.into())));
    }
    spec
}

/// The advice of the kind, and where the labels of the Namespace have changed since the object was put: that moves nothing
/// (S-12).
fn advice<K: Api>(
    engine: &Engine,
    name: &Name,
    programmed: &Programmed<K>,
    expected: Option<&Placement>,
) -> Vec<Advice> {
    let mut advice = K::advice(engine, name, programmed);
    let inherits = programmed.ask.inherited_placement(engine).is_some();
    if let Some(expected) = expected.filter(|expected| !inherits && **expected != programmed.placement) {
        advice.push(Advice {
            condition: "NamespaceLabelsDiffer",
            reason: "PlacementIsFixed",
            message: format!(
                "The object is in {}, and by its Namespace it would be in {expected}. It stays; delete it and create it again to move it.",
                programmed.placement
            ),
        });
    }
    advice
}

impl From<&Violation> for ViolationReport {
    fn from(violation: &Violation) -> Self {
        Self {
            rule: violation.rule.to_owned(),
            code: violation.code.to_string(),
            path: violation.path.clone(),
            message: violation.message.clone(),
            remedy: violation.remedy.clone(),
            blocked_by: named(&violation.blocked_by),
            blocked_by_count: Some(violation.blocked_by_count)
                .filter(|count| *count > violation.blocked_by.len())
                .and_then(|count| i32::try_from(count).ok()),
            retry: match violation.cure {
                Cure::Wait(_) => "OnChange",
                Cure::Edit => "OnEdit",
            }
            .to_owned(),
        }
    }
}

/// Objects as users know them; several parts of an instance are that instance.
fn named(objects: &[ObjectId]) -> Vec<NamedObject> {
    let mut named: Vec<NamedObject> = objects.iter().map(NamedObject::from).collect();
    named.dedup();
    named
}

impl std::fmt::Display for NamedObject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.namespace.as_str() {
            "" => write!(f, "{} {}", self.kind, self.name),
            namespace => write!(f, "{} {namespace}/{}", self.kind, self.name),
        }
    }
}

impl NamedObject {
    /// An object as users write it, whatever its name: it is no part of an instance, though it may be called like one.
    pub fn written(ObjectId { kind, name }: &ObjectId) -> Self {
        Self { kind: kind.to_string(), namespace: name.namespace.to_string(), name: name.name.to_string() }
    }
}

impl From<&ObjectId> for NamedObject {
    fn from(id: &ObjectId) -> Self {
        Self::written(&id.shown())
    }
}

/// What is remembered of a status that stands on the API server, instead of the status.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Published {
    /// A digest of all of it.
    pub all: u64,
    /// A digest of all but what follows others' comings and goings; of a refusal, that is its rules, codes and paths.
    pub cold: u64,
    /// The generation of the spec that it speaks of.
    pub generation: Option<i64>,
    /// Since when each condition is as it is.
    pub since: Since,
    /// Each violation that it shows: what makes it the same one, and what it says.
    pub violations: Vec<Fingerprint>,
    /// What is in the way of a scale set, if anything is: reason and message.
    pub blocked: Option<(String, String)>,
    /// The generation that it says is programmed.
    pub programmed_generation: Option<i64>,
    /// The ids of the instances of a scale set, as ranges.
    pub instance_ids: Box<str>,
}

impl Published {
    /// What is to be remembered of this status.
    pub fn of(kind: Kind, status: &Value) -> Self {
        let read = |field: &str| status.get(field).cloned().unwrap_or_default();
        let conditions: Vec<Condition> = serde_json::from_value(read("conditions")).unwrap_or_default();
        let violations: Vec<ViolationReport> = serde_json::from_value(read("violations")).unwrap_or_default();
        Self {
            all: digest(status),
            cold: cold_digest(kind, status),
            generation: read("observedGeneration").as_i64(),
            since: Since::of(&conditions),
            violations: violations.iter().map(Fingerprint::of).collect(),
            blocked: conditions.into_iter().find(is_blocked).map(|ready| (ready.reason, ready.message)),
            programmed_generation: read("programmedGeneration").as_i64(),
            instance_ids: status.get("instanceIds").and_then(Value::as_str).unwrap_or_default().into(),
        }
    }
}

fn is_blocked(condition: &Condition) -> bool {
    condition.type_ == "Ready" && BLOCKED_REASONS.contains(&condition.reason.as_str())
}

/// What is remembered of a violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// Of rule, code and path: the same violation, whatever its message says of others by now.
    pub identity: u64,
    /// Of its message.
    pub message: u64,
}

impl Fingerprint {
    /// That of a violation.
    pub fn of(violation: &ViolationReport) -> Self {
        let ViolationReport { rule, code, path, message, .. } = violation;
        Self { identity: hash((rule, code, path)), message: hash(message) }
    }
}

fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn digest(status: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    hash_value(status, &[], &mut hasher);
    hasher.finish()
}

/// The words of violations and conditions, which follow others' comings and goings.
const WORDS: [(&str, &[&str]); 2] =
    [("violations", &["message", "remedy", "blockedBy", "blockedByCount"]), ("conditions", &["message"])];

/// A digest of a status without its hot fields and without words.
fn cold_digest(kind: Kind, status: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    let lists = WORDS.map(|(list, _)| list);
    hash_value(status, &[kind.hot_fields(), &lists].concat(), &mut hasher);
    for (list, words) in WORDS {
        let items = status.get(list).and_then(Value::as_array).into_iter().flatten();
        list.hash(&mut hasher);
        items.for_each(|item| hash_value(item, words, &mut hasher));
    }
    hasher.finish()
}

/// Hashes a value, in whatever order its keys are; fields of it that are named in `except` do not count.
fn hash_value(value: &Value, except: &[&str], hasher: &mut DefaultHasher) {
    std::mem::discriminant(value).hash(hasher);
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().filter(|(key, _)| !except.contains(&key.as_str())).collect();
            fields.sort_unstable_by_key(|(key, _)| *key);
            fields.len().hash(hasher);
            for (key, value) in fields {
                key.hash(hasher);
                hash_value(value, &[], hasher);
            }
        }
        Value::Array(items) => {
            items.len().hash(hasher);
            items.iter().for_each(|item| hash_value(item, &[], hasher));
        }
        Value::String(text) => text.hash(hasher),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string().hash(hasher),
    }
}
