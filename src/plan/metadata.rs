//! What the API server refuses of an object's metadata: what is not of its form, and names, labels, annotations, finalizers
//! and owners that Kubernetes does not allow.

use serde_json::Value;

use super::admission::of_the_server;
use super::merge::{self, LAST_APPLIED};
use super::refusals::{SCHEMA, refusal};
use crate::api::form;
use crate::api::status::ViolationReport;

/// The most characters of a name that has dots, of one that has none, and of a label.
const SUBDOMAIN: usize = 253;
const WORD: usize = 63;
/// The most bytes of all annotations of an object.
const ANNOTATIONS: usize = 256 * 1024;
/// Deleting an object with its dependents cannot go both ways.
const PROPAGATIONS: [&str; 2] = ["orphan", "foregroundDeletion"];
/// What the API server sets, and no user changes.
const FIXED: [&str; 4] = ["deletionGracePeriodSeconds", "deletionTimestamp", "resourceVersion", "uid"];
/// What names an owner.
const OWNER: [&str; 4] = ["apiVersion", "kind", "name", "uid"];

/// Everything that is wrong with the metadata of an object.
pub fn refusals(metadata: &Value) -> Vec<ViolationReport> {
    let mut refusals: Vec<_> = form::check_metadata(metadata).iter().map(of_the_server).collect();
    names(metadata, &mut refusals);
    labels(metadata, &mut refusals);
    annotations(metadata, &mut refusals);
    finalizers(metadata, &mut refusals);
    owners(metadata, &mut refusals);
    refusals
}

/// What client-side apply remembers of a manifest counts for the limit of annotations too.
pub fn memory(asked: &Value, manifest: &Value) -> Option<ViolationReport> {
    let annotations = asked.get("metadata").map(size).unwrap_or_default();
    let size = annotations + LAST_APPLIED.len() + merge::memory(manifest).len();
    (annotations <= ANNOTATIONS && size > ANNOTATIONS).then(|| {
        let message = format!("The annotations have {size} bytes together with {LAST_APPLIED}, in which kubectl repeats the manifest.");
        let remedy = format!("Write less, so that all have at most {ANNOTATIONS} bytes, or apply with --server-side, which repeats nothing.");
        refusal(SCHEMA, "metadata.annotations".to_owned(), message, remedy)
    })
}

/// What a server-side apply does not take.
pub fn managers(manifest: &Value) -> Vec<ViolationReport> {
    let managers = manifest.pointer("/metadata/managedFields").filter(|managers| !managers.is_null());
    let refused = managers.map(|_| {
        let message = "A server-side apply does not take managers of fields.".to_owned();
        let remedy = "Remove the field; the API server sets it.".to_owned();
        refusal(SCHEMA, "metadata.managedFields".to_owned(), message, remedy)
    });
    refused.into_iter().collect()
}

/// The bytes of all annotations but that which kubectl writes itself.
fn size(metadata: &Value) -> usize {
    let annotations = texts(metadata, "annotations").filter(|(key, _)| *key != LAST_APPLIED);
    annotations.map(|(key, value)| key.len() + value.len()).sum()
}

/// What a manifest says of a stored object that only the API server sets, and otherwise: as one does that was taken from
/// another cluster, or from an earlier life or version of the object.
pub fn conflicts(stored: &Value, manifest: &Value) -> Vec<ViolationReport> {
    let value = |of: &Value, field: &str| of.get("metadata").and_then(|metadata| metadata.get(field)).cloned();
    let mut refusals = Vec::new();
    for field in FIXED {
        let Some(wanted) = value(manifest, field).filter(|wanted| !wanted.is_null()) else { continue };
        let stored = value(stored, field).unwrap_or_default();
        if wanted != stored {
            let message = format!("It is {wanted}, and what is stored has {stored}.");
            refuse(&mut refusals, format!("metadata.{field}"), message, "Remove the field; the API server sets it.");
        }
    }
    refusals
}

fn refuse(out: &mut Vec<ViolationReport>, path: impl Into<String>, message: String, remedy: impl Into<String>) {
    out.push(refusal(SCHEMA, path.into(), message, remedy.into()));
}

fn names(metadata: &Value, out: &mut Vec<ViolationReport>) {
    let text = |field: &str| metadata.get(field).and_then(Value::as_str);
    if let Some(name) = text("name").filter(|name| !is_subdomain(name)) {
        let remedy = "Write at most 253 lower-case letters, digits, hyphens and dots, a letter or digit before and after each dot, first and last.";
        refuse(out, "metadata.name", format!("{name:?} is not a valid object name."), remedy);
    }
    out.extend(name_of_a_namespace(metadata, "namespace"));
}

