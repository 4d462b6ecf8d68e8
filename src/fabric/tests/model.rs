//! A naive fabric: the required result of an operation, written from the rule catalogue and not from the engine.
//!
//! It has no pools and no indices: whatever it needs to know it finds by looking at everything. It says which rules an
//! operation breaks (not always all of them), and, if none, what everybody holds after it.

mod agreement;
mod configurations;
mod network;
mod nic;
mod public;
mod vm;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net};

use super::random::Op;
use crate::fabric::engine::DynamicAddresses;
use crate::fabric::network_interface::{Assignment, NetworkInterface};
use crate::fabric::public_ip_address::PublicIPAddress;
use crate::fabric::subnet::Subnet;
use crate::fabric::testing::named;
use crate::fabric::virtual_machine::{PowerState, VirtualMachine};
use crate::fabric::virtual_network::VirtualNetwork;
use crate::fabric::{Ask, Kind, Name, Settings};

pub use agreement::Macs;

/// The ids of the rules that an operation breaks.
pub type Broken = BTreeSet<&'static str>;

#[derive(Clone, Debug)]
pub struct Prefix {
    pub length: u8,
    pub block: Ipv4Net,
}

#[derive(Clone, Debug)]
pub struct Public {
    pub ask: PublicIPAddress,
    pub address: Option<IpAddr>,
}

#[derive(Clone, Debug)]
pub struct Nic {
    pub ask: NetworkInterface,
    pub primary: Arc<str>,
    pub addresses: BTreeMap<Arc<str>, IpAddr>,
    /// The number of the assignment, in place of a MAC address.
    pub mac: Option<u64>,
}

#[derive(Clone, Debug)]
pub struct Vm {
    pub ask: VirtualMachine,
    pub attached: Vec<Name>,
    pub primary: Name,
    pub power: PowerState,
    pub starts_at: i64,
    pub restarted_at: Option<String>,
}

#[derive(Clone, Debug)]
pub struct World {
    public_pool: Ipv4Net,
    start_takes: i64,
    dynamic_addresses: DynamicAddresses,
    now: i64,
    networks: BTreeMap<Name, VirtualNetwork>,
    retained: BTreeMap<Name, BTreeSet<IpNet>>,
    subnets: BTreeMap<Name, Subnet>,
    /// What was refused of subnets that are carried: another state, or none for a deletion.
    pending: BTreeMap<Name, Option<Subnet>>,
    prefixes: BTreeMap<Name, Prefix>,
    publics: BTreeMap<Name, Public>,
    nics: BTreeMap<Name, Nic>,
    sets: BTreeSet<Name>,
    vms: BTreeMap<Name, Vm>,
    /// The Static addresses that each NIC was last seen to ask for, whatever the result (S-88).
    requested: BTreeMap<Name, Vec<(Name, IpAddr)>>,
    /// The same of public addresses and their prefixes.
    requested_publics: BTreeMap<Name, (Name, IpAddr)>,
    macs: u64,
}

impl World {
    pub fn new(settings: &Settings) -> Self {
        Self {
            public_pool: settings.public_ip_pool,
            start_takes: settings.vm_start.as_secs() as i64,
            dynamic_addresses: settings.dynamic_addresses,
            now: 0,
            networks: BTreeMap::new(),
            retained: BTreeMap::new(),
            subnets: BTreeMap::new(),
            pending: BTreeMap::new(),
            prefixes: BTreeMap::new(),
            publics: BTreeMap::new(),
            nics: BTreeMap::new(),
            sets: BTreeSet::new(),
            vms: BTreeMap::new(),
            requested: BTreeMap::new(),
            requested_publics: BTreeMap::new(),
            macs: 0,
        }
    }

