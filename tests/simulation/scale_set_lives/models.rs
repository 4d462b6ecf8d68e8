//! The models that are kept, and what is in their way.

use super::*;

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
