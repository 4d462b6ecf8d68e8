//! Server-side apply, as the API server does it: for who applies manifests so, and for what the operator writes of Flexible
//! scale sets.
//!
//! `managedFields` say whose a field is. What a manager had applied and applies no longer goes, unless it is another's too;
//! what others have set stays; a field that would change and is another manager's is a conflict, or is taken over by force.
//! Lists are merged as the CRD's schema says of them: by their keys, or as a whole.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use kube::core::DynamicObject;
use serde_json::{Map, Value, json};

use super::field_set::{Change, FieldSet, compare, fields, merged, path_in, path_of_the_server, pruned};
use super::merge::LAST_APPLIED;
use crate::api;
use crate::api::crd;
use crate::fabric::Kind;

/// The manager of `kubectl apply --server-side`, which may change what the annotation of client-side apply
/// records.
pub const KUBECTL: &str = "kubectl";
/// Who edits what the operator applies, in a plan.
const EDITOR: &str = "plan";
/// The metadata that are applied; the rest is the API server's.
const METADATA: [&str; 4] = ["labels", "annotations", "finalizers", "ownerReferences"];

/// Who applies, and how.
#[derive(Clone, Copy, Debug)]
pub struct Manager<'a> {
    /// Its name.
    pub name: &'a str,
    /// Whether it takes over what is another's and would change.
    pub force: bool,
}

/// A field that would change and is another manager's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Where the manifest has it.
    pub path: String,
    /// What the API server says of it.
    pub message: String,
}

/// What of a kind is applied: its schema, with that of metadata. Of a Namespace (no kind) nothing else is known.
fn schema(kind: Option<Kind>) -> &'static Value {
    static SCHEMAS: LazyLock<BTreeMap<Option<Kind>, Value>> = LazyLock::new(|| {
        let texts = json!({"additionalProperties": {"type": "string"}});
        let owners = json!({
            "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["uid"],
            "items": {"x-kubernetes-map-type": "atomic"},
        });
        let metadata = json!({"properties": {
            "labels": texts, "annotations": texts, "finalizers": {"x-kubernetes-list-type": "set"},
            "ownerReferences": owners,
        }});
        let with = |spec: Option<&Value>| json!({"properties": {"metadata": metadata, "spec": spec}});
        let kinds = crd::schemas().map(|(kind, schema)| (Some(kind), with(schema.pointer("/properties/spec"))));
        kinds.chain([(None, with(None))]).collect()
    });
    SCHEMAS.get(&kind).unwrap_or(&Value::Null)
}

/// The stored object once a manager has applied a manifest to it.
///
/// # Errors
/// Every [`Conflict`], if the API server would answer with them.
pub fn apply(
    kind: Option<Kind>,
    stored: &Value,
    manifest: &Value,
    manager: Manager<'_>,
) -> Result<Value, Vec<Conflict>> {
    let schema = schema(kind);
    let (live, config) = (applicable(stored), applicable(manifest));
    let (own, others): (Vec<_>, Vec<_>) = managers(stored).partition(|(entry, _)| is_applied_by(entry, manager.name));
    let named = fields(schema, &config);
    let mut next = merged(schema, &live, &config);
    if let Some((_, last)) = own.first() {
        let managed = others.iter().fold(named.clone(), |all, (_, fields)| all.union(fields));
        next = pruned(schema, &next, last, &managed);
    }
    let Change { changed, removed } = compare(schema, Some(&live), Some(&next));
    if !manager.force {
        let allowed =
            if manager.name == KUBECTL { known_to_kubectl(schema, stored, &live) } else { FieldSet::default() };
        let in_the_way = others.iter().map(|(entry, fields)| (entry, fields.common(&changed)));
        let in_the_way: Vec<_> = in_the_way.filter(|(_, fields)| !fields.minus(&allowed).is_empty()).collect();
        let of_one = |(entry, fields): &(&&Value, FieldSet)| {
            let who = printed(entry);
            let conflict = |path: Vec<String>| Conflict {
                path: path_in(schema, &config, &path),
                message: format!("conflict with {who}: {}", path_of_the_server(&path)),
            };
            fields.minus(&allowed).members().into_iter().map(conflict).collect::<Vec<_>>()
        };
        if !in_the_way.is_empty() {
            return Err(in_the_way.iter().flat_map(of_one).collect());
        }
    }
    let left = others.into_iter().filter_map(|(entry, fields)| {
        let left = fields.minus(&changed).minus(&removed);
        (!left.is_empty()).then(|| with_fields(entry, &left))
    });
    let mut entries: Vec<Value> = left.collect();
    entries.push(entry_of(manager.name, "Apply", &named));
    Ok(written(stored, next, entries))
}

/// Notes in an object that a manager has applied this manifest, and that what differs from it is another manager's.
pub fn note_applied(kind: Kind, object: &mut DynamicObject, manifest: &Value, manager: &str) {
    rewrite(object, |told| {
        was_edited(kind, told, manifest);
        let named = fields(schema(Some(kind)), &applicable(manifest));
        let mut entries: Vec<Value> = entries(told).filter(|entry| !is_applied_by(entry, manager)).cloned().collect();
        entries.push(entry_of(manager, "Apply", &named));
        set_entries(told, entries);
    });
}

