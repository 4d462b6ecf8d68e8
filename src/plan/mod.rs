//! `vnet plan`: the effect of manifests, judged as the operator would judge them, without a cluster.
//!
//! The operator's own core runs here on an API server in memory, so that there is no second opinion. A tour:
//!
//! * [`manifests`] and [`state`] are what is read: what is asked for, and what there is; [`document`] reads YAML, [`foreign`]
//!   names what Azure's own manifests call otherwise,
//! * [`admission`] is what the API server refuses, with [`metadata`] and in the words of [`refusals`], and [`merge`] what it makes of a manifest for an object that is there,
//! * [`selector`] says what is pruned,
//! * [`cluster`] runs the core on the [`server`] until nothing is left to do; [`server_side`] is the result of what it applies,
//! * [`consequences`] compares before and after, with [`difference`], [`order`] finds what depends on the order of applying,
//!   [`unready`] what needs an action to become Ready,
//! * [`report`] is the plan as JSON shows it, [`show`] as people read it.

pub mod admission;
pub mod cluster;
pub mod consequences;
pub mod difference;
pub mod document;
pub mod field_set;
pub mod foreign;
pub mod manifests;
pub mod merge;
pub mod metadata;
pub mod order;
pub mod refusals;
pub mod report;
pub mod selector;
pub mod server;
pub mod server_side;
pub mod show;
pub mod state;
#[cfg(test)]
mod tests;
pub mod unready;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use kube::core::{DynamicObject, ObjectMeta, Selector, SelectorExt};
use serde_json::{Value, json};

use self::admission::Admission;
use self::cluster::{Cluster, Restless};
use self::consequences::Between;
use self::manifests::{Manifest, Manifests, NamespaceManifest};
pub use self::report::Plan;
use self::report::PlannedObject;
use self::server::Server;
use self::server_side::Manager;
use self::state::State;
use crate::api::object::{self, Observed, Recall};
use crate::api::status::ViolationReport;
use crate::fabric::order::in_order_of_references;
use crate::fabric::{Kind, ObjectId, Settings};
use crate::operator::{Input, Namespace};

/// What the API server itself says to a manifest: what it would store, or why it does not.
pub type Answer = Result<Box<DynamicObject>, Vec<ViolationReport>>;

/// How a plan is made.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the operator of the fabric chose.
    pub settings: Settings,
    /// What is deleted beside.
    pub prune: Prune,
    /// How manifests are applied server-side; none if `kubectl apply` lays them over what is stored.
    pub server_side: Option<ServerSide>,
    /// Now.
    pub now: Timestamp,
}

/// Server-side apply.
#[derive(Clone, Debug, Default)]
pub struct ServerSide {
    /// Who applies.
    pub field_manager: String,
    /// Whether fields of other managers are taken over.
    pub force_conflicts: bool,
    /// What the API server itself says; of other objects it is worked out here.
    pub answers: BTreeMap<ObjectId, Answer>,
}

impl ServerSide {
    fn manager(&self) -> Manager<'_> {
        Manager { name: &self.field_manager, force: self.force_conflicts }
    }
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

/// The effect of applying the manifests to a cluster in this state.
///
/// # Errors
/// [`Restless`], if that never comes to an end.
pub fn plan(manifests: &Manifests, state: State, options: &Options) -> Result<Plan, Restless> {
    let planned_namespaces =
        consequences::of_namespaces(state.namespaces.as_ref(), manifests, options.server_side.as_ref());
    let Transition { before, after, started, judged, going, namespaces, labels } =
        carry_out(manifests, state, options)?;
    let between = Between { before: &before, after: &after, started: &started, going: &going, namespaces: &namespaces };
    let objects = objects(&between, manifests, &judged);
    let mut warnings = order::warnings(&between, manifests, &objects);
    if order::edits_beside_others(&objects) {
        let mut other = before.clone();
        apply_in(Turns::UsersFirst, &mut other, manifests, options, &labels, &judged, &going)?;
        prune(&mut other, &before, manifests, &options.prune)?;
        warnings.extend(order::differences(&between, &other, manifests, &objects));
    }
    warnings.extend(unready::warnings(&between, manifests));
    let objects = planned_namespaces.into_iter().chain(objects).chain(manifests.unknown.iter().cloned()).collect();
    Ok(Plan::new(objects, warnings, manifests.notes.clone()))
}

