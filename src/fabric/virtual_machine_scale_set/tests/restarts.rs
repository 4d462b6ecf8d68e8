//! Restarts of all instances (S-92).

use std::time::Duration;

use super::*;
use crate::fabric::Kind;
use crate::fabric::virtual_machine::{DesiredPowerState, PowerState};
use PowerState::{Deallocated, Running, Starting};

/// The set runs; its machines start in half a minute.
fn running(set: A<VirtualMachineScaleSet>) -> Fabric {
    let farm = a_fabric_that_starts_in(Duration::from_secs(30)).with(a_subnet("web", "10.0.1.0/24"));
    let mut fabric = farm.with_set(set);
    fabric.advance(30);
    fabric
}

fn powers(fabric: &Fabric) -> Vec<PowerState> {
    fabric.ids("api").iter().map(|id| fabric.power(&format!("api_{id}"))).collect()
}

/// What was handled, and the instances that are left of what is in progress.
fn handled(fabric: &Fabric) -> (Option<String>, Option<String>) {
    let view = fabric.set_view("api");
    (view.last_handled_restart_at, view.restart.map(|restart| restart.instance_ids))
}

// shows S-92
#[test]
fn all_instances_restart_at_once_and_the_status_tells_when_that_is_done() {
    for mode in [UpgradeMode::Manual, UpgradeMode::Automatic] {
        let set = || a_scale_set("api", 3).upgrade(mode);
        let mut fabric = running(set());
        fabric.accept(set().restarted_at("noon"));
        assert_eq!((powers(&fabric), handled(&fabric)), (vec![Starting; 3], (None, Some(String::new()))));
        assert_eq!(fabric.progress_of("api"), Some("Restarting"));
        fabric.advance(60);
        assert_eq!((powers(&fabric), handled(&fabric)), (vec![Running; 3], (Some("noon".to_owned()), None)));
        assert_eq!(fabric.progress_of("api"), None);
        fabric.accept(set().restarted_at("noon"));
        assert_eq!(powers(&fabric), [Running; 3], "each value restarts once");
        fabric.accept(set().restarted_at("dusk"));
        assert_eq!(powers(&fabric), [Starting; 3]);
    }
}

#[test]
fn a_rolling_restart_goes_in_batches_each_when_the_one_before_runs() {
    let set = || a_scale_set("api", 4).rolling(50, 0);
    let mut fabric = running(set());
    fabric.accept(set().restarted_at("noon"));
    assert_eq!(powers(&fabric), [Starting, Starting, Running, Running]);
    assert_eq!(handled(&fabric), (None, Some("2-3".to_owned())));
    fabric.advance(60);
    assert_eq!(powers(&fabric), [Running, Running, Starting, Starting]);
    assert_eq!(handled(&fabric), (None, Some(String::new())));
    fabric.advance(90);
    assert_eq!((powers(&fabric), handled(&fabric)), (vec![Running; 4], (Some("noon".to_owned()), None)));
}

#[test]
fn a_rolling_restart_pauses_between_two_batches() {
    let set = || a_scale_set("api", 2).rolling(50, 60);
    let mut fabric = running(set());
    fabric.accept(set().restarted_at("noon"));
    fabric.advance(60);
    assert_eq!(powers(&fabric), [Running, Running], "the first is done, and the pause lasts");
    fabric.advance(90);
    assert_eq!(powers(&fabric), [Running, Starting]);
    fabric.advance(120);
    assert_eq!(handled(&fabric).0.as_deref(), Some("noon"));
}

#[test]
fn a_rolling_restart_stops_while_too_many_instances_do_not_run() {
    let set = || a_scale_set("api", 2).rolling(50, 0);
    let mut fabric = running(set());
    fabric.accept(an_instance("api", 1).power(DesiredPowerState::Deallocated));
    fabric.accept(set().restarted_at("noon"));
    assert_eq!(
        (powers(&fabric), fabric.progress_of("api")),
        (vec![Running, Deallocated], Some("RollingUpgradeStopped"))
    );
    fabric.accept(an_instance("api", 1).power(DesiredPowerState::Running));
    fabric.advance(60);
    assert_eq!(powers(&fabric), [Starting, Running]);
    fabric.advance(90);
    assert_eq!(handled(&fabric).0.as_deref(), Some("noon"));
}

#[test]
fn what_does_not_run_is_not_started_and_a_new_set_restarts_nothing() {
    let mut fabric = running(a_scale_set("api", 2).restarted_at("dawn"));
    assert_eq!((powers(&fabric), handled(&fabric)), (vec![Running; 2], (Some("dawn".to_owned()), None)));
    fabric.accept(an_instance("api", 0).power(DesiredPowerState::Deallocated));
    fabric.accept(a_scale_set("api", 2).restarted_at("noon"));
    assert_eq!(powers(&fabric), [Deallocated, Starting]);
}

#[test]
fn a_restart_ends_with_the_annotation_and_with_the_instances_that_are_left() {
    let set = |replicas: u32| a_scale_set("api", replicas).rolling(50, 0);
    let mut fabric = running(set(2));
    fabric.accept(set(2).restarted_at("noon"));
    fabric.accept(set(2));
    assert_eq!(handled(&fabric), (None, None));
    fabric.advance(60);
    assert_eq!(powers(&fabric), [Running; 2]);
    fabric.accept(set(2).restarted_at("dusk"));
    fabric.accept(set(1).restarted_at("dusk"));
    fabric.advance(90);
    assert_eq!((powers(&fabric), handled(&fabric)), (vec![Running], (Some("dusk".to_owned()), None)));
}

#[test]
fn the_machines_of_a_flexible_set_restart_too() {
    let set = || a_scale_set("api", 1).flexible();
    let mut fabric = a_fabric_that_starts_in(Duration::from_secs(30)).with(a_subnet("web", "10.0.1.0/24")).with(set());
    fabric.accept(a_nic("api-0-nic"));
    fabric.accept(a_vm("api-0").nics(["api-0-nic"]).of_set("api", 0, 1));
    fabric.advance(30);
    fabric.engine.take_touched();
    fabric.accept(set().restarted_at("noon"));
    assert_eq!(fabric.power("api-0"), Starting);
    assert!(fabric.engine.take_touched().contains(&crate::fabric::ObjectId::new(Kind::VirtualMachine, named("api-0"))));
    fabric.advance(60);
    assert_eq!((fabric.power("api-0"), handled(&fabric)), (Running, (Some("noon".to_owned()), None)));
}
