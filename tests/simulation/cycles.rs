//! Objects that wait for each other for ever: each says so and says who must go first, and what that says ends it (S-91).

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use vnet_operator::fabric::{Kind, ObjectId};

use super::stories::ready;
use super::world::{World, id};

const SEEDS: u64 = 300;

/// An object that is edited so that it waits for the next of its cycle.
struct Member {
    id: ObjectId,
    /// What it has.
    before: Value,
    /// What it is asked to have, which another has; `None` deletes it.
    asked: Option<Value>,
    /// What it can have meanwhile, so that it releases what it has and waits for nobody.
    aside: Value,
}

/// What there is beside, and the members of a cycle.
struct Cycle {
    beside: Vec<(ObjectId, Value)>,
    members: Vec<Member>,
}

fn of(kind: Kind, name: &str, n: usize) -> ObjectId {
    id(kind, "a", &format!("{name}{n}"))
}

fn ring(count: usize, kind: Kind, spec: impl Fn(usize, usize) -> Value) -> Vec<Member> {
    // The place after the last is nobody's.
    let member = |n: usize| Member {
        id: of(kind, "m", n),
        before: spec(n, n),
        asked: Some(spec(n, (n + 1) % count)),
        aside: spec(n, count),
    };
    (0..count).map(member).collect()
}

fn subnet(range: &str) -> Value {
    json!({"virtualNetwork": {"name": "hub"}, "addressPrefixes": [range]})
}

fn nic(subnet: &str, configuration: Value) -> Value {
    json!({"subnet": {"name": subnet}, "ipConfigurations": [configuration]})
}

fn addresses(count: usize) -> Cycle {
    let spec = |_, n: usize| {
        let address = format!("10.0.0.{}", n + 10);
        nic("web", json!({"name": "one", "privateIPAllocationMethod": "Static", "privateIPAddress": address}))
    };
    Cycle { beside: Vec::new(), members: ring(count, Kind::NetworkInterface, spec) }
}

fn subnets(count: usize) -> Cycle {
    Cycle { beside: Vec::new(), members: ring(count, Kind::Subnet, |_, n| subnet(&format!("10.0.{}.0/24", n + 1))) }
}

fn labels(count: usize) -> Cycle {
    let spec = |_, n: usize| json!({"dnsSettings": {"domainNameLabel": format!("label{n}")}});
    Cycle { beside: Vec::new(), members: ring(count, Kind::PublicIPAddress, spec) }
}

fn publics(count: usize) -> Cycle {
    let beside = (0..=count).map(|n| (of(Kind::PublicIPAddress, "p", n), json!({})));
    let spec = |_, n: usize| nic("web", json!({"name": "one", "publicIPAddress": {"name": format!("p{n}")}}));
    Cycle { beside: beside.collect(), members: ring(count, Kind::NetworkInterface, spec) }
}

fn machines(count: usize) -> Cycle {
    let beside = (0..=count).map(|n| (of(Kind::NetworkInterface, "n", n), nic("web", json!({"name": "one"}))));
    let spec = |_, n: usize| {
        json!({
            "hardwareProfile": {"vmSize": "Standard_D2s_v3"}, "powerState": "Deallocated",
            "networkProfile": {"networkInterfaces": [{"name": format!("n{n}")}]},
        })
    };
    Cycle { beside: beside.collect(), members: ring(count, Kind::VirtualMachine, spec) }
}

/// A network interface is to move to a new subnet, which waits for the range of the old one, which is deleted.
fn a_deletion() -> Cycle {
    let old = subnet("10.0.1.0/24");
    let (here, there) = (nic("m0", json!({"name": "one"})), nic("m1", json!({"name": "one"})));
    let nothing = || Value::Null;
    let member = |kind, n, before, asked, aside| Member { id: of(kind, "m", n), before, asked, aside };
    Cycle {
        beside: Vec::new(),
        members: vec![
            member(Kind::Subnet, 0, old.clone(), None, nothing()),
            member(Kind::Subnet, 1, nothing(), Some(old), subnet("10.0.2.0/24")),
            member(Kind::NetworkInterface, 0, here, Some(there), nic("web", json!({"name": "one"}))),
        ],
    }
}

