//! Every rule of every kind, and of every kind alike, has a test that accepts and one that refuses.
//!
//! A test says so in a comment above it: `// refuses NetworkInterface ADDR-08`, `// refuses deletion of Subnet VNET-05`, or
//! `// refuses any ARM-10`. The comment stands for something: it is followed by a test, and the body of one that refuses
//! compares what was told with that rule. What a rule shows otherwise, in a status or a condition, is shown by a test under
//! a comment with its id, such as `// shows NIC-16`. That every violation that is told, by whatever test, has a row with its code and
//! cure is checked where it is told (see `assert_in_the_reference`).

use std::collections::BTreeSet;
use std::path::Path;

use crate::fabric::catalogue::{GENERAL, Standing, remarks};
use crate::fabric::kind::refusing_rules;

/// The tests of every kind.
const SOURCES: [&str; 25] = [
    include_str!("../../api/tests.rs"),
    include_str!("../../operator/core/judge/tests.rs"),
    include_str!("../../operator/core/deletion/tests.rs"),
    include_str!("../engine/tests.rs"),
    include_str!("../availability_set/tests.rs"),
    include_str!("../public_ip_prefix/tests.rs"),
    include_str!("../virtual_network/tests.rs"),
    include_str!("../quota/tests.rs"),
    include_str!("../subnet/tests.rs"),
    include_str!("../public_ip_address/tests.rs"),
    include_str!("../public_ip_address/tests/requested.rs"),
    include_str!("../public_ip_address/tests/zones.rs"),
    include_str!("../virtual_machine/tests/zones.rs"),
    include_str!("../virtual_machine/tests/deletion.rs"),
    include_str!("../virtual_machine_scale_set/tests/zones.rs"),
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
    words: (&'a str, String, &'a str),
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
        let (of, rule) = rest.rsplit_once(' ').expect("a comment names kind and rule");
        let (before, test): (Vec<_>, Vec<_>) = {
            let mut following = source.lines().skip(n + 1);
            (following.by_ref().take_while(|line| *line != "#[test]").collect(), following.collect())
        };
        let test = test.into_iter().take_while(|line| *line != "}").collect::<Vec<_>>().join("\n");
        Some(Claim { words: (verb, of.to_owned(), rule), before, test })
    })
}

#[test]
fn every_rule_has_a_test_that_accepts_and_one_that_refuses() {
    let claims = claims();
    let told: BTreeSet<_> = claims.into_iter().map(|claim| claim.words).collect();
    let rules = refusing_rules().into_iter();
    let rules =
        rules.map(|rule| (format!("{}{}", if rule.deletion { "deletion of " } else { "" }, rule.kind), rule.id));
    let general = |deletion: bool| if deletion { "any deletion" } else { "any" };
    let rules = rules.chain(GENERAL.iter().map(|rule| (general(rule.deletion).to_owned(), rule.id)));
    let wanted: BTreeSet<_> = rules.flat_map(|(of, id)| [("accepts", of.clone(), id), ("refuses", of, id)]).collect();
    assert_eq!(wanted.difference(&told).collect::<Vec<_>>(), [] as [&_; 0], "these tests are missing");
    assert_eq!(told.difference(&wanted).collect::<Vec<_>>(), [] as [&_; 0], "there are no such rules");
}

#[test]
fn every_comment_stands_above_a_test_that_does_what_it_says() {
    for Claim { words: (verb, of, rule), before, test } in claims() {
        assert!(before.iter().all(|line| line.starts_with("// ")), "{verb} {of} {rule} stands above a test");
        let does = match verb {
            "refuses" => test.contains("told") && test.contains(&format!("(\"{rule}\", ")),
            _ => accepts(&of, &test),
        };
        assert!(does, "the test that {verb} {of} {rule} does so");
    }
}

/// Whether a test makes a call that fails unless what it asks for is accepted; its name does not count.
fn accepts(of: &str, test: &str) -> bool {
    let body = test.lines().skip_while(|line| !line.ends_with('{')).skip(1).collect::<Vec<_>>().join("\n");
    let calls = |calls: &[&str]| calls.iter().any(|call| body.contains(call));
    match of {
        "any" | "any deletion" => calls(&[".accept(", ".unwrap()", ".is_ok()", ", [])"]),
        _ if of.starts_with("deletion of ") => calls(&[".delete("]) && calls(&[".unwrap()"]),
        _ => calls(&[".accept(", ".with(", ".with_set("]),
    }
}

#[test]
fn a_test_accepts_by_what_it_calls_and_not_by_its_name() {
    assert!(accepts("Subnet", "fn a() {\n    a_fabric().accept(a_subnet());"));
    assert!(!accepts("Subnet", "fn a_subnet_with(it: u8)_is_accepted() {\n    assert!(name.starts_with(\"a\"));"));
    assert!(!accepts("deletion of Subnet", "fn a() {\n    a_fabric().with(a_subnet());"));
}

#[test]
fn every_rule_that_shows_otherwise_has_a_test_that_shows_it() {
    let mut named = BTreeSet::new();
    for folder in ["src", "tests"] {
        named_above_tests(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut named);
    }
    let shows = |standing| matches!(standing, Standing::Observed(_) | Standing::Reported(_));
    let missing = remarks().filter(|remark| shows(remark.standing) && !named.contains(remark.id));
    assert_eq!(missing.map(|remark| remark.id).collect::<Vec<_>>(), [""; 0], "no comment above a test names them");
}

/// The words of the comments that stand above tests, in every file of a folder.
fn named_above_tests(folder: &Path, named: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            named_above_tests(&path, named);
            continue;
        }
        let mut comment: Vec<String> = Vec::new();
        for line in std::fs::read_to_string(&path).unwrap_or_default().lines().map(str::trim_start) {
            if line.starts_with("//") {
                let words = line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
                comment.extend(words.map(str::to_owned));
                continue;
            }
            if line == "#[test]" {
                named.append(&mut comment.drain(..).collect());
            }
            comment.clear();
        }
    }
}
