//! Virtual machines: power states, and which network interfaces are attached in which order (VM-01 to VM-22).
//!
//! The rules are in `rules`, and what breaks them in `findings`; the life of power states is in `power` and that of
//! attachments in `attachments`; the order of both inside one put (S-01) is here. `guest` is what the guest must have set,
//! and `view` is what is reported.

mod attachments;
mod deletion;
mod findings;
mod guest;
mod power;
mod rules;
#[cfg(test)]
mod tests;
mod view;

use std::fmt;
use std::net::IpAddr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::engine::Engine;
use super::id::{Kind, Name, Uid};
use super::network_interface::NetworkInterface;
use super::reference::Reference;
use super::resource::{Advice, DeletionRule, Programmed, Resource, Rule};
use super::sizes::VmSize;
use super::terms::{DeleteOption, Primary};
use super::violation::WaitKey;
use super::virtual_machine_scale_set;
use super::virtual_machine_scale_set_vm::DesiredRevision;
use super::zones::Zones;
pub(in crate::fabric) use attachments::public_addresses_changed;
use attachments::{attach, detach, edit_attachments, makes_way, recall_mac};
pub use deletion::DeletedWith;
pub(super) use power::{deallocated_meanwhile, finish_start, restart, restart_for_macs, switch_off};
use power::{leave_deallocation, power_on, start, stop};
pub use view::{AttachedNicView, VirtualMachineView};

/// The power state of a virtual machine (VM-20).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)] // docs of variants would take the place of the field's in the CRD
pub enum PowerState {
    Starting, // on its way to Running
    Running,
    Stopped, // off; compute and Dynamic public addresses are kept
    #[default]
    Deallocated, // off; compute and Dynamic public addresses are released
}

impl fmt::Display for PowerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// The power state that a user may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)] // as above
pub enum DesiredPowerState {
    Running,
    Stopped,
    Deallocated,
}

/// The operating system, as far as the network cares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)]
pub enum OsType {
    #[default]
    Linux,
    Windows,
}

/// What is asked of a virtual machine.
#[derive(Clone, Debug, PartialEq)]
pub struct VirtualMachine {
    /// Its size, a row of the size table.
    pub size: &'static VmSize,
    /// The guest's own name.
    pub computer_name: String,
    /// The guest's operating system.
    pub os_type: OsType,
    /// The network interfaces that are to be attached, as listed.
    pub network_interfaces: Vec<NicReference>,
    /// The availability set that it was created in.
    pub availability_set: Option<Name>,
    /// The availability zone that it is in, at most one (PIP-27).
    pub zones: Zones,
    /// What becomes of the power state where an edit needs it deallocated.
    pub disruption: Disruption,
    /// The addresses that are set by hand in the guest, if that is known.
    pub guest: Vec<GuestInterface>,
    /// The desired power state; none means started at creation, then left as it is (S-39).
    pub power: Option<DesiredPowerState>,
    /// When a restart was asked for; each time counts once.
    pub restarted_at: Option<String>,
    /// The Flexible scale set that it is an instance of.
    pub member: Option<Box<Member>>,
}

/// The annotation that asks for an instance of a Flexible scale set to have at least this revision of the model (S-31).
pub const DESIRED_REVISION: &str = "vnet.dev/desired-revision";

/// A virtual machine's place in a Flexible scale set.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The scale set.
    pub set: Name,
    /// Which life of it; another under its name has other instances.
    pub owner: Uid,
    /// The instance's id.
    pub id: u64,
    /// The revision of the model that its objects were written from.
    pub revision: u64,
    /// Its desired minimum revision (S-31).
    pub desired_revision: Option<DesiredRevision>,
}

/// What becomes of a running VM where an edit needs it deallocated (S-38).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)] // as above
pub enum Disruption {
    #[default]
    Refuse, // the edit is refused
    Deallocate, // the VM is deallocated, the edit done, and the VM started again
}

/// What the guest has set by hand on one network interface.
#[derive(Clone, Debug, PartialEq)]
pub struct GuestInterface {
    /// The network interface.
    pub network_interface: Name,
    /// The addresses, the primary one first; Linux may leave that to DHCP.
    pub addresses: Vec<IpAddr>,
}

/// A network interface in the list of a virtual machine.
#[derive(Clone, Debug, PartialEq)]
pub struct NicReference {
    /// The network interface.
    pub name: Name,
    /// Whether this is the primary one.
    pub primary: Primary,
    /// What becomes of it when the virtual machine is deleted.
    pub delete_option: DeleteOption,
}

