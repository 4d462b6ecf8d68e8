//! The conditions of every kind, by the status contract of Kubernetes' tools (kstatus, `kubectl wait`).
//!
//! Ready is the sum: True when every reference is resolved, no rule refuses it, and the fabric carries this generation.
//! It is Unknown exactly while Reconciling is present, and False exactly while Stalled is.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use crate::fabric::resource::{Advice, DELETION_PATH};
use crate::fabric::{Constraint, Cure, Violation};

/// What the conditions of an object follow from.
#[derive(Clone, Debug)]
pub struct State<'a> {
    /// The generation of the spec that was judged.
    pub generation: i64,
    /// The generation that the fabric carries.
    pub programmed: Option<i64>,
    /// What the spec, or the deletion, broke; the first leads.
    pub violations: &'a [Violation],
    /// What is on its way.
    pub progress: Option<(&'static str, String)>,
    /// What else is to be reported.
    pub advice: Vec<Advice>,
}

/// Since when each condition has its status, to the second.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Since(Vec<(Box<str>, Truth, Timestamp)>);

/// The status of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Truth {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// It cannot be said; an absent condition is as good as this one.
    Unknown,
}

impl Truth {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::True, Self::False, Self::Unknown];

    /// As it stands in a condition.
    pub fn as_str(self) -> &'static str {
        match self {
            Truth::True => "True",
            Truth::False => "False",
            Truth::Unknown => "Unknown",
        }
    }

    fn read(text: &str) -> Self {
        match text {
            "True" => Truth::True,
            "False" => Truth::False,
            _ => Truth::Unknown,
        }
    }
}

impl Since {
    /// The times in these conditions.
    pub fn of(conditions: &[Condition]) -> Self {
        let one = |c: &Condition| (c.type_.as_str().into(), Truth::read(&c.status), c.last_transition_time.0);
        Self(conditions.iter().map(one).collect())
    }

    /// The status of Ready.
    pub fn ready(&self) -> Truth {
        let mut all = self.0.iter().filter(|(condition, ..)| &**condition == "Ready");
        all.next().map_or(Truth::Unknown, |(_, truth, _)| *truth)
    }

    /// True if Ready is known, and not True.
    pub fn tells_not_ready(&self) -> bool {
        self.0.iter().any(|(condition, truth, _)| &**condition == "Ready" && *truth != Truth::True)
    }

    fn stamp(&self, condition: &str, truth: Truth, now: Timestamp) -> Time {
        let same = self.0.iter().find(|(known, was, _)| &**known == condition && *was == truth);
        Time(same.map_or(now, |(_, _, since)| *since))
    }
}

/// The conditions that follow from the state.
pub fn of(state: &State<'_>, since: &Since, now: Timestamp) -> Vec<Condition> {
    let condition = |kind: &str, truth: Truth, reason: &str, message: String| Condition {
        type_: kind.to_owned(),
        status: truth.as_str().to_owned(),
        reason: reason.to_owned(),
        message,
        observed_generation: Some(state.generation),
        last_transition_time: since.stamp(kind, truth, now),
    };
    let references = resolved_refs(state);
    let accepted = accepted(state);
    let programmed = programmed(state);
    let ready = ready(state);
    let summary = match ready.0 {
        Truth::True => None,
        Truth::False => Some("Stalled"),
        Truth::Unknown => Some("Reconciling"),
    };
    let summary = summary.map(|kind| condition(kind, Truth::True, &ready.1, ready.2.clone()));
    let four = [("ResolvedRefs", references), ("Accepted", accepted), ("Programmed", programmed), ("Ready", ready)];
    let four = four.into_iter().map(|(kind, (truth, reason, message))| condition(kind, truth, &reason, message));
    let advice = state
        .advice
        .iter()
        .map(|advice| condition(advice.condition, Truth::True, advice.reason, advice.message.clone()));
    four.chain(summary).chain(advice).collect()
}

