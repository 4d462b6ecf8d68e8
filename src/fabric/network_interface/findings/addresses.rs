//! What breaks the rules of private addresses of IP configurations.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::Ipv4Net;

use crate::fabric::id::{Kind, Name, ObjectId};
use crate::fabric::ipam::PoolId;
use crate::fabric::violation::{Code, Constraint, Finding, Place, Violation, WaitKey};

/// What breaks a rule of the private addresses of IP configurations.
pub(in crate::fabric::network_interface) enum AddressFinding {
    /// A static address is outside the ranges of its subnet.
    OutsideSubnet { address: IpAddr, range: Ipv4Net, usable: String, subnet: Name },
    /// A static address of an IPv4 configuration is an IPv6 address.
    OtherVersion { address: IpAddr, usable: String, subnet: Name },
    /// A static address is one of the five that Azure reserves in a subnet.
    ReservedByAzure { address: IpAddr, range: Ipv4Net, usable: String, subnet: Name },
    /// A new Static configuration names no address.
    Missing { configuration: Arc<str> },
    /// Another configuration of the network interface has the address, or asks for it.
    InUseHere { address: IpAddr, other: Arc<str>, range: String, subnet: Name },
    /// The subnet has no free address.
    SubnetIsFull { configuration: Arc<str>, pool: PoolId, subnet: Name },
    /// Nor has it one while a configuration is still there whose place the new one takes.
    SubnetIsFullUntilRemoved { configuration: Arc<str>, pool: PoolId, subnet: Name },
}

impl Finding for AddressFinding {
    fn violation(self, at: Place) -> Violation {
        match self {
            Self::OutsideSubnet { address, range, usable, subnet } => at
                .refuse(
                    Code::PrivateIPAddressNotInSubnet,
                    format!("{address} is outside {range} of Subnet {subnet}."),
                    format!("Choose an address from {usable}, or set privateIPAllocationMethod to Dynamic."),
                )
                .cites(WaitKey::object(Kind::Subnet, &subnet)),
            Self::OtherVersion { address, usable, subnet } => at
                .refuse(
                    Code::InvalidPrivateIPAddressFormat,
                    format!("{address} is an IPv6 address, and the configuration is IPv4."),
                    format!("Choose an address from {usable}."),
                )
                .cites(WaitKey::object(Kind::Subnet, &subnet)),
            Self::ReservedByAzure { address, range, usable, subnet } => at
                .refuse(
                    Code::PrivateIPAddressInReservedRange,
                    format!("{address} is reserved: Azure reserves the first four addresses of {range} and its last."),
                    format!("Choose an address from {usable}, or set privateIPAllocationMethod to Dynamic."),
                )
                .cites(WaitKey::object(Kind::Subnet, &subnet)),
            Self::Missing { configuration } => at.refuse(
                Code::PrivateIPAddressMissing,
                format!("Configuration {configuration} is Static, and has no address to keep."),
                "Set privateIPAddress, or privateIPAllocationMethod to Dynamic.",
            ),
            Self::InUseHere { address, other, range, subnet } => at
                .refuse(
                    Code::PrivateIPAddressInUse,
                    format!("{address} is also the address of configuration {other} of this network interface."),
                    format!("Choose a free address of {range}."),
                )
                .breaks(Constraint::Exclusive)
                .cites(WaitKey::object(Kind::Subnet, &subnet)),
            Self::SubnetIsFull { configuration, pool, subnet } => {
                let remedy = "Delete network interfaces of the subnet, or use another; an address is taken as soon as one is free.";
                is_full(at, &configuration, pool, subnet, remedy.to_owned())
            }
            Self::SubnetIsFullUntilRemoved { configuration, pool, subnet } => {
                let remedy = format!("Remove the old configuration first, and add {configuration} after it.");
                is_full(at, &configuration, pool, subnet, remedy)
            }
        }
    }
}

fn is_full(at: Place, configuration: &str, pool: PoolId, subnet: Name, remedy: String) -> Violation {
    let fact = format!("Subnet {subnet} has no free address for configuration {configuration}.");
    at.refuse(Code::SubnetIsFull, fact, remedy)
        .until_room(WaitKey::Capacity(pool))
        .cites(WaitKey::object(Kind::Subnet, &subnet))
        .blocked_by(ObjectId::new(Kind::Subnet, subnet))
}
