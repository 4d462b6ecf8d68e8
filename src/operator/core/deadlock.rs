//! Deadlocks: objects that can only wait for each other stall, each with a remedy that says which must go first (S-10,
//! S-91).
//!
//! Every refused object has its waits recorded: per violation that something else can cure, the objects of which any may
//! do so. An object is stuck if all that may cure one of its violations is stuck itself; stuck objects that lead back to
//! each other are a cycle. What waits for a free address, a quota or the members of something is never stuck: whatever
//! comes by may cure that.

use std::collections::{BTreeMap, BTreeSet};

use super::Core;
use crate::fabric::{Cure, Kind, ObjectId, Refusal, Violation, WaitKey};
use crate::operator::index::Verdict;

/// A search follows waits to this many objects, and finds no cycle among more.
const FOLLOWED: usize = 1000;
/// A remedy names this many members of a cycle.
const NAMED: usize = 4;

/// A violation that other objects may cure.
#[derive(Clone, Debug, PartialEq)]
struct Wait {
    path: String,
    /// Any of them may cure it.
    on: BTreeSet<ObjectId>,
}

/// What refused objects wait for, and the cycles among them.
#[derive(Clone, Debug, Default)]
pub(super) struct Deadlocks {
    waits: BTreeMap<ObjectId, Vec<Wait>>,
    /// The cycle of each object that is in one.
    cycles: BTreeMap<ObjectId, BTreeSet<ObjectId>>,
}

/// A cycle, and all objects that were found stuck with it.
#[derive(Debug, Default)]
struct Found {
    cycle: BTreeSet<ObjectId>,
    stuck: BTreeSet<ObjectId>,
}

impl Found {
    /// True if the violation keeps the object in the cycle.
    fn holds(&self, on: &BTreeSet<ObjectId>) -> bool {
        !on.is_empty() && on.is_subset(&self.stuck) && !on.is_disjoint(&self.cycle)
    }
}

impl Deadlocks {
    /// From now on an object waits for what this refusal says, or for nothing.
    pub(super) fn set(&mut self, id: &ObjectId, refusal: Option<&Refusal>) {
        let violations = refusal.into_iter().flat_map(Refusal::violations);
        let waits = violations.map(|violation| Wait { path: violation.path.clone(), on: may_cure(id, violation) });
        let waits: Vec<Wait> = waits.filter(|wait| !wait.on.is_empty()).collect();
        if waits.is_empty() {
            self.waits.remove(id);
        } else {
            self.waits.insert(id.clone(), waits);
        }
    }

    /// The cycle that `id` is in.
    fn find(&self, id: &ObjectId) -> Found {
        let reached = self.waits.contains_key(id).then(|| self.reached_from(id)).flatten();
        let Some(mut stuck) = reached else { return Found::default() };
        // Whoever has something outside that may cure each of its violations is not stuck; nor is then who waits for it.
        loop {
            let is_stuck = |id: &ObjectId| self.waits_of(id).iter().any(|wait| wait.on.is_subset(&stuck));
            let free: BTreeSet<ObjectId> = stuck.iter().filter(|id| !is_stuck(id)).cloned().collect();
            if free.is_empty() {
                break;
            }
            stuck.retain(|id| !free.contains(id));
        }
        if !stuck.contains(id) {
            return Found::default();
        }
        let mut waited_for_by: BTreeMap<&ObjectId, Vec<&ObjectId>> = BTreeMap::new();
        for waiting in &stuck {
            for wait in self.waits_of(waiting).iter().filter(|wait| wait.on.is_subset(&stuck)) {
                wait.on.iter().for_each(|on| waited_for_by.entry(on).or_default().push(waiting));
            }
        }
        // All of them are reached from `id`; those that lead back to it are in its cycle.
        let (mut cycle, mut next) = (BTreeSet::new(), vec![id]);
        while let Some(at) = next.pop() {
            for waiting in waited_for_by.get(at).into_iter().flatten() {
                if cycle.insert((*waiting).clone()) {
                    next.push(waiting);
                }
            }
        }
        if cycle.contains(id) { Found { cycle, stuck } } else { Found::default() }
    }

