//! The rules of scale sets, and those of the network of an instance, which hold for a model and for an instance's own.

use std::collections::BTreeMap;

use super::instances::needed;
use super::{
    Instance, InstanceName, NicModel, OrchestrationMode, UpgradeMode, VERSIONS, VirtualMachineScaleSet, publics,
};
use crate::fabric::engine::Engine;
use crate::fabric::id::{Kind, Name, ObjectId, Placement};
use crate::fabric::ipam::PoolId;
use crate::fabric::limits::{self, AcceleratedNetworking, VmSize};
use crate::fabric::network_interface::{IpVersion, NetworkInterface, Primary, Switch, pool_of};
use crate::fabric::public_ip_address::{PublicIPAddress, Sku, label_is_in_use, pool_holds};
use crate::fabric::quota::{self, Quota};
use crate::fabric::resource::{Case, Cures, DELETION_PATH, DeletionRule, Programmed, Resource, Rule};
use crate::fabric::subnet::Subnet;
use crate::fabric::violation::{Code, Findings, Violation, WaitKey};

type Set<'a> = Case<'a, VirtualMachineScaleSet>;

const PROFILE: &str = "spec.virtualMachineProfile.networkProfile";

pub(super) const RULES: &[Rule<VirtualMachineScaleSet>] = &[
    Rule {
        id: "VMSS-26",
        says: "The orchestration mode of a scale set is fixed at creation.",
        codes: &[Code::PropertyChangeNotAllowed],
        cure: Cures::Stalls,
        remedy: "Create another scale set.",
        source: "azure-docs upgrade-scale-set.md",
        check: mode_is_fixed,
    },
    Rule {
        id: "VMSS-01",
        says: "A scale set has at most 1,000 instances.",
        codes: &[Code::InvalidParameter],
        cure: Cures::Stalls,
        remedy: "Ask for at most 1,000.",
        source: "limits of the service",
        check: instances_are_few,
    },
    Rule {
        id: "ARM-10",
        says: "The name of a scale set has at most 63 characters, and those of the objects that it makes at most 80.",
        codes: &[Code::InvalidResourceName],
        cure: Cures::Stalls,
        remedy: "Create the scale set under a shorter name.",
        source: "kyma cloud-manager; the name is the value of a label",
        check: names_are_short,
    },
    Rule {
        id: "PIP-15",
        says: "A domain name label of a Flexible scale set leaves room for the ids of instances, whose labels are made of it.",
        codes: &[Code::InvalidDomainNameLabel],
        cure: Cures::Stalls,
        remedy: "Choose a shorter label.",
        source: "recorded; S-33",
        check: labels_are_short,
    },
    Rule {
        id: "VMSS-28",
        says: "A batch of a Rolling upgrade has at least 5 percent of the instances.",
        codes: &[Code::InvalidParameter],
        cure: Cures::Stalls,
        remedy: "Write a number from 5 to 100.",
        source: "upgrade-scale-set.md",
        check: batches_are_large,
    },
    Rule {
        id: "VMSS-30",
        says: "The network interfaces and public addresses of an instance keep to the rules of their kinds; the violation has the id of the rule that is broken.",
        codes: &[Code::InvalidResourceReference, Code::InvalidParameter],
        cure: Cures::Either,
        remedy: "As the rule that is broken says.",
        source: "[VMSS] multiple IP addresses per NIC",
        check: |case, findings| parts_are_legal(&Network::of_the_model(case), findings),
    },
    Rule {
        id: "VMSS-07",
        says: "An instance has at least one network interface, and at most 8, and as many as its size supports.",
        codes: &[Code::NetworkInterfaceCountExceeded, Code::InvalidParameter],
        cure: Cures::Stalls,
        remedy: "List fewer, or choose a larger size.",
        source: "[VMSS] multiple NICs per virtual machine; vm-sizes.csv",
        check: |case, findings| nics_are_few(&Network::of_the_model(case), findings),
    },
    Rule {
        id: "VM-09",
        says: "Exactly one network interface of an instance is primary.",
        codes: &[Code::InvalidParameter, Code::NetworkInterfaceMustHavePrimaryPropertySet],
        cure: Cures::Stalls,
        remedy: "Mark exactly one primary.",
        source: "[ATTACH] constraints",
        check: |case, findings| one_nic_is_primary(&Network::of_the_model(case), findings),
    },
    Rule {
        id: "VMSS-13",
        says: "All network interfaces of an instance are in one virtual network.",
        codes: &[Code::SubnetsNotInSameVnet],
        cure: Cures::Stalls,
        remedy: "Choose subnets of one virtual network.",
        source: "[VMSS] multiple NICs per virtual machine",
        check: |case, findings| nics_are_in_one_network(&Network::of_the_model(case), findings),
    },
    Rule {
        id: "VMSS-12",
        says: "A scale set never moves to another virtual network; its subnets may change inside it (VMSS-32).",
        codes: &[Code::VMScaleSetCannotBeUpdatedToReferenceSubnetsFromDifferentVirtualNetworks],
        cure: Cures::Stalls,
        remedy: "Choose subnets of the same network, or create another scale set.",
        source: "[VMSS] note; D-15",
        check: |case, findings| network_is_fixed(&Network::of_the_model(case), findings),
    },
    Rule {
        id: "VMSS-17",
        says: "An instance has at most 256 secondary IP configurations.",
        codes: &[Code::SecondaryIpConfigurationCountPerVMSSVMExceeded],
        cure: Cures::Stalls,
        remedy: "List fewer.",
        source: "Azure/aks-engine#1741",
        check: |case, findings| secondary_configurations_are_few(&Network::of_the_model(case), findings),
    },
    Rule {
        id: "VMSS-23",
        says: "Accelerated networking needs a size that supports it.",
        codes: &[Code::VMSizeIsNotPermittedToEnableAcceleratedNetworkingForVmss],
        cure: Cures::Stalls,
        remedy: "Leave the flag out, or choose another size.",
        source: "[VMSS] accelerated networking; kubernetes-sigs/cluster-api-provider-azure#1201",
        check: |case, findings| size_supports_acceleration(&Network::of_the_model(case), findings),
    },
    Rule {
        id: "PIP-19",
        says: "Public addresses of Basic and Standard SKU do not mix within one scale set, instances with a network of their own included.",
        codes: &[Code::DifferentSkuLoadBalancersAndPublicIPAddressNotAllowed],
        cure: Cures::Either,
        remedy: "Use one SKU.",
        source: "azure-docs load-balancer troubleshoot",
        check: |case, findings| skus_do_not_mix(&Network::of_the_model(case), findings),
    },
    Rule {
        id: "VMSS-09",
        says: "The domain name label of a scale set is unique in its location, and in its model.",
        codes: &[Code::DnsRecordInUse],
        cure: Cures::Either,
        remedy: "Choose another label, or release it.",
        source: "[VMSS] configurable virtual machine domain names; S-32",
        check: |case, findings| labels_are_free(&Network::of_the_model(case), findings),
    },
    Rule {
        id: "VMSS-19",
        says: "What an instance has of its own fits the model that the instance is upgraded to.",
        codes: &[Code::NetworkInterfaceCountExceeded, Code::VMSizeIsNotPermittedToEnableAcceleratedNetworkingForVmss],
        cure: Cures::Waits,
        remedy: "Choose a size that takes the instance's own network, or change that first.",
        source: "[VMSS] networking updates to specific instances",
        check: own_networks_fit,
    },
    Rule {
        id: "IP6-05",
        says: "An upgrade adds IPv6 to no network interface: those of instances are attached.",
        codes: &[Code::OperationNotAllowed],
        cure: Cures::Stalls,
        remedy: "Set upgradePolicy.mode to Manual, and replace the instances.",
        source: "[IP] IPv6",
        check: no_upgrade_adds_ipv6,
    },
    Rule {
        id: "VMSS-29",
        says: "A scale-out or upgrade gets every address that it needs, or none.",
        codes: &[
            Code::SubnetIsFull,
            Code::AllocationFailed,
            Code::PublicIPPrefixExhausted,
            Code::QuotaExceeded,
            Code::IPv4BasicSkuPublicIpCountLimitReached,
            Code::StandardSkuPublicIPCountLimitReached,
        ],
        cure: Cures::Waits,
        remedy: "Ask for fewer instances, or free addresses.",
        source: "Azure/AKS#2531",
        check: pools_have_room,
    },
];

