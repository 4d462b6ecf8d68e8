//! `vnet plan` as a program: what it prints and how it exits, beside a real cluster and without one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;
use vnet_operator::plan::difference::between;

use crate::support::cluster::Cluster;
use crate::support::examples::Examples;
use crate::support::manifests::{network, nic, static_nic, subnet};
use crate::support::space::{Space, at};

/// Runs `vnet plan`; the cluster of the current context is this one.
fn plan(cluster: Option<&Cluster>, arguments: &[&str]) -> Output {
    command(cluster, arguments).output().expect("it runs")
}

fn command(cluster: Option<&Cluster>, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vnet"));
    command.arg("plan").args(arguments).env("KUBECONFIG", cluster.map_or("/dev/null".into(), Cluster::kubeconfig));
    command
}

/// What a program printed.
pub fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("it is UTF-8")
}

/// A plan, as `-o json` prints it.
pub fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// A folder with one file.
fn folder(manifests: &str) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join("net.yaml"), manifests).expect("it can be written");
    folder
}

fn path(folder: &TempDir) -> &str {
    folder.path().to_str().expect("it is UTF-8")
}

fn a_network() -> String {
    network("hub", "10.0.0.0/16") + &subnet("web", "hub", "10.0.1.0/24")
}

/// The objects of a plan.
pub fn objects(plan: &Value) -> Vec<Value> {
    plan["objects"].as_array().cloned().unwrap_or_default()
}

#[test]
fn the_examples_come_out_as_planned_and_then_there_is_nothing_to_plan() {
    let space = Space::empty();
    let examples = Examples::moved_to(&space);
    let folder = examples.path("");
    let planned = plan(None, &[&folder, "-o", "json"]);
    assert_eq!(planned.status.code(), Some(0), "{planned:?}");
    space.kubectl_ok(&["apply", "-f", &folder], "");
    let (mut planned_addresses, mut addresses) = (BTreeSet::new(), BTreeSet::new());
    for planned in objects(&json(&planned)).into_iter().filter(|planned| planned["kind"] != "Namespace") {
        let word = |field: &str| planned[field].as_str().expect("a text").to_owned();
        let object = space.ready(&format!("{}/{}", word("kind"), word("name")));
        assert_eq!((&planned["action"], &planned["accepted"]), (&"Create".into(), &true.into()));
        let shown: BTreeMap<String, Value> =
            between(&Value::Null, &object.data["status"], "").into_iter().map(|told| (told.path, told.after)).collect();
        for told in planned["allocations"].as_array().into_iter().flatten() {
            let path = told["path"].as_str().expect("a text");
            let has = shown.get(path).unwrap_or_else(|| panic!("{told} and {shown:?}"));
            // Which of several Dynamic ones each object has depends on who came first, and other tests take public ones.
            let is_private = path.ends_with("privateIPAddress");
            let is_certain = path.ends_with("powerState");
            assert!(!is_certain || *has == told["after"], "{told} and {has}");
            planned_addresses.extend(is_private.then(|| told["after"].clone().to_string()));
            addresses.extend(is_private.then(|| has.to_string()));
        }
    }
    assert_eq!(addresses, planned_addresses);
    assert_eq!(at(&space.get("nic/web-front"), "/ipConfigurations/1/privateIPAddress"), "10.0.1.10");
    let again = plan(Some(space.cluster), &[&folder, "--against", "cluster", "--detailed-exitcode"]);
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stdout));
    let dump = examples.path("../state.yaml");
    fs::write(&dump, space.kubectl_ok(&["get", "azure,controllerrevisions", "-o", "yaml"], ""))
        .expect("it can be written");
    let again = plan(None, &[&folder, "--against", &dump, "--detailed-exitcode", "--prune"]);
    fs::remove_file(&dump).expect("it is there");
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stdout));
}

