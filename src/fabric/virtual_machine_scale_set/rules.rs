//! The rules of scale sets: the table. The checks of the set itself are in `set`, those of the network of an instance in
//! `network`, and those of space in `room`.

mod network;
mod room;
mod set;

use super::VirtualMachineScaleSet;
use crate::fabric::resource::{AtApply, Case, Cures, DeletionRule, Rule, Scope};
use crate::fabric::violation::{Code, Findings};
use crate::fabric::zones;
pub(super) use network::Beside;
pub(in crate::fabric) use network::{Network, parts_are_legal, size_takes, skus_do_not_mix};
use network::{
    labels_are_free, labels_are_not_reserved, names_differ, network_is_fixed, nics_are_few, nics_are_in_one_network,
    one_nic_is_primary, parts_keep_to_it, secondary_configurations_are_few, size_supports_acceleration,
};
pub(in crate::fabric) use room::{NO_ROOM, Needed, NeededBy, added_ipv6, pool_has_room};
use room::{no_upgrade_adds_ipv6, own_networks_fit, pools_have_room};

type SetCase<'a> = Case<'a, VirtualMachineScaleSet>;

pub(super) const PROFILE: &str = "spec.virtualMachineProfile.networkProfile";

/// Makes the rules of scale sets. Those of the network of an instance hold for the model of a set, and as
/// [`network_is_legal`] for what one instance has of its own.
macro_rules! rules {
    (
        of_the_set: [$($of_the_set:expr,)*]
        of_the_network: [$(Rule {
            id: $id:literal,
            scope: $scope:expr,
            says: $says:literal,
            codes: $codes:expr,
            cure: $cure:expr,
            at_apply: $at_apply:expr,
            remedy: $remedy:literal,
            source: $source:literal,
            check: $check:ident,
        },)*]
        of_its_instances: [$($of_its_instances:expr,)*]
    ) => {
        pub(super) const RULES: &[Rule<VirtualMachineScaleSet>] = &[
            $($of_the_set,)*
            $(Rule {
                id: $id,
                scope: $scope,
                says: $says,
                codes: $codes,
                cure: $cure,
                at_apply: $at_apply,
                remedy: $remedy,
                source: $source,
                check: |case, findings| $check(&Network::of_the_model(case), findings),
            },)*
            $($of_its_instances,)*
        ];

        /// Every rule of the network of an instance; the ids are those of the rules.
        pub(in crate::fabric) fn network_is_legal(network: &Network<'_>, findings: &mut Findings) {
            $($check(network, findings.under($id));)*
        }
    };
}

