//! What the operator costs on a real API server, against a client that creates the same objects and writes the same statuses.
//!
//! `cargo bench --bench operator`, with `VNET_BENCH_SIZES` (default `1000,5000`) NICs, and with `VNET_BENCH_SETS` (default
//! `1x1000,20x100`) scale sets of so many instances, in `VNET_BENCH_PAIRS` (default 5) pairs of runs; and with
//! `VNET_BENCH_STORMS` (default `560,500`) neighbours of a refused set and network interfaces that wait for one address. An empty
//! list leaves that part out. Who begins changes from pair to pair, because the API server gets slower with what it holds.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a benchmark that cannot go on stops, and its figures are floats"
)]

mod cluster;
mod load;
#[path = "../../tests/it/support/process.rs"]
mod process;
mod scale_sets;
mod storms;
#[path = "../support/mod.rs"]
mod support;

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use cluster::{Change, Cluster, Operator, Writes};
use load::Space;
use scale_sets::Shape;
use support::{median, print, print_ratio, resident};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

/// A control plane that has just started is slow at first; so many NICs warm it.
const WARM: usize = 200;
/// How long the operator is watched while it has nothing to do.
const REST: Duration = Duration::from_secs(30);
/// How long it is watched after a restart; what it writes then, it writes at once.
const AFTER_RESTART: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    // Whichever ends first, the processes end with it.
    tokio::select! {
        done = bench() => done,
        _ = interrupt.recv() => bail!("interrupted"),
        _ = terminate.recv() => bail!("terminated"),
    }
}

async fn bench() -> anyhow::Result<()> {
    let pairs = setting("VNET_BENCH_PAIRS", "5")?.parse().context("VNET_BENCH_PAIRS is a number")?;
    ensure!(pairs > 0, "VNET_BENCH_PAIRS is at least 1");
    let sizes: Vec<usize> = list("VNET_BENCH_SIZES", "1000,5000")?;
    let shapes: Vec<Shape> = list("VNET_BENCH_SETS", "1x1000,20x100")?;
    for nics in sizes {
        Bench::start(nics).await?.run(pairs).await?;
    }
    for shape in shapes {
        scale_sets::Bench::start(shape).await?.run(pairs).await?;
    }
    if let [neighbours, waiting] = list::<usize>("VNET_BENCH_STORMS", "560,500")?[..] {
        storms::run(neighbours, waiting).await?;
    }
    Ok(())
}

/// A setting that is a list.
fn list<T: FromStr<Err: Display>>(name: &str, default: &str) -> anyhow::Result<Vec<T>> {
    let setting = setting(name, default)?;
    let items = setting.split(',').filter(|item| !item.is_empty()).map(str::parse);
    items.map(|item| item.map_err(|error| anyhow!("{name} is a list such as {default}: {error}"))).collect()
}

fn setting(name: &str, default: &str) -> anyhow::Result<String> {
    match std::env::var(name) {
        Err(std::env::VarError::NotPresent) => Ok(default.to_owned()),
        found => Ok(found?),
    }
}

/// The runs of one size, on a control plane of their own.
struct Bench {
    nics: usize,
    held: usize, // on the API server
    cluster: Cluster,
    with_operator: Vec<f64>,
    with_bare_client: Vec<f64>,
    writes: Writes,
}

/// Whose run it is.
pub enum Run {
    /// The operator's, in whose cluster the objects are created.
    Operator,
    /// That of a client that creates and patches the same objects, with no operator.
    BareClient,
}

/// The runs of pairs, each with the number of its pair.
pub fn runs(pairs: usize) -> impl Iterator<Item = (usize, Run)> {
    let runs = |pair: usize| match pair % 2 {
        0 => [Run::Operator, Run::BareClient],
        _ => [Run::BareClient, Run::Operator],
    };
    (0..pairs).flat_map(move |pair| runs(pair).map(|run| (pair, run)))
}

impl Bench {
    async fn start(nics: usize) -> anyhow::Result<Self> {
        progress(nics, "starting a control plane");
        let cluster = Cluster::start().await?;
        Ok(Self {
            nics,
            held: WARM,
            cluster,
            with_operator: Vec::new(),
            with_bare_client: Vec::new(),
            writes: Writes::default(),
        })
    }

    async fn run(mut self, pairs: usize) -> anyhow::Result<()> {
        self.cluster.operator_runs().await?;
        let space = Space::new(&self.cluster.plane.client, "warm".to_owned()).await?;
        space.with_operator(WARM).await?;
        space.settled(WARM).await?;
        for (pair, run) in runs(pairs) {
            match run {
                Run::Operator => self.operator_run(pair).await?,
                Run::BareClient => self.bare_run(pair).await?,
            }
        }
        self.print_pairs();
        self.restarts().await
    }

