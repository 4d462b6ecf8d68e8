//! The rules of the objects that show instances, and of the desired state of one instance.

use super::findings::InstanceFinding;
use super::{DesiredRevision, Maker, VirtualMachineScaleSetVM};
use crate::fabric::engine::Engine;
use crate::fabric::id::{Kind, Name};
use crate::fabric::ipam::PoolId;
use crate::fabric::quota;
use crate::fabric::reference;
use crate::fabric::resource::{AtApply, Case, Cures, Programmed, Rule, Scope};
use crate::fabric::violation::{Code, Findings, Violation, WaitKey};
use crate::fabric::virtual_machine::{PowerState, VirtualMachine};
use crate::fabric::virtual_machine_scale_set::{
    Demand, InstanceName, Model, NO_ROOM, Needed, NeededBy, Network, NicModel, OrchestrationMode, UpgradeMode,
    VirtualMachineScaleSet, Wanted, added_ipv6, network_is_legal, parts_are_legal, pool_has_room, size_takes,
    skus_do_not_mix,
};

type InstanceCase<'a> = Case<'a, VirtualMachineScaleSetVM>;

pub(super) const RULES: &[Rule<VirtualMachineScaleSetVM>] = &[
    Rule {
        id: "VMSS-01",
        scope: Scope::References,
        says: "The scale set of an instance exists.",
        codes: &[Code::InvalidResourceReference],
        cure: Cures::Waits,
        at_apply: None,
        remedy: "Create the scale set.",
        source: "[VMSS]",
        check: reference::exist,
    },
    Rule {
        id: "VMSS-01",
        scope: Scope::State,
        says: "Instances are made by their scale set, which names them and counts their ids up.",
        codes: &[Code::OperationNotAllowed],
        cure: Cures::Either,
        at_apply: None,
        remedy: "Delete the object, and scale the set.",
        source: "recorded; [VMSS]",
        check: is_of_the_set,
    },
    Rule {
        id: "S-14",
        scope: Scope::State,
        says: "The set and the id of an instance are fixed.",
        codes: &[Code::PropertyChangeNotAllowed],
        cure: Cures::Stalls,
        at_apply: None,
        remedy: "Put back what was changed.",
        source: "Azure's resource model",
        check: place_is_fixed,
    },
    Rule {
        id: "S-31",
        scope: Scope::State,
        says: "The desired revision of an instance is at most the set's latest.",
        codes: &[Code::InvalidParameter],
        cure: Cures::Stalls,
        at_apply: None,
        remedy: "Set it to the set's status.updateRevision.",
        source: "[VMSS] upgrade policy; recorded",
        check: revision_is_known,
    },
    Rule {
        id: "VMSS-19",
        scope: Scope::State,
        says: "The own network of an instance keeps to the rules of the set's; the violation has the id of the rule that is broken.",
        codes: &[Code::InvalidParameter, Code::NetworkInterfaceCountExceeded, Code::SubnetsNotInSameVnet],
        cure: Cures::Either,
        at_apply: Some(AtApply::Schema),
        remedy: "As the rule that is broken says.",
        source: "[VMSS] networking updates to specific instances",
        check: own_network_is_legal,
    },
    Rule {
        id: "VMSS-30",
        scope: Scope::State,
        says: "The model that an instance takes up, or returns to, still keeps to the rules of its parts; the violation has the id of the rule that is broken.",
        codes: &[Code::InvalidResourceReference, Code::DifferentSkuLoadBalancersAndPublicIPAddressNotAllowed],
        cure: Cures::Either,
        at_apply: None,
        remedy: "As the rule that is broken says.",
        source: "[VMSS] multiple IP addresses per NIC",
        check: model_is_legal,
    },
    Rule {
        id: "IP6-05",
        scope: Scope::State,
        says: "Nothing adds IPv6 to the network interface of an instance: it is attached.",
        codes: &[Code::OperationNotAllowed],
        cure: Cures::Stalls,
        at_apply: None,
        remedy: "Leave IPv6 out, or delete the instance.",
        source: "[IP] IPv6",
        check: adds_no_ipv6,
    },
    Rule {
        id: "VMSS-29",
        scope: Scope::State,
        says: "A change of one instance gets every address that it needs, or none.",
        codes: NO_ROOM,
        cure: Cures::Waits,
        at_apply: None,
        remedy: "Free addresses, or ask for fewer.",
        source: "Azure/AKS#2531",
        check: pools_have_room,
    },
];

