//! The platform's answer to "is this address free?", asked of a virtual network (ADDR-10).

use std::net::IpAddr;

use super::engine::Engine;
use super::id::Name;
use super::network_interface::{IpVersion, pool_of};
use super::subnet::Subnet;
use super::violation::Code;

/// How many free addresses the answer names.
const NAMED: usize = 5;

/// Whether an address of a virtual network can be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Availability {
    /// Whether the address is free.
    pub available: bool,
    /// Where it is not, the five lowest free addresses of its subnet.
    pub available_ip_addresses: Vec<IpAddr>,
    /// Whether the platform keeps it (ADDR-01).
    pub is_platform_reserved: bool,
}

impl Engine {
    /// Whether `address` can be taken in the virtual network.
    ///
    /// # Errors
    /// `PrivateIPAddressNotInAnySubnet` if no subnet of the network contains it.
    pub fn check_ip_address_availability(&self, network: &Name, address: IpAddr) -> Result<Availability, Code> {
        let subnets = self.subnets_of.get(network).into_iter().flatten();
        let contains = |name: &&Name| {
            self.get::<Subnet>(name).is_some_and(|subnet| subnet.ask.prefixes().any(|prefix| prefix.contains(&address)))
        };
        let subnet = subnets.into_iter().find(contains).ok_or(Code::PrivateIPAddressNotInAnySubnet)?;
        let pool = self.pool(&pool_of(subnet, IpVersion::of(&address))).ok_or(Code::PrivateIPAddressNotInAnySubnet)?;
        let is_platform_reserved = pool.reserves(address);
        let available = !is_platform_reserved && !pool.holds(address);
        let available_ip_addresses = if available { Vec::new() } else { pool.lowest_free(NAMED, &[]) };
        Ok(Availability { available, available_ip_addresses, is_platform_reserved })
    }
}
