//! The rules of what a scale set is: its mode, how many instances it has, and what they are called.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::{Network, PROFILE, SetCase};
use crate::fabric::engine::Engine;
use crate::fabric::id::Name;
use crate::fabric::limits;
use crate::fabric::resource::DELETION_PATH;
use crate::fabric::violation::Findings;
use crate::fabric::virtual_machine_scale_set::findings::SetFinding;
use crate::fabric::virtual_machine_scale_set::{
    ConfigurationModel, InstanceName, NicModel, OrchestrationMode, first_with_an_object, list_path, nic_path, publics,
};

pub(super) fn mode_is_fixed(case: &SetCase<'_>, findings: &mut Findings) {
    if let Some(before) = case.before().filter(|before| before.mode != case.ask.mode) {
        findings.add("spec.orchestrationMode", SetFinding::ModeChanged { before: before.mode });
    }
}

pub(super) fn instances_are_few(case: &SetCase<'_>, findings: &mut Findings) {
    let replicas = case.ask.replicas;
    if replicas > limits::INSTANCES_PER_SCALE_SET {
        findings.add("spec.replicas", SetFinding::TooManyInstances { replicas });
    }
}

/// Room for the digits of an instance's id in a name.
const DIGITS: usize = 6;

pub(super) fn names_are_short(case: &SetCase<'_>, findings: &mut Findings) {
    let length = case.name.name.len();
    if length > limits::LABEL_LENGTH {
        return findings.add("metadata.name", SetFinding::NameTooLong { length });
    }
    if case.ask.mode == OrchestrationMode::Uniform {
        return;
    }
    for (n, nic) in case.ask.model.network.iter().enumerate() {
        // <set>-<id>-<network interface>[-<configuration>], and ids count up (S-29).
        let configuration = nic
            .interface
            .configurations
            .iter()
            .filter(|c| c.public_ip_address.is_some())
            .map(|c| c.name.len() + 1)
            .max();
        let longest = length + 1 + DIGITS + 1 + nic.name.len() + configuration.unwrap_or(0);
        if longest > limits::NAME_LENGTH {
            findings.add(nic_path(PROFILE, n, "name"), SetFinding::ObjectNameTooLong { longest });
        }
    }
}

pub(super) fn labels_are_short(case: &SetCase<'_>, findings: &mut Findings) {
    const MOST: usize = limits::LABEL_LENGTH - "vm-".len() - DIGITS;
    if case.ask.mode == OrchestrationMode::Uniform {
        return;
    }
    for (n, m, public) in publics(&case.ask.model.network) {
        if let Some(label) = public.domain_name_label.as_ref().filter(|label| label.len() > MOST) {
            let path = Network::of_the_model(case).public(n, m, "dnsSettings.domainNameLabel");
            findings.add(path, SetFinding::LabelTooLong { label: label.clone(), most: MOST });
        }
    }
}

/// `<set>-<id>-<network interface>-<configuration>`: two names may join to one (S-29, S-33).
pub(super) fn objects_have_names_of_their_own(case: &SetCase<'_>, findings: &mut Findings) {
    if case.ask.mode == OrchestrationMode::Uniform {
        return;
    }
    let network = &case.ask.model.network;
    let mut taken: BTreeMap<Name, String> = BTreeMap::new();
    for (n, nic) in network.iter().enumerate() {
        for (m, c) in nic.interface.configurations.iter().enumerate().filter(|(_, c)| c.public_ip_address.is_some()) {
            let object = InstanceName { set: case.name, id: 0 }.public_object(&nic.name, &c.name);
            let this = format!("configuration {} of {}", c.name, nic.name);
            match taken.entry(object) {
                Entry::Vacant(free) => drop(free.insert(this)),
                // Two of one name in one network interface are reported by IPC-10 and VMSS-07.
                Entry::Occupied(other) if *other.get() == this => {}
                Entry::Occupied(other) => {
                    let path = nic_path(PROFILE, n, &format!("ipConfigurations[{m}].name"));
                    let (other, object) = (other.get().clone(), other.key().clone());
                    findings.add(path, SetFinding::SameObject { this, other, object });
                }
            }
        }
    }
}

pub(super) fn configurations_are_few(case: &SetCase<'_>, findings: &mut Findings) {
    let count: usize = case.ask.model.network.iter().map(|nic| nic.interface.configurations.len()).sum();
    if case.ask.mode == OrchestrationMode::Flexible && count > limits::PRIVATE_ADDRESSES {
        findings.add(list_path(PROFILE), SetFinding::TooManyConfigurations { count });
    }
}

/// Of what the model has already, under the names of network interface and configuration (ARM-06).
pub(super) fn public_skus_are_fixed(case: &SetCase<'_>, findings: &mut Findings) {
    let Some(before) = case.before() else { return };
    let (old, new) = (&before.model.network, &case.ask.model.network);
    let has_sku = |nic: &NicModel, c: &ConfigurationModel| {
        let nic = old.iter().find(|old| old.name.eq_ignore_ascii_case(&nic.name))?;
        let configuration = nic.interface.configurations.iter().find(|old| old.name.eq_ignore_ascii_case(&c.name))?;
        Some(configuration.public_ip_address.as_ref()?.sku)
    };
    for (n, m, public) in publics(new) {
        let Some((nic, c)) = new.get(n).and_then(|nic| Some((nic, nic.interface.configurations.get(m)?))) else {
            continue;
        };
        if let Some(before) = has_sku(nic, c).filter(|before| *before != public.sku) {
            let (configuration, nic, after) = (c.name.clone(), nic.name.clone(), public.sku);
            let path = Network::of_the_model(case).public(n, m, "sku.name");
            findings.add(path, SetFinding::PublicSkuChanged { configuration, nic, before, after });
        }
    }
}

pub(super) fn batches_are_large(case: &SetCase<'_>, findings: &mut Findings) {
    let percent = case.ask.rolling.max_batch_percent;
    if percent < limits::SMALLEST_BATCH_PERCENT {
        let path = "spec.upgradePolicy.rollingUpgradePolicy.maxBatchInstancePercent";
        findings.add(path, SetFinding::BatchTooSmall { percent });
    }
}

pub(super) fn has_no_instances(engine: &Engine, name: &Name, findings: &mut Findings) {
    if let Some(id) = first_with_an_object(engine, name) {
        let first = InstanceName { set: name, id }.object_in(OrchestrationMode::Uniform);
        findings.add(DELETION_PATH, SetFinding::InstancesRemain { set: name.clone(), first });
    }
}
