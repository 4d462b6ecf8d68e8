//! The rules of a NIC as a whole: its subnet, its DNS servers, accelerated networking, deletion.

use super::a_web;
use crate::fabric::testing::*;
use crate::fabric::{Code, Kind};

const ACCELERATED: &str = "spec.enableAcceleratedNetworking";

// accepts NetworkInterface NIC-03
#[test]
fn a_nic_of_a_subnet_of_its_location_and_subscription_is_accepted() {
    a_web().accept(a_nic("n").subnet("web").in_location("westeurope"));
}

// refuses NetworkInterface NIC-03
#[test]
fn a_nic_waits_for_its_subnet() {
    let mut fabric = a_fabric();
    let refusal = fabric.put(a_nic("n").subnet("web")).unwrap_err();
    assert_eq!(told(&refusal), [("NIC-03", Code::InvalidResourceReference, "spec.subnet")]);
    fabric.cure(&refusal, |fabric| fabric.accept(a_subnet("web", "10.0.1.0/24")));
    fabric.accept(a_nic("n").subnet("web"));
}

#[test]
fn a_subnet_of_another_location_or_subscription_counts_as_missing() {
    for nic in [a_nic("n").in_location("norwayeast"), a_nic("n").of_subscription("other")] {
        let refusal = a_web().put(nic).unwrap_err();
        assert_eq!(told(&refusal), [("NIC-03", Code::InvalidResourceReference, "spec.subnet")]);
    }
}

// accepts NetworkInterface NIC-05
#[test]
fn a_nic_moves_to_another_subnet_of_its_network() {
    a_web().with(a_nic("n").subnet("web")).accept(a_nic("n").subnet("db"));
}

// refuses NetworkInterface NIC-05
#[test]
fn a_nic_never_moves_to_another_network() {
    let mut fabric = a_web()
        .with(a_network("spoke"))
        .with(a_subnet("far", "10.0.1.0/24").of("spoke"))
        .with(a_nic("n"))
        .with(a_nic("attached"))
        .with(a_vm("v").nics(["attached"]).deallocated());
    let refusal = fabric.put(a_nic("n").subnet("far")).unwrap_err();
    assert_eq!(told(&refusal), [("NIC-05", Code::OperationNotAllowed, "spec.subnet")]);
    let refusal = fabric.put(a_nic("attached").subnet("far")).unwrap_err();
    assert_eq!(told(&refusal), [("NIC-05", Code::SubnetsNotInSameVnet, "spec.subnet")]);
    assert!(refusal.stalls());
}

// accepts NetworkInterface NIC-06
#[test]
fn a_static_configuration_moves_when_it_becomes_dynamic_in_the_same_edit() {
    let mut fabric = a_web().with(a_nic("n").static_address("10.0.1.9"));
    fabric.accept(a_nic("n").subnet("db"));
    assert_eq!(fabric.address("n", "ipconfig1"), "10.0.2.4");
}

// refuses NetworkInterface NIC-06
#[test]
fn a_configuration_that_is_asked_to_be_static_does_not_move() {
    let mut fabric = a_web().with(a_nic("n"));
    let refusal = fabric.put(a_nic("n").subnet("db").static_address("10.0.2.9")).unwrap_err();
    let method = "spec.ipConfigurations[0].privateIPAllocationMethod";
    assert_eq!(told(&refusal), [("NIC-06", Code::OperationNotAllowed, method)]);
    assert!(refusal.stalls());
}

// accepts NetworkInterface NIC-08
#[test]
fn the_primary_nic_of_a_vm_moves_to_another_subnet() {
    let mut fabric = a_web().with(a_nic("n")).with(a_nic("m")).with(a_vm("v").nics(["n", "m"]));
    fabric.accept(a_nic("n").subnet("db"));
    assert_eq!(fabric.address("n", "ipconfig1"), "10.0.2.4");
}

fn a_secondary_nic() -> Fabric {
    a_web().with(a_nic("n")).with(a_nic("m")).with(a_vm("v").nics(["n", "m"]).deallocated())
}

// refuses NetworkInterface NIC-08
#[test]
fn a_secondary_nic_stays_in_its_subnet_until_it_is_detached() {
    let mut fabric = a_secondary_nic();
    let refusal = fabric.put(a_nic("m").subnet("db")).unwrap_err();
    let expected = ("NIC-08", Code::SecondaryNetworkInterfaceInUseCannotChangeSubnet, "spec.subnet");
    assert_eq!(told(&refusal), [expected]);
    fabric.cure(&refusal, |fabric| fabric.accept(a_vm("v").nics(["n"]).deallocated()));
    fabric.accept(a_nic("m").subnet("db"));
}