#[test]
fn a_change_to_a_cluster_is_planned_with_what_is_in_the_way() {
    let space = Space::with_a_subnet();
    space.apply(&static_nic("a", "web", "10.0.1.9"));
    space.ready("nic/a");
    let folder = folder(&(a_network() + &static_nic("a", "web", "10.0.1.8") + &static_nic("b", "web", "10.0.1.9")));
    let against = ["-n", &space.name, "--against", "cluster"];
    let moved = plan(Some(space.cluster), &[&[path(&folder), "--detailed-exitcode"], &against[..]].concat());
    assert_eq!(moved.status.code(), Some(3), "{}", text(&moved.stdout));
    assert!(text(&moved.stdout).contains("spec.ipConfigurations[ipconfig1].privateIPAddress: 10.0.1.9 -> 10.0.1.8"));
    let taken = [&["-", "-o", "json"], &against[..]].concat();
    let taken = plan_of_stdin(space.cluster, &taken, &static_nic("b", "web", "10.0.1.9"));
    assert_eq!(taken.status.code(), Some(1), "{}", text(&taken.stdout));
    let violation = &objects(&json(&taken))[0]["violations"][0];
    assert_eq!((&violation["rule"], &violation["blockedBy"][0]["name"]), (&"ADDR-08".into(), &"a".into()));
    assert_eq!(violation["file"], "<stdin>");
}

#[test]
fn an_apply_changes_the_fields_that_were_planned_and_no_others() {
    let space = Space::empty();
    let address = |spec: &str| {
        format!("apiVersion: vnet.dev/v1alpha1\nkind: PublicIPAddress\nmetadata: {{name: p}}\nspec: {{{spec}}}\n")
    };
    space.kubectl_ok(&["create", "-f", "-"], &address("idleTimeoutInMinutes: 30"));
    for spec in [
        "tags: {a: b}",
        "tags: {c: d}",
        "tags: {c: d}, idleTimeoutInMinutes: 20",
        "tags: {c: null}, idleTimeoutInMinutes: null",
        "sku: null",
        "idleTimeoutInMinutes: 010",
        "idleTimeoutInMinutes: 8.0",
        "",
    ] {
        let before = space.get("pip/p").data["spec"].clone();
        let against = ["-", "-n", &space.name, "--against", "cluster", "-o", "json"];
        let planned = json(&plan_of_stdin(space.cluster, &against, &address(spec)));
        space.kubectl_ok(&["apply", "-f", "-"], &address(spec));
        let changed = between(&before, &space.get("pip/p").data["spec"], "spec");
        let object = objects(&planned).into_iter().find(|object| object["name"] == "p").expect("it is planned");
        let fields = object["fields"].as_array().cloned().unwrap_or_default();
        assert_eq!(Value::from(fields), serde_json::to_value(changed).expect("it is JSON"), "{spec:?}");
    }
}

#[test]
fn metadata_that_kubectl_apply_does_not_take_is_refused_by_the_plan_too() {
    let space = Space::empty();
    for metadata in ["labels: [x]", "labels: {a b: c}", "annotations: {A B: c}", "finalizers: foo", "label: {a: b}"] {
        let set = "apiVersion: vnet.dev/v1alpha1\nkind: AvailabilitySet\n";
        space.apply_refused(&format!("{set}metadata: {{name: a, {metadata}}}\nspec: {{}}\n"));
    }
}

/// Runs `vnet plan` beside this cluster, which reads `input`.
pub fn plan_of_stdin(cluster: &Cluster, arguments: &[&str], input: &str) -> Output {
    let folder = folder(input);
    let stdin = fs::File::open(folder.path().join("net.yaml")).expect("it is there");
    command(Some(cluster), arguments).stdin(stdin).output().expect("it runs")
}

#[test]
fn without_a_cluster_the_exit_code_says_how_it_came_out() {
    let good = folder(&(a_network() + &nic("a", "web")));
    assert_eq!(plan(None, &[path(&good)]).status.code(), Some(0));
    assert_eq!(plan(None, &[path(&good), "--detailed-exitcode"]).status.code(), Some(3));
    let refused = folder(&nic("a", "web"));
    assert_eq!(plan(None, &[path(&refused)]).status.code(), Some(1));
    let unreadable = folder("kind: [\n");
    let told = plan(None, &[path(&unreadable)]);
    assert_eq!(told.status.code(), Some(2));
    assert!(text(&told.stderr).contains("net.yaml:"), "{}", text(&told.stderr));
    let others = folder("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n");
    assert_eq!(plan(None, &[path(&others)]).status.code(), Some(0), "there is nothing to plan, and that is told");
    assert_eq!(plan(None, &["/nowhere"]).status.code(), Some(2));
    assert_eq!(plan(None, &[]).status.code(), Some(2));
}

