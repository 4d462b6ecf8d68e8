//! The shell around the core: watches in, writes and Events out. All I/O of the operator is here and in what this calls, and no decision.

use std::time::Duration;

use jiff::Timestamp;
use kube::Client;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::clock::Clock;
use super::core::{Core, Input};
use super::endpoints::Inquiries;
use super::events::Events;
use super::failures::Failures;
use super::health::Readiness;
use super::metrics::RunFigures;
use super::settings::{self, StartRefused};
use super::timeouts::Timeouts;
use super::watches::{Shows, Watches};
use super::write::carry_out;
use super::write_counts::{Target, WriteCounts};
use crate::fabric::Settings;

/// 8 writes at once triple the time to Ready of many objects; more than 32 gain nothing (measured).
const WRITES_AT_ONCE: usize = 32;
/// What is on its way when the operator is told to stop has this long to arrive.
const GRACE: Duration = Duration::from_secs(5);
/// Inputs that are there at once are taken in together before anything is judged.
const INPUTS_AT_ONCE: usize = 1000;

/// Runs the operator until `stop` resolves; its settings are published in its namespace.
///
/// # Errors
/// [`StartRefused`], if it would give static public addresses others; nothing has been written then.
pub async fn run(
    client: Client,
    namespace: String,
    settings: Settings,
    timeouts: Timeouts,
    readiness: Readiness,
    mut inquiries: Inquiries,
    stop: impl Future<Output = ()>,
) -> Result<(), StartRefused> {
    let published = settings::written(&settings);
    let (clock, mut core) = (Clock::default(), Core::new(settings));
    core.keep_public_addresses(true);
    let (mut watches, mut failures) = (Watches::start(&client, timeouts, &readiness), Failures::default());
    let mut writes = Writes::new(client.clone());
    let mut events = Events::start(client.clone(), clock);
    let _running = inquiries.pulse.begin();
    tokio::pin!(stop);
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
        writes.start(&mut core, now);
        events.send(core.take_notices(), now);
        // With no hand free, what is due can only wait for one.
        let deadline = if writes.is_full() { core.engine().next_deadline() } else { core.next_deadline() };
        let deadline = [deadline, failures.next_deadline(), events.next_deadline()].into_iter().flatten().min();
        tokio::select! {
            Some(shows) = watches.shown.recv() => {
                take_in(&mut core, &mut failures, shows, clock.now());
                for _ in 0..INPUTS_AT_ONCE {
                    let Ok(shows) = watches.shown.try_recv() else { break };
                    take_in(&mut core, &mut failures, shows, clock.now());
                }
            }
            Some(Err(died)) = watches.tasks.join_next() => std::panic::resume_unwind(died.into_panic()),
            Some(inputs) = writes.ended() => inputs.into_iter().for_each(|input| core.feed(input)),
            Some(scrape) = inquiries.scrapes.recv() => {
                // Whoever asked may have gone meanwhile.
                let _ = scrape.send(figures(&core, &writes, watches.shown.len()));
            }
            () = inquiries.pulse.asked() => {} // the next turn answers
            () = until(deadline, now) => {}
            () = &mut stop => break,
        }
    }
    tracing::info!(writes = writes.in_flight.len(), "stopping; writes on their way are finished first");
    if timeout(GRACE, async { while writes.in_flight.join_next().await.is_some() {} }).await.is_err() {
        tracing::warn!("writes were still on their way; what they said is said again after the next start");
    }
    Ok(())
}

/// The writes that are on their way, and how those before them ended.
struct Writes {
    client: Client,
    in_flight: JoinSet<(Target, Vec<Input>)>,
    counts: WriteCounts,
}

impl Writes {
    fn new(client: Client) -> Self {
        Self { client, in_flight: JoinSet::new(), counts: WriteCounts::default() }
    }

    fn is_full(&self) -> bool {
        self.in_flight.len() >= WRITES_AT_ONCE
    }

    /// Starts what the core has to write, as far as there are hands free for it.
    fn start(&mut self, core: &mut Core, now: Timestamp) {
        while !self.is_full() {
            let Some(write) = core.next_write(now, Timestamp::now()) else { break };
            let (target, client) = (Target::of(&write), self.client.clone());
            self.in_flight.spawn(async move { (target, carry_out(client, write).await) });
        }
    }

    /// What the next write that ends has to tell; none if none is on its way.
    async fn ended(&mut self) -> Option<Vec<Input>> {
        let ended = self.in_flight.join_next().await?;
        let (target, inputs) = ended.unwrap_or_else(|died| std::panic::resume_unwind(died.into_panic()));
        inputs.iter().for_each(|input| self.counts.count(target, input));
        Some(inputs)
    }
}

fn figures(core: &Core, writes: &Writes, inputs: usize) -> RunFigures {
    RunFigures { core: core.figures(), writes: writes.counts.clone(), in_flight: writes.in_flight.len(), inputs }
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
            if let Some(told) = failures.failed(source, why, now) {
                tracing::warn!(watch = %source, "{told}");
            }
        }
    }
}

fn started(core: &mut Core, readiness: &Readiness) {
    for (id, what) in core.take_dropped() {
        about!(warn, id, what, "not restored: the status contradicts another");
    }
    let (objects, waiting) = core.counts();
    tracing::info!(objects, waiting, "the fabric is restored");
    readiness.restored();
}

async fn until(deadline: Option<Timestamp>, now: Timestamp) {
    match deadline {
        Some(deadline) => sleep(Duration::try_from(deadline.duration_since(now)).unwrap_or_default()).await,
        None => std::future::pending().await,
    }
}
