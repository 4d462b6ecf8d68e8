//! Specs that the API server refuses at once, through whatever door they come: each by its field, and to nobody's harm.

use serde_json::{Map, Value, json};
use vnet_operator::fabric::Kind;

use crate::support::canary::Canary;
use crate::support::door::Door::{self, *};
use crate::support::space::Space;
use crate::support::specs::{Object, address, good, machine, network, nic, nic_with, prefix, subnet};

/// What is wrong, the door that it comes by, the object, and what the API server says of it, with gaps.
type Row = (&'static str, Door, Object, &'static str);

/// The API server refuses each with these words, and keeps what was there. Nothing else feels it.
fn are_refused(rows: &[Row]) {
    let space = Space::with_a_subnet();
    let canary = Canary::of(&space);
    for (n, (wrong, door, (kind, spec), says)) in rows.iter().enumerate() {
        let name = format!("row-{n}");
        if door.edits() {
            Apply.send(&space, *kind, &name, &good(*kind)).unwrap();
        }
        let said = match door.send(&space, *kind, &name, spec) {
            Ok(()) => panic!("{wrong}: the API server took it by {door:?}"),
            Err(said) => said,
        };
        for part in says.split(" ... ") {
            assert!(said.contains(part), "{wrong}, by {door:?}: {part:?} is not said: {said}");
        }
        assert!(said.len() < 2000, "{wrong}, by {door:?}: nobody reads all of this: {said}");
        let there = space.all().into_iter().find(|object| object.metadata.name.as_ref() == Some(&name));
        let generation = there.map(|object| object.metadata.generation);
        assert_eq!(generation, door.edits().then_some(Some(1)), "{wrong}, by {door:?}");
    }
    canary.is_unharmed();
}

/// The same by every door.
fn is_refused_by_every_door(wrong: &'static str, object: &Object, says: &'static str) {
    are_refused(&Door::ALL.map(|door| (wrong, door, object.clone(), says)));
}

fn minutes(minutes: impl Into<Value>) -> Object {
    address(json!({"idleTimeoutInMinutes": minutes.into()}))
}

fn tagged(key: &str, value: Value) -> Object {
    (Kind::AvailabilitySet, json!({"tags": {key: value}}))
}

#[test]
fn no_door_is_open_to_a_value_that_does_not_exist() {
    let object = nic(json!([{"name": "a", "privateIPAllocationMethod": "Statik"}]));
    let says = "spec.ipConfigurations[0].privateIPAllocationMethod ... \"Statik\" ... \"Dynamic\", \"Static\"";
    is_refused_by_every_door("an unknown method", &object, says);
}

#[test]
fn no_door_is_open_to_two_fields_that_contradict_each_other() {
    let object = address(json!({"sku": {"name": "Standard"}, "publicIPAllocationMethod": "Dynamic"}));
    let says = "spec.publicIPAllocationMethod: ... set publicIPAllocationMethod to Static, or leave it out";
    is_refused_by_every_door("a Dynamic Standard address", &object, says);
}

#[test]
fn what_is_missing_is_refused_by_its_field() {
    let without_length = prefix(json!({}));
    let without_network = (Kind::Subnet, json!({"addressPrefixes": ["10.0.9.0/24"]}));
    let without_size = (Kind::VirtualMachine, json!({"hardwareProfile": {}, "networkProfile": {}}));
    are_refused(&[
        ("a null spec", Apply, (Kind::Subnet, json!(null)), "spec: Required value"),
        ("a null field", ApplyUnvalidated, nic_with("subnet", json!(null)), "spec.subnet: Required value"),
        ("a null list", Put, nic(json!(null)), "spec.ipConfigurations: Required value"),
        ("a null item", Replace, nic(json!([null])), "spec.ipConfigurations[0] ... must be of type object: \"null\""),
        ("no item", ServerSideApply, nic(json!([])), "spec.ipConfigurations ... at least 1 items"),
        ("no name", Post, nic(json!([{}])), "spec.ipConfigurations[0].name: Required value"),
        ("no length", JsonPatch, without_length, "spec.prefixLength: Required value"),
        ("no network", MergePatch, without_network, "spec.virtualNetwork: Required value"),
        ("no size", Post, without_size, "spec.hardwareProfile.vmSize: Required value"),
    ]);
}

#[test]
fn what_is_of_another_type_is_refused_by_its_field() {
    let forwarding = nic_with("enableIPForwarding", json!("yes"));
    let listed = network(json!(["10.0.0.0/16"]));
    are_refused(&[
        ("a text for a spec", Apply, (Kind::Subnet, json!("web")), "spec: ... must be of type object: \"string\""),
        ("a text for a list", Put, nic(json!("a")), "spec.ipConfigurations: ... must be of type array: \"string\""),
        ("a text for a switch", Replace, forwarding, "spec.enableIPForwarding: ... must be of type boolean"),
        ("a text for a number", JsonPatch, minutes("5"), "spec.idleTimeoutInMinutes: ... must be of type integer"),
        (
            "a text for an object",
            MergePatch,
            nic_with("subnet", json!("web")),
            "spec.subnet: ... must be of type object",
        ),
        (
            "a list for a text",
            Post,
            listed,
            "spec.addressSpace.addressPrefixes[0]: ... must be of type string: \"array\"",
        ),
        (
            "a number for a tag",
            ApplyUnvalidated,
            tagged("cost", json!(7)),
            "spec.tags.cost: ... must be of type string",
        ),
        ("an object for a name", Post, nic(json!([{"name": {}}])), "spec.ipConfigurations[0].name: ... of type string"),
    ]);
}

