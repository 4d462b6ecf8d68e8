//! Uniform scale sets: what they make, how they are scaled, and what nobody else may make.

use std::collections::BTreeSet;

use kube::core::DynamicObject;
use serde_json::json;
use vnet_operator::fabric::Kind;

use crate::support::manifests::{nic, object};
use crate::support::scale_sets::{SELECTOR, ScaleSet, ids};
use crate::support::space::{Space, at, yaml};
use crate::support::states::power_is;

const THREE: [&str; 3] = ["api-0", "api-1", "api-2"];

fn three() -> Space<'static> {
    let space = Space::with_a_subnet();
    space.apply(&ScaleSet::uniform(3).manifest());
    space.ready("vmss/api");
    space.instances(&THREE);
    space
}

fn uids(objects: &[DynamicObject]) -> Vec<Option<&str>> {
    objects.iter().map(|object| object.metadata.uid.as_deref()).collect()
}

#[test]
fn a_set_makes_instances_that_are_owned_labelled_addressed_and_named() {
    let space = Space::with_a_subnet();
    let label = space.own("farm");
    space.apply(&ScaleSet::uniform(3).public(&label).manifest());
    let set = space.ready("vmss/api");
    assert_eq!(at(&set, "/instanceIds"), "0-2");
    let mut macs = BTreeSet::new();
    let mut publics = BTreeSet::new();
    space.instances(&THREE);
    for (n, name) in THREE.into_iter().enumerate() {
        let vm = space.wait(&format!("vmssvm/{name}"), "Running", power_is("Running"));
        let owner = &vm.metadata.owner_references.as_deref().unwrap_or_default()[0];
        assert_eq!((&*owner.kind, owner.controller), ("VirtualMachineScaleSet", Some(true)));
        assert_eq!(Some(&owner.uid), set.metadata.uid.as_ref());
        assert_eq!(vm.metadata.labels.as_ref().and_then(|labels| labels.get("vnet.dev/scale-set")).unwrap(), "api");
        assert_eq!(at(&vm, "/computerName"), &json!(format!("api00000{n}")));
        let nic = at(&vm, "/networkInterfaces/0");
        let configuration = &nic["ipConfigurations"][0];
        assert_eq!(configuration["privateIPAddress"], format!("10.0.1.{}", 4 + n), "{}", yaml(&vm));
        let public = &configuration["publicIPAddress"];
        assert_eq!(public["fqdn"], format!("vm{n}.{label}.westeurope.cloudapp.azure.com"));
        assert!(public["ipAddress"].is_string(), "{}", yaml(&vm));
        publics.insert(public["ipAddress"].to_string());
        assert!(nic["macAddress"].is_string(), "{}", yaml(&vm));
        macs.insert(nic["macAddress"].to_string());
    }
    assert_eq!((macs.len(), publics.len()), (3, 3), "each has its own");
    space.keeps_models(&["api-1"]);
}

#[test]
fn a_set_is_scaled_by_kubectl_and_shown_by_it() {
    let space = three();
    let before = space.places(&THREE);
    space.scale(5);
    space.wait("vmss/api", "of five", |set| at(set, "/readyReplicas") == 5);
    space.ready("vmss/api");
    let after = space.places(&["api-0", "api-1", "api-2", "api-3", "api-4"]);
    assert!(before.iter().all(|(name, place)| after[name] == *place), "{before:?} has become {after:?}");
    let sets = space.kubectl_ok(&["get", "vmss"], "");
    let columns = ["NAME", "DESIRED", "READY-REPLICAS", "UPDATED", "MODE", "READY", "REASON", "AGE"];
    assert_eq!(sets.lines().next().unwrap().split_whitespace().collect::<Vec<_>>(), columns);
    let shown: Vec<&str> = sets.lines().nth(1).unwrap().split_whitespace().take(7).collect();
    assert_eq!(shown, ["api", "5", "5", "5", "Uniform", "True", "Ready"]);
    space.wait("vmssvm/api-4", "Running", power_is("Running"));
    let vms = space.kubectl_ok(&["get", "vmssvm", "-l", SELECTOR], "");
    assert_eq!(vms.lines().count(), 6, "{vms}");
    let header = vms.lines().next().unwrap().split_whitespace().collect::<Vec<_>>();
    assert_eq!(header[..5], ["NAME", "POWER", "PRIVATE-IP", "PUBLIC-IP", "LATEST"]);
    let last: Vec<&str> = vms.lines().nth(5).unwrap().split_whitespace().take(4).collect();
    assert_eq!(last, ["api-4", "Running", "10.0.1.8", "true"], "the public address is empty\n{vms}");
}

