//! The operator as a process: its endpoints, its end, and its words when there is no cluster.

use std::io::Read;
use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

use crate::support::cluster::{poll, shared};
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
    let why = "Lease vnet-system/vnet-operator cannot be read or written: ";
    let ready = poll("it says why", || operator.get("/readyz").filter(|answer| answer.contains(why))).unwrap();
    assert!(ready.starts_with("HTTP/1.1 503"), "{ready}");
    let status = operator.end("-TERM");
    assert!(ended_well(status), "{status}");
}

/// Enough requests that the Lease could not be read several times.
const SOME_TRIES: usize = 8;
/// It is tried again after less than half a second.
const SOON: [&str; 2] = ["--lease-duration", "3s"];

/// A port at which every request is left without an answer, the connection closed, and how many there have been.
fn unanswering_port() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, count) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&count);
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let _ = connection.and_then(|mut connection| connection.read(&mut [0; 8192])); // closed unread it would be reset
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    (port, count)
}

#[test]
fn an_operator_without_an_api_server_says_so_in_few_words() {
    let folder = TempDir::new().unwrap();
    let (port, requests) = unanswering_port();
    let server = format!("http://127.0.0.1:{port}");
    let (kubeconfig, log) = (folder.path().join("kubeconfig"), folder.path().join("log"));
    std::fs::write(&kubeconfig, NO_CLUSTER.replace("http://127.0.0.1:9", &server)).unwrap();
    let operator = Operator::spawn(&kubeconfig, &SOON, std::fs::File::create(&log).unwrap()).unwrap();
    let enough = || (requests.load(Ordering::Relaxed) >= SOME_TRIES).then_some(());
    poll("some tries have failed", enough).unwrap();
    operator.end("-TERM");
    let log = std::fs::read_to_string(&log).unwrap();
    let failures: Vec<&str> = log.lines().filter(|line| line.contains(" WARN ")).collect();
    let [of_the_server, of_the_lease] = failures[..] else { panic!("{log}") };
    let (of_the_server, of_the_lease) =
        if of_the_server.contains("make up") { (of_the_server, of_the_lease) } else { (of_the_lease, of_the_server) };
    assert!(of_the_server.contains(&server), "{log}");
    assert!(of_the_lease.contains("cannot read or write the Lease; retrying"), "{log}");
    assert!(log.lines().count() <= 5, "{log}");
}

#[test]
fn without_a_cluster_the_operator_says_how_to_name_one() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vnet"));
    command.args(["run", "--health-addr", "127.0.0.1:0"]).env("KUBECONFIG", "/nowhere/kubeconfig");
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("set KUBECONFIG") && said.contains("make up"), "{said}");
}
