//! Instances of Uniform scale sets, as their objects show them: what the instance holds, and its own desired state
//! (VMSS-06, VMSS-19). The instance itself is the set's. The rules are in `rules`, what breaks them in
//! `findings`, and what is reported in `view`.

mod findings;
mod rules;
#[cfg(test)]
mod tests;
mod view;

use std::sync::Arc;

use super::common::Common;
use super::engine::Engine;
use super::id::{Kind, Name, ObjectId, Placement};
use super::network_interface::{ConfigurationView, NetworkInterface, NetworkInterfaceView, PublicAddressShown};
use super::public_ip_address::PublicIPAddressView;
use super::reference::Reference;
use super::resource::{Advice, DeletionRule, Programmed, Record, Resource, Rule};
use super::virtual_machine::{AttachedNicView, DesiredPowerState, VirtualMachine, VirtualMachineView};
use super::virtual_machine_scale_set::{
    self as scale_set, Instance, InstanceName, NicModel, OrchestrationMode, VirtualMachineScaleSet,
};
use super::{ShownRef, Uid};
pub(super) use rules::revision_is_of_the_set;
pub use view::{InstanceConfigurationView, InstanceNicView, InstancePublicView, VirtualMachineScaleSetVMView};

/// The desired state of one instance.
#[derive(Clone, Debug, PartialEq)]
pub struct VirtualMachineScaleSetVM {
    /// The scale set.
    pub set: Name,
    /// The instance's id, if it is a number.
    pub id: Option<u64>,
    /// Who made the object.
    pub maker: Maker,
    /// The revision of the model that it is to have at least (S-31).
    pub revision: Option<DesiredRevision>,
    /// The desired power state.
    pub power: Option<DesiredPowerState>,
    /// Its own network, instead of the model's (S-30).
    pub network: Option<Arc<[NicModel]>>,
    /// When a restart was asked for; each time counts once.
    pub restarted_at: Option<String>,
}

/// Who made an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maker {
    /// The scale set, which owns it.
    ScaleSet,
    /// Somebody else.
    Other,
}

/// The desired revision of an instance, or a text that is none.
#[derive(Clone, Debug, PartialEq)]
pub enum DesiredRevision {
    /// The number.
    Number(u64),
    /// What cannot be read as one.
    Unreadable(String),
}

impl From<&str> for DesiredRevision {
    fn from(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Unreadable(text.to_owned()), Self::Number)
    }
}

impl DesiredRevision {
    /// True if an instance of this revision is to be upgraded for it (S-31).
    pub fn is_beyond(&self, revision: u64) -> bool {
        matches!(self, Self::Number(wish) if *wish > revision)
    }
}

impl Resource for VirtualMachineScaleSetVM {
    type Held = ();
    type View = VirtualMachineScaleSetVMView;

    const ARM_TYPE: &'static str = "Microsoft.Compute/virtualMachineScaleSets/virtualMachines";
    const CONSISTS_OF: &'static [Kind] = &[Kind::VirtualMachineScaleSet, Kind::NetworkInterface, Kind::PublicIPAddress];
    const RULES: &'static [Rule<Self>] = rules::RULES;
    const DELETION_RULES: &'static [DeletionRule] = &[];

    fn parent(&self) -> Option<ObjectId> {
        Some(ObjectId::new(Kind::VirtualMachineScaleSet, self.set.clone()))
    }

    fn own_name(&self, _: &Name) -> Arc<str> {
        self.id.unwrap_or_default().to_string().into()
    }

    fn inherited_placement(&self, engine: &Engine) -> Option<Placement> {
        engine.get::<VirtualMachineScaleSet>(&self.set).map(|set| set.placement.clone())
    }

    /// What the set did not make is refused for that alone, wherever it points to (VMSS-01). What its own network refers to is
    /// judged with that (VMSS-19).
    fn references(&self) -> Vec<Reference> {
        if self.maker == Maker::Other {
            return Vec::new();
        }
        let set = Reference::new(Kind::VirtualMachineScaleSet, &self.set, "spec.scaleSet", "VMSS-01");
        let own = self.network.iter().flat_map(|network| scale_set::references(network, rules::PATH));
        std::iter::once(set).chain(own).collect()
    }

