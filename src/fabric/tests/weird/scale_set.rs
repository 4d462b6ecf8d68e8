//! Scale sets as nobody meant them.

use proptest::option;
use proptest::prelude::*;

use super::{Spec, dns_server, few, location, name, reference, resource, text, version};
use crate::api::common::DhcpOptions;
use crate::api::public_ip_address::PublicDnsSettings;
use crate::api::virtual_machine_scale_set::{
    InstanceAddressSku, NetworkInterfaceConfiguration, NetworkProfileConfiguration, PublicIPAddressConfiguration,
    RollingUpgradePolicy, ScaleSetIpConfiguration, ScaleSetOsProfile, ScaleSetSku, UpgradePolicy,
    VirtualMachineProfile, VirtualMachineScaleSetSpec,
};
use crate::fabric::public_ip_address::Sku;
use crate::fabric::virtual_machine_scale_set::{OrchestrationMode, UpgradeMode, VirtualMachineScaleSetView};

fn instance_public() -> impl Strategy<Value = PublicIPAddressConfiguration> {
    let label = option::of(text(&["web", "w", "WEB"]));
    let sku = option::of(prop_oneof![Just(Sku::Basic), Just(Sku::Standard)]);
    let minutes = option::of(prop_oneof![4 => Just(4), 1 => any::<i32>()]);
    (name(), minutes, label, sku, option::weighted(0.1, reference())).prop_map(
        |(name, idle_timeout_in_minutes, label, sku, public_ip_prefix)| PublicIPAddressConfiguration {
            name,
            idle_timeout_in_minutes,
            dns_settings: label.map(|domain_name_label| PublicDnsSettings { domain_name_label }),
            sku: sku.map(|name| InstanceAddressSku { name }),
            public_ip_prefix,
            delete_option: None,
        },
    )
}

fn instance_nic() -> impl Strategy<Value = NetworkInterfaceConfiguration> {
    let primary = || option::of(any::<bool>());
    let configuration = (name(), primary(), option::weighted(0.3, version()), option::weighted(0.3, instance_public()));
    let configuration = configuration.prop_map(|(name, primary, private_ip_address_version, public)| {
        ScaleSetIpConfiguration { name, primary, private_ip_address_version, public_ip_address_configuration: public }
    });
    let flags = (option::of(any::<bool>()), option::of(any::<bool>()), option::of(few(dns_server())));
    (name(), primary(), reference(), flags, few(configuration)).prop_map(
        |(name, primary, subnet, (forwards, accelerated, servers), ip_configurations)| NetworkInterfaceConfiguration {
            name,
            primary,
            delete_option: None,
            subnet,
            enable_ip_forwarding: forwards,
            enable_accelerated_networking: accelerated,
            dns_settings: servers.map(|dns_servers| DhcpOptions { dns_servers }),
            ip_configurations,
        },
    )
}

/// The guests' prefix is what a status shows of ids and revisions, too.
pub fn scale_set() -> impl Strategy<Value = Spec> {
    let replicas = prop_oneof![8 => 0i32..5, 1 => any::<i32>()];
    let mode = prop_oneof![Just(OrchestrationMode::Uniform), Just(OrchestrationMode::Flexible)];
    let upgrade = prop_oneof![Just(UpgradeMode::Manual), Just(UpgradeMode::Automatic), Just(UpgradeMode::Rolling)];
    let percent = || prop_oneof![4 => 0i32..101, 1 => any::<i32>()];
    let rolling = option::of((percent(), percent(), text(&["PT30S", "PT0S", "P1D", "PT9999999999H"])));
    let size = text(&["Standard_D2s_v3", "standard_d8s_V3", "Standard_D2s-v3"]);
    let prefix = option::of(text(&["0", "0-3", "5,2", "18446744073709551615", "9223372036854775807"]));
    (location(), (replicas, mode), (upgrade, rolling), size, prefix, few(instance_nic())).prop_map(
        |(location, (replicas, orchestration_mode), (mode, rolling), size, computer_name_prefix, nics)| {
            Spec::VirtualMachineScaleSet(VirtualMachineScaleSetSpec {
                resource: resource(location),
                replicas,
                orchestration_mode,
                zones: Vec::new(),
                sku: ScaleSetSku { name: size },
                upgrade_policy: UpgradePolicy {
                    mode,
                    rolling_upgrade_policy: rolling.map(|(batch, unhealthy, pause)| RollingUpgradePolicy {
                        max_batch_instance_percent: batch,
                        max_unhealthy_instance_percent: unhealthy,
                        pause_time_between_batches: pause,
                    }),
                },
                virtual_machine_profile: VirtualMachineProfile {
                    os_profile: Some(ScaleSetOsProfile { computer_name_prefix, os_type: None }),
                    network_profile: NetworkProfileConfiguration { network_interface_configurations: nics },
                },
            })
        },
    )
}

/// A status that shows whatever the guests' names begin with.
pub fn scale_set_view(spec: &VirtualMachineScaleSetSpec) -> VirtualMachineScaleSetView {
    let os = spec.virtual_machine_profile.os_profile.as_ref();
    let told = os.and_then(|os| os.computer_name_prefix.clone()).unwrap_or_default();
    VirtualMachineScaleSetView {
        next_instance_id: told.parse().ok(),
        update_revision: Some(told.clone()),
        pending_instance_ids: told.clone(),
        taken_over_instance_ids: told.clone(),
        instance_ids: told,
        ..VirtualMachineScaleSetView::default()
    }
}
