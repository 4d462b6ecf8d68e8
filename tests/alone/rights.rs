//! The rights of the operator, each taken away in turn: something fails, the log names the right, and all goes on when it is
//! given back. So the table of rights has none that nothing uses.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::PathBuf;

use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::Api;
use kube::api::PostParams;
use kube::core::DynamicObject;
use serde_json::{Value, json};
use tempfile::TempDir;
use vnet_operator::api::crd;
use vnet_operator::operator::rbac::{Rule, cluster_rules, namespace_rules};
use vnet_operator::operator::settings::NAMESPACE;

use crate::support::cluster::{Alone, alone, block_on, poll, tail};
use crate::support::definitions::OPERATOR;
use crate::support::lies::merge;
use crate::support::manifests::{availability_set, machine, network, nic, prefix, public_address, static_nic, subnet};
use crate::support::operator::Operator;
use crate::support::scale_sets::ScaleSet;
use crate::support::space::{Space, at};

const CLUSTER: &str = "clusterrole";
const OWN: &str = "role";

/// An operator whose rights change.
struct Stage<'a> {
    cluster: &'a Alone,
    operator: Option<Operator>,
    log: PathBuf,
    _folder: TempDir,
}

/// A verb of a rule.
struct Right {
    scope: &'static str,
    rule: usize,
    group: &'static str,
    verb: &'static str,
    resources: Vec<String>,
}

impl Right {
    fn every() -> Vec<Self> {
        let scopes = [(CLUSTER, cluster_rules()), (OWN, namespace_rules())];
        let rules = scopes
            .into_iter()
            .flat_map(|(scope, rules)| rules.into_iter().enumerate().map(move |(n, rule)| (scope, n, rule)));
        let rights = rules.flat_map(|(scope, n, rule)| {
            let right = |verb: &&'static str| {
                let resources = rule.resources.clone();
                Self { scope, rule: n, group: rule.group, verb, resources }
            };
            rule.verbs.iter().map(right).collect::<Vec<_>>()
        });
        rights.collect()
    }

    /// The rules of its role without the right to these resources.
    fn without(&self, missing: &BTreeSet<&str>) -> Vec<Value> {
        let rules = if self.scope == CLUSTER { cluster_rules() } else { namespace_rules() };
        let mut all: Vec<Value> = rules.iter().map(Rule::to_json).collect();
        let whole = all.remove(self.rule);
        let others: Vec<&&str> = rules[self.rule].verbs.iter().filter(|verb| **verb != self.verb).collect();
        let rest: Vec<&String> =
            self.resources.iter().filter(|resource| !missing.contains(resource.as_str())).collect();
        let mut part = |field: &str, value: Value, of: Value| {
            if value.as_array().is_some_and(|list| !list.is_empty()) {
                let mut rule = of;
                rule[field] = value;
                all.push(rule);
            }
        };
        part("verbs", json!(others), whole.clone());
        let mut of_the_verb = whole;
        of_the_verb["verbs"] = json!([self.verb]);
        part("resources", json!(rest), of_the_verb);
        all
    }
}

impl<'a> Stage<'a> {
    fn on(cluster: &'a Alone) -> Self {
        cluster.stop_operator();
        let folder = TempDir::new().unwrap();
        Self { cluster, operator: None, log: folder.path().join("log"), _folder: folder }
    }

    fn stop(&mut self) {
        if let Some(operator) = self.operator.take() {
            operator.end("-KILL");
        }
    }

    /// Starts the operator, in place of one that runs; its log begins anew.
    fn start(&mut self) {
        self.stop();
        self.cluster.release_lease(); // of the one that was killed
        let log = File::create(&self.log).unwrap();
        self.operator = Some(Operator::spawn(&self.cluster.operator_kubeconfig(), &[], log).unwrap());
    }

    fn start_ready(&mut self) {
        self.start();
        let operator = self.operator.as_ref().unwrap();
        let ready = poll("the operator is ready", || operator.get("/readyz").filter(|answer| answer.contains(" 200 ")));
        ready.unwrap_or_else(|error| panic!("{error}\n{}", self.said()));
    }

