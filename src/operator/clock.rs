//! The clock of the operator. What waits is timed by a monotonic clock; the wall clock, which people and NTP set forward and
//! back, is only shown.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// A monotonic clock that reads like a wall clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// What the wall clock showed when this clock was started.
    started: Timestamp,
    start: Instant,
}

impl Clock {
    /// A clock that shows `wall_clock` at `start`.
    pub fn started_at(wall_clock: Timestamp, start: Instant) -> Self {
        Self { started: wall_clock, start }
    }

    /// The time at `instant`: the start and what has passed since, whatever happened to the wall clock.
    pub fn at(&self, instant: Instant) -> Timestamp {
        let passed = SignedDuration::try_from(instant.saturating_duration_since(self.start)).unwrap_or_default();
        self.started.checked_add(passed).unwrap_or(Timestamp::MAX)
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        self.at(Instant::now())
    }
}

/// The time from `now` to `then`; none if that is over.
pub fn between(now: Timestamp, then: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or_default()
}

impl Default for Clock {
    /// A clock that is started now.
    fn default() -> Self {
        Self::started_at(Timestamp::now(), Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_clock_advances_with_the_monotonic_clock_alone() {
        let (wall_clock, start) = (Timestamp::from_second(1_800_000_000).unwrap(), Instant::now());
        let clock = Clock::started_at(wall_clock, start);
        assert_eq!(clock.at(start), wall_clock);
        assert_eq!(clock.at(start + Duration::from_secs(30)), wall_clock + SignedDuration::from_secs(30));
        assert_eq!(clock.at(start - Duration::from_secs(1)), wall_clock, "it never shows less than at its start");
    }
}
