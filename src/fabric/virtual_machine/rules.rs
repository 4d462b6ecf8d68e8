//! The rules of virtual machines and of attaching network interfaces (VM, SIZE).

use super::{Disruption, NicReference, PowerState, PowerWish, VirtualMachine, makes_way};
use crate::fabric::availability_set::AvailabilitySet;
use crate::fabric::id::{Kind, Name, ObjectId};
use crate::fabric::limits::{self, AcceleratedNetworking};
use crate::fabric::network_interface::{IpVersion, NetworkInterface, Primary, Switch};
use crate::fabric::public_ip_address::{PublicIPAddress, needs_public_addresses};
use crate::fabric::resource::{Case, Cures, Programmed, Rule};
use crate::fabric::subnet::Subnet;
use crate::fabric::violation::{Code, Findings, WaitKey};

type Vm<'a> = Case<'a, VirtualMachine>;

pub(super) const RULES: &[Rule<VirtualMachine>] = &[
    Rule {
        id: "NIC-03",
        says: "The NICs of a VM exist, in the VM's location and subscription.",
        codes: &[Code::InvalidResourceReference],
        cure: Cures::Waits,
        remedy: "Create the NIC.",
        source: "[NIC] create a network interface; Azure/azure-cli#13258",
        check: nics_exist,
    },
    Rule {
        id: "AVS-01",
        says: "A VM joins an availability set only at creation.",
        codes: &[Code::PropertyChangeNotAllowed, Code::InvalidResourceReference],
        cure: Cures::Either,
        remedy: "Keep the set, or create another VM.",
        source: "[ATTACH] constraints; Azure/azure-powershell#1820; S-14",
        check: availability_set_is_fixed,
    },
    Rule {
        id: "VM-01",
        says: "A VM has at least one NIC; the last one cannot be removed.",
        codes: &[Code::InvalidParameter],
        cure: Cures::Stalls,
        remedy: "List at least one NIC.",
        source: "[ATTACH] constraints; VM-05, D-11",
        check: has_a_nic,
    },
    Rule {
        id: "VM-02",
        says: "A VM has at most as many NICs as its size supports.",
        codes: &[Code::NetworkInterfaceCountExceeded],
        cure: Cures::Stalls,
        remedy: "List fewer, or choose a larger size.",
        source: "[ATTACH] constraints; VM-17; vm-sizes.csv",
        check: size_takes_the_nics,
    },
    Rule {
        id: "IPC-15",
        says: "All NICs of a VM together have at most 256 private addresses.",
        codes: &[Code::InvalidParameter],
        cure: Cures::Waits,
        remedy: "List fewer NICs, or fewer IP configurations on them.",
        source: "azure-virtual-network-limits.md",
        check: configurations_are_few,
    },
    Rule {
        id: "VM-09",
        says: "Exactly one NIC of a VM is primary.",
        codes: &[Code::InvalidParameter, Code::NetworkInterfaceMustHavePrimaryPropertySet],
        cure: Cures::Stalls,
        remedy: "Mark exactly one primary, or none.",
        source: "[ATTACH] constraints; ansible#40648; D-07, S-05",
        check: one_nic_is_primary,
    },
    Rule {
        id: "S-26",
        says: "A NIC is listed once.",
        codes: &[Code::InvalidParameter],
        cure: Cures::Stalls,
        remedy: "List it once.",
        source: "Azure's resource model: the list is keyed by NIC",
        check: nics_are_listed_once,
    },
    Rule {
        id: "VM-07",
        says: "A NIC that is attached to one VM cannot be attached to another.",
        codes: &[Code::NicInUse],
        cure: Cures::Waits,
        remedy: "Detach it from the other VM, or list another.",
        source: "[ATTACH] constraints; pulumi-azure#441",
        check: nics_are_free,
    },
    Rule {
        id: "VM-06",
        says: "All NICs of a VM are in one virtual network.",
        codes: &[Code::SubnetsNotInSameVnet],
        cure: Cures::Stalls,
        remedy: "List NICs of one network.",
        source: "[ATTACH] constraints; VM-22",
        check: nics_are_in_one_network,
    },
    Rule {
        id: "VM-03",
        says: "A NIC is attached to an existing VM only while that is deallocated.",
        codes: &[Code::OperationNotAllowed],
        cure: Cures::Stalls,
        remedy: "Deallocate with the same edit.",
        source: "[NIC] attach a NIC; D-02, S-01",
        check: attaching_needs_deallocated,
    },
    Rule {
        id: "VM-04",
        says: "A NIC is detached only while the VM is deallocated.",
        codes: &[Code::OperationNotAllowed],
        cure: Cures::Stalls,
        remedy: "Deallocate with the same edit.",
        source: "[NIC] detach a NIC; D-02, S-01",
        check: detaching_needs_deallocated,
    },
    Rule {
        id: "IP6-06",
        says: "A NIC with IPv6 is attached only when the VM is created.",
        codes: &[Code::OperationNotAllowed],
        cure: Cures::Waits,
        remedy: "Remove the IPv6 configuration, or create another VM with the NIC.",
        source: "[IP] IPv6",
        check: ipv6_is_attached_at_creation,
    },
    Rule {
        id: "SIZE-02",
        says: "Accelerated networking of a NIC needs a VM size that supports it.",
        codes: &[Code::VMSizeIsNotPermittedToEnableAcceleratedNetworking],
        cure: Cures::Waits,
        remedy: "Choose another size, or switch it off on the NIC.",
        source: "azure-cli; azure-docs#29620; S-07",
        check: size_supports_acceleration,
    },
    Rule {
        id: "PIP-19",
        says: "Public addresses of Basic and Standard SKU do not mix within one VM or availability set.",
        codes: &[Code::DifferentSkuLoadBalancersAndPublicIPAddressNotAllowed],
        cure: Cures::Waits,
        remedy: "Use public addresses of one SKU.",
        source: "azure-docs, troubleshooting load balancers; S-25",
        check: skus_do_not_mix,
    },
    Rule {
        id: "PIP-05",
        says: "Dynamic public addresses are allocated with the running VM, from a pool that has them.",
        codes: &[Code::AllocationFailed],
        cure: Cures::Waits,
        remedy: "Delete what is not used, or enlarge the pool.",
        source: "recorded",
        check: public_pool_has_room,
    },
];

