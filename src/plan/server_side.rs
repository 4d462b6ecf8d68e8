//! Server-side apply without force, as the operator writes the objects of Flexible scale sets.
//!
//! What was applied before and is applied no longer goes; what others have set stays; a field that would change and is another
//! manager's is a conflict. Items of a list that have names are told apart by these, as the CRDs say of every such list.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// The parts of an object that are applied and compared.
const PARTS: [&[&str]; 3] = [&["metadata", "labels"], &["metadata", "annotations"], &["spec"]];

/// An object in which a field that an apply would change is another manager's.
#[derive(Debug, PartialEq)]
pub struct Conflict;

/// The stored object once a manager has applied a manifest to it, who had last applied `before`.
///
/// # Errors
/// [`Conflict`], if the API server would answer with one.
pub fn apply(stored: &Value, manifest: &Value, before: &Value, manager: &str) -> Result<Value, Conflict> {
    let wanted = parts(manifest);
    let others = entries(stored).filter(|entry| !is_of(entry, manager) && entry.get("subresource").is_none());
    let mut others = others.filter_map(|entry| entry.get("fieldsV1"));
    match others.any(|fields| takes(fields, &wanted, stored)) {
        true => Err(Conflict),
        false => Ok(laid_over(stored, wanted, &parts(before))),
    }
}

/// What a manager had applied, as the object's managed fields tell: the names of the fields. `None` if they do not tell.
pub fn last_applied(stored: &Value, manager: &str) -> Option<Value> {
    let mut own = entries(stored).filter(|entry| is_of(entry, manager));
    own.next().and_then(|entry| entry.get("fieldsV1")).map(names)
}

fn entries(object: &Value) -> impl Iterator<Item = &Value> {
    object.pointer("/metadata/managedFields").and_then(Value::as_array).into_iter().flatten()
}

fn is_of(entry: &Value, manager: &str) -> bool {
    let says = |field: &str, text: &str| entry.get(field).and_then(Value::as_str) == Some(text);
    says("operation", "Apply") && says("manager", manager)
}

fn parts(object: &Value) -> Value {
    let mut parts = json!({});
    for path in PARTS {
        let part = path.iter().try_fold(object, |value, field| value.get(*field));
        let Some(part) = part else { continue };
        let mut place = &mut parts;
        for field in path {
            place = &mut place[*field];
        }
        *place = part.clone();
    }
    parts
}

/// `wanted` laid over `live`, without what had been applied `before` and is not wanted now.
fn laid_over(live: &Value, wanted: Value, before: &Value) -> Value {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => {
            let mut next = live.clone();
            next.retain(|field, _| before.get(field).is_none() || wanted.contains_key(field));
            for (field, wanted) in wanted {
                let merged = match live.get(&field) {
                    Some(live) => laid_over(live, wanted, before.get(&field).unwrap_or(&Value::Null)),
                    None => wanted,
                };
                next.insert(field, merged);
            }
            Value::Object(next)
        }
        (Value::Array(live), Value::Array(wanted)) if live.iter().chain(&wanted).all(|item| name(item).is_some()) => {
            let was_applied = before.as_array().into_iter().flatten().filter_map(name).collect::<BTreeSet<_>>();
            let asked: BTreeSet<String> = wanted.iter().filter_map(name).map(str::to_owned).collect();
            let others = live
                .iter()
                .filter(|item| name(item).is_some_and(|name| !was_applied.contains(name) && !asked.contains(name)));
            let others: Vec<Value> = others.cloned().collect();
            let merged = wanted.into_iter().map(|item| match named(live, name(&item)) {
                Some(live) => {
                    let before = before.as_array().and_then(|before| named(before, name(&item)));
                    laid_over(live, item, before.unwrap_or(&Value::Null))
                }
                None => item,
            });
            Value::Array(merged.chain(others).collect())
        }
        (_, wanted) => wanted,
    }
}

fn name(item: &Value) -> Option<&str> {
    item.get("name").and_then(Value::as_str)
}

fn named<'a>(items: &'a [Value], wanted: Option<&str>) -> Option<&'a Value> {
    items.iter().find(|item| name(item) == wanted)
}

/// True if a manager of these fields would lose one, in the form of `fieldsV1`: `{"f:spec": {"f:sku": {}}}`.
fn takes(fields: &Value, wanted: &Value, live: &Value) -> bool {
    let Some(fields) = fields.as_object().filter(|fields| !fields.is_empty()) else {
        return wanted != live;
    };
    fields.iter().any(|(step, below)| {
        part(wanted, step).is_some_and(|wanted| takes(below, wanted, part(live, step).unwrap_or(&Value::Null)))
    })
}

