//! Names by their ends: where `web` is missing and `blue-web` is there, a prefix was added to the name and not to the
//! reference.

use std::collections::BTreeSet;
use std::iter::zip;
use std::sync::Arc;

use super::Engine;
use crate::fabric::id::{Kind, Name, ObjectId};
use crate::fabric::violation::WaitKey;

/// The names of the objects of each kind and namespace that have a prefix, each from its end to its beginning.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Suffixes(BTreeSet<(Kind, Arc<str>, String)>);

impl Suffixes {
    /// True if no name has a prefix.
    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What a prefix ends in. Without a separator, names that have nothing to do with each other would be proposed: `web` for `b`.
const PREFIX_ENDS: [char; 2] = ['-', '.'];

impl Engine {
    /// The first object of its kind and namespace that is named as `missing` is, behind a prefix.
    pub(in crate::fabric) fn with_a_prefix(&self, missing: &ObjectId) -> Option<ObjectId> {
        let ObjectId { kind, name } = missing;
        let found = PREFIX_ENDS.iter().filter_map(|end| {
            let wanted = reversed(&format!("{end}{}", name.name));
            let first = self.suffixes.0.range((*kind, name.namespace.clone(), wanted.clone())..).next()?;
            let fits = (first.0, &first.1) == (*kind, &name.namespace) && first.2.starts_with(&wanted);
            fits.then(|| ObjectId::new(*kind, Name::new(name.namespace.clone(), reversed(&first.2))))
        });
        found.min()
    }

    /// An object has come or gone: what refers to a missing object of the name without the prefix is judged again
    /// if another object is to be proposed.
    pub(super) fn index_suffixes(&mut self, kind: Kind, name: &Name, is_there: bool) {
        let entry = (kind, name.namespace.clone(), reversed(&name.name));
        let has_a_prefix = name.name.contains(PREFIX_ENDS) && name.part().is_none();
        if !has_a_prefix || self.suffixes.0.contains(&entry) == is_there {
            return; // as after every put that is repeated
        }
        let without = |(end, _): (usize, &str)| {
            let rest = name.name.get(end + 1..).unwrap_or_default();
            ObjectId::new(kind, Name::new(name.namespace.clone(), rest))
        };
        let missing = name.name.match_indices(PREFIX_ENDS).map(without);
        let missing: Vec<ObjectId> = missing.filter(|id| self.holder(kind, &id.name).is_none()).collect();
        let proposed = |engine: &Self| missing.iter().map(|id| engine.with_a_prefix(id)).collect::<Vec<_>>();
        let before = proposed(self);
        if is_there {
            self.suffixes.0.insert(entry);
        } else {
            self.suffixes.0.remove(&entry);
        }
        let after = proposed(self);
        for (id, (before, after)) in zip(missing, zip(before, after)) {
            if before != after {
                self.wake(WaitKey::Object(id));
            }
        }
    }
}

fn reversed(text: &str) -> String {
    text.chars().rev().collect()
}

#[cfg(test)]
mod tests {
    use crate::fabric::testing::*;
    use crate::fabric::{Kind, WaitKey};

    fn remedy(fabric: &mut Fabric) -> String {
        fabric.put(a_nic("n")).unwrap_err().leading().remedy.clone()
    }

    #[test]
    fn a_missing_reference_proposes_the_object_whose_name_has_a_prefix() {
        let mut fabric = a_fabric().with(a_subnet("blue-web", "10.0.1.0/24")).with(a_subnet("webs", "10.0.2.0/24"));
        assert_eq!(
            remedy(&mut fabric),
            "Create Subnet prod/web, or correct the name: Subnet prod/blue-web exists; this object is then retried automatically."
        );
        fabric.accept(a_subnet("web", "10.0.3.0/24"));
        fabric.accept(a_nic("n"));
    }

    #[test]
    fn who_is_shown_a_proposal_is_judged_again_when_it_comes_and_when_it_goes() {
        let mut fabric = a_fabric().with(a_subnet("my.web-front", "10.0.1.0/24"));
        let none = fabric.put(a_nic("n")).unwrap_err();
        assert!(none.leading().remedy.starts_with("Create Subnet prod/web, or correct the name;"));
        fabric.cure(&none, |fabric| fabric.accept(a_subnet("blue-web", "10.0.2.0/24")));
        let proposed = fabric.put(a_nic("n")).unwrap_err();
        assert!(proposed.leading().remedy.contains("Subnet prod/blue-web exists"));
        fabric.cure(&proposed, |fabric| assert!(fabric.delete(Kind::Subnet, "blue-web").unwrap()));
        assert!(remedy(&mut fabric).starts_with("Create Subnet prod/web, or correct the name;"));
    }

    #[test]
    fn a_name_of_another_namespace_is_not_proposed_to_who_refers_to_that() {
        let mut fabric = a_fabric().with(a_subnet("blue-web", "10.0.1.0/24"));
        let mut nic = a_nic("n");
        nic.name.namespace = "dev".into();
        let refusal = fabric.put(nic).unwrap_err();
        assert!(refusal.leading().remedy.starts_with("Create Subnet prod/web, or correct the name;"));
    }

    #[test]
    fn only_another_proposal_wakes_who_waits() {
        let mut fabric = a_fabric().with(a_subnet("a-web", "10.0.1.0/24"));
        let key = WaitKey::object(Kind::Subnet, &named("web"));
        let woken = fabric.woken_by(|fabric| fabric.accept(a_subnet("b-web", "10.0.2.0/24")));
        assert!(!woken.contains(&key), "a-web is proposed still");
        let woken = fabric.woken_by(|fabric| assert!(fabric.delete(Kind::Subnet, "a-web").unwrap()));
        assert!(woken.contains(&key));
    }

    #[test]
    fn names_of_other_kinds_and_namespaces_and_parts_of_instances_are_not_proposed() {
        let fabric = a_fabric().with(a_subnet("n", "10.0.1.0/24")).with(a_public_ip("blue-web"));
        let mut fabric = fabric.with(a_scale_set("blue-web", 1).nics([a_nic_model("web").in_subnet("n")]));
        assert!(remedy(&mut fabric).starts_with("Create Subnet prod/web, or correct the name;"));
    }
}
