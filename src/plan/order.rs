//! What depends on the order in which objects are applied. A plan is made as if what asks for particular things came
//! first; applied one by one, in another order, another may be the first.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::cluster::Cluster;
use super::consequences::Between;
use super::manifests::Manifests;
use super::refusals;
use super::report::{Action, ORDER_MATTERS, PlannedObject, Warning};
use crate::api::status::{NamedObject, ViolationReport};
use crate::fabric::ipam::{Pool, PoolId, Reservation};
use crate::fabric::network_interface::{Assignment, NetworkInterface};
use crate::fabric::{Constraint, Cure, Engine, Kind, Name, ObjectId, Violation};

/// Where the plan could come out otherwise.
pub fn warnings(between: &Between<'_>, manifests: &Manifests, objects: &[PlannedObject]) -> Vec<Warning> {
    let mut warnings = late_namespaces(between, manifests);
    warnings.extend(static_addresses(between, manifests));
    let is_new = |action| matches!(action, Action::Create | Action::Update | Action::Replace);
    let new: BTreeSet<&NamedObject> =
        objects.iter().filter(|o| is_new(o.action) && o.accepted).map(|o| &o.object).collect();
    let claimants = objects.iter().filter(|object| is_new(object.action));
    for (object, told) in claimants.flat_map(|object| object.violations.iter().map(move |told| (object, told))) {
        if let Some(message) = contest(between, object, &told.violation, &new) {
            let (path, place) = (told.violation.path.clone(), told.place.clone());
            let (object, reason) = (object.object.clone(), ORDER_MATTERS.to_owned());
            warnings.push(Warning { object, reason, path, message, place });
        }
    }
    warnings
}

/// True if something that is there is edited, and something else is applied too that may come before.
pub fn edits_beside_others(objects: &[PlannedObject]) -> bool {
    let written = || objects.iter().filter(|object| object.place.is_some());
    let changed = written().filter(|object| object.action != Action::NoChange).count();
    changed > 1 && written().any(|object| matches!(object.action, Action::Update | Action::Replace))
}

/// What comes out otherwise in `other`, where everything was applied before what it refers to: an edit may be refused once
/// something new uses what is edited. Claims are reported without that, and what follows from others' refusals is reported there.
pub fn differences(
    between: &Between<'_>,
    other: &Cluster,
    manifests: &Manifests,
    objects: &[PlannedObject],
) -> Vec<Warning> {
    let is_stored =
        |object: &&PlannedObject| object.violations.iter().all(|told| told.violation.code != refusals::CODE);
    let by_name: BTreeMap<&NamedObject, &PlannedObject> =
        objects.iter().filter(is_stored).map(|object| (&object.object, object)).collect();
    let told = manifests.objects.values().filter_map(|manifest| {
        let planned = by_name.get(&NamedObject::written(&manifest.id))?;
        let refused = other.violations(&manifest.id);
        let (path, message) = match (planned.accepted, refused.first()) {
            (true, Some(violation)) if is_its_own(violation) => {
                let Violation { rule, code, message, .. } = violation;
                let message = format!(
                    "It is accepted here, and refused if what refers to it is applied before it, by {code} ({rule}): {message} Apply it first, and the rest once it is Ready."
                );
                (violation.path.clone(), message)
            }
            (false, None) => {
                let first = between.after.violations(&manifest.id).first().filter(|first| is_its_own(first))?;
                let message = "It is refused here, and accepted if what refers to it is applied before it. Apply it last.";
                (first.path.clone(), message.to_owned())
            }
            (true | false, Some(_)) | (true, None) => return None,
        };
        let (object, reason) = (planned.object.clone(), ORDER_MATTERS.to_owned());
        Some(Warning { object, reason, place: Some(manifest.place_of(&path)), path, message })
    });
    told.collect()
}

/// True if a refusal is neither a lost claim nor a consequence of another's refusal.
fn is_its_own(violation: &Violation) -> bool {
    match violation.constraint {
        Constraint::Exclusive | Constraint::Compatibility | Constraint::Capacity | Constraint::Reference => false,
        Constraint::Immutable | Constraint::Other => true,
    }
}

fn contest(
    between: &Between<'_>,
    object: &PlannedObject,
    violation: &ViolationReport,
    new: &BTreeSet<&NamedObject>,
) -> Option<String> {
    let broken = broken(between, object, violation);
    let told = broken.iter().find(|broken| broken.message == violation.message);
    let constraint = told.or(broken.first())?.constraint;
    let other = violation.blocked_by.iter().find(|holder| new.contains(holder));
    match constraint {
        Constraint::Compatibility => Some(format!(
            "{} is applied too, with public addresses of the other SKU: whichever comes first decides. Use one SKU.",
            other?
        )),
        Constraint::Exclusive => Some(format!(
            "{} asks for the same, and is applied too: whichever comes first has it. Let only one of them ask for it.",
            other?
        )),
        Constraint::Capacity => others_take(between, &broken).then(|| {
            "Others are applied that take from the same: those that come first have it. Make it larger, or ask for less."
                .to_owned()
        }),
        Constraint::Reference | Constraint::Immutable | Constraint::Other => None,
    }
}

