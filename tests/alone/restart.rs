//! What happens while the operator is down, and what it makes of it.

use std::collections::BTreeMap;

use kube::ResourceExt;
use kube::core::DynamicObject;
use serde_json::json;

use crate::support::cluster::alone;
use crate::support::manifests::{
    machine, nic, nic_with, public_address, public_configuration, static_configuration, static_nic,
};
use crate::support::space::{Space, address, at};
use crate::support::states::{counted, everything_is_seen};

fn versions(space: &Space<'_>) -> BTreeMap<String, Option<String>> {
    let version = |object: DynamicObject| {
        let kind = object.types.as_ref().map_or(String::new(), |types| types.kind.clone());
        (format!("{kind} {}", object.name_any()), object.resource_version())
    };
    space.all().into_iter().map(version).collect()
}

/// A tree with something of everything: Ready, waiting, stalled, blocked in its deletion. Returns when it is at rest.
fn at_rest(space: &Space<'_>) {
    space.apply(&(public_address("front", "Standard") + &public_address("jump", "Basic")));
    let front = "{name: ipconfig1, primary: true, publicIPAddress: {name: front}}";
    let front = [front, &static_configuration("ipconfig2", "10.0.1.10")];
    space.apply(&nic_with("a", "web", &front));
    space.apply(&nic_with("b", "web", &[&public_configuration("ipconfig1", "jump")]));
    space.apply(&nic("c", "web"));
    for id in ["nic/a", "nic/b", "nic/c"] {
        space.ready(id);
    }
    space.apply(&(machine("m", &["c", "a"], "") + &machine("second", &["b"], "powerState: Running")));
    space.apply(&(static_nic("waits", "web", "10.0.1.10") + &static_nic("stalls", "web", "10.0.1.1")));
    space.ready("vm/m");
    space.ready("vm/second");
    space.refused("nic/waits");
    space.refused("nic/stalls");
    space.delete("nic/c");
    space.refused("nic/c");
    space.wait("nic/a", "with a MAC address", |nic| at(nic, "/macAddress").is_string());
    let has_address = |nic: &DynamicObject| at(nic, "/ipConfigurations/0/publicIPAddress/ipAddress").is_string();
    space
        .wait("nic/b", "with a MAC and a public address", |nic| at(nic, "/macAddress").is_string() && has_address(nic));
    space.wait("pip/jump", "with an address", |pip| at(pip, "/ipAddress").is_string());
    counted(space, 4);
}

#[test]
fn a_restart_of_what_is_at_rest_writes_nothing() {
    let cluster = alone();
    let space = Space::on(&cluster).and_a_subnet();
    at_rest(&space);
    cluster.stop_operator();
    let before = versions(&space);
    let logged = cluster.log().len();
    cluster.start_operator().unwrap();
    everything_is_seen(&cluster);
    cluster.stop_operator(); // it ends when every write that was on its way is done
    assert_eq!(versions(&space), before, "{}", &cluster.log()[logged..]);
    let log = cluster.log()[logged..].to_owned();
    assert!(log.contains("fabric restored"), "{log}");
    let of_the_space = format!(" namespace={} ", space.name);
    let written: Vec<&str> = log.lines().filter(|line| line.contains(&of_the_space)).collect();
    assert_eq!(written, Vec::<&str>::new());
}

#[test]
fn an_edit_made_while_the_operator_was_down_is_judged_against_what_is_programmed() {
    let cluster = alone();
    let space = Space::on(&cluster).and_a_subnet();
    space.apply(&nic("a", "web"));
    let a = space.ready("nic/a");
    space.apply(&nic("b", "web"));
    let before = space.ready("nic/b");
    cluster.kill_operator();
    space.apply(&static_nic("b", "web", address(&a)));
    cluster.start_operator().unwrap();
    let refusal = space.refused("nic/b");
    let path = "spec.ipConfigurations[0].privateIPAddress";
    assert_eq!(refusal.told(), [("ADDR-08", "PrivateIPAddressInUse", path)]);
    refusal.is_blocked_by(&[("NetworkInterface", "a")]).waits().keeps(&before);
}

#[test]
fn a_nic_attached_while_the_operator_was_down_needs_the_vm_deallocated_all_the_same() {
    let cluster = alone();
    let space = Space::on(&cluster).and_a_subnet();
    space.apply(&(nic("a", "web") + &nic("b", "web") + &machine("m", &["a"], "powerState: Running")));
    space.ready("nic/b");
    let before = space.ready("vm/m");
    cluster.kill_operator();
    space.apply(&machine("m", &["a", "b"], "powerState: Running"));
    cluster.start_operator().unwrap();
    let refusal = space.refused("vm/m");
    assert_eq!(refusal.told(), [("VM-03", "OperationNotAllowed", "spec.networkProfile.networkInterfaces[1]")]);
    refusal.stalls().keeps(&before);
}

#[test]
fn what_was_deleted_while_the_operator_was_down_goes_and_leaves_its_address_free() {
    let cluster = alone();
    let space = Space::on(&cluster).and_a_subnet();
    space.apply(&static_nic("a", "web", "10.0.1.10"));
    space.ready("nic/a");
    cluster.kill_operator();
    space.delete("nic/a");
    space.apply(&static_nic("b", "web", "10.0.1.10"));
    cluster.start_operator().unwrap();
    space.gone("nic/a");
    assert_eq!(address(&space.ready("nic/b")), "10.0.1.10");
}

