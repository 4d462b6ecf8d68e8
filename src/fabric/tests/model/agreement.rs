//! The naive fabric: what the engine must report of every object, and nothing else.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::net::IpAddr;

use super::{Nic, Vm, World};
use crate::fabric::availability_set::AvailabilitySetView;
use crate::fabric::mac::Mac;
use crate::fabric::network_interface::{ConfigurationView, PublicAddressShown};
use crate::fabric::public_ip_address::Association;
use crate::fabric::public_ip_prefix::PublicIPPrefixView;
use crate::fabric::subnet::{Capacity, SubnetView};
use crate::fabric::virtual_machine::{AttachedNicView, OsType, PowerState};
use crate::fabric::virtual_network::VirtualNetworkView;
use crate::fabric::{
    AvailabilitySet, Engine, Name, NetworkInterface, PublicIPAddress, PublicIPPrefix, Resource, ShownRef, Subnet,
    VirtualMachine, VirtualNetwork,
};

/// The MAC address of each assignment so far.
pub type Macs = BTreeMap<u64, Mac>;

impl World {
    /// Panics unless the engine reports just this.
    pub fn assert_agrees(&self, engine: &Engine, macs: &mut Macs) {
        agree::<VirtualNetwork, _>(engine, &self.networks, |name, _| VirtualNetworkView {
            subnet_count: Some(count(self.subnets.values().filter(|subnet| subnet.virtual_network == *name))),
            retained_address_prefixes: self.retained[name].iter().copied().collect(),
        });
        agree::<Subnet, _>(engine, &self.subnets, |name, subnet| SubnetView {
            capacity: Some(self.capacity(name, subnet)),
        });
        agree::<PublicIPPrefix, _>(engine, &self.prefixes, |name, prefix| PublicIPPrefixView {
            ip_prefix: Some(prefix.block),
            public_ip_address_count: Some(count(self.members_of_prefix(name))),
            public_ip_addresses: self.members_of_prefix(name).map(|member| ShownRef::of(member, name)).collect(),
        });
        let sets: BTreeMap<_, _> = self.sets.iter().map(|set| (set.clone(), ())).collect();
        agree::<AvailabilitySet, _>(engine, &sets, |name, ()| AvailabilitySetView {
            virtual_machine_count: Some(count(self.members_of_set(name))),
            virtual_machines: self.members_of_set(name).map(|member| ShownRef::of(member, name)).collect(),
        });
        self.assert_public_addresses_agree(engine);
        self.assert_nics_agree(engine, macs);
        self.assert_vms_agree(engine);
    }

    fn capacity(&self, name: &Name, subnet: &Subnet) -> Capacity {
        let total = 1 << (32 - subnet.ipv4.prefix_len());
        let allocated = i64::from(count(self.held_in(name).iter().filter(|address| address.is_ipv4())));
        Capacity { total, reserved: 5, allocated, available: total - 5 - allocated }
    }

    fn assert_public_addresses_agree(&self, engine: &Engine) {
        same(
            engine.all::<PublicIPAddress>().map(|(name, public)| {
                let view = PublicIPAddress::observe(engine, name, public);
                (name, (view.ip_address, view.ip_configuration))
            }),
            self.publics.iter().map(|(name, public)| (name, (public.address, self.association_of(name)))),
        );
    }

    fn association_of(&self, public: &Name) -> Option<Association> {
        let nic = self.holder_of(public)?;
        let asked = &self.nics[nic].ask.configurations;
        let holder = asked.iter().find(|configuration| configuration.public_ip_address.as_ref() == Some(public))?;
        Some(Association { network_interface: ShownRef::of(nic, public), name: holder.name.to_string() })
    }

    fn assert_nics_agree(&self, engine: &Engine, macs: &mut Macs) {
        same(
            engine.all::<NetworkInterface>().map(|(name, nic)| {
                let view = NetworkInterface::observe(engine, name, nic);
                let servers = view.dns_settings.map(|dns| dns.applied_dns_servers).unwrap_or_default();
                (name, (&nic.ask.subnet, view.ip_configurations, view.virtual_machine, view.primary, servers))
            }),
            self.nics.iter().map(|(name, nic)| {
                let vm = self.vm_of(name);
                let shown = vm.map(|(vm, _)| ShownRef::of(vm, name));
                let primary = vm.map(|(_, vm)| vm.primary == *name);
                (name, (&nic.ask.subnet, self.shown(name, nic), shown, primary, self.servers_of(name, nic)))
            }),
        );
        for (name, nic) in &self.nics {
            let mac = engine.get::<NetworkInterface>(name).unwrap().held.mac;
            assert_eq!(mac.is_some(), nic.mac.is_some(), "{name} has a MAC address");
            if let (Some(mac), Some(number)) = (mac, nic.mac) {
                assert_eq!(*macs.entry(number).or_insert(mac), mac, "{name} keeps its MAC address");
            }
        }
    }

