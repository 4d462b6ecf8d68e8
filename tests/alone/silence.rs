//! An API server, or what stands before it, that accepts connections and sends nothing.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;

use tempfile::TempDir;
use vnet_operator::fabric::Kind;

use crate::proxy::{self, Proxy};
use crate::support::cluster::{alone, poll};
use crate::support::manifests::nic;
use crate::support::operator::{Operator, ended_well};
use crate::support::space::Space;

/// A watch lasts 2 seconds, and has received something after 3.
const SHORT: [&str; 4] = ["--request-timeout", "1s", "--watch-timeout", "2s"];
/// A read of the Lease has a second.
const SHORT_LEASE: [&str; 2] = ["--lease-duration", "3s"];

fn is_about_nics(path: &str) -> bool {
    path.split('/').any(|part| part == "networkinterfaces")
}

fn is_not_about_leases(path: &str) -> bool {
    path.split('/').all(|part| part != "leases")
}

/// Where an operator beside the cluster's own has its kubeconfig and its log.
struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    fn operator(&self, flags: &[&str]) -> Operator {
        Operator::spawn(&self.kubeconfig(), flags, File::create(self.folder.path().join("log")).unwrap()).unwrap()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}

fn ready(operator: &Operator) -> Option<String> {
    operator.get("/readyz")
}

/// A peer that accepts every connection and reads and writes nothing.
fn a_silent_peer() -> (u16, std::thread::JoinHandle<Vec<TcpStream>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (port, std::thread::spawn(move || listener.incoming().flatten().collect()))
}

#[test]
fn a_peer_that_accepts_and_stays_silent_is_reported_once_and_asked_again() {
    let files = Files::new();
    let (port, _connections) = a_silent_peer();
    proxy::write_kubeconfig(&files.kubeconfig(), port);
    let operator = files.operator(&SHORT_LEASE);
    let why = "Lease vnet-system/vnet-operator cannot be read or written: no answer within 1s";
    let readyz = poll("the Lease is not read", || ready(&operator).filter(|answer| answer.contains(why)));
    let readyz = readyz.unwrap_or_else(|error| panic!("{error}\n{}", files.log()));
    let ended = operator.end("-TERM");
    assert!(readyz.starts_with("HTTP/1.1 503"), "{readyz}");
    assert!(ended_well(ended), "{ended}");
    let log = files.log();
    assert_eq!(log.lines().filter(|line| line.contains("cannot read or write the Lease")).count(), 1, "{log}");
}

#[test]
fn watches_that_are_all_silent_are_reported_once_and_begun_again() {
    let (cluster, files) = (alone(), Files::new());
    cluster.stop_operator();
    let proxy = Proxy::start(cluster.client(), is_not_about_leases);
    proxy.silent(true);
    proxy.write_kubeconfig(&files.kubeconfig());
    let operator = files.operator(&SHORT);
    let all = Kind::ALL.len() + 2;
    let all_are_silent = |answer: &String| answer.matches("has received nothing for").count() == all;
    let readyz = poll("every watch is silent", || ready(&operator).filter(all_are_silent));
    let readyz = readyz.unwrap_or_else(|error| panic!("{error}\n{}", files.log()));
    let ended = operator.end("-TERM");
    assert!(readyz.starts_with("HTTP/1.1 503"), "{readyz}");
    for watch in ["namespaces", "networkinterfaces.vnet.dev", "controllerrevisions.apps"] {
        let line = |line: &str| line.starts_with(&format!("the watch of {watch} has received nothing for "));
        assert!(readyz.lines().any(line), "{watch}: {readyz}");
    }
    assert!(ended_well(ended), "{ended}");
    let log = files.log();
    let is_of_a_watch =
        |line: &&str| line.contains("watch failed; retrying") && line.contains("has sent nothing for 1s");
    assert_eq!(log.lines().filter(is_of_a_watch).count(), 1, "{log}");
}

#[test]
fn a_list_without_an_answer_holds_the_start_up_only_until_it_is_answered() {
    let (cluster, files) = (alone(), Files::new());
    cluster.stop_operator();
    let proxy = Proxy::start(cluster.client(), is_about_nics);
    proxy.silent(true);
    proxy.write_kubeconfig(&files.kubeconfig());
    let operator = files.operator(&SHORT);
    let only_nics = "\r\n\r\nthe watches have not listed yet: networkinterfaces.vnet.dev\n";
    let waits = |answer: &String| answer.contains(only_nics) && answer.contains("has received nothing");
    let waiting = poll("only one kind is missing", || ready(&operator).filter(waits));
    proxy.silent(false);
    let started = poll("it is ready", || ready(&operator).filter(|answer| answer.starts_with("HTTP/1.1 200")));
    operator.end("-TERM");
    let log = files.log();
    waiting.unwrap_or_else(|error| panic!("{error}\n{log}"));
    started.unwrap_or_else(|error| panic!("{error}\n{log}"));
    assert!(
        log.lines()
            .any(|line| line.contains("has sent nothing for 1s") && line.contains("watch=networkinterfaces.vnet.dev")),
        "{log}"
    );
}

#[test]
fn a_watch_that_falls_silent_is_named_and_is_started_again() {
    let (cluster, files) = (alone(), Files::new());
    cluster.stop_operator();
    let space = Space::on(&cluster);
    let proxy = Proxy::start(cluster.client(), is_about_nics);
    proxy.write_kubeconfig(&files.kubeconfig());
    let operator = files.operator(&SHORT);
    let is_ready = || ready(&operator).filter(|answer| answer.starts_with("HTTP/1.1 200"));
    poll("it is ready", is_ready).unwrap_or_else(|error| panic!("{error}\n{}", files.log()));
    let space = space.and_a_subnet();
    proxy.silent(true);
    space.apply(&nic("unseen", "web"));
    let named = |answer: &String| answer.contains("the watch of networkinterfaces.vnet.dev has received nothing for ");
    let silent = poll("the silent watch is named", || ready(&operator).filter(named)).unwrap();
    assert!(silent.starts_with("HTTP/1.1 503"), "{silent}");
    assert_eq!(silent.matches("the watch of").count(), 1, "the other kinds are watched: {silent}");
    let is_it = |line: &str| line.contains("has sent nothing for") && line.contains("watch=networkinterfaces.vnet.dev");
    let is_logged = || files.log().lines().any(is_it).then_some(());
    poll("the log names it", is_logged).unwrap_or_else(|error| panic!("{error}\n{}", files.log()));
    proxy.silent(false);
    space.ready("nic/unseen");
    poll("it is ready again", is_ready).unwrap_or_else(|error| panic!("{error}\n{}", files.log()));
    operator.end("-TERM");
}
