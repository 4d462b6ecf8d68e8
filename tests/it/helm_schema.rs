//! The chart against the schemas of the oldest Kubernetes that is supported: an API server of that version knows every field.
//! What the newest one says of it is in `helm_install`.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::cluster::project;
use crate::support::helm::{documents, id, rendered};

/// The schemas of a Kubernetes version, as its repository has them.
struct Schemas {
    version: String,
    definitions: Value,
}

impl Schemas {
    fn oldest() -> Self {
        let path = std::env::var("VNET_OLDEST_SCHEMA").expect(
            "VNET_OLDEST_SCHEMA is not set: run `make test`, or VNET_OLDEST_SCHEMA=$(tools/binaries oldest-schema)",
        );
        let text = std::fs::read_to_string(path).unwrap();
        let mut all: Value = serde_json::from_str(&text).unwrap();
        let pinned = std::fs::read_to_string(project().join("tools/oldest/go.mod")).unwrap();
        let version = pinned.lines().find_map(|line| line.strip_prefix("require k8s.io/kubernetes v")).unwrap();
        Self { version: version.to_owned(), definitions: all["definitions"].take() }
    }

    /// What is wrong with an object, with the path of each.
    fn faults(&self, object: &Value) -> Vec<String> {
        let api_version = object["apiVersion"].as_str().unwrap_or_default();
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let wanted = json!({"group": group, "version": version, "kind": object["kind"]});
        let is_it = |schema: &&Value| {
            let kinds = schema["x-kubernetes-group-version-kind"].as_array();
            kinds.is_some_and(|kinds| kinds.contains(&wanted))
        };
        let mut faults = Vec::new();
        match self.definitions.as_object().unwrap().values().find(is_it) {
            Some(schema) => self.check(object, schema, "", &mut faults),
            None => faults.push(format!("there is no {} of {api_version}", object["kind"])),
        }
        faults
    }

    fn check(&self, value: &Value, schema: &Value, path: &str, faults: &mut Vec<String>) {
        if let Some(name) = schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/definitions/")) {
            // In YAML an amount may be a number.
            if name.ends_with(".Quantity") && value.is_number() {
                return;
            }
            // Schemas below schemas have no type of their own there.
            let schema = match name.strip_suffix("OrArray").or(name.strip_suffix("OrBool")) {
                Some(single) if value.is_object() => &self.definitions[single],
                _ => &self.definitions[name],
            };
            return self.check(value, schema, path, faults);
        }
        let is_of_the_type = match schema["type"].as_str() {
            None => return,
            Some("string") if schema["format"] == "int-or-string" => value.is_string() || value.is_i64(),
            Some("string") => value.is_string(),
            Some("boolean") => value.is_boolean(),
            Some("integer") => value.is_i64() || value.is_u64(),
            Some("number") => value.is_number(),
            Some("array") => value.is_array(),
            Some("object") => value.is_object(),
            Some(other) => panic!("the type {other} is unknown"),
        };
        if !is_of_the_type {
            return faults.push(format!("{path} is no {}", schema["type"]));
        }
        for (n, item) in value.as_array().into_iter().flatten().enumerate() {
            self.check(item, &schema["items"], &format!("{path}[{n}]"), faults);
        }
        for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if value.get(required).is_none() {
                faults.push(format!("{path}.{required} is missing"));
            }
        }
        for (name, field) in value.as_object().into_iter().flatten() {
            let path = format!("{path}.{name}");
            match (&schema["properties"][name], &schema["additionalProperties"]) {
                (Value::Null, Value::Null) if schema["properties"].is_object() => {
                    faults.push(format!("{path} is unknown"))
                }
                (Value::Null, Value::Null) => {}
                (Value::Null, of_all) => self.check(field, of_all, &path, faults),
                (schema, _) => self.check(field, schema, &path, faults),
            }
        }
    }
}

#[test]
fn the_oldest_supported_version_knows_every_field_of_the_chart() {
    let schemas = Schemas::oldest();
    let oldest = ["--kube-version", schemas.version.as_str()];
    for values in [&[][..], &["--values", "tests/it/chart/all-values.yaml"]] {
        let documents = documents(&rendered(&[&oldest[..], values].concat()));
        assert!(documents.len() > 20);
        for document in documents.iter().filter(|document| {
            !["ServiceMonitor", "PrometheusRule"].contains(&document["kind"].as_str().unwrap_or_default())
        }) {
            assert_eq!(schemas.faults(document), [""; 0], "{}", id(document));
        }
    }
}

#[test]
fn what_the_oldest_supported_version_does_not_know_is_found() {
    let schemas = Schemas::oldest();
    let newest = documents(&rendered(&[]));
    let unknown: Vec<String> = newest.iter().filter(|document| !schemas.faults(document).is_empty()).map(id).collect();
    let policy = ["MutatingAdmissionPolicy/finalizer.vnet.dev", "MutatingAdmissionPolicyBinding/finalizer.vnet.dev"];
    assert_eq!(unknown, policy);
    let of = |id_of: &str| newest.iter().find(|document| id(document) == id_of).unwrap().clone();
    let mut deployment = of("Deployment/vnet-operator");
    deployment["spec"]["template"]["spec"]["containers"][0]["nonsense"] = json!(1);
    deployment["spec"]["replicas"] = json!("1");
    let faults = [".spec.replicas is no \"integer\"", ".spec.template.spec.containers[0].nonsense is unknown"];
    assert_eq!(schemas.faults(&deployment), faults);
    let mut definition = of("CustomResourceDefinition/subnets.vnet.dev");
    definition.pointer_mut("/spec/versions/0/schema/openAPIV3Schema/properties/spec").unwrap()["nonsense"] = json!(1);
    let path = ".spec.versions[0].schema.openAPIV3Schema.properties.spec.nonsense is unknown";
    assert_eq!(schemas.faults(&definition), [path]);
}

#[test]
fn the_chart_says_that_it_needs_the_oldest_supported_version() {
    let chart = std::fs::read_to_string(Path::new(&project()).join("charts/vnet-operator/Chart.yaml")).unwrap();
    let version = Schemas::oldest().version;
    let (minor, _) = version.rsplit_once('.').unwrap();
    assert!(chart.contains(&format!("kubeVersion: \">={minor}.0-0\"")), "{chart}");
}
