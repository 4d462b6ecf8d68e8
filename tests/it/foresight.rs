//! What `vnet plan` says of every manifest that a test applies, of every edit and every deletion, compared with what the
//! operator does: the same objects are refused, by the same rules, codes and paths, the same addresses are given and taken,
//! and of what the plan does not name nothing changes.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::api::core::v1::Namespace as KubeNamespace;
use kube::api::ListParams;
use kube::core::{DynamicObject, Selector};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};
use vnet_operator::api::object::{api_resource, owner};
use vnet_operator::fabric::{Kind, Name, ObjectId, Settings};
use vnet_operator::operator::Namespace;
use vnet_operator::plan::admission::without_nulls;
use vnet_operator::plan::cluster::Cluster;
use vnet_operator::plan::difference::between;
use vnet_operator::plan::manifests::{self, File, Manifests};
use vnet_operator::plan::report::{Difference, PlannedObject, PlannedViolation};
use vnet_operator::plan::state::State;
use vnet_operator::plan::{self, Options, Plan, Prune, merge};

use crate::cluster::block_on;
use crate::space::Space;

/// What is to come, and how much of it is certain.
#[derive(Debug)]
pub struct Foresight {
    plan: Plan,
    /// What there was, at rest: of what the plan does not name, nothing changes.
    before: Cluster,
    /// Whether Dynamic addresses do not depend on who comes first.
    exact: bool,
}

impl Foresight {
    /// What would come of a manifest now; none if that cannot be told from here.
    pub fn of(space: &Space<'_>, manifest: &str) -> Option<Self> {
        Self::beside(space, manifest, None)
    }

    /// As [`Self::of`], of a cluster that holds this instead of what it does.
    fn beside(space: &Space<'_>, manifest: &str, instead: Option<DynamicObject>) -> Option<Self> {
        if !space.cluster.runs_plainly() {
            return None;
        }
        let file = File { name: "applied.yaml".into(), text: manifest.to_owned() };
        let manifests = manifests::read(&[file], &space.name).ok()?;
        let takes = |id: &&ObjectId| matches!(id.kind, Kind::NetworkInterface | Kind::VirtualMachineScaleSet);
        let is_flexible = |object: &Value| object["spec"]["orchestrationMode"] == "Flexible"; // its NICs come as they may
        let asked = manifests.objects.keys().filter(takes);
        let is_calm = !manifests.objects.values().any(|manifest| is_flexible(&manifest.object));
        let mut state = state(space, manifests.objects.values().map(|manifest| &manifest.object))?;
        // Several that wait are served in the order of their creation, of which the API server tells seconds.
        let waits = |object: &DynamicObject| object.data["status"]["programmed"].is_null();
        let waiting = state.objects.iter().filter(|(id, object)| takes(id) && waits(object)).map(|(id, _)| id);
        let exact = is_calm && asked.chain(waiting).collect::<BTreeSet<_>>().len() <= 1;
        if let Some(object) = instead {
            let is_it = |stored: &&mut DynamicObject| stored.metadata.uid == object.metadata.uid;
            let remembers = object.metadata.annotations.clone();
            state.objects.values_mut().filter(is_it).for_each(|stored| stored.metadata.annotations = remembers.clone());
        }
        Some(Self::planned(&manifests, state, Prune::Nothing, exact))
    }

    fn planned(manifests: &Manifests, state: State, prune: Prune, exact: bool) -> Self {
        let options = Options { settings: Settings::default(), prune, now: Timestamp::now() };
        let namespaces = state.namespaces.iter().flatten();
        let namespaces = namespaces.map(|(name, metadata)| (name.clone(), Namespace::of(metadata))).collect();
        let before = Cluster::start(Settings::default(), state.clone(), &namespaces, options.now);
        let plan = plan::plan(manifests, state, &options).expect("the plan comes to rest");
        Self { plan, before: before.expect("the state comes to rest"), exact }
    }