/// A network and its subnet are to move, but not to the same place.
fn a_network() -> Cycle {
    let network = |prefixes: &[&str]| json!({"addressSpace": {"addressPrefixes": prefixes}});
    let sub = |range: &str| json!({"virtualNetwork": {"name": "m0"}, "addressPrefixes": [range]});
    let member = |kind, n, before, asked, aside| Member { id: of(kind, "m", n), before, asked: Some(asked), aside };
    let (here, there) = (network(&["10.1.0.0/16"]), network(&["10.2.0.0/16"]));
    Cycle {
        beside: Vec::new(),
        members: vec![
            member(Kind::VirtualNetwork, 0, here, there, network(&["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"])),
            member(Kind::Subnet, 1, sub("10.1.0.0/24"), sub("10.3.0.0/24"), sub("10.1.1.0/24")),
        ],
    }
}

fn some_cycle(rng: &mut ChaCha8Rng) -> Cycle {
    let count = rng.random_range(2..6);
    match rng.random_range(0..7) {
        0 => addresses(count),
        1 => subnets(count),
        2 => labels(count),
        3 => publics(count),
        4 => machines(count),
        5 => a_deletion(),
        _ => a_network(),
    }
}

fn accidents(world: &mut World, rng: &mut ChaCha8Rng) {
    for _ in 0..rng.random_range(0..20) {
        match rng.random_range(0..100) {
            0..=39 => world.deliver_one(rng),
            40..=69 => world.begin_writes(rng),
            70..=94 => world.end_a_write(rng),
            95..=97 => world.relist(rng),
            _ => world.crash(rng),
        }
    }
}

fn set(world: &mut World, id: &ObjectId, spec: &Value) {
    if world.objects.contains_key(id) {
        world.edit(id, |object| object["spec"] = spec.clone());
    } else {
        world.create(id, spec.clone(), true);
    }
}

/// The remedies of the violations that only an edit helps with.
fn remedies(world: &World, id: &ObjectId) -> Vec<String> {
    let violations = world.objects[id]["status"]["violations"].as_array().cloned().unwrap_or_default();
    let stalled = violations.iter().filter(|violation| violation["retry"] == "OnEdit");
    stalled.map(|violation| violation["remedy"].as_str().unwrap().to_owned()).collect()
}