    /// What the operation breaks; if nothing, it is done.
    pub fn does(&mut self, op: &Op) -> Broken {
        match op {
            Op::Put(name, ask) => {
                let name = named(name);
                match ask {
                    Ask::VirtualNetwork(ask) => self.put_network(&name, ask),
                    Ask::Subnet(ask) => self.put_subnet(&name, ask),
                    Ask::PublicIPPrefix(ask) => self.put_prefix(&name, ask),
                    Ask::PublicIPAddress(ask) => {
                        self.requested_publics.remove(&name);
                        let requested = ask.public_ip_prefix.clone().zip(ask.requested_address);
                        self.requested_publics.extend(requested.map(|requested| (name.clone(), requested)));
                        self.put_public(&name, ask)
                    }
                    Ask::NetworkInterface(ask) => {
                        let requested = ask.configurations.iter().filter_map(|c| match c.assignment {
                            Assignment::Static(address) => Some((ask.subnet.clone(), address)),
                            Assignment::Dynamic | Assignment::KeepCurrent => None,
                        });
                        self.requested.insert(name.clone(), requested.collect());
                        self.put_nic(&name, ask)
                    }
                    Ask::AvailabilitySet(_) => {
                        self.sets.insert(name);
                        Broken::new()
                    }
                    Ask::VirtualMachine(ask) => self.put_vm(&name, ask),
                    Ask::VirtualMachineScaleSet(_) | Ask::VirtualMachineScaleSetVM(_) => {
                        unreachable!("the model's users make none")
                    }
                }
            }
            Op::Delete(kind, name) => {
                if *kind == Kind::NetworkInterface {
                    self.requested.remove(&named(name));
                }
                if *kind == Kind::PublicIPAddress {
                    self.requested_publics.remove(&named(name));
                }
                self.delete(*kind, &named(name))
            }
            Op::Advance(seconds) => {
                self.now += seconds;
                self.finish_starts();
                Broken::new()
            }
            Op::Make => Broken::new(), // there is nothing to make
            // Nothing moves; a start that was on its way begins again.
            Op::Restart => {
                for vm in self.vms.values_mut() {
                    vm.starts_at = self.now + self.start_takes;
                }
                Broken::new()
            }
        }
    }

    fn delete(&mut self, kind: Kind, name: &Name) -> Broken {
        let blocked = match kind {
            Kind::VirtualNetwork => {
                self.subnets.values().any(|subnet| subnet.virtual_network == *name).then_some("VNET-06")
            }
            Kind::Subnet => self.nics.values().any(|nic| nic.ask.subnet == *name).then_some("VNET-05"),
            Kind::PublicIPPrefix => self.members_of_prefix(name).next().map(|_| "S-19"),
            Kind::PublicIPAddress => self.holder_of(name).map(|_| "PIP-11"),
            Kind::NetworkInterface => self.vm_of(name).map(|_| "NIC-24"),
            Kind::AvailabilitySet => self.members_of_set(name).next().map(|_| "S-13"),
            Kind::VirtualMachine | Kind::VirtualMachineScaleSet | Kind::VirtualMachineScaleSetVM => None,
        };
        if let Some(rule) = blocked {
            if kind == Kind::Subnet {
                self.pending.insert(name.clone(), None);
            }
            return Broken::from([rule]);
        }
        match kind {
            Kind::VirtualNetwork => drop((self.networks.remove(name), self.retained.remove(name))),
            Kind::Subnet => {
                drop((self.subnets.remove(name), self.pending.remove(name)));
                self.release_prefixes();
            }
            Kind::PublicIPPrefix => drop(self.prefixes.remove(name)),
            Kind::PublicIPAddress => drop(self.publics.remove(name)),
            Kind::NetworkInterface => drop(self.nics.remove(name)),
            Kind::AvailabilitySet => drop(self.sets.remove(name)),
            Kind::VirtualMachine => drop(self.vms.remove(name)),
            Kind::VirtualMachineScaleSet | Kind::VirtualMachineScaleSetVM => {}
        }
        self.settle([]);
        Broken::new()
    }
}
