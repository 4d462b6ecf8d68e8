//! NICs that move from one VM to another: by one apply, in whatever order its objects are reconciled; and moves that can
//! never end, which are reported.

use kube::core::DynamicObject;

use crate::support::manifests::{machine, nic};
use crate::support::space::{Space, id};
use crate::support::states::{attached, has_mac, is_attached_to, own_addresses, power_is};

const FIRST: &str = "spec.networkProfile.networkInterfaces[0]";
const SECOND: &str = "spec.networkProfile.networkInterfaces[1]";
const DEALLOCATED: &str = "powerState: Deallocated";
const DISRUPTED: &str = "powerState: Running, disruptionPolicy: Deallocate";

/// VMs by name, each with NICs of one letter.
fn vms(vms: &[(&str, &[&str])], more: &str) -> Space<'static> {
    let space = Space::with_a_subnet();
    let all = vms.iter().flat_map(|(_, nics)| *nics);
    let nics: String = all.clone().map(|name| nic(name, "web")).collect();
    let machines: String = vms.iter().map(|(name, nics)| machine(name, nics, more)).collect();
    space.apply(&(nics + &machines));
    for nic in all {
        space.ready(&format!("nic/{nic}"));
    }
    for (name, _) in vms {
        space.ready(&format!("vm/{name}"));
    }
    space
}

/// NIC `p` moves from `m` to `o` by one apply of both.
fn p_moves(more: &str, document_of: impl Fn(&str, &str) -> String) {
    let space = vms(&[("m", &["a", "p"]), ("o", &["b"])], "powerState: Running");
    let before = space.wait("nic/p", "with a MAC address", has_mac);
    space.apply(&document_of(&machine("m", &["a"], more), &machine("o", &["b", "p"], more)));
    assert_eq!(attached(&space.ready("vm/o")), ["b", "p"]);
    assert_eq!(attached(&space.ready("vm/m")), ["a"]);
    let after = space.wait("nic/p", "attached", is_attached_to("o"));
    assert_eq!(own_addresses(&after), own_addresses(&before));
}

fn giver_first(giver: &str, taker: &str) -> String {
    format!("{giver}{taker}")
}

fn taker_first(giver: &str, taker: &str) -> String {
    format!("{taker}{giver}")
}

#[test]
fn a_nic_moves_between_deallocated_vms_with_the_giver_applied_first() {
    p_moves(DEALLOCATED, giver_first);
}

#[test]
fn a_nic_moves_between_deallocated_vms_with_the_taker_applied_first() {
    p_moves(DEALLOCATED, taker_first);
}

#[test]
fn a_nic_moves_between_running_vms_that_may_be_disrupted_with_the_giver_applied_first() {
    p_moves(DISRUPTED, giver_first);
}

#[test]
fn a_nic_moves_between_running_vms_that_may_be_disrupted_with_the_taker_applied_first() {
    p_moves(DISRUPTED, taker_first);
}

#[test]
fn a_nic_waits_for_a_running_vm_to_be_deallocated_and_moves_when_it_is() {
    let space = vms(&[("m", &["a", "p"]), ("o", &["b"])], "powerState: Running");
    let before = space.ready("vm/o");
    space.apply(&taker_first(&machine("m", &["a"], "powerState: Running"), &machine("o", &["b", "p"], DISRUPTED)));
    space.refused("vm/m").advises(&["set powerState to Deallocated together with the new list"]).stalls();
    let refusal = space.refused("vm/o");
    assert_eq!(refusal.told(), [("VM-07", "NicInUse", SECOND)]);
    refusal.shows(&["p", "m"]).advises(&["Detach it from VirtualMachine", "m"]);
    refusal.is_blocked_by(&[("VirtualMachine", "m")]).waits().keeps(&before);
    space.apply(&machine("m", &["a"], DEALLOCATED));
    assert_eq!(attached(&space.wait("vm/o", "Running", power_is("Running"))), ["b", "p"]);
}

