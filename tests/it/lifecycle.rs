//! What appears when, and what stays: addresses, MACs, power states, attachments.

use serde_json::{Value, json};

use crate::support::manifests::{machine, nic, nic_with, public_address, public_configuration};
use crate::support::space::{Space, address, at};
use crate::support::states::{
    attached, has_address, has_mac, has_no_address, is_advised, is_attached_to, is_unattached, mac, power_is,
};

#[test]
fn a_private_address_appears_with_its_nic() {
    let space = Space::with_a_subnet();
    space.apply(&nic("a", "web"));
    assert_eq!(address(&space.ready("nic/a")), "10.0.1.4");
}

#[test]
fn a_mac_address_appears_when_the_vm_starts_and_not_before() {
    let space = Space::with_a_subnet();
    space.apply(&(nic("a", "web") + &machine("m", &["a"], "powerState: Deallocated")));
    space.ready("vm/m");
    let before = space.wait("nic/a", "attached", is_attached_to("m"));
    assert_eq!(mac(&before), &Value::Null);
    space.edit_spec("vm/m", &json!({"powerState": "Running"}));
    let after = space.wait("nic/a", "with a MAC address", has_mac);
    assert!(mac(&after).as_str().unwrap().starts_with("00-"));
}

#[test]
fn a_mac_address_stays_when_the_vm_is_deallocated() {
    let space = Space::with_a_subnet();
    space.apply(&(nic("a", "web") + &machine("m", &["a"], "")));
    space.wait("vm/m", "Running", power_is("Running"));
    let before = space.wait("nic/a", "with a MAC address", has_mac);
    space.edit_spec("vm/m", &json!({"powerState": "Deallocated"}));
    space.wait("vm/m", "Deallocated", power_is("Deallocated"));
    assert_eq!(mac(&space.get("nic/a")), mac(&before));
}

#[test]
fn a_dynamic_public_address_comes_and_goes_with_the_running_vm() {
    let space = Space::with_a_subnet();
    space.apply(&public_address("front", "Basic"));
    space.apply(&nic_with("a", "web", &[&public_configuration("ipconfig1", "front")]));
    space.ready("nic/a");
    assert_eq!(at(&space.ready("pip/front"), "/ipAddress"), &Value::Null);
    space.apply(&machine("m", &["a"], "powerState: Running"));
    let running = space.wait("pip/front", "with an address", has_address);
    assert_eq!(at(&running, "/ipConfiguration"), &json!({"networkInterface": {"name": "a"}, "name": "ipconfig1"}));
    let shown = at(&running, "/ipAddress").clone();
    space.wait("nic/a", "showing it", |nic| *at(nic, "/ipConfigurations/0/publicIPAddress/ipAddress") == shown);
    space.edit_spec("vm/m", &json!({"powerState": "Deallocated"}));
    space.wait("pip/front", "without an address", has_no_address);
    space.wait("nic/a", "without it", |nic| at(nic, "/ipConfigurations/0/publicIPAddress/ipAddress").is_null());
}

#[test]
fn a_static_public_address_is_there_before_anything_holds_it() {
    let space = Space::empty();
    space.apply(&public_address("front", "Standard"));
    assert!(at(&space.ready("pip/front"), "/ipAddress").is_string());
}

#[test]
fn a_vm_follows_its_power_state_as_it_is_edited() {
    let space = Space::with_a_subnet();
    space.apply(&(nic("a", "web") + &machine("m", &["a"], "powerState: Stopped")));
    space.wait("vm/m", "Stopped", power_is("Stopped"));
    for power in ["Running", "Deallocated", "Running", "Stopped", "Deallocated", "Stopped"] {
        space.edit_spec("vm/m", &json!({"powerState": power}));
        space.wait("vm/m", power, power_is(power));
    }
}

#[test]
fn a_nic_names_the_vm_that_it_is_attached_to() {
    let space = Space::with_a_subnet();
    space.apply(&(nic("a", "web") + &nic("b", "web") + &machine("m", &["a", "b"], "")));
    let first = space.wait("nic/a", "attached", is_attached_to("m"));
    let second = space.wait("nic/b", "attached", is_attached_to("m"));
    assert_eq!((at(&first, "/primary"), at(&second, "/primary")), (&json!(true), &json!(false)));
}

