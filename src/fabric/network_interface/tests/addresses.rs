//! The rules of private addresses: where they lie, who has them, and whether there are any.

use super::{a_web, path};
use crate::fabric::testing::*;
use crate::fabric::{Code, Kind, NetworkInterface, ObjectId};

// accepts NetworkInterface ADDR-09
#[test]
fn the_first_and_the_last_usable_address_of_the_subnet_are_accepted() {
    let mut fabric = a_web();
    fabric.accept(a_nic("n").static_address("10.0.1.4"));
    fabric.accept(a_nic("m").static_address("10.0.1.254"));
    assert_eq!(
        (fabric.address("n", "ipconfig1"), fabric.address("m", "ipconfig1")),
        ("10.0.1.4".into(), "10.0.1.254".into())
    );
}

// refuses NetworkInterface ADDR-09
#[test]
fn an_address_outside_the_subnet_is_refused() {
    for outside in ["10.0.0.255", "10.0.2.4", "fd00::4"] {
        let refusal = a_web().put(a_nic("n").static_address(outside)).unwrap_err();
        let expected = ("ADDR-09", Code::PrivateIPAddressNotInSubnet, "spec.ipConfigurations[0].privateIPAddress");
        assert_eq!(told(&refusal), [expected], "{outside}");
        assert!(refusal.stalls());
    }
}

#[test]
fn an_ipv6_address_for_an_ipv4_configuration_is_refused_although_the_subnet_contains_it() {
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.1.0/24").ipv6("fd00::/64"));
    let refusal = fabric.put(a_nic("n").static_address("fd00::9")).unwrap_err();
    let expected = ("ADDR-09", Code::InvalidPrivateIPAddressFormat, "spec.ipConfigurations[0].privateIPAddress");
    assert_eq!(told(&refusal), [expected]);
}

#[test]
fn an_address_outside_a_full_subnet_is_not_called_a_lack_of_room() {
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.1.0/29"));
    for nic in ["a", "b", "c"] {
        fabric.accept(a_nic(nic));
    }
    let refusal = fabric.put(a_nic("n").static_address("10.9.9.9")).unwrap_err();
    assert_eq!(refusal.codes(), [Code::PrivateIPAddressNotInSubnet]);
}

// accepts NetworkInterface ADDR-01
#[test]
fn the_fifth_address_of_a_subnet_is_not_reserved() {
    a_fabric().with(a_subnet("web", "10.0.1.8/29")).accept(a_nic("n").static_address("10.0.1.12"));
}

// refuses NetworkInterface ADDR-01
#[test]
fn the_five_addresses_that_the_platform_keeps_are_refused() {
    for reserved in ["10.0.1.0", "10.0.1.1", "10.0.1.2", "10.0.1.3", "10.0.1.255"] {
        let refusal = a_web().put(a_nic("n").static_address(reserved)).unwrap_err();
        let expected = ("ADDR-01", Code::PrivateIPAddressInReservedRange, "spec.ipConfigurations[0].privateIPAddress");
        assert_eq!(told(&refusal), [expected], "{reserved}");
        assert!(refusal.stalls());
    }
}

// accepts NetworkInterface S-17
#[test]
fn a_configuration_that_becomes_static_without_an_address_keeps_the_one_it_has() {
    let mut fabric = a_web().with(a_nic("low")).with(a_nic("n"));
    fabric.delete(Kind::NetworkInterface, "low").unwrap();
    fabric.accept(a_nic("n").configurations([a_configuration("ipconfig1").as_is()]));
    assert_eq!(fabric.address("n", "ipconfig1"), "10.0.1.5");
}

// refuses NetworkInterface S-17
#[test]
fn a_new_static_configuration_without_an_address_is_refused() {
    let mut fabric = a_web();
    let address = path(0, "privateIPAddress");
    let refusal = fabric.put(a_nic("n").configurations([a_configuration("ipconfig1").as_is()])).unwrap_err();
    assert_eq!(told(&refusal), [("S-17", Code::PrivateIPAddressMissing, address.as_str())]);
    assert!(refusal.stalls());
    fabric.accept(a_nic("n"));
    let refusal = fabric.put(a_nic("n").configurations([secondary("new").as_is(), primary("ipconfig1")])).unwrap_err();
    assert_eq!(told(&refusal), [("S-17", Code::PrivateIPAddressMissing, address.as_str())]);
}

// accepts NetworkInterface ADDR-08
#[test]
fn an_address_that_is_held_in_another_subnet_is_free_in_this_one() {
    a_fabric()
        .with(a_network("spoke"))
        .with(a_subnet("web", "10.0.1.0/24"))
        .with(a_subnet("far", "10.0.1.0/24").of("spoke"))
        .with(a_nic("m").subnet("far").static_address("10.0.1.9"))
        .accept(a_nic("n").static_address("10.0.1.9"));
}

