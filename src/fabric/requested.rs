//! Addresses that known objects request, whether or not they hold them yet (S-88): dynamic allocation passes over
//! them while other addresses are free.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::engine::Engine;
use super::id::ObjectId;
use super::ipam::PoolId;
use super::kind::Ask;

/// An address of a pool.
type Address = (PoolId, IpAddr);

/// Which addresses are requested, and by whom.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestedAddresses {
    by_object: BTreeMap<ObjectId, BTreeSet<Address>>,
    by_address: BTreeMap<Address, BTreeSet<ObjectId>>,
}

impl RequestedAddresses {
    /// From now on the object requests exactly these. Returns those that were not requested before, and those that are not
    /// requests any more.
    fn set(&mut self, object: &ObjectId, requested: BTreeSet<Address>) -> (Vec<Address>, Vec<Address>) {
        let before = self.by_object.remove(object).unwrap_or_default();
        let (mut first, mut withdrawn) = (Vec::new(), Vec::new());
        for address in requested.difference(&before) {
            let by = self.by_address.entry(address.clone()).or_default();
            if by.is_empty() {
                first.push(address.clone());
            }
            by.insert(object.clone());
        }
        for address in before.difference(&requested) {
            let Some(by) = self.by_address.get_mut(address) else { continue };
            by.remove(object);
            if by.is_empty() {
                self.by_address.remove(address);
                withdrawn.push(address.clone());
            }
        }
        if !requested.is_empty() {
            self.by_object.insert(object.clone(), requested);
        }
        (first, withdrawn)
    }

    /// The requested addresses of a pool.
    pub fn of<'a>(&'a self, pool: &'a PoolId) -> impl Iterator<Item = IpAddr> + 'a {
        let lowest: IpAddr = std::net::Ipv4Addr::UNSPECIFIED.into();
        let rest = self.by_address.range((pool.clone(), lowest)..);
        rest.map(|(address, _)| address).take_while(move |(of, _)| of == pool).map(|(_, address)| *address)
    }
}

impl Engine {
    /// Notes which addresses an object requests: what its spec asks for, before it is judged, or nothing (`None`) when it is
    /// deleted or its spec cannot be read.
    pub fn note_requested(&mut self, object: &ObjectId, ask: Option<&Ask>) {
        let requested = ask.map(Ask::requested_addresses).unwrap_or_default();
        let (first, withdrawn) = self.requested.set(object, requested.into_iter().collect());
        for (pool, address) in first {
            let pool = self.pools.get_mut(&pool);
            pool.into_iter().for_each(|pool| pool.request(address));
        }
        for (pool, address) in withdrawn {
            let pool = self.pools.get_mut(&pool);
            pool.into_iter().for_each(|pool| pool.withdraw(address));
        }
    }
}
