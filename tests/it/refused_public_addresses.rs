//! Refusals of public addresses.

use serde_json::json;

use crate::support::manifests::{object, public_address};
use crate::support::space::Space;

#[test]
fn the_sku_of_a_public_address_is_fixed_once_programmed() {
    let space = Space::empty();
    space.apply(&public_address("front", "Basic"));
    let before = space.ready("pip/front");
    space.edit_spec("pip/front", &json!({"sku": {"name": "Standard"}}));
    let refusal = space.refused("pip/front");
    assert_eq!(refusal.told(), [("PIP-01", "SkuCannotBeChangedOnUpdate", "spec.sku.name")]);
    refusal.shows(&["Basic"]).stalls().keeps(&before);
}

#[test]
fn a_domain_name_label_serves_one_public_address_and_the_next_when_that_goes() {
    let space = Space::empty();
    let labelled = |name: &str| {
        let label = space.name.split('-').next().unwrap_or_default(); // of this test alone: labels are of the location
        object("PublicIPAddress", name, &format!("dnsSettings: {{domainNameLabel: label-{label}}}"))
    };
    space.apply(&labelled("first"));
    space.ready("pip/first");
    space.apply(&labelled("late"));
    let refusal = space.refused("pip/late");
    let path = "spec.dnsSettings.domainNameLabel";
    assert_eq!(refusal.told(), [("PIP-15", "DnsRecordInUse", path)]);
    refusal.shows(&[".westeurope.cloudapp.azure.com", "first"]).is_blocked_by(&[("PublicIPAddress", "first")]).waits();
    space.delete("pip/first");
    space.ready("pip/late");
}
