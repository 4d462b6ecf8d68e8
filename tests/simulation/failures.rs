//! Writes that the API server refuses, names that are taken, and an etcd that is restored from a backup.

use serde_json::json;
use vnet_operator::fabric::{Kind, ObjectId};
use vnet_operator::operator::{Notice, What};

use super::check::a_restart_changes_nothing;
use super::scale_sets::{api, farm, names, set};
use super::stories::{dynamic, network, nic, ready};
use super::world::World;

/// The operator goes on for so many seconds. The warnings that its Events give, and how often it has written this object.
fn goes_on(world: &mut World, id: &ObjectId, seconds: i64) -> (Vec<Notice>, usize) {
    let (start, mut notices, mut writes) = (world.now, Vec::new(), 0);
    while world.now.duration_since(start).as_secs() < seconds {
        writes += world.goes_on_for_one_step(id);
        notices.append(&mut world.core.take_notices());
    }
    notices.retain(|notice| notice.warning);
    (notices, writes)
}

fn is_create(of: &ObjectId) -> impl Fn(&vnet_operator::operator::Write) -> bool {
    let of = of.clone();
    move |write| write.id == of && matches!(write.what, What::Create(_))
}

#[test]
fn a_create_that_conflicts_with_a_quota_is_retried_and_a_first_failure_is_no_event() {
    let mut world = farm();
    let child = nic("api-0-nic");
    world.create(&api(), set("Flexible", 1, false), true);
    world.is_refused_at(is_create(&child));
    let (events, writes) = goes_on(&mut world, &child, 2);
    assert_eq!((events, writes > 0), (vec![], true));
    world.calm_down();
    assert_eq!((ready(&world, &api()), ready(&world, &child)), ("True Ready".into(), "True Ready".into()));
}

#[test]
fn a_status_that_is_too_large_is_reported_by_its_conditions_and_one_event_in_the_words_of_the_api_server() {
    let mut world = network();
    world.create(&nic("a"), dynamic(), true);
    world.calm_down();
    let held = world.objects[&nic("a")]["status"]["ipConfigurations"].clone();
    world.too_large.insert(nic("a"));
    world.edit(&nic("a"), |object| object["spec"]["enableIPForwarding"] = json!(true));
    world.core.take_notices();
    let (events, writes) = goes_on(&mut world, &nic("a"), 60);
    assert!((5..12).contains(&writes), "{writes} writes in a minute");
    assert_eq!((events.len(), &events[0].id), (1, &nic("a")), "{events:?}");
    assert!(events[0].note.contains("etcdserver: request is too large"), "{}", events[0].note);
    assert_eq!(ready(&world, &nic("a")), "Unknown StatusRefused");
    let status = &world.objects[&nic("a")]["status"];
    assert_eq!((&status["ipConfigurations"], &status["programmedGeneration"]), (&held, &json!(1)), "its record stays");
    world.edit(&nic("a"), |object| object["spec"]["enableIPForwarding"] = json!(false));
    world.calm_down();
    assert_eq!(ready(&world, &nic("a")), "True Ready");
    a_restart_changes_nothing(&mut world);
}

#[test]
fn an_object_of_a_user_that_has_the_name_of_a_child_is_neither_changed_nor_deleted() {
    let mut world = farm();
    world.create(&api(), set("Flexible", 1, false), true);
    world.dies_at(|write| write.id == api() && matches!(write.what, What::Status(_)));
    let own = json!({"subnet": {"name": "web"}, "ipConfigurations": [{"name": "mine"}]});
    world.create_unseen(&nic("api-0-nic"), own.clone());
    world.calm_down();
    let there = &world.objects[&nic("api-0-nic")];
    assert_eq!((&there["spec"], &there["metadata"]["ownerReferences"]), (&own, &json!(null)));
    assert_eq!(names(&world, Kind::VirtualMachine), Vec::<String>::new());
    world.relists(Kind::NetworkInterface);
    world.calm_down();
    assert_eq!(ready(&world, &api()), "Unknown InstanceBlocked");
    world.delete(&api());
    world.calm_down();
    world.detach(&api());
    world.calm_down();
    let there = &world.objects[&nic("api-0-nic")];
    assert_eq!((&there["spec"], &there["metadata"]["deletionTimestamp"]), (&own, &json!(null)));
}

#[test]
fn an_upgrade_changes_no_object_that_took_the_name_of_a_child_meanwhile() {
    let mut world = farm();
    let child = nic("api-0-nic");
    world.create(&api(), set("Flexible", 1, false), true);
    world.calm_down();
    world.edit(&api(), |object| {
        object["spec"] = set("Flexible", 1, true);
        object["spec"]["upgradePolicy"] = json!({"mode": "Automatic"});
    });
    world.deliver_all();
    let own = json!({"subnet": {"name": "web"}, "ipConfigurations": [{"name": "mine"}]});
    world.strip(&child);
    world.delete(&child);
    world.create(&child, own.clone(), true);
    world.writes_without_events();
    assert_eq!(world.objects[&child]["spec"], own);
}

#[test]
fn after_a_restore_of_etcd_a_list_replaces_what_is_known() {
    let mut world = network();
    world.create(&nic("a"), dynamic(), true);
    world.create(&nic("b"), dynamic(), true);
    world.calm_down();
    world.back_up();
    world.edit(&nic("a"), |object| object["spec"]["enableIPForwarding"] = json!(true));
    world.delete(&nic("b"));
    world.calm_down();
    world.detach(&nic("b"));
    world.create(&nic("c"), dynamic(), true);
    world.calm_down();
    world.restore();
    world.calm_down();
    for name in ["a", "b"] {
        assert_eq!(ready(&world, &nic(name)), "True Ready");
        let (status, generation) =
            (&world.objects[&nic(name)]["status"], &world.objects[&nic(name)]["metadata"]["generation"]);
        assert_eq!((&status["observedGeneration"], &status["programmedGeneration"]), (generation, generation));
    }
    assert_eq!(world.objects[&nic("a")]["status"]["programmed"]["enableIPForwarding"], json!(false));
    assert!(!world.objects.contains_key(&nic("c")));
    world.edit(&nic("a"), |object| object["spec"]["enableIPForwarding"] = json!(true));
    world.calm_down();
    assert_eq!(world.objects[&nic("a")]["status"]["programmed"]["enableIPForwarding"], json!(true));
    a_restart_changes_nothing(&mut world);
}

#[test]
fn what_a_write_has_changed_since_a_list_began_is_newer_than_the_list() {
    let mut world = network();
    world.create(&nic("a"), dynamic(), true);
    world.deliver_all();
    world.begins_to_list(Kind::NetworkInterface);
    world.writes_without_events();
    let written = world.objects[&nic("a")].clone();
    world.deliver_all();
    assert_eq!(ready(&world, &nic("a")), "True Ready");
    world.calm_down();
    assert_eq!(world.objects[&nic("a")], written, "it is not written again");
}
