//! The rules of virtual machines, each accepted at its border and refused beyond it.

use super::a_rack;
use crate::fabric::terms::Primary::{No, Unspecified, Yes};
use crate::fabric::terms::Switch;
use crate::fabric::testing::*;
use crate::fabric::{Code, Kind, NetworkInterface};

const LIST: &str = "spec.networkProfile.networkInterfaces";
const FIRST: &str = "spec.networkProfile.networkInterfaces[0]";
const SECOND: &str = "spec.networkProfile.networkInterfaces[1]";

// accepts VirtualMachine NIC-03
// shows VM-21
#[test]
fn a_vm_of_nics_that_exist_is_accepted() {
    a_rack().accept(a_vm("v").nics(["a", "b"]));
}

// refuses VirtualMachine NIC-03
#[test]
fn a_vm_waits_for_its_nics() {
    let mut fabric = a_rack();
    let refusal = fabric.put(a_vm("v").nics(["a", "late"])).unwrap_err();
    assert_eq!(told(&refusal), [("NIC-03", Code::InvalidResourceReference, SECOND)]);
    fabric.cure(&refusal, |fabric| fabric.accept(a_nic("late")));
    fabric.accept(a_vm("v").nics(["a", "late"]));
}

#[test]
fn a_nic_of_another_location_counts_as_missing() {
    let refusal = a_rack().put(a_vm("v").nics(["a"]).in_location("norwayeast")).unwrap_err();
    assert_eq!(told(&refusal), [("NIC-03", Code::InvalidResourceReference, FIRST)]);
}

// accepts VirtualMachine VM-01
#[test]
fn a_vm_with_one_nic_is_accepted() {
    a_rack().accept(a_vm("v").nics(["a"]));
}

// refuses VirtualMachine VM-01
#[test]
fn a_vm_without_nics_is_refused_at_creation_and_after() {
    let mut fabric = a_rack();
    let refusal = fabric.put(a_vm("v")).unwrap_err();
    assert_eq!(told(&refusal), [("VM-01", Code::InvalidParameter, LIST)]);
    assert!(refusal.stalls());
    fabric.accept(a_vm("v").nics(["a"]));
    let refusal = fabric.put(a_vm("v").deallocated()).unwrap_err();
    assert_eq!(told(&refusal), [("VM-01", Code::InvalidParameter, LIST)]);
}

// accepts VirtualMachine VM-02
#[test]
fn a_vm_takes_as_many_nics_as_its_size_supports() {
    a_rack().accept(a_vm("v").nics(["a", "b"]).size("Standard_D2s_v3"));
    a_rack().accept(a_vm("v").nics(["a", "b", "c", "d"]).size("Standard_D8s_v3"));
}

// refuses VirtualMachine VM-02
#[test]
fn a_vm_takes_no_more_nics_than_its_size_supports() {
    let refusal = a_rack().put(a_vm("v").nics(["a", "b", "c"]).size("Standard_D2s_v3")).unwrap_err();
    assert_eq!(told(&refusal), [("VM-02", Code::NetworkInterfaceCountExceeded, LIST)]);
    assert!(refusal.stalls());
}

/// VM-17
#[test]
fn a_vm_is_not_resized_to_a_size_with_room_for_fewer_nics() {
    let mut fabric = a_rack().with(a_vm("v").nics(["a", "b", "c"]).deallocated());
    let refusal = fabric.put(a_vm("v").nics(["a", "b", "c"]).deallocated().size("Standard_D2s_v3")).unwrap_err();
    assert_eq!(told(&refusal), [("VM-02", Code::NetworkInterfaceCountExceeded, LIST)]);
    fabric.accept(a_vm("v").nics(["a", "b"]).deallocated().size("Standard_D2s_v3"));
}

/// NICs of 255 and of `count` addresses, and room for more.
fn two_nics_with_255_and(count: usize) -> Fabric {
    a_fabric()
        .with(a_subnet("web", "10.0.0.0/16"))
        .with(a_nic("big").configurations(many(255)))
        .with(a_nic("small").configurations(many(count)))
}

