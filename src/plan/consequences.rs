//! The effect on an object: its differences between two states of a cluster, as the API server shows them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kube::core::{DynamicObject, ObjectMeta};
use serde_json::{Map, Value, json};

use super::cluster::Cluster;
use super::manifests::{Manifest, Manifests};
use super::merge::LAST_APPLIED;
use super::report::{Action, Difference, PlannedObject, PlannedViolation, Ready, Told};
use super::{Judged, ServerSide, admission, difference};
use crate::api::status::{NamedObject, ViolationReport};
use crate::api::{FINALIZER, object};
use crate::fabric::virtual_machine_scale_set::{UpgradeMode, VirtualMachineScaleSet};
use crate::fabric::{Constraint, Kind, Name, ObjectId};

/// The fields of a status, wherever in it, that show what the fabric allocated.
pub const ALLOCATED: [&str; 6] = ["privateIPAddress", "ipAddress", "ipPrefix", "fqdn", "macAddress", "powerState"];
/// The fields that show an upgrade: the model of an instance, the latest one of its set, and how many instances have that.
/// They are shown only of what was there before.
pub const MODELS: [&str; 3] = ["revision", "updateRevision", "updatedReplicas"];
/// The conditions that every object has, and those that sum them up.
const STANDARD: [&str; 6] = ["ResolvedRefs", "Accepted", "Programmed", "Ready", "Reconciling", "Stalled"];
/// What a status repeats of the spec, of others, and of itself.
pub const REPEATED: [&str; 5] = ["programmed", "conditions", "violations", "publicIPAddresses", "instances"];
/// The label of every Namespace that the API server sets to its name, whatever a manifest says of it.
const NAME_OF_A_NAMESPACE: &str = "kubernetes.io/metadata.name";
/// The metadata that manifests set.
const METADATA: [&str; 4] = ["labels", "annotations", "finalizers", "ownerReferences"];

/// Two states of a cluster, and what happened between them.
pub struct Between<'a> {
    /// Before anything was done.
    pub before: &'a Cluster,
    /// When everything had come to rest.
    pub after: &'a Cluster,
    /// The virtual machines and instances that began to start.
    pub started: &'a BTreeSet<ObjectId>,
    /// What manifests ask for and was being deleted before.
    pub going: &'a BTreeSet<ObjectId>,
    /// The Namespaces that were known to be there.
    pub namespaces: &'a BTreeSet<Arc<str>>,
}

