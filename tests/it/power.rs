//! Power states: what an edit or an annotation asks for, each done once, also by an operator that is killed meanwhile.

use serde_json::{Value, json};

use crate::support::cluster::{Cluster, alone};
use crate::support::manifests::{machine, machine_of_size, nic, public_address, public_nic, static_public_address};
use crate::support::operator::STARTS_FOR_EVER;
use crate::support::space::{Space, at};
use crate::support::states::{
    attached, bring, has_address, has_mac, is_attached_to, is_starting, mac, own_addresses, power_is,
};

const POWER: &str = "spec.powerState";

fn a_vm(more: &str) -> Space<'static> {
    with_a_vm(Space::with_a_subnet(), more)
}

fn with_a_vm<'a>(space: Space<'a>, more: &str) -> Space<'a> {
    space.apply(&(nic("a", "web") + &machine("m", &["a"], more)));
    space.ready("vm/m");
    space
}

fn restart(space: &Space<'_>, time: &str) {
    space.kubectl_ok(&["annotate", "--overwrite", "vm/m", &format!("vnet.dev/restartedAt={time}")], "");
}

#[test]
fn a_vm_that_is_created_stopped_was_started_once_and_its_nic_has_mac_address() {
    let space = a_vm("powerState: Stopped");
    space.wait("vm/m", "Stopped", power_is("Stopped"));
    space.wait("nic/a", "with a MAC address", has_mac);
}

#[test]
fn a_vm_that_goes_from_deallocated_to_stopped_gives_its_nic_a_mac_address() {
    let space = a_vm("powerState: Deallocated");
    let before = space.wait("nic/a", "attached", is_attached_to("m"));
    assert_eq!(mac(&before), &Value::Null);
    bring(&space, "vm/m", "Stopped");
    space.wait("nic/a", "with a MAC address", has_mac);
}

#[test]
fn a_vm_whose_wish_is_withdrawn_is_left_as_it_is() {
    let space = a_vm("powerState: Running");
    for power in ["Deallocated", "Stopped", "Running"] {
        bring(&space, "vm/m", power);
        space.edit_spec("vm/m", &json!({"powerState": null}));
        assert_eq!(at(&space.ready("vm/m"), "/powerState"), power);
    }
}

#[test]
fn a_wish_that_is_refused_with_another_edit_is_not_done() {
    let space = a_vm("powerState: Running");
    let before = space.wait("vm/m", "Running", power_is("Running"));
    space.apply(&machine("m", &["a", "missing"], "powerState: Deallocated"));
    space.refused("vm/m").waits().keeps(&before);
    space.apply(&nic("missing", "web"));
    space.wait("vm/m", "Deallocated", power_is("Deallocated"));
}

#[test]
fn addresses_are_the_same_whatever_the_vm_goes_through() {
    let space = a_vm("powerState: Running");
    let before = space.wait("nic/a", "with a MAC address", has_mac);
    for power in ["Stopped", "Running", "Deallocated", "Stopped", "Deallocated", "Running"] {
        bring(&space, "vm/m", power);
    }
    restart(&space, "now");
    space.wait("vm/m", "restarted", |vm| at(vm, "/lastHandledRestartAt") == "now");
    let after = space.ready("nic/a");
    assert_eq!(own_addresses(&after), own_addresses(&before));
}

#[test]
fn an_annotation_restarts_a_vm_once_and_a_restart_that_is_cut_off_ends() {
    let cluster = alone();
    let space = with_a_vm(Space::on(&cluster).and_a_subnet(), "");
    let before = space.wait("nic/a", "with a MAC address", has_mac);
    cluster.kill_operator();
    cluster.start_operator_with(&STARTS_FOR_EVER).unwrap();
    restart(&space, "once");
    let starting = space.wait("vm/m", "Starting", is_starting);
    assert_eq!(at(&starting, "/lastHandledRestartAt"), "once");
    cluster.kill_operator();
    cluster.start_operator().unwrap();
    space.wait("vm/m", "Running", power_is("Running"));
    assert_eq!(mac(&space.ready("nic/a")), mac(&before));
    // Another restart would show: here it would not end.
    cluster.kill_operator();
    cluster.start_operator_with(&STARTS_FOR_EVER).unwrap();
    space.edit_spec("vm/m", &json!({"tags": {"touched": "yes"}}));
    assert_eq!(at(&space.ready("vm/m"), "/powerState"), "Running");
}

