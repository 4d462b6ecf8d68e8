//! What a put of a VM does: power states, attachments, and which NIC is primary.

use super::a_rack;
use crate::fabric::engine::DynamicAddresses;
use crate::fabric::terms::Primary::{No, Unspecified, Yes};
use crate::fabric::testing::*;
use crate::fabric::virtual_machine::PowerState::{Deallocated, Running, Stopped};
use crate::fabric::{Kind, NetworkInterface, Settings, VirtualMachine};

/// S-39
#[test]
fn a_vm_without_a_wish_is_started_at_creation_and_then_left_as_it_is() {
    let mut fabric = a_rack().with(a_vm("v").nics(["a"]));
    assert_eq!(fabric.power("v"), Running);
    fabric.accept(a_vm("v").nics(["a"]).deallocated());
    fabric.accept(a_vm("v").nics(["a"]));
    assert_eq!(fabric.power("v"), Deallocated);
    fabric.accept(a_vm("v").nics(["a"]).stopped());
    fabric.accept(a_vm("v").nics(["a"]));
    assert_eq!(fabric.power("v"), Stopped);
}

/// VM-08
#[test]
fn the_first_nic_of_the_list_is_primary_at_creation() {
    assert_eq!(a_rack().with(a_vm("v").nics(["c", "a", "b"])).primary_nic("v"), "c");
}

#[test]
fn the_first_nic_that_is_not_marked_otherwise_is_primary_at_creation() {
    assert_eq!(a_rack().with(a_vm("v").marked([("a", No), ("b", Unspecified)])).primary_nic("v"), "b");
}

/// VM-10
#[test]
fn a_mark_makes_another_nic_primary_while_the_vm_runs() {
    let mut fabric = a_rack().with(a_vm("v").nics(["a", "b"]));
    fabric.accept(a_vm("v").marked([("a", Unspecified), ("b", Yes)]));
    assert_eq!(fabric.primary_nic("v"), "b");
    assert_eq!(fabric.view::<NetworkInterface>("a").primary, Some(false));
}

/// S-05
#[test]
fn the_programmed_primary_stays_when_the_mark_goes() {
    let mut fabric = a_rack().with(a_vm("v").marked([("a", No), ("b", Yes)]));
    fabric.accept(a_vm("v").nics(["a", "b"]));
    assert_eq!(fabric.primary_nic("v"), "b");
}

/// VM-16: in the order of attachment, not of the list or of names.
#[test]
fn the_nic_that_has_been_attached_the_longest_becomes_primary() {
    let mut fabric = a_rack().with(a_vm("v").nics(["d", "c"]).deallocated());
    fabric.accept(a_vm("v").nics(["d", "a", "c"]).deallocated());
    assert_eq!(fabric.attached("v"), ["d", "c", "a"]);
    fabric.accept(a_vm("v").nics(["a", "c"]).deallocated());
    assert_eq!(fabric.primary_nic("v"), "c");
    fabric.accept(a_vm("v").nics(["b", "a"]).deallocated());
    assert_eq!(fabric.primary_nic("v"), "a");
}

#[test]
fn a_nic_that_was_detached_and_comes_back_is_attached_last() {
    let mut fabric = a_rack().with(a_vm("v").nics(["a", "b", "c"]).deallocated());
    fabric.accept(a_vm("v").nics(["a", "c"]).deallocated());
    fabric.accept(a_vm("v").nics(["a", "b", "c"]).deallocated());
    assert_eq!(fabric.attached("v"), ["a", "c", "b"]);
}

/// S-01
// shows VM-11
#[test]
fn deallocated_and_a_new_list_are_one_edit() {
    let mut fabric = a_rack().with(a_vm("v").nics(["a", "b"]));
    fabric.accept(a_vm("v").nics(["b", "c"]).deallocated());
    assert_eq!((fabric.power("v"), fabric.attached("v")), (Deallocated, vec!["b".to_owned(), "c".to_owned()]));
}

/// S-01
#[test]
fn a_new_list_and_running_are_one_edit_of_a_vm_that_is_deallocated() {
    let mut fabric = a_rack().with(a_vm("v").nics(["a"]).deallocated());
    fabric.accept(a_vm("v").nics(["a", "b"]).running());
    assert_eq!(fabric.power("v"), Running);
    assert!(fabric.mac("b").is_some(), "attached before the start");
}

