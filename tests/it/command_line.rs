//! The command line of `vnet`, as a newcomer explores it.

use std::io::{BufRead, BufReader, Write};
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
    assert_eq!(commands, ["run", "plan", "crds", "upgrade", "list-ip-addresses", "rules", "kustomize", "completions"]);
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
fn bash_and_zsh_complete_the_ids_of_rules() {
    for shell in ["bash", "zsh"] {
        let told = vnet(&["completions", shell]);
        for id in ["ADDR-08", "VMSS-06", "S-36", "D-06"] {
            let words: Vec<&str> = text(&told.stdout).split(|c: char| !c.is_alphanumeric() && c != '-').collect();
            assert!(words.contains(&id), "{id} is not in that of {shell}");
        }
    }
}

#[test]
fn what_cannot_be_done_exits_with_two_and_says_what_to_do() {
    for (arguments, advice) in [
        (&["run"][..], "set KUBECONFIG"),
        (&["upgrade", "vmss/api", "--all"], "set KUBECONFIG"),
        (&["upgrade", "vmss/api"], "--help"),
        (&["upgrade", "vmss/api", "--instances", "api-0"], "0 of the instance api-0"),
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
fn a_link_to_a_file_that_is_not_there_is_told_as_kubectl_tells_it() {
    let folder = tempfile::tempdir().expect("a folder");
    std::os::unix::fs::symlink("nowhere.yaml", folder.path().join("dangling.yaml")).expect("a link");
    let told = vnet(&["plan", folder.path().to_str().unwrap()]);
    assert_eq!(told.status.code(), Some(2));
    assert!(text(&told.stderr).contains("dangling.yaml: there is no such file"), "{}", text(&told.stderr));
}

#[test]
fn a_state_that_does_not_tell_who_has_set_what_is_warned_of() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let manifest = "apiVersion: vnet.dev/v1alpha1\nkind: AvailabilitySet\n";
    std::fs::write(path("a.yaml"), format!("{manifest}metadata: {{name: a}}\nspec: {{}}\n")).unwrap();
    for (managed, warns) in [("", true), (", managedFields: []", false)] {
        let metadata = format!("{{name: a, namespace: default, uid: u, resourceVersion: '1'{managed}}}");
        std::fs::write(path("state.yaml"), format!("{manifest}metadata: {metadata}\nspec: {{}}\n")).unwrap();
        let told = vnet(&["plan", &path("a.yaml"), "--against", &path("state.yaml")]);
        assert_eq!(told.status.code(), Some(0), "{told:?}");
        assert_eq!(text(&told.stderr).contains("take it with --show-managed-fields"), warns, "{told:?}");
    }
}

#[test]
fn all_that_cannot_be_read_is_told_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a.yaml"), b"\xff\xfe").unwrap();
    let told = vnet(&["plan", folder.path().to_str().unwrap(), "missing.yaml"]);
    let said = text(&told.stderr);
    assert_eq!(told.status.code(), Some(2), "{said}");
    for part in ["a.yaml: it is not UTF-8 text; leave it out", "missing.yaml: there is no such file"] {
        assert!(said.contains(part), "{part:?} is not in {said}");
    }
}

