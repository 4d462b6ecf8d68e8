//! Every rule of every kind, and of every kind alike, has a test that accepts and one that refuses.
//!
//! A test says so in a comment above it: `// refuses NetworkInterface ADDR-08`, `// refuses deletion of Subnet VNET-05`, or
//! `// refuses any ARM-10`. The comment stands for something: it is followed by a test, and the body of one that refuses
//! compares what was reported with that rule. What a rule shows otherwise, in a status or a condition, is shown by a test under
//! a comment with its id, such as `// shows NIC-16`. That every violation that is reported, by whatever test, has a row with its code and
//! cure is checked where it is reported (see `assert_in_the_reference`).

use std::collections::BTreeSet;
use std::path::Path;

use crate::fabric::catalogue::{GENERAL, Standing, remarks};
use crate::fabric::kind::refusing_rules;

/// What a comment claims, the lines between it and the test, and the test.
struct Claim {
    words: (&'static str, String, String),
    before: Vec<String>,
    test: String,
}

fn claims() -> Vec<Claim> {
    sources(&["src"]).iter().flat_map(|source| claims_of(source)).collect()
}

fn claims_of(source: &str) -> impl Iterator<Item = Claim> {
    source.lines().enumerate().filter_map(move |(n, line)| {
        let comment = line.trim_start();
        let claim = comment.strip_prefix("// accepts ").map(|rest| ("accepts", rest));
        let (verb, rest) = claim.or_else(|| comment.strip_prefix("// refuses ").map(|rest| ("refuses", rest)))?;
        let (of, rule) = rest.rsplit_once(' ').expect("a comment names kind and rule");
        let indent = &line[..line.len() - comment.len()];
        let mut following = source.lines().skip(n + 1).map(|line| line.strip_prefix(indent).unwrap_or(line));
        let before = following.by_ref().take_while(|line| *line != "#[test]").map(str::to_owned).collect();
        let test = following.take_while(|line| *line != "}").collect::<Vec<_>>().join("\n");
        Some(Claim { words: (verb, of.to_owned(), rule.to_owned()), before, test })
    })
}

/// The text of every Rust file in these folders.
fn sources(folders: &[&str]) -> Vec<String> {
    let mut folders: Vec<_> = folders.iter().map(|folder| Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).collect();
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.push(std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    sources
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
    let wanted: BTreeSet<_> =
        rules.flat_map(|(of, id)| [("accepts", of.clone(), id.to_owned()), ("refuses", of, id.to_owned())]).collect();
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
    let named: BTreeSet<String> =
        sources(&["src", "tests"]).iter().flat_map(|source| named_above_tests(source)).collect();
    let shows = |standing| matches!(standing, Standing::Observed(_) | Standing::Reported(_));
    let missing = remarks().filter(|remark| shows(remark.standing) && !named.contains(remark.id));
    assert_eq!(missing.map(|remark| remark.id).collect::<Vec<_>>(), [""; 0], "no comment above a test names them");
}

/// The words of the comments that stand above tests.
fn named_above_tests(source: &str) -> Vec<String> {
    let mut named = Vec::new();
    let mut comment: Vec<String> = Vec::new();
    for line in source.lines().map(str::trim_start) {
        if line.starts_with("//") {
            let words = line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
            comment.extend(words.map(str::to_owned));
            continue;
        }
        if line == "#[test]" {
            named.append(&mut comment);
        }
        comment.clear();
    }
    named
}
