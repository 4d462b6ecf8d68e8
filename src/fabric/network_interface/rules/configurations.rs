//! The rules of the list of IP configurations: how many, their names, which is primary.

use super::{NicCase, attached_vm, path, primaries};
use crate::fabric::id::{Kind, ObjectId};
use crate::fabric::limits;
use crate::fabric::network_interface::NetworkInterface;
use crate::fabric::network_interface::findings::ConfigurationFinding;
use crate::fabric::violation::Findings;

const LIST: &str = "spec.ipConfigurations";

pub(super) fn has_a_configuration(case: &NicCase<'_>, findings: &mut Findings) {
    if case.ask.configurations.is_empty() {
        findings.add(LIST, ConfigurationFinding::NoneListed);
    }
}

pub(super) fn one_configuration_is_primary(case: &NicCase<'_>, findings: &mut Findings) {
    let primaries: Vec<_> = primaries(case.ask).collect();
    match primaries.as_slice() {
        // One that takes the place of the primary configuration is reported by IPC-05.
        [] if case.ask.configurations.len() < 2 => {}
        [] => {
            findings.add(LIST, ConfigurationFinding::NonePrimary { count: case.ask.configurations.len() });
        }
        [_] => {}
        [(_, first), others @ ..] => {
            for (n, other) in others {
                let (first, other) = (first.name.clone(), other.name.clone());
                findings.add(path(*n, "primary"), ConfigurationFinding::TwoPrimary { first, other });
            }
        }
    }
}

pub(super) fn primary_configuration_stays(case: &NicCase<'_>, findings: &mut Findings) {
    let Some(primary) = case.before().and_then(NetworkInterface::primary) else { return };
    let listed = case.ask.configurations.iter().any(|configuration| configuration.name == primary.name);
    if !listed && case.ask.primary().is_none() {
        findings.add(LIST, ConfigurationFinding::PrimaryRemoved { primary: primary.name.clone() });
    }
}

pub(super) fn configuration_names_are_unique(case: &NicCase<'_>, findings: &mut Findings) {
    for (n, configuration) in case.ask.configurations.iter().enumerate() {
        if case.ask.configurations.iter().take(n).any(|other| other.name == configuration.name) {
            findings.add(path(n, "name"), ConfigurationFinding::SameName { name: configuration.name.clone() });
        }
    }
}

pub(super) fn configurations_are_few(case: &NicCase<'_>, findings: &mut Findings) {
    let count = case.ask.configurations.len();
    if count > limits::PRIVATE_ADDRESSES {
        findings.add(LIST, ConfigurationFinding::TooMany { count });
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
        let (nic, vm) = (case.name.clone(), vm.clone());
        findings.add(LIST, ConfigurationFinding::TooManyTogether { nic, vm, others });
    }
}
