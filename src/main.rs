//! The binary `vnet`; everything it does is in the library.

mod cli;

use clap::Parser;

fn main() -> anyhow::Result<()> {
    cli::execute(cli::Cli::parse())
}
