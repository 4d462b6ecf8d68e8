//! What a spec cannot be read for, by rule, code and path: each under the rule that the field belongs to.

use serde_json::{Value, json};

use super::form::Whose;
use super::{About, Api, form};
use crate::fabric::network_interface::Assignment;
use crate::fabric::testing::{Of, assert_in_the_reference, named};
use crate::fabric::{
    Code, Kind, NetworkInterface, PublicIPAddress, Subnet, Violation, VirtualMachine, VirtualMachineScaleSet,
    VirtualMachineScaleSetVM, VirtualNetwork,
};

fn translated<K: Api>(spec: Value) -> Result<K, Vec<(&'static str, Code, String)>> {
    let spec = serde_json::from_value(spec).expect("it is of the right form");
    K::translate(&About::named(named("a")), &spec).map_err(|violations| {
        assert_in_the_reference(Of::Put(K::KIND), &violations);
        violations.into_iter().map(|v| (v.rule, v.code, v.path)).collect()
    })
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
    assert_eq!(told::<NetworkInterface>(nic), ("NIC-21", Code::InvalidDnsServerIPAddressFormat, path));
}

#[test]
fn a_malformed_dns_server_of_a_virtual_network_is_told_as_its_own() {
    let network = json!({"addressSpace": {"addressPrefixes": ["10.0.0.0/8"]}, "dhcpOptions": {"dnsServers": ["x"]}});
    let path = "spec.dhcpOptions.dnsServers[0]".to_owned();
    assert_eq!(told::<VirtualNetwork>(network), ("VNET-10", Code::NetcfgInvalidDnsServer, path));
}

fn a_scale_set(nic: Value, policy: Value) -> Value {
    json!({
        "sku": {"name": "Standard_DS3_v2"}, "upgradePolicy": policy,
        "virtualMachineProfile": {"networkProfile": {"networkInterfaceConfigurations": [nic]}},
    })
}

fn a_rolling_set(percent: i32, pause: &str) -> Value {
    let policy = json!({"maxBatchInstancePercent": percent, "pauseTimeBetweenBatches": pause});
    let nic = json!({"name": "nic", "subnet": {"name": "web"}, "ipConfigurations": [{"name": "ip"}]});
    a_scale_set(nic, json!({"mode": "Rolling", "rollingUpgradePolicy": policy}))
}

// accepts any VMSS-28
#[test]
fn a_rolling_upgrade_has_a_percentage_and_a_duration() {
    assert!(translated::<VirtualMachineScaleSet>(a_rolling_set(20, "PT30S")).is_ok());
}

// refuses any VMSS-28
#[test]
fn a_rolling_upgrade_without_a_percentage_or_a_duration_is_refused() {
    const POLICY: &str = "spec.upgradePolicy.rollingUpgradePolicy";
    for (set, field) in [
        (a_rolling_set(101, "PT30S"), "maxBatchInstancePercent"),
        (a_rolling_set(20, "soon"), "pauseTimeBetweenBatches"),
    ] {
        let path = format!("{POLICY}.{field}");
        assert_eq!(told::<VirtualMachineScaleSet>(set), ("VMSS-28", Code::InvalidParameter, path));
    }
}

#[test]
fn a_malformed_dns_server_of_a_scale_set_is_told_as_that_of_its_network_interfaces() {
    let nic = json!({
        "name": "nic", "subnet": {"name": "web"}, "ipConfigurations": [{"name": "ip"}], "dnsSettings": {"dnsServers": ["x"]},
    });
    let set = a_scale_set(nic, json!({"mode": "Manual"}));
    let list = "spec.virtualMachineProfile.networkProfile.networkInterfaceConfigurations";
    let path = format!("{list}[0].dnsSettings.dnsServers[0]");
    assert_eq!(told::<VirtualMachineScaleSet>(set), ("NIC-21", Code::InvalidDnsServerIPAddressFormat, path));
}

// shows IPC-23, NIC-18, ADDR-03
#[test]
fn what_a_network_interface_leaves_out_has_its_default_and_an_address_beside_dynamic_is_ignored() {
    let nic = json!({"subnet": {"name": "web"}, "ipConfigurations": [{"name": "a", "privateIPAddress": "10.0.1.9"}]});
    let nic = translated::<NetworkInterface>(nic).unwrap();
    assert_eq!(nic.configurations[0].assignment, Assignment::Dynamic);
    let shown = serde_json::to_value(nic.describe(&named("a"), "westeurope")).unwrap();
    assert_eq!((&shown["enableIPForwarding"], &shown["location"]), (&json!(false), &json!("westeurope")));
    let dynamic = json!({"name": "a", "privateIPAddressVersion": "IPv4", "privateIPAllocationMethod": "Dynamic"});
    assert_eq!(shown["ipConfigurations"], json!([dynamic]));
}

