//! Namespaces: their labels, and what is in one that is going or not there.

use super::*;

#[test]
fn labels_of_a_namespace_place_what_is_in_it() {
    let namespace = |location: &str| {
        format!(
            "---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: shop, labels: {{vnet.dev/location: {location}}}}}\n"
        )
    };
    let text = namespace("norwayeast") + &network();
    let there = Applied::default().with(&text);
    assert!(!there.plan(&text).changes());
    let plan = there.plan(&(namespace("westeurope") + &network()));
    assert_eq!(of(&plan, "hub").advice[0].condition, "NamespaceLabelsDiffer");
}

/// A Namespace of the state.
fn a_namespace(labels: &[(&str, &str)]) -> Option<BTreeMap<Arc<str>, ObjectMeta>> {
    let labels = labels.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect();
    Some(BTreeMap::from([("shop".into(), ObjectMeta { labels: Some(labels), ..ObjectMeta::default() })]))
}

#[test]
fn a_manifest_of_a_namespace_is_laid_over_its_labels() {
    let mut there = Applied::default();
    there.state.namespaces = a_namespace(&[("vnet.dev/location", "norwayeast")]);
    let there = Applied { state: State { namespaces: there.state.namespaces.clone(), ..there.with(&network()).state } };
    let namespace = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {team: a}}\n";
    let plan = there.plan(&(namespace.to_owned() + &network()));
    assert_eq!(of(&plan, "hub").advice, [], "it stays in norwayeast: {plan:#?}");
}

#[test]
fn nothing_is_created_in_a_namespace_that_is_being_deleted() {
    let mut there = Applied::default().with(&network());
    there.state.namespaces = a_namespace(&[]);
    there.state.namespaces.iter_mut().flat_map(BTreeMap::values_mut).for_each(|namespace| {
        namespace.deletion_timestamp = at_that_time();
    });
    let namespace = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n";
    for text in [network() + &nic("a", ""), namespace.to_owned() + &network() + &nic("a", "")] {
        let plan = there.plan(&text);
        let refused = nic_of(&plan, "a");
        assert_eq!(told(refused)[0].2, "metadata.namespace");
        assert!(refused.violations[0].violation.message.contains("is being deleted"));
        assert!(of(&plan, "hub").accepted, "what is there may be applied again");
    }
}

#[test]
fn metadata_of_a_namespace_that_the_api_server_does_not_take_cannot_be_read() {
    for (labels, says) in [
        ("{a: 5}", "net.yaml:5: metadata.labels.a: 5 is not a text."),
        ("[x]", "net.yaml:5: metadata.labels: A list is not an object."),
        (
            "{vnet.dev/location: west europe}",
            "net.yaml:5: metadata.labels[vnet.dev/location]: \"west europe\" is not a valid label value.",
        ),
    ] {
        let text = format!("---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: shop,\n  labels: {labels}}}\n");
        let all = manifests::read(&[manifests::File { name: "net.yaml".into(), text }], "shop").unwrap_err();
        assert!(all[0].to_string().starts_with(says), "{}", all[0]);
    }
}

#[test]
fn a_namespace_that_is_not_there_is_told_where_it_is_known_which_there_are() {
    let mut there = Applied::default();
    there.state.namespaces = Some(BTreeMap::from([("other".into(), ObjectMeta::default())]));
    let plan = there.plan(&object("AvailabilitySet", "a", "{}"));
    assert_eq!(told(of(&plan, "a")), [("schema", "Invalid", "metadata.namespace", 4)]);
}

#[test]
fn advice_that_is_new_is_told_though_nothing_is_edited() {
    let namespace = |location: &str| {
        format!(
            "---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: shop, labels: {{vnet.dev/location: {location}}}}}\n"
        )
    };
    let there = Applied::default().with(&(namespace("norwayeast") + &network()));
    let namespaces = a_namespace(&[("vnet.dev/location", "norwayeast")]);
    let there = Applied { state: State { namespaces, ..there.state } };
    let plan = there.plan(&namespace("westeurope"));
    let hub = of(&plan, "hub");
    assert_eq!((hub.action, hub.advice[0].new), (Action::NoChange, true));
    for told in [show::table(&plan), show::github(&plan), show::markdown(&plan)] {
        assert!(told.contains("NamespaceLabelsDiffer") && told.contains("VirtualNetwork shop/hub"), "{told}");
    }
    assert!(!there.plan(&(namespace("norwayeast") + &network())).objects.iter().any(PlannedObject::has_news));
}

