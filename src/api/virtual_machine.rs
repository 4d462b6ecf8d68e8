//! VirtualMachine: what users write.
//!
//! CEL refuses what breaks VM-09, IPC-20 or PIP-27; the translation refuses an unknown size (S-35), a guest that cannot
//! be read (IPC-20), and a long restart annotation (S-06).

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::children::instance_of;
use super::common::{self, Address, TrackedResource, ZoneList};
use super::findings::Unreadable;
use super::references::{LocalReference, ObjectReference};
use super::status::Status;
use super::texts::{ComputerName, NamespaceName, ObjectName};
use super::{About, Api, RESTARTED_AT};
use crate::fabric::limits;
use crate::fabric::terms::DeleteOption;
use crate::fabric::virtual_machine::{
    DesiredPowerState, Disruption, GuestInterface, Member, NicReference, OsType, VirtualMachineView,
};
use crate::fabric::virtual_machine_scale_set::InstanceName;
use crate::fabric::zones::Zone;
use crate::fabric::{AvailabilitySet, Findings, Kind, Name, NetworkInterface, Violation, VirtualMachine};

/// A virtual machine, with the properties that concern its network: size, power state and network interfaces.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "vnet.dev",
    version = "v1alpha1",
    kind = "VirtualMachine",
    root = "VirtualMachineObject",
    doc = "A virtual machine of the simulated fabric, in Azure's model.",
    status = "Status<VirtualMachineView>",
    namespaced,
    shortname = "vm",
    category = "azure",
    printcolumn(
        name = "Size",
        type_ = "string",
        json_path = ".spec.hardwareProfile.vmSize",
        description = "The VM size."
    ),
    printcolumn(name = "Power", type_ = "string", json_path = ".status.powerState", description = "The power state."),
    printcolumn(
        name = "Private-IP",
        type_ = "string",
        json_path = ".status.networkInterfaces[?(@.primary==true)].privateIPAddress",
        description = "The private address of the primary network interface."
    )
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new(
    "!has(self.zones) || self.zones.size() == 0 || !has(self.availabilitySet)",
).message(
    "an availability set is in no zone: leave zones or availabilitySet out",
).field_path(".zones"))]
pub struct VirtualMachineSpec {
    /// What every resource has.
    #[serde(flatten)]
    pub resource: TrackedResource,
    /// The hardware of the virtual machine.
    pub hardware_profile: HardwareProfile,
    /// The operating system of the virtual machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os_profile: Option<OsProfile>,
    /// The availability set of which the virtual machine is a member, in the same namespace. Defaults to none.
    /// Immutable once programmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability_set: Option<LocalReference<AvailabilitySet>>,
    /// The availability zone of the virtual machine: one, and only without availabilitySet. Defaults to none. Immutable
    /// once programmed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "ZoneList", extend("maxItems" = 1))]
    pub zones: Vec<Zone>,
    /// What happens to an edit of the virtual machine or of its network interfaces that requires the virtual machine to
    /// be deallocated. Refuse: the edit is refused. Deallocate: the virtual machine is deallocated, edited and started
    /// again. May change at any time.
    #[serde(default)]
    pub disruption_policy: Disruption,
    /// The network interfaces of the virtual machine.
    pub network_profile: NetworkProfile,
    /// The desired power state: Running, Stopped or Deallocated. If it is omitted, the virtual machine is started at
    /// creation and its power state is not changed afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power_state: Option<DesiredPowerState>,
}

/// The hardware of a virtual machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HardwareProfile {
    /// The Azure VM size, such as Standard_D2s_v3, in any letter case. It limits the number of network interfaces.
    /// May change at any time to a size that supports those that are attached.
    #[schemars(length(min = 1, max = 64))]
    pub vm_size: String,
}

