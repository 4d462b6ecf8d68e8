//! The definitions in crds/, read as they are committed: what every field of every kind must have. No cluster is needed.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};
use vnet_operator::api::crd;

use crate::support::cluster::project;

fn committed() -> BTreeMap<String, String> {
    let files = fs::read_dir(project().join("crds")).expect("crds/ is there").flatten();
    let read = |file: fs::DirEntry| {
        (file.file_name().to_string_lossy().into_owned(), fs::read_to_string(file.path()).expect("it can be read"))
    };
    files.map(read).collect()
}

/// The definition of every kind, by the name of its file.
fn definitions() -> BTreeMap<String, Value> {
    let definition = |text: &str| serde_saphyr::from_str::<Value>(text).expect("it is YAML");
    let files = committed().into_iter().filter(|(_, text)| text.contains("kind: CustomResourceDefinition"));
    files.map(|(name, text)| (name, definition(&text))).collect()
}

/// A field of a schema, and where it stands.
struct Field<'a> {
    path: String,
    schema: &'a Value,
    below_an_array: bool,
    of_a_status: bool,
    /// True of a property; items of an array and values of a map are described by what they are in.
    named: bool,
}

/// Every field of the spec and the status of every kind.
fn every_field(look: impl Fn(&Field<'_>)) {
    for (file, definition) in definitions() {
        let properties = definition.pointer("/spec/versions/0/schema/openAPIV3Schema/properties");
        let properties = properties.unwrap_or_else(|| panic!("{file} has no schema"));
        for top in ["spec", "status"] {
            let path = format!("{file}: {top}");
            let field = Field {
                path,
                schema: &properties[top],
                below_an_array: false,
                of_a_status: top == "status",
                named: true,
            };
            descend(&field, &look);
        }
    }
}

fn descend(field: &Field<'_>, look: &impl Fn(&Field<'_>)) {
    look(field);
    let below = |path: String, schema: &Value, below_an_array: bool, named: bool| {
        descend(&Field { path, schema, below_an_array, of_a_status: field.of_a_status, named }, look);
    };
    for (name, schema) in field.schema["properties"].as_object().into_iter().flatten() {
        below(format!("{}.{name}", field.path), schema, field.below_an_array, true);
    }
    if field.schema["items"].is_object() {
        below(format!("{}[]", field.path), &field.schema["items"], true, false);
    }
    if field.schema["additionalProperties"].is_object() {
        below(format!("{}{{}}", field.path), &field.schema["additionalProperties"], field.below_an_array, false);
    }
}

/// Fails with every field that is not so.
fn no_field(what: &str, is_wrong: impl Fn(&Field<'_>) -> bool) {
    let wrong = std::cell::RefCell::new(Vec::new());
    every_field(|field| {
        if is_wrong(field) {
            wrong.borrow_mut().push(field.path.clone());
        }
    });
    let wrong = wrong.into_inner();
    assert!(wrong.is_empty(), "{what}:\n{}", wrong.join("\n"));
}

#[test]
fn the_committed_definitions_are_what_the_code_generates() {
    let generated: BTreeMap<String, String> = crd::files().expect("they can be generated").into_iter().collect();
    let committed = committed();
    let names = |files: &BTreeMap<String, String>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&committed), names(&generated));
    for (name, text) in generated {
        assert!(committed[&name] == text, "crds/{name} is not what the code generates: run `make crds`");
    }
}

#[test]
fn every_field_has_a_description() {
    no_field("without a description", |field| {
        field.named && field.schema["description"].as_str().is_none_or(str::is_empty)
    });
}

#[test]
fn every_text_of_a_spec_has_a_greatest_length() {
    no_field("without maxLength, enum or format", |field| {
        let bounded = ["maxLength", "enum", "format"].iter().any(|bound| !field.schema[*bound].is_null());
        !field.of_a_status && field.schema["type"] == "string" && !bounded
    });
}

/// The API server repeats a `pattern` as it is; a CEL rule has a message.
#[test]
fn every_pattern_of_a_spec_is_told_in_words() {
    no_field("with a pattern", |field| !field.of_a_status && !field.schema["pattern"].is_null());
    no_field("with a rule that has no message", |field| {
        let mut rules = field.schema["x-kubernetes-validations"].as_array().into_iter().flatten();
        rules.any(|rule| rule["message"].as_str().is_none_or(str::is_empty))
    });
}

