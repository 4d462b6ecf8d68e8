//! Leader election: of all operators of a cluster, one writes. A pure state machine from the Lease as the API server shows it,
//! with the outcomes of its own requests, to the next request, wait or end. It does no I/O and reads no clock: `now` is the
//! monotonic time of this process, and times of other machines are never compared with it.
//!
//! What keeps two operators from writing at the same time:
//!
//! * A Lease is expired when its record has not changed for its duration since this process first read it. It is taken by a write
//!   that carries the resourceVersion of that record, so that a renewal in the same moment wins.
//! * A term lasts until the duration after the last renewal was *sent*; others began to count later. A write starts only if its
//!   timeout ends before the term, and a margin for clocks that do not run alike.
//! * What is cut off from the API server ends by its timeout there, too, but may reach it late. So the successor in an expired Lease
//!   waits for one write timeout before it lists. A released Lease needs no wait: its holder had no write on its way.
//! * A Lease that was deleted may have been renewed until then, and its holder may not know of it. So one that has read its record
//!   before waits as if it had been renewed just now, for the duration and one write timeout.
//! * A holder that cannot renew stops writing and goes on trying: the resourceVersion shows whether anybody else had the Lease
//!   meanwhile. If nobody had, it goes on, for nothing has changed without it; otherwise its term is lost.

#[cfg(test)]
mod tests;
mod timing;

pub use self::timing::Timing;

use jiff::{SignedDuration, Timestamp};

/// What the Lease says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The identity of the holder; none if it was released.
    pub holder: Option<String>,
    /// The duration that its holder promises to renew it in, if it says one.
    pub seconds: Option<i32>,
    /// How often it has changed hands.
    pub transitions: i32,
    /// Its resourceVersion.
    pub version: String,
}

/// What is to be written into the Lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The holder; none to release it.
    pub holder: Option<String>,
    /// The duration, in seconds.
    pub seconds: i32,
    /// How often it has changed hands.
    pub transitions: i32,
    /// The resourceVersion that is replaced; none to create the Lease.
    pub over: Option<String>,
}

/// The answer to a request for the Lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The Lease as it is, or as the write has left it.
    Shows(Record),
    /// There is no Lease.
    Absent,
    /// Not written: it has another resourceVersion, or exists already.
    Conflict,
    /// Not answered, or refused. A write may have been done.
    Failed,
}

/// What is to be done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Read the Lease.
    Read,
    /// Write this to take it.
    Acquire(Claim),
    /// Write this to keep it.
    Renew(Claim),
    /// Write this to give it up.
    Release(Claim),
    /// Nothing before this time.
    Wait(Timestamp),
    /// Nothing any more.
    End(End),
}

/// How the part of this operator in the election ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It was asked to end, and does not hold the Lease.
    Resigned,
    /// It was asked to end, and leaves the Lease to expire.
    LeftToExpire,
    /// Another one holds the Lease, and this one does not stand by.
    Refused {
        /// The holder.
        holder: String,
    },
    /// The Lease was its own, and is no longer.
    Lost {
        /// The holder now, if there is one.
        holder: Option<String>,
    },
}

/// What an operator does while another one holds the Lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Candidacy {
    /// It waits for its turn.
    StandsBy,
    /// It refuses to start, once it has seen the other one renew.
    RunsAlone,
}

/// How a holder that is asked to end leaves the Lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resignation {
    /// No write is on its way: the successor may list at once.
    Release,
    /// A write may arrive later: the successor has to wait.
    Leave,
}

/// The term of a holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// It lists nothing before this time.
    pub lists_from: Timestamp,
    /// It starts no write after this time.
    pub writes_until: Timestamp,
    /// It is not ready after this time.
    pub renew_by: Timestamp,
    /// Its last write is over by this time.
    pub ends: Timestamp,
}

impl Term {
    /// Whether a write may start at this time, or the first list.
    pub fn admits(&self, now: Timestamp) -> bool {
        (self.lists_from..=self.writes_until).contains(&now)
    }
}

/// One candidate.
#[derive(Clone, Debug)]
pub struct Leader {
    identity: String,
    timing: Timing,
    candidacy: Candidacy,
    state: State,
    resignation: Option<Resignation>,
    /// No request before this time.
    next: Timestamp,
}

#[derive(Clone, Debug)]
enum State {
    Follows(Following),
    Leads(Leading),
    Ended(End),
}

