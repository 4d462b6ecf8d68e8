//! An operator with flags: quotas, addresses that are assigned again, the location of what names none.

use crate::support::cluster::alone;
use crate::support::manifests::{machine, nic, object, public_address};
use crate::support::placement::{nothing_moves, placement};
use crate::support::space::{Space, address, at};
use crate::support::states::{bring, power_is};

#[test]
fn an_operator_that_is_told_so_assigns_anew_when_a_deallocated_vm_starts_and_not_at_a_restart() {
    let cluster = alone();
    cluster.start_operator_with(&["--reassign-dynamic-addresses"]).unwrap();
    let space = Space::on(&cluster).and_a_subnet();
    space.apply(&nic("low", "web"));
    space.ready("nic/low");
    space.apply(&(nic("a", "web") + &machine("m", &["a"], "powerState: Running")));
    space.wait("vm/m", "Running", power_is("Running"));
    space.delete("nic/low"); // 10.0.1.4 is free from here on
    space.gone("nic/low");
    for power in ["Stopped", "Running", "Deallocated"] {
        bring(&space, "vm/m", power);
        assert_eq!(address(&space.ready("nic/a")), "10.0.1.5", "{power}");
    }
    let started = bring(&space, "vm/m", "Running");
    assert_eq!(at(&started, "/networkInterfaces/0/privateIPAddress"), "10.0.1.4");
    space.wait("nic/a", "at its new address", |nic| at(nic, "/ipConfigurations/0/privateIPAddress") == "10.0.1.4");
}

#[test]
fn an_operator_that_enforces_quotas_refuses_the_eleventh_address_until_one_goes() {
    let cluster = alone();
    cluster.start_operator_with(&["--enforce-quotas"]).unwrap();
    let space = Space::on(&cluster);
    let region = space.own("region").replace('-', ""); // whose quota no other test uses
    let basic = |n: usize| object("PublicIPAddress", &format!("p{n}"), &format!("location: {region}"));
    space.apply(&(0..10).map(basic).collect::<String>());
    for n in 0..10 {
        space.ready(&format!("pip/p{n}"));
    }
    space.apply(&basic(10));
    let refusal = space.refused("pip/p10");
    assert_eq!(refusal.told(), [("PIP-21", "IPv4BasicSkuPublicIpCountLimitReached", "metadata.name")]);
    refusal.shows(&["quota of 10 Basic public IPv4 addresses", &region]).advises(&["Delete some that are not used"]);
    space.delete("pip/p3");
    space.cured("pip/p10", &refusal);
    // Elsewhere there are ten more.
    space.apply(&object("PublicIPAddress", "elsewhere", &format!("location: {region}2")));
    space.ready("pip/elsewhere");
}

#[test]
fn without_a_label_an_object_is_where_the_operator_says_when_it_is_made() {
    let cluster = alone();
    let space = Space::on(&cluster);
    space.apply(&public_address("before", "Basic"));
    let before = space.ready("pip/before");
    cluster.start_operator_with(&["--default-location", "norwayeast"]).unwrap();
    space.apply(&public_address("after", "Basic"));
    assert_eq!(placement(&space.ready("pip/after")), ("norwayeast", "default"));
    nothing_moves(&space, &[before], |_| true);
}
