//! A virtual network: its address space, its name servers, and its end.

use serde_json::json;

use crate::support::manifests::{network, nic, object, subnet};
use crate::support::space::{Space, at};

const SPACE: &str = "spec.addressSpace.addressPrefixes";
const DELETION: &str = "metadata.deletionTimestamp";

#[test]
fn a_prefix_that_a_subnet_lies_in_goes_by_itself_once_the_subnet_has_gone() {
    let space = Space::with_a_subnet();
    let before = space.ready("vnet/hub");
    space.apply(&network("hub", "10.7.0.0/16"));
    let refusal = space.refused("vnet/hub");
    assert_eq!(refusal.told(), [("S-15", "InUsePrefixCannotBeDeleted", SPACE)]);
    refusal.shows(&["10.0.1.0/24", "web"]).is_blocked_by(&[("Subnet", "web")]).keeps(&before);
    refusal.advises(&[
        "Keep a prefix that contains 10.0.1.0/24, or delete Subnet",
        "web, or move it into the new address space",
    ]);
    space.delete("subnet/web");
    space.cured("vnet/hub", &refusal);
}

#[test]
fn a_prefix_that_a_subnet_lies_in_is_kept_as_the_remedy_says() {
    let space = Space::with_a_subnet();
    space.apply(&network("hub", "10.7.0.0/16"));
    space.refused("vnet/hub").advises(&["Keep a prefix that contains 10.0.1.0/24"]);
    space.apply(&network("hub", "10.7.0.0/16, 10.0.1.0/24"));
    space.ready("vnet/hub");
    space.apply(&subnet("next", "hub", "10.7.1.0/24"));
    space.ready("subnet/next");
}

#[test]
fn a_subnet_that_moves_to_the_new_prefix_lets_the_old_one_go() {
    let space = Space::with_a_subnet();
    space.apply(&network("hub", "10.0.0.0/16, 10.7.0.0/16"));
    space.ready("vnet/hub");
    space.apply(&network("hub", "10.7.0.0/16"));
    let refusal = space.refused("vnet/hub");
    assert_eq!(refusal.rules(), ["S-15"]);
    space.apply(&subnet("web", "hub", "10.7.1.0/24"));
    space.ready("subnet/web");
    space.cured("vnet/hub", &refusal);
}

/// S-87
#[test]
fn a_network_and_its_empty_subnet_move_in_one_apply_in_either_order() {
    for subnet_first in [false, true] {
        let space = Space::with_a_subnet();
        let (hub, web) = (network("hub", "10.200.0.0/16"), subnet("web", "hub", "10.200.1.0/24"));
        space.apply(&if subnet_first { web + &hub } else { hub + &web });
        let (hub, web) = (space.ready("vnet/hub"), space.ready("subnet/web"));
        assert_eq!(at(&hub, "/programmed/addressSpace/addressPrefixes"), &json!(["10.200.0.0/16"]));
        assert_eq!(at(&web, "/programmed/addressPrefixes"), &json!(["10.200.1.0/24"]));
        space.wait("vnet/hub", "without the old prefix", |hub| hub.data["status"]["retainedAddressPrefixes"].is_null());
    }
}

/// S-87
#[test]
fn a_network_keeps_the_old_prefix_until_a_subnet_that_is_asked_to_move_can() {
    let space = Space::with_a_subnet();
    space.apply(&network("hub", "10.0.0.0/16, 10.200.0.0/16"));
    space.ready("vnet/hub");
    let space = space.and_subnet("data", "10.200.1.0/24");
    space.apply(&(network("hub", "10.200.0.0/16") + &subnet("web", "hub", "10.200.1.0/24")));
    let hub = space.wait("vnet/hub", "waiting for its subnet", |hub| {
        let conditions = hub.data["status"]["conditions"].as_array().cloned().unwrap_or_default();
        conditions.iter().any(|condition| condition["type"] == "Ready" && condition["reason"] == "PrefixStillUsed")
    });
    assert_eq!(at(&hub, "/retainedAddressPrefixes"), &json!(["10.0.0.0/16"]));
    assert_eq!(space.refused("subnet/web").rules(), ["VNET-04"]);
    space.delete("subnet/data");
    space.ready("subnet/web");
    space.ready("vnet/hub");
}

#[test]
fn a_forbidden_prefix_is_refused_and_replaced_by_a_private_one_as_the_remedy_says() {
    let space = Space::empty();
    space.apply(&network("local", "127.0.0.0/16"));
    let refusal = space.refused("vnet/local");
    assert_eq!(refusal.told(), [("VNET-01", "InvalidAddressPrefixFormat", &*format!("{SPACE}[0]"))]);
    refusal.shows(&["127.0.0.0/16", "127.0.0.0/8"]).stalls();
    refusal.advises(&["Choose a range of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16"]);
    space.apply(&network("local", "172.16.0.0/12"));
    space.ready("vnet/local");
}

