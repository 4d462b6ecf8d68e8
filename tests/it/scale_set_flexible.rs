//! Flexible scale sets: their instances are objects that users edit, and what a user took over stays the user's.

use serde_json::json;
use vnet_operator::fabric::Kind;

use crate::support::history::History;
use crate::support::manifests::{nic, object};
use crate::support::scale_sets::{ScaleSet, has_taken_up};
use crate::support::space::{Space, at, id};
use crate::support::states::{is_advised, is_attached_to};

fn two(policy: &str) -> (Space<'static>, ScaleSet) {
    let space = Space::with_a_subnet();
    let set = ScaleSet::flexible(2).upgraded(policy);
    space.apply(&set.manifest());
    space.ready("vmss/api");
    for n in 0..2 {
        space.wait(&format!("nic/api-{n}-nic"), "attached", is_attached_to(&format!("api-{n}")));
    }
    (space, set)
}

// shows S-29
#[test]
fn a_set_makes_machines_and_nics_that_it_owns() {
    let (space, _) = two("mode: Manual");
    let set = space.ready("vmss/api");
    for id in ["vm/api-0", "vm/api-1", "nic/api-0-nic", "nic/api-1-nic"] {
        let made = space.ready(id);
        let owner = &made.metadata.owner_references.as_deref().unwrap_or_default()[0];
        assert_eq!((Some(&owner.uid), owner.controller), (set.metadata.uid.as_ref(), Some(true)), "{id}");
        assert_eq!(made.metadata.labels.as_ref().and_then(|labels| labels.get("vnet.dev/scale-set")).unwrap(), "api");
    }
    assert_eq!(space.names(Kind::VirtualMachineScaleSetVM), [""; 0]);
}

#[test]
fn a_machine_that_is_deleted_is_replaced_and_takes_its_nics_along() {
    let (space, _) = two("mode: Manual");
    space.kubectl_ok(&["delete", "vm/api-0", "--timeout=60s"], "");
    space.exactly(Kind::VirtualMachine, &["api-1", "api-2"]);
    space.exactly(Kind::NetworkInterface, &["api-1-nic", "api-2-nic"]);
    space.ready("vm/api-2");
    space.wait("vmss/api", "of two", |set| at(set, "/readyReplicas") == 2 && at(set, "/instanceIds") == "1-2");
    space.wait("subnet/web", "two addresses taken", |web| at(web, "/capacity/allocated") == 2);
}

#[test]
fn an_automatic_upgrade_writes_the_objects_that_nobody_took_over() {
    let (space, set) = two("mode: Automatic");
    space.apply(&set.forwarding().manifest());
    for n in 0..2 {
        let id = format!("nic/api-{n}-nic");
        space.wait(&id, "forwarding", |nic| nic.data["spec"]["enableIPForwarding"] == true);
        space.ready(&id);
    }
    space.wait("vmss/api", "upgraded", |set| at(set, "/updatedReplicas") == 2);
    space.ready("vmss/api");
}

/// What the creation set is changed and taken away by an upgrade, though it was not applied.
#[test]
fn an_upgrade_takes_away_what_the_model_no_longer_has() {
    let space = Space::with_a_subnet();
    let set = || ScaleSet::flexible(1).upgraded("mode: Automatic");
    space.apply(&set().nic("enableIPForwarding: true, dnsSettings: {dnsServers: [10.0.0.5]}").manifest());
    space.ready("vmss/api");
    assert_eq!(at(&space.ready("nic/api-0-nic"), "/programmed/dnsSettings/dnsServers/0"), "10.0.0.5");
    space.apply(&set().nic("enableIPForwarding: false").manifest());
    let nic = space.wait("nic/api-0-nic", "upgraded", |nic| nic.data["spec"]["enableIPForwarding"] == false);
    assert_eq!(nic.data["spec"].get("dnsSettings"), None);
    space.wait("vmss/api", "upgraded", has_taken_up(1, "2"));
    space.ready("nic/api-0-nic");
}

#[test]
fn an_object_that_has_the_name_of_a_child_stays_as_it_is() {
    let space = Space::with_a_subnet();
    space.apply(&nic("api-0-nic", "web"));
    let before = space.ready("nic/api-0-nic");
    space.apply(&ScaleSet::flexible(1).manifest());
    space.wait("vmss/api", "blocked", |set| {
        let conditions = at(set, "/conditions").as_array().cloned().unwrap_or_default();
        conditions.iter().any(|condition| condition["type"] == "Ready" && condition["reason"] == "InstanceBlocked")
    });
    space.kubectl_ok(&["delete", "vmss/api", "--timeout=60s"], "");
    let after = space.ready("nic/api-0-nic");
    assert_eq!((&after.data["spec"], &after.metadata.uid), (&before.data["spec"], &before.metadata.uid));
}

// shows VMSS-27
#[test]
fn a_field_that_a_user_took_over_stays_the_users_at_an_upgrade() {
    let (space, set) = two("mode: Automatic");
    let mine = object("NetworkInterface", "api-0-nic", "enableIPForwarding: false");
    space.kubectl_ok(&["apply", "--server-side", "--force-conflicts", "--field-manager=me", "-f", "-"], &mine);
    space.apply(&set.forwarding().manifest());
    space.wait("nic/api-1-nic", "forwarding", |nic| nic.data["spec"]["enableIPForwarding"] == true);
    let set = space.wait("vmss/api", "half upgraded", |set| at(set, "/updatedReplicas") == 1);
    let latest = |n: usize| at(&set, &format!("/instances/{n}/latestModelApplied")).clone();
    assert_eq!((latest(0), latest(1)), (json!(false), json!(true)));
    assert_eq!(space.ready("nic/api-0-nic").data["spec"]["enableIPForwarding"], false);
    // What says the same as the model is nobody's alone.
    space.edit_spec("nic/api-0-nic", &json!({"enableIPForwarding": true}));
    space.wait("vmss/api", "upgraded", has_taken_up(2, "2"));
}

