//! What an object is after `kubectl apply`: the manifest laid over what the API server stores.
//!
//! What the manifest leaves out goes if who applies it had applied it before, and stays otherwise. What had been applied is
//! recorded by the annotation of client-side apply, or by `managedFields` of server-side apply; where neither stands, nothing
//! had been. Lists are replaced as a whole.

use kube::core::DynamicObject;
use serde_json::{Map, Value, json};

use super::server_side;
use crate::api::children::FIELD_MANAGER;

/// Where client-side apply keeps what was applied.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The object as the API server is asked to store it, once the manifest is laid over what is stored.
pub fn laid_over(stored: &Value, manifest: &Value) -> Value {
    let mut merged = merged(stored, without_memory(manifest), &last_applied(stored));
    let has_none = merged.pointer("/metadata/annotations").is_some_and(|annotations| *annotations == json!({}));
    if let Some(metadata) = merged.get_mut("metadata").and_then(Value::as_object_mut).filter(|_| has_none) {
        metadata.remove("annotations");
    }
    merged
}

/// Notes in the object what was applied, as client-side apply does.
pub fn remember(object: &mut DynamicObject, manifest: &Value) {
    object.metadata.annotations.get_or_insert_default().insert(LAST_APPLIED.to_owned(), memory(manifest));
}

/// What client-side apply keeps of a manifest: all of it, in one line, with annotations even if it has none.
pub fn memory(manifest: &Value) -> String {
    let mut manifest = without_memory(manifest);
    if let Some(metadata) = manifest.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.entry("annotations").or_insert_with(|| json!({}));
    }
    format!("{manifest}\n")
}

/// A manifest that was taken from a cluster repeats what had been applied; kubectl writes that itself, so that a manifest
/// always has annotations for it, be they none.
fn without_memory(manifest: &Value) -> Value {
    let mut manifest = manifest.clone();
    if let Some(metadata) = manifest.get_mut("metadata").and_then(Value::as_object_mut) {
        let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
        if annotations.is_null() {
            *annotations = json!({});
        }
        if let Some(annotations) = annotations.as_object_mut() {
            annotations.remove(LAST_APPLIED);
        }
    }
    manifest
}

/// What was applied before, as far as it is known: the manifest, or the names of its fields.
fn last_applied(stored: &Value) -> Value {
    let metadata = stored.get("metadata").unwrap_or(&Value::Null);
    let text = metadata.get("annotations").and_then(|annotations| annotations.get(LAST_APPLIED)?.as_str());
    if let Some(text) = text {
        return serde_json::from_str(text).unwrap_or_default();
    }
    // What the operator applies for scale sets, no user who applies manifests had applied before.
    let applies = server_side::entries(stored).filter(|entry| {
        let is_apply = entry.get("operation").and_then(Value::as_str) == Some("Apply");
        is_apply && !server_side::is_applied_by(entry, FIELD_MANAGER)
    });
    applies.map(|entry| names(server_side::fields_of_entry(entry))).reduce(united).unwrap_or_default()
}

/// The names of fields in the form of `fieldsV1`, `{"f:spec": {"f:replicas": {}}}`, as an object.
fn names(fields: &Value) -> Value {
    let fields = fields.as_object().into_iter().flatten();
    let named = fields.filter_map(|(name, below)| Some((name.strip_prefix("f:")?.to_owned(), names(below))));
    Value::Object(named.collect())
}

fn united(mut one: Value, other: Value) -> Value {
    if let (Value::Object(fields), Value::Object(others)) = (&mut one, other) {
        for (name, value) in others {
            let mine = fields.remove(&name).unwrap_or_else(|| json!({}));
            fields.insert(name, united(mine, value));
        }
    }
    one
}

