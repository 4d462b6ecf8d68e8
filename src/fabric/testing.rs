//! Builders and a wrapper of the engine that make the tests of the fabric read as sentences.
//!
//! A fabric starts with the virtual network `hub`, unless it is empty; names are in the namespace `prod`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::availability_set::AvailabilitySet;
pub use super::catalogue::told::{Of, assert_in_the_reference};
use super::engine::{Engine, Request, Settings};
use super::id::{Kind, Name, ObjectId, Placement, Uid};
use super::ipam::PoolId;
use super::kind::Ask;
use super::limits;
use super::mac::Mac;
use super::network_interface::{
    AllocationMethod, Assignment, IpConfiguration, IpVersion, NetworkInterface, Primary, Switch,
};
use super::public_ip_address::{PublicIPAddress, Sku};
use super::public_ip_prefix::PublicIPPrefix;
use super::resource::{Programmed, Resource};
use super::subnet::Subnet;
use super::violation::{Code, Cure, Refusal, WaitKey};
use super::virtual_machine::{
    Disruption, GuestInterface, Member, NicReference, OsType, PowerState, PowerWish, VirtualMachine,
};
use super::virtual_machine_scale_set::{
    ConfigurationModel, Model, NicModel, OrchestrationMode, PublicModel, RollingPolicy, UpgradeMode,
    VirtualMachineScaleSet, mark_primary,
};
use super::virtual_machine_scale_set_vm::{Maker, Revision, VirtualMachineScaleSetVM};
use super::virtual_network::VirtualNetwork;

pub const NAMESPACE: &str = "prod";

/// The object of this name in the namespace of the tests.
pub fn named(name: &str) -> Name {
    Name::new(NAMESPACE, name)
}

/// An object as its manifest asks for it.
#[derive(Clone, Debug)]
pub struct A<K> {
    pub name: Name,
    location: Option<String>,
    subscription: String,
    pub ask: K,
}

impl<K> A<K> {
    fn new(name: &str, ask: K) -> Self {
        Self { name: named(name), location: None, subscription: "default".to_owned(), ask }
    }

    pub fn in_location(mut self, location: &str) -> Self {
        self.location = Some(location.to_owned());
        self
    }

    pub fn of_subscription(mut self, subscription: &str) -> Self {
        self.subscription = subscription.to_owned();
        self
    }
}

pub fn a_network(name: &str) -> A<VirtualNetwork> {
    A::new(name, VirtualNetwork { address_prefixes: vec!["10.0.0.0/8".parse().unwrap()], dns_servers: Vec::new() })
}

impl A<VirtualNetwork> {
    pub fn prefixes<const N: usize>(mut self, prefixes: [&str; N]) -> Self {
        self.ask.address_prefixes = prefixes.iter().map(|prefix| prefix.parse().unwrap()).collect();
        self
    }

    pub fn dns_servers(mut self, count: u8) -> Self {
        self.ask.dns_servers = dns_servers(count);
        self
    }
}

fn dns_servers(count: u8) -> Vec<std::net::IpAddr> {
    (1..=count).map(|n| [192, 0, 2, n].into()).collect()
}

/// A subnet of the virtual network `hub`.
pub fn a_subnet(name: &str, prefix: &str) -> A<Subnet> {
    let (ipv4, first) = (prefix.parse().unwrap(), IpVersion::IPv4);
    A::new(name, Subnet { virtual_network: named("hub"), ipv4, ipv6: None, first })
}

impl A<Subnet> {
    pub fn of(mut self, network: &str) -> Self {
        self.ask.virtual_network = named(network);
        self
    }

    pub fn ipv6(mut self, prefix: &str) -> Self {
        self.ask.ipv6 = Some(prefix.parse().unwrap());
        self
    }

    /// The same, listed before the IPv4 range.
    pub fn ipv6_first(mut self, prefix: &str) -> Self {
        self.ask.first = IpVersion::IPv6;
        self.ipv6(prefix)
    }
}

