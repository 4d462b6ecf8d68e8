//! The rules of instances.

use super::*;
use crate::fabric::Code;
use crate::fabric::terms::{IpVersion, Primary};
use crate::fabric::testing::*;
use crate::fabric::virtual_machine_scale_set::ConfigurationModel;

const LIST: &str = "spec.networkProfileConfiguration.networkInterfaceConfigurations";

/// A set `api` of two instances in a subnet that has room for four.
fn a_farm() -> Fabric {
    let fabric = a_fabric().with(a_subnet("web", "10.0.1.0/29")).with(a_subnet("back", "10.0.2.0/24"));
    let mut fabric = fabric.with(a_scale_set("api", 2));
    for id in 0..2 {
        fabric.accept(an_instance("api", id));
    }
    fabric
}

// accepts VirtualMachineScaleSetVM VMSS-01
#[test]
fn an_instance_that_the_set_made_is_accepted() {
    a_fabric().with(a_subnet("web", "10.0.1.0/24")).with(a_scale_set("api", 1)).accept(an_instance("api", 0));
}

// refuses VirtualMachineScaleSetVM VMSS-01
#[test]
fn an_instance_that_the_set_did_not_make_is_refused() {
    let mut fabric = a_farm();
    let refusal = fabric.put(an_instance("api", 7).made_by(Maker::Other)).unwrap_err();
    assert_eq!(told(&refusal), [("VMSS-01", Code::OperationNotAllowed, "metadata.ownerReferences")]);
    assert!(refusal.stalls());
    let refusal = fabric.put(an_instance("api", 7)).unwrap_err();
    assert_eq!(told(&refusal), [("VMSS-01", Code::OperationNotAllowed, "spec.instanceId")]);
    let refusal = fabric.put(an_instance("none", 0)).unwrap_err();
    assert_eq!(told(&refusal), [("VMSS-01", Code::InvalidResourceReference, "spec.scaleSet")]);
}

#[test]
fn an_object_waits_until_the_set_has_its_instance() {
    let mut fabric = a_farm();
    let refusal = fabric.put(an_instance("api", 2)).unwrap_err();
    fabric.cure(&refusal, |fabric| fabric.accept(a_scale_set("api", 3)));
    fabric.accept(an_instance("api", 2));
}

#[test]
fn a_flexible_set_has_no_such_instances() {
    let refusal = a_farm().with(a_scale_set("flex", 1).flexible()).put(an_instance("flex", 0)).unwrap_err();
    assert_eq!(told(&refusal), [("VMSS-01", Code::OperationNotAllowed, "spec.instanceId")]);
}

// accepts VirtualMachineScaleSetVM S-14
#[test]
fn an_instance_keeps_its_place() {
    a_farm().accept(an_instance("api", 1));
}

// refuses VirtualMachineScaleSetVM S-14
#[test]
fn the_set_and_the_id_of_an_instance_are_fixed() {
    let mut edit = an_instance("api", 1);
    edit.ask.id = Some(0);
    let refusal = a_farm().put(edit).unwrap_err();
    assert_eq!(told(&refusal), [("S-14", Code::PropertyChangeNotAllowed, "spec.instanceId")]);
}

// accepts VirtualMachineScaleSetVM S-31
#[test]
fn a_revision_up_to_the_latest_is_accepted() {
    let mut fabric = a_farm();
    fabric.accept(an_instance("api", 0).revision(1));
}

// refuses VirtualMachineScaleSetVM S-31
#[test]
fn a_revision_that_does_not_exist_is_refused() {
    let mut fabric = a_farm();
    let refusal = fabric.put(an_instance("api", 0).revision(2)).unwrap_err();
    assert_eq!(told(&refusal), [("S-31", Code::InvalidParameter, "spec.revision")]);
    let mut edit = an_instance("api", 0);
    edit.ask.revision = Some(DesiredRevision::Unreadable("latest".to_owned()));
    assert_eq!(fabric.put(edit).unwrap_err().codes(), [Code::InvalidParameter]);
}

