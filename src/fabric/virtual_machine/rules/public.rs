//! The rules of the public addresses on the network interfaces of a virtual machine.

use super::{LIST, VmCase, nics};
use crate::fabric::id::{Kind, Name};
use crate::fabric::network_interface::NetworkInterface;
use crate::fabric::public_ip_address::{FoundBy, PublicIPAddress, SkuMix, dynamic_shortfall};
use crate::fabric::violation::{Findings, WaitKey};
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
                let attached = case.engine.get::<NetworkInterface>(holder).and_then(|nic| nic.held.attached.as_ref());
                let other = attached.map(|attached| &attached.vm).filter(|vm| *vm != case.name).cloned();
                let mix = SkuMix {
                    public: (public.clone(), sku),
                    first: (one.clone(), *of),
                    holder: holder.clone(),
                    nics: nics(case).map(|(_, reference, _)| reference.name.clone()).collect(),
                    availability_set: case.ask.availability_set.clone(),
                    found_by: FoundBy::VirtualMachine { nic: reference.name.clone(), other },
                };
                findings.add(format!("{LIST}[{n}]"), mix);
            }
        }
    }
}

pub(super) fn public_pool_has_room(case: &VmCase<'_>, findings: &mut Findings) {
    let makes_way = makes_way(case.engine, case.name, case.ask);
    let starts = case.engine.takes_addresses(case.name, case.ask.power, makes_way);
    let lacking = nics(case).flat_map(|(_, _, nic)| nic.ask.public_ip_addresses()).filter(|_| starts);
    let Some(shortfall) = dynamic_shortfall(case.engine, lacking) else { return };
    // With what its network interfaces refer to, what the machine requires changes.
    let referring = nics(case).filter(|(_, _, nic)| nic.ask.public_ip_addresses().next().is_some());
    let keys = referring.map(|(_, reference, _)| WaitKey::object(Kind::NetworkInterface, &reference.name));
    findings.add("spec.powerState", shortfall.until(keys));
}
