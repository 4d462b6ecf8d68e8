//! The rules of the pools of public addresses: the public one, and those of prefixes (PIP-04, PIP-05, PIP-16).

use ipnet::IpNet;

use crate::fabric::engine::Engine;
use crate::fabric::id::{Kind, Name, ObjectId};
use crate::fabric::ipam::{PoolId, shortage};
use crate::fabric::public_ip_address::PublicIPAddress;
use crate::fabric::public_ip_prefix::PublicIPPrefix;
use crate::fabric::resource::{Case, Programmed};
use crate::fabric::terms::{AllocationMethod, IpVersion};
use crate::fabric::violation::{Code, Finding, Findings, Place, Violation, WaitKey};

pub(super) fn pool_has_one(case: &Case<'_, PublicIPAddress>, findings: &mut Findings) {
    let has_one = case.programmed.is_some_and(|programmed| programmed.held.address.is_some())
        || has_reserved(case.engine, case.name, &case.ask.pool());
    if !has_one && case.ask.is_allocated_at_creation() && case.ask.requested_address.is_none() {
        let path = match case.ask.public_ip_prefix {
            Some(_) => "spec.publicIPPrefix",
            None => "spec.publicIPAllocationMethod",
        };
        public_pool_has_room(case.engine, &case.ask.pool(), 1, 0, path, findings);
    }
}

/// That the public pool has too few addresses available for the Dynamic ones of `public` that have none yet.
pub(in crate::fabric) fn dynamic_shortfall<'a>(
    engine: &Engine,
    public: impl Iterator<Item = &'a Name>,
) -> Option<DynamicShortfall> {
    let lacks = |public: &Programmed<PublicIPAddress>| {
        let PublicIPAddress { method, version, .. } = public.ask;
        public.held.address.is_none() && method == AllocationMethod::Dynamic && version == IpVersion::IPv4
    };
    let public = public.filter_map(|name| Some((name, engine.get::<PublicIPAddress>(name)?)));
    let lacking = public.filter(|(name, public)| lacks(public) && !has_reserved(engine, name, &public.ask.pool()));
    let lacking: Vec<Name> = lacking.map(|(name, _)| name.clone()).collect();
    let count = u64::try_from(lacking.len()).unwrap_or(u64::MAX);
    let pool = engine.pool(&PoolId::Public).filter(|pool| pool.available() < count)?;
    Some(DynamicShortfall { pool: pool.prefix(), lacking, until: Vec::new() })
}

/// True if the scale set that makes a public address has reserved one for it (S-90).
fn has_reserved(engine: &Engine, name: &Name, pool: &PoolId) -> bool {
    engine.ledger.address_of(&ObjectId::new(Kind::PublicIPAddress, name.clone()), "", pool).is_some()
}

/// Finds that a public pool has fewer addresses free than are needed; `own` are reserved for the requester.
pub(in crate::fabric) fn public_pool_has_room(
    engine: &Engine,
    id: &PoolId,
    count: u64,
    own: u64,
    path: &str,
    findings: &mut Findings,
) {
    let has_no_block = |prefix: &Name| engine.get::<PublicIPPrefix>(prefix).is_some_and(|it| it.held.prefix.is_none());
    if let PoolId::Prefix(prefix) = id
        && has_no_block(prefix)
    {
        findings.add(path, PublicPoolFinding::PrefixHasNoBlock { prefix: prefix.clone() });
        return;
    }
    let Some(pool) = engine.pool(id).filter(|pool| pool.available().saturating_add(own) < count) else { return };
    let range = pool.prefix();
    match id {
        PoolId::Prefix(prefix) => {
            findings.add(path, PublicPoolFinding::PrefixExhausted { prefix: prefix.clone(), range, count });
        }
        PoolId::Public | PoolId::SubnetIPv4(_) | PoolId::SubnetIPv6(_) => {
            findings.add(path, PublicPoolFinding::Exhausted { range, count });
        }
    }
}

/// What leaves a pool of public addresses without enough of them.
enum PublicPoolFinding {
    /// No block is allocated to the public prefix yet.
    PrefixHasNoBlock { prefix: Name },
    /// The public prefix has fewer addresses available than are required.
    PrefixExhausted { prefix: Name, range: IpNet, count: u64 },
    /// The public pool has fewer addresses available than are required.
    Exhausted { range: IpNet, count: u64 },
}

impl Finding for PublicPoolFinding {
    fn violation(self, at: Place) -> Violation {
        match self {
            Self::PrefixHasNoBlock { prefix } => {
                of_prefix(at, format!("PublicIPPrefix {prefix} has no addresses."), prefix)
            }
            Self::PrefixExhausted { prefix, range, count } => {
                of_prefix(at, shortage(count, &format!("PublicIPPrefix {prefix} ({range})")), prefix)
            }
            Self::Exhausted { range, count } => of_public_pool(at, shortage(count, &range.to_string())),
        }
    }
}

/// A virtual machine that runs requires more addresses of the public pool than are available.
pub(in crate::fabric) struct DynamicShortfall {
    pool: IpNet,
    /// The Dynamic public addresses that have no address.
    lacking: Vec<Name>,
    until: Vec<WaitKey>,
}

impl DynamicShortfall {
    /// With what else changes how many addresses the virtual machine requires.
    pub fn until(self, keys: impl IntoIterator<Item = WaitKey>) -> Self {
        Self { until: keys.into_iter().collect(), ..self }
    }
}

impl Finding for DynamicShortfall {
    fn violation(self, at: Place) -> Violation {
        // How many they are changes with the network interfaces of the machine.
        let fact = format!(
            "{} has fewer addresses available than the Dynamic public addresses of the virtual machine require.",
            self.pool
        );
        // One that is Static by then, or has gone, requires none.
        let lacking = self.lacking.iter().map(|name| WaitKey::object(Kind::PublicIPAddress, name));
        lacking.chain(self.until).fold(of_public_pool(at, fact), Violation::until)
    }
}

fn of_public_pool(at: Place, fact: String) -> Violation {
    let remedy = "Delete public addresses that are not used, or run the operator with a larger --public-ip-pool.";
    at.refuse(Code::AllocationFailed, fact, remedy).until_room(WaitKey::Capacity(PoolId::Public))
}

fn of_prefix(at: Place, fact: String, prefix: Name) -> Violation {
    let remedy = format!("Delete public addresses of PublicIPPrefix {prefix}, or use another prefix or none.");
    at.refuse(Code::PublicIPPrefixExhausted, fact, remedy)
        .cites(WaitKey::object(Kind::PublicIPPrefix, &prefix))
        .until_room(WaitKey::Capacity(PoolId::Prefix(prefix)))
}
