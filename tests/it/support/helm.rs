//! Helm, the real one, and what it makes of the chart.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::support::cluster::{Cluster, Told, poll, project};

/// The chart, below the project's folder.
pub const CHART: &str = "charts/vnet-operator";
/// Where the chart is installed.
pub const IN_ITS_NAMESPACE: [&str; 3] = ["--namespace", "vnet-system", "--create-namespace"];

static BARE: LazyLock<anyhow::Result<Mutex<Cluster>>> = LazyLock::new(|| Cluster::bare("helm").map(Mutex::new));

/// A control plane on which only tests of the chart install anything; one test at a time has it.
pub fn bare() -> MutexGuard<'static, Cluster> {
    let cluster = BARE.as_ref().unwrap_or_else(|error| panic!("no cluster: {error:#}"));
    cluster.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes the chart and the definitions.
pub fn empty(cluster: &Cluster) {
    cluster.helm(&["uninstall", "vnet", "--namespace", "vnet-system"]);
    // Without an operator nobody else takes the finalizer off; on what is not being deleted the policy would bring it again.
    let hub = ["vnet/hub", "-n", "default"];
    cluster.kubectl(&[&["delete", "--wait=false"], &hub[..]].concat(), "");
    let patch = ["patch", "--type=merge", "--patch", r#"{"metadata": {"finalizers": null}}"#];
    cluster.kubectl(&[&patch[..], &hub].concat(), "");
    if !cluster.kubectl(&["get", "crd", "-o", "name"], "").out.is_empty() {
        serves_the_kinds(cluster);
    }
    let policies = "mutatingadmissionpolicies,mutatingadmissionpolicybindings";
    for all in [["crd", "--all", "--timeout=300s"], [policies, "--all", "--timeout=60s"]] {
        let told = cluster.kubectl(&[&["delete"], &all[..]].concat(), "");
        assert!(told.ok, "{}", told.err);
    }
}

/// Waits until the API server lists every kind. A definition that is deleted before may take minutes to go.
pub fn serves_the_kinds(cluster: &Cluster) {
    let lists = || cluster.kubectl(&["get", "azure", "-A"], "").ok.then_some(());
    poll("every kind is listed", lists).unwrap_or_else(|error| panic!("{error}"));
}

impl Cluster {
    /// Runs Helm on this cluster.
    pub fn helm(&self, arguments: &[&str]) -> Told {
        self.run(&mut command(self.folder(), arguments), "")
    }

    /// Runs Helm, which succeeds; returns what it prints.
    pub fn helm_ok(&self, arguments: &[&str]) -> String {
        let told = self.helm(arguments);
        assert!(told.ok, "helm {arguments:?}: {}{}", told.err, told.out);
        told.out
    }
}

/// Where Helm is.
pub fn program() -> PathBuf {
    let path = std::env::var_os("VNET_HELM").map(PathBuf::from);
    path.expect(
        "VNET_HELM is not set, so there is no Helm to test with: run `make test`, or VNET_HELM=$(tools/binaries helm)",
    )
}

fn command(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.args(arguments).current_dir(project());
    for folder in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"] {
        command.env(folder, home.join("helm"));
    }
    command
}

/// What Helm says without a cluster.
pub fn offline(arguments: &[&str]) -> Told {
    let home = tempfile::tempdir().expect("a folder");
    let output = command(home.path(), arguments).env("KUBECONFIG", "/dev/null").output().expect("Helm starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Told { ok: output.status.success(), out: text(&output.stdout), err: text(&output.stderr) }
}

/// The manifest that the chart renders to, with these arguments besides.
pub fn rendered(arguments: &[&str]) -> String {
    let told = offline(&[&["template", "vnet", CHART, "--namespace", "vnet-system"], arguments].concat());
    assert!(told.ok, "helm template {arguments:?}: {}", told.err);
    told.out
}

/// The documents of a manifest.
pub fn documents(manifest: &str) -> Vec<Value> {
    let all: Vec<Value> = serde_saphyr::from_multiple(manifest).unwrap_or_else(|error| panic!("{error}\n{manifest}"));
    all.into_iter().filter(|document| !document.is_null()).collect()
}

/// `Kind/name` of an object.
pub fn id(document: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    format!("{}/{}", text(&document["kind"]), text(&document["metadata"]["name"]))
}

/// The object of this id.
pub fn object<'a>(documents: &'a [Value], wanted: &str) -> &'a Value {
    let found = documents.iter().find(|document| id(document) == wanted);
    found.unwrap_or_else(|| panic!("there is no {wanted} in {:?}", documents.iter().map(id).collect::<Vec<_>>()))
}
