//! The rules of virtual machines and of attaching network interfaces (VM, SIZE): the table, and the checks of the list.

mod attaching;
mod public;

use super::findings::VmFinding;
use super::{DESIRED_REVISION, NicReference, VirtualMachine};
use crate::fabric::id::{Kind, Name, ObjectId};
use crate::fabric::limits;
use crate::fabric::network_interface::NetworkInterface;
use crate::fabric::reference;
use crate::fabric::resource::{AtApply, Case, Cures, Programmed, Rule, Scope};
use crate::fabric::sizes::AcceleratedNetworking;
use crate::fabric::terms::{DeleteOption, Primary, Switch};
use crate::fabric::violation::{Code, Findings};
use crate::fabric::virtual_machine_scale_set_vm::revision_is_of_the_set;
use crate::fabric::zones;

type VmCase<'a> = Case<'a, VirtualMachine>;

pub(super) const RULES: &[Rule<VirtualMachine>] = &[
    Rule {
        id: "NIC-03",
        scope: Scope::References,
        says: "The NICs of a VM exist, in the VM's location and subscription.",
        codes: &[Code::InvalidResourceReference],
        cure: Cures::Waits,
        at_apply: None,
        remedy: "Create the NIC.",
        source: "[NIC] create a network interface; Azure/azure-cli#13258",
        check: reference::exist,
    },
    Rule {
        id: "AVS-01",
        scope: Scope::References,
        says: "The availability set of a VM exists, in the VM's location and subscription.",
        codes: &[Code::InvalidResourceReference],
        cure: Cures::Waits,
        at_apply: None,
        remedy: "Create the availability set.",
        source: "[ATTACH] constraints",
        check: reference::exist,
    },
    Rule {
        id: "AVS-01",
        scope: Scope::State,
        says: "A VM joins an availability set only at creation.",
        codes: &[Code::PropertyChangeNotAllowed],
        cure: Cures::Stalls,
        at_apply: None,
        remedy: "Keep the set, or create another VM.",
        source: "[ATTACH] constraints; Azure/azure-powershell#1820; S-14",
        check: availability_set_is_fixed,
    },
    Rule {
        id: "PIP-27",
        scope: Scope::State,
        says: "A VM has at most one zone, fixed at creation, and no availability set beside it.",
        codes: &[Code::InvalidParameter, Code::PropertyChangeNotAllowed],
        cure: Cures::Stalls,
        at_apply: Some(AtApply::Cel),
        remedy: "Keep the zone, or create another VM; name one zone, or an availability set.",
        source: "azure-docs availability-zones",
        check: zone_is_fixed,
    },
    Rule {
        id: "AVS-04",
        scope: Scope::State,
        says: "An availability set has at most 200 VMs.",
        codes: &[Code::AvailabilitySetVMCountLimitReached],
        cure: Cures::Waits,
        at_apply: None,
        remedy: "Use another availability set, or delete a VM of this one.",
        source: "azure-subscription-service-limits.md",
        check: availability_set_has_room,
    },
    Rule {
        id: "S-31",
        scope: Scope::State,
        says: "The desired revision of an instance of a Flexible scale set is at most the set's latest.",
        codes: &[Code::InvalidParameter],
        cure: Cures::Stalls,
        at_apply: None,
        remedy: "Set it to the set's status.updateRevision.",
        source: "[VMSS] upgrade policy; recorded",
        check: revision_is_known,
    },
    Rule {
        id: "VM-01",
        scope: Scope::Spec,
        says: "A VM has at least one NIC; the last one cannot be removed.",
        codes: &[Code::InvalidParameter],
        cure: Cures::Stalls,
        at_apply: Some(AtApply::Schema),
        remedy: "List at least one NIC.",
        source: "[ATTACH] constraints; VM-05, D-11",
        check: has_a_nic,
    },
    Rule {
        id: "VM-02",
        scope: Scope::Spec,
        says: "A VM has at most as many NICs as its size supports.",
        codes: &[Code::NetworkInterfaceCountExceeded],
        cure: Cures::Stalls,
        at_apply: Some(AtApply::Schema),
        remedy: "List fewer, or choose a larger size.",
        source: "[ATTACH] constraints; VM-17; vm-sizes.csv",
        check: size_takes_the_nics,
    },
    Rule {
        id: "IPC-15",
        scope: Scope::References,
        says: "All NICs of a VM together have at most 256 private addresses.",
        codes: &[Code::InvalidParameter],
        cure: Cures::Waits,
        at_apply: None,
        remedy: "List fewer NICs, or fewer IP configurations on them.",
        source: "azure-virtual-network-limits.md",
        check: configurations_are_few,
    },
    Rule {
        id: "VM-09",
        scope: Scope::Spec,
        says: "Exactly one NIC of a VM is primary.",
        codes: &[Code::InvalidParameter, Code::NetworkInterfaceMustHavePrimaryPropertySet],
        cure: Cures::Stalls,
        at_apply: Some(AtApply::Cel),
        remedy: "Mark exactly one primary, or none.",
        source: "[ATTACH] constraints; ansible#40648; D-07, S-05",
        check: one_nic_is_primary,
    },
    Rule {
        id: "S-26",
        scope: Scope::Spec,
        says: "A NIC is listed once.",
        codes: &[Code::InvalidParameter],
        cure: Cures::Stalls,
        at_apply: Some(AtApply::Schema),
        remedy: "List it once.",
        source: "Azure's resource model: the list is keyed by NIC",
        check: nics_are_listed_once,
    },
    Rule {
        id: "VM-23",
        scope: Scope::Spec,
        says: "A NIC that is deleted with its VM is of the VM's namespace.",
        codes: &[Code::InvalidParameter],
        cure: Cures::Stalls,
        at_apply: None,
        remedy: "Leave deleteOption out, or list a NIC of the same namespace.",
        source: "azure-docs virtual-machines/delete.md; azure-rest-api-specs#25475",
        check: nics_to_delete_are_its_own,
    },
    Rule {
        id: "VM-07",
        scope: Scope::State,
        says: "A NIC that is attached to one VM cannot be attached to another.",
        codes: &[Code::NicInUse],
        cure: Cures::Waits,
        at_apply: None,
        remedy: "Detach it from the other VM, or list another.",
        source: "[ATTACH] constraints; pulumi-azure#441",
        check: attaching::nics_are_free,
    },
    Rule {
        id: "VM-06",
        scope: Scope::References,
        says: "All NICs of a VM are in one virtual network.",
        codes: &[Code::SubnetsNotInSameVnet],
        cure: Cures::Stalls,
        at_apply: None,
        remedy: "List NICs of one network.",
        source: "[ATTACH] constraints; VM-22",
        check: attaching::nics_are_in_one_network,
    },
    Rule {
        id: "VM-03",
        scope: Scope::State,
        says: "A NIC is attached to an existing VM only while that is deallocated.",
        codes: &[Code::OperationNotAllowed],
        cure: Cures::Stalls,
        at_apply: None,
        remedy: "Deallocate with the same edit.",
        source: "[NIC] attach a NIC; D-02, S-01",
        check: attaching::attaching_needs_deallocated,
    },
    Rule {
        id: "VM-04",
        scope: Scope::State,
        says: "A NIC is detached only while the VM is deallocated.",
        codes: &[Code::OperationNotAllowed],
        cure: Cures::Stalls,
        at_apply: None,
        remedy: "Deallocate with the same edit.",
        source: "[NIC] detach a NIC; D-02, S-01",
        check: attaching::detaching_needs_deallocated,
    },
    Rule {
        id: "IP6-06",
        scope: Scope::State,
        says: "A NIC with IPv6 is attached only when the VM is created.",
        codes: &[Code::OperationNotAllowed],
        cure: Cures::Waits,
        at_apply: None,
        remedy: "Remove the IPv6 configuration, or create another VM with the NIC.",
        source: "[IP] IPv6",
        check: attaching::ipv6_is_attached_at_creation,
    },
    Rule {
        id: "SIZE-02",
        scope: Scope::References,
        says: "Accelerated networking of a NIC needs a VM size that supports it.",
        codes: &[Code::VMSizeIsNotPermittedToEnableAcceleratedNetworking],
        cure: Cures::Waits,
        at_apply: None,
        remedy: "Choose another size, or switch it off on the NIC.",
        source: "azure-cli; azure-docs#29620; S-07",
        check: size_supports_acceleration,
    },
    Rule {
        id: "PIP-19",
        scope: Scope::State,
        says: "Public addresses of Basic and Standard SKU do not mix within one VM or availability set.",
        codes: &[Code::DifferentSkuLoadBalancersAndPublicIPAddressNotAllowed],
        cure: Cures::Waits,
        at_apply: None,
        remedy: "Use public addresses of one SKU.",
        source: "azure-docs, troubleshooting load balancers; S-25",
        check: public::skus_do_not_mix,
    },
    Rule {
        id: "PIP-05",
        scope: Scope::State,
        says: "Dynamic public addresses are allocated with the running VM, from a pool that has them.",
        codes: &[Code::AllocationFailed],
        cure: Cures::Waits,
        at_apply: None,
        remedy: "Delete what is not used, or enlarge the pool.",
        source: "recorded",
        check: public::public_pool_has_room,
    },
];

