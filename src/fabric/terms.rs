//! Words that several kinds share: how an address is chosen, its version, what is switched on, what is primary.

use std::fmt;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How an address is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)] // docs of variants would take the place of the field's in the CRD
pub enum AllocationMethod {
    #[default]
    Dynamic, // by the platform, and for a time
    Static, // by the user, or for good
}

/// The version of the Internet protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)]
pub enum IpVersion {
    #[default]
    IPv4,
    IPv6,
}

impl fmt::Display for IpVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl IpVersion {
    /// Both versions.
    pub const ALL: [Self; 2] = [Self::IPv4, Self::IPv6];

    /// The version of an address.
    pub fn of(address: &IpAddr) -> Self {
        if address.is_ipv4() { IpVersion::IPv4 } else { IpVersion::IPv6 }
    }
}

/// What becomes of something when the virtual machine that uses it is deleted (VM-23).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)] // as above
pub enum DeleteOption {
    #[default]
    Detach, // it stays
    Delete, // it is deleted, too
}

impl DeleteOption {
    /// How a spec says so; what is the default is left out.
    pub fn described(self) -> Option<Self> {
        (self != Self::default()).then_some(self)
    }
}

/// A switch that is off unless it is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Switch {
    /// Not asked for.
    #[default]
    Off,
    /// Asked for.
    On,
}

impl From<bool> for Switch {
    fn from(on: bool) -> Self {
        if on { Switch::On } else { Switch::Off }
    }
}

/// Whether something is marked as primary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Primary {
    /// The request leaves it open; resolving the request decides (IPC-02, VM-09).
    #[default]
    Unspecified,
    /// It is the primary one.
    Yes,
    /// It is a secondary one.
    No,
}

impl From<Option<bool>> for Primary {
    fn from(marked: Option<bool>) -> Self {
        match marked {
            None => Primary::Unspecified,
            Some(true) => Primary::Yes,
            Some(false) => Primary::No,
        }
    }
}

impl From<Primary> for Option<bool> {
    fn from(primary: Primary) -> Self {
        match primary {
            Primary::Unspecified => None,
            Primary::Yes => Some(true),
            Primary::No => Some(false),
        }
    }
}
