//! Random operations over a handful of names, so that they meet.

use std::fmt;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::fabric::network_interface::{Assignment, IpConfiguration};
use crate::fabric::public_ip_address::Sku;
use crate::fabric::terms::{AllocationMethod, IpVersion, Primary, Switch};
use crate::fabric::testing::*;
use crate::fabric::virtual_machine::{DesiredPowerState, Disruption, OsType};
use crate::fabric::{Ask, Kind, Subnet, for_each_kind, sizes};

/// Something that is done to a fabric.
#[derive(Clone)]
pub enum Op {
    Put(String, Ask),
    Delete(Kind, String),
    Advance(i64),
    /// Whoever makes the objects of the instances of scale sets does so, as far as it is let.
    Make,
    /// The fabric is restored from what its objects' statuses show.
    Restart,
}

/// A line each, for a history is long.
impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::Put(name, ask) => write!(f, "put {name}: {ask:?}"),
            Op::Delete(kind, name) => write!(f, "delete {kind} {name}"),
            Op::Advance(seconds) => write!(f, "advance {seconds}"),
            Op::Make => f.write_str("make"),
            Op::Restart => f.write_str("restart"),
        }
    }
}

macro_rules! define_kind_of {
    ($($kind:ident $module:ident,)*) => {
        /// The kind of the object that is asked for.
        pub fn kind_of(ask: &Ask) -> Kind {
            match ask {
                $(Ask::$kind(_) => Kind::$kind,)*
            }
        }
    };
}
for_each_kind!(define_kind_of);

/// What most histories come to, to begin with.
pub fn beginning() -> Vec<Op> {
    let put = |name: &str, ask: Ask| Op::Put(name.to_owned(), ask);
    vec![
        put("hub", a_network("hub").prefixes(["10.0.0.0/16", "fd00::/48"]).ask.into()),
        put("spoke", a_network("spoke").prefixes(["10.0.0.0/16", "fd01::/48"]).ask.into()),
        put("s0", a_subnet("s0", "10.0.0.0/29").ask.into()),
        put("s1", a_subnet("s1", "10.0.0.8/29").ipv6("fd00::/64").ask.into()),
        put("s2", a_subnet("s2", "10.0.0.0/29").of("spoke").ask.into()),
        put("b0", a_prefix("b0", 31).ask.into()),
        put("p0", a_public_ip("p0").ask.into()),
        put("p1", a_public_ip("p1").ask.into()),
        put("p2", a_public_ip("p2").standard().from("b0").ask.into()),
        put("p3", a_public_ip("p3").standard().ask.into()),
        put("n0", a_nic("n0").subnet("s0").ask.into()),
        put("n1", a_nic("n1").subnet("s0").ask.into()),
        put("n2", a_nic("n2").subnet("s1").ask.into()),
        put("t0", a_set("t0").ask.into()),
        put("v0", a_vm("v0").nics(["n0"]).in_set("t0").deallocated().ask.into()),
    ]
}

/// The names that the operations use.
fn names(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::VirtualNetwork => &["hub", "spoke"],
        Kind::Subnet => &["s0", "s1", "s2"],
        Kind::PublicIPPrefix => &["b0", "b1"],
        Kind::PublicIPAddress => &["p0", "p1", "p2", "p3"],
        Kind::NetworkInterface => &["n0", "n1", "n2", "n3"],
        Kind::AvailabilitySet => &["t0", "t1"],
        Kind::VirtualMachine => &["v0", "v1"],
        Kind::VirtualMachineScaleSet | Kind::VirtualMachineScaleSetVM => &[],
    }
}

fn name(kind: Kind) -> impl Strategy<Value = String> {
    one_of(names(kind))
}

/// What the ends of a test do: delete everything, in an order that succeeds.
pub fn end() -> impl Iterator<Item = (Kind, String)> {
    Kind::ALL.iter().rev().flat_map(|kind| names(*kind).iter().map(|name| (*kind, (*name).to_owned())))
}

pub fn operations(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Op>> {
    vec(operation(), count).prop_map(|operations| beginning().into_iter().chain(operations).collect())
}

fn operation() -> impl Strategy<Value = Op> {
    prop_oneof![
        1 => network(),
        2 => subnet(),
        2 => prefix(),
        4 => public(),
        12 => nic(),
        1 => name(Kind::AvailabilitySet).prop_map(|name| Op::Put(name.clone(), a_set(&name).ask.into())),
        12 => vm(),
        4 => deletion(),
        2 => (1i64..60).prop_map(Op::Advance),
        1 => Just(Op::Restart),
    ]
}

fn one_of(names: &'static [&'static str]) -> impl Strategy<Value = String> {
    proptest::sample::select(names).prop_map(str::to_owned)
}

