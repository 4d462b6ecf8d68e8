//! Users with the roles that Kubernetes has for tenants, and the policies of the chart: who writes what.

use crate::support::cluster::{Told, poll, shared};
use crate::support::manifests::{nic, object};
use crate::support::space::{Space, address};

/// Lets a user do in the namespace of a test what a ClusterRole says.
fn bind(space: &Space<'_>, user: &str, role: &str) {
    let arguments = [
        "create",
        "rolebinding",
        &format!("{user}-{role}"),
        &format!("--user={user}"),
        &format!("--clusterrole={role}"),
    ];
    assert!(space.kubectl_unseen(&arguments, "").ok);
}

fn may(space: &Space<'_>, user: &str, verb: &str, resource: &str) -> bool {
    space.kubectl_unseen(&["auth", "can-i", verb, resource, "--as", user], "").ok
}

/// The cluster's roles contain the kinds a moment after the chart is installed.
fn until_aggregated(space: &Space<'_>, user: &str, verb: &str) {
    poll("the roles are aggregated", || may(space, user, verb, "networkinterfaces.vnet.dev").then_some(())).unwrap();
}

/// Writes a status that shows another address, as the operator writes one: by PUT.
fn write_status(space: &Space<'_>, id: &str, who: &[&str]) -> Told {
    let now = space.kubectl_unseen(&["get", id, "-o", "json"], "").out;
    let other = now.replace(address(&space.get(id)), "10.0.1.77");
    space.kubectl_unseen(&[&["replace", "--subresource=status", "-f", "-"], who].concat(), &other)
}

#[test]
fn a_tenant_with_the_role_edit_makes_objects_and_writes_no_status() {
    let space = Space::with_a_subnet();
    bind(&space, "tenant", "edit");
    until_aggregated(&space, "tenant", "create");
    let applied = space.kubectl_unseen(&["apply", "-f", "-", "--as", "tenant"], &nic("a", "web"));
    assert!(applied.ok, "{}", applied.err);
    space.foresee(None); // what is not sent as the administrator is not planned
    let before = space.ready("nic/a");
    let refused = write_status(&space, "nic/a", &["--as", "tenant"]);
    assert!(
        !refused.ok && refused.err.contains("cannot update resource \"networkinterfaces/status\""),
        "{}",
        refused.err
    );
    // Nor with the right to it: the policy knows the operator by its name.
    let role = "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: statuses}, rules: \
                [{apiGroups: [vnet.dev], resources: ['*/status', '*'], verbs: ['*']}]}";
    assert!(space.kubectl_unseen(&["apply", "-f", "-"], role).ok);
    let arguments = ["create", "rolebinding", "statuses", "--user=tenant", "--role=statuses"];
    assert!(space.kubectl_unseen(&arguments, "").ok);
    poll("the right acts", || may(&space, "tenant", "patch", "networkinterfaces.vnet.dev/a").then_some(())).unwrap();
    let says = "Only the operator writes statuses";
    let refused = poll("the policy refuses", || {
        let told = write_status(&space, "nic/a", &["--as", "tenant"]);
        assert!(!told.ok, "the API server took it");
        told.err.contains(says).then_some(told)
    });
    assert!(refused.unwrap().err.contains("status.vnet.dev"));
    assert_eq!(space.get("nic/a").metadata.resource_version, before.metadata.resource_version);
    let operator = shared().operator_kubeconfig();
    let operator = ["--kubeconfig", operator.to_str().unwrap(), "--dry-run=server"];
    let told = write_status(&space, "nic/a", &operator);
    assert!(told.ok, "{}", told.err);
}

#[test]
fn a_tenant_with_the_role_view_reads_and_writes_nothing() {
    let space = Space::with_a_subnet();
    bind(&space, "viewer", "view");
    until_aggregated(&space, "viewer", "get");
    for verb in ["get", "list", "watch"] {
        assert!(may(&space, "viewer", verb, "virtualmachinescalesets.vnet.dev"), "{verb}");
    }
    for verb in ["create", "update", "patch", "delete"] {
        assert!(!may(&space, "viewer", verb, "virtualmachinescalesets.vnet.dev"), "{verb}");
    }
}

#[test]
fn a_tenant_scales_a_scale_set_and_creates_no_instance() {
    let space = Space::with_a_subnet();
    bind(&space, "scaler", "edit");
    until_aggregated(&space, "scaler", "create");
    assert!(may(&space, "scaler", "delete", "virtualmachinescalesetvms.vnet.dev"));
    assert!(!may(&space, "scaler", "create", "virtualmachinescalesetvms.vnet.dev"));
    let set = object(
        "VirtualMachineScaleSet",
        "api",
        "replicas: 0, sku: {name: Standard_DS3_v2}, virtualMachineProfile: {networkProfile: \
        {networkInterfaceConfigurations: [{name: nic, subnet: {name: web}, ipConfigurations: [{name: ip}]}]}}",
    );
    let scale = |arguments: &[&str], input: &str| {
        let told = space.kubectl_unseen(&[arguments, &["--as", "scaler"]].concat(), input);
        assert!(told.ok, "{}", told.err);
    };
    scale(&["apply", "-f", "-"], &set);
    scale(&["scale", "vmss/api", "--replicas=1"], "");
    space.foresee(None);
    space.ready("vmssvm/api-0");
}

#[test]
fn the_operator_deletes_no_revision_that_is_not_a_scale_sets() {
    let space = Space::empty();
    let revision = |name: &str, labels: &str| {
        format!(
            "---\napiVersion: apps/v1\nkind: ControllerRevision\nmetadata: {{name: {name}, labels: {{{labels}}}}}\nrevision: 1\ndata: {{}}\n"
        )
    };
    let manifest = revision("of-a-stateful-set", "app: web") + &revision("of-a-scale-set", "vnet.dev/scale-set: api");
    assert!(space.kubectl_unseen(&["apply", "-f", "-"], &manifest).ok);
    let operator = shared().operator_kubeconfig();
    let operator = ["--kubeconfig", operator.to_str().unwrap()];
    let path = format!("/apis/apps/v1/namespaces/{}/controllerrevisions", space.name);
    let delete = |name: &str| {
        space.kubectl_unseen(&["delete", "--raw", &format!("{path}/{name}"), operator[0], operator[1]], "")
    };
    let refused = delete("of-a-stateful-set");
    let says = "The operator creates and deletes no ControllerRevisions but those of scale sets.";
    assert!(!refused.ok && refused.err.contains(says), "{}", refused.err);
    let told = delete("of-a-scale-set");
    assert!(told.ok, "{}", told.err);
    let created = space.kubectl_unseen(&["create", "-f", "-", operator[0], operator[1]], &revision("new", "app: web"));
    assert!(!created.ok && created.err.contains(says), "{}", created.err);
}
