//! Clusters that released versions of the operator have left: a newer one restores its fabric from their statuses, moves
//! nothing, and writes what its schema adds, once.
//!
//! `versions/` has a dump of each version: `kubectl get azure,ns,controllerrevisions -A -o yaml` of a cluster at rest. A dump stays
//! as it is; a release adds one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use kube::core::DynamicObject;
use serde_json::Value;
use vnet_operator::fabric::{Kind, ObjectId, Settings};
use vnet_operator::operator::Namespace;
use vnet_operator::plan::cluster::Cluster;
use vnet_operator::plan::manifests::File;
use vnet_operator::plan::state::State;

/// The dumps, by version.
fn dumps() -> BTreeMap<String, State> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/simulation/versions");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: &Path| {
        let text = fs::read_to_string(path).unwrap();
        let state = State::read(&[File { name: path.display().to_string().into(), text }]);
        (path.file_stem().unwrap().to_str().unwrap().to_owned(), state.unwrap())
    };
    files.map(|path| read(&path)).collect()
}

/// The cluster after the operator of this version has started in it and has come to rest.
fn started(state: &State) -> Cluster {
    let namespaces = state.namespaces.as_ref().unwrap();
    let known: BTreeMap<Arc<str>, Namespace> =
        namespaces.iter().map(|(name, metadata)| (name.clone(), Namespace::of(metadata))).collect();
    let now: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
    Cluster::start(Settings::default(), state.clone(), &known, now).unwrap()
}

type Objects = BTreeMap<ObjectId, DynamicObject>;

/// What was there and is not as it was, by its place; what has come to it is no change.
fn lost(before: &Objects, after: &Objects) -> Vec<String> {
    let mut lost = Vec::new();
    for (id, before) in before {
        let Some(after) = after.get(id) else {
            lost.push(format!("{id} has gone"));
            continue;
        };
        differences(&format!("{id} "), &before.data, &after.data, &mut lost);
    }
    lost.extend(after.keys().filter(|id| !before.contains_key(*id)).map(|id| format!("{id} has come")));
    lost
}

fn differences(path: &str, before: &Value, after: &Value, lost: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            for (field, value) in before {
                differences(&format!("{path}/{field}"), value, after.get(field).unwrap_or(&Value::Null), lost);
            }
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
            for (n, (before, after)) in before.iter().zip(after).enumerate() {
                differences(&format!("{path}/{n}"), before, after, lost);
            }
        }
        (before, after) if before == after => {}
        (before, after) => lost.push(format!("{path}: {before} became {after}")),
    }
}

/// The objects that have been written. A dump has no account of who has set which field, which a start adds here.
fn written(before: &Objects, after: &Objects) -> BTreeSet<ObjectId> {
    let without_managers = |object: &DynamicObject| {
        let mut object = object.clone();
        object.metadata.managed_fields = None;
        object
    };
    let is_as_before = |(id, after): &(&ObjectId, &DynamicObject)| {
        before.get(*id).is_some_and(|before| without_managers(before) == without_managers(after))
    };
    after.iter().filter(|object| !is_as_before(object)).map(|(id, _)| id.clone()).collect()
}

#[test]
fn a_newer_operator_restores_what_an_earlier_one_has_left_and_moves_nothing() {
    let dumps = dumps();
    assert!(dumps.contains_key(env!("CARGO_PKG_VERSION")), "a release adds a dump of its own");
    for (version, state) in dumps {
        let kinds: BTreeSet<Kind> = state.objects.keys().map(|id| id.kind).collect();
        assert!(version != env!("CARGO_PKG_VERSION") || kinds.len() == Kind::ALL.len(), "{version} has every kind");
        let after = started(&state).server().objects().clone();
        assert_eq!(lost(&state.objects, &after), [""; 0], "{version}");
        if version == env!("CARGO_PKG_VERSION") {
            assert_eq!(written(&state.objects, &after), BTreeSet::new(), "nothing is new to its own version");
        }
        let again = State { objects: after.clone(), ..state };
        assert_eq!(written(&after, started(&again).server().objects()), BTreeSet::new(), "{version}, the second time");
    }
}

#[test]
fn a_status_without_a_field_that_a_newer_operator_adds_is_written_once_and_no_other() {
    let state = dumps().remove(env!("CARGO_PKG_VERSION")).unwrap();
    let added = [
        (Kind::VirtualNetwork, "subnetCount"),
        (Kind::Subnet, "capacity"),
        (Kind::PublicIPPrefix, "publicIPAddressCount"),
        (Kind::AvailabilitySet, "virtualMachineCount"),
        (Kind::NetworkInterface, "virtualMachine"),
        (Kind::VirtualMachineScaleSet, "selector"),
    ];
    for (kind, field) in added {
        let mut former = state.clone();
        let (id, object) = former.objects.iter_mut().find(|(id, _)| id.kind == kind).unwrap();
        let id = id.clone();
        assert!(object.data["status"].as_object_mut().unwrap().remove(field).is_some(), "{id} had {field}");
        let after = started(&former).server().objects().clone();
        assert_eq!(written(&former.objects, &after), [id.clone()].into(), "the first time");
        assert_eq!(after[&id].data, state.objects[&id].data, "the field is added, and nothing else has changed");
        let again = State { objects: after.clone(), ..former };
        assert_eq!(written(&after, started(&again).server().objects()), BTreeSet::new(), "{id}, the second time");
    }
}

#[test]
fn what_becomes_another_or_goes_is_lost_and_what_is_added_is_not() {
    let state = dumps().remove(env!("CARGO_PKG_VERSION")).unwrap();
    let mut after = state.objects.clone();
    let (id, nic) = after.iter_mut().find(|(id, _)| id.kind == Kind::NetworkInterface).unwrap();
    let id = id.clone();
    nic.data["status"]["added"] = "new".into();
    assert_eq!(lost(&state.objects, &after), [""; 0]);
    let nic = after.get_mut(&id).unwrap();
    nic.data["status"]["ipConfigurations"][0]["privateIPAddress"] = "10.9.9.9".into();
    let told = lost(&state.objects, &after);
    assert!(matches!(&told[..], [one] if one.contains("privateIPAddress") && one.contains("10.9.9.9")), "{told:?}");
    after.remove(&id);
    assert_eq!(lost(&state.objects, &after), [format!("{id} has gone")]);
}
