//! The command line of `vnet`, as a newcomer explores it.

use std::process::{Command, Output};

fn vnet(arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_vnet")).args(arguments).env("KUBECONFIG", "/dev/null").output();
    output.expect("it runs")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("it is UTF-8")
}

#[test]
fn every_command_says_what_it_does_with_an_example() {
    let help = vnet(&["--help"]);
    let commands = text(&help.stdout).lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands: Vec<String> = commands
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next().map(str::to_owned))
        .filter(|command| command != "help")
        .collect();
    assert_eq!(commands, ["run", "plan", "crds", "upgrade", "rules", "completions"]);
    for command in commands {
        let help = vnet(&[&command, "--help"]);
        assert!(text(&help.stdout).contains("Example"), "vnet {command} --help:\n{}", text(&help.stdout));
    }
}

#[test]
fn the_version_names_what_it_was_built_from() {
    let told = vnet(&["--version"]);
    assert!(text(&told.stdout).starts_with(concat!("vnet ", env!("CARGO_PKG_VERSION"), " (")), "{told:?}");
}

#[test]
fn every_shell_gets_its_completions() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let told = vnet(&["completions", shell]);
        assert!(told.status.success() && text(&told.stdout).contains("plan"), "{shell}");
    }
}

#[test]
fn what_cannot_be_done_exits_with_two_and_says_what_to_do() {
    for (arguments, advice) in [
        (&["run"][..], "set KUBECONFIG"),
        (&["upgrade", "vmss/api", "--all"], "set KUBECONFIG"),
        (&["upgrade", "vmss/api"], "--help"),
        (&["rules", "NOPE-01"], "`vnet rules` lists all"),
        (&["run", "--default-location", "West Europe"], "such as westeurope"),
        (&["plan"], "--help"),
    ] {
        let told = vnet(arguments);
        assert_eq!(told.status.code(), Some(2), "{arguments:?}");
        assert!(text(&told.stderr).contains(advice), "{arguments:?}: {}", text(&told.stderr));
    }
}

#[test]
fn a_rule_is_told_with_code_remedy_and_source() {
    let told = vnet(&["rules", "ADDR-08"]);
    for part in ["ADDR-08", "PrivateIPAddressInUse"] {
        assert!(text(&told.stdout).contains(part), "{}", text(&told.stdout));
    }
}
