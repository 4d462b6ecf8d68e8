//! The ranges of one virtual network, and which of them another one overlaps (VNET-04).
//!
//! Two CIDR ranges share addresses only where one contains the other. So whatever overlaps a range is one of its at most
//! 128 supernets, or begins inside it; nothing else is looked at, also where restored records overlap each other.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::id::Name;

/// Ranges, and the subnets that have them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ranges {
    by_start: BTreeMap<IpNet, BTreeSet<Name>>, // of two that start alike the wider comes first
}

impl Ranges {
    /// A subnet has this range from now on.
    pub fn insert(&mut self, range: IpNet, subnet: &Name) {
        self.by_start.entry(range).or_default().insert(subnet.clone());
    }

    /// A subnet has this range no longer.
    pub fn remove(&mut self, range: &IpNet, subnet: &Name) {
        if let Some(subnets) = self.by_start.get_mut(range) {
            subnets.remove(subnet);
            if subnets.is_empty() {
                self.by_start.remove(range);
            }
        }
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.by_start.is_empty()
    }

    /// The ranges that share an address with `range`, and the subnets that have them.
    pub fn overlapping(&self, range: IpNet) -> impl Iterator<Item = (IpNet, &Name)> {
        let wider = std::iter::successors(range.supernet(), IpNet::supernet);
        let wider = wider.filter_map(|wider| self.by_start.get_key_value(&wider));
        let within = self.by_start.range(range..).take_while(move |(other, _)| range.contains(*other));
        wider.chain(within).flat_map(|(range, subnets)| subnets.iter().map(move |subnet| (*range, subnet)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::fabric::testing::named;
    use crate::fabric::virtual_network::overlap;

    /// Few enough that they meet.
    fn range() -> impl Strategy<Value = IpNet> {
        let ipv4 = (0u8..=255, 24u8..=32).prop_map(|(last, length)| format!("10.0.0.{last}/{length}"));
        let ipv6 = (0u8..=255, 120u8..=128).prop_map(|(last, length)| format!("fd00::{last:x}/{length}"));
        let all = prop_oneof![4 => ipv4, 2 => ipv6, 1 => Just("0.0.0.0/0".to_owned()), 1 => Just("::/0".to_owned())];
        all.prop_map(|text| text.parse::<IpNet>().unwrap().trunc())
    }

    proptest! {
        #[test]
        fn what_overlaps_is_what_a_look_at_every_range_finds(held in vec((range(), 0u8..9), 0..40), asked in range(), gone in 0u8..9) {
            let mut ranges = Ranges::default();
            let mut naive = BTreeSet::new();
            for (range, subnet) in held {
                ranges.insert(range, &named(&subnet.to_string()));
                naive.insert((range, named(&subnet.to_string())));
            }
            for (range, subnet) in naive.clone().into_iter().filter(|(_, subnet)| *subnet == named(&gone.to_string())) {
                ranges.remove(&range, &subnet);
                naive.remove(&(range, subnet));
            }
            let found: BTreeSet<_> = ranges.overlapping(asked).map(|(range, subnet)| (range, subnet.clone())).collect();
            prop_assert_eq!(ranges.is_empty(), naive.is_empty());
            naive.retain(|(range, _)| overlap(range, &asked));
            prop_assert_eq!(found, naive);
        }
    }
}
