//! What the guest of a virtual machine must have set, and what follows where it has not (IPC-19 to IPC-21, IPC-24).

use std::net::IpAddr;

use super::{OsType, VirtualMachine};
use crate::fabric::engine::Engine;
use crate::fabric::id::Name;
use crate::fabric::network_interface::NetworkInterface;
use crate::fabric::resource::{Advice, Programmed};

/// The address that DHCP hands out, and those that must be set by hand. On Windows a NIC with secondary addresses has
/// all of them set by hand, the primary one first.
pub(super) fn addresses(os: OsType, nic: &Programmed<NetworkInterface>) -> (Option<IpAddr>, Vec<IpAddr>) {
    let of = |name| nic.held.addresses.get(name).copied();
    let primary = nic.ask.primary().map(|primary| &primary.name);
    let secondary =
        nic.ask.configurations.iter().map(|configuration| &configuration.name).filter(|name| Some(*name) != primary);
    let mut manual: Vec<IpAddr> = secondary.filter_map(of).collect();
    let dhcp = primary.and_then(of);
    if os == OsType::Windows && !manual.is_empty() {
        manual.splice(0..0, dhcp);
    }
    (dhcp, manual)
}

/// Linux leaves the primary address to DHCP: a list that does not have it, and is no longer than that of the secondary
/// ones, has only such.
fn lists_the_primary(declared: &[IpAddr], first: IpAddr, dhcp: Option<IpAddr>, secondary: &[IpAddr]) -> bool {
    dhcp.is_some_and(|dhcp| declared.contains(&dhcp)) || declared.len() > secondary.len() && !secondary.contains(&first)
}

/// What cuts the guest off, or leaves addresses of it unused; only where the spec declares what the guest has set.
pub(super) fn advice(engine: &Engine, name: &Name, ask: &VirtualMachine) -> Vec<Advice> {
    let attached = engine.attached_to(name);
    let mut advice = Vec::new();
    for declared in ask.guest.iter().filter(|declared| attached.contains(&declared.network_interface)) {
        let Some(nic) = engine.get::<NetworkInterface>(&declared.network_interface) else { continue };
        let (dhcp, manual) = addresses(ask.os_type, nic);
        let is_primary_nic = nic.held.attached.as_ref().is_some_and(|attached| attached.primary);
        let first = declared.addresses.first().filter(|first| match ask.os_type {
            OsType::Windows => true,
            OsType::Linux => lists_the_primary(&declared.addresses, **first, dhcp, &manual),
        });
        let primary = first.filter(|first| Some(**first) != dhcp);
        if let (Some(set), Some(dhcp)) = (primary, dhcp)
            && is_primary_nic
        {
            advice.push(Advice {
                condition: "ConnectivityLost",
                reason: "PrimaryAddressDiffers",
                message: format!(
                    "The guest has {set} as the primary address of NetworkInterface {}, and the fabric has {dhcp}. Set the guest back to DHCP, or to {dhcp}.",
                    declared.network_interface
                ),
            });
        }
        let text = |addresses: Vec<&IpAddr>| addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let missing: Vec<_> = manual.iter().filter(|address| !declared.addresses.contains(address)).collect();
        let held = |address: &IpAddr| nic.held.addresses.values().any(|held| held == address);
        let foreign: Vec<_> =
            declared.addresses.iter().filter(|address| !held(address) && Some(*address) != primary).collect();
        let (reason, fact) = match (missing.is_empty(), foreign.is_empty()) {
            (true, true) => continue,
            (false, _) => ("AddressesNotSet", format!("has not set {}", text(missing))),
            (true, false) => ("AddressesNotHeld", format!("has set {}, which is not", text(foreign))),
        };
        if advice.iter().all(|known| known.condition != "GuestConfigurationDiffers") {
            advice.push(Advice {
                condition: "GuestConfigurationDiffers",
                reason,
                message: format!(
                    "The guest {fact} of NetworkInterface {}. Set by hand in the guest what status.networkInterfaces lists as manualAddresses; to change addresses, set the guest back to DHCP first, deallocate the VM, change them here, start it, and then configure the guest.",
                    declared.network_interface
                ),
            });
        }
    }
    advice
}