    async fn operator_run(&mut self, pair: usize) -> anyhow::Result<()> {
        self.cluster.operator_runs().await?;
        let space = Space::new(&self.cluster.plane.client, format!("operator-{pair}")).await?;
        let before = self.cluster.plane.writes().await?;
        let time = space.with_operator(self.nics).await?;
        space.settled(self.nics).await?;
        self.writes += self.cluster.plane.writes().await? - before;
        self.held += self.nics;
        self.with_operator.push(time.as_secs_f64());
        progress(self.nics, &format!("pair {}, operator: {:.2} s", pair + 1, time.as_secs_f64()));
        Ok(())
    }

    async fn bare_run(&mut self, pair: usize) -> anyhow::Result<()> {
        self.cluster.operator_runs().await?;
        let space = Space::new(&self.cluster.plane.client, format!("bare-{pair}")).await?;
        self.cluster.operator_stops()?;
        let time = space.with_bare_client(self.nics).await?;
        let before = self.cluster.plane.writes().await?;
        self.cluster.operator_runs().await?;
        space.settled(self.nics).await?;
        let writes = self.cluster.plane.writes().await? - before;
        ensure!(of_nics(&writes, |_| true) == 0.0, "the operator does not take the bare client's statuses for its own");
        self.held += self.nics;
        self.with_bare_client.push(time.as_secs_f64());
        progress(self.nics, &format!("pair {}, bare client: {:.2} s", pair + 1, time.as_secs_f64()));
        Ok(())
    }

    fn print_pairs(&self) {
        let rate = |times: &[f64]| {
            let time = median(times.to_vec());
            format!("{time:.2} s, {:.0} a second", self.nics as f64 / time)
        };
        self.print("operator, from create to Ready", &rate(&self.with_operator), None);
        self.print("bare client, create and status", &rate(&self.with_bare_client), None);
        let ratios = self.with_operator.iter().zip(&self.with_bare_client).map(|(operator, bare)| operator / bare);
        print_ratio(&self.titled("operator against bare client"), median(ratios.collect()), Some(1.25));
        let all = (self.nics * self.with_operator.len()) as f64;
        self.print("writes per NIC", &format!("{:.3}", of_nics(&self.writes, |_| true) / all), Some("1.00"));
        self.print("of these conflicts", &format!("{:.0}", of_nics(&self.writes, |write| write.code == "409")), None);
        self.print(
            "writes of their subnets",
            &format!("{:.0}", self.writes.count(|write| write.resource != NICS && write.resource != "events")),
            None,
        );
    }

    async fn restarts(&mut self) -> anyhow::Result<()> {
        let held = self.held;
        progress(self.nics, &format!("at rest with {held} NICs for {REST:?}"));
        let before = self.cluster.plane.writes().await?;
        sleep(REST).await;
        let writes = self.cluster.plane.writes().await? - before;
        self.print(&format!("writes at rest in {REST:?}"), &format!("{:.0}", all(&writes)), Some("0"));
        self.print_memory("memory with");
        let before = self.cluster.plane.writes().await?;
        self.cluster.operator_stops()?;
        let time = self.cluster.operator_runs().await?;
        let processor = self.cluster.operator.as_ref().map_or(Ok(0.0), Operator::processor_time)?;
        sleep(AFTER_RESTART).await;
        let writes = self.cluster.plane.writes().await? - before;
        self.print(&format!("restart to ready with {held} NICs"), &format!("{:.2} s", time.as_secs_f64()), None);
        self.print("processor time of that restart", &format!("{processor:.2} s"), None);
        self.print("writes after a restart", &format!("{:.0}", all(&writes)), Some("0"));
        self.print_memory("memory after a restart with");
        self.cluster.operator_stops()
    }

    fn print_memory(&self, what: &str) {
        let Some(operator) = &self.cluster.operator else { return };
        let megabytes = resident(operator.id()) / 1024.0 / 1024.0;
        self.print(&format!("{what} {} NICs", self.held), &format!("{megabytes:.1} MB"), None);
    }

    fn print(&self, what: &str, figure: &str, bar: Option<&str>) {
        print(&self.titled(what), figure, bar);
    }

    fn titled(&self, what: &str) -> String {
        format!("{} NICs: {what}", self.nics)
    }
}

const NICS: &str = "networkinterfaces";

/// Creates of NICs are the client's, and do not count.
fn of_nics(writes: &Writes, is: impl Fn(&Change) -> bool) -> f64 {
    writes.count(|write| write.resource == NICS && write.verb != "POST" && is(write))
}

fn all(writes: &Writes) -> f64 {
    of_nics(writes, |_| true) + writes.count(|write| write.resource != NICS && write.resource != "events")
}

fn progress(nics: usize, what: &str) {
    eprintln!("== {nics} NICs: {what}");
}
