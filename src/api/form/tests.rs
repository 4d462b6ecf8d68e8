//! What is refused for its form, and in what words.

use serde_json::json;

use super::*;
use crate::fabric::Code;
use crate::fabric::path::QUOTED;

fn told(kind: Kind, spec: Value) -> Vec<(Code, String, String, String)> {
    told_by(Whose::TheOperators, kind, spec)
}

fn told_by(whose: Whose, kind: Kind, spec: Value) -> Vec<(Code, String, String, String)> {
    let told = check(kind, &spec, whose).into_iter();
    told.map(|violation| (violation.code, violation.path, violation.message, violation.remedy)).collect()
}

/// The one violation: code, path, message, and how the remedy begins.
fn only(kind: Kind, spec: Value) -> (Code, String, String, String) {
    let [only] = <[_; 1]>::try_from(told(kind, spec)).unwrap();
    only
}

fn a_nic(configurations: Value) -> Value {
    json!({"subnet": {"name": "web"}, "ipConfigurations": configurations})
}

#[test]
fn a_spec_of_the_right_form_is_let_through() {
    let nic = a_nic(json!([{"name": "a", "primary": true, "privateIPAllocationMethod": "Static"}]));
    assert_eq!(told(Kind::NetworkInterface, nic), []);
    assert_eq!(told(Kind::PublicIPAddress, json!({"idleTimeoutInMinutes": 4, "tags": {"a": "b"}})), []);
}

#[test]
fn what_the_names_of_guests_begin_with_is_short_and_of_letters_digits_and_hyphens() {
    let with = |prefix: &str| {
        json!({
            "sku": {"name": "Standard_DS3_v2"},
            "virtualMachineProfile": {
                "osProfile": {"computerNamePrefix": prefix},
                "networkProfile": {"networkInterfaceConfigurations": [
                    {"name": "nic", "subnet": {"name": "web"}, "ipConfigurations": [{"name": "ip"}]},
                ]},
            },
        })
    };
    for prefix in ["a", "Web-01-", &"a".repeat(15)] {
        assert_eq!(told(Kind::VirtualMachineScaleSet, with(prefix)), [], "{prefix:?}");
    }
    for prefix in ["", "-a", "under_score", "dot.ted", &"a".repeat(16)] {
        let (_, path, ..) = only(Kind::VirtualMachineScaleSet, with(prefix));
        assert_eq!(path, "spec.virtualMachineProfile.osProfile.computerNamePrefix", "{prefix:?}");
    }
}

#[test]
fn a_field_that_no_kind_has_is_let_through() {
    let nested = json!({"a": [[[1]]]});
    assert_eq!(told(Kind::AvailabilitySet, json!({"unknown": nested})), []);
}

#[test]
fn a_missing_field_is_named() {
    let (code, path, message, remedy) = only(Kind::NetworkInterface, json!({"ipConfigurations": []}));
    assert_eq!((code, path.as_str()), (Code::InvalidRequestContent, "spec.subnet"));
    assert_eq!(message, "The field is required, and missing.");
    assert_eq!(remedy, "Write an object with name.");
}

#[test]
fn a_spec_that_is_none_is_told_of_as_a_whole() {
    for (spec, what) in [(json!(null), "null"), (json!([]), "A list"), (json!(-1), "-1"), (json!("x"), "\"x\"")] {
        let (code, path, message, _) = only(Kind::Subnet, spec);
        assert_eq!((code, path.as_str()), (Code::InvalidRequestContent, "spec"));
        assert_eq!(message, format!("{what} is not an object with addressPrefixes and virtualNetwork."));
    }
}

#[test]
fn every_value_of_another_type_is_named_with_what_it_must_be() {
    let nic = a_nic(json!([{"name": 7, "primary": "yes", "privateIPAddress": {}}, null]));
    let told = told(Kind::NetworkInterface, nic);
    let told: Vec<_> = told.iter().map(|(_, path, message, _)| (path.as_str(), message.as_str())).collect();
    assert_eq!(
        told,
        [
            ("spec.ipConfigurations[0].name", "7 is not a text."),
            ("spec.ipConfigurations[0].primary", "\"yes\" is not true or false."),
            ("spec.ipConfigurations[0].privateIPAddress", "An object is not a text."),
            ("spec.ipConfigurations[1]", "null is not an object with name."),
        ]
    );
}

