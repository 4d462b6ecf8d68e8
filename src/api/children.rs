//! The objects that a scale set makes: how they are written.

use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{FieldsV1, ManagedFieldsEntry};
use kube::ResourceExt;
use kube::core::DynamicObject;
use serde::Deserialize;
use serde_json::{Value, json};

use super::virtual_machine_scale_set::{ScaleSetSku, VirtualMachineProfile, describe_model, model};
use super::{Api, FINALIZER, GROUP, REVISION, SCALE_SET_LABEL, VERSION};
use crate::fabric::network_interface::NetworkInterface;
use crate::fabric::terms::IpVersion;
use crate::fabric::virtual_machine_scale_set::{InstanceName, Model, OrchestrationMode, VirtualMachineScaleSet};
use crate::fabric::{Engine, Findings, Kind, Name, ObjectId, Programmed, PublicIPAddress, Uid, VirtualMachine};

/// The field manager of what is written for Flexible scale sets.
pub const FIELD_MANAGER: &str = "vnet-scale-set";

/// An object that a scale set is to have.
#[derive(Clone, Debug, PartialEq)]
pub struct Child {
    /// Which object.
    pub id: ObjectId,
    /// The instance's id.
    pub instance: u64,
    /// The objects that the fabric must carry before.
    pub after: Vec<ObjectId>,
    /// The revision of the model that it is written from.
    pub revision: u64,
}

/// Every object that an instance of a scale set is to have, what is referred to first; none if the set has no such
/// instance.
pub fn of_instance(engine: &Engine, set: &Name, id: u64) -> Vec<Child> {
    let Some(programmed) = engine.get::<VirtualMachineScaleSet>(set) else { return Vec::new() };
    let Some(instance) = programmed.held.instances.get(&id) else { return Vec::new() };
    match programmed.ask.mode {
        OrchestrationMode::Uniform => vec![Child {
            id: InstanceName { set, id }.object_in(programmed.ask.mode),
            instance: id,
            after: Vec::new(),
            revision: instance.target,
        }],
        OrchestrationMode::Flexible => flexible(set, id, instance.target, programmed.model(instance.target)),
    }
}

/// The objects of an instance of a Flexible set: addresses, network interfaces, the machine (S-29, S-33).
fn flexible(set: &Name, instance: u64, revision: u64, model: &Model) -> Vec<Child> {
    let this = InstanceName { set, id: instance };
    let mut children = Vec::new();
    let mut nics = Vec::new();
    for nic in model.network.iter() {
        let mut addresses = Vec::new();
        for configuration in
            nic.interface.configurations.iter().filter(|configuration| configuration.public_ip_address.is_some())
        {
            let id = ObjectId::new(Kind::PublicIPAddress, this.public_object(&nic.name, &configuration.name));
            addresses.push(id.clone());
            children.push(Child { id, instance, after: Vec::new(), revision });
        }
        let id = ObjectId::new(Kind::NetworkInterface, this.nic_object(&nic.name));
        nics.push(id.clone());
        children.push(Child { id, instance, after: addresses, revision });
    }
    let id = this.object_in(OrchestrationMode::Flexible);
    children.push(Child { id, instance, after: nics, revision });
    children
}

/// The id of the instance that an object of a scale set is of, as its name says (S-29); a set writes no leading zeros.
pub fn instance_of(set: &Name, object: &Name) -> Option<u64> {
    let written = object.name.strip_prefix(&*set.name)?.strip_prefix('-')?.split('-').next()?;
    written.parse().ok().filter(|id: &u64| id.to_string() == written)
}

/// The manifest of a child. `None` if the set is to have no such object any longer.
pub fn manifest(engine: &Engine, set: &Name, uid: &Uid, child: &Child) -> Option<Value> {
    let programmed = engine.get::<VirtualMachineScaleSet>(set)?;
    let instance = programmed.held.instances.get(&child.instance)?;
    written(programmed, uid, InstanceName { set, id: child.instance }, &child.id, instance.target)
}

/// A manifest that is applied to this version of this life of an object alone: the API server creates nothing from it.
pub fn applied_to(mut manifest: Value, uid: &Uid, resource_version: u64) -> Value {
    if let Some(metadata) = manifest.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("uid".to_owned(), json!(&*uid.0));
        metadata.insert("resourceVersion".to_owned(), json!(resource_version.to_string()));
    }
    manifest
}

