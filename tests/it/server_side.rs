//! `vnet plan --server-side`: what it works out by itself, beside the API server's own dry run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use regex::Regex;
use serde_json::{Map, Value, json};
use vnet_operator::fabric::Kind;
use vnet_operator::plan::admission::Admission;
use vnet_operator::plan::server_side::{self, Manager, entries, fields_of_entry};

use crate::plan::{json as plan_json, objects, plan_of_stdin, text};
use crate::support::cluster::poll;
use crate::support::manifests::{network, nic_with, public_address, subnet};
use crate::support::space::Space;

/// The parts of an object that are applied.
fn applied_parts(object: &Value) -> Value {
    let metadata = &object["metadata"];
    let part = |field: &str| metadata.get(field).filter(|part| **part != json!({}) && **part != json!([])).cloned();
    json!({
        "spec": object["spec"], "labels": part("labels"), "annotations": part("annotations"), "finalizers": part("finalizers"),
    })
}

/// Whose the fields of an object are.
fn managers(object: &Value) -> BTreeMap<String, Value> {
    let name = |entry: &Value| format!("{} {} {}", entry["manager"], entry["operation"], entry["subresource"]);
    entries(object).map(|entry| (name(entry), fields_of_entry(entry).clone())).collect()
}

/// The fields that an error of the API server, or messages of conflicts, name.
fn named_fields(text: &str) -> BTreeSet<String> {
    let field = Regex::new(r"(?m)[:-] (\.(?:spec|metadata)\S*)").expect("it is a pattern");
    field.captures_iter(text).map(|found| found[1].to_owned()).collect()
}

fn as_stored(space: &Space<'_>, id: &str) -> Value {
    let shown = space.kubectl_unseen(&["get", id, "-o", "json", "--show-managed-fields"], "");
    serde_json::from_str(&shown.out).unwrap_or_default()
}

/// Applies server-side, and compares the result with what was worked out before.
fn apply_and_compare(space: &Space<'_>, manager: &str, force: bool, manifest: &Value, history: &str) {
    let stored = as_stored(space, "nic/a");
    let worked_out = match stored.is_null() {
        true => Ok(manifest.clone()),
        false => server_side::apply(Some(Kind::NetworkInterface), &stored, manifest, Manager { name: manager, force }),
    };
    let field_manager = format!("--field-manager={manager}");
    let force_conflicts = format!("--force-conflicts={force}");
    let arguments =
        ["apply", "--server-side", "-f", "-", &field_manager, &force_conflicts, "-o", "json", "--show-managed-fields"];
    let told = space.kubectl_unseen(&arguments, &manifest.to_string());
    let context = format!("{history}\n{manager} applies (force: {force}) {manifest}\nto {stored:#}\n{}", told.err);
    match (worked_out, told.ok) {
        (Ok(next), true) => {
            let real: Value = serde_json::from_str(&told.out).expect("it is JSON");
            let admitted = Admission::default().admit_merged(Kind::NetworkInterface, &next);
            let next_is = serde_json::to_value(admitted.unwrap_or_else(|why| panic!("{why:?}\n{context}"))).unwrap();
            if stored.is_null() {
                return; // the finalizer comes with the create
            }
            assert_eq!(applied_parts(&next_is), applied_parts(&real), "{context}");
            assert_eq!(managers(&next), managers(&real), "{context}");
        }
        (Ok(next), false) => {
            assert!(told.err.contains("is invalid") && !told.err.contains("conflict"), "{context}");
            assert!(Admission::default().admit_merged(Kind::NetworkInterface, &next).is_err(), "{context}");
        }
        (Err(conflicts), false) => {
            let messages: Vec<_> = conflicts.into_iter().map(|conflict| conflict.message).collect();
            assert_eq!(named_fields(&messages.join("\n")), named_fields(&told.err), "{messages:?}\n{context}");
        }
        (Err(conflicts), true) => panic!("the API server sees none of {conflicts:?}\n{context}"),
    }
}

