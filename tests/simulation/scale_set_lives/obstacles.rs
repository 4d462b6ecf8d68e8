//! Objects that are in the way, refused, not taken, vanished, or the set's no longer.

use super::*;

#[test]
fn a_name_that_is_taken_is_told_and_the_instance_follows_when_it_is_free() {
    for (mode, other) in [("Uniform", instance(1)), ("Flexible", machine(1))] {
        let mut world = farm();
        let spec = match mode {
            "Uniform" => json!({"scaleSet": {"name": "api"}, "instanceId": "1"}),
            _ => {
                json!({"hardwareProfile": {"vmSize": "Standard_B2s"}, "networkProfile": {"networkInterfaces": [{"name": "x"}]}})
            }
        };
        world.create(&other, spec, true);
        world.create(&api(), set(mode, 2, false), true);
        world.calm_down();
        assert_eq!(ready(&world, &api()), "Unknown InstanceBlocked", "{mode}");
        assert!(message(&world).contains(&other.to_string()), "{}", message(&world));
        a_restart_changes_nothing(&mut world);
        world.detach(&other);
        world.delete(&other);
        world.calm_down();
        assert_eq!(ready(&world, &api()), "True Ready", "{mode}");
    }
}

#[test]
fn a_name_that_is_taken_is_not_told_again_by_a_restart_and_its_end_is() {
    let mut world = farm();
    world.create(&instance(1), json!({"scaleSet": {"name": "api"}, "instanceId": "1"}), true);
    world.create(&api(), set("Uniform", 2, false), true);
    world.calm_down();
    a_restart_changes_nothing(&mut world);
    let told = |world: &mut World| -> Vec<(bool, String)> {
        let of_the_set = world.core.take_notices().into_iter().filter(|notice| notice.id == api());
        of_the_set.map(|notice| (notice.warning, notice.reason)).collect()
    };
    assert_eq!(told(&mut world), []); // the restarted operator has nothing new to tell
    world.detach(&instance(1));
    world.delete(&instance(1));
    world.calm_down();
    assert_eq!(told(&mut world), [(false, "Ready".to_owned())]);
}

/// The operator hears that the name is taken, and sees neither that it was nor that it is free again.
#[test]
fn what_was_in_the_way_and_was_never_seen_keeps_nothing_away() {
    let mut world = farm();
    world.create(&api(), set("Uniform", 2, false), true);
    world.dies_at(|write| write.id == api() && matches!(write.what, What::Status(_)));
    world.appears_unseen(&instance(1));
    for _ in 0..20 {
        world.goes_on_for_one_step(&api());
    }
    assert_eq!(names(&world, Kind::VirtualMachineScaleSetVM), ["api-0", "api-1"]);
    world.objects.remove(&instance(1));
    world.relists(Kind::VirtualMachineScaleSetVM);
    world.calm_down();
    assert_eq!((ready(&world, &api()), status(&world, "readyReplicas")), ("True Ready".into(), json!(2)));
}

#[test]
fn an_object_that_appears_under_the_name_of_a_pending_one_is_not_adopted() {
    let mut world = farm();
    world.create(&api(), set("Flexible", 1, false), true);
    world.fails_at(|write| write.id == nic(0));
    world.now = world.core.next_deadline().unwrap();
    world.core.settle(world.now); // its creation is pending again
    let theirs = json!({"subnet": {"name": "web"}, "ipConfigurations": [{"name": "theirs"}]});
    world.create(&nic(0), theirs.clone(), true);
    world.calm_down();
    let object = &world.objects[&nic(0)];
    assert_eq!((&object["spec"], &object["metadata"]["ownerReferences"]), (&theirs, &Value::Null));
    assert_eq!(ready(&world, &api()), "Unknown InstanceBlocked");
}

#[test]
fn an_object_that_the_api_server_does_not_take_is_told_once_and_tried_less_and_less() {
    let mut world = farm();
    world.not_taken.insert(instance(1));
    world.create(&api(), set("Uniform", 2, false), true);
    let start = world.now;
    let mut tries = 0;
    let mut notices = Vec::new();
    while world.now.duration_since(start).as_secs() < 60 {
        tries += world.goes_on_for_one_step(&instance(1));
        notices.append(&mut world.core.take_notices());
    }
    assert!((3..12).contains(&tries), "{tries} tries in a minute");
    let told = notices.iter().filter(|notice| notice.reason == "WriteRefused").count();
    assert_eq!((told, ready(&world, &api()).as_str()), (1, "Unknown InstanceBlocked"));
    world.not_taken.clear();
    world.calm_down();
    assert_eq!(ready(&world, &api()), "True Ready");
}

