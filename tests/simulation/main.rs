//! A whole operator's life in simulation: the real core against a model of the API server, from one seed.
//!
//! Random users create, edit, delete and make again, strip finalizers and edit statuses, while watches lag, relist and
//! run apart, writes fail or their answers are lost, and the operator crashes at any point. When the world calms down,
//! every object is Ready or blocked for a stated reason, the fabric holds exactly what the objects ask, no address has
//! moved, and neither rest nor a restart brings a write.
//!
//! `VNET_SIM_SEEDS=20000` runs more seeds, `VNET_SIM_FIRST=5000` others, `VNET_SIM_SEED=17` replays one and shows what
//! happens.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions)]

mod addresses;
mod check;
mod cycles;
mod deletions;
mod failures;
mod figures;
mod leaders;
mod scale_set_lives;
mod scale_sets;
mod stories;
mod storms;
mod users;
mod versions;
mod waiting;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread::{available_parallelism, scope};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use world::World;

const SEEDS: u64 = 2000;
const STEPS: usize = 160;
/// After the world has been calm once, and addresses have been shown.
const MORE_STEPS: usize = 30;

#[test]
fn whatever_happens_the_world_ends_as_the_objects_ask() {
    if let Some(seed) = number("VNET_SIM_SEED") {
        return live(seed);
    }
    let (first, lives) = (number("VNET_SIM_FIRST").unwrap_or(0), number("VNET_SIM_SEEDS").unwrap_or(SEEDS));
    let threads = available_parallelism().map_or(1, |processors| processors.get() as u64);
    let counts: Vec<check::Count> = scope(|scope| {
        let share = |thread| scope.spawn(move || all_of((first + thread..first + lives).step_by(threads as usize)));
        let shares: Vec<_> = (0..threads).map(share).collect();
        shares.into_iter().map(|share| share.join().unwrap_or_else(|failure| resume_unwind(failure))).collect()
    });
    enough_was_checked(&counts.into_iter().sum(), lives);
}

/// Lives one after another, and what was checked in them.
fn all_of(seeds: impl Iterator<Item = u64>) -> check::Count {
    for seed in seeds {
        if let Err(failure) = catch_unwind(AssertUnwindSafe(|| live(seed))) {
            eprintln!("seed {seed} failed; VNET_SIM_SEED={seed} replays it");
            resume_unwind(failure);
        }
    }
    check::count()
}

/// What is to be checked is passed over in some lives, and must not be in too many.
fn enough_was_checked(count: &check::Count, lives: u64) {
    println!("{lives} lives: {count:?}");
    if lives < 100 {
        return; // a few lives may be anything
    }
    assert!(count.addresses >= 15 * lives, "addresses that were compared: {count:?}");
    assert!(count.ready >= 4 * lives, "objects that were Ready: {count:?}");
    assert!(count.refused >= 4 * lives, "objects that said why they were not Ready: {count:?}");
    assert!(count.sets >= lives / 8, "scale sets whose models were compared: {count:?}");
    assert!(count.restarts >= lives / 2, "lives that ended with a restart: {count:?}");
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("the variable is a number"))
}

fn live(seed: u64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut world = World::new(number("VNET_SIM_SEED").is_some(), rng.random_bool(0.3));
    act(&mut world, &mut rng, STEPS);
    world.calm_down();
    check::everything_is_ready_or_says_why(&world);
    check::the_fabric_holds_what_the_objects_ask(&world);
    check::the_models_that_are_used_are_kept(&world);
    check::the_totals_are_those_of_a_walk(&world);
    if check::nothing_outlives_its_object(&world) {
        check::a_restart_changes_nothing(&mut world);
        world.addresses.are_calm(&world.objects);
        act(&mut world, &mut rng, MORE_STEPS);
        world.calm_down();
        check::no_address_moves(&world);
    }
    users::delete_everything(&mut world);
    world.calm_down();
    check::nothing_is_left(&world);
    check::the_totals_are_those_of_a_walk(&world);
}

fn act(world: &mut World, rng: &mut ChaCha8Rng, steps: usize) {
    for _ in 0..steps {
        match rng.random_range(0..104) {
            0..=24 => users::act(world, rng),
            25..=54 => world.deliver_one(rng),
            55..=69 => world.begin_writes(rng),
            70..=89 => world.end_a_write(rng),
            90..=94 => world.deliver_an_answer(rng),
            95..=96 => world.relist(rng),
            97..=98 => world.advance(rng),
            99 => world.crash(rng),
            100..=101 => world.one_arrives_late(rng),
            102 => world.sets_the_clock(rng),
            _ => match rng.random_range(0..4) {
                0 => world.back_up(),
                1 => world.restore(),
                _ => world.status_grows_too_large(rng),
            },
        }
        check::no_address_moves(world);
    }
}
