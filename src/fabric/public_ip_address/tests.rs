//! The rules and effects of public addresses.

mod requested;
mod zones;

use super::*;
use crate::fabric::Code;
use crate::fabric::testing::*;
use AllocationMethod::{Dynamic, Static};

const METHOD: &str = "spec.publicIPAllocationMethod";

fn a_web() -> Fabric {
    a_fabric().with(a_subnet("web", "10.0.1.0/24"))
}

// accepts PublicIPAddress PIP-01
#[test]
fn a_public_address_that_keeps_its_sku_is_edited() {
    a_fabric().with(a_public_ip("p").standard()).accept(a_public_ip("p").standard().idle_timeout(30));
}

// refuses PublicIPAddress PIP-01
#[test]
fn the_sku_of_a_public_address_is_fixed() {
    let mut fabric = a_fabric().with(a_public_ip("p").method(Static));
    let refusal = fabric.put(a_public_ip("p").standard()).unwrap_err();
    assert_eq!(told(&refusal), [("PIP-01", Code::SkuCannotBeChangedOnUpdate, "spec.sku.name")]);
    assert!(refusal.stalls());
}

// accepts PublicIPAddress PIP-02
#[test]
fn a_standard_address_that_is_static_is_accepted() {
    a_fabric().accept(a_public_ip("p").standard().method(Static));
}

// refuses PublicIPAddress PIP-02
#[test]
fn a_standard_address_that_is_dynamic_is_refused() {
    let refusal = a_fabric().put(a_public_ip("p").standard().method(Dynamic)).unwrap_err();
    assert_eq!(told(&refusal), [("PIP-02", Code::StandardSkuPublicIPAddressesMustBeStatic, METHOD)]);
    assert!(refusal.stalls());
}

// accepts PublicIPAddress PIP-03
#[test]
fn a_basic_ipv6_address_is_dynamic() {
    a_fabric().with(a_public_ip("p").ipv6()).accept(a_public_ip("q").standard().ipv6());
}

// refuses PublicIPAddress PIP-03
#[test]
fn a_basic_ipv6_address_that_is_static_is_refused() {
    let refusal = a_fabric().put(a_public_ip("p").ipv6().method(Static)).unwrap_err();
    assert_eq!(told(&refusal), [("PIP-03", Code::InvalidParameter, METHOD)]);
    assert!(refusal.stalls());
}

// accepts PublicIPAddress S-14
#[test]
fn a_public_address_that_keeps_its_version_is_edited() {
    a_fabric().with(a_public_ip("p").ipv6()).accept(a_public_ip("p").ipv6().label("web"));
}

// refuses PublicIPAddress S-14
#[test]
fn the_version_of_a_public_address_is_fixed() {
    let refusal = a_fabric().with(a_public_ip("p")).put(a_public_ip("p").ipv6()).unwrap_err();
    assert_eq!(told(&refusal), [("S-14", Code::PropertyChangeNotAllowed, "spec.publicIPAddressVersion")]);
    assert!(refusal.stalls());
}

// accepts PublicIPAddress PIP-06
#[test]
fn a_static_address_that_nobody_holds_becomes_dynamic_and_is_released() {
    let mut fabric = a_fabric().with(a_public_ip("p").method(Static));
    fabric.accept(a_public_ip("p").method(Dynamic));
    assert_eq!(fabric.public_address("p"), "none");
}

// refuses PublicIPAddress PIP-06
#[test]
fn a_static_address_becomes_dynamic_only_when_its_nic_lets_go_of_it() {
    let mut fabric = a_web().with(a_public_ip("p").method(Static)).with(a_nic("n").public("p"));
    let edit = a_public_ip("p").method(Dynamic);
    let refusal = fabric.put(edit.clone()).unwrap_err();
    assert_eq!(told(&refusal), [("PIP-06", Code::OperationNotAllowed, METHOD)]);
    fabric.cure(&refusal, |fabric| fabric.accept(a_nic("n")));
    fabric.accept(edit);
}

// accepts PublicIPAddress PIP-13
#[test]
fn an_idle_timeout_of_four_and_of_thirty_minutes_is_accepted() {
    a_fabric().with(a_public_ip("p").idle_timeout(4)).accept(a_public_ip("p").idle_timeout(30));
}

// refuses PublicIPAddress PIP-13
#[test]
fn an_idle_timeout_out_of_range_is_refused() {
    for minutes in [i32::MIN, 3, 31, i32::MAX] {
        let refusal = a_fabric().put(a_public_ip("p").idle_timeout(minutes)).unwrap_err();
        assert_eq!(told(&refusal), [("PIP-13", Code::PublicIPIdleTimeoutIsOutOfRange, "spec.idleTimeoutInMinutes")]);
    }
}

