//! Subnets: ranges of a virtual network that NICs take addresses from (VNET-02 to VNET-05, VNET-09, ADDR-01).

#[cfg(test)]
mod tests;

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::engine::{Engine, leave};
use super::id::{Kind, Name, ObjectId, Placement};
use super::ipam::{Pool, PoolId, RESERVED_PER_SUBNET, Reservation};
use super::limits;
use super::network_interface::{self, IpVersion};
use super::resource::{Case, Cures, DELETION_PATH, DeletionRule, Programmed, Resource, Rule};
use super::violation::{Code, Findings, WaitKey};
use super::virtual_machine_scale_set::VirtualMachineScaleSet;
use super::virtual_network::{VirtualNetwork, and_others};

/// What is asked of a subnet.
#[derive(Clone, Debug, PartialEq)]
pub struct Subnet {
    /// The virtual network that it is cut from.
    pub virtual_network: Name,
    /// Its IPv4 range, without host bits.
    pub ipv4: Ipv4Net,
    /// Its IPv6 range, a /64, if it has one.
    pub ipv6: Option<Ipv6Net>,
    /// Which of them is listed first: paths tell the place.
    pub first: IpVersion,
}

/// What the fabric reports of a subnet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubnetView {
    /// How many addresses of the IPv4 range are held and free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Capacity>,
}

/// The addresses of an IPv4 range, counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Capacity {
    /// All addresses of the range.
    pub total: i64,
    /// Those that the platform keeps: five of every subnet.
    pub reserved: i64,
    /// Those that something holds.
    pub allocated: i64,
    /// Those that can still be allocated.
    pub available: i64,
}

impl Resource for Subnet {
    type Held = ();
    type View = SubnetView;

