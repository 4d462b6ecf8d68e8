//! Attaching and detaching, as a user does it: what is refused and how, the remedies followed to the letter, and what the
//! NICs have after it.

use kube::core::DynamicObject;
use serde_json::{Value, json};

use crate::support::manifests::{machine, network, nic, nic_with, subnet};
use crate::support::space::{Space, at, id};
use crate::support::states::{
    attached, bring, has_mac, is_attached_to, is_unattached, mac, own_addresses, power_is, primary,
};

const LIST: &str = "spec.networkProfile.networkInterfaces";

/// NICs `a` to `d`, and a VM `m` with the first of them, which `more` is added to.
fn a_vm(nics: &[&str], more: &str) -> Space<'static> {
    let space = Space::with_a_subnet();
    let all: String = ["a", "b", "c", "d"].iter().map(|name| nic(name, "web")).collect();
    space.apply(&(all + &machine("m", nics, more)));
    for name in ["a", "b", "c", "d"] {
        space.ready(&format!("nic/{name}"));
    }
    space.ready("vm/m");
    space
}

#[test]
fn deallocating_with_the_new_list_and_running_after_it_attaches_and_brings_mac_addresses() {
    let space = a_vm(&["a"], "powerState: Running");
    let before = space.wait("nic/a", "with a MAC address", has_mac);
    space.apply(&machine("m", &["a", "b", "c"], "powerState: Running"));
    let refusal = space.refused("vm/m");
    let told = [1, 2].map(|n| ("VM-03", "OperationNotAllowed", format!("{LIST}[{n}]")));
    assert_eq!(refusal.told(), told.each_ref().map(|(rule, code, path)| (*rule, *code, path.as_str())));
    refusal.advises(&["set powerState to Deallocated together with the new list, and to Running after it"]);
    space.apply(&machine("m", &["a", "b", "c"], "powerState: Deallocated"));
    space.wait("vm/m", "Deallocated", power_is("Deallocated"));
    for id in ["nic/b", "nic/c"] {
        let waiting = space.wait(id, "attached", is_attached_to("m"));
        assert_eq!(mac(&waiting), &Value::Null, "a MAC address comes with the start");
    }
    assert_eq!(attached(&bring(&space, "vm/m", "Running")), ["a", "b", "c"]);
    for id in ["nic/b", "nic/c"] {
        space.wait(id, "with a MAC address", has_mac);
    }
    let after = space.get("nic/a");
    assert_eq!(own_addresses(&after), own_addresses(&before));
}

#[test]
fn a_disruption_policy_is_the_other_remedy_and_it_is_enough() {
    let space = a_vm(&["a"], "powerState: Running");
    space.apply(&machine("m", &["a", "b"], "powerState: Running"));
    let refusal = space.refused("vm/m");
    refusal.advises(&["or set disruptionPolicy to Deallocate"]).stalls();
    space.edit_spec("vm/m", &json!({"disruptionPolicy": "Deallocate"}));
    let vm = space.wait("vm/m", "Running", power_is("Running"));
    assert_eq!(attached(&vm), ["a", "b"]);
    space.wait("nic/b", "with a MAC address", has_mac);
}

#[test]
fn detaching_from_a_running_vm_is_refused_and_deallocating_with_the_new_list_does_it() {
    let space = a_vm(&["a", "b"], "powerState: Running");
    space.wait("nic/b", "with a MAC address", has_mac);
    let (vm, b) = (space.ready("vm/m"), space.ready("nic/b"));
    space.apply(&machine("m", &["a"], "powerState: Running"));
    let refusal = space.refused("vm/m");
    assert_eq!(refusal.told(), [("VM-04", "OperationNotAllowed", LIST)]);
    refusal.shows(&["b", "Running"]).advises(&["Deallocated together with the new list"]).stalls().keeps(&vm);
    assert!(is_attached_to("m")(&space.get("nic/b")), "what is refused has detached nothing");
    space.apply(&machine("m", &["a"], "powerState: Deallocated"));
    let free = space.wait("nic/b", "free", is_unattached);
    assert_eq!(own_addresses(&free), own_addresses(&b));
    assert_eq!(attached(&bring(&space, "vm/m", "Running")), ["a"]);
}

