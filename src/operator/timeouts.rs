//! The time limits of a watch. kube's client has none for an answer: a peer that accepts a connection and then stays silent
//! would stop a watch for ever.

use std::time::Duration;

use axum::body::Bytes;
use futures::{Stream, stream};
use http::Request;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use kube::Client;
use kube::client::Body;
use tokio::time::timeout;
use tower::BoxError;

/// How long the API server may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// To begin an answer, and between two parts of it.
    pub request: Duration,
    /// A watch ends after this time, and is started again from where it ended; so long may nothing happen in it.
    pub watch: Duration,
}

impl Timeouts {
    /// The longest time in which a watch that works receives nothing.
    pub fn silence(&self) -> Duration {
        self.watch.saturating_add(self.request)
    }
}

/// The API server did not answer in time.
#[derive(Debug, thiserror::Error)]
#[error("the API server accepted the connection or request and has sent nothing for {0:?}")]
struct Silent(Duration);

/// A client for one watch, whose requests fail when nothing is received in time; `received` is called for each part of a
/// successful answer, and for its end.
pub fn limited(client: &Client, timeouts: Timeouts, received: impl Fn() + Clone + Send + 'static) -> Client {
    let unlimited = client.clone();
    let service = tower::service_fn(move |request: Request<Body>| {
        let (client, received) = (unlimited.clone(), received.clone());
        let silence = if is_watch(&request) { timeouts.silence() } else { timeouts.request };
        async move {
            let answer = timeout(timeouts.request, client.send(request)).await;
            let response = answer.map_err(|_| Silent(timeouts.request))??;
            let is_success = response.status().is_success();
            let received = move || {
                if is_success {
                    received();
                }
            };
            Ok::<_, BoxError>(response.map(|body| StreamBody::new(parts(body, silence, received))))
        }
    });
    Client::new(service, client.default_namespace())
}

fn is_watch(request: &Request<Body>) -> bool {
    request.uri().query().is_some_and(|query| query.split('&').any(|parameter| parameter == "watch=true"))
}

/// The parts of an answer; an error instead of the next one if that does not come in time.
fn parts(
    body: Body,
    silence: Duration,
    received: impl Fn() + Send + 'static,
) -> impl Stream<Item = Result<Frame<Bytes>, BoxError>> + Send + 'static {
    stream::unfold((Some(body), received), move |(body, received)| async move {
        let mut body = body?;
        match timeout(silence, body.frame()).await {
            Ok(Some(Ok(part))) => {
                received();
                Some((Ok(part), (Some(body), received)))
            }
            Ok(Some(Err(error))) => Some((Err(error.into()), (None, received))),
            Ok(None) => {
                received();
                None
            }
            Err(_) => Some((Err(Silent(silence).into()), (None, received))),
        }
    })
}
