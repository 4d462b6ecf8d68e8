//! The command line.

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Parser, Subcommand};
use ipnet::Ipv4Net;
use tokio::signal::unix::{SignalKind, signal};
use vnet_operator::api::crd;
use vnet_operator::fabric::engine::DynamicAddresses;
use vnet_operator::fabric::quota::Quotas;
use vnet_operator::fabric::{Settings, catalogue};
use vnet_operator::operator::health::{self, Readiness};
use vnet_operator::operator::run;
use vnet_operator::upgrade::{self, Which};

/// Virtual-machine networking in Azure's model, on a simulated fabric.
#[derive(Debug, Parser)]
#[command(name = "vnet", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the operator, with the current kubeconfig or inside a cluster
    Run(RunOptions),
    /// Write the CustomResourceDefinitions and the finalizer policy, to a folder or to standard output
    ///
    /// Example: vnet crds | kubectl apply --server-side -f -
    Crds {
        /// The folder; without it, all goes to standard output
        #[arg(long)]
        dir: Option<PathBuf>,
    },
    /// Tell instances of a scale set to take up the latest model, as upgradePolicy Manual asks for
    ///
    /// Example: vnet upgrade vmss/api --namespace shop --instances 0,3
    Upgrade(UpgradeOptions),
    /// Tell what a rule says, its error code, remedy and source; without an id, the whole rule reference as Markdown
    ///
    /// Example: vnet rules ADDR-08
    Rules {
        /// Rule ids, as status.violations[].rule shows them
        ids: Vec<String>,
    },
}

/// Prints the rules that are asked for, or all.
fn print_rules(ids: &[String]) -> anyhow::Result<()> {
    if ids.is_empty() {
        return Ok(std::io::stdout().write_all(catalogue::markdown().as_bytes())?);
    }
    for id in ids {
        let told = catalogue::lookup(id);
        anyhow::ensure!(!told.is_empty(), "there is no rule {id:?}; `vnet rules` lists all");
        for rule in told {
            writeln!(std::io::stdout(), "{rule}")?;
        }
    }
    Ok(())
}

#[derive(Debug, clap::Args)]
struct UpgradeOptions {
    /// The scale set: vmss/NAME, or NAME
    set: String,
    /// Its namespace; without it, that of the current context
    #[arg(long, short)]
    namespace: Option<String>,
    /// The instances, by id, such as 0,3
    #[arg(long, value_delimiter = ',', required_unless_present = "all")]
    instances: Vec<u64>,
    /// All instances
    #[arg(long, conflicts_with = "instances")]
    all: bool,
}

async fn upgrade_instances(options: UpgradeOptions) -> anyhow::Result<()> {
    let which = if options.all { Which::All } else { Which::Ids(options.instances.into_iter().collect()) };
    let client = connect().await?;
    for line in upgrade::upgrade(client, options.namespace.as_deref(), &options.set, &which).await? {
        writeln!(std::io::stdout(), "{line}")?;
    }
    Ok(())
}

async fn connect() -> anyhow::Result<kube::Client> {
    kube::Client::try_default().await.context(
        "no cluster: set KUBECONFIG to a kubeconfig (`make up` starts a local control plane and prints the line), or run inside a cluster",
    )
}

#[derive(Debug, clap::Args)]
struct RunOptions {
    /// Where /healthz and /readyz are served
    #[arg(long, env = "VNET_HEALTH_ADDR", default_value = "127.0.0.1:8081")]
    health_addr: SocketAddr,
    /// The region of objects that name none and whose Namespace has no label vnet.dev/location
    #[arg(long, env = "VNET_DEFAULT_LOCATION", default_value = "westeurope", value_parser = location)]
    default_location: String,
    /// The platform's public IPv4 addresses
    #[arg(long, env = "VNET_PUBLIC_IP_POOL", default_value = "198.18.0.0/15")]
    public_ip_pool: Ipv4Net,
    /// How long a virtual machine takes to start, such as 5s
    #[arg(long, env = "VNET_VM_START", default_value = "0s")]
    vm_start: humantime::Duration,
    /// Assign dynamic private addresses anew when a virtual machine starts after it was deallocated
    #[arg(long, env = "VNET_REASSIGN_DYNAMIC_ADDRESSES")]
    reassign_dynamic_addresses: bool,
    /// Enforce the quotas of a new subscription: in each region 10 public addresses of a kind, 1,000 virtual networks,
    /// 65,536 network interfaces
    #[arg(long, env = "VNET_ENFORCE_QUOTAS")]
    enforce_quotas: bool,
    /// How log lines are written
    #[arg(long, env = "VNET_LOG_FORMAT", default_value = "text")]
    log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

fn location(text: &str) -> Result<String, String> {
    let fits = !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    fits.then(|| text.to_owned())
        .ok_or_else(|| "a region is lower-case letters and digits, such as westeurope".to_owned())
}

/// Does what the command line says.
pub fn execute(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Run(options) => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            runtime.block_on(operate(options))
        }
        Command::Upgrade(options) => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(upgrade_instances(options))
        }
        Command::Crds { dir: Some(dir) } => write_crds(&dir),
        Command::Crds { dir: None } => print_crds(),
        Command::Rules { ids } => print_rules(&ids),
    }
}

async fn operate(options: RunOptions) -> anyhow::Result<()> {
    log_as(options.log_format);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let client = connect().await?;
    let settings = Settings {
        default_location: options.default_location.into(),
        public_ip_pool: options.public_ip_pool.trunc(),
        vm_start: options.vm_start.into(),
        dynamic_addresses: match options.reassign_dynamic_addresses {
            true => DynamicAddresses::Reassigned,
            false => DynamicAddresses::Kept,
        },
        quotas: match options.enforce_quotas {
            true => Quotas::Enforced,
            false => Quotas::Off,
        },
    };
    let readiness = Readiness::default();
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    tokio::select! {
        served = health::serve(options.health_addr, readiness.clone()) => {
            served.with_context(|| format!("cannot serve health endpoints on {}", options.health_addr))
        }
        () = run::run(client, settings, readiness, stop) => Ok(()),
    }
}

fn log_as(format: LogFormat) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => logs.init(),
        LogFormat::Json => logs.json().flatten_event(true).init(),
    }
}

fn write_crds(dir: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make the folder {}", dir.display()))?;
    for (name, text) in crd::files()? {
        let path = dir.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn print_crds() -> anyhow::Result<()> {
    let texts: Vec<String> = crd::files()?.into_iter().map(|(_, text)| text).collect();
    Ok(std::io::stdout().write_all(texts.join("---\n").as_bytes())?)
}
