//! What the fabric reports of an instance.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::VirtualMachineScaleSetVM;
use crate::fabric::engine::Engine;
use crate::fabric::limits;
use crate::fabric::mac::Mac;
use crate::fabric::network_interface::NetworkInterface;
use crate::fabric::public_ip_address::{PublicIPAddress, fqdn};
use crate::fabric::resource::Resource;
use crate::fabric::terms::Switch;
use crate::fabric::virtual_machine::{PowerState, VirtualMachine};
use crate::fabric::virtual_machine_scale_set::{InstanceName, NicModel, VirtualMachineScaleSet};
use crate::fabric::zones::{Zone, Zones};

/// What the fabric reports of an instance of a scale set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VirtualMachineScaleSetVMView {
    /// The name of the instance in Azure: the name of the scale set and the id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 300))]
    pub name: Option<String>,
    /// The revision of the model that the instance has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 20))]
    pub revision: Option<String>,
    /// Whether the instance has the latest revision of the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest_model_applied: Option<bool>,
    /// Whether the instance has network interfaces of its own instead of those of the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_network: Option<bool>,
    /// The availability zone of the instance.
    #[serde(default, skip_serializing_if = "Zones::is_empty")]
    #[schemars(with = "Vec<Zone>", length(max = 1), extend("x-kubernetes-list-type" = "atomic"))]
    pub zones: Zones,
    /// The host name of the guest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::COMPUTER_NAME_LENGTH))]
    pub computer_name: Option<String>,
    /// The current power state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power_state: Option<PowerState>,
    /// The value of the annotation vnet.dev/restartedAt for which the last restart was performed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::RESTARTED_AT_LENGTH))]
    pub last_handled_restart_at: Option<String>,
    /// The network interfaces, the primary one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::NICS_PER_VM), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub network_interfaces: Vec<InstanceNicView>,
}

/// A network interface of an instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstanceNicView {
    /// The name of the network interface within the instance.
    pub name: String,
    /// Whether this is the primary one.
    pub primary: bool,
    /// The MAC address, assigned at the first start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac_address: Option<Mac>,
    /// The IP configurations with their addresses, the primary one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::SECONDARY_CONFIGURATIONS_PER_INSTANCE + 1), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub ip_configurations: Vec<InstanceConfigurationView>,
    /// The DNS servers in effect: those of the network interface or of the virtual network.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>", length(max = limits::DNS_SERVERS))]
    pub applied_dns_servers: Vec<IpAddr>,
    /// Whether traffic bypasses the virtual switch of the host (SR-IOV).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub enable_accelerated_networking: bool,
}

/// An IP configuration of an instance, with its assigned addresses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstanceConfigurationView {
    /// Its name.
    pub name: String,
    /// Whether this is the primary one.
    pub primary: bool,
    /// The assigned private IP address.
    #[serde(default, rename = "privateIPAddress", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", length(max = 45))]
    pub private_ip_address: Option<IpAddr>,
    /// The public IP address of the instance.
    #[serde(default, rename = "publicIPAddress", skip_serializing_if = "Option::is_none")]
    pub public_ip_address: Option<InstancePublicView>,
}

/// A public address of an instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstancePublicView {
    /// The name of the public IP address in the model.
    pub name: String,
    /// The IP address; absent while none is allocated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", length(max = 45))]
    pub ip_address: Option<IpAddr>,
    /// The DNS name of the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub fqdn: Option<String>,
}

impl VirtualMachineScaleSetVMView {
    /// Every IP configuration, with the name of its network interface.
    pub fn configurations(&self) -> impl Iterator<Item = (&str, &InstanceConfigurationView)> {
        self.network_interfaces
            .iter()
            .flat_map(|nic| nic.ip_configurations.iter().map(|configuration| (nic.name.as_str(), configuration)))
    }
}

pub(super) fn observe(engine: &Engine, ask: &VirtualMachineScaleSetVM) -> VirtualMachineScaleSetVMView {
    let nothing = VirtualMachineScaleSetVMView::default();
    let Some((set, id)) = engine.get::<VirtualMachineScaleSet>(&ask.set).zip(ask.id) else { return nothing };
    let this = InstanceName { set: &ask.set, id };
    let instance = set.held.instances.get(&id);
    let Some((instance, vm)) = instance.zip(engine.get::<VirtualMachine>(&this.vm())) else { return nothing };
    let network = set.network(instance);
    let mut network_interfaces: Vec<_> = network.iter().filter_map(|nic| nic_view(engine, this, nic)).collect();
    network_interfaces.sort_by_key(|shown| !shown.primary);
    VirtualMachineScaleSetVMView {
        name: Some(this.vm().name.to_string()),
        revision: Some(instance.revision.to_string()),
        latest_model_applied: Some(instance.revision == set.held.revision),
        own_network: instance.network.is_some().then_some(true),
        zones: vm.ask.zones.clone(),
        computer_name: Some(vm.ask.computer_name.clone()),
        power_state: Some(vm.held.power),
        last_handled_restart_at: vm.held.last_handled_restart_at.clone(),
        network_interfaces,
    }
}

fn nic_view(engine: &Engine, this: InstanceName<'_>, model: &NicModel) -> Option<InstanceNicView> {
    let name = this.nic(&model.name);
    let nic = engine.get::<NetworkInterface>(&name)?;
    let view = NetworkInterface::observe(engine, &name, nic);
    let configurations = view.ip_configurations.into_iter().map(|shown| {
        let asked = model.interface.configurations.iter().find(|asked| *asked.name == *shown.name);
        let public = asked.and_then(|asked| asked.public_ip_address.as_ref());
        let held = engine.get::<PublicIPAddress>(&this.public(&model.name, &shown.name));
        InstanceConfigurationView {
            name: shown.name,
            primary: shown.primary,
            private_ip_address: shown.private_ip_address,
            public_ip_address: public.map(|public| InstancePublicView {
                name: public.name.clone(),
                ip_address: held.and_then(|held| held.held.address),
                fqdn: held.and_then(fqdn),
            }),
        }
    });
    Some(InstanceNicView {
        name: model.name.to_string(),
        primary: view.primary.unwrap_or_default(),
        mac_address: view.mac_address,
        ip_configurations: configurations.collect(),
        applied_dns_servers: view.dns_settings.map(|dns| dns.applied_dns_servers).unwrap_or_default(),
        enable_accelerated_networking: nic.ask.accelerated_networking == Switch::On,
    })
}
