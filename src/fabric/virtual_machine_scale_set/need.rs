//! What instances need beyond what they hold: addresses of pools, and what quotas count; and what Flexible sets will need
//! for instances whose objects are still to be made or written.

use std::collections::BTreeMap;

use super::{
    ConfigurationModel, Instance, InstanceName, NicModel, Obstacle, OrchestrationMode, VirtualMachineScaleSet,
};
use crate::fabric::engine::Engine;
use crate::fabric::id::{Name, Placement};
use crate::fabric::ipam::PoolId;
use crate::fabric::network_interface::{self, NetworkInterface};
use crate::fabric::public_ip_address::PublicIPAddress;
use crate::fabric::quota::Quota;
use crate::fabric::resource::{Programmed, Resource};
use crate::fabric::terms::{AllocationMethod, IpVersion};
use crate::fabric::violation::WaitKey;
use crate::fabric::virtual_machine::{Disruption, PowerWish, VirtualMachine};

/// What is needed beyond what is held.
#[derive(Debug, Default)]
pub struct Need {
    /// Addresses, by pool.
    pub pools: BTreeMap<PoolId, u64>,
    /// How many of them are Dynamic public ones, which an instance takes when it starts (PIP-05).
    pub dynamic: u64,
    /// What quotas count.
    pub quotas: BTreeMap<Quota, u64>,
}

/// An instance, and the network that it is to have.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// The instance.
    pub this: InstanceName<'a>,
    /// How its parts are kept.
    pub mode: OrchestrationMode,
    /// Where they are.
    pub placement: &'a Placement,
    /// The network that it is to have.
    pub network: &'a [NicModel],
    /// The power state that is wished for it.
    pub power: Option<PowerWish>,
}

impl Wanted<'_> {
    /// Whether it takes Dynamic public addresses (PIP-05).
    fn runs(&self, engine: &Engine) -> bool {
        let name = self.this.vm_in(self.mode);
        let vm = engine.get::<VirtualMachine>(&name);
        let wish = match self.mode {
            OrchestrationMode::Uniform => self.power,
            OrchestrationMode::Flexible => vm.and_then(|vm| vm.ask.power),
        };
        let makes_way = vm.is_some_and(|vm| vm.ask.disruption == Disruption::Deallocate);
        engine.takes_addresses(&name, wish, makes_way && self.edit_deallocates(engine, &name))
    }

    /// Whether its machine has to be deallocated to have this network (S-38).
    fn edit_deallocates(&self, engine: &Engine, vm: &Name) -> bool {
        let nics: Vec<Name> = self.network.iter().map(|nic| self.this.nic_in(self.mode, &nic.name)).collect();
        let deallocates = |(name, asked): (&Name, &NicModel)| {
            let nic = engine.get::<NetworkInterface>(name);
            nic.is_some_and(|nic| network_interface::edit_needs_deallocated(nic, &self.this.nic_ask(asked)))
        };
        !engine.has_attached(vm, &nics) || nics.iter().zip(self.network).any(deallocates)
    }
}

impl Need {
    /// True if nothing is needed.
    pub fn is_empty(&self) -> bool {
        self.pools.is_empty() && self.quotas.is_empty()
    }

    /// Adds all that another needs.
    pub(super) fn add_all(&mut self, other: Self) {
        other.pools.into_iter().for_each(|(pool, count)| add(&mut self.pools, pool, count));
        other.quotas.into_iter().for_each(|(quota, count)| add(&mut self.quotas, quota, count));
        self.dynamic += other.dynamic;
    }

    /// Takes off what another has for it.
    pub(super) fn take_off(&mut self, other: &Self) {
        take_off(&mut self.pools, &other.pools);
        take_off(&mut self.quotas, &other.quotas);
        self.dynamic = self.dynamic.saturating_sub(other.dynamic);
    }

    /// Wakes who waits for what is needed here: it is given up.
    pub(super) fn release(self, engine: &mut Engine) {
        self.pools.into_keys().for_each(|pool| engine.free(WaitKey::Capacity(pool)));
        self.quotas.into_keys().for_each(|quota| engine.free(WaitKey::Quota(quota)));
    }

    /// Adds what an instance needs beyond what it holds; a new one may find what an earlier one of its name has left.
    pub fn add(&mut self, engine: &Engine, wanted: &Wanted<'_>) {
        for nic in wanted.network {
            self.add_nic(engine, wanted, nic);
        }
        let runs = wanted.runs(engine);
        for (public, ask) in wanted.this.public_asks_in(wanted.mode, wanted.network) {
            let held = engine.get::<PublicIPAddress>(&public);
            let counted = held.map(|held| held.ask.counts(&held.placement)).unwrap_or_default();
            for quota in ask.counts(wanted.placement).into_iter().filter(|quota| !counted.contains(quota)) {
                add(&mut self.quotas, quota, 1);
            }
            let is_had = held.is_some_and(|held| {
                held.held.address.is_some() && (held.ask.sku, held.ask.pool()) == (ask.sku, ask.pool())
            });
            let is_dynamic = ask.method == AllocationMethod::Dynamic;
            if !is_had && (runs || !is_dynamic) {
                add(&mut self.pools, ask.pool(), 1);
                self.dynamic += u64::from(is_dynamic);
            }
        }
    }

