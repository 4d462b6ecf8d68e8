//! One write, as a request to the API server, and how it ended. What is written, and when, the core decides.

use std::time::Duration;

use k8s_openapi::api::apps::v1::ControllerRevision;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::core::{DynamicObject, ObjectMeta, TypeMeta};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::answers;
use super::core::{Input, Outcome, What, Write};
use super::failures::in_words;
use crate::api::children;
use crate::api::object::{self, Recall};
use crate::api::shown::Shown;
use crate::fabric::{Kind, ObjectId, Uid};

/// The API server gives this answer when the time is over that a write may take, and goes on with it for a moment.
const GATEWAY_TIMEOUT: u16 = 504;

/// A write that has ended.
pub struct Done {
    /// What the core is told.
    pub inputs: Vec<Input>,
    /// Whether the API server has said what became of it; otherwise it may still carry it out.
    pub is_answered: bool,
}

/// Carries out one write and returns its outcome. A write of an existing object carries the version that it was decided on;
/// the API server's answer to a creation or a deletion comes first, as from a watch.
pub async fn carry_out(client: Client, write: Write, time_limit: Duration) -> Done {
    let Write { id, uid, resource_version, generation, changes_counts_only, what } = write;
    let summary = summary(&what);
    let answer = timeout(time_limit, send(client, &id, &uid, resource_version, what)).await;
    let is_answered = match &answer {
        Ok(Ok(_)) => true,
        Ok(Err(kube::Error::Api(status))) => status.code != GATEWAY_TIMEOUT,
        Ok(Err(_)) | Err(_) => false,
    };
    let (outcome, shown) = match answer {
        Ok(Ok(Answer { version, shown })) => {
            if changes_counts_only {
                about!(debug, id, generation, "{summary}");
            } else {
                about!(info, id, generation, "{summary}");
            }
            (version.map_or(Outcome::Failed, Outcome::Done), shown)
        }
        Ok(Err(kube::Error::Api(status))) => {
            let outcome = answers::outcome(&status, &id);
            if let Outcome::Refused(error) = &outcome {
                about!(warn, id, generation, error, "write refused; retrying");
            }
            (outcome, None)
        }
        Ok(Err(error)) => {
            about!(warn, id, generation, error = in_words(&error), "write failed; retrying");
            (Outcome::Failed, None)
        }
        Err(_) => {
            about!(warn, id, generation, after = ?time_limit, "write timed out; retrying");
            (Outcome::Refused(format!("no answer within {} s.", time_limit.as_secs())), None)
        }
    };
    Done { inputs: shown.into_iter().chain([Input::Written(id, uid, outcome)]).collect(), is_answered }
}

/// What the API server answered.
struct Answer {
    /// The version of the object; 0 if the write was of another one.
    version: Option<u64>,
    /// What a watch will show as well.
    shown: Option<Input>,
}

impl Answer {
    fn version_of(object: &Shown) -> Self {
        Self { version: object.resource_version().and_then(|version| version.parse().ok()), shown: None }
    }

    fn shown(kind: Kind, object: &Shown) -> Self {
        let observed =
            object::observe(kind, &object.0, Recall::Nothing).map(|observed| Input::Applied(Box::new(observed)));
        Self { shown: observed, ..Self::version_of(object) }
    }
}

