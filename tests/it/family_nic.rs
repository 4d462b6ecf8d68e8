//! A NIC and its network: where it may be and move, and whose name servers it uses.

use kube::core::DynamicObject;
use serde_json::json;

use crate::support::manifests::{machine, network, nic, nic_with, object, static_configuration, static_nic, subnet};
use crate::support::space::{Space, address, at};
use crate::support::states::{configurations, has_mac, is_advised, is_attached_to, is_unattached, power_is};

const SUBNET: &str = "spec.subnet";

/// The subnets `web`, 10.0.1.0/24, and `data`, 10.0.2.0/24, of `hub`; and `far`, 10.8.1.0/24, of the network `other`.
fn with_subnets_near_and_far() -> Space<'static> {
    let space = Space::with_a_subnet().and_subnet("data", "10.0.2.0/24");
    space.apply(&(network("other", "10.8.0.0/16") + &subnet("far", "other", "10.8.1.0/24")));
    space.ready("subnet/far");
    space
}

/// The deallocated VM `m` with the NICs `a`, its primary one, and `b`.
fn and_a_machine_with_two_nics(space: &Space<'_>) {
    space.apply(&(nic("a", "web") + &nic("b", "web") + &machine("m", &["a", "b"], "powerState: Deallocated")));
    space.ready("vm/m");
    space.wait("nic/b", "attached", is_attached_to("m"));
}

#[test]
fn a_nic_waits_for_its_subnet_and_follows_when_that_appears() {
    let space = Space::with_a_subnet();
    space.apply(&nic("a", "data"));
    let refusal = space.refused("nic/a");
    assert_eq!(refusal.told(), [("NIC-03", "InvalidResourceReference", SUBNET)]);
    refusal.shows(&["Subnet", "data", "does not exist"]).advises(&["Create"]).is_blocked_by(&[("Subnet", "data")]);
    space.apply(&subnet("data", "hub", "10.0.2.0/24"));
    assert_eq!(address(&space.cured("nic/a", &refusal)), "10.0.2.4");
}

#[test]
fn a_nic_in_a_refused_subnet_is_told_why_that_is_not_there_and_follows_when_it_is_cured() {
    let space = Space::with_a_subnet();
    space.apply(&subnet("data", "hub", "10.9.0.0/30"));
    space.refused("subnet/data");
    space.apply(&nic("a", "data"));
    let refusal = space.refused("nic/a");
    assert_eq!(refusal.told(), [("NIC-03", "InvalidResourceReference", SUBNET)]);
    refusal.shows(&["data", "exists, but is not provisioned", "NetcfgInvalidSubnet"]).advises(&["Fix Subnet"]);
    space.apply(&subnet("data", "hub", "10.0.9.0/29"));
    assert_eq!(address(&space.cured("nic/a", &refusal)), "10.0.9.4");
}

#[test]
fn a_nic_that_moves_gets_new_addresses_and_leaves_the_old_ones_to_others() {
    let space = with_subnets_near_and_far();
    let two = ["{name: one, primary: true}", "{name: two}"];
    space.apply(&nic_with("a", "web", &two));
    assert_eq!(configurations(&space.ready("nic/a")), [("one", "10.0.1.4"), ("two", "10.0.1.5")]);
    space.apply(&nic_with("a", "data", &two));
    assert_eq!(configurations(&space.ready("nic/a")), [("one", "10.0.2.4"), ("two", "10.0.2.5")]);
    space.apply(&nic("next", "web"));
    assert_eq!(address(&space.ready("nic/next")), "10.0.1.4");
}

