//! What the API server refuses at once, and whether its message says what to write instead.

use vnet_operator::fabric::Kind;
use vnet_operator::fabric::catalogue::refusing_rules;

use crate::support::cluster::Told;
use crate::support::manifests::{network, nic, nic_with, object, public_address, static_nic, subnet};
use crate::support::space::Space;

/// The API server refuses this manifest, and says all of these.
fn is_refused_with(manifest: &str, parts: &[&str]) {
    let told = Space::empty().apply_refused(manifest);
    for part in parts {
        assert!(told.contains(part), "{part:?} is not said:\n{told}");
    }
}

/// A manifest that breaks a rule which the rule reference says is refused at `kubectl apply`, and the field of it.
fn breaks(kind: Kind, rule: &str) -> (String, &'static str) {
    let nic = |configurations: &[&str]| nic_with("a", "web", configurations);
    let vm = |nics: &str| {
        let spec =
            format!("hardwareProfile: {{vmSize: Standard_B2s}}, networkProfile: {{networkInterfaces: [{nics}]}}");
        object("VirtualMachine", "a", &spec)
    };
    let list = |count: usize, item: &dyn Fn(usize) -> String| (0..count).map(item).collect::<Vec<_>>().join(", ");
    let servers = list(21, &|n| format!("192.0.2.{n}"));
    let public = |spec: &str| object("PublicIPAddress", "a", spec);
    const CONFIGURATIONS: &str = "spec.ipConfigurations";
    const NICS: &str = "spec.networkProfile.networkInterfaces";
    const MODEL: &str = "spec.virtualMachineProfile.networkProfile.networkInterfaceConfigurations";
    let scale_set = |name: &str, replicas: u32, nics: &str| {
        let nics = nics.replace('}', ", subnet: {name: web}, ipConfigurations: [{name: ip}]}");
        let spec = format!(
            "replicas: {replicas}, sku: {{name: Standard_DS3_v2}}, virtualMachineProfile: {{networkProfile: {{networkInterfaceConfigurations: [{nics}]}}}}"
        );
        object("VirtualMachineScaleSet", name, &spec)
    };
    match (kind, rule) {
        (Kind::VirtualNetwork, "VNET-01") => (network("a", "10.0.0.0.0/8"), "spec.addressSpace.addressPrefixes[0]"),
        (Kind::VirtualNetwork, "VNET-10") => {
            let dns =
                format!("addressSpace: {{addressPrefixes: [10.0.0.0/8]}}, dhcpOptions: {{dnsServers: [{servers}]}}");
            (object("VirtualNetwork", "a", &dns), "spec.dhcpOptions.dnsServers")
        }
        (Kind::PublicIPPrefix, "S-19") => (object("PublicIPPrefix", "a", "prefixLength: 27"), "spec.prefixLength"),
        (Kind::PublicIPAddress, "PIP-02") => {
            (public("sku: {name: Standard}, publicIPAllocationMethod: Dynamic"), "publicIPAllocationMethod")
        }
        (Kind::PublicIPAddress, "PIP-13") => (public("idleTimeoutInMinutes: 31"), "spec.idleTimeoutInMinutes"),
        (Kind::PublicIPAddress, "PIP-15") => {
            (public("dnsSettings: {domainNameLabel: 1abc}"), "spec.dnsSettings.domainNameLabel")
        }
        (Kind::PublicIPAddress, "S-19") => (public("publicIPPrefix: {name: p}"), "publicIPPrefix"),
        (Kind::PublicIPAddress, "PIP-26") => (public("ipAddress: 198.18.0.4"), "ipAddress"),
        (Kind::PublicIPAddress, "PIP-27") => (public("zones: ['1']"), "zones"),
        (Kind::NetworkInterface, "NIC-21") => {
            let dns = format!(
                "subnet: {{name: web}}, dnsSettings: {{dnsServers: [{servers}]}}, ipConfigurations: [{{name: x}}]"
            );
            (object("NetworkInterface", "a", &dns), "spec.dnsSettings.dnsServers")
        }
        (Kind::NetworkInterface, "IPC-01") => (nic(&[]), CONFIGURATIONS),
        (Kind::NetworkInterface, "IPC-02") => {
            (nic(&["{name: x, primary: true}", "{name: y, primary: true}"]), CONFIGURATIONS)
        }
        (Kind::NetworkInterface, "IPC-10") => (nic(&["{name: x, primary: true}", "{name: x}"]), CONFIGURATIONS),
        (Kind::NetworkInterface, "IPC-15") => (nic(&[&list(257, &|n| format!("{{name: c{n}}}"))]), CONFIGURATIONS),
        (Kind::NetworkInterface, "IP6-01") => {
            (nic(&["{name: x, primary: true, privateIPAddressVersion: IPv6}"]), CONFIGURATIONS)
        }
        (Kind::NetworkInterface, "IP6-03") => {
            (nic(&["{name: x, privateIPAddressVersion: IPv6, privateIPAllocationMethod: Static}"]), CONFIGURATIONS)
        }
        (Kind::NetworkInterface, "IP6-04") => {
            (nic(&["{name: x, privateIPAddressVersion: IPv6, publicIPAddress: {name: p}}"]), CONFIGURATIONS)
        }
        (Kind::NetworkInterface, "ADDR-09") => {
            (static_nic("a", "web", "10.0.1"), "spec.ipConfigurations[0].privateIPAddress")
        }
        (Kind::VirtualMachineScaleSet, "VMSS-01") => (scale_set("a", 1001, "{name: x}"), "spec.replicas"),
        (Kind::VirtualMachineScaleSet, "VMSS-07") => (scale_set("a", 1, ""), MODEL),
        (Kind::VirtualMachineScaleSet, "VMSS-28") => {
            let set = scale_set("a", 1, "{name: x}");
            let policy = "spec: {upgradePolicy: {rollingUpgradePolicy: {maxBatchInstancePercent: 4}}, ";
            assert!(set.contains("spec: {"), "{set}");
            (set.replacen("spec: {", policy, 1), "maxBatchInstancePercent")
        }
        (Kind::VirtualMachineScaleSet, "VM-09") => {
            (scale_set("a", 1, "{name: x, primary: true}, {name: y, primary: true}"), MODEL)
        }
        (Kind::VirtualMachineScaleSetVM, "VMSS-19") => {
            let own = "networkProfileConfiguration: {networkInterfaceConfigurations: []}";
            let spec = format!("scaleSet: {{name: api}}, instanceId: \"0\", {own}");
            (object("VirtualMachineScaleSetVM", "api-0", &spec), "networkInterfaceConfigurations")
        }
        (Kind::VirtualMachine, "VM-01") => (vm(""), NICS),
        (Kind::VirtualMachine, "VM-02") => (vm(&list(9, &|n| format!("{{name: n{n}}}"))), NICS),
        (Kind::VirtualMachine, "PIP-27") => {
            (vm("{name: x}").replacen("spec: {", "spec: {availabilitySet: {name: s}, zones: ['1'], ", 1), "zones")
        }
        (Kind::VirtualMachine, "VM-09") => (vm("{name: x, primary: true}, {name: y, primary: true}"), NICS),
        (Kind::VirtualMachine, "S-26") => (vm("{name: x}, {name: x}"), NICS),
        _ => panic!("there is no manifest that breaks {rule} of a {kind}"),
    }
}