#[test]
fn scaling_in_takes_the_highest_ids_and_scaling_out_gives_new_ones() {
    let space = three();
    let before = space.places(&THREE);
    space.scale(1);
    assert_eq!(space.places(&["api-0"])["api-0"], before["api-0"]);
    space.wait("subnet/web", "one address taken", |web| at(web, "/capacity/allocated") == 1);
    space.scale(2);
    space.instances(&["api-0", "api-3"]);
    let set = space.wait("vmss/api", "of two", |set| at(set, "/readyReplicas") == 2);
    assert_eq!(ids(&set), (&json!("0,3"), &json!(4)));
}

#[test]
fn an_instance_whose_object_is_deleted_is_replaced_by_one_of_a_new_id() {
    let space = three();
    let before = space.places(&THREE);
    space.kubectl_ok(&["delete", "vmssvm/api-1", "--timeout=60s"], "");
    let after = space.places(&["api-0", "api-2", "api-3"]);
    for name in ["api-0", "api-2"] {
        assert_eq!(after[name], before[name]);
    }
    space.wait("vmss/api", "of three", |set| at(set, "/readyReplicas") == 3 && at(set, "/nextInstanceId") == 4);
    space.ready("vmss/api");
}

#[test]
fn a_set_without_room_for_all_makes_none_and_is_cured_when_addresses_are_freed() {
    let space = Space::with_a_subnet().and_subnet("tiny", "10.0.2.0/29"); // three addresses
    space.apply(&nic("other", "tiny"));
    space.ready("nic/other");
    let set = |replicas| ScaleSet::uniform(replicas).in_subnet("tiny").manifest();
    space.apply(&set(1));
    let before = space.ready("vmss/api");
    let first = space.instances(&["api-0"]);
    space.apply(&set(3));
    let refusal = space.refused("vmss/api");
    assert_eq!(refusal.told(), [("VMSS-29", "SubnetIsFull", "spec.replicas")]);
    refusal.shows(&["2 more addresses", "tiny", "fewer are available"]).advises(&["fewer instances"]);
    refusal.keeps(&before);
    for field in ["/replicas", "/instanceIds", "/nextInstanceId"] {
        assert_eq!(at(&refusal.object, field), at(&before, field), "{field}");
    }
    assert_eq!(uids(&space.instances(&["api-0"])), uids(&first));
    space.delete("nic/other");
    space.cured("vmss/api", &refusal);
    assert_eq!(uids(&space.instances(&THREE)[..1]), uids(&first));
}

#[test]
fn an_instance_that_a_user_makes_is_refused_and_the_set_does_not_feel_it() {
    let space = three();
    let before = space.places(&THREE);
    space.apply(&object("VirtualMachineScaleSetVM", "api-7", "scaleSet: {name: api}, instanceId: '7'"));
    let refusal = space.refused("vmssvm/api-7");
    assert_eq!(refusal.told(), [("VMSS-01", "OperationNotAllowed", "metadata.ownerReferences")]);
    refusal.shows(&["not made by", "api"]).advises(&["Delete this object", "kubectl scale"]).stalls();
    space.delete("vmssvm/api-7");
    space.gone("vmssvm/api-7");
    assert_eq!(space.places(&THREE), before);
    assert_eq!(space.names(Kind::VirtualMachineScaleSetVM), THREE);
    assert_eq!(at(&space.ready("vmss/api"), "/nextInstanceId"), 3);
}
