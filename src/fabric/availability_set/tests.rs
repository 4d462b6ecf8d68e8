//! The rules and effects of availability sets.

use super::*;
use crate::fabric::resource::DELETION_PATH;
use crate::fabric::testing::*;

fn a_set_with_a_vm() -> Fabric {
    let fabric = a_fabric().with(a_subnet("web", "10.0.1.0/24")).with(a_nic("a"));
    fabric.with(a_set("set")).with(a_vm("v").nics(["a"]).in_set("set"))
}

// accepts deletion of AvailabilitySet S-13
#[test]
fn an_empty_set_is_accepted_and_deleted() {
    let mut fabric = a_fabric().with(a_set("set"));
    assert!(fabric.delete(Kind::AvailabilitySet, "set").unwrap());
    fabric.accept(a_set("set"));
}

// refuses deletion of AvailabilitySet S-13
#[test]
fn a_set_with_vms_stays_until_they_go() {
    let mut fabric = a_set_with_a_vm();
    let refusal = fabric.delete(Kind::AvailabilitySet, "set").unwrap_err();
    assert_eq!(told(&refusal), [("S-13", Code::OperationNotAllowed, DELETION_PATH)]);
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::VirtualMachine, "v").unwrap()));
    assert!(fabric.delete(Kind::AvailabilitySet, "set").unwrap());
}

// shows AVS-02
#[test]
fn vms_with_any_number_of_nics_share_a_set() {
    let mut fabric = a_set_with_a_vm().with(a_nic("b")).with(a_nic("c"));
    fabric.accept(a_vm("w").nics(["b", "c"]).in_set("set"));
    let view = fabric.view::<AvailabilitySet>("set");
    assert_eq!((view.virtual_machine_count, view.virtual_machines.len()), (Some(2), 2));
}
