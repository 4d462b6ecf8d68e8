//! What the API server refuses before it stores an object: what its schema does not let through, and what its CEL rules
//! object to; and the defaults that it fills in. The rules of the fabric are not here.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use kube::core::DynamicObject;
use kube::core::cel::{CompiledSchema, ValidationError, Validator, apply_defaults, compile_schema};
use serde_json::{Map, Value};

use super::refusals::{CODE, SCHEMA, refusal};
use super::{foreign, metadata};
use crate::api::crd;
use crate::api::form::{self, NO_SUCH_FIELD, Whose};
use crate::api::status::ViolationReport;
use crate::fabric::{Kind, Violation};

/// Stands for the id of a rule where a CEL rule of a schema refuses.
const CEL: &str = "CEL";
/// What stands beside each other at the top of an object.
const TOP: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];

struct Schema {
    whole: Value,
    compiled: CompiledSchema,
}

/// The schemas of all kinds, read once.
fn schema(kind: Kind) -> Option<&'static Schema> {
    static SCHEMAS: LazyLock<BTreeMap<Kind, Schema>> = LazyLock::new(|| {
        let read = |whole: Value| Schema { compiled: compile_schema(&whole), whole };
        crd::schemas().map(|(kind, schema)| (kind, read(schema))).collect()
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
    /// The object as the API server stores it, its defaults filled in.
    ///
    /// # Errors
    /// Everything that keeps the API server from storing it; `kubectl apply` would say the same.
    pub fn admit(&self, kind: Kind, asked: &Value) -> Result<DynamicObject, Vec<ViolationReport>> {
        self.admit_whole(kind, &without_nulls(asked))
    }

    /// As [`Self::admit`], of what a server-side apply has merged. There a null stands only for a default, and is of the wrong form
    /// where the schema has none.
    ///
    /// # Errors
    /// Everything that keeps the API server from storing it.
    pub fn admit_merged(&self, kind: Kind, merged: &Value) -> Result<DynamicObject, Vec<ViolationReport>> {
        let mut merged = merged.clone();
        if let Some(metadata) = merged.get_mut("metadata") {
            *metadata = without_nulls(metadata);
        }
        if let Some(schema) = schema(kind) {
            drop_defaulted_nulls(&schema.whole, &mut merged);
        }
        self.admit_whole(kind, &merged)
    }

    fn admit_whole(&self, kind: Kind, asked: &Value) -> Result<DynamicObject, Vec<ViolationReport>> {
        let refusals = self.refusals(kind, asked);
        if !refusals.is_empty() {
            return Err(refusals);
        }
        let unreadable = |error| {
            let remedy = "Correct the metadata as the message says.".to_owned();
            vec![refusal(SCHEMA, "metadata".to_owned(), format!("It cannot be read: {error}."), remedy)]
        };
        serde_json::from_value(defaulted(kind, asked)).map_err(unreadable)
    }

    fn refusals(&self, kind: Kind, object: &Value) -> Vec<ViolationReport> {
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
    let part = |field: &str| object.get(field).unwrap_or(&Value::Null);
    let mut refusals = metadata::refusals(part("metadata"));
    refusals.extend(form::check(kind, part("spec"), Whose::TheServers).iter().map(of_the_server));
    refusals.extend(unknown(object, "", &TOP));
    for (path, instead) in foreign::found(kind, object) {
        let unknown = refusals.iter_mut().filter(|told| told.message == NO_SUCH_FIELD);
        // Of a field that there is not, the API server does not name the parts.
        match unknown.filter(|told| covers(&told.path, &path)).max_by_key(|told| told.path.len()) {
            Some(told) if told.path == path => told.remedy = instead,
            Some(_) => refusals.push(refusal(SCHEMA, path, NO_SUCH_FIELD.to_owned(), instead)),
            None => {}
        }
    }
    refusals
}

/// What the API server refuses of a Namespace. Its status is not for users to set, and not looked at.
pub fn of_a_namespace(object: &Value) -> Vec<ViolationReport> {
    let part = |field: &str| object.get(field).unwrap_or(&Value::Null);
    let mut refusals = metadata::refusals(part("metadata"));
    refusals.extend(metadata::name_of_a_namespace(part("metadata"), "name"));
    refusals.extend(unknown(object, "", &TOP));
    refusals.extend(unknown(part("spec"), "spec.", &["finalizers"]));
    refusals
}

/// The fields that there are not; `known` are.
fn unknown(fields: &Value, before: &str, known: &[&str]) -> Vec<ViolationReport> {
    let unknown = fields.as_object().into_iter().flat_map(Map::keys).filter(|field| !known.contains(&field.as_str()));
    let refused = unknown.map(|field| {
        let remedy = format!("Remove the field, or correct its name; there is {}.", known.join(", "));
        refusal(SCHEMA, format!("{before}{field}"), NO_SUCH_FIELD.to_owned(), remedy)
    });
    refused.collect()
}

/// What is refused for its form, as the API server's refusal.
pub fn of_the_server(violation: &Violation) -> ViolationReport {
    ViolationReport { rule: SCHEMA.to_owned(), code: CODE.to_owned(), ..ViolationReport::from(violation) }
}

/// Takes away every null for which the schema has a default.
fn drop_defaulted_nulls(schema: &Value, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let of = |name: &str| schema.get("properties").and_then(|known| known.get(name));
            fields.retain(|name, value| !value.is_null() || of(name).and_then(|known| known.get("default")).is_none());
            for (name, value) in fields {
                if let Some(schema) = of(name) {
                    drop_defaulted_nulls(schema, value);
                }
            }
        }
        Value::Array(items) => {
            if let Some(schema) = schema.get("items") {
                items.iter_mut().for_each(|item| drop_defaulted_nulls(schema, item));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A field that is null is none: the API server takes it away before it looks at what is left.
pub fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(_, value)| !value.is_null());
            Value::Object(fields.map(|(name, value)| (name.clone(), without_nulls(value))).collect())
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// Whether the violation of one field says enough of another.
fn covers(told: &str, path: &str) -> bool {
    path.strip_prefix(told).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn objection(error: ValidationError) -> ViolationReport {
    let (fact, remedy) =
        remedy(&error.message).unwrap_or((&error.message, "Write what this rule lets through.".to_owned()));
    refusal(CEL, error.field_path, format!("The field is refused: {fact}."), remedy)
}

/// What is wrong, and what to do: `must be` this, or fact and remedy with a colon between them.
fn remedy(message: &str) -> Option<(&str, String)> {
    if let Some(what) = message.strip_prefix("must be ") {
        return Some((message, format!("Write {what}.")));
    }
    let (fact, remedy) = message.split_once(": ")?;
    let mut rest = remedy.chars();
    let first = rest.next()?.to_uppercase();
    Some((fact, format!("{first}{}.", rest.as_str())))
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
        Admission::default().admit(kind, object).err().unwrap_or_default()
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
    fn the_remedy_of_a_rule_of_the_schema_is_what_to_do_and_the_message_what_is_wrong() {
        let of = |kind, spec: Value| {
            let object = json!({"metadata": {"name": "n", "namespace": "a"}, "spec": spec});
            let [only] = <[_; 1]>::try_from(refusals(kind, &object)).unwrap();
            (only.message, only.remedy)
        };
        let told = |message: &str, remedy: &str| (message.to_owned(), remedy.to_owned());
        let two = json!([{"name": "a", "primary": true}, {"name": "b", "primary": true}]);
        assert_eq!(
            of(Kind::NetworkInterface, json!({"subnet": {"name": "web"}, "ipConfigurations": two})),
            told("The field is refused: only one configuration may be primary.", "Leave primary: true to one of them.",)
        );
        assert_eq!(
            of(Kind::PublicIPAddress, json!({"publicIPPrefix": {"name": "pool"}})),
            told(
                "The field is refused: only a Standard public address is taken from a prefix.",
                "Set sku.name to Standard, or leave publicIPPrefix out.",
            )
        );
        assert_eq!(
            of(Kind::VirtualNetwork, json!({"addressSpace": {"addressPrefixes": ["10.0.0.5/16"]}})),
            told(
                "The field is refused: has host bits set.",
                "Write the first address of the range, such as 10.0.0.0/16 instead of 10.0.0.5/16.",
            )
        );
        let two = json!({"virtualNetwork": {"name": "hub"}, "addressPrefixes": ["10.0.1.0/24", "10.0.2.0/24"]});
        let what = "exactly one IPv4 range, such as 10.0.1.0/24, and at most one IPv6 range beside it";
        assert_eq!(
            of(Kind::Subnet, two),
            told(&format!("The field is refused: must be {what}."), &format!("Write {what}."))
        );
    }

    #[test]
    fn every_message_of_every_rule_says_what_to_do() {
        fn messages(schema: &Value, out: &mut Vec<String>) {
            match schema {
                Value::Object(fields) => {
                    let rules = fields.get("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten();
                    out.extend(rules.map(|rule| rule["message"].as_str().unwrap().to_owned()));
                    fields.values().for_each(|field| messages(field, out));
                }
                Value::Array(items) => items.iter().for_each(|item| messages(item, out)),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
        let mut all = Vec::new();
        Kind::ALL.iter().for_each(|kind| messages(&schema(*kind).unwrap().whole, &mut all));
        let vague: Vec<_> = all.iter().filter(|message| remedy(message).is_none()).collect();
        assert!(all.len() > 50 && vague.is_empty(), "{vague:#?} of {}", all.len());
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
    fn metadata_and_fields_beside_it_that_there_are_not_are_refused() {
        let set = json!({
            "apiVersion": "vnet.dev/v1alpha1", "kind": "AvailabilitySet",
            "metadata": {"name": "a", "namespace": "b", "labels": ["x"], "lables": {}},
            "spec": {}, "status": {}, "specs": {},
        });
        let paths: Vec<_> = told(Kind::AvailabilitySet, &set).into_iter().map(|(_, path, _)| path).collect();
        assert_eq!(paths, ["metadata.labels", "metadata.lables", "specs"]);
    }

    #[test]
    fn what_serde_alone_finds_wrong_is_refused_too() {
        let set = json!({"metadata": {"name": "a", "namespace": "b", "creationTimestamp": "yesterday"}, "spec": {}});
        let told = told(Kind::AvailabilitySet, &set);
        assert_eq!((told.len(), told[0].1.as_str()), (1, "metadata"));
    }

    #[test]
    fn a_field_that_is_null_is_none_and_an_item_is_not() {
        let kind = Kind::PublicIPAddress;
        let address = json!({
            "metadata": {"name": "p", "namespace": "a", "labels": null, "annotations": {"a": null}},
            "spec": {"dnsSettings": null, "sku": {"name": null}, "idleTimeoutInMinutes": null},
        });
        let stored = Admission::default().admit(kind, &address).unwrap();
        assert_eq!(stored.data["spec"], defaulted(kind, &json!({"spec": {}}))["spec"]);
        let paths = |object| told(kind, &object).into_iter().map(|(_, path, _)| path).collect::<Vec<_>>();
        let required = json!({"metadata": {"name": "p"}, "spec": {"dnsSettings": {"domainNameLabel": null}}});
        assert_eq!(paths(required), ["spec.dnsSettings.domainNameLabel"]);
        let nic = a_nic(json!(null));
        let paths: Vec<_> = told(Kind::NetworkInterface, &nic).into_iter().map(|(_, path, _)| path).collect();
        assert_eq!(paths, ["spec.ipConfigurations[0]"]);
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