/// The guest of a virtual machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OsProfile {
    /// The host name of the guest. Defaults to the object's name, with dots replaced by hyphens, truncated to 64
    /// characters. May change at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<ComputerName>")]
    pub computer_name: Option<String>,
    /// The operating system of the guest. It determines the manualAddresses in the status. Default: Linux.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os_type: Option<OsType>,
    /// The addresses that are configured manually in the guest, if known. The conditions ConnectivityLost and
    /// GuestConfigurationDiffers report where they differ from the assigned addresses. Defaults to none. May change at
    /// any time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::NICS_PER_VM), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub network_interfaces: Vec<GuestInterfaceSpec>,
}

/// The addresses that are configured manually in the guest for a network interface.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-vnet-kind" = Kind::NetworkInterface.as_str()))]
pub struct GuestInterfaceSpec {
    /// The name of the network interface, as in spec.networkProfile.networkInterfaces.
    #[schemars(with = "ObjectName")]
    pub name: String,
    /// The IP addresses, the primary one first. On Linux, where DHCP configures the primary address, it may be omitted:
    /// a list that does not contain it and is not longer than the number of secondary IP configurations is read as the
    /// secondary addresses.
    #[schemars(length(min = 1, max = limits::PRIVATE_ADDRESSES), extend("x-kubernetes-list-type" = "atomic"))]
    pub addresses: Vec<Address>,
}

/// The network of a virtual machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct NetworkProfile {
    /// The network interfaces to attach, in this order at creation: at least one. The list may change only while the
    /// virtual machine is deallocated, or together with powerState: Deallocated.
    #[schemars(length(min = 1, max = limits::NICS_PER_VM), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    #[x_kube(validation = ("self.filter(n, has(n.primary) && n.primary).size() < 2", "only one network interface may be primary: leave primary: true to one of them"))]
    pub network_interfaces: Vec<NicReferenceSpec>,
}

/// A reference to a network interface to attach.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-vnet-kind" = Kind::NetworkInterface.as_str()))]
// It flattens no `ObjectReference`: that is atomic, and the items of this list are merged by field in server-side apply.
pub struct NicReferenceSpec {
    /// The name of the NetworkInterface object.
    #[schemars(with = "ObjectName")]
    pub name: String,
    /// The namespace of the NetworkInterface object. Defaults to the namespace of this object. Names must be unique
    /// within the list, even across namespaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NamespaceName>")]
    pub namespace: Option<String>,
    /// Whether this is the primary network interface. Defaults to true for the first of the list at creation, and
    /// afterwards for the current one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary: Option<bool>,
    /// What happens to the network interface when the virtual machine is deleted. Delete: it is deleted, too, which requires
    /// that it is in the same namespace. Detach: it stays. Defaults to Detach. May change at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_option: Option<DeleteOption>,
}

impl NicReferenceSpec {
    fn reference(&self) -> ObjectReference<NetworkInterface> {
        ObjectReference::new(self.name.clone(), self.namespace.clone())
    }
}

impl Api for VirtualMachine {
    type Spec = VirtualMachineSpec;
    type Object = VirtualMachineObject;

    fn translate(about: &About, spec: &VirtualMachineSpec) -> Result<Self, Vec<Violation>> {
        let mut findings = Findings::default();
        let os = spec.os_profile.clone().unwrap_or_default();
        let nic = |asked: &NicReferenceSpec| NicReference {
            name: asked.reference().name_from(&about.name),
            primary: asked.primary.into(),
            delete_option: asked.delete_option.unwrap_or_default(),
        };
        let network_interfaces: Vec<NicReference> = spec.network_profile.network_interfaces.iter().map(nic).collect();
        let guest = guest(&os.network_interfaces, &network_interfaces, &mut findings);
        restart_is_short(about, &mut findings);
        let size = common::vm_size(&spec.hardware_profile.vm_size, "spec.hardwareProfile.vmSize", &mut findings);
        let zones = common::zones(&spec.zones, &mut findings);
        let Some(size) = size else { return Err(findings.into_violations()) };
        let ask = Self {
            zones,
            availability_set: spec.availability_set.as_ref().map(|set| set.name_from(&about.name)),
            disruption: spec.disruption_policy,
            guest,
            size,
            computer_name: os.computer_name.unwrap_or_else(|| computer_name(&about.name)),
            os_type: os.os_type.unwrap_or_default(),
            network_interfaces,
            power: spec.power_state,
            restarted_at: about.restarted_at.clone(),
            member: member(about),
        };
        findings.into_result(ask)
    }

