//! The Lease on the API server, and the task that keeps it: it does what the [`Leader`] says, over a connection of its own, which no
//! list and no write delays. What is to be done, and when, is decided there.

mod failing;
mod requests;

use std::time::{Duration, Instant};

use jiff::Timestamp;
use kube::Client;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use self::failing::{Failing, Request};
use self::requests::{Requests, Tenure};
use super::clock::{Clock, between};
use super::fence::Fence;
use super::health::Readiness;
use super::leader::{Action, Answer, Candidacy, End, Leader, Resignation, Term, Timing};

/// The name of the Lease, in the operator's namespace.
pub const LEASE: &str = "vnet-operator";

/// Who stands for election, and where.
pub struct Candidate {
    /// A client that nothing else uses.
    pub client: Client,
    /// The operator's namespace.
    pub namespace: String,
    /// What no other process is called.
    pub identity: String,
    /// The durations.
    pub timing: Timing,
    /// What it does while another one holds the Lease.
    pub candidacy: Candidacy,
}

/// Why an operator does not lead, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum NotLeading {
    /// Another operator runs.
    #[error(
        "operator {holder} runs on this cluster: it holds Lease {lease}, and renews it. Stop that one, or start this one with \
         --leader-elect, so that it stands by"
    )]
    Refused {
        /// Namespace and name.
        lease: String,
        /// The identity of the holder.
        holder: String,
    },
    /// Another operator has taken over.
    #[error(
        "Lease {lease} was lost: {holder}. This operator ends, so that two do not write; started again, it waits for its turn"
    )]
    Lost {
        /// Namespace and name.
        lease: String,
        /// Who holds it now.
        holder: String,
    },
}

/// The election, as one operator takes part in it.
pub struct Election {
    lease: String,
    clock: Clock,
    timing: Timing,
    term: watch::Receiver<Option<Term>>,
    resign: Option<oneshot::Sender<Resignation>>,
    task: JoinHandle<End>,
}

impl Election {
    /// Begins to take part.
    pub fn start(candidate: Candidate, clock: Clock, readiness: Readiness) -> Self {
        let lease = format!("{}/{LEASE}", candidate.namespace);
        readiness.is_undecided(format!("Lease {lease} has not been read yet"));
        let timing = candidate.timing;
        let ((publisher, term), (resign, resigned)) = (watch::channel(None), oneshot::channel());
        let participant = Participant {
            requests: Requests::new(candidate.client, candidate.namespace, timing),
            leader: Leader::new(candidate.identity.clone(), timing, candidate.candidacy),
            lease: lease.clone(),
            candidate: (candidate.identity, candidate.candidacy),
            clock,
            readiness,
            term: publisher,
            failing: Failing::default(),
            has_led: false,
        };
        Self { lease, clock, timing, term, resign: Some(resign), task: tokio::spawn(participant.run(resigned)) }
    }

    /// Its term, for those that write.
    pub fn fence(&self) -> Fence {
        Fence::new(self.term.clone(), self.clock, self.timing.write_timeout())
    }

