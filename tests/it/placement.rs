//! Locations and subscriptions, by labels of the Namespace: where an object is, which references that forbids, and that a
//! label which changes later moves nothing.

use serde_json::json;

use crate::support::manifests::{
    address_of_prefix, availability_set, machine, named_public_address, nic, object, prefix, public_address, public_nic,
};
use crate::support::placement::{advice, nothing_moves, placement};
use crate::support::space::{Space, address, at};

const LOCATION: &str = "vnet.dev/location";
const SUBSCRIPTION: &str = "vnet.dev/subscription";

/// The message of a VM, NIC or address that refers to what is elsewhere.
fn is_elsewhere(space: &Space<'_>, id: &str, told: (&str, &str), evidence: &[&str]) {
    let refusal = space.refused(id);
    let (rule, path) = told;
    assert_eq!(refusal.told(), [(rule, "InvalidResourceReference", path)]);
    refusal.shows(evidence).advises(&["same location and subscription"]).waits();
}

#[test]
fn the_labels_of_its_namespace_say_where_an_object_is() {
    let space = Space::labelled(&[(LOCATION, "northeurope"), (SUBSCRIPTION, "production")]).and_a_subnet();
    let label = space.own("www");
    space.apply(&(nic("a", "web") + &named_public_address("front", &label) + &machine("m", &["a"], "")));
    for id in ["vnet/hub", "subnet/web", "nic/a", "pip/front", "vm/m"] {
        assert_eq!(placement(&space.ready(id)), ("northeurope", "production"), "{id}");
    }
    let name = format!("{label}.northeurope.cloudapp.azure.com");
    assert_eq!(at(&space.get("pip/front"), "/dnsSettings/fqdn"), &json!(name));
}

#[test]
fn a_location_in_the_spec_stands_above_the_label() {
    let space = Space::labelled(&[(LOCATION, "northeurope")]);
    space.apply(&object("PublicIPAddress", "front", "location: norwayeast"));
    let front = space.ready("pip/front");
    assert_eq!((placement(&front), advice(&front)), (("norwayeast", "default"), None));
}

#[test]
fn a_reference_to_another_location_counts_as_missing_whatever_refers() {
    let space = Space::with_a_subnet();
    space.apply(
        &(public_address("front", "Basic") + &prefix("pool", 31) + &availability_set("rack") + &nic("b", "web")),
    );
    for id in ["pip/front", "pipp/pool", "avset/rack", "nic/b"] {
        space.ready(id);
    }
    let north = |manifest: String| manifest.replace("spec: {", "spec: {location: northeurope, ");
    space.apply(&north(nic("a", "web")));
    space.apply(&north(address_of_prefix("taken", "pool")));
    space.apply(&north(machine("m", &["b"], "availabilitySet: {name: rack}")));
    let evidence = ["is in location westeurope", "and this object in location northeurope"];
    is_elsewhere(&space, "nic/a", ("NIC-03", "spec.subnet"), &evidence);
    is_elsewhere(&space, "pip/taken", ("PIP-16", "spec.publicIPPrefix"), &evidence);
    let told = space.refused("vm/m");
    let first = "spec.networkProfile.networkInterfaces[0]";
    let both = [("NIC-03", first), ("AVS-01", "spec.availabilitySet")];
    assert_eq!(told.told(), both.map(|(rule, path)| (rule, "InvalidResourceReference", path)));
    told.shows(&evidence).advises(&["or create NetworkInterface", "/b there."]).waits();
    // The subnet is where its network is, and the address where its own spec says.
    space.apply(&north(public_address("back", "Basic")));
    space.ready("pip/back");
    space.apply(&public_nic("c", "web", "back"));
    let evidence = ["is in location northeurope", "and this object in location westeurope"];
    is_elsewhere(&space, "nic/c", ("PIP-12", "spec.ipConfigurations[0].publicIPAddress"), &evidence);
}

#[test]
fn what_refers_to_an_object_elsewhere_follows_when_that_is_made_anew_at_its_own_place() {
    let space = Space::with_a_subnet();
    space.apply(&object("PublicIPAddress", "front", "location: northeurope"));
    space.ready("pip/front");
    space.apply(&public_nic("a", "web", "front"));
    space.refused("nic/a").waits();
    space.delete("pip/front");
    space.gone("pip/front");
    space.apply(&public_address("front", "Basic"));
    space.ready("nic/a");
}

/// A reference from one namespace to another.
fn abroad(name: &str, space: &Space<'_>) -> String {
    format!("{{name: {name}, namespace: {}}}", space.name)
}