/// What an object breaks of a rule in a field, with all that could cure it.
fn broken<'a>(between: &Between<'a>, object: &PlannedObject, violation: &ViolationReport) -> Vec<&'a Violation> {
    let id = Kind::named(&object.object.kind).map(|kind| {
        let NamedObject { namespace, name, .. } = &object.object;
        ObjectId::new(kind, Name::new(namespace.as_str(), name.as_str()))
    });
    let all = id.map(|id| between.after.violations(&id)).unwrap_or_default().iter();
    all.filter(|broken| broken.rule == violation.rule && broken.path == violation.path).collect()
}

/// True if more is taken of a pool or quota that these violations wait for.
fn others_take(between: &Between<'_>, broken: &[&Violation]) -> bool {
    let (before, after) = (between.before.engine(), between.after.engine());
    let keys = broken.iter().filter_map(|broken| match &broken.cure {
        Cure::Wait(keys) => Some(keys),
        Cure::Edit => None,
    });
    keys.flatten().any(|key| after.taken(key) > before.taken(key))
}

/// Namespaces that are not there yet, and are written behind what is in them: applied as they are written, that fails.
fn late_namespaces(between: &Between<'_>, manifests: &Manifests) -> Vec<Warning> {
    let late = manifests.namespaces.iter().filter(|(name, _)| !between.namespaces.contains(*name));
    let told = late.filter_map(|(name, namespace)| {
        let inside = manifests.objects.values().filter(|manifest| manifest.id.name.namespace == *name);
        let first = inside.min_by_key(|manifest| manifest.turn).filter(|first| first.turn < namespace.turn)?;
        let path = "metadata.namespace".to_owned();
        Some(Warning {
            object: NamedObject::written(&first.id),
            reason: ORDER_MATTERS.to_owned(),
            place: Some(first.place_of(&path)),
            path,
            message: format!(
                "Namespace {name} ({}) is written behind it, and `kubectl apply` creates nothing in a namespace that is not there yet. Put the Namespace first.",
                namespace.place
            ),
        })
    });
    told.collect()
}

/// What is newly allocated in a subnet.
#[derive(Default)]
struct Newcomers<'a> {
    /// Each NIC with a Dynamic configuration, once for each.
    dynamic: Vec<&'a Name>,
    /// The Static addresses, and who has them.
    fixed: BTreeMap<IpAddr, (&'a Name, usize)>,
}

/// A Static address that a Dynamic configuration of the same plan would have, had it come first: each that comes takes the
/// lowest free address.
fn static_addresses(between: &Between<'_>, manifests: &Manifests) -> Vec<Warning> {
    let (before, after) = (between.before.engine(), between.after.engine());
    let mut warnings = Vec::new();
    for (subnet, Newcomers { dynamic, fixed }) in newcomers(before, after) {
        let pool = PoolId::SubnetIPv4(subnet.clone());
        let empty = || after.pool(&pool).map(|pool| Pool::new(pool.prefix(), Reservation::Subnet));
        let Some(pool) = before.pool(&pool).cloned().or_else(empty) else { continue };
        let lowest = pool.lowest_free(dynamic.len() + fixed.len(), &[]);
        for (earlier, (address, (nic, n))) in fixed.iter().enumerate() {
            let others: Vec<&&Name> = dynamic.iter().filter(|name| *name != nic).collect();
            let reached = lowest.iter().take(others.len() + earlier).any(|free| free == address);
            if let Some(other) = others.first().filter(|_| reached) {
                warnings.push(warning(manifests, nic, *n, *address, other, lowest.last()));
            }
        }
    }
    warnings
}

/// By subnet, what holds an IPv4 address that it did not hold before.
fn newcomers<'a>(before: &Engine, after: &'a Engine) -> BTreeMap<&'a Name, Newcomers<'a>> {
    let held = |name: &Name, configuration| before.get::<NetworkInterface>(name)?.held.addresses.get(configuration);
    let mut newcomers: BTreeMap<&Name, Newcomers<'_>> = BTreeMap::new();
    for (name, nic) in after.all::<NetworkInterface>() {
        for (n, configuration) in nic.ask.configurations.iter().enumerate() {
            let address = nic.held.addresses.get(&configuration.name);
            let Some(address) = address.filter(|now| now.is_ipv4() && held(name, &configuration.name) != Some(*now))
            else {
                continue;
            };
            let newcomers = newcomers.entry(&nic.ask.subnet).or_default();
            match configuration.assignment {
                Assignment::Dynamic => newcomers.dynamic.push(name),
                Assignment::Static(_) | Assignment::KeepCurrent => {
                    newcomers.fixed.insert(*address, (name, n));
                }
            }
        }
    }
    newcomers
}

fn warning(
    manifests: &Manifests,
    nic: &Name,
    n: usize,
    address: IpAddr,
    other: &Name,
    highest: Option<&IpAddr>,
) -> Warning {
    let id = ObjectId::new(Kind::NetworkInterface, nic.clone());
    let other = ObjectId::new(Kind::NetworkInterface, other.clone());
    let path = format!("spec.ipConfigurations[{n}].privateIPAddress");
    let beyond = highest.map(|highest| format!(", or choose an address above {highest}")).unwrap_or_default();
    Warning {
        object: (&id).into(),
        reason: ORDER_MATTERS.to_owned(),
        place: manifests.objects.get(&id).map(|manifest| manifest.place_of(&path)),
        path,
        message: format!(
            "{address} is taken by a Dynamic configuration, such as that of {other}, if that is applied first. Apply the Static one before{beyond}."
        ),
    }
}
