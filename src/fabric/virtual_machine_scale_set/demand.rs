//! What instances need beyond what they hold: addresses of pools, and what quotas count; and what is reserved of that for
//! instances of Flexible sets whose objects are still to be made or written.

use std::collections::BTreeMap;

use super::{
    ConfigurationModel, Instance, InstanceName, NicModel, Obstacle, OrchestrationMode, VirtualMachineScaleSet,
};
use crate::fabric::engine::Engine;
use crate::fabric::id::{Kind, Name, ObjectId, Placement};
use crate::fabric::ipam::PoolId;
use crate::fabric::ledger::{Lacking, Owner};
use crate::fabric::network_interface::{self, NetworkInterface};
use crate::fabric::public_ip_address::PublicIPAddress;
use crate::fabric::quota::Quota;
use crate::fabric::resource::{Programmed, Resource};
use crate::fabric::terms::{AllocationMethod, IpVersion};
use crate::fabric::virtual_machine::{DesiredPowerState, Disruption, VirtualMachine};

/// What is needed beyond what is held.
#[derive(Debug, Default)]
pub struct Demand {
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
    /// Its desired power state.
    pub power: Option<DesiredPowerState>,
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

    /// The objects of the instance but its machine, and what each of them lacks.
    fn objects(&self, engine: &Engine) -> Vec<(ObjectId, Lacking)> {
        let nics = self.network.iter().map(|nic| {
            let name = self.this.nic_in(self.mode, &nic.name);
            let lacking = self.nic(engine, &name, nic);
            (ObjectId::new(Kind::NetworkInterface, name), lacking)
        });
        let publics = self.publics(engine).into_iter();
        let publics = publics.map(|(name, _, lacking)| (ObjectId::new(Kind::PublicIPAddress, name), lacking));
        nics.chain(publics).collect()
    }

    fn nic(&self, engine: &Engine, name: &Name, nic: &NicModel) -> Lacking {
        let mut lacking = Lacking::default();
        let held = engine.get::<NetworkInterface>(name);
        if held.is_none() {
            for quota in self.this.nic_ask(nic).counts(self.placement) {
                add(&mut lacking.quotas, quota, 1);
            }
        }
        let here = held.filter(|held| held.ask.subnet == nic.interface.subnet);
        let mut served: usize = 0;
        for version in IpVersion::ALL {
            let pool = PoolId::of_subnet(&nic.interface.subnet, version);
            if engine.pool(&pool).is_none() {
                continue; // it takes no address of this version (S-20)
            }
            let asked = nic.interface.configurations.iter().filter(|configuration| configuration.version == version);
            served += asked.clone().count();
            let has = |asked: &&ConfigurationModel| {
                let held = here.and_then(|here| here.held.addresses.get(&asked.name));
                held.is_some_and(|held| IpVersion::of(held) == version)
            };
            lacking.addresses.extend(asked.filter(|asked| !has(asked)).map(|asked| (asked.name.clone(), pool.clone())));
        }
        // Of one virtual network, and what is given up in it is no more (ADDR-14).
        let more = served.saturating_sub(held.map_or(0, |held| held.held.addresses.len()));
        if let Some(home) = engine.network_of(&nic.interface.subnet).cloned() {
            add(&mut lacking.quotas, Quota::PrivateAddresses(home), u64::try_from(more).unwrap_or(u64::MAX));
        }
        lacking
    }

    fn publics(&self, engine: &Engine) -> Vec<(Name, PublicIPAddress, Lacking)> {
        let asks = self.this.public_asks_in(self.mode, self.network);
        if asks.is_empty() {
            return Vec::new();
        }
        let runs = self.runs(engine);
        let lacking = |name: &Name, ask: &PublicIPAddress| {
            let mut lacking = Lacking::default();
            let held = engine.get::<PublicIPAddress>(name);
            let counted = held.map(|held| held.ask.counts(&held.placement)).unwrap_or_default();
            for quota in ask.counts(self.placement).into_iter().filter(|quota| !counted.contains(quota)) {
                add(&mut lacking.quotas, quota, 1);
            }
            let is_had = held.is_some_and(|held| {
                held.held.address.is_some() && (held.ask.sku, held.ask.pool()) == (ask.sku, ask.pool())
            });
            if !is_had && (runs || ask.method == AllocationMethod::Static) {
                lacking.addresses.push(("".into(), ask.pool()));
            }
            lacking
        };
        let asks = asks.into_iter().map(|(name, ask)| {
            let lacking = lacking(&name, &ask);
            (name, ask, lacking)
        });
        asks.collect()
    }
}

