//! The endpoints: `/healthz` answers as long as the operator's loop runs, `/readyz` once the fabric is restored and as
//! long as every watch hears from the API server, `/metrics` always; what only the core knows is left out where it does
//! not answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::{self, timeout};

use super::health::Readiness;
use super::metrics::process::Process;
use super::metrics::{self, RunFigures, Snapshot};
use super::pulse::{self, Pulse};

/// A scrape waits for the core no longer; Prometheus waits 10 seconds for the whole answer.
const SCRAPE_TIMEOUT: Duration = Duration::from_secs(5);
/// Figures of the loop are shown for this long, since it walks all subnets for them: many who scrape at once cost it
/// one walk. Prometheus scrapes every 15 seconds or more, and so never sees the same figures twice.
const FIGURES_LAST: Duration = Duration::from_secs(1);

/// A scrape: where the figures are to be sent.
pub type Scrape = oneshot::Sender<RunFigures>;

/// What the endpoints answer from.
#[derive(Clone, Debug)]
pub struct Probes {
    readiness: Readiness,
    pulse: Pulse,
    scrapes: mpsc::Sender<Scrape>,
    /// The last figures of the loop, and when they came.
    figures: Arc<Mutex<Option<(time::Instant, RunFigures)>>>,
}

/// What the loop of the core answers.
#[derive(Debug)]
pub struct Inquiries {
    /// Those who ask whether it runs.
    pub pulse: Pulse,
    /// Those who ask for its figures.
    pub scrapes: mpsc::Receiver<Scrape>,
}

impl Probes {
    /// The endpoints of a loop, and what it answers.
    pub fn new(readiness: Readiness) -> (Self, Inquiries) {
        let pulse = Pulse::default();
        let (sender, scrapes) = mpsc::channel(1);
        (
            Self { readiness, pulse: pulse.clone(), scrapes: sender, figures: Arc::default() },
            Inquiries { pulse, scrapes },
        )
    }

    async fn figures(&self) -> Option<RunFigures> {
        if !self.pulse.is_running() {
            return None;
        }
        let answer = async {
            let mut last = self.figures.lock().await; // one asks, and the others wait for its answer
            if let Some((read, figures)) = &*last
                && read.elapsed() < FIGURES_LAST
            {
                return Some(figures.clone());
            }
            let (sender, figures) = oneshot::channel();
            self.scrapes.send(sender).await.ok()?;
            let figures = figures.await.ok()?;
            *last = Some((time::Instant::now(), figures.clone()));
            Some(figures)
        };
        timeout(SCRAPE_TIMEOUT, answer).await.ok().flatten()
    }

    async fn snapshot(&self) -> Snapshot {
        let run = self.figures().await;
        let now = Instant::now();
        Snapshot {
            run,
            watches: self.readiness.ages(now),
            silence: self.readiness.silence(),
            stall: self.pulse.ask(now),
            is_leader: self.pulse.is_running() && self.readiness.is_in_term(now),
            process: Process::read(),
        }
    }
}

/// Serves the endpoints for as long as the process lives. It needs a task of its own: a core that is stuck holds up
/// the one that it runs in.
///
/// # Errors
/// The listener cannot be used.
pub async fn serve(listener: TcpListener, probes: Probes) -> std::io::Result<()> {
    tracing::info!(address = %listener.local_addr()?, "serving health and metrics endpoints");
    let routes =
        Router::new().route("/healthz", get(alive)).route("/readyz", get(ready)).route("/metrics", get(scrape));
    axum::serve(listener, routes.with_state(probes)).await
}

async fn alive(State(probes): State<Probes>) -> (StatusCode, String) {
    answer(&probes.is_stuck(Instant::now()), "ok".to_owned())
}

async fn ready(State(probes): State<Probes>) -> (StatusCode, String) {
    answer(&probes.readiness.causes(Instant::now()), probes.readiness.word())
}

async fn scrape(State(probes): State<Probes>) -> impl IntoResponse {
    ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], metrics::exposition(probes.snapshot().await))
}

