//! NetworkInterface: what users write.
//!
//! CEL refuses what breaks IPC-02, IP6-01, IP6-03, IP6-04 or ADDR-09; the translation refuses addresses that cannot be
//! read (ADDR-09, NIC-21).

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::common::{self, Address, DnsServer, ObjectReference, PublicIPAddressReference, Tags};
use super::status::Status;
use super::texts::{DnsLabel, Location, PartName};
use super::{About, Api};
use crate::fabric::limits;
use crate::fabric::network_interface::{Assignment, IpConfiguration, NetworkInterfaceView};
use crate::fabric::terms::{AllocationMethod, IpVersion, Switch};
use crate::fabric::{Findings, Name, NetworkInterface, Violation};

/// A network interface: the connection of a virtual machine to a subnet, with its addresses.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "vnet.dev",
    version = "v1alpha1",
    kind = "NetworkInterface",
    root = "NetworkInterfaceObject",
    doc = "A network interface (NIC) of the simulated fabric, in Azure's model.",
    status = "Status<NetworkInterfaceView>",
    namespaced,
    shortname = "nic",
    category = "azure",
    printcolumn(
        name = "Private-IP",
        type_ = "string",
        json_path = ".status.ipConfigurations[0].privateIPAddress",
        description = "The private address of the primary IP configuration."
    ),
    printcolumn(
        name = "Public-IP",
        type_ = "string",
        json_path = ".status.ipConfigurations[0].publicIPAddress.ipAddress",
        description = "The public address of the primary IP configuration."
    ),
    printcolumn(
        name = "VM",
        type_ = "string",
        json_path = ".status.virtualMachine.name",
        description = "The virtual machine that it is attached to."
    ),
    printcolumn(
        name = "MAC",
        type_ = "string",
        json_path = ".status.macAddress",
        description = "The MAC address, from the first start of the virtual machine on.",
        priority = 1
    ),
    printcolumn(
        name = "Subnet",
        type_ = "string",
        json_path = ".spec.subnet.name",
        description = "The subnet.",
        priority = 1
    )
)]
#[serde(rename_all = "camelCase")]
pub struct NetworkInterfaceSpec {
    /// Azure region. Default: the Namespace's label vnet.dev/location, else the operator's default. Fixed once programmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Location>")]
    pub location: Option<String>,
    /// Free text for people and their tools.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    #[schemars(extend("maxProperties" = 50))]
    pub tags: Tags,
    /// The subnet that all IP configurations take their addresses from. It may change to another one of the same virtual
    /// network, while every configuration is Dynamic.
    pub subnet: ObjectReference,
    /// Whether the virtual machine may receive and send traffic of addresses that are not its own.
    #[serde(default, rename = "enableIPForwarding")]
    pub enable_ip_forwarding: bool,
    /// Whether traffic bypasses the host's virtual switch; needs a virtual machine size that supports it.
    #[serde(default)]
    pub enable_accelerated_networking: bool,
    /// Name resolution of this network interface alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_settings: Option<NicDnsSettings>,
    /// The IP configurations; exactly one is primary.
    #[schemars(length(min = 1, max = limits::PRIVATE_ADDRESSES), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    #[x_kube(validation = ("self.filter(c, has(c.primary) && c.primary).size() < 2", "only one configuration may be primary: leave primary: true to one of them"))]
    #[x_kube(validation = (
        "self.all(c, !(has(c.primary) && c.primary && has(c.privateIPAddressVersion) && c.privateIPAddressVersion == 'IPv6'))",
        "the primary configuration is IPv4: make an IPv4 configuration primary: true"
    ))]
    pub ip_configurations: Vec<IpConfigurationSpec>,
}

/// Name resolution of a network interface.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct NicDnsSettings {
    /// Addresses of DNS servers, instead of those of the virtual network.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::DNS_SERVERS), extend("x-kubernetes-list-type" = "atomic"))]
    pub dns_servers: Vec<DnsServer>,
    /// Name of the network interface inside its virtual network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DnsLabel>")]
    pub internal_dns_name_label: Option<String>,
}

/// One private address, and at most one public one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new(
    "!(has(self.privateIPAddressVersion) && self.privateIPAddressVersion == 'IPv6' && has(self.privateIPAllocationMethod) && self.privateIPAllocationMethod == 'Static')",
).message(
    "an IPv6 configuration is Dynamic: leave privateIPAllocationMethod out",
).field_path(".privateIPAllocationMethod"))]
#[x_kube(validation = Rule::new(
    "!(has(self.privateIPAddressVersion) && self.privateIPAddressVersion == 'IPv6' && has(self.publicIPAddress))",
).message(
    "an IPv6 configuration holds no public address: leave publicIPAddress out",
).field_path(".publicIPAddress"))]
pub struct IpConfigurationSpec {
    /// Name, unique in the network interface.
    #[schemars(with = "PartName")]
    pub name: String,
    /// Whether it is the primary configuration, whose address the guest gets by DHCP. Default: true if it is the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary: Option<bool>,
    /// The IP version. Default: IPv4.
    #[serde(default, rename = "privateIPAddressVersion", skip_serializing_if = "Option::is_none")]
    pub private_ip_address_version: Option<IpVersion>,
    /// Dynamic: the lowest free address of the subnet, kept. Static: the address in privateIPAddress. Default: Dynamic.
    #[serde(default, rename = "privateIPAllocationMethod", skip_serializing_if = "Option::is_none")]
    pub private_ip_allocation_method: Option<AllocationMethod>,
    /// The address of a Static configuration, such as 10.0.1.10. Left out, a configuration that becomes Static keeps its
    /// address. With Dynamic it is ignored.
    #[serde(default, rename = "privateIPAddress", skip_serializing_if = "Option::is_none")]
    pub private_ip_address: Option<Address>,
    /// The public address that it holds.
    #[serde(default, rename = "publicIPAddress", skip_serializing_if = "Option::is_none")]
    pub public_ip_address: Option<PublicIPAddressReference>,
}

