//! A namespace of its own for a test, and what a test does in it: apply, edit, delete, and wait for a state.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::core::{DynamicObject, ObjectMeta};
use kube::runtime::wait::await_condition;
use serde_json::{Value, json};
use vnet_operator::api::crd;
use vnet_operator::api::object::api_resource;
use vnet_operator::fabric::{Kind, Name, ObjectId};

use crate::support::cluster::{self, Cluster, DEADLINE, Told, block_on, in_time, tail};
use crate::support::contract;
use crate::support::foresight::{Asked, Foresight};
use crate::support::manifests;

/// A namespace that one test has to itself.
pub struct Space<'a> {
    /// The cluster that it is in.
    pub cluster: &'a Cluster,
    /// Its name.
    pub name: String,
    /// What `vnet plan` said of the last change; none where it was not asked.
    foresight: Mutex<Option<Foresight>>,
    /// Whether the test has made it, so that it goes with the test.
    is_own: bool,
}

impl Space<'static> {
    /// An empty namespace of the shared cluster.
    pub fn empty() -> Self {
        Self::on(cluster::shared())
    }

    /// An empty namespace of the shared cluster with these labels, from its creation on.
    pub fn labelled(labels: &[(&str, &str)]) -> Self {
        Self::on_with(cluster::shared(), labels)
    }

    /// A namespace of the shared cluster with a virtual network `hub`, 10.0.0.0/16, and its subnet `web`, 10.0.1.0/24.
    pub fn with_a_subnet() -> Self {
        Self::empty().and_a_subnet()
    }
}

impl<'a> Space<'a> {
    /// An empty namespace, named after the test.
    pub fn on(cluster: &'a Cluster) -> Self {
        Self::on_with(cluster, &[])
    }

    /// The namespace of this name, whether it is there or not.
    pub fn named(cluster: &'a Cluster, name: &str) -> Self {
        Self { cluster, name: name.to_owned(), foresight: Mutex::new(None), is_own: false }
    }

    fn on_with(cluster: &'a Cluster, labels: &[(&str, &str)]) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(1);
        let thread = std::thread::current();
        let test = thread.name().and_then(|name| name.rsplit("::").next()).unwrap_or("test").replace('_', "-");
        let short: String = test.chars().take(50).collect();
        let name = format!("t{}-{}", COUNT.fetch_add(1, Ordering::Relaxed), short.trim_end_matches('-'));
        let space = Self { cluster, name, foresight: Mutex::new(None), is_own: true };
        space.create_with(labels);
        space
    }

    /// Creates the namespace, where it has been deleted.
    pub fn create(&self) {
        self.create_with(&[]);
    }

    fn create_with(&self, labels: &[(&str, &str)]) {
        let namespaces = Api::<Namespace>::all(self.cluster.client());
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let metadata = ObjectMeta { name: Some(self.name.clone()), labels: Some(labels), ..ObjectMeta::default() };
        let namespace = Namespace { metadata, ..Namespace::default() };
        block_on(namespaces.create(&PostParams::default(), &namespace)).expect("the namespace is new");
    }

    /// With a virtual network `hub`, 10.0.0.0/16, and its subnet `web`, 10.0.1.0/24.
    pub fn and_a_subnet(self) -> Self {
        self.apply(&manifests::network("hub", "10.0.0.0/16"));
        self.apply(&manifests::subnet("web", "hub", "10.0.1.0/24"));
        self.ready("subnet/web");
        self
    }

    /// With one more subnet of `hub`.
    pub fn and_subnet(self, name: &str, prefix: &str) -> Self {
        self.apply(&manifests::subnet(name, "hub", prefix));
        self.ready(&format!("subnet/{name}"));
        self
    }

    /// Objects of a kind.
    pub fn objects(&self, kind: Kind) -> Api<DynamicObject> {
        Api::namespaced_with(self.cluster.client(), &self.name, &api_resource(kind))
    }

    /// Everything of every kind that is there.
    pub fn all(&self) -> Vec<DynamicObject> {
        let list = |kind: &Kind| block_on(self.objects(*kind).list(&ListParams::default())).expect("a list").items;
        Kind::ALL.iter().flat_map(list).collect()
    }

    /// The object, as it is now.
    pub fn get(&self, id: &str) -> DynamicObject {
        let (kind, name) = read(id);
        block_on(self.objects(kind).get(name)).unwrap_or_else(|error| panic!("{id}: {error}"))
    }

