//! What every view has in common: which objects it is of, and where they are read.

use std::io::Write;

use anyhow::{Context, anyhow, bail, ensure};
use clap::builder::NonEmptyStringValueParser;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::ControllerRevision;
use kube::api::DynamicObject;
use kube::{Api, Client};
use vnet_operator::api::crd;
use vnet_operator::api::object::api_resource;
use vnet_operator::fabric::{Engine, Kind, Name, ObjectId, Settings};
use vnet_operator::plan::manifests::{self, Manifests};
use vnet_operator::plan::state::State;
use vnet_operator::plan::{self, Prune};
use vnet_operator::view::NoView;
use vnet_operator::view::snapshot::{Snapshot, Wanted};

use super::cluster::connect;
use super::files;
use super::on_one_thread;

#[derive(Debug, clap::Args)]
pub struct ViewOptions {
    /// The namespace; without it, that of the current context, or with --files `default`
    #[arg(long, short, value_parser = NonEmptyStringValueParser::new())]
    namespace: Option<String>,
    /// Output format
    #[arg(long, short, default_value = "table")]
    pub output: Output,
    /// Read manifests instead of the cluster of the current context: files, folders, or - for standard input
    #[arg(long, short, num_args = 1.., value_name = "FILE|DIR")]
    files: Vec<String>,
    /// Read the subfolders of folders too
    #[arg(long, short = 'R', requires = "files")]
    recursive: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Output {
    /// Human-readable
    Table,
    /// As Azure's command line prints it
    Json,
    /// The same as YAML
    Yaml,
}

impl ViewOptions {
    /// Where it stands why there is no view of an object.
    pub fn explained(&self, why: NoView) -> anyhow::Error {
        let NoView::NotProvisioned(id) = &why;
        let place = match self.files.as_slice() {
            [] => format!("`kubectl describe {} {} -n {}` shows why", id.kind, id.name.name, id.name.namespace),
            files => format!("`vnet plan {}` shows why", files.join(" ")),
        };
        anyhow!("{why}; {place}")
    }
}

/// What `KIND/NAME` names, of these kinds, as kubectl calls them; without a kind it is the first of them.
pub fn named(text: &str, kinds: &[Kind], namespace: &str) -> anyhow::Result<ObjectId> {
    let (kind, name) = match text.split_once('/') {
        Some((kind, name)) => (Some(kind.trim_end_matches(".vnet.dev").to_ascii_lowercase()), name),
        None => (None, text),
    };
    let is_it = |named: &&Kind| kind.as_ref().is_none_or(|kind| crd::names(**named).contains(kind));
    let found = kinds.iter().find(is_it).filter(|_| !name.is_empty() && !name.contains('/'));
    let kind = found.with_context(|| {
        let forms = kinds.iter().filter_map(|kind| crd::names(*kind).into_iter().next());
        let forms: Vec<String> = forms.map(|name| format!("{name}/NAME")).collect();
        format!("{text} is none of {}", forms.join(", "))
    })?;
    Ok(ObjectId::new(*kind, Name::new(namespace, name)))
}

/// A fabric with all that a view of these objects needs, and the objects.
pub fn engine_with(names: &[String], kinds: &[Kind], options: &ViewOptions) -> anyhow::Result<(Engine, Vec<ObjectId>)> {
    let ids = |namespace: &str| names.iter().map(|name| named(name, kinds, namespace)).collect::<anyhow::Result<_>>();
    if options.files.is_empty() {
        return on_one_thread(async {
            let client = connect().await?;
            let namespace = options.namespace.clone().unwrap_or_else(|| client.default_namespace().to_owned());
            let first: Vec<ObjectId> = ids(&namespace)?;
            Ok((of_cluster(&client, &first).await?, first))
        });
    }
    let namespace = options.namespace.as_deref().unwrap_or("default");
    let first: Vec<ObjectId> = ids(namespace)?;
    let manifests = files::read(&options.files, options.recursive, |files| manifests::read(files, namespace))?;
    Ok((of_manifests(manifests, &options.files, &first)?, first))
}

/// A fabric in which manifests have been applied.
fn of_manifests(manifests: Manifests, files: &[String], first: &[ObjectId]) -> anyhow::Result<Engine> {
    let options = plan::Options {
        settings: Settings::default(),
        prune: Prune::Nothing,
        server_side: None,
        now: Timestamp::now(),
    };
    let cluster = plan::cluster_with(&manifests, State::before(&manifests), &options)?;
    let is_missing = |id: &&ObjectId| !cluster.server().objects().contains_key(*id);
    if let Some(missing) = first.iter().find(is_missing) {
        bail!("there is no {missing} in {}; `vnet plan` says what is refused", files.join(", "));
    }
    Ok(cluster.engine().clone())
}

/// A fabric with what the cluster holds of these objects, and of what they refer to. Each is read by its name.
async fn of_cluster(client: &Client, first: &[ObjectId]) -> anyhow::Result<Engine> {
    let mut snapshot = Snapshot::default();
    loop {
        let wanted = snapshot.wanted(first);
        if wanted.is_empty() {
            return Ok(snapshot.restore());
        }
        for wanted in wanted {
            match wanted {
                Wanted::Object(id) => {
                    let resource = api_resource(id.kind);
                    let api = Api::<DynamicObject>::namespaced_with(client.clone(), &id.name.namespace, &resource);
                    let object = read(api.get_opt(&id.name.name).await, &id, first)?;
                    ensure!(object.is_some() || !first.contains(&id), "there is no {id}");
                    snapshot.found(id, object.as_ref());
                }
                Wanted::Model(name) => {
                    let api = Api::<ControllerRevision>::namespaced(client.clone(), &name.namespace);
                    let what = format!("ControllerRevision {name}");
                    let revision = warned(api.get_opt(&name.name).await, &what)?;
                    snapshot.found_model(name, revision.as_ref());
                }
            }
        }
    }
}

/// What cannot be read of the objects that the view is of is an error; of others it is a warning.
fn read<T>(read: kube::Result<Option<T>>, id: &ObjectId, first: &[ObjectId]) -> anyhow::Result<Option<T>> {
    match first.contains(id) {
        true => read.map_err(|error| super::cluster::failed(format!("cannot read {id}"), error)),
        false => warned(read, &id.to_string()),
    }
}

fn warned<T>(read: kube::Result<Option<T>>, what: &str) -> anyhow::Result<Option<T>> {
    let why = match read {
        Ok(Some(found)) => return Ok(Some(found)),
        Ok(None) => "it does not exist".to_owned(),
        Err(kube::Error::Api(status)) => status.message,
        Err(other) => return Err(super::cluster::failed(format!("cannot read {what}"), other)),
    };
    writeln!(anstream::stderr(), "Warning: the view lacks {what}, and the addresses that are of it: {why}")?;
    Ok(None)
}