/// A world with a cycle, of which every member was edited in some order amid accidents.
fn a_world_with(cycle: &Cycle, rng: &mut ChaCha8Rng) -> World {
    let mut world = World::new(false, false);
    let hub = json!({"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}});
    world.create(&id(Kind::VirtualNetwork, "a", "hub"), hub, true);
    world.create(&id(Kind::Subnet, "a", "web"), subnet("10.0.0.0/24"), true);
    let before = cycle.members.iter().map(|member| (&member.id, &member.before)).filter(|(_, spec)| !spec.is_null());
    for (id, spec) in cycle.beside.iter().map(|(id, spec)| (id, spec)).chain(before) {
        world.create(id, spec.clone(), true);
    }
    world.calm_down();
    let mut order: Vec<_> = cycle.members.iter().collect();
    order.shuffle(rng);
    for member in order {
        match &member.asked {
            Some(spec) => set(&mut world, &member.id, spec),
            None => world.delete(&member.id),
        }
        accidents(&mut world, rng);
    }
    world.calm_down();
    world
}

fn lives(seed: u64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let cycle = some_cycle(&mut rng);
    let mut world = a_world_with(&cycle, &mut rng);
    let mut first = Vec::new();
    for Member { id, .. } in &cycle.members {
        let told = remedies(&world, id);
        assert!(ready(&world, id).starts_with("False"), "seed {seed}: {id} is {}", ready(&world, id));
        assert!(told.iter().any(|told| told.contains("wait for each other")), "seed {seed}: {id} says {told:?}");
        let goes = cycle
            .members
            .iter()
            .filter(|other| told.iter().any(|told| told.contains(&format!("Let {} go first", other.id))));
        first.extend(goes.map(|goes| &goes.id));
    }
    first.dedup();
    let [first] = first[..] else { panic!("seed {seed}: {first:?} are to go first") };
    let member = cycle.members.iter().find(|member| member.id == *first).unwrap();
    let Some(asked) = &member.asked else { panic!("seed {seed}: {first} is deleted, and is to go first") };
    set(&mut world, first, &member.aside);
    accidents(&mut world, &mut rng);
    world.calm_down();
    for Member { id, asked, .. } in cycle.members.iter().filter(|other| other.id != *first) {
        if asked.is_none() {
            world.detach(id);
            world.calm_down();
            assert!(!world.objects.contains_key(id), "seed {seed}: {id} has not gone");
        } else {
            assert_eq!(ready(&world, id), "True Ready", "seed {seed}: {id} after {first} went first");
        }
    }
    if cycle.members.iter().all(|member| member.asked.is_some()) && member.id.kind != Kind::VirtualNetwork {
        set(&mut world, first, asked);
        world.calm_down();
        assert_eq!(ready(&world, first), "True Ready", "seed {seed}: {first}, at last");
    }
}

// shows S-91
#[test]
fn every_member_of_a_cycle_says_who_must_go_first_and_that_ends_it() {
    (0..SEEDS).for_each(lives);
}

#[test]
fn a_member_that_something_outside_the_cycle_can_cure_waits_and_so_do_the_others() {
    let mut world = World::new(false, false);
    let hub = json!({"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}});
    let (hub_id, web) = (id(Kind::VirtualNetwork, "a", "hub"), id(Kind::Subnet, "a", "web"));
    world.create(&hub_id, hub, true);
    world.create(&web, subnet("10.0.0.0/24"), true);
    let a = id(Kind::NetworkInterface, "a", "a");
    world.create(&a, nic("web", json!({"name": "one"})), true);
    world.calm_down();
    // Both wait for each other, and for the network interface, with which the network would let its prefix go.
    world.edit(&hub_id, |hub| hub["spec"]["addressSpace"]["addressPrefixes"] = json!(["10.9.0.0/16"]));
    world.edit(&web, |web| web["spec"]["addressPrefixes"] = json!(["10.9.0.0/24"]));
    world.calm_down();
    assert_eq!(ready(&world, &hub_id), "Unknown InUsePrefixCannotBeDeleted");
    assert!(ready(&world, &web).starts_with("Unknown"), "{}", ready(&world, &web));
    world.delete(&a);
    world.detach(&a);
    world.calm_down();
    assert_eq!([ready(&world, &hub_id), ready(&world, &web)], ["True Ready", "True Ready"]);
}

// shows S-89
#[test]
fn an_object_made_again_takes_over_what_its_earlier_life_holds_for_others() {
    let mut world = World::new(false, false);
    let hub = json!({"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}});
    world.create(&id(Kind::VirtualNetwork, "a", "hub"), hub, true);
    let (web, a) = (id(Kind::Subnet, "a", "web"), id(Kind::NetworkInterface, "a", "a"));
    world.create(&web, subnet("10.0.0.0/24"), true);
    world.create(&a, nic("web", json!({"name": "one"})), true);
    world.calm_down();
    let address = world.objects[&a]["status"]["ipConfigurations"][0]["privateIPAddress"].clone();
    world.delete(&web);
    world.calm_down();
    assert_eq!(ready(&world, &web), "Unknown InUseSubnetCannotBeDeleted");
    world.strip(&web);
    world.calm_down();
    assert!(!world.objects.contains_key(&web));
    world.create(&web, json!({"virtualNetwork": {"name": "spoke"}, "addressPrefixes": ["10.0.0.0/24"]}), true);
    world.calm_down();
    assert_eq!(ready(&world, &web), "Unknown AnotherOperationInProgress");
    let violations = world.objects[&web]["status"]["violations"].as_array().unwrap().clone();
    assert!(violations.iter().any(|violation| violation["path"] == "spec.virtualNetwork"), "{violations:?}");
    assert!(violations.iter().all(|violation| !violation.to_string().contains("deleted automatically")));
    world.edit(&web, |web| web["spec"] = subnet("10.0.0.0/24"));
    world.calm_down();
    assert_eq!([ready(&world, &web), ready(&world, &a)], ["True Ready", "True Ready"]);
    world.restart();
    world.calm_down();
    assert_eq!(world.objects[&a]["status"]["ipConfigurations"][0]["privateIPAddress"], address);
}