#[derive(Clone, Debug, Default)]
struct Following {
    /// The record of another holder, and when it was first read.
    seen: Option<(Record, Timestamp)>,
    /// What may be taken, as just read.
    vacancy: Option<Vacancy>,
    /// Whether a write to take an expired or deleted Lease was left without an answer, and the wait that it asks for.
    unanswered: Option<SignedDuration>,
}

#[derive(Clone, Debug)]
struct Vacancy {
    over: Option<String>,
    transitions: i32,
    /// How long the writes of the former holder are waited for.
    wait: Option<SignedDuration>,
}

#[derive(Clone, Debug)]
struct Leading {
    version: String,
    transitions: i32,
    lists_from: Timestamp,
    /// When the last renewal was sent that is known to be done.
    renewed: Timestamp,
    /// Whether the version is not the latest.
    is_in_doubt: bool,
}

impl Leader {
    /// A candidate of this identity, which no other process has.
    pub fn new(identity: String, timing: Timing, candidacy: Candidacy) -> Self {
        let state = State::Follows(Following::default());
        Self { identity, timing, candidacy, state, resignation: None, next: Timestamp::MIN }
    }

    /// What is to be done now. A request is answered by [`Leader::answered`] before this is asked again.
    pub fn next(&mut self, now: Timestamp) -> Action {
        if let Some(resignation) = self.resignation
            && let Some(end) = self.leaves_at_once(resignation, now)
        {
            self.state = State::Ended(end);
        }
        match &self.state {
            State::Ended(end) => Action::End(end.clone()),
            State::Leads(leading) if leading.is_in_doubt => self.paced(now, Action::Read),
            State::Leads(leading) if self.resignation.is_some() => Action::Release(release(leading)),
            State::Leads(leading) => {
                let claim = self.claim(leading.transitions, Some(leading.version.clone()));
                self.paced(now, Action::Renew(claim))
            }
            State::Follows(Following { vacancy: Some(vacancy), .. }) => {
                Action::Acquire(self.claim(vacancy.transitions, vacancy.over.clone()))
            }
            State::Follows(_) => self.paced(now, Action::Read),
        }
    }

    /// The answer to the request that was sent at `sent`; the clock was read before it was sent.
    pub fn answered(&mut self, answer: Answer, sent: Timestamp, now: Timestamp) {
        self.next = after(
            now,
            match self.state {
                State::Follows(_) => self.timing.read_period(),
                State::Leads(_) | State::Ended(_) => self.timing.retry_period(),
            },
        );
        self.state = match std::mem::replace(&mut self.state, State::Follows(Following::default())) {
            State::Follows(following) => self.answered_follower(following, answer, sent, now),
            State::Leads(leading) => self.answered_holder(leading, answer, sent, now),
            State::Ended(end) => State::Ended(end),
        };
    }

    /// The operator is asked to end.
    pub fn resign(&mut self, how: Resignation) {
        self.resignation = Some(how);
        self.next = Timestamp::MIN;
    }

    /// The term, while this one holds the Lease.
    pub fn term(&self) -> Option<Term> {
        let State::Leads(Leading { lists_from, renewed, .. }) = self.state else { return None };
        let lasts = self.timing.duration() - self.timing.margin();
        let writes_until = after(renewed, lasts - self.timing.write_timeout());
        let renew_by = after(renewed, self.timing.renew_deadline());
        Some(Term { lists_from, writes_until, renew_by, ends: after(renewed, lasts) })
    }

    /// The other one that held the Lease when it was last read.
    pub fn follows(&self) -> Option<&str> {
        match &self.state {
            State::Follows(Following { seen: Some((record, _)), .. }) => record.holder.as_deref(),
            State::Follows(_) | State::Leads(_) | State::Ended(_) => None,
        }
    }

    fn paced(&self, now: Timestamp, action: Action) -> Action {
        if now < self.next { Action::Wait(self.next) } else { action }
    }

    fn claim(&self, transitions: i32, over: Option<String>) -> Claim {
        Claim { holder: Some(self.identity.clone()), seconds: self.timing.seconds(), transitions, over }
    }

    fn leaves_at_once(&self, resignation: Resignation, now: Timestamp) -> Option<End> {
        match (&self.state, resignation) {
            (State::Follows(_), _) => Some(End::Resigned),
            (State::Leads(_), Resignation::Leave) => Some(End::LeftToExpire),
            // A released Lease would have the next one not wait for the writes that this one still waits for.
            (State::Leads(leading), Resignation::Release) if now < leading.lists_from => Some(End::LeftToExpire),
            (State::Leads(_) | State::Ended(_), _) => None,
        }
    }

