//! Making instances, changing them, and letting go of them.

use std::collections::{BTreeMap, BTreeSet};

use super::view::read_ranges;
use super::{
    Demand, Instance, InstanceName, Obstacle, OrchestrationMode, Restart, VirtualMachineScaleSet,
    VirtualMachineScaleSetView, Wanted, demand, forget_what_is_unused, index_labels, names_are_unique, references,
};
use crate::fabric::engine::Engine;
use crate::fabric::id::{Kind, Name};
use crate::fabric::ipam::PoolId;
use crate::fabric::ledger::Owner;
use crate::fabric::limits;
use crate::fabric::network_interface::NetworkInterface;
use crate::fabric::public_ip_address::PublicIPAddress;
use crate::fabric::resource::Programmed;
use crate::fabric::violation::WaitKey;
use crate::fabric::virtual_machine::{Member, PowerState, VirtualMachine, restart_for_macs, switch_off};
use crate::fabric::virtual_machine_scale_set_vm::VirtualMachineScaleSetVM;

/// Adds or removes instances until there are as many as asked for. The highest ids are removed first (S-27). New instances get
/// unused ids and the latest model (S-28), and so do those whose machine does not exist yet.
pub(super) fn scale(engine: &mut Engine, name: &Name) {
    let Some(set) = engine.get_mut::<VirtualMachineScaleSet>(name) else { return };
    let wanted = usize::try_from(set.ask.replicas).unwrap_or(usize::MAX);
    let there = set.held.instances.len();
    let surplus: Vec<u64> = set.held.instances.keys().rev().take(there.saturating_sub(wanted)).copied().collect();
    for _ in there..wanted {
        set.held.instances.insert(set.held.next_instance_id, Instance::default());
        set.held.next_instance_id += 1;
    }
    for id in surplus {
        release_instance(engine, name, id);
    }
    let Some(set) = engine.get::<VirtualMachineScaleSet>(name) else { return };
    let (uniform, latest) = (set.ask.mode == OrchestrationMode::Uniform, set.held.revision);
    let is_bare = |instance: &Instance| instance.revision == 0 && instance.target < latest;
    let bare: Vec<u64> =
        set.held.instances.iter().filter(|(_, instance)| is_bare(instance)).map(|(id, _)| *id).collect();
    for id in &bare {
        let set = engine.get_mut::<VirtualMachineScaleSet>(name);
        let Some(instance) = set.and_then(|set| set.held.instances.get_mut(id)) else { return };
        instance.target = latest;
        if uniform {
            instance.revision = latest;
        }
    }
    demand::reserve(engine, name, bare.iter().copied());
    for id in bare {
        engine.mark_dirty(name, id);
        if uniform {
            program(engine, name, id);
            engine.wake(WaitKey::object(Kind::VirtualMachineScaleSetVM, &InstanceName { set: name, id }.object()));
        }
    }
}

/// The first instance of a Uniform set of which there is an object.
pub fn first_with_an_object(engine: &Engine, name: &Name) -> Option<u64> {
    let has_object =
        |id: &u64| engine.get::<VirtualMachineScaleSetVM>(&InstanceName { set: name, id: *id }.object()).is_some();
    engine.get::<VirtualMachineScaleSet>(name)?.held.instances.keys().copied().find(has_object)
}

