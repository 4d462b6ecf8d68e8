//! Virtual networks: address spaces that subnets are cut from (VNET-01 to VNET-12).

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::dns_servers;
use super::engine::{Engine, Names};
use super::id::{Kind, Name, ObjectId, Placement};
use super::in_use::{self, By, Use};
use super::kind::Ask;
use super::limits;
use super::private_addresses;
use super::quota::{self, Quota};
use super::resource::{AtApply, Case, Cures, DeletionRule, Pending, Programmed, Resource, Rule, Scope};
use super::subnet::Subnet;
use super::terms::IpVersion;
use super::violation::{Code, Finding, Findings, Place, Violation, WaitKey, and_so_on, first_of};

/// What is asked of a virtual network.
#[derive(Clone, Debug, PartialEq)]
pub struct VirtualNetwork {
    /// The prefixes of its address space, without host bits.
    pub address_prefixes: Vec<IpNet>,
    /// The DNS servers of NICs that name none; none means the platform's.
    pub dns_servers: Vec<IpAddr>,
}

/// What the fabric holds of a virtual network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeldVirtualNetwork {
    /// Prefixes that an edit has removed, and that subnets lie in which have yet to move or to go (S-87).
    pub retained: BTreeSet<IpNet>,
}

impl HeldVirtualNetwork {
    /// True if a prefix that was removed and is still used contains all of `prefix`.
    pub fn retains(&self, prefix: &IpNet) -> bool {
        self.retained.iter().any(|retained| retained.contains(prefix))
    }
}

/// What the fabric reports of a virtual network.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VirtualNetworkView {
    /// The number of subnets in the virtual network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet_count: Option<i32>,
    /// Prefixes that an edit removed from the spec, and that stay programmed until the subnets in them are moved or
    /// deleted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>", length(max = limits::RETAINED_PREFIXES), extend("x-kubernetes-list-type" = "atomic"))]
    pub retained_address_prefixes: Vec<IpNet>,
}

impl Resource for VirtualNetwork {
    type Held = HeldVirtualNetwork;
    type View = VirtualNetworkView;

    const ARM_TYPE: &'static str = "Microsoft.Network/virtualNetworks";
    const RULES: &'static [Rule<Self>] = &[
        Rule {
            id: "VNET-01",
            scope: Scope::Spec,
            says: "An address prefix is in CIDR notation, and none of the ranges that the platform or the Internet protocol keeps for itself.",
            codes: &[Code::InvalidAddressPrefixFormat],
            cure: Cures::Stalls,
            at_apply: Some(AtApply::Cel),
            remedy: "Choose a private range, or one of your own.",
            source: "virtual-networks-faq.md",
            check: prefixes_are_usable,
        },
        Rule {
            id: "VNET-10",
            scope: Scope::Spec,
            says: "A virtual network has at most 20 DNS servers, each an IP address.",
            codes: &[Code::NetcfgInvalidDnsServer],
            cure: Cures::Stalls,
            at_apply: Some(AtApply::Schema),
            remedy: "List at most 20, or none for Azure's DNS.",
            source: "azure-virtual-network-limits.md",
            check: dns_servers_are_few,
        },
        Rule {
            id: "VNET-12",
            scope: Scope::State,
            says: "A subscription has at most 1,000 virtual networks in a region; off unless asked for.",
            codes: &[Code::VnetCountLimitReached],
            cure: Cures::Waits,
            at_apply: None,
            remedy: "Delete virtual networks that are not used.",
            source: "azure-virtual-network-limits.md; ARM-11, S-11",
            check: quota::is_not_exceeded,
        },
        Rule {
            id: "S-15",
            scope: Scope::State,
            says: "A prefix that a subnet lies in cannot be removed, unless the subnet has no addresses and is itself asked to move into the new address space or to go; the prefix stays until it has (S-87).",
            codes: &[Code::InUsePrefixCannotBeDeleted],
            cure: Cures::Waits,
            at_apply: None,
            remedy: "Keep the prefix; or move or delete the subnet, which must have no addresses.",
            source: "terraform-provider-azurerm#11211",
            check: subnets_stay_inside,
        },
    ];

    const DELETION_RULES: &'static [DeletionRule] = &[DeletionRule {
        id: "VNET-06",
        scope: Scope::State,
        says: "A virtual network with subnets cannot be deleted.",
        codes: &[Code::InUseSubnetCannotBeDeleted],
        cure: Cures::Waits,
        at_apply: None,
        remedy: "Delete the subnets.",
        source: "recorded",
        check: in_use::is_not_used::<Self>,
    }];
    const USES: &'static [Use] = &[Use {
        rule: "VNET-06",
        code: Code::InUseSubnetCannotBeDeleted,
        by: By::Objects {
            kind: Kind::Subnet,
            part: "A subnet",
            does: "is in this virtual network",
            remedy: "Delete its subnets",
        },
    }];

    const ALLOCATES: bool = false;
    const HOT_FIELDS: &'static [&'static str] = &["subnetCount"];

    fn counts(&self, placement: &Placement) -> Vec<Quota> {
        vec![Quota::VirtualNetworks(placement.clone())]
    }

    fn apply(engine: &mut Engine, name: &Name, before: Option<&Self>) {
        let dns = |network: &Self| network.dns_servers.clone();
        if before.map(dns) != engine.get::<Self>(name).map(|programmed| dns(&programmed.ask)) {
            touch_nics(engine, name);
        }
        if let Some(before) = before.filter(|before| retains_any_of(engine, name, &before.address_prefixes))
            && let Some(programmed) = engine.get_mut::<Self>(name)
        {
            programmed.held.retained.extend(&before.address_prefixes);
        }
        release_prefixes(engine, name);
    }

    fn release(_: &mut Engine, _: &Name, _: &Programmed<Self>) {}

    fn restore_held(engine: &mut Engine, name: &Name, view: &VirtualNetworkView) -> Vec<String> {
        if let Some(programmed) = engine.get_mut::<Self>(name) {
            programmed.held.retained = view.retained_address_prefixes.iter().copied().collect();
        }
        Vec::new()
    }

    fn observe(engine: &Engine, name: &Name, programmed: &Programmed<Self>) -> VirtualNetworkView {
        VirtualNetworkView {
            subnet_count: i32::try_from(subnets_of(engine, name).len()).ok(),
            retained_address_prefixes: programmed.held.retained.iter().copied().collect(),
        }
    }

    fn progress(engine: &Engine, name: &Name, programmed: &Programmed<Self>) -> Option<(&'static str, String)> {
        let retained = programmed.held.retained.first()?;
        let subnet = subnet_outside(engine, name, &programmed.ask, retained)?;
        let id = ObjectId::new(Kind::Subnet, subnet.clone());
        Some((
            "PrefixStillUsed",
            format!("{retained} stays in the address space until {id} has moved out of it, or is deleted."),
        ))
    }
}

