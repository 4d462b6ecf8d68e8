//! Whole plans: manifests in, consequences out.

use proptest::prelude::*;

use super::report::{Action, PlannedObject, Warning};
use super::*;

const NOW: i64 = 1_800_000_000;

fn at_now() -> Options {
    Options { settings: Settings::default(), prune: Prune::Nothing, now: Timestamp::from_second(NOW).unwrap() }
}

fn read(text: &str) -> Manifests {
    let file = manifests::File { name: "net.yaml".into(), text: text.to_owned() };
    manifests::read(&[file], "shop").unwrap()
}

/// A cluster that manifests have been applied to, one after the other.
#[derive(Default)]
struct Applied {
    state: State,
}

impl Applied {
    fn with(self, text: &str) -> Self {
        Self { state: carry_out(&read(text), self.state, &at_now()).unwrap().after.into_state() }
    }

    fn plan(&self, text: &str) -> Plan {
        self.plan_with(text, Prune::Nothing)
    }

    fn plan_with(&self, text: &str, prune: Prune) -> Plan {
        plan(&read(text), self.state.clone(), &Options { prune, ..at_now() }).unwrap()
    }
}

/// An object in one line of YAML.
fn object(kind: &str, name: &str, spec: &str) -> String {
    format!("---\napiVersion: vnet.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n")
}

fn network() -> String {
    object("VirtualNetwork", "hub", "{addressSpace: {addressPrefixes: [10.0.0.0/16]}}")
        + &object("Subnet", "web", "{virtualNetwork: {name: hub}, addressPrefixes: [10.0.1.0/24]}")
        + &object("Subnet", "data", "{virtualNetwork: {name: hub}, addressPrefixes: [10.0.2.0/24]}")
}

fn nic(name: &str, configuration: &str) -> String {
    nic_in("web", name, configuration)
}

fn nic_in(subnet: &str, name: &str, configuration: &str) -> String {
    let spec = format!("{{subnet: {{name: {subnet}}}, ipConfigurations: [{{name: ip{configuration}}}]}}");
    object("NetworkInterface", name, &spec)
}

fn fixed(address: &str) -> String {
    format!(", privateIPAllocationMethod: Static, privateIPAddress: {address}")
}

fn vm(name: &str, more: &str) -> String {
    let spec = format!(
        "{{hardwareProfile: {{vmSize: Standard_D2s_v3}}, networkProfile: {{networkInterfaces: [{{name: {name}}}]}}{more}}}"
    );
    object("VirtualMachine", name, &spec)
}

fn of<'a>(plan: &'a Plan, name: &str) -> &'a PlannedObject {
    let found: Vec<_> = plan.objects.iter().filter(|object| object.object.name == name).collect();
    assert_eq!(found.len(), 1, "{name}: {found:?}");
    found[0]
}

fn nic_of<'a>(plan: &'a Plan, name: &str) -> &'a PlannedObject {
    let is = |object: &&PlannedObject| object.object.kind == "NetworkInterface" && object.object.name == name;
    plan.objects.iter().find(is).unwrap()
}

/// Rule, code, path and line of each violation.
fn told(object: &PlannedObject) -> Vec<(&str, &str, &str, u64)> {
    let told = object.violations.iter().map(|told| (&told.violation, told.place.as_ref().unwrap().line));
    told.map(|(v, line)| (v.rule.as_str(), v.code.as_str(), v.path.as_str(), line)).collect()
}

fn allocated(object: &PlannedObject) -> Vec<(&str, String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
    object.allocations.iter().map(|told| (told.path.as_str(), text(&told.before), text(&told.after))).collect()
}

