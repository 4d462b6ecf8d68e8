//! The IP configurations of a NIC: which is primary, which may go, and when their addresses may change.

use serde_json::json;

use crate::support::manifests::{
    machine, nic, nic_with, public_address, public_configuration, static_configuration, static_nic,
};
use crate::support::space::{Space, address, at};
use crate::support::states::{configurations, has_mac, is_advised, is_attached_to, power_is};

const LIST: &str = "spec.ipConfigurations";

/// The NIC `a` with the configurations `one`, primary at 10.0.1.4, and `two` at 10.0.1.5.
fn with_two_configurations() -> Space<'static> {
    let space = Space::with_a_subnet();
    space.apply(&nic_with("a", "web", &["{name: one, primary: true}", "{name: two}"]));
    assert_eq!(configurations(&space.ready("nic/a")), [("one", "10.0.1.4"), ("two", "10.0.1.5")]);
    space
}

#[test]
fn one_edit_promotes_another_configuration_and_drops_the_primary_one() {
    let space = with_two_configurations();
    space.apply(&nic_with("a", "web", &["{name: two, primary: true}"]));
    assert_eq!(configurations(&space.ready("nic/a")), [("two", "10.0.1.5")]);
    space.apply(&nic("next", "web"));
    assert_eq!(address(&space.ready("nic/next")), "10.0.1.4");
}

// shows IPC-04
#[test]
fn a_configuration_that_is_added_as_primary_makes_the_other_secondary_and_moves_no_address() {
    let space = with_two_configurations();
    space.apply(&nic_with("a", "web", &["{name: one}", "{name: two}", "{name: new, primary: true}"]));
    let expected = [("new", "10.0.1.6"), ("one", "10.0.1.4"), ("two", "10.0.1.5")];
    assert_eq!(configurations(&space.ready("nic/a")), expected);
}

#[test]
fn a_promotion_on_a_running_vm_asks_for_a_restart() {
    let space = with_two_configurations();
    space.apply(&machine("m", &["a"], ""));
    space.wait("nic/a", "with a MAC address", has_mac);
    space.apply(&nic_with("a", "web", &["{name: one}", "{name: two, primary: true}"]));
    let promoted = space.ready("nic/a");
    assert_eq!((address(&promoted), is_advised(&promoted, "RestartRequired")), ("10.0.1.5", true));
    space.wait("vm/m", "showing its new address", |vm| at(vm, "/networkInterfaces/0/dhcpAddress") == "10.0.1.5");
}

#[test]
fn the_primary_configuration_is_not_dropped_until_it_is_kept_or_another_is_marked_as_the_remedy_says() {
    let space = with_two_configurations();
    let before = space.ready("nic/a");
    let dropped = nic_with("a", "web", &["{name: two}"]);
    space.apply(&dropped);
    let refusal = space.refused("nic/a");
    assert_eq!(refusal.told(), [("IPC-05", "IpConfigDeleteNotSupported", LIST)]);
    refusal.shows(&["Configuration one is the primary one"]).stalls().keeps(&before);
    refusal.advises(&["Keep one, or mark another configuration primary: true in the same edit."]);
    space.apply(&nic_with("a", "web", &["{name: one}", "{name: two}"]));
    assert_eq!(configurations(&space.ready("nic/a")), [("one", "10.0.1.4"), ("two", "10.0.1.5")]);
    space.apply(&dropped);
    space.refused("nic/a");
    space.apply(&nic_with("a", "web", &["{name: two, primary: true}"]));
    assert_eq!(configurations(&space.ready("nic/a")), [("two", "10.0.1.5")]);
}

#[test]
fn several_configurations_without_a_primary_one_are_refused_until_one_is_marked() {
    let space = Space::with_a_subnet();
    space.apply(&nic_with("a", "web", &["{name: one}", "{name: two}"]));
    let refusal = space.refused("nic/a");
    assert_eq!(refusal.told(), [("IPC-02", "NetworkInterfaceMustHaveOneOneIPConfigAsPrimary", LIST)]);
    refusal.shows(&["None of 2"]).advises(&["Mark one of them primary: true."]).stalls();
    space.apply(&nic_with("a", "web", &["{name: one}", "{name: two, primary: true}"]));
    assert_eq!(configurations(&space.ready("nic/a"))[0].0, "two");
}

#[test]
fn everything_wrong_with_a_list_is_told_at_once() {
    let space = with_two_configurations();
    let before = space.ready("nic/a");
    let no_address = "{name: three, privateIPAllocationMethod: Static}";
    let reserved = static_configuration("four", "10.0.1.0");
    space.apply(&nic_with("a", "web", &["{name: two}", no_address, &reserved]));
    let refusal = space.refused("nic/a");
    assert_eq!(refusal.rules(), ["IPC-02", "IPC-05", "ADDR-01", "S-17"]);
    refusal.stalls().keeps(&before);
    refusal.advises_for("IPC-02", "Mark one of them primary: true.");
    refusal.advises_for("S-17", "or privateIPAllocationMethod to Dynamic.");
    refusal.advises_for("ADDR-01", "Choose an address from 10.0.1.4 to 10.0.1.254");
    let chosen = static_configuration("four", "10.0.1.254");
    space.apply(&nic_with("a", "web", &["{name: two, primary: true}", "{name: three}", &chosen]));
    let expected = [("two", "10.0.1.5"), ("three", "10.0.1.6"), ("four", "10.0.1.254")];
    assert_eq!(configurations(&space.ready("nic/a")), expected);
}

