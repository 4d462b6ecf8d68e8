//! The ledger of reservations: addresses and items of quotas that are set aside for objects which are still to be made or
//! written, such as those of instances of Flexible scale sets (S-90).
//!
//! A set reserves by its put, what an object takes is no longer reserved, and what is not needed any more is released.
//! Reserving is idempotent, and the totals are kept: no walk through the sets is needed to know what is reserved for others.

#[cfg(test)]
mod tests;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use super::id::{Kind, Name, ObjectId};
use super::ipam::PoolId;
use super::quota::Quota;

/// What addresses and items of quotas are reserved for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// The objects of an instance.
    Instance {
        /// The scale set.
        set: Name,
        /// The instance's id.
        id: u64,
    },
}

impl Owner {
    /// The instance of this id of a scale set.
    pub fn instance(set: &Name, id: u64) -> Self {
        Self::Instance { set: set.clone(), id }
    }

    /// The object whose put reserves, and releases.
    pub fn object(&self) -> ObjectId {
        match self {
            Self::Instance { set, .. } => ObjectId::new(Kind::VirtualMachineScaleSet, set.clone()),
        }
    }

    fn is_of_set(&self, name: &Name) -> bool {
        match self {
            Self::Instance { set, .. } => set == name,
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instance { id, .. } => write!(f, "instance {id} of {}", self.object()),
        }
    }
}

/// What one object lacks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lacking {
    /// The pools of the addresses, with the name of the configuration, which a public address has none of; in the order in
    /// which addresses are given.
    pub addresses: Vec<(Arc<str>, PoolId)>,
    /// What quotas count.
    pub quotas: BTreeMap<Quota, u64>,
}

/// What is reserved for one object.
#[derive(Clone, Debug, PartialEq)]
struct Reserved {
    owner: Owner,
    /// By the name of the configuration; without an address where the pool had none.
    addresses: BTreeMap<Arc<str>, (PoolId, Option<IpAddr>)>,
    quotas: BTreeMap<Quota, u64>,
}

/// What is no longer reserved.
#[derive(Debug, Default, PartialEq)]
pub struct Released {
    /// Addresses.
    pub addresses: Vec<(PoolId, IpAddr)>,
    /// What quotas count.
    pub quotas: BTreeSet<Quota>,
}

/// An address that is to be reserved: of which object and configuration, and the pool.
pub type Slot = (ObjectId, Arc<str>, PoolId);

/// The reservations.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ledger {
    objects: BTreeMap<ObjectId, Reserved>,
    // Derived, for look-ups that must not scan.
    by_owner: BTreeMap<Owner, BTreeSet<ObjectId>>,
    by_address: BTreeMap<(PoolId, IpAddr), ObjectId>,
    quotas: BTreeMap<Quota, u64>,
}

impl Ledger {
    /// From now on the owner's objects are these, in order, and lack this. What they lack no longer is released; what they
    /// lack from now on is returned, to be [`assigned`](Self::assign) addresses. Where there is none then, the object takes
    /// one by itself when it is made.
    pub fn set(&mut self, owner: &Owner, lacking: Vec<(ObjectId, Lacking)>) -> (Released, Vec<Slot>) {
        let (mut released, mut wanted) = (Released::default(), Vec::new());
        let kept: BTreeSet<&ObjectId> = lacking.iter().map(|(object, _)| object).collect();
        let objects = self.by_owner.get(owner).into_iter().flatten();
        let gone: Vec<ObjectId> = objects.filter(|object| !kept.contains(object)).cloned().collect();
        for object in gone {
            self.put(&object, owner, &Lacking::default(), &mut released);
            self.objects.remove(&object);
            self.leave(owner, &object);
        }
        for (object, lacking) in lacking {
            let another = self.objects.get(&object).is_some_and(|reserved| reserved.owner != *owner);
            if another {
                continue; // two sets whose objects have one name: the first one has it (S-29)
            }
            wanted.extend(self.put(&object, owner, &lacking, &mut released));
        }
        (released, wanted)
    }

    /// Returns what is lacking from now on.
    fn put(&mut self, object: &ObjectId, owner: &Owner, lacking: &Lacking, released: &mut Released) -> Vec<Slot> {
        let empty = Reserved { owner: owner.clone(), addresses: BTreeMap::new(), quotas: BTreeMap::new() };
        let before = self.objects.remove(object).unwrap_or(empty);
        let mut addresses = before.addresses;
        let is_lacked = |slot: &str, pool: &PoolId| lacking.addresses.iter().any(|(s, p)| **s == *slot && p == pool);
        let stale = addresses.extract_if(.., |slot, (pool, _)| !is_lacked(slot, pool));
        for (_, (pool, address)) in stale {
            if let Some(address) = address {
                self.by_address.remove(&(pool.clone(), address));
                released.addresses.push((pool, address));
            }
        }
        let mut new = Vec::new();
        for (slot, pool) in &lacking.addresses {
            if let Entry::Vacant(vacant) = addresses.entry(slot.clone()) {
                vacant.insert((pool.clone(), None));
                new.push((object.clone(), slot.clone(), pool.clone()));
            }
        }
        for (quota, count) in &lacking.quotas {
            *self.quotas.entry(quota.clone()).or_default() += count;
        }
        for (quota, count) in &before.quotas {
            if lacking.quotas.get(quota).is_none_or(|after| after < count) {
                released.quotas.insert(quota.clone());
            }
            let total = self.total(quota).saturating_sub(*count);
            match total {
                0 => self.quotas.remove(quota),
                left => self.quotas.insert(quota.clone(), left),
            };
        }
        self.by_owner.entry(owner.clone()).or_default().insert(object.clone());
        let quotas = lacking.quotas.clone();
        self.objects.insert(object.clone(), Reserved { owner: owner.clone(), addresses, quotas });
        new
    }

