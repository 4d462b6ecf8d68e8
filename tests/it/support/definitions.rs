//! The definitions on a cluster: as they are committed, or loosened.

use anyhow::{Context, ensure};
use kube::api::PostParams;
use kube::core::DynamicObject;
use kube::{Api, ResourceExt};
use serde_json::{Value, json};
use vnet_operator::api::object::api_resource;
use vnet_operator::api::{FINALIZER, crd};
use vnet_operator::fabric::Kind;

use crate::support::cluster::{Cluster, block_on, poll, project};

impl Cluster {
    /// Installs crds/ as it is committed, and waits until the API server acts on it.
    pub fn install(&self) -> anyhow::Result<()> {
        let definitions = project().join("crds");
        let definitions = definitions.to_str().context("the project's path is UTF-8")?;
        let applied = self.kubectl(&["apply", "--server-side", "--force-conflicts", "-f", definitions], "");
        ensure!(applied.ok, "crds/ does not apply: {}", applied.err);
        let established = ["wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"];
        let established = self.kubectl(&established, "");
        ensure!(established.ok, "{}", established.err);
        let namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: vnet-system}}";
        let own = self.kubectl(&["apply", "-f", "-"], namespace);
        ensure!(own.ok, "{}", own.err);
        poll("the schemas and the admission policy act", || self.is_installed().then_some(()))
    }

    /// Installs definitions that let any spec through, and any object as a status, until the next [`Cluster::install`].
    /// The operator restarts: a watch that is older goes on to show objects as the schema of its time has them.
    pub fn loosen(&self) -> anyhow::Result<()> {
        self.stop_operator();
        let spec = json!({"x-kubernetes-preserve-unknown-fields": true});
        let mut status = json!({"type": "object", "default": {"observedGeneration": -1}});
        status["x-kubernetes-preserve-unknown-fields"] = true.into();
        let schema = json!({"type": "object", "properties": {"spec": spec, "status": status}});
        let mut items = crd::all();
        for definition in &mut items {
            let version = &mut definition["spec"]["versions"][0];
            version["schema"]["openAPIV3Schema"] = schema.clone();
            version["subresources"] = json!({"status": {}}); // a scale would need a schema of its own
        }
        let list = json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
        let applied = self.kubectl(&["apply", "--server-side", "--force-conflicts", "-f", "-"], &list);
        ensure!(applied.ok, "the loosened definitions do not apply: {}", applied.err);
        poll("no schema acts", || (self.kinds_that_take_nonsense() == Kind::ALL.len()).then_some(()))?;
        self.start_operator()
    }

    /// How many kinds take anything for a spec, as a dry run shows.
    fn kinds_that_take_nonsense(&self) -> usize {
        let takes = |kind: &&Kind| self.in_a_dry_run(**kind, json!({"spec": "probe"})).is_some();
        Kind::ALL.iter().filter(takes).count()
    }

    /// True if the definitions act as they are committed.
    pub fn is_installed(&self) -> bool {
        self.policy_acts() && self.kinds_that_take_nonsense() == 0
    }

    /// True if the admission policy brings the finalizer, as a dry run shows.
    pub fn policy_acts(&self) -> bool {
        let probe = json!({"spec": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}});
        let created = self.in_a_dry_run(Kind::VirtualNetwork, probe);
        created.is_some_and(|created| created.finalizers().iter().any(|finalizer| finalizer == FINALIZER))
    }

    /// What the API server would store; none if it refuses it.
    fn in_a_dry_run(&self, kind: Kind, data: Value) -> Option<DynamicObject> {
        let resource = api_resource(kind);
        let objects = Api::<DynamicObject>::namespaced_with(self.client(), "default", &resource);
        let object = DynamicObject::new("probe", &resource).data(data);
        block_on(objects.create(&PostParams { dry_run: true, ..PostParams::default() }, &object)).ok()
    }
}
