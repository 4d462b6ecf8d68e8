//! Metadata that is wrong, garbled, or taken away: what the API server refuses of it, and what the operator makes of the
//! rest.

use kube::ResourceExt;
use serde_json::{Value, json};
use vnet_operator::api::{FINALIZER, LOCATION_LABEL, RESTARTED_AT};
use vnet_operator::fabric::Kind;

use crate::support::canary::Canary;
use crate::support::door::{post, put};
use crate::support::manifests::{machine, network, nic, static_nic};
use crate::support::space::{Space, address, at};
use crate::support::specs;

fn an_object(metadata: &Value) -> Value {
    let (kind, spec) = specs::nic(json!([{"name": "a"}]));
    json!({"apiVersion": "vnet.dev/v1alpha1", "kind": kind.as_str(), "metadata": metadata, "spec": spec})
}

#[test]
fn metadata_that_kubernetes_does_not_allow_is_refused_by_its_field() {
    let space = Space::with_a_subnet();
    let canary = Canary::of(&space);
    let owner = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "none"});
    let rows = [
        ("no name", json!({}), "metadata.name: Required value"),
        ("a name in upper case", json!({"name": "Web"}), "metadata.name: Invalid value: \"Web\""),
        ("a name with an emoji", json!({"name": "web🦀"}), "metadata.name: Invalid value"),
        ("a name with a line break", json!({"name": "web\nINFO"}), "metadata.name: Invalid value: \"web\\nINFO\""),
        ("a long name", json!({"name": "n".repeat(254)}), "metadata.name: Invalid value"),
        ("a label", json!({"name": "a", "labels": {"a": "b c"}}), "metadata.labels: Invalid value: \"b c\""),
        ("a label's name", json!({"name": "a", "labels": {"🦀": "b"}}), "metadata.labels: Invalid value"),
        (
            "a large annotation",
            json!({"name": "a", "annotations": {"a": "b".repeat(300_000)}}),
            "metadata.annotations: Too long",
        ),
        (
            "an annotation's type",
            json!({"name": "a", "annotations": {RESTARTED_AT: 7}}),
            "ObjectMeta.annotations of type string",
        ),
        ("a finalizer", json!({"name": "a", "finalizers": ["no slash"]}), "metadata.finalizers"),
        (
            "an owner",
            json!({"name": "a", "ownerReferences": [owner]}),
            "metadata.ownerReferences[0].uid: Required value",
        ),
        ("a version", json!({"name": "a", "resourceVersion": "1"}), "resourceVersion should not be set"),
        ("a time", json!({"name": "a", "creationTimestamp": "yesterday"}), "cannot parse \"yesterday\""),
    ];
    for (wrong, metadata, says) in rows {
        let body = an_object(&metadata).to_string().into_bytes();
        let said = post(&space, Kind::NetworkInterface, "Warn", body).expect_err(wrong);
        assert!(said.contains(says), "{wrong}: {says:?} is not said: {said}");
    }
    canary.is_unharmed();
}

// shows ARM-09
#[test]
fn an_edit_of_another_life_or_version_of_an_object_is_refused() {
    let space = Space::with_a_subnet();
    let canary = Canary::of(&space);
    let rows = [
        (json!({"name": "canary"}), "metadata.resourceVersion"),
        (json!({"name": "canary", "resourceVersion": "1"}), "the object has been modified"),
        (json!({"name": "canary", "resourceVersion": "latest"}), "parsing \"latest\": invalid syntax"),
        (json!({"name": "canary", "resourceVersion": "0", "uid": "another"}), "Precondition failed: UID"),
    ];
    for (metadata, says) in rows {
        let said = put(&space, Kind::NetworkInterface, "canary", &an_object(&metadata)).unwrap_err();
        assert!(said.contains(says), "{metadata}: {says:?} is not said: {said}");
    }
    canary.is_unharmed();
}

#[test]
fn a_name_longer_than_azure_takes_is_refused_by_the_fabric() {
    let space = Space::with_a_subnet();
    let canary = Canary::of(&space);
    let name = "n".repeat(81);
    space.apply(&nic(&name, "web"));
    let refusal = space.refused(&format!("nic/{name}"));
    assert_eq!(refusal.told(), [("ARM-10", "InvalidResourceName", "metadata.name")]);
    refusal.shows(&["81 characters"]).advises(&["at most 80"]).stalls();
    canary.is_unharmed();
}

