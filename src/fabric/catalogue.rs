//! The rule catalogue: every numbered rule of the specification, and what became of it here.
//!
//! A rule that refuses is a row of a `RULES` table and stands there; this adds those that show otherwise, and those that
//! do not hold here, with the reason. None is left out in silence.

use super::id::Kind;
use super::kind::refusing_rules;
use super::resource::Refusing;

/// What became of a rule that is no row of a `RULES` table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It cannot be broken: the schema or the shape of the resources leaves no way to say it.
    ByShape(&'static str),
    /// Another rule refuses what breaks it.
    Within(&'static str),
    /// It is an effect of the fabric, seen in status.
    Observed(&'static str),
    /// It is a matter of the guest or of traffic; a field or condition tells it.
    Reported(&'static str),
    /// It does not hold here, and why.
    NotModelled(&'static str),
}

/// A rule that refuses nothing by itself, or a run of rules of one subject.
#[derive(Clone, Copy, Debug)]
pub struct Remark {
    /// Its id, or the first and the last of a run: `NSG-01 to NSG-24`.
    pub id: &'static str,
    /// What it says, or what the run is about.
    pub says: &'static str,
    /// What became of it.
    pub standing: Standing,
}

use Standing::{ByShape, NotModelled, Observed, Reported, Within};

const fn remark(id: &'static str, says: &'static str, standing: Standing) -> Remark {
    Remark { id, says, standing }
}

const NO_TRAFFIC: Standing = NotModelled("The fabric is a control plane: no packet flows in it.");
const NO_NSG: Standing = NotModelled("The kind NetworkSecurityGroup does not exist yet.");
const NO_BALANCER: Standing = NotModelled("The kind LoadBalancer does not exist yet.");

/// Every rule that is no row of a `RULES` table.
pub const REMARKS: &[Remark] = &[
    remark(
        "NIC-01",
        "A NIC names a subnet from its creation on.",
        ByShape("spec.subnet is required (SubnetIsRequired)"),
    ),
    remark("NIC-02", "A NIC lives independently of any VM.", Observed("an unattached NIC is Ready, and can be edited")),
    remark(
        "NIC-04",
        "A NIC may be in another resource group than its VM and its network.",
        Observed("references may name a namespace of the same subscription"),
    ),
    remark(
        "NIC-07",
        "A move to another subnet gives every configuration a new address.",
        Observed("status.ipConfigurations"),
    ),
    remark(
        "NIC-09",
        "All configurations of a NIC are in one subnet.",
        ByShape("the NIC names the subnet, not the configuration"),
    ),
    remark(
        "NIC-10",
        "A NIC's name is unique in its resource group, and fixed.",
        ByShape("so are names of objects in a namespace"),
    ),
    remark(
        "NIC-11",
        "A NIC moves to another resource group only with all that is related to it.",
        NotModelled("An object cannot move to another namespace."),
    ),
    remark("NIC-13", "A user cannot choose the MAC address.", ByShape("spec has no such field")),
    remark(
        "NIC-14",
        "The MAC address is assigned when the VM of an attached NIC first starts.",
        Observed("status.macAddress"),
    ),
    remark(
        "NIC-15",
        "The MAC address stays until the NIC is deleted or the primary address of the primary NIC changes.",
        Observed("status.macAddress; condition RestartRequired while the VM runs without one"),
    ),
    remark("NIC-16", "MAC addresses begin with 00-0D-3A or 00-22-48, and are unique.", Observed("status.macAddress")),
    remark(
        "NIC-17",
        "A NIC tells its VM and whether it is primary, while attached.",
        Observed("status.virtualMachine, status.primary"),
    ),
    remark(
        "NIC-18",
        "With IP forwarding a VM passes on traffic that is not its own.",
        Reported("status.programmed.enableIPForwarding; no packet flows"),
    ),
    remark("NIC-19", "A NIC has at most one network security group.", NO_NSG),
    remark(
        "NIC-22",
        "An internal name label gives an internal domain name; applied DNS servers appear with the started VM.",
        Observed("status.dnsSettings"),
    ),
    remark(
        "NIC-23",
        "A virtual network has its own DNS servers or the platform's, which resolve only within it.",
        Observed("status.dnsSettings.appliedDnsServers; names are not resolved"),
    ),
    remark(
        "NIC-25",
        "Deleting a NIC gives back its MAC and addresses; public addresses are dissociated, not deleted.",
        Observed("status of the subnet and of the public addresses"),
    ),
    remark("NIC-26", "IP forwarding is needed on every NIC that receives traffic to forward.", NO_TRAFFIC),
    remark("NIC-27", "A NIC starts with one primary configuration.", Observed("the only configuration is primary")),
    remark("NIC-28", "A subnet has at most one network security group.", NO_NSG),
    remark(
        "NIC-29",
        "Addresses belong to the NIC, and travel with it.",
        Observed("status.ipConfigurations after the NIC is attached elsewhere"),
    ),
    remark(
        "IPC-03",
        "Making another configuration primary makes the old one secondary; addresses stay.",
        Observed("status.ipConfigurations"),
    ),
    remark("IPC-04", "The primary configuration is listed first.", Observed("status.ipConfigurations")),
    remark(
        "IPC-06",
        "A static address lies in the subnet, is free, and is taken exactly.",
        Within("ADDR-09, ADDR-01, ADDR-08"),
    ),
    remark("IPC-07", "Method and address can be changed later.", Observed("an edit of the configuration")),
    remark("IPC-08", "Static to Dynamic keeps the address.", Observed("status.ipConfigurations")),
    remark(
        "IPC-09",
        "Dynamic to Static keeps the address, or takes the one that is given.",
        Observed("status.ipConfigurations; status.programmed names the address"),
    ),
    remark("IPC-11", "An added configuration is secondary.", Observed("unless the same edit marks it primary (D-09)")),
    remark("IPC-13", "All configurations of a NIC use one subnet.", ByShape("as NIC-09")),
    remark(
        "IPC-14",
        "A secondary configuration can be deleted at any time; its public address survives.",
        Observed("status of the public address"),
    ),
    remark(
        "IPC-16",
        "A configuration has one private address and at most one public one.",
        ByShape("publicIPAddress is one reference"),
    ),
    remark("IPC-17", "Any configuration may join the pool of a load balancer.", NO_BALANCER),
    remark("IPC-18", "A NIC keeps at least one private IPv4 address.", Within("IPC-01, IP6-01")),
    remark(
        "IPC-19",
        "DHCP hands the guest only the primary address of each NIC.",
        Reported("status.networkInterfaces of the VM: dhcpAddress, manualAddresses"),
    ),
    remark(
        "IPC-20",
        "A guest whose primary address is another than the fabric's is cut off.",
        Reported(
            "condition ConnectivityLost of the VM, if osProfile.networkInterfaces declares what the guest has set",
        ),
    ),
    remark(
        "IPC-21",
        "A changed primary address must be set anew by hand on Windows with several configurations.",
        Reported("manualAddresses of the VM lists the primary address too; condition GuestConfigurationDiffers"),
    ),
    remark("IPC-22", "Stop and start never release a static address.", Observed("status.ipConfigurations")),
    remark("IPC-23", "The default method is Dynamic.", Observed("status.programmed")),
    remark(
        "IPC-24",
        "A guest is set back to DHCP before its addresses change, and configured after it.",
        Reported("the message of condition GuestConfigurationDiffers"),
    ),
    remark("IP6-07", "A private IPv6 address talks only with the load balancer.", NO_TRAFFIC),
    remark(
        "IP6-08",
        "An IPv6 configuration in a subnet without IPv6 has no address.",
        Observed("status.ipConfigurations (S-20)"),
    ),
    remark(
        "IP6-09",
        "Dual stack lifts the limits of IPv6.",
        NotModelled("The articles describe the model before it (D-05)."),
    ),
    remark(
        "ADDR-02",
        "The lowest free address is taken; the first is the fifth of the range.",
        Observed("status.ipConfigurations"),
    ),
    remark("ADDR-03", "An address that is given with Dynamic is ignored.", Observed("status.ipConfigurations")),
    remark(
        "ADDR-04",
        "New configurations are allocated before dropped ones are released.",
        Observed("status.ipConfigurations"),
    ),
    remark(
        "ADDR-05",
        "A dynamic address may change when the VM starts after it was deallocated.",
        Observed("kept by default (D-04); `vnet run --reassign-dynamic-addresses` changes it"),
    ),
    remark(
        "ADDR-06",
        "An edit that keeps a configuration Dynamic in its subnet keeps its address.",
        Observed("status.ipConfigurations"),
    ),
    remark("ADDR-07", "A released address is free at once.", Observed("status.capacity of the subnet")),
    remark(
        "ADDR-10",
        "The platform tells whether an address is free, and which are.",
        Observed("`check_ip_address_availability` of the library"),
    ),
    remark(
        "ADDR-12",
        "NICs, load balancers, scale sets and gateways take addresses alike.",
        NotModelled("Of these only NICs exist yet."),
    ),
    remark(
        "ADDR-13",
        "The address is chosen when the NIC is created.",
        Observed("status.ipConfigurations of an unattached NIC"),
    ),
    remark(
        "VNET-07",
        "A peering connects when both sides exist.",
        NotModelled("The kind VirtualNetworkPeering does not exist yet."),
    ),
    remark(
        "VNET-08",
        "Peered networks do not overlap.",
        NotModelled("The kind VirtualNetworkPeering does not exist yet."),
    ),
    remark("VNET-11", "Peering is not transitive.", NotModelled("The kind VirtualNetworkPeering does not exist yet.")),
    remark(
        "PIP-07",
        "A dynamic public address goes when the VM is deallocated or it is dissociated.",
        Observed("status.ipAddress"),
    ),
    remark("PIP-08", "A public address is associated through a configuration.", Observed("status.ipConfiguration")),
    remark(
        "PIP-10",
        "A configuration without the reference dissociates the public address, which stays.",
        Observed("status.ipConfiguration"),
    ),
    remark("PIP-14", "The domain name is label, location and cloudapp.azure.com.", Observed("status.dnsSettings.fqdn")),
    remark("PIP-17", "Zones.", NotModelled("The fabric has no zones.")),
    remark("PIP-20", "Standard is closed to inbound traffic until a security group opens it.", NO_TRAFFIC),
    remark(
        "PIP-22",
        "The guest does not know its public addresses.",
        Reported("dhcpAddress and manualAddresses of the VM list private ones only"),
    ),
    remark("PIP-23", "A public address makes inbound traffic possible, and outbound predictable.", NO_TRAFFIC),
    remark("VM-05", "The last NIC cannot be removed.", Within("VM-01")),
    remark("VM-08", "Without a mark the first NIC is primary.", Observed("status.networkInterfaces")),
    remark("VM-10", "Any NIC can be made primary.", Observed("status.networkInterfaces")),
    remark(
        "VM-12",
        "Deallocation keeps NICs, MAC addresses, and static addresses.",
        Observed("status.networkInterfaces"),
    ),
    remark("VM-13", "Deleting a VM leaves its NICs.", Observed("status.virtualMachine of the NICs goes")),
    remark("VM-14", "Every size takes at least two NICs.", Observed("the table of sizes")),
    remark("VM-15", "Outbound traffic leaves by the primary configuration of the primary NIC.", NO_TRAFFIC),
    remark(
        "VM-16",
        "When the primary NIC is detached, the one attached longest follows.",
        Observed("status.networkInterfaces"),
    ),
    remark("VM-17", "A VM cannot be resized below its NICs.", Within("VM-02")),
    remark(
        "VM-18",
        "NICs can be added and removed within the limit of the size.",
        Observed("status.networkInterfaces"),
    ),
    remark(
        "VM-19",
        "A NIC stays reserved for 180 seconds after a VM could not be created.",
        NotModelled("A put is all or nothing: no VM is ever half created."),
    ),
    remark(
        "VM-20",
        "A VM is running, stopped or deallocated; only deallocation releases.",
        Observed("status.powerState"),
    ),
    remark("VM-21", "A VM is created with NICs that exist.", Observed("status.networkInterfaces")),
    remark("VM-22", "An added NIC is in the network of the others.", Within("VM-06")),
    remark("SIZE-01", "Sizes and their NICs.", Observed("the table of sizes; an unknown one is refused (S-35)")),
    remark(
        "SIZE-03",
        "Some sizes always run with accelerated networking.",
        Observed("the flag has no effect there (S-24)"),
    ),
    remark(
        "SIZE-04",
        "Small sizes may have it on one NIC only.",
        Observed("the value of the table holds for all NICs"),
    ),
    remark("AVS-02", "VMs with any number of NICs share a set.", Observed("status.virtualMachines of the set")),
    remark(
        "AVS-03",
        "A set deployed without accelerated networking cannot take it up.",
        NotModelled("The fabric has no hardware clusters."),
    ),
    remark(
        "VMSS-02",
        "A model describes; existing instances change by an upgrade only.",
        Observed("status.revision of an instance, and updatedReplicas of its set"),
    ),
    remark("VMSS-03", "An instance says whether it has the latest model.", Observed("status.latestModelApplied")),
    remark(
        "VMSS-04",
        "With policy Automatic or Rolling instances are upgraded by the platform.",
        Observed("status.updatedReplicas follows status.updateRevision by itself"),
    ),
    remark(
        "VMSS-05",
        "With policy Manual nothing happens until an instance is upgraded.",
        Observed("instances keep their revision"),
    ),
    remark(
        "VMSS-06",
        "Single instances are upgraded, and keep their addresses.",
        Observed("spec.revision of an instance, and vnet upgrade; S-31 refuses what is no revision"),
    ),
    remark(
        "VMSS-08",
        "Every instance has a public address of its own.",
        Observed("status.networkInterfaces of an instance; in a Flexible set PublicIPAddress objects (S-33)"),
    ),
    remark("VMSS-10", "A model refers to a network security group.", NO_NSG),
    remark(
        "VMSS-11",
        "A model refers to application security groups.",
        NotModelled("The kind ApplicationSecurityGroup does not exist yet."),
    ),
    remark("VMSS-14", "A model refers to pools of a load balancer.", NO_BALANCER),
    remark(
        "VMSS-15",
        "A model refers to a pool of an application gateway.",
        NotModelled("The kind ApplicationGateway does not exist yet."),
    ),
    remark(
        "VMSS-16",
        "All public addresses of a set are listed at once.",
        Observed(
            "kubectl get vmssvm -l vnet.dev/scale-set=NAME; of a Flexible set kubectl get pip with the same label",
        ),
    ),
    remark("VMSS-18", "What a model refers to cannot be deleted.", NO_BALANCER),
    remark(
        "VMSS-20",
        "Instances of a Flexible set need an explicit way out.",
        Reported(
            "condition OutboundConnectivityMissing while the model has no public address, the only such way that is modelled yet",
        ),
    ),
    remark("VMSS-21", "Uniform sets and single machines have a way out automatically.", NO_TRAFFIC),
    remark(
        "VMSS-22",
        "Instances use the DNS servers of their network, or those of the model.",
        Observed("appliedDnsServers in the status of an instance"),
    ),
    remark(
        "VMSS-24",
        "The SKU of instance addresses is the load balancer's, or the model's.",
        Observed("without load balancers, the model's"),
    ),
    remark(
        "VMSS-25",
        "A public prefix may supply the addresses of instances.",
        Observed("publicIPPrefix of the model; PIP-16, S-19 and VMSS-29 refuse what does not fit"),
    ),
    remark(
        "VMSS-27",
        "Instances of a Flexible set are ordinary machines, edited directly.",
        Observed("VirtualMachine and NetworkInterface objects; a field that a user took over stays the user's"),
    ),
    remark(
        "VMSS-28",
        "A Rolling upgrade goes in batches and stops at what is not healthy.",
        Observed(
            "conditions with reasons RollingUpgrade and RollingUpgradeStopped; an instance that does not run is not healthy",
        ),
    ),
    remark(
        "VMSS-31",
        "Instances beyond those asked for exist briefly.",
        NotModelled("The fabric makes as many as are asked for."),
    ),
    remark(
        "VMSS-32",
        "A subnet of the same network may be changed in the model.",
        Observed("an upgraded instance has an address of the new subnet; VMSS-12 refuses another network"),
    ),
    remark(
        "S-27",
        "The highest ids go first when a set shrinks; no id is used again, and an instance that is deleted is replaced under a new one.",
        Observed(
            "status.instanceIds and nextInstanceId; the object of an instance goes when the status of its set tells its id no longer",
        ),
    ),
    remark(
        "S-40",
        "An instance whose object has vanished while no operator looked is replaced under a new id; one whose object was not made yet is made under its own.",
        Observed("status.pendingInstanceIds tells the ids whose objects were not seen yet when the status was written"),
    ),
    remark("NSG-01 to NSG-24", "Network security groups.", NO_NSG),
    remark(
        "ASG-01 to ASG-07",
        "Application security groups.",
        NotModelled("The kind ApplicationSecurityGroup does not exist yet."),
    ),
    remark("ROUTE-01 to ROUTE-17", "Effective routes.", NotModelled("The kind RouteTable does not exist yet.")),
    remark("OUT-01 to OUT-10", "Outbound connectivity.", NO_TRAFFIC),
    remark("LB-01 to LB-16", "Load balancers.", NO_BALANCER),
    remark("AGW-01 to AGW-05", "Application gateways.", NotModelled("The kind ApplicationGateway does not exist yet.")),
    remark(
        "ARM-01",
        "Create and update answer with a state.",
        Observed("conditions Programmed and Ready stand for it"),
    ),
    remark("ARM-02", "A put replaces: what is left out returns to its default.", Observed("status.programmed")),
    remark(
        "ARM-03",
        "A deletion answers while work goes on.",
        Observed("deletionTimestamp, and a violation that says what is in the way"),
    ),
    remark("ARM-05", "A NIC of a running VM may be edited.", Observed("conditions")),
    remark(
        "ARM-06",
        "Names compare whatever their letter case.",
        NotModelled("Names of Kubernetes objects are lower case."),
    ),
    remark("ARM-08", "What is missing has its error.", Within("NIC-03, PIP-12")),
    remark("ARM-09", "Every write has an etag.", Observed("metadata.resourceVersion")),
    remark("ARM-11", "Quotas have their errors.", Within("NIC-12, PIP-21 and VNET-12, with --enforce-quotas (S-11)")),
    remark("ARM-12", "Long-running diagnoses answer later.", NotModelled("The fabric has no diagnoses.")),
    remark(
        "ARM-13",
        "What may not change, and a state that forbids, have their errors.",
        Observed("codes PropertyChangeNotAllowed and OperationNotAllowed"),
    ),
    remark("ARM-14", "Changing NICs needs a role.", NotModelled("RBAC of the cluster decides who may edit objects.")),
];

/// Rules that are checked before any kind's own, or where a spec is read.
pub const GENERAL: &[(&str, &str, &str, &str)] = &[
    (
        "ARM-04",
        "A body that is not of the form that the CRD describes is refused as a whole.",
        "InvalidRequestContent, InvalidParameter",
        "fabric, schema",
    ),
    (
        "ARM-07",
        "An object waits until an earlier one of its name has left the fabric.",
        "AnotherOperationInProgress",
        "fabric",
    ),
    ("ARM-10", "A name has at most 80 characters.", "InvalidResourceName", "fabric"),
    ("S-06", "The annotation that asks for a restart has at most 64 characters.", "InvalidParameter", "fabric"),
    (
        "S-12",
        "A location has lower-case letters and digits; an object stays in its own.",
        "InvalidResourceLocation",
        "fabric, schema",
    ),
    ("S-16", "A range has no host bits.", "InvalidCIDRNotation, NetcfgInvalidSubnet", "fabric, CEL"),
    ("S-35", "A VM's size is in the table of sizes.", "InvalidParameter", "fabric"),
];

/// How the API server refuses at `kubectl apply` what one object alone shows; the fabric holds the same rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtApply {
    /// By the schema of the definition.
    Schema,
    /// By a validation rule of it.
    Cel,
}

impl std::fmt::Display for AtApply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            AtApply::Schema => "schema",
            AtApply::Cel => "CEL",
        })
    }
}

