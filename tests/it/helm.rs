//! The chart as Helm renders it: what stands in it, and what the API server says of that. That it installs is in
//! `helm_install`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use regex::Regex;
use serde_json::{Value, json};

use crate::support::cluster::{project, shared};
use crate::support::helm::{CHART, documents, id, object, offline, rendered};
use crate::support::space::{Space, address};

/// Values of which only those of `AS_BY_DEFAULT` are the defaults.
const ALL: [&str; 2] = ["--values", "tests/it/chart/all-values.yaml"];
/// What renders nothing when it is off, which `what_is_not_wanted_is_not_there` tests, and the digest, which hides the tag.
const AS_BY_DEFAULT: [&str; 9] = [
    "admissionPolicies.finalizer",
    "admissionPolicies.revisions",
    "admissionPolicies.status",
    "crds.install",
    "image.digest",
    "podDisruptionBudget.enabled",
    "rbac.aggregate",
    "rbac.create",
    "serviceAccount.create",
];

fn operator(documents: &[Value], name: &str) -> Value {
    object(documents, &format!("Deployment/{name}"))["spec"]["template"]["spec"].clone()
}

/// The variables of the operator's container.
fn variables(documents: &[Value], name: &str) -> BTreeMap<String, Value> {
    let variables = operator(documents, name)["containers"][0]["env"].as_array().cloned().unwrap_or_default();
    let variable =
        |variable: &Value| (variable["name"].as_str().unwrap_or_default().to_owned(), variable["value"].clone());
    variables.iter().map(variable).collect()
}

#[test]
fn lint_finds_nothing() {
    for values in [&[][..], &ALL] {
        let told = offline(&[&["lint", "--strict", CHART], values].concat());
        assert!(told.ok && told.out.contains("0 chart(s) failed"), "{}{}", told.out, told.err);
    }
}

/// The values of a chart, each with its path; what is empty is a value.
fn leaves(value: &Value, path: &str, found: &mut BTreeMap<String, Value>) {
    match value.as_object().filter(|fields| !fields.is_empty()) {
        Some(fields) => fields.iter().for_each(|(key, value)| {
            leaves(value, format!("{path}.{key}").trim_start_matches('.'), found);
        }),
        None => _ = found.insert(path.to_owned(), value.clone()),
    }
}

#[test]
fn the_test_of_all_values_changes_each_of_them_but_those_that_are_named() {
    let read = |path: &str| -> Value {
        serde_saphyr::from_str(&std::fs::read_to_string(project().join(path)).unwrap()).unwrap()
    };
    let (defaults, all) = (read(&format!("{CHART}/values.yaml")), read("tests/it/chart/all-values.yaml"));
    let mut of_the_chart = BTreeMap::new();
    leaves(&defaults, "", &mut of_the_chart);
    let is_as_before = |(path, default): &(&String, &Value)| {
        let changed = all.pointer(&format!("/{}", path.replace('.', "/")));
        changed.is_none_or(|changed| changed == *default)
    };
    let same = of_the_chart.iter().filter(is_as_before).map(|(path, _)| path.as_str());
    assert_eq!(same.collect::<Vec<_>>(), AS_BY_DEFAULT);
}