// accepts VirtualMachineScaleSetVM VMSS-19
#[test]
fn an_instance_has_a_network_of_its_own() {
    a_farm()
        .accept(an_instance("api", 0).network([a_nic_model("nic"), a_nic_model("x").secondary().in_subnet("back")]));
}

// refuses VirtualMachineScaleSetVM VMSS-19
#[test]
fn the_own_network_of_an_instance_keeps_to_the_rules_of_the_set() {
    let two = [a_nic_model("nic"), a_nic_model("x").in_subnet("back")];
    let refusal = a_farm().put(an_instance("api", 0).network(two)).unwrap_err();
    assert_eq!(told(&refusal), [("VM-09", Code::InvalidParameter, LIST)]);
    let mut fabric = a_farm().with(a_network("other").prefixes(["192.168.0.0/16"]));
    fabric.accept(a_subnet("far", "192.168.0.0/24").of("other"));
    let refusal = fabric.put(an_instance("api", 0).network([a_nic_model("nic").in_subnet("far")])).unwrap_err();
    let code = Code::VMScaleSetCannotBeUpdatedToReferenceSubnetsFromDifferentVirtualNetworks;
    assert_eq!(told(&refusal), [("VMSS-12", code, format!("{LIST}[0].subnet").as_str())]);
    assert_ne!(told(&refusal), [("VMSS-19", code, LIST)], "the id is that of the broken rule");
}

fn with_secondaries(count: usize) -> A<VirtualMachineScaleSetVM> {
    let mut nic = a_nic_model("nic");
    nic.interface.configurations.extend((0..count).map(|n| a_configuration_model(&format!("s{n}"), Primary::No)));
    an_instance("api", 0).network([nic])
}

fn with_ipv6() -> NicModel {
    let mut nic = a_nic_model("nic");
    let six = a_configuration_model("six", Primary::No);
    nic.interface.configurations.push(ConfigurationModel { version: IpVersion::IPv6, ..six });
    nic
}

// accepts VirtualMachineScaleSetVM IP6-05
#[test]
fn an_instance_that_was_made_with_ipv6_keeps_it_in_a_network_of_its_own() {
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.1.0/24")).with(a_scale_set("api", 1).nics([with_ipv6()]));
    fabric.accept(an_instance("api", 0).network([with_ipv6()]));
}

// refuses VirtualMachineScaleSetVM IP6-05
#[test]
fn ipv6_is_not_added_to_an_instance() {
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.1.0/24")).with(a_scale_set("api", 1));
    let refusal = fabric.put(an_instance("api", 0).network([with_ipv6()])).unwrap_err();
    let path = format!("{LIST}[0].ipConfigurations[1].privateIPAddressVersion");
    assert_eq!(told(&refusal), [("IP6-05", Code::OperationNotAllowed, path.as_str())]);
    fabric.accept(a_scale_set("api", 1).nics([with_ipv6()]));
    fabric.accept(an_instance("api", 0));
    let refusal = fabric.put(an_instance("api", 0).revision(2)).unwrap_err();
    assert_eq!(told(&refusal), [("IP6-05", Code::OperationNotAllowed, "spec.revision")]);
}

#[test]
fn an_upgrade_that_needs_more_addresses_than_are_free_points_at_the_revision() {
    let mut fabric = a_farm().with(a_subnet("tiny", "10.0.3.0/29"));
    for name in ["x", "y", "z"] {
        fabric.accept(a_nic(name).subnet("tiny"));
    }
    fabric.accept(a_scale_set("api", 2).nics([a_nic_model("nic").in_subnet("tiny")]));
    let refusal = fabric.put(an_instance("api", 0).revision(2)).unwrap_err();
    assert_eq!(told(&refusal), [("VMSS-29", Code::SubnetIsFull, "spec.revision")]);
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::NetworkInterface, "x").unwrap()));
    fabric.accept(an_instance("api", 0).revision(2));
}

