//! examples/, as tests apply it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::cluster::{Cluster, poll, project};
use crate::support::leftovers::is_of_a_test;
use crate::support::space::Space;

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
    pub fn files(&self) -> Vec<String> {
        sources().into_keys().filter(|name| !name.contains("namespace")).collect()
    }

    pub fn apply(&self, space: &Space<'_>, file: &str) {
        space.kubectl_ok(&["apply", "-f", &self.path(file)], "");
    }

    /// Every document of a file.
    pub fn documents(&self, file: &str) -> Vec<String> {
        let text = fs::read_to_string(self.path(file)).expect("it is there");
        text.split("---\n").map(str::to_owned).collect()
    }

    /// `Kind/name` of every object, as the files name them.
    pub fn ids(&self, files: &[String]) -> Vec<String> {
        let id = |document: String| {
            let object: Value = serde_saphyr::from_str(&document).expect("it is YAML");
            let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).expect("an object").to_owned();
            format!("{}/{}", text("/kind"), text("/metadata/name"))
        };
        files.iter().flat_map(|file| self.documents(file)).map(id).collect()
    }

    pub fn everything_is_ready(&self, space: &Space<'_>) {
        self.ids(&self.files()).iter().for_each(|id| drop(space.ready(id)));
    }

    /// Every document of every file but the namespace, as a stream in the opposite order.
    pub fn backwards(&self) -> String {
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

/// Deletes every namespace but the server's and the operator's own, with all that is in it.
pub fn clear(cluster: &Cluster) {
    cluster.clear();
    let namespaces = cluster.kubectl(&["get", "namespaces", "-o", "name"], "").out;
    let is_ours = |line: &&str| line.strip_prefix("namespace/").is_some_and(is_of_a_test);
    let ours: Vec<&str> = namespaces.lines().filter(is_ours).collect();
    if !ours.is_empty() {
        let told = cluster.kubectl(&[&["delete", "--timeout=300s"], ours.as_slice()].concat(), "");
        assert!(told.ok, "{}", told.err);
    }
    // The category is known a moment after the definitions.
    let delete = ["delete", "azure", "--all", "--timeout=60s", "-n", "default"];
    poll("nothing is left in the default namespace", || cluster.kubectl(&delete, "").ok.then_some(())).unwrap();
}
