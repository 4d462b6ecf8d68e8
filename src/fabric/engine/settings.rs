//! What the operator of a fabric may choose.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::Ipv4Net;

use crate::fabric::quota::Quotas;

/// What the operator of a fabric may choose.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The region of objects that name none.
    pub default_location: Arc<str>,
    /// The platform's public IPv4 addresses.
    pub public_ip_pool: Ipv4Net,
    /// How long a virtual machine takes to start.
    pub vm_start: Duration,
    /// What becomes of dynamic private addresses when a VM starts after it was deallocated.
    pub dynamic_addresses: DynamicAddresses,
    /// Whether the quotas of subscriptions hold.
    pub quotas: Quotas,
}

/// What becomes of dynamic private addresses when a VM starts after it was deallocated (ADDR-05, D-04).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DynamicAddresses {
    /// They are kept, as the real service keeps them.
    #[default]
    Kept,
    /// They are reassigned, as the articles allow.
    Reassigned,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            default_location: "westeurope".into(),
            // RFC 2544 sets 198.18.0.0/15 aside for benchmarks: it is not used on the Internet.
            public_ip_pool: Ipv4Net::new_assert(Ipv4Addr::new(198, 18, 0, 0), 15),
            vm_start: Duration::ZERO,
            dynamic_addresses: DynamicAddresses::Kept,
            quotas: Quotas::Off,
        }
    }
}