pub(super) const DELETION_RULES: &[DeletionRule] = &[DeletionRule {
    id: "S-13",
    says: "A Uniform scale set is deleted when its instances have been.",
    codes: &[Code::OperationNotAllowed],
    cure: Cures::Waits,
    remedy: "Wait: the instances are deleted first, by themselves.",
    source: "Azure's resource model",
    check: has_no_instances,
}];

/// The network of an instance or of all, as a spec asks for it.
pub(in crate::fabric) struct Network<'a> {
    pub engine: &'a Engine,
    pub placement: &'a Placement,
    /// The set, and the instance if it is one's own network.
    pub this: InstanceName<'a>,
    pub size: &'static VmSize,
    pub nics: &'a [NicModel],
    /// The virtual network that the set is in.
    pub home: Option<Name>,
    /// What else of the scale set has a public address, and its SKU.
    pub beside: Option<(ObjectId, Sku)>,
    /// The field that has the list.
    pub path: &'a str,
}

impl<'a> Network<'a> {
    fn of_the_model(case: &Set<'a>) -> Self {
        let id = case.programmed.map_or(0, |set| set.held.next_instance_id);
        let before = case.before().and_then(|before| before.model.network.first());
        Self {
            engine: case.engine,
            placement: case.placement,
            this: InstanceName { set: case.name, id },
            size: case.ask.model.size,
            nics: &case.ask.model.network,
            home: before.and_then(|nic| network_of(case.engine, &nic.subnet)),
            beside: case.programmed.and_then(|set| own_public(case.name, set, None)),
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
        let of_the_model = publics(model).next().map(|(_, _, public)| public.sku);
        let of_the_model = of_the_model.map(|sku| (ObjectId::new(Kind::VirtualMachineScaleSet, this.set.clone()), sku));
        Self {
            engine,
            placement: &set.placement,
            this,
            size,
            nics,
            home: model.first().and_then(|nic| network_of(engine, &nic.subnet)),
            beside: of_the_model.or_else(|| own_public(this.set, set, Some(this.id))),
            path,
        }
    }

    fn list(&self) -> String {
        format!("{}.networkInterfaceConfigurations", self.path)
    }

    fn nic(&self, n: usize, field: &str) -> String {
        format!("{}[{n}].{field}", self.list())
    }

    fn public(&self, n: usize, m: usize, field: &str) -> String {
        self.nic(n, &format!("ipConfigurations[{m}].publicIPAddressConfiguration.{field}"))
    }
}

/// Every rule of the network of an instance; the ids are those of the rules.
pub(in crate::fabric) fn network_is_legal(network: &Network<'_>, findings: &mut Findings) {
    parts_are_legal(network, findings.under("VMSS-30"));
    nics_are_few(network, findings.under("VMSS-07"));
    one_nic_is_primary(network, findings.under("VM-09"));
    nics_are_in_one_network(network, findings.under("VMSS-13"));
    network_is_fixed(network, findings.under("VMSS-12"));
    secondary_configurations_are_few(network, findings.under("VMSS-17"));
    size_supports_acceleration(network, findings.under("VMSS-23"));
    skus_do_not_mix(network, findings.under("PIP-19"));
    labels_are_free(network, findings.under("VMSS-09"));
}

fn mode_is_fixed(case: &Set<'_>, findings: &mut Findings) {
    if let Some(before) = case.before().filter(|before| before.mode != case.ask.mode) {
        findings.refuse(
            Code::PropertyChangeNotAllowed,
            "spec.orchestrationMode",
            format!("The scale set was created as {:?}.", before.mode),
            format!("Set orchestrationMode to {:?}, or create another scale set.", before.mode),
        );
    }
}

fn instances_are_few(case: &Set<'_>, findings: &mut Findings) {
    if case.ask.replicas > limits::INSTANCES_PER_SCALE_SET {
        findings.refuse(
            Code::InvalidParameter,
            "spec.replicas",
            format!("{} instances are asked for.", case.ask.replicas),
            format!("Ask for at most {}.", limits::INSTANCES_PER_SCALE_SET),
        );
    }
}

fn names_are_short(case: &Set<'_>, findings: &mut Findings) {
    let length = case.name.name.len();
    if length > limits::LABEL_LENGTH {
        findings.refuse(
            Code::InvalidResourceName,
            "metadata.name",
            format!("The name has {length} characters, and labels what is made for the scale set."),
            format!("Create the scale set under a name of at most {} characters.", limits::LABEL_LENGTH),
        );
        return;
    }
    if case.ask.mode == OrchestrationMode::Uniform {
        return;
    }
    for (n, nic) in case.ask.model.network.iter().enumerate() {
        // <set>-<id>-<network interface>[-<configuration>], and ids count up (S-29).
        let configuration = nic.configurations.iter().filter(|c| c.public.is_some()).map(|c| c.name.len() + 1).max();
        let longest = length + 1 + DIGITS + 1 + nic.name.len() + configuration.unwrap_or(0);
        if longest > limits::NAME_LENGTH {
            findings.refuse(
                Code::InvalidResourceName,
                format!("{PROFILE}.networkInterfaceConfigurations[{n}].name"),
                format!("Objects of instances would have names of {longest} characters."),
                format!("Shorten the names of the scale set, the network interface or its configurations: together at most {}.", limits::NAME_LENGTH),
            );
        }
    }
}

fn labels_are_short(case: &Set<'_>, findings: &mut Findings) {
    const LONGEST: usize = limits::LABEL_LENGTH - "vm-".len() - DIGITS;
    if case.ask.mode == OrchestrationMode::Uniform {
        return;
    }
    for (n, m, public) in publics(&case.ask.model.network) {
        let Some(label) = public.domain_name_label.as_ref().filter(|label| label.len() > LONGEST) else { continue };
        findings.refuse(
            Code::InvalidDomainNameLabel,
            Network::of_the_model(case).public(n, m, "dnsSettings.domainNameLabel"),
            format!("The label has {} characters, and instances are called vm<id>-{label}.", label.len()),
            format!("Choose a label of at most {LONGEST} characters."),
        );
    }
}

fn batches_are_large(case: &Set<'_>, findings: &mut Findings) {
    let asked = case.ask.rolling.max_batch_percent;
    if asked < limits::SMALLEST_BATCH_PERCENT {
        findings.refuse(
            Code::InvalidParameter,
            "spec.upgradePolicy.rollingUpgradePolicy.maxBatchInstancePercent",
            format!("A batch of {asked} percent is asked for."),
            format!("Write a number from {} to 100.", limits::SMALLEST_BATCH_PERCENT),
        );
    }
}

/// Room for the digits of an instance's id in a name.
const DIGITS: usize = 6;

/// The rules of network interfaces that one alone can break, or by what it refers to.
const NIC_RULES: [&str; 9] = ["NIC-03", "NIC-21", "IPC-01", "IPC-02", "IPC-10", "IP6-01", "IP6-02", "IP6-03", "IP6-04"];
/// The same of public addresses.
const PUBLIC_RULES: [&str; 4] = ["PIP-02", "PIP-13", "PIP-16", "S-19"];

fn parts_are_legal(network: &Network<'_>, findings: &mut Findings) {
    for (n, nic) in network.nics.iter().enumerate() {
        let ask = network.this.nic_ask(nic);
        let name = network.this.nic(&nic.name);
        for violation in broken::<NetworkInterface>(network, &name, &ask, &NIC_RULES) {
            let path = violation.path.strip_prefix("spec.").map(|field| network.nic(n, field));
            findings.adopt(Violation { path: path.unwrap_or_else(|| network.list()), ..violation });
        }
    }
    for ((n, m, _), (name, ask)) in publics(network.nics).zip(network.this.public_asks(network.nics)) {
        for violation in broken::<PublicIPAddress>(network, &name, &ask, &PUBLIC_RULES) {
            let path = violation.path.strip_prefix("spec.").map(|field| network.public(n, m, field));
            findings.adopt(Violation { path: path.unwrap_or_else(|| network.list()), ..violation });
        }
    }
}

fn broken<K: Resource>(network: &Network<'_>, name: &Name, ask: &K, rules: &[&str]) -> Vec<Violation> {
    let mut findings = Findings::default();
    let case = Case { engine: network.engine, name, ask, programmed: None, placement: network.placement };
    for rule in K::RULES.iter().filter(|rule| rules.contains(&rule.id)) {
        (rule.check)(&case, findings.under(rule.id));
    }
    findings.into_violations()
}

fn nics_are_few(network: &Network<'_>, findings: &mut Findings) {
    let (count, size) = (network.nics.len(), network.size);
    if count == 0 {
        findings.refuse(
            Code::InvalidParameter,
            network.list(),
            "No network interface is listed.",
            "List at least one network interface.",
        );
    }
    if count > size.max_nics {
        findings.refuse(
            Code::NetworkInterfaceCountExceeded,
            network.list(),
            format!("{count} network interfaces are listed; size {} takes {}.", size.name, size.max_nics),
            format!("List at most {}, or choose a size that takes more.", size.max_nics),
        );
    }
    for (n, nic) in network.nics.iter().enumerate() {
        if network.nics.iter().take(n).any(|other| other.name == nic.name) {
            findings.refuse(
                Code::InvalidParameter,
                network.nic(n, "name"),
                format!("Two network interfaces are called {}.", nic.name),
                "Give each its own name.",
            );
        }
    }
}

fn one_nic_is_primary(network: &Network<'_>, findings: &mut Findings) {
    let marked: Vec<_> = network.nics.iter().filter(|nic| nic.primary == Primary::Yes).map(|nic| &*nic.name).collect();
    let (code, message) = match marked.as_slice() {
        [_] => return,
        [] if network.nics.is_empty() => return,
        [] => (
            Code::NetworkInterfaceMustHavePrimaryPropertySet,
            format!("None of {} network interfaces is marked primary.", network.nics.len()),
        ),
        several => (Code::InvalidParameter, format!("{} are marked primary.", several.join(" and "))),
    };
    findings.refuse(code, network.list(), message, "Mark exactly one network interface primary: true.");
}

fn network_of(engine: &Engine, subnet: &Name) -> Option<Name> {
    engine.get::<Subnet>(subnet).map(|subnet| subnet.ask.virtual_network.clone())
}

fn nics_are_in_one_network(network: &Network<'_>, findings: &mut Findings) {
    let of = |nic: &NicModel| network_of(network.engine, &nic.subnet);
    let Some(first) = network.nics.iter().find_map(of) else { return };
    for (n, nic) in network.nics.iter().enumerate() {
        if let Some(other) = of(nic).filter(|other| *other != first) {
            findings.refuse(
                Code::SubnetsNotInSameVnet,
                network.nic(n, "subnet"),
                format!("Subnet {} is of VirtualNetwork {other}, and others are of {first}.", nic.subnet),
                format!("Choose a subnet of {first}."),
            );
        }
    }
}

fn network_is_fixed(network: &Network<'_>, findings: &mut Findings) {
    let Some(home) = &network.home else { return };
    for (n, nic) in network.nics.iter().enumerate() {
        if let Some(other) = network_of(network.engine, &nic.subnet).filter(|other| other != home) {
            findings.refuse(
                Code::VMScaleSetCannotBeUpdatedToReferenceSubnetsFromDifferentVirtualNetworks,
                network.nic(n, "subnet"),
                format!("Subnet {} is of VirtualNetwork {other}, and the scale set is in {home}.", nic.subnet),
                format!("Choose a subnet of {home}, or create another scale set in {other}."),
            );
        }
    }
}

fn secondary_configurations_are_few(network: &Network<'_>, findings: &mut Findings) {
    let all = network.nics.iter().flat_map(|nic| &nic.configurations);
    let count = all.filter(|configuration| configuration.primary != Primary::Yes).count();
    if count > limits::SECONDARY_CONFIGURATIONS_PER_INSTANCE {
        findings.refuse(
            Code::SecondaryIpConfigurationCountPerVMSSVMExceeded,
            network.list(),
            format!("An instance would have {count} secondary IP configurations."),
            format!("List at most {}.", limits::SECONDARY_CONFIGURATIONS_PER_INSTANCE),
        );
    }
}

fn size_supports_acceleration(network: &Network<'_>, findings: &mut Findings) {
    if network.size.accelerated_networking == AcceleratedNetworking::Supported {
        return;
    }
    for (n, nic) in network.nics.iter().enumerate().filter(|(_, nic)| nic.accelerated_networking == Switch::On) {
        findings.refuse(
            Code::VMSizeIsNotPermittedToEnableAcceleratedNetworkingForVmss,
            network.nic(n, "enableAcceleratedNetworking"),
            format!("Size {} does not support accelerated networking, which {} asks for.", network.size.name, nic.name),
            "Leave enableAcceleratedNetworking out, or choose a size that supports it.",
        );
    }
}

/// The first public address of a network that an instance other than `except` has of its own.
fn own_public(name: &Name, set: &Programmed<VirtualMachineScaleSet>, except: Option<u64>) -> Option<(ObjectId, Sku)> {
    set.held.instances.iter().filter(|(id, _)| Some(**id) != except).find_map(|(id, instance)| {
        let (_, _, public) = publics(instance.network.as_deref()?).next()?;
        Some((object_of(name, *id), public.sku))
    })
}

/// The object that shows an instance of a Uniform set.
fn object_of(set: &Name, id: u64) -> ObjectId {
    ObjectId::new(Kind::VirtualMachineScaleSetVM, InstanceName { set, id }.object())
}

fn skus_do_not_mix(network: &Network<'_>, findings: &mut Findings) {
    let mut all = publics(network.nics);
    let Some((n, m, first)) = all.next() else { return };
    if let Some((other, sku)) = network.beside.as_ref().filter(|(_, sku)| *sku != first.sku) {
        findings
            .refuse(
                Code::DifferentSkuLoadBalancersAndPublicIPAddressNotAllowed,
                network.public(n, m, "sku.name"),
                format!("{} is {}, and {other} has public addresses that are {sku}.", first.name, first.sku),
                format!("Use one SKU for all public addresses of a scale set; to change it, change {other} first."),
            )
            .until_gone(other.clone());
    }
    for (n, m, public) in all.filter(|(_, _, public)| public.sku != first.sku) {
        findings.refuse(
            Code::DifferentSkuLoadBalancersAndPublicIPAddressNotAllowed,
            network.public(n, m, "sku.name"),
            format!("{} is {}, and {} is {}.", public.name, public.sku, first.name, first.sku),
            "Use one SKU for all public addresses of an instance.",
        );
    }
}

fn labels_are_free(network: &Network<'_>, findings: &mut Findings) {
    let own = ObjectId::new(Kind::VirtualMachineScaleSet, network.this.set.clone());
    let location = &network.placement.location;
    for (n, m, public) in publics(network.nics) {
        let Some(label) = &public.domain_name_label else { continue };
        let path = network.public(n, m, "dnsSettings.domainNameLabel");
        let earlier = publics(network.nics).take_while(|(i, j, _)| (*i, *j) < (n, m));
        if earlier.filter_map(|(_, _, other)| other.domain_name_label.as_ref()).any(|other| other == label) {
            findings.refuse(
                Code::DnsRecordInUse,
                path,
                format!("The label {label} stands in another configuration, too."),
                "Give each configuration its own label.",
            );
            continue;
        }
        let holder = network.engine.labels.get(&(location.clone(), label.clone()));
        if let Some(holder) = holder.filter(|holder| **holder != own) {
            label_is_in_use(location, label, holder, &path, findings);
        }
    }
}

/// The instances that this put upgrades, now or batch by batch.
fn upgraded<'a>(case: &Set<'a>) -> impl Iterator<Item = (u64, &'a Instance)> + use<'a> {
    let is_news = case.before().is_some_and(|before| before.model != case.ask.model);
    let (latest, kept) = (case.programmed.map_or(0, |set| set.held.revision), usize::try_from(case.ask.replicas));
    let instances = case.programmed.filter(|_| case.ask.upgrade != UpgradeMode::Manual);
    let kept = instances.into_iter().flat_map(|set| &set.held.instances).take(kept.unwrap_or(usize::MAX));
    let was_made = |instance: &Instance| instance.target > 0;
    kept.filter(move |(_, instance)| was_made(instance) && (is_news || instance.target < latest)).map(|(id, instance)| (*id, instance))
}

fn own_networks_fit(case: &Set<'_>, findings: &mut Findings) {
    for (id, own) in upgraded(case).filter_map(|(id, instance)| Some((id, instance.network.as_deref()?))) {
        let Some(set) = case.programmed else { return };
        let this = InstanceName { set: case.name, id };
        let network = Network::of_an_instance(case.engine, set, this, (case.ask.model.size, own), PROFILE);
        let mut broken = Findings::default();
        nics_are_few(&network, &mut broken);
        size_supports_acceleration(&network, &mut broken);
        for Violation { code, message, .. } in broken.into_violations() {
            let object = object_of(case.name, id);
            findings
                .refuse(
                    code,
                    "spec.sku.name",
                    format!("{object} has a network of its own: {message}"),
                    format!("Choose a size that takes it, or change the own network of {object} first."),
                )
                .until_gone(object);
        }
    }
}

fn no_upgrade_adds_ipv6(case: &Set<'_>, findings: &mut Findings) {
    if case.ask.mode == OrchestrationMode::Flexible {
        return; // there each network interface is judged as the object that it is
    }
    let mut upgraded = upgraded(case).filter(|(_, instance)| instance.network.is_none());
    let network = &case.ask.model.network;
    let found = upgraded.find_map(|(id, _)| {
        let this = InstanceName { set: case.name, id };
        Some((id, added_ipv6(case.engine, this, network)?))
    });
    if let Some((id, (n, m))) = found {
        findings.refuse(
            Code::OperationNotAllowed,
            format!("{PROFILE}.networkInterfaceConfigurations[{n}].ipConfigurations[{m}].privateIPAddressVersion"),
            format!("The upgrade of {} would add IPv6 to its network interface, which is attached.", object_of(case.name, id)),
            "Leave the IPv6 configuration out; or set upgradePolicy.mode to Manual, and delete the instances one by one: new ones have it.",
        );
    }
}

/// Where a network has an IPv6 configuration that the instance, whose machine exists, does not have yet (IP6-05, IP6-06).
pub(in crate::fabric) fn added_ipv6(
    engine: &Engine,
    this: InstanceName<'_>,
    network: &[NicModel],
) -> Option<(usize, usize)> {
    let is_ipv6 = |version: IpVersion| version == IpVersion::IPv6;
    network.iter().enumerate().find_map(|(n, nic)| {
        let m = nic.configurations.iter().position(|configuration| is_ipv6(configuration.version))?;
        let held = engine.get::<NetworkInterface>(&this.nic(&nic.name));
        let has = held.is_some_and(|held| held.ask.configurations.iter().any(|held| is_ipv6(held.version)));
        (!has).then_some((n, m))
    })
}

/// All that the put needs beyond what its instances hold; what it gives up is free only afterwards (S-37).
fn pools_have_room(case: &Set<'_>, findings: &mut Findings) {
    let engine = case.engine;
    let network = &case.ask.model.network;
    let wanted = u64::from(case.ask.replicas);
    let mut need = BTreeMap::new();
    let mut quotas: BTreeMap<Quota, u64> = BTreeMap::new();
    let instances = case.programmed.map(|set| &set.held.instances);
    let there = instances.map_or(0, |instances| u64::try_from(instances.len()).unwrap_or(u64::MAX));
    let next = case.programmed.map_or(0, |set| set.held.next_instance_id);
    let new = InstanceName { set: case.name, id: next };
    let more = wanted.saturating_sub(there);
    // Those whose ids were told, and which were not made before a restart.
    let bare = instances.into_iter().flatten().filter(|(_, instance)| instance.target == 0);
    for (id, _) in bare {
        needed(engine, InstanceName { set: case.name, id: *id }, case.ask.mode, network, 1, &mut need);
    }
    if more > 0 {
        needed(engine, new, case.ask.mode, network, more, &mut need);
        let nics = network.iter().flat_map(|nic| new.nic_ask(nic).counts(case.placement));
        let public = new.public_asks(network).into_iter().flat_map(|(_, ask)| ask.counts(case.placement));
        let private = network.iter().filter_map(|nic| network_of(engine, &nic.subnet).map(|home| (nic, home)));
        let private = private
            .flat_map(|(nic, home)| nic.configurations.iter().map(move |_| Quota::PrivateAddresses(home.clone())));
        for quota in nics.chain(public).chain(private) {
            *quotas.entry(quota).or_default() += more;
        }
    }
    let mut of_upgrades = BTreeMap::new();
    for (id, _) in upgraded(case).filter(|(_, instance)| instance.network.is_none()) {
        needed(engine, InstanceName { set: case.name, id }, case.ask.mode, network, 1, &mut of_upgrades);
    }
    for (pool, count) in of_upgrades {
        let nic = network.iter().position(|nic| VERSIONS.iter().any(|version| pool_of(&nic.subnet, *version) == pool));
        let path = match nic {
            Some(n) if more == 0 => format!("{PROFILE}.networkInterfaceConfigurations[{n}].subnet"),
            Some(_) | None => "spec.replicas".to_owned(),
        };
        let needed = Needed { count: count + need.remove(&pool).unwrap_or(0), path: &path, remedy: UPGRADE_REMEDY };
        is_held_by(engine, &pool, needed, findings);
    }
    for (pool, count) in need {
        is_held_by(engine, &pool, Needed { count, path: "spec.replicas", remedy: SCALE_OUT_REMEDY }, findings);
    }
    for (quota, count) in quotas {
        quota::needs(engine, quota, count, "spec.replicas", findings);
    }
}

const SCALE_OUT_REMEDY: &str =
    "Ask for fewer instances, delete what is not used in the subnet, or use a larger subnet.";
const UPGRADE_REMEDY: &str = "Choose a subnet that has room, or delete what is not used in this one.";

/// Addresses that are needed.
pub(in crate::fabric) struct Needed<'a> {
    pub count: u64,
    /// The field that asks for them.
    pub path: &'a str,
    /// What to do where they are of a subnet that lacks them.
    pub remedy: &'static str,
}

