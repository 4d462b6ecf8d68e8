//! `vnet run`: the operator.

use std::ffi::OsStr;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use clap::builder::BoolishValueParser;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;
use vnet_operator::fabric::Settings;
use vnet_operator::operator::endpoints::{self, Probes};
use vnet_operator::operator::health::Readiness;
use vnet_operator::operator::leader::{Candidacy, Timing};
use vnet_operator::operator::lease::Candidate;
use vnet_operator::operator::run;
use vnet_operator::operator::settings::NAMESPACE;
use vnet_operator::operator::timeouts::Timeouts;

use super::cluster::ApiServer;
use super::fabric_options::FabricOptions;

pub const EXAMPLES: &str = "\
Examples:
  vnet run                                        for the cluster of the current context, or inside one
  vnet run --default-location norwayeast          the location of objects that name none
  vnet run --vm-start 5s --enforce-quotas         starts take time, and quotas hold
  vnet run --leader-elect                         one of several, of which one leads
  VNET_LOG_FORMAT=json RUST_LOG=warn vnet run     flags from variables; RUST_LOG sets the log level";

#[derive(Debug, clap::Args)]
pub struct RunOptions {
    /// Address of the endpoints /healthz, /readyz and /metrics
    #[arg(long, env = "VNET_HEALTH_ADDR", default_value = "127.0.0.1:8081")]
    health_addr: SocketAddr,
    /// The operator's own namespace, with the Lease vnet-operator and, for `vnet plan`, the ConfigMap vnet-settings
    #[arg(long, env = "POD_NAMESPACE", default_value = NAMESPACE)]
    namespace: String,
    /// Stand by while another operator holds the Lease; without this, refuse to start beside one that runs
    #[arg(long, env = "VNET_LEADER_ELECT", value_parser = BoolishValueParser::new(), value_name = "BOOL",
          num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true")]
    leader_elect: bool,
    /// How long the Lease must not have been renewed before another operator takes it over, in whole seconds
    #[arg(long, env = "VNET_LEASE_DURATION", default_value = "15s", value_parser = lease_duration)]
    lease_duration: Timing,
    /// How long a virtual machine takes to start, such as 5s
    #[arg(long, env = "VNET_VM_START", default_value = "0s")]
    vm_start: humantime::Duration,
    /// How long the API server may take to answer a list or a watch, such as 30s
    #[arg(long, env = "VNET_REQUEST_TIMEOUT", default_value = "30s", value_parser = time_limit)]
    request_timeout: Duration,
    /// How long a watch lasts before it is started again; one that receives nothing for longer makes /readyz fail
    #[arg(long, env = "VNET_WATCH_TIMEOUT", default_value = "2m", value_parser = time_limit)]
    watch_timeout: Duration,
    /// Log format
    #[arg(long, env = "VNET_LOG_FORMAT", default_value = "text")]
    log_format: LogFormat,
    #[command(flatten)]
    fabric: FabricOptions,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum LogFormat {
    /// Human-readable
    Text,
    /// One JSON object a line
    Json,
}

/// A shorter limit fails working watches; with a longer one a dead peer goes unnoticed.
fn time_limit(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    let range = Duration::from_secs(1)..=Duration::from_secs(300);
    if range.contains(&duration) { Ok(duration) } else { Err("must be between 1s and 5m".to_owned()) }
}

/// The API server has it in whole seconds; with fewer than three, a renewal that takes a moment comes too late.
fn lease_duration(text: &str) -> Result<Timing, String> {
    let duration = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    let seconds = i32::try_from(duration.as_secs()).ok().filter(|seconds| (3..=300).contains(seconds));
    let whole = seconds.filter(|_| duration.subsec_nanos() == 0);
    whole.map(Timing::of_seconds).ok_or_else(|| "must be whole seconds between 3s and 5m".to_owned())
}

/// What no other process is called: the host, for people, and a number that is drawn at each start.
fn identity() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").or_else(|_| std::env::var("HOSTNAME"));
    let host = host.map_or_else(|_| "vnet".to_owned(), |host| host.trim().to_owned());
    let drawn = RandomState::new().build_hasher().finish();
    format!("{host}_{}_{drawn:016x}", std::process::id())
}

