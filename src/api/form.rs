//! The form of a spec: its types, required fields, choices, sizes and texts, as the CRD's schema has them.
//!
//! The API server checks it before. What gets past it, stored under another version of the CRD or under one that somebody
//! loosened, is refused here with the field and the remedy, and never reaches the fabric. Not here: how large a number may
//! be, and how few items a list may have; those are numbered rules of the fabric.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::crd;
use crate::fabric::{Code, Findings, Kind, Violation};

/// What a value must be.
#[derive(Clone, Debug)]
enum Form {
    Fields { fields: BTreeMap<String, Form>, required: Vec<String> },
    Entries { most: usize, entry: Box<Form> },
    List { most: usize, item: Box<Form> },
    Text { most: usize, shapes: Vec<Shape> },
    Choice(Vec<String>),
    Number { range: String },
    Switch,
    Anything,
}

/// The pattern of a text, and what such a text is.
#[derive(Clone, Debug)]
struct Shape {
    pattern: Regex,
    says: String,
}

/// Where a value stands.
#[derive(Clone, Copy, Debug)]
enum Path<'a> {
    Spec,
    Field(&'a Path<'a>, &'a str),
    Item(&'a Path<'a>, usize),
}

/// How much of a text a violation quotes.
const QUOTED: usize = 64;

/// Everything in a spec that is not of the form that its kind has. What has the code InvalidRequestContent keeps the spec
/// from being read.
pub fn check(kind: Kind, spec: &Value) -> Vec<Violation> {
    static FORMS: LazyLock<BTreeMap<Kind, Form>> = LazyLock::new(|| of_every_kind("spec"));
    let mut findings = Findings::default();
    if let Some(form) = FORMS.get(&kind) {
        form.check(spec, Path::Spec, findings.under("ARM-04"));
    }
    findings.into_violations()
}

/// Everything in a status that the API server would not take.
#[cfg(test)]
pub(crate) fn check_status(kind: Kind, status: &Value) -> Vec<Violation> {
    static FORMS: LazyLock<BTreeMap<Kind, Form>> = LazyLock::new(|| of_every_kind("status"));
    let mut findings = Findings::default();
    FORMS[&kind].check(status, Path::Spec, &mut findings);
    findings.into_violations()
}

impl Form {
    fn check(&self, value: &Value, path: Path<'_>, findings: &mut Findings) {
        match (self, value) {
            (Form::Fields { fields, required }, Value::Object(given)) => {
                for (name, form) in fields {
                    let path = Path::Field(&path, name);
                    match given.get(name) {
                        Some(value) => form.check(value, path, findings),
                        None if required.contains(name) => is_missing(form, path, findings),
                        None => {}
                    }
                }
            }
            (Form::Entries { most, entry }, Value::Object(given)) => {
                if has_room("entries", given.len(), *most, path, findings) {
                    given.iter().for_each(|(key, value)| entry.check(value, Path::Field(&path, key), findings));
                }
            }
            (Form::List { most, item }, Value::Array(items)) => {
                if has_room("items", items.len(), *most, path, findings) {
                    items.iter().enumerate().for_each(|(n, value)| item.check(value, Path::Item(&path, n), findings));
                }
            }
            (Form::Text { most, shapes }, Value::String(text)) => {
                if has_room("characters", text.chars().count(), *most, path, findings) {
                    shapes.iter().for_each(|shape| shape.check(text, path, findings));
                }
            }
            (Form::Choice(choices), Value::String(text)) if choices.contains(text) => {}
            (Form::Number { .. }, Value::Number(number)) if number.as_i64().is_some_and(fits_a_field) => {}
            (Form::Switch, Value::Bool(_)) | (Form::Anything, _) => {}
            (form, other) => is_other(form, other, path, findings),
        }
    }

    /// As a remedy names it.
    fn says(&self) -> String {
        match self {
            Form::Fields { required, .. } if !required.is_empty() => {
                format!("an object with {}", required.join(" and "))
            }
            Form::Fields { .. } | Form::Entries { .. } => "an object".to_owned(),
            Form::List { item, .. } if matches!(**item, Form::Fields { .. }) => "a list of objects".to_owned(),
            Form::List { .. } => "a list".to_owned(),
            Form::Text { .. } => "a text".to_owned(),
            Form::Choice(choices) => choices.join(" or "),
            Form::Number { range } => format!("a whole number{range}"),
            Form::Switch => "true or false".to_owned(),
            Form::Anything => "anything".to_owned(),
        }
    }
}

/// Every number of every spec is an int32.
fn fits_a_field(number: i64) -> bool {
    i32::try_from(number).is_ok()
}

