//! Addresses that public addresses request from their prefixes (PIP-26).

use super::*;
use crate::fabric::tests::restored::{records, restored};

const PATH: &str = "spec.ipAddress";

/// The prefix `pool`: 198.18.0.0 to 198.18.0.3.
fn a_pool() -> Fabric {
    a_fabric().with(a_prefix("pool", 30))
}

fn of_the_pool(name: &str) -> A<PublicIPAddress> {
    a_public_ip(name).standard().from("pool")
}

// accepts PublicIPAddress PIP-26
#[test]
fn an_address_of_the_prefix_that_is_free_is_allocated() {
    let fabric = a_pool().with(of_the_pool("p").requests("198.18.0.2"));
    assert_eq!(fabric.public_address("p"), "198.18.0.2");
}

// refuses PublicIPAddress PIP-26
#[test]
fn an_address_without_a_prefix_is_refused() {
    let refusal = a_fabric().put(a_public_ip("p").standard().requests("198.18.0.2")).unwrap_err();
    assert_eq!(told(&refusal), [("PIP-26", Code::InvalidParameter, PATH)]);
    assert!(refusal.stalls());
}

#[test]
fn an_address_outside_the_prefix_is_refused() {
    let refusal = a_pool().put(of_the_pool("p").requests("198.18.0.4")).unwrap_err();
    assert_eq!(told(&refusal), [("PIP-26", Code::InvalidParameter, PATH)]);
    assert!(refusal.stalls() && refusal.keys().contains(&WaitKey::object(Kind::PublicIPPrefix, &named("pool"))));
}

#[test]
fn an_ipv6_address_requests_none() {
    let refusal = a_pool().put(of_the_pool("p").ipv6().requests("198.18.0.2")).unwrap_err();
    assert_eq!(told(&refusal), [("PIP-26", Code::InvalidParameter, PATH)]);
}

#[test]
fn an_address_that_another_has_is_waited_for() {
    let mut fabric = a_pool().with(of_the_pool("other"));
    let refusal = fabric.put(of_the_pool("p").requests("198.18.0.0")).unwrap_err();
    assert_eq!(told(&refusal), [("PIP-26", Code::PublicIPAddressInUse, PATH)]);
    assert_eq!(refusal.violations()[0].blocked_by, [ObjectId::new(Kind::PublicIPAddress, named("other"))]);
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::PublicIPAddress, "other").unwrap()));
    fabric.accept(of_the_pool("p").requests("198.18.0.0"));
    assert_eq!(fabric.public_address("p"), "198.18.0.0");
}

#[test]
fn an_address_that_is_allocated_is_fixed() {
    let mut fabric = a_pool().with(of_the_pool("p").requests("198.18.0.2"));
    let refusal = fabric.put(of_the_pool("p").requests("198.18.0.3")).unwrap_err();
    assert_eq!(told(&refusal), [("PIP-26", Code::PropertyChangeNotAllowed, PATH)]);
    assert!(refusal.stalls());
}

#[test]
fn an_address_that_was_allocated_may_be_written_down_and_left_out_again() {
    let mut fabric = a_pool().with(of_the_pool("p"));
    fabric.accept(of_the_pool("p").requests("198.18.0.0"));
    fabric.accept(of_the_pool("p"));
    assert_eq!(fabric.public_address("p"), "198.18.0.0");
}

/// A Flexible set whose instances have addresses of the prefix.
fn a_set(replicas: u32) -> A<crate::fabric::VirtualMachineScaleSet> {
    a_scale_set("api", replicas).flexible().public(a_public_model(Sku::Standard).from("pool"))
}

/// S-88
#[test]
fn an_address_that_is_requested_is_passed_over_while_another_is_free() {
    let mut fabric = a_fabric();
    let id = ObjectId::new(Kind::PublicIPAddress, named("p"));
    fabric.engine.note_requested(&id, Some(&of_the_pool("p").requests("198.18.0.0").ask.into()));
    fabric.accept(a_prefix("pool", 31));
    fabric.accept(of_the_pool("first"));
    assert_eq!(fabric.public_address("first"), "198.18.0.1");
    fabric.accept(of_the_pool("second"));
    assert_eq!(fabric.public_address("second"), "198.18.0.0");
}

#[test]
fn an_address_that_is_reserved_for_an_instance_is_waited_for() {
    let mut fabric = a_pool().with(a_subnet("web", "10.0.1.0/24"));
    fabric.accept(a_set(1));
    let refusal = fabric.put(of_the_pool("p").requests("198.18.0.0")).unwrap_err();
    assert_eq!(told(&refusal), [("PIP-26", Code::PublicIPAddressInUse, PATH)]);
    assert_eq!(refusal.violations()[0].blocked_by, [ObjectId::new(Kind::VirtualMachineScaleSet, named("api"))]);
    fabric.cure(&refusal, |fabric| fabric.accept(a_set(0)));
    fabric.accept(of_the_pool("p").requests("198.18.0.0"));
}

#[test]
fn a_restart_keeps_what_was_requested() {
    let fabric = a_pool().with(of_the_pool("other")).with(of_the_pool("p").requests("198.18.0.2"));
    let (engine, dropped) = restored(&fabric.engine, records(&fabric.engine));
    assert_eq!(dropped, Vec::<String>::new());
    let public = engine.get::<PublicIPAddress>(&named("p")).unwrap();
    let address = Some("198.18.0.2".parse().unwrap());
    assert_eq!((public.held.address, public.ask.requested_address), (address, address));
}

#[test]
fn an_address_of_a_prefix_that_has_lost_its_own_waits_until_that_has_some() {
    let fabric = a_pool();
    let mut records = records(&fabric.engine);
    for (_, _, record) in &mut records {
        if let crate::fabric::AnyRecord::PublicIPPrefix(record) = record {
            record.view.ip_prefix = None;
        }
    }
    let (engine, _) = restored(&fabric.engine, records);
    let mut fabric = fabric.on(engine);
    for asked in [of_the_pool("p"), of_the_pool("p").requests("198.18.0.1")] {
        let refusal = fabric.put(asked.clone()).unwrap_err();
        assert_eq!(refusal.codes(), [Code::PublicIPPrefixExhausted]);
        let mut other = fabric.clone();
        other.cure(&refusal, |fabric| fabric.accept(a_prefix("pool", 30)));
        other.accept(asked);
    }
}