    fn apply(engine: &mut Engine, name: &Name, before: Option<&Self>) {
        let Some(ask) = engine.get::<Self>(name).map(|programmed| programmed.ask.clone()) else { return };
        let Some(id) = ask.id else { return };
        let Some(set) = engine.get_mut::<VirtualMachineScaleSet>(&ask.set) else { return };
        let latest = set.held.revision;
        let Some(instance) = set.held.instances.get_mut(&id) else { return };
        let is_upgrade = ask.revision.as_ref().is_some_and(|wish| wish.is_beyond(instance.revision));
        if is_upgrade || instance.revision == 0 {
            (instance.revision, instance.target) = (latest, latest);
        }
        let is_news = is_upgrade || instance.network != ask.network;
        let is_other = is_news || instance.power != ask.power;
        instance.network.clone_from(&ask.network);
        instance.power = ask.power;
        instance.restarted_at.clone_from(&ask.restarted_at);
        scale_set::program(engine, &ask.set, id);
        scale_set::continue_rollout(engine, &ask.set);
        if is_news {
            scale_set::forget_what_is_unused(engine, &ask.set);
        }
        engine.touch(Kind::VirtualMachineScaleSet, &ask.set);
        let is_first = before.is_none() && scale_set::first_with_an_object(engine, &ask.set) == Some(id);
        if is_other || is_first {
            // What the set would need for an upgrade of it may be less now; a refusal to delete the set names the first.
            engine.touch_members(Kind::VirtualMachineScaleSet, &ask.set);
        }
    }

    fn release(engine: &mut Engine, _: &Name, gone: &Programmed<Self>) {
        if let Some(id) = gone.ask.id {
            scale_set::release_instance(engine, &gone.ask.set, id);
            scale_set::forget_what_is_unused(engine, &gone.ask.set);
        }
        engine.touch_members(Kind::VirtualMachineScaleSet, &gone.ask.set);
    }

    /// Restores the instance's parts as if each had a record of its own.
    fn restore_held(engine: &mut Engine, name: &Name, view: &VirtualMachineScaleSetVMView) -> Vec<String> {
        let Some(programmed) = engine.get::<Self>(name) else { return Vec::new() };
        if let Some(refusal) = is_named_otherwise(name, &programmed.ask) {
            engine.forget::<Self>(name);
            return vec![refusal];
        }
        let mut dropped = Vec::new();
        if programmed.ask.network.as_ref().is_some_and(|own| !scale_set::names_are_unique(own)) {
            engine.change_held::<Self>(name, |programmed| programmed.ask.network = None);
            dropped.push("two parts of its own network have one name".to_owned());
        }
        let Some(programmed) = engine.get::<Self>(name).cloned() else { return dropped };
        let ask = &programmed.ask;
        let set =
            engine.get_mut::<VirtualMachineScaleSet>(&ask.set).filter(|set| set.ask.mode == OrchestrationMode::Uniform);
        let Some((set, id)) = set.zip(ask.id).filter(|(set, id)| set.held.instances.contains_key(id)) else {
            engine.forget::<Self>(name);
            return vec![format!("it is not an instance of VirtualMachineScaleSet {} any more", ask.set)];
        };
        let latest = set.held.revision;
        let told = view.revision.as_ref();
        let revision = told.and_then(|revision| revision.parse().ok()).filter(|told| (1..=latest).contains(told));
        if let Some(told) = told.filter(|_| revision.is_none()) {
            dropped.push(format!("{told} is not a revision of the scale set's model"));
        }
        let revision = revision.unwrap_or(latest);
        let instance = Instance {
            revision,
            target: revision,
            network: ask.network.clone(),
            power: ask.power,
            restarted_at: ask.restarted_at.clone(),
        };
        set.restore_instance(id, instance.clone());
        let (network, model, zones) = (set.network(&instance), set.model(revision).clone(), set.ask.zone_of(id));
        scale_set::index_labels(engine, &ask.set); // of its own network, too
        let this = InstanceName { set: &ask.set, id };
        for (public, ask) in this.public_asks(&network) {
            let shown = view.configurations().find(|(nic, shown)| this.public(nic, &shown.name) == public);
            let address = shown.and_then(|(_, shown)| shown.public_ip_address.as_ref()?.ip_address);
            let view = PublicIPAddressView { ip_address: address, ..PublicIPAddressView::default() };
            dropped.extend(restore_part(engine, &public, ask, &programmed.placement, view));
        }
        let of_none = |(nic, shown): &(&str, &InstanceConfigurationView)| {
            let is_it = |(public, _): &(Name, _)| *public == this.public(nic, &shown.name);
            !this.public_asks(&network).iter().any(is_it)
        };
        for (_, shown) in view.configurations().filter(of_none) {
            let address = shown.public_ip_address.as_ref().and_then(|public| public.ip_address);
            dropped
                .extend(address.map(|address| format!("public address {address} is of no configuration that has one")));
        }
        for nic in network.iter() {
            let shown = view.network_interfaces.iter().find(|shown| *shown.name == *nic.name);
            let nic_view = shown.map(nic_view).unwrap_or_default();
            let nic_name = this.nic(&nic.name);
            dropped.extend(restore_part(engine, &nic_name, this.nic_ask(nic), &programmed.placement, nic_view));
        }
        let mut vm = this.vm_ask(&model, &network, zones, ask.power);
        vm.restarted_at.clone_from(&ask.restarted_at);
        let vm_view = vm_view(this, view);
        dropped.extend(restore_part(engine, &this.vm(), vm, &programmed.placement, vm_view));
        dropped
    }

