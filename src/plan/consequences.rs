//! What came of an object: its differences between two states of a cluster, as the API server shows them.

use std::collections::BTreeSet;

use kube::core::DynamicObject;
use serde_json::{Value, json};

use super::cluster::Cluster;
use super::difference;
use super::manifests::Manifest;
use super::report::{Action, Difference, PlannedObject, PlannedViolation, Ready, Told};
use crate::api::object;
use crate::api::status::ViolationReport;
use crate::fabric::ObjectId;

/// The fields of a status, wherever in it, that tell what the fabric gave.
const ALLOCATED: [&str; 6] = ["privateIPAddress", "ipAddress", "ipPrefix", "fqdn", "macAddress", "powerState"];
/// The conditions that every object has, and those that sum them up.
const STANDARD: [&str; 6] = ["ResolvedRefs", "Accepted", "Programmed", "Ready", "Reconciling", "Stalled"];
/// The rules that refuse what can only be had by deleting the object and creating it anew.
pub const FIXED: [&str; 7] = ["AVS-01", "NIC-05", "PIP-01", "S-12", "S-14", "VMSS-12", "VMSS-26"];
/// What a status repeats of the spec, of others, and of itself.
const REPEATED: [&str; 5] = ["programmed", "conditions", "violations", "publicIPAddresses", "instances"];
/// The metadata that manifests set.
const METADATA: [&str; 2] = ["labels", "annotations"];

/// Two states of a cluster, and what happened between them.
pub struct Between<'a> {
    /// Before anything was done.
    pub before: &'a Cluster,
    /// When everything had come to rest.
    pub after: &'a Cluster,
    /// The virtual machines and instances that began to start.
    pub started: &'a BTreeSet<ObjectId>,
}

impl Between<'_> {
    /// What came of an object. `manifest` is what asks for it, and `refusals` is why the API server does not take that.
    pub fn of(&self, id: &ObjectId, manifest: Option<&Manifest>, refusals: Vec<ViolationReport>) -> PlannedObject {
        let (before, after) = (shown(self.before, id), shown(self.after, id));
        let stored = refusals.is_empty();
        let violations = if stored { after.map(violations).unwrap_or_default() } else { refusals };
        let fields = fields(before, after, manifest, stored);
        let action = action(before, after, manifest, &violations, stored && fields.is_empty());
        let place = |path: &str| manifest.map(|manifest| manifest.place_of(path));
        let told = violations.into_iter();
        let told: Vec<_> = told.map(|told| PlannedViolation { place: place(&told.path), violation: told }).collect();
        PlannedObject {
            object: id.into(),
            action,
            accepted: told.is_empty(),
            ready: after.filter(|_| stored).and_then(ready),
            place: manifest.map(Manifest::place),
            made_for: after.or(before).and_then(object::owner).map(|owner| owner.set.name.to_string()),
            fields,
            allocations: allocations(before, after),
            disruptions: self.disruptions(id, before, after),
            advice: after.filter(|_| stored).map(advice).unwrap_or_default(),
            violations: told,
        }
    }

    /// True if nothing came of an object.
    pub fn is_as_before(&self, id: &ObjectId) -> bool {
        let version =
            |cluster| shown(cluster, id).map(|object| (&object.metadata.uid, &object.metadata.resource_version));
        version(self.before) == version(self.after)
    }

    /// Whether it is refused now, and was not before, or for something else.
    pub fn is_refused_now(&self, id: &ObjectId) -> bool {
        let told = |cluster: &Cluster| {
            let violations = shown(cluster, id).map(violations).unwrap_or_default();
            violations.into_iter().map(|violation| (violation.rule, violation.path)).collect::<Vec<_>>()
        };
        let after = told(self.after);
        !after.is_empty() && after != told(self.before)
    }

    /// What the users of a virtual machine, or of an instance, feel.
    fn disruptions(&self, id: &ObjectId, before: Option<&DynamicObject>, after: Option<&DynamicObject>) -> Vec<String> {
        let Some((before, after)) = before.zip(after) else { return Vec::new() };
        let told = |object: &DynamicObject, field: &str| {
            object.data.pointer(&format!("/status/{field}")).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let (was, is) = (told(before, "powerState"), told(after, "powerState"));
        let restarted = told(before, "lastHandledRestartAt") != told(after, "lastHandledRestartAt");
        let what = match (was.as_str(), is.as_str()) {
            ("Running", "Running") if self.started.contains(id) && restarted => "is restarted",
            ("Running", "Running") if self.started.contains(id) => "is deallocated and started",
            ("Running", "Stopped") => "is stopped",
            ("Running", "Deallocated") => "is deallocated",
            ("Stopped" | "Deallocated", "Running") => "is started",
            _ => return Vec::new(),
        };
        vec![format!("{id} {what}.")]
    }
}

