//! The rules of network interfaces, IP configurations and private addresses (NIC, IPC, IP6, ADDR).

use std::net::IpAddr;

use super::{
    Assignment, HeldNetworkInterface, IpConfiguration, IpVersion, NetworkInterface, Primary, Switch, in_need, pool_of,
};
use crate::fabric::engine::Engine;
use crate::fabric::id::{Kind, Name, ObjectId};
use crate::fabric::limits::{self, AcceleratedNetworking};
use crate::fabric::public_ip_address::{PublicIPAddress, needs_public_addresses};
use crate::fabric::quota::{self, Quota};
use crate::fabric::resource::{Case, Cures, DELETION_PATH, DeletionRule, Programmed, Rule};
use crate::fabric::subnet::Subnet;
use crate::fabric::violation::{Code, Findings, WaitKey};
use crate::fabric::virtual_machine::{PowerState, VirtualMachine};

type Nic<'a> = Case<'a, NetworkInterface>;

pub(super) const RULES: &[Rule<NetworkInterface>] = &[
    Rule {
        id: "NIC-03",
        says: "The subnet of a NIC exists, in the NIC's location and subscription.",
        codes: &[Code::InvalidResourceReference],
        cure: Cures::Waits,
        remedy: "Create the subnet.",
        source: "[NIC] create a network interface; Azure/azure-cli#13258",
        check: subnet_exists,
    },
    Rule {
        id: "NIC-12",
        says: "A subscription has at most 65,536 NICs in a region; off unless asked for.",
        codes: &[Code::QuotaExceeded],
        cure: Cures::Waits,
        remedy: "Delete NICs that are not used.",
        source: "azure-virtual-network-limits.md; ARM-11, S-11",
        check: quota::is_left,
    },
    Rule {
        id: "NIC-05",
        says: "The virtual network of a NIC never changes.",
        codes: &[Code::OperationNotAllowed, Code::SubnetsNotInSameVnet],
        cure: Cures::Stalls,
        remedy: "Choose a subnet of the same network.",
        source: "[NIC] create a network interface; D-01",
        check: virtual_network_is_fixed,
    },
    Rule {
        id: "NIC-06",
        says: "The subnet of a NIC changes only while all its configurations are asked to be Dynamic.",
        codes: &[Code::OperationNotAllowed],
        cure: Cures::Stalls,
        remedy: "Make all Dynamic with the move, and Static after it.",
        source: "[NIC] change the subnet; D-17, S-03",
        check: subnet_changes_with_dynamic_addresses,
    },
    Rule {
        id: "NIC-08",
        says: "The subnet of a secondary NIC does not change while it is attached.",
        codes: &[Code::SecondaryNetworkInterfaceInUseCannotChangeSubnet],
        cure: Cures::Waits,
        remedy: "Detach the NIC first.",
        source: "MicrosoftDocs/azure-docs#124418",
        check: attached_secondary_stays_in_its_subnet,
    },
    Rule {
        id: "NIC-21",
        says: "A NIC has at most 20 DNS servers of its own, each an IP address.",
        codes: &[Code::NetcfgInvalidDnsServer],
        cure: Cures::Stalls,
        remedy: "List at most 20.",
        source: "[NIC] change DNS settings; azure-virtual-network-limits.md",
        check: dns_servers_are_few,
    },
    Rule {
        id: "NIC-20",
        says: "Accelerated networking needs a VM size that supports it.",
        codes: &[Code::VMSizeIsNotPermittedToEnableAcceleratedNetworking],
        cure: Cures::Waits,
        remedy: "Leave the flag out, or resize the VM.",
        source: "[ATTACH] constraints; azure-docs#29620",
        check: size_supports_acceleration,
    },
    Rule {
        id: "SIZE-05",
        says: "Accelerated networking is not switched on while the VM runs.",
        codes: &[Code::OperationNotAllowed],
        cure: Cures::Waits,
        remedy: "Deallocate the VM.",
        source: "azure-docs#60667, #26251",
        check: acceleration_is_not_switched_on_a_running_vm,
    },
    Rule {
        id: "IPC-01",
        says: "A NIC has at least one IP configuration.",
        codes: &[Code::InvalidParameter],
        cure: Cures::Stalls,
        remedy: "List one configuration.",
        source: "[NIC] IP configurations",
        check: has_a_configuration,
    },
    Rule {
        id: "IPC-02",
        says: "Exactly one IP configuration is primary.",
        codes: &[Code::InvalidParameter],
        cure: Cures::Stalls,
        remedy: "Mark exactly one primary.",
        source: "[IP] IP configurations; ansible-collections/azure#196",
        check: one_configuration_is_primary,
    },
    Rule {
        id: "IPC-05",
        says: "The primary configuration cannot be deleted or renamed, unless another is marked primary.",
        codes: &[Code::IpConfigDeleteNotSupported],
        cure: Cures::Stalls,
        remedy: "Mark another one primary in the same edit.",
        source: "[IP] remove IP addresses; Azure/azure-sdk-for-python#4241; S-02",
        check: primary_configuration_stays,
    },
    Rule {
        id: "IPC-10",
        says: "Configuration names are unique within the NIC.",
        codes: &[Code::DuplicateResourceName],
        cure: Cures::Stalls,
        remedy: "Give each its own name.",
        source: "[NIC] add a secondary IP configuration",
        check: configuration_names_are_unique,
    },
    Rule {
        id: "IPC-12",
        says: "The address of a secondary configuration of a secondary NIC changes only while the VM is deallocated.",
        codes: &[Code::OperationNotAllowed],
        cure: Cures::Waits,
        remedy: "Deallocate the VM.",
        source: "[NIC] change an IP configuration",
        check: secondary_addresses_of_secondary_nics_stay,
    },
    Rule {
        id: "IPC-15",
        says: "A NIC has at most 256 private addresses, and so have all NICs of a VM together.",
        codes: &[Code::InvalidParameter],
        cure: Cures::Either,
        remedy: "List at most 256.",
        source: "azure-virtual-network-limits.md; S-17",
        check: configurations_are_few,
    },
    Rule {
        id: "IP6-01",
        says: "The primary configuration is IPv4.",
        codes: &[Code::InvalidParameter],
        cure: Cures::Stalls,
        remedy: "Make an IPv4 configuration primary.",
        source: "[IP] primary",
        check: primary_is_ipv4,
    },
    Rule {
        id: "IP6-02",
        says: "A NIC has at most one IPv6 configuration, and then no other secondary one.",
        codes: &[Code::InvalidParameter],
        cure: Cures::Stalls,
        remedy: "Keep one IPv6 configuration beside the primary one.",
        source: "[IP] IPv6",
        check: ipv6_is_the_only_secondary,
    },
    Rule {
        id: "IP6-03",
        says: "An IPv6 address is Dynamic.",
        codes: &[Code::InvalidParameter],
        cure: Cures::Stalls,
        remedy: "Leave the method out.",
        source: "[IP] assignment methods",
        check: ipv6_is_dynamic,
    },
    Rule {
        id: "IP6-04",
        says: "An IPv6 configuration holds no public address.",
        codes: &[Code::IPVersionForPublicIpAndNicIpConfigurationMustMatch],
        cure: Cures::Stalls,
        remedy: "Remove the public address.",
        source: "[IP] secondary; D-16",
        check: ipv6_has_no_public_address,
    },
    Rule {
        id: "IP6-05",
        says: "An IPv6 configuration is added only while the NIC is unattached, also in the place of another.",
        codes: &[Code::OperationNotAllowed],
        cure: Cures::Waits,
        remedy: "Detach the NIC, or delete the VM, first.",
        source: "[IP] IPv6",
        check: ipv6_is_added_while_unattached,
    },
    Rule {
        id: "ADDR-09",
        says: "A static address is of the configuration's IP version and lies in the subnet.",
        codes: &[Code::PrivateIPAddressNotInSubnet, Code::InvalidPrivateIPAddressFormat],
        cure: Cures::Stalls,
        remedy: "Choose an address of the subnet.",
        source: "[NIC] add a secondary IP configuration; recorded",
        check: static_address_lies_in_the_subnet,
    },
    Rule {
        id: "ADDR-01",
        says: "A static address is none of the five that the platform keeps.",
        codes: &[Code::PrivateIPAddressInReservedRange],
        cure: Cures::Stalls,
        remedy: "Choose another address.",
        source: "virtual-networks-faq.md; recorded",
        check: static_address_is_not_reserved,
    },
    Rule {
        id: "S-17",
        says: "A new Static configuration names its address.",
        codes: &[Code::InvalidParameter],
        cure: Cures::Stalls,
        remedy: "Name the address.",
        source: "[NIC] add a secondary IP configuration",
        check: new_static_configuration_names_its_address,
    },
    Rule {
        id: "ADDR-08",
        says: "A static address is held by no other configuration.",
        codes: &[Code::PrivateIPAddressInUse],
        cure: Cures::Either,
        remedy: "Choose a free address, or release it.",
        source: "[NIC] add a secondary IP configuration; D-10",
        check: static_address_is_free,
    },
    Rule {
        id: "ADDR-11",
        says: "The subnet has an address for every configuration.",
        codes: &[Code::SubnetIsFull],
        cure: Cures::Waits,
        remedy: "Delete NICs of the subnet, widen it, or use another.",
        source: "azure-docs#88211",
        check: subnet_has_room,
    },
    Rule {
        id: "ADDR-14",
        says: "A virtual network has at most 65,536 private addresses.",
        codes: &[Code::QuotaExceeded],
        cure: Cures::Waits,
        remedy: "Delete what is not used, or use another network.",
        source: "azure-virtual-network-limits.md",
        check: network_has_room,
    },
    Rule {
        id: "PIP-12",
        says: "The public address of a configuration exists, in the NIC's location and subscription.",
        codes: &[Code::InvalidResourceReference],
        cure: Cures::Waits,
        remedy: "Create the public address.",
        source: "Azure/azure-cli#13258, #332",
        check: public_addresses_exist,
    },
    Rule {
        id: "PIP-18",
        says: "A public address is of the configuration's IP version, and a public IPv6 address never joins a configuration.",
        codes: &[Code::IPVersionForPublicIpAndNicIpConfigurationMustMatch],
        cure: Cures::Stalls,
        remedy: "Refer to a public IPv4 address.",
        source: "[IP] secondary; ansible-collections/azure#582",
        check: public_address_is_ipv4,
    },
    Rule {
        id: "PIP-09",
        says: "A public address serves one IP configuration.",
        codes: &[Code::PublicIPAddressInUse, Code::PublicIPReferencedByMultipleIPConfigs],
        cure: Cures::Either,
        remedy: "Refer to another public address, or release it.",
        source: "recorded; cloud-provider-azure#4243",
        check: public_address_is_free,
    },
    Rule {
        id: "PIP-05",
        says: "A Dynamic public address is allocated with the running VM, from a pool that has one.",
        codes: &[Code::AllocationFailed],
        cure: Cures::Waits,
        remedy: "Delete what is not used, or enlarge the pool.",
        source: "recorded",
        check: public_pool_has_room,
    },
    Rule {
        id: "PIP-19",
        says: "Public addresses of Basic and Standard SKU do not mix within one VM or availability set.",
        codes: &[Code::DifferentSkuLoadBalancersAndPublicIPAddressNotAllowed],
        cure: Cures::Either,
        remedy: "Use public addresses of one SKU.",
        source: "azure-docs, troubleshooting load balancers",
        check: skus_do_not_mix,
    },
];

