//! Scale sets: their rules, each accepted at its border and refused beyond it, and their effects.

mod effects;
mod models;
mod networks;
mod reservations;
mod restarts;
mod room;
mod rules;
mod upgrades;
mod zones;

use super::*;
use crate::fabric::Code;
use crate::fabric::testing::*;

/// A fabric with subnets `web` and `back` of network `hub`, of 251 addresses each.
fn a_farm() -> Fabric {
    a_fabric().with(a_subnet("web", "10.0.1.0/24")).with(a_subnet("back", "10.0.2.0/24"))
}

impl Fabric {
    /// The set is put, and the objects of its instances follow.
    fn with_set(mut self, set: crate::fabric::testing::A<VirtualMachineScaleSet>) -> Self {
        let name = set.name.name.to_string();
        self.accept(set);
        self.show(&name);
        self
    }

    /// The objects of all instances are there.
    fn show(&mut self, set: &str) {
        for id in self.ids(set) {
            self.accept(an_instance(set, id));
        }
    }

    fn ids(&self, set: &str) -> Vec<u64> {
        self.get::<VirtualMachineScaleSet>(set).held.instances.keys().copied().collect()
    }

    fn set_view(&self, set: &str) -> VirtualMachineScaleSetView {
        VirtualMachineScaleSet::observe(&self.engine, &named(set), self.get(set))
    }

    fn instance_view(
        &self,
        set: &str,
        id: u64,
    ) -> crate::fabric::virtual_machine_scale_set_vm::VirtualMachineScaleSetVMView {
        use crate::fabric::VirtualMachineScaleSetVM;
        let name = format!("{set}-{id}");
        VirtualMachineScaleSetVM::observe(&self.engine, &named(&name), self.get(&name))
    }

    /// The private addresses of an instance, in the order of its status.
    fn addresses_of(&self, set: &str, id: u64) -> Vec<String> {
        let view = self.instance_view(set, id);
        view.configurations()
            .map(|(_, shown)| shown.private_ip_address.map(|a| a.to_string()).unwrap_or_default())
            .collect()
    }

    fn progress_of(&self, set: &str) -> Option<&'static str> {
        VirtualMachineScaleSet::progress(&self.engine, &named(set), self.get(set)).map(|(reason, _)| reason)
    }
}
