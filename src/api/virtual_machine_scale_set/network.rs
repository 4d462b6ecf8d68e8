//! The network of an instance: what users write of it in the model of a scale set, and in one instance alone.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::common::{self, DhcpOptions};
use crate::api::public_ip_address::{self, PublicDnsSettings};
use crate::api::references::ObjectReference;
use crate::api::texts::{ModelPartName, PartName};
use crate::fabric::network_interface::Assignment;
use crate::fabric::public_ip_address::Sku;
use crate::fabric::terms::{DeleteOption, IpVersion, Switch};
use crate::fabric::virtual_machine_scale_set::{ConfigurationModel, NicModel, PublicModel, mark_primary};
use crate::fabric::{Findings, Name, NetworkInterface, PublicIPPrefix, Subnet, limits};

/// The network of an instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct NetworkProfileConfiguration {
    /// The network interfaces of the instance: at least one, of which exactly one is primary.
    #[schemars(length(min = 1, max = limits::NICS_PER_VM), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    #[x_kube(validation = ("self.filter(n, has(n.primary) && n.primary).size() < 2", "only one network interface may be primary: leave primary: true to one of them"))]
    pub network_interface_configurations: Vec<NetworkInterfaceConfiguration>,
}

/// A network interface of an instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct NetworkInterfaceConfiguration {
    /// The name of the network interface, unique within the instance regardless of letter case. The names of objects
    /// contain it in lower case.
    #[schemars(with = "ModelPartName")]
    pub name: String,
    /// Whether this is the primary network interface. Defaults to true if it is the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary: Option<bool>,
    /// What happens to the network interface when the virtual machine of an instance of a Flexible scale set is deleted.
    /// Delete: it is deleted, too. Detach: it is deleted with the instance only. Instances of a Uniform scale set are always
    /// deleted as a whole. Defaults to Detach. May change at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_option: Option<DeleteOption>,
    /// The subnet from which its IP configurations are assigned their addresses. It may change to another subnet of the
    /// same virtual network.
    pub subnet: ObjectReference<Subnet>,
    /// Whether the instance may send and receive traffic whose source or destination is not an address of this network
    /// interface. Defaults to false.
    #[serde(default, rename = "enableIPForwarding", skip_serializing_if = "Option::is_none")]
    pub enable_ip_forwarding: Option<bool>,
    /// Whether traffic bypasses the virtual switch of the host (SR-IOV). Requires a VM size that supports it. Defaults
    /// to false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_accelerated_networking: Option<bool>,
    /// DNS servers of this network interface. Defaults to those of the virtual network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_settings: Option<DhcpOptions>,
    /// The IP configurations: at least one, of which exactly one is primary.
    #[schemars(length(min = 1, max = limits::SECONDARY_CONFIGURATIONS_PER_INSTANCE + 1), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub ip_configurations: Vec<ScaleSetIpConfiguration>,
}

/// An IP configuration assigns the instance one private IP address and optionally one public IP address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScaleSetIpConfiguration {
    /// The name of the IP configuration, unique within the network interface regardless of letter case. The names of
    /// objects contain it in lower case.
    #[schemars(with = "ModelPartName")]
    pub name: String,
    /// Whether this is the primary IP configuration. Defaults to true if it is the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary: Option<bool>,
    /// The IP version of the private address: IPv4 or IPv6. Defaults to IPv4.
    #[serde(default, rename = "privateIPAddressVersion", skip_serializing_if = "Option::is_none")]
    pub private_ip_address_version: Option<IpVersion>,
    /// Assigns a public IP address to every instance. Defaults to none.
    #[serde(default, rename = "publicIPAddressConfiguration", skip_serializing_if = "Option::is_none")]
    pub public_ip_address_configuration: Option<PublicIPAddressConfiguration>,
}

/// The public address of every instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicIPAddressConfiguration {
    /// The name of the public IP address within the IP configuration.
    #[schemars(with = "PartName")]
    pub name: String,
    /// The time in minutes after which an idle flow is closed: 4 to 30. Defaults to 4.
    #[serde(default, rename = "idleTimeoutInMinutes", skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = *limits::IDLE_TIMEOUT_MINUTES.start(), max = *limits::IDLE_TIMEOUT_MINUTES.end()))]
    pub idle_timeout_in_minutes: Option<i32>,
    /// The DNS name. That of instance 0 is vm0.LABEL.LOCATION.cloudapp.azure.com. Defaults to none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_settings: Option<PublicDnsSettings>,
    /// The SKU of the public IP addresses: Basic or Standard. Defaults to Basic. It cannot change while instances have
    /// public addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<InstanceAddressSku>,
    /// The PublicIPPrefix from which the addresses are allocated; requires SKU Standard. Defaults to none: the
    /// addresses come from the platform's pool.
    #[serde(default, rename = "publicIPPrefix", skip_serializing_if = "Option::is_none")]
    pub public_ip_prefix: Option<ObjectReference<PublicIPPrefix>>,
    /// What happens to the public IP address when the virtual machine of an instance of a Flexible scale set is deleted.
    /// Delete: it is deleted, too, if the network interface is. Detach: it is deleted with the instance only. Instances of a
    /// Uniform scale set are always deleted as a whole. Defaults to Detach. May change at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_option: Option<DeleteOption>,
}

