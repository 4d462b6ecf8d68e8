//! An object that was Ready before something went wrong beside it, and must not feel it.

use std::cell::Cell;

use kube::core::DynamicObject;

use crate::support::manifests::nic;
use crate::support::space::{Space, address, yaml};

/// A NIC with an address.
pub struct Canary<'a> {
    space: &'a Space<'a>,
    before: DynamicObject,
    followers: Cell<usize>,
}

impl<'a> Canary<'a> {
    /// One in the subnet `web` of a space.
    pub fn of(space: &'a Space<'a>) -> Self {
        space.apply(&nic("canary", "web"));
        Self { space, before: space.ready("nic/canary"), followers: Cell::new(0) }
    }

    /// It stands as it stood, untouched; the operator serves and has not panicked; and another NIC becomes Ready.
    pub fn is_unharmed(&self) {
        let now = self.space.get("nic/canary");
        assert_eq!(now.data, self.before.data, "\n{}", yaml(&now));
        assert_eq!(address(&now), address(&self.before));
        self.followers.set(self.followers.get() + 1);
        let follower = format!("follower-{}", self.followers.get());
        self.space.apply(&nic(&follower, "web"));
        self.space.ready(&format!("nic/{follower}"));
        for path in ["/healthz", "/readyz"] {
            let answer = self.space.cluster.health(path).unwrap_or_default();
            assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        }
        let log = self.space.cluster.log();
        let panic = log.lines().find(|line| line.contains("panicked at"));
        assert_eq!(panic, None, "{}", self.space.cluster.log_path().display());
    }
}
