//! What the operator remembers of each object: the spec as asked, digests of the status, and its own last judgement.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::core::Notice;
use crate::api::object::{Asked, Observed};
use crate::api::status::Published;
use crate::fabric::{ObjectId, Uid, Violation};

/// An object, as last seen and judged.
#[derive(Clone, Debug)]
pub struct Entry {
    pub(super) uid: Uid,
    pub(super) resource_version: u64,
    pub(super) generation: i64,
    pub(super) created: Timestamp,
    pub(super) deleting: bool,
    pub(super) has_finalizer: bool,
    pub(super) other_finalizers: Vec<String>,
    pub(super) asked: Result<Asked, Vec<Violation>>,
    pub(super) published: Published,
    pub(super) verdict: Verdict,
    pub(super) claims_of: BTreeSet<ObjectId>,
    pub(super) circle: BTreeSet<ObjectId>,
    pub(super) flight: Option<Flight>,
    pub(super) last_write: Option<Timestamp>,
    pub(super) failures: u32,
    pub(super) not_before: Option<Timestamp>,
}

/// What the operator has decided on an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Nothing yet.
    Unjudged,
    /// The spec of this generation was put, or the deletion was asked for; it broke these, or nothing.
    Judged {
        /// The generation of the spec.
        generation: i64,
        /// What it broke.
        violations: Vec<Violation>,
    },
    /// The fabric has let go of the object; it may go.
    Released,
}

/// A write that is on its way.
#[derive(Clone, Debug)]
pub struct Flight {
    /// The version that it was decided on.
    pub(super) resource_version: u64,
    /// What the status will be, if it is a status that is written.
    pub(super) published: Option<Published>,
    /// Whether the object will have the finalizer.
    pub(super) finalizer: bool,
    /// What is to be told when the write has been done.
    pub(super) notices: Vec<Notice>,
}

impl Entry {
    pub(super) fn new(observed: Observed) -> Self {
        Self {
            uid: observed.uid,
            resource_version: observed.resource_version,
            generation: observed.generation,
            created: observed.created,
            deleting: observed.deleting,
            has_finalizer: observed.has_finalizer,
            other_finalizers: observed.other_finalizers,
            asked: observed.asked,
            published: observed.published,
            verdict: Verdict::Unjudged,
            claims_of: BTreeSet::new(),
            circle: BTreeSet::new(),
            flight: None,
            last_write: None,
            failures: 0,
            not_before: None,
        }
    }

    /// Takes in a newer version of the same life of the object.
    pub(super) fn update(&mut self, observed: Observed) {
        self.resource_version = observed.resource_version;
        if observed.generation != self.generation {
            (self.failures, self.not_before) = (0, None); // what kept the API server from taking a write may be mended
        }
        self.generation = observed.generation;
        self.deleting = observed.deleting;
        self.has_finalizer = observed.has_finalizer;
        self.other_finalizers = observed.other_finalizers;
        self.asked = observed.asked;
        self.published = observed.published;
    }
}
