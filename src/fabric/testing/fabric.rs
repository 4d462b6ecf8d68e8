//! The engine as tests use it: every call is checked for consistency, and whatever is refused for having changed nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::machines::THE_SET;
use super::{A, Of, a_network, assert_in_the_reference, named};
use crate::fabric::common::Common;
use crate::fabric::engine::{Engine, Request, Settings};
use crate::fabric::id::{Kind, ObjectId, Placement, Uid};
use crate::fabric::ipam::PoolId;
use crate::fabric::kind::Ask;
use crate::fabric::mac::Mac;
use crate::fabric::network_interface::NetworkInterface;
use crate::fabric::order::in_order_of_references;
use crate::fabric::public_ip_address::PublicIPAddress;
use crate::fabric::resource::{Programmed, Resource};
use crate::fabric::violation::{Code, Cure, Refusal, WaitKey};
use crate::fabric::virtual_machine::{PowerState, VirtualMachine};

/// An engine, and what an API server keeps of each object: its identity and generation.
#[derive(Clone, Debug)]
pub struct Fabric {
    pub engine: Engine,
    specs: BTreeMap<ObjectId, (i64, (Ask, Common))>,
    lives: u32,
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
        let (name, mut ask, common) = (asked.name, asked.ask.into(), asked.common);
        self.identify(&mut ask);
        let id = ObjectId::new(K::KIND, name.clone());
        let generation = match self.specs.get(&id) {
            Some((generation, before)) if *before == (ask.clone(), common.clone()) => *generation,
            Some((generation, _)) => generation + 1,
            None => 1,
        };
        self.specs.insert(id.clone(), (generation, (ask.clone(), common.clone())));
        let uid = match self.engine.holder(K::KIND, &name) {
            Some(uid) => uid.clone(),
            None => Uid(format!("{id}, life {}", self.lives).into()),
        };
        let request = Request {
            uid,
            generation,
            location: asked.location.map(Into::into),
            default: Placement { subscription: asked.subscription.into(), location: "westeurope".into() },
            common,
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

    /// A machine that is said to be of a scale set is of the one that is carried.
    fn identify(&self, ask: &mut Ask) {
        if let Ask::VirtualMachine(vm) = ask
            && let Some(member) = vm.member.as_mut().filter(|member| *member.owner.0 == *THE_SET)
            && let Some(uid) = self.engine.holder(Kind::VirtualMachineScaleSet, &member.set)
        {
            member.owner = uid.clone();
        }
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
        self.engine.take_woken();
        cure(self);
        let woken = self.engine.take_woken();
        for violation in refusal.violations() {
            let Cure::Wait(keys) = &violation.cure else { unreachable!("it does not stall") };
            assert!(!keys.is_disjoint(&woken), "{} waits for {keys:?}, and the cure freed {woken:?}", violation.rule);
        }
    }

    /// The keys that this emits.
    pub fn woken_by(&mut self, what: impl FnOnce(&mut Fabric)) -> BTreeSet<WaitKey> {
        self.engine.take_woken();
        what(self);
        self.engine.take_woken()
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

/// All objects of a fabric that are no parts of instances, those that refer to others before them: so they can be deleted.
pub fn users_first(engine: &Engine) -> Vec<ObjectId> {
    let ids = Kind::ALL.iter().flat_map(|kind| engine.names(*kind).into_iter().map(|name| ObjectId::new(*kind, name)));
    let all = ids.filter_map(|id| {
        let (uid, _, references) = engine.carried(id.kind, &id.name)?;
        let is_part = *uid == Uid::of_part(&id.name);
        (!is_part).then(|| (id, references.into_iter().map(|reference| reference.to).collect()))
    });
    let mut order = in_order_of_references(all.collect());
    order.reverse();
    order
}