/// The cluster that there would be if the manifests were applied to one in this state.
///
/// # Errors
/// [`Restless`], if that never comes to an end.
pub fn cluster_with(manifests: &Manifests, state: State, options: &Options) -> Result<Cluster, Restless> {
    Ok(carry_out(manifests, state, options)?.after)
}

/// A cluster before and after manifests are applied to it.
struct Transition {
    before: Cluster,
    after: Cluster,
    /// The virtual machines and instances that began to start.
    started: BTreeSet<ObjectId>,
    /// What the API server said to each manifest.
    judged: BTreeMap<ObjectId, Judged>,
    /// What the manifests ask for and is being deleted.
    going: BTreeSet<ObjectId>,
    /// The Namespaces that are known to be there.
    namespaces: BTreeSet<Arc<str>>,
    /// What matters of the Namespaces of the manifests, once those are applied.
    labels: BTreeMap<Arc<str>, Namespace>,
}

/// In which order manifests are applied.
#[derive(Clone, Copy)]
enum Turns {
    /// All at once, so that what is referred to comes first.
    AtOnce,
    /// Kind by kind, what refers to others before them.
    UsersFirst,
}

/// What the API server says to a manifest.
pub enum Judged {
    /// It stores this.
    Taken(Box<DynamicObject>),
    /// It was asked to store this, and does not take it.
    Refused(Value, Vec<ViolationReport>),
}

fn carry_out(manifests: &Manifests, state: State, options: &Options) -> Result<Transition, Restless> {
    let settings = Settings { vm_start: VM_START, ..options.settings.clone() };
    let there = namespaces_there(manifests, &state);
    let conflicts = conflicts(manifests, &state);
    let is_going =
        |id: &&ObjectId| state.objects.get(*id).is_some_and(|object| object.metadata.deletion_timestamp.is_some());
    let going: BTreeSet<ObjectId> = manifests.objects.keys().filter(is_going).cloned().collect();
    let namespaces = state.namespaces.iter().flat_map(BTreeMap::keys);
    let namespaces = namespaces.chain(state.objects.keys().map(|id| &id.name.namespace)).cloned().collect();
    let known = there.iter().map(|(name, metadata)| (name.clone(), Namespace::of(metadata))).collect();
    let before = Cluster::start(settings, state, &known, options.now)?;
    let mut after = before.clone();
    let _ = after.take_started();
    let labels = manifests.namespaces.iter();
    let server_side = options.server_side.as_ref();
    let labels =
        labels.map(|(name, manifest)| (name.clone(), labelled(there.get(name), manifest, server_side))).collect();
    let judged = judged(manifests, before.server(), &there, conflicts, server_side);
    apply_in(Turns::AtOnce, &mut after, manifests, options, &labels, &judged, &going)?;
    prune(&mut after, &before, manifests, &options.prune)?;
    let started = after.take_started();
    Ok(Transition { before, after, started, judged, going, namespaces, labels })
}

fn apply_in(
    turns: Turns,
    cluster: &mut Cluster,
    manifests: &Manifests,
    options: &Options,
    labels: &BTreeMap<Arc<str>, Namespace>,
    judged: &BTreeMap<ObjectId, Judged>,
    going: &BTreeSet<ObjectId>,
) -> Result<(), Restless> {
    for (name, namespace) in labels {
        cluster.label(name.clone(), namespace.clone());
    }
    let remembers = options.server_side.is_none();
    match turns {
        Turns::AtOnce => {
            apply(cluster, manifests, judged, remembers, |id| !going.contains(id));
            cluster.come_to_rest()
        }
        Turns::UsersFirst => users_first(judged).into_iter().try_for_each(|kind| {
            apply(cluster, manifests, judged, remembers, |id| id.kind == kind && !going.contains(id));
            cluster.come_to_rest()
        }),
    }
}

/// The kinds, those that refer to others before them.
fn users_first(judged: &BTreeMap<ObjectId, Judged>) -> Vec<Kind> {
    let mut named: BTreeMap<Kind, Vec<Kind>> = BTreeMap::new();
    for (id, judged) in judged {
        let Judged::Taken(object) = judged else { continue };
        let asked = object::observe(id.kind, object, Recall::Nothing).and_then(|observed| observed.asked.ok());
        let references = asked.iter().flat_map(|asked| asked.ask.references());
        named.entry(id.kind).or_default().extend(references.map(|reference| reference.to.kind));
    }
    let kinds = Kind::ALL.iter().map(|kind| (*kind, named.remove(kind).unwrap_or_default()));
    let mut order = in_order_of_references(kinds.collect());
    order.reverse();
    order
}

