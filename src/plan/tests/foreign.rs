//! Manifests of Azure Resource Manager's shape and of Azure Service Operator, and kinds that there are not.

use super::*;

/// Path, line and remedy of each field that there is not.
fn unknown_fields(text: &str) -> Vec<(String, u64, String)> {
    let plan = Applied::default().plan(text);
    let told = plan.objects.iter().flat_map(|object| &object.violations);
    let told = told.filter(|told| told.violation.message == "There is no such field.");
    let line = |told: &report::PlannedViolation| told.place.as_ref().unwrap().line;
    told.map(|told| (told.violation.path.clone(), line(told), told.violation.remedy.clone())).collect()
}

fn told_at(path: &str, line: u64, remedy: &str) -> (String, u64, String) {
    (path.to_owned(), line, remedy.to_owned())
}

#[test]
fn a_nic_in_the_shape_of_arm_is_refused_with_the_fields_that_it_has_here() {
    let nic = "\
apiVersion: vnet.dev/v1alpha1
kind: NetworkInterface
metadata: {name: nic}
location: westeurope
properties:
  ipConfigurations:
  - name: ip
    properties:
      privateIPAllocationMethod: Dynamic
      subnet:
        id: /subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/hub/subnets/web
      publicIPAddress:
        id: /subscriptions/s/resourceGroups/g/providers/Microsoft.Network/publicIPAddresses/front
";
    let one = "Write spec.subnet instead (one for all IP configurations).";
    assert_eq!(
        unknown_fields(nic),
        [
            told_at("location", 4, "Write spec.location instead."),
            told_at("properties", 6, "Write what it holds into spec, without properties."),
            told_at(
                "properties.ipConfigurations[0].properties",
                9,
                "Write what it holds into spec.ipConfigurations[0], without properties."
            ),
            told_at(
                "properties.ipConfigurations[0].properties.publicIPAddress.id",
                13,
                "An object is referred to by its name: write spec.ipConfigurations[0].publicIPAddress.name: front."
            ),
            told_at("properties.ipConfigurations[0].properties.subnet", 11, one),
        ]
    );
}

#[test]
fn a_reference_of_azure_service_operator_is_refused_with_the_name_to_write() {
    let reference = "{reference: {group: network.azure.com, kind: VirtualNetworksSubnet, name: web}}";
    let nic = object(
        "NetworkInterface",
        "nic",
        &format!("{{owner: {{name: g}}, ipConfigurations: [{{name: ip, subnet: {reference}}}], subnet: {reference}}}"),
    );
    assert_eq!(
        unknown_fields(&nic),
        [
            told_at("spec.ipConfigurations[0].subnet", 5, "Write spec.subnet instead (one for all IP configurations)."),
            told_at("spec.subnet.reference", 5, "An object is referred to by its name: write spec.subnet.name: web."),
            told_at("spec.owner", 5, "Write metadata.namespace instead (a namespace stands for a resource group)."),
        ]
    );
}

#[test]
fn fields_of_other_kinds_are_told_with_what_stands_for_them() {
    for (kind, spec, path, remedy) in [
        (
            "Subnet",
            "{addressPrefix: 10.0.0.0/24}",
            "spec.addressPrefix",
            "Write spec.addressPrefixes instead (a list).",
        ),
        (
            "VirtualNetwork",
            "{addressSpace: {addressPrefixes: [10.0.0.0/16]}, subnets: [{name: web}]}",
            "spec.subnets",
            "Write each as an object of kind Subnet, with spec.virtualNetwork.",
        ),
        (
            "VirtualMachineScaleSet",
            "{sku: {name: Standard_D2s_v3, capacity: 3}}",
            "spec.sku.capacity",
            "Write spec.replicas instead.",
        ),
        (
            "VirtualMachine",
            "{osProfile: {linuxConfiguration: {}}}",
            "spec.osProfile.linuxConfiguration",
            "Write spec.osProfile.osType instead (write Linux).",
        ),
    ] {
        assert_eq!(unknown_fields(&object(kind, "a", spec)), [told_at(path, 5, remedy)], "{kind}");
    }
}

#[test]
fn an_object_of_azure_service_operator_is_passed_over_with_its_kind_and_fields_here() {
    let foreign = "\
---
apiVersion: network.azure.com/v1api20201101
kind: VirtualNetworksSubnet
metadata: {name: web}
spec:
  owner: {name: hub}
  addressPrefix: 10.0.1.0/24
---
apiVersion: resources.azure.com/v1api20200601
kind: ResourceGroup
metadata: {name: g}
---
apiVersion: network.azure.com/v1api20201101
kind: Bastion
metadata: {name: b}
";
    let plan = Applied::default().plan(foreign);
    let notes: Vec<_> = plan.notes.iter().map(|note| (note.place.line, note.message.as_str())).collect();
    let passed_over = "is passed over: it is a kind of Azure Service Operator; write";
    assert_eq!(
        notes,
        [
            (2, &*format!("VirtualNetworksSubnet web {passed_over} Subnet of vnet.dev/v1alpha1")),
            (7, "spec.addressPrefix of VirtualNetworksSubnet web: Write spec.addressPrefixes instead (a list)."),
            (6, "spec.owner of VirtualNetworksSubnet web: Write spec.virtualNetwork instead."),
            (9, &*format!("ResourceGroup g {passed_over} Namespace")),
            (13, "Bastion b is passed over: it is not a kind of vnet.dev"),
        ]
    );
}

#[test]
fn a_resource_of_arm_is_told_its_version_and_kind_here() {
    let file = manifests::File {
        name: "net.json".into(),
        text: r#"{"type": "Microsoft.Network/virtualnetworks", "apiVersion": "2023-04-01", "name": "hub"}"#.to_owned(),
    };
    let told = manifests::read(&[file], "shop").unwrap_err();
    let message = "Microsoft.Network/virtualnetworks is a type of Azure Resource Manager; write apiVersion: vnet.dev/v1alpha1 and kind: VirtualNetwork";
    assert_eq!(told[0].message, message);
}

#[test]
fn an_object_of_an_unknown_kind_or_version_is_refused_at_its_line_and_the_rest_is_planned() {
    let later = object("NetworkInterface", "later", "{}").replace("v1alpha1", "v9");
    let text = network() + &object("NetworkInterfac", "a", "{}") + &later + &nic("b", "");
    let plan = Applied::default().plan(&text);
    let (a, later) = (of(&plan, "a"), of(&plan, "later"));
    assert_eq!((a.object.to_string(), a.action), ("NetworkInterfac shop/a".to_owned(), Action::Create));
    assert_eq!(told(a), [("schema", "Invalid", "kind", 18)]);
    assert_eq!(a.violations[0].violation.message, "vnet.dev has no kind NetworkInterfac.");
    assert!(a.violations[0].violation.remedy.starts_with("The nearest are NetworkInterface"));
    assert_eq!(told(later), [("schema", "Invalid", "apiVersion", 22)]);
    assert_eq!(later.violations[0].violation.remedy, "Write vnet.dev/v1alpha1.");
    assert!(nic_of(&plan, "b").accepted && plan.refuses());
    assert_eq!((plan.summary.create, plan.summary.refused), (6, 2));
}