/// A public address as it comes when the manifest says no more: Basic, Dynamic, IPv4.
pub fn a_public_ip(name: &str) -> A<PublicIPAddress> {
    let (sku, method, version) = (Sku::Basic, AllocationMethod::Dynamic, IpVersion::IPv4);
    let ask = PublicIPAddress {
        sku,
        method,
        version,
        idle_timeout_minutes: 4,
        domain_name_label: None,
        public_ip_prefix: None,
    };
    A::new(name, ask)
}

impl A<PublicIPAddress> {
    pub fn standard(mut self) -> Self {
        (self.ask.sku, self.ask.method) = (Sku::Standard, AllocationMethod::Static);
        self
    }

    pub fn method(mut self, method: AllocationMethod) -> Self {
        self.ask.method = method;
        self
    }

    pub fn ipv6(mut self) -> Self {
        self.ask.version = IpVersion::IPv6;
        self
    }

    pub fn label(mut self, label: &str) -> Self {
        self.ask.domain_name_label = Some(label.to_owned());
        self
    }

    pub fn from(mut self, prefix: &str) -> Self {
        self.ask.public_ip_prefix = Some(named(prefix));
        self
    }

    pub fn idle_timeout(mut self, minutes: i32) -> Self {
        self.ask.idle_timeout_minutes = minutes;
        self
    }
}

pub fn a_prefix(name: &str, length: u8) -> A<PublicIPPrefix> {
    A::new(name, PublicIPPrefix { length })
}

pub fn a_set(name: &str) -> A<AvailabilitySet> {
    A::new(name, AvailabilitySet {})
}

/// A NIC in the subnet `web` with one Dynamic configuration, `ipconfig1`.
pub fn a_nic(name: &str) -> A<NetworkInterface> {
    A::new(
        name,
        NetworkInterface {
            subnet: named("web"),
            ip_forwarding: Switch::Off,
            accelerated_networking: Switch::Off,
            dns_servers: Vec::new(),
            internal_dns_name_label: None,
            configurations: vec![a_configuration("ipconfig1")],
        },
    )
}

impl A<NetworkInterface> {
    pub fn subnet(mut self, subnet: &str) -> Self {
        self.ask.subnet = named(subnet);
        self
    }

    pub fn configurations(mut self, configurations: impl IntoIterator<Item = IpConfiguration>) -> Self {
        self.ask.configurations = configurations.into_iter().collect();
        self
    }

    pub fn static_address(self, address: &str) -> Self {
        self.configurations([a_configuration("ipconfig1").address(address)])
    }

    pub fn public(self, public: &str) -> Self {
        self.configurations([a_configuration("ipconfig1").public(public)])
    }

    pub fn dns_servers(mut self, count: u8) -> Self {
        self.ask.dns_servers = dns_servers(count);
        self
    }

    pub fn label(mut self, label: &str) -> Self {
        self.ask.internal_dns_name_label = Some(label.to_owned());
        self
    }

    pub fn accelerated(mut self) -> Self {
        self.ask.accelerated_networking = Switch::On;
        self
    }
}

/// A Dynamic IPv4 configuration that does not say whether it is the primary one.
pub fn a_configuration(name: &str) -> IpConfiguration {
    IpConfiguration {
        name: name.into(),
        primary: Primary::Unsaid,
        version: IpVersion::IPv4,
        assignment: Assignment::Dynamic,
        public_ip_address: None,
    }
}

/// A configuration that is marked primary.
pub fn primary(name: &str) -> IpConfiguration {
    IpConfiguration { primary: Primary::Yes, ..a_configuration(name) }
}

/// This many configurations, the first one primary.
pub fn many(count: usize) -> Vec<IpConfiguration> {
    (0..count).map(|n| if n == 0 { primary("c0") } else { secondary(&format!("c{n}")) }).collect()
}

/// A configuration that is marked not primary.
pub fn secondary(name: &str) -> IpConfiguration {
    IpConfiguration { primary: Primary::No, ..a_configuration(name) }
}

