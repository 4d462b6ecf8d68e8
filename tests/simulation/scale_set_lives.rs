//! Lives of scale sets that go wrong: ids that must not come twice, objects in the way, refused, taken over or vanished;
//! and how much is looked at while a large set changes.

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

// Ids.

#[test]
fn an_operator_that_dies_while_an_instance_goes_gives_its_id_to_no_other() {
    for (mode, doomed) in [("Uniform", instance(1)), ("Flexible", machine(1))] {
        let mut world = made(mode, 3);
        world.let_go(&doomed);
        world.delete(&doomed);
        world.dies_at(|write| write.id == doomed && matches!(write.what, What::Finalizers(_)));
        world.calm_down();
        let kind = doomed.kind;
        assert_eq!(names(&world, kind), ["api-0", "api-2", "api-3"], "{mode}");
        assert_eq!((status(&world, "instanceIds"), status(&world, "nextInstanceId")), (json!("0,2-3"), json!(4)));
        a_restart_changes_nothing(&mut world);
    }
}

#[test]
fn an_operator_that_dies_while_a_set_shrinks_gives_no_id_twice() {
    for (mode, doomed) in [("Uniform", instance(2)), ("Flexible", machine(2))] {
        let mut world = made(mode, 3);
        world.let_go(&doomed);
        world.edit(&api(), |object| object["spec"]["replicas"] = json!(2));
        world.dies_at(|write| write.id == doomed);
        world.edit(&api(), |object| object["spec"]["replicas"] = json!(3));
        world.calm_down();
        assert_eq!(names(&world, doomed.kind), ["api-0", "api-1", "api-3"], "{mode}");
    }
}

#[test]
fn an_instance_that_vanishes_while_no_operator_looks_is_replaced_under_a_new_id() {
    for (mode, doomed) in [("Uniform", instance(1)), ("Flexible", machine(1))] {
        let mut world = made(mode, 3);
        world.strip(&doomed);
        world.delete(&doomed);
        world.restart();
        world.calm_down();
        assert_eq!(names(&world, doomed.kind), ["api-0", "api-2", "api-3"], "{mode}");
        assert_eq!(ready(&world, &api()), "True Ready");
        a_restart_changes_nothing(&mut world);
    }
}

#[test]
fn an_instance_that_was_not_made_when_the_operator_died_is_made_under_its_id() {
    for (mode, last) in [("Uniform", instance(2)), ("Flexible", machine(2))] {
        let mut world = farm();
        world.create(&api(), set(mode, 3, false), true);
        world.dies_at(|write| write.id == api() && matches!(write.what, What::Status(_)));
        world.calm_down();
        assert_eq!(names(&world, last.kind), ["api-0", "api-1", "api-2"], "{mode}");
        assert_eq!(status(&world, "pendingInstanceIds"), Value::Null);
    }
}

#[test]
fn an_instance_is_replaced_while_an_edit_of_its_set_is_refused() {
    let mut world = made("Uniform", 3);
    world.edit(&api(), |object| object["spec"]["sku"]["name"] = json!("Standard_Nonsense"));
    world.calm_down();
    world.delete(&instance(1));
    world.let_go(&instance(1));
    world.calm_down();
    assert_eq!(names(&world, Kind::VirtualMachineScaleSetVM), ["api-0", "api-2", "api-3"]);
    assert_eq!(ready(&world, &api()), "False InvalidParameter");
    world.edit(&api(), |object| object["spec"] = set("Uniform", 300, false));
    world.calm_down();
    assert_eq!(ready(&world, &api()), "Unknown SubnetIsFull");
    world.delete(&instance(0));
    world.let_go(&instance(0));
    world.calm_down();
    assert_eq!(names(&world, Kind::VirtualMachineScaleSetVM), ["api-2", "api-3", "api-4"]);
}

#[test]
fn a_set_that_does_not_fit_follows_its_subnet_when_that_goes_and_comes() {
    let mut world = farm();
    let web = id(Kind::Subnet, "a", "web");
    world.create(&api(), set("Uniform", 300, false), true);
    world.calm_down();
    assert_eq!(ready(&world, &api()), "Unknown SubnetIsFull");
    world.delete(&web);
    world.let_go(&web);
    world.calm_down();
    assert_eq!(ready(&world, &api()), "Unknown InvalidResourceReference");
    world.edit(&api(), |object| object["spec"]["replicas"] = json!(2));
    let larger = json!({"virtualNetwork": {"name": "hub"}, "addressPrefixes": ["10.0.0.0/23"]});
    world.create(&web, larger, true);
    world.calm_down();
    assert_eq!(ready(&world, &api()), "True Ready");
}

// Upgrades that a machine does not take up.

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
    world.let_go(&more(1));
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
        world.let_go(&more(n));
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

// What is in the way.

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
        world.let_go(&other);
        world.delete(&other);
        world.calm_down();
        assert_eq!(ready(&world, &api()), "True Ready", "{mode}");
    }
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
    let spec = |sku: &str| with_public(upgraded("Flexible", "Automatic", 2, false), sku);
    world.create(&api(), spec("Basic"), true);
    world.calm_down();
    assert_eq!(ready(&world, &api()), "True Ready");
    world.edit(&api(), |object| object["spec"] = spec("Standard"));
    world.calm_down();
    assert_eq!(
        (ready(&world, &api()).as_str(), status(&world, "updatedReplicas")),
        ("Unknown InstanceBlocked", json!(0))
    );
    assert!(message(&world).contains(&public(0).to_string()) && message(&world).contains("SkuCannotBeChangedOnUpdate"));
    a_restart_changes_nothing(&mut world);
    for n in 0..2 {
        world.let_go(&machine(n));
        world.delete(&machine(n));
    }
    world.calm_down();
    for id in world.objects.keys().cloned().collect::<Vec<_>>() {
        world.let_go(&id);
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
        world.let_go(&instance(n));
    }
    world.let_go(&api());
    world.calm_down();
    assert_eq!((names(&world, Kind::VirtualMachineScaleSetVM), world.objects.contains_key(&api())), (vec![], false));
}

