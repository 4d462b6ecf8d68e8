//! What tests leave behind, deleted: what a server lists, an operator holds and `vnet plan` compares stays small.

use std::time::{Duration, Instant};

use futures::future::join_all;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{DeleteParams, ListParams};
use kube::core::DynamicObject;
use kube::{Api, ResourceExt};
use vnet_operator::api::object::api_resource;
use vnet_operator::fabric::Kind;
use vnet_operator::operator::settings::NAMESPACE as OPERATORS_NAMESPACE;

use crate::support::cluster::{Cluster, block_on};

/// How long a test waits until what others left is gone. What cannot go, because a test that failed has left it so, is passed
/// over.
const PATIENCE: Duration = Duration::from_secs(20);

/// Whether a namespace is neither the server's nor the operator's own.
pub fn is_of_a_test(namespace: &str) -> bool {
    !["default", OPERATORS_NAMESPACE].contains(&namespace) && !namespace.starts_with("kube-")
}

impl Cluster {
    /// Begins to delete a namespace, with all that is in it.
    pub fn abandon(&self, namespace: &str) {
        let namespaces = Api::<Namespace>::all(self.client());
        block_on(namespaces.delete(namespace, &DeleteParams::default())).ok();
    }

    /// Deletes what is in the namespaces of all tests, waits until no object is left, and begins to delete the namespaces.
    pub fn clear(&self) {
        let namespaces = Api::<Namespace>::all(self.client());
        let all = block_on(namespaces.list(&ListParams::default())).expect("Namespaces can be listed");
        let names: Vec<String> = all.iter().map(ResourceExt::name_any).filter(|name| is_of_a_test(name)).collect();
        let deletions = names.iter().flat_map(|name| Kind::ALL.iter().map(move |kind| (name, *kind)));
        let deletions = deletions.map(|(name, kind)| async move {
            let objects = Api::<DynamicObject>::namespaced_with(self.client(), name, &api_resource(kind));
            objects.delete_collection(&DeleteParams::default(), &ListParams::default()).await
        });
        for deleted in block_on(join_all(deletions)) {
            deleted.expect("objects can be deleted");
        }
        let begin = Instant::now();
        while self.holds_anything() && begin.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(20));
        }
        // Now, for the namespace controller comes back to one that is not empty only seconds later.
        names.iter().for_each(|name| self.abandon(name));
    }

    fn holds_anything(&self) -> bool {
        let one = ListParams::default().limit(1);
        let count = |kind: &Kind| {
            let objects = Api::<DynamicObject>::all_with(self.client(), &api_resource(*kind));
            block_on(objects.list(&one)).map_or(1, |list| list.items.len())
        };
        Kind::ALL.iter().any(|kind| count(kind) > 0)
    }
}
