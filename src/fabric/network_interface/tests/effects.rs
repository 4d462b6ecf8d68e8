//! What a put of a NIC does: which addresses it gives, keeps and releases, and when the MAC address goes.

use super::a_web;
use crate::fabric::ipam::PoolId;
use crate::fabric::testing::*;
use crate::fabric::{Code, Kind, NetworkInterface, ObjectId, VirtualMachine, WaitKey};

fn addresses<const N: usize>(fabric: &Fabric, nic: &str, configurations: [&str; N]) -> [String; N] {
    configurations.map(|configuration| fabric.address(nic, configuration))
}

/// ADDR-02
#[test]
fn dynamic_addresses_are_the_lowest_free_ones_and_skip_static_ones() {
    let mut fabric = a_web().with(a_nic("static").static_address("10.0.1.5"));
    fabric.accept(a_nic("a"));
    fabric.accept(a_nic("b"));
    assert_eq!([fabric.address("a", "ipconfig1"), fabric.address("b", "ipconfig1")], ["10.0.1.4", "10.0.1.6"]);
}

/// ADDR-02
#[test]
fn dynamic_configurations_skip_the_static_ones_of_the_same_put() {
    let list = [primary("a"), secondary("b"), secondary("c").address("10.0.1.4")];
    let fabric = a_web().with(a_nic("n").configurations(list));
    assert_eq!(addresses(&fabric, "n", ["a", "b", "c"]), ["10.0.1.5", "10.0.1.6", "10.0.1.4"]);
}

/// ADDR-04
#[test]
fn a_replacement_gets_the_next_address_and_not_the_one_that_it_frees() {
    let mut fabric = a_web().with(a_nic("n").configurations([primary("a"), secondary("b")]));
    fabric.accept(a_nic("n").configurations([primary("a"), secondary("c")]));
    assert_eq!(addresses(&fabric, "n", ["a", "c", "b"]), ["10.0.1.4", "10.0.1.6", "none"]);
    fabric.accept(a_nic("m"));
    assert_eq!(fabric.address("m", "ipconfig1"), "10.0.1.5");
}

/// ADDR-06
#[test]
fn a_dynamic_configuration_keeps_its_address_when_a_lower_one_is_free() {
    let mut fabric = a_web().with(a_nic("low")).with(a_nic("n"));
    fabric.delete(Kind::NetworkInterface, "low").unwrap();
    fabric.accept(a_nic("n").label("web"));
    assert_eq!(fabric.address("n", "ipconfig1"), "10.0.1.5");
}

/// ADDR-07
#[test]
fn a_released_address_is_given_to_the_next_that_asks() {
    let mut fabric = a_web().with(a_nic("a")).with(a_nic("b")).with(a_nic("c"));
    fabric.delete(Kind::NetworkInterface, "b").unwrap();
    fabric.accept(a_nic("d"));
    assert_eq!(fabric.address("d", "ipconfig1"), "10.0.1.5");
}

/// NIC-25
#[test]
fn deleting_a_nic_frees_its_address_and_its_claims() {
    let mut fabric = a_web().with(a_public_ip("p")).with(a_nic("n").public("p"));
    let woken = fabric.woken_by(|fabric| assert!(fabric.delete(Kind::NetworkInterface, "n").unwrap()));
    let public = ObjectId::new(Kind::PublicIPAddress, named("p"));
    for key in [
        WaitKey::Address(named("web"), "10.0.1.4".parse().unwrap()),
        WaitKey::Capacity(PoolId::SubnetIPv4(named("web"))),
        WaitKey::Claim(public),
    ] {
        assert!(woken.contains(&key), "{key:?} is among {woken:?}");
    }
    assert_eq!(fabric.view::<crate::fabric::PublicIPAddress>("p").ip_configuration, None);
}

/// IPC-08
#[test]
fn a_static_configuration_that_becomes_dynamic_keeps_its_address() {
    let mut fabric = a_web().with(a_nic("n").static_address("10.0.1.77"));
    fabric.accept(a_nic("n"));
    assert_eq!(fabric.address("n", "ipconfig1"), "10.0.1.77");
}