pub(super) const DELETION_RULES: &[DeletionRule] = &[DeletionRule {
    id: "NIC-24",
    says: "A NIC can be deleted only while it is not attached.",
    codes: &[Code::NicInUse],
    cure: Cures::Waits,
    remedy: "Detach the NIC, or delete the VM.",
    source: "[NIC] delete a network interface; recorded",
    check: is_not_attached,
}];

fn subnet_exists(case: &Nic<'_>, findings: &mut Findings) {
    case.engine.refers::<Subnet>(&case.ask.subnet, case.placement, "spec.subnet", findings);
}

fn virtual_network_is_fixed(case: &Nic<'_>, findings: &mut Findings) {
    let Some(programmed) = case.programmed else { return };
    let network = |subnet: &Name| case.engine.get::<Subnet>(subnet).map(|subnet| subnet.ask.virtual_network.clone());
    let (Some(old), Some(new)) = (network(&programmed.ask.subnet), network(&case.ask.subnet)) else { return };
    if old != new {
        let code = match programmed.held.attached {
            Some(_) => Code::SubnetsNotInSameVnet,
            None => Code::OperationNotAllowed,
        };
        findings
            .refuse(
                code,
                "spec.subnet",
                format!(
                    "The network interface is in VirtualNetwork {old}, and Subnet {} is in {new}.",
                    case.ask.subnet
                ),
                format!("Choose a subnet of VirtualNetwork {old}, or create another network interface."),
            )
            .as_of(object(Kind::Subnet, &case.ask.subnet))
            .as_of(claim_of(case.name));
    }
}

