//! What the watches do. Those of different kinds run apart; each one is in order.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use vnet_operator::api::object::Recall;
use vnet_operator::fabric::Kind;
use vnet_operator::operator::{Input, Source};

use super::{Event, World, applied, read_revision};

impl World {
    pub fn deliver_one(&mut self, rng: &mut ChaCha8Rng) {
        let kind = Kind::ALL[rng.random_range(0..Kind::ALL.len())];
        self.deliver(kind);
        self.core.settle(self.now);
    }

    /// All events arrive before anything is judged.
    pub fn deliver_all(&mut self) {
        while Kind::ALL.iter().filter(|kind| self.deliver(**kind)).count() > 0 {}
        self.core.settle(self.now);
    }

    pub(super) fn deliver(&mut self, kind: Kind) -> bool {
        let Some(events) = self.events.get_mut(&kind).filter(|events| !events.is_empty()) else { return false };
        let input = match events.remove(0) {
            Event::Applied(object) => applied(kind, &object, Recall::Nothing),
            Event::Deleted(id, uid) => Input::Deleted(id, uid),
        };
        self.core.feed(input);
        true
    }

    pub fn relist(&mut self, rng: &mut ChaCha8Rng) {
        self.relists(Kind::ALL[rng.random_range(0..Kind::ALL.len())]);
    }

    pub fn relists(&mut self, kind: Kind) {
        self.tell(|| format!("watch of {kind} relists"));
        self.list(kind);
        self.core.settle(self.now);
    }

    pub(super) fn list(&mut self, kind: Kind) {
        self.events.remove(&kind);
        self.core.feed(Input::ListStarted(Source::Objects(kind)));
        for (_, object) in self.objects.iter().filter(|(id, _)| id.kind == kind) {
            self.core.feed(applied(kind, object, Recall::Record));
        }
        self.core.feed(Input::ListDone(Source::Objects(kind)));
    }

    pub(super) fn list_everything(&mut self) {
        Kind::ALL.iter().for_each(|kind| self.list(*kind));
        self.list_what_has_no_status();
        self.core.settle(self.now);
    }

    pub(super) fn list_what_has_no_status(&mut self) {
        self.core.feed(Input::ListStarted(Source::Namespaces));
        for (name, namespace) in &self.namespaces {
            self.core.feed(Input::Namespace((*name).into(), namespace.clone()));
        }
        self.core.feed(Input::ListDone(Source::Namespaces));
        self.list_revisions();
    }

    pub fn list_revisions(&mut self) {
        self.core.feed(Input::ListStarted(Source::Revisions));
        for revision in self.revisions.values() {
            self.core.feed(Input::Revision(read_revision(revision)));
        }
        self.core.feed(Input::ListDone(Source::Revisions));
    }
}
