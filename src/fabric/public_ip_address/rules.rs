//! The rules of public addresses (PIP), and what other kinds find by them: labels in use and pools without room.

mod labels;
mod pools;
mod requested;
mod zones;

use super::findings::PublicIPAddressFinding;
use super::{PublicIPAddress, Sku};
use crate::fabric::engine::Engine;
use crate::fabric::id::Name;
use crate::fabric::limits;
use crate::fabric::quota;
use crate::fabric::reference;
use crate::fabric::resource::{AtApply, Case, Cures, DELETION_PATH, DeletionRule, Rule, Scope};
use crate::fabric::terms::{AllocationMethod, IpVersion};
use crate::fabric::violation::{Code, Findings};
pub(in crate::fabric) use labels::{label_is_in_use, label_is_reserved};
pub(in crate::fabric) use pools::{dynamic_shortfall, public_pool_has_room};

/// Where the spec says how the address is allocated.
const METHOD: &str = "spec.publicIPAllocationMethod";

pub(super) const RULES: &[Rule<PublicIPAddress>] = &[
    Rule {
        id: "PIP-01",
        scope: Scope::State,
        says: "The SKU of a public address is fixed at creation.",
        codes: &[Code::SkuCannotBeChangedOnUpdate],
        cure: Cures::Stalls,
        at_apply: None,
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
        at_apply: Some(AtApply::Cel),
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
        at_apply: None,
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
        at_apply: None,
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
        at_apply: None,
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
        at_apply: Some(AtApply::Schema),
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
        at_apply: Some(AtApply::Cel),
        remedy: "Choose another label, or release it.",
        source: "recorded",
        check: labels::label_is_free,
    },
    Rule {
        id: "PIP-25",
        scope: Scope::State,
        says: "A new domain name label has none of the words that Azure reserves.",
        codes: &[Code::DomainNameLabelReserved],
        cure: Cures::Stalls,
        at_apply: None,
        remedy: "Choose another label.",
        source: "azure-docs error-reserved-resource-name.md; terraform-azurerm-compute#4",
        check: labels::label_is_not_reserved,
    },
    Rule {
        id: "PIP-16",
        scope: Scope::References,
        says: "The public prefix that an address is taken from exists, in the address's location and subscription.",
        codes: &[Code::InvalidResourceReference],
        cure: Cures::Waits,
        at_apply: None,
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
        at_apply: None,
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
        at_apply: Some(AtApply::Cel),
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
        at_apply: Some(AtApply::Cel),
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
        at_apply: Some(AtApply::Cel),
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
        at_apply: None,
        remedy: "Delete what is not used, or enlarge the pool.",
        source: "recorded; S-19",
        check: pools::pool_has_one,
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
        at_apply: None,
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
    at_apply: None,
    remedy: "Remove the reference of the NIC, or delete the NIC.",
    source: "recorded",
    check: is_not_associated,
}];

fn sku_is_fixed(case: &Case<'_, PublicIPAddress>, findings: &mut Findings) {
    let Some(before) = case.before().filter(|before| before.sku != case.ask.sku) else { return };
    findings.add("spec.sku.name", PublicIPAddressFinding::SkuChanged { before: before.sku });
}

fn standard_is_static(case: &Case<'_, PublicIPAddress>, findings: &mut Findings) {
    if case.ask.sku == Sku::Standard && case.ask.method == AllocationMethod::Dynamic {
        findings.add(METHOD, PublicIPAddressFinding::StandardIsDynamic);
    }
}

fn basic_ipv6_is_dynamic(case: &Case<'_, PublicIPAddress>, findings: &mut Findings) {
    let ask = case.ask;
    if ask.sku == Sku::Basic && ask.version == IpVersion::IPv6 && ask.method == AllocationMethod::Static {
        findings.add(METHOD, PublicIPAddressFinding::BasicIpv6IsStatic);
    }
}

fn version_is_fixed(case: &Case<'_, PublicIPAddress>, findings: &mut Findings) {
    let Some(before) = case.before().filter(|before| before.version != case.ask.version) else { return };
    findings.add("spec.publicIPAddressVersion", PublicIPAddressFinding::VersionChanged { before: before.version });
}

fn becomes_dynamic_only_alone(case: &Case<'_, PublicIPAddress>, findings: &mut Findings) {
    let was_static = case.before().is_some_and(|before| before.method == AllocationMethod::Static);
    if !was_static || case.ask.method == AllocationMethod::Static {
        return;
    }
    if let Some(holder) = case.engine.associations.get(case.name).cloned() {
        findings.add(METHOD, PublicIPAddressFinding::DynamicWhileHeld { public: case.name.clone(), holder });
    }
}

fn idle_timeout_is_in_range(case: &Case<'_, PublicIPAddress>, findings: &mut Findings) {
    let (minutes, range) = (case.ask.idle_timeout_minutes, limits::IDLE_TIMEOUT_MINUTES);
    let version = case.ask.version;
    if !range.contains(&minutes) || version == IpVersion::IPv6 && minutes != *range.start() {
        findings.add("spec.idleTimeoutInMinutes", PublicIPAddressFinding::IdleTimeout { minutes, version });
    }
}

fn prefix_is_fixed(case: &Case<'_, PublicIPAddress>, findings: &mut Findings) {
    let before = case.before().map(|before| &before.public_ip_prefix);
    if let Some(before) = before.filter(|before| **before != case.ask.public_ip_prefix) {
        findings.add("spec.publicIPPrefix", PublicIPAddressFinding::PrefixChanged { before: before.clone() });
    }
}

fn prefix_members_are_standard(case: &Case<'_, PublicIPAddress>, findings: &mut Findings) {
    if let Some(prefix) = case.ask.public_ip_prefix.as_ref().filter(|_| case.ask.sku == Sku::Basic) {
        findings.add("spec.publicIPPrefix", PublicIPAddressFinding::BasicOfPrefix { prefix: prefix.clone() });
    }
}

fn is_not_associated(engine: &Engine, name: &Name, findings: &mut Findings) {
    if let Some(holder) = engine.associations.get(name).cloned() {
        findings.add(DELETION_PATH, PublicIPAddressFinding::Held { public: name.clone(), holder });
    }
}
