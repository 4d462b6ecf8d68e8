//! What `vnet plan` says of every change that a test makes, compared with what the operator does: the same objects are
//! there, refused by the same rules, codes and paths, with the same addresses, and of what the plan does not name nothing
//! changes.
//!
//! Seen is what goes through `Space::change`: `kubectl` with apply (also of files and folders), create, replace, patch,
//! annotate, label (also of the Namespace), scale and delete, and what tests send without it. Compared is the object
//! that a test waits for, as soon as it has come, and every other one of the namespace and of those that it refers to, once
//! the test has waited for any, before its next change and at its end (`foresight::all`).
//!
//! `VNET_FORESIGHT_SAMPLE=4` plans and compares one change in four (`sample`). It says nothing about the others.
//!
//! Not compared:
//! * what is on its way (a VM that starts, an upgrade between two batches), unless the test waits for it,
//! * what the plan itself says depends on who comes first, and what only some of several come to that wait alike (which of
//!   two NICs of one manifest has the lower Dynamic address, of those that wait since the same second who is served),
//! * the values of new public addresses on the shared cluster, whose pools all tests use: whether there is one is. On clusters
//!   of one test, and inside a prefix that the namespace holds, the values are compared.
//! * what no plan can know: operators that are killed, or run with flags; statuses that users write; finalizers and
//!   owners that a user changes; orphans, and the deletion of what a scale set made, which is not pruned; Namespaces that
//!   are deleted; `vnet upgrade`; changes in another namespace while those in this one are on their way.

mod all;
mod asked;
mod sample;
mod state;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use kube::core::DynamicObject;
use serde_json::{Value, json};
use vnet_operator::fabric::{Kind, ObjectId, Settings};
use vnet_operator::operator::Namespace;
use vnet_operator::plan::cluster::Cluster;
use vnet_operator::plan::consequences::{ALLOCATED, MODELS, REPEATED};
use vnet_operator::plan::difference::between;
use vnet_operator::plan::report::{Difference, PlannedObject};
use vnet_operator::plan::state::State;
use vnet_operator::plan::{self, Options, Plan};

pub use self::asked::Asked;
use self::asked::Given;
use crate::support::space::Space;

/// What stands for the rule where the API server refuses.
const OF_THE_SERVER: [&str; 2] = ["schema", "CEL"];

thread_local! {
    /// How many changes a test has made, in whatever namespace.
    static CHANGES: Cell<usize> = const { Cell::new(0) };
}

/// What is to come, and how much of it is certain.
#[derive(Debug)]
pub struct Foresight {
    plan: Plan,
    /// What there was, at rest: of what the plan does not name, nothing changes.
    before: Cluster,
    /// Whether Dynamic addresses do not depend on who comes first.
    exact: bool,
    /// Whether no other namespace has public addresses that the plan does not know of.
    alone: bool,
    /// Which change of the test it is, from 1.
    change: usize,
    /// Whether the test has waited for anything since.
    awaited: bool,
}

impl Foresight {
    /// The effect of a change now; none if that cannot be known from here.
    fn of(space: &Space<'_>, asked: Asked, mut state: State) -> Option<Self> {
        let takes = |id: &&ObjectId| matches!(id.kind, Kind::NetworkInterface | Kind::VirtualMachineScaleSet);
        let is_deletion = matches!(asked, Asked::Deleted(_));
        let Given { manifests, prune } = asked.given(space, &mut state)?;
        // Several that wait are served in the order of their creation, which the API server records in seconds.
        let waits = |object: &DynamicObject| object.data["status"]["programmed"].is_null();
        let waiting = state.objects.iter().filter(|(_, object)| waits(object)).map(|(id, _)| id);
        let asked = manifests.objects.keys().filter(|_| !is_deletion);
        let takers = asked.chain(waiting).filter(takes).collect::<BTreeSet<_>>().len();
        let may_be_cured = |object: &&DynamicObject| object.data["status"]["violations"][0]["retry"] == "OnChange";
        if is_deletion && state.objects.values().filter(may_be_cured).count() > 1 {
            return None;
        }
        let is_flexible = |object: &Value| object["spec"]["orchestrationMode"] == "Flexible"; // its NICs come as they may
        let is_calm = !manifests.objects.values().any(|manifest| is_flexible(&manifest.object));
        let options = Options { settings: Settings::default(), prune, server_side: None, now: Timestamp::now() };
        let namespaces = state.namespaces.iter().flatten();
        let namespaces = namespaces.map(|(name, metadata)| (name.clone(), Namespace::of(metadata))).collect();
        let before = Cluster::start(Settings::default(), state.clone(), &namespaces, options.now);
        let plan = plan::plan(&manifests, state, &options).expect("the plan comes to rest");
        // A test may have stored what the API server would not take now.
        if is_deletion && plan.objects.iter().any(is_refused_at_once) {
            return None;
        }
        Some(Self {
            plan,
            before: before.expect("the state comes to rest"),
            exact: is_calm && takers <= 1,
            alone: !space.cluster.is_shared(),
            change: CHANGES.get(),
            awaited: false,
        })
    }

