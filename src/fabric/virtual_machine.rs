//! Virtual machines: power states, and which network interfaces are attached in which order (VM-01 to VM-22).
//!
//! The rules are in `rules`; the order inside one put (S-01) and the life of attachments are here.

mod guest;
mod rules;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::engine::{DynamicAddresses, Engine, leave};
use super::id::{Kind, Name, ObjectId, ShownRef};
use super::limits::VmSize;
use super::mac::Mac;
use super::network_interface::{self, Attached, NetworkInterface, Primary};
use super::resource::{Advice, DeletionRule, Programmed, Resource, Rule};
use super::violation::WaitKey;
use super::virtual_machine_scale_set;

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
pub enum PowerWish {
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
    /// What becomes of the power state where an edit needs it deallocated.
    pub disruption: Disruption,
    /// The addresses that are set by hand in the guest, if that is known.
    pub guest: Vec<GuestInterface>,
    /// The power state that is wished; none means started at creation, then left as it is (S-39).
    pub power: Option<PowerWish>,
    /// When a restart was asked for; each time counts once.
    pub restarted_at: Option<String>,
    /// The Flexible scale set that it is an instance of.
    pub member: Option<Member>,
}

/// A virtual machine's place in a Flexible scale set.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The scale set.
    pub set: Name,
    /// The instance's id.
    pub id: u64,
    /// The revision of the model that its objects were written from.
    pub revision: u64,
    /// The revision that it is wished to have at least.
    pub wish: u64,
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
    /// Whether it is the primary one.
    pub primary: Primary,
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

/// The most characters of what asks for a restart: the status repeats it.
pub const RESTARTED_AT_LENGTH: usize = 64;

/// What the fabric reports of a virtual machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VirtualMachineView {
    /// The power state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power_state: Option<PowerState>,
    /// The value of the annotation vnet.dev/restartedAt that the last restart was done for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = RESTARTED_AT_LENGTH))]
    pub last_handled_restart_at: Option<String>,
    /// The attached network interfaces, in the order in which they were attached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub network_interfaces: Vec<AttachedNicView>,
}

/// An attached network interface.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttachedNicView {
    /// The network interface.
    #[serde(flatten)]
    pub reference: ShownRef,
    /// Whether it is the primary one.
    pub primary: bool,
    /// Its MAC address, there from the first start on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac_address: Option<Mac>,
    /// The address that DHCP hands to the guest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", length(max = 45))]
    pub dhcp_address: Option<IpAddr>,
    /// The addresses that must be set by hand in the guest: those of secondary configurations, and on Windows, where there
    /// are any, the primary one too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>", length(max = 256))]
    pub manual_addresses: Vec<IpAddr>,
    /// The private address of its primary IP configuration.
    #[serde(default, rename = "privateIPAddress", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", length(max = 45))]
    pub private_ip_address: Option<IpAddr>,
}

impl Resource for VirtualMachine {
    type Held = HeldVirtualMachine;
    type View = VirtualMachineView;

    const RULES: &'static [Rule<Self>] = rules::RULES;
    const DELETION_RULES: &'static [DeletionRule] = &[];

    fn resource_path(&self, name: &Name) -> String {
        format!("Microsoft.Compute/virtualMachines/{}", name.name)
    }

    fn references(&self) -> Vec<ObjectId> {
        let nics = self.network_interfaces.iter();
        let nics = nics.map(|nic| ObjectId::new(Kind::NetworkInterface, nic.name.clone()));
        let set = self.availability_set.iter().map(|set| ObjectId::new(Kind::AvailabilitySet, set.clone()));
        nics.chain(set).collect()
    }

    /// Without a mark the first NIC of the list is primary at creation; later the programmed one stays, and when that is
    /// detached the one that has been attached the longest follows (VM-08, VM-16, S-05).
    fn resolve(&mut self, engine: &Engine, programmed: Option<&Programmed<Self>>) {
        if self.network_interfaces.iter().any(|nic| nic.primary == Primary::Yes) {
            return self.mark_the_others();
        }
        let eligible = |name: &Name| {
            self.network_interfaces.iter().position(|nic| nic.name == *name && nic.primary == Primary::Unsaid)
        };
        let before = programmed.and_then(|programmed| programmed.ask.primary());
        let longest = engine.attached_to_programmed(programmed);
        let first = self.network_interfaces.iter().position(|nic| nic.primary == Primary::Unsaid);
        let choice = before.and_then(eligible).or_else(|| longest.iter().find_map(eligible)).or(first);
        if let Some(nic) = choice.and_then(|choice| self.network_interfaces.get_mut(choice)) {
            nic.primary = Primary::Yes;
            self.mark_the_others();
        }
    }

