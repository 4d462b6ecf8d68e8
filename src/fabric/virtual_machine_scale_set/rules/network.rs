//! The rules of the network of an instance, which hold for a model and for what an instance has of its own.

use super::{PROFILE, RULES, SetCase};
use crate::fabric::engine::Engine;
use crate::fabric::id::{Kind, Name, ObjectId, Placement};
use crate::fabric::limits;
use crate::fabric::network_interface::NetworkInterface;
use crate::fabric::public_ip_address::{PublicIPAddress, Sku, label_is_in_use, label_is_reserved};
use crate::fabric::resource::{Case, Programmed, Resource, Scope};
use crate::fabric::sizes::{AcceleratedNetworking, VmSize};
use crate::fabric::terms::{Primary, Switch};
use crate::fabric::violation::{Findings, Subject, Violation};
use crate::fabric::virtual_machine_scale_set::findings::NetworkFinding;
use crate::fabric::virtual_machine_scale_set::{
    Instance, InstanceName, NicModel, UpgradeMode, VirtualMachineScaleSet, list_path, nic_path, public_path, publics,
};

/// The network of an instance or of all, as a spec asks for it.
pub(in crate::fabric) struct Network<'a> {
    pub engine: &'a Engine,
    pub placement: &'a Placement,
    /// The set, and the instance if it is one's own network.
    pub this: InstanceName<'a>,
    pub size: &'static VmSize,
    pub nics: &'a [NicModel],
    /// The virtual network that the set is in.
    pub home: Option<&'a Name>,
    /// The set as it is, if it is carried, and what of it will be beside this network.
    pub set: Option<&'a Programmed<VirtualMachineScaleSet>>,
    pub beside: Beside,
    /// The field that has the list.
    pub path: &'a str,
}

/// What will be beside a network in its scale set.
#[derive(Clone, Copy, Debug)]
pub(in crate::fabric) enum Beside {
    /// Beside a model, so many instances that have networks of their own or older models.
    Instances(usize),
    /// Beside a model that all take up at once, so many instances that have networks of their own.
    OwnNetworks(usize),
    /// Beside an instance, the model and the other instances.
    Others,
}

impl<'a> Network<'a> {
    pub(super) fn of_the_model(case: &SetCase<'a>) -> Self {
        let id = case.programmed.map_or(0, |set| set.held.next_instance_id);
        let before = case.before().and_then(|before| before.model.network.first());
        let kept = usize::try_from(case.ask.replicas).unwrap_or(usize::MAX);
        Self {
            engine: case.engine,
            placement: case.placement,
            this: InstanceName { set: case.name, id },
            size: case.ask.model.size,
            nics: &case.ask.model.network,
            home: before.and_then(|nic| case.engine.network_of(&nic.interface.subnet)),
            set: case.programmed,
            beside: match case.ask.upgrade {
                UpgradeMode::Automatic => Beside::OwnNetworks(kept),
                UpgradeMode::Manual | UpgradeMode::Rolling => Beside::Instances(kept),
            },
            path: PROFILE,
        }
    }

    /// The network that an instance has or asks for of its own, on a machine of this size.
    pub fn of_an_instance(
        engine: &'a Engine,
        set: &'a Programmed<VirtualMachineScaleSet>,
        this: InstanceName<'a>,
        (size, nics): (&'static VmSize, &'a [NicModel]),
        path: &'a str,
    ) -> Self {
        let model = &set.ask.model.network;
        Self {
            engine,
            placement: &set.placement,
            this,
            size,
            nics,
            home: model.first().and_then(|nic| engine.network_of(&nic.interface.subnet)),
            set: Some(set),
            beside: Beside::Others,
            path,
        }
    }

    fn list(&self) -> String {
        list_path(self.path)
    }

    fn nic(&self, n: usize, field: &str) -> String {
        nic_path(self.path, n, field)
    }

    pub(super) fn public(&self, n: usize, m: usize, field: &str) -> String {
        public_path(self.path, n, m, field)
    }
}

/// The rules of the network of an instance that its size decides.
pub(in crate::fabric) fn size_takes(network: &Network<'_>, findings: &mut Findings) {
    nics_are_few(network, findings.under("VMSS-07"));
    size_supports_acceleration(network, findings.under("VMSS-23"));
}

/// What the parts of an instance break of the rules of their kinds that look at no more than the spec and its references. What
/// has a row of its own for scale sets is judged there.
pub(in crate::fabric) fn parts_are_legal(network: &Network<'_>, findings: &mut Findings) {
    let has_no_row = |id: &str| RULES.iter().all(|row| row.id != id);
    broken_by_parts(network, has_no_row).into_iter().for_each(|violation| findings.adopt(violation));
}

