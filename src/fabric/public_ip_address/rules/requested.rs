//! The rule of addresses that public addresses request from their prefixes (PIP-26).

use std::net::IpAddr;

use ipnet::IpNet;

use super::PublicIPAddress;
use crate::fabric::id::{Kind, Name, ObjectId};
use crate::fabric::ipam::{Pool, PoolId};
use crate::fabric::ledger::Owner;
use crate::fabric::resource::Case;
use crate::fabric::terms::IpVersion;
use crate::fabric::violation::{Code, Constraint, Finding, Findings, Place, Violation, WaitKey};

const PATH: &str = "spec.ipAddress";

/// An address is held by one of the public addresses of its prefix, or reserved for one.
pub(super) fn is_free_and_of_the_prefix(case: &Case<'_, PublicIPAddress>, findings: &mut Findings) {
    let Some(address) = case.ask.requested_address else { return };
    let held = case.programmed.and_then(|programmed| programmed.held.address);
    let Some(prefix) = &case.ask.public_ip_prefix else {
        findings.add(PATH, RequestedFinding::WithoutPrefix);
        return;
    };
    if case.ask.version == IpVersion::IPv6 {
        findings.add(PATH, RequestedFinding::ForIpv6);
    } else if let Some(held) = held.filter(|held| *held != address) {
        findings.add(PATH, RequestedFinding::KeepsAnother { held });
    } else if held.is_none() {
        match case.engine.pool(&PoolId::Prefix(prefix.clone())) {
            Some(pool) => is_free(case, (prefix, pool), address, findings),
            None => super::public_pool_has_room(case.engine, &PoolId::Prefix(prefix.clone()), 1, 0, PATH, findings),
        }
    }
}

fn is_free(case: &Case<'_, PublicIPAddress>, (prefix, pool): (&Name, &Pool), address: IpAddr, findings: &mut Findings) {
    let (this, range) = (ObjectId::new(Kind::PublicIPAddress, case.name.clone()), pool.prefix());
    let of_prefix = ObjectId::new(Kind::PublicIPPrefix, prefix.clone());
    let is_its = |name: &&Name| {
        let public = case.engine.get::<PublicIPAddress>(name);
        public.is_some_and(|public| public.held.address == Some(address))
    };
    let requested = Requested { address, range, prefix: prefix.clone() };
    if !range.contains(&address) {
        findings.add(PATH, RequestedFinding::OutsidePrefix(requested));
    } else if let Some(holder) = case.engine.referrers(&of_prefix, Kind::PublicIPAddress).iter().find(is_its) {
        let holder = ObjectId::new(Kind::PublicIPAddress, holder.clone());
        findings.add(PATH, RequestedFinding::Held { requested, holder });
    } else if let Some((object, owner)) = case.engine.ledger.holder(&PoolId::Prefix(prefix.clone()), address)
        && *object != this
    {
        let (object, owner) = (object.clone(), owner.clone());
        findings.add(PATH, RequestedFinding::Reserved { requested, object, owner });
    }
}

/// What is wrong with the address that a public address requests.
enum RequestedFinding {
    /// An address is requested, and no public prefix is named that has it.
    WithoutPrefix,
    /// A public IPv6 address requests an address of a prefix, whose addresses are IPv4.
    ForIpv6,
    /// The public address has an address already, and keeps it.
    KeepsAnother { held: IpAddr },
    /// The address is outside the range of the prefix.
    OutsidePrefix(Requested),
    /// Another public address of the prefix has it.
    Held { requested: Requested, holder: ObjectId },
    /// It is reserved for a public address that an instance of a scale set is to have.
    Reserved { requested: Requested, object: ObjectId, owner: Owner },
}

/// An address that is requested of a public prefix, and the range that the prefix has.
struct Requested {
    address: IpAddr,
    range: IpNet,
    prefix: Name,
}

impl Requested {
    fn remedy(&self, other: &str) -> String {
        format!("Request a free address of {}, or leave ipAddress out{other}.", self.range)
    }

    fn evidence(&self) -> WaitKey {
        WaitKey::object(Kind::PublicIPPrefix, &self.prefix)
    }
}

impl Finding for RequestedFinding {
    fn violation(self, at: Place) -> Violation {
        match self {
            Self::WithoutPrefix => at.refuse(
                Code::InvalidParameter,
                "An address can be requested from a public prefix only.",
                "Set publicIPPrefix, or leave ipAddress out.",
            ),
            Self::ForIpv6 => at.refuse(
                Code::InvalidParameter,
                "The addresses of a public prefix are IPv4, and the public address is IPv6.",
                "Set publicIPAddressVersion to IPv4, or leave ipAddress out.",
            ),
            Self::KeepsAnother { held } => at.refuse_change(
                Code::PropertyChangeNotAllowed,
                format!("The public address is {held}, and keeps it."),
                format!("Set ipAddress to {held}, or leave it out; or create another public address."),
            ),
            Self::OutsidePrefix(requested) => {
                let Requested { address, range, prefix } = &requested;
                at.refuse(
                    Code::InvalidParameter,
                    format!("{address} is outside {range} of PublicIPPrefix {prefix}."),
                    requested.remedy(""),
                )
                .cites(requested.evidence())
            }
            Self::Held { requested, holder } => at
                .refuse(
                    Code::PublicIPAddressInUse,
                    format!("{} is the address of {holder}.", requested.address),
                    requested.remedy(&format!("; or delete {holder}")),
                )
                .until_changed(holder)
                .breaks(Constraint::Exclusive)
                .cites(requested.evidence()),
            Self::Reserved { requested, object, owner } => {
                let set = owner.object();
                at.refuse(
                    Code::PublicIPAddressInUse,
                    format!("{} is reserved for {owner}.", requested.address),
                    requested.remedy(&format!("; or reduce the instances of {set}")),
                )
                .cites(requested.evidence())
                .until(WaitKey::Capacity(PoolId::Prefix(requested.prefix)))
                .until(WaitKey::Object(object))
                .blocked_by(set)
                .breaks(Constraint::Exclusive)
            }
        }
    }
}
