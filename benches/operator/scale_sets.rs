//! Scale sets: what it costs to scale them out from nothing and in again, against a client that creates as many alike
//! objects, writes their statuses, and deletes them.

use std::fmt::Display;
use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use futures::{StreamExt, TryStreamExt, pin_mut, stream};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::core::DynamicObject;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};
use tokio::time::timeout;
use vnet_operator::api::FINALIZER;
use vnet_operator::api::children::{self, Child};
use vnet_operator::api::object::api_resource;
use vnet_operator::fabric::{Kind, Name, Uid};

use crate::cluster::{Change, Cluster, Writes};
use crate::load::{AT_ONCE, SILENCE, Space, is_ready, listed, seen, status};
use crate::support::{SUBNET, fabric, median, print, print_ratio, request_of};
use crate::{Run, runs};

const SET: Kind = Kind::VirtualMachineScaleSet;
const INSTANCE: Kind = Kind::VirtualMachineScaleSetVM;
/// A control plane that has just started is slow at first; so many instances warm it.
const WARM: Shape = Shape { sets: 2, instances: 50 };

/// So many sets of so many instances each: `20x100`.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    sets: usize,
    instances: usize,
}

impl Shape {
    fn all(self) -> usize {
        self.sets * self.instances
    }
}

impl FromStr for Shape {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (sets, instances) = text.split_once('x').context("write SETSxINSTANCES")?;
        Ok(Self { sets: sets.parse()?, instances: instances.parse()? })
    }
}

impl Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.sets, self.instances)
    }
}

/// Sets without instances in a namespace of their own.
struct Farm {
    space: Space,
    shape: Shape,
}

impl Farm {
    /// The operator must run.
    async fn new(client: &Client, name: String, shape: Shape) -> anyhow::Result<Self> {
        let farm = Self { space: Space::new(client, name).await?, shape };
        for set in 0..shape.sets {
            let object = farm.set(set, 0);
            farm.space.api(SET).create(&PostParams::default(), &object).await?;
        }
        farm.sets_are(is_ready).await?;
        Ok(farm)
    }

    fn set(&self, number: usize, replicas: usize) -> DynamicObject {
        let configuration = json!({"name": "ip", "primary": true});
        let nic =
            json!({"name": "nic", "primary": true, "subnet": {"name": SUBNET}, "ipConfigurations": [configuration]});
        let profile = json!({"networkProfile": {"networkInterfaceConfigurations": [nic]}});
        let sku = json!({"name": "Standard_D2s_v3"});
        let spec = json!({"replicas": replicas, "sku": sku, "virtualMachineProfile": profile});
        DynamicObject::new(&set_name(number), &api_resource(SET)).within(&self.space.name).data(json!({"spec": spec}))
    }

    async fn sets_are(&self, so: impl Fn(&DynamicObject) -> bool) -> anyhow::Result<()> {
        let events = watcher(self.space.api(SET), watcher::Config::default());
        pin_mut!(events);
        seen(events, self.shape.sets, so).await.map(drop)
    }

    /// Scales every set out from nothing; returns the time from the first request until the last instance was Ready.
    async fn scale_out(&self) -> anyhow::Result<Duration> {
        let events = listed(self.space.api(INSTANCE)).await?;
        pin_mut!(events);
        let begin = Instant::now();
        let (all, ()) = tokio::try_join!(seen(events, self.shape.all(), is_ready), self.scale(self.shape.instances))?;
        self.settled(self.shape.instances).await?;
        Ok(all - begin)
    }

    /// Scales every set in to nothing; returns the time from the first request until the last instance had gone.
    async fn scale_in(&self) -> anyhow::Result<Duration> {
        let mut events = Box::pin(listed(self.space.api(INSTANCE)).await?);
        let begin = Instant::now();
        let gone = async {
            let mut left = self.shape.all();
            while left > 0 {
                let event = timeout(SILENCE, events.try_next()).await.with_context(|| format!("{left} stay"))??;
                match event {
                    Some(Event::Delete(_)) => left -= 1,
                    Some(_) => {}
                    None => bail!("the watch has ended"),
                }
            }
            Ok(Instant::now())
        };
        let (all, ()) = tokio::try_join!(gone, self.scale(0))?;
        self.settled(0).await?;
        Ok(all - begin)
    }

