//! Restarts of all instances of a scale set, which proceed as its upgrade policy says (S-92).

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::upgrade::{batch_size, pause, power_of_instance, rollout_hold};
use super::view::{read_ranges, show_ranges};
use super::{InstanceName, UpgradeMode, VirtualMachineScaleSet};
use crate::fabric::engine::Engine;
use crate::fabric::id::{Kind, Name};
use crate::fabric::limits;
use crate::fabric::virtual_machine::{self, PowerState};

/// A restart that is in progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restart {
    /// The value of the annotation that asked for it.
    pub requested_at: String,
    /// The instances that are still to be restarted.
    pub instances: BTreeSet<u64>,
}

/// A restart that is in progress, as the status shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestartView {
    /// The value of the annotation vnet.dev/restartedAt that requested the restart.
    #[schemars(length(max = limits::RESTARTED_AT_LENGTH))]
    pub requested_at: String,
    /// The ids of the instances that are not restarted yet, as ranges such as 0-2,5.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 16384))]
    pub instance_ids: String,
}

impl From<&Restart> for RestartView {
    fn from(restart: &Restart) -> Self {
        let instance_ids = show_ranges(restart.instances.iter().copied());
        Self { requested_at: restart.requested_at.clone(), instance_ids }
    }
}

impl From<&RestartView> for Restart {
    fn from(view: &RestartView) -> Self {
        let instances = read_ranges(&view.instance_ids).unwrap_or_default().into_iter().collect();
        Self { requested_at: view.requested_at.clone(), instances }
    }
}

/// Begins the restart that the annotation asks for, of the instances that run now. A new set has none, and without the
/// annotation there is none.
pub(super) fn request(engine: &mut Engine, name: &Name, is_new: bool) {
    let Some(set) = engine.get::<VirtualMachineScaleSet>(name) else { return };
    let in_progress = set.held.restart.as_ref().map(|restart| &restart.requested_at);
    if set.ask.restarted_at.as_ref() == in_progress.or(set.held.last_handled_restart_at.as_ref()) {
        return;
    }
    let asked = set.ask.restarted_at.clone();
    let restart = asked.clone().filter(|_| !is_new).map(|requested_at| {
        let runs = |id: &u64| power_of_instance(engine, name, set.ask.mode, *id) == Some(PowerState::Running);
        Restart { requested_at, instances: set.held.instances.keys().copied().filter(runs).collect() }
    });
    let Some(set) = engine.get_mut::<VirtualMachineScaleSet>(name) else { return };
    if restart.is_none() {
        set.held.last_handled_restart_at = asked;
    }
    set.held.restart = restart;
    engine.touch(Kind::VirtualMachineScaleSet, name);
}

/// Restarts the instances that the policy allows now: all at once, or batch after batch.
pub(super) fn proceed(engine: &mut Engine, name: &Name) {
    loop {
        let Some(set) = engine.get_mut::<VirtualMachineScaleSet>(name) else { return };
        let (there, Some(restart)) = (&set.held.instances, set.held.restart.as_mut()) else { return };
        restart.instances.retain(|id| there.contains_key(id));
        let left: Vec<u64> = restart.instances.iter().copied().collect();
        let Some(set) = engine.get::<VirtualMachineScaleSet>(name) else { return };
        if left.is_empty() {
            return finish(engine, name);
        }
        let batch = match set.ask.upgrade {
            UpgradeMode::Manual | UpgradeMode::Automatic => left.len(),
            UpgradeMode::Rolling if set.held.paused_until.is_some() => return,
            UpgradeMode::Rolling if rollout_hold(engine, name, set).is_some() => return,
            UpgradeMode::Rolling => batch_size(set),
        };
        let (mode, is_last) = (set.ask.mode, left.len() <= batch);
        for id in left.into_iter().take(batch) {
            virtual_machine::restart(engine, &InstanceName { set: name, id }.vm_in(mode));
            let restart = engine.get_mut::<VirtualMachineScaleSet>(name).and_then(|set| set.held.restart.as_mut());
            if let Some(restart) = restart {
                restart.instances.remove(&id);
            }
        }
        engine.touch(Kind::VirtualMachineScaleSet, name);
        if !is_last {
            pause(engine, name);
        }
    }
}

/// The restart is done when the last instance runs again.
fn finish(engine: &mut Engine, name: &Name) {
    let Some(set) = engine.get::<VirtualMachineScaleSet>(name) else { return };
    let mut instances = set.held.instances.keys();
    if instances.any(|id| power_of_instance(engine, name, set.ask.mode, *id) == Some(PowerState::Starting)) {
        return;
    }
    let Some(set) = engine.get_mut::<VirtualMachineScaleSet>(name) else { return };
    set.held.last_handled_restart_at = set.held.restart.take().map(|restart| restart.requested_at);
    engine.touch(Kind::VirtualMachineScaleSet, name);
}
