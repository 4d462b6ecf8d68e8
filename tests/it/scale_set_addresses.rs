//! What the model gives an instance beside a private address: public addresses, a prefix that they are taken from, DNS
//! servers, accelerated networking; and all addresses of a set in one command.

use std::collections::BTreeSet;

use kube::core::DynamicObject;
use serde_json::{Value, json};
use vnet_operator::fabric::Kind;

use crate::support::manifests::prefix;
use crate::support::scale_sets::{SELECTOR, ScaleSet};
use crate::support::space::{Space, at, yaml};
use crate::support::states::{has_address, power_is};

/// All private and public addresses of all instances, as docs/scale-sets.md lists them.
const ALL_ADDRESSES: &str = "custom-columns=NAME:.metadata.name,\
    PRIVATE-IP:.status.networkInterfaces[*].ipConfigurations[*].privateIPAddress,\
    PUBLIC-IP:.status.networkInterfaces[*].ipConfigurations[*].publicIPAddress.ipAddress";

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

// shows S-33
#[test]
fn every_flexible_instance_has_a_public_address_object_that_its_set_owns() {
    let space = Space::with_a_subnet();
    let label = space.own("out");
    space.apply(&ScaleSet::flexible(2).public(&label).manifest());
    let set = space.ready("vmss/api");
    let mut addresses = BTreeSet::new();
    for n in 0..2 {
        let name = format!("api-{n}-nic-ip");
        let public = space.wait(&format!("pip/{name}"), "with an address", has_address);
        let owner = &public.metadata.owner_references.as_deref().unwrap_or_default()[0];
        assert_eq!((Some(&owner.uid), owner.controller), (set.metadata.uid.as_ref(), Some(true)), "{}", yaml(&public));
        assert_eq!(public.metadata.labels.as_ref().and_then(|labels| labels.get("vnet.dev/scale-set")).unwrap(), "api");
        let fqdn = format!("vm{n}-{label}.westeurope.cloudapp.azure.com");
        assert_eq!(at(&public, "/dnsSettings/fqdn"), &json!(fqdn));
        let address = at(&public, "/ipAddress").clone();
        let shown = json!({"name": name, "ipAddress": address});
        space.wait(&format!("nic/api-{n}-nic"), "showing it", |nic| {
            at(nic, "/ipConfigurations/0/publicIPAddress") == &shown
        });
        addresses.insert(text(&address));
    }
    let listed = space.kubectl_ok(&["get", "pip", "-l", SELECTOR, "-o", "custom-columns=:.status.ipAddress"], "");
    assert_eq!(listed.split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>(), addresses);
    assert_eq!(addresses.len(), 2, "each has its own");
}

#[test]
fn a_public_prefix_supplies_the_addresses_of_the_instances() {
    for set in [ScaleSet::uniform(2), ScaleSet::flexible(2)] {
        let space = Space::with_a_subnet();
        space.apply(&prefix("pool", 30));
        let pool = space.ready("pipp/pool");
        space.apply(&set.public_with("sku: {name: Standard}, publicIPPrefix: {name: pool}").manifest());
        space.ready("vmss/api");
        let range: ipnet::IpNet = text(at(&pool, "/ipPrefix")).parse().unwrap();
        let mut taken = BTreeSet::new();
        let kinds = [(Kind::VirtualMachineScaleSetVM, "/networkInterfaces/0"), (Kind::NetworkInterface, "")];
        for (kind, path) in kinds {
            for name in space.names(kind) {
                let pointer = format!("{path}/ipConfigurations/0/publicIPAddress/ipAddress");
                let id = format!("{}/{name}", kind.as_str());
                let shown = space.wait(&id, "with a public address", |object| at(object, &pointer).is_string());
                taken.insert(text(at(&shown, &pointer)));
            }
        }
        assert_eq!(taken.len(), 2, "each has its own");
        assert!(taken.iter().all(|address| range.contains(&address.parse::<std::net::IpAddr>().unwrap())), "{taken:?}");
        space.wait("pipp/pool", "two addresses taken", |pool| at(pool, "/publicIPAddressCount") == 2);
    }
}

