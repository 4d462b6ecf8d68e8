//! The figures of the core, for metrics. No decision depends on them.

use jiff::Timestamp;

use super::Core;
use crate::api::object::Observed;
use crate::fabric::engine::{Occupancy, SubnetOccupancy};
use crate::operator::latency::Histogram;
use crate::operator::totals::Totals;

/// The most subnets that are shown: a series for each of thousands would cost Prometheus more than it is worth.
const SUBNETS: usize = 100;

/// The figures of a core at one moment.
#[derive(Clone, Debug)]
pub struct Figures {
    /// How often an object was judged.
    pub judgements: u64,
    /// The objects and their violations, counted.
    pub totals: Totals,
    /// The queues, and how many objects are in each.
    pub queues: [(&'static str, usize); 6],
    /// The number of objects that are judged again when something else changes.
    pub waiting: usize,
    /// How long specs waited for the statuses that report them.
    pub latency: Histogram,
    /// How many facts of statuses contradicted another, and were not restored at the start.
    pub not_restored: usize,
    /// The fullest subnets, the fullest first.
    pub subnets: Vec<SubnetOccupancy>,
    /// The platform's public addresses.
    pub public: Occupancy,
}

impl Core {
    /// The figures as they are now. The subnets are walked through for it, and no other objects.
    pub fn figures(&self) -> Figures {
        Figures {
            judgements: self.judgements,
            totals: self.totals.clone(),
            queues: [
                ("judgement", self.work.len()),
                ("deferred_judgement", self.deferrals.len()),
                ("report", self.reports.len()),
                ("scale_set_report", self.set_reports.len()),
                ("deferred_report", self.held_back.len()),
                ("child", self.children.queued()),
            ],
            waiting: self.waits.len(),
            latency: self.latency.histogram().clone(),
            not_restored: self.not_restored,
            subnets: self.engine.fullest_subnets(SUBNETS),
            public: self.engine.public_occupancy(),
        }
    }

    /// The running totals.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// The totals, counted by a walk through all objects: what the running ones must be.
    pub fn recount(&self) -> Totals {
        let mut totals = Totals::default();
        self.index.iter().for_each(|(id, entry)| totals.add(id.kind, entry));
        totals
    }

    /// Notes a spec that is new, before it is taken in.
    pub(super) fn note_arrival(&mut self, observed: &Observed) {
        let known = self.index.get(&observed.id).filter(|entry| entry.uid == observed.uid);
        if !observed.deleting && known.is_none_or(|entry| entry.generation != observed.generation) {
            self.arrivals.push(observed.id.clone());
        }
    }

    /// The core turns at this time: what was fed in since the last turn has come just now.
    pub(super) fn stamp(&mut self, now: Timestamp) {
        for id in std::mem::take(&mut self.arrivals) {
            if let Some(entry) = self.index.get_mut(&id) {
                entry.arrived.get_or_insert(now);
            }
        }
        self.latency.turn(now);
    }
}
