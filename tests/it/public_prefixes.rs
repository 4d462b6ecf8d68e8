//! Public prefixes: contiguous blocks, what is taken from them, and what waits while they are exhausted or in use.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use kube::core::DynamicObject;
use serde_json::{Value, json};

use crate::support::manifests::{address_of_prefix, object, prefix, public_address};
use crate::support::space::{Space, at};

const PREFIX: &str = "spec.publicIPPrefix";

fn block(prefix: &DynamicObject) -> IpNet {
    at(prefix, "/ipPrefix").as_str().and_then(|text| text.parse().ok()).expect("it shows its addresses")
}

fn address(pip: &DynamicObject) -> IpAddr {
    at(pip, "/ipAddress").as_str().and_then(|text| text.parse().ok()).expect("it shows its address")
}

/// A prefix `pool` of two addresses, which `a` and `b` have.
fn exhausted() -> Space<'static> {
    let space = Space::empty();
    space.apply(&prefix("pool", 31));
    space.ready("pipp/pool");
    for name in ["a", "b"] {
        space.apply(&address_of_prefix(name, "pool"));
        space.ready(&format!("pip/{name}"));
    }
    space
}

#[test]
fn a_prefix_is_one_block_whose_addresses_are_given_lowest_first() {
    let space = Space::empty();
    space.apply(&prefix("pool", 30));
    let block = block(&space.ready("pipp/pool"));
    assert_eq!(block.prefix_len(), 30);
    assert_eq!(block.trunc(), block, "a block is aligned");
    let all: Vec<IpAddr> = ["a", "b", "c", "d"]
        .into_iter()
        .map(|name| {
            space.apply(&address_of_prefix(name, "pool"));
            address(&space.ready(&format!("pip/{name}")))
        })
        .collect();
    let IpNet::V4(block) = block else { panic!("public prefixes are IPv4") };
    let first = u32::from(block.network());
    let expected: Vec<IpAddr> = (first..first + 4).map(|bits| IpAddr::V4(bits.into())).collect();
    assert_eq!(all, expected);
}

#[test]
fn a_prefix_counts_and_lists_what_is_taken_from_it() {
    let space = exhausted();
    let listed = |names: Value| move |prefix: &DynamicObject| *at(prefix, "/publicIPAddresses") == names;
    let both = space.wait("pipp/pool", "listing both", listed(json!([{"name": "a"}, {"name": "b"}])));
    assert_eq!(at(&both, "/publicIPAddressCount"), 2);
    space.delete("pip/a");
    let one = space.wait("pipp/pool", "listing the other", listed(json!([{"name": "b"}])));
    assert_eq!(at(&one, "/publicIPAddressCount"), 1);
}

#[test]
fn prefixes_and_single_addresses_never_meet() {
    let space = Space::empty();
    let prefixes: String = (0..4).map(|n| prefix(&format!("pool-{n}"), 28 + n)).collect();
    let singles: String = (0..4).map(|n| public_address(&format!("single-{n}"), "Standard")).collect();
    space.apply(&(prefixes + &singles));
    let mut all = BTreeSet::new();
    for n in 0..4 {
        let block = block(&space.ready(&format!("pipp/pool-{n}")));
        let network = match block {
            IpNet::V4(block) => u32::from(block.network())..=u32::from(block.broadcast()),
            IpNet::V6(_) => panic!("public prefixes are IPv4"),
        };
        for bits in network {
            assert!(all.insert(IpAddr::V4(bits.into())), "{block} meets another");
        }
    }
    for n in 0..4 {
        let address = address(&space.ready(&format!("pip/single-{n}")));
        assert!(all.insert(address), "{address} is of a prefix, or another's");
    }
}

#[test]
fn an_address_of_an_exhausted_prefix_waits_and_gets_the_one_that_is_given_back() {
    let space = exhausted();
    let woken = address(&space.ready("pip/a"));
    space.apply(&address_of_prefix("late", "pool"));
    let refusal = space.refused("pip/late");
    assert_eq!(refusal.told(), [("PIP-04", "PublicIPPrefixExhausted", PREFIX)]);
    let block = block(&space.ready("pipp/pool")).to_string();
    refusal.shows(&[&block, "none is available"]).advises(&["Delete", "pool", "another prefix"]).waits();
    space.delete("pip/a");
    assert_eq!(address(&space.ready("pip/late")), woken);
}

#[test]
fn those_that_wait_for_a_prefix_are_served_in_the_order_in_which_they_came() {
    let space = exhausted();
    for name in ["z-first", "m-second", "a-third"] {
        space.apply(&address_of_prefix(name, "pool"));
        space.refused(&format!("pip/{name}")).waits();
    }
    space.delete("pip/a");
    space.ready("pip/z-first");
    space.delete("pip/b");
    space.ready("pip/m-second");
    space.refused("pip/a-third").waits();
    space.delete("pip/z-first");
    space.ready("pip/a-third");
}