fn prune(cluster: &mut Cluster, before: &Cluster, manifests: &Manifests, prune: &Prune) -> Result<(), Restless> {
    let surplus = surplus(manifests, before, prune);
    cluster.edit(|server, now| surplus.iter().filter_map(|id| server.delete(id, now)).collect());
    cluster.come_to_rest()
}

/// A Namespace once its manifest is applied; what is being deleted remains so.
fn labelled(there: Option<&ObjectMeta>, manifest: &NamespaceManifest, server_side: Option<&ServerSide>) -> Namespace {
    let labels = manifest.laid_over(there, server_side).pointer("/metadata/labels").cloned().unwrap_or_default();
    // Labels that are no texts are reported when the manifest is read.
    let labels = serde_json::from_value(labels).unwrap_or_default();
    let deletion_timestamp = there.and_then(|there| there.deletion_timestamp.clone());
    Namespace::of(&ObjectMeta { labels, deletion_timestamp, ..ObjectMeta::default() })
}

/// The Namespaces at the beginning. Where the state does not list them, all that are named exist.
fn namespaces_there(manifests: &Manifests, state: &State) -> BTreeMap<Arc<str>, ObjectMeta> {
    if let Some(known) = &state.namespaces {
        return known.clone();
    }
    let named = manifests.objects.keys().chain(state.objects.keys()).map(|id| id.name.namespace.clone());
    named.map(|namespace| (namespace, ObjectMeta::default())).collect()
}

/// What manifests say of another life or version of an object than the one that was read. The version that it has when the
/// cluster has come to rest is of the plan's own making.
fn conflicts(manifests: &Manifests, state: &State) -> BTreeMap<ObjectId, Vec<ViolationReport>> {
    let told = manifests.objects.iter().filter_map(|(id, manifest)| {
        let read = serde_json::to_value(&state.objects.get(id)?.metadata).ok()?;
        Some((id.clone(), metadata::conflicts(&json!({"metadata": read}), &manifest.object)))
    });
    told.collect()
}

/// What the API server, which stores this, says to each manifest.
fn judged(
    manifests: &Manifests,
    server: &Server,
    there: &BTreeMap<Arc<str>, ObjectMeta>,
    mut conflicts: BTreeMap<ObjectId, Vec<ViolationReport>>,
    server_side: Option<&ServerSide>,
) -> BTreeMap<ObjectId, Judged> {
    let admission = Admission::default();
    let mut judge = |manifest: &Manifest| {
        let (id, stored) = (&manifest.id, server.objects().get(&manifest.id));
        let (asked, told) = asked(manifest, stored, server_side);
        let mut refusals = conflicts.remove(id).unwrap_or_default();
        refusals.extend(told);
        let namespace = &id.name.namespace;
        let is_going = |there: &ObjectMeta| there.deletion_timestamp.is_some();
        let out_of_place = match there.get(namespace) {
            None if manifests.namespaces.contains_key(namespace) => None,
            None => Some(refusals::no_namespace(namespace)),
            Some(there) if is_going(there) && stored.is_none() => Some(refusals::terminating(namespace)),
            Some(_) => None,
        };
        refusals.extend(out_of_place);
        let admitted = match server_side {
            None => admission.admit(id.kind, &asked),
            Some(_) => admission.admit_merged(id.kind, &asked),
        };
        let own = match admitted {
            Ok(object) if refusals.is_empty() => Judged::Taken(Box::new(object)),
            Ok(_) => Judged::Refused(asked.clone(), refusals),
            Err(more) => Judged::Refused(asked.clone(), more.into_iter().chain(refusals).collect()),
        };
        match (server_side.and_then(|how| how.answers.get(id)), own) {
            (None, own) => own,
            (Some(Ok(object)), _) => Judged::Taken(object.clone()),
            // What is worked out here has the remedy too.
            (Some(Err(_)), Judged::Refused(asked, own)) => Judged::Refused(asked, own),
            (Some(Err(refusals)), Judged::Taken(_)) => Judged::Refused(asked, refusals.clone()),
        }
    };
    manifests.objects.iter().map(|(id, manifest)| (id.clone(), judge(manifest))).collect()
}