fn subnet_changes_with_dynamic_addresses(case: &Nic<'_>, findings: &mut Findings) {
    if case.before().is_none_or(|before| before.subnet == case.ask.subnet) {
        return;
    }
    for (n, configuration) in case.ask.configurations.iter().enumerate() {
        if configuration.assignment != Assignment::Dynamic {
            findings.refuse(
                Code::OperationNotAllowed,
                path(n, "privateIPAllocationMethod"),
                format!("Configuration {} is Static, and the subnet changes.", configuration.name),
                "Set privateIPAllocationMethod to Dynamic with the change of the subnet, and to Static after it.",
            );
        }
    }
}

fn attached_secondary_stays_in_its_subnet(case: &Nic<'_>, findings: &mut Findings) {
    let Some(programmed) = case.programmed.filter(|programmed| programmed.ask.subnet != case.ask.subnet) else {
        return;
    };
    let Some(attached) = programmed.held.attached.as_ref().filter(|attached| !attached.primary) else { return };
    let vm = ObjectId::new(Kind::VirtualMachine, attached.vm.clone());
    findings
        .refuse(
            Code::SecondaryNetworkInterfaceInUseCannotChangeSubnet,
            "spec.subnet",
            format!("The network interface is a secondary one of {vm}."),
            format!("Detach it from {vm} first, or keep Subnet {}.", programmed.ask.subnet),
        )
        .until(claim_of(case.name))
        .until(WaitKey::Object(vm.clone()))
        .blocked_by(vm);
}

fn dns_servers_are_few(case: &Nic<'_>, findings: &mut Findings) {
    let count = case.ask.dns_servers.len();
    if count > limits::DNS_SERVERS {
        findings.refuse(
            Code::NetcfgInvalidDnsServer,
            "spec.dnsSettings.dnsServers",
            format!("{count} DNS servers are listed."),
            format!("List at most {}.", limits::DNS_SERVERS),
        );
    }
}

