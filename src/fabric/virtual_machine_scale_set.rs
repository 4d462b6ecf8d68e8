//! Virtual machine scale sets: sets of identical virtual machines, each made from one model (VMSS-01 to VMSS-32).
//!
//! The put of a Uniform set makes, changes and releases its instances: nothing else takes their addresses. An instance
//! is made of the same things as a virtual machine of its own (a VM, network interfaces, public addresses), which follow
//! the rules and effects of those kinds; `instances` makes them from the `model`, `instance_name` names them. Of a Flexible
//! set the instances are objects of their own; the set counts them, and says which there are to be; `need` is what they
//! will take. `upgrade` brings instances to the latest model, `restart` restarts all of them, `rules` are the constraints
//! and `findings` what breaks them, `names` keeps the labels of the models, and `view` is what is reported.

mod demand;
mod findings;
mod instance_name;
mod instances;
mod model;
mod names;
mod restart;
mod rules;
#[cfg(test)]
mod tests;
mod upgrade;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::engine::{Engine, Request};
use super::id::{Kind, Name, ObjectId};
use super::reference::Reference;
use super::resource::{Advice, DeletionRule, Programmed, Record, Resource, Rule};
use super::violation::{Code, Refusal, WaitKey};
use super::virtual_machine::DesiredPowerState;
use super::zones::Zones;
#[cfg(test)]
pub(super) use demand::pending_objects;
pub(super) use demand::{Demand, Wanted, coming_ipv6, on_pool_changed, reserve};
pub use instance_name::InstanceName;
pub(super) use instances::{
    first_with_an_object, has_latest_model, on_member_deleted, on_member_programmed, program, release_instance,
};
pub use model::{
    ConfigurationModel, Model, NicModel, PublicModel, labels, list_path, mark_primary, names_are_unique, nic_path,
    public_path, publics, references,
};
pub(super) use names::{forget_what_is_unused, index_labels};
pub use restart::{Restart, RestartView};
pub(super) use rules::{
    NO_ROOM, Needed, NeededBy, Network, added_ipv6, network_is_legal, parts_are_legal, pool_has_room, size_takes,
    skus_do_not_mix,
};
pub(super) use upgrade::{continue_rollout, on_power_changed};
pub use view::{BLOCKED_REASONS, InstanceView, SCALE_SET_LABEL, VirtualMachineScaleSetView, ranges_have, read_ranges};

/// How the instances of a set are kept (VMSS-26).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)] // docs of variants would take the place of the field's in the CRD
pub enum OrchestrationMode {
    #[default]
    Uniform, // made by the set
    Flexible, // objects of their own
}

/// When existing instances take up a new model (VMSS-04, VMSS-05).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)]
pub enum UpgradeMode {
    #[default]
    Manual, // each when its revision is set
    Automatic, // all at once
    Rolling,   // in batches
}

/// What is asked of a scale set.
#[derive(Clone, Debug, PartialEq)]
pub struct VirtualMachineScaleSet {
    /// How its instances are kept.
    pub mode: OrchestrationMode,
    /// How many instances there are to be.
    pub replicas: u32,
    /// When instances take up a new model.
    pub upgrade: UpgradeMode,
    /// How a Rolling upgrade proceeds.
    pub rolling: RollingPolicy,
    /// What instances are made from.
    pub model: Arc<Model>,
    /// When a restart of all instances was asked for (S-92).
    pub restarted_at: Option<String>,
    /// The availability zones that its instances are in, one in each by turns (PIP-27).
    pub zones: Zones,
}

impl VirtualMachineScaleSet {
    /// The zone of an instance: that of its id, counted round; none if the set has none.
    pub fn zone_of(&self, id: u64) -> Zones {
        let count = u64::try_from(self.zones.len()).unwrap_or(u64::MAX);
        let place = id.checked_rem(count).and_then(|place| usize::try_from(place).ok());
        place.and_then(|place| self.zones.iter().nth(place)).copied().into_iter().collect()
    }
}