// accepts VirtualMachine IPC-15
#[test]
fn a_vm_whose_nics_have_256_configurations_together_is_accepted() {
    two_nics_with_255_and(1).accept(a_vm("v").nics(["big", "small"]));
}

// refuses VirtualMachine IPC-15
#[test]
fn a_vm_whose_nics_have_257_configurations_together_is_refused() {
    let mut fabric = two_nics_with_255_and(2);
    let refusal = fabric.put(a_vm("v").nics(["big", "small"])).unwrap_err();
    assert_eq!(told(&refusal), [("IPC-15", Code::InvalidParameter, LIST)]);
    fabric.cure(&refusal, |fabric| fabric.accept(a_nic("small").configurations(many(1))));
    fabric.accept(a_vm("v").nics(["big", "small"]));
}

// accepts VirtualMachine VM-09
#[test]
fn a_vm_with_one_nic_marked_primary_is_accepted() {
    let fabric = a_rack().with(a_vm("v").marked([("a", Unspecified), ("b", Yes), ("c", No)]));
    assert_eq!(fabric.primary_nic("v"), "b");
}

// refuses VirtualMachine VM-09
#[test]
fn a_vm_with_no_or_two_primary_nics_is_refused() {
    let refusal = a_rack().put(a_vm("v").marked([("a", No), ("b", No)])).unwrap_err();
    assert_eq!(told(&refusal), [("VM-09", Code::NetworkInterfaceMustHavePrimaryPropertySet, LIST)]);
    let refusal = a_rack().put(a_vm("v").marked([("a", Yes), ("b", No), ("c", Yes)])).unwrap_err();
    let path = "spec.networkProfile.networkInterfaces[2].primary";
    assert_eq!(told(&refusal), [("VM-09", Code::InvalidParameter, path)]);
    assert!(refusal.stalls());
}

// accepts VirtualMachine S-26
#[test]
fn the_nics_of_a_vm_may_be_listed_in_another_order() {
    let mut fabric = a_rack().with(a_vm("v").nics(["a", "b"]));
    fabric.accept(a_vm("v").nics(["b", "a"]));
    assert_eq!((fabric.attached("v"), fabric.primary_nic("v")), (vec!["a".into(), "b".into()], "a".into()));
}

// refuses VirtualMachine S-26
#[test]
fn a_nic_that_is_listed_twice_is_refused() {
    let refusal = a_rack().put(a_vm("v").nics(["a", "a"])).unwrap_err();
    assert_eq!(told(&refusal), [("S-26", Code::InvalidParameter, SECOND)]);
    assert!(refusal.stalls());
}

// accepts VirtualMachine VM-07
#[test]
fn a_nic_that_was_detached_is_attached_to_another_vm() {
    let mut fabric = a_rack().with(a_vm("v").nics(["a", "b"]).deallocated());
    fabric.accept(a_vm("v").nics(["a"]).deallocated());
    fabric.accept(a_vm("w").nics(["b"]));
    assert_eq!((fabric.attached("v"), fabric.attached("w")), (vec!["a".to_owned()], vec!["b".to_owned()]));
}

// refuses VirtualMachine VM-07
#[test]
fn a_nic_of_another_vm_is_refused_until_that_lets_go_of_it() {
    let held = a_rack().with(a_vm("v").nics(["a", "b"]).deallocated());
    let refusal = held.clone().put(a_vm("w").nics(["c", "b"])).unwrap_err();
    assert_eq!(told(&refusal), [("VM-07", Code::NicInUse, SECOND)]);
    for cure in [
        |fabric: &mut Fabric| fabric.accept(a_vm("v").nics(["a"]).deallocated()),
        |fabric: &mut Fabric| assert!(fabric.delete(Kind::VirtualMachine, "v").unwrap()),
    ] {
        let mut fabric = held.clone();
        fabric.cure(&refusal, cure);
        fabric.accept(a_vm("w").nics(["c", "b"]));
    }
}

