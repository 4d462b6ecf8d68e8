//! The forms in which a plan is shown, and inputs of any form.

use proptest::prelude::*;

use super::*;

#[test]
fn every_form_of_a_plan_tells_the_refusal_and_where_it_is() {
    let plan = Applied::default().plan(&nic("a", ""));
    let table = anstream::adapter::strip_str(&show::table(&plan)).to_string();
    let line = "InvalidResourceReference by NIC-03: spec.subnet (net.yaml:5)";
    assert!(table.contains(line), "{table}");
    assert!(table.ends_with("Plan: 1 to create, 0 to update, 0 to replace, 0 to delete, 0 unchanged; 1 refused.\n"));
    let github = show::github(&plan);
    let begin =
        "::error file=net.yaml,line=5,title=InvalidResourceReference (NIC-03)::NetworkInterface shop/a: spec.subnet: ";
    assert!(github.starts_with(begin), "{github}");
    let markdown = show::markdown(&plan);
    assert!(markdown.contains("* **NetworkInterface shop/a** (net.yaml:5), `spec.subnet`: InvalidResourceReference"));
    let json = serde_json::to_value(&plan).unwrap();
    assert_eq!((&json["apiVersion"], &json["kind"]), (&json!("vnet.dev/v1alpha1"), &json!("Plan")));
    assert_eq!(json["objects"][0]["violations"][0]["line"], json!(5));
}

#[test]
fn what_stands_in_no_file_of_the_pull_request_is_no_annotation_of_one() {
    let file = manifests::File { name: manifests::STDIN.into(), text: nic("a", "") };
    let plan = plan(&manifests::read(&[file], "shop").unwrap(), State::default(), &at_now()).unwrap();
    let github = show::github(&plan);
    assert!(
        github.starts_with("::error title=InvalidResourceReference (NIC-03)::<stdin>:5: NetworkInterface"),
        "{github}"
    );
}

#[test]
fn markdown_tells_who_is_in_the_way_and_what_was_passed_over_in_one_line_each() {
    let there = Applied::default().with(&(network() + &nic("a", &fixed("10.0.1.9"))));
    let config = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n";
    let broken = stored::with_metadata("labels: {}").replace("name: a", "name: \"a\\nb|c\"");
    let markdown = show::markdown(&there.plan(&(nic("b", &fixed("10.0.1.9")) + config + &broken)));
    assert!(markdown.contains("_ Blocked by NetworkInterface shop/a.\n"), "{markdown}");
    assert!(markdown.contains("#### Passed over\n\n* net.yaml:7: ConfigMap c is passed over"), "{markdown}");
    assert!(markdown.contains("| Create | AvailabilitySet shop/a\\nb\\|c |"), "{markdown}");
    assert!(show::github(&there.plan(config)).contains("title=PassedOver::ConfigMap c is passed over"));
}

#[test]
fn what_users_write_is_no_markup_and_no_control_of_a_terminal() {
    let tagged = |tag: &str| object("AvailabilitySet", "s", &format!("{{tags: {{a|b: {tag}}}}}"));
    let there = Applied::default().with(&tagged("old"));
    let plan = there.plan(&tagged("\"x\\n::error::y\\e[31m `code` <img> @team\""));
    let table = anstream::adapter::strip_str(&show::table(&plan)).to_string();
    assert!(table.contains("  spec.tags.a|b: old -> x\\n::error::y\\u{1b}[31m `code` <img> @team\n"), "{table}");
    let markdown = show::markdown(&plan);
    let line =
        "* AvailabilitySet shop/s: `spec.tags.a|b`: `old` -> `` x\\n::error::y\\u{1b}[31m `code` <img> @team ``\n";
    assert!(markdown.contains(line), "{markdown}");
    let config = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"<img> @team\"}\n";
    let markdown = show::markdown(&there.plan(config));
    assert!(markdown.contains("ConfigMap &lt;img&gt; @<!-- -->team is passed over"), "{markdown}");
}

/// A bit of every kind that people write by hand.
fn everything() -> String {
    let nic = "{name: nic, subnet: {name: web}, ipConfigurations: [{name: ip}]}";
    let profile = format!("{{networkProfile: {{networkInterfaceConfigurations: [{nic}]}}}}");
    let set = format!("{{replicas: 2, sku: {{name: Standard_D2s_v3}}, virtualMachineProfile: {profile}}}");
    network()
        + &object("PublicIPPrefix", "pool", "{prefixLength: 28}")
        + &object("PublicIPAddress", "p", "{sku: {name: Standard}, publicIPPrefix: {name: pool}}")
        + &nic_in("data", "a", ", publicIPAddress: {name: p}")
        + &object("AvailabilitySet", "s", "{}")
        + &vm("a", ", availabilitySet: {name: s}")
        + &object("VirtualMachineScaleSet", "api", &set)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_is_written_is_planned_or_refused(from in 0.0..1.0, length in 0_usize..12, with in "[ -~\n]{0,8}") {
        let text: Vec<char> = everything().chars().collect();
        let from = (text.len() as f64 * from) as usize;
        let rest = text.iter().skip(from + length);
        let text: String = text.iter().take(from).copied().chain(with.chars()).chain(rest.copied()).collect();
        let file = manifests::File { name: "net.yaml".into(), text };
        if let Ok(manifests) = manifests::read(&[file], "shop") {
            let plan = plan(&manifests, State::default(), &at_now()).unwrap();
            prop_assert!(plan.objects.iter().all(|object| object.accepted == object.violations.is_empty()));
        }
    }

    #[test]
    fn a_text_that_is_no_object_is_refused_with_its_file_and_a_reason(text in "x\\PC*") {
        let refused = manifests::read(&[manifests::File { name: "net.yaml".into(), text }], "shop").unwrap_err();
        let [refused] = &refused[..] else { panic!("{refused:?}") };
        prop_assert!(&*refused.file == "net.yaml" && !refused.message.is_empty(), "{refused:?}");
    }

    #[test]
    fn any_text_is_refused_with_a_reason_or_holds_no_object(text in "\\PC*") {
        match manifests::read(&[manifests::File { name: "net.yaml".into(), text }], "shop") {
            Ok(read) => prop_assert!(read.objects.is_empty() && read.namespaces.is_empty()),
            Err(refused) => prop_assert!(refused.iter().all(|refused| !refused.message.is_empty()), "{refused:?}"),
        }
    }
}
