//! The rules of virtual networks, each accepted at its border and refused beyond it.

use super::*;
use crate::fabric::Kind;
use crate::fabric::testing::*;

const PREFIXES: &str = "spec.addressSpace.addressPrefixes";

// accepts VirtualNetwork VNET-01
#[test]
fn a_prefix_beside_the_multicast_range_is_accepted() {
    an_empty_fabric().accept(a_network("hub").prefixes(["223.0.0.0/8", "fd00::/48"]));
}

// refuses VirtualNetwork VNET-01
#[test]
fn a_prefix_that_touches_a_forbidden_range_is_refused() {
    for forbidden in ["224.0.0.0/8", "127.0.0.0/8", "169.254.7.0/24", "168.63.0.0/16", "255.255.255.255/32"] {
        let refusal = an_empty_fabric().put(a_network("hub").prefixes(["10.0.0.0/16", forbidden])).unwrap_err();
        let expected = ("VNET-01", Code::InvalidAddressPrefixFormat, "spec.addressSpace.addressPrefixes[1]");
        assert_eq!(told(&refusal), [expected], "{forbidden}");
        assert!(refusal.stalls());
    }
}

// accepts VirtualNetwork VNET-10
#[test]
fn twenty_dns_servers_are_accepted() {
    an_empty_fabric().accept(a_network("hub").dns_servers(20));
}

// refuses VirtualNetwork VNET-10
#[test]
fn twenty_one_dns_servers_are_refused() {
    let refusal = an_empty_fabric().put(a_network("hub").dns_servers(21)).unwrap_err();
    assert_eq!(told(&refusal), [("VNET-10", Code::NetcfgInvalidDnsServer, "spec.dhcpOptions.dnsServers")]);
    assert!(refusal.stalls());
}

// accepts VirtualNetwork S-15
#[test]
fn a_prefix_that_still_contains_every_subnet_may_shrink() {
    a_fabric().with(a_subnet("web", "10.0.1.0/24")).accept(a_network("hub").prefixes(["10.0.1.0/24"]));
}

// refuses VirtualNetwork S-15
#[test]
fn a_prefix_that_a_subnet_lies_in_is_not_taken_away_until_the_subnet_is_gone() {
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.1.0/24"));
    let edit = a_network("hub").prefixes(["10.0.2.0/24"]);
    let refusal = fabric.put(edit.clone()).unwrap_err();
    assert_eq!(told(&refusal), [("S-15", Code::InUsePrefixCannotBeDeleted, PREFIXES)]);
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::Subnet, "web").unwrap()));
    fabric.accept(edit);
}

#[test]
fn a_subnet_that_lies_in_a_new_prefix_after_an_edit_of_its_own_lets_the_old_one_go() {
    let mut fabric = an_empty_fabric()
        .with(a_network("hub").prefixes(["10.0.0.0/16", "10.1.0.0/16"]))
        .with(a_subnet("web", "10.0.1.0/24"));
    let edit = a_network("hub").prefixes(["10.1.0.0/16"]);
    let refusal = fabric.put(edit.clone()).unwrap_err();
    fabric.cure(&refusal, |fabric| fabric.accept(a_subnet("web", "10.1.1.0/24")));
    fabric.accept(edit);
}

#[test]
fn two_prefixes_that_contain_a_subnet_only_together_do_not_count() {
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.0.0/16"));
    let refusal = fabric.put(a_network("hub").prefixes(["10.0.0.0/17", "10.0.128.0/17"])).unwrap_err();
    assert_eq!(told(&refusal), [("S-15", Code::InUsePrefixCannotBeDeleted, PREFIXES)]);
}

#[test]
fn an_edit_that_leaves_many_subnets_outside_is_one_violation_that_names_the_first_and_counts_all() {
    let mut fabric = a_fabric();
    for n in 0..30 {
        fabric.accept(a_subnet(&format!("s{n:02}"), &format!("10.0.{n}.0/24")));
    }
    let edit = a_network("hub").prefixes(["10.1.0.0/16"]);
    let refusal = fabric.put(edit.clone()).unwrap_err();
    assert_eq!(told(&refusal), [("S-15", Code::InUsePrefixCannotBeDeleted, PREFIXES)]);
    let told = refusal.leading();
    assert_eq!(
        told.message,
        "10.0.0.0/24 of Subnet prod/s00, 10.0.1.0/24 of Subnet prod/s01, 10.0.2.0/24 of Subnet prod/s02 and others would lie outside the address space."
    );
    assert_eq!((told.blocked_by.len(), told.blocked_by_count), (8, 30));
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::Subnet, "s07").unwrap()));
    let refusal = fabric.put(edit).unwrap_err();
    assert_eq!(refusal.leading().blocked_by_count, 29);
}

