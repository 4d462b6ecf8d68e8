//! The quotas, each accepted to the last and refused beyond it.

use super::*;
use crate::fabric::engine::Settings;
use crate::fabric::kind::{AnyRecord, Ask};
use crate::fabric::resource::Record;
use crate::fabric::terms::AllocationMethod::Static;
use crate::fabric::testing::*;
use crate::fabric::{Kind, Request, Uid};

fn a_fabric_with_quotas() -> Fabric {
    a_fabric_of(Settings { quotas: Quotas::Enforced, ..Settings::default() })
}

fn place() -> Placement {
    Placement { subscription: "default".into(), location: "westeurope".into() }
}

/// Many objects at once, as if their statuses were read back; so many puts would take their time.
fn crowd<K: Resource>(fabric: &mut Fabric, names: impl Iterator<Item = String>, ask: &K)
where
    AnyRecord: From<Record<K>>,
    K::View: Default,
{
    for name in names {
        let uid = Uid::from(name.as_str());
        let record = Record {
            uid,
            generation: 1,
            placement: place(),
            common: Default::default(),
            ask: ask.clone(),
            view: K::View::default(),
        };
        assert!(fabric.engine.restore(&named(&name), record.into()).is_empty());
    }
}

// accepts VirtualNetwork VNET-12
#[test]
fn the_thousandth_virtual_network_of_a_subscription_is_accepted() {
    let mut fabric = a_fabric_with_quotas();
    crowd(&mut fabric, (2..1000).map(|n| format!("v{n}")), &a_network("hub").ask);
    fabric.accept(a_network("last"));
}

// refuses VirtualNetwork VNET-12
#[test]
fn a_subscription_has_a_thousand_virtual_networks_in_a_region() {
    let mut fabric = a_fabric_with_quotas();
    crowd(&mut fabric, (2..=1000).map(|n| format!("v{n}")), &a_network("hub").ask);
    let refusal = fabric.put(a_network("more")).unwrap_err();
    assert_eq!(told(&refusal), [("VNET-12", Code::VnetCountLimitReached, "metadata.name")]);
    fabric.accept(a_network("elsewhere").in_location("northeurope"));
    fabric.accept(a_network("others").of_subscription("other"));
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::VirtualNetwork, "v7").unwrap()));
    fabric.accept(a_network("more"));
}

// accepts NetworkInterface NIC-12
#[test]
fn the_last_network_interface_that_the_quota_allows_is_accepted() {
    let mut fabric = a_fabric_with_quotas().with(a_subnet("web", "10.0.0.0/24"));
    crowd(&mut fabric, (1..65_536).map(|n| format!("n{n}")), &a_nic("n").ask);
    fabric.accept(a_nic("last"));
}

// refuses NetworkInterface NIC-12
#[test]
fn a_subscription_has_65536_network_interfaces_in_a_region() {
    let mut fabric = a_fabric_with_quotas().with(a_subnet("web", "10.0.0.0/24"));
    crowd(&mut fabric, (1..=65_536).map(|n| format!("n{n}")), &a_nic("n").ask);
    let refusal = fabric.put(a_nic("more")).unwrap_err();
    assert_eq!(told(&refusal), [("NIC-12", Code::QuotaExceeded, "metadata.name")]);
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::NetworkInterface, "n7").unwrap()));
    fabric.accept(a_nic("more"));
}

// accepts PublicIPAddress PIP-21
#[test]
fn a_subscription_has_ten_basic_and_ten_standard_addresses() {
    let mut fabric = a_fabric_with_quotas();
    for n in 0..10 {
        fabric.accept(a_public_ip(&format!("basic-{n}")).method(Static));
        fabric.accept(a_public_ip(&format!("standard-{n}")).standard());
    }
    fabric.accept(a_public_ip("ipv6").ipv6());
}

