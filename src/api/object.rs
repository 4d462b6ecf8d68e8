//! What the API server sends, read: nothing that it sends stops the reading.

use std::io;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::core::{ApiResource, DynamicObject};
use kube::{CustomResourceExt, ResourceExt};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::findings::Unreadable;
use super::form::{self, Whose};
use super::status::{Published, Status};
use super::texts::PartName;
use super::{About, Api, DESIRED_REVISION, FINALIZER, FORMER_DESIRED_REVISION, GROUP, Owner, RESTARTED_AT, REVISION};
use crate::fabric::common::{self, Common};
use crate::fabric::id::is_region;
use crate::fabric::kind::every::*;
use crate::fabric::limits;
use crate::fabric::virtual_machine_scale_set_vm::DesiredRevision;
use crate::fabric::{
    AnyRecord, Ask, Code, Engine, Findings, Kind, Name, ObjectId, Placement, Record, Uid, Violation, for_each_kind,
};

/// An object as the API server last showed it.
#[derive(Clone, Debug)]
pub struct Observed {
    /// Which object.
    pub id: ObjectId,
    /// Which life of it.
    pub uid: Uid,
    /// The scale set that owns it.
    pub owner: Option<Owner>,
    /// The revision of the set's model that it was written from.
    pub written_from: Option<u64>,
    /// Which version of it; versions of one object grow.
    pub resource_version: u64,
    /// Which version of its spec.
    pub generation: i64,
    /// When it was created.
    pub created: Timestamp,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// Whether it carries the operator's finalizer.
    pub has_finalizer: bool,
    /// The finalizers of others.
    pub other_finalizers: Vec<String>,
    /// What it asks for.
    pub asked: Result<Asked, Vec<Violation>>,
    /// What is to be remembered of its status.
    pub published: Published,
    /// The record of the fabric in its status; read only when the fabric may have to be restored.
    pub record: Option<AnyRecord>,
}

/// What a spec asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Parsed and typed.
    pub ask: Ask,
    /// The location that it names.
    pub location: Option<Arc<str>>,
    /// What is judged of it whatever its kind.
    pub common: Common,
}

/// Whether the fabric may have to be restored from an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recall {
    /// The record in the status is read as well.
    Record,
    /// It is not needed.
    Nothing,
}

macro_rules! dispatch {
    ($($kind:ident $module:ident,)*) => {
        /// Reads an object of this kind. None if it lacks what the API server always gives: name, namespace, uid.
        pub fn observe(kind: Kind, object: &DynamicObject, recall: Recall) -> Option<Observed> {
            match kind {
                $(Kind::$kind => observe_one::<$kind>(object, recall),)*
            }
        }

        /// How the API server knows this kind.
        pub fn api_resource(kind: Kind) -> ApiResource {
            match kind {
                $(Kind::$kind => <$kind as Api>::Object::api_resource(),)*
            }
        }

        /// The status of an object of this kind, as JSON.
        pub fn report(
            kind: Kind,
            engine: &Engine,
            name: &Name,
            found: super::status::Findings<'_>,
        ) -> Value {
            match kind {
                $(Kind::$kind => super::status::report::<$kind>(engine, name, found),)*
            }
        }
    };
}
for_each_kind!(dispatch);

fn observe_one<K>(object: &DynamicObject, recall: Recall) -> Option<Observed>
where
    K: Api,
    Ask: From<K>,
    AnyRecord: From<Record<K>>,
{
    let meta = &object.metadata;
    let name = Name::new(object.namespace()?, object.name_any());
    let number = |annotation: &str| object.annotations().get(annotation).and_then(|text| text.parse().ok());
    let about = About {
        name: name.clone(),
        restarted_at: object.annotations().get(RESTARTED_AT).cloned(),
        owner: owner(object),
        revisions: (number(REVISION), desired_revision(object)),
    };
    let uid = Uid::from(meta.uid.as_deref()?);
    let generation = meta.generation.unwrap_or_default();
    let field = |field: &str| object.data.get(field).unwrap_or(&Value::Null);
    let status = field("status");
    Some(Observed {
        record: (recall == Recall::Record)
            .then(|| record::<K>(&about, &uid, generation, status).map(AnyRecord::from))
            .flatten(),
        id: ObjectId::new(K::KIND, name),
        owner: about.owner.clone(),
        written_from: about.revisions.0,
        uid,
        resource_version: meta.resource_version.as_deref()?.parse().ok()?,
        generation,
        created: meta.creation_timestamp.as_ref().map(|time| time.0).unwrap_or_default(),
        deleting: meta.deletion_timestamp.is_some(),
        has_finalizer: object.finalizers().iter().any(|finalizer| finalizer == FINALIZER),
        other_finalizers: object.finalizers().iter().filter(|finalizer| *finalizer != FINALIZER).cloned().collect(),
        asked: asked::<K>(&about, field("spec")),
        published: Published::of(K::KIND, status),
    })
}

fn desired_revision(object: &DynamicObject) -> Option<DesiredRevision> {
    let annotations = object.annotations();
    let desired = annotations.get(DESIRED_REVISION).or_else(|| annotations.get(FORMER_DESIRED_REVISION));
    desired.map(|desired| DesiredRevision::from(desired.as_str()))
}

