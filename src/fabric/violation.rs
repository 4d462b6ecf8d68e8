//! What the fabric answers when it refuses: every broken constraint at once, with code, path, evidence and remedy.
//!
//! A refusal is a value, not an error: it is shown to the user in `status.violations`.

use std::collections::BTreeSet;

pub use super::code::Code;
pub use super::cure::{Cure, WaitKey};
use super::engine::Names;
use super::id::{Kind, ObjectId};

/// What kind of constraint is broken, where something follows from that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// The object that a field names exists, in the same location and subscription.
    Reference,
    /// A value is fixed at creation: only a new object can have another one.
    Immutable,
    /// A thing has one holder at a time, the first to claim it.
    Exclusive,
    /// A pool or quota has room; those that come first take from it.
    Capacity,
    /// Things that are used together are of one sort; the first one decides.
    Compatibility,
    /// Any other.
    Other,
}

/// One broken constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The id in the rule catalogue, such as `ADDR-08`.
    pub rule: &'static str,
    /// The error code of the real service.
    pub code: Code,
    /// What kind of constraint it is.
    pub constraint: Constraint,
    /// The field, in the API server's own form: `spec.ipConfigurations[1].privateIPAddress`.
    pub path: String,
    /// Fact and evidence.
    pub message: String,
    /// What to do.
    pub remedy: String,
    /// The first of the objects in the way.
    pub blocked_by: Vec<ObjectId>,
    /// How many objects are in the way.
    pub blocked_by_count: usize,
    /// Who can cure it.
    pub cure: Cure,
    /// Of what it waits for, that which the put takes as soon as it is free.
    pub takes: BTreeSet<WaitKey>,
    /// What the message says of others: when that changes, the object is judged again.
    pub evidence: BTreeSet<WaitKey>,
}

impl Violation {
    /// It breaks a constraint of this kind.
    #[must_use]
    pub fn breaks(self, constraint: Constraint) -> Self {
        Self { constraint, ..self }
    }

    /// It waits for `key` as well.
    #[must_use]
    pub fn until(mut self, key: WaitKey) -> Self {
        match &mut self.cure {
            Cure::Wait(keys) => {
                keys.insert(key);
            }
            Cure::Edit => self.cure = Cure::Wait(BTreeSet::from([key])),
        }
        self
    }

    /// It waits for `key`, and the put takes what becomes free then: of those that wait, one at a time is woken.
    #[must_use]
    pub fn until_free(mut self, key: WaitKey) -> Self {
        self.takes.insert(key.clone());
        self.until(key).breaks(Constraint::Exclusive)
    }

    /// It waits for room in a pool or quota, which `key` stands for.
    #[must_use]
    pub fn until_room(self, key: WaitKey) -> Self {
        self.until(key).breaks(Constraint::Capacity)
    }

    /// It waits for the deletion or change of `object`, which is in the way.
    #[must_use]
    pub(crate) fn until_changed(self, object: ObjectId) -> Self {
        self.until(WaitKey::Object(object.clone())).blocked_by(object)
    }

    /// All of `objects` are in the way. It waits for those that it names: when they are gone, others are named.
    #[must_use]
    pub(crate) fn until_all_changed(self, objects: impl IntoIterator<Item = ObjectId>) -> Self {
        objects.into_iter().fold(self, |violation, object| {
            if violation.blocked_by.len() < BLOCKERS_SHOWN {
                violation.until_changed(object)
            } else {
                violation.blocked_by(object)
            }
        })
    }

    /// It waits for the first of `members` of `of` to go, and names the first few.
    #[must_use]
    pub(super) fn until_members_changed(self, of: ObjectId, members: Members) -> Self {
        let first = members.first.first().cloned().map(WaitKey::Object);
        first.into_iter().fold(self, Self::until).blocked_by_all(members).cites(WaitKey::Members(of))
    }

    /// All of these are in the way.
    #[must_use]
    pub(super) fn blocked_by_all(mut self, members: Members) -> Self {
        self.blocked_by = members.first;
        self.blocked_by_count = members.count;
        self
    }

    /// The message says something about what `key` stands for.
    #[must_use]
    pub fn cites(mut self, key: WaitKey) -> Self {
        self.evidence.insert(key);
        self
    }