#[test]
fn what_is_created_is_told_with_its_addresses() {
    let plan = Applied::default().plan(&(network() + &nic("a", "") + &vm("a", "")));
    assert!(!plan.refuses() && plan.changes());
    assert_eq!(plan.summary, report::Summary { create: 5, ..Default::default() });
    let nic = nic_of(&plan, "a");
    let path = "ipConfigurations[ip].privateIPAddress";
    assert_eq!((nic.action, allocated(nic)), (Action::Create, vec![(path, "-".into(), "10.0.1.4".into())]));
    assert_eq!(nic.place.as_ref().unwrap().to_string(), "net.yaml:17");
    assert_eq!(nic.ready.as_ref().unwrap().status, "True");
}

#[test]
fn what_was_just_applied_is_no_change() {
    let text = network() + &nic("a", "") + &nic("b", &fixed("10.0.1.9")) + &vm("a", ", powerState: Running");
    let plan = Applied::default().with(&text).plan(&text);
    assert!(!plan.changes(), "{plan:#?}");
    assert_eq!(plan.summary, report::Summary { no_change: 6, ..Default::default() });
}

#[test]
fn the_order_of_documents_does_not_matter() {
    let documents = [network(), nic("z", ""), nic("a", ""), nic("m", &fixed("10.0.1.5")), vm("a", ""), vm("z", "")];
    let forwards = Applied::default().plan(&documents.concat());
    let backwards = Applied::default().plan(&documents.iter().rev().cloned().collect::<String>());
    let told = |plan: &Plan| {
        let objects = plan.objects.iter().cloned();
        objects.map(|object| PlannedObject { place: None, ..object }).collect::<Vec<_>>()
    };
    assert_eq!(told(&forwards), told(&backwards));
}

#[test]
fn a_refusal_names_file_line_rule_code_path_and_who_is_in_the_way() {
    let there = Applied::default().with(&(network() + &nic("a", &fixed("10.0.1.9"))));
    let plan = there.plan(&nic("b", &fixed("10.0.1.9")));
    let refused = nic_of(&plan, "b");
    let path = "spec.ipConfigurations[0].privateIPAddress";
    assert_eq!(told(refused), [("ADDR-08", "PrivateIPAddressInUse", path, 5)]);
    assert_eq!(refused.violations[0].violation.blocked_by[0].name, "a");
    assert!(plan.refuses() && !refused.accepted);
}

#[test]
fn what_the_api_server_refuses_is_never_stored_and_changes_nothing() {
    let there = Applied::default().with(&(network() + &nic("a", "")));
    let plan = there.plan(&nic("a", ", privateIPAddress: nowhere, color: red"));
    let refused = nic_of(&plan, "a");
    let paths: Vec<_> = told(refused).into_iter().map(|(rule, code, path, _)| (rule, code, path)).collect();
    let expected = [
        ("schema", "Invalid", "spec.ipConfigurations[0].color"),
        ("CEL", "Invalid", "spec.ipConfigurations[0].privateIPAddress"),
    ];
    assert_eq!(paths, expected);
    assert_eq!((refused.action, refused.allocations.len()), (Action::Update, 0));
}

#[test]
fn an_edit_is_told_field_by_field_with_what_moves() {
    let there = Applied::default().with(&(network() + &nic("a", "")));
    let plan = there.plan(&nic_in("data", "a", ""));
    let nic = nic_of(&plan, "a");
    assert_eq!(nic.action, Action::Update);
    let fields: Vec<_> = nic.fields.iter().map(|told| (told.path.as_str(), &told.before, &told.after)).collect();
    assert_eq!(fields, [("spec.subnet.name", &json!("web"), &json!("data"))]);
    let path = "ipConfigurations[ip].privateIPAddress";
    assert_eq!(allocated(nic), [(path, "10.0.1.4".into(), "10.0.2.4".into())]);
}

