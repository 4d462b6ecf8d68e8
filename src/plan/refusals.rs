//! What the API server refuses for another reason than the form of an object, reported as a violation: a namespace that is not there, a
//! field of another manager, an answer in its own words. What it refuses for its form is in [`admission`](super::admission).

use kube::core::Status;

use super::server_side::Conflict;
use crate::api::status::ViolationReport;

/// The reason that the API server itself gives.
pub const CODE: &str = "Invalid";
/// Stands for the id of a rule where a schema refuses.
pub const SCHEMA: &str = "schema";
/// Stands for the id of a rule where a field is another manager's.
pub const MANAGERS: &str = "managedFields";
/// Stands for the id of a rule where the API server itself, a policy or a webhook of the cluster refuses.
pub const ADMISSION: &str = "admission";

/// The API server stores nothing in a namespace that there is not.
pub fn no_namespace(namespace: &str) -> ViolationReport {
    refusal(
        SCHEMA,
        "metadata.namespace".to_owned(),
        format!("There is no Namespace {namespace}."),
        format!("Add a manifest of Namespace {namespace}, create it before, or correct the name."),
    )
}

/// The API server stores nothing new in a namespace that is being deleted.
pub fn terminating(namespace: &str) -> ViolationReport {
    refusal(
        SCHEMA,
        "metadata.namespace".to_owned(),
        format!("Namespace {namespace} is being deleted: nothing new is stored in it."),
        "Wait until it has gone and create it again, or choose another namespace.".to_owned(),
    )
}

/// A field that another manager has (see [`server_side`](super::server_side)).
pub fn conflict(Conflict { path, message }: Conflict) -> ViolationReport {
    let remedy = "Leave the field out, write the value that it has, or apply with --force-conflicts to take it over.";
    let refusal = refusal(MANAGERS, path, format!("The apply fails: {message}."), remedy.to_owned());
    ViolationReport { code: "FieldManagerConflict".to_owned(), ..refusal }
}

/// Why the API server itself does not take an object, in its own words.
pub fn answered(status: &Status) -> Vec<ViolationReport> {
    let remedy = "Write what the API server and the policies of the cluster take.".to_owned();
    let of = |field: &str, message: &str| match field.trim_start_matches('.') {
        path if status.code == 409 && !path.is_empty() => {
            conflict(Conflict { path: path.to_owned(), message: format!("{message}: {field}") })
        }
        path => {
            let path = if path.is_empty() { "spec" } else { path };
            let refusal = refusal(ADMISSION, path.to_owned(), format!("{message}."), remedy.clone());
            ViolationReport { code: status.reason.clone(), ..refusal }
        }
    };
    let causes = status.details.iter().flat_map(|details| &details.causes).filter(|cause| !cause.field.is_empty());
    let told: Vec<_> = causes.map(|cause| of(&cause.field, &cause.message)).collect();
    if told.is_empty() { vec![of("", &status.message)] } else { told }
}

/// A refusal that only an edit helps.
pub fn refusal(rule: &str, path: String, message: String, remedy: String) -> ViolationReport {
    let (rule, code, retry) = (rule.to_owned(), CODE.to_owned(), "OnEdit".to_owned());
    ViolationReport { rule, code, path, message, remedy, blocked_by: Vec::new(), blocked_by_count: None, retry }
}