fn size_supports_acceleration(case: &Nic<'_>, findings: &mut Findings) {
    let Some((name, vm)) = attached_vm(case).filter(|_| case.ask.accelerated_networking == Switch::On) else { return };
    if vm.ask.size.accelerated_networking == AcceleratedNetworking::Unsupported {
        findings
            .refuse(
                Code::VMSizeIsNotPermittedToEnableAcceleratedNetworking,
                ACCELERATION,
                format!("VirtualMachine {name} is of size {}, which does not support it.", vm.ask.size.name),
                "Leave enableAcceleratedNetworking out, or resize the virtual machine first.",
            )
            .until(object(Kind::VirtualMachine, name))
            .as_of(claim_of(case.name));
    }
}

fn acceleration_is_not_switched_on_a_running_vm(case: &Nic<'_>, findings: &mut Findings) {
    refuse_while_allocated(case, |path| path == ACCELERATION, findings);
}

const ACCELERATION: &str = "spec.enableAcceleratedNetworking";

/// The paths of what an edit of an attached NIC changes, and for which its VM must be deallocated (SIZE-05, IPC-12).
pub(super) fn edits_that_need_deallocated(
    before: &NetworkInterface,
    held: &HeldNetworkInterface,
    ask: &NetworkInterface,
) -> Vec<String> {
    let mut paths = Vec::new();
    if ask.accelerated_networking == Switch::On && before.accelerated_networking == Switch::Off {
        paths.push(ACCELERATION.to_owned());
    }
    if before.subnet != ask.subnet || held.attached.as_ref().is_none_or(|attached| attached.primary) {
        return paths;
    }
    for (n, configuration, wanted) in static_addresses(ask) {
        let was_secondary =
            before.configurations.iter().any(|old| old.name == configuration.name && old.primary != Primary::Yes);
        if was_secondary && held.addresses.get(&configuration.name).is_some_and(|held| *held != wanted) {
            paths.push(path(n, "privateIPAddress"));
        }
    }
    paths
}

fn refuse_while_allocated(case: &Nic<'_>, applies: impl Fn(&str) -> bool, findings: &mut Findings) {
    let Some(programmed) = case.programmed else { return };
    let Some((name, vm)) = attached_vm(case).filter(|(_, vm)| !vm.is_deallocated_for_edits()) else { return };
    let paths = edits_that_need_deallocated(&programmed.ask, &programmed.held, case.ask);
    for path in paths.into_iter().filter(|path| applies(path)) {
        needs_deallocated(name, vm, &path, findings);
    }
}

fn has_a_configuration(case: &Nic<'_>, findings: &mut Findings) {
    if case.ask.configurations.is_empty() {
        findings.refuse(
            Code::InvalidParameter,
            "spec.ipConfigurations",
            "The network interface has no IP configuration.",
            "List at least one, such as {name: ipconfig1}.",
        );
    }
}

fn one_configuration_is_primary(case: &Nic<'_>, findings: &mut Findings) {
    let primaries: Vec<_> = primaries(case.ask).collect();
    match primaries.as_slice() {
        // One that takes the place of the primary configuration is told so by IPC-05.
        [] if matches!(case.ask.configurations.as_slice(), [] | [IpConfiguration { primary: Primary::Unsaid, .. }]) => {
        }
        [] => {
            findings.refuse(
                Code::InvalidParameter,
                "spec.ipConfigurations",
                format!("None of {} IP configurations is primary.", case.ask.configurations.len()),
                "Mark one of them primary: true.",
            );
        }
        [_] => {}
        [(_, first), others @ ..] => {
            for (n, other) in others {
                findings.refuse(
                    Code::InvalidParameter,
                    path(*n, "primary"),
                    format!("Configurations {} and {} are both primary.", first.name, other.name),
                    "Mark only one of them primary: true.",
                );
            }
        }
    }
}

fn primary_configuration_stays(case: &Nic<'_>, findings: &mut Findings) {
    let Some(primary) = case.before().and_then(NetworkInterface::primary) else { return };
    let listed = case.ask.configurations.iter().any(|configuration| configuration.name == primary.name);
    if !listed && case.ask.primary().is_none() {
        findings.refuse(
            Code::IpConfigDeleteNotSupported,
            "spec.ipConfigurations",
            format!("Configuration {} is the primary one, and is no longer listed.", primary.name),
            format!("Keep {}, or mark another configuration primary: true in the same edit.", primary.name),
        );
    }
}

fn configuration_names_are_unique(case: &Nic<'_>, findings: &mut Findings) {
    for (n, configuration) in case.ask.configurations.iter().enumerate() {
        if case.ask.configurations.iter().take(n).any(|other| other.name == configuration.name) {
            findings.refuse(
                Code::DuplicateResourceName,
                path(n, "name"),
                format!("Two configurations are named {}.", configuration.name),
                "Give each configuration a name of its own.",
            );
        }
    }
}

fn secondary_addresses_of_secondary_nics_stay(case: &Nic<'_>, findings: &mut Findings) {
    refuse_while_allocated(case, |path| path != ACCELERATION, findings);
}

