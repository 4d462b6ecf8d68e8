//! Statuses that a user edited: the fabric is restored from them all the same, and what contradicts is dropped and
//! reported.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::json::values::{Mutation, good, mutate, mutation, pointers};
use super::json::{put, report};
use super::properties::config;
use crate::api::children;
use crate::api::form;
use crate::api::object::{self, Observed, Recall};
use crate::api::shown::Shown;
use crate::fabric::testing::{NAMESPACE, named};
use crate::fabric::virtual_machine_scale_set::{VirtualMachineScaleSet, read_ranges};
use crate::fabric::{AnyRecord, Engine, Kind, ObjectId, Settings, Uid};
use crate::operator::core::{Core, Input, Namespace, Outcome, Source, What};

/// The instances of each scale set of the fleet.
const INSTANCES: u64 = 3;

/// An object as the API server sends it.
#[derive(Clone, Debug)]
struct Stored {
    id: ObjectId,
    object: Value,
}

impl Stored {
    fn new(kind: Kind, name: &str, manifest: &Value) -> Self {
        let mut object = json!({
            "apiVersion": "vnet.dev/v1alpha1", "kind": kind.as_str(), "spec": manifest["spec"], "status": null,
            "metadata": manifest["metadata"],
        });
        let uid = format!("{kind} {name}");
        for (field, value) in [
            ("name", json!(name)),
            ("namespace", json!(NAMESPACE)),
            ("uid", json!(uid)),
            ("resourceVersion", json!("7")),
            ("generation", json!(1)),
            ("finalizers", json!([crate::api::FINALIZER])),
        ] {
            object["metadata"][field] = value;
        }
        Self { id: ObjectId::new(kind, named(name)), object }
    }

    fn name(&self) -> &str {
        &self.id.name.name
    }

    fn read(&self) -> Observed {
        let Shown(object) = serde_json::from_str(&self.object.to_string()).expect("nothing stops the reading");
        object::observe(self.id.kind, &object, Recall::Record).expect("it has a name, a namespace and a uid")
    }

    fn put(&self, engine: &mut Engine) {
        put(engine, self.read()).unwrap_or_else(|told| panic!("{}: {told:#?}", self.id));
    }
}

/// Objects of every kind, two scale sets among them whose instances have their objects, each with its status.
fn fleet() -> Vec<Stored> {
    let mut engine = Engine::new(Settings::default());
    let mut all = Vec::new();
    for (kind, name, mut spec) in good() {
        if kind == Kind::VirtualMachineScaleSet {
            spec["replicas"] = json!(INSTANCES);
        }
        if kind != Kind::VirtualMachineScaleSetVM {
            all.push(Stored::new(kind, name, &json!({"metadata": {}, "spec": spec})));
        }
    }
    all.iter().for_each(|stored| stored.put(&mut engine));
    for set in ["farm", "flex"] {
        let uid = Uid::from(format!("VirtualMachineScaleSet {set}").as_str());
        for instance in 0..INSTANCES {
            for child in children::of_instance(&engine, &named(set), instance) {
                let manifest = children::manifest(&engine, &named(set), &uid, &child).expect("it is to be there");
                let stored = Stored::new(child.id.kind, &child.id.name.name, &manifest);
                stored.put(&mut engine);
                all.push(stored);
            }
        }
    }
    engine.assert_consistent();
    for stored in &mut all {
        let status = report(&engine, stored.id.kind, &stored.id.name.name, &[]);
        stored.object["status"] = status;
    }
    all.sort_by_key(|stored| stored.id.kind);
    all
}

