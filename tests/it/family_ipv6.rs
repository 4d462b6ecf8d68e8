//! IPv6 in its legacy form: one secondary Dynamic configuration, of a NIC that a VM is created with.

use crate::support::manifests::{machine, network, nic, nic_with, public_address, subnet};
use crate::support::space::Space;
use crate::support::states::{attached, configurations, is_attached_to};

const VERSION: &str = "spec.ipConfigurations[1].privateIPAddressVersion";
const FOUR: &str = "{name: four, primary: true}";
const SIX: &str = "{name: six, privateIPAddressVersion: IPv6}";

/// The network `hub` and its subnet `web`, each with an IPv6 range.
fn with_ipv6() -> Space<'static> {
    let space = Space::empty();
    space.apply(&network("hub", "10.0.0.0/16, 'fd00:db8::/48'"));
    space.apply(&subnet("web", "hub", "10.0.1.0/24, 'fd00:db8:0:1::/64'"));
    space.ready("subnet/web");
    space
}

#[test]
fn a_vm_is_created_with_a_nic_that_has_ipv6() {
    let space = with_ipv6();
    space.apply(&(nic_with("a", "web", &[FOUR, SIX]) + &machine("m", &["a"], "")));
    space.ready("vm/m");
    let nic = space.wait("nic/a", "attached", is_attached_to("m"));
    assert_eq!(configurations(&nic), [("four", "10.0.1.4"), ("six", "fd00:db8:0:1::4")]);
}

#[test]
fn an_ipv6_configuration_has_an_address_as_soon_as_its_subnet_has_a_range() {
    let space = Space::with_a_subnet();
    space.apply(&nic_with("a", "web", &[FOUR, SIX]));
    assert_eq!(configurations(&space.ready("nic/a")), [("four", "10.0.1.4"), ("six", "none")]);
    space.apply(&network("hub", "10.0.0.0/16, 'fd00:db8::/48'"));
    space.apply(&subnet("web", "hub", "10.0.1.0/24, 'fd00:db8:0:1::/64'"));
    let served = [("four", "10.0.1.4"), ("six", "fd00:db8:0:1::4")];
    space.wait("nic/a", "with an IPv6 address", |nic| configurations(nic) == served);
}

#[test]
fn ipv6_is_added_to_an_unattached_nic_and_removed_again() {
    let space = with_ipv6();
    space.apply(&nic_with("a", "web", &[FOUR]));
    space.ready("nic/a");
    space.apply(&nic_with("a", "web", &[FOUR, SIX]));
    assert_eq!(configurations(&space.ready("nic/a"))[1], ("six", "fd00:db8:0:1::4"));
    space.apply(&nic_with("a", "web", &[FOUR]));
    assert_eq!(configurations(&space.ready("nic/a")), [("four", "10.0.1.4")]);
}

#[test]
fn a_nic_of_ipv6_alone_is_refused_and_mended_as_the_remedy_says() {
    let space = with_ipv6();
    space.apply(&nic_with("a", "web", &[SIX]));
    let refusal = space.refused("nic/a");
    let path = "spec.ipConfigurations[0].privateIPAddressVersion";
    assert_eq!(refusal.told(), [("IP6-01", "InvalidParameter", path)]);
    refusal.advises(&["Make an IPv4 configuration the primary one, and add the IPv6 one as secondary."]).stalls();
    space.apply(&nic_with("a", "web", &[SIX, FOUR]));
    assert_eq!(configurations(&space.ready("nic/a")), [("four", "10.0.1.4"), ("six", "fd00:db8:0:1::4")]);
}

#[test]
fn an_ipv6_configuration_beside_one_without_a_mark_lacks_only_the_mark() {
    let space = with_ipv6();
    space.apply(&nic_with("a", "web", &["{name: four}", SIX]));
    let refusal = space.refused("nic/a");
    assert_eq!(
        refusal.told(),
        [("IPC-02", "NetworkInterfaceMustHaveOneOneIPConfigAsPrimary", "spec.ipConfigurations")]
    );
    refusal.advises(&["Mark one of them primary: true."]);
    space.apply(&nic_with("a", "web", &[FOUR, SIX]));
    space.ready("nic/a");
}

#[test]
fn ipv6_beside_another_secondary_configuration_is_refused_and_stays_when_that_is_removed() {
    let space = with_ipv6();
    space.apply(&nic_with("a", "web", &[FOUR, "{name: other}"]));
    let before = space.ready("nic/a");
    space.apply(&nic_with("a", "web", &[FOUR, SIX, "{name: other}"]));
    let refusal = space.refused("nic/a");
    assert_eq!(refusal.told(), [("IP6-02", "InvalidParameter", VERSION)]);
    refusal.shows(&["six is IPv6", "1 other secondary"]).stalls().keeps(&before);
    refusal.advises(&["Keep one IPv6 configuration beside the primary one, and remove the other secondary ones."]);
    space.apply(&nic_with("a", "web", &[FOUR, SIX]));
    assert_eq!(configurations(&space.ready("nic/a")), [("four", "10.0.1.4"), ("six", "fd00:db8:0:1::4")]);
}

