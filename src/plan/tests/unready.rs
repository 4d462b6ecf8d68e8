//! Objects that are accepted, and need an action to become Ready.

use super::upgrades::set;
use super::*;

/// A Flexible set of so many instances.
fn of_size(replicas: u8) -> String {
    set("Flexible", "Manual", "subnet: {name: web}").replace("replicas: 2", &format!("replicas: {replicas}"))
}

/// A virtual machine of one's own, with the name that the third instance of the set is to have.
fn in_the_way() -> String {
    network() + &nic("api-2", "") + &vm("api-2", "")
}

fn reasons(plan: &Plan) -> Vec<(&str, &str)> {
    plan.warnings.iter().map(|warning| (warning.object.name.as_str(), warning.reason.as_str())).collect()
}

#[test]
fn a_set_whose_instance_cannot_be_made_is_warned_of_in_every_form() {
    let there = Applied::default().with(&(in_the_way() + &of_size(2)));
    let plan = there.plan(&(network() + &of_size(3)));
    let sentence = "VirtualMachine shop/api-2 is not the scale set's, and has the name that an object of an instance is to have. Delete it;";
    assert_eq!((plan.refuses(), reasons(&plan)), (false, vec![("api", "InstanceBlocked")]));
    assert_eq!(plan.warnings[0].place.as_ref().unwrap().to_string(), "net.yaml:17");
    let table = anstream::adapter::strip_str(&show::table(&plan)).to_string();
    let github = show::github(&plan);
    let markdown = show::markdown(&plan);
    let json = serde_json::to_value(&plan).unwrap();
    let path = "status.conditions[Ready]: ";
    let begin = format!("\nnet.yaml:17: VirtualMachineScaleSet shop/api: InstanceBlocked\n  {path}{sentence}");
    assert!(table.contains(&begin), "{table}");
    let begin =
        format!("::warning file=net.yaml,line=17,title=InstanceBlocked::VirtualMachineScaleSet shop/api: {sentence}");
    assert!(github.contains(&begin), "{github}");
    let begin = format!(
        "#### Action required\n\n* VirtualMachineScaleSet shop/api (net.yaml:17), `status.conditions[Ready]`: InstanceBlocked: {sentence}"
    );
    assert!(markdown.contains(&begin) && !markdown.contains("The order matters"), "{markdown}");
    assert!(json["warnings"][0]["message"].as_str().unwrap().starts_with(sentence), "{json}");
    assert_eq!((&json["warnings"][0]["file"], &json["warnings"][0]["line"]), (&json!("net.yaml"), &json!(17)));
}

#[test]
fn what_waits_already_is_warned_of_where_a_manifest_asks_for_it() {
    let there = Applied::default().with(&(in_the_way() + &of_size(2))).with(&of_size(3));
    let plan = there.plan(&(network() + &of_size(3)));
    assert_eq!((of(&plan, "api").action, reasons(&plan)), (Action::NoChange, vec![("api", "InstanceBlocked")]));
    assert_eq!(reasons(&there.plan(&network())), []);
}

#[test]
fn a_set_of_no_manifest_is_warned_of_where_another_object_takes_the_name_of_its_instance() {
    // It cannot be made yet, for want of a subnet, and the name is free until then.
    let there = Applied::default().with(&of_size(3));
    let plan = there.plan(&in_the_way());
    assert_eq!(reasons(&plan), [("api", "InstanceBlocked")]);
    assert!(of(&plan, "api").ready.as_ref().is_some_and(|ready| ready.reason == "InstanceBlocked"));
    assert_eq!(plan.warnings[0].place, None);
}

#[test]
fn what_comes_by_itself_or_is_refused_is_not_warned_of() {
    let plan = Applied::default().plan(&(in_the_way() + &of_size(2)));
    assert_eq!((of(&plan, "api-0").ready.as_ref().unwrap().status.as_str(), reasons(&plan)), ("True", vec![]));
    let refused = Applied::default().plan(&nic("a", ""));
    assert_eq!((refused.refuses(), reasons(&refused)), (true, vec![]));
}