// shows VMSS-27
#[test]
fn a_field_that_is_set_to_what_the_model_says_no_longer_keeps_an_instance_from_its_upgrade() {
    let (space, set) = two("mode: Manual");
    space.edit_spec("nic/api-0-nic", &json!({"enableIPForwarding": true}));
    space.edit_spec("nic/api-0-nic", &json!({"dnsSettings": {"dnsServers": ["10.0.0.9"]}}));
    space.apply(&set.nic("enableIPForwarding: false, dnsSettings: {dnsServers: [10.0.0.5]}").manifest());
    space.wait("vmss/api", "edited", |set| at(set, "/updateRevision") == "2");
    let wish = json!({"metadata": {"annotations": {"vnet.dev/desired-revision": "2"}}});
    space.edit("vm/api-0", &wish);
    space.edit("vm/api-1", &wish);
    space.wait("vmss/api", "taken over", |set| at(set, "/takenOverInstanceIds") == "0");
    space
        .edit_spec("nic/api-0-nic", &json!({"enableIPForwarding": false, "dnsSettings": {"dnsServers": ["10.0.0.5"]}}));
    space.wait("vmss/api", "upgraded", has_taken_up(2, "2"));
}

// shows VMSS-20
#[test]
fn a_set_without_public_addresses_is_told_that_there_is_no_way_out() {
    let (space, _) = two("mode: Manual");
    space.wait("vmss/api", "advised", |set| is_advised(set, "OutboundConnectivityMissing"));
    let public = Space::with_a_subnet();
    public.apply(&ScaleSet::flexible(1).public(&public.own("out")).manifest());
    assert!(!is_advised(&public.ready("vmss/api"), "OutboundConnectivityMissing"));
}

#[test]
fn a_scale_out_that_does_not_fit_makes_no_object_at_all() {
    let space = Space::with_a_subnet().and_subnet("tiny", "10.0.2.0/29"); // three addresses
    space.apply(&nic("other", "tiny"));
    space.ready("nic/other");
    let set = |replicas| ScaleSet::flexible(replicas).in_subnet("tiny").public(&space.own("fit")).manifest();
    space.apply(&set(1));
    let before = space.ready("vmss/api");
    let history = History::of(&space);
    space.apply(&set(3));
    let refusal = space.refused("vmss/api");
    assert_eq!(refusal.told(), [("VMSS-29", "SubnetIsFull", "spec.replicas")]);
    refusal.shows(&["2 more addresses", "tiny", "fewer are available"]).keeps(&before).waits();
    space.edit("vmss/api", &json!({"metadata": {"annotations": {"touched": "yes"}}}));
    space.apply(&set(1));
    space.ready("vmss/api");
    let made = [Kind::VirtualMachine, Kind::NetworkInterface, Kind::PublicIPAddress].map(|kind| history.names(kind));
    assert_eq!(made.concat(), ["api-0", "api-0-nic", "other", "api-0-nic-ip"]);
    space.apply(&set(3));
    let refusal = space.refused("vmss/api");
    space.delete("nic/other");
    space.cured("vmss/api", &refusal);
    space.exactly(Kind::VirtualMachine, &["api-0", "api-1", "api-2"]);
}

#[test]
fn a_rolling_upgrade_goes_in_batches_and_moves_nothing() {
    let policy = "mode: Rolling, rollingUpgradePolicy: {maxBatchInstancePercent: 34, pauseTimeBetweenBatches: PT1S}";
    let space = Space::with_a_subnet();
    let set = ScaleSet::flexible(3).upgraded(policy).public(&space.own("roll"));
    space.apply(&set.manifest());
    space.ready("vmss/api");
    let history = History::of(&space);
    space.apply(&set.forwarding().manifest());
    space.wait("vmss/api", "upgraded", has_taken_up(3, "2"));
    space.ready("vmss/api");
    for n in 0..3 {
        assert_eq!(at(&space.ready(&format!("nic/api-{n}-nic")), "/programmed/enableIPForwarding"), true);
    }
    let states = history.states();
    let sets = states.iter().filter(|state| id(state) == "VirtualMachineScaleSet/api");
    let mut updated: Vec<_> =
        sets.filter(|set| at(set, "/updateRevision") == "2").map(|set| at(set, "/updatedReplicas").as_i64()).collect();
    updated.dedup();
    assert!(updated.len() > 1 && updated.is_sorted(), "{updated:?}");
    history.moves_nothing();
    history.uses_no_name_twice();
}

/// The set's put reserves them, in whatever order its objects are made (S-90).
#[test]
fn addresses_are_in_the_order_of_ids_each_time_that_a_set_is_made() {
    let space = Space::with_a_subnet();
    let set = ScaleSet::flexible(6);
    for _ in 0..2 {
        space.apply(&set.manifest());
        space.ready("vmss/api");
        for n in 0..6 {
            let nic = space.ready(&format!("nic/api-{n}-nic"));
            let address = at(&nic, "/ipConfigurations/0/privateIPAddress").clone();
            assert_eq!(address, json!(format!("10.0.1.{}", 4 + n)));
        }
        space.kubectl_ok(&["delete", "vmss/api", "--timeout=60s"], "");
        space.exactly(Kind::NetworkInterface, &[]);
    }
}
