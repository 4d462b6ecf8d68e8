//! The chart on a real API server: installed, upgraded, taken over, uninstalled. Nothing waits for pods: there is no kubelet.

use serde_json::{Value, json};

use crate::support::cluster::{Cluster, poll, project};
use crate::support::helm::{CHART, IN_ITS_NAMESPACE, bare, documents, empty, id, object, rendered, serves_the_kinds};
use crate::support::manifests::network;

/// What the first chart rendered to.
const FIRST: &str = "tests/it/chart/first.yaml";

fn install(cluster: &Cluster, chart: &str, more: &[&str]) {
    cluster.helm_ok(&[&["install", "vnet", chart], &IN_ITS_NAMESPACE[..], more].concat());
}

fn upgrade(cluster: &Cluster, more: &[&str]) {
    cluster.helm_ok(&[&["upgrade", "vnet", CHART, "--namespace", "vnet-system"], more].concat());
}

/// Those objects of a manifest that the API server has, as it has them.
fn there(cluster: &Cluster, documents: &[Value]) -> Vec<Value> {
    let manifest: String = documents.iter().map(|document| format!("---\n{document}\n")).collect();
    let told = cluster.kubectl(&["get", "-f", "-", "-o", "json", "--ignore-not-found"], &manifest);
    assert!(told.ok, "{}", told.err);
    let found: Value = serde_json::from_str(&told.out).unwrap_or_default();
    found["items"].as_array().cloned().unwrap_or_default()
}

fn ids(documents: &[Value]) -> Vec<String> {
    documents.iter().map(id).collect()
}

fn definitions(documents: &[Value]) -> Vec<Value> {
    documents.iter().filter(|document| document["kind"] == "CustomResourceDefinition").cloned().collect()
}

/// A chart that renders to this manifest.
fn chart_of(manifest: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("templates")).unwrap();
    let chart = "{apiVersion: v2, name: vnet-operator, version: 0.0.1}";
    std::fs::write(folder.path().join("Chart.yaml"), chart).unwrap();
    std::fs::write(folder.path().join("all.yaml"), manifest).unwrap();
    std::fs::write(folder.path().join("templates/all.yaml"), "{{ .Files.Get \"all.yaml\" }}").unwrap();
    folder
}

#[test]
fn an_installation_is_upgraded_from_the_first_chart_and_leaves_the_definitions_behind() {
    let cluster = bare();
    empty(&cluster);
    let first = chart_of(&std::fs::read_to_string(project().join(FIRST)).unwrap());
    install(&cluster, first.path().to_str().unwrap(), &[]);
    let documents = documents(&rendered(&["--no-hooks"]));
    upgrade(&cluster, &[]);
    assert_eq!(ids(&there(&cluster, &documents)), ids(&documents));
    let made = poll("the definitions act", || {
        cluster.kubectl(&["apply", "-n", "default", "-f", "-"], &network("hub", "10.0.0.0/16")).ok.then_some(())
    });
    made.unwrap();
    cluster.helm_ok(&["uninstall", "vnet", "--namespace", "vnet-system"]);
    assert_eq!(ids(&there(&cluster, &documents)), ids(&definitions(&documents)));
    assert!(cluster.kubectl(&["get", "vnet", "hub", "-n", "default"], "").ok);
    // They are taken up again without a word.
    install(&cluster, CHART, &[]);
    assert_eq!(ids(&there(&cluster, &documents)), ids(&documents));
    let installed = there(&cluster, &documents);
    let policy = object(&installed, "ValidatingAdmissionPolicy/operator.vnet.dev");
    let warnings = &policy["status"]["typeChecking"]["expressionWarnings"];
    assert_eq!(*warnings, Value::Null, "the API server finds fault with the policy");
}

/// The way in which the API server replaces the pods of the operator.
fn strategy(cluster: &Cluster) -> Value {
    let told = cluster.kubectl(&["get", "deployment", "vnet-operator", "-n", "vnet-system", "-o", "json"], "");
    assert!(told.ok, "{}", told.err);
    let deployment: Value = serde_json::from_str(&told.out).unwrap();
    deployment["spec"]["strategy"].clone()
}

#[test]
fn leader_election_is_turned_off_and_on_again_by_an_upgrade() {
    let cluster = bare();
    empty(&cluster);
    let rolling = json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}});
    for way in ["--server-side=true", "--server-side=false"] {
        install(&cluster, CHART, &[way]);
        assert_eq!(strategy(&cluster), rolling, "{way}");
        upgrade(&cluster, &["--set", "replicas=1,config.leaderElect=false"]);
        assert_eq!(strategy(&cluster), json!({"type": "Recreate"}), "{way}");
        upgrade(&cluster, &["--reset-values"]);
        assert_eq!(strategy(&cluster), rolling, "{way}");
        cluster.helm_ok(&["uninstall", "vnet", "--namespace", "vnet-system"]);
    }
}