// refuses PublicIPAddress PIP-21
#[test]
fn an_eleventh_public_address_is_refused_until_one_goes() {
    let mut fabric = a_fabric_with_quotas();
    for n in 0..10 {
        fabric.accept(a_public_ip(&format!("basic-{n}")).method(Static));
        fabric.accept(a_public_ip(&format!("standard-{n}")).standard());
    }
    let refusal = fabric.put(a_public_ip("more").standard()).unwrap_err();
    assert_eq!(told(&refusal), [("PIP-21", Code::StandardSkuPublicIPCountLimitReached, "metadata.name")]);
    let refusal = fabric.put(a_public_ip("more").method(Static)).unwrap_err();
    let basic = ("PIP-21", Code::IPv4BasicSkuPublicIpCountLimitReached, "metadata.name");
    assert_eq!(told(&refusal), [basic, ("PIP-21", Code::PublicIPCountLimitReached, "metadata.name")]);
    fabric.accept(a_public_ip("elsewhere").in_location("northeurope"));
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::PublicIPAddress, "basic-7").unwrap()));
    fabric.accept(a_public_ip("more").method(Static));
}

#[test]
fn quotas_of_a_subscription_are_off_unless_asked_for() {
    let mut fabric = a_fabric();
    for n in 0..11 {
        fabric.accept(a_public_ip(&format!("p{n}")).standard());
    }
}

/// 256 NICs in `hub`, which have 65,536 addresses less `fewer`.
fn a_full_network(fewer: usize) -> Fabric {
    let mut fabric = a_fabric().with(a_subnet("web", "10.0.0.0/15"));
    for n in 0..256 {
        let count = if n == 0 { 256 - fewer } else { 256 };
        let name = format!("n{n}");
        let ask = Ask::from(a_nic(&name).configurations(many(count)).ask);
        let request = Request {
            uid: Uid::from(name.as_str()),
            generation: 1,
            location: None,
            default: place(),
            common: Default::default(),
            ask,
        };
        fabric.engine.put(&named(&name), request).unwrap();
    }
    fabric
}

// accepts NetworkInterface ADDR-14
#[test]
fn the_last_private_address_of_a_virtual_network_is_accepted() {
    let mut fabric = a_full_network(1);
    fabric.accept(a_nic("last"));
    fabric.accept(a_nic("last")); // it has its own already
}

/// It takes one address: the IPv6 configuration has none without a range (S-20).
#[test]
fn a_configuration_that_takes_no_address_does_not_count() {
    a_full_network(1).accept(a_nic("last").configurations([primary("v4"), secondary("v6").ipv6()]));
}

// refuses NetworkInterface ADDR-14
#[test]
fn a_virtual_network_has_65536_private_addresses() {
    let mut fabric = a_full_network(0);
    let refusal = fabric.put(a_nic("more")).unwrap_err();
    assert_eq!(told(&refusal), [("ADDR-14", Code::QuotaExceeded, "spec.ipConfigurations")]);
    fabric.accept(a_network("other").prefixes(["192.168.0.0/16"]));
    fabric.accept(a_subnet("far", "192.168.0.0/24").of("other"));
    fabric.accept(a_nic("elsewhere").subnet("far"));
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::NetworkInterface, "n7").unwrap()));
    fabric.accept(a_nic("more"));
}

/// The network interface waits for an IPv6 range (S-20).
fn a_full_network_in_which_a_nic_waits_for_ipv6(fewer: usize) -> Fabric {
    a_full_network(fewer + 1).with(a_nic("last").configurations([primary("v4"), secondary("v6").ipv6()]))
}

// accepts Subnet ADDR-14
#[test]
fn a_subnet_gains_an_ipv6_range_while_the_network_has_an_address_for_each_configuration_that_waits() {
    let mut fabric = a_full_network_in_which_a_nic_waits_for_ipv6(1);
    fabric.accept(a_subnet("web", "10.0.0.0/15").ipv6("fd00::/64"));
    assert_eq!(fabric.address("last", "v6"), "fd00::4");
    fabric.accept(a_subnet("web", "10.0.0.0/15").ipv6("fd00::/64"));
}

// refuses Subnet ADDR-14
#[test]
fn a_subnet_gains_no_ipv6_range_whose_addresses_exceed_those_of_the_network() {
    let mut fabric = a_full_network_in_which_a_nic_waits_for_ipv6(0);
    let dual = || a_subnet("web", "10.0.0.0/15").ipv6("fd00::/64");
    let refusal = fabric.put(dual()).unwrap_err();
    assert_eq!(told(&refusal), [("ADDR-14", Code::QuotaExceeded, "spec.addressPrefixes[1]")]);
    let mut other = fabric.clone();
    other.cure(&refusal, |fabric| fabric.accept(a_nic("last").configurations([primary("v4")])));
    other.accept(dual());
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::NetworkInterface, "n7").unwrap()));
    fabric.accept(dual());
}

