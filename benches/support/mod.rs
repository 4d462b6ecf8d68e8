//! What the benchmarks share: how a figure is printed, and the objects that are counted.

use kube::core::DynamicObject;
use serde_json::{Value, json};
use vnet_operator::api::FINALIZER;
use vnet_operator::api::object::{self, Recall};
use vnet_operator::fabric::{Ask, Engine, Kind, Name, ObjectId, Placement, Request, Settings};

/// The virtual network of every benchmark.
pub const NETWORK: &str = "hub";
/// Its one subnet, a /16: 65,531 addresses to give.
pub const SUBNET: &str = "web";

/// The spec of every object of this kind.
pub fn spec(kind: Kind) -> Value {
    match kind {
        Kind::VirtualNetwork => json!({"addressSpace": {"addressPrefixes": ["10.0.0.0/8"]}}),
        Kind::Subnet => json!({"virtualNetwork": {"name": NETWORK}, "addressPrefixes": ["10.1.0.0/16"]}),
        Kind::NetworkInterface => json!({"subnet": {"name": SUBNET}, "ipConfigurations": [{"name": "ipconfig1"}]}),
        Kind::VirtualMachineScaleSet => {
            let configuration = json!({"name": "ip1"});
            let nic = json!({"name": "nic1", "subnet": {"name": SUBNET}, "ipConfigurations": [configuration]});
            let profile = json!({"networkProfile": {"networkInterfaceConfigurations": [nic]}});
            json!({
                "replicas": 20, "orchestrationMode": "Flexible", "sku": {"name": "Standard_D2s_v3"},
                "virtualMachineProfile": profile,
            })
        }
        other => panic!("no benchmark has a {other}"),
    }
}

/// An object as the API server shows it.
pub fn object(id: &ObjectId, version: u64, status: Value) -> DynamicObject {
    let Name { namespace, name } = &id.name;
    let object = json!({
        "apiVersion": "vnet.dev/v1alpha1",
        "kind": id.kind.as_str(),
        "metadata": {
            "name": &**name, "namespace": &**namespace, "uid": format!("uid-of-{name}"), "generation": 1,
            "creationTimestamp": "2027-01-15T08:00:00Z", "finalizers": [FINALIZER], "resourceVersion": version.to_string(),
        },
        "spec": spec(id.kind),
        "status": status,
    });
    serde_json::from_value(object).expect("the object is whole")
}

/// What the fabric is asked for an object.
pub fn request(id: &ObjectId) -> Request<Ask> {
    request_of(id.kind, &object(id, 1, Value::Null))
}

/// What the fabric is asked for an object, as the API server shows it.
pub fn request_of(kind: Kind, object: &DynamicObject) -> Request<Ask> {
    let seen = object::observe(kind, object, Recall::Nothing).expect("the object is whole");
    let default = Placement { subscription: "default".into(), location: "westeurope".into() };
    let ask = seen.asked.expect("the spec is good").ask;
    Request { uid: seen.uid, generation: 1, location: None, default, common: Default::default(), ask }
}

/// A fabric that carries the virtual network and the subnet.
pub fn fabric(namespace: &str) -> Engine {
    let mut engine = Engine::new(Settings::default());
    for (kind, name) in [(Kind::VirtualNetwork, NETWORK), (Kind::Subnet, SUBNET)] {
        let id = ObjectId::new(kind, Name::new(namespace, name));
        engine.put(&id.name, request(&id)).expect("it is good");
    }
    engine
}

/// Names sort as their numbers do.
pub fn nic_name(number: usize) -> String {
    format!("nic-{number:06}")
}

/// One line: what was measured, the figure, and the bar that it is measured against.
pub fn print(what: &str, figure: &str, bar: Option<&str>) {
    let bar = bar.map(|bar| format!("   (bar {bar})")).unwrap_or_default();
    println!("{what:<58}{figure:>18}{bar}");
}

/// How often one takes the time of the other.
pub fn print_ratio(what: &str, ratio: f64, bar: Option<f64>) {
    print(what, &format!("{ratio:.2} times"), bar.map(|bar| format!("{bar:.2}")).as_deref());
}

/// The middle figure; of two middle ones their mean.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    if figures.len() % 2 == 1 { figures[middle] } else { (figures[middle - 1] + figures[middle]) / 2.0 }
}

/// The memory of a process that is in RAM, in bytes.
pub fn resident(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("the process lives");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux tells it");
    let kilobytes: f64 = line.trim_end_matches("kB").trim().parse().expect("it is a number");
    kilobytes * 1024.0
}
