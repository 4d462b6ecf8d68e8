//! Nothing that the API server can send, whatever schema it has, makes the reading, the translation or the fabric panic;
//! and what is refused is refused in words.

pub mod values;

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::properties::config;
use super::restored::essence;
use crate::api::conditions::Since;
use crate::api::form;
use crate::api::object::{self, Observed, Recall};
use crate::api::shown::Shown;
use crate::api::status;
use crate::api::{FINALIZER, RESTARTED_AT};
use crate::fabric::testing::{NAMESPACE, Of, assert_in_the_reference, named};
use crate::fabric::{Engine, Kind, Placement, Request, Settings, Uid, Violation};
use values::{Mutation, anything, good, mutate, mutation};

/// More than any message of a rule has, and less than a status may grow by.
const LONGEST: usize = 1500;

/// An object as the API server sends it, read as the operator reads it.
fn read(kind: Kind, name: &str, spec: &Value, restarted_at: Option<&str>, status: &Value) -> Observed {
    let text = json!({
        "apiVersion": "vnet.dev/v1alpha1",
        "kind": kind.as_str(),
        "metadata": {
            "name": name, "namespace": NAMESPACE, "uid": format!("{kind} {name}"), "resourceVersion": "7", "generation": 1,
            "finalizers": [FINALIZER], "ownerReferences": owners(kind), "annotations": restarted_at.map(|at| json!({RESTARTED_AT: at})),
        },
        "spec": spec,
        "status": status,
    });
    let Shown(object) = serde_json::from_str(&text.to_string()).expect("nothing stops the reading");
    object::observe(kind, &object, Recall::Record).expect("it has a name, a namespace and a uid")
}

/// Instances are made by the set of the good manifests.
fn owners(kind: Kind) -> Value {
    if kind != Kind::VirtualMachineScaleSetVM {
        return json!([]);
    }
    json!([{
        "apiVersion": "vnet.dev/v1alpha1", "kind": "VirtualMachineScaleSet", "name": "farm", "controller": true,
        "uid": "VirtualMachineScaleSet farm",
    }])
}

/// Puts what an object asks for, as the operator does. A refusal changes nothing.
pub fn put(engine: &mut Engine, seen: Observed) -> Result<(), Vec<Violation>> {
    let asked = seen.asked?;
    let default = Placement { subscription: "default".into(), location: "westeurope".into() };
    let request = Request {
        uid: seen.uid,
        generation: 1,
        location: asked.location,
        default,
        common: asked.common,
        ask: asked.ask,
    };
    let before = engine.tables().clone();
    engine.put(&seen.id.name, request).map_err(|refusal| {
        assert_eq!(engine.tables(), &before, "a refusal changes nothing");
        refusal.violations().to_vec()
    })
}

/// Every violation says what is wrong, where, and what to do, and none of them at length.
fn tells(kind: Kind, violations: &[Violation]) {
    assert_in_the_reference(Of::Put(kind), violations);
    assert!(!violations.is_empty(), "a refusal has a reason");
    for violation in violations {
        let Violation { rule, path, message, remedy, .. } = violation;
        assert!(!rule.is_empty() && !message.is_empty() && !remedy.is_empty(), "{violation:?}");
        assert!(
            ["spec", "metadata.name", "metadata.annotations[", "metadata.ownerReferences"]
                .iter()
                .any(|of| path.starts_with(of)),
            "{violation:?}"
        );
        assert!(message.len() + remedy.len() + path.len() < LONGEST, "{violation:?}");
        assert!(!message.contains("cannot be read"), "a field is named instead: {violation:?}");
    }
}

/// The status of an object, as the operator writes it.
pub fn report(engine: &Engine, kind: Kind, name: &str, violations: &[Violation]) -> Value {
    let found = status::Findings {
        uid: &Uid::from(format!("{kind} {name}").as_str()),
        generation: 1,
        violations,
        expected: None,
        since: &Since::default(),
        now: Timestamp::UNIX_EPOCH,
    };
    let status = object::report(kind, engine, &named(name), found);
    assert_eq!(form::check_status(kind, &status), [], "the API server takes it");
    status
}

/// A fabric that carries everything that is good.
fn a_fabric() -> Engine {
    let mut engine = Engine::new(Settings::default());
    for (kind, name, spec) in good() {
        put(&mut engine, read(kind, name, &spec, None, &Value::Null))
            .unwrap_or_else(|told| panic!("{name}: {told:#?}"));
    }
    engine
}