/// The name of a namespace has no dots.
pub fn name_of_a_namespace(metadata: &Value, field: &str) -> Option<ViolationReport> {
    let name = metadata.get(field).and_then(Value::as_str).filter(|name| !is_label_of_a_domain(name))?;
    let remedy = "Write at most 63 lower-case letters, digits and hyphens, a letter or digit first and last.";
    let message = format!("{name:?} is not a valid namespace name.");
    Some(refusal(SCHEMA, format!("metadata.{field}"), message, remedy.to_owned()))
}

fn labels(metadata: &Value, out: &mut Vec<ViolationReport>) {
    for (key, value) in texts(metadata, "labels") {
        key_is_qualified(&format!("metadata.labels{}", form::step(key)), key, key, out);
        if !is_label_value(value) {
            let remedy =
                "Write at most 63 letters, digits, hyphens, underscores and dots, a letter or digit first and last.";
            let path = format!("metadata.labels{}", form::step(key));
            refuse(out, path, format!("{value:?} is not a valid label value."), remedy);
        }
    }
}

fn annotations(metadata: &Value, out: &mut Vec<ViolationReport>) {
    for (key, _) in texts(metadata, "annotations") {
        key_is_qualified(&format!("metadata.annotations{}", form::step(key)), key, &key.to_ascii_lowercase(), out);
    }
    let size = size(metadata);
    if size > ANNOTATIONS {
        let message = format!("The annotations have {size} bytes together.");
        refuse(out, "metadata.annotations", message, format!("Write at most {ANNOTATIONS} bytes."));
    }
}

fn finalizers(metadata: &Value, out: &mut Vec<ViolationReport>) {
    let all: Vec<Option<&str>> = items(metadata, "finalizers").map(Value::as_str).collect();
    for (n, finalizer) in all.iter().enumerate() {
        if let Some(finalizer) = finalizer {
            key_is_qualified(&format!("metadata.finalizers[{n}]"), finalizer, finalizer, out);
        }
    }
    if PROPAGATIONS.iter().all(|one| all.contains(&Some(one))) {
        let message = format!("{} stand both in it.", PROPAGATIONS.join(" and "));
        refuse(out, "metadata.finalizers", message, "Keep one of them.");
    }
}

fn owners(metadata: &Value, out: &mut Vec<ViolationReport>) {
    let mut controllers = 0;
    for (n, owner) in items(metadata, "ownerReferences").enumerate() {
        for field in OWNER.into_iter().filter(|field| owner.get(field).and_then(Value::as_str) == Some("")) {
            let path = format!("metadata.ownerReferences[{n}].{field}");
            refuse(out, path, "The field is required, and empty.".to_owned(), format!("Write the owner's {field}."));
        }
        controllers += usize::from(owner.get("controller") == Some(&Value::Bool(true)));
    }
    if controllers > 1 {
        let message = format!("{controllers} owners are its controller.");
        refuse(out, "metadata.ownerReferences", message, "Let controller be true for one at most.");
    }
}

/// A key of a label or an annotation, or a finalizer: a word, before which a domain and a slash may stand. `key` is judged,
/// and `written` is reported.
fn key_is_qualified(path: &str, written: &str, key: &str, out: &mut Vec<ViolationReport>) {
    if !is_qualified(key) {
        let remedy = "Write at most 63 letters, digits, hyphens, underscores and dots, a letter or digit first and last; a domain in lower case and a slash may stand before.";
        refuse(out, path, format!("{written:?} is not of the form of a qualified name."), remedy);
    }
}

/// The texts of a map; what is no text is reported as of another form.
fn texts<'a>(metadata: &'a Value, field: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let entries = metadata.get(field).and_then(Value::as_object).into_iter().flatten();
    entries.filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
}

fn items<'a>(metadata: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    metadata.get(field).and_then(Value::as_array).into_iter().flatten()
}

/// True of what the key of a label can be.
pub fn is_qualified(key: &str) -> bool {
    let (domain, word) = key.split_once('/').map_or((None, key), |(domain, word)| (Some(domain), word));
    is_word(word) && domain.is_none_or(is_subdomain)
}

/// True of what the value of a label can be.
pub fn is_label_value(text: &str) -> bool {
    text.is_empty() || is_word(text)
}