/// Makes an instance of a Uniform set what it is to be: its parts are as its network and its model say.
pub fn program(engine: &mut Engine, name: &Name, id: u64) {
    let Some(set) = engine.get::<VirtualMachineScaleSet>(name) else { return };
    let Some(instance) = set.held.instances.get(&id).cloned() else { return };
    let (placement, model, network) =
        (set.placement.clone(), set.model(instance.revision).clone(), set.network(&instance));
    let zones = set.ask.zone_of(id);
    let this = InstanceName { set: name, id };
    let (old_nics, old_public) = parts(engine, this);
    switch_off(engine, &this.vm(), instance.power);
    for (public, ask) in this.public_asks(&network) {
        // What is fixed of a public address (PIP-01, PIP-16) changes by another in its place.
        let is_another = |old: &Programmed<PublicIPAddress>| {
            (old.ask.sku, &old.ask.public_ip_prefix) != (ask.sku, &ask.public_ip_prefix)
        };
        if engine.get::<PublicIPAddress>(&public).is_some_and(is_another) {
            engine.drop_part::<PublicIPAddress>(&public);
        }
        engine.commit_part(&public, ask, &placement);
    }
    for nic in network.iter() {
        engine.commit_part(&this.nic(&nic.name), this.nic_ask(nic), &placement);
    }
    let mut vm = this.vm_ask(&model, &network, zones, instance.power);
    vm.restarted_at.clone_from(&instance.restarted_at);
    engine.commit_part(&this.vm(), vm, &placement);
    restart_for_macs(engine, &this.vm());
    let kept: BTreeSet<Name> = network.iter().map(|nic| this.nic(&nic.name)).collect();
    for nic in old_nics.iter().filter(|nic| !kept.contains(nic)) {
        engine.drop_part::<NetworkInterface>(nic);
    }
    let kept: BTreeSet<Name> = this.public_asks(&network).into_iter().map(|(public, _)| public).collect();
    for public in old_public.iter().filter(|public| !kept.contains(public)) {
        engine.drop_part::<PublicIPAddress>(public);
    }
    engine.touch(Kind::VirtualMachineScaleSetVM, &this.object());
    engine.touch(Kind::VirtualMachineScaleSet, name);
}

/// Marks the reports of all instances as changed: there is a model that they do not have.
pub(super) fn mark_outdated(engine: &mut Engine, name: &Name) {
    let Some(set) = engine.get::<VirtualMachineScaleSet>(name) else { return };
    let objects = set.held.instances.keys().map(|id| InstanceName { set: name, id: *id }.object_in(set.ask.mode));
    for object in objects.collect::<Vec<_>>() {
        engine.touch(object.kind, &object.name);
    }
}

/// Whether a machine of a Flexible set has the latest model; none if it is of none that is carried.
pub(in crate::fabric) fn has_latest_model(engine: &Engine, member: &Member) -> Option<bool> {
    let set = engine.get::<VirtualMachineScaleSet>(&member.set).filter(|_| is_of_the_set(engine, member))?;
    set.held.instances.contains_key(&member.id).then_some(member.revision == set.held.revision)
}

/// The network interfaces of an instance, and the public addresses that they hold.
fn parts(engine: &Engine, this: InstanceName<'_>) -> (Vec<Name>, Vec<Name>) {
    let vm = engine.get::<VirtualMachine>(&this.vm());
    let nics: Vec<Name> =
        vm.iter().flat_map(|vm| vm.ask.network_interfaces.iter().map(|nic| nic.name.clone())).collect();
    let asks = nics.iter().filter_map(|nic| engine.get::<NetworkInterface>(nic));
    let public = asks.flat_map(|nic| nic.ask.public_ip_addresses().cloned()).collect();
    (nics, public)
}

/// Removes an instance from its set, and releases everything that it holds.
pub fn release_instance(engine: &mut Engine, name: &Name, id: u64) {
    let Some(set) = engine.get_mut::<VirtualMachineScaleSet>(name) else { return };
    if set.held.instances.remove(&id).is_none() {
        return;
    }
    set.held.obstacles.remove(&id);
    demand::reserve(engine, name, [id]);
    let this = InstanceName { set: name, id };
    drop_parts(engine, this);
    engine.touch(Kind::VirtualMachine, &this.object());
    engine.mark_dirty(name, id);
    engine.touch(Kind::VirtualMachineScaleSet, name);
}

/// Releases everything that an instance is made of; its object shows nothing from then on.
pub(super) fn drop_parts(engine: &mut Engine, this: InstanceName<'_>) {
    let (nics, public) = parts(engine, this);
    engine.drop_part::<VirtualMachine>(&this.vm());
    for nic in nics {
        engine.drop_part::<NetworkInterface>(&nic);
    }
    for public in public {
        engine.drop_part::<PublicIPAddress>(&public);
    }
    engine.forget::<VirtualMachineScaleSetVM>(&this.object());
    engine.touch(Kind::VirtualMachineScaleSetVM, &this.object());
}

