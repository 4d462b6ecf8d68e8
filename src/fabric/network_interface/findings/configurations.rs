//! What breaks the rules of the list of IP configurations.

use std::sync::Arc;

use crate::fabric::id::{Kind, Name, ObjectId};
use crate::fabric::limits;
use crate::fabric::violation::{Code, Finding, Place, Subject, Violation, WaitKey};

/// What breaks a rule of the list of IP configurations.
pub(in crate::fabric::network_interface) enum ConfigurationFinding {
    /// The network interface has no IP configuration.
    NoneListed,
    /// None of several configurations is primary.
    NonePrimary { count: usize },
    /// Two configurations are primary.
    TwoPrimary { first: Arc<str>, other: Arc<str> },
    /// The primary configuration is no longer listed, and no other one is primary.
    PrimaryRemoved { primary: Arc<str> },
    /// Two configurations have one name.
    SameName { name: Arc<str> },
    /// A network interface has more configurations than it may have.
    TooMany { count: usize },
    /// The network interfaces of a virtual machine have more of them together than they may have.
    TooManyTogether { nic: Name, vm: Name, others: Vec<ObjectId> },
}

impl Finding for ConfigurationFinding {
    fn violation(self, at: Place) -> Violation {
        match self {
            Self::NoneListed => at.refuse(
                Code::InvalidParameter,
                "The network interface has no IP configuration.",
                "List at least one, such as {name: ipconfig1}.",
            ),
            Self::NonePrimary { count } => {
                let code = match at.subject() {
                    Subject::Object => Code::NetworkInterfaceMustHaveOneOneIPConfigAsPrimary,
                    Subject::Model => Code::VMScaleSetNetworkInterfaceConfigurationMustHaveOneIpConfigAsPrimary,
                };
                let fact = format!("None of {count} IP configurations is primary.");
                at.refuse(code, fact, "Mark one of them primary: true.")
            }
            Self::TwoPrimary { first, other } => at.refuse(
                Code::InvalidParameter,
                format!("Configurations {first} and {other} are both primary."),
                "Mark only one of them primary: true.",
            ),
            Self::PrimaryRemoved { primary } => at.refuse(
                Code::IpConfigDeleteNotSupported,
                format!("Configuration {primary} is the primary one, and is no longer listed."),
                format!("Keep {primary}, or mark another configuration primary: true in the same edit."),
            ),
            Self::SameName { name } => at.refuse(
                Code::DuplicateResourceName,
                format!("Two configurations are named {name}."),
                "Give each configuration a name of its own.",
            ),
            Self::TooMany { count } => at.refuse(
                Code::InvalidParameter,
                format!("{count} IP configurations are listed."),
                format!("List at most {}.", limits::PRIVATE_ADDRESSES),
            ),
            Self::TooManyTogether { nic, vm, others } => {
                let violation = at.refuse(
                    Code::InvalidParameter,
                    format!(
                        "The network interfaces of VirtualMachine {vm} would have more than {} IP configurations together.",
                        limits::PRIVATE_ADDRESSES
                    ),
                    "List fewer, here or on another.",
                );
                let violation = violation.until(WaitKey::claim(Kind::NetworkInterface, &nic));
                others.into_iter().fold(violation, |violation, other| {
                    violation.until(WaitKey::Claim(other.clone())).until_changed(other)
                })
            }
        }
    }
}