#[test]
fn a_rolling_upgrade_leaves_out_what_a_user_has_taken_over() {
    let mut world = farm();
    world.create(&api(), upgraded("Flexible", "Rolling", 3, false), true);
    world.calm_down();
    world.taken_over.extend([nic(0), nic(1)]);
    world.edit(&api(), |object| object["spec"] = upgraded("Flexible", "Rolling", 3, true));
    world.calm_down();
    assert_eq!(ready(&world, &api()), "True Ready");
    assert_eq!((status(&world, "updatedReplicas"), status(&world, "takenOverInstanceIds")), (json!(1), json!("0-1")));
    assert_eq!(status(&world, "instances")[0]["latestModelApplied"], json!(false));
    a_restart_changes_nothing(&mut world);
    world.taken_over.clear();
    world.edit(&nic(0), |object| object["metadata"]["labels"]["touched"] = json!("yes"));
    world.edit(&nic(1), |object| object["metadata"]["labels"]["touched"] = json!("yes"));
    world.calm_down();
    assert_eq!((status(&world, "updatedReplicas"), status(&world, "takenOverInstanceIds")), (json!(3), Value::Null));
}

#[test]
fn an_instance_whose_machine_is_not_there_yet_is_made_from_the_latest_model() {
    let mut world = farm();
    let mut spec = upgraded("Flexible", "Manual", 2, false);
    world.not_taken.insert(machine(1));
    world.create(&api(), spec.clone(), true);
    let start = world.now;
    while world.now.duration_since(start).as_secs() < 5 {
        world.goes_on_for_one_step(&api());
    }
    assert_eq!(ready(&world, &api()), "Unknown InstanceBlocked");
    spec["virtualMachineProfile"]["networkProfile"]["networkInterfaceConfigurations"][0]["enableIPForwarding"] =
        json!(true);
    world.edit(&api(), |object| object["spec"] = spec);
    world.not_taken.clear();
    world.calm_down();
    let forwards = |n: u64| world.objects[&nic(n)]["spec"]["enableIPForwarding"].clone();
    assert_eq!((forwards(0), forwards(1)), (json!(false), json!(true)));
    assert_eq!((ready(&world, &api()), status(&world, "updatedReplicas")), ("True Ready".into(), json!(1)));
}

#[test]
fn an_upgrade_that_an_object_of_an_instance_refuses_is_not_told_as_done() {
    let mut world = farm();
    let pool = id(Kind::PublicIPPrefix, "a", "pool");
    world.create(&pool, json!({"prefixLength": 30}), true);
    let before = with_public(upgraded("Flexible", "Automatic", 2, false), "Standard");
    let mut after = before.clone();
    let nic = &mut after["virtualMachineProfile"]["networkProfile"]["networkInterfaceConfigurations"][0];
    nic["ipConfigurations"][0]["publicIPAddressConfiguration"]["publicIPPrefix"] = json!({"name": "pool"});
    world.create(&api(), before, true);
    world.calm_down();
    assert_eq!(ready(&world, &api()), "True Ready");
    world.edit(&api(), |object| object["spec"] = after);
    world.calm_down();
    assert_eq!(
        (ready(&world, &api()).as_str(), status(&world, "updatedReplicas")),
        ("Unknown InstanceBlocked", json!(0))
    );
    assert!(message(&world).contains(&public(0).to_string()) && message(&world).contains("PropertyChangeNotAllowed"));
    a_restart_changes_nothing(&mut world);
    for n in 0..2 {
        world.detach(&machine(n));
        world.delete(&machine(n));
    }
    world.calm_down();
    for id in world.objects.keys().cloned().collect::<Vec<_>>() {
        world.detach(&id);
    }
    world.calm_down();
    assert_eq!((ready(&world, &api()).as_str(), status(&world, "updatedReplicas")), ("True Ready", json!(2)));
}

#[test]
fn a_network_interface_that_was_taken_from_its_machine_by_force_is_made_again_as_it_was() {
    let mut world = farm();
    world.create(&api(), with_public(set("Flexible", 1, false), "Standard"), true);
    world.calm_down();
    for taken in [nic(0), public(0)] {
        let addresses = |world: &World| {
            let status = &world.objects[&taken]["status"];
            (status["ipConfigurations"].clone(), status["macAddress"].clone(), status["ipAddress"].clone())
        };
        let before = addresses(&world);
        world.strip(&taken);
        world.delete(&taken);
        world.calm_down();
        assert_eq!((ready(&world, &api()), ready(&world, &taken)), ("True Ready".into(), "True Ready".into()));
        assert_eq!(addresses(&world), before);
        a_restart_changes_nothing(&mut world);
    }
    assert_eq!(names(&world, Kind::VirtualMachine), ["api-0"]);
}