#[test]
fn what_the_rule_reference_says_is_refused_at_apply_is() {
    let rules = refusing_rules().into_iter().filter_map(|rule| Some((rule.kind, rule.id, rule.at_apply?)));
    for (kind, rule, how) in rules {
        let (manifest, field) = breaks(kind, rule);
        let told = Space::empty().apply_refused(&manifest);
        assert!(told.contains(field), "{kind} {rule}, by {how}: {field} is not named:\n{told}");
    }
}

#[test]
fn a_malformed_address_is_refused_with_an_example() {
    let parts = ["spec.ipConfigurations[0].privateIPAddress", "10.0.1.300", "must be an IP address, such as 10.0.1.10"];
    is_refused_with(&static_nic("a", "web", "10.0.1.300"), &parts);
}

#[test]
fn a_malformed_prefix_is_refused_with_an_example() {
    let parts = ["spec.addressPrefixes[0]", "must be a range in CIDR notation, such as 10.0.0.0/16"];
    is_refused_with(&subnet("web", "hub", "10.0.1.0"), &parts);
}

#[test]
fn a_prefix_with_host_bits_is_refused_with_an_example() {
    let parts = ["spec.addressSpace.addressPrefixes[0]", "has host bits set: write the first address of the range"];
    is_refused_with(&network("hub", "10.0.0.5/16"), &parts);
}

#[test]
fn two_primary_configurations_are_refused() {
    let two = nic_with("a", "web", &["{name: one, primary: true}", "{name: two, primary: true}"]);
    is_refused_with(&two, &["spec.ipConfigurations", "only one configuration may be primary: leave"]);
}

