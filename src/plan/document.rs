//! A YAML document as it is written: its values, and the line that each stands on. JSON is YAML.

use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use serde_saphyr::{Options, Spanned};

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
    let documents = serde_saphyr::from_multiple_with_options::<Spanned<Tree>>(text, options).map_err(|error| {
        let error = error.without_snippet();
        Malformed { line: error.location().map(|location| location.line()), message: error.to_string() }
    })?;
    Ok(documents.into_iter().map(Node::from).filter(|node| node.tree != Tree::Leaf(Value::Null)).collect())
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
        for step in path.split(['.', '[', ']']).filter(|step| !step.is_empty()) {
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

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
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
        ] {
            assert_eq!(document.line_of(path), line, "{path}");
        }
    }

    #[test]
    fn what_is_no_yaml_is_told_with_its_line() {
        let malformed = read("kind: A\nspec: [1\nstatus: x\n").unwrap_err();
        assert!(malformed.line.is_some_and(|line| line >= 2), "{malformed:?}");
    }

    #[test]
    fn a_field_that_stands_twice_is_malformed() {
        assert_eq!(read("kind: A\nkind: B\n").unwrap_err().line, Some(2));
    }

    #[test]
    fn texts_that_yaml_takes_for_booleans_are_booleans_as_for_kubectl() {
        assert_eq!(read("{a: yes, b: n, c: \"n\"}").unwrap()[0].value(), json!({"a": true, "b": false, "c": "n"}));
    }

    #[test]
    fn json_is_yaml() {
        assert_eq!(read(r#"{"kind": "A", "n": -1.5}"#).unwrap()[0].value(), json!({"kind": "A", "n": -1.5}));
    }
}
