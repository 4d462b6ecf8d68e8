//! Requests for the Lease, and what the API server answers.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Client, Error};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::LEASE;
use crate::operator::failures::in_words;
use crate::operator::leader::{Answer, Claim, Record, Timing};

/// The Lease of one namespace.
pub struct Requests {
    leases: Api<Lease>,
    namespace: String,
    time_limit: Duration,
}

/// Whether a write begins to hold the Lease.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tenure {
    /// It shows another acquireTime.
    Begins,
    /// It does not.
    GoesOn,
}

enum Failure {
    /// What the API server says.
    Status(u16, String),
    /// It was not reached, or did not answer.
    Other(String),
}

impl Requests {
    /// By this client.
    pub fn new(client: Client, namespace: String, timing: Timing) -> Self {
        let time_limit = Duration::try_from(timing.request_timeout()).unwrap_or_default();
        Self { leases: Api::namespaced(client, &namespace), namespace, time_limit }
    }

    /// Reads the Lease.
    ///
    /// # Errors
    /// Why it is not known, in words.
    pub async fn read(&self) -> Result<Answer, String> {
        let answer = self.in_time(self.leases.get_opt(LEASE)).await;
        answer.map(|lease| lease.map_or(Answer::Absent, |lease| shows(&lease))).map_err(|why| self.in_words(why))
    }

    /// Writes the Lease, if it has the version that the claim is over. What others have added to it stays.
    ///
    /// # Errors
    /// Why it may not be written, in words.
    pub async fn write(&self, claim: &Claim, tenure: Tenure) -> Result<Answer, String> {
        let answer = match &claim.over {
            None => self.in_time(self.leases.create(&PostParams::default(), &created(claim))).await,
            Some(version) => {
                let patch = Patch::Merge(changed(claim, version, tenure));
                self.in_time(self.leases.patch(LEASE, &PatchParams::default(), &patch)).await
            }
        };
        match answer {
            Ok(lease) => Ok(shows(&lease)),
            Err(Failure::Status(409, _)) => Ok(Answer::Conflict),
            // Of a creation, it is the namespace that is not there.
            Err(Failure::Status(404, _)) if claim.over.is_some() => Ok(Answer::Absent),
            Err(failure) => Err(self.in_words(failure)),
        }
    }

    async fn in_time<T>(&self, request: impl Future<Output = Result<T, Error>>) -> Result<T, Failure> {
        match timeout(self.time_limit, request).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(Error::Api(status))) => Err(Failure::Status(status.code, status.message.clone())),
            Ok(Err(error)) => Err(Failure::Other(in_words(&error))),
            Err(_) => Err(Failure::Other(format!("no answer within {:?}", self.time_limit))),
        }
    }

    /// With what to do about it, if anything is.
    fn in_words(&self, failure: Failure) -> String {
        let namespace = &self.namespace;
        match failure {
            Failure::Status(404, why) => {
                format!("{why}. `kubectl create namespace {namespace}` makes the operator's namespace")
            }
            Failure::Status(403, why) => format!(
                "{why}. `kubectl auth can-i patch leases.coordination.k8s.io -n {namespace}` shows whether the operator may, as \
                 the account that it runs as; charts/vnet-operator/README.md has all rights that it needs"
            ),
            Failure::Status(_, why) | Failure::Other(why) => why,
        }
    }
}

/// The times are for people.
fn created(claim: &Claim) -> Lease {
    let now = MicroTime(Timestamp::now());
    let spec = LeaseSpec {
        holder_identity: claim.holder.clone(),
        lease_duration_seconds: Some(claim.seconds),
        lease_transitions: Some(claim.transitions),
        acquire_time: Some(now.clone()),
        renew_time: Some(now),
        ..LeaseSpec::default()
    };
    let metadata = ObjectMeta { name: Some(LEASE.to_owned()), ..ObjectMeta::default() };
    Lease { metadata, spec: Some(spec) }
}

fn changed(claim: &Claim, version: &str, tenure: Tenure) -> Value {
    let Claim { holder, seconds, transitions, .. } = claim;
    let now = json!(MicroTime(Timestamp::now()));
    let mut spec = json!({
        "holderIdentity": holder.as_deref().unwrap_or_default(), "leaseDurationSeconds": seconds,
        "leaseTransitions": transitions, "renewTime": now,
    });
    if let (Tenure::Begins, Some(fields)) = (tenure, spec.as_object_mut()) {
        fields.insert("acquireTime".to_owned(), now);
    }
    json!({"metadata": {"resourceVersion": version}, "spec": spec})
}

fn shows(lease: &Lease) -> Answer {
    let spec = lease.spec.clone().unwrap_or_default();
    Answer::Shows(Record {
        holder: spec.holder_identity.filter(|holder| !holder.is_empty()),
        seconds: spec.lease_duration_seconds,
        transitions: spec.lease_transitions.unwrap_or_default(),
        version: lease.metadata.resource_version.clone().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(holder: Option<&str>) -> Claim {
        Claim { holder: holder.map(str::to_owned), seconds: 15, transitions: 2, over: Some("7".to_owned()) }
    }

    #[test]
    fn a_write_carries_the_version_that_it_is_over_and_the_time_of_acquisition_only_when_it_acquires() {
        let acquired = changed(&claim(Some("a")), "7", Tenure::Begins);
        assert_eq!(
            (&acquired["metadata"]["resourceVersion"], &acquired["spec"]["holderIdentity"]),
            (&json!("7"), &json!("a"))
        );
        assert!(acquired["spec"]["acquireTime"].is_string());
        assert_eq!(changed(&claim(Some("a")), "7", Tenure::GoesOn)["spec"].get("acquireTime"), None);
    }

    #[test]
    fn an_empty_holder_is_none() {
        let released = changed(&claim(None), "7", Tenure::GoesOn);
        assert_eq!(released["spec"]["holderIdentity"], "");
        let lease: Lease = serde_json::from_value(released).unwrap();
        let record = Record { holder: None, seconds: Some(15), transitions: 2, version: "7".to_owned() };
        assert_eq!(shows(&lease), Answer::Shows(record));
    }
}
