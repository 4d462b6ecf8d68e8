//! The table of VM sizes (SIZE-01).
//!
//! Its rows are from the pages of the sizes series: azure-docs articles/virtual-machines/*-series.md, and since then
//! MicrosoftDocs/azure-compute-docs articles/virtual-machines/sizes/{general-purpose,memory-optimized}/*-series.md (Bsv2,
//! Basv2, Dv4, Dsv4, Ddv4, Ddsv4, Ddv5, Ddsv5, Dlsv5, Dsv6, Ddsv6, Dasv6, Dadsv6, Ev4, Esv4, Edv4, Edsv4, Edv5, Edsv5, Easv5,
//! Esv6, Edsv6, Easv6).

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

/// The names of the sizes nearest to `name`, the nearest first, at most three: of the same family, then with as many vCPUs,
/// then with the same features; a name that has no such parts is compared as a text.
pub fn nearest_vm_sizes(name: &str) -> Vec<&'static str> {
    let name = name.to_ascii_lowercase();
    let Some(wanted) = Parts::of(&name) else { return nearest(&name, sizes().values().map(|size| size.name)) };
    let mut known: Vec<_> = sizes()
        .iter()
        .map(|(key, size)| {
            let parts = Parts::of(key).unwrap_or_default();
            let differ =
                (parts.family != wanted.family, parts.vcpus != wanted.vcpus, parts.features != wanted.features);
            (differ, strsim::damerau_levenshtein(&name, key), size.name)
        })
        .collect();
    known.sort_unstable();
    known.into_iter().take(3).map(|(_, _, name)| name).collect()
}

/// The parts of a name such as `standard_d2s_v3`, in lower case: family `d`, 2 vCPUs, features `s`.
#[derive(Debug, Default)]
struct Parts<'a> {
    family: &'a str,
    vcpus: &'a str,
    features: &'a str,
}

impl<'a> Parts<'a> {
    fn of(name: &'a str) -> Option<Self> {
        let name = name.strip_prefix("standard_").unwrap_or(name);
        let name = name.split_once('_').map_or(name, |(name, _)| name);
        let (family, rest) = name.split_at_checked(name.find(|c: char| c.is_ascii_digit())?)?;
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (vcpus, features) = rest.split_at_checked(end)?;
        Some(Self { family, vcpus, features })
    }
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
        for (unknown, near) in [
            ("Standard_D2sv3", "Standard_D2s_v3"),
            ("Standard_B2s_v3", "Standard_B2s"),
            ("standard_b2s_v3", "Standard_B2s_v2"),
            ("Standard_D2s_v9", "Standard_D2s_v3"),
            ("D4ds_v5", "Standard_D4ds_v5"),
            ("Standard_DS3_v22", "Standard_DS3_v2"),
            ("Standart", "Standard_A0"),
        ] {
            let nearest = nearest_vm_sizes(unknown);
            assert!(nearest.len() == 3 && nearest.contains(&near), "{unknown}: {nearest:?}");
        }
    }

    #[test]
    fn the_sizes_of_today_are_known() {
        use AcceleratedNetworking::Supported;
        for (name, max_nics) in [
            ("Standard_D2s_v4", 2),
            ("standard_d4DS_V5", 2),
            ("Standard_B2ats_v2", 2),
            ("Standard_D2s_v6", 2),
            ("Standard_D16ds_v4", 8),
            ("Standard_E8s_v4", 4),
            ("Standard_E16as_v6", 8),
            ("Standard_B16as_v2", 4),
        ] {
            let size = vm_size(name).unwrap_or_else(|| panic!("{name} is not known"));
            assert_eq!((size.max_nics, size.accelerated_networking), (max_nics, Supported), "{name}");
        }
    }
}
