//! The rules that hold for objects of every kind, and the clock.

use std::time::Duration;

use jiff::Timestamp;

use crate::fabric::resource::Resource;
use crate::fabric::testing::*;
use crate::fabric::virtual_machine::PowerState;
use crate::fabric::{Code, Kind, NetworkInterface, ObjectId, VirtualMachine, WaitKey};

fn progress(fabric: &Fabric) -> Option<(&'static str, String)> {
    VirtualMachine::progress(&fabric.engine, &named("v"), fabric.get("v"))
}

// accepts any ARM-10
#[test]
fn a_name_of_eighty_characters_is_accepted() {
    an_empty_fabric().accept(a_network(&"n".repeat(80)));
}

// refuses any ARM-10
#[test]
fn a_name_of_eighty_one_characters_is_refused() {
    let refusal = an_empty_fabric().put(a_network(&"n".repeat(81))).unwrap_err();
    assert_eq!(told(&refusal), [("ARM-10", Code::InvalidResourceName, "metadata.name")]);
    assert!(refusal.stalls());
}

// accepts any S-12
#[test]
fn a_location_of_letters_and_digits_is_accepted() {
    an_empty_fabric().accept(a_network("hub").in_location("westus2"));
}

// refuses any S-12
#[test]
fn a_location_that_names_no_region_is_refused() {
    for location in ["", "West Europe", "west_europe", "\u{202e}westeurope"] {
        let refusal = an_empty_fabric().put(a_network("hub").in_location(location)).unwrap_err();
        assert_eq!(told(&refusal), [("S-12", Code::InvalidResourceLocation, "spec.location")]);
        assert!(refusal.stalls());
    }
}

// accepts any ARM-16
#[test]
fn a_tag_name_without_the_refused_characters_is_accepted() {
    an_empty_fabric().accept(a_network("hub").tags(["app.kubernetes.io-name", "cost center: 7 (EUR)", "\u{e9}"]));
}

// refuses any ARM-16
#[test]
fn a_tag_name_with_a_refused_character_is_refused() {
    for name in ["kubernetes.io/cluster/x", "a<b", "a>b", "50%", "a&b", "a\\b", "why?"] {
        let refusal = an_empty_fabric().put(a_network("hub").tags(["fine", name])).unwrap_err();
        let path = format!("spec.tags{}", crate::fabric::path::step(name));
        assert_eq!(told(&refusal), [("ARM-16", Code::InvalidTagNameCharacters, path.as_str())]);
        assert!(refusal.stalls());
    }
}

// accepts any S-94
#[test]
fn a_spec_of_480_kib_is_accepted() {
    an_empty_fabric().accept(a_network("hub").bytes(480 * 1024));
}

// refuses any S-94
#[test]
fn a_spec_of_more_than_480_kib_is_refused() {
    let refusal = an_empty_fabric().put(a_network("hub").bytes(480 * 1024 + 1)).unwrap_err();
    assert_eq!(told(&refusal), [("S-94", Code::RequestContentTooLarge, "spec")]);
    assert!(refusal.stalls());
}

/// A fabric that is restored from what an earlier version had accepted.
fn restored(asked: A<crate::fabric::VirtualNetwork>) -> Fabric {
    let mut earlier = an_empty_fabric().with(a_network("hub"));
    let programmed = earlier.get::<crate::fabric::VirtualNetwork>("hub").clone();
    let crate::fabric::Programmed { uid, placement, ask, .. } = programmed;
    let record =
        crate::fabric::Record { uid, generation: 1, placement, common: asked.common, ask, view: Default::default() };
    earlier.engine = crate::fabric::Engine::new(Default::default());
    assert_eq!(earlier.engine.restore(&named("hub"), record.into()), [] as [&str; 0]);
    earlier
}

