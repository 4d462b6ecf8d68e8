//! What breaks the rules of scale sets, and the words for it; of the network of an instance, in `network`.

mod network;

use std::sync::Arc;

use ipnet::IpNet;

use super::{NeededBy, OrchestrationMode};
use crate::fabric::id::{Kind, Name, ObjectId};
use crate::fabric::ipam::{PoolId, shortage};
use crate::fabric::limits;
use crate::fabric::public_ip_address::Sku;
use crate::fabric::violation::{Code, Finding, Place, Violation, WaitKey, and_so_on};
pub(super) use network::NetworkFinding;

/// What breaks a rule of scale sets.
pub(super) enum SetFinding {
    /// The scale set was created in another orchestration mode.
    ModeChanged { before: OrchestrationMode },
    /// More instances are asked for than a scale set may have.
    TooManyInstances { replicas: u32 },
    /// The name of the scale set is too long to be the value of a label.
    NameTooLong { length: usize },
    /// Names that are made of those of the scale set and of its model are too long for objects.
    ObjectNameTooLong { longest: usize },
    /// A domain name label leaves no room for the ids of instances before it.
    LabelTooLong { label: String, most: usize },
    /// The public address of this configuration would be the same object as that of another one.
    SameObject { this: String, other: String, object: Name },
    /// The virtual machine of an instance would have more IP configurations than one may have.
    TooManyConfigurations { count: usize },
    /// The public addresses of a configuration were created with another SKU.
    PublicSkuChanged { configuration: Arc<str>, nic: Arc<str>, before: Sku, after: Sku },
    /// A batch has a smaller part of the instances than it must have.
    BatchTooSmall { percent: u8 },
    /// Instances of a scale set that is to be deleted are still there, `first` among them.
    InstancesRemain { set: Name, first: ObjectId },
}

impl Finding for SetFinding {
    fn violation(self, at: Place) -> Violation {
        match self {
            Self::ModeChanged { before } => at.refuse_change(
                Code::PropertyChangeNotAllowed,
                format!("The scale set was created as {before:?}."),
                format!("Set orchestrationMode to {before:?}, or create another scale set."),
            ),
            Self::TooManyInstances { replicas } => at.refuse(
                Code::InvalidParameter,
                format!("{replicas} instances are asked for."),
                format!("Ask for at most {}.", limits::INSTANCES_PER_SCALE_SET),
            ),
            Self::NameTooLong { length } => at.refuse(
                Code::InvalidResourceName,
                format!("The name has {length} characters, and labels what is made for the scale set."),
                format!("Create the scale set under a name of at most {} characters.", limits::LABEL_LENGTH),
            ),
            Self::ObjectNameTooLong { longest } => at.refuse(
                Code::InvalidResourceName,
                format!("Objects of instances would have names of {longest} characters."),
                format!(
                    "Shorten the names of the scale set, the network interface or its configurations: together at most {}.",
                    limits::NAME_LENGTH
                ),
            ),
            Self::LabelTooLong { label, most } => at.refuse(
                Code::InvalidDomainNameLabel,
                format!("The label has {} characters, and instances are called vm<id>-{label}.", label.len()),
                format!("Choose a label of at most {most} characters."),
            ),
            Self::SameObject { this, other, object } => at.refuse(
                Code::DuplicateResourceName,
                format!("The public address of {this} would be called {}, as that of {other}.", object.name),
                "Rename one of the two network interfaces or configurations.",
            ),
            Self::TooManyConfigurations { count } => at.refuse(
                Code::InvalidParameter,
                format!("The virtual machine of an instance would have {count} IP configurations."),
                format!("List at most {} together.", limits::PRIVATE_ADDRESSES),
            ),
            Self::PublicSkuChanged { configuration, nic, before, after } => at.refuse(
                Code::SkuCannotBeUpdatedOnVMSSPublicIpAddresses,
                format!("The public addresses of configuration {configuration} of {nic} are {before}."),
                format!(
                    "Set sku.name to {before}. To change it, remove publicIPAddressConfiguration, upgrade all instances, add it again with sku.name {after}, and upgrade all instances again."
                ),
            ),
            Self::BatchTooSmall { percent } => at.refuse(
                Code::InvalidParameter,
                format!("A batch of {percent} percent is asked for."),
                format!("Write a number from {} to 100.", limits::SMALLEST_BATCH_PERCENT),
            ),
            Self::InstancesRemain { set, first } => at
                .refuse(
                    Code::OperationNotAllowed,
                    "Instances of the scale set are still being deleted.",
                    "Wait: the scale set is deleted automatically when they have gone.",
                )
                .until(WaitKey::members(Kind::VirtualMachineScaleSet, &set))
                .blocked_by(first),
        }
    }
}

/// What keeps a scale set from making instances, or from upgrading them.
pub(super) enum RoomFinding {
    /// The networks that these instances have of their own do not fit the machine that they would get; `code` and `message` are
    /// those of the rule that the first one would break.
    OwnNetworks { code: Code, message: String, instances: Vec<ObjectId> },
    /// An upgrade would add IPv6 to a network interface of the instance, which is attached.
    UpgradeAddsIpv6 { instance: ObjectId },
    /// A subnet has fewer addresses available than are needed.
    SubnetIsFull { count: u64, by: NeededBy, pool: PoolId, subnet: ObjectId, range: IpNet },
}

impl Finding for RoomFinding {
    fn violation(self, at: Place) -> Violation {
        match self {
            Self::OwnNetworks { code, message, instances } => {
                let first = instances.first().map(ToString::to_string).unwrap_or_default();
                let others = and_so_on(instances.len());
                let violation = at.refuse(
                    code,
                    format!("{first} has a network of its own: {message}"),
                    format!("Choose a size that takes it, or change the own network of {first} first{others}."),
                );
                let evidence = instances.iter().cloned().map(WaitKey::Object);
                evidence.fold(violation, Violation::cites).until_all_changed(instances)
            }
            Self::UpgradeAddsIpv6 { instance } => at.refuse(
                Code::OperationNotAllowed,
                format!("The upgrade of {instance} would add IPv6 to its network interface, which is attached."),
                "Leave the IPv6 configuration out; or set upgradePolicy.mode to Manual, and delete the instances one by one: new ones have it.",
            ),
            Self::SubnetIsFull { count, by, pool, subnet, range } => at
                .refuse(
                    Code::SubnetIsFull,
                    shortage(count, &format!("{subnet} ({range})")),
                    match by {
                        NeededBy::ScaleOut => {
                            "Ask for fewer instances, delete what is not used in the subnet, or use a larger subnet."
                        }
                        NeededBy::Upgrade => "Choose a subnet that has room, or delete what is not used in this one.",
                        NeededBy::Instance => "Free addresses of the subnet, or use another one.",
                    },
                )
                .until_room(WaitKey::Capacity(pool))
                .cites(WaitKey::Object(subnet.clone()))
                .blocked_by(subnet),
        }
    }
}
