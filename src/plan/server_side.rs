//! Server-side apply without force, as the operator writes the objects of Flexible scale sets.
//!
//! `managedFields` say whose a field is. What a manager had applied and applies no longer goes, unless it is another's too;
//! what others have set stays; a field that would change and is another manager's is a conflict. Items of a list that have
//! names are told apart by these, as the CRDs say of every such list.

use kube::core::DynamicObject;
use serde_json::{Map, Value, json};

use crate::api;

/// The parts of an object that are applied and compared.
const PARTS: [&[&str]; 3] = [&["metadata", "labels"], &["metadata", "annotations"], &["spec"]];
/// In `fieldsV1`, the item of a list itself, beside its fields.
const ITSELF: &str = ".";
/// With this a step to a field begins.
const FIELD: &str = "f:";
/// With this a step to an item of a list begins.
const ITEM: &str = "k:";
/// Who edits what the operator applies, in a plan.
const EDITOR: &str = "plan";

/// An object in which a field that an apply would change is another manager's.
#[derive(Debug, PartialEq)]
pub struct Conflict;

/// The stored object once a manager has applied a manifest to it.
///
/// # Errors
/// [`Conflict`], if the API server would answer with one.
pub fn apply(stored: &Value, manifest: &Value, manager: &str) -> Result<Value, Conflict> {
    let wanted = parts(manifest);
    let others = entries(stored).filter(|entry| !is_applied_by(entry, manager) && entry.get("subresource").is_none());
    let others: Vec<&Value> = others.map(fields_of_entry).collect();
    if others.iter().any(|fields| takes(fields, &wanted, stored)) {
        return Err(Conflict);
    }
    let own = entries(stored).find(|entry| is_applied_by(entry, manager)).map_or(&Value::Null, fields_of_entry);
    let mut next = merged(stored, wanted, own, &others);
    owns(&mut next, manifest, manager);
    Ok(next)
}

/// Notes in an object that a manager has applied this manifest, and that what differs from it is somebody else's.
pub fn note_applied(object: &mut DynamicObject, manifest: &Value, manager: &str) {
    rewrite(object, |told| {
        was_edited(told, manifest);
        owns(told, manifest, manager);
    });
}

/// Notes in an object that what differs from what is stored is somebody else's from here on.
pub fn note_edit(object: &mut DynamicObject, stored: &DynamicObject) {
    rewrite(object, |told| was_edited(told, &api::json(stored)));
}

/// True if the object tells whose its fields are.
pub fn is_managed(object: &DynamicObject) -> bool {
    object.metadata.managed_fields.as_ref().is_some_and(|entries| !entries.is_empty())
}

fn rewrite(object: &mut DynamicObject, change: impl FnOnce(&mut Value)) {
    let mut told = api::json(object);
    change(&mut told);
    if let Ok(told) = serde_json::from_value(told) {
        *object = told;
    }
}

/// Notes in an object that a manager has applied this manifest, and no more.
fn owns(object: &mut Value, manifest: &Value, manager: &str) {
    let kept = entries(object).filter(|entry| !is_applied_by(entry, manager)).cloned().collect();
    note(object, kept, manager, "Apply", fields(&parts(manifest)));
}

/// Notes in an object that what differs from what it was is somebody else's from here on.
fn was_edited(object: &mut Value, was: &Value) {
    let fields = differing(&parts(was), &parts(object));
    let kept = entries(object).cloned().collect();
    note(object, kept, EDITOR, "Update", fields);
}

fn note(object: &mut Value, mut entries: Vec<Value>, manager: &str, operation: &str, fields: Value) {
    if !is_leaf(&fields) {
        entries.push(json!({"manager": manager, "operation": operation, "fieldsType": "FieldsV1", "fieldsV1": fields}));
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("managedFields".to_owned(), Value::Array(entries));
    }
}

/// Who has set which fields of an object, and how.
pub fn entries(object: &Value) -> impl Iterator<Item = &Value> {
    object.pointer("/metadata/managedFields").and_then(Value::as_array).into_iter().flatten()
}

/// True if an entry tells what this manager has applied.
pub fn is_applied_by(entry: &Value, manager: &str) -> bool {
    let says = |field: &str, text: &str| entry.get(field).and_then(Value::as_str) == Some(text);
    says("operation", "Apply") && says("manager", manager)
}

