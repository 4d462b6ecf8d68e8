//! The shell around the core: watches in, writes and Events out. All I/O of the operator is here, and no decision.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::stream::{self, BoxStream, SelectAll};
use futures::{FutureExt, StreamExt};
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::api::core::v1::Namespace as KubeNamespace;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::core::{DynamicObject, ObjectMeta, PartialObjectMeta, TypeMeta};
use kube::runtime::WatchStreamExt;
use kube::runtime::utils::Backoff;
use kube::runtime::watcher::{self, DefaultBackoff, Event, watcher};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::answers;
use super::clock::Clock;
use super::core::{Core, Input, Namespace, Notice, Outcome, Source, What, Write};
use super::failures::{self, Failures, in_words};
use super::health::Readiness;
use super::recorder::{self, Recorder};
use super::settings::{self, StartRefused};
use crate::api::object::{self, Recall};
use crate::api::shown::Shown;
use crate::api::{SCALE_SET_LABEL, children};
use crate::fabric::{Kind, ObjectId, Settings, Uid};

/// 8 writes at once triple the time to Ready of many objects; more than 32 gain nothing (measured).
const WRITES_AT_ONCE: usize = 32;
/// The client retries by itself for minutes; an object that waits behind a write must not.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// What is on its way when the operator is told to stop has this long to arrive.
const GRACE: Duration = Duration::from_secs(5);
/// A list is read in pages of this many objects.
const PAGE: u32 = 100;
/// Events are for people; of a flood the rest is dropped.
const EVENTS_PENDING: usize = 1024;
/// Inputs that are there at once are taken in together before anything is judged.
const INPUTS_AT_ONCE: usize = 1000;
/// The longest pause before a watch is begun again; the operator is back as soon after the API server is.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Runs the operator until `stop` resolves; its settings are published in its namespace.
///
/// # Errors
/// [`StartRefused`], if it would give static public addresses others; nothing has been written then.
pub async fn run(
    client: Client,
    namespace: String,
    settings: Settings,
    readiness: Readiness,
    stop: impl Future<Output = ()>,
) -> Result<(), StartRefused> {
    let published = settings::written(&settings);
    let is_restored = Arc::<AtomicBool>::default();
    let (clock, mut core) = (Clock::default(), Core::new(settings));
    core.keep_public_addresses(true);
    let (mut inputs, mut failures) = (watches(&client, &is_restored), Failures::default());
    let mut writes = JoinSet::new();
    let events = record_events(client.clone());
    tokio::pin!(stop);
    loop {
        let now = clock.now();
        let was_started = core.is_started();
        if let Some(over) = failures.calm(now) {
            tracing::info!("{over}");
        }
        core.settle(now);
        if let Some(outside) = core.refusal().cloned() {
            settings::is_no_other_pool(&client, &namespace, &published, outside).await?;
            core.keep_public_addresses(false);
            core.settle(now);
        }
        if core.is_started() && !was_started {
            is_restored.store(true, Ordering::Relaxed);
            started(&mut core, &readiness);
            tokio::spawn(settings::publish(client.clone(), namespace.clone(), published.clone()));
        }
        while writes.len() < WRITES_AT_ONCE {
            let Some(write) = core.next_write(now, Timestamp::now()) else { break };
            writes.spawn(carry_out(client.clone(), write));
        }
        for notice in core.take_notices() {
            if events.try_send(notice).is_err() {
                tracing::warn!("too many Events are pending; one is dropped");
            }
        }
        // With no hand free, what is due can only wait for one.
        let busy = writes.len() >= WRITES_AT_ONCE;
        let deadline = if busy { core.engine().next_deadline() } else { core.next_deadline() };
        let deadline = [deadline, failures.next_deadline()].into_iter().flatten().min();
        tokio::select! {
            input = inputs.next() => {
                take_in(&mut core, &mut failures, input, now);
                for _ in 0..INPUTS_AT_ONCE {
                    let Some(input) = inputs.next().now_or_never() else { break };
                    take_in(&mut core, &mut failures, input, now);
                }
            }
            Some(written) = writes.join_next() => {
                for input in written.unwrap_or_else(|died| std::panic::resume_unwind(died.into_panic())) {
                    core.feed(input);
                }
            }
            () = until(deadline, now) => {}
            () = &mut stop => break,
        }
    }
    tracing::info!(writes = writes.len(), "stopping; writes on their way are finished first");
    if timeout(GRACE, async { while writes.join_next().await.is_some() {} }).await.is_err() {
        tracing::warn!("writes were still on their way; what they said is said again after the next start");
    }
    Ok(())
}

