//! Events on their way to the API server: how many each object may have, and the queue of the recorder. They are for people:
//! nothing waits for them, and what is omitted or lost is counted and reported once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kube::Client;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::clock::Clock;
use super::core::Notice;
use super::failures::in_words;
use super::recorder::{self, Recorder};
use crate::fabric::{ObjectId, Uid};

/// An object may have this many Events at once, and one more after each [`INTERVAL`]; client-go has the same limits.
const BURST: i32 = 25;
const INTERVAL: SignedDuration = SignedDuration::from_mins(5);
/// The Events of so many objects are counted; beyond that, all counts are forgotten.
const COUNTED: usize = 4096;
/// So many Events wait for the recorder; more are dropped.
const PENDING: usize = 1024;
/// An Event that is not recorded by then is dropped.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Events that go on being lost are reported once in this time.
const REMINDER: Duration = Duration::from_secs(60);

/// The Events on their way.
pub struct Events {
    queue: mpsc::Sender<Notice>,
    limits: Limits,
    dropped: Arc<AtomicU64>,
}

impl Events {
    /// Starts the recorder.
    pub fn start(client: Client, clock: Clock) -> Self {
        let (queue, receiver) = mpsc::channel(PENDING);
        let dropped = Arc::<AtomicU64>::default();
        tokio::spawn(record_all(Recorder::new(client), receiver, dropped.clone(), clock));
        Self { queue, limits: Limits::default(), dropped }
    }

