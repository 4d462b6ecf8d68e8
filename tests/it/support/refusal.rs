//! What a user sees when the fabric refuses, and what a test asks of it.

use std::fmt::Debug;

use kube::core::DynamicObject;
use serde_json::{Value, json};
use vnet_operator::api::status::ViolationReport;

use crate::support::contract;
use crate::support::space::{Space, at, yaml};

/// The fields of a status that show what the fabric carries: a refused edit changes none of it.
const KEPT: [&str; 8] = [
    "/programmed",
    "/programmedGeneration",
    "/ipConfigurations",
    "/networkInterfaces",
    "/powerState",
    "/ipAddress",
    "/ipPrefix",
    "/dnsSettings",
];

/// Why the fabric refused, as the object's status shows it.
pub struct Refusal {
    /// All of them.
    pub violations: Vec<ViolationReport>,
    /// The object at that time.
    pub object: DynamicObject,
}

impl Space<'_> {
    /// Waits until the fabric has refused what is asked of the object now, be it its deletion.
    pub fn refused(&self, id: &str) -> Refusal {
        self.refused_so(id, "refused", |violations| !violations.is_null())
    }

    /// Waits until nothing but an edit helps the object as it is asked for now, and the violations say so.
    pub fn stalled(&self, id: &str) -> Refusal {
        self.refused_so(id, "refused, and stalled", |violations| violations[0]["retry"] == "OnEdit")
    }

    /// Waits until an object that was refused is Ready, although nobody has touched it since.
    pub fn cured(&self, id: &str, refusal: &Refusal) -> DynamicObject {
        refusal.waits();
        let now = self.ready(id);
        let spec = |object: &DynamicObject| (object.metadata.uid.clone(), object.metadata.generation);
        assert_eq!(spec(&now), spec(&refusal.object), "{id} was edited or made anew:\n{}", yaml(&now));
        now
    }

    fn refused_so(&self, id: &str, what: &str, so: impl Fn(&Value) -> bool) -> Refusal {
        let object = self.wait(id, what, |object| {
            let status = &object.data["status"];
            status["observedGeneration"].as_i64() == object.metadata.generation && so(&status["violations"])
        });
        let object = self.as_foreseen(id, object);
        let violations = serde_json::from_value(object.data["status"]["violations"].clone());
        Refusal { violations: violations.expect("violations have the form of the CRD"), object }
    }
}

impl Refusal {
    /// Rule, code and path of every violation.
    pub fn told(&self) -> Vec<(&str, &str, &str)> {
        self.violations.iter().map(|v| (v.rule.as_str(), v.code.as_str(), v.path.as_str())).collect()
    }

    /// The rule of every violation.
    pub fn rules(&self) -> Vec<&str> {
        self.violations.iter().map(|violation| violation.rule.as_str()).collect()
    }

    /// The first message has each of these facts in it.
    pub fn shows(&self, evidence: &[&str]) -> &Self {
        self.contain("message", &self.violations[0].message, evidence)
    }

    /// The first remedy has each of these in it.
    pub fn advises(&self, remedy: &[&str]) -> &Self {
        self.contain("remedy", &self.violations[0].remedy, remedy)
    }

    /// The remedy of what breaks this rule says this.
    pub fn advises_for(&self, rule: &str, remedy: &str) -> &Self {
        let found = self.violations.iter().find(|violation| violation.rule == rule);
        let found = found.unwrap_or_else(|| panic!("{rule} is not broken\n{}", yaml(&self.object)));
        self.contain("remedy", &found.remedy, &[remedy])
    }

    /// The first violation names exactly these as what is in the way, each a kind and a name, or `namespace/name` where that
    /// is not the object's own.
    pub fn is_blocked_by(&self, blockers: &[(&str, &str)]) -> &Self {
        let namespace = self.object.metadata.namespace.clone().unwrap_or_default();
        let named = self.violations[0].blocked_by.iter();
        let named: Vec<_> = named.map(|b| (b.kind.as_str(), b.namespace.as_str(), b.name.as_str())).collect();
        let expected = blockers.iter().map(|(kind, name)| {
            let (namespace, name) = name.split_once('/').unwrap_or((namespace.as_str(), name));
            (*kind, namespace, name)
        });
        let expected: Vec<_> = expected.collect();
        assert_eq!(named, expected, "\n{}", yaml(&self.object));
        self
    }

    /// It is cured without an edit, and the conditions say so.
    pub fn waits(&self) -> &Self {
        self.is("OnChange", "Unknown", "Reconciling")
    }

    /// Only an edit helps, and the conditions say so.
    pub fn stalls(&self) -> &Self {
        self.is("OnEdit", "False", "Stalled")
    }

    /// The fabric still carries what it did: the same spec, generation and addresses.
    pub fn keeps(&self, before: &DynamicObject) -> &Self {
        for field in KEPT {
            assert_eq!(at(&self.object, field), at(before, field), "status{field}\n{}", yaml(&self.object));
        }
        let programmed = contract::condition(&self.object.data["status"], "Programmed").expect("it is always there");
        assert_eq!(programmed["reason"], "PreviousGenerationProgrammed");
        self
    }

    fn is(&self, retry: &str, ready: &str, summary: &str) -> &Self {
        let status = &self.object.data["status"];
        let condition = |kind: &str| contract::condition(status, kind).map(|condition| condition["status"].clone());
        assert_eq!(self.violations[0].retry, retry, "\n{}", yaml(&self.object));
        assert_eq!(condition("Ready"), Some(json!(ready)), "\n{}", yaml(&self.object));
        assert_eq!(condition(summary), Some(json!("True")), "\n{}", yaml(&self.object));
        self
    }

    fn contain(&self, field: &str, text: &str, parts: &[&str]) -> &Self {
        for part in parts {
            assert!(text.contains(part), "the {field} {text:?} does not tell {part:?}\n{}", yaml(&self.object));
        }
        self
    }
}

impl Debug for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&yaml(&self.object))
    }
}