#[test]
fn an_instance_whose_object_is_nobodys_is_replaced() {
    let mut world = made("Uniform", 2);
    world.edit(&instance(0), |object| object["metadata"]["ownerReferences"] = json!([]));
    world.calm_down();
    world.let_go(&instance(0));
    world.calm_down();
    assert_eq!(names(&world, Kind::VirtualMachineScaleSetVM), ["api-1", "api-2"]);
    assert_eq!(ready(&world, &api()), "True Ready");
    a_restart_changes_nothing(&mut world);
}

// Models.

/// The model of its earlier life is in the way, and the garbage collector has not come by yet.
#[test]
fn a_set_that_is_made_anew_under_its_name_waits_for_no_garbage_collector() {
    let mut world = made("Uniform", 1);
    world.delete(&api());
    world.calm_down();
    assert_eq!(world.revisions.len(), 1);
    keeps_the_model_of_a_set_made_anew(&mut world, "Uniform");
}

/// Everything of it happens while no operator looks, and no garbage collector will ever take the model.
#[test]
fn a_set_that_is_made_anew_where_one_was_orphaned_keeps_its_model() {
    let mut world = made("Flexible", 1);
    world.delete_as_an_orphan(&api());
    world.orphan_children_of(&api());
    for id in [api(), machine(0), nic(0)] {
        world.strip(&id);
        world.delete(&id);
    }
    world.restart();
    assert_eq!(world.revisions.len(), 1);
    keeps_the_model_of_a_set_made_anew(&mut world, "Flexible");
}

fn keeps_the_model_of_a_set_made_anew(world: &mut World, mode: &str) {
    world.create(&api(), set(mode, 1, false), true);
    world.calm_down();
    assert_eq!(ready(world, &api()), "True Ready");
    assert_eq!(world.revisions.len(), 1);
    let kept = world.revisions.values().next().unwrap();
    assert_eq!(kept["metadata"]["ownerReferences"][0]["uid"], world.objects[&api()]["metadata"]["uid"]);
}

#[test]
fn a_foreign_object_in_the_place_of_a_model_is_told_once_and_the_set_follows_when_it_is_gone() {
    let mut world = farm();
    let name = api().name.name;
    let foreign = json!({"metadata": {"name": format!("{name}-1"), "namespace": "a", "uid": "foreign"}});
    world.revisions.insert(vnet_operator::fabric::Name::new("a", format!("{name}-1")), foreign);
    world.create(&api(), set("Uniform", 1, false), true);
    let start = world.now;
    let (mut tries, mut notices) = (0, Vec::new());
    while world.now.duration_since(start).as_secs() < 60 {
        tries += world.goes_on_for_one_step(&api());
        notices.append(&mut world.core.take_notices());
    }
    assert!((3..12).contains(&tries), "{tries} tries in a minute");
    assert_eq!(notices.iter().filter(|notice| notice.reason == "NameTaken").count(), 1);
    world.revisions.clear();
    world.calm_down();
    assert_eq!(ready(&world, &api()), "True Ready");
}

#[test]
fn a_model_that_was_kept_and_never_told_makes_way_for_the_one_that_followed() {
    let mut world = made("Uniform", 1);
    let model = |forwarding: bool, accelerated: bool| {
        let mut spec = upgraded("Uniform", "Manual", 1, forwarding);
        let nics = &mut spec["virtualMachineProfile"]["networkProfile"]["networkInterfaceConfigurations"];
        nics[0]["enableAcceleratedNetworking"] = json!(accelerated);
        spec
    };
    world.edit(&api(), |object| object["spec"] = model(true, false));
    world.dies_at(|write| matches!(write.what, What::KeepRevision(_)));
    world.edit(&api(), |object| object["spec"] = model(true, true));
    world.restart();
    world.calm_down();
    let kept = world.revisions.values().map(|revision| revision["data"]["spec"].clone());
    let kept: Vec<Value> = kept.collect();
    let nic = "/virtualMachineProfile/networkProfile/networkInterfaceConfigurations/0/enableAcceleratedNetworking";
    assert_eq!(
        kept.iter().map(|model| model.pointer(nic)).collect::<Vec<_>>(),
        [Some(&json!(false)), Some(&json!(true))]
    );
}

#[test]
fn a_model_that_somebody_deletes_is_kept_anew_even_if_the_watch_was_down() {
    let mut world = made("Uniform", 1);
    world.revisions.clear();
    world.list_revisions();
    world.calm_down();
    assert_eq!(world.revisions.len(), 1);
}

#[test]
fn a_model_that_could_not_be_dropped_is_dropped_at_the_next_try() {
    let mut world = made("Uniform", 1);
    world.edit(&api(), |object| object["spec"] = upgraded("Uniform", "Automatic", 1, true));
    world.fails_at(|write| matches!(write.what, What::DropRevision(..)));
    world.calm_down();
    assert_eq!(world.revisions.len(), 1);
}

// Cost.

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
        world.let_go(&id);
    }
    world.calm_down();
    assert_eq!(names(&world, Kind::VirtualMachineScaleSetVM), Vec::<String>::new());
    let gone = world.core.looks() - before - made - upgraded;
    assert!(gone < 200 * 10, "{gone} looks to delete 200 instances");
}
