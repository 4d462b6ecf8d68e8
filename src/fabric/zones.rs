//! Availability zones: the parts of a region that an object may be in, from its creation on (PIP-27).

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::resource::{Case, Resource};
use super::violation::{Code, Findings};

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
    let (was, keep) = match before.filter(|zones| !zones.is_empty()) {
        Some(zones) => (format!("with zones {}", listed(zones)), format!("Set zones to {}", listed(zones))),
        None => ("without zones".to_owned(), "Leave zones out".to_owned()),
    };
    let fact = format!("The {} was created {was}.", K::KIND);
    findings.refuse(Code::PropertyChangeNotAllowed, PATH, fact, format!("{keep}, or create another {}.", K::KIND));
}
