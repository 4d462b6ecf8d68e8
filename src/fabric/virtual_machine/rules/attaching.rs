//! The rules of attaching and detaching network interfaces: which may be, and when.

use super::{LIST, VmCase, nics};
use crate::fabric::id::{Kind, ObjectId};
use crate::fabric::resource::Programmed;
use crate::fabric::terms::IpVersion;
use crate::fabric::violation::{Code, Findings, WaitKey};
use crate::fabric::virtual_machine::{DesiredPowerState, Disruption, NicReference, PowerState, VirtualMachine};

pub(super) fn nics_are_free(case: &VmCase<'_>, findings: &mut Findings) {
    for (n, nic, programmed) in nics(case) {
        let holder = programmed.held.attached.as_ref().map(|attached| &attached.vm);
        let Some(holder) = holder.filter(|holder| *holder != case.name) else { continue };
        let vm = ObjectId::new(Kind::VirtualMachine, holder.clone());
        findings
            .refuse(
                Code::NicInUse,
                format!("{LIST}[{n}]"),
                format!("NetworkInterface {} is attached to {vm}.", nic.name),
                format!("Detach it from {vm} first, or list another network interface."),
            )
            .until_free(WaitKey::claim(Kind::NetworkInterface, &nic.name))
            .blocked_by(vm);
    }
}

pub(super) fn nics_are_in_one_network(case: &VmCase<'_>, findings: &mut Findings) {
    let mut networks = nics(case)
        .filter_map(|(n, nic, programmed)| Some((n, &nic.name, case.engine.network_of(&programmed.ask.subnet)?)));
    let Some((_, first, network)) = networks.next() else { return };
    for (n, other, other_network) in networks.filter(|(_, _, other)| *other != network) {
        findings
            .refuse(
                Code::SubnetsNotInSameVnet,
                format!("{LIST}[{n}]"),
                format!(
                    "NetworkInterface {other} is in VirtualNetwork {other_network}, and NetworkInterface {first} in {network}."
                ),
                format!("List network interfaces of VirtualNetwork {network} only."),
            )
            .cites(WaitKey::object(Kind::NetworkInterface, first))
            .cites(WaitKey::object(Kind::NetworkInterface, other));
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
        let message =
            format!("NetworkInterface {} cannot be attached while the VM is {}.", nic.name, programmed.held.power);
        findings
            .refuse(Code::OperationNotAllowed, format!("{LIST}[{n}]"), message, DEALLOCATE_FIRST)
            .cites(WaitKey::Power(case.name.clone()))
            .cites(WaitKey::object(Kind::NetworkInterface, &nic.name));
    }
}

pub(super) fn detaching_needs_deallocated(case: &VmCase<'_>, findings: &mut Findings) {
    let Some(programmed) = case.programmed.filter(|programmed| !is_deallocated_for_edits(programmed, case.ask)) else {
        return;
    };
    for nic in case.engine.attached_to(case.name) {
        if case.ask.network_interfaces.iter().all(|listed| listed.name != nic) {
            let message =
                format!("NetworkInterface {nic} cannot be detached while the VM is {}.", programmed.held.power);
            findings
                .refuse(Code::OperationNotAllowed, LIST, message, DEALLOCATE_FIRST)
                .cites(WaitKey::Power(case.name.clone()))
                .cites(WaitKey::object(Kind::NetworkInterface, &nic));
        }
    }
}

const DEALLOCATE_FIRST: &str = "Please stop/deallocate the VM and retry the operation: set powerState to Deallocated \
                                together with the new list, and to Running after it; or \
                                set disruptionPolicy to Deallocate.";

pub(super) fn ipv6_is_attached_at_creation(case: &VmCase<'_>, findings: &mut Findings) {
    let attached = case.engine.attached_to(case.name);
    let is_new = |nic: &NicReference| case.programmed.is_some() && !attached.contains(&nic.name);
    for (n, nic, programmed) in nics(case).filter(|(_, nic, _)| is_new(nic)) {
        if programmed.ask.configurations.iter().any(|configuration| configuration.version == IpVersion::IPv6) {
            findings
                .refuse(
                    Code::OperationNotAllowed,
                    format!("{LIST}[{n}]"),
                    format!("NetworkInterface {} has an IPv6 configuration, and the VM exists already.", nic.name),
                    "Remove the IPv6 configuration, or create another virtual machine with this network interface.",
                )
                .until(WaitKey::object(Kind::NetworkInterface, &nic.name));
        }
    }
}

/// Deallocated now, or first thing in this put (S-01, S-38).
fn is_deallocated_for_edits(programmed: &Programmed<VirtualMachine>, ask: &VirtualMachine) -> bool {
    programmed.held.power == PowerState::Deallocated
        || ask.power == Some(DesiredPowerState::Deallocated)
        || ask.disruption == Disruption::Deallocate
}