// accepts deletion of VirtualNetwork VNET-06
#[test]
fn a_network_without_subnets_is_deleted() {
    assert!(a_fabric().delete(Kind::VirtualNetwork, "hub").unwrap());
}

// refuses deletion of VirtualNetwork VNET-06
#[test]
fn a_network_with_subnets_is_not_deleted_until_they_are() {
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.1.0/24"));
    let refusal = fabric.delete(Kind::VirtualNetwork, "hub").unwrap_err();
    assert_eq!(told(&refusal), [("VNET-06", Code::InUseSubnetCannotBeDeleted, "metadata.deletionTimestamp")]);
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::Subnet, "web").unwrap()));
    assert!(fabric.delete(Kind::VirtualNetwork, "hub").unwrap());
}

#[test]
fn a_network_counts_its_subnets() {
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.1.0/24")).with(a_subnet("db", "10.0.2.0/24"));
    assert_eq!(fabric.view::<VirtualNetwork>("hub").subnet_count, Some(2));
    fabric.delete(Kind::Subnet, "db").unwrap();
    assert_eq!(fabric.view::<VirtualNetwork>("hub").subnet_count, Some(1));
}

#[test]
fn deleting_what_is_not_carried_is_no_refusal() {
    assert!(!an_empty_fabric().delete(Kind::VirtualNetwork, "hub").unwrap());
}

/// And waits for these first: when one is cured, it shows the others.
#[test]
fn a_network_that_many_subnets_would_leave_is_told_of_the_first() {
    let mut fabric = an_empty_fabric().with(a_network("hub").prefixes(["10.0.0.0/16", "10.1.0.0/16"]));
    for n in 0..40 {
        fabric.accept(a_subnet(&format!("s{n:02}"), &format!("10.1.{n}.0/24")));
    }
    let smaller = || a_network("hub").prefixes(["10.0.0.0/16"]);
    let refusal = fabric.put(smaller()).unwrap_err();
    assert_eq!(told(&refusal), [("S-15", Code::InUsePrefixCannotBeDeleted, PREFIXES)]);
    assert_eq!(refusal.leading().blocked_by_count, 40);
    for n in 0..40 {
        let refusal = fabric.put(smaller()).unwrap_err();
        let woken = fabric.woken_by(|fabric| assert!(fabric.delete(Kind::Subnet, &format!("s{n:02}")).unwrap()));
        assert!(!refusal.keys().is_disjoint(&woken));
    }
    fabric.accept(smaller());
}

const MOVED: [&str; 1] = ["10.200.0.0/16"];

fn with_a_subnet() -> Fabric {
    an_empty_fabric().with(a_network("hub").prefixes(["10.0.0.0/16"])).with(a_subnet("web", "10.0.1.0/24"))
}

fn retained(fabric: &Fabric) -> Vec<String> {
    fabric.view::<VirtualNetwork>("hub").retained_address_prefixes.iter().map(ToString::to_string).collect()
}

fn progress(fabric: &Fabric) -> Option<&'static str> {
    VirtualNetwork::progress(&fabric.engine, &named("hub"), fabric.get("hub")).map(|(reason, _)| reason)
}

// shows S-87
/// With the subnet first.
#[test]
fn a_network_moves_with_its_empty_subnet_and_keeps_the_old_prefix_until_that_has_moved() {
    let mut fabric = with_a_subnet();
    let refusal = fabric.put(a_subnet("web", "10.200.1.0/24")).unwrap_err();
    assert_eq!(told(&refusal), [("VNET-03", Code::NetcfgSubnetRangeOutsideVnet, "spec.addressPrefixes[0]")]);
    fabric.cure(&refusal, |fabric| fabric.accept(a_network("hub").prefixes(MOVED)));
    assert_eq!((retained(&fabric), progress(&fabric)), (vec!["10.0.0.0/16".to_owned()], Some("PrefixStillUsed")));
    fabric.accept(a_subnet("web", "10.200.1.0/24"));
    assert_eq!((retained(&fabric), progress(&fabric)), (vec![], None));
}

