//! VirtualMachineScaleSetVM: the object that shows an instance of a Uniform scale set.

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::references::LocalReference;
use super::status::Status;
use super::texts::InstanceId;
use super::virtual_machine::restart_is_short;
use super::virtual_machine_scale_set::{NetworkProfileConfiguration, describe_network, network};
use super::{About, Api};
use crate::fabric::virtual_machine::DesiredPowerState;
use crate::fabric::virtual_machine_scale_set_vm::{DesiredRevision, Maker, VirtualMachineScaleSetVMView};
use crate::fabric::{Findings, Name, Violation, VirtualMachineScaleSet, VirtualMachineScaleSetVM};

/// An instance of a Uniform scale set, with the desired state of this instance alone. The scale set creates and deletes
/// these objects.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "vnet.dev",
    version = "v1alpha1",
    kind = "VirtualMachineScaleSetVM",
    root = "VirtualMachineScaleSetVMObject",
    doc = "An instance of a Uniform scale set of the simulated fabric, in Azure's model. The scale set makes it.",
    status = "Status<VirtualMachineScaleSetVMView>",
    namespaced,
    shortname = "vmssvm",
    category = "azure",
    printcolumn(name = "Power", type_ = "string", json_path = ".status.powerState", description = "The power state."),
    printcolumn(
        name = "Private-IP",
        type_ = "string",
        json_path = ".status.networkInterfaces[0].ipConfigurations[0].privateIPAddress",
        description = "The private address of the primary configuration of the primary network interface."
    ),
    printcolumn(
        name = "Public-IP",
        type_ = "string",
        json_path = ".status.networkInterfaces[0].ipConfigurations[0].publicIPAddress.ipAddress",
        description = "Its public address."
    ),
    printcolumn(
        name = "Latest",
        type_ = "boolean",
        json_path = ".status.latestModelApplied",
        description = "Whether it has the latest model."
    ),
    printcolumn(
        name = "FQDN",
        type_ = "string",
        json_path = ".status.networkInterfaces[0].ipConfigurations[0].publicIPAddress.fqdn",
        description = "The domain name of its public address.",
        priority = 1
    )
)]
#[serde(rename_all = "camelCase")]
pub struct VirtualMachineScaleSetVMSpec {
    /// The scale set, in the same namespace. Set by the scale set; immutable.
    pub scale_set: LocalReference<VirtualMachineScaleSet>,
    /// The id of the instance within the scale set. Set by the scale set; immutable.
    #[schemars(with = "InstanceId")]
    pub instance_id: String,
    /// The desired minimum revision of the scale set's model. Set it to the scale set's status.updateRevision to
    /// upgrade the instance to the latest model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 20))]
    pub revision: Option<String>,
    /// The desired power state: Running, Stopped or Deallocated. If it is omitted, the instance is started at creation
    /// and its power state is not changed afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power_state: Option<DesiredPowerState>,
    /// The network interfaces of this instance, which replace those of the model. They are kept when the scale set is
    /// scaled or upgraded. Defaults to those of the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_profile_configuration: Option<NetworkProfileConfiguration>,
}

impl Api for VirtualMachineScaleSetVM {
    type Spec = VirtualMachineScaleSetVMSpec;
    type Object = VirtualMachineScaleSetVMObject;

    fn translate(about: &About, spec: &VirtualMachineScaleSetVMSpec) -> Result<Self, Vec<Violation>> {
        let mut findings = Findings::default();
        restart_is_short(about, &mut findings);
        let set = spec.scale_set.name_from(&about.name);
        let own = spec.network_profile_configuration.as_ref();
        let own = own.map(|own| network(&about.name, own, "spec.networkProfileConfiguration", &mut findings).into());
        findings.into_result(Self {
            maker: if about.owner.as_ref().is_some_and(|owner| owner.set == set) {
                Maker::ScaleSet
            } else {
                Maker::Other
            },
            set,
            id: spec.instance_id.parse().ok(),
            revision: spec.revision.as_deref().map(DesiredRevision::from),
            power: spec.power_state,
            network: own,
            restarted_at: about.restarted_at.clone(),
        })
    }

    fn describe(&self, name: &Name, _: &str) -> VirtualMachineScaleSetVMSpec {
        VirtualMachineScaleSetVMSpec {
            scale_set: LocalReference::to(&self.set),
            instance_id: self.id.map(|id| id.to_string()).unwrap_or_default(),
            revision: self.revision.as_ref().map(|revision| match revision {
                DesiredRevision::Number(number) => number.to_string(),
                DesiredRevision::Unreadable(text) => text.clone(),
            }),
            power_state: self.power,
            network_profile_configuration: self.network.as_ref().map(|network| describe_network(network, name)),
        }
    }
}
