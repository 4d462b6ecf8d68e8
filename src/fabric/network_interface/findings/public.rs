//! What breaks the rules of public addresses on IP configurations.

use std::sync::Arc;

use crate::fabric::holder::Holder;
use crate::fabric::id::{Kind, Name};
use crate::fabric::violation::{Code, Finding, Place, Violation, WaitKey};

/// What breaks a rule of public addresses on IP configurations.
pub(in crate::fabric::network_interface) enum PublicAddressFinding {
    /// A public address that is to be deleted with the virtual machine is of another namespace.
    DeletedElsewhere { public: Name },
    /// An IPv4 configuration refers to a public IPv6 address.
    OtherVersion { public: Name, configuration: Arc<str> },
    /// Two configurations of the network interface refer to one public address; `first` is the other one.
    ReferredToTwice { public: Name, first: Arc<str> },
    /// Something else holds the public address.
    Held { public: Name, holder: Holder },
}

impl Finding for PublicAddressFinding {
    fn violation(self, at: Place) -> Violation {
        match self {
            Self::DeletedElsewhere { public } => at.refuse(
                Code::InvalidParameter,
                format!("PublicIPAddress {public} is of another namespace, and is not deleted with a virtual machine."),
                "Leave deleteOption out, or refer to a public address of this namespace.",
            ),
            Self::OtherVersion { public, configuration } => at
                .refuse(
                    Code::IPVersionForPublicIpAndNicIpConfigurationMustMatch,
                    format!("PublicIPAddress {public} is IPv6, and configuration {configuration} is IPv4."),
                    "Refer to a public IPv4 address.",
                )
                .cites(WaitKey::object(Kind::PublicIPAddress, &public)),
            Self::ReferredToTwice { public, first } => at.refuse(
                Code::PublicIPReferencedByMultipleIPConfigs,
                format!("Configuration {first} refers to PublicIPAddress {public} as well."),
                "Refer to another public address, or remove one of the two references.",
            ),
            Self::Held { public, holder } => {
                let id = holder.object();
                at.refuse(
                    Code::PublicIPAddressInUse,
                    format!("PublicIPAddress {public} is held by {holder}."),
                    format!("Refer to another public address, or remove publicIPAddress from {id}."),
                )
                .until_free(WaitKey::claim(Kind::PublicIPAddress, &public))
                .blocked_by(id)
            }
        }
    }
}
