//! The rules of the list of IP configurations: how many, their names, which is primary.

use super::{a_web, path};
use crate::fabric::terms::Switch;
use crate::fabric::testing::*;
use crate::fabric::{Code, Kind, NetworkInterface};

const LIST: &str = "spec.ipConfigurations";

// accepts NetworkInterface IPC-01
#[test]
fn a_nic_with_one_configuration_is_accepted() {
    a_web().accept(a_nic("n").configurations([a_configuration("only")]));
}

// shows NIC-27
#[test]
fn the_only_configuration_is_the_primary_one() {
    assert_eq!(primary_of(&a_web().with(a_nic("n"))), "ipconfig1");
}

// shows ARM-02
#[test]
fn what_an_edit_leaves_out_returns_to_its_default() {
    let mut fabric = a_web().with(a_nic("n").label("front").dns_servers(2).accelerated());
    fabric.accept(a_nic("n"));
    let NetworkInterface { dns_servers, internal_dns_name_label, accelerated_networking, .. } =
        &fabric.get::<NetworkInterface>("n").ask;
    assert_eq!((dns_servers.len(), internal_dns_name_label, *accelerated_networking), (0, &None, Switch::Off));
}

// refuses NetworkInterface IPC-01
#[test]
fn a_nic_without_configurations_is_refused() {
    let refusal = a_web().put(a_nic("n").configurations([])).unwrap_err();
    assert_eq!(told(&refusal), [("IPC-01", Code::InvalidParameter, LIST)]);
    assert!(refusal.stalls());
}

// accepts NetworkInterface IPC-02
#[test]
fn one_of_several_configurations_is_primary() {
    let fabric = a_web().with(a_nic("n").configurations([a_configuration("a"), primary("b"), secondary("c")]));
    assert_eq!(primary_of(&fabric), "b");
}

fn primary_of(fabric: &Fabric) -> String {
    let shown = fabric.view::<NetworkInterface>("n").ip_configurations;
    assert_eq!(shown.iter().filter(|configuration| configuration.primary).count(), 1);
    assert!(shown[0].primary, "the primary one is shown first (IPC-04)");
    shown[0].name.clone()
}

// refuses NetworkInterface IPC-02
#[test]
fn several_configurations_of_which_none_or_two_are_primary_are_refused() {
    let refusal = a_web().put(a_nic("n").configurations([a_configuration("a"), secondary("b")])).unwrap_err();
    assert_eq!(told(&refusal), [("IPC-02", Code::NetworkInterfaceMustHaveOneOneIPConfigAsPrimary, LIST)]);
    let refusal = a_web().put(a_nic("n").configurations([primary("a"), secondary("b"), primary("c")])).unwrap_err();
    assert_eq!(told(&refusal), [("IPC-02", Code::InvalidParameter, path(2, "primary").as_str())]);
    assert!(refusal.stalls());
}

/// IPC-02: terraform sends that.
#[test]
fn a_single_configuration_that_says_it_is_not_primary_is_primary_all_the_same() {
    let mut fabric = a_web().with(a_nic("n").configurations([secondary("a")]));
    assert_eq!(primary_of(&fabric), "a");
    fabric.accept(a_nic("n").configurations([secondary("a")]).accelerated());
    assert_eq!(primary_of(&fabric), "a");
}

/// IPC-05
#[test]
fn nor_does_a_single_one_that_is_not_marked_take_the_place_of_the_primary_one() {
    let mut fabric = a_web().with(a_nic("n"));
    let refusal = fabric.put(a_nic("n").configurations([secondary("other")])).unwrap_err();
    assert_eq!(told(&refusal), [("IPC-05", Code::IpConfigDeleteNotSupported, LIST)]);
}

/// S-04
// shows IPC-11
#[test]
fn the_programmed_primary_stays_when_another_is_added_without_a_mark() {
    let mut fabric = a_web().with(a_nic("n"));
    fabric.accept(a_nic("n").configurations([a_configuration("new"), a_configuration("ipconfig1")]));
    assert_eq!(primary_of(&fabric), "ipconfig1");
}

