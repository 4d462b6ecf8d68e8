//! The life of what a NIC holds: a table of events, and of what each of them changes, cell by cell.
//!
//! Each row is an event, done to a VM `v` with the NICs `dyn`, primary, and `sta`. `dyn` has Dynamic private addresses, and
//! holds a Dynamic and a Static public address; `sta` has a Static private address.

use crate::fabric::mac::Mac;
use crate::fabric::network_interface::NetworkInterface;
use crate::fabric::terms::AllocationMethod;
use crate::fabric::testing::*;
use crate::fabric::{Kind, PublicIPAddress};

/// What an event does to something that a NIC holds.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Becomes {
    /// There is none, before and after.
    None,
    /// There was none, and there is one.
    Given,
    /// What was there is still there.
    Kept,
    /// There is another.
    New,
    /// There was one, and there is none.
    Gone,
}
use Becomes::{Given, Gone, Kept, New, None as Absent};

fn becomes<T: PartialEq>(before: Option<T>, after: Option<T>) -> Becomes {
    match (before, after) {
        (None, None) => Absent,
        (None, Some(_)) => Given,
        (Some(_), None) => Gone,
        (Some(before), Some(after)) if before == after => Kept,
        (Some(_), Some(_)) => New,
    }
}

/// What the table has columns for.
#[derive(Clone, Debug, PartialEq)]
struct Holdings {
    mac: Option<Mac>,
    vm: Option<(String, bool)>,
    dynamic_private: Option<String>,
    static_private: Option<String>,
    dynamic_public: Option<String>,
    static_public: Option<String>,
}

fn there(text: String) -> Option<String> {
    Some(text).filter(|text| text != "none")
}

fn holdings(fabric: &Fabric) -> Holdings {
    let carried = fabric.engine.get::<NetworkInterface>(&named("dyn")).is_some();
    let view = if carried { fabric.view::<NetworkInterface>("dyn") } else { Default::default() };
    let private = |nic: &str| {
        let nic = fabric.engine.get::<NetworkInterface>(&named(nic));
        nic.and_then(|nic| nic.held.addresses.get("a")).map(ToString::to_string)
    };
    let public = |name: &str| {
        let carried = fabric.engine.get::<PublicIPAddress>(&named(name)).is_some();
        carried.then(|| fabric.public_address(name)).and_then(there)
    };
    Holdings {
        mac: view.mac_address,
        vm: view.virtual_machine.map(|vm| (vm.name, view.primary.unwrap())),
        dynamic_private: private("dyn"),
        static_private: private("sta"),
        dynamic_public: public("dynamic"),
        static_public: public("static"),
    }
}

fn dynamic() -> A<NetworkInterface> {
    a_nic("dyn").configurations([primary("a").public("dynamic"), secondary("b").public("static")])
}

fn statically(address: &str) -> A<NetworkInterface> {
    a_nic("sta").configurations([primary("a").address(address)])
}

/// What there is before any VM: public addresses and NICs.
fn created() -> Fabric {
    a_fabric()
        .with(a_subnet("web", "10.0.1.0/24"))
        .with(a_subnet("db", "10.0.2.0/24"))
        .with(a_public_ip("dynamic"))
        .with(a_public_ip("static").method(AllocationMethod::Static))
        .with(dynamic())
        .with(statically("10.0.1.99"))
}

fn vm() -> A<crate::fabric::VirtualMachine> {
    a_vm("v").nics(["dyn", "sta"])
}

fn running() -> Fabric {
    created().with(vm())
}

fn deallocated() -> Fabric {
    running().with(vm().deallocated())
}

struct Row {
    event: &'static str,
    before: fn() -> Fabric,
    does: fn(&mut Fabric),
    /// MAC, primary and virtualMachine, dynamic private, static private, dynamic public, static public.
    becomes: [Becomes; 6],
}