/// An instance of a Flexible set is carried, as its object says.
pub(in crate::fabric) fn on_member_programmed(engine: &mut Engine, member: &Member) {
    if !is_of_the_set(engine, member) {
        return;
    }
    let Some(set) = engine.get_mut::<VirtualMachineScaleSet>(&member.set) else { return };
    let latest = set.held.revision;
    let Some(instance) = set.held.instances.get_mut(&member.id) else { return };
    let before = (instance.revision, instance.target);
    instance.revision = member.revision;
    instance.target = instance.target.max(member.revision.min(latest));
    if member.desired_revision.as_ref().is_some_and(|wish| wish.is_beyond(instance.target)) {
        instance.target = latest;
    }
    let is_news = before != (instance.revision, instance.target);
    demand::reserve(engine, &member.set, [member.id]);
    engine.mark_dirty(&member.set, member.id);
    super::continue_rollout(engine, &member.set);
    if is_news {
        forget_what_is_unused(engine, &member.set);
    }
    engine.touch(Kind::VirtualMachineScaleSet, &member.set);
}

/// True if the set that owns a machine is carried: neither an earlier one of its name nor a Uniform one.
fn is_of_the_set(engine: &Engine, member: &Member) -> bool {
    let set = engine.get::<VirtualMachineScaleSet>(&member.set);
    set.is_some_and(|set| set.uid == member.owner && set.ask.mode == OrchestrationMode::Flexible)
}

/// The virtual machine of a Flexible set has been deleted, or is the set's no longer: the set makes another (VMSS-27).
pub(in crate::fabric) fn on_member_deleted(engine: &mut Engine, member: &Member) {
    if !is_of_the_set(engine, member) {
        return;
    }
    let Some(set) = engine.get_mut::<VirtualMachineScaleSet>(&member.set) else { return };
    set.held.instances.remove(&member.id);
    set.held.obstacles.remove(&member.id);
    demand::reserve(engine, &member.set, [member.id]);
    forget_what_is_unused(engine, &member.set);
    engine.mark_dirty(&member.set, member.id);
    engine.touch_members(Kind::VirtualMachineScaleSet, &member.set);
}

/// What an instance lacks to have this network: addresses, what quotas count, and what it names.
pub(super) fn lacking(engine: &Engine, wanted: &Wanted<'_>) -> BTreeSet<WaitKey> {
    let mut need = Demand::default();
    need.add(engine, wanted);
    let named = references(wanted.network, "").into_iter().map(|reference| reference.to);
    let missing = named.filter(|named| engine.holder(named.kind, &named.name).is_none());
    let mut lacking: BTreeSet<WaitKey> = missing.map(WaitKey::Object).collect();
    if need.is_empty() {
        return lacking;
    }
    let exceeded = need.quotas.into_iter().filter(|(quota, count)| !engine.has_left(quota, *count));
    lacking.extend(exceeded.map(|(quota, _)| WaitKey::Quota(quota)));
    let short = |(id, count): &(PoolId, u64)| engine.pool(id).is_none_or(|pool| pool.available() < *count);
    lacking.extend(need.pools.into_iter().filter(short).map(|(pool, _)| WaitKey::Capacity(pool)));
    lacking
}

