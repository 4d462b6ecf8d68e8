//! The table of the metrics, and what a scrape is answered with.

mod queries;

use std::collections::BTreeSet;

use super::*;
use crate::fabric::Settings;
use crate::operator::Core;

fn snapshot() -> Snapshot {
    let core = Core::new(Settings::default());
    Snapshot {
        run: Some(RunFigures { core: core.figures(), writes: WriteCounts::default(), in_flight: 3, inputs: 2 }),
        watches: vec![("namespaces".to_owned(), Duration::from_millis(1500))],
        silence: Duration::from_secs(150),
        stall: Duration::ZERO,
        is_leader: true,
        process: Process { cpu_seconds: Some(2.5), ..Process::default() },
    }
}

fn lines(text: &str, name: &str) -> Vec<String> {
    text.lines().filter(|line| line.starts_with(name)).map(str::to_owned).collect()
}

#[test]
fn names_follow_the_conventions_and_each_metric_is_explained() {
    let names: BTreeSet<&str> = ALL.iter().map(|definition| definition.name).collect();
    assert_eq!(names.len(), ALL.len(), "each name stands once");
    for Definition { name, form, help, .. } in ALL {
        assert!(name.starts_with("vnet_") || name.starts_with("process_"), "{name}");
        assert_eq!(name.ends_with("_total"), *form == Form::Counter, "{name}");
        assert!(help.ends_with('.') && !help.contains(['\n', '|', '\\']), "{name}: {help}");
    }
}

#[test]
fn a_scrape_shows_each_value_under_its_name_with_help_and_type() {
    let text = exposition(snapshot());
    let expected = ["vnet_queue_length{queue=\"input\"} 2", "vnet_queue_length{queue=\"judgement\"} 0"];
    assert_eq!(lines(&text, "vnet_queue_length")[..2], expected);
    assert_eq!(lines(&text, "vnet_watch_age_seconds"), ["vnet_watch_age_seconds{watch=\"namespaces\"} 1.5"]);
    assert_eq!(lines(&text, "vnet_writes_in_flight"), ["vnet_writes_in_flight 3"]);
    assert_eq!(lines(&text, "vnet_leader"), ["vnet_leader 1"]);
    assert_eq!(lines(&text, "process_cpu_seconds_total"), ["process_cpu_seconds_total 2.5"]);
    assert_eq!(lines(&text, "# TYPE process_cpu"), ["# TYPE process_cpu_seconds_total counter"]);
    assert_eq!(
        lines(&text, "# HELP vnet_leader"),
        [
            "# HELP vnet_leader 1 if this process is the one that reconciles and writes; 0 when its Lease may have expired."
        ]
    );
}

#[test]
fn the_buckets_of_a_histogram_are_cumulative_and_end_with_all() {
    let mut snapshot = snapshot();
    let run = snapshot.run.as_mut().unwrap();
    for millis in [3, 20, 90_000] {
        run.core.latency.observe(jiff::SignedDuration::from_millis(millis));
    }
    let text = exposition(snapshot);
    let buckets = lines(&text, "vnet_event_to_status_seconds_bucket");
    assert_eq!(buckets[0], "vnet_event_to_status_seconds_bucket{le=\"0.005\"} 1");
    assert_eq!(buckets[2], "vnet_event_to_status_seconds_bucket{le=\"0.025\"} 2");
    assert_eq!(
        buckets[12..],
        [
            "vnet_event_to_status_seconds_bucket{le=\"60\"} 2".to_owned(),
            "vnet_event_to_status_seconds_bucket{le=\"+Inf\"} 3".to_owned(),
        ]
    );
    assert_eq!(lines(&text, "vnet_event_to_status_seconds_count"), ["vnet_event_to_status_seconds_count 3"]);
}

#[test]
fn without_an_answer_of_the_core_a_scrape_shows_what_is_known_without_it() {
    let text = exposition(Snapshot { run: None, stall: Duration::from_secs(75), ..snapshot() });
    assert_eq!(lines(&text, "vnet_core_stall_seconds"), ["vnet_core_stall_seconds 75.0"]);
    assert_eq!(lines(&text, "vnet_watch_age_seconds").len(), 1);
    assert!(!text.contains("vnet_objects") && !text.contains("vnet_writes"), "{text}");
}