pub(super) const PATH: &str = "spec.networkProfileConfiguration";

fn set<'a>(case: &InstanceCase<'a>) -> Option<&'a Programmed<VirtualMachineScaleSet>> {
    case.engine.get::<VirtualMachineScaleSet>(&case.ask.set)
}

fn is_of_the_set(case: &InstanceCase<'_>, findings: &mut Findings) {
    if case.ask.maker == Maker::Other {
        let set = case.ask.set.clone();
        return findings.add("metadata.ownerReferences", InstanceFinding::NotMadeByTheSet { set });
    }
    let Some(programmed) = set(case) else { return };
    let is_there = case.ask.id.is_some_and(|id| {
        let uniform = programmed.ask.mode == OrchestrationMode::Uniform; // those of others are virtual machines
        uniform
            && programmed.held.instances.contains_key(&id)
            && InstanceName { set: &case.ask.set, id }.object() == *case.name
    });
    if !is_there && case.programmed.is_none() {
        let (instance, set) = (case.name.clone(), case.ask.set.clone());
        findings.add("spec.instanceId", InstanceFinding::NoSuchInstance { instance, set });
    }
}

fn place_is_fixed(case: &InstanceCase<'_>, findings: &mut Findings) {
    let Some(before) = case.before() else { return };
    if before.set != case.ask.set {
        findings.add("spec.scaleSet", InstanceFinding::SetChanged { before: before.set.clone() });
    }
    if let Some(before) = before.id.filter(|_| before.id != case.ask.id) {
        findings.add("spec.instanceId", InstanceFinding::IdChanged { before });
    }
}

fn revision_is_known(case: &InstanceCase<'_>, findings: &mut Findings) {
    if let Some(desired_revision) = &case.ask.revision {
        revision_is_of_the_set(case.engine, desired_revision, &case.ask.set, "spec.revision", findings);
    }
}

/// Finds that the desired revision is no revision of the model of a scale set.
pub(in crate::fabric) fn revision_is_of_the_set(
    engine: &Engine,
    desired_revision: &DesiredRevision,
    set: &Name,
    path: &str,
    findings: &mut Findings,
) {
    let Some(latest) = engine.get::<VirtualMachineScaleSet>(set).map(|set| set.held.revision) else { return };
    let set = set.clone();
    let finding = match desired_revision {
        DesiredRevision::Number(revision) if (1..=latest).contains(revision) => return,
        DesiredRevision::Number(revision) => InstanceFinding::NoSuchRevision { revision: *revision, latest, set },
        DesiredRevision::Unreadable(text) => InstanceFinding::NotARevision { text: text.clone(), latest, set },
    };
    findings.add(path, finding);
}

fn own_network_is_legal(case: &InstanceCase<'_>, findings: &mut Findings) {
    let (Some(nics), Some(set), Some(id)) = (case.ask.network.as_deref(), set(case), case.ask.id) else { return };
    let this = InstanceName { set: &case.ask.set, id };
    let on = |size| Network::of_an_instance(case.engine, set, this, (size, nics), PATH);
    let size = model_after(case, set, id).size;
    let mut found = Findings::default();
    network_is_legal(&on(size), &mut found);
    let mut broken = found.into_violations();
    // What the policy brings it to, at once or batch by batch, takes the network as well.
    let coming = set.ask.model.size;
    if broken.is_empty() && set.ask.upgrade != UpgradeMode::Manual && coming.name != size.name {
        let mut found = Findings::default();
        size_takes(&on(coming), &mut found);
        broken = found.into_violations();
    }
    adopt(case, broken, findings);
}

/// Takes over what was found of the model that the instance has, or takes up: the set may change it, and upgrade the instance.
fn adopt(case: &InstanceCase<'_>, found: Vec<Violation>, findings: &mut Findings) {
    for violation in found {
        let set = WaitKey::object(Kind::VirtualMachineScaleSet, &case.ask.set);
        let own = WaitKey::object(Kind::VirtualMachineScaleSetVM, case.name);
        findings.adopt(violation.cites(set).cites(own));
    }
}