/// A manifest of a NIC that says some of what one can.
fn some_nic(chance: &mut ChaCha8Rng) -> Value {
    let mut spec = Map::new();
    let mut maybe = |chance: &mut ChaCha8Rng, field: &str, of_ten: u32, values: &[Value]| {
        if chance.random_ratio(of_ten, 10) {
            spec.insert(field.to_owned(), values.choose(chance).expect("there are some").clone());
        }
    };
    maybe(
        chance,
        "subnet",
        8,
        &[json!({"name": "web"}), json!({"name": "data"}), json!({"name": "web", "namespace": "b"})],
    );
    maybe(chance, "enableIPForwarding", 4, &[json!(true), json!(false), json!(null)]);
    maybe(chance, "location", 2, &[json!("westeurope"), json!(null)]);
    maybe(
        chance,
        "tags",
        6,
        &[json!({"a": "1"}), json!({"a": "2", "b": "1"}), json!({"b": "1"}), json!({}), json!(null)],
    );
    let servers = [
        json!({"dnsServers": ["10.0.0.4"]}),
        json!({"dnsServers": ["10.0.0.4", "10.0.0.5"], "internalDnsNameLabel": "l"}),
        json!({"internalDnsNameLabel": "m"}),
        json!({"dnsServers": []}),
    ];
    maybe(chance, "dnsSettings", 5, &servers);
    let mut names = ["a", "b", "c", "d"];
    names.shuffle(chance);
    let count = chance.random_range(0..=3);
    let item = |name: &&str, chance: &mut ChaCha8Rng| {
        let mut item = json!({"name": name});
        if *name == "a" || chance.random_ratio(1, 4) {
            item["primary"] = json!(*name == "a");
        }
        if chance.random_ratio(1, 3) {
            item["privateIPAllocationMethod"] = json!("Dynamic");
        }
        item
    };
    let items: Vec<Value> = names.iter().take(count).map(|name| item(name, chance)).collect();
    if count > 0 || chance.random_ratio(1, 3) {
        spec.insert("ipConfigurations".to_owned(), items.into());
    }
    let labels = [json!({}), json!({"l": "1"}), json!({"l": "2", "m": "1"})];
    let metadata = json!({"name": "a", "labels": labels.choose(chance), "annotations": labels.choose(chance)});
    json!({"apiVersion": "vnet.dev/v1alpha1", "kind": "NetworkInterface", "metadata": metadata, "spec": spec})
}

#[test]
fn whatever_managers_apply_comes_out_as_it_is_worked_out() {
    let space = Space::empty();
    let mut applied = 0;
    for seed in 0..4 {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        for step in 0..16 {
            let manifest = some_nic(&mut chance);
            let history = format!("seed {seed}, step {step}");
            if step > 0 && chance.random_ratio(1, 5) {
                let change = json!({"spec": {"tags": {"a": "3"}, "enableIPForwarding": true}}).to_string();
                let arguments = ["patch", "nic/a", "--type=merge", "--field-manager=editor", "-p", &change];
                space.kubectl_unseen(&arguments, "");
                continue;
            }
            let manager = ["team", "other"].choose(&mut chance).expect("there are some");
            apply_and_compare(&space, manager, chance.random_ratio(1, 3), &manifest, &history);
            applied += 1;
        }
        space.kubectl_unseen(&["delete", "nic/a", "--ignore-not-found"], "");
    }
    assert!(applied > 40, "{applied}");
}

/// What came before a case, as kubectl is called, with its input.
type Before<'a> = &'a [(&'a [&'a str], String)];

