//! The rules of network interfaces, IP configurations and private addresses (NIC, IPC, IP6, ADDR): the table, and what
//! its checks share. The checks are by topic, as their tests are.

mod addresses;
mod configurations;
mod disruption;
mod interface;
mod ipv6;
mod public;

use std::net::IpAddr;

use super::{Assignment, IpConfiguration, NetworkInterface};
use crate::fabric::id::Name;
use crate::fabric::quota;
use crate::fabric::reference;
use crate::fabric::resource::{Case, Cures, DeletionRule, Programmed, Rule, Scope};
use crate::fabric::terms::Primary;
use crate::fabric::violation::Code;
use crate::fabric::virtual_machine::VirtualMachine;
pub(in crate::fabric) use disruption::edit_needs_deallocated;
pub(super) use disruption::edits_that_need_deallocated;

type NicCase<'a> = Case<'a, NetworkInterface>;

pub(super) const RULES: &[Rule<NetworkInterface>] = &[
    Rule {
        id: "NIC-03",
        scope: Scope::References,
        says: "The subnet of a NIC exists, in the NIC's location and subscription.",
        codes: &[Code::InvalidResourceReference],
        cure: Cures::Waits,
        remedy: "Create the subnet.",
        source: "[NIC] create a network interface; Azure/azure-cli#13258",
        check: reference::exist,
    },
    Rule {
        id: "NIC-12",
        scope: Scope::State,
        says: "A subscription has at most 65,536 NICs in a region; off unless asked for.",
        codes: &[Code::QuotaExceeded],
        cure: Cures::Waits,
        remedy: "Delete NICs that are not used.",
        source: "azure-virtual-network-limits.md; ARM-11, S-11",
        check: quota::is_not_exceeded,
    },
    Rule {
        id: "NIC-05",
        scope: Scope::State,
        says: "The virtual network of a NIC never changes.",
        codes: &[Code::OperationNotAllowed, Code::SubnetsNotInSameVnet],
        cure: Cures::Stalls,
        remedy: "Choose a subnet of the same network.",
        source: "[NIC] create a network interface; D-01",
        check: interface::virtual_network_is_fixed,
    },
    Rule {
        id: "NIC-06",
        scope: Scope::State,
        says: "The subnet of a NIC changes only while all its configurations are asked to be Dynamic.",
        codes: &[Code::OperationNotAllowed],
        cure: Cures::Stalls,
        remedy: "Make all Dynamic with the move, and Static after it.",
        source: "[NIC] change the subnet; D-17, S-03",
        check: interface::subnet_changes_with_dynamic_addresses,
    },
    Rule {
        id: "NIC-08",
        scope: Scope::State,
        says: "The subnet of a secondary NIC does not change while it is attached.",
        codes: &[Code::SecondaryNetworkInterfaceInUseCannotChangeSubnet],
        cure: Cures::Waits,
        remedy: "Detach the NIC first.",
        source: "MicrosoftDocs/azure-docs#124418",
        check: interface::attached_secondary_stays_in_its_subnet,
    },
    Rule {
        id: "NIC-21",
        scope: Scope::Spec,
        says: "A NIC has at most 20 DNS servers of its own, each an IP address.",
        codes: &[Code::NetcfgInvalidDnsServer, Code::InvalidDnsServerIPAddressFormat],
        cure: Cures::Stalls,
        remedy: "List at most 20, or none for Azure's DNS.",
        source: "[NIC] change DNS settings; azure-virtual-network-limits.md; azure-rest-api-specs#1278",
        check: interface::dns_servers_are_few,
    },
    Rule {
        id: "NIC-20",
        scope: Scope::State,
        says: "Accelerated networking needs a VM size that supports it.",
        codes: &[Code::VMSizeIsNotPermittedToEnableAcceleratedNetworking],
        cure: Cures::Waits,
        remedy: "Leave the flag out, or resize the VM.",
        source: "[ATTACH] constraints; azure-docs#29620",
        check: interface::size_supports_acceleration,
    },
    Rule {
        id: "SIZE-05",
        scope: Scope::State,
        says: "Accelerated networking is not switched on while the VM runs.",
        codes: &[Code::OperationNotAllowed],
        cure: Cures::Waits,
        remedy: "Deallocate the VM.",
        source: "azure-docs#60667, #26251",
        check: disruption::acceleration_is_not_switched_on_a_running_vm,
    },
    Rule {
        id: "IPC-01",
        scope: Scope::Spec,
        says: "A NIC has at least one IP configuration.",
        codes: &[Code::InvalidParameter],
        cure: Cures::Stalls,
        remedy: "List one configuration.",
        source: "[NIC] IP configurations",
        check: configurations::has_a_configuration,
    },
    Rule {
        id: "IPC-02",
        scope: Scope::Spec,
        says: "Exactly one IP configuration is primary; the only one is, also if it says primary: false.",
        codes: &[Code::NetworkInterfaceMustHaveOneOneIPConfigAsPrimary, Code::InvalidParameter],
        cure: Cures::Stalls,
        remedy: "Mark exactly one primary.",
        source: "[IP] IP configurations; Azure/azure-sdk-for-go#259; ansible-collections/azure#196",
        check: configurations::one_configuration_is_primary,
    },
    Rule {
        id: "IPC-05",
        scope: Scope::State,
        says: "The primary configuration cannot be deleted or renamed, unless another is marked primary.",
        codes: &[Code::IpConfigDeleteNotSupported],
        cure: Cures::Stalls,
        remedy: "Mark another one primary in the same edit.",
        source: "[IP] remove IP addresses; Azure/azure-sdk-for-python#4241; S-02",
        check: configurations::primary_configuration_stays,
    },
    Rule {
        id: "IPC-10",
        scope: Scope::Spec,
        says: "Configuration names are unique within the NIC.",
        codes: &[Code::DuplicateResourceName],
        cure: Cures::Stalls,
        remedy: "Give each its own name.",
        source: "[NIC] add a secondary IP configuration",
        check: configurations::configuration_names_are_unique,
    },
    Rule {
        id: "IPC-12",
        scope: Scope::State,
        says: "The address of a secondary configuration of a secondary NIC changes only while the VM is deallocated.",
        codes: &[Code::OperationNotAllowed],
        cure: Cures::Waits,
        remedy: "Deallocate the VM.",
        source: "[NIC] change an IP configuration",
        check: disruption::secondary_addresses_of_secondary_nics_stay,
    },
    Rule {
        id: "IPC-15",
        scope: Scope::State,
        says: "A NIC has at most 256 private addresses, and so have all NICs of a VM together.",
        codes: &[Code::InvalidParameter],
        cure: Cures::Either,
        remedy: "List at most 256.",
        source: "azure-virtual-network-limits.md; S-17",
        check: configurations::configurations_are_few,
    },
    Rule {
        id: "IP6-01",
        scope: Scope::Spec,
        says: "The primary configuration is IPv4.",
        codes: &[Code::InvalidParameter],
        cure: Cures::Stalls,
        remedy: "Make an IPv4 configuration primary.",
        source: "[IP] primary",
        check: ipv6::primary_is_ipv4,
    },
    Rule {
        id: "IP6-02",
        scope: Scope::Spec,
        says: "A NIC has at most one IPv6 configuration, and then no other secondary one.",
        codes: &[Code::InvalidParameter],
        cure: Cures::Stalls,
        remedy: "Keep one IPv6 configuration beside the primary one.",
        source: "[IP] IPv6",
        check: ipv6::ipv6_is_the_only_secondary,
    },
    Rule {
        id: "IP6-03",
        scope: Scope::Spec,
        says: "An IPv6 address is Dynamic.",
        codes: &[Code::InvalidParameter],
        cure: Cures::Stalls,
        remedy: "Leave the method out.",
        source: "[IP] assignment methods",
        check: ipv6::ipv6_is_dynamic,
    },
    Rule {
        id: "IP6-04",
        scope: Scope::Spec,
        says: "An IPv6 configuration holds no public address.",
        codes: &[Code::IPVersionForPublicIpAndNicIpConfigurationMustMatch],
        cure: Cures::Stalls,
        remedy: "Remove the public address.",
        source: "[IP] secondary; D-16",
        check: ipv6::ipv6_has_no_public_address,
    },
    Rule {
        id: "IP6-05",
        scope: Scope::State,
        says: "An IPv6 configuration is added only while the NIC is unattached, also in the place of another.",
        codes: &[Code::OperationNotAllowed],
        cure: Cures::Waits,
        remedy: "Detach the NIC, or delete the VM, first.",
        source: "[IP] IPv6",
        check: ipv6::ipv6_is_added_while_unattached,
    },
    Rule {
        id: "ADDR-09",
        scope: Scope::References,
        says: "A static address is of the configuration's IP version and lies in the subnet.",
        codes: &[Code::PrivateIPAddressNotInSubnet, Code::InvalidPrivateIPAddressFormat],
        cure: Cures::Stalls,
        remedy: "Choose an address of the subnet.",
        source: "[NIC] add a secondary IP configuration; recorded",
        check: addresses::static_address_lies_in_the_subnet,
    },
    Rule {
        id: "ADDR-01",
        scope: Scope::References,
        says: "A static address is not one of the five addresses that Azure reserves.",
        codes: &[Code::PrivateIPAddressInReservedRange],
        cure: Cures::Stalls,
        remedy: "Choose another address.",
        source: "virtual-networks-faq.md; recorded",
        check: addresses::static_address_is_not_reserved,
    },
    Rule {
        id: "S-17",
        scope: Scope::State,
        says: "A new Static configuration names its address.",
        codes: &[Code::PrivateIPAddressMissing],
        cure: Cures::Stalls,
        remedy: "Name the address.",
        source: "[NIC] add a secondary IP configuration; terraform-provider-azurerm#15265",
        check: addresses::new_static_configuration_names_its_address,
    },
    Rule {
        id: "ADDR-08",
        scope: Scope::State,
        says: "A static address is held by no other configuration.",
        codes: &[Code::PrivateIPAddressInUse],
        cure: Cures::Either,
        remedy: "Choose a free address, or release it.",
        source: "[NIC] add a secondary IP configuration; D-10",
        check: addresses::static_address_is_free,
    },
    Rule {
        id: "ADDR-11",
        scope: Scope::State,
        says: "The subnet has an address for every configuration.",
        codes: &[Code::SubnetIsFull],
        cure: Cures::Waits,
        remedy: "Delete NICs of the subnet, or use another.",
        source: "azure-docs#88211",
        check: addresses::subnet_has_room,
    },
    Rule {
        id: "ADDR-14",
        scope: Scope::State,
        says: "A virtual network has at most 65,536 private addresses.",
        codes: &[Code::QuotaExceeded],
        cure: Cures::Waits,
        remedy: "Delete what is not used, or use another network.",
        source: "azure-virtual-network-limits.md",
        check: addresses::network_has_room,
    },
    Rule {
        id: "PIP-12",
        scope: Scope::References,
        says: "The public address of a configuration exists, in the NIC's location and subscription.",
        codes: &[Code::InvalidResourceReference],
        cure: Cures::Waits,
        remedy: "Create the public address.",
        source: "Azure/azure-cli#13258, #332",
        check: reference::exist,
    },
    Rule {
        id: "VM-23",
        scope: Scope::Spec,
        says: "A public address that is deleted with the VM is of the NIC's namespace.",
        codes: &[Code::InvalidParameter],
        cure: Cures::Stalls,
        remedy: "Leave deleteOption out, or refer to a public address of the same namespace.",
        source: "azure-docs virtual-machines/delete.md; azure-rest-api-specs#25475",
        check: public::public_addresses_to_delete_are_its_own,
    },
    Rule {
        id: "PIP-18",
        scope: Scope::References,
        says: "A public address is of the configuration's IP version, and a public IPv6 address never joins a configuration.",
        codes: &[Code::IPVersionForPublicIpAndNicIpConfigurationMustMatch],
        cure: Cures::Stalls,
        remedy: "Refer to a public IPv4 address.",
        source: "[IP] secondary; ansible-collections/azure#582",
        check: public::public_address_is_ipv4,
    },
    Rule {
        id: "PIP-09",
        scope: Scope::State,
        says: "A public address serves one IP configuration.",
        codes: &[Code::PublicIPAddressInUse, Code::PublicIPReferencedByMultipleIPConfigs],
        cure: Cures::Either,
        remedy: "Refer to another public address, or release it.",
        source: "recorded; cloud-provider-azure#4243",
        check: public::public_address_is_free,
    },
    Rule {
        id: "PIP-05",
        scope: Scope::State,
        says: "A Dynamic public address is allocated with the running VM, from a pool that has one.",
        codes: &[Code::AllocationFailed],
        cure: Cures::Waits,
        remedy: "Delete what is not used, or enlarge the pool.",
        source: "recorded",
        check: public::public_pool_has_room,
    },
    Rule {
        id: "PIP-19",
        scope: Scope::State,
        says: "Public addresses of Basic and Standard SKU do not mix within one VM or availability set.",
        codes: &[Code::DifferentSkuLoadBalancersAndPublicIPAddressNotAllowed],
        cure: Cures::Either,
        remedy: "Use public addresses of one SKU.",
        source: "azure-docs, troubleshooting load balancers",
        check: public::skus_do_not_mix,
    },
];

