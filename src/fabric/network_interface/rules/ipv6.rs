//! The rules of IPv6 configurations: one, secondary, Dynamic, without a public address, and added while unattached.

use super::{NicCase, attached_vm, path, primaries};
use crate::fabric::id::{Kind, ObjectId};
use crate::fabric::network_interface::findings::Ipv6Finding;
use crate::fabric::network_interface::{Assignment, IpConfiguration, NetworkInterface};
use crate::fabric::terms::{IpVersion, Primary};
use crate::fabric::violation::Findings;

pub(super) fn primary_is_ipv4(case: &NicCase<'_>, findings: &mut Findings) {
    for (n, configuration) in primaries(case.ask).filter(|(_, primary)| primary.version == IpVersion::IPv6) {
        let configuration = configuration.name.clone();
        findings.add(path(n, "privateIPAddressVersion"), Ipv6Finding::Primary { configuration });
    }
}

pub(super) fn ipv6_is_the_only_secondary(case: &NicCase<'_>, findings: &mut Findings) {
    let Some((n, ipv6)) = ipv6_configurations(case.ask).next() else { return };
    let secondaries = case.ask.configurations.iter().filter(|configuration| configuration.primary != Primary::Yes);
    let others = secondaries.filter(|other| other.name != ipv6.name).count();
    let yet_to_be_marked = usize::from(case.ask.primary().is_none()); // as IPC-02 reports
    let others = others.saturating_sub(yet_to_be_marked);
    if others > 0 {
        let configuration = ipv6.name.clone();
        findings.add(path(n, "privateIPAddressVersion"), Ipv6Finding::NotTheOnlySecondary { configuration, others });
    }
}

pub(super) fn ipv6_is_dynamic(case: &NicCase<'_>, findings: &mut Findings) {
    for (n, configuration) in ipv6_configurations(case.ask) {
        if configuration.assignment != Assignment::Dynamic {
            let configuration = configuration.name.clone();
            findings.add(path(n, "privateIPAllocationMethod"), Ipv6Finding::Static { configuration });
        }
    }
}

pub(super) fn ipv6_has_no_public_address(case: &NicCase<'_>, findings: &mut Findings) {
    for (n, configuration) in ipv6_configurations(case.ask) {
        if let Some(public) = &configuration.public_ip_address {
            let (configuration, public) = (configuration.name.clone(), public.clone());
            findings.add(path(n, "publicIPAddress"), Ipv6Finding::WithPublicAddress { configuration, public });
        }
    }
}

pub(super) fn ipv6_is_added_while_unattached(case: &NicCase<'_>, findings: &mut Findings) {
    let Some((vm, _)) = attached_vm(case) else { return };
    let had = |name: &str| case.before().is_some_and(|old| ipv6_configurations(old).any(|(_, six)| *six.name == *name));
    for (n, _) in ipv6_configurations(case.ask).filter(|(_, six)| !had(&six.name)) {
        let (nic, vm) = (case.name.clone(), ObjectId::new(Kind::VirtualMachine, vm.clone()));
        findings.add(path(n, "privateIPAddressVersion"), Ipv6Finding::AddedWhileAttached { nic, vm });
    }
}

fn ipv6_configurations(ask: &NetworkInterface) -> impl Iterator<Item = (usize, &IpConfiguration)> {
    ask.configurations.iter().enumerate().filter(|(_, configuration)| configuration.version == IpVersion::IPv6)
}
