//! The rules of scale sets.

use super::*;
use crate::fabric::Kind;
use crate::fabric::public_ip_address::Sku;
use crate::fabric::terms::{Primary, Switch};
use crate::fabric::virtual_machine_scale_set_vm::VirtualMachineScaleSetVM;

const LIST: &str = "spec.virtualMachineProfile.networkProfile.networkInterfaceConfigurations";

fn nic_path(n: usize, field: &str) -> String {
    format!("{LIST}[{n}].{field}")
}

fn public_path(n: usize, field: &str) -> String {
    nic_path(n, &format!("ipConfigurations[0].publicIPAddressConfiguration.{field}"))
}

// accepts VirtualMachineScaleSet VMSS-26
#[test]
fn a_set_keeps_its_mode_and_changes_all_else() {
    let mut fabric = a_farm().with_set(a_scale_set("api", 1));
    fabric.accept(a_scale_set("api", 2).upgrade(UpgradeMode::Rolling).size("Standard_D8s_v3"));
}

// refuses VirtualMachineScaleSet VMSS-26
#[test]
fn the_orchestration_mode_is_fixed() {
    let refusal = a_farm().with_set(a_scale_set("api", 1)).put(a_scale_set("api", 1).flexible()).unwrap_err();
    assert_eq!(told(&refusal), [("VMSS-26", Code::PropertyChangeNotAllowed, "spec.orchestrationMode")]);
    assert!(refusal.stalls());
}

// accepts VirtualMachineScaleSet VMSS-01
#[test]
fn a_thousand_instances_are_accepted() {
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.0.0/16"));
    fabric.accept(a_scale_set("api", 1000));
    assert_eq!(fabric.set_view("api").instance_ids, "0-999");
}

// refuses VirtualMachineScaleSet VMSS-01
#[test]
fn more_than_a_thousand_instances_are_refused() {
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.0.0/16"));
    let refusal = fabric.put(a_scale_set("api", 1001)).unwrap_err();
    assert_eq!(told(&refusal), [("VMSS-01", Code::InvalidParameter, "spec.replicas")]);
}

// accepts VirtualMachineScaleSet ARM-10
#[test]
fn a_name_that_can_be_a_label_is_accepted() {
    a_farm().accept(a_scale_set(&"a".repeat(63), 1));
    a_farm().accept(a_scale_set(&"a".repeat(63), 0).flexible());
}

// refuses VirtualMachineScaleSet ARM-10
#[test]
fn names_that_are_too_long_for_what_is_made_are_refused() {
    let refusal = a_farm().put(a_scale_set(&"a".repeat(64), 1)).unwrap_err();
    assert_eq!(told(&refusal), [("ARM-10", Code::InvalidResourceName, "metadata.name")]);
    let long = a_nic_model("a-network-interface");
    let refusal = a_farm().put(a_scale_set(&"a".repeat(63), 1).flexible().nics([long])).unwrap_err();
    assert_eq!(told(&refusal), [("ARM-10", Code::InvalidResourceName, nic_path(0, "name").as_str())]);
}

// accepts VirtualMachineScaleSet PIP-15
#[test]
fn a_label_that_leaves_room_for_ids_is_accepted() {
    let label = |length: usize| a_public_model(Sku::Standard).label(&"l".repeat(length));
    a_farm().accept(a_scale_set("api", 0).flexible().public(label(54)));
    a_farm().accept(a_scale_set("api", 0).public(label(63)));
}

// refuses VirtualMachineScaleSet PIP-15
#[test]
fn a_label_that_leaves_no_room_for_ids_is_refused_of_a_flexible_set() {
    let label = a_public_model(Sku::Standard).label(&"l".repeat(55));
    let refusal = a_farm().put(a_scale_set("api", 0).flexible().public(label)).unwrap_err();
    let path = public_path(0, "dnsSettings.domainNameLabel");
    assert_eq!(told(&refusal), [("PIP-15", Code::InvalidDomainNameLabel, path.as_str())]);
}

// accepts VirtualMachineScaleSet VMSS-28
#[test]
fn a_batch_of_five_percent_is_accepted() {
    a_farm().accept(a_scale_set("api", 1).rolling(5, 0));
}

// refuses VirtualMachineScaleSet VMSS-28
#[test]
fn a_batch_of_less_than_five_percent_is_refused() {
    let refusal = a_farm().put(a_scale_set("api", 1).rolling(4, 0)).unwrap_err();
    let path = "spec.upgradePolicy.rollingUpgradePolicy.maxBatchInstancePercent";
    assert_eq!(told(&refusal), [("VMSS-28", Code::InvalidParameter, path)]);
}

