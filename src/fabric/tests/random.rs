//! Random operations over a handful of names, so that they meet.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::fabric::network_interface::{AllocationMethod, Assignment, IpConfiguration, IpVersion, Primary, Switch};
use crate::fabric::public_ip_address::Sku;
use crate::fabric::testing::*;
use crate::fabric::virtual_machine::PowerWish;
use crate::fabric::{Ask, Kind, for_each_kind, limits};

/// Something that is done to a fabric.
#[derive(Clone, Debug)]
pub enum Op {
    Put(String, Ask),
    Delete(Kind, String),
    Advance(i64),
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
        put("p0", a_public_ip("p0").ask.into()),
        put("p1", a_public_ip("p1").ask.into()),
        put("p2", a_public_ip("p2").standard().ask.into()),
        put("n0", a_nic("n0").subnet("s0").ask.into()),
        put("n1", a_nic("n1").subnet("s0").ask.into()),
        put("n2", a_nic("n2").subnet("s1").ask.into()),
        put("v0", a_vm("v0").nics(["n0"]).deallocated().ask.into()),
    ]
}

/// What the ends of a test do: delete everything, in an order that succeeds.
pub fn end() -> impl Iterator<Item = (Kind, String)> {
    let names = |kind| match kind {
        Kind::VirtualMachine => &["v0", "v1"][..],
        Kind::NetworkInterface => &["n0", "n1", "n2", "n3"],
        Kind::PublicIPAddress => &["p0", "p1", "p2"],
        Kind::Subnet => &["s0", "s1", "s2"],
        _ => &["hub", "spoke"],
    };
    Kind::ALL.iter().rev().flat_map(move |kind| names(*kind).iter().map(|name| (*kind, (*name).to_owned())))
}

pub fn operations(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Op>> {
    vec(operation(), count).prop_map(|operations| beginning().into_iter().chain(operations).collect())
}

fn operation() -> impl Strategy<Value = Op> {
    prop_oneof![
        1 => network(),
        2 => subnet(),
        3 => public(),
        12 => nic(),
        12 => vm(),
        3 => deletion(),
        2 => (1i64..60).prop_map(Op::Advance),
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
    (one_of(&["hub", "spoke"]), prefixes)
        .prop_map(|(name, prefixes)| Op::Put(name.clone(), a_network(&name).prefixes(prefixes).ask.into()))
}

fn subnet() -> impl Strategy<Value = Op> {
    let prefixes = &["10.0.0.0/29", "10.0.0.8/29", "10.0.0.0/28", "10.0.0.16/29", "10.1.0.0/29"];
    let ipv6 = prop_oneof![Just(None), Just(Some("fd00::/64")), Just(Some("fd00:0:0:1::/64"))];
    let network = prop_oneof![4 => Just("hub"), 1 => Just("spoke")];
    (one_of(&["s0", "s1", "s2"]), network, one_of(prefixes), ipv6).prop_map(|(name, network, prefix, ipv6)| {
        let asked = a_subnet(&name, &prefix).of(network);
        let asked = ipv6.into_iter().fold(asked, |asked, ipv6| asked.ipv6(ipv6));
        Op::Put(name, asked.ask.into())
    })
}

fn method() -> impl Strategy<Value = AllocationMethod> {
    prop_oneof![Just(AllocationMethod::Dynamic), Just(AllocationMethod::Static)]
}

fn public() -> impl Strategy<Value = Op> {
    let label = prop_oneof![2 => Just(None), 1 => Just(Some("web")), 1 => Just(Some("database"))];
    let ipv6 = prop::bool::weighted(0.1);
    (one_of(&["p0", "p1", "p2"]), prop::bool::weighted(0.3), method(), label, ipv6).prop_map(
        |(name, standard, method, label, ipv6)| {
            let mut asked = a_public_ip(&name).method(method);
            asked.ask.sku = if standard { Sku::Standard } else { Sku::Basic };
            asked.ask.version = if ipv6 { IpVersion::IPv6 } else { IpVersion::IPv4 };
            asked.ask.domain_name_label = label.map(str::to_owned);
            Op::Put(name, asked.ask.into())
        },
    )
}

fn mark() -> impl Strategy<Value = Primary> {
    prop_oneof![4 => Just(Primary::Unsaid), 1 => Just(Primary::Yes), 1 => Just(Primary::No)]
}

fn configuration() -> impl Strategy<Value = IpConfiguration> {
    let assignment = prop_oneof![
        5 => Just(Assignment::Dynamic),
        4 => (3u8..8).prop_map(|last| Assignment::Static([10, 0, 0, last].into())),
        1 => Just(Assignment::StaticAsIs),
    ];
    let public = prop_oneof![5 => Just(None), 1 => one_of(&["p0", "p1", "p2"]).prop_map(Some)];
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
    (one_of(&["n0", "n1", "n2", "n3"]), subnet, list, prop::bool::weighted(0.2)).prop_map(
        |(name, subnet, (names, configurations, marked, marks), accelerated)| {
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
                    Some(_) => Primary::Unsaid,
                    None => mark,
                };
                IpConfiguration { name: name.into(), primary, ..configuration }
            });
            let mut asked = a_nic(&name).subnet(subnet).configurations(configurations.collect::<Vec<_>>());
            asked.ask.accelerated_networking = Switch::from(accelerated);
            Op::Put(name, asked.ask.into())
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
        3 => Just(Some(PowerWish::Running)),
        2 => Just(Some(PowerWish::Stopped)),
        4 => Just(Some(PowerWish::Deallocated)),
    ];
    let size = prop_oneof![5 => Just("Standard_D8s_v3"), 1 => Just("Standard_D2s_v3")];
    let restart = prop_oneof![3 => Just(None), 1 => one_of(&["noon", "dusk"]).prop_map(Some)];
    (one_of(&["v0", "v1"]), nics, vec(mark(), 3), wish, size, restart).prop_map(
        |(name, nics, marks, wish, size, restart)| {
            let mut asked = a_vm(&name);
            asked.ask.size = limits::vm_size(size).unwrap();
            asked.ask.power = wish;
            asked.ask.restarted_at = restart;
            asked.ask.network_interfaces = nics
                .into_iter()
                .zip(marks)
                .map(|(nic, primary)| crate::fabric::virtual_machine::NicReference { name: named(nic), primary })
                .collect();
            Op::Put(name, asked.ask.into())
        },
    )
}

fn deletion() -> impl Strategy<Value = Op> {
    let all = |few: bool| {
        end().filter(move |(kind, _)| !few || matches!(kind, Kind::VirtualMachine | Kind::NetworkInterface))
    };
    prop_oneof![4 => Just(true), 1 => Just(false)]
        .prop_flat_map(move |few| proptest::sample::select(all(few).collect::<Vec<_>>()))
        .prop_map(|(kind, name)| Op::Delete(kind, name))
}