fn configurations_are_few(case: &Nic<'_>, findings: &mut Findings) {
    let count = case.ask.configurations.len();
    if count > limits::PRIVATE_ADDRESSES {
        findings.refuse(
            Code::InvalidParameter,
            "spec.ipConfigurations",
            format!("{count} IP configurations are listed."),
            format!("List at most {}.", limits::PRIVATE_ADDRESSES),
        );
        return;
    }
    let Some((vm, _)) = attached_vm(case) else { return };
    let siblings = case.engine.nics_of.get(vm).into_iter().flat_map(|nics| nics.values());
    let mut together = count;
    let mut others = Vec::new();
    for sibling in siblings.filter(|nic| *nic != case.name) {
        together += case.engine.get::<NetworkInterface>(sibling).map_or(0, |nic| nic.ask.configurations.len());
        others.push(ObjectId::new(Kind::NetworkInterface, sibling.clone()));
    }
    if together > limits::PRIVATE_ADDRESSES {
        let violation = findings.refuse(
            Code::InvalidParameter,
            "spec.ipConfigurations",
            format!("The network interfaces of VirtualMachine {vm} would have {together} IP configurations together."),
            format!("List fewer, here or on another: together at most {}.", limits::PRIVATE_ADDRESSES),
        );
        violation.until(claim_of(case.name));
        for other in others {
            violation.until(WaitKey::Object(other.clone())).until(WaitKey::Claim(other.clone())).blocked_by(other);
        }
    }
}

/// Addresses that the put takes beyond those that it gives up in the same network (ADDR-14).
fn network_has_room(case: &Nic<'_>, findings: &mut Findings) {
    let Some(subnet) = case.engine.get::<Subnet>(&case.ask.subnet) else { return };
    let held = case.programmed.map_or(0, |programmed| programmed.held.addresses.len());
    let is_served = |asked: &&IpConfiguration| case.engine.pool(&pool_of(&case.ask.subnet, asked.version)).is_some();
    let served = case.ask.configurations.iter().filter(is_served).count();
    let more = u64::try_from(served.saturating_sub(held)).unwrap_or(0);
    let quota = Quota::PrivateAddresses(subnet.ask.virtual_network.clone());
    quota::needs(case.engine, quota, more, "spec.ipConfigurations", findings);
}

fn primary_is_ipv4(case: &Nic<'_>, findings: &mut Findings) {
    for (n, configuration) in primaries(case.ask).filter(|(_, primary)| primary.version == IpVersion::IPv6) {
        findings.refuse(
            Code::InvalidParameter,
            path(n, "privateIPAddressVersion"),
            format!("Configuration {} is the primary one, and IPv6.", configuration.name),
            "Make an IPv4 configuration the primary one, and add the IPv6 one as secondary.",
        );
    }
}

fn ipv6_is_the_only_secondary(case: &Nic<'_>, findings: &mut Findings) {
    let Some((n, ipv6)) = ipv6_configurations(case.ask).next() else { return };
    let secondaries = case.ask.configurations.iter().filter(|configuration| configuration.primary != Primary::Yes);
    let others = secondaries.filter(|other| other.name != ipv6.name).count();
    let yet_to_be_marked = usize::from(case.ask.primary().is_none()); // as IPC-02 tells
    let others = others.saturating_sub(yet_to_be_marked);
    if others > 0 {
        findings.refuse(
            Code::InvalidParameter,
            path(n, "privateIPAddressVersion"),
            format!("Configuration {} is IPv6, and there are {others} other secondary ones.", ipv6.name),
            "Keep one IPv6 configuration beside the primary one, and remove the other secondary ones.",
        );
    }
}

fn ipv6_is_dynamic(case: &Nic<'_>, findings: &mut Findings) {
    for (n, configuration) in ipv6_configurations(case.ask) {
        if configuration.assignment != Assignment::Dynamic {
            findings.refuse(
                Code::InvalidParameter,
                path(n, "privateIPAllocationMethod"),
                format!("Configuration {} is IPv6 and Static.", configuration.name),
                "Leave privateIPAllocationMethod and privateIPAddress out.",
            );
        }
    }
}

fn ipv6_has_no_public_address(case: &Nic<'_>, findings: &mut Findings) {
    for (n, configuration) in ipv6_configurations(case.ask) {
        if let Some(public) = &configuration.public_ip_address {
            findings.refuse(
                Code::IPVersionForPublicIpAndNicIpConfigurationMustMatch,
                path(n, "publicIPAddress"),
                format!("Configuration {} is IPv6, and refers to PublicIPAddress {public}.", configuration.name),
                "Remove publicIPAddress from the IPv6 configuration.",
            );
        }
    }
}

fn ipv6_is_added_while_unattached(case: &Nic<'_>, findings: &mut Findings) {
    let Some((vm, _)) = attached_vm(case) else { return };
    let had = |name: &str| case.before().is_some_and(|old| ipv6_configurations(old).any(|(_, six)| *six.name == *name));
    for (n, _) in ipv6_configurations(case.ask).filter(|(_, six)| !had(&six.name)) {
        let id = ObjectId::new(Kind::VirtualMachine, vm.clone());
        findings
            .refuse(
                Code::OperationNotAllowed,
                path(n, "privateIPAddressVersion"),
                format!("The network interface is attached to {id}."),
                format!(
                    "Detach it from {id}, or delete {id}, first; a VM takes a NIC with IPv6 only when the VM is created."
                ),
            )
            .until(claim_of(case.name))
            .blocked_by(id);
    }
}

