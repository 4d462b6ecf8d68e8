//! Metrics, in the format of Prometheus: how what the operator knows of itself is shown. It is counted elsewhere; here
//! is only a snapshot, and the [table](definitions::ALL) of what is read from it under which name.

pub mod definitions;
pub mod process;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, prometheus_text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use self::definitions::{ALL, Definition, Form, Value};
use self::process::Process;
use super::core::Figures;
use super::write_counts::WriteCounts;

pub use prometheus_client::encoding::prometheus_text::CONTENT_TYPE;

/// What the loop of the core answers to a scrape.
#[derive(Clone, Debug)]
pub struct RunFigures {
    /// The core's own figures.
    pub core: Figures,
    /// The writes that have ended.
    pub writes: WriteCounts,
    /// The number of writes that are on their way.
    pub in_flight: usize,
    /// The number of inputs that wait for the core.
    pub inputs: usize,
}

/// Everything that the metrics show, at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The answer of the loop; none if the core does not run, or did not answer in time.
    pub run: Option<RunFigures>,
    /// For how long each watch has received nothing.
    pub watches: Vec<(String, Duration)>,
    /// For how long a watch that works may receive nothing.
    pub silence: Duration,
    /// For how long the core has left a question without an answer.
    pub stall: Duration,
    /// Whether the core of this process runs, in a term that is not over.
    pub is_leader: bool,
    /// What the kernel tells of the process.
    pub process: Process,
}

/// The text that a scrape is answered with.
pub fn exposition(snapshot: Snapshot) -> String {
    let (mut registry, mut text) = (Registry::default(), String::new());
    registry.register_collector(Box::new(Exposition(snapshot)));
    let written = prometheus_text::encode(&mut text, &registry);
    assert!(written.is_ok(), "a text takes in whatever is written into it");
    text
}

/// The reference of all metrics, as a table in Markdown.
pub fn markdown() -> String {
    let row = |definition: &Definition| {
        let Definition { name, form, labels, help, .. } = definition;
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        format!("| `{name}` | {} | {} | {help} |\n", form.as_str(), labels.join(", "))
    };
    let rows: String = ALL.iter().map(row).collect();
    format!("| metric | type | labels | what it is |\n| --- | --- | --- | --- |\n{rows}")
}

#[derive(Debug)]
struct Exposition(Snapshot);

impl Collector for Exposition {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        for definition in ALL {
            let samples = (definition.read)(&self.0);
            if samples.is_empty() {
                continue;
            }
            let (name, form) = definition.registered();
            let mut family = encoder.encode_descriptor(name, definition.help, None, form)?;
            for sample in samples {
                let labels: Vec<(&str, String)> = definition.labels.iter().copied().zip(sample.labels).collect();
                encode(family.encode_family(&labels)?, definition.form, &sample.value)?;
            }
        }
        Ok(())
    }
}

fn encode(mut encoder: MetricEncoder, form: Form, value: &Value) -> fmt::Result {
    match (form, value) {
        (Form::Counter, Value::Count(count)) => encoder.encode_counter::<NoLabelSet, _, u64>(count, None),
        (Form::Counter, Value::Number(number)) => encoder.encode_counter::<NoLabelSet, _, u64>(number, None),
        (Form::Gauge, Value::Count(count)) => encoder.encode_gauge(count),
        (Form::Gauge, Value::Number(number)) => encoder.encode_gauge(number),
        (Form::Histogram, Value::Durations(histogram)) => {
            let buckets: Vec<(f64, u64)> = histogram.buckets().collect();
            encoder.encode_histogram::<NoLabelSet>(histogram.seconds(), histogram.count(), &buckets, None)
        }
        (Form::Counter | Form::Gauge, Value::Durations(_)) | (Form::Histogram, Value::Count(_) | Value::Number(_)) => {
            unreachable!("a definition reads values of its own form")
        }
    }
}

impl Definition {
    /// As the encoder knows it, which appends the ending of counters itself.
    fn registered(&self) -> (&'static str, MetricType) {
        match self.form {
            Form::Counter => (self.name.strip_suffix("_total").unwrap_or(self.name), MetricType::Counter),
            Form::Gauge => (self.name, MetricType::Gauge),
            Form::Histogram => (self.name, MetricType::Histogram),
        }
    }
}
