//! The rules of a NIC as a whole: its subnet, its DNS servers, accelerated networking, deletion.

use super::disruption::ACCELERATION;
use super::{NicCase, attached_vm, path};
use crate::fabric::engine::Engine;
use crate::fabric::id::{Kind, Name, ObjectId};
use crate::fabric::limits;
use crate::fabric::network_interface::{Assignment, NetworkInterface};
use crate::fabric::resource::DELETION_PATH;
use crate::fabric::sizes::AcceleratedNetworking;
use crate::fabric::terms::Switch;
use crate::fabric::violation::{Code, Findings, WaitKey};

pub(super) fn virtual_network_is_fixed(case: &NicCase<'_>, findings: &mut Findings) {
    let Some(programmed) = case.programmed else { return };
    let networks = (case.engine.network_of(&programmed.ask.subnet), case.engine.network_of(&case.ask.subnet));
    let (Some(old), Some(new)) = networks else { return };
    if old != new {
        let code = match programmed.held.attached {
            Some(_) => Code::SubnetsNotInSameVnet,
            None => Code::OperationNotAllowed,
        };
        findings
            .refuse(
                code,
                "spec.subnet",
                format!(
                    "The network interface is in VirtualNetwork {old}, and Subnet {} is in {new}.",
                    case.ask.subnet
                ),
                format!("Choose a subnet of VirtualNetwork {old}, or create another network interface."),
            )
            .cites(WaitKey::object(Kind::Subnet, &case.ask.subnet))
            .cites(WaitKey::claim(Kind::NetworkInterface, case.name))
            .cites(WaitKey::members(Kind::NetworkInterface, case.name));
    }
}

pub(super) fn subnet_changes_with_dynamic_addresses(case: &NicCase<'_>, findings: &mut Findings) {
    if case.before().is_none_or(|before| before.subnet == case.ask.subnet) {
        return;
    }
    for (n, configuration) in case.ask.configurations.iter().enumerate() {
        if configuration.assignment != Assignment::Dynamic {
            findings.refuse(
                Code::OperationNotAllowed,
                path(n, "privateIPAllocationMethod"),
                format!("Configuration {} is Static, and the subnet changes.", configuration.name),
                "Set privateIPAllocationMethod to Dynamic with the change of the subnet, and to Static after it.",
            );
        }
    }
}

pub(super) fn attached_secondary_stays_in_its_subnet(case: &NicCase<'_>, findings: &mut Findings) {
    let Some(programmed) = case.programmed.filter(|programmed| programmed.ask.subnet != case.ask.subnet) else {
        return;
    };
    let Some(attached) = programmed.held.attached.as_ref().filter(|attached| !attached.primary) else { return };
    let vm = ObjectId::new(Kind::VirtualMachine, attached.vm.clone());
    findings
        .refuse(
            Code::SecondaryNetworkInterfaceInUseCannotChangeSubnet,
            "spec.subnet",
            format!("The network interface is a secondary one of {vm}."),
            format!("Detach it from {vm} first, or keep Subnet {}.", programmed.ask.subnet),
        )
        .until(WaitKey::claim(Kind::NetworkInterface, case.name))
        .until(WaitKey::Object(vm.clone()))
        .blocked_by(vm);
}

pub(super) fn dns_servers_are_few(case: &NicCase<'_>, findings: &mut Findings) {
    let count = case.ask.dns_servers.len();
    if count > limits::DNS_SERVERS {
        findings.refuse(
            Code::NetcfgInvalidDnsServer,
            "spec.dnsSettings.dnsServers",
            format!("{count} DNS servers are listed."),
            format!("List at most {}.", limits::DNS_SERVERS),
        );
    }
}

pub(super) fn size_supports_acceleration(case: &NicCase<'_>, findings: &mut Findings) {
    let Some((name, vm)) = attached_vm(case).filter(|_| case.ask.accelerated_networking == Switch::On) else { return };
    if vm.ask.size.accelerated_networking == AcceleratedNetworking::Unsupported {
        findings
            .refuse(
                Code::VMSizeIsNotPermittedToEnableAcceleratedNetworking,
                ACCELERATION,
                format!("VirtualMachine {name} is of size {}, which does not support it.", vm.ask.size.name),
                "Leave enableAcceleratedNetworking out, or resize the virtual machine first.",
            )
            .until(WaitKey::object(Kind::VirtualMachine, name))
            .cites(WaitKey::claim(Kind::NetworkInterface, case.name));
    }
}

pub(super) fn is_not_attached(engine: &Engine, name: &Name, findings: &mut Findings) {
    let Some(attached) = engine.get::<NetworkInterface>(name).and_then(|nic| nic.held.attached.as_ref()) else {
        return;
    };
    let vm = ObjectId::new(Kind::VirtualMachine, attached.vm.clone());
    findings
        .refuse(
            Code::NicInUse,
            DELETION_PATH,
            format!("The network interface is attached to {vm}."),
            format!("Detach it from {vm}, or delete {vm}; it is then deleted automatically."),
        )
        .until(WaitKey::claim(Kind::NetworkInterface, name))
        .blocked_by(vm);
}
