//! Virtual networks: address spaces that subnets are cut from (VNET-01 to VNET-12).

#[cfg(test)]
mod tests;

use std::net::IpAddr;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::engine::Engine;
use super::id::{Kind, Name, ObjectId, Placement};
use super::limits;
use super::quota::{self, Quota};
use super::resource::{Case, Cures, DELETION_PATH, DeletionRule, Programmed, Resource, Rule};
use super::subnet::Subnet;
use super::violation::{Code, Findings, WaitKey, and_others, and_so_on, first_of};

/// What is asked of a virtual network.
#[derive(Clone, Debug, PartialEq)]
pub struct VirtualNetwork {
    /// The prefixes of its address space, without host bits.
    pub address_prefixes: Vec<IpNet>,
    /// The DNS servers of NICs that name none; none means the platform's.
    pub dns_servers: Vec<IpAddr>,
}

/// What the fabric reports of a virtual network.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VirtualNetworkView {
    /// How many subnets it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet_count: Option<i32>,
}

impl Resource for VirtualNetwork {
    type Held = ();
    type View = VirtualNetworkView;

    const RULES: &'static [Rule<Self>] = &[
        Rule {
            id: "VNET-01",
            says: "An address prefix is in CIDR notation, and none of the ranges that the platform or the Internet protocol keeps for itself.",
            codes: &[Code::InvalidAddressPrefixFormat],
            cure: Cures::Stalls,
            remedy: "Choose a private range, or one of your own.",
            source: "virtual-networks-faq.md",
            check: prefixes_are_usable,
        },
        Rule {
            id: "VNET-10",
            says: "A virtual network has at most 20 DNS servers, each an IP address.",
            codes: &[Code::NetcfgInvalidDnsServer],
            cure: Cures::Stalls,
            remedy: "List at most 20.",
            source: "azure-virtual-network-limits.md",
            check: dns_servers_are_few,
        },
        Rule {
            id: "VNET-12",
            says: "A subscription has at most 1,000 virtual networks in a region; off unless asked for.",
            codes: &[Code::VnetCountLimitReached],
            cure: Cures::Waits,
            remedy: "Delete virtual networks that are not used.",
            source: "azure-virtual-network-limits.md; ARM-11, S-11",
            check: quota::is_not_exceeded,
        },
        Rule {
            id: "S-15",
            says: "A prefix that a subnet lies in cannot be taken away.",
            codes: &[Code::InUsePrefixCannotBeDeleted],
            cure: Cures::Waits,
            remedy: "Keep the prefix, or delete the subnet first.",
            source: "terraform-provider-azurerm#11211",
            check: subnets_stay_inside,
        },
    ];

    const DELETION_RULES: &'static [DeletionRule] = &[DeletionRule {
        id: "VNET-06",
        says: "A virtual network with subnets cannot be deleted.",
        codes: &[Code::InUseSubnetCannotBeDeleted],
        cure: Cures::Waits,
        remedy: "Delete the subnets.",
        source: "recorded",
        check: has_no_subnets,
    }];

    const ALLOCATES: bool = false;
    const HOT_FIELDS: &'static [&'static str] = &["subnetCount"];

    fn resource_path(&self, name: &Name) -> String {
        format!("Microsoft.Network/virtualNetworks/{}", name.name)
    }

    fn counts(&self, placement: &Placement) -> Vec<Quota> {
        vec![Quota::VirtualNetworks(placement.clone())]
    }

    fn apply(engine: &mut Engine, name: &Name, before: Option<&Self>) {
        let dns = |network: &Self| network.dns_servers.clone();
        if before.map(dns) != engine.get::<Self>(name).map(|programmed| dns(&programmed.ask)) {
            touch_nics(engine, name);
        }
    }

    fn release(_: &mut Engine, _: &Name, _: &Programmed<Self>) {}

    fn recall(_: &mut Engine, _: &Name, _: &VirtualNetworkView) -> Vec<String> {
        Vec::new()
    }

    fn observe(engine: &Engine, name: &Name, _: &Programmed<Self>) -> VirtualNetworkView {
        let subnets = engine.subnets_of.get(name).map_or(0, |subnets| subnets.len());
        VirtualNetworkView { subnet_count: i32::try_from(subnets).ok() }
    }
}

