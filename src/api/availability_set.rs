//! AvailabilitySet: what users write. Only its form can be wrong (ARM-04, S-12).

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::common::TrackedResource;
use super::status::Status;
use super::{About, Api};
use crate::fabric::availability_set::AvailabilitySetView;
use crate::fabric::{AvailabilitySet, Name, Violation};

/// An availability set places its virtual machines in different fault domains, so that a failure of the hardware does
/// not affect all of them.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "vnet.dev",
    version = "v1alpha1",
    kind = "AvailabilitySet",
    root = "AvailabilitySetObject",
    doc = "An availability set of the simulated fabric, in Azure's model.",
    status = "Status<AvailabilitySetView>",
    namespaced,
    shortname = "avset",
    category = "azure",
    printcolumn(
        name = "VMs",
        type_ = "integer",
        json_path = ".status.virtualMachineCount",
        description = "The number of virtual machines."
    )
)]
#[serde(rename_all = "camelCase")]
pub struct AvailabilitySetSpec {
    /// What every resource has.
    #[serde(flatten)]
    pub resource: TrackedResource,
}

impl Api for AvailabilitySet {
    type Spec = AvailabilitySetSpec;
    type Object = AvailabilitySetObject;

    fn translate(_: &About, _: &AvailabilitySetSpec) -> Result<Self, Vec<Violation>> {
        Ok(Self {})
    }

    fn describe(&self, _: &Name, location: &str) -> AvailabilitySetSpec {
        AvailabilitySetSpec { resource: TrackedResource::in_location(location) }
    }

    fn tracked(spec: &AvailabilitySetSpec) -> Option<&TrackedResource> {
        Some(&spec.resource)
    }
}
