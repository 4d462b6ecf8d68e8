//! The naive fabric: virtual machines.

use std::collections::BTreeSet;

use super::{Broken, Vm, World};
use crate::fabric::Name;
use crate::fabric::limits::AcceleratedNetworking::Unsupported;
use crate::fabric::network_interface::{IpVersion, Primary, Switch};
use crate::fabric::virtual_machine::{PowerState, PowerWish, VirtualMachine};

impl World {
    pub(super) fn put_vm(&mut self, name: &Name, ask: &VirtualMachine) -> Broken {
        let before = self.vms.get(name).cloned();
        let listed: Vec<Name> = ask.network_interfaces.iter().map(|nic| nic.name.clone()).collect();
        let (primary, mut broken) = primary_of(ask, before.as_ref());
        if listed.len() > ask.size.max_nics {
            broken.insert("VM-02");
        }
        if listed.iter().any(|nic| !self.nics.contains_key(nic)) {
            broken.insert("NIC-03");
            return broken;
        }
        broken.extend(self.broken_by_nics(name, ask, &listed));
        let attached = before.as_ref().map(|vm| vm.attached.clone()).unwrap_or_default();
        let new: Vec<Name> = listed.iter().filter(|nic| !attached.contains(nic)).cloned().collect();
        if let Some(before) = &before {
            if before.power != PowerState::Deallocated && ask.power != Some(PowerWish::Deallocated) {
                broken.extend((!new.is_empty()).then_some("VM-03"));
                broken.extend(attached.iter().any(|nic| !listed.contains(nic)).then_some("VM-04"));
            }
            let has_ipv6 = |nic: &Name| self.nics[nic].ask.configurations.iter().any(|c| c.version == IpVersion::IPv6);
            broken.extend(new.iter().any(has_ipv6).then_some("IP6-06"));
        }
        let power = before.as_ref().map(|vm| vm.power);
        let allocates = match (ask.power, power) {
            (Some(PowerWish::Running), _) | (None, None | Some(PowerState::Running | PowerState::Starting)) => true,
            (Some(PowerWish::Stopped), None | Some(PowerState::Deallocated)) => true,
            (Some(_) | None, _) => false,
        };
        if allocates && self.lacking(&listed) > self.free_publics().len() {
            broken.insert("PIP-05");
        }
        let Some(primary) = primary.filter(|_| broken.is_empty()) else { return broken };
        let attached = attached.into_iter().filter(|nic| listed.contains(nic)).chain(new).collect();
        let was_off = power.is_none_or(|power| power == PowerState::Deallocated);
        let vm = Vm {
            ask: ask.clone(),
            attached,
            primary,
            power: power.unwrap_or(PowerState::Deallocated),
            starts_at: before.as_ref().map_or(0, |vm| vm.starts_at),
            restarted_at: ask.restarted_at.clone(),
        };
        let restarts =
            ask.restarted_at.is_some() && before.as_ref().is_some_and(|vm| vm.restarted_at != ask.restarted_at);
        self.vms.insert(name.clone(), vm);
        match (ask.power, power) {
            (None, None) => self.start(name),
            (Some(PowerWish::Running), None | Some(PowerState::Deallocated | PowerState::Stopped)) => self.start(name),
            (Some(PowerWish::Running) | None, Some(PowerState::Running)) if restarts => self.start(name),
            (Some(PowerWish::Stopped), _) => {
                if was_off {
                    self.run(name);
                }
                self.vms.get_mut(name).unwrap().power = PowerState::Stopped;
            }
            (Some(PowerWish::Deallocated), _) => self.vms.get_mut(name).unwrap().power = PowerState::Deallocated,
            (Some(PowerWish::Running) | None, Some(_)) => {}
        }
        self.settle([]);
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
        let publics = nics().flat_map(|nic| nic.ask.public_ip_addresses());
        let skus: BTreeSet<_> = publics.map(|public| self.publics[public].0.sku.to_string()).collect();
        broken.extend((skus.len() > 1).then_some("PIP-19"));
        broken
    }

    /// How many public addresses of these NICs have no address.
    fn lacking(&self, nics: &[Name]) -> usize {
        let publics = nics.iter().flat_map(|nic| self.nics[nic].ask.public_ip_addresses());
        publics.filter(|public| self.publics[*public].1.is_none()).count()
    }

    fn start(&mut self, name: &Name) {
        if self.start_takes == 0 {
            return self.run(name);
        }
        let vm = self.vms.get_mut(name).unwrap();
        (vm.power, vm.starts_at) = (PowerState::Starting, self.now + self.start_takes);
        self.settle_publics_of(name);
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
        let attached = self.vms[name].attached.clone();
        let order: Vec<Name> =
            attached.iter().flat_map(|nic| self.nics[nic].ask.public_ip_addresses().cloned()).collect();
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

/// The primary NIC (VM-08, VM-09, VM-16, S-05).
fn primary_of(ask: &VirtualMachine, before: Option<&Vm>) -> (Option<Name>, Broken) {
    let marked: Vec<_> = ask.network_interfaces.iter().filter(|nic| nic.primary == Primary::Yes).collect();
    if let [one] = marked.as_slice() {
        return (Some(one.name.clone()), Broken::new());
    }
    let unsaid: Vec<_> =
        ask.network_interfaces.iter().filter(|nic| nic.primary == Primary::Unsaid).map(|nic| &nic.name).collect();
    let by_seniority = before.into_iter().flat_map(|vm| std::iter::once(&vm.primary).chain(&vm.attached));
    let mut candidates = by_seniority.chain(unsaid.iter().copied());
    match candidates.find(|nic| unsaid.contains(nic)).filter(|_| marked.is_empty()) {
        Some(primary) => (Some(primary.clone()), Broken::new()),
        None => (None, Broken::from(["VM-09"])),
    }
}
