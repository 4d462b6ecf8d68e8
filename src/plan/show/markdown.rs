//! A comment of a pull request.

use std::fmt::Write;

use super::super::report::{Action, Plan, PlannedObject};
use super::{READING_ORDER, addresses, short};

/// Objects in a table, then refusals, differences and warnings.
pub fn markdown(plan: &Plan) -> String {
    let mut out = format!("### vnet plan\n\n{}\n", plan.summary);
    let changed: Vec<&PlannedObject> = changed(plan);
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
                object.object,
                cell(&addresses(object))
            );
        }
    }
    section(&mut out, "Refused", refusals(plan));
    section(&mut out, "Changes", changed.iter().copied().flat_map(differences).collect());
    section(&mut out, "Disruptions", plan.objects.iter().flat_map(|object| object.disruptions.clone()).collect());
    section(&mut out, "The order matters", warnings(plan));
    out
}

fn changed(plan: &Plan) -> Vec<&PlannedObject> {
    let of = |action| plan.objects.iter().filter(move |object| object.action == action && object.changes());
    READING_ORDER.into_iter().flat_map(of).collect()
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
    let item = |(object, told): (&PlannedObject, &super::super::report::PlannedViolation)| {
        let place = told.place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
        let violation = &told.violation;
        format!(
            "**{}**{place}, `{}`: {} by {}. {} _{}_",
            object.object,
            violation.path,
            violation.code,
            violation.rule,
            cell(&violation.message),
            cell(&violation.remedy)
        )
    };
    told.map(item).collect()
}

fn differences(object: &PlannedObject) -> Vec<String> {
    let told = if object.action == Action::Create { &[] } else { object.fields.as_slice() };
    let moved = object.allocations.iter().filter(|told| !told.before.is_null());
    let item = |path: &str, before, after| {
        format!("{}: `{path}`: {} -> {}", object.object, cell(&short(before)), cell(&short(after)))
    };
    told.iter().chain(moved).map(|told| item(&told.path, &told.before, &told.after)).collect()
}

fn warnings(plan: &Plan) -> Vec<String> {
    let item = |warning: &super::super::report::Warning| {
        format!("{}, `{}`: {}", warning.object, warning.path, cell(&warning.message))
    };
    plan.warnings.iter().map(item).collect()
}

/// A text that does not end its cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
