//! The CustomResourceDefinitions, and the admission policy that brings the finalizer with the creation of an object.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use serde_json::{Value, json};

use super::{Api, FINALIZER, GROUP, VERSION};
use crate::fabric::{Kind, NetworkInterface, PublicIPAddress, Subnet, VirtualMachine, VirtualNetwork, for_each_kind};

macro_rules! all {
    ($($kind:ident $module:ident,)*) => {
        /// The definition of every kind, as JSON.
        pub fn all() -> Result<Vec<Value>, serde_json::Error> {
            [$((Kind::$kind, <$kind as Api>::Object::crd()),)*].into_iter().map(|(_, crd)| definition(crd)).collect()
        }
    };
}
for_each_kind!(all);

/// kstatus takes a new object without this for one that is current.
fn definition(crd: CustomResourceDefinition) -> Result<Value, serde_json::Error> {
    let mut crd = serde_json::to_value(crd)?;
    let properties = "/spec/versions/0/schema/openAPIV3Schema/properties";
    if let Some(status) = crd.pointer_mut(&format!("{properties}/status")).and_then(Value::as_object_mut) {
        status.insert("default".to_owned(), json!({"observedGeneration": -1}));
        status.insert(
            "description".to_owned(),
            json!("What the fabric carries and reports. Only the operator writes it."),
        );
        status.remove("nullable");
    }
    if let Some(spec) = crd.pointer_mut(&format!("{properties}/spec")).and_then(Value::as_object_mut) {
        spec.insert("x-kubernetes-map-type".to_owned(), json!("granular"));
    }
    if let Some(fields) = crd.pointer_mut(properties) {
        drop_nullable(fields);
    }
    Ok(crd)
}

/// An optional field is left out, not null: with `nullable` the server would store the null, and GitOps tools would
/// show a difference that never ends.
fn drop_nullable(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.get("nullable") == Some(&Value::Bool(true)) {
                fields.remove("nullable");
                if let Some(values) = fields.get_mut("enum").and_then(Value::as_array_mut) {
                    values.retain(|value| !value.is_null());
                }
            }
            fields.values_mut().for_each(drop_nullable);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nullable),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Brings the finalizer with the request that creates an object, which saves the operator a write for each. An API
/// server that does not evaluate it creates the object without, and the operator adds the finalizer.
pub fn finalizer_policy() -> Vec<Value> {
    let name = format!("finalizer.{GROUP}");
    let policy = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Ignore",
            "reinvocationPolicy": "IfNeeded",
            "matchConstraints": {
                "resourceRules": [{
                    "apiGroups": [GROUP],
                    "apiVersions": [VERSION],
                    "operations": ["CREATE", "UPDATE"],
                    "resources": ["*"],
                }],
            },
            "matchConditions": [
                {"name": "not-deleting", "expression": "!has(object.metadata.deletionTimestamp)"},
                {
                    "name": "without-finalizer",
                    "expression": format!("!has(object.metadata.finalizers) || !('{FINALIZER}' in object.metadata.finalizers)"),
                },
            ],
            "mutations": [{
                "patchType": "ApplyConfiguration",
                "applyConfiguration": {
                    "expression": format!("Object{{metadata: Object.metadata{{finalizers: ['{FINALIZER}']}}}}"),
                },
            }],
        },
    });
    let binding = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": name},
    });
    vec![policy, binding]
}