    /// What would come of deleting an object: as if everything else in its namespace were asked for as it is, and what
    /// nobody asks for pruned. None if that cannot be told from here: what belongs to a scale set is not pruned.
    pub fn of_deletion(space: &Space<'_>, object: &DynamicObject) -> Option<Self> {
        if !space.cluster.runs_plainly() || owner(object).is_some() {
            return None;
        }
        let state = state(space, [json!({"spec": object.data["spec"]})].iter())?;
        // Of several that wait, the first to come is served first, which the state does not tell to the second.
        let waits = |object: &&DynamicObject| object.data["status"]["violations"][0]["retry"] == "OnChange";
        if state.objects.values().filter(waits).count() > 1 {
            return None;
        }
        let is_other = |(id, other): &(&ObjectId, &DynamicObject)| {
            *id.name.namespace == *space.name && other.metadata.uid != object.metadata.uid
        };
        let as_it_is = |(id, other): (&ObjectId, &DynamicObject)| {
            let metadata = json!({"name": other.metadata.name, "namespace": other.metadata.namespace});
            let version = "vnet.dev/v1alpha1";
            json!({"apiVersion": version, "kind": id.kind.as_str(), "metadata": metadata, "spec": other.data["spec"]})
        };
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space.name}});
        let others = state.objects.iter().filter(is_other).map(as_it_is);
        let items: Vec<Value> = others.chain([namespace]).collect();
        let text = json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
        let manifests = manifests::read(&[File { name: "kept.yaml".into(), text }], &space.name).ok()?;
        let foresight = Self::planned(&manifests, state, Prune::Labelled(Selector::default()), false);
        let is_of_the_server = |told: &PlannedViolation| ["schema", "CEL"].contains(&told.violation.rule.as_str());
        let told = foresight.plan.objects.iter().flat_map(|object| &object.violations);
        // A test may have stored what the API server would not take now.
        (!told.into_iter().any(is_of_the_server)).then_some(foresight)
    }

    /// What would come of merging a change into an object.
    pub fn of_edit(space: &Space<'_>, object: &DynamicObject, change: &Value) -> Option<Self> {
        let metadata = &object.metadata;
        let mut whole = json!({
            "metadata": {"name": metadata.name, "labels": metadata.labels, "annotations": metadata.annotations},
            "spec": object.data["spec"],
        });
        let touches_more =
            change["metadata"].as_object().is_some_and(|fields| fields.keys().any(|f| f != "annotations"));
        if touches_more {
            return None;
        }
        // Everything that is there counts as applied: what the change takes away goes.
        let mut before = object.clone();
        merge::remember(&mut before, &whole);
        json_patch::merge(&mut whole, change);
        whole["apiVersion"] = json!("vnet.dev/v1alpha1");
        whole["kind"] = json!(object.types.as_ref()?.kind);
        Self::beside(space, &without_nulls(&whole).to_string(), Some(before))
    }

    /// Fails unless the API server was to refuse something, at a field that its answer names.
    pub fn was_refused(&self, told: &str) {
        let refused = self.plan.objects.iter().flat_map(|object| &object.violations);
        let paths: Vec<&str> = refused.map(|refused| refused.violation.path.as_str()).collect();
        let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
        let names = paths.iter().any(|path| told.contains(&last(path)));
        assert!(names, "the API server says:\n{told}\nand the plan:\n{:#?}", self.plan.objects);
    }

    /// What is said of an object, if it is said to be refused or to change.
    fn said_of(&self, object: &DynamicObject) -> Option<&PlannedObject> {
        let kind = &object.types.as_ref()?.kind;
        let is_it = |planned: &&PlannedObject| {
            let named = (Some(&planned.object.name), Some(&planned.object.namespace));
            planned.object.kind == *kind && named == (object.metadata.name.as_ref(), object.metadata.namespace.as_ref())
        };
        self.plan.objects.iter().find(is_it)
    }

    /// Whether the object is as foreseen: refused for the same, with the same addresses; as before, if nothing is foreseen.
    pub fn is_true_of(&self, object: &DynamicObject) -> Result<(), String> {
        let Some(planned) = self.said_of(object) else { return self.is_as_before(object) };
        let status = &object.data["status"];
        let foreseen = told(&json!(planned.violations));
        if told(&status["violations"]) != foreseen {
            return Err(format!("the plan said that it breaks {foreseen:?}"));
        }
        let shown: BTreeMap<String, Value> =
            between(&Value::Null, status, "").into_iter().map(|told| (told.path, told.after)).collect();
        for Difference { path, after, .. } in &planned.allocations {
            let has = shown.get(path).unwrap_or(&Value::Null);
            let is_as_said = match path.rsplit('.').next() {
                Some("privateIPAddress") if self.exact => has == after,
                // Which one is given depends on others too; whether one is does not.
                Some("privateIPAddress" | "ipAddress" | "ipPrefix") => has.is_null() == after.is_null(),
                _ => true,
            };
            if !is_as_said {
                return Err(format!("the plan said that it has {after} at {path}, and it has {has}"));
            }
        }
        Ok(())
    }

    /// Whether an object of which the plan says nothing is refused for what it was, and has the addresses that it had.
    fn is_as_before(&self, object: &DynamicObject) -> Result<(), String> {
        let is_it = |stored: &&DynamicObject| stored.metadata.uid == object.metadata.uid;
        let Some(before) = self.before.server().objects().values().find(is_it) else { return Ok(()) };
        let (was, is) = (&before.data["status"], &object.data["status"]);
        if told(&was["violations"]) != told(&is["violations"]) {
            return Err(format!("the plan said nothing of it, and it broke {:?} before", told(&was["violations"])));
        }
        let moved = between(&was["programmed"], &is["programmed"], "programmed").into_iter();
        let own = ["ipAddress", "ipPrefix", "ipConfigurations", "networkInterfaces"];
        let moved = moved.chain(own.iter().flat_map(|field| between(&was[field], &is[field], field)));
        let is_address = |told: &Difference| told.path.ends_with("Address") || told.path.ends_with("ipPrefix");
        match moved.filter(is_address).find(|_| self.exact) {
            Some(moved) => Err(format!("the plan said nothing of it, and it is another: {moved:?}")),
            None => Ok(()),
        }
    }
}