/// The scale set that an object says is its controller.
pub fn owner(object: &impl ResourceExt) -> Option<Owner> {
    let kind = Kind::VirtualMachineScaleSet.as_str();
    let is_ours = |owner: &&OwnerReference| {
        owner.controller == Some(true) && owner.kind == kind && owner.api_version.split('/').next() == Some(GROUP)
    };
    let owner = object.owner_references().iter().find(is_ours)?;
    Some(Owner { set: Name::new(object.namespace()?, owner.name.as_str()), uid: Uid::from(owner.uid.as_str()) })
}

/// What is not of the form of the kind is refused before it is translated; what cannot be read is not translated at all.
fn asked<K: Api>(about: &About, spec: &Value) -> Result<Asked, Vec<Violation>>
where
    Ask: From<K>,
{
    let mut malformed = form::check(K::KIND, spec, Whose::TheOperators);
    if malformed.iter().any(keeps_from_reading) {
        return Err(malformed);
    }
    let (tags, azure_name) = (tags(spec), azure_name(spec));
    if let Some(name) = azure_name.as_deref().filter(|name| !PartName::is(name)) {
        let mut findings = Findings::default();
        common::refuse_azure_name(name, findings.under("ARM-10"));
        malformed.retain(|general| general.path != "spec.azureName");
        malformed.append(&mut findings.into_violations());
    }
    let spec = K::Spec::deserialize(spec).map_err(unreadable)?;
    match K::translate(about, &spec) {
        Ok(ask) if malformed.is_empty() => {
            let location = K::tracked(&spec).and_then(|resource| resource.location.as_deref());
            let described = ask.describe(&about.name, location.unwrap_or_default());
            let size = json_size(&described) + json_size(&tags);
            let (location, common) = (location.map(Arc::from), Common::new(tags, size).called(azure_name));
            Ok(Asked { location, common, ask: ask.into() })
        }
        Ok(_) => Err(malformed),
        Err(mut violations) => {
            malformed.retain(|general| !violations.iter().any(|own| own.path == general.path));
            violations.append(&mut malformed);
            Err(violations)
        }
    }
}

fn keeps_from_reading(violation: &Violation) -> bool {
    violation.code == Code::InvalidRequestContent
}

/// The generation that a status names. After etcd was restored it may be above that of the object; one that cannot have been reached
/// was edited.
fn believed(programmed: i64, generation: i64) -> i64 {
    let is_counted = u64::try_from(programmed).is_ok_and(|programmed| programmed <= limits::HIGHEST_COUNT);
    if is_counted { programmed } else { generation }
}

/// The tags of a spec that is of the right form.
fn tags(spec: &Value) -> common::Tags {
    let tags = spec.get("tags").and_then(Value::as_object).into_iter().flatten();
    tags.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
}

/// The name that a spec gives the resource in Azure.
fn azure_name(spec: &Value) -> Option<Arc<str>> {
    spec.get("azureName").and_then(Value::as_str).map(Arc::from)
}

/// How many bytes something has as JSON.
fn json_size(value: &impl Serialize) -> usize {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    match serde_json::to_writer(&mut count, value) {
        Ok(()) => count.0,
        Err(error) => unreachable!("types of the API are JSON: {error}"),
    }
}

/// A spec of the right form can be read; this is for what the schema does not say.
fn unreadable(error: serde_json::Error) -> Vec<Violation> {
    let mut findings = Findings::default();
    findings.under("ARM-04").add("spec", Unreadable::Spec { error });
    findings.into_violations()
}

/// The record of the fabric in a status. One that cannot be read counts as none, and none has a generation
/// that is still to come.
fn record<K: Api>(about: &About, uid: &Uid, generation: i64, shown: &Value) -> Option<Record<K>> {
    let status = Status::<K::View>::deserialize(shown).ok()?;
    let programmed = status
        .programmed
        .filter(|spec| !form::check(K::KIND, spec, Whose::TheOperators).iter().any(keeps_from_reading))?;
    let common = Common::new(tags(&programmed), json_size(&programmed)).called(azure_name(&programmed));
    let spec = K::Spec::deserialize(&programmed).ok()?;
    let placement = Placement {
        location: status.location?.into(),
        subscription: status.resource_id?.split('/').nth(2)?.into(), // "/subscriptions/<name>/..."
    };
    if !is_region(&placement.location) || placement.subscription.len() > limits::LABEL_LENGTH {
        return None;
    }
    // What annotations ask for now need not be what the fabric has taken up.
    let told = |field: &str| shown.get(field).and_then(Value::as_str);
    let revision = told("revision").and_then(|revision| revision.parse().ok());
    let about = About {
        restarted_at: told("lastHandledRestartAt").map(str::to_owned),
        revisions: (revision.or(about.revisions.0), about.revisions.1.clone()),
        ..about.clone()
    };
    Some(Record {
        uid: uid.clone(),
        generation: believed(status.programmed_generation?, generation),
        placement,
        common,
        ask: K::translate(&about, &spec).ok()?,
        view: status.view,
    })
}
