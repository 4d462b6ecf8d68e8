//! Views of a cluster in memory, from all of it and from the part that is read for them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::json;

use super::ip_addresses::{MachineAddresses, ip_addresses};
use super::snapshot::{Snapshot, Wanted};
use crate::fabric::{Engine, Kind, Name, ObjectId, Settings};
use crate::plan::cluster::Cluster;
use crate::plan::manifests::{self, File};
use crate::plan::state::State;
use crate::plan::{Options, Prune, cluster_with};

fn object(kind: &str, name: &str, spec: &str) -> String {
    format!("---\napiVersion: vnet.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n")
}

fn id(kind: Kind, name: &str) -> ObjectId {
    ObjectId::new(kind, Name::new("shop", name))
}

fn apply(text: &str, state: Option<State>) -> Cluster {
    apply_with(text, state, Settings::default())
}

fn apply_with(text: &str, state: Option<State>, settings: Settings) -> Cluster {
    let manifests = manifests::read(&[File { name: "net.yaml".into(), text: text.to_owned() }], "shop").unwrap();
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    let options = Options { settings, prune: Prune::Nothing, server_side: None, now };
    let state = state.unwrap_or_else(|| State::before(&manifests));
    cluster_with(&manifests, state, &options).unwrap()
}

/// Machine `m` with two network interfaces, one of which has a public address; and 50 network interfaces beside it.
fn a_machine() -> String {
    let nics = "[{name: one}, {name: two, primary: true}]";
    let public = "{name: front, namespace: shop}";
    let mut all = object("VirtualNetwork", "hub", "{addressSpace: {addressPrefixes: [10.0.0.0/16]}}")
        + &object("Subnet", "web", "{virtualNetwork: {name: hub}, addressPrefixes: [10.0.1.0/24]}")
        + &object("PublicIPAddress", "front", "{sku: {name: Standard}, dnsSettings: {domainNameLabel: shop}}")
        + &object(
            "NetworkInterface",
            "one",
            "{subnet: {name: web}, ipConfigurations: [{name: a, primary: true}, {name: b}]}",
        )
        + &object(
            "NetworkInterface",
            "two",
            &format!("{{subnet: {{name: web}}, ipConfigurations: [{{name: c, publicIPAddress: {public}}}]}}"),
        )
        + &object(
            "VirtualMachine",
            "m",
            &format!("{{hardwareProfile: {{vmSize: Standard_D8s_v3}}, networkProfile: {{networkInterfaces: {nics}}}}}"),
        );
    for n in 0..50 {
        all += &object("NetworkInterface", &format!("n{n}"), "{subnet: {name: web}, ipConfigurations: [{name: a}]}");
    }
    all
}

fn a_scale_set(configurations: &str) -> String {
    let nic = format!("{{name: nic, primary: true, subnet: {{name: web}}, ipConfigurations: {configurations}}}");
    let profile = format!("{{networkProfile: {{networkInterfaceConfigurations: [{nic}]}}}}");
    object("VirtualNetwork", "hub", "{addressSpace: {addressPrefixes: [10.0.0.0/16]}}")
        + &object("Subnet", "web", "{virtualNetwork: {name: hub}, addressPrefixes: [10.0.1.0/24]}")
        + &object(
            "VirtualMachineScaleSet",
            "api",
            &format!(
                "{{replicas: 2, upgradePolicy: {{mode: Manual}}, sku: {{name: Standard_D2s_v3}}, virtualMachineProfile: {profile}}}"
            ),
        )
}

/// What is read of a cluster for views of these objects, and the resulting fabric.
fn read(cluster: &Cluster, first: &[ObjectId]) -> (Vec<String>, Engine) {
    let (mut snapshot, mut all) = (Snapshot::default(), Vec::new());
    loop {
        let wanted: BTreeSet<Wanted> = snapshot.wanted(first);
        if wanted.is_empty() {
            return (all, snapshot.restore());
        }
        for wanted in wanted {
            match wanted {
                Wanted::Object(id) => {
                    all.push(id.to_string());
                    snapshot.found(id.clone(), cluster.server().objects().get(&id));
                }
                Wanted::Model(name) => {
                    all.push(format!("ControllerRevision {name}"));
                    let revision = cluster
                        .server()
                        .revisions()
                        .find(|revision| revision.metadata.name.as_deref() == Some(&*name.name));
                    snapshot.found_model(name, revision);
                }
            }
        }
    }
}

fn shown(addresses: &MachineAddresses) -> Vec<String> {
    let all = addresses.configurations.iter().map(|c| {
        let public = c.public_ip_address.as_ref().and_then(|public| public.ip_address);
        let public = public.map(|public| format!(" {public}")).unwrap_or_default();
        format!("{}/{} {}{public}", c.network_interface, c.name, c.private_ip_address.unwrap())
    });
    all.collect()
}

