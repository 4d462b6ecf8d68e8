//! What waits costs nothing: only what is freed has an object judged, and as few as can use it.

use std::sync::OnceLock;

use serde_json::{Value, json};
use vnet_operator::fabric::{Kind, ObjectId};

use super::stories::{dynamic, network, nic, ready, web, with_address};
use super::world::{World, id};

const WAITING: usize = 5000;

fn waiting(n: usize) -> ObjectId {
    nic(&format!("waiting-{n:04}"))
}

/// Objects of this spec that hold something, and 5,000 that wait for it.
fn crowd(world: &mut World, holders: &[ObjectId], waiting: impl Fn(usize) -> ObjectId, spec: &Value) {
    for holder in holders {
        world.create(holder, spec.clone(), true);
        world.calm_down();
        world.detach(holder);
    }
    for n in 0..WAITING {
        world.create(&waiting(n), spec.clone(), true);
    }
    world.calm_down();
}

/// A subnet that the NICs `a`, `b` and `c` fill.
fn a_full_subnet() -> World {
    static WORLD: OnceLock<World> = OnceLock::new();
    let world = WORLD.get_or_init(|| {
        let mut world = network();
        crowd(&mut world, &["a", "b", "c"].map(nic), waiting, &dynamic());
        world
    });
    assert_eq!(ready(world, &waiting(0)), "Unknown SubnetIsFull");
    world.clone()
}

/// The number of judgements that something causes until the world is calm again.
fn judgements(world: &mut World, what: impl FnOnce(&mut World)) -> u64 {
    let before = world.core.judgements();
    what(world);
    world.calm_down();
    world.core.judgements() - before
}

/// The objects whose versions something changes.
fn changed(world: &mut World, what: impl FnOnce(&mut World)) -> Vec<ObjectId> {
    let before = world.objects.clone();
    what(world);
    let version = |object: Option<&Value>| object.map(|object| object["metadata"]["resourceVersion"].clone());
    let changed = world.objects.iter().filter(|(id, object)| version(before.get(*id)) != version(Some(object)));
    changed.map(|(id, _)| id.clone()).collect()
}

/// A deletion is judged twice: when it is asked for, and when the object has gone.
const OF_A_DELETION: u64 = 2;

#[test]
fn what_waits_is_not_judged_when_something_else_happens() {
    let mut world = a_full_subnet();
    let (hub, other, stranger) =
        (id(Kind::VirtualNetwork, "a", "hub"), id(Kind::Subnet, "a", "other"), nic("stranger"));
    let mut judged = 0;
    let changed = changed(&mut world, |world| {
        judged = judgements(world, |world| {
            world.edit(&hub, |hub| hub["spec"]["dhcpOptions"] = json!({"dnsServers": ["10.0.0.4"]}));
            world.edit(&web(), |subnet| subnet["metadata"]["annotations"] = json!({"note": "x"}));
            let spec = json!({"virtualNetwork": {"name": "hub"}, "addressPrefixes": ["10.0.1.0/29"]});
            world.create(&other, spec, true);
            world.calm_down();
            world.create(&stranger, json!({"subnet": {"name": "other"}, "ipConfigurations": [{"name": "one"}]}), true);
        });
    });
    assert_eq!(judged, 4, "each of the four that changed, once");
    assert!(!changed.is_empty() && changed.iter().all(|id| !id.name.name.starts_with("waiting")), "{changed:?}");
}

#[test]
fn an_address_that_is_freed_wakes_the_first_of_those_that_wait_and_no_other() {
    let mut world = a_full_subnet();
    for n in 0..3 {
        let mut judged = 0;
        let changed =
            changed(&mut world, |world| judged = judgements(world, |world| world.delete(&nic(["b", "a", "c"][n]))));
        assert_eq!(judged, OF_A_DELETION + 1);
        assert_eq!(changed, [waiting(n)], "and neither the subnet nor another has anything to tell");
        assert_eq!(ready(&world, &waiting(n)), "True Ready");
    }
}

