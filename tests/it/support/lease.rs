//! The operator's Lease: who holds it, and what somebody does who knows that the holder is dead.

use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use vnet_operator::operator::lease::LEASE;
use vnet_operator::operator::settings::NAMESPACE;

use crate::support::cluster::{Cluster, block_on};

impl Cluster {
    fn leases(&self) -> Api<Lease> {
        Api::namespaced(self.client(), NAMESPACE)
    }

    /// The identity of the operator that holds the Lease.
    pub fn lease_holder(&self) -> Option<String> {
        let lease = block_on(self.leases().get_opt(LEASE)).expect("the API server answers")?;
        lease.spec?.holder_identity.filter(|holder| !holder.is_empty())
    }

    /// Releases the Lease of an operator that was killed, and is known to be: the next one need not wait until it expires.
    pub fn release_lease(&self) {
        if self.lease_holder().is_some() {
            let released = Patch::Merge(json!({"spec": {"holderIdentity": ""}}));
            block_on(self.leases().patch(LEASE, &PatchParams::default(), &released)).expect("it can be released");
        }
    }
}
