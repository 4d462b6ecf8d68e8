//! What the API server refuses before it stores an object: what its schema does not let through, and what its CEL rules
//! object to; and the defaults that it fills in. The rules of the fabric are not here.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use kube::core::cel::{CompiledSchema, ValidationError, Validator, apply_defaults, compile_schema};
use serde_json::Value;

use crate::api::crd;
use crate::api::form::{self, Whose};
use crate::api::status::ViolationReport;
use crate::fabric::Kind;

/// The reason that the API server itself gives.
pub const CODE: &str = "Invalid";
/// Stands for the id of a rule where a schema refuses.
pub const SCHEMA: &str = "schema";
/// Stands for the id of a rule where a CEL rule of a schema refuses.
pub const CEL: &str = "CEL";
/// The most characters of a name, and of a namespace.
const NAME_LENGTHS: [(&str, usize); 2] = [("name", 253), ("namespace", 63)];

struct Schema {
    whole: Value,
    compiled: CompiledSchema,
}

/// The schemas of all kinds, read once.
fn schema(kind: Kind) -> Option<&'static Schema> {
    static SCHEMAS: LazyLock<BTreeMap<Kind, Schema>> = LazyLock::new(|| {
        let definitions = crd::all().unwrap_or_default();
        let schema = |definition: &Value| {
            let whole = definition.pointer("/spec/versions/0/schema/openAPIV3Schema").cloned().unwrap_or_default();
            Schema { compiled: compile_schema(&whole), whole }
        };
        Kind::ALL.iter().copied().zip(definitions.iter().map(schema)).collect()
    });
    SCHEMAS.get(&kind)
}

/// The object with the defaults of its schema filled in.
pub fn defaulted(kind: Kind, object: &Value) -> Value {
    schema(kind).map_or_else(|| object.clone(), |schema| apply_defaults(&schema.whole, object))
}

/// The API server's judgement of objects. One is made for many of them, since it costs much to make.
#[derive(Default)]
pub struct Admission {
    cel: Validator,
}

impl Admission {
    /// Everything that keeps the API server from storing an object of this kind; `kubectl apply` would say the same.
    pub fn refusals(&self, kind: Kind, object: &Value) -> Vec<ViolationReport> {
        let mut refusals = of_form(kind, object);
        // As the API server does, which asks no rule of what is not of the right form.
        let told: Vec<String> = refusals.iter().map(|refusal| refusal.path.clone()).collect();
        let objections =
            schema(kind).and_then(|schema| self.cel.validate_compiled(&schema.compiled, object, None).err());
        let objections = objections.map(|objections| objections.into_vec()).unwrap_or_default().into_iter();
        let is_new = |new: &ViolationReport| !told.iter().any(|told| covers(told, &new.path));
        refusals.extend(objections.map(objection).filter(is_new));
        refusals
    }
}

fn of_form(kind: Kind, object: &Value) -> Vec<ViolationReport> {
    let spec = object.get("spec").unwrap_or(&Value::Null);
    let mut refusals = metadata(object);
    refusals.extend(form::check(kind, spec, Whose::TheServers).iter().map(|violation| ViolationReport {
        rule: SCHEMA.to_owned(),
        code: CODE.to_owned(),
        ..ViolationReport::from(violation)
    }));
    refusals
}

/// The API server stores nothing in a namespace that there is not.
pub fn no_namespace(namespace: &str) -> ViolationReport {
    refusal(
        SCHEMA,
        "metadata.namespace".to_owned(),
        format!("There is no Namespace {namespace}."),
        format!("Add a manifest of Namespace {namespace}, create it before, or correct the name."),
    )
}

