//! Who holds an address: a private one of a subnet, or a public one.

use std::fmt;
use std::sync::Arc;

use super::id::{Kind, Name, ObjectId};

/// What holds an address: an object, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// An IP configuration.
    IpConfiguration {
        /// Its network interface.
        nic: Name,
        /// Its name there.
        name: Arc<str>,
    },
}

impl Holder {
    /// The IP configuration of this name of a network interface.
    pub fn configuration(nic: &Name, name: &Arc<str>) -> Self {
        Self::IpConfiguration { nic: nic.clone(), name: name.clone() }
    }

    /// The object that it is, or is a part of.
    pub fn object(&self) -> ObjectId {
        match self {
            Holder::IpConfiguration { nic, .. } => ObjectId::new(Kind::NetworkInterface, nic.clone()),
        }
    }

    /// The network interface that it is a part of.
    pub fn network_interface(&self) -> Option<&Name> {
        match self {
            Holder::IpConfiguration { nic, .. } => Some(nic),
        }
    }

    /// Which of the addresses of its object it is that it holds.
    pub fn part(&self) -> &Arc<str> {
        match self {
            Holder::IpConfiguration { name, .. } => name,
        }
    }

    /// It, at the beginning of a sentence.
    pub fn begins(&self) -> String {
        let text = self.to_string();
        let mut rest = text.chars();
        rest.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(rest).collect()
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Holder::IpConfiguration { name, .. } => write!(f, "configuration {name} of {}", self.object()),
        }
    }
}
