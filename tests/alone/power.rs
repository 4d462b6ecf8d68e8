//! Power states of which the middle lasts, with an operator that is killed there, and runs that wait for a public address.

use serde_json::{Value, json};

use crate::support::cluster::{Cluster, alone};
use crate::support::contract::condition;
use crate::support::manifests::{machine, machine_of_size, nic, public_address, public_nic, static_public_address};
use crate::support::operator::STARTS_FOR_EVER;
use crate::support::space::{Space, at};
use crate::support::states::{attached, bring, has_address, has_mac, is_starting, mac, power_is, restart};

const POWER: &str = "spec.powerState";

#[test]
fn an_annotation_restarts_a_vm_once_and_a_restart_that_is_cut_off_ends() {
    let cluster = alone();
    let space = Space::on(&cluster).and_a_subnet();
    space.apply(&(nic("a", "web") + &machine("m", &["a"], "")));
    space.ready("vm/m");
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
    let ready = condition(&starting.data["status"], "Ready").unwrap();
    assert_eq!((&ready["status"], &ready["reason"]), (&json!("Unknown"), &json!("Starting")));
    bring(&space, "vm/m", "Deallocated");
    assert_eq!(mac(&space.ready("nic/a")), &Value::Null);
}

/// The VM `m` of this size, with as many NICs as listed, the first of which holds `front`; the operator has one public
/// address, and `other` has it.
fn with_the_last_public_address_taken<'a>(cluster: &'a Cluster, size: &str, nics: &[&str]) -> Space<'a> {
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
    refusal.shows(&["198.18.0.0/32 has fewer addresses available"]).waits().keeps(&before);
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
