//! A proxy in front of the API server that can fall silent about some resources: it goes on accepting connections and requests,
//! and sends nothing of what the API server answers.

use std::net::TcpListener;
use std::path::Path;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::HOST;
use axum::response::Response;
use futures::StreamExt;
use kube::Client;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::support::cluster::spawn;

/// The bodies of the operator's requests are objects; none is larger.
const LARGEST_BODY: usize = 4 << 20;

/// A proxy that runs until it is dropped.
pub struct Proxy {
    port: u16,
    silent: watch::Sender<bool>,
    server: JoinHandle<()>,
}

#[derive(Clone)]
struct Shared {
    client: Client,
    is_about_it: fn(&str) -> bool,
    silent: watch::Receiver<bool>,
}

impl Proxy {
    /// Starts one; `is_about_it` tells by the path of a request whether it can fall silent about that.
    pub fn start(client: Client, is_about_it: fn(&str) -> bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        listener.set_nonblocking(true).unwrap();
        let (silent, receiver) = watch::channel(false);
        let routes = Router::new().fallback(forward).with_state(Shared { client, is_about_it, silent: receiver });
        let server = spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, routes).await.unwrap();
        });
        Self { port, silent, server }
    }

    /// Writes a kubeconfig that leads to it.
    pub fn write_kubeconfig(&self, path: &Path) {
        write_kubeconfig(path, self.port);
    }

    /// Sends nothing about these from here on, or sends again what is asked for.
    pub fn silent(&self, is_silent: bool) {
        self.silent.send(is_silent).unwrap();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Writes a kubeconfig for an API server without TLS on a port of this machine.
pub fn write_kubeconfig(path: &Path, port: u16) {
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "local",
        "clusters": [{"name": "local", "cluster": {"server": format!("http://127.0.0.1:{port}")}}],
        "contexts": [{"name": "local", "context": {"cluster": "local", "user": "nobody"}}],
        "users": [{"name": "nobody"}],
    });
    std::fs::write(path, config.to_string()).unwrap();
}

async fn forward(State(shared): State<Shared>, request: Request) -> Response {
    let Shared { client, is_about_it, silent } = shared;
    let is_about_it = is_about_it(request.uri().path());
    let (mut head, body) = request.into_parts();
    head.headers.remove(HOST);
    let body = axum::body::to_bytes(body, LARGEST_BODY).await.unwrap();
    wait_for_its_turn(is_about_it, silent.clone()).await;
    let request = Request::from_parts(head, kube::client::Body::from(body));
    let response = client.send(request).await.unwrap();
    let parts = |body| {
        let parts = Body::new(body).into_data_stream();
        let in_turn = parts.then(move |part| {
            let silent = silent.clone();
            async move {
                wait_for_its_turn(is_about_it, silent).await;
                part
            }
        });
        Body::from_stream(in_turn)
    };
    response.map(parts)
}

async fn wait_for_its_turn(is_about_it: bool, mut silent: watch::Receiver<bool>) {
    if is_about_it {
        silent.wait_for(|silent| !silent).await.ok();
    }
}
