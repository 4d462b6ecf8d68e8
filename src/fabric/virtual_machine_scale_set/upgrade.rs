//! Bringing instances to the latest model (VMSS-02 to VMSS-06, VMSS-28).

use jiff::SignedDuration;

use super::instances::{self, is_settled, lacking, power, program};
use super::{
    InstanceName, Obstacle, OrchestrationMode, UpgradeMode, VirtualMachineScaleSet, Wanted, demand,
    forget_what_is_unused,
};
use crate::fabric::engine::Engine;
use crate::fabric::id::{Kind, Name, ObjectId};
use crate::fabric::part::Part;
use crate::fabric::resource::Programmed;
use crate::fabric::violation::WaitKey;
use crate::fabric::virtual_machine::PowerState;

/// Upgrades the instances that the policy upgrades now.
pub fn continue_rollout(engine: &mut Engine, name: &Name) {
    end_pause(engine, name);
    super::restart::proceed(engine, name);
    let Some(set) = engine.get_mut::<VirtualMachineScaleSet>(name) else { return };
    let (mode, before) = (set.ask.upgrade, std::mem::take(&mut set.held.blocked));
    let upgraded = match mode {
        UpgradeMode::Manual => Vec::new(),
        UpgradeMode::Automatic => {
            let outdated = outdated(engine, name);
            outdated.into_iter().take_while(|id| upgrade(engine, name, *id)).collect()
        }
        UpgradeMode::Rolling => roll(engine, name),
    };
    if !upgraded.is_empty() {
        demand::reserve(engine, name, upgraded);
        forget_what_is_unused(engine, name);
    }
    let Some(set) = engine.get::<VirtualMachineScaleSet>(name).filter(|set| set.held.blocked != before) else { return };
    if set.held.blocked.is_empty() {
        engine.touch(Kind::VirtualMachineScaleSet, name);
    } else {
        engine.touch_members(Kind::VirtualMachineScaleSet, name); // it is put again, and waits for them then
    }
}

/// Upgrades batch after batch, while enough instances run and every one of the last batch does. Returns which it upgraded.
fn roll(engine: &mut Engine, name: &Name) -> Vec<u64> {
    let mut upgraded = Vec::new();
    loop {
        let outdated = outdated(engine, name);
        let Some(set) = engine.get::<VirtualMachineScaleSet>(name) else { return upgraded };
        if outdated.is_empty() || set.held.paused_until.is_some() || rollout_hold(engine, name, set).is_some() {
            return upgraded;
        }
        let batch = batch_size(set);
        let is_last = outdated.len() <= batch;
        for id in outdated.into_iter().take(batch) {
            if !upgrade(engine, name, id) {
                return upgraded;
            }
            upgraded.push(id);
        }
        if !is_last {
            pause(engine, name);
        }
    }
}

/// How many instances a batch has.
pub(super) fn batch_size(set: &Programmed<VirtualMachineScaleSet>) -> usize {
    (set.held.instances.len() * usize::from(set.ask.rolling.max_batch_percent) / 100).max(1)
}

/// Begins the pause between two batches of a Rolling upgrade.
pub(super) fn pause(engine: &mut Engine, name: &Name) {
    let now = engine.now;
    let rolling = engine.get_mut::<VirtualMachineScaleSet>(name).filter(|set| set.ask.upgrade == UpgradeMode::Rolling);
    let Some(set) = rolling.filter(|set| !set.ask.rolling.pause.is_zero()) else { return };
    let pause = SignedDuration::try_from(set.ask.rolling.pause).unwrap_or(SignedDuration::MAX);
    if let Ok(until) = now.checked_add(pause) {
        set.held.paused_until = Some(until);
        engine.deadlines.set(&ObjectId::new(Kind::VirtualMachineScaleSet, name.clone()), until);
    }
}

/// Why a Rolling upgrade does not continue now: it waits for instances that start, and stops if too many do not run.
pub(super) fn rollout_hold(
    engine: &Engine,
    name: &Name,
    set: &Programmed<VirtualMachineScaleSet>,
) -> Option<RolloutHold> {
    let mut unhealthy = 0;
    for (id, instance) in &set.held.instances {
        let power = power_of_instance(engine, name, set.ask.mode, *id);
        let keeps_older = set.held.obstacles.get(id) == Some(&Obstacle::TakenOver);
        if power == Some(PowerState::Starting) || instance.revision < instance.target && !keeps_older {
            return Some(RolloutHold::Starting);
        }
        unhealthy += usize::from(power != Some(PowerState::Running));
    }
    let total = set.held.instances.len();
    let is_unhealthy = unhealthy * 100 > total * usize::from(set.ask.rolling.max_unhealthy_percent);
    is_unhealthy.then_some(RolloutHold::Unhealthy)
}

