//! Addresses that a user chooses: which may be chosen, who has them, and who gets them next.

use kube::core::DynamicObject;
use serde_json::json;

use crate::support::manifests::{nic, nic_with, static_configuration, static_nic};
use crate::support::space::{Space, address, at};
use crate::support::states::configurations;

const ADDRESS: &str = "spec.ipConfigurations[0].privateIPAddress";
const WITHOUT_ADDRESS: &str = "{name: ipconfig1, privateIPAllocationMethod: Static}";

/// The NIC `first` at 10.0.1.10.
fn with_a_holder() -> Space<'static> {
    let space = Space::with_a_subnet();
    space.apply(&static_nic("first", "web", "10.0.1.10"));
    space.ready("nic/first");
    space
}

#[test]
fn a_taken_address_is_refused_and_granted_when_its_holder_goes() {
    let space = with_a_holder();
    space.apply(&static_nic("late", "web", "10.0.1.10"));
    let refusal = space.refused("nic/late");
    assert_eq!(refusal.told(), [("ADDR-08", "PrivateIPAddressInUse", ADDRESS)]);
    refusal.shows(&["10.0.1.10", "ipconfig1", "NetworkInterface", "first"]);
    refusal.advises(&["release the address on", "first"]).is_blocked_by(&[("NetworkInterface", "first")]);
    space.delete("nic/first");
    assert_eq!(address(&space.cured("nic/late", &refusal)), "10.0.1.10");
}

#[test]
fn a_taken_address_is_granted_when_its_holder_takes_another() {
    let space = with_a_holder();
    space.apply(&static_nic("late", "web", "10.0.1.10"));
    let refusal = space.refused("nic/late");
    space.apply(&static_nic("first", "web", "10.0.1.11"));
    assert_eq!(address(&space.cured("nic/late", &refusal)), "10.0.1.10");
}

#[test]
fn of_two_that_wait_for_an_address_one_gets_it_and_the_other_is_told_who() {
    let space = with_a_holder();
    space.apply(&static_nic("second", "web", "10.0.1.10"));
    space.refused("nic/second");
    space.apply(&static_nic("third", "web", "10.0.1.10"));
    space.refused("nic/third");
    space.delete("nic/first");
    space.ready("nic/second");
    let third =
        space.wait("nic/third", "waiting for the second", |nic| at(nic, "/violations/0/blockedBy/0/name") == "second");
    assert_eq!(at(&third, "/violations/0/retry"), "OnChange");
    space.delete("nic/second");
    assert_eq!(address(&space.ready("nic/third")), "10.0.1.10");
}

#[test]
fn a_taken_address_is_given_up_for_a_free_or_a_dynamic_one_as_the_remedy_says() {
    let space = with_a_holder();
    let remedy = "Choose a free address of 10.0.1.0/24, set privateIPAllocationMethod to Dynamic, or";
    for (name, instead, expected) in [
        ("a", static_configuration("ipconfig1", "10.0.1.20"), "10.0.1.20"),
        ("b", "{name: ipconfig1, privateIPAllocationMethod: Dynamic, privateIPAddress: 10.0.1.10}".into(), "10.0.1.4"),
    ] {
        let nic = format!("nic/{name}");
        space.apply(&static_nic(name, "web", "10.0.1.10"));
        space.refused(&nic).advises(&[remedy]);
        space.apply(&nic_with(name, "web", &[&instead]));
        assert_eq!(address(&space.ready(&nic)), expected);
    }
}

#[test]
fn an_edit_to_a_taken_address_keeps_the_programmed_one_until_the_other_is_free() {
    let space = with_a_holder();
    space.apply(&nic("late", "web"));
    let before = space.ready("nic/late");
    space.apply(&static_nic("late", "web", "10.0.1.10"));
    let refusal = space.refused("nic/late");
    assert_eq!(refusal.told(), [("ADDR-08", "PrivateIPAddressInUse", ADDRESS)]);
    refusal.keeps(&before);
    space.delete("nic/first");
    assert_eq!(address(&space.cured("nic/late", &refusal)), "10.0.1.10");
    space.apply(&nic("next", "web"));
    assert_eq!(address(&space.ready("nic/next")), "10.0.1.4");
}

#[test]
fn an_edit_that_is_refused_and_taken_back_is_ready_as_before() {
    let space = with_a_holder();
    let before = space.ready("nic/first");
    space.apply(&static_nic("first", "web", "10.0.9.10"));
    space.refused("nic/first").stalls().keeps(&before);
    space.apply(&static_nic("first", "web", "10.0.1.10"));
    assert_eq!(address(&space.ready("nic/first")), "10.0.1.10");
}

/// A NIC with this address is refused; with the last one that its remedy names, or Dynamic, it is Ready.
fn is_refused_and_cured(asked: &str, rule: &str, code: &str, evidence: &[&str]) {
    let space = Space::with_a_subnet();
    space.apply(&static_nic("a", "web", asked));
    let refusal = space.refused("nic/a");
    assert_eq!(refusal.told(), [(rule, code, ADDRESS)]);
    refusal.shows(evidence).stalls();
    refusal.advises(&["Choose an address from 10.0.1.4 to 10.0.1.254, or set privateIPAllocationMethod to Dynamic."]);
    space.apply(&static_nic("a", "web", "10.0.1.254"));
    assert_eq!(address(&space.ready("nic/a")), "10.0.1.254");
    space.apply(&static_nic("b", "web", asked));
    space.refused("nic/b");
    space.edit_spec("nic/b", &json!({"ipConfigurations": [{"name": "ipconfig1", "privateIPAddress": asked}]}));
    assert_eq!(address(&space.ready("nic/b")), "10.0.1.4");
}

