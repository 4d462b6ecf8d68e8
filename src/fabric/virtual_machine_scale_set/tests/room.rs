//! Room for what is made later: instances of Flexible sets whose objects are not there yet, and addresses that only a start
//! takes.

use super::*;
use crate::fabric::public_ip_address::Sku;
use crate::fabric::quota::Quotas;
use crate::fabric::terms::{IpVersion, Primary};
use crate::fabric::testing::Fabric;
use crate::fabric::violation::WaitKey;
use crate::fabric::virtual_machine::DesiredPowerState;
use crate::fabric::{Kind, Settings};

/// What the model asks of its only network interface, and of the public address of its only configuration.
const SUBNET: &str = "spec.virtualMachineProfile.networkProfile.networkInterfaceConfigurations[0].subnet";
const PUBLIC: &str = "spec.virtualMachineProfile.networkProfile.networkInterfaceConfigurations[0].ipConfigurations[0].publicIPAddressConfiguration";

/// A subnet of three addresses.
fn a_small_farm() -> Fabric {
    a_fabric().with(a_subnet("web", "10.0.1.0/29"))
}

/// The objects of an instance of a Flexible set, as it makes them.
fn make(fabric: &mut Fabric, set: &str, id: u64, revision: u64) {
    let nic = format!("{set}-{id}-nic");
    fabric.accept(a_nic(&nic).configurations([primary("ip")]));
    fabric.accept(a_vm(&format!("{set}-{id}")).nics([nic.as_str()]).of_set(set, id, revision));
}

#[test]
fn addresses_that_a_flexible_set_will_need_are_no_other_sets() {
    let mut fabric = a_small_farm().with(a_scale_set("flex", 3).flexible());
    assert_eq!(fabric.available("web"), 0, "they are reserved, though its objects are not there yet");
    for other in [a_scale_set("other", 1).flexible(), a_scale_set("other", 1)] {
        let refusal = fabric.put(other).unwrap_err();
        assert_eq!(told(&refusal), [("VMSS-29", Code::SubnetIsFull, "spec.replicas")]);
        assert!(refusal.leading().message.starts_with("1 more address of"), "{}", refusal.leading().message);
    }
    let refusal = fabric.put(a_scale_set("other", 1)).unwrap_err();
    make(&mut fabric, "flex", 0, 1);
    assert_eq!(
        fabric.put(a_scale_set("other", 1)).unwrap_err().codes(),
        [Code::SubnetIsFull],
        "it took what it was to"
    );
    fabric.cure(&refusal, |fabric| fabric.accept(a_scale_set("flex", 2).flexible()));
    fabric.accept(a_scale_set("other", 1));
    make(&mut fabric, "flex", 1, 1);
    assert_eq!(fabric.available("web"), 0);
}

#[test]
fn a_scale_out_of_a_flexible_set_counts_its_instances_that_are_not_made_yet() {
    let mut fabric = a_small_farm().with(a_scale_set("flex", 2).flexible());
    make(&mut fabric, "flex", 0, 1);
    let refusal = fabric.put(a_scale_set("flex", 4).flexible()).unwrap_err();
    assert_eq!(told(&refusal), [("VMSS-29", Code::SubnetIsFull, "spec.replicas")]);
    assert!(refusal.leading().message.starts_with("3 more"), "{}", refusal.leading().message);
    fabric.accept(a_scale_set("flex", 3).flexible());
}

#[test]
fn an_address_that_a_flexible_set_has_reserved_is_no_network_interfaces() {
    let mut fabric = a_small_farm().with(a_scale_set("flex", 3).flexible());
    let refusal = fabric.put(a_nic("thief")).unwrap_err();
    assert_eq!(refusal.codes(), [Code::SubnetIsFull]);
    fabric.cure(&refusal, |fabric| fabric.accept(a_scale_set("flex", 2).flexible()));
    fabric.accept(a_nic("thief"));
}