#[test]
fn what_cannot_be_read_is_an_annotation_of_the_pull_request_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (good, broken, binary, missing) = (path("good.yaml"), path("broken.yaml"), path("binary.yaml"), path("none"));
    std::fs::write(&good, "apiVersion: vnet.dev/v1alpha1\nkind: AvailabilitySet\nmetadata: {name: a}\nspec: {}\n")
        .unwrap();
    std::fs::write(&broken, "metadata: {name: a}\n---\nspec: {}\n").unwrap();
    std::fs::write(&binary, b"\xff\xfe").unwrap();
    let title = "title=Unreadable::";
    for (arguments, begins) in [
        (vec![&*broken], [1, 3].map(|line| format!("::error file={broken},line={line},{title}it has no api")).to_vec()),
        (
            vec![&*binary, &*broken, &*missing],
            vec![
                format!("::error file={binary},{title}it is not UTF-8 text"),
                format!("::error file={missing},{title}there is no such file"),
                format!("::error file={broken},line=1,{title}it has no apiVersion and kind"),
                format!("::error file={broken},line=3,{title}it has no apiVersion and kind"),
            ],
        ),
        (
            vec![&*good, "--against", &*broken],
            [1, 3].map(|line| format!("::error file={broken},line={line},{title}what stands here")).to_vec(),
        ),
        (vec![&*good, "--against", &*missing], vec![format!("::error file={missing},{title}there is no such file")]),
        (vec![&*good, "--against", "cluster"], vec!["::error title=vnet plan::no cluster: ".to_owned()]),
        (vec!["-"], vec!["::error title=vnet plan::there is no object in -; ".to_owned()]),
    ] {
        let told = vnet(&[&["plan", "-o", "github"], &arguments[..]].concat());
        let lines: Vec<&str> = text(&told.stdout).lines().collect();
        let as_told =
            lines.len() == begins.len() && lines.iter().zip(&begins).all(|(line, begin)| line.starts_with(begin));
        assert!(as_told, "{arguments:?}: {begins:#?}\n{lines:#?}");
        assert!(told.status.code() == Some(2) && text(&told.stderr).starts_with("Error: "), "{arguments:?}: {told:?}");
    }
}

#[test]
fn where_nothing_can_be_planned_no_program_reads_a_plan() {
    for form in ["json", "yaml", "table", "markdown"] {
        let told = vnet(&["plan", "missing.yaml", "-o", form]);
        assert_eq!((told.status.code(), text(&told.stdout)), (Some(2), ""), "{form}");
        assert!(text(&told.stderr).contains("missing.yaml: there is no such file"), "{form}: {told:?}");
    }
}

/// A kubeconfig of a cluster that does not answer, and its folder.
fn of_a_silent_cluster() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let kubeconfig = folder.path().join("kubeconfig.yaml");
    let config = "{apiVersion: v1, kind: Config, clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}], \
                  users: [{name: u, user: {token: t}}], contexts: [{name: prod, context: {cluster: c, user: u}}], \
                  current-context: prod}";
    std::fs::write(&kubeconfig, config).expect("it can be written");
    (folder, kubeconfig)
}

#[test]
fn a_cluster_that_does_not_answer_is_named_with_what_to_do() {
    let (_folder, kubeconfig) = of_a_silent_cluster();
    for arguments in [&["plan", "examples", "--against", "cluster"][..], &["upgrade", "vmss/api", "--all"]] {
        let mut vnet = Command::new(env!("CARGO_BIN_EXE_vnet"));
        let told = vnet
            .args(arguments)
            .current_dir(crate::support::cluster::project())
            .env("KUBECONFIG", &kubeconfig)
            .output();
        let told = told.expect("it runs");
        let said = text(&told.stderr);
        for part in ["https://127.0.0.1:1;", "`kubectl config current-context`", "`make up`", "\n  Connection refused"]
        {
            assert!(told.status.code() == Some(2) && said.contains(part), "{arguments:?}: {part:?} is not in {said}");
        }
    }
}

#[test]
fn an_operator_whose_cluster_does_not_answer_says_where_it_asks_and_goes_on() {
    let (_folder, kubeconfig) = of_a_silent_cluster();
    let mut command = Command::new(env!("CARGO_BIN_EXE_vnet"));
    command.args(["run", "--health-addr", "127.0.0.1:0"]).env("KUBECONFIG", &kubeconfig).stderr(Stdio::piped());
    let mut vnet = command.spawn().expect("it runs");
    let log = BufReader::new(vnet.stderr.take().expect("it is piped")).lines().map_while(Result::ok);
    let told = log.take(200).find(|line| line.contains("https://127.0.0.1:1;"));
    let ended = vnet.try_wait().expect("it is ours");
    vnet.kill().and_then(|()| vnet.wait()).expect("it ends");
    let told = told.expect("it says where");
    assert!(told.contains("`kubectl config current-context`") && told.contains("Connection refused"), "{told}");
    assert_eq!(ended, None, "it goes on");
}