#[test]
fn a_machine_that_is_deallocated_for_an_edit_is_told() {
    let size = |size: &str| vm("a", ", disruptionPolicy: Deallocate").replace("Standard_D2s_v3", size);
    let before = network() + &nic("a", "") + &nic("b", "") + &size("Standard_D2s_v3");
    let two = size("Standard_D2s_v3").replace("[{name: a}]", "[{name: a}, {name: b}]");
    let plan = Applied::default().with(&before).plan(&(network() + &nic("a", "") + &nic("b", "") + &two));
    let vm = plan.objects.iter().find(|object| object.object.kind == "VirtualMachine").unwrap();
    assert_eq!(vm.disruptions, ["VirtualMachine shop/a is deallocated and started."]);
}

#[test]
fn a_machine_that_is_restarted_or_switched_off_is_told() {
    let base = network() + &nic("a", "");
    let there = Applied::default().with(&(base.clone() + &vm("a", "")));
    let disruptions = |manifest: String| {
        let plan = there.plan(&manifest);
        plan.objects.iter().flat_map(|object| object.disruptions.clone()).collect::<Vec<_>>()
    };
    let annotated = vm("a", "").replace("{name: a}\n", "{name: a, annotations: {vnet.dev/restartedAt: \"1\"}}\n");
    assert_eq!(disruptions(annotated), ["VirtualMachine shop/a is restarted."]);
    assert_eq!(disruptions(vm("a", ", powerState: Deallocated")), ["VirtualMachine shop/a is deallocated."]);
}

#[test]
fn what_only_a_new_object_can_have_is_a_replacement() {
    let address = |sku: &str| object("PublicIPAddress", "p", &format!("{{sku: {{name: {sku}}}}}"));
    let plan = Applied::default().with(&address("Basic")).plan(&address("Standard"));
    let refused = of(&plan, "p");
    assert_eq!((refused.action, refused.accepted), (Action::Replace, false));
    assert_eq!(told(refused)[0].0, "PIP-01");
}

#[test]
fn consequences_for_objects_of_no_manifest_are_told() {
    let there = Applied::default().with(&(network() + &nic("a", &fixed("10.0.1.9")) + &nic("b", &fixed("10.0.1.9"))));
    let plan = there.plan(&nic("a", &fixed("10.0.1.8")));
    let path = "ipConfigurations[ip].privateIPAddress";
    let other = nic_of(&plan, "b");
    assert_eq!((other.action, allocated(other)), (Action::NoChange, vec![(path, "-".into(), "10.0.1.9".into())]));
    assert!(other.accepted && plan.changes());
}

#[test]
fn instances_of_a_scale_set_are_told_as_made_for_it() {
    let set = |replicas: u8| {
        let nic = "{name: nic, subnet: {name: web}, ipConfigurations: [{name: ip}]}";
        let profile = format!("{{networkProfile: {{networkInterfaceConfigurations: [{nic}]}}}}");
        let spec =
            format!("{{replicas: {replicas}, sku: {{name: Standard_D2s_v3}}, virtualMachineProfile: {profile}}}");
        object("VirtualMachineScaleSet", "api", &spec)
    };
    let there = Applied::default().with(&(network() + &set(2)));
    let plan = there.plan(&set(1));
    let gone = of(&plan, "api-1");
    assert_eq!((gone.action, gone.made_for.as_deref()), (Action::Delete, Some("api")));
    assert!(!there.plan(&set(2)).changes());
    assert_eq!(of(&there.plan(&set(3)), "api-2").action, Action::Create);
}

#[test]
fn pruning_deletes_what_no_manifest_has_and_tells_what_keeps_it() {
    let all = network() + &nic("a", "") + &nic("b", "") + &vm("a", "");
    let there = Applied::default().with(&all);
    let everything = || Prune::Labelled(Selector::default());
    let plan = there.plan_with(&(network() + &nic("a", "") + &vm("a", "")), everything());
    let deleted = nic_of(&plan, "b");
    assert_eq!((deleted.action, deleted.accepted, plan.summary.delete), (Action::Delete, true, 1));
    let plan = there.plan_with(&(network() + &nic("b", "") + &vm("a", "")), everything());
    let kept = nic_of(&plan, "a");
    assert_eq!((kept.action, kept.accepted), (Action::Delete, false));
    assert_eq!(kept.violations[0].violation.code, "NicInUse");
    let other = Prune::Labelled([("app", "else")].into_iter().collect());
    assert_eq!(there.plan_with(&network(), other).summary.delete, 0);
    assert_eq!(there.plan(&network()).summary.delete, 0);
}