/// What a later batch lacks could not be reserved; that is reported by the instance's own NIC.
#[test]
fn a_flexible_set_that_asks_for_no_more_is_not_refused_for_what_another_took() {
    let back = || a_nic_model("nic").in_subnet("back");
    let flex = || a_scale_set("flex", 2).flexible().rolling(50, 10);
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.1.0/24")).with(a_subnet("back", "10.0.2.0/29"));
    fabric.accept(flex());
    (0..2).for_each(|id| make(&mut fabric, "flex", id, 1));
    fabric.accept(flex().nics([back()]));
    (0..2).for_each(|n| fabric.accept(a_nic(&format!("n{n}")).subnet("back")));
    fabric.accept(a_nic("flex-0-nic").subnet("back").configurations([primary("ip")]));
    fabric.accept(a_vm("flex-0").nics(["flex-0-nic"]).of_set("flex", 0, 2));
    fabric.advance(10);
    assert_eq!(fabric.get::<VirtualMachineScaleSet>("flex").held.instances[&1].target, 2);
    fabric.accept(flex().nics([back()]));
    let refusal = fabric.put(a_scale_set("flex", 3).flexible().rolling(50, 10).nics([back()])).unwrap_err();
    assert_eq!(told(&refusal), [("VMSS-29", Code::SubnetIsFull, "spec.replicas")]);
}

#[test]
fn an_instance_takes_no_address_that_a_flexible_set_will_need() {
    let mut fabric = a_small_farm().with_set(a_scale_set("api", 1)).with(a_scale_set("flex", 2).flexible());
    let mut nic = a_nic_model("nic");
    nic.interface.configurations.push(a_configuration_model("more", Primary::No));
    let own = || an_instance("api", 0).network([nic.clone()]);
    let refusal = fabric.put(own()).unwrap_err();
    assert_eq!(told(&refusal), [("VMSS-29", Code::SubnetIsFull, "spec.networkProfileConfiguration")]);
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::VirtualMachineScaleSet, "flex").unwrap()));
    fabric.accept(own());
}

/// A Rolling upgrade does not take them off their way to the model that it follows.
#[test]
fn instances_on_their_way_to_a_model_are_given_room_for_it_while_the_next_one_rolls() {
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.1.0/28")).with(a_scale_set("flex", 2).flexible());
    (0..2).for_each(|id| make(&mut fabric, "flex", id, 1));
    let mut wide = a_nic_model("nic");
    wide.interface.configurations.push(a_configuration_model("more", Primary::No));
    fabric.accept(a_scale_set("flex", 2).flexible().upgrade(UpgradeMode::Automatic).nics([wide]));
    (0..7).for_each(|n| fabric.accept(a_nic(&format!("n{n}"))));
    assert_eq!(fabric.available("web"), 0, "what the two on their way need is reserved");
    let refusal = fabric.put(a_scale_set("flex", 3).flexible().rolling(20, 0)).unwrap_err();
    assert_eq!(told(&refusal), [("VMSS-29", Code::SubnetIsFull, "spec.replicas")]);
    fabric.accept(a_scale_set("flex", 2).flexible().rolling(20, 0));
}

/// They have no machine that could keep the old model (S-28).
#[test]
fn instances_without_a_machine_need_what_the_new_model_says() {
    let mut fabric = a_small_farm().with(a_subnet("back", "10.0.2.0/29")).with(a_nic("there").subnet("back"));
    fabric.accept(a_scale_set("flex", 3).flexible());
    let moved = || a_scale_set("flex", 3).flexible().nics([a_nic_model("nic").in_subnet("back")]);
    let refusal = fabric.put(moved()).unwrap_err();
    assert_eq!(told(&refusal), [("VMSS-29", Code::SubnetIsFull, SUBNET)]);
    assert!(refusal.leading().message.starts_with("3 more"), "{}", refusal.leading().message);
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::NetworkInterface, "there").unwrap()));
    fabric.accept(moved());
    fabric.accept(a_scale_set("other", 3));
}