    /// A word with which no other test begins a name: what is unique beyond a namespace is named so.
    pub fn own(&self, word: &str) -> String {
        format!("{word}-{}", self.name.split('-').next().unwrap_or_default())
    }

    // Changes.

    /// Runs kubectl in this namespace.
    pub fn kubectl(&self, arguments: &[&str], input: &str) -> Told {
        let told = match arguments {
            ["get" | "describe" | "explain" | "wait" | "diff" | "config", ..] => self.kubectl_unseen(arguments, input),
            _ => {
                let asked = || Asked::of_kubectl(self, arguments, input);
                let kubectl = || self.kubectl_unseen(arguments, input);
                self.change(asked, kubectl, |told| (!told.ok).then(|| told.err.clone()))
            }
        };
        let waits = matches!(arguments, ["wait" | "delete", ..]) && !arguments.contains(&"--wait=false");
        if told.ok && waits {
            self.awaited();
        }
        told
    }

    /// Runs kubectl in this namespace, whatever it changes.
    pub fn kubectl_unseen(&self, arguments: &[&str], input: &str) -> Told {
        let arguments: Vec<&str> = ["--namespace", &self.name].iter().chain(arguments).copied().collect();
        self.cluster.kubectl(&arguments, input)
    }

    /// Runs kubectl, which succeeds; returns what it prints.
    pub fn kubectl_ok(&self, arguments: &[&str], input: &str) -> String {
        let told = self.kubectl(arguments, input);
        assert!(told.ok, "kubectl {arguments:?} failed: {}{}\n{input}", told.err, told.out);
        told.out
    }

    /// `kubectl apply -f -`
    pub fn apply(&self, manifest: &str) {
        let arguments = ["apply", "-f", "-"];
        let apply = || match self.creates(manifest) {
            true => Ok(()),
            false => match self.kubectl_unseen(&arguments, manifest) {
                told if told.ok => Ok(()),
                told => Err(told.err),
            },
        };
        let asked = || Asked::of_kubectl(self, &arguments, manifest);
        let applied = self.change(asked, apply, |applied| applied.clone().err());
        applied.unwrap_or_else(|error| panic!("kubectl apply failed: {error}\n{manifest}"));
    }

    /// Labels the namespace again.
    pub fn label(&self, label: &str) {
        self.kubectl_ok(&["label", "--overwrite", "namespace", &self.name, label], "");
    }

    /// `kubectl apply -f -`, which the API server refuses with this message.
    pub fn apply_refused(&self, manifest: &str) -> String {
        let told = self.kubectl(&["apply", "-f", "-"], manifest);
        assert!(!told.ok, "the API server took this:\n{manifest}");
        told.err
    }

    /// Merges `change` into the object.
    pub fn edit(&self, id: &str, change: &Value) -> DynamicObject {
        let (kind, name) = read(id);
        let asked = || Some(Asked::merged(&self.get(id), change));
        let patch = || block_on(self.objects(kind).patch(name, &PatchParams::default(), &Patch::Merge(change)));
        self.change(asked, patch, refusal).unwrap_or_else(|error| panic!("{id}: {error}"))
    }

    /// Merges `change` into the object's spec.
    pub fn edit_spec(&self, id: &str, change: &Value) {
        self.edit(id, &json!({"spec": change}));
    }

    /// Asks for the deletion of the object, and does not wait for it.
    pub fn delete(&self, id: &str) {
        let (kind, name) = read(id);
        let asked = || Some(Asked::Deleted(vec![ObjectId::new(kind, Name::new(self.name.as_str(), name))]));
        let delete = || block_on(self.objects(kind).delete(name, &DeleteParams::default()));
        self.change(asked, delete, refusal).unwrap_or_else(|error| panic!("{id}: {error}"));
    }

    /// From here on this is what `vnet plan` said of the last change; returns what it was before.
    pub fn foresee(&self, foresight: Option<Foresight>) -> Option<Foresight> {
        std::mem::replace(&mut self.foresight.lock().unwrap_or_else(PoisonError::into_inner), foresight)
    }

    fn awaited(&self) {
        let mut foresight = self.foresight.lock().unwrap_or_else(PoisonError::into_inner);
        foresight.as_mut().into_iter().for_each(Foresight::is_awaited);
    }

    // Waiting.

