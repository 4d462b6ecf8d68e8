//! What a plan shows of the instances of a scale set whose model changes.

use super::*;

/// A set of two instances; `nic` is the rest of its one network interface.
pub(super) fn set(mode: &str, upgrade: &str, nic: &str) -> String {
    let nic = format!("{{name: nic, ipConfigurations: [{{name: ip}}], {nic}}}");
    let spec = format!(
        "{{orchestrationMode: {mode}, upgradePolicy: {{mode: {upgrade}}}, replicas: 2, sku: {{name: Standard_DS3_v2}}, \
         virtualMachineProfile: {{networkProfile: {{networkInterfaceConfigurations: [{nic}]}}}}}}"
    );
    object("VirtualMachineScaleSet", "api", &spec)
}

/// What a plan shows of an edit of the model of a set of two running instances: of the set and of each, which model it has
/// and who is disrupted.
fn told_of(mode: &str, upgrade: &str, nic: &str) -> Vec<String> {
    let there = Applied::default().with(&(network() + &set(mode, upgrade, "subnet: {name: web}")));
    let plan = there.plan(&(network() + &set(mode, upgrade, nic)));
    let is_meant = |object: &&PlannedObject| object.object.kind.starts_with("VirtualMachine");
    let lines = plan.objects.iter().filter(is_meant).flat_map(|object| {
        let models = object.allocations.iter().filter(|told| consequences::MODELS.contains(&told.path.as_str()));
        let models = models.map(|told| format!("{} {} {} {}", object.object.name, told.path, told.before, told.after));
        models.chain(object.disruptions.clone()).collect::<Vec<_>>()
    });
    let mut lines: Vec<String> = lines.collect();
    lines.sort();
    lines
}