/// Whether what was told of one field says enough of another.
fn covers(told: &str, path: &str) -> bool {
    path.strip_prefix(told).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn refusal(rule: &str, path: String, message: String, remedy: String) -> ViolationReport {
    let (rule, code, retry) = (rule.to_owned(), CODE.to_owned(), "OnEdit".to_owned());
    ViolationReport { rule, code, path, message, remedy, blocked_by: Vec::new(), retry }
}

fn objection(error: ValidationError) -> ViolationReport {
    let remedy = match error.message.strip_prefix("must be ") {
        Some(what) => format!("Write {what}."),
        None => "Correct the field as the message says.".to_owned(),
    };
    refusal(CEL, error.field_path, format!("The field is refused: {}.", error.message), remedy)
}

/// What is wrong with names, labels and annotations.
fn metadata(object: &Value) -> Vec<ViolationReport> {
    let metadata = object.get("metadata").unwrap_or(&Value::Null);
    let mut refusals = Vec::new();
    for (field, most) in NAME_LENGTHS {
        let name = metadata.get(field).and_then(Value::as_str).unwrap_or_default();
        let is_inner =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.' && field == "name";
        let is_outer = |c: Option<char>| c.is_some_and(|c| is_inner(c) && c.is_ascii_alphanumeric());
        let fits = name.chars().all(is_inner) && is_outer(name.chars().next()) && is_outer(name.chars().next_back());
        if !fits || name.len() > most {
            let also = if field == "name" { ", hyphens and dots" } else { " and hyphens" };
            refusals.push(refusal(
                SCHEMA,
                format!("metadata.{field}"),
                format!("{name:?} is no {field} of an object."),
                format!("Write at most {most} lower-case letters, digits{also}, a letter or digit first and last."),
            ));
        }
    }
    for field in ["labels", "annotations"] {
        for (key, value) in metadata.get(field).and_then(Value::as_object).into_iter().flatten() {
            if !value.is_string() {
                let remedy = "Put the value between quotation marks.".to_owned();
                let message = format!("{value} is not a text.");
                refusals.push(refusal(SCHEMA, format!("metadata.{field}[{key}]"), message, remedy));
            }
        }
    }
    refusals
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(kind: Kind, object: &Value) -> Vec<(String, String, String)> {
        let told = refusals(kind, object).into_iter();
        told.map(|refusal| (refusal.rule, refusal.path, refusal.message)).collect()
    }

    fn refusals(kind: Kind, object: &Value) -> Vec<ViolationReport> {
        Admission::default().refusals(kind, object)
    }

    fn a_nic(configuration: Value) -> Value {
        json!({
            "metadata": {"name": "n", "namespace": "a"},
            "spec": {"subnet": {"name": "web"}, "ipConfigurations": [configuration]},
        })
    }

    #[test]
    fn what_the_schema_and_its_rules_let_through_is_stored() {
        assert_eq!(told(Kind::NetworkInterface, &a_nic(json!({"name": "ip", "privateIPAddress": "10.0.0.4"}))), []);
    }

    #[test]
    fn a_rule_of_the_schema_refuses_by_field() {
        let nic = a_nic(json!({"name": "ip", "privateIPAddress": "10.0.0.999"}));
        let [only] = <[_; 1]>::try_from(refusals(Kind::NetworkInterface, &nic)).unwrap();
        assert_eq!((only.rule.as_str(), only.code.as_str()), ("CEL", "Invalid"));
        assert_eq!(only.path, "spec.ipConfigurations[0].privateIPAddress");
        assert_eq!(only.remedy, "Write an IP address, such as 10.0.1.10.");
    }

    #[test]
    fn a_rule_with_a_field_path_names_that_field() {
        let nic = a_nic(json!({"name": "ip", "privateIPAddressVersion": "IPv6", "publicIPAddress": {"name": "p"}}));
        let paths: Vec<_> =
            told(Kind::NetworkInterface, &nic).into_iter().map(|(rule, path, _)| (rule, path)).collect();
        assert_eq!(paths, [("CEL".to_owned(), "spec.ipConfigurations[0].publicIPAddress".to_owned())]);
    }

    #[test]
    fn what_has_not_the_right_form_is_told_once() {
        let nic = a_nic(json!({"name": "ip", "privateIPAddress": 7}));
        let told = told(Kind::NetworkInterface, &nic);
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!((told[0].0.as_str(), told[0].1.as_str()), ("schema", "spec.ipConfigurations[0].privateIPAddress"));
    }

    #[test]
    fn a_name_that_no_object_can_have_is_refused() {
        let set = json!({
            "metadata": {"name": "A_b", "namespace": "a.b", "labels": {"l": 1}},
            "spec": {},
        });
        let paths: Vec<_> = told(Kind::AvailabilitySet, &set).into_iter().map(|(_, path, _)| path).collect();
        assert_eq!(paths, ["metadata.name", "metadata.namespace", "metadata.labels[l]"]);
    }

    #[test]
    fn defaults_are_filled_in() {
        let object = defaulted(Kind::PublicIPAddress, &json!({"spec": {"sku": {"name": "Standard"}}}));
        assert_eq!(object["spec"]["sku"], json!({"name": "Standard"}));
        assert_eq!(object["spec"]["idleTimeoutInMinutes"], json!(4));
    }

    #[test]
    fn every_rule_of_every_schema_can_be_asked_here() {
        fn every(schema: &CompiledSchema) {
            assert!(schema.compilation_errors().is_empty(), "{:?}", schema.compilation_errors());
            schema.properties.values().for_each(every);
            schema.items.iter().for_each(|items| every(items));
            schema.additional_properties.iter().for_each(|entries| every(entries));
        }
        Kind::ALL.iter().for_each(|kind| every(&schema(*kind).unwrap().compiled));
    }
}
