//! Refusals of private addresses: what a user is told, what stays, and what cures it.

use serde_json::json;

use crate::manifests::{nic, nic_with, static_configuration, static_nic, subnet};
use crate::space::{Space, address};

const ADDRESS: &str = "spec.ipConfigurations[0].privateIPAddress";

fn asks_for(address: &str) -> serde_json::Value {
    let configuration =
        json!({"name": "ipconfig1", "privateIPAllocationMethod": "Static", "privateIPAddress": address});
    json!({"ipConfigurations": [configuration]})
}

#[test]
fn a_nic_waits_for_its_subnet_and_follows_when_that_appears() {
    let space = Space::with_a_subnet();
    space.apply(&nic("a", "data"));
    let refusal = space.refused("nic/a");
    assert_eq!(refusal.told(), [("NIC-03", "InvalidResourceReference", "spec.subnet")]);
    refusal.shows(&["Subnet", "data", "does not exist"]).advises(&["Create"]).is_blocked_by(&[("Subnet", "data")]);
    refusal.waits();
    space.apply(&subnet("data", "hub", "10.0.2.0/24"));
    assert_eq!(address(&space.ready("nic/a")), "10.0.2.4");
}

#[test]
fn a_nic_in_a_refused_subnet_is_told_why_that_is_not_there() {
    let space = Space::with_a_subnet();
    space.apply(&subnet("data", "hub", "10.9.0.0/30"));
    space.refused("subnet/data");
    space.apply(&nic("a", "data"));
    let refusal = space.refused("nic/a");
    assert_eq!(refusal.told(), [("NIC-03", "InvalidResourceReference", "spec.subnet")]);
    refusal.shows(&["data", "exists, but is not provisioned", "NetcfgInvalidSubnet"]).waits();
}

#[test]
fn a_taken_static_address_is_refused_and_granted_when_its_holder_goes() {
    let space = Space::with_a_subnet();
    space.apply(&static_nic("first", "web", "10.0.1.10"));
    space.ready("nic/first");
    space.apply(&static_nic("late", "web", "10.0.1.10"));
    let refusal = space.refused("nic/late");
    assert_eq!(refusal.told(), [("ADDR-08", "PrivateIPAddressInUse", ADDRESS)]);
    refusal.shows(&["10.0.1.10", "ipconfig1", "NetworkInterface", "first"]).advises(&[
        "10.0.1.0/24",
        "Dynamic",
        "first",
    ]);
    refusal.is_blocked_by(&[("NetworkInterface", "first")]).waits();
    space.delete("nic/first");
    assert_eq!(address(&space.ready("nic/late")), "10.0.1.10");
}

#[test]
fn a_taken_static_address_is_granted_when_its_holder_moves() {
    let space = Space::with_a_subnet();
    space.apply(&static_nic("first", "web", "10.0.1.10"));
    space.ready("nic/first");
    space.apply(&static_nic("late", "web", "10.0.1.10"));
    space.refused("nic/late");
    space.edit_spec("nic/first", &asks_for("10.0.1.11"));
    assert_eq!(address(&space.ready("nic/late")), "10.0.1.10");
}

#[test]
fn an_edit_that_is_refused_keeps_what_is_programmed() {
    let space = Space::with_a_subnet();
    space.apply(&(static_nic("first", "web", "10.0.1.10") + &nic("late", "web")));
    space.ready("nic/first");
    let before = space.ready("nic/late");
    space.edit_spec("nic/late", &asks_for("10.0.1.10"));
    let refusal = space.refused("nic/late");
    assert_eq!(refusal.told(), [("ADDR-08", "PrivateIPAddressInUse", ADDRESS)]);
    refusal.waits().keeps(&before);
}

#[test]
fn an_edit_that_is_refused_and_taken_back_is_ready_as_before() {
    let space = Space::with_a_subnet();
    space.apply(&static_nic("a", "web", "10.0.1.10"));
    let before = space.ready("nic/a");
    space.edit_spec("nic/a", &asks_for("10.0.9.10"));
    space.refused("nic/a").stalls().keeps(&before);
    space.edit_spec("nic/a", &asks_for("10.0.1.10"));
    assert_eq!(address(&space.ready("nic/a")), "10.0.1.10");
}

#[test]
fn a_static_address_outside_the_subnet_is_refused() {
    let space = Space::with_a_subnet();
    space.apply(&static_nic("a", "web", "10.0.2.10"));
    let refusal = space.refused("nic/a");
    assert_eq!(refusal.told(), [("ADDR-09", "PrivateIPAddressNotInSubnet", ADDRESS)]);
    refusal.shows(&["10.0.2.10", "10.0.1.0/24", "web"]).advises(&["10.0.1.4", "10.0.1.254", "Dynamic"]).stalls();
}

