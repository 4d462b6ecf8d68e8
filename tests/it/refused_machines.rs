//! Refusals of virtual machines and of what is attached to them.

use serde_json::json;

use crate::support::manifests::{
    machine, machine_of_size, network, nic, nic_with, public_address, public_configuration, subnet,
};
use crate::support::space::Space;

const LIST: &str = "spec.networkProfile.networkInterfaces";

#[test]
fn a_vm_waits_for_a_missing_nic_and_follows_when_that_appears() {
    let space = Space::with_a_subnet();
    space.apply(&(nic("a", "web") + &machine("m", &["a", "b"], "")));
    space.ready("nic/a");
    let second = format!("{LIST}[1]");
    space.wait("vm/m", "waiting for b alone", |vm| vm.data["status"]["violations"][0]["path"] == second);
    let refusal = space.refused("vm/m");
    assert_eq!(refusal.told(), [("NIC-03", "InvalidResourceReference", second.as_str())]);
    refusal.shows(&["b", "does not exist"]).is_blocked_by(&[("NetworkInterface", "b")]).waits();
    space.apply(&nic("b", "web"));
    space.ready("vm/m");
}

#[test]
fn a_nic_of_another_vm_is_refused_and_attached_when_that_lets_go() {
    let space = Space::with_a_subnet();
    space.apply(&(nic("a", "web") + &machine("first", &["a"], "")));
    space.ready("vm/first");
    space.apply(&machine("late", &["a"], ""));
    let refusal = space.refused("vm/late");
    let path = format!("{LIST}[0]");
    assert_eq!(refusal.told(), [("VM-07", "NicInUse", path.as_str())]);
    refusal.shows(&["a", "attached", "VirtualMachine", "first"]).advises(&["Detach", "first"]);
    refusal.is_blocked_by(&[("VirtualMachine", "first")]).waits();
    space.delete("vm/first");
    space.ready("vm/late");
}

#[test]
fn more_nics_than_the_size_takes_are_refused() {
    let space = Space::with_a_subnet();
    let nics: String = ["a", "b", "c"].iter().map(|name| nic(name, "web")).collect();
    space.apply(&nics);
    for name in ["nic/a", "nic/b", "nic/c"] {
        space.ready(name);
    }
    space.apply(&machine_of_size("m", "Standard_D2s_v3", &["a", "b", "c"], ""));
    let refusal = space.refused("vm/m");
    assert_eq!(refusal.told(), [("VM-02", "NetworkInterfaceCountExceeded", LIST)]);
    refusal.shows(&["3", "Standard_D2s_v3", "2"]).advises(&["2", "size"]).stalls();
    space.edit_spec("vm/m", &json!({"hardwareProfile": {"vmSize": "Standard_DS3_v2"}}));
    space.ready("vm/m");
}

#[test]
fn a_smaller_size_is_refused_while_too_many_nics_are_attached() {
    let space = Space::with_a_subnet();
    let nics: String = ["a", "b", "c"].iter().map(|name| nic(name, "web")).collect();
    space.apply(&(nics + &machine("m", &["a", "b", "c"], "")));
    let before = space.ready("vm/m");
    space.edit_spec("vm/m", &json!({"hardwareProfile": {"vmSize": "Standard_D2s_v3"}}));
    let refusal = space.refused("vm/m");
    assert_eq!(refusal.told(), [("VM-02", "NetworkInterfaceCountExceeded", LIST)]);
    refusal.stalls().keeps(&before);
}

#[test]
fn an_unknown_size_is_refused_with_the_nearest_ones() {
    let space = Space::with_a_subnet();
    space.apply(&nic("a", "web"));
    space.ready("nic/a");
    space.apply(&machine_of_size("m", "Standard_D2s_v33", &["a"], ""));
    let refusal = space.refused("vm/m");
    assert_eq!(refusal.told(), [("S-35", "InvalidParameter", "spec.hardwareProfile.vmSize")]);
    refusal.shows(&["Standard_D2s_v33"]).advises(&["Standard_D2s_v3"]).stalls();
}

#[test]
fn attaching_to_a_running_vm_is_refused_with_the_way_to_do_it() {
    let space = Space::with_a_subnet();
    space.apply(&(nic("a", "web") + &nic("b", "web") + &machine("m", &["a"], "powerState: Running")));
    space.ready("nic/b");
    let before = space.ready("vm/m");
    space.apply(&machine("m", &["a", "b"], "powerState: Running"));
    let refusal = space.refused("vm/m");
    let path = format!("{LIST}[1]");
    assert_eq!(refusal.told(), [("VM-03", "OperationNotAllowed", path.as_str())]);
    refusal.shows(&["b", "Running"]).advises(&["Deallocated", "Running"]).stalls().keeps(&before);
}

#[test]
fn detaching_from_a_stopped_vm_is_refused() {
    let space = Space::with_a_subnet();
    space.apply(&(nic("a", "web") + &nic("b", "web") + &machine("m", &["a", "b"], "powerState: Stopped")));
    let before = space.ready("vm/m");
    space.apply(&machine("m", &["a"], "powerState: Stopped"));
    let refusal = space.refused("vm/m");
    assert_eq!(refusal.told(), [("VM-04", "OperationNotAllowed", LIST)]);
    refusal.shows(&["b", "Stopped"]).advises(&["Deallocated"]).stalls().keeps(&before);
}

#[test]
fn nics_of_two_networks_are_refused_in_one_vm() {
    let space = Space::with_a_subnet();
    space.apply(&(network("other", "10.8.0.0/16") + &subnet("far", "other", "10.8.1.0/24")));
    space.ready("subnet/far");
    space.apply(&(nic("a", "web") + &nic("b", "far")));
    space.ready("nic/a");
    space.ready("nic/b");
    space.apply(&machine("m", &["a", "b"], ""));
    let refusal = space.refused("vm/m");
    let path = format!("{LIST}[1]");
    assert_eq!(refusal.told(), [("VM-06", "SubnetsNotInSameVnet", path.as_str())]);
    refusal.shows(&["hub", "other"]).stalls();
}

#[test]
fn a_public_address_of_another_nic_is_refused_and_granted_when_that_lets_go() {
    let space = Space::with_a_subnet();
    space.apply(&public_address("front", "Standard"));
    space.ready("pip/front");
    space.apply(&nic_with("first", "web", &[&public_configuration("ipconfig1", "front")]));
    space.ready("nic/first");
    space.apply(&nic_with("late", "web", &[&public_configuration("ipconfig1", "front")]));
    let refusal = space.refused("nic/late");
    let path = "spec.ipConfigurations[0].publicIPAddress";
    assert_eq!(refusal.told(), [("PIP-09", "PublicIPAddressInUse", path)]);
    refusal.shows(&["front", "first"]).is_blocked_by(&[("NetworkInterface", "first")]).waits();
    space.edit_spec("nic/first", &json!({"ipConfigurations": [{"name": "ipconfig1"}]}));
    space.ready("nic/late");
}