impl Between<'_> {
    /// The effect on an object. `manifest` is what asks for it, and `judged` what the API server says to that.
    pub fn of(&self, id: &ObjectId, manifest: Option<&Manifest>, judged: Option<&Judged>) -> PlannedObject {
        let (before, after) = (shown(self.before, id), shown(self.after, id));
        let (asked, violations) = match judged {
            Some(Judged::Refused(asked, why)) => (Some(admission::defaulted(id.kind, asked)), why.clone()),
            Some(Judged::Taken(_)) | None => (None, after.map(violations).unwrap_or_default()),
        };
        let stored = asked.is_none();
        let fields = fields(before, after, asked.as_ref());
        let action = match self.going.contains(id) {
            true => Action::Delete,
            false => action(before, after, stored && self.asks_for_a_new_one(id), stored && fields.is_empty()),
        };
        let place = |path: &str| manifest.map(|manifest| manifest.place_of(path));
        let told = violations.into_iter();
        let told: Vec<_> = told.map(|told| PlannedViolation { place: place(&told.path), violation: told }).collect();
        PlannedObject {
            object: NamedObject::written(id),
            action,
            accepted: told.is_empty(),
            ready: after.filter(|_| stored).and_then(ready),
            place: manifest.map(Manifest::place),
            made_for: after.or(before).and_then(object::owner).map(|owner| owner.set.name.to_string()),
            fields,
            allocations: allocations(before, after),
            disruptions: self.disruptions(id, before, after),
            advice: self.advice(id, before, after.filter(|_| stored)),
            violations: told,
        }
    }

    /// True if only another object can have what is asked for.
    fn asks_for_a_new_one(&self, id: &ObjectId) -> bool {
        self.after.violations(id).iter().any(|violation| violation.constraint == Constraint::Immutable)
    }

    /// What there is to know beside.
    fn advice(&self, id: &ObjectId, before: Option<&DynamicObject>, after: Option<&DynamicObject>) -> Vec<Told> {
        let known: Vec<Told> = before.map(|before| advice(before, &[])).unwrap_or_default();
        let told = after.map(|after| advice(after, &known)).unwrap_or_default();
        let going = self.going.contains(id).then(|| Told {
            condition: "Terminating".to_owned(),
            message:
                "It is being deleted: one apply edits what goes, and creates nothing. Apply again once it has gone."
                    .to_owned(),
            new: true,
        });
        let is_manual = after.and_then(|_| by_hand(self.after, id));
        let is_manual = is_manual.map(|message| Told {
            condition: "UpgradeIsManual".to_owned(),
            new: Some(&message) != by_hand(self.before, id).as_ref(),
            message,
        });
        let with_its_machine = self.machine_that_goes_with(id).map(|vm| Told {
            condition: "DeletedWithVirtualMachine".to_owned(),
            message: format!("It is deleted with {vm}: deleteOption says so."),
            new: true,
        });
        let own = going.into_iter().chain(with_its_machine).chain(cured(before, after)).chain(is_manual);
        own.chain(told).collect()
    }

    /// The virtual machine that is deleted, and takes an object along (VM-23).
    fn machine_that_goes_with(&self, id: &ObjectId) -> Option<ObjectId> {
        let is_going = |cluster, id: &ObjectId| shown(cluster, id).is_none_or(is_deleted);
        let goes = |id: &ObjectId| !is_going(self.before, id) && is_going(self.after, id);
        let vm = ObjectId::new(Kind::VirtualMachine, self.before.engine().deleted_with(id)?.vm.clone());
        (goes(id) && goes(&vm)).then_some(vm)
    }

    /// True if an object is unchanged.
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

    /// Why an object that nothing refuses is not Ready in the end: reason and message.
    pub fn waits(&self, id: &ObjectId) -> Option<(String, String)> {
        waits(shown(self.after, id)?)
    }

    /// Whether it waits for an action then, and did not before, or for another one.
    pub fn waits_now(&self, id: &ObjectId) -> bool {
        let after = self.waits(id);
        after.is_some() && after != shown(self.before, id).and_then(waits)
    }

    /// What the users of a virtual machine, or of an instance, feel.
    fn disruptions(&self, id: &ObjectId, before: Option<&DynamicObject>, after: Option<&DynamicObject>) -> Vec<String> {
        let Some(before) = before else { return Vec::new() };
        let told = |object: &DynamicObject, field: &str| {
            object.data.pointer(&format!("/status/{field}")).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let was = told(before, "powerState");
        let Some(after) = after.filter(|after| !is_deleted(after)) else {
            let is_felt = was == "Running" && !is_deleted(before);
            return if is_felt { vec![format!("{id} is deleted while it runs.")] } else { Vec::new() };
        };
        let is = told(after, "powerState");
        let is_handled = told(before, "lastHandledRestartAt") != told(after, "lastHandledRestartAt");
        let restarted = is_handled || self.set_restarts(after);
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

impl Between<'_> {
    /// Whether the scale set that owns an object restarts all its instances.
    fn set_restarts(&self, instance: &DynamicObject) -> bool {
        let Some(owner) = object::owner(instance) else { return false };
        let set = ObjectId::new(Kind::VirtualMachineScaleSet, owner.set);
        let told = |cluster, field| shown(cluster, &set).and_then(|set| set.data.pointer(field));
        ["/status/lastHandledRestartAt", "/status/restart"]
            .iter()
            .any(|field| told(self.before, field) != told(self.after, field))
    }
}

/// The Namespaces that are created or edited, where it is known which there are.
pub fn of_namespaces(
    there: Option<&BTreeMap<Arc<str>, ObjectMeta>>,
    manifests: &Manifests,
    server_side: Option<&ServerSide>,
) -> Vec<PlannedObject> {
    let Some(there) = there else { return Vec::new() };
    let planned = manifests.namespaces.iter().filter_map(|(name, manifest)| {
        let before = there.get(name);
        let written = |object: &Value| {
            let mut metadata = object.get("metadata").cloned().unwrap_or_default();
            if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
                labels.remove(NAME_OF_A_NAMESPACE);
            }
            of_users(&json!({"metadata": metadata}))
        };
        let fields = before.map(|before| {
            let after = manifest.laid_over(Some(before), server_side);
            difference::between(&written(&json!({"metadata": before})), &written(&after), "")
        });
        let fields = fields.unwrap_or_default();
        let action = if before.is_none() { Action::Create } else { Action::Update };
        (before.is_none() || !fields.is_empty()).then(|| PlannedObject {
            object: NamedObject { kind: "Namespace".to_owned(), namespace: String::new(), name: name.to_string() },
            action,
            accepted: true,
            ready: None,
            place: Some(manifest.place.clone()),
            made_for: None,
            fields,
            allocations: Vec::new(),
            disruptions: Vec::new(),
            advice: Vec::new(),
            violations: Vec::new(),
        })
    });
    planned.collect()
}

fn shown<'a>(cluster: &'a Cluster, id: &ObjectId) -> Option<&'a DynamicObject> {
    cluster.server().objects().get(id)
}

fn action(
    before: Option<&DynamicObject>,
    after: Option<&DynamicObject>,
    asks_for_a_new_one: bool,
    same: bool,
) -> Action {
    match (before, after) {
        (None, _) => Action::Create,
        (Some(_), None) => Action::Delete,
        (Some(before), Some(after)) if before.metadata.uid != after.metadata.uid => Action::Replace,
        (Some(before), Some(after)) if is_deleted(after) && !is_deleted(before) => Action::Delete,
        (Some(_), Some(_)) if same => Action::NoChange,
        (Some(before), Some(_)) if is_carried(before) && asks_for_a_new_one => Action::Replace,
        (Some(_), Some(_)) => Action::Update,
    }
}