#[test]
fn a_machine_is_read_with_what_it_refers_to_and_nothing_else() {
    let cluster = apply(&a_machine(), None);
    let vm = id(Kind::VirtualMachine, "m");
    let (read, engine) = read(&cluster, std::slice::from_ref(&vm));
    let expected = [
        "VirtualMachine shop/m",
        "NetworkInterface shop/one",
        "NetworkInterface shop/two",
        "Subnet shop/web",
        "PublicIPAddress shop/front",
        "VirtualNetwork shop/hub",
    ];
    assert_eq!(read, expected);
    let addresses = ip_addresses(&engine, &vm).unwrap();
    assert_eq!(addresses, ip_addresses(cluster.engine(), &vm).unwrap());
    assert_eq!(shown(&addresses), ["two/c 10.0.1.56 198.18.0.0", "one/a 10.0.1.54", "one/b 10.0.1.55"]);
}

#[test]
fn addresses_are_in_the_form_in_which_azure_shows_them() {
    let vm = id(Kind::VirtualMachine, "m");
    let shown = ip_addresses(apply(&a_machine(), None).engine(), &vm).unwrap().as_azure_shows_them();
    let front = "/subscriptions/default/resourceGroups/shop/providers/Microsoft.Network/publicIPAddresses/front";
    let public = json!({"id": front, "name": "front", "resourceGroup": "shop", "ipAddress": "198.18.0.0",
                        "ipAllocationMethod": "Static", "fqdn": "shop.westeurope.cloudapp.azure.com"});
    let network = json!({"privateIpAddresses": ["10.0.1.56", "10.0.1.54", "10.0.1.55"], "publicIpAddresses": [public]});
    assert_eq!(shown, json!({"virtualMachine": {"name": "m", "resourceGroup": "shop", "network": network}}));
}

#[test]
fn an_instance_is_read_with_its_set_and_the_model_that_it_still_has() {
    let cluster = apply(&a_scale_set("[{name: a, publicIPAddressConfiguration: {name: pub}}]"), None);
    let instance = id(Kind::VirtualMachineScaleSetVM, "api-1");
    let before = ip_addresses(cluster.engine(), &instance).unwrap();
    assert_eq!(shown(&before), ["nic/a 10.0.1.5 198.18.0.1"]);
    let cluster = apply(&a_scale_set("[{name: other}]"), Some(cluster.into_state()));
    let (read, engine) = read(&cluster, std::slice::from_ref(&instance));
    let expected = [
        "VirtualMachineScaleSetVM shop/api-1",
        "VirtualMachineScaleSet shop/api",
        "Subnet shop/web",
        "ControllerRevision shop/api-1",
        "VirtualNetwork shop/hub",
    ];
    assert_eq!(read, expected);
    assert_eq!(ip_addresses(&engine, &instance).unwrap(), before);
}

#[test]
fn what_the_fabric_does_not_carry_has_no_view() {
    let refused = object(
        "VirtualMachine",
        "m",
        "{hardwareProfile: {vmSize: Standard_D8s_v3}, networkProfile: {networkInterfaces: [{name: none}]}}",
    );
    let cluster = apply(&refused, None);
    let vm = id(Kind::VirtualMachine, "m");
    let (_, engine) = read(&cluster, std::slice::from_ref(&vm));
    let told = ip_addresses(&engine, &vm).unwrap_err().to_string();
    assert_eq!(told, "VirtualMachine shop/m is not provisioned");
}

#[test]
fn addresses_of_another_public_pool_are_shown_and_none_is_invented() {
    let settings = Settings { public_ip_pool: "203.0.113.0/24".parse().unwrap(), ..Settings::default() };
    let cluster = apply_with(&a_machine(), None, settings);
    let vm = id(Kind::VirtualMachine, "m");
    let (_, engine) = read(&cluster, std::slice::from_ref(&vm));
    let addresses = ip_addresses(&engine, &vm).unwrap();
    assert_eq!(shown(&addresses)[0], "two/c 10.0.1.56 203.0.113.0");
    // What a status does not show has no address, though there would be one.
    let mut snapshot = Snapshot::default();
    for wanted in ["VirtualMachine m", "NetworkInterface two", "Subnet web", "PublicIPAddress front"] {
        let (kind, name) = wanted.split_once(' ').unwrap();
        let id = id(Kind::named(kind).unwrap(), name);
        let mut object = cluster.server().objects()[&id].clone();
        if id.kind == Kind::PublicIPAddress {
            object.data["status"].as_object_mut().unwrap().remove("ipAddress");
        }
        snapshot.found(id, Some(&object));
    }
    let addresses = ip_addresses(&snapshot.restore(), &vm).unwrap();
    assert_eq!(shown(&addresses), ["two/c 10.0.1.56"]);
}
