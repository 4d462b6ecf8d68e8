//! `/metrics` of the real operator: the figures are those of what was applied.

use vnet_operator::fabric::Kind;
use vnet_operator::operator::metrics::definitions::ALL;

use crate::support::cluster::{Cluster, alone, poll};
use crate::support::exposition::Exposition;
use crate::support::manifests::{nic, static_nic};
use crate::support::space::Space;

fn scrape(cluster: &Cluster) -> Exposition {
    Exposition::read(&cluster.health("/metrics").expect("it is served"))
}

fn of_nics(metrics: &Exposition, ready: &str) -> Option<f64> {
    metrics.value("vnet_objects", &[("kind", "NetworkInterface"), ("ready", ready)])
}

fn in_subnet(metrics: &Exposition, space: &Space<'_>, name: &str) -> Option<f64> {
    metrics.value(name, &[("subnet_namespace", &space.name), ("subnet", "web")])
}

/// Three NICs, one in the reserved range, and one that waits for the address of another.
fn apply_some(space: &Space<'_>) {
    space.apply(&(nic("a", "web") + &nic("b", "web") + &static_nic("c", "web", "10.0.1.10")));
    for id in ["nic/a", "nic/b", "nic/c"] {
        space.ready(id);
    }
    space.apply(&(static_nic("reserved", "web", "10.0.1.1") + &static_nic("late", "web", "10.0.1.10")));
    space.stalled("nic/reserved").stalls();
    space.refused("nic/late").waits();
}

#[test]
fn the_metrics_show_what_was_applied_and_forget_what_is_deleted() {
    let cluster = alone();
    cluster.kill_operator();
    cluster.start_operator().unwrap(); // its counters begin with zero
    let space = Space::on(&cluster).and_a_subnet();
    apply_some(&space);
    let is_counted = |metrics: &Exposition| of_nics(metrics, "True") == Some(3.0);
    let full = poll("the answers to all writes have come", || Some(scrape(&cluster)).filter(is_counted)).unwrap();
    assert_eq!((of_nics(&full, "False"), of_nics(&full, "Unknown")), (Some(1.0), Some(1.0)));
    let violations = full.by("vnet_violations", "code");
    let expected = [("PrivateIPAddressInReservedRange", 1.0), ("PrivateIPAddressInUse", 1.0)];
    assert_eq!(violations, expected.map(|(code, count)| (code.to_owned(), count)).into());
    assert_eq!(full.value("vnet_waiting_objects", &[]), Some(2.0), "one waits, and one cites the range of its subnet");
    assert_eq!(in_subnet(&full, &space, "vnet_subnet_allocated_addresses"), Some(3.0));
    assert_eq!(in_subnet(&full, &space, "vnet_subnet_available_addresses"), Some(248.0));
    let statuses = [("kind", "NetworkInterface"), ("verb", "update_status"), ("outcome", "done")];
    let writes = full.value("vnet_writes_total", &statuses);
    assert!(writes.is_some_and(|writes| writes >= 5.0), "each NIC has a status: {writes:?}");
    let reported = full.value("vnet_event_to_status_seconds_count", &[]);
    assert!(reported.is_some_and(|reported| reported >= 7.0), "each object was reported: {reported:?}");

    let all = ["nic/reserved", "nic/late", "nic/c", "nic/b", "nic/a", "subnet/web", "vnet/hub"];
    all.iter().for_each(|id| space.delete(id));
    all.iter().for_each(|id| space.gone(id));
    let is_empty = |metrics: &Exposition| metrics.by("vnet_objects", "kind").values().all(|count| *count == 0.0);
    let empty = poll("every gauge of objects is down", || Some(scrape(&cluster)).filter(is_empty)).unwrap();
    assert!(empty.by("vnet_violations", "code").values().all(|count| *count == 0.0), "{empty:?}");
    assert_eq!(empty.value("vnet_waiting_objects", &[]), Some(0.0));
    assert_eq!(in_subnet(&empty, &space, "vnet_subnet_allocated_addresses"), None);
    assert!(empty.value("vnet_writes_total", &statuses) >= writes, "a counter never goes down");
}

#[test]
fn the_metrics_of_a_running_operator_are_all_there_with_the_types_that_the_reference_gives() {
    let cluster = alone();
    let space = Space::on(&cluster).and_a_subnet();
    space.apply(&static_nic("reserved", "web", "10.0.1.1"));
    space.stalled("nic/reserved").stalls();
    let there = |metrics: &Exposition| metrics.types().contains_key("vnet_violations");
    let metrics = poll("it has counted the violation", || Some(scrape(&cluster)).filter(there)).unwrap();
    let reference = ALL.iter().map(|definition| (definition.name.to_owned(), definition.form.as_str().to_owned()));
    assert_eq!(*metrics.types(), reference.collect());
    assert_eq!((metrics.value("vnet_leader", &[]), metrics.value("vnet_not_restored", &[])), (Some(1.0), Some(0.0)));
    let limit = metrics.value("vnet_watch_age_limit_seconds", &[]);
    let ages = metrics.by("vnet_watch_age_seconds", "watch");
    assert_eq!(ages.len(), Kind::ALL.len() + 2, "{ages:?}");
    assert!(ages.contains_key("networkinterfaces.vnet.dev") && ages.values().all(|age| Some(*age) < limit), "{ages:?}");
    let memory = metrics.value("process_resident_memory_bytes", &[]);
    assert!(memory.is_some_and(|bytes| bytes > 1_000_000.0), "{memory:?}");
    let version = metrics.by("vnet_build_info", "version");
    assert_eq!(version, [(env!("CARGO_PKG_VERSION").to_owned(), 1.0)].into());
}