fn network() -> impl Strategy<Value = Op> {
    let prefixes = prop_oneof![
        4 => Just(["10.0.0.0/16", "fd00::/48"]),
        1 => Just(["10.0.0.0/28", "fd00::/48"]),
        1 => Just(["10.0.0.0/16", "fd01::/48"]),
    ];
    (name(Kind::VirtualNetwork), prefixes, 0u8..3).prop_map(|(name, prefixes, servers)| {
        let asked = a_network(&name).prefixes(prefixes).dns_servers(servers);
        Op::Put(name, asked.ask.into())
    })
}

fn subnet() -> impl Strategy<Value = Op> {
    let prefixes = &["10.0.0.0/29", "10.0.0.8/29", "10.0.0.0/28", "10.0.0.16/29", "10.1.0.0/29"];
    let ipv6 = prop_oneof![Just(None), Just(Some("fd00::/64")), Just(Some("fd00:0:0:1::/64"))];
    let network = prop_oneof![4 => Just("hub"), 1 => Just("spoke")];
    let first = any::<bool>();
    (name(Kind::Subnet), network, one_of(prefixes), ipv6, first).prop_map(|(name, network, prefix, ipv6, first)| {
        let asked = a_subnet(&name, &prefix).of(network);
        let list = |asked: A<Subnet>, ipv6: &str| if first { asked.ipv6_first(ipv6) } else { asked.ipv6(ipv6) };
        let asked = ipv6.into_iter().fold(asked, list);
        Op::Put(name, asked.ask.into())
    })
}

fn method() -> impl Strategy<Value = AllocationMethod> {
    prop_oneof![Just(AllocationMethod::Dynamic), Just(AllocationMethod::Static)]
}

fn prefix() -> impl Strategy<Value = Op> {
    let length = prop_oneof![1 => Just(27), 1 => Just(28), 2 => Just(29), 4 => Just(30), 8 => Just(31)];
    (name(Kind::PublicIPPrefix), length)
        .prop_map(|(name, length)| Op::Put(name.clone(), a_prefix(&name, length).ask.into()))
}

/// Those of an even number are mostly Standard, as what is fixed at creation is mostly repeated.
fn public() -> impl Strategy<Value = Op> {
    let label = prop_oneof![2 => Just(None), 1 => Just(Some("web")), 1 => Just(Some("database"))];
    let as_usual = prop::bool::weighted(0.85);
    let prefix = prop_oneof![5 => Just(None), 4 => Just(Some("b0")), 1 => Just(Some("b1"))];
    let from = (prefix, prop::option::weighted(0.3, 0u8..4));
    (name(Kind::PublicIPAddress), as_usual, method(), label, prop::bool::weighted(0.1), from).prop_map(
        |(name, as_usual, method, label, ipv6, (prefix, requested))| {
            let mut asked = a_public_ip(&name).method(method);
            if ["p2", "p3"].contains(&name.as_str()) == as_usual {
                asked.ask.sku = Sku::Standard;
            }
            if as_usual && asked.ask.sku == Sku::Standard {
                asked.ask.method = AllocationMethod::Static;
            }
            asked.ask.version = if ipv6 { IpVersion::IPv6 } else { IpVersion::IPv4 };
            asked.ask.domain_name_label = label.map(str::to_owned);
            asked.ask.public_ip_prefix = prefix.filter(|_| asked.ask.sku == Sku::Standard || !as_usual).map(named);
            let requested = requested.filter(|_| asked.ask.public_ip_prefix.is_some() || !as_usual);
            asked.ask.requested_address = requested.map(|last| [198, 51, 100, last].into());
            Op::Put(name, asked.ask.into())
        },
    )
}

fn mark() -> impl Strategy<Value = Primary> {
    prop_oneof![4 => Just(Primary::Unspecified), 1 => Just(Primary::Yes), 1 => Just(Primary::No)]
}

fn configuration() -> impl Strategy<Value = IpConfiguration> {
    let assignment = prop_oneof![
        5 => Just(Assignment::Dynamic),
        4 => (3u8..8).prop_map(|last| Assignment::Static([10, 0, 0, last].into())),
        1 => Just(Assignment::KeepCurrent),
    ];
    let public = prop_oneof![5 => Just(None), 2 => name(Kind::PublicIPAddress).prop_map(Some)];
    (assignment, prop::bool::weighted(0.06), public).prop_map(|(assignment, ipv6, public)| {
        let mut configuration = a_configuration("");
        configuration.assignment = assignment;
        if ipv6 {
            (configuration.version, configuration.assignment) = (IpVersion::IPv6, Assignment::Dynamic);
        }
        configuration.public_ip_address = public.map(|public| named(&public));
        configuration
    })
}

