//! `vnet plan`: reads manifests and the state, and previews the effect of the manifests.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use clap::builder::NonEmptyStringValueParser;
use indicatif::ProgressBar;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::api::core::v1::Namespace as KubeNamespace;
use kube::api::{DynamicObject, ListParams, PatchParams};
use kube::core::{PartialObjectMeta, Selector};
use kube::{Api, Client, ResourceExt};
use serde::de::DeserializeOwned;
use vnet_operator::api::object::api_resource;
use vnet_operator::api::{GROUP, SCALE_SET_LABEL};
use vnet_operator::fabric::{Kind, Name, ObjectId, Settings};
use vnet_operator::operator::settings::{self, CONFIG_MAP, NAMESPACE};
use vnet_operator::plan::manifests::{self, Manifests};
use vnet_operator::plan::server_side::KUBECTL;
use vnet_operator::plan::state::State;
use vnet_operator::plan::{self, Options, Plan, Prune, ServerSide, selector, show};

use super::cluster::{ApiServer, connect, failed};
use super::dry_run::{self, Answers};
use super::fabric_options::FabricOptions;
use super::files::{CannotRead, STDIN, read};
use super::{is_broken_pipe, on_one_thread};

pub const EXAMPLES: &str = "\
Examples:
  vnet plan -R deploy/                            a folder, with its subfolders
  kustomize build overlays/prod | vnet plan -     the output of another program
  vnet plan net/ --against cluster                compare with the cluster of the current context
  kubectl get azure,ns,controllerrevisions -A -o yaml --show-managed-fields >state.yaml
  vnet plan net/ --against state.yaml --prune     compare with a dump, deletions included
  vnet plan net/ -o github                        annotations of a pull request";

/// The name of the current context's cluster among states.
const CLUSTER: &str = "cluster";
/// A list is read in pages of this many objects.
const PAGE: u32 = 500;

/// Something is refused; what cannot be read is an error, and those exit with 2.
const REFUSED: u8 = 1;
/// All is accepted, and something changes.
const CHANGES: u8 = 3;

