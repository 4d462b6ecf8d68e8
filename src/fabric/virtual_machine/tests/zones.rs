//! The availability zone of a virtual machine (PIP-27).

use super::*;
use crate::fabric::Code;
use crate::fabric::virtual_machine::VirtualMachine;
use crate::fabric::zones::Zone::{One, Two};

const PATH: &str = "spec.zones";

// accepts VirtualMachine PIP-27
#[test]
fn a_virtual_machine_keeps_its_zone() {
    let zonal = || a_vm("v").nics(["a"]).zones([Two]);
    let mut fabric = a_rack().with(zonal());
    fabric.accept(zonal().deallocated());
    assert_eq!(fabric.get::<VirtualMachine>("v").ask.zones, [Two].into());
}

// refuses VirtualMachine PIP-27
#[test]
fn the_zone_of_a_virtual_machine_is_fixed() {
    let mut fabric = a_rack().with(a_vm("v").nics(["a"]).zones([Two]));
    for zones in [vec![One], vec![]] {
        let refusal = fabric.put(a_vm("v").nics(["a"]).zones(zones)).unwrap_err();
        assert_eq!(told(&refusal), [("PIP-27", Code::PropertyChangeNotAllowed, PATH)]);
        assert!(refusal.stalls());
    }
}

#[test]
fn a_virtual_machine_is_in_one_zone() {
    let refusal = a_rack().put(a_vm("v").nics(["a"]).zones([One, Two])).unwrap_err();
    assert_eq!(told(&refusal), [("PIP-27", Code::InvalidParameter, PATH)]);
}

#[test]
fn a_virtual_machine_in_a_zone_is_in_no_availability_set() {
    let mut fabric = a_rack().with(a_set("set"));
    let refusal = fabric.put(a_vm("v").nics(["a"]).in_set("set").zones([One])).unwrap_err();
    assert_eq!(told(&refusal), [("PIP-27", Code::InvalidParameter, PATH)]);
}
