//! The guest's side of a VM's network: what DHCP hands it, what is set by hand in it, and what shows where that differs.

use kube::core::DynamicObject;
use serde_json::{Value, json};

use crate::support::contract;
use crate::support::manifests::{machine, machine_of_size, nic, nic_with, static_configuration};
use crate::support::space::{Space, at};
use crate::support::states::{is_advised, power_is};

const LOST: &str = "ConnectivityLost";
const DIFFERS: &str = "GuestConfigurationDiffers";

/// The NIC `a`: `one` is primary and Dynamic, `two` is at this address.
fn with_secondary(address: &str) -> String {
    nic_with("a", "web", &["{name: one, primary: true}", &static_configuration("two", address)])
}

/// What is set by hand on the NIC `a` in the guest.
fn guest(addresses: &str) -> String {
    format!("networkInterfaces: [{{name: a, addresses: [{addresses}]}}]")
}

/// The VM `m` with the NIC `a`, in this power state, and with this guest.
fn guest_machine(power: &str, os_profile: &str) -> String {
    machine("m", &["a"], &format!("powerState: {power}, osProfile: {{{os_profile}}}"))
}

/// A running VM whose guest has set what it must, of a NIC at 10.0.1.4 and .50.
fn with_a_guest(os_profile: &str) -> Space<'static> {
    let space = Space::with_a_subnet();
    space.apply(&(with_secondary("10.0.1.50") + &guest_machine("Running", os_profile)));
    assert_eq!(advice(&space.wait("vm/m", "Running", power_is("Running"))), [""; 0]);
    space
}

/// Which of the two conditions a VM shows.
fn advice(vm: &DynamicObject) -> Vec<&'static str> {
    [LOST, DIFFERS].into_iter().filter(|condition| is_advised(vm, condition)).collect()
}

fn message<'a>(vm: &'a DynamicObject, condition: &str) -> &'a str {
    contract::condition(&vm.data["status"], condition).and_then(|told| told["message"].as_str()).unwrap_or_default()
}

/// What DHCP hands out on the first NIC, and what is to be set by hand.
fn shown(vm: &DynamicObject) -> (Value, Value) {
    let of = |field: &str| at(vm, &format!("/networkInterfaces/0/{field}")).clone();
    (of("dhcpAddress"), of("manualAddresses"))
}

fn shows(dhcp: &str, manual: &[&str]) -> impl Fn(&DynamicObject) -> bool {
    let expected = (json!(dhcp), json!(manual));
    move |vm| shown(vm) == expected
}

#[test]
fn dhcp_hands_out_the_primary_address_and_the_others_are_set_by_hand() {
    let space = with_a_guest("osType: Linux");
    assert_eq!(shown(&space.ready("vm/m")), (json!("10.0.1.4"), json!(["10.0.1.50"])));
    space.apply(&nic_with("a", "web", &["{name: one, primary: true}"]));
    space.wait("vm/m", "with nothing to set by hand", |vm| shown(vm) == (json!("10.0.1.4"), Value::Null));
}

#[test]
fn on_windows_a_nic_with_several_addresses_has_all_of_them_set_by_hand() {
    let space = with_a_guest("osType: Windows");
    assert_eq!(shown(&space.ready("vm/m")), (json!("10.0.1.4"), json!(["10.0.1.4", "10.0.1.50"])));
}

#[test]
fn a_guest_with_another_primary_address_is_cut_off_until_it_is_set_as_the_condition_says() {
    let space = Space::with_a_subnet();
    for (power, cure) in [("Running", ""), ("Stopped", &guest("10.0.1.4"))] {
        space.apply(&(nic("a", "web") + &guest_machine(power, &guest("10.0.1.99"))));
        let cut_off = space.wait("vm/m", "cut off", |vm| is_advised(vm, LOST) && power_is(power)(vm));
        assert_eq!(advice(&cut_off), [LOST]);
        let told = message(&cut_off, LOST);
        assert!(told.contains("The guest has 10.0.1.99 as the primary address"), "{told}");
        assert!(told.contains("Set the guest back to DHCP, or to 10.0.1.4."), "{told}");
        space.apply(&guest_machine(power, cure));
        assert_eq!(advice(&space.ready("vm/m")), [""; 0]);
    }
}

