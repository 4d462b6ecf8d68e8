//! Several operators on one cluster: one leads, and another takes over when it ends, dies, or stands still.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Instant;

use futures::stream::{self, StreamExt};
use kube::api::{ListParams, PostParams};
use kube::core::DynamicObject;
use kube::{Api, ResourceExt};
use serde_json::json;
use tempfile::TempDir;
use vnet_operator::api::object::api_resource;
use vnet_operator::fabric::Kind;

use crate::support::cluster::{Cluster, alone, block_on, poll};
use crate::support::exposition::Exposition;
use crate::support::history::History;
use crate::support::manifests::{network, nic, subnet};
use crate::support::operator::{Operator, ended_well};
use crate::support::space::{Space, at};

const ELECTED: &str = "--leader-elect";
/// A Lease that expires soon, so that a test takes seconds.
const SHORT: [&str; 2] = ["--lease-duration", "4s"];
/// The interfaces that are created while operators die. 2,000 take a minute, most of it the API server's.
const NICS: usize = 1000;
const CREATES_AT_ONCE: usize = 8;

/// One of several operators.
struct Candidate {
    operator: Operator,
    log: PathBuf,
    _folder: TempDir,
}

impl Candidate {
    fn spawn(cluster: &Cluster, flags: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let log = folder.path().join("log");
        let operator = Operator::spawn(&cluster.operator_kubeconfig(), flags, File::create(&log).unwrap()).unwrap();
        Self { operator, log, _folder: folder }
    }

    fn metrics(&self) -> Exposition {
        Exposition::read(&self.operator.get("/metrics").expect("it is served"))
    }

    /// One that leads.
    fn leading(cluster: &Cluster, flags: &[&str]) -> Self {
        let candidate = Self::spawn(cluster, flags);
        candidate.becomes_ready("ok");
        assert!(candidate.holds_the_lease_of(cluster));
        candidate
    }

    /// One that stands by.
    fn standing_by(cluster: &Cluster, flags: &[&str]) -> Self {
        let candidate = Self::spawn(cluster, flags);
        let holder = cluster.lease_holder().expect("another one leads");
        candidate.becomes_ready(&format!("standing by: operator {holder} leads"));
        candidate
    }

    fn becomes_ready(&self, word: &str) {
        let is_ready = |answer: &String| answer.starts_with("HTTP/1.1 200") && answer.ends_with(word);
        let ready = poll(word, || self.operator.get("/readyz").filter(is_ready));
        ready.unwrap_or_else(|error| panic!("{error}\n{}", self.log()));
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    fn holds_the_lease_of(&self, cluster: &Cluster) -> bool {
        let process = format!("_{}_", self.operator.id());
        cluster.lease_holder().is_some_and(|holder| holder.contains(&process))
    }

    fn takes_the_lease_of(&self, cluster: &Cluster) {
        let taken = poll("it takes the Lease", || self.holds_the_lease_of(cluster).then_some(()));
        taken.unwrap_or_else(|error| panic!("{error}\n{}", self.log()));
    }

    /// Ends by itself.
    fn ends(&mut self) -> ExitStatus {
        let ended = poll("it ends by itself", || self.operator.ended());
        ended.unwrap_or_else(|error| panic!("{error}\n{}", self.log()))
    }
}

#[test]
fn one_that_stands_by_is_ready_lists_nothing_and_takes_over_from_one_that_is_asked_to_end() {
    let cluster = alone();
    cluster.stop_operator();
    let first = Candidate::leading(&cluster, &[ELECTED]);
    let second = Candidate::standing_by(&cluster, &[ELECTED]);
    assert!(!second.log().contains("fabric restored"), "{}", second.log());
    let metrics = second.metrics();
    assert_eq!((metrics.value("vnet_leader", &[]), metrics.types().get("vnet_objects")), (Some(0.0), None));
    let begin = Instant::now();
    let log = first.log.clone();
    let Candidate { operator, _folder, .. } = first;
    let ended = operator.end("-TERM");
    second.takes_the_lease_of(&cluster);
    println!("the Lease was taken {:.1} s after SIGTERM", begin.elapsed().as_secs_f32());
    assert!(ended_well(ended), "{ended}");
    assert!(fs::read_to_string(log).unwrap().contains("the Lease is released"));
    second.becomes_ready("ok");
    assert_eq!(second.metrics().value("vnet_leader", &[]), Some(1.0));
    let space = Space::on(&cluster);
    space.apply(&network("hub", "10.0.0.0/16"));
    space.ready("vnet/hub");
    assert!(!second.log().contains("late writes"), "a released Lease needs no wait: {}", second.log());
    second.operator.end("-TERM");
}

#[test]
fn one_that_stands_by_takes_over_from_one_that_is_killed_when_the_lease_expires() {
    let cluster = alone();
    cluster.stop_operator();
    let flags = [&[ELECTED], &SHORT[..]].concat();
    let first = Candidate::leading(&cluster, &flags);
    let second = Candidate::standing_by(&cluster, &flags);
    let begin = Instant::now();
    first.operator.end("-KILL");
    second.takes_the_lease_of(&cluster);
    println!("a Lease of 4 s was taken {:.1} s after SIGKILL", begin.elapsed().as_secs_f32());
    second.becomes_ready("ok");
    println!("and its new holder was ready {:.1} s after SIGKILL", begin.elapsed().as_secs_f32());
    assert!(second.log().contains("late writes of its last holder are waited for"), "{}", second.log());
    second.operator.end("-TERM");
}

#[test]
fn a_second_operator_without_the_flag_refuses_to_start_and_names_the_first() {
    let cluster = alone();
    let holder = cluster.lease_holder().expect("the first one leads");
    let mut second = Candidate::spawn(&cluster, &[]);
    let status = second.ends();
    let log = second.log();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains(&format!("operator {holder} runs on this cluster")), "{log}");
    assert!(log.contains("Lease vnet-system/vnet-operator") && log.contains("--leader-elect"), "{log}");
    assert!(!log.contains("fabric restored"), "{log}");
    assert_eq!(cluster.lease_holder(), Some(holder));
}