#[test]
fn a_vm_that_is_starting_is_not_ready_and_can_be_deallocated() {
    let cluster = alone();
    cluster.start_operator_with(&STARTS_FOR_EVER).unwrap();
    let space = Space::on(&cluster).and_a_subnet();
    space.apply(&(nic("a", "web") + &machine("m", &["a"], "powerState: Running")));
    let starting = space.wait("vm/m", "Starting", is_starting);
    let ready = crate::support::contract::condition(&starting.data["status"], "Ready").unwrap();
    assert_eq!((&ready["status"], &ready["reason"]), (&json!("Unknown"), &json!("Starting")));
    bring(&space, "vm/m", "Deallocated");
    assert_eq!(mac(&space.ready("nic/a")), &Value::Null);
}

/// The VM `m` of this size, with as many NICs as listed, the first of which holds `front`; the operator has one public
/// address, and `other` has it.
fn with_the_last_public_address_taken<'a>(cluster: &'a Cluster, size: &str, nics: &[&str]) -> Space<'a> {
    cluster.release_all();
    cluster.start_operator_with(&["--public-ip-pool", "198.18.0.0/32"]).unwrap();
    let space = Space::on(cluster).and_a_subnet();
    space.apply(&(public_address("front", "Basic") + &public_nic("a", "web", "front")));
    space.apply(&(nic("b", "web") + &nic("c", "web") + &static_public_address("other")));
    space.apply(&machine_of_size("m", size, nics, "powerState: Deallocated"));
    space.wait("vm/m", "Deallocated", power_is("Deallocated"));
    assert_eq!(at(&space.ready("pip/other"), "/ipAddress"), "198.18.0.0");
    space
}

#[test]
fn a_vm_waits_to_run_until_there_is_a_public_address_for_it() {
    let cluster = alone();
    let space = with_the_last_public_address_taken(&cluster, "Standard_D2s_v3", &["a"]);
    let before = space.ready("vm/m");
    space.edit_spec("vm/m", &json!({"powerState": "Running"}));
    let refusal = space.refused("vm/m");
    assert_eq!(refusal.told(), [("PIP-05", "AllocationFailed", POWER)]);
    refusal.shows(&["1 more addresses of 198.18.0.0/32 are needed, and 0 are free"]).waits().keeps(&before);
    refusal.advises(&["Delete public addresses that are not used", "--public-ip-pool"]);
    space.delete("pip/other");
    assert_eq!(at(&space.cured("vm/m", &refusal), "/powerState"), "Running");
    assert_eq!(at(&space.wait("pip/front", "with an address", has_address), "/ipAddress"), "198.18.0.0");
}

#[test]
fn a_wish_to_run_and_a_list_that_is_too_long_are_refused_at_once_and_each_remedy_does_its_part() {
    let cluster = alone();
    let space = with_the_last_public_address_taken(&cluster, "Standard_D2s_v3", &["a", "b"]);
    let before = space.ready("vm/m");
    space.apply(&machine_of_size("m", "Standard_D2s_v3", &["a", "b", "c"], "powerState: Running"));
    let refusal = space.refused("vm/m");
    let list = "spec.networkProfile.networkInterfaces";
    let told = [("VM-02", "NetworkInterfaceCountExceeded", list), ("PIP-05", "AllocationFailed", POWER)];
    assert_eq!(refusal.told(), told);
    refusal.stalls().keeps(&before).advises_for("VM-02", "List at most 2");
    refusal.advises_for("PIP-05", "Delete public addresses that are not used");
    space.apply(&machine_of_size("m", "Standard_DS3_v2", &["a", "b", "c"], "powerState: Running"));
    let refusal = space.refused("vm/m");
    assert_eq!(refusal.rules(), ["PIP-05"]);
    refusal.keeps(&before);
    space.delete("pip/other");
    let running = space.cured("vm/m", &refusal);
    assert_eq!((at(&running, "/powerState"), attached(&running)), (&json!("Running"), vec!["a", "b", "c"]));
}
