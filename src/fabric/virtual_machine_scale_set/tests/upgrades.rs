//! When instances take up a new model, and what becomes of their addresses.

use super::*;
use crate::fabric::Kind;
use crate::fabric::terms::Switch;
use crate::fabric::virtual_machine::DesiredPowerState;

fn forwarding(set: A<VirtualMachineScaleSet>) -> A<VirtualMachineScaleSet> {
    set.nic(|nic| nic.interface.ip_forwarding = Switch::On)
}

fn updated(fabric: &Fabric) -> Option<i32> {
    fabric.set_view("api").updated_replicas
}

// shows VMSS-02, VMSS-03, VMSS-05, VMSS-06
#[test]
fn with_manual_policy_instances_keep_their_model_until_told() {
    let mut fabric = a_farm().with_set(a_scale_set("api", 2));
    fabric.accept(forwarding(a_scale_set("api", 2)));
    let view = fabric.set_view("api");
    assert_eq!(
        (view.updated_replicas, view.current_revision.as_deref(), view.update_revision.as_deref()),
        (Some(0), Some("1"), Some("2"))
    );
    assert_eq!(fabric.instance_view("api", 0).latest_model_applied, Some(false));
    fabric.accept(an_instance("api", 0).revision(2));
    assert_eq!(fabric.instance_view("api", 0).latest_model_applied, Some(true));
    assert_eq!((updated(&fabric), fabric.progress_of("api")), (Some(1), None));
    assert_eq!(fabric.addresses_of("api", 0), ["10.0.1.4"], "an upgrade keeps the address");
    assert_eq!(fabric.get::<VirtualMachineScaleSet>("api").held.models.len(), 2, "both models are in use");
    fabric.accept(an_instance("api", 1).revision(2));
    assert_eq!(fabric.get::<VirtualMachineScaleSet>("api").held.models.len(), 1);
}

// shows S-28
#[test]
fn new_instances_take_the_latest_model() {
    let mut fabric = a_farm().with_set(a_scale_set("api", 1));
    fabric.accept(forwarding(a_scale_set("api", 2)));
    fabric.show("api");
    assert_eq!(fabric.instance_view("api", 0).latest_model_applied, Some(false));
    assert_eq!(fabric.instance_view("api", 1).latest_model_applied, Some(true));
}

// shows VMSS-04
#[test]
fn with_automatic_policy_all_follow_at_once() {
    let mut fabric = a_farm().with_set(a_scale_set("api", 3).upgrade(UpgradeMode::Automatic));
    fabric.accept(forwarding(a_scale_set("api", 3).upgrade(UpgradeMode::Automatic)));
    assert_eq!(updated(&fabric), Some(3));
}

// shows VMSS-32
#[test]
fn a_changed_subnet_gives_new_addresses_and_gives_the_old_ones_back() {
    let mut fabric = a_farm().with_set(a_scale_set("api", 2).upgrade(UpgradeMode::Automatic));
    fabric.accept(a_scale_set("api", 2).upgrade(UpgradeMode::Automatic).nics([a_nic_model("nic").in_subnet("back")]));
    assert_eq!(fabric.addresses_of("api", 1), ["10.0.2.5"]);
    assert_eq!((fabric.available("web"), fabric.available("back")), (251, 249));
    assert!(fabric.instance_view("api", 1).network_interfaces[0].mac_address.is_some(), "it runs again");
}

#[test]
fn network_interfaces_come_and_go_with_the_model() {
    let auto = |nics: &[NicModel]| {
        let set = a_scale_set("api", 1).upgrade(UpgradeMode::Automatic);
        match nics {
            [one] => set.nics([one.clone()]),
            [one, two] => set.nics([one.clone(), two.clone()]),
            _ => unreachable!(),
        }
    };
    let (first, second) = (a_nic_model("nic"), a_nic_model("more").secondary().in_subnet("back"));
    let mut fabric = a_farm().with_set(auto(std::slice::from_ref(&first)));
    fabric.accept(auto(&[first.clone(), second]));
    assert_eq!(fabric.addresses_of("api", 0), ["10.0.1.4", "10.0.2.4"]);
    fabric.accept(auto(&[first]));
    assert_eq!((fabric.addresses_of("api", 0), fabric.available("back")), (vec!["10.0.1.4".to_owned()], 251));
}

#[test]
fn a_rolling_upgrade_goes_in_batches_with_a_pause_between() {
    let mut fabric = a_farm().with_set(a_scale_set("api", 5).rolling(40, 10));
    fabric.accept(forwarding(a_scale_set("api", 5).rolling(40, 10)));
    assert_eq!((updated(&fabric), fabric.progress_of("api")), (Some(2), Some("RollingUpgrade")));
    fabric.advance(9);
    assert_eq!(updated(&fabric), Some(2));
    fabric.advance(10);
    assert_eq!(updated(&fabric), Some(4));
    fabric.advance(20);
    assert_eq!((updated(&fabric), fabric.progress_of("api"), fabric.engine.next_deadline()), (Some(5), None, None));
}

