//! The rules of virtual machines on the public addresses of their network interfaces.

use super::a_rack;
use crate::fabric::terms::AllocationMethod;
use crate::fabric::testing::*;
use crate::fabric::{Code, Kind, VirtualMachine};

const FIRST: &str = "spec.networkProfile.networkInterfaces[0]";
const SECOND: &str = "spec.networkProfile.networkInterfaces[1]";
const MIXED: Code = Code::DifferentSkuLoadBalancersAndPublicIPAddressNotAllowed;

fn a_rack_of_two_skus() -> Fabric {
    a_rack()
        .with(a_public_ip("standard").standard())
        .with(a_public_ip("standard2").standard())
        .with(a_public_ip("basic").method(AllocationMethod::Static))
        .with(a_nic("a").public("standard"))
        .with(a_nic("b").public("standard2"))
        .with(a_nic("c").public("basic"))
}

// accepts VirtualMachine PIP-19
#[test]
fn a_vm_whose_public_addresses_are_of_one_sku_is_accepted() {
    a_rack_of_two_skus().accept(a_vm("v").nics(["a", "b"]));
}

// refuses VirtualMachine PIP-19
#[test]
fn a_vm_whose_public_addresses_are_of_two_skus_waits_for_one_of_its_nics() {
    let mixed = a_rack_of_two_skus();
    let refusal = mixed.clone().put(a_vm("v").nics(["a", "c"])).unwrap_err();
    assert_eq!(told(&refusal), [("PIP-19", MIXED, SECOND)]);
    for nic in ["a", "c"] {
        let mut fabric = mixed.clone();
        fabric.cure(&refusal, |fabric| fabric.accept(a_nic(nic)));
        fabric.accept(a_vm("v").nics(["a", "c"]));
    }
}

fn a_rack_with_one_public_address() -> Fabric {
    a_fabric_with_public_addresses("198.51.100.0/32")
        .with(a_subnet("web", "10.0.1.0/24"))
        .with(a_public_ip("p"))
        .with(a_nic("a").public("p"))
}

/// The VMs `v` and `w` and their NICs `one`, with a Basic public address, and `two`, with a Standard one.
fn a_set_with_one_vm_of_two() -> (Fabric, A<VirtualMachine>) {
    let fabric = a_rack().with(a_set("set")).with(a_public_ip("basic")).with(a_public_ip("standard").standard());
    let fabric = fabric.with(a_nic("one").public("basic")).with(a_nic("two").public("standard"));
    (fabric.with(a_vm("v").nics(["one"]).in_set("set")), a_vm("w").nics(["two"]).in_set("set"))
}

#[test]
fn skus_do_not_mix_within_an_availability_set() {
    let (fabric, other) = a_set_with_one_vm_of_two();
    let refusal = fabric.clone().put(other.clone()).unwrap_err();
    assert_eq!(told(&refusal), [("PIP-19", MIXED, FIRST)]);
    let cures: [fn(&mut Fabric); 3] = [
        |fabric| assert!(fabric.delete(Kind::VirtualMachine, "v").unwrap()),
        |fabric| fabric.accept(a_nic("one")),
        |fabric| fabric.accept(a_nic("two")),
    ];
    for cure in cures {
        let mut fabric = fabric.clone();
        fabric.cure(&refusal, cure);
        fabric.accept(other.clone());
    }
}

// accepts VirtualMachine PIP-05
#[test]
fn the_last_public_address_goes_to_a_vm_that_starts() {
    let fabric = a_rack_with_one_public_address().with(a_vm("v").nics(["a"]));
    assert_eq!(fabric.public_address("p"), "198.51.100.0");
}

// refuses VirtualMachine PIP-05
#[test]
fn a_vm_waits_to_start_until_a_public_address_is_free() {
    let mut fabric = a_rack_with_one_public_address().with(a_public_ip("other").standard());
    for starting in [a_vm("v").nics(["a"]), a_vm("v").nics(["a"]).running(), a_vm("v").nics(["a"]).stopped()] {
        let refusal = fabric.put(starting.clone()).unwrap_err();
        assert_eq!(told(&refusal), [("PIP-05", Code::AllocationFailed, "spec.powerState")]);
        let mut cured = fabric.clone();
        cured.cure(&refusal, |fabric| assert!(fabric.delete(Kind::PublicIPAddress, "other").unwrap()));
        cured.accept(starting);
    }
    fabric.accept(a_vm("v").nics(["a"]).deallocated());
}

#[test]
fn a_vm_that_is_stopped_already_needs_no_public_address() {
    let mut fabric = a_fabric_with_public_addresses("198.51.100.0/32")
        .with(a_subnet("web", "10.0.1.0/24"))
        .with(a_public_ip("p"))
        .with(a_nic("a"))
        .with(a_vm("v").nics(["a"]).stopped())
        .with(a_public_ip("other").standard())
        .with(a_nic("a").public("p"));
    fabric.accept(a_vm("v").nics(["a"]).stopped());
    assert_eq!(fabric.public_address("p"), "none");
}