use AtApply::{Cel, Schema};

/// The rules that the API server holds as well as the fabric.
pub const AT_APPLY: &[(Kind, &str, AtApply)] = &[
    (Kind::VirtualNetwork, "VNET-01", Cel),
    (Kind::VirtualNetwork, "VNET-10", Schema),
    (Kind::PublicIPPrefix, "S-19", Schema),
    (Kind::PublicIPAddress, "PIP-02", Cel),
    (Kind::PublicIPAddress, "PIP-13", Schema),
    (Kind::PublicIPAddress, "PIP-15", Cel),
    (Kind::PublicIPAddress, "S-19", Cel),
    (Kind::NetworkInterface, "NIC-21", Schema),
    (Kind::NetworkInterface, "IPC-01", Schema),
    (Kind::NetworkInterface, "IPC-02", Cel),
    (Kind::NetworkInterface, "IPC-10", Schema),
    (Kind::NetworkInterface, "IPC-15", Schema),
    (Kind::NetworkInterface, "IP6-01", Cel),
    (Kind::NetworkInterface, "IP6-03", Cel),
    (Kind::NetworkInterface, "IP6-04", Cel),
    (Kind::NetworkInterface, "ADDR-09", Cel),
    (Kind::VirtualMachineScaleSet, "VMSS-01", Schema),
    (Kind::VirtualMachineScaleSet, "VMSS-07", Schema),
    (Kind::VirtualMachineScaleSet, "VMSS-28", Schema),
    (Kind::VirtualMachineScaleSet, "VM-09", Cel),
    (Kind::VirtualMachine, "VM-01", Schema),
    (Kind::VirtualMachine, "VM-02", Schema),
    (Kind::VirtualMachine, "VM-09", Cel),
    (Kind::VirtualMachine, "VM-11", Schema),
];

