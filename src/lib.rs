//! A Kubernetes operator for virtual-machine networking in Azure's model.
//!
//! Layers, each importing only those above it:
//!
//! * [`fabric`] is the simulated cloud: it allocates, keeps power states, and refuses. It knows no Kubernetes.
//! * [`api`] is what users write and read: the custom resources, and their translation into what the fabric is asked.
//! * [`operator`] is a pure core from watch events to effects, and a thin shell that does the I/O.
//! * [`view`] computes on demand what no status holds.
//! * [`plan`] lets the same core judge manifests without a cluster.
//!
//! The binary `vnet` is the command line on top of them.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions)
)]

pub mod api;
pub mod fabric;
pub mod operator;
pub mod plan;
pub mod view;