/// Of an upgrade, too: until its machine is written again, or keeps what another field manager wrote.
#[test]
fn addresses_that_an_upgrade_of_a_flexible_set_will_need_are_kept_for_it() {
    let mut fabric = a_small_farm().with(a_subnet("back", "10.0.2.0/29"));
    let flex = || a_scale_set("flex", 3).flexible().upgrade(UpgradeMode::Automatic);
    fabric.accept(flex());
    (0..3).for_each(|id| make(&mut fabric, "flex", id, 1));
    let back = || a_nic_model("nic").in_subnet("back");
    fabric.accept(flex().nics([back()]));
    let other = || a_scale_set("other", 1).nics([back()]);
    let refusal = fabric.put(other()).unwrap_err();
    assert_eq!(told(&refusal), [("VMSS-29", Code::SubnetIsFull, "spec.replicas")]);
    let set = named("flex");
    fabric.cure(&refusal, |fabric| fabric.engine.note_obstacle(&set, 0, Some(Obstacle::TakenOver)));
    fabric.accept(other());
}

#[test]
fn an_instance_of_a_flexible_set_that_goes_before_it_is_made_gives_its_room_back() {
    let mut fabric = a_small_farm().with(a_scale_set("flex", 3).flexible());
    let woken = fabric.woken_by(|fabric| fabric.accept(a_scale_set("flex", 0).flexible()));
    assert!(woken.contains(&WaitKey::Capacity(crate::fabric::ipam::PoolId::SubnetIPv4(named("web")))), "{woken:?}");
}

/// A set of two instances with Basic addresses; one is deallocated, and there is no public address left.
fn with_an_exhausted_pool() -> Fabric {
    let mut fabric = a_fabric_with_public_addresses("198.51.100.0/31").with(a_subnet("web", "10.0.1.0/24"));
    fabric = fabric.with(a_subnet("back", "10.0.2.0/24")).with_set(basic());
    fabric.accept(deallocated());
    fabric.accept(a_public_ip("p").standard());
    fabric
}

fn basic() -> A<VirtualMachineScaleSet> {
    a_scale_set("api", 2).public(a_public_model(Sku::Basic))
}

fn deallocated() -> A<crate::fabric::VirtualMachineScaleSetVM> {
    an_instance("api", 0).power(DesiredPowerState::Deallocated)
}

#[test]
fn a_deallocated_instance_needs_no_basic_address_until_it_is_started() {
    let mut fabric = with_an_exhausted_pool();
    fabric.accept(deallocated());
    let mut nic = a_nic_model("nic").in_subnet("back");
    nic.interface.configurations[0].public_ip_address = Some(a_public_model(Sku::Basic));
    fabric.accept(deallocated().network([nic]));
    fabric.accept(deallocated());
    for wish in [DesiredPowerState::Running, DesiredPowerState::Stopped] {
        let refusal = fabric.put(an_instance("api", 0).power(wish)).unwrap_err();
        assert_eq!(told(&refusal), [("VMSS-29", Code::AllocationFailed, "spec.powerState")]);
    }
    let refusal = fabric.put(an_instance("api", 0).power(DesiredPowerState::Running)).unwrap_err();
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::PublicIPAddress, "p").unwrap()));
    fabric.accept(an_instance("api", 0).power(DesiredPowerState::Running));
}

#[test]
fn an_upgrade_of_a_deallocated_instance_needs_no_basic_address() {
    let mut fabric = with_an_exhausted_pool();
    fabric.accept(basic().upgrade(UpgradeMode::Automatic));
    fabric.accept(basic().upgrade(UpgradeMode::Automatic).size("Standard_D8s_v3"));
    assert_eq!(fabric.set_view("api").updated_replicas, Some(2));
    fabric.accept(basic().size("Standard_DS3_v2"));
    fabric.accept(deallocated().revision(3));
}