/// IPC-03, D-09
#[test]
fn a_configuration_that_is_added_as_primary_makes_the_old_one_secondary_and_moves_no_address() {
    let mut fabric = a_web().with(a_nic("n"));
    fabric.accept(a_nic("n").configurations([a_configuration("ipconfig1"), primary("new")]));
    assert_eq!(primary_of(&fabric), "new");
    assert_eq!((fabric.address("n", "ipconfig1"), fabric.address("n", "new")), ("10.0.1.4".into(), "10.0.1.5".into()));
}

// accepts NetworkInterface IPC-05
#[test]
fn the_primary_configuration_is_dropped_when_another_is_marked_in_the_same_edit() {
    let two = [primary("a"), secondary("b")];
    for (before, after) in [
        (two.to_vec(), vec![primary("b")]),
        (two.to_vec(), vec![secondary("b"), primary("c")]),
        (vec![primary("a")], vec![primary("new")]),
    ] {
        let marked = after.iter().find(|c| c.primary == primary("").primary).unwrap().name.clone();
        let mut fabric = a_web().with(a_nic("n").configurations(before));
        fabric.accept(a_nic("n").configurations(after));
        assert_eq!(primary_of(&fabric), *marked);
    }
}

// refuses NetworkInterface IPC-05
#[test]
fn the_primary_configuration_is_not_renamed() {
    let mut fabric = a_web().with(a_nic("n"));
    let refusal = fabric.put(a_nic("n").configurations([a_configuration("web")])).unwrap_err();
    assert_eq!(told(&refusal), [("IPC-05", Code::IpConfigDeleteNotSupported, LIST)]);
    assert!(refusal.stalls());
}

/// S-02
#[test]
fn the_primary_configuration_is_not_deleted_without_a_mark_on_another() {
    let mut fabric = a_web().with(a_nic("n").configurations([primary("a"), secondary("b"), secondary("c")]));
    let refusal = fabric.put(a_nic("n").configurations([a_configuration("b")])).unwrap_err();
    assert_eq!(told(&refusal), [("IPC-05", Code::IpConfigDeleteNotSupported, LIST)]);
    let refusal = fabric.put(a_nic("n").configurations([a_configuration("b"), a_configuration("c")])).unwrap_err();
    let none_is_primary = ("IPC-02", Code::NetworkInterfaceMustHaveOneOneIPConfigAsPrimary, LIST);
    assert_eq!(told(&refusal), [none_is_primary, ("IPC-05", Code::IpConfigDeleteNotSupported, LIST)]);
}

/// IPC-14
#[test]
fn a_secondary_configuration_is_deleted_at_any_time() {
    let mut fabric =
        a_web().with(a_nic("n").configurations([primary("a"), secondary("b")])).with(a_vm("v").nics(["n"]));
    fabric.accept(a_nic("n").configurations([primary("a")]));
    assert_eq!(fabric.address("n", "b"), "none");
}

// accepts NetworkInterface IPC-10
#[test]
fn two_nics_may_have_configurations_of_one_name() {
    a_web().with(a_nic("n")).accept(a_nic("m"));
}

// refuses NetworkInterface IPC-10
#[test]
fn two_configurations_of_one_name_are_refused() {
    let refusal = a_web().put(a_nic("n").configurations([primary("a"), secondary("b"), secondary("a")])).unwrap_err();
    assert_eq!(told(&refusal), [("IPC-10", Code::DuplicateResourceName, path(2, "name").as_str())]);
    assert!(refusal.stalls());
}

/// A VM with the NICs `n`, primary, and `m`, secondary, each of which has a secondary configuration at .51 or .52.
fn a_vm_with_secondary_configurations() -> Fabric {
    a_web()
        .with(a_nic("n").configurations([primary("a"), secondary("b").address("10.0.1.51")]))
        .with(a_nic("m").configurations([primary("a"), secondary("b").address("10.0.1.52")]))
        .with(a_vm("v").nics(["n", "m"]))
}

