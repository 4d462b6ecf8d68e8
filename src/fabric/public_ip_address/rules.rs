//! The rules of public addresses (PIP), and what other kinds find by them: labels in use and pools without room.

mod requested;
mod zones;

use super::{DOMAIN, PublicIPAddress, Sku};
use crate::fabric::engine::Engine;
use crate::fabric::id::{Kind, Name, ObjectId};
use crate::fabric::ipam::{PoolId, shortage};
use crate::fabric::limits;
use crate::fabric::public_ip_prefix::PublicIPPrefix;
use crate::fabric::quota;
use crate::fabric::reference;
use crate::fabric::reserved_words;
use crate::fabric::resource::{Case, Cures, DELETION_PATH, DeletionRule, Programmed, Rule, Scope};
use crate::fabric::terms::{AllocationMethod, IpVersion};
use crate::fabric::violation::{Code, Findings, Refused, WaitKey};

pub(super) const RULES: &[Rule<PublicIPAddress>] = &[
    Rule {
        id: "PIP-01",
        scope: Scope::State,
        says: "The SKU of a public address is fixed at creation.",
        codes: &[Code::SkuCannotBeChangedOnUpdate],
        cure: Cures::Stalls,
        remedy: "Create another public address.",
        source: "Azure/azure-cli#27806",
        check: sku_is_fixed,
    },
    Rule {
        id: "PIP-02",
        scope: Scope::Spec,
        says: "A Standard public address is Static.",
        codes: &[Code::StandardSkuPublicIPAddressesMustBeStatic],
        cure: Cures::Stalls,
        remedy: "Make it Static, or leave the method out.",
        source: "azure-docs#42889",
        check: standard_is_static,
    },
    Rule {
        id: "PIP-03",
        scope: Scope::Spec,
        says: "A Basic public IPv6 address is Dynamic.",
        codes: &[Code::InvalidParameter],
        cure: Cures::Stalls,
        remedy: "Make it Dynamic, or leave the method out.",
        source: "azure-docs public-ip-addresses.md",
        check: basic_ipv6_is_dynamic,
    },
    Rule {
        id: "S-14",
        scope: Scope::State,
        says: "The IP version of a public address is fixed at creation.",
        codes: &[Code::PropertyChangeNotAllowed],
        cure: Cures::Stalls,
        remedy: "Create another public address.",
        source: "Azure's resource model",
        check: version_is_fixed,
    },
    Rule {
        id: "PIP-06",
        scope: Scope::State,
        says: "A Static public address becomes Dynamic only while no IP configuration holds it.",
        codes: &[Code::OperationNotAllowed],
        cure: Cures::Waits,
        remedy: "Remove the reference of the NIC first.",
        source: "recorded",
        check: becomes_dynamic_only_alone,
    },
    Rule {
        id: "PIP-13",
        scope: Scope::Spec,
        says: "The idle timeout is 4 to 30 minutes; of an IPv6 address it is 4.",
        codes: &[Code::PublicIPIdleTimeoutIsOutOfRange],
        cure: Cures::Stalls,
        remedy: "Choose 4 to 30 minutes.",
        source: "recorded",
        check: idle_timeout_is_in_range,
    },
    Rule {
        id: "PIP-15",
        scope: Scope::State,
        says: "A domain name label is 3 to 63 lower-case letters, digits and hyphens from a letter to a letter or digit, and unique in its location.",
        codes: &[Code::DnsRecordInUse, Code::InvalidDomainNameLabel],
        cure: Cures::Either,
        remedy: "Choose another label, or release it.",
        source: "recorded",
        check: label_is_free,
    },
    Rule {
        id: "PIP-25",
        scope: Scope::State,
        says: "A new domain name label has none of the words that Azure reserves.",
        codes: &[Code::DomainNameLabelReserved],
        cure: Cures::Stalls,
        remedy: "Choose another label.",
        source: "azure-docs error-reserved-resource-name.md; terraform-azurerm-compute#4",
        check: label_is_not_reserved,
    },
    Rule {
        id: "PIP-16",
        scope: Scope::References,
        says: "The public prefix that an address is taken from exists, in the address's location and subscription.",
        codes: &[Code::InvalidResourceReference],
        cure: Cures::Waits,
        remedy: "Create the prefix.",
        source: "recorded",
        check: reference::exist,
    },
    Rule {
        id: "PIP-16",
        scope: Scope::State,
        says: "The public prefix that an address is taken from is fixed at creation.",
        codes: &[Code::PropertyChangeNotAllowed],
        cure: Cures::Stalls,
        remedy: "Keep the one there is, or create another public address.",
        source: "S-14",
        check: prefix_is_fixed,
    },
    Rule {
        id: "S-19",
        scope: Scope::Spec,
        says: "Only a Standard public address is taken from a public prefix.",
        codes: &[Code::PublicIPPrefixSkuMismatch],
        cure: Cures::Stalls,
        remedy: "Use SKU Standard, or no prefix.",
        source: "azure-docs public-ip-addresses.md",
        check: prefix_members_are_standard,
    },
    Rule {
        id: "PIP-26",
        scope: Scope::State,
        says: "A public address requests an address only of its public prefix: one that is free, and the one that it keeps.",
        codes: &[
            Code::InvalidParameter,
            Code::PropertyChangeNotAllowed,
            Code::PublicIPAddressInUse,
            Code::PublicIPPrefixExhausted,
        ],
        cure: Cures::Either,
        remedy: "Request a free address of the prefix, or leave ipAddress out.",
        source: "terraform-provider-azurerm#16310, #18165; Azure/azure-cli#13436",
        check: requested::is_free_and_of_the_prefix,
    },
    Rule {
        id: "PIP-27",
        scope: Scope::State,
        says: "The zones of a public address are fixed at creation; only a Standard one has them, and one of a prefix has the prefix's.",
        codes: &[Code::InvalidParameter, Code::PropertyChangeNotAllowed],
        cure: Cures::Stalls,
        remedy: "Keep the zones; leave them out, or use SKU Standard.",
        source: "azure-docs public-ip-addresses.md; availability-zones",
        check: zones::fit,
    },
    Rule {
        id: "PIP-04",
        scope: Scope::State,
        says: "A Static IPv4 address is allocated at creation, from a pool that has one.",
        codes: &[Code::AllocationFailed, Code::PublicIPPrefixExhausted],
        cure: Cures::Waits,
        remedy: "Delete what is not used, or enlarge the pool.",
        source: "recorded; S-19",
        check: pool_has_one,
    },
    Rule {
        id: "PIP-21",
        scope: Scope::State,
        says: "A subscription has at most 10 Basic, 10 Static Basic and 10 Standard public addresses in a region; off unless asked for.",
        codes: &[
            Code::IPv4BasicSkuPublicIpCountLimitReached,
            Code::PublicIPCountLimitReached,
            Code::StandardSkuPublicIPCountLimitReached,
        ],
        cure: Cures::Waits,
        remedy: "Delete public addresses that are not used.",
        source: "azure-virtual-network-limits.md; ARM-11, S-11",
        check: quota::is_not_exceeded,
    },
];

