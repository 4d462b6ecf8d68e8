//! Names in Azure: an object's own, or the one that its spec gives it (ARM-10).
//!
//! Kubernetes takes no capitals and no underscores in names, Azure does, and compares names regardless of case.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Engine, Request};
use crate::fabric::id::{Kind, Name, ObjectId};
use crate::fabric::resource::{Programmed, Resource};
use crate::fabric::violation::{Code, Finding, Findings, Place, Violation};

/// The objects whose specs give them a name, by kind, by what it is unique in, and by that name in lower case.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AzureNames(BTreeMap<(Kind, Name, String), Name>);

const PATH: &str = "spec.azureName";

impl AzureNames {
    /// True if no object has another name in Azure than its own.
    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K: Resource> Programmed<K> {
    /// The name that it has in Azure.
    pub(in crate::fabric) fn name_in_azure(&self, name: &Name) -> Arc<str> {
        self.common.azure_name.clone().unwrap_or_else(|| self.ask.own_name(name))
    }

    /// Its resource id in Azure.
    pub fn resource_id(&self, engine: &Engine, name: &Name) -> String {
        let (subscription, path) = (&self.placement.subscription, self.resource_path(engine, name));
        format!("/subscriptions/{subscription}/resourceGroups/{}/providers/{path}", name.namespace)
    }

    /// Its types and names in Azure, as a resource id ends: `Microsoft.Network/virtualNetworks/hub/subnets/web`.
    fn resource_path(&self, engine: &Engine, name: &Name) -> String {
        let parent =
            self.ask.parent().map(|parent| engine.name_in_azure(&parent).unwrap_or_else(|| (&parent.name.name).into()));
        let mut names = parent.into_iter().chain([self.name_in_azure(name)]);
        let (provider, types) = K::ARM_TYPE.split_once('/').unwrap_or((K::ARM_TYPE, ""));
        let steps = types.split('/').map(|step| format!("/{step}/{}", names.next().unwrap_or_default()));
        std::iter::once(provider.to_owned()).chain(steps).collect()
    }
}

impl Engine {
    /// A name in Azure is fixed, and no other object of the kind has it in the resource group; a subnet, in its network.
    pub(super) fn judge_azure_name<K: Resource>(
        &self,
        name: &Name,
        request: &Request<K>,
        programmed: Option<&Programmed<K>>,
        findings: &mut Findings,
    ) {
        let asked = request.common.azure_name.as_deref().unwrap_or(&name.name);
        if let Some(programmed) = programmed {
            let fixed = programmed.common.azure_name.as_deref().unwrap_or(&name.name);
            if asked != fixed {
                findings.add(PATH, AzureNameFinding::Renamed { fixed: fixed.into(), asked: asked.into() });
            }
            return;
        }
        if let Some(other) = self.is_called(name, &request.ask, asked, request.common.azure_name.is_some()) {
            let other = ObjectId::new(K::KIND, other);
            findings.add(PATH, AzureNameFinding::Taken { other, asked: asked.into() });
        }
    }

    /// Another object that has this name in Azure.
    fn is_called<K: Resource>(&self, name: &Name, ask: &K, asked: &str, is_given: bool) -> Option<Name> {
        let scope = scope(name, ask);
        let lower = asked.to_ascii_lowercase();
        let given = self.azure_names.0.get(&(K::KIND, scope.clone(), lower.clone())).filter(|other| *other != name);
        given.cloned().or_else(|| {
            let own = Name::new(name.namespace.clone(), lower);
            let carried = self.get::<K>(&own).filter(|_| is_given && own != *name)?;
            (carried.common.azure_name.is_none() && self::scope(&own, &carried.ask) == scope).then_some(own)
        })
    }

    /// An object has come, with the name that its spec gives it.
    pub(super) fn index_azure_name<K: Resource>(&mut self, name: &Name) {
        let Some(programmed) = self.get::<K>(name) else { return };
        let Some(given) = &programmed.common.azure_name else { return };
        let key = (K::KIND, scope(name, &programmed.ask), given.to_ascii_lowercase());
        self.azure_names.0.entry(key).or_insert_with(|| name.clone());
    }

