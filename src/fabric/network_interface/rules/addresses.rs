//! The rules of private addresses: where they lie, who has them, and whether there are any.

use std::net::IpAddr;

use super::{NicCase, path, static_addresses};
use crate::fabric::holder::Holder;
use crate::fabric::id::{Kind, ObjectId};
use crate::fabric::ipam::PoolId;
use crate::fabric::network_interface::addresses::in_need;
use crate::fabric::network_interface::{Assignment, IpConfiguration};
use crate::fabric::private_addresses;
use crate::fabric::quota::{self, Quota};
use crate::fabric::subnet::Subnet;
use crate::fabric::terms::{IpVersion, Primary};
use crate::fabric::violation::{Code, Findings, WaitKey};

pub(super) fn static_address_lies_in_the_subnet(case: &NicCase<'_>, findings: &mut Findings) {
    let Some(subnet) = case.engine.get::<Subnet>(&case.ask.subnet) else { return };
    for (n, _, address) in
        static_addresses(case.ask).filter(|(_, configuration, _)| configuration.version == IpVersion::IPv4)
    {
        if !subnet.ask.prefixes().any(|prefix| prefix.contains(&address)) {
            findings
                .refuse(
                    Code::PrivateIPAddressNotInSubnet,
                    path(n, "privateIPAddress"),
                    format!("{address} is outside {} of Subnet {}.", subnet.ask.ipv4, case.ask.subnet),
                    format!(
                        "Choose an address from {}, or set privateIPAllocationMethod to Dynamic.",
                        subnet.ask.usable()
                    ),
                )
                .cites(WaitKey::object(Kind::Subnet, &case.ask.subnet));
        } else if address.is_ipv6() {
            findings
                .refuse(
                    Code::InvalidPrivateIPAddressFormat,
                    path(n, "privateIPAddress"),
                    format!("{address} is an IPv6 address, and the configuration is IPv4."),
                    format!("Choose an address from {}.", subnet.ask.usable()),
                )
                .cites(WaitKey::object(Kind::Subnet, &case.ask.subnet));
        }
    }
}

pub(super) fn static_address_is_not_reserved(case: &NicCase<'_>, findings: &mut Findings) {
    let Some(subnet) = case.engine.get::<Subnet>(&case.ask.subnet) else { return };
    for (n, _, address) in static_addresses(case.ask).filter(|(_, _, address)| subnet.ask.reserves(*address)) {
        findings
            .refuse(
                Code::PrivateIPAddressInReservedRange,
                path(n, "privateIPAddress"),
                format!(
                    "{address} is reserved: Azure reserves the first four addresses of {} and its last.",
                    subnet.ask.ipv4
                ),
                format!("Choose an address from {}, or set privateIPAllocationMethod to Dynamic.", subnet.ask.usable()),
            )
            .cites(WaitKey::object(Kind::Subnet, &case.ask.subnet));
    }
}

pub(super) fn new_static_configuration_names_its_address(case: &NicCase<'_>, findings: &mut Findings) {
    for (n, configuration) in case.ask.configurations.iter().enumerate() {
        if configuration.assignment == Assignment::KeepCurrent {
            findings.refuse(
                Code::PrivateIPAddressMissing,
                path(n, "privateIPAddress"),
                format!("Configuration {} is Static, and has no address to keep.", configuration.name),
                "Set privateIPAddress, or privateIPAllocationMethod to Dynamic.",
            );
        }
    }
}

pub(super) fn static_address_is_free(case: &NicCase<'_>, findings: &mut Findings) {
    let twice =
        |n: usize, address: IpAddr| static_addresses(case.ask).find(|(m, _, other)| *m < n && *other == address);
    let this = ObjectId::new(Kind::NetworkInterface, case.name.clone());
    for (n, configuration, address) in static_addresses(case.ask) {
        let holder = case.engine.addresses.get(&(case.ask.subnet.clone(), address));
        if let Some((_, other, _)) = twice(n, address) {
            in_use(case, n, address, &other.name, findings);
            continue;
        }
        match holder {
            // A configuration of the same NIC that stays Dynamic keeps its address; any other lets go of it.
            Some(Holder::IpConfiguration { nic, name: held_by }) if nic == case.name => {
                let version = IpVersion::of(&address);
                let keeps = |c: &&IpConfiguration| {
                    c.name == *held_by && c.assignment == Assignment::Dynamic && c.version == version
                };
                if let Some(other) = case.ask.configurations.iter().filter(|c| c.name != configuration.name).find(keeps)
                {
                    in_use(case, n, address, &other.name, findings);
                }
            }
            None | Some(Holder::IpConfiguration { .. }) => {
                let path = path(n, "privateIPAddress");
                private_addresses::is_free(case.engine, &case.ask.subnet, address, &this, path, findings);
            }
        }
    }
}

