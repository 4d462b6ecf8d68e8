//! Whoever was refused is woken by whatever cures it.

use std::collections::{BTreeMap, BTreeSet};

use super::properties::Driver;
use super::random::{Op, kind_of};
use crate::fabric::testing::named;
use crate::fabric::{Engine, ObjectId, Refusal, Violation, VirtualMachineScaleSet, WaitKey};

/// What was refused, and what it waits for.
#[derive(Default)]
pub struct Waiting(BTreeMap<ObjectId, Refused>);

struct Refused {
    op: Op,
    keys: BTreeSet<WaitKey>,
    refusal: Refusal,
}

impl Waiting {
    pub fn note(&mut self, engine: &Engine, op: &Op, answer: &Result<(), Refusal>) {
        let id = match op {
            Op::Put(name, ask) => ObjectId::new(kind_of(ask), named(name)),
            Op::Delete(kind, name) => ObjectId::new(*kind, named(name)),
            Op::Restart => return self.0.clear(), // all are judged again
            Op::Advance(_) | Op::Make => return,
        };
        match answer {
            Ok(()) => drop(self.0.remove(&id)),
            Err(refusal) => {
                let keys = keys(engine, &id, refusal);
                self.0.insert(id, Refused { op: op.clone(), keys, refusal: refusal.clone() });
            }
        }
    }

    /// Puts again the sets whose upgrade is blocked, when what they wait for was freed; panics if one could go on without.
    pub fn unblock(driver: &mut Driver, woken: &BTreeSet<WaitKey>) {
        let sets = driver.engine.all::<VirtualMachineScaleSet>();
        let blocked = sets.filter(|(_, set)| !set.held.blocked.is_empty());
        for (name, keys) in blocked.map(|(name, set)| (name.clone(), set.held.blocked.clone())).collect::<Vec<_>>() {
            let mut again = driver.engine.clone();
            again.keep_up(&name);
            let is_blocked = again.get::<VirtualMachineScaleSet>(&name).is_some_and(|set| !set.held.blocked.is_empty());
            let is_woken = !keys.is_disjoint(woken);
            assert!(is_woken || is_blocked, "{name} waits for {keys:?}, and could go on; freed: {woken:?}");
            if is_woken {
                driver.engine = again;
            }
        }
    }

    /// Panics if one that nothing of this has woken could go on, or if what its status says of it has become wrong; and
    /// if a message has a number that others have changed.
    pub fn assert_woken(&mut self, driver: &Driver, woken: &BTreeSet<WaitKey>) {
        self.0.retain(|id, Refused { op, keys, refusal: before }| {
            let is_woken = !keys.is_disjoint(woken);
            let Err(refusal) = driver.clone().does(op) else {
                assert!(is_woken, "{id} waits for {keys:?}, and could go on; freed: {woken:?}; {op:?}");
                return false;
            };
            if is_woken {
                assert_no_number_has_changed(before, &refusal);
                (*keys, *before) = (self::keys(&driver.engine, id, &refusal), refusal);
            } else {
                assert_still_true(before, &refusal, || format!("{id} waits for {keys:?}; freed: {woken:?}"));
            }
            true
        });
    }
}

fn same<'a>(old: &Violation, refusal: &'a Refusal) -> impl Iterator<Item = &'a Violation> {
    let identity = (old.rule, old.code, old.path.clone());
    refusal.violations().iter().filter(move |new| (new.rule, new.code, new.path.clone()) == identity)
}

/// Panics if what a status says of a violation that stays has become wrong although nothing has woken its object. It may lack
/// a violation that has come since.
fn assert_still_true(before: &Refusal, after: &Refusal, why: impl Fn() -> String) {
    for old in before.violations() {
        let mut now = same(old, after).peekable();
        let says =
            |new: &Violation| (new.message.clone(), new.remedy.clone(), new.blocked_by.clone(), new.blocked_by_count);
        let is_true = now.peek().is_none() || now.any(|new| says(new) == says(old));
        assert!(is_true, "{old:#?} is shown, but by now {after:#?}: {}", why());
    }
}

/// The numbers that stand in a message by themselves, and its other words; those of addresses and names are none. What a set
/// itself requires leads its message, and may change with its own instances.
fn numbers(message: &str) -> (Vec<&str>, Vec<&str>) {
    let is_number = |word: &&str| word.trim_end_matches([',', '.', ':']).chars().all(|c| c.is_ascii_digit());
    message.split(' ').skip(1).partition(is_number)
}

/// Panics if the same refusal of the same object has another number in its message, and says the same otherwise.
fn assert_no_number_has_changed(before: &Refusal, after: &Refusal) {
    for old in before.violations() {
        for new in same(old, after) {
            let ((old_numbers, old_words), (new_numbers, new_words)) = (numbers(&old.message), numbers(&new.message));
            let is_recounted = old_words == new_words && old_numbers != new_numbers;
            assert!(!is_recounted, "a number in a message changes with others: {old:#?} {new:#?}");
        }
    }
}

/// What an object waits for that was refused.
fn keys(engine: &Engine, id: &ObjectId, refusal: &Refusal) -> BTreeSet<WaitKey> {
    refusal.keys().into_iter().chain(engine.retry_keys_of(id.kind, &id.name)).collect()
}