/// A fabric in which eight of ten Standard public addresses are taken, and a set of three instances that have none.
fn a_set_beside_eight() -> Fabric {
    let mut fabric = a_fabric_with_quotas().with(a_subnet("web", "10.0.1.0/24"));
    for n in 0..8 {
        fabric.accept(a_public_ip(&format!("standard-{n}")).standard());
    }
    fabric.accept(a_scale_set("api", 3));
    for id in 0..3 {
        fabric.accept(an_instance("api", id));
    }
    fabric
}

fn standard(replicas: u32) -> A<crate::fabric::VirtualMachineScaleSet> {
    a_scale_set("api", replicas).public(a_public_model(crate::fabric::public_ip_address::Sku::Standard))
}

#[test]
fn an_upgrade_of_all_counts_towards_the_quotas() {
    use crate::fabric::virtual_machine_scale_set::UpgradeMode::Automatic;
    let mut fabric = a_set_beside_eight();
    let refusal = fabric.put(standard(3).upgrade(Automatic)).unwrap_err();
    let path = "spec.virtualMachineProfile.networkProfile";
    assert_eq!(told(&refusal), [("VMSS-29", Code::StandardSkuPublicIPCountLimitReached, path)]);
    let refusal = fabric.put(standard(4).upgrade(Automatic)).unwrap_err();
    assert_eq!(told(&refusal), [("VMSS-29", Code::StandardSkuPublicIPCountLimitReached, "spec.replicas")]);
    let refusal = fabric.put(standard(3).upgrade(Automatic)).unwrap_err();
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::PublicIPAddress, "standard-7").unwrap()));
    fabric.accept(standard(3).upgrade(Automatic));
    fabric.accept(standard(3).upgrade(Automatic).size("Standard_D8s_v3"));
}

#[test]
fn an_upgrade_that_finds_the_quota_used_up_waits_for_it() {
    let mut fabric = a_set_beside_eight();
    fabric.delete(Kind::PublicIPAddress, "standard-7").unwrap();
    fabric.accept(standard(3).rolling(60, 10));
    fabric.accept(a_public_ip("late").standard());
    fabric.accept(a_public_ip("later").standard());
    fabric.advance(10);
    let set = fabric.get::<crate::fabric::VirtualMachineScaleSet>("api");
    assert_eq!(set.held.instances.values().filter(|instance| instance.revision == 2).count(), 1);
    assert!(set.held.blocked.iter().any(|key| matches!(key, WaitKey::Quota(_))), "{:?}", set.held.blocked);
}

#[test]
fn a_network_of_an_instance_counts_towards_the_quotas() {
    let mut fabric = a_set_beside_eight();
    fabric.accept(a_public_ip("ninth").standard());
    fabric.accept(a_public_ip("tenth").standard());
    let mut nic = a_nic_model("nic");
    nic.interface.configurations[0].public_ip_address =
        Some(a_public_model(crate::fabric::public_ip_address::Sku::Standard));
    let refusal = fabric.put(an_instance("api", 0).network([nic.clone()])).unwrap_err();
    let path = "spec.networkProfileConfiguration";
    assert_eq!(told(&refusal), [("VMSS-29", Code::StandardSkuPublicIPCountLimitReached, path)]);
    fabric.cure(&refusal, |fabric| assert!(fabric.delete(Kind::PublicIPAddress, "tenth").unwrap()));
    fabric.accept(an_instance("api", 0).network([nic.clone()]));
    fabric.accept(an_instance("api", 0).network([nic]));
    let mut fabric = a_fabric_with_quotas().with(a_subnet("web", "10.0.0.0/24"));
    fabric.accept(a_scale_set("api", 1));
    fabric.accept(an_instance("api", 0));
    crowd(&mut fabric, (1..65_536).map(|n| format!("n{n}")), &a_nic("n").ask);
    let refusal =
        fabric.put(an_instance("api", 0).network([a_nic_model("nic"), a_nic_model("b").secondary()])).unwrap_err();
    assert_eq!(told(&refusal), [("VMSS-29", Code::QuotaExceeded, path)]);
}
