//! Lists whose next page is fetched while the one before is read: of a restart, the API server's part and the operator's
//! take about as long as each other. At most one page waits.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use kube::Client;
use kube::client::Body;
use tokio::task::JoinHandle;
use tower::BoxError;

/// A page as it was sent.
type Page = Response<Bytes>;

/// The page that was asked for before anybody wanted it, by its token.
type Ahead = Arc<Mutex<Option<(String, JoinHandle<Result<Page, kube::Error>>)>>>;

/// A client for one watch, which has the next page of a list sent as soon as it knows its token.
pub fn fetched_ahead(client: &Client) -> Client {
    let (inner, ahead) = (client.clone(), Ahead::default());
    let service = tower::service_fn(move |request: Request<Body>| {
        let (client, ahead) = (inner.clone(), ahead.clone());
        async move {
            if parameter(request.uri(), "limit").is_none() {
                return Ok::<_, BoxError>(client.send(request).await?.map(BodyExt::boxed_unsync));
            }
            let (head, body) = request.into_parts();
            let next = |token: &str| {
                let mut head = head.clone();
                head.uri = with_token(&head.uri, token)?;
                Some(Request::from_parts(head, Body::empty()))
            };
            let page = match take(&ahead, parameter(&head.uri, TOKEN)) {
                Some(page) => page.await??,
                None => fetch(&client, Request::from_parts(head.clone(), body)).await?,
            };
            if let Some(token) = next_token(&page)
                && let Some(request) = next(&token)
            {
                let fetch = tokio::spawn(async move { fetch(&client, request).await });
                *ahead.lock().unwrap_or_else(PoisonError::into_inner) = Some((token, fetch));
            }
            let body = |bytes| Full::new(bytes).map_err(|never| match never {}).boxed_unsync();
            Ok(page.map(body))
        }
    });
    Client::new(service, client.default_namespace())
}

const TOKEN: &str = "continue";
/// In bytes; the metadata of a list is shorter.
const METADATA: usize = 2048;

async fn fetch(client: &Client, request: Request<Body>) -> Result<Page, kube::Error> {
    let (head, body) = client.send(request).await?.into_parts();
    Ok(Response::from_parts(head, body.collect_bytes().await?))
}

/// The page that was fetched ahead, if it is the one with this token.
fn take(ahead: &Ahead, token: Option<&str>) -> Option<JoinHandle<Result<Page, kube::Error>>> {
    let (of, page) = ahead.lock().unwrap_or_else(PoisonError::into_inner).take()?;
    (Some(of.as_str()) == token).then_some(page)
}

/// The token of the page that follows. It is looked for where the API server puts the metadata of a list, behind the objects or
/// before them; to parse the page for it would take as long as to read it. One that is no token is never asked for.
fn next_token(page: &Page) -> Option<String> {
    let body = page.body().as_ref();
    let head = body.get(..body.len().min(METADATA))?;
    let tail = body.get(body.len().saturating_sub(METADATA)..)?;
    let token = |part: &[u8]| {
        let text = String::from_utf8_lossy(part);
        let (_, behind) = text.rsplit_once(r#""continue":""#)?;
        Some(behind.split_once('"')?.0.to_owned())
    };
    let token = token(tail).or_else(|| token(head)).filter(|token| !token.is_empty());
    token.filter(|_| page.status().is_success())
}

/// The value of a parameter of the query.
fn parameter<'a>(uri: &'a Uri, name: &str) -> Option<&'a str> {
    let pairs = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// The same request for the page with this token; tokens are base64 that needs no escapes.