#[test]
fn every_flag_of_the_operator_is_a_value_and_the_operator_takes_the_values() {
    let help = Command::new(env!("CARGO_BIN_EXE_vnet")).args(["run", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let env = Regex::new(r"\[env: ([A-Z_]+)=").unwrap();
    let flags: BTreeSet<&str> = env.captures_iter(&help).map(|found| found.get(1).unwrap().as_str()).collect();
    for (values, name) in [(&[][..], "vnet-operator"), (&ALL, "fabric")] {
        let mut variables = variables(&documents(&rendered(values)), name);
        assert!(variables.remove("RUST_LOG").is_some());
        variables.remove("HTTPS_PROXY");
        assert_eq!(variables.keys().map(String::as_str).collect::<BTreeSet<_>>(), flags);
        assert_eq!(variables.remove("POD_NAMESPACE"), Some(Value::Null), "it is the pod's own namespace");
        let mut run = Command::new(env!("CARGO_BIN_EXE_vnet"));
        run.arg("run").env("KUBECONFIG", "/nowhere/kubeconfig");
        for (name, value) in &variables {
            run.env(name, value.as_str().unwrap_or_else(|| panic!("{name} is no text")));
        }
        let told = run.output().unwrap();
        let told = String::from_utf8(told.stderr).unwrap();
        assert!(told.starts_with("Error: no cluster"), "{told}");
    }
}

#[test]
fn values_that_are_unknown_or_of_another_type_are_refused() {
    for (value, says) in [
        ("config.nonsense=1", "nonsense"),
        ("nonsense=1", "nonsense"),
        ("config.enforceQuotas=perhaps", "enforceQuotas"),
        ("config.logFormat=xml", "logFormat"),
        ("replicas=-1", "replicas"),
        ("config.leaderElect=false", "more than one needs config.leaderElect"),
        ("image.digest=latest", "digest"),
        ("metrics.port=0", "port"),
        ("metrics.serviceMonitor.enabled=true", "metrics.serviceMonitor.enabled needs metrics.enabled"),
        ("metrics.prometheusRule.enabled=true", "metrics.prometheusRule.enabled needs metrics.enabled"),
        ("config.vmStart=soon", "vmStart"),
        ("config.leaseDuration=15 parsecs", "leaseDuration"),
        ("config.requestTimeout=-1s", "requestTimeout"),
        ("config.watchTimeout=m", "watchTimeout"),
        ("config.healthAddr=0.0.0.0", "healthAddr"),
        ("config.healthAddr=:8081", "healthAddr"),
        ("config.healthAddr=[::]", "healthAddr"),
        ("config.healthAddr=0.0.0.0:0", "healthAddr"),
        ("config.publicIpPool=198.18.0.0", "publicIpPool"),
        ("config.publicIpPool=2001:db8::/32", "publicIpPool"),
    ] {
        let told = offline(&["template", "vnet", CHART, "--set", value]);
        assert!(!told.ok && told.err.contains(says), "{value}: {}", told.err);
    }
}

#[test]
fn durations_and_addresses_that_the_operator_takes_are_taken() {
    for value in [
        "config.vmStart=1m 30s",
        "config.vmStart=500ms",
        "config.watchTimeout=2min",
        "config.leaseDuration=20 seconds",
        "config.healthAddr=127.0.0.1:80",
        "config.healthAddr=[fd00::1]:8081",
        "config.publicIpPool=10.0.0.0/8",
    ] {
        let told = offline(&["template", "vnet", CHART, "--set", value]);
        assert!(told.ok, "{value}: {}", told.err);
    }
}

/// OpenShift's restricted-v2 refuses users and groups outside of the range of the namespace.
#[test]
fn the_user_of_the_pods_is_left_to_the_image_and_the_cluster() {
    let documents = documents(&rendered(&[]));
    for pod in [&operator(&documents, "vnet-operator"), &object(&documents, "Pod/vnet-operator-test")["spec"]] {
        let expected = json!({"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}});
        assert_eq!(pod["securityContext"], expected);
        assert_eq!(pod["containers"][0]["securityContext"]["runAsUser"], Value::Null);
    }
}

#[test]
fn all_values_stand_where_they_belong() {
    let documents = documents(&rendered(&ALL));
    let pod = operator(&documents, "fabric");
    let container = &pod["containers"][0];
    assert_eq!(container["image"], "registry.example/vnet:9");
    assert_eq!(container["ports"], json!([{"name": "health", "containerPort": 9081}]));
    let metrics = &object(&documents, "Service/fabric-metrics")["spec"]["ports"][0];
    assert_eq!(*metrics, json!({"name": "metrics", "port": 9090, "targetPort": "health"}));
    let spread = &pod["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"];
    assert_eq!(*spread, json!({"app.kubernetes.io/name": "vnet-operator", "app.kubernetes.io/instance": "vnet"}));
    assert_eq!(pod["serviceAccountName"], "fabric");
    assert_eq!(pod["priorityClassName"], "system-cluster-critical");
    for part in ["affinity", "tolerations", "nodeSelector", "imagePullSecrets"] {
        assert!(pod[part].is_object() || pod[part].is_array(), "{part}: {pod}");
        assert_eq!(object(&documents, "Pod/fabric-test")["spec"][part], pod[part], "{part}");
    }
    assert_eq!(object(&documents, "PodDisruptionBudget/fabric")["spec"]["maxUnavailable"], "50%");
    assert_eq!(object(&documents, "ServiceMonitor/fabric")["metadata"]["labels"]["release"], "prometheus");
    let alerts = object(&documents, "PrometheusRule/fabric");
    assert_eq!(alerts["metadata"]["labels"]["release"], "prometheus");
    let file = |name: &str| std::fs::read_to_string(format!("{CHART}/files/{name}")).unwrap();
    let of_the_file: Value = serde_saphyr::from_str(&file("alerts.yaml")).unwrap();
    assert_eq!(alerts["spec"], of_the_file, "templates of Prometheus are left as they are");
    let dashboard = object(&documents, "ConfigMap/fabric-dashboard");
    assert_eq!(dashboard["metadata"]["labels"]["grafana"], "board");
    let dashboard: Value = serde_json::from_str(dashboard["data"]["vnet-operator.json"].as_str().unwrap()).unwrap();
    let of_the_file: Value = serde_json::from_str(&file("dashboard.json")).unwrap();
    assert_eq!(dashboard, of_the_file);
    let policy = object(&documents, "ValidatingAdmissionPolicy/status.vnet.dev").to_string();
    assert!(policy.contains("system:serviceaccount:vnet-system:fabric"), "{policy}");
    for document in documents.iter().filter(|document| document["kind"] != "Pod") {
        assert_eq!(document["metadata"]["labels"]["example.com/all"], "yes", "{}", id(document));
    }
    let digest = format!("image.digest=sha256:{}", "0".repeat(64));
    let by_digest = operator(&crate::helm::documents(&rendered(&["--set", &digest])), "vnet-operator");
    assert!(by_digest["containers"][0]["image"].as_str().unwrap().contains("/vnet-operator@sha256:000"));
}

#[test]
fn what_is_not_wanted_is_not_there() {
    let off = [
        ("crds.install=false", "CustomResourceDefinition/subnets.vnet.dev"),
        ("admissionPolicies.finalizer=false", "MutatingAdmissionPolicy/finalizer.vnet.dev"),
        ("admissionPolicies.status=false", "ValidatingAdmissionPolicy/status.vnet.dev"),
        ("admissionPolicies.revisions=false", "ValidatingAdmissionPolicy/operator.vnet.dev"),
        ("serviceAccount.create=false", "ServiceAccount/vnet-operator"),
        ("rbac.create=false", "ClusterRole/vnet-operator"),
        ("rbac.aggregate=false", "ClusterRole/vnet-operator-view"),
        ("podDisruptionBudget.enabled=false", "PodDisruptionBudget/vnet-operator"),
    ];
    let has = |arguments: &[&str], wanted: &str| {
        documents(&rendered(arguments)).iter().any(|document| id(document) == wanted)
    };
    for (value, wanted) in off {
        assert!(has(&[], wanted) && !has(&["--set", value], wanted), "{value}");
    }
    let keeps = |value: &str| {
        let all = documents(&rendered(&["--set", value]));
        object(&all, "CustomResourceDefinition/subnets.vnet.dev")["metadata"]["annotations"]["helm.sh/resource-policy"]
            .clone()
    };
    assert_eq!((keeps("crds.keep=true"), keeps("crds.keep=false")), (json!("keep"), Value::Null));
}

#[test]
fn an_older_server_gets_no_policy_that_it_does_not_know() {
    let policies = |version: &str| {
        let all = documents(&rendered(&["--kube-version", version]));
        let policies =
            all.iter().filter(|document| document["kind"].as_str().is_some_and(|kind| kind.ends_with("Policy")));
        policies.map(id).collect::<BTreeSet<_>>()
    };
    let checks = ["ValidatingAdmissionPolicy/operator.vnet.dev", "ValidatingAdmissionPolicy/status.vnet.dev"];
    assert_eq!(policies("1.35.0"), BTreeSet::from(checks.map(str::to_owned)));
    let added = "MutatingAdmissionPolicy/finalizer.vnet.dev".to_owned();
    assert_eq!(policies("1.36.0"), BTreeSet::from(checks.map(str::to_owned)).into_iter().chain([added]).collect());
    let told = offline(&["template", "vnet", CHART, "--kube-version", "1.30.0"]);
    assert!(!told.ok && told.err.contains("incompatible with Kubernetes v1.30.0"), "{}", told.err);
}

#[test]
fn the_definitions_come_through_as_they_are_committed() {
    let rendered = documents(&rendered(&[]));
    for file in std::fs::read_dir(project().join("crds")).unwrap().flatten() {
        for committed in documents(&std::fs::read_to_string(file.path()).unwrap()) {
            let through = object(&rendered, &id(&committed));
            assert_eq!(through["spec"], committed["spec"], "{}", id(&committed));
        }
    }
}

#[test]
fn install_yaml_is_what_the_chart_renders_to() {
    let committed = documents(&std::fs::read_to_string(project().join("install.yaml")).unwrap());
    let [namespace, committed @ ..] = committed.as_slice() else { panic!("install.yaml is empty") };
    assert_eq!(id(namespace), "Namespace/vnet-system");
    let rendered = documents(&rendered(&["--no-hooks"]));
    assert_eq!(committed.iter().map(id).collect::<Vec<_>>(), rendered.iter().map(id).collect::<Vec<_>>());
    for (committed, rendered) in committed.iter().zip(&rendered) {
        assert!(committed == rendered, "{} differs: run `make install.yaml`", id(rendered));
    }
}

#[test]
fn the_chart_is_of_the_version_of_the_program() {
    let chart = std::fs::read_to_string(project().join(CHART).join("Chart.yaml")).unwrap();
    let chart: Value = serde_saphyr::from_str(&chart).unwrap();
    assert_eq!(chart["appVersion"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn the_first_network_of_the_notes_gets_an_address() {
    let install = ["install", "vnet", CHART, "--dry-run=client", "--namespace", "vnet-system"];
    let told = offline(&install);
    assert!(told.ok, "{}", told.err);
    let (_, notes) = told.out.split_once("\nNOTES:\n").unwrap();
    let manifest = notes.split_once("<<END\n").and_then(|(_, rest)| rest.split_once("  END\n")).unwrap().0;
    let space = Space::empty();
    space.apply(
        &manifest.lines().map(|line| line.strip_prefix("  ").unwrap_or(line).to_owned() + "\n").collect::<String>(),
    );
    assert_eq!(address(&space.ready("nic/web-1")), "10.0.1.4");
}

/// There is no kubelet, so what the pod of `helm test` runs is run here, with the rights that it has.
#[test]
fn the_test_of_the_chart_succeeds_with_the_rights_of_the_operator() {
    let documents = documents(&rendered(&[]));
    let map = object(&documents, "ConfigMap/vnet-operator-test");
    let pod = object(&documents, "Pod/vnet-operator-test");
    for hook in [map, pod] {
        assert_eq!(hook["metadata"]["annotations"]["helm.sh/hook"], "test");
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("network.yaml"), map["data"]["network.yaml"].as_str().unwrap()).unwrap();
    let arguments = pod["spec"]["containers"][0]["args"].as_array().unwrap().iter();
    let here = folder.path().to_str().unwrap();
    let arguments = arguments.map(|argument| argument.as_str().unwrap().replace("/manifests", here));
    let mut plan = Command::new(env!("CARGO_BIN_EXE_vnet"));
    plan.args(arguments).env("KUBECONFIG", shared().operator_kubeconfig());
    let told = plan.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&told.stdout), String::from_utf8_lossy(&told.stderr));
    assert!(told.status.success() && out.contains("1 to create"), "{out}{err}");
}