#[allow(missing_docs)]
impl IpConfiguration {
    pub fn address(mut self, address: &str) -> Self {
        self.assignment = Assignment::Static(address.parse().unwrap());
        self
    }

    pub fn as_is(mut self) -> Self {
        self.assignment = Assignment::StaticAsIs;
        self
    }

    pub fn ipv6(mut self) -> Self {
        self.version = IpVersion::IPv6;
        self
    }

    pub fn public(mut self, public: &str) -> Self {
        self.public_ip_address = Some(named(public));
        self
    }
}

/// A VM of a size that takes four NICs and supports accelerated networking; its power state is left open.
pub fn a_vm(name: &str) -> A<VirtualMachine> {
    A::new(
        name,
        VirtualMachine {
            size: limits::vm_size("Standard_D8s_v3").unwrap(),
            computer_name: name.to_owned(),
            os_type: Default::default(),
            network_interfaces: Vec::new(),
            availability_set: None,
            disruption: Default::default(),
            guest: Vec::new(),
            power: None,
            restarted_at: None,
            member: None,
        },
    )
}

impl A<VirtualMachine> {
    /// These NICs, none of them marked.
    pub fn nics<const N: usize>(self, nics: [&str; N]) -> Self {
        self.marked(nics.map(|nic| (nic, Primary::Unsaid)))
    }

    pub fn marked<const N: usize>(mut self, nics: [(&str, Primary); N]) -> Self {
        let nic = |(name, primary): &(&str, Primary)| NicReference { name: named(name), primary: *primary };
        self.ask.network_interfaces = nics.iter().map(nic).collect();
        self
    }

    pub fn in_set(mut self, set: &str) -> Self {
        self.ask.availability_set = Some(named(set));
        self
    }

    /// An instance of a Flexible set, written from this revision of its model.
    pub fn of_set(mut self, set: &str, id: u64, revision: u64) -> Self {
        self.ask.member = Some(Member { set: named(set), id, revision, wish: 0 });
        self
    }

    /// The revision of the set's model that it is to have at least.
    pub fn wishing(mut self, revision: u64) -> Self {
        self.ask.member.as_mut().unwrap().wish = revision;
        self
    }

    /// Edits may deallocate it.
    pub fn disruptable(mut self) -> Self {
        self.ask.disruption = Disruption::Deallocate;
        self
    }

    pub fn os_type(mut self, os_type: OsType) -> Self {
        self.ask.os_type = os_type;
        self
    }

    /// The guest has set these by hand.
    pub fn guest<const N: usize>(mut self, nic: &str, addresses: [&str; N]) -> Self {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        self.ask.guest.push(GuestInterface { network_interface: named(nic), addresses });
        self
    }

    pub fn size(mut self, size: &str) -> Self {
        self.ask.size = limits::vm_size(size).unwrap();
        self
    }

    pub fn power(mut self, wish: PowerWish) -> Self {
        self.ask.power = Some(wish);
        self
    }

    pub fn running(self) -> Self {
        self.power(PowerWish::Running)
    }

    pub fn stopped(self) -> Self {
        self.power(PowerWish::Stopped)
    }

    pub fn deallocated(self) -> Self {
        self.power(PowerWish::Deallocated)
    }

    pub fn restarted_at(mut self, when: &str) -> Self {
        self.ask.restarted_at = Some(when.to_owned());
        self
    }
}

/// An engine, and what an API server keeps of each object: its identity and generation.
#[derive(Clone, Debug)]
pub struct Fabric {
    pub engine: Engine,
    specs: BTreeMap<ObjectId, (i64, Ask)>,
    lives: u32,
}

