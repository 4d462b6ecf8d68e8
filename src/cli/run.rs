//! `vnet run`: the operator.

use std::io::IsTerminal;
use std::net::SocketAddr;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;
use vnet_operator::fabric::Settings;
use vnet_operator::operator::health::{self, Readiness};
use vnet_operator::operator::run;
use vnet_operator::operator::settings::NAMESPACE;

use super::cluster::ApiServer;
use super::fabric_options::FabricOptions;

pub const EXAMPLES: &str = "\
Examples:
  vnet run                                        for the cluster of the current context, or inside one
  vnet run --default-location norwayeast          where objects are that name no location
  vnet run --vm-start 5s --enforce-quotas         more like the cloud
  VNET_LOG_FORMAT=json RUST_LOG=warn vnet run     flags are variables too; RUST_LOG is how much is logged";

#[derive(Debug, clap::Args)]
pub struct RunOptions {
    /// Where /healthz and /readyz are served
    #[arg(long, env = "VNET_HEALTH_ADDR", default_value = "127.0.0.1:8081")]
    health_addr: SocketAddr,
    /// The operator's own namespace, in which the ConfigMap vnet-settings has its settings for `vnet plan`
    #[arg(long, env = "POD_NAMESPACE", default_value = NAMESPACE)]
    namespace: String,
    /// How long a virtual machine takes to start, such as 5s
    #[arg(long, env = "VNET_VM_START", default_value = "0s")]
    vm_start: humantime::Duration,
    /// How log lines are written
    #[arg(long, env = "VNET_LOG_FORMAT", default_value = "text")]
    log_format: LogFormat,
    #[command(flatten)]
    fabric: FabricOptions,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// Runs the operator until it is told to stop.
pub async fn operate(options: RunOptions) -> anyhow::Result<()> {
    log_as(options.log_format);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let server = ApiServer::configured().await?;
    let client = server.client.clone();
    // The operator asks until it is answered; who looks on is told where.
    tokio::spawn(async move {
        if let Err(error) = server.answers().await {
            tracing::warn!("{error:#}; it is asked again until it does");
        }
    });
    let settings = Settings { vm_start: options.vm_start.into(), ..options.fabric.settings() };
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
        ran = run::run(client, options.namespace, settings, readiness, stop) => Ok(ran?),
    }
}

/// What kube says of each try that fails; the operator says it once. The certificate authority is told of nowhere else.
const SAID_ONCE: &str = "kube_runtime::watcher=off,kube_client::client=off,kube_client::client::tls=warn";

fn log_as(format: LogFormat) {
    let asked = std::env::var(EnvFilter::DEFAULT_ENV).ok().filter(|asked| EnvFilter::try_new(asked).is_ok());
    let asked = asked.unwrap_or_else(|| "info".to_owned());
    let filter = if asked.contains("kube") { asked } else { format!("{SAID_ONCE},{asked}") };
    let filter = EnvFilter::new(filter);
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