/// What a watch has shown, or why it failed.
type Shows = (Source, Result<Option<Input>, String>);

fn take_in(core: &mut Core, failures: &mut Failures, shows: Option<Shows>, now: Timestamp) {
    match shows {
        Some((source, Ok(input))) => {
            // A list begins before anything has been answered.
            if !matches!(input, Some(Input::ListStarted(_)))
                && let Some(over) = failures.works(source)
            {
                tracing::info!(?source, "{over}");
            }
            if let Some(input) = input {
                core.feed(input);
            }
        }
        Some((source, Err(why))) => {
            if let Some(told) = failures.failed(source, why, now) {
                tracing::warn!(?source, "{told}");
            }
        }
        None => {}
    }
}

fn started(core: &mut Core, readiness: &Readiness) {
    for (id, what) in core.take_dropped() {
        tracing::warn!(object = %id, what, "not restored: the status contradicts another");
    }
    let (objects, waiting) = core.counts();
    tracing::info!(objects, waiting, "the fabric is restored");
    readiness.set();
}

async fn until(deadline: Option<Timestamp>, now: Timestamp) {
    match deadline {
        Some(deadline) => sleep(Duration::try_from(deadline.duration_since(now)).unwrap_or_default()).await,
        None => std::future::pending().await,
    }
}

/// The pauses between the tries of a watch.
#[derive(Default)]
struct Pauses(DefaultBackoff);

impl Iterator for Pauses {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.0.next().map(|pause| pause.min(LONGEST_PAUSE))
    }
}

impl Backoff for Pauses {
    /// A watch says that it begins to list before anything has been answered; that is no success. The pauses are short again
    /// by themselves when there was none for two minutes.
    fn reset(&mut self) {}
}

/// Every watch, as one stream; what cannot be read is told and left out. Until the fabric is restored, the records in statuses
/// are read with every event, too: one may come between the lists of two kinds.
fn watches(client: &Client, is_restored: &Arc<AtomicBool>) -> SelectAll<BoxStream<'static, Shows>> {
    let config = || watcher::Config::default().page_size(PAGE);
    let of_kinds = Kind::ALL.iter().map(|kind| {
        let resource = object::api_resource(*kind);
        let stream = watcher(Api::<Shown>::all_with(client.clone(), &resource), config()).backoff(Pauses::default());
        let plural = format!("{}.{}", resource.plural, resource.group);
        let is_restored = is_restored.clone();
        let recall = move || if is_restored.load(Ordering::Relaxed) { Recall::Nothing } else { Recall::Record };
        stream
            .map(move |event| {
                told(Source::Objects(*kind), &plural, event, |event| object_input(*kind, recall(), event))
            })
            .boxed()
    });
    let namespaces = Api::<PartialObjectMeta<KubeNamespace>>::all(client.clone());
    let namespaces = watcher(namespaces, config()).backoff(Pauses::default());
    let namespaces = namespaces.map(|event| told(Source::Namespaces, "namespaces", event, namespace_input)).boxed();
    let of_sets = config().labels(SCALE_SET_LABEL);
    let revisions = watcher(Api::<ControllerRevision>::all(client.clone()), of_sets).backoff(Pauses::default());
    let plural = "controllerrevisions.apps";
    let revisions = revisions.map(move |event| told(Source::Revisions, plural, event, revision_input)).boxed();
    stream::select_all(of_kinds.chain([namespaces, revisions]))
}

fn told<K>(
    source: Source,
    plural: &str,
    event: watcher::Result<Event<K>>,
    input: impl FnOnce(Event<K>) -> Option<Input>,
) -> Shows {
    let shows = match event {
        Ok(Event::Init) => Ok(Some(Input::ListStarted(source))),
        Ok(Event::InitDone) => Ok(Some(Input::ListDone(source))),
        Ok(event) => Ok(input(event)),
        Err(error) => failures::why(plural, &error).map_or(Ok(None), Err),
    };
    (source, shows)
}

