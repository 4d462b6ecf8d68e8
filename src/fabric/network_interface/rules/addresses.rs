//! The rules of private addresses: where they lie, who has them, and whether there are any.

use std::net::IpAddr;
use std::sync::Arc;

use super::{NicCase, path, static_addresses};
use crate::fabric::holder::Holder;
use crate::fabric::id::{Kind, ObjectId};
use crate::fabric::ipam::PoolId;
use crate::fabric::network_interface::addresses::in_need;
use crate::fabric::network_interface::findings::AddressFinding;
use crate::fabric::network_interface::{Assignment, IpConfiguration};
use crate::fabric::private_addresses;
use crate::fabric::quota::{self, Quota};
use crate::fabric::subnet::Subnet;
use crate::fabric::terms::{IpVersion, Primary};
use crate::fabric::violation::Findings;

pub(super) fn static_address_lies_in_the_subnet(case: &NicCase<'_>, findings: &mut Findings) {
    let Some(subnet) = case.engine.get::<Subnet>(&case.ask.subnet) else { return };
    for (n, _, address) in
        static_addresses(case.ask).filter(|(_, configuration, _)| configuration.version == IpVersion::IPv4)
    {
        let name = case.ask.subnet.clone();
        let found = if !subnet.ask.prefixes().any(|prefix| prefix.contains(&address)) {
            let (range, usable) = (subnet.ask.ipv4, subnet.ask.usable());
            AddressFinding::OutsideSubnet { address, range, usable, subnet: name }
        } else if address.is_ipv6() {
            AddressFinding::OtherVersion { address, usable: subnet.ask.usable(), subnet: name }
        } else {
            continue;
        };
        findings.add(path(n, "privateIPAddress"), found);
    }
}

pub(super) fn static_address_is_not_reserved(case: &NicCase<'_>, findings: &mut Findings) {
    let Some(subnet) = case.engine.get::<Subnet>(&case.ask.subnet) else { return };
    for (n, _, address) in static_addresses(case.ask).filter(|(_, _, address)| subnet.ask.reserves(*address)) {
        let (range, usable, subnet) = (subnet.ask.ipv4, subnet.ask.usable(), case.ask.subnet.clone());
        let found = AddressFinding::ReservedByAzure { address, range, usable, subnet };
        findings.add(path(n, "privateIPAddress"), found);
    }
}

pub(super) fn new_static_configuration_names_its_address(case: &NicCase<'_>, findings: &mut Findings) {
    for (n, configuration) in case.ask.configurations.iter().enumerate() {
        if configuration.assignment == Assignment::KeepCurrent {
            let configuration = configuration.name.clone();
            findings.add(path(n, "privateIPAddress"), AddressFinding::Missing { configuration });
        }
    }
}

pub(super) fn static_address_is_free(case: &NicCase<'_>, findings: &mut Findings) {
    let twice =
        |n: usize, address: IpAddr| static_addresses(case.ask).find(|(m, _, other)| *m < n && *other == address);
    for (n, configuration, address) in static_addresses(case.ask) {
        let holder = case.engine.addresses.get(&(case.ask.subnet.clone(), address));
        if let Some((_, other, _)) = twice(n, address) {
            in_use(case, n, address, &other.name, findings);
            continue;
        }
        match holder {
            // A configuration of the same NIC that stays Dynamic keeps its address; any other releases it.
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
                let wanted_by = Holder::configuration(case.name, &configuration.name);
                let path = path(n, "privateIPAddress");
                private_addresses::is_free(case.engine, &case.ask.subnet, address, wanted_by, path, findings);
            }
        }
    }
}

fn in_use(case: &NicCase<'_>, n: usize, address: IpAddr, other: &Arc<str>, findings: &mut Findings) {
    let range = private_addresses::range_of(case.engine, &case.ask.subnet);
    let (other, subnet) = (other.clone(), case.ask.subnet.clone());
    findings.add(path(n, "privateIPAddress"), AddressFinding::InUseHere { address, other, range, subnet });
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
            findings.add(path(n, "privateIPAllocationMethod"), is_full(case, id.clone(), configuration.name.clone()));
        }
    }
}

/// Where a configuration of the same NIC is about to go, its address does not help: new ones are allocated first (S-37).
/// The primary one cannot go first (IPC-05).
fn is_full(case: &NicCase<'_>, pool: PoolId, configuration: Arc<str>) -> AddressFinding {
    let subnet = case.ask.subnet.clone();
    let listed = |old: &IpConfiguration| case.ask.configurations.iter().any(|new| new.name == old.name);
    let secondaries = case.before().into_iter().flat_map(|before| &before.configurations);
    let mut secondaries = secondaries.filter(|old| old.primary != Primary::Yes);
    if secondaries.any(|old| !listed(old)) {
        AddressFinding::SubnetIsFullUntilRemoved { configuration, pool, subnet }
    } else {
        AddressFinding::SubnetIsFull { configuration, pool, subnet }
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
