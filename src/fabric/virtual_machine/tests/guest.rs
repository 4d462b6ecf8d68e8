//! What the guest must have set, and what is reported where it has not (IPC-19 to IPC-21).

use super::a_rack;
use crate::fabric::network_interface::NetworkInterface;
use crate::fabric::resource::Resource;
use crate::fabric::testing::*;
use crate::fabric::virtual_machine::{OsType, VirtualMachine};

fn with_two_addresses() -> Fabric {
    a_rack().with(a_nic("n").configurations([primary("one"), secondary("two")]))
}

fn conditions(fabric: &Fabric) -> Vec<&'static str> {
    let vm = fabric.get::<VirtualMachine>("v");
    VirtualMachine::advice(&fabric.engine, &named("v"), vm).iter().map(|advice| advice.condition).collect()
}

// shows IPC-19
#[test]
fn dhcp_hands_out_the_primary_address_and_the_others_are_set_by_hand() {
    let fabric = with_two_addresses().with(a_vm("v").nics(["n"]));
    let shown = fabric.view::<VirtualMachine>("v").network_interfaces.remove(0);
    let held = &fabric.get::<NetworkInterface>("n").held.addresses;
    assert_eq!(shown.dhcp_address, held.get("one").copied());
    assert_eq!(shown.manual_addresses, [held["two"]]);
}

// shows PIP-22, IPC-21
#[test]
fn on_windows_the_primary_address_is_set_by_hand_beside_others() {
    let fabric = with_two_addresses().with(a_vm("v").nics(["n"]).os_type(OsType::Windows));
    let shown = fabric.view::<VirtualMachine>("v").network_interfaces.remove(0);
    let held = &fabric.get::<NetworkInterface>("n").held.addresses;
    assert_eq!(shown.manual_addresses, [held["one"], held["two"]]);
}

#[test]
fn a_guest_with_another_primary_address_is_cut_off() {
    let fabric = a_rack().with(a_vm("v").nics(["a"]).guest("a", ["10.0.1.99"]));
    assert_eq!(conditions(&fabric), ["ConnectivityLost"]);
}

#[test]
fn a_guest_that_has_set_what_the_fabric_assigned_is_told_nothing() {
    let fabric = with_two_addresses();
    let (one, two) = (fabric.address("n", "one"), fabric.address("n", "two"));
    let fabric = fabric.with(a_vm("v").nics(["n"]).guest("n", [&one, &two]));
    assert_eq!(conditions(&fabric), [] as [&str; 0]);
}

#[test]
fn a_secondary_address_that_the_guest_has_not_set_is_told() {
    let fabric = with_two_addresses();
    let one = fabric.address("n", "one");
    let fabric = fabric.with(a_vm("v").nics(["n"]).guest("n", [&one]));
    assert_eq!(conditions(&fabric), ["GuestConfigurationDiffers"]);
}

#[test]
fn a_secondary_address_that_has_moved_does_not_cut_the_guest_off() {
    let fabric = with_two_addresses().with(a_vm("v").nics(["n"]).guest("n", ["10.0.1.99"]));
    assert_eq!(conditions(&fabric), ["GuestConfigurationDiffers"]);
}

/// The address that was primary is set in the guest as the primary one, whoever holds it now.
#[test]
fn a_guest_whose_order_of_addresses_is_not_the_fabrics_is_cut_off() {
    for os_type in [OsType::Linux, OsType::Windows] {
        let fabric = with_two_addresses();
        let (one, two) = (fabric.address("n", "one"), fabric.address("n", "two"));
        let mut fabric = fabric.with(a_vm("v").nics(["n"]).os_type(os_type).guest("n", [&one, &two]));
        assert_eq!(conditions(&fabric), [] as [&str; 0]);
        fabric.accept(a_nic("n").configurations([secondary("one"), primary("two")]));
        assert_eq!(conditions(&fabric), ["ConnectivityLost"], "{os_type:?}");
    }
}

#[test]
fn a_windows_guest_that_has_set_only_a_secondary_address_is_cut_off() {
    let fabric = with_two_addresses();
    let two = fabric.address("n", "two");
    let fabric = fabric.with(a_vm("v").nics(["n"]).os_type(OsType::Windows).guest("n", [&two]));
    assert_eq!(conditions(&fabric), ["ConnectivityLost", "GuestConfigurationDiffers"]);
}

#[test]
fn a_linux_guest_leaves_the_primary_address_to_dhcp() {
    let fabric = with_two_addresses();
    let (one, two) = (fabric.address("n", "one"), fabric.address("n", "two"));
    let mut fabric = fabric.with(a_vm("v").nics(["n"]).guest("n", [&two]));
    assert_eq!(conditions(&fabric), [] as [&str; 0]);
    fabric.accept(a_nic("n").configurations([secondary("one"), primary("two")]));
    assert_eq!(conditions(&fabric), ["GuestConfigurationDiffers"], "it has what DHCP hands out, and lacks {one}");
    fabric.accept(a_vm("v").nics(["n"]).guest("n", [&one]));
    assert_eq!(conditions(&fabric), [] as [&str; 0]);
}

#[test]
fn an_address_that_the_network_interface_has_lost_is_told() {
    let fabric = with_two_addresses();
    let (one, two) = (fabric.address("n", "one"), fabric.address("n", "two"));
    let fabric = fabric.with(a_vm("v").nics(["n"]).guest("n", [&one, &two, "10.0.1.99"]));
    assert_eq!(conditions(&fabric), ["GuestConfigurationDiffers"]);
}