fn two_networks() -> Fabric {
    a_rack()
        .with(a_subnet("db", "10.0.2.0/24"))
        .with(a_nic("near").subnet("db"))
        .with(a_network("spoke"))
        .with(a_subnet("far", "10.0.1.0/24").of("spoke"))
        .with(a_nic("far").subnet("far"))
}

// accepts VirtualMachine VM-06
#[test]
fn the_nics_of_a_vm_may_be_in_two_subnets_of_one_network() {
    two_networks().accept(a_vm("v").nics(["a", "near"]));
}

// refuses VirtualMachine VM-06
#[test]
fn the_nics_of_a_vm_are_in_one_network() {
    let refusal = two_networks().put(a_vm("v").nics(["a", "far"])).unwrap_err();
    assert_eq!(told(&refusal), [("VM-06", Code::SubnetsNotInSameVnet, SECOND)]);
    assert!(refusal.stalls());
}

/// VM-22
#[test]
fn a_nic_that_is_attached_later_is_in_the_network_of_the_others() {
    let mut fabric = two_networks().with(a_vm("v").nics(["a"]).deallocated());
    let refusal = fabric.put(a_vm("v").nics(["a", "far"]).deallocated()).unwrap_err();
    assert_eq!(told(&refusal), [("VM-06", Code::SubnetsNotInSameVnet, SECOND)]);
}

// accepts VirtualMachine VM-03
// shows VM-18
#[test]
fn a_nic_is_attached_to_a_vm_that_is_deallocated() {
    let mut fabric = a_rack().with(a_vm("v").nics(["a"]).deallocated());
    fabric.accept(a_vm("v").nics(["a", "b"]).running());
    assert_eq!(fabric.attached("v"), ["a", "b"]);
}

// refuses VirtualMachine VM-03
#[test]
fn a_nic_is_not_attached_to_a_vm_that_is_running_or_merely_stopped() {
    for state in [a_vm("v").nics(["a"]).running(), a_vm("v").nics(["a"]).stopped(), a_vm("v").nics(["a"])] {
        let mut fabric = a_rack().with(state.clone());
        let refusal = fabric.put(state.nics(["a", "b"])).unwrap_err();
        assert_eq!(told(&refusal), [("VM-03", Code::OperationNotAllowed, SECOND)]);
        assert!(refusal.stalls(), "an edit of this object cures it (S-39)");
    }
}

#[test]
fn a_nic_is_not_attached_while_the_vm_starts() {
    let mut fabric = a_fabric_that_starts_in(std::time::Duration::from_secs(30))
        .with(a_subnet("web", "10.0.1.0/24"))
        .with(a_nic("a"))
        .with(a_nic("b"))
        .with(a_vm("v").nics(["a"]));
    let refusal = fabric.put(a_vm("v").nics(["a", "b"])).unwrap_err();
    assert_eq!(told(&refusal), [("VM-03", Code::OperationNotAllowed, SECOND)]);
}

// accepts VirtualMachine VM-04
#[test]
fn a_nic_is_detached_from_a_vm_that_is_deallocated() {
    let mut fabric = a_rack().with(a_vm("v").nics(["a", "b"]).deallocated());
    fabric.accept(a_vm("v").nics(["b"]).running());
    assert_eq!(fabric.attached("v"), ["b"]);
}

// refuses VirtualMachine VM-04
#[test]
fn a_nic_is_not_detached_from_a_vm_that_is_running_or_merely_stopped() {
    for state in [a_vm("v").nics(["a", "b"]).running(), a_vm("v").nics(["a", "b"]).stopped()] {
        let mut fabric = a_rack().with(state);
        let refusal = fabric.put(a_vm("v").nics(["a"])).unwrap_err();
        assert_eq!(told(&refusal), [("VM-04", Code::OperationNotAllowed, LIST)]);
        assert!(refusal.stalls());
    }
}