impl Api for NetworkInterface {
    type Spec = NetworkInterfaceSpec;
    type Object = NetworkInterfaceObject;

    fn translate(about: &About, spec: &NetworkInterfaceSpec) -> Result<Self, Vec<Violation>> {
        let mut findings = Findings::default();
        let dns = spec.dns_settings.clone().unwrap_or_default();
        let listed = spec.ip_configurations.iter().enumerate();
        let configurations = listed.map(|(n, asked)| IpConfiguration {
            name: asked.name.as_str().into(),
            primary: asked.primary.into(),
            version: asked.private_ip_address_version.unwrap_or_default(),
            assignment: assignment(n, asked, &mut findings),
            public_ip_address: asked.public_ip_address.as_ref().map(|public| public.name_from(&about.name)),
            public_delete_option: asked
                .public_ip_address
                .as_ref()
                .and_then(|public| public.delete_option)
                .unwrap_or_default(),
        });
        let ask = Self {
            subnet: spec.subnet.name_from(&about.name),
            ip_forwarding: spec.enable_ip_forwarding.into(),
            accelerated_networking: spec.enable_accelerated_networking.into(),
            configurations: configurations.collect(),
            dns_servers: common::dns_servers(
                &dns.dns_servers,
                common::NIC_DNS,
                "spec.dnsSettings.dnsServers",
                &mut findings,
            ),
            internal_dns_name_label: dns.internal_dns_name_label,
        };
        findings.or(ask)
    }

    fn describe(&self, name: &Name, location: &str) -> NetworkInterfaceSpec {
        let dns = NicDnsSettings {
            dns_servers: common::dns_server_texts(&self.dns_servers),
            internal_dns_name_label: self.internal_dns_name_label.clone(),
        };
        NetworkInterfaceSpec {
            location: Some(location.to_owned()),
            tags: Tags::new(),
            subnet: ObjectReference::to(&self.subnet, name),
            enable_ip_forwarding: self.ip_forwarding == Switch::On,
            enable_accelerated_networking: self.accelerated_networking == Switch::On,
            dns_settings: (dns != NicDnsSettings::default()).then_some(dns),
            ip_configurations: self.configurations.iter().map(|asked| describe_configuration(asked, name)).collect(),
        }
    }

    fn location(spec: &NetworkInterfaceSpec) -> Option<&str> {
        spec.location.as_deref()
    }
}

/// An address beside Dynamic is ignored (S-17, ADDR-03); Static without one keeps the current one (IPC-09).
fn assignment(n: usize, asked: &IpConfigurationSpec, findings: &mut Findings) -> Assignment {
    let path = || format!("spec.ipConfigurations[{n}].privateIPAddress");
    match (asked.private_ip_allocation_method.unwrap_or_default(), &asked.private_ip_address) {
        (AllocationMethod::Static, Some(text)) => {
            let address = common::private_address(text, "ADDR-09", path(), findings);
            address.map_or(Assignment::StaticAsIs, Assignment::Static)
        }
        (AllocationMethod::Static, None) => Assignment::StaticAsIs,
        (AllocationMethod::Dynamic, Some(text)) => {
            common::private_address(text, "ADDR-09", path(), findings);
            Assignment::Dynamic
        }
        (AllocationMethod::Dynamic, None) => Assignment::Dynamic,
    }
}

fn describe_configuration(asked: &IpConfiguration, name: &Name) -> IpConfigurationSpec {
    let (method, address) = match asked.assignment {
        Assignment::Dynamic => (AllocationMethod::Dynamic, None),
        Assignment::Static(address) => (AllocationMethod::Static, Some(Address(address.to_string()))),
        Assignment::StaticAsIs => (AllocationMethod::Static, None),
    };
    IpConfigurationSpec {
        name: asked.name.to_string(),
        primary: asked.primary.into(),
        private_ip_address_version: Some(asked.version),
        private_ip_allocation_method: Some(method),
        private_ip_address: address,
        public_ip_address: asked
            .public_ip_address
            .as_ref()
            .map(|public| PublicIPAddressReference::to(public, name, asked.public_delete_option)),
    }
}
