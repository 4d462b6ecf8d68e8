//! Every number that is a limit, with its source. What a VM size allows is in the table of [`sizes`](super::sizes).
//!
//! Sources: "limits" is MicrosoftDocs/azure-docs includes/azure-virtual-network-limits.md.

/// Virtual networks of a subscription in a region (VNET-12; limits).
pub const VNETS_PER_SUBSCRIPTION: u64 = 1000;
/// NICs of a subscription in a region (NIC-12; limits).
pub const NICS_PER_SUBSCRIPTION: u64 = 65_536;
/// Public addresses of a subscription in a region: of SKU Basic, of those the Static ones, and of SKU Standard, each
/// (PIP-21; limits).
pub const PUBLIC_ADDRESSES_PER_SUBSCRIPTION: u64 = 10;
/// Private addresses of a virtual network (ADDR-14; limits).
pub const PRIVATE_ADDRESSES_PER_VNET: u64 = 65_536;
/// Private addresses of one NIC, and so its IP configurations, and of one VM (NIC-12, IPC-15; limits).
pub const PRIVATE_ADDRESSES: usize = 256;
/// DNS servers of a virtual network (VNET-10; limits); the same is asked of a NIC.
pub const DNS_SERVERS: usize = 20;
/// Subnets of a virtual network (VNET-12; limits).
pub const SUBNETS_PER_VNET: usize = 3000;
/// Virtual machines of an availability set (AVS-04; azure-subscription-service-limits.md).
pub const VMS_PER_AVAILABILITY_SET: usize = 200;
/// Minutes that an idle flow of a public address is kept, at least and at most (PIP-13; recorded).
pub const IDLE_TIMEOUT_MINUTES: std::ops::RangeInclusive<i32> = 4..=30;
/// The same by default (PIP-13; recorded).
pub const DEFAULT_IDLE_TIMEOUT_MINUTES: i32 = 4;
/// Prefix lengths of a public prefix, most to fewest addresses (PIP-16, S-19; limits).
pub const PUBLIC_PREFIX_LENGTHS: std::ops::RangeInclusive<u8> = 28..=31;
/// Prefix lengths of an IPv4 subnet, largest to smallest subnet (VNET-02; virtual-networks-faq.md).
pub const SUBNET_IPV4_LENGTHS: std::ops::RangeInclusive<u8> = 8..=29;
/// Prefixes that a virtual network keeps for subnets that have yet to move: two of each of its subnets (VNET-12, S-87).
pub const RETAINED_PREFIXES: usize = 2 * SUBNETS_PER_VNET;
/// Prefix length of an IPv6 subnet (VNET-02; virtual-networks-faq.md).
pub const SUBNET_IPV6_LENGTH: u8 = 64;
/// Secondary IP configurations of an instance of a scale set (VMSS-17; Azure/aks-engine#1741).
pub const SECONDARY_CONFIGURATIONS_PER_INSTANCE: usize = 256;
/// Instances of a scale set (azure-docs virtual-machine-scale-sets/overview.md).
pub const INSTANCES_PER_SCALE_SET: u32 = 1000;
/// The highest instance id or revision that a status is believed: no set reaches it, and every JSON tool keeps it exact.
pub const HIGHEST_COUNT: u64 = 1 << 53;
/// The smallest batch of a Rolling upgrade, in percent of the instances (VMSS-28; Azure's API of scale sets).
pub const SMALLEST_BATCH_PERCENT: u8 = 5;
/// The longest pause between the batches of a Rolling upgrade: as many seconds as nine digits hold.
pub const LONGEST_PAUSE: std::time::Duration = std::time::Duration::from_secs(999_999_999);
/// Characters of a resource's name (ARM-10); the API server allows 253 and otherwise less than Azure.
pub const NAME_LENGTH: usize = 80;
/// Characters of the name of a region (S-12).
pub const LOCATION_LENGTH: usize = 64;
/// Characters of the value of a label in Kubernetes.
pub const LABEL_LENGTH: usize = 63;
/// Characters of the name that a guest has for itself.
pub const COMPUTER_NAME_LENGTH: usize = 64;
/// NICs of a VM of any size, at most (SIZE-01).
pub const NICS_PER_VM: usize = 8;
/// Characters of the annotation that asks for a restart, which the status repeats (S-06).
pub const RESTARTED_AT_LENGTH: usize = 64;
/// Items of a list in a status; a count stands beside it.
pub const MEMBERS_SHOWN: usize = 100;
