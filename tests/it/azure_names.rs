//! `spec.azureName`: a name that Azure has and Kubernetes does not take.

use serde_json::json;

use crate::support::space::{Space, at};

const NETWORK: &str = "
apiVersion: vnet.dev/v1alpha1
kind: VirtualNetwork
metadata: {name: NAME}
spec: {azureName: AZURE, addressSpace: {addressPrefixes: [10.0.0.0/16]}}
";

fn network(name: &str, azure: &str) -> String {
    NETWORK.replace("NAME", name).replace("AZURE", azure)
}

#[test]
fn the_resource_id_has_the_name_in_azure_of_the_object_and_of_its_parent() {
    let space = Space::empty();
    space.apply(&network("hub", "Hub_A"));
    space.apply(
        "
apiVersion: vnet.dev/v1alpha1
kind: Subnet
metadata: {name: web}
spec: {azureName: Web_1, virtualNetwork: {name: hub}, addressPrefixes: [10.0.1.0/24]}
",
    );
    let subnet = space.ready("subnet/web");
    let id = at(&subnet, "/resourceId").as_str().expect("a text").to_owned();
    assert!(id.ends_with("/virtualNetworks/Hub_A/subnets/Web_1"), "{id}");
    assert_eq!(at(&subnet, "/programmed/azureName"), "Web_1");
}

#[test]
fn the_first_of_two_objects_has_a_name_in_azure_and_the_other_waits_for_it() {
    let space = Space::empty();
    space.apply(&network("hub", "Hub_A"));
    space.ready("vnet/hub");
    space.apply(&network("late", "HUB_a"));
    let refusal = space.refused("vnet/late");
    assert_eq!(refusal.told(), [("ARM-10", "DuplicateResourceName", "spec.azureName")]);
    space.delete("vnet/hub");
    space.cured("vnet/late", &refusal);
}

#[test]
fn a_name_in_azure_is_not_changed_and_one_that_is_not_valid_is_refused_at_apply() {
    let space = Space::empty();
    space.apply(&network("hub", "Hub_A"));
    space.ready("vnet/hub");
    space.edit_spec("vnet/hub", &json!({"azureName": "Hub_B"}));
    let refusal = space.stalled("vnet/hub");
    assert_eq!(refusal.told(), [("ARM-10", "PropertyChangeNotAllowed", "spec.azureName")]);
    assert!(at(&refusal.object, "/resourceId").as_str().is_some_and(|id| id.ends_with("/Hub_A")));
    let told = space.apply_refused(&network("bad", "'Hub A'"));
    assert!(told.contains("spec.azureName: Invalid value"), "{told}");
}
