//! The status contract, as tools and people rely on it. That every state of every object keeps to it is checked by every
//! wait of every test; here is what a wait does not see.

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::ListParams;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, watcher};
use serde_json::json;

use crate::support::cluster::{block_on, in_time, poll};
use crate::support::contract::{self, Health, condition};
use crate::support::history::History;
use crate::support::manifests::{machine, network, nic, nic_with, static_nic, subnet};
use crate::support::scale_sets::ScaleSet;
use crate::support::space::{Space, at};

/// Events of an object: type, reason, and how often it was recorded.
type Told = (String, String, i32);

/// The Events of an object, once those of all that happened before are recorded: they are recorded in order.
fn events(space: &Space<'_>, object: &str) -> Vec<Told> {
    space.apply(&nic("marker", "nowhere"));
    let events = Api::<Event>::namespaced(space.cluster.client(), &space.name);
    let is_of = |event: &Event, name: &str| event.regarding.as_ref().and_then(|of| of.name.as_deref()) == Some(name);
    let mut recorded = watcher(events.clone(), watcher::Config::default()).applied_objects().boxed();
    let marked = in_time(async {
        while let Some(event) = recorded.try_next().await.expect("Events can be watched") {
            if is_of(&event, "marker") {
                break;
            }
        }
    });
    assert!(marked.is_some(), "no Event tells of the marker");
    let all = block_on(events.list(&ListParams::default())).expect("Events can be listed");
    let told = all.into_iter().filter(|event| is_of(event, object)).map(|event| {
        let times = event.series.map_or(1, |series| series.count);
        (event.type_.unwrap_or_default(), event.reason.unwrap_or_default(), times)
    });
    let mut told: Vec<Told> = told.collect();
    told.sort();
    told
}

fn warning(reason: &str) -> Told {
    ("Warning".to_owned(), reason.to_owned(), 1)
}

#[test]
fn a_foreign_object_in_the_place_of_a_model_is_told_by_an_event_and_the_set_follows_when_it_is_gone() {
    let space = Space::with_a_subnet();
    let foreign = "apiVersion: apps/v1\nkind: ControllerRevision\nmetadata: {name: api-1}\nrevision: 1\ndata: {}\n";
    space.apply(foreign);
    space.apply(&ScaleSet::uniform(1).manifest());
    let told = poll("the set is told", || Some(events(&space, "api")).filter(|told| !told.is_empty()));
    assert_eq!(told.unwrap(), [warning("NameTaken")]);
    space.kubectl_ok(&["delete", "controllerrevision/api-1"], "");
    space.ready("vmss/api");
    space.keeps_models(&["api-1"]);
}

#[test]
fn a_violation_is_told_by_one_event_however_often_the_object_is_touched() {
    let space = Space::with_a_subnet();
    space.apply(&static_nic("a", "web", "10.0.1.3"));
    space.refused("nic/a");
    for n in 0..5 {
        space.kubectl_ok(&["annotate", "--overwrite", "nic/a", &format!("example.com/touched={n}")], "");
    }
    assert_eq!(events(&space, "a"), [warning("PrivateIPAddressInReservedRange")]);
}

#[test]
fn a_new_violation_is_told_by_another_event() {
    let space = Space::with_a_subnet();
    space.apply(&static_nic("a", "web", "10.0.1.3"));
    space.refused("nic/a");
    space.apply(&static_nic("a", "web", "10.0.9.9"));
    space.refused("nic/a");
    let expected = [warning("PrivateIPAddressInReservedRange"), warning("PrivateIPAddressNotInSubnet")];
    assert_eq!(events(&space, "a"), expected);
}

#[test]
fn a_violation_of_the_same_rule_with_another_message_is_told_by_another_event() {
    let space = Space::with_a_subnet();
    for address in ["10.0.1.3", "10.0.1.2"] {
        space.apply(&static_nic("a", "web", address));
        space.refused("nic/a");
    }
    space.apply(&nic("a", "web"));
    space.ready("nic/a");
    space.apply(&static_nic("a", "web", "10.0.1.1"));
    space.refused("nic/a");
    let reserved = warning("PrivateIPAddressInReservedRange");
    let ready = ("Normal".to_owned(), "Ready".to_owned(), 1);
    assert_eq!(events(&space, "a"), [ready, reserved.clone(), reserved.clone(), reserved]);
    let notes = space.kubectl_ok(&["get", "events", "-o", "jsonpath={.items[*].message}"], "");
    for address in ["10.0.1.1", "10.0.1.2", "10.0.1.3"] {
        assert!(notes.contains(&format!("{address} is reserved:")), "{notes}");
    }
}

#[test]
fn a_violation_that_comes_back_is_counted() {
    let space = Space::with_a_subnet();
    for _ in 0..2 {
        space.apply(&static_nic("a", "web", "10.0.1.3"));
        space.refused("nic/a");
        space.apply(&nic("a", "web"));
        space.ready("nic/a");
    }
    let twice = |kind: &str, reason: &str| (kind.to_owned(), reason.to_owned(), 2);
    assert_eq!(events(&space, "a"), [twice("Normal", "Ready"), twice("Warning", "PrivateIPAddressInReservedRange")]);
}

