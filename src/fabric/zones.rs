//! Availability zones: the parts of a region that an object may be in, from its creation on (PIP-27).

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::id::Kind;
use super::resource::{Case, Resource};
use super::violation::{Code, Finding, Findings, Place, Violation};

/// An availability zone of a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)] // docs of variants would take the place of the field's in the CRD
pub enum Zone {
    #[serde(rename = "1")]
    One,
    #[serde(rename = "2")]
    Two,
    #[serde(rename = "3")]
    Three,
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Zone::One => "1",
            Zone::Two => "2",
            Zone::Three => "3",
        })
    }
}

/// The zones that an object is in; none if it is in no particular one.
pub type Zones = BTreeSet<Zone>;

/// Where specs have them.
pub const PATH: &str = "spec.zones";

/// How a spec lists zones: `["1", "2"]`.
pub fn listed(zones: &Zones) -> String {
    let zones: Vec<String> = zones.iter().map(|zone| format!("\"{zone}\"")).collect();
    format!("[{}]", zones.join(", "))
}

/// The zones of an object are fixed at its creation, also that there are none.
pub(super) fn are_fixed<K: Resource>(case: &Case<'_, K>, findings: &mut Findings) {
    let Some(before) = case.before().map(K::zones).filter(|before| *before != case.ask.zones()) else { return };
    findings.add(PATH, ZonesFinding::Changed { kind: K::KIND, before: before.cloned().unwrap_or_default() });
}

/// What breaks the rule that zones are fixed.
enum ZonesFinding {
    /// The object was created in other zones, or in none.
    Changed { kind: Kind, before: Zones },
}

impl Finding for ZonesFinding {
    fn violation(self, at: Place) -> Violation {
        match self {
            Self::Changed { kind, before } => {
                let (was, keep) = if before.is_empty() {
                    ("without zones".to_owned(), "Leave zones out".to_owned())
                } else {
                    (format!("with zones {}", listed(&before)), format!("Set zones to {}", listed(&before)))
                };
                at.refuse_change(
                    Code::PropertyChangeNotAllowed,
                    format!("The {kind} was created {was}."),
                    format!("{keep}, or create another {kind}."),
                )
            }
        }
    }
}
