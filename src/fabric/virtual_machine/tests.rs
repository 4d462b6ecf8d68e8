//! The rules and effects of virtual machines.

mod deletion;
mod disruption;
mod effects;
mod guest;
mod public;
mod rules;
mod zones;

use crate::fabric::testing::*;

/// A fabric with the subnet `web` and the NICs `a`, `b`, `c` and `d`, of which `a` has .4, `b` .5 and so on.
fn a_rack() -> Fabric {
    ["a", "b", "c", "d"]
        .into_iter()
        .fold(a_fabric().with(a_subnet("web", "10.0.1.0/24")), |fabric, nic| fabric.with(a_nic(nic)))
}