/// S-22
#[test]
fn a_vm_that_is_created_deallocated_has_never_started() {
    let fabric = a_rack().with(a_vm("v").nics(["a"]).deallocated());
    assert_eq!((fabric.power("v"), fabric.mac("a")), (Deallocated, None));
}

/// S-22
#[test]
fn a_vm_that_is_created_stopped_has_been_started_once() {
    let fabric = a_rack().with(a_vm("v").nics(["a"]).stopped());
    assert_eq!(fabric.power("v"), Stopped);
    assert!(fabric.mac("a").is_some());
}

/// S-34
#[test]
fn deallocated_to_stopped_starts_and_stops_as_one_wish() {
    let mut fabric = a_rack().with(a_vm("v").nics(["a"]).deallocated());
    fabric.accept(a_vm("v").nics(["a"]).stopped());
    assert_eq!(fabric.power("v"), Stopped);
    assert!(fabric.mac("a").is_some());
}

/// VM-13
// shows NIC-02, NIC-29
#[test]
fn deleting_a_vm_detaches_its_nics_and_leaves_them() {
    let mut fabric = a_rack().with(a_vm("v").nics(["a", "b"]));
    let before = (fabric.mac("a"), fabric.address("a", "ipconfig1"));
    fabric.delete(Kind::VirtualMachine, "v").unwrap();
    for nic in ["a", "b"] {
        let view = fabric.view::<NetworkInterface>(nic);
        assert_eq!((view.virtual_machine, view.primary), (None, None));
    }
    assert_eq!((fabric.mac("a"), fabric.address("a", "ipconfig1")), before);
    fabric.accept(a_vm("w").nics(["a"]));
    assert_eq!(fabric.mac("a"), before.0);
}

#[test]
fn a_restart_is_done_once_for_each_value() {
    let mut fabric = a_rack().with(a_public_ip("p")).with(a_nic("a").public("p")).with(a_vm("v").nics(["a"]));
    let handled = |fabric: &Fabric| fabric.view::<VirtualMachine>("v").last_handled_restart_at;
    fabric.engine.take_woken();
    let power = crate::fabric::WaitKey::Power(named("v"));
    let restarted = |fabric: &mut Fabric, when: &str| {
        fabric.woken_by(|fabric| fabric.accept(a_vm("v").nics(["a"]).restarted_at(when))).contains(&power)
    };
    assert!(restarted(&mut fabric, "noon"));
    assert_eq!(handled(&fabric).as_deref(), Some("noon"));
    assert!(!restarted(&mut fabric, "noon"));
    assert!(restarted(&mut fabric, "dusk"));
    assert_eq!((fabric.power("v"), fabric.public_address("p")), (Running, "198.18.0.0".to_owned()));
}

#[test]
fn a_restart_that_is_asked_for_at_creation_or_while_off_only_counts_as_handled() {
    let mut fabric = a_rack().with(a_vm("v").nics(["a"]).restarted_at("noon").deallocated());
    fabric.accept(a_vm("v").nics(["a"]).restarted_at("dusk").deallocated());
    assert_eq!(fabric.power("v"), Deallocated);
    assert_eq!(fabric.view::<VirtualMachine>("v").last_handled_restart_at.as_deref(), Some("dusk"));
}

#[test]
fn a_restart_takes_as_long_as_a_start() {
    let mut fabric = a_fabric_that_starts_in(std::time::Duration::from_secs(30))
        .with(a_subnet("web", "10.0.1.0/24"))
        .with(a_nic("a"))
        .with(a_vm("v").nics(["a"]));
    fabric.advance(30);
    let mac = fabric.mac("a");
    fabric.accept(a_vm("v").nics(["a"]).restarted_at("noon"));
    assert_eq!(fabric.power("v"), crate::fabric::virtual_machine::PowerState::Starting);
    fabric.advance(60);
    assert_eq!((fabric.power("v"), fabric.mac("a")), (Running, mac));
}