// accepts VirtualMachineScaleSet VMSS-30
#[test]
fn network_interfaces_with_several_configurations_are_accepted() {
    let fabric = a_farm().with_set(a_scale_set("api", 2).nic(|nic| {
        nic.interface.configurations.push(a_configuration_model("second", Primary::No));
        nic.interface.configurations[0].public_ip_address = Some(a_public_model(Sku::Standard));
    }));
    assert_eq!(fabric.addresses_of("api", 1), ["10.0.1.6", "10.0.1.7"]);
}

// refuses VirtualMachineScaleSet VMSS-30
#[test]
fn the_rules_of_network_interfaces_hold_for_those_of_instances() {
    let mut fabric = a_farm();
    let refusal = fabric.put(a_scale_set("api", 1).nics([a_nic_model("nic").in_subnet("none")])).unwrap_err();
    assert_eq!(told(&refusal), [("NIC-03", Code::InvalidResourceReference, nic_path(0, "subnet").as_str())]);
    fabric.cure(&refusal, |fabric| fabric.accept(a_subnet("none", "10.0.9.0/24")));
    let two =
        a_scale_set("api", 1).nic(|nic| nic.interface.configurations.push(a_configuration_model("ip2", Primary::Yes)));
    let refusal = fabric.put(two).unwrap_err();
    let path = nic_path(0, "ipConfigurations[1].primary");
    assert_eq!(told(&refusal), [("IPC-02", Code::InvalidParameter, path.as_str())]);
    let refusal = fabric.put(a_scale_set("api", 1).public(a_public_model(Sku::Basic).from("pool"))).unwrap_err();
    let path = public_path(0, "publicIPPrefix");
    let missing = ("PIP-16", Code::InvalidResourceReference, path.as_str());
    assert_eq!(told(&refusal), [("S-19", Code::PublicIPPrefixSkuMismatch, path.as_str()), missing]);
    let mut public = a_public_model(Sku::Basic);
    public.idle_timeout_minutes = 31;
    let refusal = fabric.put(a_scale_set("api", 1).public(public)).unwrap_err();
    let path = public_path(0, "idleTimeoutInMinutes");
    assert_eq!(told(&refusal), [("PIP-13", Code::PublicIPIdleTimeoutIsOutOfRange, path.as_str())]);
    assert_ne!(told(&refusal), [("VMSS-30", Code::InvalidParameter, LIST)], "the id is that of the broken rule");
}

// accepts VirtualMachineScaleSet VMSS-07
#[test]
fn as_many_network_interfaces_as_the_size_takes_are_accepted() {
    a_farm()
        .accept(a_scale_set("api", 1).size("Standard_D2s_v3").nics([a_nic_model("a"), a_nic_model("b").secondary()]));
}

// refuses VirtualMachineScaleSet VMSS-07
#[test]
fn more_network_interfaces_than_the_size_takes_are_refused() {
    let three = [a_nic_model("a"), a_nic_model("b").secondary(), a_nic_model("c").secondary()];
    let refusal = a_farm().put(a_scale_set("api", 1).size("Standard_D2s_v3").nics(three)).unwrap_err();
    assert_eq!(told(&refusal), [("VMSS-07", Code::NetworkInterfaceCountExceeded, LIST)]);
    let refusal = a_farm().put(a_scale_set("api", 1).nics([])).unwrap_err();
    assert_eq!(told(&refusal), [("VMSS-07", Code::InvalidParameter, LIST)]);
}

fn two_configurations(first: (&str, Primary), second: (&str, Primary)) -> A<VirtualMachineScaleSet> {
    let both = vec![a_configuration_model(first.0, first.1), a_configuration_model(second.0, second.1)];
    a_scale_set("api", 1).nic(|nic| nic.interface.configurations = both)
}

// accepts VirtualMachineScaleSet IPC-02
#[test]
fn one_of_several_configurations_of_a_model_is_primary_and_the_only_one_is() {
    a_farm().accept(two_configurations(("a", Primary::No), ("b", Primary::Yes)));
    let only = |nic: &mut NicModel| {
        nic.primary = Primary::No;
        nic.interface.configurations[0].primary = Primary::No;
    };
    a_farm().with_set(a_scale_set("api", 1).nic(only));
}

