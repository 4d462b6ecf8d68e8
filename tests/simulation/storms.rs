//! What many objects cost that wait for the same: the statuses and the Events that are written, while the clock is stopped
//! and while it goes on.

use jiff::SignedDuration;
use serde_json::{Value, json};
use vnet_operator::fabric::{Kind, ObjectId};
use vnet_operator::operator::Notice;

use super::scale_sets::{api, farm, set};
use super::stories::{network, nic, ready, with_address};
use super::world::{World, id};

fn warnings(world: &mut World) -> Vec<Notice> {
    world.core.take_notices().into_iter().filter(|notice| notice.warning).collect()
}

fn version(world: &World, id: &ObjectId) -> Value {
    world.objects[id]["metadata"]["resourceVersion"].clone()
}

fn violation(world: &World, id: &ObjectId) -> Value {
    world.objects[id]["status"]["violations"][0].clone()
}

#[test]
fn neighbours_that_come_and_go_cost_a_refused_set_neither_a_status_nor_an_event() {
    let mut world = farm();
    world.create(&api(), set("Uniform", 300, false), true);
    world.calm_down();
    assert_eq!(ready(&world, &api()), "Unknown SubnetIsFull");
    assert_eq!(warnings(&mut world).len(), 1);
    let told = violation(&world, &api());
    let message = "300 more addresses of Subnet a/web (10.0.0.0/24) are required, and fewer are available.";
    assert_eq!(told["message"], message);
    assert_eq!(told["blockedBy"], json!([{"kind": "Subnet", "namespace": "a", "name": "web"}]));

    let before = version(&world, &api());
    let nics: Vec<ObjectId> = (0..60).map(|n| nic(&format!("n{n:02}"))).collect();
    for nic in &nics {
        world.create(nic, json!({"subnet": {"name": "web"}, "ipConfigurations": [{"name": "one"}]}), true);
        world.detach(nic);
        world.calm_down();
        assert_eq!(ready(&world, nic), "True Ready");
    }
    for nic in &nics {
        world.delete(nic);
        world.calm_down();
    }
    assert_eq!(version(&world, &api()), before, "nothing that it says has changed");
    assert_eq!(warnings(&mut world), []);
}

#[test]
fn an_address_is_handed_over_in_order_and_each_release_costs_one_status_and_no_warning() {
    const WAITING: usize = 80;
    let mut world = network();
    let waiting: Vec<ObjectId> = (0..WAITING).map(|n| nic(&format!("waiting-{n:02}"))).collect();
    for nic in &waiting {
        world.create(nic, with_address("10.0.0.5"), true);
        world.detach(nic);
        world.calm_down();
    }
    assert_eq!(warnings(&mut world).len(), WAITING - 1, "one for each that was refused");
    for n in 0..20 {
        world.delete(&waiting[n]);
        let written = world.settles_at_once();
        let of_others: Vec<_> =
            written.iter().filter(|id| id.kind == Kind::NetworkInterface && **id != waiting[n]).collect();
        assert_eq!(of_others, [&waiting[n + 1]], "the next one has the address, and no other is touched");
        assert_eq!(ready(&world, &waiting[n + 1]), "True Ready");
    }

    // The others come to show who has it now, some at a time.
    let mut refreshed = 0;
    for second in 1..=3 {
        world.now += SignedDuration::from_secs(1);
        let written = world.settles_at_once().len();
        assert!(written <= 32 + 1, "{written} in second {second}"); // and the status of the subnet
        refreshed += written;
    }
    assert!(refreshed >= WAITING - 21, "{refreshed}");
    for other in &waiting[21..] {
        assert_eq!(violation(&world, other)["blockedBy"][0]["name"], *waiting[20].name.name);
    }
    assert_eq!(warnings(&mut world), [], "who holds it makes no other violation of it");
}

#[test]
fn a_name_is_handed_over_in_order_too() {
    let mut world = network();
    let public = |n: usize| id(Kind::PublicIPAddress, "a", &format!("p{n}"));
    let spec = json!({"sku": {"name": "Standard"}, "dnsSettings": {"domainNameLabel": "web"}});
    for n in 0..6 {
        world.create(&public(n), spec.clone(), true);
        world.detach(&public(n));
        world.calm_down();
    }
    warnings(&mut world);
    for n in 0..5 {
        world.delete(&public(n));
        let written = world.settles_at_once();
        let of_others: Vec<_> = written.iter().filter(|id| **id != public(n)).collect();
        assert_eq!(of_others, [&public(n + 1)]);
        assert_eq!(ready(&world, &public(n + 1)), "True Ready");
    }
    assert_eq!(warnings(&mut world), []);
}

#[test]
fn an_edit_that_many_stand_against_is_one_violation_whose_count_follows_with_pauses_and_without_events() {
    const SUBNETS: usize = 40;
    let mut world = World::new(false, false);
    let hub = id(Kind::VirtualNetwork, "a", "hub");
    world.create(&hub, json!({"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}), true);
    let subnets: Vec<ObjectId> = (0..SUBNETS).map(|n| id(Kind::Subnet, "a", &format!("s{n:02}"))).collect();
    for (n, subnet) in subnets.iter().enumerate() {
        let prefix = format!("10.0.{n}.0/24");
        world.create(subnet, json!({"virtualNetwork": {"name": "hub"}, "addressPrefixes": [prefix]}), true);
        world.detach(subnet);
    }
    world.detach(&hub);
    world.calm_down();
    warnings(&mut world);
    world.edit(&hub, |hub| hub["spec"]["addressSpace"]["addressPrefixes"] = json!(["10.9.0.0/16"]));
    world.calm_down();
    let told = world.objects[&hub]["status"]["violations"].as_array().unwrap().clone();
    assert_eq!(told.len(), 1);
    assert_eq!((told[0]["blockedBy"].as_array().unwrap().len(), &told[0]["blockedByCount"]), (8, &json!(SUBNETS)));
    assert_eq!(warnings(&mut world).len(), 1);

    world.now += SignedDuration::from_secs(5);
    let mut statuses = 0;
    for gone in &subnets[..20] {
        world.delete(gone);
        statuses += world.settles_at_once().iter().filter(|id| **id == hub).count();
    }
    assert!(statuses <= 1, "{statuses} in no time");
    world.calm_down();
    assert_eq!(violation(&world, &hub)["blockedByCount"], json!(SUBNETS - 20));
    assert_eq!(warnings(&mut world), []);
    for gone in &subnets[20..] {
        world.delete(gone);
    }
    world.calm_down();
    assert_eq!(ready(&world, &hub), "True Ready");
}