#[test]
fn that_no_cluster_is_known_is_told_once() {
    let told = vnet(&["upgrade", "vmss/api", "--all"]);
    let said = text(&told.stderr);
    assert!(said.contains("`kubectl config get-contexts`") && said.contains("`make up`"), "{said}");
    assert_eq!(said.matches("failed to determine current context").count(), 1, "{said}");
}

#[test]
fn without_a_state_a_namespace_is_created_before_what_is_in_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let (net, state) = (folder.path().join("net.yaml"), folder.path().join("state.yaml"));
    let set = "apiVersion: vnet.dev/v1alpha1\nkind: AvailabilitySet\nmetadata: {name: a, namespace: shop}\nspec: {}\n";
    std::fs::write(&net, format!("{set}---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: shop}}\n")).unwrap();
    std::fs::write(&state, "{apiVersion: v1, kind: List, items: []}").unwrap();
    let planned = |more: &[&str]| {
        let told = vnet(&[&["plan", net.to_str().unwrap(), "-o", "json"], more].concat());
        let objects = crate::plan::objects(&crate::plan::json(&told)).into_iter();
        objects.map(|object| format!("{} {}", object["action"], object["kind"]).replace('"', "")).collect::<Vec<_>>()
    };
    assert_eq!(planned(&[]), ["Create Namespace", "Create AvailabilitySet"]);
    assert_eq!(planned(&["--against", state.to_str().unwrap()]), ["Create AvailabilitySet"], "it does not tell");
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

#[test]
fn addresses_of_machines_are_listed_from_manifests_too() {
    let list = |machines: &[&str]| {
        let from = ["-n", "shop", "-f", concat!(env!("CARGO_MANIFEST_DIR"), "/examples")];
        vnet(&[&["list-ip-addresses"], machines, &from].concat())
    };
    let told = list(&["jump", "vmssvm/api-0"]);
    assert!(told.status.success(), "{told:?}");
    let lines: Vec<Vec<&str>> = text(&told.stdout).lines().map(|line| line.split_whitespace().collect()).collect();
    let header = ["MACHINE", "NIC", "CONFIGURATION", "PRIVATE-IP", "PUBLIC-IP", "PUBLIC-IP-ADDRESS", "FQDN"];
    assert_eq!(lines[0], header);
    assert_eq!(lines[1][..2], ["jump", "jump"]);
    assert!(lines[2..].iter().all(|line| line[0] == "api-0"), "{lines:?}");
    for (machine, says) in
        [("nic/jump", "nic/jump is none of vm/NAME, vmssvm/NAME"), ("none", "there is no VirtualMachine shop/none in ")]
    {
        let told = list(&[machine]);
        assert!(told.status.code() == Some(2) && text(&told.stderr).contains(says), "{told:?}");
    }
}

#[test]
fn kubectl_runs_it_as_a_plugin() {
    let folder = tempfile::TempDir::new().unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_vnet"), folder.path().join("kubectl-vnet")).unwrap();
    let assets = std::path::PathBuf::from(std::env::var_os("VNET_ASSETS").expect("`make test` sets VNET_ASSETS"));
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap_or_default());
    let kubectl = |arguments: &[&str]| {
        let output = Command::new(assets.join("kubectl")).args(arguments).env("PATH", &path).output();
        output.expect("kubectl runs")
    };
    let told = kubectl(&["vnet", "rules", "ADDR-08"]);
    assert!(told.status.success() && text(&told.stdout).starts_with("ADDR-08 ("), "{told:?}");
    let told = kubectl(&["vnet", "plan", "--help"]);
    assert!(text(&told.stdout).contains("Usage: kubectl vnet plan "), "{told:?}");
    let told = kubectl(&["vnet", "none"]);
    assert!(told.status.code() == Some(2) && text(&told.stderr).contains("Usage: kubectl vnet"), "{told:?}");
}
