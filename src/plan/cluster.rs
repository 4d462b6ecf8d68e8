//! A cluster in memory: the operator's own core on an API server in memory. It is edited like a real one, and then left
//! alone until nothing changes any more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::server::Server;
use super::server_side;
use super::state::State;
use crate::api::children::{self, read_revision};
use crate::api::object::Recall;
use crate::fabric::{Engine, Kind, ObjectId, Settings, Violation};
use crate::operator::{Core, Input, Namespace, Source, What, Write};

/// The writes per object after which a plan counts as endless; none needs a tenth of it.
const WRITES_PER_OBJECT: usize = 1000;

/// The objects of the plan never come to rest.
#[derive(Debug, thiserror::Error)]
#[error("the plan does not come to rest after {writes} writes; this is a defect of vnet: the last write was of {last}")]
pub struct Restless {
    writes: usize,
    last: ObjectId,
}

/// A cluster with the operator in it.
#[derive(Clone, Debug)]
pub struct Cluster {
    server: Server,
    core: Core,
    now: Timestamp,
    started: BTreeSet<ObjectId>,
}

impl Cluster {
    /// A cluster in this state, in which an operator starts; what was on its way is done.
    ///
    /// # Errors
    /// [`Restless`], if the state does not come to rest.
    pub fn start(
        settings: Settings,
        state: State,
        namespaces: &BTreeMap<Arc<str>, Namespace>,
        now: Timestamp,
    ) -> Result<Self, Restless> {
        let mut core = Core::new(settings);
        let mut server = Server::new(state);
        core.feed(Input::ListStarted(Source::Namespaces));
        for (name, namespace) in namespaces {
            core.feed(Input::Namespace(name.clone(), namespace.clone()));
        }
        core.feed(Input::ListDone(Source::Namespaces));
        for kind in Kind::ALL {
            core.feed(Input::ListStarted(Source::Objects(*kind)));
            for id in server.objects().keys().filter(|id| id.kind == *kind) {
                server.shown(id, Recall::Record).into_iter().for_each(|shown| core.feed(shown));
            }
            core.feed(Input::ListDone(Source::Objects(*kind)));
        }
        core.feed(Input::ListStarted(Source::Revisions));
        server.revisions().filter_map(read_revision).for_each(|revision| core.feed(Input::Revision(revision)));
        core.feed(Input::ListDone(Source::Revisions));
        core.settle(now);
        let untold = server.objects().iter().filter(|(_, object)| !server_side::is_managed(object));
        let applied =
            untold.filter_map(|(id, object)| Some((id.clone(), children::last_applied(core.engine(), id, object)?)));
        for (id, manifest) in applied.collect::<Vec<_>>() {
            server.was_applied(&id, &manifest);
        }
        let mut cluster = Self { server, core, now, started: BTreeSet::new() };
        cluster.come_to_rest()?;
        Ok(cluster)
    }

    /// What the API server stores.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// What the cluster holds, for another plan.
    #[cfg(test)]
    pub fn into_state(self) -> State {
        self.server.into_state()
    }

    /// What the fabric carries.
    pub fn engine(&self) -> &Engine {
        self.core.engine()
    }

    /// What an object of the fabric breaks, with all that could cure it.
    pub fn violations(&self, id: &ObjectId) -> &[Violation] {
        self.core.violations(id)
    }

    /// The virtual machines, and instances, that have begun to start since the last call.
    pub fn take_started(&mut self) -> BTreeSet<ObjectId> {
        std::mem::take(&mut self.started)
    }

    /// Gives a Namespace other labels.
    pub fn label(&mut self, name: Arc<str>, namespace: Namespace) {
        self.core.feed(Input::Namespace(name, namespace));
    }

    /// Lets users do something, at once; the operator sees it in the order given.
    pub fn edit(&mut self, edits: impl FnOnce(&mut Server, Timestamp) -> Vec<Input>) {
        for seen in edits(&mut self.server, self.now) {
            self.core.feed(seen);
        }
    }

    /// Goes on until nothing is left to do, not even at a later time.
    ///
    /// # Errors
    /// [`Restless`], if that time never comes.
    pub fn come_to_rest(&mut self) -> Result<(), Restless> {
        let mut writes = 0;
        loop {
            self.core.settle(self.now);
            let all: Vec<Write> = std::iter::from_fn(|| self.core.next_write(self.now, self.now)).collect();
            if let Some(last) = all.last() {
                writes += all.len();
                if writes / WRITES_PER_OBJECT > self.server.objects().len() {
                    return Err(Restless { writes, last: last.id.clone() });
                }
            } else if let Some(due) = self.core.next_deadline() {
                self.now = self.now.max(due);
            } else {
                return Ok(());
            }
            for write in all {
                self.notice_start(&write);
                for told in self.server.carry_out(write, self.now) {
                    self.core.feed(told);
                }
            }
            let _ = self.core.take_notices();
        }
    }

    fn notice_start(&mut self, write: &Write) {
        if let What::Status(status) = &write.what
            && status.get("powerState").and_then(Value::as_str) == Some("Starting")
        {
            self.started.insert(write.id.clone());
        }
    }
}
