//! Public IP addresses: resources of their own that an IP configuration may refer to (PIP-01 to PIP-23).

#[cfg(test)]
mod tests;

use std::collections::btree_map::Entry;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::engine::{Engine, leave};
use super::id::{Kind, Name, ObjectId, Placement, ShownRef};
use super::ipam::PoolId;
use super::limits;
use super::network_interface::{AllocationMethod, IpVersion, NetworkInterface};
use super::public_ip_prefix::PublicIPPrefix;
use super::quota::{self, Quota};
use super::resource::{Case, Cures, DELETION_PATH, DeletionRule, Programmed, Resource, Rule};
use super::violation::{Code, Findings, WaitKey};
use super::virtual_machine::{PowerState, VirtualMachine};

/// The generation of the public address service (PIP-01).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)]
pub enum Sku {
    #[default]
    Basic,
    Standard,
}

impl fmt::Display for Sku {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What is asked of a public address.
#[derive(Clone, Debug, PartialEq)]
pub struct PublicIPAddress {
    /// Its SKU.
    pub sku: Sku,
    /// Allocated at creation (Static), or while its VM is allocated (Dynamic).
    pub method: AllocationMethod,
    /// Its IP version.
    pub version: IpVersion,
    /// How long an idle flow is kept, in minutes.
    pub idle_timeout_minutes: i32,
    /// The first label of its domain name.
    pub domain_name_label: Option<String>,
    /// The public prefix that the address is taken from.
    pub public_ip_prefix: Option<Name>,
}

/// What the fabric holds of a public address.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeldPublicIPAddress {
    /// The address, while it has one (PIP-04, PIP-05).
    pub address: Option<IpAddr>,
}

/// What the fabric reports of a public address.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicIPAddressView {
    /// The address. A Dynamic one is there only while it is associated with a virtual machine that is not deallocated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", length(max = 45))]
    pub ip_address: Option<IpAddr>,
    /// Its domain name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_settings: Option<PublicDnsView>,
    /// The IP configuration that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_configuration: Option<Association>,
}

/// The domain name of a public address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PublicDnsView {
    /// The full name: label, location and the platform's domain (PIP-14).
    pub fqdn: String,
}

/// An IP configuration of a network interface.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Association {
    /// The network interface.
    pub network_interface: ShownRef,
    /// The name of its IP configuration.
    pub name: String,
}

impl Resource for PublicIPAddress {
    type Held = HeldPublicIPAddress;
    type View = PublicIPAddressView;

