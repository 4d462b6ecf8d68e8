//! Availability sets: joined at creation and never later, counted, and deleted when empty.

use kube::core::DynamicObject;
use serde_json::{Value, json};

use crate::support::manifests::{availability_set, machine, machine_of_size, nic};
use crate::support::space::{Space, at};
use crate::support::states::{has_mac, is_attached_to, is_unattached, own_addresses, power_is};

const SET: &str = "spec.availabilitySet";

fn member(name: &str, nics: &[&str], set: &str) -> String {
    machine(name, nics, &format!("availabilitySet: {{name: {set}}}"))
}

/// Sets `rack` and `other`, NICs `a` to `d`, and a VM `m` with `a` in `rack`.
fn a_rack() -> Space<'static> {
    let space = Space::with_a_subnet();
    let nics: String = ["a", "b", "c", "d"].iter().map(|name| nic(name, "web")).collect();
    space.apply(&(availability_set("rack") + &availability_set("other") + &nics + &member("m", &["a"], "rack")));
    space.ready("avset/other");
    space.wait("vm/m", "Running", power_is("Running"));
    space
}

fn lists(names: &[&str]) -> impl Fn(&DynamicObject) -> bool {
    let expected: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
    move |set| {
        let listed = at(set, "/virtualMachines").as_array().cloned().unwrap_or_default();
        listed == expected && at(set, "/virtualMachineCount") == expected.len()
    }
}

#[test]
fn a_set_counts_and_lists_its_vms_whatever_number_of_nics_they_have() {
    let space = a_rack();
    space.wait("avset/rack", "listing m", lists(&["m"]));
    space.apply(&member("big", &["b", "c", "d"], "rack"));
    space.ready("vm/big");
    space.wait("avset/rack", "listing both", lists(&["big", "m"]));
    space.delete("vm/m");
    space.wait("avset/rack", "listing big", lists(&["big"]));
    space.delete("vm/big");
    space.wait("avset/rack", "listing none", lists(&[]));
    space.wait("avset/other", "listing none", lists(&[]));
}

#[test]
fn a_vm_waits_for_its_set_and_follows_when_that_appears() {
    let space = Space::with_a_subnet();
    space.apply(&nic("a", "web"));
    space.ready("nic/a");
    space.apply(&member("m", &["a"], "rack"));
    let refusal = space.refused("vm/m");
    assert_eq!(refusal.told(), [("AVS-01", "InvalidResourceReference", SET)]);
    refusal.shows(&["rack", "does not exist"]).is_blocked_by(&[("AvailabilitySet", "rack")]).waits();
    space.apply(&availability_set("rack"));
    space.ready("vm/m");
}

#[test]
fn a_vm_stays_in_the_set_that_it_was_created_in() {
    let space = a_rack();
    let before = space.ready("vm/m");
    for edit in [member("m", &["a"], "other"), machine("m", &["a"], "")] {
        space.apply(&edit);
        let refusal = space.refused("vm/m");
        assert_eq!(refusal.told(), [("AVS-01", "PropertyChangeNotAllowed", SET)]);
        refusal.shows(&["AvailabilitySet", "rack"]).advises(&["Set availabilitySet to rack"]);
        refusal.stalls().keeps(&before);
    }
    space.wait("avset/rack", "listing m", lists(&["m"]));
    space.apply(&member("m", &["a"], "rack"));
    space.ready("vm/m");
}

#[test]
fn a_vm_that_was_created_in_no_set_joins_none() {
    let space = a_rack();
    space.apply(&machine("alone", &["b"], ""));
    let before = space.ready("vm/alone");
    space.apply(&member("alone", &["b"], "rack"));
    let refusal = space.refused("vm/alone");
    assert_eq!(refusal.told(), [("AVS-01", "PropertyChangeNotAllowed", SET)]);
    refusal.shows(&["no availability set"]).advises(&["Leave availabilitySet out"]).stalls().keeps(&before);
    space.apply(&machine("alone", &["b"], ""));
    space.ready("vm/alone");
}

#[test]
fn another_vm_takes_the_nic_along_into_another_set() {
    let space = a_rack();
    let before = space.wait("nic/a", "with a MAC address", has_mac);
    space.delete("vm/m");
    space.wait("nic/a", "free", is_unattached);
    space.apply(&member("next", &["a"], "other"));
    space.ready("vm/next");
    let after = space.wait("nic/a", "attached", is_attached_to("next"));
    assert_eq!(own_addresses(&after), own_addresses(&before));
    space.wait("avset/other", "listing next", lists(&["next"]));
}

#[test]
fn everything_that_an_edit_breaks_is_told_at_once_and_taking_it_back_cures_it() {
    let space = a_rack();
    let before = space.ready("vm/m");
    let more = "availabilitySet: {name: missing}, location: northeurope";
    space.apply(&machine_of_size("m", "Standard_B1s", &["b", "c", "nowhere"], more));
    let refusal = space.refused("vm/m");
    let list = "spec.networkProfile.networkInterfaces";
    let nth = |n: usize| format!("{list}[{n}]");
    let told = [
        ("S-12", "InvalidResourceLocation", "spec.location"),
        ("AVS-01", "PropertyChangeNotAllowed", SET),
        ("VM-02", "NetworkInterfaceCountExceeded", list),
        ("VM-03", "OperationNotAllowed", &nth(0)),
        ("VM-03", "OperationNotAllowed", &nth(1)),
        ("VM-04", "OperationNotAllowed", list),
        ("NIC-03", "InvalidResourceReference", &nth(2)),
        ("AVS-01", "InvalidResourceReference", SET),
    ];
    assert_eq!(refusal.told(), told);
    refusal.stalls().keeps(&before);
    space.apply(&member("m", &["a"], "rack"));
    assert_eq!(at(&space.ready("vm/m"), "/networkInterfaces"), at(&before, "/networkInterfaces"));
}

#[test]
fn a_set_goes_when_its_last_vm_has() {
    let space = a_rack();
    space.apply(&member("second", &["b"], "rack"));
    space.ready("vm/second");
    space.delete("avset/rack");
    let refusal = space.refused("avset/rack");
    assert_eq!(refusal.told(), [("S-13", "OperationNotAllowed", "metadata.deletionTimestamp")]);
    refusal.shows(&["VirtualMachine", "m", "and others"]).advises(&["Delete its virtual machines"]);
    refusal.is_blocked_by(&[("VirtualMachine", "m"), ("VirtualMachine", "second")]).waits();
    space.delete("vm/m");
    space.wait("avset/rack", "waiting for the other", |set| {
        set.data["status"]["violations"][0]["blockedBy"][0]["name"] == "second"
    });
    space.delete("vm/second");
    space.gone("avset/rack");
}