const LIST: &str = "spec.networkProfile.networkInterfaces";

/// The place of a network interface in the list.
pub(super) fn place(n: usize) -> String {
    format!("{LIST}[{n}]")
}

fn availability_set_is_fixed(case: &VmCase<'_>, findings: &mut Findings) {
    let before = case.before().map(|before| &before.availability_set);
    if let Some(before) = before.filter(|before| **before != case.ask.availability_set) {
        findings.add("spec.availabilitySet", VmFinding::AvailabilitySetChanged { before: before.clone() });
    }
}

fn zone_is_fixed(case: &VmCase<'_>, findings: &mut Findings) {
    zones::are_fixed(case, findings);
    let zones = &case.ask.zones;
    if zones.len() > 1 {
        findings.add(zones::PATH, VmFinding::SeveralZones { zones: zones.clone() });
    } else if let Some(set) = case.ask.availability_set.as_ref().filter(|_| !zones.is_empty()) {
        findings.add(zones::PATH, VmFinding::ZoneInAvailabilitySet { set: set.clone() });
    }
}

/// Judges only a VM that joins: what is in a set stays (S-93).
fn availability_set_has_room(case: &VmCase<'_>, findings: &mut Findings) {
    let Some(set) = &case.ask.availability_set else { return };
    let set = ObjectId::new(Kind::AvailabilitySet, set.clone());
    let members = case.engine.referrers(&set, Kind::VirtualMachine);
    if !members.contains(case.name) && members.len() >= limits::VMS_PER_AVAILABILITY_SET {
        findings.add("spec.availabilitySet", VmFinding::AvailabilitySetIsFull { set });
    }
}