/// Where a rule refuses: always in the fabric, and some also at `kubectl apply`.
fn enforced_in(rule: &Refusing) -> String {
    let at_apply = AT_APPLY.iter().find(|(kind, id, _)| !rule.deletion && *kind == rule.kind && *id == rule.id);
    at_apply.map_or("fabric".to_owned(), |(_, _, how)| format!("fabric, {how}"))
}

/// The rule reference as Markdown, for `docs/rules.md`.
pub fn markdown() -> String {
    let mut page = String::from(
        "# Rules\n\n<!-- Generated by `vnet rules`; do not edit. -->\n\nEvery numbered rule, and what became of it. The code is Azure's, and the reason of the conditions. A violation\n*waits* where something else can cure it, and *stalls* where only an edit of the object can.\n\nSources: [NIC], [ATTACH], [IP] and [VM] are Microsoft's articles on network interfaces, on adding network interfaces to\nvirtual machines, on IP addresses of network interfaces, and on virtual machine networking; other names are pages of\nMicrosoftDocs/azure-docs, or issues on GitHub. *Recorded* means observed in recorded answers of the real service. Rules\nthat begin with S or D are decisions of this project: S where a declarative form asks for one, D where an article and\ntoday's service differ, and the article is followed.\n\n## Rules that refuse\n\n| rule | kind | on | what it says | code | then it | refused by | remedy | source |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for rule in refusing_rules() {
        page.push_str(&row(&rule));
    }
    for (id, says, codes, by) in GENERAL {
        page.push_str(&format!(
            "| {id} | every kind | put | {says} | {codes} | stalls | {by} | as the message says | |\n"
        ));
    }
    page.push_str("\nARM-07 waits. What the schema or a CEL rule of the definition refuses, it refuses at `kubectl apply`; the fabric holds\nthe same rule for what comes another way.\n\n## Rules that show otherwise\n\n| rule | what it says | here |\n| --- | --- | --- |\n");
    for remark in REMARKS {
        page.push_str(&format!("| {} | {} | {} |\n", remark.id, remark.says, remark.standing));
    }
    page
}

