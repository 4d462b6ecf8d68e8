//! A spec that cannot be read, as another version of the definitions may leave it: what the fabric carries stays, with all
//! that hangs on it, over a restart, until the spec is corrected or the object is deleted.

use kube::core::DynamicObject;
use serde_json::{Value, json};
use vnet_operator::fabric::Kind;

use crate::support::canary::Canary;
use crate::support::cluster::{alone, poll};
use crate::support::door::Door::{self, JsonPatch, MergePatch, Post, Put, Replace};
use crate::support::manifests::{machine, nic_with, object, public_configuration, static_configuration, static_nic};
use crate::support::space::{Space, address, at};
use crate::support::specs::{self, good};

/// An object of every kind beside `hub` and `web`: all of it refers to one another, and is Ready.
fn a_tree(space: &Space<'_>) {
    let front = "sku: {name: Standard}, publicIPPrefix: {name: pool}";
    space.apply(&(object("PublicIPPrefix", "pool", "prefixLength: 31") + &object("PublicIPAddress", "front", front)));
    let configurations = [static_configuration("one", "10.0.1.10"), public_configuration("two", "front")];
    let configurations = [configurations[0].replace("{", "{primary: true, "), configurations[1].clone()];
    space.apply(&nic_with("a", "web", &[&configurations[0], &configurations[1]]));
    space.apply(&object("AvailabilitySet", "set", ""));
    space.apply(&machine("m", &["a"], "availabilitySet: {name: set}, powerState: Running"));
    TREE.iter().for_each(|(kind, name, ..)| drop(space.ready(&format!("{kind}/{name}"))));
    space.wait("nic/a", "with a MAC address", |nic| at(nic, "/macAddress").is_string());
    space.wait("subnet/web", "counted", |web| at(web, "/capacity/allocated") == 2);
    space.wait("AvailabilitySet/set", "counted", |set| at(set, "/virtualMachineCount") == 1);
}