#[test]
fn whatever_the_restart_annotation_says_is_a_restart_each_time_it_says_something_else() {
    let space = Space::with_a_subnet();
    let canary = Canary::of(&space);
    space.apply(&(nic("a", "web") + &machine("m", &["a"], "powerState: Running")));
    let before = space.ready("vm/m");
    for said in ["tomorrow", "-1", "", "\u{202e}e\u{301}", "a\nb\u{7}", &"🦀".repeat(64)] {
        annotate(&space, said);
        space.wait("vm/m", "restarted", |vm| at(vm, "/lastHandledRestartAt") == said);
        let now = space.ready("vm/m");
        assert_eq!(at(&now, "/networkInterfaces"), at(&before, "/networkInterfaces"));
        assert_eq!(at(&now, "/powerState"), "Running");
    }
    canary.is_unharmed();
}

#[test]
fn a_restart_annotation_that_no_status_can_repeat_is_refused_until_it_is_shorter() {
    let space = Space::with_a_subnet();
    let canary = Canary::of(&space);
    space.apply(&(nic("a", "web") + &machine("m", &["a"], "powerState: Running")));
    let before = space.ready("vm/m");
    annotate(&space, &"🦀".repeat(20_000));
    let refusal = space.refused("vm/m");
    let path = format!("metadata.annotations[{RESTARTED_AT}]");
    assert_eq!(refusal.told(), [("S-06", "InvalidParameter", path.as_str())]);
    refusal.shows(&["20000 characters"]).advises(&["at most 64"]).stalls();
    assert_eq!(at(&refusal.object, "/programmed"), at(&before, "/programmed"));
    annotate(&space, "now");
    space.wait("vm/m", "restarted", |vm| at(vm, "/lastHandledRestartAt") == "now");
    space.ready("vm/m");
    canary.is_unharmed();
}

fn annotate(space: &Space<'_>, said: &str) {
    space.edit("vm/m", &json!({"metadata": {"annotations": {RESTARTED_AT: said}}}));
}

#[test]
fn a_finalizer_that_somebody_takes_off_is_back_with_the_same_write() {
    let space = Space::with_a_subnet();
    let canary = Canary::of(&space);
    space.apply(&nic("a", "web"));
    space.ready("nic/a");
    for finalizers in [json!(null), json!([]), json!(["example.com/keep"])] {
        let edited = space.edit("nic/a", &json!({"metadata": {"finalizers": finalizers}}));
        assert!(edited.finalizers().iter().any(|finalizer| finalizer == FINALIZER), "{finalizers}");
    }
    space.edit("nic/a", &json!({"metadata": {"finalizers": null}}));
    space.delete("nic/a");
    space.gone("nic/a");
    canary.is_unharmed();
}

#[test]
fn an_object_whose_owner_does_not_exist_goes_and_leaves_its_address_free() {
    let space = Space::with_a_subnet();
    let canary = Canary::of(&space);
    space.apply(&static_nic("a", "web", "10.0.1.10"));
    space.ready("nic/a");
    let owner = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "none", "uid": "none"});
    space.edit("nic/a", &json!({"metadata": {"ownerReferences": [owner]}}));
    space.gone("nic/a");
    space.apply(&static_nic("b", "web", "10.0.1.10"));
    assert_eq!(address(&space.ready("nic/b")), "10.0.1.10");
    canary.is_unharmed();
}

#[test]
fn a_label_that_names_no_region_is_refused_where_no_spec_names_one_and_cured_by_another_label() {
    let (space, elsewhere) = (Space::empty(), Space::with_a_subnet());
    let canary = Canary::of(&elsewhere);
    let label = |location: &str| {
        space.kubectl_ok(
            &["label", "namespace", &space.name, "--overwrite", &format!("{LOCATION_LABEL}={location}")],
            "",
        );
    };
    label("West_Europe");
    space.apply(&network("spoke", "10.9.0.0/16"));
    let refusal = space.refused("vnet/spoke");
    assert_eq!(refusal.told(), [("S-12", "InvalidResourceLocation", "spec.location")]);
    refusal.shows(&["\"West_Europe\""]).advises(&["such as westeurope"]).stalls();
    label("");
    assert_eq!(at(&space.ready("vnet/spoke"), "/location"), "westeurope");
    canary.is_unharmed();
}