/// The ranges that no virtual network may use (VNET-01).
const FORBIDDEN: [&str; 5] = ["224.0.0.0/4", "255.255.255.255/32", "127.0.0.0/8", "169.254.0.0/16", "168.63.129.16/32"];

fn prefixes_are_usable(case: &Case<'_, VirtualNetwork>, findings: &mut Findings) {
    for (n, prefix) in case.ask.address_prefixes.iter().enumerate() {
        let path = format!("spec.addressSpace.addressPrefixes[{n}]");
        for forbidden in FORBIDDEN.iter().filter_map(|text| text.parse::<IpNet>().ok()) {
            if overlap(prefix, &forbidden) {
                findings.refuse(
                    Code::InvalidAddressPrefixFormat,
                    &path,
                    format!("{prefix} overlaps {forbidden}, which no virtual network may use."),
                    "Choose a range of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16, or one of your own.",
                );
            }
        }
    }
}

fn dns_servers_are_few(case: &Case<'_, VirtualNetwork>, findings: &mut Findings) {
    let count = case.ask.dns_servers.len();
    if count > limits::DNS_SERVERS {
        findings.refuse(
            Code::NetcfgInvalidDnsServer,
            "spec.dhcpOptions.dnsServers",
            format!("{count} DNS servers are listed."),
            format!("List at most {}.", limits::DNS_SERVERS),
        );
    }
}

fn subnets_stay_inside(case: &Case<'_, VirtualNetwork>, findings: &mut Findings) {
    let subnets = case.engine.subnets_of.get(case.name).into_iter().flatten();
    let outside = subnets.filter_map(|name| {
        let mut prefixes = case.engine.get::<Subnet>(name)?.ask.prefixes();
        Some((prefixes.find(|prefix| !case.ask.contains(prefix))?, ObjectId::new(Kind::Subnet, name.clone())))
    });
    let outside: Vec<(IpNet, ObjectId)> = outside.collect();
    let Some((prefix, first)) = outside.first() else { return };
    let remedy = format!("Keep a prefix that contains {prefix}, or delete {first} first{}.", and_so_on(outside.len()));
    let named = first_of(outside.iter().map(|(prefix, id)| format!("{prefix} of {id}")));
    findings
        .refuse(
            Code::InUsePrefixCannotBeDeleted,
            "spec.addressSpace.addressPrefixes",
            format!("{named} would lie outside the address space."),
            remedy,
        )
        .until_all_gone(outside.into_iter().map(|(_, id)| id))
        .as_of(WaitKey::members(Kind::VirtualNetwork, case.name));
}

fn has_no_subnets(engine: &Engine, name: &Name, findings: &mut Findings) {
    let Some(subnets) = engine.subnets_of.get(name) else { return };
    let Some(first) = subnets.first() else { return };
    let id = ObjectId::new(Kind::Subnet, first.clone());
    findings
        .refuse(
            Code::InUseSubnetCannotBeDeleted,
            DELETION_PATH,
            format!("{id} is in this virtual network{}.", and_others(subnets.len())),
            "Delete its subnets; it is then deleted automatically.",
        )
        .until_members_gone(ObjectId::new(Kind::VirtualNetwork, name.clone()), Kind::Subnet, subnets);
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

/// The reports of all NICs of a virtual network may have changed.
fn touch_nics(engine: &mut Engine, name: &Name) {
    let subnets = engine.subnets_of.get(name).cloned().unwrap_or_default();
    let nics: Vec<Name> = subnets.iter().filter_map(|subnet| engine.nics_in.get(subnet)).flatten().cloned().collect();
    for nic in nics {
        engine.touch(Kind::NetworkInterface, &nic);
    }
}
