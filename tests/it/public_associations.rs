//! Public addresses in the configurations of NICs: who may refer to which, and what happens when one lets go.

use kube::core::DynamicObject;
use serde_json::json;

use crate::support::manifests::{nic, nic_with, object, public_address, public_configuration, public_nic};
use crate::support::space::{Space, at};

const FIRST: &str = "spec.ipConfigurations[0].publicIPAddress";
const SECOND: &str = "spec.ipConfigurations[1].publicIPAddress";

/// NICs `a` and `b`, which hold the addresses `front` and `back`.
fn two_holders() -> Space<'static> {
    let space = Space::with_a_subnet();
    space.apply(&(public_address("front", "Standard") + &public_address("back", "Standard")));
    space.apply(&(public_nic("a", "web", "front") + &public_nic("b", "web", "back")));
    space.ready("nic/a");
    space.ready("nic/b");
    space
}

#[test]
fn a_nic_waits_for_a_missing_public_address_and_follows_when_that_appears() {
    let space = Space::with_a_subnet();
    space.apply(&public_nic("a", "web", "front"));
    let refusal = space.refused("nic/a");
    assert_eq!(refusal.told(), [("PIP-12", "InvalidResourceReference", FIRST)]);
    refusal.shows(&["front", "does not exist"]).is_blocked_by(&[("PublicIPAddress", "front")]).waits();
    space.apply(&public_address("front", "Standard"));
    space.ready("nic/a");
}

#[test]
fn a_nic_is_told_why_the_public_address_that_it_refers_to_is_not_there() {
    let space = Space::with_a_subnet();
    let timeout = |minutes: i32| {
        let spec = format!("publicIPAddressVersion: IPv6, idleTimeoutInMinutes: {minutes}");
        object("PublicIPAddress", "front", &spec)
    };
    space.apply(&timeout(9));
    space.refused("pip/front");
    space.apply(&public_nic("a", "web", "front"));
    let refusal = space.refused("nic/a");
    assert_eq!(refusal.told(), [("PIP-12", "InvalidResourceReference", FIRST)]);
    refusal.shows(&["front", "exists, but is not provisioned", "PublicIPIdleTimeoutIsOutOfRange"]).waits();
    // Cured, it is there, and another rule objects: what serves a configuration is IPv4.
    space.apply(&timeout(4));
    let rule = |nic: &DynamicObject| nic.data["status"]["violations"][0]["rule"] == "PIP-18";
    space.wait("nic/a", "told of the version", rule);
    let refusal = space.refused("nic/a");
    let code = "IPVersionForPublicIpAndNicIpConfigurationMustMatch";
    assert_eq!(refusal.told(), [("PIP-18", code, FIRST)]);
    refusal.shows(&["front", "IPv6", "ipconfig1", "IPv4"]).advises(&["IPv4"]).stalls();
}

#[test]
fn an_address_that_two_configurations_of_a_nic_name_is_refused_until_one_lets_go() {
    let space = Space::with_a_subnet();
    space.apply(&public_address("front", "Standard"));
    space.ready("pip/front");
    let primary = "{name: first, primary: true, publicIPAddress: {name: front}}";
    space.apply(&nic_with("a", "web", &[primary, &public_configuration("second", "front")]));
    let refusal = space.refused("nic/a");
    assert_eq!(refusal.told(), [("PIP-09", "PublicIPReferencedByMultipleIPConfigs", SECOND)]);
    refusal.shows(&["front", "first"]).advises(&["another", "remove"]).stalls();
    space.apply(&nic_with("a", "web", &[primary, "{name: second}"]));
    space.ready("nic/a");
}

#[test]
fn an_edit_to_an_address_that_is_held_keeps_the_old_one_until_the_holder_is_deleted() {
    let space = two_holders();
    let before = space.ready("nic/b");
    space.apply(&public_nic("b", "web", "front"));
    let refusal = space.refused("nic/b");
    assert_eq!(refusal.told(), [("PIP-09", "PublicIPAddressInUse", FIRST)]);
    refusal.is_blocked_by(&[("NetworkInterface", "a")]).waits().keeps(&before);
    space.delete("nic/a");
    let after = space.ready("nic/b");
    assert_eq!(at(&after, "/ipConfigurations/0/publicIPAddress/name"), "front");
    space.wait("pip/back", "free", |pip| at(pip, "/ipConfiguration").is_null());
}

#[test]
fn an_address_moves_between_two_configurations_of_a_nic_in_one_edit() {
    let space = Space::with_a_subnet();
    space.apply(&public_address("front", "Standard"));
    let named = |first: &str, second: &str| {
        let first = format!("{{name: first, primary: true{first}}}");
        nic_with("a", "web", &[&first, &format!("{{name: second{second}}}")])
    };
    let front = ", publicIPAddress: {name: front}";
    for (first, second, expected) in [(front, "", "first"), ("", front, "second"), (front, "", "first")] {
        space.apply(&named(first, second));
        space.ready("nic/a");
        space.wait("pip/front", expected, |pip| at(pip, "/ipConfiguration/name") == expected);
    }
}

#[test]
fn two_nics_that_ask_for_each_others_address_stall_until_one_lets_go_as_it_is_told() {
    let space = two_holders();
    let (a, b) = (space.ready("nic/a"), space.ready("nic/b"));
    space.apply(&(public_nic("a", "web", "back") + &public_nic("b", "web", "front")));
    for (id, before) in [("nic/a", &a), ("nic/b", &b)] {
        let refusal = space.stalled(id);
        assert_eq!(refusal.told(), [("PIP-09", "PublicIPAddressInUse", FIRST)]);
        refusal.advises(&["Let NetworkInterface", "/a go first"]).stalls().keeps(before);
    }
    space.apply(&nic("a", "web"));
    let b = space.ready("nic/b");
    assert_eq!(at(&b, "/ipConfigurations/0/publicIPAddress/name"), "front");
    space.apply(&public_nic("a", "web", "back"));
    let a = space.ready("nic/a");
    assert_eq!(at(&a, "/ipConfigurations/0/publicIPAddress/name"), "back");
}

#[test]
fn an_address_whose_deletion_waits_goes_when_its_nic_is_deleted() {
    let space = two_holders();
    space.delete("pip/front");
    let refusal = space.refused("pip/front");
    assert_eq!(refusal.told(), [("PIP-11", "PublicIPAddressCannotBeDeleted", "metadata.deletionTimestamp")]);
    refusal.advises(&["delete", "a"]).is_blocked_by(&[("NetworkInterface", "a")]).waits();
    assert!(at(&refusal.object, "/ipAddress").is_string(), "it serves until it goes");
    space.delete("nic/a");
    space.gone("pip/front");
}

#[test]
fn an_address_that_is_dissociated_can_be_held_by_another_nic_at_once() {
    let space = two_holders();
    space.edit_spec("nic/a", &json!({"ipConfigurations": [{"name": "ipconfig1"}]}));
    space.ready("nic/a");
    space.apply(&public_nic("c", "web", "front"));
    let held = space.ready("nic/c");
    let address = at(&space.ready("pip/front"), "/ipAddress").clone();
    assert_eq!(*at(&held, "/ipConfigurations/0/publicIPAddress/ipAddress"), address);
}
