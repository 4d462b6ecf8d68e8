//! Static public addresses that are outside of the pool: after a start with another pool they would be others.

use std::fmt;

use ipnet::Ipv4Net;

use super::Core;
use crate::api::status::NamedObject;
use crate::fabric::terms::AllocationMethod;
use crate::fabric::{AnyRecord, ObjectId};

/// So many addresses are named; the others are counted.
const NAMED: usize = 5;

/// Static public addresses, prefixes, and addresses of instances that the public IP pool does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct OutsidePool {
    pool: Ipv4Net,
    named: Vec<(NamedObject, String)>,
    count: usize,
}

impl fmt::Display for OutsidePool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pool, named, count } = self;
        let (of, verb) = if *count == 1 { ("address", "is") } else { ("addresses", "are") };
        let named: Vec<String> = named.iter().map(|(object, address)| format!("{object} ({address})")).collect();
        let more = count.saturating_sub(named.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        write!(f, "{count} static public {of} {verb} outside of the public IP pool {pool}: {}{more}", named.join(", "))
    }
}

/// What of these records the pool does not have.
pub fn outside<'a>(pool: Ipv4Net, records: impl Iterator<Item = (&'a ObjectId, &'a AnyRecord)>) -> Option<OutsidePool> {
    let all = records.flat_map(|(id, record)| addresses(pool, record).into_iter().map(move |text| (id, text)));
    let (mut named, mut count) = (Vec::new(), 0);
    for (id, text) in all {
        count += 1;
        if named.len() < NAMED {
            named.push((NamedObject::from(id), text));
        }
    }
    (count > 0).then_some(OutsidePool { pool, named, count })
}

fn addresses(pool: Ipv4Net, record: &AnyRecord) -> Vec<String> {
    let is_outside = |address: &std::net::IpAddr| match address {
        std::net::IpAddr::V4(address) => !pool.contains(address),
        std::net::IpAddr::V6(_) => false,
    };
    match record {
        AnyRecord::PublicIPPrefix(record) => {
            record.view.ip_prefix.iter().filter(|prefix| !pool.contains(*prefix)).map(ToString::to_string).collect()
        }
        AnyRecord::PublicIPAddress(record) if record.ask.method == AllocationMethod::Static => {
            record.view.ip_address.iter().filter(|address| is_outside(address)).map(ToString::to_string).collect()
        }
        AnyRecord::VirtualMachineScaleSetVM(record) => {
            let configurations = record.view.network_interfaces.iter().flat_map(|nic| &nic.ip_configurations);
            let public =
                configurations.filter_map(|configuration| configuration.public_ip_address.as_ref()?.ip_address);
            public.filter(is_outside).map(|address| address.to_string()).collect()
        }
        _ => Vec::new(),
    }
}

impl Core {
    /// From here on a start that would give static public addresses others is refused; see [`Core::refusal`].
    pub fn keep_public_addresses(&mut self, keep: bool) {
        self.keeps_public_addresses = keep;
        self.refusal = None;
    }

    /// Why the core does not start.
    pub fn refusal(&self) -> Option<&OutsidePool> {
        self.refusal.as_ref()
    }

    /// Looks before anything is restored; true if the start is refused.
    pub(super) fn refuses_start(&mut self) -> bool {
        if self.keeps_public_addresses && self.refusal.is_none() {
            self.refusal = outside(self.engine.settings().public_ip_pool, self.records.iter());
        }
        self.refusal.is_some()
    }
}