    fn describe(&self, name: &Name, location: &str) -> VirtualMachineSpec {
        let nic = |asked: &NicReference| {
            let ObjectReference { name, namespace, .. } = ObjectReference::<NetworkInterface>::to(&asked.name, name);
            NicReferenceSpec {
                name,
                namespace,
                primary: asked.primary.into(),
                delete_option: asked.delete_option.described(),
            }
        };
        VirtualMachineSpec {
            resource: TrackedResource::in_location(location),
            hardware_profile: HardwareProfile { vm_size: self.size.name.to_owned() },
            os_profile: Some(OsProfile {
                computer_name: Some(self.computer_name.clone()),
                os_type: Some(self.os_type),
                network_interfaces: self.guest.iter().map(describe_guest).collect(),
            }),
            availability_set: self.availability_set.as_ref().map(LocalReference::to),
            zones: self.zones.iter().copied().collect(),
            disruption_policy: self.disruption,
            network_profile: NetworkProfile { network_interfaces: self.network_interfaces.iter().map(nic).collect() },
            power_state: self.power,
        }
    }

    fn tracked(spec: &VirtualMachineSpec) -> Option<&TrackedResource> {
        Some(&spec.resource)
    }
}

/// What a guest is called whose virtual machine is called this: a computer's name is shorter, and has no dots.
fn computer_name(vm: &Name) -> String {
    let cut: String = vm.name.replace('.', "-").chars().take(limits::COMPUTER_NAME_LENGTH).collect();
    cut.trim_end_matches('-').to_owned()
}

/// Its place in the Flexible scale set that owns it: the set calls it `<set>-<id>` (S-29).
fn member(about: &About) -> Option<Box<Member>> {
    let owner = about.owner.as_ref()?;
    let id = instance_of(&owner.set, &about.name)
        .filter(|id| InstanceName { set: &owner.set, id: *id }.object() == about.name)?;
    let (revision, wish) = about.revisions.clone();
    Some(Box::new(Member {
        set: owner.set.clone(),
        owner: owner.uid.clone(),
        id,
        revision: revision.unwrap_or(0),
        desired_revision: wish,
    }))
}

/// The status repeats what asks for a restart (S-06).
pub(super) fn restart_is_short(about: &About, findings: &mut Findings) {
    let length = about.restarted_at.as_ref().map_or(0, |at| at.chars().count());
    if length > limits::RESTARTED_AT_LENGTH {
        let path = format!("metadata.annotations[{RESTARTED_AT}]");
        findings.under("S-06").add(path, Unreadable::RestartTooLong { length });
    }
}

/// What the guest is said to have set; a network interface is known by its name in the list.
fn guest(declared: &[GuestInterfaceSpec], listed: &[NicReference], findings: &mut Findings) -> Vec<GuestInterface> {
    let mut guest = Vec::new();
    for (n, declared) in declared.iter().enumerate() {
        let addresses = declared.addresses.iter().enumerate().filter_map(|(m, text)| {
            let path = format!("spec.osProfile.networkInterfaces[{n}].addresses[{m}]");
            common::private_address(text, "IPC-20", path, findings)
        });
        let addresses = addresses.collect();
        match listed.iter().find(|listed| *listed.name.name == *declared.name) {
            Some(listed) => guest.push(GuestInterface { network_interface: listed.name.clone(), addresses }),
            None => {
                let path = format!("spec.osProfile.networkInterfaces[{n}].name");
                findings.under("IPC-20").add(path, Unreadable::GuestNicNotListed { name: declared.name.clone() });
            }
        }
    }
    guest
}

fn describe_guest(guest: &GuestInterface) -> GuestInterfaceSpec {
    GuestInterfaceSpec {
        name: guest.network_interface.name.to_string(),
        addresses: common::addresses(&guest.addresses),
    }
}
