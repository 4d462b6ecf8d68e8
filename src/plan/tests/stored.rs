//! What the API server stores of a manifest, and what it does not take.

use super::*;

/// An object of these metadata, which the API server has something to say to.
pub(super) fn with_metadata(metadata: &str) -> String {
    format!(
        "---\napiVersion: vnet.dev/v1alpha1\nkind: AvailabilitySet\nmetadata:\n  name: a\n  {metadata}\nspec: {{}}\n"
    )
}

#[test]
fn metadata_that_the_api_server_does_not_take_is_refused_at_its_line() {
    for (metadata, path) in [
        ("labels: [x]", "metadata.labels"),
        ("labels: {a b: c}", "metadata.labels.a b"),
        ("labels: {a.b/c: x y}", "metadata.labels[a.b/c]"),
        ("annotations: {A B: c}", "metadata.annotations.A B"),
        ("finalizers: foo", "metadata.finalizers"),
        ("finalizers: [a b]", "metadata.finalizers[0]"),
        ("label: {a: b}", "metadata.label"),
    ] {
        let plan = Applied::default().plan(&with_metadata(metadata));
        assert_eq!(told(of(&plan, "a")), [("schema", "Invalid", path, 6)], "{metadata}");
    }
    let plan = Applied::default().plan(&(object("AvailabilitySet", "a", "{}") + "specs: {}\n"));
    assert_eq!(told(of(&plan, "a")), [("schema", "Invalid", "specs", 6)]);
}

#[test]
fn a_time_of_deletion_is_not_for_users_to_set() {
    let plan = Applied::default().plan(&with_metadata("deletionTimestamp: 2026-01-01T00:00:00Z"));
    let created = of(&plan, "a");
    assert_eq!((created.action, created.ready.as_ref().unwrap().status.as_str()), (Action::Create, "True"));
}

#[test]
fn a_manifest_from_another_life_or_version_of_an_object_is_refused() {
    let there = Applied::default().with(&object("AvailabilitySet", "a", "{}"));
    for (field, value) in
        [("uid", "another"), ("resourceVersion", "\"1\""), ("deletionTimestamp", "2026-01-01T00:00:00Z")]
    {
        let plan = there.plan(&with_metadata(&format!("{field}: {value}")));
        let path = format!("metadata.{field}");
        assert_eq!(told(of(&plan, "a")), [("schema", "Invalid", path.as_str(), 6)]);
    }
    let stored = there.state.objects.values().next().unwrap().metadata.clone();
    let same = format!("{{uid: {}, resourceVersion: \"{}\"", stored.uid.unwrap(), stored.resource_version.unwrap());
    let manifest = object("AvailabilitySet", "a", "{}").replace("{name: a", &format!("{same}, name: a"));
    assert!(!there.plan(&manifest).changes());
}

#[test]
fn finalizers_and_owners_of_a_manifest_are_compared_too() {
    let there = Applied::default().with(&object("AvailabilitySet", "a", "{}"));
    let plan = there.plan(&with_metadata("finalizers: [example.com/guard]"));
    let edited = of(&plan, "a");
    let fields: Vec<_> = edited.fields.iter().map(|told| (told.path.as_str(), &told.after)).collect();
    assert_eq!(
        (edited.action, fields),
        (Action::Update, vec![("metadata.finalizers[0]", &json!("example.com/guard"))])
    );
}

#[test]
fn names_and_namespaces_that_are_no_texts_cannot_be_read() {
    let read = |metadata: &str| {
        let text = format!("apiVersion: vnet.dev/v1alpha1\nkind: AvailabilitySet\nmetadata:\n  {metadata}\n");
        manifests::read(&[manifests::File { name: "net.yaml".into(), text }], "shop").unwrap_err()[0].to_string()
    };
    assert!(read("name: a\n  namespace: 5").starts_with("net.yaml:5: metadata.namespace is 5, which is not a string"));
    assert!(
        read("name: 5").starts_with("net.yaml:4: metadata.name of the AvailabilitySet is 5, which is not a string")
    );
    assert!(read("generateName: a-").contains("metadata.generateName, which `kubectl apply` does not take"));
    assert!(read("labels: {}").contains("has no metadata.name; give it one"));
}