#[test]
fn as_many_are_woken_as_addresses_are_freed_together() {
    let mut world = a_full_subnet();
    let judged = judgements(&mut world, |world| {
        ["a", "b", "c"].map(nic).iter().for_each(|holder| world.delete(holder));
        world.deliver_all();
    });
    assert_eq!(judged, 3 * (OF_A_DELETION + 1));
    assert_eq!([0, 1, 2, 3].map(|n| ready(&world, &waiting(n)) == "True Ready"), [true, true, true, false]);
}

#[test]
fn one_that_needs_more_than_was_freed_passes_it_on() {
    let mut world = a_full_subnet();
    let two = json!([{"name": "one", "primary": true}, {"name": "two"}]);
    world.edit(&waiting(0), |first| first["spec"]["ipConfigurations"] = two);
    world.calm_down();
    assert_eq!(judgements(&mut world, |world| world.delete(&nic("a"))), OF_A_DELETION + 2);
    assert_eq!(ready(&world, &waiting(0)), "Unknown SubnetIsFull");
    assert_eq!(ready(&world, &waiting(1)), "True Ready");
}

#[test]
fn one_that_is_edited_as_it_is_woken_and_goes_elsewhere_passes_it_on() {
    let mut world = a_full_subnet();
    let spec = json!({"virtualNetwork": {"name": "hub"}, "addressPrefixes": ["10.0.1.0/29"]});
    world.create(&id(Kind::Subnet, "a", "other"), spec, true);
    world.calm_down();
    let judged = judgements(&mut world, |world| {
        world.delete(&nic("a"));
        world.edit(&waiting(0), |first| first["spec"]["subnet"]["name"] = json!("other"));
        world.deliver_all();
    });
    assert_eq!(judged, OF_A_DELETION + 2);
    assert_eq!([0, 1, 2].map(|n| ready(&world, &waiting(n)) == "True Ready"), [true, true, false]);
}

#[test]
fn an_address_of_a_public_prefix_that_is_freed_wakes_one() {
    let mut world = network();
    let public = |name: &str| id(Kind::PublicIPAddress, "a", name);
    let waiting = |n: usize| public(&format!("waiting-{n:04}"));
    world.create(&id(Kind::PublicIPPrefix, "a", "pool"), json!({"prefixLength": 31}), true);
    let spec = json!({"sku": {"name": "Standard"}, "publicIPPrefix": {"name": "pool"}});
    crowd(&mut world, &["a", "b"].map(public), waiting, &spec);
    assert_eq!(ready(&world, &waiting(0)), "Unknown PublicIPPrefixExhausted");
    assert_eq!(judgements(&mut world, |world| world.delete(&public("a"))), OF_A_DELETION + 1);
    assert_eq!(ready(&world, &waiting(0)), "True Ready");
    assert_eq!(ready(&world, &waiting(1)), "Unknown PublicIPPrefixExhausted");
}

/// What they tell of the holder is no longer true when another one has the address.
#[test]
fn all_that_claim_one_address_are_woken_when_its_holder_lets_go_and_tell_who_has_it_then() {
    let mut world = network();
    crowd(&mut world, &[nic("a")], waiting, &with_address("10.0.0.5"));
    assert_eq!(judgements(&mut world, |world| world.delete(&nic("a"))), OF_A_DELETION + WAITING as u64);
    assert_eq!(ready(&world, &waiting(0)), "True Ready");
    for n in 1..WAITING {
        let blocker = &world.objects[&waiting(n)]["status"]["violations"][0]["blockedBy"][0]["name"];
        assert_eq!(*blocker, *waiting(0).name.name);
    }
    world.create(&nic("b"), with_address("10.0.0.6"), true);
    world.detach(&nic("b"));
    world.calm_down();
    let another = judgements(&mut world, |world| world.delete(&nic("b")));
    assert_eq!(another, OF_A_DELETION, "another address is nothing to them");
}
