//! What is no object at all, or two at once: refused as a whole, and to nobody's harm.

use serde_json::json;
use vnet_operator::fabric::Kind;

use crate::support::canary::Canary;
use crate::support::door::Door::{Apply, ApplyUnvalidated};
use crate::support::door::post;
use crate::support::manifests::nic;
use crate::support::space::Space;
use crate::support::specs;

#[test]
fn a_manifest_that_is_no_object_is_refused() {
    let space = Space::with_a_subnet();
    let canary = Canary::of(&space);
    let rows = [
        ("nothing", String::new(), "no objects passed to apply"),
        ("no YAML", "spec: [".to_owned(), "yaml: "),
        ("a list", "[1, 2]".to_owned(), "cannot unmarshal"),
        ("a text", "web".to_owned(), "cannot unmarshal"),
        ("no kind", nic("a", "web").replace("kind: NetworkInterface", ""), "'Kind' is missing"),
        ("no version", nic("a", "web").replace("apiVersion: vnet.dev/v1alpha1", ""), "in version \"\""),
        ("another version", nic("a", "web").replace("v1alpha1", "v9"), "no matches for kind"),
        ("another kind", nic("a", "web").replace("NetworkInterface", "Nic"), "no matches for kind"),
    ];
    for (wrong, manifest, says) in rows {
        assert!(!space.kubectl(&["apply", "-f", "-"], &manifest).ok, "{wrong}");
        let told = space.kubectl(&["apply", "--validate=false", "-f", "-"], &manifest);
        assert!(!told.ok && told.err.contains(says), "{wrong}: {says:?} is not said: {}", told.err);
    }
    canary.is_unharmed();
}

#[test]
fn a_request_that_is_no_object_is_refused() {
    let space = Space::with_a_subnet();
    let canary = Canary::of(&space);
    let nameless = json!({"apiVersion": "vnet.dev/v1alpha1", "kind": "NetworkInterface", "metadata": {}}).to_string();
    let rows = [
        ("nothing", Vec::new(), "unexpected end"),
        ("half an object", br#"{"apiVersion": "vnet.dev/v1alpha1", "spec": {"#.to_vec(), "unexpected"),
        ("a list", b"[]".to_vec(), "cannot unmarshal array"),
        ("null", b"null".to_vec(), "Object 'Kind' is missing"),
        ("bytes that are no text", b"\xff\xfe\x00".to_vec(), "invalid character"),
        ("an object without a name", nameless.into_bytes(), "metadata.name: Required value"),
    ];
    for (wrong, body, says) in rows {
        let said = post(&space, Kind::NetworkInterface, "Warn", body).expect_err(wrong);
        assert!(said.contains(says), "{wrong}: {says:?} is not said: {said}");
    }
    canary.is_unharmed();
}

#[test]
fn a_field_that_stands_twice_in_a_request_is_refused_where_that_is_asked_for() {
    let space = Space::with_a_subnet();
    let canary = Canary::of(&space);
    let (kind, spec) = specs::nic(json!([{"name": "a"}]));
    let object =
        json!({"apiVersion": "vnet.dev/v1alpha1", "kind": kind.as_str(), "metadata": {"name": "a"}, "spec": spec});
    let twice = object.to_string().replace(r#""subnet":"#, r#""subnet":{"name":"other"},"subnet":"#).into_bytes();
    let said = post(&space, kind, "Strict", twice.clone()).unwrap_err();
    assert!(said.contains(r#"duplicate field "spec.subnet""#), "{said}");
    post(&space, kind, "Ignore", twice).unwrap();
    assert_eq!(space.ready("nic/a").data["spec"]["subnet"]["name"], "web", "the last one counts");
    canary.is_unharmed();
}

#[test]
fn a_field_of_another_name_is_refused_as_unknown_or_as_missing() {
    let space = Space::with_a_subnet();
    let canary = Canary::of(&space);
    let spec = json!({"Subnet": {"name": "web"}, "ipConfigurations": [{"name": "a"}]});
    let said = Apply.send(&space, Kind::NetworkInterface, "a", &spec).unwrap_err();
    assert!(said.contains(r#"unknown field "spec.Subnet""#), "{said}");
    let said = ApplyUnvalidated.send(&space, Kind::NetworkInterface, "a", &spec).unwrap_err();
    assert!(said.contains("spec.subnet: Required value"), "{said}");
    canary.is_unharmed();
}

#[test]
fn a_field_that_nobody_validates_and_nobody_knows_is_dropped_and_the_status_tells() {
    let space = Space::with_a_subnet();
    let canary = Canary::of(&space);
    let (kind, spec) = specs::nic_with("enableIpForwarding", json!(true));
    ApplyUnvalidated.send(&space, kind, "a", &spec).unwrap();
    let nic = space.ready("nic/a");
    assert_eq!(nic.data["spec"]["enableIpForwarding"], json!(null));
    assert_eq!(nic.data["status"]["programmed"]["enableIPForwarding"], json!(false));
    canary.is_unharmed();
}
