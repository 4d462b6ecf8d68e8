//! VirtualNetwork: what users write.
//!
//! CEL and the translation refuse ranges and DNS servers that cannot be read (VNET-01, S-16, VNET-10).

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::common::{self, DhcpOptions, Prefix, TrackedResource};
use super::status::Status;
use super::{About, Api};
use crate::fabric::virtual_network::VirtualNetworkView;
use crate::fabric::{Code, Findings, Name, Violation, VirtualNetwork};

/// An isolated network, whose address space is divided into subnets.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "vnet.dev",
    version = "v1alpha1",
    kind = "VirtualNetwork",
    root = "VirtualNetworkObject",
    doc = "A virtual network of the simulated fabric, in Azure's model.",
    status = "Status<VirtualNetworkView>",
    namespaced,
    shortname = "vnet",
    category = "azure",
    printcolumn(
        name = "Address-Space",
        type_ = "string",
        json_path = ".spec.addressSpace.addressPrefixes[0]",
        description = "The first prefix of the address space."
    )
)]
#[serde(rename_all = "camelCase")]
pub struct VirtualNetworkSpec {
    /// What every resource has.
    #[serde(flatten)]
    pub resource: TrackedResource,
    /// The address space of the virtual network.
    pub address_space: AddressSpace,
    /// DHCP options for the network interfaces of this network that have no DNS servers of their own. Defaults to
    /// Azure's DNS. May change at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dhcp_options: Option<DhcpOptions>,
}

/// The ranges of a virtual network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AddressSpace {
    /// The ranges of the address space in CIDR notation, IPv4 and IPv6. A range can be removed when no subnet uses it.
    #[schemars(length(min = 1, max = 64), extend("x-kubernetes-list-type" = "atomic"))]
    pub address_prefixes: Vec<Prefix>,
}

impl Api for VirtualNetwork {
    type Spec = VirtualNetworkSpec;
    type Object = VirtualNetworkObject;

    fn translate(_: &About, spec: &VirtualNetworkSpec) -> Result<Self, Vec<Violation>> {
        let mut findings = Findings::default();
        let listed = spec.address_space.address_prefixes.iter().enumerate();
        let address_prefixes = listed
            .filter_map(|(n, text)| {
                common::prefix(text, "VNET-01", format!("spec.addressSpace.addressPrefixes[{n}]"), &mut findings)
            })
            .collect();
        let servers = spec.dhcp_options.as_ref().map_or(&[][..], |options| &options.dns_servers);
        let own = ("VNET-10", Code::NetcfgInvalidDnsServer);
        let dns_servers = common::dns_servers(servers, own, "spec.dhcpOptions.dnsServers", &mut findings);
        findings.into_result(Self { address_prefixes, dns_servers })
    }

    fn describe(&self, _: &Name, location: &str) -> VirtualNetworkSpec {
        VirtualNetworkSpec {
            resource: TrackedResource::in_location(location),
            address_space: AddressSpace {
                address_prefixes: self.address_prefixes.iter().map(|prefix| Prefix(prefix.to_string())).collect(),
            },
            dhcp_options: Some(DhcpOptions { dns_servers: common::dns_server_texts(&self.dns_servers) })
                .filter(|options| !options.dns_servers.is_empty()),
        }
    }

    fn tracked(spec: &VirtualNetworkSpec) -> Option<&TrackedResource> {
        Some(&spec.resource)
    }
}
