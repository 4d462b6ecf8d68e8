//! Scale sets as users write them, and what a test reads of their instances.

use std::collections::BTreeMap;

use kube::api::ListParams;
use kube::core::DynamicObject;
use serde_json::{Value, json};
use vnet_operator::fabric::Kind;

use crate::support::cluster::{Told, block_on, poll};
use crate::support::contract::{Health, kstatus};
use crate::support::manifests::object;
use crate::support::space::{Space, at, id};

/// What `kubectl -l` selects the instances of the set `api` by.
pub const SELECTOR: &str = "vnet.dev/scale-set=api";

/// The set `api` in the subnet `web`, with one NIC `nic` of one configuration `ip`.
#[derive(Clone)]
pub struct ScaleSet {
    replicas: u32,
    mode: &'static str,
    upgrade: String,
    subnet: &'static str,
    nic: String,
    configuration: String,
}

impl ScaleSet {
    /// One that makes its instances.
    pub fn uniform(replicas: u32) -> Self {
        let (upgrade, nic, configuration) = ("mode: Manual".to_owned(), String::new(), String::new());
        Self { replicas, mode: "Uniform", upgrade, subnet: "web", nic, configuration }
    }

    /// One whose instances are objects of their own.
    pub fn flexible(replicas: u32) -> Self {
        Self { mode: "Flexible", ..Self::uniform(replicas) }
    }

    /// Of so many instances.
    pub fn of(self, replicas: u32) -> Self {
        Self { replicas, ..self }
    }

    /// With this upgrade policy.
    pub fn upgraded(self, policy: &str) -> Self {
        Self { upgrade: policy.to_owned(), ..self }
    }

    /// With these fields of its NIC.
    pub fn nic(self, fields: &str) -> Self {
        Self { nic: format!("{fields}, "), ..self }
    }

    /// With IP forwarding, which is a change of the model.
    pub fn forwarding(self) -> Self {
        self.nic("enableIPForwarding: true")
    }

    /// With a public address for each instance, of these fields.
    pub fn public_with(self, fields: &str) -> Self {
        Self { configuration: format!(", publicIPAddressConfiguration: {{name: pub, {fields}}}"), ..self }
    }

    /// With a public address for each instance, named by this label.
    pub fn public(self, label: &str) -> Self {
        self.public_with(&format!("dnsSettings: {{domainNameLabel: {label}}}"))
    }

    /// In another subnet than `web`.
    pub fn in_subnet(self, subnet: &'static str) -> Self {
        Self { subnet, ..self }
    }

    /// The manifest.
    pub fn manifest(&self) -> String {
        let Self { replicas, mode, upgrade, .. } = self;
        let network = self.network();
        let profile = format!("virtualMachineProfile: {{networkProfile: {network}}}");
        let sku = "sku: {name: Standard_DS3_v2}";
        let spec =
            format!("replicas: {replicas}, orchestrationMode: {mode}, {sku}, upgradePolicy: {{{upgrade}}}, {profile}");
        object("VirtualMachineScaleSet", "api", &spec)
    }

    /// The network of an instance.
    fn network(&self) -> String {
        let Self { subnet, nic, configuration, .. } = self;
        let configurations = format!("ipConfigurations: [{{name: ip{configuration}}}]");
        format!(
            "{{networkInterfaceConfigurations: [{{name: nic, {nic}subnet: {{name: {subnet}}}, {configurations}}}]}}"
        )
    }
}

