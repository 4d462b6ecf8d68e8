//! NetworkInterface: what users write.
//!
//! CEL refuses what breaks IPC-02, IP6-01, IP6-03, IP6-04 or ADDR-09; the translation refuses addresses that cannot be
//! read (ADDR-09, NIC-21).

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::common::{self, Address, DnsServer, TrackedResource};
use super::references::{ObjectReference, PublicIPAddressReference};
use super::status::Status;
use super::texts::{DnsLabel, PartName};
use super::{About, Api};
use crate::fabric::limits;
use crate::fabric::network_interface::{Assignment, IpConfiguration, NetworkInterfaceView};
use crate::fabric::terms::{AllocationMethod, IpVersion, Switch};
use crate::fabric::{Findings, Name, NetworkInterface, Subnet, Violation};

/// A network interface connects a virtual machine to a subnet and holds its private and public IP addresses.
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
        description = "The virtual machine to which it is attached."
    ),
    printcolumn(
        name = "MAC",
        type_ = "string",
        json_path = ".status.macAddress",
        description = "The MAC address, assigned at the first start of the virtual machine.",
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
    /// What every resource has.
    #[serde(flatten)]
    pub resource: TrackedResource,
    /// The subnet from which all IP configurations are assigned their addresses. It may change to another subnet of the
    /// same virtual network if every IP configuration is Dynamic.
    pub subnet: ObjectReference<Subnet>,
    /// Whether the virtual machine may send and receive traffic whose source or destination is not an address of this
    /// network interface. May change at any time.
    #[serde(default, rename = "enableIPForwarding")]
    pub enable_ip_forwarding: bool,
    /// Whether traffic bypasses the virtual switch of the host (SR-IOV). Requires a virtual machine size that supports
    /// it. Enabling it requires that the virtual machine is stopped or deallocated.
    #[serde(default)]
    pub enable_accelerated_networking: bool,
    /// DNS settings of this network interface. Defaults to those of the virtual network. May change at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_settings: Option<NicDnsSettings>,
    /// The IP configurations: at least one, of which exactly one is primary.
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
    /// IP addresses of DNS servers that replace those of the virtual network: at most 20. Defaults to those of the
    /// virtual network.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::DNS_SERVERS), extend("x-kubernetes-list-type" = "atomic"))]
    pub dns_servers: Vec<DnsServer>,
    /// The name of the network interface for name resolution within its virtual network. Defaults to none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DnsLabel>")]
    pub internal_dns_name_label: Option<String>,
}

/// An IP configuration assigns one private IP address and optionally one public IP address.
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
    /// The name of the IP configuration, unique within the network interface.
    #[schemars(with = "PartName")]
    pub name: String,
    /// Whether this is the primary IP configuration, whose address the guest receives by DHCP. Defaults to true if it
    /// is the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary: Option<bool>,
    /// The IP version of the private address: IPv4 or IPv6. Defaults to IPv4.
    #[serde(default, rename = "privateIPAddressVersion", skip_serializing_if = "Option::is_none")]
    pub private_ip_address_version: Option<IpVersion>,
    /// How the private address is assigned. Dynamic: the lowest free address of the subnet, which is then kept. Static:
    /// the address in privateIPAddress. Defaults to Dynamic.
    #[serde(default, rename = "privateIPAllocationMethod", skip_serializing_if = "Option::is_none")]
    pub private_ip_allocation_method: Option<AllocationMethod>,
    /// The private IP address to assign if the allocation method is Static, such as 10.0.1.10. If it is omitted, a
    /// configuration that changes from Dynamic to Static keeps its current address. Ignored if the method is Dynamic.
    #[serde(default, rename = "privateIPAddress", skip_serializing_if = "Option::is_none")]
    pub private_ip_address: Option<Address>,
    /// The PublicIPAddress to associate with this IP configuration. Defaults to none. May change at any time.
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
        findings.into_result(ask)
    }

    fn describe(&self, name: &Name, location: &str) -> NetworkInterfaceSpec {
        let dns = NicDnsSettings {
            dns_servers: common::dns_server_texts(&self.dns_servers),
            internal_dns_name_label: self.internal_dns_name_label.clone(),
        };
        NetworkInterfaceSpec {
            resource: TrackedResource::in_location(location),
            subnet: ObjectReference::to(&self.subnet, name),
            enable_ip_forwarding: self.ip_forwarding == Switch::On,
            enable_accelerated_networking: self.accelerated_networking == Switch::On,
            dns_settings: (dns != NicDnsSettings::default()).then_some(dns),
            ip_configurations: self.configurations.iter().map(|asked| describe_configuration(asked, name)).collect(),
        }
    }

    fn tracked(spec: &NetworkInterfaceSpec) -> Option<&TrackedResource> {
        Some(&spec.resource)
    }
}

/// An address beside Dynamic is ignored (S-17, ADDR-03); Static without one keeps the current one (IPC-09).
fn assignment(n: usize, asked: &IpConfigurationSpec, findings: &mut Findings) -> Assignment {
    let path = || format!("spec.ipConfigurations[{n}].privateIPAddress");
    match (asked.private_ip_allocation_method.unwrap_or_default(), &asked.private_ip_address) {
        (AllocationMethod::Static, Some(text)) => {
            let address = common::private_address(text, "ADDR-09", path(), findings);
            address.map_or(Assignment::KeepCurrent, Assignment::Static)
        }
        (AllocationMethod::Static, None) => Assignment::KeepCurrent,
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
        Assignment::KeepCurrent => (AllocationMethod::Static, None),
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
