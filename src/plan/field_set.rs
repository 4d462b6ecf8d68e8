//! Sets of fields in the form of `fieldsV1`, and values as server-side apply takes them apart: by the schema of the CRD.
//!
//! The operations are those of the API server's library, structured-merge-diff. A field is a member of a set by itself; that
//! a field below it is one says nothing of it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// In `fieldsV1`, the item of a list itself, beside its fields.
const ITSELF: &str = ".";
/// With this a step to a field begins.
const FIELD: &str = "f:";
/// With this a step to an item of a list that is a map begins.
const ITEM: &str = "k:";
/// With this a step to an item of a list that is a set begins.
const ENTRY: &str = "v:";

/// A set of fields: `{"f:spec": {"f:nics": {"k:{\"name\":\"a\"}": {".": {}, "f:name": {}}}}}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSet {
    is_member: bool,
    below: BTreeMap<String, FieldSet>,
}

impl FieldSet {
    /// Reads `fieldsV1`.
    pub fn read(fields: &Value) -> Self {
        let mut set = Self::default();
        for (step, below) in fields.as_object().into_iter().flatten() {
            if step == ITSELF {
                set.is_member = true;
                continue;
            }
            let mut child = Self::read(below);
            child.is_member |= below.as_object().is_none_or(Map::is_empty);
            set.below.insert(step.clone(), child);
        }
        set
    }

    /// As `fieldsV1`.
    pub fn write(&self) -> Value {
        let itself = (self.is_member && !self.below.is_empty()).then(|| (ITSELF.to_owned(), json!({})));
        let below = self.below.iter().map(|(step, set)| (step.clone(), set.write()));
        Value::Object(itself.into_iter().chain(below).collect())
    }

    /// True if it has no member.
    pub fn is_empty(&self) -> bool {
        !self.is_member && self.below.is_empty()
    }

    /// The path of every member.
    pub fn members(&self) -> Vec<Vec<String>> {
        let own = self.is_member.then(Vec::new);
        let below = self.below.iter().flat_map(|(step, set)| {
            let paths = set.members().into_iter();
            paths.map(|rest| std::iter::once(step.clone()).chain(rest).collect())
        });
        own.into_iter().chain(below).collect()
    }

    fn get(&self, step: &str) -> Option<&Self> {
        self.below.get(step)
    }

    fn insert(&mut self, step: &str, set: Self) {
        if !set.is_empty() {
            self.below.insert(step.to_owned(), set);
        }
    }

    /// The members of either.
    pub fn union(mut self, other: &Self) -> Self {
        self.is_member |= other.is_member;
        for (step, set) in &other.below {
            let own = self.below.remove(step).unwrap_or_default();
            self.below.insert(step.clone(), own.union(set));
        }
        self
    }

    /// The members that the other one has not.
    pub fn minus(&self, other: &Self) -> Self {
        let mut left = Self { is_member: self.is_member && !other.is_member, below: BTreeMap::new() };
        for (step, set) in &self.below {
            left.insert(step, other.get(step).map_or_else(|| set.clone(), |other| set.minus(other)));
        }
        left
    }

    /// The members of both.
    pub fn common(&self, other: &Self) -> Self {
        let mut common = Self { is_member: self.is_member && other.is_member, below: BTreeMap::new() };
        for (step, set) in &self.below {
            common.insert(step, other.get(step).map(|other| set.common(other)).unwrap_or_default());
        }
        common
    }

    /// With every field that the schema names and that a member is below of.
    fn with_named(&self, schema: &Value) -> Self {
        let below = self.below.iter().map(|(step, set)| {
            let mut set = set.with_named(below(schema, step));
            set.is_member |= is_named(schema, step);
            (step.clone(), set)
        });
        Self { is_member: self.is_member, below: below.collect() }
    }
}

/// A part of a value: the step of `fieldsV1` that leads to it, its schema, and what it is.
type Part<'a> = (String, &'a Value, &'a Value);

