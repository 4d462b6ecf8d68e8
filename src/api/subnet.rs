//! Subnet: what users write.
//!
//! CEL and the translation refuse ranges that are none, or not one of IPv4 and at most one of IPv6 (S-16).

use ipnet::IpNet;
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::common::{self, Prefix};
use super::findings::Unreadable;
use super::references::LocalReference;
use super::status::Status;
use super::texts::PartName;
use super::{About, Api};
use crate::fabric::subnet::SubnetView;
use crate::fabric::terms::IpVersion;
use crate::fabric::{Findings, Name, Subnet, Violation, VirtualNetwork};

/// A range of a virtual network from which network interfaces are assigned their private addresses.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "vnet.dev",
    version = "v1alpha1",
    kind = "Subnet",
    root = "SubnetObject",
    doc = "A subnet of a virtual network of the simulated fabric, in Azure's model.",
    status = "Status<SubnetView>",
    namespaced,
    category = "azure",
    printcolumn(
        name = "Prefix",
        type_ = "string",
        json_path = ".spec.addressPrefixes[0]",
        description = "The first address range."
    ),
    printcolumn(
        name = "Available",
        type_ = "integer",
        json_path = ".status.capacity.available",
        description = "The number of IPv4 addresses that are available."
    )
)]
#[serde(rename_all = "camelCase")]
pub struct SubnetSpec {
    /// The name of the subnet in Azure, where it cannot be the object's: 1 to 80 letters, digits, underscores, dots and
    /// hyphens. It must be unique in the virtual network, regardless of letter case. Defaults to the object's name.
    /// Immutable once programmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<PartName>")]
    pub azure_name: Option<String>,
    /// The virtual network of which the subnet is a part, in the same namespace. Immutable once programmed.
    pub virtual_network: LocalReference<VirtualNetwork>,
    /// The address ranges of the subnet: one IPv4 range from /8 to /29, and at most one IPv6 range, which must be a
    /// /64. Azure reserves the first four addresses and the last address of each. A range that has allocated addresses
    /// cannot change.
    #[schemars(length(min = 1, max = 2), extend("x-kubernetes-list-type" = "atomic"))]
    #[x_kube(validation = ("self.exists_one(p, isCIDR(p) && cidr(p).ip().family() == 4)", "must be exactly one IPv4 range, such as 10.0.1.0/24, and at most one IPv6 range beside it"))]
    pub address_prefixes: Vec<Prefix>,
}

impl Api for Subnet {
    type Spec = SubnetSpec;
    type Object = SubnetObject;

    fn translate(about: &About, spec: &SubnetSpec) -> Result<Self, Vec<Violation>> {
        let mut findings = Findings::default();
        let listed =
            spec.address_prefixes.iter().enumerate().filter_map(|(n, text)| {
                common::prefix(text, "S-16", format!("spec.addressPrefixes[{n}]"), &mut findings)
            });
        let listed: Vec<IpNet> = listed.collect();
        let (mut ipv4, mut ipv6) = (Vec::new(), Vec::new());
        for prefix in &listed {
            match prefix {
                IpNet::V4(prefix) => ipv4.push(*prefix),
                IpNet::V6(prefix) => ipv6.push(*prefix),
            }
        }
        if findings.is_empty() && (ipv4.len() != 1 || ipv6.len() > 1) {
            let (ipv4, ipv6) = (ipv4.len(), ipv6.len());
            findings.under("S-16").add("spec.addressPrefixes", Unreadable::Ranges { ipv4, ipv6 });
        }
        let violations = findings.into_violations();
        match ipv4.first() {
            Some(ipv4) if violations.is_empty() => Ok(Self {
                virtual_network: spec.virtual_network.name_from(&about.name),
                ipv4: *ipv4,
                ipv6: ipv6.first().copied(),
                first: listed.first().map(|first| IpVersion::of(&first.addr())).unwrap_or_default(),
            }),
            _ => Err(violations),
        }
    }

    fn describe(&self, _: &Name, _: &str) -> SubnetSpec {
        SubnetSpec {
            azure_name: None,
            virtual_network: LocalReference::to(&self.virtual_network),
            address_prefixes: self.prefixes().map(|prefix| Prefix(prefix.to_string())).collect(),
        }
    }
}
