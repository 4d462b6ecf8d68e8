//! The rules of public addresses on IP configurations.

use super::{a_web, path};
use crate::fabric::terms::AllocationMethod;
use crate::fabric::testing::*;
use crate::fabric::{Code, Kind, ObjectId};

// accepts NetworkInterface PIP-12
#[test]
fn a_public_address_of_the_same_location_is_accepted() {
    a_web().with(a_public_ip("p")).accept(a_nic("n").public("p"));
}

// refuses NetworkInterface PIP-12
#[test]
fn a_nic_waits_for_its_public_address() {
    let mut fabric = a_web();
    let refusal = fabric.put(a_nic("n").public("p")).unwrap_err();
    assert_eq!(told(&refusal), [("PIP-12", Code::InvalidResourceReference, path(0, "publicIPAddress").as_str())]);
    fabric.cure(&refusal, |fabric| fabric.accept(a_public_ip("p")));
    fabric.accept(a_nic("n").public("p"));
}

#[test]
fn a_public_address_of_another_location_counts_as_missing() {
    let mut fabric = a_web().with(a_public_ip("p").in_location("norwayeast"));
    let refusal = fabric.put(a_nic("n").public("p")).unwrap_err();
    assert_eq!(told(&refusal), [("PIP-12", Code::InvalidResourceReference, path(0, "publicIPAddress").as_str())]);
}

// accepts NetworkInterface PIP-18
#[test]
fn a_public_ipv4_address_joins_an_ipv4_configuration() {
    a_web().with(a_public_ip("p").standard()).accept(a_nic("n").public("p"));
}

// refuses NetworkInterface PIP-18
#[test]
fn a_public_ipv6_address_joins_no_configuration() {
    let refusal = a_web().with(a_public_ip("p").ipv6()).put(a_nic("n").public("p")).unwrap_err();
    let code = Code::IPVersionForPublicIpAndNicIpConfigurationMustMatch;
    assert_eq!(told(&refusal), [("PIP-18", code, path(0, "publicIPAddress").as_str())]);
    assert!(refusal.stalls());
}

// accepts NetworkInterface PIP-09
// shows PIP-08
#[test]
fn two_configurations_of_a_nic_may_swap_their_public_addresses() {
    let nic = |a: &str, b: &str| a_nic("n").configurations([primary("a").public(a), secondary("b").public(b)]);
    let mut fabric = a_web().with(a_public_ip("p")).with(a_public_ip("q")).with(nic("p", "q"));
    fabric.accept(nic("q", "p"));
    let holder = fabric.view::<crate::fabric::PublicIPAddress>("p").ip_configuration.unwrap();
    assert_eq!(holder.name, "b");
}

// refuses NetworkInterface PIP-09
#[test]
fn a_public_address_of_another_nic_is_refused_until_that_lets_go_of_it() {
    let held = a_web().with(a_public_ip("p")).with(a_nic("holder").public("p"));
    let refusal = held.clone().put(a_nic("n").public("p")).unwrap_err();
    assert_eq!(told(&refusal), [("PIP-09", Code::PublicIPAddressInUse, path(0, "publicIPAddress").as_str())]);
    for cure in [
        |fabric: &mut Fabric| fabric.accept(a_nic("holder")),
        |fabric: &mut Fabric| assert!(fabric.delete(Kind::NetworkInterface, "holder").unwrap()),
    ] {
        let mut fabric = held.clone();
        fabric.cure(&refusal, cure);
        fabric.accept(a_nic("n").public("p"));
    }
}

#[test]
fn one_public_address_for_two_configurations_of_a_nic_is_refused() {
    let twice = [primary("a").public("p"), secondary("b").public("p")];
    let refusal = a_web().with(a_public_ip("p")).put(a_nic("n").configurations(twice)).unwrap_err();
    let expected = ("PIP-09", Code::PublicIPReferencedByMultipleIPConfigs, path(1, "publicIPAddress"));
    assert_eq!(told(&refusal), [(expected.0, expected.1, expected.2.as_str())]);
    assert!(refusal.stalls());
}

fn a_vm_and_one_public_address() -> Fabric {
    a_fabric_with_public_addresses("198.51.100.0/32")
        .with(a_subnet("web", "10.0.1.0/24"))
        .with(a_nic("n"))
        .with(a_vm("v").nics(["n"]))
        .with(a_public_ip("p"))
}

// accepts NetworkInterface PIP-05
#[test]
fn the_last_public_address_goes_to_the_nic_of_a_vm_that_runs() {
    let mut fabric = a_vm_and_one_public_address();
    fabric.accept(a_nic("n").public("p"));
    assert_eq!(fabric.public_address("p"), "198.51.100.0");
}

// refuses NetworkInterface PIP-05
#[test]
fn the_nic_of_a_vm_that_runs_waits_for_a_public_address_to_be_free() {
    let mut fabric = a_vm_and_one_public_address().with(a_public_ip("other").standard());
    let refusal = fabric.put(a_nic("n").public("p")).unwrap_err();
    assert_eq!(told(&refusal), [("PIP-05", Code::AllocationFailed, "spec.ipConfigurations")]);
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::PublicIPAddress, "other").unwrap()));
    fabric.accept(a_nic("n").public("p"));
    assert_eq!(fabric.public_address("p"), "198.51.100.0");
}

