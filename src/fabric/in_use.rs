//! The one rule of deletions: an object stays while others refer to it (VNET-05, VNET-06, S-13, S-19).
//!
//! A kind says in a small table who may use its objects, and in which words a refusal says it. Who holds a public address or
//! is attached to a machine is no reference; those rules are the kinds' own.

use super::engine::Engine;
use super::id::{Kind, Name, ObjectId};
use super::resource::{DELETION_PATH, Resource};
use super::violation::{Code, Finding, Findings, Members, Place, Violation, WaitKey, and_others};
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

/// What keeps an object from being deleted.
enum InUse {
    /// Other objects refer to it, which their own deletion or an edit may change.
    Objects { code: Code, does: &'static str, remedy: &'static str, used: ObjectId, by: Members },
    /// So do the parts of instances, `part` being what the first one is called.
    Instances { code: Code, part: &'static str, does: &'static str, instance: ObjectId, used: ObjectId, by: Members },
    /// The latest models of scale sets name it, `first` among them.
    Models { code: Code, first: ObjectId, used: ObjectId, by: Members },
    /// Only models name it that instances still have.
    OlderModels { code: Code, first: ObjectId, used: ObjectId, by: Members },
}

impl Finding for InUse {
    fn violation(self, at: Place) -> Violation {
        match self {
            Self::Objects { code, does, remedy, used, by } => {
                let first = by.first.first().map(ToString::to_string).unwrap_or_default();
                at.refuse(
                    code,
                    format!("{first} {does}{}.", and_others(by.count)),
                    format!("{remedy}; it is then deleted automatically."),
                )
                .until_members_changed(used, by)
            }
            Self::Instances { code, part, does, instance, used, by } => at
                .refuse(
                    code,
                    format!("{part} of {instance} {does}{}.", and_others(by.count)),
                    format!(
                        "Change spec.networkProfileConfiguration of {instance}, or delete the instance; it is then deleted automatically."
                    ),
                )
                .until_members_changed(used, by),
            Self::Models { code, first, used, by } => at
                .refuse(
                    code,
                    format!("The model of {first} names it."),
                    format!("Delete {first}, or change its model; this is then deleted automatically."),
                )
                .until_models_changed(first, used, by),
            Self::OlderModels { code, first, used, by } => at
                .refuse(
                    code,
                    format!("An older model of {first}, which instances have, names it."),
                    format!("Upgrade the instances of {first}, or delete it; this is then deleted automatically."),
                )
                .until_models_changed(first, used, by),
        }
    }
}

impl Violation {
    fn until_models_changed(self, first: ObjectId, used: ObjectId, by: Members) -> Self {
        self.until(WaitKey::Members(used)).cites(WaitKey::Object(first)).blocked_by_all(by)
    }
}

/// Nothing refers to the object in one of the ways that the rule which is being checked speaks of.
pub(super) fn is_not_used<K: Resource>(engine: &Engine, name: &Name, findings: &mut Findings) {
    let rule = findings.rule();
    let used = ObjectId::new(K::KIND, name.clone());
    for Use { code, by, .. } in K::USES.iter().copied().filter(|usage| usage.rule == rule) {
        let found = match by {
            By::Models => by_models(engine, &used, code),
            By::Objects { kind, part, does, remedy } => {
                let users = engine.referrers(&used, kind);
                let by = Members::of(kind, users);
                match by.first.first().map(ObjectId::instance) {
                    None => None,
                    Some(None) => Some(InUse::Objects { code, does, remedy, used: used.clone(), by }),
                    // Its scale set is named.
                    Some(Some(_)) if engine.referrers(&used, Kind::VirtualMachineScaleSet).first().is_some() => None,
                    Some(Some(instance)) => {
                        Some(InUse::Instances { code, part, does, instance, used: used.clone(), by })
                    }
                }
            }
        };
        if let Some(found) = found {
            findings.add(DELETION_PATH, found);
        }
    }
}

fn by_models(engine: &Engine, used: &ObjectId, code: Code) -> Option<InUse> {
    let sets = engine.referrers(used, Kind::VirtualMachineScaleSet);
    let set = engine.get::<VirtualMachineScaleSet>(sets.first()?);
    let is_latest = set.is_some_and(|set| set.ask.references().iter().any(|reference| reference.to == *used));
    let by = Members::of(Kind::VirtualMachineScaleSet, sets);
    let (first, used) = (by.first.first()?.clone(), used.clone());
    Some(match is_latest {
        true => InUse::Models { code, first, used, by },
        false => InUse::OlderModels { code, first, used, by },
    })
}
