//! What users met: values of public threads and templates, accepted or refused as Azure does.

use kube::api::{Patch, PatchParams, PostParams};
use kube::core::DynamicObject;
use serde_json::{Map, Value, json};
use vnet_operator::fabric::Kind;

use crate::support::cluster::block_on;
use crate::support::history::History;
use crate::support::manifests::{machine_of_size, named_public_address, network, nic, nic_with, object, subnet};
use crate::support::scale_sets::{ScaleSet, has_taken_up};
use crate::support::space::{Space, at, id};

/// A scale set `api` of one instance with these NIC configurations.
fn set_of(mode: &str, nics: &str) -> String {
    let profile = format!("virtualMachineProfile: {{networkProfile: {{networkInterfaceConfigurations: [{nics}]}}}}");
    object(
        "VirtualMachineScaleSet",
        "api",
        &format!("orchestrationMode: {mode}, sku: {{name: Standard_DS3_v2}}, {profile}"),
    )
}

fn nic_configuration(name: &str, configurations: &str) -> String {
    format!("{{name: {name}, primary: true, subnet: {{name: web}}, ipConfigurations: [{configurations}]}}")
}

const NICS: &str = "spec.virtualMachineProfile.networkProfile.networkInterfaceConfigurations";

/// Object, manifest, rule, code, path, and words of the remedy.
type Row = (&'static str, String, &'static str, &'static str, String, &'static str);

#[test]
fn values_that_azure_refuses_are_refused_with_its_code_and_a_way_out() {
    let label =
        "{name: ip, publicIPAddressConfiguration: {name: pub, dnsSettings: {domainNameLabel: mywindowsservers225}}}";
    let two = "{name: one, primary: false}, {name: two, primary: false}";
    let both =
        nic_configuration("nic", "{name: ip}") + ", {name: NIC, subnet: {name: web}, ipConfigurations: [{name: ip}]}";
    let static_one = "{name: one, privateIPAllocationMethod: Static}";
    let rows: [Row; 6] = [
        (
            "pip/a",
            named_public_address("a", "mywindowsservers225"),
            "PIP-25",
            "DomainNameLabelReserved",
            "spec.dnsSettings.domainNameLabel".to_owned(),
            "without windows",
        ),
        (
            "vmss/api",
            set_of("Uniform", &nic_configuration("nic", label)),
            "PIP-25",
            "DomainNameLabelReserved",
            format!("{NICS}[0].ipConfigurations[0].publicIPAddressConfiguration.dnsSettings.domainNameLabel"),
            "without windows",
        ),
        (
            "vmss/api",
            set_of("Flexible", &nic_configuration("nic", two)),
            "IPC-02",
            "VMScaleSetNetworkInterfaceConfigurationMustHaveOneIpConfigAsPrimary",
            format!("{NICS}[0].ipConfigurations"),
            "Mark one of them primary: true.",
        ),
        (
            "vmss/api",
            set_of("Flexible", &both),
            "IPC-10",
            "DuplicateResourceName",
            format!("{NICS}[1].name"),
            "letter case makes no difference",
        ),
        (
            "nic/a",
            nic_with("a", "web", &["{name: one}", "{name: two}"]),
            "IPC-02",
            "NetworkInterfaceMustHaveOneOneIPConfigAsPrimary",
            "spec.ipConfigurations".to_owned(),
            "Mark one of them primary: true.",
        ),
        (
            "nic/a",
            nic_with("a", "web", &[static_one]),
            "S-17",
            "PrivateIPAddressMissing",
            "spec.ipConfigurations[0].privateIPAddress".to_owned(),
            "Set privateIPAddress",
        ),
    ];
    for (id, manifest, rule, code, path, remedy) in rows {
        let space = Space::with_a_subnet();
        space.apply(&manifest);
        let refusal = space.refused(id);
        assert_eq!(refusal.told(), [(rule, code, path.as_str())]);
        refusal.advises(&[remedy]).stalls();
    }
}

