//! Availability zones: fixed at creation, taken from a public prefix, and one for each machine of a scale set.

use kube::core::DynamicObject;
use serde_json::{Value, json};

use crate::support::manifests::{machine, nic, object};
use crate::support::scale_sets::ScaleSet;
use crate::support::space::{Space, at};

const ZONES: &str = "spec.zones";

fn zones(object: &DynamicObject) -> &Value {
    at(object, "/programmed/zones")
}

#[test]
fn an_address_takes_the_zones_of_its_prefix_and_keeps_them() {
    let space = Space::empty();
    let address = |zones: &str| {
        let spec = format!("sku: {{name: Standard}}, publicIPPrefix: {{name: pool}}{zones}");
        object("PublicIPAddress", "a", &spec)
    };
    space.apply(&object("PublicIPPrefix", "pool", "prefixLength: 31, zones: ['1', '2']"));
    space.apply(&address(""));
    let before = space.ready("pip/a");
    assert_eq!(zones(&before), &json!(["1", "2"]));
    space.apply(&address(", zones: ['3']"));
    let refusal = space.refused("pip/a");
    assert_eq!(refusal.told(), [("PIP-27", "PropertyChangeNotAllowed", ZONES)]);
    refusal.shows(&["\"1\", \"2\""]).advises(&["another PublicIPAddress"]).stalls().keeps(&before);
    space.edit_spec("pip/a", &json!({"zones": ["2", "1"]})); // in whatever order
    space.ready("pip/a");
}

#[test]
fn a_virtual_machine_stays_in_its_zone() {
    let space = Space::with_a_subnet();
    space.apply(&(nic("a", "web") + &machine("m", &["a"], "zones: ['2']")));
    let before = space.ready("vm/m");
    assert_eq!(zones(&before), &json!(["2"]));
    space.edit_spec("vm/m", &json!({"zones": null}));
    let refusal = space.refused("vm/m");
    assert_eq!(refusal.told(), [("PIP-27", "PropertyChangeNotAllowed", ZONES)]);
    refusal.advises(&["Set zones to [\"2\"]"]).stalls().keeps(&before);
    space.edit_spec("vm/m", &json!({"zones": ["2"]}));
    space.ready("vm/m");
}

#[test]
fn zones_that_an_object_alone_gets_wrong_are_refused_at_apply() {
    let space = Space::with_a_subnet();
    for (zones, told) in
        [("['1', '2']", "must have at most 1 item"), ("['4']", "supported values: \"1\", \"2\", \"3\"")]
    {
        let refusal = space.apply_refused(&machine("m", &["a"], &format!("zones: {zones}")));
        assert!(refusal.contains("spec.zones") && refusal.contains(told), "{refusal}");
    }
    let twice = object("PublicIPPrefix", "pool", "prefixLength: 31, zones: ['1', '1']");
    assert!(space.apply_refused(&twice).contains("list each zone once"));
}

fn zonal(set: &ScaleSet) -> String {
    set.manifest().replacen("spec: {", "spec: {zones: ['1', '3'], ", 1)
}

#[test]
fn instances_of_a_uniform_set_show_their_zones() {
    let space = Space::with_a_subnet();
    space.apply(&zonal(&ScaleSet::uniform(3)));
    let shown = space.instances(&["api-0", "api-1", "api-2"]);
    let zones: Vec<&Value> = shown.iter().map(|instance| at(instance, "/zones")).collect();
    assert_eq!(zones, [&json!(["1"]), &json!(["3"]), &json!(["1"])]);
}

#[test]
fn machines_of_a_flexible_set_carry_their_zones() {
    let space = Space::with_a_subnet();
    space.apply(&zonal(&ScaleSet::flexible(2)));
    let machines = [space.ready("vm/api-0"), space.ready("vm/api-1")];
    let zones: Vec<&Value> = machines.iter().map(|machine| &machine.data["spec"]["zones"]).collect();
    assert_eq!(zones, [&json!(["1"]), &json!(["3"])]);
}