/// What the parts of an instance break of the rule of their kinds that is being checked.
pub(super) fn parts_keep_to_it(network: &Network<'_>, findings: &mut Findings) {
    let rule = findings.rule();
    broken_by_parts(network, |id| id == rule).into_iter().for_each(|violation| findings.adopt(violation));
}

/// At their places in the model.
fn broken_by_parts(network: &Network<'_>, is_meant: impl Fn(&str) -> bool) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut add = |broken: Vec<Violation>, place: &dyn Fn(&str) -> String| {
        found.extend(broken.into_iter().map(|violation| {
            let path = violation.path.strip_prefix("spec.").map(place);
            Violation { path: path.unwrap_or_else(|| network.list()), ..violation }
        }));
    };
    for (n, nic) in network.nics.iter().enumerate() {
        let name = network.this.nic(&nic.name);
        let broken = broken::<NetworkInterface>(network, &name, &network.this.nic_ask(nic), &is_meant);
        add(broken, &|field| network.nic(n, field));
    }
    for ((n, m, _), (name, ask)) in publics(network.nics).zip(network.this.public_asks(network.nics)) {
        let broken = broken::<PublicIPAddress>(network, &name, &ask, &is_meant);
        add(broken, &|field| network.public(n, m, field));
    }
    found
}

/// Objects are named after them in lower case.
pub(super) fn names_differ(network: &Network<'_>, findings: &mut Findings) {
    for (n, nic) in network.nics.iter().enumerate() {
        if let Some(other) = network.nics.iter().take(n).find(|other| other.name.eq_ignore_ascii_case(&nic.name)) {
            let (first, second) = (other.name.clone(), nic.name.clone());
            findings.add(network.nic(n, "name"), NetworkFinding::SameNic { first, second });
        }
        for (m, asked) in nic.interface.configurations.iter().enumerate() {
            let mut earlier = nic.interface.configurations.iter().take(m);
            if let Some(other) = earlier.find(|other| other.name.eq_ignore_ascii_case(&asked.name)) {
                let path = network.nic(n, &format!("ipConfigurations[{m}].name"));
                let (nic, first, second) = (nic.name.clone(), other.name.clone(), asked.name.clone());
                findings.add(path, NetworkFinding::SameConfiguration { nic, first, second });
            }
        }
    }
}

fn broken<K: Resource>(network: &Network<'_>, name: &Name, ask: &K, is_meant: impl Fn(&str) -> bool) -> Vec<Violation> {
    let mut findings = Findings::of(Subject::Model);
    let references = ask.references();
    let (engine, placement) = (network.engine, network.placement);
    let case = Case { engine, name, ask, references: &references, programmed: None, placement };
    for rule in K::RULES.iter().filter(|rule| rule.scope < Scope::State && is_meant(rule.id)) {
        (rule.check)(&case, findings.under(rule.id));
    }
    findings.into_violations()
}

pub(super) fn nics_are_few(network: &Network<'_>, findings: &mut Findings) {
    let (count, size) = (network.nics.len(), network.size);
    if count == 0 {
        findings.add(network.list(), NetworkFinding::NoNic);
    }
    if count > size.max_nics {
        findings.add(network.list(), NetworkFinding::TooManyNics { count, size });
    }
}

pub(super) fn one_nic_is_primary(network: &Network<'_>, findings: &mut Findings) {
    let nics: Vec<_> =
        network.nics.iter().filter(|nic| nic.primary == Primary::Yes).map(|nic| nic.name.clone()).collect();
    match nics.as_slice() {
        [_] => {}
        [] if network.nics.is_empty() => {}
        [] => findings.add(network.list(), NetworkFinding::NonePrimary { count: network.nics.len() }),
        [_, _, ..] => findings.add(network.list(), NetworkFinding::SeveralPrimary { nics }),
    }
}

pub(super) fn nics_are_in_one_network(network: &Network<'_>, findings: &mut Findings) {
    let engine = network.engine;
    let Some(first) = network.nics.iter().find_map(|nic| engine.network_of(&nic.interface.subnet)) else { return };
    for (n, nic) in network.nics.iter().enumerate() {
        if let Some(other) = engine.network_of(&nic.interface.subnet).filter(|other| *other != first) {
            let (subnet, other, first) = (nic.interface.subnet.clone(), other.clone(), first.clone());
            let finding = NetworkFinding::InAnotherNetwork { subnet, network: other, first };
            findings.add(network.nic(n, "subnet"), finding);
        }
    }
}

pub(super) fn network_is_fixed(network: &Network<'_>, findings: &mut Findings) {
    let Some(home) = network.home else { return };
    for (n, nic) in network.nics.iter().enumerate() {
        if let Some(other) = network.engine.network_of(&nic.interface.subnet).filter(|other| *other != home) {
            let (subnet, other, home) = (nic.interface.subnet.clone(), other.clone(), home.clone());
            let finding = NetworkFinding::LeavesTheNetwork { subnet, network: other, home };
            findings.add(network.nic(n, "subnet"), finding);
        }
    }
}