#[test]
fn public_addresses_that_a_flexible_set_will_need_are_no_other_sets() {
    let mut fabric = a_fabric_with_public_addresses("198.51.100.0/31").with(a_subnet("web", "10.0.1.0/24"));
    let set = |name: &str, replicas: u32| a_scale_set(name, replicas).public(a_public_model(Sku::Standard));
    fabric.accept(set("flex", 2).flexible());
    let refusal = fabric.put(set("api", 1)).unwrap_err();
    assert_eq!(told(&refusal), [("VMSS-29", Code::AllocationFailed, "spec.replicas")]);
    fabric.cure(&refusal, |fabric| fabric.accept(set("flex", 1).flexible()));
    fabric.accept(set("api", 1));
}

#[test]
fn a_later_batch_takes_no_address_that_a_flexible_set_will_need() {
    let back = || a_nic_model("nic").in_subnet("back");
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.1.0/24")).with(a_subnet("back", "10.0.2.0/29"));
    fabric = fabric.with_set(a_scale_set("api", 2).rolling(50, 10));
    let moved = || a_scale_set("api", 2).rolling(50, 10).nics([back()]);
    fabric.accept(moved());
    fabric.accept(a_scale_set("flex", 2).flexible().nics([back()]));
    fabric.advance(10);
    assert_eq!((fabric.set_view("api").updated_replicas, fabric.progress_of("api")), (Some(1), Some("UpgradeBlocked")));
    let awaited = VirtualMachineScaleSet::retry_keys(&fabric.engine, &named("api"), fabric.get("api"));
    let woken = fabric.woken_by(|fabric| assert!(fabric.delete(Kind::VirtualMachineScaleSet, "flex").unwrap()));
    assert!(!awaited.is_disjoint(&woken), "{awaited:?} {woken:?}");
    fabric.accept(moved());
    assert_eq!(fabric.set_view("api").updated_replicas, Some(2));
}

#[test]
fn an_upgrade_that_lacks_public_addresses_is_told_at_the_models_public_address() {
    let mut fabric = a_fabric_with_public_addresses("198.51.100.0/31").with(a_subnet("web", "10.0.1.0/24"));
    fabric = fabric.with_set(a_scale_set("api", 3).upgrade(UpgradeMode::Automatic));
    let set =
        |replicas| a_scale_set("api", replicas).upgrade(UpgradeMode::Automatic).public(a_public_model(Sku::Standard));
    let refusal = fabric.put(set(3)).unwrap_err();
    assert_eq!(told(&refusal), [("VMSS-29", Code::AllocationFailed, PUBLIC)]);
    let refusal = fabric.put(set(4)).unwrap_err();
    assert_eq!(told(&refusal), [("VMSS-29", Code::AllocationFailed, "spec.replicas")]);
}

#[test]
fn an_upgrade_that_lacks_addresses_of_a_prefix_is_told_at_the_models_public_address() {
    let mut fabric = a_farm().with(a_prefix("pool", 31));
    fabric = fabric.with_set(a_scale_set("api", 3).upgrade(UpgradeMode::Automatic));
    let public = a_public_model(Sku::Standard).from("pool");
    let refusal = fabric.put(a_scale_set("api", 3).upgrade(UpgradeMode::Automatic).public(public)).unwrap_err();
    assert_eq!(told(&refusal), [("VMSS-29", Code::PublicIPPrefixExhausted, PUBLIC)]);
}

/// The objects of an earlier set of the name may still be there; what one instance finds is no other's.
#[test]
fn what_an_earlier_set_has_left_serves_the_instance_of_its_name_alone() {
    let mut fabric = a_small_farm().with(a_scale_set("flex", 1).flexible());
    make(&mut fabric, "flex", 0, 1);
    assert!(fabric.delete(Kind::VirtualMachineScaleSet, "flex").unwrap());
    fabric.accept(a_nic("beside"));
    let refusal = fabric.put(a_scale_set("flex", 3).flexible()).unwrap_err();
    assert_eq!(told(&refusal), [("VMSS-29", Code::SubnetIsFull, "spec.replicas")]);
    assert!(refusal.leading().message.starts_with("2 more"), "{}", refusal.leading().message);
    fabric.accept(a_scale_set("flex", 2).flexible());
}

