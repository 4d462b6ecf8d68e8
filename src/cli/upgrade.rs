//! `vnet upgrade`: tells instances of a scale set to take up the latest model.

use std::io::Write;

use vnet_operator::upgrade::{self, Which};

use super::cluster::connect;

pub const EXAMPLES: &str = "\
Examples:
  vnet upgrade vmss/api -n shop --all             every instance that has not the latest model
  vnet upgrade vmss/api -n shop --instances 0,3   these two
  kubectl get vmssvm -n shop                      LATEST shows who has it";

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("which").required(true))]
pub struct UpgradeOptions {
    /// The scale set: vmss/NAME, or NAME
    set: String,
    /// Its namespace; without it, that of the current context
    #[arg(long, short)]
    namespace: Option<String>,
    /// The instances, by id, such as 0,3
    #[arg(long, value_delimiter = ',', group = "which")]
    instances: Vec<u64>,
    /// All instances
    #[arg(long, group = "which")]
    all: bool,
}

/// Tells them, and prints a line for each.
pub async fn upgrade_instances(options: UpgradeOptions) -> anyhow::Result<()> {
    let which = if options.all { Which::All } else { Which::Ids(options.instances.into_iter().collect()) };
    let client = connect().await?;
    let tell = |line: &str| Ok(writeln!(std::io::stdout(), "{line}")?);
    upgrade::upgrade(client, options.namespace.as_deref(), &options.set, &which, tell).await
}
