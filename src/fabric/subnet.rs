//! Subnets: ranges of a virtual network that NICs take addresses from (VNET-02 to VNET-05, VNET-09, ADDR-01).
//!
//! The rules are in `rules`, what they find in `findings`; the pools of addresses and the index of ranges are kept here.

mod findings;
mod rules;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::engine::Engine;
use super::id::{Kind, Name, ObjectId, Placement};
use super::in_use::Use;
use super::ipam::{Pool, PoolId, RESERVED_PER_SUBNET, Reservation};
use super::network_interface;
use super::private_addresses;
use super::reference::Reference;
use super::resource::{DeletionRule, Programmed, Resource, Rule};
use super::terms::IpVersion;
use super::violation::WaitKey;
use super::virtual_machine_scale_set;
use super::virtual_network::{VirtualNetwork, release_prefixes};

/// What is asked of a subnet.
#[derive(Clone, Debug, PartialEq)]
pub struct Subnet {
    /// The virtual network that it is cut from.
    pub virtual_network: Name,
    /// Its IPv4 range, without host bits.
    pub ipv4: Ipv4Net,
    /// Its IPv6 range, a /64, if it has one.
    pub ipv6: Option<Ipv6Net>,
    /// Which of them is listed first: paths show the place.
    pub first: IpVersion,
}

/// What the fabric reports of a subnet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubnetView {
    /// The number of allocated and available addresses of the IPv4 range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Capacity>,
}

/// The addresses of an IPv4 range, counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Capacity {
    /// The number of addresses in the range.
    pub total: i64,
    /// The number of addresses that Azure reserves: five in every subnet.
    pub reserved: i64,
    /// The number of addresses that are allocated.
    pub allocated: i64,
    /// The number of addresses that are available for allocation.
    pub available: i64,
}

impl Resource for Subnet {
    type Held = ();
    type View = SubnetView;

    const ARM_TYPE: &'static str = "Microsoft.Network/virtualNetworks/subnets";
    const RULES: &'static [Rule<Self>] = rules::RULES;
    const DELETION_RULES: &'static [DeletionRule] = rules::DELETION_RULES;
    const USES: &'static [Use] = rules::USES;
    const ALLOCATES: bool = false;
    const HOT_FIELDS: &'static [&'static str] = &["capacity"];

    fn parent(&self) -> Option<ObjectId> {
        Some(ObjectId::new(Kind::VirtualNetwork, self.virtual_network.clone()))
    }

    fn inherited_placement(&self, engine: &Engine) -> Option<Placement> {
        engine.get::<VirtualNetwork>(&self.virtual_network).map(|network| network.placement.clone())
    }

    fn references(&self) -> Vec<Reference> {
        vec![Reference::new(Kind::VirtualNetwork, &self.virtual_network, "spec.virtualNetwork", "NIC-03")]
    }

    fn apply(engine: &mut Engine, name: &Name, before: Option<&Self>) {
        let Some(ask) = engine.get::<Self>(name).map(|programmed| programmed.ask.clone()) else { return };
        if before == Some(&ask) && engine.pools.contains_key(&PoolId::SubnetIPv4(name.clone())) {
            return;
        }
        if before.is_some() {
            engine.wake(WaitKey::members(Kind::VirtualNetwork, &ask.virtual_network)); // its ranges are others
        }
        move_ranges(engine, name, before, Some(&ask));
        replace_pools(engine, name, &ask);
        if before.is_some() {
            release_prefixes(engine, &ask.virtual_network);
            engine.wake(WaitKey::Capacity(PoolId::SubnetIPv4(name.clone())));
            engine.wake(WaitKey::Capacity(PoolId::SubnetIPv6(name.clone())));
            let this = ObjectId::new(Kind::Subnet, name.clone());
            let nics: Vec<Name> = engine.referrers(&this, Kind::NetworkInterface).iter().cloned().collect();
            for nic in nics {
                network_interface::serve_ipv6(engine, &nic);
            }
        }
        virtual_machine_scale_set::on_pool_changed(engine, &ObjectId::new(Kind::Subnet, name.clone()));
    }

    fn release(engine: &mut Engine, name: &Name, gone: &Programmed<Self>) {
        let network = &gone.ask.virtual_network;
        move_ranges(engine, name, Some(&gone.ask), None);
        for pool in [PoolId::SubnetIPv4(name.clone()), PoolId::SubnetIPv6(name.clone())] {
            engine.pools.remove(&pool);
            engine.wake(WaitKey::Capacity(pool));
        }
        release_prefixes(engine, network);
    }

    /// Its virtual network may release a prefix that the subnet is asked to leave (S-87).
    const REMEMBERS: bool = true;

    fn restore_held(engine: &mut Engine, name: &Name, _: &SubnetView) -> Vec<String> {
        Self::apply(engine, name, None);
        Vec::new()
    }

    fn observe(engine: &Engine, name: &Name, _: &Programmed<Self>) -> SubnetView {
        let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let capacity = engine.pool(&PoolId::SubnetIPv4(name.clone())).map(|pool| Capacity {
            total: count(pool.total()),
            reserved: count(pool.reserved()),
            allocated: count(pool.allocated()),
            available: count(pool.available()),
        });
        SubnetView { capacity }
    }
}

