//! The rules of attaching and detaching network interfaces: which may be, and when.

use super::{LIST, VmCase, nics, place};
use crate::fabric::id::{Kind, ObjectId};
use crate::fabric::resource::Programmed;
use crate::fabric::terms::IpVersion;
use crate::fabric::violation::Findings;
use crate::fabric::virtual_machine::findings::AttachmentFinding;
use crate::fabric::virtual_machine::{DesiredPowerState, Disruption, NicReference, PowerState, VirtualMachine};

pub(super) fn nics_are_free(case: &VmCase<'_>, findings: &mut Findings) {
    for (n, nic, programmed) in nics(case) {
        let holder = programmed.held.attached.as_ref().map(|attached| &attached.vm);
        if let Some(holder) = holder.filter(|holder| *holder != case.name) {
            let vm = ObjectId::new(Kind::VirtualMachine, holder.clone());
            findings.add(place(n), AttachmentFinding::InUse { nic: nic.name.clone(), vm });
        }
    }
}

pub(super) fn nics_are_in_one_network(case: &VmCase<'_>, findings: &mut Findings) {
    let mut networks = nics(case)
        .filter_map(|(n, nic, programmed)| Some((n, &nic.name, case.engine.network_of(&programmed.ask.subnet)?)));
    let Some((_, first, first_network)) = networks.next() else { return };
    for (n, nic, network) in networks.filter(|(_, _, other)| *other != first_network) {
        let (nic, network) = (nic.clone(), network.clone());
        let (first, first_network) = (first.clone(), first_network.clone());
        findings.add(place(n), AttachmentFinding::InAnotherNetwork { nic, network, first, first_network });
    }
}

pub(super) fn attaching_needs_deallocated(case: &VmCase<'_>, findings: &mut Findings) {
    let Some(programmed) = case.programmed.filter(|programmed| !is_deallocated_for_edits(programmed, case.ask)) else {
        return;
    };
    let attached = case.engine.attached_to(case.name);
    for (n, nic, _) in nics(case).filter(|(_, nic, _)| !attached.contains(&nic.name)) {
        if programmed.ask.network_interfaces.iter().any(|before| before.name == nic.name) {
            continue; // listed before and lost since; it comes back without an edit
        }
        let (nic, vm, power) = (nic.name.clone(), case.name.clone(), programmed.held.power);
        findings.add(place(n), AttachmentFinding::AttachedWhileOn { nic, vm, power });
    }
}

pub(super) fn detaching_needs_deallocated(case: &VmCase<'_>, findings: &mut Findings) {
    let Some(programmed) = case.programmed.filter(|programmed| !is_deallocated_for_edits(programmed, case.ask)) else {
        return;
    };
    for nic in case.engine.attached_to(case.name) {
        if case.ask.network_interfaces.iter().all(|listed| listed.name != nic) {
            let (vm, power) = (case.name.clone(), programmed.held.power);
            findings.add(LIST, AttachmentFinding::DetachedWhileOn { nic, vm, power });
        }
    }
}

pub(super) fn ipv6_is_attached_at_creation(case: &VmCase<'_>, findings: &mut Findings) {
    let attached = case.engine.attached_to(case.name);
    let is_new = |nic: &NicReference| case.programmed.is_some() && !attached.contains(&nic.name);
    for (n, nic, programmed) in nics(case).filter(|(_, nic, _)| is_new(nic)) {
        if programmed.ask.configurations.iter().any(|configuration| configuration.version == IpVersion::IPv6) {
            findings.add(place(n), AttachmentFinding::Ipv6AfterCreation { nic: nic.name.clone() });
        }
    }
}

/// Deallocated now, or first thing in this put (S-01, S-38).
fn is_deallocated_for_edits(programmed: &Programmed<VirtualMachine>, ask: &VirtualMachine) -> bool {
    programmed.held.power == PowerState::Deallocated
        || ask.power == Some(DesiredPowerState::Deallocated)
        || ask.disruption == Disruption::Deallocate
}
