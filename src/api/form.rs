//! The form of a spec: its types, required fields, choices, sizes and texts, as the CRD's schema has them.
//!
//! The API server checks it before. What gets past it, stored under another version of the CRD or under one that a user
//! loosened, is refused here with the field and the remedy, and never reaches the fabric. How large a number may be, and
//! how few items a list may have, are numbered rules of the fabric; only who asks for what the API server would say
//! ([`Whose::TheServers`]) reports that, and what `kubectl apply` says of fields that are unknown.

mod findings;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use regex::Regex;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use self::findings::FormFinding;
use super::crd;
use crate::fabric::nearest::nearest;
pub use crate::fabric::path::step;
use crate::fabric::{Findings, Kind, Violation};

/// Whose check it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The operator's: what keeps a stored spec from being read.
    TheOperators,
    /// The API server's, before it stores a spec.
    TheServers,
}

/// What a value must be.
#[derive(Clone, Debug)]
enum Form {
    Fields { fields: BTreeMap<String, Form>, required: Vec<String> },
    Entries { most: usize, entry: Box<Form> },
    List { least: usize, most: usize, keys: Vec<String>, item: Box<Form> },
    Text { least: usize, most: usize, shapes: Vec<Shape> },
    Choice(Vec<String>),
    Number { least: Option<i64>, most: Option<i64> },
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
    Root(&'static str),
    Field(&'a Path<'a>, &'a str),
    Item(&'a Path<'a>, usize),
}

/// What is said of a field that the form does not have.
pub const NO_SUCH_FIELD: &str = "There is no such field.";

/// The form of the spec of every kind.
static FORMS: LazyLock<BTreeMap<Kind, Form>> = LazyLock::new(|| of_every_kind("spec"));

/// Everything in a spec that is not of the form that its kind has. What has the code InvalidRequestContent keeps the spec
/// from being read.
pub fn check(kind: Kind, spec: &Value, whose: Whose) -> Vec<Violation> {
    let mut check = Check { whose, findings: Findings::default() };
    check.findings.under("ARM-04");
    if let Some(form) = FORMS.get(&kind) {
        check.value(form, spec, Path::Root("spec"));
    }
    check.findings.into_violations()
}

/// True if the spec of a kind has this field.
pub fn has_field(kind: Kind, field: &str) -> bool {
    matches!(FORMS.get(&kind), Some(Form::Fields { fields, .. }) if fields.contains_key(field))
}

/// Everything in the metadata of an object that is not of the form that Kubernetes gives it; of names, labels and times it
/// says only that they are texts.
pub fn check_metadata(metadata: &Value) -> Vec<Violation> {
    static FORM: LazyLock<Form> = LazyLock::new(|| {
        let settings = SchemaSettings::openapi3().with(|settings| settings.inline_subschemas = true);
        of_schema(settings.into_generator().into_root_schema_for::<ObjectMeta>().as_value())
    });
    let mut check = Check { whose: Whose::TheServers, findings: Findings::default() };
    check.value(&FORM, metadata, Path::Root("metadata"));
    check.findings.into_violations()
}

/// Everything in a status that the API server would not take.
#[cfg(test)]
pub(crate) fn check_status(kind: Kind, status: &Value) -> Vec<Violation> {
    static FORMS: LazyLock<BTreeMap<Kind, Form>> = LazyLock::new(|| of_every_kind("status"));
    let mut check = Check { whose: Whose::TheOperators, findings: Findings::default() };
    check.value(&FORMS[&kind], status, Path::Root("status"));
    check.findings.into_violations()
}

/// One check of one value.
struct Check {
    whose: Whose,
    findings: Findings,
}

impl Check {
    fn value(&mut self, form: &Form, value: &Value, path: Path<'_>) {
        match (form, value) {
            (Form::Fields { fields, required }, Value::Object(given)) => {
                for (name, form) in fields {
                    let path = Path::Field(&path, name);
                    match given.get(name) {
                        Some(value) => self.value(form, value, path),
                        None if required.contains(name) => self.add(path, FormFinding::Missing { form }),
                        None => {}
                    }
                }
                if self.is_the_servers() {
                    let unknown = given.keys().filter(|name| !fields.contains_key(*name));
                    unknown.for_each(|name| self.is_unknown(name, fields, path));
                }
            }
            (Form::Entries { most, entry }, Value::Object(given)) => {
                if self.has_room("entries", given.len(), (0, *most), path) {
                    given.iter().for_each(|(key, value)| self.value(entry, value, Path::Field(&path, key)));
                }
            }
            (Form::List { least, most, keys, item }, Value::Array(items)) => {
                if self.has_room("items", items.len(), (*least, *most), path) {
                    items.iter().enumerate().for_each(|(n, value)| self.value(item, value, Path::Item(&path, n)));
                    self.keys_differ(items, keys, path);
                }
            }
            (Form::Text { least, most, shapes }, Value::String(text)) => {
                if self.has_room("characters", text.chars().count(), (*least, *most), path) {
                    shapes.iter().for_each(|shape| self.shape(shape, text, path));
                }
            }
            (Form::Choice(choices), Value::String(text)) if choices.contains(text) => {}
            (Form::Number { least, most }, Value::Number(number)) if number.as_i64().is_some_and(fits_a_field) => {
                let number = number.as_i64().unwrap_or_default();
                let fits = least.is_none_or(|least| number >= least) && most.is_none_or(|most| number <= most);
                if self.is_the_servers() && !fits {
                    self.add(path, FormFinding::OtherValue { value, form });
                }
            }
            (Form::Switch, Value::Bool(_)) | (Form::Anything, _) => {}
            (form, other) => self.add(path, FormFinding::OtherValue { value: other, form }),
        }
    }

    fn is_the_servers(&self) -> bool {
        self.whose == Whose::TheServers
    }

    fn add(&mut self, path: Path<'_>, finding: FormFinding<'_>) {
        self.findings.add(path.to_string(), finding);
    }

    fn has_room(&mut self, of_what: &'static str, size: usize, (least, most): (usize, usize), path: Path<'_>) -> bool {
        if size > most {
            self.add(path, FormFinding::TooLarge { of_what, size, most });
        } else if size < least && self.is_the_servers() {
            self.add(path, FormFinding::TooSmall { of_what, size, least });
        }
        size <= most
    }

    fn is_unknown(&mut self, name: &str, fields: &BTreeMap<String, Form>, of: Path<'_>) {
        let nearest = nearest(name, fields.keys().map(String::as_str));
        self.add(Path::Field(&of, name), FormFinding::UnknownField { nearest });
    }

    /// Items of a list that is a map have different keys.
    fn keys_differ(&mut self, items: &[Value], keys: &[String], path: Path<'_>) {
        if keys.is_empty() || !self.is_the_servers() {
            return;
        }
        let key = |item: &Value| keys.iter().map(|key| item.get(key).cloned()).collect::<Vec<_>>();
        let mut met = Vec::new();
        for (n, item) in items.iter().enumerate() {
            let key = key(item);
            if let Some(first) = met.iter().position(|met| *met == key) {
                let is_same = items.get(first) == Some(item);
                self.add(Path::Item(&path, n), FormFinding::SameKeys { keys, first, is_same });
            }
            met.push(key);
        }
    }

    fn shape(&mut self, shape: &Shape, text: &str, path: Path<'_>) {
        if !shape.pattern.is_match(text) {
            self.add(path, FormFinding::OtherText { text, says: &shape.says });
        }
    }
}

impl Form {
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
            Form::Number { least, most } => {
                let bound =
                    |bound: &Option<i64>, word| bound.map(|bound| format!(" {word} {bound}")).unwrap_or_default();
                format!("a whole number{}{}", bound(least, "from"), bound(most, "to"))
            }
            Form::Switch => "true or false".to_owned(),
            Form::Anything => "anything".to_owned(),
        }
    }
}

