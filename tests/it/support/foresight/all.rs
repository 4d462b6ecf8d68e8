//! The comparison of all that there is with what was foreseen, and where in a test it is made.
//!
//! Before a change of which a plan is made what there is has to be listed anyway, so that to compare it costs nothing; it is
//! listed again only where it is not yet as foreseen. A test that has waited for nothing since races on purpose, and is
//! not held up.

use std::collections::BTreeSet;

use kube::core::DynamicObject;
use vnet_operator::api::object::owner;
use vnet_operator::fabric::{Kind, Name, ObjectId};
use vnet_operator::plan::report::{Action, PlannedObject};
use vnet_operator::plan::state::State;

use super::sample::is_in_the_sample;
use super::state::state;
use super::{Asked, CHANGES, Foresight};
use crate::support::cluster::poll;
use crate::support::contract::{Health, kstatus};
use crate::support::space::{Space, yaml};

impl Foresight {
    /// Whether all that is not on its way is as foreseen; otherwise what is not, and how.
    fn is_true_of_all(&self, state: &State) -> Result<(), (ObjectId, String)> {
        let before = self.before.server().objects();
        let moving: BTreeSet<&Name> =
            state.objects.iter().filter(|(_, object)| is_moving(object)).map(|(id, _)| &id.name).collect();
        let is_left_out = |id: &ObjectId, object: Option<&DynamicObject>| {
            let made_for = object.and_then(owner).map(|owner| owner.set);
            let warned = self.plan.warnings.iter().filter(|warning| warning.is_of_the_order());
            let warned = warned.map(|warning| &warning.object);
            let mut warned = warned.filter(|warned| warned.kind == id.kind.as_str());
            warned.any(|warned| *warned.name == *id.name.name) || made_for.is_some_and(|set| moving.contains(&set))
        };
        for (id, object) in
            state.objects.iter().filter(|(id, object)| !is_moving(object) && !is_left_out(id, Some(object)))
        {
            self.is_foreseen(id, object).map_err(|why| (id.clone(), why))?;
        }
        for (id, object) in before.iter().filter(|(id, object)| !is_left_out(id, Some(object))) {
            let said = self.said_of(id.kind.as_str(), object);
            let goes = said.is_some_and(|said| said.action == Action::Delete && said.violations.is_empty());
            if !goes && !state.objects.contains_key(id) {
                return Err((id.clone(), "the plan said nothing of its end, and it is gone".to_owned()));
            }
        }
        for planned in self.plan.objects.iter().filter(|planned| is_made(planned)) {
            let Some(kind) = Kind::named(&planned.object.kind) else { continue };
            let name = |name: &str| Name::new(planned.object.namespace.as_str(), name);
            let id = ObjectId::new(kind, name(&planned.object.name));
            let is_on_its_way = planned.made_for.as_ref().is_some_and(|set| moving.contains(&name(set)));
            if !is_on_its_way && !is_left_out(&id, None) && !state.objects.contains_key(&id) {
                return Err((id, "the plan said that it is made, and it is not there".to_owned()));
            }
        }
        Ok(())
    }

    fn is_foreseen(&self, id: &ObjectId, object: &DynamicObject) -> Result<(), String> {
        let before = self.before.server().objects().get(id);
        let said = self.said_of(id.kind.as_str(), object);
        if before.is_none() && !said.is_some_and(is_made) {
            return Err("the plan said nothing of it, and it is there".to_owned());
        }
        let is_deleted = |object: &DynamicObject| object.metadata.deletion_timestamp.is_some();
        let goes = said.is_some_and(|said| said.action == Action::Delete) || before.is_some_and(is_deleted);
        if is_deleted(object) != goes {
            return Err(format!("the plan said that it {}", if goes { "goes" } else { "stays" }));
        }
        self.is_true_of(id.kind.as_str(), object)
    }

    fn is_the_last_change(&self) -> bool {
        self.change == CHANGES.get()
    }
}

/// True of an object that is stored again.
fn is_made(planned: &PlannedObject) -> bool {
    planned.action == Action::Create && planned.ready.is_some()
}

/// True of an object that is on its way and waits for nothing else.
fn is_moving(object: &DynamicObject) -> bool {
    let status = &object.data["status"];
    let is_seen = status["observedGeneration"].as_i64() == object.metadata.generation;
    !is_seen || (kstatus(object) != Health::Current && status["violations"].is_null())
}

impl Space<'_> {
    /// Makes a change, of which a plan is made if one can be; `said` is what the API server said where it refused. What came
    /// of the change before is compared first.
    pub fn change<T>(
        &self,
        asked: impl FnOnce() -> Option<Asked>,
        make: impl FnOnce() -> T,
        said: impl FnOnce(&T) -> Option<String>,
    ) -> T {
        let foresight = self.plan(asked);
        let done = make();
        match said(&done) {
            Some(said) => foresight.iter().for_each(|foresight| foresight.was_refused(&said)),
            // A test may have loosened what the API server takes.
            None if foresight.as_ref().is_some_and(Foresight::refuses_at_once) && !self.cluster.is_installed() => {
                return done;
            }
            None => foresight.iter().for_each(Foresight::was_taken),
        }
        self.foresee(foresight);
        done
    }

    fn plan(&self, asked: impl FnOnce() -> Option<Asked>) -> Option<Foresight> {
        let is_planned = self.cluster.runs_plainly() && is_in_the_sample(&self.name, CHANGES.get());
        let asked = if is_planned { asked() } else { None };
        let state = self.as_foreseen_so_far(asked.as_ref());
        CHANGES.set(CHANGES.get() + 1);
        Foresight::of(self, asked?, state?)
    }

    /// Waits until all that has come to rest is as `vnet plan` said, if the test has waited for any of it. Returns what there
    /// is, if anybody wants to know.
    pub fn as_foreseen_so_far(&self, asked: Option<&Asked>) -> Option<State> {
        let foresight = self.foresee(None).filter(|foresight| foresight.awaited && foresight.is_the_last_change());
        let foresight = foresight.filter(|_| self.cluster.runs_plainly());
        let specs = asked.map(Asked::specs).unwrap_or_default();
        let Some(foresight) = foresight else { return asked.and_then(|_| state(self, &specs)) };
        let mut last = None;
        let found = poll("all is as planned", || {
            let state = state(self, &specs);
            match state.as_ref().map(|state| foresight.is_true_of_all(state)) {
                None | Some(Ok(())) => Some(state),
                Some(Err((id, why))) => {
                    let shown = state.and_then(|state| state.objects.get(&id).map(yaml));
                    last = Some((id, why, shown));
                    None
                }
            }
        });
        found.unwrap_or_else(|error| {
            let (id, why, shown) = last.expect("something is not as planned");
            panic!("{error}: {id}: {why}\n{}\n{:#?}", shown.unwrap_or_default(), foresight.plan.objects)
        })
    }

    /// Waits until the object is as `vnet plan` said, if it said anything since the last change.
    pub fn as_foreseen(&self, id: &str, object: DynamicObject) -> DynamicObject {
        let Some(mut foresight) = self.foresee(None) else { return object };
        let kind = |object: &DynamicObject| object.types.clone().unwrap_or_default().kind;
        let now = match foresight.is_true_of(&kind(&object), &object) {
            Ok(()) => object,
            // It is on its way, perhaps.
            Err(why) => self
                .wait(id, &format!("as planned: {why}"), |object| foresight.is_true_of(&kind(object), object).is_ok()),
        };
        foresight.is_awaited();
        self.foresee(Some(foresight));
        now
    }
}
