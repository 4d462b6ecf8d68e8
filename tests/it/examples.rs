//! examples/, applied whole in several orders, and deleted whole.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use kube::ResourceExt;
use kube::core::DynamicObject;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::cluster::{Cluster, alone, project};
use crate::support::manifests;
use crate::support::space::{Space, address, at};

/// The examples, moved to the namespace of a test; domain name labels follow, for they are unique in a location.
pub struct Examples {
    folder: TempDir,
}

impl Examples {
    /// A copy in which everything is in the namespace of a test.
    pub fn moved_to(space: &Space<'_>) -> Self {
        let folder = TempDir::new().expect("a folder");
        for (name, path) in sources() {
            let text = fs::read_to_string(path).expect("it is there");
            let text = text.replace("shop-", &format!("{}-", space.own("label"))).replace("shop", &space.name);
            fs::write(folder.path().join(name), text).expect("it can be written");
        }
        Self { folder }
    }

    /// The path of a file; of the folder, if it has no name.
    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().expect("it is UTF-8").to_owned()
    }

    /// The names of the files in order, without the namespace.
    fn files(&self) -> Vec<String> {
        sources().into_keys().filter(|name| !name.contains("namespace")).collect()
    }

    fn apply(&self, space: &Space<'_>, file: &str) {
        space.kubectl_ok(&["apply", "-f", &self.path(file)], "");
    }

    /// Every document of a file.
    fn documents(&self, file: &str) -> Vec<String> {
        let text = fs::read_to_string(self.path(file)).expect("it is there");
        text.split("---\n").map(str::to_owned).collect()
    }

    /// `Kind/name` of every object, as the files name them.
    fn ids(&self, files: &[String]) -> Vec<String> {
        let id = |document: String| {
            let object: Value = serde_saphyr::from_str(&document).expect("it is YAML");
            let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).expect("an object").to_owned();
            format!("{}/{}", text("/kind"), text("/metadata/name"))
        };
        files.iter().flat_map(|file| self.documents(file)).map(id).collect()
    }

    fn everything_is_ready(&self, space: &Space<'_>) {
        self.ids(&self.files()).iter().for_each(|id| drop(space.ready(id)));
    }

    /// Every document of every file but the namespace, as a stream in the opposite order.
    fn backwards(&self) -> String {
        let documents: Vec<String> = self.files().iter().flat_map(|file| self.documents(file)).collect();
        documents.into_iter().rev().collect::<Vec<_>>().join("\n---\n")
    }
}

/// The files, in the order in which kubectl applies them: what is referred to comes first.
fn sources() -> BTreeMap<String, PathBuf> {
    let files = fs::read_dir(project().join("examples")).expect("it is there").flatten();
    let files = files.filter(|file| file.path().extension().is_some_and(|extension| extension == "yaml"));
    files.map(|file| (file.file_name().to_string_lossy().into_owned(), file.path())).collect()
}

/// A cluster that holds nothing but the examples; they come one after the other, so that chance decides nothing.
pub fn alone_in(cluster: &Cluster) {
    clear(cluster);
    let space = Space::named(cluster, "shop");
    let kubectl = |arguments: &[&str]| drop(space.kubectl_ok(arguments, ""));
    for path in sources().into_values() {
        let path = path.to_str().expect("it is UTF-8");
        kubectl(&["apply", "-f", path]);
        if !path.contains("namespace") {
            kubectl(&["wait", "--for=condition=Ready", "--timeout=60s", "-f", path]);
        }
    }
    let shows = |object: &str, what: &str| {
        kubectl(&["wait", &format!("--for=jsonpath={what}"), "--timeout=60s", object]);
    };
    shows("pip/jump", "{.status.ipAddress}");
    for (subnet, available) in [("api", 248), ("data", 250), ("web", 247), ("workers", 250)] {
        // Counters are written a little after what they count.
        shows(&format!("subnet/{subnet}"), &format!("{{.status.capacity.available}}={available}"));
    }
}

/// The same with the mistake, as `make demo` leaves it.
pub fn demo(cluster: &Cluster) {
    alone_in(cluster);
    let mistake = project().join("examples/mistake");
    Space::named(cluster, "shop").kubectl_ok(&["apply", "-f", mistake.to_str().expect("it is UTF-8")], "");
}

/// Deletes every namespace but the server's own, with all that is in it.
pub fn clear(cluster: &Cluster) {
    let namespaces = cluster.kubectl(&["get", "namespaces", "-o", "name"], "").out;
    let ours = namespaces.lines().filter(|name| *name != "namespace/default" && !name.starts_with("namespace/kube-"));
    let ours: Vec<&str> = ours.collect();
    if !ours.is_empty() {
        let told = cluster.kubectl(&[&["delete", "--timeout=60s"], ours.as_slice()].concat(), "");
        assert!(told.ok, "{}", told.err);
    }
    let told = cluster.kubectl(&["delete", "azure", "--all", "--timeout=60s", "-n", "default"], "");
    assert!(told.ok, "{}", told.err);
}

/// Every address that is shown anywhere.
fn addresses(space: &Space<'_>) -> BTreeMap<String, String> {
    let shown = ["/ipConfigurations/0/privateIPAddress", "/ipConfigurations/1/privateIPAddress", "/ipAddress"];
    let addresses = |object: &DynamicObject| shown.map(|field| at(object, field).to_string()).join(" ");
    let name = |object: &DynamicObject| format!("{:?} {}", object.types, object.name_any());
    space.all().iter().map(|object| (name(object), addresses(object))).collect()
}

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
    assert_eq!(rows[0], ["NAME", "PRIVATE-IP", "PUBLIC-IP", "VM", "MAC", "SUBNET", "READY", "REASON", "AGE"]);
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
fn kubectl_get_azure_lists_every_kind() {
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
fn deleted_at_once_in_any_order_nothing_is_left_and_the_same_tree_gets_the_same_addresses() {
    let cluster = alone(); // the public pool is everybody's
    let space = Space::on(&cluster);
    let examples = Examples::moved_to(&space);
    let first = apply_in_order(&space, &examples);
    let forwards: Vec<String> = examples.files().into_iter().map(|file| examples.path(&file)).collect();
    delete(&space, &forwards);
    assert_eq!(apply_in_order(&space, &examples), first);
    let backwards: Vec<String> = forwards.iter().rev().cloned().collect();
    delete(&space, &backwards);
    assert_eq!(apply_in_order(&space, &examples), first);
    space.kubectl_ok(&["delete", "namespace", &space.name, "--timeout=60s"], "");
    assert_eq!(space.all().len(), 0);
    space.create();
    assert_eq!(apply_in_order(&space, &examples), first);
}

/// One object after the other, so that chance does not decide who comes first.
fn apply_in_order(space: &Space<'_>, examples: &Examples) -> BTreeMap<String, String> {
    for file in examples.files() {
        for document in examples.documents(&file) {
            space.apply(&document);
        }
        examples.ids(&[file]).iter().for_each(|id| drop(space.ready(id)));
    }
    space.wait("pip/jump", "with an address", |pip| at(pip, "/ipAddress").is_string());
    addresses(space)
}

fn delete(space: &Space<'_>, files: &[String]) {
    let mut arguments = vec!["delete", "--timeout=60s"];
    arguments.extend(files.iter().flat_map(|file| ["-f", file]));
    space.kubectl_ok(&arguments, "");
    assert_eq!(space.all().len(), 0);
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
