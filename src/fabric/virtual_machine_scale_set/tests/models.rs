//! Models that instances still have: what they name stays, and what they have does not mix with what is new.

use super::*;
use crate::fabric::Kind;
use crate::fabric::public_ip_address::Sku;
use crate::fabric::virtual_machine_scale_set_vm::VirtualMachineScaleSetVM;

fn back() -> NicModel {
    a_nic_model("nic").in_subnet("back")
}

/// Instance 0 has a network of its own in `back`, and a model that names `web`; the latest model names `back` alone.
fn with_a_kept_model() -> Fabric {
    let mut fabric = a_farm().with_set(a_scale_set("api", 1));
    fabric.accept(an_instance("api", 0).network([back()]));
    fabric.accept(a_scale_set("api", 1).nics([back()]));
    fabric
}

#[test]
fn a_subnet_that_a_kept_model_names_is_not_deleted_until_no_instance_has_it() {
    let mut fabric = with_a_kept_model();
    let refusal = fabric.delete(Kind::Subnet, "web").unwrap_err();
    assert_eq!(told(&refusal), [("VNET-05", Code::InUseSubnetCannotBeDeleted, "metadata.deletionTimestamp")]);
    fabric.accept(an_instance("api", 0).network([back()]));
    fabric.cure(&refusal, |fabric| fabric.accept(an_instance("api", 0).network([back()]).revision(2)));
    assert!(fabric.delete(Kind::Subnet, "web").unwrap());
}

#[test]
fn a_subnet_that_only_a_kept_model_names_goes_with_the_set() {
    let mut fabric = with_a_kept_model();
    let refusal = fabric.delete(Kind::Subnet, "web").unwrap_err();
    fabric.cure(&refusal, |fabric| {
        fabric.delete(Kind::VirtualMachineScaleSetVM, "api-0").unwrap();
        fabric.delete(Kind::VirtualMachineScaleSet, "api").unwrap();
    });
    assert!(fabric.delete(Kind::Subnet, "web").unwrap());
}

fn from_the_pool(replicas: u32) -> A<VirtualMachineScaleSet> {
    a_scale_set("api", replicas).public(a_public_model(Sku::Standard).from("pool"))
}

#[test]
fn a_public_prefix_that_a_model_names_is_not_deleted() {
    let mut fabric = a_farm().with(a_prefix("pool", 30)).with(from_the_pool(0));
    let refusal = fabric.delete(Kind::PublicIPPrefix, "pool").unwrap_err();
    assert_eq!(told(&refusal), [("S-19", Code::InUsePublicIpPrefixCannotBeDeleted, "metadata.deletionTimestamp")]);
    let blockers: Vec<_> = refusal.leading().blocked_by.iter().map(ToString::to_string).collect();
    assert_eq!(blockers, ["VirtualMachineScaleSet prod/api"]);
    fabric.cure(&refusal, |fabric| fabric.accept(a_scale_set("api", 0)));
    assert!(fabric.delete(Kind::PublicIPPrefix, "pool").unwrap());
}

/// Its instances make way as the set does, and no user can delete what they consist of.
#[test]
fn a_subnet_and_a_prefix_that_instances_are_in_say_that_the_set_is_in_the_way() {
    let mut fabric = a_farm().with(a_prefix("pool", 30)).with_set(from_the_pool(2));
    for (kind, name) in [(Kind::Subnet, "web"), (Kind::PublicIPPrefix, "pool")] {
        let refusal = fabric.delete(kind, name).unwrap_err();
        let told: Vec<_> = refusal.violations().iter().map(|told| (&*told.message, &*told.remedy)).collect();
        let remedy = "Delete VirtualMachineScaleSet prod/api, or change its model; this is then deleted automatically.";
        assert_eq!(told, [("The model of VirtualMachineScaleSet prod/api names it.", remedy)]);
        assert_eq!(refusal.leading().blocked_by, [ObjectId::new(Kind::VirtualMachineScaleSet, named("api"))]);
    }
    let refusal = fabric.delete(Kind::Subnet, "web").unwrap_err();
    fabric.cure(&refusal, |fabric| fabric.accept(a_scale_set("api", 0).nics([back()])));
    assert!(fabric.delete(Kind::Subnet, "web").unwrap());
}

/// As after a restart for which the record of the subnet is lost.
fn without_the_subnet(fabric: &Fabric, subnet: &str) -> Fabric {
    use crate::fabric::tests::restored::{records, restored};
    let mut records = records(&fabric.engine);
    records.retain(|(kind, name, _)| (*kind, name) != (Kind::Subnet, &named(subnet)));
    let (engine, _) = restored(&fabric.engine, records);
    fabric.on(engine)
}

