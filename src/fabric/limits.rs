//! Every number that is a limit, with its source, and the table of VM sizes (SIZE-01).
//!
//! Sources: "limits" is MicrosoftDocs/azure-docs includes/azure-virtual-network-limits.md.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::nearest::nearest;

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
/// Minutes that an idle flow of a public address is kept, at least and at most (PIP-13; recorded).
pub const IDLE_TIMEOUT_MINUTES: std::ops::RangeInclusive<i32> = 4..=30;
/// Prefix lengths of a public prefix, most to fewest addresses (PIP-16, S-19; limits).
pub const PUBLIC_PREFIX_LENGTHS: std::ops::RangeInclusive<u8> = 28..=31;
/// Prefix lengths of an IPv4 subnet, largest to smallest subnet (VNET-02; virtual-networks-faq.md).
pub const SUBNET_IPV4_LENGTHS: std::ops::RangeInclusive<u8> = 8..=29;
/// Prefix length of an IPv6 subnet (VNET-02; virtual-networks-faq.md).
pub const SUBNET_IPV6_LENGTH: u8 = 64;
/// Secondary IP configurations of an instance of a scale set (VMSS-17; Azure/aks-engine#1741).
pub const SECONDARY_CONFIGURATIONS_PER_INSTANCE: usize = 256;
/// Instances of a scale set (azure-docs virtual-machine-scale-sets/overview.md).
pub const INSTANCES_PER_SCALE_SET: u32 = 1000;
/// The smallest batch of a Rolling upgrade, in percent of the instances (VMSS-28; Azure's API of scale sets).
pub const SMALLEST_BATCH_PERCENT: u8 = 5;
/// The longest pause between the batches of a Rolling upgrade: as many seconds as nine digits tell.
pub const LONGEST_PAUSE: std::time::Duration = std::time::Duration::from_secs(999_999_999);
/// Characters of a resource's name (ARM-10); the API server allows 253 and otherwise less than Azure.
pub const NAME_LENGTH: usize = 80;
/// Characters of the value of a label in Kubernetes.
pub const LABEL_LENGTH: usize = 63;
/// Characters of the name that a guest has for itself.
pub const COMPUTER_NAME_LENGTH: usize = 64;
/// NICs of a VM of any size, at most (SIZE-01).
pub const NICS_PER_VM: usize = 8;

/// Whether NICs of a VM of a size may have accelerated networking (SIZE-02).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcceleratedNetworking {
    /// The size does not allow it.
    Unsupported,
    /// The NIC's flag decides.
    Supported,
}

/// What a VM size allows (SIZE-01).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VmSize {
    /// Azure's name, such as `Standard_D2s_v3`.
    pub name: &'static str,
    /// How many NICs a VM of this size takes.
    pub max_nics: usize,
    /// Whether its NICs may have accelerated networking.
    pub accelerated_networking: AcceleratedNetworking,
}

/// The size of this name, whatever its letter case.
pub fn vm_size(name: &str) -> Option<&'static VmSize> {
    sizes().get(&name.to_ascii_lowercase())
}

/// The names of the sizes most like `name`, the likest first.
pub fn nearest_vm_sizes(name: &str) -> Vec<&'static str> {
    nearest(name, sizes().values().map(|size| size.name))
}

fn sizes() -> &'static BTreeMap<String, VmSize> {
    static SIZES: OnceLock<BTreeMap<String, VmSize>> = OnceLock::new();
    SIZES.get_or_init(|| include_str!("vm-sizes.csv").lines().skip(1).filter_map(size_of_row).collect())
}

/// A row is `name,vcpus,memory_gib,max_nics,accelerated_networking,expected_bandwidth_mbps`.
fn size_of_row(row: &'static str) -> Option<(String, VmSize)> {
    let mut cells = row.split(',');
    let name = cells.next()?;
    let max_nics = cells.nth(2)?.parse().ok()?;
    let accelerated_networking = match cells.next()? {
        "true" => AcceleratedNetworking::Supported,
        _ => AcceleratedNetworking::Unsupported,
    };
    Some((name.to_ascii_lowercase(), VmSize { name, max_nics, accelerated_networking }))
}

#[cfg(test)]
mod tests {
    use super::*;

    // shows SIZE-01, VM-14, D-13
    #[test]
    fn every_row_of_the_size_table_is_read() {
        assert_eq!(sizes().len(), include_str!("vm-sizes.csv").lines().count() - 1);
        assert!(sizes().values().all(|size| (2..=NICS_PER_VM).contains(&size.max_nics)));
    }

    #[test]
    fn sizes_are_found_in_any_letter_case() {
        assert_eq!(vm_size("standard_d2S_V3").unwrap().name, "Standard_D2s_v3");
    }

    #[test]
    fn an_unknown_size_names_its_neighbours() {
        assert!(nearest_vm_sizes("Standard_D2sv3").contains(&"Standard_D2s_v3"));
    }
}
