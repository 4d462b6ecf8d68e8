//! Virtual machines and availability sets.

use super::{A, named};
use crate::fabric::availability_set::AvailabilitySet;
use crate::fabric::sizes;
use crate::fabric::terms::{DeleteOption, Primary};
use crate::fabric::virtual_machine::{
    DesiredPowerState, Disruption, GuestInterface, Member, NicReference, OsType, VirtualMachine,
};
use crate::fabric::virtual_machine_scale_set_vm::DesiredRevision;
use crate::fabric::zones::{Zone, Zones};

/// In place of the identity of a scale set, which the fabric of the test knows.
pub(super) const THE_SET: &str = "the set that is carried";

/// A VM of a size that takes four NICs and supports accelerated networking; its power state is left open.
pub fn a_vm(name: &str) -> A<VirtualMachine> {
    A::new(
        name,
        VirtualMachine {
            size: sizes::vm_size("Standard_D8s_v3").unwrap(),
            computer_name: name.to_owned(),
            os_type: Default::default(),
            network_interfaces: Vec::new(),
            availability_set: None,
            zones: Zones::new(),
            disruption: Default::default(),
            guest: Vec::new(),
            power: None,
            restarted_at: None,
            member: None,
        },
    )
}

impl A<VirtualMachine> {
    /// These NICs, none of them marked.
    pub fn nics<const N: usize>(self, nics: [&str; N]) -> Self {
        self.marked(nics.map(|nic| (nic, Primary::Unspecified)))
    }

    pub fn marked<const N: usize>(mut self, nics: [(&str, Primary); N]) -> Self {
        let nic = |(name, primary): &(&str, Primary)| NicReference {
            name: named(name),
            primary: *primary,
            delete_option: DeleteOption::Detach,
        };
        self.ask.network_interfaces = nics.iter().map(nic).collect();
        self
    }

    /// The NIC of this name is deleted with it.
    pub fn deletes(mut self, nic: &str) -> Self {
        let listed = self.ask.network_interfaces.iter_mut().find(|listed| *listed.name.name == *nic);
        listed.unwrap().delete_option = DeleteOption::Delete;
        self
    }

    pub fn zones(mut self, zones: impl IntoIterator<Item = Zone>) -> Self {
        self.ask.zones = zones.into_iter().collect();
        self
    }

    pub fn in_set(mut self, set: &str) -> Self {
        self.ask.availability_set = Some(named(set));
        self
    }

    /// An instance of a Flexible set, written from this revision of its model.
    pub fn of_set(mut self, set: &str, id: u64, revision: u64) -> Self {
        self.ask.member =
            Some(Member { set: named(set), owner: THE_SET.into(), id, revision, desired_revision: None }.into());
        self
    }

    /// The revision of the set's model that it is to have at least.
    pub fn wishing(mut self, revision: u64) -> Self {
        self.ask.member.as_mut().unwrap().desired_revision = Some(DesiredRevision::Number(revision));
        self
    }

    /// Edits may deallocate it.
    pub fn disruptable(mut self) -> Self {
        self.ask.disruption = Disruption::Deallocate;
        self
    }

    pub fn os_type(mut self, os_type: OsType) -> Self {
        self.ask.os_type = os_type;
        self
    }

    /// The guest has set these by hand.
    pub fn guest<const N: usize>(mut self, nic: &str, addresses: [&str; N]) -> Self {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        self.ask.guest.push(GuestInterface { network_interface: named(nic), addresses });
        self
    }

    pub fn size(mut self, size: &str) -> Self {
        self.ask.size = sizes::vm_size(size).unwrap();
        self
    }

    pub fn power(mut self, desired: DesiredPowerState) -> Self {
        self.ask.power = Some(desired);
        self
    }

    pub fn running(self) -> Self {
        self.power(DesiredPowerState::Running)
    }

    pub fn stopped(self) -> Self {
        self.power(DesiredPowerState::Stopped)
    }

    pub fn deallocated(self) -> Self {
        self.power(DesiredPowerState::Deallocated)
    }

    pub fn restarted_at(mut self, when: &str) -> Self {
        self.ask.restarted_at = Some(when.to_owned());
        self
    }
}

pub fn a_set(name: &str) -> A<AvailabilitySet> {
    A::new(name, AvailabilitySet {})
}