fn with_token(uri: &Uri, token: &str) -> Option<Uri> {
    let is_plain = token.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    let parameters = uri.query()?.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("continue="));
    let token = format!("{TOKEN}={token}");
    let query = parameters.chain([token.as_str()]).collect::<Vec<_>>().join("&");
    is_plain.then(|| format!("{}?{query}", uri.path()).parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::Api;
    use kube::api::ListParams;

    use super::*;

    type Asked = Arc<Mutex<Vec<String>>>;

    /// An API server that answers with these pages, and notes the tokens that it is asked for.
    fn server(pages: &[(u16, &str)]) -> (Client, Asked) {
        let pages: VecDeque<(u16, String)> = pages.iter().map(|(code, body)| (*code, (*body).to_owned())).collect();
        let (pages, asked) = (Arc::new(Mutex::new(pages)), Asked::default());
        let notes = asked.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            notes.lock().unwrap().push(parameter(request.uri(), TOKEN).unwrap_or("first").to_owned());
            let (code, body) = pages.lock().unwrap().pop_front().expect("a page is left");
            async move { Ok::<_, BoxError>(Response::builder().status(code).body(Full::new(Bytes::from(body))).unwrap()) }
        });
        (fetched_ahead(&Client::new(service, "default")), asked)
    }

    async fn list(client: &Client, token: Option<&str>) -> Result<Option<String>, kube::Error> {
        let mut parameters = ListParams::default().limit(2);
        parameters.continue_token = token.map(str::to_owned);
        Ok(Api::<ConfigMap>::all(client.clone()).list(&parameters).await?.metadata.continue_)
    }

    const FIRST: (u16, &str) = (200, r#"{"items":[],"metadata":{"continue":"abc-_1"}}"#);
    const LAST: (u16, &str) = (200, r#"{"metadata": {"resourceVersion": "7"}, "items": []}"#);

    /// Until the page that is fetched ahead has been asked for.
    async fn until_asked(asked: &Asked, pages: usize) {
        while asked.lock().unwrap().len() < pages {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn the_next_page_is_asked_for_before_it_is_wanted_and_once() {
        let (client, asked) = server(&[FIRST, LAST]);
        assert_eq!(list(&client, None).await.unwrap().as_deref(), Some("abc-_1"));
        until_asked(&asked, 2).await;
        assert_eq!(list(&client, Some("abc-_1")).await.unwrap(), None);
        assert_eq!(*asked.lock().unwrap(), ["first", "abc-_1"]);
    }

    #[tokio::test]
    async fn a_list_that_begins_again_does_not_take_the_page_of_the_one_before() {
        let (client, asked) = server(&[FIRST, FIRST, LAST, LAST]);
        list(&client, None).await.unwrap();
        until_asked(&asked, 2).await;
        assert_eq!(list(&client, None).await.unwrap(), None);
        assert_eq!(*asked.lock().unwrap(), ["first", "abc-_1", "first"]);
    }

    #[tokio::test]
    async fn a_page_that_fails_is_reported_to_who_asks_for_it() {
        let gone = r#"{"kind": "Status", "status": "Failure", "message": "expired", "reason": "Expired", "code": 410}"#;
        let (client, asked) = server(&[FIRST, (410, gone)]);
        list(&client, None).await.unwrap();
        until_asked(&asked, 2).await;
        let error = list(&client, Some("abc-_1")).await.unwrap_err();
        assert!(matches!(error, kube::Error::Api(status) if status.code == 410));
    }

    #[test]
    fn the_token_is_found_behind_the_objects_and_before_them() {
        let token = |body: String| next_token(&Response::new(Bytes::from(body)));
        let (objects, metadata) = ("x".repeat(3 * METADATA), r#""metadata":{"resourceVersion":"7","continue":"abc"}"#);
        assert_eq!(token(format!(r#"{{"items":["{objects}"],{metadata}}}"#)).as_deref(), Some("abc"));
        assert_eq!(token(format!(r#"{{{metadata},"items":["{objects}"]}}"#)).as_deref(), Some("abc"));
        assert_eq!(token(format!(r#"{{"items":["{objects}"],"metadata":{{"continue":""}}}}"#)), None);
    }

    #[test]
    fn the_token_takes_the_place_of_the_one_before() {
        let uri: Uri = "/api/v1/namespaces?limit=5&continue=abc".parse().unwrap();
        assert_eq!(with_token(&uri, "def").unwrap(), "/api/v1/namespaces?limit=5&continue=def");
        assert_eq!(with_token(&uri, "d&f"), None);
    }
}
