//! The part of a cluster that a view needs: the objects that it begins with, and what these refer to.
//!
//! Each object is read by its name, so that a view costs the same in a cluster of any size.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::Ipv4Net;
use k8s_openapi::api::apps::v1::ControllerRevision;
use kube::core::DynamicObject;

use crate::api::children::{Revision, read_revision, revision_name};
use crate::api::object::{self, Recall};
use crate::fabric::order::in_order_of_references;
use crate::fabric::{AnyRecord, Engine, Kind, Name, ObjectId, Settings};

/// Something to read from the API server, by its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wanted {
    /// An object of this project's kinds.
    Object(ObjectId),
    /// The ControllerRevision of this name, which keeps an older model of a scale set.
    Model(Name),
}

/// What has been read so far.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// What was asked for: none of what is not there, or says nothing of the fabric.
    records: BTreeMap<ObjectId, Option<AnyRecord>>,
    models: BTreeMap<Name, Option<Revision>>,
}

impl Snapshot {
    /// What is to be read for a view that begins with `first`; what is read may refer to more.
    pub fn wanted(&self, first: &[ObjectId]) -> BTreeSet<Wanted> {
        let records = self.records.iter().filter_map(|(id, record)| Some((id, record.as_ref()?)));
        let referred = records.clone().flat_map(|(_, record)| record.references());
        let objects = first.iter().cloned().chain(referred.map(|reference| reference.to));
        let objects = objects.filter(|id| !self.records.contains_key(id)).map(Wanted::Object);
        let models = records.filter_map(|(_, record)| self.older_model(record));
        objects.chain(models.filter(|name| !self.models.contains_key(name)).map(Wanted::Model)).collect()
    }

    /// The ControllerRevision with the model of an instance, if that is not the latest one.
    fn older_model(&self, record: &AnyRecord) -> Option<Name> {
        let AnyRecord::VirtualMachineScaleSetVM(instance) = record else { return None };
        let set = ObjectId::new(Kind::VirtualMachineScaleSet, instance.ask.set.clone());
        let Some(AnyRecord::VirtualMachineScaleSet(set)) = self.records.get(&set)? else { return None };
        let (has, latest) = (instance.view.revision.as_ref()?, set.view.update_revision.as_ref()?);
        let older = has.parse().ok().filter(|_| has != latest);
        older.map(|revision| revision_name(&instance.ask.set, revision))
    }

    /// An object was read; none if there is none, or it may not be read.
    pub fn found(&mut self, id: ObjectId, object: Option<&DynamicObject>) {
        let observed = object.and_then(|object| object::observe(id.kind, object, Recall::Record));
        self.records.insert(id, observed.and_then(|observed| observed.record));
    }

    /// A ControllerRevision was read; none if there is none, or it may not be read.
    pub fn found_model(&mut self, name: Name, revision: Option<&ControllerRevision>) {
        self.models.insert(name, revision.and_then(read_revision));
    }

    /// A fabric that carries what was read, and nothing else: a view shows what statuses hold, and allocates nothing. Whatever
    /// public IP pool the operator has, every address is of it.
    pub fn restore(self) -> Engine {
        let Self { records, models } = self;
        let settings = Settings { public_ip_pool: Ipv4Net::default(), ..Settings::default() };
        let mut records: BTreeMap<ObjectId, AnyRecord> =
            records.into_iter().filter_map(|(id, record)| Some((id, record?))).collect();
        let all = records.iter().map(|(id, record)| (id.clone(), record.restored_after(&id.name))).collect();
        let shown: BTreeSet<IpAddr> = records.values().flat_map(public_addresses).collect();
        let mut engine = Engine::new(settings);
        engine.begin_restore();
        for id in in_order_of_references(all) {
            let Some(record) = records.remove(&id) else { continue };
            engine.restore(&id.name, record);
            let of_the_set = models.values().flatten().filter(|_| id.kind == Kind::VirtualMachineScaleSet);
            for Revision { set, number, model, .. } in of_the_set.filter(|revision| revision.set == id.name) {
                if let Some(model) = model.clone() {
                    engine.restore_model(set, *number, model);
                }
            }
        }
        engine.withdraw_public_addresses_except(&shown);
        engine
    }
}

/// The public addresses that a status shows.
fn public_addresses(record: &AnyRecord) -> Vec<IpAddr> {
    if let AnyRecord::PublicIPAddress(public) = record {
        return public.view.ip_address.into_iter().collect();
    }
    let AnyRecord::VirtualMachineScaleSetVM(instance) = record else { return Vec::new() };
    let configurations = instance.view.configurations();
    configurations.filter_map(|(_, shown)| shown.public_ip_address.as_ref()?.ip_address).collect()
}