// shows NIC-04
#[test]
fn references_cross_namespaces_of_one_subscription() {
    let labels = [(SUBSCRIPTION, "production")];
    let (net, app) = (Space::labelled(&labels).and_a_subnet(), Space::labelled(&labels));
    net.apply(&(public_address("front", "Standard") + &prefix("pool", 31)));
    let configuration = format!("{{name: one, publicIPAddress: {}}}", abroad("front", &net));
    let spec = format!("subnet: {}, ipConfigurations: [{configuration}]", abroad("web", &net));
    app.apply(&object("NetworkInterface", "a", &spec));
    assert_eq!(address(&app.ready("nic/a")), "10.0.1.4");
    let holder = json!({"name": "a", "namespace": app.name});
    net.wait("pip/front", "held", |pip| *at(pip, "/ipConfiguration/networkInterface") == holder);
    net.wait("subnet/web", "counted", |subnet| at(subnet, "/capacity/allocated") == 1);
    let taken = format!("sku: {{name: Standard}}, publicIPPrefix: {}", abroad("pool", &net));
    app.apply(&object("PublicIPAddress", "taken", &taken));
    app.ready("pip/taken");
    let listed = json!([{"name": "taken", "namespace": app.name}]);
    net.wait("pipp/pool", "listing it", |prefix| *at(prefix, "/publicIPAddresses") == listed);
    // And a VM in the one attaches a NIC of the other.
    let nics = format!("networkProfile: {{networkInterfaces: [{}]}}", abroad("a", &app));
    net.apply(&object("VirtualMachine", "m", &format!("hardwareProfile: {{vmSize: Standard_B2s}}, {nics}")));
    net.ready("vm/m");
    let vm = json!({"name": "m", "namespace": net.name});
    app.wait("nic/a", "attached", |nic| *at(nic, "/virtualMachine") == vm);
    // What is used goes last, whatever namespace it is in.
    net.delete("subnet/web");
    let refusal = net.refused("subnet/web");
    refusal.is_blocked_by(&[("NetworkInterface", &format!("{}/a", app.name))]).waits();
    app.delete("nic/a");
    let refusal = app.refused("nic/a");
    refusal.is_blocked_by(&[("VirtualMachine", &format!("{}/m", net.name))]).waits();
    net.delete("vm/m");
    app.gone("nic/a");
    net.gone("subnet/web");
}

#[test]
fn two_nics_of_one_name_cannot_both_be_listed() {
    let (space, other) = (Space::with_a_subnet(), Space::with_a_subnet());
    let nics = format!("networkProfile: {{networkInterfaces: [{{name: a}}, {}]}}", abroad("a", &other));
    let vm = object("VirtualMachine", "m", &format!("hardwareProfile: {{vmSize: Standard_B2s}}, {nics}"));
    let told = space.apply_refused(&vm);
    assert!(told.contains("spec.networkProfile.networkInterfaces[1]") && told.contains("Duplicate value"), "{told}");
}

#[test]
fn references_to_another_subscription_or_location_count_as_missing_with_the_reason() {
    let net = Space::labelled(&[(SUBSCRIPTION, "production")]).and_a_subnet();
    let foreign = [
        (SUBSCRIPTION, "staging", "location westeurope, subscription staging"),
        (LOCATION, "northeurope", "location northeurope, subscription default"),
    ];
    for (label, value, here) in foreign {
        let app = Space::labelled(&[(label, value)]);
        let spec = format!("subnet: {}, ipConfigurations: [{{name: one}}]", abroad("web", &net));
        app.apply(&object("NetworkInterface", "a", &spec));
        let there = "location westeurope, subscription production";
        is_elsewhere(&app, "nic/a", ("NIC-03", "spec.subnet"), &[there, here]);
        app.refused("nic/a").is_blocked_by(&[("Subnet", &format!("{}/web", net.name))]);
    }
}

#[test]
fn a_label_that_changes_later_is_told_and_moves_nothing() {
    let space = Space::labelled(&[(LOCATION, "northeurope")]).and_a_subnet();
    space.apply(&(public_address("front", "Standard") + &availability_set("rack")));
    space.ready("pip/front");
    space.apply(&public_nic("a", "web", "front"));
    space.apply(&(machine("m", &["a"], "") + &object("PublicIPAddress", "fixed", "location: northeurope")));
    space.wait("nic/a", "with a MAC address", crate::support::states::has_mac);
    space.wait("pip/front", "held", |pip| !at(pip, "/ipConfiguration").is_null());
    crate::support::states::counted(&space, 1);
    let ids = ["vnet/hub", "subnet/web", "nic/a", "pip/front", "pip/fixed", "avset/rack", "vm/m"];
    let before = ids.map(|id| space.ready(id));
    space.label("vnet.dev/location=norwayeast");
    let told = space.wait("nic/a", "told", |nic| advice(nic).is_some());
    let message = advice(&told).unwrap()["message"].as_str().unwrap();
    assert!(message.contains("northeurope") && message.contains("norwayeast"), "{message}");
    // A subnet is where its network is, and an object that names its location needs no label for it.
    let (subnet, named): (_, Vec<_>) = (|kind: &str| kind != "Subnet", before[4..5].to_vec());
    nothing_moves(&space, &named, |_| false);
    nothing_moves(&space, &[&before[..4], &before[5..]].concat(), subnet);
    // What is new goes by the new label, and finds what was there before elsewhere.
    space.apply(&nic("late", "web"));
    is_elsewhere(&space, "nic/late", ("NIC-03", "spec.subnet"), &["northeurope", "norwayeast"]);
    // Labelled back, all is as before.
    space.label("vnet.dev/location=northeurope");
    nothing_moves(&space, &before, |_| false);
    space.ready("nic/late");
}
