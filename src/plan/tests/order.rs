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

#[test]
fn what_is_full_before_is_no_matter_of_the_order() {
    let small = object("Subnet", "small", "{virtualNetwork: {name: hub}, addressPrefixes: [10.0.9.0/29]}");
    let full: String = ["a", "b", "c"].iter().map(|name| nic_in("small", name, "")).collect();
    let there = Applied::default().with(&(network() + &small + &full));
    let plan = there.plan(&(nic_in("small", "d", "") + &nic("elsewhere", "") + &object("AvailabilitySet", "s", "{}")));
    assert_eq!((told(nic_of(&plan, "d"))[0].1, warned(&plan.warnings)), ("SubnetIsFull", vec![]));
    let there = Applied::default().with(&(network() + &small));
    let plan = there.plan(&(full + &nic_in("small", "d", "")));
    assert_eq!(warned(&plan.warnings), [("d", "spec.ipConfigurations[0].privateIPAllocationMethod", 20)]);
}

#[test]
fn machines_of_one_set_whose_public_addresses_are_of_two_skus_are_warned_of() {
    let public = |sku: &str| object("PublicIPAddress", &sku.to_lowercase(), &format!("{{sku: {{name: {sku}}}}}"));
    let nics = nic("a", ", publicIPAddress: {name: basic}") + &nic("b", ", publicIPAddress: {name: standard}");
    let set = ", availabilitySet: {name: s}";
    let text = network()
        + &public("Basic")
        + &public("Standard")
        + &nics
        + &object("AvailabilitySet", "s", "{}")
        + &vm("a", set)
        + &vm("b", set);
    let plan = Applied::default().plan(&text);
    assert_eq!(warned(&plan.warnings), [("b", "spec.networkProfile.networkInterfaces[0]", 50)]);
    let begin = "VirtualMachine shop/a is applied too, with public addresses of the other SKU";
    assert!(plan.warnings[0].message.starts_with(begin), "{:?}", plan.warnings);
}

#[test]
fn a_namespace_that_stands_behind_what_is_in_it_is_warned_of() {
    let namespace = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n";
    let set = object("AvailabilitySet", "a", "{}");
    let plan = Applied::default().plan(&(set.clone() + namespace));
    assert_eq!((plan.refuses(), warned(&plan.warnings)), (false, vec![("a", "metadata.namespace", 4)]));
    assert!(plan.warnings[0].message.contains("Namespace shop (net.yaml:7)"), "{:?}", plan.warnings);
    assert_eq!(warned(&Applied::default().plan(&(namespace.to_owned() + &set)).warnings), []);
    let mut there = Applied::default();
    there.state.namespaces = Some(BTreeMap::from([("shop".into(), ObjectMeta::default())]));
    assert_eq!(warned(&there.plan(&(set + namespace)).warnings), [], "it is there already");
}

#[test]
fn an_edit_that_is_refused_once_something_new_uses_what_is_edited_is_warned_of() {
    let fast = nic("a", "").replace("{subnet:", "{enableAcceleratedNetworking: true, subnet:");
    let machine = vm("a", "").replace("Standard_D2s_v3", "Standard_D4s_v3");
    let there = Applied::default().with(&(network() + &nic("a", "")));
    let plan = there.plan(&(fast.clone() + &machine));
    assert!(!plan.refuses(), "{plan:#?}");
    assert_eq!(warned(&plan.warnings), [("a", "spec.enableAcceleratedNetworking", 5)]);
    assert!(plan.warnings[0].message.contains("by OperationNotAllowed (SIZE-05): "), "{:?}", plan.warnings);
    let there = there.with(&fast);
    assert_eq!(warned(&there.plan(&(fast.clone() + &machine + &nic("b", ""))).warnings), [], "nothing is edited");
    assert_eq!(warned(&there.plan(&(nic("a", "") + &nic("b", ""))).warnings), [], "nothing new uses it");
}

#[test]
fn what_several_share_is_warned_of_once_however_they_are_applied() {
    let small = network() + &object("Subnet", "small", "{virtualNetwork: {name: hub}, addressPrefixes: [10.0.9.0/29]}");
    let there = Applied::default().with(&(small + &nic("z", "")));
    let configuration = "{name: nic, subnet: {name: small}, ipConfigurations: [{name: ip}]}";
    let profile = format!("{{networkProfile: {{networkInterfaceConfigurations: [{configuration}]}}}}");
    let set = format!("{{replicas: 3, sku: {{name: Standard_D2s_v3}}, virtualMachineProfile: {profile}}}");
    let moved = nic_in("data", "z", "");
    let plan =
        there.plan(&(moved + &nic_in("small", "a", "") + &vm("a", "") + &object("VirtualMachineScaleSet", "s", &set)));
    assert!(plan.refuses());
    let others = plan.warnings.iter().filter(|warning| !warning.message.starts_with("Others are applied"));
    assert_eq!(others.collect::<Vec<_>>(), Vec::<&Warning>::new());
}

/// Also where the Static ones wait for something else (S-88).
#[test]
fn a_dynamic_address_is_none_that_another_manifest_asks_for() {
    let dynamic = nic("any", "");
    let fixed = [
        nic("first", &fixed("10.0.1.4")),
        nic("second", &format!("{}, publicIPAddress: {{name: missing}}", fixed("10.0.1.5"))),
    ]
    .concat();
    for text in
        [network() + &dynamic + &fixed, dynamic.clone() + &fixed + &network(), fixed.clone() + &network() + &dynamic]
    {
        let plan = Applied::default().plan(&text);
        let path = "ipConfigurations[ip].privateIPAddress";
        assert_eq!(allocated(nic_of(&plan, "any")), [(path, "-".to_owned(), "10.0.1.6".to_owned())]);
        assert!(!nic_of(&plan, "second").accepted);
    }
}
