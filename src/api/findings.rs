//! What cannot be read in a spec, and the words for it. What is not of the form of the CRD's schema is in
//! [`form`](super::form).

use ipnet::IpNet;

use super::texts::DomainNameLabel;
use crate::fabric::sizes;
use crate::fabric::violation::{Finding, Place};
use crate::fabric::zones::Zone;
use crate::fabric::{Code, Violation, limits};

/// What cannot be read in a spec, or in the metadata of an object.
pub(super) enum Unreadable {
    /// The spec has the form of the schema, and cannot be read all the same.
    Spec { error: serde_json::Error },
    /// A private address is not an IP address.
    PrivateAddress { text: String },
    /// A public address is not an IPv4 address.
    PublicAddress { text: String },
    /// The address of a DNS server is not an IP address; `code` is that of what has the servers.
    DnsServer { text: String, code: Code },
    /// A range is not in CIDR notation.
    Range { text: String },
    /// A range is not written as its first address and its length.
    HostBits { range: IpNet },
    /// A subnet has another number of ranges than one of IPv4 and at most one of IPv6.
    Ranges { ipv4: usize, ipv6: usize },
    /// A zone is listed twice.
    ZoneListedTwice { zone: Zone },
    /// There is no virtual machine size of this name.
    VmSize { name: String },
    /// A text is not the domain name label of a public address.
    DomainNameLabel { label: String },
    /// What asks for a restart is longer than the status repeats it.
    RestartTooLong { length: usize },
    /// The guest operating system has a network interface that the virtual machine does not list.
    GuestNicNotListed { name: String },
    /// The number of instances is negative.
    Replicas { replicas: i32 },
    /// A number is not a percentage of at least `least`.
    Percentage { percent: i32, least: u8 },
    /// The pause between the batches of an upgrade is not a duration, or too long.
    Pause { text: String },
}

impl Finding for Unreadable {
    fn violation(self, at: Place) -> Violation {
        match self {
            Self::Spec { error } => at.refuse(
                Code::InvalidRequestContent,
                format!("The spec cannot be read: {error}."),
                "Correct the spec, or run the version of the operator whose CRDs are installed.",
            ),
            Self::PrivateAddress { text } => at.refuse(
                Code::InvalidPrivateIPAddressFormat,
                format!("{text:?} is not a valid IP address."),
                "Write an address such as 10.0.1.10.",
            ),
            Self::PublicAddress { text } => at.refuse(
                Code::InvalidParameter,
                format!("{text:?} is not a valid IPv4 address."),
                "Write an address such as 198.18.0.4.",
            ),
            Self::DnsServer { text, code } => at.refuse(
                code,
                format!("{text:?} is not a valid IP address."),
                "Write the address of the DNS server, such as 10.0.0.4. For Azure's DNS, leave the list out.",
            ),
            Self::Range { text } => at.refuse(
                Code::InvalidAddressPrefixFormat,
                format!("{text:?} is not a valid range in CIDR notation."),
                "Write a range such as 10.0.0.0/16.",
            ),
            Self::HostBits { range } => at.refuse(
                Code::InvalidCIDRNotation,
                format!("{range} has host bits set."),
                format!("Write {}.", range.trunc()),
            ),
            Self::Ranges { ipv4, ipv6 } => at.refuse(
                Code::NetcfgInvalidSubnet,
                format!("{ipv4} IPv4 and {ipv6} IPv6 ranges are listed."),
                "List one IPv4 range, and at most one IPv6 range.",
            ),
            Self::ZoneListedTwice { zone } => {
                at.refuse(Code::InvalidParameter, format!("Zone {zone} is listed twice."), "List each zone once.")
            }
            Self::VmSize { name } => at.refuse(
                Code::InvalidParameter,
                format!("{name:?} is not a known VM size."),
                format!("Choose one, such as {}.", sizes::nearest_vm_sizes(&name).join(", ")),
            ),
            Self::DomainNameLabel { label } => at.refuse(
                Code::InvalidDomainNameLabel,
                format!("{label:?} is not a valid domain name label."),
                format!("Write {}.", DomainNameLabel::SAYS.trim_start_matches("must be ")),
            ),
            Self::RestartTooLong { length } => at.refuse(
                Code::InvalidParameter,
                format!("The annotation has {length} characters."),
                format!(
                    "Write at most {}, such as the time; each new value restarts the virtual machine.",
                    limits::RESTARTED_AT_LENGTH
                ),
            ),
            Self::GuestNicNotListed { name } => at.refuse(
                Code::InvalidParameter,
                format!("{name} is not in spec.networkProfile.networkInterfaces."),
                "Name a network interface of that list.",
            ),
            Self::Replicas { replicas } => at.refuse(
                Code::InvalidParameter,
                format!("{replicas} is not a valid number of instances."),
                "Ask for 0 or more.",
            ),
            Self::Percentage { percent, least } => at.refuse(
                Code::InvalidParameter,
                format!("{percent} is not a valid percentage."),
                format!("Write a number from {least} to 100."),
            ),
            Self::Pause { text } => at.refuse(
                Code::InvalidParameter,
                format!("{text:?} is not an ISO 8601 duration of at most {} seconds.", limits::LONGEST_PAUSE.as_secs()),
                "Write one, such as PT30S.",
            ),
        }
    }
}