/// The managed fields of an object as they are if what this manager set by creating it had been applied; none if nothing is
/// to change. Before that, a later apply would conflict with the creation, and remove no field.
pub fn as_if_applied(entries: &[ManagedFieldsEntry]) -> Option<Vec<ManagedFieldsEntry>> {
    let operation = |entry: &ManagedFieldsEntry, operation: &str| {
        entry.manager.as_deref() == Some(FIELD_MANAGER) && entry.operation.as_deref() == Some(operation)
    };
    let is_created = |entry: &&ManagedFieldsEntry| {
        operation(entry, "Update") && entry.subresource.as_deref().unwrap_or_default().is_empty()
    };
    let mut applied = entries.iter().find(is_created)?.clone();
    let own = entries.iter().filter(|entry| is_created(entry) || operation(entry, "Apply"));
    let fields =
        own.filter_map(|entry| entry.fields_v1.as_ref()).fold(json!({}), |all, FieldsV1(own)| united(all, own));
    applied.operation = Some("Apply".to_owned());
    applied.fields_v1 = Some(FieldsV1(fields));
    let others = entries.iter().filter(|entry| !is_created(entry) && !operation(entry, "Apply")).cloned();
    Some(others.chain([applied]).collect())
}

fn united(mut one: Value, other: &Value) -> Value {
    if let (Value::Object(fields), Value::Object(others)) = (&mut one, other) {
        for (name, value) in others {
            let mine = fields.remove(name).unwrap_or_else(|| json!({}));
            fields.insert(name.clone(), united(mine, value));
        }
    }
    one
}

/// The manifest that an object of a Flexible set was last applied by, as the revision in it shows; none of other objects.
pub fn last_applied(engine: &Engine, id: &ObjectId, object: &DynamicObject) -> Option<Value> {
    let owner = super::object::owner(object)?;
    let revision = object.annotations().get(REVISION)?.parse().ok()?;
    let programmed = engine.get::<VirtualMachineScaleSet>(&owner.set).filter(|set| set.uid == owner.uid)?;
    let this = InstanceName { set: &owner.set, id: instance_of(&owner.set, &id.name)? };
    programmed.held.models.contains_key(&revision).then(|| written(programmed, &owner.uid, this, id, revision))?
}

/// The manifest of an object of an instance, written from this revision of the model.
fn written(
    set: &Programmed<VirtualMachineScaleSet>,
    uid: &Uid,
    this: InstanceName<'_>,
    id: &ObjectId,
    revision: u64,
) -> Option<Value> {
    let (model, location) = (set.model(revision), &set.placement.location);
    let spec = match id.kind {
        Kind::VirtualMachineScaleSetVM => {
            json!({"scaleSet": {"name": &*this.set.name}, "instanceId": this.id.to_string()})
        }
        Kind::VirtualMachine => {
            let mut ask = this.vm_ask(model, &model.network, set.ask.zone_of(this.id), None);
            for (nic, model) in ask.network_interfaces.iter_mut().zip(model.network.iter()) {
                nic.name = this.nic_object(&model.name);
            }
            super::json(&VirtualMachine::describe(&ask, &id.name, location))
        }
        Kind::NetworkInterface => {
            let nic = model.network.iter().find(|nic| this.nic_object(&nic.name) == id.name)?;
            let mut ask = this.nic_ask(nic);
            for (configuration, model) in ask.configurations.iter_mut().zip(&nic.interface.configurations) {
                if let Some(public) = &mut configuration.public_ip_address {
                    *public = this.public_object(&nic.name, &model.name);
                }
            }
            super::json(&NetworkInterface::describe(&ask, &id.name, location))
        }
        Kind::PublicIPAddress => {
            let asks = model.network.iter().flat_map(|nic| nic.interface.configurations.iter().map(move |c| (nic, c)));
            let mut asks = asks.filter(|(nic, c)| this.public_object(&nic.name, &c.name) == id.name);
            let (nic, configuration) = asks.next()?;
            let name = this.public(&nic.name, &configuration.name);
            let (_, mut ask) = this.public_asks(&model.network).into_iter().find(|(public, _)| *public == name)?;
            ask.domain_name_label = ask.domain_name_label.map(|label| label.replace('.', "-"));
            ask.version = IpVersion::IPv4;
            super::json(&PublicIPAddress::describe(&ask, &id.name, location))
        }
        _ => return None,
    };
    let mut metadata = json!({
        "name": &*id.name.name,
        "namespace": &*id.name.namespace,
        "labels": {SCALE_SET_LABEL: &*this.set.name},
        "finalizers": [FINALIZER],
        "ownerReferences": [owner_reference(this.set, uid)],
    });
    if id.kind != Kind::VirtualMachineScaleSetVM
        && let Some(fields) = metadata.as_object_mut()
    {
        fields.insert("annotations".to_owned(), json!({REVISION: revision.to_string()}));
    }
    Some(json!({
        "apiVersion": format!("{GROUP}/{VERSION}"),
        "kind": id.kind.as_str(),
        "metadata": metadata,
        "spec": spec,
    }))
}

