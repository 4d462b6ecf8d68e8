//! What is deleted with a virtual machine: whatever happens in between, it goes, and nothing else does (VM-23).

use std::cell::Cell;

use serde_json::{Value, json};
use vnet_operator::fabric::{Kind, ObjectId};
use vnet_operator::operator::What;

use super::stories::{network, nic, ready};
use super::world::{World, id};

fn vm(name: &str) -> ObjectId {
    id(Kind::VirtualMachine, "a", name)
}

fn public(name: &str) -> ObjectId {
    id(Kind::PublicIPAddress, "a", name)
}

fn with_public(name: &str, option: &str) -> Value {
    let public = json!({"name": name, "deleteOption": option});
    json!({"subnet": {"name": "web"}, "ipConfigurations": [{"name": "one", "publicIPAddress": public}]})
}

fn machine(nics: &Value) -> Value {
    json!({"hardwareProfile": {"vmSize": "Standard_D8s_v3"}, "networkProfile": {"networkInterfaces": nics}})
}

/// A machine `m` with the NICs `gone`, which goes with it and takes its public address along, and `stays`, which has one
/// that would.
fn a_machine() -> World {
    let mut world = network();
    for name in ["gone", "stays"] {
        world.create(&public(name), json!({}), true);
        world.create(&nic(name), with_public(name, "Delete"), true);
    }
    let nics = json!([{"name": "gone", "deleteOption": "Delete"}, {"name": "stays"}]);
    world.create(&vm("m"), machine(&nics), true);
    world.calm_down();
    for object in world.objects.keys().cloned().collect::<Vec<_>>() {
        world.detach(&object); // nobody else has a say in deletions
    }
    world.calm_down();
    assert_eq!(ready(&world, &vm("m")), "True Ready");
    world
}

fn left(world: &World) -> Vec<&str> {
    let left = world.objects.keys().filter(|id| !matches!(id.kind, Kind::VirtualNetwork | Kind::Subnet));
    left.map(|id| &*id.name.name).collect()
}

// shows VM-23
#[test]
fn what_is_deleted_with_a_machine_goes_with_it_and_nothing_says_that_it_is_in_use() {
    let mut world = a_machine();
    world.core.take_notices();
    let writes = world.writes;
    world.delete(&vm("m"));
    world.calm_down();
    assert_eq!(left(&world), ["stays", "stays"]);
    // Two deletions, three finalizers, and the statuses of the two that stay and of the subnet.
    assert_eq!((world.writes - writes, world.core.take_notices().len()), (8, 0));
    assert_eq!(ready(&world, &nic("stays")), "True Ready");
}

#[test]
fn nothing_goes_with_a_machine_that_says_so_no_longer() {
    let mut world = a_machine();
    world.edit(&vm("m"), |vm| {
        vm["spec"] = machine(&json!([{"name": "gone", "deleteOption": "Detach"}, {"name": "stays"}]))
    });
    world.calm_down();
    world.delete(&vm("m"));
    world.calm_down();
    assert_eq!(left(&world), ["gone", "stays", "gone", "stays"]);
}

/// The operator sees the edit and the deletion at once.
#[test]
fn an_edit_right_before_the_deletion_saves_what_it_detaches_and_deletes_nothing_more() {
    let detached = json!([{"name": "gone", "deleteOption": "Detach"}, {"name": "stays", "deleteOption": "Delete"}]);
    let mut world = a_machine();
    world.edit(&vm("m"), |vm| vm["spec"] = machine(&detached));
    world.delete(&vm("m"));
    world.goes_on_for_one_step(&vm("m"));
    world.calm_down();
    assert_eq!(left(&world), ["gone", "stays", "gone", "stays"]);
    let mut world = a_machine();
    world.edit(&nic("gone"), |nic| nic["spec"] = with_public("gone", "Detach"));
    world.delete(&vm("m"));
    world.goes_on_for_one_step(&vm("m"));
    world.calm_down();
    assert_eq!(left(&world), ["gone", "stays", "stays"]);
}

#[test]
fn a_crash_at_any_write_of_the_deletion_leaves_the_same_to_do() {
    for survived in 0..7 {
        let mut world = a_machine();
        world.delete(&vm("m"));
        let count = Cell::new(0);
        world.dies_at(|_| count.replace(count.get() + 1) == survived);
        world.calm_down();
        assert_eq!(left(&world), ["stays", "stays"], "after a crash at write {survived}");
    }
}

