//! The rule of the availability zones of public addresses (PIP-27).

use super::{PublicIPAddress, PublicIPAddressFinding, Sku};
use crate::fabric::public_ip_prefix::PublicIPPrefix;
use crate::fabric::resource::Case;
use crate::fabric::violation::Findings;
use crate::fabric::zones::{PATH, are_fixed};

pub(super) fn fit(case: &Case<'_, PublicIPAddress>, findings: &mut Findings) {
    if case.before().is_some() {
        return are_fixed(case, findings); // what they were judged by at creation is fixed, too
    }
    let zones = &case.ask.zones;
    if case.ask.sku == Sku::Basic && !zones.is_empty() {
        findings.add(PATH, PublicIPAddressFinding::BasicHasZones);
        return;
    }
    let prefix = case.ask.public_ip_prefix.as_ref();
    let of_prefix = prefix.and_then(|prefix| Some((prefix, &case.engine.get::<PublicIPPrefix>(prefix)?.ask.zones)));
    if let Some((prefix, its)) = of_prefix.filter(|(_, its)| *its != zones) {
        let (zones, prefix, its) = (zones.clone(), prefix.clone(), its.clone());
        findings.add(PATH, PublicIPAddressFinding::OtherZonesThanPrefix { zones, prefix, its });
    }
}
