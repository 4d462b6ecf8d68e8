//! The rules that are checked before any kind's own or where a spec is read, and those that the API server holds as well.

use crate::fabric::id::Kind;
use crate::fabric::resource::AtApply::{self, Cel, Schema};
use crate::fabric::resource::{Cures, Scope};
use crate::fabric::violation::Code;

/// A rule that refuses, and is no row of a kind's `RULES` table.
#[derive(Clone, Copy, Debug)]
pub struct General {
    /// Its id.
    pub id: &'static str,
    /// What it looks at.
    pub scope: Scope,
    /// The kinds that it speaks of; none means every kind.
    pub kinds: &'static [Kind],
    /// Whether it is a deletion that it refuses.
    pub deletion: bool,
    /// The rule in one sentence.
    pub says: &'static str,
    /// The codes that it refuses with.
    pub codes: &'static [Code],
    /// Who can cure what breaks it.
    pub cure: Cures,
    /// How the API server refuses it, too.
    pub at_apply: Option<AtApply>,
    /// What to do, in short.
    pub remedy: &'static str,
    /// The article or other source.
    pub source: &'static str,
}

/// Every such rule.
pub const GENERAL: &[General] = &[
    General {
        id: "ARM-04",
        scope: Scope::Spec,
        kinds: &[],
        deletion: false,
        says: "A body that is not of the form that the CRD describes is refused as a whole, and nothing else is looked at; so is a list of more items than the CRD allows, before IPC-15, NIC-21 or VNET-10 count them.",
        codes: &[Code::InvalidRequestContent, Code::InvalidParameter],
        cure: Cures::Stalls,
        at_apply: Some(Schema),
        remedy: "Write the field as the message says.",
        source: "recorded",
    },
    General {
        id: "ARM-07",
        scope: Scope::State,
        kinds: &[],
        deletion: false,
        says: "An object takes the place of an earlier one of its name that the fabric still carries, with all that it holds, if that one could be edited to be it (S-89); otherwise it waits until the earlier one has left the fabric.",
        codes: &[Code::AnotherOperationInProgress],
        cure: Cures::Waits,
        at_apply: None,
        remedy: "Ask for what the earlier one has, or release that from what uses it.",
        source: "recorded",
    },
    General {
        id: "ARM-10",
        scope: Scope::State,
        kinds: &[],
        deletion: false,
        says: "A name has at most 80 characters; so has the name in Azure that spec.azureName gives, which is fixed, and regardless of case unique among the objects of the kind in the namespace (of subnets, in the virtual network): the first has it.",
        codes: &[Code::InvalidResourceName, Code::PropertyChangeNotAllowed, Code::DuplicateResourceName],
        cure: Cures::Either,
        at_apply: Some(Schema),
        remedy: "Choose another name.",
        source: "Azure's resource model",
    },
    General {
        id: "ARM-16",
        scope: Scope::State,
        kinds: &[],
        deletion: false,
        says: "The name of a new tag has none of < > % & \\ ? /.",
        codes: &[Code::InvalidTagNameCharacters],
        cure: Cures::Stalls,
        at_apply: None,
        remedy: "Choose a name without these characters.",
        source: "coreos/tectonic-installer#596",
    },
    General {
        id: "S-94",
        scope: Scope::State,
        kinds: &[],
        deletion: false,
        says: "The JSON of a spec has at most 480 KiB, its defaults included; of one that had more when it was accepted, at most as much.",
        codes: &[Code::RequestContentTooLarge],
        cure: Cures::Stalls,
        at_apply: None,
        remedy: "Shorten it, or divide it among several objects.",
        source: "this project; etcd takes objects of up to 1.5 MiB, and a status repeats the spec",
    },
    General {
        id: "IPC-20",
        scope: Scope::Spec,
        kinds: &[Kind::VirtualMachine],
        deletion: false,
        says: "What a guest is said to have set is addresses, on NICs that the VM lists.",
        codes: &[Code::InvalidParameter, Code::InvalidPrivateIPAddressFormat],
        cure: Cures::Stalls,
        at_apply: Some(Cel),
        remedy: "Name a NIC of the list, and addresses such as 10.0.1.10.",
        source: "this project",
    },
    General {
        id: "S-06",
        scope: Scope::Spec,
        kinds: &[Kind::VirtualMachine, Kind::VirtualMachineScaleSetVM, Kind::VirtualMachineScaleSet],
        deletion: false,
        says: "The annotation that asks for a restart has at most 64 characters.",
        codes: &[Code::InvalidParameter],
        cure: Cures::Stalls,
        at_apply: None,
        remedy: "Write the time, or another short text.",
        source: "this project",
    },
    General {
        id: "S-12",
        scope: Scope::State,
        kinds: &[],
        deletion: false,
        says: "A location has lower-case letters and digits; an object stays in its own.",
        codes: &[Code::InvalidResourceLocation],
        cure: Cures::Stalls,
        at_apply: Some(Schema),
        remedy: "Name the location that it is in, or create it again.",
        source: "Azure's resource model",
    },
    General {
        id: "S-16",
        scope: Scope::Spec,
        kinds: &[Kind::VirtualNetwork, Kind::Subnet],
        deletion: false,
        says: "A range is in CIDR notation and has no host bits; a subnet has one IPv4 range, and at most one IPv6 range.",
        codes: &[Code::InvalidCIDRNotation, Code::InvalidAddressPrefixFormat, Code::NetcfgInvalidSubnet],
        cure: Cures::Stalls,
        at_apply: Some(Cel),
        remedy: "Write the first address of the range, and its length.",
        source: "recorded; azure-docs PR#123869",
    },
    General {
        id: "S-35",
        scope: Scope::Spec,
        kinds: &[Kind::VirtualMachine, Kind::VirtualMachineScaleSet],
        deletion: false,
        says: "A size is in the table of sizes.",
        codes: &[Code::InvalidParameter],
        cure: Cures::Stalls,
        at_apply: None,
        remedy: "Choose one of the nearest, which the message names.",
        source: "this project",
    },
    General {
        id: "VMSS-28",
        scope: Scope::Spec,
        kinds: &[Kind::VirtualMachineScaleSet],
        deletion: false,
        says: "The policy of a Rolling upgrade has percentages of 0 to 100, and an ISO 8601 duration.",
        codes: &[Code::InvalidParameter],
        cure: Cures::Stalls,
        at_apply: Some(Schema),
        remedy: "Write such numbers, and a duration such as PT30S.",
        source: "upgrade-scale-set.md",
    },
    General {
        id: "VM-23",
        scope: Scope::State,
        kinds: &[Kind::VirtualMachine],
        deletion: true,
        says: "A VM is deleted after what is deleted with it, and stays while the API server refuses to delete that.",
        codes: &[Code::OperationNotAllowed],
        cure: Cures::Waits,
        at_apply: None,
        remedy: "Delete what is to go with it, or set its deleteOption to Detach.",
        source: "azure-docs virtual-machines/delete.md",
    },
];
