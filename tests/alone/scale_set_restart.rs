//! The operator is killed at random moments while a set is scaled, upgraded and edited: the end is the same, no id is given
//! twice, and no instance moves. `VNET_IT_SEEDS` and `VNET_IT_SEED` are those of `restart_at_random`.

use std::collections::BTreeSet;

use kube::core::DynamicObject;
use kube::runtime::wait::await_condition;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use vnet_operator::fabric::Kind;

use crate::restart_at_random::seeds;
use crate::support::cluster::{Cluster, alone, in_time};
use crate::support::contract::{Health, kstatus};
use crate::support::history::History;
use crate::support::scale_sets::{ScaleSet, has_taken_up, ids};
use crate::support::space::{Space, at};

const SEEDS: u64 = 3;
const ROLLING: &str =
    "mode: Rolling, rollingUpgradePolicy: {maxBatchInstancePercent: 40, pauseTimeBetweenBatches: PT1S}";

#[test]
fn the_operator_is_killed_while_a_uniform_set_changes_and_no_id_is_given_twice() {
    let cluster = alone();
    for seed in seeds(SEEDS) {
        Life::new(&cluster, ScaleSet::uniform, Kind::VirtualMachineScaleSetVM, seed).live();
    }
}

#[test]
fn the_operator_is_killed_while_a_flexible_set_changes_and_no_id_is_given_twice() {
    let cluster = alone();
    for seed in seeds(SEEDS) {
        Life::new(&cluster, ScaleSet::flexible, Kind::VirtualMachine, seed).live();
    }
}

/// What is done while the operator is killed, and what is done after that, before it starts again.
#[derive(Clone, Copy)]
enum Step {
    /// The set is to have so many instances.
    Scale(u32),
    /// The same, and so many when the operator is down.
    ScaleAndScaleWhileDown(u32, u32),
    /// The model changes, and is rolled out.
    Upgrade,
    /// One instance is deleted.
    Delete(&'static str),
    /// One instance gets a network of its own.
    OwnNetwork(&'static str),
}

struct Life<'a> {
    space: Space<'a>,
    history: History,
    chance: ChaCha8Rng,
    set: ScaleSet,
    instance: Kind,
    replicas: u32,
    revision: &'static str,
}

impl<'a> Life<'a> {
    fn new(cluster: &'a Cluster, set: fn(u32) -> ScaleSet, instance: Kind, seed: u64) -> Self {
        let space = Space::on(cluster).and_a_subnet();
        let history = History::of(&space);
        let set = set(2).upgraded(ROLLING).public(&space.own("life"));
        Self { space, history, chance: ChaCha8Rng::seed_from_u64(seed), set, instance, replicas: 2, revision: "1" }
    }

    fn live(mut self) {
        self.step(Step::Scale(2), 5);
        self.step(Step::Scale(6), 9);
        self.step(Step::Delete("api-4"), 3);
        self.step(Step::Upgrade, 6);
        if self.instance == Kind::VirtualMachineScaleSetVM {
            self.step(Step::OwnNetwork("api-1"), 1);
        }
        self.step(Step::ScaleAndScaleWhileDown(3, 5), 3);
        self.step(Step::Delete("api-0"), 2);
        self.step(Step::Scale(3), 3);
        let own = if self.instance == Kind::VirtualMachineScaleSetVM { 1 } else { 0 };
        let taken = |n: u32| self.space.wait("subnet/web", "taken", |web| at(web, "/capacity/allocated") == n);
        taken(self.replicas + own);
        self.history.keeps_to_the_contract();
        self.history.moves_nothing();
    }

    /// Does it, and kills the operator once or more often, each time after as many changes were seen as chance says.
    fn step(&mut self, step: Step, changes: usize) {
        let moments: Vec<usize> =
            (0..self.chance.random_range(1..=3)).map(|_| self.chance.random_range(1..=changes)).collect();
        match step {
            Step::Scale(replicas) | Step::ScaleAndScaleWhileDown(replicas, _) => self.replicas = replicas,
            Step::Upgrade => (self.set, self.revision) = (self.set.clone().forwarding(), "2"),
            Step::Delete(_) | Step::OwnNetwork(_) => {}
        }
        let (space, history) = (&self.space, &self.history);
        let set = self.set.clone().of(self.replicas);
        let before = history.len();
        std::thread::scope(|scope| {
            scope.spawn(|| match step {
                Step::Delete(name) => space.delete(&format!("{}/{name}", self.instance.as_str())),
                Step::OwnNetwork(name) => space.edit_spec(&format!("vmssvm/{name}"), &two_configurations()),
                _ => space.apply(&set.manifest()),
            });
            history.reaches(before + moments[0]);
            space.cluster.kill_operator();
        });
        if let Step::ScaleAndScaleWhileDown(_, replicas) = step {
            self.replicas = replicas;
            self.space.apply(&self.set.clone().of(replicas).manifest());
        }
        for moment in &moments[1..] {
            let before = self.history.len();
            self.space.cluster.start_operator().expect("it starts whatever the statuses are");
            self.reaches_or_settles(before + moment);
            self.space.cluster.kill_operator();
        }
        self.space.cluster.start_operator().expect("it starts whatever the statuses are");
        self.settles();
    }

    /// Waits until this many states were seen, or there is nothing more to see.
    fn reaches_or_settles(&self, count: usize) {
        let settled = |set: Option<&DynamicObject>| set.is_some_and(|set| self.is_settled(set));
        let settled = await_condition(self.space.objects(Kind::VirtualMachineScaleSet), "api", settled);
        let seen = in_time(async {
            tokio::select! {
                () = self.history.reached(count) => {}
                _ = settled => {}
            }
        });
        assert!(seen.is_some(), "{} states were seen, and {count} expected", self.history.len());
    }

    fn is_settled(&self, set: &DynamicObject) -> bool {
        kstatus(set) == Health::Current && has_taken_up(self.replicas, self.revision)(set)
    }

    /// The set has what it is to have; its objects are those that it lists, and no name was used before.
    fn settles(&self) {
        let (space, replicas) = (&self.space, self.replicas);
        let what = format!("{replicas} of revision {}", self.revision);
        let set = space.wait("vmss/api", &what, |set| self.is_settled(set));
        let instances = at(&set, "/instances").as_array().into_iter().flatten();
        let names: BTreeSet<&str> = instances.filter_map(|instance| instance["name"].as_str()).collect();
        space.exactly(self.instance, &names.into_iter().collect::<Vec<_>>());
        self.history.uses_no_name_twice();
        let next = ids(&set).1.as_u64().expect("a number");
        let used = self.history.names(self.instance);
        let used = used.iter().filter_map(|name| name.rsplit_once('-')?.1.parse().ok());
        assert!(used.max() < Some(next), "{:?}", ids(&set));
    }
}

/// The model's network, with one more configuration.
fn two_configurations() -> Value {
    let first = json!({"name": "ip", "primary": true, "publicIPAddressConfiguration": {"name": "pub"}});
    let nic = json!({"name": "nic", "subnet": {"name": "web"}, "ipConfigurations": [first, {"name": "more"}]});
    json!({"networkProfileConfiguration": {"networkInterfaceConfigurations": [nic]}})
}
