//! A YAML document as it is written: its values, and the line that each stands on. JSON is YAML.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use serde_saphyr::{Localizer, Location, Options, Spanned, UserMessageFormatter};

/// What to do about a text that is to become a manifest.
const RENDER: &str =
    "the line has {{, as a template that has to be rendered first: `helm template CHART | vnet plan -`";

/// A value, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The line, counted from 1.
    pub line: u64,
    tree: Tree,
}

#[derive(Clone, Debug, PartialEq)]
enum Tree {
    Leaf(Value),
    List(Vec<Node>),
    Fields(Vec<(String, Node)>),
}

/// A text is no YAML.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Malformed {
    /// The line, counted from 1; none if that is not known.
    pub line: Option<u64>,
    /// What is wrong with it.
    pub message: String,
}

/// Every document of a text; those that are empty are left out.
///
/// # Errors
/// [`Malformed`] if the text is no YAML, or an object has a field twice.
pub fn read(text: &str) -> Result<Vec<Node>, Malformed> {
    let mut options = Options::default();
    options.budget = None; // the files are the user's own, and of any size
    options.legacy_octal_numbers = true; // as kubectl reads them
    let documents = serde_saphyr::from_multiple_with_options::<Spanned<Tree>>(text, options).map_err(|error| {
        let line = error.location().map(|location| location.line());
        let message = error.without_snippet().render_with_formatter(&UserMessageFormatter.with_localizer(&Alone));
        let is_template = line.is_some_and(|line| stands_on(text, line).contains("{{"));
        let message = if is_template { format!("{message}; {RENDER}") } else { message };
        Malformed { line, message }
    })?;
    Ok(documents.into_iter().map(Node::from).filter(|node| node.tree != Tree::Leaf(Value::Null)).collect())
}

/// A line of a text, counted from 1; an empty one if there is none.
fn stands_on(text: &str, line: u64) -> &str {
    let before = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
    text.lines().nth(before).unwrap_or_default()
}

/// What is wrong, without the place, which stands beside it.
struct Alone;

impl Localizer for Alone {
    fn attach_location<'a>(&self, message: Cow<'a, str>, _: Location) -> Cow<'a, str> {
        message
    }
}

impl Node {
    /// The value of a field.
    pub fn get(&self, field: &str) -> Option<&Node> {
        match &self.tree {
            Tree::Fields(fields) => fields.iter().find(|(name, _)| name == field).map(|(_, node)| node),
            Tree::Leaf(_) | Tree::List(_) => None,
        }
    }

    /// The text of a field.
    pub fn text(&self, field: &str) -> Option<&str> {
        match &self.get(field)?.tree {
            Tree::Leaf(Value::String(text)) => Some(text),
            Tree::Leaf(_) | Tree::List(_) | Tree::Fields(_) => None,
        }
    }

    /// The items of a list; none of what is no list.
    pub fn items(&self) -> &[Node] {
        match &self.tree {
            Tree::List(items) => items,
            Tree::Leaf(_) | Tree::Fields(_) => &[],
        }
    }

    /// The value as JSON.
    pub fn value(&self) -> Value {
        match &self.tree {
            Tree::Leaf(value) => value.clone(),
            Tree::List(items) => items.iter().map(Node::value).collect(),
            Tree::Fields(fields) => {
                Value::Object(fields.iter().map(|(name, node)| (name.clone(), node.value())).collect::<Map<_, _>>())
            }
        }
    }

    /// The line of a field, as a violation names it (`spec.ipConfigurations[1].privateIPAddress`), or of the innermost
    /// thing around it that is written.
    pub fn line_of(&self, path: &str) -> u64 {
        let mut at = self;
        for step in steps(path) {
            let next = match &at.tree {
                Tree::Fields(_) => at.get(step.trim_matches('"')),
                Tree::List(items) => step.parse::<usize>().ok().and_then(|n| items.get(n)),
                Tree::Leaf(_) => None,
            };
            let Some(next) = next else { break };
            at = next;
        }
        at.line
    }
}

/// The steps of a path: names between dots, and what stands in brackets.
fn steps(path: &str) -> impl Iterator<Item = &str> {
    let mut rest = path;
    std::iter::from_fn(move || {
        rest = rest.strip_prefix('.').unwrap_or(rest);
        let (step, after) = match rest.strip_prefix('[') {
            Some(inner) => inner.split_once(']').unwrap_or((inner, "")),
            None => rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len())),
        };
        rest = after;
        (!step.is_empty()).then_some(step)
    })
}