/// With the network first.
#[test]
fn a_network_that_waits_for_its_empty_subnet_is_woken_when_that_is_asked_to_move() {
    let mut fabric = with_a_subnet();
    let refusal = fabric.put(a_network("hub").prefixes(MOVED)).unwrap_err();
    assert_eq!(told(&refusal), [("S-15", Code::InUsePrefixCannotBeDeleted, PREFIXES)]);
    fabric.cure(&refusal, |fabric| drop(fabric.put(a_subnet("web", "10.200.1.0/24")).unwrap_err()));
    fabric.accept(a_network("hub").prefixes(MOVED));
    fabric.accept(a_subnet("web", "10.200.1.0/24"));
    assert_eq!(retained(&fabric), Vec::<String>::new());
}

#[test]
fn a_network_keeps_its_prefix_while_a_subnet_in_it_is_asked_to_move_and_has_addresses() {
    let mut fabric = with_a_subnet().with(a_nic("n"));
    fabric.put(a_subnet("web", "10.200.1.0/24")).unwrap_err();
    let refusal = fabric.put(a_network("hub").prefixes(MOVED)).unwrap_err();
    assert_eq!(told(&refusal), [("S-15", Code::InUsePrefixCannotBeDeleted, PREFIXES)]);
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::NetworkInterface, "n").unwrap()));
    fabric.accept(a_network("hub").prefixes(MOVED));
}

#[test]
fn a_network_lets_go_of_a_prefix_in_which_a_subnet_lies_that_is_asked_to_go() {
    let mut fabric = with_a_subnet().with(a_scale_set("api", 0));
    fabric.delete(Kind::Subnet, "web").unwrap_err();
    fabric.accept(a_network("hub").prefixes(MOVED));
    assert_eq!(retained(&fabric), ["10.0.0.0/16"]);
    fabric.delete(Kind::VirtualMachineScaleSet, "api").unwrap();
    fabric.delete(Kind::Subnet, "web").unwrap();
    assert_eq!(retained(&fabric), Vec::<String>::new());
}

#[test]
fn a_subnet_that_is_asked_to_move_outside_the_new_address_space_keeps_the_old_prefix() {
    let mut fabric = with_a_subnet();
    fabric.put(a_subnet("web", "10.100.1.0/24")).unwrap_err();
    let refusal = fabric.put(a_network("hub").prefixes(MOVED)).unwrap_err();
    assert_eq!(told(&refusal), [("S-15", Code::InUsePrefixCannotBeDeleted, PREFIXES)]);
}

#[test]
fn a_subnet_that_is_no_longer_asked_to_move_keeps_the_old_prefix() {
    let mut fabric = with_a_subnet();
    fabric.put(a_subnet("web", "10.200.1.0/24")).unwrap_err();
    fabric.accept(a_subnet("web", "10.0.1.0/24"));
    assert_eq!(fabric.put(a_network("hub").prefixes(MOVED)).unwrap_err().codes(), [Code::InUsePrefixCannotBeDeleted]);
}

#[test]
fn no_other_subnet_moves_into_a_prefix_that_is_kept_until_subnets_have_moved() {
    let mut fabric = with_a_subnet();
    fabric.put(a_subnet("web", "10.200.1.0/24")).unwrap_err();
    fabric.accept(a_network("hub").prefixes(MOVED));
    let refusal = fabric.put(a_subnet("db", "10.0.2.0/24")).unwrap_err();
    assert_eq!(told(&refusal), [("VNET-03", Code::NetcfgSubnetRangeOutsideVnet, "spec.addressPrefixes[0]")]);
    fabric.accept(a_subnet("web", "10.0.1.0/24"));
    assert_eq!(retained(&fabric), ["10.0.0.0/16"], "a subnet that stays where it is stays legal");
}

#[test]
fn a_prefix_that_is_kept_until_subnets_have_moved_survives_a_restart() {
    use crate::fabric::tests::restored::{records, restored};
    let mut fabric = with_a_subnet().with(a_network("hub").prefixes(["10.0.0.0/16", "10.200.0.0/16"]));
    fabric.accept(a_subnet("other", "10.200.2.0/24"));
    fabric.put(a_subnet("web", "10.200.2.0/24")).unwrap_err();
    fabric.accept(a_network("hub").prefixes(MOVED));
    let (engine, dropped) = restored(&fabric.engine, records(&fabric.engine));
    let mut fabric = fabric.on(engine);
    assert_eq!((retained(&fabric), dropped), (vec!["10.0.0.0/16".to_owned()], Vec::new()));
    fabric.engine.pending.clear();
    fabric.accept(a_network("hub").prefixes(MOVED));
    assert_eq!(retained(&fabric), ["10.0.0.0/16"], "it is put before the subnet is");
}
