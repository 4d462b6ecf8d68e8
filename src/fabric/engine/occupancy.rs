//! How full pools of addresses are.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::Engine;
use crate::fabric::id::Name;
use crate::fabric::ipam::{Pool, PoolId};

/// The addresses of a pool, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Occupancy {
    /// The number of addresses that are allocated.
    pub allocated: u64,
    /// The number of addresses that can still be allocated.
    pub available: u64,
}

/// The IPv4 addresses of a subnet, counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubnetOccupancy {
    /// The subnet.
    pub subnet: Name,
    /// Its addresses.
    pub addresses: Occupancy,
}

impl Occupancy {
    fn of(pool: &Pool) -> Self {
        Self { allocated: pool.allocated(), available: pool.available() }
    }

    /// What is allocated, of 2^64. Where nothing can be allocated at all, that is everything.
    fn fullness(self) -> u128 {
        let all = u128::from(self.allocated) + u128::from(self.available);
        (u128::from(self.allocated) << 64).checked_div(all).unwrap_or(1 << 64)
    }
}

impl Engine {
    /// The fullest subnets, at most `count` of them and the fullest first; among equals, in the order of their names.
    pub fn fullest_subnets(&self, count: usize) -> Vec<SubnetOccupancy> {
        let mut fullest = BTreeSet::new();
        for (id, pool) in &self.pools {
            // They are the first pools.
            let PoolId::SubnetIPv4(subnet) = id else { break };
            let one = (Occupancy::of(pool).fullness(), Reverse(subnet));
            if fullest.len() >= count {
                // Most are less full than the least of them.
                if fullest.first().is_none_or(|least| one < *least) {
                    continue;
                }
                fullest.pop_first();
            }
            fullest.insert(one);
        }
        let subnets = fullest.into_iter().rev().map(|(_, Reverse(subnet))| subnet);
        subnets.map(|subnet| SubnetOccupancy { subnet: subnet.clone(), addresses: self.occupancy_of(subnet) }).collect()
    }

    /// The platform's public IPv4 addresses.
    pub fn public_occupancy(&self) -> Occupancy {
        self.pools.get(&PoolId::Public).map(Occupancy::of).unwrap_or_default()
    }

    fn occupancy_of(&self, subnet: &Name) -> Occupancy {
        self.pools.get(&PoolId::SubnetIPv4(subnet.clone())).map(Occupancy::of).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabric::testing::{a_fabric, a_nic, a_subnet, named};

    fn names(engine: &Engine, count: usize) -> Vec<Name> {
        engine.fullest_subnets(count).into_iter().map(|one| one.subnet).collect()
    }

    #[test]
    fn the_fullest_subnets_are_those_with_the_largest_share_of_their_addresses_allocated() {
        let fabric = a_fabric()
            .with(a_subnet("empty", "10.0.1.0/24"))
            .with(a_subnet("large", "10.1.0.0/16"))
            .with(a_subnet("small", "10.0.2.0/29"))
            .with(a_nic("a").subnet("large"))
            .with(a_nic("b").subnet("large"))
            .with(a_nic("c").subnet("small"));
        assert_eq!(names(&fabric.engine, 100), [named("small"), named("large"), named("empty")]);
        assert_eq!(names(&fabric.engine, 2), [named("small"), named("large")]);
        let addresses = fabric.engine.fullest_subnets(1).first().map(|one| one.addresses);
        assert_eq!(addresses, Some(Occupancy { allocated: 1, available: 2 }));
    }

    #[test]
    fn subnets_that_are_equally_full_come_in_the_order_of_their_names() {
        let fabric = a_fabric().with(a_subnet("b", "10.0.1.0/24")).with(a_subnet("a", "10.0.2.0/24"));
        assert_eq!(names(&fabric.engine, 1), [named("a")]);
    }

    #[test]
    fn the_public_pool_is_counted_without_reserved_addresses() {
        let public = a_fabric().engine.public_occupancy();
        assert_eq!(public, Occupancy { allocated: 0, available: 131_072 });
    }
}
