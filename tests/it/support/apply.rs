//! `kubectl apply` of what is not there yet, sent as kubectl sends it: to start kubectl costs as much CPU as everything else
//! that one object causes.

use axum::http::Request;
use kube::Resource;
use serde_json::{Value, json};
use vnet_operator::api::object::api_resource;
use vnet_operator::fabric::Kind;

use crate::support::cluster::block_on;
use crate::support::space::Space;

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

impl Space<'_> {
    /// Creates every object of a manifest, in order. False if kubectl has to apply it: because something is there already,
    /// is refused, or is not of our API. What was created until then is unchanged for kubectl.
    pub fn creates(&self, manifest: &str) -> bool {
        let Ok(documents) = serde_saphyr::from_multiple::<Value>(manifest) else { return false };
        let documents = documents.into_iter().filter(|document| !document.is_null());
        let requests: Option<Vec<_>> = documents.map(|document| self.creation(document)).collect();
        let Some(requests) = requests.filter(|requests| !requests.is_empty()) else { return false };
        requests.into_iter().all(|request| block_on(self.cluster.client().request_text(request)).is_ok())
    }

    /// The request with which kubectl creates an object.
    fn creation(&self, mut object: Value) -> Option<Request<Vec<u8>>> {
        let kind = Kind::named(object["kind"].as_str()?).filter(|_| object["apiVersion"] == "vnet.dev/v1alpha1")?;
        let metadata = object["metadata"].as_object_mut()?;
        let namespace = metadata.entry("namespace").or_insert_with(|| json!(self.name));
        if *namespace != self.name.as_str() {
            return None;
        }
        metadata.entry("annotations").or_insert_with(|| json!({})).as_object()?;
        let applied = format!("{object}\n");
        object["metadata"]["annotations"][LAST_APPLIED] = json!(applied);
        let path = kube::core::DynamicObject::url_path(&api_resource(kind), Some(&self.name));
        let request = Request::post(format!("{path}?fieldManager=kubectl-client-side-apply&fieldValidation=Strict"));
        request.header("content-type", "application/json").body(object.to_string().into_bytes()).ok()
    }
}
