//! The rules of a NIC as a whole: its subnet, its DNS servers, accelerated networking, deletion.

use super::disruption::ACCELERATION;
use super::{NicCase, attached_vm, path};
use crate::fabric::dns_servers;
use crate::fabric::engine::Engine;
use crate::fabric::id::{Kind, Name, ObjectId};
use crate::fabric::network_interface::findings::NetworkInterfaceFinding;
use crate::fabric::network_interface::{Assignment, NetworkInterface};
use crate::fabric::resource::DELETION_PATH;
use crate::fabric::sizes::AcceleratedNetworking;
use crate::fabric::terms::Switch;
use crate::fabric::violation::Findings;

pub(super) fn virtual_network_is_fixed(case: &NicCase<'_>, findings: &mut Findings) {
    let Some(programmed) = case.programmed else { return };
    let networks = (case.engine.network_of(&programmed.ask.subnet), case.engine.network_of(&case.ask.subnet));
    let (Some(old), Some(new)) = networks else { return };
    if old != new {
        let found = NetworkInterfaceFinding::OtherVirtualNetwork {
            nic: case.name.clone(),
            is_attached: programmed.held.attached.is_some(),
            network: old.clone(),
            subnet: case.ask.subnet.clone(),
            its: new.clone(),
        };
        findings.add("spec.subnet", found);
    }
}

pub(super) fn subnet_changes_with_dynamic_addresses(case: &NicCase<'_>, findings: &mut Findings) {
    if case.before().is_none_or(|before| before.subnet == case.ask.subnet) {
        return;
    }
    for (n, configuration) in case.ask.configurations.iter().enumerate() {
        if configuration.assignment != Assignment::Dynamic {
            let found = NetworkInterfaceFinding::StaticWhileMoving { configuration: configuration.name.clone() };
            findings.add(path(n, "privateIPAllocationMethod"), found);
        }
    }
}

pub(super) fn attached_secondary_stays_in_its_subnet(case: &NicCase<'_>, findings: &mut Findings) {
    let Some(programmed) = case.programmed.filter(|programmed| programmed.ask.subnet != case.ask.subnet) else {
        return;
    };
    let Some(attached) = programmed.held.attached.as_ref().filter(|attached| !attached.primary) else { return };
    let vm = ObjectId::new(Kind::VirtualMachine, attached.vm.clone());
    let (nic, subnet) = (case.name.clone(), programmed.ask.subnet.clone());
    findings.add("spec.subnet", NetworkInterfaceFinding::AttachedSecondaryMoves { nic, vm, subnet });
}

pub(super) fn dns_servers_are_few(case: &NicCase<'_>, findings: &mut Findings) {
    dns_servers::are_few(&case.ask.dns_servers, "spec.dnsSettings.dnsServers", findings);
}

pub(super) fn size_supports_acceleration(case: &NicCase<'_>, findings: &mut Findings) {
    let Some((name, vm)) = attached_vm(case).filter(|_| case.ask.accelerated_networking == Switch::On) else { return };
    if vm.ask.size.accelerated_networking == AcceleratedNetworking::Unsupported {
        let (nic, vm, size) = (case.name.clone(), name.clone(), vm.ask.size.name);
        findings.add(ACCELERATION, NetworkInterfaceFinding::SizeWithoutAcceleration { nic, vm, size });
    }
}

pub(super) fn is_not_attached(engine: &Engine, name: &Name, findings: &mut Findings) {
    let Some(attached) = engine.get::<NetworkInterface>(name).and_then(|nic| nic.held.attached.as_ref()) else {
        return;
    };
    let vm = ObjectId::new(Kind::VirtualMachine, attached.vm.clone());
    findings.add(DELETION_PATH, NetworkInterfaceFinding::Attached { nic: name.clone(), vm });
}