    const RULES: &'static [Rule<Self>] = &[
        Rule {
            id: "PIP-01",
            says: "The SKU of a public address is fixed at creation.",
            codes: &[Code::SkuCannotBeChangedOnUpdate],
            cure: Cures::Stalls,
            remedy: "Create another public address.",
            source: "Azure/azure-cli#27806",
            check: sku_is_fixed,
        },
        Rule {
            id: "PIP-02",
            says: "A Standard public address is Static.",
            codes: &[Code::StandardSkuPublicIPAddressesMustBeStatic],
            cure: Cures::Stalls,
            remedy: "Make it Static, or leave the method out.",
            source: "azure-docs#42889",
            check: standard_is_static,
        },
        Rule {
            id: "PIP-03",
            says: "A Basic public IPv6 address is Dynamic.",
            codes: &[Code::InvalidParameter],
            cure: Cures::Stalls,
            remedy: "Make it Dynamic, or leave the method out.",
            source: "azure-docs public-ip-addresses.md",
            check: basic_ipv6_is_dynamic,
        },
        Rule {
            id: "S-14",
            says: "The IP version of a public address is fixed at creation.",
            codes: &[Code::PropertyChangeNotAllowed],
            cure: Cures::Stalls,
            remedy: "Create another public address.",
            source: "Azure's resource model",
            check: version_is_fixed,
        },
        Rule {
            id: "PIP-06",
            says: "A Static public address becomes Dynamic only while no IP configuration holds it.",
            codes: &[Code::OperationNotAllowed],
            cure: Cures::Waits,
            remedy: "Remove the reference of the NIC first.",
            source: "recorded",
            check: becomes_dynamic_only_alone,
        },
        Rule {
            id: "PIP-13",
            says: "The idle timeout is 4 to 30 minutes; of an IPv6 address it is 4.",
            codes: &[Code::PublicIPIdleTimeoutIsOutOfRange],
            cure: Cures::Stalls,
            remedy: "Choose 4 to 30 minutes.",
            source: "recorded",
            check: idle_timeout_is_in_range,
        },
        Rule {
            id: "PIP-15",
            says: "A domain name label is 3 to 63 lower-case letters, digits and hyphens from a letter to a letter or digit, and unique in its location.",
            codes: &[Code::DnsRecordInUse, Code::InvalidDomainNameLabel],
            cure: Cures::Either,
            remedy: "Choose another label, or release it.",
            source: "recorded",
            check: label_is_free,
        },
        Rule {
            id: "PIP-16",
            says: "The public prefix that an address is taken from exists, and is fixed at creation.",
            codes: &[Code::InvalidResourceReference, Code::PropertyChangeNotAllowed],
            cure: Cures::Either,
            remedy: "Create the prefix, or keep the one there is.",
            source: "recorded; S-14",
            check: prefix_exists,
        },
        Rule {
            id: "S-19",
            says: "Only a Standard public address is taken from a public prefix.",
            codes: &[Code::PublicIPPrefixSkuMismatch],
            cure: Cures::Stalls,
            remedy: "Use SKU Standard, or no prefix.",
            source: "azure-docs public-ip-addresses.md",
            check: prefix_members_are_standard,
        },
        Rule {
            id: "PIP-04",
            says: "A Static IPv4 address is allocated at creation, from a pool that has one.",
            codes: &[Code::AllocationFailed, Code::PublicIPPrefixExhausted],
            cure: Cures::Waits,
            remedy: "Delete what is not used, or enlarge the pool.",
            source: "recorded; S-19",
            check: pool_has_one,
        },
        Rule {
            id: "PIP-21",
            says: "A subscription has at most 10 Basic, 10 Static Basic and 10 Standard public addresses in a region; off unless asked for.",
            codes: &[
                Code::IPv4BasicSkuPublicIpCountLimitReached,
                Code::PublicIPCountLimitReached,
                Code::StandardSkuPublicIPCountLimitReached,
            ],
            cure: Cures::Waits,
            remedy: "Delete public addresses that are not used.",
            source: "azure-virtual-network-limits.md; ARM-11, S-11",
            check: quota::is_left,
        },
    ];

    const DELETION_RULES: &'static [DeletionRule] = &[DeletionRule {
        id: "PIP-11",
        says: "A public address that an IP configuration holds cannot be deleted.",
        codes: &[Code::PublicIPAddressCannotBeDeleted],
        cure: Cures::Waits,
        remedy: "Remove the reference of the NIC, or delete the NIC.",
        source: "recorded",
        check: is_not_associated,
    }];

    fn resource_path(&self, name: &Name) -> String {
        format!("Microsoft.Network/publicIPAddresses/{}", name.name)
    }

    fn counts(&self, placement: &Placement) -> Vec<Quota> {
        match (self.sku, self.version, self.method) {
            (Sku::Standard, ..) => vec![Quota::StandardPublicIPAddresses(placement.clone())],
            (Sku::Basic, IpVersion::IPv6, _) => Vec::new(),
            (Sku::Basic, IpVersion::IPv4, AllocationMethod::Dynamic) => {
                vec![Quota::BasicPublicIPAddresses(placement.clone())]
            }
            (Sku::Basic, IpVersion::IPv4, AllocationMethod::Static) => vec![
                Quota::BasicPublicIPAddresses(placement.clone()),
                Quota::StaticPublicIPAddresses(placement.clone()),
            ],
        }
    }

    fn references(&self) -> Vec<ObjectId> {
        self.public_ip_prefix.iter().map(|prefix| ObjectId::new(Kind::PublicIPPrefix, prefix.clone())).collect()
    }

    fn apply(engine: &mut Engine, name: &Name, before: Option<&Self>) {
        join_prefix(engine, name);
        move_label(engine, name, before);
        settle(engine, name);
        let label = |ask: Option<&Self>| ask.and_then(|ask| ask.domain_name_label.clone());
        if label(before) != label(engine.get::<Self>(name).map(|programmed| &programmed.ask)) {
            touch_holder(engine, name);
        }
    }

    fn release(engine: &mut Engine, name: &Name, gone: &Programmed<Self>) {
        if let Some(address) = gone.held.address {
            give_back(engine, &gone.ask.pool(), address);
        }
        if let Some(prefix) = &gone.ask.public_ip_prefix {
            leave(&mut engine.taken_from, prefix, name);
            engine.touch_members(Kind::PublicIPPrefix, prefix);
        }
        if let Some(label) = &gone.ask.domain_name_label {
            give_up_label(engine, name, &gone.placement.location, label);
        }
        engine.free(WaitKey::Claim(ObjectId::new(Kind::PublicIPAddress, name.clone())));
    }

    fn recall(engine: &mut Engine, name: &Name, view: &PublicIPAddressView) -> Vec<String> {
        let mut dropped = Vec::new();
        let key = engine
            .get::<Self>(name)
            .and_then(|p| p.ask.domain_name_label.clone().map(|label| (p.placement.location.clone(), label)));
        match key.map(|key| engine.labels.entry(key)) {
            Some(Entry::Occupied(taken)) => dropped.push(format!("domain name label {} is another's", taken.key().1)),
            Some(Entry::Vacant(free)) => drop(free.insert(ObjectId::new(Kind::PublicIPAddress, name.clone()))),
            None => {}
        }
        join_prefix(engine, name);
        let pool = engine.get::<Self>(name).map_or(PoolId::Public, |programmed| programmed.ask.pool());
        if let Some(address) = view.ip_address {
            let free = engine.pools.get_mut(&pool).is_some_and(|pool| pool.reserve(address));
            match engine.get_mut::<Self>(name) {
                Some(programmed) if free => programmed.held.address = Some(address),
                _ => dropped.push(format!("address {address} is another's, or of no pool")),
            }
        }
        dropped
    }

    fn observe(engine: &Engine, name: &Name, programmed: &Programmed<Self>) -> PublicIPAddressView {
        let holder = engine.associations.get(name);
        PublicIPAddressView {
            ip_address: programmed.held.address,
            dns_settings: fqdn(programmed).map(|fqdn| PublicDnsView { fqdn }),
            ip_configuration: holder.map(|(nic, configuration)| Association {
                network_interface: ShownRef::of(nic, name),
                name: configuration.to_string(),
            }),
        }
    }
}

