//! Power states: what an edit or an annotation asks for, each done once.

use serde_json::{Value, json};

use crate::support::manifests::{machine, nic};
use crate::support::space::{Space, at};
use crate::support::states::{bring, has_mac, is_attached_to, mac, own_addresses, power_is, restart};

fn a_vm(more: &str) -> Space<'static> {
    let space = Space::with_a_subnet();
    space.apply(&(nic("a", "web") + &machine("m", &["a"], more)));
    space.ready("vm/m");
    space
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