fn static_address_lies_in_the_subnet(case: &Nic<'_>, findings: &mut Findings) {
    let Some(subnet) = case.engine.get::<Subnet>(&case.ask.subnet) else { return };
    for (n, _, address) in
        static_addresses(case.ask).filter(|(_, configuration, _)| configuration.version == IpVersion::IPv4)
    {
        if !subnet.ask.prefixes().any(|prefix| prefix.contains(&address)) {
            findings
                .refuse(
                    Code::PrivateIPAddressNotInSubnet,
                    path(n, "privateIPAddress"),
                    format!("{address} is outside {} of Subnet {}.", subnet.ask.ipv4, case.ask.subnet),
                    format!(
                        "Choose an address from {}, or set privateIPAllocationMethod to Dynamic.",
                        subnet.ask.usable()
                    ),
                )
                .as_of(object(Kind::Subnet, &case.ask.subnet));
        } else if address.is_ipv6() {
            findings
                .refuse(
                    Code::InvalidPrivateIPAddressFormat,
                    path(n, "privateIPAddress"),
                    format!("{address} is an IPv6 address, and the configuration is IPv4."),
                    format!("Choose an address from {}.", subnet.ask.usable()),
                )
                .as_of(object(Kind::Subnet, &case.ask.subnet));
        }
    }
}

fn static_address_is_not_reserved(case: &Nic<'_>, findings: &mut Findings) {
    let Some(subnet) = case.engine.get::<Subnet>(&case.ask.subnet) else { return };
    for (n, _, address) in static_addresses(case.ask).filter(|(_, _, address)| subnet.ask.reserves(*address)) {
        findings
            .refuse(
                Code::PrivateIPAddressInReservedRange,
                path(n, "privateIPAddress"),
                format!("The platform keeps {address}: the first four addresses of {} and its last.", subnet.ask.ipv4),
                format!("Choose an address from {}, or set privateIPAllocationMethod to Dynamic.", subnet.ask.usable()),
            )
            .as_of(object(Kind::Subnet, &case.ask.subnet));
    }
}

fn new_static_configuration_names_its_address(case: &Nic<'_>, findings: &mut Findings) {
    for (n, configuration) in case.ask.configurations.iter().enumerate() {
        if configuration.assignment == Assignment::StaticAsIs {
            findings.refuse(
                Code::InvalidParameter,
                path(n, "privateIPAddress"),
                format!("Configuration {} is Static, and has no address to keep.", configuration.name),
                "Set privateIPAddress, or privateIPAllocationMethod to Dynamic.",
            );
        }
    }
}

fn static_address_is_free(case: &Nic<'_>, findings: &mut Findings) {
    let twice =
        |n: usize, address: IpAddr| static_addresses(case.ask).find(|(m, _, other)| *m < n && *other == address);
    for (n, configuration, address) in static_addresses(case.ask) {
        let holder = case.engine.addresses.get(&(case.ask.subnet.clone(), address));
        if let Some((_, other, _)) = twice(n, address) {
            in_use(case, n, address, &other.name, findings);
            continue;
        }
        match holder {
            None => {}
            Some((nic, held_by)) if nic == case.name => {
                // A configuration of the same NIC that stays Dynamic keeps its address; any other lets go of it.
                let version = IpVersion::of(&address);
                let keeps = |c: &&IpConfiguration| {
                    c.name == *held_by && c.assignment == Assignment::Dynamic && c.version == version
                };
                if let Some(other) = case.ask.configurations.iter().filter(|c| c.name != configuration.name).find(keeps)
                {
                    in_use(case, n, address, &other.name, findings);
                }
            }
            Some((nic, held_by)) => {
                let id = ObjectId::new(Kind::NetworkInterface, nic.clone());
                findings
                    .refuse(
                        Code::PrivateIPAddressInUse,
                        path(n, "privateIPAddress"),
                        format!("{address} is held by configuration {held_by} of {id}."),
                        format!(
                            "Choose a free address of {}, set privateIPAllocationMethod to Dynamic, or release the address on {nic}.",
                            range_of(case.engine, &case.ask.subnet)
                        ),
                    )
                    .until(WaitKey::Address(case.ask.subnet.clone(), address))
                    .blocked_by(id);
            }
        }
    }
}

fn in_use(case: &Nic<'_>, n: usize, address: IpAddr, other: &str, findings: &mut Findings) {
    findings.refuse(
        Code::PrivateIPAddressInUse,
        path(n, "privateIPAddress"),
        format!("{address} is also the address of configuration {other} of this network interface."),
        format!("Choose a free address of {}.", range_of(case.engine, &case.ask.subnet)),
    );
}

