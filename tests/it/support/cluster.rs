//! A control plane of real binaries, and the real operator on it. Both end with the test process, however that ends.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use tokio::runtime::Runtime;

use crate::support::operator::Operator;

/// How long a test waits for anything. It is not a measure of speed: a loaded machine must not fail a test.
pub const DEADLINE: Duration = Duration::from_secs(60);
/// How often something is asked that cannot be watched.
const ASK_AGAIN: Duration = Duration::from_millis(20);
/// How often the operator may fail to start because its port was taken in the meantime.
const STARTS: usize = 3;

/// The name of the cluster of all tests that leave the operator running.
const SHARED_BY_ALL: &str = "shared";

/// Drives the client; tests themselves are plain functions.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("the machine has threads to spare"));
static SHARED: LazyLock<anyhow::Result<Cluster>> = LazyLock::new(|| Cluster::start(SHARED_BY_ALL));
static ALONE: LazyLock<anyhow::Result<Mutex<Cluster>>> = LazyLock::new(|| Cluster::start("alone").map(Mutex::new));

/// Runs a future of the client to its end.
pub fn block_on<F: Future>(future: F) -> F::Output {
    RUNTIME.block_on(future)
}

/// Runs a future of the client to its end, if that comes in time.
pub fn in_time<F: Future>(future: F) -> Option<F::Output> {
    RUNTIME.block_on(async { tokio::time::timeout(DEADLINE, future).await.ok() })
}

/// Runs a future of the client beside the test.
pub fn spawn<F: Future<Output: Send> + Send + 'static>(future: F) -> tokio::task::JoinHandle<F::Output> {
    RUNTIME.spawn(future)
}

/// The cluster of all tests that leave the operator running.
pub fn shared() -> &'static Cluster {
    SHARED.as_ref().unwrap_or_else(|error| panic!("no cluster: {error:#}"))
}

/// The cluster of tests that stop the operator or change what is installed; one test at a time has it.
pub fn alone() -> Alone {
    let cluster = ALONE.as_ref().unwrap_or_else(|error| panic!("no cluster: {error:#}"));
    let cluster = cluster.lock().unwrap_or_else(PoisonError::into_inner); // whatever failed there is made good here
    cluster.make_whole().unwrap_or_else(|error| panic!("the cluster cannot be made whole: {error:#}"));
    cluster.clear();
    Alone(cluster)
}

/// A cluster that no other test uses for now.
pub struct Alone(MutexGuard<'static, Cluster>);

impl Deref for Alone {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        &self.0
    }
}

/// A control plane with the operator on it.
pub struct Cluster {
    folder: PathBuf,
    assets: PathBuf,
    client: Client,
    operator: Mutex<Operator>,
    _control_plane: Child, // ends when its standard input does, with this process
}

/// An operator that is paused for as long as this is there.
pub struct Frozen<'a>(&'a Cluster);

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        self.0.operator().signal("-CONT");
    }
}