// accepts NetworkInterface IPC-12
// shows ARM-05
#[test]
fn other_addresses_of_a_running_vm_change() {
    let mut fabric = a_vm_with_secondary_configurations();
    fabric.accept(a_nic("n").configurations([primary("a"), secondary("b").address("10.0.1.61")]));
    fabric.accept(a_nic("m").configurations([primary("a").address("10.0.1.62"), secondary("b").address("10.0.1.52")]));
}

// refuses NetworkInterface IPC-12
#[test]
fn the_secondary_address_of_a_secondary_nic_changes_only_once_the_vm_is_deallocated() {
    let mut fabric = a_vm_with_secondary_configurations();
    let edit = a_nic("m").configurations([primary("a"), secondary("b").address("10.0.1.62")]);
    for state in [a_vm("v").nics(["n", "m"]).running(), a_vm("v").nics(["n", "m"]).stopped()] {
        fabric.accept(state);
        let refusal = fabric.put(edit.clone()).unwrap_err();
        assert_eq!(told(&refusal), [("IPC-12", Code::OperationNotAllowed, path(1, "privateIPAddress").as_str())]);
        let mut cured = fabric.clone();
        cured.cure(&refusal, |fabric| fabric.accept(a_vm("v").nics(["n", "m"]).deallocated()));
        cured.accept(edit.clone());
    }
}

#[test]
fn the_secondary_address_of_a_nic_that_becomes_the_primary_one_may_change() {
    use crate::fabric::terms::Primary::{No, Yes};
    let mut fabric = a_vm_with_secondary_configurations();
    let edit = a_nic("m").configurations([primary("a"), secondary("b").address("10.0.1.62")]);
    let refusal = fabric.put(edit.clone()).unwrap_err();
    fabric.cure(&refusal, |fabric| fabric.accept(a_vm("v").marked([("n", No), ("m", Yes)])));
    fabric.accept(edit);
}

#[test]
fn the_secondary_address_of_a_secondary_nic_may_change_once_the_vm_is_gone() {
    let mut fabric = a_vm_with_secondary_configurations();
    let edit = a_nic("m").configurations([primary("a"), secondary("b").address("10.0.1.62")]);
    let refusal = fabric.put(edit.clone()).unwrap_err();
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::VirtualMachine, "v").unwrap()));
    fabric.accept(edit);
}

// accepts NetworkInterface IPC-15
#[test]
fn a_nic_with_256_configurations_is_accepted() {
    a_fabric().with(a_subnet("web", "10.0.0.0/16")).accept(a_nic("n").configurations(many(256)));
}

// refuses NetworkInterface IPC-15
#[test]
fn a_nic_with_257_configurations_is_refused() {
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.0.0/16"));
    let refusal = fabric.put(a_nic("n").configurations(many(257))).unwrap_err();
    assert_eq!(told(&refusal), [("IPC-15", Code::InvalidParameter, LIST)]);
    assert!(refusal.stalls());
}

/// IPC-15, of a VM
#[test]
fn the_nics_of_a_vm_grow_to_256_configurations_together() {
    let mut fabric = a_fabric()
        .with(a_subnet("web", "10.0.0.0/16"))
        .with(a_nic("big").configurations(many(255)))
        .with(a_nic("small"))
        .with(a_vm("v").nics(["big", "small"]).deallocated());
    let edit = a_nic("small").configurations(many(2));
    let refusal = fabric.put(edit.clone()).unwrap_err();
    assert_eq!(told(&refusal), [("IPC-15", Code::InvalidParameter, LIST)]);
    fabric.cure(&refusal, |fabric| fabric.accept(a_nic("big").configurations(many(254))));
    fabric.accept(edit);
}
