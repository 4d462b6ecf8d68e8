//! Nothing that a user can write makes the translation or the fabric panic.

mod scale_set;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::properties::config;
use crate::api::common::{Address, DhcpOptions, DnsServer, Prefix, TrackedResource};
use crate::api::network_interface::{IpConfigurationSpec, NetworkInterfaceSpec, NicDnsSettings};
use crate::api::public_ip_address::{PublicDnsSettings, PublicIPAddressSku, PublicIPAddressSpec};
use crate::api::references::{LocalReference, ObjectReference, PublicIPAddressReference};
use crate::api::subnet::SubnetSpec;
use crate::api::virtual_machine::{HardwareProfile, NetworkProfile, NicReferenceSpec, OsProfile, VirtualMachineSpec};
use crate::api::virtual_machine_scale_set::VirtualMachineScaleSetSpec;
use crate::api::virtual_network::{AddressSpace, VirtualNetworkSpec};
use crate::api::{About, Api};
use crate::fabric::network_interface::{ConfigurationView, NetworkInterface, NetworkInterfaceView};
use crate::fabric::public_ip_address::{PublicIPAddress, PublicIPAddressView, Sku};
use crate::fabric::subnet::{Subnet, SubnetView};
use crate::fabric::terms::{AllocationMethod, DeleteOption, IpVersion};
use crate::fabric::testing::{named, users_first};
use crate::fabric::virtual_machine::{
    AttachedNicView, DesiredPowerState, Disruption, OsType, PowerState, VirtualMachine, VirtualMachineView,
};
use crate::fabric::virtual_network::{VirtualNetwork, VirtualNetworkView};
use crate::fabric::{
    Ask, Engine, Kind, Name, Placement, Record, Refusal, Request, Settings, ShownRef, Uid, VirtualMachineScaleSet,
};
use scale_set::{scale_set, scale_set_view};

#[derive(Clone, Debug)]
enum Spec {
    VirtualNetwork(VirtualNetworkSpec),
    Subnet(SubnetSpec),
    PublicIPAddress(PublicIPAddressSpec),
    NetworkInterface(NetworkInterfaceSpec),
    VirtualMachine(VirtualMachineSpec),
    VirtualMachineScaleSet(VirtualMachineScaleSetSpec),
}

fn text(likely: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop_oneof![
        12 => proptest::sample::select(likely).prop_map(str::to_owned),
        1 => ".*",
        1 => Just(String::new()),
        1 => Just("ﷺ\u{0}\u{202e}é/..".to_owned()),
        1 => Just("0".repeat(300)),
    ]
}

fn name() -> impl Strategy<Value = String> {
    text(&["a", "b", "c"])
}

fn address() -> impl Strategy<Value = Address> {
    text(&[
        "10.0.0.4",
        "10.0.0.5",
        "10.0.0.255",
        "0.0.0.0",
        "0.0.0.4",
        "255.255.255.255",
        "255.255.255.254",
        "010.0.0.4",
        "10.0.0.4/32",
        "::",
        "::1",
        "fd00::4",
        "::ffff:10.0.0.4",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "1.2.3",
    ])
    .prop_map(Address)
}

fn dns_server() -> impl Strategy<Value = DnsServer> {
    address().prop_map(|address| DnsServer(address.0))
}

fn prefix() -> impl Strategy<Value = Prefix> {
    text(&[
        "10.0.0.0/8",
        "10.0.0.0/24",
        "10.0.0.0/29",
        "10.0.0.8/29",
        "10.0.0.5/24",
        "10.0.0.0/33",
        "10.0.0.0",
        "0.0.0.0/0",
        "0.0.0.0/8",
        "0.0.0.0/32",
        "255.255.255.254/31",
        "255.0.0.0/8",
        "240.0.0.0/8",
        "::/0",
        "fd00::/48",
        "fd00::/64",
        "ffff:ffff:ffff:ffff::/64",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
        "::ffff:0:0/96",
    ])
    .prop_map(Prefix)
}

fn resource(location: Option<String>) -> TrackedResource {
    TrackedResource { location, ..TrackedResource::default() }
}

fn location() -> impl Strategy<Value = Option<String>> {
    option::weighted(0.2, text(&["westeurope", "norwayeast"]))
}

fn reference<K: std::fmt::Debug>() -> impl Strategy<Value = ObjectReference<K>> {
    (name(), option::weighted(0.1, text(&["prod", "dev"])))
        .prop_map(|(name, namespace)| ObjectReference::new(name, namespace))
}