    /// Sends what the limits of the objects admit, and reports what they did not.
    pub fn send(&mut self, notices: Vec<Notice>, now: Timestamp) {
        let mut admitted = self.limits.take_omitted(now);
        admitted.extend(notices.into_iter().filter(|notice| self.limits.admits(&notice.id, &notice.uid, now)));
        for notice in admitted {
            if self.queue.try_send(notice).is_err() {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// When there is an omission to report, if no Event is sent until then.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.limits.due.first().map(|(due, _)| *due)
    }
}

type Life = (ObjectId, Uid);

/// A token bucket for each object.
#[derive(Debug, Default)]
struct Limits {
    objects: BTreeMap<Life, Bucket>,
    /// When the objects of which Events were omitted may have one again.
    due: BTreeSet<(Timestamp, Life)>,
}

#[derive(Debug)]
struct Bucket {
    full_at: Timestamp,
    omitted: u64,
}

impl Limits {
    /// True if the object may have an Event now; one that it may not have is counted.
    fn admits(&mut self, id: &ObjectId, uid: &Uid, now: Timestamp) -> bool {
        self.forget_some(now);
        let life = (id.clone(), uid.clone());
        let bucket = self.objects.entry(life.clone()).or_insert(Bucket { full_at: now, omitted: 0 });
        let full_at = bucket.full_at.max(now);
        let has_token_at = full_at.checked_sub(INTERVAL * (BURST - 1)).unwrap_or(now);
        if has_token_at > now {
            if bucket.omitted == 0 {
                self.due.insert((has_token_at, life));
            }
            bucket.omitted += 1;
            return false;
        }
        bucket.full_at = full_at.checked_add(INTERVAL).unwrap_or(full_at);
        true
    }

    /// An Event for each object of which some were omitted, and that may have one again.
    fn take_omitted(&mut self, now: Timestamp) -> Vec<Notice> {
        let mut notices = Vec::new();
        while let Some((_, life)) = self.due.first().cloned().filter(|(due, _)| *due <= now) {
            self.due.pop_first();
            let omitted = self.objects.get_mut(&life).map_or(0, |bucket| std::mem::take(&mut bucket.omitted));
            let (id, uid) = life;
            let note =
                format!("{omitted} Events of this object were omitted, because there were too many; see its status.");
            notices.push(Notice { id, uid, warning: false, reason: "EventsOmitted".to_owned(), note });
        }
        notices
    }

    fn forget_some(&mut self, now: Timestamp) {
        if self.objects.len() < COUNTED {
            return;
        }
        self.objects.retain(|_, bucket| bucket.full_at > now || bucket.omitted > 0);
        if self.objects.len() > COUNTED / 2 {
            self.objects.clear();
            self.due.clear();
        }
    }
}

async fn record_all(mut recorder: Recorder, mut queue: mpsc::Receiver<Notice>, dropped: Arc<AtomicU64>, clock: Clock) {
    let mut losses = Losses::default();
    loop {
        // Also when no Event comes any more, what was lost is reported.
        match timeout(REMINDER, queue.recv()).await {
            Ok(Some(notice)) => losses.failures.extend(record(&mut recorder, notice).await.err()),
            Ok(None) => return,
            Err(_) => {}
        }
        losses.dropped += dropped.swap(0, Ordering::Relaxed);
        if let Some(report) = losses.report(queue.is_empty(), clock.now()) {
            tracing::warn!("{report}");
        }
    }
}

/// Records an Event.
///
/// # Errors
/// Why it is lost.
async fn record(recorder: &mut Recorder, notice: Notice) -> Result<(), String> {
    let id = notice.id.clone();
    match timeout(TIMEOUT, recorder.record(notice)).await {
        Ok(Err(error)) if recorder::is_of_an_end(&error) => {
            about!(debug, id, error = in_words(&error), "an Event was not recorded");
            Ok(())
        }
        Ok(result) => result.map_err(|error| in_words(&error)),
        Err(_) => Err(format!("no answer within {TIMEOUT:?}")),
    }
}

/// The Events that were lost since the last report.
#[derive(Debug, Default)]
struct Losses {
    dropped: u64,
    failures: Failures,
    since: Option<Timestamp>,
    reported: Option<Timestamp>,
}

/// How many Events could not be recorded, and why the last one could not.
#[derive(Debug, Default)]
struct Failures {
    count: u64,
    last: String,
}

impl Extend<String> for Failures {
    fn extend<T: IntoIterator<Item = String>>(&mut self, errors: T) {
        for error in errors {
            self.count += 1;
            self.last = error;
        }
    }
}

impl Losses {
    /// What is to be reported: once nothing is pending or a minute has passed, and once a minute at most.
    fn report(&mut self, is_idle: bool, now: Timestamp) -> Option<String> {
        if self.dropped + self.failures.count == 0 {
            return None;
        }
        let since = *self.since.get_or_insert(now);
        let minute_since = |then: Timestamp| now.duration_since(then).unsigned_abs() >= REMINDER;
        if !(is_idle || minute_since(since)) || !self.reported.is_none_or(minute_since) {
            return None;
        }
        let Self { dropped, failures, .. } = std::mem::take(self);
        self.reported = Some(now);
        let failed = format!("{} Events were not recorded; the last error: {}", failures.count, failures.last);
        let dropped_text = format!("{dropped} Events were dropped, because too many were pending");
        Some(match (dropped, failures.count) {
            (_, 0) => dropped_text,
            (0, _) => failed,
            _ => format!("{dropped_text}; {failed}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabric::{Kind, Name};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn nic(name: &str) -> (ObjectId, Uid) {
        (ObjectId::new(Kind::NetworkInterface, Name::new("ns", name)), Uid::from("life"))
    }

    /// How many of so many Events of an object are admitted at this time.
    fn admitted(limits: &mut Limits, (id, uid): &Life, events: usize, second: i64) -> usize {
        (0..events).filter(|_| limits.admits(id, uid, at(second))).count()
    }

    #[test]
    fn an_object_has_a_burst_of_events_and_then_one_each_interval() {
        let mut limits = Limits::default();
        assert_eq!(admitted(&mut limits, &nic("a"), 400, 0), 25);
        assert_eq!(admitted(&mut limits, &nic("b"), 1, 0), 1, "another object has limits of its own");
        assert_eq!(admitted(&mut limits, &nic("a"), 1, 299), 0);
        assert_eq!(admitted(&mut limits, &nic("a"), 2, 300), 1);
        assert_eq!(admitted(&mut limits, &nic("a"), 400, 100 * 300), 25);
    }

    #[test]
    fn omitted_events_are_reported_with_their_count_when_the_object_may_have_one_again() {
        let mut limits = Limits::default();
        assert_eq!(admitted(&mut limits, &nic("a"), 400, 0), 25);
        assert_eq!(limits.due.first().map(|(due, _)| *due), Some(at(300)));
        assert!(limits.take_omitted(at(299)).is_empty());
        let reports = limits.take_omitted(at(300));
        assert_eq!(reports.len(), 1);
        assert!(reports[0].note.starts_with("375 Events of this object were omitted"), "{}", reports[0].note);
        assert!(limits.take_omitted(at(600)).is_empty() && limits.due.is_empty());
        assert_eq!(admitted(&mut limits, &nic("a"), 3, 300), 1, "the report takes no Event's place");
    }

    #[test]
    fn the_events_of_a_bounded_number_of_objects_are_counted() {
        let mut limits = Limits::default();
        for number in 0..3 * COUNTED {
            admitted(&mut limits, &nic(&format!("n{number}")), 26, 0);
            assert!(limits.objects.len() <= COUNTED && limits.due.len() <= COUNTED);
        }
        assert_eq!(admitted(&mut limits, &nic("n0"), 1, 0), 1);
    }

    #[test]
    fn lost_events_are_reported_once_with_their_count() {
        let mut losses = Losses::default();
        let mut reports = Vec::new();
        for pending in (0..100).rev() {
            losses.dropped += 1;
            losses.failures.extend(["quota".to_owned()]);
            reports.extend(losses.report(pending == 0, at(1)));
        }
        let told = "100 Events were dropped, because too many were pending; 100 Events were not recorded; the last error: quota";
        assert_eq!(reports, [told]);
        assert_eq!(losses.report(true, at(100)), None);
    }

    #[test]
    fn events_that_go_on_being_lost_are_reported_once_a_minute() {
        let mut losses = Losses::default();
        let mut reports = Vec::new();
        for second in 0..=180 {
            losses.dropped += 1;
            reports.extend(losses.report(false, at(second)).map(|report| (second, report)));
        }
        let seconds: Vec<i64> = reports.iter().map(|(second, _)| *second).collect();
        assert_eq!(seconds, [60, 121]);
        assert!(reports[0].1.starts_with("61 Events were dropped"), "{reports:?}");
    }
}
