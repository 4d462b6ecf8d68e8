//! The decisions of this project: D where an article and today's service differ, and the article is followed; S where a
//! declarative form asks for one. Those that are a row of a `RULES` table stand there.

use super::Standing::{ByShape, NotModelled, Observed, Reported, Within};
use super::{NO_TRAFFIC, Remark, remark};

/// Of a declarative form: no article asks.
const OURS: &str = "this project";

/// Every decision that is no row of a `RULES` table.
pub const DECISIONS: &[Remark] = &[
    remark(
        "D-01",
        "A NIC never changes its virtual network, though today's service moves one that is unattached.",
        Within("NIC-05; another subnet of the network is allowed (NIC-06, NIC-08)"),
        "[NIC], [VM]; recorded",
    ),
    remark(
        "D-02",
        "NICs are attached and detached while the VM is deallocated only, though today's service asks for it between one NIC and several.",
        Within("VM-03, VM-04"),
        "[VM], [NIC]",
    ),
    remark(
        "D-03",
        "That a NIC may be attached at any time speaks of the life of a VM, not of its power state.",
        Within("VM-03, VM-04"),
        "[VM]",
    ),
    remark(
        "D-04",
        "A dynamic private address is kept when a VM starts after it was deallocated, though it may change.",
        Observed(
            "status.ipConfigurations; `vnet run --reassign-dynamic-addresses` assigns it again, and a restart never does",
        ),
        "[NIC], [IP]; recorded",
    ),
    remark("D-05", "IPv6 follows the model before dual stack.", Within("IP6-01 to IP6-06"), "[IP]"),
    remark(
        "D-06",
        "A MAC address is cleared only with the primary address of a NIC that is attached and primary.",
        Observed("status.macAddress; another one comes with the next start"),
        "[NIC]; recorded",
    ),
    remark(
        "D-07",
        "Without a mark the first NIC is primary; two marks are refused.",
        Within("VM-09; VM-08 shows the choice"),
        "[NIC]; ansible#40648",
    ),
    remark(
        "D-08",
        "Four private ranges have no next hop by default.",
        NotModelled("The kind RouteTable does not exist yet."),
        "[NIC]; recorded",
    ),
    remark(
        "D-09",
        "An added configuration may be marked primary in the same edit, though the portal offers no such thing.",
        Observed("status.ipConfigurations; two primary ones are refused (IPC-02)"),
        "[NIC], [IP]",
    ),
    remark(
        "D-10",
        "Of the two codes for an address that is taken, one is used: PrivateIPAddressInUse.",
        Within("ADDR-08"),
        "[NIC]",
    ),
    remark(
        "D-11",
        "A VM without a NIC is refused with InvalidParameter: no recorded answer has a code.",
        Within("VM-01"),
        "[VM], [ATTACH]; Azure/azure-cli#7683",
    ),
    remark(
        "D-12",
        "A static address goes with its NIC, not with the VM.",
        Observed("status.ipConfigurations of a NIC whose VM was deleted"),
        "[NIC], [IP]; recorded",
    ),
    remark("D-13", "Every size takes two to eight NICs.", Observed("the table of sizes"), "[ATTACH]"),
    remark("D-14", "A pool of a Standard load balancer switches the default way out off.", NO_TRAFFIC, "[ATTACH]"),
    remark(
        "D-15",
        "The subnets of a model may change inside their virtual network.",
        Within("VMSS-12 refuses another network"),
        "[VMSS]",
    ),
    remark(
        "D-16",
        "A public address on an IPv6 configuration is refused with the code for versions that differ.",
        Within("IP6-04, PIP-18"),
        "[IP]",
    ),
    remark(
        "D-17",
        "A static address keeps a NIC from changing its subnet; what is asked for counts, not what was.",
        Within("NIC-06"),
        "[NIC]",
    ),
    remark(
        "D-18",
        "A Windows guest has every address configured again after its primary one has changed.",
        Reported("conditions ConnectivityLost and GuestConfigurationDiffers of the VM"),
        "[NIC], [IP]",
    ),
    remark(
        "D-19",
        "Public addresses are Basic or Standard, though Basic is retired today.",
        Within("PIP-01, PIP-02, PIP-03"),
        "[NIC], [VMSS]",
    ),
    remark(
        "S-01",
        "In one edit of a VM Deallocated comes before the list of NICs, and Running after it.",
        Observed("status.powerState and status.networkInterfaces; VM-03 and VM-04 refuse the list alone"),
        OURS,
    ),
    remark(
        "S-02",
        "The primary configuration may go in the edit that marks another one primary.",
        Within("IPC-05"),
        OURS,
    ),
    remark("S-03", "A move to another subnet is judged by the methods that it asks for.", Within("NIC-06"), OURS),
    remark(
        "S-04",
        "Of several configurations without a mark the one that was primary stays so; at creation one is marked.",
        Observed("status.ipConfigurations; IPC-02 refuses a list without a choice"),
        OURS,
    ),
    remark(
        "S-05",
        "Of several NICs without a mark the one that was primary stays so, and if it went, the one attached longest follows.",
        Observed("status.networkInterfaces; VM-09 refuses a list that leaves no choice"),
        OURS,
    ),
    remark(
        "S-06",
        "A MAC address that was cleared while the VM runs comes with a restart.",
        Reported("condition RestartRequired of the NIC; the annotation vnet.dev/restartedAt asks for it"),
        OURS,
    ),
    remark(
        "S-07",
        "What breaks a rule between two objects is reported on the one whose put was refused.",
        Observed("status.violations"),
        OURS,
    ),
    remark(
        "S-08",
        "What another object can cure waits, and is retried without an edit.",
        Observed("retry: OnChange of a violation, and condition Reconciling"),
        OURS,
    ),
    remark(
        "S-09",
        "A missing object is reported at the field that refers to it, and a deletion at its time.",
        Observed("path of a violation; metadata.deletionTimestamp of a deletion"),
        OURS,
    ),
    remark(
        "S-10",
        "Of two that claim one thing the first has it; when the operator starts, those that name an address go first.",
        Observed(
            "ADDR-08, PIP-09, VM-07 and PIP-15 wait; objects that wait for each other stall, and the remedy says which goes first",
        ),
        OURS,
    ),
    remark(
        "S-11",
        "Quotas of a subscription hold only where they are asked for.",
        Within("NIC-12, PIP-21 and VNET-12, with `vnet run --enforce-quotas`"),
        OURS,
    ),
    remark("S-18", "A Static public address becomes Dynamic only while nothing holds it.", Within("PIP-06"), OURS),
    remark(
        "S-20",
        "An IPv6 configuration in a subnet without an IPv6 range is accepted, and has no address until there is one.",
        Observed("status.ipConfigurations"),
        OURS,
    ),
    remark(
        "S-21",
        "DNS servers are applied from the start of the VM until it is deallocated: its own, or those of the network.",
        Observed("status.dnsSettings.appliedDnsServers"),
        OURS,
    ),
    remark(
        "S-22",
        "A VM that is created Deallocated was never started; one that is created Stopped was, once.",
        Observed("status.macAddress of its NICs"),
        OURS,
    ),
    remark(
        "S-23",
        "The internal domain is the same for all NICs of a virtual network, and follows from its name.",
        Observed("status.dnsSettings.internalDomainNameSuffix"),
        OURS,
    ),
    remark(
        "S-24",
        "A size that always has accelerated networking takes a NIC that does not ask for it.",
        Observed("status.programmed.enableAcceleratedNetworking is as asked"),
        OURS,
    ),
    remark("S-25", "SKUs of public addresses are compared when their NICs are attached.", Within("PIP-19"), OURS),
    remark(
        "S-26",
        "A NIC may be in another namespace of the subscription; two of one name cannot both be attached.",
        ByShape("the list of NICs is keyed by name"),
        OURS,
    ),
    remark(
        "S-27",
        "A scale-in takes the highest ids; no id is used again, and an instance that a user deletes is replaced under a new one.",
        Observed(
            "status.instanceIds and nextInstanceId; the object of an instance goes when the status of its set no longer lists its id",
        ),
        OURS,
    ),
    remark(
        "S-28",
        "A new instance has the latest model, whatever the policy.",
        Observed("status.revision of the instance"),
        OURS,
    ),
    remark(
        "S-29",
        "What a Flexible set makes is named after set, id and network interface, and goes with the set.",
        Observed("VirtualMachine and NetworkInterface objects that the set owns"),
        OURS,
    ),
    remark(
        "S-30",
        "The own network of an instance outlives upgrades, until the field is removed.",
        Observed("status.networkInterfaces of the instance; latestModelApplied speaks of the revision"),
        OURS,
    ),
    remark("S-32", "One domain name label does not stand in two configurations of a model.", Within("VMSS-09"), OURS),
    remark(
        "S-33",
        "The public addresses of a Flexible set are PublicIPAddress objects.",
        Observed("objects that the set owns, and status.ipConfigurations of the NICs"),
        OURS,
    ),
    remark(
        "S-34",
        "From Deallocated to Stopped a VM is started and stopped.",
        Observed("status.powerState, and status.macAddress of its NICs"),
        OURS,
    ),
    remark(
        "S-36",
        "A reference to an object that was refused says so, with that reason.",
        Observed("the message of NIC-03, PIP-12, PIP-16 and AVS-01"),
        OURS,
    ),
    remark(
        "S-37",
        "A configuration that takes the place of another waits for an address of its own.",
        Within("ADDR-11, whose remedy says to remove the old one first"),
        OURS,
    ),
    remark(
        "S-38",
        "With disruptionPolicy Deallocate an edit that needs the VM deallocated is done so, and the VM started again.",
        Observed("status.powerState of the VM; with Refuse, VM-03, VM-04, IPC-12 and SIZE-05 refuse it"),
        OURS,
    ),
    remark(
        "S-39",
        "A VM whose spec has no power state is started at creation, and then left as it is.",
        Observed("status.powerState"),
        OURS,
    ),
    remark(
        "S-40",
        "An instance whose object has vanished while no operator looked is replaced under a new id; one whose object was not made yet is made under its own.",
        Observed("status.pendingInstanceIds lists the ids whose objects were not seen yet when the status was written"),
        OURS,
    ),
    remark(
        "S-88",
        "Dynamic allocation passes over an address of a subnet or a public prefix that a known object requests, while another is free.",
        Observed("status.ipConfigurations of a Dynamic network interface beside Static ones that still wait; PIP-26"),
        OURS,
    ),
    remark(
        "S-90",
        "The put of a Flexible set reserves the addresses of its instances in the order of ids, and their objects get these when they are made.",
        Observed(
            "status.capacity of the subnet, and status.ipConfigurations of the network interfaces that the set makes",
        ),
        OURS,
    ),
    remark(
        "S-92",
        "The annotation vnet.dev/restartedAt of a scale set restarts its running instances: all at once with Manual and Automatic policy, in batches with Rolling.",
        Observed("status.restart while it is in progress, and status.lastHandledRestartAt when it is done"),
        OURS,
    ),
    remark(
        "S-93",
        "A rule that came later, or became stricter, judges only values that an edit changes.",
        Observed(
            "tags, labels and sizes of specs that were accepted earlier stay; status.programmed names the tags that a new object may not have",
        ),
        OURS,
    ),
    remark(
        "S-87",
        "A virtual network and its subnets that have no addresses may be edited to another address space at once, in any order: the network keeps the old prefix until the subnets have moved or gone.",
        Observed(
            "status.retainedAddressPrefixes, and Ready Unknown with the reason PrefixStillUsed; a subnet with addresses: S-15",
        ),
        OURS,
    ),
    remark(
        "S-89",
        "An object that is created again while the fabric still carries an earlier one of its name takes that over, with its addresses and users.",
        Within("ARM-07, where the earlier one could not be edited to be the new one"),
        OURS,
    ),
    remark(
        "S-91",
        "Objects that can only wait for each other stall, whatever they wait for and deletions included.",
        Observed("the remedy, which says which of them must go first"),
        OURS,
    ),
];
