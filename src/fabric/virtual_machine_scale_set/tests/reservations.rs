//! What the put of a Flexible set reserves for the objects of its instances (S-90).

use super::*;
use crate::fabric::Kind;
use crate::fabric::public_ip_address::Sku;
use crate::fabric::terms::{IpVersion, Primary};
use crate::fabric::testing::Fabric;
use crate::fabric::tests::restored::{records, restored};

fn flex(replicas: u32) -> A<VirtualMachineScaleSet> {
    a_scale_set("flex", replicas).flexible().public(a_public_model(Sku::Standard))
}

fn a_web() -> Fabric {
    a_fabric().with(a_subnet("web", "10.0.1.0/24"))
}

fn make_nic(fabric: &mut Fabric, id: u64) {
    let (nic, public) = (format!("flex-{id}-nic"), format!("flex-{id}-nic-ip"));
    fabric.accept(a_public_ip(&public).standard());
    fabric.accept(a_nic(&nic).configurations([primary("ip").public(&public)]));
}

fn make(fabric: &mut Fabric, id: u64) {
    make_nic(fabric, id);
    let nic = format!("flex-{id}-nic");
    fabric.accept(a_vm(&format!("flex-{id}")).nics([nic.as_str()]).of_set("flex", id, 1));
}

/// The private and the public address of each instance.
fn addresses(fabric: &Fabric, ids: std::ops::Range<u64>) -> Vec<(String, String)> {
    let of = |id: u64| {
        let nic = format!("flex-{id}-nic");
        (fabric.address(&nic, "ip"), fabric.public_address(&format!("{nic}-ip")))
    };
    ids.map(of).collect()
}

fn in_order(ids: std::ops::Range<u64>) -> Vec<(String, String)> {
    ids.map(|id| (format!("10.0.1.{}", 4 + id), format!("198.18.0.{id}"))).collect()
}

// shows S-90
#[test]
fn addresses_of_a_flexible_set_are_in_the_order_of_ids_in_whatever_order_its_objects_are_made() {
    for order in [[5, 4, 3, 2, 1, 0], [2, 5, 0, 1, 4, 3]] {
        let mut fabric = a_web().with(flex(6));
        fabric.accept(a_nic("beside"));
        order.into_iter().for_each(|id| make(&mut fabric, id));
        assert_eq!(addresses(&fabric, 0..6), in_order(0..6));
        assert_eq!(fabric.address("beside", "ipconfig1"), "10.0.1.10");
    }
}

#[test]
fn a_restart_reserves_anew_what_is_not_made_yet_in_the_order_of_ids() {
    let mut fabric = a_web().with(flex(4));
    make(&mut fabric, 1);
    make_nic(&mut fabric, 3);
    let (engine, dropped) = restored(&fabric.engine, records(&fabric.engine));
    assert_eq!(dropped, Vec::<String>::new());
    let mut fabric = fabric.on(engine);
    [2, 3, 0].into_iter().for_each(|id| make(&mut fabric, id));
    assert_eq!(addresses(&fabric, 0..4), in_order(0..4));
}

/// Instances of Uniform sets are restored after the sets.
#[test]
fn a_restart_reserves_nothing_that_an_instance_of_a_uniform_set_holds() {
    let mut fabric = a_web().with(a_nic("first"));
    fabric.accept(a_scale_set("api", 2));
    (0..2).for_each(|id| fabric.accept(an_instance("api", id)));
    fabric.accept(flex(2));
    assert!(fabric.delete(Kind::NetworkInterface, "first").unwrap());
    let (engine, dropped) = restored(&fabric.engine, records(&fabric.engine));
    assert_eq!(dropped, Vec::<String>::new());
    let mut fabric = fabric.on(engine);
    (0..2).for_each(|id| make(&mut fabric, id));
    assert_eq!(
        (fabric.address("flex-0-nic", "ip"), fabric.address("flex-1-nic", "ip")),
        ("10.0.1.4".into(), "10.0.1.7".into())
    );
}

/// Until the instance is whole, it is its own again.
#[test]
fn an_address_of_an_object_that_is_deleted_before_its_instance_is_made_stays_reserved() {
    let mut fabric = a_web().with(flex(2));
    make_nic(&mut fabric, 0);
    assert!(fabric.delete(Kind::NetworkInterface, "flex-0-nic").unwrap());
    fabric.accept(a_nic("beside"));
    assert_eq!(fabric.address("beside", "ipconfig1"), "10.0.1.6");
    make(&mut fabric, 0);
    assert_eq!(addresses(&fabric, 0..1), in_order(0..1));
}

#[test]
fn a_static_address_that_a_flexible_set_has_reserved_is_in_use() {
    let mut fabric = a_web().with(flex(2));
    let asked = || a_nic("n").static_address("10.0.1.5");
    let refusal = fabric.put(asked()).unwrap_err();
    assert_eq!(told(&refusal), [("ADDR-08", Code::PrivateIPAddressInUse, "spec.ipConfigurations[0].privateIPAddress")]);
    assert_eq!(refusal.leading().message, "10.0.1.5 is reserved for instance 1 of VirtualMachineScaleSet prod/flex.");
    let mut other = fabric.clone();
    other.cure(&refusal, |fabric| make(fabric, 1));
    assert!(other.put(asked()).unwrap_err().leading().message.contains("is held by"));
    fabric.cure(&refusal, |fabric| fabric.accept(flex(1)));
    fabric.accept(asked());
}

#[test]
fn the_prefix_of_a_subnet_with_reserved_addresses_is_in_use() {
    let mut fabric = a_web().with(flex(2));
    let moved = || a_subnet("web", "10.0.2.0/24");
    let refusal = fabric.put(moved()).unwrap_err();
    assert_eq!(told(&refusal), [("VNET-09", Code::InUsePrefixCannotBeDeleted, "spec.addressPrefixes")]);
    fabric.cure(&refusal, |fabric| fabric.accept(flex(0)));
    fabric.accept(moved());
}

#[test]
fn a_subnet_that_gains_an_ipv6_range_has_an_address_for_instances_that_are_not_made_yet() {
    let mut fabric = a_web();
    let mut nic = a_nic_model("nic");
    nic.interface
        .configurations
        .push(ConfigurationModel { version: IpVersion::IPv6, ..a_configuration_model("six", Primary::No) });
    fabric.accept(a_scale_set("flex", 1).flexible().nics([nic]));
    fabric.accept(a_subnet("web", "10.0.1.0/24").ipv6("fd00::/64"));
    fabric.accept(a_nic("beside").configurations([primary("four"), secondary("six").ipv6()]));
    fabric.accept(a_nic("flex-0-nic").configurations([primary("ip"), secondary("six").ipv6()]));
    assert_eq!(
        (fabric.address("flex-0-nic", "six"), fabric.address("beside", "six")),
        ("fd00::4".into(), "fd00::5".into())
    );
}
