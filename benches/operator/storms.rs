//! What many objects cost that wait for the same: a set of 1,000 that a subnet has no room for, in which others come and go;
//! and network interfaces that wait for one address, which is released again and again.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use futures::{Stream, TryStreamExt, pin_mut};
use kube::ResourceExt;
use kube::api::{DeleteParams, PostParams};
use kube::core::DynamicObject;
use kube::runtime::watcher::{self, Event};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use vnet_operator::api::object::api_resource;
use vnet_operator::fabric::Kind;

use crate::cluster::{Cluster, Writes};
use crate::load::{SILENCE, Space, is_ready, listed, seen};
use crate::support::{NETWORK, SUBNET, nic_name, print};

const SET: Kind = Kind::VirtualMachineScaleSet;
const NIC: Kind = Kind::NetworkInterface;
/// A /22: 1,019 addresses to give.
const TIGHT: &str = "tight";
/// So many are in it already: 999 are left.
const BEFORE: usize = 20;
const REPLICAS: usize = 1000;
/// The status of a scale set that only follows others is written at most once in this time.
const SET_PAUSE: Duration = Duration::from_secs(5);

/// How many network interfaces come into the subnet of the refused set, and how many wait for one address.
pub async fn run(neighbours: usize, waiting: usize) -> anyhow::Result<()> {
    eprintln!("== storms: starting a control plane");
    let mut cluster = Cluster::start().await?;
    cluster.operator_runs().await?;
    refused_set(&cluster, neighbours).await?;
    one_address(&cluster, waiting).await?;
    cluster.operator_stops()
}

async fn refused_set(cluster: &Cluster, neighbours: usize) -> anyhow::Result<()> {
    let space = Space::new(&cluster.plane.client, "storm-a".to_owned()).await?;
    let prefixes = json!({"virtualNetwork": {"name": NETWORK}, "addressPrefixes": ["10.2.0.0/22"]});
    create(&space, Kind::Subnet, TIGHT, prefixes).await?;
    come(&space, 0..BEFORE).await?;
    create(&space, SET, "api", set()).await?;
    space.wait(SET, is_refused).await?;
    let what = format!("a refused set of {REPLICAS}, {neighbours} network interfaces");

    let (before, begin) = (cluster.plane.writes().await?, Instant::now());
    come(&space, BEFORE..BEFORE + neighbours).await?;
    sleep(SET_PAUSE).await; // what is written with a pause is written by now
    print_set(&format!("{what} come"), &(cluster.plane.writes().await? - before), begin.elapsed());

    let (before, begin) = (cluster.plane.writes().await?, Instant::now());
    let events = listed(space.api(NIC)).await?;
    pin_mut!(events);
    // Not the first ones: without these, the set would fit.
    let go = space.each(neighbours, |n| delete(&space, nic_name(BEFORE + n)));
    tokio::try_join!(gone(events, neighbours), go)?;
    sleep(SET_PAUSE).await;
    print_set(&format!("{what} go"), &(cluster.plane.writes().await? - before), begin.elapsed());
    Ok(())
}

fn print_set(what: &str, writes: &Writes, took: Duration) {
    let statuses = writes.of("virtualmachinescalesets");
    let bar = took.as_secs() / SET_PAUSE.as_secs() + 1;
    print(&format!("{what}: statuses of the set"), &format!("{statuses:.0}"), Some(&bar.to_string()));
    print(&format!("{what}: Events"), &format!("{:.0}", writes.of("events")), Some("0"));
}

