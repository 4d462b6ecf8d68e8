//! `vnet upgrade`: tells instances of a scale set to take up the latest model (VMSS-06).
//!
//! It writes wishes and nothing else: `spec.revision` of a VirtualMachineScaleSetVM, or, of an instance of a Flexible set,
//! an annotation of its VirtualMachine. The operator does the rest.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use kube::api::{DynamicObject, ListParams, Patch, PatchParams};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};

use crate::api::object::api_resource;
use crate::api::virtual_machine_scale_set::VirtualMachineScaleSetObject;
use crate::api::{WISHED_REVISION, children};
use crate::fabric::virtual_machine_scale_set::{OrchestrationMode, SCALE_SET_LABEL};
use crate::fabric::{Kind, Name};

/// Which instances are upgraded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// All of the set.
    All,
    /// Those of these ids.
    Ids(BTreeSet<u64>),
}

impl Which {
    fn has(&self, id: u64) -> bool {
        match self {
            Which::All => true,
            Which::Ids(ids) => ids.contains(&id),
        }
    }
}

/// Tells instances of the set `set`, which may be written `vmss/NAME`, to have its latest model; says of each that it is told
/// to, or has it already.
pub async fn upgrade(
    client: Client,
    namespace: Option<&str>,
    set: &str,
    which: &Which,
    mut tell: impl FnMut(&str) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let namespace = namespace.unwrap_or_else(|| client.default_namespace()).to_owned();
    let name = set.strip_prefix("vmss/").unwrap_or(set);
    ensure!(!name.contains('/'), "{set} is no scale set; write vmss/NAME, or NAME");
    let full_name = Name::new(namespace.as_str(), name);
    let sets = Api::<VirtualMachineScaleSetObject>::namespaced(client.clone(), &namespace);
    let set = sets
        .get_opt(name)
        .await?
        .with_context(|| format!("there is no scale set {full_name}; `kubectl get vmss -A` lists all"))?;
    let latest = set.status.and_then(|status| status.view.update_revision);
    let latest =
        latest.with_context(|| format!("scale set {full_name} has no model in the fabric yet; see its conditions"))?;
    let (kind, short, wish) = match set.spec.orchestration_mode {
        OrchestrationMode::Uniform => (Kind::VirtualMachineScaleSetVM, "vmssvm", json!({"spec": {"revision": latest}})),
        OrchestrationMode::Flexible => {
            (Kind::VirtualMachine, "vm", json!({"metadata": {"annotations": {WISHED_REVISION: latest}}}))
        }
    };
    let api = Api::<DynamicObject>::namespaced_with(client, &namespace, &api_resource(kind));
    let mut met = BTreeSet::new();
    for instance in api.list(&ListParams::default().labels(&format!("{SCALE_SET_LABEL}={name}"))).await? {
        let has = instance.data.pointer("/status/revision").and_then(Value::as_str);
        let is_up_to_date = has == Some(latest.as_str());
        let instance = instance.name_any();
        let id = children::instance_of(&full_name, &Name::new(namespace.as_str(), instance.as_str()));
        let Some(id) = id.filter(|id| which.has(*id)) else { continue };
        met.insert(id);
        if is_up_to_date {
            tell(&format!("{short}/{instance} is up to date: it has revision {latest}"))?;
            continue;
        }
        api.patch(&instance, &PatchParams::default(), &Patch::Merge(&wish)).await?;
        tell(&format!("{short}/{instance} is told to have revision {latest}"))?;
    }
    if let Which::Ids(ids) = which {
        let missing: Vec<String> = ids.difference(&met).map(u64::to_string).collect();
        let rest = if met.is_empty() { "see its status.instanceIds" } else { "the others are told or up to date" };
        ensure!(missing.is_empty(), "scale set {name} has no instance {}; {rest}", missing.join(", "));
    }
    ensure!(!met.is_empty(), "scale set {name} has no instances");
    Ok(())
}
