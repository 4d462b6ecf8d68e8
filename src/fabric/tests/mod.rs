//! Tests of the fabric as a whole.

mod coverage;
mod json;
mod lifecycle;
mod model;
mod properties;
mod random;
mod reports;
mod restore;
mod restored;
mod weird;
