//! A subnet: its network, its range beside others, and the addresses that are held in it.

use crate::support::manifests::{network, nic, static_nic, subnet};
use crate::support::space::{Space, address, at};

const PREFIX: &str = "spec.addressPrefixes[0]";
const PREFIXES: &str = "spec.addressPrefixes";

#[test]
fn a_subnet_waits_for_its_network_and_follows_when_that_appears() {
    let space = Space::empty();
    space.apply(&subnet("web", "hub", "10.0.1.0/24"));
    let refusal = space.refused("subnet/web");
    assert_eq!(refusal.told(), [("NIC-03", "InvalidResourceReference", "spec.virtualNetwork")]);
    refusal.shows(&["hub", "does not exist"]).is_blocked_by(&[("VirtualNetwork", "hub")]);
    space.apply(&network("hub", "10.0.0.0/16"));
    space.cured("subnet/web", &refusal);
}

#[test]
fn an_overlapping_subnet_is_programmed_when_the_other_goes() {
    let space = Space::with_a_subnet();
    space.apply(&subnet("late", "hub", "10.0.1.128/25"));
    let refusal = space.refused("subnet/late");
    assert_eq!(refusal.told(), [("VNET-04", "NetcfgSubnetRangesOverlap", PREFIX)]);
    refusal.shows(&["10.0.1.128/25", "10.0.1.0/24", "web"]).is_blocked_by(&[("Subnet", "web")]);
    refusal.advises(&["Choose a range that is free, or delete Subnet", "web."]);
    space.delete("subnet/web");
    space.cured("subnet/late", &refusal);
}

#[test]
fn an_overlapping_subnet_is_programmed_in_a_free_range_as_the_remedy_says() {
    let space = Space::with_a_subnet();
    space.apply(&subnet("late", "hub", "10.0.1.128/25"));
    space.refused("subnet/late").advises(&["Choose a range that is free"]);
    space.apply(&subnet("late", "hub", "10.0.2.128/25"));
    space.ready("subnet/late");
}

#[test]
fn a_subnet_that_would_grow_into_another_keeps_its_range_until_the_other_makes_way() {
    let space = Space::with_a_subnet().and_subnet("data", "10.0.0.0/24");
    let before = space.ready("subnet/data");
    space.apply(&subnet("data", "hub", "10.0.0.0/23"));
    let refusal = space.refused("subnet/data");
    assert_eq!(refusal.rules(), ["VNET-04"]);
    refusal.keeps(&before);
    space.apply(&subnet("web", "hub", "10.0.2.0/24"));
    let grown = space.cured("subnet/data", &refusal);
    assert_eq!(at(&grown, "/capacity/total"), 512);
}

#[test]
fn a_subnet_outside_its_network_is_programmed_when_that_grows() {
    let space = Space::with_a_subnet();
    space.apply(&subnet("far", "hub", "10.9.0.0/24"));
    let refusal = space.refused("subnet/far");
    assert_eq!(refusal.told(), [("VNET-03", "NetcfgSubnetRangeOutsideVnet", PREFIX)]);
    refusal.shows(&["10.9.0.0/24", "10.0.0.0/16", "hub"]).is_blocked_by(&[("VirtualNetwork", "hub")]);
    refusal.advises(&["Choose a range inside it, or add a prefix to VirtualNetwork", "hub."]);
    space.apply(&network("hub", "10.0.0.0/16, 10.9.0.0/16"));
    space.cured("subnet/far", &refusal);
}

#[test]
fn a_subnet_outside_its_network_is_programmed_in_a_range_inside_as_the_remedy_says() {
    let space = Space::with_a_subnet();
    space.apply(&subnet("far", "hub", "10.9.0.0/24"));
    space.refused("subnet/far").advises(&["Choose a range inside it"]);
    space.apply(&subnet("far", "hub", "10.0.255.0/24"));
    space.ready("subnet/far");
}

#[test]
fn a_subnet_that_is_too_small_is_refused_until_it_is_as_long_as_the_remedy_says() {
    let space = Space::with_a_subnet();
    space.apply(&subnet("tiny", "hub", "10.0.2.0/30"));
    let refusal = space.refused("subnet/tiny");
    assert_eq!(refusal.told(), [("VNET-02", "NetcfgInvalidSubnet", PREFIX)]);
    refusal.shows(&["10.0.2.0/30"]).advises(&["Choose a prefix length from 8 to 29."]).stalls();
    space.apply(&subnet("tiny", "hub", "10.0.2.0/29"));
    assert_eq!(at(&space.ready("subnet/tiny"), "/capacity/available"), 3);
}