/// The SKU of the public addresses of instances.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InstanceAddressSku {
    /// The name of the SKU: Basic or Standard.
    pub name: Sku,
}

/// The network that a spec describes.
pub fn network(from: &Name, asked: &NetworkProfileConfiguration, path: &str, findings: &mut Findings) -> Vec<NicModel> {
    let mut network = Vec::new();
    for (n, nic) in asked.network_interface_configurations.iter().enumerate() {
        let servers = nic.dns_settings.as_ref().map(|dns| dns.dns_servers.as_slice()).unwrap_or_default();
        let path = format!("{path}.networkInterfaceConfigurations[{n}]");
        let mut configurations = Vec::new();
        for (m, asked) in nic.ip_configurations.iter().enumerate() {
            let path = format!("{path}.ipConfigurations[{m}].publicIPAddressConfiguration");
            let public = asked.public_ip_address_configuration.as_ref();
            configurations.push(ConfigurationModel {
                name: asked.name.as_str().into(),
                primary: asked.primary.into(),
                version: asked.private_ip_address_version.unwrap_or_default(),
                assignment: Assignment::Dynamic,
                public_ip_address: public.map(|public| public_model(from, public, &path, findings)),
                public_delete_option: public.and_then(|public| public.delete_option).unwrap_or_default(),
            });
        }
        network.push(NicModel {
            name: nic.name.as_str().into(),
            primary: nic.primary.into(),
            delete_option: nic.delete_option.unwrap_or_default(),
            interface: NetworkInterface {
                subnet: nic.subnet.name_from(from),
                ip_forwarding: nic.enable_ip_forwarding.unwrap_or_default().into(),
                accelerated_networking: nic.enable_accelerated_networking.unwrap_or_default().into(),
                dns_servers: common::dns_servers(
                    servers,
                    common::NIC_DNS,
                    &format!("{path}.dnsSettings.dnsServers"),
                    findings,
                ),
                internal_dns_name_label: None,
                configurations,
            },
        });
    }
    mark_primary(&mut network);
    network
}

fn public_model(from: &Name, asked: &PublicIPAddressConfiguration, path: &str, findings: &mut Findings) -> PublicModel {
    let label = asked.dns_settings.as_ref().map(|dns| dns.domain_name_label.clone());
    if let Some(label) = &label {
        public_ip_address::is_a_label(label, &format!("{path}.dnsSettings.domainNameLabel"), findings);
    }
    PublicModel {
        name: asked.name.clone(),
        sku: asked.sku.as_ref().map(|sku| sku.name).unwrap_or_default(),
        idle_timeout_minutes: asked.idle_timeout_in_minutes.unwrap_or(limits::DEFAULT_IDLE_TIMEOUT_MINUTES),
        domain_name_label: label,
        prefix: asked.public_ip_prefix.as_ref().map(|prefix| prefix.name_from(from)),
    }
}

/// The part of a spec that describes a network, with every default filled in.
pub fn describe_network(network: &[NicModel], from: &Name) -> NetworkProfileConfiguration {
    NetworkProfileConfiguration {
        network_interface_configurations: network.iter().map(|nic| describe_nic(nic, from)).collect(),
    }
}

fn describe_nic(nic: &NicModel, from: &Name) -> NetworkInterfaceConfiguration {
    let dns_servers = common::dns_server_texts(&nic.interface.dns_servers);
    let configurations = nic.interface.configurations.iter().map(|configuration| ScaleSetIpConfiguration {
        name: configuration.name.to_string(),
        primary: configuration.primary.into(),
        private_ip_address_version: Some(configuration.version),
        public_ip_address_configuration: describe_public(configuration, from),
    });
    NetworkInterfaceConfiguration {
        name: nic.name.to_string(),
        primary: nic.primary.into(),
        delete_option: nic.delete_option.described(),
        subnet: ObjectReference::to(&nic.interface.subnet, from),
        enable_ip_forwarding: Some(nic.interface.ip_forwarding == Switch::On),
        enable_accelerated_networking: Some(nic.interface.accelerated_networking == Switch::On),
        dns_settings: (!dns_servers.is_empty()).then_some(DhcpOptions { dns_servers }),
        ip_configurations: configurations.collect(),
    }
}

fn describe_public(configuration: &ConfigurationModel, from: &Name) -> Option<PublicIPAddressConfiguration> {
    let public = configuration.public_ip_address.as_ref()?;
    let label = public.domain_name_label.clone();
    Some(PublicIPAddressConfiguration {
        name: public.name.clone(),
        idle_timeout_in_minutes: Some(public.idle_timeout_minutes),
        dns_settings: label.map(|domain_name_label| PublicDnsSettings { domain_name_label }),
        sku: Some(InstanceAddressSku { name: public.sku }),
        public_ip_prefix: public.prefix.as_ref().map(|prefix| ObjectReference::to(prefix, from)),
        delete_option: configuration.public_delete_option.described(),
    })
}