/// Notes in an object that what differs from what is stored is another manager's from here on.
pub fn note_edit(kind: Kind, object: &mut DynamicObject, stored: &DynamicObject) {
    rewrite(object, |told| was_edited(kind, told, &api::json(stored)));
}

/// True if the object shows the managers of its fields.
pub fn is_managed(object: &DynamicObject) -> bool {
    object.metadata.managed_fields.as_ref().is_some_and(|entries| !entries.is_empty())
}

fn rewrite(object: &mut DynamicObject, change: impl FnOnce(&mut Value)) {
    let mut told = api::json(object);
    change(&mut told);
    if let Ok(told) = serde_json::from_value(told) {
        *object = told;
    }
}

/// Notes in an object that what differs from what it was is another manager's from here on.
fn was_edited(kind: Kind, object: &mut Value, was: &Value) {
    let Change { changed, .. } = compare(schema(Some(kind)), Some(&applicable(was)), Some(&applicable(object)));
    if !changed.is_empty() {
        let mut entries: Vec<Value> = entries(object).cloned().collect();
        entries.push(entry_of(EDITOR, "Update", &changed));
        set_entries(object, entries);
    }
}

/// Who has set which fields of an object, and how.
pub fn entries(object: &Value) -> impl Iterator<Item = &Value> {
    object.pointer("/metadata/managedFields").and_then(Value::as_array).into_iter().flatten()
}

/// True if an entry records what this manager has applied.
pub fn is_applied_by(entry: &Value, manager: &str) -> bool {
    let says = |field: &str, text: &str| entry.get(field).and_then(Value::as_str) == Some(text);
    says("operation", "Apply") && says("manager", manager) && subresource(entry).is_empty()
}

/// The fields of an entry.
pub fn fields_of_entry(entry: &Value) -> &Value {
    entry.get("fieldsV1").unwrap_or(&Value::Null)
}

fn subresource(entry: &Value) -> &str {
    entry.get("subresource").and_then(Value::as_str).unwrap_or_default()
}

fn managers(object: &Value) -> impl Iterator<Item = (&Value, FieldSet)> {
    entries(object).map(|entry| (entry, FieldSet::read(fields_of_entry(entry))))
}

/// A manager as the API server names it in a conflict.
fn printed(entry: &Value) -> String {
    let text = |field: &str| entry.get(field).and_then(Value::as_str).unwrap_or_default();
    let mut printed = format!("{:?}", text("manager"));
    if !subresource(entry).is_empty() {
        printed += &format!(" with subresource {:?}", subresource(entry));
    }
    if text("operation") == "Update" {
        printed += &format!(" using {}", text("apiVersion"));
        if !text("time").is_empty() {
            printed += &format!(" at {}", text("time"));
        }
    }
    printed
}

fn with_fields(entry: &Value, fields: &FieldSet) -> Value {
    let mut entry = entry.clone();
    if let Some(entry) = entry.as_object_mut() {
        entry.insert("fieldsV1".to_owned(), fields.write());
    }
    entry
}

fn entry_of(manager: &str, operation: &str, fields: &FieldSet) -> Value {
    json!({"manager": manager, "operation": operation, "fieldsType": "FieldsV1", "fieldsV1": fields.write()})
}

fn set_entries(object: &mut Value, entries: Vec<Value>) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("managedFields".to_owned(), Value::Array(entries));
    }
}

/// What of an object is applied.
fn applicable(object: &Value) -> Value {
    let metadata = METADATA.into_iter().filter_map(|field| {
        let value = object.get("metadata")?.get(field)?;
        Some((field.to_owned(), value.clone()))
    });
    let metadata: Map<String, Value> = metadata.collect();
    let metadata = (!metadata.is_empty()).then(|| ("metadata".to_owned(), Value::Object(metadata)));
    let mut applicable = Map::from_iter(metadata);
    applicable.extend(object.get("spec").map(|spec| ("spec".to_owned(), spec.clone())));
    Value::Object(applicable)
}

/// A stored object with what was applied in place of what it had.
fn written(stored: &Value, mut applied: Value, entries: Vec<Value>) -> Value {
    let mut next = stored.clone();
    if let Some(object) = next.as_object_mut() {
        match applied.get_mut("spec").map(Value::take) {
            Some(spec) => object.insert("spec".to_owned(), spec),
            None => object.remove("spec"),
        };
    }
    if let Some(metadata) = next.get_mut("metadata").and_then(Value::as_object_mut) {
        for field in METADATA {
            match applied.get_mut("metadata").and_then(|applied| applied.get_mut(field)).map(Value::take) {
                None | Some(Value::Null) => metadata.remove(field),
                Some(value) => metadata.insert(field.to_owned(), value),
            };
        }
    }
    set_entries(&mut next, entries);
    next
}

/// What kubectl may change though another manager has it: what client-side apply remembers, and is as it was applied.
fn known_to_kubectl(schema: &Value, stored: &Value, live: &Value) -> FieldSet {
    let memory = stored.get("metadata").and_then(|metadata| metadata.get("annotations")?.get(LAST_APPLIED)?.as_str());
    let Some(applied) = memory.and_then(|memory| serde_json::from_str(memory).ok()).map(|memory| applicable(&memory))
    else {
        return FieldSet::default();
    };
    let Change { changed, removed } = compare(schema, Some(live), Some(&applied));
    fields(schema, &applied).minus(&changed).minus(&removed)
}