#[test]
fn of_two_statuses_that_claim_one_address_the_older_objects_is_right_and_the_operator_starts() {
    let cluster = alone();
    let space = Space::on(&cluster).and_a_subnet();
    space.apply(&nic("z-older", "web"));
    let older = space.ready("nic/z-older");
    let younger = create_later(&space, "a-younger", &older);
    assert_eq!((address(&older), address(&younger)), ("10.0.1.4", "10.0.1.5"));
    cluster.kill_operator();
    let lie =
        r#"{"status": {"ipConfigurations": [{"name": "ipconfig1", "primary": true, "privateIPAddress": "10.0.1.4"}]}}"#;
    space.kubectl_ok(&["patch", "nic/a-younger", "--subresource=status", "--type=merge", "-p", lie], "");
    cluster.start_operator().unwrap();
    let moved = space.wait("nic/a-younger", "with an address of its own", |nic| {
        at(nic, "/ipConfigurations/0/privateIPAddress").as_str().is_some_and(|address| address != "10.0.1.4")
    });
    assert_eq!(address(&moved), "10.0.1.5");
    assert_eq!(address(&space.ready("nic/z-older")), "10.0.1.4");
    space.ready("nic/a-younger");
}

/// Makes a NIC in a later second than `older`: times of creation tell no more.
fn create_later(space: &Space<'_>, name: &str, older: &DynamicObject) -> DynamicObject {
    let id = format!("nic/{name}");
    loop {
        space.apply(&nic(name, "web"));
        let younger = space.ready(&id);
        if younger.creation_timestamp() > older.creation_timestamp() {
            return younger;
        }
        space.delete(&id);
        space.gone(&id);
    }
}

/// A start is reported by two statuses, the VM's and the NIC's, and a crash may cut off either.
#[test]
fn a_mac_address_that_only_the_vm_tells_of_is_the_nics_after_a_restart() {
    let cluster = alone();
    let space = Space::on(&cluster).and_a_subnet();
    space.apply(&(nic("a", "web") + &machine("m", &["a"], "powerState: Running")));
    let before = space.wait("nic/a", "with a MAC address", |nic| at(nic, "/macAddress").is_string());
    space.wait("vm/m", "showing it", |vm| at(vm, "/networkInterfaces/0/macAddress") == at(&before, "/macAddress"));
    cluster.kill_operator();
    let cut_off = r#"[{"op": "remove", "path": "/status/macAddress"}]"#;
    space.kubectl_ok(&["patch", "nic/a", "--subresource=status", "--type=json", "-p", cut_off], "");
    cluster.start_operator().unwrap();
    space.wait("nic/a", "as before", |nic| nic.data["status"] == before.data["status"]);
}

/// A public address, its NIC and its VM are reported by three statuses; here a crash has cut off all but the first.
#[test]
fn a_dynamic_public_address_that_was_shown_stays_after_a_restart() {
    let cluster = alone();
    let space = Space::on(&cluster).and_a_subnet();
    space.apply(&public_address("lower", "Standard"));
    space.ready("pip/lower");
    space.apply(&(public_address("front", "Basic") + &machine("m", &["a"], "powerState: Running")));
    space.apply(&nic_with("a", "web", &[&public_configuration("ipconfig1", "front")]));
    let before = space.wait("pip/front", "with an address", |pip| at(pip, "/ipAddress").is_string());
    space.ready("vm/m");
    space.delete("pip/lower"); // the lowest free address is another one from here on
    space.gone("pip/lower");
    cluster.stop_operator();
    let cut_off = r#"[{"op": "remove", "path": "/status"}]"#;
    for id in ["nic/a", "vm/m"] {
        space.kubectl_ok(&["patch", id, "--subresource=status", "--type=json", "-p", cut_off], "");
    }
    cluster.start_operator().unwrap();
    space.ready("vm/m");
    let shown = at(&before, "/ipAddress");
    space.wait("nic/a", "showing it", |nic| at(nic, "/ipConfigurations/0/publicIPAddress/ipAddress") == shown);
    assert_eq!(at(&space.ready("pip/front"), "/ipAddress"), shown);
}

#[test]
fn a_status_that_cannot_be_read_counts_as_none() {
    let cluster = alone();
    let space = Space::on(&cluster).and_a_subnet();
    space.apply(&nic("a", "web"));
    space.ready("nic/a");
    cluster.kill_operator();
    let nonsense = r#"{"status": {"programmed": {"subnet": 7}, "macAddress": "none"}}"#;
    space.kubectl_ok(&["patch", "nic/a", "--subresource=status", "--type=merge", "-p", nonsense], "");
    cluster.start_operator().unwrap();
    let healed = space.wait("nic/a", "as before", |nic| at(nic, "/programmed/subnet/name") == "web");
    assert_eq!(address(&healed), "10.0.1.4");
    assert_eq!(at(&healed, "/macAddress"), &json!(null));
}