// refuses any S-16
#[test]
fn a_malformed_range_of_a_subnet_is_told_with_the_form_of_ranges() {
    for (range, code) in [("10.0.0.0", Code::InvalidAddressPrefixFormat), ("10.0.0.5/16", Code::InvalidCIDRNotation)] {
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

// accepts any S-16
#[test]
fn the_ranges_of_a_subnet_are_shown_as_they_are_listed() {
    for ranges in [["10.0.0.0/24", "fd00::/64"], ["fd00::/64", "10.0.0.0/24"]] {
        let subnet = translated::<Subnet>(a_subnet(&ranges)).unwrap();
        let shown = serde_json::to_value(subnet.describe(&named("a"), "westeurope")).unwrap();
        assert_eq!(shown["addressPrefixes"], json!(ranges));
    }
}

fn a_vm(size: &str, nic_of_the_guest: &str, address: &str) -> Value {
    json!({
        "hardwareProfile": {"vmSize": size},
        "networkProfile": {"networkInterfaces": [{"name": "n"}]},
        "osProfile": {"networkInterfaces": [{"name": nic_of_the_guest, "addresses": ["10.0.1.4", address]}]},
    })
}

// accepts any IPC-20
// accepts any S-35
#[test]
fn a_vm_of_a_known_size_with_a_guest_that_has_its_addresses_is_read() {
    assert!(translated::<VirtualMachine>(a_vm("Standard_DS3_v2", "n", "10.0.1.5")).is_ok());
}

// refuses any IPC-20
#[test]
fn a_guest_has_addresses_on_what_its_vm_lists() {
    let path = "spec.osProfile.networkInterfaces[0].addresses[1]".to_owned();
    let malformed = a_vm("Standard_DS3_v2", "n", "x");
    assert_eq!(told::<VirtualMachine>(malformed), ("IPC-20", Code::InvalidPrivateIPAddressFormat, path));
    let path = "spec.osProfile.networkInterfaces[0].name".to_owned();
    let elsewhere = a_vm("Standard_DS3_v2", "m", "10.0.1.5");
    assert_eq!(told::<VirtualMachine>(elsewhere), ("IPC-20", Code::InvalidParameter, path));
}

// refuses any S-35
#[test]
fn a_size_that_the_table_lacks_is_refused() {
    let path = "spec.hardwareProfile.vmSize".to_owned();
    let unknown = a_vm("Standard_DS3_v22", "n", "10.0.1.5");
    assert_eq!(told::<VirtualMachine>(unknown), ("S-35", Code::InvalidParameter, path));
}

fn restarted(at: &str) -> Result<VirtualMachine, Vec<Violation>> {
    let about = About { restarted_at: Some(at.to_owned()), ..About::named(named("a")) };
    VirtualMachine::translate(&about, &serde_json::from_value(a_vm("Standard_DS3_v2", "n", "10.0.1.5")).unwrap())
}

// accepts any S-06
#[test]
fn a_restart_is_asked_for_in_64_characters() {
    assert!(restarted(&"x".repeat(64)).is_ok());
}

// refuses any S-06
#[test]
fn a_restart_is_not_asked_for_in_65_characters() {
    let refused = restarted(&"x".repeat(65)).unwrap_err();
    assert_in_the_reference(Of::Put(Kind::VirtualMachine), &refused);
    let told: Vec<_> = refused.iter().map(|told| (told.rule, told.code, told.path.as_str())).collect();
    assert_eq!(told, [("S-06", Code::InvalidParameter, "metadata.annotations[vnet.dev/restartedAt]")]);
}

#[test]
fn nor_is_one_of_an_instance_of_a_scale_set() {
    let about = About { restarted_at: Some("x".repeat(65)), ..About::named(named("api-0")) };
    let spec = serde_json::from_value(json!({"scaleSet": {"name": "api"}, "instanceId": "0"})).unwrap();
    let refused = VirtualMachineScaleSetVM::translate(&about, &spec).unwrap_err();
    assert_in_the_reference(Of::Put(Kind::VirtualMachineScaleSetVM), &refused);
    let told: Vec<_> = refused.iter().map(|told| (told.rule, told.code, told.path.as_str())).collect();
    assert_eq!(told, [("S-06", Code::InvalidParameter, "metadata.annotations[vnet.dev/restartedAt]")]);
}

// accepts any ARM-04
#[test]
fn a_spec_of_the_form_of_its_kind_is_accepted() {
    assert_eq!(form::check(Kind::AvailabilitySet, &json!({}), Whose::TheOperators), []);
}

// refuses any ARM-04
#[test]
fn a_spec_of_another_form_is_refused_as_a_whole() {
    let refused = form::check(Kind::AvailabilitySet, &json!({"tags": 7}), Whose::TheOperators);
    assert_in_the_reference(Of::Put(Kind::AvailabilitySet), &refused);
    let told: Vec<_> = refused.iter().map(|told| (told.rule, told.code, told.path.as_str())).collect();
    assert_eq!(told, [("ARM-04", Code::InvalidRequestContent, "spec.tags")]);
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

#[test]
fn an_annotation_is_read_by_its_former_name_where_the_present_one_is_missing() {
    use crate::fabric::Ask;
    use crate::fabric::virtual_machine_scale_set_vm::DesiredRevision;

    let desired = |annotations: Value| {
        let owner = json!({"apiVersion": "vnet.dev/v1alpha1", "kind": "VirtualMachineScaleSet", "name": "api", "uid": "s", "controller": true});
        let vm = json!({
            "apiVersion": "vnet.dev/v1alpha1", "kind": "VirtualMachine",
            "metadata": {"name": "api-0", "namespace": "prod", "uid": "u", "resourceVersion": "1", "generation": 1,
                         "annotations": annotations, "ownerReferences": [owner]},
            "spec": {"hardwareProfile": {"vmSize": "Standard_B2s"}, "networkProfile": {"networkInterfaces": [{"name": "a"}]}},
        });
        let vm = serde_json::from_value(vm).unwrap();
        let observed = super::object::observe(Kind::VirtualMachine, &vm, super::object::Recall::Nothing).unwrap();
        let Ask::VirtualMachine(vm) = observed.asked.unwrap().ask else { panic!("it is a machine") };
        vm.member.unwrap().desired_revision
    };
    let former = json!({"vnet.dev/wished-revision": "3"});
    assert_eq!(desired(former.clone()), Some(DesiredRevision::Number(3)));
    let mut both = former;
    both["vnet.dev/desired-revision"] = json!("4");
    assert_eq!(desired(both), Some(DesiredRevision::Number(4)));
}
