//! The effects of scaling: ids, names, addresses, and what is released.

use super::*;
use crate::fabric::Kind;
use crate::fabric::public_ip_address::Sku;
use crate::fabric::virtual_machine::{DesiredPowerState, PowerState};

// shows VMSS-16
#[test]
fn instances_are_named_and_counted_and_get_the_lowest_addresses() {
    let fabric = a_farm().with_set(a_scale_set("api", 3));
    let view = fabric.set_view("api");
    assert_eq!((view.instance_ids.as_str(), view.next_instance_id), ("0-2", Some(3)));
    assert_eq!((view.replicas, view.ready_replicas, view.updated_replicas), (Some(3), Some(3), Some(3)));
    assert_eq!(view.selector.as_deref(), Some("vnet.dev/scale-set=api"));
    assert_eq!(fabric.addresses_of("api", 0), ["10.0.1.4"]);
    assert_eq!(fabric.addresses_of("api", 2), ["10.0.1.6"]);
    let instance = fabric.instance_view("api", 1);
    assert_eq!((instance.name.as_deref(), instance.computer_name.as_deref()), (Some("api_1"), Some("host000001")));
    assert_eq!(instance.power_state, Some(PowerState::Running));
    assert!(instance.network_interfaces[0].mac_address.is_some());
    assert_eq!(fabric.progress_of("api"), None);
}

#[test]
fn a_set_is_not_ready_before_the_objects_of_its_instances_are_there() {
    let mut fabric = a_farm().with(a_scale_set("api", 2));
    assert_eq!((fabric.progress_of("api"), fabric.set_view("api").ready_replicas), (Some("Scaling"), Some(0)));
    fabric.show("api");
    assert_eq!((fabric.progress_of("api"), fabric.set_view("api").ready_replicas), (None, Some(2)));
}

#[test]
fn computer_names_count_in_base_36() {
    let model = a_scale_set("api", 1).ask.model;
    assert_eq!(model.computer_name(0), "host000000");
    assert_eq!(model.computer_name(35), "host00000Z");
    assert_eq!(model.computer_name(36), "host000010");
}

// shows S-27
#[test]
fn the_highest_ids_go_first_and_no_id_is_used_again() {
    let mut fabric = a_farm().with_set(a_scale_set("api", 4));
    fabric.accept(a_scale_set("api", 2));
    assert_eq!(fabric.ids("api"), [0, 1]);
    assert_eq!(fabric.available("web"), 251 - 2);
    fabric.accept(a_scale_set("api", 3));
    assert_eq!(fabric.ids("api"), [0, 1, 4]);
}

#[test]
fn an_instance_whose_object_is_deleted_is_replaced_under_a_new_id() {
    let mut fabric = a_farm().with_set(a_scale_set("api", 3));
    let keys = fabric.woken_by(|fabric| assert!(fabric.delete(Kind::VirtualMachineScaleSetVM, "api-1").unwrap()));
    assert_eq!(fabric.ids("api"), [0, 2]);
    let awaited = VirtualMachineScaleSet::retry_keys(&fabric.engine, &named("api"), fabric.get("api"));
    assert!(!keys.is_disjoint(&awaited), "the set is put again");
    fabric.accept(a_scale_set("api", 3));
    assert_eq!(fabric.ids("api"), [0, 2, 3]);
    fabric.show("api");
    assert_eq!(fabric.addresses_of("api", 3), ["10.0.1.5"]);
}

/// A refused edit changes nothing, and what was accepted is kept up.
#[test]
fn an_instance_that_goes_while_an_edit_is_refused_is_replaced() {
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.1.0/28")).with_set(a_scale_set("api", 3));
    fabric.put(a_scale_set("api", 17)).unwrap_err();
    fabric.delete(Kind::VirtualMachineScaleSetVM, "api-1").unwrap();
    fabric.put(a_scale_set("api", 17)).unwrap_err();
    assert_eq!(fabric.engine.keep_up(&named("api")), None);
    fabric.engine.assert_consistent();
    assert_eq!(fabric.ids("api"), [0, 2, 3]);
    let all = Vec::from_iter((0..9).map(|n| format!("n{n}")));
    fabric.delete(Kind::VirtualMachineScaleSetVM, "api-2").unwrap();
    all.iter().for_each(|name| fabric.accept(a_nic(name)));
    let lacks = fabric.engine.keep_up(&named("api")).unwrap();
    assert_eq!(told(&lacks), [("VMSS-29", Code::SubnetIsFull, "spec.replicas")]);
    assert_eq!(fabric.ids("api"), [0, 3], "there is no room for another");
}

#[test]
fn the_first_hundred_instances_are_listed() {
    let fabric = a_farm().with(a_scale_set("api", 101));
    let listed = fabric.set_view("api").instances;
    assert_eq!((listed.len(), listed[99].instance_id.as_str()), (100, "99"));
}