// refuses NetworkInterface ADDR-08
#[test]
fn an_address_of_another_nic_is_refused_until_that_lets_go_of_it() {
    let mut fabric = a_web().with(a_nic("holder").static_address("10.0.1.9"));
    let second = a_nic("n").static_address("10.0.1.9");
    let refusal = fabric.put(second.clone()).unwrap_err();
    assert_eq!(told(&refusal), [("ADDR-08", Code::PrivateIPAddressInUse, path(0, "privateIPAddress").as_str())]);
    for cure in [
        |fabric: &mut Fabric| assert!(fabric.delete(Kind::NetworkInterface, "holder").unwrap()),
        |fabric: &mut Fabric| fabric.accept(a_nic("holder").static_address("10.0.1.8")),
        |fabric: &mut Fabric| fabric.accept(a_nic("holder").subnet("db")),
    ] {
        let mut fabric = fabric.clone();
        fabric.cure(&refusal, cure);
        fabric.accept(second.clone());
        assert_eq!(fabric.address("n", "ipconfig1"), "10.0.1.9");
    }
}

#[test]
fn an_address_that_an_instance_of_a_scale_set_holds_is_shown_with_the_object_of_the_instance() {
    let mut fabric = a_web().with(a_scale_set("api", 1));
    let refusal = fabric.put(a_nic("n").static_address("10.0.1.4")).unwrap_err();
    let shown = refusal.leading();
    let holder = "VirtualMachineScaleSetVM prod/api-0";
    assert!(shown.message.ends_with(&format!("configuration ip of {holder}.")), "{}", shown.message);
    assert!(shown.remedy.ends_with(&format!("release the address on {holder}.")), "{}", shown.remedy);
}

#[test]
fn an_address_that_another_nic_got_dynamically_is_in_use_as_well() {
    let mut fabric = a_web().with(a_nic("holder"));
    let refusal = fabric.put(a_nic("n").static_address("10.0.1.4")).unwrap_err();
    assert_eq!(told(&refusal), [("ADDR-08", Code::PrivateIPAddressInUse, path(0, "privateIPAddress").as_str())]);
}

#[test]
fn one_address_for_two_configurations_of_a_nic_is_refused() {
    let twice = [primary("a").address("10.0.1.9"), secondary("b").address("10.0.1.9")];
    let refusal = a_web().put(a_nic("n").configurations(twice)).unwrap_err();
    assert_eq!(told(&refusal), [("ADDR-08", Code::PrivateIPAddressInUse, path(1, "privateIPAddress").as_str())]);
    assert!(refusal.stalls());
}

#[test]
fn the_address_that_a_dynamic_configuration_of_the_same_nic_keeps_is_refused() {
    let mut fabric = a_web().with(a_nic("n").configurations([primary("a")]));
    let refusal =
        fabric.put(a_nic("n").configurations([primary("a"), secondary("b").address("10.0.1.4")])).unwrap_err();
    assert_eq!(told(&refusal), [("ADDR-08", Code::PrivateIPAddressInUse, path(1, "privateIPAddress").as_str())]);
    assert!(refusal.stalls());
}

#[test]
fn the_address_that_a_configuration_leaves_by_becoming_ipv6_is_free() {
    let mut fabric = a_web().with(a_nic("n").configurations([primary("a"), secondary("b")]));
    fabric.accept(a_nic("n").configurations([primary("a").address("10.0.1.5"), secondary("b").ipv6()]));
    assert_eq!((fabric.address("n", "a"), fabric.address("n", "b")), ("10.0.1.5".into(), "none".into()));
}

// accepts NetworkInterface ADDR-11
#[test]
fn the_last_free_address_of_a_subnet_is_given() {
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.1.0/29")).with(a_nic("a")).with(a_nic("b"));
    fabric.accept(a_nic("c"));
    assert_eq!(fabric.address("c", "ipconfig1"), "10.0.1.6");
}

// refuses NetworkInterface ADDR-11
#[test]
fn a_nic_waits_for_an_address_of_a_full_subnet() {
    let mut full = a_fabric().with(a_subnet("web", "10.0.1.0/29"));
    for nic in ["a", "b", "c"] {
        full.accept(a_nic(nic));
    }
    let refusal = full.put(a_nic("n")).unwrap_err();
    assert_eq!(told(&refusal), [("ADDR-11", Code::SubnetIsFull, path(0, "privateIPAllocationMethod").as_str())]);
    full.cure(&refusal, |fabric| assert!(fabric.delete(Kind::NetworkInterface, "b").unwrap()));
    full.accept(a_nic("n"));
}