    fn observe(engine: &Engine, _: &Name, programmed: &Programmed<Self>) -> VirtualMachineScaleSetVMView {
        view::observe(engine, &programmed.ask)
    }

    fn progress(engine: &Engine, _: &Name, programmed: &Programmed<Self>) -> Option<(&'static str, String)> {
        let vm = InstanceName { set: &programmed.ask.set, id: programmed.ask.id? }.vm();
        VirtualMachine::progress(engine, &vm, engine.get::<VirtualMachine>(&vm)?)
    }

    fn advice(engine: &Engine, _: &Name, programmed: &Programmed<Self>) -> Vec<Advice> {
        let Some(id) = programmed.ask.id else { return Vec::new() };
        let vm = InstanceName { set: &programmed.ask.set, id }.vm();
        let nics = engine.attached_to(&vm);
        let nics = nics.iter().filter_map(|nic| Some((nic, engine.get::<NetworkInterface>(nic)?)));
        nics.flat_map(|(name, nic)| NetworkInterface::advice(engine, name, nic)).collect()
    }
}

/// Two objects that say they are one instance would hold its parts twice; the name decides.
fn is_named_otherwise(name: &Name, ask: &VirtualMachineScaleSetVM) -> Option<String> {
    let (set, id) = (&ask.set, ask.id?);
    let object = InstanceName { set, id }.object();
    (object != *name)
        .then(|| format!("it is named {name}, and instance {id} of VirtualMachineScaleSet {set} is {object}"))
}

fn restore_part<K: Resource>(
    engine: &mut Engine,
    name: &Name,
    mut ask: K,
    placement: &Placement,
    view: K::View,
) -> Vec<String> {
    ask.resolve(engine, None);
    let uid = Uid::of_part(name);
    let (placement, common) = (placement.clone(), Common::default());
    engine.restore_one(name, Record { uid, generation: 1, placement, common, ask, view })
}

fn nic_view(shown: &InstanceNicView) -> NetworkInterfaceView {
    let configurations = shown.ip_configurations.iter().map(|shown| ConfigurationView {
        name: shown.name.clone(),
        primary: shown.primary,
        private_ip_address: shown.private_ip_address,
        public_ip_address: None::<PublicAddressShown>,
    });
    NetworkInterfaceView {
        mac_address: shown.mac_address,
        ip_configurations: configurations.collect(),
        ..NetworkInterfaceView::default()
    }
}

fn vm_view(this: InstanceName<'_>, view: &VirtualMachineScaleSetVMView) -> VirtualMachineView {
    let attached = view.network_interfaces.iter().map(|shown| AttachedNicView {
        reference: ShownRef { name: this.nic(&shown.name).name.to_string(), namespace: None },
        primary: shown.primary,
        mac_address: None,
        dhcp_address: None,
        manual_addresses: Vec::new(),
        private_ip_address: None,
    });
    VirtualMachineView {
        power_state: view.power_state,
        last_handled_restart_at: view.last_handled_restart_at.clone(),
        network_interfaces: attached.collect(),
        ..VirtualMachineView::default()
    }
}
