//! What a test asks the API server for, read before it is sent: by the rules of `vnet plan` where that is a manifest, and
//! else as the API server itself says, in a dry run, what it would store or delete.
//!
//! Not here: the effect.

use std::fs;
use std::path::Path;

use kube::core::{DynamicObject, Selector};
use serde_json::{Deserializer, Value, json};
use vnet_operator::fabric::{Kind, Name, ObjectId};
use vnet_operator::plan::Prune;
use vnet_operator::plan::admission::without_nulls;
use vnet_operator::plan::manifests::{self, File, Manifests};
use vnet_operator::plan::merge;
use vnet_operator::plan::state::State;

use crate::support::space::Space;

/// A change that can be planned.
pub enum Asked {
    /// To apply manifests.
    Applied(Manifests),
    /// To store these objects, which are whole.
    Stored(Vec<Value>),
    /// To delete these.
    Deleted(Vec<ObjectId>),
}

/// What `vnet plan` is given for it, beside the state.
pub struct Given {
    /// What is asked for.
    pub manifests: Manifests,
    /// What is deleted beside.
    pub prune: Prune,
}

impl Asked {
    /// To apply these manifests; none if they cannot be read, or hold nothing of ours.
    fn manifests(space: &Space<'_>, files: &[File]) -> Option<Self> {
        let manifests = manifests::read(files, &space.name).ok()?;
        let is_empty = manifests.objects.is_empty() && manifests.namespaces.is_empty();
        (!is_empty).then_some(Self::Applied(manifests))
    }

    /// To merge a change into an object.
    pub fn merged(object: &DynamicObject, change: &Value) -> Self {
        let mut whole = serde_json::to_value(object).expect("it is JSON");
        json_patch::merge(&mut whole, change);
        Self::Stored(vec![whole])
    }

    /// To create what a request holds.
    pub fn created(space: &Space<'_>, body: &[u8]) -> Option<Self> {
        Self::manifests(space, &[stdin(std::str::from_utf8(body).ok()?)])
    }

    /// What a command of kubectl changes. None if it changes nothing, or what no plan knows of: statuses, objects of others
    /// or a Namespace as a whole, and what becomes of the orphans of a scale set.
    pub fn of_kubectl(space: &Space<'_>, arguments: &[&str], input: &str) -> Option<Self> {
        let unknown = ["--dry-run", "--subresource", "--cascade=orphan"];
        if arguments.iter().any(|argument| unknown.iter().any(|unknown| argument.starts_with(unknown))) {
            return None;
        }
        if let ["apply", rest @ ..] = arguments
            && let Some(files) = files(rest, input)
        {
            return Self::manifests(space, &files);
        }
        let in_a_dry_run = |form: &str| {
            let told = space.kubectl_unseen(&[arguments, &["--dry-run=server", "-o", form]].concat(), input);
            told.ok.then_some(told.out)
        };
        match arguments {
            ["delete", ..] => {
                let named = in_a_dry_run("name")?;
                named.lines().map(|named| object_id(space, named)).collect::<Option<Vec<_>>>().map(Self::Deleted)
            }
            // A dry run of it prints the object as it was.
            ["scale", id, rest @ ..] => {
                let replicas = rest.iter().find_map(|argument| argument.strip_prefix("--replicas="))?;
                let replicas: u32 = replicas.parse().ok()?;
                Some(Self::merged(&space.get(id), &json!({"spec": {"replicas": replicas}})))
            }
            ["annotate" | "apply" | "create" | "label" | "patch" | "replace", ..] => {
                Self::stored(&in_a_dry_run("json")?)
            }
            _ => None,
        }
    }

    /// To store what is printed as JSON.
    fn stored(printed: &str) -> Option<Self> {
        let all: Vec<Value> = Deserializer::from_str(printed).into_iter().collect::<Result<_, _>>().ok()?;
        let of_a_list = |object: Value| match object["items"].as_array() {
            Some(items) => items.clone(),
            None => vec![object],
        };
        let all: Vec<Value> = all.into_iter().flat_map(of_a_list).collect();
        let is_known = |object: &Value| {
            let is_ours = object["apiVersion"] == "vnet.dev/v1alpha1" || object["kind"] == "Namespace";
            is_ours && object["metadata"]["name"].is_string()
        };
        (!all.is_empty() && all.iter().all(is_known)).then_some(Self::Stored(all))
    }

    /// All that is written of specs, in which references are.
    pub fn specs(&self) -> Vec<&Value> {
        match self {
            Self::Applied(manifests) => manifests.objects.values().map(|manifest| &manifest.object["spec"]).collect(),
            Self::Stored(objects) => objects.iter().map(|object| &object["spec"]).collect(),
            Self::Deleted(_) => Vec::new(),
        }
    }

