//! Tests that stop the operator, start it with flags or change what is installed. They take turns on one control plane.
//!
//! Everything else that needs an API server is in `tests/it`, whose support code this uses.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions)]

mod bad_statuses;
mod disruption_crash;
mod docs;
mod down;
mod examples;
mod finalizer;
mod flags;
mod image;
mod leader;
mod loosened;
mod loosened_texts;
mod metrics;
mod power;
mod process;
mod proxy;
mod restart;
mod restart_at_random;
mod rights;
mod scale_set_deletion;
mod scale_set_forced;
mod scale_set_restart;
mod settings;
mod silence;
#[allow(dead_code)] // some of it only the tests of `tests/it` use
#[path = "../it/support/mod.rs"]
mod support;
mod unreadable;
mod views;
