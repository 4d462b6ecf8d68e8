//! Whether the operator is ready: one that stands by is, as long as it reads the Lease; one that leads is once the fabric
//! is restored, as long as it renews its Lease and every watch hears from the API server.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Whether the operator has listed everything and restored the fabric, and whether a watch is silent.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<Mutex<Known>>);

#[derive(Debug)]
struct Known {
    role: Role,
    is_restored: bool,
    silence: Duration,
    watches: BTreeMap<String, Watch>,
}

#[derive(Debug)]
enum Role {
    /// Neither yet, for this reason.
    Undecided(String),
    /// It stands by, as the Lease said when it was last read.
    StandsBy { holder: String, read: Instant },
    /// It leads, has to renew the Lease by this time, and no longer leads at its end.
    Leads { renew_by: Instant, ends: Instant },
}

#[derive(Debug)]
struct Watch {
    has_listed: bool,
    last_received: Instant,
}

impl Readiness {
    /// Not ready; `silence` is the longest time in which a watch that works receives nothing.
    pub fn new(silence: Duration) -> Self {
        let role = Role::Undecided("it has not started yet".to_owned());
        Self(Arc::new(Mutex::new(Known { role, is_restored: false, silence, watches: BTreeMap::new() })))
    }

    /// Whether it leads is not decided, for this reason.
    pub fn is_undecided(&self, why: String) {
        self.known().role = Role::Undecided(why);
    }

    /// Another operator leads, as has just been read.
    pub fn stands_by(&self, holder: &str) {
        self.known().role = Role::StandsBy { holder: holder.to_owned(), read: Instant::now() };
    }

    /// It leads until its term ends, and is to renew that by this time.
    pub fn leads(&self, renew_by: Instant, ends: Instant) {
        self.known().role = Role::Leads { renew_by, ends };
    }

    /// Whether the term of a leader lasts at this time.
    pub fn is_in_term(&self, now: Instant) -> bool {
        match self.known().role {
            Role::Leads { ends, .. } => now < ends,
            Role::Undecided(_) | Role::StandsBy { .. } => false,
        }
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

    /// What a ready operator says.
    pub(super) fn word(&self) -> String {
        match &self.known().role {
            Role::StandsBy { holder, .. } => format!("standing by: operator {holder} leads"),
            Role::Undecided(_) | Role::Leads { .. } => "ok".to_owned(),
        }
    }

    /// What keeps the operator from being ready at this time, in one line for each cause.
    pub(super) fn causes(&self, now: Instant) -> Vec<String> {
        let known = self.known();
        let overdue = match &known.role {
            Role::Undecided(why) => return vec![why.clone()],
            Role::StandsBy { read, .. } => {
                let silence = now.saturating_duration_since(*read);
                let why = format!("the Lease has not been read for {}s", silence.as_secs());
                return if silence > known.silence { vec![why] } else { Vec::new() };
            }
            Role::Leads { renew_by, .. } => now.checked_duration_since(*renew_by).filter(|late| !late.is_zero()),
        };
        let overdue = overdue.map(|late| {
            format!("the Lease should have been renewed {}s ago; nothing is written until it is", late.as_secs())
        });
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
        overdue.into_iter().chain(start).chain(silent).collect()
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
        let far = Instant::now() + 2 * SILENCE;
        readiness.leads(far, far);
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

    #[test]
    fn one_that_stands_by_is_ready_and_names_the_leader_while_it_reads_the_lease() {
        let readiness = Readiness::new(SILENCE);
        readiness.is_undecided("the Lease has not been read yet".to_owned());
        assert_eq!(readiness.causes(Instant::now()), ["the Lease has not been read yet"]);
        readiness.stands_by("a");
        assert!(readiness.causes(Instant::now()).is_empty());
        assert_eq!(readiness.word(), "standing by: operator a leads");
        let later = Instant::now() + SILENCE + Duration::from_secs(1);
        assert_eq!(readiness.causes(later), ["the Lease has not been read for 151s"]);
    }

    #[test]
    fn one_that_leads_is_not_ready_when_its_lease_is_not_renewed_in_time() {
        let (readiness, now) = (two_watches(), Instant::now());
        readiness.restored();
        readiness.leads(now, now + Duration::from_secs(4));
        assert!(readiness.causes(now).is_empty());
        let why = "the Lease should have been renewed 5s ago; nothing is written until it is";
        assert_eq!(readiness.causes(now + Duration::from_secs(5)), [why]);
    }

    #[test]
    fn one_that_leads_does_so_until_its_term_ends_and_again_when_it_is_renewed() {
        let (readiness, now, second) = (Readiness::new(SILENCE), Instant::now(), Duration::from_secs(1));
        assert!(!readiness.is_in_term(now));
        readiness.leads(now, now + second);
        assert_eq!([now, now + second].map(|now| readiness.is_in_term(now)), [true, false]);
        readiness.leads(now, now + 2 * second);
        assert!(readiness.is_in_term(now + second));
        readiness.stands_by("a");
        assert!(!readiness.is_in_term(now));
    }
}
