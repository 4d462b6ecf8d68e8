//! Requests for the Lease that fail: when it is logged, and when it is over.

use jiff::{SignedDuration, Timestamp};

/// A failure that goes on is logged again after so long.
const REMINDER: SignedDuration = SignedDuration::from_mins(1);

/// What was asked of the API server; that a Lease can be read says nothing of whether it can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Request {
    /// The Lease was read.
    Read,
    /// It was created or changed.
    Write,
}

/// The request that fails, if one does.
#[derive(Debug, Default)]
pub struct Failing(Option<Failure>);

#[derive(Debug)]
struct Failure {
    request: Request,
    why: String,
    logged: Timestamp,
}

impl Failing {
    /// Why requests fail.
    pub fn why(&self) -> Option<&str> {
        self.0.as_ref().map(|failure| failure.why.as_str())
    }

    /// A request failed; true if that is to be logged.
    pub fn failed(&mut self, request: Request, why: &str, now: Timestamp) -> bool {
        let known = self.0.as_ref().filter(|known| known.why == why);
        if known.is_some_and(|known| now.duration_since(known.logged) < REMINDER) {
            return false;
        }
        self.0 = Some(Failure { request, why: why.to_owned(), logged: now });
        true
    }

    /// A request succeeded; what is over, if something is.
    pub fn succeeded(&mut self, request: Request) -> Option<String> {
        self.0.take_if(|failure| failure.request <= request).map(|failure| failure.why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn a_lease_that_can_be_read_and_not_written_fails_until_it_is_written() {
        let mut failing = Failing::default();
        assert_eq!(failing.succeeded(Request::Read), None);
        assert!(failing.failed(Request::Write, "no namespace", at(0)));
        for n in 1..50 {
            assert_eq!(failing.succeeded(Request::Read), None);
            assert!(!failing.failed(Request::Write, "no namespace", at(n)));
        }
        assert!(failing.failed(Request::Write, "no namespace", at(60)), "it is a reminder");
        assert_eq!(failing.why(), Some("no namespace"));
        assert_eq!(failing.succeeded(Request::Write), Some("no namespace".to_owned()));
        assert!(failing.why().is_none() && failing.succeeded(Request::Write).is_none());
    }

    #[test]
    fn another_reason_is_logged_at_once_and_a_failed_read_is_over_with_the_next_success() {
        let mut failing = Failing::default();
        assert!(failing.failed(Request::Read, "no answer", at(0)) && failing.failed(Request::Read, "no right", at(1)));
        assert_eq!(failing.succeeded(Request::Read), Some("no right".to_owned()));
    }
}
