//! The rules of subnets (VNET-02 to VNET-05, VNET-09, VNET-12).

use std::net::IpAddr;

use ipnet::IpNet;

use super::Subnet;
use crate::fabric::id::{Kind, ObjectId};
use crate::fabric::in_use::{self, By, Use};
use crate::fabric::limits;
use crate::fabric::network_interface::{self, NetworkInterface};
use crate::fabric::private_addresses::{self, TakenBy};
use crate::fabric::quota::Quota;
use crate::fabric::reference;
use crate::fabric::resource::{Case, Cures, DeletionRule, Rule, Scope};
use crate::fabric::terms::IpVersion;
use crate::fabric::violation::{Code, Findings, WaitKey, and_so_on, first_of};
use crate::fabric::virtual_machine_scale_set;
use crate::fabric::virtual_network::VirtualNetwork;

pub(super) const RULES: &[Rule<Subnet>] = &[
    Rule {
        id: "NIC-03",
        scope: Scope::References,
        says: "The virtual network of a subnet exists.",
        codes: &[Code::InvalidResourceReference],
        cure: Cures::Waits,
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
    // A range that it has already may lie in a prefix that the network has only until then (S-87).
    let stays = |prefix: &IpNet| case.before().is_some_and(|before| before.has(prefix)) && network.held.retains(prefix);
    for prefix in case.ask.prefixes().filter(|prefix| !network.ask.contains(prefix) && !stays(prefix)) {
        let id = ObjectId::new(Kind::VirtualNetwork, case.ask.virtual_network.clone());
        let space: Vec<String> = network.ask.address_prefixes.iter().map(ToString::to_string).collect();
        findings
            .refuse(
                Code::NetcfgSubnetRangeOutsideVnet,
                case.ask.path_of(&prefix),
                format!("{prefix} is outside the address space of {id}: {}.", space.join(", ")),
                format!("Choose a range inside it, or add a prefix to {id}."),
            )
            .until_changed(id);
    }
}

fn overlaps_none(case: &Case<'_, Subnet>, findings: &mut Findings) {
    let Some(ranges) = case.engine.ranges_of.get(&case.ask.virtual_network) else { return };
    for prefix in case.ask.prefixes() {
        let others = ranges.overlapping(prefix).filter(|(_, subnet)| *subnet != case.name);
        let others: Vec<_> = others.map(|(range, name)| (range, ObjectId::new(Kind::Subnet, name.clone()))).collect();
        let Some((_, first)) = others.first() else { continue };
        let remedy = format!("Choose a range that is free, or delete {first}{}.", and_so_on(others.len()));
        let named = first_of(others.iter().map(|(range, id)| format!("{range} of {id}")));
        findings
            .refuse(
                Code::NetcfgSubnetRangesOverlap,
                case.ask.path_of(&prefix),
                format!("{prefix} overlaps {named}."),
                remedy,
            )
            .until_all_changed(others.into_iter().map(|(_, id)| id))
            .cites(WaitKey::members(Kind::VirtualNetwork, &case.ask.virtual_network));
    }
}

fn used_prefixes_are_kept(case: &Case<'_, Subnet>, findings: &mut Findings) {
    let Some(before) = case.before() else { return };
    let ipv4 = (before.ipv4 != case.ask.ipv4).then_some((IpVersion::IPv4, IpNet::from(before.ipv4)));
    let ipv6 = before.ipv6.filter(|_| before.ipv6 != case.ask.ipv6).map(|ipv6| (IpVersion::IPv6, IpNet::from(ipv6)));
    let changed = ipv4.into_iter().chain(ipv6);
    let mut taken: Vec<_> = changed
        .flat_map(|(version, prefix)| {
            // The first that is held, and the first that is reserved.
            let all = || private_addresses::taken(case.engine, case.name, version);
            let is_held = |(_, by): &(IpAddr, TakenBy<'_>)| matches!(by, TakenBy::Holder(_));
            let first = [all().find(is_held), all().find(|taken| !is_held(taken))];
            first.into_iter().flatten().map(move |(address, by)| (prefix, address, by))
        })
        .collect();
    taken.sort_by_key(|(.., by)| matches!(by, TakenBy::Reserved(_)));
    for (prefix, address, by) in taken {
        let (id, fact, remedy) = match by {
            TakenBy::Holder(holder) => {
                let id = holder.object();
                let fact = format!("{prefix} has allocated addresses: {id} holds {address}.");
                (id, fact, format!("Keep {prefix}, or move or delete what has addresses of it first"))
            }
            TakenBy::Reserved(owner) => {
                let id = ObjectId::new(Kind::VirtualMachineScaleSet, owner.set.clone());
                let fact = format!("{address} is reserved for an instance of {id}.");
                (id, fact, "Keep the prefix, or delete the scale set first".to_owned())
            }
        };
        let remedy = format!("{remedy}; for more addresses, add another subnet.");
        findings
            .refuse(Code::InUsePrefixCannotBeDeleted, "spec.addressPrefixes", fact, remedy)
            .until(WaitKey::Address(case.name.clone(), address))
            .until_changed(id)
            .cites(WaitKey::members(Kind::Subnet, case.name));
    }
}

/// A subnet that gains an IPv6 range serves every configuration that waits for one (S-20).
fn network_has_room(case: &Case<'_, Subnet>, findings: &mut Findings) {
    let gains_ipv6 = case.before().is_some_and(|before| before.ipv6.is_none());
    let Some(ipv6) = case.ask.ipv6.filter(|_| gains_ipv6) else { return };
    let this = ObjectId::new(Kind::Subnet, case.name.clone());
    let nics = case.engine.referrers(&this, Kind::NetworkInterface).iter();
    let nics = nics.filter_map(|nic| case.engine.get::<NetworkInterface>(nic));
    let waiting: usize = nics.map(network_interface::waiting_for_ipv6).sum();
    let coming = virtual_machine_scale_set::coming_ipv6(case.engine, case.name);
    let waiting = u64::try_from(waiting + coming).unwrap_or(u64::MAX);
    let quota = Quota::PrivateAddresses(case.ask.virtual_network.clone());
    if waiting > 0 && !case.engine.has_left(&quota, waiting) {
        findings
            .refuse(
                Code::QuotaExceeded,
                case.ask.path_of(&ipv6.into()),
                format!(
                    "The IPv6 configurations that wait for an address of {ipv6} would exceed the quota of {} {quota}.",
                    quota.limit()
                ),
                "Delete network interfaces that are not used; this object is then retried automatically.",
            )
            .until(WaitKey::Quota(quota))
            .until(WaitKey::members(Kind::Subnet, case.name));
    }
}

fn siblings_are_few(case: &Case<'_, Subnet>, findings: &mut Findings) {
    let id = ObjectId::new(Kind::VirtualNetwork, case.ask.virtual_network.clone());
    let siblings = case.engine.referrers(&id, Kind::Subnet);
    if !siblings.contains(case.name) && siblings.len() >= limits::SUBNETS_PER_VNET {
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