/// IPC-09
// shows IPC-07
#[test]
fn a_dynamic_configuration_that_becomes_static_takes_the_address_that_it_names() {
    let mut fabric = a_web().with(a_nic("n"));
    fabric.accept(a_nic("n").static_address("10.0.1.77"));
    assert_eq!(fabric.address("n", "ipconfig1"), "10.0.1.77");
}

/// IPC-09
#[test]
fn a_static_configuration_that_no_longer_names_its_address_keeps_it() {
    let mut fabric = a_web().with(a_nic("n").static_address("10.0.1.77"));
    fabric.accept(a_nic("n").configurations([a_configuration("ipconfig1").as_is()]));
    assert_eq!(fabric.address("n", "ipconfig1"), "10.0.1.77");
}

#[test]
fn two_configurations_of_a_nic_swap_their_addresses() {
    let nic = |a: &str, b: &str| a_nic("n").configurations([primary("a").address(a), secondary("b").address(b)]);
    let mut fabric = a_web().with(nic("10.0.1.10", "10.0.1.11"));
    let woken = fabric.woken_by(|fabric| fabric.accept(nic("10.0.1.11", "10.0.1.10")));
    assert_eq!(addresses(&fabric, "n", ["a", "b"]), ["10.0.1.11", "10.0.1.10"]);
    assert!(!woken.iter().any(|key| matches!(key, WaitKey::Capacity(_))));
    // Nobody else can have them, but a refusal names the configuration that has one.
    assert_eq!(woken.iter().filter(|key| matches!(key, WaitKey::Address(..))).count(), 2);
}

#[test]
fn a_configuration_takes_over_the_address_of_one_that_goes() {
    let mut fabric = a_web().with(a_nic("n").configurations([primary("a"), secondary("b")]));
    fabric.accept(a_nic("n").configurations([primary("a"), secondary("c").address("10.0.1.5")]));
    assert_eq!(addresses(&fabric, "n", ["a", "b", "c"]), ["10.0.1.4", "none", "10.0.1.5"]);
}

#[test]
fn a_full_subnet_still_lets_two_configurations_swap_their_addresses() {
    let nic = |a: &str, b: &str| a_nic("n").configurations([primary("a").address(a), secondary("b").address(b)]);
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.1.0/29")).with(nic("10.0.1.4", "10.0.1.5")).with(a_nic("m"));
    fabric.accept(nic("10.0.1.5", "10.0.1.4"));
    assert_eq!(addresses(&fabric, "n", ["a", "b"]), ["10.0.1.5", "10.0.1.4"]);
}

/// NIC-07
#[test]
fn every_configuration_gets_an_address_of_the_new_subnet_and_leaves_the_old_one() {
    let mut fabric =
        a_web().with(a_nic("n").configurations([primary("a"), secondary("b")])).with(a_nic("m").subnet("db"));
    fabric.accept(a_nic("n").subnet("db").configurations([primary("a"), secondary("b")]));
    assert_eq!(addresses(&fabric, "n", ["a", "b"]), ["10.0.2.5", "10.0.2.6"]);
    assert_eq!(fabric.view::<crate::fabric::Subnet>("web").capacity.unwrap().allocated, 0);
}

#[test]
fn a_move_to_a_full_subnet_is_refused_and_keeps_the_old_address() {
    let mut fabric = a_fabric()
        .with(a_subnet("web", "10.0.1.0/24"))
        .with(a_subnet("db", "10.0.2.0/29"))
        .with(a_nic("full").subnet("db").configurations([primary("a"), secondary("b"), secondary("c")]))
        .with(a_nic("n"));
    let refusal = fabric.put(a_nic("n").subnet("db")).unwrap_err();
    let method = "spec.ipConfigurations[0].privateIPAllocationMethod";
    assert_eq!(told(&refusal), [("ADDR-11", Code::SubnetIsFull, method)]);
    assert_eq!(fabric.address("n", "ipconfig1"), "10.0.1.4");
}

/// NIC-14
#[test]
fn a_nic_has_no_mac_address_before_its_vm_has_started() {
    let mut fabric = a_web().with(a_nic("n"));
    assert_eq!(fabric.mac("n"), None);
    fabric.accept(a_vm("v").nics(["n"]).deallocated());
    assert_eq!(fabric.mac("n"), None);
    fabric.accept(a_vm("v").nics(["n"]).running());
    assert!(fabric.mac("n").is_some());
}

