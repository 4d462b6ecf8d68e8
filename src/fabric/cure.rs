//! What may cure a violation: an edit of the refused object, or a change of something else.

use std::collections::BTreeSet;

use super::id::{Kind, Name, ObjectId};
use super::ipam::PoolId;
use super::quota::Quota;

/// What, when it changes, may cure a violation without an edit of the refused object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WaitKey {
    /// The object appears, is programmed again, or goes.
    Object(ObjectId),
    /// Addresses of a pool become free. Wakes in order, as many as can use them.
    Capacity(PoolId),
    /// Something of a quota is released. Wakes in order, as many as can use it.
    Quota(Quota),
    /// The holder of this object (a NIC, a public address) releases it.
    Claim(ObjectId),
    /// What is in this object (subnets of a network, addresses of a subnet) changes.
    Members(ObjectId),
    /// The power state of this virtual machine changes.
    Power(Name),
    /// The holder of this address of a subnet releases it.
    Address(Name, std::net::IpAddr),
    /// The holder of this domain name label in a location releases it.
    Label(String, String),
}

impl WaitKey {
    /// The object of this kind and name appears, is programmed again, or goes.
    pub fn object(kind: Kind, name: &Name) -> Self {
        Self::Object(ObjectId::new(kind, name.clone()))
    }

    /// The holder of this object releases it.
    pub fn claim(kind: Kind, name: &Name) -> Self {
        Self::Claim(ObjectId::new(kind, name.clone()))
    }

    /// What is in this object changes.
    pub fn members(kind: Kind, name: &Name) -> Self {
        Self::Members(ObjectId::new(kind, name.clone()))
    }
}

/// Who can cure a violation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cure {
    /// Only an edit of the refused object: it is stalled.
    Edit,
    /// Something else: it waits, and is tried again when one of these changes.
    Wait(BTreeSet<WaitKey>),
}
