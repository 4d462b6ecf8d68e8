//! What the operator costs without an API server: the engine alone, and the core with the engine inside.
//!
//! `cargo bench --bench engine`. Nothing here is random, and no time fails it: the figures are printed beside their bars.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a benchmark that cannot go on stops, and its figures are floats"
)]

mod life;
mod plan;
#[path = "../support/mod.rs"]
mod support;

use std::hint::black_box;
use std::time::Instant;

use ipnet::Ipv4Net;
use life::{Life, NAMESPACE};
use support::{NETWORK, SUBNET, fabric, median, nic_name, print, print_ratio, request, resident};
use vnet_operator::api::object::{self, Recall};
use vnet_operator::fabric::terms::IpVersion;
use vnet_operator::fabric::{AnyRecord, Ask, Engine, Kind, Name, Request, Settings, Subnet};
use vnet_operator::operator::Core;

const ROUNDS: usize = 5;

fn main() {
    memory(); // first, while nothing has been freed that could be used again
    core_of_twice_as_many();
    allocation();
    let few = puts_and_deletes(10_000);
    let many = puts_and_deletes(50_000);
    print_ratio("a put at 50,000 NICs against 10,000", many / few, None);
    subnets();
    flexible_sets();
    restore();
    scrapes();
    plan::plan();
}

fn memory() {
    const WARM: usize = 1_000;
    const NICS: usize = 20_000;
    let mut life = Life::new();
    life.create_nics(0..WARM);
    let before = resident(std::process::id());
    life.create_nics(WARM..WARM + NICS);
    let grown = resident(std::process::id()) - before;
    print("memory per NIC, core and engine", &format!("{:.2} KB", grown / NICS as f64 / 1024.0), Some("4.50"));
    black_box(life);
}

fn core_of_twice_as_many() {
    const NICS: usize = 10_000;
    let time = |nics: usize| {
        let mut life = Life::new();
        life.create_nics(0..nics);
        life.spent.as_secs_f64()
    };
    let pairs: Vec<(f64, f64)> = (0..ROUNDS).map(|_| (time(NICS), time(2 * NICS))).collect();
    let once = median(pairs.iter().map(|(once, _)| *once).collect());
    print("from create to Ready in the core, of 10,000 NICs", &micros(once / NICS as f64, "NIC"), None);
    let ratio = median(pairs.iter().map(|(once, twice)| twice / once).collect());
    print_ratio("20,000 NICs through the core against 10,000", ratio, Some(2.2));
}

/// A put of one NIC, and its deletion. Of the full subnet every thousandth address is free.
fn allocation() {
    const TIMES: usize = 10_000;
    const LAST: usize = 65_531;
    let mut empty = fabric(NAMESPACE);
    let mut full = fabric(NAMESPACE);
    for (name, request) in (0..LAST).map(nic) {
        put(&mut full, &name, request);
    }
    for number in (0..LAST).step_by(1_000) {
        delete(&mut full, &nic(number).0);
    }
    let (name, request) = nic(32_000); // one of those that were deleted
    let time = |engine: &mut Engine| {
        let begin = Instant::now();
        for _ in 0..TIMES {
            put(engine, &name, request.clone());
            delete(engine, &name);
        }
        begin.elapsed().as_secs_f64() / TIMES as f64
    };
    let pairs: Vec<(f64, f64)> = (0..2 * ROUNDS + 1).map(|_| (time(&mut empty), time(&mut full))).collect();
    let at_none = median(pairs.iter().map(|(empty, _)| *empty).collect());
    print("put and delete of a NIC in an empty /16", &micros(at_none, "pair"), None);
    let ratio = median(pairs.iter().map(|(empty, full)| full / empty).collect());
    print_ratio("allocation at 99.9 % against 0 %", ratio, Some(2.0));
}