fn at_that_time() -> Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::Time> {
    Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(Timestamp::from_second(NOW).unwrap()))
}

#[test]
fn an_object_that_is_being_deleted_goes_and_one_apply_does_not_create_it_anew() {
    let text = network() + &nic("a", "") + &nic("b", "") + &vm("b", "");
    let mut there = Applied::default().with(&text);
    for (id, object) in &mut there.state.objects {
        if id.kind == crate::fabric::Kind::NetworkInterface {
            object.metadata.deletion_timestamp = at_that_time();
        }
    }
    let plan = there.plan(&text);
    for (name, accepted) in [("a", true), ("b", false)] {
        let nic = nic_of(&plan, name);
        assert_eq!((nic.action, nic.accepted), (Action::Delete, accepted), "{plan:#?}");
        assert_eq!(nic.advice[0].condition, "Terminating");
        assert!(nic.advice[0].message.contains("Apply again once it has gone"));
    }
}

/// An object of these metadata, which the API server has something to say to.
fn with_metadata(metadata: &str) -> String {
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
    assert!(read("name: a\n  namespace: 5").starts_with("net.yaml:5: metadata.namespace is 5, which is no text"));
    assert!(read("name: 5").starts_with("net.yaml:4: metadata.name of the AvailabilitySet is 5, which is no text"));
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
            "net.yaml:5: metadata.labels[vnet.dev/location]: \"west europe\" is no value",
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

/// Object, path and line of each warning.
fn warned(warnings: &[Warning]) -> Vec<(&str, &str, u64)> {
    let told = warnings.iter().map(|w| (w.object.name.as_str(), w.path.as_str(), w.place.as_ref().unwrap().line));
    told.collect()
}

#[test]
fn a_static_address_that_a_dynamic_one_could_take_is_warned_of() {
    let path = "spec.ipConfigurations[0].privateIPAddress";
    let plan = |address: &str| Applied::default().plan(&(network() + &nic("d", "") + &nic("s", &fixed(address))));
    assert_eq!(warned(&plan("10.0.1.4").warnings), [("s", path, 25)]);
    assert!(plan("10.0.1.4").warnings[0].message.contains("10.0.1.5"), "{:?}", plan("10.0.1.4").warnings);
    assert_eq!(warned(&plan("10.0.1.6").warnings), []);
}

#[test]
fn a_static_address_beyond_the_reach_of_all_dynamic_ones_is_not_warned_of() {
    let two = nic("d", "") + &nic("e", "");
    let plan = |address: &str| Applied::default().plan(&(network() + &two + &nic("s", &fixed(address))));
    assert_eq!(plan("10.0.1.5").warnings.len(), 1);
    assert_eq!(plan("10.0.1.6").warnings.len(), 0);
    let there = Applied::default().with(&(network() + &two));
    assert_eq!(there.plan(&(two.clone() + &nic("s", &fixed("10.0.1.6")))).warnings.len(), 0, "they have theirs");
}

#[test]
fn two_that_ask_for_one_thing_are_warned_of() {
    let plan = Applied::default().plan(&(network() + &nic("a", &fixed("10.0.1.9")) + &nic("b", &fixed("10.0.1.9"))));
    assert_eq!(warned(&plan.warnings).len(), 1);
    assert!(plan.warnings[0].message.contains("NetworkInterface shop/a"), "{:?}", plan.warnings);
}

#[test]
fn what_only_another_edit_needs_is_no_replacement() {
    let address = |prefix: &str| {
        let prefixes = object("PublicIPPrefix", "one", "{prefixLength: 28}")
            + &object("PublicIPPrefix", "two", "{prefixLength: 28}");
        prefixes
            + &object(
                "PublicIPAddress",
                "p",
                &format!("{{sku: {{name: Standard}}, publicIPPrefix: {{name: {prefix}}}}}"),
            )
    };
    let there = Applied::default().with(&address("one"));
    let action = |prefix: &str| of(&there.plan(&address(prefix)), "p").action;
    assert_eq!((action("two"), action("one")), (Action::Replace, Action::NoChange));
    let machine = |set: &str| network() + &nic("a", "") + &object("AvailabilitySet", "s", "{}") + &vm("a", set);
    let there = Applied::default().with(&machine(", availabilitySet: {name: s}"));
    let action = |set: &str| {
        let plan = there.plan(&machine(set));
        plan.objects.iter().find(|object| object.object.kind == "VirtualMachine").unwrap().action
    };
    assert_eq!(action(", availabilitySet: null"), Action::Replace);
    let network_of = |subnet: &str| {
        let other = object("VirtualNetwork", "other", "{addressSpace: {addressPrefixes: [10.9.0.0/16]}}");
        network()
            + &other
            + &object("Subnet", "far", "{virtualNetwork: {name: other}, addressPrefixes: [10.9.1.0/24]}")
            + &nic_in(subnet, "a", "")
    };
    let there = Applied::default().with(&network_of("web"));
    assert_eq!(nic_of(&there.plan(&network_of("far")), "a").action, Action::Replace);
    assert_eq!(nic_of(&there.plan(&network_of("nowhere")), "a").action, Action::Update);
}

#[test]
fn a_running_machine_that_is_deleted_is_told() {
    let base = network() + &nic("a", "");
    let prune = |state: &str| {
        let there = Applied::default().with(&(base.clone() + &vm("a", state)));
        let plan = there.plan_with(&base, Prune::Labelled(Selector::default()));
        plan.objects.iter().flat_map(|object| object.disruptions.clone()).collect::<Vec<_>>()
    };
    assert_eq!(prune(""), ["VirtualMachine shop/a is deleted while it runs."]);
    assert_eq!(prune(", powerState: Deallocated"), Vec::<String>::new());
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
fn subnets_that_overlap_are_warned_of_since_the_first_has_the_range() {
    let subnet = |name: &str| object("Subnet", name, "{virtualNetwork: {name: hub}, addressPrefixes: [10.0.9.0/24]}");
    let plan = Applied::default().plan(&(network() + &subnet("a") + &subnet("b")));
    assert_eq!(warned(&plan.warnings), [("b", "spec.addressPrefixes[0]", 25)]);
    assert!(plan.warnings[0].message.contains("Subnet shop/a"), "{:?}", plan.warnings);
}

#[test]
fn a_quota_that_all_together_exceed_is_warned_of() {
    let settings = Settings { quotas: crate::fabric::quota::Quotas::Enforced, ..Settings::default() };
    let text: String =
        (0..11).map(|n| object("PublicIPAddress", &format!("p{n:02}"), "{sku: {name: Standard}}")).collect();
    let plan = plan(&read(&text), State::default(), &Options { settings, ..at_now() }).unwrap();
    assert_eq!((plan.summary.refused, warned(&plan.warnings)), (1, vec![("p10", "metadata.name", 54)]));
}

#[test]
fn what_stands_in_no_file_of_the_pull_request_is_no_annotation_of_one() {
    let file = manifests::File { name: manifests::STDIN.into(), text: nic("a", "") };
    let plan = plan(&manifests::read(&[file], "shop").unwrap(), State::default(), &at_now()).unwrap();
    let github = show::github(&plan);
    assert!(
        github.starts_with("::error title=InvalidResourceReference (NIC-03)::<stdin>:5: NetworkInterface"),
        "{github}"
    );
}

#[test]
fn markdown_tells_who_is_in_the_way_and_what_was_passed_over_in_one_line_each() {
    let there = Applied::default().with(&(network() + &nic("a", &fixed("10.0.1.9"))));
    let config = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n";
    let broken = with_metadata("labels: {}").replace("name: a", "name: \"a\\nb|c\"");
    let markdown = show::markdown(&there.plan(&(nic("b", &fixed("10.0.1.9")) + config + &broken)));
    assert!(markdown.contains("_ Blocked by NetworkInterface shop/a.\n"), "{markdown}");
    assert!(markdown.contains("#### Passed over\n\n* net.yaml:7: ConfigMap c is passed over"), "{markdown}");
    assert!(markdown.contains("| Create | AvailabilitySet shop/a b\\|c |"), "{markdown}");
    assert!(show::github(&there.plan(config)).contains("title=PassedOver::ConfigMap c is passed over"));
}

#[test]
fn every_form_of_a_plan_tells_the_refusal_and_where_it_is() {
    let plan = Applied::default().plan(&nic("a", ""));
    let table = anstream::adapter::strip_str(&show::table(&plan)).to_string();
    let line = "InvalidResourceReference by NIC-03: spec.subnet (net.yaml:5)";
    assert!(table.contains(line), "{table}");
    assert!(table.ends_with("Plan: 1 to create, 0 to update, 0 to replace, 0 to delete, 0 unchanged; 1 refused.\n"));
    let github = show::github(&plan);
    let begin =
        "::error file=net.yaml,line=5,title=InvalidResourceReference (NIC-03)::NetworkInterface shop/a: spec.subnet: ";
    assert!(github.starts_with(begin), "{github}");
    let markdown = show::markdown(&plan);
    assert!(markdown.contains("* **NetworkInterface shop/a** (net.yaml:5), `spec.subnet`: InvalidResourceReference"));
    let json = serde_json::to_value(&plan).unwrap();
    assert_eq!((&json["apiVersion"], &json["kind"]), (&json!("vnet.dev/v1alpha1"), &json!("Plan")));
    assert_eq!(json["objects"][0]["violations"][0]["line"], json!(5));
}

/// A bit of every kind that people write by hand.
fn everything() -> String {
    let nic = "{name: nic, subnet: {name: web}, ipConfigurations: [{name: ip}]}";
    let profile = format!("{{networkProfile: {{networkInterfaceConfigurations: [{nic}]}}}}");
    let set = format!("{{replicas: 2, sku: {{name: Standard_D2s_v3}}, virtualMachineProfile: {profile}}}");
    network()
        + &object("PublicIPPrefix", "pool", "{prefixLength: 28}")
        + &object("PublicIPAddress", "p", "{sku: {name: Standard}, publicIPPrefix: {name: pool}}")
        + &nic_in("data", "a", ", publicIPAddress: {name: p}")
        + &object("AvailabilitySet", "s", "{}")
        + &vm("a", ", availabilitySet: {name: s}")
        + &object("VirtualMachineScaleSet", "api", &set)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_is_written_is_planned_or_refused(from in 0.0..1.0, length in 0_usize..12, with in "[ -~\n]{0,8}") {
        let text: Vec<char> = everything().chars().collect();
        let from = (text.len() as f64 * from) as usize;
        let rest = text.iter().skip(from + length);
        let text: String = text.iter().take(from).copied().chain(with.chars()).chain(rest.copied()).collect();
        let file = manifests::File { name: "net.yaml".into(), text };
        if let Ok(manifests) = manifests::read(&[file], "shop") {
            let plan = plan(&manifests, State::default(), &at_now()).unwrap();
            prop_assert!(plan.objects.iter().all(|object| object.accepted == object.violations.is_empty()));
        }
    }

    #[test]
    fn what_is_no_yaml_at_all_is_refused(text in "\\PC*") {
        let _ = manifests::read(&[manifests::File { name: "net.yaml".into(), text }], "shop");
    }
}
