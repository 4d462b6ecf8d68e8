//! `vnet plan`: what would come of manifests, judged as the operator would judge them, without a cluster.
//!
//! The operator's own core runs here on an API server in memory, so that there is no second opinion. A tour:
//!
//! * [`manifests`] and [`state`] are what is read: what is asked for, and what there is; [`document`] reads YAML,
//! * [`admission`] is what the API server refuses, [`merge`] what it makes of a manifest for an object that is there,
//! * [`cluster`] runs the core on the [`server`] until nothing is left to do,
//! * [`consequences`] compares before and after, [`order`] finds what depends on the order of applying,
//! * [`report`] is the plan as JSON shows it, [`show`] as people read it.

pub mod admission;
pub mod cluster;
pub mod consequences;
pub mod difference;
pub mod document;
pub mod manifests;
pub mod merge;
pub mod order;
pub mod report;
pub mod server;
pub mod show;
pub mod state;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use kube::core::{ObjectMeta, Selector, SelectorExt};
use serde_json::json;

use self::admission::Admission;
use self::cluster::{Cluster, Restless};
use self::consequences::Between;
use self::manifests::{Manifest, Manifests};
pub use self::report::Plan;
use self::report::PlannedObject;
use self::state::State;
use crate::api::object::{self, Observed};
use crate::api::status::ViolationReport;
use crate::fabric::{ObjectId, Settings};
use crate::operator::{Input, Namespace};

/// How a plan is made.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the operator of the fabric chose.
    pub settings: Settings,
    /// What is deleted beside.
    pub prune: Prune,
    /// Now.
    pub now: Timestamp,
}

/// Which objects of the state are deleted, since no manifest asks for them.
#[derive(Clone, Debug, Default)]
pub enum Prune {
    /// None.
    #[default]
    Nothing,
    /// Those in the namespaces of the manifests that have these labels; what a scale set made is its own to delete.
    Labelled(Selector),
}

/// So long does a virtual machine take to start here: it can be seen that it does.
const VM_START: std::time::Duration = std::time::Duration::from_secs(1);

/// What would come of applying the manifests to a cluster in this state.
///
/// # Errors
/// [`Restless`], if that never comes to an end.
pub fn plan(manifests: &Manifests, state: State, options: &Options) -> Result<Plan, Restless> {
    let Transition { before, after, started, refused } = carry_out(manifests, state, options)?;
    let between = Between { before: &before, after: &after, started: &started };
    let objects = objects(&between, manifests, refused);
    let warnings = order::warnings(&between, manifests, &objects);
    Ok(Plan::new(objects, warnings, manifests.notes.clone()))
}

/// A cluster before and after manifests are applied to it.
struct Transition {
    before: Cluster,
    after: Cluster,
    /// The virtual machines and instances that began to start.
    started: BTreeSet<ObjectId>,
    /// What the API server did not take.
    refused: BTreeMap<ObjectId, Vec<ViolationReport>>,
}

fn carry_out(manifests: &Manifests, state: State, options: &Options) -> Result<Transition, Restless> {
    let settings = Settings { vm_start: VM_START, ..options.settings.clone() };
    let there = namespaces_there(manifests, &state);
    let before = Cluster::start(settings, state, &there, options.now)?;
    let mut after = before.clone();
    let _ = after.take_started();
    for (name, labels) in &manifests.namespaces {
        after.label(name.clone(), labelled(labels));
    }
    let refused = refused_by_the_server(manifests, &there);
    let wanted: Vec<&Manifest> =
        manifests.objects.values().filter(|manifest| !refused.contains_key(&manifest.id)).collect();
    apply(&mut after, &wanted);
    after.come_to_rest()?;
    let surplus = surplus(manifests, &before, &options.prune);
    after.edit(|server, now| surplus.iter().filter_map(|id| server.delete(id, now)).collect());
    after.come_to_rest()?;
    // What was being deleted and has gone is created anew.
    apply(&mut after, &wanted);
    after.come_to_rest()?;
    let started = after.take_started();
    Ok(Transition { before, after, started, refused })
}

fn labelled(labels: &serde_json::Value) -> Namespace {
    let metadata = json!({"labels": labels});
    Namespace::of(&serde_json::from_value::<ObjectMeta>(metadata).unwrap_or_default())
}

