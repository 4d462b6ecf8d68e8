//! Network interfaces and their IP configurations.

use super::{A, dns_servers, named};
use crate::fabric::network_interface::{Assignment, IpConfiguration, NetworkInterface};
use crate::fabric::terms::{DeleteOption, IpVersion, Primary, Switch};

/// A NIC in the subnet `web` with one Dynamic configuration, `ipconfig1`.
pub fn a_nic(name: &str) -> A<NetworkInterface> {
    A::new(
        name,
        NetworkInterface {
            subnet: named("web"),
            ip_forwarding: Switch::Off,
            accelerated_networking: Switch::Off,
            dns_servers: Vec::new(),
            internal_dns_name_label: None,
            configurations: vec![a_configuration("ipconfig1")],
        },
    )
}

impl A<NetworkInterface> {
    pub fn subnet(mut self, subnet: &str) -> Self {
        self.ask.subnet = named(subnet);
        self
    }

    pub fn configurations(mut self, configurations: impl IntoIterator<Item = IpConfiguration>) -> Self {
        self.ask.configurations = configurations.into_iter().collect();
        self
    }

    pub fn static_address(self, address: &str) -> Self {
        self.configurations([a_configuration("ipconfig1").address(address)])
    }

    pub fn public(self, public: &str) -> Self {
        self.configurations([a_configuration("ipconfig1").public(public)])
    }

    pub fn dns_servers(mut self, count: u8) -> Self {
        self.ask.dns_servers = dns_servers(count);
        self
    }

    pub fn label(mut self, label: &str) -> Self {
        self.ask.internal_dns_name_label = Some(label.to_owned());
        self
    }

    pub fn accelerated(mut self) -> Self {
        self.ask.accelerated_networking = Switch::On;
        self
    }
}

/// A Dynamic IPv4 configuration that does not say whether it is the primary one.
pub fn a_configuration(name: &str) -> IpConfiguration {
    IpConfiguration {
        name: name.into(),
        primary: Primary::Unspecified,
        version: IpVersion::IPv4,
        assignment: Assignment::Dynamic,
        public_ip_address: None,
        public_delete_option: DeleteOption::Detach,
    }
}

/// A configuration that is marked primary.
pub fn primary(name: &str) -> IpConfiguration {
    IpConfiguration { primary: Primary::Yes, ..a_configuration(name) }
}

/// A configuration that is marked not primary.
pub fn secondary(name: &str) -> IpConfiguration {
    IpConfiguration { primary: Primary::No, ..a_configuration(name) }
}

/// This many configurations, the first one primary.
pub fn many(count: usize) -> Vec<IpConfiguration> {
    (0..count).map(|n| if n == 0 { primary("c0") } else { secondary(&format!("c{n}")) }).collect()
}

#[allow(missing_docs)]
impl IpConfiguration {
    pub fn address(mut self, address: &str) -> Self {
        self.assignment = Assignment::Static(address.parse().unwrap());
        self
    }

    pub fn as_is(mut self) -> Self {
        self.assignment = Assignment::KeepCurrent;
        self
    }

    pub fn ipv6(mut self) -> Self {
        self.version = IpVersion::IPv6;
        self
    }

    /// Its public address is deleted with the NIC and its VM.
    pub fn deletes_public(mut self) -> Self {
        self.public_delete_option = DeleteOption::Delete;
        self
    }

    pub fn public(mut self, public: &str) -> Self {
        self.public_ip_address = Some(named(public));
        self
    }
}