pub(super) const DELETION_RULES: &[DeletionRule] = &[DeletionRule {
    id: "PIP-11",
    scope: Scope::State,
    says: "A public address that an IP configuration holds cannot be deleted.",
    codes: &[Code::PublicIPAddressCannotBeDeleted],
    cure: Cures::Waits,
    remedy: "Remove the reference of the NIC, or delete the NIC.",
    source: "recorded",
    check: is_not_associated,
}];

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
    let Some(holder) = case.engine.associations.get(case.name) else { return };
    let id = holder.object();
    findings
        .refuse(
            Code::OperationNotAllowed,
            "spec.publicIPAllocationMethod",
            format!("A Static address cannot become Dynamic while {holder} holds it."),
            format!("Remove publicIPAddress from {id} first."),
        )
        .until(WaitKey::claim(Kind::PublicIPAddress, case.name))
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

/// A label that the address has already stays (S-93), and that of an instance was judged with its scale set.
fn label_is_not_reserved(case: &Case<'_, PublicIPAddress>, findings: &mut Findings) {
    let before = case.before().and_then(|before| before.domain_name_label.as_ref());
    let label = case.ask.domain_name_label.as_ref().filter(|label| before != Some(*label));
    if let Some(label) = label.filter(|label| !is_of_an_instance(case, label)) {
        label_is_reserved(label, "spec.dnsSettings.domainNameLabel", findings);
    }
}

/// Whether a label is `vm<id>-<label of a Flexible set>`, and the address is named after that instance (S-33).
fn is_of_an_instance(case: &Case<'_, PublicIPAddress>, label: &str) -> bool {
    let Some((id, label)) = label.strip_prefix("vm").and_then(|label| label.split_once('-')) else { return false };
    let holder = case.engine.labels.get(&(case.placement.location.clone(), label.to_owned()));
    holder.is_some_and(|holder| {
        let instance = format!("{}-{id}-", holder.name.name);
        holder.kind == Kind::VirtualMachineScaleSet
            && holder.name.namespace == case.name.namespace
            && case.name.name.starts_with(&instance)
    })
}

/// Finds that a domain name label has a reserved word.
pub(in crate::fabric) fn label_is_reserved(label: &str, path: &str, findings: &mut Findings) {
    if let Some(word) = reserved_words::reserved_word(label) {
        findings.refuse(
            Code::DomainNameLabelReserved,
            path,
            format!("The label {label} has the word {word}, which Azure reserves."),
            format!("Choose a label without {word}."),
        );
    }
}