    fn apply(engine: &mut Engine, name: &Name, before: Option<&Self>) {
        let Some(programmed) = engine.get::<Self>(name) else { return };
        let (ask, power) = (programmed.ask.clone(), programmed.held.power);
        let wish = ask.wish(before.map(|_| power));
        let restarts = is_restarted(programmed, before);
        join_set(engine, name, &ask);
        let makes_way = before.is_some() && makes_way(engine, name, &ask);
        if (wish == PowerWish::Deallocated || makes_way) && power != PowerState::Deallocated {
            stop(engine, name, PowerState::Deallocated);
        }
        edit_attachments(engine, name, &ask);
        match (wish, engine.power_of(name)) {
            (wish, PowerState::Deallocated) if before.is_some() => leave_deallocation(engine, name, wish),
            (wish, PowerState::Deallocated) => power_on(engine, name, wish),
            (PowerWish::Running, PowerState::Stopped) => start(engine, name),
            (PowerWish::Running, PowerState::Running) if restarts => {
                stop(engine, name, PowerState::Stopped);
                start(engine, name);
            }
            (PowerWish::Running, PowerState::Starting | PowerState::Running) => {}
            (PowerWish::Stopped, PowerState::Starting | PowerState::Running) => stop(engine, name, PowerState::Stopped),
            (PowerWish::Stopped, PowerState::Stopped) | (PowerWish::Deallocated, _) => {}
        }
        if let Some(programmed) = engine.get_mut::<Self>(name) {
            programmed.held.last_handled_restart_at = ask.restarted_at;
        }
        if let Some(member) = &ask.member {
            virtual_machine_scale_set::member_is_there(engine, member);
        }
    }

    fn release(engine: &mut Engine, name: &Name, gone: &Programmed<Self>) {
        if let Some(due) = gone.held.starts_at {
            engine.starting.remove(&(due, name.clone()));
        }
        if let Some(set) = &gone.ask.availability_set {
            leave(&mut engine.vms_in, set, name);
            engine.touch_members(Kind::AvailabilitySet, set);
        }
        for nic in engine.nics_of.remove(name).unwrap_or_default().into_values() {
            let_go(engine, &nic);
        }
        engine.free(WaitKey::Power(name.clone()));
        if let Some(member) = &gone.ask.member {
            virtual_machine_scale_set::member_has_gone(engine, member);
        }
    }

    fn recall(engine: &mut Engine, name: &Name, view: &VirtualMachineView) -> Vec<String> {
        let Some(programmed) = engine.get_mut::<Self>(name) else { return Vec::new() };
        programmed.held.power = view.power_state.unwrap_or_default();
        programmed.held.last_handled_restart_at.clone_from(&view.last_handled_restart_at);
        let (ask, listed) = (programmed.ask.clone(), programmed.ask.network_interfaces.clone());
        join_set(engine, name, &ask);
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
            start(engine, name); // its deadline begins anew
        }
        dropped
    }

    fn observe(engine: &Engine, name: &Name, programmed: &Programmed<Self>) -> VirtualMachineView {
        let attached = engine.nics_of.get(name).into_iter().flat_map(|nics| nics.values());
        let network_interfaces = attached.filter_map(|nic| {
            let held = engine.get::<NetworkInterface>(nic)?;
            let primary = held.ask.primary().map(|primary| &primary.name);
            let (dhcp_address, manual_addresses) = guest::addresses(programmed.ask.os_type, held);
            Some(AttachedNicView {
                dhcp_address,
                manual_addresses,
                reference: ShownRef::of(nic, name),
                primary: held.held.attached.as_ref().is_some_and(|attached| attached.primary),
                mac_address: held.held.mac,
                private_ip_address: primary.and_then(|primary| held.held.addresses.get(primary)).copied(),
            })
        });
        VirtualMachineView {
            power_state: Some(programmed.held.power),
            last_handled_restart_at: programmed.held.last_handled_restart_at.clone(),
            network_interfaces: network_interfaces.collect(),
        }
    }

    fn advice(engine: &Engine, name: &Name, programmed: &Programmed<Self>) -> Vec<Advice> {
        guest::advice(engine, name, &programmed.ask)
    }

    fn progress(_: &Engine, _: &Name, programmed: &Programmed<Self>) -> Option<(&'static str, String)> {
        let starting = programmed.held.power == PowerState::Starting;
        starting.then(|| ("Starting", "The virtual machine is starting.".to_owned()))
    }
}