fn revision_is_known(case: &VmCase<'_>, findings: &mut Findings) {
    let Some(member) = &case.ask.member else { return };
    if let Some(wish) = &member.desired_revision {
        let path = format!("metadata.annotations[{DESIRED_REVISION}]");
        revision_is_of_the_set(case.engine, wish, &member.set, &path, findings);
    }
}

fn has_a_nic(case: &VmCase<'_>, findings: &mut Findings) {
    if case.ask.network_interfaces.is_empty() {
        findings.add(LIST, VmFinding::NoNic { vm: case.name.clone() });
    }
}

fn size_takes_the_nics(case: &VmCase<'_>, findings: &mut Findings) {
    let (count, size) = (case.ask.network_interfaces.len(), case.ask.size);
    if count > size.max_nics {
        findings.add(LIST, VmFinding::TooManyNics { count, size });
    }
}

fn configurations_are_few(case: &VmCase<'_>, findings: &mut Findings) {
    let count: usize = nics(case).map(|(_, _, nic)| nic.ask.configurations.len()).sum();
    if count > limits::PRIVATE_ADDRESSES {
        let nics = nics(case).map(|(_, reference, _)| reference.name.clone()).collect();
        findings.add(LIST, VmFinding::TooManyConfigurations { nics });
    }
}

fn one_nic_is_primary(case: &VmCase<'_>, findings: &mut Findings) {
    let marked: Vec<_> =
        case.ask.network_interfaces.iter().enumerate().filter(|(_, nic)| nic.primary == Primary::Yes).collect();
    match marked.as_slice() {
        [] if !case.ask.network_interfaces.is_empty() => findings.add(LIST, VmFinding::NonePrimary),
        [(_, first), others @ ..] => {
            for (n, nic) in others {
                let (first, nic) = (first.name.clone(), nic.name.clone());
                findings.add(format!("{LIST}[{n}].primary"), VmFinding::SeveralPrimary { first, nic });
            }
        }
        [] => {}
    }
}

fn nics_are_listed_once(case: &VmCase<'_>, findings: &mut Findings) {
    for (n, nic) in case.ask.network_interfaces.iter().enumerate() {
        if case.ask.network_interfaces.iter().take(n).any(|other| other.name == nic.name) {
            findings.add(place(n), VmFinding::ListedTwice { nic: nic.name.clone() });
        }
    }
}

fn nics_to_delete_are_its_own(case: &VmCase<'_>, findings: &mut Findings) {
    for (n, nic) in case.ask.network_interfaces.iter().enumerate() {
        if nic.delete_option == DeleteOption::Delete && nic.name.namespace != case.name.namespace {
            findings.add(format!("{LIST}[{n}].deleteOption"), VmFinding::DeletesForeignNic { nic: nic.name.clone() });
        }
    }
}

fn size_supports_acceleration(case: &VmCase<'_>, findings: &mut Findings) {
    let size = case.ask.size;
    if size.accelerated_networking == AcceleratedNetworking::Supported {
        return;
    }
    for (n, nic, _) in nics(case).filter(|(_, _, nic)| nic.ask.accelerated_networking == Switch::On) {
        findings.add(place(n), VmFinding::AccelerationUnsupported { nic: nic.name.clone(), size });
    }
}

/// The listed NICs that exist, with their place in the list.
fn nics<'a>(case: &'a VmCase<'_>) -> impl Iterator<Item = (usize, &'a NicReference, &'a Programmed<NetworkInterface>)> {
    let programmed = |name: &Name| case.engine.get::<NetworkInterface>(name);
    case.ask.network_interfaces.iter().enumerate().filter_map(move |(n, nic)| Some((n, nic, programmed(&nic.name)?)))
}
