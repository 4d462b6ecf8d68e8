//! Virtual networks, subnets, and public addresses with what they are taken from.

use super::{A, dns_servers, named};
use crate::fabric::public_ip_address::{PublicIPAddress, Sku};
use crate::fabric::public_ip_prefix::PublicIPPrefix;
use crate::fabric::subnet::Subnet;
use crate::fabric::terms::{AllocationMethod, IpVersion};
use crate::fabric::virtual_network::VirtualNetwork;
use crate::fabric::zones::{Zone, Zones};

pub fn a_network(name: &str) -> A<VirtualNetwork> {
    A::new(name, VirtualNetwork { address_prefixes: vec!["10.0.0.0/8".parse().unwrap()], dns_servers: Vec::new() })
}

impl A<VirtualNetwork> {
    pub fn prefixes<const N: usize>(mut self, prefixes: [&str; N]) -> Self {
        self.ask.address_prefixes = prefixes.iter().map(|prefix| prefix.parse().unwrap()).collect();
        self
    }

    pub fn dns_servers(mut self, count: u8) -> Self {
        self.ask.dns_servers = dns_servers(count);
        self
    }
}

/// A subnet of the virtual network `hub`.
pub fn a_subnet(name: &str, prefix: &str) -> A<Subnet> {
    let (ipv4, first) = (prefix.parse().unwrap(), IpVersion::IPv4);
    A::new(name, Subnet { virtual_network: named("hub"), ipv4, ipv6: None, first })
}

impl A<Subnet> {
    pub fn of(mut self, network: &str) -> Self {
        self.ask.virtual_network = named(network);
        self
    }

    pub fn ipv6(mut self, prefix: &str) -> Self {
        self.ask.ipv6 = Some(prefix.parse().unwrap());
        self
    }

    /// The same, listed before the IPv4 range.
    pub fn ipv6_first(mut self, prefix: &str) -> Self {
        self.ask.first = IpVersion::IPv6;
        self.ipv6(prefix)
    }
}

/// A public address as it comes when the manifest says no more: Basic, Dynamic, IPv4.
pub fn a_public_ip(name: &str) -> A<PublicIPAddress> {
    let (sku, method, version) = (Sku::Basic, AllocationMethod::Dynamic, IpVersion::IPv4);
    let ask = PublicIPAddress {
        sku,
        method,
        version,
        idle_timeout_minutes: 4,
        domain_name_label: None,
        public_ip_prefix: None,
        requested_address: None,
        zones: Zones::new(),
    };
    A::new(name, ask)
}

impl A<PublicIPAddress> {
    pub fn standard(mut self) -> Self {
        (self.ask.sku, self.ask.method) = (Sku::Standard, AllocationMethod::Static);
        self
    }

    pub fn method(mut self, method: AllocationMethod) -> Self {
        self.ask.method = method;
        self
    }

    pub fn ipv6(mut self) -> Self {
        self.ask.version = IpVersion::IPv6;
        self
    }

    pub fn label(mut self, label: &str) -> Self {
        self.ask.domain_name_label = Some(label.to_owned());
        self
    }

    pub fn from(mut self, prefix: &str) -> Self {
        self.ask.public_ip_prefix = Some(named(prefix));
        self
    }

    pub fn zones(mut self, zones: impl IntoIterator<Item = Zone>) -> Self {
        self.ask.zones = zones.into_iter().collect();
        self
    }

    pub fn requests(mut self, address: &str) -> Self {
        self.ask.requested_address = Some(address.parse().unwrap());
        self
    }

    pub fn idle_timeout(mut self, minutes: i32) -> Self {
        self.ask.idle_timeout_minutes = minutes;
        self
    }
}

pub fn a_prefix(name: &str, length: u8) -> A<PublicIPPrefix> {
    A::new(name, PublicIPPrefix { length, zones: Zones::new() })
}

impl A<PublicIPPrefix> {
    pub fn zones(mut self, zones: impl IntoIterator<Item = Zone>) -> Self {
        self.ask.zones = zones.into_iter().collect();
        self
    }
}