#[test]
fn tags_of_every_kind_have_names_that_azure_takes() {
    const TAGS: &str = "tags: {kubernetes.io/cluster/x: owned, team: a/b}";
    let space = Space::with_a_subnet();
    let one = "ipConfigurations: [{name: one}]";
    let nics = nic_configuration("nic", "{name: ip}");
    let machine = "hardwareProfile: {vmSize: Standard_B2s}, networkProfile: {networkInterfaces: [{name: free}]}";
    let profile = format!("virtualMachineProfile: {{networkProfile: {{networkInterfaceConfigurations: [{nics}]}}}}");
    space.apply(&nic("free", "web"));
    for (kind, spec) in [
        ("VirtualNetwork", "addressSpace: {addressPrefixes: [10.9.0.0/16]}".to_owned()),
        ("PublicIPPrefix", "prefixLength: 31".to_owned()),
        ("PublicIPAddress", "sku: {name: Basic}".to_owned()),
        ("NetworkInterface", format!("subnet: {{name: web}}, {one}")),
        ("AvailabilitySet", "location: westeurope".to_owned()),
        ("VirtualMachine", machine.to_owned()),
        ("VirtualMachineScaleSet", format!("replicas: 0, sku: {{name: Standard_B2s}}, {profile}")),
    ] {
        space.apply(&object(kind, "tagged", &format!("{TAGS}, {spec}")));
        let refusal = space.refused(&format!("{kind}/tagged"));
        assert_eq!(
            refusal.told(),
            [("ARM-16", "InvalidTagNameCharacters", "spec.tags[kubernetes.io/cluster/x]")],
            "{kind}"
        );
        refusal.shows(&["contains /"]).stalls();
        space.edit_spec(&format!("{kind}/tagged"), &json!({"tags": {"kubernetes.io/cluster/x": null}}));
        space.ready(&format!("{kind}/tagged"));
    }
}

#[test]
fn the_only_one_is_primary_also_if_it_says_that_it_is_not() {
    let space = Space::with_a_subnet();
    space.apply(&nic_with("a", "web", &["{name: one, primary: false}"]));
    assert_eq!(at(&space.ready("nic/a"), "/ipConfigurations/0/primary"), true);
    let spec =
        "hardwareProfile: {vmSize: Standard_B2s}, networkProfile: {networkInterfaces: [{name: a, primary: false}]}";
    space.apply(&object("VirtualMachine", "m", spec));
    assert_eq!(at(&space.ready("vm/m"), "/networkInterfaces/0/primary"), true);
    for mode in ["Uniform", "Flexible"] {
        let space = Space::with_a_subnet();
        let only = "{name: nic, primary: false, subnet: {name: web}, ipConfigurations: [{name: ip, primary: false}]}";
        space.apply(&set_of(mode, only));
        space.ready("vmss/api");
    }
}

#[test]
fn sizes_of_today_are_known_in_any_letter_case_and_the_nearest_are_near() {
    let space = Space::with_a_subnet();
    let sizes = ["Standard_D2s_v4", "standard_d4ds_v5", "Standard_B2ats_v2", "STANDARD_D2S_V6", "Standard_E4s_v4"];
    for (n, size) in sizes.into_iter().enumerate() {
        let (nic_name, name) = (format!("n{n}"), format!("m{n}"));
        space.apply(&(nic(&nic_name, "web") + &machine_of_size(&name, size, &[&nic_name], "")));
        space.ready(&format!("vm/{name}"));
    }
    space.apply(&machine_of_size("unknown", "Standard_B2s_v3", &["n0"], ""));
    let refusal = space.refused("vm/unknown");
    assert_eq!(refusal.told(), [("S-35", "InvalidParameter", "spec.hardwareProfile.vmSize")]);
    refusal.advises(&["Standard_B2s,"]);
}

#[test]
fn objects_of_instances_are_named_in_lower_case_after_names_with_upper_case_letters() {
    let nics =
        nic_configuration("myVmssFlexNicConfig01", "{name: myIpConfig, publicIPAddressConfiguration: {name: pub}}");
    for (mode, kind, instance) in
        [("Uniform", "vmssvm", Kind::VirtualMachineScaleSetVM), ("Flexible", "vm", Kind::VirtualMachine)]
    {
        let space = Space::with_a_subnet();
        space.apply(&set_of(mode, &nics));
        space.ready("vmss/api");
        space.exactly(instance, &["api-0"]);
        space.ready(&format!("{kind}/api-0"));
        if mode == "Flexible" {
            space.exactly(Kind::NetworkInterface, &["api-0-myvmssflexnicconfig01"]);
            space.exactly(Kind::PublicIPAddress, &["api-0-myvmssflexnicconfig01-myipconfig"]);
        }
    }
}