// refuses VirtualMachineScaleSet IPC-02
#[test]
fn several_configurations_of_a_model_of_which_none_is_primary_are_refused() {
    let refusal = a_farm().put(two_configurations(("a", Primary::No), ("b", Primary::No))).unwrap_err();
    let code = Code::VMScaleSetNetworkInterfaceConfigurationMustHaveOneIpConfigAsPrimary;
    assert_eq!(told(&refusal), [("IPC-02", code, nic_path(0, "ipConfigurations").as_str())]);
    assert!(refusal.stalls());
}

// accepts VirtualMachineScaleSet IPC-10
#[test]
fn objects_are_named_in_lower_case_after_names_with_upper_case_letters() {
    let named = |set: A<VirtualMachineScaleSet>| {
        set.nic(|nic| {
            nic.name = "myVmssFlexNicConfig01".into();
            nic.interface.configurations[0].name = "myIpConfig".into();
            nic.interface.configurations[0].public_ip_address = Some(a_public_model(Sku::Standard));
        })
    };
    let fabric = a_farm().with_set(named(a_scale_set("api", 1)));
    let shown = fabric.view::<VirtualMachineScaleSetVM>("api-0").network_interfaces.remove(0);
    assert_eq!(
        (shown.name.as_str(), shown.ip_configurations[0].name.as_str()),
        ("myVmssFlexNicConfig01", "myIpConfig")
    );
    let fabric = a_farm().with(named(a_scale_set("api", 1).flexible()));
    let children = crate::api::children::of_instance(&fabric.engine, &crate::fabric::testing::named("api"), 0);
    let names: Vec<&str> = children.iter().map(|child| &*child.id.name.name).collect();
    assert_eq!(names, ["api-0-myvmssflexnicconfig01-myipconfig", "api-0-myvmssflexnicconfig01", "api-0"]);
}

// refuses VirtualMachineScaleSet IPC-10
#[test]
fn names_that_differ_in_letter_case_alone_are_refused() {
    for name in ["a", "A"] {
        let two = [a_nic_model("a"), a_nic_model(name).secondary()];
        for set in [a_scale_set("api", 1).nics(two.clone()), a_scale_set("api", 1).flexible().nics(two.clone())] {
            let refusal = a_farm().put(set).unwrap_err();
            assert_eq!(told(&refusal), [("IPC-10", Code::DuplicateResourceName, nic_path(1, "name").as_str())]);
        }
    }
    let refusal = a_farm().put(two_configurations(("ip", Primary::Yes), ("IP", Primary::No))).unwrap_err();
    let path = nic_path(0, "ipConfigurations[1].name");
    assert_eq!(told(&refusal), [("IPC-10", Code::DuplicateResourceName, path.as_str())]);
}

// accepts VirtualMachineScaleSet VMSS-47
#[test]
fn the_sku_of_public_addresses_changes_with_the_configuration_removed_and_added_again() {
    for mode in [UpgradeMode::Automatic, UpgradeMode::Rolling] {
        let set = || a_scale_set("api", 2).upgrade(mode);
        let mut fabric = a_farm().with_set(set().public(a_public_model(Sku::Basic)));
        for _ in 0..2 {
            fabric.accept(set());
        }
        fabric.accept(set().public(a_public_model(Sku::Standard)));
    }
}

// refuses VirtualMachineScaleSet VMSS-47
#[test]
fn the_sku_of_public_addresses_does_not_change_in_any_mode() {
    for mode in [UpgradeMode::Manual, UpgradeMode::Automatic, UpgradeMode::Rolling] {
        for set in [a_scale_set("api", 1).upgrade(mode), a_scale_set("api", 1).upgrade(mode).flexible()] {
            let mut fabric = a_farm().with(set.clone().public(a_public_model(Sku::Basic)));
            let refusal = fabric.put(set.clone().public(a_public_model(Sku::Standard))).unwrap_err();
            let path = public_path(0, "sku.name");
            let fixed = ("VMSS-47", Code::SkuCannotBeUpdatedOnVMSSPublicIpAddresses, path.as_str());
            assert_eq!(told(&refusal)[0], fixed);
            assert!(refusal.stalls());
            assert!(refusal.leading().remedy.contains("remove publicIPAddressConfiguration, upgrade all instances"));
        }
    }
}

// accepts VirtualMachineScaleSet PIP-25
#[test]
fn a_label_of_a_model_without_reserved_words_is_accepted() {
    a_farm().accept(a_scale_set("api", 1).public(a_public_model(Sku::Standard).label("mylinuxservers")));
}

