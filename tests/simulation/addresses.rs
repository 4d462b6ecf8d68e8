//! No private address moves: a configuration that stays Dynamic in its subnet shows one address for as long as its network
//! interface lives, whatever happens to the operator and to the others.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde_json::Value;
use vnet_operator::fabric::{Engine, Kind, NetworkInterface, ObjectId};

use crate::world;

/// The addresses that statuses have shown, and what may move one.
#[derive(Clone, Default)]
pub struct Addresses {
    /// What each configuration has shown last, by the life of its network interface.
    shown: BTreeMap<String, BTreeMap<String, (Place, String)>>,
    /// The lives of which a status is not what the operator at work had decided.
    foreign: BTreeSet<String>,
    /// The subnets of which that is so, or that may have gone: after a restart their ranges may be others.
    subnets: BTreeSet<ObjectId>,
    /// The addresses that such a status has claimed: another may hold them, and a restart decides who keeps them.
    contested: BTreeSet<String>,
}

/// The subnet and the IP version of a Dynamic configuration: as long as both stay, so does its address.
type Place = (ObjectId, String);

impl Addresses {
    /// A status of this object has been edited, restored, or written by an operator that had died.
    pub fn is_foreign(&mut self, id: &ObjectId, object: &Value) {
        self.foreign.insert(life(object));
        self.may_go(id);
        claimed(&object["status"], &mut self.contested);
    }

    /// An object may go without the operator's consent; a subnet takes the addresses in it along.
    pub fn may_go(&mut self, id: &ObjectId) {
        if id.kind == Kind::Subnet {
            self.subnets.insert(id.clone());
        }
    }

    /// Nothing is on its way, and every status is what the operator at work has decided: from here on, what they show stays.
    pub fn are_calm(&mut self, objects: &BTreeMap<ObjectId, Value>) {
        *self = Self::default();
        for (id, object) in objects {
            self.written(id, object, &object["status"]);
            self.edited(object);
        }
    }

    /// Another spec is asked for: it may move the address of what it does not leave Dynamic in its subnet.
    pub fn edited(&mut self, object: &Value) {
        if let Some(shown) = self.shown.get_mut(&life(object)) {
            let asked = dynamic(object, &object["spec"]);
            shown.retain(|configuration, (place, _)| asked.get(configuration) == Some(place));
        }
    }

    /// The operator writes a status. Panics if an address has moved; returns how many have not.
    pub fn written(&mut self, id: &ObjectId, object: &Value, status: &Value) -> u64 {
        if id.kind != Kind::NetworkInterface || status["programmed"].is_null() {
            return 0;
        }
        let asked = dynamic(object, &status["programmed"]);
        let mut known = self.shown.remove(&life(object)).unwrap_or_default();
        known.retain(|configuration, (place, _)| asked.get(configuration) == Some(place));
        let mut compared = 0;
        for shown in status["ipConfigurations"].as_array().into_iter().flatten() {
            let name = shown["name"].as_str().unwrap();
            let Some((place, address)) = asked.get(name).zip(shown["privateIPAddress"].as_str()) else { continue };
            if let Some(before) = known.insert(name.to_owned(), (place.clone(), address.to_owned())) {
                compared += self.compare(id, &life(object), (name, &before), address);
            }
        }
        self.shown.insert(life(object), known);
        compared
    }

    /// The fabric of the operator at work. Panics if it holds another address than was shown; returns how many it holds.
    pub fn held(&self, fabric: &Engine) -> u64 {
        let mut compared = 0;
        for (name, nic) in fabric.all::<NetworkInterface>() {
            let (id, life) = (ObjectId::new(Kind::NetworkInterface, name.clone()), nic.uid.0.to_string());
            for (configuration, before) in self.shown.get(&life).into_iter().flatten() {
                if let Some(address) = nic.held.addresses.get(configuration.as_str()) {
                    compared += self.compare(&id, &life, (configuration, before), &address.to_string());
                }
            }
        }
        compared
    }

    fn compare(
        &self,
        id: &ObjectId,
        life: &str,
        (configuration, ((subnet, _), before)): (&str, &(Place, String)),
        now: &str,
    ) -> u64 {
        if self.subnets.contains(subnet) || self.foreign.contains(life) || self.contested.contains(before) {
            return 0;
        }
        assert_eq!(now, before, "the address of configuration {configuration} of {id} has moved");
        1
    }
}

fn life(object: &Value) -> String {
    object["metadata"]["uid"].as_str().unwrap().to_owned()
}

/// The Dynamic configurations of a spec, by their names.
fn dynamic(object: &Value, spec: &Value) -> BTreeMap<String, Place> {
    let namespace = spec["subnet"]["namespace"].as_str().or(object["metadata"]["namespace"].as_str()).unwrap();
    let subnet = world::id(Kind::Subnet, namespace, spec["subnet"]["name"].as_str().unwrap_or_default());
    let place =
        |asked: &Value| (subnet.clone(), asked["privateIPAddressVersion"].as_str().unwrap_or("IPv4").to_owned());
    let asked = spec["ipConfigurations"].as_array().into_iter().flatten();
    let asked = asked.filter(|asked| asked["privateIPAllocationMethod"] != "Static");
    asked.map(|asked| (asked["name"].as_str().unwrap().to_owned(), place(asked))).collect()
}

fn claimed(value: &Value, addresses: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => addresses.extend(text.parse::<IpAddr>().ok().map(|address| address.to_string())),
        Value::Array(items) => items.iter().for_each(|item| claimed(item, addresses)),
        Value::Object(fields) => fields.values().for_each(|field| claimed(field, addresses)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