    /// Whatever waits, and is waited for by `id` or by what that waits for; none if that is too much.
    fn reached_from(&self, id: &ObjectId) -> Option<BTreeSet<ObjectId>> {
        let (mut reached, mut next) = (BTreeSet::from([id.clone()]), vec![id]);
        while let Some(at) = next.pop() {
            for on in self.waits_of(at).iter().flat_map(|wait| &wait.on).filter(|on| self.waits.contains_key(*on)) {
                if reached.insert(on.clone()) {
                    next.push(on);
                }
            }
            if reached.len() > FOLLOWED {
                return None;
            }
        }
        Some(reached)
    }

    fn waits_of(&self, id: &ObjectId) -> &[Wait] {
        self.waits.get(id).map_or(&[], Vec::as_slice)
    }
}

/// The objects of which any may cure a violation; none if something else may, or only an edit.
fn may_cure(id: &ObjectId, violation: &Violation) -> BTreeSet<ObjectId> {
    let Cure::Wait(keys) = &violation.cure else { return BTreeSet::new() };
    let mut on: BTreeSet<ObjectId> = violation.blocked_by.iter().map(ObjectId::shown).collect();
    for key in keys {
        match key {
            WaitKey::Object(object) => {
                on.insert(object.shown());
            }
            WaitKey::Power(vm) => {
                on.insert(ObjectId::new(Kind::VirtualMachine, vm.clone()).shown());
            }
            WaitKey::Claim(_) | WaitKey::Address(..) | WaitKey::Label(..) => {} // of what is in the way
            WaitKey::Capacity(_) | WaitKey::Quota(_) | WaitKey::Members(_) => return BTreeSet::new(),
        }
    }
    on.remove(id);
    on
}

impl Core {
    /// Has an object that was judged just now stall if it is in a cycle, and the other members judged for which that is news.
    pub(super) fn report_deadlock(&mut self, id: &ObjectId) {
        let found = self.deadlocks.find(id);
        // What is known of a member whose judgement is deferred may have changed: it is judged first, and if the cycle is still
        // there, it has this one judged again.
        let deferred = found.cycle.iter().filter(|member| self.deferred.contains_key(*member));
        let deferred: Vec<ObjectId> = deferred.cloned().collect();
        if !deferred.is_empty() {
            deferred.into_iter().for_each(|member| self.wake(member));
            return;
        }
        let before = self.deadlocks.cycles.remove(id).unwrap_or_default();
        // The cycle is open, or another: who was stalled by it may have something else to wait for now.
        for other in before.difference(&found.cycle).filter(|other| *other != id) {
            self.wake(other.clone());
        }
        if found.cycle.is_empty() {
            return;
        }
        let remedy = self.remedy(&found);
        if let Some(entry) = self.index.get_mut(id)
            && let Verdict::Judged { violations, .. } = &mut entry.verdict
        {
            for violation in violations.iter_mut().filter(|violation| found.holds(&may_cure(id, violation))) {
                violation.cure = Cure::Edit;
                violation.remedy.clone_from(&remedy);
            }
            violations.sort_by_key(|violation| violation.cure != Cure::Edit);
        }
        for member in &found.cycle {
            let before = self.deadlocks.cycles.insert(member.clone(), found.cycle.clone());
            if before.as_ref() != Some(&found.cycle) && member != id {
                self.wake(member.clone());
            }
        }
    }

    /// What ends a cycle; every member says the same.
    fn remedy(&self, found: &Found) -> String {
        let some: Vec<String> = found.cycle.iter().take(NAMED).map(ToString::to_string).collect();
        let others = if found.cycle.len() > NAMED { ", and others," } else { "" };
        let Some(first) = found.cycle.iter().min_by_key(|id| (self.cannot_be_edited(id), *id)) else {
            return String::new();
        };
        let wait = self.deadlocks.waits_of(first).iter().find(|wait| found.holds(&wait.on));
        let (path, next) = wait.map(|wait| (wait.path.clone(), wait.on.first())).unwrap_or_default();
        let next = next.map(ToString::to_string).unwrap_or_default();
        format!(
            "{}{others} wait for each other, and none of them can proceed. Let {first} go first: release in one edit what the other waits for, and take in the next what it waits for itself. It waits for {next} at {path}.",
            some.join(" and "),
        )
    }