#[test]
fn a_secondary_nic_that_becomes_the_primary_one_may_move() {
    let mut fabric = a_secondary_nic();
    let refusal = fabric.put(a_nic("m").subnet("db")).unwrap_err();
    let marks = [("n", super::super::Primary::No), ("m", super::super::Primary::Yes)];
    fabric.cure(&refusal, |fabric| fabric.accept(a_vm("v").marked(marks).deallocated()));
    fabric.accept(a_nic("m").subnet("db"));
}

// accepts NetworkInterface NIC-21
#[test]
fn twenty_dns_servers_of_a_nic_are_accepted() {
    a_web().accept(a_nic("n").dns_servers(20));
}

// refuses NetworkInterface NIC-21
#[test]
fn twenty_one_dns_servers_of_a_nic_are_refused() {
    let refusal = a_web().put(a_nic("n").dns_servers(21)).unwrap_err();
    assert_eq!(told(&refusal), [("NIC-21", Code::NetcfgInvalidDnsServer, "spec.dnsSettings.dnsServers")]);
    assert!(refusal.stalls());
}

// accepts NetworkInterface NIC-20
#[test]
fn accelerated_networking_is_accepted_on_a_size_that_supports_it() {
    let mut fabric = a_web().with(a_nic("n")).with(a_vm("v").nics(["n"]).size("Standard_D4s_v3").deallocated());
    fabric.accept(a_nic("n").accelerated());
}

// refuses NetworkInterface NIC-20
#[test]
fn accelerated_networking_waits_for_a_size_that_supports_it() {
    let small = a_vm("v").nics(["n"]).size("Standard_D2s_v3").deallocated();
    let mut fabric = a_web().with(a_nic("n")).with(small.clone());
    let refusal = fabric.put(a_nic("n").accelerated()).unwrap_err();
    assert_eq!(told(&refusal), [("NIC-20", Code::VMSizeIsNotPermittedToEnableAcceleratedNetworking, ACCELERATED)]);
    fabric.cure(&refusal, |fabric| fabric.accept(small.size("Standard_D4s_v3")));
    fabric.accept(a_nic("n").accelerated());
}

#[test]
fn accelerated_networking_of_an_unattached_nic_is_judged_when_it_is_attached() {
    a_web().accept(a_nic("n").accelerated());
}

// accepts NetworkInterface SIZE-05
#[test]
fn accelerated_networking_that_is_on_already_stays_on_while_the_vm_runs() {
    a_web().with(a_nic("n").accelerated()).with(a_vm("v").nics(["n"])).accept(a_nic("n").accelerated().label("web"));
}

// refuses NetworkInterface SIZE-05
#[test]
fn accelerated_networking_is_switched_on_only_once_the_vm_is_deallocated() {
    let mut fabric = a_web().with(a_nic("n")).with(a_vm("v").nics(["n"]));
    for state in [a_vm("v").nics(["n"]).running(), a_vm("v").nics(["n"]).stopped()] {
        fabric.accept(state);
        let refusal = fabric.put(a_nic("n").accelerated()).unwrap_err();
        assert_eq!(told(&refusal), [("SIZE-05", Code::OperationNotAllowed, ACCELERATED)]);
        let mut cured = fabric.clone();
        cured.cure(&refusal, |fabric| fabric.accept(a_vm("v").nics(["n"]).deallocated()));
        cured.accept(a_nic("n").accelerated());
    }
}

#[test]
fn accelerated_networking_is_switched_off_at_any_time() {
    a_web().with(a_nic("n").accelerated()).with(a_vm("v").nics(["n"])).accept(a_nic("n"));
}

// accepts deletion of NetworkInterface NIC-24
#[test]
fn a_nic_that_is_not_attached_is_deleted() {
    assert!(a_web().with(a_nic("n")).delete(Kind::NetworkInterface, "n").unwrap());
}

// refuses deletion of NetworkInterface NIC-24
#[test]
fn a_nic_is_not_deleted_while_it_is_attached() {
    let mut fabric = a_web().with(a_nic("n")).with(a_vm("v").nics(["n"]).deallocated());
    let refusal = fabric.delete(Kind::NetworkInterface, "n").unwrap_err();
    assert_eq!(told(&refusal), [("NIC-24", Code::NicInUse, "metadata.deletionTimestamp")]);
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::VirtualMachine, "v").unwrap()));
    assert!(fabric.delete(Kind::NetworkInterface, "n").unwrap());
}

#[test]
fn a_nic_that_waits_to_go_is_woken_when_it_is_detached() {
    let mut fabric = a_secondary_nic();
    let refusal = fabric.delete(Kind::NetworkInterface, "m").unwrap_err();
    fabric.cure(&refusal, |fabric| fabric.accept(a_vm("v").nics(["n"]).deallocated()));
    assert!(fabric.delete(Kind::NetworkInterface, "m").unwrap());
}
