//! What the operator may do, right by right, and what users of its kinds may do. The roles of the Helm chart are generated
//! from these tables; a test takes each right of the operator away and sees what fails.

use std::fmt::Write;

use serde_json::json;

use super::children::KINDS as CHILDREN;
use super::lease::LEASE;
use super::settings::CONFIG_MAP;
use crate::api::GROUP;
use crate::api::object::api_resource;
use crate::fabric::Kind;

/// A rule of a role, and why it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What it is for.
    pub why: &'static str,
    /// The API group; empty for the core group.
    pub group: &'static str,
    /// Plurals, with their subresources.
    pub resources: Vec<String>,
    /// The only objects that it covers; empty for all.
    pub names: &'static [&'static str],
    /// As RBAC names them.
    pub verbs: &'static [&'static str],
}

impl Rule {
    fn new(why: &'static str, group: &'static str, resources: Vec<String>, verbs: &'static [&'static str]) -> Self {
        Self { why, group, resources, names: &[], verbs }
    }

    /// As a role has it.
    pub fn to_json(&self) -> serde_json::Value {
        let mut rule = json!({"apiGroups": [self.group], "resources": self.resources, "verbs": self.verbs});
        if let Some(fields) = rule.as_object_mut().filter(|_| !self.names.is_empty()) {
            fields.insert("resourceNames".to_owned(), json!(self.names));
        }
        rule
    }
}

/// What the operator does in all namespaces.
pub fn cluster_rules() -> Vec<Rule> {
    let sets = Kind::VirtualMachineScaleSet;
    vec![
        Rule::new("Watches the objects of every kind.", GROUP, of(Kind::ALL, ""), &["list", "watch"]),
        Rule::new("Writes statuses.", GROUP, of(Kind::ALL, "/status"), &["update"]),
        Rule::new(
            "Writes the conditions alone where the API server refuses the rest of a status.",
            GROUP,
            of(Kind::ALL, "/status"),
            &["patch"],
        ),
        Rule::new(
            "Adds its finalizer and removes it, and upgrades the objects of Flexible scale sets.",
            GROUP,
            of(Kind::ALL, ""),
            &["patch"],
        ),
        Rule::new(
            "Creates the objects of scale sets, and deletes them.",
            GROUP,
            of(&CHILDREN, ""),
            &["create", "delete"],
        ),
        Rule::new(
            "Reads who manages the fields of an object of a Flexible scale set before an upgrade.",
            GROUP,
            of(&upgraded(), ""),
            &["get"],
        ),
        Rule::new(
            "Has owner references block the deletion of a scale set, where OwnerReferencesPermissionEnforcement is on.",
            GROUP,
            of(&[sets], "/finalizers"),
            &["update"],
        ),
        Rule::new(
            "Keeps the models of scale sets that instances still have.",
            "apps",
            vec!["controllerrevisions".to_owned()],
            &["list", "watch", "create", "delete"],
        ),
        Rule::new(
            "Reads the labels of Namespaces, which name location and subscription, and sees their deletion.",
            "",
            vec!["namespaces".to_owned()],
            &["list", "watch"],
        ),
        Rule::new(
            "Records Events, and counts those that repeat.",
            "events.k8s.io",
            vec!["events".to_owned()],
            &["create", "patch"],
        ),
    ]
}

/// What the operator does in its own namespace besides.
pub fn namespace_rules() -> Vec<Rule> {
    let maps = || vec!["configmaps".to_owned()];
    let leases = || vec!["leases".to_owned()];
    vec![
        Rule::new("Publishes its settings for `vnet plan`.", "", maps(), &["create"]),
        Rule {
            names: &[CONFIG_MAP],
            ..Rule::new("Reads the published settings, and brings them up to date.", "", maps(), &["get", "update"])
        },
        Rule::new("Creates the Lease of the operator that leads.", "coordination.k8s.io", leases(), &["create"]),
        Rule {
            names: &[LEASE],
            ..Rule::new("Takes that Lease, renews and releases it.", "coordination.k8s.io", leases(), &["get", "patch"])
        },
    ]
}

/// What the roles view, edit and admin may read.
pub fn view_rules() -> Vec<Rule> {
    let scale = of(&[Kind::VirtualMachineScaleSet], "/scale");
    vec![
        Rule::new("Reads objects with their statuses.", GROUP, of(Kind::ALL, ""), &["get", "list", "watch"]),
        Rule::new("Reads the number of replicas.", GROUP, scale, &["get"]),
    ]
}

