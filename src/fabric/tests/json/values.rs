//! JSON as nobody meant it: arbitrary values, and specs with something wrong in them.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use crate::fabric::Kind;

/// A manifest that the fabric accepts, if those before it were: name, kind and spec.
pub fn good() -> Vec<(Kind, &'static str, Value)> {
    vec![
        (
            Kind::VirtualNetwork,
            "hub",
            json!({
                "location": "westeurope", "tags": {"a": "b"}, "dhcpOptions": {"dnsServers": ["10.0.0.4"]},
                "addressSpace": {"addressPrefixes": ["10.0.0.0/16", "fd00::/48"]},
            }),
        ),
        (
            Kind::Subnet,
            "web",
            json!({"virtualNetwork": {"name": "hub"}, "addressPrefixes": ["10.0.1.0/24", "fd00::/64"]}),
        ),
        (Kind::PublicIPPrefix, "pool", json!({"prefixLength": 28, "sku": {"name": "Standard"}, "zones": ["1", "2"]})),
        (
            Kind::PublicIPAddress,
            "front",
            json!({
                "sku": {"name": "Standard"}, "publicIPAllocationMethod": "Static", "publicIPAddressVersion": "IPv4",
                "idleTimeoutInMinutes": 4, "dnsSettings": {"domainNameLabel": "web"},
                "publicIPPrefix": {"name": "pool", "namespace": "prod"}, "ipAddress": "198.18.0.1", "zones": ["2", "1"],
            }),
        ),
        (Kind::PublicIPAddress, "jump", json!({"tags": {}})),
        (
            Kind::NetworkInterface,
            "a",
            json!({
                "subnet": {"name": "web", "namespace": "prod"}, "enableIPForwarding": true,
                "enableAcceleratedNetworking": false,
                "dnsSettings": {"dnsServers": ["10.0.0.5"], "internalDnsNameLabel": "a"},
                "ipConfigurations": [
                    {"name": "one", "primary": true, "publicIPAddress": {"name": "front", "deleteOption": "Delete"}},
                    {"name": "two", "privateIPAllocationMethod": "Static", "privateIPAddress": "10.0.1.10"},
                ],
            }),
        ),
        (
            Kind::NetworkInterface,
            "b",
            json!({
                "subnet": {"name": "web"},
                "ipConfigurations": [{"name": "one", "primary": true}, {"name": "six", "privateIPAddressVersion": "IPv6"}],
            }),
        ),
        (Kind::AvailabilitySet, "set", json!({})),
        (
            Kind::VirtualMachine,
            "m",
            json!({
                "hardwareProfile": {"vmSize": "Standard_DS3_v2"}, "availabilitySet": {"name": "set"},
                "osProfile": {
                    "computerName": "M", "osType": "Linux",
                    "networkInterfaces": [{"name": "a", "addresses": ["10.0.1.4", "10.0.1.10"]}],
                },
                "networkProfile": {"networkInterfaces": [{"name": "a", "primary": true, "deleteOption": "Delete"}, {"name": "b", "deleteOption": "Detach"}]},
                "disruptionPolicy": "Refuse", "powerState": "Running", "zones": [],
            }),
        ),
        (
            Kind::VirtualMachineScaleSet,
            "farm",
            a_scale_set("Uniform", json!({"name": "api", "dnsSettings": {"domainNameLabel": "api"}})),
        ),
        (
            Kind::VirtualMachineScaleSet,
            "flex",
            a_scale_set(
                "Flexible",
                json!({"name": "own", "deleteOption": "Delete", "sku": {"name": "Basic"}, "idleTimeoutInMinutes": 5}),
            ),
        ),
        (
            Kind::VirtualMachineScaleSetVM,
            "farm-0",
            json!({
                "scaleSet": {"name": "farm"}, "instanceId": "0", "revision": "1", "powerState": "Running",
                "networkProfileConfiguration": a_network(json!({"name": "api"})),
            }),
        ),
    ]
}

/// A scale set of one instance, which has a public address.
fn a_scale_set(mode: &str, public: Value) -> Value {
    json!({
        "location": "westeurope", "tags": {}, "replicas": 1, "orchestrationMode": mode, "zones": ["1", "3"], "sku": {"name": "Standard_DS3_v2"},
        "upgradePolicy": {
            "mode": "Rolling",
            "rollingUpgradePolicy": {
                "maxBatchInstancePercent": 20, "maxUnhealthyInstancePercent": 20, "pauseTimeBetweenBatches": "PT30S",
            },
        },
        "virtualMachineProfile": {
            "osProfile": {"computerNamePrefix": "host", "osType": "Linux"},
            "networkProfile": a_network(public),
        },
    })
}

