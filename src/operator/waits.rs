//! Who waits for what, in the order in which they began to wait.

use std::collections::{BTreeMap, BTreeSet};

use crate::fabric::{ObjectId, WaitKey};

/// The objects that wait, by what they wait for.
#[derive(Clone, Debug, Default)]
pub struct Waits {
    by_key: BTreeMap<WaitKey, BTreeMap<u64, ObjectId>>,
    by_object: BTreeMap<ObjectId, BTreeMap<WaitKey, u64>>,
    arrivals: u64,
}

impl Waits {
    /// From now on `id` waits for exactly `keys`. Its place among those that wait for a key it waited for already stays.
    pub fn set(&mut self, id: &ObjectId, keys: BTreeSet<WaitKey>) {
        let before = self.by_object.remove(id).unwrap_or_default();
        for (key, place) in before.iter().filter(|(key, _)| !keys.contains(key)) {
            self.forget(key, *place);
        }
        if keys.is_empty() {
            return;
        }
        let mut after = BTreeMap::new();
        for key in keys {
            let place = before.get(&key).copied().unwrap_or_else(|| {
                self.arrivals += 1;
                self.by_key.entry(key.clone()).or_default().insert(self.arrivals, id.clone());
                self.arrivals
            });
            after.insert(key, place);
        }
        self.by_object.insert(id.clone(), after);
    }

    /// All that wait for `key`, in order.
    pub fn all(&self, key: &WaitKey) -> Vec<ObjectId> {
        self.by_key.get(key).map(|waiting| waiting.values().cloned().collect()).unwrap_or_default()
    }

    /// The first that waits for `key` behind the place `after`, and its place.
    pub fn next(&self, key: &WaitKey, after: u64) -> Option<(u64, ObjectId)> {
        let waiting = self.by_key.get(key)?;
        waiting.range(after + 1..).next().map(|(place, id)| (*place, id.clone()))
    }

    /// The number of objects that wait.
    pub fn len(&self) -> usize {
        self.by_object.len()
    }

    /// True if none waits.
    pub fn is_empty(&self) -> bool {
        self.by_object.is_empty()
    }

    fn forget(&mut self, key: &WaitKey, place: u64) {
        if let Some(waiting) = self.by_key.get_mut(key) {
            waiting.remove(&place);
            if waiting.is_empty() {
                self.by_key.remove(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabric::{Kind, Name};

    fn nic(name: &str) -> ObjectId {
        ObjectId::new(Kind::NetworkInterface, Name::new("ns", name))
    }

    fn key(name: &str) -> WaitKey {
        WaitKey::Object(nic(name))
    }

    #[test]
    fn one_that_waits_on_keeps_its_place() {
        let mut waits = Waits::default();
        waits.set(&nic("first"), BTreeSet::from([key("x")]));
        waits.set(&nic("second"), BTreeSet::from([key("x")]));
        waits.set(&nic("first"), BTreeSet::from([key("x"), key("y")]));
        assert_eq!(waits.all(&key("x")), [nic("first"), nic("second")]);
        let (place, _) = waits.next(&key("x"), 0).unwrap();
        assert_eq!(waits.next(&key("x"), place).unwrap().1, nic("second"));
    }

    #[test]
    fn one_that_waits_no_longer_is_forgotten() {
        let mut waits = Waits::default();
        waits.set(&nic("a"), BTreeSet::from([key("x")]));
        waits.set(&nic("a"), BTreeSet::new());
        assert!(waits.is_empty());
        assert_eq!(waits.all(&key("x")), []);
    }
}
