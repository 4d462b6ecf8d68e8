//! States of NICs and virtual machines, as tests wait for them and read them.

use kube::core::DynamicObject;

use crate::contract;
use crate::space::at;

/// True of a VM that is in this power state, and as it is asked to be.
pub fn power_is(power: &str) -> impl Fn(&DynamicObject) -> bool {
    move |vm| at(vm, "/powerState") == power && contract::kstatus(vm) == contract::Health::Current
}

/// True of a NIC that this VM has.
pub fn is_attached_to(vm: &str) -> impl Fn(&DynamicObject) -> bool {
    move |nic| at(nic, "/virtualMachine/name") == vm
}

/// True of a NIC that no VM has.
pub fn is_unattached(nic: &DynamicObject) -> bool {
    at(nic, "/virtualMachine").is_null()
}

/// True of a NIC whose VM has started, and whose primary address has not changed since.
pub fn has_a_mac(nic: &DynamicObject) -> bool {
    !at(nic, "/macAddress").is_null()
}

/// The names of the NICs that a VM shows, in order.
pub fn attached(vm: &DynamicObject) -> Vec<&str> {
    let nics = at(vm, "/networkInterfaces").as_array().into_iter().flatten();
    nics.filter_map(|nic| nic["name"].as_str()).collect()
}

/// The configurations that a NIC shows, the primary one first, each with its private address or `none`.
pub fn configurations(nic: &DynamicObject) -> Vec<(&str, &str)> {
    let shown = at(nic, "/ipConfigurations").as_array().into_iter().flatten();
    let shown = shown.map(|shown| (shown["name"].as_str(), shown["privateIPAddress"].as_str()));
    shown.map(|(name, address)| (name.unwrap_or_default(), address.unwrap_or("none"))).collect()
}

/// True of an object that shows this condition, which tells something beside the four that every object has.
pub fn is_advised(object: &DynamicObject, condition: &str) -> bool {
    contract::condition(&object.data["status"], condition).is_some_and(|condition| condition["status"] == "True")
}
