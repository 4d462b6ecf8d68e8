//! Sizes of VMs: how many NICs one takes, and which may have accelerated networking.

use serde_json::{Value, json};

use crate::support::manifests::{machine_of_size, nic, object};
use crate::support::space::{Space, at};
use crate::support::states::{attached, bring, power_is};

const LIST: &str = "spec.networkProfile.networkInterfaces";
const FLAG: &str = "spec.enableAcceleratedNetworking";
const TWO_NICS: &str = "Standard_D2s_v3"; // no accelerated networking
const FOUR_NICS: &str = "Standard_DS3_v2"; // accelerated networking
const EIGHT_NICS: &str = "Standard_DS4_v2"; // accelerated networking
const EIGHT_NICS_UNACCELERATED: &str = "Standard_A8_v2";
const UNSUPPORTED: &str = "VMSizeIsNotPermittedToEnableAcceleratedNetworking";

fn accelerated(name: &str, flag: bool) -> String {
    let rest = format!("subnet: {{name: web}}, ipConfigurations: [{{name: one}}], enableAcceleratedNetworking: {flag}");
    object("NetworkInterface", name, &rest)
}

fn size(size: &str) -> Value {
    json!({"hardwareProfile": {"vmSize": size}})
}

/// A running VM `m` of a size with these NICs.
fn a_vm(size: &str, nics: &[&str]) -> Space<'static> {
    let space = Space::with_a_subnet();
    let all: String = nics.iter().map(|name| nic(name, "web")).collect();
    space.apply(&(all + &machine_of_size("m", size, nics, "powerState: Running")));
    space.wait("vm/m", "Running", power_is("Running"));
    space
}

#[test]
fn a_vm_is_resized_within_the_number_of_its_nics_and_keeps_them() {
    let nics = ["a", "b", "c"];
    let space = a_vm(FOUR_NICS, &nics);
    for next in [EIGHT_NICS, FOUR_NICS, EIGHT_NICS_UNACCELERATED] {
        space.edit_spec("vm/m", &size(next));
        let vm = space.wait("vm/m", "Running", power_is("Running"));
        assert_eq!((attached(&vm), at(&vm, "/programmed/hardwareProfile/vmSize")), (nics.to_vec(), &json!(next)));
    }
}

#[test]
fn a_size_with_room_for_fewer_nics_is_refused_until_the_list_is_as_short_as_the_remedy_says() {
    let space = a_vm(FOUR_NICS, &["a", "b", "c"]);
    let before = space.ready("vm/m");
    space.edit_spec("vm/m", &size(TWO_NICS));
    let refusal = space.refused("vm/m");
    assert_eq!(refusal.told(), [("VM-02", "NetworkInterfaceCountExceeded", LIST)]);
    refusal.advises(&["List at most 2, or choose a size that takes more"]).stalls().keeps(&before);
    // Now the list is short enough, and detaching asks for its own.
    space.apply(&machine_of_size("m", TWO_NICS, &["a", "b"], "powerState: Running"));
    let refusal = space.refused("vm/m");
    assert_eq!(refusal.told(), [("VM-04", "OperationNotAllowed", LIST)]);
    refusal.advises(&["set powerState to Deallocated together with the new list"]).keeps(&before);
    space.apply(&machine_of_size("m", TWO_NICS, &["a", "b"], "powerState: Deallocated"));
    assert_eq!(attached(&space.wait("vm/m", "Deallocated", power_is("Deallocated"))), ["a", "b"]);
    bring(&space, "vm/m", "Running");
}

#[test]
fn one_edit_takes_a_larger_size_and_the_nics_that_it_has_room_for() {
    let space = a_vm(TWO_NICS, &["a", "b"]);
    space.apply(&nic("c", "web"));
    space.ready("nic/c");
    space.apply(&machine_of_size("m", FOUR_NICS, &["a", "b", "c"], "powerState: Deallocated"));
    assert_eq!(attached(&space.wait("vm/m", "Deallocated", power_is("Deallocated"))), ["a", "b", "c"]);
}

#[test]
fn a_size_that_is_not_known_leaves_the_vm_as_it_was_until_one_of_those_named_is_taken() {
    let space = a_vm(TWO_NICS, &["a"]);
    let before = space.ready("vm/m");
    space.edit_spec("vm/m", &size("Standard_DS3_v22"));
    let refusal = space.refused("vm/m");
    assert_eq!(refusal.told(), [("S-35", "InvalidParameter", "spec.hardwareProfile.vmSize")]);
    refusal.advises(&[FOUR_NICS]).stalls().keeps(&before);
    space.edit_spec("vm/m", &size(FOUR_NICS));
    space.ready("vm/m");
}