#[test]
fn the_idle_timeout_of_an_ipv6_address_is_four_minutes() {
    let refusal = a_fabric().put(a_public_ip("p").ipv6().idle_timeout(5)).unwrap_err();
    assert_eq!(told(&refusal), [("PIP-13", Code::PublicIPIdleTimeoutIsOutOfRange, "spec.idleTimeoutInMinutes")]);
}

// accepts PublicIPAddress PIP-15
#[test]
fn a_label_is_free_in_another_location() {
    a_fabric().with(a_public_ip("p").label("web")).accept(a_public_ip("q").label("web").in_location("norwayeast"));
}

// refuses PublicIPAddress PIP-15
#[test]
fn a_label_is_unique_in_its_location_until_its_holder_lets_go_of_it() {
    let mut fabric = a_fabric().with(a_public_ip("p").label("web"));
    let second = a_public_ip("q").label("web");
    let refusal = fabric.put(second.clone()).unwrap_err();
    assert_eq!(told(&refusal), [("PIP-15", Code::DnsRecordInUse, "spec.dnsSettings.domainNameLabel")]);
    fabric.cure(&refusal, |fabric| fabric.accept(a_public_ip("p").label("other")));
    fabric.accept(second);
}

#[test]
fn a_label_is_free_once_its_holder_is_deleted() {
    let mut fabric = a_fabric().with(a_public_ip("p").label("web"));
    let refusal = fabric.put(a_public_ip("q").label("web")).unwrap_err();
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::PublicIPAddress, "p").unwrap()));
    fabric.accept(a_public_ip("q").label("web"));
}

// shows PIP-14
#[test]
fn a_label_makes_the_domain_name() {
    let fabric = a_fabric().with(a_public_ip("p").label("web").in_location("norwayeast"));
    let name = fabric.view::<PublicIPAddress>("p").dns_settings.unwrap().fqdn;
    assert_eq!(name, "web.norwayeast.cloudapp.azure.com");
}

// accepts PublicIPAddress PIP-04
#[test]
fn a_static_address_is_allocated_at_creation() {
    let mut fabric = a_fabric_with_public_addresses("198.51.100.0/31");
    fabric.accept(a_public_ip("p").standard());
    fabric.accept(a_public_ip("q").method(Static));
    assert_eq!(
        (fabric.public_address("p"), fabric.public_address("q")),
        ("198.51.100.0".into(), "198.51.100.1".into())
    );
}

// refuses PublicIPAddress PIP-04
#[test]
fn a_static_address_waits_for_the_pool_to_have_one() {
    let mut fabric = a_fabric_with_public_addresses("198.51.100.0/32").with(a_public_ip("p").standard());
    let second = a_public_ip("q").standard();
    let refusal = fabric.put(second.clone()).unwrap_err();
    assert_eq!(told(&refusal), [("PIP-04", Code::AllocationFailed, METHOD)]);
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::PublicIPAddress, "p").unwrap()));
    fabric.accept(second);
    assert_eq!(fabric.public_address("q"), "198.51.100.0");
}

// accepts deletion of PublicIPAddress PIP-11
#[test]
fn a_public_address_that_nobody_holds_is_deleted() {
    assert!(a_fabric().with(a_public_ip("p")).delete(Kind::PublicIPAddress, "p").unwrap());
}

// refuses deletion of PublicIPAddress PIP-11
#[test]
fn a_public_address_is_not_deleted_while_a_configuration_holds_it() {
    let mut fabric = a_web().with(a_public_ip("p")).with(a_nic("n").public("p"));
    let refusal = fabric.delete(Kind::PublicIPAddress, "p").unwrap_err();
    assert_eq!(told(&refusal), [("PIP-11", Code::PublicIPAddressCannotBeDeleted, "metadata.deletionTimestamp")]);
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::NetworkInterface, "n").unwrap()));
    assert!(fabric.delete(Kind::PublicIPAddress, "p").unwrap());
}

#[test]
fn a_static_address_stays_through_association_and_dissociation() {
    let mut fabric = a_web().with(a_public_ip("p").method(Static));
    let address = fabric.public_address("p");
    fabric.accept(a_nic("n").public("p"));
    fabric.accept(a_vm("v").nics(["n"]));
    fabric.accept(a_vm("v").nics(["n"]).deallocated());
    fabric.accept(a_nic("n"));
    assert_eq!(fabric.public_address("p"), address);
}

