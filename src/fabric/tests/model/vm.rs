//! The naive fabric: virtual machines and availability sets.

use std::collections::BTreeSet;

use super::{Broken, Vm, World};
use crate::fabric::Name;
use crate::fabric::engine::DynamicAddresses;
use crate::fabric::network_interface::Assignment;
use crate::fabric::sizes::AcceleratedNetworking::Unsupported;
use crate::fabric::terms::{IpVersion, Primary, Switch};
use crate::fabric::virtual_machine::{DesiredPowerState, Disruption, PowerState, VirtualMachine};

impl World {
    pub(super) fn put_vm(&mut self, name: &Name, ask: &VirtualMachine) -> Broken {
        let before = self.vms.get(name).cloned();
        let listed: Vec<Name> = ask.network_interfaces.iter().map(|nic| nic.name.clone()).collect();
        let (primary, mut broken) = primary_of(ask, before.as_ref());
        if listed.len() > ask.size.max_nics {
            broken.insert("VM-02");
        }
        let set = &ask.availability_set;
        let moves = before.as_ref().is_some_and(|before| before.ask.availability_set != *set);
        if moves || set.as_ref().is_some_and(|set| !self.sets.contains(set)) {
            broken.insert("AVS-01");
        }
        if listed.iter().any(|nic| !self.nics.contains_key(nic)) {
            broken.insert("NIC-03");
            return broken;
        }
        broken.extend(self.broken_by_nics(name, ask, &listed));
        let attached = before.as_ref().map(|vm| vm.attached.clone()).unwrap_or_default();
        let (stay, go): (Vec<Name>, Vec<Name>) = attached.into_iter().partition(|nic| listed.contains(nic));
        let new: Vec<Name> = listed.iter().filter(|nic| !stay.contains(nic)).cloned().collect();
        let edits = !(new.is_empty() && go.is_empty());
        let makes_way = edits && before.is_some() && ask.disruption == Disruption::Deallocate; // S-38
        if let Some(before) = &before {
            let off = before.power == PowerState::Deallocated || ask.power == Some(DesiredPowerState::Deallocated);
            broken.extend((!new.is_empty() && !off && !makes_way).then_some("VM-03"));
            broken.extend((!go.is_empty() && !off && !makes_way).then_some("VM-04"));
            let has_ipv6 = |nic: &Name| self.nics[nic].ask.configurations.iter().any(|c| c.version == IpVersion::IPv6);
            broken.extend(new.iter().any(has_ipv6).then_some("IP6-06"));
        }
        let was = before.as_ref().map_or(PowerState::Deallocated, |vm| vm.power);
        let desired = ask.power.unwrap_or(match before {
            None => DesiredPowerState::Running,
            Some(_) => as_wish(was), // S-39
        });
        let allocates = match desired {
            DesiredPowerState::Running => true,
            DesiredPowerState::Stopped => makes_way || was == PowerState::Deallocated, // S-22, S-34
            DesiredPowerState::Deallocated => false,
        };
        if allocates && self.too_few_publics(self.publics_of(&listed)) {
            broken.insert("PIP-05");
        }
        let Some(primary) = primary.filter(|_| broken.is_empty()) else { return broken };
        if before.is_some() && (desired == DesiredPowerState::Deallocated || makes_way) {
            self.deallocate(name); // S-01
        }
        let vm = Vm {
            ask: ask.clone(),
            attached: stay.into_iter().chain(new).collect(),
            primary,
            power: self.vms.get(name).map_or(PowerState::Deallocated, |vm| vm.power),
            starts_at: before.as_ref().map_or(0, |vm| vm.starts_at),
            restarted_at: ask.restarted_at.clone(),
        };
        self.vms.insert(name.clone(), vm);
        self.settle([]);
        if before.is_some() {
            self.may_reassign(name, desired);
        }
        let restarts = ask.restarted_at.is_some() && before.is_some_and(|vm| vm.restarted_at != ask.restarted_at);
        self.power(name, desired, restarts);
        broken
    }

