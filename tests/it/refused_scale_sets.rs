//! Scale sets that are refused: by the API server where the schema shows, else by the fabric, by field.

use crate::support::scale_sets::ScaleSet;
use crate::support::space::Space;

/// A set of one instance, with a part of its manifest replaced.
fn with(part: &str, by: &str) -> String {
    let manifest = ScaleSet::uniform(1).manifest();
    let replaced = manifest.replace(part, by);
    assert_ne!(replaced, manifest, "{part} is no part of it");
    replaced
}

#[test]
fn the_api_server_refuses_what_the_schema_rules_out() {
    let space = Space::with_a_subnet();
    let nic = |name: &str| {
        format!("{{name: {name}, primary: true, subnet: {{name: web}}, ipConfigurations: [{{name: ip}}]}}")
    };
    let nics = "[{name: nic, subnet: {name: web}, ipConfigurations: [{name: ip}]}]";
    let refused = [
        (with("replicas: 1", "replicas: 1001"), "spec.replicas"),
        (with("replicas: 1", "replicas: -1"), "spec.replicas"),
        (with(nics, "[]"), "networkInterfaceConfigurations"),
        (with(nics, &format!("[{}, {}]", nic("a"), nic("b"))), "only one network interface may be primary: leave"),
        (with("[{name: ip}]", "[]"), "ipConfigurations"),
        (with("mode: Manual", "mode: Sometimes"), "spec.upgradePolicy.mode"),
        (with("mode: Manual", "mode: Rolling, rollingUpgradePolicy: {pauseTimeBetweenBatches: soon}"), "ISO 8601"),
        (with("orchestrationMode: Uniform", "orchestrationMode: Both"), "spec.orchestrationMode"),
    ];
    for (manifest, told) in refused {
        let error = space.apply_refused(&manifest);
        assert!(error.contains(told), "{error:?} does not tell {told:?}\n{manifest}");
    }
}

#[test]
fn an_unknown_size_is_refused_with_those_that_are_nearest() {
    let space = Space::with_a_subnet();
    space.apply(&with("Standard_DS3_v2", "Standard_DS3_v22"));
    let refusal = space.refused("vmss/api");
    assert_eq!(refusal.told(), [("S-35", "InvalidParameter", "spec.sku.name")]);
    refusal.shows(&["Standard_DS3_v22"]).advises(&["Standard_DS3_v2"]).stalls();
    space.apply(&ScaleSet::uniform(1).manifest());
    space.ready("vmss/api");
}

#[test]
fn a_set_waits_for_its_subnet_and_follows_when_that_appears() {
    let space = Space::with_a_subnet();
    space.apply(&with("{name: web}", "{name: late}"));
    let refusal = space.refused("vmss/api");
    assert_eq!(refusal.violations[0].code, "InvalidResourceReference");
    refusal.shows(&["late", "does not exist"]).is_blocked_by(&[("Subnet", "late")]).waits();
    let space = space.and_subnet("late", "10.0.2.0/24");
    space.instances(&["api-0"]);
}

#[test]
fn the_orchestration_mode_of_a_set_is_fixed() {
    let space = Space::with_a_subnet();
    space.apply(&ScaleSet::uniform(1).manifest());
    let before = space.ready("vmss/api");
    space.apply(&ScaleSet::flexible(1).manifest());
    let refusal = space.refused("vmss/api");
    assert_eq!(refusal.told(), [("VMSS-26", "PropertyChangeNotAllowed", "spec.orchestrationMode")]);
    refusal.shows(&["Uniform"]).advises(&["Set orchestrationMode to Uniform"]).stalls().keeps(&before);
    space.instances(&["api-0"]);
}
