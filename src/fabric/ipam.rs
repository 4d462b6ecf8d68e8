//! Address pools: which addresses of a prefix are held, and which is the lowest free one (ADDR-01, ADDR-02).
//!
//! A pool is a hierarchical bitmap whose words are made only where something is held, so that a /8 or an IPv6 /64
//! costs what is allocated in it, and a full pool is searched as fast as an empty one.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net};

use super::id::Name;
use super::terms::IpVersion;

/// Which pool.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PoolId {
    /// The IPv4 addresses of a subnet.
    SubnetIPv4(Name),
    /// The IPv6 addresses of a subnet.
    SubnetIPv6(Name),
    /// The platform's public IPv4 addresses.
    Public,
    /// The addresses of a public prefix.
    Prefix(Name),
}

impl PoolId {
    /// The pool of a subnet that addresses of this version come from.
    pub fn of_subnet(subnet: &Name, version: IpVersion) -> Self {
        match version {
            IpVersion::IPv4 => Self::SubnetIPv4(subnet.clone()),
            IpVersion::IPv6 => Self::SubnetIPv6(subnet.clone()),
        }
    }
}

/// The first four addresses of a subnet and its last are the platform's: network, gateway, two for DNS, broadcast (ADDR-01).
pub const RESERVED_PER_SUBNET: u64 = 5;
const RESERVED_AT_START: u64 = 4;
const BITS: u32 = 6; // of an offset that one level of 64-bit words resolves

/// Who else may not have an address, beside its holders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reservation {
    /// Five addresses, as in a subnet.
    Subnet,
    /// None, as among public addresses.
    None,
}

/// The addresses of one prefix.
#[derive(Clone, Debug)]
pub struct Pool {
    prefix: IpNet,
    reservation: Reservation,
    count: u64,
    held: Bitmap,
    requested: BTreeSet<u64>, // offsets that are requested as Static, held or not (S-88)
    unavailable: Bitmap,      // held or requested
}

/// A set of offsets.
#[derive(Clone, Debug)]
struct Bitmap {
    last: u64,                       // the highest offset
    levels: Vec<BTreeMap<u64, u64>>, // level 0: a bit per offset; level n: a bit per full word of level n - 1
}

impl Pool {
    /// A pool of all addresses of `prefix`, with none held.
    pub fn new(prefix: IpNet, reservation: Reservation) -> Self {
        let host_bits = u32::from(prefix.max_prefix_len() - prefix.prefix_len()).min(64);
        let empty = Bitmap::new(host_bits);
        let (held, unavailable) = (empty.clone(), empty);
        Self { prefix, reservation, count: 0, held, requested: BTreeSet::new(), unavailable }
    }

    /// The prefix whose addresses these are.
    pub fn prefix(&self) -> IpNet {
        self.prefix
    }

    /// The number of addresses of the prefix; of an IPv6 prefix, at most 2^63 - 1 is reported.
    pub fn total(&self) -> u64 {
        self.held.last.saturating_add(1).min(u64::MAX >> 1)
    }

    /// The number of addresses that the platform keeps (ADDR-01).
    pub fn reserved(&self) -> u64 {
        match self.reservation {
            Reservation::Subnet => RESERVED_PER_SUBNET.min(self.total()),
            Reservation::None => 0,
        }
    }

    /// The number of addresses that are held.
    pub fn allocated(&self) -> u64 {
        self.count
    }

    /// The number of addresses that can still be allocated.
    pub fn available(&self) -> u64 {
        self.total() - self.reserved() - self.count
    }

    /// True if the platform keeps this address (ADDR-01).
    pub fn reserves(&self, address: IpAddr) -> bool {
        self.offset(address).is_some_and(|offset| self.reserves_offset(offset))
    }

    /// True if someone holds this address.
    pub fn holds(&self, address: IpAddr) -> bool {
        self.offset(address).is_some_and(|offset| self.held.contains(offset))
    }

    /// The `count` lowest free addresses that are not in `except`; fewer where there are fewer. Those that are requested
    /// as Static come last (S-88).
    pub fn lowest_free(&self, count: usize, except: &[IpAddr]) -> Vec<IpAddr> {
        let is_usable = |offset: u64, address: &IpAddr| !self.reserves_offset(offset) && !except.contains(address);
        let mut found = Vec::new();
        let mut from = 0;
        while found.len() < count {
            let Some(offset) = self.unavailable.first_absent_at_or_after(from) else { break };
            let address = self.address(offset);
            if is_usable(offset, &address) {
                found.push(address);
            }
            match offset.checked_add(1) {
                Some(next) => from = next,
                None => break,
            }
        }
        let requested = self.requested.iter().filter(|offset| !self.held.contains(**offset));
        let requested = requested.map(|offset| (*offset, self.address(*offset)));
        let lacking = count - found.len();
        found.extend(requested.filter(|(n, address)| is_usable(*n, address)).map(|(_, a)| a).take(lacking));
        found
    }

