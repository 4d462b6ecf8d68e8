//! A fabric that is restored from what its objects' statuses show is the fabric that it was.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::json;

use super::properties::{Driver, config, settings};
use super::random::{Op, end, operations};
use super::restored::{essence, records, restored};
use crate::api::{About, Api};
use crate::fabric::network_interface::NetworkInterface;
use crate::fabric::public_ip_address::PublicIPAddress;
use crate::fabric::terms::AllocationMethod;
use crate::fabric::testing::*;
use crate::fabric::virtual_machine::{PowerState, VirtualMachine};
use crate::fabric::virtual_machine_scale_set::UpgradeMode;
use crate::fabric::virtual_network::VirtualNetwork;
use crate::fabric::{AnyRecord, Engine, Kind, Name, PublicIPPrefix, Record, VirtualMachineScaleSet};

fn judged(
    answer: &Result<(), crate::fabric::Refusal>,
) -> Vec<(&'static str, crate::fabric::Code, String, crate::fabric::Cure)> {
    let violations = answer.as_ref().err().map(|refusal| refusal.violations().to_vec()).unwrap_or_default();
    violations.into_iter().map(|found| (found.rule, found.code, found.path, found.cure)).collect()
}

proptest! {
    #![proptest_config(config(1000))]

    #[test]
    fn a_restored_fabric_is_as_it_was_and_goes_on_as_it_would_have(
        settings in settings(),
        before in operations(1..16),
        after in operations(1..16),
    ) {
        let mut driver = Driver::new(settings);
        for op in &before {
            let _ = driver.does(op);
        }
        let (engine, dropped) = restored(&driver.engine, records(&driver.engine));
        prop_assert_eq!(dropped, Vec::<String>::new());
        engine.assert_legal();
        prop_assert_eq!(essence(&engine), essence(&driver.engine));
        let mut twin = driver.on(engine);
        let starts_are_over = Op::Advance(60); // deadlines begin again, so that the two differ until then
        for op in std::iter::once(&starts_are_over).chain(&after) {
            prop_assert_eq!(judged(&twin.does(op)), judged(&driver.does(op)), "{:?}", op);
            prop_assert_eq!(essence(&twin.engine), essence(&driver.engine), "{:?}", op);
            twin.engine.assert_consistent();
        }
        twin.ends();
    }

    #[test]
    fn records_are_restored_in_whatever_order_they_come(
        settings in settings(),
        before in operations(1..16),
        order in Just(()).prop_perturb(|(), mut rng| (0..1000).map(|_| rng.random::<u32>()).collect::<Vec<_>>()),
    ) {
        let mut driver = Driver::new(settings);
        for op in &before {
            let _ = driver.does(op);
        }
        let in_order = records(&driver.engine);
        let mut shuffled: Vec<_> = order.into_iter().cycle().zip(in_order).collect();
        shuffled.sort_by_key(|(place, _)| *place);
        let shuffled = shuffled.into_iter().map(|(_, record)| record).collect();
        let (engine, dropped) = restored(&driver.engine, shuffled);
        prop_assert_eq!(dropped, Vec::<String>::new());
        prop_assert_eq!(essence(&engine), essence(&driver.engine));
        engine.assert_legal();
    }

    /// The objects of two fabrics, those of the second under other names but with the same claims.
    #[test]
    fn of_two_records_that_contradict_each_other_the_first_wins_and_nothing_breaks(
        settings in settings(),
        first in operations(1..16),
        second in operations(1..16),
        after in operations(1..16),
    ) {
        let run = |operations: &[Op]| {
            let mut driver = Driver::new(settings.clone());
            operations.iter().for_each(|op| drop(driver.does(op)));
            let _ = driver.does(&Op::Advance(60));
            driver
        };
        let other = |name: &str| format!("{name}x");
        let (first, second) = (run(&first), run(&second));
        let seconds = records(&second.engine).into_iter().map(|(kind, name, record)| (kind, named(&other(&name.name)), record));
        let mut all: Vec<_> = records(&first.engine).into_iter().chain(seconds).collect();
        all.sort_by_key(|(kind, ..)| *kind);
        let (engine, _) = restored(&first.engine, all);
        assert_holds_all_of(&engine, &first.engine);

        let mut driver = first.on(engine);
        for (n, op) in after.iter().enumerate() {
            let of_the_second = match op {
                Op::Put(name, ask) => Op::Put(other(name), ask.clone()),
                Op::Delete(kind, name) => Op::Delete(*kind, other(name)),
                Op::Advance(_) | Op::Make => op.clone(),
                Op::Restart => continue, // while two claim one thing, who comes first decides
            };
            let _ = driver.does(if n % 2 == 0 { op } else { &of_the_second });
            driver.engine.assert_consistent();
        }
        for (kind, name) in end() {
            for name in [other(&name), name] {
                prop_assert!(driver.does(&Op::Delete(kind, name)).is_ok());
            }
        }
        driver.ends();
    }
}