fn a_running_vm() -> Fabric {
    a_web().with(a_nic("n")).with(a_nic("m")).with(a_vm("v").nics(["n", "m"]))
}

/// D-06, NIC-15
#[test]
fn another_address_of_the_primary_nic_clears_its_mac_until_the_next_start() {
    let mut fabric = a_running_vm();
    let old = fabric.mac("n");
    fabric.accept(a_nic("n").static_address("10.0.1.77"));
    assert_eq!(fabric.mac("n"), None);
    fabric.accept(a_vm("v").nics(["n", "m"]).restarted_at("noon"));
    assert!(fabric.mac("n").is_some());
    assert_ne!(fabric.mac("n"), old, "it is a new one");
}

/// D-06
#[test]
fn another_address_of_a_secondary_nic_leaves_its_mac() {
    let mut fabric = a_running_vm();
    let old = fabric.mac("m");
    fabric.accept(a_nic("m").static_address("10.0.1.77"));
    assert_eq!(fabric.mac("m"), old);
}

/// D-06
#[test]
fn another_address_of_a_detached_nic_leaves_its_mac() {
    let mut fabric = a_running_vm();
    let old = fabric.mac("n");
    fabric.delete(Kind::VirtualMachine, "v").unwrap();
    fabric.accept(a_nic("n").static_address("10.0.1.77"));
    assert_eq!(fabric.mac("n"), old);
}

/// S-06
#[test]
fn another_primary_configuration_of_the_primary_nic_clears_its_mac() {
    let mut fabric =
        a_web().with(a_nic("n").configurations([primary("a"), secondary("b")])).with(a_vm("v").nics(["n"]));
    fabric.accept(a_nic("n").configurations([secondary("a"), primary("b")]));
    assert_eq!(fabric.mac("n"), None);
}

/// S-06
#[test]
fn a_cleared_mac_asks_for_a_restart_while_the_vm_runs() {
    use crate::fabric::Resource;
    let mut fabric = a_running_vm();
    let advice = |fabric: &Fabric| {
        let told = NetworkInterface::advice(&fabric.engine, &named("n"), fabric.get("n"));
        told.into_iter().map(|advice| advice.condition).collect::<Vec<_>>()
    };
    assert_eq!(advice(&fabric), [""; 0]);
    fabric.accept(a_nic("n").static_address("10.0.1.77"));
    assert_eq!(advice(&fabric), ["RestartRequired"]);
    fabric.accept(a_vm("v").nics(["n", "m"]).deallocated());
    assert_eq!(advice(&fabric), [""; 0]);
}

#[test]
fn a_change_of_a_secondary_configuration_leaves_the_mac_of_the_primary_nic() {
    let mut fabric =
        a_web().with(a_nic("n").configurations([primary("a"), secondary("b")])).with(a_vm("v").nics(["n"]));
    let old = fabric.mac("n");
    fabric.accept(a_nic("n").configurations([primary("a"), secondary("b").address("10.0.1.77")]));
    assert_eq!(fabric.mac("n"), old);
}

/// How many DNS servers are in effect.
fn applied(fabric: &Fabric, nic: &str) -> usize {
    fabric.view::<NetworkInterface>(nic).dns_settings.unwrap().applied_dns_servers.len()
}

/// NIC-22, S-21
// shows NIC-21, NIC-23, VNET-10
#[test]
fn dns_servers_are_applied_once_the_vm_has_started() {
    let mut fabric = a_web().with(a_network("hub").dns_servers(2)).with(a_nic("n")).with(a_nic("own").dns_servers(1));
    fabric.accept(a_vm("v").nics(["n", "own"]).deallocated());
    assert_eq!((applied(&fabric, "n"), applied(&fabric, "own")), (0, 0));
    fabric.accept(a_vm("v").nics(["n", "own"]).running());
    assert_eq!((applied(&fabric, "n"), applied(&fabric, "own")), (2, 1));
}

