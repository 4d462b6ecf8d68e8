//! Public IP prefixes: contiguous blocks of public addresses that Standard public addresses are taken from (PIP-16, S-19).

#[cfg(test)]
mod tests;

use ipnet::{IpNet, Ipv4Net};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::engine::Engine;
use super::id::{Kind, Name, ObjectId, ShownRef};
use super::in_use::{self, By, Use};
use super::ipam::{Pool, PoolId, Reservation, all_of};
use super::limits;
use super::resource::{AtApply, Case, Cures, DeletionRule, Programmed, Resource, Rule, Scope};
use super::violation::{Code, Finding, Findings, Place, Violation, WaitKey};
use super::virtual_machine_scale_set;
use super::zones::{self, Zones};

/// What is asked of a public IP prefix. Its SKU is Standard; there is no other.
#[derive(Clone, Debug, PartialEq)]
pub struct PublicIPPrefix {
    /// The length of the prefix, 28 to 31.
    pub length: u8,
    /// The availability zones that its addresses are in (PIP-27).
    pub zones: Zones,
}

/// What the fabric holds of a public IP prefix.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeldPublicIPPrefix {
    /// The allocated range of addresses.
    pub prefix: Option<Ipv4Net>,
}

/// What the fabric reports of a public IP prefix.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicIPPrefixView {
    /// The allocated range of addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", length(max = 18))]
    pub ip_prefix: Option<Ipv4Net>,
    /// The number of PublicIPAddress objects that are allocated from the prefix.
    #[serde(default, rename = "publicIPAddressCount", skip_serializing_if = "Option::is_none")]
    pub public_ip_address_count: Option<i32>,
    /// The PublicIPAddress objects that are allocated from the prefix: the first 100 by name.
    #[serde(default, rename = "publicIPAddresses", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::MEMBERS_SHOWN), extend("x-kubernetes-list-type" = "atomic"))]
    pub public_ip_addresses: Vec<ShownRef>,
}

impl Resource for PublicIPPrefix {
    type Held = HeldPublicIPPrefix;
    type View = PublicIPPrefixView;

    const ARM_TYPE: &'static str = "Microsoft.Network/publicIPPrefixes";
    const RULES: &'static [Rule<Self>] = &[
        Rule {
            id: "S-19",
            scope: Scope::Spec,
            says: "The length of a public prefix is 28 to 31.",
            codes: &[Code::InvalidParameter],
            cure: Cures::Stalls,
            at_apply: Some(AtApply::Schema),
            remedy: "Choose a length from 28 to 31.",
            source: "azure-docs; azure-virtual-network-limits.md",
            check: length_is_supported,
        },
        Rule {
            id: "S-14",
            scope: Scope::State,
            says: "The length of a public prefix is fixed at creation.",
            codes: &[Code::PropertyChangeNotAllowed],
            cure: Cures::Stalls,
            at_apply: None,
            remedy: "Create another prefix.",
            source: "Azure's resource model",
            check: length_is_fixed,
        },
        Rule {
            id: "PIP-27",
            scope: Scope::State,
            says: "The zones of a public prefix are fixed at creation, and each is listed once.",
            codes: &[Code::InvalidParameter, Code::PropertyChangeNotAllowed],
            cure: Cures::Stalls,
            at_apply: None,
            remedy: "Keep the zones, or create another prefix.",
            source: "azure-docs public-ip-addresses.md; availability-zones",
            check: zones::are_fixed,
        },
        Rule {
            id: "PIP-16",
            scope: Scope::State,
            says: "The addresses of a public prefix are contiguous, from a pool that has such a block free.",
            codes: &[Code::AllocationFailed],
            cure: Cures::Waits,
            at_apply: None,
            remedy: "Delete what is not used, or enlarge the pool.",
            source: "recorded",
            check: pool_has_a_block,
        },
    ];

    const DELETION_RULES: &'static [DeletionRule] = &[DeletionRule {
        id: "S-19",
        scope: Scope::State,
        says: "A public prefix that addresses are taken from, or that a model of a scale set names, cannot be deleted.",
        codes: &[Code::InUsePublicIpPrefixCannotBeDeleted],
        cure: Cures::Waits,
        at_apply: None,
        remedy: "Delete the public addresses that are taken from it; delete the scale set, or change its model.",
        source: "Azure's resource model",
        check: in_use::is_not_used::<Self>,
    }];
    const USES: &'static [Use] = &[
        Use { rule: "S-19", code: Code::InUsePublicIpPrefixCannotBeDeleted, by: By::Models },
        Use {
            rule: "S-19",
            code: Code::InUsePublicIpPrefixCannotBeDeleted,
            by: By::Objects {
                kind: Kind::PublicIPAddress,
                part: "A public address",
                does: "is taken from this prefix",
                remedy: "Delete the public addresses that are taken from it",
            },
        },
    ];
    const HOT_FIELDS: &'static [&'static str] = &["publicIPAddressCount", "publicIPAddresses"];

    fn zones(&self) -> Option<&Zones> {
        Some(&self.zones)
    }

    fn apply(engine: &mut Engine, name: &Name, _: Option<&Self>) {
        let Some(programmed) = engine.get::<Self>(name).filter(|programmed| programmed.held.prefix.is_none()) else {
            return;
        };
        let block = engine.pool(&PoolId::Public).and_then(|pool| pool.lowest_free_block(programmed.ask.length));
        if let Some(block) = block {
            hold(engine, name, block);
            virtual_machine_scale_set::on_pool_changed(engine, &ObjectId::new(Kind::PublicIPPrefix, name.clone()));
        }
    }

    fn release(engine: &mut Engine, name: &Name, gone: &Programmed<Self>) {
        let own = PoolId::Prefix(name.clone());
        engine.pools.remove(&own);
        engine.wake(WaitKey::Capacity(own));
        if let (Some(prefix), Some(public)) = (gone.held.prefix, engine.pools.get_mut(&PoolId::Public)) {
            for address in all_of(prefix) {
                public.release(address);
            }
            engine.wake(WaitKey::Capacity(PoolId::Public));
        }
    }

    fn restore_held(engine: &mut Engine, name: &Name, view: &PublicIPPrefixView) -> Vec<String> {
        let Some(prefix) = view.ip_prefix else { return Vec::new() };
        let asked = engine.get::<Self>(name).is_some_and(|programmed| programmed.ask.length == prefix.prefix_len());
        let free = engine.pool(&PoolId::Public).is_some_and(|pool| pool.is_free_block(prefix));
        if asked && free {
            hold(engine, name, prefix);
            return Vec::new();
        }
        vec![format!("prefix {prefix} is not all free, or of no pool")]
    }

    fn observe(engine: &Engine, name: &Name, programmed: &Programmed<Self>) -> PublicIPPrefixView {
        let members = engine.referrers(&ObjectId::new(Kind::PublicIPPrefix, name.clone()), Kind::PublicIPAddress);
        PublicIPPrefixView {
            ip_prefix: programmed.held.prefix,
            public_ip_address_count: i32::try_from(members.len()).ok(),
            public_ip_addresses: members.shown_to(name),
        }
    }
}

