//! The start: the fabric is restored from the statuses.

use std::collections::BTreeMap;

use super::Core;
use crate::fabric::order::in_order_of_references;
use crate::fabric::{AnyRecord, Kind, ObjectId};
use crate::operator::index::Entry;

impl Core {
    /// Restores the fabric, what is referred to first. An object whose status was lost, and which takes nothing that others may
    /// hold, is put behind those of its kind that are restored, so that what refers to it finds it; then everything is judged,
    /// deletions first.
    pub(super) fn start(&mut self) {
        self.started = true;
        let mut records = std::mem::take(&mut self.records);
        self.engine.begin_restore();
        for id in self.in_order_of_restoring(&records) {
            match records.remove(&id) {
                Some(mut record) => {
                    self.drop_vanished(&id, &mut record);
                    let dropped = self.engine.restore(&id.name, record);
                    self.not_restored += dropped.len();
                    self.dropped.extend(dropped.into_iter().map(|what| (id.clone(), what)));
                    if id.kind == Kind::VirtualMachineScaleSet {
                        self.restore_targets(&id.name);
                        self.restore_models(&id.name);
                    }
                    // What was restored is no news; only what a put changes from here on is.
                    let _ = (self.engine.take_woken(), self.engine.take_touched());
                }
                None if !id.kind.allocates() && self.index.get(&id).is_some_and(|entry| !entry.deleting) => {
                    self.judge(&id);
                }
                None => {}
            }
        }
        let all = self.by_claim_then_age().into_iter().map(|id| {
            let references = self.asked_references(&id);
            (id, references)
        });
        for id in in_order_of_references(all.collect()) {
            self.wake(id);
        }
    }

    /// Of each kind, those first that are restored from a record.
    fn in_order_of_restoring(&self, records: &BTreeMap<ObjectId, AnyRecord>) -> Vec<ObjectId> {
        let mut all = self.by_claim_then_age();
        all.sort_by_key(|id| (id.kind, !records.contains_key(id)));
        let all = all.into_iter().map(|id| {
            let after = match records.get(&id) {
                Some(record) => record.restored_after(&id.name),
                None => self.asked_references(&id),
            };
            (id, after)
        });
        in_order_of_references(all.collect())
    }

    fn asked_references(&self, id: &ObjectId) -> Vec<ObjectId> {
        let asked = self.index.get(id).and_then(|entry| entry.asked.as_ref().ok());
        let references = asked.into_iter().flat_map(|asked| asked.ask.references());
        references.map(|reference| reference.to).collect()
    }

    /// Everything kind by kind: first what stays, since what is deleted may have released what its status still shows, and
    /// others may have that now; then those that ask for particular addresses (S-10), then the older ones.
    fn by_claim_then_age(&self) -> Vec<ObjectId> {
        let mut entries: Vec<_> = self.index.iter().collect();
        let requests_specific_address =
            |entry: &Entry| entry.asked.as_ref().is_ok_and(|asked| asked.ask.requests_specific_address());
        entries.sort_by_key(|(id, entry)| (id.kind, entry.deleting, !requests_specific_address(entry), entry.created));
        entries.into_iter().map(|(id, _)| id.clone()).collect()
    }
}