#[test]
fn a_nic_whose_vm_is_deleted_is_free_again_and_keeps_its_address() {
    let space = Space::with_a_subnet();
    space.apply(&(nic("a", "web") + &machine("m", &["a"], "")));
    let before = space.wait("nic/a", "attached", is_attached_to("m"));
    space.delete("vm/m");
    space.gone("vm/m");
    let after = space.wait("nic/a", "free", is_unattached);
    assert_eq!(address(&after), address(&before));
}

#[test]
fn one_edit_deallocates_and_attaches_and_the_order_of_attachment_is_kept() {
    let space = Space::with_a_subnet();
    let nics: String = ["a", "b", "c"].iter().map(|name| nic(name, "web")).collect();
    space.apply(&(nics + &machine("m", &["c", "a"], "powerState: Running")));
    assert_eq!(attached(&space.wait("vm/m", "Running", power_is("Running"))), ["c", "a"]);
    space.apply(&machine("m", &["a", "b", "c"], "powerState: Deallocated"));
    assert_eq!(attached(&space.wait("vm/m", "Deallocated", power_is("Deallocated"))), ["c", "a", "b"]);
}

#[test]
fn one_edit_deallocates_and_detaches_and_the_one_attached_longest_becomes_primary() {
    let space = Space::with_a_subnet();
    let nics: String = ["a", "b", "c"].iter().map(|name| nic(name, "web")).collect();
    space.apply(&(nics + &machine("m", &["c", "b", "a"], "powerState: Running")));
    space.wait("vm/m", "Running", power_is("Running"));
    space.apply(&machine("m", &["a", "b"], "powerState: Deallocated"));
    let vm = space.wait("vm/m", "Deallocated", power_is("Deallocated"));
    assert_eq!(attached(&vm), ["b", "a"]);
    assert_eq!(at(&vm, "/networkInterfaces/0/primary"), true);
    space.wait("nic/c", "free", is_unattached);
}

#[test]
fn a_restart_asked_for_by_annotation_is_told_as_handled() {
    let space = Space::with_a_subnet();
    space.apply(&(nic("a", "web") + &machine("m", &["a"], "")));
    space.wait("vm/m", "Running", power_is("Running"));
    for time in ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"] {
        let annotation = format!("vnet.dev/restartedAt={time}");
        space.kubectl_ok(&["annotate", "--overwrite", "vm/m", &annotation], "");
        let vm = space.wait("vm/m", "restarted", |vm| at(vm, "/lastHandledRestartAt") == time);
        assert_eq!(at(&vm, "/powerState"), "Running");
    }
}

#[test]
fn a_restart_clears_the_advice_that_one_is_required() {
    let space = Space::with_a_subnet();
    space.apply(&(nic("a", "web") + &machine("m", &["a"], "")));
    let before = space.wait("nic/a", "with a MAC address", has_mac);
    let moved = json!({"ipConfigurations": [
        {"name": "ipconfig1", "privateIPAllocationMethod": "Static", "privateIPAddress": "10.0.1.20"},
    ]});
    space.edit_spec("nic/a", &moved);
    let advised = space.ready("nic/a");
    assert!(is_advised(&advised, "RestartRequired"));
    assert_eq!(mac(&advised), &Value::Null);
    space.kubectl_ok(&["annotate", "vm/m", "vnet.dev/restartedAt=now"], "");
    let after = space.wait("nic/a", "with a MAC address", has_mac);
    assert!(!is_advised(&after, "RestartRequired"));
    assert_eq!((address(&before), address(&after)), ("10.0.1.4", "10.0.1.20"));
}

#[test]
fn a_subnet_counts_its_addresses() {
    let space = Space::with_a_subnet();
    space.apply(&(nic("a", "web") + &nic("b", "web")));
    let counted = json!({"total": 256, "reserved": 5, "allocated": 2, "available": 249});
    space.wait("subnet/web", "counted", |subnet| *at(subnet, "/capacity") == counted);
    space.delete("nic/a");
    let counted = json!({"total": 256, "reserved": 5, "allocated": 1, "available": 250});
    space.wait("subnet/web", "counted", |subnet| *at(subnet, "/capacity") == counted);
}
