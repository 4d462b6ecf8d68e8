//! An instance with a network of its own.

use kube::core::DynamicObject;
use serde_json::{Value, json};

use crate::support::space::{Space, at};

/// Gives `api-1` a network of its own: the model's NIC, with these configurations.
pub fn own(space: &Space<'_>, configurations: &[&str]) {
    let configuration = |name: &&str| json!({"name": name, "primary": *name == configurations[0]});
    let configurations: Vec<Value> = configurations.iter().map(configuration).collect();
    let nic = json!({"name": "nic", "subnet": {"name": "web"}, "ipConfigurations": configurations});
    space.edit_spec("vmssvm/api-1", &json!({"networkProfileConfiguration": {"networkInterfaceConfigurations": [nic]}}));
}

/// Names and addresses of the configurations of an instance.
pub fn configurations(vm: &DynamicObject) -> Vec<(&str, &str)> {
    let shown = at(vm, "/networkInterfaces/0/ipConfigurations").as_array().into_iter().flatten();
    shown.filter_map(|c| c["name"].as_str().zip(c["privateIPAddress"].as_str())).collect()
}