// shows S-40
#[test]
fn a_set_tells_the_instances_whose_objects_are_not_there_yet() {
    let mut fabric = a_farm().with(a_scale_set("api", 3));
    fabric.accept(an_instance("api", 1));
    assert_eq!(fabric.set_view("api").pending_instance_ids, "0,2");
    fabric.show("api");
    assert_eq!(fabric.set_view("api").pending_instance_ids, "");
}

#[test]
fn an_id_whose_object_has_vanished_is_given_up_and_one_whose_object_is_not_made_yet_is_kept() {
    let mut view = a_farm().with(a_scale_set("api", 4)).set_view("api");
    view.pending_instance_ids = "2".to_owned();
    assert_eq!(view.give_up(|id| id == 0), [1, 3]);
    assert_eq!((view.instance_ids.as_str(), view.next_instance_id), ("0,2", Some(4)));
}

#[test]
fn what_is_in_the_way_of_an_instance_is_told() {
    let mut fabric = a_farm().with(a_scale_set("api", 1));
    let other = crate::fabric::ObjectId::new(Kind::VirtualMachineScaleSetVM, named("api-0"));
    fabric.engine.note_obstacle(&named("api"), 0, Some(Obstacle::NameTaken(other)));
    assert_eq!(fabric.progress_of("api"), Some("InstanceBlocked"));
    fabric.engine.note_obstacle(&named("api"), 0, None);
    assert_eq!(fabric.progress_of("api"), Some("Scaling"));
}

#[test]
fn a_set_that_is_deleted_goes_after_its_instances_and_leaves_nothing() {
    let mut fabric = a_farm().with_set(a_scale_set("api", 2).public(a_public_model(Sku::Standard).label("api")));
    let refusal = fabric.delete(Kind::VirtualMachineScaleSet, "api").unwrap_err();
    assert_eq!(told(&refusal), [("S-13", Code::OperationNotAllowed, "metadata.deletionTimestamp")]);
    fabric.delete(Kind::VirtualMachineScaleSetVM, "api-1").unwrap();
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::VirtualMachineScaleSetVM, "api-0").unwrap()));
    assert!(fabric.delete(Kind::VirtualMachineScaleSet, "api").unwrap());
    assert_eq!(fabric.available("web"), 251);
    for (kind, name) in [(Kind::Subnet, "web"), (Kind::Subnet, "back"), (Kind::VirtualNetwork, "hub")] {
        assert!(fabric.delete(kind, name).unwrap());
    }
    fabric.engine.assert_empty();
}

// shows VMSS-08, VMSS-24
#[test]
fn every_instance_has_a_public_address_and_a_name_of_its_own() {
    let set = a_scale_set("api", 2).public(a_public_model(Sku::Standard).label("mylabel"));
    let fabric = a_farm().with_set(set);
    let public = |id: u64| {
        fabric.instance_view("api", id).network_interfaces[0].ip_configurations[0].public_ip_address.clone().unwrap()
    };
    assert_eq!(public(0).name, "pub");
    assert_eq!(public(0).fqdn.as_deref(), Some("vm0.mylabel.westeurope.cloudapp.azure.com"));
    assert_eq!(public(1).fqdn.as_deref(), Some("vm1.mylabel.westeurope.cloudapp.azure.com"));
    assert_eq!(public(0).ip_address.unwrap().to_string(), "198.18.0.0");
    assert_eq!(public(1).ip_address.unwrap().to_string(), "198.18.0.1");
}

#[test]
fn basic_addresses_of_instances_come_and_go_with_the_power() {
    let mut fabric = a_farm().with_set(a_scale_set("api", 1).public(a_public_model(Sku::Basic)));
    let address = |fabric: &Fabric| {
        let view = fabric.instance_view("api", 0);
        view.network_interfaces[0].ip_configurations[0].public_ip_address.clone().unwrap().ip_address
    };
    assert!(address(&fabric).is_some());
    fabric.accept(an_instance("api", 0).power(DesiredPowerState::Deallocated));
    assert!(address(&fabric).is_none());
    assert_eq!(fabric.set_view("api").ready_replicas, Some(0));
    assert_eq!(fabric.progress_of("api"), None, "it is as it was wished");
}

// shows VMSS-25
#[test]
fn instance_addresses_come_from_a_public_prefix_without_gaps() {
    let set = a_scale_set("api", 2).public(a_public_model(Sku::Standard).from("pool"));
    let fabric = a_farm().with(a_prefix("pool", 30)).with_set(set);
    let view = fabric.instance_view("api", 1);
    let public = view.network_interfaces[0].ip_configurations[0].public_ip_address.clone().unwrap();
    assert_eq!(public.ip_address.unwrap().to_string(), "198.18.0.1");
}