#[test]
fn an_address_outside_the_subnet_is_refused_and_cured_as_the_remedy_says() {
    let evidence = ["10.0.2.10", "10.0.1.0/24", "web"];
    is_refused_and_cured("10.0.2.10", "ADDR-09", "PrivateIPAddressNotInSubnet", &evidence);
}

#[test]
fn an_address_that_the_platform_keeps_is_refused_and_cured_as_the_remedy_says() {
    is_refused_and_cured("10.0.1.3", "ADDR-01", "PrivateIPAddressInReservedRange", &["10.0.1.3", "10.0.1.0/24"]);
}

#[test]
fn a_static_configuration_without_an_address_is_refused_and_cured_as_the_remedy_says() {
    let space = Space::with_a_subnet();
    for (nic, instead) in [("a", static_configuration("ipconfig1", "10.0.1.7")), ("b", "{name: ipconfig1}".into())] {
        let id = format!("nic/{nic}");
        space.apply(&nic_with(nic, "web", &[WITHOUT_ADDRESS]));
        let refusal = space.refused(&id);
        assert_eq!(refusal.told(), [("S-17", "PrivateIPAddressMissing", ADDRESS)]);
        refusal.shows(&["ipconfig1"]).stalls();
        refusal.advises(&["Set privateIPAddress, or privateIPAllocationMethod to Dynamic."]);
        space.apply(&nic_with(nic, "web", &[&instead]));
        space.ready(&id);
    }
}

/// A NIC with a Dynamic primary configuration, and Static ones at these addresses.
fn with_addresses(addresses: &[&str]) -> String {
    let chosen = addresses.iter().enumerate().map(|(n, address)| static_configuration(&format!("c{n}"), address));
    let all: Vec<String> = std::iter::once("{name: first, primary: true}".to_owned()).chain(chosen).collect();
    nic_with("a", "web", &all.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn all_five_addresses_that_the_platform_keeps_are_told_at_once() {
    let space = Space::with_a_subnet();
    space.apply(&with_addresses(&["10.0.1.0", "10.0.1.1", "10.0.1.2", "10.0.1.3", "10.0.1.255"]));
    let refusal = space.refused("nic/a");
    let paths = [1, 2, 3, 4, 5].map(|n| format!("spec.ipConfigurations[{n}].privateIPAddress"));
    let expected: Vec<_> =
        paths.iter().map(|path| ("ADDR-01", "PrivateIPAddressInReservedRange", path.as_str())).collect();
    assert_eq!(refusal.told(), expected);
    refusal.stalls();
}

#[test]
fn an_address_of_every_wrong_kind_is_told_at_once_and_one_that_is_taken_is_cured_last() {
    let space = with_a_holder();
    space.apply(&with_addresses(&["10.0.1.10", "10.0.1.255", "10.0.7.7", "10.0.7.7"]));
    let refusal = space.refused("nic/a");
    assert_eq!(refusal.rules(), ["ADDR-09", "ADDR-09", "ADDR-01", "ADDR-08", "ADDR-08"]);
    refusal.stalls();
    space.apply(&with_addresses(&["10.0.1.10", "10.0.1.254"]));
    let refusal = space.refused("nic/a");
    assert_eq!(refusal.rules(), ["ADDR-08"]);
    space.delete("nic/first");
    let expected = [("first", "10.0.1.4"), ("c0", "10.0.1.10"), ("c1", "10.0.1.254")];
    assert_eq!(configurations(&space.cured("nic/a", &refusal)), expected);
}

#[test]
fn two_configurations_of_one_nic_swap_their_addresses_in_one_edit() {
    let space = Space::with_a_subnet();
    space.apply(&with_addresses(&["10.0.1.10", "10.0.1.11"]));
    space.ready("nic/a");
    space.apply(&with_addresses(&["10.0.1.11", "10.0.1.10"]));
    assert_eq!(configurations(&space.ready("nic/a"))[1..], [("c0", "10.0.1.11"), ("c1", "10.0.1.10")]);
}

#[test]
fn two_nics_that_ask_for_each_others_address_are_told_that_one_lets_go_first() {
    let space = Space::with_a_subnet();
    space.apply(&(static_nic("a", "web", "10.0.1.10") + &static_nic("b", "web", "10.0.1.11")));
    let (a, b) = (space.ready("nic/a"), space.ready("nic/b"));
    space.apply(&static_nic("a", "web", "10.0.1.11"));
    space.refused("nic/a").waits().keeps(&a);
    space.apply(&static_nic("b", "web", "10.0.1.10"));
    let refusal = space.refused("nic/b");
    assert_eq!(refusal.told(), [("ADDR-08", "PrivateIPAddressInUse", ADDRESS)]);
    refusal.stalls().keeps(&b);
    refusal.advises(&[
        "go first: release in one edit what the other waits for, and take in the next what it waits for itself.",
    ]);
    let only_an_edit_helps = |nic: &DynamicObject| at(nic, "/violations/0/retry") == "OnEdit";
    space.wait("nic/a", "stalled as well", only_an_edit_helps);
    space.apply(&static_nic("a", "web", "10.0.1.20"));
    assert_eq!(address(&space.ready("nic/b")), "10.0.1.10");
    space.apply(&static_nic("a", "web", "10.0.1.11"));
    assert_eq!(address(&space.ready("nic/a")), "10.0.1.11");
}