#[test]
fn a_prefix_with_addresses_is_neither_enlarged_nor_shrunk() {
    let space = Space::with_a_subnet();
    space.apply(&nic("a", "web"));
    space.ready("nic/a");
    let before = space.ready("subnet/web");
    for prefix in ["10.0.0.0/22", "10.0.1.0/28"] {
        space.apply(&subnet("web", "hub", prefix));
        let refusal = space.refused("subnet/web");
        assert_eq!(refusal.told(), [("VNET-09", "InUsePrefixCannotBeDeleted", "spec.addressPrefixes")]);
        refusal.advises(&["Keep 10.0.1.0/24", "add another subnet"]).waits().keeps(&before);
    }
    space.delete("nic/a");
    space.ready("subnet/web");
}

#[test]
fn the_sku_of_the_public_addresses_of_instances_changes_by_the_way_round_alone() {
    for policy in ["mode: Manual", "mode: Automatic", "mode: Rolling"] {
        let space = Space::with_a_subnet();
        let set = ScaleSet::uniform(1).upgraded(policy);
        let with = |sku: &str| set.clone().public_with(&format!("sku: {{name: {sku}}}")).manifest();
        space.apply(&with("Basic"));
        let before = space.ready("vmss/api");
        space.instances(&["api-0"]);
        space.apply(&with("Standard"));
        let refusal = space.refused("vmss/api");
        let path = format!("{NICS}[0].ipConfigurations[0].publicIPAddressConfiguration.sku.name");
        let fixed = ("VMSS-47", "SkuCannotBeUpdatedOnVMSSPublicIpAddresses", path.as_str());
        assert_eq!(refusal.told()[0], fixed, "{policy}");
        refusal.advises(&[
            "remove publicIPAddressConfiguration, upgrade all instances, add it again with sku.name Standard",
        ]);
        refusal.stalls().keeps(&before);
        for (manifest, revision) in [(set.manifest(), "2"), (with("Standard"), "3")] {
            space.apply(&manifest);
            space.wait("vmss/api", "of the revision", |set| at(set, "/updateRevision") == revision);
            space.vnet(&["upgrade", "vmss/api", "--all"]);
            space.wait("vmss/api", "upgraded", has_taken_up(1, revision));
        }
        space.ready("vmss/api");
    }
}

#[test]
fn azures_own_dns_is_had_by_leaving_the_list_out() {
    let space = Space::with_a_subnet();
    let dns = "dnsServers: [AzureProvidedDNS]";
    for manifest in [
        object(
            "NetworkInterface",
            "a",
            &format!("subnet: {{name: web}}, ipConfigurations: [{{name: one}}], dnsSettings: {{{dns}}}"),
        ),
        object(
            "VirtualNetwork",
            "a",
            &format!("addressSpace: {{addressPrefixes: [10.9.0.0/16]}}, dhcpOptions: {{{dns}}}"),
        ),
    ] {
        let said = space.apply_refused(&manifest);
        assert!(said.contains("for Azure's DNS, leave the list out"), "{said}");
    }
    space.apply(&(network("b", "10.9.0.0/16") + &nic("b", "web")));
    space.ready("nic/b");
}

#[test]
fn the_annotation_on_a_set_restarts_its_instances_and_the_status_tells_when_that_was_done() {
    for set in [ScaleSet::uniform(2), ScaleSet::flexible(2), ScaleSet::uniform(2).upgraded("mode: Automatic")] {
        let space = Space::with_a_subnet();
        space.apply(&set.manifest());
        space.ready("vmss/api");
        annotate(&space, "noon");
        space.wait("vmss/api", "restarted", |set| at(set, "/lastHandledRestartAt") == "noon");
        space.ready("vmss/api");
        annotate(&space, &"x".repeat(65));
        let refusal = space.refused("vmss/api");
        assert_eq!(refusal.told(), [("S-06", "InvalidParameter", "metadata.annotations[vnet.dev/restartedAt]")]);
        annotate(&space, "dusk");
        space.wait("vmss/api", "restarted again", |set| at(set, "/lastHandledRestartAt") == "dusk");
    }
}

