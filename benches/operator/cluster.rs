//! A control plane of real binaries and the operator on it, as processes that end with the benchmark.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use axum::http::Request;
use kube::api::PostParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::DynamicObject;
use kube::{Api, Client, ResourceExt};
use serde_json::json;
use tempfile::TempDir;
use tokio::time::sleep;
use vnet_operator::api::object::api_resource;
use vnet_operator::api::{FINALIZER, GROUP};
use vnet_operator::fabric::Kind;
use vnet_operator::operator::settings::NAMESPACE;

use crate::process::dying_with_this_process;
use crate::support::spec;

/// How often something is asked that cannot be watched.
const ASK_AGAIN: Duration = Duration::from_millis(10);
/// Far more than the operator needs to start.
const START: Duration = Duration::from_secs(300);

/// etcd and the API server, with what `crds/` has.
pub struct Plane {
    // The standard input of tools/control-plane: it ends when this does, so that a kill leaves nothing behind.
    process: Child,
    folder: TempDir,
    pub client: Client,
}

impl Plane {
    pub async fn start() -> anyhow::Result<Self> {
        let assets = assets()?;
        let folder = folder_of_this_process()?;
        let mut process = Command::new(project().join("tools/control-plane"))
            .arg("run")
            .arg(folder.path().join("plane"))
            .arg("--until-eof")
            .env("VNET_ASSETS", &assets)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("tools/control-plane does not start")?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().context("its output is piped")?).read_line(&mut line)?;
        ensure!(line == "ready\n", "tools/control-plane has ended");
        let kubeconfig = folder.path().join("plane/kubeconfig");
        let options = KubeConfigOptions::default();
        let config = kube::Config::from_custom_kubeconfig(Kubeconfig::read_from(&kubeconfig)?, &options).await?;
        let plane = Self { process, folder, client: Client::try_from(config)? };
        plane.kubectl(&assets, &["apply", "--server-side", "-f", "crds"])?;
        plane.kubectl(&assets, &["create", "namespace", NAMESPACE])?;
        plane.kubectl(&assets, &["wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"])?;
        let begin = Instant::now();
        while !plane.brings_the_finalizer().await.unwrap_or(false) {
            ensure!(begin.elapsed() < START, "the admission policy does not act after {START:?}");
            sleep(ASK_AGAIN).await;
        }
        Ok(plane)
    }

    /// The admission policy acts a moment after it is installed; until then each object costs the operator one write more.
    async fn brings_the_finalizer(&self) -> anyhow::Result<bool> {
        let resource = api_resource(Kind::VirtualNetwork);
        let object = DynamicObject::new("probe", &resource).data(json!({"spec": spec(Kind::VirtualNetwork)}));
        let dry_run = PostParams { dry_run: true, ..PostParams::default() };
        let api = Api::<DynamicObject>::namespaced_with(self.client.clone(), "default", &resource);
        Ok(api.create(&dry_run, &object).await?.finalizers().iter().any(|finalizer| finalizer == FINALIZER))
    }

    fn kubectl(&self, assets: &Path, arguments: &[&str]) -> anyhow::Result<()> {
        let mut command = Command::new(assets.join("kubectl"));
        command.args(arguments).current_dir(project()).env("KUBECONFIG", self.kubeconfig());
        command.env("KUBECACHEDIR", self.folder.path().join("kubectl"));
        let output = command.output()?;
        ensure!(output.status.success(), "kubectl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("plane/kubeconfig")
    }

    /// The requests to change an object of the operator's kinds, a ControllerRevision or an Event, as the API server itself counts
    /// them: also those that it refused, and those that changed nothing.
    pub async fn writes(&self) -> anyhow::Result<Writes> {
        let request = Request::get("/metrics").body(Vec::new())?;
        let metrics = self.client.request_text(request).await?;
        let mut writes = Writes::default();
        for line in metrics.lines().filter_map(|line| line.strip_prefix("apiserver_request_total{")) {
            let label = |name: &str| {
                let value = line.split_once(&format!("{name}=\"")).and_then(|(_, rest)| rest.split_once('"'));
                value.map(|(value, _)| value.to_owned()).unwrap_or_default()
            };
            let (verb, resource) = (label("verb"), label("resource"));
            let changes = ["POST", "PUT", "PATCH", "APPLY", "DELETE", "DELETECOLLECTION"].contains(&verb.as_str());
            let is_ours = label("group") == GROUP || ["controllerrevisions", "events"].contains(&resource.as_str());
            if changes && is_ours && label("dry_run").is_empty() {
                let count: f64 = line.rsplit(' ').next().context("a metric has a value")?.parse()?;
                let write = Change { resource, subresource: label("subresource"), verb, code: label("code") };
                *writes.0.entry(write).or_default() += count;
            }
        }
        Ok(writes)
    }

    /// Starts the operator; returns it with the time until it is ready.
    pub async fn operator(&self) -> anyhow::Result<(Operator, Duration)> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let log = self.folder.path().join("operator.log");
        let mut command = dying_with_this_process(env!("CARGO_BIN_EXE_vnet"));
        command.args(["run", "--health-addr", &format!("127.0.0.1:{port}")]);
        command.env("KUBECONFIG", self.kubeconfig()).env_remove("RUST_LOG");
        command.stdin(Stdio::null()).stderr(OpenOptions::new().create(true).append(true).open(&log)?);
        let begin = Instant::now();
        let mut operator = Operator(command.spawn()?);
        while !is_ready(port).unwrap_or(false) {
            let ended = operator.0.try_wait()?;
            ensure!(ended.is_none(), "the operator has ended:\n{}", std::fs::read_to_string(&log)?);
            ensure!(begin.elapsed() < START, "the operator is not ready after {START:?}");
            sleep(ASK_AGAIN).await;
        }
        Ok((operator, begin.elapsed()))
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        self.process.wait().ok(); // the folder goes after it
    }
}

