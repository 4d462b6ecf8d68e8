//! The ledger by itself: idempotent, exact, and its totals those of its entries.

use proptest::prelude::*;

use super::*;
use crate::fabric::id::Kind;
use crate::fabric::testing::named;

fn owner(id: u64) -> Owner {
    Owner::instance(&named("set"), id)
}

fn nic(id: u64) -> ObjectId {
    ObjectId::new(Kind::NetworkInterface, named(&format!("set-{id}-nic")))
}

fn pool(name: &str) -> PoolId {
    PoolId::SubnetIPv4(named(name))
}

fn quota() -> Quota {
    Quota::PrivateAddresses(named("hub"))
}

/// One address of each of these subnets, by a configuration of its name.
fn lacking(subnets: &[&str]) -> Lacking {
    let addresses = subnets.iter().map(|subnet| (Arc::from(*subnet), pool(subnet))).collect();
    let quotas = [(quota(), subnets.len() as u64)].into_iter().filter(|(_, count)| *count > 0);
    Lacking { addresses, quotas: quotas.collect() }
}

fn address(last: u8) -> IpAddr {
    [10, 0, 0, last].into()
}

/// A ledger in which the NIC of instance 0 has 10.0.0.4 of `web`.
fn with_one() -> Ledger {
    let mut ledger = Ledger::default();
    let (released, wanted) = ledger.set(&owner(0), vec![(nic(0), lacking(&["web"]))]);
    assert_eq!((released, wanted.len()), (Released::default(), 1));
    ledger.assign(&wanted[0], address(4));
    ledger
}

#[test]
fn to_reserve_the_same_again_changes_nothing() {
    let mut ledger = with_one();
    let before = ledger.clone();
    let (released, wanted) = ledger.set(&owner(0), vec![(nic(0), lacking(&["web"]))]);
    assert_eq!((released, wanted), (Released::default(), vec![]));
    assert_eq!(ledger, before);
    assert_eq!(ledger.holder(&pool("web"), address(4)), Some((&nic(0), &owner(0))));
}

#[test]
fn an_address_is_taken_by_the_object_that_it_is_reserved_for_alone() {
    let mut ledger = with_one();
    assert!(!ledger.take(&nic(1), &pool("web"), address(4)));
    assert!(!ledger.take(&nic(0), &pool("web"), address(5)));
    assert!(ledger.take(&nic(0), &pool("web"), address(4)));
    assert!(!ledger.take(&nic(0), &pool("web"), address(4)), "once");
    assert_eq!(ledger.holder(&pool("web"), address(4)), None);
}

#[test]
fn what_is_lacked_no_longer_is_released() {
    let mut ledger = with_one();
    let (released, wanted) = ledger.set(&owner(0), vec![(nic(0), lacking(&["db"]))]);
    assert_eq!(released.addresses, [(pool("web"), address(4))]);
    assert!(released.quotas.is_empty(), "as much of the quota is needed as before");
    ledger.assign(&wanted[0], address(9));
    let (released, _) = ledger.set(&owner(0), vec![]);
    assert_eq!(released.addresses, [(pool("db"), address(9))]);
    assert_eq!(released.quotas, BTreeSet::from([quota()]));
    assert_eq!(ledger, Ledger::default(), "nothing is left");
}

/// Its object waits for one by then, in the line of those that do.
#[test]
fn an_address_that_the_pool_lacked_is_not_asked_for_again() {
    let mut ledger = Ledger::default();
    let (_, first) = ledger.set(&owner(0), vec![(nic(0), lacking(&["web"]))]);
    let (_, again) = ledger.set(&owner(0), vec![(nic(0), lacking(&["web", "db"]))]);
    assert_eq!((first.len(), again), (1, vec![(nic(0), Arc::from("db"), pool("db"))]));
}

proptest! {
    #[test]
    fn the_totals_are_the_sums_of_what_is_reserved(
        operations in proptest::collection::vec((0u64..4, proptest::sample::subsequence(vec!["web", "db", "app"], 0..=3), any::<bool>()), 0..60)
    ) {
        let mut ledger = Ledger::default();
        let mut naive: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
        let mut next = 0u8;
        for (id, subnets, taken) in operations {
            let (released, wanted) = ledger.set(&owner(id), vec![(nic(id), lacking(&subnets))]);
            prop_assert!(released.addresses.iter().all(|(pool, address)| ledger.holder(pool, *address).is_none()));
            for slot in &wanted {
                next = next.wrapping_add(1);
                if ledger.holder(&slot.2, address(next)).is_none() {
                    ledger.assign(slot, address(next));
                }
            }
            naive.insert(id, subnets.clone());
            if taken && let Some(subnet) = subnets.first() {
                let of = pool(subnet);
                let own = ledger.address_of(&nic(id), subnet, &of);
                prop_assert!(own.is_none_or(|own| ledger.take(&nic(id), &of, own)));
                let left: Vec<&str> = subnets[1..].to_vec();
                ledger.set(&owner(id), vec![(nic(id), lacking(&left))]);
                naive.insert(id, left);
            }
            let sum = naive.values().map(|subnets| subnets.len() as u64).sum::<u64>();
            prop_assert_eq!(ledger.total(&quota()), sum);
            let (pools, quotas) = ledger.of_set(&named("set"));
            prop_assert_eq!(quotas.get(&quota()).copied().unwrap_or(0), sum);
            for subnet in ["web", "db", "app"] {
                let of = pool(subnet);
                let lacked = naive.values().flatten().filter(|lacked| **lacked == subnet).count();
                let (reserved, listed) = (pools.get(&of).copied().unwrap_or(0), ledger.addresses_in(&of).count());
                prop_assert_eq!(reserved as usize, listed);
                prop_assert!(listed <= lacked, "no more is reserved than is lacked");
            }
        }
    }
}
