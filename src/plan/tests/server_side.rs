//! Plans of what is applied server-side.

use super::*;

fn by(manager: &str) -> Option<ServerSide> {
    Some(ServerSide { field_manager: manager.to_owned(), ..ServerSide::default() })
}

fn by_force(manager: &str) -> Option<ServerSide> {
    by(manager).map(|how| ServerSide { force_conflicts: true, ..how })
}

fn planned(there: &Applied, text: &str, server_side: Option<ServerSide>) -> Plan {
    plan(&read(text), there.state.clone(), &Options { server_side, ..at_now() }).unwrap()
}

/// A cluster to which managers have applied server-side, one after the other.
fn applied_by(there: Applied, manager: &str, text: &str) -> Applied {
    let mut state = carry_out(&read(text), there.state, &Options { server_side: by(manager), ..at_now() })
        .unwrap()
        .after
        .into_state();
    for manifest in read(text).objects.values() {
        let object = state.objects.get_mut(&manifest.id).unwrap();
        super::super::server_side::note_applied(manifest.id.kind, object, &manifest.object, manager);
        object.metadata.managed_fields.as_mut().unwrap().retain(|entry| entry.manager.as_deref() != Some("plan"));
    }
    Applied { state }
}

fn two_configurations(first: &str, second: &str) -> String {
    let spec =
        format!("{{subnet: {{name: web}}, ipConfigurations: [{{name: {first}, primary: true}}, {{name: {second}}}]}}");
    object("NetworkInterface", "a", &spec)
}

#[test]
fn an_item_that_another_manager_has_added_stays_where_client_side_apply_takes_it_away() {
    let mine = "{subnet: {name: web}, ipConfigurations: [{name: mine, primary: true}]}";
    let mine = object("NetworkInterface", "a", mine);
    let theirs = object("NetworkInterface", "a", "{ipConfigurations: [{name: theirs}]}");
    let there = Applied::default().with(&network());
    let there = applied_by(there, "me", &two_configurations("mine", "theirs"));
    let there = applied_by(there, "they", &theirs);
    let plan = planned(&there, &mine, by("me"));
    assert!(!plan.changes() && !plan.refuses(), "{plan:#?}");
    let plan = planned(&there, &mine, None);
    assert_eq!(nic_of(&plan, "a").action, Action::Update);
}

#[test]
fn an_item_that_its_one_manager_leaves_out_goes() {
    let there = applied_by(Applied::default().with(&network()), "me", &two_configurations("a", "b"));
    let one = object("NetworkInterface", "a", "{subnet: {name: web}, ipConfigurations: [{name: a, primary: true}]}");
    let plan = planned(&there, &one, by("me"));
    let nic = nic_of(&plan, "a");
    assert_eq!((nic.action, nic.accepted), (Action::Update, true));
    assert!(nic.fields.iter().any(|told| told.path == "spec.ipConfigurations[b].name"), "{nic:#?}");
}

#[test]
fn a_conflict_is_a_refusal_at_its_line_and_none_by_force() {
    let label = |text: &str| object("AvailabilitySet", "s", &format!("{{tags: {{a: {text}}}}}"));
    let there = applied_by(Applied::default(), "they", &label("theirs"));
    let plan = planned(&there, &label("mine"), by("me"));
    let refused = of(&plan, "s");
    assert_eq!(super::told(refused), [("managedFields", "FieldManagerConflict", "spec.tags.a", 5)]);
    assert_eq!(refused.violations[0].violation.message, "The apply fails: conflict with \"they\": .spec.tags.a.");
    assert!(!planned(&there, &label("mine"), by_force("me")).refuses());
    assert!(!planned(&there, &label("mine"), by("they")).refuses());
}

#[test]
fn what_is_applied_server_side_has_no_memory_of_client_side_apply() {
    let set = object("AvailabilitySet", "s", "{}");
    let how = Options { server_side: by("me"), ..at_now() };
    let state = carry_out(&read(&set), State::default(), &how).unwrap().after.into_state();
    let annotations = |state: &State| state.objects.values().next().unwrap().metadata.annotations.clone();
    assert_eq!(annotations(&state), None);
    assert!(annotations(&Applied::default().with(&set).state).is_some());
    let managers = set.replace("{name: s}", "{name: s, managedFields: []}");
    let plan = planned(&Applied::default(), &managers, by("me"));
    assert_eq!(super::told(of(&plan, "s")), [("schema", "Invalid", "metadata.managedFields", 4)]);
}

#[test]
fn the_answer_of_the_api_server_stands_for_what_is_worked_out_here() {
    let set = |tag: &str| object("AvailabilitySet", "s", &format!("{{tags: {{a: {tag}}}}}"));
    let there = applied_by(Applied::default(), "me", &set("old"));
    let (id, stored) = there.state.objects.iter().next().unwrap();
    let mut mutated = stored.clone();
    mutated.data["spec"]["tags"]["a"] = json!("webhook");
    let answer = |answer: Answer| {
        let how = by("me").map(|how| ServerSide { answers: [(id.clone(), answer)].into(), ..how });
        planned(&there, &set("new"), how)
    };
    let plan = answer(Ok(Box::new(mutated)));
    assert_eq!(of(&plan, "s").fields[0].after, json!("webhook"));
    let denied = kube::core::Status::failure("no", "Forbidden").with_code(403);
    let plan = answer(Err(refusals::answered(&denied)));
    assert_eq!(super::told(of(&plan, "s")), [("admission", "Forbidden", "spec", 5)]);
    assert_eq!(of(&plan, "s").violations[0].violation.message, "no.");
}

#[test]
fn labels_of_a_namespace_go_if_their_manager_leaves_them_out() {
    let namespace =
        |labels: &str| format!("---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: shop, labels: {labels}}}\n");
    let metadata = json!({
        "name": "shop", "labels": {"mine": "1", "theirs": "2"},
        "managedFields": [{"manager": "me", "operation": "Apply", "fieldsV1": {"f:metadata": {"f:labels": {"f:mine": {}}}}}],
    });
    let metadata: ObjectMeta = serde_json::from_value(metadata).unwrap();
    let there = Applied { state: State { namespaces: Some([("shop".into(), metadata)].into()), ..State::default() } };
    let fields = |how| {
        let plan = planned(&there, &namespace("{new: \"3\"}"), how);
        plan.objects[0].fields.iter().map(|told| told.path.clone()).collect::<Vec<_>>()
    };
    assert_eq!(fields(by("me")), ["metadata.labels.mine", "metadata.labels.new"]);
    assert_eq!(fields(by("they")), ["metadata.labels.new"]);
}