#[test]
fn a_scale_out_beyond_the_public_prefix_changes_nothing() {
    let space = Space::with_a_subnet();
    space.apply(&prefix("pool", 31));
    space.ready("pipp/pool");
    let set = |n| ScaleSet::uniform(n).public_with("sku: {name: Standard}, publicIPPrefix: {name: pool}").manifest();
    space.apply(&set(2));
    let before = space.ready("vmss/api");
    space.apply(&set(3));
    let refusal = space.refused("vmss/api");
    assert_eq!(refusal.told(), [("VMSS-29", "PublicIPPrefixExhausted", "spec.replicas")]);
    refusal.shows(&["1 more address of", "none is available"]).keeps(&before).waits();
    space.exactly(Kind::VirtualMachineScaleSetVM, &["api-0", "api-1"]);
    space.apply(&set(2));
    space.ready("vmss/api");
}

#[test]
fn accelerated_networking_and_dns_servers_show_in_every_instance() {
    let space = Space::with_a_subnet();
    let fields = "enableAcceleratedNetworking: true, dnsSettings: {dnsServers: [10.0.0.9, 10.0.0.10]}";
    space.apply(&ScaleSet::uniform(2).nic(fields).manifest());
    space.ready("vmss/api");
    for name in ["api-0", "api-1"] {
        let vm = space.wait(&format!("vmssvm/{name}"), "Running", power_is("Running"));
        let nic = at(&vm, "/networkInterfaces/0");
        assert_eq!(nic["enableAcceleratedNetworking"], true, "{}", yaml(&vm));
        assert_eq!(nic["appliedDnsServers"], json!(["10.0.0.9", "10.0.0.10"]), "{}", yaml(&vm));
    }
}

#[test]
fn an_instance_without_dns_servers_of_its_own_shows_those_of_the_virtual_network() {
    let space = Space::with_a_subnet();
    space.edit_spec("vnet/hub", &json!({"dhcpOptions": {"dnsServers": ["10.0.0.7"]}}));
    space.ready("vnet/hub");
    space.apply(&ScaleSet::uniform(1).manifest());
    space.wait("vmssvm/api-0", "with the network's server", |vm| {
        at(vm, "/networkInterfaces/0/appliedDnsServers") == &json!(["10.0.0.7"])
    });
}

#[test]
fn one_command_lists_all_addresses_of_a_set() {
    let space = Space::with_a_subnet();
    space.apply(&ScaleSet::uniform(2).public(&space.own("all")).manifest());
    space.ready("vmss/api");
    let configuration = |name: &str, primary: bool, public: Value| json!({"name": name, "primary": primary, "publicIPAddressConfiguration": public});
    let nic = |name: &str, primary: bool, configurations: Value| json!({"name": name, "primary": primary, "subnet": {"name": "web"}, "ipConfigurations": configurations});
    let first = json!([
        configuration("ip", true, json!({"name": "pub"})),
        configuration("more", false, json!({"name": "pub2"}))
    ]);
    let second = json!([configuration("ip", true, Value::Null)]);
    let own = json!({"networkInterfaceConfigurations": [nic("nic", true, first), nic("second", false, second)]});
    space.edit_spec("vmssvm/api-1", &json!({"networkProfileConfiguration": own}));
    let shown = |vm: &DynamicObject| {
        let nics = at(vm, "/networkInterfaces").as_array().into_iter().flatten();
        let configurations = nics.flat_map(|nic| nic["ipConfigurations"].as_array().into_iter().flatten());
        let addresses =
            configurations.map(|c| (text(&c["privateIPAddress"]), text(&c["publicIPAddress"]["ipAddress"])));
        let (private, public): (Vec<_>, Vec<_>) = addresses.filter(|(private, _)| !private.is_empty()).unzip();
        (private, public.into_iter().filter(|public| !public.is_empty()).collect::<Vec<_>>())
    };
    let one = space.wait("vmssvm/api-0", "with one address of a kind", |vm| {
        let (private, public) = shown(vm);
        (private.len(), public.len()) == (1, 1)
    });
    let other = space.wait("vmssvm/api-1", "with all its addresses", |vm| {
        let (private, public) = shown(vm);
        (private.len(), public.len()) == (3, 2)
    });
    let table = space.kubectl_ok(&["get", "vmssvm", "-l", SELECTOR, "-o", ALL_ADDRESSES], "");
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["NAME", "PRIVATE-IP", "PUBLIC-IP"]);
    for (row, vm) in rows[1..].iter().zip([one, other]) {
        let (private, public) = shown(&vm);
        assert_eq!(row[1..], [private.join(","), public.join(",")], "{table}");
    }
    assert_eq!(rows.len(), 3, "{table}");
}