/// A Uniform scale set of this many instances, each with one network interface `nic` in subnet `web`.
pub fn a_scale_set(name: &str, replicas: u32) -> A<VirtualMachineScaleSet> {
    let model = Model {
        size: limits::vm_size("Standard_DS3_v2").unwrap(),
        computer_name_prefix: "host".to_owned(),
        os_type: OsType::Linux,
        network: [a_nic_model("nic")].into(),
    };
    let rolling = RollingPolicy { max_batch_percent: 20, max_unhealthy_percent: 20, pause: Duration::ZERO };
    let (mode, upgrade) = (OrchestrationMode::Uniform, UpgradeMode::Manual);
    A::new(name, VirtualMachineScaleSet { mode, replicas, upgrade, rolling, model: model.into() })
}

impl A<VirtualMachineScaleSet> {
    pub fn flexible(mut self) -> Self {
        self.ask.mode = OrchestrationMode::Flexible;
        self
    }

    pub fn upgrade(mut self, mode: UpgradeMode) -> Self {
        self.ask.upgrade = mode;
        self
    }

    /// A Rolling upgrade in batches of so many percent, with a pause of so many seconds.
    pub fn rolling(mut self, batch: u8, pause: u64) -> Self {
        self.ask.upgrade = UpgradeMode::Rolling;
        self.ask.rolling.max_batch_percent = batch;
        self.ask.rolling.pause = Duration::from_secs(pause);
        self
    }

    pub fn size(self, size: &str) -> Self {
        let size = limits::vm_size(size).unwrap();
        self.model(|model| model.size = size)
    }

    pub fn nics<const N: usize>(self, nics: [NicModel; N]) -> Self {
        self.model(|model| model.network = own(nics))
    }

    /// The only network interface, changed.
    pub fn nic(self, change: impl FnOnce(&mut NicModel)) -> Self {
        self.model(|model| {
            let mut network = model.network.to_vec();
            change(&mut network[0]);
            model.network = own(network);
        })
    }

    /// Every instance has a public address.
    pub fn public(self, public: PublicModel) -> Self {
        self.nic(|nic| nic.configurations[0].public = Some(public))
    }

    fn model(mut self, change: impl FnOnce(&mut Model)) -> Self {
        let mut model = (*self.ask.model).clone();
        change(&mut model);
        self.ask.model = model.into();
        self
    }
}

/// A network interface of instances, in subnet `web`, with one configuration.
pub fn a_nic_model(name: &str) -> NicModel {
    NicModel {
        name: name.into(),
        primary: Primary::Yes,
        subnet: named("web"),
        ip_forwarding: Switch::Off,
        accelerated_networking: Switch::Off,
        dns_servers: Vec::new(),
        configurations: vec![a_configuration_model("ip", Primary::Yes)],
    }
}

impl NicModel {
    /// In another subnet.
    pub fn in_subnet(mut self, subnet: &str) -> Self {
        self.subnet = named(subnet);
        self
    }

    /// Not the primary one.
    pub fn secondary(mut self) -> Self {
        self.primary = Primary::No;
        self
    }
}

pub fn a_configuration_model(name: &str, primary: Primary) -> ConfigurationModel {
    ConfigurationModel { name: name.into(), primary, version: IpVersion::IPv4, public: None }
}

/// A public address of instances.
pub fn a_public_model(sku: Sku) -> PublicModel {
    PublicModel { name: "pub".to_owned(), sku, idle_timeout_minutes: 4, domain_name_label: None, prefix: None }
}

impl PublicModel {
    /// With a domain name.
    pub fn label(mut self, label: &str) -> Self {
        self.domain_name_label = Some(label.to_owned());
        self
    }

    /// Taken from a public prefix.
    pub fn from(mut self, prefix: &str) -> Self {
        self.prefix = Some(named(prefix));
        self
    }
}

/// A network of an instance, with what may be left unsaid filled in.
pub fn own(nics: impl Into<Vec<NicModel>>) -> Arc<[NicModel]> {
    let mut network = nics.into();
    mark_primary(&mut network);
    network.into()
}

/// The object that shows an instance, as the set makes it.
pub fn an_instance(set: &str, id: u64) -> A<VirtualMachineScaleSetVM> {
    let ask = VirtualMachineScaleSetVM {
        set: named(set),
        id: Some(id),
        maker: Maker::ScaleSet,
        revision: None,
        power: None,
        network: None,
        restarted_at: None,
    };
    A::new(&format!("{set}-{id}"), ask)
}