#[test]
fn an_operator_without_the_flag_waits_until_the_lease_of_a_dead_one_expires_and_says_so() {
    let cluster = alone();
    cluster.stop_operator();
    let first = Candidate::leading(&cluster, &SHORT);
    first.operator.end("-KILL");
    let second = Candidate::spawn(&cluster, &SHORT);
    second.becomes_ready("ok");
    assert!(second.log().contains("names an operator that has not released it"), "{}", second.log());
    second.operator.end("-TERM");
}

#[test]
fn an_operator_whose_lease_somebody_empties_ends_and_says_so() {
    let cluster = alone();
    cluster.stop_operator();
    let mut operator = Candidate::leading(&cluster, &SHORT);
    cluster.release_lease();
    let status = operator.ends();
    assert_eq!(status.code(), Some(2), "{}", operator.log());
    assert!(operator.log().contains("Lease vnet-system/vnet-operator was lost"), "{}", operator.log());
}

#[test]
fn many_objects_are_applied_while_operators_are_killed_and_stopped_and_the_end_is_that_of_one() {
    let cluster = alone();
    cluster.stop_operator();
    let flags = [&[ELECTED], &SHORT[..]].concat();
    let first = Candidate::leading(&cluster, &flags);
    let mut second = Candidate::standing_by(&cluster, &flags);
    let space = Space::on(&cluster);
    space.apply(&(network("hub", "10.0.0.0/16") + &subnet("web", "hub", "10.0.0.0/20")));
    space.ready("subnet/web");
    let (history, begin) = (History::of(&space), Instant::now());
    std::thread::scope(|scope| {
        scope.spawn(|| create(&space, 0..NICS / 2));
        history.reaches(NICS / 4); // some are created, some have a status
        first.operator.end("-KILL");
    });
    second.takes_the_lease_of(&cluster);
    let third = Candidate::standing_by(&cluster, &flags);
    second.becomes_ready("ok");
    std::thread::scope(|scope| {
        scope.spawn(|| create(&space, NICS / 2..NICS));
        history.reaches(history.len() + NICS / 4);
        second.operator.signal("-STOP");
    });
    third.takes_the_lease_of(&cluster);
    third.becomes_ready("ok");
    second.operator.signal("-CONT"); // what it had decided must not be written any more
    let status = second.ends();
    assert_eq!(status.code(), Some(2), "{}", second.log());
    let holder = cluster.lease_holder().unwrap();
    assert!(second.log().contains(&format!("was lost: operator {holder} holds it now")), "{}", second.log());
    let nics = poll("all are Ready", || Some(ready_nics(&space)).filter(|ready| ready.len() == NICS)).unwrap();
    println!("{NICS} interfaces were Ready after {:.1} s, a kill and a stop", begin.elapsed().as_secs_f32());
    let addresses: BTreeSet<Ipv4Addr> = nics.iter().map(|nic| address(nic).unwrap()).collect();
    let first_address = u32::from(Ipv4Addr::new(10, 0, 0, 4));
    let as_one_does: BTreeSet<Ipv4Addr> = (first_address..).take(NICS).map(Ipv4Addr::from).collect();
    assert_eq!(addresses, as_one_does, "the lowest ones, each once");
    history.moves_nothing();
    no_address_was_shown_by_two(&history);
    third.operator.end("-TERM");
}

fn create(space: &Space<'_>, numbers: std::ops::Range<usize>) {
    let nics: Api<DynamicObject> = space.objects(Kind::NetworkInterface);
    let creations = numbers.map(|n| {
        let nics = nics.clone();
        let spec: serde_json::Value = serde_saphyr::from_str(&nic(&format!("n{n:04}"), "web")).unwrap();
        let nic = DynamicObject::new(&format!("n{n:04}"), &api_resource(Kind::NetworkInterface))
            .data(json!({"spec": spec["spec"]}));
        async move { nics.create(&PostParams::default(), &nic).await.unwrap() }
    });
    block_on(stream::iter(creations).buffer_unordered(CREATES_AT_ONCE).collect::<Vec<_>>());
}

fn ready_nics(space: &Space<'_>) -> Vec<DynamicObject> {
    let all = block_on(space.objects(Kind::NetworkInterface).list(&ListParams::default())).unwrap();
    let is_ready = |nic: &DynamicObject| {
        let mut conditions = at(nic, "/conditions").as_array().into_iter().flatten();
        conditions.any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
    };
    all.items.into_iter().filter(is_ready).collect()
}

fn address(nic: &DynamicObject) -> Option<Ipv4Addr> {
    at(nic, "/ipConfigurations/0/privateIPAddress").as_str()?.parse().ok()
}

/// No interface is deleted here, so no address is ever another one's.
fn no_address_was_shown_by_two(history: &History) {
    let mut shown: BTreeMap<Ipv4Addr, String> = BTreeMap::new();
    for state in history.states() {
        if let Some(address) = address(&state) {
            let by = shown.entry(address).or_insert_with(|| state.name_any());
            assert_eq!(*by, state.name_any(), "{address} was shown by both");
        }
    }
    assert_eq!(shown.len(), NICS);
}
