//! What a spec cannot be read for, by rule, code and path: each under the rule that the field belongs to.

use serde_json::{Value, json};

use super::{About, Api};
use crate::fabric::testing::named;
use crate::fabric::{
    Code, NetworkInterface, PublicIPAddress, Subnet, VirtualMachine, VirtualMachineScaleSet, VirtualNetwork,
};

fn translated<K: Api>(spec: Value) -> Result<K, Vec<(&'static str, Code, String)>> {
    let spec = serde_json::from_value(spec).expect("it is of the right form");
    K::translate(&About::named(named("a")), &spec)
        .map_err(|violations| violations.into_iter().map(|v| (v.rule, v.code, v.path)).collect())
}

/// The one thing that the spec cannot be read for.
fn told<K: Api>(spec: Value) -> (&'static str, Code, String) {
    let [only] = <[_; 1]>::try_from(translated::<K>(spec).expect_err("it cannot be read")).unwrap();
    only
}

fn a_subnet(ranges: &[&str]) -> Value {
    json!({"virtualNetwork": {"name": "hub"}, "addressPrefixes": ranges})
}

#[test]
fn a_malformed_dns_server_of_a_network_interface_is_told_as_its_own() {
    let nic = json!({
        "subnet": {"name": "web"}, "ipConfigurations": [{"name": "a"}], "dnsSettings": {"dnsServers": ["10.0.0.4", "x"]},
    });
    let path = "spec.dnsSettings.dnsServers[1]".to_owned();
    assert_eq!(told::<NetworkInterface>(nic), ("NIC-21", Code::NetcfgInvalidDnsServer, path));
}

#[test]
fn a_malformed_dns_server_of_a_virtual_network_is_told_as_its_own() {
    let network = json!({"addressSpace": {"addressPrefixes": ["10.0.0.0/8"]}, "dhcpOptions": {"dnsServers": ["x"]}});
    let path = "spec.dhcpOptions.dnsServers[0]".to_owned();
    assert_eq!(told::<VirtualNetwork>(network), ("VNET-10", Code::NetcfgInvalidDnsServer, path));
}

#[test]
fn a_malformed_dns_server_of_a_scale_set_is_told_as_that_of_its_network_interfaces() {
    let nic = json!({
        "name": "nic", "subnet": {"name": "web"}, "ipConfigurations": [{"name": "ip"}], "dnsSettings": {"dnsServers": ["x"]},
    });
    let set = json!({
        "sku": {"name": "Standard_DS3_v2"}, "upgradePolicy": {"mode": "Manual"},
        "virtualMachineProfile": {"networkProfile": {"networkInterfaceConfigurations": [nic]}},
    });
    let list = "spec.virtualMachineProfile.networkProfile.networkInterfaceConfigurations";
    let path = format!("{list}[0].dnsSettings.dnsServers[0]");
    assert_eq!(told::<VirtualMachineScaleSet>(set), ("NIC-21", Code::NetcfgInvalidDnsServer, path));
}

#[test]
fn a_malformed_range_of_a_subnet_is_told_with_the_form_of_ranges() {
    for (range, code) in
        [("10.0.0.0", Code::InvalidAddressPrefixFormat), ("10.0.0.5/16", Code::InvalidCIDRNotation)]
    {
        let path = "spec.addressPrefixes[1]".to_owned();
        assert_eq!(told::<Subnet>(a_subnet(&["10.1.0.0/16", range])), ("S-16", code, path));
    }
}

#[test]
fn a_subnet_has_one_ipv4_range_and_at_most_one_ipv6_range() {
    for ranges in [&["10.0.0.0/24", "10.0.1.0/24"][..], &["fd00::/64"], &["fd00::/64", "fd00:1::/64"], &[]] {
        let path = "spec.addressPrefixes".to_owned();
        assert_eq!(told::<Subnet>(a_subnet(ranges)), ("S-16", Code::NetcfgInvalidSubnet, path));
    }
}

#[test]
fn the_ranges_of_a_subnet_are_shown_as_they_are_listed() {
    for ranges in [["10.0.0.0/24", "fd00::/64"], ["fd00::/64", "10.0.0.0/24"]] {
        let subnet = translated::<Subnet>(a_subnet(&ranges)).unwrap();
        let shown = serde_json::to_value(subnet.describe(&named("a"), "westeurope")).unwrap();
        assert_eq!(shown["addressPrefixes"], json!(ranges));
    }
}

#[test]
fn a_malformed_address_of_a_guest_is_told_with_the_guest() {
    let vm = json!({
        "hardwareProfile": {"vmSize": "Standard_DS3_v2"},
        "networkProfile": {"networkInterfaces": [{"name": "n"}]},
        "osProfile": {"networkInterfaces": [{"name": "n", "addresses": ["10.0.1.4", "x"]}]},
    });
    let path = "spec.osProfile.networkInterfaces[0].addresses[1]".to_owned();
    assert_eq!(told::<VirtualMachine>(vm), ("IPC-20", Code::InvalidPrivateIPAddressFormat, path));
}

#[test]
fn what_is_no_domain_name_label_is_refused() {
    let path = || "spec.dnsSettings.domainNameLabel".to_owned();
    let long = format!("a{}", "b".repeat(63));
    for label in ["", "ab", "9ab", "-ab", "ab-", "Web", "we_b", &long] {
        let public = json!({"dnsSettings": {"domainNameLabel": label}});
        assert_eq!(told::<PublicIPAddress>(public), ("PIP-15", Code::InvalidDomainNameLabel, path()), "{label:?}");
    }
    for label in ["abc", "a-9", &long[..63]] {
        assert!(translated::<PublicIPAddress>(json!({"dnsSettings": {"domainNameLabel": label}})).is_ok(), "{label:?}");
    }
}
