//! The state of a cluster that a plan is compared with: its objects as the API server shows them.

use std::collections::BTreeMap;
use std::sync::Arc;

use ipnet::Ipv4Net;
use k8s_openapi::api::apps::v1::ControllerRevision;
use kube::core::{DynamicObject, ObjectMeta};
use serde::Deserialize;
use serde_json::Value;

use super::document::{self, Malformed, Node};
use super::manifests::{File, Manifests, Unreadable};
use crate::api::object::{self, Recall};
use crate::api::{GROUP, VERSION};
use crate::fabric::{Kind, Name, ObjectId};
use crate::operator::core::pool::{self, OutsidePool};

/// What to do about a text that is no dump. A cluster without objects has one too: an empty List.
const TAKE: &str = "take the state with `kubectl get azure,ns,controllerrevisions -A -o yaml --show-managed-fields`, and see that it succeeds";

/// What a cluster holds.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The objects of this project's kinds.
    pub objects: BTreeMap<ObjectId, DynamicObject>,
    /// The Namespaces; none if it is not known which there are.
    pub namespaces: Option<BTreeMap<Arc<str>, ObjectMeta>>,
    /// The ControllerRevisions, which keep models of scale sets.
    pub revisions: Vec<ControllerRevision>,
}

impl State {
    /// False if the API server's account of who has set which field was left out.
    pub fn tells_managers(&self) -> bool {
        let mut objects = self.objects.values();
        self.objects.is_empty() || objects.any(|object| object.metadata.managed_fields.is_some())
    }

    /// The static public addresses that an operator with this public IP pool would not keep.
    pub fn outside_pool(&self, pool: Ipv4Net) -> Option<OutsidePool> {
        let observed = self.objects.iter().filter_map(|(id, object)| object::observe(id.kind, object, Recall::Record));
        let records: Vec<_> = observed.filter_map(|observed| Some((observed.id, observed.record?))).collect();
        pool::outside(pool, records.iter().map(|(id, record)| (id, record)))
    }

    /// Nothing yet, but the Namespaces that manifests name and do not make.
    pub fn before(manifests: &Manifests) -> Self {
        let named = manifests.objects.keys().map(|id| &id.name.namespace);
        let named = named.filter(|namespace| !manifests.namespaces.contains_key(*namespace));
        let namespaces = named.map(|namespace| (namespace.clone(), ObjectMeta::default())).collect();
        Self { namespaces: Some(namespaces), ..Self::default() }
    }

    /// Takes in one object, or a List of objects; other kinds are ignored. `fails` receives what cannot
    /// be read, and on which line.
    fn take_in(&mut self, node: &Node, fails: &mut impl FnMut(u64, String)) {
        let Some(kind) = node.text("apiVersion").and_then(|_| node.text("kind")) else {
            return fails(
                node.line,
                format!("what stands here has no apiVersion and kind, so it is no object; {TAKE}"),
            );
        };
        match node.get("items").filter(|_| kind.ends_with("List")) {
            Some(items) => items.items().iter().for_each(|item| self.take_in(item, fails)),
            None => self.object(node.value()).unwrap_or_else(|message| fails(node.line, message)),
        }
    }

    fn object(&mut self, object: Value) -> Result<(), String> {
        let text = |field: &str| object.get(field).and_then(Value::as_str).unwrap_or_default();
        let (version, kind) = (text("apiVersion"), text("kind"));
        let known = Kind::named(kind);
        match (version.split_once('/').unwrap_or(("", version)), kind, known) {
            ((GROUP, VERSION), _, Some(kind)) => {
                let object: DynamicObject = read(object)?;
                let metadata = &object.metadata;
                let name = metadata.namespace.as_deref().zip(metadata.name.as_deref());
                let Some((namespace, name)) =
                    name.filter(|_| metadata.uid.is_some() && metadata.resource_version.is_some())
                else {
                    return Err(format!("a {kind} lacks its name, namespace, uid or resourceVersion; {TAKE}"));
                };
                let id = ObjectId::new(kind, Name::new(namespace, name));
                if let Some(version) = metadata.resource_version.as_deref().filter(|version| !is_version(version)) {
                    return Err(format!("{id} has resourceVersion {version:?}, which no API server gives; {TAKE}"));
                }
                self.objects.insert(id, object);
            }
            (("", "v1"), "Namespace", _) => {
                let metadata: ObjectMeta = read(object.get("metadata").cloned().unwrap_or_default())?;
                let name = metadata.name.clone().ok_or("a Namespace has no name")?;
                self.namespaces.get_or_insert_default().insert(name.into(), metadata);
            }
            (("apps", "v1"), "ControllerRevision", _) => self.revisions.push(read(object)?),
            _ => {}
        }
        Ok(())
    }

