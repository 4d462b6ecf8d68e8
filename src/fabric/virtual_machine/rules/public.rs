//! The rules of the public addresses on the network interfaces of a virtual machine.

use super::{LIST, VmCase, nics};
use crate::fabric::id::{Kind, Name, ObjectId};
use crate::fabric::network_interface::NetworkInterface;
use crate::fabric::public_ip_address::{PublicIPAddress, needs_public_addresses};
use crate::fabric::violation::{Code, Findings, WaitKey};
use crate::fabric::virtual_machine::attachments::makes_way;

pub(super) fn skus_do_not_mix(case: &VmCase<'_>, findings: &mut Findings) {
    if nics(case).all(|(_, _, nic)| nic.ask.public_ip_addresses().next().is_none()) {
        return; // and nothing else is looked for
    }
    let sku = |public: &Name| case.engine.get::<PublicIPAddress>(public).map(|public| public.ask.sku);
    let mut beside = case.engine.public_addresses_beside(case.name, case.ask.availability_set.as_ref());
    let mut first = beside.find_map(|(nic, public)| Some((nic, public, sku(public)?)));
    for (n, reference, nic) in nics(case) {
        for public in nic.ask.public_ip_addresses() {
            let Some(sku) = sku(public) else { continue };
            let (holder, one, of) = first.get_or_insert((&reference.name, public, sku)); // the first one seen decides
            if *of != sku {
                let of_vm = case.engine.get::<NetworkInterface>(holder).and_then(|nic| nic.held.attached.as_ref());
                let vm = of_vm.map(|attached| &attached.vm).filter(|vm| *vm != case.name);
                let mut violation = findings.refuse(
                        Code::DifferentSkuLoadBalancersAndPublicIPAddressNotAllowed,
                        format!("{LIST}[{n}]"),
                        format!("PublicIPAddress {public} is {sku}, and PublicIPAddress {one} is {of}."),
                        "Use public addresses of one SKU on all network interfaces of a virtual machine or availability set.",
                    );
                violation
                    .until(WaitKey::object(Kind::NetworkInterface, &reference.name))
                    .until(WaitKey::claim(Kind::PublicIPAddress, one))
                    .until(WaitKey::claim(Kind::NetworkInterface, holder))
                    .cites(WaitKey::members(Kind::NetworkInterface, holder)); // another machine may get it
                if let Some(vm) = vm {
                    violation.blocked_by(ObjectId::new(Kind::VirtualMachine, vm.clone()));
                }
                // Another one may come to be the first.
                for (_, reference, _) in nics(case) {
                    violation.cites(WaitKey::object(Kind::NetworkInterface, &reference.name));
                }
                if let Some(set) = &case.ask.availability_set {
                    violation.cites(WaitKey::members(Kind::AvailabilitySet, set));
                }
            }
        }
    }
}

pub(super) fn public_pool_has_room(case: &VmCase<'_>, findings: &mut Findings) {
    let makes_way = makes_way(case.engine, case.name, case.ask);
    let starts = case.engine.takes_addresses(case.name, case.ask.power, makes_way);
    let lacking = nics(case).flat_map(|(_, _, nic)| nic.ask.public_ip_addresses()).filter(|_| starts);
    let Some(mut violation) = needs_public_addresses(case.engine, lacking, "spec.powerState", findings) else { return };
    // With what its network interfaces refer to, what the machine requires changes.
    for (_, reference, nic) in nics(case) {
        if nic.ask.public_ip_addresses().next().is_some() {
            violation.until(WaitKey::object(Kind::NetworkInterface, &reference.name));
        }
    }
}