/// `wanted` laid over `live`. What `wanted` leaves out stays unless it had been applied `before`; null takes away.
fn merged(live: &Value, wanted: Value, before: &Value) -> Value {
    match (live, wanted) {
        (Value::Object(live), Value::Object(mut wanted)) => {
            let stays = |name: &str| match (before.get(name), wanted.get(name)) {
                (None, None) | (Some(Value::Null), Some(Value::Null)) => true,
                (Some(_), None) | (None | Some(_), Some(_)) => false,
            };
            let kept: Map<String, Value> = live
                .iter()
                .filter(|(name, _)| stays(name))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            wanted.retain(|_, value| !value.is_null());
            let laid_over = wanted.into_iter().map(|(name, value)| {
                let value = match live.get(&name) {
                    Some(live) => merged(live, value, before.get(&name).unwrap_or(&Value::Null)),
                    None => value,
                };
                (name, value)
            });
            Value::Object(laid_over.chain(kept).collect())
        }
        (_, wanted) => wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(metadata: Value, spec: Value, manifest: Value) -> Value {
        laid_over(&json!({"metadata": metadata, "spec": spec}), &manifest)
    }

    fn spec_after(metadata: Value, spec: Value, wanted: Value) -> Value {
        after(metadata, spec, json!({"spec": wanted}))["spec"].clone()
    }

    /// The metadata of an object that was applied before.
    fn applied(spec: Value) -> Value {
        json!({"annotations": {LAST_APPLIED: json!({"spec": spec}).to_string()}})
    }

    #[test]
    fn what_is_stored_already_is_no_change() {
        let spec = json!({"sku": {"name": "Basic"}, "idleTimeoutInMinutes": 4});
        let metadata = json!({"name": "p", "annotations": {"else": "stays"}});
        let stored = json!({"metadata": metadata, "spec": spec});
        assert_eq!(laid_over(&stored, &json!({"metadata": {"name": "p"}, "spec": {"sku": {"name": "Basic"}}})), stored);
    }

    #[test]
    fn what_the_manifest_leaves_out_stays_where_nothing_was_applied_before() {
        let spec = json!({"idleTimeoutInMinutes": 30, "sku": {"name": "Basic"}});
        assert_eq!(spec_after(json!({}), spec.clone(), json!({"sku": {}})), spec);
    }

    #[test]
    fn a_field_that_somebody_else_set_stays() {
        let spec = json!({"sku": {"name": "Basic"}, "idleTimeoutInMinutes": 30});
        let manager = |name: &str, operation: &str, fields: Value| json!({"manager": name, "operation": operation, "fieldsV1": fields});
        let server_side = json!({"managedFields": [
            manager("argocd", "Apply", json!({"f:spec": {"f:sku": {"f:name": {}}}})),
            manager("someone", "Update", json!({"f:spec": {"f:idleTimeoutInMinutes": {}}})),
        ]});
        for metadata in [applied(json!({"sku": {"name": "Basic"}})), server_side] {
            assert_eq!(spec_after(metadata, spec.clone(), json!({})), json!({"idleTimeoutInMinutes": 30}));
        }
    }

    #[test]
    fn a_field_that_was_applied_before_and_is_left_out_now_goes() {
        let label = json!({"dnsSettings": {"domainNameLabel": "web-1"}});
        assert_eq!(spec_after(applied(label.clone()), label, json!({})), json!({}));
    }

    #[test]
    fn null_takes_a_field_away_whoever_set_it() {
        let spec = json!({"idleTimeoutInMinutes": 30});
        assert_eq!(spec_after(json!({}), spec, json!({"idleTimeoutInMinutes": null})), json!({}));
    }

    #[test]
    fn a_list_is_replaced_as_a_whole() {
        let spec = json!({"l": [{"name": "a", "n": 1}, {"name": "b"}]});
        assert_eq!(spec_after(json!({}), spec, json!({"l": [{"name": "a"}]})), json!({"l": [{"name": "a"}]}));
    }

    #[test]
    fn labels_and_annotations_of_the_manifest_are_added() {
        let metadata = json!({"labels": {"l": "1"}, "annotations": {"a": "1"}});
        let manifest = json!({"metadata": {"annotations": {"b": "2", LAST_APPLIED: "{}"}}});
        let expected = json!({"labels": {"l": "1"}, "annotations": {"a": "1", "b": "2"}});
        assert_eq!(after(metadata, json!({}), manifest)["metadata"], expected);
    }

    #[test]
    fn what_the_operator_has_applied_for_a_scale_set_stays() {
        let fields = json!({"f:metadata": {"f:labels": {"f:vnet.dev/scale-set": {}}}, "f:spec": {"f:sku": {}}});
        let metadata = json!({
            "name": "p", "labels": {"vnet.dev/scale-set": "api"},
            "managedFields": [{"manager": FIELD_MANAGER, "operation": "Apply", "fieldsV1": fields}],
        });
        let stored = json!({"metadata": metadata, "spec": {"sku": {}, "l": 1}});
        assert_eq!(laid_over(&stored, &json!({"metadata": {"name": "p"}, "spec": {"l": 1}})), stored);
    }

    /// kubectl remembers `annotations: {}` of a manifest that has none.
    #[test]
    fn annotations_that_others_have_set_stay() {
        let memory = json!({"metadata": {"name": "p", "annotations": {}}, "spec": {}}).to_string();
        let metadata = json!({"name": "p", "annotations": {LAST_APPLIED: memory, "vnet.dev/restartedAt": "now"}});
        let stored = json!({"metadata": metadata, "spec": {}});
        assert_eq!(laid_over(&stored, &json!({"metadata": {"name": "p"}, "spec": {}})), stored);
    }

    #[test]
    fn what_is_remembered_is_known_to_the_next_apply() {
        let mut object: DynamicObject =
            serde_json::from_value(json!({"metadata": {"name": "p"}, "spec": {"a": 1, "b": 2}})).unwrap();
        remember(
            &mut object,
            &json!({"metadata": {"name": "p", "annotations": {LAST_APPLIED: "{}"}}, "spec": {"a": 1}}),
        );
        let stored = serde_json::to_value(&object).unwrap();
        let next = laid_over(&stored, &json!({"metadata": {"name": "p"}, "spec": {}}));
        assert_eq!(next["spec"], json!({"b": 2}));
        assert_eq!(last_applied(&stored), json!({"metadata": {"name": "p", "annotations": {}}, "spec": {"a": 1}}));
    }
}
