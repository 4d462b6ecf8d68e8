//! What the watches do. Those of different kinds run apart; each one is in order.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use vnet_operator::api::object::Recall;
use vnet_operator::fabric::Kind;
use vnet_operator::operator::{Input, Source};

use super::{Event, World, observed, read_revision};

impl World {
    pub fn deliver_one(&mut self, rng: &mut ChaCha8Rng) {
        match rng.random_range(0..=Kind::ALL.len()) {
            all if all == Kind::ALL.len() => self.deliver_a_namespace(),
            kind => drop(self.deliver(Kind::ALL[kind])),
        }
        self.core.settle(self.now);
    }

    fn deliver_a_namespace(&mut self) {
        if !self.namespace_events.is_empty() {
            let input = self.namespace_events.remove(0);
            self.core.feed(input);
        }
    }

    pub(super) fn deliver_namespaces(&mut self) {
        std::mem::take(&mut self.namespace_events).into_iter().for_each(|input| self.core.feed(input));
    }

    /// All events arrive before anything is judged.
    pub fn deliver_all(&mut self) {
        while Kind::ALL.iter().filter(|kind| self.deliver(**kind)).count() > 0 {}
        self.core.settle(self.now);
    }

    /// The next thing that the watch of a kind shows; false if there is none. It lists before it shows events.
    pub(super) fn deliver(&mut self, kind: Kind) -> bool {
        if let Some(list) = self.lists.get_mut(&kind) {
            let input = match list.pop() {
                Some(object) => Input::Listed(observed(kind, &object, Recall::Record)),
                None => {
                    self.lists.remove(&kind);
                    Input::ListDone(Source::Objects(kind))
                }
            };
            self.core.feed(input);
            return true;
        }
        let Some(events) = self.events.get_mut(&kind).filter(|events| !events.is_empty()) else { return false };
        let input = match events.remove(0) {
            Event::Applied(object) => Input::Applied(observed(kind, &object, self.recall())),
            Event::Deleted(id, uid) => Input::Deleted(id, uid),
        };
        self.core.feed(input);
        true
    }

    fn recall(&self) -> Recall {
        if self.core.is_started() { Recall::Nothing } else { Recall::Record }
    }

    /// A watch begins to list, and other things happen meanwhile; a list that has begun before is interrupted by this.
    pub fn relist(&mut self, rng: &mut ChaCha8Rng) {
        let kind = match self.lists.keys().next() {
            Some(listing) if rng.random_bool(0.3) => *listing,
            _ => Kind::ALL[rng.random_range(0..Kind::ALL.len())],
        };
        self.begins_to_list(kind);
    }

    /// What happens from here on, the watch shows after the list.
    pub fn begins_to_list(&mut self, kind: Kind) {
        self.tell(|| format!("watch of {kind} begins to list"));
        self.events.remove(&kind);
        self.core.feed(Input::ListStarted(Source::Objects(kind)));
        let all = self.objects.iter().filter(|(id, _)| id.kind == kind).map(|(_, object)| object.clone());
        self.lists.insert(kind, all.rev().collect());
    }

    pub fn relists(&mut self, kind: Kind) {
        self.tell(|| format!("watch of {kind} relists"));
        self.list(kind);
        self.core.settle(self.now);
    }

    pub(super) fn list(&mut self, kind: Kind) {
        self.begins_to_list(kind);
        while self.lists.contains_key(&kind) {
            self.deliver(kind);
        }
    }

    pub(super) fn list_everything(&mut self) {
        Kind::ALL.iter().for_each(|kind| self.list(*kind));
        self.list_what_has_no_status();
        self.core.settle(self.now);
    }

    pub(super) fn list_what_has_no_status(&mut self) {
        self.namespace_events.clear();
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
