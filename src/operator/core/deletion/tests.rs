//! The words for what is to be deleted with a machine and is not; `tests/simulation` shows when they are written.

use super::*;
use crate::fabric::testing::{Of, a_fabric, a_nic, a_subnet, a_vm, assert_in_the_reference, named};

// accepts any deletion VM-23
#[test]
fn a_machine_whose_interfaces_stay_is_deleted() {
    let fabric = a_fabric().with(a_subnet("web", "10.0.1.0/24")).with(a_nic("n"));
    let mut fabric = fabric.with(a_vm("v").nics(["n"]));
    assert!(fabric.delete(Kind::VirtualMachine, "v").unwrap());
}

// refuses any deletion VM-23
#[test]
fn a_machine_waits_for_what_the_api_server_does_not_delete_with_it() {
    let object = ObjectId::new(Kind::NetworkInterface, named("n"));
    let mut findings = Findings::default();
    let why = "admission webhook \"keep\" denied the request: no. ".repeat(100);
    findings.under("VM-23").add(DELETION_PATH, NotDeleted { object: object.clone(), why });
    let told = findings.into_violations().remove(0);
    assert_in_the_reference(Of::Deletion(Kind::VirtualMachine), std::slice::from_ref(&told));
    let expected = ("VM-23", Code::OperationNotAllowed, DELETION_PATH);
    assert_eq!((told.rule, told.code, told.path.as_str()), expected);
    assert!(told.message.contains("NetworkInterface prod/n") && told.message.len() < 2 * LONGEST_REASON, "{told:?}");
    assert_eq!(told.blocked_by, [object]);
}
