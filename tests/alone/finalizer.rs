//! The finalizer where the admission policy that brings it is gone.

use kube::ResourceExt;
use vnet_operator::api::FINALIZER;

use crate::support::cluster::{alone, poll};
use crate::support::manifests::nic;
use crate::support::space::Space;

#[test]
fn without_the_policy_the_operator_adds_the_finalizer() {
    let cluster = alone(); // which installs the policy again for the next test
    let space = Space::on(&cluster).and_a_subnet();
    let policy = "finalizer.vnet.dev";
    let kinds = "mutatingadmissionpolicy,mutatingadmissionpolicybinding";
    space.kubectl_ok(&["delete", kinds, policy], "");
    poll("the policy no longer acts", || (!cluster.policy_acts()).then_some(())).unwrap();
    let created = space.kubectl_ok(&["create", "-o", "jsonpath={.metadata.finalizers}", "-f", "-"], &nic("a", "web"));
    assert_eq!(created, "");
    let ready = space.ready("nic/a");
    assert_eq!(ready.finalizers(), [FINALIZER]);
    space.delete("nic/a");
    space.gone("nic/a");
}
