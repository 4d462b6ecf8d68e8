//! Random operations over scale sets and what stands beside them. There is no naive model of these: what must hold at any
//! moment is looked for instead; what a put takes is in `room`, who is woken in `waiting`.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::properties::{Driver, config, of, settings};
use super::random::Op;
use super::room::{assert_is_judged_by_what_it_takes, uniform_set};
use super::waiting::Waiting;
use crate::api::children::{self, Child};
use crate::api::object::{self, Recall};
use crate::api::shown::Shown;
use crate::fabric::engine::DynamicAddresses;
use crate::fabric::ipam::PoolId;
use crate::fabric::public_ip_address::Sku;
use crate::fabric::quota::Quotas;
use crate::fabric::terms::{IpVersion, Primary, Switch};
use crate::fabric::testing::*;
use crate::fabric::virtual_machine::{DesiredPowerState, PowerState};
use crate::fabric::virtual_machine_scale_set::{
    ConfigurationModel, Demand, NicModel, OrchestrationMode, PublicModel, UpgradeMode, publics,
};
use crate::fabric::{
    Ask, Engine, Kind, Name, NetworkInterface, PublicIPAddress, Settings, VirtualMachine, VirtualMachineScaleSet,
    WaitKey,
};

/// Subnets with few addresses, so that sets get in each other's way.
fn beginning() -> Vec<Op> {
    let put = |name: &str, ask: Ask| Op::Put(name.to_owned(), ask);
    vec![
        put("hub", a_network("hub").prefixes(["10.0.0.0/16", "fd00::/48"]).ask.into()),
        put("s0", a_subnet("s0", "10.0.0.0/28").ask.into()),
        put("s1", a_subnet("s1", "10.0.0.16/29").ipv6("fd00::/64").ask.into()),
        put("b0", a_prefix("b0", 30).ask.into()),
        put("u0", set("u0").ask.into()),
        put("f0", set("f0").flexible().ask.into()),
        Op::Make,
    ]
}

fn set(name: &str) -> A<VirtualMachineScaleSet> {
    a_scale_set(name, 2).nics([a_nic_model("a").in_subnet("s0")])
}

