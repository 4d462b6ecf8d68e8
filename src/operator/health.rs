//! Whether the operator is ready: the fabric is restored, and every watch hears from the API server.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Whether the operator has listed everything and restored the fabric, and whether a watch is silent.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<Mutex<Known>>);

#[derive(Debug)]
struct Known {
    is_restored: bool,
    silence: Duration,
    watches: BTreeMap<String, Watch>,
}

#[derive(Debug)]
struct Watch {
    has_listed: bool,
    last_received: Instant,
}

impl Readiness {
    /// Not ready; `silence` is the longest time in which a watch that works receives nothing.
    pub fn new(silence: Duration) -> Self {
        Self(Arc::new(Mutex::new(Known { is_restored: false, silence, watches: BTreeMap::new() })))
    }

    /// There is a watch of this name.
    pub fn expect(&self, watch: &str) {
        let new = Watch { has_listed: false, last_received: Instant::now() };
        self.known().watches.insert(watch.to_owned(), new);
    }

    /// A watch has received something.
    pub fn received(&self, watch: &str) {
        if let Some(watch) = self.known().watches.get_mut(watch) {
            watch.last_received = Instant::now();
        }
    }

    /// A watch has listed everything.
    pub fn listed(&self, watch: &str) {
        if let Some(watch) = self.known().watches.get_mut(watch) {
            watch.has_listed = true;
        }
    }

    /// The fabric is restored.
    pub fn restored(&self) {
        self.known().is_restored = true;
    }

    /// Whether the fabric is restored.
    pub fn is_restored(&self) -> bool {
        self.known().is_restored
    }

    /// The longest time in which a watch that works receives nothing.
    pub fn silence(&self) -> Duration {
        self.known().silence
    }

    /// For how long each watch has received nothing.
    pub fn ages(&self, now: Instant) -> Vec<(String, Duration)> {
        let age = |watch: &Watch| now.saturating_duration_since(watch.last_received);
        self.known().watches.iter().map(|(name, watch)| (name.clone(), age(watch))).collect()
    }

    /// What keeps the operator from being ready at this time, in one line for each cause.
    pub(super) fn causes(&self, now: Instant) -> Vec<String> {
        let known = self.known();
        let unlisted = known.watches.iter().filter(|(_, watch)| !watch.has_listed).map(|(name, _)| name.as_str());
        let unlisted = unlisted.collect::<Vec<_>>().join(", ");
        let start = match (known.is_restored, unlisted.is_empty()) {
            (true, _) => None,
            (false, true) => Some("the fabric is not restored yet".to_owned()),
            (false, false) => Some(format!("the watches have not listed yet: {unlisted}")),
        };
        let silent = known.watches.iter().filter_map(|(name, watch)| {
            let silence = now.saturating_duration_since(watch.last_received);
            let seconds = silence.as_secs();
            (silence > known.silence).then(|| format!("the watch of {name} has received nothing for {seconds}s"))
        });
        start.into_iter().chain(silent).collect()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SILENCE: Duration = Duration::from_secs(150);

    fn two_watches() -> Readiness {
        let readiness = Readiness::new(SILENCE);
        readiness.expect("namespaces");
        readiness.expect("subnets.vnet.dev");
        readiness
    }

    #[test]
    fn what_has_not_listed_is_named_until_the_fabric_is_restored() {
        let readiness = two_watches();
        readiness.listed("namespaces");
        assert_eq!(readiness.causes(Instant::now()), ["the watches have not listed yet: subnets.vnet.dev"]);
        readiness.listed("subnets.vnet.dev");
        assert_eq!(readiness.causes(Instant::now()), ["the fabric is not restored yet"]);
        readiness.restored();
        assert!(readiness.causes(Instant::now()).is_empty());
    }

    #[test]
    fn a_watch_that_is_silent_for_too_long_is_named_until_it_receives_something() {
        let readiness = two_watches();
        readiness.restored();
        let later = Instant::now() + SILENCE + Duration::from_secs(1);
        readiness.known().watches.get_mut("namespaces").unwrap().last_received = later;
        assert_eq!(readiness.causes(later), ["the watch of subnets.vnet.dev has received nothing for 151s"]);
        readiness.known().watches.get_mut("subnets.vnet.dev").unwrap().last_received = later;
        assert!(readiness.causes(later).is_empty());
        assert!(readiness.ages(later + SILENCE).iter().all(|(_, age)| *age == SILENCE));
    }
}