/// Panics unless whatever `first` holds is held by the same in `engine`; but blocks go before single addresses.
fn assert_holds_all_of(engine: &Engine, first: &Engine) {
    let blocks: Vec<IpNet> =
        engine.all::<PublicIPPrefix>().filter_map(|(_, it)| it.held.prefix.map(IpNet::V4)).collect();
    let is_of_a_block = |address: &IpAddr| blocks.iter().any(|block| block.contains(address));
    for (name, prefix) in first.all::<PublicIPPrefix>() {
        assert_eq!(prefix.held, engine.get::<PublicIPPrefix>(name).unwrap().held, "{name}");
    }
    for (name, public) in first.all::<PublicIPAddress>() {
        let now = engine.get::<PublicIPAddress>(name).unwrap();
        let is_its_own = |address| now.held.address == Some(address) || is_of_a_block(&address);
        assert!(public.held.address.is_none_or(is_its_own), "{name}");
        assert!(first.associations.get(name).is_none_or(|holder| engine.associations[name] == *holder), "{name}");
    }
    for (name, nic) in first.all::<NetworkInterface>() {
        let now = engine.get::<NetworkInterface>(name).unwrap();
        assert_eq!((&nic.held.addresses, nic.held.mac), (&now.held.addresses, now.held.mac), "{name}");
    }
    for (name, vm) in first.all::<VirtualMachine>() {
        assert_eq!(first.attached_to(name), engine.attached_to(name), "{name}");
        assert_eq!(vm.held.power, engine.get::<VirtualMachine>(name).unwrap().held.power, "{name}");
    }
}

/// The fabric, restored from its own records and those of `changed` copies of them.
fn restored_with(fabric: &Fabric, changed: impl FnOnce(&mut Vec<(Kind, Name, AnyRecord)>)) -> (Fabric, Vec<String>) {
    let mut all = records(&fabric.engine);
    changed(&mut all);
    all.sort_by_key(|(kind, ..)| *kind);
    let (engine, dropped) = restored(&fabric.engine, all);
    (fabric.on(engine), dropped)
}

/// A copy of an object's record under another name.
fn copy(kind: Kind, of: &'static str, name: &'static str) -> impl FnOnce(&mut Vec<(Kind, Name, AnyRecord)>) {
    move |records| {
        let original = records.iter().find(|(this, other, _)| (*this, other) == (kind, &named(of))).unwrap();
        let copied = (kind, named(name), original.2.clone());
        records.push(copied);
    }
}

fn a_web() -> Fabric {
    a_fabric().with(a_subnet("web", "10.0.1.0/24"))
}

#[test]
fn a_start_that_was_on_its_way_begins_anew() {
    let mut fabric = a_fabric_that_starts_in(Duration::from_secs(30))
        .with(a_subnet("web", "10.0.1.0/24"))
        .with(a_nic("n"))
        .with(a_vm("v").nics(["n"]));
    fabric.advance(20);
    let (mut fabric, _) = restored_with(&fabric, |_| {});
    assert_eq!(fabric.engine.next_deadline(), Some(Timestamp::from_second(50).unwrap()));
    fabric.advance(50);
    assert_eq!(fabric.power("v"), PowerState::Running);
}

#[test]
fn a_dynamic_public_address_survives_a_restart_although_a_lower_one_is_free() {
    for asked in [a_vm("v").nics(["n"]).running(), a_vm("v").nics(["n"]).stopped()] {
        let mut fabric = a_web()
            .with(a_public_ip("low").method(AllocationMethod::Static))
            .with(a_public_ip("p"))
            .with(a_nic("n").public("p"))
            .with(asked);
        fabric.delete(Kind::PublicIPAddress, "low").unwrap();
        let (fabric, dropped) = restored_with(&fabric, |_| {});
        assert_eq!((fabric.public_address("p"), dropped), ("198.18.0.1".to_owned(), Vec::new()));
    }
}

