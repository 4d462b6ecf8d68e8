//! An API server in memory: it stores objects as the real one does, and carries out the writes of the operator's core.
//!
//! Not here: what a write says, and when it comes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::core::DynamicObject;
use serde_json::Value;

use super::server_side::{self, Manager};
use super::state::State;
use crate::api::children::{FIELD_MANAGER, as_if_applied, read_revision, revision_name};
use crate::api::object::{self, Recall};
use crate::api::{FINALIZER, json, status};
use crate::fabric::{Kind, Name, ObjectId, Uid};
use crate::operator::{Input, Outcome, What, Write};

/// How the operator applies.
const OPERATOR: Manager<'static> = Manager { name: FIELD_MANAGER, force: false };

/// What an API server stores.
#[derive(Clone, Debug)]
pub struct Server {
    objects: BTreeMap<ObjectId, DynamicObject>,
    revisions: BTreeMap<Name, ControllerRevision>,
    version: u64,
    lives: u64,
}

impl Server {
    /// A server that stores what another one does.
    pub fn new(state: State) -> Self {
        let versions =
            state.objects.values().filter_map(|object| object.metadata.resource_version.as_deref()?.parse().ok());
        let name = |revision: &ControllerRevision| {
            let (name, namespace) = (revision.metadata.name.clone(), revision.metadata.namespace.clone());
            Name::new(namespace.unwrap_or_default(), name.unwrap_or_default())
        };
        Self {
            version: versions.max().unwrap_or(0),
            lives: 0,
            revisions: state.revisions.into_iter().map(|revision| (name(&revision), revision)).collect(),
            objects: state.objects,
        }
    }

    /// What is stored; which Namespaces there are is not known here.
    #[cfg(test)]
    pub fn into_state(self) -> State {
        State { objects: self.objects, namespaces: None, revisions: self.revisions.into_values().collect() }
    }

    /// Every object.
    pub fn objects(&self) -> &BTreeMap<ObjectId, DynamicObject> {
        &self.objects
    }

    /// Every model of a scale set that is kept.
    pub fn revisions(&self) -> impl Iterator<Item = &ControllerRevision> {
        self.revisions.values()
    }

    /// Notes in an object what the operator has applied; what differs from that is another manager's.
    pub fn was_applied(&mut self, id: &ObjectId, manifest: &Value) {
        if let Some(object) = self.objects.get_mut(id) {
            server_side::note_applied(id.kind, object, manifest, FIELD_MANAGER);
        }
    }

    /// What a watch shows of an object.
    pub fn shown(&self, id: &ObjectId, recall: Recall) -> Option<Input> {
        let observed = object::observe(id.kind, self.objects.get(id)?, recall)?;
        Some(Input::Applied(Box::new(observed)))
    }

    /// Creates an object. Its finalizer comes with it, as the policy of `vnet crds` brings it.
    pub fn create(&mut self, id: &ObjectId, mut object: DynamicObject, now: Timestamp) -> Option<Input> {
        self.lives += 1;
        let metadata = &mut object.metadata;
        metadata.uid = Some(format!("planned-{}", self.lives));
        metadata.generation = Some(1);
        metadata.creation_timestamp = Some(Time(now));
        // Whoever asks for these does not get them.
        metadata.deletion_timestamp = None;
        metadata.deletion_grace_period_seconds = None;
        metadata.managed_fields = None;
        with_finalizer(&mut object);
        set_field(&mut object, "status", serde_json::json!({"observedGeneration": status::UNOBSERVED}));
        self.store(id, object);
        self.shown(id, Recall::Nothing)
    }

    /// Changes an object; a changed spec is another generation.
    pub fn edit(&mut self, id: &ObjectId, change: impl FnOnce(&mut DynamicObject)) -> Option<Input> {
        let before = self.objects.get(id)?;
        let mut object = before.clone();
        change(&mut object);
        if object.data.get("spec") != before.data.get("spec") {
            object.metadata.generation = Some(object.metadata.generation.unwrap_or_default() + 1);
        }
        self.store(id, object);
        self.shown(id, Recall::Nothing)
    }

    /// Marks an object as being deleted; one without finalizers is gone at once.
    pub fn delete(&mut self, id: &ObjectId, now: Timestamp) -> Option<Input> {
        let mut object = self.objects.get(id)?.clone();
        let uid = Uid::from(object.metadata.uid.as_deref()?);
        if object.metadata.deletion_timestamp.is_none() {
            object.metadata.deletion_timestamp = Some(Time(now));
            object.metadata.generation = Some(object.metadata.generation.unwrap_or_default() + 1);
        }
        self.store(id, object);
        Some(self.shown(id, Recall::Nothing).unwrap_or_else(|| Input::Deleted(id.clone(), uid)))
    }

