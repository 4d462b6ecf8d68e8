//! The settings of the operator: a ConfigMap that `vnet plan` reads, and a public IP pool that cannot be exchanged.

use std::fs::OpenOptions;

use serde_json::{Value, json};

use crate::support::cluster::{Cluster, alone, poll};
use crate::support::manifests::static_public_address;
use crate::support::operator::Operator;
use crate::support::space::{Space, at};

const OWN: [&str; 2] = ["--namespace", "vnet-system"];

fn settings(cluster: &Cluster) -> Value {
    let told = cluster.kubectl(&["get", "configmap", "vnet-settings", "-n", "vnet-system", "-o", "json"], "");
    serde_json::from_str(&told.out).unwrap_or_default()
}

#[test]
fn an_operator_with_another_pool_does_not_start_and_changes_nothing() {
    let cluster = alone();
    cluster.start_operator_with(&["--public-ip-pool", "198.18.0.0/24"]).unwrap();
    let space = Space::on(&cluster);
    space.apply(&static_public_address("front"));
    let before = space.ready("pip/front");
    poll("the settings are published", || {
        (settings(&cluster)["data"]["public-ip-pool"] == "198.18.0.0/24").then_some(())
    })
    .unwrap();
    assert!(cluster.stop_operator().success());
    let log_path = cluster.log_path().with_extension("refused");
    let log = OpenOptions::new().create(true).append(true).open(&log_path).unwrap();
    let flags = [&OWN[..], &["--public-ip-pool", "203.0.113.0/24"]].concat();
    let mut refused = Operator::spawn(&cluster.operator_kubeconfig(), &flags, log).unwrap();
    let status = poll("it ends by itself", || refused.ended()).unwrap();
    let log = std::fs::read_to_string(&log_path).unwrap();
    assert_eq!(status.code(), Some(1), "{log}");
    let address = format!("PublicIPAddress {}/front (198.18.0.0)", space.name);
    let says = "1 static public address is outside of the public IP pool 203.0.113.0/24: ";
    assert!(log.contains(&format!("{says}{address}")), "{log}");
    assert!(log.contains("(198.18.0.0/24, as ConfigMap vnet-system/vnet-settings has it)"), "{log}");
    let after = space.get("pip/front");
    assert_eq!(after.metadata.resource_version, before.metadata.resource_version);
    assert_eq!(settings(&cluster)["data"]["public-ip-pool"], "198.18.0.0/24", "the refused one publishes nothing");
    cluster.start_operator().unwrap();
    assert_eq!(at(&space.ready("pip/front"), "/ipAddress"), "198.18.0.0");
}

#[test]
fn a_plan_against_the_cluster_uses_the_settings_of_its_operator() {
    let cluster = alone();
    cluster.start_operator_with(&["--public-ip-pool", "203.0.113.0/24", "--enforce-quotas"]).unwrap();
    let space = Space::on(&cluster);
    poll("the settings are published", || (settings(&cluster)["data"]["enforce-quotas"] == "true").then_some(()))
        .unwrap();
    let version = settings(&cluster)["metadata"]["resourceVersion"].clone();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), static_public_address("front")).unwrap();
    let path = file.path().to_str().unwrap();
    let arguments = ["plan", path, "-n", &space.name, "-o", "json", "--against", "cluster"];
    let planned = |more: &[&str]| {
        let told = cluster.vnet(&[&arguments[..], more].concat());
        let plan: Value = serde_json::from_str(&told.out).unwrap();
        (plan["objects"][0]["allocations"][0]["after"].clone(), told.err)
    };
    let (address, told) = planned(&[]);
    assert_eq!(address, json!("203.0.113.0"));
    let says = "Settings of ConfigMap vnet-system/vnet-settings: public-ip-pool=203.0.113.0/24, enforce-quotas=true";
    assert!(told.contains(says), "{told}");
    let (address, told) = planned(&["--public-ip-pool", "192.0.2.0/24", "--enforce-quotas=false"]);
    assert_eq!((address, told.as_str()), (json!("192.0.2.0"), ""), "flags come first");
    let (address, told) = planned(&["--operator-namespace", "elsewhere"]);
    assert_eq!(address, json!("198.18.0.0"));
    assert!(told.contains("ConfigMap elsewhere/vnet-settings cannot be read (there is no such ConfigMap)"), "{told}");
    cluster.start_operator_with(&["--public-ip-pool", "203.0.113.0/24", "--enforce-quotas"]).unwrap();
    space.apply(&static_public_address("front"));
    space.ready("pip/front");
    assert_eq!(settings(&cluster)["metadata"]["resourceVersion"], version, "what is said already is not written again");
    space.delete("pip/front");
    space.gone("pip/front");
}
