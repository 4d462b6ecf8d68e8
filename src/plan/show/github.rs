//! Annotations of a pull request, by the workflow commands of GitHub Actions.

use std::fmt::Write;

use crate::plan::manifests::{Place, STDIN, Unreadable};
use crate::plan::report::Plan;

/// The title of what is said of the whole.
const TITLE: &str = "vnet plan";

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
            line(&mut out, "warning", plan.place_of(object), "Disruption", disruption);
        }
    }
    for warning in &plan.warnings {
        let text = format!("{}: {}", warning.object, warning.message);
        line(&mut out, "warning", warning.place.as_ref(), &warning.reason, &text);
    }
    for note in &plan.notes {
        line(&mut out, "notice", Some(&note.place), "PassedOver", &note.message);
    }
    line(&mut out, "notice", None, TITLE, &plan.summary.to_string());
    out
}

/// One line for each part of the input that cannot be read.
pub fn unreadable(all: &[Unreadable]) -> String {
    let mut out = String::new();
    for one in all {
        line_at(&mut out, "error", Some((&one.file, one.line)), "Unreadable", &one.message);
    }
    out
}

/// The line for what keeps a plan from being made, and stands in no file.
pub fn failed(why: &str) -> String {
    let mut out = String::new();
    line(&mut out, "error", None, TITLE, why);
    out
}

fn line(out: &mut String, level: &str, place: Option<&Place>, title: &str, text: &str) {
    line_at(out, level, place.map(|place| (&*place.file, Some(place.line))), title, text);
}

/// A line for a file, and for a line of it if that is known.
fn line_at(out: &mut String, level: &str, at: Option<(&str, Option<u64>)>, title: &str, text: &str) {
    let (file, input) = match at {
        None => (String::new(), String::new()),
        // Standard input is no file of the pull request.
        Some((STDIN, line)) => (String::new(), line.map_or(format!("{STDIN}: "), |line| format!("{STDIN}:{line}: "))),
        Some((file, None)) => (format!("file={},", property(file)), String::new()),
        Some((file, Some(line))) => (format!("file={},line={line},", property(file)), String::new()),
    };
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