// shows S-93
#[test]
fn tags_and_a_size_that_were_accepted_earlier_stay() {
    let old = || a_network("hub").tags(["kubernetes.io/role"]).bytes(500 * 1024);
    let mut fabric = restored(old());
    fabric.accept(old());
    fabric.accept(old().prefixes(["10.0.0.0/8"]));
    let refusal = fabric.put(old().tags(["kubernetes.io/role", "a/b"])).unwrap_err();
    assert_eq!(told(&refusal), [("ARM-16", Code::InvalidTagNameCharacters, "spec.tags[a/b]")]);
    let refusal = fabric.put(old().bytes(500 * 1024 + 1)).unwrap_err();
    assert_eq!(told(&refusal), [("S-94", Code::RequestContentTooLarge, "spec")]);
    fabric.accept(a_network("hub"));
    assert_eq!(fabric.put(old()).unwrap_err().codes().len(), 2, "what was given up is new again");
}

/// S-93
#[test]
fn a_generation_that_was_accepted_is_not_judged_again() {
    let mut fabric = restored(a_network("hub"));
    let mut same = a_network("hub").tags(["a/b"]);
    fabric.accept(a_network("hub"));
    same.ask.dns_servers = vec!["10.0.0.4".parse().unwrap()];
    assert_eq!(fabric.put(same).unwrap_err().codes(), [Code::InvalidTagNameCharacters]);
}

/// S-12
#[test]
fn a_location_that_is_said_later_and_is_the_same_is_accepted() {
    an_empty_fabric().with(a_network("hub")).accept(a_network("hub").in_location("westeurope"));
}

/// S-12
#[test]
fn a_location_cannot_be_changed() {
    let mut fabric = an_empty_fabric().with(a_network("hub"));
    let refusal = fabric.put(a_network("hub").in_location("norwayeast")).unwrap_err();
    assert_eq!(told(&refusal), [("S-12", Code::InvalidResourceLocation, "spec.location")]);
    assert!(refusal.stalls());
}

/// S-12
#[test]
fn an_object_stays_where_it_was_when_the_subscription_of_its_namespace_changes() {
    let mut fabric = an_empty_fabric().with(a_network("hub"));
    fabric.accept(a_network("hub").of_subscription("other"));
    assert_eq!(&*fabric.get::<crate::fabric::VirtualNetwork>("hub").placement.subscription, "default");
}

#[test]
fn all_that_is_broken_is_told_at_once_and_what_stalls_comes_first() {
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.1.0/24")).with(a_nic("m").static_address("10.0.1.9"));
    let broken = a_nic("n").dns_servers(21).configurations([
        primary("a").address("10.0.1.9"),
        secondary("a").address("10.0.1.3"),
        secondary("c").public("nowhere"),
    ]);
    let refusal = fabric.put(broken).unwrap_err();
    assert_eq!(
        told(&refusal),
        [
            ("NIC-21", Code::NetcfgInvalidDnsServer, "spec.dnsSettings.dnsServers"),
            ("IPC-10", Code::DuplicateResourceName, "spec.ipConfigurations[1].name"),
            ("ADDR-01", Code::PrivateIPAddressInReservedRange, "spec.ipConfigurations[1].privateIPAddress"),
            ("ADDR-08", Code::PrivateIPAddressInUse, "spec.ipConfigurations[0].privateIPAddress"),
            ("PIP-12", Code::InvalidResourceReference, "spec.ipConfigurations[2].publicIPAddress"),
        ]
    );
}

/// S-36
#[test]
fn a_reference_to_a_refused_object_tells_why_that_was_refused() {
    let mut fabric = a_fabric();
    let absent = fabric.put(a_nic("n")).unwrap_err();
    assert!(absent.leading().message.contains("does not exist"));
    fabric.cure(&absent, |fabric| assert!(fabric.put(a_subnet("web", "11.0.0.0/24")).is_err()));
    let refused = fabric.put(a_nic("n")).unwrap_err();
    assert_eq!(
        refused.leading().message,
        "Subnet prod/web exists, but is not provisioned: NetcfgSubnetRangeOutsideVnet."
    );
    fabric.cure(&refused, |fabric| fabric.accept(a_subnet("web", "10.0.0.0/24")));
    fabric.accept(a_nic("n"));
}

#[test]
fn a_put_that_is_repeated_changes_and_frees_nothing() {
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.1.0/24")).with(a_nic("n")).with(a_vm("v").nics(["n"]));
    let before = fabric.engine.tables().clone();
    let woken = fabric.woken_by(|fabric| {
        fabric.accept(a_subnet("web", "10.0.1.0/24"));
        fabric.accept(a_nic("n"));
        fabric.accept(a_vm("v").nics(["n"]));
    });
    assert_eq!(*fabric.engine.tables(), before);
    assert_eq!(woken, Default::default());
}

