//! The command line.

mod fabric;
mod plan;
mod run;
mod upgrade;

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use vnet_operator::api::crd;
use vnet_operator::fabric::catalogue;

use self::plan::PlanOptions;
use self::run::RunOptions;
use self::upgrade::UpgradeOptions;

/// Virtual-machine networking in Azure's model, on a simulated fabric.
#[derive(Debug, Parser)]
#[command(name = "vnet", version = env!("VNET_VERSION"), arg_required_else_help = true, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  vnet plan net.yaml                              what would be allocated and refused; no cluster
  vnet crds | kubectl apply --server-side -f -    install the kinds
  vnet run                                        the operator
  vnet rules ADDR-08                              what a rule says, and what to do";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the operator, with the current kubeconfig or inside a cluster
    ///
    /// Example: vnet run --default-location norwayeast
    Run(RunOptions),
    /// Tell what would come of manifests: what is allocated, changed, disrupted, and refused; no cluster is needed
    ///
    /// Exit code: 0 all accepted; 1 something refused; 2 the input cannot be read; 3 accepted with changes, with
    /// --detailed-exitcode.
    #[command(after_help = plan::EXAMPLES)]
    Plan(PlanOptions),
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
    /// Write the completions of a shell to standard output
    ///
    /// Example: source <(vnet completions bash)
    Completions {
        /// The shell
        shell: Shell,
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

async fn connect() -> anyhow::Result<kube::Client> {
    kube::Client::try_default().await.context(
        "no cluster: set KUBECONFIG to a kubeconfig (`make up` starts a local control plane and prints the line), or run inside a cluster",
    )
}

/// Whether whoever reads the output has had enough of it.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

/// Does what the command line says.
pub fn execute(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Run(options) => {
            tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run::operate(options))?;
        }
        Command::Plan(options) => return plan::plan(&options),
        Command::Upgrade(options) => on_one_thread(upgrade::upgrade_instances(options))?,
        Command::Crds { dir: Some(dir) } => write_crds(&dir)?,
        Command::Crds { dir: None } => print_crds()?,
        Command::Rules { ids } => print_rules(&ids)?,
        Command::Completions { shell } => {
            // It panics where it cannot write.
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "vnet", &mut text);
            std::io::stdout().write_all(&text)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn on_one_thread<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
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