    const RULES: &'static [Rule<Self>] = &[
        Rule {
            id: "NIC-03",
            says: "The virtual network of a subnet exists.",
            codes: &[Code::InvalidResourceReference],
            cure: Cures::Waits,
            remedy: "Create the virtual network.",
            source: "Azure/azure-cli#13258",
            check: virtual_network_exists,
        },
        Rule {
            id: "S-14",
            says: "A subnet stays in its virtual network.",
            codes: &[Code::PropertyChangeNotAllowed],
            cure: Cures::Stalls,
            remedy: "Create another subnet.",
            source: "Azure's resource model: a subnet is part of its network",
            check: virtual_network_is_fixed,
        },
        Rule {
            id: "VNET-02",
            says: "An IPv4 subnet is a /8 to a /29, an IPv6 one is a /64.",
            codes: &[Code::NetcfgInvalidSubnet],
            cure: Cures::Stalls,
            remedy: "Choose another length.",
            source: "virtual-networks-faq.md",
            check: size_is_supported,
        },
        Rule {
            id: "VNET-03",
            says: "A subnet lies inside the address space of its virtual network.",
            codes: &[Code::NetcfgSubnetRangeOutsideVnet],
            cure: Cures::Waits,
            remedy: "Choose a range inside, or add a prefix to the network.",
            source: "recorded",
            check: lies_inside,
        },
        Rule {
            id: "VNET-04",
            says: "Subnets of one virtual network do not overlap.",
            codes: &[Code::NetcfgSubnetRangesOverlap],
            cure: Cures::Waits,
            remedy: "Choose a free range, or delete the other subnet.",
            source: "azure-docs PR#123869",
            check: overlaps_none,
        },
        Rule {
            id: "VNET-09",
            says: "A prefix with allocated addresses can be changed only to one that contains them, outside the five reserved.",
            codes: &[Code::InUsePrefixCannotBeDeleted],
            cure: Cures::Waits,
            remedy: "Choose a range that contains what is held.",
            source: "terraform-provider-azurerm#11211",
            check: allocations_stay_inside,
        },
        Rule {
            id: "VNET-12",
            says: "A virtual network has at most 3,000 subnets.",
            codes: &[Code::NetcfgInvalidSubnet],
            cure: Cures::Waits,
            remedy: "Delete a subnet that is not used, or use another virtual network.",
            source: "azure-virtual-network-limits.md",
            check: siblings_are_few,
        },
    ];

    const DELETION_RULES: &'static [DeletionRule] = &[DeletionRule {
        id: "VNET-05",
        says: "A subnet with IP configurations, or that the model of a scale set names, cannot be deleted.",
        codes: &[Code::InUseSubnetCannotBeDeleted],
        cure: Cures::Waits,
        remedy: "Delete or move its NICs; delete the scale set, or change its model.",
        source: "recorded",
        check: is_not_used,
    }];

    const ALLOCATES: bool = false;

    fn resource_path(&self, name: &Name) -> String {
        format!("Microsoft.Network/virtualNetworks/{}/subnets/{}", self.virtual_network.name, name.name)
    }

    fn references(&self) -> Vec<ObjectId> {
        vec![ObjectId::new(Kind::VirtualNetwork, self.virtual_network.clone())]
    }

    fn inherited_placement(&self, engine: &Engine) -> Option<Placement> {
        engine.get::<VirtualNetwork>(&self.virtual_network).map(|network| network.placement.clone())
    }

    fn apply(engine: &mut Engine, name: &Name, before: Option<&Self>) {
        let Some(ask) = engine.get::<Self>(name).map(|programmed| programmed.ask.clone()) else { return };
        if before == Some(&ask) && engine.pools.contains_key(&PoolId::SubnetIPv4(name.clone())) {
            return;
        }
        if engine.subnets_of.entry(ask.virtual_network.clone()).or_default().insert(name.clone()) {
            engine.touch_members(Kind::VirtualNetwork, &ask.virtual_network);
        }
        move_ranges(engine, name, before, Some(&ask));
        replace_pools(engine, name, &ask);
        if before.is_some() {
            engine.free(WaitKey::Capacity(PoolId::SubnetIPv4(name.clone())));
            engine.free(WaitKey::Capacity(PoolId::SubnetIPv6(name.clone())));
            for nic in engine.nics_in.get(name).cloned().unwrap_or_default() {
                network_interface::serve_ipv6(engine, &nic);
            }
        }
    }

    fn release(engine: &mut Engine, name: &Name, gone: &Programmed<Self>) {
        let network = &gone.ask.virtual_network;
        leave(&mut engine.subnets_of, network, name);
        move_ranges(engine, name, Some(&gone.ask), None);
        engine.pools.remove(&PoolId::SubnetIPv4(name.clone()));
        engine.pools.remove(&PoolId::SubnetIPv6(name.clone()));
        let network = network.clone();
        engine.touch_members(Kind::VirtualNetwork, &network);
    }

    fn recall(engine: &mut Engine, name: &Name, _: &SubnetView) -> Vec<String> {
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

fn virtual_network_exists(case: &Case<'_, Subnet>, findings: &mut Findings) {
    case.engine.refers::<VirtualNetwork>(&case.ask.virtual_network, case.placement, "spec.virtualNetwork", findings);
}

fn virtual_network_is_fixed(case: &Case<'_, Subnet>, findings: &mut Findings) {
    let Some(before) = case.before().filter(|before| before.virtual_network != case.ask.virtual_network) else {
        return;
    };
    findings.refuse(
        Code::PropertyChangeNotAllowed,
        "spec.virtualNetwork",
        format!("The subnet is part of VirtualNetwork {}.", before.virtual_network),
        format!("Set virtualNetwork to {}, or create another subnet.", before.virtual_network.name),
    );
}

fn size_is_supported(case: &Case<'_, Subnet>, findings: &mut Findings) {
    let (ipv4, sizes) = (case.ask.ipv4, limits::SUBNET_IPV4_LENGTHS);
    if !sizes.contains(&ipv4.prefix_len()) {
        findings.refuse(
            Code::NetcfgInvalidSubnet,
            case.ask.path_of(&ipv4.into()),
            format!("{ipv4} is a /{}.", ipv4.prefix_len()),
            format!("Choose a prefix length from {} to {}.", sizes.start(), sizes.end()),
        );
    }
    if let Some(ipv6) = case.ask.ipv6.filter(|ipv6| ipv6.prefix_len() != limits::SUBNET_IPV6_LENGTH) {
        findings.refuse(
            Code::NetcfgInvalidSubnet,
            case.ask.path_of(&ipv6.into()),
            format!("{ipv6} is a /{}.", ipv6.prefix_len()),
            format!("Choose a /{}.", limits::SUBNET_IPV6_LENGTH),
        );
    }
}

fn lies_inside(case: &Case<'_, Subnet>, findings: &mut Findings) {
    let Some(network) = case.engine.get::<VirtualNetwork>(&case.ask.virtual_network) else { return };
    for prefix in case.ask.prefixes().filter(|prefix| !network.ask.contains(prefix)) {
        let id = ObjectId::new(Kind::VirtualNetwork, case.ask.virtual_network.clone());
        let space: Vec<String> = network.ask.address_prefixes.iter().map(ToString::to_string).collect();
        findings
            .refuse(
                Code::NetcfgSubnetRangeOutsideVnet,
                case.ask.path_of(&prefix),
                format!("{prefix} is outside the address space of {id}: {}.", space.join(", ")),
                format!("Choose a range inside it, or add a prefix to {id}."),
            )
            .until_gone(id);
    }
}

fn overlaps_none(case: &Case<'_, Subnet>, findings: &mut Findings) {
    let Some(ranges) = case.engine.ranges_of.get(&case.ask.virtual_network) else { return };
    let prefixes = case.ask.prefixes();
    let overlapping = |prefix| ranges.overlapping(prefix).map(move |(other, subnet)| (subnet, prefix, other));
    let mut found: Vec<_> = prefixes.flat_map(overlapping).filter(|(subnet, ..)| *subnet != case.name).collect();
    found.sort_unstable();
    for (subnet, prefix, other) in found {
        let id = ObjectId::new(Kind::Subnet, subnet.clone());
        findings
            .refuse(
                Code::NetcfgSubnetRangesOverlap,
                case.ask.path_of(&prefix),
                format!("{prefix} overlaps {other} of {id}."),
                format!("Choose a range that is free, or delete {id}."),
            )
            .until_gone(id);
    }
}

fn allocations_stay_inside(case: &Case<'_, Subnet>, findings: &mut Findings) {
    let Some(before) = case.before() else { return };
    let kept = Pool::new(case.ask.ipv4.into(), Reservation::Subnet);
    let kept6 = case.ask.ipv6.map(|ipv6| Pool::new(ipv6.into(), Reservation::Subnet));
    let fits = |address: &IpAddr| {
        let pool = if address.is_ipv4() { Some(&kept) } else { kept6.as_ref() };
        pool.is_some_and(|pool| pool.prefix().contains(address) && !pool.reserves(*address))
    };
    if before.ipv4 == case.ask.ipv4 && before.ipv6 == case.ask.ipv6 {
        return;
    }
    let Some((address, nic)) = held_addresses(case.engine, case.name).find(|(address, _)| !fits(address)) else {
        return;
    };
    let id = ObjectId::new(Kind::NetworkInterface, nic.clone());
    findings
        .refuse(
            Code::InUsePrefixCannotBeDeleted,
            "spec.addressPrefixes",
            format!("{address} is held by {id}, and would not be usable."),
            format!(
                "Choose a range that contains {address}, not one of its first four or its last, or move or delete {id} first."
            ),
        )
        .until(WaitKey::Address(case.name.clone(), address))
        .until_gone(id)
        .as_of(members(case.name));
}

fn siblings_are_few(case: &Case<'_, Subnet>, findings: &mut Findings) {
    let Some(siblings) = case.engine.subnets_of.get(&case.ask.virtual_network) else { return };
    if !siblings.contains(case.name) && siblings.len() >= limits::SUBNETS_PER_VNET {
        let id = ObjectId::new(Kind::VirtualNetwork, case.ask.virtual_network.clone());
        findings
            .refuse(
                Code::NetcfgInvalidSubnet,
                "spec.virtualNetwork",
                format!("{id} has the most subnets that one may have, {}.", limits::SUBNETS_PER_VNET),
                "Delete one of them that is not used, or use another virtual network.",
            )
            .until(WaitKey::Members(id.clone()))
            .blocked_by(id);
    }
}

fn is_not_used(engine: &Engine, name: &Name, findings: &mut Findings) {
    let nics = engine.nics_in.get(name);
    let Some((nics, first)) = nics.and_then(|nics| Some((nics, nics.first()?))) else {
        return is_in_no_model(engine, name, findings);
    };
    let id = ObjectId::new(Kind::NetworkInterface, first.clone());
    findings
        .refuse(
            Code::InUseSubnetCannotBeDeleted,
            DELETION_PATH,
            format!("{id} is in this subnet{}.", and_others(nics.len())),
            "Delete the network interfaces in it, or move them to another subnet; it then goes by itself.",
        )
        .until_gone(id)
        .as_of(members(name));
}

fn is_in_no_model(engine: &Engine, name: &Name, findings: &mut Findings) {
    let names = |set: &Programmed<VirtualMachineScaleSet>| set.ask.model.network.iter().any(|nic| nic.subnet == *name);
    let Some((set, _)) = engine.all::<VirtualMachineScaleSet>().find(|(_, set)| names(set)) else { return };
    let id = ObjectId::new(Kind::VirtualMachineScaleSet, set.clone());
    findings
        .refuse(
            Code::InUseSubnetCannotBeDeleted,
            DELETION_PATH,
            format!("The model of {id} names this subnet."),
            format!("Delete {id}, or choose another subnet in its model; this one then goes by itself."),
        )
        .until_gone(id);
}

fn members(subnet: &Name) -> WaitKey {
    WaitKey::Members(ObjectId::new(Kind::Subnet, subnet.clone()))
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

/// The addresses that are held in a subnet, and the NICs that hold them.
fn held_addresses<'a>(engine: &'a Engine, subnet: &Name) -> impl Iterator<Item = (IpAddr, &'a Name)> {
    let lowest: IpAddr = std::net::Ipv4Addr::UNSPECIFIED.into();
    let of = subnet.clone();
    engine
        .addresses
        .range((subnet.clone(), lowest)..)
        .take_while(move |((subnet, _), _)| *subnet == of)
        .map(|((_, address), (nic, _))| (*address, nic))
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
    for (address, _) in held_addresses(engine, name) {
        let kept = match (&mut ipv6, address.is_ipv4()) {
            (_, true) => ipv4.reserve(address),
            (Some(pool), false) => pool.reserve(address),
            (None, false) => false,
        };
        assert!(kept, "VNET-09 keeps every allocated address in the subnet");
    }
    engine.pools.insert(PoolId::SubnetIPv4(name.clone()), ipv4);
    match ipv6 {
        Some(pool) => engine.pools.insert(PoolId::SubnetIPv6(name.clone()), pool),
        None => engine.pools.remove(&PoolId::SubnetIPv6(name.clone())),
    };
}