#[test]
fn each_instance_that_takes_up_a_new_model_is_named() {
    let forwarding = "subnet: {name: web}, enableIPForwarding: true";
    for mode in ["Uniform", "Flexible"] {
        for upgrade in ["Automatic", "Rolling"] {
            let all = [r#"api updateRevision "1" "2""#, r#"api-0 revision "1" "2""#, r#"api-1 revision "1" "2""#];
            assert_eq!(told_of(mode, upgrade, forwarding), all, "{mode} {upgrade}");
        }
        let all = [r#"api updateRevision "1" "2""#, "api updatedReplicas 2 0"];
        assert_eq!(told_of(mode, "Manual", forwarding), all, "{mode}: nobody has told the instances to");
    }
}

#[test]
fn a_set_that_is_upgraded_by_hand_says_how_many_instances_keep_their_model_and_what_tells_them() {
    let edited = |upgrade: &str| network() + &set("Uniform", upgrade, "subnet: {name: web}, enableIPForwarding: true");
    let manual = Applied::default().with(&(network() + &set("Uniform", "Manual", "subnet: {name: web}")));
    let plan = manual.plan(&edited("Manual"));
    let advice = &of(&plan, "api").advice;
    assert_eq!((advice[0].condition.as_str(), advice[0].new, advice.len()), ("UpgradeIsManual", true, 1));
    for told in [show::table(&plan), show::github(&plan), show::markdown(&plan)] {
        let says = "until they are upgraded: 2. `vnet upgrade vmss/api -n shop --all` upgrades them.";
        assert!(told.contains(says), "{told}");
    }
    let there = manual.with(&edited("Manual"));
    assert!(!there.plan(&edited("Manual")).objects.iter().any(PlannedObject::has_news), "it was told before");
    let automatic = Applied::default().with(&(network() + &set("Uniform", "Automatic", "subnet: {name: web}")));
    assert_eq!(of(&automatic.plan(&edited("Automatic")), "api").advice, []);
}

/// The cause stands where the set is written.
#[test]
fn those_who_are_disrupted_are_counted_and_told_at_the_line_of_their_set() {
    let there = Applied::default().with(&(network() + &set("Uniform", "Automatic", "subnet: {name: web}")));
    let plan = there.plan(&(network() + &set("Uniform", "Automatic", "subnet: {name: data}")));
    assert_eq!((plan.summary.disrupted, plan.summary.to_string().ends_with("; 0 refused, 2 disrupted.")), (2, true));
    let line = of(&plan, "api").place.as_ref().unwrap().line;
    let told = format!("::warning file=net.yaml,line={line},title=Disruption::VirtualMachineScaleSetVM shop/api-0 is");
    assert!(show::github(&plan).contains(&told), "{}", show::github(&plan));
}

#[test]
fn each_instance_that_a_new_model_deallocates_is_named() {
    for upgrade in ["Automatic", "Rolling"] {
        let told = told_of("Uniform", upgrade, "subnet: {name: data}");
        for name in ["api-0", "api-1"] {
            let disruption = format!("VirtualMachineScaleSetVM shop/{name} is deallocated and started.");
            assert!(told.contains(&disruption), "{upgrade}: {told:?}");
        }
    }
}

/// A Flexible set of two, whose first machine a user has turned off, tagged and annotated; `fields` are the user's.
fn edited(fields: serde_json::Value) -> Applied {
    let mut there = Applied::default().with(&(network() + &set("Flexible", "Automatic", "subnet: {name: web}")));
    let machine = there.state.objects.iter_mut().find(|(id, _)| &*id.name.name == "api-0").unwrap().1;
    machine.data["spec"]["powerState"] = json!("Deallocated");
    machine.data["spec"]["tags"] = json!({"owner": "me"});
    machine.metadata.annotations.get_or_insert_default().insert("mine".to_owned(), "stays".to_owned());
    let entry = json!({"manager": "me", "operation": "Update", "fieldsV1": {"f:spec": fields}});
    machine.metadata.managed_fields = serde_json::from_value(json!([entry])).unwrap();
    // The edit is judged before anything is planned.
    there.with(&network())
}

fn of_size(size: &str) -> String {
    network() + &set("Flexible", "Automatic", "subnet: {name: web}").replace("Standard_DS3_v2", size)
}

#[test]
fn what_users_have_set_of_an_instance_stays() {
    let there = edited(json!({"f:powerState": {}, "f:tags": {}}));
    let plan = there.plan(&of_size("Standard_DS4_v2"));
    let machine = of(&plan, "api-0");
    let paths: Vec<&str> = machine.fields.iter().map(|told| told.path.as_str()).collect();
    assert_eq!(paths, ["metadata.annotations[vnet.dev/revision]", "spec.hardwareProfile.vmSize"]);
    assert_eq!(machine.disruptions, Vec::<String>::new());
}

#[test]
fn a_field_that_a_user_has_taken_over_keeps_the_instance_as_it_is() {
    let there = edited(json!({"f:hardwareProfile": {"f:vmSize": {}}}));
    let plan = there.plan(&of_size("Standard_DS4_v2"));
    assert!(plan.objects.iter().all(|object| object.object.name != "api-0"), "{plan:#?}");
    assert_eq!(of(&plan, "api-1").fields.len(), 2);
    let set = of(&plan, "api");
    assert!(set.advice.iter().any(|told| told.condition == "OlderModelKept"), "{set:#?}");
}

/// A Flexible set whose instances have a public address, or none.
fn with_public(public: bool) -> String {
    let public = if public { ", publicIPAddressConfiguration: {name: pub, sku: {name: Standard}}" } else { "" };
    let configurations = format!("ipConfigurations: [{{name: ip{public}}}]");
    let set = set("Flexible", "Automatic", "subnet: {name: web}");
    network() + &set.replace("ipConfigurations: [{name: ip}]", &configurations)
}

#[test]
fn a_part_that_the_model_no_longer_has_goes() {
    let mut there = Applied::default().with(&with_public(true));
    let gone = |there: &Applied| {
        let plan = there.plan(&with_public(false));
        let gone = plan.objects.iter().filter(|object| object.action == Action::Delete);
        gone.map(|object| object.object.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(gone(&there), ["api-0-nic-ip", "api-1-nic-ip"]);
    for object in there.state.objects.values_mut() {
        object.metadata.managed_fields = None; // as a dump has none
    }
    assert_eq!(gone(&there), ["api-0-nic-ip", "api-1-nic-ip"]);
}

#[test]
fn a_field_that_differs_from_what_the_set_applied_is_a_users() {
    let mut there = edited(json!({}));
    for (id, object) in &mut there.state.objects {
        object.metadata.managed_fields = None; // as a dump has none
        if &*id.name.name == "api-0" {
            object.data["spec"]["hardwareProfile"]["vmSize"] = json!("Standard_DS5_v2");
        }
    }
    let plan = there.with(&network()).plan(&of_size("Standard_DS4_v2"));
    assert!(plan.objects.iter().all(|object| object.object.name != "api-0"), "{plan:#?}");
}

#[test]
fn an_instance_that_is_edited_beside_the_model_of_its_set_is_as_its_own_manifest_says() {
    let there = Applied::default().with(&of_size("Standard_DS3_v2"));
    let spec = "{hardwareProfile: {vmSize: Standard_DS5_v2}, networkProfile: {networkInterfaces: [{name: api-0-nic}]}}";
    let plan = there.plan(&(of_size("Standard_DS4_v2") + &object("VirtualMachine", "api-0", spec)));
    let size = |name: &str| {
        let sizes = of(&plan, name).fields.iter().filter(|told| told.path == "spec.hardwareProfile.vmSize");
        sizes.map(|told| told.after.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        (size("api-0"), size("api-1")),
        (vec!["Standard_DS5_v2".to_owned()], vec!["Standard_DS4_v2".to_owned()])
    );
}