    /// Returns when this operator leads and may list.
    ///
    /// # Errors
    /// Another operator leads.
    pub async fn begins(&mut self) -> Result<(), NotLeading> {
        loop {
            let (term, now) = (*self.term.borrow_and_update(), self.clock.now());
            if term.is_some_and(|term| term.admits(now)) {
                return Ok(());
            }
            let waits = async {
                match term.filter(|term| term.lists_from > now) {
                    Some(term) => sleep(between(now, term.lists_from)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = self.term.changed() => if changed.is_err() { return Err(self.ended().await) },
                () = waits => {}
            }
        }
    }

    /// Returns when the term was renewed.
    ///
    /// # Errors
    /// It was lost.
    pub async fn renewed(&mut self) -> Result<(), NotLeading> {
        match self.term.changed().await {
            Ok(()) => Ok(()),
            Err(_) => Err(self.ended().await),
        }
    }

    /// Ends the part of this operator.
    pub async fn resign(mut self, how: Resignation) {
        if let Some(resign) = self.resign.take() {
            resign.send(how).ok();
        }
        if let Err(died) = (&mut self.task).await {
            std::panic::resume_unwind(died.into_panic());
        }
    }

    async fn ended(&mut self) -> NotLeading {
        let lease = self.lease.clone();
        match (&mut self.task).await {
            Ok(End::Refused { holder }) => NotLeading::Refused { lease, holder },
            Ok(End::Lost { holder }) => {
                let holder = holder.map_or("it was deleted, or another client released it".to_owned(), |holder| {
                    format!("operator {holder} holds it now")
                });
                NotLeading::Lost { lease, holder }
            }
            Ok(End::Resigned | End::LeftToExpire) => NotLeading::Lost { lease, holder: "it was given up".to_owned() },
            Err(died) => std::panic::resume_unwind(died.into_panic()),
        }
    }
}

/// The task.
struct Participant {
    requests: Requests,
    leader: Leader,
    lease: String,
    candidate: (String, Candidacy),
    clock: Clock,
    readiness: Readiness,
    term: watch::Sender<Option<Term>>,
    failing: Failing,
    has_led: bool,
}

impl Participant {
    async fn run(mut self, mut resigned: oneshot::Receiver<Resignation>) -> End {
        let mut is_resigned = false;
        loop {
            if !is_resigned && let Ok(how) = resigned.try_recv() {
                self.leader.resign(how);
                is_resigned = true;
                self.term.send_replace(None); // what is on its way is over, and nothing starts any more
            }
            let now = self.clock.now();
            match self.leader.next(now) {
                Action::End(end) => {
                    self.log_end(&end);
                    return end;
                }
                Action::Wait(until) => tokio::select! {
                    () = sleep(between(now, until)) => {}
                    how = &mut resigned, if !is_resigned => {
                        // A sender that was dropped does not say whether writes are in flight.
                        self.leader.resign(how.unwrap_or(Resignation::Leave));
                        is_resigned = true;
                        self.term.send_replace(None);
                    }
                },
                Action::Read => {
                    let answer = self.requests.read().await;
                    self.handle_answer(Request::Read, answer, now);
                }
                Action::Acquire(claim) => {
                    let answer = self.requests.write(&claim, Tenure::Begins).await;
                    self.handle_answer(Request::Write, answer, now);
                }
                Action::Renew(claim) | Action::Release(claim) => {
                    let answer = self.requests.write(&claim, Tenure::GoesOn).await;
                    self.handle_answer(Request::Write, answer, now);
                }
            }
            self.publish(is_resigned);
        }
    }

    fn handle_answer(&mut self, request: Request, answer: Result<Answer, String>, sent: Timestamp) {
        let before = (self.leader.follows().map(str::to_owned), self.leader.term());
        let now = self.clock.now();
        let answer = match answer {
            Ok(answer) => {
                if let Some(why) = self.failing.succeeded(request) {
                    tracing::info!(lease = self.lease, "the Lease can be read and written again; this is over: {why}");
                }
                answer
            }
            Err(why) => {
                if self.failing.failed(request, &why, now) {
                    tracing::warn!(lease = self.lease, "cannot read or write the Lease; retrying: {why}");
                }
                Answer::Failed
            }
        };
        self.leader.answered(answer, sent, now);
        self.has_led |= self.leader.term().is_some();
        self.log_change(before, now);
    }

    fn log_change(&self, (followed, led): (Option<String>, Option<Term>), now: Timestamp) {
        let (lease, (identity, candidacy)) = (&self.lease, &self.candidate);
        if let Some(holder) = self.leader.follows()
            && followed.as_deref() != Some(holder)
        {
            match candidacy {
                Candidacy::StandsBy => tracing::info!(lease, holder, identity, "another operator leads; standing by"),
                Candidacy::RunsAlone => tracing::warn!(
                    lease,
                    holder,
                    "the Lease names an operator that has not released it; it is taken over if it is not renewed in the duration \
                     that it says"
                ),
            }
        }
        match (led, self.leader.term()) {
            (None, Some(term)) if term.lists_from > now => {
                let wait = humantime::format_duration(Duration::from_secs(between(now, term.lists_from).as_secs()));
                tracing::info!(lease, identity, %wait, "the Lease is taken; late writes of its last holder are waited for");
            }
            (None, Some(_)) => tracing::info!(lease, identity, "the Lease is taken: this operator leads"),
            (Some(_) | None, _) => {}
        }
    }

    /// The caller reports why an operator ended by itself.
    fn log_end(&self, end: &End) {
        let lease = &self.lease;
        match end {
            End::Resigned if self.has_led => tracing::info!(lease, "the Lease is released: another operator may lead"),
            End::LeftToExpire => {
                tracing::warn!(
                    lease,
                    "the Lease is left to expire, since a write may be on its way; another operator leads then"
                );
            }
            End::Resigned | End::Refused { .. } | End::Lost { .. } => {}
        }
    }

    fn publish(&self, is_resigned: bool) {
        let term = self.leader.term().filter(|_| !is_resigned);
        let now = (self.clock.now(), Instant::now());
        match (term, self.leader.follows()) {
            (Some(term), _) => {
                let [renew_by, ends] = [term.renew_by, term.ends].map(|then| now.1 + between(now.0, then));
                self.readiness.leads(renew_by, ends);
            }
            (None, Some(holder)) if self.failing.why().is_none() => match self.candidate.1 {
                Candidacy::StandsBy => self.readiness.stands_by(holder),
                Candidacy::RunsAlone => {
                    let why = format!(
                        "operator {holder} has not released Lease {}; it is taken over if it expires",
                        self.lease
                    );
                    self.readiness.is_undecided(why);
                }
            },
            (None, None) if let Some(why) = self.failing.why() => {
                self.readiness.is_undecided(format!("Lease {} cannot be read or written: {why}", self.lease));
            }
            (None, _) => {}
        }
        self.term.send_if_modified(|known| {
            let changes = *known != term;
            *known = term;
            changes
        });
    }
}