#[test]
fn a_refused_list_that_is_taken_back_leaves_the_vm_as_it_was() {
    let space = a_vm(&["a", "b"], "powerState: Running");
    let before = space.wait("vm/m", "Running", power_is("Running"));
    space.apply(&machine("m", &["c", "d"], "powerState: Running"));
    let refusal = space.refused("vm/m");
    let rules: Vec<_> = refusal.told().into_iter().map(|(rule, ..)| rule).collect();
    assert_eq!(rules, ["VM-03", "VM-03", "VM-04", "VM-04"]);
    refusal.stalls().keeps(&before);
    space.apply(&machine("m", &["a", "b"], "powerState: Running"));
    assert_eq!(at(&space.ready("vm/m"), "/networkInterfaces"), at(&before, "/networkInterfaces"));
}

#[test]
fn what_is_attached_later_is_detached_later_and_the_primary_follows_the_longest_attached() {
    let space = a_vm(&["a"], "powerState: Deallocated");
    for nics in [["a", "d"].as_slice(), &["b", "a", "d"], &["c", "b", "a", "d"]] {
        space.apply(&machine("m", nics, "powerState: Deallocated"));
        space.ready("vm/m");
    }
    let mut order = vec!["a", "d", "b", "c"];
    let list = ["c", "b", "a", "d"];
    while order.len() > 1 {
        let vm = space.ready("vm/m");
        assert_eq!((attached(&vm), primary(&vm)), (order.clone(), order.first().copied()));
        order.remove(0);
        let left: Vec<&str> = list.into_iter().filter(|nic| order.contains(nic)).collect();
        space.apply(&machine("m", &left, "powerState: Deallocated"));
    }
    assert_eq!(primary(&space.ready("vm/m")), Some("c"));
}

#[test]
fn marking_another_nic_as_primary_moves_the_mark_and_nothing_else() {
    let space = a_vm(&["a", "b"], "powerState: Running");
    let macs = ["nic/a", "nic/b"].map(|id| mac(&space.wait(id, "with a MAC address", has_mac)).clone());
    let marked = json!({"networkProfile": {"networkInterfaces": [{"name": "a"}, {"name": "b", "primary": true}]}});
    space.edit_spec("vm/m", &marked);
    let vm = space.ready("vm/m");
    assert_eq!((attached(&vm), primary(&vm)), (vec!["a", "b"], Some("b")));
    let is_primary = |primary: bool| move |nic: &DynamicObject| *at(nic, "/primary") == json!(primary);
    space.wait("nic/a", "secondary", is_primary(false));
    space.wait("nic/b", "primary", is_primary(true));
    assert_eq!(["nic/a", "nic/b"].map(|id| mac(&space.get(id)).clone()), macs);
    // Without a mark, the programmed one stays.
    space.edit_spec("vm/m", &json!({"networkProfile": {"networkInterfaces": [{"name": "a"}, {"name": "b"}]}}));
    assert_eq!(primary(&space.ready("vm/m")), Some("b"));
}

#[test]
fn a_vm_without_a_primary_nic_is_refused_and_one_mark_cures_it() {
    let space = a_vm(&["a", "b"], "");
    let before = space.ready("vm/m");
    let marks = |first: Option<bool>| {
        let nics = [json!({"name": "a", "primary": first}), json!({"name": "b", "primary": false})];
        json!({"networkProfile": {"networkInterfaces": nics}})
    };
    space.edit_spec("vm/m", &marks(Some(false)));
    let refusal = space.refused("vm/m");
    assert_eq!(refusal.told(), [("VM-09", "NetworkInterfaceMustHavePrimaryPropertySet", LIST)]);
    refusal.advises(&["Mark one primary: true, or leave primary out"]).stalls().keeps(&before);
    space.edit_spec("vm/m", &marks(Some(true)));
    assert_eq!(primary(&space.ready("vm/m")), Some("a"));
}

