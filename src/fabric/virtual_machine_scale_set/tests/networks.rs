//! The rules of networks that instances have of their own, and of upgrades of what instances have already.

use super::*;
use crate::fabric::Kind;
use crate::fabric::public_ip_address::Sku;
use crate::fabric::terms::{IpVersion, Primary};

const NIC: &str = "spec.virtualMachineProfile.networkProfile.networkInterfaceConfigurations[0]";

fn automatic(replicas: u32) -> A<VirtualMachineScaleSet> {
    a_scale_set("api", replicas).upgrade(UpgradeMode::Automatic)
}

fn four_nics() -> [NicModel; 4] {
    [a_nic_model("a"), a_nic_model("b").secondary(), a_nic_model("c").secondary(), a_nic_model("d").secondary()]
}

// accepts VirtualMachineScaleSet VMSS-19
#[test]
fn a_size_that_takes_the_own_network_of_an_instance_is_accepted() {
    let mut fabric = a_farm().with_set(automatic(2).size("Standard_D8s_v3"));
    fabric.accept(an_instance("api", 1).network(four_nics()));
    fabric.accept(automatic(2).size("Standard_DS3_v2"));
    fabric.accept(automatic(1).size("Standard_D2s_v3"));
    assert_eq!(fabric.ids("api"), [0], "what goes with the same put needs not fit");
}

// refuses VirtualMachineScaleSet VMSS-19
#[test]
fn a_size_that_does_not_take_the_own_network_of_an_instance_is_refused_until_that_is_changed() {
    let mut fabric = a_farm().with_set(automatic(2).size("Standard_D8s_v3"));
    fabric.accept(an_instance("api", 1).network(four_nics()));
    let refusal = fabric.put(automatic(2).size("Standard_D2s_v3")).unwrap_err();
    assert_eq!(told(&refusal), [("VMSS-19", Code::NetworkInterfaceCountExceeded, "spec.sku.name")]);
    fabric.cure(&refusal, |fabric| fabric.accept(an_instance("api", 1)));
    fabric.accept(automatic(2).size("Standard_D2s_v3"));
}

#[test]
fn an_instance_is_judged_by_the_size_that_it_has() {
    let mut fabric = a_farm().with_set(a_scale_set("api", 1).size("Standard_D8s_v3"));
    let own = || an_instance("api", 0).network(four_nics());
    fabric.accept(own());
    fabric.accept(a_scale_set("api", 1).size("Standard_D2s_v3"));
    fabric.accept(own());
    let refusal = fabric.put(own().revision(2)).unwrap_err();
    let path = "spec.networkProfileConfiguration.networkInterfaceConfigurations";
    assert_eq!(told(&refusal), [("VMSS-07", Code::NetworkInterfaceCountExceeded, path)]);
}

fn with_address(sku: Sku) -> NicModel {
    let mut nic = a_nic_model("nic");
    nic.interface.configurations[0].public_ip_address = Some(a_public_model(sku));
    nic
}

#[test]
fn the_skus_of_a_set_and_of_an_instance_of_it_do_not_mix() {
    let mut fabric = a_farm().with_set(a_scale_set("api", 2).public(a_public_model(Sku::Standard)));
    let refusal = fabric.put(an_instance("api", 1).network([with_address(Sku::Basic)])).unwrap_err();
    let code = Code::DifferentSkuLoadBalancersAndPublicIPAddressNotAllowed;
    let path = "spec.networkProfileConfiguration.networkInterfaceConfigurations[0].ipConfigurations[0].publicIPAddressConfiguration.sku.name";
    assert_eq!(told(&refusal), [("PIP-19", code, path)]);
    fabric.cure(&refusal, |fabric| fabric.accept(a_scale_set("api", 2)));
    let refusal = fabric.put(an_instance("api", 1).network([with_address(Sku::Basic)])).unwrap_err();
    assert_eq!(told(&refusal), [("PIP-19", code, path)], "another instance has the older model");
    fabric.cure(&refusal, |fabric| fabric.accept(an_instance("api", 0).revision(2)));
    fabric.accept(an_instance("api", 1).network([with_address(Sku::Basic)]));
    let refusal = fabric.put(an_instance("api", 0).network([with_address(Sku::Standard)])).unwrap_err();
    assert_eq!(told(&refusal), [("PIP-19", code, path)], "nor those of two instances");
    let refusal = fabric.put(a_scale_set("api", 2).public(a_public_model(Sku::Standard))).unwrap_err();
    let path = format!("{NIC}.ipConfigurations[0].publicIPAddressConfiguration.sku.name");
    assert_eq!(told(&refusal), [("PIP-19", code, path.as_str())]);
    fabric.cure(&refusal, |fabric| fabric.accept(an_instance("api", 1)));
}

