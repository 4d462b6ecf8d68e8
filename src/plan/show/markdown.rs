//! A comment of a pull request.

use std::fmt::Write;

use super::{addresses, after, blockers, by_action, plain, short};
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
        plan.objects.iter().flat_map(|object| object.disruptions.iter().map(|told| text(told))).collect(),
    );
    section(&mut out, "To know", changed.iter().copied().flat_map(news).collect());
    section(&mut out, "The order matters", warnings(plan, Warning::is_of_the_order));
    section(&mut out, "Action required", warnings(plan, |warning| !warning.is_of_the_order()));
    section(
        &mut out,
        "Passed over",
        plan.notes.iter().map(|note| text(&format!("{}: {}", note.place, note.message))).collect(),
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
        let violation = &told.violation;
        format!(
            "**{}**{}, {}: {} by {}. {} _{}_{}",
            text(&object.object.to_string()),
            text(&after(told.place.as_ref())),
            code(&violation.path),
            violation.code,
            violation.rule,
            text(&violation.message),
            text(&violation.remedy),
            blockers(violation).map(|blockers| format!(" {}", text(&blockers))).unwrap_or_default(),
        )
    };
    told.map(item).collect()
}

fn differences(object: &PlannedObject) -> Vec<String> {
    let item = |told: &Difference| {
        let (before, after) = (code(&short(&told.before)), code(&short(&told.after)));
        format!("{}: {}: {before} -> {after}", text(&object.object.to_string()), code(&told.path))
    };
    object.differences().map(item).collect()
}

fn news(object: &PlannedObject) -> Vec<String> {
    object.news().map(|told| text(&format!("{}, {}: {}", object.object, told.condition, told.message))).collect()
}

fn warnings(plan: &Plan, is_meant: impl Fn(&Warning) -> bool) -> Vec<String> {
    let item = |warning: &Warning| {
        let reason = if warning.is_of_the_order() { String::new() } else { format!("{}: ", warning.reason) };
        format!(
            "{}{}, {}: {reason}{}",
            text(&warning.object.to_string()),
            text(&after(warning.place.as_ref())),
            code(&warning.path),
            text(&warning.message)
        )
    };
    plan.warnings.iter().filter(|warning| is_meant(warning)).map(item).collect()
}

/// A text that does not end its cell.
fn cell(words: &str) -> String {
    text(words).replace('|', "\\|")
}

/// A text that is no HTML, and mentions no user.
fn text(words: &str) -> String {
    plain(words).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('@', "@<!-- -->")
}

/// A text as code, which nothing in it ends.
fn code(words: &str) -> String {
    let words = plain(words);
    let longest = words.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let (fence, gap) = ("`".repeat(longest + 1), if longest > 0 { " " } else { "" });
    format!("{fence}{gap}{words}{gap}{fence}")
}