/// What the fabric holds of a virtual machine; attachments are held by the network interfaces.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeldVirtualMachine {
    /// Its power state.
    pub power: PowerState,
    /// When the start that is on its way will be done.
    pub starts_at: Option<Timestamp>,
    /// The last restart that was done.
    pub last_handled_restart_at: Option<String>,
}

impl Resource for VirtualMachine {
    type Held = HeldVirtualMachine;
    type View = VirtualMachineView;

    const ARM_TYPE: &'static str = "Microsoft.Compute/virtualMachines";
    const RULES: &'static [Rule<Self>] = rules::RULES;
    const DELETION_RULES: &'static [DeletionRule] = &[];

    fn references(&self) -> Vec<Reference> {
        let nics = self.network_interfaces.iter().enumerate();
        let nics = nics.map(|(n, nic)| Reference::new(Kind::NetworkInterface, &nic.name, rules::place(n), "NIC-03"));
        let set = self.availability_set.iter();
        let set = set.map(|set| Reference::new(Kind::AvailabilitySet, set, "spec.availabilitySet", "AVS-01"));
        nics.chain(set).collect()
    }

    fn zones(&self) -> Option<&Zones> {
        Some(&self.zones)
    }

    /// Without a mark the first NIC of the list is primary at creation; later the programmed one stays, and when that is
    /// detached the one that has been attached the longest follows (VM-08, VM-16, S-05).
    fn resolve(&mut self, engine: &Engine, programmed: Option<&Programmed<Self>>) {
        if let [only] = self.network_interfaces.as_mut_slice() {
            only.primary = Primary::Yes;
        }
        if self.network_interfaces.iter().any(|nic| nic.primary == Primary::Yes) {
            return self.mark_the_others();
        }
        let eligible = |name: &Name| {
            self.network_interfaces.iter().position(|nic| nic.name == *name && nic.primary == Primary::Unspecified)
        };
        let before = programmed.and_then(|programmed| programmed.ask.primary());
        let longest = engine.attached_to_programmed(programmed);
        let first = self.network_interfaces.iter().position(|nic| nic.primary == Primary::Unspecified);
        let choice = before.and_then(eligible).or_else(|| longest.iter().find_map(eligible)).or(first);
        if let Some(nic) = choice.and_then(|choice| self.network_interfaces.get_mut(choice)) {
            nic.primary = Primary::Yes;
            self.mark_the_others();
        }
    }

    fn apply(engine: &mut Engine, name: &Name, before: Option<&Self>) {
        let Some(programmed) = engine.get::<Self>(name) else { return };
        let (ask, power) = (programmed.ask.clone(), programmed.held.power);
        let wish = ask.desired_power(before.map(|_| power));
        let restarts = is_restarted(programmed, before);
        let makes_way = before.is_some() && makes_way(engine, name, &ask);
        if (wish == DesiredPowerState::Deallocated || makes_way) && power != PowerState::Deallocated {
            stop(engine, name, PowerState::Deallocated);
        }
        edit_attachments(engine, name, &ask);
        match (wish, engine.power_of(name)) {
            (wish, PowerState::Deallocated) if before.is_some() => leave_deallocation(engine, name, wish),
            (wish, PowerState::Deallocated) => power_on(engine, name, wish),
            (DesiredPowerState::Running, PowerState::Stopped) => start(engine, name),
            (DesiredPowerState::Running, PowerState::Running) if restarts => {
                stop(engine, name, PowerState::Stopped);
                start(engine, name);
            }
            (DesiredPowerState::Running, PowerState::Starting | PowerState::Running) => {}
            (DesiredPowerState::Stopped, PowerState::Starting | PowerState::Running) => {
                stop(engine, name, PowerState::Stopped)
            }
            (DesiredPowerState::Stopped, PowerState::Stopped) | (DesiredPowerState::Deallocated, _) => {}
        }
        if let Some(programmed) = engine.get_mut::<Self>(name) {
            programmed.held.last_handled_restart_at = ask.restarted_at;
        }
        let was = before.and_then(|before| before.member.as_deref());
        if let Some(was) = was.filter(|was| ask.member.as_deref().is_none_or(|is| !is.is_same_instance(was))) {
            virtual_machine_scale_set::on_member_deleted(engine, was);
        }
        if let Some(member) = &ask.member {
            virtual_machine_scale_set::on_member_programmed(engine, member);
            if before.is_some() && engine.power_of(name) != power {
                // What the set would need for an upgrade of it may be less now (PIP-05).
                engine.touch_members(Kind::VirtualMachineScaleSet, &member.set);
            }
        }
    }

