//! The rules of public addresses on IP configurations.

use super::disruption::edit_needs_deallocated;
use super::{NicCase, attached_vm, path};
use crate::fabric::id::{Kind, Name, ObjectId};
use crate::fabric::network_interface::{IpConfiguration, NetworkInterface};
use crate::fabric::public_ip_address::{PublicIPAddress, needs_public_addresses};
use crate::fabric::terms::{DeleteOption, IpVersion};
use crate::fabric::violation::{Code, Findings, WaitKey};
use crate::fabric::virtual_machine::PowerState;

pub(super) fn public_addresses_to_delete_are_its_own(case: &NicCase<'_>, findings: &mut Findings) {
    for (n, configuration, public) in public_addresses(case.ask) {
        let is_deleted = configuration.public_delete_option == DeleteOption::Delete;
        if is_deleted && public.namespace != case.name.namespace {
            findings.refuse(
                Code::InvalidParameter,
                path(n, "publicIPAddress.deleteOption"),
                format!("PublicIPAddress {public} is of another namespace, and is not deleted with a virtual machine."),
                "Leave deleteOption out, or refer to a public address of this namespace.",
            );
        }
    }
}

pub(super) fn public_address_is_ipv4(case: &NicCase<'_>, findings: &mut Findings) {
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
                .cites(WaitKey::object(Kind::PublicIPAddress, public));
        }
    }
}

pub(super) fn public_address_is_free(case: &NicCase<'_>, findings: &mut Findings) {
    for (n, _, public) in public_addresses(case.ask) {
        if let Some((_, first, _)) = public_addresses(case.ask).find(|(m, _, other)| *m < n && *other == public) {
            findings.refuse(
                Code::PublicIPReferencedByMultipleIPConfigs,
                path(n, "publicIPAddress"),
                format!("Configuration {} refers to PublicIPAddress {public} as well.", first.name),
                "Refer to another public address, or remove one of the two references.",
            );
        }
        let this = ObjectId::new(Kind::NetworkInterface, case.name.clone());
        if let Some(holder) = case.engine.associations.get(public).filter(|holder| holder.object() != this) {
            let id = holder.object();
            findings
                .refuse(
                    Code::PublicIPAddressInUse,
                    path(n, "publicIPAddress"),
                    format!("PublicIPAddress {public} is held by {holder}."),
                    format!("Refer to another public address, or remove publicIPAddress from {id}."),
                )
                .until_free(WaitKey::claim(Kind::PublicIPAddress, public))
                .blocked_by(id);
        }
    }
}

pub(super) fn public_pool_has_room(case: &NicCase<'_>, findings: &mut Findings) {
    let (Some((name, vm)), Some(before)) = (attached_vm(case), case.programmed) else { return };
    let starts = match vm.held.power {
        PowerState::Running | PowerState::Starting => true,
        // Deallocated for the edit, started, and stopped again (S-38).
        PowerState::Stopped => edit_needs_deallocated(before, case.ask),
        PowerState::Deallocated => false,
    };
    let siblings = case.engine.nics_of.get(name).into_iter().flat_map(|nics| nics.values());
    let siblings = siblings.filter(|nic| *nic != case.name);
    let theirs = siblings.clone().filter_map(|nic| case.engine.get::<NetworkInterface>(nic));
    let theirs = theirs.flat_map(|nic| nic.ask.public_ip_addresses());
    let all = theirs.chain(case.ask.public_ip_addresses()).filter(|_| starts);
    let Some(mut violation) = needs_public_addresses(case.engine, all, "spec.ipConfigurations", findings) else {
        return;
    };
    // A machine that does not run requires none, and neither does an interface that is not attached.
    violation.until(WaitKey::Power(name.clone())).until(WaitKey::claim(Kind::NetworkInterface, case.name));
    for sibling in siblings {
        violation.until(WaitKey::object(Kind::NetworkInterface, sibling));
        violation.until(WaitKey::claim(Kind::NetworkInterface, sibling));
    }
}

pub(super) fn skus_do_not_mix(case: &NicCase<'_>, findings: &mut Findings) {
    let Some((name, vm)) = attached_vm(case) else { return };
    if case.ask.public_ip_addresses().next().is_none() {
        return; // and nothing else is looked for
    }
    let siblings = case.engine.nics_of.get(name).into_iter().flat_map(|nics| nics.values());
    let siblings = siblings.filter(|nic| *nic != case.name);
    let theirs = siblings
        .clone()
        .filter_map(|nic| Some((nic, case.engine.get::<NetworkInterface>(nic)?)))
        .flat_map(|(nic, programmed)| programmed.ask.public_ip_addresses().map(move |public| (nic, public)));
    let beside = case.engine.public_addresses_beside(name, vm.ask.availability_set.as_ref());
    let sku = |public: &Name| case.engine.get::<PublicIPAddress>(public).map(|public| public.ask.sku);
    let mut others = theirs.chain(beside).filter_map(|(nic, public)| Some((nic, public, sku(public)?)));
    let mut first = others.next();
    for (n, _, public) in public_addresses(case.ask) {
        let Some(of) = sku(public) else { continue };
        let (holder, other, other_sku) = *first.get_or_insert((case.name, public, of)); // the first one seen decides
        if other_sku == of {
            continue;
        }
        let mut violation = findings.refuse(
            Code::DifferentSkuLoadBalancersAndPublicIPAddressNotAllowed,
            path(n, "publicIPAddress"),
            format!("PublicIPAddress {public} is {of}, and PublicIPAddress {other} is {other_sku}."),
            "Use public addresses of one SKU on all network interfaces of a virtual machine or availability set.",
        );
        violation
            .cites(WaitKey::object(Kind::PublicIPAddress, public))
            .cites(WaitKey::claim(Kind::NetworkInterface, case.name));
        if holder != case.name {
            violation
                .until(WaitKey::claim(Kind::PublicIPAddress, other))
                .until(WaitKey::claim(Kind::NetworkInterface, holder))
                .blocked_by(ObjectId::new(Kind::NetworkInterface, holder.clone()));
        }
        // Another one may come to be the first.
        violation.cites(WaitKey::object(Kind::VirtualMachine, name));
        for sibling in siblings.clone() {
            violation.cites(WaitKey::object(Kind::NetworkInterface, sibling));
        }
        if let Some(set) = &vm.ask.availability_set {
            violation.cites(WaitKey::members(Kind::AvailabilitySet, set));
        }
    }
}

fn public_addresses(ask: &NetworkInterface) -> impl Iterator<Item = (usize, &IpConfiguration, &Name)> {
    ask.configurations.iter().enumerate().filter_map(|(n, configuration)| {
        configuration.public_ip_address.as_ref().map(|public| (n, configuration, public))
    })
}
