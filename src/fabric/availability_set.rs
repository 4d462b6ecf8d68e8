//! Availability sets: virtual machines that the platform keeps apart (AVS-01, AVS-02).

#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::engine::Engine;
use super::id::{Kind, Name, ObjectId, ShownRef};
use super::in_use::{self, By, Use};
use super::limits;
use super::resource::{Cures, DeletionRule, Programmed, Resource, Rule, Scope};
use super::violation::Code;

/// What is asked of an availability set: to exist.
#[derive(Clone, Debug, PartialEq)]
pub struct AvailabilitySet {}

/// What the fabric reports of an availability set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AvailabilitySetView {
    /// The number of virtual machines in the availability set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtual_machine_count: Option<i32>,
    /// The virtual machines in the availability set: the first 100 by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::MEMBERS_SHOWN), extend("x-kubernetes-list-type" = "atomic"))]
    pub virtual_machines: Vec<ShownRef>,
}

impl Resource for AvailabilitySet {
    type Held = ();
    type View = AvailabilitySetView;

    const ARM_TYPE: &'static str = "Microsoft.Compute/availabilitySets";
    const RULES: &'static [Rule<Self>] = &[];
    const DELETION_RULES: &'static [DeletionRule] = &[DeletionRule {
        id: "S-13",
        scope: Scope::State,
        says: "An availability set with virtual machines cannot be deleted.",
        codes: &[Code::OperationNotAllowed],
        cure: Cures::Waits,
        at_apply: None,
        remedy: "Delete its virtual machines.",
        source: "Azure's resource model",
        check: in_use::is_not_used::<Self>,
    }];
    const USES: &'static [Use] = &[Use {
        rule: "S-13",
        code: Code::OperationNotAllowed,
        by: By::Objects {
            kind: Kind::VirtualMachine,
            part: "A virtual machine",
            does: "is in this availability set",
            remedy: "Delete its virtual machines",
        },
    }];

    const ALLOCATES: bool = false;
    const HOT_FIELDS: &'static [&'static str] = &["virtualMachineCount", "virtualMachines"];

    fn apply(_: &mut Engine, _: &Name, _: Option<&Self>) {}

    fn release(_: &mut Engine, _: &Name, _: &Programmed<Self>) {}

    fn restore_held(_: &mut Engine, _: &Name, _: &AvailabilitySetView) -> Vec<String> {
        Vec::new()
    }

    fn observe(engine: &Engine, name: &Name, _: &Programmed<Self>) -> AvailabilitySetView {
        let vms = engine.referrers(&ObjectId::new(Kind::AvailabilitySet, name.clone()), Kind::VirtualMachine);
        AvailabilitySetView {
            virtual_machine_count: i32::try_from(vms.len()).ok(),
            virtual_machines: vms.shown_to(name),
        }
    }
}