fn row(rule: &Refusing) -> String {
    let codes: Vec<String> = rule.codes.iter().map(ToString::to_string).collect();
    let (on, then) = (if rule.deletion { "delete" } else { "put" }, rule.cure.to_string());
    format!(
        "| {} | {} | {on} | {} | {} | {then} | {} | {} | {} |\n",
        rule.id,
        rule.kind,
        rule.says,
        codes.join(", "),
        enforced_in(rule),
        rule.remedy,
        rule.source
    )
}

/// The lines that `vnet rules ID` prints; none if there is no such rule.
pub fn lookup(id: &str) -> Vec<String> {
    let refusing = refusing_rules().into_iter().filter(|rule| rule.id.eq_ignore_ascii_case(id)).map(|rule| {
        let codes: Vec<String> = rule.codes.iter().map(ToString::to_string).collect();
        format!(
            "{} ({}{}): {}\n  code:   {}\n  then:   it {}\n  by:     {}\n  remedy: {}\n  source: {}",
            rule.id,
            rule.kind,
            if rule.deletion { ", deletion" } else { "" },
            rule.says,
            codes.join(", "),
            rule.cure,
            enforced_in(&rule),
            rule.remedy,
            rule.source
        )
    });
    let general = GENERAL.iter().filter(|(known, ..)| known.eq_ignore_ascii_case(id));
    let general = general
        .map(|(known, says, codes, by)| format!("{known} (every kind): {says}\n  code:   {codes}\n  by:     {by}"));
    let remarks = REMARKS.iter().filter(|remark| remark.covers(id));
    let remarks = remarks.map(|remark| format!("{}: {}\n  here:   {}", remark.id, remark.says, remark.standing));
    refusing.chain(general).chain(remarks).collect()
}

