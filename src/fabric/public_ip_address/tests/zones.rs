//! The availability zones of public addresses and of their prefixes (PIP-27).

use super::*;
use crate::fabric::public_ip_prefix::PublicIPPrefix;
use crate::fabric::zones::Zone::{One, Three, Two};

const PATH: &str = "spec.zones";

// accepts PublicIPAddress PIP-27
#[test]
fn a_standard_address_keeps_the_zones_that_it_was_created_in() {
    let zonal = || a_public_ip("p").standard().zones([One, Two, Three]);
    a_fabric().with(zonal()).accept(zonal().label("web"));
}

// refuses PublicIPAddress PIP-27
#[test]
fn a_basic_address_has_no_zones() {
    let refusal = a_fabric().put(a_public_ip("p").zones([One])).unwrap_err();
    assert_eq!(told(&refusal), [("PIP-27", Code::InvalidParameter, PATH)]);
    assert!(refusal.stalls());
}

#[test]
fn the_zones_of_an_address_are_fixed() {
    for (before, after) in
        [(vec![One], vec![Two]), (vec![One], vec![]), (vec![], vec![One]), (vec![One], vec![One, Two])]
    {
        let mut fabric = a_fabric().with(a_public_ip("p").standard().zones(before));
        let refusal = fabric.put(a_public_ip("p").standard().zones(after)).unwrap_err();
        assert_eq!(told(&refusal), [("PIP-27", Code::PropertyChangeNotAllowed, PATH)]);
        assert!(refusal.stalls());
    }
}

#[test]
fn an_address_that_names_no_zones_has_those_of_its_prefix() {
    let mut fabric = a_fabric().with(a_prefix("pool", 30).zones([One, Two]));
    for name in ["p", "p"] {
        fabric.accept(a_public_ip(name).standard().from("pool"));
        assert_eq!(fabric.get::<PublicIPAddress>("p").ask.zones, [One, Two].into());
    }
    fabric.accept(a_public_ip("p").standard().from("pool").zones([One, Two]));
}

#[test]
fn an_address_keeps_the_zones_of_a_prefix_that_is_lost() {
    use crate::fabric::tests::restored::{records, restored};
    let fabric = a_fabric().with(a_prefix("pool", 30).zones([One])).with(a_public_ip("p").standard().from("pool"));
    let mut records = records(&fabric.engine);
    records.retain(|(kind, ..)| *kind != Kind::PublicIPPrefix);
    let (engine, _) = restored(&fabric.engine, records);
    let refusal = fabric.on(engine).put(a_public_ip("p").standard().from("pool")).unwrap_err();
    assert!(
        !refusal.stalls() && refusal.violations().iter().all(|violation| violation.rule == "PIP-16"),
        "{refusal:?}"
    );
}

#[test]
fn an_address_and_its_prefix_have_the_same_zones() {
    for of_prefix in [vec![], vec![Two], vec![One, Two]] {
        let mut fabric = a_fabric().with(a_prefix("pool", 30).zones(of_prefix));
        let refusal = fabric.put(a_public_ip("p").standard().from("pool").zones([One])).unwrap_err();
        assert_eq!(told(&refusal), [("PIP-27", Code::InvalidParameter, PATH)]);
        assert!(refusal.stalls() && refusal.keys().contains(&WaitKey::object(Kind::PublicIPPrefix, &named("pool"))));
    }
}

// accepts PublicIPPrefix PIP-27
#[test]
fn a_prefix_keeps_the_zones_that_it_was_created_in() {
    a_fabric().with(a_prefix("pool", 30).zones([Three])).accept(a_prefix("pool", 30).zones([Three]));
}

// refuses PublicIPPrefix PIP-27
#[test]
fn the_zones_of_a_prefix_are_fixed() {
    let refusal = a_fabric().with(a_prefix("pool", 30)).put(a_prefix("pool", 30).zones([Three])).unwrap_err();
    assert_eq!(told(&refusal), [("PIP-27", Code::PropertyChangeNotAllowed, PATH)]);
    assert_eq!(refusal.violations()[0].message, "The PublicIPPrefix was created without zones.");
    let mut fabric = a_fabric().with(a_prefix("pool", 30).zones([One, Three]));
    let refusal = fabric.put(a_prefix("pool", 30)).unwrap_err();
    assert_eq!(refusal.violations()[0].message, "The PublicIPPrefix was created with zones [\"1\", \"3\"].");
    assert_eq!(fabric.get::<PublicIPPrefix>("pool").ask.zones, [One, Three].into());
}
