//! Running totals over the objects that the operator knows: how many are Ready, and what keeps the others. They are
//! kept where an object changes, so that no walk through all of them is needed.

use std::collections::BTreeMap;

use super::index::{Entry, Verdict};
use crate::api::conditions::Truth;
use crate::fabric::{Code, Kind, Violation};

/// How many objects there are of each kind and readiness, and how many violations of each code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    objects: BTreeMap<(Kind, Truth), u64>,
    violations: BTreeMap<Code, u64>,
}

impl Totals {
    /// Counts an object in.
    pub(super) fn add(&mut self, kind: Kind, entry: &Entry) {
        *self.objects.entry((kind, entry.published.since.ready())).or_default() += 1;
        for violation in violations(entry) {
            *self.violations.entry(violation.code).or_default() += 1;
        }
    }

    /// Counts out an object that was counted in as it is.
    pub(super) fn remove(&mut self, kind: Kind, entry: &Entry) {
        take_one(self.objects.get_mut(&(kind, entry.published.since.ready())));
        for violation in violations(entry) {
            take_one(self.violations.get_mut(&violation.code));
        }
    }

    /// The number of objects of this kind whose status has the Ready condition in this state.
    pub fn objects(&self, kind: Kind, ready: Truth) -> u64 {
        self.objects.get(&(kind, ready)).copied().unwrap_or_default()
    }

    /// The number of violations of each code that has been seen.
    pub fn violations(&self) -> impl Iterator<Item = (Code, u64)> {
        self.violations.iter().map(|(code, count)| (*code, *count))
    }

    /// The same without what is zero, as if it had been counted just now.
    #[must_use]
    pub fn without_zeros(mut self) -> Self {
        self.objects.retain(|_, count| *count > 0);
        self.violations.retain(|_, count| *count > 0);
        self
    }
}

fn violations(entry: &Entry) -> &[Violation] {
    match &entry.verdict {
        Verdict::Judged { violations, .. } => violations,
        Verdict::Unjudged | Verdict::Released => &[],
    }
}

fn take_one(count: Option<&mut u64>) {
    match count {
        Some(count) if *count > 0 => *count -= 1,
        Some(_) | None => unreachable!("what is counted out has been counted in"),
    }
}
