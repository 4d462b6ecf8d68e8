//! What is deleted with a virtual machine: its network interfaces, and their public addresses, where that is asked for
//! (VM-23).

use super::VirtualMachine;
use crate::fabric::engine::Engine;
use crate::fabric::holder::Holder;
use crate::fabric::id::{Kind, Name, ObjectId};
use crate::fabric::network_interface::NetworkInterface;
use crate::fabric::terms::DeleteOption;

impl Engine {
    /// The objects that are deleted with a virtual machine.
    pub fn deleted_with(&self, vm: &Name) -> Vec<ObjectId> {
        let nics = self.attached_to(vm).into_iter().filter(|nic| self.nic_is_deleted_with(vm, nic));
        let with_addresses = |nic: Name| {
            let publics = self.get::<NetworkInterface>(&nic).into_iter().flat_map(|nic| nic.ask.publics_to_delete());
            let publics = publics.map(|public| ObjectId::new(Kind::PublicIPAddress, public.clone()));
            std::iter::once(ObjectId::new(Kind::NetworkInterface, nic.clone())).chain(publics).collect::<Vec<_>>()
        };
        nics.flat_map(with_addresses).collect()
    }

    /// The virtual machine that a network interface or a public address is deleted with.
    pub fn is_deleted_with(&self, object: &ObjectId) -> Option<&Name> {
        let nic = match object.kind {
            Kind::NetworkInterface => &object.name,
            Kind::PublicIPAddress => {
                let Holder::IpConfiguration { nic, .. } = self.associations.get(&object.name)?;
                let mut publics = self.get::<NetworkInterface>(nic)?.ask.publics_to_delete();
                publics.any(|public| *public == object.name).then_some(nic)?
            }
            _ => return None,
        };
        let vm = &self.get::<NetworkInterface>(nic)?.held.attached.as_ref()?.vm;
        self.nic_is_deleted_with(vm, nic).then_some(vm)
    }

    fn nic_is_deleted_with(&self, vm: &Name, nic: &Name) -> bool {
        let listed =
            self.get::<VirtualMachine>(vm).and_then(|vm| vm.ask.network_interfaces.iter().find(|n| n.name == *nic));
        listed.is_some_and(|listed| listed.delete_option == DeleteOption::Delete)
    }
}

impl NetworkInterface {
    /// The public addresses that are deleted with it, when it is deleted with its virtual machine.
    fn publics_to_delete(&self) -> impl Iterator<Item = &Name> {
        let to_delete = self.configurations.iter().filter(|c| c.public_delete_option == DeleteOption::Delete);
        to_delete.filter_map(|configuration| configuration.public_ip_address.as_ref())
    }
}