const LIST: &str = "spec.networkProfile.networkInterfaces";

fn nics_exist(case: &Vm<'_>, findings: &mut Findings) {
    for (n, nic) in case.ask.network_interfaces.iter().enumerate() {
        case.engine.refers::<NetworkInterface>(&nic.name, case.placement, format!("{LIST}[{n}]"), findings);
    }
}

fn availability_set_is_fixed(case: &Vm<'_>, findings: &mut Findings) {
    const PATH: &str = "spec.availabilitySet";
    if let Some(set) = &case.ask.availability_set {
        case.engine.refers::<AvailabilitySet>(set, case.placement, PATH, findings);
    }
    let Some(before) = case.before().filter(|before| before.availability_set != case.ask.availability_set) else {
        return;
    };
    let (fact, remedy) = match &before.availability_set {
        Some(set) => (
            format!("The VM was created in AvailabilitySet {set}."),
            format!("Set availabilitySet to {}, or create another virtual machine.", set.name),
        ),
        None => (
            "The VM was created in no availability set.".to_owned(),
            "Leave availabilitySet out, or create another virtual machine.".to_owned(),
        ),
    };
    findings.refuse(Code::PropertyChangeNotAllowed, PATH, fact, remedy);
}

fn has_a_nic(case: &Vm<'_>, findings: &mut Findings) {
    if case.ask.network_interfaces.is_empty() {
        findings.refuse(
            Code::InvalidParameter,
            LIST,
            format!("Virtual machine {} must have at least one network interface.", case.name),
            "List at least one network interface.",
        );
    }
}

fn size_takes_the_nics(case: &Vm<'_>, findings: &mut Findings) {
    let (count, size) = (case.ask.network_interfaces.len(), case.ask.size);
    if count > size.max_nics {
        findings.refuse(
            Code::NetworkInterfaceCountExceeded,
            LIST,
            format!("{count} network interfaces are listed, and size {} takes {}.", size.name, size.max_nics),
            format!("List at most {}, or choose a size that takes more.", size.max_nics),
        );
    }
}

fn configurations_are_few(case: &Vm<'_>, findings: &mut Findings) {
    let count: usize = nics(case).map(|(_, _, nic)| nic.ask.configurations.len()).sum();
    if count > limits::PRIVATE_ADDRESSES {
        let violation = findings.refuse(
            Code::InvalidParameter,
            LIST,
            format!("The listed network interfaces have {count} IP configurations together."),
            format!(
                "List fewer network interfaces, or fewer IP configurations on them: together at most {}.",
                limits::PRIVATE_ADDRESSES
            ),
        );
        for (_, reference, _) in nics(case) {
            violation.until(nic_object(&reference.name));
        }
    }
}

