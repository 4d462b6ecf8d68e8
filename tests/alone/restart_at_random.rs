//! A tree is applied and edited while the operator is killed at random moments: nothing that was shown ever moves.
//!
//! `VNET_IT_SEEDS=100` lives as many lives, `VNET_IT_SEED=17` the one of that seed; which writes a kill cuts off depends
//! on the machine as well.

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::support::cluster::{Cluster, alone};
use crate::support::history::History;
use crate::support::manifests::{
    machine, machine_of_size, network, nic, nic_with, public_address, public_configuration, static_configuration,
    static_nic, subnet,
};
use crate::support::space::{Space, at};

const SEEDS: u64 = 3;
const NICS: [&str; 7] = ["a", "b", "c", "d", "e", "f", "g"];
const MACHINES: [&str; 2] = ["m", "second"];

#[test]
fn the_operator_is_killed_at_random_moments_and_nothing_moves() {
    let cluster = alone();
    for seed in seeds(SEEDS) {
        live(&cluster, seed);
    }
}

/// The seeds that are asked for, or the first few; each is printed when its turn comes.
pub fn seeds(few: u64) -> impl Iterator<Item = u64> {
    let seeds = match number("VNET_IT_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("VNET_IT_SEEDS").unwrap_or(few),
    };
    seeds.inspect(|seed| println!("VNET_IT_SEED={seed}"))
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("the variable is a number"))
}

/// A step of a life.
struct Step {
    applied: String,
    deleted: &'static [&'static str],
    /// What the next step needs: a spec that nobody has seen before the next one never was.
    programmed: &'static [&'static str],
    /// How many objects are changed.
    changes: usize,
}

fn steps() -> [Step; 4] {
    let a = |more: &[&str]| {
        let first = "{name: ipconfig1, primary: true, publicIPAddress: {name: front}}";
        nic_with("a", "web", &[&[first, &static_configuration("ipconfig2", "10.0.1.100")], more].concat())
    };
    let everything = [
        network("hub", "10.0.0.0/16"),
        subnet("web", "hub", "10.0.1.0/24"),
        public_address("passing", "Standard"),
        public_address("front", "Standard"),
        public_address("jump", "Basic"),
        nic("passing", "web"),
        a(&[]),
        static_nic("b", "web", "10.0.1.101"),
        NICS[2..5].iter().map(|name| nic(name, "web")).collect(),
        nic_with("f", "web", &[&public_configuration("ipconfig1", "jump")]),
        machine("m", &["d", "a", "c"], "powerState: Running"),
        machine("second", &["f"], "powerState: Running"),
    ];
    let more = nic_with("e", "web", &["{name: ipconfig1, primary: true}", "{name: more}"]);
    let all = ["a", "b", "c", "d", "g"];
    let all = |power: &str| machine_of_size("m", "Standard_DS4_v2", &all, &format!("powerState: {power}"));
    [
        Step { applied: everything.concat(), deleted: &[], programmed: &[], changes: 14 },
        // What passes leaves the lowest addresses free: what was assigned again would move there.
        Step {
            applied: a(&["{name: ipconfig3}"]),
            deleted: &["nic/passing", "pip/passing"],
            programmed: &[],
            changes: 2,
        },
        Step { applied: nic("g", "web") + &all("Deallocated"), deleted: &[], programmed: &["vm/m"], changes: 2 },
        Step {
            applied: all("Running") + &machine("second", &["f"], "powerState: Stopped") + &more,
            deleted: &[],
            programmed: &[],
            changes: 3,
        },
    ]
}

fn live(cluster: &Cluster, seed: u64) {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let space = Space::on(cluster);
    let history = History::of(&space);
    for step in steps() {
        // Each object that is changed is seen at least twice: as it is asked for, and with its status.
        let moment = history.len() + chance.random_range(1..=2 * step.changes);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                space.apply(&step.applied);
                step.deleted.iter().for_each(|id| space.delete(id));
            });
            history.reaches(moment);
            cluster.kill_operator();
            cluster.start_operator().expect("it starts whatever the statuses are");
        });
        if chance.random_bool(0.5) {
            cluster.kill_operator();
            cluster.start_operator().expect("it starts whatever the statuses are");
        }
        step.programmed.iter().for_each(|id| drop(space.ready(id)));
    }
    let nics: Vec<String> = NICS.iter().map(|nic| format!("nic/{nic}")).collect();
    let machines = MACHINES.iter().map(|vm| format!("vm/{vm}"));
    for id in nics.iter().cloned().chain(machines) {
        space.ready(&id);
    }
    for nic in nics.iter().filter(|nic| *nic != "nic/e") {
        space.wait(nic, "with a MAC address", |nic| at(nic, "/macAddress").is_string());
    }
    no_address_is_held_twice(&space, &nics);
    history.keeps_to_the_contract();
    history.moves_nothing();
}

fn no_address_is_held_twice(space: &Space<'_>, nics: &[String]) {
    let mut holders: BTreeMap<String, String> = BTreeMap::new();
    for id in nics {
        let nic = space.get(id);
        for configuration in at(&nic, "/ipConfigurations").as_array().into_iter().flatten() {
            let address = configuration["privateIPAddress"].to_string();
            let before = holders.insert(address.clone(), id.clone());
            assert_eq!(before, None, "{address} is held by {id} as well");
        }
    }
}