/// The part of a value that a step of `fieldsV1` leads to: a field, or the item of a list by its name.
fn part<'a>(value: &'a Value, step: &str) -> Option<&'a Value> {
    match step.split_once(':')? {
        ("f", field) => value.get(field),
        ("k", key) => named(value.as_array()?, name(&serde_json::from_str(key).ok()?)),
        _ => None,
    }
}

/// The names of fields in the form of `fieldsV1`, as an object; named items of a list as a list.
fn names(fields: &Value) -> Value {
    let fields = fields.as_object().into_iter().flatten();
    let (mut named, mut items) = (Map::new(), Vec::new());
    for (step, below) in fields {
        match step.split_once(':') {
            Some(("f", field)) => {
                named.insert(field.to_owned(), names(below));
            }
            Some(("k", key)) => {
                let key: Value = serde_json::from_str(key).unwrap_or_default();
                items.push(json!({"name": key.get("name")}));
            }
            _ => {}
        }
    }
    if items.is_empty() { Value::Object(named) } else { Value::Array(items) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(entries: Value, annotations: Value, spec: Value) -> Value {
        json!({"metadata": {"managedFields": entries, "annotations": annotations}, "spec": spec, "status": {"a": 1}})
    }

    fn entry(manager: &str, operation: &str, fields: Value) -> Value {
        json!({"manager": manager, "operation": operation, "fieldsV1": fields})
    }

    fn own(fields: Value) -> Value {
        entry("sets", "Apply", json!({"f:spec": fields}))
    }

    fn applied(stored: &Value, spec: Value) -> Result<Value, Conflict> {
        let before = last_applied(stored, "sets").unwrap_or_default();
        apply(stored, &json!({"metadata": {"name": "a"}, "spec": spec}), &before, "sets").map(|next| {
            assert_eq!(next["status"], stored["status"]);
            next["spec"].clone()
        })
    }

    #[test]
    fn what_is_applied_no_longer_goes_and_what_others_have_set_stays() {
        let entries = json!([own(json!({"f:size": {}, "f:dns": {"f:label": {}}}))]);
        let stored = stored(entries, json!({"user/s": "1"}), json!({"size": 1, "dns": {"label": "l"}, "power": "Off"}));
        assert_eq!(applied(&stored, json!({"size": 2})), Ok(json!({"size": 2, "power": "Off"})));
        let next = apply(&stored, &json!({"metadata": {"annotations": {"own": "2"}}}), &json!({}), "sets").unwrap();
        assert_eq!(next["metadata"]["annotations"], json!({"user/s": "1", "own": "2"}));
    }

    #[test]
    fn the_items_of_a_list_are_told_apart_by_their_names() {
        let key = |name: &str| format!("k:{{\"name\":\"{name}\"}}");
        let entries =
            json!([own(json!({"f:nics": {key("a"): {".": {}, "f:name": {}}, key("b"): {".": {}, "f:name": {}}}}))]);
        let stored =
            stored(entries, json!({}), json!({"nics": [{"name": "a", "tag": 1}, {"name": "b"}, {"name": "user"}]}));
        let expected = json!({"nics": [{"name": "a", "tag": 1}, {"name": "c"}, {"name": "user"}]});
        assert_eq!(applied(&stored, json!({"nics": [{"name": "a"}, {"name": "c"}]})), Ok(expected));
    }

    #[test]
    fn a_field_of_another_manager_that_would_change_is_a_conflict() {
        for operation in ["Apply", "Update"] {
            let entries =
                json!([own(json!({"f:size": {}})), entry("user", operation, json!({"f:spec": {"f:size": {}}}))]);
            let stored = stored(entries, json!({}), json!({"size": 1}));
            assert_eq!(applied(&stored, json!({"size": 2})), Err(Conflict));
            assert_eq!(applied(&stored, json!({"size": 1})), Ok(json!({"size": 1})), "both have it");
        }
        let key = "k:{\"name\":\"a\"}";
        let others = entry("user", "Update", json!({"f:spec": {"f:nics": {key: {".": {}, "f:tag": {}}}}}));
        let stored = stored(json!([others]), json!({}), json!({"nics": [{"name": "a", "tag": 1}]}));
        assert_eq!(applied(&stored, json!({"nics": [{"name": "a", "tag": 2}]})), Err(Conflict));
        assert_eq!(applied(&stored, json!({"nics": [{"name": "b"}]})).unwrap()["nics"][0], json!({"name": "b"}));
    }

    #[test]
    fn the_status_is_no_part_of_it() {
        let mut status = entry("user", "Update", json!({"f:spec": {"f:size": {}}}));
        status["subresource"] = json!("status");
        let stored = stored(json!([status]), json!({}), json!({"size": 1}));
        assert_eq!(applied(&stored, json!({"size": 2})), Ok(json!({"size": 2})));
    }
}
