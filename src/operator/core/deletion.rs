//! What is deleted with a virtual machine (VM-23). Its own deletion is asked of the fabric only when the API server is
//! deleting all of that: so that no other object gets it in between, and a crash at any point leaves the same to do.

#[cfg(test)]
mod tests;

use super::Core;
use crate::fabric::resource::DELETION_PATH;
use crate::fabric::violation::{Finding, Place};
use crate::fabric::virtual_machine::DeletedWith;
use crate::fabric::{Ask, Code, Findings, Kind, ObjectId, Refusal, Violation, WaitKey};
use crate::operator::queue::Urgency;
use crate::operator::waits::{Keys, add_all};

/// When the fabric is asked for a deletion.
pub(super) enum DeletionTurn {
    /// At once.
    Now,
    /// When something else has been deleted that is on its way.
    Later,
    /// When something else has been deleted, which the API server refuses to delete.
    Blocked(Refusal),
}

/// An object that goes with a virtual machine, and that the API server refuses to delete.
struct NotDeleted {
    object: ObjectId,
    /// Why, in the words of the API server.
    why: String,
}

/// The API server's words are cut to so many bytes.
const LONGEST_REASON: usize = 1024;

impl Finding for NotDeleted {
    fn violation(self, at: Place) -> Violation {
        let Self { object, mut why } = self;
        why.truncate(why.floor_char_boundary(LONGEST_REASON));
        at.refuse(
            Code::OperationNotAllowed,
            format!(
                "{object} is to be deleted with the virtual machine (deleteOption: Delete), and the API server refuses its deletion: {why}"
            ),
            format!(
                "Delete {object}, or what keeps it from being deleted, or set its deleteOption to Detach; the virtual machine is then deleted automatically."
            ),
        )
        .until_changed(object)
    }
}

impl Core {
    /// When the deletion of an object is asked of the fabric: that of a machine after that of what goes with it, and that of
    /// such a thing after that of its machine.
    pub(super) fn deletion_turn(&mut self, id: &ObjectId) -> DeletionTurn {
        if !self.index.get(id).is_some_and(|entry| entry.deleting && entry.has_finalizer) {
            return DeletionTurn::Now;
        }
        if id.kind == Kind::VirtualMachine {
            return self.turn_of_machine(id);
        }
        if self.machine_that_goes_with(id).is_none() {
            return DeletionTurn::Now;
        }
        let mut keys = Keys::new();
        add_all(&mut keys, [WaitKey::Claim(id.clone())]); // the machine releases it when it goes
        self.waits.set(id, keys);
        DeletionTurn::Later
    }

    fn turn_of_machine(&mut self, vm: &ObjectId) -> DeletionTurn {
        let all = self.engine.all_deleted_with(&vm.name);
        let pending: Vec<ObjectId> =
            all.into_iter().filter(|object| self.is_deleted_with_its_machine(object)).collect();
        if pending.is_empty() {
            return DeletionTurn::Now;
        }
        self.deadlocks.set(vm, None); // it waits for the API server
        let mut findings = Findings::default();
        findings.under("VM-23");
        for object in pending {
            if let Some(why) = self.index.get(&object).and_then(|entry| entry.refused_deletion.clone()) {
                findings.add(DELETION_PATH, NotDeleted { object: object.clone(), why });
            }
            self.reports.push(object, Urgency::Put);
        }
        findings.verdict().map_or_else(DeletionTurn::Blocked, |()| DeletionTurn::Later)
    }

    /// True if the machine of an object is being deleted, and takes it along.
    pub(super) fn is_deleted_with_its_machine(&self, id: &ObjectId) -> bool {
        let is_it = |uid| self.engine.holder(id.kind, &id.name) == Some(uid);
        let is_there = || self.index.get(id).is_some_and(|entry| !entry.deleting && is_it(&entry.uid));
        self.machine_that_goes_with(id).is_some() && is_there()
    }

    /// The machine that waits until this object is deleted as well is judged again.
    pub(super) fn wake_its_machine(&mut self, id: &ObjectId) {
        if let Some(vm) = self.machine_that_goes_with(id) {
            self.wake(vm);
        }
    }

    /// The machine that is being deleted, and that an object is deleted with: what is programmed says so, and so do the
    /// specs as they are now. An edit that came too late to be programmed deletes nothing, and may save something.
    fn machine_that_goes_with(&self, id: &ObjectId) -> Option<ObjectId> {
        let DeletedWith { vm, nic } = self.engine.deleted_with(id)?;
        let vm = ObjectId::new(Kind::VirtualMachine, vm.clone());
        let entry = self.index.get(&vm).filter(|entry| entry.deleting && entry.has_finalizer)?;
        let is_it = self.engine.holder(vm.kind, &vm.name) == Some(&entry.uid);
        let asked = |id: &ObjectId| Some(&self.index.get(id)?.asked.as_ref().ok()?.ask);
        let machine_says_so = matches!(asked(&vm), Some(Ask::VirtualMachine(ask)) if ask.deletes(nic));
        let nic = ObjectId::new(Kind::NetworkInterface, nic.clone());
        let interface_says_so =
            nic == *id || matches!(asked(&nic), Some(Ask::NetworkInterface(ask)) if ask.deletes(&id.name));
        (is_it && machine_says_so && interface_says_so).then_some(vm)
    }
}
