//! MAC addresses, as Azure assigns them to NICs (NIC-14, NIC-16).

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::digest::{END, digest};
use super::id::Uid;

const PREFIXES: [u64; 2] = [0x00_0D3A, 0x00_2248]; // NIC-16
const NUMBERS: u64 = 1 << 24; // under each prefix

/// A MAC address in Azure's form, `00-0D-3A-4B-00-01`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(u64);

/// The text is no MAC address of Azure's form.
#[derive(Debug, thiserror::Error)]
#[error("a MAC address has the form 00-0D-3A-xx-xx-xx or 00-22-48-xx-xx-xx, in upper-case hexadecimal")]
pub struct MalformedMac;

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [_, _, a, b, c, d, e, g] = self.0.to_be_bytes();
        write!(f, "{a:02X}-{b:02X}-{c:02X}-{d:02X}-{e:02X}-{g:02X}")
    }
}

impl FromStr for Mac {
    type Err = MalformedMac;

    fn from_str(text: &str) -> Result<Self, MalformedMac> {
        let mac = u64::from_str_radix(&text.replace('-', ""), 16).map(Mac).map_err(|_| MalformedMac)?;
        let well_formed = PREFIXES.contains(&(mac.0 >> 24)) && mac.to_string() == text;
        well_formed.then_some(mac).ok_or(MalformedMac)
    }
}

impl Serialize for Mac {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Mac {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Mac {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Mac".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "maxLength": 17})
    }
}

/// The MAC addresses in use; each is unique in the fabric (NIC-16).
#[derive(Clone, Debug, Default)]
pub struct Macs {
    used: BTreeSet<Mac>,
}

impl Macs {
    /// A free MAC address for this NIC. It follows from the NIC's identity and its primary private address, so that an
    /// assignment whose record was lost comes out the same when it is made again, and one that follows a change of the
    /// address is a new one (NIC-15); where that one is taken, the next free number is.
    pub fn assign(&mut self, nic: &Uid, address: Option<IpAddr>) -> Mac {
        let start = digest(&seed(nic, address));
        let spaces = u64::try_from(PREFIXES.len()).unwrap_or(1);
        let mac = (0..NUMBERS * spaces).map(|n| nth(start.wrapping_add(n))).find(|mac| !self.used.contains(mac));
        match mac {
            Some(mac) => {
                self.used.insert(mac);
                mac
            }
            None => unreachable!("there are 2^25 MAC addresses, and no API server stores as many NICs"),
        }
    }

    /// Marks a MAC address as used. False if it was already.
    pub fn reserve(&mut self, mac: Mac) -> bool {
        self.used.insert(mac)
    }

    /// Releases a MAC address.
    pub fn release(&mut self, mac: Mac) {
        self.used.remove(&mac);
    }

    /// The number of MAC addresses in use.
    pub fn len(&self) -> usize {
        self.used.len()
    }

    /// True if none is in use.
    pub fn is_empty(&self) -> bool {
        self.used.is_empty()
    }
}

/// What a MAC address follows from, in the bytes of earlier versions: the identity, whether there is an address and of which
/// version, and the address.
fn seed(nic: &Uid, address: Option<IpAddr>) -> Vec<u8> {
    let (is_there, version, octets) = match address {
        None => (0_u64, None, Vec::new()),
        Some(IpAddr::V4(address)) => (1, Some(0_u64), address.octets().to_vec()),
        Some(IpAddr::V6(address)) => (1, Some(1), address.octets().to_vec()),
    };
    let version = version.map(u64::to_le_bytes);
    [nic.0.as_bytes(), &[END], &is_there.to_le_bytes(), version.as_ref().map_or(&[], |bytes| bytes), &octets].concat()
}

fn nth(number: u64) -> Mac {
    let [first, second] = PREFIXES;
    let prefix = if number & NUMBERS == 0 { first } else { second };
    Mac(prefix << 24 | number & (NUMBERS - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mac_reads_as_it_is_written() {
        let mac = Macs::default().assign(&Uid::from("a"), None);
        assert_eq!(mac.to_string().parse::<Mac>().unwrap(), mac);
        assert!("00-0d-3a-00-00-01".parse::<Mac>().is_err());
        assert!("02-0D-3A-00-00-01".parse::<Mac>().is_err());
    }

    /// What was assigned before an upgrade of the operator or of its compiler is assigned again.
    #[test]
    fn macs_of_a_nic_are_the_same_in_every_version() {
        let assigned = |address: Option<&str>| {
            Macs::default().assign(&Uid::from("a"), address.map(|address| address.parse().unwrap())).to_string()
        };
        let all = [None, Some("10.0.1.4"), Some("fd00::4")].map(assigned);
        assert_eq!(all, ["00-0D-3A-80-E5-77", "00-22-48-BC-35-C0", "00-22-48-54-2D-31"]);
    }

    // shows NIC-16
    #[test]
    fn two_nics_never_get_one_mac() {
        let mut macs = Macs::default();
        let all: BTreeSet<Mac> = (0..20_000).map(|n| macs.assign(&Uid::from(format!("{n}").as_str()), None)).collect();
        assert_eq!(all.len(), 20_000);
        let again = macs.assign(&Uid::from("7"), None);
        assert!(!all.contains(&again));
    }
}