    /// Somebody requests this address as Static: it is allocated dynamically only where no other is free (S-88).
    pub fn request(&mut self, address: IpAddr) {
        if let Some(offset) = self.offset(address) {
            self.requested.insert(offset);
            self.unavailable.insert(offset);
        }
    }

    /// Nobody requests this address any more.
    pub fn withdraw(&mut self, address: IpAddr) {
        if let Some(offset) = self.offset(address)
            && self.requested.remove(&offset)
            && !self.held.contains(offset)
        {
            self.unavailable.remove(offset);
        }
    }

    /// The lowest block of this prefix length, at most 64 addresses, in which nothing is held.
    pub fn lowest_free_block(&self, length: u8) -> Option<Ipv4Net> {
        let size = 1_u64.checked_shl(u32::from(self.prefix.max_prefix_len().checked_sub(length)?))?;
        let mut from = 0;
        loop {
            let start = self.held.first_absent_at_or_after(from)? & !(size - 1);
            let IpAddr::V4(first) = self.address(start) else { return None };
            let block = Ipv4Net::new(first, length).ok()?;
            if start >= from && self.is_free_block(block) {
                return Some(block);
            }
            from = start.checked_add(size)?;
            if from > self.held.last {
                return None;
            }
        }
    }

    /// True if the block is of this pool, and nothing in it is held.
    pub fn is_free_block(&self, block: Ipv4Net) -> bool {
        self.prefix.contains(&IpNet::V4(block)) && all_of(block).all(|address| !self.holds(address))
    }

    /// Marks an address as held. False if it cannot be: held already, kept by the platform, or outside.
    pub fn reserve(&mut self, address: IpAddr) -> bool {
        match self.offset(address) {
            Some(offset) if !self.reserves_offset(offset) && !self.held.contains(offset) => {
                self.held.insert(offset);
                self.unavailable.insert(offset);
                self.count += 1;
                true
            }
            _ => false,
        }
    }

    /// Releases an address. False if it was not held.
    pub fn release(&mut self, address: IpAddr) -> bool {
        match self.offset(address) {
            Some(offset) if self.held.contains(offset) => {
                self.held.remove(offset);
                if !self.requested.contains(&offset) {
                    self.unavailable.remove(offset);
                }
                self.count -= 1;
                true
            }
            _ => false,
        }
    }

    fn reserves_offset(&self, offset: u64) -> bool {
        self.reservation == Reservation::Subnet && (offset < RESERVED_AT_START || offset == self.held.last)
    }

    fn offset(&self, address: IpAddr) -> Option<u64> {
        if !self.prefix.contains(&address) {
            return None;
        }
        match (address, self.prefix.network()) {
            (IpAddr::V4(address), IpAddr::V4(first)) => Some(u64::from(u32::from(address) - u32::from(first))),
            (IpAddr::V6(address), IpAddr::V6(first)) => u64::try_from(u128::from(address) - u128::from(first)).ok(),
            _ => None,
        }
    }

    fn address(&self, offset: u64) -> IpAddr {
        match self.prefix.network() {
            IpAddr::V4(first) => {
                let offset = u32::try_from(offset).unwrap_or(u32::MAX); // an IPv4 pool has at most 2^32 offsets
                IpAddr::V4(Ipv4Addr::from(u32::from(first).saturating_add(offset)))
            }
            IpAddr::V6(first) => IpAddr::V6(Ipv6Addr::from(u128::from(first).saturating_add(u128::from(offset)))),
        }
    }
}

impl Bitmap {
    fn new(host_bits: u32) -> Self {
        let last = u64::MAX.checked_shr(64 - host_bits).unwrap_or(0);
        let depth = host_bits.div_ceil(BITS).max(1);
        Self { last, levels: (0..depth).map(|_| BTreeMap::new()).collect() }
    }

    fn contains(&self, offset: u64) -> bool {
        self.levels
            .first()
            .and_then(|words| words.get(&(offset >> BITS)))
            .is_some_and(|word| word >> (offset & 63) & 1 == 1)
    }

    fn insert(&mut self, offset: u64) {
        let mut index = offset;
        for words in &mut self.levels {
            let word = words.entry(index >> BITS).or_default();
            *word |= 1 << (index & 63);
            if *word != u64::MAX {
                return;
            }
            index >>= BITS;
        }
    }

    fn remove(&mut self, offset: u64) {
        let mut index = offset;
        for words in &mut self.levels {
            let Some(word) = words.get_mut(&(index >> BITS)) else { return };
            let was_full = *word == u64::MAX;
            *word &= !(1 << (index & 63));
            if *word == 0 {
                words.remove(&(index >> BITS));
            }
            if !was_full {
                return;
            }
            index >>= BITS;
        }
    }