    fn broken_by_nics(&self, name: &Name, ask: &VirtualMachine, listed: &[Name]) -> Broken {
        let mut broken = Broken::new();
        let nics = || listed.iter().map(|nic| &self.nics[nic]);
        let elsewhere = |nic: &Name| self.vm_of(nic).is_some_and(|(vm, _)| vm != name);
        broken.extend(listed.iter().any(elsewhere).then_some("VM-07"));
        let networks: BTreeSet<_> = nics().map(|nic| &self.subnets[&nic.ask.subnet].virtual_network).collect();
        broken.extend((networks.len() > 1).then_some("VM-06"));
        let accelerated = nics().any(|nic| nic.ask.accelerated_networking == Switch::On);
        broken.extend((accelerated && ask.size.accelerated_networking == Unsupported).then_some("SIZE-02"));
        let set = ask.availability_set.as_ref();
        let others = set.into_iter().flat_map(|set| self.members_of_set(set)).filter(|other| *other != name);
        let beside = others.flat_map(|vm| self.publics_of(&self.vms[vm].attached));
        broken.extend(self.mixes_skus(self.publics_of(listed).chain(beside)).then_some("PIP-19"));
        broken
    }

    pub(super) fn vm_of(&self, nic: &Name) -> Option<(&Name, &Vm)> {
        self.vms.iter().find(|(_, vm)| vm.attached.contains(nic))
    }

    pub(super) fn members_of_set(&self, set: &Name) -> impl Iterator<Item = &Name> {
        self.vms.iter().filter(move |(_, vm)| vm.ask.availability_set.as_ref() == Some(set)).map(|(vm, _)| vm)
    }

    /// The public addresses that these NICs refer to.
    pub(super) fn publics_of<'a>(&'a self, nics: &'a [Name]) -> impl Iterator<Item = &'a Name> {
        nics.iter().flat_map(|nic| self.nics[nic].ask.public_ip_addresses())
    }