fn has_room(of_what: &str, size: usize, most: usize, path: Path<'_>, findings: &mut Findings) -> bool {
    if size > most {
        findings.refuse(
            Code::InvalidRequestContent,
            path.to_string(),
            format!("It has {size} {of_what}."),
            format!("Write at most {most} {of_what}."),
        );
    }
    size <= most
}

fn is_missing(form: &Form, path: Path<'_>, findings: &mut Findings) {
    findings.refuse(
        Code::InvalidRequestContent,
        path.to_string(),
        "The field is required, and missing.",
        format!("Write {}.", form.says()),
    );
}

fn is_other(form: &Form, value: &Value, path: Path<'_>, findings: &mut Findings) {
    let value = match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(_) => "A list".to_owned(),
        Value::Object(_) => "An object".to_owned(),
    };
    let what = form.says();
    let remedy = if matches!(form, Form::Choice(_)) {
        format!("Write {what}, or run the version of the operator whose CRDs are installed.")
    } else {
        format!("Write {what}.")
    };
    findings.refuse(Code::InvalidRequestContent, path.to_string(), format!("{value} is not {what}."), remedy);
}

impl Shape {
    fn check(&self, text: &str, path: Path<'_>, findings: &mut Findings) {
        if !self.pattern.is_match(text) {
            findings.refuse(
                Code::InvalidParameter,
                path.to_string(),
                format!("{} is not of the form that the field has.", quoted(text)),
                format!("Write {}.", self.says),
            );
        }
    }
}

/// The beginning of a text, with what does not print escaped.
fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{:?}... ({} characters)", text.get(..end).unwrap_or_default(), text.chars().count()),
        None => format!("{text:?}"),
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Spec => f.write_str("spec"),
            Path::Field(of, name) if name.len() <= QUOTED => write!(f, "{of}.{name}"),
            Path::Field(of, name) => write!(f, "{of}[{}]", quoted(name)),
            Path::Item(of, n) => write!(f, "{of}[{n}]"),
        }
    }
}

// Reading a schema.

/// The form of the spec of every kind, or of its status.
fn of_every_kind(part: &str) -> BTreeMap<Kind, Form> {
    let definitions = crd::all().unwrap_or_default();
    let of_definition = |definition: &Value| {
        let schema = definition.pointer("/spec/versions/0/schema/openAPIV3Schema/properties");
        schema.and_then(|properties| properties.get(part)).map_or(Form::Anything, of_schema)
    };
    Kind::ALL.iter().copied().zip(definitions.iter().map(of_definition)).collect()
}

fn of_schema(schema: &Value) -> Form {
    let field = |name: &str| schema.get(name).unwrap_or(&Value::Null);
    let size = |name: &str| field(name).as_u64().and_then(|size| usize::try_from(size).ok()).unwrap_or(usize::MAX);
    match field("type").as_str() {
        Some("object") if field("additionalProperties").is_object() => {
            Form::Entries { most: size("maxProperties"), entry: Box::new(of_schema(field("additionalProperties"))) }
        }
        Some("object") => {
            let fields = field("properties").as_object().into_iter().flatten();
            let fields = fields.map(|(name, schema)| (name.clone(), of_schema(schema))).collect();
            Form::Fields { fields, required: texts(field("required")) }
        }
        Some("array") => Form::List { most: size("maxItems"), item: Box::new(of_schema(field("items"))) },
        Some("string") if field("enum").is_array() => Form::Choice(texts(field("enum"))),
        Some("string") => Form::Text { most: size("maxLength"), shapes: shapes(field("x-kubernetes-validations")) },
        Some("integer") => {
            let bound = |name: &str, word: &str| {
                field(name).as_f64().map(|bound| format!(" {word} {bound}")).unwrap_or_default()
            };
            Form::Number { range: bound("minimum", "from") + &bound("maximum", "to") }
        }
        Some("boolean") => Form::Switch,
        Some(_) | None => Form::Anything,
    }
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

/// The CEL rules that match a pattern; the other ones have their own reading.
fn shapes(rules: &Value) -> Vec<Shape> {
    let shape = |rule: &Value| {
        let text = |name: &str| rule.get(name).and_then(Value::as_str);
        let pattern = text("rule")?.strip_prefix("self.matches('")?.strip_suffix("')")?;
        let says = text("message")?.strip_prefix("must be ")?.to_owned();
        Some(Shape { pattern: Regex::new(pattern).ok()?, says })
    };
    rules.as_array().into_iter().flatten().filter_map(shape).collect()
}