    /// Objects that are being deleted, that are gone, or that a scale set writes are the last to go first.
    fn cannot_be_edited(&self, id: &ObjectId) -> bool {
        self.index.get(id).is_none_or(|entry| entry.deleting || entry.owner.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabric::violation::Place;
    use crate::fabric::{Code, Findings, Name};

    fn subnet(name: &str) -> ObjectId {
        ObjectId::new(Kind::Subnet, Name::new("ns", name))
    }

    /// A refusal that waits for any of each of these.
    fn waiting(waits: &[&[&str]]) -> Refusal {
        let mut findings = Findings::default();
        for (n, on) in waits.iter().enumerate() {
            findings.add(format!("spec[{n}]"), |at: Place| {
                let violation = at.refuse(Code::NetcfgSubnetRangesOverlap, "", "");
                violation.until_all_changed(on.iter().map(|on| subnet(on)))
            });
        }
        findings.verdict().unwrap_err()
    }

    fn found(all: &[(&str, &[&[&str]])], from: &str) -> Vec<String> {
        let mut deadlocks = Deadlocks::default();
        for (name, waits) in all {
            deadlocks.set(&subnet(name), Some(&waiting(waits)));
        }
        deadlocks.find(&subnet(from)).cycle.iter().map(|id| id.name.name.to_string()).collect()
    }

    #[test]
    fn a_ring_of_waits_is_a_cycle_of_all_its_members_and_of_nobody_who_waits_for_them() {
        let all: &[(&str, &[&[&str]])] =
            &[("a", &[&["b"]]), ("b", &[&["c"]]), ("c", &[&["a"]]), ("tail", &[&["a"]]), ("d", &[&["ready"]])];
        for from in ["a", "b", "c"] {
            assert_eq!(found(all, from), ["a", "b", "c"]);
        }
        assert!(found(all, "tail").is_empty() && found(all, "d").is_empty());
    }

    #[test]
    fn who_may_be_cured_from_outside_is_in_no_cycle() {
        let all: &[(&str, &[&[&str]])] = &[("a", &[&["b"]]), ("b", &[&["a", "ready"]])];
        assert!(found(all, "a").is_empty() && found(all, "b").is_empty());
    }

    #[test]
    fn one_violation_that_nothing_outside_can_cure_is_enough() {
        let all: &[(&str, &[&[&str]])] = &[("a", &[&["b"]]), ("b", &[&["ready"], &["a"]])];
        assert_eq!(found(all, "b"), ["a", "b"]);
    }

    #[test]
    fn what_waits_for_free_addresses_is_in_no_cycle() {
        let mut deadlocks = Deadlocks::default();
        let pool = crate::fabric::ipam::PoolId::SubnetIPv4(Name::new("ns", "s"));
        let mut findings = Findings::default();
        let full = |at: Place| at.refuse(Code::SubnetIsFull, "", "").until(WaitKey::Capacity(pool));
        findings.add("spec", |at: Place| full(at).blocked_by(subnet("b")));
        deadlocks.set(&subnet("a"), findings.verdict().as_ref().err());
        deadlocks.set(&subnet("b"), Some(&waiting(&[&["a"]])));
        assert!(deadlocks.find(&subnet("b")).cycle.is_empty());
    }

    #[test]
    fn a_chain_that_is_too_long_to_follow_is_left_alone() {
        let names: Vec<String> = (0..FOLLOWED + 2).map(|n| n.to_string()).collect();
        let mut deadlocks = Deadlocks::default();
        for (one, next) in names.iter().zip(names.iter().cycle().skip(1)) {
            deadlocks.set(&subnet(one), Some(&waiting(&[&[next]])));
        }
        assert!(deadlocks.find(&subnet("0")).cycle.is_empty());
        deadlocks.set(&subnet("1"), Some(&waiting(&[&["0"]])));
        assert_eq!(deadlocks.find(&subnet("0")).cycle.len(), 2);
    }
}
