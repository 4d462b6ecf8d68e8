//! The operator as a process: its endpoints, its end, and its words when there is no cluster.

use std::process::Command;

use tempfile::TempDir;

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