// accepts VirtualMachineScaleSetVM VMSS-29
#[test]
fn an_instance_takes_the_last_free_address() {
    let mut fabric = a_farm();
    fabric.accept(with_secondaries(1));
    assert_eq!(fabric.available("web"), 0);
}

// refuses VirtualMachineScaleSetVM VMSS-29
#[test]
fn an_instance_that_needs_more_addresses_than_are_free_is_refused() {
    let mut fabric = a_farm();
    let refusal = fabric.put(with_secondaries(2)).unwrap_err();
    assert_eq!(told(&refusal), [("VMSS-29", Code::SubnetIsFull, "spec.networkProfileConfiguration")]);
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::VirtualMachineScaleSetVM, "api-1").unwrap()));
    fabric.accept(with_secondaries(2));
}

/// S-30
#[test]
fn wishes_for_one_instance_touch_no_other() {
    let mut fabric = a_farm();
    let before = fabric.engine.get::<NetworkInterface>(&named("api_1/nic")).unwrap().clone();
    fabric.accept(
        an_instance("api", 0).network([a_nic_model("nic").in_subnet("back")]).power(DesiredPowerState::Stopped),
    );
    assert_eq!(*fabric.engine.get::<NetworkInterface>(&named("api_1/nic")).unwrap(), before);
}

/// What else the model may break is shown with the set's own tests of models.
fn with_an_upgrade(revision: u64) -> (Fabric, A<VirtualMachineScaleSetVM>) {
    let mut fabric = a_farm();
    fabric.accept(a_scale_set("api", 2).nics([a_nic_model("nic").in_subnet("back")]));
    (fabric, an_instance("api", 0).revision(revision))
}

// accepts VirtualMachineScaleSetVM VMSS-30
#[test]
fn a_model_whose_parts_are_legal_is_taken_up() {
    let (mut fabric, instance) = with_an_upgrade(2);
    fabric.accept(instance);
}

// refuses VirtualMachineScaleSetVM VMSS-30
#[test]
fn a_model_whose_parts_are_not_legal_any_more_is_not_taken_up() {
    use crate::fabric::tests::restored::{records, restored};
    let (fabric, instance) = with_an_upgrade(2);
    let mut records = records(&fabric.engine);
    records.retain(|(kind, name, _)| (*kind, name) != (Kind::Subnet, &named("back")));
    let mut fabric = fabric.on(restored(&fabric.engine, records).0);
    let refusal = fabric.put(instance).unwrap_err();
    assert_eq!(told(&refusal), [("NIC-03", Code::InvalidResourceReference, "spec.revision")]);
    assert_ne!(told(&refusal), [("VMSS-30", Code::InvalidParameter, "")], "the id is that of the broken rule");
}

/// Its desired revision is the latest, whatever the set makes of that.
#[test]
fn an_instance_that_the_models_ipv6_keeps_from_an_upgrade_is_judged_anew_with_another_model() {
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.1.0/24")).with(a_scale_set("api", 1));
    fabric.accept(an_instance("api", 0));
    let mut dual = a_nic_model("nic");
    dual.interface
        .configurations
        .push(ConfigurationModel { version: IpVersion::IPv6, ..a_configuration_model("more", Primary::No) });
    fabric.accept(a_scale_set("api", 1).nics([dual]));
    let refusal = fabric.put(an_instance("api", 0).revision(2)).unwrap_err();
    assert_eq!(told(&refusal), [("IP6-05", Code::OperationNotAllowed, "spec.revision")]);
    let woken = fabric.woken_by(|fabric| fabric.accept(a_scale_set("api", 1)));
    assert!(!refusal.keys().is_disjoint(&woken), "{woken:?}");
    fabric.accept(an_instance("api", 0).revision(2));
}