    /// Does a write, and returns what the operator receives of it.
    pub fn carry_out(&mut self, write: Write, now: Timestamp) -> Vec<Input> {
        let Write { id, uid, resource_version, generation: _, changes_counts_only: _, what } = write;
        let (shown, outcome) = match what {
            What::Status(status) => self.written(&id, resource_version, |object| set_field(object, "status", status)),
            What::Finalizers(finalizers) => {
                self.written(&id, resource_version, |object| object.metadata.finalizers = Some(finalizers))
            }
            What::Conditions(_) => (None, Outcome::Failed), // no status is refused here
            What::Create(manifest) if !self.objects.contains_key(&id) => {
                let born = self.born(&id, manifest.clone(), now);
                if id.kind != Kind::VirtualMachineScaleSetVM {
                    self.was_applied(&id, &manifest); // what upgrades it, applies over that
                }
                born
            }
            What::Create(_) => (None, Outcome::NameTaken),
            What::Apply(manifest) => self.applied_over(&id, &manifest),
            What::Delete => (self.delete(&id, now), Outcome::Done(self.version)),
            What::KeepRevision(manifest) => (self.keep(&id, manifest), Outcome::Done(0)),
            What::DropRevision(number, of) => {
                self.revisions.remove(&revision_name(&id.name, number));
                (Some(Input::RevisionDeleted(id.name.clone(), number, of)), Outcome::Done(0))
            }
        };
        shown.into_iter().chain([Input::Written(id, uid, outcome)]).collect()
    }

    fn born(&mut self, id: &ObjectId, manifest: Value, now: Timestamp) -> (Option<Input>, Outcome) {
        match serde_json::from_value(manifest) {
            Ok(object) => (self.create(id, object, now), Outcome::Done(self.version)),
            Err(error) => (None, Outcome::Refused(error.to_string())),
        }
    }

    /// What the operator applies to an object that is there.
    fn applied_over(&mut self, id: &ObjectId, manifest: &Value) -> (Option<Input>, Outcome) {
        let Some(object) = self.objects.get_mut(id) else { return (None, Outcome::Gone) };
        let managed = object.metadata.managed_fields.as_deref().unwrap_or_default();
        if let Some(fields) = as_if_applied(managed) {
            object.metadata.managed_fields = Some(fields);
        }
        let stored = json(object);
        match server_side::apply(Some(id.kind), &stored, manifest, OPERATOR).map(serde_json::from_value) {
            Ok(Ok(next)) => (self.edit(id, |object| *object = next), Outcome::Done(self.version)),
            Ok(Err(error)) => (None, Outcome::Refused(error.to_string())),
            Err(_) => (None, Outcome::TakenOver),
        }
    }

    fn written(
        &mut self,
        id: &ObjectId,
        resource_version: u64,
        change: impl FnOnce(&mut DynamicObject),
    ) -> (Option<Input>, Outcome) {
        let Some(mut object) = self.objects.remove(id) else { return (None, Outcome::Gone) };
        let uid = Uid::from(object.metadata.uid.as_deref().unwrap_or_default());
        if object.metadata.resource_version != Some(resource_version.to_string()) {
            self.objects.insert(id.clone(), object);
            return (None, Outcome::Conflict);
        }
        change(&mut object);
        self.store(id, object);
        match self.objects.contains_key(id) {
            true => (None, Outcome::Done(self.version)),
            // The real server answers the write that removes an object with the version that it had.
            false => (Some(Input::Deleted(id.clone(), uid)), Outcome::Done(resource_version)),
        }
    }

    fn keep(&mut self, id: &ObjectId, manifest: Value) -> Option<Input> {
        let mut revision: ControllerRevision = serde_json::from_value(manifest).ok()?;
        self.lives += 1;
        revision.metadata.uid = Some(format!("planned-{}", self.lives));
        let told = read_revision(&revision).map(Input::Revision);
        let name = Name::new(id.name.namespace.clone(), revision.metadata.name.clone()?);
        self.revisions.insert(name, revision);
        told
    }

    /// Stores a version; what is being deleted and has no finalizer is gone.
    fn store(&mut self, id: &ObjectId, mut object: DynamicObject) {
        self.version += 1;
        object.metadata.resource_version = Some(self.version.to_string());
        let kept = object.metadata.finalizers.as_ref().is_some_and(|finalizers| !finalizers.is_empty());
        if object.metadata.deletion_timestamp.is_some() && !kept {
            self.objects.remove(id);
        } else {
            self.objects.insert(id.clone(), object);
        }
    }
}

/// Takes over what users write of an object; the rest of it is the server's and the operator's.
pub fn take_over(object: &mut DynamicObject, asked: DynamicObject) {
    let is_deleted = object.metadata.deletion_timestamp.is_some();
    // What is empty is not stored.
    object.metadata.labels = asked.metadata.labels.filter(|labels| !labels.is_empty());
    object.metadata.annotations = asked.metadata.annotations.filter(|annotations| !annotations.is_empty());
    object.metadata.finalizers = asked.metadata.finalizers.filter(|finalizers| !finalizers.is_empty());
    object.metadata.owner_references = asked.metadata.owner_references.filter(|owners| !owners.is_empty());
    set_field(object, "spec", asked.data.get("spec").cloned().unwrap_or_default());
    if !is_deleted {
        with_finalizer(object);
    }
}

fn with_finalizer(object: &mut DynamicObject) {
    let finalizers = object.metadata.finalizers.get_or_insert_default();
    if !finalizers.iter().any(|finalizer| finalizer == FINALIZER) {
        finalizers.push(FINALIZER.to_owned());
    }
}

/// Sets a field that stands beside the metadata.
pub fn set_field(object: &mut DynamicObject, field: &str, value: Value) {
    if let Some(fields) = object.data.as_object_mut() {
        fields.insert(field.to_owned(), value);
    }
}