/// The reason of an object whose status the API server does not take.
pub const STATUS_REFUSED: &str = "StatusRefused";
/// At most so many bytes of a condition are tried where the status is not taken as a whole.
const SHORT: usize = 1000;

/// The conditions of an object whose status the API server does not take, shortened: it is not Ready, and it is retried.
pub fn of_a_refused_status(
    conditions: Vec<Condition>,
    generation: Option<i64>,
    why: &str,
    since: &Since,
    now: Timestamp,
) -> Vec<Condition> {
    let message = format!("The API server refused the status: {why} It is retried automatically.");
    let summary = [("Ready", Truth::Unknown), ("Reconciling", Truth::True)].map(|(kind, truth)| Condition {
        type_: kind.to_owned(),
        status: truth.as_str().to_owned(),
        reason: STATUS_REFUSED.to_owned(),
        message: message.clone(),
        observed_generation: generation,
        last_transition_time: since.stamp(kind, truth, now),
    });
    let parts = conditions.into_iter().filter(|c| matches!(&*c.type_, "ResolvedRefs" | "Accepted" | "Programmed"));
    let parts = parts.map(|mut condition| {
        condition.message.truncate(condition.message.floor_char_boundary(SHORT));
        condition
    });
    parts.chain(summary).collect()
}

type Told = (Truth, String, String);

fn is_reference(violation: &&Violation) -> bool {
    violation.constraint == Constraint::Reference
}

fn resolved_refs(state: &State<'_>) -> Told {
    match state.violations.iter().find(is_reference) {
        Some(violation) => (Truth::False, violation.code.to_string(), text(violation, 0)),
        None => (Truth::True, "ResolvedRefs".to_owned(), "All references are resolved.".to_owned()),
    }
}

fn accepted(state: &State<'_>) -> Told {
    let of_the_spec = |violation: &&Violation| !is_reference(violation) && violation.path != DELETION_PATH;
    let objections = state.violations.iter().filter(of_the_spec).count();
    if let Some(first) = state.violations.iter().find(of_the_spec) {
        return (Truth::False, first.code.to_string(), text(first, objections - 1));
    }
    match state.violations.iter().find(is_reference) {
        Some(violation) => (
            Truth::Unknown,
            violation.code.to_string(),
            "The spec is validated when all references are resolved.".to_owned(),
        ),
        None => (Truth::True, "Accepted".to_owned(), "The spec is accepted.".to_owned()),
    }
}

fn programmed(state: &State<'_>) -> Told {
    let deleting = state.violations.iter().any(|violation| violation.path == DELETION_PATH);
    match state.programmed {
        Some(_) if deleting => {
            (Truth::True, "Programmed".to_owned(), "The object stays programmed until it can be deleted.".to_owned())
        }
        Some(generation) if generation == state.generation => {
            (Truth::True, "Programmed".to_owned(), "This generation is programmed.".to_owned())
        }
        Some(generation) => (
            Truth::False,
            "PreviousGenerationProgrammed".to_owned(),
            format!("Generation {generation} is still programmed."),
        ),
        None => (Truth::False, "NotProgrammed".to_owned(), "The object is not programmed.".to_owned()),
    }
}

fn ready(state: &State<'_>) -> Told {
    if let Some(first) = state.violations.first() {
        let stalled = state.violations.iter().any(|violation| violation.cure == Cure::Edit);
        let truth = if stalled { Truth::False } else { Truth::Unknown };
        return (truth, first.code.to_string(), text(first, state.violations.len() - 1));
    }
    match &state.progress {
        Some((reason, message)) => (Truth::Unknown, (*reason).to_owned(), message.clone()),
        None => (Truth::True, "Ready".to_owned(), "The object is programmed as specified.".to_owned()),
    }
}

/// Fact, evidence, remedy; and how many more violations there are.
pub(crate) fn text(violation: &Violation, more: usize) -> String {
    let mut text = format!("{}: {} {}", violation.path, violation.message, violation.remedy);
    if more > 0 {
        text.push_str(&format!(" ({more} more in status.violations.)"));
    }
    text
}