#[test]
fn a_nic_is_not_replaced_while_the_vm_runs() {
    let mut fabric = a_rack().with(a_vm("v").nics(["a", "b"]));
    let refusal = fabric.put(a_vm("v").nics(["a", "c"]).running()).unwrap_err();
    let (attach, detach) = (("VM-03", Code::OperationNotAllowed, SECOND), ("VM-04", Code::OperationNotAllowed, LIST));
    assert_eq!(told(&refusal), [attach, detach]);
}

fn a_rack_with_ipv6() -> Fabric {
    a_rack().with(a_nic("dual").configurations([primary("v4"), secondary("v6").ipv6()]))
}

// accepts VirtualMachine IP6-06
#[test]
fn a_nic_with_ipv6_is_attached_when_the_vm_is_created_and_stays() {
    let mut fabric = a_rack_with_ipv6().with(a_vm("v").nics(["a", "dual"]).deallocated());
    fabric.accept(a_vm("v").nics(["a", "dual"]).running());
}

// refuses VirtualMachine IP6-06
#[test]
fn a_nic_with_ipv6_is_not_attached_to_a_vm_that_exists() {
    let mut fabric = a_rack_with_ipv6().with(a_vm("v").nics(["a"]).deallocated());
    let edit = a_vm("v").nics(["a", "dual"]).deallocated();
    let refusal = fabric.put(edit.clone()).unwrap_err();
    assert_eq!(told(&refusal), [("IP6-06", Code::OperationNotAllowed, SECOND)]);
    fabric.cure(&refusal, |fabric| fabric.accept(a_nic("dual").configurations([primary("v4")])));
    fabric.accept(edit);
}

// accepts VirtualMachine SIZE-02
#[test]
fn a_size_that_supports_it_takes_a_nic_with_accelerated_networking() {
    a_rack().with(a_nic("fast").accelerated()).accept(a_vm("v").nics(["fast"]).size("Standard_D4s_v3"));
}

// refuses VirtualMachine SIZE-02
// shows S-07
#[test]
fn a_size_that_does_not_support_it_waits_for_the_nic_to_drop_accelerated_networking() {
    let mut fabric = a_rack().with(a_nic("fast").accelerated());
    let small = a_vm("v").nics(["a", "fast"]).size("Standard_D2s_v3");
    let refusal = fabric.put(small.clone()).unwrap_err();
    assert_eq!(told(&refusal), [("SIZE-02", Code::VMSizeIsNotPermittedToEnableAcceleratedNetworking, SECOND)]);
    fabric.cure(&refusal, |fabric| fabric.accept(a_nic("fast")));
    fabric.accept(small);
}

#[test]
fn a_vm_with_accelerated_networking_is_not_resized_to_a_size_without() {
    let vm = a_vm("v").nics(["fast"]).deallocated();
    let mut fabric = a_rack().with(a_nic("fast").accelerated()).with(vm.clone());
    let refusal = fabric.put(vm.size("Standard_D2s_v3")).unwrap_err();
    assert_eq!(told(&refusal), [("SIZE-02", Code::VMSizeIsNotPermittedToEnableAcceleratedNetworking, FIRST)]);
}

// accepts VirtualMachine AVS-01
#[test]
fn a_vm_is_created_in_a_set_and_stays_in_it() {
    let mut fabric = a_rack().with(a_set("set")).with(a_vm("v").nics(["a"]).in_set("set"));
    fabric.accept(a_vm("v").nics(["a"]).in_set("set").stopped());
}

// refuses VirtualMachine AVS-01
#[test]
fn a_vm_joins_a_set_only_at_creation() {
    let mut fabric = a_rack();
    let refusal = fabric.put(a_vm("v").nics(["a"]).in_set("set")).unwrap_err();
    assert_eq!(told(&refusal), [("AVS-01", Code::InvalidResourceReference, "spec.availabilitySet")]);
    fabric.cure(&refusal, |fabric| fabric.accept(a_set("set")));
    fabric.accept(a_vm("v").nics(["a"]));
    let refusal = fabric.put(a_vm("v").nics(["a"]).in_set("set")).unwrap_err();
    assert_eq!(told(&refusal), [("AVS-01", Code::PropertyChangeNotAllowed, "spec.availabilitySet")]);
    assert!(refusal.stalls());
}

