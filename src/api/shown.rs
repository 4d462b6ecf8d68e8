//! An object as the API server sends it, read so that nothing that stands in it stops a watch.
//!
//! Values that nest deeper than any field of any kind are cut off: a reader that gives up on them would never list the
//! objects beside them. Not here: what a spec or a status means.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{OwnerReference, Time};
use kube::Resource;
use kube::core::{ApiResource, DynamicObject, DynamicResourceScope, ObjectMeta};
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// What nests deeper is read as null. The deepest field is at 7, and the reader of JSON gives up at 128.
const DEPTH: usize = 32;

/// An object with as much of its metadata as the operator needs.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Shown(pub DynamicObject);

impl Resource for Shown {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(resource: &ApiResource) -> Cow<'_, str> {
        DynamicObject::kind(resource)
    }

    fn group(resource: &ApiResource) -> Cow<'_, str> {
        DynamicObject::group(resource)
    }

    fn version(resource: &ApiResource) -> Cow<'_, str> {
        DynamicObject::version(resource)
    }

    fn plural(resource: &ApiResource) -> Cow<'_, str> {
        DynamicObject::plural(resource)
    }

    fn meta(&self) -> &ObjectMeta {
        self.0.meta()
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        self.0.meta_mut()
    }
}

impl<'de> Deserialize<'de> for Shown {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Parts { metadata, spec, status } = Parts::deserialize(deserializer)?;
        let data: Map<String, Value> =
            [("spec".to_owned(), spec.0), ("status".to_owned(), status.0)].into_iter().collect();
        Ok(Self(DynamicObject { types: None, metadata: metadata.into(), data: data.into() }))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Parts {
    metadata: Metadata,
    spec: Shallow,
    status: Shallow,
}

/// All but the managed fields, which are four fifths of an object, and nest as deep as it does.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    annotations: Option<BTreeMap<String, String>>,
    creation_timestamp: Option<Time>,
    deletion_timestamp: Option<Time>,
    finalizers: Option<Vec<String>>,
    generation: Option<i64>,
    name: Option<String>,
    namespace: Option<String>,
    owner_references: Option<Vec<OwnerReference>>,
    resource_version: Option<String>,
    uid: Option<String>,
}

impl From<Metadata> for ObjectMeta {
    fn from(metadata: Metadata) -> Self {
        Self {
            annotations: metadata.annotations,
            creation_timestamp: metadata.creation_timestamp,
            deletion_timestamp: metadata.deletion_timestamp,
            finalizers: metadata.finalizers,
            generation: metadata.generation,
            name: metadata.name,
            namespace: metadata.namespace,
            owner_references: metadata.owner_references,
            resource_version: metadata.resource_version,
            uid: metadata.uid,
            ..Self::default()
        }
    }
}

/// A value down to [`DEPTH`].
#[derive(Default)]
struct Shallow(Value);

impl<'de> Deserialize<'de> for Shallow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        DownTo(DEPTH).deserialize(deserializer).map(Self)
    }
}

/// Reads a value down to so many levels more.
#[derive(Clone, Copy)]
struct DownTo(usize);

impl<'de> DeserializeSeed<'de> for DownTo {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self.0 {
            0 => IgnoredAny::deserialize(deserializer).map(|_| Value::Null),
            _ => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for DownTo {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Self(self.0 - 1))? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(key) = entries.next_key()? {
            fields.insert(key, entries.next_value_seed(Self(self.0 - 1))?);
        }
        Ok(fields.into())
    }
}

#[cfg(test)]
mod tests {
    use kube::core::{ObjectList, WatchEvent};
    use serde_json::json;

    use super::*;

    /// An object whose status and managed fields nest as deep as the API server lets them.
    fn a_deep_object() -> String {
        let deep = format!("{}1{}", r#"{"a":"#.repeat(5000), "}".repeat(5000));
        let list = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        format!(
            r#"{{"apiVersion": "vnet.dev/v1alpha1", "kind": "NetworkInterface",
                "metadata": {{"name": "a", "labels": {{"l": "1"}}, "managedFields": [{{"fieldsV1": {deep}}}]}},
                "spec": {{"subnet": {{"name": "web"}}, "deep": {list}}}, "status": {{"programmed": {deep}, "n": -1}}}}"#
        )
    }

    fn is_read(Shown(object): &Shown) {
        assert_eq!(object.metadata.name.as_deref(), Some("a"));
        assert_eq!(object.data["spec"]["subnet"], json!({"name": "web"}));
        assert_eq!(object.data["status"]["n"], json!(-1));
        let mut at = &object.data["status"]["programmed"];
        let mut depth = 1;
        while let Some(below) = at.get("a") {
            (at, depth) = (below, depth + 1);
        }
        assert_eq!((at, depth), (&Value::Null, DEPTH));
    }

    #[test]
    fn a_list_with_an_object_that_nests_deep_is_read() {
        let list = format!(
            r#"{{"apiVersion": "vnet.dev/v1alpha1", "kind": "NetworkInterfaceList", "metadata": {{}}, "items": [{}]}}"#,
            a_deep_object()
        );
        let list: ObjectList<Shown> = serde_json::from_str(&list).unwrap();
        is_read(&list.items[0]);
    }

    #[test]
    fn a_watch_event_of_an_object_that_nests_deep_is_read() {
        let event = format!(r#"{{"type": "MODIFIED", "object": {}}}"#, a_deep_object());
        match serde_json::from_str(&event).unwrap() {
            WatchEvent::Modified(object) => is_read(&object),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_object_without_spec_and_status_is_read_and_says_null() {
        let Shown(object) = serde_json::from_str(r#"{"metadata": {"name": "a"}, "status": "none"}"#).unwrap();
        assert_eq!(object.data, json!({"spec": null, "status": "none"}));
    }

    #[test]
    fn what_is_written_is_the_object() {
        let object = DynamicObject {
            types: None,
            metadata: ObjectMeta { name: Some("a".to_owned()), ..ObjectMeta::default() },
            data: json!({"status": {"n": 1}}),
        };
        assert_eq!(
            serde_json::to_value(Shown(object)).unwrap(),
            json!({"metadata": {"name": "a"}, "status": {"n": 1}})
        );
    }
}