fn in_use(case: &NicCase<'_>, n: usize, address: IpAddr, other: &str, findings: &mut Findings) {
    findings
        .refuse(
            Code::PrivateIPAddressInUse,
            path(n, "privateIPAddress"),
            format!("{address} is also the address of configuration {other} of this network interface."),
            format!("Choose a free address of {}.", private_addresses::range_of(case.engine, &case.ask.subnet)),
        )
        .cites(WaitKey::object(Kind::Subnet, &case.ask.subnet));
}

pub(super) fn subnet_has_room(case: &NicCase<'_>, findings: &mut Findings) {
    let this = ObjectId::new(Kind::NetworkInterface, case.name.clone());
    for version in IpVersion::ALL {
        let id = PoolId::of_subnet(&case.ask.subnet, version);
        let Some(pool) = case.engine.pool(&id) else { continue };
        let own: Vec<IpAddr> = case.engine.ledger.addresses_of(&this, &id).collect();
        let mut left = pool.available().saturating_add(u64::try_from(own.len()).unwrap_or(u64::MAX));
        let room = |(_, configuration): &(usize, &IpConfiguration)| {
            let asks_for_one_that_is_free = match configuration.assignment {
                Assignment::Static(address) => {
                    pool.prefix().contains(&address)
                        && (!pool.holds(address) || own.contains(&address))
                        && !pool.reserves(address)
                }
                Assignment::Dynamic => true,
                Assignment::KeepCurrent => false,
            };
            configuration.version == version && asks_for_one_that_is_free
        };
        // Static addresses first: a Dynamic configuration takes what they leave.
        let mut needy: Vec<_> = in_need(case.ask, case.programmed).filter(room).collect();
        needy.sort_by_key(|(_, configuration)| configuration.assignment == Assignment::Dynamic);
        for (n, configuration) in needy {
            if left > 0 {
                left -= 1;
                continue;
            }
            findings
                .refuse(
                    Code::SubnetIsFull,
                    path(n, "privateIPAllocationMethod"),
                    format!("Subnet {} has no free address for configuration {}.", case.ask.subnet, configuration.name),
                    full_remedy(case, &configuration.name),
                )
                .until(WaitKey::Capacity(id.clone()))
                .cites(WaitKey::object(Kind::Subnet, &case.ask.subnet))
                .blocked_by(ObjectId::new(Kind::Subnet, case.ask.subnet.clone()));
        }
    }
}

/// Where a configuration of the same NIC is about to go, its address does not help: new ones are allocated first (S-37).
/// The primary one cannot go first (IPC-05).
fn full_remedy(case: &NicCase<'_>, configuration: &str) -> String {
    let listed = |old: &IpConfiguration| case.ask.configurations.iter().any(|new| new.name == old.name);
    let secondaries = case.before().into_iter().flat_map(|before| &before.configurations);
    let mut secondaries = secondaries.filter(|old| old.primary != Primary::Yes);
    if secondaries.any(|old| !listed(old)) {
        format!("Remove the old configuration first, and add {configuration} after it.")
    } else {
        "Delete network interfaces of the subnet, or use another; an address is taken as soon as one is free."
            .to_owned()
    }
}

/// Addresses that the put takes beyond those that it releases in the same network (ADDR-14).
pub(super) fn network_has_room(case: &NicCase<'_>, findings: &mut Findings) {
    let Some(subnet) = case.engine.get::<Subnet>(&case.ask.subnet) else { return };
    let held = case.programmed.map_or(0, |programmed| programmed.held.addresses.len());
    let is_served =
        |asked: &&IpConfiguration| case.engine.pool(&PoolId::of_subnet(&case.ask.subnet, asked.version)).is_some();
    let served = case.ask.configurations.iter().filter(is_served).count();
    let more = u64::try_from(served.saturating_sub(held)).unwrap_or(0);
    let quota = Quota::PrivateAddresses(subnet.ask.virtual_network.clone());
    let own = case.engine.reserved_quota(Kind::NetworkInterface, case.name, &quota);
    quota::needs(case.engine, quota, more, own, "spec.ipConfigurations", findings);
}