fn sku_is_fixed(case: &Case<'_, PublicIPAddress>, findings: &mut Findings) {
    let Some(before) = case.before().filter(|before| before.sku != case.ask.sku) else { return };
    findings.refuse(
        Code::SkuCannotBeChangedOnUpdate,
        "spec.sku.name",
        format!("The public address was created as {}.", before.sku),
        format!("Set sku.name to {}, or create another public address.", before.sku),
    );
}

fn standard_is_static(case: &Case<'_, PublicIPAddress>, findings: &mut Findings) {
    if case.ask.sku == Sku::Standard && case.ask.method == AllocationMethod::Dynamic {
        findings.refuse(
            Code::StandardSkuPublicIPAddressesMustBeStatic,
            "spec.publicIPAllocationMethod",
            "A public address of SKU Standard cannot be Dynamic.",
            "Set publicIPAllocationMethod to Static, or leave it out.",
        );
    }
}

fn basic_ipv6_is_dynamic(case: &Case<'_, PublicIPAddress>, findings: &mut Findings) {
    let ask = case.ask;
    if ask.sku == Sku::Basic && ask.version == IpVersion::IPv6 && ask.method == AllocationMethod::Static {
        findings.refuse(
            Code::InvalidParameter,
            "spec.publicIPAllocationMethod",
            "A public IPv6 address of SKU Basic cannot be Static.",
            "Set publicIPAllocationMethod to Dynamic, or leave it out.",
        );
    }
}

