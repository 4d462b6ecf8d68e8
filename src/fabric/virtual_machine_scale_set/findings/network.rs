//! What breaks the rules of the network of an instance, in a model or of an instance's own, and the words for it.

use std::sync::Arc;

use crate::fabric::id::{Kind, Name, ObjectId};
use crate::fabric::limits;
use crate::fabric::public_ip_address::Sku;
use crate::fabric::sizes::VmSize;
use crate::fabric::violation::{Code, Constraint, Finding, Place, Violation, WaitKey};
use crate::fabric::virtual_machine_scale_set::rules::Beside;

/// What breaks a rule of the network of an instance.
pub(in crate::fabric::virtual_machine_scale_set) enum NetworkFinding {
    /// Two network interfaces have one name.
    SameNic { first: Arc<str>, second: Arc<str> },
    /// Two IP configurations of a network interface have one name.
    SameConfiguration { nic: Arc<str>, first: Arc<str>, second: Arc<str> },
    /// No network interface is listed.
    NoNic,
    /// More network interfaces are listed than the size takes.
    TooManyNics { count: usize, size: &'static VmSize },
    /// None of the network interfaces is the primary one.
    NonePrimary { count: usize },
    /// Several network interfaces are marked primary.
    SeveralPrimary { nics: Vec<Arc<str>> },
    /// A subnet is of another virtual network than that of the first network interface.
    InAnotherNetwork { subnet: Name, network: Name, first: Name },
    /// A subnet is of another virtual network than the one that the scale set is in.
    LeavesTheNetwork { subnet: Name, network: Name, home: Name },
    /// An instance would have more secondary IP configurations than one may have.
    TooManySecondary { count: usize },
    /// A network interface has accelerated networking, which the size does not support.
    AccelerationUnsupported { nic: Arc<str>, size: &'static VmSize },
    /// Public addresses are of another SKU than those of something else of the scale set.
    SkuOfTheSetDiffers { public: String, sku: Sku, set: Name, other: ObjectId, other_sku: Sku, beside: Beside },
    /// Public addresses of one instance are of different SKUs.
    SkusDiffer { public: String, sku: Sku, first: String, first_sku: Sku },
    /// A domain name label stands in several configurations.
    LabelListedTwice { label: String },
}

const GIVE_OTHER_NAMES: &str = "Give each its own name; letter case makes no difference.";
const MARK_ONE: &str = "Mark exactly one network interface primary: true.";

impl Finding for NetworkFinding {
    fn violation(self, at: Place) -> Violation {
        match self {
            Self::SameNic { first, second } => at.refuse(
                Code::DuplicateResourceName,
                format!("Two network interfaces are named {first} and {second}."),
                GIVE_OTHER_NAMES,
            ),
            Self::SameConfiguration { nic, first, second } => at.refuse(
                Code::DuplicateResourceName,
                format!("Two configurations of {nic} are named {first} and {second}."),
                GIVE_OTHER_NAMES,
            ),
            Self::NoNic => at.refuse(
                Code::InvalidParameter,
                "No network interface is listed.",
                "List at least one network interface.",
            ),
            Self::TooManyNics { count, size } => at.refuse(
                Code::NetworkInterfaceCountExceeded,
                format!("{count} network interfaces are listed; size {} takes {}.", size.name, size.max_nics),
                format!("List at most {}, or choose a size that takes more.", size.max_nics),
            ),
            Self::NonePrimary { count } => at.refuse(
                Code::NetworkInterfaceMustHavePrimaryPropertySet,
                format!("None of {count} network interfaces is marked primary."),
                MARK_ONE,
            ),
            Self::SeveralPrimary { nics } => {
                at.refuse(Code::InvalidParameter, format!("{} are marked primary.", nics.join(" and ")), MARK_ONE)
            }
            Self::InAnotherNetwork { subnet, network, first } => at.refuse(
                Code::SubnetsNotInSameVnet,
                format!("Subnet {subnet} is of VirtualNetwork {network}, and others are of {first}."),
                format!("Choose a subnet of {first}."),
            ),
            Self::LeavesTheNetwork { subnet, network, home } => at.refuse_change(
                Code::VMScaleSetCannotBeUpdatedToReferenceSubnetsFromDifferentVirtualNetworks,
                format!("Subnet {subnet} is of VirtualNetwork {network}, and the scale set is in {home}."),
                format!("Choose a subnet of {home}, or create another scale set in {network}."),
            ),
            Self::TooManySecondary { count } => at.refuse(
                Code::SecondaryIpConfigurationCountPerVMSSVMExceeded,
                format!("An instance would have {count} secondary IP configurations."),
                format!("List at most {}.", limits::SECONDARY_CONFIGURATIONS_PER_INSTANCE),
            ),
            Self::AccelerationUnsupported { nic, size } => at.refuse(
                Code::VMSizeIsNotPermittedToEnableAcceleratedNetworkingForVmss,
                format!("Size {} does not support accelerated networking, which {nic} asks for.", size.name),
                "Leave enableAcceleratedNetworking out, or choose a size that supports it.",
            ),
            Self::SkuOfTheSetDiffers { public, sku, set, other, other_sku, beside } => {
                let also = match beside {
                    Beside::Instances(_) => ", or set upgradePolicy.mode to Automatic where it has an older model",
                    Beside::OwnNetworks(_) | Beside::Others => "",
                };
                at.refuse(
                    Code::DifferentSkuLoadBalancersAndPublicIPAddressNotAllowed,
                    format!("{public} is {sku}, and {other} has public addresses that are {other_sku}."),
                    format!(
                        "Use one SKU for all public addresses of a scale set; to change it, change {other} first{also}."
                    ),
                )
                .breaks(Constraint::Compatibility)
                .until_changed(other)
                .cites(WaitKey::members(Kind::VirtualMachineScaleSet, &set)) // another may come to be the first
            }
            Self::SkusDiffer { public, sku, first, first_sku } => at
                .refuse(
                    Code::DifferentSkuLoadBalancersAndPublicIPAddressNotAllowed,
                    format!("{public} is {sku}, and {first} is {first_sku}."),
                    "Use one SKU for all public addresses of an instance.",
                )
                .breaks(Constraint::Compatibility),
            Self::LabelListedTwice { label } => at
                .refuse(
                    Code::DnsRecordInUse,
                    format!("The label {label} stands in another configuration, too."),
                    "Give each configuration its own label.",
                )
                .breaks(Constraint::Exclusive),
        }
    }
}