impl Space<'_> {
    /// `kubectl scale vmss/api`
    pub fn scale(&self, replicas: u32) {
        self.kubectl_ok(&["scale", "vmss/api", &format!("--replicas={replicas}")], "");
    }

    /// The instances of the set `api`, when they are these, each with its address.
    pub fn instances(&self, names: &[&str]) -> Vec<DynamicObject> {
        self.exactly(Kind::VirtualMachineScaleSetVM, names);
        let whole =
            |name: &&str| self.wait(&format!("vmssvm/{name}"), "with its address", |vm| private(vm).is_string());
        names.iter().map(whole).collect()
    }

    /// Waits until these are the objects of a kind.
    pub fn exactly(&self, kind: Kind, names: &[&str]) {
        let mut seen = Vec::new();
        let met = poll("the objects are these", || {
            seen = self.names(kind);
            (seen == names).then_some(())
        });
        assert!(met.is_ok(), "{kind:?}s are {seen:?}, and {names:?} expected");
    }

    /// The names of all objects of a kind.
    pub fn names(&self, kind: Kind) -> Vec<String> {
        let list = block_on(self.objects(kind).list(&ListParams::default())).expect("a list");
        let mut names: Vec<String> = list.items.into_iter().filter_map(|object| object.metadata.name).collect();
        names.sort();
        names
    }

    /// The uid and the address of every instance, by name.
    pub fn places(&self, names: &[&str]) -> BTreeMap<String, (Option<String>, Value)> {
        let place =
            |vm: DynamicObject| (vm.metadata.name.clone().unwrap(), (vm.metadata.uid.clone(), private(&vm).clone()));
        self.instances(names).into_iter().map(place).collect()
    }

    /// Waits until the set `api` has so many instances, all running, and the objects of this kind are those that it lists.
    /// Returns their names.
    pub fn agrees(&self, kind: Kind, replicas: usize) -> Vec<String> {
        let names = poll(&format!("the set and its {replicas} {kind:?}s agree"), || {
            let set = self.get("vmss/api");
            let all_run = kstatus(&set) == Health::Current && *at(&set, "/readyReplicas") == replicas;
            let instances = at(&set, "/instances").as_array().into_iter().flatten();
            let mut listed: Vec<&str> = instances.filter_map(|instance| instance["name"].as_str()).collect();
            listed.sort_unstable();
            let names = self.names(kind);
            (all_run && names == listed && names.len() == replicas).then_some(names)
        });
        self.wait("subnet/web", "one address taken for each", |web| at(web, "/capacity/allocated") == replicas);
        names.unwrap()
    }

    /// Runs `vnet` for this namespace.
    pub fn vnet(&self, arguments: &[&str]) -> Told {
        self.change(|| None, || self.cluster.vnet(&[arguments, &["--namespace", &self.name]].concat()), |_| None)
    }

    /// Waits until these are the ControllerRevisions of the set `api`.
    pub fn keeps_models(&self, names: &[&str]) {
        let expected: String = names.iter().map(|name| format!("controllerrevision.apps/{name}\n")).collect();
        let kept = poll(&format!("the models that are kept are {names:?}"), || {
            let kept = self.kubectl_ok(&["get", "controllerrevisions", "-l", SELECTOR, "-o", "name"], "");
            (kept == expected).then_some(())
        });
        kept.unwrap();
    }

    /// Waits until the subnet `web`, a /24, has all of its addresses free.
    pub fn every_address_is_free(&self) {
        let free = json!({"total": 256, "reserved": 5, "allocated": 0, "available": 251});
        self.wait("subnet/web", "free", |web| *at(web, "/capacity") == free);
    }

    /// Waits until nothing is left but the virtual network, with every address free.
    pub fn holds_only_its_network(&self) {
        self.every_address_is_free();
        let all: Vec<String> = self.all().iter().map(id).collect();
        assert_eq!(all, ["VirtualNetwork/hub", "Subnet/web"]);
    }
}

/// The ids of the instances that a set lists, and of the next one.
pub fn ids(set: &DynamicObject) -> (&Value, &Value) {
    (at(set, "/instanceIds"), at(set, "/nextInstanceId"))
}

/// The private address that an instance shows.
pub fn private(vm: &DynamicObject) -> &Value {
    at(vm, "/networkInterfaces/0/ipConfigurations/0/privateIPAddress")
}

/// The set has so many instances, all of them running and of the latest model.
pub fn has_taken_up(replicas: u32, revision: &str) -> impl Fn(&DynamicObject) -> bool {
    move |set| {
        let counts = ["/replicas", "/readyReplicas", "/updatedReplicas"].into_iter();
        counts.map(|count| at(set, count)).all(|count| *count == replicas) && *at(set, "/updateRevision") == revision
    }
}
