//! Objects of a set that are deleted by force, their finalizers taken off before the operator has released them: the
//! fabric and the objects agree again.

use kube::core::DynamicObject;
use serde_json::json;
use vnet_operator::fabric::Kind;

use crate::support::cluster::{Cluster, alone};
use crate::support::contract::{Health, kstatus};
use crate::support::history::History;
use crate::support::scale_sets::{ScaleSet, ids};
use crate::support::space::{Space, at};

fn three<'a>(cluster: &'a Cluster, set: &ScaleSet, kind: Kind) -> Space<'a> {
    let space = Space::on(cluster).and_a_subnet();
    space.apply(&set.manifest());
    assert_eq!(space.agrees(kind, 3), ["api-0", "api-1", "api-2"]);
    space
}

/// The operator runs, and sees nothing of it but the end.
fn delete_by_force(space: &Space<'_>, id: &str) {
    let _frozen = space.cluster.freeze_operator();
    space.delete(id);
    space.edit(id, &json!({"metadata": {"finalizers": null}}));
    space.gone(id);
}

#[test]
fn a_uniform_instance_that_is_deleted_by_force_is_replaced() {
    let cluster = alone();
    let space = three(&cluster, &ScaleSet::uniform(3), Kind::VirtualMachineScaleSetVM);
    let history = History::of(&space);
    delete_by_force(&space, "vmssvm/api-1");
    assert_eq!(space.agrees(Kind::VirtualMachineScaleSetVM, 3), ["api-0", "api-2", "api-3"]);
    history.uses_no_name_twice();
    space.delete("vmss/api");
    space.gone("vmss/api");
    space.every_address_is_free();
}

#[test]
fn a_flexible_machine_that_is_deleted_by_force_is_replaced() {
    let cluster = alone();
    let space = three(&cluster, &ScaleSet::flexible(3), Kind::VirtualMachine);
    let history = History::of(&space);
    delete_by_force(&space, "vm/api-1");
    assert_eq!(space.agrees(Kind::VirtualMachine, 3), ["api-0", "api-2", "api-3"]);
    space.exactly(Kind::NetworkInterface, &["api-0-nic", "api-2-nic", "api-3-nic"]);
    history.uses_no_name_twice();
    space.delete("vmss/api");
    space.gone("vmss/api");
    space.every_address_is_free();
}

#[test]
fn what_a_flexible_machine_uses_and_is_deleted_by_force_is_made_again_as_it_was() {
    let cluster = alone();
    let space = Space::on(&cluster).and_a_subnet();
    space.apply(&ScaleSet::flexible(2).public(&space.own("forced")).manifest());
    space.agrees(Kind::VirtualMachine, 2);
    let facts = ["/macAddress", "/ipConfigurations", "/virtualMachine", "/ipAddress", "/dnsSettings"];
    for id in ["nic/api-1-nic", "pip/api-1-nic-ip"] {
        let before = space.ready(id);
        delete_by_force(&space, id);
        let is_another =
            |now: &DynamicObject| now.metadata.uid != before.metadata.uid && kstatus(now) == Health::Current;
        let now = space.wait(id, "made again", is_another);
        assert_eq!(facts.map(|fact| at(&now, fact)), facts.map(|fact| at(&before, fact)), "{id}");
        assert_eq!(space.agrees(Kind::VirtualMachine, 2), ["api-0", "api-1"]);
    }
}

#[test]
fn a_machine_that_a_user_takes_out_of_its_set_stays_and_is_replaced() {
    let cluster = alone();
    let space = three(&cluster, &ScaleSet::flexible(3), Kind::VirtualMachine);
    space.edit("vm/api-1", &json!({"metadata": {"ownerReferences": null}}));
    space.edit("nic/api-1-nic", &json!({"metadata": {"ownerReferences": null}}));
    space.exactly(Kind::VirtualMachine, &["api-0", "api-1", "api-2", "api-3"]);
    space.wait("vmss/api", "of three others", |set| ids(set).0 == "0,2-3" && kstatus(set) == Health::Current);
    space.delete("vmss/api");
    space.gone("vmss/api");
    space.exactly(Kind::VirtualMachine, &["api-1"]);
    space.ready("vm/api-1");
    space.ready("nic/api-1-nic");
}

#[test]
fn every_object_of_a_set_is_deleted_by_force_at_once_and_all_are_replaced() {
    let cluster = alone();
    let space = three(&cluster, &ScaleSet::uniform(3), Kind::VirtualMachineScaleSetVM);
    let history = History::of(&space);
    {
        let _frozen = cluster.freeze_operator();
        for id in ["vmssvm/api-0", "vmssvm/api-1", "vmssvm/api-2"] {
            space.delete(id);
            space.edit(id, &json!({"metadata": {"finalizers": null}}));
            space.gone(id);
        }
    }
    assert_eq!(space.agrees(Kind::VirtualMachineScaleSetVM, 3), ["api-3", "api-4", "api-5"]);
    history.uses_no_name_twice();
}
