//! What breaks the rules of IPv6 configurations.

use std::sync::Arc;

use crate::fabric::id::{Kind, Name, ObjectId};
use crate::fabric::violation::{Code, Finding, Place, Violation, WaitKey};

/// What breaks a rule of IPv6 configurations.
pub(in crate::fabric::network_interface) enum Ipv6Finding {
    /// The primary configuration is IPv6.
    Primary { configuration: Arc<str> },
    /// There are other secondary configurations beside the IPv6 one.
    NotTheOnlySecondary { configuration: Arc<str>, others: usize },
    /// An IPv6 configuration is not Dynamic.
    Static { configuration: Arc<str> },
    /// An IPv6 configuration refers to a public address.
    WithPublicAddress { configuration: Arc<str>, public: Name },
    /// An IPv6 configuration is added while the network interface is attached.
    AddedWhileAttached { nic: Name, vm: ObjectId },
}

impl Finding for Ipv6Finding {
    fn violation(self, at: Place) -> Violation {
        match self {
            Self::Primary { configuration } => at.refuse(
                Code::InvalidParameter,
                format!("Configuration {configuration} is the primary one, and IPv6."),
                "Make an IPv4 configuration the primary one, and add the IPv6 one as secondary.",
            ),
            Self::NotTheOnlySecondary { configuration, others } => at.refuse(
                Code::InvalidParameter,
                format!("Configuration {configuration} is IPv6, and there are {others} other secondary ones."),
                "Keep one IPv6 configuration beside the primary one, and remove the other secondary ones.",
            ),
            Self::Static { configuration } => at.refuse(
                Code::InvalidParameter,
                format!("Configuration {configuration} is IPv6 and Static."),
                "Leave privateIPAllocationMethod and privateIPAddress out.",
            ),
            Self::WithPublicAddress { configuration, public } => at.refuse(
                Code::IPVersionForPublicIpAndNicIpConfigurationMustMatch,
                format!("Configuration {configuration} is IPv6, and refers to PublicIPAddress {public}."),
                "Remove publicIPAddress from the IPv6 configuration.",
            ),
            Self::AddedWhileAttached { nic, vm } => at
                .refuse(
                    Code::OperationNotAllowed,
                    format!("The network interface is attached to {vm}."),
                    format!(
                        "Detach it from {vm}, or delete {vm}, first; a VM takes a NIC with IPv6 only when the VM is created."
                    ),
                )
                .until(WaitKey::claim(Kind::NetworkInterface, &nic))
                .blocked_by(vm),
        }
    }
}
