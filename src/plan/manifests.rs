//! The manifests that a plan is made of: read from files, each object with the place where it is written.
//!
//! Not here: whether the API server takes an object (`admission`), and the result (`cluster`).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use kube::core::ObjectMeta;
use serde::Serialize;
use serde_json::{Value, json};

use super::admission::{self, without_nulls};
use super::document::{self, Malformed, Node};
use super::refusals::{SCHEMA, refusal};
use super::report::PlannedObject;
use super::server_side::{self, Manager};
use super::{ServerSide, foreign, merge};
use crate::api::status::NamedObject;
use crate::api::{GROUP, VERSION};
use crate::fabric::nearest::nearest;
use crate::fabric::{Kind, Name, ObjectId};

/// What standard input is called; no file has such a name.
pub const STDIN: &str = "<stdin>";

/// A text to read, and what it is called.
#[derive(Clone, Debug)]
pub struct File {
    /// Its path, as the user names it.
    pub name: Arc<str>,
    /// What is in it.
    pub text: String,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The file.
    pub file: Arc<str>,
    /// The line, counted from 1.
    pub line: u64,
}

/// An object as a manifest asks for it.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// Which object.
    pub id: ObjectId,
    /// All that is written of it, with its namespace.
    pub object: Value,
    /// Its place among all that is read, from 1.
    pub turn: usize,
    file: Arc<str>,
    node: Node,
}

/// A Namespace as a manifest asks for it.
#[derive(Clone, Debug)]
pub struct NamespaceManifest {
    /// All that is written of it.
    pub object: Value,
    /// Its place among all that is read, from 1.
    pub turn: usize,
    /// Where it begins.
    pub place: Place,
}

/// Everything that was read.
#[derive(Clone, Debug, Default)]
pub struct Manifests {
    /// The objects of this project's kinds, by id.
    pub objects: BTreeMap<ObjectId, Manifest>,
    /// The Namespaces, by name.
    pub namespaces: BTreeMap<Arc<str>, NamespaceManifest>,
    /// The objects of versions and kinds of this project's group that there are not; each is refused.
    pub unknown: Vec<PlannedObject>,
    /// What was passed over.
    pub notes: Vec<Note>,
}

/// Something to know of a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    /// The place.
    #[serde(flatten)]
    pub place: Place,
    /// What there is to know.
    pub message: String,
}

/// A part of the manifests cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Unreadable {
    /// The file.
    pub file: Arc<str>,
    /// The line, counted from 1; none if that is not known.
    pub line: Option<u64>,
    /// What is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

impl Manifests {
    /// True if nothing was read, not even something that was passed over.
    pub fn is_empty(&self) -> bool {
        let Self { objects, namespaces, unknown, notes } = self;
        objects.is_empty() && namespaces.is_empty() && unknown.is_empty() && notes.is_empty()
    }
}

impl NamespaceManifest {
    /// The Namespace once this is applied to one of that metadata. Conflicts between managers of a Namespace are not reported.
    pub fn laid_over(&self, there: Option<&ObjectMeta>, server_side: Option<&ServerSide>) -> Value {
        let stored = json!({"metadata": there.cloned().unwrap_or_default()});
        let Some(server_side) = server_side else { return merge::laid_over(&stored, &self.object) };
        let manager = Manager { name: &server_side.field_manager, force: true };
        server_side::apply(None, &stored, &self.object, manager).unwrap_or(stored)
    }
}

impl Manifest {
    /// Where the object begins.
    pub fn place(&self) -> Place {
        Place { file: self.file.clone(), line: self.node.line }
    }

    /// Where a field of it is written, as a violation names it.
    pub fn place_of(&self, path: &str) -> Place {
        Place { file: self.file.clone(), line: self.node.line_of(path) }
    }
}

/// Reads every document of every file; an object that names no namespace is in `namespace`.
///
/// # Errors
/// All that cannot be read, at once.
pub fn read(files: &[File], namespace: &str) -> Result<Manifests, Vec<Unreadable>> {
    let mut reader = Reader { namespace, turn: 0, read: Manifests::default(), unreadable: Vec::new() };
    let mut names = BTreeSet::new();
    for file in files {
        if !names.insert(&file.name) {
            let message = "it is given twice; give it once".to_owned();
            reader.unreadable.push(Unreadable { file: file.name.clone(), line: None, message });
            continue;
        }
        match document::read(&file.text) {
            Ok(documents) => documents.iter().for_each(|document| reader.document(&file.name, document)),
            Err(Malformed { line, message }) => {
                reader.unreadable.push(Unreadable { file: file.name.clone(), line, message });
            }
        }
    }
    if reader.unreadable.is_empty() { Ok(reader.read) } else { Err(reader.unreadable) }
}

