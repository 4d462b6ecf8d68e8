//! The rules of the list of IP configurations: how many, their names, which is primary.

use super::{NicCase, attached_vm, path, primaries};
use crate::fabric::id::{Kind, ObjectId};
use crate::fabric::limits;
use crate::fabric::network_interface::NetworkInterface;
use crate::fabric::violation::{Code, Findings, WaitKey};

pub(super) fn has_a_configuration(case: &NicCase<'_>, findings: &mut Findings) {
    if case.ask.configurations.is_empty() {
        findings.refuse(
            Code::InvalidParameter,
            "spec.ipConfigurations",
            "The network interface has no IP configuration.",
            "List at least one, such as {name: ipconfig1}.",
        );
    }
}

pub(super) fn one_configuration_is_primary(case: &NicCase<'_>, findings: &mut Findings) {
    let primaries: Vec<_> = primaries(case.ask).collect();
    match primaries.as_slice() {
        // One that takes the place of the primary configuration is told so by IPC-05.
        [] if case.ask.configurations.len() < 2 => {}
        [] => {
            findings.refuse(
                Code::NetworkInterfaceMustHaveOneOneIPConfigAsPrimary,
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

pub(super) fn primary_configuration_stays(case: &NicCase<'_>, findings: &mut Findings) {
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

pub(super) fn configuration_names_are_unique(case: &NicCase<'_>, findings: &mut Findings) {
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

pub(super) fn configurations_are_few(case: &NicCase<'_>, findings: &mut Findings) {
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
        let mut violation = findings.refuse(
            Code::InvalidParameter,
            "spec.ipConfigurations",
            format!(
                "The network interfaces of VirtualMachine {vm} would have more than {} IP configurations together.",
                limits::PRIVATE_ADDRESSES
            ),
            "List fewer, here or on another.",
        );
        violation.until(WaitKey::claim(Kind::NetworkInterface, case.name));
        for other in others {
            violation.until(WaitKey::Object(other.clone())).until(WaitKey::Claim(other.clone())).blocked_by(other);
        }
    }
}
