//! The ways by which people and programs send an object to the API server.

use axum::http::Request;
use kube::Resource;
use kube::core::DynamicObject;
use serde_json::{Value, json};
use vnet_operator::api::object::api_resource;
use vnet_operator::fabric::Kind;

use crate::support::cluster::{Told, block_on};
use crate::support::foresight::Asked;
use crate::support::space::Space;

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// `kubectl apply`
    Apply,
    /// `kubectl apply --validate=false`
    ApplyUnvalidated,
    /// `kubectl apply --server-side`
    ServerSideApply,
    /// `kubectl replace`
    Replace,
    /// `kubectl patch --type=merge`, which is what `kubectl edit` sends.
    MergePatch,
    /// `kubectl patch --type=json`
    JsonPatch,
    /// POST, without kubectl.
    Post,
    /// PUT, without kubectl.
    Put,
}

impl Door {
    /// All of them.
    pub const ALL: [Door; 8] = [
        Door::Apply,
        Door::ApplyUnvalidated,
        Door::ServerSideApply,
        Door::Replace,
        Door::MergePatch,
        Door::JsonPatch,
        Door::Post,
        Door::Put,
    ];

    /// Whether it changes an object that is there.
    pub fn edits(self) -> bool {
        match self {
            Door::Replace | Door::MergePatch | Door::JsonPatch | Door::Put => true,
            Door::Apply | Door::ApplyUnvalidated | Door::ServerSideApply | Door::Post => false,
        }
    }

    /// Sends an object with this spec, whole: one that is there has it afterwards and nothing besides. Returns what is
    /// said if it is refused. Who was faster with another edit does not count.
    pub fn send(self, space: &Space<'_>, kind: Kind, name: &str, spec: &Value) -> Result<(), String> {
        loop {
            match self.send_once(space, kind, name, spec) {
                Err(said) if said.contains("the object has been modified") => {}
                answer => return answer,
            }
        }
    }

    fn send_once(self, space: &Space<'_>, kind: Kind, name: &str, spec: &Value) -> Result<(), String> {
        let mut object =
            json!({"apiVersion": "vnet.dev/v1alpha1", "kind": kind.as_str(), "metadata": {"name": name}, "spec": spec});
        let id = format!("{kind}/{name}");
        let patch = |how: &str, change: &Value| {
            said(space.kubectl(&["patch", &id, how, "--patch-file=/dev/stdin"], &change.to_string()))
        };
        match self {
            Door::Apply => said(space.kubectl(&["apply", "-f", "-"], &object.to_string())),
            Door::ApplyUnvalidated => {
                said(space.kubectl(&["apply", "--validate=false", "-f", "-"], &object.to_string()))
            }
            Door::ServerSideApply => said(space.kubectl(&["apply", "--server-side", "-f", "-"], &object.to_string())),
            Door::Replace => said(space.kubectl(&["replace", "-f", "-"], &object.to_string())),
            Door::MergePatch => patch("--type=merge", &merge(&space.get(&id), spec)),
            Door::JsonPatch => patch("--type=json", &json!([{"op": "replace", "path": "/spec", "value": spec}])),
            Door::Post => post(space, kind, "Warn", object.to_string().into_bytes()),
            Door::Put => {
                object["metadata"]["resourceVersion"] = json!(space.get(&id).metadata.resource_version);
                put(space, kind, name, &object)
            }
        }
    }
}

/// Sends a body as it is. `Strict` has fields that are unknown or stand twice refused, `Ignore` has them dropped.
pub fn post(space: &Space<'_>, kind: Kind, validation: &str, body: Vec<u8>) -> Result<(), String> {
    let request = Request::post(format!("{}?fieldValidation={validation}", url(space, kind)));
    let request = request.header("content-type", "application/json").body(body.clone()).expect("it is a request");
    answer(space, || Asked::created(space, &body), request)
}

/// Replaces an object by one that names the version it was made from.
pub fn put(space: &Space<'_>, kind: Kind, name: &str, object: &Value) -> Result<(), String> {
    let request = Request::put(format!("{}/{name}", url(space, kind)));
    let body = object.to_string().into_bytes();
    let asked = || Some(Asked::Stored(vec![object.clone()]));
    answer(space, asked, request.header("content-type", "application/json").body(body).expect("it is a request"))
}

fn url(space: &Space<'_>, kind: Kind) -> String {
    DynamicObject::url_path(&api_resource(kind), Some(&space.name))
}

fn answer(space: &Space<'_>, asked: impl FnOnce() -> Option<Asked>, request: Request<Vec<u8>>) -> Result<(), String> {
    let send = || match block_on(space.cluster.client().request_text(request)) {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) => Err(status.message.clone()),
        Err(error) => panic!("the API server did not answer: {error}"),
    };
    space.change(asked, send, |answer| answer.clone().err())
}

fn said(told: Told) -> Result<(), String> {
    if told.ok { Ok(()) } else { Err(told.err) }
}

/// What turns the spec that is there into another: a field that is left out is null.
fn merge(there: &DynamicObject, spec: &Value) -> Value {
    let mut change = spec.clone();
    if let Value::Object(fields) = &mut change {
        for field in there.data["spec"].as_object().into_iter().flat_map(|fields| fields.keys()) {
            fields.entry(field.clone()).or_insert(Value::Null);
        }
    }
    json!({"spec": change})
}