/// Returns the time of a put.
fn puts_and_deletes(nics: usize) -> f64 {
    let all: Vec<(Name, Request<Ask>)> = (0..nics).map(nic).collect();
    let round = |_| {
        let mut engine = fabric(NAMESPACE);
        let asked = all.clone();
        let begin = Instant::now();
        for (name, request) in asked {
            put(&mut engine, &name, request);
        }
        let puts = begin.elapsed().as_secs_f64() / nics as f64;
        let begin = Instant::now();
        for (name, _) in &all {
            delete(&mut engine, name);
        }
        (puts, begin.elapsed().as_secs_f64() / nics as f64)
    };
    let rounds: Vec<(f64, f64)> = (0..ROUNDS).map(round).collect();
    let puts = median(rounds.iter().map(|(puts, _)| *puts).collect());
    let deletes = median(rounds.iter().map(|(_, deletes)| *deletes).collect());
    print(&format!("puts of {nics} NICs"), &format!("{:.0} a second", 1.0 / puts), None);
    print(&format!("deletes of {nics} NICs"), &format!("{:.0} a second", 1.0 / deletes), None);
    puts
}

/// Puts of subnets of one network, as many as it may have: each is compared with its siblings (VNET-04).
fn subnets() {
    const FIRST: u32 = 0x0a02_0000; // 10.2.0.0
    let any = request(&life::id(Kind::Subnet, SUBNET));
    let time = |subnets: u32| {
        let mut engine = fabric(NAMESPACE);
        let asked: Vec<_> =
            (0..subnets).map(|n| (Name::new(NAMESPACE, format!("subnet-{n:04}")), FIRST + 16 * n)).collect();
        let begin = Instant::now();
        for (name, first) in asked {
            let ipv4 = Ipv4Net::new(first.into(), 28).expect("28 is a length");
            let virtual_network = Name::new(NAMESPACE, NETWORK);
            let subnet = Subnet { virtual_network, ipv4, ipv6: None, first: IpVersion::IPv4 };
            put(&mut engine, &name, Request { ask: subnet.into(), ..any.clone() });
        }
        begin.elapsed().as_secs_f64() / f64::from(subnets)
    };
    let pairs: Vec<(f64, f64)> = (0..ROUNDS).map(|_| (time(500), time(2_999))).collect();
    let many = median(pairs.iter().map(|(_, many)| *many).collect());
    print("put of a subnet, of 2,999 of one network", &micros(many, "subnet"), None);
    let ratio = median(pairs.iter().map(|(few, many)| many / few).collect());
    print_ratio("a put of a subnet among 2,999 against among 500", ratio, None);
}

/// Puts of Flexible sets of 20, of whose instances none is made yet: each reserves beside what all others have reserved.
fn flexible_sets() {
    const SETS: usize = 500;
    const FEW: usize = 50;
    let round = |_| {
        let mut engine = fabric(NAMESPACE);
        let ids = (0..SETS).map(|n| life::id(Kind::VirtualMachineScaleSet, &format!("set-{n:03}")));
        let asked: Vec<_> = ids.map(|id| (id.name.clone(), request(&id))).collect();
        let time = |(name, request): (Name, Request<Ask>)| {
            let begin = Instant::now();
            put(&mut engine, &name, request);
            begin.elapsed().as_secs_f64()
        };
        let times: Vec<f64> = asked.into_iter().map(time).collect();
        (median(times[..FEW].to_vec()), median(times[SETS - FEW..].to_vec()))
    };
    let rounds: Vec<(f64, f64)> = (0..ROUNDS).map(round).collect();
    let many = median(rounds.iter().map(|(_, many)| *many).collect());
    print("put of a Flexible set of 20, of 500 of one subnet", &micros(many, "set"), None);
    let ratio = median(rounds.iter().map(|(few, many)| many / few).collect());
    print_ratio("a put of a Flexible set among 500 against among 50", ratio, Some(1.5));
}