#[test]
fn a_vm_of_a_size_without_acceleration_waits_for_the_nic_to_go_without() {
    let space = Space::with_a_subnet();
    space.apply(&accelerated("a", true));
    space.ready("nic/a");
    space.apply(&machine_of_size("m", TWO_NICS, &["a"], ""));
    let refusal = space.refused("vm/m");
    assert_eq!(refusal.told(), [("SIZE-02", UNSUPPORTED, format!("{LIST}[0]").as_str())]);
    refusal.shows(&["a", TWO_NICS]).advises(&["size that supports it", "enableAcceleratedNetworking"]).waits();
    space.apply(&accelerated("a", false));
    space.ready("vm/m");
}

#[test]
fn a_vm_is_not_resized_away_from_the_acceleration_that_a_nic_has() {
    let space = Space::with_a_subnet();
    space.apply(&(accelerated("a", true) + &machine_of_size("m", FOUR_NICS, &["a"], "")));
    let before = space.ready("vm/m");
    space.edit_spec("vm/m", &size(EIGHT_NICS_UNACCELERATED));
    let refusal = space.refused("vm/m");
    assert_eq!(refusal.told(), [("SIZE-02", UNSUPPORTED, format!("{LIST}[0]").as_str())]);
    refusal.waits().keeps(&before);
    space.apply(&accelerated("a", false));
    let after = space.ready("vm/m");
    assert_eq!(at(&after, "/programmed/hardwareProfile/vmSize"), EIGHT_NICS_UNACCELERATED);
}

#[test]
fn an_attached_nic_waits_for_a_size_that_supports_acceleration() {
    let space = Space::with_a_subnet();
    space.apply(&(accelerated("a", false) + &machine_of_size("m", TWO_NICS, &["a"], "powerState: Deallocated")));
    space.ready("vm/m");
    let before = space.ready("nic/a");
    space.apply(&accelerated("a", true));
    let refusal = space.refused("nic/a");
    assert_eq!(refusal.told(), [("NIC-20", UNSUPPORTED, FLAG)]);
    refusal.shows(&["m", TWO_NICS]).advises(&["resize the virtual machine first"]).waits().keeps(&before);
    space.edit_spec("vm/m", &size(FOUR_NICS));
    assert_eq!(at(&space.ready("nic/a"), "/programmed/enableAcceleratedNetworking"), true);
}

#[test]
fn acceleration_waits_for_a_running_vm_to_be_deallocated() {
    let space = Space::with_a_subnet();
    space.apply(&(accelerated("a", false) + &machine_of_size("m", FOUR_NICS, &["a"], "powerState: Running")));
    space.wait("vm/m", "Running", power_is("Running"));
    let before = space.ready("nic/a");
    space.apply(&accelerated("a", true));
    let refusal = space.refused("nic/a");
    assert_eq!(refusal.told(), [("SIZE-05", "OperationNotAllowed", FLAG)]);
    refusal.shows(&["m", "Running"]).advises(&["set powerState", "to Deallocated"]);
    refusal.is_blocked_by(&[("VirtualMachine", "m")]).waits().keeps(&before);
    space.edit_spec("vm/m", &json!({"powerState": "Deallocated"}));
    space.ready("nic/a");
    bring(&space, "vm/m", "Running");
}

#[test]
fn a_size_that_is_too_small_in_every_way_is_told_so_at_once() {
    let space = Space::with_a_subnet();
    space.apply(&(accelerated("a", true) + &nic("b", "web") + &nic("c", "web")));
    for name in ["nic/a", "nic/b", "nic/c"] {
        space.ready(name);
    }
    space.apply(&machine_of_size("m", TWO_NICS, &["a", "b", "c"], ""));
    let refusal = space.refused("vm/m");
    let first = format!("{LIST}[0]");
    assert_eq!(
        refusal.told(),
        [("VM-02", "NetworkInterfaceCountExceeded", LIST), ("SIZE-02", UNSUPPORTED, first.as_str())]
    );
    refusal.stalls().advises_for("VM-02", "List at most 2, or choose a size that takes more");
    refusal.advises_for("SIZE-02", "Choose a size that supports it");
    // One remedy leaves the other violation; a size that both speak of cures both.
    space.apply(&machine_of_size("m", TWO_NICS, &["a", "b"], ""));
    let refusal = space.refused("vm/m");
    assert_eq!(refusal.rules(), ["SIZE-02"]);
    refusal.waits();
    space.apply(&machine_of_size("m", FOUR_NICS, &["a", "b", "c"], ""));
    assert_eq!(attached(&space.ready("vm/m")), ["a", "b", "c"]);
}
