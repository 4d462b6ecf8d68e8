//! What is deleted with a virtual machine (VM-23). Its own deletion is asked of the fabric only when the API server is
//! deleting all of that: so nobody else gets it in between, and a crash at any point leaves the same to do.

use super::Core;
use crate::fabric::virtual_machine::DeletedWith;
use crate::fabric::{Ask, Kind, ObjectId, WaitKey};
use crate::operator::queue::Urgency;
use crate::operator::waits::{Keys, add_all};

impl Core {
    /// True if a deletion cannot be asked of the fabric yet: that of a machine before that of what goes with it, and
    /// that of such a thing before that of its machine.
    pub(super) fn defers_deletion(&mut self, id: &ObjectId) -> bool {
        if !self.index.get(id).is_some_and(|entry| entry.deleting && entry.has_finalizer) {
            return false;
        }
        if id.kind == Kind::VirtualMachine {
            let all = self.engine.all_deleted_with(&id.name);
            let pending: Vec<ObjectId> =
                all.into_iter().filter(|object| self.is_deleted_with_its_machine(object)).collect();
            for object in &pending {
                self.reports.push(object.clone(), Urgency::Put);
            }
            return !pending.is_empty();
        }
        let is_deferred = self.machine_that_goes_with(id).is_some();
        if is_deferred {
            let mut keys = Keys::new();
            add_all(&mut keys, [WaitKey::Claim(id.clone())]); // the machine releases it when it goes
            self.waits.set(id, keys);
        }
        is_deferred
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