// shows ADDR-12
#[test]
fn a_subnet_is_held_by_instances_as_by_other_network_interfaces() {
    let mut fabric = a_farm().with_set(a_scale_set("api", 1));
    fabric.accept(an_instance("api", 0).network([a_nic_model("nic").in_subnet("back")]));
    let refusal = fabric.delete(Kind::Subnet, "back").unwrap_err();
    let blockers: Vec<_> = refusal.leading().blocked_by.iter().map(|id| id.shown().to_string()).collect();
    assert_eq!(blockers, ["VirtualMachineScaleSetVM prod/api-0"]);
    let instance = "VirtualMachineScaleSetVM prod/api-0";
    assert_eq!(refusal.leading().message, format!("A network interface of {instance} is in this subnet."));
    let remedy = format!(
        "Change spec.networkProfileConfiguration of {instance}, or delete the instance; it is then deleted automatically."
    );
    assert_eq!(refusal.leading().remedy, remedy);
    fabric.cure(&refusal, |fabric| fabric.accept(an_instance("api", 0)));
    assert!(fabric.delete(Kind::Subnet, "back").unwrap());
}

#[test]
fn a_flexible_set_counts_the_machines_that_are_there() {
    let mut fabric = a_farm().with(a_scale_set("api", 2).flexible());
    assert_eq!(fabric.ids("api"), [0, 1]);
    assert_eq!((fabric.set_view("api").ready_replicas, fabric.progress_of("api")), (Some(0), Some("Scaling")));
    let advice = VirtualMachineScaleSet::advice(&fabric.engine, &named("api"), fabric.get("api"));
    assert_eq!(advice[0].condition, "OutboundConnectivityMissing");
    for id in 0..2 {
        let nic = format!("api-{id}-nic");
        fabric.accept(a_nic(&nic));
        fabric.accept(a_vm(&format!("api-{id}")).nics([nic.as_str()]).of_set("api", id, 1));
    }
    assert_eq!((fabric.set_view("api").ready_replicas, fabric.progress_of("api")), (Some(2), None));
    fabric.delete(Kind::VirtualMachine, "api-0").unwrap();
    assert_eq!(fabric.ids("api"), [1]);
    fabric.accept(a_scale_set("api", 2).flexible());
    assert_eq!(fabric.ids("api"), [1, 2]);
}

#[test]
fn a_machine_that_is_a_flexible_sets_no_longer_is_replaced() {
    let mut fabric = a_farm().with(a_scale_set("api", 1).flexible());
    fabric.accept(a_nic("api-0-nic"));
    fabric.accept(a_vm("api-0").nics(["api-0-nic"]).of_set("api", 0, 1));
    let keys = fabric.woken_by(|fabric| fabric.accept(a_vm("api-0").nics(["api-0-nic"])));
    let awaited = VirtualMachineScaleSet::retry_keys(&fabric.engine, &named("api"), fabric.get("api"));
    assert!(!keys.is_disjoint(&awaited), "the set is put again");
    assert_eq!(fabric.ids("api"), [0; 0]);
    fabric.accept(a_scale_set("api", 1).flexible());
    assert_eq!(fabric.ids("api"), [1]);
}

#[test]
fn a_machine_of_an_earlier_set_is_no_instance_of_another_of_its_name() {
    let mut fabric = a_farm().with(a_scale_set("api", 1).flexible());
    fabric.accept(a_nic("api-0-nic"));
    fabric.accept(a_vm("api-0").nics(["api-0-nic"]).of_set("api", 0, 1));
    fabric.delete(Kind::VirtualMachineScaleSet, "api").unwrap();
    fabric.accept(a_scale_set("api", 1));
    assert_eq!(fabric.set_view("api").ready_replicas, Some(0));
    fabric.delete(Kind::VirtualMachine, "api-0").unwrap();
    assert_eq!(fabric.ids("api"), [0], "it goes without the instance");
}

#[test]
fn a_machine_that_only_has_the_name_of_an_instance_is_not_counted() {
    let fabric = a_farm().with(a_nic("n")).with(a_vm("api-0").nics(["n"])).with(a_scale_set("api", 1).flexible());
    assert_eq!((fabric.set_view("api").ready_replicas, fabric.progress_of("api")), (Some(0), Some("Scaling")));
    assert_eq!(fabric.set_view("api").pending_instance_ids, "0");
}

// shows VMSS-22
#[test]
fn instances_use_the_dns_servers_of_their_network_or_those_of_the_model() {
    let farm = || a_farm().with(a_network("hub").prefixes(["10.0.0.0/8", "fd00::/48"]).dns_servers(2));
    let applied = |fabric: &Fabric| fabric.instance_view("api", 0).network_interfaces[0].applied_dns_servers.clone();
    let inherited = applied(&farm().with_set(a_scale_set("api", 1)));
    assert_eq!(inherited.len(), 2);
    let own: std::net::IpAddr = "10.0.1.9".parse().unwrap();
    let set = a_scale_set("api", 1).nic(|nic| nic.interface.dns_servers = vec![own]);
    assert_eq!(applied(&farm().with_set(set)), [own]);
}