/// Restores the ids that were given out; what the instances hold follows with their own records.
pub(super) fn restore_held(engine: &mut Engine, name: &Name, view: &VirtualMachineScaleSetView) -> Vec<String> {
    let Some(set) = engine.get::<VirtualMachineScaleSet>(name) else { return Vec::new() };
    let (flexible, model) = (set.ask.mode == OrchestrationMode::Flexible, set.ask.model.clone());
    if !names_are_unique(&model.network) {
        engine.forget::<VirtualMachineScaleSet>(name);
        return vec!["two parts of its model have one name".to_owned()];
    }
    let mut dropped = Vec::new();
    // Numbers that cannot have been reached are none.
    let counted = |number: &u64| *number <= limits::HIGHEST_COUNT;
    let told = view.update_revision.as_ref();
    let latest = told.and_then(|revision| revision.parse().ok()).filter(|told| counted(told) && *told > 0);
    if let Some(told) = told.filter(|_| latest.is_none()) {
        dropped.push(format!("{told} is not a valid revision of a model"));
    }
    let latest = latest.unwrap_or(1);
    let ids = read_ranges(&view.instance_ids);
    if ids.is_none() {
        dropped.push(format!("instance ids {} cannot be read, or are too many", view.instance_ids));
    }
    let mut instances = BTreeMap::new();
    for id in ids.unwrap_or_default() {
        if !counted(&id) {
            dropped.push(format!("{id} is not a valid instance id"));
            continue;
        }
        let object = InstanceName { set: name, id }.object();
        let vm = engine.get::<VirtualMachine>(&object).filter(|_| flexible);
        let member = vm.and_then(|vm| vm.ask.member.clone()).filter(|member| is_of_the_set(engine, member));
        let revision = member.map_or(0, |member| member.revision);
        let target = if flexible && revision == 0 { latest } else { revision };
        instances.insert(id, Instance { revision, target, ..Instance::default() });
    }
    let beyond = instances.keys().next_back().map_or(0, |last| last + 1);
    let told = view.next_instance_id;
    let next = told.and_then(|next| u64::try_from(next).ok()).filter(|next| *next >= beyond && counted(next));
    if let Some(told) = told.filter(|_| next.is_none()) {
        dropped.push(format!("{told} is not a valid next instance id"));
    }
    let taken_over = read_ranges(&view.taken_over_instance_ids).unwrap_or_default();
    let taken_over = taken_over.into_iter().filter(|id| instances.contains_key(id));
    let obstacles = taken_over.map(|id| (id, Obstacle::TakenOver)).collect();
    if let Some(set) = engine.get_mut::<VirtualMachineScaleSet>(name) {
        set.held.next_instance_id = next.unwrap_or(beyond);
        set.held.revision = latest;
        set.held.models.insert(set.held.revision, model);
        instances.into_iter().for_each(|(id, instance)| set.restore_instance(id, instance));
        set.held.obstacles = obstacles;
        set.held.last_handled_restart_at.clone_from(&view.last_handled_restart_at);
        set.held.restart = view.restart.as_ref().map(Restart::from);
        if let Some(restart) = &set.held.restart {
            set.ask.restarted_at = Some(restart.requested_at.clone());
        }
    }
    index_labels(engine, name);
    let ids: Vec<u64> = engine
        .get::<VirtualMachineScaleSet>(name)
        .into_iter()
        .flat_map(|set| set.held.instances.keys())
        .copied()
        .collect();
    for id in ids {
        engine.mark_dirty(name, id);
        engine.mark_restored(Owner::instance(name, id));
    }
    if view.current_revision != view.update_revision || view.restart.is_some() {
        super::upgrade::pause(engine, name); // a pause between two batches starts again
    }
    dropped
}

impl Programmed<VirtualMachineScaleSet> {
    /// Restores an instance. The latest model stands for one that is not kept any more: the instance was upgraded, and its
    /// status not written, when the operator ended; so it is outdated, as its revision says, and is upgraded again.
    pub(in crate::fabric) fn restore_instance(&mut self, id: u64, instance: Instance) {
        let latest = self.held.revision;
        for revision in
            [instance.revision, instance.target].into_iter().filter(|revision| (1..latest).contains(revision))
        {
            self.held.models.entry(revision).or_insert_with(|| self.ask.model.clone());
        }
        self.held.instances.insert(id, instance);
    }
}

/// True if the instance is as it is to be, and its object shows it.
pub(super) fn is_settled(engine: &Engine, set: &Name, mode: OrchestrationMode, id: u64) -> bool {
    power(engine, set, mode, id).is_some_and(|power| power != PowerState::Starting)
}

/// The power state of an instance whose object is there.
pub(super) fn power(engine: &Engine, set: &Name, mode: OrchestrationMode, id: u64) -> Option<PowerState> {
    let this = InstanceName { set, id };
    let vm = match mode {
        OrchestrationMode::Uniform => {
            engine.get::<VirtualMachineScaleSetVM>(&this.object())?;
            engine.get::<VirtualMachine>(&this.vm())?
        }
        OrchestrationMode::Flexible => {
            let is_member = |member: &Member| member.set == *set && is_of_the_set(engine, member);
            engine.get::<VirtualMachine>(&this.object()).filter(|vm| vm.ask.member.as_deref().is_some_and(is_member))?
        }
    };
    Some(vm.held.power)
}
