//! `vnet upgrade`: upgrades instances of a scale set to the latest model (VMSS-06).
//!
//! It writes desired revisions and nothing else: `spec.revision` of a VirtualMachineScaleSetVM, or, of an instance of a Flexible set,
//! an annotation of its VirtualMachine. The operator does the rest.

use std::collections::BTreeSet;
use std::io::Write;

use anyhow::{Context, ensure};
use kube::api::{DynamicObject, ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};
use vnet_operator::api::object::api_resource;
use vnet_operator::api::virtual_machine_scale_set::VirtualMachineScaleSetObject;
use vnet_operator::api::{DESIRED_REVISION, SCALE_SET_LABEL, children};
use vnet_operator::fabric::virtual_machine_scale_set::{OrchestrationMode, ranges_have};
use vnet_operator::fabric::{Kind, Name};

use super::cluster::{connect, failed};
use super::view::named;

pub const EXAMPLES: &str = "\
Examples:
  vnet upgrade vmss/api -n shop --all             every instance without the latest model
  vnet upgrade vmss/api -n shop --instances 0,3   these two
  kubectl get vmssvm -n shop                      LATEST shows which instances have it";

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("which").required(true))]
pub struct UpgradeOptions {
    /// The scale set: vmss/NAME, or NAME
    set: String,
    /// Its namespace [default: that of the current context]
    #[arg(long, short)]
    namespace: Option<String>,
    /// The instances, by id, such as 0,3
    #[arg(long, value_delimiter = ',', group = "which", value_parser = instance_id)]
    instances: Vec<u64>,
    /// All instances
    #[arg(long, group = "which")]
    all: bool,
}

fn instance_id(text: &str) -> Result<u64, &'static str> {
    text.parse().map_err(|_| "an id is the number after the set's name: 0 of the instance api-0")
}

/// Sets the desired revision of the instances, and prints what was done for each.
pub async fn upgrade_instances(options: UpgradeOptions) -> anyhow::Result<()> {
    let UpgradeOptions { set, namespace, instances, all } = options;
    let named = |namespace: &str| named(&set, &[Kind::VirtualMachineScaleSet], namespace);
    named("")?; // before anything is asked
    let client = connect().await?;
    let namespace = namespace.unwrap_or_else(|| client.default_namespace().to_owned());
    let full_name = named(&namespace)?.name;
    let name = &*full_name.name;
    let cannot = |verb: &str, what: &str| {
        let allowed = format!("`kubectl auth can-i {verb} {what} -n {namespace}` shows whether you may");
        format!("cannot {verb} {what} in namespace {namespace}; {allowed}")
    };
    let sets = Api::<VirtualMachineScaleSetObject>::namespaced(client.clone(), &namespace);
    let set = sets.get_opt(name).await.map_err(|error| failed(cannot("get", "vmss"), error))?;
    let set = set.with_context(|| format!("there is no scale set {full_name}; `kubectl get vmss -A` lists all"))?;
    let view = set.status.map(|status| status.view);
    let keeps_older = view.as_ref().map(|view| view.taken_over_instance_ids.clone()).unwrap_or_default();
    let latest = view.and_then(|view| view.update_revision);
    let latest =
        latest.with_context(|| format!("scale set {full_name} has no model in the fabric yet; see its conditions"))?;
    let (kind, short, desired) = match set.spec.orchestration_mode {
        OrchestrationMode::Uniform => (Kind::VirtualMachineScaleSetVM, "vmssvm", json!({"spec": {"revision": latest}})),
        OrchestrationMode::Flexible => {
            (Kind::VirtualMachine, "vm", json!({"metadata": {"annotations": {DESIRED_REVISION: latest}}}))
        }
    };
    let api = Api::<DynamicObject>::namespaced_with(client, &namespace, &api_resource(kind));
    let asked: BTreeSet<u64> = instances.into_iter().collect();
    let mut met = BTreeSet::new();
    let of_the_set = ListParams::default().labels(&format!("{SCALE_SET_LABEL}={name}"));
    for instance in api.list(&of_the_set).await.map_err(|error| failed(cannot("list", short), error))? {
        let has = instance.data.pointer("/status/revision").and_then(Value::as_str);
        let is_up_to_date = has == Some(latest.as_str());
        let instance = instance.name_any();
        let id = children::instance_of(&full_name, &Name::new(namespace.as_str(), instance.as_str()));
        let Some(id) = id.filter(|id| all || asked.contains(id)) else { continue };
        met.insert(id);
        let result = match is_up_to_date {
            true => format!("is up to date: it has revision {latest}"),
            false => {
                let patched = api.patch(&instance, &PatchParams::default(), &Patch::Merge(&desired)).await;
                patched.map_err(|error| failed(cannot("patch", short), error))?;
                match ranges_have(&keeps_older, id) {
                    false => format!("desired revision set to {latest}"),
                    true => format!(
                        "desired revision set to {latest} again: another field manager owns a field that its model sets \
                         (`kubectl describe vmss/{name} -n {namespace}`, OlderModelKept)"
                    ),
                }
            }
        };
        writeln!(std::io::stdout(), "{short}/{instance} {result}")?;
    }
    let missing: Vec<String> = asked.difference(&met).map(u64::to_string).collect();
    let rest = if met.is_empty() { "see its status.instanceIds" } else { "the others are set or up to date" };
    ensure!(missing.is_empty(), "scale set {name} has no instance {}; {rest}", missing.join(", "));
    ensure!(!met.is_empty(), "scale set {name} has no instances");
    Ok(())
}
