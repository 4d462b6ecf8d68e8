//! The watches: what the API server shows, as inputs of the core. Each watch has a task of its own, which lists, decodes and
//! waits for room in the channel: the core takes in one page while the next one is listed, and no more than that.

use std::pin::pin;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::Stream;
use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::api::core::v1::Namespace as KubeNamespace;
use kube::core::PartialObjectMeta;
use kube::runtime::WatchStreamExt;
use kube::runtime::utils::Backoff;
use kube::runtime::watcher::{self, DefaultBackoff, Event, watcher};
use kube::{Api, Client, ResourceExt};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::core::{Input, Namespace, Source};
use super::failures;
use super::health::Readiness;
use super::timeouts::{self, Timeouts};
use crate::api::object::{self, Recall};
use crate::api::shown::Shown;
use crate::api::{SCALE_SET_LABEL, children};
use crate::fabric::Kind;

/// A list is read in pages of this many objects.
const PAGE: u16 = 500;
/// The longest pause before a watch is retried; the operator is back as soon after the API server is.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What a watch has shown, or why it failed.
pub struct Shows {
    /// Which watch.
    pub source: Source,
    /// What it has shown, if that matters.
    pub result: Result<Option<Input>, String>,
    /// Dropped when the core has taken it in.
    pub taken_in: oneshot::Sender<()>,
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

/// The watches that run.
pub struct Watches {
    /// What they show.
    pub shown: mpsc::Receiver<Shows>,
    /// Their tasks, which do not end by themselves.
    pub tasks: JoinSet<()>,
}

impl Watches {
    /// Starts every watch; what cannot be read is logged and ignored.
    pub fn start(client: &Client, timeouts: Timeouts, readiness: &Readiness) -> Self {
        let (sender, shown) = mpsc::channel(PAGE.into());
        let mut starter = Starter { client, timeouts, readiness, sender, tasks: JoinSet::new() };
        for kind in Kind::ALL {
            starter.objects(*kind);
        }
        starter.namespaces();
        starter.revisions();
        Self { shown, tasks: starter.tasks }
    }
}

struct Starter<'a> {
    client: &'a Client,
    timeouts: Timeouts,
    readiness: &'a Readiness,
    sender: mpsc::Sender<Shows>,
    tasks: JoinSet<()>,
}

impl Starter<'_> {
    fn objects(&mut self, kind: Kind) {
        let source = Source::Objects(kind);
        let api = Api::<Shown>::all_with(self.client(source), &object::api_resource(kind));
        // Until the fabric is restored, the records in statuses are read with every event, too: one may come between the lists
        // of two kinds.
        let readiness = self.readiness.clone();
        let recall = move || if readiness.is_restored() { Recall::Nothing } else { Recall::Record };
        self.spawn(source, watcher(api, self.config()), move |event| object_input(kind, recall(), event));
    }

    fn namespaces(&mut self) {
        let api = Api::<PartialObjectMeta<KubeNamespace>>::all(self.client(Source::Namespaces));
        self.spawn(Source::Namespaces, watcher(api, self.config()), namespace_input);
    }

    fn revisions(&mut self) {
        let api = Api::<ControllerRevision>::all(self.client(Source::Revisions));
        let of_sets = self.config().labels(SCALE_SET_LABEL);
        self.spawn(Source::Revisions, watcher(api, of_sets), revision_input);
    }

    fn config(&self) -> watcher::Config {
        let seconds = u32::try_from(self.timeouts.watch.as_secs()).unwrap_or(u32::MAX);
        watcher::Config::default().page_size(PAGE.into()).timeout(seconds)
    }

    fn client(&self, source: Source) -> Client {
        let (readiness, name) = (self.readiness.clone(), source.to_string());
        readiness.expect(&name);
        timeouts::limited(self.client, self.timeouts, move || readiness.received(&name))
    }

    fn spawn<K: Send + 'static>(
        &mut self,
        source: Source,
        events: impl Stream<Item = watcher::Result<Event<K>>> + Send + 'static,
        input: impl Fn(Event<K>) -> Option<Input> + Send + 'static,
    ) {
        let (sender, readiness, name) = (self.sender.clone(), self.readiness.clone(), source.to_string());
        self.tasks.spawn(async move {
            let mut events = pin!(events.backoff(Pauses::default()));
            while let Some(event) = events.next().await {
                let has_listed = matches!(event, Ok(Event::InitDone));
                let begins = matches!(event, Ok(Event::Init));
                let result = match event {
                    Ok(Event::Init) => Ok(Some(Input::ListStarted(source))),
                    Ok(Event::InitDone) => Ok(Some(Input::ListDone(source))),
                    Ok(event) => Ok(input(event)),
                    Err(error) => failures::why(&name, &error).map_or(Ok(None), Err),
                };
                let (taken_in, is_taken_in) = oneshot::channel();
                if sender.send(Shows { source, result, taken_in }).await.is_err() {
                    return; // the operator ends
                }
                if begins {
                    // It shows the core which writes are newer than the list; so it knows before the list is asked for.
                    is_taken_in.await.ok();
                }
                if has_listed {
                    readiness.listed(&name);
                }
            }
        });
    }
}

fn object_input(kind: Kind, recall: Recall, event: Event<Shown>) -> Option<Input> {
    let read = |Shown(object): &Shown, recall| {
        let observed = object::observe(kind, object, recall);
        if observed.is_none() {
            let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
            tracing::warn!(%kind, namespace, name, "ignoring an object without namespace, uid or resourceVersion");
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