fn version_is_fixed(case: &Case<'_, PublicIPAddress>, findings: &mut Findings) {
    let Some(before) = case.before().filter(|before| before.version != case.ask.version) else { return };
    findings.refuse(
        Code::PropertyChangeNotAllowed,
        "spec.publicIPAddressVersion",
        format!("The public address was created as {}.", before.version),
        format!("Set publicIPAddressVersion to {}, or create another public address.", before.version),
    );
}

fn becomes_dynamic_only_alone(case: &Case<'_, PublicIPAddress>, findings: &mut Findings) {
    let was_static = case.before().is_some_and(|before| before.method == AllocationMethod::Static);
    if !was_static || case.ask.method == AllocationMethod::Static {
        return;
    }
    let Some((nic, configuration)) = case.engine.associations.get(case.name) else { return };
    let id = ObjectId::new(Kind::NetworkInterface, nic.clone());
    findings
        .refuse(
            Code::OperationNotAllowed,
            "spec.publicIPAllocationMethod",
            format!("A Static address cannot become Dynamic while configuration {configuration} of {id} holds it."),
            format!("Remove publicIPAddress from {id} first."),
        )
        .until(WaitKey::Claim(ObjectId::new(Kind::PublicIPAddress, case.name.clone())))
        .blocked_by(id);
}

fn idle_timeout_is_in_range(case: &Case<'_, PublicIPAddress>, findings: &mut Findings) {
    let (minutes, range) = (case.ask.idle_timeout_minutes, limits::IDLE_TIMEOUT_MINUTES);
    let fixed = case.ask.version == IpVersion::IPv6;
    if !range.contains(&minutes) || fixed && minutes != *range.start() {
        let remedy = if fixed {
            format!("Set it to {}, or leave it out: of an IPv6 address it is fixed.", range.start())
        } else {
            format!("Set it to a number from {} to {}.", range.start(), range.end())
        };
        findings.refuse(
            Code::PublicIPIdleTimeoutIsOutOfRange,
            "spec.idleTimeoutInMinutes",
            format!("The idle timeout is {minutes} minutes."),
            remedy,
        );
    }
}

fn label_is_free(case: &Case<'_, PublicIPAddress>, findings: &mut Findings) {
    let Some(label) = &case.ask.domain_name_label else { return };
    let location = case.placement.location.clone();
    let holder = case.engine.labels.get(&(location.clone(), label.clone()));
    let own = ObjectId::new(Kind::PublicIPAddress, case.name.clone());
    if let Some(holder) = holder.filter(|holder| **holder != own) {
        label_is_in_use(&location, label, holder, "spec.dnsSettings.domainNameLabel", findings);
    }
}

pub(super) fn label_is_in_use(location: &str, label: &str, holder: &ObjectId, path: &str, findings: &mut Findings) {
    findings
        .refuse(
            Code::DnsRecordInUse,
            path,
            format!("{label}.{location}.{DOMAIN} is the name of {holder}."),
            format!("Choose another label, or release it on {holder}."),
        )
        .until(WaitKey::Label(location.to_owned(), label.to_owned()))
        .blocked_by(holder.clone());
}

fn prefix_exists(case: &Case<'_, PublicIPAddress>, findings: &mut Findings) {
    const PATH: &str = "spec.publicIPPrefix";
    if let Some(prefix) = &case.ask.public_ip_prefix {
        case.engine.refers::<PublicIPPrefix>(prefix, case.placement, PATH, findings);
    }
    let Some(before) = case.before().filter(|before| before.public_ip_prefix != case.ask.public_ip_prefix) else {
        return;
    };
    let was =
        before.public_ip_prefix.as_ref().map_or("no public prefix".to_owned(), |was| format!("PublicIPPrefix {was}"));
    findings.refuse(
        Code::PropertyChangeNotAllowed,
        PATH,
        format!("The address was taken from {was}."),
        format!("Keep {was}, or create another public address."),
    );
}

