//! Which network interfaces are attached to a virtual machine, and in which order (VM-07, VM-16).
//!
//! An attachment is held by the NIC; whether a NIC may be attached is in the rules.

use std::collections::BTreeSet;

use super::{AttachedNicView, Disruption, VirtualMachine};
use crate::fabric::engine::Engine;
use crate::fabric::id::{Kind, Name, ObjectId};
use crate::fabric::network_interface::{self, Attached, NetworkInterface};
use crate::fabric::resource::Programmed;
use crate::fabric::terms::Primary;
use crate::fabric::violation::WaitKey;

pub(super) fn edit_attachments(engine: &mut Engine, name: &Name, ask: &VirtualMachine) {
    for nic in engine.attached_to(name).into_iter().filter(|nic| ask.network_interfaces.iter().all(|n| n.name != *nic))
    {
        if let Some(nics) = engine.nics_of.get_mut(name) {
            nics.retain(|_, other| *other != nic);
        }
        detach(engine, &nic);
    }
    let attached = engine.attached_to(name);
    let last = engine.nics_of.get(name).and_then(|nics| nics.keys().next_back().copied()).unwrap_or(0);
    let new = ask.network_interfaces.iter().filter(|nic| !attached.contains(&nic.name));
    for (seq, nic) in (last + 1..).zip(new) {
        attach(engine, name, &nic.name, seq, nic.primary == Primary::Yes);
    }
    for nic in &ask.network_interfaces {
        let primary = nic.primary == Primary::Yes;
        let attached = engine.get_mut::<NetworkInterface>(&nic.name).and_then(|nic| nic.held.attached.as_mut());
        if let Some(attached) = attached.filter(|attached| attached.primary != primary) {
            attached.primary = primary;
            engine.touch(Kind::NetworkInterface, &nic.name);
        }
    }
}

pub(super) fn attach(engine: &mut Engine, vm: &Name, nic: &Name, seq: u64, primary: bool) {
    let attached = Attached { vm: vm.clone(), seq, primary };
    if let Some(programmed) = engine.get_mut::<NetworkInterface>(nic) {
        programmed.held.attached = Some(attached);
        engine.nics_of.entry(vm.clone()).or_default().insert(seq, nic.clone());
        network_interface::vm_power_changed(engine, nic);
        engine.wake(WaitKey::members(Kind::NetworkInterface, nic)); // a refusal may say that it is attached to nothing
        public_addresses_changed(engine, vm);
    }
}

pub(super) fn detach(engine: &mut Engine, nic: &Name) {
    let attached = engine.get_mut::<NetworkInterface>(nic).and_then(|programmed| programmed.held.attached.take());
    if let Some(attached) = attached {
        public_addresses_changed(engine, &attached.vm);
    }
    network_interface::vm_power_changed(engine, nic);
    engine.wake(WaitKey::claim(Kind::NetworkInterface, nic));
}

/// The public addresses of a virtual machine may be others: a refusal names the first of its availability set (PIP-19).
pub(in crate::fabric) fn public_addresses_changed(engine: &mut Engine, vm: &Name) {
    let set = engine.get::<VirtualMachine>(vm).and_then(|vm| vm.ask.availability_set.clone());
    if let Some(set) = set {
        engine.wake(WaitKey::members(Kind::AvailabilitySet, &set));
    }
}

/// A start is recorded in two statuses, and a crash may cut off the NIC's: its MAC address is then known from the VM's,
/// unless the primary address has changed since, which clears it (NIC-15).
pub(super) fn recall_mac(engine: &mut Engine, nic: &Name, shown: &AttachedNicView) {
    let Some(programmed) = engine.get::<NetworkInterface>(nic) else { return };
    let primary = programmed.ask.primary().and_then(|primary| programmed.held.addresses.get(&primary.name)).copied();
    let is_current = programmed.held.mac.is_none() && shown.private_ip_address == primary;
    let Some(mac) = shown.mac_address.filter(|mac| is_current && engine.macs.reserve(*mac)) else { return };
    if let Some(programmed) = engine.get_mut::<NetworkInterface>(nic) {
        programmed.held.mac = Some(mac);
    }
}

impl Engine {
    /// The NICs of a virtual machine, in the order in which they were attached.
    pub fn attached_to(&self, vm: &Name) -> Vec<Name> {
        self.nics_of.get(vm).map(|nics| nics.values().cloned().collect()).unwrap_or_default()
    }

    /// True if these NICs are a virtual machine's, and no others, in whatever order.
    pub(in crate::fabric) fn has_attached<'a>(&self, vm: &Name, nics: impl IntoIterator<Item = &'a Name>) -> bool {
        let attached = self.nics_of.get(vm).into_iter().flat_map(|nics| nics.values());
        attached.collect::<BTreeSet<_>>() == nics.into_iter().collect()
    }

    /// The public addresses of the other virtual machines of an availability set, each with the NIC that holds it.
    pub(in crate::fabric) fn public_addresses_beside<'a>(
        &'a self,
        vm: &'a Name,
        set: Option<&Name>,
    ) -> impl Iterator<Item = (&'a Name, &'a Name)> {
        let members = |set: &Name| {
            self.referrers(&ObjectId::new(Kind::AvailabilitySet, set.clone()), Kind::VirtualMachine).iter()
        };
        let others = set.map(members).into_iter().flatten().filter(move |other| *other != vm);
        let nics = others.filter_map(|vm| self.nics_of.get(vm)).flat_map(|nics| nics.values());
        nics.filter_map(|nic| Some((nic, self.get::<NetworkInterface>(nic)?)))
            .flat_map(|(name, nic)| nic.ask.public_ip_addresses().map(move |public| (name, public)))
    }

    pub(super) fn attached_to_programmed(&self, vm: Option<&Programmed<VirtualMachine>>) -> Vec<Name> {
        // The NICs that it lists know it by name.
        let nic =
            vm.and_then(|vm| vm.ask.network_interfaces.iter().find_map(|nic| self.get::<NetworkInterface>(&nic.name)));
        nic.and_then(|nic| nic.held.attached.as_ref())
            .map(|attached| self.attached_to(&attached.vm))
            .unwrap_or_default()
    }
}

/// True if the list of NICs is edited, and the VM is deallocated meanwhile (S-38).
pub(super) fn makes_way(engine: &Engine, name: &Name, ask: &VirtualMachine) -> bool {
    let listed = ask.network_interfaces.iter().map(|nic| &nic.name);
    ask.disruption == Disruption::Deallocate && !engine.has_attached(name, listed)
}
