//! What `/metrics` answers, read as strictly as Prometheus' text format is specified.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

/// The metrics of one scrape.
#[derive(Clone, Debug)]
pub struct Exposition {
    types: BTreeMap<String, String>,
    samples: BTreeMap<(String, BTreeMap<String, String>), f64>,
}

impl Exposition {
    /// Reads an answer over HTTP. What is not of the format ends the test.
    pub fn read(answer: &str) -> Self {
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.starts_with("HTTP/1.1 200") && head.contains("text/plain; version=0.0.4"), "{head}");
        assert!(body.ends_with('\n'), "the last line ends");
        let (mut types, mut helped, mut samples) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        let mut family = String::new();
        for line in body.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, text) = help.split_once(' ').expect("a name and a text");
                assert!(!text.is_empty() && helped.insert(name.to_owned()), "{line}");
            } else if let Some(of_type) = line.strip_prefix("# TYPE ") {
                let (name, form) = of_type.split_once(' ').expect("a name and a type");
                assert!(helped.contains(name) && ["counter", "gauge", "histogram"].contains(&form), "{line}");
                assert!(
                    types.insert(name.to_owned(), form.to_owned()).is_none(),
                    "the samples of {name} stand together"
                );
                name.clone_into(&mut family);
            } else {
                let (name, labels, value) = sample(line);
                let parts = ["", "_bucket", "_sum", "_count"].map(|part| format!("{family}{part}"));
                let of_family = if types[&family] == "histogram" { &parts[1..] } else { &parts[..1] };
                assert!(of_family.contains(&name), "{line} stands under {family}");
                assert!(samples.insert((name, labels), value).is_none(), "{line} stands twice");
            }
        }
        Self { types, samples }
    }

    /// The type of each metric.
    pub fn types(&self) -> &BTreeMap<String, String> {
        &self.types
    }

    /// The value with exactly these labels.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels = labels.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect();
        self.samples.get(&(name.to_owned(), labels)).copied()
    }

    /// All values of a metric, by one of its labels.
    pub fn by(&self, name: &str, label: &str) -> BTreeMap<String, f64> {
        let all = self.samples.iter().filter(|((of, _), _)| of == name);
        all.map(|((_, labels), value)| (labels[label].clone(), *value)).collect()
    }
}

fn sample(line: &str) -> (String, BTreeMap<String, String>, f64) {
    let form = Regex::new(r"^([a-z_][a-z0-9_]*)(?:\{(.*)\})? (\S+)$").expect("it is a pattern");
    let label = Regex::new(r#"^([a-z_]+)="((?:[^"\\\n]|\\[\\n"])*)"(?:,|$)"#).expect("it is a pattern");
    let parts = form.captures(line).unwrap_or_else(|| panic!("not a sample: {line}"));
    let (mut labels, mut rest) = (BTreeMap::new(), parts.get(2).map_or("", |labels| labels.as_str()));
    while !rest.is_empty() {
        let one = label.captures(rest).unwrap_or_else(|| panic!("not labels: {line}"));
        assert!(labels.insert(one[1].to_owned(), one[2].to_owned()).is_none(), "a label stands twice: {line}");
        rest = &rest[one[0].len()..];
    }
    let value = parts[3].parse().unwrap_or_else(|_| panic!("not a number: {line}"));
    (parts[1].to_owned(), labels, value)
}