#[test]
fn a_number_that_means_nothing_is_refused_by_its_field() {
    are_refused(&[
        ("below", Apply, minutes(-5), "spec.idleTimeoutInMinutes: ... -5 ... greater than or equal to 4"),
        ("above", Put, minutes(i32::MAX), "spec.idleTimeoutInMinutes: ... less than or equal to 30"),
        ("a fraction", JsonPatch, minutes(4.5), "spec.idleTimeoutInMinutes: ... must be of type int32"),
        ("beyond 64 bits", Post, minutes(1e20), "spec.idleTimeoutInMinutes: ... less than or equal to 30"),
        ("the last of 64 bits", Replace, minutes(i64::MAX), "spec.idleTimeoutInMinutes: ... less than or equal to 30"),
        ("the first of 64 bits", MergePatch, minutes(i64::MIN), "spec.idleTimeoutInMinutes: ... greater than or equal"),
        (
            "unsigned 64 bits",
            ServerSideApply,
            minutes(u64::MAX),
            "spec.idleTimeoutInMinutes: ... less than or equal to 30",
        ),
        ("negative", ApplyUnvalidated, prefix(json!({"prefixLength": -28})), "spec.prefixLength: ... equal to 28"),
    ]);
}

#[test]
fn a_text_that_only_looks_right_is_refused_by_its_field() {
    const NAME: &str = "spec.ipConfigurations[0].name: ... must be 1 to 80 letters, digits";
    const RANGE: &str = "spec.addressSpace.addressPrefixes[0]: ... such as 10.0.0.0/16";
    let named = |name: &str| nic(json!([{"name": name}]));
    let refers = |name: &str| nic_with("subnet", json!({"name": name}));
    let located = |location: &str| nic_with("location", json!(location));
    are_refused(&[
        ("from right to left", Apply, named("\u{202e}a"), "\\u202e ... spec.ipConfigurations[0].name"),
        ("a combining mark", Put, named("e\u{301}"), NAME),
        ("an emoji", Replace, network(json!("10.0.0.0/16 🦀")), RANGE),
        ("a zero byte", Post, network(json!("10.0.0.0/16\0")), RANGE),
        ("digits of another script", JsonPatch, network(json!("\u{661}0.0.0.0/16")), RANGE),
        ("a space of no width", MergePatch, network(json!("10.0.0.0/16\u{200b}")), RANGE),
        (
            "a letter of another script",
            ServerSideApply,
            located("w\u{435}steurope"),
            "spec.location: ... lower-case letters",
        ),
        ("words", ApplyUnvalidated, located("West Europe"), "spec.location: ... such as westeurope"),
        ("a line break", Post, refers("web\nINFO all is well"), "spec.subnet.name: ... must be the name of an object"),
        ("an upper-case name", Apply, refers("Web"), "spec.subnet.name: ... lower-case letters"),
        ("nothing", Put, refers(""), "spec.subnet.name: ... must be the name of an object"),
    ]);
}

#[test]
fn what_is_huge_is_refused_by_its_field_and_not_repeated() {
    const MEGABYTE: usize = 1_000_000;
    let long = || json!("1".repeat(MEGABYTE));
    let many = |count: usize| (0..count).map(|n| json!({"name": format!("n{n}")})).collect::<Vec<_>>();
    let tags: Map<String, Value> = (0..10_000).map(|n| (n.to_string(), json!(""))).collect();
    let full = (Kind::AvailabilitySet, json!({"tags": tags}));
    let prefixes = vec!["10.0.9.0/24"; 10_000];
    are_refused(&[
        (
            "a long text",
            Apply,
            network(long()),
            "spec.addressSpace.addressPrefixes[0]: Too long: may not be more than 49",
        ),
        ("a long name", Post, nic(json!([{"name": long()}])), "spec.ipConfigurations[0].name: Too long ... 80"),
        ("a long value", JsonPatch, nic_with("location", long()), "spec.location: Too long: may not be more than 64"),
        ("a long tag", ServerSideApply, tagged("a", long()), "spec.tags.a: Too long: may not be more than 256"),
        ("a long list", Put, nic(json!(many(10_000))), "spec.ipConfigurations: Too many: 10000: must have at most 256"),
        (
            "a list of nine",
            Replace,
            machine(json!(many(9))),
            "spec.networkProfile.networkInterfaces: Too many: 9: ... 8",
        ),
        (
            "a list of ranges",
            MergePatch,
            subnet(json!(prefixes)),
            "spec.addressPrefixes: Too many: 10000: ... at most 2",
        ),
        ("many tags", ApplyUnvalidated, full, "spec.tags: Too many: 10000: must have at most 50"),
        ("a huge request", Post, network(json!("1".repeat(4 * MEGABYTE))), "limit is 3145728"),
    ]);
}

#[test]
fn what_is_said_twice_is_refused_by_its_field() {
    let twice = json!([{"name": "a", "primary": true}, {"name": "a"}]);
    let primaries = json!([{"name": "a", "primary": true}, {"name": "b", "primary": true}]);
    let two = json!([{"name": "a"}, {"name": "a", "namespace": "other"}]);
    are_refused(&[
        ("a configuration", Replace, nic(twice), "spec.ipConfigurations[1]: Duplicate value"),
        ("a NIC", Post, machine(two), "spec.networkProfile.networkInterfaces[1]: Duplicate value"),
        (
            "primary",
            JsonPatch,
            nic(primaries),
            "spec.ipConfigurations: ... only one configuration may be primary: leave primary: true to one of them",
        ),
        (
            "an IPv4 range",
            Put,
            subnet(json!(["10.0.9.0/24", "10.0.8.0/24"])),
            "spec.addressPrefixes: ... exactly one IPv4",
        ),
    ]);
}