/// The next batch would bring it to a size that does not take it.
#[test]
fn the_own_network_of_an_instance_fits_the_size_that_an_upgrade_brings() {
    let large = || a_scale_set("api", 3).size("Standard_D8s_v3").rolling(34, 60);
    let mut fabric = a_farm().with_set(large());
    let own = |n: usize| {
        let nic = |n: usize| if n == 0 { a_nic_model("nic") } else { a_nic_model(&format!("n{n}")).secondary() };
        let mut instance = an_instance("api", 2);
        instance.ask.network = Some(super::own((0..n).map(nic).collect::<Vec<_>>()));
        instance
    };
    fabric.accept(a_scale_set("api", 3).size("Standard_D2s_v3").rolling(34, 60));
    assert_eq!(fabric.instance_view("api", 2).latest_model_applied, Some(false), "it waits for its batch");
    let refusal = fabric.put(own(3)).unwrap_err();
    let list = "spec.networkProfileConfiguration.networkInterfaceConfigurations";
    assert_eq!(told(&refusal), [("VMSS-07", Code::NetworkInterfaceCountExceeded, list)]);
    fabric.accept(own(2));
}

#[test]
fn a_rolling_upgrade_waits_until_its_batch_runs_again() {
    let mut fabric = a_fabric_that_starts_in(std::time::Duration::from_secs(5))
        .with(a_subnet("web", "10.0.1.0/24"))
        .with(a_subnet("back", "10.0.2.0/24"));
    let moved = |set: A<VirtualMachineScaleSet>| set.nics([a_nic_model("nic").in_subnet("back")]);
    fabric = fabric.with_set(a_scale_set("api", 3).rolling(40, 0));
    fabric.advance(5);
    fabric.accept(moved(a_scale_set("api", 3).rolling(40, 0)));
    fabric.accept(moved(a_scale_set("api", 3).rolling(40, 0)));
    assert_eq!((updated(&fabric), fabric.progress_of("api")), (Some(1), Some("RollingUpgrade")));
    fabric.advance(9);
    assert_eq!(updated(&fabric), Some(1));
    fabric.advance(10);
    assert_eq!((updated(&fabric), fabric.progress_of("api")), (Some(2), Some("RollingUpgrade")));
    fabric.advance(15);
    assert_eq!((updated(&fabric), fabric.progress_of("api")), (Some(3), Some("Scaling")));
    fabric.advance(20);
    assert_eq!(fabric.progress_of("api"), None);
}

#[test]
fn a_rolling_upgrade_stops_while_too_many_do_not_run() {
    let mut fabric = a_farm().with_set(a_scale_set("api", 5).rolling(20, 0));
    fabric.accept(an_instance("api", 3).power(DesiredPowerState::Stopped));
    fabric.accept(an_instance("api", 4).power(DesiredPowerState::Stopped));
    fabric.accept(forwarding(a_scale_set("api", 5).rolling(20, 0)));
    assert_eq!((updated(&fabric), fabric.progress_of("api")), (Some(0), Some("RollingUpgradeStopped")));
    fabric.accept(an_instance("api", 4).power(DesiredPowerState::Running));
    assert_eq!((updated(&fabric), fabric.progress_of("api")), (Some(5), None));
}

/// The set, to be moved to a subnet that has room for its instances as long as nobody else is in it.
fn moved(set: A<VirtualMachineScaleSet>) -> A<VirtualMachineScaleSet> {
    set.nics([a_nic_model("nic").in_subnet("back")])
}

/// Two NICs have come into that subnet after the first batch of the move.
fn with_an_upgrade_that_lacks_addresses() -> Fabric {
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.1.0/24")).with(a_subnet("back", "10.0.2.0/29"));
    fabric = fabric.with_set(a_scale_set("api", 3).rolling(30, 10));
    fabric.accept(moved(a_scale_set("api", 3).rolling(30, 10)));
    fabric.accept(a_nic("thief").subnet("back"));
    fabric.accept(a_nic("accomplice").subnet("back"));
    fabric.advance(10);
    fabric
}

#[test]
fn an_upgrade_that_finds_no_addresses_later_waits_for_them_and_goes_on() {
    let mut fabric = with_an_upgrade_that_lacks_addresses();
    assert_eq!((updated(&fabric), fabric.progress_of("api")), (Some(1), Some("UpgradeBlocked")));
    let awaited = VirtualMachineScaleSet::retry_keys(&fabric.engine, &named("api"), fabric.get("api"));
    let woken = fabric.woken_by(|fabric| {
        for nic in ["thief", "accomplice"] {
            fabric.delete(Kind::NetworkInterface, nic).unwrap();
        }
    });
    assert!(!awaited.is_disjoint(&woken));
    fabric.accept(moved(a_scale_set("api", 3).rolling(30, 10)));
    fabric.advance(20);
    fabric.advance(30);
    assert_eq!((updated(&fabric), fabric.progress_of("api")), (Some(3), None));
}