fn owner_reference(set: &Name, uid: &Uid) -> Value {
    json!({
        "apiVersion": format!("{GROUP}/{VERSION}"),
        "kind": Kind::VirtualMachineScaleSet.as_str(),
        "name": &*set.name,
        "uid": &*uid.0,
        "controller": true,
        "blockOwnerDeletion": true,
    })
}

/// The name of the ControllerRevision that keeps a model.
pub fn revision_name(set: &Name, revision: u64) -> Name {
    Name::new(set.namespace.clone(), format!("{}-{revision}", set.name))
}

/// The ControllerRevision that keeps a model of a set.
pub fn revision_manifest(set: &Name, uid: &Uid, revision: u64, model: &Model) -> Value {
    let (sku, profile) = describe_model(model, set);
    json!({
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": &*revision_name(set, revision).name,
            "namespace": &*set.namespace,
            "labels": {SCALE_SET_LABEL: &*set.name},
            "ownerReferences": [owner_reference(set, uid)],
        },
        "revision": revision,
        "data": {"spec": {"sku": sku, "virtualMachineProfile": profile}},
    })
}

/// A ControllerRevision that keeps a model of a scale set.
#[derive(Clone, Debug, PartialEq)]
pub struct Revision {
    /// The scale set.
    pub set: Name,
    /// Which life of the scale set; none if it was orphaned.
    pub owner: Option<Uid>,
    /// The revision of the set's model.
    pub number: u64,
    /// Which ControllerRevision of that name.
    pub uid: Uid,
    /// The model, if it can be read.
    pub model: Option<Model>,
}

/// The part of a scale set's spec that is its model.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ModelSpec {
    sku: ScaleSetSku,
    virtual_machine_profile: VirtualMachineProfile,
}

/// Reads a ControllerRevision. None if it keeps no model of a scale set: its label says of which, its name of which revision.
pub fn read_revision(revision: &ControllerRevision) -> Option<Revision> {
    let set = Name::new(revision.namespace()?, revision.labels().get(SCALE_SET_LABEL)?.as_str());
    let number = u64::try_from(revision.revision?).ok()?;
    if *revision_name(&set, number).name != *revision.metadata.name.as_deref()? {
        return None;
    }
    let data = revision.data.0.get("spec").cloned();
    let read = data.and_then(|spec| ModelSpec::deserialize(spec).ok());
    let model = read.and_then(|spec| model(&set, &spec.sku, &spec.virtual_machine_profile, &mut Findings::default()));
    let owner = super::object::owner(revision).filter(|owner| owner.set == set).map(|owner| owner.uid);
    Some(Revision { owner, number, uid: Uid::from(revision.metadata.uid.as_deref()?), model, set })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(manager: &str, operation: &str, fields: &Value) -> ManagedFieldsEntry {
        let entry = json!({"manager": manager, "operation": operation, "fieldsType": "FieldsV1", "fieldsV1": fields});
        serde_json::from_value(entry).unwrap()
    }

    #[test]
    fn what_a_creation_set_counts_as_applied_and_what_others_have_set_does_not() {
        let spec = json!({"f:spec": {".": {}, "f:subnet": {}}});
        let user = entry("kubectl-edit", "Update", &json!({"f:spec": {"f:enableIPForwarding": {}}}));
        let status = ManagedFieldsEntry {
            subresource: Some("status".to_owned()),
            ..entry(FIELD_MANAGER, "Update", &json!({"f:status": {}}))
        };
        let created = [entry(FIELD_MANAGER, "Update", &spec), user.clone(), status.clone()];
        let applied = as_if_applied(&created).unwrap();
        assert_eq!(applied, [user, status, entry(FIELD_MANAGER, "Apply", &spec)]);
        assert_eq!(as_if_applied(&applied), None);
    }

    #[test]
    fn what_was_applied_before_stays_applied() {
        let before = entry(FIELD_MANAGER, "Apply", &json!({"f:spec": {"f:a": {"f:x": {}}}}));
        let created = entry(FIELD_MANAGER, "Update", &json!({"f:spec": {"f:a": {"f:y": {}}}}));
        let both = json!({"f:spec": {"f:a": {"f:x": {}, "f:y": {}}}});
        assert_eq!(as_if_applied(&[before, created]).unwrap(), [entry(FIELD_MANAGER, "Apply", &both)]);
    }

    #[test]
    fn an_apply_names_the_object_that_it_is_of() {
        let manifest = applied_to(json!({"metadata": {"name": "a"}}), &Uid::from("u"), 7);
        assert_eq!(manifest, json!({"metadata": {"name": "a", "uid": "u", "resourceVersion": "7"}}));
    }
}
