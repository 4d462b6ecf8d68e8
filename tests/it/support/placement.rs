//! Where an object is, as its status shows it.

use kube::core::DynamicObject;
use serde_json::Value;

use crate::support::contract::condition;
use crate::support::space::{Space, at, id};

/// The location and the subscription of an object.
pub fn placement(object: &DynamicObject) -> (&str, &str) {
    let text = |field| at(object, field).as_str().unwrap_or_default();
    (text("/location"), text("/resourceId").split('/').nth(2).unwrap_or_default())
}

/// The condition that says that the labels of the namespace are others than the object was created with.
pub fn advice(object: &DynamicObject) -> Option<&Value> {
    condition(&object.data["status"], "NamespaceLabelsDiffer")
}

/// No object has moved since; `told` says of which kinds the changed label of the namespace is reported.
pub fn nothing_moves(space: &Space<'_>, before: &[DynamicObject], told: impl Fn(&str) -> bool) {
    for before in before {
        let kind = before.types.as_ref().map_or("", |types| &types.kind);
        let id = id(before);
        let after = space.wait(&id, "told, or left alone", |object| advice(object).is_some() == told(kind));
        let held = |object: &DynamicObject| {
            let mut status = object.data["status"].clone();
            // What else takes addresses there may do so meanwhile.
            for field in ["conditions", "capacity"] {
                status[field].take();
            }
            status
        };
        assert_eq!(held(&after), held(before), "{id}");
        space.ready(&id);
    }
}
