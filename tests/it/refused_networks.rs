//! Refusals of virtual networks, subnets and public addresses.

use serde_json::json;

use crate::manifests::{named_public_address, network, nic, public_address, subnet};
use crate::space::Space;

const PREFIX: &str = "spec.addressPrefixes[0]";

#[test]
fn a_subnet_waits_for_its_network_and_follows_when_that_appears() {
    let space = Space::empty();
    space.apply(&subnet("web", "hub", "10.0.1.0/24"));
    let refusal = space.refused("subnet/web");
    assert_eq!(refusal.told(), [("NIC-03", "InvalidResourceReference", "spec.virtualNetwork")]);
    refusal.shows(&["hub", "does not exist"]).is_blocked_by(&[("VirtualNetwork", "hub")]).waits();
    space.apply(&network("hub", "10.0.0.0/16"));
    space.ready("subnet/web");
}

#[test]
fn an_overlapping_subnet_is_refused_and_programmed_when_the_other_goes() {
    let space = Space::with_a_subnet();
    space.apply(&subnet("late", "hub", "10.0.1.128/25"));
    let refusal = space.refused("subnet/late");
    assert_eq!(refusal.told(), [("VNET-04", "NetcfgSubnetRangesOverlap", PREFIX)]);
    refusal.shows(&["10.0.1.128/25", "10.0.1.0/24", "web"]).advises(&["web"]);
    refusal.is_blocked_by(&[("Subnet", "web")]).waits();
    space.delete("subnet/web");
    space.ready("subnet/late");
}

#[test]
fn a_subnet_outside_its_network_is_refused_and_programmed_when_that_grows() {
    let space = Space::with_a_subnet();
    space.apply(&subnet("far", "hub", "10.9.0.0/24"));
    let refusal = space.refused("subnet/far");
    assert_eq!(refusal.told(), [("VNET-03", "NetcfgSubnetRangeOutsideVnet", PREFIX)]);
    refusal.shows(&["10.9.0.0/24", "10.0.0.0/16", "hub"]).advises(&["hub"]);
    refusal.is_blocked_by(&[("VirtualNetwork", "hub")]).waits();
    space.edit_spec("vnet/hub", &json!({"addressSpace": {"addressPrefixes": ["10.0.0.0/16", "10.9.0.0/16"]}}));
    space.ready("subnet/far");
}

#[test]
fn a_subnet_that_is_too_small_is_refused() {
    let space = Space::with_a_subnet();
    space.apply(&subnet("tiny", "hub", "10.0.2.0/30"));
    let refusal = space.refused("subnet/tiny");
    assert_eq!(refusal.told(), [("VNET-02", "NetcfgInvalidSubnet", PREFIX)]);
    refusal.shows(&["10.0.2.0/30"]).advises(&["29"]).stalls();
}

#[test]
fn a_subnet_keeps_its_network() {
    let space = Space::with_a_subnet();
    space.apply(&network("other", "10.0.0.0/16"));
    space.ready("vnet/other");
    let before = space.ready("subnet/web");
    space.edit_spec("subnet/web", &json!({"virtualNetwork": {"name": "other"}}));
    let refusal = space.refused("subnet/web");
    assert_eq!(refusal.told(), [("S-14", "PropertyChangeNotAllowed", "spec.virtualNetwork")]);
    refusal.advises(&["hub"]).stalls().keeps(&before);
}

#[test]
fn a_subnet_does_not_shrink_away_from_an_address_that_is_held() {
    let space = Space::with_a_subnet();
    space.apply(&nic("a", "web"));
    space.ready("nic/a");
    let before = space.ready("subnet/web");
    space.edit_spec("subnet/web", &json!({"addressPrefixes": ["10.0.1.128/25"]}));
    let refusal = space.refused("subnet/web");
    assert_eq!(refusal.told(), [("VNET-09", "InUsePrefixCannotBeDeleted", "spec.addressPrefixes")]);
    refusal.shows(&["10.0.1.4", "a"]).is_blocked_by(&[("NetworkInterface", "a")]).waits().keeps(&before);
    space.delete("nic/a");
    space.ready("subnet/web");
}

#[test]
fn a_network_keeps_the_prefix_that_a_subnet_lies_in() {
    let space = Space::with_a_subnet();
    let before = space.ready("vnet/hub");
    space.edit_spec("vnet/hub", &json!({"addressSpace": {"addressPrefixes": ["10.7.0.0/16"]}}));
    let refusal = space.refused("vnet/hub");
    let path = "spec.addressSpace.addressPrefixes";
    assert_eq!(refusal.told(), [("S-15", "InUsePrefixCannotBeDeleted", path)]);
    refusal.shows(&["10.0.1.0/24", "web"]).is_blocked_by(&[("Subnet", "web")]).waits().keeps(&before);
}

#[test]
fn a_forbidden_prefix_is_refused() {
    let space = Space::empty();
    space.apply(&network("local", "127.0.0.0/16"));
    let refusal = space.refused("vnet/local");
    let path = "spec.addressSpace.addressPrefixes[0]";
    assert_eq!(refusal.told(), [("VNET-01", "InvalidAddressPrefixFormat", path)]);
    refusal.shows(&["127.0.0.0/16", "127.0.0.0/8"]).stalls();
}

#[test]
fn the_location_of_an_object_is_fixed_once_programmed() {
    let space = Space::with_a_subnet();
    let before = space.ready("vnet/hub");
    space.edit_spec("vnet/hub", &json!({"location": "northeurope"}));
    let refusal = space.refused("vnet/hub");
    assert_eq!(refusal.told(), [("S-12", "InvalidResourceLocation", "spec.location")]);
    refusal.shows(&["westeurope", "northeurope"]).advises(&["westeurope"]).stalls().keeps(&before);
}

#[test]
fn the_sku_of_a_public_address_is_fixed_once_programmed() {
    let space = Space::empty();
    space.apply(&public_address("front", "Basic"));
    let before = space.ready("pip/front");
    space.edit_spec("pip/front", &json!({"sku": {"name": "Standard"}}));
    let refusal = space.refused("pip/front");
    assert_eq!(refusal.told(), [("PIP-01", "SkuCannotBeChangedOnUpdate", "spec.sku.name")]);
    refusal.shows(&["Basic"]).stalls().keeps(&before);
}

#[test]
fn a_domain_name_label_serves_one_public_address_and_the_next_when_that_goes() {
    let space = Space::empty();
    let label = space.own("label");
    space.apply(&named_public_address("first", &label));
    space.ready("pip/first");
    space.apply(&named_public_address("late", &label));
    let refusal = space.refused("pip/late");
    let path = "spec.dnsSettings.domainNameLabel";
    assert_eq!(refusal.told(), [("PIP-15", "DnsRecordInUse", path)]);
    refusal.shows(&[".westeurope.cloudapp.azure.com", "first"]).is_blocked_by(&[("PublicIPAddress", "first")]).waits();
    space.delete("pip/first");
    space.ready("pip/late");
}
