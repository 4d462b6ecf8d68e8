//! Domain names of public addresses: one holder of a label in each location, and the next when that lets go.

use kube::core::DynamicObject;
use serde_json::{Value, json};

use crate::support::manifests::{named_public_address, object};
use crate::support::space::{Space, at};

const LABEL: &str = "spec.dnsSettings.domainNameLabel";

fn name(pip: &DynamicObject) -> &str {
    at(pip, "/dnsSettings/fqdn").as_str().unwrap_or_default()
}

fn labelled(label: &str) -> Value {
    json!({"dnsSettings": {"domainNameLabel": label}})
}

#[test]
fn a_label_makes_a_name_and_another_label_another() {
    let space = Space::empty();
    let (old, new) = (space.own("old"), space.own("new"));
    space.apply(&named_public_address("front", &old));
    assert_eq!(name(&space.ready("pip/front")), format!("{old}.westeurope.cloudapp.azure.com"));
    space.edit_spec("pip/front", &labelled(&new));
    assert_eq!(name(&space.ready("pip/front")), format!("{new}.westeurope.cloudapp.azure.com"));
    space.edit_spec("pip/front", &json!({"dnsSettings": null}));
    assert_eq!(name(&space.ready("pip/front")), "");
}

#[test]
fn a_label_serves_one_address_in_every_location() {
    let space = Space::empty();
    let label = space.own("www");
    for location in ["westeurope", "northeurope"] {
        let spec = format!("location: {location}, dnsSettings: {{domainNameLabel: {label}}}");
        space.apply(&object("PublicIPAddress", location, &spec));
        let expected = format!("{label}.{location}.cloudapp.azure.com");
        assert_eq!(name(&space.ready(&format!("pip/{location}"))), expected);
    }
}

#[test]
fn an_edit_to_a_taken_label_keeps_the_old_name_until_the_label_is_free() {
    let space = Space::empty();
    let (www, api) = (space.own("www"), space.own("api"));
    space.apply(&named_public_address("holder", &www));
    space.ready("pip/holder");
    space.apply(&named_public_address("second", &api));
    let before = space.ready("pip/second");
    space.edit_spec("pip/second", &labelled(&www));
    let refusal = space.refused("pip/second");
    assert_eq!(refusal.told(), [("PIP-15", "DnsRecordInUse", LABEL)]);
    refusal.shows(&[&www, "holder"]).advises(&["holder"]).is_blocked_by(&[("PublicIPAddress", "holder")]);
    refusal.waits().keeps(&before);
    // What it still holds is still its own: a third waits for that.
    space.apply(&named_public_address("third", &api));
    space.refused("pip/third").is_blocked_by(&[("PublicIPAddress", "second")]).waits();
    // The remedy: the label is released on its holder. Everybody follows.
    space.edit_spec("pip/holder", &json!({"dnsSettings": null}));
    assert!(name(&space.ready("pip/second")).starts_with(&www));
    assert!(name(&space.ready("pip/third")).starts_with(&api));
}

#[test]
fn two_that_ask_for_each_others_label_stall_until_one_lets_go_as_it_is_told() {
    let space = Space::empty();
    let (www, api) = (space.own("www"), space.own("api"));
    space.apply(&(named_public_address("a", &www) + &named_public_address("b", &api)));
    let (a, b) = (space.ready("pip/a"), space.ready("pip/b"));
    space.apply(&(named_public_address("a", &api) + &named_public_address("b", &www)));
    for (id, before) in [("pip/a", &a), ("pip/b", &b)] {
        let refusal = space.stalled(id);
        assert_eq!(refusal.told(), [("PIP-15", "DnsRecordInUse", LABEL)]);
        refusal.advises(&["Let PublicIPAddress", "/a go first"]).stalls().keeps(before);
    }
    space.edit_spec("pip/a", &json!({"dnsSettings": null}));
    assert!(name(&space.ready("pip/b")).starts_with(&www));
    space.edit_spec("pip/a", &labelled(&api));
    assert!(name(&space.ready("pip/a")).starts_with(&api));
}

#[test]
fn a_label_of_an_address_that_was_refused_is_nobodys() {
    let space = Space::empty();
    let label = space.own("www");
    let spec =
        format!("publicIPAddressVersion: IPv6, idleTimeoutInMinutes: 9, dnsSettings: {{domainNameLabel: {label}}}");
    space.apply(&object("PublicIPAddress", "refused", &spec));
    space.refused("pip/refused").stalls();
    space.apply(&named_public_address("front", &label));
    assert!(name(&space.ready("pip/front")).starts_with(&label));
}

#[test]
fn an_address_whose_label_is_taken_is_not_there_at_all() {
    let space = Space::empty();
    let label = space.own("www");
    space.apply(&named_public_address("holder", &label));
    space.ready("pip/holder");
    let spec = format!("publicIPAllocationMethod: Static, dnsSettings: {{domainNameLabel: {label}}}");
    space.apply(&object("PublicIPAddress", "waiting", &spec));
    let refusal = space.refused("pip/waiting");
    assert_eq!(at(&refusal.object, "/ipAddress"), &Value::Null);
    refusal.waits();
    space.delete("pip/holder");
    assert!(at(&space.ready("pip/waiting"), "/ipAddress").is_string());
}