/// Every number of every spec is an int32.
fn fits_a_field(number: i64) -> bool {
    i32::try_from(number).is_ok()
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root(name) => f.write_str(name),
            Path::Field(of, name) => write!(f, "{of}{}", step(name)),
            Path::Item(of, n) => write!(f, "{of}[{n}]"),
        }
    }
}

// Reading a schema.

/// The form of the spec of every kind, or of its status.
fn of_every_kind(part: &str) -> BTreeMap<Kind, Form> {
    let form =
        |schema: &Value| schema.get("properties").and_then(|fields| fields.get(part)).map_or(Form::Anything, of_schema);
    crd::schemas().map(|(kind, schema)| (kind, form(&schema))).collect()
}

fn of_schema(schema: &Value) -> Form {
    let field = |name: &str| schema.get(name).unwrap_or(&Value::Null);
    let bound = |name: &str| field(name).as_u64().and_then(|size| usize::try_from(size).ok());
    let (least, most) = (|name: &str| bound(name).unwrap_or(0), |name: &str| bound(name).unwrap_or(usize::MAX));
    match field("type").as_str() {
        Some("object") if field("additionalProperties").is_object() => {
            Form::Entries { most: most("maxProperties"), entry: Box::new(of_schema(field("additionalProperties"))) }
        }
        // Fields that are not named: of metadata's managedFields.
        Some("object") if field("properties").is_null() && field("x-kubernetes-preserve-unknown-fields").is_null() => {
            Form::Entries { most: usize::MAX, entry: Box::new(Form::Anything) }
        }
        Some("object") => {
            let fields = field("properties").as_object().into_iter().flatten();
            let fields = fields.map(|(name, schema)| (name.clone(), of_schema(schema))).collect();
            Form::Fields { fields, required: texts(field("required")) }
        }
        Some("array") => Form::List {
            least: least("minItems"),
            most: most("maxItems"),
            keys: texts(field("x-kubernetes-list-map-keys")),
            item: Box::new(of_schema(field("items"))),
        },
        Some("string") if field("enum").is_array() => Form::Choice(texts(field("enum"))),
        Some("string") => Form::Text {
            least: least("minLength"),
            most: most("maxLength"),
            shapes: shapes(field("x-kubernetes-validations")),
        },
        Some("integer") => Form::Number { least: whole(field("minimum")), most: whole(field("maximum")) },
        Some("boolean") => Form::Switch,
        Some(_) | None => Form::Anything,
    }
}

/// A bound of an integer, which the schema writes as `4.0`.
fn whole(bound: &Value) -> Option<i64> {
    bound.as_i64().or_else(|| format!("{:.0}", bound.as_f64()?).parse().ok())
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
