//! What depends on the order of applying, and is warned of.

use super::*;

/// Object, path and line of each warning.
fn warned(warnings: &[Warning]) -> Vec<(&str, &str, u64)> {
    let told = warnings.iter().map(|w| (w.object.name.as_str(), w.path.as_str(), w.place.as_ref().unwrap().line));
    told.collect()
}

#[test]
fn a_static_address_that_a_dynamic_one_could_take_is_warned_of() {
    let path = "spec.ipConfigurations[0].privateIPAddress";
    let plan = |address: &str| Applied::default().plan(&(network() + &nic("d", "") + &nic("s", &fixed(address))));
    assert_eq!(warned(&plan("10.0.1.4").warnings), [("s", path, 25)]);
    assert!(plan("10.0.1.4").warnings[0].message.contains("10.0.1.5"), "{:?}", plan("10.0.1.4").warnings);
    assert_eq!(warned(&plan("10.0.1.6").warnings), []);
}

#[test]
fn a_static_address_beyond_the_reach_of_all_dynamic_ones_is_not_warned_of() {
    let two = nic("d", "") + &nic("e", "");
    let plan = |address: &str| Applied::default().plan(&(network() + &two + &nic("s", &fixed(address))));
    assert_eq!(plan("10.0.1.5").warnings.len(), 1);
    assert_eq!(plan("10.0.1.6").warnings.len(), 0);
    let there = Applied::default().with(&(network() + &two));
    assert_eq!(there.plan(&(two.clone() + &nic("s", &fixed("10.0.1.6")))).warnings.len(), 0, "they have theirs");
}

#[test]
fn two_that_ask_for_one_thing_are_warned_of() {
    let plan = Applied::default().plan(&(network() + &nic("a", &fixed("10.0.1.9")) + &nic("b", &fixed("10.0.1.9"))));
    assert_eq!(warned(&plan.warnings).len(), 1);
    assert!(plan.warnings[0].message.contains("NetworkInterface shop/a"), "{:?}", plan.warnings);
}

#[test]
fn subnets_that_overlap_are_warned_of_since_the_first_has_the_range() {
    let subnet = |name: &str| object("Subnet", name, "{virtualNetwork: {name: hub}, addressPrefixes: [10.0.9.0/24]}");
    let plan = Applied::default().plan(&(network() + &subnet("a") + &subnet("b")));
    assert_eq!(warned(&plan.warnings), [("b", "spec.addressPrefixes[0]", 25)]);
    assert!(plan.warnings[0].message.contains("Subnet shop/a"), "{:?}", plan.warnings);
}

#[test]
fn a_quota_that_all_together_exceed_is_warned_of() {
    let settings = Settings { quotas: crate::fabric::quota::Quotas::Enforced, ..Settings::default() };
    let text: String =
        (0..11).map(|n| object("PublicIPAddress", &format!("p{n:02}"), "{sku: {name: Standard}}")).collect();
    let plan = plan(&read(&text), State::default(), &Options { settings, ..at_now() }).unwrap();
    assert_eq!((plan.summary.refused, warned(&plan.warnings)), (1, vec![("p10", "metadata.name", 54)]));
}