fn prefix_members_are_standard(case: &Case<'_, PublicIPAddress>, findings: &mut Findings) {
    if let Some(prefix) = case.ask.public_ip_prefix.as_ref().filter(|_| case.ask.sku == Sku::Basic) {
        findings.refuse(
            Code::PublicIPPrefixSkuMismatch,
            "spec.publicIPPrefix",
            format!("The public address is Basic, and PublicIPPrefix {prefix} is Standard."),
            "Set sku.name to Standard, or leave publicIPPrefix out.",
        );
    }
}

fn pool_has_one(case: &Case<'_, PublicIPAddress>, findings: &mut Findings) {
    let has_one = case.programmed.is_some_and(|programmed| programmed.held.address.is_some());
    if !has_one && case.ask.is_allocated_at_creation() {
        pool_holds(case.engine, &case.ask.pool(), 1, "spec.publicIPAllocationMethod", findings);
    }
}

fn is_not_associated(engine: &Engine, name: &Name, findings: &mut Findings) {
    let Some((nic, configuration)) = engine.associations.get(name) else { return };
    let id = ObjectId::new(Kind::NetworkInterface, nic.clone());
    findings
        .refuse(
            Code::PublicIPAddressCannotBeDeleted,
            DELETION_PATH,
            format!("Configuration {configuration} of {id} holds it."),
            format!("Remove publicIPAddress from {id}, or delete {id}; this then goes by itself."),
        )
        .until(WaitKey::Claim(ObjectId::new(Kind::PublicIPAddress, name.clone())))
        .blocked_by(id);
}

impl PublicIPAddress {
    /// The pool that its address is taken from.
    pub fn pool(&self) -> PoolId {
        self.public_ip_prefix.clone().map_or(PoolId::Public, PoolId::Prefix)
    }

    /// The fabric models public IPv4 addresses; an IPv6 one is never allocated here, since only load balancers carry it.
    fn is_allocated_at_creation(&self) -> bool {
        self.method == AllocationMethod::Static && self.version == IpVersion::IPv4
    }
}

/// The platform's domain of public addresses (PIP-14).
const DOMAIN: &str = "cloudapp.azure.com";

pub(super) fn fqdn(programmed: &Programmed<PublicIPAddress>) -> Option<String> {
    let label = programmed.ask.domain_name_label.as_ref()?;
    Some(format!("{label}.{}.{DOMAIN}", programmed.placement.location))
}

/// Finds that the public pool has too few addresses free for the Dynamic ones of `public` that have none yet.
pub(super) fn needs_public_addresses<'a>(
    engine: &Engine,
    public: impl Iterator<Item = &'a Name>,
    path: &str,
    findings: &mut Findings,
) {
    let lacks = |public: &&Programmed<PublicIPAddress>| {
        let PublicIPAddress { method, version, .. } = public.ask;
        public.held.address.is_none() && method == AllocationMethod::Dynamic && version == IpVersion::IPv4
    };
    let lacking = public.filter_map(|name| engine.get::<PublicIPAddress>(name)).filter(lacks).count();
    pool_holds(engine, &PoolId::Public, u64::try_from(lacking).unwrap_or(u64::MAX), path, findings);
}

pub(super) fn pool_holds(engine: &Engine, id: &PoolId, count: u64, path: &str, findings: &mut Findings) {
    let Some(pool) = engine.pool(id).filter(|pool| pool.available() < count) else { return };
    let (code, remedy) = match id {
        PoolId::Prefix(prefix) => (
            Code::PublicIPPrefixExhausted,
            format!("Delete public addresses of PublicIPPrefix {prefix}, or use another prefix or none."),
        ),
        PoolId::Public | PoolId::SubnetIPv4(_) | PoolId::SubnetIPv6(_) => (
            Code::AllocationFailed,
            "Delete public addresses that are not used, or run the operator with a larger --public-ip-pool.".to_owned(),
        ),
    };
    let violation = findings
        .refuse(
            code,
            path,
            format!("{count} more addresses of {} are needed, and {} are free.", pool.prefix(), pool.available()),
            remedy,
        )
        .until(WaitKey::Capacity(id.clone()));
    if let PoolId::Prefix(prefix) = id {
        violation.as_of(WaitKey::Object(ObjectId::new(Kind::PublicIPPrefix, prefix.clone())));
    }
}

