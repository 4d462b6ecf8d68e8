//! What the fabric reports of a scale set: counts, revisions and ids. What each instance holds is reported by its object.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::instances;
use super::upgrade::{RolloutHold, is_at_rest, rollout_hold};
use super::{Instance, Obstacle, RestartView, UpgradeMode, VirtualMachineScaleSet};
use crate::fabric::engine::Engine;
use crate::fabric::id::Name;
use crate::fabric::limits;
use crate::fabric::resource::Programmed;
use crate::fabric::violation::WaitKey;
use crate::fabric::virtual_machine::PowerState;

/// The label of everything that is made for a scale set; its value is the set's name.
pub const SCALE_SET_LABEL: &str = "vnet.dev/scale-set";

/// What the fabric reports of a scale set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VirtualMachineScaleSetView {
    /// The current number of instances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// The number of instances that are running and whose objects exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_replicas: Option<i32>,
    /// The number of instances that have the latest model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_replicas: Option<i32>,
    /// The oldest revision of the model among the instances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 20))]
    pub current_revision: Option<String>,
    /// The latest revision of the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 20))]
    pub update_revision: Option<String>,
    /// The label selector of the objects that the scale set creates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub selector: Option<String>,
    /// The ids of the instances, as ranges such as 0-2,5.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 16384))]
    pub instance_ids: String,
    /// The id of the next instance. Ids are not reused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_instance_id: Option<i64>,
    /// The ids of the instances whose objects are not observed yet, as ranges. An instance that is not among them and
    /// whose object was deleted is replaced under a new id.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 16384))]
    pub pending_instance_ids: String,
    /// The ids of the instances that keep an older model because another field manager owns a field of one of their
    /// objects, as ranges.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 16384))]
    pub taken_over_instance_ids: String,
    /// The value of the annotation vnet.dev/restartedAt for which all instances were last restarted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::RESTARTED_AT_LENGTH))]
    pub last_handled_restart_at: Option<String>,
    /// The restart of all instances that is in progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart: Option<RestartView>,
    /// The first 100 instances by id. Their objects show the details.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::MEMBERS_SHOWN), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["instanceId"]))]
    pub instances: Vec<InstanceView>,
}

/// An instance of the scale set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstanceView {
    /// The id of the instance.
    #[schemars(length(max = 20))]
    pub instance_id: String,
    /// The name of the object that shows its details.
    pub name: String,
    /// Whether the instance has the latest revision of the model.
    pub latest_model_applied: bool,
}

pub(super) fn observe(
    engine: &Engine,
    name: &Name,
    set: &Programmed<VirtualMachineScaleSet>,
) -> VirtualMachineScaleSetView {
    let held = &set.held;
    let count = |count: usize| i32::try_from(count).ok();
    let is_latest = |revision: u64| revision == held.revision;
    let running = |id: &&u64| instances::power(engine, name, set.ask.mode, **id) == Some(PowerState::Running);
    VirtualMachineScaleSetView {
        replicas: count(held.instances.len()),
        ready_replicas: count(held.instances.keys().filter(running).count()),
        updated_replicas: count(held.instances.values().filter(|instance| is_latest(instance.revision)).count()),
        current_revision: Some(
            held.instances
                .values()
                .map(|instance| instance.oldest(held.revision))
                .min()
                .unwrap_or(held.revision)
                .to_string(),
        ),
        update_revision: Some(held.revision.to_string()),
        selector: Some(format!("{SCALE_SET_LABEL}={}", name.name)),
        instance_ids: show_ranges(held.instances.keys().copied()),
        pending_instance_ids: show_ranges(
            held.instances.keys().copied().filter(|id| is_pending(engine, name, set, *id)),
        ),
        taken_over_instance_ids: show_ranges(held.taken_over()),
        next_instance_id: i64::try_from(held.next_instance_id).ok(),
        last_handled_restart_at: held.last_handled_restart_at.clone(),
        restart: held.restart.as_ref().map(RestartView::from),
        instances: held
            .instances
            .iter()
            .take(limits::MEMBERS_SHOWN)
            .map(|(id, instance)| InstanceView {
                instance_id: id.to_string(),
                name: format!("{}-{id}", name.name),
                latest_model_applied: is_latest(instance.revision),
            })
            .collect(),
    }
}

/// The reasons of a scale set that makes no progress until a user acts.
pub const BLOCKED_REASONS: [&str; 3] = ["InstanceBlocked", "UpgradeBlocked", "RollingUpgradeStopped"];

/// Its words have no numbers in them: they would change with every instance.
pub(super) fn progress(
    engine: &Engine,
    name: &Name,
    set: &Programmed<VirtualMachineScaleSet>,
) -> Option<(&'static str, String)> {
    let is_upgraded = set.held.instances.values().any(|instance| instance.target < set.held.revision);
    let is_restarted = set.held.restart.as_ref().is_some_and(|restart| !restart.instances.is_empty());
    let is_rolling = set.ask.upgrade == UpgradeMode::Rolling && (is_upgraded || is_restarted);
    if let Some(first) = set.held.blocked.first() {
        return Some(("UpgradeBlocked", format!("The upgrade waits for {}.", what_is_lacking(first))));
    }
    if let Some(blocked) = set.held.obstacles.values().find_map(Obstacle::blocks) {
        return Some(("InstanceBlocked", blocked));
    }
    if is_rolling {
        return Some(match rollout_hold(engine, name, set) {
            Some(RolloutHold::Unhealthy) => (
                "RollingUpgradeStopped",
                format!(
                    "More than {} percent of the instances are not running. Start them, or raise maxUnhealthyInstancePercent.",
                    set.ask.rolling.max_unhealthy_percent
                ),
            ),
            Some(RolloutHold::Starting) | None if !is_upgraded => {
                ("Restarting", "Instances are being restarted in batches.".to_owned())
            }
            Some(RolloutHold::Starting) | None => {
                ("RollingUpgrade", "Instances are being upgraded to the latest model in batches.".to_owned())
            }
        });
    }
    if set.held.restart.is_some() {
        return Some(("Restarting", "Instances are restarting.".to_owned()));
    }
    (!is_at_rest(engine, name, set)).then(|| ("Scaling", "Instances are being created or are starting.".to_owned()))
}

