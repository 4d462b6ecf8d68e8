//! Writes within the term of a holder, and no others. Every request of the operator that changes something goes through here: it
//! starts only while the Lease is certain to be held until its timeout, which the API server is told as well.
//!
//! A process may be stopped at any point and go on an hour later. So the time is compared each time the request makes progress,
//! not only before: one that was stopped before it was sent is not sent. What is left is a stop between the last comparison and the
//! system call that sends it; such a write carries a resourceVersion that is old as soon as the successor has written the object.

use std::future::poll_fn;
use std::pin::pin;
use std::str::FromStr;
use std::task::Poll;

use http::uri::PathAndQuery;
use http::{Method, Request, Uri};
use jiff::{SignedDuration, Timestamp};
use kube::Client;
use kube::client::Body;
use tokio::sync::watch;
use tower::BoxError;

use super::clock::Clock;
use super::leader::Term;

/// The term of this operator, as it is renewed.
#[derive(Clone, Debug)]
pub struct Fence {
    term: watch::Receiver<Option<Term>>,
    clock: Clock,
    write_timeout: SignedDuration,
}

/// A write was not sent, or not waited for, since the Lease may belong to another operator.
#[derive(Debug, thiserror::Error)]
#[error("the Lease was not renewed in time, so nothing is written until it is")]
struct OutsideTerm;

impl Fence {
    /// Around this term, for writes that take at most this long.
    pub fn new(term: watch::Receiver<Option<Term>>, clock: Clock, write_timeout: SignedDuration) -> Self {
        Self { term, clock, write_timeout }
    }

    /// True if a write may start at this time.
    pub fn admits(&self, now: Timestamp) -> bool {
        self.term.borrow().is_some_and(|term| term.admits(now))
    }

    /// When a write that starts now is over; none if it must not start.
    fn deadline(&self) -> Option<Timestamp> {
        let now = self.clock.now();
        if self.admits(now) { now.checked_add(self.write_timeout).ok() } else { None }
    }

    /// A client whose writes keep to the term. What only reads passes.
    pub fn around(&self, client: &Client) -> Client {
        let (unfenced, fence) = (client.clone(), self.clone());
        let service = tower::service_fn(move |mut request: Request<Body>| {
            let (client, fence) = (unfenced.clone(), fence.clone());
            async move {
                if request.method() == Method::GET {
                    return client.send(request).await.map_err(BoxError::from);
                }
                let deadline = fence.deadline().ok_or(OutsideTerm)?;
                *request.uri_mut() = with_timeout(request.uri(), fence.write_timeout);
                let mut answer = pin!(client.send(request));
                let in_time = poll_fn(|context| {
                    if fence.clock.now() >= deadline {
                        return Poll::Ready(Err(OutsideTerm.into()));
                    }
                    answer.as_mut().poll(context).map_err(BoxError::from)
                });
                in_time.await
            }
        });
        Client::new(service, client.default_namespace())
    }
}

/// The same request, which the API server gives up after this time.
fn with_timeout(uri: &Uri, timeout: SignedDuration) -> Uri {
    let separator = if uri.query().is_some() { '&' } else { '?' };
    let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let mut parts = uri.clone().into_parts();
    let bounded = format!("{path}{separator}timeout={}ms", timeout.as_millis());
    parts.path_and_query = PathAndQuery::from_str(&bounded).ok().or(parts.path_and_query);
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Instant;

    use http::Response;
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::Api;
    use kube::api::{DeleteParams, PostParams};

    use super::*;

    const WRITE: SignedDuration = SignedDuration::from_secs(10);

    /// A client whose every request is counted and answered, and a term that lasts so many seconds from now.
    fn fenced(seconds: i64) -> (Client, Arc<AtomicUsize>, watch::Sender<Option<Term>>) {
        let counted = Arc::new(AtomicUsize::new(0));
        let count = counted.clone();
        let service = tower::service_fn(move |_: Request<Body>| {
            count.fetch_add(1, Ordering::Relaxed);
            async { Ok::<_, BoxError>(Response::new(Body::from(b"{}".to_vec()))) }
        });
        let clock = Clock::started_at(Timestamp::UNIX_EPOCH, Instant::now());
        let until = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds);
        let term = Term { lists_from: Timestamp::UNIX_EPOCH, writes_until: until, renew_by: until, ends: until };
        let (sender, term) = watch::channel(Some(term));
        (Fence::new(term, clock, WRITE).around(&Client::new(service, "default")), counted, sender)
    }

    #[tokio::test]
    async fn a_write_passes_within_the_term_and_is_not_sent_after_it() {
        let (client, sent, term) = fenced(3600);
        let maps = Api::<ConfigMap>::default_namespaced(client);
        maps.create(&PostParams::default(), &ConfigMap::default()).await.unwrap();
        term.send(None).unwrap();
        let refused = maps.create(&PostParams::default(), &ConfigMap::default()).await.unwrap_err();
        assert!(crate::operator::failures::in_words(&refused).contains("Lease was not renewed"), "{refused}");
        assert!(maps.delete("a", &DeleteParams::default()).await.is_err());
        assert_eq!(sent.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn what_only_reads_passes_outside_of_the_term() {
        let (client, sent, _term) = fenced(-1);
        Api::<ConfigMap>::default_namespaced(client).get("a").await.unwrap();
        assert_eq!(sent.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn the_api_server_is_told_how_long_a_write_may_take() {
        let bounded = |uri: &str| with_timeout(&uri.parse().unwrap(), WRITE).to_string();
        assert_eq!(bounded("/api/v1/pods"), "/api/v1/pods?timeout=10000ms");
        assert_eq!(bounded("/api/v1/pods?force=false"), "/api/v1/pods?force=false&timeout=10000ms");
    }
}