/// A good spec with one to three things wrong, or no spec at all.
fn spec() -> impl Strategy<Value = (Kind, &'static str, Value)> {
    let wrong = (select(good()), vec(mutation(), 1..4)).prop_map(|((kind, name, mut spec), mutations)| {
        mutations.iter().for_each(|mutation| mutate(&mut spec, mutation));
        (kind, name, spec)
    });
    let arbitrary = (select(good()), anything()).prop_map(|((kind, name, _), spec)| (kind, name, spec));
    prop_oneof![6 => wrong, 1 => arbitrary]
}

/// Under the name that it had, or under another.
fn name_of(name: &str, anew: bool) -> String {
    if anew { format!("{name}-2") } else { name.to_owned() }
}

#[test]
fn a_mutation_of_each_sort_does_what_its_name_says() {
    let mutated = |mutation: Mutation| {
        let mut value = json!({"a": [1, 2]});
        mutate(&mut value, &(3, mutation));
        value
    };
    assert_eq!(mutated(Mutation::Becomes(json!(null))), json!({"a": [1, null]}));
    assert_eq!(mutated(Mutation::Goes), json!({"a": [1]}));
    assert_eq!(mutated(Mutation::Doubles), json!({"a": [1, 2, 2]}));
    assert_eq!(mutated(Mutation::Wraps), json!({"a": [1, [2]]}));
}

proptest! {
    #![proptest_config(config(1000))]

    #[test]
    fn no_json_makes_the_operator_panic_and_every_refusal_says_why(
        specs in vec((spec(), any::<bool>(), option::weighted(0.2, prop_oneof![3 => ".*".boxed(), 1 => ".{65,80}".boxed()])), 1..8),
    ) {
        let mut engine = a_fabric();
        for ((kind, name, spec), anew, restarted_at) in &specs {
            let name = name_of(name, *anew);
            let answer = put(&mut engine, read(*kind, &name, spec, restarted_at.as_deref(), &Value::Null));
            engine.assert_consistent();
            engine.assert_legal();
            let violations = answer.err();
            if let Some(violations) = &violations {
                tells(*kind, violations);
            }
            let status = report(&engine, *kind, &name, violations.as_deref().unwrap_or_default());
            prop_assert!(status.to_string().len() < 200_000, "{}", status);
        }
    }

    #[test]
    fn an_edit_that_is_refused_leaves_what_is_programmed_to_the_next_start(
        (kind, name, spec) in spec().prop_filter("its models are kept beside its status", |(kind, ..)| {
            *kind != Kind::VirtualMachineScaleSet
        }),
    ) {
        let mut engine = a_fabric();
        let told = put(&mut engine, read(kind, name, &spec, None, &Value::Null)).err().unwrap_or_default();
        let mut restarted = Engine::new(Settings::default());
        for (of, other, good) in good() {
            let is_it = (of, other) == (kind, name);
            let (spec, told) = if is_it { (&spec, &told[..]) } else { (&good, &[][..]) };
            let status = report(&engine, of, other, told);
            let record = read(of, other, spec, None, &status).record.expect("what is programmed is remembered");
            prop_assert_eq!(restarted.restore(&named(other), record), Vec::<String>::new());
        }
        prop_assert_eq!(essence(&restarted), essence(&engine));
    }

    #[test]
    fn no_status_of_any_kind_makes_the_operator_panic(
        mutations in vec((any::<usize>(), mutation()), 1..12),
    ) {
        let engine = a_fabric();
        let mut objects: Vec<_> = good()
            .into_iter()
            .map(|(kind, name, spec)| (kind, name, spec, report(&engine, kind, name, &[])))
            .collect();
        for (which, mutation) in &mutations {
            let which = which % objects.len();
            mutate(&mut objects[which].3, mutation);
        }
        let mut restarted = Engine::new(Settings::default());
        restarted.begin_restore();
        for (kind, name, spec, status) in &objects {
            let seen = read(*kind, name, spec, None, status);
            if let Some(record) = seen.record {
                restarted.restore(&named(name), record);
            }
            restarted.assert_consistent();
        }
        restarted.end_restore();
        for (kind, name, spec, status) in &objects {
            if let Err(violations) = put(&mut restarted, read(*kind, name, spec, None, status)) {
                tells(*kind, &violations);
            }
            restarted.assert_consistent();
        }
    }
}
