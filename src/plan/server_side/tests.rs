//! Compared with the API server itself in `tests/it/server_side.rs`.

use super::*;

const NIC: Option<Kind> = Some(Kind::NetworkInterface);

fn stored(entries: Value, annotations: Value, spec: Value) -> Value {
    json!({"metadata": {"managedFields": entries, "annotations": annotations}, "spec": spec, "status": {"a": 1}})
}

fn entry(manager: &str, operation: &str, fields: Value) -> Value {
    json!({"manager": manager, "operation": operation, "apiVersion": "vnet.dev/v1alpha1", "fieldsV1": fields})
}

fn own(fields: Value) -> Value {
    entry("team", "Apply", json!({"f:spec": fields}))
}

fn by(name: &str) -> Manager<'_> {
    Manager { name, force: false }
}

fn applied(stored: &Value, spec: Value) -> Result<Value, Vec<Conflict>> {
    apply(NIC, stored, &json!({"metadata": {"name": "a"}, "spec": spec}), by("team")).map(|next| {
        assert_eq!(next["status"], stored["status"]);
        next["spec"].clone()
    })
}

/// Path and message of each conflict.
fn conflicts(told: Result<Value, Vec<Conflict>>) -> Vec<(String, String)> {
    told.unwrap_err().into_iter().map(|Conflict { path, message }| (path, message)).collect()
}

fn one(path: &str, message: &str) -> Vec<(String, String)> {
    vec![(path.to_owned(), message.to_owned())]
}

fn key(name: &str) -> String {
    format!("k:{{\"name\":\"{name}\"}}")
}

#[test]
fn what_is_applied_no_longer_goes_and_what_others_have_set_stays() {
    let entries = json!([own(json!({"f:location": {}, "f:dnsSettings": {"f:internalDnsNameLabel": {}}}))]);
    let spec = json!({"location": "a", "dnsSettings": {"internalDnsNameLabel": "l"}, "enableIPForwarding": true});
    let stored = stored(entries, json!({"user/s": "1"}), spec);
    let next = applied(&stored, json!({"location": "b"}));
    assert_eq!(next, Ok(json!({"location": "b", "enableIPForwarding": true})));
    let next = apply(NIC, &stored, &json!({"metadata": {"annotations": {"own": "2"}}}), by("team")).unwrap();
    assert_eq!(next["metadata"]["annotations"], json!({"user/s": "1", "own": "2"}));
}

#[test]
fn a_map_that_is_emptied_and_still_named_is_null() {
    let stored = stored(json!([own(json!({"f:tags": {"f:a": {}}}))]), json!({}), json!({"tags": {"a": "1"}}));
    assert_eq!(applied(&stored, json!({"tags": {}})), Ok(json!({"tags": null})));
    assert_eq!(applied(&stored, json!({"location": "a"})), Ok(json!({"location": "a"})));
}

#[test]
fn the_items_of_a_list_are_told_apart_by_their_keys() {
    let items = json!({key("a"): {".": {}, "f:name": {}}, key("b"): {".": {}, "f:name": {}}});
    let spec = json!({"ipConfigurations": [{"name": "a", "primary": true}, {"name": "b"}, {"name": "user"}]});
    let stored = stored(json!([own(json!({"f:ipConfigurations": items}))]), json!({}), spec);
    let expected = json!({"ipConfigurations": [{"name": "a", "primary": true}, {"name": "user"}, {"name": "c"}]});
    assert_eq!(applied(&stored, json!({"ipConfigurations": [{"name": "a"}, {"name": "c"}]})), Ok(expected));
}

