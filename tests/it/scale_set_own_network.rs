//! One instance alone: its own network, edited while the others stay as they are.

use serde_json::json;

use crate::support::own_network::{configurations, own};
use crate::support::scale_sets::{ScaleSet, private};
use crate::support::space::{Space, at};

const THREE: [&str; 3] = ["api-0", "api-1", "api-2"];

fn three(space: &Space<'_>) {
    space.apply(&ScaleSet::uniform(3).manifest());
    space.ready("vmss/api");
    space.instances(&THREE);
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
