//! The shell around the core: watches in, writes and Events out. All I/O of the operator is here and in what this calls, and no decision.

use std::time::Duration;

use jiff::Timestamp;
use kube::Client;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::clock::Clock;
use super::core::{Core, Input};
use super::events::Events;
use super::failures::Failures;
use super::health::Readiness;
use super::settings::{self, StartRefused};
use super::timeouts::Timeouts;
use super::watches::{Shows, Watches};
use super::write::carry_out;
use crate::fabric::Settings;

/// 8 writes at once triple the time to Ready of many objects; more than 32 gain nothing (measured).
const WRITES_AT_ONCE: usize = 32;
/// Writes in flight have this long to finish after the operator was signalled to stop.
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
    stop: impl Future<Output = ()>,
) -> Result<(), StartRefused> {
    let published = settings::written(&settings);
    let (clock, mut core) = (Clock::default(), Core::new(settings));
    core.keep_public_addresses(true);
    let (mut watches, mut failures) = (Watches::start(&client, timeouts, &readiness), Failures::default());
    let mut writes = JoinSet::new();
    let mut events = Events::start(client.clone(), clock);
    tokio::pin!(stop);
    loop {
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
        while writes.len() < WRITES_AT_ONCE {
            let Some(write) = core.next_write(now, Timestamp::now()) else { break };
            writes.spawn(carry_out(client.clone(), write));
        }
        events.send(core.take_notices(), now);
        // With no hand free, what is due can only wait for one.
        let busy = writes.len() >= WRITES_AT_ONCE;
        let deadline = if busy { core.engine().next_deadline() } else { core.next_deadline() };
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
            Some(written) = writes.join_next() => {
                for input in written.unwrap_or_else(|died| std::panic::resume_unwind(died.into_panic())) {
                    core.feed(input);
                }
            }
            () = until(deadline, now) => {}
            () = &mut stop => break,
        }
    }
    tracing::info!(writes = writes.len(), "stopping; waiting for writes in flight");
    if timeout(GRACE, async { while writes.join_next().await.is_some() {} }).await.is_err() {
        tracing::warn!(
            "writes were still in flight at the end of the grace period; they are repeated after the next start"
        );
    }
    Ok(())
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
        Some(deadline) => sleep(Duration::try_from(deadline.duration_since(now)).unwrap_or_default()).await,
        None => std::future::pending().await,
    }
}
