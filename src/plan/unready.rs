//! Objects that need an action to become Ready. A cluster that has come to rest does nothing more by itself: an object that
//! is accepted and not Ready waits for a user, and its condition says for what.

use super::consequences::Between;
use super::manifests::{Manifest, Manifests};
use super::report::Warning;
use crate::api::status::NamedObject;

/// Where an object says what it waits for.
const CONDITION: &str = "status.conditions[Ready]";

/// A warning for each; of objects that no manifest has, only where that is new.
pub fn warnings(between: &Between<'_>, manifests: &Manifests) -> Vec<Warning> {
    let waits = between.after.server().objects().keys().filter_map(|id| {
        let manifest = manifests.objects.get(id);
        let (reason, message) = between.waits(id).filter(|_| manifest.is_some() || between.waits_now(id))?;
        let (object, path, place) = (NamedObject::written(id), CONDITION.to_owned(), manifest.map(Manifest::place));
        Some(Warning { object, reason, path, message, place })
    });
    waits.collect()
}
