//! A comment of a pull request.

use std::fmt::Write;

use super::{addresses, after, blockers, by_action, short};
use crate::plan::report::{Difference, Plan, PlannedObject, PlannedViolation, Warning};

/// Objects in a table, then refusals, differences, advice, warnings and notes.
pub fn markdown(plan: &Plan) -> String {
    let mut out = format!("### vnet plan\n\n{}\n", plan.summary);
    let changed = by_action(plan.objects.iter().filter(|object| object.changes() || object.has_news()));
    // Writing to a String does not fail.
    if !changed.is_empty() {
        out.push_str("\n| action | object | addresses | ready | reason |\n| --- | --- | --- | --- | --- |\n");
        for object in &changed {
            let ready = object.ready.as_ref().map(|ready| (ready.status.as_str(), ready.reason.as_str()));
            let (ready, reason) = ready.unwrap_or_default();
            let _ = writeln!(
                out,
                "| {} | {} | {} | {ready} | {reason} |",
                object.action,
                cell(&object.object.to_string()),
                cell(&addresses(object))
            );
        }
    }
    section(&mut out, "Refused", refusals(plan));
    section(&mut out, "Changes", changed.iter().copied().flat_map(differences).collect());
    section(
        &mut out,
        "Disruptions",
        plan.objects.iter().flat_map(|object| object.disruptions.iter().map(|told| cell(told))).collect(),
    );
    section(&mut out, "To know", changed.iter().copied().flat_map(news).collect());
    section(&mut out, "The order matters", warnings(plan));
    section(
        &mut out,
        "Passed over",
        plan.notes.iter().map(|note| cell(&format!("{}: {}", note.place, note.message))).collect(),
    );
    out
}

fn section(out: &mut String, title: &str, items: Vec<String>) {
    if !items.is_empty() {
        let _ = write!(
            out,
            "\n#### {title}\n\n{}\n",
            items.iter().map(|item| format!("* {item}")).collect::<Vec<_>>().join("\n")
        );
    }
}

fn refusals(plan: &Plan) -> Vec<String> {
    let told = plan.objects.iter().flat_map(|object| object.violations.iter().map(move |told| (object, told)));
    let item = |(object, told): (&PlannedObject, &PlannedViolation)| {
        let place = after(told.place.as_ref());
        let violation = &told.violation;
        let text = format!(
            "**{}**{place}, `{}`: {} by {}. {} _{}_{}",
            object.object,
            violation.path,
            violation.code,
            violation.rule,
            violation.message,
            violation.remedy,
            blockers(violation).map(|text| format!(" {text}")).unwrap_or_default(),
        );
        cell(&text)
    };
    told.map(item).collect()
}

fn differences(object: &PlannedObject) -> Vec<String> {
    let item = |told: &Difference| {
        let (before, after) = (short(&told.before), short(&told.after));
        cell(&format!("{}: `{}`: {before} -> {after}", object.object, told.path))
    };
    object.differences().map(item).collect()
}

fn news(object: &PlannedObject) -> Vec<String> {
    object.news().map(|told| cell(&format!("{}, {}: {}", object.object, told.condition, told.message))).collect()
}

fn warnings(plan: &Plan) -> Vec<String> {
    let item = |warning: &Warning| cell(&format!("{}, `{}`: {}", warning.object, warning.path, warning.message));
    plan.warnings.iter().map(item).collect()
}

/// A text that does not end its cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
