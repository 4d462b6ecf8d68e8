//! What the parts of an instance are called, and what the fabric is asked for them.

use super::{Model, NicModel, OrchestrationMode, PublicModel};
use crate::fabric::id::{Kind, Name, ObjectId};
use crate::fabric::network_interface::NetworkInterface;
use crate::fabric::part::{self, What};
use crate::fabric::public_ip_address::PublicIPAddress;
use crate::fabric::virtual_machine::{DesiredPowerState, Disruption, NicReference, VirtualMachine};
use crate::fabric::zones::Zones;

/// An instance of a scale set. Its parts are objects of the fabric alone in a Uniform set, called `<set>_<id>`, and objects of
/// their own in a Flexible one, called `<set>-<id>`.
#[derive(Clone, Copy, Debug)]
pub struct InstanceName<'a> {
    /// The scale set.
    pub set: &'a Name,
    /// The instance's id.
    pub id: u64,
}

impl InstanceName<'_> {
    /// The object that shows the instance.
    pub fn object(self) -> Name {
        Name::new(self.set.namespace.clone(), format!("{}-{}", self.set.name, self.id))
    }

    /// The object that shows the instance, or in a Flexible set is it.
    pub fn object_in(self, mode: OrchestrationMode) -> ObjectId {
        let kind = match mode {
            OrchestrationMode::Uniform => Kind::VirtualMachineScaleSetVM,
            OrchestrationMode::Flexible => Kind::VirtualMachine,
        };
        ObjectId::new(kind, self.object())
    }

    /// Its virtual machine, by the real service's name of an instance (VMSS-01).
    pub fn vm(self) -> Name {
        self.part(What::VirtualMachine)
    }

    /// One of its network interfaces.
    pub fn nic(self, nic: &str) -> Name {
        self.part(What::NetworkInterface(nic))
    }

    /// The public address of one of its configurations.
    pub fn public(self, nic: &str, configuration: &str) -> Name {
        self.part(What::PublicIPAddress { nic, configuration })
    }

    fn part(self, what: What<'_>) -> Name {
        part::name_of(self.set, self.id, what)
    }

    /// Its network interface in a Flexible set, where it is an object of its own (S-29).
    pub fn nic_object(self, nic: &str) -> Name {
        self.in_lower_case(format!("{}-{}-{nic}", self.set.name, self.id))
    }

    /// The public address of one of its configurations in a Flexible set (S-33).
    pub fn public_object(self, nic: &str, configuration: &str) -> Name {
        self.in_lower_case(format!("{}-{}-{nic}-{configuration}", self.set.name, self.id))
    }

    /// Names in models may have upper-case letters, those of objects have none; letter case makes no difference (ARM-06).
    fn in_lower_case(self, mut name: String) -> Name {
        name.make_ascii_lowercase();
        Name::new(self.set.namespace.clone(), name)
    }

    /// The virtual machine as the fabric carries it.
    pub(super) fn vm_in(self, mode: OrchestrationMode) -> Name {
        match mode {
            OrchestrationMode::Uniform => self.vm(),
            OrchestrationMode::Flexible => self.object(),
        }
    }

    /// The network interface as the fabric carries it.
    pub(super) fn nic_in(self, mode: OrchestrationMode, nic: &str) -> Name {
        match mode {
            OrchestrationMode::Uniform => self.nic(nic),
            OrchestrationMode::Flexible => self.nic_object(nic),
        }
    }

    /// The public address as the fabric carries it.
    pub(super) fn public_in(self, mode: OrchestrationMode, nic: &str, configuration: &str) -> Name {
        match mode {
            OrchestrationMode::Uniform => self.public(nic, configuration),
            OrchestrationMode::Flexible => self.public_object(nic, configuration),
        }
    }

    /// What is asked of its virtual machine.
    pub fn vm_ask(
        self,
        model: &Model,
        network: &[NicModel],
        zones: Zones,
        power: Option<DesiredPowerState>,
    ) -> VirtualMachine {
        let nics = network.iter().map(|nic| NicReference {
            name: self.nic(&nic.name),
            primary: nic.primary,
            delete_option: nic.delete_option,
        });
        VirtualMachine {
            size: model.size,
            computer_name: model.computer_name(self.id),
            os_type: model.os_type,
            network_interfaces: nics.collect(),
            availability_set: None,
            zones,
            disruption: Disruption::Deallocate, // an upgrade does what it needs
            guest: Vec::new(),
            power,
            restarted_at: None,
            member: None,
        }
    }

    /// What is asked of one of its network interfaces.
    pub fn nic_ask(self, nic: &NicModel) -> NetworkInterface {
        nic.interface.with_publics(|configuration| {
            configuration.public_ip_address.as_ref().map(|_| self.public(&nic.name, &configuration.name))
        })
    }

    /// What is asked of the public addresses of its configurations, and what they are called.
    pub fn public_asks(self, network: &[NicModel]) -> Vec<(Name, PublicIPAddress)> {
        self.public_asks_in(OrchestrationMode::Uniform, network)
    }

    /// The same, under the names of the set's mode.
    pub(super) fn public_asks_in(self, mode: OrchestrationMode, network: &[NicModel]) -> Vec<(Name, PublicIPAddress)> {
        let configurations = network.iter().flat_map(|nic| nic.interface.configurations.iter().map(move |c| (nic, c)));
        let public = configurations.filter_map(|(nic, c)| Some((nic, c, c.public_ip_address.as_ref()?)));
        public.map(|(nic, c, public)| (self.public_in(mode, &nic.name, &c.name), self.public_ask(public))).collect()
    }

    fn public_ask(self, public: &PublicModel) -> PublicIPAddress {
        public.ask(public.domain_name_label.as_ref().map(|label| format!("vm{}.{label}", self.id)))
    }
}
