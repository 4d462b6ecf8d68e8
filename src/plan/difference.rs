//! The differences between two values, field by field.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::report::Difference;

/// Every field that differs, in the order of the values. What is not there is null; objects and lists are told by what is in them, and the
/// items of a list in which each has a name of its own are known by it.
pub fn between(before: &Value, after: &Value, root: &str) -> Vec<Difference> {
    if before == after {
        return Vec::new();
    }
    let (mut old, mut new) = (Vec::new(), Vec::new());
    leaves(before, root.to_owned(), &mut old);
    leaves(after, root.to_owned(), &mut new);
    let mut by_path: HashMap<String, Value> = new.iter().cloned().collect();
    let is_old: HashMap<String, Value> = old.iter().cloned().collect();
    let changed = old.into_iter().map(|(path, before)| {
        let after = by_path.remove(&path).unwrap_or_default();
        Difference { path, before, after }
    });
    let changed: Vec<Difference> = changed.collect();
    let added = new.into_iter().filter(|(path, _)| !is_old.contains_key(path));
    let added = added.map(|(path, after)| Difference { path, before: Value::Null, after });
    changed.into_iter().chain(added).filter(|difference| difference.before != difference.after).collect()
}

fn leaves(value: &Value, path: String, out: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let at = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            fields.iter().for_each(|(name, value)| leaves(value, at(name), out));
        }
        Value::Array(items) if !items.is_empty() => {
            let keys = keys(items);
            items.iter().zip(keys).for_each(|(item, key)| leaves(item, format!("{path}[{key}]"), out));
        }
        leaf => {
            out.push((path, leaf.clone()));
        }
    }
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
        assert_eq!(told(before, after), [("spec[b].n".to_owned(), json!(2), json!(3))]);
    }

    #[test]
    fn other_items_are_known_by_their_place() {
        let differences = told(json!({"l": ["x"]}), json!({"l": ["x", "y"]}));
        assert_eq!(differences, [("spec.l[1]".to_owned(), json!(null), json!("y"))]);
    }
}