#[test]
fn an_address_that_two_nics_claim_is_the_first_ones() {
    let fabric = a_web().with(a_nic("a").static_address("10.0.1.9"));
    let (mut fabric, dropped) = restored_with(&fabric, copy(Kind::NetworkInterface, "a", "b"));
    assert_eq!(dropped, ["address 10.0.1.9 of configuration ipconfig1 cannot be its own"]);
    assert_eq!(
        (fabric.address("a", "ipconfig1"), fabric.address("b", "ipconfig1")),
        ("10.0.1.9".into(), "none".into())
    );
    let refusal = fabric.put(a_nic("b").static_address("10.0.1.9")).unwrap_err();
    assert_eq!(refusal.codes(), [crate::fabric::Code::PrivateIPAddressInUse]);
    fabric.accept(a_nic("b"));
    assert_eq!(fabric.address("b", "ipconfig1"), "10.0.1.4");
}

#[test]
fn an_edit_of_the_subnet_leaves_a_nic_alone_whose_claim_was_dropped() {
    let fabric = a_web().with(a_nic("a").static_address("10.0.1.9"));
    let (mut fabric, _) = restored_with(&fabric, copy(Kind::NetworkInterface, "a", "b"));
    fabric.accept(a_subnet("web", "10.0.1.0/24").ipv6("fd00::/64"));
    assert_eq!(fabric.address("b", "ipconfig1"), "none");
}

#[test]
fn a_mac_address_that_two_nics_claim_is_the_first_ones() {
    let fabric = a_web().with(a_nic("a")).with(a_vm("v").nics(["a"]));
    let mac = fabric.mac("a");
    let (mut fabric, dropped) = restored_with(&fabric, copy(Kind::NetworkInterface, "a", "b"));
    assert_eq!(dropped.len(), 2, "address and MAC address: {dropped:?}");
    assert_eq!((fabric.mac("a"), fabric.mac("b")), (mac, None));
    fabric.accept(a_nic("b"));
    fabric.accept(a_vm("w").nics(["b"]));
    assert!(fabric.mac("b").is_some_and(|other| Some(other) != mac));
}

#[test]
fn a_nic_that_two_vms_claim_is_the_first_ones() {
    let fabric = a_web().with(a_nic("a")).with(a_vm("v").nics(["a"]));
    let (mut fabric, dropped) = restored_with(&fabric, copy(Kind::VirtualMachine, "v", "w"));
    assert_eq!(dropped, ["NetworkInterface prod/a is gone, not listed, or attached to another"]);
    assert_eq!((fabric.attached("v"), fabric.attached("w").len()), (vec!["a".to_owned()], 0));
    let refusal = fabric.put(a_vm("w").nics(["a"])).unwrap_err();
    assert_eq!(refusal.codes(), [crate::fabric::Code::NicInUse]);
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::VirtualMachine, "v").unwrap()));
    fabric.accept(a_vm("w").nics(["a"]));
    assert_eq!(fabric.attached("w"), ["a"]);
}

#[test]
fn a_public_address_that_two_nics_claim_stays_the_first_ones_when_the_second_goes() {
    let fabric = a_web().with(a_public_ip("p")).with(a_nic("a").public("p")).with(a_vm("v").nics(["a"]));
    let (mut fabric, _) = restored_with(&fabric, copy(Kind::NetworkInterface, "a", "b"));
    fabric.delete(Kind::NetworkInterface, "b").unwrap();
    let holder = fabric.view::<PublicIPAddress>("p").ip_configuration.unwrap();
    assert_eq!((holder.network_interface.name.as_str(), fabric.public_address("p")), ("a", "198.18.0.0".to_owned()));
}

#[test]
fn what_two_public_addresses_claim_stays_the_first_ones_when_the_second_goes() {
    let fabric = a_fabric().with(a_public_ip("p").standard().label("web"));
    let (mut fabric, dropped) = restored_with(&fabric, copy(Kind::PublicIPAddress, "p", "q"));
    assert_eq!(dropped.len(), 2, "label and address: {dropped:?}");
    fabric.delete(Kind::PublicIPAddress, "q").unwrap();
    let refusal = fabric.put(a_public_ip("r").standard().label("web")).unwrap_err();
    assert_eq!(refusal.codes(), [crate::fabric::Code::DnsRecordInUse]);
    assert_eq!(fabric.public_address("p"), "198.18.0.0");
}

