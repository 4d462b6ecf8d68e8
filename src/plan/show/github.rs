//! Annotations of a pull request, by the workflow commands of GitHub Actions.

use std::fmt::Write;

use crate::plan::manifests::Place;
use crate::plan::report::Plan;

/// One line for each violation and each warning, and a notice that sums up.
pub fn github(plan: &Plan) -> String {
    let mut out = String::new();
    for object in &plan.objects {
        for violation in &object.violations {
            let told = &violation.violation;
            let text = format!("{}: {}: {} {}", object.object, told.path, told.message, told.remedy);
            line(&mut out, "error", violation.place.as_ref(), &format!("{} ({})", told.code, told.rule), &text);
        }
        for disruption in &object.disruptions {
            line(&mut out, "warning", object.place.as_ref(), "Disruption", disruption);
        }
    }
    for warning in &plan.warnings {
        let text = format!("{}: {}", warning.object, warning.message);
        line(&mut out, "warning", warning.place.as_ref(), "OrderMatters", &text);
    }
    line(&mut out, "notice", None, "vnet plan", &plan.summary.to_string());
    out
}

fn line(out: &mut String, level: &str, place: Option<&Place>, title: &str, text: &str) {
    let place = place.map(|place| format!("file={},line={},", property(&place.file), place.line)).unwrap_or_default();
    // Writing to a String does not fail.
    let _ = writeln!(out, "::{level} {place}title={}::{}", property(title), data(text));
}

/// The escapes of a workflow command's text.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The escapes of a workflow command's property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
