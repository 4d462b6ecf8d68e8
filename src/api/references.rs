//! References: the fields of a spec that name an object of another kind, and the list of all of them.

use std::marker::PhantomData;
use std::sync::Arc;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::texts::{NamespaceName, ObjectName};
use super::{Api, GROUP, VERSION};
use crate::fabric::kind::every::*;
use crate::fabric::resource::Tabled;
use crate::fabric::terms::DeleteOption;
use crate::fabric::{Kind, Name, for_each_kind};

/// An object of kind `K` in the same namespace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(bound = "")]
#[schemars(rename = "LocalReference", bound = "K: Tabled")]
#[schemars(extend("x-kubernetes-map-type" = "atomic", "x-vnet-kind" = K::KIND.as_str()))]
pub struct LocalReference<K> {
    /// Name of the object.
    #[schemars(with = "ObjectName")]
    pub name: String,
    #[serde(skip)]
    kind: PhantomData<fn() -> K>,
}

/// An object of kind `K` in this or another namespace of the same subscription.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(bound = "")]
#[schemars(rename = "ObjectReference", bound = "K: Tabled")]
#[schemars(extend("x-kubernetes-map-type" = "atomic", "x-vnet-kind" = K::KIND.as_str()))]
pub struct ObjectReference<K> {
    /// Name of the object.
    #[schemars(with = "ObjectName")]
    pub name: String,
    /// Namespace of the object. Defaults to the namespace of this object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NamespaceName>")]
    pub namespace: Option<String>,
    #[serde(skip)]
    kind: PhantomData<fn() -> K>,
}

/// A public address of this or another namespace of the same subscription, and what happens to it with the machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicIPAddressReference {
    /// The public address.
    #[serde(flatten)]
    pub to: ObjectReference<PublicIPAddress>,
    /// What happens to the public address when the virtual machine is deleted together with this network interface. Delete:
    /// it is deleted, too, which requires that it is in the same namespace. Detach: it stays. Defaults to Detach. May change
    /// at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_option: Option<DeleteOption>,
}

impl PublicIPAddressReference {
    /// A reference from an object to `target`.
    pub fn to(target: &Name, from: &Name, delete_option: DeleteOption) -> Self {
        Self { to: ObjectReference::to(target, from), delete_option: delete_option.described() }
    }

    /// The name that this means in an object called `from`.
    pub fn name_from(&self, from: &Name) -> Name {
        self.to.name_from(from)
    }
}

impl<K> LocalReference<K> {
    /// A reference to the object of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), kind: PhantomData }
    }

    /// A reference to `target`, which is in the same namespace.
    pub fn to(target: &Name) -> Self {
        Self::new(&*target.name)
    }

    /// The name that this means in the namespace of `from`.
    pub fn name_from(&self, from: &Name) -> Name {
        Name { namespace: from.namespace.clone(), name: self.name.as_str().into() }
    }
}

impl<K> ObjectReference<K> {
    /// A reference to the object of this name, in the namespace of the referring object if none is given.
    pub fn new(name: impl Into<String>, namespace: Option<String>) -> Self {
        Self { name: name.into(), namespace, kind: PhantomData }
    }

    /// A reference from an object to `target`; the namespace is left out where it is the same.
    pub fn to(target: &Name, from: &Name) -> Self {
        let foreign = target.namespace != from.namespace;
        Self::new(&*target.name, foreign.then(|| target.namespace.to_string()))
    }

    /// The name that this means in an object called `from`.
    pub fn name_from(&self, from: &Name) -> Name {
        let namespace = self.namespace.as_deref().map_or_else(|| from.namespace.clone(), Arc::from);
        Name { namespace, name: self.name.as_str().into() }
    }
}

/// A field of a spec that refers to an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReferenceField {
    /// The kind of object that it names.
    pub to: Kind,
    /// The kind whose spec has it.
    pub from: Kind,
    /// Where it stands, such as `spec/ipConfigurations/publicIPAddress`; items of lists take no step.
    pub path: String,
}

macro_rules! all {
    ($($kind:ident $module:ident,)*) => {
        /// Every reference field of every kind, by the kind that it names.
        pub fn all() -> Vec<ReferenceField> {
            let mut all = Vec::new();
            $(collect(Kind::$kind, &schema_of::<<$kind as Api>::Spec>(), "spec".to_owned(), &mut all);)*
            all.sort();
            all
        }
    };
}
for_each_kind!(all);

fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::openapi3().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<T>().into()
}

fn collect(from: Kind, schema: &Value, path: String, all: &mut Vec<ReferenceField>) {
    if let Some(to) = schema.get("x-vnet-kind").and_then(Value::as_str).and_then(Kind::named) {
        all.push(ReferenceField { to, from, path });
        return;
    }
    for (name, field) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        collect(from, field, format!("{path}/{name}"), all);
    }
    if let Some(items) = schema.get("items") {
        collect(from, items, path, all);
    }
}

/// The configuration by which kustomize renames references together with the objects that they name, as `namePrefix`,
/// `nameSuffix` and generated names ask for.
///
/// # Errors
/// If YAML cannot be written of it.
pub fn kustomize_configuration() -> Result<String, serde_saphyr::ser::Error> {
    let fields = all();
    let of = |to: Kind| fields.iter().filter(move |field| field.to == to);
    let spec = |field: &ReferenceField| json!({"group": GROUP, "version": VERSION, "kind": field.from.as_str(), "path": format!("{}/name", field.path)});
    let named = Kind::ALL.iter().copied().filter(|to| of(*to).next().is_some());
    let references = named.map(|to| {
        let specs: Vec<Value> = of(to).map(spec).collect();
        json!({"group": GROUP, "version": VERSION, "kind": to.as_str(), "fieldSpecs": specs})
    });
    let configuration = json!({"nameReference": references.collect::<Vec<_>>()});
    let text = serde_saphyr::to_string(&configuration)?;
    Ok(format!("# Generated by `vnet kustomize`; do not edit.\n{text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_field_of_the_kinds_is_listed() {
        let listed: Vec<String> =
            all().iter().map(|field| format!("{} {}: {}", field.from, field.path, field.to)).collect();
        assert_eq!(
            listed,
            [
                "Subnet spec/virtualNetwork: VirtualNetwork",
                "NetworkInterface spec/subnet: Subnet",
                "VirtualMachineScaleSet spec/virtualMachineProfile/networkProfile/networkInterfaceConfigurations/subnet: Subnet",
                "VirtualMachineScaleSetVM spec/networkProfileConfiguration/networkInterfaceConfigurations/subnet: Subnet",
                "PublicIPAddress spec/publicIPPrefix: PublicIPPrefix",
                "VirtualMachineScaleSet spec/virtualMachineProfile/networkProfile/networkInterfaceConfigurations/ipConfigurations/publicIPAddressConfiguration/publicIPPrefix: PublicIPPrefix",
                "VirtualMachineScaleSetVM spec/networkProfileConfiguration/networkInterfaceConfigurations/ipConfigurations/publicIPAddressConfiguration/publicIPPrefix: PublicIPPrefix",
                "NetworkInterface spec/ipConfigurations/publicIPAddress: PublicIPAddress",
                "VirtualMachine spec/networkProfile/networkInterfaces: NetworkInterface",
                "VirtualMachine spec/osProfile/networkInterfaces: NetworkInterface",
                "VirtualMachine spec/availabilitySet: AvailabilitySet",
                "VirtualMachineScaleSetVM spec/scaleSet: VirtualMachineScaleSet",
            ]
        );
    }
}