/// How a Rolling upgrade proceeds (VMSS-28).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollingPolicy {
    /// How many of all instances one batch has, in percent; at least one instance.
    pub max_batch_percent: u8,
    /// How many of all instances may be not running before the upgrade stops, in percent.
    pub max_unhealthy_percent: u8,
    /// The pause between two batches.
    pub pause: Duration,
}

/// What the fabric holds of a scale set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeldVirtualMachineScaleSet {
    /// The instances, by id.
    pub instances: BTreeMap<u64, Instance>,
    /// The id of the next instance. Ids are not reused.
    pub next_instance_id: u64,
    /// The revision of the latest model, counted up.
    pub revision: u64,
    /// The models that instances use, and the latest, by revision.
    pub models: BTreeMap<u64, Arc<Model>>,
    /// The domain name labels that it has.
    pub labels: BTreeSet<String>,
    /// When the pause between two batches ends.
    pub paused_until: Option<Timestamp>,
    /// What a blocked upgrade waits for.
    pub blocked: BTreeSet<WaitKey>,
    /// What keeps instances from becoming what they are to be, by id.
    pub obstacles: BTreeMap<u64, Obstacle>,
    /// The restart of all instances that is in progress.
    pub restart: Option<Restart>,
    /// The last restart of all instances that is done.
    pub last_handled_restart_at: Option<String>,
}

impl HeldVirtualMachineScaleSet {
    /// The instances that keep an older model, since another field manager has set a field of one of their objects.
    fn taken_over(&self) -> impl Iterator<Item = u64> {
        self.obstacles.iter().filter(|(_, obstacle)| **obstacle == Obstacle::TakenOver).map(|(id, _)| *id)
    }
}

/// What keeps an instance from becoming what it is to be; the operator, which makes its objects, reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// A field of one of its objects is another's: it keeps the model that it has (VMSS-27).
    TakenOver,
    /// An object of a name that one of its own is to have is not the set's.
    NameTaken(ObjectId),
    /// One of its objects is refused, with this code.
    Refused(ObjectId, Code),
    /// The API server does not take one of its objects.
    NotTaken(ObjectId),
}

/// What the fabric holds of an instance; its addresses are held by its parts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Instance {
    /// The revision of the model that it has; 0 while it has none.
    pub revision: u64,
    /// The revision that it is to have; of a Uniform set the same.
    pub target: u64,
    /// Its own network, instead of the model's (VMSS-19).
    pub network: Option<Arc<[NicModel]>>,
    /// Its desired power state.
    pub power: Option<DesiredPowerState>,
    /// When a restart was asked for.
    pub restarted_at: Option<String>,
}

impl Resource for VirtualMachineScaleSet {
    type Held = HeldVirtualMachineScaleSet;
    type View = VirtualMachineScaleSetView;

