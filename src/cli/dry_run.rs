//! What the API server says to manifests that are applied server-side, without storing them: `--dry-run=server`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::bail;
use futures::{StreamExt, TryStreamExt, stream};
use kube::api::{DynamicObject, Patch, PatchParams, ValidationDirective};
use kube::{Api, Client, Error};
use vnet_operator::api::GROUP;
use vnet_operator::api::object::api_resource;
use vnet_operator::fabric::ObjectId;
use vnet_operator::plan::manifests::{Manifest, Manifests};
use vnet_operator::plan::{Answer, refusals};

use super::cluster::failed;

/// So many requests are made at once.
const AT_ONCE: usize = 8;

/// Every answer of the API server, and the namespaces that it does not have, of which it says nothing.
#[derive(Default)]
pub struct Answers {
    /// By object.
    pub given: BTreeMap<ObjectId, Answer>,
    /// Those that do not exist yet.
    pub missing_namespaces: BTreeSet<String>,
}

/// Asks for every object of the manifests.
pub async fn ask(client: &Client, manifests: &Manifests, parameters: PatchParams) -> anyhow::Result<Answers> {
    let parameters = PatchParams { dry_run: true, field_validation: Some(ValidationDirective::Strict), ..parameters };
    let requests = manifests.objects.values().map(|manifest| one(client, manifest, &parameters));
    let all: Vec<_> = stream::iter(requests).buffer_unordered(AT_ONCE).try_collect().await?;
    let mut answers = Answers::default();
    for (id, answer) in all {
        match answer {
            Some(answer) => drop(answers.given.insert(id, answer)),
            None => drop(answers.missing_namespaces.insert(id.name.namespace.to_string())),
        }
    }
    Ok(answers)
}

async fn one(
    client: &Client,
    manifest: &Manifest,
    parameters: &PatchParams,
) -> anyhow::Result<(ObjectId, Option<Answer>)> {
    let id = manifest.id.clone();
    let resource = api_resource(id.kind);
    let api = Api::<DynamicObject>::namespaced_with(client.clone(), &id.name.namespace, &resource);
    match api.patch(&id.name.name, parameters, &Patch::Apply(&manifest.object)).await {
        Ok(object) => Ok((id, Some(Ok(Box::new(object))))),
        Err(Error::Api(status)) if status.code == 403 && is_lack_of_rights(&status.message) => bail!(
            "{}: with --server-side, `vnet plan --against cluster` asks the API server for a dry run of each apply, which needs \
             the verbs patch and create on {}.{GROUP}. Let an administrator grant them, or compare with a dump \
             (`--against state.yaml`), for which vnet merges by itself",
            status.message,
            resource.plural
        ),
        Err(Error::Api(status)) if status.code == 404 && is_of_the_namespace(&status.message) => Ok((id, None)),
        Err(Error::Api(status)) if matches!(status.code, 400 | 403 | 409 | 413 | 422) => {
            Ok((id, Some(Err(refusals::answered(&status)))))
        }
        Err(error) => Err(failed(format!("cannot ask for a dry run of {id}"), error)),
    }
}

/// True of what the authorizer says, and not a policy, a webhook or a quota.
fn is_lack_of_rights(message: &str) -> bool {
    message.contains("cannot patch resource") || message.contains("cannot create resource")
}

fn is_of_the_namespace(message: &str) -> bool {
    message.starts_with("namespaces ")
}