#[test]
fn an_ipv6_range_that_is_no_64_is_refused_until_it_is_one_as_the_remedy_says() {
    let space = Space::empty();
    space.apply(&network("hub", "10.0.0.0/16, 'fd00:db8::/48'"));
    space.apply(&subnet("web", "hub", "10.0.1.0/24, 'fd00:db8::/56'"));
    let refusal = space.refused("subnet/web");
    assert_eq!(refusal.told(), [("VNET-02", "NetcfgInvalidSubnet", "spec.addressPrefixes[1]")]);
    refusal.advises(&["Choose a /64."]).stalls();
    space.apply(&subnet("web", "hub", "10.0.1.0/24, 'fd00:db8::/64'"));
    space.ready("subnet/web");
}

#[test]
fn a_subnet_keeps_its_network_or_another_is_created_as_the_remedy_says() {
    let space = Space::with_a_subnet();
    space.apply(&network("other", "10.0.0.0/16"));
    space.ready("vnet/other");
    let before = space.ready("subnet/web");
    space.apply(&subnet("web", "other", "10.0.1.0/24"));
    let refusal = space.refused("subnet/web");
    assert_eq!(refusal.told(), [("S-14", "PropertyChangeNotAllowed", "spec.virtualNetwork")]);
    refusal.advises(&["Set virtualNetwork to hub, or create another subnet."]).stalls().keeps(&before);
    space.apply(&subnet("another", "other", "10.0.1.0/24"));
    space.ready("subnet/another");
    space.apply(&subnet("web", "hub", "10.0.1.0/24"));
    space.ready("subnet/web");
}

#[test]
fn everything_wrong_with_a_subnet_is_told_at_once() {
    let space = Space::with_a_subnet();
    space.apply(&(network("other", "10.8.0.0/16") + &nic("a", "web")));
    space.ready("vnet/other");
    space.ready("nic/a");
    let before = space.ready("subnet/web");
    space.apply(&subnet("web", "other", "10.9.0.0/30"));
    let refusal = space.refused("subnet/web");
    let told = [
        ("S-14", "PropertyChangeNotAllowed", "spec.virtualNetwork"),
        ("VNET-02", "NetcfgInvalidSubnet", PREFIX),
        ("VNET-03", "NetcfgSubnetRangeOutsideVnet", PREFIX),
        ("VNET-09", "InUsePrefixCannotBeDeleted", PREFIXES),
    ];
    assert_eq!(refusal.told(), told);
    refusal.stalls().keeps(&before);
    refusal.advises_for("S-14", "Set virtualNetwork to hub").advises_for("VNET-02", "from 8 to 29");
    refusal
        .advises_for("VNET-03", "or add a prefix to")
        .advises_for("VNET-09", "or move or delete what has addresses of it");
    space.apply(&network("hub", "10.0.0.0/16, 10.9.0.0/16"));
    space.delete("nic/a");
    space.apply(&subnet("web", "hub", "10.9.0.0/29"));
    space.ready("subnet/web");
}

#[test]
fn a_subnet_grows_once_nothing_has_addresses_of_it() {
    let space = Space::with_a_subnet().and_subnet("data", "10.0.2.0/24");
    space.apply(&static_nic("a", "web", "10.0.1.10"));
    space.ready("nic/a");
    let before = space.ready("subnet/web");
    space.apply(&subnet("web", "hub", "10.0.0.0/23"));
    let refusal = space.refused("subnet/web");
    assert_eq!(refusal.told(), [("VNET-09", "InUsePrefixCannotBeDeleted", PREFIXES)]);
    refusal.shows(&["10.0.1.0/24", "10.0.1.10"]).keeps(&before);
    space.apply(&nic("a", "data"));
    assert_eq!(at(&space.cured("subnet/web", &refusal), "/capacity/total"), 512);
    space.apply(&nic("b", "web"));
    assert_eq!(address(&space.ready("nic/b")), "10.0.0.4");
}

/// The subnet `web` with the NIC `a` at 10.0.1.130, and `data` beside it.
fn with_an_address_in_the_upper_half() -> Space<'static> {
    let space = Space::with_a_subnet().and_subnet("data", "10.0.2.0/24");
    space.apply(&static_nic("a", "web", "10.0.1.130"));
    space.ready("nic/a");
    space
}

#[test]
fn a_subnet_shrinks_by_itself_once_what_has_addresses_of_it_has_moved_or_gone() {
    for cure in [|space: &Space<'_>| space.apply(&nic("a", "data")), |space: &Space<'_>| space.delete("nic/a")] {
        let space = with_an_address_in_the_upper_half();
        let before = space.ready("subnet/web");
        space.apply(&subnet("web", "hub", "10.0.1.0/25"));
        let refusal = space.refused("subnet/web");
        assert_eq!(refusal.told(), [("VNET-09", "InUsePrefixCannotBeDeleted", PREFIXES)]);
        refusal.shows(&["10.0.1.130", "a"]).is_blocked_by(&[("NetworkInterface", "a")]).keeps(&before);
        refusal.advises(&["Keep 10.0.1.0/24, or move or delete what has addresses of it first"]);
        cure(&space);
        let shrunk = space.cured("subnet/web", &refusal);
        assert_eq!(at(&shrunk, "/capacity/total"), 128);
    }
}