    /// An object has gone.
    pub(super) fn forget_azure_name<K: Resource>(&mut self, name: &Name, gone: &Programmed<K>) {
        let Some(given) = &gone.common.azure_name else { return };
        let key = (K::KIND, scope(name, &gone.ask), given.to_ascii_lowercase());
        if self.azure_names.0.get(&key) == Some(name) {
            self.azure_names.0.remove(&key);
        }
    }
}

/// What a name is unique in: the resource group, or the resource that an object is a part of.
fn scope<K: Resource>(name: &Name, ask: &K) -> Name {
    ask.parent().map_or_else(|| Name::new(name.namespace.clone(), ""), |parent| parent.name)
}

/// What breaks a rule of names in Azure.
enum AzureNameFinding {
    /// A resource that has one name in Azure is asked to have another.
    Renamed { fixed: Arc<str>, asked: Arc<str> },
    /// Another object of the kind has the name, in whatever case.
    Taken { other: ObjectId, asked: Arc<str> },
}

impl Finding for AzureNameFinding {
    fn violation(self, at: Place) -> Violation {
        match self {
            Self::Renamed { fixed, asked } => at.refuse_change(
                Code::PropertyChangeNotAllowed,
                format!("The resource is called {fixed} in Azure, and cannot be renamed to {asked}."),
                format!("Set azureName to {fixed}, or delete the object and create it again."),
            ),
            Self::Taken { other, asked } => at
                .refuse(
                    Code::DuplicateResourceName,
                    format!("{other} is called {asked} in Azure; letter case makes no difference."),
                    format!("Choose another azureName, or delete {other}."),
                )
                .until_changed(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::fabric::testing::*;
    use crate::fabric::tests::restored::{records, restored};
    use crate::fabric::{Code, Kind, ObjectId, VirtualNetwork};

    // accepts any ARM-10
    #[test]
    fn a_name_in_azure_that_no_other_object_of_the_kind_has_is_accepted() {
        let mut fabric = an_empty_fabric().with(a_network("hub").called("Hub_A"));
        fabric.accept(a_network("hub").called("Hub_A"));
        fabric.accept(a_network("other").called("HUB_B"));
        fabric.accept(a_network("same").called("same"));
        fabric.accept(a_set("set").called("Hub_A"));
    }

    // refuses any ARM-10
    #[test]
    fn a_name_in_azure_is_fixed() {
        let mut fabric = an_empty_fabric().with(a_network("hub").called("Hub_A")).with(a_network("own"));
        for changed in [a_network("hub").called("hub_a"), a_network("hub"), a_network("own").called("Own")] {
            let refusal = fabric.put(changed).unwrap_err();
            assert_eq!(told(&refusal), [("ARM-10", Code::PropertyChangeNotAllowed, "spec.azureName")]);
            assert!(refusal.stalls());
        }
        fabric.accept(a_network("own").called("own"));
    }

    // refuses any ARM-10
    #[test]
    fn a_name_in_azure_that_another_object_has_waits_for_that_one_to_go_whatever_its_case() {
        let first = || a_network("hub").called("Net_A");
        for (first, second) in [
            (first(), a_network("late").called("NET_a")),
            (a_network("hub"), a_network("late").called("HUB")),
            (a_network("late").called("HUB"), a_network("hub")),
        ] {
            let holder = ObjectId::new(Kind::VirtualNetwork, first.name.clone());
            let mut fabric = an_empty_fabric().with(first);
            let refusal = fabric.put(second.clone()).unwrap_err();
            assert_eq!(told(&refusal), [("ARM-10", Code::DuplicateResourceName, "spec.azureName")]);
            assert_eq!(refusal.leading().blocked_by, std::slice::from_ref(&holder));
            fabric.cure(&refusal, |fabric| drop(fabric.delete(Kind::VirtualNetwork, &holder.name.name)));
            fabric.accept(second);
        }
    }

    #[test]
    fn subnets_of_two_networks_may_have_one_name_in_azure() {
        let subnet = |name: &str, network: &str| a_subnet(name, "10.0.1.0/24").of(network).called("default");
        let fabric = an_empty_fabric().with(a_network("hub")).with(a_network("spoke").called("Spoke"));
        let mut fabric = fabric.with(subnet("a", "hub")).with(subnet("b", "spoke"));
        let twice = a_subnet("c", "10.0.2.0/24").of("hub").called("Default");
        assert_eq!(fabric.put(twice).unwrap_err().codes(), [Code::DuplicateResourceName]);
    }

    #[test]
    fn a_name_in_azure_outlives_a_restart_and_goes_with_its_object() {
        let fabric = an_empty_fabric().with(a_network("hub").called("Net_A"));
        let (engine, dropped) = restored(&fabric.engine, records(&fabric.engine));
        assert_eq!(dropped, Vec::<String>::new());
        let mut fabric = fabric.on(engine);
        assert_eq!(&*fabric.get::<VirtualNetwork>("hub").name_in_azure(&named("hub")), "Net_A");
        assert!(fabric.put(a_network("late").called("net_a")).is_err());
        fabric.delete(Kind::VirtualNetwork, "hub").unwrap();
        fabric.engine.assert_empty();
    }
}
