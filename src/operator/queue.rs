//! The objects that are to be judged next: deletions before puts, otherwise in order of arrival, each once.

use std::collections::{BTreeMap, BTreeSet};

use crate::fabric::ObjectId;

/// What is to be done first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// A deletion: what it frees, a put may need.
    Deletion,
    /// A put.
    Put,
}

/// A queue without duplicates.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    ordered: BTreeSet<(Urgency, u64, ObjectId)>,
    places: BTreeMap<ObjectId, (Urgency, u64)>,
    arrivals: u64,
}

impl Queue {
    /// Puts an object into the queue; one that is in it keeps its place, or gets a more urgent one.
    pub fn push(&mut self, id: ObjectId, urgency: Urgency) {
        let place = match self.places.get(&id) {
            Some((queued, _)) if *queued <= urgency => return,
            Some((queued, arrival)) => {
                self.ordered.remove(&(*queued, *arrival, id.clone()));
                (urgency, *arrival)
            }
            None => {
                self.arrivals += 1;
                (urgency, self.arrivals)
            }
        };
        self.places.insert(id.clone(), place);
        self.ordered.insert((place.0, place.1, id));
    }

    /// Takes the next object.
    pub fn pop(&mut self) -> Option<ObjectId> {
        let (_, _, id) = self.ordered.pop_first()?;
        self.places.remove(&id);
        Some(id)
    }

    /// The number of objects in it.
    pub fn len(&self) -> usize {
        self.ordered.len()
    }

    /// True if nothing is left to do.
    pub fn is_empty(&self) -> bool {
        self.ordered.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabric::{Kind, Name};

    fn nic(name: &str) -> ObjectId {
        ObjectId::new(Kind::NetworkInterface, Name::new("ns", name))
    }

    #[test]
    fn deletions_go_before_puts_and_each_object_is_judged_once() {
        let mut queue = Queue::default();
        queue.push(nic("z"), Urgency::Put);
        queue.push(nic("a"), Urgency::Put);
        queue.push(nic("z"), Urgency::Put);
        queue.push(nic("gone"), Urgency::Deletion);
        queue.push(nic("a"), Urgency::Deletion);
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(order, [nic("a"), nic("gone"), nic("z")]);
        assert!(queue.is_empty());
    }
}