#[test]
fn an_unknown_choice_is_told_with_the_known_ones() {
    let nic = a_nic(json!([{"name": "a", "privateIPAllocationMethod": "Statik"}]));
    let (code, path, message, remedy) = only(Kind::NetworkInterface, nic);
    let field = "spec.ipConfigurations[0].privateIPAllocationMethod";
    assert_eq!((code, path.as_str()), (Code::InvalidRequestContent, field));
    assert_eq!(message, "\"Statik\" is not Dynamic or Static.");
    assert!(remedy.starts_with("Write Dynamic or Static, or run the version"), "{remedy}");
}

#[test]
fn a_number_that_no_field_holds_is_told_with_the_range() {
    for number in [json!(4.5), json!(1e20), json!(5_000_000_000_i64), json!(u64::MAX), json!("5")] {
        let (code, path, message, _) = only(Kind::PublicIPAddress, json!({"idleTimeoutInMinutes": number}));
        assert_eq!((code, path.as_str()), (Code::InvalidRequestContent, "spec.idleTimeoutInMinutes"));
        assert_eq!(message, format!("{number} is not a whole number from 4 to 30."));
    }
}

#[test]
fn a_number_out_of_its_range_is_left_to_the_fabric() {
    assert_eq!(told(Kind::PublicIPAddress, json!({"idleTimeoutInMinutes": -5})), []);
}

#[test]
fn a_list_that_is_too_long_is_refused_unread() {
    let list = a_nic(json!(vec![json!({"name": 7}); 257]));
    let (code, path, message, remedy) = only(Kind::NetworkInterface, list);
    assert_eq!((code, path.as_str()), (Code::InvalidRequestContent, "spec.ipConfigurations"));
    assert_eq!((message.as_str(), remedy.as_str()), ("It has 257 items.", "Write at most 256 items."));
}

#[test]
fn a_text_that_is_too_long_is_refused_and_not_quoted() {
    let network = json!({"addressSpace": {"addressPrefixes": ["1".repeat(1_000_000)]}});
    let (code, path, message, remedy) = only(Kind::VirtualNetwork, network);
    assert_eq!((code, path.as_str()), (Code::InvalidRequestContent, "spec.addressSpace.addressPrefixes[0]"));
    let expected = ("It has 1000000 characters.", "Write at most 49 characters.");
    assert_eq!((message.as_str(), remedy.as_str()), expected);
}

#[test]
fn a_long_text_in_the_place_of_another_type_is_quoted_in_part() {
    let (_, _, message, _) = only(Kind::Subnet, json!("\u{202e}".repeat(1_000_000)));
    assert_eq!(
        message,
        format!(
            "\"{}\"... (1000000 characters) is not an object with addressPrefixes and virtualNetwork.",
            "\\u{202e}".repeat(QUOTED)
        )
    );
}

#[test]
fn a_long_key_is_quoted_in_part() {
    let tags = BTreeMap::from([("k".repeat(1000), 1)]);
    let (_, path, _, _) = only(Kind::AvailabilitySet, json!({"tags": tags}));
    assert_eq!(path, format!("spec.tags[\"{}\"... (1000 characters)]", "k".repeat(QUOTED)));
}

#[test]
fn too_many_tags_are_counted() {
    let tags: BTreeMap<String, &str> = (0..51).map(|n| (n.to_string(), "")).collect();
    let (_, path, message, _) = only(Kind::AvailabilitySet, json!({"tags": tags}));
    assert_eq!((path.as_str(), message.as_str()), ("spec.tags", "It has 51 entries."));
}

#[test]
fn a_text_of_another_form_is_told_with_the_form() {
    let (code, path, message, remedy) = only(Kind::AvailabilitySet, json!({"location": "West\u{301} Europe"}));
    assert_eq!((code, path.as_str()), (Code::InvalidParameter, "spec.location"));
    assert_eq!(message, "\"West\\u{301} Europe\" is not of the form that the field has.");
    assert_eq!(remedy, "Write lower-case letters and digits, such as westeurope.");
}

