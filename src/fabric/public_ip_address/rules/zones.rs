//! The rule of the availability zones of public addresses (PIP-27).

use super::{PublicIPAddress, Sku};
use crate::fabric::id::Kind;
use crate::fabric::public_ip_prefix::PublicIPPrefix;
use crate::fabric::resource::Case;
use crate::fabric::violation::{Code, Findings, WaitKey};
use crate::fabric::zones::{PATH, are_fixed, listed};

pub(super) fn fit(case: &Case<'_, PublicIPAddress>, findings: &mut Findings) {
    if case.before().is_some() {
        return are_fixed(case, findings); // what they were judged by at creation is fixed, too
    }
    let zones = &case.ask.zones;
    if case.ask.sku == Sku::Basic && !zones.is_empty() {
        let fact = "A public address of SKU Basic has no zones.";
        findings.refuse(Code::InvalidParameter, PATH, fact, "Set sku.name to Standard, or leave zones out.");
        return;
    }
    let prefix = case.ask.public_ip_prefix.as_ref();
    let of_prefix = prefix.and_then(|prefix| Some((prefix, &case.engine.get::<PublicIPPrefix>(prefix)?.ask.zones)));
    if let Some((prefix, its)) = of_prefix.filter(|(_, its)| *its != zones) {
        let fact =
            format!("The zones are {}, and those of PublicIPPrefix {prefix} are {}.", listed(zones), listed(its));
        let remedy = "Leave zones out: the public address takes those of its prefix.";
        let mut violation = findings.refuse(Code::InvalidParameter, PATH, fact, remedy);
        violation.cites(WaitKey::object(Kind::PublicIPPrefix, prefix));
    }
}