impl PowerWish {
    fn of(power: PowerState) -> Self {
        match power {
            PowerState::Starting | PowerState::Running => PowerWish::Running,
            PowerState::Stopped => PowerWish::Stopped,
            PowerState::Deallocated => PowerWish::Deallocated,
        }
    }
}

impl VirtualMachine {
    /// The primary NIC, once the request is resolved.
    pub fn primary(&self) -> Option<&Name> {
        self.network_interfaces.iter().find(|nic| nic.primary == Primary::Yes).map(|nic| &nic.name)
    }

    /// What is wished of a VM in this power state, or of one that is not made yet (S-39).
    fn wish(&self, power: Option<PowerState>) -> PowerWish {
        self.power.unwrap_or(power.map_or(PowerWish::Running, PowerWish::of))
    }

    fn mark_the_others(&mut self) {
        for nic in self.network_interfaces.iter_mut().filter(|nic| nic.primary == Primary::Unsaid) {
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

/// Does an edit of an attached NIC for which the VM must be deallocated, as Azure's own tools are scripted to (S-38).
pub(super) fn deallocated_meanwhile(engine: &mut Engine, name: &Name, edit: impl FnOnce(&mut Engine)) {
    let power = engine.power_of(name);
    if power != PowerState::Deallocated {
        stop(engine, name, PowerState::Deallocated);
    }
    edit(engine);
    leave_deallocation(engine, name, PowerWish::of(power));
}

/// Does as is wished of a VM that is deallocated, and was not made just now: dynamic private addresses may change (D-04).
fn leave_deallocation(engine: &mut Engine, name: &Name, wish: PowerWish) {
    if wish != PowerWish::Deallocated && engine.settings.dynamic_addresses == DynamicAddresses::Reassigned {
        for nic in engine.attached_to(name) {
            network_interface::reassign(engine, &nic);
        }
    }
    power_on(engine, name, wish);
}

/// Does as is wished of a VM that is deallocated.
fn power_on(engine: &mut Engine, name: &Name, wish: PowerWish) {
    match wish {
        PowerWish::Running => start(engine, name),
        PowerWish::Stopped => {
            // As one wish: started, and stopped again; the MAC addresses are assigned (S-22, S-34).
            finish_start(engine, name);
            stop(engine, name, PowerState::Stopped);
        }
        PowerWish::Deallocated => {}
    }
}

/// Starts a running VM anew if a MAC address went with a primary address, as an upgrade of a scale set does (S-06).
pub(super) fn restart_for_macs(engine: &mut Engine, name: &Name) {
    let lacks = |nic: &Name| engine.get::<NetworkInterface>(nic).is_some_and(|nic| nic.held.mac.is_none());
    if engine.power_of(name) == PowerState::Running && engine.attached_to(name).iter().any(lacks) {
        stop(engine, name, PowerState::Stopped);
        start(engine, name);
    }
}

/// True if the list of NICs is edited, and the VM is deallocated meanwhile (S-38).
fn makes_way(engine: &Engine, name: &Name, ask: &VirtualMachine) -> bool {
    ask.disruption == Disruption::Deallocate && !same_nics(&engine.attached_to(name), ask)
}

fn same_nics(attached: &[Name], ask: &VirtualMachine) -> bool {
    let listed = |nic: &Name| ask.network_interfaces.iter().any(|listed| listed.name == *nic);
    attached.len() == ask.network_interfaces.len() && attached.iter().all(listed)
}

fn join_set(engine: &mut Engine, name: &Name, ask: &VirtualMachine) {
    if let Some(set) = &ask.availability_set
        && engine.vms_in.entry(set.clone()).or_default().insert(name.clone())
    {
        engine.touch_members(Kind::AvailabilitySet, set);
    }
}

impl Engine {
    fn power_of(&self, name: &Name) -> PowerState {
        self.get::<VirtualMachine>(name).map_or(PowerState::Deallocated, |vm| vm.held.power)
    }

    /// The NICs of a virtual machine, in the order in which they were attached.
    pub fn attached_to(&self, vm: &Name) -> Vec<Name> {
        self.nics_of.get(vm).map(|nics| nics.values().cloned().collect()).unwrap_or_default()
    }

    /// The public addresses of the other virtual machines of an availability set, each with the NIC that holds it.
    pub(super) fn public_addresses_beside<'a>(
        &'a self,
        vm: &'a Name,
        set: Option<&Name>,
    ) -> impl Iterator<Item = (&'a Name, &'a Name)> {
        let others = set.and_then(|set| self.vms_in.get(set)).into_iter().flatten().filter(move |other| *other != vm);
        let nics = others.filter_map(|vm| self.nics_of.get(vm)).flat_map(|nics| nics.values());
        nics.filter_map(|nic| Some((nic, self.get::<NetworkInterface>(nic)?)))
            .flat_map(|(name, nic)| nic.ask.public_ip_addresses().map(move |public| (name, public)))
    }

    fn attached_to_programmed(&self, vm: Option<&Programmed<VirtualMachine>>) -> Vec<Name> {
        // The NICs that it lists know it by name.
        let nic =
            vm.and_then(|vm| vm.ask.network_interfaces.iter().find_map(|nic| self.get::<NetworkInterface>(&nic.name)));
        nic.and_then(|nic| nic.held.attached.as_ref())
            .map(|attached| self.attached_to(&attached.vm))
            .unwrap_or_default()
    }
}

/// A restart is asked for by an annotation that differs from the one handled last; it makes no sense at creation.
fn is_restarted(programmed: &Programmed<VirtualMachine>, before: Option<&VirtualMachine>) -> bool {
    let asked = &programmed.ask.restarted_at;
    before.is_some() && asked.is_some() && *asked != programmed.held.last_handled_restart_at
}

fn edit_attachments(engine: &mut Engine, name: &Name, ask: &VirtualMachine) {
    for nic in engine.attached_to(name).into_iter().filter(|nic| ask.network_interfaces.iter().all(|n| n.name != *nic))
    {
        if let Some(nics) = engine.nics_of.get_mut(name) {
            nics.retain(|_, other| *other != nic);
        }
        let_go(engine, &nic);
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

fn attach(engine: &mut Engine, vm: &Name, nic: &Name, seq: u64, primary: bool) {
    let attached = Attached { vm: vm.clone(), seq, primary };
    if let Some(programmed) = engine.get_mut::<NetworkInterface>(nic) {
        programmed.held.attached = Some(attached);
        engine.nics_of.entry(vm.clone()).or_default().insert(seq, nic.clone());
        network_interface::vm_power_changed(engine, nic);
    }
}

/// A start is told by two statuses, and a crash may cut off the NIC's: its MAC address is then known from the VM's,
/// unless the primary address has changed since, which clears it (NIC-15).
fn recall_mac(engine: &mut Engine, nic: &Name, shown: &AttachedNicView) {
    let Some(programmed) = engine.get::<NetworkInterface>(nic) else { return };
    let primary = programmed.ask.primary().and_then(|primary| programmed.held.addresses.get(&primary.name)).copied();
    let is_current = programmed.held.mac.is_none() && shown.private_ip_address == primary;
    let Some(mac) = shown.mac_address.filter(|mac| is_current && engine.macs.reserve(*mac)) else { return };
    if let Some(programmed) = engine.get_mut::<NetworkInterface>(nic) {
        programmed.held.mac = Some(mac);
    }
}

fn let_go(engine: &mut Engine, nic: &Name) {
    if let Some(programmed) = engine.get_mut::<NetworkInterface>(nic) {
        programmed.held.attached = None;
    }
    network_interface::vm_power_changed(engine, nic);
    engine.free(WaitKey::Claim(ObjectId::new(Kind::NetworkInterface, nic.clone())));
}

fn set_power(engine: &mut Engine, name: &Name, power: PowerState, starts_at: Option<Timestamp>) {
    let Some(programmed) = engine.get_mut::<VirtualMachine>(name) else { return };
    let old = programmed.held.starts_at;
    programmed.held.power = power;
    programmed.held.starts_at = starts_at;
    if let Some(old) = old {
        engine.starting.remove(&(old, name.clone()));
    }
    if let Some(due) = starts_at {
        engine.starting.insert((due, name.clone()));
    }
    engine.touch(Kind::VirtualMachine, name);
    engine.free(WaitKey::Power(name.clone()));
}

fn start(engine: &mut Engine, name: &Name) {
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
pub(super) fn finish_start(engine: &mut Engine, name: &Name) {
    set_power(engine, name, PowerState::Running, None);
    for nic in engine.attached_to(name) {
        network_interface::vm_started(engine, &nic);
    }
}

fn stop(engine: &mut Engine, name: &Name, power: PowerState) {
    set_power(engine, name, power, None);
    for nic in engine.attached_to(name) {
        network_interface::vm_power_changed(engine, &nic);
    }
}