#[test]
fn everything_wrong_with_an_address_space_is_told_at_once() {
    let space = Space::with_a_subnet();
    let before = space.ready("vnet/hub");
    space.apply(&network("hub", "10.7.0.0/16, 169.254.0.0/24, 224.0.0.0/8"));
    let refusal = space.refused("vnet/hub");
    let forbidden = [1, 2].map(|n| format!("{SPACE}[{n}]"));
    let code = "InvalidAddressPrefixFormat";
    let in_use = ("S-15", "InUsePrefixCannotBeDeleted", SPACE);
    assert_eq!(refusal.told(), [("VNET-01", code, &*forbidden[0]), ("VNET-01", code, &*forbidden[1]), in_use]);
    refusal.stalls().keeps(&before);
    space.apply(&network("hub", "10.7.0.0/16"));
    let refusal = space.refused("vnet/hub");
    assert_eq!(refusal.rules(), ["S-15"]);
    space.delete("subnet/web");
    space.cured("vnet/hub", &refusal);
}

#[test]
fn a_prefix_with_host_bits_is_refused_at_once_and_taken_as_the_message_says() {
    let space = Space::empty();
    let told = space.apply_refused(&network("hub", "10.0.0.5/16"));
    assert!(told.contains("write the first address of the range, such as 10.0.0.0/16"), "{told}");
    space.apply(&network("hub", "10.0.0.0/16"));
    space.ready("vnet/hub");
}

#[test]
fn a_name_server_that_is_no_address_is_refused_at_once_with_what_one_is() {
    let space = Space::with_a_subnet();
    let before = space.ready("vnet/hub");
    let with_server = |server: &str| {
        let spec = format!("addressSpace: {{addressPrefixes: [10.0.0.0/16]}}, dhcpOptions: {{dnsServers: [{server}]}}");
        object("VirtualNetwork", "hub", &spec)
    };
    let told = space.apply_refused(&with_server("dns.example.com"));
    assert!(told.contains("spec.dhcpOptions.dnsServers[0]"), "{told}");
    assert!(told.contains("must be an IP address, such as"), "{told}");
    assert_eq!(space.get("vnet/hub").metadata.generation, before.metadata.generation);
    space.apply(&with_server("10.0.1.10"));
    space.ready("vnet/hub");
}

#[test]
fn the_location_of_an_object_is_fixed_once_programmed() {
    let space = Space::with_a_subnet();
    let before = space.ready("vnet/hub");
    space.edit_spec("vnet/hub", &json!({"location": "northeurope"}));
    let refusal = space.refused("vnet/hub");
    assert_eq!(refusal.told(), [("S-12", "InvalidResourceLocation", "spec.location")]);
    refusal.shows(&["westeurope", "northeurope"]).stalls().keeps(&before);
    refusal.advises(&["Set location to westeurope, or delete the object and create it again."]);
    space.edit_spec("vnet/hub", &json!({"location": "westeurope"}));
    space.ready("vnet/hub");
}

#[test]
fn a_network_its_subnet_and_its_nic_deleted_in_the_wrong_order_go_in_the_right_one() {
    let space = Space::with_a_subnet();
    space.apply(&nic("a", "web"));
    space.ready("nic/a");
    space.delete("vnet/hub");
    let refusal = space.refused("vnet/hub");
    assert_eq!(refusal.told(), [("VNET-06", "InUseSubnetCannotBeDeleted", DELETION)]);
    refusal.advises(&["Delete its subnets; it is then deleted automatically."]).waits();
    space.delete("subnet/web");
    let refusal = space.refused("subnet/web");
    assert_eq!(refusal.told(), [("VNET-05", "InUseSubnetCannotBeDeleted", DELETION)]);
    refusal.advises(&[
        "Delete the network interfaces in it, or move them to another subnet; it is then deleted automatically.",
    ]);
    space.delete("nic/a");
    for id in ["nic/a", "subnet/web", "vnet/hub"] {
        space.gone(id);
    }
}

#[test]
fn a_subnet_that_is_deleted_goes_when_its_nic_moves_to_another_as_the_remedy_says() {
    let space = Space::with_a_subnet().and_subnet("data", "10.0.2.0/24");
    space.apply(&nic("a", "web"));
    space.ready("nic/a");
    space.delete("subnet/web");
    space.refused("subnet/web").advises(&["or move them to another subnet"]).waits();
    space.apply(&nic("a", "data"));
    space.gone("subnet/web");
    space.ready("nic/a");
}