#[test]
fn every_pattern_of_every_definition_is_read() {
    fn patterns(value: &Value) -> usize {
        match value {
            Value::Array(items) => items.iter().map(patterns).sum(),
            Value::Object(fields) => {
                let own = fields.get("rule").and_then(Value::as_str).is_some_and(|rule| rule.contains("matches("));
                usize::from(own) + fields.values().map(patterns).sum::<usize>()
            }
            _ => 0,
        }
    }
    fn read(form: &Form) -> usize {
        match form {
            Form::Fields { fields, .. } => fields.values().map(read).sum(),
            Form::Entries { entry: below, .. } | Form::List { item: below, .. } => read(below),
            Form::Text { shapes, .. } => shapes.len(),
            Form::Choice(_) | Form::Number { .. } | Form::Switch => 0,
            Form::Anything => panic!("a part of a spec may be anything"),
        }
    }
    for (definition, (kind, form)) in crd::all().iter().zip(of_every_kind("spec")) {
        assert_eq!(definition["spec"]["names"]["kind"], kind.as_str());
        let spec = definition.pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec").unwrap();
        assert_eq!(patterns(spec), read(&form), "{kind}");
    }
}

/// Path and message of everything that the API server would say, which the operator does not.
fn the_server_alone_says(kind: Kind, spec: Value) -> Vec<(String, String)> {
    assert_eq!(told(kind, spec.clone()), []);
    let told = told_by(Whose::TheServers, kind, spec).into_iter();
    told.map(|(_, path, message, _)| (path, message)).collect()
}

fn says(path: &str, message: &str) -> Vec<(String, String)> {
    vec![(path.to_owned(), message.to_owned())]
}

#[test]
fn the_server_knows_which_fields_there_are() {
    let spec = json!({"sku": {"nmae": "Basic"}});
    let (_, path, message, remedy) = told_by(Whose::TheServers, Kind::PublicIPAddress, spec).remove(0);
    assert_eq!((path.as_str(), message.as_str()), ("spec.sku.nmae", "There is no such field."));
    assert_eq!(remedy, "Remove the field, or correct its name. The nearest fields are name.");
}

#[test]
fn the_server_knows_how_large_numbers_and_lists_are() {
    let told = the_server_alone_says(Kind::PublicIPAddress, json!({"idleTimeoutInMinutes": 31}));
    assert_eq!(told, says("spec.idleTimeoutInMinutes", "31 is not a whole number from 4 to 30."));
    let told = the_server_alone_says(Kind::NetworkInterface, a_nic(json!([])));
    assert_eq!(told, says("spec.ipConfigurations", "It has 0 items."));
}

#[test]
fn the_server_knows_which_lists_have_keys() {
    let told = the_server_alone_says(Kind::NetworkInterface, a_nic(json!([{"name": "a"}, {"name": "a"}])));
    assert_eq!(told, says("spec.ipConfigurations[1]", "It has the same name as item 0."));
}

#[test]
fn an_item_that_is_listed_twice_is_to_be_listed_once() {
    let remedy = |second: Value| {
        let spec = a_nic(json!([{"name": "a"}, second]));
        told_by(Whose::TheServers, Kind::NetworkInterface, spec).remove(0).3
    };
    assert_eq!(remedy(json!({"name": "a"})), "List it once.");
    assert_eq!(remedy(json!({"name": "a", "primary": true})), "Give it another name.");
}

#[test]
fn what_yaml_does_not_read_as_a_text_is_to_be_quoted() {
    for word in [json!(false), json!(7), json!(1.5), json!(null)] {
        let nic = json!({"subnet": {"name": word}, "ipConfigurations": [{"name": "ip"}]});
        let (_, path, message, remedy) = only(Kind::NetworkInterface, nic);
        assert_eq!((path.as_str(), message), ("spec.subnet.name", format!("{word} is not a text.")));
        assert_eq!(remedy, "Write a text; put it between quotation marks.");
    }
    let remedy = |metadata: Value| check_metadata(&metadata).remove(0).remedy;
    assert_eq!(remedy(json!({"labels": {"a": true}})), "Write a text; put it between quotation marks.");
    assert_eq!(remedy(json!({"annotations": {"a": 5}})), "Write a text; put it between quotation marks.");
    assert_eq!(remedy(json!({"labels": {"a": {}}})), "Write a text.");
}
