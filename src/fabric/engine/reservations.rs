//! Reservations for objects that scale sets are still to make: the ledger, and the pools that its addresses are marked in.

use super::Engine;
use crate::fabric::id::{Kind, Name, ObjectId};
use crate::fabric::ipam::PoolId;
use crate::fabric::ledger::{Lacking, Owner};
use crate::fabric::quota::Quota;
use crate::fabric::violation::WaitKey;
use crate::fabric::virtual_machine_scale_set;

impl Engine {
    /// An object has changed: what is reserved for its instance, if it is one's, is to be compared with what that lacks.
    pub(super) fn mark_unreconciled(&mut self, object: &ObjectId) {
        if let Some(owner) = self.ledger.owner_of(object) {
            self.unreconciled.insert(owner.clone());
        }
    }

    /// An instance is restored: what its objects lack is reserved when all that others hold is restored, too.
    pub(in crate::fabric) fn mark_restored(&mut self, owner: Owner) {
        self.unreconciled.insert(owner);
    }

    /// Brings what is reserved in line with what objects have taken.
    pub(in crate::fabric) fn reconcile_reservations(&mut self) {
        while let Some(owner) = self.unreconciled.pop_first() {
            match owner {
                Owner::Instance { set, id } => virtual_machine_scale_set::reserve(self, &set, [id]),
            }
        }
    }

    /// Reserves what the objects of instances lack, the lowest free addresses in order, when all that is lacking no longer is
    /// released.
    pub(in crate::fabric) fn reserve(&mut self, lacking: impl IntoIterator<Item = (Owner, Vec<(ObjectId, Lacking)>)>) {
        let mut open = Vec::new();
        for (owner, lacking) in lacking {
            let (released, slots) = self.ledger.set(&owner, lacking);
            for (pool, address) in released.addresses {
                self.release_reserved(&pool, address);
            }
            released.quotas.into_iter().for_each(|quota| self.wake(WaitKey::Quota(quota)));
            open.extend(slots);
        }
        for slot in open {
            let pool = self.pools.get_mut(&slot.2);
            let lowest =
                pool.and_then(|pool| pool.lowest_free(1, &[]).first().copied().filter(|one| pool.reserve(*one)));
            if let Some(address) = lowest {
                self.ledger.assign(&slot, address);
                self.touch_pool(&slot.2);
            }
        }
    }

    fn release_reserved(&mut self, pool: &PoolId, address: std::net::IpAddr) {
        if self.pools.get_mut(pool).is_some_and(|pool| pool.release(address)) {
            self.wake(WaitKey::Capacity(pool.clone()));
        }
        if let PoolId::SubnetIPv4(subnet) | PoolId::SubnetIPv6(subnet) = pool {
            self.wake(WaitKey::Address(subnet.clone(), address));
        }
        self.touch_pool(pool);
    }

    fn touch_pool(&mut self, pool: &PoolId) {
        if let PoolId::SubnetIPv4(subnet) | PoolId::SubnetIPv6(subnet) = pool {
            self.touch_members(Kind::Subnet, subnet);
        }
    }

    /// An object takes an address that is reserved for it; its pool has it marked. False if it is not.
    pub(in crate::fabric) fn take_reserved(
        &mut self,
        object: &ObjectId,
        pool: &PoolId,
        address: std::net::IpAddr,
    ) -> bool {
        let is_taken = self.ledger.take(object, pool, address);
        if let PoolId::SubnetIPv4(subnet) | PoolId::SubnetIPv6(subnet) = pool
            && is_taken
        {
            self.wake(WaitKey::Address(subnet.clone(), address)); // another holds it now
        }
        is_taken
    }

    /// True if `count` more are allowed beside what is reserved for others; `own` of what is reserved is for the requester.
    pub(in crate::fabric) fn has_left_beside(&self, quota: &Quota, count: u64, own: u64) -> bool {
        count <= own || self.has_left(quota, count - own)
    }

    /// How much of a quota is reserved for an object.
    pub(in crate::fabric) fn reserved_quota(&self, kind: Kind, name: &Name, quota: &Quota) -> u64 {
        self.ledger.quota_of(&ObjectId::new(kind, name.clone()), quota)
    }
}