    fn add_nic(&mut self, engine: &Engine, wanted: &Wanted<'_>, nic: &NicModel) {
        let held = engine.get::<NetworkInterface>(&wanted.this.nic_in(wanted.mode, &nic.name));
        if held.is_none() {
            for quota in wanted.this.nic_ask(nic).counts(wanted.placement) {
                add(&mut self.quotas, quota, 1);
            }
        }
        let here = held.filter(|held| held.ask.subnet == nic.subnet);
        let mut served: usize = 0;
        for version in IpVersion::ALL {
            let pool = PoolId::of_subnet(&nic.subnet, version);
            if engine.pool(&pool).is_none() {
                continue; // it takes no address of this version (S-20)
            }
            let asked = nic.configurations.iter().filter(|configuration| configuration.version == version);
            served += asked.clone().count();
            let has = |asked: &&ConfigurationModel| {
                let held = here.and_then(|here| here.held.addresses.get(&asked.name));
                held.is_some_and(|held| IpVersion::of(held) == version)
            };
            let lacking = asked.filter(|asked| !has(asked)).count();
            add(&mut self.pools, pool, u64::try_from(lacking).unwrap_or(u64::MAX));
        }
        // Of one virtual network, and what is given up in it is no more (ADDR-14).
        let more = served.saturating_sub(held.map_or(0, |held| held.held.addresses.len()));
        if let Some(home) = engine.network_of(&nic.subnet).cloned() {
            add(&mut self.quotas, Quota::PrivateAddresses(home), u64::try_from(more).unwrap_or(u64::MAX));
        }
    }

    /// What Flexible sets other than this one will need for what they have been promised.
    pub fn of_others(engine: &Engine, set: &Name) -> Self {
        let mut need = Self::default();
        let is_promised = |other: &Programmed<VirtualMachineScaleSet>| other.ask.mode == OrchestrationMode::Flexible;
        let others = engine.all::<VirtualMachineScaleSet>().filter(|(name, other)| *name != set && is_promised(other));
        for (name, other) in others {
            for id in other.pending() {
                need.add_pending(engine, name, other, id);
            }
        }
        need
    }

    /// Adds what an instance whose objects are still to be made or written needs for the model that it is to have.
    pub fn add_pending(&mut self, engine: &Engine, name: &Name, set: &Programmed<VirtualMachineScaleSet>, id: u64) {
        let Some(instance) = set.held.instances.get(&id) else { return };
        let network = &set.model(instance.target).network;
        let this = InstanceName { set: name, id };
        let wanted = Wanted { this, mode: set.ask.mode, placement: &set.placement, network, power: instance.power };
        self.add(engine, &wanted);
    }
}

impl Programmed<VirtualMachineScaleSet> {
    /// The instances of a Flexible set whose objects are still to be made, or to be written from another model.
    pub fn pending(&self) -> impl Iterator<Item = u64> {
        self.held.instances.iter().filter(|(id, instance)| self.is_pending(**id, instance)).map(|(id, _)| *id)
    }

    pub(super) fn is_pending(&self, id: u64, instance: &Instance) -> bool {
        self.ask.mode == OrchestrationMode::Flexible
            && instance.revision < instance.target
            && self.held.obstacles.get(&id) != Some(&Obstacle::TakenOver)
    }
}

/// Gives up what an instance of a Flexible set was promised and has not taken, Dynamic addresses of a machine that has just been
/// deallocated included.
pub(super) fn release_promised(engine: &mut Engine, name: &Name, id: u64) {
    let Some(set) = engine.get::<VirtualMachineScaleSet>(name) else { return };
    let Some(instance) = set.held.instances.get(&id).filter(|instance| set.is_pending(id, instance)) else { return };
    let mut need = Need::default();
    need.add_pending(engine, name, set, id);
    let publics = InstanceName { set: name, id }.public_asks(&set.model(instance.target).network);
    publics.iter().for_each(|(_, ask)| add(&mut need.pools, ask.pool(), 1));
    need.release(engine);
}

fn add<K: Ord>(all: &mut BTreeMap<K, u64>, key: K, count: u64) {
    if count > 0 {
        *all.entry(key).or_default() += count;
    }
}

fn take_off<K: Ord>(all: &mut BTreeMap<K, u64>, other: &BTreeMap<K, u64>) {
    all.retain(|key, count| {
        *count = count.saturating_sub(other.get(key).copied().unwrap_or(0));
        *count > 0
    });
}
