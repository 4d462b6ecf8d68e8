//! The liveness of the core: whether its loop still runs. A probe asks, and the next turn of the loop answers; so an idle loop
//! needs no timer to prove that it runs, and a stuck one is found once a question has gone unanswered for too long.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// A core that does not answer for this long is stuck. A turn takes milliseconds; that which restores 50,000 objects
/// takes seconds, and ten times as long on a slow node.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Shared between the loop of the core and the probes.
#[derive(Clone, Debug, Default)]
pub struct Pulse(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    asked: Notify,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// The core does not run: it has not begun, or it has ended.
    #[default]
    NotRunning,
    /// The core runs, and every question has been answered.
    Answered,
    /// The core has been asked, and has not turned since.
    Asked(Instant),
}

/// The core runs for as long as this is there.
#[derive(Debug)]
pub struct Running(Pulse);

impl Drop for Running {
    fn drop(&mut self) {
        *self.0.state() = State::NotRunning;
    }
}

impl Pulse {
    /// The core runs from now on.
    pub fn begin(&self) -> Running {
        *self.state() = State::Answered;
        Running(self.clone())
    }

    /// Whether the core runs.
    pub fn is_running(&self) -> bool {
        match *self.state() {
            State::NotRunning => false,
            State::Answered | State::Asked(_) => true,
        }
    }

    /// Asks the core to turn. Returns how long an earlier question has been waiting for that; a core that does not run
    /// is not asked.
    pub fn ask(&self, now: Instant) -> Duration {
        let mut state = self.state();
        match *state {
            State::NotRunning => Duration::ZERO,
            State::Answered => {
                *state = State::Asked(now);
                self.0.asked.notify_one();
                Duration::ZERO
            }
            State::Asked(since) => now.saturating_duration_since(since),
        }
    }

    /// Returns when a probe asks.
    pub async fn asked(&self) {
        self.0.asked.notified().await;
    }

    /// The core turns.
    pub fn turned(&self) {
        let mut state = self.state();
        match *state {
            State::Asked(_) => *state = State::Answered,
            State::NotRunning | State::Answered => {}
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_secs(10);

    #[test]
    fn a_core_at_rest_that_answers_has_a_pulse_however_long_ago_it_was_asked() {
        let (pulse, begin) = (Pulse::default(), Instant::now());
        let _running = pulse.begin();
        for n in 0..100 {
            assert_eq!(pulse.ask(begin + n * PERIOD), Duration::ZERO);
            pulse.turned();
        }
    }

    #[test]
    fn a_stuck_core_is_as_old_as_the_first_question_that_it_left_without_an_answer() {
        let (pulse, begin) = (Pulse::default(), Instant::now());
        let _running = pulse.begin();
        assert_eq!(pulse.ask(begin), Duration::ZERO);
        assert_eq!(pulse.ask(begin + PERIOD), PERIOD);
        assert_eq!(pulse.ask(begin + 7 * PERIOD), 7 * PERIOD);
        pulse.turned();
        assert_eq!(pulse.ask(begin + 8 * PERIOD), Duration::ZERO, "it turns again");
    }

    #[test]
    fn a_core_that_does_not_run_is_not_asked() {
        let (pulse, begin) = (Pulse::default(), Instant::now());
        assert_eq!((pulse.ask(begin), pulse.ask(begin + 7 * PERIOD)), (Duration::ZERO, Duration::ZERO));
        let running = pulse.begin();
        assert!(pulse.is_running());
        pulse.ask(begin);
        drop(running);
        assert_eq!(pulse.ask(begin + 7 * PERIOD), Duration::ZERO, "its end answers what was asked");
        assert!(!pulse.is_running());
    }

    #[tokio::test]
    async fn a_question_wakes_the_loop_that_waits_for_one() {
        let pulse = Pulse::default();
        let _running = pulse.begin();
        pulse.ask(Instant::now());
        pulse.asked().await;
    }
}