/// PIP-05
#[test]
fn a_dynamic_address_exists_only_while_its_vm_runs() {
    let mut fabric = a_web().with(a_public_ip("p")).with(a_nic("n").public("p"));
    assert_eq!(fabric.public_address("p"), "none");
    fabric.accept(a_vm("v").nics(["n"]));
    assert_eq!(fabric.public_address("p"), "198.18.0.0");
    fabric.accept(a_vm("v").nics(["n"]).deallocated());
    assert_eq!(fabric.public_address("p"), "none");
}

/// PIP-07
#[test]
fn a_dynamic_address_is_released_when_it_is_dissociated() {
    let mut fabric = a_web().with(a_public_ip("p")).with(a_nic("n").public("p")).with(a_vm("v").nics(["n"]));
    fabric.accept(a_nic("n"));
    assert_eq!(fabric.public_address("p"), "none");
    assert_eq!(fabric.view::<PublicIPAddress>("p").ip_configuration, None);
}

#[test]
fn a_dynamic_address_appears_when_it_is_associated_with_a_vm_that_runs() {
    let mut fabric = a_web().with(a_public_ip("p")).with(a_nic("n")).with(a_vm("v").nics(["n"]));
    fabric.accept(a_nic("n").public("p"));
    assert_eq!(fabric.public_address("p"), "198.18.0.0");
}

/// PIP-06
#[test]
fn a_dynamic_address_that_becomes_static_is_kept() {
    let mut fabric = a_fabric_with_public_addresses("198.51.100.0/29")
        .with(a_subnet("web", "10.0.1.0/24"))
        .with(a_public_ip("low").method(Static))
        .with(a_public_ip("p"))
        .with(a_nic("n").public("p"))
        .with(a_vm("v").nics(["n"]));
    fabric.delete(Kind::PublicIPAddress, "low").unwrap();
    fabric.accept(a_public_ip("p").method(Static));
    assert_eq!(fabric.public_address("p"), "198.51.100.1");
    fabric.accept(a_vm("v").nics(["n"]).deallocated());
    assert_eq!(fabric.public_address("p"), "198.51.100.1");
}

/// PIP-06
#[test]
fn a_dynamic_address_without_one_becomes_static_with_the_lowest_free_one() {
    let mut fabric = a_fabric().with(a_public_ip("p"));
    fabric.accept(a_public_ip("p").method(Static));
    assert_eq!(fabric.public_address("p"), "198.18.0.0");
}

/// PIP-10, IPC-14
#[test]
fn a_configuration_that_no_longer_names_it_dissociates_a_public_address_and_leaves_it() {
    let mut fabric = a_web().with(a_public_ip("p").method(Static)).with(a_nic("n").public("p"));
    fabric.accept(a_nic("n"));
    assert_eq!(fabric.view::<PublicIPAddress>("p").ip_configuration, None);
    assert_eq!(fabric.public_address("p"), "198.18.0.0");
}

#[test]
fn a_public_address_tells_who_holds_it() {
    let fabric = a_web().with(a_public_ip("p")).with(a_nic("n").public("p"));
    let holder = fabric.view::<PublicIPAddress>("p").ip_configuration.unwrap();
    assert_eq!((holder.network_interface.name.as_str(), holder.name.as_str()), ("n", "ipconfig1"));
}

/// The lifecycle table: kept when the VM is stopped or restarted.
#[test]
fn a_dynamic_address_is_kept_while_its_vm_starts_again() {
    let mut fabric = a_fabric_that_starts_in(std::time::Duration::from_secs(30))
        .with(a_subnet("web", "10.0.1.0/24"))
        .with(a_public_ip("p"))
        .with(a_nic("n").public("p"))
        .with(a_vm("v").nics(["n"]).stopped());
    let address = fabric.public_address("p");
    assert_ne!(address, "none");
    fabric.accept(a_vm("v").nics(["n"]).running());
    fabric.accept(a_public_ip("p").idle_timeout(5));
    assert_eq!((fabric.power("v"), fabric.public_address("p")), (PowerState::Starting, address));
}

#[test]
fn an_ipv6_address_is_never_allocated() {
    let fabric = a_fabric().with(a_public_ip("p").standard().ipv6());
    assert_eq!(fabric.public_address("p"), "none");
}

// accepts PublicIPAddress PIP-16
#[test]
fn an_address_is_taken_from_its_prefix() {
    let fabric = a_fabric().with(a_public_ip("other").standard()).with(a_prefix("pool", 28));
    assert_eq!(fabric.with(a_public_ip("p").standard().from("pool")).public_address("p"), "198.18.0.16");
}