#[test]
fn a_machine_that_is_the_sets_no_longer_is_replaced_and_stays() {
    let mut world = made("Flexible", 2);
    world.edit(&machine(1), |object| object["metadata"]["ownerReferences"] = json!([]));
    world.calm_down();
    assert_eq!(names(&world, Kind::VirtualMachine), ["api-0", "api-1", "api-2"]);
    assert_eq!((ready(&world, &api()), status(&world, "instanceIds")), ("True Ready".into(), json!("0,2")));
    a_restart_changes_nothing(&mut world);
}

#[test]
fn a_machine_that_is_called_like_an_instance_but_for_zeros_is_no_instance() {
    let mut world = made("Flexible", 1);
    let (own, other) = (machine(0), id(Kind::VirtualMachine, "a", "api-00"));
    let (there, uid) = (world.objects[&own].clone(), world.objects[&own]["metadata"]["uid"].clone());
    world.create(&other, there["spec"].clone(), true);
    world.edit(&other, |object| object["metadata"]["ownerReferences"] = there["metadata"]["ownerReferences"].clone());
    world.calm_down();
    assert_eq!(names(&world, Kind::VirtualMachine), ["api-0"], "what a set owns and did not make, it deletes");
    assert_eq!(world.objects[&own]["metadata"]["uid"], uid);
    a_restart_changes_nothing(&mut world);
}

#[test]
fn a_network_interface_that_is_the_sets_no_longer_is_told() {
    let mut world = made("Flexible", 1);
    world.edit(&nic(0), |object| object["metadata"]["ownerReferences"] = json!([]));
    world.calm_down();
    assert_eq!(ready(&world, &api()), "Unknown InstanceBlocked");
    assert!(message(&world).contains(&nic(0).to_string()), "{}", message(&world));
    a_restart_changes_nothing(&mut world);
}

/// The garbage collector takes the set's name off its children before the set goes; their watches may tell so later.
#[test]
fn what_a_set_leaves_when_it_is_deleted_as_an_orphan_stays() {
    let mut world = made("Flexible", 2);
    world.delete_as_an_orphan(&api());
    world.calm_down();
    assert!(world.revisions.is_empty(), "nobody needs its models");
    world.orphan_children_of(&api());
    assert!(!world.objects.contains_key(&api()));
    world.calm_down();
    assert_eq!(names(&world, Kind::VirtualMachine), ["api-0", "api-1"]);
    assert_eq!((ready(&world, &machine(0)), ready(&world, &nic(1))), ("True Ready".into(), "True Ready".into()));
    a_restart_changes_nothing(&mut world);
}

#[test]
fn what_a_set_leaves_as_an_orphan_while_the_operator_starts_stays() {
    let mut world = made("Flexible", 2);
    world.delete_as_an_orphan(&api());
    world.calm_down();
    world.restart_amid(&[Kind::VirtualMachine, Kind::NetworkInterface], |world| world.orphan_children_of(&api()));
    assert!(!world.objects.contains_key(&api()));
    world.writes_without_events();
    assert_eq!(names(&world, Kind::VirtualMachine), ["api-0", "api-1"]);
    world.calm_down();
    let going = |id: &ObjectId| !world.objects[id]["metadata"]["deletionTimestamp"].is_null();
    assert_eq!([machine(0), nic(0), machine(1), nic(1)].map(|id| going(&id)), [false; 4]);
}

/// The object of an instance is nothing without its set, whoever has taken its owner away.
#[test]
fn a_uniform_set_goes_with_its_instances_even_if_they_are_nobodys() {
    let mut world = made("Uniform", 3);
    world.delete_as_an_orphan(&api());
    world.orphan_children_of(&api());
    world.calm_down();
    for n in 0..3 {
        world.detach(&instance(n));
    }
    world.detach(&api());
    world.calm_down();
    assert_eq!((names(&world, Kind::VirtualMachineScaleSetVM), world.objects.contains_key(&api())), (vec![], false));
}

#[test]
fn an_instance_whose_object_is_nobodys_is_replaced() {
    let mut world = made("Uniform", 2);
    world.edit(&instance(0), |object| object["metadata"]["ownerReferences"] = json!([]));
    world.calm_down();
    world.detach(&instance(0));
    world.calm_down();
    assert_eq!(names(&world, Kind::VirtualMachineScaleSetVM), ["api-1", "api-2"]);
    assert_eq!(ready(&world, &api()), "True Ready");
    a_restart_changes_nothing(&mut world);
}