/// What a program said, and whether it succeeded.
#[derive(Debug)]
pub struct Told {
    /// True if its exit code was 0.
    pub ok: bool,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Cluster {
    fn start(name: &str) -> anyhow::Result<Self> {
        let assets = std::env::var_os("VNET_ASSETS").map(PathBuf::from).context(
            "VNET_ASSETS is not set, so there is no API server to test against: run `make test`, which gets one",
        )?;
        let folder = folder_of_this_process()?.join(name);
        fs::create_dir_all(&folder)?;
        let control_plane = step(name, "control plane", || start_control_plane(&folder, &assets))?;
        let client = block_on(client(&folder.join("plane/kubeconfig")))?;
        let cluster = Self { folder, assets, client, operator: Mutex::default(), _control_plane: control_plane };
        step(name, "resource definitions", || cluster.install())?;
        step(name, "operator", || cluster.start_operator())?;
        Ok(cluster)
    }

    /// Installs what a test before this one may have removed, and starts the operator if it does not run, or not plainly.
    fn make_whole(&self) -> anyhow::Result<()> {
        if !self.is_installed() {
            self.install()?;
        }
        let plainly = { self.operator().runs_plainly() };
        if plainly { Ok(()) } else { self.start_operator() }
    }

    /// The client of the tests.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// Whether all tests use it, at the same time.
    pub fn is_shared(&self) -> bool {
        self.folder.ends_with(SHARED_BY_ALL)
    }

    /// Runs kubectl, which reads `input`.
    pub fn kubectl(&self, arguments: &[&str], input: &str) -> Told {
        self.run(Command::new(self.assets.join("kubectl")).args(arguments), input)
    }

    /// Runs `vnet`, as people do beside the operator.
    pub fn vnet(&self, arguments: &[&str]) -> Told {
        self.run(Command::new(env!("CARGO_BIN_EXE_vnet")).args(arguments), "")
    }

    /// The same, as the user of another kubeconfig.
    pub fn vnet_with(&self, kubeconfig: &Path, arguments: &[&str]) -> Told {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vnet"));
        self.run_with(kubeconfig, command.args(arguments), "")
    }

    fn run(&self, command: &mut Command, input: &str) -> Told {
        self.run_with(&self.kubeconfig(), command, input)
    }

    fn run_with(&self, kubeconfig: &Path, command: &mut Command, input: &str) -> Told {
        command.env("KUBECONFIG", kubeconfig);
        command.env("KUBECACHEDIR", self.folder.join("kubectl-cache"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().expect("the program starts");
        process.stdin.take().expect("it is piped").write_all(input.as_bytes()).expect("the program reads");
        let output = process.wait_with_output().expect("the program ends");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Told { ok: output.status.success(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    // The operator.

    /// Starts the operator and waits until it is ready.
    pub fn start_operator(&self) -> anyhow::Result<()> {
        self.start_operator_with(&[])
    }

    /// Starts the operator with flags, in place of one that runs, and waits until it is ready.
    pub fn start_operator_with(&self, flags: &[&str]) -> anyhow::Result<()> {
        let runs = { self.operator().runs() };
        if runs {
            self.kill_operator();
        }
        for _ in 0..STARTS {
            self.release_lease();
            let log = OpenOptions::new().create(true).append(true).open(self.log_path())?;
            *self.operator() = Operator::spawn(&self.kubeconfig(), flags, log)?;
            let outcome = poll("the operator is ready, or has ended", || {
                let operator = &mut *self.operator();
                let ready = operator.get("/readyz").is_some_and(|answer| answer.starts_with("HTTP/1.1 200"));
                operator.ended().map(Err).or(ready.then_some(Ok(())))
            })?;
            if outcome.is_ok() {
                return Ok(());
            }
        }
        bail!("the operator ended instead of becoming ready:\n{}", tail(&self.log(), 20))
    }

    /// Ends the operator without warning, as a crash would.
    pub fn kill_operator(&self) {
        self.end_operator("-KILL");
    }

    /// The folder of kubectl and of the control plane's programs.
    pub fn assets(&self) -> &Path {
        &self.assets
    }

    /// Where its kubeconfig is.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.join("plane/kubeconfig")
    }

    /// Whether the operator runs as it does without flags.
    pub fn runs_plainly(&self) -> bool {
        self.operator().runs_plainly()
    }

    /// Asks the operator to end, and waits until it has.
    pub fn stop_operator(&self) -> ExitStatus {
        self.end_operator("-TERM")
    }

    fn end_operator(&self, signal: &str) -> ExitStatus {
        std::mem::take(&mut *self.operator()).end(signal)
    }

    /// Pauses the operator until what this returns is dropped; it then goes on as if nothing had been.
    pub fn freeze_operator(&self) -> Frozen<'_> {
        self.operator().signal("-STOP");
        Frozen(self)
    }

    /// What the operator answers to a GET: status line, headers and body.
    pub fn health(&self, path: &str) -> Option<String> {
        self.operator().get(path)
    }

    /// All that the operator has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Where the operator's log is.
    pub fn log_path(&self) -> PathBuf {
        self.folder.join("operator.log")
    }

    fn operator(&self) -> MutexGuard<'_, Operator> {
        self.operator.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks again and again until there is an answer. For what cannot be watched only.
pub fn poll<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> anyhow::Result<T> {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(answer) = ask() {
            return Ok(answer);
        }
        ensure!(Instant::now() < deadline, "not within {DEADLINE:?}: {what}");
        std::thread::sleep(ASK_AGAIN);
    }
}

/// The last lines of a text.
pub fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// The folder of the project.
pub fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder that stays after the run, for its logs; those of earlier runs go.
fn folder_of_this_process() -> anyhow::Result<PathBuf> {
    let all = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for entry in fs::read_dir(all)?.flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix("it-"));
        if process.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            fs::remove_dir_all(entry.path()).ok();
        }
    }
    Ok(all.join(format!("it-{}", std::process::id())))
}

fn start_control_plane(folder: &Path, assets: &Path) -> anyhow::Result<Child> {
    let log = folder.join("control-plane.log");
    let mut command = Command::new(project().join("tools/control-plane"));
    command.arg("run").arg(folder.join("plane")).arg("--until-eof").env("VNET_ASSETS", assets);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(File::create(&log)?);
    let mut process = command.spawn().context("tools/control-plane does not start")?;
    let mut line = String::new();
    let output = process.stdout.take().context("its output is piped")?;
    BufReader::new(output).read_line(&mut line)?;
    ensure!(line == "ready\n", "tools/control-plane ended:\n{}", fs::read_to_string(&log)?);
    Ok(process)
}

async fn client(kubeconfig: &Path) -> anyhow::Result<Client> {
    let options = KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(Kubeconfig::read_from(kubeconfig)?, &options).await?;
    Ok(Client::try_from(config)?)
}

/// Says on standard error, which libtest does not capture this way, what takes long.
fn step<T>(cluster: &str, title: &str, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let begin = Instant::now();
    writeln!(std::io::stderr(), "== {cluster} cluster: {title}")?;
    let done = work().with_context(|| format!("{cluster} cluster: {title}"))?;
    writeln!(std::io::stderr(), "== {cluster} cluster: {title}: {:.1} s", begin.elapsed().as_secs_f32())?;
    Ok(done)
}
