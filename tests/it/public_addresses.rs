//! Public addresses: when there is one, what an edit may change, and what a refused edit leaves.

use serde_json::{Value, json};

use crate::support::manifests::{
    machine, nic_with, object, public_address, public_configuration, public_nic, static_public_address,
};
use crate::support::space::{Space, at};
use crate::support::states::{bring, has_address, has_no_address, is_attached_to};

const METHOD: &str = "spec.publicIPAllocationMethod";

/// A running VM `m` whose NIC `a` holds the Basic address `front`.
fn served() -> Space<'static> {
    let space = Space::with_a_subnet();
    space.apply(&public_address("front", "Basic"));
    space.apply(&public_nic("a", "web", "front"));
    space.apply(&machine("m", &["a"], "powerState: Running"));
    space.wait("pip/front", "with an address", has_address);
    space
}

#[test]
fn a_dynamic_address_is_the_same_after_its_vm_was_stopped() {
    let space = Space::with_a_subnet();
    space.apply(&public_address("lower", "Standard"));
    space.ready("pip/lower");
    space.apply(&public_address("front", "Basic"));
    space.apply(&public_nic("a", "web", "front"));
    space.apply(&machine("m", &["a"], "powerState: Running"));
    let before = space.wait("pip/front", "with an address", has_address);
    space.ready("vm/m");
    space.delete("pip/lower"); // the lowest free address is another one from here on
    space.gone("pip/lower");
    bring(&space, "vm/m", "Stopped");
    bring(&space, "vm/m", "Running");
    assert_eq!(at(&space.ready("pip/front"), "/ipAddress"), at(&before, "/ipAddress"));
}

#[test]
fn a_dynamic_address_goes_when_its_nic_lets_go_of_it() {
    let space = served();
    space.edit_spec("nic/a", &json!({"ipConfigurations": [{"name": "ipconfig1"}]}));
    let released = space.wait("pip/front", "without an address", has_no_address);
    assert_eq!(at(&released, "/ipConfiguration"), &Value::Null);
}

#[test]
fn a_dynamic_address_goes_with_its_vm_and_comes_with_the_next() {
    let space = served();
    space.delete("vm/m");
    space.wait("pip/front", "without an address", has_no_address);
    space.apply(&machine("next", &["a"], ""));
    space.wait("nic/a", "attached", is_attached_to("next"));
    space.wait("pip/front", "with an address", has_address);
}

#[test]
fn a_dynamic_address_that_becomes_static_is_the_same_and_stays_without_a_vm() {
    let space = served();
    let before = space.ready("pip/front");
    space.edit_spec("pip/front", &json!({"publicIPAllocationMethod": "Static"}));
    assert_eq!(at(&space.ready("pip/front"), "/ipAddress"), at(&before, "/ipAddress"));
    bring(&space, "vm/m", "Deallocated");
    space.delete("vm/m");
    space.gone("vm/m");
    space.delete("nic/a");
    space.gone("nic/a");
    let alone = space.wait("pip/front", "held by nobody", |pip| at(pip, "/ipConfiguration").is_null());
    assert_eq!(at(&alone, "/ipAddress"), at(&before, "/ipAddress"));
}

#[test]
fn a_static_address_becomes_dynamic_when_its_nic_lets_go_of_it_and_not_before() {
    let space = Space::with_a_subnet();
    space.apply(&static_public_address("front"));
    space.apply(&public_nic("a", "web", "front"));
    space.ready("nic/a");
    let before = space.ready("pip/front");
    space.edit_spec("pip/front", &json!({"publicIPAllocationMethod": "Dynamic"}));
    let refusal = space.refused("pip/front");
    assert_eq!(refusal.told(), [("PIP-06", "OperationNotAllowed", METHOD)]);
    refusal.shows(&["Static", "ipconfig1", "NetworkInterface", "a"]).advises(&["Remove publicIPAddress", "a"]);
    refusal.is_blocked_by(&[("NetworkInterface", "a")]).waits().keeps(&before);
    space.edit_spec("nic/a", &json!({"ipConfigurations": [{"name": "ipconfig1"}]}));
    assert_eq!(at(&space.ready("pip/front"), "/ipAddress"), &Value::Null);
}