#[test]
fn an_upgrade_that_nothing_is_left_of_waits_for_nothing() {
    let mut fabric = with_an_upgrade_that_lacks_addresses();
    assert_eq!(fabric.progress_of("api"), Some("UpgradeBlocked"));
    fabric.accept(moved(a_scale_set("api", 3)));
    assert_eq!(fabric.progress_of("api"), None, "with Manual policy nothing is upgraded");
    fabric.accept(a_scale_set("api", 3).rolling(30, 0));
    assert_eq!((updated(&fabric), fabric.progress_of("api")), (Some(3), None));
}

/// The machines and network interfaces of a Flexible set, as it makes them.
fn machines(fabric: &mut Fabric, revision: u64) {
    for id in fabric.ids("api") {
        let nic = format!("api-{id}-nic");
        fabric.accept(a_nic(&nic).configurations([primary("ip")]));
        fabric.accept(a_vm(&format!("api-{id}")).nics([nic.as_str()]).of_set("api", id, revision));
    }
}

#[test]
fn a_flexible_upgrade_asks_for_no_address_that_its_instances_hold() {
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.1.0/28"));
    let set = || a_scale_set("api", 8).flexible().upgrade(UpgradeMode::Automatic);
    fabric.accept(set());
    machines(&mut fabric, 1);
    fabric.accept(forwarding(set()));
}

#[test]
fn a_rolling_upgrade_goes_past_what_keeps_its_older_model() {
    let mut fabric = a_farm();
    let set = || a_scale_set("api", 3).flexible().rolling(20, 0);
    fabric.accept(set());
    machines(&mut fabric, 1);
    fabric.accept(forwarding(set()));
    let target = |fabric: &Fabric, id: u64| fabric.get::<VirtualMachineScaleSet>("api").held.instances[&id].target;
    assert_eq!((target(&fabric, 0), target(&fabric, 1)), (2, 1));
    fabric.engine.note_obstacle(&named("api"), 0, Some(Obstacle::TakenOver));
    assert_eq!((target(&fabric, 1), target(&fabric, 2)), (2, 1), "the next batch follows");
    for id in 1..3 {
        let nic = format!("api-{id}-nic");
        fabric.accept(a_vm(&format!("api-{id}")).nics([nic.as_str()]).of_set("api", id, 2));
    }
    assert_eq!((updated(&fabric), fabric.progress_of("api")), (Some(2), None));
    let view = fabric.set_view("api");
    assert_eq!((view.taken_over_instance_ids.as_str(), view.instances[0].latest_model_applied), ("0", false));
    let advice = VirtualMachineScaleSet::advice(&fabric.engine, &named("api"), fabric.get("api"));
    assert!(advice.iter().any(|advice| advice.condition == "OlderModelKept"));
}

#[test]
fn a_network_of_its_own_is_kept_through_scaling_and_upgrades_and_left_again() {
    let mut fabric = a_farm().with_set(a_scale_set("api", 2).upgrade(UpgradeMode::Automatic));
    let own = [a_nic_model("nic"), a_nic_model("extra").secondary().in_subnet("back")];
    fabric.accept(an_instance("api", 0).network(own.clone()));
    assert_eq!(fabric.addresses_of("api", 0), ["10.0.1.4", "10.0.2.4"]);
    assert_eq!(fabric.instance_view("api", 0).own_network, Some(true));
    fabric.accept(forwarding(a_scale_set("api", 3).upgrade(UpgradeMode::Automatic)));
    fabric.accept(an_instance("api", 0).network(own));
    assert_eq!(fabric.addresses_of("api", 0), ["10.0.1.4", "10.0.2.4"]);
    assert_eq!(fabric.instance_view("api", 0).latest_model_applied, Some(true));
    fabric.accept(an_instance("api", 0));
    assert_eq!((fabric.addresses_of("api", 0), fabric.available("back")), (vec!["10.0.1.4".to_owned()], 251));
    assert_eq!(fabric.instance_view("api", 0).own_network, None);
}

#[test]
fn a_flexible_set_says_which_machines_are_to_be_written_anew() {
    let mut fabric = a_farm().with(a_scale_set("api", 1).flexible());
    let nic = a_nic("api-0-nic");
    fabric.accept(nic);
    fabric.accept(a_vm("api-0").nics(["api-0-nic"]).of_set("api", 0, 1));
    fabric.accept(forwarding(a_scale_set("api", 1).flexible()));
    let target = |fabric: &Fabric| fabric.get::<VirtualMachineScaleSet>("api").held.instances[&0].target;
    assert_eq!((target(&fabric), updated(&fabric)), (1, Some(0)));
    fabric.accept(a_vm("api-0").nics(["api-0-nic"]).of_set("api", 0, 1).wishing(2));
    assert_eq!(target(&fabric), 2);
    fabric.accept(a_vm("api-0").nics(["api-0-nic"]).of_set("api", 0, 2));
    assert_eq!(updated(&fabric), Some(1));
}
