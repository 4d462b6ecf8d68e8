//! What an error of the API server means for the write that it answers. Not here: what the operator does about it.

use kube::core::Status;

use super::core::Outcome;
use crate::api::GROUP;
use crate::fabric::ObjectId;

/// At most so many bytes of an error are shown.
const WORDS: usize = 1000;

/// The outcome of a write of `id` that the API server answered with an error. Not every 409 is a conflict on the object: that
/// of a ResourceQuota has the same reason, and no event follows on it.
pub fn outcome(status: &Status, id: &ObjectId) -> Outcome {
    let details = status.details.as_ref();
    let is_of_the_object = details.is_some_and(|details| details.group == GROUP && details.name == *id.name.name);
    let mut causes = details.iter().flat_map(|details| &details.causes);
    match status.reason.as_str() {
        "AlreadyExists" => Outcome::NameTaken,
        "Conflict" if causes.any(|cause| cause.reason == "FieldManagerConflict") => Outcome::TakenOver,
        "Conflict" if is_of_the_object => Outcome::Conflict,
        "NotFound" if is_of_the_object => Outcome::Gone,
        _ => Outcome::Refused(words(status)),
    }
}

fn words(status: &Status) -> String {
    match status.message.as_str() {
        "" => format!("{} {}", status.code, status.reason),
        // The API server does not name the right.
        message if message.contains("cannot set blockOwnerDeletion") => {
            let right =
                format!("cannot update resource \"virtualmachinescalesets/finalizers\" in API group \"{GROUP}\"");
            format!("{message}: the operator {right}")
        }
        message => message.get(..message.floor_char_boundary(WORDS)).unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::fabric::{Kind, Name};

    fn answered(status: Value) -> Outcome {
        let nic = ObjectId::new(Kind::NetworkInterface, Name::new("shop", "api-0-nic"));
        outcome(&serde_json::from_value(status).unwrap(), &nic)
    }

    fn conflict(details: &Value) -> Value {
        json!({"code": 409, "reason": "Conflict", "message": "Operation cannot be fulfilled", "details": details})
    }

    #[test]
    fn a_conflict_on_the_object_is_told_from_one_on_a_resource_quota() {
        for kind in ["networkinterfaces", "NetworkInterface"] {
            let own = json!({"name": "api-0-nic", "group": "vnet.dev", "kind": kind});
            assert_eq!(answered(conflict(&own)), Outcome::Conflict);
        }
        let refused = Outcome::Refused("Operation cannot be fulfilled".to_owned());
        for other in [
            json!({"name": "objects", "kind": "resourcequotas"}),
            json!({"name": "api-0-nic", "kind": "resourcequotas"}),
            json!({"name": "other", "group": "vnet.dev", "kind": "networkinterfaces"}),
            json!(null),
        ] {
            assert_eq!(answered(conflict(&other)), refused, "{other}");
        }
    }

    #[test]
    fn only_what_already_exists_has_its_name_taken() {
        let details = json!({"name": "api-0-nic", "group": "vnet.dev", "kind": "networkinterfaces"});
        let exists = json!({"code": 409, "reason": "AlreadyExists", "message": "already exists", "details": details});
        assert_eq!(answered(exists), Outcome::NameTaken);
    }

    #[test]
    fn a_conflict_of_field_managers_names_no_object() {
        let cause = json!({"reason": "FieldManagerConflict", "message": "conflict with \"me\"", "field": ".spec.a"});
        assert_eq!(answered(conflict(&json!({"causes": [cause]}))), Outcome::TakenOver);
    }

    #[test]
    fn a_404_of_another_object_does_not_mean_that_this_one_is_gone() {
        let not_found =
            |details: Value| json!({"code": 404, "reason": "NotFound", "message": "no", "details": details});
        let own = json!({"name": "api-0-nic", "group": "vnet.dev", "kind": "networkinterfaces"});
        assert_eq!(answered(not_found(own)), Outcome::Gone);
        let namespace = json!({"name": "shop", "kind": "namespaces"});
        assert_eq!(answered(not_found(namespace)), Outcome::Refused("no".to_owned()));
    }

    #[test]
    fn a_right_that_the_api_server_does_not_name_is_named() {
        let told = "is forbidden: cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: , <nil>";
        let Outcome::Refused(told) = answered(json!({"code": 403, "reason": "Forbidden", "message": told})) else {
            panic!("it is refused")
        };
        assert!(
            told.ends_with("cannot update resource \"virtualmachinescalesets/finalizers\" in API group \"vnet.dev\"")
        );
    }

    #[test]
    fn what_etcd_does_not_take_is_refused_in_its_words() {
        let too_large = json!({"code": 500, "message": "etcdserver: request is too large"});
        assert_eq!(answered(too_large), Outcome::Refused("etcdserver: request is too large".to_owned()));
        assert_eq!(answered(json!({"code": 503, "reason": "Gone"})), Outcome::Refused("503 Gone".to_owned()));
    }
}
