//! Addresses that the platform chooses: the lowest free one of the subnet, kept, and waited for where there is none.

use serde_json::json;

use crate::support::manifests::{nic, nic_with, static_configuration, static_nic, subnet};
use crate::support::space::{Space, address};
use crate::support::states::configurations;

const METHOD: &str = "spec.ipConfigurations[0].privateIPAllocationMethod";

/// The subnet `small`, 10.0.2.0/29, has three addresses; these NICs have taken the lowest ones.
fn with_a_small_subnet(nics: &[&str]) -> Space<'static> {
    let space = Space::with_a_subnet().and_subnet("small", "10.0.2.0/29");
    for (name, expected) in nics.iter().zip(["10.0.2.4", "10.0.2.5", "10.0.2.6"]) {
        space.apply(&nic(name, "small"));
        assert_eq!(address(&space.ready(&format!("nic/{name}"))), expected);
    }
    space
}

#[test]
fn the_lowest_free_address_is_given_past_the_reserved_and_the_static_ones() {
    let space = Space::with_a_subnet();
    for (name, taken) in [("four", "10.0.1.4"), ("six", "10.0.1.6")] {
        space.apply(&static_nic(name, "web", taken));
        space.ready(&format!("nic/{name}"));
    }
    for (name, expected) in [("a", "10.0.1.5"), ("b", "10.0.1.7"), ("c", "10.0.1.8")] {
        space.apply(&nic(name, "web"));
        assert_eq!(address(&space.ready(&format!("nic/{name}"))), expected);
    }
    space.delete("nic/a");
    space.gone("nic/a");
    space.apply(&nic("d", "web"));
    assert_eq!(address(&space.ready("nic/d")), "10.0.1.5");
}

#[test]
fn dynamic_configurations_take_what_the_static_ones_of_the_same_edit_leave() {
    let space = Space::with_a_subnet();
    let fixed = static_configuration("three", "10.0.1.4");
    space.apply(&nic_with("a", "web", &["{name: one, primary: true}", "{name: two}", &fixed]));
    let expected = [("one", "10.0.1.5"), ("two", "10.0.1.6"), ("three", "10.0.1.4")];
    assert_eq!(configurations(&space.ready("nic/a")), expected);
}

#[test]
fn a_new_configuration_gets_its_address_before_the_dropped_one_lets_go_of_its_own() {
    let space = Space::with_a_subnet();
    space.apply(&nic_with("a", "web", &["{name: one, primary: true}", "{name: old}"]));
    assert_eq!(configurations(&space.ready("nic/a"))[1], ("old", "10.0.1.5"));
    space.apply(&nic_with("a", "web", &["{name: one, primary: true}", "{name: new}"]));
    assert_eq!(configurations(&space.ready("nic/a")), [("one", "10.0.1.4"), ("new", "10.0.1.6")]);
    space.apply(&nic("next", "web"));
    assert_eq!(address(&space.ready("nic/next")), "10.0.1.5");
}

#[test]
fn an_address_is_kept_through_edits_when_a_lower_one_is_free() {
    let space = Space::with_a_subnet();
    space.apply(&nic("low", "web"));
    space.ready("nic/low");
    space.apply(&nic("a", "web"));
    space.ready("nic/a");
    space.delete("nic/low");
    space.gone("nic/low");
    space.edit_spec("nic/a", &json!({"enableIPForwarding": true}));
    assert_eq!(address(&space.ready("nic/a")), "10.0.1.5");
}

#[test]
fn the_fourth_nic_of_the_smallest_subnet_waits_for_the_first_address_that_is_freed() {
    let space = with_a_small_subnet(&["a", "b", "c"]);
    space.apply(&nic("d", "small"));
    let refusal = space.refused("nic/d");
    assert_eq!(refusal.told(), [("ADDR-11", "SubnetIsFull", METHOD)]);
    refusal.shows(&["small", "ipconfig1"]).is_blocked_by(&[("Subnet", "small")]);
    refusal.advises(&["Delete network interfaces of the subnet, or use another;"]);
    space.delete("nic/b");
    assert_eq!(address(&space.cured("nic/d", &refusal)), "10.0.2.5");
}

// VNET-09: a prefix with allocated addresses is not enlarged either.
#[test]
fn a_nic_that_waits_for_an_address_gets_none_by_widening_the_subnet_and_one_when_another_goes() {
    let space = with_a_small_subnet(&["a", "b", "c"]);
    space.apply(&nic("d", "small"));
    let refusal = space.refused("nic/d");
    space.apply(&subnet("small", "hub", "10.0.2.0/28"));
    assert_eq!(space.refused("subnet/small").rules(), ["VNET-09"]);
    space.delete("nic/a");
    assert_eq!(address(&space.cured("nic/d", &refusal)), "10.0.2.4");
}

#[test]
fn a_nic_that_waits_for_an_address_is_ready_in_another_subnet() {
    let space = with_a_small_subnet(&["a", "b", "c"]);
    space.apply(&nic("d", "small"));
    space.refused("nic/d").advises(&["or use another"]);
    space.apply(&nic("d", "web"));
    assert_eq!(address(&space.ready("nic/d")), "10.0.1.4");
}

#[test]
fn one_freed_address_serves_the_nic_that_waits_longest() {
    let space = with_a_small_subnet(&["a", "b", "c"]);
    for late in ["d", "e"] {
        space.apply(&nic(late, "small"));
        space.refused(&format!("nic/{late}")).waits();
    }
    space.delete("nic/c");
    assert_eq!(address(&space.ready("nic/d")), "10.0.2.6");
    space.refused("nic/e").waits();
    space.delete("nic/a");
    assert_eq!(address(&space.ready("nic/e")), "10.0.2.4");
}

#[test]
fn a_nic_that_cannot_have_all_its_addresses_takes_none() {
    let space = with_a_small_subnet(&["a"]);
    space.apply(&nic_with("b", "small", &["{name: one, primary: true}", "{name: two}", "{name: three}"]));
    let refusal = space.refused("nic/b");
    let path = "spec.ipConfigurations[2].privateIPAllocationMethod";
    assert_eq!(refusal.told(), [("ADDR-11", "SubnetIsFull", path)]);
    space.apply(&nic("c", "small"));
    assert_eq!(address(&space.ready("nic/c")), "10.0.2.5");
    space.delete("nic/a");
    space.delete("nic/c");
    let expected = [("one", "10.0.2.4"), ("two", "10.0.2.5"), ("three", "10.0.2.6")];
    assert_eq!(configurations(&space.ready("nic/b")), expected);
}

#[test]
fn a_configuration_is_replaced_in_a_full_subnet_in_two_edits_as_the_remedy_says() {
    let space = with_a_small_subnet(&["a"]);
    space.apply(&nic_with("b", "small", &["{name: one, primary: true}", "{name: old}"]));
    let before = space.ready("nic/b");
    let replaced = nic_with("b", "small", &["{name: one, primary: true}", "{name: new}"]);
    space.apply(&replaced);
    let refusal = space.refused("nic/b");
    let path = "spec.ipConfigurations[1].privateIPAllocationMethod";
    assert_eq!(refusal.told(), [("ADDR-11", "SubnetIsFull", path)]);
    refusal.advises(&["Remove the old configuration first, and add new after it."]);
    refusal.waits().keeps(&before);
    space.apply(&nic_with("b", "small", &["{name: one, primary: true}"]));
    assert_eq!(configurations(&space.ready("nic/b")), [("one", "10.0.2.5")]);
    space.apply(&replaced);
    assert_eq!(configurations(&space.ready("nic/b")), [("one", "10.0.2.5"), ("new", "10.0.2.6")]);
}