fn few<T: Strategy>(one: T) -> impl Strategy<Value = Vec<T::Value>>
where
    T::Value: Clone,
{
    let many = |few: Vec<T::Value>| few.iter().cloned().cycle().take(300.min(few.len() * 300)).collect::<Vec<_>>();
    (vec(one, 0..4), prop::bool::weighted(0.02)).prop_map(move |(few, huge)| if huge { many(few) } else { few })
}

fn network() -> impl Strategy<Value = Spec> {
    (location(), few(prefix()), option::of(few(dns_server()))).prop_map(|(location, address_prefixes, servers)| {
        let dhcp_options = servers.map(|dns_servers| DhcpOptions { dns_servers });
        let address_space = AddressSpace { address_prefixes };
        Spec::VirtualNetwork(VirtualNetworkSpec { resource: resource(location), address_space, dhcp_options })
    })
}

fn subnet() -> impl Strategy<Value = Spec> {
    (name(), few(prefix())).prop_map(|(name, address_prefixes)| {
        Spec::Subnet(SubnetSpec { azure_name: None, virtual_network: LocalReference::new(name), address_prefixes })
    })
}

fn method() -> impl Strategy<Value = Option<AllocationMethod>> {
    option::of(prop_oneof![Just(AllocationMethod::Dynamic), Just(AllocationMethod::Static)])
}

fn version() -> impl Strategy<Value = IpVersion> {
    prop_oneof![3 => Just(IpVersion::IPv4), 1 => Just(IpVersion::IPv6)]
}

fn public() -> impl Strategy<Value = Spec> {
    let label = option::of(text(&["web", "w", "9web", "we-b", "web-", "WEB"]));
    let sku = prop_oneof![Just(Sku::Basic), Just(Sku::Standard)];
    let minutes = prop_oneof![4 => Just(4), 1 => any::<i32>()];
    (location(), sku, method(), version(), minutes, label).prop_map(
        |(location, sku, publicly, public_ip_address_version, idle_timeout_in_minutes, label)| {
            Spec::PublicIPAddress(PublicIPAddressSpec {
                public_ip_prefix: None,
                ip_address: None,
                zones: Vec::new(),
                resource: resource(location),
                sku: PublicIPAddressSku { name: sku },
                public_ip_allocation_method: publicly,
                public_ip_address_version,
                idle_timeout_in_minutes,
                dns_settings: label.map(|domain_name_label| PublicDnsSettings { domain_name_label }),
            })
        },
    )
}

fn configuration() -> impl Strategy<Value = IpConfigurationSpec> {
    let delete_option = option::of(prop_oneof![Just(DeleteOption::Detach), Just(DeleteOption::Delete)]);
    let public =
        (reference(), delete_option).prop_map(|(to, delete_option)| PublicIPAddressReference { to, delete_option });
    let public = option::weighted(0.3, public);
    (name(), option::of(any::<bool>()), option::weighted(0.3, version()), method(), option::of(address()), public)
        .prop_map(
            |(name, primary, private_ip_address_version, private_ip_allocation_method, private_ip_address, public)| {
                IpConfigurationSpec {
                    name,
                    primary,
                    private_ip_address_version,
                    private_ip_allocation_method,
                    private_ip_address,
                    public_ip_address: public,
                }
            },
        )
}

fn nic() -> impl Strategy<Value = Spec> {
    let dns = option::of((few(dns_server()), option::of(name())));
    (location(), reference(), any::<(bool, bool)>(), dns, few(configuration())).prop_map(
        |(location, subnet, (forwards, accelerated), dns, ip_configurations)| {
            Spec::NetworkInterface(NetworkInterfaceSpec {
                resource: resource(location),
                subnet,
                enable_ip_forwarding: forwards,
                enable_accelerated_networking: accelerated,
                dns_settings: dns.map(|(dns_servers, internal_dns_name_label)| NicDnsSettings {
                    dns_servers,
                    internal_dns_name_label,
                }),
                ip_configurations,
            })
        },
    )
}

