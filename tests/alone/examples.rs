//! examples/, deleted whole and applied again, in a cluster that holds nothing else.

use std::collections::BTreeMap;

use kube::ResourceExt;
use kube::core::DynamicObject;

use crate::support::cluster::alone;
use crate::support::examples::Examples;
use crate::support::space::{Space, at};

/// Every address that is shown anywhere.
fn addresses(space: &Space<'_>) -> BTreeMap<String, String> {
    let shown = ["/ipConfigurations/0/privateIPAddress", "/ipConfigurations/1/privateIPAddress", "/ipAddress"];
    let addresses = |object: &DynamicObject| shown.map(|field| at(object, field).to_string()).join(" ");
    let name = |object: &DynamicObject| format!("{:?} {}", object.types, object.name_any());
    space.all().iter().map(|object| (name(object), addresses(object))).collect()
}

#[test]
fn deleted_at_once_in_any_order_nothing_is_left_and_the_same_tree_gets_the_same_addresses() {
    let cluster = alone(); // the public pool is everybody's
    let space = Space::on(&cluster);
    let examples = Examples::moved_to(&space);
    let first = apply_in_order(&space, &examples);
    let forwards: Vec<String> = examples.files().into_iter().map(|file| examples.path(&file)).collect();
    delete(&space, &forwards);
    assert_eq!(apply_in_order(&space, &examples), first);
    let backwards: Vec<String> = forwards.iter().rev().cloned().collect();
    delete(&space, &backwards);
    assert_eq!(apply_in_order(&space, &examples), first);
    space.kubectl_ok(&["delete", "namespace", &space.name, "--timeout=300s"], "");
    assert_eq!(space.all().len(), 0);
    space.create();
    assert_eq!(apply_in_order(&space, &examples), first);
}

/// One object after the other, so that chance does not decide who comes first.
fn apply_in_order(space: &Space<'_>, examples: &Examples) -> BTreeMap<String, String> {
    for file in examples.files() {
        for document in examples.documents(&file) {
            space.apply(&document);
        }
        examples.ids(&[file]).iter().for_each(|id| drop(space.ready(id)));
    }
    space.wait("pip/jump", "with an address", |pip| at(pip, "/ipAddress").is_string());
    addresses(space)
}

fn delete(space: &Space<'_>, files: &[String]) {
    let mut arguments = vec!["delete", "--timeout=60s"];
    arguments.extend(files.iter().flat_map(|file| ["-f", file]));
    space.kubectl_ok(&arguments, "");
    assert_eq!(space.all().len(), 0);
}