pub(super) const DELETION_RULES: &[DeletionRule] = &[DeletionRule {
    id: "NIC-24",
    scope: Scope::State,
    says: "A NIC can be deleted only while it is not attached.",
    codes: &[Code::NicInUse],
    cure: Cures::Waits,
    remedy: "Detach the NIC, or delete the VM.",
    source: "[NIC] delete a network interface; recorded",
    check: interface::is_not_attached,
}];

pub(super) fn path(n: usize, field: &str) -> String {
    format!("spec.ipConfigurations[{n}].{field}")
}

fn primaries(ask: &NetworkInterface) -> impl Iterator<Item = (usize, &IpConfiguration)> {
    ask.configurations.iter().enumerate().filter(|(_, configuration)| configuration.primary == Primary::Yes)
}

fn static_addresses(ask: &NetworkInterface) -> impl Iterator<Item = (usize, &IpConfiguration, IpAddr)> {
    ask.configurations.iter().enumerate().filter_map(|(n, configuration)| match configuration.assignment {
        Assignment::Static(address) => Some((n, configuration, address)),
        Assignment::Dynamic | Assignment::KeepCurrent => None,
    })
}

fn attached_vm<'a>(case: &NicCase<'a>) -> Option<(&'a Name, &'a Programmed<VirtualMachine>)> {
    let attached = case.programmed?.held.attached.as_ref()?;
    Some((&attached.vm, case.engine.get::<VirtualMachine>(&attached.vm)?))
}
