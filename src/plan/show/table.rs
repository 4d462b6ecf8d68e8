//! A table for a terminal, and what there is to say of its rows. Colours are taken out where there is no terminal.

use std::fmt::{Display, Write};

use anstyle::{AnsiColor, Style};
use comfy_table::{Table, presets};

use super::{addresses, after, before, blockers, by_action, plain, short};
use crate::plan::report::{Plan, PlannedObject, PlannedViolation};

const GOOD: Style = AnsiColor::Green.on_default();
const CAREFUL: Style = AnsiColor::Yellow.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const STRONG: Style = Style::new().bold();

/// The plan as text, with colours.
pub fn table(plan: &Plan) -> String {
    let mut out = String::new();
    rows(&by_action(shown(plan)), &mut out);
    shown(plan).for_each(|object| details(object, &mut out));
    // Writing to a String does not fail.
    for warning in &plan.warnings {
        let what = if warning.is_of_the_order() { "the order matters" } else { &warning.reason };
        let title = format!("{}{}: {what}", before(warning.place.as_ref()), warning.object);
        let _ = writeln!(
            out,
            "\n{}\n  {}",
            painted(CAREFUL, title),
            plain(&format!("{}: {}", warning.path, warning.message))
        );
    }
    for note in &plan.notes {
        let _ = writeln!(out, "\n{}", plain(&format!("{}: {}", note.place, note.message)));
    }
    let style = if plan.refuses() { BAD } else { GOOD };
    let _ = writeln!(out, "{}{}", if out.is_empty() { "" } else { "\n" }, painted(style, &plan.summary));
    out
}

/// What there is something to say of.
fn shown(plan: &Plan) -> impl Iterator<Item = &PlannedObject> {
    plan.objects.iter().filter(|object| object.changes() || object.has_news() || !object.accepted)
}

fn rows(shown: &[&PlannedObject], out: &mut String) {
    if shown.is_empty() {
        return;
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["ACTION", "KIND", "NAMESPACE", "NAME", "ADDRESSES", "READY", "REASON"]);
    for object in shown {
        let (ready, reason) = object.ready.as_ref().map_or(("", ""), |ready| (&ready.status, &ready.reason));
        let reason = if object.ready.is_none() {
            object.violations.first().map_or("", |told| &told.violation.code)
        } else {
            reason
        };
        table.add_row([
            &object.action.to_string(),
            &object.object.kind,
            &plain(&object.object.namespace),
            &plain(&object.object.name),
            &addresses(object),
            ready,
            reason,
        ]);
    }
    for line in table.to_string().lines() {
        let _ = writeln!(out, "{}", line.trim());
    }
}

fn details(object: &PlannedObject, out: &mut String) {
    let differences: Vec<_> = object.differences().collect();
    let quiet = differences.is_empty() && object.disruptions.is_empty() && object.violations.is_empty();
    if quiet && !object.has_news() {
        return;
    }
    let style = if object.accepted { STRONG } else { BAD };
    let title = format!("{}{} {}", before(object.place.as_ref()), object.action, object.object);
    let _ = writeln!(out, "\n{}", painted(style, title));
    for told in differences {
        let _ =
            writeln!(out, "  {}", plain(&format!("{}: {} -> {}", told.path, short(&told.before), short(&told.after))));
    }
    for disruption in &object.disruptions {
        let _ = writeln!(out, "  {}", painted(CAREFUL, disruption));
    }
    for told in object.news() {
        let _ = writeln!(out, "  {}: {}", told.condition, plain(&told.message));
    }
    object.violations.iter().for_each(|told| violation(told, out));
}

fn violation(told: &PlannedViolation, out: &mut String) {
    let violation = &told.violation;
    let place = plain(&after(told.place.as_ref()));
    let _ =
        writeln!(out, "  {} by {}: {}{place}", painted(BAD, &violation.code), violation.rule, plain(&violation.path));
    let _ = writeln!(out, "    {}", plain(&violation.message));
    let _ = writeln!(out, "    {}", plain(&violation.remedy));
    if let Some(text) = blockers(violation) {
        let _ = writeln!(out, "    {}", plain(&text));
    }
    if violation.retry == "OnChange" {
        let _ = writeln!(out, "    It waits, and needs no edit if that changes.");
    }
}

fn painted(style: Style, text: impl Display) -> String {
    format!("{style}{}{style:#}", plain(&text.to_string()))
}
