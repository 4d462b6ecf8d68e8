//! The operator: from what the API server shows to what is written back.
//!
//! * [`core`] is a pure state machine: inputs in, writes out, the fabric inside. It does no I/O and reads no clock, so
//!   that a whole operator's life can be lived in a test.
//! * [`index`] is what it remembers of each object, [`queue`] what is to be judged next, [`waits`] who waits for what.
//! * [`totals`] and [`latency`] are figures that the core keeps of itself; [`metrics`] is how they are shown.
//! * [`run`] does the I/O: timers, [`write`](mod@write) with [`answers`] for the errors that answer writes, [`watches`], their
//!   [`timeouts`], [`failures`] for what is logged of watches that fail, [`events`] and their [`recorder`], and
//!   [`endpoints`] for probes and scrapes, with [`health`] and the [`pulse`] of the loop; [`clock`] times all of it.
//! * [`leader`] is a pure state machine, too: it elects the one operator that does all this. [`lease`] does its requests, and
//!   [`fence`] keeps writes within its term.
//! * [`rbac`] has the rights that this takes.

/// Logs a line about an object, whose kind, namespace and name are fields of their own.
macro_rules! about {
    ($level:ident, $id:expr, $($rest:tt)*) => {
        tracing::$level!(
            kind = %$id.kind, namespace = %$id.name.namespace, name = %$id.name.name, $($rest)*
        )
    };
}

pub mod answers;
mod children;
pub mod clock;
pub mod core;
pub mod endpoints;
pub mod events;
pub mod failures;
pub mod fence;
pub mod health;
pub mod index;
pub mod latency;
pub mod leader;
pub mod lease;
pub mod metrics;
pub mod pulse;
pub mod queue;
pub mod rbac;
pub mod recorder;
pub mod run;
pub mod settings;
pub mod timeouts;
pub mod totals;
pub mod waits;
pub mod watches;
pub mod write;
pub mod write_counts;

pub use self::core::{Core, Input, Namespace, Notice, Outcome, Source, What, Write};
