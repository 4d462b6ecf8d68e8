//! What changes while the operator is down, or was never seen by one.

use serde_json::json;

use crate::support::cluster::alone;
use crate::support::contract::{Health, kstatus};
use crate::support::history::History;
use crate::support::manifests::{network, nic, object, static_nic, subnet};
use crate::support::own_network::{configurations, own};
use crate::support::placement::{nothing_moves, placement};
use crate::support::scale_sets::ScaleSet;
use crate::support::space::{Space, address, at};
use crate::support::states::counted;

#[test]
fn a_label_that_changes_while_the_operator_is_down_is_told_and_moves_nothing() {
    let cluster = alone();
    let space = Space::on(&cluster).and_a_subnet();
    space.apply(&(nic("a", "web") + &object("PublicIPAddress", "named", "location: northeurope")));
    counted(&space, 1);
    let before = ["vnet/hub", "subnet/web", "nic/a", "pip/named"].map(|id| space.ready(id));
    cluster.kill_operator();
    space.label("vnet.dev/subscription=production");
    cluster.start_operator().unwrap();
    nothing_moves(&space, &before, |kind| kind != "Subnet");
    // An edit is judged where the object is.
    space.edit_spec("nic/a", &json!({"enableIPForwarding": true}));
    let after = space.ready("nic/a");
    assert_eq!((placement(&after), address(&after)), (("westeurope", "default"), "10.0.1.4"));
    // Made again, it is where the label says.
    space.apply(&(network("new", "10.2.0.0/16") + &subnet("there", "new", "10.2.0.0/24")));
    assert_eq!(placement(&space.ready("subnet/there")), ("westeurope", "production"));
}

#[test]
fn an_own_network_is_the_same_after_a_restart_of_the_operator() {
    let cluster = alone();
    let space = Space::on(&cluster).and_a_subnet();
    space.apply(&ScaleSet::uniform(3).manifest());
    space.ready("vmss/api");
    space.instances(&["api-0", "api-1", "api-2"]);
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
    counted(&space, 6);
    history.moves_nothing();
}

#[test]
fn an_object_that_no_operator_has_seen_is_in_progress_for_kstatus() {
    let cluster = alone();
    let space = Space::on(&cluster);
    cluster.stop_operator();
    space.apply(&network("hub", "10.0.0.0/16"));
    let object = space.get("vnet/hub");
    assert_eq!(at(&object, "/observedGeneration"), &json!(-1));
    assert_eq!(kstatus(&object), Health::InProgress);
}

#[test]
fn an_object_made_again_while_the_operator_was_down_is_another_one() {
    let cluster = alone();
    let space = Space::on(&cluster).and_a_subnet();
    space.apply(&static_nic("a", "web", "10.0.1.10"));
    space.ready("nic/a");
    cluster.kill_operator();
    space.delete("nic/a");
    space.edit("nic/a", &json!({"metadata": {"finalizers": null}}));
    space.gone("nic/a");
    space.apply(&(static_nic("a", "web", "10.0.1.20") + &static_nic("b", "web", "10.0.1.10")));
    cluster.start_operator().unwrap();
    assert_eq!(address(&space.ready("nic/a")), "10.0.1.20");
    assert_eq!(address(&space.ready("nic/b")), "10.0.1.10");
}
