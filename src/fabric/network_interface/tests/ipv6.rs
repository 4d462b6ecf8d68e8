//! The rules of IPv6 configurations: one, secondary, Dynamic, without a public address, and added while unattached.

use super::path;
use crate::fabric::Code;
use crate::fabric::network_interface::IpConfiguration;
use crate::fabric::testing::*;

fn a_dual_web() -> Fabric {
    a_fabric().with(a_subnet("web", "10.0.1.0/24").ipv6("fd00::/64"))
}

fn v6() -> IpConfiguration {
    secondary("v6").ipv6()
}

// accepts NetworkInterface IP6-01
#[test]
fn an_ipv6_configuration_beside_an_ipv4_primary_is_accepted() {
    let fabric = a_dual_web().with(a_nic("n").configurations([primary("v4"), v6()]));
    assert_eq!(fabric.address("n", "v6"), "fd00::4");
}

// refuses NetworkInterface IP6-01
#[test]
fn an_ipv6_primary_is_refused() {
    let refusal = a_dual_web().put(a_nic("n").configurations([primary("v6").ipv6()])).unwrap_err();
    assert_eq!(told(&refusal), [("IP6-01", Code::InvalidParameter, path(0, "privateIPAddressVersion").as_str())]);
    assert!(refusal.stalls());
}

// accepts NetworkInterface IP6-02
#[test]
fn an_ipv6_configuration_that_is_the_only_secondary_is_accepted() {
    a_dual_web().accept(a_nic("n").configurations([v6(), primary("v4")]));
}

// refuses NetworkInterface IP6-02
#[test]
fn an_ipv6_configuration_beside_another_secondary_is_refused() {
    for other in [secondary("other"), secondary("other").ipv6()] {
        let refusal = a_dual_web().put(a_nic("n").configurations([primary("v4"), v6(), other])).unwrap_err();
        assert_eq!(told(&refusal), [("IP6-02", Code::InvalidParameter, path(1, "privateIPAddressVersion").as_str())]);
        assert!(refusal.stalls());
    }
}

/// The IPv4 configuration is not told to go: it is the one that is to be marked.
#[test]
fn an_ipv6_configuration_beside_one_that_is_not_marked_primary_lacks_only_the_mark() {
    let [v4, v6, other] = ["v4", "v6", "other"].map(a_configuration);
    let refusal = a_dual_web().put(a_nic("n").configurations([v4.clone(), v6.clone().ipv6()])).unwrap_err();
    assert_eq!(
        told(&refusal),
        [("IPC-02", Code::NetworkInterfaceMustHaveOneOneIPConfigAsPrimary, "spec.ipConfigurations")]
    );
    let refusal = a_dual_web().put(a_nic("n").configurations([v4, v6.ipv6(), other])).unwrap_err();
    assert_eq!(refusal.violations().iter().map(|found| found.rule).collect::<Vec<_>>(), ["IPC-02", "IP6-02"]);
}

// accepts NetworkInterface IP6-03
#[test]
fn an_ipv4_configuration_beside_a_dynamic_ipv6_one_may_be_static() {
    a_dual_web().accept(a_nic("n").configurations([primary("v4").address("10.0.1.9"), v6()]));
}

// refuses NetworkInterface IP6-03
#[test]
fn a_static_ipv6_configuration_is_refused() {
    let mut fabric = a_dual_web().with(a_nic("n").configurations([primary("v4"), v6()]));
    for asked in [v6().address("fd00::9"), v6().as_is()] {
        let refusal = fabric.put(a_nic("n").configurations([primary("v4"), asked])).unwrap_err();
        let method = path(1, "privateIPAllocationMethod");
        assert_eq!(told(&refusal), [("IP6-03", Code::InvalidParameter, method.as_str())]);
        assert!(refusal.stalls());
    }
}

// accepts NetworkInterface IP6-04
#[test]
fn the_ipv4_configuration_beside_an_ipv6_one_may_hold_a_public_address() {
    a_dual_web().with(a_public_ip("p")).accept(a_nic("n").configurations([primary("v4").public("p"), v6()]));
}

// refuses NetworkInterface IP6-04
#[test]
fn an_ipv6_configuration_with_a_public_address_is_refused() {
    let mut fabric = a_dual_web().with(a_public_ip("p")).with(a_public_ip("q").ipv6());
    for public in ["p", "q"] {
        let refusal = fabric.put(a_nic("n").configurations([primary("v4"), v6().public(public)])).unwrap_err();
        let code = Code::IPVersionForPublicIpAndNicIpConfigurationMustMatch;
        assert_eq!(told(&refusal), [("IP6-04", code, path(1, "publicIPAddress").as_str())]);
        assert!(refusal.stalls());
    }
}

// accepts NetworkInterface IP6-05
#[test]
fn ipv6_is_added_to_an_unattached_nic_and_kept_when_it_is_attached() {
    let dual = a_nic("n").configurations([primary("v4"), v6()]);
    let mut fabric = a_dual_web().with(a_nic("n").configurations([primary("v4")]));
    fabric.accept(dual.clone());
    fabric.accept(a_vm("v").nics(["n"]));
    fabric.accept(dual.label("web"));
}

// refuses NetworkInterface IP6-05
#[test]
fn ipv6_is_not_added_to_a_nic_until_it_is_detached() {
    let before = a_nic("n").configurations([primary("v4")]);
    let mut fabric = a_dual_web().with(before).with(a_vm("v").nics(["n"]).deallocated());
    let dual = a_nic("n").configurations([primary("v4"), v6()]);
    let refusal = fabric.put(dual.clone()).unwrap_err();
    assert_eq!(told(&refusal), [("IP6-05", Code::OperationNotAllowed, path(1, "privateIPAddressVersion").as_str())]);
    assert!(refusal.leading().remedy.contains("or delete VirtualMachine"), "its only network interface stays");
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(crate::fabric::Kind::VirtualMachine, "v").unwrap()));
    fabric.accept(dual);
}

/// Another one in the place of the one that it was attached with is added, too.
#[test]
fn an_ipv6_configuration_is_not_replaced_while_the_nic_is_attached() {
    let dual = a_nic("n").configurations([primary("v4"), v6()]);
    let mut fabric = a_dual_web().with(dual.clone()).with(a_vm("v").nics(["n"]));
    let refusal = fabric.put(a_nic("n").configurations([primary("v4"), secondary("seven").ipv6()])).unwrap_err();
    assert_eq!(told(&refusal), [("IP6-05", Code::OperationNotAllowed, path(1, "privateIPAddressVersion").as_str())]);
    fabric.accept(dual);
}

#[test]
fn a_configuration_does_not_become_ipv6_while_the_nic_is_attached() {
    let mut fabric = a_dual_web()
        .with(a_nic("n").configurations([primary("v4"), secondary("other")]))
        .with(a_vm("v").nics(["n"]).deallocated());
    let refusal = fabric.put(a_nic("n").configurations([primary("v4"), secondary("other").ipv6()])).unwrap_err();
    assert_eq!(told(&refusal), [("IP6-05", Code::OperationNotAllowed, path(1, "privateIPAddressVersion").as_str())]);
}