#[test]
fn an_object_whose_record_was_lost_is_put_anew_beside_the_others() {
    let fabric = a_web().with(a_nic("a")).with(a_nic("b")).with(a_vm("v").nics(["b", "a"]));
    let without = |kind, name: &'static str| {
        move |records: &mut Vec<_>| records.retain(|(this, other, _)| (*this, other) != (kind, &named(name)))
    };
    let (mut fabric, dropped) = restored_with(&fabric, without(Kind::NetworkInterface, "b"));
    assert_eq!(dropped, ["NetworkInterface prod/b is gone, not listed, or attached to another"]);
    fabric.accept(a_nic("b"));
    assert_eq!(fabric.address("b", "ipconfig1"), "10.0.1.5");
    fabric.accept(a_vm("v").nics(["b", "a"]));
    assert_eq!(fabric.attached("v"), ["a", "b"]);
}

#[test]
fn a_restored_subnet_that_is_too_small_for_any_address_still_has_a_remedy_to_tell() {
    for prefix in ["0.0.0.0/32", "255.255.255.255/32"] {
        let mut fabric = an_empty_fabric().with(a_network("hub").prefixes(["10.0.0.0/8"]));
        let placement = fabric.get::<VirtualNetwork>("hub").placement.clone();
        let ask = a_subnet("web", prefix).ask;
        let record = Record {
            uid: "web".into(),
            generation: 1,
            placement,
            common: Default::default(),
            ask,
            view: Default::default(),
        };
        fabric.engine.restore(&named("web"), record.into());
        let refusal = fabric.put(a_nic("n").static_address("10.0.0.4")).unwrap_err();
        assert_eq!(refusal.codes(), [crate::fabric::Code::PrivateIPAddressNotInSubnet]);
    }
}

/// Parts of instances have no status of their own.
fn is_part(kind: Kind, name: &Name) -> bool {
    crate::fabric::ObjectId::new(kind, name.clone()).instance().is_some()
}

#[test]
fn the_pause_between_two_batches_begins_anew_after_a_restart() {
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.1.0/24"));
    let set = |forwarding: bool| {
        a_scale_set("api", 3).rolling(30, 60).nic(|nic| nic.interface.ip_forwarding = forwarding.into())
    };
    fabric.accept(set(false));
    (0..3).for_each(|id| fabric.accept(an_instance("api", id)));
    fabric.accept(set(true));
    let own = records(&fabric.engine).into_iter().filter(|(kind, name, _)| !is_part(*kind, name));
    let (engine, dropped) = restored(&fabric.engine, own.collect());
    assert_eq!(dropped, Vec::<String>::new());
    let updated = |fabric: &Fabric| fabric.view::<VirtualMachineScaleSet>("api").updated_replicas;
    let mut fabric = fabric.on(engine);
    fabric.accept(set(true));
    assert_eq!(updated(&fabric), Some(1));
    fabric.advance(60);
    assert_eq!(updated(&fabric), Some(2));
}

/// ARM-10 allows names that are too long for a guest, and dots, which a guest's name has not.
#[test]
fn a_machine_whose_name_is_no_name_of_a_guest_is_restored() {
    let (long, dotted) = ("v".repeat(79) + "1", "a.".repeat(32) + "b");
    for name in [long.as_str(), dotted.as_str()] {
        let fabric = a_fabric().with(a_subnet("web", "10.0.1.0/24")).with(a_nic("n"));
        let spec = json!({
            "hardwareProfile": {"vmSize": "Standard_DS3_v2"},
            "networkProfile": {"networkInterfaces": [{"name": "n"}]},
        });
        let about = About::named(named(name));
        let ask = VirtualMachine::translate(&about, &serde_json::from_value(spec).unwrap()).unwrap();
        let mut machine = a_vm(name);
        machine.ask = ask;
        let fabric = fabric.with(machine);
        let (engine, dropped) = restored(&fabric.engine, records(&fabric.engine));
        assert_eq!(dropped, Vec::<String>::new());
        assert_eq!(essence(&engine), essence(&fabric.engine), "{name}");
    }
}

