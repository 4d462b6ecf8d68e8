//! PublicIPPrefix: what users write.
//!
//! The schema and the translation refuse a length that is none (S-19).

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::{self, TrackedResource, ZoneList};
use super::status::Status;
use super::{About, Api};
use crate::fabric::limits;
use crate::fabric::public_ip_prefix::{PublicIPPrefixView, refuse_length};
use crate::fabric::zones::Zone;
use crate::fabric::{Findings, Name, PublicIPPrefix, Violation};

/// A contiguous range of public IP addresses, from which PublicIPAddress objects can be allocated.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "vnet.dev",
    version = "v1alpha1",
    kind = "PublicIPPrefix",
    plural = "publicipprefixes",
    root = "PublicIPPrefixObject",
    doc = "A public IP prefix of the simulated fabric, in Azure's model.",
    status = "Status<PublicIPPrefixView>",
    namespaced,
    shortname = "pipp",
    category = "azure",
    printcolumn(
        name = "Prefix",
        type_ = "string",
        json_path = ".status.ipPrefix",
        description = "The range of addresses."
    ),
    printcolumn(
        name = "Used",
        type_ = "integer",
        json_path = ".status.publicIPAddressCount",
        description = "The number of public IP addresses that are allocated from it."
    )
)]
#[serde(rename_all = "camelCase")]
pub struct PublicIPPrefixSpec {
    /// What every resource has.
    #[serde(flatten)]
    pub resource: TrackedResource,
    /// The SKU of the public IP prefix.
    #[serde(default)]
    pub sku: PublicIPPrefixSku,
    /// The length of the prefix: 28 (16 addresses) to 31 (2 addresses). Immutable once programmed.
    #[schemars(range(min = *limits::PUBLIC_PREFIX_LENGTHS.start(), max = *limits::PUBLIC_PREFIX_LENGTHS.end()))]
    pub prefix_length: i32,
    /// The availability zones of its addresses: 1 to 3. Defaults to none. Immutable once programmed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "ZoneList")]
    pub zones: Vec<Zone>,
}

/// The SKU of a public prefix.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PublicIPPrefixSku {
    /// The name of the SKU: Standard is the only one.
    #[serde(default)]
    pub name: PrefixSku,
}

/// The SKUs that a public prefix may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)]
pub enum PrefixSku {
    #[default]
    Standard,
}

impl Api for PublicIPPrefix {
    type Spec = PublicIPPrefixSpec;
    type Object = PublicIPPrefixObject;

    fn translate(_: &About, spec: &PublicIPPrefixSpec) -> Result<Self, Vec<Violation>> {
        let mut findings = Findings::default();
        let length = u8::try_from(spec.prefix_length).unwrap_or_else(|_| {
            refuse_length(spec.prefix_length, findings.under("S-19"));
            0
        });
        let zones = common::zones(&spec.zones, &mut findings);
        findings.into_result(Self { length, zones })
    }

    fn describe(&self, _: &Name, location: &str) -> PublicIPPrefixSpec {
        PublicIPPrefixSpec {
            resource: TrackedResource::in_location(location),
            sku: PublicIPPrefixSku::default(),
            prefix_length: self.length.into(),
            zones: self.zones.iter().copied().collect(),
        }
    }

    fn tracked(spec: &PublicIPPrefixSpec) -> Option<&TrackedResource> {
        Some(&spec.resource)
    }
}
