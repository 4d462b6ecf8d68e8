//! The naive fabric: the list of configurations of a network interface, by itself.

use std::net::IpAddr;
use std::sync::Arc;

use super::{Broken, Nic};
use crate::fabric::network_interface::{Assignment, IpConfiguration, NetworkInterface};
use crate::fabric::terms::{IpVersion, Primary};

/// The primary configuration (IPC-02, IPC-05, S-02, S-04).
pub(super) fn primary_of(ask: &NetworkInterface, before: Option<&Nic>) -> (Option<Arc<str>>, Broken) {
    let marked: Vec<_> = ask.configurations.iter().filter(|c| c.primary == Primary::Yes).collect();
    let before = before.map(|before| &before.primary);
    let listed = before.and_then(|before| ask.configurations.iter().find(|c| c.name == *before));
    match (marked.as_slice(), listed, ask.configurations.as_slice()) {
        ([one], ..) => (Some(one.name.clone()), Broken::new()),
        ([_, ..], ..) => (None, Broken::from(["IPC-02"])),
        ([], Some(only), [_]) => (Some(only.name.clone()), Broken::new()),
        ([], Some(stays), _) if stays.primary == Primary::Unspecified => (Some(stays.name.clone()), Broken::new()),
        ([], None, [only]) if before.is_none() => (Some(only.name.clone()), Broken::new()),
        ([], None, _) if before.is_some() => (None, Broken::from(["IPC-05"])),
        ([], ..) => (None, Broken::from(["IPC-02"])),
    }
}

pub(super) fn broken_by_list(ask: &NetworkInterface, primary: &Arc<str>) -> Broken {
    let mut broken = Broken::new();
    let ipv6: Vec<_> = ask.configurations.iter().filter(|c| c.version == IpVersion::IPv6).collect();
    if ipv6.iter().any(|c| c.name == *primary) {
        broken.insert("IP6-01");
    } else if !ipv6.is_empty() && ask.configurations.len() > 2 {
        broken.insert("IP6-02");
    }
    if ipv6.iter().any(|c| c.assignment != Assignment::Dynamic) {
        broken.insert("IP6-03");
    }
    if ipv6.iter().any(|c| c.public_ip_address.is_some()) {
        broken.insert("IP6-04");
    }
    broken
}

/// The address that a Dynamic configuration keeps, while it stays of one IP version (ADDR-06).
pub(super) fn keeps(
    configuration: &IpConfiguration,
    held: &dyn Fn(&IpConfiguration) -> Option<IpAddr>,
) -> Option<IpAddr> {
    held(configuration).filter(|address| address.is_ipv4() == (configuration.version == IpVersion::IPv4))
}
