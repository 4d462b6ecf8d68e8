//! VirtualMachineScaleSet: what users write.
//!
//! CEL refuses what breaks VM-09, VMSS-28 or PIP-15; the translation refuses an unknown size (S-35), a number of instances
//! or a policy that is none (VMSS-01, VMSS-28), and labels and DNS servers that cannot be read (PIP-15, NIC-21).

mod network;
#[cfg(test)]
mod tests;

use std::time::Duration;

use jiff::SignedDuration;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::network::{
    InstanceAddressSku, NetworkInterfaceConfiguration, NetworkProfileConfiguration, PublicIPAddressConfiguration,
    ScaleSetIpConfiguration, describe_network, network,
};
use super::common::{self, TrackedResource, ZoneList};
use super::findings::Unreadable;
use super::status::Status;
use super::texts::ComputerNamePrefix;
use super::virtual_machine::restart_is_short;
use super::{About, Api};
use crate::fabric::limits;
use crate::fabric::virtual_machine::OsType;
use crate::fabric::virtual_machine_scale_set::{
    Model, OrchestrationMode, RollingPolicy, UpgradeMode, VirtualMachineScaleSetView,
};
use crate::fabric::zones::Zone;
use crate::fabric::{Findings, Name, Violation, VirtualMachineScaleSet};

/// A set of identical virtual machines that are created from one model.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "vnet.dev",
    version = "v1alpha1",
    kind = "VirtualMachineScaleSet",
    root = "VirtualMachineScaleSetObject",
    doc = "A set of identical virtual machines made from one model, on the simulated fabric.",
    status = "Status<VirtualMachineScaleSetView>",
    namespaced,
    shortname = "vmss",
    category = "azure",
    scale(
        spec_replicas_path = ".spec.replicas",
        status_replicas_path = ".status.replicas",
        label_selector_path = ".status.selector"
    ),
    printcolumn(
        name = "Desired",
        type_ = "integer",
        json_path = ".spec.replicas",
        description = "The desired number of instances."
    ),
    printcolumn(
        name = "Ready-Replicas",
        type_ = "integer",
        json_path = ".status.readyReplicas",
        description = "The number of instances that are running."
    ),
    printcolumn(
        name = "Updated",
        type_ = "integer",
        json_path = ".status.updatedReplicas",
        description = "The number of instances that have the latest model."
    ),
    printcolumn(
        name = "Mode",
        type_ = "string",
        json_path = ".spec.orchestrationMode",
        description = "Uniform or Flexible."
    ),
    printcolumn(
        name = "Upgrade",
        type_ = "string",
        json_path = ".spec.upgradePolicy.mode",
        description = "When instances are upgraded to a new model: Manual, Automatic or Rolling.",
        priority = 1
    )
)]
#[serde(rename_all = "camelCase")]
pub struct VirtualMachineScaleSetSpec {
    /// What every resource has.
    #[serde(flatten)]
    pub resource: TrackedResource,
    /// The desired number of instances. May change at any time, also through the scale subresource.
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = limits::INSTANCES_PER_SCALE_SET))]
    pub replicas: i32,
    /// How instances are managed. Uniform: by the scale set; each is shown as a VirtualMachineScaleSetVM object.
    /// Flexible: as VirtualMachine, NetworkInterface and PublicIPAddress objects that the scale set creates. Immutable
    /// once programmed.
    #[serde(default)]
    pub orchestration_mode: OrchestrationMode,
    /// The availability zones of the instances: 1 to 3. Instance 0 is in the first, instance 1 in the next, and so on.
    /// Defaults to none. Immutable once programmed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "ZoneList")]
    pub zones: Vec<Zone>,
    /// The size of every instance. A change is a change of the model.
    pub sku: ScaleSetSku,
    /// When existing instances are upgraded to a changed model. New instances always have the latest model.
    #[serde(default)]
    pub upgrade_policy: UpgradePolicy,
    /// The model from which instances are created. Existing instances receive a change as the upgrade policy says.
    pub virtual_machine_profile: VirtualMachineProfile,
}