fn is_word(text: &str) -> bool {
    text.len() <= WORD && is_framed(text) && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

fn is_label_of_a_domain(text: &str) -> bool {
    text.len() <= WORD && is_part_of_a_domain(text)
}

fn is_subdomain(text: &str) -> bool {
    text.len() <= SUBDOMAIN && text.split('.').all(is_part_of_a_domain)
}

fn is_part_of_a_domain(text: &str) -> bool {
    is_framed(text) && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// A letter or digit stands first and last.
fn is_framed(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.ends_with(|c: char| c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(metadata: Value) -> Vec<String> {
        refusals(&metadata).into_iter().map(|refusal| refusal.path).collect()
    }

    /// As [`paths`], of an object that is called a.
    fn paths_with(field: &str, value: Value) -> Vec<String> {
        paths(json!({"name": "a", "namespace": "b", field: value}))
    }

    #[test]
    fn metadata_as_people_write_it_is_let_through() {
        let metadata = json!({
            "name": "a-1.b", "namespace": "a-1", "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": {"app.kubernetes.io/name": "a_B.c", "Tier": "", "a": "b"},
            "annotations": {"Example.com/A": "ü", "a": ""},
            "finalizers": ["example.com/Guard", "orphan", "plain"],
            "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "c", "uid": "u", "controller": true}],
            "managedFields": [{"manager": "m", "operation": "Apply", "fieldsV1": {"f:spec": {"f:tags": {}}}}],
        });
        assert_eq!(paths(metadata), Vec::<String>::new());
    }

    #[test]
    fn what_is_not_of_the_form_of_metadata_is_refused() {
        assert_eq!(paths_with("labels", json!(["x"])), ["metadata.labels"]);
        assert_eq!(paths_with("labels", json!({"a": 1, "b.c/d": {}})), ["metadata.labels.a", "metadata.labels[b.c/d]"]);
        assert_eq!(paths_with("annotations", json!("x")), ["metadata.annotations"]);
        assert_eq!(paths_with("finalizers", json!("x")), ["metadata.finalizers"]);
        assert_eq!(paths_with("generation", json!("7")), ["metadata.generation"]);
        assert_eq!(
            paths_with("ownerReferences", json!([{"kind": 5}]))[..2],
            ["metadata.ownerReferences[0].apiVersion", "metadata.ownerReferences[0].kind",]
        );
    }

    #[test]
    fn a_field_that_metadata_does_not_have_is_refused() {
        let [only] = <[_; 1]>::try_from(refusals(&json!({"name": "a", "label": {}}))).unwrap();
        assert_eq!((only.path.as_str(), only.message.as_str()), ("metadata.label", "There is no such field."));
        assert!(only.remedy.contains("labels"), "{}", only.remedy);
        let owner = json!({"apiVersion": "v1", "kind": "X", "name": "x", "uid": "u", "foo": 1});
        assert_eq!(paths_with("ownerReferences", json!([owner])), ["metadata.ownerReferences[0].foo"]);
    }

    #[test]
    fn a_name_that_no_object_can_have_is_refused() {
        for name in ["A", "a_b", "a..b", "-a", "a.", "a.-b", "ü", ""] {
            assert_eq!(paths(json!({"name": name})), ["metadata.name"], "{name:?}");
        }
        assert_eq!(paths(json!({"name": "n".repeat(254)})), ["metadata.name"]);
        assert_eq!(paths(json!({"namespace": "a.b"})), ["metadata.namespace"]);
    }

    #[test]
    fn labels_that_kubernetes_does_not_allow_are_refused() {
        let long = "a".repeat(64);
        for key in ["a b", "x/y/z", "", "/a", "a/", "A.b/c", "-a", long.as_str()] {
            let refused = refusals(&json!({"labels": {key: "v"}}));
            assert_eq!(refused.len(), 1, "{key:?}: {refused:?}");
        }
        assert_eq!(paths(json!({"labels": {"a.b/c": "x y"}})), ["metadata.labels[a.b/c]"]);
        assert_eq!(paths(json!({"labels": {"a": long}})), ["metadata.labels.a"]);
    }

    #[test]
    fn annotations_that_kubernetes_does_not_allow_are_refused() {
        assert_eq!(paths(json!({"annotations": {"A B": "x", "A/b": "x"}})), ["metadata.annotations.A B"]);
        let (fits, large) = ("x".repeat(ANNOTATIONS - 1), "x".repeat(ANNOTATIONS));
        assert_eq!(paths(json!({"annotations": {"a": fits}})), Vec::<String>::new());
        assert_eq!(paths(json!({"annotations": {"a": large}})), ["metadata.annotations"]);
    }

    #[test]
    fn finalizers_that_kubernetes_does_not_allow_are_refused() {
        let refused = paths(json!({"finalizers": ["a b/c", "ok", "x/y/z", "A/b", "vnet.dev/"]}));
        assert_eq!(refused, [0, 2, 3, 4].map(|n| format!("metadata.finalizers[{n}]")));
        assert_eq!(paths(json!({"finalizers": ["orphan", "foregroundDeletion"]})), ["metadata.finalizers"]);
    }

    #[test]
    fn owners_that_are_not_named_or_rule_together_are_refused() {
        let owner = json!({"apiVersion": "v1", "kind": "X", "name": "x", "uid": "", "controller": true});
        assert_eq!(paths(json!({"ownerReferences": [owner]})), ["metadata.ownerReferences[0].uid"]);
        let owner = |uid: &str| json!({"apiVersion": "v1", "kind": "X", "name": "x", "uid": uid, "controller": true});
        assert_eq!(paths(json!({"ownerReferences": [owner("1"), owner("2")]})), ["metadata.ownerReferences"]);
    }
}
