//! One instance alone: its own network, edited while the others stay as they are, and kept by a restart of the operator.

use kube::core::DynamicObject;
use serde_json::{Value, json};

use crate::support::cluster::alone;
use crate::support::history::History;
use crate::support::scale_sets::{ScaleSet, private};
use crate::support::space::{Space, at};

const THREE: [&str; 3] = ["api-0", "api-1", "api-2"];

fn three(space: &Space<'_>) {
    space.apply(&ScaleSet::uniform(3).manifest());
    space.ready("vmss/api");
    space.instances(&THREE);
}

/// Gives `api-1` a network of its own: the model's NIC, with these configurations.
fn own(space: &Space<'_>, configurations: &[&str]) {
    let configuration = |name: &&str| json!({"name": name, "primary": *name == configurations[0]});
    let configurations: Vec<Value> = configurations.iter().map(configuration).collect();
    let nic = json!({"name": "nic", "subnet": {"name": "web"}, "ipConfigurations": configurations});
    space.edit_spec("vmssvm/api-1", &json!({"networkProfileConfiguration": {"networkInterfaceConfigurations": [nic]}}));
}

/// Names and addresses of the configurations of an instance.
fn configurations(vm: &DynamicObject) -> Vec<(&str, &str)> {
    let shown = at(vm, "/networkInterfaces/0/ipConfigurations").as_array().into_iter().flatten();
    shown.filter_map(|c| c["name"].as_str().zip(c["privateIPAddress"].as_str())).collect()
}

#[test]
fn an_ip_configuration_is_added_to_one_instance_and_removed_again() {
    let space = Space::with_a_subnet();
    three(&space);
    let before = space.places(&THREE);
    let primary = private(&space.get("vmssvm/api-1")).as_str().unwrap().to_owned();
    own(&space, &["ip", "more"]);
    let grown = space.wait("vmssvm/api-1", "of two configurations", |vm| configurations(vm).len() == 2);
    assert_eq!(configurations(&grown), [("ip", primary.as_str()), ("more", "10.0.1.7")]);
    assert_eq!(at(&grown, "/ownNetwork"), true);
    space.ready("vmssvm/api-1");
    space.wait("subnet/web", "four addresses taken", |web| at(web, "/capacity/allocated") == 4);
    own(&space, &["ip"]);
    space.wait("vmssvm/api-1", "of one configuration", |vm| configurations(vm) == [("ip", primary.as_str())]);
    space.wait("subnet/web", "three addresses taken", |web| at(web, "/capacity/allocated") == 3);
    assert_eq!(space.places(&THREE), before, "the others, and its own first address, stay");
    for name in ["vmssvm/api-0", "vmssvm/api-2"] {
        assert!(at(&space.ready(name), "/ownNetwork").is_null());
    }
}

#[test]
fn an_own_network_is_the_same_after_a_restart_of_the_operator() {
    let cluster = alone();
    let space = Space::on(&cluster).and_a_subnet();
    three(&space);
    let history = History::of(&space);
    own(&space, &["ip", "more"]);
    space.wait("vmssvm/api-1", "of two configurations", |vm| configurations(vm).len() == 2);
    let before = space.ready("vmssvm/api-1");
    cluster.kill_operator();
    cluster.start_operator().unwrap();
    space.scale(4);
    space.instances(&["api-0", "api-1", "api-2", "api-3"]);
    let after = space.ready("vmssvm/api-1");
    assert_eq!(after.data["status"], before.data["status"]);
    own(&space, &["ip", "more", "most"]);
    let grown = space.wait("vmssvm/api-1", "of three configurations", |vm| configurations(vm).len() == 3);
    assert_eq!(configurations(&grown)[..2], configurations(&before));
    space.wait("subnet/web", "six addresses taken", |web| at(web, "/capacity/allocated") == 6);
    history.moves_nothing();
}

#[test]
fn an_own_network_without_room_is_refused_and_the_old_one_stays() {
    let space = Space::with_a_subnet().and_subnet("tiny", "10.0.2.0/29"); // three addresses
    space.apply(&ScaleSet::uniform(3).in_subnet("tiny").manifest());
    space.ready("vmss/api");
    let before = space.ready("vmssvm/api-1");
    let nic = json!({"name": "nic", "subnet": {"name": "tiny"}, "ipConfigurations": [{"name": "ip", "primary": true}, {"name": "more"}]});
    space.edit_spec("vmssvm/api-1", &json!({"networkProfileConfiguration": {"networkInterfaceConfigurations": [nic]}}));
    let refusal = space.refused("vmssvm/api-1");
    assert_eq!(refusal.violations[0].code, "SubnetIsFull");
    refusal.shows(&["tiny"]).keeps(&before).waits();
    space.scale(2);
    space.cured("vmssvm/api-1", &refusal);
    space.wait("vmssvm/api-1", "of two configurations", |vm| configurations(vm).len() == 2);
}