fn nic() -> impl Strategy<Value = Op> {
    let names = proptest::sample::subsequence(vec!["a", "b", "c"], 1..=3);
    let marks = prop_oneof![
        6 => (0usize..3).prop_map(Some),
        2 => Just(None),
    ];
    let subnet = prop_oneof![12 => Just("s0"), 8 => Just("s1"), 1 => Just("s2")];
    let list = (names, vec(configuration(), 3), marks, vec(mark(), 3));
    let servers = prop_oneof![3 => Just(0u8), 1 => Just(1u8)];
    (name(Kind::NetworkInterface), subnet, list, prop::bool::weighted(0.2), servers).prop_map(
        |(name, subnet, (names, configurations, marked, marks), accelerated, servers)| {
            let count = names.len();
            let configurations = names.into_iter().zip(configurations).zip(marks).enumerate();
            let in_s1 = |assignment| match assignment {
                Assignment::Static(std::net::IpAddr::V4(address)) => {
                    Assignment::Static(std::net::Ipv4Addr::from(u32::from(address) + 8).into())
                }
                other => other,
            };
            let configurations = configurations.map(|(n, ((name, mut configuration), mark))| {
                if subnet == "s1" {
                    configuration.assignment = in_s1(configuration.assignment);
                }
                let primary = match marked {
                    Some(marked) if marked % count == n => Primary::Yes,
                    Some(_) => Primary::Unspecified,
                    None => mark,
                };
                IpConfiguration { name: name.into(), primary, ..configuration }
            });
            let mut asked = a_nic(&name).subnet(subnet).configurations(configurations.collect::<Vec<_>>());
            asked.ask.accelerated_networking = Switch::from(accelerated);
            Op::Put(name, asked.dns_servers(servers).ask.into())
        },
    )
}

fn vm() -> impl Strategy<Value = Op> {
    let nics = prop_oneof![
        4 => proptest::sample::subsequence(vec!["n0", "n1", "n2"], 1..=2),
        1 => proptest::sample::subsequence(vec!["n0", "n1", "n2", "n3"], 1..=3),
    ]
    .prop_shuffle();
    let wish = prop_oneof![
        2 => Just(None),
        3 => Just(Some(DesiredPowerState::Running)),
        2 => Just(Some(DesiredPowerState::Stopped)),
        4 => Just(Some(DesiredPowerState::Deallocated)),
    ];
    let size = prop_oneof![5 => Just("Standard_D8s_v3"), 1 => Just("Standard_D2s_v3")];
    let restart = prop_oneof![3 => Just(None), 1 => one_of(&["noon", "dusk"]).prop_map(Some)];
    let disruption = prop_oneof![3 => Just(Disruption::Refuse), 1 => Just(Disruption::Deallocate)];
    let set = prop_oneof![8 => Just(Some("t0")), 1 => Just(Some("t1")), 1 => Just(None)];
    (name(Kind::VirtualMachine), nics, vec(mark(), 3), (wish, restart), (size, disruption), set, any::<bool>())
        .prop_map(|(name, nics, marks, (wish, restart), (size, disruption), set, windows)| {
            let mut asked = a_vm(&name);
            asked.ask.availability_set = set.map(named);
            asked.ask.disruption = disruption;
            asked.ask.os_type = if windows { OsType::Windows } else { OsType::Linux };
            asked.ask.size = sizes::vm_size(size).unwrap();
            asked.ask.power = wish;
            asked.ask.restarted_at = restart;
            asked.ask.network_interfaces = nics
                .into_iter()
                .zip(marks)
                .map(|(nic, primary)| crate::fabric::virtual_machine::NicReference {
                    name: named(nic),
                    primary,
                    delete_option: Default::default(),
                })
                .collect();
            Op::Put(name, asked.ask.into())
        })
}

fn deletion() -> impl Strategy<Value = Op> {
    let all = |few: bool| {
        end().filter(move |(kind, _)| !few || matches!(kind, Kind::VirtualMachine | Kind::NetworkInterface))
    };
    prop_oneof![4 => Just(true), 1 => Just(false)]
        .prop_flat_map(move |few| proptest::sample::select(all(few).collect::<Vec<_>>()))
        .prop_map(|(kind, name)| Op::Delete(kind, name))
}