pub fn operations(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Op>> {
    vec(operation(), count).prop_map(|operations| beginning().into_iter().chain(operations).collect())
}

fn operation() -> impl Strategy<Value = Op> {
    prop_oneof![
        10 => a_set_op(),
        8 => instance(),
        6 => Just(Op::Make),
        4 => deletion(),
        2 => beside(),
        3 => edit(),
        3 => (1i64..60).prop_map(Op::Advance),
        1 => Just(Op::Restart),
    ]
}

fn a_set_op() -> impl Strategy<Value = Op> {
    let mode = prop_oneof![Just(UpgradeMode::Manual), Just(UpgradeMode::Automatic), Just(UpgradeMode::Rolling)];
    let size = prop_oneof![5 => Just("Standard_DS3_v2"), 1 => Just("Standard_D2s_v3"), 1 => Just("Standard_B2s")];
    let rolling = (select(&[4, 20, 50, 100][..]), select(&[0, 20, 100][..]), select(&[0, 10][..]));
    (select(&["u0", "u1", "f0"][..]), 0u32..5, mode, rolling, size, network(), prop::bool::weighted(0.05)).prop_map(
        |(name, replicas, mode, (batch, unhealthy, pause), size, network, other)| {
            let mut asked = a_scale_set(name, replicas).rolling(batch, pause).upgrade(mode).size(size);
            asked.ask.rolling.max_unhealthy_percent = unhealthy;
            let asked = asked.network(network);
            let asked = if (name == "f0") != other { asked.flexible() } else { asked };
            Op::Put(name.to_owned(), asked.ask.into())
        },
    )
}

fn network() -> impl Strategy<Value = Vec<NicModel>> {
    (vec(nic(), 1..=2), prop::bool::weighted(0.9)).prop_map(|(mut nics, marked)| {
        for (n, (nic, name)) in nics.iter_mut().zip(["a", "b"]).enumerate() {
            nic.name = name.into();
            nic.primary = if n == 0 && marked { Primary::Yes } else { Primary::No };
        }
        nics
    })
}

fn nic() -> impl Strategy<Value = NicModel> {
    let subnet = prop_oneof![6 => Just("s0"), 4 => Just("s1"), 1 => Just("s2")];
    let extra = prop_oneof![6 => Just(None), 2 => Just(Some(IpVersion::IPv4)), 1 => Just(Some(IpVersion::IPv6))];
    (subnet, public(), extra, prop::bool::weighted(0.15)).prop_map(|(subnet, public, extra, accelerated)| {
        let mut nic = a_nic_model("").in_subnet(subnet);
        nic.interface.accelerated_networking = Switch::from(accelerated);
        nic.interface.configurations[0].public_ip_address = public;
        let more = |version| ConfigurationModel { version, ..a_configuration_model("more", Primary::No) };
        nic.interface.configurations.extend(extra.map(more));
        nic
    })
}

fn public() -> impl Strategy<Value = Option<PublicModel>> {
    let label = prop_oneof![4 => Just(None), 1 => Just(Some("web")), 1 => Just(Some("api"))];
    let kind = prop_oneof![
        5 => Just(None),
        2 => Just(Some((Sku::Basic, None))),
        2 => Just(Some((Sku::Standard, None))),
        2 => Just(Some((Sku::Standard, Some("b0")))),
    ];
    (kind, label).prop_map(|(kind, label)| {
        let (sku, prefix) = kind?;
        let mut public = a_public_model(sku);
        public.domain_name_label = label.map(str::to_owned);
        public.prefix = prefix.map(named);
        Some(public)
    })
}

fn wish() -> impl Strategy<Value = Option<DesiredPowerState>> {
    prop_oneof![
        3 => Just(None),
        2 => Just(Some(DesiredPowerState::Running)),
        2 => Just(Some(DesiredPowerState::Stopped)),
        3 => Just(Some(DesiredPowerState::Deallocated)),
    ]
}

/// An edit of the machine of a Flexible set, whose other fields stay: see [`Driver::edits`].
fn edit() -> impl Strategy<Value = Op> {
    (0u64..6, wish(), prop::bool::weighted(0.3)).prop_map(|(id, wish, disruptable)| {
        let mut asked = a_vm(&format!("f0-{id}"));
        asked.ask.power = wish;
        let asked = if disruptable { asked.disruptable() } else { asked };
        Op::Put(format!("f0-{id}"), asked.ask.into())
    })
}

fn instance() -> impl Strategy<Value = Op> {
    let revision = prop_oneof![3 => Just(None), 2 => (1u64..6).prop_map(Some)];
    let own = prop_oneof![3 => Just(None), 1 => network().prop_map(Some)];
    let restart = prop_oneof![4 => Just(None), 1 => Just(Some("noon".to_owned()))];
    (select(&["u0", "u1"][..]), 0u64..6, wish(), revision, own, restart).prop_map(
        |(set, id, wish, revision, network, restarted_at)| {
            let mut asked = an_instance(set, id);
            asked.ask.power = wish;
            asked.ask.network = network.map(own_network);
            asked.ask.restarted_at = restarted_at;
            let asked = revision.into_iter().fold(asked, A::revision);
            Op::Put(format!("{set}-{id}"), asked.ask.into())
        },
    )
}

fn own_network(network: Vec<NicModel>) -> std::sync::Arc<[NicModel]> {
    own(network)
}

fn deletion() -> impl Strategy<Value = Op> {
    let instance = |set: &'static str, kind| (0u64..6).prop_map(move |id| Op::Delete(kind, format!("{set}-{id}")));
    let delete = |kind, name: &str| Just(Op::Delete(kind, name.to_owned()));
    prop_oneof![
        6 => instance("u0", Kind::VirtualMachineScaleSetVM),
        6 => instance("f0", Kind::VirtualMachine),
        1 => delete(Kind::VirtualMachineScaleSet, "u1"),
        1 => delete(Kind::VirtualMachineScaleSet, "f0"),
        2 => delete(Kind::Subnet, "s0"),
        2 => delete(Kind::Subnet, "s1"),
        2 => delete(Kind::PublicIPPrefix, "b0"),
        3 => delete(Kind::NetworkInterface, "n0"),
        3 => delete(Kind::PublicIPAddress, "p0"),
    ]
}

/// What takes addresses beside the sets.
fn beside() -> impl Strategy<Value = Op> {
    let put = |name: &str, ask: Ask| Just(Op::Put(name.to_owned(), ask));
    prop_oneof![
        put("n0", a_nic("n0").subnet("s1").configurations([primary("ip"), secondary("more")]).ask.into()),
        put("p0", a_public_ip("p0").standard().label("web").ask.into()),
        put("s0", a_subnet("s0", "10.0.0.0/28").ask.into()),
        put("s1", a_subnet("s1", "10.0.0.16/29").ipv6("fd00::/64").ask.into()),
        put("s1", a_subnet("s1", "10.0.0.16/29").ask.into()),
        put("b0", a_prefix("b0", 30).ask.into()),
    ]
}

impl Driver {
    /// What an operation comes to: an edit of a machine of a Flexible set changes what users set of it, and nothing else. None if
    /// there is no such machine.
    fn edits(&self, op: &Op) -> Option<Op> {
        let Op::Put(name, Ask::VirtualMachine(edit)) = op else { return Some(op.clone()) };
        let there = self.engine.get::<VirtualMachine>(&named(name))?;
        Some(Op::Put(name.clone(), with_edits(there.ask.clone(), edit).into()))
    }

    /// Makes and writes what instances are to have, and deletes what they are not; what is refused is tried the next time.
    pub fn makes(&mut self) {
        let sets: Vec<(Name, Vec<u64>)> = self
            .engine
            .all::<VirtualMachineScaleSet>()
            .map(|(name, set)| (name.clone(), set.held.instances.keys().copied().collect()))
            .collect();
        let mut wanted = BTreeSet::new();
        for (set, ids) in &sets {
            for id in ids {
                for child in children::of_instance(&self.engine, set, *id) {
                    wanted.insert((child.id.kind, child.id.name.clone()));
                    self.make(set, &child);
                }
            }
        }
        for kind in [Kind::VirtualMachine, Kind::NetworkInterface, Kind::PublicIPAddress] {
            for name in self.engine.names(kind) {
                let is_child = name.name.starts_with("f0-") && !wanted.contains(&(kind, name.clone()));
                if is_child {
                    self.does(&Op::Delete(kind, name.name.to_string())).ok();
                }
            }
        }
    }

    fn make(&mut self, set: &Name, child: &Child) {
        let is_uniform = child.id.kind == Kind::VirtualMachineScaleSetVM;
        let is_there = self.engine.holder(child.id.kind, &child.id.name).is_some();
        let is_ready = child.after.iter().all(|before| self.engine.holder(before.kind, &before.name).is_some());
        if is_uniform && is_there || !is_ready {
            return;
        }
        let uid = self.engine.holder(Kind::VirtualMachineScaleSet, set).unwrap().clone();
        let Some(mut manifest) = children::manifest(&self.engine, set, &uid, child) else { return };
        let metadata = manifest["metadata"].as_object_mut().unwrap();
        metadata.extend(
            [("uid", json!("1")), ("resourceVersion", json!("1"))].map(|(k, v): (&str, Value)| (k.to_owned(), v)),
        );
        let Shown(shown) = serde_json::from_str(&manifest.to_string()).unwrap();
        let seen = object::observe(child.id.kind, &shown, Recall::Nothing).unwrap();
        let ask = match (seen.asked.unwrap().ask, self.engine.get::<VirtualMachine>(&child.id.name)) {
            (Ask::VirtualMachine(written), Some(there)) => with_edits(written, &there.ask).into(),
            (ask, _) => ask,
        };
        let answer = self.does(&Op::Put(child.id.name.name.to_string(), ask));
        assert!(answer.is_ok() || !is_uniform, "{:?} is not let be: {answer:#?}", child.id);
    }
}

fn with_edits(vm: VirtualMachine, edit: &VirtualMachine) -> VirtualMachine {
    VirtualMachine { power: edit.power, disruption: edit.disruption, ..vm }
}

/// Panics unless instances have what they are to have.
fn assert_instances_are_whole(engine: &Engine) {
    for (name, set) in engine.all::<VirtualMachineScaleSet>() {
        let mut skus = BTreeSet::new();
        for (id, instance) in set.held.instances.iter().filter(|_| set.ask.mode == OrchestrationMode::Uniform) {
            let this = crate::fabric::virtual_machine_scale_set::InstanceName { set: name, id: *id };
            let Some(vm) = engine.get::<VirtualMachine>(&this.vm()) else { continue };
            let network = set.network(instance);
            skus.extend(publics(&network).map(|(_, _, public)| public.sku.to_string()));
            for (nic, asked) in network.iter().map(|nic| (this.nic(&nic.name), nic)) {
                let held = &engine.get::<NetworkInterface>(&nic).unwrap().held.addresses;
                for configuration in &asked.interface.configurations {
                    let is_due =
                        engine.pool(&PoolId::of_subnet(&asked.interface.subnet, configuration.version)).is_some();
                    assert!(held.contains_key(&configuration.name) || !is_due, "{nic} has its addresses");
                }
            }
            for (public, ask) in this.public_asks(&network) {
                let has = engine.get::<PublicIPAddress>(&public).unwrap().held.address.is_some();
                let is_due =
                    ask.sku == Sku::Standard || [PowerState::Running, PowerState::Starting].contains(&vm.held.power);
                assert!(has || !is_due, "{public} has its address");
            }
        }
        let is_whole = set.held.blocked.is_empty();
        assert!(skus.len() <= 1 || !is_whole, "SKUs do not mix in {name}: {skus:?}");
    }
}

/// How much of each pool and quota the instances of Flexible sets lack that could not be reserved for them.
fn overbooked(engine: &Engine) -> BTreeMap<WaitKey, u64> {
    let mut lacked = Demand::default();
    for (name, set) in engine.all::<VirtualMachineScaleSet>() {
        set.pending().for_each(|id| lacked.add_pending(engine, name, set, id));
    }
    let pools = lacked.pools.into_iter().map(|(id, count)| {
        let reserved = engine.ledger.addresses_in(&id).count() as u64;
        (WaitKey::Capacity(id), count - reserved)
    });
    let quotas = lacked.quotas.into_iter().filter(|(quota, _)| !engine.has_left(quota, 0));
    let quotas = quotas.map(|(quota, count)| {
        let short = count + engine.usage.of(&quota) - quota.limit();
        (WaitKey::Quota(quota), short)
    });
    pools.chain(quotas).filter(|(_, count)| *count > 0).collect()
}

/// Panics unless a put of a set that upgrades all at once has upgraded all.
fn assert_upgraded(engine: &Engine, op: &Op) {
    let Op::Put(name, Ask::VirtualMachineScaleSet(asked)) = op else { return };
    let set = engine.get::<VirtualMachineScaleSet>(&named(name)).unwrap();
    let is_behind = set.held.instances.values().any(|instance| instance.target < set.held.revision);
    assert!(asked.upgrade != UpgradeMode::Automatic || !is_behind, "{:?} {:?}", set.held, set.held.blocked);
}

fn is_of_a_set(op: &Op) -> bool {
    matches!(op, Op::Put(_, Ask::VirtualMachineScaleSet(_) | Ask::VirtualMachineScaleSetVM(_)))
}

proptest! {
    #![proptest_config(config(1_000))]

    #[test]
    fn scale_sets_are_whole_and_consistent_whatever_is_done(
        settings in settings(),
        enforced in any::<bool>(),
        operations in operations(1..30),
    ) {
        let kept = settings.dynamic_addresses == DynamicAddresses::Kept;
        let quotas = if enforced { Quotas::Enforced } else { Quotas::Off };
        let mut driver = Driver::new(Settings { quotas, ..settings });
        let mut waiting = Waiting::default();
        for op in &operations {
            let Some(op) = &driver.edits(op) else { continue };
            let before = driver.engine.tables().clone();
            let short = overbooked(&driver.engine);
            let was = driver.clone();
            let answer = driver.does(op);
            let woken = driver.engine.take_woken();
            waiting.note(&driver.engine, op, &answer);
            waiting.assert_woken(&driver, &woken);
            if let Some(set) = uniform_set(&was.engine, op).filter(|_| kept) {
                assert_is_judged_by_what_it_takes(&was, &set, op, &answer);
            }
            if let Err(refusal) = &answer {
                prop_assert_eq!(driver.engine.tables(), &before, "a refusal changes nothing");
                assert_in_the_reference(of(op), refusal.violations());
            }
            driver.engine.assert_consistent();
            driver.engine.assert_legal();
            assert_instances_are_whole(&driver.engine);
            if is_of_a_set(op) && answer.is_ok() {
                assert_upgraded(&driver.engine, op);
                for (of, count) in overbooked(&driver.engine) {
                    let before = short.get(&of).copied().unwrap_or(0);
                    assert!(count <= before, "{op:?} takes what is promised: {count} of {of:?}, before {before}");
                }
                let before = driver.engine.tables().clone();
                let again = driver.does(op);
                prop_assert!(again.is_ok(), "{op:?} is accepted again: {again:#?}");
                prop_assert_eq!(driver.engine.tables(), &before, "a put that is repeated changes nothing");
            }
            Waiting::unblock(&mut driver, &woken);
        }
        driver.ends();
    }
}