/// Runs the operator until SIGTERM or SIGINT.
pub async fn operate(options: RunOptions) -> anyhow::Result<()> {
    log_as(options.log_format);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let timeouts = Timeouts { request: options.request_timeout, watch: options.watch_timeout };
    let (server, for_the_lease) = ApiServer::two_without_retries().await?;
    let client = server.client.clone();
    // The operator retries until the API server answers; the log shows which one it is.
    tokio::spawn(async move {
        if let Err(error) = server.limited(timeouts).answers().await {
            tracing::warn!("{error:#}; retrying");
        }
    });
    let settings = Settings { vm_start: options.vm_start.into(), ..options.fabric.settings() };
    let readiness = Readiness::new(timeouts.silence());
    let candidate = Candidate {
        client: for_the_lease.client,
        namespace: options.namespace,
        identity: identity(),
        timing: options.lease_duration,
        candidacy: if options.leader_elect { Candidacy::StandsBy } else { Candidacy::RunsAlone },
    };
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let cannot_serve = || format!("cannot serve health and metrics on {}", options.health_addr);
    let listener = TcpListener::bind(options.health_addr).await.with_context(cannot_serve)?;
    let (probes, inquiries) = Probes::new(readiness.clone());
    let mut serving = tokio::spawn(endpoints::serve(listener, probes));
    tokio::select! {
        served = &mut serving => served?.with_context(cannot_serve),
        ran = run::run(client, candidate, settings, timeouts, readiness, inquiries, stop) => Ok(ran?),
    }
}

/// What kube logs of each failed attempt; the operator logs it once. Only kube logs the certificate authority.
const SAID_ONCE: &str = "kube_runtime::watcher=off,kube_client::client=off,kube_client::client::tls=warn";

const DEFAULT_LOG: &str = "info";
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
/// The crates whose names are one word.
const CRATES: [&str; 7] = ["axum", "hyper", "kube", "rustls", "tokio", "tower", "vnet"];

/// What RUST_LOG asks for. A word that is no level would be taken for the name of a crate, of which all is logged, and of
/// the others nothing.
fn log_filter(asked: &OsStr) -> Result<String, String> {
    let asked = asked.to_str().ok_or("it is not UTF-8")?;
    EnvFilter::try_new(asked).map_err(|error| error.to_string())?;
    let is_word = |directive: &&str| directive.chars().all(char::is_alphabetic);
    let is_known = |word: &&str| LEVELS.iter().chain(&CRATES).any(|known| known.eq_ignore_ascii_case(word));
    match asked.split(',').map(str::trim).filter(is_word).find(|word| !word.is_empty() && !is_known(word)) {
        Some(word) => Err(format!("{word} is not a level")),
        None => Ok(asked.to_owned()),
    }
}

fn log_as(format: LogFormat) {
    let (asked, invalid) = match std::env::var_os(EnvFilter::DEFAULT_ENV).map(|asked| log_filter(&asked)) {
        None => (DEFAULT_LOG.to_owned(), None),
        Some(Ok(asked)) => (asked, None),
        Some(Err(why)) => (DEFAULT_LOG.to_owned(), Some(why)),
    };
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
    if let Some(why) = invalid {
        tracing::warn!(
            "RUST_LOG is ignored: {why}; it is a level (error, warn, info, debug, trace), or a list such as info,kube_client=debug"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_lists_of_targets_are_filters() {
        for asked in ["", "info", "WARN", "off", "info,kube_client=debug", "vnet_operator=trace,hyper", "kube"] {
            assert_eq!(log_filter(asked.as_ref()), Ok(asked.to_owned()));
        }
    }

    #[test]
    fn the_duration_of_a_lease_is_in_whole_seconds() {
        assert_eq!(lease_duration("15s"), Ok(Timing::default()));
        for refused in ["0s", "2s", "2500ms", "3500ms", "6m", "soon"] {
            assert!(lease_duration(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn no_two_processes_are_called_the_same() {
        assert_ne!(identity(), identity());
    }

    #[test]
    fn a_misspelt_level_is_no_filter() {
        assert_eq!(log_filter("debg".as_ref()), Err("debg is not a level".to_owned()));
        assert_eq!(log_filter("info,warning".as_ref()), Err("warning is not a level".to_owned()));
        assert!(log_filter("vnet_operator=loud".as_ref()).is_err());
    }
}
