//! Lives of scale sets: scaled, upgraded, cut short and deleted.

use serde_json::{Value, json};
use vnet_operator::fabric::{Kind, ObjectId};

use super::world::{World, id};

pub fn farm() -> World {
    let mut world = World::new(false, false);
    let hub = json!({"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}});
    world.create(&id(Kind::VirtualNetwork, "a", "hub"), hub, true);
    let subnet = json!({"virtualNetwork": {"name": "hub"}, "addressPrefixes": ["10.0.0.0/24"]});
    world.create(&id(Kind::Subnet, "a", "web"), subnet, true);
    world.calm_down();
    world
}

pub fn api() -> ObjectId {
    id(Kind::VirtualMachineScaleSet, "a", "api")
}

pub fn set(mode: &str, replicas: u32, forwarding: bool) -> Value {
    json!({
        "replicas": replicas,
        "orchestrationMode": mode,
        "sku": {"name": "Standard_DS3_v2"},
        "virtualMachineProfile": {"networkProfile": {"networkInterfaceConfigurations": [{
            "name": "nic",
            "subnet": {"name": "web"},
            "enableIPForwarding": forwarding,
            "ipConfigurations": [{"name": "ip"}],
        }]}},
    })
}

pub fn ready(world: &World, id: &ObjectId) -> String {
    let conditions = world.objects[id]["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let ready = conditions.iter().find(|condition| condition["type"] == "Ready");
    ready
        .map(|ready| format!("{} {}", ready["status"].as_str().unwrap(), ready["reason"].as_str().unwrap()))
        .unwrap_or_default()
}

pub fn names(world: &World, kind: Kind) -> Vec<String> {
    world.objects.keys().filter(|id| id.kind == kind).map(|id| id.name.name.to_string()).collect()
}

fn addresses(world: &World) -> Vec<String> {
    let instances = world.objects.iter().filter(|(id, _)| id.kind == Kind::VirtualMachineScaleSetVM);
    let path = "/status/networkInterfaces/0/ipConfigurations/0/privateIPAddress";
    instances.map(|(_, object)| object.pointer(path).cloned().unwrap_or_default().to_string()).collect()
}

#[test]
fn a_uniform_set_makes_its_instances_with_two_writes_each() {
    let mut world = farm();
    let before = world.writes;
    world.create(&api(), set("Uniform", 3, false), true);
    world.calm_down();
    assert_eq!(names(&world, Kind::VirtualMachineScaleSetVM), ["api-0", "api-1", "api-2"]);
    assert_eq!(addresses(&world), ["\"10.0.0.4\"", "\"10.0.0.5\"", "\"10.0.0.6\""]);
    assert_eq!(ready(&world, &api()), "True Ready");
    let status = &world.objects[&api()]["status"];
    assert_eq!(
        (&status["instanceIds"], &status["nextInstanceId"], &status["readyReplicas"]),
        (&json!("0-2"), &json!(3), &json!(3))
    );
    assert_eq!(world.revisions.len(), 1);
    // The revision, two statuses of the set and one of the subnet, and two for each instance.
    assert_eq!(world.writes - before, 4 + 2 * 3);
    super::check::a_restart_changes_nothing(&mut world);
}

#[test]
fn a_flexible_set_makes_its_instances_with_four_writes_each() {
    let mut world = farm();
    let before = world.writes;
    world.create(&api(), set("Flexible", 20, false), true);
    world.calm_down();
    assert_eq!(ready(&world, &api()), "True Ready");
    assert_eq!(names(&world, Kind::VirtualMachine).len(), 20);
    // The revision, two statuses of the set and one of the subnet; and of each instance, two objects and their statuses.
    assert_eq!(world.writes - before, 4 + 4 * 20);
    super::check::a_restart_changes_nothing(&mut world);
}

/// It is held back no longer when there is nothing to wait for.
#[test]
fn a_network_interface_whose_machine_cannot_be_made_has_its_status() {
    let mut world = farm();
    let machine = id(Kind::VirtualMachine, "a", "api-0");
    world.not_taken.insert(machine.clone());
    world.create(&api(), set("Flexible", 1, false), true);
    let start = world.now;
    while world.now.duration_since(start).as_secs() < 5 {
        world.goes_on_for_one_step(&machine);
    }
    assert_eq!(ready(&world, &id(Kind::NetworkInterface, "a", "api-0-nic")), "True Ready");
    world.not_taken.clear();
    world.calm_down();
    assert_eq!(ready(&world, &api()), "True Ready");
}

#[test]
fn scaling_in_takes_the_highest_and_a_deleted_instance_is_replaced() {
    let mut world = farm();
    world.create(&api(), set("Uniform", 4, false), true);
    world.calm_down();
    world.edit(&api(), |object| object["spec"]["replicas"] = json!(2));
    world.calm_down();
    assert_eq!(names(&world, Kind::VirtualMachineScaleSetVM), ["api-0", "api-1"]);
    world.delete(&id(Kind::VirtualMachineScaleSetVM, "a", "api-0"));
    world.calm_down();
    assert_eq!(names(&world, Kind::VirtualMachineScaleSetVM), ["api-1", "api-4"]);
    world.strip(&id(Kind::VirtualMachineScaleSetVM, "a", "api-1"));
    world.delete(&id(Kind::VirtualMachineScaleSetVM, "a", "api-1"));
    world.calm_down();
    assert_eq!(names(&world, Kind::VirtualMachineScaleSetVM), ["api-4", "api-5"]);
    assert_eq!(ready(&world, &api()), "True Ready");
    super::check::a_restart_changes_nothing(&mut world);
}

#[test]
fn a_manual_upgrade_is_told_to_one_instance_and_survives_a_restart() {
    let mut world = farm();
    world.create(&api(), set("Uniform", 2, false), true);
    world.calm_down();
    world.edit(&api(), |object| object["spec"] = set("Uniform", 2, true));
    world.calm_down();
    assert_eq!(world.objects[&api()]["status"]["updatedReplicas"], json!(0));
    assert_eq!(world.revisions.len(), 2);
    world.restart();
    world.calm_down();
    let first = id(Kind::VirtualMachineScaleSetVM, "a", "api-0");
    world.edit(&first, |object| object["spec"]["revision"] = json!("2"));
    world.calm_down();
    assert_eq!(world.objects[&first]["status"]["latestModelApplied"], json!(true));
    assert_eq!(world.objects[&api()]["status"]["updatedReplicas"], json!(1));
    super::check::a_restart_changes_nothing(&mut world);
    world.edit(&id(Kind::VirtualMachineScaleSetVM, "a", "api-1"), |object| object["spec"]["revision"] = json!("2"));
    world.calm_down();
    assert_eq!(world.revisions.len(), 1, "no instance has the old model");
}

#[test]
fn a_deleted_set_takes_its_instances_along() {
    for mode in ["Uniform", "Flexible"] {
        let mut world = farm();
        world.create(&api(), set(mode, 3, false), true);
        world.calm_down();
        world.delete(&api());
        world.calm_down();
        let left: Vec<String> = world.objects.keys().map(ToString::to_string).collect();
        assert_eq!(left, ["VirtualNetwork a/hub", "Subnet a/web"], "{mode}");
    }
}

#[test]
fn a_flexible_set_makes_machines_and_network_interfaces() {
    let mut world = farm();
    world.create(&api(), set("Flexible", 2, false), true);
    world.calm_down();
    assert_eq!(names(&world, Kind::NetworkInterface), ["api-0-nic", "api-1-nic"]);
    assert_eq!(names(&world, Kind::VirtualMachine), ["api-0", "api-1"]);
    assert_eq!(ready(&world, &api()), "True Ready");
    world.delete(&id(Kind::VirtualMachine, "a", "api-0"));
    world.calm_down();
    assert_eq!(names(&world, Kind::VirtualMachine), ["api-1", "api-2"]);
    assert_eq!(names(&world, Kind::NetworkInterface), ["api-1-nic", "api-2-nic"]);
    world.edit(&api(), |object| {
        object["spec"] = set("Flexible", 2, true);
        object["spec"]["upgradePolicy"] = json!({"mode": "Automatic"});
    });
    world.calm_down();
    let nic = &world.objects[&id(Kind::NetworkInterface, "a", "api-1-nic")];
    assert_eq!(nic["spec"]["enableIPForwarding"], json!(true));
    assert_eq!(world.objects[&api()]["status"]["updatedReplicas"], json!(2));
    super::check::a_restart_changes_nothing(&mut world);
}
