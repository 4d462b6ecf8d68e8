//! The rules of public addresses on IP configurations.

use super::disruption::edit_needs_deallocated;
use super::{NicCase, attached_vm, path};
use crate::fabric::id::{Kind, Name, ObjectId};
use crate::fabric::network_interface::findings::PublicAddressFinding;
use crate::fabric::network_interface::{IpConfiguration, NetworkInterface};
use crate::fabric::public_ip_address::{FoundBy, PublicIPAddress, SkuMix, dynamic_shortfall};
use crate::fabric::terms::{DeleteOption, IpVersion};
use crate::fabric::violation::{Findings, WaitKey};
use crate::fabric::virtual_machine::PowerState;

pub(super) fn public_addresses_to_delete_are_its_own(case: &NicCase<'_>, findings: &mut Findings) {
    for (n, configuration, public) in public_addresses(case.ask) {
        let is_deleted = configuration.public_delete_option == DeleteOption::Delete;
        if is_deleted && public.namespace != case.name.namespace {
            let found = PublicAddressFinding::DeletedElsewhere { public: public.clone() };
            findings.add(path(n, "publicIPAddress.deleteOption"), found);
        }
    }
}

pub(super) fn public_address_is_ipv4(case: &NicCase<'_>, findings: &mut Findings) {
    for (n, configuration, public) in public_addresses(case.ask) {
        let version = case.engine.get::<PublicIPAddress>(public).map(|public| public.ask.version);
        if configuration.version == IpVersion::IPv4 && version == Some(IpVersion::IPv6) {
            let (public, configuration) = (public.clone(), configuration.name.clone());
            findings.add(path(n, "publicIPAddress"), PublicAddressFinding::OtherVersion { public, configuration });
        }
    }
}

pub(super) fn public_address_is_free(case: &NicCase<'_>, findings: &mut Findings) {
    for (n, _, public) in public_addresses(case.ask) {
        if let Some((_, first, _)) = public_addresses(case.ask).find(|(m, _, other)| *m < n && *other == public) {
            let (public, first) = (public.clone(), first.name.clone());
            findings.add(path(n, "publicIPAddress"), PublicAddressFinding::ReferredToTwice { public, first });
        }
        let this = ObjectId::new(Kind::NetworkInterface, case.name.clone());
        if let Some(holder) = case.engine.associations.get(public).filter(|holder| holder.object() != this) {
            let (public, holder) = (public.clone(), holder.clone());
            findings.add(path(n, "publicIPAddress"), PublicAddressFinding::Held { public, holder });
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
    let Some(shortfall) = dynamic_shortfall(case.engine, all) else { return };
    // A machine that does not run requires none, and neither does an interface that is not attached.
    let attached = siblings.clone().chain([case.name]).map(|nic| WaitKey::claim(Kind::NetworkInterface, nic));
    let siblings = siblings.map(|nic| WaitKey::object(Kind::NetworkInterface, nic));
    let keys = attached.chain(siblings).chain([WaitKey::Power(name.clone())]);
    findings.add("spec.ipConfigurations", shortfall.until(keys));
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
        if other_sku != of {
            let mix = SkuMix {
                public: (public.clone(), of),
                first: (other.clone(), other_sku),
                holder: holder.clone(),
                nics: siblings.clone().cloned().collect(),
                availability_set: vm.ask.availability_set.clone(),
                found_by: FoundBy::NetworkInterface { name: case.name.clone(), vm: name.clone() },
            };
            findings.add(path(n, "publicIPAddress"), mix);
        }
    }
}

fn public_addresses(ask: &NetworkInterface) -> impl Iterator<Item = (usize, &IpConfiguration, &Name)> {
    ask.configurations.iter().enumerate().filter_map(|(n, configuration)| {
        configuration.public_ip_address.as_ref().map(|public| (n, configuration, public))
    })
}
