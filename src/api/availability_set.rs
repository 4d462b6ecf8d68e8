//! AvailabilitySet: what users write. Only its form can be wrong (ARM-04, S-12).

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::common::Tags;
use super::status::Status;
use super::texts::Location;
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
    /// The Azure region of the object. Defaults to the Namespace's label vnet.dev/location, or to the operator's
    /// --default-location if there is none. Immutable once programmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Location>")]
    pub location: Option<String>,
    /// Azure resource tags: names and values that people and their tools read. They have no effect on the network, and
    /// may change at any time.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    #[schemars(extend("maxProperties" = 50))]
    pub tags: Tags,
}

impl Api for AvailabilitySet {
    type Spec = AvailabilitySetSpec;
    type Object = AvailabilitySetObject;

    fn translate(_: &About, _: &AvailabilitySetSpec) -> Result<Self, Vec<Violation>> {
        Ok(Self {})
    }

    fn describe(&self, _: &Name, location: &str) -> AvailabilitySetSpec {
        AvailabilitySetSpec { location: Some(location.to_owned()), tags: Tags::new() }
    }

    fn location(spec: &AvailabilitySetSpec) -> Option<&str> {
        spec.location.as_deref()
    }
}
