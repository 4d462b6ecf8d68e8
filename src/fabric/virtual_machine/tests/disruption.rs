//! Edits for which a virtual machine may be deallocated meanwhile (S-38).

use super::a_rack;
use crate::fabric::testing::*;
use crate::fabric::virtual_machine::PowerState;
use crate::fabric::{Code, Kind};

// shows S-38
#[test]
fn a_vm_that_may_be_disrupted_is_deallocated_for_an_edit_and_started_again() {
    let mut fabric = a_rack().with(a_vm("v").nics(["a"]).running().disruptable());
    fabric.accept(a_vm("v").nics(["b", "a"]).running().disruptable());
    assert_eq!((fabric.power("v"), fabric.attached("v")), (PowerState::Running, vec!["a".to_owned(), "b".to_owned()]));
    assert!(fabric.mac("b").is_some());
}

#[test]
fn a_nic_of_a_vm_that_may_be_disrupted_is_edited_while_it_runs() {
    let mut fabric = a_rack().with(a_vm("v").nics(["a", "b"]).size("Standard_D4s_v3").running().disruptable());
    fabric.accept(a_nic("b").accelerated());
    assert_eq!(fabric.power("v"), PowerState::Running);
}

/// The VM `v` is stopped; a start would need a public address for `a`, and there is none.
fn a_stopped_vm_that_could_not_start() -> Fabric {
    a_fabric_with_public_addresses("198.51.100.0/32")
        .with(a_subnet("web", "10.0.1.0/24"))
        .with(a_public_ip("p"))
        .with(a_nic("a"))
        .with(a_nic("b"))
        .with(a_vm("v").nics(["a"]).stopped().disruptable())
        .with(a_public_ip("other").standard())
        .with(a_nic("a").public("p"))
}

#[test]
fn a_stopped_vm_waits_to_be_disrupted_until_it_could_start_again() {
    let mut fabric = a_stopped_vm_that_could_not_start();
    let edited = || a_vm("v").nics(["a", "b"]).stopped().disruptable();
    let refusal = fabric.put(edited()).unwrap_err();
    assert_eq!(told(&refusal), [("PIP-05", Code::AllocationFailed, "spec.powerState")]);
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::PublicIPAddress, "other").unwrap()));
    fabric.accept(edited());
    assert_eq!((fabric.power("v"), fabric.public_address("p")), (PowerState::Stopped, "198.51.100.0".to_owned()));
}

#[test]
fn a_nic_of_a_stopped_vm_waits_to_disrupt_it_until_that_could_start_again() {
    let mut fabric = a_stopped_vm_that_could_not_start();
    let edited = || a_nic("a").public("p").accelerated();
    let refusal = fabric.put(edited()).unwrap_err();
    assert_eq!(told(&refusal), [("PIP-05", Code::AllocationFailed, "spec.ipConfigurations")]);
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::PublicIPAddress, "other").unwrap()));
    fabric.accept(edited());
    assert_eq!((fabric.power("v"), fabric.public_address("p")), (PowerState::Stopped, "198.51.100.0".to_owned()));
}