// refuses VirtualMachineScaleSet PIP-25
#[test]
fn a_label_of_a_model_with_a_reserved_word_is_refused() {
    let label = a_public_model(Sku::Standard).label("mywindowsservers225");
    let refusal = a_farm().put(a_scale_set("api", 1).public(label)).unwrap_err();
    let path = public_path(0, "dnsSettings.domainNameLabel");
    assert_eq!(told(&refusal), [("PIP-25", Code::DomainNameLabelReserved, path.as_str())]);
    assert!(refusal.stalls());
}

// accepts VirtualMachineScaleSet VM-09
#[test]
fn one_primary_network_interface_is_accepted() {
    a_farm().accept(a_scale_set("api", 1).nics([a_nic_model("a").secondary(), a_nic_model("b")]));
}

// refuses VirtualMachineScaleSet VM-09
#[test]
fn no_or_two_primary_network_interfaces_are_refused() {
    let refusal = a_farm().put(a_scale_set("api", 1).nics([a_nic_model("a"), a_nic_model("b")])).unwrap_err();
    assert_eq!(told(&refusal), [("VM-09", Code::InvalidParameter, LIST)]);
    let none = [a_nic_model("a").secondary(), a_nic_model("b").secondary()];
    let refusal = a_farm().put(a_scale_set("api", 1).nics(none)).unwrap_err();
    assert_eq!(told(&refusal), [("VM-09", Code::NetworkInterfaceMustHavePrimaryPropertySet, LIST)]);
}

/// Another network, with a subnet `far`.
fn two_networks() -> Fabric {
    a_farm().with(a_network("other").prefixes(["192.168.0.0/16"])).with(a_subnet("far", "192.168.0.0/24").of("other"))
}

// accepts VirtualMachineScaleSet VMSS-13
#[test]
fn network_interfaces_in_two_subnets_of_one_network_are_accepted() {
    a_farm().accept(a_scale_set("api", 1).nics([a_nic_model("a"), a_nic_model("b").secondary().in_subnet("back")]));
}

// refuses VirtualMachineScaleSet VMSS-13
#[test]
fn network_interfaces_in_two_networks_are_refused() {
    let two = [a_nic_model("a"), a_nic_model("b").secondary().in_subnet("far")];
    let refusal = two_networks().put(a_scale_set("api", 1).nics(two)).unwrap_err();
    assert_eq!(told(&refusal), [("VMSS-13", Code::SubnetsNotInSameVnet, nic_path(1, "subnet").as_str())]);
}

// accepts VirtualMachineScaleSet VMSS-12
#[test]
fn a_set_moves_to_another_subnet_of_its_network() {
    a_farm().with_set(a_scale_set("api", 1)).accept(a_scale_set("api", 1).nics([a_nic_model("nic").in_subnet("back")]));
}

// refuses VirtualMachineScaleSet VMSS-12
#[test]
fn a_set_never_moves_to_another_network() {
    let mut fabric = two_networks().with_set(a_scale_set("api", 1));
    let refusal = fabric.put(a_scale_set("api", 1).nics([a_nic_model("nic").in_subnet("far")])).unwrap_err();
    let code = Code::VMScaleSetCannotBeUpdatedToReferenceSubnetsFromDifferentVirtualNetworks;
    assert_eq!(told(&refusal), [("VMSS-12", code, nic_path(0, "subnet").as_str())]);
    assert!(refusal.stalls());
}

fn secondaries(count: usize) -> A<VirtualMachineScaleSet> {
    a_scale_set("api", 1).nic(|nic| {
        nic.interface.configurations.extend((0..count).map(|n| a_configuration_model(&format!("s{n}"), Primary::No)));
    })
}

// accepts VirtualMachineScaleSet VMSS-17
#[test]
fn an_instance_with_256_secondary_configurations_is_accepted() {
    a_fabric().with(a_subnet("web", "10.0.0.0/16")).accept(secondaries(256));
}

// refuses VirtualMachineScaleSet VMSS-17
#[test]
fn an_instance_with_257_secondary_configurations_is_refused() {
    let refusal = a_fabric().with(a_subnet("web", "10.0.0.0/16")).put(secondaries(257)).unwrap_err();
    assert_eq!(told(&refusal), [("VMSS-17", Code::SecondaryIpConfigurationCountPerVMSSVMExceeded, LIST)]);
}