/// What the API server is asked to store, and what keeps it from being asked.
fn asked(
    manifest: &Manifest,
    stored: Option<&DynamicObject>,
    server_side: Option<&ServerSide>,
) -> (Value, Vec<ViolationReport>) {
    let stored = stored.and_then(|stored| serde_json::to_value(stored).ok());
    match (server_side.map(ServerSide::manager), stored) {
        (None, stored) => {
            let asked =
                stored.map_or_else(|| manifest.object.clone(), |stored| merge::laid_over(&stored, &manifest.object));
            let memory = metadata::memory(&asked, &manifest.object);
            (asked, memory.into_iter().collect())
        }
        (Some(_), None) => (manifest.object.clone(), metadata::managers(&manifest.object)),
        (Some(manager), Some(stored)) => {
            let apply = |manager| server_side::apply(Some(manifest.id.kind), &stored, &manifest.object, manager);
            let mut refusals = metadata::managers(&manifest.object);
            let asked = apply(manager).unwrap_or_else(|conflicts| {
                refusals.extend(conflicts.into_iter().map(refusals::conflict));
                // What it would be otherwise is judged too.
                apply(Manager { force: true, ..manager }).unwrap_or_default()
            });
            (asked, refusals)
        }
    }
}

/// Creates or edits what the manifests ask for; to edit what is being deleted changes nothing. Nothing depends on the order
/// of manifests: what is referred to comes first, then what asks for particular addresses (S-10), then by name.
fn apply(
    cluster: &mut Cluster,
    manifests: &Manifests,
    judged: &BTreeMap<ObjectId, Judged>,
    remembers: bool,
    is_meant: impl Fn(&ObjectId) -> bool,
) {
    cluster.edit(|server, now| {
        let mut seen: Vec<Observed> = Vec::new();
        for (id, manifest) in manifests.objects.iter().filter(|(id, _)| is_meant(id)) {
            let Some(Judged::Taken(asked)) = judged.get(id) else { continue };
            if let Some(Input::Applied(observed)) = applied(server, manifest, (**asked).clone(), remembers, now) {
                seen.push(*observed);
            }
        }
        let requests_specific_address =
            |observed: &Observed| observed.asked.as_ref().is_ok_and(|asked| asked.ask.requests_specific_address());
        seen.sort_by_key(|observed| (observed.id.kind, !requests_specific_address(observed), observed.id.clone()));
        let all = seen.iter().map(|observed| {
            let references = observed.asked.iter().flat_map(|asked| asked.ask.references());
            (observed.id.clone(), references.map(|reference| reference.to).collect())
        });
        let order = in_order_of_references(all.collect());
        let mut seen: BTreeMap<ObjectId, Observed> = seen.into_iter().map(|seen| (seen.id.clone(), seen)).collect();
        let seen = order.into_iter().filter_map(|id| seen.remove(&id));
        seen.map(|observed| Input::Applied(Box::new(observed))).collect()
    });
}

/// Stores what is applied, and what client-side apply remembers of it; what is stored already changes nothing.
fn applied(
    server: &mut Server,
    manifest: &Manifest,
    mut asked: DynamicObject,
    remembers: bool,
    now: Timestamp,
) -> Option<Input> {
    let remember = |object: &mut DynamicObject| {
        if remembers {
            merge::remember(object, &manifest.object);
        }
    };
    let Some(stored) = server.objects().get(&manifest.id) else {
        remember(&mut asked);
        return server.create(&manifest.id, asked, now);
    };
    let mut next = stored.clone();
    server::take_over(&mut next, asked);
    if next == *stored {
        return None;
    }
    if object::owner(stored).is_some() {
        server_side::note_edit(manifest.id.kind, &mut next, stored);
    }
    remember(&mut next);
    server.edit(&manifest.id, |object| *object = next)
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

/// Every object of the manifests, and every other that they affect.
fn objects(between: &Between<'_>, manifests: &Manifests, judged: &BTreeMap<ObjectId, Judged>) -> Vec<PlannedObject> {
    let stored = |cluster: &'_ Cluster| cluster.server().objects().keys().cloned().collect::<BTreeSet<_>>();
    let mut all: BTreeSet<ObjectId> = manifests.objects.keys().cloned().collect();
    all.extend(stored(between.before));
    all.extend(stored(between.after));
    let planned = all.into_iter().filter_map(|id| {
        let manifest = manifests.objects.get(&id);
        if manifest.is_none() && between.is_as_before(&id) {
            return None;
        }
        let planned = between.of(&id, manifest, judged.get(&id));
        let tells = planned.changes() || planned.has_news() || between.is_refused_now(&id) || between.waits_now(&id);
        (manifest.is_some() || tells).then_some(planned)
    });
    planned.collect()
}
