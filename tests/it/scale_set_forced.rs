//! Objects of a set that are deleted by force, their finalizers taken off before the operator has let go of them: the
//! fabric and the objects agree again.

use serde_json::json;
use vnet_operator::fabric::Kind;

use crate::cluster::{Cluster, alone};
use crate::history::History;
use crate::scale_sets::ScaleSet;
use crate::space::Space;
use crate::states::is_attached_to;

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
fn a_flexible_nic_that_is_deleted_by_force_heals_when_its_machine_is_deleted() {
    let cluster = alone();
    let space = three(&cluster, &ScaleSet::flexible(3), Kind::VirtualMachine);
    delete_by_force(&space, "nic/api-1-nic");
    space.delete("vm/api-1");
    space.gone("vm/api-1");
    let names = space.agrees(Kind::VirtualMachine, 3);
    let nics: Vec<String> = names.iter().map(|name| format!("{name}-nic")).collect();
    space.exactly(Kind::NetworkInterface, &nics.iter().map(String::as_str).collect::<Vec<_>>());
    for name in &names {
        let id = format!("nic/{name}-nic");
        space.wait(&id, "attached", is_attached_to(name));
        space.ready(&id);
    }
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
