//! The operator, as its users meet it: the real binary against a real etcd, kube-apiserver and kube-controller-manager,
//! YAML in through `kubectl`, status out. What is new is created as `kubectl apply` does it, without starting kubectl.
//!
//! Tests share one control plane, each in a namespace of its own, and run at the same time. Those that stop the operator or
//! change what is installed are in `tests/alone`. A test watches for a state, with a deadline; it polls only what cannot be
//! watched.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions)]

mod admission;
mod attachments;
mod availability_sets;
mod azure_names;
mod bad_bodies;
mod bad_metadata;
mod bad_specs;
mod bad_statuses;
mod command_line;
mod deletions;
mod disruption;
mod domain_names;
mod examples;
mod family_dynamic_address;
mod family_guest;
mod family_ip_configuration;
mod family_ipv6;
mod family_network;
mod family_nic;
mod family_static_address;
mod family_subnet;
mod finalizer;
mod helm;
mod helm_install;
mod helm_schema;
mod kustomize;
mod lifecycle;
mod moves;
mod placement;
mod plan;
mod power;
mod process;
mod public_addresses;
mod public_associations;
mod public_prefixes;
mod refused_machines;
mod refused_public_addresses;
mod refused_scale_sets;
mod scale_set_addresses;
mod scale_set_deletion;
mod scale_set_flexible;
mod scale_set_own_network;
mod scale_set_scale;
mod scale_set_uniform;
mod scale_set_upgrade;
mod scale_set_upgrade_command;
mod schema;
mod server_side;
mod sizes;
mod sku_mixing;
mod status;
#[allow(dead_code)] // some of it only the tests of `tests/alone` use
mod support;
mod tenants;
mod users_met;
mod zones;
