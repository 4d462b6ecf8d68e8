//! Random operations: the engine answers as the naive model says, and is consistent at every moment.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::model::{Macs, World};
use super::random::{Op, kind_of, operations};
use super::restored::{essence, records, restored};
use super::waiting::Waiting;
use crate::fabric::engine::DynamicAddresses;
use crate::fabric::testing::{Of, assert_in_the_reference, named, users_first};
use crate::fabric::{Ask, Engine, Kind, ObjectId, Placement, Refusal, Request, Settings, Uid};

/// The configuration of a property: how many random histories it is tried on, unless PROPTEST_CASES says so; and the seed.
/// What a test prints is shown when it fails.
pub fn config(cases: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    let asked = std::env::var_os("PROPTEST_CASES").map(|_| default.cases);
    let seed = match default.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => rand::random(),
    };
    println!("PROPTEST_RNG_SEED={seed} replays this");
    ProptestConfig {
        cases: asked.unwrap_or(cases),
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        ..default
    }
}

/// An engine, and what an API server adds to an operation.
#[derive(Clone, Debug)]
pub struct Driver {
    pub engine: Engine,
    lives: BTreeMap<ObjectId, u32>,
    specs: BTreeMap<ObjectId, (i64, Ask)>,
    now: i64,
}

impl Driver {
    pub fn new(settings: Settings) -> Self {
        Self { engine: Engine::new(settings), lives: BTreeMap::new(), specs: BTreeMap::new(), now: 0 }
    }

    /// The same objects on another engine.
    pub fn on(&self, engine: Engine) -> Self {
        Self { engine, ..self.clone() }
    }

    pub fn does(&mut self, op: &Op) -> Result<(), Refusal> {
        match op {
            Op::Put(name, ask) => {
                let (kind, name) = (kind_of(ask), named(name));
                let id = ObjectId::new(kind, name.clone());
                let (generation, before) = self.specs.entry(id.clone()).or_insert((1, ask.clone()));
                if before != ask {
                    (*generation, *before) = (*generation + 1, ask.clone());
                }
                let life = self.lives.entry(id.clone()).or_default();
                let request = Request {
                    uid: Uid::from(format!("{id}, life {life}").as_str()),
                    generation: *generation,
                    location: None,
                    default: Placement { subscription: "default".into(), location: "westeurope".into() },
                    common: Default::default(),
                    ask: ask.clone(),
                };
                self.engine.note_requested(&id, Some(ask)); // what is judged has been observed
                self.engine.put(&name, request)
            }
            Op::Delete(kind, name) => {
                let id = ObjectId::new(*kind, named(name));
                self.engine.note_requested(&id, None);
                if self.engine.delete(*kind, &id.name)? {
                    *self.lives.entry(id.clone()).or_default() += 1;
                    self.specs.remove(&id);
                }
                Ok(())
            }
            Op::Advance(seconds) => {
                self.now += seconds;
                self.engine.advance(jiff::Timestamp::from_second(self.now).unwrap());
                Ok(())
            }
            Op::Make => {
                self.makes();
                Ok(())
            }
            Op::Restart => {
                self.makes(); // what was reported and is not there yet is made again otherwise
                let (engine, dropped) = restored(&self.engine, records(&self.engine));
                assert_eq!(dropped, Vec::<String>::new(), "whatever is told is taken back");
                assert_eq!(essence(&engine), essence(&self.engine), "a restart changes nothing");
                self.engine = engine;
                Ok(())
            }
        }
    }

    /// Deletes everything, and shows that nothing was left behind.
    pub fn ends(&mut self) {
        for id in users_first(&self.engine) {
            self.does(&Op::Delete(id.kind, id.name.name.to_string())).unwrap();
            self.engine.assert_consistent();
        }
        assert!(Kind::ALL.iter().all(|kind| self.engine.names(*kind).is_empty()));
        assert_eq!(self.engine.macs_in_use(), 0);
        self.engine.assert_empty();
    }
}

pub fn of(op: &Op) -> Of {
    match op {
        Op::Put(_, ask) => Of::Put(kind_of(ask)),
        Op::Delete(kind, _) => Of::Deletion(*kind),
        Op::Advance(_) | Op::Make | Op::Restart => unreachable!("they are never refused"),
    }
}

pub fn settings() -> impl Strategy<Value = Settings> {
    let pool = proptest::sample::select(&["198.51.100.0/31", "198.51.100.0/29", "198.51.100.0/24"][..]);
    let start = proptest::sample::select(&[0, 30][..]);
    let dynamic = prop_oneof![3 => Just(DynamicAddresses::Kept), 1 => Just(DynamicAddresses::Reassigned)];
    (pool, start, dynamic).prop_map(|(pool, start, dynamic_addresses)| Settings {
        public_ip_pool: pool.parse().unwrap(),
        vm_start: Duration::from_secs(start),
        dynamic_addresses,
        ..Settings::default()
    })
}

proptest! {
    #![proptest_config(config(10_000))]

    #[test]
    fn the_engine_answers_as_the_naive_model_says(settings in settings(), operations in operations(1..40)) {
        let mut world = World::new(&settings);
        let mut driver = Driver::new(settings);
        let mut macs = Macs::new();
        let mut waiting = Waiting::default();
        for op in &operations {
            let before = driver.engine.tables().clone();
            let broken = world.does(op);
            let answer = driver.does(op);
            let woken = driver.engine.take_woken();
            waiting.note(&driver.engine, op, &answer);
            waiting.assert_woken(&driver, &woken);
            match &answer {
                Ok(()) => prop_assert!(broken.is_empty(), "{op:?} breaks {broken:?}, and was accepted"),
                Err(refusal) => {
                    prop_assert_eq!(driver.engine.tables(), &before, "a refusal changes nothing");
                    assert_in_the_reference(of(op), refusal.violations());
                    let told = refusal.violations().iter().map(|violation| violation.rule).collect();
                    prop_assert!(!broken.is_empty() && broken.is_subset(&told), "{op:?} breaks {broken:?}: {refusal:#?}");
                }
            }
            driver.engine.assert_consistent();
            driver.engine.assert_legal();
            world.assert_agrees(&driver.engine, &mut macs);
            if matches!(op, Op::Put(..)) && answer.is_ok() {
                let before = driver.engine.tables().clone();
                driver.engine.take_woken();
                prop_assert!(driver.does(op).is_ok(), "{op:?} is accepted again");
                prop_assert_eq!(driver.engine.tables(), &before, "a put that is repeated changes nothing");
                prop_assert_eq!(driver.engine.take_woken(), Default::default(), "nor frees anything");
            }
        }
        driver.ends();
    }
}
