//! Parts of specs that several kinds share, and the reading of addresses and prefixes.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::texts::{NamespaceName, ObjectName};
use crate::fabric::limits;
use crate::fabric::sizes::{self, VmSize};
use crate::fabric::terms::DeleteOption;
use crate::fabric::zones::{self, Zone, Zones};
use crate::fabric::{Code, Findings, Name};

/// Free text for people and their tools; the fabric reads nothing in it.
pub type Tags = BTreeMap<String, Tag>;

/// What a tag says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline, extend("maxLength" = 256))]
pub struct Tag(pub String);

/// An object of the same namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
pub struct LocalReference {
    /// Name of the object.
    #[schemars(with = "ObjectName")]
    pub name: String,
}

/// An object of this or another namespace of the same subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
pub struct ObjectReference {
    /// Name of the object.
    #[schemars(with = "ObjectName")]
    pub name: String,
    /// Its namespace; this object's own if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NamespaceName>")]
    pub namespace: Option<String>,
}

/// A public address of this or another namespace of the same subscription, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
pub struct PublicIPAddressReference {
    /// Name of the PublicIPAddress.
    #[schemars(with = "ObjectName")]
    pub name: String,
    /// Its namespace; this object's own if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NamespaceName>")]
    pub namespace: Option<String>,
    /// Delete: when the virtual machine is deleted, and takes this network interface along, the public address is
    /// deleted, too; it must be of this namespace. Detach: it stays. Default: Detach. It may change at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_option: Option<DeleteOption>,
}

/// An IP address as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(
    inline,
    extend("maxLength" = 45, "x-kubernetes-validations" = [
        {"rule": "isIP(self)", "message": "must be an IP address, such as 10.0.1.10"},
    ])
)]
pub struct Address(pub String);

/// The address of a DNS server as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(
    inline,
    extend("maxLength" = 45, "x-kubernetes-validations" = [
        {"rule": "isIP(self)", "message": "must be an IP address, such as 10.0.0.4; for Azure's DNS, leave the list out"},
    ])
)]
pub struct DnsServer(pub String);

/// A range of addresses in CIDR notation, without host bits.
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
    /// Addresses of DNS servers. None means the platform's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::DNS_SERVERS), extend("x-kubernetes-list-type" = "atomic"))]
    pub dns_servers: Vec<DnsServer>,
}

impl LocalReference {
    /// A reference to `target`, which is in the same namespace.
    pub fn to(target: &Name) -> Self {
        Self { name: target.name.to_string() }
    }

    /// The name that this means in the namespace of `from`.
    pub fn name_from(&self, from: &Name) -> Name {
        Name { namespace: from.namespace.clone(), name: self.name.as_str().into() }
    }
}

impl ObjectReference {
    /// A reference from an object to `target`; the namespace is left out where it is the same.
    pub fn to(target: &Name, from: &Name) -> Self {
        let foreign = target.namespace != from.namespace;
        Self { name: target.name.to_string(), namespace: foreign.then(|| target.namespace.to_string()) }
    }

    /// The name that this means in an object called `from`.
    pub fn name_from(&self, from: &Name) -> Name {
        let namespace = self.namespace.as_deref().map_or_else(|| from.namespace.clone(), Arc::from);
        Name { namespace, name: self.name.as_str().into() }
    }
}

impl PublicIPAddressReference {
    /// A reference from an object to `target`.
    pub fn to(target: &Name, from: &Name, delete_option: DeleteOption) -> Self {
        let ObjectReference { name, namespace } = ObjectReference::to(target, from);
        Self { name, namespace, delete_option: delete_option.described() }
    }

    /// The name that this means in an object called `from`.
    pub fn name_from(&self, from: &Name) -> Name {
        ObjectReference { name: self.name.clone(), namespace: self.namespace.clone() }.name_from(from)
    }
}

/// Reads a private address; `rule` says what it is for.
pub fn private_address(text: &Address, rule: &'static str, path: String, findings: &mut Findings) -> Option<IpAddr> {
    let address = text.0.parse().ok();
    if address.is_none() {
        findings.under(rule).refuse(
            Code::InvalidPrivateIPAddressFormat,
            path,
            format!("{:?} is no IP address.", text.0),
            "Write an address such as 10.0.1.10.",
        );
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
            findings.under(rule).refuse(
                code,
                format!("{path}[{n}]"),
                format!("{:?} is not a valid IP address.", text.0),
                "Write the address of the DNS server, such as 10.0.0.4. For Azure's DNS, leave the list out.",
            );
        }
        server
    };
    list.iter().enumerate().filter_map(&mut read).collect()
}

/// Reads a list of availability zones (PIP-27).
pub fn zones(list: &[Zone], findings: &mut Findings) -> Zones {
    for (n, zone) in list.iter().enumerate() {
        if list.iter().take(n).any(|other| other == zone) {
            findings.under("PIP-27").refuse(
                Code::InvalidParameter,
                format!("{}[{n}]", zones::PATH),
                format!("Zone {zone} is listed twice."),
                "List each zone once.",
            );
        }
    }
    list.iter().copied().collect()
}

/// Reads a range, without host bits (S-16); `rule` says what it is for.
pub fn prefix(text: &Prefix, rule: &'static str, path: String, findings: &mut Findings) -> Option<IpNet> {
    let Ok(prefix) = text.0.parse::<IpNet>() else {
        findings.under(rule).refuse(
            Code::InvalidAddressPrefixFormat,
            path,
            format!("{:?} is no range in CIDR notation.", text.0),
            "Write a range such as 10.0.0.0/16.",
        );
        return None;
    };
    if prefix.addr() == prefix.network() {
        return Some(prefix);
    }
    findings.under("S-16").refuse(
        Code::InvalidCIDRNotation,
        path,
        format!("{prefix} has host bits set."),
        format!("Write {}.", prefix.trunc()),
    );
    None
}

/// Reads the name of a VM size (S-35).
pub fn vm_size(name: &str, path: &str, findings: &mut Findings) -> Option<&'static VmSize> {
    let size = sizes::vm_size(name);
    if size.is_none() {
        findings.under("S-35").refuse(
            Code::InvalidParameter,
            path,
            format!("{name:?} is not a known VM size."),
            format!("Choose one, such as {}.", sizes::nearest_vm_sizes(name).join(", ")),
        );
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
