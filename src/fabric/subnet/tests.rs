//! The rules and effects of subnets.

use super::*;
use crate::fabric::Code;
use crate::fabric::testing::*;

fn refused(fabric: &mut Fabric, asked: A<Subnet>) -> crate::fabric::Refusal {
    fabric.put(asked).unwrap_err()
}

// accepts Subnet NIC-03
#[test]
fn a_subnet_of_a_network_that_exists_is_accepted() {
    a_fabric().accept(a_subnet("web", "10.0.1.0/24").of("hub"));
}

// refuses Subnet NIC-03
#[test]
fn a_subnet_waits_for_its_network() {
    let mut fabric = a_fabric();
    let web = a_subnet("web", "10.0.1.0/24").of("spoke");
    let refusal = refused(&mut fabric, web.clone());
    assert_eq!(told(&refusal), [("NIC-03", Code::InvalidResourceReference, "spec.virtualNetwork")]);
    fabric.cure(&refusal, |fabric| fabric.accept(a_network("spoke")));
    fabric.accept(web);
}

// accepts Subnet S-14
#[test]
fn a_subnet_that_names_its_network_again_is_accepted() {
    a_fabric().with(a_subnet("web", "10.0.1.0/24")).accept(a_subnet("web", "10.0.2.0/24").of("hub"));
}

// refuses Subnet S-14
#[test]
fn a_subnet_stays_in_its_network() {
    let mut fabric = a_fabric().with(a_network("spoke")).with(a_subnet("web", "10.0.1.0/24"));
    let refusal = refused(&mut fabric, a_subnet("web", "10.0.1.0/24").of("spoke"));
    assert_eq!(told(&refusal), [("S-14", Code::PropertyChangeNotAllowed, "spec.virtualNetwork")]);
    assert!(refusal.stalls());
}

// accepts Subnet VNET-02
#[test]
fn the_largest_and_the_smallest_subnet_are_accepted() {
    for prefix in ["10.0.0.0/8", "10.0.0.0/29"] {
        a_fabric().accept(a_subnet("web", prefix).ipv6("fd00::/64"));
    }
}

// refuses Subnet VNET-02
#[test]
fn a_subnet_of_another_size_is_refused() {
    let mut fabric = an_empty_fabric().with(a_network("hub").prefixes(["10.0.0.0/7", "fd00::/48"]));
    for prefix in ["10.0.0.0/7", "10.0.0.0/30", "10.0.0.0/32"] {
        let refusal = refused(&mut fabric, a_subnet("web", prefix));
        assert_eq!(told(&refusal), [("VNET-02", Code::NetcfgInvalidSubnet, "spec.addressPrefixes[0]")]);
    }
    for prefix in ["fd00::/63", "fd00::/65", "fd00::1/128"] {
        let refusal = refused(&mut fabric, a_subnet("web", "10.0.0.0/24").ipv6(prefix));
        assert_eq!(told(&refusal), [("VNET-02", Code::NetcfgInvalidSubnet, "spec.addressPrefixes[1]")]);
    }
}

/// The path shows the place in the list, whichever range stands first.
#[test]
fn a_range_is_told_by_its_place_in_the_list() {
    let refusal = refused(&mut a_fabric(), a_subnet("web", "10.0.1.0/30").ipv6_first("fd00::/64"));
    assert_eq!(told(&refusal), [("VNET-02", Code::NetcfgInvalidSubnet, "spec.addressPrefixes[1]")]);
    let refusal = refused(&mut a_fabric(), a_subnet("web", "10.0.1.0/24").ipv6_first("fd99::/64"));
    assert_eq!(told(&refusal), [("VNET-03", Code::NetcfgSubnetRangeOutsideVnet, "spec.addressPrefixes[0]")]);
}

// accepts Subnet VNET-03
#[test]
fn a_subnet_may_take_all_of_its_network() {
    an_empty_fabric().with(a_network("hub").prefixes(["10.0.1.0/24"])).accept(a_subnet("web", "10.0.1.0/24"));
}

// refuses Subnet VNET-03
#[test]
fn a_subnet_outside_its_network_waits_for_a_prefix_that_contains_it() {
    let mut fabric = an_empty_fabric().with(a_network("hub").prefixes(["10.0.0.0/24"]));
    let web = a_subnet("web", "10.0.0.0/23");
    let refusal = refused(&mut fabric, web.clone());
    assert_eq!(told(&refusal), [("VNET-03", Code::NetcfgSubnetRangeOutsideVnet, "spec.addressPrefixes[0]")]);
    fabric.cure(&refusal, |fabric| fabric.accept(a_network("hub").prefixes(["10.0.0.0/16"])));
    fabric.accept(web);
}

#[test]
fn an_ipv6_range_outside_the_network_is_told_at_its_own_path() {
    let mut fabric = an_empty_fabric().with(a_network("hub").prefixes(["10.0.0.0/8"]));
    let refusal = refused(&mut fabric, a_subnet("web", "10.0.0.0/24").ipv6("fd00::/64"));
    assert_eq!(told(&refusal), [("VNET-03", Code::NetcfgSubnetRangeOutsideVnet, "spec.addressPrefixes[1]")]);
}