/// A request that asks for a change, as the API server's metrics name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    pub resource: String,
    pub subresource: String,
    pub verb: String,
    pub code: String,
}

/// How often each was made.
#[derive(Clone, Debug, Default)]
pub struct Writes(BTreeMap<Change, f64>);

impl Writes {
    /// How many there are of these.
    pub fn count(&self, is: impl Fn(&Change) -> bool) -> f64 {
        self.0.iter().filter(|(write, _)| is(write)).map(|(_, count)| count).sum::<f64>() + 0.0 // no sum is -0
    }

    /// How many there are of objects of a kind, by its plural.
    pub fn of(&self, resource: &str) -> f64 {
        self.count(|write| write.resource == resource)
    }
}

impl std::ops::AddAssign for Writes {
    fn add_assign(&mut self, more: Writes) {
        for (write, count) in more.0 {
            *self.0.entry(write).or_default() += count;
        }
    }
}

impl std::ops::Sub for Writes {
    type Output = Writes;

    fn sub(mut self, before: Writes) -> Writes {
        for (write, count) in before.0 {
            *self.0.entry(write).or_default() -= count;
        }
        self
    }
}

/// A control plane with the operator on it, while that is to run.
pub struct Cluster {
    pub operator: Option<Operator>, // ends before the control plane
    pub plane: Plane,
}

impl Cluster {
    pub async fn start() -> anyhow::Result<Self> {
        Ok(Self { operator: None, plane: Plane::start().await? })
    }

    /// Starts the operator if it does not run; returns the time until it was ready.
    pub async fn operator_runs(&mut self) -> anyhow::Result<Duration> {
        if self.operator.is_some() {
            return Ok(Duration::ZERO);
        }
        let (operator, time) = self.plane.operator().await?;
        self.operator = Some(operator);
        Ok(time)
    }

    /// Has the operator end, if it runs.
    pub fn operator_stops(&mut self) -> anyhow::Result<()> {
        self.operator.take().map_or(Ok(()), Operator::stop)
    }
}

/// The operator's process; it is killed when this is dropped.
pub struct Operator(Child);

impl Operator {
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// The processor time that it has taken so far, in seconds.
    pub fn processor_time(&self) -> anyhow::Result<f64> {
        const TICKS_A_SECOND: f64 = 100.0;
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id()))?;
        let (_, fields) = stat.rsplit_once(") ").context("its name is in brackets")?;
        let ticks: Result<Vec<f64>, _> = fields.split(' ').skip(11).take(2).map(str::parse).collect();
        Ok(ticks?.into_iter().sum::<f64>() / TICKS_A_SECOND)
    }

    /// Has it finish what it writes, and end.
    pub fn stop(mut self) -> anyhow::Result<()> {
        let told = Command::new("kill").args(["-TERM", &self.id().to_string()]).status()?;
        ensure!(told.success(), "the operator takes no signal");
        ensure!(self.0.wait()?.success(), "the operator did not end well");
        Ok(())
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn is_ready(port: u16) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.starts_with("HTTP/1.1 200"))
}

/// Those of earlier processes that were killed go.
fn folder_of_this_process() -> anyhow::Result<TempDir> {
    let all = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for entry in std::fs::read_dir(all)?.flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix("bench-")?.split('-').next());
        if process.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            std::fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(tempfile::Builder::new().prefix(&format!("bench-{}-", std::process::id())).tempdir_in(all)?)
}

fn assets() -> anyhow::Result<PathBuf> {
    if let Some(assets) = std::env::var_os("VNET_ASSETS") {
        return Ok(assets.into());
    }
    let output = Command::new(project().join("tools/binaries")).stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "tools/binaries finds no API server");
    Ok(String::from_utf8(output.stdout)?.trim_end().into())
}

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