/// Where the spec has the length.
const LENGTH: &str = "spec.prefixLength";

fn length_is_supported(case: &Case<'_, PublicIPPrefix>, findings: &mut Findings) {
    if !limits::PUBLIC_PREFIX_LENGTHS.contains(&case.ask.length) {
        refuse_length(case.ask.length.into(), findings);
    }
}

/// Finds that a public prefix cannot be of this length (S-19).
pub fn refuse_length(length: i32, findings: &mut Findings) {
    findings.add(LENGTH, PublicIPPrefixFinding::Length { length });
}

fn length_is_fixed(case: &Case<'_, PublicIPPrefix>, findings: &mut Findings) {
    let Some(before) = case.before().filter(|before| before.length != case.ask.length) else { return };
    findings.add(LENGTH, PublicIPPrefixFinding::LengthChanged { before: before.length });
}

fn pool_has_a_block(case: &Case<'_, PublicIPPrefix>, findings: &mut Findings) {
    let has_one = case.programmed.is_some_and(|programmed| programmed.held.prefix.is_some());
    let length = case.ask.length;
    if has_one || !limits::PUBLIC_PREFIX_LENGTHS.contains(&length) {
        return;
    }
    let Some(pool) = case.engine.pool(&PoolId::Public).filter(|pool| pool.lowest_free_block(length).is_none()) else {
        return;
    };
    findings.add(LENGTH, PublicIPPrefixFinding::NoBlock { length, pool: pool.prefix() });
}

/// What breaks a rule of public prefixes.
enum PublicIPPrefixFinding {
    /// A public prefix cannot be of this length.
    Length { length: i32 },
    /// The prefix was created with another length.
    LengthChanged { before: u8 },
    /// No block of this length is all free in the public pool.
    NoBlock { length: u8, pool: IpNet },
}

impl Finding for PublicIPPrefixFinding {
    fn violation(self, at: Place) -> Violation {
        match self {
            Self::Length { length } => {
                let (least, most) = limits::PUBLIC_PREFIX_LENGTHS.into_inner();
                at.refuse(
                    Code::InvalidParameter,
                    format!("{length} is not a valid length of a public prefix."),
                    format!("Choose a length from {least} (16 addresses) to {most} (2 addresses)."),
                )
            }
            Self::LengthChanged { before } => at.refuse_change(
                Code::PropertyChangeNotAllowed,
                format!("The prefix was created as a /{before}."),
                format!("Set prefixLength to {before}, or create another prefix."),
            ),
            Self::NoBlock { length, pool } => at
                .refuse(
                    Code::AllocationFailed,
                    format!("No /{length} of {pool} is all free."),
                    "Delete public prefixes and addresses that are not used, or run the operator with a larger --public-ip-pool.",
                )
                .until_room(WaitKey::Capacity(PoolId::Public)),
        }
    }
}

fn hold(engine: &mut Engine, name: &Name, prefix: Ipv4Net) {
    if let Some(public) = engine.pools.get_mut(&PoolId::Public) {
        for address in all_of(prefix) {
            public.reserve(address);
        }
    }
    let (id, mut pool) = (PoolId::Prefix(name.clone()), Pool::new(IpNet::V4(prefix), Reservation::None));
    engine.requested.of(&id).for_each(|address| pool.request(address));
    engine.pools.insert(id, pool);
    if let Some(programmed) = engine.get_mut::<PublicIPPrefix>(name) {
        programmed.held.prefix = Some(prefix);
    }
    engine.wake(WaitKey::Capacity(PoolId::Prefix(name.clone())));
}