impl A<VirtualMachineScaleSetVM> {
    pub fn made_by(mut self, maker: Maker) -> Self {
        self.ask.maker = maker;
        self
    }

    pub fn revision(mut self, revision: u64) -> Self {
        self.ask.revision = Some(Revision::Number(revision));
        self
    }

    pub fn power(mut self, power: PowerWish) -> Self {
        self.ask.power = Some(power);
        self
    }

    pub fn network<const N: usize>(mut self, nics: [NicModel; N]) -> Self {
        self.ask.network = Some(own(nics));
        self
    }
}

/// A fabric with the virtual network `hub`, 10.0.0.0/8 and fd00::/48.
pub fn a_fabric() -> Fabric {
    a_fabric_of(Settings::default())
}

/// A fabric with the virtual network `hub`, and this many public addresses.
pub fn a_fabric_with_public_addresses(pool: &str) -> Fabric {
    a_fabric_of(Settings { public_ip_pool: pool.parse().unwrap(), ..Settings::default() })
}

/// A fabric with the virtual network `hub`, whose virtual machines take this long to start.
pub fn a_fabric_that_starts_in(vm_start: Duration) -> Fabric {
    a_fabric_of(Settings { vm_start, ..Settings::default() })
}

/// The same of other settings.
pub fn a_fabric_of(settings: Settings) -> Fabric {
    Fabric::new(settings).with(a_network("hub").prefixes(["10.0.0.0/8", "fd00::/48"]))
}

/// A fabric that carries nothing.
pub fn an_empty_fabric() -> Fabric {
    Fabric::new(Settings::default())
}

impl Fabric {
    pub fn new(settings: Settings) -> Self {
        Self { engine: Engine::new(settings), specs: BTreeMap::new(), lives: 0 }
    }

    /// The same objects on another engine.
    pub fn on(&self, engine: Engine) -> Self {
        Self { engine, ..self.clone() }
    }

    /// The fabric, which has accepted this.
    pub fn with<K: Resource + Into<Ask>>(mut self, asked: A<K>) -> Self {
        self.accept(asked);
        self
    }

    /// The put must succeed.
    pub fn accept<K: Resource + Into<Ask>>(&mut self, asked: A<K>) {
        let name = asked.name.clone();
        if let Err(refusal) = self.put(asked) {
            panic!("{} {name} is refused: {refusal:#?}", K::KIND);
        }
    }

    /// A refused put leaves the fabric as it was, and an accepted one leaves it consistent.
    pub fn put<K: Resource + Into<Ask>>(&mut self, asked: A<K>) -> Result<(), Refusal> {
        let (name, ask) = (asked.name, asked.ask.into());
        let id = ObjectId::new(K::KIND, name.clone());
        let generation = match self.specs.get(&id) {
            Some((generation, before)) if *before == ask => *generation,
            Some((generation, _)) => generation + 1,
            None => 1,
        };
        self.specs.insert(id.clone(), (generation, ask.clone()));
        let uid = match self.engine.holder(K::KIND, &name) {
            Some(uid) => uid.clone(),
            None => Uid(format!("{id}, life {}", self.lives).into()),
        };
        let request = Request {
            uid,
            generation,
            location: asked.location.map(Into::into),
            default: Placement { subscription: asked.subscription.into(), location: "westeurope".into() },
            ask,
        };
        let before = self.engine.tables().clone();
        let answer = self.engine.put(&name, request);
        if let Err(refusal) = &answer {
            assert_eq!(*self.engine.tables(), before, "a refused put changes nothing");
            assert_in_the_reference(Of::Put(K::KIND), refusal.violations());
        }
        self.engine.assert_consistent();
        answer
    }