    fn answered_follower(
        &mut self,
        mut following: Following,
        answer: Answer,
        sent: Timestamp,
        now: Timestamp,
    ) -> State {
        match (following.vacancy.take(), answer) {
            (Some(vacancy), Answer::Shows(record)) => {
                self.next = after(sent, self.timing.retry_period());
                let lists_from = vacancy.wait.map_or(now, |wait| after(now, wait));
                let Record { version, transitions, .. } = record;
                State::Leads(Leading { version, transitions, lists_from, renewed: sent, is_in_doubt: false })
            }
            (Some(_), Answer::Conflict | Answer::Absent) => {
                self.next = now; // another one was faster; who it is, the next read shows
                State::Follows(following)
            }
            (Some(vacancy), Answer::Failed) => {
                following.unanswered = vacancy.wait.or(following.unanswered);
                State::Follows(following)
            }
            (None, Answer::Shows(record)) => self.reads(following, record, now),
            (None, Answer::Absent) => {
                let last = following.seen.as_ref().map(|(record, _)| self.promised(record));
                let wait = last.map(|last| last.duration() + last.write_timeout()).max(following.unanswered);
                let vacancy = Vacancy { over: None, transitions: 0, wait };
                State::Follows(Following { vacancy: Some(vacancy), ..following })
            }
            (None, Answer::Conflict | Answer::Failed) => State::Follows(following),
        }
    }

    fn reads(&mut self, following: Following, record: Record, now: Timestamp) -> State {
        let Record { holder, transitions, version, .. } = record.clone();
        let vacant = |transitions: i32, wait: Option<SignedDuration>| {
            let vacancy = Some(Vacancy { over: Some(version), transitions, wait });
            State::Follows(Following { vacancy, ..following.clone() })
        };
        let Some(holder) = holder else { return vacant(transitions.saturating_add(1), None) };
        if holder == self.identity {
            return vacant(transitions, following.unanswered); // the answer to a write that took it was lost
        }
        let promised = self.promised(&record);
        let since = match &following.seen {
            Some((seen, since)) if seen.version == record.version => *since,
            Some(_) if self.candidacy == Candidacy::RunsAlone => return State::Ended(End::Refused { holder }),
            Some(_) | None => now,
        };
        let expires = after(since, promised.duration());
        if now >= expires {
            return vacant(transitions.saturating_add(1), Some(promised.write_timeout()));
        }
        self.next = self.next.min(expires);
        State::Follows(Following { seen: Some((record, since)), ..following })
    }

    /// The durations that the holder in this record keeps to.
    fn promised(&self, record: &Record) -> Timing {
        record.seconds.filter(|seconds| *seconds > 0).map_or(self.timing, Timing::of_seconds)
    }

    fn answered_holder(&mut self, leading: Leading, answer: Answer, sent: Timestamp, now: Timestamp) -> State {
        match answer {
            Answer::Absent => State::Ended(End::Lost { holder: None }),
            Answer::Failed if self.resignation.is_some() => State::Ended(End::LeftToExpire),
            Answer::Failed => State::Leads(leading),
            Answer::Conflict => {
                self.next = now;
                State::Leads(Leading { is_in_doubt: true, ..leading })
            }
            Answer::Shows(record) if record.holder.as_ref() != Some(&self.identity) => match record.holder {
                None if self.resignation.is_some() => State::Ended(End::Resigned),
                holder => State::Ended(End::Lost { holder }),
            },
            Answer::Shows(Record { version, .. }) if leading.is_in_doubt => {
                self.next = now;
                State::Leads(Leading { version, is_in_doubt: false, ..leading })
            }
            Answer::Shows(Record { version, .. }) => {
                self.next = after(sent, self.timing.retry_period());
                State::Leads(Leading { version, renewed: sent, ..leading })
            }
        }
    }
}

/// As client-go writes it: of one second, for candidates that look at the duration alone.
fn release(leading: &Leading) -> Claim {
    Claim { holder: None, seconds: 1, transitions: leading.transitions, over: Some(leading.version.clone()) }
}

fn after(time: Timestamp, duration: SignedDuration) -> Timestamp {
    time.checked_add(duration).unwrap_or(Timestamp::MAX)
}