impl From<Spanned<Tree>> for Node {
    fn from(spanned: Spanned<Tree>) -> Self {
        Self { line: spanned.referenced.line(), tree: spanned.value }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Leaf(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Leaf(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        Tree::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    /// A number without a fraction is a whole one, however it is written, since kubectl sends it so.
    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        let whole = (value.fract() == 0.0).then(|| format!("{value:.0}").parse::<i64>().ok()).flatten();
        Ok(Tree::Leaf(whole.map_or_else(|| value.into(), Value::from)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element::<Spanned<Tree>>()? {
            items.push(item.into());
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
        let mut fields = Vec::new();
        while let Some((name, node)) = entries.next_entry::<String, Spanned<Tree>>()? {
            fields.push((name, node.into()));
        }
        Ok(Tree::Fields(fields))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TWO: &str = "\
# A comment.
kind: A
spec:
  list:
  - {name: one}
  - name: two
    port: 80
  \"a.b/c\": true
---
---
kind: B
";

    #[test]
    fn documents_are_read_with_their_values() {
        let documents = read(TWO).unwrap();
        let values: Vec<Value> = documents.iter().map(Node::value).collect();
        let first =
            json!({"kind": "A", "spec": {"list": [{"name": "one"}, {"name": "two", "port": 80}], "a.b/c": true}});
        assert_eq!(values, [first, json!({"kind": "B"})]);
        assert_eq!(documents[1].line, 11);
    }

    #[test]
    fn a_field_has_the_line_that_its_value_begins_on() {
        let document = &read(TWO).unwrap()[0];
        for (path, line) in [
            ("kind", 2),
            ("spec.list[0].name", 5),
            ("spec.list[1].port", 7),
            ("spec.list[1].missing", 6),
            ("spec.list[7]", 5),
            ("metadata.name", 2),
            ("spec[a.b/c]", 8),
            ("spec[\"a.b/c\"]", 8),
            ("spec.list[1].port.more", 7),
        ] {
            assert_eq!(document.line_of(path), line, "{path}");
        }
    }

    #[test]
    fn what_is_no_yaml_is_told_with_its_line() {
        let malformed = read("kind: A\nspec: [1\nstatus: x\n").unwrap_err();
        assert!(malformed.line.is_some_and(|line| line >= 2), "{malformed:?}");
        assert!(!malformed.message.contains("line"), "the line is told once: {malformed:?}");
    }

    #[test]
    fn a_field_that_stands_twice_is_malformed() {
        let message = "duplicate mapping key `kind` is not allowed here".to_owned();
        assert_eq!(read("kind: A\nkind: B\n").unwrap_err(), Malformed { line: Some(2), message });
    }

    #[test]
    fn texts_that_yaml_takes_for_booleans_are_booleans_as_for_kubectl() {
        assert_eq!(read("{a: yes, b: n, c: \"n\"}").unwrap()[0].value(), json!({"a": true, "b": false, "c": "n"}));
    }

    #[test]
    fn numbers_are_read_as_kubectl_reads_them() {
        let table = [
            ("4.0", json!(4)),
            ("010", json!(8)),
            ("-010", json!(-8)),
            ("0o10", json!(8)),
            ("0x1_0", json!(16)),
            ("+0x10", json!(16)),
            ("0b11", json!(3)),
            ("1_0", json!(10)),
            ("_4", json!("_4")),
            ("+3", json!(3)),
            ("08", json!(8)),
            ("09.5", json!(9.5)),
            ("1.", json!(1)),
            (".5", json!(0.5)),
            ("1e1", json!(10)),
            ("1E+2", json!(100)),
            ("-0", json!(0)),
            ("1:30", json!("1:30")),
            ("0b", json!("0b")),
            ("9223372036854775808", json!(9_223_372_036_854_775_808_u64)),
            ("2026-01-01", json!("2026-01-01")),
            ("!!str 5", json!("5")),
            ("'5'", json!("5")),
            ("~", json!(null)),
            ("on", json!(true)),
        ];
        let read_as = |text: &str| read(&format!("a: {text}")).unwrap()[0].value()["a"].clone();
        let otherwise: Vec<_> = table.iter().map(|(text, value)| (text, read_as(text), value)).collect();
        let otherwise: Vec<_> = otherwise.iter().filter(|(_, read, value)| read != *value).collect();
        assert!(otherwise.is_empty(), "{otherwise:?}");
        for text in [".NaN", ".inf", "-.inf", "1e400"] {
            assert!(read(&format!("a: {text}")).is_err(), "{text}");
        }
    }

    #[test]
    fn json_is_yaml() {
        assert_eq!(read(r#"{"kind": "A", "n": -1.5}"#).unwrap()[0].value(), json!({"kind": "A", "n": -1.5}));
    }
}
