//! The availability zones of scale sets and their instances (PIP-27).

use super::*;
use crate::api::children;
use crate::fabric::public_ip_address::{PublicIPAddress, Sku};
use crate::fabric::zones::Zone::{One, Three, Two};

// accepts VirtualMachineScaleSet PIP-27
#[test]
fn a_scale_set_keeps_its_zones() {
    a_farm().with(a_scale_set("api", 1).zones([One, Two])).accept(a_scale_set("api", 2).zones([One, Two]));
}

// refuses VirtualMachineScaleSet PIP-27
#[test]
fn the_zones_of_a_scale_set_are_fixed() {
    for zones in [vec![], vec![One], vec![One, Two, Three]] {
        let mut fabric = a_farm().with(a_scale_set("api", 1).zones([One, Two]));
        let refusal = fabric.put(a_scale_set("api", 1).zones(zones)).unwrap_err();
        assert_eq!(told(&refusal), [("PIP-27", Code::PropertyChangeNotAllowed, "spec.zones")]);
        assert!(refusal.stalls());
    }
}

#[test]
fn instances_are_in_the_zones_by_turns_and_show_theirs() {
    let mut fabric = a_farm().with(a_scale_set("api", 4).zones([Three, One]));
    let mut shown = Vec::new();
    for id in 0..4 {
        fabric.accept(an_instance("api", id));
        shown.extend(fabric.instance_view("api", id).zones);
    }
    assert_eq!(shown, [One, Three, One, Three]);
}

#[test]
fn machines_of_a_flexible_set_are_written_with_their_zones() {
    let fabric = a_farm().with(a_scale_set("api", 2).flexible().zones([One, Two]));
    let zones = |id: u64| {
        let children = children::of_instance(&fabric.engine, &named("api"), id);
        let machine = children.iter().find(|child| child.id.kind == Kind::VirtualMachine).unwrap();
        children::manifest(&fabric.engine, &named("api"), &"uid".into(), machine).unwrap()["spec"]["zones"].clone()
    };
    assert_eq!((zones(0), zones(1)), (serde_json::json!(["1"]), serde_json::json!(["2"])));
}

#[test]
fn public_addresses_of_instances_have_the_zones_of_their_prefix() {
    let fabric = a_farm().with(a_prefix("pool", 30).zones([Two]));
    let fabric = fabric.with(a_scale_set("api", 1).public(a_public_model(Sku::Standard).from("pool")));
    let public = InstanceName { set: &named("api"), id: 0 }.public("nic", "ip");
    assert_eq!(fabric.engine.get::<PublicIPAddress>(&public).unwrap().ask.zones, [Two].into());
}
