//! A plan as people read it: a table for a terminal, annotations and a comment for a pull request.

mod github;
mod markdown;
mod table;

use serde_json::Value;

pub use self::github::github;
pub use self::markdown::markdown;
pub use self::table::table;
use super::report::{Action, Difference, PlannedObject};

/// The order in which people want to read: what is done first, consequences after it.
const READING_ORDER: [Action; 5] = [Action::Create, Action::Update, Action::Replace, Action::Delete, Action::NoChange];

/// A value as it would be written, in short.
fn short(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What the fabric gives to an object, as a cell: the addresses alone.
fn addresses(object: &PlannedObject) -> String {
    let is_address = |difference: &&Difference| {
        let field = difference.path.rsplit('.').next().unwrap_or_default();
        ["privateIPAddress", "ipAddress", "ipPrefix"].contains(&field) && !difference.after.is_null()
    };
    let addresses: Vec<String> = object.allocations.iter().filter(is_address).map(|told| short(&told.after)).collect();
    match addresses.as_slice() {
        [first, second, third, _, ..] => format!("{first} {second} {third} ..."),
        few => few.join(" "),
    }
}
