//! PublicIPAddress: what users write.
//!
//! CEL refuses what breaks PIP-02, PIP-15 or S-19, a requested address without a prefix (PIP-26), and zones of a Basic one
//! (PIP-27); the translation refuses a label or an address that cannot be read.

use std::net::IpAddr;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::{self, TrackedResource, ZoneList};
use super::findings::Unreadable;
use super::references::ObjectReference;
use super::status::Status;
use super::texts::DomainNameLabel;
use super::{About, Api};
use crate::fabric::public_ip_address::{PublicIPAddressView, Sku};
use crate::fabric::terms::{AllocationMethod, IpVersion};
use crate::fabric::zones::Zone;
use crate::fabric::{Findings, Name, PublicIPAddress, PublicIPPrefix, Violation, limits};

/// A public IP address that can be associated with an IP configuration of a network interface.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "vnet.dev",
    version = "v1alpha1",
    kind = "PublicIPAddress",
    plural = "publicipaddresses",
    root = "PublicIPAddressObject",
    doc = "A public IP address of the simulated fabric, in Azure's model.",
    status = "Status<PublicIPAddressView>",
    namespaced,
    shortname = "pip",
    category = "azure",
    printcolumn(
        name = "Address",
        type_ = "string",
        json_path = ".status.ipAddress",
        description = "The IP address, while one is allocated."
    ),
    printcolumn(name = "SKU", type_ = "string", json_path = ".spec.sku.name", description = "The SKU."),
    printcolumn(
        name = "Used-By",
        type_ = "string",
        json_path = ".status.ipConfiguration.networkInterface.name",
        description = "The network interface that uses it."
    )
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new(
    "self.sku.name != 'Standard' || !has(self.publicIPAllocationMethod) || self.publicIPAllocationMethod == 'Static'",
).message(
    "a Standard public address is Static: set publicIPAllocationMethod to Static, or leave it out",
).field_path(".publicIPAllocationMethod"))]
#[x_kube(validation = Rule::new(
    "!has(self.publicIPPrefix) || self.sku.name == 'Standard'",
).message(
    "only a Standard public address is taken from a prefix: set sku.name to Standard, or leave publicIPPrefix out",
).field_path(".publicIPPrefix"))]
#[x_kube(validation = Rule::new(
    "!has(self.ipAddress) || has(self.publicIPPrefix)",
).message(
    "an address can be requested from a public prefix only: set publicIPPrefix, or leave ipAddress out",
).field_path(".ipAddress"))]
#[x_kube(validation = Rule::new(
    "!has(self.ipAddress) || self.publicIPAddressVersion == 'IPv4'",
).message(
    "the addresses of a public prefix are IPv4: set publicIPAddressVersion to IPv4, or leave ipAddress out",
).field_path(".ipAddress"))]
#[x_kube(validation = Rule::new(
    "!has(self.zones) || self.zones.size() == 0 || self.sku.name == 'Standard'",
).message(
    "a public address of SKU Basic has no zones: set sku.name to Standard, or leave zones out",
).field_path(".zones"))]
pub struct PublicIPAddressSpec {
    /// What every resource has.
    #[serde(flatten)]
    pub resource: TrackedResource,
    /// The SKU of the public IP address. Immutable once programmed.
    #[serde(default)]
    pub sku: PublicIPAddressSku,
    /// When the address is allocated. Static: at creation, until deletion. Dynamic: while the virtual machine that uses
    /// it is not deallocated. Defaults to Static for SKU Standard, which requires it, and to Dynamic for SKU Basic.
    /// Static may change to Dynamic only while the address is not associated.
    #[serde(default, rename = "publicIPAllocationMethod", skip_serializing_if = "Option::is_none")]
    pub public_ip_allocation_method: Option<AllocationMethod>,
    /// The IP version: IPv4 or IPv6. Immutable once programmed.
    #[serde(default, rename = "publicIPAddressVersion")]
    pub public_ip_address_version: IpVersion,
    /// The time in minutes after which an idle flow is closed: 4 to 30, and always 4 for an IPv6 address. May change at
    /// any time.
    #[serde(default = "default_idle_timeout")]
    #[schemars(range(min = *limits::IDLE_TIMEOUT_MINUTES.start(), max = *limits::IDLE_TIMEOUT_MINUTES.end()))]
    pub idle_timeout_in_minutes: i32,
    /// The DNS name of the address. Defaults to none. May change at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_settings: Option<PublicDnsSettings>,
    /// The PublicIPPrefix from which the address is allocated; requires SKU Standard. Defaults to none: the address
    /// comes from the platform's pool. Immutable once programmed.
    #[serde(default, rename = "publicIPPrefix", skip_serializing_if = "Option::is_none")]
    pub public_ip_prefix: Option<ObjectReference<PublicIPPrefix>>,
    /// The address of the PublicIPPrefix to allocate; requires publicIPPrefix. If another PublicIPAddress has it, this one
    /// waits until it is released. Defaults to the lowest free address. Immutable once allocated; it may be omitted later,
    /// and the address stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<PublicAddress>,
    /// The availability zones of the address: 1 to 3; requires SKU Standard. Defaults to those of its PublicIPPrefix, or to
    /// none. Immutable once programmed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "ZoneList")]
    pub zones: Vec<Zone>,
}

