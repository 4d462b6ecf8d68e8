//! What breaks the rules of subnets, and the words for it.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::fabric::holder::Holder;
use crate::fabric::id::{Kind, Name, ObjectId};
use crate::fabric::ledger::Owner;
use crate::fabric::limits;
use crate::fabric::quota::Quota;
use crate::fabric::violation::{Code, Constraint, Finding, Place, Violation, WaitKey, and_so_on, first_of};

/// What breaks a rule of subnets.
pub(super) enum SubnetFinding {
    /// The subnet was created in another virtual network.
    VirtualNetworkChanged { before: Name },
    /// An IPv4 range is too large or too small.
    Ipv4Length { range: Ipv4Net },
    /// An IPv6 range is not a /64.
    Ipv6Length { range: Ipv6Net },
    /// A range is not inside one prefix of the address space.
    OutsideAddressSpace { range: IpNet, network: ObjectId, space: Vec<IpNet> },
    /// A range overlaps those of other subnets, which are at least one.
    Overlaps { range: IpNet, others: Vec<(IpNet, ObjectId)>, network: Name },
    /// A range that is to change has an address that something holds.
    Allocated { range: IpNet, address: IpAddr, holder: Holder, subnet: Name },
    /// A range that is to change has an address that is reserved for an instance of a scale set.
    Reserved { address: IpAddr, owner: Owner, subnet: Name },
    /// More configurations wait for an address of a new range than the virtual network may have.
    TooManyWait { range: Ipv6Net, quota: Quota, subnet: Name },
    /// The virtual network has as many subnets as it may have.
    TooManySubnets { network: ObjectId },
}

impl Finding for SubnetFinding {
    fn violation(self, at: Place) -> Violation {
        match self {
            Self::VirtualNetworkChanged { before } => at.refuse_change(
                Code::PropertyChangeNotAllowed,
                format!("The subnet is part of VirtualNetwork {before}."),
                format!("Set virtualNetwork to {}, or create another subnet.", before.name),
            ),
            Self::Ipv4Length { range } => {
                let lengths = limits::SUBNET_IPV4_LENGTHS;
                at.refuse(
                    Code::NetcfgInvalidSubnet,
                    format!("{range} is a /{}.", range.prefix_len()),
                    format!("Choose a prefix length from {} to {}.", lengths.start(), lengths.end()),
                )
            }
            Self::Ipv6Length { range } => at.refuse(
                Code::NetcfgInvalidSubnet,
                format!("{range} is a /{}.", range.prefix_len()),
                format!("Choose a /{}.", limits::SUBNET_IPV6_LENGTH),
            ),
            Self::OutsideAddressSpace { range, network, space } => {
                let space: Vec<String> = space.iter().map(ToString::to_string).collect();
                at.refuse(
                    Code::NetcfgSubnetRangeOutsideVnet,
                    format!("{range} is outside the address space of {network}: {}.", space.join(", ")),
                    format!("Choose a range inside it, or add a prefix to {network}."),
                )
                .until_changed(network)
            }
            Self::Overlaps { range, others, network } => {
                let named = first_of(others.iter().map(|(range, id)| format!("{range} of {id}")));
                let first = others.first().map(|(_, id)| id.to_string()).unwrap_or_default();
                at.refuse(
                    Code::NetcfgSubnetRangesOverlap,
                    format!("{range} overlaps {named}."),
                    format!("Choose a range that is free, or delete {first}{}.", and_so_on(others.len())),
                )
                .until_all_changed(others.into_iter().map(|(_, id)| id))
                .breaks(Constraint::Exclusive)
                .cites(WaitKey::members(Kind::VirtualNetwork, &network))
            }
            Self::Allocated { range, address, holder, subnet } => {
                let id = holder.object();
                at.refuse(
                    Code::InUsePrefixCannotBeDeleted,
                    format!("{range} has allocated addresses: {id} holds {address}."),
                    format!(
                        "Keep {range}, or move or delete what has addresses of it first; for more addresses, add another subnet."
                    ),
                )
                .until_released(subnet, address, id)
            }
            Self::Reserved { address, owner, subnet } => {
                let set = owner.object();
                at.refuse(
                    Code::InUsePrefixCannotBeDeleted,
                    format!("{address} is reserved for an instance of {set}."),
                    "Keep the prefix, or delete the scale set first; for more addresses, add another subnet.",
                )
                .until_released(subnet, address, set)
            }
            Self::TooManyWait { range, quota, subnet } => at
                .refuse(
                    Code::QuotaExceeded,
                    format!(
                        "The IPv6 configurations that wait for an address of {range} would exceed the quota of {} {quota}.",
                        quota.limit()
                    ),
                    "Delete network interfaces that are not used; this object is then retried automatically.",
                )
                .until_room(WaitKey::Quota(quota))
                .until(WaitKey::members(Kind::Subnet, &subnet)),
            Self::TooManySubnets { network } => at
                .refuse(
                    Code::NetcfgInvalidSubnet,
                    format!("{network} has the most subnets that one may have, {}.", limits::SUBNETS_PER_VNET),
                    "Delete one of them that is not used, or use another virtual network.",
                )
                .until(WaitKey::Members(network.clone()))
                .blocked_by(network),
        }
    }
}

impl Violation {
    /// Waits until `by` releases this address of the subnet that is judged.
    fn until_released(self, subnet: Name, address: IpAddr, by: ObjectId) -> Self {
        let addresses = WaitKey::members(Kind::Subnet, &subnet);
        self.until(WaitKey::Address(subnet, address)).until_changed(by).cites(addresses)
    }
}
