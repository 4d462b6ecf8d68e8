//! What is deleted with a virtual machine: its network interfaces, and their public addresses, where that is asked for
//! (VM-23).

use super::VirtualMachine;
use crate::fabric::engine::Engine;
use crate::fabric::id::{Kind, Name, ObjectId};
use crate::fabric::network_interface::NetworkInterface;
use crate::fabric::terms::DeleteOption;

/// The virtual machine that an object is deleted with, and by way of which of its network interfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeletedWith<'a> {
    /// The virtual machine.
    pub vm: &'a Name,
    /// The network interface: the object itself, or what holds the public address.
    pub nic: &'a Name,
}

impl Engine {
    /// The objects that are deleted with a virtual machine.
    pub fn all_deleted_with(&self, vm: &Name) -> Vec<ObjectId> {
        let Some(ask) = self.get::<VirtualMachine>(vm).map(|vm| &vm.ask) else { return Vec::new() };
        let nics = self.attached_to(vm).into_iter().filter(|nic| ask.deletes(nic));
        let with_addresses = |nic: Name| {
            let publics = self.get::<NetworkInterface>(&nic).into_iter().flat_map(|nic| nic.ask.publics_to_delete());
            let publics = publics.map(|public| ObjectId::new(Kind::PublicIPAddress, public.clone()));
            std::iter::once(ObjectId::new(Kind::NetworkInterface, nic.clone())).chain(publics).collect::<Vec<_>>()
        };
        nics.flat_map(with_addresses).collect()
    }

    /// The virtual machine that a network interface or a public address is deleted with.
    pub fn deleted_with<'a>(&'a self, object: &'a ObjectId) -> Option<DeletedWith<'a>> {
        let nic = if object.kind == Kind::NetworkInterface {
            &object.name
        } else if object.kind == Kind::PublicIPAddress {
            let nic = self.associations.get(&object.name)?.network_interface()?;
            self.get::<NetworkInterface>(nic)?.ask.deletes(&object.name).then_some(nic)?
        } else {
            return None;
        };
        let vm = &self.get::<NetworkInterface>(nic)?.held.attached.as_ref()?.vm;
        self.get::<VirtualMachine>(vm)?.ask.deletes(nic).then_some(DeletedWith { vm, nic })
    }
}

impl VirtualMachine {
    /// True if a network interface is deleted with it.
    pub fn deletes(&self, nic: &Name) -> bool {
        self.network_interfaces.iter().any(|listed| listed.name == *nic && listed.delete_option == DeleteOption::Delete)
    }
}

impl NetworkInterface {
    /// True if a public address is deleted with it, when it is deleted with its virtual machine.
    pub fn deletes(&self, public: &Name) -> bool {
        self.publics_to_delete().any(|other| other == public)
    }

    fn publics_to_delete(&self) -> impl Iterator<Item = &Name> {
        let to_delete = self.configurations.iter().filter(|c| c.public_delete_option == DeleteOption::Delete);
        to_delete.filter_map(|configuration| configuration.public_ip_address.as_ref())
    }
}