    /// Climbs while the rest of the word is full, then descends by the first bit that is not set.
    fn first_absent_at_or_after(&self, from: u64) -> Option<u64> {
        let mut index = from; // at `level`, the first candidate
        let mut level = 0;
        loop {
            let word = self.levels.get(level)?.get(&(index >> BITS)).copied().unwrap_or(0);
            let candidates = !word & (u64::MAX << (index & 63));
            if candidates == 0 {
                index = (index >> BITS).checked_add(1)?;
                level += 1;
                continue;
            }
            index = (index & !63) | u64::from(candidates.trailing_zeros());
            if level == 0 {
                return (index <= self.last).then_some(index);
            }
            level -= 1;
            index = index.checked_shl(BITS).filter(|first| first >> BITS == index)?;
        }
    }
}

/// The fact that `of` has fewer addresses than `count`. How many it has is left out: that changes with its neighbours.
pub fn shortage(count: u64, of: &str) -> String {
    match count {
        1 => format!("1 more address of {of} is required, and none is available."),
        _ => format!("{count} more addresses of {of} are required, and fewer are available."),
    }
}

/// Every address of a block, its first and its last too.
pub fn all_of(block: Ipv4Net) -> impl Iterator<Item = IpAddr> {
    (u32::from(block.network())..=u32::from(block.broadcast())).map(|address| Ipv4Addr::from(address).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn a_subnet(prefix: &str) -> Pool {
        Pool::new(prefix.parse().unwrap(), Reservation::Subnet)
    }

    #[test]
    fn the_first_address_of_a_subnet_is_its_fifth() {
        assert_eq!(
            a_subnet("10.0.1.0/24").lowest_free(2, &[]),
            ["10.0.1.4", "10.0.1.5"].map(|a| a.parse::<IpAddr>().unwrap())
        );
        assert_eq!(a_subnet("fd00::/64").lowest_free(1, &[]), ["fd00::4".parse::<IpAddr>().unwrap()]);
    }

    #[test]
    fn the_smallest_subnet_has_three_addresses_to_give() {
        let mut pool = a_subnet("10.0.0.0/29");
        for address in pool.lowest_free(9, &[]) {
            assert!(pool.reserve(address));
        }
        assert_eq!((pool.allocated(), pool.available()), (3, 0));
        assert!(!pool.reserve("10.0.0.7".parse().unwrap()));
    }

    #[test]
    fn a_full_pool_gives_back_the_one_address_that_was_released() {
        let mut pool = Pool::new("10.0.0.0/16".parse().unwrap(), Reservation::None);
        for address in pool.lowest_free(65536, &[]) {
            assert!(pool.reserve(address));
        }
        assert_eq!(pool.lowest_free(1, &[]), [] as [IpAddr; 0]);
        let middle: IpAddr = "10.0.77.5".parse().unwrap();
        assert!(pool.release(middle));
        assert_eq!(pool.lowest_free(2, &[]), [middle]);
    }

    #[test]
    fn an_address_that_is_requested_is_allocated_last() {
        let addresses = |all: [&str; 3]| all.map(|address| address.parse::<IpAddr>().unwrap());
        let mut pool = a_subnet("10.0.0.0/29");
        pool.request("10.0.0.4".parse().unwrap());
        assert_eq!(pool.lowest_free(3, &[]), addresses(["10.0.0.5", "10.0.0.6", "10.0.0.4"]));
        pool.withdraw("10.0.0.4".parse().unwrap());
        assert_eq!(pool.lowest_free(3, &[]), addresses(["10.0.0.4", "10.0.0.5", "10.0.0.6"]));
    }

    proptest! {
        #[test]
        fn the_lowest_free_address_is_what_a_search_through_all_of_them_finds(
            operations in proptest::collection::vec((0u8..4, 0u32..256), 0..400),
            length in 24u8..=29,
        ) {
            let prefix: IpNet = format!("10.0.0.0/{length}").parse().unwrap();
            let mut pool = Pool::new(prefix, Reservation::Subnet);
            let (mut naive, mut requested) = (BTreeSet::new(), BTreeSet::new());
            let all: Vec<IpAddr> = (0..2u32.pow(u32::from(32 - length))).map(|n| IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + n))).collect();
            let usable = &all[4..all.len() - 1];
            for (operation, n) in operations {
                let address = IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + n));
                match operation {
                    0 => prop_assert_eq!(pool.reserve(address), usable.contains(&address) && naive.insert(address)),
                    1 => prop_assert_eq!(pool.release(address), naive.remove(&address)),
                    2 => {
                        pool.request(address);
                        requested.insert(address);
                    }
                    _ => {
                        pool.withdraw(address);
                        requested.remove(&address);
                    }
                }
                let free = usable.iter().filter(|a| !naive.contains(a)).copied();
                let (last, first): (Vec<IpAddr>, Vec<IpAddr>) = free.partition(|a| requested.contains(a));
                let free: Vec<IpAddr> = first.into_iter().chain(last).take(3).collect();
                prop_assert_eq!(pool.lowest_free(3, &[]), free);
                prop_assert_eq!(pool.allocated(), naive.len() as u64);
            }
        }
    }
}
