//! The shell around the core: watches in, writes and Events out. All I/O of the operator is here and in what this calls, and no decision.

use std::time::Duration;

use jiff::Timestamp;
use kube::Client;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::clock::{Clock, between};
use super::core::{Core, Input, Write};
use super::endpoints::{Inquiries, Scrape};
use super::events::Events;
use super::failures::Failures;
use super::fence::Fence;
use super::health::Readiness;
use super::leader::Resignation;
use super::lease::{Candidate, Election, NotLeading};
use super::metrics::RunFigures;
use super::settings::{self, StartRefused};
use super::timeouts::Timeouts;
use super::watches::{Shows, Watches};
use super::write::{Done, carry_out};
use super::write_counts::{Target, WriteCounts};
use crate::fabric::Settings;

/// 8 writes at once triple the time to Ready of many objects; more than 32 gain nothing (measured).
const WRITES_AT_ONCE: usize = 32;
/// Inputs that are there at once are taken in together before anything is judged.
const INPUTS_AT_ONCE: usize = 1000;

/// Why the operator ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum Ended {
    /// With its settings it would do harm.
    #[error(transparent)]
    Settings(#[from] StartRefused),
    /// Another operator leads.
    #[error(transparent)]
    Election(#[from] NotLeading),
}

impl Ended {
    /// True if it did not start, and cannot until its settings or the other operator change.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Settings(_) | Self::Election(NotLeading::Refused { .. }) => true,
            Self::Election(NotLeading::Lost { .. }) => false,
        }
    }
}

/// Runs the operator until `stop` resolves, once it leads; its settings are published in its namespace.
///
/// # Errors
/// [`StartRefused`], if it would give static public addresses others; nothing has been written then. [`NotLeading`], if another
/// operator leads.
pub async fn run(
    client: Client,
    candidate: Candidate,
    settings: Settings,
    timeouts: Timeouts,
    readiness: Readiness,
    inquiries: Inquiries,
    stop: impl Future<Output = ()>,
) -> Result<(), Ended> {
    let (clock, namespace) = (Clock::default(), candidate.namespace.clone());
    let write_timeout = Duration::try_from(candidate.timing.write_timeout()).unwrap_or_default();
    let mut election = Election::start(candidate, clock, readiness.clone());
    tokio::pin!(stop);
    tokio::select! {
        begins = election.begins() => begins?,
        () = &mut stop => {
            election.resign(Resignation::Release).await;
            return Ok(());
        }
    }
    let fence = election.fence();
    let client = fence.around(&client);
    let mut writes = Writes::new(client.clone(), fence, write_timeout);
    let operator = Operator { client, namespace, settings, timeouts, readiness, inquiries, clock };
    let result = tokio::select! {
        result = operator.leads(&mut election, &mut writes) => result,
        () = &mut stop => Ok(()),
    };
    if let Err(lost @ Ended::Election(_)) = result {
        return Err(lost); // what is on its way is not waited for: nothing of it may be sent any more
    }
    tracing::info!(writes = writes.on_their_way.len(), "stopping; waiting for writes in flight");
    let how = writes.drain(clock).await;
    election.resign(how).await;
    result
}

/// The writes on their way.
struct Writes {
    client: Client,
    fence: Fence,
    write_timeout: Duration,
    on_their_way: JoinSet<(Target, Done)>,
    counts: WriteCounts,
    /// When the last write ended that the API server did not answer.
    unanswered: Option<Timestamp>,
}

impl Writes {
    fn new(client: Client, fence: Fence, write_timeout: Duration) -> Self {
        let (on_their_way, counts) = (JoinSet::new(), WriteCounts::default());
        Self { client, fence, write_timeout, on_their_way, counts, unanswered: None }
    }

    /// Whether another one may start now.
    fn may_start(&self, now: Timestamp) -> bool {
        self.on_their_way.len() < WRITES_AT_ONCE && self.fence.admits(now)
    }

    fn start(&mut self, write: Write) {
        let (target, client, time_limit) = (Target::of(&write), self.client.clone(), self.write_timeout);
        self.on_their_way.spawn(async move { (target, carry_out(client, write, time_limit).await) });
    }

    /// The result of the next one that ends; none if there is none on its way.
    async fn next(&mut self, clock: Clock) -> Option<Vec<Input>> {
        let done = self.on_their_way.join_next().await?;
        let (target, done) = done.unwrap_or_else(|died| std::panic::resume_unwind(died.into_panic()));
        let Done { inputs, is_answered } = done;
        inputs.iter().for_each(|input| self.counts.count(target, input));
        if !is_answered {
            self.unanswered = Some(clock.now());
        }
        Some(inputs)
    }

    /// Waits for those on their way. The API server may carry out one that was not answered for as long as a write may take.
    async fn drain(&mut self, clock: Clock) -> Resignation {
        let drained = timeout(self.write_timeout, async { while self.next(clock).await.is_some() {} }).await;
        let arrives_by = self.unanswered.and_then(|unanswered| unanswered.checked_add(self.write_timeout).ok());
        if drained.is_err() || arrives_by.is_some_and(|arrives_by| arrives_by > clock.now()) {
            tracing::warn!("a write was not answered; it is repeated after the next start");
            return Resignation::Leave;
        }
        Resignation::Release
    }
}

/// An operator that leads.
struct Operator {
    client: Client,
    namespace: String,
    settings: Settings,
    timeouts: Timeouts,
    readiness: Readiness,
    inquiries: Inquiries,
    clock: Clock,
}