#[test]
fn an_item_that_two_managers_name_stays_until_both_have_left_it_out() {
    let items = |names: &[&str]| {
        let items = names.iter().map(|name| (key(name), json!({".": {}, "f:name": {}})));
        json!({"f:ipConfigurations": items.collect::<Map<_, _>>()})
    };
    let spec = json!({"ipConfigurations": [{"name": "a"}, {"name": "b"}]});
    let without = json!({"location": "x"});
    let left = |others: &[&str]| {
        let entries = json!([own(items(&["a"])), entry("other", "Apply", json!({"f:spec": items(others)}))]);
        applied(&stored(entries, json!({}), spec.clone()), without.clone()).unwrap()["ipConfigurations"].clone()
    };
    assert_eq!(left(&["a", "b"]), spec["ipConfigurations"]);
    assert_eq!(left(&["b"]), json!([{"name": "b"}]));
}

#[test]
fn a_field_of_another_manager_that_would_change_is_a_conflict() {
    let spec = json!({"location": "a", "ipConfigurations": [{"name": "x"}, {"name": "a", "primary": true}]});
    let location = json!({"f:spec": {"f:location": {}}});
    for (operation, who) in [("Apply", "\"user\""), ("Update", "\"user\" using vnet.dev/v1alpha1")] {
        let entries = json!([own(json!({"f:location": {}})), entry("user", operation, location.clone())]);
        let stored = stored(entries, json!({}), spec.clone());
        let told = conflicts(applied(&stored, json!({"location": "b"})));
        assert_eq!(told, one("spec.location", &format!("conflict with {who}: .spec.location")));
        assert_eq!(applied(&stored, json!({"location": "a"})), Ok(spec.clone()), "both have it");
    }
    let fields = json!({"f:spec": {"f:ipConfigurations": {key("a"): {"f:primary": {}}}}});
    let stored = stored(json!([entry("user", "Apply", fields)]), json!({}), spec);
    let told = conflicts(applied(&stored, json!({"ipConfigurations": [{"name": "a", "primary": false}]})));
    let message = "conflict with \"user\": .spec.ipConfigurations[name=\"a\"].primary";
    assert_eq!(told, one("spec.ipConfigurations[0].primary", message));
    assert!(applied(&stored, json!({"ipConfigurations": [{"name": "x", "primary": false}]})).is_ok());
}

#[test]
fn a_reference_and_a_list_without_keys_are_owned_as_a_whole() {
    let fields = json!({"f:spec": {"f:subnet": {}, "f:dnsSettings": {"f:dnsServers": {}}}});
    let spec = json!({"subnet": {"name": "web"}, "dnsSettings": {"dnsServers": ["10.0.0.4"]}});
    let stored = stored(json!([entry("user", "Apply", fields)]), json!({}), spec);
    let told = conflicts(applied(&stored, json!({"subnet": {"name": "web", "namespace": "b"}})));
    assert_eq!(told, one("spec.subnet", "conflict with \"user\": .spec.subnet"));
    let told = conflicts(applied(&stored, json!({"dnsSettings": {"dnsServers": ["10.0.0.4", "10.0.0.5"]}})));
    let message = "conflict with \"user\": .spec.dnsSettings.dnsServers";
    assert_eq!(told, one("spec.dnsSettings.dnsServers", message));
}

#[test]
fn a_field_that_was_set_through_a_subresource_has_a_manager_too() {
    let mut scaled = entry("kubectl", "Update", json!({"f:spec": {"f:replicas": {}}}));
    scaled["subresource"] = json!("scale");
    let stored = stored(json!([scaled]), json!({}), json!({"replicas": 5}));
    let manifest = json!({"metadata": {}, "spec": {"replicas": 2}});
    let told = conflicts(apply(Some(Kind::VirtualMachineScaleSet), &stored, &manifest, by("team")));
    let message = "conflict with \"kubectl\" with subresource \"scale\" using vnet.dev/v1alpha1: .spec.replicas";
    assert_eq!(told, one("spec.replicas", message));
}