/// True of what kustomize reads; it wants no apiVersion and kind where the file has its name.
fn is_kustomization(file: &str, version: Option<&str>, kind: Option<&str>) -> bool {
    let name = Path::new(file).file_name().and_then(OsStr::to_str).unwrap_or_default();
    match (version, kind) {
        (Some(version), Some(kind)) => version.starts_with("kustomize.config.k8s.io/") && kind == "Kustomization",
        (Some(_), None) | (None, Some(_) | None) => ["kustomization.yaml", "kustomization.yml"].contains(&name),
    }
}

/// Why a text without version or kind is no object, and what to do.
fn is_no_object(node: &Node, version: Option<&str>, kind: Option<&str>) -> String {
    if let Some((named, kind)) = node.text("type").and_then(|named| Some((named, foreign::of_arm(named)?))) {
        return format!(
            "{named} is a type of Azure Resource Manager; write apiVersion: {GROUP}/{VERSION} and kind: {kind}"
        );
    }
    let missing = [("apiVersion", version), ("kind", kind)].into_iter().filter(|(_, text)| text.is_none());
    let missing = missing.map(|(field, _)| field).collect::<Vec<_>>().join(" and ");
    format!("it has no {missing}; every manifest begins with apiVersion and kind")
}

/// The folder of a file, as a command names it.
fn folder_of(file: &str) -> Cow<'_, str> {
    match Path::new(file).parent() {
        _ if file == STDIN => "DIR".into(),
        Some(folder) if folder.as_os_str().is_empty() => ".".into(),
        Some(folder) => folder.to_string_lossy(),
        None => ".".into(),
    }
}

struct Reader<'a> {
    namespace: &'a str,
    turn: usize,
    read: Manifests,
    unreadable: Vec<Unreadable>,
}

