//! Public addresses of Basic and Standard SKU on one virtual machine, or within one availability set (PIP-19).
//!
//! Network interfaces and virtual machines find it, each when its own edit brings it about.

use super::Sku;
use crate::fabric::id::{Kind, Name, ObjectId};
use crate::fabric::violation::{Code, Constraint, Finding, Place, Violation, WaitKey};

/// Two public addresses that may not serve one virtual machine or availability set.
pub(in crate::fabric) struct SkuMix {
    /// The public address that the judged object brings, and its SKU.
    pub public: (Name, Sku),
    /// The one that was there first, and its SKU.
    pub first: (Name, Sku),
    /// The network interface that refers to that one.
    pub holder: Name,
    /// Network interfaces of the virtual machine that may come to be the first: all of it, or of a network interface's edit the
    /// others.
    pub nics: Vec<Name>,
    /// The availability set of the virtual machine, with other machines that may come to be the first.
    pub availability_set: Option<Name>,
    /// Whose edit brings it about.
    pub found_by: FoundBy,
}

/// Whose edit brings two SKUs together.
pub(in crate::fabric) enum FoundBy {
    /// A virtual machine's.
    VirtualMachine {
        /// The network interface in its list that refers to the public address.
        nic: Name,
        /// Another virtual machine, which the network interface of the first public address is attached to.
        other: Option<Name>,
    },
    /// A network interface's.
    NetworkInterface {
        /// Its name.
        name: Name,
        /// The virtual machine that it is attached to.
        vm: Name,
    },
}

impl Finding for SkuMix {
    fn violation(self, at: Place) -> Violation {
        let Self { public: (public, sku), first: (first, of), holder, nics, availability_set, found_by } = self;
        let violation = at
            .refuse(
                Code::DifferentSkuLoadBalancersAndPublicIPAddressNotAllowed,
                format!("PublicIPAddress {public} is {sku}, and PublicIPAddress {first} is {of}."),
                "Use public addresses of one SKU on all network interfaces of a virtual machine or availability set.",
            )
            .breaks(Constraint::Compatibility);
        let until_first_goes = |violation: Violation| {
            let held = violation.until(WaitKey::claim(Kind::PublicIPAddress, &first));
            held.until(WaitKey::claim(Kind::NetworkInterface, &holder))
        };
        let violation = match found_by {
            FoundBy::VirtualMachine { nic, other } => {
                let violation = until_first_goes(violation)
                    .until(WaitKey::object(Kind::NetworkInterface, &nic))
                    .cites(WaitKey::members(Kind::NetworkInterface, &holder)); // another machine may get it
                other
                    .map(|vm| ObjectId::new(Kind::VirtualMachine, vm))
                    .into_iter()
                    .fold(violation, Violation::blocked_by)
            }
            FoundBy::NetworkInterface { name, vm } => {
                let violation = violation
                    .cites(WaitKey::object(Kind::PublicIPAddress, &public))
                    .cites(WaitKey::claim(Kind::NetworkInterface, &name))
                    .cites(WaitKey::object(Kind::VirtualMachine, &vm));
                if holder == name {
                    violation
                } else {
                    let holder = ObjectId::new(Kind::NetworkInterface, holder.clone());
                    until_first_goes(violation).blocked_by(holder)
                }
            }
        };
        let nics = nics.iter().map(|nic| WaitKey::object(Kind::NetworkInterface, nic));
        let set = availability_set.iter().map(|set| WaitKey::members(Kind::AvailabilitySet, set));
        nics.chain(set).fold(violation, Violation::cites)
    }
}
