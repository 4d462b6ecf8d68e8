//! Specs as JSON, for what a manifest cannot say.

use serde_json::{Value, json};
use vnet_operator::fabric::Kind;

/// An object to be: its kind and its spec.
pub type Object = (Kind, Value);

/// A spec with nothing wrong in it.
pub fn good(kind: Kind) -> Value {
    let (_, good) = match kind {
        Kind::VirtualNetwork => network(json!("10.9.0.0/16")),
        Kind::Subnet => subnet(json!(["10.0.9.0/24"])),
        Kind::PublicIPPrefix => prefix(json!({"prefixLength": 31})),
        Kind::PublicIPAddress | Kind::AvailabilitySet => (kind, json!({})),
        Kind::NetworkInterface => nic(json!([{"name": "a"}])),
        Kind::VirtualMachine => machine(json!([{"name": "nowhere"}])),
        Kind::VirtualMachineScaleSet => {
            scale_set(json!([{"name": "nic", "subnet": {"name": "web"}, "ipConfigurations": [{"name": "ip"}]}]))
        }
        Kind::VirtualMachineScaleSetVM => (kind, json!({"scaleSet": {"name": "nowhere"}, "instanceId": "0"})),
    };
    good
}

/// A virtual network of one prefix.
pub fn network(prefix: Value) -> Object {
    (Kind::VirtualNetwork, json!({"addressSpace": {"addressPrefixes": [prefix]}}))
}

/// A subnet of the virtual network `hub`.
pub fn subnet(prefixes: Value) -> Object {
    (Kind::Subnet, json!({"virtualNetwork": {"name": "hub"}, "addressPrefixes": prefixes}))
}

/// A NIC in the subnet `web`.
pub fn nic(configurations: Value) -> Object {
    (Kind::NetworkInterface, json!({"subnet": {"name": "web"}, "ipConfigurations": configurations}))
}

/// A NIC in the subnet `web`, but for one field.
pub fn nic_with(field: &str, value: Value) -> Object {
    let (kind, mut spec) = nic(json!([{"name": "a"}]));
    spec[field] = value;
    (kind, spec)
}

/// A virtual machine of a size that takes two NICs.
pub fn machine(nics: Value) -> Object {
    let size = json!({"vmSize": "Standard_D2s_v3"});
    (Kind::VirtualMachine, json!({"hardwareProfile": size, "networkProfile": {"networkInterfaces": nics}}))
}

/// A scale set without instances.
pub fn scale_set(nics: Value) -> Object {
    let network = json!({"networkProfile": {"networkInterfaceConfigurations": nics}});
    let size = json!({"name": "Standard_DS3_v2"});
    (Kind::VirtualMachineScaleSet, json!({"replicas": 0, "sku": size, "virtualMachineProfile": network}))
}

/// A public prefix.
pub fn prefix(spec: Value) -> Object {
    (Kind::PublicIPPrefix, spec)
}

/// A public address.
pub fn address(spec: Value) -> Object {
    (Kind::PublicIPAddress, spec)
}
