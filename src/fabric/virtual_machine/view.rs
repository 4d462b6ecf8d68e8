//! What the fabric reports of a virtual machine, computed from its state and that of its NICs, and stored nowhere else.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{PowerState, VirtualMachine, guest};
use crate::fabric::engine::Engine;
use crate::fabric::id::{Name, ShownRef};
use crate::fabric::limits;
use crate::fabric::mac::Mac;
use crate::fabric::network_interface::NetworkInterface;
use crate::fabric::resource::Programmed;
use crate::fabric::virtual_machine_scale_set;

/// What the fabric reports of a virtual machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VirtualMachineView {
    /// The current power state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power_state: Option<PowerState>,
    /// For an instance of a scale set: its revision of the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 20))]
    pub revision: Option<String>,
    /// For an instance of a scale set: whether it has the latest revision of the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest_model_applied: Option<bool>,
    /// The value of the annotation vnet.dev/restartedAt for which the last restart was performed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::RESTARTED_AT_LENGTH))]
    pub last_handled_restart_at: Option<String>,
    /// The attached network interfaces, in order of attachment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::NICS_PER_VM))]
    pub network_interfaces: Vec<AttachedNicView>,
}

/// An attached network interface.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttachedNicView {
    /// The network interface.
    #[serde(flatten)]
    pub reference: ShownRef,
    /// Whether this is the primary one.
    pub primary: bool,
    /// The MAC address, assigned at the first start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac_address: Option<Mac>,
    /// The address that the guest receives by DHCP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", length(max = 45))]
    pub dhcp_address: Option<IpAddr>,
    /// The addresses that must be configured manually in the guest: those of secondary IP configurations and, on
    /// Windows, the primary one too if there are any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>", length(max = limits::PRIVATE_ADDRESSES))]
    pub manual_addresses: Vec<IpAddr>,
    /// The private address of the primary IP configuration.
    #[serde(default, rename = "privateIPAddress", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", length(max = 45))]
    pub private_ip_address: Option<IpAddr>,
}

pub(super) fn observe(engine: &Engine, name: &Name, programmed: &Programmed<VirtualMachine>) -> VirtualMachineView {
    let attached = engine.nics_of.get(name).into_iter().flat_map(|nics| nics.values());
    let network_interfaces = attached.filter_map(|nic| {
        let held = engine.get::<NetworkInterface>(nic)?;
        let primary = held.ask.primary().map(|primary| &primary.name);
        let (dhcp_address, manual_addresses) = guest::addresses(programmed.ask.os_type, held);
        Some(AttachedNicView {
            dhcp_address,
            manual_addresses,
            reference: ShownRef::of(nic, name),
            primary: held.held.attached.as_ref().is_some_and(|attached| attached.primary),
            mac_address: held.held.mac,
            private_ip_address: primary.and_then(|primary| held.held.addresses.get(primary)).copied(),
        })
    });
    let member = programmed.ask.member.as_ref();
    VirtualMachineView {
        power_state: Some(programmed.held.power),
        revision: member.map(|member| member.revision.to_string()),
        latest_model_applied: member.and_then(|member| virtual_machine_scale_set::has_latest_model(engine, member)),
        last_handled_restart_at: programmed.held.last_handled_restart_at.clone(),
        network_interfaces: network_interfaces.collect(),
    }
}