// refuses PublicIPAddress PIP-16
#[test]
fn an_address_waits_for_its_prefix_and_stays_with_it() {
    let mut fabric = a_fabric();
    let refusal = fabric.put(a_public_ip("p").standard().from("pool")).unwrap_err();
    assert_eq!(told(&refusal), [("PIP-16", Code::InvalidResourceReference, "spec.publicIPPrefix")]);
    fabric.cure(&refusal, |fabric| fabric.accept(a_prefix("pool", 28)));
    fabric.accept(a_public_ip("p").standard().from("pool"));
    let refusal = fabric.put(a_public_ip("p").standard()).unwrap_err();
    assert_eq!(told(&refusal), [("PIP-16", Code::PropertyChangeNotAllowed, "spec.publicIPPrefix")]);
}

// accepts PublicIPAddress S-19
#[test]
fn a_standard_address_may_come_from_a_prefix() {
    a_fabric().with(a_prefix("pool", 31)).accept(a_public_ip("p").standard().from("pool"));
}

// refuses PublicIPAddress S-19
#[test]
fn a_basic_address_does_not_come_from_a_prefix() {
    let refusal = a_fabric().with(a_prefix("pool", 31)).put(a_public_ip("p").from("pool")).unwrap_err();
    assert_eq!(told(&refusal), [("S-19", Code::PublicIPPrefixSkuMismatch, "spec.publicIPPrefix")]);
    assert!(refusal.stalls());
}

#[test]
fn an_address_waits_while_its_prefix_is_exhausted() {
    let mut fabric = a_fabric().with(a_prefix("pool", 31));
    for name in ["a", "b"] {
        fabric.accept(a_public_ip(name).standard().from("pool"));
    }
    let refusal = fabric.put(a_public_ip("c").standard().from("pool")).unwrap_err();
    assert_eq!(told(&refusal), [("PIP-04", Code::PublicIPPrefixExhausted, "spec.publicIPPrefix")]);
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::PublicIPAddress, "a").unwrap()));
    fabric.accept(a_public_ip("c").standard().from("pool"));
}

// accepts PublicIPAddress PIP-25
#[test]
fn a_label_without_reserved_words_is_accepted() {
    a_fabric().accept(a_public_ip("p").label("mylinuxservers225"));
}

// refuses PublicIPAddress PIP-25
#[test]
fn a_label_with_a_reserved_word_is_refused() {
    for label in ["mywindowsservers225", "xbox", "my-azure", "login1"] {
        let refusal = a_fabric().put(a_public_ip("p").label(label)).unwrap_err();
        let told = told(&refusal);
        assert_eq!(told, [("PIP-25", Code::DomainNameLabelReserved, "spec.dnsSettings.domainNameLabel")], "{label}");
        assert!(refusal.stalls());
    }
}

/// S-93
#[test]
fn a_reserved_label_that_was_accepted_earlier_stays() {
    let old = || a_public_ip("p").label("mywindowsservers225");
    let mut fabric = an_empty_fabric();
    let placement = crate::fabric::Placement { subscription: "default".into(), location: "westeurope".into() };
    let (common, view) = Default::default();
    let record = crate::fabric::Record { uid: "p".into(), generation: 1, placement, common, ask: old().ask, view };
    assert!(fabric.engine.restore(&named("p"), record.into()).is_empty());
    fabric.accept(old().idle_timeout(30));
    fabric.accept(a_public_ip("p"));
    let refusal = fabric.put(old()).unwrap_err();
    assert_eq!(refusal.codes(), [Code::DomainNameLabelReserved]);
}

/// S-93, S-33
#[test]
fn the_label_of_an_instance_is_judged_with_its_scale_set() {
    let mut fabric = a_web();
    let holder = crate::fabric::ObjectId::new(crate::fabric::Kind::VirtualMachineScaleSet, named("api"));
    fabric.engine.labels.insert(("westeurope".into(), "mywindows".to_owned()), holder);
    let mut put = |name: &str, label: &str| fabric.engine.put(&named(name), request(a_public_ip(name).label(label)));
    for (name, label) in [("other-7-nic-ip", "vm7-mywindows"), ("api-7-nic-ip", "vm8-mywindows")] {
        assert_eq!(put(name, label).unwrap_err().codes(), [Code::DomainNameLabelReserved], "{name}");
    }
    assert!(put("api-7-nic-ip", "vm7-mywindows").is_ok());
}

fn request(asked: A<PublicIPAddress>) -> crate::fabric::Request<crate::fabric::Ask> {
    crate::fabric::Request {
        uid: "uid".into(),
        generation: 1,
        location: None,
        default: crate::fabric::Placement { subscription: "default".into(), location: "westeurope".into() },
        common: asked.common,
        ask: asked.ask.into(),
    }
}