    async fn scale(&self, replicas: usize) -> anyhow::Result<()> {
        let wish = Patch::Merge(json!({"spec": {"replicas": replicas}}));
        for set in 0..self.shape.sets {
            self.space.api(SET).patch_scale(&set_name(set), &PatchParams::default(), &wish).await?;
        }
        Ok(())
    }

    /// Waits until the sets and the subnet tell of all that was done: they do so last, and seldom.
    async fn settled(&self, replicas: usize) -> anyhow::Result<()> {
        let counts = ["/status/replicas", "/status/readyReplicas"];
        let so = |set: &DynamicObject| {
            is_ready(set) && counts.iter().all(|count| set.data.pointer(count) == Some(&json!(replicas)))
        };
        self.sets_are(so).await?;
        self.space.settled(self.shape.sets * replicas).await
    }

    /// Creates what the operator would, and writes the statuses that it would; returns the time until the last answer.
    async fn bare_out(&self) -> anyhow::Result<Duration> {
        let instances = self.instances().await?;
        let begin = Instant::now();
        let api = self.space.api(INSTANCE);
        let work = |(manifest, status): (DynamicObject, Value)| {
            let api = &api;
            async move {
                let created = api.create(&PostParams::default(), &manifest).await?;
                self.space.write_status(INSTANCE, created, &status).await
            }
        };
        stream::iter(instances).map(work).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        Ok(begin.elapsed())
    }

    /// Deletes what `bare_out` made, and takes off the finalizers.
    async fn bare_in(&self) -> anyhow::Result<Duration> {
        let api = self.space.api(INSTANCE);
        let names: Vec<String> = api.list(&ListParams::default()).await?.iter().map(ResourceExt::name_any).collect();
        ensure!(names.len() == self.shape.all(), "{} instances are there", names.len());
        let begin = Instant::now();
        let work = |name: String| {
            let api = &api;
            async move {
                let told = api.delete(&name, &DeleteParams::default()).await?.left();
                let version = told.context("a finalizer keeps it")?.resource_version();
                let release = json!({"metadata": {"finalizers": null, "resourceVersion": version}});
                api.patch(&name, &PatchParams::default(), &Patch::Merge(release)).await?;
                anyhow::Ok(())
            }
        };
        stream::iter(names).map(work).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        Ok(begin.elapsed())
    }

    /// The instances that the sets would have, and their statuses, as a fabric that carries them shows.
    async fn instances(&self) -> anyhow::Result<Vec<(DynamicObject, Value)>> {
        let mut fabric = fabric(&self.space.name);
        let mut instances = Vec::new();
        for mut shown in self.space.api(SET).list(&ListParams::default()).await? {
            let name = Name::new(self.space.name.as_str(), shown.name_any());
            shown.data["spec"]["replicas"] = json!(self.shape.instances);
            fabric.put(&name, request_of(SET, &shown)).expect("the set is good");
            let set_uid = Uid::from(shown.metadata.uid.as_deref().context("every object has a uid")?);
            let ids = 0..u64::try_from(self.shape.instances)?;
            for child in ids.flat_map(|id| children::of_instance(&fabric, &name, id)).collect::<Vec<_>>() {
                let manifest = children::manifest(&fabric, &name, &set_uid, &child).context("it is wanted")?;
                let manifest: DynamicObject = serde_json::from_value(manifest)?;
                let request = request_of(INSTANCE, &created(&child, manifest.clone()));
                let uid = request.uid.clone();
                fabric.put(&child.id.name, request).expect("the instance is its own");
                instances.push((manifest, status(&fabric, &child.id, &uid)));
            }
        }
        Ok(instances)
    }
}

/// A new object as the API server would show it.
fn created(child: &Child, mut object: DynamicObject) -> DynamicObject {
    object.metadata.uid = Some(format!("uid-of-{}", child.id.name.name));
    object.metadata.resource_version = Some("1".to_owned());
    object.metadata.generation = Some(1);
    assert!(object.finalizers().contains(&FINALIZER.to_owned()), "it comes with the finalizer");
    object
}

fn set_name(number: usize) -> String {
    format!("set-{number:03}")
}

/// The runs of one shape, on a control plane of their own.
pub struct Bench {
    shape: Shape,
    cluster: Cluster,
    out: Direction,
    back: Direction,
}