#[test]
fn a_vm_runs_when_its_start_is_done() {
    let mut fabric = a_fabric_that_starts_in(Duration::from_secs(30))
        .with(a_subnet("web", "10.0.1.0/24"))
        .with(a_nic("n"))
        .with(a_vm("v").nics(["n"]));
    assert_eq!((fabric.power("v"), fabric.mac("n")), (PowerState::Starting, None));
    assert_eq!(fabric.engine.next_deadline(), Some(Timestamp::from_second(30).unwrap()));
    let reason = progress(&fabric).map(|(reason, _)| reason);
    assert_eq!(reason, Some("Starting"));
    fabric.advance(29);
    assert_eq!(fabric.power("v"), PowerState::Starting);
    fabric.advance(30);
    assert_eq!(fabric.power("v"), PowerState::Running);
    assert!(fabric.mac("n").is_some());
    assert_eq!((fabric.engine.next_deadline(), progress(&fabric)), (None, None));
}

#[test]
fn a_start_that_is_done_wakes_who_waits_for_the_power_state_and_touches_the_nics() {
    let mut fabric = a_fabric_that_starts_in(Duration::from_secs(30))
        .with(a_subnet("web", "10.0.1.0/24"))
        .with(a_nic("n"))
        .with(a_vm("v").nics(["n"]));
    fabric.engine.take_touched();
    let woken = fabric.woken_by(|fabric| fabric.advance(30));
    assert!(woken.contains(&WaitKey::Power(named("v"))));
    let touched = fabric.engine.take_touched();
    let id = |kind, name| ObjectId::new(kind, named(name));
    assert_eq!(touched, [id(Kind::NetworkInterface, "n"), id(Kind::VirtualMachine, "v")].into());
}

#[test]
fn a_start_that_is_called_off_never_happens() {
    let mut fabric = a_fabric_that_starts_in(Duration::from_secs(30))
        .with(a_subnet("web", "10.0.1.0/24"))
        .with(a_nic("n"))
        .with(a_vm("v").nics(["n"]));
    fabric.accept(a_vm("v").nics(["n"]).deallocated());
    assert_eq!(fabric.engine.next_deadline(), None);
    fabric.advance(60);
    assert_eq!((fabric.power("v"), fabric.mac("n")), (PowerState::Deallocated, None));
}

#[test]
fn a_start_ends_with_the_vm() {
    let mut fabric = a_fabric_that_starts_in(Duration::from_secs(30))
        .with(a_subnet("web", "10.0.1.0/24"))
        .with(a_nic("n"))
        .with(a_vm("v").nics(["n"]));
    fabric.delete(Kind::VirtualMachine, "v").unwrap();
    assert_eq!(fabric.engine.next_deadline(), None);
    fabric.advance(60);
    assert_eq!(fabric.get::<NetworkInterface>("n").held.attached, None);
}

#[test]
fn the_clock_never_goes_back() {
    let mut fabric =
        a_fabric_that_starts_in(Duration::from_secs(30)).with(a_subnet("web", "10.0.1.0/24")).with(a_nic("n"));
    fabric.advance(100);
    fabric.advance(50);
    fabric.accept(a_vm("v").nics(["n"]));
    assert_eq!(fabric.engine.next_deadline(), Some(Timestamp::from_second(130).unwrap()));
}

#[test]
fn a_deadline_of_a_set_that_is_not_carried_or_not_paused_passes() {
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.1.0/24")).with(a_scale_set("api", 1));
    let due = Timestamp::from_second(1).unwrap();
    for (kind, name) in
        [(Kind::VirtualMachineScaleSet, "api"), (Kind::VirtualMachineScaleSet, "gone"), (Kind::VirtualMachine, "gone")]
    {
        fabric.engine.deadlines.set(&ObjectId::new(kind, named(name)), due);
    }
    fabric.advance(2);
    assert_eq!(fabric.engine.next_deadline(), None);
}