fn subnet_has_room(case: &Nic<'_>, findings: &mut Findings) {
    for version in [IpVersion::IPv4, IpVersion::IPv6] {
        let id = pool_of(&case.ask.subnet, version);
        let Some(pool) = case.engine.pool(&id) else { continue };
        let mut left = pool.available();
        let room = |(_, configuration): &(usize, &IpConfiguration)| {
            let asks_for_one_that_is_free = match configuration.assignment {
                Assignment::Static(address) => {
                    pool.prefix().contains(&address) && !pool.holds(address) && !pool.reserves(address)
                }
                Assignment::Dynamic => true,
                Assignment::StaticAsIs => false,
            };
            configuration.version == version && asks_for_one_that_is_free
        };
        // Static addresses first: a Dynamic configuration takes what they leave.
        let mut needy: Vec<_> = in_need(case.ask, case.programmed).filter(room).collect();
        needy.sort_by_key(|(_, configuration)| configuration.assignment == Assignment::Dynamic);
        for (n, configuration) in needy {
            if left > 0 {
                left -= 1;
                continue;
            }
            findings
                .refuse(
                    Code::SubnetIsFull,
                    path(n, "privateIPAllocationMethod"),
                    format!("Subnet {} has no free address for configuration {}.", case.ask.subnet, configuration.name),
                    full_remedy(case, &configuration.name),
                )
                .until(WaitKey::Capacity(id.clone()))
                .as_of(object(Kind::Subnet, &case.ask.subnet))
                .blocked_by(ObjectId::new(Kind::Subnet, case.ask.subnet.clone()));
        }
    }
}

/// Where a configuration of the same NIC is about to go, its address does not help: new ones are allocated first (S-37).
/// The primary one cannot go first (IPC-05).
fn full_remedy(case: &Nic<'_>, configuration: &str) -> String {
    let listed = |old: &IpConfiguration| case.ask.configurations.iter().any(|new| new.name == old.name);
    let secondaries = case.before().into_iter().flat_map(|before| &before.configurations);
    let mut secondaries = secondaries.filter(|old| old.primary != Primary::Yes);
    if secondaries.any(|old| !listed(old)) {
        format!("Remove the old configuration first, and add {configuration} after it; or widen the subnet.")
    } else {
        "Delete network interfaces of the subnet, widen it, or use another; an address is taken as soon as one is free."
            .to_owned()
    }
}

fn public_addresses_exist(case: &Nic<'_>, findings: &mut Findings) {
    for (n, _, public) in public_addresses(case.ask) {
        case.engine.refers::<PublicIPAddress>(public, case.placement, path(n, "publicIPAddress"), findings);
    }
}

fn public_address_is_ipv4(case: &Nic<'_>, findings: &mut Findings) {
    for (n, configuration, public) in public_addresses(case.ask) {
        let version = case.engine.get::<PublicIPAddress>(public).map(|public| public.ask.version);
        if configuration.version == IpVersion::IPv4 && version == Some(IpVersion::IPv6) {
            findings
                .refuse(
                    Code::IPVersionForPublicIpAndNicIpConfigurationMustMatch,
                    path(n, "publicIPAddress"),
                    format!("PublicIPAddress {public} is IPv6, and configuration {} is IPv4.", configuration.name),
                    "Refer to a public IPv4 address.",
                )
                .as_of(object(Kind::PublicIPAddress, public));
        }
    }
}

fn public_address_is_free(case: &Nic<'_>, findings: &mut Findings) {
    for (n, _, public) in public_addresses(case.ask) {
        if let Some((_, first, _)) = public_addresses(case.ask).find(|(m, _, other)| *m < n && *other == public) {
            findings.refuse(
                Code::PublicIPReferencedByMultipleIPConfigs,
                path(n, "publicIPAddress"),
                format!("Configuration {} refers to PublicIPAddress {public} as well.", first.name),
                "Refer to another public address, or remove one of the two references.",
            );
        }
        let holder = case.engine.associations.get(public).filter(|(nic, _)| nic != case.name);
        if let Some((nic, held_by)) = holder {
            let id = ObjectId::new(Kind::NetworkInterface, nic.clone());
            findings
                .refuse(
                    Code::PublicIPAddressInUse,
                    path(n, "publicIPAddress"),
                    format!("PublicIPAddress {public} is held by configuration {held_by} of {id}."),
                    format!("Refer to another public address, or remove publicIPAddress from {id}."),
                )
                .until(WaitKey::Claim(ObjectId::new(Kind::PublicIPAddress, public.clone())))
                .blocked_by(id);
        }
    }
}

fn public_pool_has_room(case: &Nic<'_>, findings: &mut Findings) {
    let (Some((name, vm)), Some(before)) = (attached_vm(case), case.programmed) else { return };
    let starts = match vm.held.power {
        PowerState::Running | PowerState::Starting => true,
        // Deallocated for the edit, started, and stopped again (S-38).
        PowerState::Stopped => !edits_that_need_deallocated(&before.ask, &before.held, case.ask).is_empty(),
        PowerState::Deallocated => false,
    };
    let siblings = case.engine.nics_of.get(name).into_iter().flat_map(|nics| nics.values());
    let siblings = siblings.filter(|nic| *nic != case.name);
    let theirs = siblings.filter_map(|nic| case.engine.get::<NetworkInterface>(nic));
    let theirs = theirs.flat_map(|nic| nic.ask.public_ip_addresses());
    let all = theirs.chain(case.ask.public_ip_addresses()).filter(|_| starts);
    needs_public_addresses(case.engine, all, "spec.ipConfigurations", findings);
}

