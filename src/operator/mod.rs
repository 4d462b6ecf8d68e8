//! The operator: from what the API server shows to what is written back.
//!
//! * [`core`] is a pure state machine: inputs in, writes out, the fabric inside. It does no I/O and reads no clock, so
//!   that a whole operator's life can be lived in a test.
//! * [`index`] is what it remembers of each object, [`queue`] what is to be judged next, [`waits`] who waits for what.
//! * [`run`] does the I/O: watches, writes, timers; [`recorder`] records Events, [`health`] answers probes, [`failures`]
//!   is what is logged of watches that fail, [`answers`] reads the errors that answer writes, and [`clock`] is what times
//!   all of it.

pub mod answers;
pub mod clock;
pub mod core;
pub mod failures;
pub mod health;
pub mod index;
pub mod queue;
pub mod recorder;
pub mod run;
pub mod settings;
pub mod waits;

pub use self::core::{Core, Input, Namespace, Notice, Outcome, Source, What, Write};