/// The model that the instance will have after this put.
fn model_after<'a>(case: &InstanceCase<'_>, set: &'a Programmed<VirtualMachineScaleSet>, id: u64) -> &'a Model {
    let revision = set.held.instances.get(&id).map_or(0, |instance| instance.revision);
    if upgrades(case, revision) { &set.ask.model } else { set.model(revision) }
}

fn model_is_legal(case: &InstanceCase<'_>, findings: &mut Findings) {
    let Some((set, id)) = set(case).zip(case.ask.id).filter(|(set, id)| set.held.instances.contains_key(id)) else {
        return;
    };
    let returns = case.before().is_some_and(|before| before.network.is_some());
    let revision = set.held.instances.get(&id).map_or(0, |instance| instance.revision);
    if case.ask.network.is_some() || !returns && !upgrades(case, revision) {
        return;
    }
    let (nics, path) = network_after(case, set, id);
    let this = InstanceName { set: &case.ask.set, id };
    let size = model_after(case, set, id).size;
    let network = Network::of_an_instance(case.engine, set, this, (size, nics), path);
    let mut broken = Findings::default();
    parts_are_legal(&network, broken.under("VMSS-30"));
    skus_do_not_mix(&network, broken.under("PIP-19"));
    let broken = broken.into_violations().into_iter();
    adopt(case, broken.map(|violation| Violation { path: path.to_owned(), ..violation }).collect(), findings);
}

/// True if the put takes up the latest model (S-31).
fn upgrades(case: &InstanceCase<'_>, revision: u64) -> bool {
    case.ask.revision.as_ref().is_some_and(|desired_revision| desired_revision.is_beyond(revision))
}

/// The network that the instance will have after this put, and the field that asks for it.
fn network_after<'a>(
    case: &'a InstanceCase<'_>,
    set: &'a Programmed<VirtualMachineScaleSet>,
    id: u64,
) -> (&'a [NicModel], &'static str) {
    match case.ask.network.as_deref() {
        Some(own) => (own, PATH),
        // Without a network of its own it leaves that which it had, or takes up another model.
        None if case.before().is_some_and(|before| before.network.is_some()) => {
            (&model_after(case, set, id).network, PATH)
        }
        None => (&model_after(case, set, id).network, "spec.revision"),
    }
}

fn adds_no_ipv6(case: &InstanceCase<'_>, findings: &mut Findings) {
    let Some((set, id)) = set(case).zip(case.ask.id) else { return };
    let this = InstanceName { set: &case.ask.set, id };
    let (network, path) = network_after(case, set, id);
    let exists = set.held.instances.contains_key(&id);
    let Some((n, m)) = added_ipv6(case.engine, this, network).filter(|_| exists) else { return };
    let path = match path {
        PATH => format!("{PATH}.networkInterfaceConfigurations[{n}].ipConfigurations[{m}].privateIPAddressVersion"),
        other => other.to_owned(),
    };
    let (instance, set) = (case.name.clone(), case.ask.set.clone());
    findings.add(path, InstanceFinding::AddsIpv6 { instance, set });
}

fn pools_have_room(case: &InstanceCase<'_>, findings: &mut Findings) {
    let Some((set, id)) = set(case).zip(case.ask.id) else { return };
    if !set.held.instances.contains_key(&id) || set.ask.mode == OrchestrationMode::Flexible {
        return; // as VMSS-01 reports
    }
    let (network, path) = network_after(case, set, id);
    let this = InstanceName { set: &case.ask.set, id };
    let (mode, placement, power) = (OrchestrationMode::Uniform, &set.placement, case.ask.power);
    let mut need = Demand::default();
    need.add(case.engine, &Wanted { this, mode, placement, network, power });
    let was_off =
        case.engine.get::<VirtualMachine>(&this.vm()).is_some_and(|vm| vm.held.power == PowerState::Deallocated);
    let mut found = Findings::default();
    found.under("VMSS-29");
    for (pool, count) in need.pools {
        // What only a start takes is asked for by the start.
        let path = if pool == PoolId::Public && need.dynamic > 0 && was_off { "spec.powerState" } else { path };
        pool_has_room(case.engine, &pool, Needed { count, path, by: NeededBy::Instance }, 0, &mut found);
    }
    for (quota, count) in need.quotas {
        quota::needs(case.engine, quota, count, 0, path, &mut found);
    }
    adopt(case, found.into_violations(), findings);
}