    fn leave(&mut self, owner: &Owner, object: &ObjectId) {
        if let Some(objects) = self.by_owner.get_mut(owner) {
            objects.remove(object);
            if objects.is_empty() {
                self.by_owner.remove(owner);
            }
        }
    }

    /// Reserves this address for a slot that lacks one.
    pub fn assign(&mut self, (object, slot, pool): &Slot, address: IpAddr) {
        let reserved = self.objects.get_mut(object).and_then(|reserved| reserved.addresses.get_mut(slot));
        if let Some((_, open)) = reserved.filter(|(of, open)| of == pool && open.is_none()) {
            *open = Some(address);
            self.by_address.insert((pool.clone(), address), object.clone());
        }
    }

    /// The object takes an address that is reserved for it. False if it is not.
    pub fn take(&mut self, object: &ObjectId, pool: &PoolId, address: IpAddr) -> bool {
        let key = (pool.clone(), address);
        if self.by_address.get(&key) != Some(object) {
            return false;
        }
        self.by_address.remove(&key);
        if let Some(reserved) = self.objects.get_mut(object) {
            reserved.addresses.retain(|_, (of, reserved)| of != pool || *reserved != Some(address));
        }
        true
    }

    /// The instance whose object this is, if that is still to be made or written.
    pub fn owner_of(&self, object: &ObjectId) -> Option<&Owner> {
        self.objects.get(object).map(|reserved| &reserved.owner)
    }

    /// The object for which an address is reserved, and its owner.
    pub fn holder(&self, pool: &PoolId, address: IpAddr) -> Option<(&ObjectId, &Owner)> {
        let object = self.by_address.get(&(pool.clone(), address))?;
        Some((object, self.owner_of(object)?))
    }

    /// The address that is reserved for a configuration of an object, or for a public address.
    pub fn address_of(&self, object: &ObjectId, slot: &str, pool: &PoolId) -> Option<IpAddr> {
        let (of, address) = self.objects.get(object)?.addresses.get(slot)?;
        address.filter(|_| of == pool)
    }

    /// The addresses of a pool that are reserved for an object.
    pub fn addresses_of<'a>(&'a self, object: &ObjectId, pool: &'a PoolId) -> impl Iterator<Item = IpAddr> + 'a {
        let reserved = self.objects.get(object).into_iter().flat_map(|reserved| reserved.addresses.values());
        reserved.filter(move |(of, _)| of == pool).filter_map(|(_, address)| *address)
    }

    /// The addresses of a pool that are reserved.
    pub fn addresses_in<'a>(&'a self, pool: &PoolId) -> impl Iterator<Item = (IpAddr, &'a Owner)> + use<'a> {
        let lowest: IpAddr = std::net::Ipv4Addr::UNSPECIFIED.into();
        let pool = pool.clone();
        let rest = self.by_address.range((pool.clone(), lowest)..).take_while(move |((of, _), _)| *of == pool);
        rest.filter_map(|((_, address), object)| Some((*address, self.owner_of(object)?)))
    }

    /// How much of a quota is reserved.
    pub fn total(&self, quota: &Quota) -> u64 {
        self.quotas.get(quota).copied().unwrap_or(0)
    }

    /// How much of a quota is reserved for an object.
    pub fn quota_of(&self, object: &ObjectId, quota: &Quota) -> u64 {
        self.objects.get(object).and_then(|reserved| reserved.quotas.get(quota)).copied().unwrap_or(0)
    }

    /// How many addresses of each pool, and how much of each quota, are reserved for the instances of a set.
    pub fn of_set(&self, set: &Name) -> (BTreeMap<PoolId, u64>, BTreeMap<Quota, u64>) {
        let (mut pools, mut quotas) = (BTreeMap::new(), BTreeMap::new());
        let all = self.by_owner.range(Owner::instance(set, 0)..);
        let objects = all.take_while(|(owner, _)| owner.is_of_set(set)).flat_map(|(_, objects)| objects);
        for reserved in objects.filter_map(|object| self.objects.get(object)) {
            for (pool, _) in reserved.addresses.values().filter(|(_, address)| address.is_some()) {
                *pools.entry(pool.clone()).or_default() += 1;
            }
            for (quota, count) in &reserved.quotas {
                *quotas.entry(quota.clone()).or_default() += count;
            }
        }
        (pools, quotas)
    }
}
