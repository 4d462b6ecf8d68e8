//! What is judged alike for every kind: the name, the place, and what specs have in common (ARM-10, S-12, ARM-16, S-94).

use std::sync::Arc;

use super::{Engine, Request};
use crate::fabric::common::{spec_fits, tag_names_are_azures};
use crate::fabric::id::{Name, Placement, is_region};
use crate::fabric::limits;
use crate::fabric::resource::{Programmed, Resource};
use crate::fabric::violation::{Code, Finding, Findings, Place, Violation};

pub(super) fn name_is_azures(name: &Name, findings: &mut Findings) {
    let length = name.name.len();
    if length > limits::NAME_LENGTH {
        findings.add("metadata.name", GeneralFinding::NameTooLong { length });
    }
}

impl Engine {
    /// Judges what a spec has beside what its kind asks for. A generation that was accepted is not judged again (S-93).
    pub(super) fn judge_common<K: Resource>(
        &self,
        name: &Name,
        request: &Request<K>,
        programmed: Option<&Programmed<K>>,
        findings: &mut Findings,
    ) {
        let is_accepted =
            |carried: &&Programmed<K>| (&carried.uid, carried.generation) == (&request.uid, request.generation);
        if programmed.filter(is_accepted).is_some() {
            return;
        }
        self.judge_azure_name(name, request, programmed, findings.under("ARM-10"));
        let carried = programmed.map(|programmed| &programmed.common);
        tag_names_are_azures(&request.common, carried, findings.under("ARM-16"));
        spec_fits(&request.common, carried, findings.under("S-94"));
    }

    pub(super) fn place<K: Resource>(
        &self,
        request: &Request<K>,
        programmed: Option<&Programmed<K>>,
        findings: &mut Findings,
    ) -> Placement {
        if let Some(programmed) = programmed {
            let fixed = &programmed.placement;
            if let Some(asked) = request.location.as_ref().filter(|asked| **asked != fixed.location) {
                let (fixed, asked) = (fixed.location.clone(), asked.clone());
                findings.add("spec.location", GeneralFinding::Moved { fixed, asked });
            }
            return fixed.clone();
        }
        let own = Placement {
            location: request.location.clone().unwrap_or_else(|| request.default.location.clone()),
            subscription: request.default.subscription.clone(),
        };
        let placement = request.ask.inherited_placement(self).unwrap_or(own);
        if !is_region(&placement.location) {
            findings.add("spec.location", GeneralFinding::NotARegion { location: placement.location.clone() });
        }
        placement
    }
}

/// What breaks a rule that holds for every kind.
enum GeneralFinding {
    /// The name of an object has more characters than a resource of Azure may have.
    NameTooLong { length: usize },
    /// An object that is in one location is asked to be in another.
    Moved { fixed: Arc<str>, asked: Arc<str> },
    /// A location has not the form of a region's name.
    NotARegion { location: Arc<str> },
}

impl Finding for GeneralFinding {
    fn violation(self, at: Place) -> Violation {
        match self {
            Self::NameTooLong { length } => at.refuse(
                Code::InvalidResourceName,
                format!("The name has {length} characters."),
                format!("Create the object under a name of at most {} characters.", limits::NAME_LENGTH),
            ),
            Self::Moved { fixed, asked } => at.refuse_change(
                Code::InvalidResourceLocation,
                format!("The object is in location {fixed}, and cannot be moved to {asked}."),
                format!("Set location to {fixed}, or delete the object and create it again."),
            ),
            Self::NotARegion { location } => at.refuse(
                Code::InvalidResourceLocation,
                format!("{location:?} is not a valid region name."),
                "Write lower-case letters and digits, such as westeurope, here or where the namespace names its location.",
            ),
        }
    }
}