#[test]
fn a_static_or_public_ipv6_address_is_refused_at_once_with_what_to_leave_out() {
    let space = with_ipv6();
    space.apply(&public_address("front", "Standard"));
    let refused = [
        ("privateIPAllocationMethod: Static", "leave privateIPAllocationMethod out"),
        ("publicIPAddress: {name: front}", "leave publicIPAddress out"),
    ];
    for (field, remedy) in refused {
        let told = space.apply_refused(&nic_with("a", "web", &[FOUR, &SIX.replace('}', &format!(", {field}}}"))]));
        assert!(told.contains("spec.ipConfigurations[1]") && told.contains(remedy), "{told}");
    }
    space.apply(&nic_with("a", "web", &[FOUR, SIX]));
    space.ready("nic/a");
}

#[test]
fn ipv6_is_added_by_itself_once_the_nic_is_detached() {
    let space = with_ipv6();
    space.apply(&(nic("first", "web") + &nic_with("a", "web", &[FOUR])));
    space.apply(&machine("m", &["first", "a"], "powerState: Deallocated"));
    let before = space.wait("nic/a", "attached", is_attached_to("m"));
    space.apply(&nic_with("a", "web", &[FOUR, SIX]));
    let refusal = space.refused("nic/a");
    assert_eq!(refusal.told(), [("IP6-05", "OperationNotAllowed", VERSION)]);
    refusal.advises(&["Detach it from VirtualMachine"]).is_blocked_by(&[("VirtualMachine", "m")]).keeps(&before);
    space.apply(&machine("m", &["first"], "powerState: Deallocated"));
    let served = space.cured("nic/a", &refusal);
    assert_eq!(configurations(&served)[1], ("six", "fd00:db8:0:1::4"));
}

#[test]
fn ipv6_is_added_to_the_only_nic_of_a_vm_once_that_is_deleted() {
    let space = with_ipv6();
    space.apply(&(nic_with("a", "web", &[FOUR]) + &machine("m", &["a"], "")));
    space.wait("nic/a", "attached", is_attached_to("m"));
    space.apply(&nic_with("a", "web", &[FOUR, SIX]));
    let refusal = space.refused("nic/a");
    assert_eq!(refusal.rules(), ["IP6-05"]);
    refusal.advises(&["or delete VirtualMachine", "a VM takes a NIC with IPv6 only when the VM is created."]);
    space.delete("vm/m");
    space.cured("nic/a", &refusal);
    space.apply(&machine("m", &["a"], ""));
    assert_eq!(attached(&space.ready("vm/m")), ["a"]);
}

#[test]
fn everything_wrong_with_ipv6_is_told_at_once() {
    let space = with_ipv6();
    space.apply(&(nic_with("a", "web", &[FOUR]) + &machine("m", &["a"], "")));
    let before = space.wait("nic/a", "attached", is_attached_to("m"));
    space.apply(&nic_with("a", "web", &[FOUR, SIX, "{name: seven, privateIPAddressVersion: IPv6}"]));
    let refusal = space.refused("nic/a");
    assert_eq!(refusal.rules(), ["IP6-02", "IP6-05", "IP6-05"]);
    refusal.stalls().keeps(&before);
    space.apply(&nic_with("a", "web", &[FOUR, SIX]));
    let refusal = space.refused("nic/a");
    assert_eq!(refusal.rules(), ["IP6-05"]);
    space.delete("vm/m");
    assert_eq!(configurations(&space.cured("nic/a", &refusal))[1], ("six", "fd00:db8:0:1::4"));
}

/// The deallocated VM `m` with the NIC `first`, and `a`, which has IPv6 and is asked to be attached to it.
fn with_ipv6_for_an_existing_vm() -> Space<'static> {
    let space = with_ipv6();
    space.apply(&(nic("first", "web") + &nic_with("a", "web", &[FOUR, SIX])));
    space.apply(&machine("m", &["first"], "powerState: Deallocated"));
    let before = space.ready("vm/m");
    space.ready("nic/a");
    space.apply(&machine("m", &["first", "a"], "powerState: Deallocated"));
    let refusal = space.refused("vm/m");
    let path = "spec.networkProfile.networkInterfaces[1]";
    assert_eq!(refusal.told(), [("IP6-06", "OperationNotAllowed", path)]);
    let remedy = "Remove the IPv6 configuration, or create another virtual machine with this network interface.";
    refusal.advises(&[remedy]).keeps(&before);
    space
}

#[test]
fn an_existing_vm_takes_a_nic_by_itself_once_its_ipv6_configuration_is_removed() {
    let space = with_ipv6_for_an_existing_vm();
    let refusal = space.refused("vm/m");
    space.apply(&nic_with("a", "web", &[FOUR]));
    assert_eq!(attached(&space.cured("vm/m", &refusal)), ["first", "a"]);
}

#[test]
fn another_vm_is_created_with_the_nic_that_an_existing_one_does_not_take() {
    let space = with_ipv6_for_an_existing_vm();
    space.apply(&machine("another", &["a"], ""));
    assert_eq!(attached(&space.ready("vm/another")), ["a"]);
    space.apply(&machine("m", &["first"], "powerState: Deallocated"));
    assert_eq!(attached(&space.ready("vm/m")), ["first"]);
}
