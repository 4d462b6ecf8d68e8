//! Names of things in the fabric: kinds, object names, holders and places.
//!
//! Not here: what an object of a kind is; each kind has a file of its own.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use super::kind::Kind;
use super::limits;
use super::part::Part;

/// A namespace (Azure's resource group) and the name of an object in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// The Kubernetes namespace, which stands for the resource group.
    pub namespace: Arc<str>,
    /// The object's own name.
    pub name: ObjectName,
}

impl Name {
    /// The name `namespace/name`.
    pub fn new(namespace: impl Into<Arc<str>>, name: impl Into<ObjectName>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    /// The instance of a Uniform scale set that an object of this name is a part of.
    pub fn part(&self) -> Option<&Part> {
        match &self.name.0 {
            Text::Given(_) => None,
            Text::Part(part) => Some(part),
        }
    }
}

/// The name of an object in its namespace: one that was given to it, or that of a part of an instance of a Uniform scale set.
/// It is compared as a text.
#[derive(Clone)]
pub struct ObjectName(Text);

#[derive(Clone)]
enum Text {
    Given(Arc<str>),
    Part(Arc<Part>),
}

impl ObjectName {
    /// The name of a part.
    pub(super) fn of_part(part: Part) -> Self {
        Self(Text::Part(Arc::new(part)))
    }
}

impl Deref for ObjectName {
    type Target = str;

    fn deref(&self) -> &str {
        match &self.0 {
            Text::Given(text) => text,
            Text::Part(part) => &part.text,
        }
    }
}

impl PartialEq for ObjectName {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for ObjectName {}

impl PartialOrd for ObjectName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ObjectName {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl Hash for ObjectName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl fmt::Debug for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl<T: Into<Arc<str>>> From<T> for ObjectName {
    fn from(given: T) -> Self {
        Self(Text::Given(given.into()))
    }
}

impl From<&ObjectName> for Arc<str> {
    fn from(name: &ObjectName) -> Self {
        match &name.0 {
            Text::Given(text) => text.clone(),
            Text::Part(part) => (&*part.text).into(),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// An object of any kind. Shown as `NetworkInterface prod/web-1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: Name,
}

impl ObjectId {
    /// The object of this kind and name.
    pub fn new(kind: Kind, name: Name) -> Self {
        Self { kind, name }
    }

    /// The object that users know it by: a part of a scale set's instance is shown by the instance.
    pub fn shown(&self) -> Self {
        self.instance().unwrap_or_else(|| self.clone())
    }

    /// The instance of a Uniform scale set that it is a part of.
    pub fn instance(&self) -> Option<Self> {
        self.name.part().map(Part::instance)
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.shown();
        write!(f, "{} {}", shown.kind.as_str(), shown.name)
    }
}

/// The identity of one life of an object: deleted and made again under the same name, it is another holder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid(pub Arc<str>);

impl Uid {
    /// The identity of a part of an instance, which is no object of its own.
    pub(super) fn of_part(name: &Name) -> Self {
        Self(format!("part {name}").into())
    }
}

impl From<&str> for Uid {
    fn from(uid: &str) -> Self {
        Self(uid.into())
    }
}

/// Where a resource is: the two things that a reference may not cross (NIC-03).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Placement {
    /// The subscription, from the Namespace's label.
    pub subscription: Arc<str>,
    /// The Azure region, such as `westeurope`.
    pub location: Arc<str>,
}

/// True if a text has the form of a region's name, such as `westeurope` (S-12).
pub fn is_region(text: &str) -> bool {
    let letter_or_digit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (1..=limits::LOCATION_LENGTH).contains(&text.len()) && text.chars().all(letter_or_digit)
}

impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "location {}, subscription {}", self.location, self.subscription)
    }
}

/// A reference to an object. The namespace is omitted if it is that of this object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShownRef {
    /// Name of the object.
    pub name: String,
    /// Namespace of the object; omitted if it is that of this object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

impl ShownRef {
    /// `target` as an object of namespace `from` shows it.
    pub fn of(target: &Name, from: &Name) -> Self {
        let foreign = target.namespace != from.namespace;
        Self { name: target.name.to_string(), namespace: foreign.then(|| target.namespace.to_string()) }
    }

    /// The name that this reference means, read from an object of namespace `from`.
    pub fn name_from(&self, from: &Name) -> Name {
        let namespace = self.namespace.as_deref().map_or_else(|| from.namespace.clone(), Arc::from);
        Name { namespace, name: self.name.as_str().into() }
    }
}