/// The virtual machine that a public address serves, by way of the NIC that holds it.
fn served<'a>(engine: &'a Engine, name: &Name) -> Option<&'a Programmed<VirtualMachine>> {
    let (nic, _) = engine.associations.get(name)?;
    let attached = engine.get::<NetworkInterface>(nic)?.held.attached.as_ref()?;
    engine.get::<VirtualMachine>(&attached.vm)
}

/// Brings the address in line with what is asked and what it is associated with (PIP-04 to PIP-07).
pub(super) fn settle(engine: &mut Engine, name: &Name) {
    let Some(programmed) = engine.get::<PublicIPAddress>(name) else { return };
    let power = served(engine, name).map(|vm| vm.held.power);
    let (address, pool) = (programmed.held.address, programmed.ask.pool());
    let wanted = match (programmed.ask.method, power) {
        _ if programmed.ask.version == IpVersion::IPv6 => false,
        (AllocationMethod::Static, _)
        // Taken when the start begins, so that what a put was found to have room for is there when it ends.
        | (AllocationMethod::Dynamic, Some(PowerState::Running | PowerState::Starting)) => true,
        (AllocationMethod::Dynamic, Some(PowerState::Stopped)) => address.is_some(),
        (AllocationMethod::Dynamic, _) if engine.restoring => address.is_some(),
        (AllocationMethod::Dynamic, Some(PowerState::Deallocated) | None) => false,
    };
    let settled = match (wanted, address) {
        (true, None) => {
            let free = engine.pool(&pool).and_then(|pool| pool.lowest_free(1, &[]).first().copied());
            free.filter(|free| engine.pools.get_mut(&pool).is_some_and(|pool| pool.reserve(*free)))
        }
        (false, Some(address)) => {
            give_back(engine, &pool, address);
            None
        }
        (true, Some(_)) | (false, None) => address,
    };
    if settled != address {
        if let Some(programmed) = engine.get_mut::<PublicIPAddress>(name) {
            programmed.held.address = settled;
        }
        engine.touch(Kind::PublicIPAddress, name);
        touch_holder(engine, name);
    }
}

fn give_back(engine: &mut Engine, pool: &PoolId, address: IpAddr) {
    if engine.pools.get_mut(pool).is_some_and(|pool| pool.release(address)) {
        engine.free(WaitKey::Capacity(pool.clone()));
    }
}

fn join_prefix(engine: &mut Engine, name: &Name) {
    let prefix = engine.get::<PublicIPAddress>(name).and_then(|programmed| programmed.ask.public_ip_prefix.clone());
    if let Some(prefix) = prefix
        && engine.taken_from.entry(prefix.clone()).or_default().insert(name.clone())
    {
        engine.touch_members(Kind::PublicIPPrefix, &prefix);
    }
}

fn touch_holder(engine: &mut Engine, name: &Name) {
    if let Some((nic, _)) = engine.associations.get(name).cloned() {
        engine.touch(Kind::NetworkInterface, &nic);
    }
}

fn move_label(engine: &mut Engine, name: &Name, before: Option<&PublicIPAddress>) {
    let Some(programmed) = engine.get::<PublicIPAddress>(name) else { return };
    let location: Arc<str> = programmed.placement.location.clone();
    let new = programmed.ask.domain_name_label.clone();
    let old = before.and_then(|before| before.domain_name_label.clone());
    if let Some(old) = old.filter(|old| new.as_ref() != Some(old)) {
        give_up_label(engine, name, &location, &old);
    }
    if let Some(new) = new {
        engine.labels.insert((location, new), ObjectId::new(Kind::PublicIPAddress, name.clone()));
    }
}

/// What was restored may name a label that is another's.
fn give_up_label(engine: &mut Engine, name: &Name, location: &Arc<str>, label: &str) {
    let key = (location.clone(), label.to_owned());
    if engine.labels.get(&key) == Some(&ObjectId::new(Kind::PublicIPAddress, name.clone())) {
        engine.labels.remove(&key);
        engine.free(WaitKey::Label(location.to_string(), label.to_owned()));
    }
}
