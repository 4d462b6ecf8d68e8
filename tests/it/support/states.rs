//! What a test waits for an object to be, and what it reads from a status, in words.

use kube::core::DynamicObject;
use serde_json::{Value, json};

use crate::support::cluster::Cluster;
use crate::support::contract::{Health, condition, kstatus};
use crate::support::manifests::network;
use crate::support::space::{Space, address, at};

/// The names of the NICs that a VM shows, in the order of their attachment.
pub fn attached(vm: &DynamicObject) -> Vec<&str> {
    let nics = at(vm, "/networkInterfaces").as_array().into_iter().flatten();
    nics.filter_map(|nic| nic["name"].as_str()).collect()
}

/// The NIC that a VM shows as its primary one.
pub fn primary(vm: &DynamicObject) -> Option<&str> {
    let mut nics = at(vm, "/networkInterfaces").as_array().into_iter().flatten();
    nics.find(|nic| nic["primary"] == true)?["name"].as_str()
}

/// The VM is in this power state, and as it is asked for.
pub fn power_is(power: &str) -> impl Fn(&DynamicObject) -> bool {
    move |vm| at(vm, "/powerState") == power && kstatus(vm) == Health::Current
}

/// The VM is on its way to run.
pub fn is_starting(vm: &DynamicObject) -> bool {
    at(vm, "/powerState") == "Starting"
}

/// Edits the VM's power state, and waits until it is so.
pub fn bring(space: &Space<'_>, vm: &str, power: &str) -> DynamicObject {
    space.edit_spec(vm, &json!({"powerState": power}));
    space.wait(vm, power, power_is(power))
}

/// The NIC is attached to a VM of its own namespace.
pub fn is_attached_to(vm: &str) -> impl Fn(&DynamicObject) -> bool {
    move |nic| at(nic, "/virtualMachine/name") == vm && at(nic, "/virtualMachine/namespace").is_null()
}

/// The NIC is attached to no VM.
pub fn is_unattached(nic: &DynamicObject) -> bool {
    at(nic, "/virtualMachine").is_null()
}

/// The NIC has a MAC address.
pub fn has_mac(nic: &DynamicObject) -> bool {
    mac(nic).is_string()
}

/// The MAC address of a NIC.
pub fn mac(nic: &DynamicObject) -> &Value {
    at(nic, "/macAddress")
}

/// What a NIC keeps wherever it goes: its MAC address and its primary private address.
pub fn own_addresses(nic: &DynamicObject) -> (&Value, &str) {
    (mac(nic), address(nic))
}

/// The public address has an address.
pub fn has_address(pip: &DynamicObject) -> bool {
    at(pip, "/ipAddress").is_string()
}

/// The public address has none.
pub fn has_no_address(pip: &DynamicObject) -> bool {
    at(pip, "/ipAddress").is_null()
}

/// The configurations that a NIC shows, the primary one first, each with its private address or `none`.
pub fn configurations(nic: &DynamicObject) -> Vec<(&str, &str)> {
    let shown = at(nic, "/ipConfigurations").as_array().into_iter().flatten();
    let shown = shown.map(|shown| (shown["name"].as_str(), shown["privateIPAddress"].as_str()));
    shown.map(|(name, address)| (name.unwrap_or_default(), address.unwrap_or("none"))).collect()
}

/// True of an object that shows this condition, which reports something beside the four that every object has.
pub fn is_advised(object: &DynamicObject, kind: &str) -> bool {
    condition(&object.data["status"], kind).is_some_and(|condition| condition["status"] == "True")
}

/// The object's Ready condition has this reason.
pub fn ready_says(reason: &str) -> impl Fn(&DynamicObject) -> bool {
    move |object| condition(&object.data["status"], "Ready").is_some_and(|ready| ready["reason"] == reason)
}

/// The message of the object's Ready condition.
pub fn message(object: &DynamicObject) -> &str {
    condition(&object.data["status"], "Ready").and_then(|ready| ready["message"].as_str()).unwrap_or_default()
}

/// Asks for a restart of the VM `m`.
pub fn restart(space: &Space<'_>, time: &str) {
    space.kubectl_ok(&["annotate", "--overwrite", "vm/m", &format!("vnet.dev/restartedAt={time}")], "");
}

/// Waits until the subnet `web` shows so many addresses taken, and the network `hub` its one subnet: counters are written last.
pub fn counted(space: &Space<'_>, allocated: u64) {
    space.wait("subnet/web", "counted", |subnet| at(subnet, "/capacity/allocated") == allocated);
    space.wait("vnet/hub", "counted", |hub| at(hub, "/subnetCount") == 1);
}

/// Returns when the operator, which was started a moment ago, has seen everything that there is: it makes a new object Ready.
pub fn everything_is_seen(cluster: &Cluster) {
    let elsewhere = Space::on(cluster);
    elsewhere.apply(&network("marker", "10.0.0.0/16"));
    elsewhere.ready("vnet/marker");
}