/// What a value is made of; none if it counts as a whole.
fn parts<'a>(schema: &'a Value, value: &'a Value) -> Option<Vec<Part<'a>>> {
    let says = |name: &str| schema.get(name).and_then(Value::as_str).unwrap_or_default();
    match value {
        Value::Object(fields) if says("x-kubernetes-map-type") != "atomic" => {
            let part = |(name, value): (&String, &'a Value)| {
                let step = format!("{FIELD}{name}");
                let schema = below(schema, &step);
                (step, schema, value)
            };
            Some(fields.iter().map(part).collect())
        }
        Value::Array(items) => {
            let item_schema = schema.get("items").unwrap_or(&Value::Null);
            let step = |item: &Value| match says("x-kubernetes-list-type") {
                "map" => item_step(schema, item),
                "set" => Some(format!("{ENTRY}{item}")),
                _ => None,
            };
            let parts: Option<Vec<Part<'a>>> =
                items.iter().map(|item| Some((step(item)?, item_schema, item))).collect();
            // An empty list has no item that could show it.
            let is_granular = ["map", "set"].contains(&says("x-kubernetes-list-type"));
            parts.filter(|parts| is_granular && by_step(parts).len() == parts.len())
        }
        Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// The step to an item of a list that is a map.
fn item_step(schema: &Value, item: &Value) -> Option<String> {
    let keys = schema.get("x-kubernetes-list-map-keys")?.as_array()?.iter().filter_map(Value::as_str);
    let keys: Option<Map<String, Value>> = keys.map(|key| Some((key.to_owned(), item.get(key)?.clone()))).collect();
    Some(format!("{ITEM}{}", Value::Object(keys?)))
}

fn by_step<'a, 'p>(parts: &'p [Part<'a>]) -> BTreeMap<&'p str, &'p Part<'a>> {
    parts.iter().map(|part| (part.0.as_str(), part)).collect()
}

/// The schema of a part; null where it is not known.
fn below<'a>(schema: &'a Value, step: &str) -> &'a Value {
    let known = match step.strip_prefix(FIELD) {
        Some(name) => schema.get("properties").and_then(|fields| fields.get(name)),
        None => schema.get("items"),
    };
    known.or_else(|| schema.get("additionalProperties")).unwrap_or(&Value::Null)
}

fn is_named(schema: &Value, step: &str) -> bool {
    let name = step.strip_prefix(FIELD);
    name.is_some_and(|name| schema.get("properties").is_some_and(|fields| fields.get(name).is_some()))
}

/// A value of the shape of another, made of these parts; null if there are none.
fn like(value: &Value, parts: impl Iterator<Item = (String, Value)>) -> Value {
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return Value::Null;
    }
    match value {
        Value::Array(_) => Value::Array(parts.map(|(_, item)| item).collect()),
        _ => Value::Object(
            parts.map(|(step, value)| (step.strip_prefix(FIELD).unwrap_or(&step).to_owned(), value)).collect(),
        ),
    }
}

/// The fields of a value.
pub fn fields(schema: &Value, value: &Value) -> FieldSet {
    let Some(parts) = parts(schema, value) else {
        return FieldSet { is_member: true, below: BTreeMap::new() };
    };
    let mut set = FieldSet::default();
    for (step, own, value) in parts {
        let mut fields = fields(own, value);
        let is_empty = value.is_null() || value.as_object().is_some_and(Map::is_empty);
        fields.is_member |= is_empty || !is_named(schema, &step);
        set.insert(&step, fields);
    }
    set
}

/// What is laid over a value, and the result: the fields that it names, and everything that it does not.
pub fn merged(schema: &Value, live: &Value, config: &Value) -> Value {
    let (Some(old), Some(new)) = (parts(schema, live), parts(schema, config)) else {
        let keeps = config.is_null() && parts(schema, live).is_some_and(|parts| !parts.is_empty());
        return if keeps { live.clone() } else { config.clone() };
    };
    if live.is_array() != config.is_array() || (old.is_empty() && new.is_empty()) {
        return config.clone();
    }
    let (by_old, by_new) = (by_step(&old), by_step(&new));
    let both = |step: &str| {
        let value = match (by_old.get(step), by_new.get(step)) {
            (Some((_, schema, live)), Some((_, _, config))) => merged(schema, live, config),
            (Some((.., only)), None) | (None, Some((.., only))) => (*only).clone(),
            (None, None) => Value::Null,
        };
        (step.to_owned(), value)
    };
    let order: Vec<&str> = match config {
        Value::Array(_) => in_order(&old, &new),
        _ => by_old.keys().chain(by_new.keys().filter(|step| !by_old.contains_key(*step))).copied().collect(),
    };
    like(config, order.into_iter().map(both))
}

