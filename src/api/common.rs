//! Parts of specs that several kinds share, and the reading of addresses and prefixes.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::findings::Unreadable;
use super::texts::{Location, PartName};
use crate::fabric::limits;
use crate::fabric::sizes::{self, VmSize};
use crate::fabric::zones::{self, Zone, Zones};
use crate::fabric::{Code, Findings};

/// Free text for people and their tools; the fabric reads nothing in it.
pub type Tags = BTreeMap<String, Tag>;

/// The value of a tag, at most 256 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline, extend("maxLength" = 256))]
pub struct Tag(pub String);

/// What every resource of Azure has that is no part of another.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrackedResource {
    /// The name of the resource in Azure, where it cannot be the object's: 1 to 80 letters, digits, underscores, dots and
    /// hyphens. It must be unique among the objects of the kind in the namespace, regardless of letter case. Defaults to
    /// the object's name. Immutable once programmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<PartName>")]
    pub azure_name: Option<String>,
    /// The Azure region of the object. Defaults to the Namespace's label vnet.dev/location, or to the operator's
    /// --default-location if there is none. Immutable once programmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Location>")]
    pub location: Option<String>,
    /// Azure resource tags: names and values that people and their tools read. They have no effect on the network, and
    /// may change at any time.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    #[schemars(extend("maxProperties" = 50))]
    pub tags: Tags,
}

impl TrackedResource {
    /// A resource in this location, of the object's own name.
    pub fn in_location(location: &str) -> Self {
        Self { location: Some(location.to_owned()), ..Self::default() }
    }
}

/// An IP address, such as 10.0.1.10.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(
    inline,
    extend("maxLength" = 45, "x-kubernetes-validations" = [
        {"rule": "isIP(self)", "message": "must be an IP address, such as 10.0.1.10"},
    ])
)]
pub struct Address(pub String);

/// The IP address of a DNS server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(
    inline,
    extend("maxLength" = 45, "x-kubernetes-validations" = [
        {"rule": "isIP(self)", "message": "must be an IP address, such as 10.0.0.4; for Azure's DNS, leave the list out"},
    ])
)]
pub struct DnsServer(pub String);

/// A range in CIDR notation without host bits, such as 10.0.1.0/24.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(
    inline,
    extend("maxLength" = 49, "x-kubernetes-validations" = [
        {"rule": "isCIDR(self)", "message": "must be a range in CIDR notation, such as 10.0.0.0/16"},
        {
            "rule": "!isCIDR(self) || cidr(self) == cidr(self).masked()",
            "message": "has host bits set: write the first address of the range, such as 10.0.0.0/16 instead of 10.0.0.5/16",
        },
    ])
)]
pub struct Prefix(pub String);

/// A list of availability zones.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(
    inline,
    extend("maxItems" = 3, "x-kubernetes-list-type" = "atomic", "x-kubernetes-validations" = [{
        "rule": "self.all(zone, self.exists_one(other, other == zone))",
        "message": "a zone is listed twice: list each zone once",
    }])
)]
pub struct ZoneList(pub Vec<Zone>);

/// Name resolution by servers of one's own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DhcpOptions {
    /// IP addresses of DNS servers: at most 20. Defaults to Azure's DNS.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::DNS_SERVERS), extend("x-kubernetes-list-type" = "atomic"))]
    pub dns_servers: Vec<DnsServer>,
}

/// Reads a private address; `rule` says what it is for.
pub fn private_address(text: &Address, rule: &'static str, path: String, findings: &mut Findings) -> Option<IpAddr> {
    let address = text.0.parse().ok();
    if address.is_none() {
        findings.under(rule).add(path, Unreadable::PrivateAddress { text: text.0.clone() });
    }
    address
}

/// Reads a list of DNS servers; `rule` and `code` are those of what has them.
pub fn dns_servers(
    list: &[DnsServer],
    (rule, code): (&'static str, Code),
    path: &str,
    findings: &mut Findings,
) -> Vec<IpAddr> {
    let mut read = |(n, text): (usize, &DnsServer)| {
        let server = text.0.parse().ok();
        if server.is_none() {
            let path = format!("{path}[{n}]");
            findings.under(rule).add(path, Unreadable::DnsServer { text: text.0.clone(), code });
        }
        server
    };
    list.iter().enumerate().filter_map(&mut read).collect()
}

/// Reads a list of availability zones (PIP-27).
pub fn zones(list: &[Zone], findings: &mut Findings) -> Zones {
    for (n, zone) in list.iter().enumerate() {
        if list.iter().take(n).any(|other| other == zone) {
            let path = format!("{}[{n}]", zones::PATH);
            findings.under("PIP-27").add(path, Unreadable::ZoneListedTwice { zone: *zone });
        }
    }
    list.iter().copied().collect()
}

/// Reads a range, without host bits (S-16); `rule` says what it is for.
pub fn prefix(text: &Prefix, rule: &'static str, path: String, findings: &mut Findings) -> Option<IpNet> {
    let Ok(range) = text.0.parse::<IpNet>() else {
        findings.under(rule).add(path, Unreadable::Range { text: text.0.clone() });
        return None;
    };
    if range.addr() == range.network() {
        return Some(range);
    }
    findings.under("S-16").add(path, Unreadable::HostBits { range });
    None
}

/// Reads the name of a VM size (S-35).
pub fn vm_size(name: &str, path: &str, findings: &mut Findings) -> Option<&'static VmSize> {
    let size = sizes::vm_size(name);
    if size.is_none() {
        findings.under("S-35").add(path, Unreadable::VmSize { name: name.to_owned() });
    }
    size
}

/// DNS servers of a NIC, or of those of instances (NIC-21).
pub const NIC_DNS: (&str, Code) = ("NIC-21", Code::InvalidDnsServerIPAddressFormat);

/// The text of addresses.
pub fn addresses(list: &[IpAddr]) -> Vec<Address> {
    list.iter().map(|address| Address(address.to_string())).collect()
}

/// The text of the addresses of DNS servers.
pub fn dns_server_texts(list: &[IpAddr]) -> Vec<DnsServer> {
    list.iter().map(|address| DnsServer(address.to_string())).collect()
}