pub(in crate::fabric) fn label_is_in_use(
    location: &str,
    label: &str,
    holder: &ObjectId,
    path: &str,
    findings: &mut Findings,
) {
    findings
        .refuse(
            Code::DnsRecordInUse,
            path,
            format!("{label}.{location}.{DOMAIN} is the name of {holder}."),
            format!("Choose another label, or release it on {holder}."),
        )
        .until_free(WaitKey::Label(location.to_owned(), label.to_owned()))
        .blocked_by(holder.clone());
}

fn prefix_is_fixed(case: &Case<'_, PublicIPAddress>, findings: &mut Findings) {
    let Some(before) = case.before().filter(|before| before.public_ip_prefix != case.ask.public_ip_prefix) else {
        return;
    };
    let was =
        before.public_ip_prefix.as_ref().map_or("no public prefix".to_owned(), |was| format!("PublicIPPrefix {was}"));
    findings.refuse(
        Code::PropertyChangeNotAllowed,
        "spec.publicIPPrefix",
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

fn is_not_associated(engine: &Engine, name: &Name, findings: &mut Findings) {
    let Some(holder) = engine.associations.get(name) else { return };
    let id = holder.object();
    findings
        .refuse(
            Code::PublicIPAddressCannotBeDeleted,
            DELETION_PATH,
            format!("{} holds it.", holder.begins()),
            format!("Remove publicIPAddress from {id}, or delete {id}; this is then deleted automatically."),
        )
        .until(WaitKey::claim(Kind::PublicIPAddress, name))
        .blocked_by(id);
}

/// Finds that the public pool has too few addresses free for the Dynamic ones of `public` that have none yet.
pub(in crate::fabric) fn needs_public_addresses<'a, 'f>(
    engine: &Engine,
    public: impl Iterator<Item = &'a Name>,
    path: &str,
    findings: &'f mut Findings,
) -> Option<Refused<'f>> {
    let lacks = |public: &Programmed<PublicIPAddress>| {
        let PublicIPAddress { method, version, .. } = public.ask;
        public.held.address.is_none() && method == AllocationMethod::Dynamic && version == IpVersion::IPv4
    };
    let public = public.filter_map(|name| Some((name, engine.get::<PublicIPAddress>(name)?)));
    let lacking = public.filter(|(name, public)| lacks(public) && !has_reserved(engine, name, &public.ask.pool()));
    let lacking: Vec<&Name> = lacking.map(|(name, _)| name).collect();
    let count = u64::try_from(lacking.len()).unwrap_or(u64::MAX);
    let pool = engine.pool(&PoolId::Public).filter(|pool| pool.available() < count)?;
    // How many they are changes with the network interfaces of the machine.
    let fact = format!(
        "{} has fewer addresses available than the Dynamic public addresses of the virtual machine require.",
        pool.prefix()
    );
    let mut violation = refuse_public_pool(&PoolId::Public, Code::AllocationFailed, fact, path, findings);
    // One that is Static by then, or has gone, requires none.
    for name in lacking {
        violation.until(WaitKey::object(Kind::PublicIPAddress, name));
    }
    Some(violation)
}

/// True if the scale set that makes a public address has reserved one for it (S-90).
fn has_reserved(engine: &Engine, name: &Name, pool: &PoolId) -> bool {
    engine.ledger.address_of(&ObjectId::new(Kind::PublicIPAddress, name.clone()), "", pool).is_some()
}

/// Finds that a public pool has fewer addresses free than are needed; `own` are reserved for whoever needs them.
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
        let fact = format!("PublicIPPrefix {prefix} has no addresses.");
        refuse_public_pool(id, Code::PublicIPPrefixExhausted, fact, path, findings);
        return;
    }
    let Some(pool) = engine.pool(id).filter(|pool| pool.available().saturating_add(own) < count) else { return };
    let (code, of) = match id {
        PoolId::Prefix(prefix) => {
            (Code::PublicIPPrefixExhausted, format!("PublicIPPrefix {prefix} ({})", pool.prefix()))
        }
        PoolId::Public | PoolId::SubnetIPv4(_) | PoolId::SubnetIPv6(_) => {
            (Code::AllocationFailed, pool.prefix().to_string())
        }
    };
    refuse_public_pool(id, code, shortage(count, &of), path, findings);
}

fn refuse_public_pool<'f>(
    id: &PoolId,
    code: Code,
    fact: String,
    path: &str,
    findings: &'f mut Findings,
) -> Refused<'f> {
    let PoolId::Prefix(prefix) = id else {
        let remedy = "Delete public addresses that are not used, or run the operator with a larger --public-ip-pool.";
        let mut violation = findings.refuse(code, path, fact, remedy);
        violation.until(WaitKey::Capacity(id.clone()));
        return violation;
    };
    let remedy = format!("Delete public addresses of PublicIPPrefix {prefix}, or use another prefix or none.");
    let mut violation = findings.refuse(code, path, fact, remedy);
    violation.until(WaitKey::Capacity(id.clone())).cites(WaitKey::object(Kind::PublicIPPrefix, prefix));
    violation
}
