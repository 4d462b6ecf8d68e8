//! The rules and effects of public prefixes.

use super::*;
use crate::fabric::resource::DELETION_PATH;
use crate::fabric::testing::*;

const LENGTH: &str = "spec.prefixLength";

// accepts PublicIPPrefix S-19
// accepts deletion of PublicIPPrefix S-19
#[test]
fn a_prefix_of_16_addresses_is_accepted_and_goes_when_nothing_is_taken_from_it() {
    let mut fabric = a_fabric().with(a_prefix("pool", 28));
    assert!(fabric.delete(Kind::PublicIPPrefix, "pool").unwrap());
    fabric.accept(a_prefix("pool", 31));
}

// refuses PublicIPPrefix S-19
#[test]
fn a_prefix_of_32_addresses_is_refused() {
    let refusal = a_fabric().put(a_prefix("pool", 27)).unwrap_err();
    assert_eq!(told(&refusal), [("S-19", Code::InvalidParameter, LENGTH)]);
    assert!(refusal.stalls());
}

// refuses deletion of PublicIPPrefix S-19
#[test]
fn a_prefix_that_addresses_are_taken_from_stays_until_they_go() {
    let mut fabric = a_fabric().with(a_prefix("pool", 28)).with(a_public_ip("p").standard().from("pool"));
    let refusal = fabric.delete(Kind::PublicIPPrefix, "pool").unwrap_err();
    assert_eq!(told(&refusal), [("S-19", Code::InUsePublicIpPrefixCannotBeDeleted, DELETION_PATH)]);
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::PublicIPAddress, "p").unwrap()));
    assert!(fabric.delete(Kind::PublicIPPrefix, "pool").unwrap());
}

// accepts PublicIPPrefix S-14
#[test]
fn a_prefix_that_keeps_its_length_keeps_its_addresses() {
    let mut fabric = a_fabric().with(a_prefix("pool", 30));
    let before = fabric.get::<PublicIPPrefix>("pool").held.clone();
    fabric.accept(a_prefix("pool", 30));
    assert_eq!(fabric.get::<PublicIPPrefix>("pool").held, before);
}

// refuses PublicIPPrefix S-14
// shows ARM-13
#[test]
fn the_length_of_a_prefix_is_fixed() {
    let refusal = a_fabric().with(a_prefix("pool", 30)).put(a_prefix("pool", 29)).unwrap_err();
    assert_eq!(told(&refusal), [("S-14", Code::PropertyChangeNotAllowed, LENGTH)]);
    assert!(refusal.stalls());
}

// accepts PublicIPPrefix PIP-16
#[test]
fn prefixes_are_aligned_blocks_and_leave_out_what_is_held() {
    let fabric =
        a_fabric_with_public_addresses("198.18.0.0/29").with(a_public_ip("p").standard()).with(a_prefix("q", 30));
    assert_eq!(fabric.public_address("p"), "198.18.0.0");
    assert_eq!(fabric.view::<PublicIPPrefix>("q").ip_prefix.unwrap().to_string(), "198.18.0.4/30");
}

// refuses PublicIPPrefix PIP-16
#[test]
fn a_prefix_waits_until_a_whole_block_is_free() {
    let mut fabric = a_fabric_with_public_addresses("198.18.0.0/30").with(a_public_ip("p").standard());
    let refusal = fabric.put(a_prefix("pool", 30)).unwrap_err();
    assert_eq!(told(&refusal), [("PIP-16", Code::AllocationFailed, LENGTH)]);
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::PublicIPAddress, "p").unwrap()));
    fabric.accept(a_prefix("pool", 30));
}

#[test]
fn the_addresses_of_a_prefix_go_lowest_first_and_return_to_it() {
    let mut fabric = a_fabric().with(a_prefix("pool", 31));
    fabric.accept(a_public_ip("a").standard().from("pool"));
    fabric.accept(a_public_ip("b").standard().from("pool"));
    assert_eq!((fabric.public_address("a"), fabric.public_address("b")), ("198.18.0.0".into(), "198.18.0.1".into()));
    let view = fabric.view::<PublicIPPrefix>("pool");
    assert_eq!((view.public_ip_address_count, view.public_ip_addresses.len()), (Some(2), 2));
    fabric.delete(Kind::PublicIPAddress, "a").unwrap();
    fabric.accept(a_public_ip("c").standard().from("pool"));
    assert_eq!(fabric.public_address("c"), "198.18.0.0");
}