#[test]
fn a_state_that_is_no_dump_is_told_with_what_to_do() {
    let good = folder(&a_network());
    for state in ["", "NAME   READY\nhub    True\n", "{\"error\": \"denied\"}"] {
        let dump = folder(state);
        let dump = dump.path().join("net.yaml");
        let told = plan(None, &[path(&good), "--against", dump.to_str().expect("it is UTF-8")]);
        assert_eq!(told.status.code(), Some(2), "{state:?}");
        assert!(text(&told.stderr).contains("take the state with `kubectl get"), "{}", text(&told.stderr));
    }
}

#[test]
fn who_may_not_list_is_told_how_to_get_the_right() {
    let space = Space::empty();
    let folder = folder(&a_network());
    let kubeconfig = space.kubectl_ok(&["config", "view", "--raw", "-o", "json"], "");
    let mut config: Value = serde_json::from_str(&kubeconfig).expect("it is JSON");
    config["users"][0]["user"]["as"] = "nobody".into();
    let file = folder.path().join("kubeconfig.json");
    fs::write(&file, config.to_string()).expect("it can be written");
    let manifest = folder.path().join("net.yaml");
    let mut vnet = command(None, &[manifest.to_str().expect("it is UTF-8"), "--against", "cluster"]);
    let told = vnet.env("KUBECONFIG", &file).output().expect("it runs");
    assert_eq!(told.status.code(), Some(2));
    assert!(text(&told.stderr).contains("kubectl create clusterrole vnet-plan --verb=list"), "{}", text(&told.stderr));
}

#[test]
fn what_cannot_be_read_is_told_all_at_once_with_file_and_line() {
    let wrong = folder(
        "apiVersion: vnet.dev/v1alpha1\nkind: NetworkInterface\nmetadata: {name: 5}\n---\nmetadata: {name: b}\n",
    );
    let told = plan(None, &[path(&wrong)]);
    let told = text(&told.stderr);
    assert!(told.contains("net.yaml:3: metadata.name of the NetworkInterface is 5, which is not a string"), "{told}");
    assert!(told.contains("net.yaml:5: it has no apiVersion and kind"), "{told}");
}

#[test]
fn an_object_of_an_unknown_kind_or_field_is_refused_and_the_rest_is_planned() {
    let unknown = "---\napiVersion: vnet.dev/v1alpha1\nkind: NetworkInterfac\nmetadata: {name: a}\n";
    let field = nic("b", "web").replace("subnet:", "subnett: x, subnet:");
    let wrong = folder(&(a_network() + unknown + &field));
    let told = plan(None, &[path(&wrong), "-o", "json"]);
    assert_eq!(told.status.code(), Some(1), "{told:?}");
    let objects = objects(&json(&told));
    let refused = objects.iter().filter(|object| object["accepted"] == false);
    let refused: Vec<_> = refused.map(|object| (&object["kind"], &object["violations"][0]["path"])).collect();
    let (nic, kind) = (Value::from("NetworkInterface"), Value::from("NetworkInterfac"));
    assert_eq!(refused, [(&nic, &"spec.subnett".into()), (&kind, &"kind".into())]);
    assert_eq!(objects.iter().filter(|object| object["ready"]["status"] == "True").count(), 2, "{objects:?}");
}

#[test]
fn every_form_is_written() {
    let refused = folder(&nic("a", "web"));
    let form = |form: &str| text(&plan(None, &[path(&refused), "-o", form]).stdout).to_owned();
    assert!(form("github").starts_with("::error file="), "{}", form("github"));
    assert!(form("markdown").starts_with("### vnet plan"), "{}", form("markdown"));
    assert!(form("yaml").contains("kind: Plan"), "{}", form("yaml"));
    assert!(!form("table").contains('\u{1b}'), "there are no colours where there is no terminal");
}

#[test]
fn an_unknown_cluster_is_told_with_what_to_do() {
    let folder = folder(&a_network());
    let told = plan(None, &[path(&folder), "--against", "cluster"]);
    assert_eq!(told.status.code(), Some(2));
    assert!(text(&told.stderr).contains("set KUBECONFIG"), "{}", text(&told.stderr));
}