#[test]
fn a_configuration_that_becomes_ipv4_needs_another_address_than_the_ipv6_one_that_it_has() {
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.1.0/29").ipv6("fd00::/64"));
    let model = |version| {
        let mut nic = a_nic_model("nic");
        nic.interface.configurations.push(ConfigurationModel { version, ..a_configuration_model("more", Primary::No) });
        a_scale_set("api", 2).upgrade(UpgradeMode::Automatic).nics([nic])
    };
    fabric.accept(model(IpVersion::IPv6));
    let refusal = fabric.put(model(IpVersion::IPv4)).unwrap_err();
    assert_eq!(told(&refusal), [("VMSS-29", Code::SubnetIsFull, SUBNET)]);
    assert!(refusal.leading().message.starts_with("2 more addresses"), "{}", refusal.leading().message);
}

/// It is switched off before its network changes (S-01), so that the address is taken when it is started again.
#[test]
fn an_instance_that_is_stopped_by_the_put_takes_no_basic_address() {
    let address = |fabric: &Fabric| {
        let view = fabric.instance_view("api", 0);
        view.network_interfaces[0].ip_configurations[0].public_ip_address.clone().unwrap().ip_address
    };
    for wish in [DesiredPowerState::Stopped, DesiredPowerState::Deallocated] {
        let mut fabric = a_fabric().with(a_subnet("web", "10.0.1.0/24")).with_set(a_scale_set("api", 1));
        let mut nic = a_nic_model("nic");
        nic.interface.configurations[0].public_ip_address = Some(a_public_model(Sku::Basic));
        fabric.accept(an_instance("api", 0).power(wish).network([nic.clone()]));
        assert_eq!(address(&fabric), None);
        fabric.accept(an_instance("api", 0).power(DesiredPowerState::Running).network([nic]));
        assert!(address(&fabric).is_some());
    }
}

/// It is deallocated for the edit, started and stopped again (S-38, S-34), and takes its addresses then.
#[test]
fn a_stopped_instance_whose_list_of_network_interfaces_changes_needs_a_basic_address() {
    let mut fabric = a_fabric_with_public_addresses("198.51.100.0/32").with(a_subnet("web", "10.0.1.0/24"));
    fabric = fabric.with_set(a_scale_set("api", 1)).with(a_public_ip("p").standard());
    fabric.accept(an_instance("api", 0).power(DesiredPowerState::Stopped));
    let stopped = || an_instance("api", 0).power(DesiredPowerState::Stopped);
    let nic = || {
        let mut nic = a_nic_model("nic");
        nic.interface.configurations[0].public_ip_address = Some(a_public_model(Sku::Basic));
        nic
    };
    let more = || NicModel { primary: Primary::No, ..a_nic_model("more") };
    fabric.accept(stopped().network([nic()]));
    let refusal = fabric.put(stopped().network([nic(), more()])).unwrap_err();
    assert_eq!(told(&refusal), [("VMSS-29", Code::AllocationFailed, "spec.networkProfileConfiguration")]);
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::PublicIPAddress, "p").unwrap()));
    fabric.accept(stopped().network([nic(), more()]));
}

