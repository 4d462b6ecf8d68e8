//! The platform's answer to "is this address free?", asked of a virtual network (ADDR-10).

use std::net::IpAddr;

use super::engine::Engine;
use super::id::Name;
use super::ipam::PoolId;
use super::terms::IpVersion;
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
        let ranges = self.ranges_of.get(network).ok_or(Code::PrivateIPAddressNotInAnySubnet)?;
        let (_, subnet) = ranges.overlapping(address.into()).next().ok_or(Code::PrivateIPAddressNotInAnySubnet)?;
        let pool = self
            .pool(&PoolId::of_subnet(subnet, IpVersion::of(&address)))
            .ok_or(Code::PrivateIPAddressNotInAnySubnet)?;
        let is_platform_reserved = pool.reserves(address);
        let available = !is_platform_reserved && !pool.holds(address);
        let available_ip_addresses = if available { Vec::new() } else { pool.lowest_free(NAMED, &[]) };
        Ok(Availability { available, available_ip_addresses, is_platform_reserved })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabric::testing::*;

    fn ask(fabric: &Fabric, address: &str) -> Result<Availability, Code> {
        fabric.engine.check_ip_address_availability(&named("hub"), address.parse().unwrap())
    }

    fn with_one_nic() -> Fabric {
        a_fabric().with(a_subnet("web", "10.0.1.0/24")).with(a_nic("n"))
    }

    #[test]
    fn a_free_address_is_available() {
        let answer = ask(&with_one_nic(), "10.0.1.5").unwrap();
        assert_eq!(
            answer,
            Availability { available: true, available_ip_addresses: vec![], is_platform_reserved: false }
        );
    }

    // shows ADDR-10
    #[test]
    fn of_a_held_address_the_five_lowest_free_ones_are_told() {
        let answer = ask(&with_one_nic(), "10.0.1.4").unwrap();
        let free: Vec<String> = answer.available_ip_addresses.iter().map(ToString::to_string).collect();
        assert_eq!(free, ["10.0.1.5", "10.0.1.6", "10.0.1.7", "10.0.1.8", "10.0.1.9"]);
        assert!(!answer.available && !answer.is_platform_reserved);
    }

    #[test]
    fn the_platforms_addresses_are_told_apart() {
        assert!(ask(&with_one_nic(), "10.0.1.3").unwrap().is_platform_reserved);
    }

    #[test]
    fn an_address_outside_all_subnets_is_refused() {
        assert_eq!(ask(&with_one_nic(), "10.0.2.4"), Err(Code::PrivateIPAddressNotInAnySubnet));
    }
}