#[test]
fn a_rolling_set_restarts_batch_by_batch() {
    let policy = "mode: Rolling, rollingUpgradePolicy: {maxBatchInstancePercent: 34, pauseTimeBetweenBatches: PT1S}";
    let space = Space::with_a_subnet();
    space.apply(&ScaleSet::uniform(3).upgraded(policy).manifest());
    space.ready("vmss/api");
    space.instances(&["api-0", "api-1", "api-2"]);
    let history = History::of(&space);
    annotate(&space, "noon");
    space.wait("vmss/api", "restarted", |set| at(set, "/lastHandledRestartAt") == "noon");
    space.ready("vmss/api");
    let sets = history.states().into_iter().filter(|state| id(state) == "VirtualMachineScaleSet/api");
    let mut left: Vec<Value> = sets.map(|set| at(&set, "/restart/instanceIds").clone()).collect();
    left.retain(|left| left.is_string());
    left.dedup();
    assert_eq!(left, ["1-2", "2"]);
}

fn annotate(space: &Space<'_>, when: &str) {
    space.edit("vmss/api", &json!({"metadata": {"annotations": {"vnet.dev/restartedAt": when}}}));
}

/// An availability set whose spec has about so many bytes as JSON, in names of tags. Neither YAML nor server-side apply takes
/// keys of more than 1,024 characters.
fn of_bytes(bytes: usize) -> Value {
    const EMPTY: usize = r#"{"location":""}{}"#.len();
    const EACH: usize = r#""":"","#.len();
    let name = |n: usize| format!("{n:0width$}", width = (bytes - EMPTY) / TAGS - EACH);
    let tags: Map<String, Value> = (0..TAGS).map(|n| (name(n), json!(""))).collect();
    json!({
        "apiVersion": "vnet.dev/v1alpha1", "kind": "AvailabilitySet", "metadata": {"name": "large"}, "spec": {"tags": tags},
    })
}

const TAGS: usize = 50;

#[test]
fn a_spec_of_480_kib_fits_with_its_status_under_two_field_managers_and_a_larger_one_is_refused() {
    const LARGEST: usize = 480 * 1024;
    let space = Space::empty();
    let sets = space.objects(Kind::AvailabilitySet);
    let create = |set: Value| {
        let first = PostParams { field_manager: Some("first".to_owned()), ..PostParams::default() };
        block_on(sets.create(&first, &serde_json::from_value(set).unwrap())).unwrap();
    };
    // The second field manager takes over every other tag, and makes each one byte longer.
    let large = of_bytes(LARGEST - TAGS);
    create(large.clone());
    space.ready("avset/large");
    let names = large["spec"]["tags"].as_object().unwrap().keys();
    let longer: Map<String, Value> = names.step_by(2).map(|name| (name.clone(), json!("x"))).collect();
    let second = PatchParams { field_manager: Some("second".to_owned()), ..PatchParams::default() };
    let patched = Patch::Merge(json!({"spec": {"tags": longer}}));
    let patched = block_on(sets.patch("large", &second, &patched)).unwrap();
    let programmed = |set: &DynamicObject| *at(set, "/programmedGeneration") == json!(patched.metadata.generation);
    space.wait("avset/large", "programmed", programmed);
    let large = space.ready("avset/large");
    let spec = serde_json::to_string(&large.data["spec"]).unwrap().len();
    assert!((LARGEST - 3 * TAGS..=LARGEST).contains(&spec), "the spec has {spec} bytes");
    assert!(large.metadata.managed_fields.as_ref().is_some_and(|managers| managers.len() >= 3));
    let mut larger = of_bytes(LARGEST + 2 * TAGS);
    larger["metadata"]["name"] = json!("larger");
    create(larger);
    let refusal = space.refused("avset/larger");
    assert_eq!(refusal.told(), [("S-94", "RequestContentTooLarge", "spec")]);
    refusal.advises(&["480 KiB"]).stalls();
}