/// A restart, from what stands on the API server: of the engine alone, and of the core that reads it.
fn restore() {
    const NICS: usize = 50_000;
    let mut before = Life::remembered();
    before.create_nics(0..NICS);
    let stored = before.stored.take().expect("it was kept");
    let records: Vec<(Name, AnyRecord)> = stored
        .iter()
        .map(|(id, text)| {
            let object = serde_json::from_str(text).expect("it was written as JSON");
            let seen = object::observe(id.kind, &object, Recall::Record).expect("the object is whole");
            (id.name.clone(), seen.record.expect("its status is the engine's"))
        })
        .collect();
    let engine = |_| {
        let records = records.clone();
        let mut engine = Engine::new(Settings::default());
        let begin = Instant::now();
        for (name, record) in records {
            assert!(engine.restore(&name, record).is_empty(), "{name} is restored whole");
        }
        let time = begin.elapsed().as_secs_f64();
        assert_eq!(engine.tables(), before.core.engine().tables(), "the fabric is what it was");
        time
    };
    let time = median((0..ROUNDS).map(engine).collect());
    print(&format!("restore of {NICS} NICs, engine"), &format!("{time:.2} s"), None);
    drop(records);
    let core = |_| {
        let mut core = Core::new(Settings::default());
        let begin = Instant::now();
        life::list(&mut core, &stored);
        let time = begin.elapsed().as_secs_f64();
        (time, std::iter::from_fn(|| core.next_write(jiff::Timestamp::MAX, jiff::Timestamp::MAX)).count())
    };
    let rounds: Vec<(f64, usize)> = (0..3).map(core).collect();
    let time = median(rounds.iter().map(|(time, _)| *time).collect());
    print(&format!("restart with {NICS} NICs, from JSON to the first put"), &format!("{time:.2} s"), None);
    let writes = rounds.iter().map(|(_, writes)| *writes).max().unwrap_or_default();
    print(&format!("writes after a restart with {NICS} NICs"), &writes.to_string(), Some("0"));
}

/// What a scrape of the metrics takes of the core: its figures, for which the subnets alone are walked through.
fn scrapes() {
    const NICS: usize = 50_000;
    const NETWORKS: usize = 25;
    let mut life = Life::new();
    life.create_nics(0..NICS);
    let time = |work: &mut dyn FnMut()| {
        let round = |_| {
            let begin = Instant::now();
            work();
            begin.elapsed().as_secs_f64()
        };
        median((0..2 * ROUNDS + 1).map(round).collect())
    };
    let of_nics = time(&mut || drop(black_box(life.core.figures())));
    print(&format!("scrape of the core at {NICS} NICs"), &micros(of_nics, "scrape"), None);
    let engine = many_subnets(NETWORKS);
    let subnets = engine.names(Kind::Subnet).len();
    let of_subnets = time(&mut || drop(black_box(engine.fullest_subnets(100))));
    print(&format!("the fullest 100 of {subnets} subnets"), &micros(of_subnets, "scrape"), None);
}

/// So many virtual networks, each with 2,000 subnets.
fn many_subnets(networks: usize) -> Engine {
    const SUBNETS: u32 = 2_000;
    let mut engine = fabric(NAMESPACE);
    let (any_network, any_subnet) =
        (request(&life::id(Kind::VirtualNetwork, NETWORK)), request(&life::id(Kind::Subnet, SUBNET)));
    for network in (0..networks).map(|n| Name::new(NAMESPACE, format!("network-{n:02}"))) {
        put(&mut engine, &network, any_network.clone());
        for n in 0..SUBNETS {
            let ipv4 = Ipv4Net::new((0x0a00_0000 + 16 * n).into(), 28).expect("28 is a length");
            let ask = Subnet { virtual_network: network.clone(), ipv4, ipv6: None, first: IpVersion::IPv4 };
            let name = Name::new(NAMESPACE, format!("{}-{n:04}", network.name));
            put(&mut engine, &name, Request { ask: ask.into(), ..any_subnet.clone() });
        }
    }
    engine
}

fn micros(seconds: f64, each: &str) -> String {
    format!("{:.1} µs a {each}", seconds * 1e6)
}

// The engine, as the core uses it.

fn nic(number: usize) -> (Name, Request<Ask>) {
    let id = life::id(Kind::NetworkInterface, &nic_name(number));
    let request = request(&id);
    (id.name, request)
}

fn put(engine: &mut Engine, name: &Name, request: Request<Ask>) {
    engine.put(name, request).unwrap_or_else(|refusal| panic!("{name}: {refusal:?}"));
    tell(engine);
}

fn delete(engine: &mut Engine, name: &Name) {
    assert!(engine.delete(Kind::NetworkInterface, name).is_ok_and(|carried| carried), "{name} goes");
    tell(engine);
}

/// What a change wakes and touches is asked for after each, as the core does.
fn tell(engine: &mut Engine) {
    black_box((engine.take_woken(), engine.take_touched()));
}