#[test]
fn every_list_and_map_of_a_spec_has_a_greatest_size() {
    no_field("without maxItems or maxProperties", |field| {
        let list = field.schema["type"] == "array" && field.schema["maxItems"].is_null();
        let map = field.schema["additionalProperties"].is_object() && field.schema["maxProperties"].is_null();
        !field.of_a_status && (list || map)
    });
}

#[test]
fn every_number_of_a_spec_has_bounds() {
    no_field("without minimum or maximum", |field| {
        let number = field.schema["type"] == "integer" || field.schema["type"] == "number";
        let bounded = !field.schema["minimum"].is_null() && !field.schema["maximum"].is_null();
        !field.of_a_status && number && !bounded
    });
}

#[test]
fn no_default_stands_below_a_list() {
    no_field("default below a list", |field| field.below_an_array && !field.schema["default"].is_null());
}

#[test]
fn no_field_is_nullable() {
    no_field("nullable", |field| !field.schema["nullable"].is_null());
}

#[test]
fn no_field_has_an_unsigned_format() {
    no_field("unsigned", |field| field.schema["format"].as_str().is_some_and(|format| format.starts_with("uint")));
}

#[test]
fn every_list_of_a_spec_says_how_it_is_merged() {
    no_field("a list of objects without keys, or another that is not atomic", |field| {
        let of_objects = field.schema["items"]["type"] == "object";
        let merged = &field.schema["x-kubernetes-list-type"];
        let keyed = merged == "map" && field.schema["x-kubernetes-list-map-keys"] == json!(["name"]);
        let fits = if of_objects { keyed } else { merged == "atomic" || merged == "set" };
        !field.of_a_status && field.schema["type"] == "array" && !fits
    });
}

#[test]
fn every_reference_of_a_spec_is_replaced_as_a_whole() {
    no_field("a reference that is not atomic", |field| {
        let fields: Vec<&String> =
            field.schema["properties"].as_object().into_iter().flat_map(|all| all.keys()).collect();
        let reference = fields == ["name"] || fields == ["name", "namespace"];
        let settings = field.path.ends_with(".sku"); // not of an object: {name: Standard}
        !field.of_a_status && reference && !settings && field.schema["x-kubernetes-map-type"] != "atomic"
    });
}

#[test]
fn conditions_are_keyed_by_type() {
    no_field("conditions that are not keyed by type", |field| {
        let keyed = field.schema["x-kubernetes-list-map-keys"] == json!(["type"]);
        field.path.ends_with(": status.conditions") && !keyed
    });
}

#[test]
fn a_status_that_nobody_has_written_has_seen_no_generation() {
    for (file, definition) in definitions() {
        let status = definition.pointer("/spec/versions/0/schema/openAPIV3Schema/properties/status").expect("a status");
        assert_eq!(status["default"], json!({"observedGeneration": -1}), "{file}");
        assert_eq!(definition.pointer("/spec/versions/0/subresources/status"), Some(&json!({})), "{file}");
    }
}

#[test]
fn every_kind_is_of_the_category_azure() {
    for (file, definition) in definitions() {
        assert_eq!(definition.pointer("/spec/names/categories"), Some(&json!(["azure"])), "{file}");
    }
}

#[test]
fn every_table_ends_in_ready_reason_and_age_and_the_wide_one_in_the_message() {
    for (file, definition) in definitions() {
        let columns = definition.pointer("/spec/versions/0/additionalPrinterColumns").and_then(Value::as_array);
        let (wide, narrow): (Vec<_>, Vec<_>) =
            columns.into_iter().flatten().partition(|column| column["priority"] == 1);
        let names = |columns: Vec<&Value>| columns.iter().map(|column| column["name"].clone()).collect::<Vec<_>>();
        let (wide, narrow) = (names(wide), names(narrow));
        assert!(narrow.ends_with(&["Ready".into(), "Reason".into(), "Age".into()]), "{file}: {narrow:?}");
        assert_eq!(wide.last(), Some(&"Message".into()), "{file}");
    }
}