/// The fields of an entry.
pub fn fields_of_entry(entry: &Value) -> &Value {
    entry.get("fieldsV1").unwrap_or(&Value::Null)
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

// Fields, in the form of `fieldsV1`: `{"f:spec": {"f:nics": {"k:{\"name\":\"a\"}": {".": {}, "f:name": {}}}}}`.

/// What a value is made of, with the step of `fieldsV1` that leads to each part; nothing of what counts as a whole.
fn steps(value: &Value) -> Vec<(String, &Value)> {
    match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (format!("{FIELD}{name}"), value)).collect(),
        Value::Array(items) => {
            let step = |item: &Value| Some(format!("{ITEM}{}", json!({"name": item.get("name")?.as_str()?})));
            let named: Option<Vec<_>> = items.iter().map(|item| Some((step(item)?, item))).collect();
            named.unwrap_or_default()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

fn part<'a>(value: &'a Value, step: &str) -> &'a Value {
    let part = match step.strip_prefix(FIELD) {
        Some(field) => value.as_object().and_then(|fields| fields.get(field)),
        None => steps(value).into_iter().find(|(own, _)| own == step).map(|(_, part)| part),
    };
    part.unwrap_or(&Value::Null)
}

/// All fields of a value.
fn fields(value: &Value) -> Value {
    differing(&Value::Null, value)
}

/// The fields of a value that are others, or not at all, in what it was.
fn differing(was: &Value, is: &Value) -> Value {
    let parts = steps(is).into_iter().filter(|(step, is)| *is != part(was, step));
    let differing = parts.filter_map(|(step, is)| {
        let was = part(was, &step);
        let mut fields = differing(was, is);
        if let Some(fields) = fields.as_object_mut().filter(|_| step.starts_with(ITEM) && was.is_null()) {
            fields.insert(ITSELF.to_owned(), json!({}));
        }
        // Of what has only lost parts nothing is anybody's.
        (!is_leaf(&fields) || steps(is).is_empty()).then_some((step, fields))
    });
    Value::Object(differing.collect())
}

fn below<'a>(fields: &'a Value, step: &str) -> &'a Value {
    fields.get(step).unwrap_or(&Value::Null)
}

fn all_below<'a>(all: &[&'a Value], step: &str) -> Vec<&'a Value> {
    all.iter().map(|fields| below(fields, step)).filter(|fields| !fields.is_null()).collect()
}

fn is_leaf(fields: &Value) -> bool {
    fields.as_object().is_none_or(Map::is_empty)
}

/// True if a manager of these fields would lose one.
fn takes(fields: &Value, wanted: &Value, live: &Value) -> bool {
    if is_leaf(fields) {
        return wanted != live;
    }
    steps(wanted).into_iter().any(|(step, wanted)| match below(fields, &step) {
        Value::Null => false,
        fields => takes(fields, wanted, part(live, &step)),
    })
}

// Values.

/// `wanted` laid over `live`, without what is the manager's `own` and not wanted now.
fn merged(live: &Value, wanted: Value, own: &Value, others: &[&Value]) -> Value {
    let asked = steps(&wanted);
    let is_merged = match (live, &wanted) {
        (Value::Object(_), Value::Object(_)) => true,
        (Value::Array(_), Value::Array(items)) => !steps(live).is_empty() && asked.len() == items.len(),
        _ => false,
    };
    if !is_merged {
        return wanted;
    }
    let next = asked.iter().map(|(step, wanted)| {
        let (live, own, others) = (part(live, step), below(own, step), all_below(others, step));
        (step.clone(), merged(live, (*wanted).clone(), own, &others))
    });
    let is_asked = |step: &String| asked.iter().any(|(asked, _)| asked == step);
    let rest = steps(live).into_iter().filter(|(step, _)| !is_asked(step)).filter_map(|(step, live)| {
        let left = left_over(&step, live, below(own, &step), &all_below(others, &step))?;
        Some((step, left))
    });
    like(live, next.chain(rest))
}

/// What stays of a part that its manager no longer wants: what others have too, and what was never the manager's.
fn left_over(step: &str, live: &Value, own: &Value, others: &[&Value]) -> Option<Value> {
    if own.is_null() {
        return Some(live.clone());
    }
    if step.starts_with(ITEM) {
        return others.iter().any(|other| other.get(ITSELF).is_some()).then(|| live.clone());
    }
    if is_leaf(own) || steps(live).is_empty() {
        return (!others.is_empty()).then(|| live.clone());
    }
    let parts = steps(live).into_iter();
    let mut left = parts.filter_map(|(step, live)| {
        let left = left_over(&step, live, below(own, &step), &all_below(others, &step))?;
        Some((step, left))
    });
    let first = left.next()?;
    Some(like(live, std::iter::once(first).chain(left)))
}

