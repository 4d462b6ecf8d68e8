//! The start: the fabric is restored from what the statuses tell.

use super::Core;
use crate::fabric::{Kind, ObjectId};
use crate::operator::index::Entry;

impl Core {
    /// Restores the fabric kind by kind, what is referred to first. An object whose status was lost, and which takes nothing
    /// that others may hold, is put as soon as its kind is restored, so that what refers to it finds it; then everything is
    /// judged, deletions first.
    pub(super) fn start(&mut self) {
        self.started = true;
        let mut records = std::mem::take(&mut self.records);
        self.engine.begin_restore();
        for kind in Kind::ALL {
            let mut new = Vec::new();
            for id in self.by_claim_then_age(*kind) {
                match records.remove(&id) {
                    Some(mut record) => {
                        self.give_up_vanished(&id, &mut record);
                        let dropped = self.engine.restore(&id.name, record);
                        self.dropped.extend(dropped.into_iter().map(|what| (id.clone(), what)));
                    }
                    None => new.push(id),
                }
            }
            if *kind == Kind::VirtualMachineScaleSet {
                self.restore_models();
            }
            // What was restored is no news; only what a put changes from here on is.
            let _ = (self.engine.take_freed(), self.engine.take_touched());
            for id in new {
                if !kind.allocates() && self.index.get(&id).is_some_and(|entry| !entry.deleting) {
                    self.judge(&id);
                }
            }
        }
        let everything = Kind::ALL.iter().flat_map(|kind| self.by_claim_then_age(*kind)).collect::<Vec<_>>();
        for id in everything {
            self.wake(id);
        }
    }

    /// Those that ask for particular addresses first (S-10), then the older ones.
    fn by_claim_then_age(&self, kind: Kind) -> Vec<ObjectId> {
        let mut entries: Vec<_> = self.index.iter().filter(|(id, _)| id.kind == kind).collect();
        let chooses = |entry: &Entry| entry.asked.as_ref().is_ok_and(|asked| asked.ask.chooses());
        entries.sort_by_key(|(_, entry)| (!chooses(entry), entry.created));
        entries.into_iter().map(|(id, _)| id.clone()).collect()
    }
}