#[test]
fn a_scale_set_whose_instance_is_blocked_is_told_by_one_event() {
    let space = Space::with_a_subnet();
    space.apply(&(nic("x", "web") + &machine("api-0", &["x"], "")));
    space.ready("vm/api-0");
    space.apply(&ScaleSet::flexible(1).manifest());
    space.wait("vmss/api", "blocked", |set| {
        condition(&set.data["status"], "Ready").is_some_and(|ready| ready["reason"] == "InstanceBlocked")
    });
    space.kubectl_ok(&["annotate", "vmss/api", "example.com/touched=1"], "");
    assert_eq!(events(&space, "api"), [warning("InstanceBlocked")]);
}

#[test]
fn a_recovery_is_told_by_one_event() {
    let space = Space::with_a_subnet();
    space.apply(&nic("a", "data"));
    space.refused("nic/a");
    space.apply(&subnet("data", "hub", "10.0.2.0/24"));
    space.ready("nic/a");
    space.kubectl_ok(&["annotate", "nic/a", "example.com/touched=1"], "");
    assert_eq!(
        events(&space, "a"),
        [("Normal".to_owned(), "Ready".to_owned(), 1), warning("InvalidResourceReference")]
    );
}

#[test]
fn a_foreign_edit_of_a_status_is_overwritten() {
    let space = Space::with_a_subnet();
    space.apply(&nic("a", "web"));
    let before = space.ready("nic/a");
    let lie = r#"{"status": {"macAddress": "00-0D-3A-00-00-01",
                  "ipConfigurations": [{"name": "ipconfig1", "primary": true, "privateIPAddress": "10.0.1.99"}]}}"#;
    space.kubectl_ok(&["patch", "nic/a", "--subresource=status", "--type=merge", "-p", lie], "");
    space.wait("nic/a", "as before", |nic| nic.data["status"] == before.data["status"]);
}

#[test]
fn a_status_that_somebody_removes_is_written_again() {
    let space = Space::with_a_subnet();
    space.apply(&nic("a", "web"));
    let before = space.ready("nic/a");
    let removed = r#"[{"op": "remove", "path": "/status"}]"#;
    space.kubectl_ok(&["patch", "nic/a", "--subresource=status", "--type=json", "-p", removed], "");
    space.wait("nic/a", "as before", |nic| at(nic, "/ipConfigurations") == at(&before, "/ipConfigurations"));
    space.ready("nic/a");
}

// shows ARM-01
#[test]
fn every_state_of_a_tree_that_is_applied_backwards_and_edited_keeps_to_the_contract() {
    let space = Space::empty();
    let history = History::of(&space);
    space.apply(&machine("m", &["a", "b"], "powerState: Running"));
    space.apply(&(nic("b", "web") + &nic("a", "web")));
    space.apply(&(subnet("web", "hub", "10.0.1.0/24") + &network("hub", "10.0.0.0/16")));
    space.ready("vm/m");
    space.apply(&machine("m", &["a", "missing"], "powerState: Running"));
    space.refused("vm/m");
    space.apply(&machine("m", &["a"], "powerState: Deallocated"));
    space.ready("vm/m");
    space.delete("subnet/web");
    space.refused("subnet/web");
    history.keeps_to_the_contract();
}

#[test]
fn the_status_shows_the_spec_with_its_defaults_filled_in() {
    let space = Space::with_a_subnet();
    space.apply(&nic("a", "web"));
    let nic = space.ready("nic/a");
    let configuration = json!({
        "name": "ipconfig1", "primary": true, "privateIPAddressVersion": "IPv4", "privateIPAllocationMethod": "Dynamic",
    });
    let programmed = json!({
        "location": "westeurope", "subnet": {"name": "web"}, "ipConfigurations": [configuration],
        "enableIPForwarding": false, "enableAcceleratedNetworking": false,
    });
    assert_eq!(at(&nic, "/programmed"), &programmed);
    let group = format!("/subscriptions/default/resourceGroups/{}/providers", space.name);
    assert_eq!(at(&nic, "/resourceId"), &json!(format!("{group}/Microsoft.Network/networkInterfaces/a")));
}

#[test]
fn what_the_spec_itself_asks_for_never_makes_an_object_not_ready() {
    let space = Space::with_a_subnet();
    space.apply(&(nic("a", "web") + &nic("free", "web") + &machine("m", &["a"], "powerState: Deallocated")));
    for id in ["nic/free", "vm/m", "nic/a"] {
        assert_eq!(condition(&space.ready(id).data["status"], "Ready").unwrap()["reason"], "Ready");
    }
}

#[test]
fn one_that_only_an_edit_cures_is_failed_for_kstatus() {
    let space = Space::with_a_subnet();
    space.apply(&nic_with("a", "web", &["{name: a, primary: false}", "{name: b, primary: false}"]));
    assert_eq!(contract::kstatus(&space.refused("nic/a").object), Health::Failed);
}
