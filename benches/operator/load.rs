//! The client: creates NICs, 32 requests at once, and either sees the operator make them Ready or writes their statuses itself.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use futures::{Stream, StreamExt, TryStreamExt, pin_mut, stream};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::PostParams;
use kube::core::DynamicObject;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};
use tokio::time::timeout;
use vnet_operator::api::FINALIZER;
use vnet_operator::api::conditions::Since;
use vnet_operator::api::object::{api_resource, report};
use vnet_operator::api::status::Findings;
use vnet_operator::fabric::{Engine, Kind, Name, ObjectId, Uid};

use crate::support::{NETWORK, SUBNET, fabric, nic_name, request, spec};

/// As many as the operator has.
pub const AT_ONCE: usize = 32;
/// Nothing for this long is a fault, not slowness.
pub const SILENCE: Duration = Duration::from_secs(60);

/// A namespace with a virtual network and a subnet that are Ready.
pub struct Space {
    client: Client,
    pub name: String,
}

impl Space {
    /// The operator must run.
    pub async fn new(client: &Client, name: String) -> anyhow::Result<Self> {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        Api::<Namespace>::all(client.clone())
            .create(&PostParams::default(), &serde_json::from_value(namespace)?)
            .await?;
        let space = Self { client: client.clone(), name };
        for (kind, name) in [(Kind::VirtualNetwork, NETWORK), (Kind::Subnet, SUBNET)] {
            space.create(kind, name).await?;
            space.wait(kind, is_ready).await?;
        }
        Ok(space)
    }

    /// Creates NICs; returns the time from the first create until the operator has made the last one Ready.
    pub async fn with_operator(&self, nics: usize) -> anyhow::Result<Duration> {
        let api = self.api(Kind::NetworkInterface);
        let events = listed(api).await?;
        pin_mut!(events);
        let begin = Instant::now();
        let create = self
            .each(nics, |number| async move { self.create(Kind::NetworkInterface, &nic_name(number)).await.map(drop) });
        let (all, ()) = tokio::try_join!(seen(events, nics, is_ready), create)?;
        Ok(all - begin)
    }

    /// Creates NICs and gives each the status that the operator would; returns the time until the last answer. About half
    /// of the statuses come before the API server's own cache has the NIC: it then reads it from etcd, which the operator,
    /// who comes by way of a watch, spares it.
    pub async fn with_bare_client(&self, nics: usize) -> anyhow::Result<Duration> {
        let statuses = self.statuses(nics);
        let statuses = &statuses;
        let begin = Instant::now();
        let work = |number: usize| async move {
            let created = self.create(Kind::NetworkInterface, &nic_name(number)).await?;
            ensure!(created.finalizers().contains(&FINALIZER.to_owned()), "the admission policy does not act");
            self.write_status(Kind::NetworkInterface, created, &statuses[number]).await
        };
        self.each(nics, work).await?;
        Ok(begin.elapsed())
    }

    /// Writes the status of an object that was just created.
    pub async fn write_status(&self, kind: Kind, created: DynamicObject, status: &Value) -> anyhow::Result<()> {
        let name = created.name_any();
        let mut object = DynamicObject::new(&name, &api_resource(kind)).within(&self.name);
        object.metadata.uid = created.metadata.uid;
        object.metadata.resource_version = created.metadata.resource_version;
        object.data = json!({"status": status});
        self.api(kind).replace_status(&name, &PostParams::default(), &object).await?;
        Ok(())
    }

    /// What a fabric reports that carries them all.
    fn statuses(&self, nics: usize) -> Vec<Value> {
        let mut fabric = fabric(&self.name);
        let of_nic = |number| {
            let id = ObjectId::new(Kind::NetworkInterface, Name::new(self.name.as_str(), nic_name(number)));
            let request = request(&id);
            let uid = request.uid.clone();
            fabric.put(&id.name, request).expect("the NIC is good");
            status(&fabric, &id, &uid)
        };
        (0..nics).map(of_nic).collect()
    }

    pub async fn each<F>(&self, nics: usize, work: impl Fn(usize) -> F) -> anyhow::Result<()>
    where
        F: Future<Output = anyhow::Result<()>>,
    {
        stream::iter(0..nics).map(work).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Waits until the subnet's status counts the NICs: it is written last, and seldom.
    pub async fn settled(&self, nics: usize) -> anyhow::Result<()> {
        let allocated = |subnet: &DynamicObject| subnet.data.pointer("/status/capacity/allocated").cloned();
        self.wait(Kind::Subnet, |subnet| allocated(subnet) == Some(json!(nics))).await
    }

    pub async fn wait(&self, kind: Kind, is: impl Fn(&DynamicObject) -> bool) -> anyhow::Result<()> {
        let events = watcher(self.api(kind), watcher::Config::default());
        pin_mut!(events);
        seen(events, 1, is).await.map(drop).with_context(|| format!("{kind} in {}", self.name))
    }

    async fn create(&self, kind: Kind, name: &str) -> anyhow::Result<DynamicObject> {
        let object = DynamicObject::new(name, &api_resource(kind)).within(&self.name).data(json!({"spec": spec(kind)}));
        Ok(self.api(kind).create(&PostParams::default(), &object).await?)
    }

    pub fn api(&self, kind: Kind) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &self.name, &api_resource(kind))
    }
}

/// What the operator writes of an object that the fabric carries.
pub fn status(fabric: &Engine, id: &ObjectId, uid: &Uid) -> Value {
    let now = Timestamp::from_second(Timestamp::now().as_second()).expect("it is a time");
    let found = Findings { uid, generation: 1, violations: &[], expected: None, since: &Since::default(), now };
    report(id.kind, fabric, &id.name, found)
}

/// What a watch shows after the initial list.
pub async fn listed(
    api: Api<DynamicObject>,
) -> anyhow::Result<impl Stream<Item = watcher::Result<Event<DynamicObject>>>> {
    let mut events = Box::pin(watcher(api, watcher::Config::default()));
    while !matches!(events.try_next().await?, Some(Event::InitDone)) {}
    Ok(events)
}

/// Waits until so many objects are as they should be; returns when that was seen.
pub async fn seen(
    mut events: Pin<&mut impl Stream<Item = watcher::Result<Event<DynamicObject>>>>,
    count: usize,
    is: impl Fn(&DynamicObject) -> bool,
) -> anyhow::Result<Instant> {
    let mut names = BTreeSet::new();
    while names.len() < count {
        let silence = || format!("nothing has happened for {SILENCE:?}, and {} of {count} are Ready", names.len());
        match timeout(SILENCE, events.try_next()).await.with_context(silence)?? {
            Some(Event::Apply(object) | Event::InitApply(object)) if is(&object) => {
                names.insert(object.name_any());
            }
            Some(_) => {}
            None => bail!("the watch has ended"),
        }
    }
    Ok(Instant::now())
}

pub fn is_ready(object: &DynamicObject) -> bool {
    let conditions = object.data.pointer("/status/conditions").and_then(Value::as_array);
    conditions.is_some_and(|conditions| conditions.iter().any(|c| c["type"] == "Ready" && c["status"] == "True"))
}