/// Rule, code and path of each violation.
fn told(violations: &Value) -> Vec<String> {
    let all = violations.as_array().into_iter().flatten();
    all.map(|v| format!("{} {} {}", v["rule"], v["code"], v["path"])).collect()
}

/// The namespaces that a spec refers to.
fn referred(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(referred).collect(),
        Value::Object(fields) => {
            let own = fields.get("namespace").and_then(Value::as_str).map(str::to_owned);
            fields.values().flat_map(referred).chain(own).collect()
        }
        _ => BTreeSet::new(),
    }
}

/// What there is in the namespace of a test, and in those that are referred to from it.
fn state<'a>(space: &Space<'_>, manifests: impl Iterator<Item = &'a Value>) -> Option<State> {
    let mut wanted: BTreeSet<String> = manifests.flat_map(|manifest| referred(&manifest["spec"])).collect();
    wanted.insert(space.name.clone());
    let mut state = State { namespaces: Some(BTreeMap::new()), ..State::default() };
    let client = space.cluster.client();
    while let Some(namespace) = wanted.pop_first() {
        let known = state.namespaces.get_or_insert_default();
        if known.contains_key(namespace.as_str()) {
            continue;
        }
        let Ok(there) = block_on(Api::<KubeNamespace>::all(client.clone()).get(&namespace)) else { continue };
        known.insert(namespace.as_str().into(), there.metadata);
        for kind in Kind::ALL {
            let api = Api::<DynamicObject>::namespaced_with(client.clone(), &namespace, &api_resource(*kind));
            // A test may store what cannot be read.
            let Ok(list) = block_on(api.list(&ListParams::default())) else { return None };
            for object in list {
                wanted.extend(referred(&object.data["spec"]));
                state.objects.insert(ObjectId::new(*kind, Name::new(namespace.as_str(), object.name_any())), object);
            }
        }
        let revisions = Api::<ControllerRevision>::namespaced(client.clone(), &namespace);
        state.revisions.extend(block_on(revisions.list(&ListParams::default())).expect("a list"));
    }
    Some(state)
}

impl Space<'_> {
    /// Waits until the object is as `vnet plan` said, if it said anything since the last change.
    pub fn as_foreseen(&self, id: &str, object: DynamicObject) -> DynamicObject {
        let Some(foresight) = self.foresee(None) else { return object };
        let now = match foresight.is_true_of(&object) {
            Ok(()) => object,
            // It is on its way, perhaps.
            Err(why) => self.wait(id, &format!("as planned: {why}"), |object| foresight.is_true_of(object).is_ok()),
        };
        self.foresee(Some(foresight));
        now
    }
}
