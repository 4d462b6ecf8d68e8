//! Lists: what a list shows replaces what is known, and what it does not show is gone, however old the versions are; an API
//! server whose etcd was restored shows older ones. Only what a write of the operator has changed since the list began is
//! newer.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Core, Source};
use crate::api::object::Observed;
use crate::fabric::{Kind, Name, ObjectId, Uid};

/// A list that has begun.
#[derive(Clone, Debug, Default)]
pub(super) struct Listing {
    /// What it has shown so far, or a write has.
    pub(super) seen: BTreeSet<Seen>,
    /// The objects that writes have changed since it began.
    written: BTreeSet<ObjectId>,
    /// The lives that writes have ended since it began.
    gone: BTreeSet<Uid>,
}

/// What a list has shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Seen {
    Namespace(Arc<str>),
    Object(ObjectId),
    Revision(Name, u64),
}

impl Core {
    /// Notes what a watch that is listing has shown.
    pub(super) fn has_listed(&mut self, source: Source, seen: impl FnOnce() -> Seen) {
        if let Some(listing) = self.listing.get_mut(&source) {
            listing.seen.insert(seen());
        }
    }

    /// A watch that lists shows no events: whatever else is known of an object is the answer to a write.
    pub(super) fn is_newer_than_the_list(&mut self, id: &ObjectId) {
        if let Some(listing) = self.listing.get_mut(&Source::Objects(id.kind)) {
            listing.written.insert(id.clone());
        }
    }

    pub(super) fn has_gone_since_the_list_began(&mut self, kind: Kind, uid: Uid) {
        if let Some(listing) = self.listing.get_mut(&Source::Objects(kind)) {
            listing.gone.insert(uid);
        }
    }

    pub(super) fn listed(&mut self, observed: Observed) {
        let id = observed.id.clone();
        let known = self.index.get(&id);
        let listing = self.listing.entry(Source::Objects(id.kind)).or_default();
        if listing.gone.contains(&observed.uid) {
            return;
        }
        listing.seen.insert(Seen::Object(id.clone()));
        let is_older = listing.written.contains(&id)
            && known.is_some_and(|entry| observed.resource_version < entry.resource_version);
        // A list is no news of what stands as it stood, unless a write has lost against a version that is gone.
        let is_known = known.is_some_and(|entry| entry.is_as(&observed) && entry.outdated_for.is_none());
        if is_older || is_known && self.started {
            return;
        }
        self.take(observed);
    }

    /// What is known and was not listed has gone without an event.
    pub(super) fn list_done(&mut self, source: Source) {
        let Some(Listing { seen, .. }) = self.listing.remove(&source) else { return };
        self.listed.insert(source);
        match source {
            Source::Namespaces => self.namespaces.retain(|name, _| seen.contains(&Seen::Namespace(name.clone()))),
            Source::Revisions => self.revisions_listed(&seen),
            Source::Objects(kind) => {
                let is_gone = |id: &&ObjectId| id.kind == kind && !seen.contains(&Seen::Object((*id).clone()));
                let gone: Vec<ObjectId> = self.index.keys().filter(is_gone).cloned().collect();
                for id in gone {
                    self.gone(&id);
                }
                for id in self.children.names_taken(kind).iter().filter(is_gone) {
                    self.children.name_freed(id);
                }
            }
        }
    }
}