#[test]
fn an_instance_takes_up_no_model_whose_subnet_is_lost() {
    let fabric = a_farm().with_set(a_scale_set("api", 1)).with(a_scale_set("api", 1).nics([back()]));
    let mut fabric = without_the_subnet(&fabric, "back");
    let refusal = fabric.put(an_instance("api", 0).revision(2)).unwrap_err();
    assert_eq!(told(&refusal), [("NIC-03", Code::InvalidResourceReference, "spec.revision")]);
    fabric.cure(&refusal, |fabric| fabric.accept(a_subnet("back", "10.0.2.0/24")));
    fabric.accept(an_instance("api", 0).revision(2));
}

#[test]
fn an_upgrade_waits_for_a_subnet_that_is_lost() {
    let rolling = |set: A<VirtualMachineScaleSet>| set.rolling(50, 10);
    let fabric = a_farm().with_set(rolling(a_scale_set("api", 2)));
    let fabric = fabric.with(rolling(a_scale_set("api", 2).nics([back()])));
    assert_eq!(fabric.set_view("api").updated_replicas, Some(1));
    let mut fabric = a_lost_subnet(&fabric);
    fabric.advance(1000);
    assert_eq!((fabric.set_view("api").updated_replicas, fabric.progress_of("api")), (Some(1), Some("UpgradeBlocked")));
}

/// The first instance is in another subnet by now, so that the model alone names the one that is lost.
fn a_lost_subnet(fabric: &Fabric) -> Fabric {
    let mut fabric = fabric.clone();
    fabric.accept(an_instance("api", 0).network([a_nic_model("nic")]));
    without_the_subnet(&fabric, "back")
}

const SKU: &str = "spec.virtualMachineProfile.networkProfile.networkInterfaceConfigurations[0].ipConfigurations[0].publicIPAddressConfiguration.sku.name";

fn with_sku(replicas: u32, sku: Sku) -> A<VirtualMachineScaleSet> {
    a_scale_set("api", replicas).public(a_public_model(sku))
}

#[test]
fn a_model_of_another_sku_waits_until_no_instance_has_the_older_one() {
    let code = Code::DifferentSkuLoadBalancersAndPublicIPAddressNotAllowed;
    for mode in [UpgradeMode::Manual, UpgradeMode::Rolling] {
        let mut fabric = a_farm().with_set(with_sku(1, Sku::Basic));
        let refusal = fabric.put(with_sku(2, Sku::Standard).upgrade(mode)).unwrap_err();
        let fixed = ("VMSS-47", Code::SkuCannotBeUpdatedOnVMSSPublicIpAddresses, SKU);
        assert_eq!(told(&refusal), [fixed, ("PIP-19", code, SKU)]);
        fabric.accept(a_scale_set("api", 1));
        let refusal = fabric.put(with_sku(2, Sku::Standard).upgrade(mode)).unwrap_err();
        assert_eq!(told(&refusal), [("PIP-19", code, SKU)], "the instance has its older model still");
        fabric.cure(&refusal, |fabric| fabric.accept(an_instance("api", 0).revision(2)));
        fabric.accept(with_sku(2, Sku::Standard).upgrade(mode));
    }
}

#[test]
fn two_upgrades_of_all_at_once_change_the_sku() {
    let mut fabric = a_farm().with_set(with_sku(2, Sku::Basic));
    fabric.accept(a_scale_set("api", 2).upgrade(UpgradeMode::Automatic));
    fabric.accept(with_sku(2, Sku::Standard).upgrade(UpgradeMode::Automatic));
    fabric.accept(with_sku(3, Sku::Standard).upgrade(UpgradeMode::Automatic));
    assert_eq!(fabric.set_view("api").updated_replicas, Some(3));
}

#[test]
fn an_instance_does_not_return_to_an_older_model_of_another_sku() {
    let mut fabric = a_farm().with_set(with_sku(1, Sku::Basic));
    fabric.accept(an_instance("api", 0).network([a_nic_model("nic")]));
    fabric.accept(a_scale_set("api", 1));
    fabric.accept(with_sku(1, Sku::Standard));
    let refusal = fabric.put(an_instance("api", 0)).unwrap_err();
    let code = Code::DifferentSkuLoadBalancersAndPublicIPAddressNotAllowed;
    assert_eq!(told(&refusal), [("PIP-19", code, "spec.networkProfileConfiguration")]);
    fabric.accept(an_instance("api", 0).revision(3));
    assert_eq!(fabric.get::<VirtualMachineScaleSetVM>("api-0").ask.network, None);
}

#[test]
fn the_oldest_revision_is_one_that_an_instance_has_or_is_to_have() {
    let mut fabric = a_farm().with_set(a_scale_set("api", 0).flexible());
    fabric.accept(a_scale_set("api", 0).flexible().size("Standard_D8s_v3"));
    fabric.accept(a_scale_set("api", 1).flexible().size("Standard_D8s_v3"));
    let view = fabric.set_view("api");
    assert_eq!((view.current_revision.as_deref(), view.update_revision.as_deref()), (Some("2"), Some("2")));
}
