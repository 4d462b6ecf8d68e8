//! The command line of `vnet`, as a newcomer explores it.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use crate::plan::text;

fn vnet(arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_vnet")).args(arguments).env("KUBECONFIG", "/dev/null").output();
    output.expect("it runs")
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
        (&["run", "--default-location", &"a".repeat(65)], "at most 64"),
        (&["plan"], "--help"),
        (&["plan", "-", "--against", "-"], "give - once"),
        (&["plan", "-", "--against", "cluster", "--prune", "-l", "=x"], "write label=value"),
        (&["plan", "-", "-n", ""], "--help"),
    ] {
        let told = vnet(arguments);
        assert_eq!(told.status.code(), Some(2), "{arguments:?}");
        assert!(text(&told.stderr).contains(advice), "{arguments:?}: {}", text(&told.stderr));
    }
}

#[test]
fn a_reader_that_has_had_enough_changes_no_exit_code() {
    for (arguments, code) in [(&["completions", "bash"][..], 0), (&["rules"], 0), (&["plan", "-"], 1)] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vnet"));
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut vnet = command.spawn().expect("it runs");
        drop(vnet.stdout.take());
        let manifest = "apiVersion: vnet.dev/v1alpha1\nkind: AvailabilitySet\nmetadata: {name: A_b}\nspec: {}\n";
        // What reads nothing of its input may have ended.
        let _ = vnet.stdin.take().map(|mut input| input.write_all(manifest.as_bytes()));
        let told = vnet.wait_with_output().expect("it ends");
        assert_eq!((told.status.code(), text(&told.stderr)), (Some(code), ""), "{arguments:?}");
    }
}

/// Links to folders, of which two make a tree without end, are not followed; links to files are read.
#[test]
fn a_folder_is_read_with_its_subfolders_and_without_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let set = |name: &str| {
        format!("apiVersion: vnet.dev/v1alpha1\nkind: AvailabilitySet\nmetadata: {{name: {name}}}\nspec: {{}}\n")
    };
    std::fs::create_dir(path("deep")).unwrap();
    std::fs::write(path("a.yaml"), set("a")).unwrap();
    std::fs::write(path("notes.txt"), "not: [a manifest").unwrap();
    std::fs::write(path("deep/b.yml"), set("b")).unwrap();
    std::fs::write(path("deep/c"), set("c")).unwrap();
    std::os::unix::fs::symlink("c", path("deep/c.yaml")).unwrap();
    for link in ["one", "two"] {
        std::os::unix::fs::symlink(".", path(link)).unwrap();
    }
    let named = |arguments: &[&str]| {
        let told = vnet(&[arguments, &[folder.path().to_str().unwrap(), "--output", "json"]].concat());
        let plan: serde_json::Value = serde_json::from_slice(&told.stdout).expect("a plan");
        let objects = plan["objects"].as_array().unwrap().iter();
        objects.map(|object| object["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(named(&["plan"]), ["a"]);
    assert_eq!(named(&["plan", "-R"]), ["a", "b", "c"]);
}

#[test]
fn all_that_cannot_be_read_is_told_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a.yaml"), b"\xff\xfe").unwrap();
    let told = vnet(&["plan", folder.path().to_str().unwrap(), "missing.yaml"]);
    let said = text(&told.stderr);
    assert_eq!(told.status.code(), Some(2), "{said}");
    for part in ["a.yaml: it is no text in UTF-8; leave it out", "missing.yaml: there is no such file"] {
        assert!(said.contains(part), "{part:?} is not in {said}");
    }
}

/// What `vnet rules` prints, and says on standard error if it fails.
fn rules(ids: &[&str]) -> Result<String, String> {
    let told = vnet(&[&["rules"], ids].concat());
    if told.status.success() { Ok(text(&told.stdout).to_owned()) } else { Err(text(&told.stderr).to_owned()) }
}

#[test]
fn a_rule_is_told_by_its_id_with_code_remedy_and_source() {
    let told = rules(&["addr-08"]).unwrap();
    for part in ["ADDR-08 (NetworkInterface, put)", "PrivateIPAddressInUse", "it waits", "remedy: ", "source: "] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
    for decision in ["S-36", "S-39", "D-06"] {
        assert!(rules(&[decision]).unwrap().starts_with(&format!("{decision}: ")));
    }
}

#[test]
fn an_id_of_no_rule_is_told_so() {
    let said = rules(&["ADDR-08", "ADDR-99"]).unwrap_err();
    assert!(said.contains("there is no rule \"ADDR-99\"") && said.contains("`vnet rules` lists all"), "{said}");
}
