//! The rules of IPv6 configurations: one, secondary, Dynamic, without a public address, and added while unattached.

use super::{NicCase, attached_vm, path, primaries};
use crate::fabric::id::{Kind, ObjectId};
use crate::fabric::network_interface::{Assignment, IpConfiguration, NetworkInterface};
use crate::fabric::terms::{IpVersion, Primary};
use crate::fabric::violation::{Code, Findings, WaitKey};

pub(super) fn primary_is_ipv4(case: &NicCase<'_>, findings: &mut Findings) {
    for (n, configuration) in primaries(case.ask).filter(|(_, primary)| primary.version == IpVersion::IPv6) {
        findings.refuse(
            Code::InvalidParameter,
            path(n, "privateIPAddressVersion"),
            format!("Configuration {} is the primary one, and IPv6.", configuration.name),
            "Make an IPv4 configuration the primary one, and add the IPv6 one as secondary.",
        );
    }
}

pub(super) fn ipv6_is_the_only_secondary(case: &NicCase<'_>, findings: &mut Findings) {
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

pub(super) fn ipv6_is_dynamic(case: &NicCase<'_>, findings: &mut Findings) {
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

pub(super) fn ipv6_has_no_public_address(case: &NicCase<'_>, findings: &mut Findings) {
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

pub(super) fn ipv6_is_added_while_unattached(case: &NicCase<'_>, findings: &mut Findings) {
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
            .until(WaitKey::claim(Kind::NetworkInterface, case.name))
            .blocked_by(id);
    }
}

fn ipv6_configurations(ask: &NetworkInterface) -> impl Iterator<Item = (usize, &IpConfiguration)> {
    ask.configurations.iter().enumerate().filter(|(_, configuration)| configuration.version == IpVersion::IPv6)
}