#[test]
fn by_force_a_field_is_taken_over_and_is_the_other_managers_no_longer() {
    let location = json!({"f:spec": {"f:location": {}, "f:enableIPForwarding": {}}});
    let spec = json!({"location": "a", "enableIPForwarding": true});
    let stored = stored(json!([entry("user", "Apply", location)]), json!({}), spec);
    let manifest = json!({"metadata": {}, "spec": {"location": "b"}});
    let next = apply(NIC, &stored, &manifest, Manager { name: "team", force: true }).unwrap();
    assert_eq!(next["spec"]["location"], json!("b"));
    let of = |manager: &str| entries(&next).find(|entry| is_applied_by(entry, manager)).map(fields_of_entry).cloned();
    assert_eq!(of("user"), Some(json!({"f:spec": {"f:enableIPForwarding": {}}})));
    assert_eq!(of("team"), Some(json!({"f:spec": {"f:location": {}}})));
}

#[test]
fn kubectl_may_change_what_client_side_apply_remembers() {
    let memory = json!({"metadata": {}, "spec": {"location": "a"}}).to_string();
    let fields = json!({"f:spec": {"f:location": {}, "f:enableIPForwarding": {}}});
    let entries = json!([entry("kubectl-client-side-apply", "Update", fields)]);
    let spec = json!({"location": "a", "enableIPForwarding": true});
    let stored = stored(entries, json!({LAST_APPLIED: memory}), spec);
    let manifest = |spec: Value| json!({"metadata": {}, "spec": spec});
    let next = apply(NIC, &stored, &manifest(json!({"location": "b"})), by(KUBECTL)).unwrap();
    assert_eq!(next["spec"]["location"], json!("b"));
    assert!(apply(NIC, &stored, &manifest(json!({"location": "b"})), by("team")).is_err(), "only kubectl may");
    let both = json!({"location": "b", "enableIPForwarding": false});
    let told = conflicts(apply(NIC, &stored, &manifest(both), by(KUBECTL)));
    assert_eq!(told.len(), 1, "what it does not remember is a conflict: {told:?}");
    assert_eq!(told[0].0, "spec.enableIPForwarding");
}

#[test]
fn the_items_of_a_merged_list_are_in_the_order_of_the_manifest_and_the_rest_stay_where_they_were() {
    let list = |names: &[&str]| names.iter().map(|name| json!({"name": name})).collect::<Value>();
    for (live, wanted, expected) in [
        (&["a", "b", "c"][..], &["c", "a"][..], &["b", "c", "a"][..]),
        (&["a", "b"], &["b", "a"], &["b", "a"]),
        (&["x", "a", "y", "b"], &["a", "new", "b"], &["x", "a", "y", "new", "b"]),
        (&["a"], &["b", "a"], &["b", "a"]),
        (&["u"], &["a", "b"], &["u", "a", "b"]),
    ] {
        let stored = stored(json!([]), json!({}), json!({"ipConfigurations": list(live)}));
        let next = applied(&stored, json!({"ipConfigurations": list(wanted)})).unwrap();
        assert_eq!(next["ipConfigurations"], list(expected), "{live:?} and {wanted:?}");
    }
}

#[test]
fn what_was_applied_and_edited_is_known_to_the_next_apply() {
    let kind = Kind::NetworkInterface;
    let first = json!({"spec": {"location": "a", "ipConfigurations": [{"name": "a", "primary": true}]}});
    let empty = json!({"metadata": {}, "spec": {}, "status": {}});
    let mut object = apply(NIC, &empty, &first, by("team")).unwrap();
    let was = object.clone();
    object["spec"]["enableIPForwarding"] = json!(true);
    object["spec"]["location"] = json!("c");
    was_edited(kind, &mut object, &was);
    assert_eq!(conflicts(applied(&object, json!({"location": "b"})))[0].0, "spec.location");
    let next = applied(&object, json!({"location": "c", "ipConfigurations": [{"name": "b"}]}));
    let expected = json!({"location": "c", "ipConfigurations": [{"name": "b"}], "enableIPForwarding": true});
    assert_eq!(next, Ok(expected));
    let kept = applied(&object, json!({"enableIPForwarding": true})).unwrap();
    assert_eq!(kept["location"], json!("c"), "what was edited is the editor's");
}
