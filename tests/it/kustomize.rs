//! examples/kustomize and examples/ci: what a pipeline does with overlays, done here.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::plan::{json, objects, plan_of_stdin, text};
use crate::support::cluster::{Cluster, project, shared};
use crate::support::space::{Space, at};

const WORKFLOW: &str = "examples/ci/pull-request.yaml";

/// What kustomize makes of an overlay.
fn built(cluster: &Cluster, overlay: &str) -> String {
    let folder = project().join("examples/kustomize/overlays").join(overlay);
    let told = cluster.kubectl(&["kustomize", folder.to_str().expect("it is UTF-8")], "");
    assert!(told.ok, "{}", told.err);
    told.out
}

/// Plans an overlay, applies it, and waits until all of it is Ready.
fn carried_out<'a>(overlay: &str) -> Space<'a> {
    let space = Space::empty();
    let manifests = built(space.cluster, overlay).replace(&format!("site-{overlay}"), &space.name);
    let planned = plan_of_stdin(space.cluster, &["-", "-o", "json"], &manifests);
    assert_eq!(planned.status.code(), Some(0), "{planned:?}");
    space.apply(&manifests);
    let planned = objects(&json(&planned));
    let (namespace, others) = planned.split_first().expect("something is planned");
    assert_eq!((&namespace["kind"], &namespace["name"]), (&"Namespace".into(), &space.name.as_str().into()));
    for planned in others {
        assert_eq!(planned["namespace"], space.name.as_str(), "the namespace is the overlay's");
        let word = |field: &str| planned[field].as_str().expect("a text").to_owned();
        space.ready(&format!("{}/{}", word("kind"), word("name")));
    }
    space
}

#[test]
fn the_development_overlay_is_accepted_and_becomes_ready() {
    let space = carried_out("dev");
    assert_eq!(at(&space.get("nic/web"), "/ipConfigurations/0/privateIPAddress"), "10.10.1.4");
    assert_eq!(at(&space.get("vm/web"), "/programmed/hardwareProfile/vmSize"), "Standard_B1s");
}

#[test]
fn the_production_overlay_is_accepted_and_becomes_ready_with_a_public_address() {
    let space = carried_out("prod");
    let nic = space.get("nic/web");
    assert_eq!(at(&nic, "/ipConfigurations/0/privateIPAddress"), "10.20.0.4");
    assert_eq!(at(&nic, "/ipConfigurations/0/publicIPAddress/ipAddress"), at(&space.get("pip/web"), "/ipAddress"));
    assert_eq!(at(&space.get("vm/web"), "/programmed/hardwareProfile/vmSize"), "Standard_D4s_v3");
}

/// The workflow's job.
fn job() -> Value {
    let text = fs::read_to_string(project().join(WORKFLOW)).expect("it is there");
    let workflow: Value = serde_saphyr::from_str(&text).expect("it is YAML");
    workflow["jobs"]["plan"].clone()
}

/// Runs the steps of the workflow that plan, for an overlay, in a folder; returns what each comes to, and the job's summary.
fn planned_by_the_workflow(folder: &Path, overlay: &str) -> (Vec<Output>, String) {
    let vnet = Path::new(env!("CARGO_BIN_EXE_vnet")).parent().expect("it is in a folder");
    let folders = [shared().assets(), vnet].map(|folder| folder.display().to_string()).join(":");
    let path = format!("{folders}:{}", std::env::var("PATH").unwrap_or_default());
    let summary = TempDir::new().expect("a folder");
    let summary = summary.path().join("summary.md");
    let run = |command: &str| {
        let mut shell = Command::new("bash");
        shell.args(["-eo", "pipefail", "-c", command]).current_dir(folder);
        shell.env("PATH", &path).env("OVERLAY", overlay).env("GITHUB_STEP_SUMMARY", &summary);
        shell.output().expect("bash runs")
    };
    let steps = job()["steps"].as_array().cloned().unwrap_or_default();
    let commands = steps.iter().filter_map(|step| step["run"].as_str()).filter(|run| run.contains("vnet plan"));
    let outputs = commands.map(run).collect();
    (outputs, fs::read_to_string(&summary).unwrap_or_default())
}

#[test]
fn the_workflow_of_a_pull_request_accepts_every_overlay_and_sums_up() {
    let overlays = job()["strategy"]["matrix"]["overlay"].as_array().cloned().expect("a list of overlays");
    assert_eq!(overlays, ["dev", "prod"]);
    for overlay in overlays {
        let overlay = overlay.as_str().expect("a name");
        let (outputs, summary) = planned_by_the_workflow(project(), overlay);
        assert_eq!(outputs.len(), 2);
        for output in outputs {
            assert!(output.status.success(), "{output:?}");
            assert!(!text(&output.stdout).contains("PassedOver"), "all of it is planned: {output:?}");
        }
        assert!(summary.starts_with("### vnet plan") && summary.contains(&format!("site-{overlay}")), "{summary}");
    }
}

#[test]
fn the_workflow_of_a_pull_request_fails_at_the_line_of_a_mistake() {
    let folder = TempDir::new().expect("a folder");
    let copied = Command::new("cp").arg("-r").arg(project().join("examples")).arg(folder.path()).status();
    assert!(copied.expect("cp runs").success());
    let network = folder.path().join("examples/kustomize/base/network.yaml");
    let mistaken = fs::read_to_string(&network).expect("it is there").replace("10.0.1.0/24", "10.9.1.0/24");
    fs::write(&network, &mistaken).expect("it can be written");
    let line = 1 + mistaken.lines().position(|line| line.contains("10.9.1.0/24")).expect("it is written");
    let (outputs, _) = planned_by_the_workflow(folder.path(), "dev");
    assert_eq!(outputs[0].status.code(), Some(1), "{:?}", outputs[0]);
    let error = format!("::error file=examples/kustomize/base/network.yaml,line={line},title=");
    assert!(text(&outputs[0].stdout).contains(&error), "{}", text(&outputs[0].stdout));
}
