//! examples/kustomize and examples/ci: what a pipeline does with overlays, done here.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use vnet_operator::api::references;

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

#[test]
fn an_overlay_with_a_name_prefix_renames_references_too() {
    let space = carried_out("blue");
    assert_eq!(at(&space.get("nic/blue-web"), "/programmed/subnet/name"), "blue-web");
    assert_eq!(at(&space.get("vm/blue-web"), "/networkInterfaces/0/name"), "blue-web");
}

/// Objects that refer to others called `other` by every field there is.
const EVERY_REFERENCE: &str = r#"
[
  {"kind": "VirtualNetwork", "metadata": {"name": "other"}},
  {"kind": "Subnet", "metadata": {"name": "other"}, "spec": {"virtualNetwork": {"name": "other"}}},
  {"kind": "PublicIPPrefix", "metadata": {"name": "other"}},
  {"kind": "PublicIPAddress", "metadata": {"name": "other"}, "spec": {"publicIPPrefix": {"name": "other"}}},
  {"kind": "NetworkInterface", "metadata": {"name": "other"}, "spec": {
    "subnet": {"name": "other"},
    "ipConfigurations": [{"name": "other", "publicIPAddress": {"name": "other"}}]
  }},
  {"kind": "AvailabilitySet", "metadata": {"name": "other"}},
  {"kind": "VirtualMachine", "metadata": {"name": "other"}, "spec": {
    "availabilitySet": {"name": "other"},
    "osProfile": {"networkInterfaces": [{"name": "other"}]},
    "networkProfile": {"networkInterfaces": [{"name": "other"}]}
  }},
  {"kind": "VirtualMachineScaleSet", "metadata": {"name": "other"}, "spec": {"virtualMachineProfile": {"networkProfile": {
    "networkInterfaceConfigurations": [{"name": "other", "subnet": {"name": "other"}, "ipConfigurations": [
      {"name": "other", "publicIPAddressConfiguration": {"name": "other", "publicIPPrefix": {"name": "other"}}}
    ]}]
  }}}},
  {"kind": "VirtualMachineScaleSetVM", "metadata": {"name": "other"}, "spec": {
    "scaleSet": {"name": "other"},
    "networkProfileConfiguration": {"networkInterfaceConfigurations": [
      {"name": "other", "subnet": {"name": "other"}, "ipConfigurations": [
        {"name": "other", "publicIPAddressConfiguration": {"name": "other", "publicIPPrefix": {"name": "other"}}}
      ]}
    ]}
  }}
]
"#;

/// The values of a field; items of lists take no step of its path.
fn values<'a>(object: &'a Value, path: &str) -> Vec<&'a Value> {
    let (step, rest) = path.split_once('/').map_or((path, None), |(step, rest)| (step, Some(rest)));
    let field = &object[step];
    let items = field.as_array().map_or_else(|| vec![field], |items| items.iter().collect());
    items.into_iter().flat_map(|item| rest.map_or_else(|| vec![item], |rest| values(item, rest))).collect()
}

#[test]
fn a_name_prefix_reaches_every_reference_field() {
    let folder = TempDir::new().expect("a folder");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("it can be written");
    let mut objects: Vec<Value> = serde_json::from_str(EVERY_REFERENCE).expect("it is JSON");
    objects.iter_mut().for_each(|object| object["apiVersion"] = "vnet.dev/v1alpha1".into());
    let documents: Vec<String> = objects.iter().map(Value::to_string).collect();
    write("objects.yaml", &documents.join("\n---\n"));
    write("references.yaml", &references::kustomize_configuration().expect("it is YAML"));
    write("kustomization.yaml", "{namePrefix: new-, resources: [objects.yaml], configurations: [references.yaml]}");
    let told = shared().kubectl(&["kustomize", folder.path().to_str().expect("it is UTF-8")], "");
    assert!(told.ok, "{}", told.err);
    let built: Vec<Value> =
        told.out.split("---\n").map(|document| serde_saphyr::from_str(document).expect("it is YAML")).collect();
    for field in references::all() {
        let of_the_kind = built.iter().find(|object| object["kind"] == field.from.as_str());
        let names = values(of_the_kind.expect("the kind is listed"), &format!("{}/name", field.path));
        assert_eq!(names, ["new-other"], "{} {}", field.from, field.path);
    }
    assert!(told.out.contains("- name: other"), "what is not a valid object name stays");
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
    assert_eq!(overlays, ["dev", "prod", "blue"]);
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