impl Engine {
    /// The virtual network of a subnet that is carried; it is fixed (S-14).
    pub(super) fn network_of(&self, subnet: &Name) -> Option<&Name> {
        self.get::<Subnet>(subnet).map(|subnet| &subnet.ask.virtual_network)
    }
}

impl Subnet {
    /// Its ranges, as listed.
    pub fn prefixes(&self) -> impl Iterator<Item = IpNet> {
        let (ipv4, ipv6) = (Some(IpNet::from(self.ipv4)), self.ipv6.map(IpNet::from));
        let (first, second) = match self.first {
            IpVersion::IPv4 => (ipv4, ipv6),
            IpVersion::IPv6 => (ipv6, ipv4),
        };
        first.into_iter().chain(second)
    }

    /// True if `prefix` is one of its ranges.
    fn has(&self, prefix: &IpNet) -> bool {
        self.prefixes().any(|own| own == *prefix)
    }

    /// Where `prefix` stands in the spec.
    fn path_of(&self, prefix: &IpNet) -> String {
        let place = self.prefixes().position(|listed| listed == *prefix).unwrap_or_default();
        format!("spec.addressPrefixes[{place}]")
    }

    /// True if the platform keeps this IPv4 address of the subnet (ADDR-01).
    pub fn reserves(&self, address: IpAddr) -> bool {
        Pool::new(self.ipv4.into(), Reservation::Subnet).reserves(address)
    }

    /// The addresses of the IPv4 range that can be allocated at all, first and last, for remedies.
    pub fn usable(&self) -> String {
        // ADDR-01: four at the start, one at the end; saturating, for a restored subnet may be smaller than that.
        let hosts = u32::from(self.ipv4.broadcast()).saturating_sub(1);
        let first = u32::from(self.ipv4.network()).saturating_add(4);
        const { assert!(RESERVED_PER_SUBNET == 5) };
        format!("{} to {}", std::net::Ipv4Addr::from(first), std::net::Ipv4Addr::from(hosts))
    }
}

fn move_ranges(engine: &mut Engine, name: &Name, before: Option<&Subnet>, after: Option<&Subnet>) {
    if let Some(before) = before
        && let Some(ranges) = engine.ranges_of.get_mut(&before.virtual_network)
    {
        before.prefixes().for_each(|range| ranges.remove(&range, name));
        if ranges.is_empty() {
            engine.ranges_of.remove(&before.virtual_network);
        }
    }
    if let Some(after) = after {
        let ranges = engine.ranges_of.entry(after.virtual_network.clone()).or_default();
        after.prefixes().for_each(|range| ranges.insert(range, name));
    }
}

/// Pools of the new ranges, in which what is held stays held.
fn replace_pools(engine: &mut Engine, name: &Name, ask: &Subnet) {
    let mut ipv4 = Pool::new(ask.ipv4.into(), Reservation::Subnet);
    let mut ipv6 = ask.ipv6.map(|prefix| Pool::new(prefix.into(), Reservation::Subnet));
    for (version, pool) in [(IpVersion::IPv4, Some(&mut ipv4)), (IpVersion::IPv6, ipv6.as_mut())] {
        let mut taken = private_addresses::taken(engine, name, version).map(|(address, _)| address);
        let kept = match pool {
            Some(pool) => taken.all(|address| pool.reserve(address)),
            None => taken.next().is_none(),
        };
        assert!(kept, "VNET-09 keeps a prefix that has allocated or reserved addresses");
    }
    for (id, pool) in
        [(PoolId::SubnetIPv4(name.clone()), Some(&mut ipv4)), (PoolId::SubnetIPv6(name.clone()), ipv6.as_mut())]
    {
        let Some(pool) = pool else { continue };
        engine.requested.of(&id).for_each(|address| pool.request(address));
    }
    engine.pools.insert(PoolId::SubnetIPv4(name.clone()), ipv4);
    match ipv6 {
        Some(pool) => engine.pools.insert(PoolId::SubnetIPv6(name.clone()), pool),
        None => engine.pools.remove(&PoolId::SubnetIPv6(name.clone())),
    };
}