pub(super) fn secondary_configurations_are_few(network: &Network<'_>, findings: &mut Findings) {
    let all = network.nics.iter().flat_map(|nic| &nic.interface.configurations);
    let count = all.filter(|configuration| configuration.primary != Primary::Yes).count();
    if count > limits::SECONDARY_CONFIGURATIONS_PER_INSTANCE {
        findings.add(network.list(), NetworkFinding::TooManySecondary { count });
    }
}

pub(super) fn size_supports_acceleration(network: &Network<'_>, findings: &mut Findings) {
    let size = network.size;
    if size.accelerated_networking == AcceleratedNetworking::Supported {
        return;
    }
    for (n, nic) in
        network.nics.iter().enumerate().filter(|(_, nic)| nic.interface.accelerated_networking == Switch::On)
    {
        let finding = NetworkFinding::AccelerationUnsupported { nic: nic.name.clone(), size };
        findings.add(network.nic(n, "enableAcceleratedNetworking"), finding);
    }
}

impl Network<'_> {
    /// Something of the scale set that will be beside this network and has public addresses of another SKU.
    fn mixed_with(&self, sku: Sku) -> Option<(ObjectId, Sku)> {
        let set = self.set?;
        let of = |network: &[NicModel]| publics(network).map(|(_, _, public)| public.sku).find(|other| *other != sku);
        let (kept, all, except) = match self.beside {
            Beside::Instances(kept) => (kept, true, None),
            Beside::OwnNetworks(kept) => (kept, false, None),
            Beside::Others => {
                if let Some(other) = of(&set.ask.model.network) {
                    return Some((ObjectId::new(Kind::VirtualMachineScaleSet, self.this.set.clone()), other));
                }
                (usize::MAX, true, Some(self.this.id))
            }
        };
        let others = set.held.instances.iter().take(kept).filter(|(id, _)| Some(**id) != except);
        let models =
            |instance: &Instance| [instance.revision, instance.target].into_iter().filter(|revision| *revision > 0);
        let mut others = others.filter_map(|(id, instance)| {
            let other = match instance.network.as_deref() {
                Some(own) => of(own),
                None if all => models(instance).find_map(|revision| of(&set.model(revision).network)),
                None => None,
            };
            Some((*id, other?))
        });
        let (id, other) = others.next()?;
        Some((InstanceName { set: self.this.set, id }.object_in(set.ask.mode), other))
    }
}

pub(in crate::fabric) fn skus_do_not_mix(network: &Network<'_>, findings: &mut Findings) {
    let mut all = publics(network.nics);
    let Some((n, m, first)) = all.next() else { return };
    if let Some((other, other_sku)) = network.mixed_with(first.sku) {
        let (public, sku) = (first.name.clone(), first.sku);
        let (set, beside) = (network.this.set.clone(), network.beside);
        let finding = NetworkFinding::SkuOfTheSetDiffers { public, sku, set, other, other_sku, beside };
        findings.add(network.public(n, m, "sku.name"), finding);
    }
    for (n, m, public) in all.filter(|(_, _, public)| public.sku != first.sku) {
        let (public, sku) = (public.name.clone(), public.sku);
        let (first, first_sku) = (first.name.clone(), first.sku);
        findings.add(network.public(n, m, "sku.name"), NetworkFinding::SkusDiffer { public, sku, first, first_sku });
    }
}

/// A label that the scale set has already stays (S-93).
pub(super) fn labels_are_not_reserved(network: &Network<'_>, findings: &mut Findings) {
    let is_new = |label: &&String| network.set.is_none_or(|set| !set.held.labels.contains(*label));
    for (n, m, public) in publics(network.nics) {
        let Some(label) = public.domain_name_label.as_ref().filter(is_new) else { continue };
        label_is_reserved(label, &network.public(n, m, "dnsSettings.domainNameLabel"), findings);
    }
}

pub(super) fn labels_are_free(network: &Network<'_>, findings: &mut Findings) {
    let own = ObjectId::new(Kind::VirtualMachineScaleSet, network.this.set.clone());
    let location = &network.placement.location;
    for (n, m, public) in publics(network.nics) {
        let Some(label) = &public.domain_name_label else { continue };
        let path = network.public(n, m, "dnsSettings.domainNameLabel");
        let earlier = publics(network.nics).take_while(|(i, j, _)| (*i, *j) < (n, m));
        if earlier.filter_map(|(_, _, other)| other.domain_name_label.as_ref()).any(|other| other == label) {
            findings.add(path, NetworkFinding::LabelListedTwice { label: label.clone() });
            continue;
        }
        let holder = network.engine.labels.get(&(location.clone(), label.clone()));
        if let Some(holder) = holder.filter(|holder| **holder != own) {
            label_is_in_use(location, label, holder, &path, findings);
        }
    }
}