    /// From here on it counts that the test has waited for the effect of the change.
    pub fn is_awaited(&mut self) {
        self.awaited = true;
    }

    /// Fails unless the API server was to refuse something, at a field that its answer names. What else it may refuse (the size
    /// of a request, its encoding, an edit of another version) no plan is made.
    fn was_refused(&self, told: &str) {
        if !["spec.", "spec:", "metadata."].iter().any(|field| told.contains(field)) || told.contains("resourceVersion")
        {
            return;
        }
        let refused = self.plan.objects.iter().flat_map(|object| &object.violations);
        let paths: Vec<&str> = refused.map(|refused| refused.violation.path.as_str()).collect();
        let field = |path: &str| path.rsplit('.').next().and_then(|last| last.split('[').next()).map(str::to_owned);
        let names = paths.iter().filter_map(|path| field(path)).any(|field| told.contains(&field));
        assert!(names, "the API server says:\n{told}\nand the plan:\n{:#?}", self.plan.objects);
    }

    /// True if it says that the API server refuses something.
    fn refuses_at_once(&self) -> bool {
        self.plan.objects.iter().any(is_refused_at_once)
    }

    /// Fails if the API server was to refuse something.
    fn was_taken(&self) {
        assert!(!self.refuses_at_once(), "the API server took it, and the plan refuses it: {:#?}", self.plan.objects);
    }

    /// What is said of an object, if it is said to be refused or to change.
    fn said_of(&self, kind: &str, object: &DynamicObject) -> Option<&PlannedObject> {
        let is_it = |planned: &&PlannedObject| {
            let named = (Some(&planned.object.name), Some(&planned.object.namespace));
            planned.object.kind == kind && named == (object.metadata.name.as_ref(), object.metadata.namespace.as_ref())
        };
        self.plan.objects.iter().find(is_it)
    }

    /// Whether the object is as foreseen: refused for the same, with the same addresses; as before, if nothing is foreseen.
    pub fn is_true_of(&self, kind: &str, object: &DynamicObject) -> Result<(), String> {
        let is_it = |stored: &&DynamicObject| stored.metadata.uid == object.metadata.uid;
        let before = self.before.server().objects().values().find(is_it).map(|before| &before.data["status"]);
        let said = self.said_of(kind, object);
        let said = said.filter(|said| !is_refused_at_once(said)); // such an object stays as it is
        let (foreseen, source) = match (said, before) {
            (Some(said), _) => (told(&json!(said.violations)), "the plan said that it breaks"),
            (None, Some(before)) => (told(&before["violations"]), "the plan said nothing of it, and before it broke"),
            (None, None) => return Ok(()),
        };
        let status = &object.data["status"];
        if told(&status["violations"]) != foreseen {
            return Err(format!("{source} {foreseen:?}"));
        }
        let (was, is) = (before.map(given).unwrap_or_default(), given(status));
        let changes: BTreeMap<&str, &Difference> =
            said.iter().flat_map(|said| &said.allocations).map(|told| (told.path.as_str(), told)).collect();
        let paths: BTreeSet<&str> =
            was.keys().chain(is.keys()).map(String::as_str).chain(changes.keys().copied()).collect();
        for path in paths.into_iter().filter(|path| is_given(path)) {
            let value = |of: &BTreeMap<String, Value>| of.get(path).cloned().unwrap_or_default();
            let (has, had) = (value(&is), value(&was));
            let is_as_said = match changes.get(path) {
                // A plan shows the model of what was there before.
                None if had.is_null() && MODELS.contains(&path) => true,
                None => has == had,
                Some(told) if self.is_certain(told, &has) || asks_for(object, &told.after) => has == told.after,
                // Which one is given depends on others too; whether one is does not.
                Some(told) => has.is_null() == told.after.is_null(),
            };
            if !is_as_said {
                let said = changes
                    .get(path)
                    .map_or_else(|| format!("it stays {had}"), |told| format!("it becomes {}", told.after));
                return Err(format!("the plan said of {path} that {said}, and it is {has}"));
            }
        }
        match said.filter(|said| said.made_for.is_some() && said.violations.is_empty()) {
            Some(said) => is_written_as(said, object),
            None => Ok(()),
        }
    }