#[test]
fn the_last_nic_of_a_vm_cannot_be_taken_off_the_list() {
    let space = a_vm(&["a"], "powerState: Deallocated");
    let told = space.apply_refused(&machine("m", &[], "powerState: Deallocated"));
    assert!(told.contains(LIST) && told.contains("at least 1 items"), "{told}");
}

#[test]
fn a_vm_without_a_power_state_is_deallocated_by_one_edit_and_then_left_so() {
    let space = a_vm(&["a"], "");
    space.wait("vm/m", "Running", power_is("Running"));
    space.apply(&machine("m", &["a", "b"], ""));
    space.refused("vm/m").advises(&["set powerState to Deallocated together with the new list"]).stalls();
    space.apply(&machine("m", &["a", "b"], "powerState: Deallocated"));
    assert_eq!(attached(&space.wait("vm/m", "Deallocated", power_is("Deallocated"))), ["a", "b"]);
    space.apply(&machine("m", &["a", "b", "c"], ""));
    let vm = space.ready("vm/m");
    assert_eq!((attached(&vm), at(&vm, "/powerState")), (vec!["a", "b", "c"], &json!("Deallocated")));
}

#[test]
fn a_vm_that_is_deleted_leaves_its_nics_to_the_next_one_with_all_that_they_have() {
    let space = a_vm(&["b", "a"], "powerState: Running");
    let before = ["nic/a", "nic/b"].map(|id| space.wait(id, "with a MAC address", has_mac));
    space.delete("vm/m");
    space.gone("vm/m");
    for id in ["nic/a", "nic/b"] {
        space.wait(id, "free", is_unattached);
    }
    space.apply(&machine("next", &["a", "b"], "powerState: Running"));
    assert_eq!(primary(&space.ready("vm/next")), Some("a"));
    for before in before {
        let after = space.wait(&id(&before), "attached", is_attached_to("next"));
        assert_eq!(own_addresses(&after), own_addresses(&before));
    }
}

#[test]
fn a_nic_of_another_network_is_not_attached_and_a_nic_of_the_same_one_in_its_place_is() {
    let space = a_vm(&["a"], "powerState: Deallocated");
    space.apply(&(network("other", "10.8.0.0/16") + &subnet("far", "other", "10.8.1.0/24") + &nic("e", "far")));
    space.ready("nic/e");
    let before = space.ready("vm/m");
    space.apply(&machine("m", &["a", "e"], "powerState: Deallocated"));
    let refusal = space.refused("vm/m");
    assert_eq!(refusal.told(), [("VM-06", "SubnetsNotInSameVnet", format!("{LIST}[1]").as_str())]);
    refusal.shows(&["e", "other", "a", "hub"]).advises(&["VirtualNetwork", "hub", "only"]).stalls().keeps(&before);
    space.apply(&machine("m", &["a", "b"], "powerState: Deallocated"));
    assert_eq!(attached(&space.ready("vm/m")), ["a", "b"]);
}

#[test]
fn a_nic_with_ipv6_is_not_attached_to_a_vm_that_exists_until_it_goes_without() {
    let space = a_vm(&["a"], "powerState: Deallocated");
    space.apply(&nic_with("b", "web", &["{name: one, primary: true}", "{name: six, privateIPAddressVersion: IPv6}"]));
    space.ready("nic/b");
    let before = space.ready("vm/m");
    space.apply(&machine("m", &["a", "b"], "powerState: Deallocated"));
    let refusal = space.refused("vm/m");
    assert_eq!(refusal.told(), [("IP6-06", "OperationNotAllowed", format!("{LIST}[1]").as_str())]);
    refusal.shows(&["b", "IPv6"]).advises(&["Remove the IPv6 configuration"]).waits().keeps(&before);
    space.apply(&nic_with("b", "web", &["{name: one, primary: true}"]));
    assert_eq!(attached(&space.ready("vm/m")), ["a", "b"]);
}
