//! A fabric that is made anew from what the statuses of another's objects tell.

use crate::api::{About, Api};
use crate::fabric::kind::Tables;
use crate::fabric::network_interface::NetworkInterface;
use crate::fabric::public_ip_address::PublicIPAddress;
use crate::fabric::subnet::Subnet;
use crate::fabric::virtual_machine::VirtualMachine;
use crate::fabric::virtual_network::VirtualNetwork;
use crate::fabric::{AnyRecord, Engine, Kind, Name, Programmed, Record, for_each_kind};
use crate::fabric::{AvailabilitySet, PublicIPPrefix, VirtualMachineScaleSet, VirtualMachineScaleSetVM};

/// What the status of an object tells, after it was written and read as JSON.
fn record<K: Api>(engine: &Engine, name: &Name, programmed: &Programmed<K>) -> Record<K> {
    let view = serde_json::to_value(K::observe(engine, name, programmed)).unwrap();
    let restarted_at = view.get("lastHandledRestartAt").map(|at| at.as_str().unwrap().to_owned());
    let about = About { restarted_at, ..About::named(name.clone()) };
    let spec = serde_json::to_value(programmed.ask.describe(name, &programmed.placement.location)).unwrap();
    Record {
        uid: programmed.uid.clone(),
        generation: programmed.generation,
        placement: programmed.placement.clone(),
        ask: K::translate(&about, &serde_json::from_value(spec).unwrap()).unwrap(),
        view: serde_json::from_value(view).unwrap(),
    }
}

macro_rules! define_records {
    ($($kind:ident $module:ident,)*) => {
        /// What every status tells, what is referred to first.
        pub fn records(engine: &Engine) -> Vec<(Kind, Name, AnyRecord)> {
            let mut all = Vec::new();
            $(for (name, programmed) in engine.all::<$kind>() {
                all.push((Kind::$kind, name.clone(), record(engine, name, programmed).into()));
            })*
            all
        }
    };
}
for_each_kind!(define_records);

/// A new fabric, restored from these records, and what of them was dropped.
pub fn restored(like: &Engine, records: Vec<(Kind, Name, AnyRecord)>) -> (Engine, Vec<String>) {
    let mut engine = Engine::new(like.settings().clone());
    engine.advance(like.now);
    let dropped = records.into_iter().flat_map(|(_, name, record)| engine.restore(&name, record)).collect();
    engine.assert_consistent();
    (engine, dropped)
}

/// What a fabric carries, with attachments counted from one, and without the deadlines, which begin anew.
pub fn essence(engine: &Engine) -> Tables {
    let mut tables = engine.tables().clone();
    for nic in tables.network_interface.values_mut() {
        if let Some(attached) = &mut nic.held.attached {
            let before = engine.nics_of[&attached.vm].keys().filter(|seq| **seq < attached.seq).count();
            attached.seq = 1 + before as u64;
        }
    }
    for vm in tables.virtual_machine.values_mut() {
        vm.held.starts_at = None;
    }
    tables
}
