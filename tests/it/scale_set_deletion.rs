//! The ends of scale sets: whatever way they go, what is theirs goes with them, and every address is free again.

use serde_json::json;
use vnet_operator::fabric::Kind;

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

#[test]
fn a_deleted_set_takes_its_instances_along_in_the_foreground_and_in_the_background() {
    for set in [ScaleSet::uniform(3), ScaleSet::flexible(3)] {
        for cascade in ["--cascade=foreground", "--cascade=background"] {
            let space = farm(&set);
            space.kubectl_ok(&["delete", "vmss/api", cascade, "--timeout=60s"], "");
            for kind in [Kind::VirtualMachineScaleSetVM, Kind::VirtualMachine, Kind::NetworkInterface] {
                space.exactly(kind, &[]);
            }
            space.holds_only_its_network();
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
        space.holds_only_its_network();
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
    space.holds_only_its_network();
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
    space.kubectl_ok(&["delete", "namespace", &space.name, "--timeout=300s"], "");
    let mut seen: Vec<String> = history.states().iter().map(id).collect();
    seen.sort();
    seen.dedup();
    assert_eq!(seen, before);
}
