//! Which changes are planned and compared: all, or a sample that a seed draws.
//!
//! A change is drawn by the seed, the name of its test and its number in that test, so that neither the order of tests nor what
//! else runs decides.

use std::hash::{Hash, Hasher};
use std::io::Write;
use std::sync::LazyLock;

use siphasher::sip::SipHasher13;

/// One change in how many, and the seed.
static SAMPLE: LazyLock<(u64, u64)> = LazyLock::new(|| {
    let (one_in, seed) = (number("VNET_FORESIGHT_SAMPLE").max(1), number("VNET_FORESIGHT_SEED"));
    let said = match one_in {
        1 => "every change is planned and compared".to_owned(),
        _ => format!("one change in {one_in} is planned and compared; VNET_FORESIGHT_SEED={seed} repeats this sample"),
    };
    writeln!(std::io::stderr(), "== vnet plan: {said}").ok();
    (one_in, seed)
});

/// Whether a change, by its number, of the test of this namespace is in the sample.
pub fn is_in_the_sample(namespace: &str, change: usize) -> bool {
    let (one_in, seed) = *SAMPLE;
    let test = namespace.split_once('-').map_or(namespace, |(_, test)| test); // the number before differs from run to run
    let mut hasher = SipHasher13::new();
    (seed, test, change).hash(&mut hasher);
    hasher.finish().is_multiple_of(one_in)
}

fn number(variable: &str) -> u64 {
    let Ok(text) = std::env::var(variable) else { return 0 };
    text.parse().unwrap_or_else(|_| panic!("{variable}={text} is not a number"))
}
