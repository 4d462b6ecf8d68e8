//! The reference has every rule, and shows of each all that there is.

use super::*;

/// The families of the catalogue and how many rules each has.
const FAMILIES: [(&str, u32); 19] = [
    ("NIC", 29),
    ("IPC", 24),
    ("IP6", 9),
    ("ADDR", 14),
    ("VNET", 12),
    ("PIP", 23),
    ("VM", 22),
    ("SIZE", 5),
    ("AVS", 3),
    ("VMSS", 32),
    ("NSG", 24),
    ("ASG", 7),
    ("ROUTE", 17),
    ("OUT", 10),
    ("LB", 16),
    ("AGW", 5),
    ("ARM", 14),
    ("D", 19),
    ("S", 40),
];

/// Rules beyond the counts of their families.
const LATER: [&str; 8] = ["PIP-25", "PIP-26", "PIP-27", "VMSS-47", "ARM-16", "S-92", "S-93", "S-94"];

#[test]
fn no_rule_is_left_out() {
    let all = FAMILIES.iter().flat_map(|(family, count)| (1..=*count).map(move |n| format!("{family}-{n:02}")));
    let all = all.chain(LATER.map(str::to_owned));
    let missing: Vec<String> = all.filter(|id| lookup(id).is_empty()).collect();
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn a_rule_of_a_run_is_found_by_its_own_number() {
    assert!(lookup("nsg-07")[0].contains("not modelled"));
    assert!(lookup("NSG-99").is_empty());
}

#[test]
fn whatever_is_told_of_a_rule_has_its_source() {
    for remark in remarks() {
        assert!(!remark.says.is_empty() && !remark.source.is_empty(), "{}", remark.id);
    }
    for row in rows() {
        let texts = [row.says, &row.codes, row.remedy, row.source];
        assert!(texts.iter().all(|text| !text.is_empty()), "{} of {}", row.id, row.of);
    }
}

#[test]
fn a_rule_that_refuses_is_told_with_code_cure_place_remedy_and_source() {
    let told = lookup("addr-08").remove(0);
    for part in [
        "ADDR-08 (NetworkInterface, put): A static address",
        "code:   PrivateIPAddressInUse",
        "then:   it waits or stalls",
        "by:     fabric",
        "remedy: Choose a free address",
        "source: [NIC]",
    ] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
}

#[test]
fn a_rule_of_every_kind_is_told_as_fully_as_a_kinds_own() {
    let told = lookup("ARM-07").remove(0);
    for part in ["(every kind, put)", "code:   AnotherOperationInProgress", "then:   it waits", "remedy: ", "source: "]
    {
        assert!(told.contains(part), "{part} is not in {told}");
    }
}

#[test]
fn the_parts_of_a_rule_are_told_one_after_the_other() {
    let told = lookup("VNET-12");
    assert_eq!(told.len(), 3, "its networks, its subnets and its peerings: {told:#?}");
}
