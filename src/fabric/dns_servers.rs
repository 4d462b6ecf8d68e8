//! The DNS servers that virtual networks and network interfaces list (VNET-10, NIC-21).

use std::net::IpAddr;

use super::limits;
use super::violation::{Code, Finding, Findings, Place, Violation};

/// Finds that more DNS servers are listed at `path` than may be.
pub(super) fn are_few(servers: &[IpAddr], path: &str, findings: &mut Findings) {
    if servers.len() > limits::DNS_SERVERS {
        findings.add(path, DnsServersFinding::TooMany { count: servers.len() });
    }
}

/// What breaks a rule of DNS servers.
enum DnsServersFinding {
    /// More are listed than a virtual network or a network interface may have.
    TooMany { count: usize },
}

impl Finding for DnsServersFinding {
    fn violation(self, at: Place) -> Violation {
        match self {
            Self::TooMany { count } => at.refuse(
                Code::NetcfgInvalidDnsServer,
                format!("{count} DNS servers are listed."),
                format!("List at most {}.", limits::DNS_SERVERS),
            ),
        }
    }
}