#[test]
fn an_address_that_is_requested_is_waited_for_until_it_is_released() {
    let space = exhausted();
    let theirs = address(&space.ready("pip/a"));
    let requesting = |ip: &str| {
        let spec = format!("sku: {{name: Standard}}, publicIPPrefix: {{name: pool}}, ipAddress: {ip}");
        object("PublicIPAddress", "c", &spec)
    };
    space.apply(&requesting(&theirs.to_string()));
    let refusal = space.refused("pip/c");
    assert_eq!(refusal.told(), [("PIP-26", "PublicIPAddressInUse", "spec.ipAddress")]);
    refusal.shows(&[&theirs.to_string(), "PublicIPAddress"]).is_blocked_by(&[("PublicIPAddress", "a")]).waits();
    space.delete("pip/b"); // another one is free, and not what it waits for
    space.gone("pip/b");
    space.refused("pip/c").waits();
    space.delete("pip/a");
    let before = space.ready("pip/c");
    assert_eq!(address(&before), theirs);
    space.apply(&requesting("203.0.113.1"));
    let refusal = space.refused("pip/c");
    assert_eq!(refusal.told(), [("PIP-26", "PropertyChangeNotAllowed", "spec.ipAddress")]);
    refusal.shows(&[&theirs.to_string()]).advises(&[&theirs.to_string(), "leave it out"]).stalls().keeps(&before);
    space.edit_spec("pip/c", &json!({"ipAddress": null}));
    assert_eq!(address(&space.ready("pip/c")), theirs);
}

#[test]
fn an_address_waits_for_its_prefix_and_follows_when_that_appears() {
    let space = Space::empty();
    space.apply(&address_of_prefix("a", "pool"));
    let refusal = space.refused("pip/a");
    assert_eq!(refusal.told(), [("PIP-16", "InvalidResourceReference", PREFIX)]);
    refusal.shows(&["pool", "does not exist"]).is_blocked_by(&[("PublicIPPrefix", "pool")]).waits();
    space.apply(&prefix("pool", 31));
    let a = address(&space.ready("pip/a"));
    assert!(block(&space.ready("pipp/pool")).contains(&a));
}

#[test]
fn an_address_stays_with_the_prefix_that_it_was_taken_from() {
    let space = exhausted();
    space.apply(&prefix("other", 31));
    space.ready("pipp/other");
    let before = space.ready("pip/a");
    for edit in [address_of_prefix("a", "other"), public_address("a", "Standard")] {
        space.apply(&edit);
        let refusal = space.refused("pip/a");
        assert_eq!(refusal.told(), [("PIP-16", "PropertyChangeNotAllowed", PREFIX)]);
        refusal.shows(&["PublicIPPrefix", "pool"]).advises(&["Keep PublicIPPrefix", "another public address"]);
        refusal.stalls().keeps(&before);
    }
    space.apply(&address_of_prefix("a", "pool"));
    assert_eq!(address(&space.ready("pip/a")), address(&before));
}

#[test]
fn the_length_of_a_prefix_is_fixed_once_programmed() {
    let space = exhausted();
    let before = space.ready("pipp/pool");
    space.edit_spec("pipp/pool", &json!({"prefixLength": 28}));
    let refusal = space.refused("pipp/pool");
    assert_eq!(refusal.told(), [("S-14", "PropertyChangeNotAllowed", "spec.prefixLength")]);
    refusal.shows(&["/31"]).advises(&["31", "another prefix"]).stalls().keeps(&before);
    space.edit_spec("pipp/pool", &json!({"prefixLength": 31}));
    assert_eq!(block(&space.ready("pipp/pool")), block(&before));
}

#[test]
fn a_prefix_goes_when_the_last_address_has_that_was_taken_from_it() {
    let space = exhausted();
    space.delete("pipp/pool");
    let refusal = space.refused("pipp/pool");
    let told = [("S-19", "InUsePublicIpPrefixCannotBeDeleted", "metadata.deletionTimestamp")];
    assert_eq!(refusal.told(), told);
    refusal.shows(&["PublicIPAddress", "a", "and others"]).advises(&["Delete the public addresses"]);
    refusal.is_blocked_by(&[("PublicIPAddress", "a"), ("PublicIPAddress", "b")]).waits();
    space.delete("pip/a");
    space.wait("pipp/pool", "waiting for b", |prefix| {
        prefix.data["status"]["violations"][0]["blockedBy"][0]["name"] == "b"
    });
    space.delete("pip/b");
    space.gone("pipp/pool");
}

#[test]
fn a_basic_address_of_a_prefix_and_a_prefix_of_another_length_are_refused_by_the_api_server() {
    let space = Space::empty();
    let basic = object("PublicIPAddress", "a", "sku: {name: Basic}, publicIPPrefix: {name: pool}");
    assert!(space.apply_refused(&basic).contains("set sku.name to Standard, or leave publicIPPrefix out"));
    assert!(space.apply_refused(&prefix("large", 27)).contains("spec.prefixLength"));
    assert!(space.apply_refused(&prefix("small", 32)).contains("spec.prefixLength"));
}
