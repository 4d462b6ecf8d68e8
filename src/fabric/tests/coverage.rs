//! Every rule of every kind has a test that accepts and one that refuses.
//!
//! A test says so in a comment above it: `// refuses NetworkInterface ADDR-08`. The comment stands for something: it is
//! followed by a test, and the body of one that refuses compares what was told with that rule.

use std::collections::BTreeSet;

use crate::fabric::kind::refusing_rules;

/// The tests of every kind.
const SOURCES: [&str; 16] = [
    include_str!("../availability_set/tests.rs"),
    include_str!("../public_ip_prefix/tests.rs"),
    include_str!("../virtual_network/tests.rs"),
    include_str!("../quota/tests.rs"),
    include_str!("../subnet/tests.rs"),
    include_str!("../public_ip_address/tests.rs"),
    include_str!("../network_interface/tests/addresses.rs"),
    include_str!("../network_interface/tests/configurations.rs"),
    include_str!("../network_interface/tests/interface.rs"),
    include_str!("../network_interface/tests/ipv6.rs"),
    include_str!("../network_interface/tests/public.rs"),
    include_str!("../virtual_machine/tests/rules.rs"),
    include_str!("../virtual_machine_scale_set/tests/rules.rs"),
    include_str!("../virtual_machine_scale_set/tests/networks.rs"),
    include_str!("../virtual_machine_scale_set_vm/tests.rs"),
    include_str!("../virtual_machine/tests/public.rs"),
];

/// What a comment claims, the lines between it and the test, and the test.
struct Claim<'a> {
    words: (&'a str, &'a str, &'a str),
    before: Vec<&'a str>,
    test: String,
}

fn claims() -> Vec<Claim<'static>> {
    SOURCES.into_iter().flat_map(claims_of).collect()
}

fn claims_of(source: &'static str) -> impl Iterator<Item = Claim<'static>> {
    source.lines().enumerate().filter_map(move |(n, line)| {
        let claim = line.strip_prefix("// accepts ").map(|rest| ("accepts", rest));
        let (verb, rest) = claim.or_else(|| line.strip_prefix("// refuses ").map(|rest| ("refuses", rest)))?;
        let (kind, rule) = rest.split_once(' ').expect("a comment names kind and rule");
        let (before, test): (Vec<_>, Vec<_>) = {
            let mut following = source.lines().skip(n + 1);
            (following.by_ref().take_while(|line| *line != "#[test]").collect(), following.collect())
        };
        let test = test.into_iter().take_while(|line| *line != "}").collect::<Vec<_>>().join("\n");
        Some(Claim { words: (verb, kind, rule), before, test })
    })
}

#[test]
fn every_rule_has_a_test_that_accepts_and_one_that_refuses() {
    let claims = claims();
    let told: BTreeSet<_> = claims.iter().map(|claim| claim.words).collect();
    let rules = refusing_rules().into_iter().map(|rule| (rule.kind.as_str(), rule.id));
    let wanted: BTreeSet<_> = rules.flat_map(|(kind, id)| [("accepts", kind, id), ("refuses", kind, id)]).collect();
    assert_eq!(wanted.difference(&told).collect::<Vec<_>>(), [] as [&_; 0], "these tests are missing");
    assert_eq!(told.difference(&wanted).collect::<Vec<_>>(), [] as [&_; 0], "there are no such rules");
}

#[test]
fn every_comment_stands_above_a_test_that_does_what_it_says() {
    for Claim { words: (verb, kind, rule), before, test } in claims() {
        assert!(before.iter().all(|line| line.starts_with("// ")), "{verb} {kind} {rule} stands above a test");
        let does = match verb {
            "refuses" => test.contains("told(&refusal)") && test.contains(&format!("(\"{rule}\", ")),
            _ => ["accept", "with(", "unwrap()"].iter().any(|word| test.contains(word)),
        };
        assert!(does, "the test that {verb} {kind} {rule} does so");
    }
}
