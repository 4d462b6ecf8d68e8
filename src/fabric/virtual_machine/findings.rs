//! What breaks the rules of virtual machines, and the words for it.

use super::PowerState;
use crate::fabric::id::{Kind, Name, ObjectId};
use crate::fabric::limits;
use crate::fabric::sizes::VmSize;
use crate::fabric::violation::{Code, Finding, Place, Violation, WaitKey};
use crate::fabric::zones::{self, Zones};

/// What breaks a rule of virtual machines, or of the list of their network interfaces.
pub(super) enum VmFinding {
    /// The machine was created in another availability set, or in none.
    AvailabilitySetChanged { before: Option<Name> },
    /// Several zones are listed.
    SeveralZones { zones: Zones },
    /// A zone is listed for a machine of an availability set, which is in none.
    ZoneInAvailabilitySet { set: Name },
    /// The availability set has as many machines as it may have.
    AvailabilitySetIsFull { set: ObjectId },
    /// No network interface is listed.
    NoNic { vm: Name },
    /// More network interfaces are listed than the machine's size takes.
    TooManyNics { count: usize, size: &'static VmSize },
    /// The listed network interfaces have more IP configurations together than a machine may have.
    TooManyConfigurations { nics: Vec<Name> },
    /// No network interface is the primary one.
    NonePrimary,
    /// A network interface is marked primary, and `first` is as well.
    SeveralPrimary { first: Name, nic: Name },
    /// A network interface is listed twice.
    ListedTwice { nic: Name },
    /// A network interface that is to be deleted with the machine is of another namespace.
    DeletesForeignNic { nic: Name },
    /// A network interface has accelerated networking, which the machine's size does not support.
    AccelerationUnsupported { nic: Name, size: &'static VmSize },
}

impl Finding for VmFinding {
    fn violation(self, at: Place) -> Violation {
        match self {
            Self::AvailabilitySetChanged { before: Some(set) } => at.refuse_change(
                Code::PropertyChangeNotAllowed,
                format!("The VM was created in AvailabilitySet {set}."),
                format!("Set availabilitySet to {}, or create another virtual machine.", set.name),
            ),
            Self::AvailabilitySetChanged { before: None } => at.refuse_change(
                Code::PropertyChangeNotAllowed,
                "The VM was created in no availability set.",
                "Leave availabilitySet out, or create another virtual machine.",
            ),
            Self::SeveralZones { zones } => at.refuse(
                Code::InvalidParameter,
                format!("A virtual machine is in one zone, and {} are listed.", zones::listed(&zones)),
                "List one zone.",
            ),
            Self::ZoneInAvailabilitySet { set } => at.refuse(
                Code::InvalidParameter,
                format!("AvailabilitySet {set} is in no zone, and neither are its virtual machines."),
                "Leave zones or availabilitySet out.",
            ),
            Self::AvailabilitySetIsFull { set } => at
                .refuse(
                    Code::AvailabilitySetVMCountLimitReached,
                    format!("{set} has the maximum of {} virtual machines.", limits::VMS_PER_AVAILABILITY_SET),
                    format!("Use another availability set, or delete a virtual machine of {set}."),
                )
                .until(WaitKey::Members(set.clone()))
                .blocked_by(set),
            Self::NoNic { vm } => at.refuse(
                Code::InvalidParameter,
                format!("Virtual machine {vm} must have at least one network interface."),
                "List at least one network interface.",
            ),
            Self::TooManyNics { count, size } => at.refuse(
                Code::NetworkInterfaceCountExceeded,
                format!("{count} network interfaces are listed, and size {} takes {}.", size.name, size.max_nics),
                format!("List at most {}, or choose a size that takes more.", size.max_nics),
            ),
            Self::TooManyConfigurations { nics } => {
                let violation = at.refuse(
                    Code::InvalidParameter,
                    format!(
                        "The listed network interfaces have more than {} IP configurations together.",
                        limits::PRIVATE_ADDRESSES
                    ),
                    "List fewer network interfaces, or fewer IP configurations on them.",
                );
                let nics = nics.iter().map(|nic| WaitKey::object(Kind::NetworkInterface, nic));
                nics.fold(violation, Violation::until)
            }
            Self::NonePrimary => at.refuse(
                Code::NetworkInterfaceMustHavePrimaryPropertySet,
                "Every network interface is marked primary: false.",
                "Mark one primary: true, or leave primary out.",
            ),
            Self::SeveralPrimary { first, nic } => at.refuse(
                Code::InvalidParameter,
                format!("NetworkInterfaces {first} and {nic} are both marked primary."),
                "Mark only one of them primary: true.",
            ),
            Self::ListedTwice { nic } => {
                at.refuse(Code::InvalidParameter, format!("NetworkInterface {nic} is listed twice."), "List it once.")
            }
            Self::DeletesForeignNic { nic } => at.refuse(
                Code::InvalidParameter,
                format!("NetworkInterface {nic} is of another namespace, and is not deleted with the VM."),
                "Leave deleteOption out, or list a network interface of this namespace.",
            ),
            Self::AccelerationUnsupported { nic, size } => at
                .refuse(
                    Code::VMSizeIsNotPermittedToEnableAcceleratedNetworking,
                    format!(
                        "NetworkInterface {nic} has accelerated networking, which size {} does not support.",
                        size.name
                    ),
                    "Choose a size that supports it, or remove enableAcceleratedNetworking from the network interface.",
                )
                .until(WaitKey::object(Kind::NetworkInterface, &nic)),
        }
    }
}

/// What keeps a network interface from being attached to a virtual machine, or from being detached.
pub(super) enum AttachmentFinding {
    /// The network interface is attached to another machine.
    InUse { nic: Name, vm: ObjectId },
    /// The network interface is in another virtual network than the first one of the list.
    InAnotherNetwork { nic: Name, network: Name, first: Name, first_network: Name },
    /// A network interface is added to a machine that is not deallocated.
    AttachedWhileOn { nic: Name, vm: Name, power: PowerState },
    /// A network interface is taken off a machine that is not deallocated.
    DetachedWhileOn { nic: Name, vm: Name, power: PowerState },
    /// A network interface with IPv6 is added to a machine that exists already.
    Ipv6AfterCreation { nic: Name },
}

const DEALLOCATE_FIRST: &str = "Please stop/deallocate the VM and retry the operation: set powerState to Deallocated \
                                together with the new list, and to Running after it; or \
                                set disruptionPolicy to Deallocate.";

impl Finding for AttachmentFinding {
    fn violation(self, at: Place) -> Violation {
        match self {
            Self::InUse { nic, vm } => at
                .refuse(
                    Code::NicInUse,
                    format!("NetworkInterface {nic} is attached to {vm}."),
                    format!("Detach it from {vm} first, or list another network interface."),
                )
                .until_free(WaitKey::claim(Kind::NetworkInterface, &nic))
                .blocked_by(vm),
            Self::InAnotherNetwork { nic, network, first, first_network } => at
                .refuse(
                    Code::SubnetsNotInSameVnet,
                    format!(
                        "NetworkInterface {nic} is in VirtualNetwork {network}, and NetworkInterface {first} in {first_network}."
                    ),
                    format!("List network interfaces of VirtualNetwork {first_network} only."),
                )
                .cites(WaitKey::object(Kind::NetworkInterface, &first))
                .cites(WaitKey::object(Kind::NetworkInterface, &nic)),
            Self::AttachedWhileOn { nic, vm, power } => at
                .refuse(
                    Code::OperationNotAllowed,
                    format!("NetworkInterface {nic} cannot be attached while the VM is {power}."),
                    DEALLOCATE_FIRST,
                )
                .cites(WaitKey::Power(vm))
                .cites(WaitKey::object(Kind::NetworkInterface, &nic)),
            Self::DetachedWhileOn { nic, vm, power } => at
                .refuse(
                    Code::OperationNotAllowed,
                    format!("NetworkInterface {nic} cannot be detached while the VM is {power}."),
                    DEALLOCATE_FIRST,
                )
                .cites(WaitKey::Power(vm))
                .cites(WaitKey::object(Kind::NetworkInterface, &nic)),
            Self::Ipv6AfterCreation { nic } => at
                .refuse(
                    Code::OperationNotAllowed,
                    format!("NetworkInterface {nic} has an IPv6 configuration, and the VM exists already."),
                    "Remove the IPv6 configuration, or create another virtual machine with this network interface.",
                )
                .until(WaitKey::object(Kind::NetworkInterface, &nic)),
        }
    }
}