    /// Waits until the object is so. Every state on the way keeps to the status contract.
    pub fn wait(&self, id: &str, what: &str, done: impl Fn(&DynamicObject) -> bool) -> DynamicObject {
        let (kind, name) = read(id);
        let condition = |object: Option<&DynamicObject>| {
            let Some(object) = object else { return false };
            if let Some(broken) = contract::broken(object) {
                panic!("{id} breaks the status contract: {broken}\n{}", yaml(object));
            }
            done(object)
        };
        let seen = in_time(await_condition(self.objects(kind), name, condition));
        match seen {
            Some(Ok(Some(object))) => {
                self.awaited();
                object
            }
            Some(other) => self.fail(id, &format!("{what}: {other:?}")),
            None => self.fail(id, what),
        }
    }

    /// Waits until the object is gone, or is another of the same name.
    pub fn gone(&self, id: &str) {
        let (kind, name) = read(id);
        let Ok(object) = block_on(self.objects(kind).get(name)) else { return };
        let gone = |now: Option<&DynamicObject>| now.is_none_or(|now| now.metadata.uid != object.metadata.uid);
        if in_time(await_condition(self.objects(kind), name, gone)).is_none() {
            self.fail(id, "gone");
        }
        self.awaited();
    }

    /// Waits until the fabric carries the object as it is asked for now.
    pub fn ready(&self, id: &str) -> DynamicObject {
        let ready = self.wait(id, "Ready", |object| contract::kstatus(object) == contract::Health::Current);
        self.as_foreseen(id, ready)
    }

    fn fail(&self, id: &str, what: &str) -> ! {
        let (kind, name) = read(id);
        let object = block_on(self.objects(kind).get(name));
        let object = object.map_or_else(|error| error.to_string(), |object| yaml(&object));
        let log: Vec<String> =
            self.cluster.log().lines().filter(|line| line.contains(&self.name)).map(str::to_owned).collect();
        panic!(
            "{id} is not so within {DEADLINE:?}: {what}\n{object}\nThe operator's log of this namespace ({}):\n{}",
            self.cluster.log_path().display(),
            tail(&log.join("\n"), 40),
        );
    }
}

fn refusal<T>(answer: &kube::Result<T>) -> Option<String> {
    answer.as_ref().err().map(ToString::to_string)
}

impl Drop for Space<'_> {
    /// What the last change came to is compared too. On a cluster of one test the next one deletes what is left.
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        self.as_foreseen_so_far(None);
        if self.is_own && self.cluster.is_shared() {
            self.cluster.abandon(&self.name);
        }
    }
}

/// The object as it is asked for: `NetworkInterface/web-1`.
pub fn id(object: &DynamicObject) -> String {
    let kind = object.types.as_ref().map_or("", |types| &types.kind);
    format!("{kind}/{}", object.metadata.name.as_deref().unwrap_or_default())
}

/// `nic/web-1` or `NetworkInterface/web-1`: kind and name.
fn read(id: &str) -> (Kind, &str) {
    let (kind, name) = id.split_once('/').expect("kind/name");
    static SHORT: LazyLock<BTreeMap<String, Kind>> = LazyLock::new(short_names);
    let named = || Kind::ALL.iter().copied().find(|known| known.as_str().eq_ignore_ascii_case(kind));
    let known = SHORT.get(kind).copied().or_else(named);
    (known.unwrap_or_else(|| panic!("{kind} is no kind")), name)
}

/// As the definitions have them.
fn short_names() -> BTreeMap<String, Kind> {
    let names = |definition: Value| serde_json::from_value(definition["spec"]["names"]["shortNames"].clone());
    let short = crd::all().into_iter().map(|definition| names(definition).unwrap_or_default());
    let each = |(short, kind): (Vec<String>, &Kind)| short.into_iter().map(|short| (short, *kind)).collect::<Vec<_>>();
    short.zip(Kind::ALL).flat_map(each).collect()
}

/// The object as a user would look at it.
pub fn yaml(object: &DynamicObject) -> String {
    let mut object = object.clone();
    object.metadata.managed_fields = None;
    serde_saphyr::to_string(&object).unwrap_or_default()
}

/// What the status says, by path: `at(&nic, "/ipConfigurations/0/privateIPAddress")`.
pub fn at<'a>(object: &'a DynamicObject, pointer: &str) -> &'a Value {
    object.data["status"].pointer(pointer).unwrap_or(&Value::Null)
}

/// The private address of the primary configuration of a NIC.
pub fn address(nic: &DynamicObject) -> &str {
    at(nic, "/ipConfigurations/0/privateIPAddress").as_str().unwrap_or_else(|| panic!("no address:\n{}", yaml(nic)))
}