#[test]
fn a_deletion_that_fails_is_tried_again_and_the_machine_stays_until_then() {
    let mut world = a_machine();
    world.delete(&vm("m"));
    for _ in 0..3 {
        world.fails_at(|write| write.id == nic("gone") && matches!(write.what, What::Delete));
        world.settles_at_once();
        assert!(world.objects.contains_key(&vm("m")) && world.objects.contains_key(&nic("gone")));
        world.now = world.core.next_deadline().unwrap();
    }
    world.calm_down();
    assert_eq!(left(&world), ["stays", "stays"]);
}

/// The machine is deleted, and the API server refuses to delete `gone` with it, until the machine says so.
fn is_refused(world: &mut World) {
    world.delete(&vm("m"));
    for _ in 0..3 {
        world.is_refused_at(|write| write.id == nic("gone") && matches!(write.what, What::Delete));
        world.settles_at_once();
        world.now = world.core.next_deadline().unwrap();
    }
    assert_eq!(ready(world, &vm("m")), "Unknown OperationNotAllowed");
}

#[test]
fn a_machine_says_what_the_api_server_refuses_to_delete_with_it_and_goes_when_that_is_saved() {
    let mut world = a_machine();
    is_refused(&mut world);
    let violation = &world.objects[&vm("m")]["status"]["violations"][0];
    assert_eq!((&violation["rule"], &violation["retry"]), (&json!("VM-23"), &json!("OnChange")));
    assert_eq!(violation["blockedBy"][0]["name"], "gone");
    assert!(violation["message"].as_str().unwrap().ends_with("a quota is contended"), "{violation}");
    world.edit(&nic("gone"), |nic| nic["spec"] = with_public("gone", "Detach"));
    world.edit(&vm("m"), |vm| vm["spec"] = machine(&json!([{"name": "gone"}, {"name": "stays"}])));
    world.calm_down();
    assert_eq!(left(&world), ["gone", "stays", "gone", "stays"]);
}

#[test]
fn a_machine_goes_as_soon_as_the_api_server_no_longer_refuses() {
    let mut world = a_machine();
    is_refused(&mut world);
    world.calm_down();
    assert_eq!(left(&world), ["stays", "stays"]);
}

/// The interface waits for its machine, and the machine for the API server: that is no cycle.
#[test]
fn a_machine_that_waits_for_a_deletion_is_in_no_cycle_with_an_interface_whose_edit_waits_for_it() {
    let mut world = a_machine();
    world.edit(&nic("gone"), |nic| {
        nic["spec"] = with_public("gone", "Delete");
        nic["spec"]["enableAcceleratedNetworking"] = json!(true);
    });
    world.calm_down();
    assert_eq!(ready(&world, &nic("gone")), "Unknown OperationNotAllowed");
    is_refused(&mut world);
    assert_eq!(ready(&world, &nic("gone")), "Unknown OperationNotAllowed");
}

#[test]
fn another_machine_that_waits_for_the_interface_does_not_get_it() {
    let mut world = a_machine();
    world.create(&vm("other"), machine(&json!([{"name": "gone"}])), true);
    world.calm_down();
    assert_eq!(ready(&world, &vm("other")), "Unknown NicInUse");
    world.delete(&vm("m"));
    world.calm_down();
    assert!(!world.objects.contains_key(&nic("gone")));
    assert_eq!(ready(&world, &vm("other")), "Unknown InvalidResourceReference");
}

#[test]
fn an_interface_that_was_made_anew_under_its_name_stays() {
    let mut world = a_machine();
    world.strip(&nic("gone"));
    world.delete(&nic("gone"));
    world.create(&nic("gone"), with_public("gone", "Delete"), true);
    world.delete(&vm("m"));
    world.calm_down();
    let nics: Vec<&ObjectId> = world.objects.keys().filter(|id| id.kind == Kind::NetworkInterface).collect();
    assert_eq!(nics, [&nic("gone"), &nic("stays")]);
    assert!(world.objects[&nic("gone")]["metadata"]["deletionTimestamp"].is_null());
}