#[test]
fn a_nic_goes_to_a_new_vm_that_is_applied_with_the_list_that_lets_go_of_it() {
    let space = vms(&[("m", &["a", "p"])], DISRUPTED);
    space.apply(&taker_first(&machine("m", &["a"], DISRUPTED), &machine("new", &["p"], DISRUPTED)));
    assert_eq!(attached(&space.ready("vm/new")), ["p"]);
    assert_eq!(attached(&space.ready("vm/m")), ["a"]);
}

/// The VM stalls: it waits for a NIC of another one that waits for one of its own.
fn is_told_who_goes_first(space: &Space<'_>, before: &DynamicObject, path: &str, first: &str) {
    let refusal = space.stalled(&id(before));
    assert_eq!(refusal.told(), [("VM-07", "NicInUse", path)]);
    refusal.advises(&[&format!("Let VirtualMachine {}/{first} go first", space.name)]).stalls().keeps(before);
}

fn a_swap_ends_when_the_first_lets_go(more: &str) {
    let space = vms(&[("m", &["a", "p"]), ("o", &["b", "q"])], more);
    let before = ["vm/m", "vm/o"].map(|id| space.ready(id));
    space.apply(&(machine("m", &["a", "q"], more) + &machine("o", &["b", "p"], more)));
    for before in &before {
        is_told_who_goes_first(&space, before, SECOND, "m");
    }
    space.apply(&machine("m", &["a"], more));
    assert_eq!(attached(&space.ready("vm/o")), ["b", "p"]);
    space.ready("vm/m");
    space.apply(&machine("m", &["a", "q"], more));
    assert_eq!(attached(&space.ready("vm/m")), ["a", "q"]);
}

#[test]
fn a_swap_of_two_nics_stalls_and_ends_when_the_one_that_is_told_lets_go() {
    a_swap_ends_when_the_first_lets_go(DEALLOCATED);
}

#[test]
fn a_swap_between_running_vms_that_may_be_disrupted_stalls_and_ends_in_the_same_way() {
    a_swap_ends_when_the_first_lets_go(DISRUPTED);
}

#[test]
fn two_vms_of_one_nic_each_swap_when_the_one_that_is_told_takes_a_third_nic_meanwhile() {
    let space = vms(&[("m", &["p"]), ("o", &["q"])], DISRUPTED);
    let before = ["vm/m", "vm/o"].map(|id| space.ready(id));
    space.apply(&(machine("m", &["q"], DISRUPTED) + &machine("o", &["p"], DISRUPTED)));
    for before in &before {
        is_told_who_goes_first(&space, before, FIRST, "m");
    }
    space.apply(&(nic("spare", "web") + &machine("m", &["spare"], DISRUPTED)));
    assert_eq!(attached(&space.ready("vm/o")), ["p"]);
    space.ready("vm/m");
    space.apply(&machine("m", &["q"], DISRUPTED));
    assert_eq!(attached(&space.ready("vm/m")), ["q"]);
}

#[test]
fn three_vms_that_pass_their_nics_round_stall_and_end_when_the_one_that_is_told_lets_go() {
    let space = vms(&[("k", &["p", "a"]), ("l", &["q", "b"]), ("m", &["r", "c"])], DEALLOCATED);
    let before = ["vm/k", "vm/l", "vm/m"].map(|id| space.ready(id));
    let round = [machine("k", &["r", "a"], DEALLOCATED), machine("l", &["p", "b"], DEALLOCATED)];
    space.apply(&(round.concat() + &machine("m", &["q", "c"], DEALLOCATED)));
    for before in &before {
        is_told_who_goes_first(&space, before, FIRST, "k");
    }
    space.apply(&machine("k", &["a"], DEALLOCATED));
    assert_eq!(attached(&space.ready("vm/l")), ["b", "p"]);
    assert_eq!(attached(&space.ready("vm/m")), ["c", "q"]);
    space.ready("vm/k");
    space.apply(&machine("k", &["r", "a"], DEALLOCATED));
    assert_eq!(attached(&space.ready("vm/k")), ["a", "r"]);
}