fn object_input(kind: Kind, recall: Recall, event: Event<Shown>) -> Option<Input> {
    let read = |Shown(object): &Shown, recall| {
        let observed = object::observe(kind, object, recall);
        if observed.is_none() {
            tracing::warn!(%kind, object = object.name_any(), "an object without namespace, uid or resourceVersion is left out");
        }
        observed
    };
    match event {
        Event::InitApply(object) => read(&object, recall).map(|observed| Input::Listed(Box::new(observed))),
        Event::Apply(object) => read(&object, recall).map(|observed| Input::Applied(Box::new(observed))),
        Event::Delete(object) => {
            read(&object, Recall::Nothing).map(|observed| Input::Deleted(observed.id, observed.uid))
        }
        Event::Init | Event::InitDone => None,
    }
}

fn namespace_input(event: Event<PartialObjectMeta<KubeNamespace>>) -> Option<Input> {
    match event {
        Event::InitApply(namespace) | Event::Apply(namespace) => {
            Some(Input::Namespace(namespace.name_any().into(), Namespace::of(&namespace.metadata)))
        }
        Event::Delete(namespace) => Some(Input::NamespaceDeleted(namespace.name_any().into())),
        Event::Init | Event::InitDone => None,
    }
}

fn revision_input(event: Event<ControllerRevision>) -> Option<Input> {
    match event {
        Event::InitApply(revision) | Event::Apply(revision) => children::read_revision(&revision).map(Input::Revision),
        Event::Delete(revision) => {
            children::read_revision(&revision).map(|gone| Input::RevisionDeleted(gone.set, gone.number, gone.uid))
        }
        Event::Init | Event::InitDone => None,
    }
}

/// Does one write, and says how it ended. A write of what is there carries the version that it was decided on; what the
/// API server answers to a creation or a deletion is told before, as a watch would.
async fn carry_out(client: Client, write: Write) -> Vec<Input> {
    let Write { id, uid, resource_version, generation, what } = write;
    let told = summary(&what);
    let answer = timeout(WRITE_TIMEOUT, send(client, &id, &uid, resource_version, what)).await;
    let (outcome, shown) = match answer {
        Ok(Ok(Answer { version, shown })) => {
            tracing::info!(object = %id, generation, "{told}");
            (version.map_or(Outcome::Failed, Outcome::Done), shown)
        }
        Ok(Err(kube::Error::Api(status))) => {
            let outcome = answers::outcome(&status, &id);
            if let Outcome::Refused(error) = &outcome {
                tracing::warn!(object = %id, generation, error, "a write is refused, and is tried again");
            }
            (outcome, None)
        }
        Ok(Err(error)) => {
            tracing::warn!(object = %id, generation, error = in_words(&error), "a write failed, and is tried again");
            (Outcome::Failed, None)
        }
        Err(_) => {
            tracing::warn!(object = %id, generation, after = ?WRITE_TIMEOUT, "a write was not answered, and is tried again");
            (Outcome::Refused(format!("no answer within {} s.", WRITE_TIMEOUT.as_secs())), None)
        }
    };
    shown.into_iter().chain([Input::Written(id, uid, outcome)]).collect()
}

/// What the API server answered.
struct Answer {
    /// The version of the object; 0 if the write was of another one.
    version: Option<u64>,
    /// What a watch will tell as well.
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
            return "taken on".to_owned();
        }
        What::Finalizers(_) => return "released".to_owned(),
        What::Conditions(_) => return "its status is refused; the conditions say so".to_owned(),
        What::Create(_) => return "created for its scale set".to_owned(),
        What::Apply(_) => return "written for its scale set".to_owned(),
        What::Delete => return "deleted for its scale set".to_owned(),
        What::KeepRevision(_) => return "keeps its model".to_owned(),
        What::DropRevision(..) => return "drops a model that no instance has".to_owned(),
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

/// Events are recorded beside the main loop: they are for people, and nothing waits for them.
fn record_events(client: Client) -> mpsc::Sender<Notice> {
    let (sender, mut receiver) = mpsc::channel::<Notice>(EVENTS_PENDING);
    let mut recorder = Recorder::new(client);
    tokio::spawn(async move {
        while let Some(notice) = receiver.recv().await {
            let id = notice.id.clone();
            match timeout(WRITE_TIMEOUT, recorder.record(notice)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) if recorder::is_of_an_end(&error) => {
                    tracing::debug!(object = %id, error = in_words(&error), "an Event was not recorded");
                }
                Ok(Err(error)) => {
                    tracing::warn!(object = %id, error = in_words(&error), "an Event was not recorded");
                }
                Err(_) => tracing::warn!(object = %id, "an Event was not recorded in time"),
            }
        }
    });
    sender
}