    const ARM_TYPE: &'static str = "Microsoft.Compute/virtualMachineScaleSets";
    const CONSISTS_OF: &'static [Kind] = &[Kind::NetworkInterface, Kind::PublicIPAddress];
    const RULES: &'static [Rule<Self>] = rules::RULES;
    const DELETION_RULES: &'static [DeletionRule] = rules::DELETION_RULES;
    const FOLLOWS_REFERRERS: bool = false; // its instances report to it
    const TAKES_OVER: bool = false; // its instances are the earlier one's, and go with it
    const HOT_STATUS_SECONDS: i64 = 5;
    const HOT_FIELDS: &'static [&'static str] =
        &["instances", "pendingInstanceIds", "readyReplicas", "takenOverInstanceIds", "updatedReplicas"];

    fn references(&self) -> Vec<Reference> {
        references(&self.model.network, rules::PROFILE)
    }

    /// Instances have older models, which they may return to.
    fn held_references(programmed: &Programmed<Self>) -> Vec<ObjectId> {
        let models = programmed.held.models.values().filter(|model| !Arc::ptr_eq(model, &programmed.ask.model));
        models.flat_map(|model| references(&model.network, "")).map(|reference| reference.to).collect()
    }

    fn zones(&self) -> Option<&Zones> {
        Some(&self.zones)
    }

    fn apply(engine: &mut Engine, name: &Name, before: Option<&Self>) {
        let Some(set) = engine.get_mut::<Self>(name) else { return };
        let is_new = before.is_none_or(|before| before.model != set.ask.model);
        if is_new {
            set.held.revision += 1;
        }
        set.held.models.insert(set.held.revision, set.ask.model.clone());
        if is_new {
            instances::mark_outdated(engine, name);
        }
        instances::scale(engine, name);
        restart::request(engine, name, before.is_none());
        continue_rollout(engine, name);
        forget_what_is_unused(engine, name);
    }

    fn release(engine: &mut Engine, name: &Name, gone: &Programmed<Self>) {
        for id in gone.held.instances.keys() {
            let this = InstanceName { set: name, id: *id };
            match gone.ask.mode {
                OrchestrationMode::Uniform => instances::drop_parts(engine, this),
                OrchestrationMode::Flexible => engine.touch(Kind::VirtualMachine, &this.object()),
            }
        }
        demand::reserve(engine, name, gone.held.instances.keys().copied());
        names::release(engine, name, gone);
    }

    fn restore_held(engine: &mut Engine, name: &Name, view: &VirtualMachineScaleSetView) -> Vec<String> {
        instances::restore_held(engine, name, view)
    }

    /// The pause between two batches is over.
    fn on_deadline(engine: &mut Engine, name: &Name) {
        continue_rollout(engine, name);
    }

    /// The machines of a Flexible set say which model they have.
    fn restored_after(name: &Name, record: &Record<Self>) -> Vec<ObjectId> {
        let ids = Some(&record.view.instance_ids).filter(|_| record.ask.mode == OrchestrationMode::Flexible);
        let ids = ids.and_then(|ids| read_ranges(ids)).unwrap_or_default().into_iter();
        ids.map(|id| InstanceName { set: name, id }.object_in(OrchestrationMode::Flexible)).collect()
    }

    fn observe(engine: &Engine, name: &Name, programmed: &Programmed<Self>) -> VirtualMachineScaleSetView {
        view::observe(engine, name, programmed)
    }

    fn progress(engine: &Engine, name: &Name, programmed: &Programmed<Self>) -> Option<(&'static str, String)> {
        view::progress(engine, name, programmed)
    }

    /// It is put again when an instance was deleted, and when an upgrade that was blocked can continue.
    fn retry_keys(_: &Engine, name: &Name, programmed: &Programmed<Self>) -> BTreeSet<WaitKey> {
        let members = WaitKey::members(Kind::VirtualMachineScaleSet, name);
        std::iter::once(members).chain(programmed.held.blocked.iter().cloned()).collect()
    }

    /// Instances of a Flexible set have no way out by default (VMSS-20), and may keep an older model (VMSS-27).
    fn advice(_: &Engine, _: &Name, programmed: &Programmed<Self>) -> Vec<Advice> {
        let ask = &programmed.ask;
        let keep_older = view::show_ranges(programmed.held.taken_over());
        let keeps_older = (!keep_older.is_empty()).then(|| Advice {
            condition: "OlderModelKept",
            reason: "FieldTakenOver",
            message: format!("Instances {keep_older} keep an older model: a field of one of their objects is another field manager's, who edited or applied it (`kubectl get -o yaml --show-managed-fields` tells which). Set it to what the model says, or delete the instance: another takes its place."),
        });
        let lacks_a_way_out = ask.mode == OrchestrationMode::Flexible && publics(&ask.model.network).next().is_none();
        let advice = lacks_a_way_out.then(|| Advice {
            condition: "OutboundConnectivityMissing",
            reason: "NoExplicitOutboundMethod",
            message: "Instances of a Flexible scale set reach the Internet only by an explicit method. Add a publicIPAddressConfiguration; NAT gateways and load balancers are not modelled yet.".to_owned(),
        });
        advice.into_iter().chain(keeps_older).collect()
    }
}

