//! The inputs of the core, and its answers.

use std::fmt;
use std::sync::Arc;

use kube::core::ObjectMeta;
use serde_json::Value;

use crate::api::children::Revision;
use crate::api::object::{self, Observed};
use crate::api::{LOCATION_LABEL, SUBSCRIPTION_LABEL};
use crate::fabric::{Kind, Name, ObjectId, Uid};

/// A watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Of all Namespaces.
    Namespaces,
    /// Of all objects of a kind.
    Objects(Kind),
    /// Of the ControllerRevisions that keep models of scale sets.
    Revisions,
}

impl fmt::Display for Source {
    /// The resource, as `kubectl auth can-i list` names it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Namespaces => f.write_str("namespaces"),
            Self::Revisions => f.write_str("controllerrevisions.apps"),
            Self::Objects(kind) => {
                let resource = object::api_resource(*kind);
                write!(f, "{}.{}", resource.plural, resource.group)
            }
        }
    }
}

/// An input of the core.
#[derive(Clone, Debug)]
pub enum Input {
    /// A watch starts a new list.
    ListStarted(Source),
    /// A watch has listed everything.
    ListDone(Source),
    /// An object, as a list shows it: that is the truth, whatever was known before.
    Listed(Box<Observed>),
    /// An object, as a watch or the answer to a write shows it.
    Applied(Box<Observed>),
    /// An object has gone.
    Deleted(ObjectId, Uid),
    /// A Namespace, as a list or a watch shows it.
    Namespace(Arc<str>, Namespace),
    /// A Namespace has gone.
    NamespaceDeleted(Arc<str>),
    /// A model of a scale set that is kept, as a list or a watch shows it.
    Revision(Revision),
    /// The ControllerRevision of this uid, which kept this revision of a scale set's model, has gone.
    RevisionDeleted(Name, u64, Uid),
    /// How a write ended.
    Written(ObjectId, Uid, Outcome),
}

/// What matters of a Namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Namespace {
    /// The location label.
    pub location: Option<Arc<str>>,
    /// The subscription label.
    pub subscription: Option<Arc<str>>,
    /// Whether it is being deleted.
    pub terminating: bool,
}

impl Namespace {
    /// What matters of a Namespace with this metadata. An empty label says no more than none.
    pub fn of(metadata: &ObjectMeta) -> Self {
        let label = |label: &str| {
            let value = metadata.labels.as_ref()?.get(label)?;
            (!value.is_empty()).then(|| Arc::from(value.as_str()))
        };
        Self {
            location: label(LOCATION_LABEL),
            subscription: label(SUBSCRIPTION_LABEL),
            terminating: metadata.deletion_timestamp.is_some(),
        }
    }
}

/// How a write ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done; the object has this resourceVersion now.
    Done(u64),
    /// The object had changed before; what changed it is on its way as an event.
    Conflict,
    /// An object of this name exists already.
    NameTaken,
    /// Another field manager owns a field that would change.
    TakenOver,
    /// The object is gone.
    Gone,
    /// Not done, or not in time; with the words of the API server. It is retried after a pause.
    Refused(String),
    /// The API server was not reached, or its answer was lost. It is retried after a pause.
    Failed,
}

/// A write of one object, valid only for the version that it was decided on.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// The object.
    pub id: ObjectId,
    /// Which life of it.
    pub uid: Uid,
    /// The resourceVersion that it was decided on.
    pub resource_version: u64,
    /// The generation that it speaks of.
    pub generation: i64,
    /// Whether it is a status in which only counts, capacities or members have changed.
    pub changes_counts_only: bool,
    /// What is written.
    pub what: What,
}

/// What is written.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The whole status.
    Status(Value),
    /// These fields of a status that is not taken as a whole, as a merge patch: what it records otherwise stays.
    Conditions(Value),
    /// The whole list of finalizers.
    Finalizers(Vec<String>),
    /// The object is created, from this manifest.
    Create(Value),
    /// The object is brought in line with this manifest, which names its uid and resourceVersion, where no other manager has taken
    /// over a field. It is never created by this.
    Apply(Value),
    /// The object is deleted.
    Delete,
    /// The ControllerRevision that keeps a model of the scale set is created, from this manifest.
    KeepRevision(Value),
    /// The ControllerRevision of this uid, which keeps this revision of the scale set's model, is deleted.
    DropRevision(u64, Uid),
}

/// An Event for people.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Notice {
    /// The object.
    pub id: ObjectId,
    /// Which life of it.
    pub uid: Uid,
    /// Whether something is wrong.
    pub warning: bool,
    /// The reason, as the conditions show it.
    pub reason: String,
    /// The text.
    pub note: String,
}
