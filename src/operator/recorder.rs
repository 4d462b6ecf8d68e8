//! Events: what is reported again of an object in the same words is one Event with a count, and other words are an Event of their
//! own. kube's own recorder counts whatever has the same reason, and goes on showing the first words.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client, Error};
use serde_json::json;

use super::core::Notice;
use crate::api::{GROUP, VERSION};

/// Who reports.
const REPORTER: &str = "vnet-operator";
/// So many Events can be repeated; when there are more, all are forgotten, and a repeated one is a new one.
const REMEMBERED: usize = 1024;
/// In bytes; the API server takes at most 1,024.
const NOTE_LENGTH: usize = 1000;

/// The recorder.
pub struct Recorder {
    client: Client,
    recorded: BTreeMap<Notice, Recorded>,
}

/// An Event that is there.
#[derive(Clone)]
struct Recorded {
    name: String,
    times: i32,
}

impl Recorder {
    /// One that has recorded nothing yet.
    pub fn new(client: Client) -> Self {
        Self { client, recorded: BTreeMap::new() }
    }

    /// Records an Event, or counts it if it is there already.
    pub async fn record(&mut self, notice: Notice) -> Result<(), Error> {
        let events = Api::<Event>::namespaced(self.client.clone(), &notice.id.name.namespace);
        let now = Timestamp::now();
        if let Some(Recorded { name, times }) = self.recorded.get(&notice).cloned() {
            let times = times.saturating_add(1);
            let again = json!({"series": {"count": times, "lastObservedTime": MicroTime(now)}});
            match events.patch(&name, &PatchParams::default(), &Patch::Merge(again)).await {
                Err(Error::Api(status)) if status.code == 404 => {} // the API server forgets them after an hour
                Err(error) => return Err(error),
                Ok(_) => {
                    self.recorded.insert(notice, Recorded { name, times });
                    return Ok(());
                }
            }
        }
        let event = event(&notice, now);
        let name = event.metadata.name.clone().unwrap_or_default();
        events.create(&PostParams::default(), &event).await?;
        if self.recorded.len() >= REMEMBERED {
            self.recorded.clear();
        }
        self.recorded.insert(notice, Recorded { name, times: 1 });
        Ok(())
    }
}

fn event(notice: &Notice, now: Timestamp) -> Event {
    let Notice { id, uid, warning, reason, note } = notice;
    let namespace = Some(id.name.namespace.to_string());
    Event {
        metadata: ObjectMeta {
            name: Some(format!("{}.{:x}", id.name.name, now.as_nanosecond())),
            namespace: namespace.clone(),
            ..ObjectMeta::default()
        },
        type_: Some(if *warning { "Warning" } else { "Normal" }.to_owned()),
        reason: Some(reason.clone()),
        note: Some(note.get(..note.floor_char_boundary(NOTE_LENGTH)).unwrap_or_default().to_owned()),
        action: Some("Reconcile".to_owned()),
        event_time: Some(MicroTime(now)),
        regarding: Some(ObjectReference {
            api_version: Some(format!("{GROUP}/{VERSION}")),
            kind: Some(id.kind.to_string()),
            name: Some(id.name.name.to_string()),
            namespace,
            uid: Some(uid.0.to_string()),
            ..ObjectReference::default()
        }),
        reporting_controller: Some(REPORTER.to_owned()),
        reporting_instance: Some(REPORTER.to_owned()),
        ..Event::default()
    }
}

/// True if no Event is taken since its namespace is being deleted, and what it is about with it.
pub fn is_of_an_end(error: &Error) -> bool {
    let Error::Api(status) = error else { return false };
    let mut causes = status.details.iter().flat_map(|details| &details.causes);
    status.code == 403 && causes.any(|cause| cause.reason == "NamespaceTerminating")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_taken_for_the_end_of_its_namespace_is_told_from_what_is_not_allowed() {
        let refusal = |causes: serde_json::Value| {
            let status = json!({"code": 403, "reason": "Forbidden", "message": "no", "details": {"causes": causes}});
            Error::Api(serde_json::from_value(status).unwrap())
        };
        let ends = json!([{"reason": "NamespaceTerminating", "message": "it is being terminated", "field": "metadata.namespace"}]);
        assert!(is_of_an_end(&refusal(ends)));
        assert!(!is_of_an_end(&refusal(json!([]))));
    }
}
