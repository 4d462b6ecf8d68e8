//! How long it takes from the event that brings a spec to the status that reports it.

use jiff::{SignedDuration, Timestamp};

/// The upper bounds of the buckets, in milliseconds: from one write on an idle API server to what no user waits for.
const BOUNDS: [u32; 13] = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000];

/// A histogram of durations.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    within: [u64; BOUNDS.len()],
    above: u64,
    seconds: f64,
}

impl Histogram {
    /// Counts a duration.
    pub fn observe(&mut self, duration: SignedDuration) {
        let duration = duration.max(SignedDuration::ZERO);
        let mut buckets = BOUNDS.iter().zip(&mut self.within);
        let bucket = buckets.find(|(bound, _)| duration <= SignedDuration::from_millis(i64::from(**bound)));
        *bucket.map_or(&mut self.above, |(_, count)| count) += 1;
        self.seconds += duration.as_secs_f64();
    }

    /// The buckets: the upper bound of each in seconds, and how many durations are in it and in no lower one.
    pub fn buckets(&self) -> impl Iterator<Item = (f64, u64)> {
        let bounds = BOUNDS.iter().map(|bound| f64::from(*bound) / 1000.0).chain([f64::INFINITY]);
        bounds.zip(self.within.iter().copied().chain([self.above]))
    }

    /// The number of durations.
    pub fn count(&self) -> u64 {
        self.within.iter().sum::<u64>() + self.above
    }

    /// Their sum, in seconds.
    pub fn seconds(&self) -> f64 {
        self.seconds
    }
}

/// The specs that have been reported. What is fed in has no time: it gets that of the next turn, which follows at once.
#[derive(Clone, Debug, Default)]
pub struct Latency {
    /// When the specs arrived that have been reported since the last turn.
    reported: Vec<Timestamp>,
    histogram: Histogram,
}

impl Latency {
    /// A spec that arrived then is reported now.
    pub fn reported(&mut self, arrived: Timestamp) {
        self.reported.push(arrived);
    }

    /// It is `now`.
    pub fn turn(&mut self, now: Timestamp) {
        for arrived in self.reported.drain(..) {
            self.histogram.observe(now.duration_since(arrived));
        }
    }

    /// All that was reported so far.
    pub fn histogram(&self) -> &Histogram {
        &self.histogram
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_in_the_first_bucket_that_it_does_not_exceed() {
        let mut histogram = Histogram::default();
        for millis in [0, 5, 6, 1_000, 1_001, 60_001] {
            histogram.observe(SignedDuration::from_millis(millis));
        }
        let filled: Vec<_> = histogram.buckets().filter(|(_, count)| *count > 0).collect();
        assert_eq!(filled, [(0.005, 2), (0.01, 1), (1.0, 1), (2.5, 1), (f64::INFINITY, 1)]);
        assert_eq!((histogram.count(), (histogram.seconds() * 1000.0).round()), (6, 62_013.0));
    }

    #[test]
    fn a_spec_is_measured_in_the_turn_after_its_report() {
        let (arrived, now) = (Timestamp::from_second(100).unwrap(), Timestamp::from_second(102).unwrap());
        let mut latency = Latency::default();
        latency.reported(arrived);
        assert_eq!(latency.histogram().count(), 0);
        latency.turn(now);
        latency.turn(now);
        assert_eq!((latency.histogram().count(), latency.histogram().seconds()), (1, 2.0));
    }
}
