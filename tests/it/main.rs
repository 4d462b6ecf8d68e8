//! The operator, as its users meet it: the real binary against a real etcd, kube-apiserver and kube-controller-manager,
//! YAML in through `kubectl`, status out.
//!
//! Tests share one control plane, each in a namespace of its own. Those that stop the operator or change what is
//! installed take turns on a second one. Nothing sleeps: a test waits for a state, with a deadline.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions)]

mod admission;
mod bad_bodies;
mod bad_metadata;
mod bad_specs;
mod bad_statuses;
mod canary;
mod cluster;
mod contract;
mod definitions;
mod deletions;
mod door;
mod examples;
mod finalizer;
mod history;
mod lifecycle;
mod loosened;
mod loosened_texts;
mod manifests;
mod operator;
mod process;
mod refusal;
mod refused_addresses;
mod refused_machines;
mod refused_networks;
mod restart;
mod restart_at_random;
mod schema;
mod space;
mod specs;
mod status;
mod unreadable;
