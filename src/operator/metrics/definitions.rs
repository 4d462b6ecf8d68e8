//! Every metric: its name, type, labels and meaning, and where in a snapshot its values are. The names follow
//! Prometheus' conventions: a prefix, base units, `_total` behind counters. The labels are bounded: none has a name that
//! a user chose, but for those of the fullest subnets.

use super::{RunFigures, Snapshot};
use crate::api::conditions::Truth;
use crate::fabric::Kind;
use crate::fabric::engine::{Occupancy, SubnetOccupancy};
use crate::operator::latency::Histogram;
use crate::operator::write_counts::Target;

/// A metric.
#[derive(Debug)]
pub struct Definition {
    /// Its name, as queries have it.
    pub name: &'static str,
    /// Its type.
    pub form: Form,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it says: its HELP.
    pub help: &'static str,
    pub(super) read: fn(&Snapshot) -> Vec<Sample>,
}

/// The type of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// It only grows, until a restart.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Durations, counted by their length.
    Histogram,
}

impl Form {
    /// As Prometheus names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

impl Definition {
    /// The names by which queries find its series.
    pub fn series(&self) -> Vec<String> {
        match self.form {
            Form::Counter | Form::Gauge => vec![self.name.to_owned()],
            Form::Histogram => ["bucket", "sum", "count"].map(|part| format!("{}_{part}", self.name)).into(),
        }
    }
}

/// A value, and what tells it from others of its metric.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sample {
    pub(super) labels: Vec<String>,
    pub(super) value: Value,
}

/// What a sample says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Count(u64),
    Number(f64),
    Durations(Histogram),
}

