//! The operator is killed at random moments while a set is scaled and upgraded: the end is the same, no id is given twice,
//! and no instance moves. `VNET_IT_SEEDS` and `VNET_IT_SEED` are those of `restart_at_random`.

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use vnet_operator::fabric::Kind;

use crate::cluster::{Cluster, alone};
use crate::history::History;
use crate::restart_at_random::seeds;
use crate::scale_sets::{ScaleSet, has_taken_up};
use crate::space::{Space, at, id};

const SEEDS: u64 = 3;
const ROLLING: &str =
    "mode: Rolling, rollingUpgradePolicy: {maxBatchInstancePercent: 40, pauseTimeBetweenBatches: PT1S}";

#[test]
fn the_operator_is_killed_while_a_uniform_set_changes_and_no_id_is_given_twice() {
    let cluster = alone();
    for seed in seeds(SEEDS) {
        live(&cluster, ScaleSet::uniform, Kind::VirtualMachineScaleSetVM, seed);
    }
}

#[test]
fn the_operator_is_killed_while_a_flexible_set_changes_and_no_id_is_given_twice() {
    let cluster = alone();
    for seed in seeds(SEEDS) {
        live(&cluster, ScaleSet::flexible, Kind::VirtualMachine, seed);
    }
}

fn live(cluster: &Cluster, set: fn(u32) -> ScaleSet, instance: Kind, seed: u64) {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let space = Space::on(cluster).and_a_subnet();
    let history = History::of(&space);
    let set = |replicas| set(replicas).upgraded(ROLLING);
    // What is applied, how many changes follow at least, and the set at the end of it.
    let steps =
        [(set(2), 5, 2, "1"), (set(6), 9, 6, "1"), (set(6).forwarding(), 6, 6, "2"), (set(3).forwarding(), 4, 3, "2")];
    for (applied, changes, replicas, revision) in steps {
        let moment = history.len() + chance.random_range(1..=changes);
        std::thread::scope(|scope| {
            scope.spawn(|| space.apply(&applied.manifest()));
            history.reaches(moment);
            cluster.kill_operator();
            cluster.start_operator().expect("it starts whatever the statuses are");
        });
        space.wait("vmss/api", &format!("{replicas} of revision {revision}"), has_taken_up(replicas, revision));
    }
    space.exactly(instance, &["api-0", "api-1", "api-2"]);
    let now = space.ready("vmss/api");
    assert_eq!((at(&now, "/instanceIds"), at(&now, "/nextInstanceId")), (&json!("0-2"), &json!(6)));
    space.wait("subnet/web", "three addresses taken", |web| at(web, "/capacity/allocated") == 3);
    no_name_is_used_twice(&history);
    history.keeps_to_the_contract();
    history.moves_nothing();
}

fn no_name_is_used_twice(history: &History) {
    let mut uids = BTreeMap::new();
    for state in history.states() {
        let uid = state.metadata.uid.clone();
        let before = uids.insert(id(&state), uid.clone());
        assert!(before.is_none_or(|before| before == uid), "{} is another object than before", id(&state));
    }
    for n in 0..6 {
        let made = uids.keys().any(|id| id.ends_with(&format!("/api-{n}")));
        assert!(made, "instance {n} was never seen");
    }
}
