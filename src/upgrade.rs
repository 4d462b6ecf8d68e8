//! `vnet upgrade`: tells instances of a scale set to take up the latest model (VMSS-06).
//!
//! It writes wishes and nothing else: `spec.revision` of a VirtualMachineScaleSetVM, or, of an instance of a Flexible set,
//! an annotation of its VirtualMachine. The operator does the rest.

use std::collections::BTreeSet;

use anyhow::{Context, bail, ensure};
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, Client, ResourceExt};
use serde_json::json;

use crate::api::WISHED_REVISION;
use crate::api::virtual_machine::VirtualMachineObject;
use crate::api::virtual_machine_scale_set::VirtualMachineScaleSetObject;
use crate::api::virtual_machine_scale_set_vm::VirtualMachineScaleSetVMObject;
use crate::fabric::virtual_machine_scale_set::{OrchestrationMode, SCALE_SET_LABEL};

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

/// Upgrades instances of the set `set`, which may be written `vmss/NAME`, and returns a line for each.
pub async fn upgrade(client: Client, namespace: Option<&str>, set: &str, which: &Which) -> anyhow::Result<Vec<String>> {
    let namespace = namespace.unwrap_or_else(|| client.default_namespace()).to_owned();
    let name = set.strip_prefix("vmss/").unwrap_or(set);
    let sets = Api::<VirtualMachineScaleSetObject>::namespaced(client.clone(), &namespace);
    let set = sets
        .get_opt(name)
        .await?
        .with_context(|| format!("there is no scale set {namespace}/{name}; `kubectl get vmss -A` lists all"))?;
    let view = set.status.as_ref().map(|status| &status.view);
    let latest = view
        .and_then(|view| view.update_revision.clone())
        .with_context(|| format!("scale set {namespace}/{name} has no model in the fabric yet; see its conditions"))?;
    let instances = ListParams::default().labels(&format!("{SCALE_SET_LABEL}={name}"));
    let mut told = Vec::new();
    let mut met = BTreeSet::new();
    match set.spec.orchestration_mode {
        OrchestrationMode::Uniform => {
            let api = Api::<VirtualMachineScaleSetVMObject>::namespaced(client, &namespace);
            let wish = Patch::Merge(json!({"spec": {"revision": latest}}));
            for instance in api.list(&instances).await? {
                let Some(id) = instance.spec.instance_id.parse().ok().filter(|id| which.has(*id)) else { continue };
                met.insert(id);
                api.patch(&instance.name_any(), &PatchParams::default(), &wish).await?;
                told.push(format!("vmssvm/{} is told to have revision {latest}", instance.name_any()));
            }
        }
        OrchestrationMode::Flexible => {
            let api = Api::<VirtualMachineObject>::namespaced(client, &namespace);
            let wish = Patch::Merge(json!({"metadata": {"annotations": {WISHED_REVISION: latest}}}));
            for machine in api.list(&instances).await? {
                let id = machine.name_any().rsplit_once('-').and_then(|(_, id)| id.parse().ok());
                let Some(id) = id.filter(|id| which.has(*id)) else { continue };
                met.insert(id);
                api.patch(&machine.name_any(), &PatchParams::default(), &wish).await?;
                told.push(format!("vm/{} is told to have revision {latest}", machine.name_any()));
            }
        }
    }
    if let Which::Ids(ids) = which {
        let missing: Vec<String> = ids.difference(&met).map(u64::to_string).collect();
        ensure!(missing.is_empty(), "scale set {name} has no instance {}; the others are told", missing.join(", "));
    }
    if told.is_empty() {
        bail!("scale set {name} has no instances");
    }
    Ok(told)
}
