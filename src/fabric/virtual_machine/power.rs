//! The life of a virtual machine's power state: starts that take time, stops, and deallocation for an edit (VM-20, S-38).
//!
//! The order of power and attachments inside one put (S-01) is the kind's own.

use jiff::{SignedDuration, Timestamp};

use super::{DesiredPowerState, PowerState, VirtualMachine};
use crate::fabric::engine::{DynamicAddresses, Engine};
use crate::fabric::id::{Kind, Name, ObjectId};
use crate::fabric::network_interface::{self, NetworkInterface};
use crate::fabric::violation::WaitKey;

/// Does an edit of an attached NIC for which the VM must be deallocated, as Azure's own tools are scripted to (S-38).
pub(in crate::fabric) fn deallocated_meanwhile(engine: &mut Engine, name: &Name, edit: impl FnOnce(&mut Engine)) {
    let power = engine.power_of(name);
    if power != PowerState::Deallocated {
        stop(engine, name, PowerState::Deallocated);
    }
    edit(engine);
    leave_deallocation(engine, name, DesiredPowerState::of(power));
}

/// Brings a deallocated VM that was not made just now to its desired power state: dynamic private addresses may change
/// (D-04).
pub(super) fn leave_deallocation(engine: &mut Engine, name: &Name, desired: DesiredPowerState) {
    if desired != DesiredPowerState::Deallocated && engine.settings.dynamic_addresses == DynamicAddresses::Reassigned {
        for nic in engine.attached_to(name) {
            network_interface::reassign(engine, &nic);
        }
    }
    power_on(engine, name, desired);
}

/// Brings a deallocated VM to its desired power state.
pub(super) fn power_on(engine: &mut Engine, name: &Name, desired: DesiredPowerState) {
    match desired {
        DesiredPowerState::Running => start(engine, name),
        DesiredPowerState::Stopped => {
            // As one desired: started, and stopped again; the MAC addresses are assigned (S-22, S-34).
            finish_start(engine, name);
            stop(engine, name, PowerState::Stopped);
        }
        DesiredPowerState::Deallocated => {}
    }
}

/// Restarts a running VM if a MAC address went with a primary address, as an upgrade of a scale set does (S-06).
pub(in crate::fabric) fn restart_for_macs(engine: &mut Engine, name: &Name) {
    let lacks = |nic: &Name| engine.get::<NetworkInterface>(nic).is_some_and(|nic| nic.held.mac.is_none());
    if engine.attached_to(name).iter().any(lacks) {
        restart(engine, name);
    }
}

/// Stops a running VM, and starts it again.
pub(in crate::fabric) fn restart(engine: &mut Engine, name: &Name) {
    if engine.power_of(name) == PowerState::Running {
        stop(engine, name, PowerState::Stopped);
        start(engine, name);
    }
}

pub(super) fn start(engine: &mut Engine, name: &Name) {
    let takes = SignedDuration::try_from(engine.settings.vm_start).unwrap_or(SignedDuration::MAX);
    match engine.now.checked_add(takes) {
        Ok(due) if !takes.is_zero() => {
            set_power(engine, name, PowerState::Starting, Some(due));
            for nic in engine.attached_to(name) {
                network_interface::vm_power_changed(engine, &nic);
            }
        }
        Ok(_) | Err(_) => finish_start(engine, name),
    }
}

/// The virtual machine runs: its NICs have MAC addresses, and its Dynamic public addresses appear (NIC-14, PIP-05).
pub(in crate::fabric) fn finish_start(engine: &mut Engine, name: &Name) {
    set_power(engine, name, PowerState::Running, None);
    for nic in engine.attached_to(name) {
        network_interface::vm_started(engine, &nic);
    }
}

/// Stops a VM that is to be off, before what it consists of is edited by the same put (S-01).
pub(in crate::fabric) fn switch_off(engine: &mut Engine, name: &Name, desired: Option<DesiredPowerState>) {
    match (desired, engine.power_of(name)) {
        (Some(DesiredPowerState::Deallocated), PowerState::Starting | PowerState::Running | PowerState::Stopped) => {
            stop(engine, name, PowerState::Deallocated);
        }
        (Some(DesiredPowerState::Stopped), PowerState::Starting | PowerState::Running) => {
            stop(engine, name, PowerState::Stopped)
        }
        _ => {}
    }
}

pub(super) fn stop(engine: &mut Engine, name: &Name, power: PowerState) {
    set_power(engine, name, power, None);
    for nic in engine.attached_to(name) {
        network_interface::vm_power_changed(engine, &nic);
    }
}

fn set_power(engine: &mut Engine, name: &Name, power: PowerState, starts_at: Option<Timestamp>) {
    let Some(programmed) = engine.get_mut::<VirtualMachine>(name) else { return };
    programmed.held.power = power;
    programmed.held.starts_at = starts_at;
    let set = programmed.ask.member.as_ref().map(|member| member.set.clone());
    let this = ObjectId::new(Kind::VirtualMachine, name.clone());
    match starts_at {
        Some(due) => engine.deadlines.set(&this, due),
        None => engine.deadlines.clear(&this),
    }
    engine.touch(Kind::VirtualMachine, name);
    if let Some(set) = set {
        engine.touch(Kind::VirtualMachineScaleSet, &set); // it counts those that run
    }
    engine.wake(WaitKey::Power(name.clone()));
}

impl Engine {
    /// True if a machine takes Dynamic public addresses by this desired: it runs then, or is started and stopped again (S-22, S-34),
    /// as after an edit for which it is deallocated (S-38).
    pub(in crate::fabric) fn takes_addresses(
        &self,
        vm: &Name,
        desired: Option<DesiredPowerState>,
        makes_way: bool,
    ) -> bool {
        let power = self.get::<VirtualMachine>(vm).map(|vm| vm.held.power);
        match desired.unwrap_or(power.map_or(DesiredPowerState::Running, DesiredPowerState::of)) {
            DesiredPowerState::Running => true,
            DesiredPowerState::Stopped => makes_way || power.is_none_or(|power| power == PowerState::Deallocated),
            DesiredPowerState::Deallocated => false,
        }
    }

    pub(super) fn power_of(&self, name: &Name) -> PowerState {
        self.get::<VirtualMachine>(name).map_or(PowerState::Deallocated, |vm| vm.held.power)
    }
}
