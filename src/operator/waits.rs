//! Who waits for what, in the order in which they began to wait.

use std::collections::{BTreeMap, BTreeSet};

use crate::fabric::{Cure, ObjectId, Refusal, WaitKey};

/// How an object that waits for a key is woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wake {
    /// At once.
    Now,
    /// When its turn comes: the first one takes what has become free, and the next one is woken if something is left.
    InTurn,
    /// After a pause: only what its status shows of others has changed.
    Later,
}

/// The keys that an object waits for.
pub type Keys = BTreeMap<WaitKey, Wake>;

/// What a refused object waits for.
pub fn keys_of(refusal: &Refusal) -> Keys {
    let mut keys = Keys::new();
    for violation in refusal.violations() {
        let evidence = violation.evidence.iter().map(|key| match key {
            WaitKey::Members(_) => (key, Wake::Later),
            _ => (key, Wake::Now),
        });
        let cures = match &violation.cure {
            Cure::Wait(keys) => Some(keys),
            Cure::Edit => None,
        };
        let cures = cures.into_iter().flatten();
        let cures =
            cures.map(|key| if violation.takes.contains(key) { (key, Wake::InTurn) } else { (key, of_any(key)) });
        evidence.chain(cures).for_each(|(key, wake)| add(&mut keys, key.clone(), wake));
    }
    keys
}

/// How this key wakes what waits for it.
fn of_any(key: &WaitKey) -> Wake {
    match key {
        WaitKey::Capacity(_) | WaitKey::Quota(_) => Wake::InTurn,
        WaitKey::Object(_)
        | WaitKey::Claim(_)
        | WaitKey::Members(_)
        | WaitKey::Power(_)
        | WaitKey::Address(..)
        | WaitKey::Label(..) => Wake::Now,
    }
}

/// Adds keys that wake what waits for them.
pub fn add_all(keys: &mut Keys, more: impl IntoIterator<Item = WaitKey>) {
    for key in more {
        let wake = of_any(&key);
        add(keys, key, wake);
    }
}

/// Of two reasons to wait for a key, the more urgent one counts.
fn add(keys: &mut Keys, key: WaitKey, wake: Wake) {
    let known = keys.entry(key).or_insert(wake);
    *known = wake.min(*known);
}

/// The objects that wait, by what they wait for and how they are woken.
#[derive(Clone, Debug, Default)]
pub struct Waits {
    by_key: BTreeMap<(WaitKey, Wake), BTreeMap<u64, ObjectId>>,
    by_object: BTreeMap<ObjectId, BTreeMap<(WaitKey, Wake), u64>>,
    arrivals: u64,
}

impl Waits {
    /// From now on `id` waits for exactly `keys`. Its place among those that wait for a key it waited for already stays.
    pub fn set(&mut self, id: &ObjectId, keys: Keys) {
        let keys: BTreeSet<(WaitKey, Wake)> = keys.into_iter().collect();
        let before = self.by_object.remove(id).unwrap_or_default();
        for (key, place) in before.iter().filter(|(key, _)| !keys.contains(*key)) {
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

    /// All that wait for `key` in this way behind the place `after`, in order.
    pub fn all(&self, key: &WaitKey, wake: Wake, after: u64) -> Vec<ObjectId> {
        self.behind(key, wake, after).map(|(_, id)| id.clone()).collect()
    }

    /// The first that waits for its turn behind the place `after`, and its place.
    pub fn next(&self, key: &WaitKey, after: u64) -> Option<(u64, ObjectId)> {
        self.behind(key, Wake::InTurn, after).next().map(|(place, id)| (*place, id.clone()))
    }

    /// The number of objects that wait.
    pub fn len(&self) -> usize {
        self.by_object.len()
    }

    /// True if none waits.
    pub fn is_empty(&self) -> bool {
        self.by_object.is_empty()
    }

    fn behind(&self, key: &WaitKey, wake: Wake, after: u64) -> impl Iterator<Item = (&u64, &ObjectId)> {
        let waiting = self.by_key.get(&(key.clone(), wake));
        waiting.into_iter().flat_map(move |waiting| waiting.range(after + 1..))
    }

    fn forget(&mut self, key: &(WaitKey, Wake), place: u64) {
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

    fn keys(names: &[&str], wake: Wake) -> Keys {
        names.iter().map(|name| (key(name), wake)).collect()
    }

    #[test]
    fn one_that_waits_on_keeps_its_place() {
        let mut waits = Waits::default();
        waits.set(&nic("first"), keys(&["x"], Wake::InTurn));
        waits.set(&nic("second"), keys(&["x"], Wake::InTurn));
        waits.set(&nic("first"), keys(&["x", "y"], Wake::InTurn));
        assert_eq!(waits.all(&key("x"), Wake::InTurn, 0), [nic("first"), nic("second")]);
        let (place, _) = waits.next(&key("x"), 0).unwrap();
        assert_eq!(waits.next(&key("x"), place).unwrap().1, nic("second"));
    }

    #[test]
    fn one_that_waits_no_longer_is_forgotten() {
        let mut waits = Waits::default();
        waits.set(&nic("a"), keys(&["x"], Wake::Now));
        waits.set(&nic("a"), Keys::new());
        assert!(waits.is_empty());
        assert_eq!(waits.all(&key("x"), Wake::Now, 0), []);
    }

    #[test]
    fn only_those_that_wait_for_their_turn_have_one() {
        let mut waits = Waits::default();
        waits.set(&nic("a"), keys(&["x"], Wake::Now));
        waits.set(&nic("b"), keys(&["x"], Wake::Later));
        assert_eq!(waits.next(&key("x"), 0), None);
        waits.set(&nic("b"), keys(&["x"], Wake::InTurn));
        assert_eq!(waits.next(&key("x"), 0).unwrap().1, nic("b"));
        assert_eq!(waits.all(&key("x"), Wake::Later, 0), []);
    }
}