/// S-92
#[test]
fn a_rolling_restart_continues_after_a_restart_of_the_operator_with_the_instances_that_are_left() {
    let set = |when: &str| a_scale_set("api", 3).rolling(30, 60).restarted_at(when);
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.1.0/24"));
    fabric.accept(set("dawn"));
    (0..3).for_each(|id| fabric.accept(an_instance("api", id)));
    fabric.accept(set("noon"));
    let own = records(&fabric.engine).into_iter().filter(|(kind, name, _)| !is_part(*kind, name));
    let (engine, dropped) = restored(&fabric.engine, own.collect());
    assert_eq!(dropped, Vec::<String>::new());
    let view = |fabric: &Fabric| {
        let view = fabric.view::<VirtualMachineScaleSet>("api");
        (view.restart.map(|restart| restart.instance_ids).unwrap_or_default(), view.last_handled_restart_at.unwrap())
    };
    let mut fabric = fabric.on(engine);
    fabric.accept(set("noon"));
    assert_eq!(view(&fabric), ("1-2".to_owned(), "dawn".to_owned()));
    fabric.advance(60);
    assert_eq!(view(&fabric), ("2".to_owned(), "dawn".to_owned()));
    fabric.advance(120);
    assert_eq!(view(&fabric), (String::new(), "noon".to_owned()));
}

/// The ControllerRevision of a model is deleted when the last instance is upgraded, and the operator may end before it has
/// written that instance's status.
#[test]
fn an_instance_whose_model_is_not_kept_any_more_is_upgraded_after_a_restart() {
    let set = || a_scale_set("api", 2).rolling(50, 0);
    let larger = || set().size("Standard_D4s_v3");
    let instances = |fabric: Fabric| fabric.with(an_instance("api", 0)).with(an_instance("api", 1));
    let fabric = instances(a_web().with(set())).with(larger());
    assert_eq!(fabric.view::<VirtualMachineScaleSet>("api").current_revision.as_deref(), Some("2"));
    let (mut fabric, dropped) = restored_with(&fabric, |records| {
        let instance = records.iter_mut().find_map(|(_, name, record)| match record {
            AnyRecord::VirtualMachineScaleSetVM(record) if *name == named("api-1") => Some(record),
            _ => None,
        });
        instance.unwrap().view.revision = Some("1".to_owned());
    });
    assert_eq!(dropped, Vec::<String>::new());
    fabric.accept(larger());
    let updated = |fabric: &Fabric| fabric.view::<VirtualMachineScaleSet>("api").updated_replicas;
    fabric = instances(fabric);
    assert_eq!(updated(&fabric), Some(2));
    assert_eq!(fabric.get::<VirtualMachineScaleSet>("api").held.models.keys().collect::<Vec<_>>(), [&2]);
}

/// As above, of a Flexible set: a user may delete the ControllerRevision.
#[test]
fn a_machine_whose_model_is_not_kept_any_more_is_upgraded_after_a_restart() {
    let set = || a_scale_set("api", 1).flexible().upgrade(UpgradeMode::Automatic);
    let fabric =
        a_web().with(set()).with(a_nic("api-0-nic")).with(a_vm("api-0").nics(["api-0-nic"]).of_set("api", 0, 1));
    let mut fabric = fabric.with(set().size("Standard_D4s_v3"));
    let wanted = |fabric: &Fabric| fabric.get::<VirtualMachineScaleSet>("api").held.instances[&0].target;
    assert_eq!(wanted(&fabric), 2);
    let records = records(&fabric.engine);
    fabric.engine.get_mut::<VirtualMachineScaleSet>(&named("api")).unwrap().held.models.remove(&1);
    let (engine, _) = restored(&fabric.engine, records);
    fabric = fabric.on(engine);
    fabric.accept(set().size("Standard_D4s_v3"));
    assert_eq!(wanted(&fabric), 2);
}