#[test]
fn a_dynamic_public_address_needs_none_of_the_pool_while_no_vm_runs() {
    let mut fabric = a_vm_and_one_public_address().with(a_public_ip("other").standard());
    fabric.accept(a_vm("v").nics(["n"]).deallocated());
    fabric.accept(a_nic("n").public("p"));
    assert_eq!(fabric.public_address("p"), "none");
}

fn a_vm_with_a_standard_address() -> Fabric {
    a_web()
        .with(a_public_ip("standard").standard())
        .with(a_public_ip("standard2").standard())
        .with(a_public_ip("basic").method(AllocationMethod::Static))
        .with(a_nic("n").public("standard"))
        .with(a_nic("m"))
        .with(a_vm("v").nics(["n", "m"]))
}

// accepts NetworkInterface PIP-19
#[test]
fn public_addresses_of_one_sku_are_accepted_on_two_nics_of_a_vm() {
    a_vm_with_a_standard_address().accept(a_nic("m").public("standard2"));
}

// refuses NetworkInterface PIP-19
#[test]
fn public_addresses_of_two_skus_do_not_mix_on_a_vm() {
    let mut fabric = a_vm_with_a_standard_address();
    let code = Code::DifferentSkuLoadBalancersAndPublicIPAddressNotAllowed;
    let refusal = fabric.put(a_nic("m").public("basic")).unwrap_err();
    assert_eq!(told(&refusal), [("PIP-19", code, path(0, "publicIPAddress").as_str())]);
    assert_eq!(refusal.leading().blocked_by, [ObjectId::new(Kind::NetworkInterface, named("n"))]);
    let mixed = [primary("ipconfig1").public("standard"), secondary("b").public("basic")];
    let refusal = fabric.put(a_nic("n").configurations(mixed)).unwrap_err();
    assert_eq!(told(&refusal), [("PIP-19", code, path(1, "publicIPAddress").as_str())]);
}

#[test]
fn a_nic_that_would_mix_skus_waits_for_the_other_nic_to_let_go_of_its_address_or_of_the_vm() {
    let mixed = a_vm_with_a_standard_address();
    let cures: [fn(&mut Fabric); 2] =
        [|fabric| fabric.accept(a_nic("n")), |fabric| fabric.accept(a_vm("v").nics(["m"]).deallocated())];
    for cure in cures {
        let mut fabric = mixed.clone();
        let refusal = fabric.put(a_nic("m").public("basic")).unwrap_err();
        fabric.cure(&refusal, cure);
        fabric.accept(a_nic("m").public("basic"));
    }
}

#[test]
fn a_nic_that_mixes_skus_by_itself_stalls_while_it_is_attached() {
    let mixed = [primary("ipconfig1").public("standard"), secondary("b").public("basic")];
    let refusal = a_vm_with_a_standard_address().put(a_nic("n").configurations(mixed)).unwrap_err();
    assert!(refusal.stalls());
}

#[test]
fn an_attached_nic_does_not_mix_skus_within_an_availability_set() {
    let mut fabric = a_web()
        .with(a_public_ip("standard").standard())
        .with(a_public_ip("basic"))
        .with(a_nic("n").public("standard"))
        .with(a_nic("m"))
        .with(a_set("set"))
        .with(a_vm("v").nics(["n"]).in_set("set"))
        .with(a_vm("w").nics(["m"]).in_set("set"));
    let refusal = fabric.put(a_nic("m").public("basic")).unwrap_err();
    let code = Code::DifferentSkuLoadBalancersAndPublicIPAddressNotAllowed;
    assert_eq!(told(&refusal), [("PIP-19", code, path(0, "publicIPAddress").as_str())]);
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::VirtualMachine, "v").unwrap()));
    fabric.accept(a_nic("m").public("basic"));
}

#[test]
fn public_addresses_of_two_skus_do_not_mix_beside_each_other_in_an_availability_set() {
    let fabric = a_web().with(a_set("set")).with(a_public_ip("standard").standard()).with(a_public_ip("basic"));
    let fabric = fabric.with(a_nic("n").public("standard")).with(a_nic("m"));
    let mut fabric = fabric.with(a_vm("v").nics(["n"]).in_set("set")).with(a_vm("w").nics(["m"]).in_set("set"));
    let refusal = fabric.put(a_nic("m").public("basic")).unwrap_err();
    let code = Code::DifferentSkuLoadBalancersAndPublicIPAddressNotAllowed;
    assert_eq!(told(&refusal), [("PIP-19", code, path(0, "publicIPAddress").as_str())]);
    let woken = fabric.woken_by(|fabric| assert!(fabric.delete(Kind::VirtualMachine, "v").unwrap()));
    assert!(!refusal.keys().is_disjoint(&woken));
    fabric.accept(a_nic("m").public("basic"));
}

/// S-25
#[test]
fn public_addresses_of_two_skus_are_accepted_on_a_nic_that_is_not_attached() {
    let mixed = [primary("a").public("standard"), secondary("b").public("basic")];
    a_web()
        .with(a_public_ip("standard").standard())
        .with(a_public_ip("basic"))
        .accept(a_nic("n").configurations(mixed));
}
