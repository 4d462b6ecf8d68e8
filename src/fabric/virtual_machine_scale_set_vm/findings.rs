//! What breaks the rules of instances, and the words for it.

use crate::fabric::id::{Kind, Name};
use crate::fabric::violation::{Code, Finding, Place, Violation, WaitKey};

/// What breaks a rule of the instances of a Uniform scale set, or of the revisions of a model.
pub(super) enum InstanceFinding {
    /// The object was made by something else than the scale set.
    NotMadeByTheSet { set: Name },
    /// The scale set has no instance that the object shows.
    NoSuchInstance { instance: Name, set: Name },
    /// The instance is one of another scale set.
    SetChanged { before: Name },
    /// The instance has another id.
    IdChanged { before: u64 },
    /// The model of the scale set has no such revision.
    NoSuchRevision { revision: u64, latest: u64, set: Name },
    /// What is asked for is not the number of a revision.
    NotARevision { text: String, latest: u64, set: Name },
    /// IPv6 is added to a network interface of the instance, which is attached.
    AddsIpv6 { instance: Name, set: Name },
}

const SCALE_THE_SET: &str =
    "Delete this object. To have more instances, scale the set: kubectl scale vmss/NAME --replicas=N.";

impl Finding for InstanceFinding {
    fn violation(self, at: Place) -> Violation {
        match self {
            Self::NotMadeByTheSet { set } => at.refuse(
                Code::OperationNotAllowed,
                format!("The object was not made by VirtualMachineScaleSet {set}."),
                SCALE_THE_SET,
            ),
            Self::NoSuchInstance { instance, set } => at
                .refuse(
                    Code::OperationNotAllowed,
                    format!("VirtualMachineScaleSet {set} has no such instance."),
                    SCALE_THE_SET,
                )
                .until(WaitKey::object(Kind::VirtualMachineScaleSetVM, &instance))
                .cites(WaitKey::object(Kind::VirtualMachineScaleSet, &set)),
            Self::SetChanged { before } => at.refuse_change(
                Code::PropertyChangeNotAllowed,
                format!("The instance is of scale set {}.", before.name),
                format!("Set scaleSet.name to {}.", before.name),
            ),
            Self::IdChanged { before } => at.refuse_change(
                Code::PropertyChangeNotAllowed,
                format!("The instance's id is {before}."),
                format!("Set instanceId to \"{before}\"."),
            ),
            Self::NoSuchRevision { revision, latest, set } => at
                .refuse(
                    Code::InvalidParameter,
                    format!("{revision} is not a revision of scale set {}.", set.name),
                    format!("Set it to \"{latest}\", the latest."),
                )
                .cites(WaitKey::object(Kind::VirtualMachineScaleSet, &set)),
            Self::NotARevision { text, latest, set } => at
                .refuse(
                    Code::InvalidParameter,
                    format!("{text:?} is not a valid revision; revisions are numbers."),
                    format!("Set it to \"{latest}\", the latest."),
                )
                .cites(WaitKey::object(Kind::VirtualMachineScaleSet, &set)),
            Self::AddsIpv6 { instance, set } => at
                .refuse(
                    Code::OperationNotAllowed,
                    "It would add IPv6 to a network interface of the instance, which is attached.",
                    "Leave IPv6 out; or delete the instance: a new one has it if the set's model has.",
                )
                .cites(WaitKey::object(Kind::VirtualMachineScaleSet, &set))
                .cites(WaitKey::object(Kind::VirtualMachineScaleSetVM, &instance)),
        }
    }
}