fn answer(causes: &[String], word: String) -> (StatusCode, String) {
    if causes.is_empty() { (StatusCode::OK, word) } else { (StatusCode::SERVICE_UNAVAILABLE, causes.join("\n")) }
}

impl Probes {
    /// Why the process is to be started again.
    fn is_stuck(&self, now: Instant) -> Vec<String> {
        let stall = self.pulse.ask(now);
        let is_stuck = stall > pulse::DEADLINE;
        is_stuck.then(|| format!("the operator's loop has not run for {}s", stall.as_secs())).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabric::Settings;
    use crate::operator::Core;
    use crate::operator::write_counts::WriteCounts;

    /// Of an operator whose term lasts.
    fn probes() -> (Probes, Inquiries) {
        let (readiness, far) = (Readiness::new(Duration::from_secs(150)), Instant::now() + Duration::from_secs(3600));
        readiness.leads(far, far);
        Probes::new(readiness)
    }

    #[test]
    fn a_loop_that_has_not_run_within_its_deadline_fails_healthz() {
        let ((probes, inquiries), begin) = (probes(), Instant::now());
        let _running = inquiries.pulse.begin();
        let alive = |after| answer(&probes.is_stuck(begin + after), "ok".to_owned());
        assert_eq!(alive(Duration::ZERO), (StatusCode::OK, "ok".to_owned()));
        assert_eq!(alive(pulse::DEADLINE).0, StatusCode::OK);
        let stuck = (StatusCode::SERVICE_UNAVAILABLE, "the operator's loop has not run for 61s".to_owned());
        assert_eq!(alive(pulse::DEADLINE + Duration::from_secs(1)), stuck);
        inquiries.pulse.turned();
        assert_eq!(alive(2 * pulse::DEADLINE).0, StatusCode::OK);
    }

    #[tokio::test(start_paused = true)]
    async fn a_core_that_does_not_answer_a_scrape_is_left_out_of_it_and_its_stall_is_shown() {
        let (probes, inquiries) = probes();
        let _running = inquiries.pulse.begin();
        let text = metrics::exposition(probes.snapshot().await);
        assert!(text.contains("vnet_leader 1") && text.contains("vnet_core_stall_seconds "), "{text}");
        assert!(!text.contains("vnet_objects"), "{text}");
    }

    #[tokio::test(start_paused = true)]
    async fn one_whose_term_is_over_does_not_show_itself_as_the_leader_although_its_core_runs() {
        let (probes, inquiries) = probes();
        let _running = inquiries.pulse.begin();
        let now = Instant::now();
        probes.readiness.leads(now, now);
        let text = metrics::exposition(probes.snapshot().await);
        assert!(text.contains("vnet_leader 0"), "{text}");
    }

    #[tokio::test(start_paused = true)]
    async fn many_scrapes_at_once_ask_the_loop_once_and_a_later_one_asks_again() {
        let (probes, mut inquiries) = probes();
        let _running = inquiries.pulse.begin();
        let answers = tokio::spawn(async move {
            let core = Core::new(Settings::default());
            let mut asked = 0;
            while let Some(scrape) = inquiries.scrapes.recv().await {
                asked += 1;
                let figures =
                    RunFigures { core: core.figures(), writes: WriteCounts::default(), in_flight: asked, inputs: 0 };
                scrape.send(figures).unwrap();
            }
            asked
        });
        let in_flight = async || probes.figures().await.map(|figures| figures.in_flight);
        let together = tokio::join!(in_flight(), in_flight(), in_flight());
        assert_eq!(together, (Some(1), Some(1), Some(1)));
        time::advance(FIGURES_LAST).await;
        assert_eq!(in_flight().await, Some(2));
        drop(probes);
        assert_eq!(answers.await.unwrap(), 2);
    }

    #[tokio::test]
    async fn a_process_without_a_core_answers_a_scrape_at_once() {
        let (probes, _inquiries) = probes();
        let text = metrics::exposition(probes.snapshot().await);
        assert!(text.contains("vnet_leader 0") && text.contains("vnet_core_stall_seconds 0"), "{text}");
    }
}