fn vm() -> impl Strategy<Value = Spec> {
    let os = option::of((option::of(name()), option::of(prop_oneof![Just(OsType::Linux), Just(OsType::Windows)])));
    let wish = prop_oneof![
        Just(DesiredPowerState::Running),
        Just(DesiredPowerState::Stopped),
        Just(DesiredPowerState::Deallocated)
    ];
    let size = text(&["Standard_D2s_v3", "standard_d8s_V3", "Standard_D2s-v3"]);
    let delete_option = option::of(prop_oneof![Just(DeleteOption::Detach), Just(DeleteOption::Delete)]);
    let nic = (reference(), option::of(any::<bool>()), delete_option);
    (location(), size, os, few(nic), option::of(wish)).prop_map(|(location, vm_size, os, nics, power_state)| {
        let nic = |(ObjectReference::<NetworkInterface> { name, namespace, .. }, primary, delete_option)| {
            NicReferenceSpec { name, namespace, primary, delete_option }
        };
        Spec::VirtualMachine(VirtualMachineSpec {
            availability_set: None,
            zones: Vec::new(),
            disruption_policy: Disruption::Refuse,
            resource: resource(location),
            hardware_profile: HardwareProfile { vm_size },
            os_profile: os.map(|(computer_name, os_type)| OsProfile {
                computer_name,
                os_type,
                network_interfaces: Vec::new(),
            }),
            network_profile: NetworkProfile { network_interfaces: nics.into_iter().map(nic).collect() },
            power_state,
        })
    })
}

fn spec() -> impl Strategy<Value = Spec> {
    prop_oneof![2 => network(), 3 => subnet(), 2 => public(), 4 => nic(), 2 => vm(), 3 => scale_set()]
}

fn request<K>(name: &Name, location: Option<&str>, ask: K) -> Request<K> {
    Request {
        uid: Uid::from(name.to_string().as_str()),
        generation: i64::MAX,
        location: location.map(Into::into),
        default: Placement { subscription: "default".into(), location: "westeurope".into() },
        common: Default::default(),
        ask,
    }
}

/// Translates a spec and puts the result. What was accepted reads the same when it is written as a spec again.
fn put<K: Api + Into<Ask>>(engine: &mut Engine, about: &About, spec: &K::Spec) -> Result<(), Option<Refusal>> {
    let ask = K::translate(about, spec).map_err(Refusal::from_violations)?;
    engine
        .put(
            &about.name,
            request(&about.name, K::tracked(spec).and_then(|resource| resource.location.as_deref()), ask.into()),
        )
        .map_err(Some)?;
    let programmed = engine.get::<K>(&about.name).expect("an accepted object is carried");
    let described = programmed.ask.describe(&about.name, &programmed.placement.location);
    assert_eq!(K::translate(about, &described).as_ref(), Ok(&programmed.ask));
    Ok(())
}

fn put_any(engine: &mut Engine, about: &About, spec: &Spec) -> Result<(), Option<Refusal>> {
    match spec {
        Spec::VirtualNetwork(spec) => put::<VirtualNetwork>(engine, about, spec),
        Spec::Subnet(spec) => put::<Subnet>(engine, about, spec),
        Spec::PublicIPAddress(spec) => put::<PublicIPAddress>(engine, about, spec),
        Spec::NetworkInterface(spec) => put::<NetworkInterface>(engine, about, spec),
        Spec::VirtualMachine(spec) => put::<VirtualMachine>(engine, about, spec),
        Spec::VirtualMachineScaleSet(spec) => put::<VirtualMachineScaleSet>(engine, about, spec),
    }
}

/// Restores what a spec translates to, as no fabric would have accepted it, with a view of its own claims.
fn restore<K: Api>(engine: &mut Engine, about: &About, spec: &K::Spec, view: K::View)
where
    crate::fabric::AnyRecord: From<Record<K>>,
{
    if let Ok(ask) = K::translate(about, spec) {
        let placement = Placement { subscription: "default".into(), location: "westeurope".into() };
        let record = Record { uid: Uid::from("uid"), generation: 1, placement, common: Default::default(), ask, view };
        engine.restore(&about.name, record.into());
    }
}

/// A status that claims for each configuration the address that its spec names, whatever else there is.
fn nic_view(spec: &NetworkInterfaceSpec) -> NetworkInterfaceView {
    let claim = |asked: &IpConfigurationSpec| ConfigurationView {
        name: asked.name.clone(),
        primary: false,
        private_ip_address: asked.private_ip_address.as_ref().and_then(|address| address.0.parse().ok()),
        public_ip_address: None,
    };
    NetworkInterfaceView {
        mac_address: "00-0D-3A-00-00-01".parse().ok().filter(|_| spec.enable_ip_forwarding),
        ip_configurations: spec.ip_configurations.iter().map(claim).collect(),
        ..NetworkInterfaceView::default()
    }
}

