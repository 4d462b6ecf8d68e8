//! Upgrades of Uniform sets: of single instances, all at once, or in batches; and networks that are an instance's own.

use kube::core::DynamicObject;
use serde_json::{Value, json};

use crate::support::history::History;
use crate::support::scale_sets::{ScaleSet, has_taken_up};
use crate::support::space::{Space, at, id};
use crate::support::states::{bring, message, ready_says};

const THREE: [&str; 3] = ["api-0", "api-1", "api-2"];

fn three(policy: &str) -> (Space<'static>, ScaleSet) {
    let space = Space::with_a_subnet();
    let set = ScaleSet::uniform(3).upgraded(policy);
    space.apply(&set.manifest());
    space.ready("vmss/api");
    space.instances(&THREE);
    (space, set)
}

fn is_latest(latest: bool) -> impl Fn(&DynamicObject) -> bool {
    move |vm| at(vm, "/latestModelApplied") == latest
}

/// Two NICs in `web`, the second one primary.
fn two_nics() -> Value {
    let nic = |name: &str, primary: bool| json!({"name": name, "primary": primary, "subnet": {"name": "web"}, "ipConfigurations": [{"name": "ip"}]});
    json!({"networkInterfaceConfigurations": [nic("nic", false), nic("second", true)]})
}

#[test]
fn a_manual_upgrade_waits_until_each_instance_is_told() {
    let (space, set) = three("mode: Manual");
    let before = space.places(&THREE);
    space.apply(&set.forwarding().manifest());
    space.wait("vmss/api", "of a new revision", |set| {
        at(set, "/updateRevision") == "2" && at(set, "/updatedReplicas") == 0 && at(set, "/currentRevision") == "1"
    });
    space.ready("vmss/api");
    THREE.iter().for_each(|name| drop(space.wait(&format!("vmssvm/{name}"), "outdated", is_latest(false))));
    space.edit_spec("vmssvm/api-1", &json!({"revision": "2"}));
    space.wait("vmssvm/api-1", "upgraded", is_latest(true));
    space.wait("vmss/api", "one upgraded", |set| at(set, "/updatedReplicas") == 1);
    space.wait("vmssvm/api-0", "outdated", is_latest(false));
    for name in ["api-0", "api-2"] {
        space.edit_spec(&format!("vmssvm/{name}"), &json!({"revision": "2"}));
    }
    space.wait("vmss/api", "upgraded", has_taken_up(3, "2"));
    assert_eq!(space.places(&THREE), before);
}

#[test]
fn a_revision_that_is_not_known_is_refused() {
    let (space, _) = three("mode: Manual");
    for wish in ["2", "latest"] {
        space.edit_spec("vmssvm/api-0", &json!({"revision": wish}));
        let refusal = space.refused("vmssvm/api-0");
        assert_eq!(refusal.told(), [("S-31", "InvalidParameter", "spec.revision")]);
        refusal.shows(&[wish]).advises(&["Set it to \"1\""]).stalls();
    }
    space.edit_spec("vmssvm/api-0", &json!({"revision": "1"}));
    space.ready("vmssvm/api-0");
}

#[test]
fn an_automatic_upgrade_reaches_every_instance_and_moves_none() {
    let (space, set) = three("mode: Automatic");
    let before = space.places(&THREE);
    space.apply(&set.forwarding().manifest());
    space.wait("vmss/api", "upgraded", has_taken_up(3, "2"));
    space.ready("vmss/api");
    THREE.iter().for_each(|name| drop(space.wait(&format!("vmssvm/{name}"), "upgraded", is_latest(true))));
    assert_eq!(space.places(&THREE), before);
    space.keeps_models(&["api-2"]);
}

#[test]
fn a_rolling_upgrade_goes_in_batches_with_pauses_between_them() {
    let policy = "mode: Rolling, rollingUpgradePolicy: {maxBatchInstancePercent: 34, pauseTimeBetweenBatches: PT1S}";
    let (space, set) = three(policy);
    let before = space.places(&THREE);
    let history = History::of(&space);
    space.apply(&set.forwarding().manifest());
    space.wait("vmss/api", "upgraded", has_taken_up(3, "2"));
    space.ready("vmss/api");
    assert_eq!(space.places(&THREE), before);
    let sets = history.states().into_iter().filter(|state| id(state) == "VirtualMachineScaleSet/api");
    let mut updated: Vec<Value> =
        sets.filter(|set| at(set, "/updateRevision") == "2").map(|set| at(&set, "/updatedReplicas").clone()).collect();
    updated.dedup();
    assert!(updated.len() > 1, "it was upgraded at once: {updated:?}");
    assert!(updated.is_sorted_by_key(Value::as_i64), "{updated:?}");
}

// shows VMSS-28
#[test]
fn a_rolling_upgrade_stops_while_too_many_instances_do_not_run() {
    let limits = "maxBatchInstancePercent: 34, maxUnhealthyInstancePercent: 20";
    let (space, set) = three(&format!("mode: Rolling, rollingUpgradePolicy: {{{limits}}}"));
    bring(&space, "vmssvm/api-0", "Stopped");
    let history = History::of(&space);
    history.reaches(6); // the network, the subnet, the set and its instances
    space.apply(&set.forwarding().manifest());
    let stopped = space.wait("vmss/api", "stopped", ready_says("RollingUpgradeStopped"));
    assert_eq!(at(&stopped, "/updatedReplicas"), 0);
    assert!(
        message(&stopped).contains("More than 20 percent of the instances are not running."),
        "{}",
        message(&stopped)
    );
    bring(&space, "vmssvm/api-0", "Running");
    space.wait("vmss/api", "upgraded", has_taken_up(3, "2"));
    space.ready("vmss/api");
    let instances = history.states().into_iter().filter(|state| id(state) == "VirtualMachineScaleSetVM/api-0");
    let upgraded_while_stopped =
        instances.filter(|vm| at(vm, "/powerState") == "Stopped" && at(vm, "/programmed/revision") == "2");
    assert_eq!(upgraded_while_stopped.count(), 0);
}

#[test]
fn an_own_network_is_kept_through_scaling_and_upgrades() {
    let (space, set) = three("mode: Automatic");
    space.edit_spec("vmssvm/api-1", &json!({"networkProfileConfiguration": two_nics()}));
    let nics = |vm: &DynamicObject| {
        let nics = at(vm, "/networkInterfaces").as_array().into_iter().flatten();
        nics.map(|nic| {
            (nic["name"].clone(), nic["primary"].clone(), nic["macAddress"].clone(), nic["ipConfigurations"].clone())
        })
        .collect::<Vec<_>>()
    };
    let own =
        space.wait("vmssvm/api-1", "with its own network", |vm| at(vm, "/ownNetwork") == true && nics(vm).len() == 2);
    assert_eq!(at(&own, "/networkInterfaces/0/name"), "second", "the primary one is first");
    space.scale(4);
    space.instances(&["api-0", "api-1", "api-2", "api-3"]);
    space.apply(&set.forwarding().manifest()); // which asks for three again
    space.wait("vmss/api", "upgraded", has_taken_up(3, "2"));
    let now = space.ready("vmssvm/api-1");
    assert_eq!((at(&now, "/ownNetwork"), nics(&now)), (&json!(true), nics(&own)));
    assert!(at(&space.get("vmssvm/api-0"), "/ownNetwork").is_null());
    space.edit_spec("vmssvm/api-1", &json!({"networkProfileConfiguration": null}));
    let given_up = space.wait("vmssvm/api-1", "of the model's network", |vm| at(vm, "/ownNetwork").is_null());
    assert_eq!(nics(&given_up).len(), 1);
}
