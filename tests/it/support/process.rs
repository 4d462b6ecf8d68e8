//! A process that does not outlive the one that starts it. The benchmarks use it, too.

use std::process::Command;

/// The kernel kills it with the thread that starts it; without setpriv it stays should this process be killed.
pub fn dying_with_this_process(program: &str) -> Command {
    if Command::new("setpriv").arg("--version").output().is_err() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", program]);
    command
}
