//! Whole plans: manifests in, consequences out.

mod foreign;
mod forms;
mod input;
mod namespaces;
mod order;
mod pool;
mod server_side;
mod stored;
mod unready;
mod upgrades;

use super::report::{Action, PlannedObject, Warning};
use super::*;

const NOW: i64 = 1_800_000_000;

fn at_now() -> Options {
    Options {
        settings: Settings::default(),
        prune: Prune::Nothing,
        server_side: None,
        now: Timestamp::from_second(NOW).unwrap(),
    }
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
        Self { state: cluster_with(&read(text), self.state, &at_now()).unwrap().into_state() }
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
fn an_object_of_no_manifest_that_is_cured_is_told_though_nothing_is_allocated_to_it() {
    let subnet = object("Subnet", "far", "{virtualNetwork: {name: other}, addressPrefixes: [10.9.1.0/24]}");
    let other = object("VirtualNetwork", "other", "{addressSpace: {addressPrefixes: [10.9.0.0/16]}}");
    let plan = Applied::default().with(&subnet).plan(&other);
    let cured = of(&plan, "far");
    let told = ("Cured".to_owned(), "It was refused by NIC-03, and is so no longer.".to_owned());
    assert_eq!((cured.action, cured.accepted), (Action::NoChange, true));
    assert_eq!((cured.advice[0].condition.clone(), cured.advice[0].message.clone()), told);
    assert!(show::table(&plan).contains("Cured: It was refused by"), "{}", show::table(&plan));
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

/// VM-23
#[test]
fn what_is_deleted_with_a_machine_is_told_with_the_reason() {
    let listed =
        |name: &str| nic_in("web", name, &format!(", publicIPAddress: {{name: {name}, deleteOption: Delete}}"));
    let public = |name: &str| object("PublicIPAddress", name, "{}");
    let machine = "{hardwareProfile: {vmSize: Standard_D2s_v3}, networkProfile: {networkInterfaces: [{name: a, deleteOption: Delete}, {name: b}]}}";
    let rest = network() + &public("a") + &public("b") + &listed("a") + &listed("b");
    let there = Applied::default().with(&(rest.clone() + &object("VirtualMachine", "m", machine)));
    let plan = there.plan_with(&rest, Prune::Labelled(Selector::default()));
    assert_eq!(of(&plan, "m").action, Action::Delete);
    for kind in ["NetworkInterface", "PublicIPAddress"] {
        let of_kind =
            |name: &str| plan.objects.iter().find(|o| o.object.kind == kind && o.object.name == name).unwrap();
        assert_eq!((of_kind("a").action, of_kind("b").action), (Action::Delete, Action::NoChange), "{kind}");
        let told: Vec<_> = of_kind("a").advice.iter().map(|told| (&*told.condition, &*told.message)).collect();
        let message = "It is deleted with VirtualMachine shop/m: deleteOption says so.";
        assert_eq!(told, [("DeletedWithVirtualMachine", message)]);
    }
}

#[test]
fn a_scale_set_that_waits_for_room_gets_it_from_what_is_pruned() {
    for mode in ["Uniform", "Flexible"] {
        let nics =
            "{networkInterfaceConfigurations: [{name: nic, subnet: {name: web}, ipConfigurations: [{name: ip}]}]}";
        let set = |replicas: u32| {
            let spec = format!(
                "{{orchestrationMode: {mode}, replicas: {replicas}, sku: {{name: Standard_DS3_v2}}, virtualMachineProfile: {{networkProfile: {nics}}}}}"
            );
            object("VirtualMachineScaleSet", "api", &spec)
        };
        let there = Applied::default().with(&(network() + &nic("other", "") + &set(1))).with(&set(251));
        let plan = there.plan_with(&(network() + &set(251)), Prune::Labelled(Selector::default()));
        assert_eq!(of(&plan, "other").action, Action::Delete);
        assert_eq!(told(of(&plan, "api")), [], "{mode}");
    }
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
