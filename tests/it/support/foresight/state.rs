//! The state, as a plan is given it: in the namespace of a test and in those that are referred to from it, and on a
//! cluster that a test has to itself everywhere, so that no pool holds anything that the plan does not know of.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::api::core::v1::Namespace as KubeNamespace;
use kube::api::ListParams;
use kube::core::DynamicObject;
use kube::{Api, ResourceExt};
use serde_json::Value;
use vnet_operator::api::object::api_resource;
use vnet_operator::fabric::{Kind, Name, ObjectId};
use vnet_operator::plan::state::State;

use crate::support::cluster::block_on;
use crate::support::space::Space;

/// What there is; none if it cannot be read: a test may store such things.
pub fn state(space: &Space<'_>, specs: &[&Value]) -> Option<State> {
    let mut state = State { namespaces: Some(BTreeMap::new()), ..State::default() };
    if !space.cluster.is_shared() {
        let namespaces = Api::<KubeNamespace>::all(space.cluster.client());
        for namespace in block_on(namespaces.list(&ListParams::default())).ok()? {
            state.namespaces.get_or_insert_default().insert(namespace.name_any().into(), namespace.metadata);
        }
        list(space, None, &mut state)?;
        return Some(state);
    }
    let mut wanted: BTreeSet<String> = specs.iter().flat_map(|spec| referred(spec)).collect();
    wanted.insert(space.name.clone());
    while let Some(namespace) = wanted.pop_first() {
        let known = state.namespaces.get_or_insert_default();
        if known.contains_key(namespace.as_str()) {
            continue;
        }
        let namespaces = Api::<KubeNamespace>::all(space.cluster.client());
        let Ok(there) = block_on(namespaces.get(&namespace)) else { continue };
        known.insert(namespace.as_str().into(), there.metadata);
        wanted.extend(list(space, Some(&namespace), &mut state)?);
    }
    Some(state)
}

/// Lists what is in a namespace, or in all of them; returns the namespaces that it refers to.
fn list(space: &Space<'_>, namespace: Option<&str>, state: &mut State) -> Option<BTreeSet<String>> {
    let client = || space.cluster.client();
    let mut wanted = BTreeSet::new();
    for kind in Kind::ALL {
        let resource = api_resource(*kind);
        let api: Api<DynamicObject> = match namespace {
            Some(namespace) => Api::namespaced_with(client(), namespace, &resource),
            None => Api::all_with(client(), &resource),
        };
        for object in block_on(api.list(&ListParams::default())).ok()? {
            wanted.extend(referred(&object.data["spec"]));
            let name = Name::new(object.namespace().unwrap_or_default(), object.name_any());
            state.objects.insert(ObjectId::new(*kind, name), object);
        }
    }
    let revisions: Api<ControllerRevision> = match namespace {
        Some(namespace) => Api::namespaced(client(), namespace),
        None => Api::all(client()),
    };
    state.revisions.extend(block_on(revisions.list(&ListParams::default())).ok()?);
    Some(wanted)
}

/// The namespaces that a spec refers to.
fn referred(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(referred).collect(),
        Value::Object(fields) => {
            let own = fields.get("namespace").and_then(Value::as_str).map(str::to_owned);
            fields.values().flat_map(referred).chain(own).collect()
        }
        _ => BTreeSet::new(),
    }
}