async fn one_address(cluster: &Cluster, waiting: usize) -> anyhow::Result<()> {
    let space = Space::new(&cluster.plane.client, "storm-b".to_owned()).await?;
    let claim = json!({"name": "one", "privateIPAllocationMethod": "Static", "privateIPAddress": "10.1.0.10"});
    let spec = json!({"subnet": {"name": SUBNET}, "ipConfigurations": [claim]});
    let events = listed(space.api(NIC)).await?;
    pin_mut!(events);
    let create_all = space.each(waiting + 1, |n| {
        let (space, spec) = (&space, spec.clone());
        async move { create(space, NIC, &nic_name(n), spec).await }
    });
    let judged = |nic: &DynamicObject| is_ready(nic) || is_refused(nic);
    tokio::try_join!(seen(events.as_mut(), waiting + 1, judged), create_all)?;
    let mut holder = None;
    for nic in space.api(NIC).list(&Default::default()).await? {
        holder = if is_ready(&nic) { Some(nic.name_any()) } else { holder };
    }
    let mut holder = holder.context("one has the address")?;
    at_rest(cluster).await?; // the Events of all who wait

    let (before, begin) = (cluster.plane.writes().await?, Instant::now());
    for _ in 0..waiting {
        let (next, ()) = tokio::try_join!(next_ready(events.as_mut(), &holder), delete(&space, holder.clone()))?;
        holder = next;
    }
    let took = begin.elapsed().as_secs_f64();
    let writes = cluster.plane.writes().await? - before;
    let what = format!("{waiting} network interfaces wait for one address");
    let statuses = writes.count(|write| write.resource == "networkinterfaces" && write.subresource == "status");
    let per_release = |count: f64| format!("{:.2}", count / waiting as f64);
    print(&format!("{what}: time for all releases"), &format!("{took:.1} s"), None);
    print(&format!("{what}: statuses per release, paced ones included"), &per_release(statuses), None);
    let paced = statuses - waiting as f64;
    print(&format!("{what}: paced ones a second"), &format!("{:.1}", paced / took), Some("100"));
    // An Event shows that the next one is Ready; none repeats why the others are not.
    print(&format!("{what}: Events per release"), &per_release(writes.of("events")), Some("1"));
    Ok(())
}

/// Waits until nothing has been written for a while.
async fn at_rest(cluster: &Cluster) -> anyhow::Result<()> {
    let mut before = cluster.plane.writes().await?;
    loop {
        sleep(SET_PAUSE).await;
        let now = cluster.plane.writes().await?;
        if (now.clone() - before).count(|_| true) == 0.0 {
            return Ok(());
        }
        before = now;
    }
}

async fn come(space: &Space, numbers: std::ops::Range<usize>) -> anyhow::Result<()> {
    let spec = json!({"subnet": {"name": TIGHT}, "ipConfigurations": [{"name": "one"}]});
    let (first, count) = (numbers.start, numbers.len());
    let events = listed(space.api(NIC)).await?;
    pin_mut!(events);
    let come = space.each(count, |n| {
        let spec = spec.clone();
        async move { create(space, NIC, &nic_name(first + n), spec).await }
    });
    tokio::try_join!(seen(events, count, is_ready), come)?;
    Ok(())
}

async fn create(space: &Space, kind: Kind, name: &str, spec: Value) -> anyhow::Result<()> {
    let object = DynamicObject::new(name, &api_resource(kind)).within(&space.name).data(json!({"spec": spec}));
    space.api(kind).create(&PostParams::default(), &object).await?;
    Ok(())
}

async fn delete(space: &Space, nic: String) -> anyhow::Result<()> {
    space.api(NIC).delete(&nic, &DeleteParams::default()).await?;
    Ok(())
}

fn set() -> Value {
    let configuration = json!({"name": "ip", "primary": true});
    let nic = json!({"name": "nic", "primary": true, "subnet": {"name": TIGHT}, "ipConfigurations": [configuration]});
    let profile = json!({"networkProfile": {"networkInterfaceConfigurations": [nic]}});
    json!({"replicas": REPLICAS, "sku": {"name": "Standard_D2s_v3"}, "virtualMachineProfile": profile})
}

fn is_refused(object: &DynamicObject) -> bool {
    object.data.pointer("/status/violations/0").is_some()
}

/// Waits until another than `holder` is Ready; returns its name.
async fn next_ready(
    mut events: Pin<&mut impl Stream<Item = watcher::Result<Event<DynamicObject>>>>,
    holder: &str,
) -> anyhow::Result<String> {
    loop {
        match timeout(SILENCE, events.try_next()).await.context("no other gets the address")?? {
            Some(Event::Apply(nic))
                if is_ready(&nic) && nic.name_any() != holder && nic.metadata.deletion_timestamp.is_none() =>
            {
                return Ok(nic.name_any());
            }
            Some(_) => {}
            None => bail!("the watch has ended"),
        }
    }
}

/// Waits until so many have gone.
async fn gone(
    mut events: Pin<&mut impl Stream<Item = watcher::Result<Event<DynamicObject>>>>,
    count: usize,
) -> anyhow::Result<()> {
    let mut names = BTreeSet::new();
    while names.len() < count {
        match timeout(SILENCE, events.try_next()).await.context("some stay")?? {
            Some(Event::Delete(nic)) => drop(names.insert(nic.name_any())),
            Some(_) => {}
            None => bail!("the watch has ended"),
        }
    }
    Ok(())
}