/// Every object of the tree, what becomes of its spec, by which door, and the field that is reported.
const TREE: [(Kind, &str, &str, Door, &str); 7] = [
    (Kind::VirtualNetwork, "hub", r#"{"addressSpace": "10.0.0.0/16"}"#, Put, "spec.addressSpace"),
    (Kind::Subnet, "web", r#"{"virtualNetwork": {"name": "hub"}}"#, JsonPatch, "spec.addressPrefixes"),
    (Kind::PublicIPPrefix, "pool", r#"{"prefixLength": "31"}"#, Replace, "spec.prefixLength"),
    (Kind::PublicIPAddress, "front", r#"{"sku": {"name": "Premium"}}"#, MergePatch, "spec.sku.name"),
    (
        Kind::NetworkInterface,
        "a",
        r#"{"subnet": {"name": "web"}, "ipConfigurations": {}}"#,
        Put,
        "spec.ipConfigurations",
    ),
    (Kind::AvailabilitySet, "set", "null", JsonPatch, "spec"),
    (Kind::VirtualMachine, "m", r#"["a"]"#, Put, "spec"),
];

/// The objects of the tree, as they are when their specs are of no use.
fn are_kept(space: &Space<'_>, before: &[DynamicObject]) {
    for ((kind, name, _, _, field), before) in TREE.iter().zip(before) {
        let refusal = space.refused(&format!("{kind}/{name}"));
        assert_eq!(refusal.told(), [("ARM-04", "InvalidRequestContent", *field)], "{kind}");
        refusal.stalls().keeps(before);
        for held in ["/ipAddress", "/ipPrefix", "/capacity", "/macAddress", "/virtualMachine", "/virtualMachines"] {
            assert_eq!(at(&refusal.object, held), at(before, held), "{kind}");
        }
    }
}

#[test]
fn a_spec_that_cannot_be_read_leaves_what_the_fabric_carries_until_it_is_corrected() {
    let cluster = alone();
    let space = Space::on(&cluster).and_a_subnet();
    a_tree(&space);
    let elsewhere = Space::on(&cluster).and_a_subnet();
    let canary = Canary::of(&elsewhere);
    let before: Vec<DynamicObject> = TREE.iter().map(|(kind, name, ..)| space.get(&format!("{kind}/{name}"))).collect();
    cluster.loosen().unwrap();
    for (kind, name, spec, door, _) in TREE {
        let spec: Value = serde_json::from_str(spec).unwrap();
        door.send(&space, kind, name, &spec).unwrap();
    }
    are_kept(&space, &before);

    // What can be read goes on as if nothing were.
    space.apply(&static_nic("late", "web", "10.0.1.10"));
    let refusal = space.refused("nic/late");
    refusal.is_blocked_by(&[("NetworkInterface", "a")]).waits();
    space.apply(&static_nic("late", "web", "10.0.1.11"));
    space.ready("nic/late");
    space.delete("pip/front");
    assert_eq!(space.refused("pip/front").told()[0].1, "PublicIPAddressCannotBeDeleted");

    cluster.kill_operator();
    cluster.start_operator().unwrap();
    canary.is_unharmed();
    let still: Vec<_> = TREE.iter().map(|(kind, name, ..)| space.get(&format!("{kind}/{name}"))).collect();
    assert_eq!(address(&still[4]), address(&before[4]));

    cluster.install().unwrap();
    for ((kind, name, ..), before) in TREE.iter().zip(&before).filter(|((kind, ..), _)| *kind != Kind::PublicIPAddress)
    {
        JsonPatch.send(&space, *kind, name, &before.data["spec"]).unwrap();
        let now = space.ready(&format!("{kind}/{name}"));
        for held in ["/programmed", "/ipConfigurations", "/networkInterfaces", "/macAddress", "/ipPrefix"] {
            assert_eq!(at(&now, held), at(before, held), "{kind}");
        }
    }
    canary.is_unharmed();
}

#[test]
fn an_object_whose_spec_cannot_be_read_is_deleted_as_all_others_are() {
    let cluster = alone();
    let space = Space::on(&cluster).and_a_subnet();
    a_tree(&space);
    cluster.loosen().unwrap();
    for (kind, name, spec, ..) in TREE {
        let spec: Value = serde_json::from_str(spec).unwrap();
        JsonPatch.send(&space, kind, name, &spec).unwrap();
        space.refused(&format!("{kind}/{name}"));
    }
    TREE.iter().for_each(|(kind, name, ..)| space.delete(&format!("{kind}/{name}")));
    TREE.iter().for_each(|(kind, name, ..)| space.gone(&format!("{kind}/{name}")));
    assert_eq!(space.all().len(), 0);
}

#[test]
fn an_object_that_was_never_read_becomes_ready_when_it_is_corrected() {
    let cluster = alone();
    let space = Space::on(&cluster).and_a_subnet();
    cluster.loosen().unwrap();
    Post.send(&space, Kind::NetworkInterface, "a", &json!("none")).unwrap();
    space.refused("nic/a");
    cluster.install().unwrap();
    JsonPatch.send(&space, Kind::NetworkInterface, "a", &good(Kind::NetworkInterface)).unwrap();
    space.ready("nic/a");
}

/// The API server judges the whole object when a finalizer is taken off it.
#[test]
fn an_object_that_the_schema_keeps_from_going_says_so_and_goes_when_it_is_corrected() {
    let cluster = alone();
    let space = Space::on(&cluster).and_a_subnet();
    let canary = Canary::of(&space);
    cluster.loosen().unwrap();
    let (kind, spec) = specs::nic(json!([null]));
    Post.send(&space, kind, "a", &spec).unwrap();
    space.refused("nic/a");
    cluster.install().unwrap();
    space.delete("nic/a");
    let events = ["get", "events", "--field-selector=reason=WriteRefused", "-o", "jsonpath={.items[*].message}"];
    let told = poll("an Event tells", || Some(space.kubectl_ok(&events, "")).filter(|told| !told.is_empty())).unwrap();
    assert!(
        told.starts_with("The API server refused a write of the object") && told.contains("spec.ipConfigurations[0]"),
        "{told}"
    );
    canary.is_unharmed();
    JsonPatch.send(&space, kind, "a", &good(kind)).unwrap();
    space.gone("nic/a");
    canary.is_unharmed();
}