    /// `object` is in the way; it is named if it is among the first.
    #[must_use]
    pub fn blocked_by(mut self, object: ObjectId) -> Self {
        self.blocked_by_count += 1;
        if self.blocked_by.len() < BLOCKERS_SHOWN {
            self.blocked_by.push(object);
        }
        self
    }
}

/// The objects of one kind that refer to another: the first few, and how many there are.
#[derive(Clone, Debug)]
pub struct Members {
    /// The first few.
    pub first: Vec<ObjectId>,
    /// How many there are.
    pub count: usize,
}

impl Members {
    /// The first of `names`, and their number.
    pub fn of(kind: Kind, names: &Names) -> Self {
        let first = names.iter().take(BLOCKERS_SHOWN).map(|name| ObjectId::new(kind, name.clone()));
        Self { first: first.collect(), count: names.len() }
    }
}

/// A broken constraint in the words of its kind, with what shows that it is broken. Its code, its text and what may cure it
/// stand in one place, `violation`.
pub trait Finding {
    /// The violation that it is.
    fn violation(self, at: Place) -> Violation;
}

#[cfg(test)]
impl<F: FnOnce(Place) -> Violation> Finding for F {
    fn violation(self, at: Place) -> Violation {
        self(at)
    }
}

/// Where a constraint is broken: by which rule, and in which field.
#[derive(Clone, Debug)]
pub struct Place {
    rule: &'static str,
    path: String,
    subject: Subject,
}

/// What a constraint is checked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Subject {
    /// An object.
    #[default]
    Object,
    /// What the model of a scale set describes.
    Model,
}

impl Place {
    /// What the constraint is checked for.
    pub fn subject(&self) -> Subject {
        self.subject
    }

    /// What was found at this place: a value that is fixed at creation is to change.
    pub fn refuse_change(self, code: Code, message: impl Into<String>, remedy: impl Into<String>) -> Violation {
        self.refuse(code, message, remedy).breaks(Constraint::Immutable)
    }

    /// What was found at this place, with what to do about it. Only an edit of the object cures it, unless the violation waits
    /// `until` something changes.
    pub fn refuse(self, code: Code, message: impl Into<String>, remedy: impl Into<String>) -> Violation {
        let Self { rule, path, subject: _ } = self;
        Violation {
            rule,
            code,
            constraint: Constraint::Other,
            path,
            message: message.into(),
            remedy: remedy.into(),
            blocked_by: Vec::new(),
            blocked_by_count: 0,
            cure: Cure::Edit,
            takes: BTreeSet::new(),
            evidence: BTreeSet::new(),
        }
    }
}

/// The most violations that one refusal carries.
pub const VIOLATIONS_PER_REFUSAL: usize = 32;

/// The broken constraints of one request, the first of them where there are many; never empty. The first leads the conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    violations: Vec<Violation>,
}

impl Refusal {
    /// The violations, in the order of the rules; those that stall come first.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// The violation that leads the conditions.
    pub fn leading(&self) -> &Violation {
        match self.violations.first() {
            Some(first) => first,
            None => unreachable!("a refusal is made from at least one violation"),
        }
    }

    /// True if only an edit of the object helps.
    pub fn stalls(&self) -> bool {
        self.violations.iter().any(|violation| violation.cure == Cure::Edit)
    }

    /// Every key that may cure a part of it, or change what it says.
    pub fn keys(&self) -> BTreeSet<WaitKey> {
        let cures = self.violations.iter().filter_map(|violation| match &violation.cure {
            Cure::Wait(keys) => Some(keys),
            Cure::Edit => None,
        });
        let evidence = self.violations.iter().map(|violation| &violation.evidence);
        cures.chain(evidence).flatten().cloned().collect()
    }

    /// The codes, in order.
    pub fn codes(&self) -> Vec<Code> {
        self.violations.iter().map(|violation| violation.code).collect()
    }

    /// The paths, in order.
    pub fn paths(&self) -> Vec<&str> {
        self.violations.iter().map(|violation| violation.path.as_str()).collect()
    }
}

/// Collects violations while the rules of a request are checked; each rule stamps its id on what it finds.
#[derive(Debug, Default)]
pub struct Findings {
    rule: &'static str,
    subject: Subject,
    found: Vec<Violation>,
}

impl Findings {
    /// Collects what is found of this subject.
    pub fn of(subject: Subject) -> Self {
        Self { subject, ..Self::default() }
    }

