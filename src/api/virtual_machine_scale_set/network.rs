//! The network of an instance: what users write of it in the model of a scale set, and in one instance alone.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::common::{self, DhcpOptions, ObjectReference};
use crate::api::public_ip_address::{self, PublicDnsSettings};
use crate::api::texts::{ModelPartName, PartName};
use crate::fabric::public_ip_address::Sku;
use crate::fabric::terms::{DeleteOption, IpVersion, Switch};
use crate::fabric::virtual_machine_scale_set::{ConfigurationModel, NicModel, PublicModel, mark_primary};
use crate::fabric::{Findings, Name, limits};

/// The network of an instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct NetworkProfileConfiguration {
    /// The network interfaces of the instance; exactly one is primary.
    #[schemars(length(min = 1, max = limits::NICS_PER_VM), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    #[x_kube(validation = ("self.filter(n, has(n.primary) && n.primary).size() < 2", "only one network interface may be primary: leave primary: true to one of them"))]
    pub network_interface_configurations: Vec<NetworkInterfaceConfiguration>,
}

/// A network interface of an instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct NetworkInterfaceConfiguration {
    /// Name, unique in the instance; letter case makes no difference. Objects are named after it in lower case.
    #[schemars(with = "ModelPartName")]
    pub name: String,
    /// Whether it is the primary one. Default: true if it is the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary: Option<bool>,
    /// Delete: in a Flexible set, it is deleted with the virtual machine of its instance. Detach: it goes only when its
    /// instance does. In a Uniform set it goes with its instance in any case. Default: Detach. It may change at any
    /// time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_option: Option<DeleteOption>,
    /// The subnet that its IP configurations take their addresses from.
    pub subnet: ObjectReference,
    /// Whether the instance may receive and send traffic of addresses that are not its own. Default: false.
    #[serde(default, rename = "enableIPForwarding", skip_serializing_if = "Option::is_none")]
    pub enable_ip_forwarding: Option<bool>,
    /// Whether traffic bypasses the host's virtual switch; needs a size that supports it. Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_accelerated_networking: Option<bool>,
    /// DNS servers of this network interface alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_settings: Option<DhcpOptions>,
    /// The IP configurations; exactly one is primary.
    #[schemars(length(min = 1, max = limits::SECONDARY_CONFIGURATIONS_PER_INSTANCE + 1), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub ip_configurations: Vec<ScaleSetIpConfiguration>,
}

/// One private address of an instance, and at most one public one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScaleSetIpConfiguration {
    /// Name, unique in the network interface; letter case makes no difference. Objects are named after it in lower case.
    #[schemars(with = "ModelPartName")]
    pub name: String,
    /// Whether it is the primary configuration. Default: true if it is the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary: Option<bool>,
    /// The IP version. Default: IPv4.
    #[serde(default, rename = "privateIPAddressVersion", skip_serializing_if = "Option::is_none")]
    pub private_ip_address_version: Option<IpVersion>,
    /// Gives every instance a public address of its own.
    #[serde(default, rename = "publicIPAddressConfiguration", skip_serializing_if = "Option::is_none")]
    pub public_ip_address_configuration: Option<PublicIPAddressConfiguration>,
}

/// The public address of every instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicIPAddressConfiguration {
    /// What it is called.
    #[schemars(with = "PartName")]
    pub name: String,
    /// Minutes that an idle flow is kept. Default: 4.
    #[serde(default, rename = "idleTimeoutInMinutes", skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = *limits::IDLE_TIMEOUT_MINUTES.start(), max = *limits::IDLE_TIMEOUT_MINUTES.end()))]
    pub idle_timeout_in_minutes: Option<i32>,
    /// The domain name: instance 0 is called vm0.LABEL.LOCATION.cloudapp.azure.com.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_settings: Option<PublicDnsSettings>,
    /// The SKU. Default: Basic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<InstanceAddressSku>,
    /// The public prefix that the addresses are taken from; Standard only.
    #[serde(default, rename = "publicIPPrefix", skip_serializing_if = "Option::is_none")]
    pub public_ip_prefix: Option<ObjectReference>,
    /// Delete: in a Flexible set, it is deleted with the virtual machine of its instance, if the network interface is.
    /// Detach: it goes only when its instance does. In a Uniform set it goes with its instance in any case. Default:
    /// Detach. It may change at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_option: Option<DeleteOption>,
}

/// The SKU of the public addresses of instances.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InstanceAddressSku {
    /// Basic or Standard.
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
                public: public.map(|public| public_model(from, public, &path, findings)),
            });
        }
        network.push(NicModel {
            name: nic.name.as_str().into(),
            primary: nic.primary.into(),
            delete_option: nic.delete_option.unwrap_or_default(),
            subnet: nic.subnet.name_from(from),
            ip_forwarding: nic.enable_ip_forwarding.unwrap_or_default().into(),
            accelerated_networking: nic.enable_accelerated_networking.unwrap_or_default().into(),
            dns_servers: common::dns_servers(
                servers,
                common::NIC_DNS,
                &format!("{path}.dnsSettings.dnsServers"),
                findings,
            ),
            configurations,
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
        delete_option: asked.delete_option.unwrap_or_default(),
    }
}

/// The part of a spec that describes a network, with every default filled in.
pub fn describe_network(network: &[NicModel], from: &Name) -> NetworkProfileConfiguration {
    NetworkProfileConfiguration {
        network_interface_configurations: network.iter().map(|nic| describe_nic(nic, from)).collect(),
    }
}

fn describe_nic(nic: &NicModel, from: &Name) -> NetworkInterfaceConfiguration {
    let dns_servers = common::dns_server_texts(&nic.dns_servers);
    let configurations = nic.configurations.iter().map(|configuration| ScaleSetIpConfiguration {
        name: configuration.name.to_string(),
        primary: configuration.primary.into(),
        private_ip_address_version: Some(configuration.version),
        public_ip_address_configuration: configuration.public.as_ref().map(|public| describe_public(public, from)),
    });
    NetworkInterfaceConfiguration {
        name: nic.name.to_string(),
        primary: nic.primary.into(),
        delete_option: nic.delete_option.described(),
        subnet: ObjectReference::to(&nic.subnet, from),
        enable_ip_forwarding: Some(nic.ip_forwarding == Switch::On),
        enable_accelerated_networking: Some(nic.accelerated_networking == Switch::On),
        dns_settings: (!dns_servers.is_empty()).then_some(DhcpOptions { dns_servers }),
        ip_configurations: configurations.collect(),
    }
}

fn describe_public(public: &PublicModel, from: &Name) -> PublicIPAddressConfiguration {
    let label = public.domain_name_label.clone();
    PublicIPAddressConfiguration {
        name: public.name.clone(),
        idle_timeout_in_minutes: Some(public.idle_timeout_minutes),
        dns_settings: label.map(|domain_name_label| PublicDnsSettings { domain_name_label }),
        sku: Some(InstanceAddressSku { name: public.sku }),
        public_ip_prefix: public.prefix.as_ref().map(|prefix| ObjectReference::to(prefix, from)),
        delete_option: public.delete_option.described(),
    }
}