#[test]
fn a_namespace_has_the_name_of_one_and_the_fields_of_one_and_stands_once() {
    let namespace = |more: &str| format!("---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: {more}\n");
    let read = |text: String| {
        let all = manifests::read(&[manifests::File { name: "net.yaml".into(), text }], "shop").unwrap_err();
        all.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    assert!(read(namespace("a.b")).starts_with("net.yaml:5: metadata.name: \"a.b\" is not a valid namespace name."));
    let twice = read(namespace("a") + &namespace("a"));
    assert_eq!(twice, "net.yaml:7: Namespace a stands here and at net.yaml:2; keep one of them");
    assert!(read(namespace("a") + "specs: {}\n").starts_with("net.yaml:6: specs: There is no such field."));
    assert!(read(namespace("a") + "spec: {finalizer: [x]}\n").starts_with("net.yaml:6: spec.finalizer: There is no"));
}

#[test]
fn another_location_in_a_spec_is_refused_and_says_nothing_of_the_namespace() {
    let address = |location: &str| object("PublicIPAddress", "p", &format!("{{location: {location}}}"));
    let plan = Applied::default().with(&address("norwayeast")).plan(&address("northeurope"));
    let refused = of(&plan, "p");
    assert_eq!((told(refused)[0].0, refused.action), ("S-12", Action::Replace));
    assert_eq!(refused.advice, []);
}

#[test]
fn a_namespace_that_is_new_or_labelled_otherwise_is_part_of_the_plan() {
    let namespace =
        |labels: &str| format!("---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: shop, labels: {labels}}}\n");
    let of_namespace = |known: Option<BTreeMap<Arc<str>, ObjectMeta>>, labels: &str| {
        let there = Applied { state: State { namespaces: known, ..State::default() } };
        let plan = there.plan(&namespace(labels));
        let fields = plan.objects.iter().flat_map(|object| object.fields.clone());
        let fields: Vec<_> = fields.map(|told| (told.path, told.before, told.after)).collect();
        let told = plan.objects.iter().map(|object| (object.object.to_string(), object.action)).collect::<Vec<_>>();
        (told, fields, plan.changes())
    };
    let name = || "Namespace shop".to_owned();
    assert_eq!(of_namespace(Some(BTreeMap::new()), "{a: b}"), (vec![(name(), Action::Create)], vec![], true));
    let edited = ("metadata.labels.a".to_owned(), json!("b"), json!("c"));
    assert_eq!(
        of_namespace(a_namespace(&[("a", "b")]), "{a: c}"),
        (vec![(name(), Action::Update)], vec![edited], true)
    );
    assert_eq!(of_namespace(a_namespace(&[("a", "b"), ("c", "d")]), "{a: b}"), (vec![], vec![], false));
}

#[test]
fn the_label_with_the_name_of_a_namespace_stays_whatever_a_manifest_says() {
    let name = ("kubernetes.io/metadata.name", "shop");
    let applied = r#"{"metadata": {"name": "shop", "labels": {"a": "b"}}}"#;
    let planned = |labels: &[(&str, &str)], manifest: &str| {
        let mut namespaces = a_namespace(labels);
        let shop = namespaces.iter_mut().flat_map(BTreeMap::values_mut).next().unwrap();
        shop.annotations.get_or_insert_default().insert(merge::LAST_APPLIED.to_owned(), applied.to_owned());
        let there = Applied { state: State { namespaces, ..State::default() } };
        let plan = there.plan(&format!("---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: shop{manifest}}}\n"));
        let fields = plan.objects.iter().flat_map(|object| object.fields.clone());
        fields.map(|told| (told.path, told.after)).collect::<Vec<_>>()
    };
    assert_eq!(planned(&[name, ("a", "b")], ""), [("metadata.labels.a".to_owned(), json!(null))]);
    assert_eq!(planned(&[name], ""), [], "that has been applied");
    assert_eq!(planned(&[name], ", labels: {kubernetes.io/metadata.name: other}"), []);
    assert_eq!(planned(&[], ", labels: {kubernetes.io/metadata.name: shop}"), []);
}
