//! `disruptionPolicy: Deallocate`: what needs a VM deallocated is done, and the VM is then as it was.

use serde_json::json;

use crate::support::manifests::{POLICY, disrupted, secondary};
use crate::support::manifests::{machine, nic, public_address, public_nic};
use crate::support::space::{Space, at, id};
use crate::support::states::{
    attached, has_address, has_mac, is_attached_to, is_unattached, mac, own_addresses, power_is,
};

/// A VM `m` with the NICs `a`, `b`, which has a secondary address 10.0.1.100; and a NIC `c`.
fn a_vm(more: &str) -> Space<'static> {
    let space = Space::with_a_subnet();
    space.apply(&(nic("a", "web") + &secondary("10.0.1.100") + &nic("c", "web")));
    for id in ["nic/a", "nic/b", "nic/c"] {
        space.ready(id);
    }
    space.apply(&machine("m", &["a", "b"], more));
    space.ready("vm/m");
    space
}

#[test]
fn one_edit_attaches_and_detaches_on_a_running_vm_and_it_runs_again() {
    let space = a_vm(&format!("{POLICY}, powerState: Running"));
    let before = ["nic/a", "nic/b"].map(|id| space.wait(id, "with a MAC address", has_mac));
    space.apply(&disrupted(&["c", "b"], "Running"));
    assert_eq!(attached(&space.wait("vm/m", "Running", power_is("Running"))), ["b", "c"]);
    space.wait("nic/c", "with a MAC address", has_mac);
    space.wait("nic/a", "free", is_unattached);
    space.wait("nic/b", "primary", |nic| at(nic, "/primary") == true);
    for before in before {
        assert_eq!(own_addresses(&space.get(&id(&before))), own_addresses(&before));
    }
}

#[test]
fn a_vm_without_a_power_state_runs_again_after_the_edit() {
    let space = a_vm(POLICY);
    space.apply(&machine("m", &["a", "c"], POLICY));
    assert_eq!(attached(&space.wait("vm/m", "Running", power_is("Running"))), ["a", "c"]);
}

#[test]
fn a_stopped_vm_is_stopped_again_after_the_edit_and_the_new_nic_has_its_mac_address() {
    let space = a_vm(&format!("{POLICY}, powerState: Stopped"));
    space.apply(&disrupted(&["a", "c"], "Stopped"));
    assert_eq!(attached(&space.wait("vm/m", "Stopped", power_is("Stopped"))), ["a", "c"]);
    space.wait("nic/c", "with a MAC address", has_mac);
}

#[test]
fn a_deallocated_vm_is_not_started_by_the_edit() {
    let space = a_vm(&format!("{POLICY}, powerState: Deallocated"));
    space.apply(&disrupted(&["a", "c"], "Deallocated"));
    assert_eq!(attached(&space.wait("vm/m", "Deallocated", power_is("Deallocated"))), ["a", "c"]);
    assert!(mac(&space.wait("nic/c", "attached", is_attached_to("m"))).is_null());
}

#[test]
fn a_dynamic_public_address_is_there_again_when_the_vm_runs_again() {
    let space = a_vm(&format!("{POLICY}, powerState: Running"));
    space.apply(&public_address("front", "Basic"));
    space.apply(&public_nic("a", "web", "front"));
    space.wait("pip/front", "with an address", has_address);
    space.apply(&disrupted(&["a", "c"], "Running"));
    space.wait("vm/m", "Running", power_is("Running"));
    let front = space.wait("pip/front", "with an address", has_address);
    let shown = at(&front, "/ipAddress").clone();
    space.wait("nic/a", "showing it", |nic| *at(nic, "/ipConfigurations/0/publicIPAddress/ipAddress") == shown);
}

#[test]
fn the_policy_permits_no_other_violation_and_then_nothing_is_disrupted() {
    let space = a_vm(&format!("{POLICY}, powerState: Running"));
    let before = space.wait("vm/m", "Running", power_is("Running"));
    space.apply(&disrupted(&["a", "c", "missing"], "Running"));
    let refusal = space.refused("vm/m");
    let path = "spec.networkProfile.networkInterfaces[2]";
    assert_eq!(refusal.told(), [("NIC-03", "InvalidResourceReference", path)]);
    refusal.waits().keeps(&before);
    space.apply(&nic("missing", "web"));
    assert_eq!(attached(&space.wait("vm/m", "Running", power_is("Running"))), ["a", "c", "missing"]);
}

#[test]
fn a_secondary_address_of_a_secondary_nic_waits_for_the_vm_and_the_policy_on_it_is_enough() {
    let space = a_vm("powerState: Running");
    let before = space.wait("nic/b", "with a MAC address", has_mac);
    space.apply(&secondary("10.0.1.200"));
    let refusal = space.refused("nic/b");
    let path = "spec.ipConfigurations[1].privateIPAddress";
    assert_eq!(refusal.told(), [("IPC-12", "OperationNotAllowed", path)]);
    refusal.shows(&["VirtualMachine", "m", "Running"]).advises(&["m", "to Deallocated"]);
    refusal.is_blocked_by(&[("VirtualMachine", "m")]).waits().keeps(&before);
    space.edit_spec("vm/m", &json!({"disruptionPolicy": "Deallocate"}));
    let after = space.ready("nic/b");
    assert_eq!(at(&after, "/ipConfigurations/1/privateIPAddress"), "10.0.1.200");
    assert_eq!(mac(&after), mac(&before));
    space.wait("vm/m", "Running", power_is("Running"));
}

#[test]
fn a_secondary_address_of_a_secondary_nic_changes_when_the_vm_is_deallocated_as_the_remedy_says() {
    let space = a_vm("powerState: Running");
    space.apply(&secondary("10.0.1.200"));
    space.refused("nic/b").waits();
    space.edit_spec("vm/m", &json!({"powerState": "Deallocated"}));
    assert_eq!(at(&space.ready("nic/b"), "/ipConfigurations/1/privateIPAddress"), "10.0.1.200");
}

#[test]
fn acceleration_is_switched_on_at_once_where_the_vm_may_be_disrupted() {
    let space = a_vm(&format!("{POLICY}, powerState: Running"));
    let before = space.wait("nic/a", "with a MAC address", has_mac);
    space.edit_spec("nic/a", &json!({"enableAcceleratedNetworking": true}));
    let after = space.ready("nic/a");
    assert_eq!(at(&after, "/programmed/enableAcceleratedNetworking"), true);
    assert_eq!(own_addresses(&after), own_addresses(&before));
    space.wait("vm/m", "Running", power_is("Running"));
}