// accepts Subnet VNET-04
#[test]
fn subnets_side_by_side_are_accepted() {
    a_fabric().with(a_subnet("web", "10.0.0.0/24")).accept(a_subnet("db", "10.0.1.0/24"));
}

// refuses Subnet VNET-04
#[test]
fn a_subnet_that_overlaps_another_waits_for_it_to_go() {
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.1.0/24"));
    let db = a_subnet("db", "10.0.0.0/23");
    let refusal = refused(&mut fabric, db.clone());
    assert_eq!(told(&refusal), [("VNET-04", Code::NetcfgSubnetRangesOverlap, "spec.addressPrefixes[0]")]);
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::Subnet, "web").unwrap()));
    fabric.accept(db);
}

#[test]
fn a_subnet_that_overlaps_many_is_refused_by_one_violation_for_each_of_its_ranges() {
    let mut fabric = a_fabric();
    for n in 0..20 {
        fabric.accept(a_subnet(&format!("s{n:02}"), &format!("10.0.{n}.0/24")));
    }
    let refusal = refused(&mut fabric, a_subnet("wide", "10.0.0.0/16"));
    assert_eq!(told(&refusal), [("VNET-04", Code::NetcfgSubnetRangesOverlap, "spec.addressPrefixes[0]")]);
    let told = refusal.leading();
    assert_eq!(
        told.message,
        "10.0.0.0/16 overlaps 10.0.0.0/24 of Subnet prod/s00, 10.0.1.0/24 of Subnet prod/s01, 10.0.2.0/24 of Subnet prod/s02 and others."
    );
    assert_eq!((told.blocked_by.len(), told.blocked_by_count), (8, 20));
}

#[test]
fn subnets_of_two_networks_may_overlap() {
    a_fabric()
        .with(a_network("spoke"))
        .with(a_subnet("web", "10.0.1.0/24"))
        .accept(a_subnet("db", "10.0.1.0/24").of("spoke"));
}

// accepts Subnet VNET-09
#[test]
fn a_range_with_allocations_stays_while_another_is_added_beside_it() {
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.1.0/24")).with(a_nic("n"));
    fabric.accept(a_subnet("web", "10.0.1.0/24").ipv6("fd00::/64"));
    fabric.accept(a_subnet("web", "10.0.1.0/24").ipv6("fd00:0:0:1::/64"));
    fabric.accept(a_subnet("web", "10.0.1.0/24"));
    assert_eq!(fabric.address("n", "ipconfig1"), "10.0.1.4");
}

// refuses Subnet VNET-09
#[test]
fn a_range_with_allocations_is_neither_shrunk_nor_enlarged_nor_moved_until_they_have_gone() {
    for range in ["10.0.1.0/28", "10.0.0.0/22", "10.9.0.0/24"] {
        let mut fabric = a_fabric().with(a_subnet("web", "10.0.1.0/24")).with(a_subnet("db", "10.0.9.0/24"));
        fabric.accept(a_nic("n").static_address("10.0.1.10"));
        fabric.accept(a_nic("m"));
        let edit = a_subnet("web", range);
        let refusal = refused(&mut fabric, edit.clone());
        assert_eq!(told(&refusal), [("VNET-09", Code::InUsePrefixCannotBeDeleted, "spec.addressPrefixes")]);
        fabric.cure(&refusal, |fabric| fabric.accept(a_nic("m").subnet("db")));
        let refusal = refused(&mut fabric, edit.clone());
        fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::NetworkInterface, "n").unwrap()));
        fabric.accept(edit);
    }
}

#[test]
fn an_ipv6_range_with_allocations_is_not_taken_away() {
    let mut fabric = a_fabric()
        .with(a_subnet("web", "10.0.1.0/24").ipv6("fd00::/64"))
        .with(a_nic("n").configurations([primary("v4"), secondary("v6").ipv6()]));
    let refusal = refused(&mut fabric, a_subnet("web", "10.0.1.0/24"));
    assert_eq!(told(&refusal), [("VNET-09", Code::InUsePrefixCannotBeDeleted, "spec.addressPrefixes")]);
}

/// A fabric whose virtual network has this many subnets. They are restored, since 3,000 puts take their time.
fn a_fabric_with_subnets(count: usize) -> Fabric {
    let mut fabric = an_empty_fabric().with(a_network("hub"));
    let placement = fabric.get::<VirtualNetwork>("hub").placement.clone();
    for n in 0..count {
        let A { name, ask, .. } = a_subnet(&format!("s{n}"), &format!("10.{}.{}.0/24", n / 256, n % 256));
        let uid = crate::fabric::Uid::from(name.name.as_ref());
        let record = crate::fabric::Record {
            uid,
            generation: 1,
            placement: placement.clone(),
            common: Default::default(),
            ask,
            view: SubnetView::default(),
        };
        assert!(fabric.engine.restore(&name, record.into()).is_empty());
    }
    fabric
}