fn skus_do_not_mix(case: &Nic<'_>, findings: &mut Findings) {
    let Some((name, vm)) = attached_vm(case) else { return };
    if case.ask.public_ip_addresses().next().is_none() {
        return; // and nothing else is looked for
    }
    let siblings = case.engine.nics_of.get(name).into_iter().flat_map(|nics| nics.values());
    let siblings = siblings
        .filter(|nic| *nic != case.name)
        .filter_map(|nic| Some((nic, case.engine.get::<NetworkInterface>(nic)?)))
        .flat_map(|(nic, programmed)| programmed.ask.public_ip_addresses().map(move |public| (nic, public)));
    let beside = case.engine.public_addresses_beside(name, vm.ask.availability_set.as_ref());
    let sku = |public: &Name| case.engine.get::<PublicIPAddress>(public).map(|public| public.ask.sku);
    let mut others = siblings.chain(beside).filter_map(|(nic, public)| Some((nic, public, sku(public)?)));
    let mut first = others.next();
    for (n, _, public) in public_addresses(case.ask) {
        let Some(of) = sku(public) else { continue };
        let (holder, other, other_sku) = *first.get_or_insert((case.name, public, of)); // the first one seen decides
        if other_sku == of {
            continue;
        }
        let violation = findings
            .refuse(
                Code::DifferentSkuLoadBalancersAndPublicIPAddressNotAllowed,
                path(n, "publicIPAddress"),
                format!("PublicIPAddress {public} is {of}, and PublicIPAddress {other} is {other_sku}."),
                "Use public addresses of one SKU on all network interfaces of a virtual machine or availability set.",
            )
            .as_of(object(Kind::PublicIPAddress, public))
            .as_of(claim_of(case.name));
        if holder != case.name {
            violation
                .until(WaitKey::Claim(ObjectId::new(Kind::PublicIPAddress, other.clone())))
                .until(claim_of(holder));
        }
    }
}

fn is_not_attached(engine: &Engine, name: &Name, findings: &mut Findings) {
    let Some(attached) = engine.get::<NetworkInterface>(name).and_then(|nic| nic.held.attached.as_ref()) else {
        return;
    };
    let vm = ObjectId::new(Kind::VirtualMachine, attached.vm.clone());
    findings
        .refuse(
            Code::NicInUse,
            DELETION_PATH,
            format!("The network interface is attached to {vm}."),
            format!("Detach it from {vm}, or delete {vm}; it then goes by itself."),
        )
        .until(claim_of(name))
        .blocked_by(vm);
}

fn path(n: usize, field: &str) -> String {
    format!("spec.ipConfigurations[{n}].{field}")
}

fn object(kind: Kind, name: &Name) -> WaitKey {
    WaitKey::Object(ObjectId::new(kind, name.clone()))
}

fn claim_of(nic: &Name) -> WaitKey {
    WaitKey::Claim(ObjectId::new(Kind::NetworkInterface, nic.clone()))
}

fn primaries(ask: &NetworkInterface) -> impl Iterator<Item = (usize, &IpConfiguration)> {
    ask.configurations.iter().enumerate().filter(|(_, configuration)| configuration.primary == Primary::Yes)
}

fn ipv6_configurations(ask: &NetworkInterface) -> impl Iterator<Item = (usize, &IpConfiguration)> {
    ask.configurations.iter().enumerate().filter(|(_, configuration)| configuration.version == IpVersion::IPv6)
}

fn static_addresses(ask: &NetworkInterface) -> impl Iterator<Item = (usize, &IpConfiguration, IpAddr)> {
    ask.configurations.iter().enumerate().filter_map(|(n, configuration)| match configuration.assignment {
        Assignment::Static(address) => Some((n, configuration, address)),
        Assignment::Dynamic | Assignment::StaticAsIs => None,
    })
}

fn public_addresses(ask: &NetworkInterface) -> impl Iterator<Item = (usize, &IpConfiguration, &Name)> {
    ask.configurations.iter().enumerate().filter_map(|(n, configuration)| {
        configuration.public_ip_address.as_ref().map(|public| (n, configuration, public))
    })
}

fn attached_vm<'a>(case: &Nic<'a>) -> Option<(&'a Name, &'a Programmed<VirtualMachine>)> {
    let attached = case.programmed?.held.attached.as_ref()?;
    Some((&attached.vm, case.engine.get::<VirtualMachine>(&attached.vm)?))
}

fn range_of(engine: &Engine, subnet: &Name) -> String {
    engine.get::<Subnet>(subnet).map(|subnet| subnet.ask.ipv4.to_string()).unwrap_or_default()
}

/// The put needs the VM deallocated, and waits for that, or for an edit of the VM that makes another NIC the primary one.
fn needs_deallocated(name: &Name, vm: &Programmed<VirtualMachine>, path: &str, findings: &mut Findings) {
    let id = ObjectId::new(Kind::VirtualMachine, name.clone());
    findings
        .refuse(
            Code::OperationNotAllowed,
            path,
            format!("{id} is {}.", vm.held.power),
            format!("Please stop/deallocate the VM and retry the operation: set powerState of {id} to Deallocated."),
        )
        .until(WaitKey::Power(name.clone()))
        .until(WaitKey::Object(id.clone()))
        .blocked_by(id);
}