/// What a plan by the API server's dry run and one by the own merge agree on: whether it is accepted, and which fields change.
fn agreed(space: &Space<'_>, before: Before<'_>, options: &[&str], manifest: &str) -> (bool, Vec<String>) {
    for (arguments, input) in before {
        let told = space.kubectl_unseen(arguments, input);
        assert!(told.ok, "{arguments:?}: {}", told.err);
    }
    let dump = tempfile::NamedTempFile::new().expect("a file");
    let arguments = ["get", "azure,controllerrevisions", "-o", "yaml", "--show-managed-fields"];
    fs::write(dump.path(), space.kubectl_unseen(&arguments, "").out).expect("it can be written");
    let against = |state: &str| {
        let arguments =
            [&["-", "-n", &space.name, "-o", "json", "--server-side", "--against", state], options].concat();
        let output = plan_of_stdin(space.cluster, &arguments, manifest);
        let object = objects(&plan_json(&output)).into_iter().next().unwrap_or_default();
        let paths = |field: &str, inner: fn(&Value) -> &Value| {
            let all = object[field].as_array().cloned().unwrap_or_default();
            all.iter().map(|told| inner(told).as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
        };
        let changed = paths("fields", |told| &told["path"]);
        let refused = paths("violations", |told| &told["path"]);
        (object["accepted"] == true, [changed, refused].concat())
    };
    let (by_the_server, by_vnet) = (against("cluster"), against(dump.path().to_str().expect("it is UTF-8")));
    assert_eq!(by_vnet, by_the_server, "{manifest}");
    by_the_server
}

fn applies(manager: &str) -> Vec<&str> {
    vec!["apply", "--server-side", "-f", "-", manager]
}

fn accepted(fields: &[&str]) -> (bool, Vec<String>) {
    (true, fields.iter().map(|field| (*field).to_owned()).collect())
}

fn refused(fields: &[&str]) -> (bool, Vec<String>) {
    (false, accepted(fields).1)
}

#[test]
fn items_of_a_list_are_each_managers_own() {
    let space = Space::empty();
    let (team, other) = (applies("--field-manager=team"), applies("--field-manager=other"));
    let both = nic_with("a", "web", &["{name: a, primary: true}", "{name: b}"]);
    let theirs = nic_with("a", "web", &["{name: c}"]);
    let one = nic_with("a", "web", &["{name: a, primary: true}"]);
    let around = network("hub", "10.0.0.0/16") + &subnet("web", "hub", "10.0.1.0/24");
    let before = [(&*team, around), (&*team, both), (&*other, theirs)];
    assert_eq!(
        agreed(&space, &before, &["--field-manager", "team"], &one),
        accepted(&["spec.ipConfigurations[b].name"])
    );
}

#[test]
fn another_managers_field_is_a_conflict_and_by_force_it_is_none() {
    let space = Space::empty();
    let address =
        |minutes: u32| public_address("p", "Basic").replace("sku:", &format!("idleTimeoutInMinutes: {minutes}, sku:"));
    let other = applies("--field-manager=other");
    let before = [(&*other, address(20))];
    let path = "spec.idleTimeoutInMinutes";
    assert_eq!(agreed(&space, &before, &["--field-manager", "team"], &address(30)), refused(&[path, path]));
    assert_eq!(agreed(&space, &[], &["--field-manager", "team"], &address(20)), accepted(&[]));
    let forced = ["--field-manager", "team", "--force-conflicts"];
    assert_eq!(agreed(&space, &[], &forced, &address(30)), accepted(&[path]));
    assert_eq!(agreed(&space, &[], &["--field-manager", "other"], &address(30)), accepted(&[path]));
}

#[test]
fn a_field_that_is_left_out_has_its_default_again_and_a_null_one_too() {
    let space = Space::empty();
    let team = applies("--field-manager=team");
    let with = public_address("p", "Basic").replace("sku:", "idleTimeoutInMinutes: 20, sku:");
    let path = "spec.idleTimeoutInMinutes";
    let left_out =
        agreed(&space, &[(&*team, with.clone())], &["--field-manager", "team"], &public_address("p", "Basic"));
    assert_eq!(left_out, accepted(&[path]));
    let null = with.replace("20", "null");
    assert_eq!(agreed(&space, &[], &["--field-manager", "team"], &null), accepted(&[path]));
}

#[test]
fn a_reference_is_owned_as_a_whole() {
    let space = Space::empty();
    let other = applies("--field-manager=other");
    let nic = nic_with("a", "web", &["{name: x}"]);
    let elsewhere = nic.replace("{name: web}", "{name: web, namespace: elsewhere}");
    let told = agreed(&space, &[(&*other, nic)], &["--field-manager", "team"], &elsewhere);
    assert_eq!(told, refused(&["spec.subnet.namespace", "spec.subnet"]));
}

#[test]
fn what_kubectl_has_applied_client_side_it_may_change_and_others_may_not() {
    let space = Space::empty();
    let address =
        |minutes: u32| public_address("p", "Basic").replace("sku:", &format!("idleTimeoutInMinutes: {minutes}, sku:"));
    let client_side = ["apply", "-f", "-"];
    let before = [(&client_side[..], address(20))];
    let path = "spec.idleTimeoutInMinutes";
    assert_eq!(agreed(&space, &before, &["--field-manager", "kubectl"], &address(30)), accepted(&[path]));
    assert_eq!(agreed(&space, &[], &["--field-manager", "team"], &address(30)), refused(&[path, path]));
}

#[test]
fn who_may_not_patch_is_told_what_the_dry_run_needs() {
    let space = Space::empty();
    let reader = space.own("reader");
    let verbs = ["--verb=list", "--resource=*.vnet.dev,namespaces,controllerrevisions.apps"];
    space.kubectl_ok(&[&["create", "clusterrole", &reader], &verbs[..]].concat(), "");
    let (role, user) = (format!("--clusterrole={reader}"), format!("--user={reader}"));
    space.kubectl_ok(&["create", "clusterrolebinding", &reader, &role, &user], "");
    let folder = tempfile::TempDir::new().expect("a folder");
    let mut config: Value =
        serde_json::from_str(&space.kubectl_ok(&["config", "view", "--raw", "-o", "json"], "")).expect("it is JSON");
    config["users"][0]["user"]["as"] = reader.clone().into();
    let kubeconfig = folder.path().join("kubeconfig.json");
    fs::write(&kubeconfig, config.to_string()).expect("it can be written");
    let manifest = folder.path().join("net.yaml");
    fs::write(&manifest, public_address("p", "Basic")).expect("it can be written");
    let told = poll("the rights are granted", || {
        let mut vnet = std::process::Command::new(env!("CARGO_BIN_EXE_vnet"));
        vnet.args(["plan", "--server-side", "--against", "cluster", "-n", &space.name]).arg(&manifest);
        let told = vnet.env("KUBECONFIG", &kubeconfig).output().expect("it runs");
        (!text(&told.stderr).contains("no right to list")).then_some(told)
    });
    space.kubectl_ok(&["delete", "clusterrole,clusterrolebinding", &reader], "");
    let told = told.expect("they are");
    assert_eq!(told.status.code(), Some(2), "{told:?}");
    let stderr = text(&told.stderr);
    assert!(stderr.contains("needs the verbs patch and create on publicipaddresses.vnet.dev"), "{stderr}");
}

#[test]
fn a_policy_of_the_cluster_refuses_in_the_plan() {
    let space = Space::empty();
    let name = space.own("policy");
    let policy = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name},
        "spec": {
            "matchConstraints": {"resourceRules": [{
                "apiGroups": ["vnet.dev"], "apiVersions": ["*"], "operations": ["CREATE"], "resources": ["publicipaddresses"],
            }]},
            "matchConditions": [{"name": "here", "expression": format!("request.namespace == '{}'", space.name)}],
            "validations": [{"expression": "false", "message": "no public addresses here"}],
        },
    });
    let binding = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name}, "spec": {"policyName": name, "validationActions": ["Deny"]},
    });
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [policy, binding]});
    space.kubectl_ok(&["apply", "-f", "-"], &list.to_string());
    let arguments = ["-", "-n", &space.name, "-o", "json", "--server-side", "--against", "cluster"];
    let refused = poll("the policy is in force", || {
        let output = plan_of_stdin(space.cluster, &arguments, &public_address("p", "Basic"));
        let object = objects(&plan_json(&output)).into_iter().next()?;
        (object["accepted"] == false).then_some((object, output.status.code()))
    });
    space.kubectl_ok(&["delete", "validatingadmissionpolicy,validatingadmissionpolicybinding", &name], "");
    let (object, code) = refused.expect("it is");
    let violation = &object["violations"][0];
    assert_eq!((&violation["rule"], code), (&json!("admission"), Some(1)), "{violation}");
    assert!(violation["message"].as_str().is_some_and(|told| told.contains("no public addresses here")), "{violation}");
}

#[test]
fn what_lies_in_a_namespace_that_the_manifests_create_is_planned_with_a_word_about_it() {
    let space = Space::empty();
    let name = space.own("new");
    let namespace = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n");
    let address = public_address("p", "Basic").replace("name: p", &format!("name: p, namespace: {name}"));
    let arguments = ["-", "-o", "json", "--server-side", "--against", "cluster"];
    let output = plan_of_stdin(space.cluster, &arguments, &format!("{namespace}---\n{address}"));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(text(&output.stderr).contains(&format!("the cluster has no Namespace {name}")), "{output:?}");
    assert_eq!(objects(&plan_json(&output)).len(), 2);
}