/// What is measured of scaling one way.
#[derive(Default)]
struct Direction {
    with_operator: Vec<f64>,
    with_bare_client: Vec<f64>,
    writes: Writes,
}

impl Bench {
    pub async fn start(shape: Shape) -> anyhow::Result<Self> {
        progress(shape, "starting a control plane");
        let cluster = Cluster::start().await?;
        Ok(Self { shape, cluster, out: Direction::default(), back: Direction::default() })
    }

    pub async fn run(mut self, pairs: usize) -> anyhow::Result<()> {
        self.cluster.operator_runs().await?;
        let warm = Farm::new(&self.cluster.plane.client, "warm".to_owned(), WARM).await?;
        warm.scale_out().await?;
        warm.scale_in().await?;
        for (pair, run) in runs(pairs) {
            match run {
                Run::Operator => self.operator_run(pair).await?,
                Run::BareClient => self.bare_run(pair).await?,
            }
        }
        self.cluster.operator_stops()?;
        self.print("scaling out", &self.out);
        self.print("scaling in", &self.back);
        Ok(())
    }

    async fn operator_run(&mut self, pair: usize) -> anyhow::Result<()> {
        self.cluster.operator_runs().await?;
        let plane = &self.cluster.plane;
        let farm = Farm::new(&plane.client, format!("operator-{pair}"), self.shape).await?;
        let before = plane.writes().await?;
        let out = farm.scale_out().await?;
        let between = plane.writes().await?;
        let back = farm.scale_in().await?;
        let after = plane.writes().await?;
        self.out.writes += between.clone() - before;
        self.back.writes += after - between;
        self.out.with_operator.push(out.as_secs_f64());
        self.back.with_operator.push(back.as_secs_f64());
        self.progress(pair, "operator", out, back);
        Ok(())
    }

    async fn bare_run(&mut self, pair: usize) -> anyhow::Result<()> {
        self.cluster.operator_runs().await?;
        let farm = Farm::new(&self.cluster.plane.client, format!("bare-{pair}"), self.shape).await?;
        self.cluster.operator_stops()?;
        let (out, back) = (farm.bare_out().await?, farm.bare_in().await?);
        self.out.with_bare_client.push(out.as_secs_f64());
        self.back.with_bare_client.push(back.as_secs_f64());
        self.progress(pair, "bare client", out, back);
        Ok(())
    }

    fn progress(&self, pair: usize, who: &str, out: Duration, back: Duration) {
        let (out, back) = (out.as_secs_f64(), back.as_secs_f64());
        progress(self.shape, &format!("pair {}, {who}: out {out:.2} s, in {back:.2} s", pair + 1));
    }

    fn print(&self, what: &str, direction: &Direction) {
        let (shape, times) = (self.shape, &direction.with_operator);
        let titled = |figure: &str| format!("{shape} instances, {what}: {figure}");
        let rate = |times: &[f64]| {
            let time = median(times.to_vec());
            format!("{time:.2} s, {:.0} a second", shape.all() as f64 / time)
        };
        print(&titled("operator"), &rate(times), None);
        print(&titled("bare client"), &rate(&direction.with_bare_client), None);
        let ratios = times.iter().zip(&direction.with_bare_client).map(|(operator, bare)| operator / bare);
        print_ratio(&titled("operator against it"), median(ratios.collect()), Some(1.5));
        let of_instances = direction.writes.of("virtualmachinescalesetvms");
        let per_instance = of_instances / (shape.all() * times.len()) as f64;
        print(&titled("writes per instance"), &format!("{per_instance:.3}"), Some("2.50"));
        let conflicts = direction.writes.count(|write| write.code == "409");
        print(&titled("conflicts"), &format!("{conflicts:.0}"), None);
        let of_sets = |write: &Change| write.resource == "virtualmachinescalesets" && write.subresource != "scale";
        let per_event = direction.writes.count(of_sets) / (shape.sets * times.len()) as f64;
        print(&titled("writes of a set"), &format!("{per_event:.1}"), Some("a few"));
        let others = ["subnets", "virtualnetworks", "controllerrevisions"].map(|kind| direction.writes.of(kind));
        print(&titled("writes of others"), &format!("{:.0}", others.iter().sum::<f64>()), None);
    }
}

fn progress(shape: Shape, what: &str) {
    eprintln!("== {shape} instances: {what}");
}
