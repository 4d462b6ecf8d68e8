//! What the fabric will do by itself, and when: one queue for the objects of all kinds.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::fabric::id::ObjectId;

/// When something is due of an object; one thing at a time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Deadlines {
    queue: BTreeSet<(Timestamp, ObjectId)>,
    by_object: BTreeMap<ObjectId, Timestamp>,
}

impl Deadlines {
    /// Something is due of the object then, instead of what was due before.
    pub(in crate::fabric) fn set(&mut self, object: &ObjectId, due: Timestamp) {
        self.clear(object);
        self.queue.insert((due, object.clone()));
        self.by_object.insert(object.clone(), due);
    }

    /// Nothing is due of the object.
    pub(in crate::fabric) fn clear(&mut self, object: &ObjectId) {
        if let Some(due) = self.by_object.remove(object) {
            self.queue.remove(&(due, object.clone()));
        }
    }

    /// When the next thing is due.
    pub fn next(&self) -> Option<Timestamp> {
        self.queue.first().map(|(due, _)| *due)
    }

    /// The first object of which something is due by now; it is taken out.
    pub(super) fn pop(&mut self, now: Timestamp) -> Option<ObjectId> {
        let (_, object) = self.queue.first().filter(|(due, _)| *due <= now)?;
        let object = object.clone();
        self.clear(&object);
        Some(object)
    }

    /// True if nothing is due of anything.
    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabric::id::Kind;
    use crate::fabric::testing::named;

    #[test]
    fn what_is_due_first_comes_first_and_each_object_has_one_deadline() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let [a, b] = ["a", "b"].map(|name| ObjectId::new(Kind::VirtualMachine, named(name)));
        let mut deadlines = Deadlines::default();
        deadlines.set(&a, at(10));
        deadlines.set(&b, at(20));
        deadlines.set(&a, at(30));
        assert_eq!((deadlines.next(), deadlines.pop(at(19))), (Some(at(20)), None));
        assert_eq!(deadlines.pop(at(30)), Some(b));
        deadlines.clear(&a);
        assert_eq!(deadlines, Deadlines::default());
    }
}