/// Where the spec has the address space.
const PREFIXES: &str = "spec.addressSpace.addressPrefixes";

/// The ranges that no virtual network may use (VNET-01).
const FORBIDDEN: [&str; 5] = ["224.0.0.0/4", "255.255.255.255/32", "127.0.0.0/8", "169.254.0.0/16", "168.63.129.16/32"];

fn prefixes_are_usable(case: &Case<'_, VirtualNetwork>, findings: &mut Findings) {
    for (n, prefix) in case.ask.address_prefixes.iter().enumerate() {
        let forbidden = FORBIDDEN.iter().filter_map(|text| text.parse::<IpNet>().ok());
        for forbidden in forbidden.filter(|forbidden| overlap(prefix, forbidden)) {
            let found = VirtualNetworkFinding::Forbidden { prefix: *prefix, forbidden };
            findings.add(format!("{PREFIXES}[{n}]"), found);
        }
    }
}

fn dns_servers_are_few(case: &Case<'_, VirtualNetwork>, findings: &mut Findings) {
    dns_servers::are_few(&case.ask.dns_servers, "spec.dhcpOptions.dnsServers", findings);
}

fn subnets_stay_inside(case: &Case<'_, VirtualNetwork>, findings: &mut Findings) {
    // What lay outside before is not taken away by this edit: it is in a prefix that is kept until then.
    let was_outside = |prefix: &IpNet| case.before().is_some_and(|before| !before.contains(prefix));
    let subnets = subnets_of(case.engine, case.name);
    let outside = subnets.iter().filter_map(|name| {
        let mut prefixes = case.engine.get::<Subnet>(name)?.ask.prefixes();
        let prefix = prefixes.find(|prefix| !case.ask.contains(prefix) && !was_outside(prefix))?;
        let has_addresses =
            IpVersion::ALL.iter().any(|version| private_addresses::taken(case.engine, name, *version).next().is_some());
        let subnet = ObjectId::new(Kind::Subnet, name.clone());
        (has_addresses || !leaves(case, name)).then_some(Outside { range: prefix, subnet, has_addresses })
    });
    let mut outside = outside.collect::<Vec<_>>().into_iter();
    if let Some(first) = outside.next() {
        let network = case.name.clone();
        findings.add(PREFIXES, VirtualNetworkFinding::SubnetsOutside { first, others: outside.collect(), network });
    }
}

/// What breaks a rule of virtual networks.
enum VirtualNetworkFinding {
    /// A prefix overlaps a range that no virtual network may use.
    Forbidden { prefix: IpNet, forbidden: IpNet },
    /// Subnets would lie outside the address space.
    SubnetsOutside { first: Outside, others: Vec<Outside>, network: Name },
}

/// A subnet with a range that would lie outside the address space.
struct Outside {
    range: IpNet,
    subnet: ObjectId,
    has_addresses: bool,
}