#[test]
fn a_name_that_is_used_twice_is_refused_at_once_and_changes_nothing() {
    let space = with_two_configurations();
    let before = space.ready("nic/a");
    let told = space.apply_refused(&nic_with("a", "web", &["{name: one, primary: true}", "{name: one}"]));
    assert!(told.contains("spec.ipConfigurations[1]: Duplicate value"), "{told}");
    assert_eq!(space.get("nic/a").metadata.generation, before.metadata.generation);
}

#[test]
fn a_dynamic_configuration_that_becomes_static_keeps_its_address_and_keeps_it_when_it_is_dynamic_again() {
    let space = Space::with_a_subnet();
    space.apply(&static_nic("low", "web", "10.0.1.4"));
    space.ready("nic/low");
    space.apply(&nic("a", "web"));
    assert_eq!(address(&space.ready("nic/a")), "10.0.1.5");
    space.delete("nic/low");
    space.gone("nic/low");
    space.apply(&nic_with("a", "web", &["{name: ipconfig1, privateIPAllocationMethod: Static}"]));
    let fixed = space.ready("nic/a");
    assert_eq!(at(&fixed, "/programmed/ipConfigurations/0/privateIPAddress"), "10.0.1.5");
    space.apply(&nic("a", "web"));
    assert_eq!(address(&space.ready("nic/a")), "10.0.1.5");
}

/// The VM `m`; its second NIC `b` has the configurations `one`, at 10.0.1.20, and `two`, at 10.0.1.21.
fn with_a_secondary_nic(more: &str) -> Space<'static> {
    let space = Space::with_a_subnet();
    space.apply(&(nic("a", "web") + &secondary_nic("10.0.1.21") + &machine("m", &["a", "b"], more)));
    space.wait("vm/m", "Running", power_is("Running"));
    space.wait("nic/b", "attached", is_attached_to("m"));
    space
}

fn secondary_nic(two: &str) -> String {
    let one = static_configuration("one", "10.0.1.20").replace('}', ", primary: true}");
    nic_with("b", "web", &[&one, &static_configuration("two", two)])
}

#[test]
fn a_secondary_address_of_a_secondary_nic_changes_by_itself_once_the_vm_is_deallocated() {
    let space = with_a_secondary_nic("powerState: Running");
    let before = space.ready("nic/b");
    space.apply(&secondary_nic("10.0.1.31"));
    let refusal = space.refused("nic/b");
    assert_eq!(refusal.told(), [("IPC-12", "OperationNotAllowed", "spec.ipConfigurations[1].privateIPAddress")]);
    refusal.shows(&["m is Running"]).is_blocked_by(&[("VirtualMachine", "m")]).keeps(&before);
    refusal.advises(&["set powerState of VirtualMachine", "m to Deallocated."]);
    space.edit_spec("vm/m", &json!({"powerState": "Deallocated"}));
    let changed = space.cured("nic/b", &refusal);
    assert_eq!(configurations(&changed), [("one", "10.0.1.20"), ("two", "10.0.1.31")]);
    space.edit_spec("vm/m", &json!({"powerState": "Running"}));
    space.wait("vm/m", "Running with it", |vm| {
        power_is("Running")(vm) && at(vm, "/networkInterfaces/1/manualAddresses/0") == "10.0.1.31"
    });
}

#[test]
fn a_vm_that_may_be_disrupted_is_deallocated_for_the_change_and_runs_again() {
    let space = with_a_secondary_nic("powerState: Running, disruptionPolicy: Deallocate");
    space.apply(&secondary_nic("10.0.1.31"));
    assert_eq!(configurations(&space.ready("nic/b")), [("one", "10.0.1.20"), ("two", "10.0.1.31")]);
    space.wait("vm/m", "Running with it", |vm| {
        power_is("Running")(vm) && at(vm, "/networkInterfaces/1/manualAddresses/0") == "10.0.1.31"
    });
}

#[test]
fn a_secondary_configuration_goes_while_the_vm_runs_and_leaves_its_public_address_to_others() {
    let space = Space::with_a_subnet();
    space.apply(&public_address("front", "Standard"));
    let public = at(&space.ready("pip/front"), "/ipAddress").clone();
    let two = public_configuration("two", "front");
    space.apply(&(nic_with("a", "web", &["{name: one, primary: true}", &two]) + &machine("m", &["a"], "")));
    space.wait("vm/m", "Running", power_is("Running"));
    space.wait("pip/front", "held", |pip| at(pip, "/ipConfiguration/name") == "two");
    space.apply(&nic_with("a", "web", &["{name: one, primary: true}"]));
    assert_eq!(configurations(&space.ready("nic/a")), [("one", "10.0.1.4")]);
    let free = space.wait("pip/front", "free", |pip| at(pip, "/ipConfiguration").is_null());
    assert_eq!(at(&free, "/ipAddress"), &public);
    assert_eq!(at(&space.get("vm/m"), "/powerState"), "Running");
}
