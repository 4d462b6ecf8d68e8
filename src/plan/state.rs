//! The state of a cluster that a plan is compared with: its objects as the API server shows them.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::apps::v1::ControllerRevision;
use kube::core::{DynamicObject, ObjectMeta};
use serde::Deserialize;
use serde_json::Value;

use super::document::{self, Malformed};
use super::manifests::{File, Unreadable};
use crate::api::{GROUP, VERSION};
use crate::fabric::{Kind, Name, ObjectId};
use crate::operator::Namespace;

/// What a cluster holds.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The objects of this project's kinds.
    pub objects: BTreeMap<ObjectId, DynamicObject>,
    /// The Namespaces; none if it is not known which there are.
    pub namespaces: Option<BTreeMap<Arc<str>, Namespace>>,
    /// The ControllerRevisions, which keep models of scale sets.
    pub revisions: Vec<ControllerRevision>,
}

impl State {
    /// Takes in what one object, or a List of objects, tells; of other kinds it tells nothing.
    ///
    /// # Errors
    /// What is wrong with an object that cannot be read.
    pub fn take_in(&mut self, mut object: Value) -> Result<(), String> {
        if let Some(items) = object.get_mut("items").and_then(Value::as_array_mut) {
            return std::mem::take(items).into_iter().try_for_each(|item| self.take_in(item));
        }
        let text = |field: &str| object.get(field).and_then(Value::as_str).unwrap_or_default();
        let (version, kind) = (text("apiVersion"), text("kind"));
        let known = Kind::ALL.iter().copied().find(|known| known.as_str() == kind);
        match (version.split_once('/').unwrap_or(("", version)), kind, known) {
            ((GROUP, VERSION), _, Some(kind)) => {
                let object: DynamicObject = read(object)?;
                let metadata = &object.metadata;
                let name = metadata.namespace.as_deref().zip(metadata.name.as_deref());
                let Some((namespace, name)) =
                    name.filter(|_| metadata.uid.is_some() && metadata.resource_version.is_some())
                else {
                    return Err(format!(
                        "a {kind} lacks its name, namespace, uid or resourceVersion; take the state with `kubectl get -o yaml`"
                    ));
                };
                self.objects.insert(ObjectId::new(kind, Name::new(namespace, name)), object);
            }
            (("", "v1"), "Namespace", _) => {
                let metadata: ObjectMeta = read(object.get("metadata").cloned().unwrap_or_default())?;
                let name = metadata.name.clone().ok_or("a Namespace has no name")?;
                self.namespaces.get_or_insert_default().insert(name.into(), Namespace::of(&metadata));
            }
            (("apps", "v1"), "ControllerRevision", _) => self.revisions.push(read(object)?),
            _ => {}
        }
        Ok(())
    }

    /// Reads dumps, such as `kubectl get azure,ns,controllerrevisions -A -o yaml` prints.
    ///
    /// # Errors
    /// All that cannot be read, at once.
    pub fn read(files: &[File]) -> Result<Self, Vec<Unreadable>> {
        let mut state = Self::default();
        let mut unreadable = Vec::new();
        for File { name, text } in files {
            let mut fails = |line, message| unreadable.push(Unreadable { file: name.clone(), line, message });
            match document::read(text) {
                Ok(documents) => {
                    for document in documents {
                        state.take_in(document.value()).unwrap_or_else(|message| fails(Some(document.line), message));
                    }
                }
                Err(Malformed { line, message }) => fails(line, message),
            }
        }
        if unreadable.is_empty() { Ok(state) } else { Err(unreadable) }
    }
}

fn read<T: for<'de> Deserialize<'de>>(object: Value) -> Result<T, String> {
    T::deserialize(object).map_err(|error| format!("an object is not of the form that its kind has: {error}"))
}