// accepts VirtualMachineScaleSet VMSS-23
#[test]
fn accelerated_networking_of_a_size_that_supports_it_is_accepted() {
    a_farm().accept(a_scale_set("api", 1).nic(|nic| nic.interface.accelerated_networking = Switch::On));
}

// refuses VirtualMachineScaleSet VMSS-23
#[test]
fn accelerated_networking_of_a_size_that_does_not_support_it_is_refused() {
    let set = a_scale_set("api", 1).size("Standard_B2s").nic(|nic| nic.interface.accelerated_networking = Switch::On);
    let refusal = a_farm().put(set).unwrap_err();
    let code = Code::VMSizeIsNotPermittedToEnableAcceleratedNetworkingForVmss;
    let path = nic_path(0, "enableAcceleratedNetworking");
    assert_eq!(told(&refusal), [("VMSS-23", code, path.as_str())]);
}

fn with_public(first: PublicModel, second: PublicModel) -> A<VirtualMachineScaleSet> {
    let mut nics = [a_nic_model("a"), a_nic_model("b").secondary()];
    nics[0].interface.configurations[0].public_ip_address = Some(first);
    nics[1].interface.configurations[0].public_ip_address = Some(second);
    a_scale_set("api", 1).nics(nics)
}

// accepts VirtualMachineScaleSet PIP-19
#[test]
fn public_addresses_of_one_sku_are_accepted() {
    a_farm().accept(with_public(a_public_model(Sku::Standard), a_public_model(Sku::Standard)));
}

// refuses VirtualMachineScaleSet PIP-19
#[test]
fn public_addresses_of_two_skus_are_refused() {
    let refusal = a_farm().put(with_public(a_public_model(Sku::Standard), a_public_model(Sku::Basic))).unwrap_err();
    let code = Code::DifferentSkuLoadBalancersAndPublicIPAddressNotAllowed;
    assert_eq!(told(&refusal), [("PIP-19", code, public_path(1, "sku.name").as_str())]);
}

// accepts VirtualMachineScaleSet VMSS-09
#[test]
fn two_labels_in_one_model_are_accepted() {
    let (one, two) = (a_public_model(Sku::Standard).label("one"), a_public_model(Sku::Standard).label("two"));
    a_farm().accept(with_public(one, two));
}

// refuses VirtualMachineScaleSet VMSS-09
#[test]
fn a_label_that_is_used_twice_or_by_another_is_refused() {
    let label = || a_public_model(Sku::Standard).label("mine");
    let refusal = a_farm().put(with_public(label(), label())).unwrap_err();
    let path = public_path(1, "dnsSettings.domainNameLabel");
    assert_eq!(told(&refusal), [("VMSS-09", Code::DnsRecordInUse, path.as_str())]);
    let mut fabric = a_farm().with(a_public_ip("p").label("mine"));
    let refusal = fabric.put(a_scale_set("api", 1).public(label())).unwrap_err();
    let path = public_path(0, "dnsSettings.domainNameLabel");
    assert_eq!(told(&refusal), [("VMSS-09", Code::DnsRecordInUse, path.as_str())]);
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::PublicIPAddress, "p").unwrap()));
    fabric.accept(a_scale_set("api", 1).public(label()));
    let refusal = fabric.put(a_public_ip("p").label("mine")).unwrap_err();
    assert_eq!(refusal.codes(), [Code::DnsRecordInUse], "and the other way round");
    fabric.cure(&refusal, |fabric| fabric.accept(a_scale_set("api", 0)));
}

// accepts VirtualMachineScaleSet VMSS-29
#[test]
fn a_set_that_just_fits_is_accepted() {
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.1.0/28"));
    fabric.accept(a_scale_set("api", 11));
    assert_eq!(fabric.available("web"), 0);
}

// refuses VirtualMachineScaleSet VMSS-29
#[test]
fn a_scale_out_that_does_not_fit_changes_nothing_and_says_how_many_it_requires() {
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.1.0/28")).with(a_nic("n")).with(a_scale_set("api", 2));
    let refusal = fabric.put(a_scale_set("api", 12)).unwrap_err();
    assert_eq!(told(&refusal), [("VMSS-29", Code::SubnetIsFull, "spec.replicas")]);
    let fact = "10 more addresses of Subnet prod/";
    assert!(refusal.leading().message.starts_with(fact), "{}", refusal.leading().message);
    assert_eq!(fabric.ids("api"), [0, 1]);
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::NetworkInterface, "n").unwrap()));
    fabric.accept(a_scale_set("api", 11));
}

