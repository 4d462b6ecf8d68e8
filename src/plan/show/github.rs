//! Annotations of a pull request, by the workflow commands of GitHub Actions.

use std::fmt::Write;

use crate::plan::manifests::{Place, STDIN};
use crate::plan::report::Plan;

/// One line for each violation, warning and note, and a notice that sums up.
pub fn github(plan: &Plan) -> String {
    let mut out = String::new();
    for object in &plan.objects {
        for violation in &object.violations {
            let told = &violation.violation;
            let text = format!("{}: {}: {} {}", object.object, told.path, told.message, told.remedy);
            line(&mut out, "error", violation.place.as_ref(), &format!("{} ({})", told.code, told.rule), &text);
        }
        for told in object.news() {
            let text = format!("{}: {}", object.object, told.message);
            line(&mut out, "notice", object.place.as_ref(), &told.condition, &text);
        }
        for disruption in &object.disruptions {
            line(&mut out, "warning", object.place.as_ref(), "Disruption", disruption);
        }
    }
    for warning in &plan.warnings {
        let text = format!("{}: {}", warning.object, warning.message);
        line(&mut out, "warning", warning.place.as_ref(), "OrderMatters", &text);
    }
    for note in &plan.notes {
        line(&mut out, "notice", Some(&note.place), "PassedOver", &note.message);
    }
    line(&mut out, "notice", None, "vnet plan", &plan.summary.to_string());
    out
}

fn line(out: &mut String, level: &str, place: Option<&Place>, title: &str, text: &str) {
    let (is_input, is_file): (Vec<_>, Vec<_>) = place.into_iter().partition(|place| &*place.file == STDIN);
    let file: String =
        is_file.iter().map(|place| format!("file={},line={},", property(&place.file), place.line)).collect();
    // Standard input is no file of the pull request.
    let input: String = is_input.iter().map(|place| format!("{place}: ")).collect();
    // Writing to a String does not fail.
    let _ = writeln!(out, "::{level} {file}title={}::{}", property(title), data(&(input + text)));
}

/// The escapes of a workflow command's text.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The escapes of a workflow command's property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