impl Reader<'_> {
    fn document(&mut self, file: &Arc<str>, node: &Node) {
        let (version, kind) = (node.text("apiVersion"), node.text("kind"));
        if is_kustomization(file, version, kind) {
            let message = format!(
                "a kustomization is not rendered here: `kubectl kustomize {} | vnet plan -` plans what it makes",
                folder_of(file)
            );
            return self.note(file, node.line, message);
        }
        if (version, kind) == (None, None) && node.get("nameReference").is_some() {
            return; // how kustomize renames references: part of the kustomization that names the file
        }
        let (version, kind) = match (version, kind) {
            (Some(version), Some(kind)) => (version, kind),
            (version, kind) => return self.cannot_read(file, node.line, is_no_object(node, version, kind)),
        };
        self.turn += 1;
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        // `kubectl get` writes a List, whose kind may be that of its items.
        let items = node.get("items").map(Node::items).filter(|_| kind.ends_with("List"));
        match (group, kind, items) {
            ("", "Namespace", _) => self.namespace_of(file, node),
            (_, _, Some(items)) => items.iter().for_each(|item| self.document(file, item)),
            (GROUP, ..) if kind.ends_with("List") => {} // of nothing
            (GROUP, ..) => self.object(file, node, version, kind),
            _ => self.other(file, node, group, kind),
        }
    }

    /// What is no kind of this project.
    fn other(&mut self, file: &Arc<str>, node: &Node, group: &str, kind: &str) {
        let name = node.get("metadata").and_then(|metadata| metadata.text("name")).unwrap_or("without a name");
        let Some((here, fields)) = foreign::of_service_operator(group, kind, &node.value()) else {
            return self.note(file, node.line, format!("{kind} {name} is passed over: it is not a kind of {GROUP}"));
        };
        let message = format!("{kind} {name} is passed over: it is a kind of Azure Service Operator; write {here}");
        self.note(file, node.line, message);
        for (path, instead) in fields {
            self.note(file, node.line_of(&path), format!("{path} of {kind} {name}: {instead}"));
        }
    }

    fn object(&mut self, file: &Arc<str>, node: &Node, version: &str, kind: &str) {
        let known = Kind::named(kind);
        let Some(name) = self.name_of(file, node, kind) else { return };
        let Some(namespace) = self.namespace_named(file, node) else { return };
        let Some(kind) = known.filter(|_| version == VERSION) else {
            let (path, message, remedy) = match known {
                Some(_) => {
                    let message = format!("{GROUP} has no version {version:?}.");
                    ("apiVersion", message, format!("Write {GROUP}/{VERSION}."))
                }
                None => {
                    let kinds = nearest(kind, Kind::ALL.iter().map(|known| known.as_str())).join(", ");
                    ("kind", format!("{GROUP} has no kind {kind}."), format!("The nearest are {kinds}."))
                }
            };
            let object = NamedObject { kind: kind.to_owned(), namespace, name: name.to_owned() };
            let refused = refusal(SCHEMA, path.to_owned(), message, remedy);
            let place = |line| Place { file: file.clone(), line };
            let (begin, at) = (place(node.line), place(node.line_of(path)));
            return self.read.unknown.push(PlannedObject::refused(object, begin, refused, at));
        };
        let id = ObjectId::new(kind, Name::new(namespace.as_str(), name));
        if let Some(first) = self.read.objects.get(&id) {
            let object = NamedObject::written(&id);
            let message = format!("{object} stands here and at {}; keep one of them", first.place());
            return self.cannot_read(file, node.line, message);
        }
        let mut object = node.value();
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("namespace".to_owned(), json!(namespace));
        }
        let manifest = Manifest { id: id.clone(), object, turn: self.turn, file: file.clone(), node: node.clone() };
        self.read.objects.insert(id, manifest);
    }

    /// The namespace of an object, if it names one that is a text, or none.
    fn namespace_named(&mut self, file: &Arc<str>, node: &Node) -> Option<String> {
        match node.get("metadata").and_then(|metadata| metadata.get("namespace")).map(Node::value) {
            None | Some(Value::Null) => Some(self.namespace.to_owned()),
            Some(Value::String(namespace)) if namespace.is_empty() => Some(self.namespace.to_owned()),
            Some(Value::String(namespace)) => Some(namespace),
            Some(other) => {
                let message =
                    format!("metadata.namespace is {other}, which is not a string; put it between quotation marks");
                self.cannot_read(file, node.line_of("metadata.namespace"), message);
                None
            }
        }
    }

    fn namespace_of(&mut self, file: &Arc<str>, node: &Node) {
        let Some(name) = self.name_of(file, node, "Namespace") else { return };
        if let Some(first) = self.read.namespaces.get(name) {
            let message = format!("Namespace {name} stands here and at {}; keep one of them", first.place);
            return self.cannot_read(file, node.line, message);
        }
        let object = node.value();
        // A namespace is no object of the fabric: what is wrong with it is wrong with the input.
        for refusal in admission::of_a_namespace(&without_nulls(&object)) {
            let message = format!("{}: {} {}", refusal.path, refusal.message, refusal.remedy);
            self.cannot_read(file, node.line_of(&refusal.path), message);
        }
        let place = Place { file: file.clone(), line: node.line };
        self.read.namespaces.insert(name.into(), NamespaceManifest { object, turn: self.turn, place });
    }

    /// The name of an object, if it has one that is a text.
    fn name_of<'a>(&mut self, file: &Arc<str>, node: &'a Node, kind: &str) -> Option<&'a str> {
        let metadata = node.get("metadata");
        let name = metadata.and_then(|metadata| metadata.text("name"));
        if name.is_none() {
            let has = |field: &str| metadata.and_then(|metadata| metadata.get(field)).map(Node::value);
            let message = match (has("name"), has("generateName")) {
                (None | Some(Value::Null), None) => format!("the {kind} has no metadata.name; give it one"),
                (None | Some(Value::Null), Some(_)) => {
                    format!(
                        "the {kind} has metadata.generateName, which `kubectl apply` does not take; give it a metadata.name"
                    )
                }
                (Some(other), _) => {
                    format!(
                        "metadata.name of the {kind} is {other}, which is not a string; put it between quotation marks"
                    )
                }
            };
            self.cannot_read(file, node.line_of("metadata.name"), message);
        }
        name
    }

    fn cannot_read(&mut self, file: &Arc<str>, line: u64, message: impl Into<String>) {
        self.unreadable.push(Unreadable { file: file.clone(), line: Some(line), message: message.into() });
    }

    fn note(&mut self, file: &Arc<str>, line: u64, message: String) {
        self.read.notes.push(Note { place: Place { file: file.clone(), line }, message });
    }
}