#[test]
fn everything_that_is_fixed_is_refused_at_once_and_taking_it_back_cures_it() {
    let space = Space::empty();
    space.apply(&static_public_address("front"));
    let before = space.ready("pip/front");
    let edit = "sku: {name: Standard}, publicIPAddressVersion: IPv6, idleTimeoutInMinutes: 10, \
                location: northeurope, publicIPPrefix: {name: missing}, publicIPAllocationMethod: Static";
    space.apply(&object("PublicIPAddress", "front", edit));
    let refusal = space.refused("pip/front");
    let told = [
        ("S-12", "InvalidResourceLocation", "spec.location"),
        ("PIP-01", "SkuCannotBeChangedOnUpdate", "spec.sku.name"),
        ("S-14", "PropertyChangeNotAllowed", "spec.publicIPAddressVersion"),
        ("PIP-13", "PublicIPIdleTimeoutIsOutOfRange", "spec.idleTimeoutInMinutes"),
        ("PIP-16", "PropertyChangeNotAllowed", "spec.publicIPPrefix"),
        ("PIP-16", "InvalidResourceReference", "spec.publicIPPrefix"),
    ];
    assert_eq!(refusal.told(), told);
    refusal.stalls().keeps(&before);
    space.apply(&static_public_address("front"));
    assert_eq!(at(&space.ready("pip/front"), "/ipAddress"), at(&before, "/ipAddress"));
}

#[test]
fn the_idle_timeout_of_an_address_that_is_in_use_can_be_edited() {
    let space = served();
    let before = space.ready("pip/front");
    for minutes in [30, 4] {
        space.edit_spec("pip/front", &json!({"idleTimeoutInMinutes": minutes}));
        let after = space.ready("pip/front");
        assert_eq!(at(&after, "/programmed/idleTimeoutInMinutes"), minutes);
        assert_eq!(at(&after, "/ipAddress"), at(&before, "/ipAddress"));
    }
}

#[test]
fn the_idle_timeout_of_an_ipv6_address_is_four_minutes() {
    let space = Space::empty();
    let ipv6 = |minutes: i32| {
        let spec = format!("publicIPAddressVersion: IPv6, idleTimeoutInMinutes: {minutes}");
        object("PublicIPAddress", "front", &spec)
    };
    space.apply(&ipv6(5));
    let refusal = space.refused("pip/front");
    assert_eq!(refusal.told(), [("PIP-13", "PublicIPIdleTimeoutIsOutOfRange", "spec.idleTimeoutInMinutes")]);
    refusal.shows(&["5"]).advises(&["4", "IPv6"]).stalls();
    space.apply(&ipv6(4));
    space.ready("pip/front");
}

#[test]
fn a_basic_ipv6_address_that_is_static_is_refused_and_accepted_without_the_method() {
    let space = Space::empty();
    let ipv6 = "publicIPAddressVersion: IPv6";
    space.apply(&object("PublicIPAddress", "front", &format!("{ipv6}, publicIPAllocationMethod: Static")));
    let refusal = space.refused("pip/front");
    assert_eq!(refusal.told(), [("PIP-03", "InvalidParameter", METHOD)]);
    refusal.advises(&["Dynamic", "leave it out"]).stalls();
    space.apply(&object("PublicIPAddress", "front", ipv6));
    space.ready("pip/front");
}

#[test]
fn an_address_tells_who_holds_it_and_the_nic_which_address_it_holds() {
    let space = Space::with_a_subnet();
    space.apply(&public_address("front", "Standard"));
    let address = space.ready("pip/front");
    let configurations = ["{name: first, primary: true}", &public_configuration("second", "front")];
    space.apply(&nic_with("a", "web", &configurations));
    let shown = json!({"name": "front", "ipAddress": at(&address, "/ipAddress")});
    assert_eq!(at(&space.ready("nic/a"), "/ipConfigurations/1/publicIPAddress"), &shown);
    let holder = json!({"networkInterface": {"name": "a"}, "name": "second"});
    space.wait("pip/front", "held", |pip| *at(pip, "/ipConfiguration") == holder);
    space.apply(&nic_with("a", "web", &["{name: first, primary: true}"]));
    space.wait("pip/front", "free", |pip| at(pip, "/ipConfiguration").is_null());
}
