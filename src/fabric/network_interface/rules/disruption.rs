//! The edits of an attached NIC for which its VM must be deallocated (SIZE-05, IPC-12).
//!
//! Whether the VM makes way by itself (S-38) is the VM's to say.

use super::{NicCase, attached_vm, path, static_addresses};
use crate::fabric::network_interface::findings::NetworkInterfaceFinding;
use crate::fabric::network_interface::{HeldNetworkInterface, NetworkInterface};
use crate::fabric::resource::Programmed;
use crate::fabric::terms::{Primary, Switch};
use crate::fabric::violation::Findings;

pub(super) const ACCELERATION: &str = "spec.enableAcceleratedNetworking";

pub(super) fn acceleration_is_not_switched_on_a_running_vm(case: &NicCase<'_>, findings: &mut Findings) {
    refuse_while_allocated(case, |path| path == ACCELERATION, findings);
}

pub(super) fn secondary_addresses_of_secondary_nics_stay(case: &NicCase<'_>, findings: &mut Findings) {
    refuse_while_allocated(case, |path| path != ACCELERATION, findings);
}

fn refuse_while_allocated(case: &NicCase<'_>, applies: impl Fn(&str) -> bool, findings: &mut Findings) {
    let Some(programmed) = case.programmed else { return };
    let Some((name, vm)) = attached_vm(case).filter(|(_, vm)| !vm.is_deallocated_for_edits()) else { return };
    let paths = edits_that_need_deallocated(&programmed.ask, &programmed.held, case.ask);
    for path in paths.into_iter().filter(|path| applies(path)) {
        findings.add(path, NetworkInterfaceFinding::NotDeallocated { vm: name.clone(), power: vm.held.power });
    }
}

/// The paths of what an edit of an attached NIC changes, and for which its VM must be deallocated (SIZE-05, IPC-12).
pub(in crate::fabric::network_interface) fn edits_that_need_deallocated(
    before: &NetworkInterface,
    held: &HeldNetworkInterface,
    ask: &NetworkInterface,
) -> Vec<String> {
    let mut paths = Vec::new();
    if ask.accelerated_networking == Switch::On && before.accelerated_networking == Switch::Off {
        paths.push(ACCELERATION.to_owned());
    }
    if before.subnet != ask.subnet || held.attached.as_ref().is_none_or(|attached| attached.primary) {
        return paths;
    }
    for (n, configuration, wanted) in static_addresses(ask) {
        let was_secondary =
            before.configurations.iter().any(|old| old.name == configuration.name && old.primary != Primary::Yes);
        if was_secondary && held.addresses.get(&configuration.name).is_some_and(|held| *held != wanted) {
            paths.push(path(n, "privateIPAddress"));
        }
    }
    paths
}

/// True if an edit of an attached NIC needs its VM deallocated.
pub(in crate::fabric) fn edit_needs_deallocated(nic: &Programmed<NetworkInterface>, ask: &NetworkInterface) -> bool {
    !edits_that_need_deallocated(&nic.ask, &nic.held, ask).is_empty()
}