    /// From here on, what is found belongs to `rule`.
    pub fn under(&mut self, rule: &'static str) -> &mut Self {
        self.rule = rule;
        self
    }

    /// The rule that is being checked.
    pub fn rule(&self) -> &'static str {
        self.rule
    }

    /// A constraint is broken, in the field at `path`.
    pub fn add(&mut self, path: impl Into<String>, finding: impl Finding) {
        let place = Place { rule: self.rule, path: path.into(), subject: self.subject };
        self.adopt(finding.violation(place));
    }

    /// Takes over what was found elsewhere, under its own rules.
    pub fn adopt(&mut self, violation: Violation) {
        if self.found.len() >= 2 * VIOLATIONS_PER_REFUSAL {
            self.drop_surplus();
        }
        self.found.push(violation);
    }

    /// Keeps the first that stall and the first that wait: no more are reported, and the object is judged again when one of these
    /// is cured.
    fn drop_surplus(&mut self) {
        let (mut stalls, mut waits) = (0, 0);
        self.found.retain(|violation| {
            let count = if violation.cure == Cure::Edit { &mut stalls } else { &mut waits };
            *count += 1;
            *count <= VIOLATIONS_PER_REFUSAL
        });
    }

    /// True if nothing was found.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// `value` if nothing was found, else all that was.
    pub fn into_result<T>(self, value: T) -> Result<T, Vec<Violation>> {
        if self.found.is_empty() { Ok(value) } else { Err(self.found) }
    }

    /// All that was found.
    pub fn into_violations(self) -> Vec<Violation> {
        self.found
    }

    /// `Ok` if nothing was found, else the refusal.
    pub fn verdict(self) -> Result<(), Refusal> {
        Refusal::from_violations(self.found).map_or(Ok(()), Err)
    }
}

impl Refusal {
    /// The refusal that these violations make, if there is one. It has the first ones: as long as one of them stays, the put
    /// is refused, and when one is cured, others take its place.
    pub fn from_violations(mut violations: Vec<Violation>) -> Option<Self> {
        violations.sort_by_key(|violation| violation.cure != Cure::Edit);
        violations.truncate(VIOLATIONS_PER_REFUSAL);
        (!violations.is_empty()).then_some(Self { violations })
    }
}

/// Objects in the way that a violation names, at most; a count stands beside them.
pub const BLOCKERS_SHOWN: usize = 8;
/// Things that a message names where there may be any number of them.
const NAMED_IN_A_MESSAGE: usize = 3;

/// The first of `things`, and whether there are others: `a, b, c and others`. Never how many: that changes with each of them.
pub(super) fn first_of(things: impl IntoIterator<Item = String>) -> String {
    let mut things = things.into_iter();
    let mut first: Vec<String> = things.by_ref().take(NAMED_IN_A_MESSAGE).collect();
    let last = match things.next() {
        Some(_) => "others".to_owned(),
        None => first.pop().unwrap_or_default(),
    };
    if first.is_empty() { last } else { format!("{} and {last}", first.join(", ")) }
}

/// The end of a sentence that has named the first of `count` things.
pub(super) fn and_others(count: usize) -> &'static str {
    if count > 1 { ", and others are too" } else { "" }
}

/// The end of a remedy that names the first of `count` things.
pub(super) fn and_so_on(count: usize) -> &'static str {
    if count > 1 { ", and so for the others" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabric::Name;

    #[test]
    fn a_refusal_carries_the_first_of_many_violations_and_those_that_stall_before_all() {
        let mut findings = Findings::default();
        for n in 0..3_000 {
            findings.add(format!("spec.waits[{n}]"), |at: Place| {
                at.refuse(Code::InvalidParameter, "", "").until(WaitKey::Power(Name::new("prod", format!("vm-{n}"))))
            });
            assert!(findings.found.len() <= 2 * VIOLATIONS_PER_REFUSAL + 1);
        }
        findings.add("spec.stalls", |at: Place| at.refuse(Code::InvalidParameter, "", ""));
        let refusal = findings.verdict().unwrap_err();
        assert!(refusal.stalls());
        assert_eq!(refusal.violations().len(), VIOLATIONS_PER_REFUSAL);
        assert_eq!(refusal.paths()[..3], ["spec.stalls", "spec.waits[0]", "spec.waits[1]"]);
        assert_eq!(refusal.keys().len(), VIOLATIONS_PER_REFUSAL - 1);
    }
}
