//! Lives of scale sets that go wrong, and how much is looked at while a large set changes.

mod ids;
mod models;
mod obstacles;
mod upgrades;

use serde_json::{Value, json};
use vnet_operator::fabric::{Kind, ObjectId};
use vnet_operator::operator::What;

use super::check::a_restart_changes_nothing;
use super::scale_sets::{api, farm, names, ready, set};
use super::world::{World, id};

fn instance(n: u64) -> ObjectId {
    id(Kind::VirtualMachineScaleSetVM, "a", &format!("api-{n}"))
}

fn machine(n: u64) -> ObjectId {
    id(Kind::VirtualMachine, "a", &format!("api-{n}"))
}

fn nic(n: u64) -> ObjectId {
    id(Kind::NetworkInterface, "a", &format!("api-{n}-nic"))
}

fn public(n: u64) -> ObjectId {
    id(Kind::PublicIPAddress, "a", &format!("api-{n}-nic-ip"))
}

fn made(mode: &str, replicas: u32) -> World {
    let mut world = farm();
    world.create(&api(), set(mode, replicas, false), true);
    world.calm_down();
    world
}

fn upgraded(mode: &str, upgrade: &str, replicas: u32, forwarding: bool) -> Value {
    let mut spec = set(mode, replicas, forwarding);
    spec["upgradePolicy"] = json!({"mode": upgrade});
    spec
}

fn with_public(mut spec: Value, sku: &str) -> Value {
    let profile = &mut spec["virtualMachineProfile"]["networkProfile"]["networkInterfaceConfigurations"][0];
    profile["ipConfigurations"][0]["publicIPAddressConfiguration"] = json!({"name": "pub", "sku": {"name": sku}});
    spec
}

fn status(world: &World, field: &str) -> Value {
    world.objects[&api()]["status"][field].clone()
}

fn message(world: &World) -> String {
    let conditions = status(world, "conditions");
    let ready = conditions.as_array().unwrap().iter().find(|condition| condition["type"] == "Ready").unwrap().clone();
    ready["message"].as_str().unwrap().to_owned()
}

/// Every child is looked at a few times, however many there are.
#[test]
fn a_large_set_is_not_walked_for_every_child() {
    let mut world = farm();
    let before = world.core.looks();
    world.create(&api(), set("Uniform", 200, false), true);
    world.calm_down();
    let made = world.core.looks() - before;
    assert!(made < 200 * 20, "{made} looks to make 200 instances");
    world.edit(&api(), |object| object["spec"] = upgraded("Uniform", "Automatic", 200, true));
    world.calm_down();
    let upgraded = world.core.looks() - before - made;
    assert!(upgraded < 200 * 20, "{upgraded} looks to upgrade 200 instances");
    world.delete(&api());
    world.calm_down();
    for id in world.objects.keys().cloned().collect::<Vec<_>>() {
        world.detach(&id);
    }
    world.calm_down();
    assert_eq!(names(&world, Kind::VirtualMachineScaleSetVM), Vec::<String>::new());
    let gone = world.core.looks() - before - made - upgraded;
    assert!(gone < 200 * 10, "{gone} looks to delete 200 instances");
}