/// What the roles edit and admin may do besides. Statuses are the operator's, and instances are created by their scale sets.
pub fn edit_rules() -> Vec<Rule> {
    let instances = Kind::VirtualMachineScaleSetVM;
    let others: Vec<Kind> = Kind::ALL.iter().copied().filter(|kind| *kind != instances).collect();
    let scale = of(&[Kind::VirtualMachineScaleSet], "/scale");
    vec![
        Rule::new("Creates objects.", GROUP, of(&others, ""), &["create"]),
        Rule::new(
            "Edits and deletes objects.",
            GROUP,
            of(Kind::ALL, ""),
            &["update", "patch", "delete", "deletecollection"],
        ),
        Rule::new("Scales scale sets.", GROUP, scale, &["update", "patch"]),
    ]
}

/// The rules of a role as YAML, each with what it is for.
pub fn yaml(rules: &[Rule]) -> Result<String, serde_saphyr::ser::Error> {
    let mut text = String::new();
    for rule in rules {
        let written = serde_saphyr::to_string(&[rule.to_json()])?;
        text = text + "# " + rule.why + "\n" + &written;
    }
    Ok(text)
}

/// The rights of the operator as a Markdown table.
pub fn markdown() -> String {
    let mut table = "| where | group | resources | verbs | what for |\n| --- | --- | --- | --- | --- |\n".to_owned();
    let everywhere = cluster_rules().into_iter().map(|rule| ("all namespaces", rule));
    let own = namespace_rules().into_iter().map(|rule| ("its own namespace", rule));
    for (scope, rule) in everywhere.chain(own) {
        let group = if rule.group.is_empty() { "core".to_owned() } else { format!("`{}`", rule.group) };
        let names = match rule.names {
            [] => String::new(),
            names => format!(" named `{}`", names.join("`, `")),
        };
        let resources = short(&rule.resources);
        let verbs = rule.verbs.join(", ");
        let _ = writeln!(table, "| {scope} | {group} | {resources}{names} | {verbs} | {} |", rule.why);
    }
    table
}

fn short(resources: &[String]) -> String {
    let all = |subresource| resources == of(Kind::ALL, subresource);
    match resources {
        _ if all("") => "all".to_owned(),
        _ if all("/status") => "all, `status`".to_owned(),
        some => format!("`{}`", some.join("`, `")),
    }
}

fn of(kinds: &[Kind], subresource: &str) -> Vec<String> {
    kinds.iter().map(|kind| api_resource(*kind).plural + subresource).collect()
}

/// The objects of Flexible scale sets, which are upgraded in place.
fn upgraded() -> Vec<Kind> {
    CHILDREN.into_iter().filter(|kind| *kind != Kind::VirtualMachineScaleSetVM).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_rule_has_a_wildcard_or_a_verb_that_stands_twice_for_a_resource() {
        let mut seen = std::collections::BTreeSet::new();
        for rule in cluster_rules().into_iter().chain(namespace_rules()) {
            for resource in &rule.resources {
                for verb in rule.verbs {
                    assert!(!resource.contains('*') && *verb != "*", "{rule:?}");
                    assert!(seen.insert((rule.group, resource.clone(), *verb)), "{resource} {verb}");
                }
            }
        }
    }

    #[test]
    fn no_role_of_users_has_a_status_or_a_finalizer() {
        for rule in view_rules().into_iter().chain(edit_rules()) {
            let subresources = rule.resources.iter().filter_map(|resource| resource.split_once('/'));
            assert!(subresources.map(|(_, name)| name).all(|name| name == "scale"), "{rule:?}");
        }
    }

    #[test]
    fn a_role_is_written_with_what_each_rule_is_for() {
        let told = yaml(&namespace_rules()).unwrap();
        assert!(told.starts_with("# Publishes its settings for `vnet plan`.\n- "), "{told}");
        let read: Vec<serde_json::Value> = serde_saphyr::from_str(&told).unwrap();
        assert_eq!(read[1]["resourceNames"], json!(["vnet-settings"]));
        assert_eq!(read[0]["verbs"], json!(["create"]));
    }
}
