//! Quotas: how much of a thing there may be in one subscription and region, and in one virtual network
//! (ADDR-14, NIC-12, PIP-21, VNET-12, ARM-11).
//!
//! Those of a subscription are off unless they are asked for (S-11); support raises them for who asks. That of a virtual
//! network always holds.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use super::engine::Engine;
use super::id::{Name, Placement};
use super::limits;
use super::resource::{Case, Resource};
use super::violation::{Code, Finding, Findings, Place, Violation, WaitKey};

/// A quota, and the subscription and region or the virtual network that it limits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quota {
    /// Virtual networks (VNET-12).
    VirtualNetworks(Placement),
    /// Network interfaces (NIC-12).
    NetworkInterfaces(Placement),
    /// Public IPv4 addresses of SKU Basic (PIP-21).
    BasicPublicIPAddresses(Placement),
    /// Those of them that are Static (PIP-21).
    StaticPublicIPAddresses(Placement),
    /// Public addresses of SKU Standard (PIP-21).
    StandardPublicIPAddresses(Placement),
    /// Private addresses of a virtual network (ADDR-14).
    PrivateAddresses(Name),
}

impl Quota {
    /// How much there may be.
    pub fn limit(&self) -> u64 {
        match self {
            Quota::VirtualNetworks(_) => limits::VNETS_PER_SUBSCRIPTION,
            Quota::NetworkInterfaces(_) => limits::NICS_PER_SUBSCRIPTION,
            Quota::BasicPublicIPAddresses(_)
            | Quota::StaticPublicIPAddresses(_)
            | Quota::StandardPublicIPAddresses(_) => limits::PUBLIC_ADDRESSES_PER_SUBSCRIPTION,
            Quota::PrivateAddresses(_) => limits::PRIVATE_ADDRESSES_PER_VNET,
        }
    }

    fn code(&self) -> Code {
        match self {
            Quota::VirtualNetworks(_) => Code::VnetCountLimitReached,
            Quota::BasicPublicIPAddresses(_) => Code::IPv4BasicSkuPublicIpCountLimitReached,
            Quota::StaticPublicIPAddresses(_) => Code::PublicIPCountLimitReached,
            Quota::StandardPublicIPAddresses(_) => Code::StandardSkuPublicIPCountLimitReached,
            Quota::NetworkInterfaces(_) | Quota::PrivateAddresses(_) => Code::QuotaExceeded,
        }
    }

    /// Whether it is a subscription's, which holds only where it is asked for.
    fn is_optional(&self) -> bool {
        !matches!(self, Quota::PrivateAddresses(_))
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Quota::VirtualNetworks(place) => write!(f, "virtual networks in {place}"),
            Quota::NetworkInterfaces(place) => write!(f, "network interfaces in {place}"),
            Quota::BasicPublicIPAddresses(place) => write!(f, "Basic public IPv4 addresses in {place}"),
            Quota::StaticPublicIPAddresses(place) => write!(f, "Static public addresses of SKU Basic in {place}"),
            Quota::StandardPublicIPAddresses(place) => write!(f, "Standard public addresses in {place}"),
            Quota::PrivateAddresses(network) => write!(f, "private addresses in VirtualNetwork {network}"),
        }
    }
}

/// Whether the quotas of subscriptions hold (S-11).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quotas {
    /// They do not.
    #[default]
    Off,
    /// Those that a new subscription has.
    Enforced,
}

/// What is used of each quota.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usage(BTreeMap<Quota, u64>);

impl Usage {
    pub(super) fn add(&mut self, quota: Quota, count: u64) {
        *self.0.entry(quota).or_default() += count;
    }

    pub(super) fn give_back(&mut self, quota: Quota, count: u64) {
        if let Some(used) = self.0.get_mut(&quota) {
            *used = used.saturating_sub(count);
            if *used == 0 {
                self.0.remove(&quota);
            }
        }
    }

    /// How much is used.
    pub fn of(&self, quota: &Quota) -> u64 {
        self.0.get(quota).copied().unwrap_or(0)
    }
}

impl Engine {
    /// True if `count` more are allowed beside what is there and what is reserved.
    pub(super) fn has_left(&self, quota: &Quota, count: u64) -> bool {
        quota.is_optional() && self.settings.quotas == Quotas::Off
            || self.usage.of(quota).saturating_add(self.ledger.total(quota)).saturating_add(count) <= quota.limit()
    }
}

/// Refuses an object that exceeds a quota it newly counts towards.
pub(super) fn is_not_exceeded<K: Resource>(case: &Case<'_, K>, findings: &mut Findings) {
    let before = case.before().map(|before| before.counts(case.placement)).unwrap_or_default();
    for quota in case.ask.counts(case.placement).into_iter().filter(|quota| !before.contains(quota)) {
        let own = case.engine.reserved_quota(K::KIND, case.name, &quota);
        needs(case.engine, quota, 1, own, "metadata.name", findings);
    }
}

/// Finds that `count` more of `quota` are not allowed beside what is reserved for others; `own` are reserved for the requester.
pub(super) fn needs(engine: &Engine, quota: Quota, count: u64, own: u64, path: &str, findings: &mut Findings) {
    if count > 0 && !engine.has_left_beside(&quota, count, own) {
        findings.add(path, QuotaFinding::Exceeded { quota, count });
    }
}

/// What breaks the rules of quotas.
enum QuotaFinding {
    /// So many more are asked for than a quota allows.
    Exceeded { quota: Quota, count: u64 },
}

impl Finding for QuotaFinding {
    fn violation(self, at: Place) -> Violation {
        match self {
            Self::Exceeded { quota, count } => at
                .refuse(
                    quota.code(),
                    format!("{count} more would exceed the quota of {} {quota}.", quota.limit()),
                    "Delete some that are not used; this object is then retried automatically.",
                )
                .until_room(WaitKey::Quota(quota)),
        }
    }
}