/// The network of an instance.
fn a_network(public: Value) -> Value {
    json!({
        "networkInterfaceConfigurations": [
            {
                "name": "nic", "primary": true, "deleteOption": "Delete", "subnet": {"name": "web", "namespace": "prod"},
                "enableAcceleratedNetworking": true, "dnsSettings": {"dnsServers": ["10.0.0.5"]},
                "ipConfigurations": [
                    {"name": "one", "primary": true, "publicIPAddressConfiguration": public},
                    {"name": "two", "privateIPAddressVersion": "IPv4"},
                ],
            },
            {"name": "back", "subnet": {"name": "web"}, "enableIPForwarding": true, "ipConfigurations": [{"name": "one"}]},
        ],
    })
}

/// Something that stands where nobody expects it.
fn odd() -> impl Strategy<Value = Value> {
    let text = |text: &str| Value::from(text);
    let known = [
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(31),
        json!(2_147_483_648_i64),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(4.5),
        json!(1e308),
        json!([]),
        json!({}),
        json!([null]),
        json!({"name": null}),
        text(""),
        text(" "),
        text("\u{0}"),
        text("\u{202e}web"),
        text("e\u{301}"),
        text("🦀🦀🦀"),
        text("../../etc"),
        text("IPv6"),
        text("Static"),
        text("Deallocated"),
        text("10.0.1.11"),
        text("10.0.1.0/24"),
        text("::ffff:10.0.1.4"),
        text("0.0.0.0/0"),
        text("255.255.255.255/32"),
    ];
    let huge = prop_oneof![
        Just(Value::from("🦀".repeat(3_000))),
        Just(Value::from(vec![json!({"name": "a"}); 300])),
        Just(Value::from((0..300).map(|n| json!({"name": format!("n{n}")})).collect::<Vec<_>>())),
        Just((0..200).fold(Value::Null, |below, _| json!([below]))),
        Just((0..200).fold(Value::Null, |below, _| json!({"a": below}))),
    ];
    prop_oneof![30 => select(known.to_vec()), 3 => ".*".prop_map(Value::from), 1 => huge, 6 => anything()]
}

/// Any JSON, of fields that there are and others.
pub fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    let fields =
        ["name", "primary", "subnet", "ipConfigurations", "addressSpace", "addressPrefixes", "sku", "networkProfile"];
    let field = prop_oneof![4 => select(fields.to_vec()).prop_map(str::to_owned), 1 => ".*"];
    leaf.prop_recursive(4, 24, 5, move |below| {
        prop_oneof![
            vec(below.clone(), 0..5).prop_map(Value::from),
            btree_map(field.clone(), below, 0..5).prop_map(|fields| fields.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

/// What goes wrong with a part of a value.
#[derive(Clone, Debug)]
pub enum Mutation {
    Becomes(Value),
    Goes,
    Doubles,
    Wraps,
    BecomesLike(usize),
}

/// A part of a value, and what goes wrong with it.
pub fn mutation() -> impl Strategy<Value = (usize, Mutation)> {
    let mutation = prop_oneof![
        5 => odd().prop_map(Mutation::Becomes),
        2 => Just(Mutation::Goes),
        1 => Just(Mutation::Doubles),
        1 => Just(Mutation::Wraps),
        2 => any::<usize>().prop_map(Mutation::BecomesLike),
    ];
    (any::<usize>(), mutation)
}

/// Does it.
pub fn mutate(value: &mut Value, (part, mutation): &(usize, Mutation)) {
    let all = pointers(value, String::new());
    let pointer = &all[part % all.len()];
    let Some(now) = value.pointer(pointer).cloned() else { return };
    let new = match mutation {
        Mutation::Becomes(other) => other.clone(),
        Mutation::Wraps => json!([now]),
        Mutation::BecomesLike(other) => value.pointer(&all[other % all.len()]).cloned().unwrap_or_default(),
        Mutation::Goes | Mutation::Doubles => return cut_or_double(value, pointer, mutation),
    };
    if let Some(part) = value.pointer_mut(pointer) {
        *part = new;
    }
}

fn cut_or_double(value: &mut Value, pointer: &str, mutation: &Mutation) {
    let Some((parent, key)) = pointer.rsplit_once('/') else { return };
    let goes = matches!(mutation, Mutation::Goes);
    match value.pointer_mut(parent) {
        Some(Value::Object(fields)) if goes => {
            fields.remove(key);
        }
        Some(Value::Array(items)) => {
            let at = key.parse::<usize>().unwrap();
            if goes {
                items.remove(at);
            } else {
                items.insert(at, items[at].clone());
            }
        }
        _ => {}
    }
}

/// Where every part of a value stands.
pub fn pointers(value: &Value, at: String) -> Vec<String> {
    let below: Vec<(String, &Value)> = match value {
        Value::Array(items) => items.iter().take(10).enumerate().map(|(n, item)| (n.to_string(), item)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(key, field)| (key.replace('~', "~0").replace('/', "~1"), field)).collect()
        }
        _ => Vec::new(),
    };
    let below = below.into_iter().flat_map(|(step, part)| pointers(part, format!("{at}/{step}")));
    std::iter::once(at.clone()).chain(below).collect()
}