impl Programmed<VirtualMachineScaleSet> {
    /// The model of a revision; the latest where it is not known.
    pub fn model(&self, revision: u64) -> &Arc<Model> {
        self.held.models.get(&revision).unwrap_or(&self.ask.model)
    }

    /// The network of an instance: its own, or that of its model.
    pub fn network(&self, instance: &Instance) -> Arc<[NicModel]> {
        instance.network.clone().unwrap_or_else(|| self.model(instance.revision).network.clone())
    }
}

impl Engine {
    /// Keeps up the accepted state of a set whose put was refused: replaces an instance that has gone, and continues an
    /// upgrade. Returns the refusal if the accepted state cannot be met.
    pub fn keep_up(&mut self, set: &Name) -> Option<Refusal> {
        let Programmed { uid, generation, placement, common, ask, .. } = self.get::<VirtualMachineScaleSet>(set)?;
        let (uid, default, common, ask) = (uid.clone(), placement.clone(), common.clone(), ask.clone());
        let request = Request { uid, generation: *generation, location: None, default, common, ask };
        match self.check(set, request) {
            Ok(change) => {
                self.commit(set, change);
                self.reconcile_reservations();
                None
            }
            Err(refusal) => Some(refusal),
        }
    }

    /// An instance of a set has gone before its object was carried; its id is not used again (S-27).
    pub fn drop_instance(&mut self, set: &Name, id: u64) {
        if self.get::<VirtualMachineScaleSet>(set).is_some_and(|set| set.held.instances.contains_key(&id)) {
            release_instance(self, set, id);
            forget_what_is_unused(self, set);
            self.reconcile_reservations();
            self.touch_members(Kind::VirtualMachineScaleSet, set);
        }
    }

    /// Records what keeps an instance of a set from becoming what it is to be, or that nothing does.
    pub fn note_obstacle(&mut self, set: &Name, id: u64, obstacle: Option<Obstacle>) {
        let Some(programmed) = self.get_mut::<VirtualMachineScaleSet>(set) else { return };
        let before = match obstacle.clone() {
            Some(obstacle) => programmed.held.obstacles.insert(id, obstacle),
            None => programmed.held.obstacles.remove(&id),
        };
        if before != obstacle {
            demand::reserve(self, set, [id]);
            continue_rollout(self, set);
            self.reconcile_reservations();
            self.touch(Kind::VirtualMachineScaleSet, set);
        }
    }

    /// Restores the model that an instance of a Flexible set is on its way to: an object of it was written from it. While
    /// nothing is, an instance that keeps an older model is on its way to the latest.
    pub fn restore_target(&mut self, set: &Name, id: u64, written: Option<u64>) {
        let flexible = |set: &&mut Programmed<VirtualMachineScaleSet>| set.ask.mode == OrchestrationMode::Flexible;
        let Some(programmed) = self.get_mut::<VirtualMachineScaleSet>(set).filter(flexible) else { return };
        let Some(instance) = programmed.held.instances.get(&id).cloned() else { return };
        let latest = programmed.held.revision;
        let written = written.map_or(instance.target, |written| written.min(latest).max(instance.target));
        let keeps_older = programmed.held.obstacles.get(&id) == Some(&Obstacle::TakenOver);
        let target = if keeps_older && written == instance.revision { latest } else { written };
        programmed.restore_instance(id, Instance { target, ..instance });
    }

    /// Restores a model that instances of a set may have; called for every revision that is remembered.
    pub fn restore_model(&mut self, set: &Name, revision: u64, model: Model) {
        let programmed = self.get::<VirtualMachineScaleSet>(set);
        if programmed.is_some_and(|set| revision < set.held.revision) && names_are_unique(&model.network) {
            self.change_held::<VirtualMachineScaleSet>(set, |programmed| {
                programmed.held.models.insert(revision, Arc::new(model));
            });
            index_labels(self, set);
        }
    }
}
