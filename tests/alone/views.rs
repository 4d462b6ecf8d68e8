//! Views of the cluster: what is read of it for them, and what is said if that may not be read.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::cluster::{Cluster, alone};
use crate::support::manifests::{machine, nic, nic_with, public_address};
use crate::support::space::Space;

/// How many requests of each verb the API server has answered for objects of this project's kinds.
fn requests(cluster: &Cluster) -> BTreeMap<String, u64> {
    let metrics = cluster.kubectl(&["get", "--raw", "/metrics"], "").out;
    let mut all = BTreeMap::new();
    for line in metrics.lines().filter(|line| line.contains("group=\"vnet.dev\"")) {
        let Some(labels) = line.strip_prefix("apiserver_request_total{") else { continue };
        let (_, verb) = labels.split_once("verb=\"").unwrap();
        let (verb, _) = verb.split_once('"').unwrap();
        let (_, count) = labels.rsplit_once(' ').unwrap();
        *all.entry(verb.to_owned()).or_default() += count.parse::<u64>().unwrap();
    }
    all
}

/// A machine with one network interface and a public address, and others beside it.
fn with_a_machine(cluster: &Cluster) -> Space<'_> {
    let space = Space::on(cluster).and_a_subnet();
    let public = "{name: ip, publicIPAddress: {name: front}}";
    space.apply(&(public_address("front", "Standard") + &nic_with("a", "web", &[public]) + &machine("m", &["a"], "")));
    let others: String = (0..30).map(|n| nic(&format!("n{n}"), "web")).collect();
    space.apply(&others);
    space.ready("vm/m");
    space.ready("nic/n29");
    space
}

#[test]
fn a_view_of_a_machine_reads_what_it_refers_to_by_name_and_lists_nothing() {
    let cluster = alone();
    let space = with_a_machine(&cluster);
    cluster.stop_operator(); // it reads, too
    let made = || {
        let before = requests(&cluster);
        let told = cluster.vnet(&["list-ip-addresses", "vm/m", "-n", &space.name, "-o", "json"]);
        let after = requests(&cluster);
        assert!(told.ok, "{told:?}");
        let shown: Value = serde_json::from_str(&told.out).unwrap();
        let network = &shown[0]["virtualMachine"]["network"];
        assert_eq!(network["privateIpAddresses"].as_array().unwrap().len(), 1);
        assert_eq!(network["publicIpAddresses"][0]["name"], "front");
        let of = |counts: &BTreeMap<String, u64>, verb: &str| counts.get(verb).copied().unwrap_or_default();
        (of(&after, "GET") - of(&before, "GET"), of(&after, "LIST") - of(&before, "LIST"))
    };
    // The controllers of the control plane read now and then, so of several runs the one with the fewest requests counts.
    let fewest = (0..5).map(|_| made()).min();
    // The machine, its network interface, the public address, the subnet and the virtual network.
    assert_eq!(fewest, Some((5, 0)));
}

#[test]
fn a_view_says_what_may_not_be_read_and_shows_the_rest() {
    let cluster = alone();
    let space = with_a_machine(&cluster);
    let folder = TempDir::new().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    let text = std::fs::read_to_string(cluster.kubeconfig()).unwrap();
    let mut viewer: Value = serde_saphyr::from_str(&text).unwrap();
    viewer["users"][0]["user"]["as"] = json!("viewer");
    std::fs::write(&kubeconfig, viewer.to_string()).unwrap();
    let role = ["create", "role", "viewer", "-n", &space.name, "--verb=get"];
    let may =
        "--resource=virtualmachines.vnet.dev,networkinterfaces.vnet.dev,subnets.vnet.dev,virtualnetworks.vnet.dev";
    assert!(cluster.kubectl(&[&role[..], &[may]].concat(), "").ok);
    let bind = ["create", "rolebinding", "viewer", "-n", &space.name, "--role=viewer", "--user=viewer"];
    assert!(cluster.kubectl(&bind, "").ok);
    let view = |machine: &str| cluster.vnet_with(&kubeconfig, &["list-ip-addresses", machine, "-n", &space.name]);
    let told = view("vm/m");
    assert!(told.ok && told.out.contains(" ip ") && told.out.contains("front"), "{told:?}");
    let lacks = format!(
        "Warning: the view lacks PublicIPAddress {}/front, and the addresses that are of it: publicipaddresses.vnet.dev \"front\" is forbidden",
        space.name
    );
    assert!(told.err.contains(&lacks), "{told:?}");
    let told = view("vmssvm/api-0");
    assert!(
        !told.ok && told.err.contains(&format!("cannot read VirtualMachineScaleSetVM {}/api-0", space.name)),
        "{told:?}"
    );
    let told = view("vm/none");
    assert!(!told.ok && told.err.contains(&format!("there is no VirtualMachine {}/none", space.name)), "{told:?}");
}
