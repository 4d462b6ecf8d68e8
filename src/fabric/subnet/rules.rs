//! The rules of subnets (VNET-02 to VNET-05, VNET-09, VNET-12).

use ipnet::IpNet;

use super::Subnet;
use super::findings::SubnetFinding;
use crate::fabric::id::{Kind, ObjectId};
use crate::fabric::in_use::{self, By, Use};
use crate::fabric::limits;
use crate::fabric::network_interface::{self, NetworkInterface};
use crate::fabric::private_addresses::{self, TakenBy};
use crate::fabric::quota::Quota;
use crate::fabric::reference;
use crate::fabric::resource::{Case, Cures, DeletionRule, Rule, Scope};
use crate::fabric::terms::IpVersion;
use crate::fabric::violation::{Code, Findings};
use crate::fabric::virtual_machine_scale_set;
use crate::fabric::virtual_network::VirtualNetwork;

pub(super) const RULES: &[Rule<Subnet>] = &[
    Rule {
        id: "NIC-03",
        scope: Scope::References,
        says: "The virtual network of a subnet exists.",
        codes: &[Code::InvalidResourceReference],
        cure: Cures::Waits,
        at_apply: None,
        remedy: "Create the virtual network.",
        source: "Azure/azure-cli#13258",
        check: reference::exist,
    },
    Rule {
        id: "S-14",
        scope: Scope::State,
        says: "A subnet stays in its virtual network.",
        codes: &[Code::PropertyChangeNotAllowed],
        cure: Cures::Stalls,
        at_apply: None,
        remedy: "Create another subnet.",
        source: "Azure's resource model: a subnet is part of its network",
        check: virtual_network_is_fixed,
    },
    Rule {
        id: "VNET-02",
        scope: Scope::Spec,
        says: "An IPv4 subnet is a /8 to a /29, an IPv6 one is a /64.",
        codes: &[Code::NetcfgInvalidSubnet],
        cure: Cures::Stalls,
        at_apply: None,
        remedy: "Choose another length.",
        source: "virtual-networks-faq.md",
        check: size_is_supported,
    },
    Rule {
        id: "VNET-03",
        scope: Scope::State,
        says: "A subnet lies inside the address space of its virtual network.",
        codes: &[Code::NetcfgSubnetRangeOutsideVnet],
        cure: Cures::Waits,
        at_apply: None,
        remedy: "Choose a range inside, or add a prefix to the network.",
        source: "recorded",
        check: lies_inside,
    },
    Rule {
        id: "VNET-04",
        scope: Scope::State,
        says: "Subnets of one virtual network do not overlap.",
        codes: &[Code::NetcfgSubnetRangesOverlap],
        cure: Cures::Waits,
        at_apply: None,
        remedy: "Choose a free range, or delete the other subnet.",
        source: "azure-docs PR#123869",
        check: overlaps_none,
    },
    Rule {
        id: "VNET-09",
        scope: Scope::State,
        says: "A prefix with allocated addresses is not edited: not removed, shrunk, enlarged or moved.",
        codes: &[Code::InUsePrefixCannotBeDeleted],
        cure: Cures::Waits,
        at_apply: None,
        remedy: "Keep the prefix, or move or delete what has addresses of it first.",
        source: "terraform-provider-azurerm#11211, #7687; virtual-networks-faq.md",
        check: used_prefixes_are_kept,
    },
    Rule {
        id: "ADDR-14",
        scope: Scope::State,
        says: "A virtual network has at most 65,536 private addresses, those included that IPv6 configurations get with the range that they wait for.",
        codes: &[Code::QuotaExceeded],
        cure: Cures::Waits,
        at_apply: None,
        remedy: "Delete what is not used, or use another network.",
        source: "azure-virtual-network-limits.md; S-20",
        check: network_has_room,
    },
    Rule {
        id: "VNET-12",
        scope: Scope::State,
        says: "A virtual network has at most 3,000 subnets.",
        codes: &[Code::NetcfgInvalidSubnet],
        cure: Cures::Waits,
        at_apply: None,
        remedy: "Delete a subnet that is not used, or use another virtual network.",
        source: "azure-virtual-network-limits.md",
        check: siblings_are_few,
    },
];

pub(super) const DELETION_RULES: &[DeletionRule] = &[DeletionRule {
    id: "VNET-05",
    scope: Scope::State,
    says: "A subnet with IP configurations, or that the model of a scale set names, cannot be deleted.",
    codes: &[Code::InUseSubnetCannotBeDeleted],
    cure: Cures::Waits,
    at_apply: None,
    remedy: "Delete or move its NICs; delete the scale set, or change its model.",
    source: "recorded",
    check: in_use::is_not_used::<Subnet>,
}];

pub(super) const USES: &[Use] = &[
    Use { rule: "VNET-05", code: Code::InUseSubnetCannotBeDeleted, by: By::Models },
    Use {
        rule: "VNET-05",
        code: Code::InUseSubnetCannotBeDeleted,
        by: By::Objects {
            kind: Kind::NetworkInterface,
            part: "A network interface",
            does: "is in this subnet",
            remedy: "Delete the network interfaces in it, or move them to another subnet",
        },
    },
];

fn virtual_network_is_fixed(case: &Case<'_, Subnet>, findings: &mut Findings) {
    let before = case.before().map(|before| &before.virtual_network);
    if let Some(before) = before.filter(|before| **before != case.ask.virtual_network) {
        findings.add("spec.virtualNetwork", SubnetFinding::VirtualNetworkChanged { before: before.clone() });
    }
}