fn one() -> i32 {
    1
}

/// The size of instances.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScaleSetSku {
    /// The Azure VM size, such as Standard_D2s_v3, in any letter case.
    #[schemars(length(min = 1, max = 64))]
    pub name: String,
}

/// When instances take up a new model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpgradePolicy {
    /// Manual: each instance when it is requested, by spec.revision of the instance or by vnet upgrade. Automatic: all
    /// instances at once. Rolling: in batches. May change at any time.
    #[serde(default)]
    pub mode: UpgradeMode,
    /// How a Rolling upgrade proceeds. Used with mode Rolling only. May change at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolling_upgrade_policy: Option<RollingUpgradePolicy>,
}

/// How a Rolling upgrade proceeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct RollingUpgradePolicy {
    /// The size of a batch, in percent of all instances; at least one instance. Defaults to 20.
    #[serde(default = "twenty")]
    #[schemars(range(min = limits::SMALLEST_BATCH_PERCENT, max = 100))]
    pub max_batch_instance_percent: i32,
    /// The percentage of all instances that may be unhealthy, that is not running, before the upgrade stops. Defaults
    /// to 20.
    #[serde(default = "twenty")]
    #[schemars(range(min = 0, max = 100))]
    pub max_unhealthy_instance_percent: i32,
    /// The pause between two batches, as an ISO 8601 duration such as PT30S. Defaults to PT0S.
    #[serde(default = "no_pause")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = ("self.matches('^PT(([0-9]{1,9}H)?([0-9]{1,9}M)?[0-9]{1,9}S|([0-9]{1,9}H)?[0-9]{1,9}M|[0-9]{1,9}H)$')", "must be an ISO 8601 duration, such as PT30S"))]
    pub pause_time_between_batches: String,
}

fn twenty() -> i32 {
    20
}

fn no_pause() -> String {
    "PT0S".to_owned()
}

impl Default for RollingUpgradePolicy {
    fn default() -> Self {
        Self {
            max_batch_instance_percent: twenty(),
            max_unhealthy_instance_percent: twenty(),
            pause_time_between_batches: no_pause(),
        }
    }
}

/// The model of instances.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VirtualMachineProfile {
    /// The operating system of the instances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os_profile: Option<ScaleSetOsProfile>,
    /// The network interfaces of every instance.
    pub network_profile: NetworkProfileConfiguration,
}

/// The guests of instances.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScaleSetOsProfile {
    /// The prefix of the host names of the guests; six base-36 digits of the instance id follow. Defaults to the name
    /// of the scale set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<ComputerNamePrefix>")]
    pub computer_name_prefix: Option<String>,
    /// The operating system of the guest. It determines the manualAddresses in the status. Default: Linux.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os_type: Option<OsType>,
}

impl Api for VirtualMachineScaleSet {
    type Spec = VirtualMachineScaleSetSpec;
    type Object = VirtualMachineScaleSetObject;

    fn translate(about: &About, spec: &VirtualMachineScaleSetSpec) -> Result<Self, Vec<Violation>> {
        let mut findings = Findings::default();
        restart_is_short(about, &mut findings);
        let model = model(&about.name, &spec.sku, &spec.virtual_machine_profile, &mut findings);
        let rolling = rolling(spec.upgrade_policy.rolling_upgrade_policy.clone().unwrap_or_default(), &mut findings);
        let replicas = u32::try_from(spec.replicas).unwrap_or_else(|_| {
            findings.under("VMSS-01").add("spec.replicas", Unreadable::Replicas { replicas: spec.replicas });
            0
        });
        let zones = common::zones(&spec.zones, &mut findings);
        let Some(model) = model else { return Err(findings.into_violations()) };
        findings.into_result(Self {
            zones,
            mode: spec.orchestration_mode,
            replicas,
            upgrade: spec.upgrade_policy.mode,
            rolling,
            model: model.into(),
            restarted_at: about.restarted_at.clone(),
        })
    }

