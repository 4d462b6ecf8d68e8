//! What the operator remembers of each object: the spec as asked, digests of the status, and its own last judgement.

use jiff::Timestamp;

use super::core::Notice;
use crate::api::Owner;
use crate::api::object::{Asked, Observed};
use crate::api::status::Published;
use crate::fabric::{Uid, Violation};

/// An object, as last seen and judged.
#[derive(Clone, Debug)]
pub struct Entry {
    pub(super) uid: Uid,
    /// The scale set that owns it, and the revision of the set's model that it was written from.
    pub(super) owner: Option<Owner>,
    pub(super) written_from: Option<u64>,
    /// The revision that it could not be written to, since another field manager has taken over a field.
    pub(super) taken_over: Option<u64>,
    pub(super) resource_version: u64,
    pub(super) generation: i64,
    pub(super) created: Timestamp,
    pub(super) deleting: bool,
    pub(super) has_finalizer: bool,
    pub(super) other_finalizers: Vec<String>,
    /// It is deleted in a way that leaves what it owns; once that is seen it stays so.
    pub(super) leaves_children: bool,
    pub(super) asked: Result<Asked, Vec<Violation>>,
    pub(super) published: Published,
    pub(super) verdict: Verdict,
    pub(super) flight: Option<Flight>,
    pub(super) last_write: Option<Timestamp>,
    /// Why the API server refuses to delete it, once an Event says so.
    pub(super) refused_deletion: Option<String>,
    /// The writes that have failed in a row, until when none is tried, and whether an Event says why.
    pub(super) failures: u32,
    pub(super) not_before: Option<Timestamp>,
    pub(super) failure_is_reported: bool,
    /// Why the status is not taken, in the words of the API server, until the conditions are written alone; that is tried once.
    pub(super) refusal: Option<String>,
    pub(super) has_tried_conditions: bool,
    /// When the spec came that no status reports yet.
    pub(super) arrived: Option<Timestamp>,
    /// The version for which a write came too late: another one is on its way as an event.
    pub(super) outdated_for: Option<u64>,
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
    /// The fabric has released the object; it may go.
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
    /// The Events to record when the write is done.
    pub(super) notices: Vec<Notice>,
    /// Whether it is only a part of a status that is not taken as a whole.
    pub(super) is_partial: bool,
    /// Whether it deletes the object.
    pub(super) is_deletion: bool,
}

impl Flight {
    /// True if it is a status that differs from this one in counts, capacities or members alone.
    pub(super) fn has_cold_of(&self, published: &Published) -> bool {
        self.published.as_ref().is_some_and(|new| new.cold == published.cold)
    }

    /// A write that changes nothing that is remembered of the object itself.
    pub(super) fn of(entry: &Entry) -> Self {
        Self {
            resource_version: entry.resource_version,
            published: None,
            finalizer: entry.has_finalizer,
            notices: Vec::new(),
            is_partial: false,
            is_deletion: false,
        }
    }
}

/// The finalizer of a deletion that leaves what is owned.
const ORPHANS: &str = "orphan";

fn leaves_children(observed: &Observed) -> bool {
    observed.deleting && observed.other_finalizers.iter().any(|finalizer| finalizer == ORPHANS)
}

impl Entry {
    pub(super) fn new(observed: Observed) -> Self {
        let leaves_children = leaves_children(&observed);
        Self {
            uid: observed.uid,
            owner: observed.owner,
            written_from: observed.written_from,
            taken_over: None,
            resource_version: observed.resource_version,
            generation: observed.generation,
            created: observed.created,
            deleting: observed.deleting,
            has_finalizer: observed.has_finalizer,
            leaves_children,
            other_finalizers: observed.other_finalizers,
            asked: observed.asked,
            published: observed.published,
            verdict: Verdict::Unjudged,
            flight: None,
            last_write: None,
            failures: 0,
            not_before: None,
            refused_deletion: None,
            failure_is_reported: false,
            refusal: None,
            has_tried_conditions: false,
            arrived: None,
            outdated_for: None,
        }
    }

    /// No write of it has failed, or what kept the API server from taking one may be mended.
    pub(super) fn has_no_failures(&mut self) {
        (self.failures, self.not_before) = (0, None);
        (self.failure_is_reported, self.refusal, self.has_tried_conditions) = (false, None, false);
        self.refused_deletion = None;
    }

    /// True if it is known exactly as it is observed.
    pub(super) fn is_as(&self, observed: &Observed) -> bool {
        self.uid == observed.uid
            && self.resource_version == observed.resource_version
            && self.generation == observed.generation
            && self.deleting == observed.deleting
            && self.has_finalizer == observed.has_finalizer
            && self.other_finalizers == observed.other_finalizers
            && self.owner == observed.owner
            && self.written_from == observed.written_from
            && self.published == observed.published
            && self.asked == observed.asked
    }

    /// True if the scale set of this uid owns it.
    pub(super) fn is_owned_by(&self, set: &Uid) -> bool {
        self.owner.as_ref().is_some_and(|owner| owner.uid == *set)
    }

    /// Takes in a newer version of the same life of the object.
    pub(super) fn update(&mut self, observed: Observed) {
        self.leaves_children = observed.deleting && (self.leaves_children || leaves_children(&observed));
        self.resource_version = observed.resource_version;
        self.owner = observed.owner;
        self.written_from = observed.written_from;
        (self.taken_over, self.outdated_for) = (None, None);
        if observed.generation != self.generation {
            self.has_no_failures();
        }
        self.generation = observed.generation;
        self.deleting = observed.deleting;
        self.has_finalizer = observed.has_finalizer;
        self.other_finalizers = observed.other_finalizers;
        self.asked = observed.asked;
        self.published = observed.published;
    }
}
