//! Tests of the fabric as a whole.

mod coverage;
mod edited;
mod json;
mod lifecycle;
mod model;
mod properties;
mod random;
mod reports;
mod restore;
pub mod restored;
mod room;
mod scale_sets;
mod waiting;
mod weird;