// accepts Subnet VNET-12
#[test]
fn the_three_thousandth_subnet_of_a_network_is_accepted() {
    a_fabric_with_subnets(2999).accept(a_subnet("last", "10.200.0.0/24"));
}

// refuses Subnet VNET-12
#[test]
fn a_network_takes_no_more_than_three_thousand_subnets() {
    let mut fabric = a_fabric_with_subnets(3000);
    let refusal = fabric.put(a_subnet("more", "10.200.0.0/24")).unwrap_err();
    assert_eq!(told(&refusal), [("VNET-12", Code::NetcfgInvalidSubnet, "spec.virtualNetwork")]);
    fabric.accept(a_subnet("s7", "10.200.0.0/24"));
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::Subnet, "s8").unwrap()));
    fabric.accept(a_subnet("more", "10.201.0.0/24"));
}

// accepts deletion of Subnet VNET-05
#[test]
fn an_empty_subnet_is_deleted() {
    assert!(a_fabric().with(a_subnet("web", "10.0.1.0/24")).delete(Kind::Subnet, "web").unwrap());
}

// refuses deletion of Subnet VNET-05
#[test]
fn a_subnet_with_nics_is_not_deleted_until_they_are() {
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.1.0/24")).with(a_nic("n"));
    let refusal = fabric.delete(Kind::Subnet, "web").unwrap_err();
    assert_eq!(told(&refusal), [("VNET-05", Code::InUseSubnetCannotBeDeleted, "metadata.deletionTimestamp")]);
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::NetworkInterface, "n").unwrap()));
    assert!(fabric.delete(Kind::Subnet, "web").unwrap());
}

#[test]
fn a_subnet_that_waits_to_go_is_woken_when_its_nic_moves_to_another() {
    let mut fabric =
        a_fabric().with(a_subnet("web", "10.0.1.0/24")).with(a_subnet("db", "10.0.2.0/24")).with(a_nic("n"));
    let refusal = fabric.delete(Kind::Subnet, "web").unwrap_err();
    fabric.cure(&refusal, |fabric| fabric.accept(a_nic("n").subnet("db")));
    assert!(fabric.delete(Kind::Subnet, "web").unwrap());
}

#[test]
fn capacity_counts_what_is_held() {
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.1.0/29")).with(a_nic("n")).with(a_nic("m"));
    let capacity = |fabric: &Fabric| fabric.view::<Subnet>("web").capacity.unwrap();
    assert_eq!(capacity(&fabric), Capacity { total: 8, reserved: 5, allocated: 2, available: 1 });
    fabric.delete(Kind::NetworkInterface, "n").unwrap();
    assert_eq!(capacity(&fabric), Capacity { total: 8, reserved: 5, allocated: 1, available: 2 });
}

#[test]
fn a_subnet_is_where_its_network_is() {
    let fabric =
        an_empty_fabric().with(a_network("hub").in_location("norwayeast")).with(a_subnet("web", "10.0.1.0/24"));
    assert_eq!(&*fabric.get::<Subnet>("web").placement.location, "norwayeast");
}

#[test]
fn a_range_that_moves_while_empty_gives_addresses_of_the_new_one() {
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.1.0/24"));
    fabric.accept(a_subnet("web", "10.9.0.0/24"));
    fabric.accept(a_nic("n"));
    assert_eq!(fabric.address("n", "ipconfig1"), "10.9.0.4");
}

/// S-20
// shows IP6-08
#[test]
fn an_ipv6_configuration_has_no_address_until_its_subnet_has_a_range() {
    let mut fabric = a_fabric()
        .with(a_subnet("web", "10.0.1.0/24"))
        .with(a_nic("n").configurations([primary("v4"), secondary("v6").ipv6()]));
    assert_eq!(fabric.address("n", "v6"), "none");
    fabric.accept(a_subnet("web", "10.0.1.0/24").ipv6("fd00::/64"));
    assert_eq!(fabric.address("n", "v6"), "fd00::4");
    assert_eq!(fabric.address("n", "v4"), "10.0.1.4");
}

/// S-20
#[test]
fn a_nic_that_is_served_an_ipv6_address_is_touched() {
    let mut fabric = a_fabric()
        .with(a_subnet("web", "10.0.1.0/24"))
        .with(a_nic("n").configurations([primary("v4"), secondary("v6").ipv6()]));
    fabric.engine.take_touched();
    fabric.accept(a_subnet("web", "10.0.1.0/24").ipv6("fd00::/64"));
    assert!(fabric.engine.take_touched().contains(&ObjectId::new(Kind::NetworkInterface, named("n"))));
}

#[test]
fn a_vm_whose_nic_is_served_an_ipv6_address_is_touched() {
    let mut fabric = a_fabric()
        .with(a_subnet("web", "10.0.1.0/24"))
        .with(a_nic("n").configurations([primary("v4"), secondary("v6").ipv6()]))
        .with(a_vm("v").nics(["n"]));
    fabric.engine.take_touched();
    fabric.accept(a_subnet("web", "10.0.1.0/24").ipv6("fd00::/64"));
    assert!(fabric.engine.take_touched().contains(&ObjectId::new(Kind::VirtualMachine, named("v"))));
}