/// Those that the put takes away are never made.
#[test]
fn instances_that_a_put_takes_away_before_they_are_made_need_nothing_of_its_model() {
    let mut fabric = a_small_farm().with(a_subnet("back", "10.0.2.0/29"));
    fabric = fabric.with(a_nic("a").subnet("back")).with(a_nic("b").subnet("back"));
    fabric.accept(a_scale_set("flex", 3).flexible());
    let moved = |replicas| a_scale_set("flex", replicas).flexible().nics([a_nic_model("nic").in_subnet("back")]);
    let refusal = fabric.put(moved(2)).unwrap_err();
    assert_eq!(told(&refusal), [("VMSS-29", Code::SubnetIsFull, SUBNET)]);
    assert!(refusal.leading().message.starts_with("2 more"), "{}", refusal.leading().message);
    fabric.accept(moved(1));
}

#[test]
fn a_new_model_of_instances_that_are_not_made_yet_gives_the_room_of_the_old_one_back() {
    let mut fabric = a_small_farm().with(a_subnet("back", "10.0.2.0/29")).with(a_scale_set("flex", 3).flexible());
    let refusal = fabric.put(a_scale_set("other", 3)).unwrap_err();
    let moved = a_scale_set("flex", 3).flexible().nics([a_nic_model("nic").in_subnet("back")]);
    fabric.cure(&refusal, |fabric| fabric.accept(moved));
    fabric.accept(a_scale_set("other", 3));
}

#[test]
fn what_quotas_leave_to_a_flexible_set_is_no_other_sets() {
    let mut fabric = a_fabric_of(Settings { quotas: Quotas::Enforced, ..Settings::default() });
    fabric.accept(a_subnet("web", "10.0.1.0/24"));
    let set = |name: &str, replicas: u32| a_scale_set(name, replicas).public(a_public_model(Sku::Standard));
    let path = "spec.replicas";
    fabric.accept(set("flex", 6).flexible());
    let refusal = fabric.put(set("flex", 11).flexible()).unwrap_err();
    assert_eq!(told(&refusal), [("VMSS-29", Code::StandardSkuPublicIPCountLimitReached, path)]);
    assert!(refusal.leading().message.starts_with("11 more"), "{}", refusal.leading().message);
    for other in [set("other", 5).flexible(), set("other", 5)] {
        let refusal = fabric.put(other).unwrap_err();
        assert_eq!(told(&refusal), [("VMSS-29", Code::StandardSkuPublicIPCountLimitReached, path)]);
    }
    let refusal = fabric.put(set("other", 5)).unwrap_err();
    fabric.cure(&refusal, |fabric| fabric.accept(set("flex", 5).flexible()));
    fabric.accept(set("other", 5));
}

/// They take the model's after that which they are on their way to, and one address serves both.
#[test]
fn an_address_serves_the_model_that_an_instance_is_on_its_way_to_and_the_one_that_rolls() {
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.1.0/24")).with(a_subnet("back", "10.0.2.0/29"));
    fabric.accept(a_scale_set("flex", 2).flexible());
    (0..2).for_each(|id| make(&mut fabric, "flex", id, 1));
    let back = || a_nic_model("nic").in_subnet("back");
    fabric.accept(a_scale_set("flex", 2).flexible().upgrade(UpgradeMode::Automatic).nics([back()]));
    fabric.accept(a_nic("beside").subnet("back"));
    fabric.accept(a_scale_set("flex", 2).flexible().rolling(50, 0).nics([back()]).size("Standard_D8s_v3"));
}

/// How many are available is not reported: that changes with others.
#[test]
fn a_set_that_lacks_public_addresses_is_told_how_many_it_needs_itself() {
    let mut fabric = a_fabric_with_public_addresses("198.51.100.0/30").with(a_subnet("web", "10.0.1.0/24"));
    let set = |name: &str, replicas: u32| a_scale_set(name, replicas).public(a_public_model(Sku::Standard));
    fabric.accept(set("flex", 3).flexible());
    let refusal = fabric.put(set("api", 2)).unwrap_err();
    let told = "2 more addresses of 198.51.100.0/30 are required, and fewer are available.";
    assert_eq!(refusal.leading().message, told);
}