    /// The log, without the marks before quotation marks.
    fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default().replace("\\\"", "\"")
    }

    /// Has the role of a right have these rules.
    fn grant(&self, right: &Right, rules: &[Value]) {
        let patch = json!({"rules": rules}).to_string();
        let arguments = ["patch", right.scope, OPERATOR, "-n", NAMESPACE, "--type=merge", "--patch", &patch];
        let told = self.cluster.kubectl(&arguments, "");
        assert!(told.ok, "{}", told.err);
        for resource in &right.resources {
            let expected = allows(rules, right, resource);
            poll("the API server acts on the role", || (self.may(right, resource) == expected).then_some(())).unwrap();
        }
    }

    /// Whether the API server lets the operator do this.
    fn may(&self, right: &Right, resource: &str) -> bool {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let name = namespace_rules().get(right.rule).and_then(|rule| rule.names.first().copied());
        let attributes = ResourceAttributes {
            group: Some(right.group.to_owned()),
            resource: Some(resource.to_owned()),
            subresource: Some(subresource.to_owned()),
            verb: Some(right.verb.to_owned()),
            namespace: (right.scope == OWN).then(|| NAMESPACE.to_owned()),
            name: name.filter(|_| right.scope == OWN).map(str::to_owned),
            ..ResourceAttributes::default()
        };
        let spec = SubjectAccessReviewSpec {
            resource_attributes: Some(attributes),
            user: Some(format!("system:serviceaccount:{NAMESPACE}:{OPERATOR}")),
            ..SubjectAccessReviewSpec::default()
        };
        let reviews = Api::<SubjectAccessReview>::all(self.cluster.client());
        let review = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
        let answer = block_on(reviews.create(&PostParams::default(), &review)).unwrap();
        answer.status.is_some_and(|status| status.allowed)
    }

    /// Takes a right away, does what needs it, and waits until the log has named it for each resource. What is needed only
    /// after something else is named once that is given back.
    fn lacks(&mut self, right: &Right, act: impl FnOnce(&mut Self)) {
        let mut missing: BTreeSet<&str> = right.resources.iter().map(String::as_str).collect();
        self.grant(right, &right.without(&missing));
        act(self);
        let told =
            |resource: &&str| format!("cannot {} resource \"{resource}\" in API group \"{}\"", right.verb, right.group);
        while !missing.is_empty() {
            let named = poll("the log names the right", || {
                let said = self.said();
                let named: Vec<&str> =
                    missing.iter().copied().filter(|resource| said.contains(&told(resource))).collect();
                (!named.is_empty()).then_some(named)
            });
            let named = named.unwrap_or_else(|error| {
                panic!("{error}: {} {missing:?} of {:?}\n{}", right.verb, right.group, tail(&self.said(), 40))
            });
            missing.retain(|resource| !named.contains(resource));
            self.grant(right, &right.without(&missing));
        }
        self.start_ready();
    }
}

/// The next test has all rights again, also if this one fails.
impl Drop for Stage<'_> {
    fn drop(&mut self) {
        self.stop();
        self.cluster.install().ok();
    }
}

/// Whether a role with these rules allows it.
fn allows(rules: &[Value], right: &Right, resource: &str) -> bool {
    let has = |list: &Value, item: &str| list.as_array().is_some_and(|list| list.iter().any(|one| one == item));
    rules.iter().any(|rule| {
        has(&rule["apiGroups"], right.group) && has(&rule["resources"], resource) && has(&rule["verbs"], right.verb)
    })
}

/// An object of each kind that nothing refers to; of instances that of the scale set in another space.
fn leaves(space: &Space<'_>) {
    space.apply(&network("leaf", "10.9.0.0/16"));
    space.apply(&subnet("leaf", "hub", "10.0.9.0/24"));
    space.apply(&(prefix("leaf", 31) + &public_address("leaf", "Basic") + &availability_set("leaf")));
    space.apply(&(nic("leaf", "web") + &nic("used", "web") + &machine("leaf", &["used"], "")));
    space.apply(&ScaleSet::uniform(0).manifest());
    LEAVES.iter().for_each(|id| drop(space.ready(id)));
}

const LEAVES: [&str; 8] =
    ["vnet/leaf", "subnet/leaf", "pipp/leaf", "pip/leaf", "nic/leaf", "avset/leaf", "vm/leaf", "vmss/api"];
const INSTANCE: &str = "vmssvm/api-0";

/// Edits the status of an object of each kind, which the operator makes good.
fn edit_statuses(leaf: &Space<'_>, uniform: &Space<'_>) {
    let edit = json!({"resourceId": "/changed"});
    LEAVES.iter().for_each(|id| merge(leaf, id, &edit).unwrap());
    merge(uniform, INSTANCE, &edit).unwrap();
}

/// Has the API server refuse every status that is whole.
fn refuse_statuses(cluster: &Alone, leaf: &Space<'_>) {
    let mut items = crd::all();
    for definition in &mut items {
        let status = definition.pointer_mut("/spec/versions/0/schema/openAPIV3Schema/properties/status").unwrap();
        status["x-kubernetes-validations"] = json!([{"rule": "!has(self.resourceId)", "message": "for a test"}]);
    }
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
    let told = cluster.kubectl(&["apply", "--server-side", "--force-conflicts", "-f", "-"], &list);
    assert!(told.ok, "{}", told.err);
    for id in LEAVES {
        let edit = json!({"resourceId": "/changed-again"});
        poll("the schema acts", || merge(leaf, id, &edit).is_err().then_some(())).unwrap();
    }
}

/// Makes the same mistake so often, with a cure after each.
fn mistakes(space: &Space<'_>, count: usize) {
    for _ in 0..count {
        space.apply(&static_nic("wrong", "web", "10.0.1.3"));
        space.refused("nic/wrong");
        space.apply(&nic("wrong", "web"));
        space.ready("nic/wrong");
    }
}