pub(super) enum RolloutHold {
    /// Some instance has not taken up its model yet.
    Starting,
    /// Too many instances do not run.
    Unhealthy,
}

/// Whether or not its object is there yet.
pub(super) fn power_of_instance(engine: &Engine, set: &Name, mode: OrchestrationMode, id: u64) -> Option<PowerState> {
    use crate::fabric::virtual_machine::VirtualMachine;
    match mode {
        OrchestrationMode::Uniform => {
            engine.get::<VirtualMachine>(&InstanceName { set, id }.vm()).map(|vm| vm.held.power)
        }
        OrchestrationMode::Flexible => power(engine, set, mode, id),
    }
}

/// Brings one instance to the latest model. False if it lacks addresses, which the set then waits for.
fn upgrade(engine: &mut Engine, name: &Name, id: u64) -> bool {
    let Some(set) = engine.get::<VirtualMachineScaleSet>(name) else { return false };
    let (uniform, latest) = (set.ask.mode == OrchestrationMode::Uniform, set.held.revision);
    let Some(instance) = set.held.instances.get(&id) else { return false };
    let network = instance.network.clone().unwrap_or_else(|| set.ask.model.network.clone());
    let this = InstanceName { set: name, id };
    let (placement, power) = (&set.placement, instance.power);
    let wanted = Wanted { this, mode: OrchestrationMode::Uniform, placement, network: &network, power };
    let blocked = if uniform { lacking(engine, &wanted) } else { Default::default() };
    let Some(set) = engine.get_mut::<VirtualMachineScaleSet>(name) else { return false };
    if !blocked.is_empty() {
        set.held.blocked = blocked;
        return false;
    }
    if let Some(instance) = set.held.instances.get_mut(&id) {
        instance.target = latest;
        if uniform {
            instance.revision = latest;
        }
    }
    if uniform {
        program(engine, name, id);
        let object = InstanceName { set: name, id }.object();
        engine.wake(WaitKey::object(Kind::VirtualMachineScaleSetVM, &object));
    }
    engine.mark_dirty(name, id);
    engine.touch(Kind::VirtualMachineScaleSet, name);
    true
}

fn outdated(engine: &Engine, name: &Name) -> Vec<u64> {
    // With one model alone no instance has another: not worth a walk whenever an instance changes.
    let several = |set: &&Programmed<VirtualMachineScaleSet>| set.held.models.len() > 1;
    let Some(set) = engine.get::<VirtualMachineScaleSet>(name).filter(several) else { return Vec::new() };
    let outdated = set.held.instances.iter().filter(|(_, instance)| instance.target < set.held.revision);
    outdated.map(|(id, _)| *id).collect()
}

fn end_pause(engine: &mut Engine, name: &Name) {
    let now = engine.now;
    let Some(set) = engine.get_mut::<VirtualMachineScaleSet>(name) else { return };
    let is_over = set.ask.upgrade != UpgradeMode::Rolling || set.held.paused_until.is_some_and(|until| until <= now);
    if is_over && set.held.paused_until.take().is_some() {
        engine.deadlines.clear(&ObjectId::new(Kind::VirtualMachineScaleSet, name.clone()));
    }
}

/// A virtual machine has started or stopped: the upgrade of its set may continue.
pub fn on_power_changed(engine: &mut Engine, vm: &Name) {
    if let Some(Part { set, .. }) = vm.part() {
        continue_rollout(engine, set);
        engine.touch(Kind::VirtualMachineScaleSet, set);
        return;
    }
    let member = engine.get::<crate::fabric::virtual_machine::VirtualMachine>(vm).and_then(|vm| vm.ask.member.clone());
    if let Some(member) = member {
        instances::on_member_programmed(engine, &member);
    }
}

/// True if every instance exists and none is starting.
pub(super) fn is_at_rest(engine: &Engine, name: &Name, set: &Programmed<VirtualMachineScaleSet>) -> bool {
    set.held.instances.keys().all(|id| is_settled(engine, name, set.ask.mode, *id))
}