/// S-93: SKUs that an earlier version let change in place are carried as they are.
#[test]
fn a_set_whose_models_differ_in_sku_is_restored_and_put_again() {
    let set = || a_scale_set("api", 1).public(a_public_model(crate::fabric::public_ip_address::Sku::Standard));
    let fabric = a_fabric().with(a_subnet("web", "10.0.1.0/24")).with(set()).with(an_instance("api", 0));
    let (mut fabric, dropped) = restored_with(&fabric, |_| {});
    assert_eq!(dropped, Vec::<String>::new());
    let mut old = (*fabric.get::<VirtualMachineScaleSet>("api").ask.model).clone();
    let mut network = old.network.to_vec();
    network[0].interface.configurations[0].public_ip_address =
        Some(a_public_model(crate::fabric::public_ip_address::Sku::Basic));
    old.network = network.into();
    fabric.engine.restore_model(&named("api"), 0, old);
    fabric.accept(set());
    fabric.accept(set().rolling(50, 0));
}

/// The record of the instance's object, which says that it is another instance.
fn renumbered(of: &'static str, id: u64) -> impl FnOnce(&mut Vec<(Kind, Name, AnyRecord)>) {
    move |records| {
        for (_, name, record) in records {
            if let AnyRecord::VirtualMachineScaleSetVM(record) = record
                && *name == named(of)
            {
                record.ask.id = Some(id);
            }
        }
    }
}

#[test]
fn an_object_that_says_it_is_another_instance_than_its_name_says_is_dropped() {
    let mut fabric = a_web().with(a_scale_set("api", 2)).with(an_instance("api", 0)).with(an_instance("api", 1));
    let own = |records: &mut Vec<_>| records.retain(|(kind, name, _)| !is_part(*kind, name));
    let (mut restored, dropped) = restored_with(&fabric, |records| {
        own(records);
        renumbered("api-0", 1)(records);
    });
    assert_eq!(dropped, ["it is named prod/api-0, and instance 1 of VirtualMachineScaleSet prod/api is prod/api-1"]);
    restored.accept(an_instance("api", 0));
    for fabric in [&mut restored, &mut fabric] {
        fabric.delete(Kind::VirtualMachineScaleSet, "api").unwrap_err();
        for instance in ["api-0", "api-1"] {
            fabric.delete(Kind::VirtualMachineScaleSetVM, instance).unwrap();
        }
        fabric.delete(Kind::VirtualMachineScaleSet, "api").unwrap();
        fabric.delete(Kind::Subnet, "web").unwrap();
        fabric.delete(Kind::VirtualNetwork, "hub").unwrap();
        fabric.engine.assert_empty();
    }
}

#[test]
fn an_object_that_is_restored_twice_is_restored_once() {
    let fabric = a_web().with(a_public_ip("p").standard());
    let (mut fabric, dropped) = restored_with(&fabric, copy(Kind::PublicIPAddress, "p", "p"));
    assert_eq!(dropped, ["it is restored already"]);
    fabric.delete(Kind::PublicIPAddress, "p").unwrap();
    fabric.accept(a_public_ip("q").standard());
    assert_eq!(fabric.public_address("q"), "198.18.0.0");
}

#[test]
fn instance_ids_that_nobody_can_have_counted_up_to_are_dropped() {
    let set = |records: &mut Vec<(Kind, Name, AnyRecord)>| {
        for (.., record) in records {
            if let AnyRecord::VirtualMachineScaleSet(record) = record {
                record.view.instance_ids = "0,9223372036854775806-9223372036854775807".to_owned();
                record.view.next_instance_id = Some(i64::MAX);
            }
        }
    };
    let fabric = a_web().with(a_scale_set("api", 1));
    let (mut fabric, dropped) = restored_with(&fabric, |records| {
        records.retain(|(kind, name, _)| !is_part(*kind, name));
        set(records);
    });
    assert_eq!(dropped.len(), 3, "{dropped:?}");
    fabric.accept(a_scale_set("api", 3));
    assert_eq!(fabric.view::<VirtualMachineScaleSet>("api").instance_ids, "0-2");
}

#[test]
fn an_id_at_the_end_of_the_range_is_given_up() {
    let mut view = crate::fabric::virtual_machine_scale_set::VirtualMachineScaleSetView {
        instance_ids: "9223372036854775807,18446744073709551615".to_owned(),
        ..Default::default()
    };
    assert_eq!(view.give_up(|_| false), [9_223_372_036_854_775_807, 18_446_744_073_709_551_615]);
    assert_eq!((view.instance_ids.as_str(), view.next_instance_id), ("", Some(i64::MAX)));
}
