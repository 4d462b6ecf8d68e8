//! Deletions that the fabric refuses for now: the object says who is in the way, and goes as soon as that has let go.

use serde_json::json;

use crate::support::manifests::{machine, nic, nic_with, public_address, public_configuration};
use crate::support::refusal::Refusal;
use crate::support::scale_sets::ScaleSet;
use crate::support::space::Space;
use crate::support::states::is_unattached;

const DELETION: &str = "metadata.deletionTimestamp";

/// Deletes an object that another one uses, and waits until it shows that.
fn delete_in_use(space: &Space<'_>, id: &str, (rule, code): (&str, &str), user: (&str, &str)) -> Refusal {
    space.delete(id);
    let refusal = space.refused(id);
    assert_eq!(refusal.told(), [(rule, code, DELETION)]);
    refusal.shows(&[user.0, user.1]).is_blocked_by(&[user]).waits();
    refusal
}

/// Waits until all of these are gone.
fn all_gone<const N: usize>(space: &Space<'_>, ids: [&str; N]) {
    ids.into_iter().for_each(|id| space.gone(id));
}

// shows ARM-03, S-08, S-09
#[test]
fn a_nic_that_is_attached_goes_when_its_vm_does() {
    let space = Space::with_a_subnet();
    space.apply(&(nic("a", "web") + &machine("m", &["a"], "")));
    space.ready("vm/m");
    let refusal = delete_in_use(&space, "nic/a", ("NIC-24", "NicInUse"), ("VirtualMachine", "m"));
    refusal.advises(&[
        "Detach it from VirtualMachine",
        "or delete VirtualMachine",
        "it is then deleted automatically.",
    ]);
    space.delete("vm/m");
    space.gone("nic/a");
}

#[test]
fn a_nic_that_is_attached_goes_when_its_vm_lets_go_of_it() {
    let space = Space::with_a_subnet();
    space.apply(&(nic("a", "web") + &nic("b", "web") + &machine("m", &["a", "b"], "")));
    space.ready("vm/m");
    space.delete("nic/b");
    space.refused("nic/b").advises(&["Detach it from VirtualMachine"]).waits();
    space.apply(&machine("m", &["a"], "powerState: Deallocated"));
    space.gone("nic/b");
    space.ready("vm/m");
}

/// The NIC of this name, with the public address of that name, which is deleted with both.
fn with_public(name: &str) -> String {
    let public = format!("publicIPAddress: {{name: {name}, deleteOption: Delete}}");
    public_address(name, "Basic") + &nic_with(name, "web", &[&format!("{{name: ip, {public}}}")])
}

// shows VM-23
#[test]
fn a_vm_takes_along_what_its_delete_option_says_and_leaves_the_rest() {
    let space = Space::with_a_subnet();
    let gone = "{name: gone, deleteOption: Delete}";
    space.apply(&(with_public("gone") + &with_public("stays")));
    space.apply(&machine("m", &["gone", "stays"], "").replace("{name: gone}", gone));
    let vm = space.ready("vm/m");
    let listed = vm.data.pointer("/status/programmed/networkProfile/networkInterfaces").unwrap();
    assert_eq!((&listed[0]["deleteOption"], listed[1].get("deleteOption")), (&json!("Delete"), None));
    space.delete("vm/m");
    all_gone(&space, ["vm/m", "nic/gone", "pip/gone"]);
    space.wait("nic/stays", "free", is_unattached);
    space.ready("nic/stays");
    space.ready("pip/stays");
}

#[test]
fn what_is_deleted_with_a_vm_is_of_its_namespace() {
    let space = Space::with_a_subnet();
    space.apply(&nic("a", "web"));
    space.ready("nic/a");
    let foreign = "{name: a, namespace: elsewhere, deleteOption: Delete}";
    space.apply(&machine("m", &["a"], "").replace("{name: a}", foreign));
    let path = "spec.networkProfile.networkInterfaces[0]";
    let refusal = space.refused("vm/m");
    let told = [
        ("VM-23", "InvalidParameter", format!("{path}.deleteOption")),
        ("NIC-03", "InvalidResourceReference", path.to_owned()),
    ];
    assert_eq!(refusal.told(), told.each_ref().map(|(rule, code, path)| (*rule, *code, path.as_str())));
    refusal.advises(&["Leave deleteOption out"]).stalls();
}

#[test]
fn machines_of_a_flexible_set_carry_the_delete_options_of_the_model() {
    let space = Space::with_a_subnet();
    let set = ScaleSet::flexible(1).nic("deleteOption: Delete").public_with("deleteOption: Delete");
    space.apply(&set.manifest());
    let (vm, nic) = (space.ready("vm/api-0"), space.ready("nic/api-0-nic"));
    let of_nic = "/spec/networkProfile/networkInterfaces/0/deleteOption";
    let of_public = "/spec/ipConfigurations/0/publicIPAddress/deleteOption";
    let options = [vm.data.pointer(of_nic), nic.data.pointer(of_public)];
    assert_eq!(options, [Some(&json!("Delete")); 2]);
    space.delete("vm/api-0");
    all_gone(&space, ["vm/api-0", "nic/api-0-nic", "pip/api-0-nic-ip"]);
    space.ready("vm/api-1"); // another instance takes its place
}

#[test]
fn a_subnet_that_is_used_goes_when_its_nics_have() {
    let space = Space::with_a_subnet();
    space.apply(&nic("a", "web"));
    space.ready("nic/a");
    let user = ("NetworkInterface", "a");
    delete_in_use(&space, "subnet/web", ("VNET-05", "InUseSubnetCannotBeDeleted"), user);
    space.delete("nic/a");
    space.gone("subnet/web");
}

#[test]
fn a_network_with_subnets_goes_when_they_have() {
    let space = Space::with_a_subnet();
    delete_in_use(&space, "vnet/hub", ("VNET-06", "InUseSubnetCannotBeDeleted"), ("Subnet", "web"));
    space.delete("subnet/web");
    space.gone("vnet/hub");
}

#[test]
fn a_public_address_that_is_held_goes_when_the_nic_lets_go_of_it() {
    let space = Space::with_a_subnet();
    space.apply(&public_address("front", "Standard"));
    space.ready("pip/front");
    space.apply(&nic_with("a", "web", &[&public_configuration("ipconfig1", "front")]));
    space.ready("nic/a");
    let user = ("NetworkInterface", "a");
    let refusal = delete_in_use(&space, "pip/front", ("PIP-11", "PublicIPAddressCannotBeDeleted"), user);
    refusal.shows(&["ipconfig1"]).advises(&["publicIPAddress"]);
    space.edit_spec("nic/a", &json!({"ipConfigurations": [{"name": "ipconfig1"}]}));
    space.gone("pip/front");
    space.ready("nic/a");
}

#[test]
fn an_object_that_was_never_programmed_goes_at_once() {
    let space = Space::empty();
    space.apply(&nic("a", "nowhere"));
    space.refused("nic/a");
    space.delete("nic/a");
    space.gone("nic/a");
}
