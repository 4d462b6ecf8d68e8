//! What breaks the rules of network interfaces, and the words for it: of the interface as a whole here, the rest by topic, as
//! the rules are.

mod addresses;
mod configurations;
mod ipv6;
mod public;

use std::sync::Arc;

use crate::fabric::id::{Kind, Name, ObjectId};
use crate::fabric::violation::{Code, Constraint, Finding, Place, Violation, WaitKey};
use crate::fabric::virtual_machine::PowerState;
pub(super) use addresses::AddressFinding;
pub(super) use configurations::ConfigurationFinding;
pub(super) use ipv6::Ipv6Finding;
pub(super) use public::PublicAddressFinding;

/// What breaks a rule of a network interface as a whole, or keeps it from being deleted.
pub(super) enum NetworkInterfaceFinding {
    /// The subnet is in another virtual network than that of the network interface.
    OtherVirtualNetwork { nic: Name, is_attached: bool, network: Name, subnet: Name, its: Name },
    /// The subnet changes, and a configuration is not asked to be Dynamic.
    StaticWhileMoving { configuration: Arc<str> },
    /// The subnet of a secondary network interface changes while it is attached.
    AttachedSecondaryMoves { nic: Name, vm: ObjectId, subnet: Name },
    /// The size of the virtual machine does not support accelerated networking.
    SizeWithoutAcceleration { nic: Name, vm: Name, size: &'static str },
    /// The edit needs the virtual machine deallocated.
    NotDeallocated { vm: Name, power: PowerState },
    /// It is attached, and therefore cannot be deleted.
    Attached { nic: Name, vm: ObjectId },
}

impl Finding for NetworkInterfaceFinding {
    fn violation(self, at: Place) -> Violation {
        match self {
            Self::OtherVirtualNetwork { nic, is_attached, network, subnet, its } => at
                .refuse_change(
                    if is_attached { Code::SubnetsNotInSameVnet } else { Code::OperationNotAllowed },
                    format!("The network interface is in VirtualNetwork {network}, and Subnet {subnet} is in {its}."),
                    format!("Choose a subnet of VirtualNetwork {network}, or create another network interface."),
                )
                .cites(WaitKey::object(Kind::Subnet, &subnet))
                .cites(WaitKey::claim(Kind::NetworkInterface, &nic))
                .cites(WaitKey::members(Kind::NetworkInterface, &nic)),
            Self::StaticWhileMoving { configuration } => at.refuse(
                Code::OperationNotAllowed,
                format!("Configuration {configuration} is Static, and the subnet changes."),
                "Set privateIPAllocationMethod to Dynamic with the change of the subnet, and to Static after it.",
            ),
            Self::AttachedSecondaryMoves { nic, vm, subnet } => at
                .refuse(
                    Code::SecondaryNetworkInterfaceInUseCannotChangeSubnet,
                    format!("The network interface is a secondary one of {vm}."),
                    format!("Detach it from {vm} first, or keep Subnet {subnet}."),
                )
                .until(WaitKey::claim(Kind::NetworkInterface, &nic))
                .until_changed(vm),
            Self::SizeWithoutAcceleration { nic, vm, size } => at
                .refuse(
                    Code::VMSizeIsNotPermittedToEnableAcceleratedNetworking,
                    format!("VirtualMachine {vm} is of size {size}, which does not support it."),
                    "Leave enableAcceleratedNetworking out, or resize the virtual machine first.",
                )
                .until(WaitKey::object(Kind::VirtualMachine, &vm))
                .cites(WaitKey::claim(Kind::NetworkInterface, &nic)),
            // An edit of the virtual machine may also make another network interface the primary one.
            Self::NotDeallocated { vm, power } => {
                let id = ObjectId::new(Kind::VirtualMachine, vm.clone());
                at.refuse(
                    Code::OperationNotAllowed,
                    format!("{id} is {power}."),
                    format!(
                        "Please stop/deallocate the VM and retry the operation: set powerState of {id} to Deallocated."
                    ),
                )
                .until(WaitKey::Power(vm))
                .until_changed(id)
            }
            Self::Attached { nic, vm } => at
                .refuse(
                    Code::NicInUse,
                    format!("The network interface is attached to {vm}."),
                    format!("Detach it from {vm}, or delete {vm}; it is then deleted automatically."),
                )
                .until(WaitKey::claim(Kind::NetworkInterface, &nic))
                .blocked_by(vm)
                .breaks(Constraint::Exclusive),
        }
    }
}