impl Remark {
    /// True if this speaks of the rule `id`, alone or in a run.
    pub fn covers(&self, id: &str) -> bool {
        let parts =
            |id: &str| id.rsplit_once('-').map(|(family, n)| (family.to_ascii_uppercase(), n.parse::<u32>().ok()));
        match self.id.split_once(" to ") {
            None => self.id.eq_ignore_ascii_case(id),
            Some((first, last)) => match (parts(first), parts(last), parts(id)) {
                (Some((family, first)), Some((_, last)), Some((asked, n))) => {
                    family == asked && first <= n && n <= last
                }
                _ => false,
            },
        }
    }
}

impl std::fmt::Display for Standing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ByShape(how) => write!(f, "cannot be said: {how}"),
            Within(rules) => write!(f, "within {rules}"),
            Observed(what) => write!(f, "observed: {what}"),
            Reported(how) => write!(f, "reported: {how}"),
            NotModelled(why) => write!(f, "not modelled: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The families of the catalogue and how many rules each has.
    const FAMILIES: [(&str, u32); 16] = [
        ("NIC", 29),
        ("IPC", 24),
        ("IP6", 9),
        ("ADDR", 14),
        ("VNET", 12),
        ("PIP", 23),
        ("VM", 22),
        ("SIZE", 5),
        ("AVS", 3),
        ("VMSS", 32),
        ("NSG", 24),
        ("ASG", 7),
        ("ROUTE", 17),
        ("OUT", 10),
        ("LB", 16),
        ("AGW", 5),
    ];

    #[test]
    fn no_rule_is_left_out() {
        let arm = (1..=14).map(|n| format!("ARM-{n:02}"));
        let all = FAMILIES
            .iter()
            .flat_map(|(family, count)| (1..=*count).map(move |n| format!("{family}-{n:02}")))
            .chain(arm);
        let missing: Vec<String> = all.filter(|id| lookup(id).is_empty()).collect();
        assert_eq!(missing, Vec::<String>::new());
    }

    #[test]
    fn what_the_api_server_refuses_as_well_is_a_rule_of_the_fabric() {
        for (kind, id, _) in AT_APPLY {
            assert!(refusing_rules().iter().any(|rule| rule.kind == *kind && rule.id == *id), "{kind} {id}");
        }
    }

    #[test]
    fn a_rule_of_a_run_is_found_by_its_own_number() {
        assert!(lookup("nsg-07")[0].contains("not modelled"));
        assert!(lookup("NSG-99").is_empty());
    }
}
