//! `vnet upgrade`, run as people run it: it sets the desired revision of the instances that it is asked for, and lists them.

use serde_json::json;

use crate::support::scale_sets::ScaleSet;
use crate::support::space::{Space, at};

/// Three instances, none of which has the latest model, revision 2.
fn outdated(set: &ScaleSet) -> Space<'static> {
    let space = Space::with_a_subnet();
    space.apply(&set.manifest());
    space.ready("vmss/api");
    space.apply(&set.clone().forwarding().manifest());
    space.wait("vmss/api", "of a new model", |set| {
        at(set, "/updateRevision") == "2" && at(set, "/readyReplicas") == 3 && at(set, "/updatedReplicas") == 0
    });
    space
}

/// Waits until just these instances have the latest model.
fn upgraded(space: &Space<'_>, latest: [bool; 3]) {
    space.wait("vmss/api", &format!("upgraded so: {latest:?}"), |set| {
        let applied = at(set, "/instances").as_array().into_iter().flatten();
        applied.map(|instance| instance["latestModelApplied"].clone()).eq(latest.map(|latest| json!(latest)))
    });
    space.ready("vmss/api");
}

#[test]
fn the_instances_that_are_named_are_upgraded_and_no_other() {
    for (set, kind) in [(ScaleSet::uniform(3), "vmssvm"), (ScaleSet::flexible(3), "vm")] {
        let space = outdated(&set);
        let told = space.vnet(&["upgrade", "vmss/api", "--instances", "0,2"]);
        let lines = ["0", "2"].map(|id| format!("{kind}/api-{id} desired revision set to 2\n"));
        assert_eq!((told.ok, told.out, told.err), (true, lines.concat(), String::new()));
        upgraded(&space, [true, false, true]);
    }
}

#[test]
fn all_instances_are_upgraded_when_that_is_asked_for_and_none_moves() {
    for (set, kind) in [(ScaleSet::uniform(3), "vmssvm"), (ScaleSet::flexible(3), "vm")] {
        let space = outdated(&set);
        let told = space.vnet(&["upgrade", "api", "--all"]);
        let lines = ["0", "1", "2"].map(|id| format!("{kind}/api-{id} desired revision set to 2\n"));
        assert_eq!((told.ok, told.out, told.err), (true, lines.concat(), String::new()));
        upgraded(&space, [true, true, true]);
        space.wait("subnet/web", "three addresses taken", |web| at(web, "/capacity/allocated") == 3);
    }
}

#[test]
fn instances_that_have_the_latest_model_are_told_apart_and_not_written() {
    for (set, kind) in [(ScaleSet::uniform(3), "vmssvm"), (ScaleSet::flexible(3), "vm")] {
        let space = outdated(&set);
        assert!(space.vnet(&["upgrade", "vmss/api", "--instances", "1"]).ok);
        upgraded(&space, [false, true, false]);
        space.wait(&format!("{kind}/api-1"), "with the latest model", |instance| at(instance, "/revision") == "2");
        let before = space.ready(&format!("{kind}/api-1")).metadata.resource_version;
        let told = space.vnet(&["upgrade", "api", "--all"]);
        let lines = [
            format!("{kind}/api-0 desired revision set to 2\n"),
            format!("{kind}/api-1 is up to date: it has revision 2\n"),
            format!("{kind}/api-2 desired revision set to 2\n"),
        ];
        assert_eq!((told.ok, told.out, told.err), (true, lines.concat(), String::new()));
        assert_eq!(space.get(&format!("{kind}/api-1")).metadata.resource_version, before, "nothing is written");
        upgraded(&space, [true, true, true]);
        let told = space.vnet(&["upgrade", "vmss/api", "--instances", "1,7"]);
        let expected = "scale set api has no instance 7; the others are set or up to date";
        assert!(!told.ok && told.err.contains(expected), "{}{}", told.out, told.err);
    }
}

#[test]
fn the_network_interfaces_of_a_flexible_instance_follow_when_it_is_upgraded() {
    let space = outdated(&ScaleSet::flexible(3));
    let before = space.ready("nic/api-1-nic");
    assert!(space.vnet(&["upgrade", "vmss/api", "--instances", "1"]).ok);
    let after = space.wait("nic/api-1-nic", "forwarding", |nic| at(nic, "/programmed/enableIPForwarding") == true);
    assert_eq!(at(&after, "/ipConfigurations"), at(&before, "/ipConfigurations"));
    upgraded(&space, [false, true, false]);
    assert_eq!(at(&space.ready("nic/api-0-nic"), "/programmed/enableIPForwarding"), false);
}

#[test]
fn an_instance_that_there_is_not_is_named_and_the_others_are_upgraded() {
    for set in [ScaleSet::uniform(3), ScaleSet::flexible(3)] {
        let space = outdated(&set);
        let told = space.vnet(&["upgrade", "vmss/api", "--instances", "1,7,9"]);
        let expected = "scale set api has no instance 7, 9; the others are set or up to date";
        assert!(!told.ok && told.err.contains(expected), "{}{}", told.out, told.err);
        upgraded(&space, [false, true, false]);
    }
}

#[test]
fn a_set_that_there_is_not_and_one_without_a_model_are_told() {
    let space = Space::empty();
    let told = space.vnet(&["upgrade", "vmss/nothing", "--all"]);
    let expected = format!("there is no scale set {}/nothing; `kubectl get vmss -A` lists all", space.name);
    assert!(!told.ok && told.err.contains(&expected), "{}", told.err);
    space.apply(&ScaleSet::uniform(1).manifest()); // in a subnet that does not exist
    space.refused("vmss/api");
    let told = space.vnet(&["upgrade", "vmss/api", "--all"]);
    assert!(!told.ok && told.err.contains("has no model in the fabric yet; see its conditions"), "{}", told.err);
}

#[test]
fn which_instances_must_be_said() {
    let told = Space::empty().vnet(&["upgrade", "vmss/api"]);
    assert!(!told.ok && told.err.contains("--instances"), "{}", told.err);
}
