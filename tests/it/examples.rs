//! examples/, applied whole in several orders, and deleted whole.

use std::collections::BTreeSet;
use std::fs;

use kube::core::DynamicObject;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::support::cluster::project;
use crate::support::examples::Examples;
use crate::support::manifests;
use crate::support::space::{Space, address, at};

#[test]
fn the_folder_applied_as_it_is_becomes_ready() {
    let space = Space::empty();
    let examples = Examples::moved_to(&space);
    let everything = examples.path("");
    space.kubectl_ok(&["apply", "-f", &everything], "");
    examples.everything_is_ready(&space);
    assert_eq!(at(&space.get("nic/web-front"), "/ipConfigurations/1/privateIPAddress"), "10.0.1.10");
}

#[test]
fn the_documents_applied_backwards_become_ready() {
    let space = Space::empty();
    let examples = Examples::moved_to(&space);
    space.apply(&examples.backwards());
    examples.everything_is_ready(&space);
}

#[test]
fn one_file_at_a_time_in_any_order_becomes_ready() {
    for seed in 1..=3 {
        let space = Space::empty();
        let examples = Examples::moved_to(&space);
        let mut files = examples.files();
        files.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        println!("seed {seed}: {files:?}");
        for file in files {
            examples.apply(&space, &file);
        }
        examples.everything_is_ready(&space);
    }
}

#[test]
fn kubectl_wait_sees_the_examples_become_ready() {
    let space = Space::empty();
    let examples = Examples::moved_to(&space);
    space.apply(&examples.backwards());
    let ids = examples.ids(&examples.files());
    let mut wait = vec!["wait", "--for=condition=Ready", "--timeout=60s"];
    wait.extend(ids.iter().map(String::as_str));
    let told = space.kubectl_ok(&wait, "");
    assert_eq!(told.lines().count(), ids.len(), "{told}");
}

#[test]
fn kubectl_get_shows_addresses_in_columns() {
    let space = Space::empty();
    let examples = Examples::moved_to(&space);
    space.kubectl_ok(&["apply", "-f", &examples.path("")], "");
    examples.everything_is_ready(&space);
    let running = |pip: &DynamicObject| at(pip, "/ipAddress").is_string();
    let jump = at(&space.wait("pip/jump", "with an address", running), "/ipAddress").as_str().unwrap().to_owned();
    space.wait("nic/jump", "showing its public address", |nic| {
        at(nic, "/ipConfigurations/0/publicIPAddress/ipAddress") == &jump
    });
    let private = address(&space.get("nic/jump")).to_owned();
    let rows = columns(&space.kubectl_ok(&["get", "nic", "-o", "wide"], ""));
    assert_eq!(
        rows[0],
        ["NAME", "PRIVATE-IP", "PUBLIC-IP", "VM", "MAC", "SUBNET", "READY", "REASON", "AGE", "MESSAGE"]
    );
    let row = rows.iter().find(|row| row[0] == "jump").expect("its row");
    assert_eq!(
        (&row[1..4], &row[5..8]),
        (&[private.clone(), jump.clone(), "jump".into()][..], &["web".to_owned(), "True".into(), "Ready".into()][..])
    );
    let rows = columns(&space.kubectl_ok(&["get", "pip"], ""));
    assert_eq!(rows[0], ["NAME", "ADDRESS", "SKU", "USED-BY", "READY", "REASON", "AGE"]);
    let row = rows.iter().find(|row| row[0] == "jump").expect("its row");
    assert_eq!(row[1..6], [jump, "Basic".into(), "jump".into(), "True".into(), "Ready".into()]);
    let rows = columns(&space.kubectl_ok(&["get", "vm"], ""));
    assert_eq!(rows[0], ["NAME", "SIZE", "POWER", "PRIVATE-IP", "READY", "REASON", "AGE"]);
    let row = rows.iter().find(|row| row[0] == "jump").expect("its row");
    assert_eq!(row[1..6], ["Standard_B2s".into(), "Running".into(), private, "True".into(), "Ready".to_owned()]);
}

#[test]
fn the_category_of_all_kinds_lists_every_kind() {
    let space = Space::empty();
    let examples = Examples::moved_to(&space);
    space.kubectl_ok(&["apply", "-f", &examples.path("")], "");
    examples.everything_is_ready(&space);
    let made_by_no_set = "!vnet.dev/scale-set";
    let listed = space.kubectl_ok(&["get", "azure", "-l", made_by_no_set, "-o", "name"], "");
    let listed: BTreeSet<String> = listed.lines().map(|name| name.replace(".vnet.dev", "")).collect();
    let applied = examples.ids(&examples.files()).into_iter().map(|id| id.to_lowercase());
    assert_eq!(listed, applied.collect());
}

#[test]
fn kubectl_diff_finds_nothing_in_what_is_applied_and_ready() {
    for server_side in ["--server-side=false", "--server-side=true"] {
        let space = Space::empty();
        let examples = Examples::moved_to(&space);
        space.kubectl_ok(&["apply", server_side, "-f", &examples.path("")], "");
        examples.everything_is_ready(&space);
        space.kubectl_ok(&["diff", server_side, "-f", &examples.path("")], "");
    }
}

#[test]
fn the_mistake_among_the_examples_is_explained() {
    let space = Space::with_a_subnet();
    space.apply(&manifests::static_nic("web-front", "web", "10.0.1.10"));
    space.ready("nic/web-front");
    let mistake = fs::read_to_string(project().join("examples/mistake/taken-address.yaml")).expect("it is there");
    space.apply(&mistake.replace("shop", &space.name));
    let refusal = space.refused("nic/late");
    let path = "spec.ipConfigurations[0].privateIPAddress";
    assert_eq!(refusal.told(), [("ADDR-08", "PrivateIPAddressInUse", path)]);
    let described = space.kubectl_ok(&["describe", "nic", "late"], "");
    assert!(described.contains("web-front") && described.contains("Remedy:"), "{described}");
}

/// The cells of a table that kubectl prints; no cell of it has a space.
fn columns(table: &str) -> Vec<Vec<String>> {
    table.lines().map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
}