fn one_nic_is_primary(case: &Vm<'_>, findings: &mut Findings) {
    let marked: Vec<_> =
        case.ask.network_interfaces.iter().enumerate().filter(|(_, nic)| nic.primary == Primary::Yes).collect();
    match marked.as_slice() {
        [] if !case.ask.network_interfaces.is_empty() => {
            findings.refuse(
                Code::NetworkInterfaceMustHavePrimaryPropertySet,
                LIST,
                "Every network interface is marked primary: false.",
                "Mark one primary: true, or leave primary out.",
            );
        }
        [(_, first), others @ ..] => {
            for (n, other) in others {
                findings.refuse(
                    Code::InvalidParameter,
                    format!("{LIST}[{n}].primary"),
                    format!("NetworkInterfaces {} and {} are both marked primary.", first.name, other.name),
                    "Mark only one of them primary: true.",
                );
            }
        }
        [] => {}
    }
}

fn nics_are_listed_once(case: &Vm<'_>, findings: &mut Findings) {
    for (n, nic) in case.ask.network_interfaces.iter().enumerate() {
        if case.ask.network_interfaces.iter().take(n).any(|other| other.name == nic.name) {
            findings.refuse(
                Code::InvalidParameter,
                format!("{LIST}[{n}]"),
                format!("NetworkInterface {} is listed twice.", nic.name),
                "List it once.",
            );
        }
    }
}

fn nics_are_free(case: &Vm<'_>, findings: &mut Findings) {
    for (n, nic, programmed) in nics(case) {
        let holder = programmed.held.attached.as_ref().map(|attached| &attached.vm);
        let Some(holder) = holder.filter(|holder| *holder != case.name) else { continue };
        let vm = ObjectId::new(Kind::VirtualMachine, holder.clone());
        findings
            .refuse(
                Code::NicInUse,
                format!("{LIST}[{n}]"),
                format!("NetworkInterface {} is attached to {vm}.", nic.name),
                format!("Detach it from {vm} first, or list another network interface."),
            )
            .until(WaitKey::Claim(ObjectId::new(Kind::NetworkInterface, nic.name.clone())))
            .blocked_by(vm);
    }
}

fn nics_are_in_one_network(case: &Vm<'_>, findings: &mut Findings) {
    let network_of = |nic: &Programmed<NetworkInterface>| {
        case.engine.get::<Subnet>(&nic.ask.subnet).map(|subnet| subnet.ask.virtual_network.clone())
    };
    let mut networks = nics(case).filter_map(|(n, nic, programmed)| Some((n, &nic.name, network_of(programmed)?)));
    let Some((_, first, network)) = networks.next() else { return };
    for (n, other, other_network) in networks.filter(|(_, _, other)| *other != network) {
        findings
            .refuse(
                Code::SubnetsNotInSameVnet,
                format!("{LIST}[{n}]"),
                format!(
                    "NetworkInterface {other} is in VirtualNetwork {other_network}, and NetworkInterface {first} in {network}."
                ),
                format!("List network interfaces of VirtualNetwork {network} only."),
            )
            .as_of(nic_object(first))
            .as_of(nic_object(other));
    }
}

fn attaching_needs_deallocated(case: &Vm<'_>, findings: &mut Findings) {
    let Some(programmed) = case.programmed.filter(|programmed| !is_deallocated_for_edits(programmed, case.ask)) else {
        return;
    };
    let attached = case.engine.attached_to(case.name);
    for (n, nic, _) in nics(case).filter(|(_, nic, _)| !attached.contains(&nic.name)) {
        if programmed.ask.network_interfaces.iter().any(|before| before.name == nic.name) {
            continue; // listed before and lost since; it comes back without an edit
        }
        let message =
            format!("NetworkInterface {} cannot be attached while the VM is {}.", nic.name, programmed.held.power);
        findings
            .refuse(Code::OperationNotAllowed, format!("{LIST}[{n}]"), message, DEALLOCATE_FIRST)
            .as_of(WaitKey::Power(case.name.clone()))
            .as_of(nic_object(&nic.name));
    }
}

fn detaching_needs_deallocated(case: &Vm<'_>, findings: &mut Findings) {
    let Some(programmed) = case.programmed.filter(|programmed| !is_deallocated_for_edits(programmed, case.ask)) else {
        return;
    };
    for nic in case.engine.attached_to(case.name) {
        if case.ask.network_interfaces.iter().all(|listed| listed.name != nic) {
            let message =
                format!("NetworkInterface {nic} cannot be detached while the VM is {}.", programmed.held.power);
            findings
                .refuse(Code::OperationNotAllowed, LIST, message, DEALLOCATE_FIRST)
                .as_of(WaitKey::Power(case.name.clone()))
                .as_of(nic_object(&nic));
        }
    }
}

const DEALLOCATE_FIRST: &str = "Please stop/deallocate the VM and retry the operation: set powerState to Deallocated \
                                together with the new list, and to Running after it; or \
                                set disruptionPolicy to Deallocate.";

