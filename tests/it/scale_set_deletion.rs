//! The ends of scale sets: whatever way they go, what is theirs goes with them, and every address is free again.

use serde_json::json;
use vnet_operator::fabric::Kind;

use crate::support::cluster::alone;
use crate::support::history::History;
use crate::support::scale_sets::ScaleSet;
use crate::support::space::{Space, at, id};
use crate::support::states::power_is;

fn farm(set: &ScaleSet) -> Space<'static> {
    let space = Space::with_a_subnet();
    space.apply(&set.manifest());
    space.ready("vmss/api");
    space
}

fn nothing_is_left_but_the_network(space: &Space<'_>) {
    space.every_address_is_free();
    let all: Vec<String> = space.all().iter().map(id).collect();
    assert_eq!(all, ["VirtualNetwork/hub", "Subnet/web"]);
}

#[test]
fn a_deleted_set_takes_its_instances_along_in_the_foreground_and_in_the_background() {
    for set in [ScaleSet::uniform(3), ScaleSet::flexible(3)] {
        for cascade in ["--cascade=foreground", "--cascade=background"] {
            let space = farm(&set);
            space.kubectl_ok(&["delete", "vmss/api", cascade, "--timeout=60s"], "");
            for kind in [Kind::VirtualMachineScaleSetVM, Kind::VirtualMachine, Kind::NetworkInterface] {
                space.exactly(kind, &[]);
            }
            nothing_is_left_but_the_network(&space);
            space.keeps_models(&[]);
        }
    }
}

#[test]
fn a_set_that_is_deleted_replaces_no_instance_whatever_the_cascade() {
    for cascade in ["--cascade=foreground", "--cascade=background", "--cascade=orphan"] {
        let space = farm(&ScaleSet::uniform(3));
        let history = History::of(&space);
        history.reaches(6); // the network, the subnet, the set and its instances
        space.kubectl_ok(&["delete", "vmss/api", cascade, "--timeout=60s"], "");
        space.exactly(Kind::VirtualMachineScaleSetVM, &[]);
        nothing_is_left_but_the_network(&space);
        assert_eq!(history.names(Kind::VirtualMachineScaleSetVM), ["api-0", "api-1", "api-2"], "{cascade}");
        history.uses_no_name_twice();
    }
}

#[test]
fn a_set_is_made_again_under_the_name_of_one_that_was_deleted() {
    let space = farm(&ScaleSet::uniform(3));
    space.delete("vmss/api");
    space.gone("vmss/api");
    space.apply(&ScaleSet::uniform(2).forwarding().manifest());
    space.ready("vmss/api");
    space.instances(&["api-0", "api-1"]);
}

#[test]
fn an_instance_that_is_deleted_just_before_its_set_is_not_replaced() {
    let cluster = alone();
    let space = Space::on(&cluster).and_a_subnet();
    space.apply(&ScaleSet::uniform(3).manifest());
    space.ready("vmss/api");
    let history = History::of(&space);
    history.reaches(6);
    {
        let _frozen = space.cluster.freeze_operator();
        space.delete("vmssvm/api-1");
        space.delete("vmss/api");
    }
    space.gone("vmss/api");
    nothing_is_left_but_the_network(&space);
    assert_eq!(history.names(Kind::VirtualMachineScaleSetVM), ["api-0", "api-1", "api-2"]);
}

#[test]
fn what_a_flexible_set_made_stays_when_it_is_deleted_as_an_orphan() {
    let space = farm(&ScaleSet::flexible(2));
    let made = ["vm/api-0", "vm/api-1", "nic/api-0-nic", "nic/api-1-nic"];
    let before = made.map(|id| space.ready(id));
    space.kubectl_ok(&["delete", "vmss/api", "--cascade=orphan", "--timeout=60s"], "");
    space.exactly(Kind::VirtualMachineScaleSet, &[]);
    space.keeps_models(&[]);
    for (id, before) in made.iter().zip(&before) {
        let now = space.wait(id, "nobody's", |object| object.metadata.owner_references.is_none());
        assert_eq!(now.metadata.uid, before.metadata.uid, "{id}");
        space.ready(id);
    }
    for (id, before) in made.iter().zip(&before).skip(2) {
        let configurations = at(&space.get(id), "/ipConfigurations").clone();
        assert_eq!(configurations, *at(before, "/ipConfigurations"), "{id}");
    }
    space.edit_spec("vm/api-0", &json!({"powerState": "Deallocated"}));
    space.wait("vm/api-0", "Deallocated", power_is("Deallocated"));
    made.iter().for_each(|id| space.delete(id));
    made.iter().for_each(|id| space.gone(id));
    nothing_is_left_but_the_network(&space);
}

#[test]
fn a_set_that_was_orphaned_while_no_operator_ran_is_made_anew() {
    let cluster = alone();
    let space = Space::on(&cluster).and_a_subnet();
    space.apply(&ScaleSet::flexible(1).manifest());
    space.ready("vm/api-0");
    space.keeps_models(&["api-1"]);
    space.cluster.kill_operator();
    // As the garbage collector does it, which in a young cluster does not know every kind yet.
    for child in ["vm/api-0", "nic/api-0-nic", "controllerrevision/api-1"] {
        space.kubectl_ok(&["patch", child, "--type=merge", "-p", r#"{"metadata": {"ownerReferences": null}}"#], "");
    }
    for id in ["vmss/api", "vm/api-0", "nic/api-0-nic"] {
        space.kubectl_ok(&["delete", id, "--cascade=orphan", "--wait=false"], "");
        space.edit(id, &json!({"metadata": {"finalizers": null}}));
        space.gone(id);
    }
    space.keeps_models(&["api-1"]);
    space.cluster.start_operator().expect("it starts");
    space.apply(&ScaleSet::flexible(2).forwarding().manifest());
    space.ready("vmss/api");
    space.exactly(Kind::VirtualMachine, &["api-0", "api-1"]);
    space.keeps_models(&["api-1"]);
}

#[test]
fn a_namespace_with_sets_is_deleted_and_nothing_is_made_in_it() {
    let space = farm(&ScaleSet::uniform(3));
    space.apply(&ScaleSet::flexible(3).manifest().replace("{name: api}", "{name: flex}"));
    space.ready("vmss/flex");
    let made = ["vm/flex-0", "vm/flex-1", "vm/flex-2"];
    made.iter().for_each(|id| drop(space.ready(id)));
    space.instances(&["api-0", "api-1", "api-2"]);
    let mut before: Vec<String> = space.all().iter().map(id).collect();
    before.sort();
    let history = History::of(&space);
    history.reaches(before.len());
    space.kubectl_ok(&["delete", "namespace", &space.name, "--timeout=60s"], "");
    let mut seen: Vec<String> = history.states().iter().map(id).collect();
    seen.sort();
    seen.dedup();
    assert_eq!(seen, before);
}
