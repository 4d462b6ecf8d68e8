//! Views: what is computed from the fabric on demand, and stored nowhere.
//!
//! A view is a pure function of the engine. [`snapshot`] restores an engine from the few objects of a cluster that a view needs;
//! where they are read, and how a view is printed, is the command line's.

pub mod ip_addresses;
pub mod snapshot;
#[cfg(test)]
mod tests;

use crate::fabric::ObjectId;

/// Why there is no view of an object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoView {
    /// The fabric does not carry it.
    #[error("{0} is not provisioned")]
    NotProvisioned(ObjectId),
}