#[test]
fn an_upgrade_of_all_that_does_not_fit_is_refused() {
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.1.0/24")).with(a_subnet("back", "10.0.2.0/29"));
    fabric = fabric.with_set(a_scale_set("api", 4).upgrade(UpgradeMode::Automatic));
    let moved = |mode| a_scale_set("api", 4).upgrade(mode).nics([a_nic_model("nic").in_subnet("back")]);
    let refusal = fabric.put(moved(UpgradeMode::Automatic)).unwrap_err();
    assert_eq!(told(&refusal), [("VMSS-29", Code::SubnetIsFull, nic_path(0, "subnet").as_str())]);
    fabric.accept(moved(UpgradeMode::Manual));
}

#[test]
fn public_addresses_of_instances_are_all_there_or_none() {
    let set = |count| a_scale_set("api", count).public(a_public_model(Sku::Standard).from("pool"));
    let mut fabric = a_farm().with(a_prefix("pool", 31));
    let refusal = fabric.put(set(3)).unwrap_err();
    assert_eq!(told(&refusal), [("VMSS-29", Code::PublicIPPrefixExhausted, "spec.replicas")]);
    fabric.accept(set(2));
}

// accepts deletion of VirtualMachineScaleSet S-13
#[test]
fn a_set_without_instances_is_deleted() {
    let mut fabric = a_farm().with_set(a_scale_set("api", 0));
    assert!(fabric.delete(Kind::VirtualMachineScaleSet, "api").unwrap());
}

// refuses deletion of VirtualMachineScaleSet S-13
#[test]
fn a_set_with_instances_waits_for_them() {
    let mut fabric = a_farm().with_set(a_scale_set("api", 1));
    let refusal = fabric.delete(Kind::VirtualMachineScaleSet, "api").unwrap_err();
    assert_eq!(told(&refusal), [("S-13", Code::OperationNotAllowed, "metadata.deletionTimestamp")]);
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::VirtualMachineScaleSetVM, "api-0").unwrap()));
    assert!(fabric.delete(Kind::VirtualMachineScaleSet, "api").unwrap());
}

/// A set whose instances have two network interfaces, with this many configurations in all.
fn with_configurations(count: usize) -> A<VirtualMachineScaleSet> {
    let mut first = a_nic_model("a");
    first.interface.configurations.extend((2..count).map(|n| a_configuration_model(&format!("s{n}"), Primary::No)));
    a_scale_set("api", 1).flexible().nics([first, a_nic_model("b").secondary()])
}

// accepts VirtualMachineScaleSet IPC-15
#[test]
fn a_machine_of_a_flexible_set_has_256_configurations() {
    a_fabric().with(a_subnet("web", "10.0.0.0/16")).accept(with_configurations(256));
}

// refuses VirtualMachineScaleSet IPC-15
#[test]
fn more_configurations_than_a_machine_may_have_are_refused_of_a_flexible_set() {
    let refusal = a_fabric().with(a_subnet("web", "10.0.0.0/16")).put(with_configurations(257)).unwrap_err();
    assert_eq!(told(&refusal), [("IPC-15", Code::InvalidParameter, LIST)]);
}

/// Two network interfaces, whose public addresses would be called `<set>-<id>-a-b-c` both.
fn with_alike_names() -> A<VirtualMachineScaleSet> {
    let mut nics = [a_nic_model("a"), a_nic_model("a-b").secondary()];
    for (nic, name) in nics.iter_mut().zip(["b-c", "c"]) {
        nic.interface.configurations[0].name = name.into();
        nic.interface.configurations[0].public_ip_address = Some(a_public_model(Sku::Standard));
    }
    a_scale_set("api", 1).nics(nics)
}

// accepts VirtualMachineScaleSet S-33
#[test]
fn configurations_whose_names_join_alike_are_accepted_of_a_uniform_set() {
    a_farm().accept(with_alike_names());
}

// refuses VirtualMachineScaleSet S-33
#[test]
fn public_addresses_of_one_name_are_refused_of_a_flexible_set() {
    let refusal = a_farm().put(with_alike_names().flexible()).unwrap_err();
    let path = nic_path(1, "ipConfigurations[0].name");
    assert_eq!(told(&refusal), [("S-33", Code::DuplicateResourceName, path.as_str())]);
}
