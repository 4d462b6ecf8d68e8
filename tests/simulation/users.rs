//! What random users do, on so few names and addresses that they always get in each other's way.

use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use vnet_operator::fabric::{Kind, ObjectId};

use super::world::{NAMESPACES, World, id};

pub fn act(world: &mut World, rng: &mut ChaCha8Rng) {
    if rng.random_bool(0.02) {
        return world.relabel(rng);
    }
    if rng.random_bool(0.1) {
        return touch_a_child(world, rng);
    }
    if rng.random_bool(0.03) {
        return touch_what_sets_leave(world, rng);
    }
    let id = some_object(rng);
    let exists = world.objects.contains_key(&id);
    let namespace = id.name.namespace.to_string();
    match rng.random_range(0..20) {
        0..=1 if exists => world.delete(&id),
        2 if exists => {
            world.strip(&id);
        }
        3 if exists => {
            // Deleted at once, and made again under the same name.
            world.strip(&id);
            world.delete(&id);
            world.create(&id, spec(&id, &namespace, rng), true);
        }
        6 if exists => world.detach(&id),
        4 if exists && id.kind != Kind::VirtualMachineScaleSet => tamper(world, &id, rng),
        5 if exists => world.edit(&id, |object| {
            object["metadata"]["annotations"] = json!({"vnet.dev/restartedAt": "2026-01-01T00:00:00Z", "note": "x"});
        }),
        _ if exists => world.edit(&id, |object| object["spec"] = spec(&id, &namespace, rng)),
        _ => world.create(&id, spec(&id, &namespace, rng), rng.random_bool(0.8)),
    }
}

/// Something happens to one of the objects that a scale set has made.
fn touch_a_child(world: &mut World, rng: &mut ChaCha8Rng) {
    let children: Vec<_> = world.objects.iter().filter(|(_, object)| owner(object).is_some()).collect();
    let Some((id, object)) = children.choose(rng) else { return };
    let id = (*id).clone();
    let set = super::world::id(Kind::VirtualMachineScaleSet, &id.name.namespace, &owner(object).unwrap());
    let latest = world.objects.get(&set).map(|set| set["status"]["updateRevision"].clone()).unwrap_or_default();
    let power = *["Running", "Stopped", "Deallocated"].choose(rng).unwrap();
    match (rng.random_range(0..9), id.kind) {
        (0..=1, _) => world.delete(&id),
        (8, _) => world.edit(&id, |object| object["metadata"]["ownerReferences"] = json!([])),
        (2, _) => world.strip(&id),
        (3, _) => {
            world.strip(&id);
            world.delete(&id);
        }
        (4, _) if !world.taken_over.remove(&id) => {
            world.taken_over.insert(id);
        }
        (5, Kind::VirtualMachineScaleSetVM) => world.edit(&id, |object| object["spec"]["revision"] = latest),
        (6, Kind::VirtualMachineScaleSetVM) => world.edit(&id, |object| {
            let network = json!({"networkInterfaceConfigurations": [model_nic("nic", rng), model_nic("more", rng)]});
            object["spec"]["networkProfileConfiguration"] = network;
        }),
        (5, Kind::VirtualMachine) => {
            world.edit(&id, |object| object["metadata"]["annotations"]["vnet.dev/desired-revision"] = latest);
        }
        (_, Kind::VirtualMachineScaleSetVM | Kind::VirtualMachine) => {
            world.edit(&id, |object| object["spec"]["powerState"] = json!(power));
        }
        _ => world.edit(&id, |object| object["metadata"]["labels"]["note"] = json!("x")),
    }
}

