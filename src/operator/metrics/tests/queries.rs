//! The alert rules and the dashboard of the chart: each query can be parsed, and asks for nothing that is not there.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::path::Path;

use promql_parser::label::{Labels, Matcher};
use promql_parser::parser::{self, Expr, LabelModifier, VectorSelector};
use promql_parser::util::{ExprVisitor, walk_expr};
use serde_json::Value;

use crate::api::conditions::Truth;
use crate::operator::metrics::definitions::ALL;
use crate::operator::write_counts::outcomes;

/// The labels that Prometheus gives each series of a target, and that of buckets.
const LABELS_OF_ALL: [&str; 5] = ["job", "namespace", "instance", "pod", "le"];

fn file(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("charts/vnet-operator/files").join(name);
    serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn list<'a>(value: &'a Value, field: &str) -> &'a Vec<Value> {
    value[field].as_array().unwrap_or_else(|| panic!("{field}: {value}"))
}

fn alerts() -> Vec<Value> {
    list(&file("alerts.yaml"), "groups").iter().flat_map(|group| list(group, "rules").clone()).collect()
}

fn panels() -> Vec<Value> {
    let is_row = |panel: &&Value| panel["type"] == "row";
    list(&file("dashboard.json"), "panels").iter().filter(|panel| !is_row(panel)).cloned().collect()
}

/// What a query names.
#[derive(Default)]
struct Named {
    selectors: Vec<VectorSelector>,
    grouped_by: BTreeSet<String>,
}

impl Named {
    fn in_query(query: &str) -> Self {
        let expression = parser::parse(&query.replace("$__rate_interval", "5m"));
        let expression = expression.unwrap_or_else(|error| panic!("{query}: {error}"));
        let mut named = Self::default();
        assert_eq!(walk_expr(&mut named, &expression), Ok(true));
        assert!(!named.selectors.is_empty(), "{query} asks for nothing");
        named
    }

    fn group(&mut self, labels: Option<&Labels>) {
        self.grouped_by.extend(labels.into_iter().flat_map(|labels| labels.labels.clone()));
    }
}

impl ExprVisitor for Named {
    type Error = Infallible;

    fn pre_visit(&mut self, expression: &Expr) -> Result<bool, Infallible> {
        match expression {
            Expr::VectorSelector(selector) => self.selectors.push(selector.clone()),
            Expr::MatrixSelector(matrix) => self.selectors.push(matrix.vs.clone()),
            Expr::Aggregate(aggregate) => self.group(aggregate.modifier.as_ref().map(LabelModifier::labels)),
            Expr::Binary(binary) => {
                let matching = binary.modifier.as_ref().and_then(|modifier| modifier.matching.as_ref());
                self.group(matching.map(LabelModifier::labels));
            }
            Expr::Unary(_)
            | Expr::Paren(_)
            | Expr::Subquery(_)
            | Expr::NumberLiteral(_)
            | Expr::StringLiteral(_)
            | Expr::Call(_)
            | Expr::Extension(_) => {}
        }
        Ok(true)
    }
}

/// The values that a label can have, where they are few and fixed.
fn values(label: &str) -> Option<Vec<&'static str>> {
    match label {
        "ready" => Some(Truth::ALL.map(Truth::as_str).into()),
        "outcome" => Some(outcomes()),
        _ => None,
    }
}

fn names_what_exists(query: &str) {
    let Named { selectors, grouped_by } = Named::in_query(query);
    let mut labels: BTreeSet<&str> = LABELS_OF_ALL.into();
    for selector in &selectors {
        let name = selector.name.as_deref().unwrap_or_else(|| panic!("{query} asks for any metric"));
        let definition = ALL.iter().find(|definition| definition.series().iter().any(|series| series == name));
        let definition = definition.unwrap_or_else(|| panic!("{query}: there is no metric {name}"));
        labels.extend(definition.labels);
        for matcher in &selector.matchers.matchers {
            let is_known = definition.labels.contains(&&*matcher.name) || LABELS_OF_ALL.contains(&&*matcher.name);
            assert!(is_known, "{query}: {name} has no label {}", matcher.name);
            matches_something(query, matcher);
        }
    }
    for label in &grouped_by {
        assert!(labels.contains(&**label), "{query}: no metric in it has a label {label}");
    }
}

fn matches_something(query: &str, matcher: &Matcher) {
    if let Some(values) = values(&matcher.name) {
        let matched = values.iter().filter(|value| matcher.is_match(value)).count();
        assert!(matched > 0 && matched < values.len(), "{query}: {matcher} is true of {matched} of {values:?}");
    }
}

#[test]
fn every_alert_asks_for_what_exists_and_says_what_is_wrong_and_what_to_do() {
    let alerts = alerts();
    let names: BTreeSet<&str> = alerts.iter().map(|alert| alert["alert"].as_str().unwrap()).collect();
    assert_eq!(names.len(), alerts.len(), "each name stands once");
    for alert in &alerts {
        names_what_exists(alert["expr"].as_str().unwrap());
        assert!(["warning", "critical"].map(Value::from).contains(&alert["labels"]["severity"]), "{alert}");
        for text in ["summary", "description"] {
            assert!(alert["annotations"][text].as_str().is_some_and(|text| text.ends_with('.')), "{text} of {alert}");
        }
    }
}

#[test]
fn every_panel_asks_for_what_exists() {
    let panels = panels();
    let ids: BTreeSet<i64> = panels.iter().map(|panel| panel["id"].as_i64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "each id stands once");
    for panel in &panels {
        assert!(panel["title"].is_string() && panel["description"].is_string(), "{panel}");
        assert!(!list(panel, "targets").is_empty(), "{panel}");
        for target in list(panel, "targets") {
            let query = target["expr"].as_str().unwrap();
            assert!(query.contains("job=\"$job\""), "{query} is of the operator that is chosen");
            names_what_exists(query);
        }
    }
}

#[test]
fn every_metric_of_the_operator_is_watched_or_shown() {
    let alerts = alerts().into_iter().map(|alert| alert["expr"].as_str().unwrap().to_owned());
    let shown = panels().into_iter().flat_map(|panel| list(&panel, "targets").clone());
    let queries = alerts.chain(shown.map(|target| target["expr"].as_str().unwrap().to_owned()));
    let asked: BTreeSet<String> =
        queries.flat_map(|query| Named::in_query(&query).selectors).filter_map(|selector| selector.name).collect();
    for definition in ALL.iter().filter(|definition| definition.name.starts_with("vnet_")) {
        assert!(
            definition.series().iter().any(|series| asked.contains(series)),
            "nothing asks for {}",
            definition.name
        );
    }
}

#[test]
#[should_panic(expected = "there is no metric vnet_object")]
fn a_query_of_a_metric_that_does_not_exist_is_found() {
    names_what_exists("sum(vnet_object)");
}

#[test]
#[should_panic(expected = "vnet_leader has no label kind")]
fn a_query_by_a_label_that_does_not_exist_is_found() {
    names_what_exists("vnet_leader{kind=\"Subnet\"}");
}
