//! What users write and read: the custom resources of `vnet.dev/v1alpha1`, one kind a file.
//!
//! A kind's file has its spec, its columns, what the API server checks of it, and the translation of the spec into what
//! the fabric is asked. The same for every kind:
//!
//! * [`common`] has the parts that several specs share, [`texts`] the forms of their texts, [`references`] those that name
//!   objects,
//! * [`shown`] and [`object`] read what the API server sends, [`form`] checks a spec against the schema, and
//!   `findings` says what cannot be read in one,
//! * [`status`] and [`conditions`] are what the operator writes,
//! * [`children`] writes the objects that scale sets make,
//! * [`crd`] makes the definitions.

pub mod availability_set;
pub mod children;
pub mod common;
pub mod conditions;
pub mod crd;
mod findings;
pub mod form;
pub mod markdown;
pub mod network_interface;
pub mod object;
pub mod public_ip_address;
pub mod public_ip_prefix;
pub mod references;
pub mod shown;
pub mod status;
pub mod subnet;
#[cfg(test)]
mod tests;
pub mod texts;
pub mod virtual_machine;
pub mod virtual_machine_scale_set;
pub mod virtual_machine_scale_set_vm;
pub mod virtual_network;

use common::TrackedResource;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::fabric::virtual_machine_scale_set_vm::DesiredRevision;
use crate::fabric::{Name, Resource, Uid, Violation};

/// The API group of every kind.
pub const GROUP: &str = "vnet.dev";
/// The version that is served and stored.
pub const VERSION: &str = "v1alpha1";
/// Keeps an object until the fabric has released it.
pub const FINALIZER: &str = "vnet.dev/fabric";
/// The label of a Namespace that names the subscription of what is in it.
pub const SUBSCRIPTION_LABEL: &str = "vnet.dev/subscription";
/// The label of a Namespace that names the region of what is in it and names none itself.
pub const LOCATION_LABEL: &str = "vnet.dev/location";
/// The annotation that asks for a restart of a virtual machine, or of all instances of a scale set, each new value once.
pub const RESTARTED_AT: &str = "vnet.dev/restartedAt";
/// The annotation of an instance of a Flexible scale set: the revision of the model that it was written from.
pub const REVISION: &str = "vnet.dev/revision";
pub use crate::fabric::virtual_machine::DESIRED_REVISION;
/// What that annotation was called before version 0.1.0; it is read until 0.2.0, where the other is missing.
pub const FORMER_DESIRED_REVISION: &str = "vnet.dev/wished-revision";
pub use crate::fabric::virtual_machine_scale_set::SCALE_SET_LABEL;

/// A kind of the fabric as users write it.
pub trait Api: Resource<View: Serialize + DeserializeOwned + JsonSchema + Default> {
    /// The spec.
    type Spec: Serialize + DeserializeOwned + JsonSchema;
    /// The whole object, as its CRD defines it.
    type Object: kube::CustomResourceExt;

    /// What the fabric is asked for.
    ///
    /// # Errors
    /// Everything in the spec that cannot be read, each under the rule that its field belongs to.
    fn translate(about: &About, spec: &Self::Spec) -> Result<Self, Vec<Violation>>;

    /// The spec that asks for this, in the namespace of `name`, with every default filled in.
    fn describe(&self, name: &Name, location: &str) -> Self::Spec;

    /// What its spec has as a resource of its own; none of what is a part of another resource in Azure.
    fn tracked(_: &Self::Spec) -> Option<&TrackedResource> {
        None
    }
}

/// JSON of what is made of this project's own types, of which serde can always make some.
pub(crate) fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_else(|error| unreachable!("types of the API are JSON: {error}"))
}

/// What a translation may read of an object beside its spec.
#[derive(Clone, Debug)]
pub struct About {
    /// The object's name.
    pub name: Name,
    /// The value of the annotation that asks for a restart.
    pub restarted_at: Option<String>,
    /// The scale set that owns the object.
    pub owner: Option<Owner>,
    /// The revision of the scale set's model that the object was written from, and its desired revision.
    pub revisions: (Option<u64>, Option<DesiredRevision>),
}

/// The scale set that made an object and owns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its name.
    pub set: Name,
    /// Which life of it.
    pub uid: Uid,
}

impl About {
    /// An object without an owner.
    pub fn named(name: Name) -> Self {
        Self { name, restarted_at: None, owner: None, revisions: (None, None) }
    }
}
