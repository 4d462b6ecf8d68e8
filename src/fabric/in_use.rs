//! The one rule of deletions: an object stays while others refer to it (VNET-05, VNET-06, S-13, S-19).
//!
//! A kind says in a small table who may use its objects, and in which words a refusal tells it. Who holds a public address or
//! is attached to a machine is no reference; those rules are the kinds' own.

use super::engine::Engine;
use super::id::{Kind, Name, ObjectId};
use super::resource::{DELETION_PATH, Resource};
use super::violation::{Code, Findings, WaitKey, and_others};
use super::virtual_machine_scale_set::VirtualMachineScaleSet;

/// How an object of a kind is used, so that it cannot be deleted.
#[derive(Clone, Copy, Debug)]
pub struct Use {
    /// The rule that says so.
    pub rule: &'static str,
    /// The code of the refusal.
    pub code: Code,
    /// Who uses it.
    pub by: By,
}

/// Who uses an object, by a reference to it.
#[derive(Clone, Copy, Debug)]
pub enum By {
    /// Objects of a kind.
    Objects {
        /// Their kind.
        kind: Kind,
        /// What one is called that is a part of an instance: "A network interface".
        part: &'static str,
        /// What each of them does: "is in this subnet".
        does: &'static str,
        /// What to do with those that are objects of their own.
        remedy: &'static str,
    },
    /// The models of scale sets: the latest, and those that instances still have, for they may take it up, or return to it.
    Models,
}

/// Nothing refers to the object in one of the ways that the rule which is being checked speaks of.
pub(super) fn is_not_used<K: Resource>(engine: &Engine, name: &Name, findings: &mut Findings) {
    let rule = findings.rule();
    let used = ObjectId::new(K::KIND, name.clone());
    for usage in K::USES.iter().filter(|usage| usage.rule == rule) {
        match usage.by {
            By::Models => is_named_by_no_model(engine, &used, usage.code, findings),
            By::Objects { kind, part, does, remedy } => {
                let users = engine.referrers(&used, kind);
                let Some(first) = users.first() else { continue };
                let first = ObjectId::new(kind, first.clone());
                let (what, remedy) = match first.instance() {
                    None => (first.to_string(), remedy.to_owned()),
                    // Its scale set is told.
                    Some(_) if engine.referrers(&used, Kind::VirtualMachineScaleSet).first().is_some() => continue,
                    Some(instance) => (
                        format!("{part} of {instance}"),
                        format!("Change spec.networkProfileConfiguration of {instance}, or delete the instance"),
                    ),
                };
                findings
                    .refuse(
                        usage.code,
                        DELETION_PATH,
                        format!("{what} {does}{}.", and_others(users.len())),
                        format!("{remedy}; it is then deleted automatically."),
                    )
                    .until_members_changed(used.clone(), kind, users);
            }
        }
    }
}

fn is_named_by_no_model(engine: &Engine, used: &ObjectId, code: Code, findings: &mut Findings) {
    let sets = engine.referrers(used, Kind::VirtualMachineScaleSet);
    let Some(first) = sets.first() else { return };
    let set = ObjectId::new(Kind::VirtualMachineScaleSet, first.clone());
    let is_latest = engine
        .get::<VirtualMachineScaleSet>(first)
        .is_some_and(|set| set.ask.references().iter().any(|reference| reference.to == *used));
    let (fact, remedy) = if is_latest {
        (
            format!("The model of {set} names it."),
            format!("Delete {set}, or change its model; this is then deleted automatically."),
        )
    } else {
        (
            format!("An older model of {set}, which instances have, names it."),
            format!("Upgrade the instances of {set}, or delete it; this is then deleted automatically."),
        )
    };
    let violation = findings.refuse(code, DELETION_PATH, fact, remedy);
    violation.until(WaitKey::Members(used.clone())).cites(WaitKey::Object(set));
    for set in sets.iter() {
        violation.blocked_by(ObjectId::new(Kind::VirtualMachineScaleSet, set.clone()));
    }
}