    /// The DNS servers of a NIC whose VM has been started and not deallocated since (NIC-21, NIC-22, S-21).
    fn servers_of(&self, name: &Name, nic: &Nic) -> Vec<IpAddr> {
        let applied = self.vm_of(name).is_some_and(|(_, vm)| match vm.power {
            PowerState::Running | PowerState::Stopped => true,
            PowerState::Starting => nic.mac.is_some(),
            PowerState::Deallocated => false,
        });
        let network = &self.networks[&self.subnets[&nic.ask.subnet].virtual_network];
        match (applied, nic.ask.dns_servers.as_slice()) {
            (false, _) => Vec::new(),
            (true, []) => network.dns_servers.clone(),
            (true, own) => own.to_vec(),
        }
    }

    /// What DHCP hands to the guest of a VM, and what is set by hand in it (IPC-19, IPC-21).
    fn addresses_in_the_guest(vm: &Vm, nic: &Nic) -> (Option<IpAddr>, Vec<IpAddr>) {
        let primary = nic.addresses.get(&nic.primary).copied();
        let others = nic.ask.configurations.iter().filter(|asked| asked.name != nic.primary);
        let others: Vec<IpAddr> = others.filter_map(|asked| nic.addresses.get(&asked.name).copied()).collect();
        match (vm.ask.os_type, others.is_empty()) {
            (OsType::Windows, false) => (primary, primary.into_iter().chain(others).collect()),
            (OsType::Windows, true) | (OsType::Linux, _) => (primary, others),
        }
    }

    /// The configurations of a NIC, the primary one first (IPC-04).
    fn shown(&self, name: &Name, nic: &Nic) -> Vec<ConfigurationView> {
        let configurations = nic.ask.configurations.iter().map(|asked| ConfigurationView {
            name: asked.name.to_string(),
            primary: asked.name == nic.primary,
            private_ip_address: nic.addresses.get(&asked.name).copied(),
            public_ip_address: asked.public_ip_address.as_ref().map(|public| {
                let ShownRef { name, namespace } = ShownRef::of(public, name);
                PublicAddressShown { name, namespace, ip_address: self.publics[public].address }
            }),
        });
        let (primary, others): (Vec<_>, Vec<_>) = configurations.partition(|shown| shown.primary);
        [primary, others].concat()
    }

    fn assert_vms_agree(&self, engine: &Engine) {
        same(
            engine.all::<VirtualMachine>().map(|(name, vm)| {
                let view = VirtualMachine::observe(engine, name, vm);
                let nics = view.network_interfaces.into_iter();
                let guest = |nic: &AttachedNicView| (nic.dhcp_address, nic.manual_addresses.clone());
                let nics = nics.map(|nic| (guest(&nic), nic.reference, nic.primary, nic.private_ip_address));
                let nics: Vec<_> = nics.collect();
                (name, (vm.held.power, view.last_handled_restart_at, &vm.ask.availability_set, nics))
            }),
            self.vms.iter().map(|(name, vm)| {
                let nics = vm.attached.iter().map(|attached| {
                    let nic = &self.nics[attached];
                    let (reference, private) = (ShownRef::of(attached, name), nic.addresses.get(&nic.primary).copied());
                    (Self::addresses_in_the_guest(vm, nic), reference, vm.primary == *attached, private)
                });
                (name, (vm.power, vm.restarted_at.clone(), &vm.ask.availability_set, nics.collect()))
            }),
        );
    }
}

/// Panics unless the engine carries just these objects of a kind, and reports `view` of each.
fn agree<K: Resource, T>(engine: &Engine, model: &BTreeMap<Name, T>, view: impl Fn(&Name, &T) -> K::View) {
    same(
        engine.all::<K>().map(|(name, object)| (name, K::observe(engine, name, object))),
        model.iter().map(|(name, object)| (name, view(name, object))),
    );
}

fn same<T: PartialEq + Debug>(reported: impl Iterator<Item = T>, expected: impl Iterator<Item = T>) {
    assert_eq!(reported.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "reported, and expected");
}

fn count<T>(all: impl Iterator<Item = T>) -> i32 {
    i32::try_from(all.count()).unwrap()
}
