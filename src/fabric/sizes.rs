//! The table of VM sizes (SIZE-01).

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::nearest::nearest;

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
    use crate::fabric::limits::NICS_PER_VM;

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
