//! Upgrades that a machine does not take up, or not at once.

use super::*;

/// A second network interface, `more`, beside `nic`.
fn two_nics(mut spec: Value) -> Value {
    let nics = &mut spec["virtualMachineProfile"]["networkProfile"]["networkInterfaceConfigurations"];
    nics[0]["primary"] = json!(true);
    let mut more = nics[0].clone();
    (more["name"], more["primary"]) = (json!("more"), json!(false));
    nics.as_array_mut().unwrap().push(more);
    spec
}

fn more(n: u64) -> ObjectId {
    id(Kind::NetworkInterface, "a", &format!("api-{n}-more"))
}

fn is_going(world: &World, id: &ObjectId) -> bool {
    !world.objects[id]["metadata"]["deletionTimestamp"].is_null()
}

#[test]
fn an_upgrade_that_leaves_a_part_out_takes_none_from_a_machine_that_was_taken_over() {
    let mut world = farm();
    world.create(&api(), two_nics(upgraded("Flexible", "Automatic", 2, false)), true);
    world.calm_down();
    assert_eq!(ready(&world, &api()), "True Ready");
    world.taken_over.insert(machine(0));
    world.edit(&api(), |object| object["spec"] = upgraded("Flexible", "Automatic", 2, true));
    world.calm_down();
    world.detach(&more(1));
    world.calm_down();
    assert!(!is_going(&world, &more(0)), "its machine has it");
    assert!(!world.objects.contains_key(&more(1)), "its machine has let go of it");
    assert_eq!((ready(&world, &api()), status(&world, "takenOverInstanceIds")), ("True Ready".into(), json!("0")));
    a_restart_changes_nothing(&mut world);
}

#[test]
fn an_upgrade_that_is_taken_back_before_it_was_done_leaves_nothing_behind() {
    let mut world = farm();
    let whole = || two_nics(upgraded("Flexible", "Automatic", 3, false));
    world.create(&api(), whole(), true);
    world.calm_down();
    world.edit(&api(), |object| object["spec"] = upgraded("Flexible", "Automatic", 3, true));
    for _ in 0..6 {
        world.goes_on_for_one_step(&api());
    }
    world.edit(&api(), |object| object["spec"] = whole());
    world.calm_down();
    for n in 0..3 {
        world.detach(&more(n));
    }
    world.calm_down();
    assert_eq!(ready(&world, &api()), "True Ready");
    assert_eq!((0..3).map(|n| is_going(&world, &more(n))).collect::<Vec<_>>(), [false; 3]);
}

/// The machine as the fabric carries it has the old model, whatever its object says.
#[test]
fn a_machine_that_refuses_its_upgrade_is_told_and_not_counted() {
    for upgrade in ["Automatic", "Rolling"] {
        let mut world = farm();
        world.create(&id(Kind::AvailabilitySet, "a", "av"), json!({}), true);
        world.create(&api(), upgraded("Flexible", upgrade, 2, false), true);
        world.calm_down();
        world.edit(&machine(0), |object| object["spec"]["availabilitySet"] = json!({"name": "av"}));
        world.calm_down();
        assert_eq!(ready(&world, &machine(0)), "False PropertyChangeNotAllowed");
        assert_eq!(ready(&world, &api()), "True Ready", "{upgrade}: it runs, as it is to be");
        world.edit(&api(), |object| object["spec"] = upgraded("Flexible", upgrade, 2, true));
        world.calm_down();
        let told = |world: &World| {
            let latest = |n: u64| world.objects[&machine(n)]["status"]["latestModelApplied"].clone();
            (ready(world, &api()), status(world, "instances")[0]["latestModelApplied"].clone(), latest(0))
        };
        assert_eq!(told(&world), ("Unknown InstanceBlocked".into(), json!(false), json!(false)), "{upgrade}");
        assert!(message(&world).contains(&machine(0).to_string()), "{}", message(&world));
        a_restart_changes_nothing(&mut world);
        world.edit(&machine(0), |object| drop(object["spec"].as_object_mut().unwrap().remove("availabilitySet")));
        world.calm_down();
        assert_eq!(told(&world), ("True Ready".into(), json!(true), json!(true)), "{upgrade}");
    }
}

/// A Rolling set whose upgrades pause for a minute between two batches, and at a start of the operator.
fn pausing(mut spec: Value) -> Value {
    spec["upgradePolicy"] = json!({"mode": "Rolling", "rollingUpgradePolicy": {"pauseTimeBetweenBatches": "PT1M"}});
    spec
}

#[test]
fn a_part_that_a_machine_that_was_taken_over_never_got_outlives_a_restart() {
    let mut world = farm();
    world.create(&api(), pausing(set("Flexible", 1, false)), true);
    world.calm_down();
    world.taken_over.insert(machine(0));
    world.edit(&api(), |object| object["spec"] = pausing(two_nics(set("Flexible", 1, false))));
    world.calm_down();
    assert_eq!((ready(&world, &more(0)), status(&world, "takenOverInstanceIds")), ("True Ready".into(), json!("0")));
    a_restart_changes_nothing(&mut world);
}

#[test]
fn a_part_that_a_machine_refuses_outlives_a_restart() {
    let mut world = farm();
    world.create(&id(Kind::AvailabilitySet, "a", "av"), json!({}), true);
    world.create(&api(), pausing(set("Flexible", 1, false)), true);
    world.calm_down();
    world.edit(&machine(0), |object| object["spec"]["availabilitySet"] = json!({"name": "av"}));
    world.edit(&api(), |object| object["spec"] = pausing(two_nics(set("Flexible", 1, false))));
    world.calm_down();
    assert_eq!(ready(&world, &api()), "Unknown InstanceBlocked");
    a_restart_changes_nothing(&mut world);
}

#[test]
fn an_instance_of_which_nothing_could_be_written_is_told_as_taken_over_after_a_restart() {
    for (upgrade, later) in [("Rolling", "Rolling"), ("Automatic", "Manual")] {
        let policy = |mut spec: Value, mode: &str| {
            spec = pausing(spec);
            spec["upgradePolicy"]["mode"] = json!(mode);
            spec
        };
        let mut world = farm();
        world.create(&api(), policy(set("Flexible", 1, false), upgrade), true);
        world.calm_down();
        world.taken_over.insert(nic(0));
        world.edit(&api(), |object| object["spec"] = policy(set("Flexible", 1, true), upgrade));
        world.calm_down();
        world.edit(&api(), |object| object["spec"] = policy(set("Flexible", 1, true), later));
        world.calm_down();
        assert_eq!(status(&world, "takenOverInstanceIds"), json!("0"), "{later}");
        a_restart_changes_nothing(&mut world);
    }
}

#[test]
fn a_wish_for_a_revision_that_an_instance_is_on_its_way_to_upgrades_it_to_no_later_one_at_a_restart() {
    let mut world = made("Flexible", 1);
    let spec = |forwarding: bool| two_nics(upgraded("Flexible", "Manual", 1, forwarding));
    world.taken_over.insert(machine(0));
    world.edit(&api(), |object| object["spec"] = spec(false));
    world.calm_down();
    world.edit(&machine(0), |object| object["metadata"]["annotations"]["vnet.dev/desired-revision"] = json!("2"));
    world.calm_down();
    world.edit(&api(), |object| object["spec"] = spec(true));
    world.calm_down();
    assert_eq!(status(&world, "takenOverInstanceIds"), json!("0"));
    a_restart_changes_nothing(&mut world);
    assert_eq!(world.objects[&more(0)]["spec"]["enableIPForwarding"], json!(false));
}