#[test]
fn a_primary_ipv6_configuration_is_refused_with_the_way_out() {
    let ipv6 = nic_with("a", "web", &["{name: x, primary: true, privateIPAddressVersion: IPv6}"]);
    is_refused_with(&ipv6, &["spec.ipConfigurations", "make an IPv4 configuration primary: true"]);
}

#[test]
fn a_nic_without_configurations_is_refused() {
    is_refused_with(&nic_with("a", "web", &[]), &["spec.ipConfigurations", "at least 1 items"]);
}

#[test]
fn two_configurations_of_one_name_are_refused() {
    let two = nic_with("a", "web", &["{name: x, primary: true}", "{name: x}"]);
    is_refused_with(&two, &["spec.ipConfigurations[1]", "Duplicate value"]);
}

#[test]
fn a_standard_address_that_is_dynamic_is_refused_with_the_way_out() {
    let dynamic = object("PublicIPAddress", "a", "sku: {name: Standard}, publicIPAllocationMethod: Dynamic");
    is_refused_with(&dynamic, &["set publicIPAllocationMethod to Static, or leave it out"]);
}

#[test]
fn an_unusable_domain_name_label_is_refused_with_what_one_is() {
    let label = object("PublicIPAddress", "a", "dnsSettings: {domainNameLabel: Web_1}");
    is_refused_with(&label, &["spec.dnsSettings.domainNameLabel", "lower-case letters, digits and hyphens"]);
}

#[test]
fn an_idle_timeout_out_of_range_is_refused_with_the_range() {
    let short = object("PublicIPAddress", "a", "idleTimeoutInMinutes: 3");
    is_refused_with(&short, &["spec.idleTimeoutInMinutes", "greater than or equal to 4"]);
}

#[test]
fn an_unknown_power_state_is_refused_with_the_known_ones() {
    let off = object(
        "VirtualMachine",
        "m",
        "hardwareProfile: {vmSize: Standard_B2s}, networkProfile: {networkInterfaces: [{name: a}]}, powerState: Off",
    );
    is_refused_with(&off, &["spec.powerState", "\"Running\", \"Stopped\", \"Deallocated\""]);
}

#[test]
fn a_field_that_does_not_exist_is_refused_by_name() {
    is_refused_with(&nic("a", "web").replace("subnet:", "sbnet:"), &["unknown field \"spec.sbnet\""]);
}

#[test]
fn a_subnet_of_two_ipv4_ranges_is_refused() {
    let two = subnet("web", "hub", "10.0.1.0/24, 10.0.2.0/24");
    is_refused_with(&two, &["spec.addressPrefixes", "must be exactly one IPv4 range"]);
}

#[test]
fn a_second_field_manager_adds_a_configuration_and_a_third_conflicts() {
    let space = Space::with_a_subnet();
    let mine = nic_with("a", "web", &["{name: mine, primary: true}"]);
    let apply = |manager: &str, manifest: &str| -> Told {
        space.kubectl(&["apply", "--server-side", "--field-manager", manager, "-f", "-"], manifest)
    };
    assert!(apply("first", &mine).ok);
    space.ready("nic/a");
    let theirs = nic_with("a", "web", &["{name: theirs}"]);
    assert!(apply("second", &theirs).ok);
    let names = |nic: &kube::core::DynamicObject| {
        let shown = nic.data["status"]["ipConfigurations"].as_array().cloned().unwrap_or_default();
        shown.iter().map(|shown| shown["name"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&space.ready("nic/a")), ["mine", "theirs"]);
    let conflict = apply("third", &mine.replace("primary: true", "primary: false"));
    assert!(!conflict.ok && conflict.err.contains("conflict"), "{}", conflict.err);
}

#[test]
fn kubectl_explain_tells_what_a_field_is() {
    let space = Space::empty();
    let told = space.kubectl_ok(&["explain", "nic.spec.ipConfigurations.privateIPAllocationMethod"], "");
    let words: Vec<&str> = told.split_whitespace().collect();
    assert!(words.join(" ").contains("the lowest free address of the subnet"), "{told}");
}

#[test]
fn a_defaulted_sku_is_shown_in_the_table() {
    let space = Space::empty();
    space.apply(&public_address("a", "Basic").replace("sku: {name: Basic}", ""));
    space.ready("pip/a");
    let table = space.kubectl_ok(&["get", "pip", "a", "--no-headers"], "");
    assert!(table.contains("Basic"), "{table}");
}
