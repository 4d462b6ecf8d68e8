//! The differences between two values, field by field.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::report::Difference;
use crate::api::form;

/// Every field that differs, in the order of the values. What is not there is null; objects and lists are compared by what is in
/// them, and the items of a list in which each has a name of its own are known by it. Where such items stand in another
/// order, that is reported of the list, by the names.
pub fn between(before: &Value, after: &Value, root: &str) -> Vec<Difference> {
    let mut out = Vec::new();
    compare(before, after, root.to_owned(), &mut out);
    out
}

fn compare<'a>(before: &'a Value, after: &'a Value, path: String, out: &mut Vec<Difference>) {
    let (old, new) = match (before, after) {
        (before, after) if before == after => return,
        (Value::Object(_), Value::Object(_) | Value::Null)
        | (Value::Array(_), Value::Array(_) | Value::Null)
        | (Value::Null, Value::Object(_) | Value::Array(_)) => (parts(before, &path), parts(after, &path)),
        _ => (Vec::new(), Vec::new()),
    };
    if old.is_empty() && new.is_empty() {
        return out.push(Difference { path, before: before.clone(), after: after.clone() });
    }
    let (by_old, by_new): (HashMap<_, _>, HashMap<_, _>) =
        (old.iter().cloned().collect(), new.iter().cloned().collect());
    let come = new.iter().filter(|(path, _)| !by_old.contains_key(path));
    for (path, _) in old.iter().chain(come) {
        let value = |of: &HashMap<String, &'a Value>| of.get(path).copied().unwrap_or(&Value::Null);
        compare(value(&by_old), value(&by_new), path.clone(), out);
    }
    if let (Value::Array(before), Value::Array(after)) = (before, after) {
        let (was, is) = (in_common(before, after), in_common(after, before));
        if was != is {
            out.push(Difference { path, before: was.into(), after: is.into() });
        }
    }
}

/// What a value is made of, with the path of each part.
fn parts<'a>(value: &'a Value, path: &str) -> Vec<(String, &'a Value)> {
    let field = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}{}", form::step(name)) };
    match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (field(name), value)).collect(),
        Value::Array(items) => keys(items).iter().map(|key| format!("{path}[{key}]")).zip(items).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

/// What the items are known by that another list has too, in their order.
fn in_common(items: &[Value], other: &[Value]) -> Vec<String> {
    let other = keys(other);
    keys(items).into_iter().filter(|key| other.contains(key)).collect()
}

/// What each item of a list is known by: its name, if each has one of its own, or its place.
fn keys(items: &[Value]) -> Vec<String> {
    let names: Vec<&str> = items.iter().filter_map(|item| item.get("name")?.as_str()).collect();
    let different = names.iter().collect::<BTreeSet<_>>().len() == items.len();
    if different {
        names.into_iter().map(str::to_owned).collect()
    } else {
        (0..items.len()).map(|n| n.to_string()).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(before: Value, after: Value) -> Vec<(String, Value, Value)> {
        let differences = between(&before, &after, "spec").into_iter();
        differences.map(|Difference { path, before, after }| (path, before, after)).collect()
    }

    #[test]
    fn equal_values_do_not_differ() {
        let value = json!({"a": [1, {"b": {}}], "c": null});
        assert_eq!(told(value.clone(), value), []);
    }

    #[test]
    fn fields_that_come_change_and_go_are_told() {
        let differences = told(json!({"a": 1, "b": {"c": true}}), json!({"a": 2, "d": "x"}));
        let expected = [
            ("spec.a".to_owned(), json!(1), json!(2)),
            ("spec.b.c".to_owned(), json!(true), json!(null)),
            ("spec.d".to_owned(), json!(null), json!("x")),
        ];
        assert_eq!(differences, expected);
    }

    #[test]
    fn items_with_names_are_known_by_them_wherever_they_stand() {
        let before = json!([{"name": "a", "n": 1}, {"name": "b", "n": 2}]);
        let after = json!([{"name": "b", "n": 3}, {"name": "a", "n": 1}]);
        let order = ("spec".to_owned(), json!(["a", "b"]), json!(["b", "a"]));
        assert_eq!(told(before, after), [("spec[b].n".to_owned(), json!(2), json!(3)), order]);
    }

    #[test]
    fn items_with_names_that_change_places_are_told_by_their_list() {
        let before = json!({"l": [{"name": "a", "in": [{"name": "x"}, {"name": "y"}]}, {"name": "b"}, {"name": "c"}]});
        let after = json!({"l": [{"name": "c"}, {"name": "a", "in": [{"name": "y"}, {"name": "x"}]}, {"name": "d"}]});
        let differences = told(before, after);
        let expected = [
            ("spec.l[a].in".to_owned(), json!(["x", "y"]), json!(["y", "x"])),
            ("spec.l[b].name".to_owned(), json!("b"), json!(null)),
            ("spec.l[d].name".to_owned(), json!(null), json!("d")),
            ("spec.l".to_owned(), json!(["a", "c"]), json!(["c", "a"])),
        ];
        assert_eq!(differences, expected);
    }

    #[test]
    fn a_name_with_dots_is_one_step_of_a_path() {
        let differences = told(json!({}), json!({"a.b/c": 1}));
        assert_eq!(differences, [("spec[a.b/c]".to_owned(), json!(null), json!(1))]);
    }

    #[test]
    fn other_items_are_known_by_their_place() {
        let differences = told(json!({"l": ["x"]}), json!({"l": ["x", "y"]}));
        assert_eq!(differences, [("spec.l[1]".to_owned(), json!(null), json!("y"))]);
    }
}