/// What the operator has to do with.
struct Scene<'a> {
    cluster: &'a Alone,
    /// The space of the set `one`, and that of the set `other`.
    uniform: Space<'a>,
    flexible: Space<'a>,
    /// The space of the leaves.
    leaf: Space<'a>,
    one: ScaleSet,
    other: ScaleSet,
}

impl<'a> Scene<'a> {
    fn on(cluster: &'a Alone) -> Self {
        let space = || Space::on(cluster).and_a_subnet();
        let one = ScaleSet::uniform(1).upgraded("mode: Automatic");
        let other = ScaleSet::flexible(1).public_with("idleTimeoutInMinutes: 5").upgraded("mode: Automatic");
        let scene = Self { cluster, uniform: space(), flexible: space(), leaf: space(), one, other };
        scene.uniform.apply(&scene.one.manifest());
        scene.flexible.apply(&scene.other.manifest());
        leaves(&scene.leaf);
        scene.uniform.ready(INSTANCE);
        scene.flexible.ready("vmss/api");
        scene.flexible.ready("vm/api-0");
        scene
    }

    fn scale(&self, replicas: u32) {
        [&self.uniform, &self.flexible].into_iter().for_each(|set| set.scale(replicas));
    }

    fn delete_leaves(&self) {
        LEAVES.iter().for_each(|id| self.leaf.delete(id));
        self.uniform.delete(INSTANCE);
    }

    /// Deletes an object in the operator's namespace.
    fn delete(&self, id: &str) {
        let told = self.cluster.kubectl(&["delete", id, "-n", NAMESPACE], "");
        assert!(told.ok, "{}", told.err);
    }

    /// Does what an operator that runs on the stage needs the right for.
    fn needs(&self, right: &Right, stage: &mut Stage<'_>) {
        match (right.group, right.resources[0].as_str(), right.verb) {
            (_, "virtualnetworks" | "controllerrevisions" | "namespaces", "list" | "watch")
            | (_, "configmaps", "get")
            | (_, "leases", "get" | "patch") => stage.start(),
            (_, "virtualnetworks/status", "update") => edit_statuses(&self.leaf, &self.uniform),
            (_, "virtualnetworks/status", "patch") => {
                let operator = stage.operator.as_ref().unwrap();
                operator.signal("-STOP");
                edit_statuses(&self.leaf, &self.uniform);
                refuse_statuses(self.cluster, &self.leaf);
                operator.signal("-CONT");
            }
            (_, "virtualnetworks", "patch") => self.delete_leaves(),
            (_, "virtualmachinescalesetvms", "create") => self.scale(2),
            (_, "virtualmachinescalesetvms", "delete") => self.scale(1),
            (_, "virtualmachines", "get") => self.flexible.apply(&self.other.clone().forwarding().manifest()),
            (_, "virtualmachinescalesets/finalizers", "update") => self.uniform.scale(3),
            (_, "controllerrevisions", "create") => {
                self.uniform.apply(&self.one.clone().of(3).forwarding().manifest());
            }
            (_, "controllerrevisions", "delete") => self.uniform.apply(&self.one.clone().of(3).manifest()),
            (_, "events", "create") => mistakes(&self.leaf, 1),
            (_, "events", "patch") => mistakes(&self.leaf, 2),
            (_, "configmaps", "create") => {
                self.delete("configmap/vnet-settings");
                stage.start();
            }
            (_, "configmaps", "update") => {
                let other = r#"{"data": {"vm-start": "1s"}}"#;
                let patch = ["patch", "configmap/vnet-settings", "-n", NAMESPACE, "--type=merge", "--patch", other];
                let told = self.cluster.kubectl(&patch, "");
                assert!(told.ok, "{}", told.err);
                stage.start();
            }
            (_, "leases", "create") => {
                stage.stop();
                self.delete("lease/vnet-operator");
                stage.start();
            }
            (group, resource, verb) => panic!("{verb} {resource} of {group:?}: no test shows what fails without it"),
        }
    }
}

#[test]
fn without_any_one_of_its_rights_something_fails_and_the_log_names_it() {
    let cluster = alone();
    let scene = Scene::on(&cluster);
    let mut stage = Stage::on(&cluster);
    stage.start_ready();
    for right in Right::every() {
        stage.lacks(&right, |stage| scene.needs(&right, stage));
        match (right.resources[0].as_str(), right.verb) {
            ("virtualnetworks/status", "patch") => {
                cluster.install().unwrap(); // with schemas that take statuses
                stage.start_ready();
            }
            ("virtualnetworks", "patch") => LEAVES.iter().for_each(|id| scene.leaf.gone(id)),
            _ => {}
        }
    }
    for (space, replicas) in [(&scene.uniform, 3), (&scene.flexible, 1)] {
        let whole = |set: &DynamicObject| {
            ["/readyReplicas", "/updatedReplicas"].iter().all(|count| *at(set, count) == replicas)
        };
        space.ready("vmss/api");
        space.wait("vmss/api", "whole", whole);
    }
}