fn size_is_supported(case: &Case<'_, Subnet>, findings: &mut Findings) {
    let ipv4 = case.ask.ipv4;
    if !limits::SUBNET_IPV4_LENGTHS.contains(&ipv4.prefix_len()) {
        findings.add(case.ask.path_of(&ipv4.into()), SubnetFinding::Ipv4Length { range: ipv4 });
    }
    if let Some(ipv6) = case.ask.ipv6.filter(|ipv6| ipv6.prefix_len() != limits::SUBNET_IPV6_LENGTH) {
        findings.add(case.ask.path_of(&ipv6.into()), SubnetFinding::Ipv6Length { range: ipv6 });
    }
}

fn lies_inside(case: &Case<'_, Subnet>, findings: &mut Findings) {
    let Some(network) = case.engine.get::<VirtualNetwork>(&case.ask.virtual_network) else { return };
    // A range that it has already may lie in a prefix that the network has only until then (S-87).
    let stays = |prefix: &IpNet| case.before().is_some_and(|before| before.has(prefix)) && network.held.retains(prefix);
    for range in case.ask.prefixes().filter(|prefix| !network.ask.contains(prefix) && !stays(prefix)) {
        let id = ObjectId::new(Kind::VirtualNetwork, case.ask.virtual_network.clone());
        let space = network.ask.address_prefixes.clone();
        findings.add(case.ask.path_of(&range), SubnetFinding::OutsideAddressSpace { range, network: id, space });
    }
}

fn overlaps_none(case: &Case<'_, Subnet>, findings: &mut Findings) {
    let network = &case.ask.virtual_network;
    let Some(ranges) = case.engine.ranges_of.get(network) else { return };
    for range in case.ask.prefixes() {
        let others = ranges.overlapping(range).filter(|(_, subnet)| *subnet != case.name);
        let others: Vec<_> = others.map(|(range, name)| (range, ObjectId::new(Kind::Subnet, name.clone()))).collect();
        if !others.is_empty() {
            let network = network.clone();
            findings.add(case.ask.path_of(&range), SubnetFinding::Overlaps { range, others, network });
        }
    }
}

fn used_prefixes_are_kept(case: &Case<'_, Subnet>, findings: &mut Findings) {
    let Some(before) = case.before() else { return };
    let ipv4 = (before.ipv4 != case.ask.ipv4).then_some((IpVersion::IPv4, IpNet::from(before.ipv4)));
    let ipv6 = before.ipv6.filter(|_| before.ipv6 != case.ask.ipv6).map(|ipv6| (IpVersion::IPv6, IpNet::from(ipv6)));
    let (mut allocated, mut reserved) = (Vec::new(), Vec::new());
    for (version, range) in ipv4.into_iter().chain(ipv6) {
        let subnet = case.name.clone();
        let all = || private_addresses::taken(case.engine, case.name, version);
        allocated.extend(all().find_map(|(address, by)| match by {
            TakenBy::Holder(holder) => {
                Some(SubnetFinding::Allocated { range, address, holder: holder.clone(), subnet: subnet.clone() })
            }
            TakenBy::Reserved(_) => None,
        }));
        reserved.extend(all().find_map(|(address, by)| match by {
            TakenBy::Holder(_) => None,
            TakenBy::Reserved(owner) => {
                Some(SubnetFinding::Reserved { address, owner: owner.clone(), subnet: subnet.clone() })
            }
        }));
    }
    for finding in allocated.into_iter().chain(reserved) {
        findings.add("spec.addressPrefixes", finding);
    }
}

/// A subnet that gains an IPv6 range serves every configuration that waits for one (S-20).
fn network_has_room(case: &Case<'_, Subnet>, findings: &mut Findings) {
    let gains_ipv6 = case.before().is_some_and(|before| before.ipv6.is_none());
    let Some(range) = case.ask.ipv6.filter(|_| gains_ipv6) else { return };
    let this = ObjectId::new(Kind::Subnet, case.name.clone());
    let nics = case.engine.referrers(&this, Kind::NetworkInterface).iter();
    let nics = nics.filter_map(|nic| case.engine.get::<NetworkInterface>(nic));
    let waiting: usize = nics.map(network_interface::waiting_for_ipv6).sum();
    let coming = virtual_machine_scale_set::coming_ipv6(case.engine, case.name);
    let waiting = u64::try_from(waiting + coming).unwrap_or(u64::MAX);
    let quota = Quota::PrivateAddresses(case.ask.virtual_network.clone());
    if waiting > 0 && !case.engine.has_left(&quota, waiting) {
        let subnet = case.name.clone();
        findings.add(case.ask.path_of(&range.into()), SubnetFinding::TooManyWait { range, quota, subnet });
    }
}

fn siblings_are_few(case: &Case<'_, Subnet>, findings: &mut Findings) {
    let network = ObjectId::new(Kind::VirtualNetwork, case.ask.virtual_network.clone());
    let siblings = case.engine.referrers(&network, Kind::Subnet);
    if !siblings.contains(case.name) && siblings.len() >= limits::SUBNETS_PER_VNET {
        findings.add("spec.virtualNetwork", SubnetFinding::TooManySubnets { network });
    }
}