/// What a user does to statuses.
#[derive(Clone, Debug)]
enum Edit {
    /// A part of a status becomes something odd.
    Breaks(usize, (usize, Mutation)),
    /// A part of a status becomes that of another object of the kind.
    Copies(usize, usize, usize),
    /// A number or an address becomes another.
    Changes(usize, usize, i64),
    /// Ids of instances, revisions and numbers become what nobody has counted up to.
    Counts(usize, usize, &'static str),
}

fn edit() -> impl Strategy<Value = Edit> {
    let any = any::<usize>;
    let far = select(
        &[
            "0",
            "1",
            "2-3",
            "9223372036854775806",
            "9223372036854775806-9223372036854775807",
            "9223372036854775807",
            "18446744073709551615",
            "0-9223372036854775807",
            "3-1",
        ][..],
    );
    prop_oneof![
        1 => (any(), mutation()).prop_map(|(which, mutation)| Edit::Breaks(which, mutation)),
        3 => (any(), any(), any()).prop_map(|(which, other, part)| Edit::Copies(which, other, part)),
        2 => (any(), any(), -3..4_i64).prop_map(|(which, part, by)| Edit::Changes(which, part, by)),
        2 => (any(), any(), far).prop_map(|(which, part, text)| Edit::Counts(which, part, text)),
    ]
}

fn edited(fleet: &mut [Stored], edit: &Edit) {
    let pick = |which: usize| which % fleet.len();
    match edit {
        Edit::Breaks(which, mutation) => mutate(&mut fleet[pick(*which)].object["status"], mutation),
        Edit::Copies(which, other, part) => {
            let which = pick(*which);
            let kind = fleet[which].id.kind;
            let alike: Vec<_> = fleet.iter().filter(|stored| stored.id.kind == kind).collect();
            let from = alike[other % alike.len()].object["status"].clone();
            let all = pointers(&from, String::new());
            let pointer = &all[part % all.len()];
            let part = from.pointer(pointer).cloned().unwrap_or_default();
            if let Some(own) = fleet[which].object["status"].pointer_mut(pointer) {
                *own = part;
            }
        }
        Edit::Changes(which, part, by) => change_leaf(&mut fleet[pick(*which)].object["status"], *part, |leaf| {
            let text = leaf.as_str().map_or_else(|| leaf.to_string(), str::to_owned);
            let new = match (text.parse::<i64>(), text.parse::<Ipv4Addr>()) {
                (Ok(number), _) => number.wrapping_add(*by).to_string(),
                (_, Ok(address)) => {
                    Ipv4Addr::from(u32::from(address).wrapping_add_signed(i32::try_from(*by).unwrap())).to_string()
                }
                _ => return,
            };
            *leaf = if leaf.is_string() { json!(new) } else { serde_json::from_str(&new).unwrap() };
        }),
        Edit::Counts(which, part, text) => change_leaf(&mut fleet[pick(*which)].object["status"], *part, |leaf| {
            let counts = leaf.as_str().is_none_or(|text| text.chars().all(|c| c.is_ascii_digit() || "-,".contains(c)));
            if counts && leaf.is_string() {
                *leaf = json!(text);
            } else if counts && leaf.is_number() {
                *leaf = text.parse::<u64>().map_or(json!(-1), |number| json!(number));
            }
        }),
    }
}

fn change_leaf(status: &mut Value, part: usize, change: impl FnOnce(&mut Value)) {
    let mut all = pointers(status, String::new());
    all.retain(|pointer| status.pointer(pointer).is_some_and(|leaf| !leaf.is_object() && !leaf.is_array()));
    if !all.is_empty()
        && let Some(leaf) = status.pointer_mut(&all[part % all.len()])
    {
        change(leaf);
    }
}

/// What a status claims to hold, as the kind reads it.
fn claims(record: &AnyRecord) -> BTreeSet<String> {
    let mut claims = BTreeSet::new();
    match record {
        AnyRecord::PublicIPPrefix(record) => claims.extend(record.view.ip_prefix.map(|prefix| prefix.to_string())),
        AnyRecord::PublicIPAddress(record) => claims.extend(record.view.ip_address.map(|address| address.to_string())),
        AnyRecord::NetworkInterface(record) => {
            let address = |(configuration, address): (_, IpAddr)| format!("{configuration} has {address}");
            claims.extend(record.view.addresses().map(address));
            claims.extend(record.view.mac_address.map(|mac| mac.to_string()));
        }
        AnyRecord::VirtualMachine(record) => {
            claims.extend(record.view.network_interfaces.iter().map(|nic| format!("{:?}", nic.reference.name)));
        }
        AnyRecord::VirtualMachineScaleSet(record) => {
            match read_ranges(&record.view.instance_ids) {
                Some(ids) => claims.extend(ids.iter().map(|id| format!("instance {id}"))),
                None => claims.extend([record.view.instance_ids.clone()]),
            }
            claims.extend(record.view.update_revision.iter().map(|revision| format!("revision {revision}")));
            claims.extend(record.view.next_instance_id.map(|next| format!("next {next}")));
        }
        AnyRecord::VirtualMachineScaleSetVM(record) => {
            claims.extend(record.view.revision.iter().map(|revision| format!("revision {revision}")));
            claims.extend(record.view.network_interfaces.iter().filter_map(|nic| Some(nic.mac_address?.to_string())));
            for (nic, shown) in record.view.configurations() {
                let public = shown.public_ip_address.as_ref().and_then(|public| public.ip_address);
                let private = shown.private_ip_address;
                claims.extend(private.into_iter().chain(public).map(|it| format!("{nic} {} has {it}", shown.name)));
            }
        }
        AnyRecord::VirtualNetwork(_) | AnyRecord::Subnet(_) | AnyRecord::AvailabilitySet(_) => {}
    }
    claims
}

fn start(core: &mut Core, fleet: &[Stored]) {
    let sources = Kind::ALL.iter().map(|kind| Source::Objects(*kind)).chain([Source::Namespaces, Source::Revisions]);
    for source in sources.clone() {
        core.feed(Input::ListStarted(source));
    }
    core.feed(Input::Namespace(NAMESPACE.into(), Namespace::default()));
    for stored in fleet {
        core.feed(Input::Applied(Box::new(stored.read())));
    }
    for source in sources {
        core.feed(Input::ListDone(source));
    }
}

/// An object as a watch shows it when it is being deleted.
fn deleting(stored: &Stored, version: &mut u64) -> Input {
    *version += 1;
    let seen = Observed { deleting: true, resource_version: *version, record: None, ..stored.read() };
    Input::Applied(Box::new(seen))
}

/// Does every write; what is to be created is not answered. Statuses are such as the API server takes.
fn write_all(core: &mut Core, fleet: &[Stored], now: Timestamp, version: &mut u64) {
    for _ in 0..1000 {
        let Some(write) = core.next_write(now, now) else { return };
        *version += 1;
        match &write.what {
            What::Status(status) => {
                assert_eq!(form::check_status(write.id.kind, status), [], "the API server takes it")
            }
            What::Delete => {
                let stored = fleet.iter().find(|stored| stored.id == write.id).expect("only what there is is deleted");
                core.feed(deleting(stored, version));
            }
            What::Finalizers(_) | What::Conditions(_) => {}
            What::Create(_) | What::Apply(_) | What::KeepRevision(_) | What::DropRevision(..) => continue,
        }
        core.feed(Input::Written(write.id, write.uid, Outcome::Done(*version)));
        core.settle(now);
        core.engine().assert_consistent();
    }
    panic!("the writes never end");
}

#[test]
fn a_fleet_whose_statuses_nobody_edited_is_restored_with_nothing_dropped() {
    let mut core = Core::new(Settings::default());
    start(&mut core, &fleet());
    core.settle(Timestamp::UNIX_EPOCH);
    assert_eq!(core.take_dropped(), []);
    let set = core.engine().get::<VirtualMachineScaleSet>(&named("farm")).unwrap();
    assert_eq!(set.held.instances.len(), 3);
}

proptest! {
    #![proptest_config(config(1000))]

    #[test]
    fn what_an_edited_status_claims_is_restored_or_reported_as_dropped(edits in vec(edit(), 1..6)) {
        let mut fleet = fleet();
        edits.iter().for_each(|edit| edited(&mut fleet, edit));
        let mut engine = Engine::new(Settings::default());
        engine.begin_restore();
        let mut restored = Vec::new();
        for stored in &fleet {
            if let Some(record) = stored.read().record {
                let claimed = claims(&record);
                let dropped = engine.restore(&stored.id.name, record);
                engine.assert_consistent();
                restored.push((stored, claimed, dropped));
            }
        }
        for (stored, claimed, dropped) in restored.into_iter().filter(|(.., dropped)| dropped.is_empty()) {
            let mut again = stored.clone();
            again.object["status"] = report(&engine, stored.id.kind, stored.name(), &[]);
            let record = again.read().record.expect("what is restored can be restored again");
            let held = claims(&record);
            prop_assert!(claimed.is_subset(&held), "{}: {claimed:?}, and {held:?}: {dropped:?}", stored.id);
        }
    }

    #[test]
    fn an_operator_that_starts_on_edited_statuses_goes_on_and_releases_everything(edits in vec(edit(), 1..6)) {
        let mut fleet = fleet();
        edits.iter().for_each(|edit| edited(&mut fleet, edit));
        let (mut core, now, mut version) = (Core::new(Settings::default()), Timestamp::UNIX_EPOCH, 100);
        start(&mut core, &fleet);
        core.settle(now);
        core.engine().assert_consistent();
        write_all(&mut core, &fleet, now, &mut version);
        for stored in &fleet {
            core.feed(deleting(stored, &mut version));
            core.settle(now);
            core.engine().assert_consistent();
        }
        write_all(&mut core, &fleet, now, &mut version);
        core.engine().assert_empty();
    }
}
