//! The operator as a process: its endpoints, its end, and its words when there is no cluster.

use std::process::Command;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use vnet_operator::fabric::Kind;

use crate::support::cluster::{alone, poll, shared};
use crate::support::operator::{Operator, ended_well};

/// The kubeconfig of a cluster that does not answer.
const NO_CLUSTER: &str = "{apiVersion: v1, kind: Config, current-context: none, \
                          clusters: [{name: none, cluster: {server: 'http://127.0.0.1:9'}}], \
                          contexts: [{name: none, context: {cluster: none, user: none}}], users: [{name: none}]}";

#[test]
fn the_health_endpoints_answer() {
    for path in ["/healthz", "/readyz"] {
        let answer = shared().health(path).unwrap_or_default();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok"), "{path}: {answer}");
    }
}

#[test]
fn an_operator_that_cannot_list_is_alive_and_not_ready() {
    let folder = TempDir::new().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, NO_CLUSTER).unwrap();
    let log = std::fs::File::create(folder.path().join("log")).unwrap();
    let operator = Operator::spawn(&kubeconfig, &[], log).unwrap();
    let alive = poll("it serves", || operator.get("/healthz")).unwrap();
    assert!(alive.starts_with("HTTP/1.1 200"), "{alive}");
    let ready = operator.get("/readyz").unwrap();
    assert!(ready.starts_with("HTTP/1.1 503") && ready.ends_with("the watches have not listed yet"), "{ready}");
    let status = operator.end("-TERM");
    assert!(ended_well(status), "{status}");
}

/// Long enough for a watch to fail several times.
const SOME_TRIES: Duration = Duration::from_secs(5);

#[test]
fn an_operator_without_an_api_server_says_so_in_few_words() {
    let folder = TempDir::new().unwrap();
    let (kubeconfig, log) = (folder.path().join("kubeconfig"), folder.path().join("log"));
    std::fs::write(&kubeconfig, NO_CLUSTER).unwrap();
    let operator = Operator::spawn(&kubeconfig, &[], std::fs::File::create(&log).unwrap()).unwrap();
    let start = Instant::now();
    poll("some tries have failed", || (start.elapsed() > SOME_TRIES).then_some(())).unwrap();
    operator.end("-TERM");
    let log = std::fs::read_to_string(&log).unwrap();
    let failures: Vec<&str> = log.lines().filter(|line| line.contains("Connection refused")).collect();
    let [of_the_server, of_the_watches] = failures[..] else { panic!("{log}") };
    let (of_the_server, of_the_watches) = if of_the_server.contains("make up") {
        (of_the_server, of_the_watches)
    } else {
        (of_the_watches, of_the_server)
    };
    assert!(of_the_server.contains("http://127.0.0.1:9"), "{log}");
    assert!(of_the_watches.contains("a watch fails, and is begun again until it works"), "{log}");
    assert!(log.lines().count() <= 5, "{log}");
}

#[test]
fn an_operator_without_rights_says_once_for_each_kind_which_it_lacks_and_when_it_has_it() {
    let cluster = alone();
    cluster.stop_operator();
    let folder = TempDir::new().unwrap();
    let (kubeconfig, log) = (folder.path().join("kubeconfig"), folder.path().join("log"));
    let text = std::fs::read_to_string(cluster.kubeconfig()).unwrap();
    let mut nobody: Value = serde_saphyr::from_str(&text).unwrap();
    nobody["users"][0]["user"]["as"] = json!("nobody");
    std::fs::write(&kubeconfig, nobody.to_string()).unwrap();
    let operator = Operator::spawn(&kubeconfig, &[], std::fs::File::create(&log).unwrap()).unwrap();
    let start = Instant::now();
    poll("some tries have failed", || (start.elapsed() > SOME_TRIES).then_some(())).unwrap();
    let told = std::fs::read_to_string(&log).unwrap();
    let of_nics: Vec<&str> = told.lines().filter(|line| line.contains("networkinterfaces")).collect();
    let [of_nics] = of_nics[..] else { panic!("{told}") };
    assert!(of_nics.contains("cannot list resource \"networkinterfaces\" in API group \"vnet.dev\""), "{told}");
    assert!(of_nics.contains("`kubectl auth can-i list networkinterfaces.vnet.dev -A`"), "{told}");
    assert!(!told.contains("Status {"), "{told}");
    assert!(told.lines().count() <= Kind::ALL.len() + 6, "{told}");
    let grant = ["create", "clusterrolebinding", "nobody", "--clusterrole=cluster-admin", "--user=nobody"];
    assert!(cluster.kubectl(&grant, "").ok);
    let ready = poll("the operator is ready", || operator.get("/readyz").filter(|answer| answer.contains(" 200 ")));
    operator.end("-TERM");
    assert!(cluster.kubectl(&["delete", "clusterrolebinding", "nobody"], "").ok);
    let told = std::fs::read_to_string(&log).unwrap();
    ready.unwrap_or_else(|error| panic!("{error}\n{told}"));
    assert!(told.lines().any(|line| line.contains("it works again") && line.contains("networkinterfaces")), "{told}");
}

#[test]
fn a_request_to_end_is_followed_with_success() {
    let cluster = alone();
    let status = cluster.stop_operator();
    assert!(ended_well(status), "{status}\n{}", cluster.log());
}

#[test]
fn without_a_cluster_the_operator_says_how_to_name_one() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vnet"));
    command.args(["run", "--health-addr", "127.0.0.1:0"]).env("KUBECONFIG", "/nowhere/kubeconfig");
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("set KUBECONFIG") && said.contains("make up"), "{said}");
}