impl Operator {
    /// Goes on until something is wrong.
    async fn leads(self, election: &mut Election, writes: &mut Writes) -> Result<(), Ended> {
        let Self { client, namespace, settings, timeouts, readiness, mut inquiries, clock } = self;
        let published = settings::written(&settings);
        let mut core = Core::new(settings);
        core.keep_public_addresses(true);
        let (mut watches, mut failures) = (Watches::start(&client, timeouts, &readiness), Failures::default());
        let mut events = Events::start(client.clone(), clock);
        let _running = inquiries.pulse.begin();
        loop {
            inquiries.pulse.turned();
            let now = clock.now();
            let was_started = core.is_started();
            if let Some(over) = failures.calm(now) {
                tracing::info!("{over}");
            }
            core.settle(now);
            if let Some(outside) = core.refusal().cloned() {
                settings::is_no_other_pool(&client, &namespace, &published, outside).await?;
                core.keep_public_addresses(false);
                core.settle(now);
            }
            if core.is_started() && !was_started {
                started(&mut core, &readiness);
                tokio::spawn(settings::publish(client.clone(), namespace.clone(), published.clone()));
            }
            while writes.may_start(now) {
                let Some(write) = core.next_write(now, Timestamp::now()) else { break };
                writes.start(write);
            }
            events.send(core.take_notices(), now);
            // With no hand free, or no term, what is due can only wait for one.
            let deadline = if writes.may_start(now) { core.next_deadline() } else { core.engine().next_deadline() };
            let deadline = [deadline, failures.next_deadline(), events.next_deadline()].into_iter().flatten().min();
            tokio::select! {
                renewed = election.renewed() => renewed?,
                Some(shows) = watches.shown.recv() => {
                    take_in(&mut core, &mut failures, shows, clock.now());
                    for _ in 0..INPUTS_AT_ONCE {
                        let Ok(shows) = watches.shown.try_recv() else { break };
                        take_in(&mut core, &mut failures, shows, clock.now());
                    }
                }
                Some(Err(died)) = watches.tasks.join_next() => std::panic::resume_unwind(died.into_panic()),
                Some(inputs) = writes.next(clock) => inputs.into_iter().for_each(|input| core.feed(input)),
                Some(scrape) = inquiries.scrapes.recv() => answer(scrape, &core, writes, watches.shown.len()),
                () = inquiries.pulse.asked() => {} // the next turn answers
                () = until(deadline, now) => {}
            }
        }
    }
}

/// Answers a scrape, which may have been cancelled meanwhile.
fn answer(scrape: Scrape, core: &Core, writes: &Writes, inputs: usize) {
    let (writes, in_flight) = (writes.counts.clone(), writes.on_their_way.len());
    let _ = scrape.send(RunFigures { core: core.figures(), writes, in_flight, inputs });
}

fn take_in(core: &mut Core, failures: &mut Failures, shows: Shows, now: Timestamp) {
    let Shows { source, result, taken_in: _taken_in } = shows;
    match result {
        Ok(input) => {
            // A list begins before anything has been answered.
            if !matches!(input, Some(Input::ListStarted(_)))
                && let Some(over) = failures.works(source)
            {
                tracing::info!(watch = %source, "{over}");
            }
            if let Some(input) = input {
                core.feed(input);
            }
        }
        Err(why) => {
            if let Some(failure) = failures.failed(source, why, now) {
                tracing::warn!(watch = %source, "{failure}");
            }
        }
    }
}

fn started(core: &mut Core, readiness: &Readiness) {
    for (id, what) in core.take_dropped() {
        about!(warn, id, what, "not restored: the status contradicts another");
    }
    let (objects, waiting) = core.counts();
    tracing::info!(objects, waiting, "fabric restored");
    readiness.restored();
}

async fn until(deadline: Option<Timestamp>, now: Timestamp) {
    match deadline {
        Some(deadline) => sleep(between(now, deadline)).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use http::{Request, Response};
    use kube::client::Body;
    use tokio::sync::watch;
    use tower::BoxError;

    use super::*;
    use crate::fabric::{Kind, Name, ObjectId, Uid};
    use crate::operator::core::What;
    use crate::operator::leader::Timing;

    /// A write that the API server answers with this; None closes the connection. How its operator leaves the Lease then.
    async fn resignation_after(answer: Option<&'static str>) -> Resignation {
        let service = tower::service_fn(move |_: Request<Body>| async move {
            let body = answer.ok_or("the connection is closed")?;
            Ok::<_, BoxError>(Response::builder().status(409).body(Body::from(body.as_bytes().to_vec()))?)
        });
        let (client, clock) = (Client::new(service, "default"), Clock::default());
        let (_term, term) = watch::channel(None);
        let fence = Fence::new(term, clock, Timing::default().write_timeout());
        let write_timeout = Duration::from_secs(10);
        let mut writes = Writes::new(client, fence, write_timeout);
        writes.start(Write {
            id: ObjectId::new(Kind::NetworkInterface, Name::new("shop", "a")),
            uid: Uid::from("life"),
            resource_version: 1,
            generation: 1,
            changes_counts_only: false,
            what: What::Finalizers(Vec::new()),
        });
        writes.drain(clock).await
    }

    #[tokio::test]
    async fn the_lease_is_released_when_every_write_was_answered() {
        let refused = r#"{"kind": "Status", "status": "Failure", "code": 409, "reason": "Conflict", "message": "no"}"#;
        assert_eq!(resignation_after(Some(refused)).await, Resignation::Release);
    }

    #[tokio::test]
    async fn the_lease_is_left_to_expire_when_a_write_may_still_be_carried_out() {
        assert_eq!(resignation_after(None).await, Resignation::Leave);
    }
}
