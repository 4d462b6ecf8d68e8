//! The command line.

mod chart;
mod cluster;
mod dry_run;
mod fabric_options;
mod files;
mod list_ip_addresses;
mod plan;
mod rules;
mod run;
mod upgrade;
mod view;

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;
use vnet_operator::api::{crd, markdown, references};
use vnet_operator::operator::metrics;

use self::list_ip_addresses::ListIpAddressesOptions;
use self::plan::PlanOptions;
use self::rules::RuleId;
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
  vnet plan net.yaml                              preview what is allocated and refused; no cluster needed
  vnet crds | kubectl apply --server-side -f -    install the kinds
  vnet run                                        run the operator
  vnet rules ADDR-08                              describe a rule, with its code and remedy";

/// What the binary is called as a plugin of kubectl, which runs it as `kubectl vnet`.
const KUBECTL_PLUGIN: &str = "kubectl-vnet";

const CRDS_EXAMPLES: &str = "\
Examples:
  vnet crds | kubectl apply --server-side -f -    install or upgrade the kinds
  vnet crds --dir crds                            write one file for each kind, to keep in Git
  vnet crds --output markdown                     the API reference: every field with its description";

const KUSTOMIZE_EXAMPLES: &str = "\
Examples:
  vnet kustomize >references.yaml                 then, in kustomization.yaml: configurations: [references.yaml]";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  source <(vnet completions bash)                 this shell; in ~/.bashrc, every new one
  source <(vnet completions zsh)                  in ~/.zshrc, behind compinit
  vnet completions fish | source                  in ~/.config/fish/config.fish";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the operator, with the current kubeconfig or inside a cluster
    #[command(after_help = run::EXAMPLES)]
    Run(RunOptions),
    /// Preview the effect of manifests: what is allocated, changed, disrupted and refused; no cluster is needed
    ///
    /// Exit code: 0 all accepted; 1 something refused; 2 the input cannot be read; 3 accepted with changes, with
    /// --detailed-exitcode.
    #[command(after_help = plan::EXAMPLES)]
    Plan(PlanOptions),
    /// Write the CustomResourceDefinitions and the finalizer policy, to a folder or to standard output
    #[command(after_help = CRDS_EXAMPLES)]
    Crds {
        /// The folder [default: standard output]
        #[arg(long)]
        dir: Option<PathBuf>,
        /// How they are written
        #[arg(long, short, default_value = "yaml", conflicts_with = "dir")]
        output: CrdsOutput,
    },
    /// Write the files of the Helm chart that follow from the code
    #[command(hide = true)]
    Chart {
        /// The folder of the chart
        #[arg(long)]
        dir: PathBuf,
    },
    /// Upgrade instances of a scale set to the latest model, as upgradePolicy Manual requires
    #[command(after_help = upgrade::EXAMPLES)]
    Upgrade(UpgradeOptions),
    /// List the private and public addresses of machines, of the cluster of the current context or of manifests
    #[command(after_help = list_ip_addresses::EXAMPLES)]
    ListIpAddresses(ListIpAddressesOptions),
    /// Describe a rule: its error code, remedy and source; without an id, print the rule reference as Markdown
    #[command(after_help = rules::EXAMPLES)]
    Rules {
        /// Rule ids, as status.violations[].rule shows them
        #[arg(value_parser = RuleId, hide_possible_values = true)]
        ids: Vec<String>,
    },
    /// Write the table of the metrics that the operator serves, as Markdown
    #[command(hide = true)]
    Metrics,
    /// Write the kustomize configuration that renames references together with the objects that they name
    #[command(after_help = KUSTOMIZE_EXAMPLES)]
    Kustomize,
    /// Write the completions of a shell to standard output
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// How definitions are written.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum CrdsOutput {
    /// For kubectl
    Yaml,
    /// As a page that describes every field
    Markdown,
}

impl Cli {
    /// What the command line says. It ends here where that is help, or a mistake.
    pub fn read() -> Self {
        let program = std::env::args_os().next().unwrap_or_default();
        let name = match Path::new(&program).file_stem() {
            Some(name) if name == KUBECTL_PLUGIN => "kubectl vnet",
            Some(_) | None => "vnet",
        };
        let matches = Self::command().bin_name(name).get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

/// Whether the reader of the output has closed it.
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
        Command::ListIpAddresses(options) => list_ip_addresses::list(&options)?,
        Command::Upgrade(options) => on_one_thread(upgrade::upgrade_instances(options))?,
        Command::Chart { dir } => chart::write(&dir)?,
        Command::Crds { dir: Some(dir), output: _ } => write_crds(&dir)?,
        Command::Crds { dir: None, output: CrdsOutput::Yaml } => print_crds()?,
        Command::Crds { dir: None, output: CrdsOutput::Markdown } => {
            std::io::stdout().write_all(markdown::reference().as_bytes())?;
        }
        Command::Rules { ids } => rules::print(&ids)?,
        Command::Metrics => std::io::stdout().write_all(metrics::markdown().as_bytes())?,
        Command::Kustomize => {
            std::io::stdout().write_all(references::kustomize_configuration()?.as_bytes())?;
        }
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