/// The NIC `a` again, its primary address now 10.0.1.40.
fn with_another_primary_address() -> String {
    let one = static_configuration("one", "10.0.1.40").replace('}', ", primary: true}");
    nic_with("a", "web", &[&one, &static_configuration("two", "10.0.1.50")])
}

#[test]
fn a_linux_guest_follows_a_change_of_the_primary_address_by_dhcp() {
    let space = with_a_guest(&format!("osType: Linux, {}", guest("10.0.1.50")));
    space.apply(&with_another_primary_address());
    let changed = space.wait("vm/m", "with the new address", shows("10.0.1.40", &["10.0.1.50"]));
    assert_eq!(advice(&changed), [""; 0]);
}

// shows D-18
#[test]
fn a_windows_guest_has_its_addresses_set_anew_after_a_change_of_the_primary_one() {
    let space = with_a_guest(&format!("osType: Windows, {}", guest("10.0.1.4, 10.0.1.50")));
    space.apply(&with_another_primary_address());
    let changed = space.wait("vm/m", "with the new address", shows("10.0.1.40", &["10.0.1.40", "10.0.1.50"]));
    assert_eq!(advice(&changed), [LOST, DIFFERS]);
    space.apply(&guest_machine("Running", &format!("osType: Windows, {}", guest("10.0.1.40, 10.0.1.50"))));
    assert_eq!(advice(&space.ready("vm/m")), [""; 0]);
}

/// The recommended order: guest back to DHCP, deallocate, change, start, configure the guest. Nothing differs on the way
/// (IPC-24).
fn change_in_the_recommended_order(space: &Space<'_>, address: &str) {
    let undisturbed = |vm: DynamicObject| assert_eq!(advice(&vm), [""; 0]);
    space.apply(&guest_machine("Running", ""));
    undisturbed(space.wait("vm/m", "back to DHCP", power_is("Running")));
    space.apply(&guest_machine("Deallocated", ""));
    undisturbed(space.wait("vm/m", "deallocated", power_is("Deallocated")));
    space.apply(&with_secondary(address));
    undisturbed(space.wait("vm/m", "changed", shows("10.0.1.4", &[address])));
    space.apply(&guest_machine("Running", ""));
    undisturbed(space.wait("vm/m", "started", power_is("Running")));
    space.apply(&guest_machine("Running", &guest(&format!("10.0.1.4, {address}"))));
    undisturbed(space.ready("vm/m"));
}

// shows IPC-24
#[test]
fn an_address_is_changed_in_the_recommended_order_and_nothing_differs_on_the_way() {
    let space = with_a_guest(&guest("10.0.1.4, 10.0.1.50"));
    change_in_the_recommended_order(&space, "10.0.1.60");
}

#[test]
fn an_address_that_is_changed_without_the_guest_is_told_and_set_right_in_the_order_that_is_told() {
    let space = with_a_guest(&guest("10.0.1.4, 10.0.1.50"));
    space.apply(&with_secondary("10.0.1.60"));
    let differs = space.wait("vm/m", "changed", shows("10.0.1.4", &["10.0.1.60"]));
    assert_eq!(advice(&differs), [DIFFERS]);
    let told = message(&differs, DIFFERS);
    assert!(told.contains("The guest has not set 10.0.1.60 of NetworkInterface"), "{told}");
    let order = "set the guest back to DHCP first, deallocate the VM, change them here, start it, and then configure";
    assert!(told.contains(order), "{told}");
    change_in_the_recommended_order(&space, "10.0.1.70");
}

