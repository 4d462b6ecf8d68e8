//! A plan as people read it: a table for a terminal, annotations and a comment for a pull request.

mod github;
mod markdown;
mod table;

use serde_json::Value;

pub use self::github::{failed, github, unreadable};
pub use self::markdown::markdown;
pub use self::table::table;
use super::manifests::Place;
use super::report::{Difference, PlannedObject};
use crate::api::status::ViolationReport;

/// In the order in which people want to read: what is done first, consequences after it.
fn by_action<'a>(objects: impl Iterator<Item = &'a PlannedObject>) -> Vec<&'a PlannedObject> {
    let mut objects: Vec<_> = objects.collect();
    objects.sort_by_key(|object| object.action);
    objects
}

/// A place, if there is one, before what is said of it.
fn before(place: Option<&Place>) -> String {
    place.map(|place| format!("{place}: ")).unwrap_or_default()
}

/// A place, if there is one, after what is said of it.
fn after(place: Option<&Place>) -> String {
    place.map(|place| format!(" ({place})")).unwrap_or_default()
}

/// Who is in the way, if anybody is.
fn blockers(violation: &ViolationReport) -> Option<String> {
    let blockers: Vec<String> = violation.blocked_by.iter().map(ToString::to_string).collect();
    let all = violation.blocked_by_count.map(|count| format!(" ({count} in all)")).unwrap_or_default();
    (!blockers.is_empty()).then(|| format!("Blocked by {}{all}.", blockers.join(", ")))
}

/// A value as it would be written, in short.
fn short(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A text on one line, in which nothing controls a terminal.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c.is_control() {
            true => out.extend(c.escape_default()),
            false => out.push(c),
        }
    }
    out
}

/// What the fabric gives to an object, as a cell: the addresses alone.
fn addresses(object: &PlannedObject) -> String {
    let is_address = |difference: &&Difference| {
        ["privateIPAddress", "ipAddress", "ipPrefix"].contains(&difference.field()) && !difference.after.is_null()
    };
    let addresses: Vec<String> = object.allocations.iter().filter(is_address).map(|told| short(&told.after)).collect();
    match addresses.as_slice() {
        [first, second, third, _, ..] => format!("{first} {second} {third} ..."),
        few => few.join(" "),
    }
}
