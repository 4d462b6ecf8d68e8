//! A table for a terminal, and what there is to say of its rows. Colours are taken out where there is no terminal.

use std::fmt::{Display, Write};

use anstyle::{AnsiColor, Style};
use comfy_table::{Table, presets};

use super::super::report::{Action, Plan, PlannedObject, PlannedViolation};
use super::{READING_ORDER, addresses, short};

const GOOD: Style = AnsiColor::Green.on_default();
const CAREFUL: Style = AnsiColor::Yellow.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const STRONG: Style = Style::new().bold();

/// The plan as text, with colours.
pub fn table(plan: &Plan) -> String {
    let mut out = String::new();
    rows(plan, &mut out);
    for object in plan.objects.iter().filter(|object| object.changes() || !object.accepted) {
        details(object, &mut out);
    }
    // Writing to a String does not fail.
    for warning in &plan.warnings {
        let place = warning.place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
        let title = format!("{place}{}: the order matters", warning.object);
        let _ = writeln!(out, "\n{}\n  {}: {}", painted(CAREFUL, title), warning.path, warning.message);
    }
    for note in &plan.notes {
        let _ = writeln!(out, "\n{}: {}", note.place, note.message);
    }
    let style = if plan.refuses() { BAD } else { GOOD };
    let _ = writeln!(out, "{}{}", if out.is_empty() { "" } else { "\n" }, painted(style, &plan.summary));
    out
}

fn rows(plan: &Plan, out: &mut String) {
    let of = |action| plan.objects.iter().filter(move |object| object.action == action);
    let shown: Vec<_> =
        READING_ORDER.into_iter().flat_map(of).filter(|object| object.changes() || !object.accepted).collect();
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
            &object.object.namespace,
            &object.object.name,
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
    let moved = object.allocations.iter().filter(|told| !told.before.is_null());
    let differences: Vec<_> = object.fields.iter().chain(moved).collect();
    let advice = if object.action == Action::Create { &[] } else { object.advice.as_slice() };
    let quiet = differences.is_empty() && object.disruptions.is_empty() && object.violations.is_empty();
    if quiet && advice.is_empty() {
        return;
    }
    let place = object.place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
    let style = if object.accepted { STRONG } else { BAD };
    let _ = writeln!(out, "\n{}", painted(style, format!("{place}{} {}", object.action, object.object)));
    for told in differences {
        let _ = writeln!(out, "  {}: {} -> {}", told.path, short(&told.before), short(&told.after));
    }
    for disruption in &object.disruptions {
        let _ = writeln!(out, "  {}", painted(CAREFUL, disruption));
    }
    for told in advice {
        let _ = writeln!(out, "  {}: {}", told.condition, told.message);
    }
    object.violations.iter().for_each(|told| violation(told, out));
}

fn violation(told: &PlannedViolation, out: &mut String) {
    let violation = &told.violation;
    let place = told.place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
    let _ = writeln!(out, "  {} by {}: {}{place}", painted(BAD, &violation.code), violation.rule, violation.path);
    let _ = writeln!(out, "    {}", violation.message);
    let _ = writeln!(out, "    {}", violation.remedy);
    if !violation.blocked_by.is_empty() {
        let blockers: Vec<String> = violation.blocked_by.iter().map(ToString::to_string).collect();
        let _ = writeln!(out, "    Blocked by {}.", blockers.join(", "));
    }
    if violation.retry == "OnChange" {
        let _ = writeln!(out, "    It waits, and needs no edit once that has changed.");
    }
}

fn painted(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}