    fn release(engine: &mut Engine, name: &Name, gone: &Programmed<Self>) {
        for nic in engine.nics_of.remove(name).unwrap_or_default().into_values() {
            detach(engine, &nic);
        }
        engine.wake(WaitKey::Power(name.clone()));
        if let Some(member) = &gone.ask.member {
            virtual_machine_scale_set::on_member_deleted(engine, member);
        }
    }

    fn restore_held(engine: &mut Engine, name: &Name, view: &VirtualMachineView) -> Vec<String> {
        let Some(programmed) = engine.get_mut::<Self>(name) else { return Vec::new() };
        programmed.held.power = view.power_state.unwrap_or_default();
        programmed.held.last_handled_restart_at.clone_from(&view.last_handled_restart_at);
        let listed = programmed.ask.network_interfaces.clone();
        let mut dropped = Vec::new();
        for (seq, shown) in (1..).zip(&view.network_interfaces) {
            let nic = shown.reference.name_from(name);
            let free = engine.get::<NetworkInterface>(&nic).is_some_and(|nic| nic.held.attached.is_none());
            if free && listed.iter().any(|listed| listed.name == nic) {
                let primary = listed.iter().any(|listed| listed.name == nic && listed.primary == Primary::Yes);
                attach(engine, name, &nic, seq, primary);
                recall_mac(engine, &nic, shown);
            } else {
                dropped.push(format!("NetworkInterface {nic} is gone, not listed, or attached to another"));
            }
        }
        if engine.power_of(name) == PowerState::Starting {
            start(engine, name); // its deadline starts again
        }
        dropped
    }

    /// Its start is done.
    fn on_deadline(engine: &mut Engine, name: &Name) {
        finish_start(engine, name);
        virtual_machine_scale_set::on_power_changed(engine, name);
    }

    fn observe(engine: &Engine, name: &Name, programmed: &Programmed<Self>) -> VirtualMachineView {
        view::observe(engine, name, programmed)
    }

    fn progress(_: &Engine, _: &Name, programmed: &Programmed<Self>) -> Option<(&'static str, String)> {
        let starting = programmed.held.power == PowerState::Starting;
        starting.then(|| ("Starting", "The virtual machine is starting.".to_owned()))
    }

    fn advice(engine: &Engine, name: &Name, programmed: &Programmed<Self>) -> Vec<Advice> {
        guest::advice(engine, name, &programmed.ask)
    }
}

impl Member {
    fn is_same_instance(&self, other: &Self) -> bool {
        (&self.set, &self.owner, self.id) == (&other.set, &other.owner, other.id)
    }
}

impl DesiredPowerState {
    fn of(power: PowerState) -> Self {
        match power {
            PowerState::Starting | PowerState::Running => DesiredPowerState::Running,
            PowerState::Stopped => DesiredPowerState::Stopped,
            PowerState::Deallocated => DesiredPowerState::Deallocated,
        }
    }
}

impl VirtualMachine {
    /// The primary NIC, once the request is resolved.
    pub fn primary(&self) -> Option<&Name> {
        self.network_interfaces.iter().find(|nic| nic.primary == Primary::Yes).map(|nic| &nic.name)
    }

    /// The desired power state of a VM in this one, or of one that is not made yet (S-39).
    fn desired_power(&self, power: Option<PowerState>) -> DesiredPowerState {
        self.power.unwrap_or(power.map_or(DesiredPowerState::Running, DesiredPowerState::of))
    }

    fn mark_the_others(&mut self) {
        for nic in self.network_interfaces.iter_mut().filter(|nic| nic.primary == Primary::Unspecified) {
            nic.primary = Primary::No;
        }
    }
}

impl Programmed<VirtualMachine> {
    /// True if an edit that needs the VM deallocated may be done: it is, or it may be made to be (S-38).
    pub(super) fn is_deallocated_for_edits(&self) -> bool {
        self.held.power == PowerState::Deallocated || self.ask.disruption == Disruption::Deallocate
    }
}

/// A restart is asked for by an annotation that differs from the one handled last; it makes no sense at creation.
fn is_restarted(programmed: &Programmed<VirtualMachine>, before: Option<&VirtualMachine>) -> bool {
    let asked = &programmed.ask.restarted_at;
    before.is_some() && asked.is_some() && *asked != programmed.held.last_handled_restart_at
}