#[test]
fn a_difference_is_told_of_a_vm_that_is_ready() {
    let space = with_a_guest(&guest("10.0.1.4, 10.0.1.50"));
    space.apply(&guest_machine("Running", &guest("10.0.1.99")));
    let differs = space.wait("vm/m", "told", |vm| advice(vm) == [DIFFERS]);
    assert_eq!(contract::kstatus(&differs), contract::Health::Current);
}

#[test]
fn a_guest_of_a_nic_that_is_not_listed_is_refused_and_the_old_one_kept_until_the_name_is_right() {
    let space = with_a_guest(&guest("10.0.1.4, 10.0.1.50"));
    let before = space.ready("vm/m");
    let misspelt = guest("10.0.1.4, 10.0.1.50").replace("name: a", "name: aa");
    space.apply(&guest_machine("Running", &misspelt));
    let refusal = space.refused("vm/m");
    let path = "spec.osProfile.networkInterfaces[0].name";
    assert_eq!(refusal.told(), [("IPC-20", "InvalidParameter", path)]);
    refusal.advises(&["Name a network interface of that list."]).stalls().keeps(&before);
    space.apply(&guest_machine("Running", &guest("10.0.1.4, 10.0.1.50")));
    assert_eq!(advice(&space.ready("vm/m")), [""; 0]);
}

#[test]
fn a_wrong_guest_and_a_wrong_size_are_told_at_once() {
    let space = with_a_guest("");
    let before = space.ready("vm/m");
    let misspelt = format!("osProfile: {{{}}}", guest("10.0.1.4").replace("name: a", "name: aa"));
    space.apply(&machine_of_size("m", "Standard_DS3_v22", &["a"], &misspelt));
    let refusal = space.refused("vm/m");
    assert_eq!(refusal.rules(), ["IPC-20", "S-35"]);
    refusal.stalls().keeps(&before);
    refusal.advises_for("IPC-20", "Name a network interface of that list.");
    refusal.advises_for("S-35", "Standard_DS3_v2");
    space.apply(&guest_machine("Running", &guest("10.0.1.4, 10.0.1.50")));
    space.ready("vm/m");
}

#[test]
fn a_guest_is_judged_once_the_nic_that_its_vm_waits_for_is_there() {
    let space = Space::with_a_subnet();
    space.apply(&guest_machine("Running", &guest("10.0.1.4, 10.0.1.99")));
    let refusal = space.refused("vm/m");
    assert_eq!(refusal.rules(), ["NIC-03"]);
    space.apply(&with_secondary("10.0.1.50"));
    assert_eq!(advice(&space.cured("vm/m", &refusal)), [DIFFERS]);
    space.apply(&with_secondary("10.0.1.99"));
    space.wait("vm/m", "as the guest has it", |vm| advice(vm).is_empty());
}

#[test]
fn a_guest_that_has_another_order_of_addresses_is_cut_off_until_it_has_the_fabrics() {
    for os_type in ["Linux", "Windows"] {
        let os_profile = |addresses: &str| format!("osType: {os_type}, {}", guest(addresses));
        let space = with_a_guest(&os_profile("10.0.1.4, 10.0.1.50"));
        let two = static_configuration("two", "10.0.1.50").replace('}', ", primary: true}");
        space.apply(&nic_with("a", "web", &["{name: one}", &two]));
        let cut_off = space.wait("vm/m", "cut off", |vm| is_advised(vm, LOST));
        assert_eq!((shown(&cut_off).0, advice(&cut_off)), (json!("10.0.1.50"), vec![LOST]));
        let told = message(&cut_off, LOST);
        assert!(told.contains("The guest has 10.0.1.4 as the primary address"), "{told}");
        assert!(told.contains("Set the guest back to DHCP, or to 10.0.1.50."), "{told}");
        space.apply(&guest_machine("Running", &os_profile("10.0.1.50, 10.0.1.4")));
        assert_eq!(advice(&space.ready("vm/m")), [""; 0]);
    }
}
