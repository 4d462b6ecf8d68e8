//! The rules and effects of network interfaces, by topic.

mod addresses;
mod configurations;
mod effects;
mod interface;
mod ipv6;
mod public;

use crate::fabric::testing::*;

/// A fabric with the subnets `web`, 10.0.1.0/24, and `db`, 10.0.2.0/24, of the virtual network `hub`.
fn a_web() -> Fabric {
    a_fabric().with(a_subnet("web", "10.0.1.0/24")).with(a_subnet("db", "10.0.2.0/24"))
}

fn path(n: usize, field: &str) -> String {
    format!("spec.ipConfigurations[{n}].{field}")
}
