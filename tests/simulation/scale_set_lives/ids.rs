//! Ids of instances, none of which comes twice.

use super::*;

#[test]
fn an_operator_that_dies_while_an_instance_goes_gives_its_id_to_no_other() {
    for (mode, doomed) in [("Uniform", instance(1)), ("Flexible", machine(1))] {
        let mut world = made(mode, 3);
        world.detach(&doomed);
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
        world.detach(&doomed);
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
fn an_instance_that_is_deleted_before_the_fabric_has_it_is_replaced_under_a_new_id() {
    for (mode, doomed) in [("Uniform", instance(2)), ("Flexible", machine(2))] {
        for watches_see_it in [true, false] {
            let mut world = made(mode, 2);
            world.edit(&api(), |object| object["spec"]["replicas"] = json!(3));
            world.goes_on_until(|write| write.id == doomed && matches!(write.what, What::Create(_)));
            if watches_see_it {
                world.settles_at_once();
            }
            world.detach(&doomed);
            world.delete(&doomed);
            world.restart();
            world.calm_down();
            assert_eq!(names(&world, doomed.kind), ["api-0", "api-1", "api-3"], "{mode}, seen: {watches_see_it}");
            a_restart_changes_nothing(&mut world);
        }
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
    world.detach(&instance(1));
    world.calm_down();
    assert_eq!(names(&world, Kind::VirtualMachineScaleSetVM), ["api-0", "api-2", "api-3"]);
    assert_eq!(ready(&world, &api()), "False InvalidParameter");
    world.edit(&api(), |object| object["spec"] = set("Uniform", 300, false));
    world.calm_down();
    assert_eq!(ready(&world, &api()), "Unknown SubnetIsFull");
    world.delete(&instance(0));
    world.detach(&instance(0));
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
    world.detach(&web);
    world.calm_down();
    assert_eq!(ready(&world, &api()), "Unknown InvalidResourceReference");
    world.edit(&api(), |object| object["spec"]["replicas"] = json!(2));
    let larger = json!({"virtualNetwork": {"name": "hub"}, "addressPrefixes": ["10.0.0.0/23"]});
    world.create(&web, larger, true);
    world.calm_down();
    assert_eq!(ready(&world, &api()), "True Ready");
}
