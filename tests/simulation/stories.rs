//! Lives that a random user seldom lives, step by step.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use vnet_operator::fabric::{Kind, ObjectId};
use vnet_operator::operator::{Namespace, What};

use super::world::{World, id};

pub fn network() -> World {
    let mut world = World::new(false, false);
    let hub = json!({"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}});
    world.create(&id(Kind::VirtualNetwork, "a", "hub"), hub, true);
    world.create(&web(), subnet(), true);
    world.calm_down();
    world
}

pub fn web() -> ObjectId {
    id(Kind::Subnet, "a", "web")
}

/// Three addresses to give: 10.0.0.4 to 10.0.0.6.
pub fn subnet() -> Value {
    json!({"virtualNetwork": {"name": "hub"}, "addressPrefixes": ["10.0.0.0/29"]})
}

pub fn nic(name: &str) -> ObjectId {
    id(Kind::NetworkInterface, "a", name)
}

pub fn dynamic() -> Value {
    json!({"subnet": {"name": "web"}, "ipConfigurations": [{"name": "one"}]})
}

pub fn with_address(address: &str) -> Value {
    let configuration = json!({"name": "one", "privateIPAllocationMethod": "Static", "privateIPAddress": address});
    json!({"subnet": {"name": "web"}, "ipConfigurations": [configuration]})
}

pub fn ready(world: &World, id: &ObjectId) -> String {
    let conditions = world.objects[id]["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let ready = conditions.iter().find(|condition| condition["type"] == "Ready");
    ready
        .map(|ready| format!("{} {}", ready["status"].as_str().unwrap(), ready["reason"].as_str().unwrap()))
        .unwrap_or_default()
}

#[test]
fn an_object_waits_for_a_namespace_that_went_while_nobody_looked() {
    let mut world = network();
    world.relist_namespaces(|namespaces| assert!(namespaces.remove("b").is_some()));
    let far = id(Kind::VirtualNetwork, "b", "far");
    world.create(&far, json!({"addressSpace": {"addressPrefixes": ["10.1.0.0/16"]}}), true);
    world.calm_down();
    assert_eq!(ready(&world, &far), "", "its location is not known");
    world.relist_namespaces(|namespaces| assert!(namespaces.insert("b", Namespace::default()).is_none()));
    world.calm_down();
    assert_eq!(ready(&world, &far), "True Ready");
}

// shows S-10
#[test]
fn two_that_wait_for_each_other_for_ever_are_stalled_until_one_lets_go() {
    let mut world = network();
    world.create(&nic("a"), with_address("10.0.0.4"), true);
    world.create(&nic("b"), with_address("10.0.0.5"), true);
    world.calm_down();
    world.edit(&nic("a"), |object| object["spec"] = with_address("10.0.0.5"));
    world.edit(&nic("b"), |object| object["spec"] = with_address("10.0.0.4"));
    world.calm_down();
    for name in ["a", "b"] {
        assert_eq!(ready(&world, &nic(name)), "False PrivateIPAddressInUse");
        let remedy = world.objects[&nic(name)]["status"]["violations"][0]["remedy"].as_str().unwrap().to_owned();
        assert!(remedy.contains("Let NetworkInterface a/a go first"), "{remedy}");
    }
    world.edit(&nic("a"), |object| object["spec"] = with_address("10.0.0.6"));
    world.calm_down();
    assert_eq!((ready(&world, &nic("a")), ready(&world, &nic("b"))), ("True Ready".into(), "True Ready".into()));
}

#[test]
fn one_that_is_no_longer_part_of_a_circle_waits_and_is_not_stalled() {
    let mut world = network();
    for (name, address) in [("a", "10.0.0.4"), ("b", "10.0.0.5"), ("c", "10.0.0.6")] {
        world.create(&nic(name), with_address(address), true);
    }
    world.calm_down();
    world.edit(&nic("a"), |object| object["spec"] = with_address("10.0.0.5"));
    world.edit(&nic("b"), |object| object["spec"] = with_address("10.0.0.4"));
    world.calm_down();
    world.edit(&nic("a"), |object| object["spec"] = with_address("10.0.0.6"));
    world.calm_down();
    assert_eq!(ready(&world, &nic("b")), "Unknown PrivateIPAddressInUse");
}

#[test]
fn all_that_wait_for_a_full_subnet_follow_when_it_is_made_anew() {
    let mut world = network();
    for name in ["a", "b", "c", "d", "e"] {
        world.create(&nic(name), dynamic(), true);
    }
    world.calm_down();
    assert_eq!(ready(&world, &nic("e")), "Unknown SubnetIsFull");
    for name in ["a", "b", "c"] {
        world.delete(&nic(name));
    }
    world.delete(&web());
    world.calm_down();
    for name in ["a", "b", "c"] {
        world.detach(&nic(name));
    }
    world.detach(&web());
    world.calm_down();
    if !world.objects.contains_key(&web()) {
        world.create(&web(), subnet(), true);
        world.calm_down();
    }
    assert_eq!((ready(&world, &nic("d")), ready(&world, &nic("e"))), ("True Ready".into(), "True Ready".into()));
}

#[test]
fn an_address_of_one_that_was_released_stays_with_its_new_holder_over_a_restart() {
    let mut world = network();
    for name in ["a", "b", "c", "d"] {
        world.create(&nic(name), dynamic(), true); // one of them carries a finalizer of another controller
    }
    world.calm_down();
    for name in ["a", "b", "c"] {
        world.delete(&nic(name));
    }
    world.calm_down();
    for name in ["x", "y"] {
        world.create(&nic(name), dynamic(), true);
    }
    world.calm_down();
    let address = |world: &World, name: &str| {
        world.objects[&nic(name)]["status"]["ipConfigurations"][0]["privateIPAddress"].clone()
    };
    let before = [address(&world, "x"), address(&world, "y")];
    world.restart();
    world.calm_down();
    assert_eq!(before, [address(&world, "x"), address(&world, "y")]);
    assert!(before.iter().all(|address| address.is_string()));
}

#[test]
fn an_address_that_was_released_stays_with_its_new_holder_when_a_crash_cuts_off_the_release() {
    let mut world = network();
    for name in ["a", "b", "c", "x"] {
        world.create(&nic(name), dynamic(), true);
        world.detach(&nic(name));
    }
    world.calm_down();
    let address = |world: &World, name: &str| {
        world.objects[&nic(name)]["status"]["ipConfigurations"][0]["privateIPAddress"].clone()
    };
    let released = address(&world, "a");
    world.delete(&nic("a"));
    world.fails_at(|write| write.id == nic("a") && matches!(write.what, What::Finalizers(_)));
    world.dies_at(|write| write.id == nic("x") && matches!(write.what, What::Status(_)));
    assert_eq!((address(&world, "a"), address(&world, "x")), (released.clone(), released.clone()), "both show it");
    world.calm_down();
    assert_eq!(address(&world, "x"), released);
    assert!(!world.objects.contains_key(&nic("a")));
}

/// The pause after a first failed write is half a second.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_millis(500);

#[test]
fn a_failed_write_is_retried_in_its_pause_though_the_wall_clock_goes_back_an_hour() {
    let mut world = network();
    world.create(&nic("a"), dynamic(), true);
    world.fails_at(|write| write.id == nic("a") && matches!(write.what, What::Status(_)));
    let failed_at = world.now;
    world.wall_clock_is_off = SignedDuration::from_hours(-1);
    assert!((0..10).any(|_| world.goes_on_for_one_step(&nic("a")) == 1), "it is not written");
    assert_eq!(ready(&world, &nic("a")), "True Ready");
    let took = world.now.duration_since(failed_at);
    assert!(took <= FIRST_PAUSE + SignedDuration::from_millis(1), "it took {took}");
    let stamp = world.objects[&nic("a")]["status"]["conditions"][0]["lastTransitionTime"].as_str().unwrap();
    let shown = world.now + world.wall_clock_is_off;
    assert_eq!(stamp, Timestamp::from_second(shown.as_second()).unwrap().to_string());
}
