//! One operator process: its clock, its part in the election, and the writes that it waits for.

use jiff::{SignedDuration, Timestamp};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use vnet_operator::operator::leader::{Action, Answer, Candidacy, End, Leader, Resignation};
use vnet_operator::operator::{Input, Outcome, Write};

use super::{Lease, timing};
use crate::world::sides::Side;

/// A clock that shows another time than the true one, and runs up to one in a hundred faster or slower.
pub struct Clock {
    start: Timestamp,
    offset: SignedDuration,
    per_mille: i32,
}

impl Clock {
    fn new(rng: &mut ChaCha8Rng) -> Self {
        let start = Timestamp::from_second(1_800_000_000).unwrap();
        let offset = SignedDuration::from_secs(rng.random_range(-100_000..100_000));
        Self { start, offset, per_mille: rng.random_range(-10..=10) }
    }

    /// What it shows at this time.
    pub fn at(&self, time: Timestamp) -> Timestamp {
        let passed = time.duration_since(self.start);
        time + self.offset + passed * self.per_mille / 1000
    }
}

/// A request for the Lease that was sent at a time of the operator's clock.
struct Request {
    sent: Timestamp,
    action: Action,
    /// What the API server has answered, if the request has arrived.
    answer: Option<Answer>,
}

pub struct Operator {
    pub identity: String,
    pub leader: Leader,
    pub clock: Clock,
    pub side: Option<Side>,
    pub is_stopped: bool,
    /// It does not start before this time while there is no Lease: it would take the cluster for a new one.
    pub starts: Timestamp,
    /// Whether no request for the Lease arrives; others do.
    pub is_cut_off: bool,
    pub is_to_end: bool,
    /// Whether it is asked to end as soon as it waits for the writes of its predecessor.
    pub ends_early: bool,
    /// Whether it has waited for the writes of its predecessor.
    pub has_waited: bool,
    /// How often it went on after its term was over.
    pub resumed: u64,
    /// Answers that have arrived, by the numbers of the writes.
    pub answers: Vec<(u64, Vec<Input>)>,
    /// What the core is told of writes that were given up.
    pub failed: Vec<Input>,
    /// A write that was decided, and that it stood still before sending.
    pub held_up: Option<Write>,
    request: Option<Request>,
    awaited: Vec<(u64, Input, Timestamp)>,
    number: u64,
    gave_up: Option<Timestamp>,
    has_resigned: bool,
}

impl Operator {
    pub fn new(identity: String, rng: &mut ChaCha8Rng) -> Self {
        let candidacy = if rng.random_bool(0.2) { Candidacy::RunsAlone } else { Candidacy::StandsBy };
        Self {
            leader: Leader::new(identity.clone(), timing(), candidacy),
            identity,
            clock: Clock::new(rng),
            side: None,
            is_stopped: false,
            starts: Timestamp::MIN,
            is_cut_off: false,
            is_to_end: false,
            ends_early: rng.random_bool(0.3),
            has_waited: false,
            resumed: 0,
            answers: Vec::new(),
            failed: Vec::new(),
            held_up: None,
            request: None,
            awaited: Vec::new(),
            number: 0,
            gave_up: None,
            has_resigned: false,
        }
    }

    /// A write is sent; the number by which its answer comes back.
    pub fn begins_to_wait(&mut self, write: &Write, own: Timestamp) -> u64 {
        self.number += 1;
        let failed = Input::Written(write.id.clone(), write.uid.clone(), Outcome::Failed);
        self.awaited.push((self.number, failed, own + timing().write_timeout()));
        self.number
    }

    /// Whether the answer to a write still matters.
    pub fn awaits(&mut self, number: u64) -> bool {
        let before = self.awaited.len();
        self.awaited.retain(|(awaited, ..)| *awaited != number);
        self.awaited.len() < before
    }

    pub fn gives_up_late_writes(&mut self, own: Timestamp) {
        let (late, awaited) = std::mem::take(&mut self.awaited).into_iter().partition(|(_, _, until)| *until <= own);
        self.awaited = awaited;
        let late: Vec<(u64, Input, Timestamp)> = late;
        if !late.is_empty() {
            self.gave_up = Some(own);
        }
        self.failed.extend(late.into_iter().map(|(_, failed, _)| failed));
        // It was not sent in its time, so it is not sent at all.
        let held_up = self.held_up.take();
        self.failed.extend(held_up.map(|write| Input::Written(write.id, write.uid, Outcome::Failed)));
    }

    /// One step of its part in the election: it sends, waits for, or receives something about the Lease.
    pub fn takes_part(&mut self, lease: &mut Lease, now: Timestamp, rng: &mut ChaCha8Rng) -> Option<End> {
        let own = self.clock.at(now);
        self.resigns_when_its_writes_are_over(own);
        let Some(mut request) = self.request.take() else { return self.asks(own) };
        let is_late = own.duration_since(request.sent) > timing().request_timeout();
        match (&request.answer, rng.random_range(0..20)) {
            (None, 0..=9) if !self.is_cut_off => {
                request.answer = Some(match &request.action {
                    Action::Acquire(claim) | Action::Renew(claim) | Action::Release(claim) => lease.write(claim),
                    Action::Read | Action::Wait(_) | Action::End(_) => lease.read(),
                });
                self.request = Some(request);
            }
            (None, 10) | (Some(_), 11..=12) => self.is_answered(Answer::Failed, request.sent, own),
            (Some(answer), 0..=10) => self.is_answered(answer.clone(), request.sent, own),
            _ if is_late => self.is_answered(Answer::Failed, request.sent, own),
            _ => self.request = Some(request),
        }
        None
    }

    fn asks(&mut self, own: Timestamp) -> Option<End> {
        match self.leader.next(own) {
            Action::Wait(_) => None,
            Action::End(end) => Some(end),
            action => {
                self.request = Some(Request { sent: own, action, answer: None });
                None
            }
        }
    }

    fn is_answered(&mut self, answer: Answer, sent: Timestamp, own: Timestamp) {
        let before = self.leader.term();
        self.leader.answered(answer, sent, own);
        match (before, self.leader.term()) {
            (None, Some(term)) => self.has_waited = term.lists_from > own,
            (Some(before), Some(after)) if after != before && before.renew_by + timing().duration() / 3 < sent => {
                self.resumed += 1;
            }
            (Some(_) | None, _) => {}
        }
    }

    /// As the operator's shell does: not before every write was answered or given up, and what was given up may arrive later.
    fn resigns_when_its_writes_are_over(&mut self, own: Timestamp) {
        if !self.is_to_end || self.has_resigned {
            return;
        }
        self.gives_up_late_writes(own);
        if self.awaited.is_empty() {
            let may_arrive = self.gave_up.is_some_and(|gave_up| gave_up + timing().write_timeout() > own);
            self.leader.resign(if may_arrive { Resignation::Leave } else { Resignation::Release });
            self.has_resigned = true;
        }
    }
}