rules! {
    of_the_set: [
        Rule {
            id: "VMSS-26",
            scope: Scope::State,
            says: "The orchestration mode of a scale set is fixed at creation.",
            codes: &[Code::PropertyChangeNotAllowed],
            cure: Cures::Stalls,
            at_apply: None,
            remedy: "Create another scale set.",
            source: "azure-docs upgrade-scale-set.md",
            check: set::mode_is_fixed,
        },
        Rule {
            id: "PIP-27",
            scope: Scope::State,
            says: "The zones of a scale set are fixed at creation, and each is listed once.",
            codes: &[Code::InvalidParameter, Code::PropertyChangeNotAllowed],
            cure: Cures::Stalls,
            at_apply: None,
            remedy: "Keep the zones, or create another scale set.",
            source: "azure-docs availability-zones",
            check: zones::are_fixed,
        },
        Rule {
            id: "VMSS-01",
            scope: Scope::Spec,
            says: "A scale set has at most 1,000 instances.",
            codes: &[Code::InvalidParameter],
            cure: Cures::Stalls,
            at_apply: Some(AtApply::Schema),
            remedy: "Ask for at most 1,000.",
            source: "limits of the service",
            check: set::instances_are_few,
        },
        Rule {
            id: "ARM-10",
            scope: Scope::Spec,
            says: "The name of a scale set has at most 63 characters, and those of the objects that it makes at most 80.",
            codes: &[Code::InvalidResourceName],
            cure: Cures::Stalls,
            at_apply: None,
            remedy: "Create the scale set under a shorter name.",
            source: "kyma cloud-manager; the name is the value of a label",
            check: set::names_are_short,
        },
        Rule {
            id: "PIP-15",
            scope: Scope::Spec,
            says: "A domain name label of a Flexible scale set leaves room for the ids of instances, whose labels are made of it.",
            codes: &[Code::InvalidDomainNameLabel],
            cure: Cures::Stalls,
            at_apply: None,
            remedy: "Choose a shorter label.",
            source: "recorded; S-33",
            check: set::labels_are_short,
        },
        Rule {
            id: "S-33",
            scope: Scope::Spec,
            says: "The public addresses of an instance of a Flexible scale set are objects, each of its own name.",
            codes: &[Code::DuplicateResourceName],
            cure: Cures::Stalls,
            at_apply: None,
            remedy: "Rename a network interface or a configuration.",
            source: "this project",
            check: set::objects_have_names_of_their_own,
        },
        Rule {
            id: "IPC-15",
            scope: Scope::Spec,
            says: "The network interfaces of an instance of a Flexible scale set have at most 256 IP configurations together: they are a virtual machine's.",
            codes: &[Code::InvalidParameter],
            cure: Cures::Stalls,
            at_apply: None,
            remedy: "List at most 256.",
            source: "azure-virtual-network-limits.md; S-17",
            check: set::configurations_are_few,
        },
        Rule {
            id: "VMSS-47",
            scope: Scope::State,
            says: "The SKU of the public addresses of instances is fixed while the model has their configuration.",
            codes: &[Code::SkuCannotBeUpdatedOnVMSSPublicIpAddresses],
            cure: Cures::Stalls,
            at_apply: None,
            remedy: "Remove the configuration, upgrade the instances, add it with the other SKU, and upgrade them again.",
            source: "Azure/AzLoadBalancerMigration#11; terraform-provider-azurerm#24448",
            check: set::public_skus_are_fixed,
        },
        Rule {
            id: "VMSS-28",
            scope: Scope::Spec,
            says: "A batch of a Rolling upgrade has at least 5 percent of the instances.",
            codes: &[Code::InvalidParameter],
            cure: Cures::Stalls,
            at_apply: Some(AtApply::Schema),
            remedy: "Write a number from 5 to 100.",
            source: "upgrade-scale-set.md",
            check: set::batches_are_large,
        },
    ]
    of_the_network: [
        Rule {
            id: "VMSS-30",
            scope: Scope::References,
            says: "The network interfaces and public addresses of an instance keep to every rule of their kinds that looks at the spec or its references; the violation has the id of the rule that is broken.",
            codes: &[Code::InvalidResourceReference, Code::InvalidParameter],
            cure: Cures::Either,
            at_apply: None,
            remedy: "As the rule that is broken says.",
            source: "[VMSS] multiple IP addresses per NIC",
            check: parts_are_legal,
        },
        Rule {
            id: "IPC-02",
            scope: Scope::Spec,
            says: "Exactly one IP configuration of a network interface of an instance is primary; the only one is, also if it says primary: false.",
            codes: &[Code::VMScaleSetNetworkInterfaceConfigurationMustHaveOneIpConfigAsPrimary, Code::InvalidParameter],
            cure: Cures::Stalls,
            at_apply: None,
            remedy: "Mark exactly one primary.",
            source: "terraform-provider-azurerm#2035",
            check: parts_keep_to_it,
        },
        Rule {
            id: "IPC-10",
            scope: Scope::Spec,
            says: "Names are unique among the network interfaces of an instance, and among the IP configurations of each; letter case is ignored.",
            codes: &[Code::DuplicateResourceName],
            cure: Cures::Stalls,
            at_apply: None,
            remedy: "Give each its own name.",
            source: "[NIC] add a secondary IP configuration; ARM-06",
            check: names_differ,
        },
        Rule {
            id: "VMSS-07",
            scope: Scope::Spec,
            says: "An instance has at least one network interface, and at most 8, and as many as its size supports.",
            codes: &[Code::NetworkInterfaceCountExceeded, Code::InvalidParameter],
            cure: Cures::Stalls,
            at_apply: Some(AtApply::Schema),
            remedy: "List fewer, or choose a larger size.",
            source: "[VMSS] multiple NICs per virtual machine; vm-sizes.csv",
            check: nics_are_few,
        },
        Rule {
            id: "VM-09",
            scope: Scope::Spec,
            says: "Exactly one network interface of an instance is primary.",
            codes: &[Code::InvalidParameter, Code::NetworkInterfaceMustHavePrimaryPropertySet],
            cure: Cures::Stalls,
            at_apply: Some(AtApply::Cel),
            remedy: "Mark exactly one primary.",
            source: "[ATTACH] constraints",
            check: one_nic_is_primary,
        },
        Rule {
            id: "VMSS-13",
            scope: Scope::References,
            says: "All network interfaces of an instance are in one virtual network.",
            codes: &[Code::SubnetsNotInSameVnet],
            cure: Cures::Stalls,
            at_apply: None,
            remedy: "Choose subnets of one virtual network.",
            source: "[VMSS] multiple NICs per virtual machine",
            check: nics_are_in_one_network,
        },
        Rule {
            id: "VMSS-12",
            scope: Scope::State,
            says: "A scale set never moves to another virtual network; its subnets may change inside it (VMSS-32).",
            codes: &[Code::VMScaleSetCannotBeUpdatedToReferenceSubnetsFromDifferentVirtualNetworks],
            cure: Cures::Stalls,
            at_apply: None,
            remedy: "Choose subnets of the same network, or create another scale set.",
            source: "[VMSS] note; D-15",
            check: network_is_fixed,
        },
        Rule {
            id: "VMSS-17",
            scope: Scope::Spec,
            says: "An instance has at most 256 secondary IP configurations.",
            codes: &[Code::SecondaryIpConfigurationCountPerVMSSVMExceeded],
            cure: Cures::Stalls,
            at_apply: None,
            remedy: "List fewer.",
            source: "Azure/aks-engine#1741",
            check: secondary_configurations_are_few,
        },
        Rule {
            id: "VMSS-23",
            scope: Scope::Spec,
            says: "Accelerated networking needs a size that supports it.",
            codes: &[Code::VMSizeIsNotPermittedToEnableAcceleratedNetworkingForVmss],
            cure: Cures::Stalls,
            at_apply: None,
            remedy: "Leave the flag out, or choose another size.",
            source: "[VMSS] accelerated networking; kubernetes-sigs/cluster-api-provider-azure#1201",
            check: size_supports_acceleration,
        },
        Rule {
            id: "PIP-19",
            scope: Scope::State,
            says: "Public addresses of Basic and Standard SKU do not mix within one scale set, instances with an older model or a network of their own included.",
            codes: &[Code::DifferentSkuLoadBalancersAndPublicIPAddressNotAllowed],
            cure: Cures::Either,
            at_apply: None,
            remedy: "Use one SKU.",
            source: "azure-docs load-balancer troubleshoot",
            check: skus_do_not_mix,
        },
        Rule {
            id: "VMSS-09",
            scope: Scope::State,
            says: "The domain name label of a scale set is unique in its location, and in its model.",
            codes: &[Code::DnsRecordInUse],
            cure: Cures::Either,
            at_apply: None,
            remedy: "Choose another label, or release it.",
            source: "[VMSS] configurable virtual machine domain names; S-32",
            check: labels_are_free,
        },
        Rule {
            id: "PIP-25",
            scope: Scope::State,
            says: "A new domain name label has none of the words that Azure reserves.",
            codes: &[Code::DomainNameLabelReserved],
            cure: Cures::Stalls,
            at_apply: None,
            remedy: "Choose another label.",
            source: "azure-docs error-reserved-resource-name.md; terraform-azurerm-compute#4",
            check: labels_are_not_reserved,
        },
    ]
    of_its_instances: [
        Rule {
            id: "VMSS-19",
            scope: Scope::State,
            says: "What an instance has of its own fits the model that the instance is upgraded to.",
            codes: &[Code::NetworkInterfaceCountExceeded, Code::VMSizeIsNotPermittedToEnableAcceleratedNetworkingForVmss],
            cure: Cures::Waits,
            at_apply: None,
            remedy: "Choose a size that takes the instance's own network, or change that first.",
            source: "[VMSS] networking updates to specific instances",
            check: own_networks_fit,
        },
        Rule {
            id: "IP6-05",
            scope: Scope::State,
            says: "An upgrade adds IPv6 to no network interface: those of instances are attached.",
            codes: &[Code::OperationNotAllowed],
            cure: Cures::Stalls,
            at_apply: None,
            remedy: "Set upgradePolicy.mode to Manual, and replace the instances.",
            source: "[IP] IPv6",
            check: no_upgrade_adds_ipv6,
        },
        Rule {
            id: "VMSS-29",
            scope: Scope::State,
            says: "A scale-out or upgrade gets every address that it needs, or none.",
            codes: NO_ROOM,
            cure: Cures::Waits,
            at_apply: None,
            remedy: "Ask for fewer instances, or free addresses.",
            source: "Azure/AKS#2531",
            check: pools_have_room,
        },
    ]
}

pub(super) const DELETION_RULES: &[DeletionRule] = &[DeletionRule {
    id: "S-13",
    scope: Scope::State,
    says: "A Uniform scale set is deleted when its instances have been.",
    codes: &[Code::OperationNotAllowed],
    cure: Cures::Waits,
    at_apply: None,
    remedy: "Wait: the instances are deleted first, by themselves.",
    source: "Azure's resource model",
    check: set::has_no_instances,
}];