    /// Whether a value is what the plan says, and not only one of its kind.
    fn is_certain(&self, told: &Difference, has: &Value) -> bool {
        match told.field() {
            "privateIPAddress" => self.exact,
            "ipAddress" | "ipPrefix" => {
                let takers =
                    self.plan.objects.iter().filter(|object| object.allocations.iter().any(takes_public_address));
                takers.filter(|object| object.object.kind.starts_with("PublicIP")).count() <= 1
                    && (self.alone
                        || [&told.after, has].into_iter().any(|address| self.is_of_a_prefix_that_is_there(address)))
            }
            _ => true,
        }
    }

    fn is_of_a_prefix_that_is_there(&self, address: &Value) -> bool {
        let prefixes =
            self.before.server().objects().values().filter_map(|object| object.data["status"]["ipPrefix"].as_str());
        let mut prefixes = prefixes.filter_map(|prefix| prefix.parse::<ipnet::IpNet>().ok());
        let address = address.as_str().and_then(|address| address.parse::<std::net::IpAddr>().ok());
        address.is_some_and(|address| prefixes.any(|prefix| prefix.contains(&address)))
    }
}

/// Whether the fields of an object that the operator writes for a scale set are what the plan says.
fn is_written_as(said: &PlannedObject, object: &DynamicObject) -> Result<(), String> {
    let all = json!({"metadata": object.metadata, "spec": object.data["spec"]});
    let all: BTreeMap<String, Value> =
        between(&Value::Null, &all, "").into_iter().map(|told| (told.path, told.after)).collect();
    let is_other = |told: &&Difference| {
        let is_single = !told.after.is_array() && !told.after.is_object();
        is_single && all.get(&told.path).unwrap_or(&Value::Null) != &told.after
    };
    match said.fields.iter().find(is_other) {
        Some(told) => Err(format!("the plan said of {} that it becomes {}", told.path, told.after)),
        None => Ok(()),
    }
}

/// True if the spec names this address itself.
fn asks_for(object: &DynamicObject, address: &Value) -> bool {
    let configurations = object.data["spec"]["ipConfigurations"].as_array().into_iter().flatten();
    address.is_string() && configurations.into_iter().any(|configuration| configuration["privateIPAddress"] == *address)
}

fn is_refused_at_once(planned: &PlannedObject) -> bool {
    planned.violations.iter().any(|told| OF_THE_SERVER.contains(&told.violation.rule.as_str()))
}

fn takes_public_address(told: &Difference) -> bool {
    matches!(told.field(), "ipAddress" | "ipPrefix") && !told.after.is_null()
}

/// Rule, code and path of each violation.
fn told(violations: &Value) -> Vec<String> {
    let all = violations.as_array().into_iter().flatten();
    all.map(|v| format!("{} {} {}", v["rule"], v["code"], v["path"])).collect()
}

/// What the fabric gave, by path.
fn given(status: &Value) -> BTreeMap<String, Value> {
    let told = between(&Value::Null, status, "").into_iter();
    told.filter(|told| is_given(&told.path)).map(|told| (told.path, told.after)).collect()
}

fn is_given(path: &str) -> bool {
    let first = path.split(['.', '[']).next().unwrap_or_default();
    let last = path.rsplit('.').next().unwrap_or_default();
    // A MAC address comes with a start, which may be on its way.
    let is_told = ALLOCATED.contains(&last) && last != "macAddress" || MODELS[..2].contains(&last);
    is_told && !REPEATED.contains(&first)
}
