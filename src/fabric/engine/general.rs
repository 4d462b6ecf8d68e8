//! What is judged alike for every kind: the name, the place, and what specs have in common (ARM-10, S-12, ARM-16, S-94).

use super::{Engine, Request};
use crate::fabric::common::{spec_fits, tag_names_are_azures};
use crate::fabric::id::{Name, Placement, is_region};
use crate::fabric::limits;
use crate::fabric::resource::{Programmed, Resource};
use crate::fabric::violation::{Code, Findings};

pub(super) fn name_is_azures(name: &Name, findings: &mut Findings) {
    if name.name.len() > limits::NAME_LENGTH {
        findings.refuse(
            Code::InvalidResourceName,
            "metadata.name",
            format!("The name has {} characters.", name.name.len()),
            format!("Create the object under a name of at most {} characters.", limits::NAME_LENGTH),
        );
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
                findings.refuse(
                    Code::InvalidResourceLocation,
                    "spec.location",
                    format!("The object is in location {}, and cannot be moved to {asked}.", fixed.location),
                    format!("Set location to {}, or delete the object and create it again.", fixed.location),
                );
            }
            return fixed.clone();
        }
        let own = Placement {
            location: request.location.clone().unwrap_or_else(|| request.default.location.clone()),
            subscription: request.default.subscription.clone(),
        };
        let placement = request.ask.inherited_placement(self).unwrap_or(own);
        if !is_region(&placement.location) {
            findings.refuse(
                Code::InvalidResourceLocation,
                "spec.location",
                format!("{:?} is not a valid region name.", placement.location),
                "Write lower-case letters and digits, such as westeurope, here or where the namespace names its location.",
            );
        }
        placement
    }
}
