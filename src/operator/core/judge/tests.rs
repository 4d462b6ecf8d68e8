//! An object whose name an earlier one still has in the fabric.

use super::*;
use crate::fabric::Kind;
use crate::fabric::testing::{Fabric, Of, a_fabric, a_nic, a_subnet, a_vm, assert_in_the_reference, named};

fn with_an_attached_nic() -> Fabric {
    a_fabric().with(a_subnet("web", "10.0.1.0/24")).with(a_nic("n")).with(a_vm("v").nics(["n"]))
}

// accepts any ARM-07
#[test]
fn an_object_whose_earlier_one_has_gone_is_accepted() {
    let mut fabric = with_an_attached_nic();
    assert!(fabric.delete(Kind::VirtualMachine, "v").unwrap());
    assert!(fabric.delete(Kind::NetworkInterface, "n").unwrap());
    fabric.accept(a_nic("n"));
}

// refuses any ARM-07
#[test]
fn an_object_waits_for_what_keeps_an_earlier_one_of_its_name() {
    let mut fabric = with_an_attached_nic();
    let kept = fabric.delete(Kind::NetworkInterface, "n").unwrap_err();
    let edit = fabric.put(a_nic("n").static_address("10.0.9.9")).unwrap_err();
    let id = ObjectId::new(Kind::NetworkInterface, named("n"));
    let (edit, mut findings) = (edit.leading(), Findings::default());
    findings.under("ARM-07").add(edit.path.clone(), Earlier::CannotBeTakenOver { id: &id, kept: &kept, edit });
    let [told] = <[_; 1]>::try_from(findings.into_violations()).unwrap();
    assert_in_the_reference(Of::Put(Kind::NetworkInterface), std::slice::from_ref(&told));
    let expected = ("ARM-07", Code::AnotherOperationInProgress, "spec.ipConfigurations[0].privateIPAddress");
    assert_eq!((told.rule, told.code, told.path.as_str()), expected);
    assert!(matches!(told.cure, Cure::Wait(_)) && !told.remedy.contains("deleted automatically"), "{told:?}");
    assert_eq!(told.blocked_by, [ObjectId::new(Kind::VirtualMachine, named("v"))]);
}