impl Finding for VirtualNetworkFinding {
    fn violation(self, at: Place) -> Violation {
        match self {
            Self::Forbidden { prefix, forbidden } => at.refuse(
                Code::InvalidAddressPrefixFormat,
                format!("{prefix} overlaps {forbidden}, which no virtual network may use."),
                "Choose a range of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16, or one of your own.",
            ),
            Self::SubnetsOutside { first, others, network } => {
                let so_on = and_so_on(1 + others.len());
                let Outside { range, subnet, has_addresses } = &first;
                let remedy = format!(
                    "Keep a prefix that contains {range}, or delete {subnet}, or move it into the new address space, for which it must have no addresses{so_on}."
                );
                // Once it is empty, a subnet that is asked to leave may.
                let emptied = has_addresses.then(|| WaitKey::Members(subnet.clone()));
                let all = || std::iter::once(&first).chain(&others);
                let named = first_of(all().map(|Outside { range, subnet, .. }| format!("{range} of {subnet}")));
                let violation = at.refuse(
                    Code::InUsePrefixCannotBeDeleted,
                    format!("{named} would lie outside the address space."),
                    remedy,
                );
                emptied
                    .into_iter()
                    .fold(violation, Violation::until)
                    .until_all_changed(all().map(|outside| outside.subnet.clone()))
                    .cites(WaitKey::members(Kind::VirtualNetwork, &network))
            }
        }
    }
}

/// True if a subnet is asked to lie in the new address space alone, or to go (S-87).
fn leaves(case: &Case<'_, VirtualNetwork>, subnet: &Name) -> bool {
    match case.engine.pending.get(&ObjectId::new(Kind::Subnet, subnet.clone())) {
        Some(Pending::Edit(Ask::Subnet(subnet))) => {
            subnet.virtual_network == *case.name && subnet.prefixes().all(|prefix| case.ask.contains(&prefix))
        }
        Some(Pending::Deletion) => true,
        Some(Pending::Edit(_)) | None => false,
    }
}

/// A subnet with a range in `prefix` that the address space as asked does not contain.
fn subnet_outside<'a>(engine: &'a Engine, network: &Name, ask: &VirtualNetwork, prefix: &IpNet) -> Option<&'a Name> {
    let mut inside = engine.ranges_of.get(network)?.overlapping(*prefix);
    inside.find(|(range, _)| prefix.contains(range) && !ask.contains(range)).map(|(_, subnet)| subnet)
}

fn retains_any_of(engine: &Engine, name: &Name, prefixes: &[IpNet]) -> bool {
    let Some(programmed) = engine.get::<VirtualNetwork>(name) else { return false };
    prefixes.iter().any(|prefix| subnet_outside(engine, name, &programmed.ask, prefix).is_some())
}

/// Drops the prefixes that were kept for subnets which have moved or gone.
pub(super) fn release_prefixes(engine: &mut Engine, name: &Name) {
    let Some(programmed) = engine.get::<VirtualNetwork>(name).filter(|network| !network.held.retained.is_empty())
    else {
        return;
    };
    let is_used = |prefix: &&IpNet| subnet_outside(engine, name, &programmed.ask, prefix).is_some();
    let used: BTreeSet<IpNet> = programmed.held.retained.iter().filter(is_used).copied().collect();
    let is_widest = |prefix: &&IpNet| !used.iter().any(|other| other != *prefix && other.contains(*prefix));
    let used: BTreeSet<IpNet> = used.iter().filter(is_widest).copied().collect();
    if let Some(programmed) = engine.get_mut::<VirtualNetwork>(name).filter(|network| network.held.retained != used) {
        programmed.held.retained = used;
        engine.touch(Kind::VirtualNetwork, name);
        engine.wake(WaitKey::object(Kind::VirtualNetwork, name));
    }
}

impl VirtualNetwork {
    /// True if one prefix of the address space contains all of `prefix`.
    pub fn contains(&self, prefix: &IpNet) -> bool {
        self.address_prefixes.iter().any(|space| space.contains(prefix))
    }
}

/// True if two prefixes share an address.
pub fn overlap(one: &IpNet, other: &IpNet) -> bool {
    one.contains(other) || other.contains(one)
}

/// The subnets of a virtual network.
fn subnets_of<'a>(engine: &'a Engine, name: &Name) -> &'a Names {
    engine.referrers(&ObjectId::new(Kind::VirtualNetwork, name.clone()), Kind::Subnet)
}

/// The reports of all NICs of a virtual network may have changed.
fn touch_nics(engine: &mut Engine, name: &Name) {
    let subnets = subnets_of(engine, name).iter().map(|subnet| ObjectId::new(Kind::Subnet, subnet.clone()));
    let nics = subnets.flat_map(|subnet| engine.referrers(&subnet, Kind::NetworkInterface).iter().cloned());
    for nic in nics.collect::<Vec<_>>() {
        engine.touch(Kind::NetworkInterface, &nic);
    }
}