    /// Reads dumps, such as `kubectl get azure,ns,controllerrevisions -A -o yaml --show-managed-fields` prints.
    ///
    /// # Errors
    /// All that cannot be read, at once.
    pub fn read(files: &[File]) -> Result<Self, Vec<Unreadable>> {
        let mut state = Self::default();
        let mut unreadable = Vec::new();
        for File { name, text } in files {
            let mut fails = |line, message| unreadable.push(Unreadable { file: name.clone(), line, message });
            match document::read(text) {
                Ok(documents) if documents.is_empty() => fails(None, format!("it holds no object; {TAKE}")),
                Ok(documents) => {
                    let mut fails = |line, message| fails(Some(line), message);
                    documents.iter().for_each(|document| state.take_in(document, &mut fails));
                }
                Err(Malformed { line, message }) => fails(line, message),
            }
        }
        if unreadable.is_empty() { Ok(state) } else { Err(unreadable) }
    }
}

/// True of a revision of etcd: those are positive numbers of 63 bits.
fn is_version(text: &str) -> bool {
    text.parse::<i64>().is_ok_and(|version| version >= 0)
}

fn read<T: for<'de> Deserialize<'de>>(object: Value) -> Result<T, String> {
    T::deserialize(object).map_err(|error| format!("an object is not of the form that its kind has: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<State, String> {
        let told = State::read(&[File { name: "state.yaml".into(), text: text.to_owned() }]);
        told.map_err(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }

    const DUMP: &str = "\
apiVersion: v1
kind: List
items:
- apiVersion: vnet.dev/v1alpha1
  kind: AvailabilitySet
  metadata: {name: s, namespace: shop, uid: u, resourceVersion: \"7\"}
  spec: {}
- apiVersion: v1
  kind: Namespace
  metadata: {name: shop, labels: {a: b}, deletionTimestamp: 2026-01-01T00:00:00Z}
- apiVersion: apps/v1
  kind: ControllerRevision
  metadata: {name: r, namespace: shop}
  revision: 1
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: else}
";

    #[test]
    fn a_dump_holds_objects_namespaces_and_revisions() {
        let state = read(DUMP).unwrap();
        let ids: Vec<_> = state.objects.keys().map(ToString::to_string).collect();
        assert_eq!(ids, ["AvailabilitySet shop/s"]);
        let namespace = &state.namespaces.unwrap()["shop"];
        assert!(namespace.labels.as_ref().unwrap().contains_key("a") && namespace.deletion_timestamp.is_some());
        assert_eq!(state.revisions.len(), 1);
    }

    #[test]
    fn an_empty_list_is_an_empty_cluster_of_which_no_namespace_is_known() {
        let state = read("apiVersion: v1\nitems: []\nkind: List\n").unwrap();
        assert!(state.objects.is_empty() && state.namespaces.is_none());
    }

    #[test]
    fn a_text_that_is_no_dump_is_refused_with_what_to_do() {
        for (text, place) in [
            ("", "state.yaml: it holds no object"),
            ("---\n", "state.yaml: it holds no object"),
            ("NAME READY\nhub  True\n", "state.yaml:1: "),
            ("{\"error\": \"denied\"}", "state.yaml:1: what stands here has no apiVersion and kind"),
            ("[]", "state.yaml:1: what stands here has no apiVersion and kind"),
            ("apiVersion: v1\nkind: List\nitems: [5]\n", "state.yaml:3: what stands here has no apiVersion and kind"),
        ] {
            let told = read(text).unwrap_err();
            assert!(told.starts_with(place) && told.contains("take the state with `kubectl get"), "{text:?}: {told}");
        }
    }

    #[test]
    fn a_manifest_is_no_dump() {
        let manifest = "apiVersion: vnet.dev/v1alpha1\nkind: AvailabilitySet\nmetadata: {name: s}\n";
        assert!(read(manifest).unwrap_err().contains("lacks its name, namespace, uid or resourceVersion"));
    }

    #[test]
    fn a_resource_version_that_no_api_server_gives_is_refused_at_its_line() {
        for version in ["abc", "", "-1", "18446744073709551615", "9223372036854775808"] {
            let told = read(&DUMP.replace("\"7\"", &format!("\"{version}\""))).unwrap_err();
            let begin = format!("state.yaml:4: AvailabilitySet shop/s has resourceVersion {version:?}, ");
            assert!(told.starts_with(&begin), "{told}");
        }
        assert!(read(&DUMP.replace("\"7\"", "\"9223372036854775807\"")).is_ok());
    }
}