/// NIC-22, S-21: what counts is the VM, and not whether the NIC has a MAC address.
#[test]
fn dns_servers_stay_applied_while_the_vm_runs_though_the_mac_is_cleared() {
    let mut fabric = a_web().with(a_nic("n").dns_servers(1)).with(a_vm("v").nics(["n"]));
    fabric.accept(a_nic("n").dns_servers(1).static_address("10.0.1.77"));
    assert_eq!((fabric.mac("n"), applied(&fabric, "n")), (None, 1));
    fabric.accept(a_vm("v").nics(["n"]).stopped());
    assert_eq!(applied(&fabric, "n"), 1);
    fabric.accept(a_vm("v").nics(["n"]).deallocated());
    assert_eq!(applied(&fabric, "n"), 0);
}

/// NIC-22, S-21
#[test]
fn dns_servers_are_not_applied_by_the_mac_of_an_earlier_vm() {
    let mut fabric = a_web().with(a_nic("n").dns_servers(1)).with(a_vm("v").nics(["n"]));
    assert!(fabric.delete(Kind::VirtualMachine, "v").unwrap());
    fabric.accept(a_vm("w").nics(["n"]).deallocated());
    assert!(fabric.mac("n").is_some());
    assert_eq!(applied(&fabric, "n"), 0, "this VM has never started");
}

/// NIC-22, S-21
#[test]
fn dns_servers_are_applied_when_the_first_start_ends_and_stay_through_a_restart() {
    let mut fabric = a_fabric_that_starts_in(std::time::Duration::from_secs(30))
        .with(a_subnet("web", "10.0.1.0/24"))
        .with(a_nic("n").dns_servers(1))
        .with(a_vm("v").nics(["n"]));
    assert_eq!(applied(&fabric, "n"), 0, "it is on its way");
    fabric.advance(30);
    assert_eq!(applied(&fabric, "n"), 1);
    fabric.accept(a_vm("v").nics(["n"]).restarted_at("noon"));
    assert_eq!(applied(&fabric, "n"), 1);
}

/// NIC-22, S-23
#[test]
fn a_label_makes_a_name_in_the_domain_of_the_network() {
    let fabric = a_web()
        .with(a_network("spoke"))
        .with(a_subnet("far", "10.0.1.0/24").of("spoke"))
        .with(a_nic("n").label("front"))
        .with(a_nic("m").subnet("db"))
        .with(a_nic("f").subnet("far"));
    let dns = |nic: &str| fabric.view::<NetworkInterface>(nic).dns_settings.unwrap();
    let suffix = dns("n").internal_domain_name_suffix;
    let parts: Vec<_> = suffix.split('.').collect();
    assert_eq!((parts[0].len(), parts[1].len(), &parts[2..]), (26, 2, &["internal", "cloudapp", "net"][..]));
    assert_eq!(dns("n").internal_fqdn, Some(format!("front.{suffix}")));
    assert_eq!(dns("m").internal_domain_name_suffix, suffix);
    assert_ne!(dns("f").internal_domain_name_suffix, suffix);
    assert_eq!(dns("m").internal_fqdn, None);
}

#[test]
fn a_change_of_the_networks_dns_servers_touches_its_nics() {
    let mut fabric = a_web().with(a_nic("n"));
    fabric.engine.take_touched();
    fabric.accept(a_network("hub").prefixes(["10.0.0.0/8", "fd00::/48"]).dns_servers(1));
    let nic = ObjectId::new(Kind::NetworkInterface, named("n"));
    assert!(fabric.engine.take_touched().contains(&nic));
}

/// The order is that of `manualAddresses` in the VM's status.
#[test]
fn another_order_of_the_configurations_touches_the_vm() {
    let nic =
        |second: &str, third: &str| a_nic("n").configurations([primary("a"), secondary(second), secondary(third)]);
    let mut fabric = a_web().with(nic("b", "c")).with(a_vm("v").nics(["n"]));
    let manual = |fabric: &Fabric| fabric.view::<VirtualMachine>("v").network_interfaces.remove(0).manual_addresses;
    let mut before = manual(&fabric);
    fabric.engine.take_touched();
    fabric.accept(nic("c", "b"));
    assert!(fabric.engine.take_touched().contains(&ObjectId::new(Kind::VirtualMachine, named("v"))));
    before.reverse();
    assert_eq!(manual(&fabric), before);
}
