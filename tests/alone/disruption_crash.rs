//! The operator is killed in the middle of what `disruptionPolicy: Deallocate` does: the next one ends it, and nothing that
//! was shown moves.
//!
//! The middle lasts as long as a test wants: an operator on which a start takes an hour gets there and no further.

use kube::core::DynamicObject;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::restart_at_random::seeds;
use crate::support::cluster::{Cluster, alone};
use crate::support::history::History;
use crate::support::manifests::{disrupted, nic, public_address, public_nic, secondary};
use crate::support::operator::STARTS_FOR_EVER;
use crate::support::space::{Space, at, id};
use crate::support::states::{
    attached, everything_is_seen, has_address, has_mac, is_starting, is_unattached, own_addresses, power_is,
};

/// A start takes a moment, so that a kill may fall into it.
const STARTS_SLOWLY: [&str; 2] = ["--vm-start", "100ms"];
const SEEDS: u64 = 3;

/// A running VM `m` with the NICs `a`, which holds a Dynamic public address, and `b`; and a NIC `c`.
fn a_running_vm(cluster: &Cluster) -> Space<'_> {
    and_a_running_vm(Space::on(cluster).and_a_subnet())
}

fn and_a_running_vm(space: Space<'_>) -> Space<'_> {
    space.apply(&(public_address("front", "Basic") + &public_nic("a", "web", "front")));
    space.apply(&(secondary("10.0.1.100") + &nic("c", "web")));
    for id in ["pip/front", "nic/a", "nic/b", "nic/c"] {
        space.ready(id);
    }
    space.apply(&disrupted(&["a", "b"], "Running"));
    space.wait("vm/m", "Running", power_is("Running"));
    for id in ["nic/a", "nic/b"] {
        space.wait(id, "with a MAC address", has_mac);
    }
    space.wait("pip/front", "with an address", has_address);
    space
}

/// Kills the operator; the next one has seen everything when this returns.
fn killed_and_started(space: &Space<'_>, flags: &[&str]) {
    space.cluster.kill_operator();
    space.cluster.start_operator_with(flags).expect("it starts whatever the statuses are");
    everything_is_seen(space.cluster);
}

#[test]
fn an_edit_that_is_cut_off_while_the_vm_starts_ends_with_the_vm_running() {
    let cluster = alone();
    let space = a_running_vm(&cluster);
    let history = History::of(&space);
    let before = ["nic/a", "nic/b"].map(|id| space.get(id));
    killed_and_started(&space, &STARTS_FOR_EVER);
    space.apply(&disrupted(&["c", "b"], "Running"));
    let starting = |vm: &DynamicObject| is_starting(vm) && attached(vm) == ["b", "c"];
    space.wait("vm/m", "Starting with the new list", starting);
    killed_and_started(&space, &STARTS_FOR_EVER);
    assert!(starting(&space.get("vm/m")), "the start goes on, and has begun anew");
    killed_and_started(&space, &[]);
    assert_eq!(attached(&space.wait("vm/m", "Running", power_is("Running"))), ["b", "c"]);
    space.wait("nic/c", "with a MAC address", has_mac);
    space.wait("nic/a", "free", is_unattached);
    for before in before {
        assert_eq!(own_addresses(&space.ready(&id(&before))), own_addresses(&before));
    }
    history.keeps_to_the_contract();
    history.moves_nothing();
}

#[test]
fn an_edit_of_a_nic_that_is_cut_off_while_its_vm_starts_ends_with_the_vm_running() {
    let cluster = alone();
    let space = a_running_vm(&cluster);
    let before = space.get("nic/b");
    killed_and_started(&space, &STARTS_FOR_EVER);
    space.apply(&secondary("10.0.1.200"));
    assert_eq!(at(&space.ready("nic/b"), "/ipConfigurations/1/privateIPAddress"), "10.0.1.200");
    space.wait("vm/m", "Starting", is_starting);
    killed_and_started(&space, &[]);
    space.wait("vm/m", "Running", power_is("Running"));
    let after = space.ready("nic/b");
    assert_eq!(at(&after, "/ipConfigurations/1/privateIPAddress"), "10.0.1.200");
    assert_eq!(own_addresses(&after), own_addresses(&before));
}

#[test]
fn a_dynamic_public_address_that_a_start_has_taken_is_the_same_when_the_start_ends_after_a_crash() {
    let cluster = alone();
    let space = Space::on(&cluster).and_a_subnet();
    space.apply(&public_address("lower", "Standard"));
    let lower = space.ready("pip/lower");
    let space = and_a_running_vm(space);
    killed_and_started(&space, &STARTS_FOR_EVER);
    space.delete("pip/lower"); // what is given back and taken anew from here on is this one
    space.gone("pip/lower");
    space.apply(&disrupted(&["a", "c"], "Running"));
    space.wait("vm/m", "Starting", is_starting);
    space.wait("pip/front", "with another address", |pip| at(pip, "/ipAddress") == at(&lower, "/ipAddress"));
    killed_and_started(&space, &[]);
    space.wait("vm/m", "Running", power_is("Running"));
    assert_eq!(at(&space.ready("pip/front"), "/ipAddress"), at(&lower, "/ipAddress"));
}

#[test]
fn the_operator_is_killed_at_random_moments_of_a_disruption_and_the_vm_runs_in_the_end() {
    let cluster = alone();
    for seed in seeds(SEEDS) {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let space = a_running_vm(&cluster);
        killed_and_started(&space, &STARTS_SLOWLY);
        let history = History::of(&space);
        for edit in [
            disrupted(&["b", "c"], "Running"),
            disrupted(&["a", "b", "c"], "Running"),
            disrupted(&["b", "a"], "Running"),
        ] {
            // The edit, the VM's two statuses, and one or two of the NICs that are attached or detached.
            let moment = history.len() + chance.random_range(1..=4);
            std::thread::scope(|scope| {
                scope.spawn(|| space.apply(&edit));
                history.reaches(moment);
                cluster.kill_operator();
                cluster.start_operator_with(&STARTS_SLOWLY).expect("it starts whatever the statuses are");
            });
            space.wait("vm/m", "Running", power_is("Running"));
        }
        assert_eq!(attached(&space.get("vm/m")), ["b", "a"]);
        for id in ["nic/a", "nic/b", "nic/c"] {
            space.wait(id, "with a MAC address", has_mac);
        }
        space.wait("nic/c", "free", is_unattached);
        space.wait("pip/front", "with an address", has_address);
        history.keeps_to_the_contract();
        history.moves_nothing();
    }
}