#[test]
fn a_primary_nic_moves_while_its_vm_runs_and_asks_for_a_restart() {
    let space = with_subnets_near_and_far();
    space.apply(&(nic("a", "web") + &machine("m", &["a"], "")));
    space.wait("nic/a", "with a MAC address", has_mac);
    space.apply(&nic("a", "data"));
    let moved = space.ready("nic/a");
    assert_eq!((address(&moved), is_advised(&moved, "RestartRequired")), ("10.0.2.4", true));
    space.wait("vm/m", "showing the new address", |vm| at(vm, "/networkInterfaces/0/privateIPAddress") == "10.0.2.4");
    space.kubectl_ok(&["annotate", "vm/m", "vnet.dev/restartedAt=now"], "");
    assert!(!is_advised(&space.wait("nic/a", "with a new MAC address", has_mac), "RestartRequired"));
}

#[test]
fn a_move_with_a_static_address_is_done_in_two_edits_as_the_remedy_says() {
    let space = with_subnets_near_and_far();
    space.apply(&static_nic("a", "web", "10.0.1.10"));
    let before = space.ready("nic/a");
    space.apply(&static_nic("a", "data", "10.0.2.10"));
    let refusal = space.refused("nic/a");
    let method = "spec.ipConfigurations[0].privateIPAllocationMethod";
    assert_eq!(refusal.told(), [("NIC-06", "OperationNotAllowed", method)]);
    refusal.shows(&["ipconfig1 is Static"]).stalls().keeps(&before);
    refusal
        .advises(&["Set privateIPAllocationMethod to Dynamic with the change of the subnet, and to Static after it."]);
    let dynamic = "{name: ipconfig1, privateIPAllocationMethod: Dynamic, privateIPAddress: 10.0.2.10}";
    space.apply(&nic_with("a", "data", &[dynamic]));
    assert_eq!(address(&space.ready("nic/a")), "10.0.2.4");
    space.apply(&static_nic("a", "data", "10.0.2.10"));
    assert_eq!(address(&space.ready("nic/a")), "10.0.2.10");
}

#[test]
fn a_nic_stays_in_its_network_and_another_is_created_instead() {
    let space = with_subnets_near_and_far();
    space.apply(&nic("a", "web"));
    let before = space.ready("nic/a");
    space.apply(&nic("a", "far"));
    let refusal = space.refused("nic/a");
    assert_eq!(refusal.told(), [("NIC-05", "OperationNotAllowed", SUBNET)]);
    refusal.shows(&["hub", "far", "other"]).stalls().keeps(&before);
    refusal.advises(&["Choose a subnet of VirtualNetwork", "hub, or create another network interface."]);
    space.apply(&nic("another", "far"));
    assert_eq!(address(&space.ready("nic/another")), "10.8.1.4");
    space.apply(&nic("a", "data"));
    assert_eq!(address(&space.ready("nic/a")), "10.0.2.4");
}

#[test]
fn a_nic_that_was_never_accepted_may_still_change_its_network() {
    let space = with_subnets_near_and_far();
    space.apply(&static_nic("a", "web", "10.0.1.3"));
    space.refused("nic/a").stalls();
    space.apply(&static_nic("a", "far", "10.8.1.10"));
    assert_eq!(address(&space.ready("nic/a")), "10.8.1.10");
}

#[test]
fn a_secondary_nic_moves_by_itself_once_it_is_detached() {
    let space = with_subnets_near_and_far();
    and_a_machine_with_two_nics(&space);
    let before = space.ready("nic/b");
    space.apply(&nic("b", "data"));
    let refusal = space.refused("nic/b");
    assert_eq!(refusal.told(), [("NIC-08", "SecondaryNetworkInterfaceInUseCannotChangeSubnet", SUBNET)]);
    refusal.is_blocked_by(&[("VirtualMachine", "m")]).keeps(&before);
    refusal.advises(&["Detach it from VirtualMachine", "m first, or keep Subnet", "web."]);
    space.apply(&machine("m", &["a"], "powerState: Deallocated"));
    let moved = space.cured("nic/b", &refusal);
    assert_eq!((address(&moved), is_unattached(&moved)), ("10.0.2.4", true));
    space.apply(&machine("m", &["a", "b"], "powerState: Deallocated"));
    space.wait("nic/b", "attached again", is_attached_to("m"));
}

