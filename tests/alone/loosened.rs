//! What gets past the API server where its schemas are loosened: the operator refuses it by its field, in the same terms,
//! and nothing that it holds stops the operator.

use serde_json::{Value, json};
use vnet_operator::fabric::Kind;

use crate::support::canary::Canary;
use crate::support::cluster::alone;
use crate::support::door::Door::Post;
use crate::support::space::Space;
use crate::support::specs::{Object, address, machine, nic, nic_with, prefix};

/// What is wrong, the object, and what the operator says: rule, code, path, and words of the message and the remedy.
pub type Row = (&'static str, Object, [&'static str; 5]);

/// The operator refuses each with these words, and has nothing to warn of. All go when they are deleted, and nothing else
/// feels it.
pub fn are_refused(rows: &[Row]) {
    let cluster = alone();
    let space = Space::on(&cluster).and_a_subnet();
    let canary = Canary::of(&space);
    cluster.loosen().unwrap();
    let id = |n: usize, kind: &Kind| format!("{kind}/row-{n}");
    for (n, (wrong, (kind, spec), _)) in rows.iter().enumerate() {
        let sent = Post.send(&space, *kind, &format!("row-{n}"), spec);
        sent.unwrap_or_else(|said| panic!("{wrong}: the schema is loosened, and says {said}"));
    }
    for (n, (wrong, (kind, _), [rule, code, path, message, remedy])) in rows.iter().enumerate() {
        let refusal = space.refused(&id(n, kind));
        assert_eq!(refusal.told().first(), Some(&(*rule, *code, *path)), "{wrong}");
        refusal.shows(&[message]).advises(&[remedy]).stalls();
    }
    canary.is_unharmed();
    for (n, (_, (kind, _), _)) in rows.iter().enumerate() {
        space.delete(&id(n, kind));
    }
    for (n, (_, (kind, _), _)) in rows.iter().enumerate() {
        space.gone(&id(n, kind));
    }
    canary.is_unharmed();
    let log = cluster.log();
    let warned: Vec<&str> = log.lines().filter(|line| line.contains(" WARN ") && line.contains(&space.name)).collect();
    assert_eq!(warned, Vec::<&str>::new());
}

/// What cannot be read.
pub fn unreadable(path: &'static str, message: &'static str, remedy: &'static str) -> [&'static str; 5] {
    ["ARM-04", "InvalidRequestContent", path, message, remedy]
}

fn minutes(minutes: impl Into<Value>) -> Object {
    address(json!({"idleTimeoutInMinutes": minutes.into()}))
}

#[test]
fn what_is_missing_or_of_another_type_is_refused_by_its_field() {
    const CONFIGURATIONS: &str = "spec.ipConfigurations";
    let sized = |profile: Value| {
        (Kind::VirtualMachine, json!({"hardwareProfile": profile, "networkProfile": {"networkInterfaces": []}}))
    };
    are_refused(&[
        (
            "no spec",
            (Kind::AvailabilitySet, json!(null)),
            unreadable("spec", "null is not an object", "Write an object"),
        ),
        ("a text", (Kind::Subnet, json!("web")), unreadable("spec", "\"web\" is not an object", "virtualNetwork")),
        ("a list", (Kind::PublicIPPrefix, json!([28])), unreadable("spec", "A list is not", "prefixLength")),
        (
            "no subnet",
            (Kind::NetworkInterface, json!({"ipConfigurations": []})),
            unreadable("spec.subnet", "missing", "Write an object with name"),
        ),
        ("a null list", nic(json!(null)), unreadable(CONFIGURATIONS, "null is not a list of objects", "Write a list")),
        (
            "a null item",
            nic(json!([null])),
            unreadable("spec.ipConfigurations[0]", "null is not an object", "with name"),
        ),
        (
            "an object for a list",
            nic(json!({"name": "a"})),
            unreadable(CONFIGURATIONS, "An object is not a list", "Write a list"),
        ),
        (
            "no name",
            nic(json!([{"primary": true}])),
            unreadable("spec.ipConfigurations[0].name", "missing", "Write a text"),
        ),
        (
            "a text for a switch",
            nic_with("enableIPForwarding", json!("yes")),
            unreadable("spec.enableIPForwarding", "\"yes\" is not", "Write true or false"),
        ),
        (
            "a number for a name",
            nic_with("subnet", json!({"name": 7})),
            unreadable("spec.subnet.name", "7 is not a text", "Write a text"),
        ),
        ("no size", sized(json!({})), unreadable("spec.hardwareProfile.vmSize", "missing", "Write a text")),
        (
            "a null object",
            address(json!({"sku": null})),
            unreadable("spec.sku", "null is not an object", "Write an object"),
        ),
        (
            "a tag",
            (Kind::AvailabilitySet, json!({"tags": {"cost": 7}})),
            unreadable("spec.tags.cost", "7 is not a text", "Write a text"),
        ),
    ]);
}

#[test]
fn values_and_numbers_that_do_not_exist_are_refused_by_their_field() {
    const MINUTES: &str = "spec.idleTimeoutInMinutes";
    let method = nic(json!([{"name": "a", "privateIPAllocationMethod": "Statik"}]));
    let power = |state: &str| {
        let (kind, mut spec) = machine(json!([{"name": "canary"}]));
        spec["powerState"] = state.into();
        (kind, spec)
    };
    are_refused(&[
        (
            "a method",
            method,
            unreadable(
                "spec.ipConfigurations[0].privateIPAllocationMethod",
                "\"Statik\" is not Dynamic or Static",
                "or run the version of the operator whose CRDs are installed",
            ),
        ),
        (
            "a power state",
            power("Off"),
            unreadable("spec.powerState", "\"Off\" is not", "Write Running or Stopped or Deallocated"),
        ),
        (
            "another case",
            address(json!({"sku": {"name": "standard"}})),
            unreadable("spec.sku.name", "\"standard\" is not", "Write Basic or Standard"),
        ),
        ("a fraction", minutes(4.5), unreadable(MINUTES, "4.5 is not", "Write a whole number from 4 to 30")),
        ("beyond 64 bits", minutes(1e20), unreadable(MINUTES, "1e+20 is not", "Write a whole number from 4 to 30")),
        ("the last of 64 bits", minutes(i64::MAX), unreadable(MINUTES, "9223372036854775807 is not", "from 4 to 30")),
        (
            "a text",
            prefix(json!({"prefixLength": "28"})),
            unreadable("spec.prefixLength", "\"28\" is not", "from 28 to 31"),
        ),
        (
            "negative minutes",
            minutes(-5),
            ["PIP-13", "PublicIPIdleTimeoutIsOutOfRange", MINUTES, "-5 minutes", "from 4 to 30"],
        ),
        (
            "a negative length",
            prefix(json!({"prefixLength": -28})),
            ["S-19", "InvalidParameter", "spec.prefixLength", "-28", "from 28"],
        ),
        (
            "a length of one address",
            prefix(json!({"prefixLength": 32})),
            ["S-19", "InvalidParameter", "spec.prefixLength", "32", "to 31"],
        ),
    ]);
}
