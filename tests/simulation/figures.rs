//! What the core counts of itself.

use jiff::SignedDuration;
use vnet_operator::api::conditions::Truth;
use vnet_operator::fabric::{Code, Kind};

use crate::check::the_totals_are_those_of_a_walk;
use crate::stories::{dynamic, network, nic, with_address};
use crate::world::World;

fn nics(world: &World, ready: Truth) -> u64 {
    world.core.figures().totals.objects(Kind::NetworkInterface, ready)
}

fn violations(world: &World, of: Code) -> u64 {
    world.core.figures().totals.violations().find(|(code, _)| *code == of).map_or(0, |(_, count)| count)
}

#[test]
fn objects_are_counted_by_kind_and_readiness_as_they_come_change_and_go() {
    let mut world = network();
    world.create(&nic("a"), with_address("10.0.0.4"), true);
    world.create(&nic("reserved"), with_address("10.0.0.1"), true);
    world.create(&nic("late"), with_address("10.0.0.4"), true);
    assert_eq!(Truth::ALL.map(|ready| nics(&world, ready)), [0, 0, 0], "none has been seen yet");
    world.calm_down();
    assert_eq!(Truth::ALL.map(|ready| nics(&world, ready)), [1, 1, 1]);
    world.edit(&nic("reserved"), |object| object["spec"] = with_address("10.0.0.5"));
    world.calm_down();
    assert_eq!(Truth::ALL.map(|ready| nics(&world, ready)), [2, 0, 1]);
    world.delete(&nic("a"));
    world.calm_down();
    assert_eq!(Truth::ALL.map(|ready| nics(&world, ready)), [2, 0, 0], "the late one has its address");
    the_totals_are_those_of_a_walk(&world);
}

#[test]
fn violations_are_counted_by_code_until_they_are_cured() {
    let mut world = network();
    for name in ["a", "b"] {
        world.create(&nic(name), with_address("10.0.0.1"), true);
    }
    world.calm_down();
    assert_eq!(violations(&world, Code::PrivateIPAddressInReservedRange), 2);
    world.edit(&nic("a"), |object| object["spec"] = with_address("10.0.0.4"));
    world.delete(&nic("b"));
    world.calm_down();
    assert_eq!(violations(&world, Code::PrivateIPAddressInReservedRange), 0);
}

#[test]
fn what_waits_is_counted_until_it_is_cured() {
    let mut world = network();
    for name in ["a", "b", "c", "late"] {
        world.create(&nic(name), dynamic(), true);
    }
    world.calm_down();
    assert_eq!((world.core.figures().waiting, violations(&world, Code::SubnetIsFull)), (1, 1));
    let [web] = &world.core.figures().subnets[..] else { panic!("there is one subnet") };
    assert_eq!((web.addresses.allocated, web.addresses.available), (3, 0));
    world.delete(&nic("a"));
    world.calm_down();
    assert_eq!((world.core.figures().waiting, violations(&world, Code::SubnetIsFull)), (0, 0));
}

#[test]
fn each_new_spec_is_measured_once_from_its_event_to_its_status() {
    let mut world = network();
    let before = world.core.figures().latency.count();
    world.create(&nic("a"), dynamic(), true);
    world.calm_down();
    assert_eq!(world.core.figures().latency.count(), before + 1);
    world.edit(&nic("a"), |object| object["spec"]["enableIPForwarding"] = true.into());
    world.calm_down();
    assert_eq!(world.core.figures().latency.count(), before + 2);
    let spent = world.core.figures().latency.seconds();
    world.now += SignedDuration::from_hours(1);
    world.calm_down();
    assert_eq!(world.core.figures().latency.seconds(), spent, "time that passes at rest is nobody's");
}

#[test]
fn a_restart_measures_nothing_of_what_is_reported_already() {
    let mut world = network();
    world.create(&nic("a"), dynamic(), true);
    world.create(&nic("reserved"), with_address("10.0.0.1"), true);
    world.calm_down();
    world.restart();
    world.calm_down();
    assert_eq!(world.core.figures().latency.count(), 0);
    world.now += SignedDuration::from_hours(1);
    world.edit(&nic("a"), |object| object["metadata"]["labels"] = serde_json::json!({"a": "b"}));
    world.calm_down();
    assert_eq!(world.core.figures().latency.count(), 0, "a label is no spec");
}