fn what_is_lacking(key: &WaitKey) -> String {
    match key {
        WaitKey::Object(named) => format!("{named}, which the model names"),
        WaitKey::Quota(quota) => format!("the quota of {quota}"),
        WaitKey::Capacity(_)
        | WaitKey::Claim(_)
        | WaitKey::Members(_)
        | WaitKey::Power(_)
        | WaitKey::Address(..)
        | WaitKey::Label(..) => "free addresses of the model's subnets".to_owned(),
    }
}

impl Instance {
    /// The revision that it has, or is made from.
    fn oldest(&self, latest: u64) -> u64 {
        let of = |revision: u64| Some(revision).filter(|revision| *revision > 0);
        of(self.revision).or(of(self.target)).unwrap_or(latest)
    }
}

impl Obstacle {
    /// What to do about it, if the set is not Ready for it.
    fn blocks(&self) -> Option<String> {
        match self {
            Obstacle::TakenOver => None,
            Obstacle::NameTaken(object) => Some(format!(
                "{object} is not the scale set's, and has the name that an object of an instance is to have. Delete it; the instance is then made automatically."
            )),
            Obstacle::Refused(object, code) => Some(format!(
                "{object} is refused ({code}), and its instance waits for it. Cure it, or delete the instance: another takes its place."
            )),
            Obstacle::NotTaken(object) => Some(format!(
                "The API server does not take {object}, and an Event says why. Correct the model, or what forbids it; it is then retried automatically."
            )),
        }
    }
}

/// True if the object of an instance is not there yet.
fn is_pending(engine: &Engine, name: &Name, set: &Programmed<VirtualMachineScaleSet>, id: u64) -> bool {
    instances::power(engine, name, set.ask.mode, id).is_none()
}

impl VirtualMachineScaleSetView {
    /// Ids whose objects were there, and have gone while no operator ran, are given up (S-40). The ids that were.
    pub fn give_up(&mut self, is_there: impl Fn(u64) -> bool) -> Vec<u64> {
        let pending = read_ranges(&self.pending_instance_ids).unwrap_or_default();
        let ids = read_ranges(&self.instance_ids).unwrap_or_default();
        let (kept, gone): (Vec<u64>, Vec<u64>) = ids.into_iter().partition(|id| is_there(*id) || pending.contains(id));
        if !gone.is_empty() {
            let last = gone.iter().max().copied().unwrap_or_default();
            let next = i64::try_from(last).unwrap_or(i64::MAX).saturating_add(1);
            self.next_instance_id = self.next_instance_id.max(Some(next));
            self.instance_ids = show_ranges(kept.into_iter());
        }
        gone
    }
}

/// Ids as ranges, such as `0-2,5`.
pub fn show_ranges(ids: impl Iterator<Item = u64>) -> String {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for id in ids {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(id) => *last = id,
            _ => ranges.push((id, id)),
        }
    }
    let shown = ranges.into_iter().map(
        |(first, last)| {
            if first == last { first.to_string() } else { format!("{first}-{last}") }
        },
    );
    shown.collect::<Vec<_>>().join(",")
}

/// The ids that ranges such as `0-2,5` mean; none if they mean nothing, or more than a set may have.
pub fn read_ranges(text: &str) -> Option<Vec<u64>> {
    let most = usize::try_from(crate::fabric::limits::INSTANCES_PER_SCALE_SET).unwrap_or(usize::MAX);
    let mut ids = Vec::new();
    for range in text.split(',').filter(|range| !range.is_empty()) {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last) = (first.parse::<u64>().ok()?, last.parse::<u64>().ok()?);
        ids.extend((first..=last).take(most + 1));
        if ids.len() > most {
            return None;
        }
    }
    Some(ids)
}

/// True if ranges such as `0-2,5` have this id.
pub fn ranges_have(text: &str, id: u64) -> bool {
    text.split(',').any(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        first.parse().is_ok_and(|first: u64| first <= id) && last.parse().is_ok_and(|last: u64| id <= last)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_shown_as_ranges_and_read_back() {
        for (ids, shown) in [(vec![], ""), (vec![7], "7"), (vec![0, 1, 2, 5, 7, 8], "0-2,5,7-8")] {
            assert_eq!(show_ranges(ids.iter().copied()), shown);
            assert!((0..10).all(|id| ranges_have(shown, id) == ids.contains(&id)), "{shown}");
            assert_eq!(read_ranges(shown), Some(ids));
        }
    }

    #[test]
    fn what_is_no_range_is_no_id() {
        for text in ["x", "1-", "-1", "0-99999999999", "1,,x"] {
            assert_eq!(read_ranges(text), None, "{text}");
        }
    }
}