/// A value of the shape of another, made of these parts.
fn like(value: &Value, parts: impl Iterator<Item = (String, Value)>) -> Value {
    match value {
        Value::Array(_) => Value::Array(parts.map(|(_, item)| item).collect()),
        _ => Value::Object(
            parts.map(|(step, value)| (step.strip_prefix(FIELD).unwrap_or(&step).to_owned(), value)).collect(),
        ),
    }
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
        apply(stored, &json!({"metadata": {"name": "a"}, "spec": spec}), "sets").map(|next| {
            assert_eq!(next["status"], stored["status"]);
            next["spec"].clone()
        })
    }

    fn key(name: &str) -> String {
        format!("k:{{\"name\":\"{name}\"}}")
    }

    #[test]
    fn what_is_applied_no_longer_goes_and_what_others_have_set_stays() {
        let entries = json!([own(json!({"f:size": {}, "f:dns": {"f:label": {}}}))]);
        let stored = stored(entries, json!({"user/s": "1"}), json!({"size": 1, "dns": {"label": "l"}, "power": "Off"}));
        assert_eq!(applied(&stored, json!({"size": 2})), Ok(json!({"size": 2, "power": "Off"})));
        let next = apply(&stored, &json!({"metadata": {"annotations": {"own": "2"}}}), "sets").unwrap();
        assert_eq!(next["metadata"]["annotations"], json!({"user/s": "1", "own": "2"}));
    }

    #[test]
    fn the_items_of_a_list_are_told_apart_by_their_names() {
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
        let others = entry("user", "Update", json!({"f:spec": {"f:nics": {key("a"): {"f:tag": {}}}}}));
        let stored = stored(json!([others]), json!({}), json!({"nics": [{"name": "a", "tag": 1}]}));
        assert_eq!(applied(&stored, json!({"nics": [{"name": "a", "tag": 2}]})), Err(Conflict));
        assert_eq!(applied(&stored, json!({"nics": [{"name": "b"}]})).unwrap()["nics"][0], json!({"name": "b"}));
    }

    #[test]
    fn what_is_applied_no_longer_goes_from_within_an_item_and_a_part_that_others_share_stays() {
        let nic = json!({key("a"): {".": {}, "f:name": {}, "f:public": {}, "f:dns": {"f:servers": {}}}});
        let user = entry("user", "Update", json!({"f:spec": {"f:label": {}, "f:dns": {"f:suffix": {}}}}));
        let entries = json!([own(json!({"f:nics": nic, "f:label": {}, "f:dns": {"f:servers": {}}})), user]);
        let item = json!({"name": "a", "public": "p", "dns": {"servers": [1], "user": 1}});
        let spec = json!({"nics": [item], "label": "both", "dns": {"servers": [1], "suffix": "s"}});
        let stored = stored(entries, json!({}), spec);
        let expected = json!({
            "nics": [{"name": "a", "dns": {"user": 1}}], "label": "both", "dns": {"suffix": "s"},
        });
        assert_eq!(applied(&stored, json!({"nics": [{"name": "a"}]})), Ok(expected));
        assert_eq!(applied(&stored, json!({})), Ok(json!({"label": "both", "dns": {"suffix": "s"}})));
    }

    #[test]
    fn what_was_applied_and_edited_is_known_to_the_next_apply() {
        let first = json!({"spec": {"size": 1, "dns": {"servers": [1]}, "nics": [{"name": "a", "n": 1}]}});
        let mut object = apply(&json!({"metadata": {}, "spec": {}, "status": {}}), &first, "sets").unwrap();
        let was = object.clone();
        object["spec"]["power"] = json!("Off");
        object["spec"]["size"] = json!(7);
        was_edited(&mut object, &was);
        assert_eq!(applied(&object, json!({"size": 2})), Err(Conflict));
        assert_eq!(
            applied(&object, json!({"size": 7, "nics": [{"name": "b"}]})),
            Ok(json!({"size": 7, "nics": [{"name": "b"}], "power": "Off"}))
        );
        assert_eq!(
            applied(&object, json!({})),
            Ok(json!({"size": 7, "power": "Off"})),
            "what was edited is the editor's"
        );
    }

    #[test]
    fn the_status_is_no_part_of_it() {
        let mut status = entry("user", "Update", json!({"f:spec": {"f:size": {}}}));
        status["subresource"] = json!("status");
        let stored = stored(json!([status]), json!({}), json!({"size": 1}));
        assert_eq!(applied(&stored, json!({"size": 2})), Ok(json!({"size": 2})));
    }
}
