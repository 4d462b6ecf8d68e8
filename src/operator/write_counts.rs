//! How often each kind of write ended in which way.

use std::collections::BTreeMap;

use super::core::{Input, Outcome, What, Write};

/// What a write is of, and how it is asked for, by the names that metrics have for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The kind of the object that is written.
    pub kind: &'static str,
    /// The verb, as RBAC names it; a status has the verbs of its subresource.
    pub verb: &'static str,
}

impl Target {
    /// That of a write.
    pub fn of(write: &Write) -> Self {
        let kind = write.id.kind.as_str();
        match write.what {
            What::Status(_) => Self { kind, verb: "update_status" },
            What::Conditions(_) => Self { kind, verb: "patch_status" },
            What::Finalizers(_) | What::Apply(_) => Self { kind, verb: "patch" },
            What::Create(_) => Self { kind, verb: "create" },
            What::Delete => Self { kind, verb: "delete" },
            What::KeepRevision(_) => Self { kind: "ControllerRevision", verb: "create" },
            What::DropRevision(..) => Self { kind: "ControllerRevision", verb: "delete" },
        }
    }
}

/// The writes that have ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteCounts(BTreeMap<(Target, &'static str), u64>);

impl WriteCounts {
    /// Counts how a write ended, if that is what this input tells.
    pub fn count(&mut self, target: Target, input: &Input) {
        if let Input::Written(_, _, outcome) = input {
            *self.0.entry((target, outcome_name(outcome))).or_default() += 1;
        }
    }

    /// What was written, how it ended, and how often.
    pub fn all(&self) -> impl Iterator<Item = (Target, &'static str, u64)> {
        self.0.iter().map(|((target, outcome), count)| (*target, *outcome, *count))
    }
}

fn outcome_name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done(_) => "done",
        Outcome::Conflict => "conflict",
        Outcome::NameTaken => "name_taken",
        Outcome::TakenOver => "taken_over",
        Outcome::Gone => "gone",
        Outcome::Refused(_) => "refused",
        Outcome::Failed => "failed",
    }
}

/// The names of all outcomes.
#[cfg(test)]
pub(super) fn outcomes() -> Vec<&'static str> {
    let refused = Outcome::Refused(String::new());
    let others = [Outcome::Conflict, Outcome::NameTaken, Outcome::TakenOver, Outcome::Gone, Outcome::Failed];
    [Outcome::Done(1), refused].iter().chain(&others).map(outcome_name).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fabric::{Kind, Name, ObjectId, Uid};

    fn write(what: What) -> Write {
        let id = ObjectId::new(Kind::VirtualMachineScaleSet, Name::new("shop", "api"));
        let uid = Uid::from("life");
        Write { id, uid, resource_version: 1, generation: 1, changes_counts_only: false, what }
    }

    fn ended(outcome: Outcome) -> Input {
        let Write { id, uid, .. } = write(What::Delete);
        Input::Written(id, uid, outcome)
    }

    #[test]
    fn writes_are_counted_by_kind_verb_and_outcome() {
        let mut counts = WriteCounts::default();
        let status = Target::of(&write(What::Status(json!({}))));
        counts.count(status, &ended(Outcome::Done(7)));
        counts.count(status, &ended(Outcome::Done(8)));
        counts.count(status, &ended(Outcome::Refused("quota exceeded".to_owned())));
        let model = Target::of(&write(What::DropRevision(3, Uid::from("kept"))));
        counts.count(model, &ended(Outcome::Failed));
        let all: Vec<_> = counts.all().map(|(Target { kind, verb }, outcome, n)| (kind, verb, outcome, n)).collect();
        let expected = [
            ("ControllerRevision", "delete", "failed", 1),
            ("VirtualMachineScaleSet", "update_status", "done", 2),
            ("VirtualMachineScaleSet", "update_status", "refused", 1),
        ];
        assert_eq!(all, expected);
    }

    #[test]
    fn what_an_answer_shows_of_an_object_is_no_end_of_a_write() {
        let mut counts = WriteCounts::default();
        let Write { id, uid, .. } = write(What::Delete);
        counts.count(Target::of(&write(What::Delete)), &Input::Deleted(id, uid));
        assert_eq!(counts, WriteCounts::default());
    }
}