fn shown<'a>(cluster: &'a Cluster, id: &ObjectId) -> Option<&'a DynamicObject> {
    cluster.server().objects().get(id)
}

fn action(
    before: Option<&DynamicObject>,
    after: Option<&DynamicObject>,
    manifest: Option<&Manifest>,
    violations: &[ViolationReport],
    same: bool,
) -> Action {
    match (before, after) {
        (None, _) => Action::Create,
        (Some(_), None) => Action::Delete,
        (Some(before), Some(after)) if before.metadata.uid != after.metadata.uid => Action::Replace,
        (Some(_), Some(after)) if is_deleted(after) && manifest.is_some() => Action::Replace,
        (Some(before), Some(after)) if is_deleted(after) && !is_deleted(before) => Action::Delete,
        (Some(_), Some(_)) if same => Action::NoChange,
        (Some(_), Some(_)) if violations.iter().any(|violation| FIXED.contains(&&*violation.rule)) => Action::Replace,
        (Some(_), Some(_)) => Action::Update,
    }
}

/// The fields that are edited; of a manifest that the API server does not take, those that it asks for.
fn fields(
    before: Option<&DynamicObject>,
    after: Option<&DynamicObject>,
    manifest: Option<&Manifest>,
    stored: bool,
) -> Vec<Difference> {
    let Some((before, after)) = before.zip(after) else { return Vec::new() };
    let part = |object: &DynamicObject, path: &str| {
        let object = json!({"labels": object.metadata.labels, "annotations": object.metadata.annotations});
        object.get(path).filter(|value| !value.is_null()).cloned().unwrap_or_else(|| json!({}))
    };
    let spec = |object: &DynamicObject| object.data.get("spec").cloned().unwrap_or_default();
    let asked = manifest.filter(|_| !stored).map(|manifest| &manifest.object);
    let wanted = asked.map_or_else(|| spec(after), |asked| asked.get("spec").cloned().unwrap_or_default());
    let metadata = METADATA
        .into_iter()
        .flat_map(|path| difference::between(&part(before, path), &part(after, path), &format!("metadata.{path}")));
    difference::between(&spec(before), &wanted, "spec").into_iter().chain(metadata).collect()
}

fn is_deleted(object: &DynamicObject) -> bool {
    object.metadata.deletion_timestamp.is_some()
}

fn status(object: &DynamicObject) -> &Value {
    object.data.get("status").unwrap_or(&Value::Null)
}

/// What the fabric gave, and took. A MAC address follows from the uid of the object, which only the API server gives.
fn allocations(before: Option<&DynamicObject>, after: Option<&DynamicObject>) -> Vec<Difference> {
    let allocated = |object: Option<&DynamicObject>| object.map_or_else(|| json!({}), |object| view(status(object)));
    let is_new = before.is_none();
    let differences = difference::between(&allocated(before), &allocated(after), "");
    let told = differences.into_iter().filter(|difference| {
        let field = difference.field();
        ALLOCATED.contains(&field) && !(is_new && field == "macAddress")
    });
    told.collect()
}

/// A status without what repeats the spec, and without the lists of others.
fn view(status: &Value) -> Value {
    let fields = status.as_object().into_iter().flatten();
    let told = fields.filter(|(field, _)| !REPEATED.contains(&field.as_str()));
    Value::Object(told.map(|(field, value)| (field.clone(), value.clone())).collect())
}

/// What a status tells of broken constraints.
pub fn violations(object: &DynamicObject) -> Vec<ViolationReport> {
    let told = status(object).get("violations").cloned().unwrap_or_default();
    serde_json::from_value(told).unwrap_or_default()
}

fn conditions(object: &DynamicObject) -> impl Iterator<Item = (&str, &str, &str, &str)> {
    let all = status(object).get("conditions").and_then(Value::as_array).into_iter().flatten();
    all.map(|condition| {
        let text = |field: &str| condition.get(field).and_then(Value::as_str).unwrap_or_default();
        (text("type"), text("status"), text("reason"), text("message"))
    })
}

fn ready(object: &DynamicObject) -> Option<Ready> {
    let (_, status, reason, _) = conditions(object).find(|(kind, ..)| *kind == "Ready")?;
    Some(Ready { status: status.to_owned(), reason: reason.to_owned() })
}

fn advice(object: &DynamicObject) -> Vec<Told> {
    let told = conditions(object).filter(|(kind, ..)| !STANDARD.contains(kind));
    told.map(|(kind, _, _, message)| Told { condition: kind.to_owned(), message: message.to_owned() }).collect()
}
