//! What an object is after `kubectl apply`: the manifest laid over what the API server stores.
//!
//! What the manifest leaves out goes if who applies it had applied it before, and stays if somebody else set it. Who had
//! applied what is told by the annotation of client-side apply, or by `managedFields` of server-side apply; where neither
//! stands, the manifest is taken to be all that there is to be. Lists are replaced as a whole.

use kube::core::DynamicObject;
use serde_json::{Map, Value, json};

use super::admission;
use super::server::set_field;
use crate::fabric::Kind;

/// Where client-side apply keeps what was applied.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Lays the manifest over the object.
pub fn apply(kind: Kind, object: &mut DynamicObject, manifest: &Value) {
    let before = last_applied(object);
    let part = |path: &str| before.as_ref().map(|before| before.pointer(path).cloned().unwrap_or_default());
    let wanted = |path: &str| manifest.pointer(path).cloned().unwrap_or_else(|| json!({}));
    let live = object.data.get("spec").cloned().unwrap_or_default();
    let spec = merged(&live, wanted("/spec"), part("/spec").as_ref());
    let defaulted = admission::defaulted(kind, &json!({"spec": spec}));
    set_field(object, "spec", defaulted.get("spec").cloned().unwrap_or_default());
    // Labels and annotations are everybody's: what is left out stays, unless it is known who set it.
    let nothing = json!({});
    let labels = |live: &Option<_>, path: &str| {
        let before = part(path).unwrap_or_else(|| nothing.clone());
        serde_json::from_value(merged(&json!(live), wanted(path), Some(&before))).ok()
    };
    if let Some(all) = labels(&object.metadata.labels, "/metadata/labels") {
        object.metadata.labels = all;
    }
    if let Some(all) = labels(&object.metadata.annotations, "/metadata/annotations") {
        object.metadata.annotations = all;
    }
}

/// What was applied before, as far as it is known: the manifest, or the names of its fields.
fn last_applied(object: &DynamicObject) -> Option<Value> {
    let metadata = &object.metadata;
    if let Some(text) = metadata.annotations.as_ref().and_then(|annotations| annotations.get(LAST_APPLIED)) {
        return serde_json::from_str(text).ok();
    }
    let applies = metadata.managed_fields.iter().flatten().filter(|entry| entry.operation.as_deref() == Some("Apply"));
    applies.filter_map(|entry| entry.fields_v1.as_ref().map(|fields| names(&fields.0))).reduce(united)
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

/// `wanted` laid over `live`. What `wanted` leaves out stays if it is known what was applied before, and it was not in it.
fn merged(live: &Value, wanted: Value, before: Option<&Value>) -> Value {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => {
            let was = |name: &str| before.map(|before| before.get(name));
            let kept = live.iter().filter(|(name, _)| !wanted.contains_key(*name) && was(name) == Some(None));
            let kept: Vec<(String, Value)> = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
            let laid_over = wanted.into_iter().map(|(name, value)| {
                let value = match live.get(&name) {
                    Some(live) => merged(live, value, was(&name).map(|was| was.unwrap_or(&Value::Null))),
                    None => value,
                };
                (name, value)
            });
            Value::Object(laid_over.collect::<Map<_, _>>().into_iter().chain(kept).collect())
        }
        (_, wanted) => wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_set(spec: Value, metadata: Value) -> DynamicObject {
        serde_json::from_value(json!({"metadata": metadata, "spec": spec})).unwrap()
    }

    fn after(mut object: DynamicObject, manifest: Value) -> (Value, Value) {
        apply(Kind::PublicIPAddress, &mut object, &manifest);
        (object.data["spec"].clone(), json!(object.metadata.annotations))
    }

    fn live() -> Value {
        admission::defaulted(Kind::PublicIPAddress, &json!({"spec": {"sku": {"name": "Basic"}}}))["spec"].clone()
    }

    #[test]
    fn what_is_stored_already_with_its_defaults_is_no_change() {
        let object = a_set(live(), json!({"name": "p", "annotations": {"else": "stays"}}));
        let manifest = json!({"metadata": {"name": "p"}, "spec": {}});
        assert_eq!(after(object, manifest), (live(), json!({"else": "stays"})));
    }

    #[test]
    fn a_field_that_the_manifest_no_longer_has_returns_to_its_default() {
        let mut spec = live();
        spec["idleTimeoutInMinutes"] = json!(30);
        assert_eq!(after(a_set(spec, json!({"name": "p"})), json!({"spec": {}})).0, live());
    }

    #[test]
    fn a_field_that_somebody_else_set_stays_where_that_is_known() {
        let mut spec = live();
        spec["idleTimeoutInMinutes"] = json!(30);
        let applied = json!({"spec": {"sku": {"name": "Basic"}}}).to_string();
        let client_side = json!({"annotations": {LAST_APPLIED: applied}});
        let manager = |name: &str, operation: &str, fields: Value| json!({"manager": name, "operation": operation, "fieldsV1": fields});
        let server_side = json!({"managedFields": [
            manager("argocd", "Apply", json!({"f:spec": {"f:sku": {"f:name": {}}}})),
            manager("someone", "Update", json!({"f:spec": {"f:idleTimeoutInMinutes": {}}})),
        ]});
        for metadata in [client_side, server_side] {
            assert_eq!(after(a_set(spec.clone(), metadata), json!({"spec": {}})).0["idleTimeoutInMinutes"], json!(30));
        }
    }

    #[test]
    fn a_field_that_was_applied_before_and_is_left_out_now_goes() {
        let mut spec = live();
        spec["dnsSettings"] = json!({"domainNameLabel": "web-1"});
        let applied = json!({"spec": {"dnsSettings": {"domainNameLabel": "web-1"}}}).to_string();
        let object = a_set(spec, json!({"annotations": {LAST_APPLIED: applied}}));
        assert_eq!(after(object, json!({"spec": {}})).0, live());
    }

    #[test]
    fn annotations_of_the_manifest_are_added() {
        let object = a_set(live(), json!({"annotations": {"a": "1"}}));
        let manifest = json!({"metadata": {"annotations": {"b": "2"}}, "spec": {}});
        assert_eq!(after(object, manifest).1, json!({"a": "1", "b": "2"}));
    }
}