/// A machine that is deallocated takes no Basic address, whatever its new model says.
#[test]
fn a_flexible_instance_that_is_deallocated_on_its_way_to_a_basic_address_gives_its_room_back() {
    let mut fabric = a_fabric_with_public_addresses("198.51.100.0/32").with(a_subnet("web", "10.0.1.0/24"));
    let flex = || a_scale_set("flex", 1).flexible().upgrade(UpgradeMode::Automatic);
    fabric.accept(flex());
    make(&mut fabric, "flex", 0, 1);
    fabric.accept(flex().public(a_public_model(Sku::Basic)));
    let other = || a_scale_set("other", 1).public(a_public_model(Sku::Standard));
    let refusal = fabric.put(other()).unwrap_err();
    assert_eq!(told(&refusal), [("VMSS-29", Code::AllocationFailed, "spec.replicas")]);
    let off = a_vm("flex-0").nics(["flex-0-nic"]).of_set("flex", 0, 1).deallocated();
    fabric.cure(&refusal, |fabric| fabric.accept(off));
    fabric.accept(other());
}

/// It takes its Basic address when it is started: a set that lacks one for its upgrade is put again (PIP-05).
#[test]
fn a_set_that_lacks_a_basic_address_is_woken_when_an_instance_is_deallocated() {
    let mut fabric = a_fabric_with_public_addresses("198.51.100.0/32").with(a_subnet("web", "10.0.1.0/24"));
    fabric = fabric.with(a_public_ip("p").standard()).with_set(a_scale_set("api", 1));
    let basic = |name| a_scale_set(name, 1).upgrade(UpgradeMode::Automatic).public(a_public_model(Sku::Basic));
    assert_wakes(&mut fabric, || basic("api"), |fabric| fabric.accept(deallocated()));
    fabric.accept(a_scale_set("flex", 1).flexible());
    make(&mut fabric, "flex", 0, 1);
    let off = a_vm("flex-0").nics(["flex-0-nic"]).of_set("flex", 0, 1).deallocated();
    assert_wakes(&mut fabric, || basic("flex").flexible(), |fabric| fabric.accept(off));
}

fn assert_wakes(fabric: &mut Fabric, set: impl Fn() -> A<VirtualMachineScaleSet>, what: impl FnOnce(&mut Fabric)) {
    let refusal = fabric.put(set()).unwrap_err();
    assert_eq!(told(&refusal), [("VMSS-29", Code::AllocationFailed, PUBLIC)]);
    let name = set().name;
    let awaited = VirtualMachineScaleSet::retry_keys(&fabric.engine, &name, fabric.get(&name.name));
    let woken = fabric.woken_by(what);
    assert!(!awaited.is_disjoint(&woken), "{awaited:?} {woken:?}");
    fabric.accept(set());
}

/// Without a machine it would take up the model of the put (S-28); with one it keeps its own.
#[test]
fn a_set_that_lacks_room_for_instances_without_a_machine_is_judged_anew_when_they_have_one() {
    let mut fabric = a_small_farm().with(a_subnet("back", "10.0.2.0/29"));
    fabric = fabric.with(a_nic("there").subnet("back")).with(a_scale_set("flex", 3).flexible());
    let moved = || a_scale_set("flex", 3).flexible().nics([a_nic_model("nic").in_subnet("back")]);
    let refusal = fabric.put(moved()).unwrap_err();
    let woken = fabric.woken_by(|fabric| make(fabric, "flex", 0, 1));
    assert!(!refusal.keys().is_disjoint(&woken), "{woken:?}");
    fabric.accept(moved());
}

#[test]
fn more_instances_than_a_set_may_have_are_not_looked_at_one_by_one() {
    let refusal = a_small_farm().put(a_scale_set("api", u32::MAX)).unwrap_err();
    let told = told(&refusal);
    assert!(told.contains(&("VMSS-01", Code::InvalidParameter, "spec.replicas")), "{told:?}");
}
