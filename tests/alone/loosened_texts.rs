//! Texts and sizes that get past the API server where its schemas are loosened, and what nests deep.

use serde_json::{Map, Value, json};
use vnet_operator::fabric::Kind;

use crate::loosened::{are_refused, unreadable};
use crate::support::canary::Canary;
use crate::support::cluster::{alone, poll};
use crate::support::door::Door::Post;
use crate::support::space::Space;
use crate::support::specs::{machine, network, nic, nic_with, subnet};

/// A text that is not of the form that it must have.
fn malformed(path: &'static str, message: &'static str, remedy: &'static str) -> [&'static str; 5] {
    ["ARM-04", "InvalidParameter", path, message, remedy]
}

#[test]
fn texts_that_only_look_right_are_refused_by_their_field_and_shown_escaped() {
    const NAME: &str = "spec.ipConfigurations[0].name";
    const RANGE: &str = "spec.addressSpace.addressPrefixes[0]";
    let named = |name: &str| nic(json!([{"name": name}]));
    let held =
        |address: &str| nic(json!([{"name": "a", "privateIPAllocationMethod": "Static", "privateIPAddress": address}]));
    let no_range =
        |message: &'static str| ["VNET-01", "InvalidAddressPrefixFormat", RANGE, message, "such as 10.0.0.0/16"];
    let no_address = |message: &'static str| {
        let path = "spec.ipConfigurations[0].privateIPAddress";
        ["ADDR-09", "InvalidPrivateIPAddressFormat", path, message, "such as 10.0.1.10"]
    };
    are_refused(&[
        ("from right to left", named("\u{202e}a"), malformed(NAME, "\"\\u{202e}a\"", "1 to 80 letters")),
        ("a combining mark", named("e\u{301}"), malformed(NAME, "\"e\\u{301}\"", "1 to 80 letters")),
        ("nothing", named(""), malformed(NAME, "\"\"", "1 to 80 letters")),
        (
            "words",
            nic_with("location", json!("West Europe")),
            malformed("spec.location", "\"West Europe\"", "such as westeurope"),
        ),
        (
            "a line break",
            nic_with("subnet", json!({"name": "web\nINFO"})),
            malformed("spec.subnet.name", "\"web\\nINFO\"", "the name of an object"),
        ),
        (
            "a path",
            nic_with("subnet", json!({"name": "../web"})),
            malformed("spec.subnet.name", "\"../web\"", "the name of an object"),
        ),
        ("an emoji", network(json!("🦀")), no_range("\"🦀\" is not a valid range")),
        ("a zero byte", network(json!("10.0.0.0/16\0")), no_range("\"10.0.0.0/16\\0\" is not a valid range")),
        ("a space of no width", network(json!("10.0.0.0/16\u{200b}")), no_range("10.0.0.0/16\\u{200b}")),
        ("digits of another script", held("\u{661}0.0.1.10"), no_address("0.0.1.10\" is not a valid IP address")),
        ("a zero before", held("10.0.1.010"), no_address("\"10.0.1.010\" is not a valid IP address")),
        (
            "host bits",
            network(json!("10.0.0.5/16")),
            ["S-16", "InvalidCIDRNotation", RANGE, "10.0.0.5/16 has host bits", "10.0.0.0/16"],
        ),
    ]);
}

#[test]
fn what_is_huge_is_refused_by_its_field_and_not_repeated() {
    let long = || json!("🦀".repeat(250_000));
    let many = |count: usize| json!((0..count).map(|n| json!({"name": format!("n{n}")})).collect::<Vec<_>>());
    let tags: Map<String, Value> = (0..10_000).map(|n| (n.to_string(), json!(""))).collect();
    let keyed = json!({"tags": {"k".repeat(1_000_000): 7}});
    let ranges: Vec<String> = (0..50_000).map(|n| format!("10.{}.{}.0/24", n / 256 % 256, n % 256)).collect();
    let spaces = (Kind::VirtualNetwork, json!({"addressSpace": {"addressPrefixes": ranges}}));
    const NICS: &str = "spec.networkProfile.networkInterfaces";
    are_refused(&[
        (
            "a name",
            nic(json!([{"name": long()}])),
            unreadable("spec.ipConfigurations[0].name", "250000 characters", "at most 80"),
        ),
        (
            "a value",
            nic(json!([{"name": "a", "privateIPAddressVersion": long()}])),
            unreadable("spec.ipConfigurations[0].privateIPAddressVersion", "(250000 characters)", "IPv4 or IPv6"),
        ),
        (
            "a range",
            network(long()),
            unreadable("spec.addressSpace.addressPrefixes[0]", "250000 characters", "at most 49"),
        ),
        ("a spec", (Kind::AvailabilitySet, long()), unreadable("spec", "(250000 characters)", "Write an object")),
        (
            "tags",
            (Kind::AvailabilitySet, json!({"tags": tags})),
            unreadable("spec.tags", "10000 entries", "at most 50"),
        ),
        (
            "a key",
            (Kind::AvailabilitySet, keyed),
            unreadable(
                "spec.tags[\"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\"... (1000000 characters)]",
                "7 is not",
                "Write a text",
            ),
        ),
        ("configurations", nic(many(10_000)), unreadable("spec.ipConfigurations", "10000 items", "at most 256")),
        ("NICs", machine(many(50_000)), unreadable(NICS, "50000 items", "at most 8")),
        (
            "ranges of a subnet",
            subnet(json!(vec!["10.0.9.0/24"; 10_000])),
            unreadable("spec.addressPrefixes", "10000 items", "at most 2"),
        ),
        ("ranges of a network", spaces, unreadable("spec.addressSpace.addressPrefixes", "50000 items", "at most 64")),
    ]);
}

#[test]
fn what_nests_deep_stops_neither_the_operator_nor_its_next_start() {
    let cluster = alone();
    let space = Space::on(&cluster).and_a_subnet();
    let canary = Canary::of(&space);
    cluster.loosen().unwrap();
    let list = (0..1000).fold(json!(1), |below, _| json!([below]));
    let (kind, unknown) = nic_with("unknown", list.clone());
    let (_, known) = nic_with("dnsSettings", json!({"dnsServers": list}));
    Post.send(&space, kind, "unknown", &unknown).unwrap();
    Post.send(&space, kind, "known", &known).unwrap();
    let tells = |id: &str, path: &str, told: &str| {
        let path = format!("jsonpath={{.status.{path}}}");
        poll(told, || (space.kubectl_ok(&["get", id, "-o", &path], "") == told).then_some(())).unwrap();
    };
    let are_judged = || {
        tells("nic/unknown", "conditions[?(@.type=='Ready')].status", "True");
        tells("nic/known", "violations[*].path", "spec.dnsSettings.dnsServers[0]");
    };
    are_judged();
    canary.is_unharmed();
    cluster.kill_operator();
    space.kubectl_ok(&["annotate", "nic/unknown", "nic/known", "example.com/touched=1"], "");
    cluster.start_operator().unwrap();
    are_judged();
    canary.is_unharmed();
    for id in ["nic/unknown", "nic/known"] {
        space.kubectl_ok(&["delete", id, "--timeout=60s"], "");
    }
    canary.is_unharmed();
}
