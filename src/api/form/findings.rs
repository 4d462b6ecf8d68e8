//! What is not of the form of a schema, and the words for it.

use serde_json::Value;

use super::{Form, NO_SUCH_FIELD};
use crate::fabric::path::quoted;
use crate::fabric::violation::{Finding, Place};
use crate::fabric::{Code, Violation};

/// What is not of the form that a schema gives it.
pub(super) enum FormFinding<'a> {
    /// A text, list or map is larger than it may be.
    TooLarge { of_what: &'static str, size: usize, most: usize },
    /// A text, list or map is smaller than it may be.
    TooSmall { of_what: &'static str, size: usize, least: usize },
    /// A field is required, and missing.
    Missing { form: &'a Form },
    /// There is no such field.
    UnknownField { nearest: Vec<&'a str> },
    /// An item of a list that is a map has the keys of an earlier one, and is the same or not.
    SameKeys { keys: &'a [String], first: usize, is_same: bool },
    /// A value is of another type than the field, or not one of those that it may have.
    OtherValue { value: &'a Value, form: &'a Form },
    /// A text does not match the pattern of its field.
    OtherText { text: &'a str, says: &'a str },
}

impl Finding for FormFinding<'_> {
    fn violation(self, at: Place) -> Violation {
        match self {
            Self::TooLarge { of_what, size, most } => at.refuse(
                Code::InvalidRequestContent,
                format!("It has {size} {of_what}."),
                format!("Write at most {most} {of_what}."),
            ),
            Self::TooSmall { of_what, size, least } => at.refuse(
                Code::InvalidRequestContent,
                format!("It has {size} {of_what}."),
                format!("Write at least {least} {of_what}."),
            ),
            Self::Missing { form } => at.refuse(
                Code::InvalidRequestContent,
                "The field is required, and missing.",
                format!("Write {}.", form.says()),
            ),
            Self::UnknownField { nearest } => {
                let nearest = match nearest.as_slice() {
                    [] => String::new(),
                    nearest => format!(" The nearest fields are {}.", nearest.join(", ")),
                };
                at.refuse(
                    Code::InvalidRequestContent,
                    NO_SUCH_FIELD,
                    format!("Remove the field, or correct its name.{nearest}"),
                )
            }
            Self::SameKeys { keys, first, is_same } => {
                let same = keys.join(" and ");
                let remedy = if is_same { "List it once.".to_owned() } else { format!("Give it another {same}.") };
                at.refuse(Code::InvalidRequestContent, format!("It has the same {same} as item {first}."), remedy)
            }
            Self::OtherValue { value, form } => {
                let what = form.says();
                at.refuse(
                    Code::InvalidRequestContent,
                    format!("{} is not {what}.", shown(value)),
                    format!("Write {what}{}.", hint(value, form)),
                )
            }
            Self::OtherText { text, says } => at.refuse(
                Code::InvalidParameter,
                format!("{} is not of the form that the field has.", quoted(text)),
                format!("Write {says}."),
            ),
        }
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(_) => "A list".to_owned(),
        Value::Object(_) => "An object".to_owned(),
    }
}

/// Why a value may be of another form than its author meant.
fn hint(value: &Value, form: &Form) -> &'static str {
    let is_a_word = matches!(value, Value::Null | Value::Bool(_) | Value::Number(_));
    match form {
        Form::Choice(_) => ", or run the version of the operator whose CRDs are installed",
        // YAML reads n, off, 1 and ~ as something else than texts.
        Form::Text { .. } if is_a_word => "; put it between quotation marks",
        Form::Fields { .. }
        | Form::Entries { .. }
        | Form::List { .. }
        | Form::Text { .. }
        | Form::Number { .. }
        | Form::Switch
        | Form::Anything => "",
    }
}