#[test]
fn another_order_of_named_items_is_a_change() {
    let order = |first: &str, second: &str| {
        let item = |name: &str| format!("{{name: {name}, primary: {}}}", name == "one");
        let list = format!("[{}, {}]", item(first), item(second));
        network() + &object("NetworkInterface", "a", &format!("{{subnet: {{name: web}}, ipConfigurations: {list}}}"))
    };
    let plan = Applied::default().with(&order("one", "two")).plan(&order("two", "one"));
    let nic = nic_of(&plan, "a");
    let fields: Vec<_> = nic.fields.iter().map(|told| (told.path.as_str(), &told.before, &told.after)).collect();
    assert_eq!(fields, [("spec.ipConfigurations", &json!(["one", "two"]), &json!(["two", "one"]))]);
    assert_eq!((nic.action, plan.summary.update), (Action::Update, 1));
}

#[test]
fn what_a_manifest_leaves_out_goes_only_if_it_was_applied() {
    let address = |more: &str| object("PublicIPAddress", "p", &format!("{{{more}}}"));
    let there = Applied::default().with(&address("idleTimeoutInMinutes: 30"));
    let plan = there.plan(&address(""));
    let fields: Vec<_> = of(&plan, "p").fields.iter().map(|told| (&told.before, &told.after)).collect();
    assert_eq!(fields, [(&json!(30), &json!(4))]);
    let mut there = there;
    there.state.objects.values_mut().for_each(|object| object.metadata.annotations = None);
    assert!(!there.plan(&address("")).changes(), "kubectl created it, and applied nothing");
}

#[test]
fn the_change_that_the_api_server_refuses_is_told_without_defaults() {
    let address = |more: &str| object("PublicIPAddress", "p", &format!("{{{more}}}"));
    let there = Applied::default().with(&address("tags: {a: b}"));
    let plan = there.plan(&address("tags: {a: b}, idleTimeoutInMinutes: 99"));
    let fields: Vec<_> = of(&plan, "p").fields.iter().map(|told| (told.path.as_str(), &told.after)).collect();
    assert_eq!(fields, [("spec.idleTimeoutInMinutes", &json!(99))]);
}

#[test]
fn versions_are_compared_with_those_that_were_read_and_not_with_those_that_the_operator_goes_on_to_write() {
    let mut there = Applied::default().with(&object("AvailabilitySet", "a", "{}"));
    let stored = there.state.objects.values_mut().next().unwrap();
    crate::plan::server::set_field(stored, "status", json!({})); // which the operator writes anew
    let metadata = stored.metadata.clone();
    let same = format!("{{uid: {}, resourceVersion: \"{}\"", metadata.uid.unwrap(), metadata.resource_version.unwrap());
    let plan = there.plan(&object("AvailabilitySet", "a", "{}").replace("{name: a", &format!("{same}, name: a")));
    assert_eq!(told(of(&plan, "a")), []);
}

#[test]
fn what_was_taken_from_another_cluster_is_created_as_kubectl_creates_it_without_its_uid_and_version() {
    let plan = Applied::default().plan(&with_metadata("uid: u\n  resourceVersion: \"7\""));
    assert_eq!((of(&plan, "a").action, of(&plan, "a").accepted), (Action::Create, true));
}

#[test]
fn what_client_side_apply_remembers_counts_for_the_limit_of_annotations() {
    let annotated = |bytes: usize| with_metadata(&format!("annotations: {{a: {}}}", "x".repeat(bytes)));
    let plan = Applied::default().plan(&annotated(140_000));
    assert_eq!(told(of(&plan, "a")), [("schema", "Invalid", "metadata.annotations", 6)]);
    let there = Applied::default().with(&annotated(120_000));
    assert_eq!(told(of(&there.plan(&annotated(120_000)), "a")), []);
    assert_eq!(told(of(&there.plan(&annotated(100_000)), "a")), [], "the old memory goes");
}