/// A public IPv4 address as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(
    inline,
    extend("maxLength" = 15, "x-kubernetes-validations" = [
        {"rule": "isIP(self) && !self.contains(':')", "message": "must be an IPv4 address, such as 198.18.0.4"},
    ])
)]
pub struct PublicAddress(pub String);

/// The SKU of a public address.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PublicIPAddressSku {
    /// The name of the SKU: Basic or Standard.
    #[serde(default)]
    pub name: Sku,
}

/// The domain name of a public address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicDnsSettings {
    /// The first label of the DNS name LABEL.LOCATION.cloudapp.azure.com. It must be unique within the location.
    #[schemars(with = "DomainNameLabel")]
    pub domain_name_label: String,
}

fn default_idle_timeout() -> i32 {
    limits::DEFAULT_IDLE_TIMEOUT_MINUTES
}

impl Api for PublicIPAddress {
    type Spec = PublicIPAddressSpec;
    type Object = PublicIPAddressObject;

    fn translate(about: &About, spec: &PublicIPAddressSpec) -> Result<Self, Vec<Violation>> {
        let mut findings = Findings::default();
        let domain_name_label = spec.dns_settings.as_ref().map(|dns| dns.domain_name_label.clone());
        if let Some(label) = &domain_name_label {
            is_a_label(label, "spec.dnsSettings.domainNameLabel", &mut findings);
        }
        let requested_address =
            spec.ip_address.as_ref().and_then(|text| public_address(text, "spec.ipAddress", &mut findings));
        let zones = common::zones(&spec.zones, &mut findings);
        findings.into_result(Self {
            sku: spec.sku.name,
            method: spec.public_ip_allocation_method.unwrap_or(spec.sku.name.default_method()),
            version: spec.public_ip_address_version,
            idle_timeout_minutes: spec.idle_timeout_in_minutes,
            domain_name_label,
            public_ip_prefix: spec.public_ip_prefix.as_ref().map(|prefix| prefix.name_from(&about.name)),
            requested_address,
            zones,
        })
    }

    fn describe(&self, name: &Name, location: &str) -> PublicIPAddressSpec {
        PublicIPAddressSpec {
            resource: TrackedResource::in_location(location),
            public_ip_prefix: self.public_ip_prefix.as_ref().map(|prefix| ObjectReference::to(prefix, name)),
            zones: self.zones.iter().copied().collect(),
            ip_address: self.requested_address.map(|address| PublicAddress(address.to_string())),
            sku: PublicIPAddressSku { name: self.sku },
            public_ip_allocation_method: Some(self.method),
            public_ip_address_version: self.version,
            idle_timeout_in_minutes: self.idle_timeout_minutes,
            dns_settings: self
                .domain_name_label
                .clone()
                .map(|domain_name_label| PublicDnsSettings { domain_name_label }),
        }
    }

    fn tracked(spec: &PublicIPAddressSpec) -> Option<&TrackedResource> {
        Some(&spec.resource)
    }
}

/// Reads a public address that is requested (PIP-26).
fn public_address(text: &PublicAddress, path: &str, findings: &mut Findings) -> Option<IpAddr> {
    let address = text.0.parse().ok().map(IpAddr::V4);
    if address.is_none() {
        findings.under("PIP-26").add(path, Unreadable::PublicAddress { text: text.0.clone() });
    }
    address
}

/// Finds what is not a valid domain name label (PIP-15).
pub fn is_a_label(label: &str, path: &str, findings: &mut Findings) {
    if !DomainNameLabel::is(label) {
        findings.under("PIP-15").add(path, Unreadable::DomainNameLabel { label: label.to_owned() });
    }
}
