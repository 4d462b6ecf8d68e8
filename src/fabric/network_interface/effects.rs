//! What a put of a NIC and the power of its VM do: public addresses, and the MAC address
//! (NIC-14, NIC-15).
//!
//! Private addresses are in `addresses`, attachments in the virtual machine's.

use std::collections::BTreeSet;

use super::addresses::move_addresses;
use super::{HeldNetworkInterface, NetworkInterface, primary_address};
use crate::fabric::engine::Engine;
use crate::fabric::holder::Holder;
use crate::fabric::id::{Kind, Name, ObjectId};
use crate::fabric::public_ip_address::{self, associate, dissociate};
use crate::fabric::terms::IpVersion;
use crate::fabric::violation::WaitKey;
use crate::fabric::virtual_machine::public_addresses_changed;

pub(super) fn apply_now(
    engine: &mut Engine,
    name: &Name,
    before: Option<&NetworkInterface>,
    ask: NetworkInterface,
    held: HeldNetworkInterface,
) {
    let old_subnet = before.map_or_else(|| ask.subnet.clone(), |before| before.subnet.clone());
    let addresses = move_addresses(engine, name, &ask, &old_subnet, &held.addresses);
    let primary_moved = primary_address(before.unwrap_or(&ask), &held.addresses) != primary_address(&ask, &addresses);
    let changed = before != Some(&ask) || addresses != held.addresses;
    if let Some(programmed) = engine.get_mut::<NetworkInterface>(name) {
        programmed.held.addresses = addresses;
    }
    let ipv6 = |ask: &NetworkInterface| ask.configurations.iter().filter(|c| c.version == IpVersion::IPv6).count();
    if before.is_some_and(|before| ipv6(before) > ipv6(&ask)) {
        engine.wake(WaitKey::members(Kind::Subnet, &old_subnet)); // one fewer waits for an IPv6 range (ADDR-14)
    }
    move_associations(engine, name, before, &ask);
    if held.attached.as_ref().is_some_and(|attached| attached.primary) && primary_moved {
        forget_mac(engine, name); // NIC-15, D-06
    }
    if changed {
        touch_vm(engine, name);
    }
    if before.is_some_and(|before| !before.public_ip_addresses().eq(ask.public_ip_addresses()))
        && let Some(attached) = held.attached
    {
        public_addresses_changed(engine, &attached.vm);
    }
}

/// Public addresses that are no longer referred to are dissociated; new ones are associated.
fn move_associations(engine: &mut Engine, name: &Name, before: Option<&NetworkInterface>, ask: &NetworkInterface) {
    let this = ObjectId::new(Kind::NetworkInterface, name.clone());
    let wanted: BTreeSet<&Name> = ask.public_ip_addresses().collect();
    let old = before.into_iter().flat_map(NetworkInterface::public_ip_addresses);
    for public in old.filter(|old| !wanted.contains(old)) {
        dissociate(engine, public, &this);
    }
    for configuration in &ask.configurations {
        if let Some(public) = &configuration.public_ip_address {
            associate(engine, public, Holder::configuration(name, &configuration.name));
        }
    }
}

pub(super) fn forget_mac(engine: &mut Engine, name: &Name) {
    let mac = engine.get_mut::<NetworkInterface>(name).and_then(|programmed| programmed.held.mac.take());
    if let Some(mac) = mac {
        engine.macs.release(mac);
    }
}

/// The VM that a NIC is attached to shows its addresses, too.
pub(super) fn touch_vm(engine: &mut Engine, nic: &Name) {
    let attached = engine.get::<NetworkInterface>(nic).and_then(|nic| nic.held.attached.as_ref());
    if let Some(vm) = attached.map(|attached| attached.vm.clone()) {
        engine.touch(Kind::VirtualMachine, &vm);
    }
}

/// The VM has started: the NIC has a MAC address from now on (NIC-14), and its Dynamic public addresses appear (PIP-05).
pub(in crate::fabric) fn vm_started(engine: &mut Engine, name: &Name) {
    let Some(programmed) = engine.get::<NetworkInterface>(name) else { return };
    if programmed.held.mac.is_none() {
        let address = primary_address(&programmed.ask, &programmed.held.addresses);
        let mac = engine.macs.assign(&programmed.uid.clone(), address);
        if let Some(programmed) = engine.get_mut::<NetworkInterface>(name) {
            programmed.held.mac = Some(mac);
        }
    }
    vm_power_changed(engine, name);
}

/// The VM has been stopped or deallocated, or has detached the NIC.
pub(in crate::fabric) fn vm_power_changed(engine: &mut Engine, name: &Name) {
    let public: Vec<Name> = engine
        .get::<NetworkInterface>(name)
        .map(|programmed| programmed.ask.public_ip_addresses().cloned().collect())
        .unwrap_or_default();
    for public in &public {
        public_ip_address::reconcile_address(engine, public);
    }
    engine.touch(Kind::NetworkInterface, name);
}