    pub(super) fn mixes_skus<'a>(&self, mut publics: impl Iterator<Item = &'a Name>) -> bool {
        let sku = |public: &Name| self.publics[public].ask.sku;
        let first = publics.next().map(sku);
        publics.any(|public| Some(sku(public)) != first)
    }

    /// True if fewer addresses are free than these public addresses lack. A prefix's have theirs: they are Static.
    pub(super) fn too_few_publics<'a>(&self, publics: impl Iterator<Item = &'a Name>) -> bool {
        let lacking = publics.filter(|public| self.publics[*public].address.is_none()).count();
        self.free_publics(None).take(lacking).count() < lacking
    }

    // Power.

    /// Goes to the desired power state from the current one (S-22, S-34).
    fn power(&mut self, name: &Name, desired: DesiredPowerState, restarts: bool) {
        match (desired, self.vms[name].power) {
            (DesiredPowerState::Running, PowerState::Stopped | PowerState::Deallocated) => self.start(name),
            (DesiredPowerState::Running, PowerState::Running) if restarts => self.start(name),
            (DesiredPowerState::Stopped, PowerState::Deallocated) => {
                self.run(name);
                self.vms.get_mut(name).unwrap().power = PowerState::Stopped;
            }
            (DesiredPowerState::Stopped, _) => self.vms.get_mut(name).unwrap().power = PowerState::Stopped,
            (DesiredPowerState::Running, PowerState::Running | PowerState::Starting)
            | (DesiredPowerState::Deallocated, _) => {}
        }
    }

    /// Deallocates, and returns the power state that it had.
    pub(super) fn deallocate(&mut self, name: &Name) -> PowerState {
        let power = std::mem::replace(&mut self.vms.get_mut(name).unwrap().power, PowerState::Deallocated);
        self.settle([]);
        power
    }

    pub(super) fn power_on_as_before(&mut self, name: &Name, power: PowerState) {
        self.may_reassign(name, as_wish(power));
        self.power(name, as_wish(power), false);
    }

    fn start(&mut self, name: &Name) {
        if self.start_takes == 0 {
            return self.run(name);
        }
        let vm = self.vms.get_mut(name).unwrap();
        (vm.power, vm.starts_at) = (PowerState::Starting, self.now + self.start_takes);
        self.settle_publics_of(name);
    }

    /// Dynamic private addresses may change when the VM starts after it was deallocated (ADDR-05, D-04).
    fn may_reassign(&mut self, name: &Name, desired: DesiredPowerState) {
        let vm = self.vms[name].clone();
        let starts = vm.power == PowerState::Deallocated && desired != DesiredPowerState::Deallocated;
        if !starts || self.dynamic_addresses == DynamicAddresses::Kept {
            return;
        }
        for name in &vm.attached {
            let nic = &self.nics[name];
            let (mut addresses, mut mac) = (nic.addresses.clone(), nic.mac);
            for asked in nic.ask.configurations.iter().filter(|c| c.assignment == Assignment::Dynamic) {
                let taken: Vec<_> = addresses.values().copied().collect();
                let lowest = self.lowest_free(&nic.ask.subnet, asked.version, &taken);
                addresses.extend(lowest.map(|lowest| (asked.name.clone(), lowest)));
            }
            if vm.primary == *name && addresses[&nic.primary] != nic.addresses[&nic.primary] {
                mac = None; // D-06
            }
            let nic = self.nics.get_mut(name).unwrap();
            (nic.addresses, nic.mac) = (addresses, mac);
        }
    }

    /// The VM runs: its NICs have MAC addresses (NIC-14), and its Dynamic public addresses appear (PIP-05).
    fn run(&mut self, name: &Name) {
        self.vms.get_mut(name).unwrap().power = PowerState::Running;
        let attached = self.vms[name].attached.clone();
        for nic in &attached {
            let nic = self.nics.get_mut(nic).unwrap();
            if nic.mac.is_none() {
                self.macs += 1;
                nic.mac = Some(self.macs);
            }
        }
        self.settle_publics_of(name);
    }

    fn settle_publics_of(&mut self, name: &Name) {
        let order: Vec<Name> = self.publics_of(&self.vms[name].attached).cloned().collect();
        self.settle(order);
    }

    pub(super) fn finish_starts(&mut self) {
        let starting = self.vms.iter().filter(|(_, vm)| vm.power == PowerState::Starting && vm.starts_at <= self.now);
        let mut due: Vec<(i64, Name)> = starting.map(|(name, vm)| (vm.starts_at, name.clone())).collect();
        due.sort();
        for (_, name) in due {
            self.run(&name);
        }
    }
}

/// The desired that a power state fulfils.
fn as_wish(power: PowerState) -> DesiredPowerState {
    match power {
        PowerState::Starting | PowerState::Running => DesiredPowerState::Running,
        PowerState::Stopped => DesiredPowerState::Stopped,
        PowerState::Deallocated => DesiredPowerState::Deallocated,
    }
}

/// The primary NIC (VM-08, VM-09, VM-16, S-05).
fn primary_of(ask: &VirtualMachine, before: Option<&Vm>) -> (Option<Name>, Broken) {
    if let [only] = ask.network_interfaces.as_slice() {
        return (Some(only.name.clone()), Broken::new());
    }
    let marked: Vec<_> = ask.network_interfaces.iter().filter(|nic| nic.primary == Primary::Yes).collect();
    if let [one] = marked.as_slice() {
        return (Some(one.name.clone()), Broken::new());
    }
    let unsaid: Vec<_> =
        ask.network_interfaces.iter().filter(|nic| nic.primary == Primary::Unspecified).map(|nic| &nic.name).collect();
    let by_seniority = before.into_iter().flat_map(|vm| std::iter::once(&vm.primary).chain(&vm.attached));
    let mut candidates = by_seniority.chain(unsaid.iter().copied());
    match candidates.find(|nic| unsaid.contains(nic)).filter(|_| marked.is_empty()) {
        Some(primary) => (Some(primary.clone()), Broken::new()),
        None => (None, Broken::from(["VM-09"])),
    }
}