#[derive(Debug, clap::Args)]
pub struct PlanOptions {
    /// Files, folders, or - for standard input; YAML or JSON, any number of documents
    #[arg(required = true, value_name = "FILE|DIR")]
    manifests: Vec<String>,
    /// Read the subfolders of folders too
    #[arg(long, short = 'R')]
    recursive: bool,
    /// The namespace of objects that name none. Without it, `default`, or with --against cluster that of the current context
    #[arg(long, short, value_parser = NonEmptyStringValueParser::new())]
    namespace: Option<String>,
    /// Output format
    #[arg(long, short, default_value = "table")]
    output: Output,
    /// The state to compare with: a dump of `kubectl get azure,ns,controllerrevisions -A -o yaml --show-managed-fields` (-
    /// for standard input), or `cluster` for the cluster of the current context. Without it, nothing is there yet
    #[arg(long, value_name = "STATE")]
    against: Vec<String>,
    /// Plan the deletion of what the state has in the namespaces of the manifests, and the manifests have not
    #[arg(long, requires = "against")]
    prune: bool,
    /// Prune only what has these labels, such as app=shop,tier!=web,team,!old
    #[arg(long, short = 'l', requires = "prune", value_parser = selector::read, default_value = "")]
    selector: Selector,
    /// Apply server-side, as Flux and, if configured, Argo CD do: lists are merged by their keys, and fields of other managers are
    /// conflicts. With --against cluster by the API server's own dry run, which asks the cluster's policies and webhooks too
    #[arg(long)]
    server_side: bool,
    /// Field manager of the server-side apply: kustomize-controller for Flux, argocd-controller for Argo CD
    #[arg(long, value_name = "NAME", requires = "server_side", default_value = KUBECTL, value_parser = NonEmptyStringValueParser::new())]
    field_manager: String,
    /// Take over the fields of other managers, as Flux does
    #[arg(long, requires = "server_side")]
    force_conflicts: bool,
    /// Exit with 3 if all is accepted and something changes
    #[arg(long)]
    detailed_exitcode: bool,
    /// With --against cluster: the namespace of the operator, whose ConfigMap vnet-settings has the settings of the fabric that
    /// no flag gives
    #[arg(long, value_name = "NAMESPACE", default_value = NAMESPACE)]
    operator_namespace: String,
    #[command(flatten)]
    fabric: FabricOptions,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Output {
    /// Human-readable
    Table,
    /// JSON, kind Plan
    Json,
    /// The same as YAML
    Yaml,
    /// Annotations of a pull request, as GitHub Actions reads them
    Github,
    /// A comment of a pull request
    Markdown,
}

/// Plans, prints, and says by the exit code how it came out.
pub fn plan(options: &PlanOptions) -> anyhow::Result<ExitCode> {
    let planned = planned(options);
    if let (Err(error), Output::Github) = (&planned, options.output) {
        // The error itself is printed in any case.
        let _ = anstream::stdout().write_all(annotations(error).as_bytes());
    }
    let plan = planned?;
    match print(&plan, options.output) {
        // Who reads the plan has had enough of it, and may look at the exit code.
        Err(error) if is_broken_pipe(&error) => {}
        printed => printed?,
    }
    Ok(ExitCode::from(match (plan.refuses(), options.detailed_exitcode && plan.changes()) {
        (true, _) => REFUSED,
        (false, true) => CHANGES,
        (false, false) => 0,
    }))
}

/// Why there is no plan, as annotations of a pull request.
fn annotations(error: &anyhow::Error) -> String {
    match error.downcast_ref() {
        Some(CannotRead(all)) => show::unreadable(all),
        None => show::failed(&format!("{error:#}")),
    }
}

fn planned(options: &PlanOptions) -> anyhow::Result<Plan> {
    let progress = ProgressBar::new_spinner(); // seen on a terminal only
    progress.enable_steady_tick(Duration::from_millis(100));
    progress.set_message("reading");
    if options.manifests.iter().chain(&options.against).filter(|path| *path == STDIN).count() > 1 {
        bail!("standard input can be read once; give {STDIN} once, and files for the rest");
    }
    let namespace = namespace(options)?;
    let manifests = read(&options.manifests, options.recursive, |files| manifests::read(files, &namespace))?;
    if manifests.is_empty() {
        let is_folder = options.manifests.iter().any(|path| Path::new(path).is_dir());
        let hint =
            if is_folder && !options.recursive { "-R reads subfolders too" } else { "give files that have some" };
        bail!("there is no object in {}; {hint}", options.manifests.join(", "));
    }
    let state = state(options, &manifests)?;
    if !state.tells_managers() {
        let warning = "Warning: the state does not show which manager set which field, so that the plan is approximate; \
                       take it with --show-managed-fields";
        progress.suspend(|| writeln!(anstream::stderr(), "{warning}"))?;
    }
    let settings = settings(options)?;
    if let Some(outside) = state.outside_pool(settings.public_ip_pool) {
        let warning =
            format!("Warning: {outside}; give the --public-ip-pool of the operator, or they are planned to change");
        progress.suspend(|| writeln!(anstream::stderr(), "{warning}"))?;
    }
    let server_side = server_side(options, &manifests)?;
    progress.set_message(format!("judging {} objects", manifests.objects.len() + state.objects.len()));
    let prune = if options.prune { Prune::Labelled(options.selector.clone()) } else { Prune::Nothing };
    let how = Options { settings, prune, server_side, now: Timestamp::now() };
    let plan = plan::plan(&manifests, state, &how)?;
    progress.finish_and_clear();
    Ok(plan)
}

fn print(plan: &Plan, output: Output) -> anyhow::Result<()> {
    let text = match output {
        Output::Table => show::table(plan),
        Output::Json => serde_json::to_string_pretty(plan)? + "\n",
        Output::Yaml => serde_saphyr::to_string(plan)?,
        Output::Github => show::github(plan),
        Output::Markdown => show::markdown(plan),
    };
    Ok(anstream::stdout().write_all(text.as_bytes())?)
}

// The state.

/// Where objects that name no namespace are put, as `kubectl apply` would.
fn namespace(options: &PlanOptions) -> anyhow::Result<String> {
    match &options.namespace {
        Some(named) => Ok(named.clone()),
        None if options.against.iter().any(|state| state == CLUSTER) => {
            on_one_thread(async { Ok(ApiServer::configured().await?.client.default_namespace().to_owned()) })
        }
        None => Ok("default".to_owned()),
    }
}

fn state(options: &PlanOptions, manifests: &Manifests) -> anyhow::Result<State> {
    let (clusters, dumps): (Vec<_>, Vec<_>) = options.against.iter().cloned().partition(|state| state == CLUSTER);
    match (clusters.is_empty(), dumps.is_empty()) {
        (true, true) => Ok(State::before(manifests)),
        (true, false) => Ok(read(&dumps, false, State::read)?),
        (false, true) => on_one_thread(async { of_cluster(connect().await?).await }),
        (false, false) => bail!("--against takes dumps, or {CLUSTER}, and not both"),
    }
}

/// The settings of the fabric: those of flags, then those that the cluster's operator has published, then the defaults.
fn settings(options: &PlanOptions) -> anyhow::Result<Settings> {
    if !options.against.iter().any(|state| state == CLUSTER) {
        return Ok(options.fabric.settings());
    }
    let namespace = &options.operator_namespace;
    let published = on_one_thread(async { Ok(settings::read(&connect().await?, namespace).await) })?;
    let place = format!("ConfigMap {namespace}/{CONFIG_MAP}");
    let (settings, notice) = match published {
        Ok(Some(published)) => {
            let (settings, used) = options.fabric.over(&published);
            let notice = (!used.is_empty()).then(|| format!("Settings of {place}: {}", used.join(", ")));
            (settings, notice)
        }
        missing => {
            let why = missing.err().map_or_else(|| "there is no such ConfigMap".to_owned(), |error| error.to_string());
            let notice = format!(
                "Warning: the operator's settings in {place} cannot be read ({why}); flags and defaults stand for them. \
                 --operator-namespace names another namespace"
            );
            (options.fabric.settings(), Some(notice))
        }
    };
    if let Some(notice) = notice {
        writeln!(anstream::stderr(), "{notice}")?;
    }
    Ok(settings)
}

/// How manifests are applied server-side, with the cluster's own answers if it is compared with.
fn server_side(options: &PlanOptions, manifests: &Manifests) -> anyhow::Result<Option<ServerSide>> {
    if !options.server_side {
        return Ok(None);
    }
    let (field_manager, force_conflicts) = (options.field_manager.clone(), options.force_conflicts);
    let mut answers = Answers::default();
    if options.against.iter().any(|state| state == CLUSTER) {
        let parameters = PatchParams { force: force_conflicts, ..PatchParams::apply(&field_manager) };
        answers = on_one_thread(async { dry_run::ask(&connect().await?, manifests, parameters).await })?;
        for namespace in &answers.missing_namespaces {
            let warning = format!(
                "Warning: the cluster has no Namespace {namespace}, so that no policy or webhook was asked about its objects"
            );
            writeln!(anstream::stderr(), "{warning}")?;
        }
    }
    Ok(Some(ServerSide { field_manager, force_conflicts, answers: answers.given }))
}

/// What the cluster of the current context holds.
async fn of_cluster(client: Client) -> anyhow::Result<State> {
    let mut state = State::default();
    for kind in Kind::ALL {
        let resource = api_resource(*kind);
        let api = Api::<DynamicObject>::all_with(client.clone(), &resource);
        let all = list(&api, "").await.map_err(|error| unlisted(&resource.plural, error))?;
        let id = |object: &DynamicObject| {
            ObjectId::new(*kind, Name::new(object.namespace().unwrap_or_default(), object.name_any()))
        };
        state.objects.extend(all.into_iter().map(|object| (id(&object), object)));
    }
    let namespaces = Api::<PartialObjectMeta<KubeNamespace>>::all(client.clone());
    let namespaces = list(&namespaces, "").await.map_err(|error| unlisted("namespaces", error))?;
    let namespaces = namespaces.into_iter().map(|namespace| (namespace.name_any().into(), namespace.metadata));
    state.namespaces = Some(namespaces.collect());
    let revisions = list(&Api::<ControllerRevision>::all(client), SCALE_SET_LABEL).await;
    state.revisions = revisions.map_err(|error| unlisted("controllerrevisions", error))?;
    Ok(state)
}

/// Why there is no list, and what to do.
fn unlisted(resource: &str, error: kube::Error) -> anyhow::Error {
    let code = if let kube::Error::Api(status) = &error { status.code } else { 0 };
    let what = match code {
        403 => format!(
            "no right to list {resource} in all namespaces: `vnet plan --against {CLUSTER}` reads every kind of {GROUP}, \
             namespaces and controllerrevisions. Let an administrator run `kubectl create clusterrole vnet-plan --verb=list \
             --resource='*.{GROUP},namespaces,controllerrevisions.apps'` and `kubectl create clusterrolebinding vnet-plan \
             --clusterrole=vnet-plan --user=NAME`, or compare with a dump that they take"
        ),
        404 => format!(
            "the cluster has no {resource}: install the CRDs with `vnet crds | kubectl apply --server-side -f -`"
        ),
        _ => format!("cannot list {resource}"),
    };
    failed(what, error)
}

async fn list<K>(api: &Api<K>, selector: &str) -> kube::Result<Vec<K>>
where
    K: Clone + std::fmt::Debug + DeserializeOwned,
{
    let mut page = ListParams::default().limit(PAGE).labels(selector);
    let mut all = Vec::new();
    loop {
        let list = api.list(&page).await?;
        all.extend(list.items);
        match list.metadata.continue_.filter(|next| !next.is_empty()) {
            Some(next) => page = page.continue_token(&next),
            None => return Ok(all),
        }
    }
}