    pub fn delete(&mut self, kind: Kind, name: &str) -> Result<bool, Refusal> {
        let before = self.engine.tables().clone();
        let answer = self.engine.delete(kind, &named(name));
        match answer {
            Ok(_) => {
                self.lives += 1;
                self.specs.remove(&ObjectId::new(kind, named(name)));
            }
            Err(ref refusal) => {
                assert_eq!(*self.engine.tables(), before, "a refused deletion changes nothing");
                assert_in_the_reference(Of::Deletion(kind), refusal.violations());
            }
        }
        self.engine.assert_consistent();
        answer
    }

    /// Shows that a refusal waits, and that `cure`, which is done to other objects, wakes it.
    pub fn cure(&mut self, refusal: &Refusal, cure: impl FnOnce(&mut Fabric)) {
        assert!(!refusal.stalls(), "only an edit would cure {:?}", told(refusal));
        self.engine.take_freed();
        cure(self);
        let freed = self.engine.take_freed();
        for violation in refusal.violations() {
            let Cure::Wait(keys) = &violation.cure else { unreachable!("it does not stall") };
            assert!(!keys.is_disjoint(&freed), "{} waits for {keys:?}, and the cure freed {freed:?}", violation.rule);
        }
    }

    /// The keys that this emits.
    pub fn freed_by(&mut self, what: impl FnOnce(&mut Fabric)) -> BTreeSet<WaitKey> {
        self.engine.take_freed();
        what(self);
        self.engine.take_freed()
    }

    /// How many IPv4 addresses of a subnet are free.
    pub fn available(&self, subnet: &str) -> u64 {
        self.engine.pool(&PoolId::SubnetIPv4(named(subnet))).unwrap().available()
    }

    pub fn advance(&mut self, seconds: i64) {
        self.engine.advance(jiff::Timestamp::from_second(seconds).unwrap());
        self.engine.assert_consistent();
    }

    pub fn get<K: Resource>(&self, name: &str) -> &Programmed<K> {
        match self.engine.get::<K>(&named(name)) {
            Some(programmed) => programmed,
            None => panic!("the fabric carries no {} {name}", K::KIND),
        }
    }

    pub fn view<K: Resource>(&self, name: &str) -> K::View {
        K::observe(&self.engine, &named(name), self.get::<K>(name))
    }

    /// The private address of a configuration, or `none`.
    pub fn address(&self, nic: &str, configuration: &str) -> String {
        let held = &self.get::<NetworkInterface>(nic).held.addresses;
        held.get(configuration).map_or_else(|| "none".to_owned(), ToString::to_string)
    }

    pub fn mac(&self, nic: &str) -> Option<Mac> {
        self.get::<NetworkInterface>(nic).held.mac
    }

    /// The address of a public address, or `none`.
    pub fn public_address(&self, public: &str) -> String {
        let held = self.get::<PublicIPAddress>(public).held.address;
        held.map_or_else(|| "none".to_owned(), |address| address.to_string())
    }

    pub fn power(&self, vm: &str) -> PowerState {
        self.get::<VirtualMachine>(vm).held.power
    }

    /// The names of the NICs of a VM, in the order of attachment.
    pub fn attached(&self, vm: &str) -> Vec<String> {
        self.engine.attached_to(&named(vm)).iter().map(|nic| nic.name.to_string()).collect()
    }

    /// The name of the primary NIC of a VM.
    pub fn primary_nic(&self, vm: &str) -> String {
        let shown = self.view::<VirtualMachine>(vm).network_interfaces;
        let primary: Vec<_> = shown.into_iter().filter(|nic| nic.primary).collect();
        assert_eq!(primary.len(), 1, "one NIC of a VM is primary");
        primary[0].reference.name.clone()
    }
}

/// What a refusal says of each violation: rule, code and path.
pub fn told(refusal: &Refusal) -> Vec<(&'static str, Code, &str)> {
    let rules = refusal.violations().iter().map(|violation| violation.rule);
    rules.zip(refusal.codes()).zip(refusal.paths()).map(|((rule, code), path)| (rule, code, path)).collect()
}