#[test]
fn a_vm_shows_its_nics_in_the_order_of_attachment() {
    let mut fabric = a_rack().with(a_vm("v").nics(["b", "a"]).deallocated());
    fabric.accept(a_vm("v").nics(["c", "b", "a"]).deallocated());
    let shown = fabric.view::<VirtualMachine>("v").network_interfaces;
    let told: Vec<_> = shown
        .iter()
        .map(|nic| (nic.reference.name.as_str(), nic.primary, nic.private_ip_address.unwrap().to_string()))
        .collect();
    let expected = [("b", true, "10.0.1.5"), ("a", false, "10.0.1.4"), ("c", false, "10.0.1.6")];
    assert_eq!(told, expected.map(|(nic, primary, address)| (nic, primary, address.to_owned())));
}

/// NIC-17
#[test]
fn a_nic_mirrors_its_vm_while_it_is_attached() {
    let mut fabric = a_rack().with(a_vm("v").nics(["a", "b"]).deallocated());
    let view = fabric.view::<NetworkInterface>("b");
    assert_eq!((view.virtual_machine.unwrap().name.as_str(), view.primary), ("v", Some(false)));
    fabric.accept(a_vm("v").nics(["a"]).deallocated());
    let view = fabric.view::<NetworkInterface>("b");
    assert_eq!((view.virtual_machine, view.primary), (None, None));
}

// shows ADDR-05, D-04
#[test]
fn dynamic_addresses_may_be_assigned_anew_when_a_deallocated_vm_starts() {
    let settings = Settings { dynamic_addresses: DynamicAddresses::Reassigned, ..Settings::default() };
    let fabric = Fabric::new(settings).with(a_network("hub")).with(a_subnet("web", "10.0.1.0/24"));
    let mut fabric = fabric.with(a_nic("a")).with(a_vm("v").nics(["a"]).running());
    let (before, mac) = (fabric.address("a", "ipconfig1"), fabric.mac("a"));
    fabric.accept(a_vm("v").nics(["a"]).stopped());
    fabric.accept(a_vm("v").nics(["a"]).running());
    assert_eq!(fabric.address("a", "ipconfig1"), before, "a restart never moves an address (D-04)");
    fabric.accept(a_vm("v").nics(["a"]).deallocated());
    fabric.accept(a_vm("v").nics(["a"]).running());
    assert_ne!(fabric.address("a", "ipconfig1"), before);
    assert!(fabric.mac("a").is_some() && mac.is_some());
}

/// The NIC `b` holds 10.0.1.5, and 10.0.1.4 is free.
fn a_rack_that_reassigns() -> Fabric {
    let settings = Settings { dynamic_addresses: DynamicAddresses::Reassigned, ..Settings::default() };
    let fabric = Fabric::new(settings).with(a_network("hub")).with(a_subnet("web", "10.0.1.0/24"));
    let mut fabric = fabric.with(a_nic("a")).with(a_nic("b"));
    fabric.delete(Kind::NetworkInterface, "a").unwrap();
    fabric
}

#[test]
fn a_vm_that_is_created_was_not_deallocated_and_moves_no_address() {
    for asked in [a_vm("v").nics(["b"]).running(), a_vm("v").nics(["b"]).stopped()] {
        assert_eq!(a_rack_that_reassigns().with(asked).address("b", "ipconfig1"), "10.0.1.5");
    }
}

#[test]
fn a_deallocated_vm_that_is_started_and_stopped_again_was_started() {
    let fabric = a_rack_that_reassigns().with(a_vm("v").nics(["b"]).deallocated());
    assert_eq!(fabric.with(a_vm("v").nics(["b"]).stopped()).address("b", "ipconfig1"), "10.0.1.4");
}

#[test]
fn a_start_that_takes_time_takes_its_dynamic_public_addresses_at_its_beginning() {
    let settings = Settings {
        public_ip_pool: "198.18.0.0/32".parse().unwrap(),
        vm_start: std::time::Duration::from_secs(30),
        ..Settings::default()
    };
    let fabric = Fabric::new(settings).with(a_network("hub")).with(a_subnet("web", "10.0.1.0/24"));
    let mut fabric = fabric.with(a_public_ip("p")).with(a_nic("a").public("p")).with(a_vm("v").nics(["a"]));
    assert_eq!(fabric.public_address("p"), "198.18.0.0");
    assert!(fabric.put(a_public_ip("q").standard()).is_err());
    fabric.advance(30);
    assert_eq!(fabric.public_address("p"), "198.18.0.0");
}
