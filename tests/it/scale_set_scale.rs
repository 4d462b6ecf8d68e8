//! The scale subresource, and what drives it.

use serde_json::{Value, json};

use crate::support::cluster::project;
use crate::support::scale_sets::ScaleSet;
use crate::support::space::{Space, at};

fn scale(space: &Space<'_>) -> Value {
    let path = format!("/apis/vnet.dev/v1alpha1/namespaces/{}/virtualmachinescalesets/api/scale", space.name);
    serde_json::from_str(&space.kubectl_ok(&["get", "--raw", &path], "")).expect("the API server answers JSON")
}

#[test]
fn the_scale_of_a_set_tells_what_is_asked_what_there_is_and_how_it_is_selected() {
    for (set, kind) in [(ScaleSet::uniform(2), "vmssvm"), (ScaleSet::flexible(2), "vm")] {
        let space = Space::with_a_subnet();
        space.apply(&set.manifest());
        space.ready("vmss/api");
        space.kubectl_ok(&["scale", "vmss/api", "--replicas=3", "--current-replicas=2"], "");
        space.wait("vmss/api", "of three", |set| at(set, "/readyReplicas") == 3);
        let scale = scale(&space);
        assert_eq!((&scale["kind"], &scale["spec"]["replicas"]), (&json!("Scale"), &json!(3)));
        assert_eq!(scale["status"], json!({"replicas": 3, "selector": "vnet.dev/scale-set=api"}));
        let selector = scale["status"]["selector"].as_str().unwrap();
        let selected = space.kubectl_ok(&["get", kind, "-l", selector, "-o", "name"], "");
        assert_eq!(selected.lines().count(), 3, "{selected}");
    }
}

#[test]
fn a_scale_out_that_does_not_fit_shows_in_the_scale_as_more_asked_for_than_there_is() {
    let space = Space::with_a_subnet().and_subnet("tiny", "10.0.2.0/29");
    space.apply(&ScaleSet::uniform(1).in_subnet("tiny").manifest());
    space.ready("vmss/api");
    space.scale(9);
    space.refused("vmss/api");
    let scale = scale(&space);
    assert_eq!((&scale["spec"]["replicas"], &scale["status"]["replicas"]), (&json!(9), &json!(1)));
}

#[test]
fn the_autoscaler_of_the_documentation_is_taken_by_the_api_server() {
    let space = Space::empty();
    let text = std::fs::read_to_string(project().join("docs/scale-sets.md")).expect("it is there");
    let blocks = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split_once("```"));
    let manifest = blocks.map(|(block, _)| block).find(|block| block.contains("HorizontalPodAutoscaler"));
    let manifest = manifest.expect("it tells of one").replace("shop", &space.name);
    let created =
        space.kubectl_ok(&["create", "--dry-run=server", "--validate=strict", "-o", "json", "-f", "-"], &manifest);
    let created: Value = serde_json::from_str(&created).expect("kubectl prints JSON");
    assert_eq!(created["spec"]["scaleTargetRef"]["kind"], "VirtualMachineScaleSet");
}