/// The fields that are edited; of what the API server does not take, those that it was asked for.
fn fields(before: Option<&DynamicObject>, after: Option<&DynamicObject>, asked: Option<&Value>) -> Vec<Difference> {
    let Some((before, after)) = before.zip(after) else { return Vec::new() };
    let written =
        |object: &DynamicObject| serde_json::to_value(object).map(|object| of_users(&object)).unwrap_or_default();
    difference::between(&written(before), &asked.map_or_else(|| written(after), of_users), "")
}

/// What users write of an object, without what is written for them.
fn of_users(object: &Value) -> Value {
    let metadata = METADATA.into_iter().filter_map(|field| {
        let mut value = object.get("metadata")?.get(field)?.clone();
        match &mut value {
            Value::Object(fields) => fields.retain(|name, _| name != LAST_APPLIED),
            Value::Array(items) => items.retain(|item| item != FINALIZER),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        let is_empty = value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty);
        (!is_empty).then(|| (field.to_owned(), value))
    });
    json!({"spec": object.get("spec"), "metadata": metadata.collect::<Map<_, _>>()})
}

/// True if the fabric carries it: what was never accepted can be corrected.
fn is_carried(object: &DynamicObject) -> bool {
    status(object).get("programmed").is_some()
}

fn is_deleted(object: &DynamicObject) -> bool {
    object.metadata.deletion_timestamp.is_some()
}

fn status(object: &DynamicObject) -> &Value {
    object.data.get("status").unwrap_or(&Value::Null)
}

/// What the fabric gave, and took; of what was there already, the models too. A MAC address follows from the uid of the
/// object, which only the API server gives.
fn allocations(before: Option<&DynamicObject>, after: Option<&DynamicObject>) -> Vec<Difference> {
    let allocated = |object: Option<&DynamicObject>| object.map_or_else(|| json!({}), |object| view(status(object)));
    let is_new = before.is_none();
    let differences = difference::between(&allocated(before), &allocated(after), "");
    let told = differences.into_iter().filter(|difference| {
        let field = difference.field();
        match is_new {
            true => ALLOCATED.contains(&field) && field != "macAddress",
            false => ALLOCATED.contains(&field) || (MODELS.contains(&field) && !difference.after.is_null()),
        }
    });
    let told: Vec<Difference> = told.collect();
    // How many are up to date is shown of an upgrade, and not of scaling.
    let is_upgrade = told.iter().any(|told| told.field() == "updateRevision");
    told.into_iter().filter(|told| is_upgrade || told.field() != "updatedReplicas").collect()
}

/// A status without what repeats the spec, and without the lists of others.
fn view(status: &Value) -> Value {
    let fields = status.as_object().into_iter().flatten();
    let told = fields.filter(|(field, _)| !REPEATED.contains(&field.as_str()));
    Value::Object(told.map(|(field, value)| (field.clone(), value.clone())).collect())
}

/// The broken constraints that a status lists.
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

fn waits(object: &DynamicObject) -> Option<(String, String)> {
    let (_, status, reason, message) = conditions(object).find(|(kind, ..)| *kind == "Ready")?;
    let is_refused = !violations(object).is_empty();
    (status != "True" && !is_refused && !is_deleted(object)).then(|| (reason.to_owned(), message.to_owned()))
}

/// That instances of a scale set keep an older model until a user upgrades them (VMSS-06).
fn by_hand(cluster: &Cluster, id: &ObjectId) -> Option<String> {
    let set =
        cluster.engine().get::<VirtualMachineScaleSet>(&id.name).filter(|_| id.kind == Kind::VirtualMachineScaleSet)?;
    let keep = set.held.instances.values().filter(|instance| instance.target < set.held.revision).count();
    let Name { namespace, name } = &id.name;
    (set.ask.upgrade == UpgradeMode::Manual && keep > 0).then(|| {
        format!(
            "The upgrade mode is Manual. Instances that keep an older model until they are upgraded: {keep}. \
             `vnet upgrade vmss/{name} -n {namespace} --all` upgrades them."
        )
    })
}

/// That an object which was refused is so no longer.
fn cured(before: Option<&DynamicObject>, after: Option<&DynamicObject>) -> Option<Told> {
    let (before, after) = (violations(before?), violations(after?));
    let rules: BTreeSet<&str> = before.iter().map(|violation| violation.rule.as_str()).collect();
    let message = format!("It was refused by {}, and is so no longer.", Vec::from_iter(rules).join(", "));
    (!before.is_empty() && after.is_empty()).then(|| Told { condition: "Cured".to_owned(), message, new: true })
}

/// The conditions beside the standard ones; those that are `known` are not new.
fn advice(object: &DynamicObject, known: &[Told]) -> Vec<Told> {
    let told = conditions(object).filter(|(kind, ..)| !STANDARD.contains(kind));
    let is_new =
        |kind: &str, message: &str| !known.iter().any(|told| told.condition == kind && told.message == message);
    told.map(|(kind, _, _, message)| Told {
        condition: kind.to_owned(),
        message: message.to_owned(),
        new: is_new(kind, message),
    })
    .collect()
}
