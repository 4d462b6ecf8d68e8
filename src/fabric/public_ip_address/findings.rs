//! What breaks the rules of public addresses as such, and the words for it.

use super::Sku;
use crate::fabric::holder::Holder;
use crate::fabric::id::{Kind, Name};
use crate::fabric::limits;
use crate::fabric::terms::IpVersion;
use crate::fabric::violation::{Code, Finding, Place, Violation, WaitKey};
use crate::fabric::zones::{Zones, listed};

/// What breaks a rule of a public address's own fields, or keeps it from being deleted.
pub(super) enum PublicIPAddressFinding {
    /// The public address was created with another SKU.
    SkuChanged { before: Sku },
    /// A Standard public address is asked to be Dynamic.
    StandardIsDynamic,
    /// A Basic public IPv6 address is asked to be Static.
    BasicIpv6IsStatic,
    /// The public address was created with another IP version.
    VersionChanged { before: IpVersion },
    /// A Static public address is asked to be Dynamic while something holds it.
    DynamicWhileHeld { public: Name, holder: Holder },
    /// The idle timeout is out of its range, or is not the one that an IPv6 address has.
    IdleTimeout { minutes: i32, version: IpVersion },
    /// The public address was taken from another public prefix, or from none.
    PrefixChanged { before: Option<Name> },
    /// A Basic public address is asked to be taken from a public prefix.
    BasicOfPrefix { prefix: Name },
    /// A Basic public address has zones.
    BasicHasZones,
    /// The zones of the public address are not those of its prefix.
    OtherZonesThanPrefix { zones: Zones, prefix: Name, its: Zones },
    /// Something holds the public address, which therefore cannot be deleted.
    Held { public: Name, holder: Holder },
}

impl Finding for PublicIPAddressFinding {
    fn violation(self, at: Place) -> Violation {
        match self {
            Self::SkuChanged { before } => at.refuse_change(
                Code::SkuCannotBeChangedOnUpdate,
                format!("The public address was created as {before}."),
                format!("Set sku.name to {before}, or create another public address."),
            ),
            Self::StandardIsDynamic => at.refuse(
                Code::StandardSkuPublicIPAddressesMustBeStatic,
                "A public address of SKU Standard cannot be Dynamic.",
                "Set publicIPAllocationMethod to Static, or leave it out.",
            ),
            Self::BasicIpv6IsStatic => at.refuse(
                Code::InvalidParameter,
                "A public IPv6 address of SKU Basic cannot be Static.",
                "Set publicIPAllocationMethod to Dynamic, or leave it out.",
            ),
            Self::VersionChanged { before } => at.refuse_change(
                Code::PropertyChangeNotAllowed,
                format!("The public address was created as {before}."),
                format!("Set publicIPAddressVersion to {before}, or create another public address."),
            ),
            Self::DynamicWhileHeld { public, holder } => at
                .refuse(
                    Code::OperationNotAllowed,
                    format!("A Static address cannot become Dynamic while {holder} holds it."),
                    format!("Remove publicIPAddress from {} first.", holder.object()),
                )
                .until_dissociated(&public, &holder),
            Self::IdleTimeout { minutes, version } => at.refuse(
                Code::PublicIPIdleTimeoutIsOutOfRange,
                format!("The idle timeout is {minutes} minutes."),
                idle_timeout_remedy(version),
            ),
            Self::PrefixChanged { before } => {
                let was = before.map_or("no public prefix".to_owned(), |was| format!("PublicIPPrefix {was}"));
                at.refuse_change(
                    Code::PropertyChangeNotAllowed,
                    format!("The address was taken from {was}."),
                    format!("Keep {was}, or create another public address."),
                )
            }
            Self::BasicOfPrefix { prefix } => at.refuse(
                Code::PublicIPPrefixSkuMismatch,
                format!("The public address is Basic, and PublicIPPrefix {prefix} is Standard."),
                "Set sku.name to Standard, or leave publicIPPrefix out.",
            ),
            Self::BasicHasZones => at.refuse(
                Code::InvalidParameter,
                "A public address of SKU Basic has no zones.",
                "Set sku.name to Standard, or leave zones out.",
            ),
            Self::OtherZonesThanPrefix { zones, prefix, its } => at
                .refuse(
                    Code::InvalidParameter,
                    format!(
                        "The zones are {}, and those of PublicIPPrefix {prefix} are {}.",
                        listed(&zones),
                        listed(&its)
                    ),
                    "Leave zones out: the public address takes those of its prefix.",
                )
                .cites(WaitKey::object(Kind::PublicIPPrefix, &prefix)),
            Self::Held { public, holder } => {
                let id = holder.object();
                at.refuse(
                    Code::PublicIPAddressCannotBeDeleted,
                    format!("{} holds it.", holder.begins()),
                    format!("Remove publicIPAddress from {id}, or delete {id}; this is then deleted automatically."),
                )
                .until_dissociated(&public, &holder)
            }
        }
    }
}

impl Violation {
    /// Waits until `holder` releases the public address that is judged.
    fn until_dissociated(self, public: &Name, holder: &Holder) -> Self {
        self.until(WaitKey::claim(Kind::PublicIPAddress, public)).blocked_by(holder.object())
    }
}

fn idle_timeout_remedy(version: IpVersion) -> String {
    let range = limits::IDLE_TIMEOUT_MINUTES;
    match version {
        IpVersion::IPv4 => format!("Set it to a number from {} to {}.", range.start(), range.end()),
        IpVersion::IPv6 => format!("Set it to {}, or leave it out: of an IPv6 address it is fixed.", range.start()),
    }
}