fn with_ipv6(set: A<VirtualMachineScaleSet>) -> A<VirtualMachineScaleSet> {
    set.nic(|nic| nic.interface.configurations.push(ipv6()))
}

fn ipv6() -> ConfigurationModel {
    ConfigurationModel { version: IpVersion::IPv6, ..a_configuration_model("six", Primary::No) }
}

// accepts VirtualMachineScaleSet IP6-05
#[test]
fn new_instances_have_ipv6_and_keep_it() {
    let mut fabric = a_farm().with_set(a_scale_set("api", 1));
    fabric.accept(with_ipv6(a_scale_set("api", 1)));
    fabric.delete(Kind::VirtualMachineScaleSetVM, "api-0").unwrap();
    fabric = fabric.with_set(with_ipv6(a_scale_set("api", 1)));
    fabric.accept(with_ipv6(automatic(2)).nic(|nic| nic.interface.ip_forwarding = crate::fabric::terms::Switch::On));
    assert_eq!(fabric.set_view("api").updated_replicas, Some(2));
}

// refuses VirtualMachineScaleSet IP6-05
#[test]
fn an_upgrade_that_adds_ipv6_to_what_is_attached_is_refused() {
    let mut fabric = a_farm().with_set(automatic(1));
    let refusal = fabric.put(with_ipv6(automatic(1))).unwrap_err();
    let path = format!("{NIC}.ipConfigurations[1].privateIPAddressVersion");
    assert_eq!(told(&refusal), [("IP6-05", Code::OperationNotAllowed, path.as_str())]);
    fabric.accept(with_ipv6(a_scale_set("api", 1)));
    let refusal = fabric.put(with_ipv6(automatic(1))).unwrap_err();
    assert_eq!(told(&refusal), [("IP6-05", Code::OperationNotAllowed, path.as_str())], "nor when the mode changes");
}

#[test]
fn an_upgrade_that_lacks_addresses_points_at_the_subnet() {
    let mut fabric = a_farm().with(a_subnet("small", "10.0.3.0/29")).with_set(automatic(4));
    let refusal = fabric.put(automatic(4).nics([a_nic_model("nic").in_subnet("small")])).unwrap_err();
    assert_eq!(told(&refusal), [("VMSS-29", Code::SubnetIsFull, format!("{NIC}.subnet").as_str())]);
    assert!(refusal.leading().remedy.starts_with("Choose a subnet"), "{}", refusal.leading().remedy);
}

#[test]
fn a_subnet_that_a_model_names_is_not_deleted() {
    let mut fabric = a_farm().with(a_scale_set("api", 0));
    let refusal = fabric.delete(Kind::Subnet, "web").unwrap_err();
    assert_eq!(told(&refusal), [("VNET-05", Code::InUseSubnetCannotBeDeleted, "metadata.deletionTimestamp")]);
    let moved = a_scale_set("api", 0).nics([a_nic_model("nic").in_subnet("back")]);
    fabric.cure(&refusal, |fabric| fabric.accept(moved));
    assert!(fabric.delete(Kind::Subnet, "web").unwrap());
    let refusal = fabric.delete(Kind::Subnet, "back").unwrap_err();
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::VirtualMachineScaleSet, "api").unwrap()));
    assert!(fabric.delete(Kind::Subnet, "back").unwrap());
}
