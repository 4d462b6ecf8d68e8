//! The binary `vnet`: the command line; what it runs is in the library.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions)
)]

mod cli;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use vnet_operator::operator::settings::StartRefused;

/// The exit code of what could not be done; 1 is a plan's that something is refused, and an operator's that does not start.
const FAILED: u8 = 2;
const REFUSED: u8 = 1;

fn main() -> ExitCode {
    match cli::execute(cli::Cli::parse()) {
        Ok(code) => code,
        Err(error) if cli::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let causes: String = error.chain().skip(1).map(|cause| format!("\n  {cause}")).collect();
            // Where standard error is closed, there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "Error: {error}{causes}");
            ExitCode::from(if error.is::<StartRefused>() { REFUSED } else { FAILED })
        }
    }
}