/// Finds that a pool has fewer addresses free than are needed, and by how many it falls short.
pub(in crate::fabric) fn is_held_by(engine: &Engine, id: &PoolId, needed: Needed<'_>, findings: &mut Findings) {
    let Needed { count, path, remedy } = needed;
    let (PoolId::SubnetIPv4(subnet) | PoolId::SubnetIPv6(subnet)) = id else {
        return pool_holds(engine, id, count, path, findings);
    };
    let Some(pool) = engine.pool(id).filter(|pool| pool.available() < count) else { return };
    let free = pool.available();
    findings
        .refuse(
            Code::SubnetIsFull,
            path,
            format!(
                "{count} more addresses of subnet {subnet} ({}) are needed, and {free} are free: {} too few.",
                pool.prefix(),
                count - free
            ),
            remedy,
        )
        .until(WaitKey::Capacity(id.clone()))
        .as_of(WaitKey::Members(ObjectId::new(Kind::Subnet, subnet.clone())));
}

fn has_no_instances(engine: &Engine, name: &Name, findings: &mut Findings) {
    let Some(set) = engine.get::<VirtualMachineScaleSet>(name) else { return };
    let shown = |id: &&u64| {
        use crate::fabric::virtual_machine_scale_set_vm::VirtualMachineScaleSetVM;
        engine.get::<VirtualMachineScaleSetVM>(&InstanceName { set: name, id: **id }.object()).is_some()
    };
    let Some(first) = set.held.instances.keys().find(shown) else { return };
    findings
        .refuse(
            Code::OperationNotAllowed,
            DELETION_PATH,
            "Instances of the scale set are still being deleted.",
            "Wait: the scale set goes by itself when they have gone.",
        )
        .until(WaitKey::Members(ObjectId::new(Kind::VirtualMachineScaleSet, name.clone())))
        .blocked_by(object_of(name, *first));
}
