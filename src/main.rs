//! The binary `vnet`: the command line; what it runs is in the library.

mod cli;

use std::io::Write;
use std::process::ExitCode;

use vnet_operator::operator::run::Ended;

/// The exit code of what could not be done; 1 is a plan's that something is refused, and an operator's that does not start.
const FAILED: u8 = 2;
const REFUSED: u8 = 1;

fn main() -> ExitCode {
    match cli::execute(cli::Cli::read()) {
        Ok(code) => code,
        Err(error) if cli::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let causes: String = error.chain().skip(1).map(|cause| format!("\n  {cause}")).collect();
            // Where standard error is closed, there is no reader.
            let _ = writeln!(std::io::stderr(), "Error: {error}{causes}");
            let is_refusal = error.downcast_ref::<Ended>().is_some_and(Ended::is_refusal);
            ExitCode::from(if is_refusal { REFUSED } else { FAILED })
        }
    }
}
