//! What a plan says, as JSON and YAML show it: `kind: Plan`. Fields are only ever added to it.

use serde::Serialize;
use serde_json::Value;

use super::manifests::{Note, Place};
use crate::api::status::{NamedObject, ViolationReport};
use crate::api::{GROUP, VERSION};
use crate::fabric::Kind;

/// The reason of what depends on the order in which objects are applied.
pub const ORDER_MATTERS: &str = "OrderMatters";

/// The effect of manifests.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The version of this form.
    pub api_version: String,
    /// Always `Plan`.
    pub kind: String,
    /// How many objects of each action, and how many are refused.
    pub summary: Summary,
    /// Every object of the manifests, and every other that they affect, in the order of kinds and names.
    pub objects: Vec<PlannedObject>,
    /// Where the result depends on the order in which objects are applied, and what needs an action to become Ready.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// What was passed over.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
}

/// Counts of objects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)] // each counts the action of its name
pub struct Summary {
    pub create: usize,
    pub update: usize,
    pub replace: usize,
    pub delete: usize,
    pub no_change: usize,
    /// Objects of any action that are refused.
    pub refused: usize,
    /// Objects of any action whose users feel it.
    pub disrupted: usize,
}

/// What is done with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Action {
    /// It is created.
    Create,
    /// It is edited.
    Update,
    /// It is asked for what only deleting it and creating it again brings.
    Replace,
    /// It is deleted.
    Delete,
    /// Nothing; there may be consequences of what is done with others.
    NoChange,
}

/// The effect on an object.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedObject {
    /// Which object.
    #[serde(flatten)]
    pub object: NamedObject,
    /// What is done with it.
    pub action: Action,
    /// Whether nothing refuses it as it is asked for.
    pub accepted: bool,
    /// Its condition Ready in the end, and why: status and reason. None of what is deleted, or never stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready: Option<Ready>,
    /// Where it is written; none of what no manifest has.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// The scale set that it is made for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made_for: Option<String>,
    /// The fields that are edited.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Difference>,
    /// What the fabric allocates to it, takes from it, or gives it instead, and the model of a scale set that it takes up.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allocations: Vec<Difference>,
    /// What its users feel, a sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub disruptions: Vec<String>,
    /// What there is to know beside Ready, type and message of each condition.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub advice: Vec<Told>,
    /// Why it is refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<PlannedViolation>,
}

/// A condition Ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ready {
    /// True, False or Unknown.
    pub status: String,
    /// Why.
    pub reason: String,
}

/// A condition that reports something about the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    /// Its type.
    #[serde(rename = "type")]
    pub condition: String,
    /// Its message.
    pub message: String,
    /// Whether it is new, or has another message.
    pub new: bool,
}

/// A value before and after.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The field; an item of a list that is keyed by name is known by its name.
    pub path: String,
    /// What it was; null if it was not there.
    pub before: Value,
    /// What it is then; null if it is not there.
    pub after: Value,
}

/// A broken constraint, and where the field is written.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedViolation {
    /// The violation as the object's status will show it.
    #[serde(flatten)]
    pub violation: ViolationReport,
    /// Where the field is written; none of what no manifest has.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// Something that nothing refuses, and that may not be what is wanted.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Warning {
    /// Which object's.
    pub object: NamedObject,
    /// [`ORDER_MATTERS`], or why an object waits.
    pub reason: String,
    /// The field, or the condition.
    pub path: String,
    /// What depends on the order or is waited for, and what to do.
    pub message: String,
    /// Where the field is written; none of what no manifest has.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

impl Difference {
    /// The last part of the path.
    pub fn field(&self) -> &str {
        self.path.rsplit('.').next().unwrap_or_default()
    }
}

impl Plan {
    pub(super) fn new(objects: Vec<PlannedObject>, warnings: Vec<Warning>, notes: Vec<Note>) -> Self {
        let (api_version, kind) = (format!("{GROUP}/{VERSION}"), "Plan".to_owned());
        Self { api_version, kind, summary: Summary::of(&objects), objects, warnings, notes }
    }

    /// Where an object is written, or the scale set that it is made for.
    pub fn place_of<'a>(&'a self, object: &'a PlannedObject) -> Option<&'a Place> {
        let is_its_set = |set: &&PlannedObject| {
            set.object.kind == Kind::VirtualMachineScaleSet.as_str()
                && set.object.namespace == object.object.namespace
                && Some(&set.object.name) == object.made_for.as_ref()
        };
        let of_its_set = || self.objects.iter().find(is_its_set)?.place.as_ref();
        object.place.as_ref().or_else(of_its_set)
    }

    /// True if an object is refused.
    pub fn refuses(&self) -> bool {
        self.summary.refused > 0
    }

    /// True if it changes.
    pub fn changes(&self) -> bool {
        self.objects.iter().any(PlannedObject::changes)
    }
}

impl Warning {
    /// True of what depends on the order in which objects are applied.
    pub fn is_of_the_order(&self) -> bool {
        self.reason == ORDER_MATTERS
    }
}

impl PlannedObject {
    /// An object that is never stored, since it is of no known kind.
    pub(super) fn refused(object: NamedObject, begin: Place, violation: ViolationReport, at: Place) -> Self {
        Self {
            object,
            action: Action::Create,
            accepted: false,
            ready: None,
            place: Some(begin),
            made_for: None,
            fields: Vec::new(),
            allocations: Vec::new(),
            disruptions: Vec::new(),
            advice: Vec::new(),
            violations: vec![PlannedViolation { violation, place: Some(at) }],
        }
    }

    /// What is edited of it, and what it no longer has of what it had.
    pub fn differences(&self) -> impl Iterator<Item = &Difference> {
        self.fields.iter().chain(self.allocations.iter().filter(|told| !told.before.is_null()))
    }

    /// The new advice, and of an edited object all of it. Of a new object none is needed yet.
    pub fn news(&self) -> impl Iterator<Item = &Told> {
        let tells = move |told: &&Told| match self.action {
            Action::Create => false,
            Action::Update | Action::Replace | Action::Delete => true,
            Action::NoChange => told.new,
        };
        self.advice.iter().filter(tells)
    }

    /// True if there is new advice.
    pub fn has_news(&self) -> bool {
        self.news().next().is_some()
    }

    /// True if it is changed, or affected by a change of others.
    pub fn changes(&self) -> bool {
        self.action != Action::NoChange || !self.allocations.is_empty() || !self.disruptions.is_empty()
    }
}

impl Summary {
    fn of(objects: &[PlannedObject]) -> Self {
        let count = |action| objects.iter().filter(|object| object.action == action).count();
        Self {
            create: count(Action::Create),
            update: count(Action::Update),
            replace: count(Action::Replace),
            delete: count(Action::Delete),
            no_change: count(Action::NoChange),
            refused: objects.iter().filter(|object| !object.accepted).count(),
            disrupted: objects.iter().filter(|object| !object.disruptions.is_empty()).count(),
        }
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { create, update, replace, delete, no_change, refused, disrupted } = self;
        let disrupted = if *disrupted > 0 { format!(", {disrupted} disrupted") } else { String::new() };
        write!(
            f,
            "Plan: {create} to create, {update} to update, {replace} to replace, {delete} to delete, {no_change} unchanged; {refused} refused{disrupted}."
        )
    }
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}
