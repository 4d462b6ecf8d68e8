//! What the fabric reports of a network interface: what it holds, and what it mirrors of others.

use std::net::IpAddr;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::NetworkInterface;
use crate::fabric::digest::{END, digest};
use crate::fabric::engine::Engine;
use crate::fabric::id::{Name, ShownRef};
use crate::fabric::limits;
use crate::fabric::mac::Mac;
use crate::fabric::public_ip_address::PublicIPAddress;
use crate::fabric::resource::Programmed;
use crate::fabric::subnet::Subnet;
use crate::fabric::terms::Primary;
use crate::fabric::virtual_machine::{PowerState, VirtualMachine};
use crate::fabric::virtual_network::VirtualNetwork;

/// What the fabric reports of a network interface.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NetworkInterfaceView {
    /// The MAC address, assigned when the virtual machine starts for the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac_address: Option<Mac>,
    /// The virtual machine to which the network interface is attached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtual_machine: Option<ShownRef>,
    /// Whether this is the primary network interface of the virtual machine; absent while it is not attached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary: Option<bool>,
    /// The IP configurations with their addresses, the primary one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::PRIVATE_ADDRESSES), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub ip_configurations: Vec<ConfigurationView>,
    /// The DNS settings that are in effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_settings: Option<NicDnsView>,
}

/// An IP configuration with its assigned addresses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigurationView {
    /// Its name.
    pub name: String,
    /// Whether this is the primary IP configuration, whose address the guest receives by DHCP.
    pub primary: bool,
    /// The assigned private IP address.
    #[serde(default, rename = "privateIPAddress", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", length(max = 45))]
    pub private_ip_address: Option<IpAddr>,
    /// The public IP address that is associated with this IP configuration.
    #[serde(default, rename = "publicIPAddress", skip_serializing_if = "Option::is_none")]
    pub public_ip_address: Option<PublicAddressShown>,
}

/// A public address that an IP configuration holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicAddressShown {
    /// The name of the PublicIPAddress object.
    pub name: String,
    /// The namespace of the PublicIPAddress object; omitted if it is that of the network interface.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The IP address; absent while none is allocated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", length(max = 45))]
    pub ip_address: Option<IpAddr>,
}

/// Name resolution of a network interface.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NicDnsView {
    /// The DNS servers in effect: those of the network interface or of its virtual network. Present after the virtual
    /// machine has started, until it is deallocated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>", length(max = limits::DNS_SERVERS))]
    pub applied_dns_servers: Vec<IpAddr>,
    /// The requested DNS name label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internal_dns_name_label: Option<String>,
    /// The fully qualified name within the virtual network: label and suffix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internal_fqdn: Option<String>,
    /// The DNS domain of the virtual network.
    pub internal_domain_name_suffix: String,
}

impl NetworkInterfaceView {
    /// The private address of each configuration that has one.
    pub fn addresses(&self) -> impl Iterator<Item = (Arc<str>, IpAddr)> {
        self.ip_configurations
            .iter()
            .filter_map(|shown| shown.private_ip_address.map(|address| (Arc::from(shown.name.as_str()), address)))
    }
}

pub(super) fn observe(engine: &Engine, name: &Name, programmed: &Programmed<NetworkInterface>) -> NetworkInterfaceView {
    let (ask, held) = (&programmed.ask, &programmed.held);
    let mut ip_configurations: Vec<_> = ask
        .configurations
        .iter()
        .map(|configuration| ConfigurationView {
            name: configuration.name.to_string(),
            primary: configuration.primary == Primary::Yes,
            private_ip_address: held.addresses.get(&configuration.name).copied(),
            public_ip_address: configuration.public_ip_address.as_ref().map(|public| {
                let ShownRef { name, namespace } = ShownRef::of(public, name);
                let shown = engine.get::<PublicIPAddress>(public).and_then(|public| public.held.address);
                PublicAddressShown { name, namespace, ip_address: shown }
            }),
        })
        .collect();
    ip_configurations.sort_by_key(|shown| !shown.primary); // IPC-04
    NetworkInterfaceView {
        mac_address: held.mac,
        virtual_machine: held.attached.as_ref().map(|attached| ShownRef::of(&attached.vm, name)),
        primary: held.attached.as_ref().map(|attached| attached.primary),
        ip_configurations,
        dns_settings: dns(engine, programmed),
    }
}

/// The applied servers stay empty until the NIC is on a started VM (NIC-22, S-21).
fn dns(engine: &Engine, programmed: &Programmed<NetworkInterface>) -> Option<NicDnsView> {
    let ask = &programmed.ask;
    let network = &engine.get::<Subnet>(&ask.subnet)?.ask.virtual_network;
    let suffix = internal_domain_name_suffix(network);
    let own = Some(ask.dns_servers.clone()).filter(|own| !own.is_empty());
    let inherited = || engine.get::<VirtualNetwork>(network).map(|network| network.ask.dns_servers.clone());
    let vm = programmed.held.attached.as_ref().and_then(|attached| engine.get::<VirtualMachine>(&attached.vm));
    let started = vm.is_some_and(|vm| match vm.held.power {
        PowerState::Running | PowerState::Stopped => true,
        PowerState::Starting => programmed.held.mac.is_some(), // a restart
        PowerState::Deallocated => false,
    });
    Some(NicDnsView {
        applied_dns_servers: Some(()).filter(|()| started).and_then(|()| own.or_else(inherited)).unwrap_or_default(),
        internal_fqdn: ask.internal_dns_name_label.as_ref().map(|label| format!("{label}.{suffix}")),
        internal_dns_name_label: ask.internal_dns_name_label.clone(),
        internal_domain_name_suffix: suffix,
    })
}

/// `<26 letters and digits>.<2 letters>.internal.cloudapp.net`, one per virtual network, derived from its name (S-23).
fn internal_domain_name_suffix(network: &Name) -> String {
    let symbol = |position: u8, radix: u32| {
        let seed = [network.namespace.as_bytes(), &[END], network.name.as_bytes(), &[END, position]].concat();
        let drawn = u32::try_from(digest(&seed) % u64::from(radix)).unwrap_or(0);
        char::from_digit(drawn + 36 - radix, 36).unwrap_or('x') // a radix of 26 draws letters only
    };
    let symbols: String = (0..26).map(|position| symbol(position, 36)).collect();
    let letters: String = (26..28).map(|position| symbol(position, 26)).collect();
    format!("{symbols}.{letters}.internal.cloudapp.net")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Guests write it into their configuration: it must outlive an upgrade of the operator or of its compiler.
    #[test]
    fn the_suffix_of_a_network_is_the_same_in_every_version() {
        assert_eq!(
            internal_domain_name_suffix(&Name::new("prod", "hub")),
            "ndxttpdxegeu0t1xevlijtxw8g.nr.internal.cloudapp.net"
        );
    }
}