fn ipv6_is_attached_at_creation(case: &Vm<'_>, findings: &mut Findings) {
    let attached = case.engine.attached_to(case.name);
    let is_new = |nic: &NicReference| case.programmed.is_some() && !attached.contains(&nic.name);
    for (n, nic, programmed) in nics(case).filter(|(_, nic, _)| is_new(nic)) {
        if programmed.ask.configurations.iter().any(|configuration| configuration.version == IpVersion::IPv6) {
            findings
                .refuse(
                    Code::OperationNotAllowed,
                    format!("{LIST}[{n}]"),
                    format!("NetworkInterface {} has an IPv6 configuration, and the VM exists already.", nic.name),
                    "Remove the IPv6 configuration, or create another virtual machine with this network interface.",
                )
                .until(nic_object(&nic.name));
        }
    }
}

fn size_supports_acceleration(case: &Vm<'_>, findings: &mut Findings) {
    if case.ask.size.accelerated_networking == AcceleratedNetworking::Supported {
        return;
    }
    for (n, nic, _) in nics(case).filter(|(_, _, nic)| nic.ask.accelerated_networking == Switch::On) {
        findings
            .refuse(
                Code::VMSizeIsNotPermittedToEnableAcceleratedNetworking,
                format!("{LIST}[{n}]"),
                format!(
                    "NetworkInterface {} has accelerated networking, which size {} does not support.",
                    nic.name, case.ask.size.name
                ),
                "Choose a size that supports it, or remove enableAcceleratedNetworking from the network interface.",
            )
            .until(WaitKey::Object(ObjectId::new(Kind::NetworkInterface, nic.name.clone())));
    }
}

fn skus_do_not_mix(case: &Vm<'_>, findings: &mut Findings) {
    if nics(case).all(|(_, _, nic)| nic.ask.public_ip_addresses().next().is_none()) {
        return; // and nothing else is looked for
    }
    let sku = |public: &Name| case.engine.get::<PublicIPAddress>(public).map(|public| public.ask.sku);
    let mut beside = case.engine.public_addresses_beside(case.name, case.ask.availability_set.as_ref());
    let mut first = beside.find_map(|(nic, public)| Some((nic, public, sku(public)?)));
    for (n, reference, nic) in nics(case) {
        for public in nic.ask.public_ip_addresses() {
            let Some(sku) = sku(public) else { continue };
            let (holder, one, of) = first.get_or_insert((&reference.name, public, sku)); // the first one seen decides
            if *of != sku {
                findings
                    .refuse(
                        Code::DifferentSkuLoadBalancersAndPublicIPAddressNotAllowed,
                        format!("{LIST}[{n}]"),
                        format!("PublicIPAddress {public} is {sku}, and PublicIPAddress {one} is {of}."),
                        "Use public addresses of one SKU on all network interfaces of a virtual machine or availability set.",
                    )
                    .until(nic_object(&reference.name))
                    .until(WaitKey::Claim(ObjectId::new(Kind::PublicIPAddress, (*one).clone())))
                    .until(WaitKey::Claim(ObjectId::new(Kind::NetworkInterface, (*holder).clone())));
            }
        }
    }
}

fn public_pool_has_room(case: &Vm<'_>, findings: &mut Findings) {
    let power = case.programmed.map(|programmed| programmed.held.power);
    let starts = match case.ask.wish(power) {
        PowerWish::Running => true,
        // Started and stopped again (S-22, S-34).
        PowerWish::Stopped => {
            power.is_none_or(|power| power == PowerState::Deallocated || makes_way(case.engine, case.name, case.ask))
        }
        PowerWish::Deallocated => false,
    };
    let lacking = nics(case).flat_map(|(_, _, nic)| nic.ask.public_ip_addresses()).filter(|_| starts);
    needs_public_addresses(case.engine, lacking, "spec.powerState", findings);
}

fn nic_object(nic: &Name) -> WaitKey {
    WaitKey::Object(ObjectId::new(Kind::NetworkInterface, nic.clone()))
}

/// Deallocated now, or first thing in this put (S-01, S-38).
fn is_deallocated_for_edits(programmed: &Programmed<VirtualMachine>, ask: &VirtualMachine) -> bool {
    programmed.held.power == PowerState::Deallocated
        || ask.power == Some(PowerWish::Deallocated)
        || ask.disruption == Disruption::Deallocate
}

/// The listed NICs that exist, with their place in the list.
fn nics<'a>(case: &'a Vm<'_>) -> impl Iterator<Item = (usize, &'a NicReference, &'a Programmed<NetworkInterface>)> {
    let programmed = |name: &Name| case.engine.get::<NetworkInterface>(name);
    case.ask.network_interfaces.iter().enumerate().filter_map(move |(n, nic)| Some((n, nic, programmed(&nic.name)?)))
}
