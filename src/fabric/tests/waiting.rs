//! Whoever was refused is woken by whatever cures it.

use std::collections::{BTreeMap, BTreeSet};

use super::properties::Driver;
use super::random::{Op, kind_of};
use crate::fabric::testing::named;
use crate::fabric::{Engine, ObjectId, Refusal, VirtualMachineScaleSet, WaitKey};

/// What was refused, and what it waits for.
#[derive(Default)]
pub struct Waiting(BTreeMap<ObjectId, (Op, BTreeSet<WaitKey>)>);

impl Waiting {
    pub fn note(&mut self, engine: &Engine, op: &Op, answer: &Result<(), Refusal>) {
        let id = match op {
            Op::Put(name, ask) => ObjectId::new(kind_of(ask), named(name)),
            Op::Delete(kind, name) => ObjectId::new(*kind, named(name)),
            Op::Restart => return self.0.clear(), // all are judged anew
            Op::Advance(_) | Op::Make => return,
        };
        match answer {
            Ok(()) => drop(self.0.remove(&id)),
            Err(refusal) => {
                let keys = keys(engine, &id, refusal);
                self.0.insert(id, (op.clone(), keys));
            }
        }
    }

    /// Puts anew the sets whose upgrade is blocked, when what they wait for was freed; panics if one could go on without.
    pub fn unblock(driver: &mut Driver, freed: &BTreeSet<WaitKey>) {
        let sets = driver.engine.all::<VirtualMachineScaleSet>();
        let blocked = sets.filter(|(_, set)| !set.held.blocked.is_empty());
        for (name, keys) in blocked.map(|(name, set)| (name.clone(), set.held.blocked.clone())).collect::<Vec<_>>() {
            let mut again = driver.engine.clone();
            again.keep_up(&name);
            let is_blocked = again.get::<VirtualMachineScaleSet>(&name).is_some_and(|set| !set.held.blocked.is_empty());
            let is_woken = !keys.is_disjoint(freed);
            assert!(is_woken || is_blocked, "{name} waits for {keys:?}, and could go on; freed: {freed:?}");
            if is_woken {
                driver.engine = again;
            }
        }
    }

    /// Panics if one that nothing of this has woken could go on.
    pub fn assert_woken(&mut self, driver: &Driver, freed: &BTreeSet<WaitKey>) {
        self.0.retain(|id, (op, keys)| {
            let is_woken = !keys.is_disjoint(freed);
            let Err(refusal) = driver.clone().does(op) else {
                assert!(is_woken, "{id} waits for {keys:?}, and could go on; freed: {freed:?}; {op:?}");
                return false;
            };
            if is_woken {
                *keys = self::keys(&driver.engine, id, &refusal);
            }
            true
        });
    }
}

/// What an object waits for that was refused.
fn keys(engine: &Engine, id: &ObjectId, refusal: &Refusal) -> BTreeSet<WaitKey> {
    refusal.keys().into_iter().chain(engine.awaited_by(id.kind, &id.name)).collect()
}
