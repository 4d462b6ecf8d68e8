//! Flexible scale sets: their instances are objects that users edit, and what a user took over stays the user's.

use serde_json::json;
use vnet_operator::fabric::Kind;

use crate::manifests::object;
use crate::scale_sets::ScaleSet;
use crate::space::{Space, at};
use crate::states::{is_advised, is_attached_to};

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

// shows S-33
#[test]
fn the_public_addresses_of_a_set_are_objects_that_it_owns_and_its_nics_show() {
    let space = Space::with_a_subnet();
    space.apply(&ScaleSet::flexible(1).public(&space.own("shown")).manifest());
    let set = space.ready("vmss/api");
    let names = space.names(Kind::PublicIPAddress);
    let [name] = names.as_slice() else { panic!("one public address is expected: {names:?}") };
    let made = space.ready(&format!("pip/{name}"));
    let owners = made.metadata.owner_references.as_deref().unwrap_or_default();
    assert_eq!(owners.first().map(|owner| &owner.uid), set.metadata.uid.as_ref());
    let nic = space.ready("nic/api-0-nic");
    let shown = json!({"name": name, "ipAddress": at(&made, "/ipAddress")});
    assert_eq!(at(&nic, "/ipConfigurations/0/publicIPAddress"), &shown);
}
