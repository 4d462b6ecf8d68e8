//! The finalizer: who brings it, and what happens when a user takes it away.

use kube::ResourceExt;
use serde_json::{Value, json};
use vnet_operator::api::FINALIZER;

use crate::support::manifests::{machine, network, nic, static_nic, subnet};
use crate::support::space::{Space, address, at};

fn finalizers(object: &str) -> Value {
    serde_json::from_str::<Value>(object).expect("kubectl prints JSON")["metadata"]["finalizers"].clone()
}

#[test]
fn the_finalizer_comes_with_the_creation() {
    let space = Space::empty();
    let created = space.kubectl_ok(&["create", "-o", "json", "-f", "-"], &network("hub", "10.0.0.0/16"));
    assert_eq!(finalizers(&created), json!([FINALIZER]));
}

#[test]
fn a_replace_with_a_manifest_that_names_no_finalizer_keeps_it() {
    let space = Space::empty();
    space.apply(&network("hub", "10.0.0.0/16"));
    space.ready("vnet/hub");
    let replaced = space.kubectl_ok(&["replace", "-o", "json", "-f", "-"], &network("hub", "10.0.0.0/8"));
    assert_eq!(finalizers(&replaced), json!([FINALIZER]));
}

#[test]
fn the_finalizers_of_others_stay() {
    let space = Space::empty();
    let foreign = network("hub", "10.0.0.0/16").replace("{name: hub}", "{name: hub, finalizers: [example.com/keep]}");
    space.apply(&foreign);
    space.ready("vnet/hub");
    assert_eq!(space.get("vnet/hub").finalizers(), ["example.com/keep", FINALIZER]);
    space.delete("vnet/hub");
    space.wait("vnet/hub", "released", |hub| hub.finalizers() == ["example.com/keep"]);
    space.edit("vnet/hub", &json!({"metadata": {"finalizers": null}}));
    space.gone("vnet/hub");
}

/// Takes an object that others use away by force.
fn strip(space: &Space, id: &str) {
    space.delete(id);
    space.refused(id);
    space.edit(id, &json!({"metadata": {"finalizers": null}}));
    space.gone(id);
}

/// S-89
#[test]
fn an_object_made_again_after_its_finalizer_was_stripped_waits_if_the_earlier_one_could_not_be_edited_to_be_it() {
    let space = Space::with_a_subnet().and_subnet("data", "10.0.2.0/24");
    space.apply(&(static_nic("a", "web", "10.0.1.10") + &machine("m", &["a"], "")));
    space.ready("vm/m");
    strip(&space, "nic/a");
    space.apply(&static_nic("a", "data", "10.0.2.20"));
    space.foresee(None); // the API server knows nothing of the earlier one, and so no plan does
    let refusal = space.refused("nic/a");
    let path = "spec.ipConfigurations[0].privateIPAllocationMethod";
    assert_eq!(refusal.told(), [("ARM-07", "AnotherOperationInProgress", path)]);
    refusal.is_blocked_by(&[("VirtualMachine", "m")]).waits();
    space.delete("vm/m");
    assert_eq!(address(&space.ready("nic/a")), "10.0.2.20");
}

/// S-89
#[test]
fn an_object_made_again_after_its_finalizer_was_stripped_takes_over_what_the_earlier_one_holds() {
    let space = Space::with_a_subnet();
    space.apply(&(nic("a", "web") + &machine("m", &["a"], "")));
    space.ready("vm/m");
    let before = space.ready("nic/a");
    strip(&space, "nic/a");
    space.apply(&nic("a", "web"));
    space.foresee(None);
    let after = space.ready("nic/a");
    for held in ["/ipConfigurations", "/macAddress", "/virtualMachine"] {
        assert_eq!(at(&after, held), at(&before, held));
    }
    strip(&space, "subnet/web");
    space.apply(&subnet("web", "hub", "10.0.1.0/24"));
    space.foresee(None);
    space.ready("subnet/web");
    assert_eq!(address(&space.ready("nic/a")), address(&before));
    space.apply(&nic("b", "web"));
    assert_ne!(address(&space.ready("nic/b")), address(&before));
}