/// The order of the items of two lists: that of the new one, and what only the old one has stays before what followed it.
fn in_order<'p>(old: &'p [Part<'_>], new: &'p [Part<'_>]) -> Vec<&'p str> {
    let (by_old, by_new) = (by_step(old), by_step(new));
    let (mut old, mut new) = (old.iter().map(|part| &*part.0).peekable(), new.iter().map(|part| &*part.0).peekable());
    let mut shared = new.clone().filter(|step| by_old.contains_key(step)).collect::<Vec<_>>().into_iter().peekable();
    let mut order: Vec<&str> = Vec::new();
    loop {
        match (old.peek().copied(), new.peek().copied()) {
            (None, None) => return order,
            (Some(live), Some(wanted)) if live == wanted => {
                order.push(live);
                let _ = (old.next(), new.next(), shared.next());
                continue;
            }
            // It comes later in the new list.
            (Some(live), Some(_)) if by_new.contains_key(live) && shared.peek().is_some_and(|next| *next != live) => {
                let _ = old.next();
                continue;
            }
            _ => {}
        }
        if let Some(live) = old.peek().copied() {
            if !by_new.contains_key(live) {
                order.push(live);
                let _ = old.next();
                continue;
            }
            if order.contains(&live) {
                let _ = old.next();
            }
        }
        if let Some(wanted) = new.next() {
            order.push(wanted);
            let _ = shared.next_if_eq(&wanted);
        }
    }
}

/// A value without these fields. What loses all that it had is null.
fn without(schema: &Value, value: &Value, fields: &FieldSet) -> Value {
    let parts = match value {
        Value::Object(_) | Value::Array(_) => parts(schema, value).unwrap_or_default(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return value.clone(),
    };
    let left = parts.into_iter().filter_map(|(step, schema, value)| match fields.get(&step) {
        None => Some((step, value.clone())),
        Some(fields) if fields.is_member => None,
        Some(fields) => Some((step, without(schema, value, fields))),
    });
    like(value, left)
}

/// What is left of a value once a manager no longer names what was `last` named, and these fields are `managed`, by whomever.
pub fn pruned(schema: &Value, value: &Value, last: &FieldSet, managed: &FieldSet) -> Value {
    let of = |value: &Value| fields(schema, value).with_named(schema);
    let all = of(value);
    let kept = of(&without(schema, value, &last.with_named(schema))).union(&managed.with_named(schema));
    let left = without(schema, value, &all.minus(&kept));
    // What had no manager stays.
    let gone = all.minus(&of(&left)).common(&last.with_named(schema));
    without(schema, value, &gone)
}

/// What changed between two values.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// The fields that are others, or new.
    pub changed: FieldSet,
    /// The fields that are gone.
    pub removed: FieldSet,
}

/// Compares two values; the order of items does not count.
pub fn compare(schema: &Value, before: Option<&Value>, after: Option<&Value>) -> Change {
    let old = before.and_then(|value| parts(schema, value)).unwrap_or_default();
    let new = after.and_then(|value| parts(schema, value)).unwrap_or_default();
    let mut change = Change::default();
    let nothing =
        |value: Option<&Value>, parts: &[Part<'_>]| parts.is_empty() && value.is_some_and(|value| !is_void(value));
    if (old.is_empty() && new.is_empty()) || nothing(before, &old) || nothing(after, &new) {
        change.changed.is_member = after.is_some() && before != after;
        change.removed.is_member = before.is_some() && after.is_none();
        return change;
    }
    let (by_old, by_new) = (by_step(&old), by_step(&new));
    let steps = by_old.keys().chain(by_new.keys().filter(|step| !by_old.contains_key(*step)));
    for step in steps {
        let (old, new) = (by_old.get(step), by_new.get(step));
        let schema = old.or(new).map_or(&Value::Null, |part| part.1);
        let Change { changed, removed } = compare(schema, old.map(|part| part.2), new.map(|part| part.2));
        change.changed.insert(step, changed);
        change.removed.insert(step, removed);
    }
    change.changed.is_member = before.is_none();
    change.removed.is_member = after.is_none();
    change
}

/// What has no parts, and could have had some.
fn is_void(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty)
}

/// A path as the API server writes it: `.spec.ipConfigurations[name="ip"].primary`.
pub fn path_of_the_server(steps: &[String]) -> String {
    let written = steps.iter().map(|step| {
        if let Some(name) = step.strip_prefix(FIELD) {
            return format!(".{name}");
        }
        let keys = step.strip_prefix(ITEM).and_then(|key| serde_json::from_str::<Map<String, Value>>(key).ok());
        match keys {
            Some(keys) => {
                let keys = keys.iter().map(|(key, value)| format!("{key}={value}"));
                format!("[{}]", keys.collect::<Vec<_>>().join(","))
            }
            None => format!("[={}]", step.strip_prefix(ENTRY).unwrap_or(step)),
        }
    });
    written.collect()
}

/// The path of a field in a value, with the places of items: `spec.ipConfigurations[0].primary`.
pub fn path_in(schema: &Value, value: &Value, steps: &[String]) -> String {
    let mut path = String::new();
    let (mut schema, mut value) = (schema, value);
    for step in steps {
        let all = parts(schema, value).unwrap_or_default();
        let place = all.iter().position(|(own, ..)| own == step);
        match step.strip_prefix(FIELD) {
            Some(name) if path.is_empty() => path.push_str(name),
            Some(name) => path.push_str(&crate::api::form::step(name)),
            None => path.push_str(&place.map_or_else(|| format!("[{step}]"), |n| format!("[{n}]"))),
        }
        let next = place.and_then(|n| all.get(n));
        (schema, value) = next.map_or((&Value::Null, &Value::Null), |(_, schema, value)| (*schema, *value));
    }
    path
}