/// The Namespaces at the beginning. Where the state does not tell which there are, all that are named are.
fn namespaces_there(manifests: &Manifests, state: &State) -> BTreeMap<Arc<str>, Namespace> {
    if let Some(known) = &state.namespaces {
        return known.clone();
    }
    let named = manifests.objects.keys().chain(state.objects.keys()).map(|id| id.name.namespace.clone());
    named.map(|namespace| (namespace, Namespace::default())).collect()
}

fn refused_by_the_server(
    manifests: &Manifests,
    there: &BTreeMap<Arc<str>, Namespace>,
) -> BTreeMap<ObjectId, Vec<ViolationReport>> {
    let admission = Admission::default();
    let refusals = manifests.objects.values().map(|manifest| {
        let namespace = &manifest.id.name.namespace;
        let mut refusals = admission.refusals(manifest.id.kind, &manifest.object);
        if !there.contains_key(namespace) && !manifests.namespaces.contains_key(namespace) {
            refusals.push(self::admission::no_namespace(namespace));
        }
        (manifest.id.clone(), refusals)
    });
    refusals.filter(|(_, refusals)| !refusals.is_empty()).collect()
}

/// Creates or edits what the manifests ask for, but what is being deleted. Nothing depends on the order of manifests: what
/// is referred to comes first, then what asks for particular addresses (S-10), then by name.
fn apply(cluster: &mut Cluster, wanted: &[&Manifest]) {
    cluster.edit(|server, now| {
        let mut seen: Vec<Observed> = Vec::new();
        for manifest in wanted {
            let applied = match server.objects().get(&manifest.id) {
                None => server.create(&manifest.id, admission::defaulted(manifest.id.kind, &manifest.object), now),
                Some(object) if object.metadata.deletion_timestamp.is_some() => None,
                Some(object) => {
                    let mut next = object.clone();
                    merge::apply(manifest.id.kind, &mut next, &manifest.object);
                    (next != *object).then(|| server.edit(&manifest.id, |object| *object = next)).flatten()
                }
            };
            if let Some(Input::Applied(observed)) = applied {
                seen.push(*observed);
            }
        }
        let chooses = |observed: &Observed| observed.asked.as_ref().is_ok_and(|asked| asked.ask.chooses());
        seen.sort_by_key(|observed| (observed.id.kind, !chooses(observed), observed.id.clone()));
        seen.into_iter().map(|observed| Input::Applied(Box::new(observed))).collect()
    });
}

/// What is to be pruned: no manifest asks for it, no scale set made it, and its namespace and labels say so.
fn surplus(manifests: &Manifests, before: &Cluster, prune: &Prune) -> Vec<ObjectId> {
    let Prune::Labelled(selector) = prune else { return Vec::new() };
    let namespaces: BTreeSet<&Arc<str>> =
        manifests.objects.keys().map(|id| &id.name.namespace).chain(manifests.namespaces.keys()).collect();
    let all = before.server().objects().iter().filter(|(id, object)| {
        namespaces.contains(&id.name.namespace)
            && !manifests.objects.contains_key(*id)
            && object::owner(*object).is_none()
            && selector.matches(object.metadata.labels.as_ref().unwrap_or(&BTreeMap::new()))
    });
    all.map(|(id, _)| id.clone()).collect()
}

/// Every object of the manifests, and every other that anything comes of.
fn objects(
    between: &Between<'_>,
    manifests: &Manifests,
    mut refused: BTreeMap<ObjectId, Vec<ViolationReport>>,
) -> Vec<PlannedObject> {
    let stored = |cluster: &'_ Cluster| cluster.server().objects().keys().cloned().collect::<BTreeSet<_>>();
    let mut all: BTreeSet<ObjectId> = manifests.objects.keys().cloned().collect();
    all.extend(stored(between.before));
    all.extend(stored(between.after));
    let planned = all.into_iter().filter_map(|id| {
        let manifest = manifests.objects.get(&id);
        if manifest.is_none() && between.is_as_before(&id) {
            return None;
        }
        let planned = between.of(&id, manifest, refused.remove(&id).unwrap_or_default());
        (manifest.is_some() || planned.changes() || between.is_refused_now(&id)).then_some(planned)
    });
    planned.collect()
}
