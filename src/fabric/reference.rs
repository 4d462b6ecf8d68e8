//! References: what an object names in its spec, and the one rule for all of them, that it is there and in the same place
//! (NIC-03, S-36).
//!
//! Who refers to an object is an index of the engine; what follows from that when the object is deleted is in `in_use`.

use std::borrow::Cow;

use super::id::{Kind, Name, ObjectId, Placement};
use super::resource::{Case, Programmed, Resource};
use super::violation::{Code, Constraint, Finding, Findings, Place, Violation, WaitKey};

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
        exists(case, reference, findings);
    }
}

fn exists<K: Resource>(case: &Case<'_, K>, Reference { to, path, .. }: &Reference, findings: &mut Findings) {
    let (engine, from) = (case.engine, case.placement);
    let found = match (engine.placement(to), engine.refused_with(to)) {
        (Some(placement), _) if placement == from => return,
        (Some(placement), _) => {
            ReferenceFinding::Elsewhere { to: to.clone(), placement: placement.clone(), from: from.clone() }
        }
        (None, Some(code)) => ReferenceFinding::NotProvisioned { to: to.clone(), code },
        (None, None) => {
            // Names of another namespace are for those who may read it.
            let is_own = to.name.namespace == case.name.namespace;
            let proposed = is_own.then(|| engine.with_a_prefix(to)).flatten();
            ReferenceFinding::Missing { to: to.clone(), proposed }
        }
    };
    findings.add(path.clone(), found);
}

/// What is wrong with the object that a field names.
enum ReferenceFinding {
    /// It is in another location or subscription.
    Elsewhere { to: ObjectId, placement: Placement, from: Placement },
    /// It was refused itself, with this code.
    NotProvisioned { to: ObjectId, code: Code },
    /// It does not exist; one whose name has a prefix before the same name may be meant.
    Missing { to: ObjectId, proposed: Option<ObjectId> },
}

impl Finding for ReferenceFinding {
    fn violation(self, at: Place) -> Violation {
        let code = Code::InvalidResourceReference;
        let violation = match self {
            Self::Elsewhere { to, placement, from } => at
                .refuse(
                    code,
                    format!("{to} is in {placement}, and this object in {from}."),
                    format!("Refer to an object of the same location and subscription, or create {to} there."),
                )
                .until_changed(to),
            Self::NotProvisioned { to, code: why } => at
                .refuse(
                    code,
                    format!("{to} exists, but is not provisioned: {why}."),
                    format!("Fix {to}; this object is then retried automatically."),
                )
                .until_changed(to),
            Self::Missing { to, proposed } => {
                let proposal = proposed.as_ref().map(|proposed| format!(": {proposed} exists")).unwrap_or_default();
                let violation = at.refuse(
                    code,
                    format!("{to} does not exist."),
                    format!("Create {to}, or correct the name{proposal}; this object is then retried automatically."),
                );
                proposed.into_iter().map(WaitKey::Object).fold(violation.until_changed(to), Violation::cites)
            }
        };
        violation.breaks(Constraint::Reference)
    }
}

/// Panics unless each reference is judged by a rule of its kind, or of one that its objects consist of.
#[cfg(test)]
pub(super) fn assert_are_judged<K: Resource>(references: &[Reference]) {
    use super::kind::refusing_rules;
    use super::resource::Scope;

    static ROWS: std::sync::LazyLock<Vec<super::resource::Refusing>> = std::sync::LazyLock::new(refusing_rules);
    for reference in references {
        let of = |kind: Kind| kind == K::KIND || K::CONSISTS_OF.contains(&kind);
        let mut rows = ROWS.iter().filter(|row| row.id == reference.rule && row.scope == Scope::References);
        assert!(rows.any(|row| of(row.kind) && !row.deletion), "no rule judges {reference:?} of a {}", K::KIND);
    }
}