impl From<u64> for Value {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<usize> for Value {
    fn from(count: usize) -> Self {
        Self::Count(u64::try_from(count).unwrap_or(u64::MAX))
    }
}

impl From<bool> for Value {
    fn from(is_so: bool) -> Self {
        Self::Count(u64::from(is_so))
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

/// All metrics, in the order in which they are shown.
pub const ALL: &[Definition] = &[
    Definition {
        name: "vnet_build_info",
        form: Form::Gauge,
        labels: &["version", "build"],
        help: "Always 1; the version of the operator, and the commit that it was built from.",
        read: |_| {
            let (version, build) = version();
            sample([version, build], 1_u64)
        },
    },
    Definition {
        name: "vnet_leader",
        form: Form::Gauge,
        labels: &[],
        help: "1 if this process is the one that reconciles and writes; 0 when its Lease may have expired.",
        read: |snapshot| sample([], snapshot.is_leader),
    },
    Definition {
        name: "vnet_core_stall_seconds",
        form: Form::Gauge,
        labels: &[],
        help: "How long the operator's loop has not run although it was asked to; /healthz fails above 60.",
        read: |snapshot| sample([], snapshot.stall.as_secs_f64()),
    },
    Definition {
        name: "vnet_watch_age_seconds",
        form: Form::Gauge,
        labels: &["watch"],
        help: "The time since the watch last received something from the API server.",
        read: |snapshot| {
            let watches = snapshot.watches.iter();
            watches.map(|(watch, age)| Sample::new([watch], age.as_secs_f64())).collect()
        },
    },
    Definition {
        name: "vnet_watch_age_limit_seconds",
        form: Form::Gauge,
        labels: &[],
        help: "How long a watch that works may receive nothing; /readyz fails above it.",
        read: |snapshot| sample([], snapshot.silence.as_secs_f64()),
    },
    Definition {
        name: "vnet_writes_total",
        form: Form::Counter,
        labels: &["kind", "verb", "outcome"],
        help: "Writes to the API server that have ended. The outcome is done, conflict, name_taken, taken_over, gone, \
               refused (by the API server, or not answered in time) or failed (no connection).",
        read: |snapshot| {
            of_run(snapshot, |run| {
                let all = run.writes.all();
                all.map(|(Target { kind, verb }, outcome, count)| Sample::new([kind, verb, outcome], count)).collect()
            })
        },
    },
    Definition {
        name: "vnet_writes_in_flight",
        form: Form::Gauge,
        labels: &[],
        help: "Writes that the API server has not answered yet; at most 32.",
        read: |snapshot| of_run(snapshot, |run| sample([], run.in_flight)),
    },
    Definition {
        name: "vnet_judgements_total",
        form: Form::Counter,
        labels: &[],
        help: "Evaluations of an object against the rules, and releases of what a deleted one holds.",
        read: |snapshot| of_run(snapshot, |run| sample([], run.core.judgements)),
    },
    Definition {
        name: "vnet_queue_length",
        form: Form::Gauge,
        labels: &["queue"],
        help: "Entries of the queue: input (events that were not read yet), judgement and deferred_judgement (objects to \
               be evaluated), report, scale_set_report and deferred_report (objects whose status may have to be \
               written), child (objects of scale sets to be created or changed).",
        read: |snapshot| {
            of_run(snapshot, |run| {
                let queues = [("input", run.inputs)].into_iter().chain(run.core.queues);
                queues.map(|(queue, length)| Sample::new([queue], length)).collect()
            })
        },
    },
    Definition {
        name: "vnet_waiting_objects",
        form: Form::Gauge,
        labels: &[],
        help: "Objects that are evaluated again when something else changes: it blocks them, or their violations cite it.",
        read: |snapshot| of_run(snapshot, |run| sample([], run.core.waiting)),
    },
    Definition {
        name: "vnet_event_to_status_seconds",
        form: Form::Histogram,
        labels: &[],
        help: "The time from the event that brings a new spec to the status that reports it.",
        read: |snapshot| of_run(snapshot, |run| sample([], run.core.latency.clone())),
    },
    Definition {
        name: "vnet_objects",
        form: Form::Gauge,
        labels: &["kind", "ready"],
        help: "Objects by the status of their Ready condition: True, False (only an edit helps) or Unknown (in \
               progress, or waiting).",
        read: |snapshot| of_run(snapshot, objects),
    },
    Definition {
        name: "vnet_violations",
        form: Form::Gauge,
        labels: &["code"],
        help: "Violations that keep objects from being programmed or deleted, by their code.",
        read: |snapshot| {
            of_run(snapshot, |run| {
                run.core.totals.violations().map(|(code, count)| Sample::new([code], count)).collect()
            })
        },
    },
    Definition {
        name: "vnet_not_restored",
        form: Form::Gauge,
        labels: &[],
        help: "Facts in statuses that contradicted another status, and were not restored when the operator started.",
        read: |snapshot| of_run(snapshot, |run| sample([], run.core.not_restored)),
    },
    Definition {
        name: "vnet_subnet_allocated_addresses",
        form: Form::Gauge,
        labels: &["subnet_namespace", "subnet"],
        help: "Allocated IPv4 addresses of the subnet; of the 100 fullest subnets.",
        read: |snapshot| of_run(snapshot, |run| subnets(run, |addresses| addresses.allocated)),
    },
    Definition {
        name: "vnet_subnet_available_addresses",
        form: Form::Gauge,
        labels: &["subnet_namespace", "subnet"],
        help: "IPv4 addresses of the subnet that can still be allocated; of the 100 fullest subnets.",
        read: |snapshot| of_run(snapshot, |run| subnets(run, |addresses| addresses.available)),
    },
    Definition {
        name: "vnet_public_allocated_addresses",
        form: Form::Gauge,
        labels: &[],
        help: "Allocated addresses of the public IP pool.",
        read: |snapshot| of_run(snapshot, |run| sample([], run.core.public.allocated)),
    },
    Definition {
        name: "vnet_public_available_addresses",
        form: Form::Gauge,
        labels: &[],
        help: "Addresses of the public IP pool that can still be allocated.",
        read: |snapshot| of_run(snapshot, |run| sample([], run.core.public.available)),
    },
    Definition {
        name: "process_cpu_seconds_total",
        form: Form::Counter,
        labels: &[],
        help: "Processor time of the process, in user and system mode.",
        read: |snapshot| known(snapshot.process.cpu_seconds),
    },
    Definition {
        name: "process_resident_memory_bytes",
        form: Form::Gauge,
        labels: &[],
        help: "Resident memory of the process.",
        read: |snapshot| known(snapshot.process.resident_bytes),
    },
    Definition {
        name: "process_virtual_memory_bytes",
        form: Form::Gauge,
        labels: &[],
        help: "Virtual memory of the process.",
        read: |snapshot| known(snapshot.process.virtual_bytes),
    },
    Definition {
        name: "process_start_time_seconds",
        form: Form::Gauge,
        labels: &[],
        help: "The start of the process, in seconds since 1970.",
        read: |snapshot| known(snapshot.process.start_seconds),
    },
    Definition {
        name: "process_open_fds",
        form: Form::Gauge,
        labels: &[],
        help: "Open file descriptors of the process.",
        read: |snapshot| known(snapshot.process.open_fds),
    },
    Definition {
        name: "process_max_fds",
        form: Form::Gauge,
        labels: &[],
        help: "How many file descriptors the process may open.",
        read: |snapshot| known(snapshot.process.max_fds),
    },
];

impl Sample {
    fn new<const N: usize>(labels: [impl ToString; N], value: impl Into<Value>) -> Self {
        Self { labels: labels.iter().map(ToString::to_string).collect(), value: value.into() }
    }
}

fn sample<const N: usize>(labels: [&str; N], value: impl Into<Value>) -> Vec<Sample> {
    vec![Sample::new(labels, value)]
}

impl From<Histogram> for Value {
    fn from(histogram: Histogram) -> Self {
        Self::Durations(histogram)
    }
}

fn known(value: Option<impl Into<Value>>) -> Vec<Sample> {
    value.map(|value| sample([], value)).unwrap_or_default()
}

fn of_run(snapshot: &Snapshot, read: impl Fn(&RunFigures) -> Vec<Sample>) -> Vec<Sample> {
    snapshot.run.as_ref().map(read).unwrap_or_default()
}

fn objects(run: &RunFigures) -> Vec<Sample> {
    let all = Kind::ALL.iter().flat_map(|kind| Truth::ALL.map(|ready| (*kind, ready)));
    all.map(|(kind, ready)| Sample::new([kind.as_str(), ready.as_str()], run.core.totals.objects(kind, ready)))
        .collect()
}

fn subnets(run: &RunFigures, read: impl Fn(Occupancy) -> u64) -> Vec<Sample> {
    let one = |SubnetOccupancy { subnet, addresses }: &SubnetOccupancy| {
        Sample::new([&*subnet.namespace, &*subnet.name], read(*addresses))
    };
    run.core.subnets.iter().map(one).collect()
}

/// The version, and in parentheses behind it what it was built from.
fn version() -> (&'static str, &'static str) {
    let (version, build) = env!("VNET_VERSION").split_once(' ').unwrap_or((env!("VNET_VERSION"), ""));
    (version, build.trim_matches(['(', ')']))
}