    /// The same for `vnet plan`. The state has what users had asked for before, where that is known here only. None if
    /// no plan can be asked for it: what a scale set made is not pruned, and nobody plans owners and finalizers.
    pub fn given(self, space: &Space<'_>, state: &mut State) -> Option<Given> {
        match self {
            Self::Applied(manifests) => Some(Given { manifests, prune: Prune::Nothing }),
            Self::Stored(objects) => {
                objects.iter().try_for_each(|object| was_asked_for(space, object, state))?;
                let manifests = list(space, objects.iter().map(written).collect())?;
                Some(Given { manifests, prune: Prune::Nothing })
            }
            // As if everything else in its namespace were asked for as it is, and what nobody asks for pruned.
            Self::Deleted(ids) => {
                let made = |id: &ObjectId| state.objects.get(id).is_none_or(|object| !is_made_by_nobody(object));
                if ids.iter().any(made) {
                    return None;
                }
                let is_other = |(id, _): &(&ObjectId, _)| *id.name.namespace == *space.name && !ids.contains(id);
                let others = state.objects.iter().filter(is_other);
                let as_it_is = |(id, object): (&ObjectId, &DynamicObject)| {
                    let mut object = serde_json::to_value(object).expect("it is JSON");
                    object["kind"] = json!(id.kind.as_str());
                    let name = &object["metadata"]["name"];
                    json!({"kind": object["kind"], "metadata": {"name": name}, "spec": object["spec"]})
                };
                let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space.name}});
                let manifests =
                    list(space, others.map(as_it_is).map(|object| written(&object)).chain([namespace]).collect())?;
                Some(Given { manifests, prune: Prune::Labelled(Selector::default()) })
            }
        }
    }
}

/// The manifests that kubectl is asked to apply, if it is asked for nothing else.
fn files(arguments: &[&str], input: &str) -> Option<Vec<File>> {
    let mut files = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match *argument {
            "--server-side=false" => {}
            "-f" => match *arguments.next()? {
                "-" => files.push(stdin(input)),
                path => files.extend(read(Path::new(path))?),
            },
            _ => return None,
        }
    }
    Some(files)
}

fn stdin(text: &str) -> File {
    File { name: manifests::STDIN.into(), text: text.to_owned() }
}

/// A file, or the files of a folder in the order of their names.
fn read(path: &Path) -> Option<Vec<File>> {
    if path.is_dir() {
        let is_manifest = |path: &Path| path.extension().is_some_and(|extension| extension == "yaml");
        let mut all: Vec<_> = fs::read_dir(path).ok()?.flatten().map(|entry| entry.path()).collect();
        all.retain(|path| is_manifest(path));
        all.sort();
        return all.iter().map(|path| read(path)).collect::<Option<Vec<_>>>().map(|files| files.concat());
    }
    let text = fs::read_to_string(path).ok()?;
    Some(vec![File { name: path.to_str()?.into(), text }])
}

/// `networkinterface.vnet.dev/a`, as kubectl names it.
fn object_id(space: &Space<'_>, named: &str) -> Option<ObjectId> {
    let (kind, name) = named.split_once(".vnet.dev/")?;
    let kind = Kind::ALL.iter().copied().find(|known| known.as_str().eq_ignore_ascii_case(kind))?;
    Some(ObjectId::new(kind, Name::new(space.name.as_str(), name)))
}

fn is_made_by_nobody(object: &DynamicObject) -> bool {
    vnet_operator::api::object::owner(object).is_none()
}

/// What users write of an object.
fn written(object: &Value) -> Value {
    let text = |field: &str| object["metadata"][field].clone();
    let metadata = ["name", "namespace", "labels", "annotations"].map(|field| (field.to_owned(), text(field)));
    let is_namespace = object["kind"] == "Namespace";
    let version = if is_namespace { "v1" } else { "vnet.dev/v1alpha1" };
    let metadata: serde_json::Map<_, _> = metadata.into_iter().collect();
    let spec = if is_namespace { &Value::Null } else { &object["spec"] };
    without_nulls(&json!({"apiVersion": version, "kind": object["kind"], "metadata": metadata, "spec": spec}))
}

/// Everything that is there of an object counts as applied: what the change takes away goes.
fn was_asked_for(space: &Space<'_>, object: &Value, state: &mut State) -> Option<()> {
    let name = object["metadata"]["name"].as_str()?;
    let metadata = &object["metadata"];
    if object["kind"] == "Namespace" {
        return Some(());
    }
    let is_it = |id: &ObjectId| {
        let namespace = metadata["namespace"].as_str().unwrap_or(&space.name);
        object["kind"] == id.kind.as_str() && *id.name.name == *name && *id.name.namespace == *namespace
    };
    let Some((_, there)) = state.objects.iter_mut().find(|(id, _)| is_it(id)) else { return Some(()) };
    let mut before = serde_json::to_value(&*there).expect("it is JSON");
    before["kind"] = object["kind"].clone();
    let same = |field: &str| before["metadata"][field] == metadata[field];
    // The policy of the CRDs brings the finalizer back, but not to what is being deleted.
    let keeps_finalizers = before["metadata"]["deletionTimestamp"].is_null() || same("finalizers");
    merge::remember(there, &written(&before));
    (keeps_finalizers && same("ownerReferences")).then_some(())
}

fn list(space: &Space<'_>, items: Vec<Value>) -> Option<Manifests> {
    let text = json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
    manifests::read(&[stdin(&text)], &space.name).ok()
}