/// A status that claims every NIC of the list.
fn vm_view(spec: &VirtualMachineSpec) -> VirtualMachineView {
    let claim = |asked: &NicReferenceSpec| AttachedNicView {
        reference: ShownRef { name: asked.name.clone(), namespace: asked.namespace.clone() },
        primary: asked.primary.unwrap_or(true),
        mac_address: None,
        private_ip_address: None,
        dhcp_address: None,
        manual_addresses: Vec::new(),
    };
    VirtualMachineView {
        power_state: spec.power_state.map(|wish| match wish {
            DesiredPowerState::Running => PowerState::Running,
            DesiredPowerState::Stopped => PowerState::Starting,
            DesiredPowerState::Deallocated => PowerState::Deallocated,
        }),
        last_handled_restart_at: spec.resource.location.clone(),
        network_interfaces: spec.network_profile.network_interfaces.iter().map(claim).collect(),
        ..VirtualMachineView::default()
    }
}

fn public_view(spec: &PublicIPAddressSpec) -> PublicIPAddressView {
    let last = spec.idle_timeout_in_minutes.unsigned_abs() % 256;
    let ip_address = Some(std::net::IpAddr::from([198, 18, 0, last as u8]));
    PublicIPAddressView { ip_address, ..PublicIPAddressView::default() }
}

/// A fabric in which much of what is asked for can be.
fn a_fabric() -> Engine {
    let mut engine = Engine::new(Settings::default());
    let about = |name: &str| About::named(named(name));
    let prefixes = ["0.0.0.0/8", "10.0.0.0/8", "fd00::/48", "ffff:ffff:ffff:ffff::/64"].map(|p| Prefix(p.to_owned()));
    let address_space = AddressSpace { address_prefixes: prefixes.into() };
    let network = VirtualNetworkSpec { resource: TrackedResource::default(), address_space, dhcp_options: None };
    put::<VirtualNetwork>(&mut engine, &about("a"), &network).unwrap();
    let virtual_network = LocalReference::new("a");
    let address_prefixes = ["10.0.0.0/24", "fd00::/64"].map(|p| Prefix(p.to_owned())).into();
    put::<Subnet>(&mut engine, &about("a"), &SubnetSpec { azure_name: None, virtual_network, address_prefixes })
        .unwrap();
    engine
}

proptest! {
    #![proptest_config(config(1000))]

    #[test]
    fn no_spec_makes_the_fabric_panic(specs in vec((name(), spec(), option::weighted(0.2, name())), 1..12)) {
        let mut engine = a_fabric();
        for (name, spec, restarted_at) in &specs {
            let about = About { restarted_at: restarted_at.clone(), ..About::named(named(name)) };
            let before = engine.tables().clone();
            if let Err(refusal) = put_any(&mut engine, &about, spec) {
                prop_assert!(refusal.is_some(), "a translation that fails says why");
                prop_assert_eq!(engine.tables(), &before);
            }
            engine.assert_consistent();
            engine.assert_legal();
        }
    }

    #[test]
    fn no_status_makes_the_fabric_panic(
        restored in vec((name(), spec()), 1..12),
        specs in vec((name(), spec()), 1..12),
    ) {
        let mut engine = a_fabric();
        let about = |name: &str| About::named(named(name));
        for kind in Kind::ALL {
            for (name, spec) in &restored {
                if engine.holder(*kind, &named(name)).is_some() {
                    continue;
                }
                match (kind, spec) {
                    (Kind::VirtualNetwork, Spec::VirtualNetwork(spec)) => {
                        restore::<VirtualNetwork>(&mut engine, &about(name), spec, VirtualNetworkView::default());
                    }
                    (Kind::Subnet, Spec::Subnet(spec)) => {
                        restore::<Subnet>(&mut engine, &about(name), spec, SubnetView::default());
                    }
                    (Kind::PublicIPAddress, Spec::PublicIPAddress(spec)) => {
                        restore::<PublicIPAddress>(&mut engine, &about(name), spec, public_view(spec));
                    }
                    (Kind::NetworkInterface, Spec::NetworkInterface(spec)) => {
                        restore::<NetworkInterface>(&mut engine, &about(name), spec, nic_view(spec));
                    }
                    (Kind::VirtualMachine, Spec::VirtualMachine(spec)) => {
                        restore::<VirtualMachine>(&mut engine, &about(name), spec, vm_view(spec));
                    }
                    (Kind::VirtualMachineScaleSet, Spec::VirtualMachineScaleSet(spec)) => {
                        restore::<VirtualMachineScaleSet>(&mut engine, &about(name), spec, scale_set_view(spec));
                    }
                    _ => {}
                }
                engine.assert_consistent();
            }
        }
        for (name, spec) in &specs {
            let _ = put_any(&mut engine, &about(name), spec);
            engine.assert_consistent();
        }
        for id in users_first(&engine) {
            prop_assert!(engine.delete(id.kind, &id.name).is_ok());
        }
        engine.assert_empty();
    }
}