/// A set of this many VMs.
fn a_crowded_set(count: usize) -> Fabric {
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.0.0/22")).with(a_set("set"));
    for n in 0..count {
        let nic = format!("n{n}");
        fabric.accept(a_nic(&nic));
        fabric.accept(a_vm(&format!("v{n}")).nics([nic.as_str()]).in_set("set").deallocated());
    }
    fabric
}

// accepts VirtualMachine AVS-04
#[test]
fn an_availability_set_takes_its_200th_vm() {
    let mut fabric = a_crowded_set(199).with(a_nic("last"));
    fabric.accept(a_vm("last").nics(["last"]).in_set("set"));
    fabric.accept(a_vm("last").nics(["last"]).in_set("set").stopped());
}

// refuses VirtualMachine AVS-04
#[test]
fn an_availability_set_has_at_most_200_vms() {
    let mut fabric = a_crowded_set(200).with(a_nic("more"));
    let refusal = fabric.put(a_vm("more").nics(["more"]).in_set("set")).unwrap_err();
    assert_eq!(told(&refusal), [("AVS-04", Code::AvailabilitySetVMCountLimitReached, "spec.availabilitySet")]);
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::VirtualMachine, "v7").unwrap()));
    fabric.accept(a_vm("more").nics(["more"]).in_set("set"));
}

/// SIZE-03, S-24
#[test]
fn a_size_that_always_has_accelerated_networking_takes_a_nic_without_the_flag() {
    let mut fabric = a_rack().with(a_vm("v").nics(["a"]).size("Standard_D2s_v5"));
    assert_eq!(fabric.get::<NetworkInterface>("a").ask.accelerated_networking, Switch::Off, "as it was asked for");
    fabric.accept(a_vm("v").nics(["a"]).size("Standard_D2s_v5").deallocated());
    fabric.accept(a_nic("a").accelerated());
}

/// SIZE-04: later pages allow it on one NIC only.
#[test]
fn a_small_size_of_the_table_has_accelerated_networking_on_all_its_nics() {
    for size in ["Standard_D2as_v4", "Standard_D2as_v5"] {
        let fabric = a_rack().with(a_nic("a").accelerated()).with(a_nic("b").accelerated());
        fabric.with(a_vm("v").nics(["a", "b"]).size(size));
    }
}

// accepts VirtualMachine S-31
#[test]
fn a_machine_of_a_flexible_set_wishes_a_revision_that_there_is() {
    let mut fabric = a_rack().with(a_scale_set("api", 1).flexible());
    fabric.accept(a_nic("api-0-nic"));
    fabric.accept(a_vm("api-0").nics(["api-0-nic"]).of_set("api", 0, 1).wishing(1));
}

// refuses VirtualMachine S-31
#[test]
fn a_machine_of_a_flexible_set_wishes_no_revision_that_there_is_not() {
    let mut fabric = a_rack().with(a_scale_set("api", 1).flexible());
    fabric.accept(a_nic("api-0-nic"));
    let vm = || a_vm("api-0").nics(["api-0-nic"]).of_set("api", 0, 1);
    let path = "metadata.annotations[vnet.dev/desired-revision]";
    for wish in ["2", "0", "latest"] {
        let mut vm = vm();
        vm.ask.member.as_mut().unwrap().desired_revision = Some(wish.into());
        let refusal = fabric.put(vm).unwrap_err();
        assert_eq!(told(&refusal), [("S-31", Code::InvalidParameter, path)]);
    }
    fabric.accept(a_scale_set("api", 1).flexible().size("Standard_D8s_v3"));
    fabric.accept(vm().wishing(2));
}
