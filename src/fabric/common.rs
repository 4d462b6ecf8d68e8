//! What specs of all kinds have in common: a name in Azure, tags, and a size (ARM-10, ARM-16, S-94).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::limits;
use super::path::{quoted, step};
use super::violation::{Code, Finding, Findings, Place, Violation};

/// Tags: names, and free text for people and their tools.
pub type Tags = BTreeMap<String, String>;

/// What a spec has, beside what its kind asks for, that a new object may not have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Common {
    /// Its tags with names that Azure does not take, if it has any.
    refused_tags: Option<Arc<Tags>>,
    /// How many bytes it has as JSON, defaults and tags included, if they are too many.
    too_large: Option<usize>,
    /// The name that it gives the resource in Azure, if that is another than the object's (ARM-10).
    pub azure_name: Option<Arc<str>>,
}

/// The most bytes of a spec: etcd takes objects of up to 1.5 MiB, and a status repeats the spec (S-94).
pub const LARGEST_SPEC: usize = 480 * 1024;

/// The characters that names of tags have none of (ARM-16).
const REFUSED: [char; 7] = ['<', '>', '%', '&', '\\', '?', '/'];

/// A character of the name of a tag that Azure does not take.
fn refused_character(name: &str) -> Option<char> {
    name.chars().find(|c| REFUSED.contains(c))
}

impl Common {
    /// What is to be judged of a spec with these tags and of so many bytes.
    pub fn new(mut tags: Tags, size: usize) -> Self {
        tags.retain(|name, _| refused_character(name).is_some());
        Self {
            refused_tags: (!tags.is_empty()).then(|| tags.into()),
            too_large: (size > LARGEST_SPEC).then_some(size),
            azure_name: None,
        }
    }

    /// The same of a spec that gives the resource a name in Azure.
    pub fn called(self, azure_name: Option<Arc<str>>) -> Self {
        Self { azure_name, ..self }
    }

    /// The tags with names that Azure does not take; an object that has them already may keep them (S-93).
    pub fn refused_tags(&self) -> impl Iterator<Item = (&String, &String)> {
        self.refused_tags.iter().flat_map(|tags| tags.iter())
    }

    fn has_tag(&self, name: &str) -> bool {
        self.refused_tags.as_ref().is_some_and(|tags| tags.contains_key(name))
    }
}

/// Finds that a text cannot be the name of a resource in Azure (ARM-10).
pub fn refuse_azure_name(text: &str, findings: &mut Findings) {
    findings.add("spec.azureName", CommonFinding::AzureName { text: text.to_owned() });
}

/// Judges the names of tags that an object does not have yet.
pub(super) fn tag_names_are_azures(asked: &Common, carried: Option<&Common>, findings: &mut Findings) {
    let is_new = |name: &str| carried.is_none_or(|carried| !carried.has_tag(name));
    for (name, _) in asked.refused_tags().filter(|(name, _)| is_new(name)) {
        let Some(character) = refused_character(name) else { continue };
        findings.add(format!("spec.tags{}", step(name)), CommonFinding::TagName { name: name.clone(), character });
    }
}

/// A spec that was accepted when it was as large is not refused for its size (S-93).
pub(super) fn spec_fits(asked: &Common, carried: Option<&Common>, findings: &mut Findings) {
    let accepted = carried.and_then(|carried| carried.too_large);
    if let Some(size) = asked.too_large.filter(|size| accepted.is_none_or(|accepted| *size > accepted)) {
        findings.add("spec", CommonFinding::TooLarge { size });
    }
}

/// What breaks a rule of what specs of all kinds have in common.
enum CommonFinding {
    /// A resource cannot have this name in Azure.
    AzureName { text: String },
    /// The name of a tag has a character that Azure does not take.
    TagName { name: String, character: char },
    /// A spec has more bytes than an object has room for.
    TooLarge { size: usize },
}

impl Finding for CommonFinding {
    fn violation(self, at: Place) -> Violation {
        match self {
            Self::AzureName { text } => at.refuse(
                Code::InvalidResourceName,
                format!("{} is not a valid name of a resource in Azure.", quoted(&text)),
                format!("Write 1 to {} letters, digits, underscores, dots and hyphens, a letter or digit first, no dot or hyphen last.", limits::NAME_LENGTH),
            ),
            Self::TagName { name, character } => at.refuse(
                Code::InvalidTagNameCharacters,
                format!("The tag name {} contains {character}.", quoted(&name)),
                "Choose a name without < > % & \\ ? and /; values may contain them.",
            ),
            Self::TooLarge { size } => at.refuse(
                Code::RequestContentTooLarge,
                format!("The spec has {size} bytes as JSON, its defaults included."),
                format!(
                    "Write at most {LARGEST_SPEC} bytes (480 KiB): shorten it, or divide it among several objects."
                ),
            ),
        }
    }
}