#[test]
fn only_the_configurations_beyond_the_last_address_are_refused() {
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.1.0/29")).with(a_nic("a"));
    let three = [primary("x"), secondary("y"), secondary("z")];
    let refusal = fabric.put(a_nic("n").configurations(three)).unwrap_err();
    assert_eq!(told(&refusal), [("ADDR-11", Code::SubnetIsFull, path(2, "privateIPAllocationMethod").as_str())]);
}

#[test]
fn a_dynamic_configuration_takes_what_the_static_ones_of_the_same_put_leave() {
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.1.0/29")).with(a_nic("a"));
    let three = [primary("x"), secondary("y").address("10.0.1.5"), secondary("z").address("10.0.1.6")];
    let refusal = fabric.put(a_nic("n").configurations(three)).unwrap_err();
    assert_eq!(told(&refusal), [("ADDR-11", Code::SubnetIsFull, path(0, "privateIPAllocationMethod").as_str())]);
}

/// S-37
#[test]
fn replacing_a_configuration_in_a_full_subnet_waits_although_the_old_address_is_about_to_go() {
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.1.0/29")).with(a_nic("n").configurations([
        primary("a"),
        secondary("b"),
        secondary("c"),
    ]));
    let replaced = a_nic("n").configurations([primary("a"), secondary("b"), secondary("d")]);
    let refusal = fabric.put(replaced.clone()).unwrap_err();
    assert_eq!(told(&refusal), [("ADDR-11", Code::SubnetIsFull, path(2, "privateIPAllocationMethod").as_str())]);
    assert!(refusal.leading().remedy.starts_with("Remove the old configuration first"));
    fabric.accept(a_nic("n").configurations([primary("a"), secondary("b")]));
    fabric.accept(replaced);
    assert_eq!(fabric.address("n", "d"), "10.0.1.6");
}

/// S-37
#[test]
fn replacing_the_primary_configuration_in_a_full_subnet_is_not_told_to_remove_it_first() {
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.1.0/29")).with(a_nic("x")).with(a_nic("y"));
    fabric.accept(a_nic("n").configurations([primary("a")]));
    let refusal = fabric.put(a_nic("n").configurations([primary("b")])).unwrap_err();
    assert_eq!(told(&refusal), [("ADDR-11", Code::SubnetIsFull, path(0, "privateIPAllocationMethod").as_str())]);
    assert!(refusal.leading().remedy.starts_with("Delete network interfaces of the subnet"));
}

/// The fabric, which knows what these ask for.
fn that_knows<const N: usize>(mut fabric: Fabric, asked: [A<NetworkInterface>; N]) -> Fabric {
    for A { name, ask, .. } in asked {
        fabric.engine.note_requested(&ObjectId::new(Kind::NetworkInterface, name), Some(&ask.into()));
    }
    fabric
}

// shows S-88
#[test]
fn a_dynamic_address_is_none_that_a_known_object_asks_for() {
    let mut fabric = that_knows(
        a_fabric(), // of one, before there is a subnet
        [a_nic("first").static_address("10.0.1.4")],
    );
    fabric.accept(a_subnet("web", "10.0.1.0/24"));
    let mut fabric = that_knows(fabric, [a_nic("second").static_address("10.0.1.5")]).with(a_nic("n"));
    assert_eq!(fabric.address("n", "ipconfig1"), "10.0.1.6");
    fabric.accept(a_nic("second").static_address("10.0.1.5"));
    fabric.accept(a_nic("first").static_address("10.0.1.4"));
}

#[test]
fn a_request_ends_with_the_object_or_its_edit() {
    let asked = [a_nic("gone").static_address("10.0.1.4"), a_nic("edited").static_address("10.0.1.5")];
    let fabric = that_knows(a_fabric().with(a_subnet("web", "10.0.1.0/24")), asked);
    let mut fabric = that_knows(fabric, [a_nic("edited").static_address("10.0.1.6")]);
    fabric.engine.note_requested(&ObjectId::new(Kind::NetworkInterface, named("gone")), None);
    for (nic, address) in [("a", "10.0.1.4"), ("b", "10.0.1.5"), ("c", "10.0.1.7")] {
        fabric.accept(a_nic(nic));
        assert_eq!(fabric.address(nic, "ipconfig1"), address);
    }
}

#[test]
fn an_address_that_another_asks_for_is_given_where_no_other_is_free() {
    let asked = [a_nic("late").static_address("10.0.1.4")];
    let mut fabric = that_knows(a_fabric().with(a_subnet("web", "10.0.1.0/29")), asked);
    for (nic, address) in [("a", "10.0.1.5"), ("b", "10.0.1.6"), ("c", "10.0.1.4")] {
        fabric.accept(a_nic(nic));
        assert_eq!(fabric.address(nic, "ipconfig1"), address);
    }
    let refusal = fabric.put(a_nic("late").static_address("10.0.1.4")).unwrap_err();
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::NetworkInterface, "c").unwrap()));
}
