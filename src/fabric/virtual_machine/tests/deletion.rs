//! What is deleted with a virtual machine (VM-23).

use super::*;
use crate::fabric::network_interface::NetworkInterface;
use crate::fabric::tests::restored::{records, restored};
use crate::fabric::virtual_machine::DeletedWith;
use crate::fabric::{Code, Kind, Name, ObjectId};

/// NIC `a` has the public addresses `front`, which goes with it, and `back`, which stays; NIC `b` has `kept`.
fn a_web() -> Fabric {
    let fabric = ["front", "back", "kept"].into_iter().fold(a_rack(), |fabric, name| fabric.with(a_public_ip(name)));
    let both = [primary("one").public("front").deletes_public(), secondary("two").public("back")];
    let kept = [primary("one").public("kept").deletes_public()];
    fabric.with(a_nic("a").configurations(both)).with(a_nic("b").configurations(kept))
}

fn deleted_with(fabric: &Fabric, vm: &str) -> Vec<String> {
    fabric
        .engine
        .all_deleted_with(&named(vm))
        .iter()
        .map(|object| format!("{} {}", object.kind, object.name.name))
        .collect()
}

fn public(name: &str) -> ObjectId {
    ObjectId::new(Kind::PublicIPAddress, named(name))
}

fn nic(name: &str) -> ObjectId {
    ObjectId::new(Kind::NetworkInterface, named(name))
}

#[test]
fn the_network_interfaces_that_say_so_are_deleted_with_their_machine_and_so_are_their_public_addresses() {
    let fabric = a_web().with(a_vm("v").nics(["a", "b"]).deletes("a"));
    assert_eq!(deleted_with(&fabric, "v"), ["NetworkInterface a", "PublicIPAddress front"]);
    for object in [nic("a"), public("front")] {
        let expected = DeletedWith { vm: &named("v"), nic: &named("a") };
        assert_eq!(fabric.engine.deleted_with(&object), Some(expected));
    }
    for object in [nic("b"), public("back"), public("kept")] {
        assert_eq!(fabric.engine.deleted_with(&object), None, "{object}");
    }
}

#[test]
fn nothing_is_deleted_with_a_machine_that_does_not_say_so() {
    assert_eq!(deleted_with(&a_web().with(a_vm("v").nics(["a", "b"])), "v"), [""; 0]);
    assert_eq!(deleted_with(&a_web(), "v"), [""; 0]);
}

#[test]
fn what_is_deleted_with_a_machine_changes_while_it_runs() {
    let mut fabric = a_web().with(a_vm("v").nics(["a", "b"]));
    fabric.accept(a_vm("v").nics(["a", "b"]).deletes("b"));
    assert_eq!(deleted_with(&fabric, "v"), ["NetworkInterface b", "PublicIPAddress kept"]);
    fabric.accept(a_nic("b").configurations([primary("one").public("kept")]));
    assert_eq!(deleted_with(&fabric, "v"), ["NetworkInterface b"]);
    fabric.accept(a_vm("v").nics(["a", "b"]));
    assert_eq!(deleted_with(&fabric, "v"), [""; 0]);
}

#[test]
fn an_interface_that_is_detached_is_not_deleted_with_the_machine() {
    let mut fabric = a_web().with(a_vm("v").nics(["a", "b"]).deletes("a").deallocated());
    fabric.accept(a_vm("v").nics(["b"]).deallocated());
    assert_eq!((deleted_with(&fabric, "v"), fabric.engine.deleted_with(&nic("a"))), (vec![], None));
}

#[test]
fn a_restart_keeps_what_is_deleted_with_a_machine() {
    let fabric = a_web().with(a_vm("v").nics(["a", "b"]).deletes("a"));
    let (engine, dropped) = restored(&fabric.engine, records(&fabric.engine));
    assert_eq!(dropped, Vec::<String>::new());
    assert_eq!(engine.all_deleted_with(&named("v")), [nic("a"), public("front")]);
}

// accepts VirtualMachine VM-23
#[test]
fn an_interface_of_another_namespace_that_stays_is_accepted() {
    let mut vm = a_vm("v").nics(["a"]);
    vm.ask.network_interfaces[0].name = Name::new("other", "a");
    let refusal = a_web().put(vm).unwrap_err();
    assert_eq!(
        told(&refusal),
        [("NIC-03", Code::InvalidResourceReference, "spec.networkProfile.networkInterfaces[0]")]
    );
    a_web().accept(a_vm("v").nics(["a", "b"]).deletes("a"));
}

// refuses VirtualMachine VM-23
#[test]
fn an_interface_of_another_namespace_is_not_deleted_with_the_machine() {
    let mut vm = a_vm("v").nics(["a"]).deletes("a");
    vm.ask.network_interfaces[0].name = Name::new("other", "a");
    let refusal = a_web().put(vm).unwrap_err();
    let path = "spec.networkProfile.networkInterfaces[0]";
    let of_the_option = format!("{path}.deleteOption");
    let expected =
        [("VM-23", Code::InvalidParameter, of_the_option.as_str()), ("NIC-03", Code::InvalidResourceReference, path)];
    assert_eq!(told(&refusal), expected);
    assert!(refusal.stalls());
}

// accepts NetworkInterface VM-23
#[test]
fn a_public_address_of_the_same_namespace_is_deleted_with_its_interface() {
    a_rack().with(a_public_ip("p")).accept(a_nic("a").configurations([primary("one").public("p").deletes_public()]));
}

// refuses NetworkInterface VM-23
#[test]
fn a_public_address_of_another_namespace_is_not_deleted_with_its_interface() {
    let mut configuration = primary("one").deletes_public();
    configuration.public_ip_address = Some(Name::new("other", "p"));
    let refusal = a_rack().put(a_nic("a").configurations([configuration])).unwrap_err();
    let path = "spec.ipConfigurations[0].publicIPAddress";
    let of_the_option = format!("{path}.deleteOption");
    let expected =
        [("VM-23", Code::InvalidParameter, of_the_option.as_str()), ("PIP-12", Code::InvalidResourceReference, path)];
    assert_eq!(told(&refusal), expected);
    assert!(refusal.stalls());
}

#[test]
fn an_edit_of_what_is_deleted_needs_no_deallocation() {
    let mut fabric = a_web().with(a_vm("v").nics(["a", "b"]));
    fabric.accept(a_nic("b").configurations([primary("one").public("kept")]));
    fabric.accept(a_vm("v").nics(["a", "b"]).deletes("b"));
    assert!(fabric.get::<NetworkInterface>("b").held.attached.is_some());
    assert_eq!(fabric.power("v"), crate::fabric::virtual_machine::PowerState::Running);
}