    fn describe(&self, name: &Name, location: &str) -> VirtualMachineScaleSetSpec {
        let (sku, virtual_machine_profile) = describe_model(&self.model, name);
        VirtualMachineScaleSetSpec {
            resource: TrackedResource::in_location(location),
            replicas: i32::try_from(self.replicas).unwrap_or(i32::MAX),
            orchestration_mode: self.mode,
            zones: self.zones.iter().copied().collect(),
            sku,
            upgrade_policy: UpgradePolicy {
                mode: self.upgrade,
                rolling_upgrade_policy: Some(RollingUpgradePolicy {
                    max_batch_instance_percent: self.rolling.max_batch_percent.into(),
                    max_unhealthy_instance_percent: self.rolling.max_unhealthy_percent.into(),
                    pause_time_between_batches: format!("PT{}S", self.rolling.pause.as_secs()),
                }),
            },
            virtual_machine_profile,
        }
    }

    fn tracked(spec: &VirtualMachineScaleSetSpec) -> Option<&TrackedResource> {
        Some(&spec.resource)
    }
}

fn rolling(asked: RollingUpgradePolicy, findings: &mut Findings) -> RollingPolicy {
    const POLICY: &str = "spec.upgradePolicy.rollingUpgradePolicy";
    let mut percent = |percent: i32, least: u8, field: &str| {
        let read = u8::try_from(percent).ok().filter(|percent| *percent <= 100);
        read.unwrap_or_else(|| {
            let path = format!("{POLICY}.{field}");
            findings.under("VMSS-28").add(path, Unreadable::Percentage { percent, least });
            100
        })
    };
    let max_batch_percent =
        percent(asked.max_batch_instance_percent, limits::SMALLEST_BATCH_PERCENT, "maxBatchInstancePercent");
    let max_unhealthy_percent = percent(asked.max_unhealthy_instance_percent, 0, "maxUnhealthyInstancePercent");
    let text = &asked.pause_time_between_batches;
    let pause = text.parse::<SignedDuration>().ok().and_then(|pause| Duration::try_from(pause).ok());
    let pause = pause.filter(|pause| *pause <= limits::LONGEST_PAUSE).unwrap_or_else(|| {
        let path = format!("{POLICY}.pauseTimeBetweenBatches");
        findings.under("VMSS-28").add(path, Unreadable::Pause { text: text.clone() });
        Duration::ZERO
    });
    RollingPolicy { max_batch_percent, max_unhealthy_percent, pause }
}

/// The model that a spec describes; none if its size is unknown.
pub fn model(set: &Name, sku: &ScaleSetSku, profile: &VirtualMachineProfile, findings: &mut Findings) -> Option<Model> {
    let os = profile.os_profile.clone().unwrap_or_default();
    const PATH: &str = "spec.virtualMachineProfile.networkProfile";
    let network = network(set, &profile.network_profile, PATH, findings);
    let size = common::vm_size(&sku.name, "spec.sku.name", findings)?;
    let default_prefix = || set.name.replace('.', "-").chars().take(15).collect();
    Some(Model {
        size,
        computer_name_prefix: os.computer_name_prefix.unwrap_or_else(default_prefix),
        os_type: os.os_type.unwrap_or_default(),
        network: network.into(),
    })
}

/// The part of a spec that describes a model, with every default filled in.
pub fn describe_model(model: &Model, set: &Name) -> (ScaleSetSku, VirtualMachineProfile) {
    let profile = VirtualMachineProfile {
        os_profile: Some(ScaleSetOsProfile {
            computer_name_prefix: Some(model.computer_name_prefix.clone()),
            os_type: Some(model.os_type),
        }),
        network_profile: describe_network(&model.network, set),
    };
    (ScaleSetSku { name: model.size.name.to_owned() }, profile)
}
