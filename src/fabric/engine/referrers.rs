//! Who refers to what: the index behind "in use", the lists of members in statuses, and which reports and
//! refusals a change affects.
//!
//! The engine alone keeps it, whenever an object comes, changes or goes.

use std::collections::{BTreeMap, BTreeSet};

use super::Engine;
use crate::fabric::id::{Kind, Name, ObjectId, ShownRef};
use crate::fabric::limits;
use crate::fabric::reference::targets;
use crate::fabric::resource::{Programmed, Resource};
use crate::fabric::violation::WaitKey;

/// The objects that refer to each, by kind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Referrers(BTreeMap<(ObjectId, Kind), Names>);

/// Names in order. Most objects have one referrer, for which there is no set of its own.
#[derive(Clone, Debug, PartialEq)]
pub enum Names {
    /// One.
    One(Name),
    /// Any number, but not one.
    Many(BTreeSet<Name>),
}

const NOBODY: &Names = &Names::Many(BTreeSet::new());

impl Names {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Names::One(_) => 1,
            Names::Many(names) => names.len(),
        }
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// True if this is one of them.
    pub fn contains(&self, name: &Name) -> bool {
        match self {
            Names::One(one) => one == name,
            Names::Many(names) => names.contains(name),
        }
    }

    /// The first of them.
    pub fn first(&self) -> Option<&Name> {
        self.iter().next()
    }

    /// The first of them, as the status of the object `to` lists them.
    pub fn shown_to(&self, to: &Name) -> Vec<ShownRef> {
        self.iter().take(limits::MEMBERS_SHOWN).map(|name| ShownRef::of(name, to)).collect()
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Name> + Clone {
        let (one, many) = match self {
            Names::One(one) => (Some(one), None),
            Names::Many(names) => (None, Some(names)),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }
}

impl Referrers {
    /// True if it did not refer to that before.
    pub(in crate::fabric) fn insert(&mut self, to: &ObjectId, from: Kind, name: &Name) -> bool {
        let names = self.0.entry((to.clone(), from)).or_insert_with(|| NOBODY.clone());
        match names {
            Names::One(one) if one == name => false,
            Names::One(one) => {
                *names = Names::Many(BTreeSet::from([one.clone(), name.clone()]));
                true
            }
            Names::Many(many) if many.is_empty() => {
                *names = Names::One(name.clone());
                true
            }
            Names::Many(many) => many.insert(name.clone()),
        }
    }

    fn remove(&mut self, to: &ObjectId, from: Kind, name: &Name) {
        let key = (to.clone(), from);
        match self.0.get_mut(&key) {
            Some(Names::One(one)) if one == name => drop(self.0.remove(&key)),
            Some(names) => {
                if let Names::Many(many) = names {
                    many.remove(name);
                    if many.len() == 1 {
                        let last = many.pop_first();
                        last.into_iter().for_each(|last| *names = Names::One(last));
                    }
                }
            }
            None => {}
        }
    }

    fn of(&self, to: &ObjectId, from: Kind) -> &Names {
        self.0.get(&(to.clone(), from)).unwrap_or(NOBODY)
    }

    /// True if nothing refers to anything.
    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Engine {
    /// The objects of a kind that refer to an object, whether or not that is carried.
    pub fn referrers(&self, to: &ObjectId, by: Kind) -> &Names {
        self.referrers.of(to, by)
    }

    /// An object refers to these from now on, and not to what it referred to before; both are in order.
    pub(super) fn move_references<K: Resource>(&mut self, name: &Name, before: &[ObjectId], after: &[ObjectId]) {
        for to in before.iter().filter(|to| after.binary_search(to).is_err()) {
            self.referrers.remove(to, K::KIND, name);
            self.note_referrers(to);
        }
        for to in after.iter().filter(|to| before.binary_search(to).is_err()) {
            if self.referrers.insert(to, K::KIND, name) {
                self.note_referrers(to);
            }
        }
    }

    /// Its report may list them, and a refusal may name them.
    fn note_referrers(&mut self, to: &ObjectId) {
        if to.kind.follows_referrers() {
            self.touch(to.kind, &to.name);
            self.wake(WaitKey::Members(to.clone()));
        }
    }

    /// Changes what an object holds and refers to by that.
    pub(in crate::fabric) fn change_held<K: Resource>(&mut self, name: &Name, change: impl FnOnce(&mut Programmed<K>)) {
        let Some(programmed) = self.get_mut::<K>(name) else { return };
        let before = targets(programmed);
        change(programmed);
        let after = targets(programmed);
        self.move_references::<K>(name, &before, &after);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabric::testing::named;

    #[test]
    fn referrers_are_counted_and_listed_by_kind_in_the_order_of_their_names() {
        let (mut all, to) = (Referrers::default(), ObjectId::new(Kind::Subnet, named("web")));
        let told = |all: &Referrers| {
            let names = all.of(&to, Kind::NetworkInterface);
            let listed: Vec<_> = names.iter().map(|name| name.name.to_string()).collect();
            assert_eq!((names.len(), names.is_empty()), (listed.len(), listed.is_empty()));
            listed
        };
        for (name, is_news) in [("c", true), ("c", false), ("a", true), ("b", true), ("a", false)] {
            assert_eq!(all.insert(&to, Kind::NetworkInterface, &named(name)), is_news, "{name}");
        }
        all.insert(&to, Kind::VirtualMachineScaleSet, &named("api"));
        assert_eq!(told(&all), ["a", "b", "c"]);
        for (name, left) in [("x", 3), ("b", 2), ("a", 1), ("a", 1), ("c", 0)] {
            all.remove(&to, Kind::NetworkInterface, &named(name));
            assert_eq!(told(&all).len(), left, "{name}");
        }
        all.remove(&to, Kind::VirtualMachineScaleSet, &named("api"));
        assert_eq!(all, Referrers::default(), "nothing is left of what has gone");
    }
}
