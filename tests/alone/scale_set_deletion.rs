//! Scale sets that are deleted while the operator is paused or is down.

use serde_json::json;
use vnet_operator::fabric::Kind;

use crate::support::cluster::alone;
use crate::support::history::History;
use crate::support::scale_sets::ScaleSet;
use crate::support::space::Space;

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
    space.holds_only_its_network();
    assert_eq!(history.names(Kind::VirtualMachineScaleSetVM), ["api-0", "api-1", "api-2"]);
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