const TABLE: [Row; 13] = [
    Row {
        event: "NIC created",
        before: || a_fabric().with(a_subnet("web", "10.0.1.0/24")),
        does: |fabric| *fabric = created(),
        becomes: [Absent, Absent, Given, Given, Absent, Given],
    },
    Row {
        event: "VM created and first started",
        before: created,
        does: |fabric| fabric.accept(vm()),
        becomes: [Given, Given, Kept, Kept, Given, Kept],
    },
    Row {
        event: "VM restarted",
        before: running,
        does: |fabric| fabric.accept(vm().restarted_at("noon")),
        becomes: [Kept, Kept, Kept, Kept, Kept, Kept],
    },
    Row {
        event: "VM stopped",
        before: running,
        does: |fabric| fabric.accept(vm().stopped()),
        becomes: [Kept, Kept, Kept, Kept, Kept, Kept],
    },
    Row {
        event: "VM started again after a stop",
        before: || running().with(vm().stopped()),
        does: |fabric| fabric.accept(vm().running()),
        becomes: [Kept, Kept, Kept, Kept, Kept, Kept],
    },
    Row {
        event: "VM deallocated",
        before: running,
        does: |fabric| fabric.accept(vm().deallocated()),
        becomes: [Kept, Kept, Kept, Kept, Gone, Kept],
    },
    Row {
        event: "VM started after deallocation (D-04: private addresses are kept)",
        before: deallocated,
        does: |fabric| fabric.accept(vm().running()),
        becomes: [Kept, Kept, Kept, Kept, Given, Kept],
    },
    Row {
        event: "NIC detached from a running VM, deallocated in the same edit",
        before: running,
        does: |fabric| fabric.accept(vm().nics(["sta"]).deallocated()),
        becomes: [Kept, Gone, Kept, Kept, Gone, Kept],
    },
    Row {
        event: "VM deleted",
        before: running,
        does: |fabric| assert!(fabric.delete(Kind::VirtualMachine, "v").unwrap()),
        becomes: [Kept, Gone, Kept, Kept, Gone, Kept],
    },
    Row {
        event: "primary address of the primary NIC changed, and of the other one",
        before: running,
        does: |fabric| {
            let moved = [primary("a").address("10.0.1.77").public("dynamic"), secondary("b").public("static")];
            fabric.accept(a_nic("dyn").configurations(moved));
            fabric.accept(statically("10.0.1.98"));
        },
        becomes: [Gone, Kept, New, New, Kept, Kept],
    },
    Row {
        event: "subnet of a detached NIC changed",
        before: || {
            let mut fabric = running();
            assert!(fabric.delete(Kind::VirtualMachine, "v").unwrap());
            fabric
        },
        does: |fabric| {
            fabric.accept(dynamic().subnet("db"));
            assert!(fabric.put(statically("10.0.2.99").subnet("db")).is_err(), "not allowed (NIC-06)");
        },
        becomes: [Kept, Absent, New, Kept, Absent, Kept],
    },
    Row {
        event: "subnet of the primary NIC of a VM changed, and with it the primary address",
        before: running,
        does: |fabric| fabric.accept(dynamic().subnet("db")),
        becomes: [Gone, Kept, New, Kept, Kept, Kept],
    },
    Row {
        event: "NIC deleted",
        before: || {
            let mut fabric = running();
            assert!(fabric.delete(Kind::VirtualMachine, "v").unwrap());
            fabric
        },
        does: |fabric| {
            for nic in ["dyn", "sta"] {
                assert!(fabric.delete(Kind::NetworkInterface, nic).unwrap());
            }
            for public in ["dynamic", "static"] {
                assert_eq!(fabric.view::<PublicIPAddress>(public).ip_configuration, None, "dissociated");
            }
            assert_eq!(fabric.engine.macs_in_use(), 0, "released");
            assert_eq!(fabric.available("web"), 251, "released");
        },
        becomes: [Gone, Absent, Gone, Gone, Absent, Kept],
    },
];

// shows ADDR-13, IPC-22, PIP-07, VM-12, VM-20, D-12
#[test]
fn what_a_nic_holds_lives_as_the_table_says() {
    for Row { event, before, does, becomes: expected } in TABLE {
        let mut fabric = before();
        let before = holdings(&fabric);
        does(&mut fabric);
        let after = holdings(&fabric);
        let happened = [
            becomes(before.mac, after.mac),
            becomes(before.vm, after.vm),
            becomes(before.dynamic_private, after.dynamic_private),
            becomes(before.static_private, after.static_private),
            becomes(before.dynamic_public, after.dynamic_public),
            becomes(before.static_public, after.static_public),
        ];
        assert_eq!(happened, expected, "{event}");
    }
}

/// The row "subnet changed", of the primary NIC of a VM: the row above it applies.
#[test]
fn another_subnet_of_the_primary_nic_clears_its_mac_and_leaves_its_public_addresses() {
    let mut fabric = running();
    let before = holdings(&fabric);
    fabric.accept(dynamic().subnet("db"));
    let after = holdings(&fabric);
    assert_eq!((after.mac, after.dynamic_private.as_deref()), (None, Some("10.0.2.4")));
    assert_eq!((after.dynamic_public, after.static_public), (before.dynamic_public, before.static_public));
}

/// The row "primary address changed": a new MAC address at the next start.
#[test]
fn a_mac_that_was_cleared_is_another_after_the_next_start() {
    let mut fabric = running();
    let before = fabric.mac("dyn").unwrap();
    fabric.accept(dynamic().subnet("db"));
    fabric.accept(vm().restarted_at("noon"));
    assert_ne!(fabric.mac("dyn").unwrap(), before);
}
