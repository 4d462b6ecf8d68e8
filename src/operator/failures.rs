//! The log of watches that fail: one line when a failure begins or changes, a rare reminder, and one line when it is over.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use kube::runtime::watcher;

use super::core::Source;

/// A failure that lasts is logged again after this time, once for all watches.
const REMINDER: SignedDuration = SignedDuration::from_mins(1);
/// A watch at rest shows nothing. One that has not failed again for longer than two tries and their pause take works.
const QUIET: SignedDuration = SignedDuration::from_mins(1);

/// The watches that fail.
#[derive(Debug, Default)]
pub struct Failures {
    /// By reason: of a server that is silent, all watches have the same one.
    why: BTreeMap<String, BTreeSet<Source>>,
    last: Option<Timestamp>,
    logged: Option<Timestamp>,
}

impl Failures {
    /// A watch has failed; the log line, if one is due.
    pub fn failed(&mut self, source: Source, why: String, now: Timestamp) -> Option<String> {
        self.last = Some(now);
        let known = self.why.get(&why).is_some_and(|sources| !sources.is_empty());
        self.forget(source);
        let reminds = self.logged.is_none_or(|logged| now.duration_since(logged) >= REMINDER);
        self.why.entry(why.clone()).or_default().insert(source);
        if known && !reminds {
            return None;
        }
        self.logged = Some(now);
        let failing: usize = self.why.values().map(BTreeSet::len).sum();
        Some(match known {
            true => format!("{failing} watches still failing; retrying: {why}"),
            false => format!("watch failed; retrying: {why}"),
        })
    }

    /// A watch has received something; the log line, if it failed before.
    pub fn works(&mut self, source: Source) -> Option<String> {
        let over = self.forget(source)?;
        Some(format!("watch recovered from: {over}"))
    }

    /// The log line when no watch has failed for long.
    pub fn calm(&mut self, now: Timestamp) -> Option<String> {
        self.next_deadline().filter(|due| *due <= now)?;
        self.why.clear();
        Some("all watches recovered: none has failed for a minute".to_owned())
    }

    /// When [`Failures::calm`] has a log line, if no watch fails until then.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.last.filter(|_| !self.why.is_empty()).and_then(|last| last.checked_add(QUIET).ok())
    }

    /// The reason of the watch's failure, if no other watch fails for the same one.
    fn forget(&mut self, source: Source) -> Option<String> {
        let why = self.why.iter().find(|(_, sources)| sources.contains(&source)).map(|(why, _)| why.clone())?;
        let sources = self.why.get_mut(&why)?;
        sources.remove(&source);
        if !sources.is_empty() {
            return None;
        }
        self.why.remove(&why);
        Some(why)
    }
}

/// Why a watch failed, and what to do about it, if anything is; `plural` names what it watches. None if it only was too
/// far behind, which a new list makes good.
pub fn why(plural: &str, error: &watcher::Error) -> Option<String> {
    let status = match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => status,
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => return Some(in_words(error)),
        watcher::Error::NoResourceVersion => return Some(error.to_string()),
    };
    match status.code {
        410 => None,
        404 => Some("there is nothing to watch; install the CRDs of `vnet crds`".to_owned()),
        403 => Some(format!(
            "{}. `kubectl auth can-i list {plural} -A` shows whether the operator's account has that permission; docs/operating.md lists all that it needs",
            status.message
        )),
        _ => Some(status.message.clone()),
    }
}

/// Why a request failed: in the words of the API server, or of the innermost error, which those around it repeat.
pub fn in_words(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        return status.message.clone();
    }
    anyhow::Chain::new(error).last().map_or_else(|| error.to_string(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;
    use crate::fabric::Kind;

    const NICS: Source = Source::Objects(Kind::NetworkInterface);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn failed(failures: &mut Failures, source: Source, why: &str, second: i64) -> Option<String> {
        failures.failed(source, why.to_owned(), at(second))
    }

    #[test]
    fn a_failure_that_lasts_is_logged_once_and_again_once_a_minute_for_all() {
        let mut failures = Failures::default();
        let mut told = Vec::new();
        for second in 0..120 {
            told.extend(failed(&mut failures, NICS, "forbidden nics", second));
            told.extend(failed(&mut failures, Source::Namespaces, "forbidden namespaces", second));
        }
        assert_eq!(
            told,
            [
                "watch failed; retrying: forbidden nics",
                "watch failed; retrying: forbidden namespaces",
                "2 watches still failing; retrying: forbidden nics",
            ]
        );
    }

    #[test]
    fn a_failure_of_all_watches_is_logged_once_when_it_begins_and_once_when_it_is_over() {
        let mut failures = Failures::default();
        assert!(failed(&mut failures, NICS, "refused", 0).is_some());
        assert_eq!(failed(&mut failures, Source::Namespaces, "refused", 0), None);
        assert_eq!(failures.works(NICS), None);
        assert_eq!(failures.works(Source::Namespaces).unwrap(), "watch recovered from: refused");
        assert_eq!(failures.works(Source::Namespaces), None);
    }

    #[test]
    fn another_failure_is_logged() {
        let mut failures = Failures::default();
        assert!(failed(&mut failures, NICS, "refused", 0).is_some());
        assert!(failed(&mut failures, NICS, "forbidden", 1).unwrap().ends_with("forbidden"));
        assert!(failures.works(NICS).unwrap().ends_with("forbidden"));
    }

    #[test]
    fn a_watch_that_shows_nothing_works_again_when_it_has_not_failed_for_a_minute() {
        let mut failures = Failures::default();
        assert_eq!(failures.next_deadline(), None);
        assert!(failed(&mut failures, NICS, "refused", 0).is_some());
        assert_eq!(failed(&mut failures, NICS, "refused", 5), None);
        assert_eq!(failures.next_deadline(), Some(at(65)));
        assert_eq!(failures.calm(at(64)), None);
        assert!(failures.calm(at(65)).is_some());
        assert_eq!((failures.calm(at(66)), failures.next_deadline()), (None, None));
    }

    #[test]
    fn a_refusal_is_logged_in_the_words_of_the_api_server_with_the_permission_that_is_needed() {
        let status = |code| Box::new(Status { code, message: "no".to_owned(), ..Status::default() });
        let told = |code| why("nics", &watcher::Error::InitialListFailed(kube::Error::Api(status(code))));
        assert!(told(403).unwrap().starts_with("no. `kubectl auth can-i list nics -A` shows"));
        assert!(told(404).unwrap().contains("vnet crds"));
        assert_eq!(told(500).unwrap(), "no");
        assert_eq!(why("nics", &watcher::Error::WatchError(status(410))), None);
    }
}
