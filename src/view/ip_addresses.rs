//! The IP addresses of machines: of virtual machines, and of instances of Uniform scale sets.

use std::net::IpAddr;

use serde::Serialize;
use serde_json::{Value, json};

use super::NoView;
use crate::fabric::network_interface::NetworkInterface;
use crate::fabric::public_ip_address::{PublicIPAddress, fqdn};
use crate::fabric::resource::Resource;
use crate::fabric::terms::AllocationMethod;
use crate::fabric::virtual_machine::VirtualMachine;
use crate::fabric::virtual_machine_scale_set_vm::VirtualMachineScaleSetVM;
use crate::fabric::{Engine, Kind, Name, ObjectId};

/// The addresses of one machine.
#[derive(Clone, Debug, PartialEq)]
pub struct MachineAddresses {
    /// The VirtualMachine or VirtualMachineScaleSetVM.
    pub machine: ObjectId,
    /// Its IP configurations: those of the primary network interface first, and of each the primary one first.
    pub configurations: Vec<ConfigurationAddresses>,
}

/// The addresses of an IP configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigurationAddresses {
    /// The name of its network interface.
    pub network_interface: String,
    /// Its name.
    pub name: String,
    /// The assigned private address.
    pub private_ip_address: Option<IpAddr>,
    /// The public address that it is associated with.
    pub public_ip_address: Option<PublicAddress>,
}

/// A public address, in Azure's field names.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PublicAddress {
    /// The resource id in Azure; the public address of an instance is no object of its own, and has none here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The name of the object, or of the public address in the model.
    pub name: String,
    /// The allocated address; none while none is allocated.
    pub ip_address: Option<IpAddr>,
    /// How it is allocated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_allocation_method: Option<AllocationMethod>,
    /// The DNS name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fqdn: Option<String>,
    /// The namespace of the object.
    pub resource_group: String,
}

/// The addresses of a virtual machine or of an instance of a scale set.
///
/// # Errors
/// [`NoView`], if the fabric does not carry it.
pub fn ip_addresses(engine: &Engine, machine: &ObjectId) -> Result<MachineAddresses, NoView> {
    let configurations = if machine.kind == Kind::VirtualMachineScaleSetVM {
        of_instance(engine, &machine.name)
    } else if machine.kind == Kind::VirtualMachine {
        of_machine(engine, &machine.name)
    } else {
        None
    };
    let configurations = configurations.ok_or_else(|| NoView::NotProvisioned(machine.clone()))?;
    Ok(MachineAddresses { machine: machine.clone(), configurations })
}

fn of_machine(engine: &Engine, vm: &Name) -> Option<Vec<ConfigurationAddresses>> {
    engine.get::<VirtualMachine>(vm)?;
    let mut nics: Vec<_> = engine.attached_to(vm);
    let is_primary = |nic: &Name| {
        let attached = engine.get::<NetworkInterface>(nic).and_then(|nic| nic.held.attached.as_ref());
        attached.is_some_and(|attached| attached.primary)
    };
    nics.sort_by_key(|nic| !is_primary(nic));
    Some(nics.iter().flat_map(|nic| of_nic(engine, nic)).collect())
}

fn of_nic(engine: &Engine, nic: &Name) -> Vec<ConfigurationAddresses> {
    let Some(programmed) = engine.get::<NetworkInterface>(nic) else { return Vec::new() };
    let shown = NetworkInterface::observe(engine, nic, programmed).ip_configurations.into_iter();
    let configurations = shown.map(|shown| {
        let asked = programmed.ask.configurations.iter().find(|asked| *asked.name == *shown.name);
        let public = asked.and_then(|asked| asked.public_ip_address.as_ref());
        ConfigurationAddresses {
            network_interface: nic.name.to_string(),
            name: shown.name,
            private_ip_address: shown.private_ip_address,
            public_ip_address: public.map(|public| public_address(engine, public)),
        }
    });
    configurations.collect()
}

fn public_address(engine: &Engine, name: &Name) -> PublicAddress {
    let programmed = engine.get::<PublicIPAddress>(name);
    PublicAddress {
        id: programmed.map(|programmed| programmed.resource_id(engine, name)),
        name: name.name.to_string(),
        ip_address: programmed.and_then(|programmed| programmed.held.address),
        ip_allocation_method: programmed.map(|programmed| programmed.ask.method),
        fqdn: programmed.and_then(fqdn),
        resource_group: name.namespace.to_string(),
    }
}

fn of_instance(engine: &Engine, instance: &Name) -> Option<Vec<ConfigurationAddresses>> {
    let programmed = engine.get::<VirtualMachineScaleSetVM>(instance)?;
    let shown = VirtualMachineScaleSetVM::observe(engine, instance, programmed);
    let configurations = shown.configurations().map(|(nic, shown)| ConfigurationAddresses {
        network_interface: nic.to_owned(),
        name: shown.name.clone(),
        private_ip_address: shown.private_ip_address,
        public_ip_address: shown.public_ip_address.as_ref().map(|public| PublicAddress {
            id: None,
            name: public.name.clone(),
            ip_address: public.ip_address,
            ip_allocation_method: None,
            fqdn: public.fqdn.clone(),
            resource_group: instance.namespace.to_string(),
        }),
    });
    Some(configurations.collect())
}

impl MachineAddresses {
    /// The addresses in the form in which `az vm list-ip-addresses` prints them.
    pub fn as_azure_shows_them(&self) -> Value {
        let all = || self.configurations.iter();
        json!({"virtualMachine": {
            "name": &*self.machine.name.name,
            "resourceGroup": &*self.machine.name.namespace,
            "network": {
                "privateIpAddresses": all().filter_map(|c| c.private_ip_address).collect::<Vec<_>>(),
                "publicIpAddresses": all().filter_map(|c| c.public_ip_address.as_ref()).collect::<Vec<_>>(),
            },
        }})
    }
}