#[test]
fn everything_wrong_with_a_move_is_told_at_once_and_each_remedy_does_its_part() {
    let space = with_subnets_near_and_far();
    and_a_machine_with_two_nics(&space);
    let before = space.ready("nic/b");
    space.apply(&static_nic("b", "far", "10.0.1.5"));
    let refusal = space.refused("nic/b");
    assert_eq!(refusal.rules(), ["NIC-05", "NIC-06", "ADDR-09", "NIC-08"]);
    assert_eq!(refusal.told()[0], ("NIC-05", "SubnetsNotInSameVnet", SUBNET));
    refusal.stalls().keeps(&before);
    refusal.advises_for("NIC-05", "Choose a subnet of VirtualNetwork");
    space.apply(&nic_with("b", "data", &[&static_configuration("ipconfig1", "10.0.1.5")]));
    let refusal = space.refused("nic/b");
    assert_eq!(refusal.rules(), ["NIC-06", "ADDR-09", "NIC-08"]);
    refusal.advises_for("NIC-06", "Set privateIPAllocationMethod to Dynamic").keeps(&before);
    space.apply(&nic("b", "data"));
    let refusal = space.refused("nic/b");
    assert_eq!(refusal.rules(), ["NIC-08"]);
    refusal.advises_for("NIC-08", "Detach it from").keeps(&before);
    space.apply(&machine("m", &["a"], "powerState: Deallocated"));
    assert_eq!(address(&space.cured("nic/b", &refusal)), "10.0.2.4");
}

/// The name servers that a NIC's guest uses.
fn servers(nic: &DynamicObject) -> serde_json::Value {
    at(nic, "/dnsSettings/appliedDnsServers").clone()
}

fn network_with_servers(servers: &str) -> String {
    let spec = format!("addressSpace: {{addressPrefixes: [10.0.0.0/16]}}, dhcpOptions: {{dnsServers: [{servers}]}}");
    object("VirtualNetwork", "hub", &spec)
}

fn nic_with_servers(name: &str, servers: &str) -> String {
    nic(name, "web").replace("spec: {", &format!("spec: {{dnsSettings: {{dnsServers: [{servers}]}}, "))
}

#[test]
fn name_servers_are_inherited_or_its_own_from_the_start_of_the_vm_on() {
    let space = Space::with_a_subnet();
    space.apply(&network_with_servers("10.0.0.4, 10.0.0.5"));
    space.apply(&(nic("heir", "web") + &nic_with_servers("own", "10.0.0.9")));
    space.apply(&machine("m", &["heir", "own"], "powerState: Deallocated"));
    for nic in ["nic/heir", "nic/own"] {
        assert_eq!(servers(&space.wait(nic, "attached", is_attached_to("m"))), json!(null));
    }
    space.edit_spec("vm/m", &json!({"powerState": "Running"}));
    space.wait("vm/m", "Running", power_is("Running"));
    assert_eq!(servers(&space.wait("nic/heir", "started", has_mac)), json!(["10.0.0.4", "10.0.0.5"]));
    assert_eq!(servers(&space.wait("nic/own", "started", has_mac)), json!(["10.0.0.9"]));
}

#[test]
fn a_change_of_the_networks_name_servers_reaches_the_nics_that_inherit_them() {
    let space = Space::with_a_subnet();
    space.apply(&(nic("heir", "web") + &nic_with_servers("own", "10.0.0.9") + &machine("m", &["heir", "own"], "")));
    space.wait("nic/heir", "started", has_mac);
    space.apply(&network_with_servers("10.0.0.6"));
    space.wait("nic/heir", "with the new server", |nic| servers(nic) == json!(["10.0.0.6"]));
    assert_eq!(servers(&space.wait("nic/own", "started", has_mac)), json!(["10.0.0.9"]));
    space.apply(&nic("own", "web"));
    space.wait("nic/own", "an heir too", |nic| servers(nic) == json!(["10.0.0.6"]));
}
