//! References: what an object names in its spec, and the one rule for all of them, that it is there and in the same place
//! (NIC-03, S-36).
//!
//! Who refers to an object is an index of the engine; what follows from that when the object is deleted is in `in_use`.

use std::borrow::Cow;

use super::engine::Engine;
use super::id::{Kind, Name, ObjectId, Placement};
use super::resource::{Case, Programmed, Resource};
use super::violation::{Code, Findings, WaitKey};

/// A field that names another object.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// The object that it names.
    pub to: ObjectId,
    /// The field: `spec.ipConfigurations[1].publicIPAddress`.
    pub path: Cow<'static, str>,
    /// The rule that the object exists, in the same location and subscription.
    pub rule: &'static str,
}

impl Reference {
    /// The field at `path` names the object of this kind and name.
    pub fn new(kind: Kind, name: &Name, path: impl Into<Cow<'static, str>>, rule: &'static str) -> Self {
        Self { to: ObjectId::new(kind, name.clone()), path: path.into(), rule }
    }
}

/// Everything that an object refers to, by what is asked of it and by what it holds, each once and in order.
pub(super) fn targets<K: Resource>(programmed: &Programmed<K>) -> Vec<ObjectId> {
    targets_of(programmed.ask.references(), programmed)
}

/// The same where what is asked has been read already.
pub(super) fn targets_of<K: Resource>(asked: Vec<Reference>, programmed: &Programmed<K>) -> Vec<ObjectId> {
    let asked = asked.into_iter().map(|reference| reference.to);
    let mut all: Vec<ObjectId> = asked.chain(K::held_references(programmed)).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// What an object refers to is carried, in the object's own location and subscription. Judges the references of the rule that
/// is being checked.
pub(super) fn exist<K: Resource>(case: &Case<'_, K>, findings: &mut Findings) {
    let rule = findings.rule();
    // The parts of an instance are made together.
    let instance = ObjectId::new(K::KIND, case.name.clone()).instance();
    let is_of_it = |to: &ObjectId| instance.is_some() && to.instance() == instance;
    for reference in case.references.iter().filter(|reference| reference.rule == rule && !is_of_it(&reference.to)) {
        exists(case.engine, case.placement, reference, findings);
    }
}

fn exists(engine: &Engine, from: &Placement, Reference { to, path, .. }: &Reference, findings: &mut Findings) {
    let mut proposed = None;
    let (message, remedy) = match (engine.placement(to), engine.refused_with(to)) {
        (Some(placement), _) if placement == from => return,
        (Some(placement), _) => (
            format!("{to} is in {placement}, and this object in {from}."),
            format!("Refer to an object of the same location and subscription, or create {to} there."),
        ),
        (None, Some(code)) => (
            format!("{to} exists, but is not provisioned: {code}."),
            format!("Fix {to}; this object is then retried automatically."),
        ),
        (None, None) => {
            proposed = engine.with_a_prefix(to);
            let proposal = proposed.as_ref().map(|proposed| format!(": {proposed} exists")).unwrap_or_default();
            (
                format!("{to} does not exist."),
                format!("Create {to}, or correct the name{proposal}; this object is then retried automatically."),
            )
        }
    };
    let violation = findings.refuse(Code::InvalidResourceReference, path.clone(), message, remedy);
    violation.blocked_by(to.clone()).until(WaitKey::Object(to.clone()));
    if let Some(proposed) = proposed {
        violation.cites(WaitKey::Object(proposed));
    }
}