#[test]
fn a_static_address_that_the_platform_keeps_is_refused() {
    let space = Space::with_a_subnet();
    space.apply(&static_nic("a", "web", "10.0.1.3"));
    let refusal = space.refused("nic/a");
    assert_eq!(refusal.told(), [("ADDR-01", "PrivateIPAddressInReservedRange", ADDRESS)]);
    refusal.shows(&["10.0.1.3", "10.0.1.0/24"]).advises(&["10.0.1.4", "10.0.1.254"]).stalls();
}

#[test]
fn a_static_configuration_without_an_address_is_refused() {
    let space = Space::with_a_subnet();
    space.apply(&nic_with("a", "web", &["{name: ipconfig1, privateIPAllocationMethod: Static}"]));
    let refusal = space.refused("nic/a");
    assert_eq!(refusal.told(), [("S-17", "InvalidParameter", ADDRESS)]);
    refusal.shows(&["ipconfig1"]).advises(&["privateIPAddress", "Dynamic"]).stalls();
}

#[test]
fn two_violations_of_one_object_are_shown_together() {
    let space = Space::with_a_subnet();
    let configurations = [
        "{name: first, primary: true}",
        &static_configuration("reserved", "10.0.1.1"),
        &static_configuration("outside", "10.0.7.7"),
    ];
    space.apply(&nic_with("a", "web", &configurations));
    let refusal = space.refused("nic/a");
    let (reserved, outside) =
        ("spec.ipConfigurations[1].privateIPAddress", "spec.ipConfigurations[2].privateIPAddress");
    let told =
        [("ADDR-09", "PrivateIPAddressNotInSubnet", outside), ("ADDR-01", "PrivateIPAddressInReservedRange", reserved)];
    assert_eq!(refusal.told(), told);
    refusal.stalls();
}

#[test]
fn one_that_waits_and_one_that_stalls_together_stall() {
    let space = Space::with_a_subnet();
    space.apply(&static_nic("first", "web", "10.0.1.10"));
    space.ready("nic/first");
    let configurations = [
        "{name: primary, primary: true}",
        &static_configuration("taken", "10.0.1.10"),
        &static_configuration("reserved", "10.0.1.255"),
    ];
    space.apply(&nic_with("a", "web", &configurations));
    let refusal = space.refused("nic/a");
    let told: Vec<_> = refusal.told().into_iter().map(|(rule, ..)| rule).collect();
    assert_eq!(told, ["ADDR-01", "ADDR-08"]);
    refusal.stalls();
}

#[test]
fn the_smallest_subnet_has_three_addresses_and_the_fourth_nic_waits_for_one() {
    let space = Space::with_a_subnet();
    space.apply(&subnet("small", "hub", "10.0.2.0/29"));
    space.ready("subnet/small");
    for (name, expected) in [("a", "10.0.2.4"), ("b", "10.0.2.5"), ("c", "10.0.2.6")] {
        space.apply(&nic(name, "small"));
        assert_eq!(address(&space.ready(&format!("nic/{name}"))), expected);
    }
    space.apply(&nic("d", "small"));
    let refusal = space.refused("nic/d");
    let path = "spec.ipConfigurations[0].privateIPAllocationMethod";
    assert_eq!(refusal.told(), [("ADDR-11", "SubnetIsFull", path)]);
    refusal.shows(&["small", "ipconfig1"]).advises(&["Delete"]).is_blocked_by(&[("Subnet", "small")]).waits();
    space.delete("nic/b");
    assert_eq!(address(&space.ready("nic/d")), "10.0.2.5");
}

#[test]
fn two_nics_that_ask_for_each_others_address_are_told_that_one_lets_go_first() {
    let space = Space::with_a_subnet();
    space.apply(&(static_nic("a", "web", "10.0.1.10") + &static_nic("b", "web", "10.0.1.11")));
    let (a, b) = (space.ready("nic/a"), space.ready("nic/b"));
    space.edit_spec("nic/a", &asks_for("10.0.1.11"));
    space.refused("nic/a").waits().keeps(&a);
    space.edit_spec("nic/b", &asks_for("10.0.1.10"));
    let refusal = space.refused("nic/b");
    assert_eq!(refusal.told(), [("ADDR-08", "PrivateIPAddressInUse", ADDRESS)]);
    refusal.advises(&["a", "b", "first"]).stalls().keeps(&b);
    space.stalled("nic/a"); // the other one is told as well
    let dynamic = json!({"ipConfigurations": [{"name": "ipconfig1", "privateIPAllocationMethod": "Static", "privateIPAddress": "10.0.1.20"}]});
    space.edit_spec("nic/a", &dynamic);
    assert_eq!(address(&space.ready("nic/b")), "10.0.1.10");
}
