//! Public addresses of two SKUs: never in one VM, nor in one availability set (PIP-19).

use serde_json::json;

use crate::support::manifests::{availability_set, machine, nic, public_address, public_nic};
use crate::support::space::Space;

const CODE: &str = "DifferentSkuLoadBalancersAndPublicIPAddressNotAllowed";
const REFERENCE: &str = "spec.ipConfigurations[0].publicIPAddress";
const IN_THE_RACK: &str = "availabilitySet: {name: rack}";

/// NIC `a` holds the Basic address `basic`, NIC `b` the Standard one `standard`, and NIC `c` none.
fn two_skus() -> Space<'static> {
    let space = Space::with_a_subnet();
    space.apply(&(public_address("basic", "Basic") + &public_address("standard", "Standard")));
    space.apply(
        &(public_nic("a", "web", "basic")
            + &public_nic("b", "web", "standard")
            + &nic("c", "web")
            + &availability_set("rack")),
    );
    for id in ["nic/a", "nic/b", "nic/c", "avset/rack"] {
        space.ready(id);
    }
    space
}

fn detach(space: &Space<'_>, nic: &str) {
    space.edit_spec(nic, &json!({"ipConfigurations": [{"name": "ipconfig1"}]}));
}

#[test]
fn a_vm_with_nics_of_two_skus_is_refused_until_either_nic_lets_go_of_its_address() {
    for cured_by in ["nic/a", "nic/b"] {
        let space = two_skus();
        space.apply(&machine("m", &["a", "b"], ""));
        let refusal = space.refused("vm/m");
        assert_eq!(refusal.told(), [("PIP-19", CODE, "spec.networkProfile.networkInterfaces[1]")]);
        refusal.shows(&["standard", "Standard", "basic", "Basic"]).advises(&["one SKU"]).waits();
        detach(&space, cured_by);
        space.ready("vm/m");
    }
}

#[test]
fn an_edit_of_an_attached_nic_that_would_mix_skus_is_refused_until_the_other_nic_lets_go() {
    let space = two_skus();
    space.apply(&machine("m", &["a", "c"], ""));
    space.ready("vm/m");
    detach(&space, "nic/b");
    space.ready("nic/b");
    let before = space.ready("nic/c");
    space.apply(&public_nic("c", "web", "standard"));
    let refusal = space.refused("nic/c");
    assert_eq!(refusal.told(), [("PIP-19", CODE, REFERENCE)]);
    refusal.shows(&["standard", "basic"]).advises(&["one SKU"]).waits().keeps(&before);
    detach(&space, "nic/a");
    space.ready("nic/c");
    space.ready("vm/m");
}

#[test]
fn a_vm_of_another_sku_is_refused_in_a_set_until_the_other_vm_is_deleted() {
    let space = two_skus();
    space.apply(&machine("first", &["a"], IN_THE_RACK));
    space.ready("vm/first");
    space.apply(&machine("late", &["b"], IN_THE_RACK));
    let refusal = space.refused("vm/late");
    assert_eq!(refusal.told(), [("PIP-19", CODE, "spec.networkProfile.networkInterfaces[0]")]);
    refusal.shows(&["standard", "basic"]).waits();
    space.delete("vm/first");
    space.ready("vm/late");
}

#[test]
fn a_vm_of_another_sku_is_refused_in_a_set_until_the_other_vm_lets_go_of_its_nic() {
    let space = two_skus();
    space.apply(&machine("first", &["a", "c"], IN_THE_RACK));
    space.ready("vm/first");
    space.apply(&machine("late", &["b"], IN_THE_RACK));
    space.refused("vm/late").waits();
    space.apply(&machine("first", &["c"], &format!("{IN_THE_RACK}, powerState: Deallocated")));
    space.ready("vm/first");
    space.ready("vm/late");
}

#[test]
fn a_vm_of_another_sku_is_refused_in_a_set_until_the_other_nic_lets_go_of_its_address() {
    let space = two_skus();
    space.apply(&machine("first", &["a"], IN_THE_RACK));
    space.ready("vm/first");
    space.apply(&machine("late", &["b"], IN_THE_RACK));
    space.refused("vm/late").waits();
    detach(&space, "nic/a");
    space.ready("vm/late");
}

#[test]
fn an_edit_of_an_attached_nic_that_would_mix_skus_in_a_set_is_refused_until_the_other_vm_is_deleted() {
    let space = two_skus();
    detach(&space, "nic/b");
    space.apply(&(machine("first", &["a"], IN_THE_RACK) + &machine("second", &["c"], IN_THE_RACK)));
    space.ready("vm/first");
    space.ready("vm/second");
    let before = space.ready("nic/c");
    space.apply(&public_nic("c", "web", "standard"));
    let refusal = space.refused("nic/c");
    assert_eq!(refusal.told(), [("PIP-19", CODE, REFERENCE)]);
    refusal.shows(&["standard", "basic"]).advises(&["one SKU"]).waits().keeps(&before);
    space.delete("vm/first");
    space.ready("nic/c");
}