impl Demand {
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

    /// Adds what an instance needs beyond what it holds; a new one may find what an earlier one of its name has left.
    pub fn add(&mut self, engine: &Engine, wanted: &Wanted<'_>) {
        for nic in wanted.network {
            self.add_lacking(wanted.nic(engine, &wanted.this.nic_in(wanted.mode, &nic.name), nic));
        }
        for (_, ask, lacking) in wanted.publics(engine) {
            if ask.method == AllocationMethod::Dynamic {
                self.dynamic += u64::try_from(lacking.addresses.len()).unwrap_or(u64::MAX);
            }
            self.add_lacking(lacking);
        }
    }

    fn add_lacking(&mut self, lacking: Lacking) {
        lacking.addresses.into_iter().for_each(|(_, pool)| add(&mut self.pools, pool, 1));
        lacking.quotas.into_iter().for_each(|(quota, count)| add(&mut self.quotas, quota, count));
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

/// Reserves what the objects of instances of a Flexible set lack for the model that they are to have, in this order, and
/// releases what they lack no longer (S-90).
pub(in crate::fabric) fn reserve(engine: &mut Engine, name: &Name, ids: impl IntoIterator<Item = u64>) {
    let lacking = ids.into_iter().map(|id| (Owner::instance(name, id), pending_objects(engine, name, id)));
    let lacking: Vec<_> = lacking.collect();
    engine.reserve(lacking);
}

/// The objects of an instance that are still to be made or written, and what they lack; none if there are no such.
pub(in crate::fabric) fn pending_objects(engine: &Engine, name: &Name, id: u64) -> Vec<(ObjectId, Lacking)> {
    let Some(set) = engine.get::<VirtualMachineScaleSet>(name) else { return Vec::new() };
    let Some(instance) = set.held.instances.get(&id).filter(|instance| set.is_pending(id, instance)) else {
        return Vec::new();
    };
    let network = &set.model(instance.target).network;
    let this = InstanceName { set: name, id };
    let wanted = Wanted { this, mode: set.ask.mode, placement: &set.placement, network, power: instance.power };
    let mut objects = wanted.objects(engine);
    objects.push((ObjectId::new(Kind::VirtualMachine, this.object()), Lacking::default()));
    objects
}

/// A subnet or public prefix has another pool: instances whose model names it may lack more of it, or less.
pub(in crate::fabric) fn on_pool_changed(engine: &mut Engine, named: &ObjectId) {
    for (set, id) in pending_in(engine, named) {
        reserve(engine, &set, [id]);
    }
}

/// The instances whose objects are still to be made or written, of the sets whose models name this.
fn pending_in(engine: &Engine, named: &ObjectId) -> Vec<(Name, u64)> {
    let sets = engine.referrers(named, Kind::VirtualMachineScaleSet).iter();
    let sets = sets.filter_map(|name| Some((name, engine.get::<VirtualMachineScaleSet>(name)?)));
    sets.flat_map(|(name, set)| set.pending().map(|id| (name.clone(), id))).collect()
}

/// How many IPv6 configurations the network interfaces in a subnet will have that they do not have yet.
pub(in crate::fabric) fn coming_ipv6(engine: &Engine, subnet: &Name) -> usize {
    let ipv6 = |versions: &mut dyn Iterator<Item = IpVersion>| versions.filter(|v| *v == IpVersion::IPv6).count();
    let coming = |(name, id): (Name, u64)| {
        let set = engine.get::<VirtualMachineScaleSet>(&name)?;
        let network = &set.model(set.held.instances.get(&id)?.target).network;
        let nics = network.iter().filter(|nic| nic.interface.subnet == *subnet).map(|nic| {
            let there = InstanceName { set: &name, id }.nic_object(&nic.name);
            let there = engine.get::<NetworkInterface>(&there).filter(|there| there.ask.subnet == *subnet);
            let has = there.map_or(0, |there| ipv6(&mut there.ask.configurations.iter().map(|asked| asked.version)));
            ipv6(&mut nic.interface.configurations.iter().map(|asked| asked.version)).saturating_sub(has)
        });
        Some(nics.sum::<usize>())
    };
    pending_in(engine, &ObjectId::new(Kind::Subnet, subnet.clone())).into_iter().filter_map(coming).sum()
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