async fn send(
    client: Client,
    id: &ObjectId,
    uid: &Uid,
    resource_version: u64,
    what: What,
) -> Result<Answer, kube::Error> {
    let resource = object::api_resource(id.kind);
    let name = &*id.name.name;
    let api = Api::<Shown>::namespaced_with(client.clone(), &id.name.namespace, &resource);
    let revisions = Api::<ControllerRevision>::namespaced(client, &id.name.namespace);
    match what {
        What::Status(status) => {
            let object = DynamicObject {
                types: Some(TypeMeta { api_version: resource.api_version.clone(), kind: resource.kind.clone() }),
                metadata: ObjectMeta {
                    name: Some(id.name.name.to_string()),
                    namespace: Some(id.name.namespace.to_string()),
                    uid: Some(uid.0.to_string()),
                    resource_version: Some(resource_version.to_string()),
                    ..ObjectMeta::default()
                },
                data: json!({"status": status}),
            };
            let written = api.replace_status(name, &PostParams::default(), &Shown(object)).await?;
            Ok(Answer::version_of(&written))
        }
        What::Conditions(conditions) => {
            let metadata = json!({"uid": uid.0, "resourceVersion": resource_version.to_string()});
            let patch = Patch::Merge(json!({"metadata": metadata, "status": conditions}));
            let written = api.patch_status(name, &PatchParams::default(), &patch).await?;
            Ok(Answer::shown(id.kind, &written))
        }
        What::Finalizers(finalizers) => {
            let metadata = json!({"metadata": {
                "uid": uid.0, "resourceVersion": resource_version.to_string(), "finalizers": finalizers,
            }});
            Ok(Answer::version_of(&api.patch(name, &PatchParams::default(), &Patch::Merge(metadata)).await?))
        }
        What::Create(manifest) => {
            let object = serde_json::from_value(manifest).map_err(kube::Error::SerdeError)?;
            let parameters =
                PostParams { field_manager: Some(children::FIELD_MANAGER.to_owned()), ..PostParams::default() };
            Ok(Answer::shown(id.kind, &api.create(&parameters, &Shown(object)).await?))
        }
        What::Apply(manifest) => Ok(Answer::shown(id.kind, &upgraded(&api, name, manifest).await?)),
        What::Delete => {
            let parameters = only(uid, Some(resource_version));
            let gone = || Answer { version: Some(0), shown: Some(Input::Deleted(id.clone(), uid.clone())) };
            let deleting = api.delete(name, &parameters).await?.left();
            Ok(deleting.map_or_else(gone, |deleting| Answer::shown(id.kind, &deleting)))
        }
        What::KeepRevision(manifest) => {
            let object = serde_json::from_value(manifest).map_err(kube::Error::SerdeError)?;
            let kept = revisions.create(&PostParams::default(), &object).await?;
            Ok(Answer { version: Some(0), shown: children::read_revision(&kept).map(Input::Revision) })
        }
        What::DropRevision(number, of) => {
            let revision = children::revision_name(&id.name, number);
            let gone = || Answer {
                version: Some(0),
                shown: Some(Input::RevisionDeleted(id.name.clone(), number, of.clone())),
            };
            match revisions.delete(&revision.name, &only(&of, None)).await {
                Ok(_) => Ok(gone()),
                Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(gone()),
                Err(error) => Err(error),
            }
        }
    }
}

/// Applies a manifest to the object whose uid and resourceVersion it names. What its creation set counts as applied before.
async fn upgraded(api: &Api<Shown>, name: &str, mut manifest: Value) -> Result<Shown, kube::Error> {
    let there = api.get_metadata(name).await?;
    if let Some(fields) = children::as_if_applied(there.metadata.managed_fields.as_deref().unwrap_or_default()) {
        let of = |field: &str| manifest.pointer(&format!("/metadata/{field}")).cloned().unwrap_or_default();
        let metadata = json!({"uid": of("uid"), "resourceVersion": of("resourceVersion"), "managedFields": fields});
        let patch = Patch::Merge(json!({"metadata": metadata}));
        let patched = api.patch(name, &PatchParams::default(), &patch).await?;
        if let Some(version) = manifest.pointer_mut("/metadata/resourceVersion") {
            *version = json!(patched.resource_version());
        }
    }
    api.patch(name, &PatchParams::apply(children::FIELD_MANAGER), &Patch::Apply(manifest)).await
}

/// The deletion of this life of an object alone, in this version of it.
fn only(uid: &Uid, version: Option<u64>) -> DeleteParams {
    let preconditions =
        Preconditions { uid: Some(uid.0.to_string()), resource_version: version.map(|version| version.to_string()) };
    DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() }
}

/// One line a change: what the Ready condition says now.
fn summary(what: &What) -> String {
    let status = match what {
        What::Status(status) => status,
        What::Finalizers(list) if list.iter().any(|finalizer| finalizer == crate::api::FINALIZER) => {
            return "finalizer added".to_owned();
        }
        What::Finalizers(_) => return "finalizer removed".to_owned(),
        What::Conditions(_) => return "status refused; conditions written".to_owned(),
        What::Create(_) => return "created for its scale set".to_owned(),
        What::Apply(_) => return "applied for its scale set".to_owned(),
        What::Delete => return "deleted".to_owned(),
        What::KeepRevision(_) => return "model revision stored".to_owned(),
        What::DropRevision(..) => return "unused model revision deleted".to_owned(),
    };
    let conditions = status.get("conditions").and_then(Value::as_array).into_iter().flatten();
    let ready = conditions.filter(|c| c.get("type") == Some(&json!("Ready"))).map(|ready| {
        let field = |field: &str| ready.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        if field("status") == "True" {
            "Ready".to_owned()
        } else {
            format!("{}: {}", field("reason"), field("message"))
        }
    });
    ready.collect()
}