/// A model that is kept is deleted; a set is deleted in a way that leaves its objects; the garbage collector does its part of that.
fn touch_what_sets_leave(world: &mut World, rng: &mut ChaCha8Rng) {
    let sets: Vec<ObjectId> =
        world.objects.keys().filter(|id| id.kind == Kind::VirtualMachineScaleSet).cloned().collect();
    let Some(set) = sets.choose(rng) else { return };
    let finalizers = world.objects[set]["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
    if finalizers.iter().any(|finalizer| finalizer == "orphan") {
        return world.orphan_children_of(set);
    }
    match rng.random_range(0..3) {
        0 if world.objects[set]["metadata"]["deletionTimestamp"].is_null() => world.delete_as_an_orphan(set),
        _ => world.delete_a_kept_model(),
    }
}

fn owner(object: &Value) -> Option<String> {
    Some(object["metadata"]["ownerReferences"][0]["name"].as_str()?.to_owned())
}

pub fn delete_everything(world: &mut World) {
    for id in world.objects.keys().cloned().collect::<Vec<_>>() {
        world.delete(&id);
        world.detach(&id);
        world.orphan_children_of(&id);
    }
}

fn some_object(rng: &mut ChaCha8Rng) -> ObjectId {
    let namespace = NAMESPACES[usize::from(rng.random_bool(0.2))];
    let (kind, name) = match rng.random_range(-4..20) {
        -4 => (Kind::VirtualMachineScaleSet, "uniform".to_owned()),
        -3 => (Kind::VirtualMachineScaleSet, "flexible".to_owned()),
        -2 => (Kind::PublicIPPrefix, "prefix-0".to_owned()),
        -1 => (Kind::AvailabilitySet, "set-0".to_owned()),
        0..=1 => (Kind::VirtualNetwork, format!("net-{}", rng.random_range(0..2))),
        2..=4 => (Kind::Subnet, format!("subnet-{}", rng.random_range(0..3))),
        5..=7 => (Kind::PublicIPAddress, format!("public-{}", rng.random_range(0..3))),
        8..=14 => (Kind::NetworkInterface, format!("nic-{}", rng.random_range(0..6))),
        _ => (Kind::VirtualMachine, format!("vm-{}", rng.random_range(0..3))),
    };
    id(kind, namespace, &name)
}

fn tamper(world: &mut World, id: &ObjectId, rng: &mut ChaCha8Rng) {
    world.tell(|| format!("user edits the status of {id}"));
    world.statuses_were_edited = true;
    let what = rng.random_range(0..4);
    let address = some_address(rng);
    world.edit(id, |object| match what {
        0 => object["status"] = json!({"observedGeneration": 1}),
        1 => object["status"]["programmed"] = json!("nonsense"),
        2 => object["status"]["virtualMachine"] = json!({"name": "vm-0"}),
        _ => {
            for configuration in object["status"]["ipConfigurations"].as_array_mut().into_iter().flatten() {
                configuration["privateIPAddress"] = json!(address);
            }
            object["status"]["networkInterfaces"] =
                json!([{"name": "nic-1", "primary": true}, {"name": "nic-2", "primary": true}]);
        }
    });
    let object = world.objects[id].clone();
    world.addresses.is_foreign(id, &object);
}

fn some_address(rng: &mut ChaCha8Rng) -> String {
    ["10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.3", "10.0.0.12", "10.0.0.20", "10.9.9.9"]
        .choose(rng)
        .unwrap()
        .to_string()
}

fn spec(id: &ObjectId, namespace: &str, rng: &mut ChaCha8Rng) -> Value {
    match id.kind {
        Kind::VirtualNetwork => {
            let prefixes = [json!(["10.0.0.0/16"]), json!(["10.0.0.0/16", "fd00::/48"]), json!(["10.0.0.0/27"])];
            json!({"addressSpace": {"addressPrefixes": prefixes.choose(rng)}})
        }
        Kind::Subnet => {
            let prefixes = [
                json!(["10.0.0.0/29"]),
                json!(["10.0.0.8/29"]),
                json!(["10.0.0.16/28", "fd00::/64"]),
                json!(["10.0.0.0/28"]),
            ];
            json!({"virtualNetwork": {"name": format!("net-{}", u8::from(rng.random_bool(0.1)))}, "addressPrefixes": prefixes.choose(rng)})
        }
        Kind::PublicIPAddress => {
            let standard = rng.random_bool(0.3);
            let mut spec = json!({"sku": {"name": if standard { "Standard" } else { "Basic" }}});
            if standard && rng.random_bool(0.5) {
                spec["publicIPPrefix"] = json!({"name": "prefix-0"});
                if rng.random_bool(0.4) {
                    spec["ipAddress"] = json!(format!("198.18.0.{}", rng.random_range(0..4)));
                }
            }
            if standard && rng.random_bool(0.2) {
                spec["zones"] = json!(["1"]);
            }
            if !standard && rng.random_bool(0.3) {
                spec["publicIPAllocationMethod"] = json!("Static");
            }
            if rng.random_bool(0.4) {
                spec["dnsSettings"] = json!({"domainNameLabel": format!("label{}", rng.random_range(0..2))});
            }
            spec
        }
        Kind::NetworkInterface => {
            let count = rng.random_range(1..4);
            let configurations: Vec<Value> = (0..count).map(|n| configuration(n, namespace, rng)).collect();
            json!({"subnet": {"name": format!("subnet-{}", rng.random_range(0..3)), "namespace": NAMESPACES[0]}, "ipConfigurations": configurations})
        }
        Kind::PublicIPPrefix => {
            let zones = if rng.random_bool(0.3) { json!(["1"]) } else { json!([]) };
            json!({"prefixLength": rng.random_range(30..32), "zones": zones})
        }
        Kind::AvailabilitySet => json!({}),
        Kind::VirtualMachine => virtual_machine(rng),
        Kind::VirtualMachineScaleSet => scale_set(&id.name.name, rng),
        Kind::VirtualMachineScaleSetVM => unreachable!("users make none"),
    }
}

/// Its mode is as it is called.
fn scale_set(name: &str, rng: &mut ChaCha8Rng) -> Value {
    let size = *["Standard_D2s_v3", "Standard_D8s_v3"].choose(rng).unwrap();
    let mode = *["Manual", "Automatic", "Rolling"].choose(rng).unwrap();
    let mut nics = vec![model_nic("nic", rng)];
    nics[0]["primary"] = json!(true);
    if rng.random_bool(0.2) {
        nics.push(model_nic("second", rng));
    }
    json!({
        "replicas": rng.random_range(0..5),
        "orchestrationMode": if name == "uniform" { "Uniform" } else { "Flexible" },
        "zones": ["1", "3"],
        "sku": {"name": size},
        "upgradePolicy": {
            "mode": mode,
            "rollingUpgradePolicy": {"maxBatchInstancePercent": 40, "pauseTimeBetweenBatches": "PT2S"},
        },
        "virtualMachineProfile": {"networkProfile": {"networkInterfaceConfigurations": nics}},
    })
}

fn model_nic(name: &str, rng: &mut ChaCha8Rng) -> Value {
    let mut configuration = json!({"name": "ip"});
    if rng.random_bool(0.2) {
        configuration["publicIPAddressConfiguration"] = json!({"name": "pub", "deleteOption": "Delete"});
    }
    json!({
        "name": name,
        "deleteOption": *["Detach", "Delete"].choose(rng).unwrap(),
        "subnet": {"name": format!("subnet-{}", rng.random_range(0..3)), "namespace": NAMESPACES[0]},
        "enableIPForwarding": rng.random_bool(0.5),
        "ipConfigurations": [configuration],
    })
}

fn configuration(n: usize, namespace: &str, rng: &mut ChaCha8Rng) -> Value {
    let mut configuration = json!({"name": format!("c{}", n + usize::from(rng.random_bool(0.1)))});
    if n == 0 {
        configuration["primary"] = json!(true);
    }
    match rng.random_range(0..10) {
        0..=2 => {
            configuration["privateIPAllocationMethod"] = json!("Static");
            configuration["privateIPAddress"] = json!(some_address(rng));
        }
        3 => configuration["privateIPAllocationMethod"] = json!("Static"),
        4 if n == 1 => configuration["privateIPAddressVersion"] = json!("IPv6"),
        _ => {}
    }
    if rng.random_bool(0.3) {
        configuration["publicIPAddress"] =
            json!({"name": format!("public-{}", rng.random_range(0..3)), "namespace": namespace});
        if rng.random_bool(0.3) {
            configuration["publicIPAddress"]["deleteOption"] = json!("Delete");
        }
    }
    configuration
}

fn virtual_machine(rng: &mut ChaCha8Rng) -> Value {
    let mut numbers: Vec<usize> = (0..6).filter(|_| rng.random_bool(0.35)).collect();
    if numbers.is_empty() {
        numbers.push(0);
    }
    if rng.random_bool(0.5) {
        numbers.reverse();
    }
    let mut nics: Vec<Value> = numbers.iter().map(|n| json!({"name": format!("nic-{n}")})).collect();
    if rng.random_bool(0.2) {
        nics[0]["primary"] = json!(rng.random_bool(0.5));
    }
    for nic in &mut nics {
        if rng.random_bool(0.3) {
            nic["deleteOption"] = json!("Delete");
        }
    }
    let size = ["Standard_D2s_v3", "Standard_D8s_v3"].choose(rng);
    let mut spec = json!({
        "hardwareProfile": {"vmSize": size},
        "networkProfile": {"networkInterfaces": nics},
    });
    if rng.random_bool(0.3) {
        spec["availabilitySet"] = json!({"name": "set-0"});
    }
    if rng.random_bool(0.1) {
        spec["zones"] = json!(["2"]);
    }
    if rng.random_bool(0.3) {
        spec["disruptionPolicy"] = json!("Deallocate");
    }
    let power = ["Running", "Stopped", "Deallocated", "Deallocated", ""].choose(rng).unwrap();
    if !power.is_empty() {
        spec["powerState"] = json!(power);
    }
    spec
}
