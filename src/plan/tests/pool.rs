//! Another public IP pool than that of the addresses that there are.

use super::*;
use crate::operator::{Core, Source};

/// Addresses that stay: a Static one, one of a prefix, the prefix, and one of an instance.
fn addresses() -> Applied {
    let public = "publicIPAddressConfiguration: {name: p, sku: {name: Standard}}";
    let model = format!("{{name: nic, subnet: {{name: web}}, ipConfigurations: [{{name: ip, {public}}}]}}");
    let profile = format!("{{networkProfile: {{networkInterfaceConfigurations: [{model}]}}}}");
    let set = format!("{{replicas: 1, sku: {{name: Standard_D2s_v3}}, virtualMachineProfile: {profile}}}");
    let text = network()
        + &object("PublicIPPrefix", "pool", "{prefixLength: 30}")
        + &object("PublicIPAddress", "fixed", "{publicIPAllocationMethod: Static}")
        + &object("PublicIPAddress", "taken", "{sku: {name: Standard}, publicIPPrefix: {name: pool}}")
        + &object("PublicIPAddress", "dynamic", "{}")
        + &nic("a", ", publicIPAddress: {name: dynamic}")
        + &vm("a", "")
        + &object("VirtualMachineScaleSet", "api", &set);
    Applied::default().with(&text)
}

/// An operator with this pool that has listed everything.
fn listed(there: &Applied, pool: &str) -> Core {
    let mut core = Core::new(Settings { public_ip_pool: pool.parse().unwrap(), ..Settings::default() });
    core.keep_public_addresses(true);
    let sources = Kind::ALL.iter().map(|kind| Source::Objects(*kind)).chain([Source::Namespaces, Source::Revisions]);
    let server = Server::new(there.state.clone());
    for source in sources {
        core.feed(Input::ListStarted(source));
        for id in server.objects().keys().filter(|id| source == Source::Objects(id.kind)) {
            server.shown(id, object::Recall::Record).into_iter().for_each(|shown| core.feed(shown));
        }
        core.feed(Input::ListDone(source));
    }
    core.settle(at_now().now);
    core
}

#[test]
fn a_start_with_a_pool_that_lacks_static_addresses_is_refused_before_anything_is_written() {
    let mut core = listed(&addresses(), "203.0.113.0/24");
    let told = core.refusal().unwrap().to_string();
    let begin = "4 static public addresses are outside of the public IP pool 203.0.113.0/24: ";
    assert!(told.starts_with(begin), "{told}");
    for name in [
        "PublicIPPrefix shop/pool (198.18.0.0/30)",
        "PublicIPAddress shop/fixed (198.18.0.",
        "PublicIPAddress shop/taken (198.18.0.0)",
        "VirtualMachineScaleSetVM shop/api-0 (198.18.0.",
    ] {
        assert!(told.contains(name), "{told}");
    }
    assert!(!told.contains("shop/dynamic"), "a Dynamic address is nobody's to keep: {told}");
    assert!(!core.is_started() && core.next_write(at_now().now, at_now().now).is_none());
    core.settle(at_now().now);
    assert!(core.refusal().is_some() && !core.is_started(), "it stays refused");
}

#[test]
fn a_pool_that_has_all_static_addresses_is_no_matter() {
    for pool in ["198.18.0.0/15", "198.18.0.0/24"] {
        let core = listed(&addresses(), pool);
        assert_eq!((core.refusal(), core.is_started()), (None, true), "{pool}");
    }
}

#[test]
fn what_does_not_keep_addresses_starts_with_any_pool() {
    let mut core = listed(&addresses(), "203.0.113.0/24");
    core.keep_public_addresses(false);
    core.settle(at_now().now);
    assert!(core.is_started());
    assert!(!core.take_dropped().is_empty());
}

#[test]
fn of_many_addresses_the_first_are_named_and_the_others_counted() {
    let text: String =
        (0..9).map(|n| object("PublicIPAddress", &format!("p{n}"), "{publicIPAllocationMethod: Static}")).collect();
    let there = Applied::default().with(&text);
    let told = there.state.outside_pool("203.0.113.0/24".parse().unwrap()).unwrap().to_string();
    assert!(told.contains("PublicIPAddress shop/p0 (198.18.0.0), ") && told.ends_with(" and 4 more"), "{told}");
    assert!(!told.contains("shop/p5"), "{told}");
    assert_eq!(there.state.outside_pool("198.18.0.0/24".parse().unwrap()), None);
}