#[test]
fn definitions_that_are_not_kept_go_with_the_chart() {
    let cluster = bare();
    empty(&cluster);
    install(&cluster, CHART, &[]);
    upgrade(&cluster, &["--set", "crds.keep=false"]);
    serves_the_kinds(&cluster);
    cluster.helm_ok(&["uninstall", "vnet", "--namespace", "vnet-system"]);
    let documents = documents(&rendered(&["--no-hooks"]));
    let gone = cluster.kubectl(&["wait", "--for=delete", "crd", "--all", "--timeout=300s"], "");
    assert!(gone.ok, "{}", gone.err);
    assert_eq!(ids(&there(&cluster, &documents)), [""; 0]);
}

#[test]
fn definitions_that_kubectl_applied_are_taken_over_by_the_chart_if_it_is_told_so() {
    let cluster = bare();
    empty(&cluster);
    // Those of an older version: other words, so that there is something to take over.
    let older = cluster.vnet(&["crds"]).out.replace("The first address range.", "An address range.");
    let applied = cluster.kubectl(&["apply", "--server-side", "-f", "-"], &older);
    assert!(applied.ok, "{}", applied.err);
    let arguments = [&["install", "vnet", CHART], &IN_ITS_NAMESPACE[..]].concat();
    let refused = cluster.helm(&arguments);
    assert!(!refused.ok && refused.err.contains("invalid ownership metadata"), "{}", refused.err);
    cluster.helm(&["uninstall", "vnet", "--namespace", "vnet-system"]);
    install(&cluster, CHART, &["--take-ownership", "--force-conflicts"]);
    let documents = documents(&rendered(&["--no-hooks"]));
    let (rendered, there) = (definitions(&documents), there(&cluster, &definitions(&documents)));
    assert_eq!(ids(&there), ids(&rendered));
    for (there, rendered) in there.iter().zip(&rendered) {
        assert_eq!(there["metadata"]["labels"]["app.kubernetes.io/managed-by"], "Helm", "{}", id(there));
        let columns = "/spec/versions/0/additionalPrinterColumns";
        assert_eq!(there.pointer(columns), rendered.pointer(columns), "{}", id(there));
    }
}

/// The kinds of the Prometheus operator, which this API server has not.
const OF_THE_PROMETHEUS_OPERATOR: [&str; 2] = ["ServiceMonitor", "PrometheusRule"];
const WITHOUT_MONITORING: &str = "metrics.serviceMonitor.enabled=false,metrics.prometheusRule.enabled=false";

/// Fields that the API server does not know, and pods that the restricted Pod Security Standard does not admit, are refused.
#[test]
fn every_object_is_taken_by_a_strict_dry_run_and_the_pods_by_a_restricted_namespace() {
    let cluster = bare();
    empty(&cluster);
    let restricted = "{apiVersion: v1, kind: Namespace, metadata: {name: vnet-system, labels: {pod-security.kubernetes.io/enforce: restricted}}}";
    assert!(cluster.kubectl(&["apply", "--server-side", "--force-conflicts", "-f", "-"], restricted).ok);
    let dry_run = ["apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "-f", "-"];
    let all_values = ["--values", "tests/it/chart/all-values.yaml"];
    for values in [&[][..], &all_values] {
        install(&cluster, CHART, &[values, &["--set", WITHOUT_MONITORING]].concat());
        let documents = documents(&rendered(values));
        for document in documents
            .iter()
            .filter(|document| !OF_THE_PROMETHEUS_OPERATOR.contains(&document["kind"].as_str().unwrap()))
        {
            let told = cluster.kubectl(&dry_run, &document.to_string());
            assert!(told.ok && told.err.is_empty(), "{}: {}", id(document), told.err);
            if document["kind"] == "Deployment" {
                let template = &document["spec"]["template"];
                let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": template["metadata"], "spec": template["spec"]});
                pod["metadata"]["name"] = json!("probe");
                pod["metadata"]["namespace"] = json!("vnet-system");
                let told = cluster.kubectl(&dry_run, &pod.to_string());
                assert!(told.ok, "{}", told.err);
                pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = json!(true);
                let told = cluster.kubectl(&dry_run, &pod.to_string());
                assert!(!told.ok && told.err.contains("violates PodSecurity \"restricted:latest\""), "{}", told.err);
            }
        }
        cluster.helm_ok(&["uninstall", "vnet", "--namespace", "vnet-system"]);
    }
}
